-- test_identity.lua -- what changes a criterion function's identity, and what does not.
-- SPDX-License-Identifier: Apache-2.0
local H = require "harness"

local GROUP = [[attribute_group "g" { attribute_key = "user_id", attributes = {
  a = counter():on(page_view):where(%s) } }
]]

-- The identity of the function in `fn`, with `above` above the group that uses it; false when it has none.
local function identity(fn, above, words)
  local where = string.gsub("criterion(atomic.page_url, " .. fn .. ")", "%%", "%%%%")
  local text = (above or "") .. string.gsub(GROUP, "%%s", where)
  local _, desc, problems = H.load(text, "t", words and H.words .. words)
  H.check(desc, "loads: " .. text, H.show(problems[1]))
  return desc and desc.defs[#desc.defs].attributes[1].criteria.identity or false
end

local function same(a, b, what)
  H.check(a and a == b, "the same: " .. what, tostring(a) .. "\n    " .. tostring(b))
end

local function another(a, b, what)
  H.check(a and b and a ~= b, "another: " .. what, tostring(a) .. "\n    " .. tostring(b))
end

-- The text
local FN = "function(url)\n    return #url > 10\n  end"
local plain = identity(FN)
same(plain, identity(FN), "nothing changed")
same(plain, identity(FN, "-- a comment\n"), "a comment above")
same(plain, identity(FN, "--[[ a function(url)\n of 'two\n lines ]]\n\n\n"), "a long comment and blank lines")
same(plain, identity(FN, 'local note = [[\nfunction(url)\n return "]] log(note)\n'), "a text of two lines")
same(plain, identity(FN, "other = function(a)\n  return a - 1\nend\nlocal x, y = 3, 4 log(x - y)\n"), "other functions, other locals")
same(plain, identity("function(url) -- why\n\n return #url > 10 --[[ that ]] end"), "comments inside, lines moved")
same(plain, identity((string.gsub(FN, "\n", "\r\n")), "-- \r\n"), "ends of lines of another system")
another(plain, identity((string.gsub(FN, "10", "11"))), "a constant")
another(plain, identity((string.gsub(FN, ">", ">="))), "an operator")
another(plain, identity((string.gsub(FN, "url", "u"))), "a parameter")
another(identity 'function(url) return url == "-- a" end', identity 'function(url) return url == "-- b" end', "what looks like a comment")

local _, desc = H.load([[
local by_name = criterion(atomic.page_url, function(url) return #url > 3 end)
attribute_group "g" { attribute_key = "user_id", attributes = {
  a = counter():on(page_view):where(by_name),
  b = counter():on(page_ping):where(criterion(atomic.page_url, function(url) return #url > 3 end)),
  c = counter():on(page_ping):where(all { criterion(atomic.app_id, function(x) return #x > 3 end),
    criterion(atomic.page_url, function(url) return #url > 4 end) }),
  d = counter():on(page_ping):where(any { criterion(atomic.app_id, function(x) return #x > 3 end), criterion(atomic.page_url, function(x) return #x > 4 end) }),
} }
intervention "i" { target_attribute_keys = { "user_id" }, when = criterion(attribute "g:a", function(url) return #url > 3 end) }
]])
local attrs = desc.defs[1].attributes
same(attrs[1].criteria.identity, attrs[2].criteria.identity, "written twice")
same(attrs[1].criteria.identity, desc.defs[2].when.identity, "over an attribute")
another(attrs[3].criteria.all[1].identity, attrs[3].criteria.all[2].identity, "two in two lines")
H.check(attrs[4].criteria.any[1].identity == nil and attrs[4].criteria.any[2].identity == nil,
  "two functions in one line that differ only inside: not told from each other")

-- Upvalues
local UP = "function(url) return #url > least end"
local up = identity(UP, "local least = 3\n")
same(up, identity(UP, "local most = 5 log(most)\n\nlocal least = 2 + 1 -- three\n"), "an upvalue as before")
another(up, identity(UP, "local least = 4\n"), "an upvalue's value")
another(up, identity(UP, "local least = '3'\n"), "an upvalue's type")
another(up, identity(UP, "least = 3\n"), "no longer an upvalue")
local MAKE = "local function above(n)\n  return function(url) return #url > n end\nend\n"
same(identity("above(3)", MAKE), identity("above(3)", "\n" .. MAKE), "made by a function")
another(identity("above(3)", MAKE), identity("above(4)", MAKE), "made with another value")
local LIST = "function(url) return known[url] end"
same(identity(LIST, "local known = { a = true, b = true }\n"), identity(LIST, "local known = { b = true, a = true }\n"), "a table's order of names")
another(identity(LIST, "local known = { a = true }\n"), identity(LIST, "local known = { a = true, b = true }\n"), "a table")
another(identity(LIST, "known = { { 1 } }\n"), identity(LIST, "known = { { 2 } }\n"), "a table in a table")
another(identity("function(u) return p == q end", "local p = { 1 } local q = p\n"),
  identity("function(u) return p == q end", "local p = { 1 } local q = { 1 }\n"), "one table, or two that are alike")
H.check(not identity(LIST, "local known = { 1, nil, 3 }\n"), "a list with holes: no identity")
H.check(identity(LIST, "local known = {} known.me = known\n"), "a table that holds itself")
another(identity("function(u) return get() end", "local n = 0 local function get() n = n + 1 return n + 1 == 2 end\n"),
  identity("function(u) return get() end", "local n = 1 local function get() n = n + 1 return n + 1 == 2 end\n"), "an upvalue's upvalue")

-- Names of the file and of words.lua
local HELP = "function(url) return long(url) end"
local help = identity(HELP, "function long(u) return #u > limit end limit = 3\n")
same(help, identity(HELP, "limit = 3\n-- what is long\nfunction long(u)\n  return #u > limit\nend\nelse_where = 3\n"), "a helper moved")
another(help, identity(HELP, "function long(u) return #u >= limit end limit = 3\n"), "a helper's text")
another(help, identity(HELP, "function long(u) return #u > limit end limit = 4\n"), "what a helper uses")
another(help, identity(HELP, "local limit = 3 function long(u) return #u > limit end\n"), "what a helper uses, elsewhere")
same(help, identity(HELP, nil, "limit = 3\nfunction long(u) return #u > limit end\n"), "a helper that went to words.lua")
another(help, identity(HELP, nil, "limit = 3\nfunction long(u) return #u < limit end\n"), "a helper in words.lua")
another(identity(HELP, nil, "limit = 3\nfunction long(u) return #u > limit end\n"),
  identity(HELP, nil, "limit = 4\nfunction long(u) return #u > limit end\n"), "what a helper in words.lua uses")
same(plain, identity(FN, nil, "-- more\nother = 4\nfunction another(u) return u end\n"), "another name in words.lua")
same(plain, identity(FN, nil, "url = 'a name that the parameter hides'\n"), "a name that a parameter hides")
local SELF = "local function down(n) return n > 0 and down(n - 1) end\n"
H.check(identity("function(u) return down(#u) end", SELF), "a function that calls itself")
another(identity("function(u) return even(#u) end", "function even(n) return n == 0 or odd(n - 1) end\nfunction odd(n) return n ~= 0 and even(n - 1) end\n"),
  identity("function(u) return even(#u) end", "function even(n) return n == 0 or odd(n - 1) end\nfunction odd(n) return n ~= 1 and even(n - 1) end\n"),
  "two that call each other")
another(identity("function(u) return f(u) end", "local f = string.lower\n"), identity("function(u) return f(u) end", "local f = string.upper\n"),
  "a function of Lua's")
another(identity("function(u) return t:m(u) end", "t = {} function t:m(u) return u end\n"),
  identity("function(u) return t:m(u) end", "t = {} function t:m(u) return not u end\n"), "a method")
same(identity("function(...) return #... > 1 end"), identity("function(...)\n return #... > 1 end"), "any number of parameters")

-- What cannot be told
H.check(not identity "function(u) return pcall(error, u) end", "pcall hands out line numbers: no identity")
H.check(not identity("function(u) return try(error, u) end", "local try = pcall\n"), "pcall by another name")
H.check(not identity("function(u) return url end", "local url = atomic.page_url\n"), "a thing of the language")
H.check(not identity("function(u) return page_view end"), "a thing that has a name")
H.check(not identity "function\n(url) return #url > 10 end", "a ( in another line")
H.check(not identity "function(url) return (function(url) return #url end)(url) end", "alike inside, in one line")
H.check(not identity("function(u) return known[u] end", "local known = { '" .. string.rep("x", 70000) .. "' }\n"), "more than fits")
H.check(not identity(LIST, "local known = {} for i = 1, 10000 do known[i] = i end\n"), "a table of too many keys")
