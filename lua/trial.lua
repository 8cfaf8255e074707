-- trial.lua -- test blocks: visitors that send events and look at what comes back, on a clock that only the test moves.
-- SPDX-License-Identifier: Apache-2.0
local load_module = ...
local atomic = load_module "atomic"
local names = load_module "names"
local paths = load_module "paths"
local session = load_module "session"
local vocabulary = load_module "vocabulary"

local format, match, concat = string.format, string.match, table.concat
local list_length, is_number, sorted_keys = session.list_length, session.is_number, session.sorted_keys

local M = {}

local SET_BY_EVENT = { event = true, event_vendor = true, event_name = true, event_version = true, event_format = true }

-- Identifiers of visitor n: shaped like a tracker's, the same in every run.
local function identity(n)
  return {
    domain_userid = format("00000000-0000-4000-8000-%012d", n),
    domain_sessionid = format("00000000-0000-4000-9000-%012d", n),
    network_userid = format("00000000-0000-4000-a000-%012d", n),
  }
end

local function show(v, depth)
  if v == nil then
    return "null"
  elseif type(v) == "string" then
    return format("%q", v)
  elseif type(v) == "number" then
    return format("%.14g", v)
  elseif type(v) ~= "table" or depth and depth > 3 then
    return tostring(v)
  end
  local parts = {}
  local n = list_length(v)
  for _, key in ipairs(sorted_keys(v)) do
    parts[#parts + 1] = n and show(v[key], (depth or 0) + 1) or format("%s = %s", tostring(key), show(v[key], (depth or 0) + 1))
  end
  return #parts == 0 and "{}" or "{ " .. concat(parts, ", ") .. " }"
end

-- Equal as a person means it: sums of fractions may differ in the last digits.
local function same(a, b)
  if type(a) == "number" and type(b) == "number" then
    return a == b or math.abs(a - b) <= 1e-9 * math.max(math.abs(a), math.abs(b))
  elseif type(a) ~= "table" or type(b) ~= "table" then
    return rawequal(a, b)
  end
  for key, value in next, a do
    if not same(value, b[key]) then
      return false
    end
  end
  for key in next, b do
    if a[key] == nil then
      return false
    end
  end
  return true
end

function M.install(s, S)
  local info = s.info
  local Sample, Part

  -- Events to send -----------------------------------------------------------------------------------------------------

  local WANTS = { string = "a text", int = "a whole number", double = "a number", bool = "true or false",
                  timestamp = "a time such as \"2024-01-31T12:00:00Z\"" }

  local function columns(data)
    local out = {}
    for _, name in ipairs(sorted_keys(data)) do
      local v, kind = data[name], atomic.types[name]
      local ok = kind == "string" and type(v) == "string" or kind == "int" and is_number(v) and v % 1 == 0
          or kind == "double" and is_number(v) or kind == "bool" and type(v) == "boolean"
          or kind == "timestamp" and (type(v) == "string" or is_number(v))
      if not kind then
        s.fail(format("atomic has no property '%s'%s", tostring(name), names.hint(tostring(name), atomic.types)))
      elseif kind == "json" then
        s.fail(format("%s is made of the event and of :with(…)", name))
      elseif SET_BY_EVENT[name] then
        s.fail(format("%s follows from the event itself", name))
      elseif name == "collector_tstamp" then
        s.fail("in a test, time passes with t:wait(minutes(5))")
      elseif not ok then
        s.fail(format("%s is %s, not %s", name, WANTS[kind], s.describe(v)))
      end
      out[name] = v
    end
    return out
  end

  local function dataless(it)
    return atomic.dataless[(it.vendor or "") .. "/" .. (it.schema_name or "")]
  end

  local function named_data(data, what)
    local out = s.plain(data)
    if list_length(out) ~= 0 and list_length(out) then
      s.fail(format("%s { … } holds names and values", what))
    end
    return out
  end

  function s.sample_of(event, data)
    local it = info[event]
    local holds = { kind = "sample", event = it, parts = {}, columns = {}, data = {}, text = function() return "an event" end }
    if dataless(it) then
      holds.columns = columns(data)
    else
      holds.data = named_data(data, s.describe(event))
    end
    return s.thing(Sample, holds)
  end

  function s.entity_sample(entity, data)
    return s.thing(Part, { kind = "part", entity = info[entity], data = named_data(data, s.describe(entity)),
                           text = function() return "an entity" end })
  end

  function s.atomic_sample(data)
    return s.thing(Part, { kind = "part", columns = columns(data), text = function() return "columns" end })
  end

  function s.sample_with(thing, ...)
    local it = info[thing]
    if it.kind == "event" then
      it = info[s.sample_of(thing, {})]
    end
    local copy = { kind = "sample", event = it.event, data = it.data, columns = {}, parts = {}, text = it.text }
    for name, v in pairs(it.columns) do
      copy.columns[name] = v
    end
    for i = 1, #it.parts do
      copy.parts[i] = it.parts[i]
    end
    if select("#", ...) == 0 then
      s.fail(":with attaches something: :with(product { price = 20 })")
    end
    for i = 1, select("#", ...) do
      local v = select(i, ...)
      local part = info[v]
      if part and part.kind == "entity" then
        part = info[s.entity_sample(v, {})]
      elseif not part or part.kind ~= "part" then
        s.fail(format(":with takes entities and columns, such as product { price = 20 } or atomic { user_id = \"ann\" }, not %s",
                      s.describe(v)))
      end
      if part.columns then
        for name, value in pairs(part.columns) do
          copy.columns[name] = value
        end
      else
        copy.parts[#copy.parts + 1] = part
      end
    end
    return s.thing(Sample, copy)
  end

  Sample = s.kind {
    __index = function(t, key)
      if key == "with" then
        return function(self, ...)
          if not rawequal(self, t) then
            s.fail("write ':' before with, not '.'")
          end
          return s.sample_with(self, ...)
        end
      end
      s.fail(format("an event to send has only :with(…), not %s", tostring(key)))
    end,
  }
  Part = s.kind {
    __index = function(_, key)
      s.fail(format("this stands in :with(…) and has no %s", tostring(key)))
    end,
  }

  local function same_schema(a, b)
    return a.vendor == b.vendor and a.schema_name == b.schema_name
  end

  -- What a narrowed event's :eq criteria say, where the test says nothing else.
  local function fill(tree, event, out, data, parts)
    if tree.join == "all" then
      for i = 1, #tree.kids do
        fill(tree.kids[i], event, out, data, parts)
      end
    end
    if tree.op ~= "eq" then
      return
    end
    local base, path = tree.source.base, tree.source.path
    if base.kind == "atomic" then
      if out[path] == nil then
        out[path] = tree.value
      end
    elseif base.kind == "event" then
      if same_schema(base, event) then
        paths.put(data, path, tree.value)
      end
    else
      local seen = -1
      for i = 1, #parts do
        if same_schema(parts[i].entity, base) then
          seen = seen + 1
          if seen == base.index then
            return paths.put(parts[i].data, path, tree.value)
          end
        end
      end
      for _ = seen + 1, base.index do
        parts[#parts + 1] = { entity = base, data = {} }
      end
      paths.put(parts[#parts].data, path, tree.value)
    end
  end

  local function schema(it)
    local full = it.version and match(it.version, "^%d+%-") and it.version
    return format("iglu:%s/%s/jsonschema/%s", it.vendor or "com.example", it.schema_name or "anything",
                  full or format("%d-0-0", it.major or 1))
  end

  local function event_of(visitor, item)
    local sample = item.kind == "sample" and item or { event = item, data = {}, columns = {}, parts = {} }
    local event, data, parts, out = sample.event, s.plain(sample.data), {}, {}
    for i = 1, #sample.parts do
      parts[i] = { entity = sample.parts[i].entity, data = s.plain(sample.parts[i].data) }
    end
    for name, v in pairs(sample.columns) do
      out[name] = v
    end
    if event.tree then
      fill(event.tree, event, out, data, parts)
    end
    for name in pairs(atomic.identity) do
      visitor.ids[name] = out[name] or visitor.ids[name]
      out[name] = visitor.ids[name]
    end
    local trial = s.trial
    trial.n_events = trial.n_events + 1
    out.event_id = out.event_id or format("00000000-0000-4000-b000-%012d", trial.n_events)
    out.event_vendor, out.event_name = event.vendor or "com.example", event.schema_name or "anything"
    out.event_version, out.event_format = event.version or "1-0-0", "jsonschema"
    out.event = dataless(event) or "unstruct"
    if out.event == "unstruct" then
      out.unstruct_event = { schema = schema(event), data = data }
    end
    if #parts > 0 then
      out.contexts = {}
      for i = 1, #parts do
        out.contexts[i] = { schema = schema(parts[i].entity), data = parts[i].data }
      end
    end
    return out
  end

  -- What a test and its visitors can do --------------------------------------------------------------------------------

  local Visitor, Test
  local visitor, test = {}, {}

  function visitor.sends(it, ...)
    local first, list = (...), { ... }
    local n, from, times = select("#", ...), 1, 1
    if type(first) == "number" then
      if first < 1 or first % 1 ~= 0 or first > 100000 then
        s.fail(format("sends(%s, …): how often is a whole number from 1", tostring(first)))
      end
      times, from = first, 2
    end
    if n < from then
      s.fail("sends takes events: ann:sends(page_view)")
    end
    for i = from, n do
      local item = info[list[i]]
      if item and item.kind == "part" or item and item.kind == "entity" then
        s.fail("this travels with an event: ann:sends(add_to_cart:with(product { price = 20 }))")
      elseif not item or item.kind ~= "event" and item.kind ~= "sample" then
        s.fail(format("sends takes events, not %s", s.describe(list[i])))
      end
    end
    for _ = 1, times do
      for i = from, n do
        -- whose keys the file may not know: they are those of all files
        for key, id in pairs(s.trial.host.send(event_of(it, info[list[i]])) or {}) do
          it.ids[key] = id
        end
      end
    end
  end

  local function own_intervention(name, verb)
    if type(name) ~= "string" then
      s.fail(format('%s takes the name of an intervention: ann:%s "discount"', verb, verb))
    end
    local known = {}
    for i = 1, #s.defs do
      if s.defs[i].kind == "intervention" then
        known[s.defs[i].name] = true
      end
    end
    if not known[name] then
      s.fail(format('this file has no intervention "%s"%s', name, names.hint(name, known)))
    end
  end

  function visitor.gets(it, name)
    own_intervention(name, "gets")
    local payload = s.trial.host.take(it.ids, name)
    if payload == nil then
      s.fail(format('expected intervention "%s", and it did not come', name))
    end
    return payload
  end

  function visitor.gets_no(it, name)
    own_intervention(name, "gets_no")
    if s.trial.host.take(it.ids, name) ~= nil then
      s.fail(format('expected no intervention "%s", and it came', name))
    end
  end

  function visitor.has(it, ref, ...)
    if type(ref) ~= "string" or not match(ref, "^[%w_]+:[%w_]+$") then
      s.fail(format('has takes "group:name" and the value, not %s', s.describe(ref)))
    elseif select("#", ...) ~= 1 then
      s.fail(format('has takes an attribute and one value: ann:has("%s", 3); null is nil', ref))
    end
    local expected = s.plain((...))
    local value = s.trial.host.read(it.ids, ref)
    if not same(value, expected) then
      s.fail(format("expected %s to be %s, and it is %s", ref, show(expected), show(value)))
    end
  end

  function test.visitor()
    local trial = s.trial
    trial.n_visitors = trial.n_visitors + 1
    return s.thing(Visitor, { kind = "visitor", ids = identity(trial.n_visitors), text = function() return "a visitor" end })
  end

  function test.wait(_, duration)
    s.trial.host.wait(s.milliseconds(duration, "wait"))
  end

  local function with_verbs(kind, what, verbs, known)
    return s.kind {
      __index = function(_, key)
        local verb = verbs[key]
        if not verb then
          s.fail(format("%s has no :%s%s", what, tostring(key), names.hint(tostring(key), known, nil, ":")))
        end
        return function(self, ...)
          local it = info[self]
          if not it or it.kind ~= kind then
            s.fail(format("write ':' before %s, not '.'", key))
          elseif not s.trial then
            s.fail("this is over with its test")
          end
          return verb(it, ...)
        end
      end,
    }
  end
  Visitor = with_verbs("visitor", "a visitor", visitor, vocabulary.visitor_verbs)
  Test = with_verbs("test", "a test", test, vocabulary.test_verbs)

  local function on_error(err)
    return s.from_lua(err)
  end

  -- Runs test block n. host: send(event), which answers the identifiers it carries, wait(ms), read(ids, attribute),
  -- take(ids, intervention); they raise errors.
  function S.run_test(n, host)
    local fn, it = s.functions[n], s.function_info[n]
    s.mode, s.calling = "test", it
    s.trial = { host = host, n_visitors = 0, n_events = 0 }
    local before = #s.raised
    local t = s.thing(Test, { kind = "test", text = function() return "the test" end })
    local ok, problem = xpcall(function() fn(t) end, on_error)
    if ok and #s.raised > before then
      ok, problem = false, s.raised[before + 1] -- a pcall hid it
    end
    s.mode, s.calling, s.trial = "call", nil, nil
    for i = #s.raised, before + 1, -1 do
      s.raised[i] = nil
    end
    s.forget_test_names()
    if not ok then
      return nil, format("%s:%d: %s", problem.file, problem.line, problem.text)
    end
    return true
  end
end

return M
