-- attributes.lua -- the aggregations, and the steps that build an attribute.
--
-- Each step returns a new attribute, so half-built ones can be shared.
-- SPDX-License-Identifier: Apache-2.0
local load_module = ...
local atomic = load_module "atomic"
local names = load_module "names"
local session = load_module "session"
local vocabulary = load_module "vocabulary"

local format, match = string.format, string.match
local list_length = session.list_length

local M = {}

-- What an attribute's type may be, and what it is when nothing is said. A value's type is its column's, else anything.
local NUMBERS = { int32 = true, int64 = true, double = true, float = true }
local KINDS = {
  counter = "int32", approx_count_distinct = "int32", sum = "double", min = "double", max = "double", mean = "double",
  first = "value", last = "value", most_frequent = "value", least_frequent = "value", category_count = "dict",
  unique_list = "list",
}

function M.install(s)
  local info = s.info
  local Attribute
  local steps = {}

  local function attribute(holds)
    holds.kind, holds.unused = "builder", "this attribute is used nowhere: was its name written twice?"
    holds.text = function(it) return it.name or "an attribute" end
    return s.thing(Attribute, holds, true)
  end

  -- A copy with one thing more said, and the line it was said in.
  local function said(t, step, more, once)
    local it = s.use(t)
    local file, line = s.where(true)
    if it.lines[step] and once then
      s.fail(step == "on" and format("this was said already in line %d: list all events in one :on(a, b)", it.lines[step])
             or format(":%s was said already in line %d", step, it.lines[step]))
    end
    local copy = { lines = {}, file = file, line = line }
    for _, key in ipairs { "aggregation", "property", "events", "tree", "period", "ttl", "default", "type", "description" } do
      copy[key] = it[key]
    end
    for key, value in pairs(it.lines) do
      copy.lines[key] = value
    end
    copy.lines[step] = line or 0
    for key, value in pairs(more) do
      copy[key] = value
    end
    return attribute(copy)
  end

  local function one(step, form, ...)
    if select("#", ...) ~= 1 then
      s.fail(format(":%s takes one value, as in %s", step, form))
    end
    return (...)
  end

  function steps.on(t, ...)
    local events = {}
    local n = select("#", ...)
    if n == 0 then
      s.fail(':on takes events: :on(page_view), or :on(event "*") for every one')
    end
    for i = 1, n do
      local v = select(i, ...)
      local it = info[v]
      if not it or it.kind ~= "event" then
        if it then
          s.use(v)
        end
        s.use(t)
        s.fail(type(v) == "string" and format(":on takes events: write :on(event %s)", s.describe(v))
               or type(v) == "table" and not it and "write :on(a, b), without braces"
               or format(":on takes events, not %s", s.describe(v)))
      end
      s.use(v)
      events[i] = it
    end
    return said(t, "on", { events = events }, true)
  end

  function steps.where(t, ...)
    if select("#", ...) ~= 1 then
      s.use(t)
      s.fail(":where takes one criterion: join several with all { a, b }")
    end
    local c = s.as_criterion((...), ":where")
    if c.over ~= "property" then
      s.fail("an attribute is narrowed by properties of events, not by other attributes")
    end
    return said(t, "where", { tree = s.both(info[t].tree, c.tree) })
  end

  function steps.within(t, ...)
    local ms = s.milliseconds(one("within", ":within(days(7))", ...), ":within")
    if info[t].lines.ttl then
      s.use(t)
      s.fail(":within and :ttl exclude each other: a window needs no ttl")
    end
    return said(t, "within", { period = ms }, true)
  end

  function steps.ttl(t, ...)
    local ms = s.milliseconds(one("ttl", ":ttl(days(30))", ...), ":ttl")
    if info[t].lines.within then
      s.use(t)
      s.fail(":within and :ttl exclude each other: a window needs no ttl")
    end
    return said(t, "ttl", { ttl = ms }, true)
  end

  steps["default"] = function(t, ...)
    local v = one("default", ":default(0)", ...)
    local ok = type(v) == "string" or type(v) == "boolean" or session.is_number(v)
    if type(v) == "table" and not info[v] then
      ok = true
    end
    if not ok then
      s.fail(format(":default takes a text, a number, true, false or a list, not %s", s.describe(v)))
    end
    return said(t, "default", { default = { v } }, true)
  end

  steps["as"] = function(t, ...)
    local v = one("as", ':as "int64"', ...)
    if type(v) ~= "string" or not vocabulary.types[v] then
      s.fail(format(':as takes a type: no type %s%s', s.describe(v),
                    names.hint(tostring(v), vocabulary.types, names.types)))
    end
    local kind = KINDS[info[t].aggregation]
    local type_of = vocabulary.types[v]
    local ok = kind == "list" and type_of.list or kind == "dict" and v == "dict"
        or kind == "value" and type_of.scalar or NUMBERS[v] and (NUMBERS[kind])
    if not ok then
      s.fail(format("%s answers %s, not %s", info[t].aggregation,
                    kind == "list" and "a list, such as string_list" or kind == "dict" and "a dict"
                    or kind == "value" and "one value" or "a number", v))
    end
    return said(t, "as", { type = v }, true)
  end

  function steps.describe(t, ...)
    local v = one("describe", ':describe "what it says"', ...)
    if type(v) ~= "string" then
      s.fail(format(":describe takes a text, not %s", s.describe(v)))
    end
    return said(t, "describe", { description = v }, true)
  end

  local methods = {}
  for name, step in pairs(steps) do
    methods[name] = function(t, ...)
      local it = info[t]
      if not it or it.kind ~= "builder" then
        s.fail(format("write ':' before %s, not '.'", name))
      end
      return step(t, ...)
    end
  end

  Attribute = s.kind {
    __index = function(t, key)
      local method = methods[key]
      if method then
        return method
      end
      s.use(t)
      local op = vocabulary.operators[key] or names.operators[key]
      if op and not names.steps[key] then
        s.fail(format('a half-built attribute has no :%s; an intervention compares attribute "group:name":%s(…)', key,
                      vocabulary.operators[key] and key or match(op, "^%w+")))
      end
      s.fail(format("an attribute has no :%s%s", tostring(key), names.hint(tostring(key), methods, names.steps, ":")))
    end,
    __call = function(t)
      s.use(t)
      s.fail("an attribute is not called: put a comma behind it, or a step such as :on(page_view)")
    end,
  }

  -- The words ------------------------------------------------------------------------------------------------------------

  for name in pairs(KINDS) do
    s.word(name, function(...)
      local v = ...
      if name == "counter" then
        if select("#", ...) > 0 then
          if info[v] then
            s.use(v)
          end
          s.fail("counter() takes nothing: write counter():on(…)")
        end
        return attribute { aggregation = name, lines = {} }
      end
      local it = info[v]
      if not it or it.kind ~= "property" or select("#", ...) ~= 1 then
        if it then
          s.use(v)
        end
        local maths = (name == "max" or name == "min") and type(v) == "number" and format("; of numbers write math.%s", name)
        s.fail(format("%s takes a property, such as %s(atomic.app_id), not %s%s", name, name,
                      it and it.kind == "property" and "several" or s.describe(v), maths or ""))
      end
      s.check_property(v)
      return attribute { aggregation = name, property = it, lines = {} }
    end)
  end

  -- For the block --------------------------------------------------------------------------------------------------------

  local function type_of(it)
    if it.type then
      return it.type
    end
    local kind = KINDS[it.aggregation]
    if kind ~= "value" and kind ~= "list" then
      return kind
    end
    local base = it.property.base
    local column = base.kind == "atomic" and atomic.attribute_type[atomic.types[it.property.path]]
    return column and (kind == "list" and column .. "_list" or column) or nil
  end

  local function fits(v, type_name)
    if type_name == nil then
      return true
    end
    local row = vocabulary.types[type_name]
    if row.list then
      local n = list_length(v)
      for i = 1, n or 0 do
        if not fits(v[i], row.list) then
          return false
        end
      end
      return n ~= nil
    elseif type_name == "dict" then
      for key, value in pairs(type(v) == "table" and v or {}) do
        if type(key) ~= "string" or not session.is_number(value) then
          return false
        end
      end
      return type(v) == "table"
    elseif type_name == "bool" then
      return type(v) == "boolean"
    elseif type_name == "string" or type_name == "bytes" then
      return type(v) == "string"
    elseif match(type_name, "^int") or type_name == "unix_timestamp" then
      return type(v) == "number" and v % 1 == 0
    end
    return type(v) == "number"
  end

  -- An attribute's description. One narrowed event is the event and a criterion of the attribute: that is what Signals can say.
  function s.describe_attribute(t, name, line, rule)
    local it = s.use(t)
    if not it.events then
      s.fail(format('%s: on which event? add :on(…), or :on(event "*") for every one', name), line, rule)
    end
    local out = {
      name = name, line = line, aggregation = it.aggregation, property = it.property and s.property_tree(it.property),
      period = it.period, ttl = it.ttl, type = type_of(it), description = it.description, events = {},
    }
    local tree = it.tree
    if #it.events == 1 and it.events[1].tree then
      tree = s.both(it.events[1].tree, tree)
      out.events[1] = s.event_tree(it.events[1], true)
    else
      for i = 1, #it.events do
        out.events[i] = s.event_tree(it.events[i])
      end
    end
    out.criteria = tree and s.condition_tree(tree, rule)
    if it.default then
      if not fits(it.default[1], out.type) then
        s.fail(format("%s: :default(%s) is no %s", name, type(it.default[1]) == "table" and "{ … }" or s.describe(it.default[1]),
                      out.type), it.lines["default"], rule)
      end
      out.default = s.plain(it.default[1])
    end
    return out
  end
end

return M
