-- calls.lua -- calls a file's formulas and criterion functions, and sees to it that they keep nothing between calls.
--
-- A function is pure as far as it can reach: its upvalues, those of the functions it can call, and (only when some function
-- of the file writes into tables at all) the tables it can reach are compared with what they were at load, and put back.
-- SPDX-License-Identifier: Apache-2.0
local load_module = ...
local names = load_module "names"
local session = load_module "session"

local format, find, match = string.format, string.find, string.match
local getupvalue, setupvalue, getlocal, upvalueid = debug.getupvalue, debug.setupvalue, debug.getlocal, debug.upvalueid
local pcall, rawequal, type, unpack, next = pcall, rawequal, type, unpack, next
local is_number = session.is_number

local M = {}

-- What Lua says about a null, as advice. it: what is known of the function.
local function explain(text, it)
  local a = it and it.param or "a"
  local what, kind, name = match(text, "^attempt to (.-) (%a+) '([%w_]+)' %(a nil value%)")
  if what then
    local written = kind == "field" and a .. "." .. name or name
    if find(what, "arithmetic", 1, true) then
      return format("%s can be null: write (%s or 0)", written, written)
    elseif find(what, "length", 1, true) then
      return format("%s can be null: write count(%s)", written, written)
    elseif find(what, "concatenate", 1, true) then
      return format('%s can be null: write (%s or "")', written, written)
    elseif find(what, "index", 1, true) then
      return format("%s can be null: write (%s or {})", written, written)
    elseif find(what, "call", 1, true) then
      return format("there is no function %s", name)
    end
  elseif find(text, "attempt to compare", 1, true) and find(text, "nil", 1, true) then
    return format("a null is compared with a value: write (%s.NAME or 0)", a)
  elseif find(text, "takes a table, not nil", 1, true) then
    return format("%s: a null list is written (%s.NAME or {})", text, a)
  end
  return text
end

function M.install(s, S)
  local info = s.info
  local entries = {}
  S.functions, S.function_info = s.functions, s.function_info

  -- What could remember -------------------------------------------------------------------------------------------------

  local function reach(entry, value, seen)
    if type(value) == "function" and not seen[value] then
      seen[value] = true
      local where = debug.getinfo(value, "S")
      if not s.sources[where.source] then
        return -- not the file's: ours, or Lua's
      end
      for i = 1, 255 do
        local name, held = getupvalue(value, i)
        if not name then
          break
        end
        local id = upvalueid(value, i)
        if not seen[id] then
          seen[id] = true
          entry.watched[#entry.watched + 1] = { fn = value, i = i, name = name, value = held }
        end
        reach(entry, held, seen)
      end
    elseif type(value) == "table" and not seen[value] and info[value] == nil and getmetatable(value) == nil then
      seen[value] = true
      local copy = {}
      for key, held in next, value do
        copy[key] = held
        reach(entry, held, seen)
      end
      if s.writes_fields then
        entry.tables[#entry.tables + 1] = { table = value, copy = copy }
      end
    end
  end

  -- Puts everything back; the name of something that had changed, or nil.
  local function restore(entry)
    local changed
    for i = 1, #entry.watched do
      local w = entry.watched[i]
      local _, now = getupvalue(w.fn, w.i)
      if not rawequal(now, w.value) then
        changed = changed or w.name
        setupvalue(w.fn, w.i, w.value)
      end
    end
    for i = 1, #entry.tables do
      local t, copy = entry.tables[i].table, entry.tables[i].copy
      for key, held in next, t do
        if not rawequal(copy[key], held) then
          changed = changed or "a table, at " .. s.describe(key)
          t[key] = copy[key]
        end
      end
      for key, held in next, copy do
        if t[key] == nil then
          changed = changed or "a table, at " .. s.describe(key)
          t[key] = held
        end
      end
    end
    return changed
  end

  -- Entries ----------------------------------------------------------------------------------------------------------------

  local function formula_proxy(entry)
    local proxy = setmetatable({}, {
      __metatable = false,
      __index = function(_, key)
        local index = entry.index
        if not index then
          return nil -- tried before the service is known
        end
        local i = index[key]
        if not i then
          s.fail(format("the service has no attribute %s%s", s.describe(key), names.hint(tostring(key), index)))
        end
        entry.used[i] = true
        return entry.args[i]
      end,
      __newindex = function()
        s.fail("attributes are read here, not set")
      end,
    })
    s.proxies[proxy] = true
    return proxy
  end

  -- After the file ran: what each function is, and what it could remember.
  function s.seal()
    for n = #entries + 1, #s.functions do
      local fn, it = s.functions[n], s.function_info[n]
      local entry = {
        n = n, fn = fn, kind = it.kind, rule = it.rule, file = it.file, line = it.line, watched = {}, tables = {}, used = {},
        param = getlocal(fn, 1) or "a",
      }
      if it.kind ~= "test" then
        local seen = {}
        reach(entry, fn, seen)
        for _, name in ipairs(session.sorted_keys(s.named)) do
          reach(entry, s.named[name].value, seen)
        end
      end
      if it.kind == "formula" then
        entry.proxy = formula_proxy(entry)
      end
      entries[n] = entry
    end
  end

  -- Tells formula n the attributes of its service, in order.
  function S.name_args(n, list)
    local index = {}
    for i = 1, #list do
      index[list[i]] = i
    end
    entries[n].index = index
  end

  local function result_of(entry, ok, result)
    if not ok then
      return nil, s.from_lua(result, explain, entry)
    end
    local changed = restore(entry)
    if changed then
      return nil, s.problem(format("a function keeps nothing between calls: it changed %s", changed), entry.line, nil, entry.file)
    elseif entry.kind == "formula" and not is_number(result) then
      return nil, s.problem(format("the formula must return a number, not %s", s.describe(result)), entry.line, nil, entry.file)
    end
    return result
  end

  local function call(entry, args, n)
    if entry.dirty then
      restore(entry) -- the last call was stopped
    end
    local mode, calling, trial = s.mode, s.calling, s.trial
    s.mode, s.calling, s.trial, entry.dirty = "call", entry, nil, true
    local ok, result
    if entry.proxy then
      local used = entry.used
      for i in next, used do
        used[i] = nil
      end
      entry.args = args
      ok, result = pcall(entry.fn, entry.proxy)
    else
      ok, result = pcall(entry.fn, unpack(args, 1, n))
    end
    local value, problem = result_of(entry, ok, result)
    if problem then
      restore(entry)
    end
    s.mode, s.calling, s.trial, entry.dirty = mode, calling, trial, false
    return value, problem
  end

  -- Calls function n with n_args values. A formula answers a number and which arguments it looked at; a criterion true or false,
  -- and is false without a call when one of its arguments is null.
  function S.call(n, args, n_args)
    local entry = entries[n]
    if not entry.proxy then
      for i = 1, n_args do
        if args[i] == nil then
          return false
        end
      end
    end
    local value, problem = call(entry, args, n_args)
    if problem then
      error(format("%s:%d: %s", problem.file, problem.line, problem.text), 0)
    elseif entry.proxy then
      return value, entry.used
    end
    return value and true or false
  end

  -- Every formula, twice, with every attribute null.
  function S.try_formulas()
    local problems = {}
    for n = 1, #entries do
      local entry = entries[n]
      if entry.kind == "formula" then
        local first, problem = call(entry, {}, 0)
        local second
        if not problem then
          second, problem = call(entry, {}, 0)
        end
        if not problem and first ~= second then
          problem = s.problem(format("with every attribute null it returned %s, and then %s", s.describe(first),
                                     s.describe(second)), entry.line, nil, entry.file)
        end
        if problem then
          problem.rule = entry.rule
          problems[#problems + 1] = problem
        end
      end
    end
    return problems
  end
end

return M
