-- test_trial.lua -- test blocks: the events they send, what they look at, what they say when they fail.
-- SPDX-License-Identifier: Apache-2.0
local H = require "harness"

local HEAD = [[
shop = event "com.acme/shop"
product = entity "com.acme/product/1"
add = shop:where(all { shop.type:eq "add", shop.cart.size:eq(2), atomic.app_id:eq "web", product.kind:eq "book" })
attribute_key "cart_id" { property = shop.cart.id }
intervention "discount" { when = attribute "g:a":gt(3) }
]]

-- Runs a test block on a host that notes what it is asked. answers: { ids = of each event, read = value, take = payload }
local function run(body, answers)
  local S, desc, problems = H.load(HEAD .. 'test("x", function(t)\n' .. body .. "\nend)")
  if not desc then
    return nil, H.show(problems[1])
  end
  local seen = { events = {} }
  local ok, why = S.run_test(desc.defs[#desc.defs].fn, {
    send = function(event)
      seen.events[#seen.events + 1] = event
      return answers and answers.ids
    end,
    wait = function(ms) seen.waited = (seen.waited or 0) + ms end,
    read = function(ids, ref)
      seen.ids, seen.ref = ids, ref
      return answers and answers.read
    end,
    take = function(ids, name)
      seen.ids, seen.taken = ids, name
      return answers and answers.take
    end,
  })
  return ok and seen or nil, why, S, desc
end

local function event_of(body)
  local seen, why = run("ann = t:visitor()\n" .. body)
  H.check(seen, body, why)
  return seen and seen.events[#seen.events] or {}, seen or { events = {} }
end

local e, seen = event_of 'ann:sends(page_view { page_url = "https://x.com/a" })'
H.equal(e.event .. " " .. e.event_vendor .. " " .. e.event_name .. " " .. e.event_version .. " " .. e.page_url,
        "page_view com.snowplowanalytics.snowplow page_view 1-0-0 https://x.com/a", "a page view's columns")
H.check(e.domain_userid:match "^%x+%-%x+%-4%x%x%x%-%x+%-%x+$" and #e.domain_userid == 36, "ids are shaped like a tracker's", e.domain_userid)
H.check(e.domain_sessionid and e.network_userid and e.event_id and not e.user_id and not e.unstruct_event, "and nothing more")
H.equal(event_of("ann:sends(page_ping)").event, "page_ping", "a page ping")
H.equal(event_of('ann:sends(structured { se_category = "c" })').event, "struct", "a structured event")
e, seen = event_of "ann:sends(3, page_view, page_ping)"
H.equal(#seen.events, 6, "sends(3, …) sends three times")
H.check(seen.events[1].event_id ~= seen.events[2].event_id, "each event has its own id")

e = event_of 'ann:sends(shop { type = "x", cart = { id = "c1" } })'
H.equal(H.text(e.unstruct_event), '{ data = { cart = { id = "c1" }, type = "x" }, schema = "iglu:com.acme/shop/jsonschema/1-0-0" }',
        "an event's data")
e = event_of 'ann:sends(shop:with(product { price = 20 }, product { price = 5 }, atomic { app_id = "a", user_id = "u" }))'
H.equal(H.text(e.contexts), '{ { data = { price = 20 }, schema = "iglu:com.acme/product/jsonschema/1-0-0" }, '
        .. '{ data = { price = 5 }, schema = "iglu:com.acme/product/jsonschema/1-0-0" } }', "entities attached")
H.equal(e.app_id .. e.user_id, "au", "columns attached")
e = event_of "ann:sends(add)"
H.equal(H.text(e.unstruct_event.data), '{ cart = { size = 2 }, type = "add" }', "a narrowed event fills in its :eqs")
H.equal(e.app_id .. " " .. H.text(e.contexts[1].data), 'web { kind = "book" }', "in columns and entities too")
e = event_of 'ann:sends(add:with(product { kind = "film", price = 3 }, atomic { app_id = "ios" }))'
H.equal(e.app_id .. " " .. H.text(e.contexts), 'ios { { data = { kind = "film", price = 3 }, schema = "iglu:com.acme/product/jsonschema/1-0-0" } }',
        "what the test says stands")
e = event_of 'ann:sends(event "com.acme.media")'
H.equal(e.event_vendor .. " " .. e.event_name .. " " .. e.event_version, "com.acme.media anything 1-0-0", "an event with parts left out")

e, seen = event_of 'ann:sends(page_view:with(atomic { user_id = "u1" }))\nann:sends(page_view { domain_sessionid = "s2" })\nann:sends(page_view)'
H.equal(e.user_id .. " " .. e.domain_sessionid, "u1 s2", "what names a visitor stays with it")
H.equal(e.domain_userid, seen.events[1].domain_userid, "and the rest stays too")
seen = run 'ann, bob = t:visitor(), t:visitor()\nann:sends(page_view)\nbob:sends(page_view)'
H.check(seen.events[1].domain_userid ~= seen.events[2].domain_userid, "two visitors are two")
local twice = run 'ann, bob = t:visitor(), t:visitor()\nann:sends(page_view)\nbob:sends(page_view)'
H.equal(H.text(twice.events), H.text(seen.events), "every run is the same")

seen = run('ann = t:visitor()\nann:sends(shop)\nann:has("g:a", nil)\nt:wait(days(1))\nt:wait(minutes(1))', { ids = { cart_id = "7" } })
H.equal(seen.ids.cart_id .. " " .. seen.ref .. " " .. seen.waited, "7 g:a 86460000", "ids that the engine found, reading, waiting")
H.check(seen.ids.domain_userid and seen.ids.network_userid, "beside the visitor's own")

-- Questions and their failures
local function fails(body, expected, answers)
  local _, why = run("ann = t:visitor()\n" .. body, answers)
  H.equal(why, expected, body)
end
local function passes(body, answers)
  local ok, why = run("ann = t:visitor()\n" .. body, answers)
  H.check(ok, body, why)
end
passes('ann:has("g:a", 3)', { read = 3 })
passes('ann:has("g:a", 0.3)', { read = 0.1 + 0.2 })
passes('ann:has("g:a", { "x", "y" })', { read = { "x", "y" } })
passes 'ann:has("g:a", nil)'
passes('local p = ann:gets "discount"\nif p.name ~= "discount" then error "no payload" end', { take = { name = "discount" } })
passes 'ann:gets_no "discount"'
fails('ann:has("g:a", 3)', "t:8: expected g:a to be 3, and it is 4", { read = 4 })
fails('ann:has("g:a", nil)', "t:8: expected g:a to be null, and it is 4", { read = 4 })
fails('ann:has("g:a", "3")', 't:8: expected g:a to be "3", and it is 3', { read = 3 })
fails('ann:has("g:a", { "x" })', 't:8: expected g:a to be { "x" }, and it is { "x", "y" }', { read = { "x", "y" } })
fails('\nann:gets "discount"', 't:9: expected intervention "discount", and it did not come')
fails('ann:gets_no "discount"', 't:8: expected no intervention "discount", and it came', { take = {} })
fails('ann:gets "discont"', 't:8: this file has no intervention "discont"; did you mean discount?')
fails('ann:has("g:a")', 't:8: has takes an attribute and one value: ann:has("g:a", 3); null is nil')
fails('ann:has "a"', 't:8: has takes "group:name" and the value, not "a"')
fails("ann:send(page_view)", "t:8: a visitor has no :send; did you mean sends?")
fails("ann.sends(page_view)", "t:8: write ':' before sends, not '.'")
fails('ann:sends("page_view")', 't:8: sends takes events, not "page_view"')
fails("ann:sends(product { price = 1 })", "t:8: this travels with an event: ann:sends(add_to_cart:with(product { price = 20 }))")
fails("ann:sends()", "t:8: sends takes events: ann:sends(page_view)")
fails('ann:sends(page_view { page_ulr = "x" })', "t:8: atomic has no property 'page_ulr'; did you mean page_url?")
fails('ann:sends(page_view { page_urlport = "80" })', 't:8: page_urlport is a whole number, not "80"')
fails('ann:sends(page_view { collector_tstamp = "2024" })', "t:8: in a test, time passes with t:wait(minutes(5))")
fails("t:wait(5)", "t:8: wait needs a duration such as days(7), not 5")
fails("t:visit()", "t:8: a test has no :visit; did you mean visitor?")
fails("shop = 3", "t:8: shop was named already in line 1")
fails("local x = nil + 1", "t:8: attempt to perform arithmetic on a nil value")
fails("error 'my own'", "t:8: my own")
fails('pcall(function() ann:has("g:a", 1) end)', "t:8: expected g:a to be 1, and it is null")

-- A name lives as long as its test
local S, desc = H.load [[
test("a", function(t) visitor_one = t:visitor() visitor_one = 3 end)
test("b", function(t) log(visitor_one) end)
test("c", function(t) n = 0 for i = 1, 3 do n = n + i end if n ~= 6 then error "no" end end)
]]
local host = {}
H.equal(tostring(S.run_test(desc.defs[1].fn, host)), "true", "a test gives names, and again")
H.equal(select(2, S.run_test(desc.defs[2].fn, host)), "t:2: unknown word visitor_one", "and they are gone after it")
H.equal(tostring(S.run_test(desc.defs[3].fn, host)), "true", "a test may count")

-- Functions of the file can be called while a test runs, as the engine below it does
S, desc = H.load [[
attribute_group "g" { attribute_key = "user_id", attributes = {
  a = counter():on(page_view):where(criterion(atomic.page_url, function(url) return url == "x" end)) } }
test("a", function(t)
  ann = t:visitor()
  ann:sends(page_view { page_url = "x" })
  bob = t:visitor()
end)
]]
local called
local ok, why = S.run_test(desc.defs[2].fn, { send = function(event) called = S.call(1, { event.page_url }, 1) end })
H.check(ok and called, "a criterion function called from a running test", why)
