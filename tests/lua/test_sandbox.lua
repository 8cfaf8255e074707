-- test_sandbox.lua -- what a rule file can reach, and what it cannot.
-- SPDX-License-Identifier: Apache-2.0
local H = require "harness"

-- Exactly these names, and the language's words.
local _, desc, problems
local allowed = "assert bit error ipairs log math next pairs pcall rawequal select string table tonumber tostring type unpack"
for name in allowed:gmatch "%a+" do
  _, desc, problems = H.load("local x = " .. name)
  H.check(desc, name .. " is there", H.show(problems[1]))
end
for name in pairs(_G) do
  if not (" " .. allowed .. " "):find(" " .. name .. " ", 1, true) and not H.load_module("vocabulary").words[name] then
    _, desc = H.load("local x = " .. name)
    H.check(not desc, name .. " is not there")
  end
end
for _, name in ipairs { "string.dump", "table.move", "table.foreach", "math.random", "math.randomseed", "string.foo" } do
  _, desc = H.load("local x = " .. name)
  H.check(not desc, name .. " is not there")
end

local function runs(text, what)
  local _, d, p = H.load(text)
  H.check(d ~= nil, what or text, d and "" or H.show(p[1]))
end
local function refused(text, expected)
  local _, d, p = H.load(text)
  H.equal(d and "it runs" or H.show(p[1]), expected, text)
end

runs 'local s = ("x"):rep(3) if s ~= "xxx" then error "rep" end'
runs 'if tostring(page_view) ~= "page_view" or tostring({}) ~= "table" or tostring(1) ~= "1" then error "tostring" end'
runs 'local t = {} for k in pairs { b = 1, a = 2, [2] = 1, [1] = 1, [true] = 1 } do t[#t + 1] = tostring(k) end if table.concat(t, " ") ~= "1 2 a b true" then error(table.concat(t, " ")) end'
runs 'local t = { c = 1, a = 2 } local k, v = next(t) if k ~= "a" or v ~= 2 or next(t, k) ~= "c" or next(t, "c") ~= nil or next {} ~= nil then error "next" end'
runs 'local t = { a = 1, b = 2 } for k in pairs(t) do t[k] = nil end if next(t) then error "cleared" end'
runs 'local t = { 3, 1, 2 } table.sort(t) table.insert(t, 9) if table.remove(t) ~= 9 or t[1] ~= 1 then error "table" end'
runs 'local ok, why = pcall(error, "x") if ok or why ~= "x" then error "pcall" end'
refused("for k in pairs(page_view) do end", "t:1: pairs takes a table, and page_view is a description")
refused("table.insert(page_view, 1)", "t:1: table.insert takes a table, and page_view is a description")
refused("table.insert(string, 1)", "t:1: a library cannot be changed")
refused("string.upper = 1", "t:1: string cannot be changed")
refused("local t = { [{}] = 1 } for k in pairs(t) do end",
        "t:1: pairs goes in the order of the keys, and they are texts or numbers here, not a table")
refused("local x = ipairs(nil)", "t:1: ipairs takes a table, not nil (nothing)")
refused("error { }", "t:1: error(…) was called with a table: give it a text")
refused('local x = ("x"):foo()', "t:1: there is no string.foo in rules")
refused("ipairs = 1", "t:1: ipairs is a word of the language: choose another name")
refused("local x = atomic.contexts", 't:1: atomic.contexts holds many things: name one with entity "vendor/name/1"')
refused("local x = page_view[1]", "t:1: only entities are numbered, not page_view")
