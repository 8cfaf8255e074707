-- vocabulary.lua -- the words of the language with their help: messages, the scan, editors and `help words` read these tables.
-- SPDX-License-Identifier: Apache-2.0
local M = {}

-- The words. kind: block, thing, aggregation, join, duration, formula
local words = {
  { name = "event", kind = "thing", form = 'event "vendor/name/1-0-0"',
    help = "events of a kind; a part left out, or *, matches all" },
  { name = "entity", kind = "thing", form = 'entity "vendor/name/1"',
    help = "an entity attached to events; [1] is the second one attached" },
  { name = "atomic", kind = "thing", form = "atomic.page_url", help = "a column that every event has" },
  { name = "attribute", kind = "thing", form = 'attribute "group:name"',
    help = "the value of an attribute, in an intervention" },
  { name = "attribute_key", kind = "block", form = 'attribute_key "cart_id" { property = … }',
    help = "what a profile is about" },
  { name = "attribute_group", kind = "block", form = 'attribute_group "name" { … }',
    help = "attributes of one attribute key" },
  { name = "service", kind = "block", form = 'service "name" { … }',
    help = "the attribute groups that an application reads" },
  { name = "intervention", kind = "block", form = 'intervention "name" { … }',
    help = "what is sent when a criterion turns true" },
  { name = "score", kind = "block", form = 'score "name" { … }',
    help = "a number calculated from a service's attributes" },
  { name = "test", kind = "block", form = 'test("name", function(t) … end)',
    help = "a conversation that must come out as written" },
  { name = "counter", kind = "aggregation", form = "counter()", help = "how many events" },
  { name = "sum", kind = "aggregation", form = "sum(property)", help = "the values added up" },
  { name = "min", kind = "aggregation", form = "min(property)", help = "the smallest value" },
  { name = "max", kind = "aggregation", form = "max(property)", help = "the largest value" },
  { name = "mean", kind = "aggregation", form = "mean(property)", help = "the average value" },
  { name = "first", kind = "aggregation", form = "first(property)",
    help = "the oldest value, by the time of its event" },
  { name = "last", kind = "aggregation", form = "last(property)",
    help = "the newest value, by the time of its event" },
  { name = "most_frequent", kind = "aggregation", form = "most_frequent(property)",
    help = "the value seen most" },
  { name = "least_frequent", kind = "aggregation", form = "least_frequent(property)",
    help = "the value seen least" },
  { name = "approx_count_distinct", kind = "aggregation", form = "approx_count_distinct(property)",
    help = "how many different values, within about 1 %" },
  { name = "category_count", kind = "aggregation", form = "category_count(property)",
    help = "each value and how often it was seen" },
  { name = "unique_list", kind = "aggregation", form = "unique_list(property)",
    help = "the different values, the newest last" },
  { name = "all", kind = "join", form = "all { a, b }", help = "every one of these criteria" },
  { name = "any", kind = "join", form = "any { a, b }", help = "at least one of these criteria" },
  { name = "none", kind = "join", form = "none { a, b }", help = "not one of these criteria" },
  { name = "criterion", kind = "join", form = "criterion(property, function(value) … end)",
    help = "a criterion that only a function can decide" },
  { name = "seconds", kind = "duration", form = "seconds(30)", help = "so many seconds", ms = 1000 },
  { name = "minutes", kind = "duration", form = "minutes(30)", help = "so many minutes", ms = 60000 },
  { name = "hours", kind = "duration", form = "hours(12)", help = "so many hours", ms = 3600000 },
  { name = "days", kind = "duration", form = "days(7)", help = "so many days of 24 hours", ms = 86400000 },
  { name = "weeks", kind = "duration", form = "weeks(2)", help = "so many weeks", ms = 604800000 },
  { name = "percent", kind = "duration", form = "percent(10)", help = "a share" },
  { name = "count", kind = "formula", form = "count(list)",
    help = "how many entries a list has; 0 when it is null" },
  { name = "logistic", kind = "formula", form = "logistic(x)",
    help = "1 / (1 + e^-x): any number to one between 0 and 1" },
}

M.words = {}     -- name -> entry
M.durations = {} -- name -> milliseconds
for i = 1, #words do
  local word = words[i]
  M.words[word.name] = word
  if word.ms then
    M.durations[word.name] = word.ms
  end
end

-- takes: nothing, scalar, number, string, list. events: of properties too, else of attributes only.
M.operators = {
  eq = { takes = "scalar", events = true, help = "equal" },
  neq = { takes = "scalar", events = true, help = "there and not equal" },
  gt = { takes = "number", events = true, help = "greater than" },
  gte = { takes = "number", events = true, help = "greater than or equal" },
  lt = { takes = "number", events = true, help = "less than" },
  lte = { takes = "number", events = true, help = "less than or equal" },
  like = { takes = "string", events = true, help = "% stands for any run of characters, _ for one" },
  in_list = { takes = "list", events = true, help = "one of a list" },
  is_null = { takes = "nothing", events = true, help = "nothing there" },
  is_not_null = { takes = "nothing", events = true, help = "something there" },
  not_like = { takes = "string", help = "there and not like" },
  rlike = { takes = "string", help = "a regular expression matches" },
  not_rlike = { takes = "string", help = "there and no regular expression matches" },
  not_in_list = { takes = "list", help = "there and none of a list" },
  changed = { takes = "nothing", help = "this event changed it" },
}

-- What follows a colon besides operators: of attributes, of events, of a test and its visitors.
M.steps = {
  on = "the events it looks at", where = "only those that satisfy a criterion", within = "a rolling window that ends now",
  ttl = "forgotten when nothing came for so long", default = "the answer when there is nothing to show",
  as = "the type of the answer", describe = "a sentence for the people who read it",
}
M.event_verbs = { where = "only those that satisfy a criterion", with = "in a test: with entities and columns attached" }
M.visitor_verbs = {
  sends = "sends events", gets = "an intervention came", gets_no = "no such intervention came", has = "an attribute's value",
}
M.test_verbs = { visitor = "a new visitor", wait = "time passes" }

M.verbs = {} -- all of them
for _, set in ipairs { M.operators, M.steps, M.event_verbs, M.visitor_verbs, M.test_verbs } do
  for name in pairs(set) do
    M.verbs[name] = true
  end
end

M.types = {}
for _, name in ipairs { "bytes", "string", "int32", "int64", "double", "float", "bool", "unix_timestamp" } do
  M.types[name] = { scalar = name }
  M.types[name .. "_list"] = { list = name }
end
M.types.dict = {}

-- The attribute keys that are always there.
M.attribute_keys = { domain_userid = true, user_id = true, network_userid = true, domain_sessionid = true }
-- Names that no key can have, and what they are taken for.
M.taken_keys = {
  last_event_id = "a stream's address says with it where the stream goes on",
  score = "a request for a score says with it which one",
}

-- Everything, words first, as { name, kind, form, help }.
M.list = {}
for i = 1, #words do
  M.list[i] = { name = words[i].name, kind = words[i].kind, form = words[i].form, help = words[i].help }
end

local function append(set, kind, form)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  for i = 1, #names do
    local it = set[names[i]]
    M.list[#M.list + 1] = {
      name = names[i], kind = kind, form = string.format(form, names[i]), help = type(it) == "table" and it.help or it,
    }
  end
end

append(M.operators, "operator", ":%s")
append(M.steps, "step", ":%s(…)")
append(M.event_verbs, "event verb", "event:%s(…)")
append(M.test_verbs, "test verb", "t:%s(…)")
append(M.visitor_verbs, "visitor verb", "visitor:%s(…)")

return M
