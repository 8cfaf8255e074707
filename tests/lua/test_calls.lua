-- test_calls.lua -- formulas and criterion functions when the server calls them.
-- SPDX-License-Identifier: Apache-2.0
local H = require "harness"

local function formula(body, before)
  local S, desc, problems = H.load((before or "") .. 'score "s" { service = "x", formula = function(a)\n' .. body .. "\nend }")
  H.check(desc ~= nil, "the formula loads", H.show(problems and problems[1]))
  return S, desc.defs[#desc.defs].formula.fn
end

local function raises(S, n, args, count, expected, what)
  local ok, err = pcall(S.call, n, args, count)
  H.equal(ok and "no error" or err, expected, what)
end

local S, n = formula "return (a.x or 10) + count(a.list)"
S.name_args(n, { "x", "list", "rest" })
local value, used = S.call(n, { 3, { "p", "q" } }, 3)
H.equal(value, 5, "attributes by name")
H.equal(tostring(used[1]) .. tostring(used[2]) .. tostring(used[3]), "truetruenil", "what it looked at")
value = S.call(n, {}, 3)
H.equal(value, 10, "null is nil, and count(nil) is 0")

S, n = formula 'return a["g:x"] + a["h:x"]'
S.name_args(n, { "g:x", "h:x" })
H.equal((S.call(n, { 1, 2 }, 2)), 3, 'a["group:name"] where two groups share one')

S, n = formula "if a.x then return 1 end\nreturn 0"
S.name_args(n, { "x", "y" })
S.call(n, { 1, 2 }, 2)
local _, again = S.call(n, { nil, 2 }, 2)
H.check(again[1] and not again[2], "looked-at flags start anew")

S, n = formula "return a.num_veiws"
S.name_args(n, { "num_views" })
raises(S, n, { 1 }, 1, 't:2: the service has no attribute "num_veiws"; did you mean num_views?', "an unknown attribute")
S, n = formula "return pcall(function() return a.x.y end) and 1 or 2"
S.name_args(n, { "x" })
H.equal((S.call(n, {}, 1)), 2, "pcall works in a formula")
S, n = formula "return a.x"
S.name_args(n, { "x" })
raises(S, n, {}, 1, "t:1: the formula must return a number, not nil (nothing)", "nothing is no number")
raises(S, n, { 0 / 0 }, 1, "t:1: the formula must return a number, not " .. tostring(0 / 0), "NaN is no number")
S, n = formula "a.x = 3\nreturn 1"
raises(S, n, {}, 0, "t:2: attributes are read here, not set", "attributes cannot be set")
S, n = formula "for k in pairs(a) do log(k) end\nreturn 1"
raises(S, n, {}, 0, "t:2: the attributes are read by name, as in a.num_views", "pairs(a) would lie")
S, n = formula "return math.max(a.x or 0, 1) + logistic(0)"
S.name_args(n, { "x" })
H.equal((S.call(n, { 2 }, 1)), 2.5, "math.max and logistic")

-- Nothing is kept between calls; what changed is put back
S, n = formula("k = 1\nreturn 1")
raises(S, n, {}, 0, "t:2: a function keeps nothing between calls: write local k = …", "a global")
S, n = formula("c = c + 1\nreturn c", "local c = 0 ")
raises(S, n, {}, 0, "t:1: a function keeps nothing between calls: it changed c", "an upvalue")
raises(S, n, {}, 0, "t:1: a function keeps nothing between calls: it changed c", "an upvalue, the second time")
S, n = formula("bump()\nreturn 1", "local c = 0\nfunction bump() c = c + 1 end\n")
raises(S, n, {}, 0, "t:3: a function keeps nothing between calls: it changed c", "an upvalue of a helper")
S, n = formula("t.k = t.k + 1\nreturn t.k", "local t = { k = 1 }\n")
raises(S, n, {}, 0, 't:2: a function keeps nothing between calls: it changed a table, at "k"', "a table")
S, n = formula("table.insert(list, 1)\nreturn #list", "list = {}\n")
raises(S, n, {}, 0, "t:2: a function keeps nothing between calls: it changed a table, at 1", "a table that has a name")
raises(S, n, {}, 0, "t:2: a function keeps nothing between calls: it changed a table, at 1", "and is empty again the second time")
S, n = formula("local t = { 3, 1, 2 }\ntable.sort(t)\nt.k = 1\nreturn t[1] + w.x", "local w = { x = 5 }\n")
H.equal((S.call(n, {}, 0)), 6, "its own tables are its own")
S, n = formula("local b = w\nb.inner.x = 9\nerror 'no'", "local w = { inner = { x = 1 } }\n")
raises(S, n, {}, 0, "t:5: no", "an error")
raises(S, n, {}, 0, "t:5: no", "and again")
S, n = formula("string.x = 1\nreturn 1")
raises(S, n, {}, 0, "t:2: string cannot be changed", "a library")

-- Criterion functions
local desc, problems
S, desc, problems = H.load [[
attribute_group "g" { attribute_key = "user_id", attributes = {
  a = counter():on(page_view):where(criterion(atomic.page_url, atomic.txn_id, function(url, n)
    return #url > n
  end)) } }
]]
H.check(desc, "a criterion function loads", H.show(problems[1]))
n = desc.defs[1].attributes[1].criteria.fn
H.equal(S.function_info[n].kind .. " " .. S.function_info[n].rule .. " " .. S.function_info[n].line, 'criterion attribute_group "g" 2',
  "what is known of the function")
H.equal(S.call(n, { "abc", 2 }, 2), true, "it holds")
H.equal(S.call(n, { "abc", 3 }, 2), false, "it does not")
H.equal(S.call(n, { nil, 3 }, 2), false, "not called with a null")
raises(S, n, { "abc", "x" }, 2, "t:3: attempt to compare string with number", "its error has a line")

-- The same file gives the same numbers in every state
local function numbers()
  local s, d = H.load [[
    local f = criterion(atomic.app_id, function(x) return x == "a" end)
    attribute_group "g" { attribute_key = "user_id", attributes = { b = counter():on(page_view):where(f), a = counter():on(page_ping):where(f) } }
    score "s" { service = "x", formula = function() return 1 end }
    test("t", function() end)]]
  return #s.functions .. " " .. d.defs[1].attributes[1].criteria.fn .. d.defs[1].attributes[2].criteria.fn .. d.defs[2].formula.fn .. d.defs[3].fn
end
H.equal(numbers(), "3 1123", "functions are numbered in the order written, each once")
H.equal(numbers(), numbers(), "and so every time")

-- Formulas are tried at load
S, desc = H.load('score "s" { service = "x", formula = function(a)\n return a.x\nend }\nscore "r" { service = "x", formula = function(a) return a.b + 1 end }')
problems = S.try_formulas()
H.equal(H.show(problems[1]), 't:1: score "s": the formula must return a number, not nil (nothing)', "tried with every attribute null")
H.equal(H.show(problems[2]), 't:4: score "r": a.b can be null: write (a.b or 0)', "every formula is tried")
