-- test_rules.lua -- the shipped rules describe what the two tutorials define, and their test blocks pass on the tiny engine.
-- SPDX-License-Identifier: Apache-2.0
local H = require "harness"
local tiny = require "tiny_engine"

local DAY = 86400000
local SP = "com.snowplowanalytics.snowplow"

local function load_rules(path)
  local S, desc, problems = H.load(H.read(path), path)
  H.check(desc and #problems == 0, path .. " loads without a problem", H.show(problems and problems[1]))
  for _, p in ipairs(desc and S.try_formulas() or {}) do
    H.check(false, path .. " formulas", H.show(p))
  end
  return S, desc
end

-- Every attribute of the group occurs in some test block: the blocks cover them.
local function covers(desc, path)
  local text = H.read(path)
  for _, def in ipairs(desc.defs) do
    if def.kind == "attribute_group" then
      for _, attr in ipairs(def.attributes) do
        H.check(text:find('has("' .. def.name .. ":" .. attr.name .. '"', 1, true) ~= nil, path .. " tests " .. attr.name)
      end
    end
  end
end

local function run_tests(S, desc, path)
  for _, def in ipairs(desc.defs) do
    if def.kind == "test" then
      local ok, why = S.run_test(def.fn, tiny.new(desc).host)
      H.check(ok, path .. ": " .. def.name, why)
    end
  end
end

-- Prospect scoring: the table of the tutorial, row by row ------------------------------------------------------------------

local S, desc = load_rules "rules/prospect_scoring.lua"
local function sp(name)
  return { vendor = SP, name = name }
end
local function column(name)
  return { kind = "atomic", name = name }
end
local pricing = { op = "like", property = column "page_url", value = "%pricing%" }
local media = { vendor = SP .. ".media" }

local function row(name, type_name, aggregation, events, days, property, criteria)
  return {
    name = name, type = type_name, aggregation = aggregation, events = events, period = days and days * DAY,
    property = property, criteria = criteria,
  }
end
local view, ping, submit = { sp "page_view" }, { sp "page_ping" }, { sp "submit_form" }
local forms = { sp "focus_form", sp "change_form" }
local device = { kind = "entity", vendor = "nl.basjes", name = "yauaa_context", major = 1, index = 0, path = "deviceClass" }
local expected = {
  row("latest_app_id", "string", "last", view, nil, column "app_id"),
  row("latest_device_class", "string", "last", view, nil, device),
  row("num_sessions_l7d", "string_list", "unique_list", view, 7, column "domain_sessionid"),
  row("num_apps_l7d", "string_list", "unique_list", view, 7, column "app_id"),
  row("num_page_views_l7d", "int32", "counter", view, 7),
  row("num_page_pings_l7d", "int32", "counter", ping, 7),
  row("num_pricing_views_l7d", "int32", "counter", view, 7, nil, pricing),
  row("num_conversions_l7d", "int32", "counter", submit, 7),
  row("num_form_engagements_l7d", "int32", "counter", forms, 7),
  row("num_sessions_l30d", "string_list", "unique_list", view, 30, column "domain_sessionid"),
  row("num_apps_l30d", "string_list", "unique_list", view, 30, column "app_id"),
  row("num_page_views_l30d", "int32", "counter", view, 30),
  row("num_page_pings_l30d", "int32", "counter", ping, 30),
  row("num_pricing_views_l30d", "int32", "counter", view, 30, nil, pricing),
  row("num_conversions_l30d", "int32", "counter", submit, 30),
  row("num_media_events_l30d", "int32", "counter", { media }, 30),
  row("first_refr_medium_l30d", "string", "first", view, 30, column "refr_medium"),
  row("first_mkt_medium_l30d", "string", "first", view, 30, column "mkt_medium"),
  row("num_engaged_campaigns_l30d", "string_list", "unique_list", view, 30, column "mkt_campaign"),
}
local group = desc.defs[1]
H.equal(desc.file, "rules/prospect_scoring.lua", "the description names its file")
H.equal(group.kind .. " " .. group.name .. " " .. group.version .. " " .. group.attribute_key,
        "attribute_group prospect_scoring_tutorial 1 domain_userid", "the prospect group")
H.equal(#group.attributes, 19, "the prospect group has nineteen attributes")
for i, want in ipairs(expected) do
  H.same_tree(group.attributes[i], want, "prospect attribute " .. i .. " " .. want.name)
  local line = select(2, H.read("rules/prospect_scoring.lua"):match("^(.-)\n +" .. want.name):gsub("\n", "")) + 2
  H.equal(group.attributes[i].line, line, "line of " .. want.name)
end
H.same_tree(desc.defs[2].attribute_groups, { "prospect_scoring_tutorial" }, "the prospect service")
local score = desc.defs[3]
H.equal(score.kind .. " " .. score.name .. " " .. score.service, "score prospect prospect_scoring_tutorial_service", "the score")
H.equal(S.function_info[score.formula.fn].kind, "formula", "the score's formula is numbered")
covers(desc, "rules/prospect_scoring.lua")
run_tests(S, desc, "rules/prospect_scoring.lua")

local names = {}
for i, attr in ipairs(group.attributes) do
  names[i] = attr.name
end
S.name_args(score.formula.fn, names)
local nothing, used = S.call(score.formula.fn, {}, #names)
H.check(math.abs(nothing - 1 / (1 + math.exp(4))) < 1e-12, "the score of nobody known", tostring(nothing))
H.check(used[3] and used[2] and not used[1], "the formula says what it looked at")
local eager = {}
eager[3], eager[7], eager[9] = { "s1", "s2" }, 2, 1 -- two sessions, two pricing pages, a form begun
local x = -4 + 0.6 * 2 + 1.5 * 2 + 0.8
H.check(math.abs(S.call(score.formula.fn, eager, #names) - 1 / (1 + math.exp(-x))) < 1e-12, "the score of somebody eager")

-- The shop -------------------------------------------------------------------------------------------------------------------

S, desc = load_rules "rules/ecommerce.lua"
local function action(name)
  local vendor, event = "com.snowplowanalytics.snowplow.ecommerce", "snowplow_ecommerce_action"
  return { { vendor = vendor, name = event } },
    { op = "eq", value = name, property = { kind = "event", vendor = vendor, name = event, path = "type" } }
end
local views, viewed = action "product_view"
local carts, added = action "add_to_cart"
local price = { kind = "entity", vendor = "com.snowplowanalytics.snowplow.ecommerce", name = "product", major = 1, index = 0, path = "price" }
H.same_tree(desc.defs[1].attributes, {
  row("count_product_views", "int32", "counter", views, nil, nil, viewed),
  row("count_add_to_cart", "int32", "counter", carts, nil, nil, added),
  row("total_cart_value", "double", "sum", carts, nil, price, added),
}, "the shop's attributes")
local rules = {}
for _, def in ipairs(desc.defs) do
  if def.kind == "intervention" then
    rules[def.name] = def
    H.same_tree(def.target_attribute_keys, { "user_id", "domain_userid" }, def.name .. " targets")
    H.equal(def.version, 1, def.name .. " version")
  end
end
for name, want in pairs {
  cart_abandonment = { "count_add_to_cart", 0 }, discount = { "count_product_views", 3 }, free_shipping = { "total_cart_value", 100 },
} do
  H.same_tree(rules[name].when, { op = "gt", attribute = "ecom_attributes:" .. want[1], value = want[2] }, name .. " when")
end
covers(desc, "rules/ecommerce.lua")
run_tests(S, desc, "rules/ecommerce.lua")
