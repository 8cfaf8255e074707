-- traps.lua -- what people write who are new to the language, each with the message it deserves.
--
-- { name, the file's text, "LINE: message" }, or LOADS. Four lines stand before most of them: see HEAD.
-- SPDX-License-Identifier: Apache-2.0
local HEAD = [[
-- lines 1 to 4
shop = event "com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action"
product = entity "com.snowplowanalytics.snowplow.ecommerce/product/1"
yauaa = entity "nl.basjes/yauaa_context/1"
]]
local LOADS = false

local function alone(text)
  return text
end

local function after(text)
  return HEAD .. text
end

-- attributes of a group, from line 8
local function attributes(text)
  return after('attribute_group "g" {\n  attribute_key = "domain_userid",\n  attributes = {\n' .. text .. "\n  },\n}\n")
end

-- a criterion, in line 8
local function where(text)
  return attributes("    a = counter():on(shop):where(" .. text .. "),")
end

-- what an intervention waits for, in line 6, and other fields from line 7
local function when(text, more)
  return after('intervention "i" {\n  when = ' .. text .. ",\n" .. (more and "  " .. more .. "\n" or "") .. "}\n")
end

return {
  { "shop.where / name / index / on / with / eq", attributes([=[    a = counter():on(shop):where(all { shop.where:eq "x", product.name:eq "y", product.index:gt(2), shop.eq:eq "z", product.like:like "%a%", shop.with:neq "q", shop.type:is_null() }),
    b = last(product.items[0].price):on(shop),
    c = last(product["items[0].price"]):on(shop),
    d = last(yauaa["agent-name"]):on(shop),
    e = last(yauaa["3d"]):on(shop),
    f = last(shop["end"]):on(shop),
    g = last(product[1].price):on(shop),
    ["2nd_price"] = last(product.parent):on(shop),]=]), LOADS },
  { "loop", after([=[local attributes = {}
for _, d in ipairs { 7, 30 } do
  attributes["num_page_views_l" .. d .. "d"] = counter():on(page_view):within(days(d))
  attributes["num_shop_l" .. d .. "d"] = counter():on(shop):within(days(d))
end
attribute_group "g" { attribute_key = "domain_userid", attributes = attributes }
]=]), LOADS },
  { "helper + immutable", after([=[local function views(d) return counter():on(page_view):within(days(d)) end
local pv = counter():on(page_view)
local cart = shop:where(shop.type:eq "add_to_cart")
attribute_group "g" { attribute_key = "domain_userid", attributes = {
  z = views(7), y = views(30), x = pv:within(days(1)), w = pv, v = counter():on(cart), u = counter():on(shop), t = sum(cart.price):on(cart) } }
]=]), LOADS },
  { "and", where('shop.type:eq "a" and shop.x:eq "b"'), "8: criteria are joined with all { …, … }, not with and" },
  { "or", where('shop.type:eq "a" or shop.x:eq "b"'), "8: criteria are joined with any { …, … }, not with or" },
  { "not", where('not shop.type:eq "a"'), "8: criteria are joined with none { …, … }, not with not" },
  { "==", where('shop.type == "a"'), "8: write :eq(…) instead of ==" },
  { "== two props", where("shop.type == shop.kind"), "8: write :eq(…) instead of ==" },
  { ">", when('attribute "g:a" > 3'), "6: write :gt(…) instead of >" },
  { "~=", when('attribute "g:a" ~= 3'), "6: write :neq(…) instead of ~=" },
  { "attr and attr", when('attribute "g:a":gt(3) and attribute "g:b":gt(1)'), "6: criteria are joined with all { …, … }, not with and" },
  { "dot for colon", where('shop.type.eq "a"'), "8: write ':' before eq, not '.'" },
  { "dot for colon 2", attributes("    a = counter().on(shop),"), "8: write ':' before on, not '.'" },
  { "no op", where('shop.type "a"'), "8: shop.type is a property: compare it with :eq, :gt, :like …" },
  { "bad op", where('shop.type:equals "a"'), "8: shop.type: no operator :equals: here it is called :eq" },
  { "bad op 2", where('atomic.page_url:lik "%a%"'), "8: atomic.page_url: no operator :lik; did you mean like?" },
  { "contains", where('atomic.page_url:contains "a"'), '8: atomic.page_url: no operator :contains: here it is called :like "%…%"' },
  { "atomic op", where('shop.type:not_like "%a%"'), "8: shop.type: no operator :not_like on events, only on attributes" },
  { "event:eq", where('shop:eq "a"'), "8: shop is an event and has no :eq(…): compare a property, as in shop.NAME:eq(…)" },
  { "bad atomic", where('atomic.page_urlpth:eq "a"'), "8: atomic has no property 'page_urlpth'; did you mean page_urlpath?" },
  { "like no %", where('atomic.page_url:like "*pricing*"'), LOADS },
  { "gt string", where('shop.x:gt "3"'), '8: :gt takes a number, not "3"' },
  { "in_list no list", where('shop.x:in_list "a"'), '8: :in_list takes a list, as in :in_list { "a", "b" }' },
  { "is_null no ()", when('attribute "g:a":is_null'), "6: :is_null needs () after it" },
  { "rlike on an event", where('atomic.page_url:rlike "x"'), '8: atomic.page_url: no operator :rlike on events: there is :like "%…%", or criterion(…)' },
  { "operator as a word", where('like(atomic.page_url, "x")'), '8: unknown word like: compare a property or an attribute with :like, as in atomic.page_url:like "%pricing%"' },
  { "key without quotes", after('attribute_group "g" {\n  attribute_key = user_id,\n}'), '6: unknown word user_id: the name of an attribute key stands in quotes, "user_id"' },
  { "block name without quotes", after('attribute_group cart {\n}'), '5: a name stands in quotes: write attribute_group "cart" {' },
  { "group as a word", attributes("    a = counter():on(shop),") .. 'intervention "i" { when = g.a:gt(3) }',
    '11: unknown word g: what is in this group is written attribute "g:NAME"' },
  { "blank in an attribute's name", attributes('    b = counter():on(shop),\n    ["my attr"] = counter():on(shop),'), '9: attribute_group "g": "my attr": names are of letters, digits and _' },
  { "unknown event", attributes("    a = counter():on(page_veiw),"), "8: unknown word page_veiw; did you mean page_view?" },
  { "unknown word", attributes("    a = conter():on(page_view),"), "8: unknown word conter; did you mean counter?" },
  { "counter no ()", attributes("    a = counter:on(page_view),"), "8: write counter() before :on" },
  { "counter(event)", attributes("    a = counter(page_view),"), "8: counter() takes nothing: write counter():on(…)" },
  { "sum no prop", attributes('    a = sum("price"):on(shop),'), '8: sum takes a property, such as sum(atomic.app_id), not "price"' },
  { "no on", attributes("    a = counter():within(days(7)),"), '8: attribute_group "g": a: on which event? add :on(…), or :on(event "*") for every one' },
  { "within(7)", attributes("    a = counter():on(shop):within(7),"), "8: :within needs a duration such as days(7), not 7" },
  { "days 7", attributes("    a = counter():on(shop):within(days 7),"), "8: write days(7)" },
  { "7d", attributes("    a = counter():on(shop):within(7d),"), [=[8: '7d': a duration is written days(7), a share percent(10); a name with a digit in front ["7d"]]=] },
  { "bad builder", attributes("    a = counter():on(shop):wihtin(days(7)),"), "8: an attribute has no :wihtin; did you mean within?" },
  { "signals builder", attributes("    a = counter():on(shop):period(days(7)),"), "8: an attribute has no :period: here it is called :within" },
  { "comma", attributes([=[    a = counter():on(shop)
    b = counter():on(page_view),]=]), "8: a comma is missing at the end of this line" },
  { "dup name", attributes([=[    a = counter():on(shop),
    a = counter():on(page_view),]=]), "8: this attribute is used nowhere: was its name written twice?" },
  { "no name", attributes("    counter():on(shop),"), '8: attribute_group "g": item 1 has no name: write NAME = counter()…' },
  { "dash name", attributes("    num-views = counter():on(shop),"), "8: a name may not have a '-': write num_views = …" },
  { "digit name", attributes("    7d_views = counter():on(shop),"), [=[8: '7d_views': a duration is written days(7), a share percent(10); a name with a digit in front ["7d_views"]]=] },
  { "curly quotes", where("shop.type:eq “add_to_cart”"), [=[8: typographic quotes: write " or ']=] },
  { "curly quotes 2", after('intervention "i" { when = attribute "g:a":gt(1), owner = “me” }'), [=[5: typographic quotes: write " or ']=] },
  { "nbsp", attributes("    a\194\160= counter():on(shop),"), "8: a hard space, pasted from a page or a chat: type an ordinary one" },
  { "nbsp in value", alone("local x = \194\160event \"a/b\""), "1: a hard space, pasted from a page or a chat: type an ordinary one" },
  { "keyword prop", where('shop.end:eq "a"'), [=[8: 'end' is a word of Lua: write ["end"] instead of .end]=] },
  { "email", after('intervention "i" { owner = user@company.com, when = attribute "g:a":gt(1) }'), '5: an address stands in quotes: "user@company.com"' },
  { "10%", when('attribute "g:a":gt(1)', "holdout = 10%,"), "7: write percent(10)" },
  { "holdout 10", when('attribute "g:a":gt(1)', "holdout = 10,"), '7: intervention "i": holdout is a share of 1: write percent(10)' },
  { "criteria", after('intervention "i" { criteria = attribute "g:a":gt(1) }'), '5: intervention "i": no field "criteria": here it is called when' },
  { "verison", when('attribute "g:a":gt(1)', "verison = 1,"), '7: intervention "i": no field "verison"; did you mean version?' },
  { "version str", when('attribute "g:a":gt(1)', 'version = "1",'), '7: intervention "i": version is a number, not "1"' },
  { "no body", after([=[intervention "i"
]=]), "5: this intervention i is used nowhere: it lacks { … } or a place to be used" },
  { "dup block", after([=[intervention "i" { when = attribute "g:a":gt(1) }
intervention "i" { when = attribute "g:a":gt(1) }]=]), '6: intervention "i" version 1 stands already in line 5' },
  { "global", alone('shop = event "a/b"'), LOADS },
  { "overwrite word", alone('score = event "a/b"'), "1: score is a word of the language: choose another name" },
  { "shadow", alone([=[local score = event "a/b"
score "prospect" { service = "x" }]=]), "1: score is a word of the language: choose another name" },
  { "print", alone('print "hello"'), "1: there is no print in rules: use log(…), which `signalbox test` shows" },
  { "require", alone('local x = require "y"'), "1: there is no require in rules: define it in rules/words.lua" },
  { "all()", when('all(attribute "g:a":gt(1), attribute "g:b":gt(1))'), "6: all takes a list in braces: all { a, b }" },
  { "string condition", when('"g:a > 3"'), '6: intervention "i": when needs a criterion such as attribute "group:name":gt(3), or an event, not "g:a > 3"' },
  { "unused cond", after('local c = shop.type:eq "a"'), "5: this criterion is used nowhere: two criteria are joined with all { a, b } or any { a, b }, not with and/or" },
  { "unused where on event", after([=[shop:where(shop.type:eq "a")
local x = 1]=]), "5: this event is used nowhere: it lacks { … } or a place to be used" },
  { "arith", when('attribute "g:a" * 2'), "6: no arithmetic here: this is a description, not a value" },
  { "max in fn", alone([=[score "s" { service = "x", score = function(a) return max(0, a.x) end }
local _ = 1]=]), '1: score "s": no field "score": here it is called formula' },
  { "7.. concat", alone('local a = "l"..7.."d"'), "1: put a space between 7 and .." },
  { "missing end", alone([=[test("x", function(t)
  local a = 1
)]=]), "1: this function has no end" },
  { "test wrong", alone('test "x" { }'), '1: test("x", function(t) … end): the name and the function stand in one pair of parentheses' },
  { "smart dash", alone("local a = 1 – 2"), "1: a typographic dash: type -" },
  { "missing quote", alone([=[local a = event "a/b
local b = 2]=]), '1: this text has no closing "' },
  { "newline call", after([=[local c = page_view
(shop):where(shop.type:eq "x")]=]), "6: this ( goes on with the line above: write a:where(…) instead of (a):where(…), or ; before the (" },
  { "LL literal", alone([=[local a = 7LL
local b = days(a)]=]), "1: 7LL is not a number rules know" },
  { "iglu uri", alone([=[local a = event "iglu:com.snowplowanalytics.snowplow/page_view/jsonschema/1-0-0"
local b = last(a.x):on(a)
attribute_group "g" { attributes = { b = b } }]=]), LOADS },
  { "1.0.0", alone('local a = event "v/n/1.0.0"'), '1: event "v/n/1.0.0": expected "vendor/name/version" with a version like 1-0-0' },
  { "or of locals", after([=[local a = shop.type:eq "a"
local b = shop.type:eq "b"
attribute_group "g" { attributes = { x = counter():on(shop):where(a or b) } }]=]), "7: criteria are joined with any { …, … }, not with or" },
  { "name = block", after([=[intervention "i" = {
}]=]), '5: no = between intervention "i" and {' },
  { "json colon", after('intervention "i" { version: 1 }'), "5: write version = …, with = instead of :" },
  { "hash comment", alone([=[# a comment
local a = 1]=]), "1: a comment starts with --" },
  { "// comment", alone([=[// a comment
local a = 1]=]), "1: a comment starts with --" },
  { "missing paren", attributes([=[    a = counter():on(shop:within(days(7)),
    b = counter():on(shop),]=]), "8: this ( has no closing )" },
  { "missing brace", after([=[attribute_group "g" {
  attributes = {
    a = counter():on(shop),
}
]=]), "5: this { has no closing }" },
  { "criterion", where("criterion(atomic.page_url, product.price, function(url, price) return #url > price end)"), LOADS },
  { "custom key", after('attribute_key "cart_id" { property = shop.cart_id, ttl = days(30) }'), LOADS },
  { "two versions", after([=[attribute_group "g" { version = 1, attribute_key = "domain_userid", attributes = { a = counter():on(shop) } }
attribute_group "g" { version = 2, attribute_key = "domain_userid", attributes = { a = counter():on(shop):within(days(1)) } }]=]), LOADS },
  { "named twice", alone([=[a = event "v/n"
a = event "v/m"]=]), "2: a was named already in line 1" },
  { "named in words", alone('page_view = event "v/n"'), "1: page_view was named already in rules/words.lua:5" },
  { "on twice", attributes("    a = counter():on(shop):on(page_view),"), "8: this was said already in line 8: list all events in one :on(a, b)" },
  { "within and ttl", attributes("    a = counter():on(shop):within(days(1)):ttl(days(2)),"), "8: :within and :ttl exclude each other: a window needs no ttl" },
  { "equals", where('shop.type:equals "a"'), "8: shop.type: no operator :equals: here it is called :eq" },
  { "above", when('attribute "g:a":above(3)'), '6: attribute "g:a": no operator :above: here it is called :gt' },
  { "starts_with", where('atomic.page_url:starts_with "x"'), '8: atomic.page_url: no operator :starts_with: here it is called :like "…%"' },
  { "null in score", alone([=[score "s" {
  service = "x",
  formula = function(a)
    return 0.6 * a.x
  end }]=]), '4: score "s": a.x can be null: write (a.x or 0)' },
  { "max in score", alone('score "s" { service = "x", formula = function(a) return max(0, a.x or 0) end }'), '1: score "s": max(…) is the aggregation over a property; inside a function write math.max' },
  { "state in score", alone([=[n = 0
score "s" { service = "x", formula = function(a)
  n = n + 1
  return n end }]=]), '3: score "s": a function keeps nothing between calls: write local n = …' },
  { "new global in score", alone([=[score "s" { service = "x", formula = function(a)
  z = 1
  return z end }]=]), '2: score "s": a function keeps nothing between calls: write local z = …' },
  { "upvalue in score", alone([=[local n = 0
score "s" { service = "x", formula = function(a)
  n = n + 1
  return n end }]=]), '2: score "s": a function keeps nothing between calls: it changed n' },
  { "score field", alone('score "s" { service = "x", score = function(a) return 1 end }'), '1: score "s": no field "score": here it is called formula' },
  { "count misuse", attributes("    a = count():on(shop),"), "8: count(list) counts in a formula; the aggregation is counter()" },
  { "when event no target", after('intervention "i" { when = shop, after = minutes(3) }'), '5: intervention "i": when is an event, so say whom: target_attribute_keys = { "domain_userid" }' },
  { "unless no after", after('intervention "i" { when = attribute "g:a":gt(1), unless = shop }'), '5: intervention "i": unless needs after: it calls a wait off' },
  { "or of helpers", after([=[local function a() return shop.type:eq "a" end
local function b() return shop.type:eq "b" end
attribute_group "g" { attributes = { x = counter():on(shop):where(a() or b()) } }]=]), "7: criteria are joined with any { …, … }, not with or" },
  { "once", when('attribute "g:a":gt(1)', "once = days(7),"), '7: intervention "i": no field "once": here it is called once_per' },
  { "target", when('attribute "g:a":gt(1)', 'target = { "user_id" },'), '7: intervention "i": no field "target": here it is called target_attribute_keys' },
  { "attr as event", attributes("    a = counter():on(product),"), "8: :on takes events, not product" },
  { "set prop", after('shop.type = "x"'), "5: shop cannot be changed" },

  -- and some more
  { "no-break space in a text is fine", where('shop.type:eq "a\194\160b"'), LOADS },
  { "curly quotes in a text are fine", where('shop.type:eq "it’s"'), LOADS },
  { "a letter beyond ASCII", alone("größe = 1"), "1: 'ö': names are of English letters, digits and _; other letters stand in quotes" },
  { "byte order mark", alone("\239\187\191local a = 1"), LOADS },
  { "windows line ends", alone("local a = 1\r\nlocal b = conter()\r\n"), "2: unknown word conter; did you mean counter?" },
  { "!=", where('shop.type != "a"'), "8: unequal is :neq(…) in a criterion, and ~= inside a function" },
  { "&&", where('shop.type:eq "a" && shop.x:eq "b"'), "8: write all { …, … } for criteria, and inside a function" },
  { ":in", where('shop.type:in { "a" }'), "8: 'in' is a word of Lua: here it is called :in_list" },
  { "== after a criterion", after('local c = shop.type:eq "a" == true'), "5: write :eq(…) instead of ==" },
  { "or outside of where", after('local c = shop.type:eq "a" or shop.type:eq "b"'), "5: criteria are joined with any { …, … }, not with or" },
  { "and inside all", where('all { shop.a:eq "a" and shop.b:eq "b" }'), "8: criteria are joined with all { …, … }, not with and" },
  { "< of a name", after("local big = shop.total > 3"), "5: criteria compare with :gt(…), :lt(…), :eq(…), not with > or <" },
  { "where(false)", after("local c = shop.type == 'a'\nlocal e = shop:where(c)"),
    "6: :where got false, which Lua made of ==, < or not: write :eq(…), :lt(…) or none { … }" },
  { "bare property in where", where("shop.type"), "8: shop.type is not compared: add :eq(…), :gt(…), :is_not_null() …" },
  { "function in where", where("function(x) return true end"),
    "8: :where takes a function only with what it reads: criterion(atomic.page_url, function(url) … end)" },
  { "attribute in where", where('attribute "g:a":gt(3)'), "8: an attribute is narrowed by properties of events, not by other attributes" },
  { "property in when", when('shop.type:eq "a"'), "6: intervention \"i\": when reads attributes, or is an event: to narrow one write shop:where(…)" },
  { "mixed criteria", when('all { shop.type:eq "a", attribute "g:a":gt(1) }'), "6: all joins criteria of properties or of attributes, not both" },
  { "changed in any", when('any { attribute "g:a":changed(), attribute "g:a":gt(1) }'), "6: changed stands alone or in all { … }, not in any" },
  { "eq nil", where("shop.type:eq(nil)"), "8: :eq takes a value, not nil: write :is_null() or :is_not_null()" },
  { "eq list", where('shop.type:eq { "a" }'), "8: :eq takes one value; for a list write :in_list { … }" },
  { "empty all", where("all { }"), "8: all { } holds no criterion" },
  { "criterion without names", where("criterion(function() return true end)"),
    "8: criterion names what its function reads: criterion(atomic.page_url, function(url) return … end)" },
  { "criterion without anything", where("criterion()"),
    "8: criterion names what it reads, then the function: criterion(atomic.page_url, function(url) return … end)" },
  { "criterion, one name too few", where("criterion(atomic.page_url, shop.x, function(url) return true end)"),
    "8: criterion reads 2 and its function takes 1: one name for each" },
  { "on a text", attributes('    a = counter():on("a/b"),'), '8: :on takes events: write :on(event "a/b")' },
  { "an event's :within", attributes("    a = counter():on(shop:within(days(7))),"),
    "8: an event has no :within; that is of attributes: counter():on(shop):within(…)" },
  { "as twice", attributes('    a = counter():on(shop):as "int64":as "int32",'), "8: :as was said already in line 8" },
  { "unknown type", attributes('    a = last(shop.x):on(shop):as "integer",'), '8: :as takes a type: no type "integer": here it is called int32' },
  { "type of another kind", attributes('    a = counter():on(shop):as "string",'), "8: counter answers a number, not string" },
  { "default of another type", attributes('    a = counter():on(shop):default "none",'), '8: attribute_group "g": a: :default("none") is no int32' },
  { "a duration of nothing", alone("local d = days(0)"), "1: days(0): a duration is longer than nothing and shorter than a hundred years" },
  { "operator of attributes on half-built one", attributes("    a = counter():on(shop):gt(3),"),
    
    '8: a half-built attribute has no :gt; an intervention compares attribute "group:name":gt(…)' },
  { "version in a name", alone('attribute_group "g_v2" { attributes = { a = counter():on(page_view) } }'),
    '1: attribute_group "g_v2": a last _v2 is always the version: write attribute_group "g" { version = 2, …' },
  { "block with parentheses", alone('attribute_group("g", { attributes = {} })'), '1: write attribute_group "g" { … }, without ( )' },
  { "name with a dash", alone('service "my-service" { attribute_groups = { "g" } }'), '1: service "my-service": names are 1 to 128 letters, digits and _' },
  { "one target", when('attribute "g:a":gt(1)', 'target_attribute_keys = "user_id",'),
    '7: intervention "i": target_attribute_keys is a list: { "user_id" }' },
  { "payload of an event", when('attribute "g:a":gt(1)', "payload = { a = shop },"),
    '7: intervention "i": payload: a is a text, a number, an attribute or a property, not shop' },
  { "once_per", when('attribute "g:a":gt(1)', "once_per = days(7),"), '7: intervention "i": once_per: not yet in this version' },
  { "holdout", when('attribute "g:a":gt(1)', "holdout = percent(10),"), '7: intervention "i": holdout: not yet in this version' },
  { "after", when('attribute "g:a":gt(1)', "after = 30,"), '7: intervention "i": after needs a duration such as days(7), not 30' },
  { "after, rightly", when('attribute "g:a":gt(1)', "after = minutes(30),"), '7: intervention "i": after: not yet in this version' },
  { "built-in key", alone('attribute_key "user_id" { property = atomic.user_id }'), '1: attribute_key "user_id": user_id is built in' },
  { "key with a name of the wire's", alone('attribute_key "last_event_id" { property = atomic.user_id }'),
    '1: attribute_key "last_event_id": this name is taken: a stream\'s address says with it where the stream goes on' },
  { "key that is true or false", alone('attribute_key "m" {\n  property = atomic.dvce_ismobile,\n}'),
    '2: attribute_key "m": atomic.dvce_ismobile is true or false, and that identifies nobody: a key is a text or a whole number' },
  { "key that is a number", alone('attribute_key "visit" { property = atomic.domain_sessionidx }'), LOADS },
  { "key that is a time", alone('attribute_key "moment" { property = atomic.true_tstamp }'), LOADS },
  { "name used above its place", alone("local a = counter():on(thing)\nthing = event \"a/b\""),
    "1: thing gets its name only in line 2: names stand above their use" },
  { "chance", alone("local x = math.random()"), "1: there is no math.random in rules: chance would make a replay differ" },
  { "clock", alone("local x = os.time()"), "1: there is no os in rules: a rule sees no clock and no files; durations are days(7)" },
  { "words stay", alone("counter.x = 1"), "1: counter is a word of the language" },
  { "pcall hides nothing", alone('pcall(function() local a = counter(1) end)\nattribute_group "g" { attributes = { a = counter():on(page_view) } }'),
    "1: counter() takes nothing: write counter():on(…)" },
  { "word as a parameter", alone('score "s" { service = "x", formula = function(count) return 1 end }'),
    "1: count is a word of the language: choose another name" },
  { "end as a key", after('intervention "i" { end = 1 }'), "5: 'end' is a word of Lua: write [\"end\"] = …" },
  { "+=", alone("local n = 1\nn += 1"), "2: Lua has no +=: write n = n + …" },
  { "comma on one line", after('intervention "i" { version = 1 owner = "me" }'), "5: a comma is missing before owner" },
  { "comma before function", alone('test("x" function(t) end)'), "1: a comma is missing before function" },
  { "unclosed comment", alone("--[[ a\nlocal b = 1"), "1: this --[[ has no closing ]]" },
  { "one bracket too many", alone('attribute_group "g" { attributes = { a = counter():on(page_view)) } }'), "1: this { has no closing }" },
  { "length of null in score", alone('score "s" { service = "x", formula = function(a)\n  return #a.list\nend }'),
    '2: score "s": a.list can be null: write count(a.list)' },
  { "comparison with null in score", alone('score "s" { service = "x", formula = function(a)\n  if a.x > 3 then return 1 end\n  return 0\nend }'),
    '2: score "s": a null is compared with a value: write (a.NAME or 0)' },
  { "no number in score", alone('score "s" { service = "x", formula = function(a) return "high" end }'),
    '1: score "s": the formula must return a number, not "high"' },
  { "table in score", alone('local seen = {}\nscore "s" { service = "x", formula = function(a)\n  seen[#seen + 1] = 1\n  return #seen\nend }'),
    '2: score "s": a function keeps nothing between calls: it changed a table, at 1' },
  { "library in score", alone('score "s" { service = "x", formula = function(a)\n  math.n = 1\n  return 0\nend }'), '2: score "s": math cannot be changed' },
  { "tail call in score", alone('score "s" { service = "x", formula = function(a)\n  return max(0, 1)\nend }'),
    '1: score "s": max(…) is the aggregation over a property; inside a function write math.max' },
}
