-- tiny_engine.lua -- the slowest engine there is, for test blocks: keeps every event and recalculates everything at each question.
--
-- It reads descriptions as the plan does and shares no code with it, so a test block that passes on both was understood alike.
-- SPDX-License-Identifier: Apache-2.0
local M = {}

local function path_of(data, path)
  for step in path:gmatch "[^.%[%]]+" do
    if type(data) ~= "table" then
      return nil
    end
    data = data[tonumber(step) and tonumber(step) + 1 or step]
  end
  return data
end

local function schema_parts(schema)
  return schema:match "^iglu:([^/]+)/([^/]+)/jsonschema/(%d+)"
end

local function property(event, p)
  if p.kind == "atomic" then
    return event[p.name]
  elseif p.kind == "event" then
    local same = event.event_vendor == p.vendor and event.event_name == p.name
    return same and event.unstruct_event and path_of(event.unstruct_event.data, p.path) or nil
  end
  local seen = -1
  for _, context in ipairs(event.contexts or {}) do
    local vendor, name, major = schema_parts(context.schema)
    if vendor == p.vendor and name == p.name and (not p.major or p.major == tonumber(major)) then
      seen = seen + 1
      if seen == p.index then
        return path_of(context.data, p.path)
      end
    end
  end
end

local function like(text, pattern)
  local lua = pattern:gsub("[%^%$%(%)%.%[%]%*%+%-%?]", "%%%0"):gsub("%%%%", "%%"):gsub("_", ".")
  lua = lua:gsub("%%([^%^%$%(%)%.%[%]%*%+%-%?]?)", function(c) return ".*" .. c end)
  return text:find("^" .. lua .. "$") ~= nil
end

local ops = {
  eq = function(a, b) return a == b end,
  neq = function(a, b) return a ~= b end,
  gt = function(a, b) return a > b end,
  gte = function(a, b) return a >= b end,
  lt = function(a, b) return a < b end,
  lte = function(a, b) return a <= b end,
  like = like,
}

-- value: how a leaf reads what it names
local function holds(cond, value)
  if not cond then
    return true
  elseif cond.all then
    for _, kid in ipairs(cond.all) do
      if not holds(kid, value) then
        return false
      end
    end
    return true
  elseif cond.any or cond.none then
    for _, kid in ipairs(cond.any or cond.none) do
      if holds(kid, value) then
        return cond.any ~= nil
      end
    end
    return cond.none ~= nil
  end
  local v = value(cond)
  if cond.op == "is_null" then
    return v == nil
  elseif cond.op == "is_not_null" then
    return v ~= nil
  end
  return v ~= nil and ops[cond.op](v, cond.value)
end

local function matches(pattern, event)
  return (not pattern.vendor or pattern.vendor == event.event_vendor) and (not pattern.name or pattern.name == event.event_name)
      and (not pattern.version or pattern.version == event.event_version)
      and holds(pattern.criteria, function(leaf) return property(event, leaf.property) end)
end

local function takes(attr, event)
  for _, pattern in ipairs(attr.events) do
    if matches(pattern, event) then
      return holds(attr.criteria, function(leaf) return property(event, leaf.property) end)
    end
  end
  return false
end

local aggregate = {}

function aggregate.counter(list)
  return #list > 0 and #list or nil
end

function aggregate.sum(list)
  local total
  for _, v in ipairs(list) do
    total = (total or 0) + v
  end
  return total
end

function aggregate.first(list)
  return list[1]
end

function aggregate.last(list)
  return list[#list]
end

function aggregate.unique_list(list)
  local out, seen = {}, {}
  for i = #list, 1, -1 do
    if not seen[list[i]] then
      seen[list[i]] = true
      table.insert(out, 1, list[i])
    end
  end
  return #out > 0 and out or nil
end

function M.new(desc)
  local engine = { now = 1700000000000, events = {}, messages = {} }
  local attrs = {}
  for _, def in ipairs(desc.defs) do
    if def.kind == "attribute_group" then
      for _, attr in ipairs(def.attributes) do
        attrs[def.name .. ":" .. attr.name] = { attr = attr, key = def.attribute_key }
      end
    end
  end

  -- n: only the first so many events
  local function read(ids, ref, n)
    local it = assert(attrs[ref], "no attribute " .. ref)
    local list = {}
    for i = 1, n do
      local e = engine.events[i]
      local inside = not it.attr.period or e.at > engine.now - it.attr.period
      if inside and ids[it.key] and e.event[it.key] == ids[it.key] and takes(it.attr, e.event) then
        local v = true
        if it.attr.property then
          v = property(e.event, it.attr.property)
        end
        list[#list + 1] = v
      end
    end
    return aggregate[it.attr.aggregation](list)
  end

  local function fire(rule, event, n)
    local function turned(count)
      return holds(rule.when, function(leaf) return read(event, leaf.attribute, count) end)
    end
    local fires
    if rule.when.events then
      fires = matches(rule.when.events[1], event)
    else
      fires = not turned(n - 1) and turned(n)
    end
    if not fires then
      return
    end
    local message = { name = rule.name, targets = {} }
    for _, key in ipairs(rule.target_attribute_keys or {}) do
      message.targets[key] = event[key]
    end
    engine.messages[#engine.messages + 1] = message
  end

  engine.host = {
    send = function(event)
      engine.now = engine.now + 1
      engine.events[#engine.events + 1] = { at = engine.now, event = event }
      for _, def in ipairs(desc.defs) do
        if def.kind == "intervention" then
          fire(def, event, #engine.events)
        end
      end
    end,
    wait = function(ms)
      engine.now = engine.now + ms
    end,
    read = function(ids, ref)
      return read(ids, ref, #engine.events)
    end,
    take = function(ids, name)
      for i, message in ipairs(engine.messages) do
        for key, id in pairs(message.targets) do
          if message.name == name and ids[key] == id then
            table.remove(engine.messages, i)
            return { name = name }
          end
        end
      end
    end,
  }
  return engine
end

return M
