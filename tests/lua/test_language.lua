-- test_language.lua -- the language sentence by sentence: what each way of writing leaves behind.
-- SPDX-License-Identifier: Apache-2.0
local H = require "harness"

local HEAD = [[
shop = event "com.acme/shop/2-0-0"
product = entity "com.acme/product/3"
]]

local function load(text)
  local S, desc, problems = H.load(HEAD .. text)
  local p = H.first_error(problems)
  return desc or { defs = {} }, p and H.show(p), S, problems
end

local function group_of(attributes)
  local desc, err = load('attribute_group "g" { attribute_key = "domain_userid", attributes = {\n' .. attributes .. "\n} }")
  return desc.defs[1] or {}, err
end

-- The one attribute `x` that the text describes, without its name and line.
local function is(text, expected, what)
  local group, err = group_of("x = " .. text .. ",")
  local got = H.without_lines(group.attributes and group.attributes[1]) or err
  if type(got) == "table" then
    got.name = nil
  end
  H.equal(H.text(got), H.text(expected), what or text)
end

local shop = { vendor = "com.acme", name = "shop", version = "2-0-0" }
local function prop(path)
  return { kind = "event", vendor = "com.acme", name = "shop", major = 2, path = path }
end
local function entity(path, index)
  return { kind = "entity", vendor = "com.acme", name = "product", major = 3, index = index or 0, path = path }
end
local function counter(more)
  local out = { aggregation = "counter", type = "int32", events = { shop } }
  for key, value in pairs(more or {}) do
    out[key] = value
  end
  return out
end
local function leaf(op, property, value)
  return { op = op, property = property, value = value }
end

-- Builders
is("counter():on(shop)", counter())
is("counter():on(shop):within(days(7))", counter { period = 604800000 })
is("counter():on(shop):within(weeks(1))", counter { period = 604800000 })
is("counter():on(shop):within(hours(1.5))", counter { period = 5400000 })
is("counter():on(shop):ttl(minutes(2))", counter { ttl = 120000 })
is("counter():on(shop):within(seconds(1))", counter { period = 1000 })
is('counter():on(shop):default(0):as "int64":describe "how often"',
   counter { default = 0, type = "int64", description = "how often" })
is("counter():within(days(1)):on(shop)", counter { period = 86400000 }, "steps in any order")
is('counter():on(shop):where(shop.type:eq "a"):where(shop.x:gt(1))',
   counter { criteria = { all = { leaf("eq", prop "type", "a"), leaf("gt", prop "x", 1) } } }, "a second where narrows")
is('counter():on(shop:where(shop.type:eq "a"))', counter { criteria = leaf("eq", prop "type", "a") },
   ":on(shop:where(c)) is :on(shop):where(c)")
is('counter():on(shop:where(shop.type:eq "a"):where(shop.y:lt(2))):where(shop.x:gt(1))',
   counter { criteria = { all = { leaf("eq", prop "type", "a"), leaf("lt", prop "y", 2), leaf("gt", prop "x", 1) } } })
is('counter():on(shop:where(shop.type:eq "a"), page_view)', counter { events = {
  { vendor = "com.acme", name = "shop", version = "2-0-0", criteria = leaf("eq", prop "type", "a") },
  { vendor = "com.snowplowanalytics.snowplow", name = "page_view" },
} }, "narrowed events among several keep their criteria")

-- Events and entities
for text, expected in pairs {
  ["v/n/1-0-0"] = { vendor = "v", name = "n", version = "1-0-0" }, ["v/n"] = { vendor = "v", name = "n" }, v = { vendor = "v" },
  ["v/*/1-0-0"] = { vendor = "v", version = "1-0-0" }, ["*/n"] = { name = "n" }, ["*"] = {},
  ["iglu:com.v/n/jsonschema/2-0-1"] = { vendor = "com.v", name = "n", version = "2-0-1" },
} do
  is(('counter():on(event "%s")'):format(text), counter { events = { expected } }, "event " .. text)
end
is('last((event "v/n").a):on(shop)', { aggregation = "last", events = { shop },
   property = { kind = "event", vendor = "v", name = "n", path = "a" } }, "a property of an event without version is of any")
is('last((entity "v/n/2").a):on(shop)', { aggregation = "last", events = { shop },
   property = { kind = "entity", vendor = "v", name = "n", major = 2, index = 0, path = "a" } })
is('last((entity "iglu:v/n/jsonschema/2-0-0").a):on(shop)', { aggregation = "last", events = { shop },
   property = { kind = "entity", vendor = "v", name = "n", major = 2, index = 0, path = "a" } })

-- After a dot a property, after a colon a verb
local function last(property)
  return { aggregation = "last", events = { shop }, property = property }
end
is("last(shop.where):on(shop)", last(prop "where"))
is("last(shop.name):on(shop)", last(prop "name"))
is("last(shop.kind.line.with):on(shop)", last(prop "kind.line.with"))
is("last(product.items[0].price):on(shop)", last(entity "items[0].price"))
is("last(product[1].price):on(shop)", last(entity("price", 1)))
is('last(product["agent-name"]):on(shop)', last(entity "agent-name"))
is('last(product["$.a.b[2]"]):on(shop)', last(entity "a.b[2]"))
is('last(shop["end"].x):on(shop)', last(prop "end.x"))
is('last(shop["[\\"odd name\\"]"]):on(shop)', last(prop '["odd name"]'))
is('last(shop.a["odd name"].b):on(shop)', last(prop 'a["odd name"].b'))
is('counter():on(shop):where(shop.eq:eq "x")', counter { criteria = leaf("eq", prop "eq", "x") })
is('counter():on(shop):where(shop.where.like:like "%x")', counter { criteria = leaf("like", prop "where.like", "%x") })

-- Types follow from the aggregation
local function typed(text, type_name)
  local group = group_of("x = " .. text .. ":on(shop),")
  H.equal(group.attributes and group.attributes[1].type, type_name, "type of " .. text)
end
for name, type_name in pairs { sum = "double", min = "double", max = "double", mean = "double", approx_count_distinct = "int32",
                               category_count = "dict" } do
  typed(name .. "(shop.x)", type_name)
end
typed("unique_list(atomic.app_id)", "string_list")
typed("unique_list(atomic.txn_id)", "int32_list")
typed("unique_list(shop.x)", nil)
typed("last(shop.x)", nil)
typed("first(atomic.page_url)", "string")
typed("most_frequent(atomic.se_value)", "double")
typed("least_frequent(atomic.br_cookies)", "bool")
typed("last(atomic.page_urlport)", "int32")
typed("last(atomic.derived_tstamp)", nil)
typed('unique_list(shop.x):as "int64_list"', "int64_list")
is('unique_list(shop.x):on(shop):default { "a" }',
   { aggregation = "unique_list", events = { shop }, property = prop "x", default = { "a" } })

-- Criteria
is("counter():on(shop):where(shop.x:is_null())", counter { criteria = leaf("is_null", prop "x") })
is("counter():on(shop):where(shop.x:in_list { 1, 'a' })", counter { criteria = leaf("in_list", prop "x", { 1, "a" }) })
is('counter():on(shop):where(any { shop.x:lte(1), none { shop.y:neq "b", atomic.app_id:eq "c" } })', counter { criteria = { any = {
  leaf("lte", prop "x", 1),
  { none = { leaf("neq", prop "y", "b"), leaf("eq", { kind = "atomic", name = "app_id" }, "c") } } } } }, "nested")
is('counter():on(shop):where(all { all { shop.a:eq(1), shop.b:eq(2) }, shop.c:eq(true) })', counter { criteria = { all = {
  leaf("eq", prop "a", 1), leaf("eq", prop "b", 2), leaf("eq", prop "c", true) } } }, "all in all is one all")
is("counter():on(shop):where(criterion(shop.a, product.b, function(a, b) return a == b end))",
   counter { criteria = { fn = 1, properties = { prop "a", entity "b" } } })

-- Order of attributes: as written, or as made
local function order(text, expected, what)
  local desc, err = load(text)
  local got = {}
  for i, attr in ipairs(desc.defs[1] and desc.defs[1].attributes or {}) do
    got[i] = attr.name
  end
  H.equal(err or table.concat(got, " "), expected, what)
end
order([[
local pv = counter():on(page_view)
attribute_group "g" { attribute_key = "user_id", attributes = {
  z = counter():on(shop), b = pv:within(days(1)), a = pv, ["2nd"] = counter():on(shop), c = pv } }]], "z b a 2nd c",
  "attributes keep the order in which they are written")
order([[
local made = {}
for _, d in ipairs { 30, 7, 1 } do
  made["l" .. d] = counter():on(shop):within(days(d))
end
attribute_group "g" { attribute_key = "user_id", attributes = made }]], "l30 l7 l1", "or made, when a loop makes the table")
order([[
local made = {}
for name, d in pairs { z = 1, a = 2, m = 3 } do
  made[name] = counter():on(shop):within(days(d))
end
attribute_group "g" { attribute_key = "user_id", attributes = made }]], "a m z", "pairs goes in sorted order")
order([[
attribute_group "h" { attribute_key = "user_id", attributes = { a = counter():on(shop), b = counter():on(shop) } }
attribute_group "g" { attribute_key = "user_id", attributes = { b = counter():on(shop), a = counter():on(shop) } }]], "a b",
  "two tables of the same names")

-- Interventions
local function rule(fields)
  local desc, err = load('intervention "i" {\n' .. fields .. "\n}")
  return H.without_lines(desc.defs[1]) or {}, err
end
H.same_tree(rule [[ when = attribute "g:a":gt(3) ]],
  { kind = "intervention", name = "i", version = 1, when = { op = "gt", attribute = "g:a", value = 3 } }, "an intervention")
H.same_tree(rule([[ when = all { attribute "g:a":changed(), none { attribute "g_v2:b":rlike "^x" } } ]]).when,
  { all = { { op = "changed", attribute = "g:a" }, { none = { { op = "rlike", attribute = "g_v2:b", value = "^x" } } } } }, "nested when")
H.same_tree(rule([[ when = criterion(attribute "g:a", attribute "g:b", function(a, b) return a > b end) ]]).when,
  { fn = 1, attributes = { "g:a", "g:b" } }, "a function over attributes")
H.same_tree(rule([[ when = shop:where(shop.type:eq "a"), target_attribute_keys = { "user_id" } ]]).when,
  { events = { { vendor = "com.acme", name = "shop", version = "2-0-0", criteria = leaf("eq", prop "type", "a") } } }, "when is an event")
H.same_tree(rule([[ when = attribute "g:a":gt(3), version = 2, owner = "o", description = "d",
  payload = { code = "X", n = 2, yes = true, value = attribute "g:v", page = atomic.page_url, id = shop.id } ]]), {
  kind = "intervention", name = "i", version = 2, owner = "o", description = "d", when = { op = "gt", attribute = "g:a", value = 3 },
  payload = { code = "X", n = 2, yes = true, value = { attribute = "g:v" }, page = { property = { kind = "atomic", name = "page_url" } },
              id = { property = prop "id" } } }, "all fields")

-- Keys, services, versions
local desc = load 'attribute_key "cart_id" { property = shop.cart.id, ttl = days(30), description = "a cart" }'
H.same_tree(desc.defs[1], { kind = "attribute_key", name = "cart_id", property = prop "cart.id", ttl = 2592000000,
                            description = "a cart" }, "an attribute key")
desc = load 'service "s" { owner = "o", attribute_groups = { "g", "h_v2" } }'
H.same_tree(desc.defs[1], { kind = "service", name = "s", owner = "o", attribute_groups = { "g", "h_v2" } }, "a service")
desc = load 'attribute_group "g" { version = 3, attribute_key = "cart_id", ttl = days(1), attributes = { a = counter():on(shop) } }'
H.equal(desc.defs[1].version .. " " .. desc.defs[1].ttl .. " " .. desc.defs[1].attribute_key, "3 86400000 cart_id", "a group's fields")

-- Lines: of the step, of the key, of the field
local S -- luacheck: ignore
local _, err
_, err = load "local a = counter()\n  :on(shop)\n  :within(7)"
H.equal(err, "t:5: :within needs a duration such as days(7), not 7", "the line of a step in a chain")
_, err = load "local function views(d)\n  local v = counter():on(shop):within(d)\n  return v\nend\nlocal a = views(7)"
H.equal(err, "t:4: :within needs a duration such as days(7), not 7", "the line inside a helper of the file")
_, err = load "local function views(d)\n  return counter():on(shop):within(d)\nend\nlocal a = views(7)"
H.equal(err, "t:6: :within needs a duration such as days(7), not 7", "a tail call loses its line: the caller's")
desc = load 'attribute_group "g" { attribute_key = "user_id",\n attributes = {\n  a = counter():on(shop),\n  b = counter()\n    :on(shop),\n} }'
H.equal(desc.defs[1].line .. " " .. desc.defs[1].attributes[1].line .. " " .. desc.defs[1].attributes[2].line, "3 5 6", "lines of attributes")

-- Words of the file's own
local words_error
S, desc, words_error = H.load("x = 1", "t", "shop = event 'a/b'\nservice 'x' { attribute_groups = { 'g' } }")
H.equal(H.show(words_error and words_error[1]), "rules/words.lua:2: rules/words.lua only gives names; service stands in a file of its own",
  "words.lua only gives names")
S, desc, words_error = H.load("attribute_group 'g' { attribute_key = 'user_id', attributes = { a = views(7) } }", "t",
  "shop = event 'a/b'\nfunction views(d)\n  return counter():on(shop):within(days(d))\nend\nunused = shop.a:eq(1)")
H.equal(desc and desc.defs[1].attributes[1].period, 604800000, "functions and durations in words.lua")
_, _, words_error = H.load("local a = vews(7)", "t", "function views(d) return days(d) end")
H.equal(H.show(words_error[1]), "t:1: unknown word vews; did you mean views?", "did you mean a name of words.lua")

-- Warnings
local function warning(text, expected, what)
  local _, e, _, problems = load(text)
  H.equal(e or H.show(problems[1]), expected, what)
end
warning([[
attribute_group "g" { attribute_key = "user_id", attributes = { a = counter():on(shop) } }
intervention "i" { when = attribute "g:a":gt(3) }]],
  't:4: warning: intervention "i": this fires once for each identifier and never again: what it reads only grows; give the attribute '
  .. ':within(days(30)), or it or its group a ttl', "a rule that can never fire again")
for _, ttl in ipairs { "", ", ttl = days(2)" } do
  local _, e, _, problems = load('attribute_key "cart" { property = shop.cart_id' .. ttl .. [[ }
attribute_group "g" { attribute_key = "cart", attributes = { a = counter():on(shop) } }
intervention "i" { when = attribute "g:a":gt(3) }]])
  H.equal(e or #problems, ttl == "" and 1 or 0, "a key that forgets lets a rule fire again" .. ttl)
end
warning([[
attribute_group "g" { attribute_key = "user_id", attributes = { a = counter():on(shop):within(days(1)), b = sum(shop.x):on(shop) } }
intervention "i" { when = any { attribute "g:a":gt(3), attribute "g:b":gt(3) } }]], "no problem", "rules that can")
warning('attribute_key "k" {\n  property = atomic.tr_total,\n}',
  't:4: warning: attribute_key "k": atomic.tr_total is an amount, and a key is a text or a whole number: events with a fraction '
  .. "will not have it", "an amount hardly identifies")
warning([[local c = counter():on(page_view):where(page_view.page_url:like "%a%")
attribute_group "g" { attribute_key = "user_id", attributes = { a = c } }]],
  "t:3: warning: this event has no data of its own, so page_view.page_url is always null: write atomic.page_url",
  "page views have no data of their own")

-- Editors know every word
local meta, lint = H.read "lua/_meta.lua", H.read ".luacheckrc"
local vocabulary = H.load_module "vocabulary"
for _, word in pairs(vocabulary.words) do
  H.check(meta:find("function " .. word.name .. "(", 1, true) or meta:find("\n" .. word.name .. " =", 1, true), "lua/_meta.lua has " .. word.name)
  H.check(lint:find('"' .. word.name .. '"', 1, true), ".luacheckrc has " .. word.name)
end
for name in pairs(vocabulary.operators) do
  H.check(meta:find(":" .. name .. "(", 1, true), "lua/_meta.lua has :" .. name)
end
for name in pairs(vocabulary.steps) do
  H.check(meta:find(":" .. name .. "(", 1, true), "lua/_meta.lua has :" .. name)
end
for _, word in ipairs(H.L.words) do
  H.check(word.name and word.kind and word.form and type(word.help) == "string", "help of " .. tostring(word.name))
end
