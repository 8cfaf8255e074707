-- signalbox.lua -- the rule language: runs a rule file and hands back what it describes, as plain data with functions numbered.
--
-- One session a file and a Lua state. In reading order: tokens and scan look at the text; session makes things and problems;
-- sandbox is what Lua offers in a rule; builders, criteria and attributes are the words that describe, blocks those that
-- define; identity, calls and trial are what happens after the file has run. vocabulary and names hold every word and its help.
-- SPDX-License-Identifier: Apache-2.0
local load_module = ...
local scan = load_module "scan"
local session = load_module "session"
local vocabulary = load_module "vocabulary"

local find, format, gsub, match = string.find, string.format, string.gsub, string.match
local sort = table.sort

local L = {}

-- The first thing in a text that Lua would take or explain badly. What was learned is kept for the run that follows.
local last_text, last_scan

function L.scan(_, text)
  last_text, last_scan = text, scan.read(text)
  return last_scan.problem
end

-- Everything a person can write, with its help: { name, kind, form, help }, for editors and `help words`.
L.words = vocabulary.list

local function explain_load(text)
  if find(text, "attempt to compare", 1, true) and find(text, "table", 1, true) then
    return "criteria compare with :gt(…), :lt(…), :eq(…), not with > or <"
  elseif find(text, "^attempt to call .*a nil value") then
    return (gsub(text, "^attempt to call (.-) %(a nil value%)", "there is no %1"))
  end
  return text
end

-- Rules that fire once and then never again: what they wait for only grows, and nothing makes it forget.
local GROWS = { counter = true, max = true, approx_count_distinct = true }
local STAYS = { gt = true, gte = true, is_not_null = true }

local function warn_stuck(s)
  local growing = {} -- "group:name" -> true when its newest version here only grows
  local newest = {}
  local lasting = {} -- keys of this file without a ttl
  for i = 1, #s.defs do
    local def = s.defs[i]
    if def.kind == "attribute_key" and not def.ttl then
      lasting[def.name] = true
    end
  end
  for i = 1, #s.defs do
    local def = s.defs[i]
    if def.kind == "attribute_group" and def.version >= (newest[def.name] or 0) then
      newest[def.name] = def.version
      for _, it in ipairs(def.attributes) do
        local key = def.attribute_key
        local forgets = it.period or it.ttl or def.ttl or not (vocabulary.attribute_keys[key] or lasting[key])
        local grows = GROWS[it.aggregation] and (not it.default)
        growing[def.name .. ":" .. it.name] = grows and not forgets or false
      end
    end
  end
  local function stuck(tree)
    local kids = tree.all or tree.any
    if not kids then
      return tree.op and STAYS[tree.op] and growing[tree.attribute] or false
    end
    for i = 1, #kids do
      local is = stuck(kids[i])
      if tree.all and not is then
        return false
      elseif tree.any and is then
        return true
      end
    end
    return tree.all ~= nil
  end
  for i = 1, #s.defs do
    local def = s.defs[i]
    if def.kind == "intervention" and not def.when.events and stuck(def.when) then
      s.warn("this fires once for each identifier and never again: what it reads only grows; give the attribute "
             .. ":within(days(30)), or it or its group a ttl", def.line, format('intervention "%s"', def.name))
    end
  end
end

function L.new(host)
  local s, S = session.new(host), {}
  s.functions, s.function_info, s.numbers, s.blocks = {}, {}, {}, {}
  s.libraries, s.proxies = {}, {}
  load_module("sandbox").install(s, vocabulary)
  load_module("builders").install(s)
  load_module("criteria").install(s)
  load_module("attributes").install(s)
  load_module("blocks").install(s)
  load_module("identity").install(s)
  load_module("calls").install(s, S)
  load_module("trial").install(s, S)

  function s.known.count(v)
    if v == nil then
      if s.mode == "call" then
        return 0
      end
      s.fail("count(list) counts in a formula; the aggregation is counter()")
    elseif type(v) ~= "table" or s.info[v] then
      s.fail(format("count takes a list, not %s", s.describe(v)))
    end
    local n = 0
    for _ in next, v do
      n = n + 1
    end
    return n
  end

  function s.known.logistic(x)
    if type(x) ~= "number" then
      s.fail(format("logistic takes a number, not %s", s.describe(x)))
    end
    return 1 / (1 + math.exp(-x))
  end

  local function on_error(err)
    return s.from_lua(err, explain_load)
  end

  local function run(mode, path, text)
    s.mode, s.path = mode, path
    s.scanned = text == last_text and last_scan or scan.read(text)
    last_text, last_scan = nil, nil
    s.writes_fields = s.writes_fields or s.scanned.writes_fields
    local problem = s.scanned.problem
    if problem then
      return nil, { s.problem(problem.text, problem.line, nil, path) }
    end
    local chunk, message = host.load(gsub(text, "^\239\187\191", ""), "@" .. path)
    if not chunk then
      local line, what = match(message, ":(%d+): (.*)$")
      local told, told_line = scan.explain_syntax(what or message)
      return nil, { s.problem(told, told_line or tonumber(line) or 0, nil, path) }
    end
    s.sources["@" .. path] = path
    s.shorts[debug.getinfo(chunk, "S").short_src] = path
    s.keep_text(path, text)
    setfenv(chunk, s.env)
    local ok, err = xpcall(chunk, on_error)
    if not ok and #s.raised == 0 then
      s.raised[1] = err
    end
    if #s.raised > 0 then
      return nil, s.raised
    end
    return true
  end

  -- Runs rules/words.lua, which only gives names.
  function S.run_words(path, text)
    local ok, problems = run("words", path, text)
    s.made = {}
    return ok, problems
  end

  -- Runs the file. true, or nil and the problems.
  function S.run(path, text)
    return run("load", path, text)
  end

  -- The file's description, and what is wrong or doubtful in it as a whole.
  function S.finish()
    s.report_unused()
    warn_stuck(s)
    sort(s.problems, function(a, b)
      if a.line ~= b.line then
        return a.line < b.line
      end
      return a.text < b.text
    end)
    s.mode = "call"
    s.identify()
    s.seal()
    s.made, s.scanned = {}, nil -- what only loading needed
    return { file = s.path, defs = s.defs }, s.problems
  end

  return S
end

return L
