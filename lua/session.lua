-- session.lua -- the state of one rule file while it is loaded and after: problems, and the things that its words make.
--
-- A thing (an event, a property, a criterion, a half-built attribute) is an empty table; what it holds stands apart in
-- `info`. So every name behind a dot is free to be a property, nothing can be changed from outside, and a slip
-- (arithmetic, comparison, assignment) meets a metamethod that says what to write instead.
-- SPDX-License-Identifier: Apache-2.0
local format, match, sub = string.format, string.match, string.sub
local getinfo = debug.getinfo
local sort = table.sort

local M = {}

local Problem = { __tostring = function(p) return p.text end, __metatable = false }

local DURING_CALL = { call = true, test = true }

function M.new(host)
  local s = {
    host = host,
    mode = "load",                                  -- words, load, call, test
    info = setmetatable({}, { __mode = "k" }),      -- thing -> what it holds
    sources = {},                                   -- chunk source -> path
    shorts = {},                                    -- the same as Lua's messages name it -> path
    named = {},                                     -- name given in the file -> { file, line, value }
    problems = {}, raised = {}, made = {}, defs = {}, seq = 0,
  }
  local info = s.info

  -- Where the rule file stands just now: path and line of its innermost frame. own: prefer the file to rules/words.lua.
  function s.where(own)
    local path, line
    for level = 2, 200 do
      local frame = getinfo(level, "Sl")
      if not frame then
        break
      end
      local p = s.sources[frame.source]
      if p and frame.currentline > 0 then
        if not own or p == s.path then
          return p, frame.currentline
        elseif not path then
          path, line = p, frame.currentline
        end
      end
    end
    if path then
      return path, line
    end
    return s.path, s.calling and s.calling.line -- a tail call lost the frame
  end

  function s.problem(text, line, rule, file)
    local p, l
    if not line and s.at_line then
      line, file = s.at_line, s.path
    elseif not line then
      p, l = s.where()
    end
    return setmetatable({ file = file or p or s.path, line = line or l or 0, rule = rule or s.rule, text = text }, Problem)
  end

  -- Raises a problem. Kept as well, so that a pcall in the file cannot lose it.
  function s.fail(text, line, rule, file)
    local problem = s.problem(text, line, rule, file)
    if not DURING_CALL[s.mode] or s.trial then
      s.raised[#s.raised + 1] = problem
    end
    s.rule, s.at_line = nil, nil
    error(problem, 0)
  end

  function s.warn(text, line, rule)
    local problem = s.problem(text, line, rule)
    problem.warning = true
    s.problems[#s.problems + 1] = problem
  end

  function s.is_problem(value)
    return type(value) == "table" and getmetatable(value) == false and type(rawget(value, "text")) == "string"
  end

  -- Things -----------------------------------------------------------------------------------------------------------

  local function refuse(text)
    return function()
      s.fail(text)
    end
  end
  local no_arithmetic = refuse("no arithmetic here: this is a description, not a value")
  local function no_change(t)
    s.fail(format("%s cannot be changed", s.describe(t)))
  end

  -- A metatable for things; everything a person may try by mistake has an answer.
  function s.kind(fields)
    local meta = {
      __metatable = false, __newindex = no_change,
      __add = no_arithmetic, __sub = no_arithmetic, __mul = no_arithmetic, __div = no_arithmetic, __mod = no_arithmetic,
      __pow = no_arithmetic, __unm = no_arithmetic, __concat = refuse("no .. here: this is a description, not a text"),
      __eq = refuse("write :eq(…) instead of =="),
      __lt = refuse("write :gt(…) or :lt(…) instead of > or <"),
      __le = refuse("write :gte(…) or :lte(…) instead of >= or <="),
    }
    for name, fn in pairs(fields) do
      meta[name] = fn
    end
    return meta
  end

  -- A new thing. track: it is an error when nothing ever uses it; only such a thing needs its line.
  function s.thing(meta, holds, track)
    local t = setmetatable({}, meta)
    s.seq = s.seq + 1
    holds.seq = s.seq
    info[t] = holds
    if track and not holds.line then
      holds.file, holds.line = s.where(true)
    end
    if track and not DURING_CALL[s.mode] then
      s.made[#s.made + 1] = t
    end
    return t
  end

  function s.use(t)
    info[t].used = true
    return info[t]
  end

  -- What a thing is, for messages: by its name in the file when it has one.
  function s.describe(v)
    local it = info[v]
    if not it then
      if type(v) == "string" then
        return format('"%s"', #v > 60 and sub(v, 1, 60) .. "…" or v)
      elseif type(v) == "table" then
        return "a table"
      elseif type(v) == "function" then
        return "a function"
      end
      return v == nil and "nil (nothing)" or tostring(v)
    end
    return it.text and it.text(it) or it.name or it.kind
  end

  -- What Lua says, as a problem. fn: what is known of the function that was called, when a tail call lost the line.
  function s.from_lua(err, explain, fn)
    if s.is_problem(err) then
      return err
    elseif type(err) ~= "string" then
      return s.problem(type(err) == "table" and "error(…) was called with a table: give it a text" or "error: " .. tostring(err))
    end
    local short, line, text = match(err, "^(.-):(%d+): (.*)$")
    local file = short and s.shorts[short]
    if file then
      line = tonumber(line)
    else
      text = text or err
      if fn then
        file, line = fn.file, fn.line
      else
        file, line = s.where()
      end
    end
    return s.problem(explain and explain(text, fn) or text, line or 0, nil, file)
  end

  -- What was made and never used, in the order of lines.
  function s.report_unused()
    local lost = {}
    for i = 1, #s.made do
      local it = info[s.made[i]]
      if it and not it.used then
        lost[#lost + 1] = it
      end
    end
    sort(lost, function(a, b)
      if a.line ~= b.line then
        return (a.line or 0) < (b.line or 0)
      end
      return a.seq < b.seq
    end)
    for i = 1, #lost do
      local it = lost[i]
      s.problems[#s.problems + 1] = s.problem(it.unused or "this is used nowhere", it.line, nil, it.file)
    end
  end

  return s
end

-- The keys of a table in a fixed order: numbers, then texts. Keys of other types come first, so that a check meets them.
function M.sorted_keys(t)
  local keys = {}
  for key in next, t do
    keys[#keys + 1] = key
  end
  local rank = { number = 2, string = 3 }
  sort(keys, function(a, b)
    local ra, rb = rank[type(a)] or 1, rank[type(b)] or 1
    if ra ~= rb or ra == 1 then
      return ra < rb
    end
    return a < b
  end)
  return keys
end

-- A list without holes and without other keys; its length, or nil.
function M.list_length(t)
  if type(t) ~= "table" then
    return nil
  end
  local n = 0
  for _ in next, t do
    n = n + 1
  end
  for i = 1, n do
    if t[i] == nil then
      return nil
    end
  end
  return n
end

-- A number a rule may hold: no NaN, no infinity.
function M.is_number(v)
  return type(v) == "number" and v == v and v < math.huge and v > -math.huge
end

return M
