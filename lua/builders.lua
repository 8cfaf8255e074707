-- builders.lua -- the words that make events, entities, properties and durations, and what their verbs do.
-- SPDX-License-Identifier: Apache-2.0
local load_module = ...
local atomic = load_module "atomic"
local names = load_module "names"
local paths = load_module "paths"
local session = load_module "session"
local vocabulary = load_module "vocabulary"

local format, match, gsub, sub = string.format, string.match, string.gsub, string.sub

local M = {}

local function schema_text(it)
  local text = it.vendor or "*"
  if it.schema_name or it.version or it.major then
    text = text .. "/" .. (it.schema_name or "*")
  end
  if it.version or it.major then
    text = text .. "/" .. (it.version or it.major)
  end
  return text
end

function M.install(s)
  local info = s.info
  local Event, Entity, Atomic, Property, Duration

  -- A word is a table that can be called: so `counter:on(…)` has an answer too.
  function s.word(name, fn)
    if not vocabulary.words[name] then
      error("no help for the word " .. name)
    end
    s.known[name] = setmetatable({}, {
      __metatable = false,
      __call = function(_, ...)
        if s.mode == "call" then
          if (name == "max" or name == "min") then
            s.fail(format("%s(…) is the aggregation over a property; inside a function write math.%s", name, name))
          end
          s.fail(format("%s describes: it stands outside of functions", name))
        end
        return fn(...)
      end,
      __index = function(_, key)
        local word = vocabulary.words[name]
        s.fail(word.kind == "aggregation" and format("write %s before :%s", word.form, tostring(key))
               or format("%s is a word, written %s", name, word.form))
      end,
      __newindex = function()
        s.fail(format("%s is a word of the language", name))
      end,
    })
  end

  -- Properties ---------------------------------------------------------------------------------------------------------
  -- Until it is used, shop.where may be the property or the verb; who calls it with what stood before the dot meant the verb.

  local function property(parent, base, path, key)
    return s.thing(Property, { kind = "property", parent = parent, base = base, path = path, key = key, text = function(it)
      if it.base.kind == "atomic" then
        return "atomic." .. it.path
      end
      local plain = match(it.path, "^[%a_]") and "." or match(it.path, "^%[%d") and "" or nil
      return (it.base.name or it.base.of or it.base.text(it.base)) .. (plain and plain .. it.path or '["' .. it.path .. '"]')
    end })
  end

  local function part_of(t, base, path, key)
    if type(key) == "number" then
      if key < 0 or key % 1 ~= 0 then
        s.fail(format("[%s]: a path counts 0, 1, 2 …", tostring(key)))
      end
      return property(t, base, format("%s[%d]", path, key), key)
    elseif type(key) ~= "string" then
      s.fail(format("a property is named, not %s", s.describe(key)))
    end
    if not match(key, "^[%a_][%w_]*$") then
      local ok, why = paths.parse(key)
      if not ok and not string.find(key, '["%]]') and key ~= "" then
        ok, key = true, '["' .. key .. '"]' -- a name with blanks
      end
      if not ok then
        s.fail(format('["%s"]: %s', key, why))
      end
      key = gsub(key, "^%$%.?", "")
    end
    return property(t, base, paths.join(path, key), key)
  end

  -- A property about to be used as one.
  function s.check_property(t)
    local it = s.use(t)
    local base = it.base
    if base.kind == "atomic" and info[it.parent].kind == "property" then
      s.fail(format("%s has no parts", s.describe(it.parent)))
    elseif base.kind == "event" then
      local kind = atomic.dataless[(base.vendor or "") .. "/" .. (base.schema_name or "")]
      if kind then
        s.warn(format("this event has no data of its own, so %s is always null: write atomic.%s", s.describe(t),
                      atomic.types[it.path] and it.path or "page_url"))
      end
    end
    return it
  end

  local function operator(parent, key, ...)
    local op = vocabulary.operators[key]
    if not op or not op.events then
      return s.no_operator(parent, key, "property")
    end
    s.check_property(parent)
    return s.compare(parent, key, select("#", ...), ...)
  end

  local event_verbs = {}

  local function verb_of_event(event, key, ...)
    local verb = event_verbs[key]
    if verb then
      return verb(event, ...)
    end
    local what = s.describe(event)
    s.use(event)
    if vocabulary.operators[key] or names.operators[key] then
      local ours = vocabulary.operators[key] and key or match(names.operators[key], "^%w+")
      s.fail(format("%s is an event and has no :%s(…): compare a property, as in %s.NAME:%s(…)", what, key,
                    info[event].name or "event", ours))
    elseif vocabulary.steps[key] then
      s.fail(format("an event has no :%s; that is of attributes: counter():on(%s):%s(…)", key, info[event].name or "…", key))
    end
    s.fail(format("an event has no :%s%s", key, names.hint(key, vocabulary.event_verbs, names.steps, ":")))
  end

  local function verbs_of(kind)
    return kind == "event" and vocabulary.event_verbs or vocabulary.operators
  end

  Property = s.kind {
    __index = function(t, key)
      local it = info[t]
      if it.base.kind == "atomic" then
        if type(key) ~= "string" then
          s.fail(format("%s has no parts", s.describe(t)))
        end
        return property(t, it.base, it.path .. "." .. key, key)
      end
      return part_of(t, it.base, it.path, key)
    end,
    __call = function(t, first, ...)
      local it = info[t]
      local parent = info[it.parent]
      if rawequal(first, it.parent) then
        s.use(it.parent)
        if parent.kind == "property" then
          return operator(it.parent, it.key, ...)
        elseif parent.kind == "event" then
          return verb_of_event(it.parent, it.key, ...)
        end
        s.fail(format("%s has no :%s(…): compare a property, as in %s.NAME:eq(…)", s.describe(it.parent), tostring(it.key),
                      parent.name or parent.kind))
      elseif verbs_of(parent.kind)[it.key] then
        s.fail(format("write ':' before %s, not '.'", it.key))
      end
      s.fail(format("%s is a property: compare it with :eq, :gt, :like …", s.describe(t)))
    end,
  }

  -- Events and entities ------------------------------------------------------------------------------------------------

  local function new_event(given)
    given.kind = "event"
    given.text = function(it) return it.name or "event " .. (it.of or schema_text(it)) end
    return s.thing(Event, given, given.tree ~= nil)
  end

  local function base_of(it)
    return it.base or it
  end

  function event_verbs.where(event, ...)
    local it = s.use(event)
    if select("#", ...) ~= 1 then
      s.fail(":where takes one criterion: join several with all { a, b }")
    end
    local c = s.as_criterion((...), ":where")
    if c.over ~= "property" then
      s.fail("an event is narrowed by properties, not by attributes")
    end
    return new_event {
      vendor = it.vendor, schema_name = it.schema_name, version = it.version, major = it.major, base = base_of(it),
      tree = s.both(it.tree, c.tree), of = it.name or it.of or schema_text(it),
      unused = "this event is used nowhere: it lacks { … } or a place to be used",
    }
  end

  function event_verbs.with(event, ...)
    s.use(event)
    return s.sample_with(event, ...)
  end

  Event = s.kind {
    __index = function(t, key)
      if type(key) == "number" then
        s.fail(format("only entities are numbered, not %s", s.describe(t)))
      end
      return part_of(t, base_of(info[t]), nil, key)
    end,
    __call = function(t, data, ...)
      s.use(t)
      if type(data) ~= "table" or info[data] or select("#", ...) > 0 then
        s.fail(format("%s { … } sends such an event in a test; to narrow it write %s:where(…)", s.describe(t), s.describe(t)))
      end
      return s.sample_of(t, data)
    end,
  }

  Entity = s.kind {
    __index = function(t, key)
      local it = info[t]
      if type(key) == "number" then
        if it.numbered then
          s.fail(format("%s is numbered already", s.describe(t)))
        elseif key < 0 or key % 1 ~= 0 or key > 1000 then
          s.fail(format("[%s]: entities count 0, 1, 2 … up to 1000", tostring(key)))
        end
        return s.thing(Entity, {
          kind = "entity", vendor = it.vendor, schema_name = it.schema_name, major = it.major, version = it.version,
          index = key, numbered = true, name = it.name and format("%s[%d]", it.name, key), text = it.text,
        })
      end
      return part_of(t, it, nil, key)
    end,
    __call = function(t, data, ...)
      if type(data) ~= "table" or info[data] or select("#", ...) > 0 then
        s.fail(format("%s { … } attaches such an entity in a test; a property of it is %s.NAME", s.describe(t), s.describe(t)))
      end
      return s.entity_sample(t, data)
    end,
  }

  s.word("event", function(text, ...)
    if type(text) ~= "string" or select("#", ...) > 0 then
      s.fail(format('event takes a text such as "vendor/name/1-0-0", not %s', s.describe(text)))
    end
    local given = paths.schema(text, "^%d+%-%d+%-%d+$")
    if not given then
      s.fail(format('event "%s": expected "vendor/name/version" with a version like 1-0-0%s', text,
                    text == "" and '; event "*" is every event' or ""))
    end
    return new_event { vendor = given.vendor, schema_name = given.name, version = given.version,
                       major = given.version and tonumber(match(given.version, "^%d+")) }
  end)

  s.word("entity", function(text, ...)
    local given = type(text) == "string" and select("#", ...) == 0 and paths.schema(text, "^%d+$")
        or type(text) == "string" and paths.schema(text, "^%d+%-%d+%-%d+$")
    if not given then
      s.fail(format('entity %s: expected "vendor/name/1"', s.describe(text)))
    elseif not given.vendor or not given.name then
      s.fail(format('entity "%s" names its vendor and its name: "vendor/name/1"', text))
    end
    return s.thing(Entity, {
      kind = "entity", vendor = given.vendor, schema_name = given.name, version = given.version,
      major = given.version and tonumber(match(given.version, "^%d+")), index = 0,
      text = function(it) return it.name or "entity " .. schema_text(it) end,
    })
  end)

  Atomic = s.kind {
    __index = function(t, key)
      local kind = atomic.types[key]
      if not kind then
        local ours = vocabulary.operators[key] and format(": a column is compared, as in atomic.page_url:%s(…)", key)
        s.fail(format("atomic has no property '%s'%s", tostring(key), ours or names.hint(tostring(key), atomic.types)))
      elseif kind == "json" then
        s.fail(format("atomic.%s holds many things: name one with %s", key,
                      key == "unstruct_event" and 'event "vendor/name"' or 'entity "vendor/name/1"'))
      end
      return property(t, info[t], key, key)
    end,
    __call = function(_, data, ...)
      if type(data) ~= "table" or info[data] or select("#", ...) > 0 then
        s.fail("atomic { page_url = … } sets columns in a test; a column is atomic.page_url")
      end
      return s.atomic_sample(data)
    end,
  }
  s.known.atomic = s.thing(Atomic, { kind = "atomic", name = "atomic", text = function() return "atomic" end })

  -- Durations ----------------------------------------------------------------------------------------------------------

  Duration = s.kind {
    __index = function(_, key)
      s.fail(format("a duration has no %s", tostring(key)))
    end,
  }

  for name, ms in pairs(vocabulary.durations) do
    s.word(name, function(n, ...)
      if not session.is_number(n) or select("#", ...) > 0 then
        s.fail(format("%s takes a number, as in %s(7), not %s", name, name, s.describe(n)))
      elseif n <= 0 or n * ms < 1 or n * ms > 36525 * 86400000 then
        s.fail(format("%s(%s): a duration is longer than nothing and shorter than a hundred years", name, tostring(n)))
      end
      return s.thing(Duration, { kind = "duration", ms = math.floor(n * ms + 0.5), text = function()
        return format("%s(%s)", name, tostring(n))
      end })
    end)
  end

  s.word("percent", function(n, ...)
    if not session.is_number(n) or n < 0 or n > 100 or select("#", ...) > 0 then
      s.fail(format("percent takes a number from 0 to 100, not %s", s.describe(n)))
    end
    return s.thing(Duration, { kind = "share", share = n / 100, text = function() return format("percent(%s)", tostring(n)) end })
  end)

  -- Milliseconds of a duration; who: the verb or field that wants one.
  function s.milliseconds(v, who, line)
    local it = info[v]
    if not it or it.kind ~= "duration" then
      s.fail(format("%s needs a duration such as days(7), not %s", who, s.describe(v)), line)
    end
    s.use(v)
    return it.ms
  end

  -- Attributes in interventions ----------------------------------------------------------------------------------------

  local Ref = s.kind {
    __index = function(t, key)
      if vocabulary.operators[key] then
        return function(self, ...)
          if not rawequal(self, t) then
            s.use(t)
            s.fail(format("write ':' before %s, not '.'", key))
          end
          return s.compare(t, key, select("#", ...), ...)
        end
      end
      return s.no_operator(t, tostring(key), "attribute")
    end,
    __call = function(t)
      s.use(t)
      s.fail(format("%s is compared with :eq, :gt, :changed() …; attributes are described in attribute_group", s.describe(t)))
    end,
  }

  s.word("attribute", function(text, ...)
    if type(text) ~= "string" or select("#", ...) > 0 or not match(text, "^[%w_]+:[%w_]+$") then
      s.fail(format('attribute takes "group:name", not %s', s.describe(text)))
    end
    return s.thing(Ref, {
      kind = "attribute", ref = text, text = function() return format('attribute "%s"', sub(text, 1, 80)) end,
      unused = format('attribute "%s" is used nowhere: it lacks a comparison, or a place to be used', text),
    }, true)
  end)
end

return M
