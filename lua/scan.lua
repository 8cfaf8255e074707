-- scan.lua -- reads a rule file before Lua does, finds what Lua would take or explain badly, and notes where things are written.
--
-- Lua decides `a or b` at load and drops one half in silence, calls `7d` malformed, and says "'}' expected" of a missing comma.
-- One pass over the tokens with a stack of what is open finds these. What it learns on the way (the keys of each table in
-- the order written, the names given at the top) serves the messages that come later.
-- SPDX-License-Identifier: Apache-2.0
local load_module = ...
local tokens = load_module "tokens"
local vocabulary = load_module "vocabulary"

local format, match, find, gsub = string.format, string.match, string.find, string.gsub

local M = {}

local JOINS = { ["and"] = "all { …, … }", ["or"] = "any { …, … }", ["not"] = "none { …, … }" }
local COMPARES = { ["=="] = "eq", ["~="] = "neq", ["<"] = "lt", [">"] = "gt", ["<="] = "lte", [">="] = "gte" }
local CLOSES = { ["("] = ")", ["{"] = "}", ["["] = "]" }
local OPENS = { [")"] = "(", ["}"] = "{", ["]"] = "[" }
local CALLS = { ["("] = true, ["{"] = true }
local BLOCKS = { ["attribute_key"] = true, attribute_group = true, service = true, intervention = true, score = true }

local function is(token, t, v)
  return token ~= nil and token.t == t and (v == nil or token.v == v)
end

local function is_op(token, v)
  return token ~= nil and token.t == "op" and token.v == v
end

local function join_advice(token)
  if JOINS[token.v] and token.t == "keyword" then
    return format("criteria are joined with %s, not with %s", JOINS[token.v], token.v)
  elseif token.t == "op" and COMPARES[token.v] then
    return format("write :%s(…) instead of %s", COMPARES[token.v], token.v)
  end
end

-- Does a value end with this token, so that another one cannot follow at once?
local function ends_value(token)
  if not token then
    return false
  end
  local t, v = token.t, token.v
  return t == "name" or t == "string" or t == "number" or t == "op" and (OPENS[v] ~= nil or v == "...")
      or t == "keyword" and (v == "end" or v == "true" or v == "false" or v == "nil")
end

local function begins_item(toks, i)
  local prev = toks[i - 1]
  return is_op(prev, "{") or is_op(prev, ",") or is_op(prev, ";")
end

local Scan = {}
Scan.__index = Scan

local function fail(self, text, line)
  self.problem = { line = line, text = text }
end

local function unclosed(self, frame)
  if CLOSES[frame.what] then
    fail(self, format("this %s has no closing %s", frame.what, CLOSES[frame.what]), frame.line)
  else
    fail(self, format("this %s has no %s", frame.what, frame.what == "repeat" and "until" or "end"), frame.line)
  end
end

local function push(self, what, token)
  local frame = { what = what, line = token.line }
  self.stack[#self.stack + 1] = frame
  if what == "function" then
    self.depth = self.depth + 1
  end
  return frame
end

local function pop(self)
  local frame = self.stack[#self.stack]
  self.stack[#self.stack] = nil
  if frame.what == "function" then
    self.depth = self.depth - 1
  end
  return frame
end

-- A { or ( opens: is it a place where criteria stand?
local function open(self, i)
  local toks, token = self.toks, self.toks[i]
  local prev, before = toks[i - 1], toks[i - 2]
  local top = self.stack[#self.stack]
  local frame = push(self, token.v, token)
  local called = ends_value(prev) and prev.t ~= "number"
  if is(prev, "name") then
    frame.op = is_op(before, ":") and vocabulary.operators[prev.v] ~= nil
    frame.criteria = is_op(before, ":") and prev.v == "where"
        or token.v == "{" and (prev.v == "all" or prev.v == "any" or prev.v == "none") and not is_op(before, ".")
  elseif token.v == "(" and not called and top then
    frame.criteria = top.criteria or top.item == "when" and top.block
  end
  if token.v == "{" then
    frame.block = is(prev, "string") and is(before, "name") and BLOCKS[before.v] and before.v or nil
    frame.keys, frame.key_lines, frame.n = {}, {}, 0
    frame.under = is_op(prev, "=") and is(before, "name") and before.v or nil
    self.tables[#self.tables + 1] = frame
  end
end

local function close(self, i)
  local token, frame = self.toks[i], self.stack[#self.stack]
  if not frame then
    return fail(self, format("this %s closes nothing", token.v), token.line)
  elseif frame.what ~= OPENS[token.v] then
    return unclosed(self, frame)
  end
  frame.last_line = token.line
  pop(self)
  if frame.op then
    local advice = join_advice(self.toks[i + 1])
    if advice and not is(self.toks[i + 1], "keyword", "not") then
      return fail(self, advice, self.toks[i + 1].line)
    end
  end
end

-- Inside braces, where an item begins: notes its key, and finds keys that Lua cannot take.
local function item(self, i, frame)
  local toks, token = self.toks, self.toks[i]
  frame.item = nil
  local key
  local nxt, after = toks[i + 1], toks[i + 2]
  if is(token, "name") and is_op(nxt, "=") then
    key = token.v
  elseif is_op(token, "[") and is(nxt, "string") and is_op(after, "]") and is_op(toks[i + 3], "=") then
    key = tokens.inside(nxt)
  elseif is(token, "name") and is_op(nxt, "-") then
    local name, j = token.v, i + 1
    while is_op(toks[j], "-") and (is(toks[j + 1], "name") or is(toks[j + 1], "number")) do
      name, j = name .. "_" .. toks[j + 1].v, j + 2
    end
    if is_op(toks[j], "=") then
      return fail(self, format("a name may not have a '-': write %s = …", name), token.line)
    end
  elseif is(token, "keyword") and is_op(nxt, "=") then
    return fail(self, format("'%s' is a word of Lua: write [\"%s\"] = …", token.v, token.v), token.line)
  elseif (is(token, "name") or is(token, "string")) and is_op(nxt, ":")
      and not (is(after, "name") and (is(toks[i + 3], "string") or is(toks[i + 3], "op") and CALLS[toks[i + 3].v])) then
    local name = is(token, "string") and tokens.inside(token) or token.v
    if not (is(after, "name") and vocabulary.verbs[after.v]) then
      return fail(self, format("write %s = …, with = instead of :", name), token.line)
    end
  end
  if key then
    frame.item = key
    frame.n = frame.n + 1
    frame.keys[key] = frame.n
    frame.key_lines[key] = token.line
  end
end

-- A value follows a value inside brackets: a comma was forgotten.
local function missing_comma(self, i, frame)
  local toks, token, prev = self.toks, self.toks[i], self.toks[i - 1]
  if not ends_value(prev) or frame.what == "[" then
    return
  end
  local t, v = token.t, token.v
  local curried = is(toks[i - 2], "name") or is(toks[i - 2], "op") and OPENS[toks[i - 2].v]
  local missing = t == "name" or t == "number"
      or t == "keyword" and (v == "function" or v == "true" or v == "false" or v == "nil" or v == "not")
      or (t == "string" or v == "{" and t == "op") and (prev.t == "number" or prev.t == "string" and not curried)
      or frame.what == "{" and is_op(token, "[") and is(toks[i + 1], "string") and is_op(toks[i + 2], "]")
         and is_op(toks[i + 3], "=")
  if missing then
    if token.line > prev.line then
      return fail(self, "a comma is missing at the end of this line", prev.line)
    end
    return fail(self, format("a comma is missing before %s", v), token.line)
  end
end

local function check_name(self, token)
  if is(token, "name") and vocabulary.words[token.v] then
    fail(self, format("%s is a word of the language: choose another name", token.v), token.line)
  end
end

-- local a, b   for a, b in   function f(a, b)   function(a, b)
local function check_declared(self, i)
  local toks = self.toks
  local j = i + 1
  if is(toks[i], "keyword", "local") and is(toks[j], "keyword", "function") then
    return check_name(self, toks[j + 1])
  elseif is(toks[i], "keyword", "function") then
    if is(toks[j], "name") and is_op(toks[j + 1], "(") then
      check_name(self, toks[j])
      if self.depth == 0 and not is(toks[i - 1], "keyword", "local") then
        self.named[toks[j].v] = self.named[toks[j].v] or toks[j].line
      end
    elseif is(toks[j], "name") and self.depth > 0 then
      self.writes_fields = true -- function t.f() …
    end
    while is(toks[j], "name") or is_op(toks[j], ".") or is_op(toks[j], ":") do
      j = j + 1
    end
    j = j + 1
  end
  while is(toks[j], "name") and not self.problem do
    check_name(self, toks[j])
    j = is_op(toks[j + 1], ",") and j + 2 or j + 1
  end
end

local function check_assignment(self, i, frame)
  local toks, prev, before = self.toks, self.toks[i - 1], self.toks[i - 2]
  local nxt = toks[i + 1]
  if is(prev, "string") and is(before, "name") and BLOCKS[before.v] and is_op(nxt, "{") then
    return fail(self, format("no = between %s %s and {", before.v, prev.v), prev.line)
  elseif frame and frame.what == "(" then
    if toks[i].line > frame.line then
      return unclosed(self, frame)
    end
    return fail(self, "no = inside ( … ): values with names stand in { … }", toks[i].line)
  elseif not frame or not CLOSES[frame.what] then
    if is(prev, "name") and not (is(before, "op") and (before.v == "." or before.v == ":")) then
      local declared = is(before, "keyword", "local") or is(before, "keyword", "for")
      if not declared then
        check_name(self, prev)
        if is_op(before, "-") and is(toks[i - 3], "name") then
          return fail(self, format("a name may not have a '-': write %s_%s", toks[i - 3].v, prev.v), prev.line)
        end
        if self.depth == 0 then
          self.named[prev.v] = self.named[prev.v] or prev.line
        end
      end
    end
    if self.depth > 0 and (is_op(prev, "]") or is_op(before, ".") or is_op(before, ",")) then
      self.writes_fields = true
    end
  end
end

-- The token stands in `not a.b:eq "x"`?
local function negates_criterion(toks, i)
  local j = i + 1
  while is(toks[j], "name") or is(toks[j], "number") or is(toks[j], "string") or is_op(toks[j], ".")
      or is_op(toks[j], "[") or is_op(toks[j], "]") do
    j = j + 1
  end
  return is_op(toks[j], ":") and is(toks[j + 1], "name") and vocabulary.operators[toks[j + 1].v] ~= nil
end

local function check_colon(self, i)
  local toks, nxt, after = self.toks, self.toks[i + 1], self.toks[i + 2]
  if is(nxt, "keyword") then
    local ours = nxt.v == "in" and "in_list" or nxt.v == "not" and "neq"
    return fail(self, ours and format("'%s' is a word of Lua: here it is called :%s", nxt.v, ours)
                or format("'%s' is a word of Lua, not of the rules", nxt.v), nxt.line)
  elseif is(nxt, "name") and after.t ~= "bad" and not (is(after, "string") or is(after, "op") and CALLS[after.v]) then
    local op = vocabulary.operators[nxt.v]
    local form = op and op.takes ~= "nothing" and "a value" or "()"
    return fail(self, format(":%s needs %s after it", nxt.v, form), toks[i].line)
  elseif is(nxt, "name") and is(after, "string") and vocabulary.operators[nxt.v] then
    local advice = not is(toks[i + 3], "keyword", "not") and join_advice(toks[i + 3])
    if advice then
      return fail(self, advice, toks[i + 3].line)
    end
  end
end

local function check_op(self, i, frame)
  local toks, token = self.toks, self.toks[i]
  local prev, nxt, v = toks[i - 1], toks[i + 1], token.v
  if CLOSES[v] then
    if v == "(" and token.first and ends_value(prev) and (not frame or not CLOSES[frame.what]) then
      return fail(self, "this ( goes on with the line above: write a:where(…) instead of (a):where(…), or ; before the (",
                  token.line)
    end
    return open(self, i)
  elseif OPENS[v] then
    return close(self, i)
  elseif v == "=" then
    return check_assignment(self, i, frame)
  elseif v == ":" then
    return check_colon(self, i)
  elseif v == "%" and is(prev, "number")
      and (not nxt or nxt.t == "eof" or nxt.first or is(nxt, "op") and (OPENS[nxt.v] or nxt.v == "," or nxt.v == ";")) then
    return fail(self, format("write percent(%s)", prev.v), token.line)
  elseif v == "#" and token.first and not (frame and CLOSES[frame.what])
      and (not prev or ends_value(prev) or is_op(prev, ",") or is_op(prev, "{") or is_op(prev, ";")) then
    return fail(self, "a comment starts with --", token.line)
  elseif v == "." and is(nxt, "keyword") then
    return fail(self, format("'%s' is a word of Lua: write [\"%s\"] instead of .%s", nxt.v, nxt.v, nxt.v), nxt.line)
  end
end

local function check_keyword(self, i, frame)
  local toks, token = self.toks, self.toks[i]
  local v = token.v
  if v == "function" or v == "do" or v == "repeat" or v == "if" then
    if v == "function" then
      check_declared(self, i)
    end
    push(self, v, token)
  elseif v == "end" or v == "until" then
    if not frame then
      return fail(self, format("this %s closes nothing", v), token.line)
    elseif CLOSES[frame.what] or (frame.what == "repeat") ~= (v == "until") then
      return unclosed(self, frame)
    end
    pop(self)
  elseif v == "local" or v == "for" then
    if frame and CLOSES[frame.what] then
      return unclosed(self, frame)
    end
    check_declared(self, i)
  elseif v == "not" and negates_criterion(toks, i) then
    return fail(self, join_advice(token), token.line)
  end
end

local function step(self, i)
  local token = self.toks[i]
  local frame = self.stack[#self.stack]
  if token.t == "bad" then
    return fail(self, token.v, token.line)
  elseif token.t == "eof" then
    return frame and unclosed(self, frame)
  end
  if frame and frame.what == "{" and begins_item(self.toks, i) then
    item(self, i, frame)
  end
  if not self.problem and token.t == "number" and is(self.toks[i - 1], "name")
      and (vocabulary.durations[self.toks[i - 1].v] or self.toks[i - 1].v == "percent") then
    fail(self, format("write %s(%s)", self.toks[i - 1].v, token.v), token.line)
  end
  local name = self.toks[i + 1]
  if not self.problem and token.t == "name" and BLOCKS[token.v] and is(name, "name") and is_op(self.toks[i + 2], "{") then
    fail(self, format('a name stands in quotes: write %s "%s" {', token.v, name.v), name.line)
  end
  if not self.problem and frame and CLOSES[frame.what] then
    missing_comma(self, i, frame)
    if not self.problem and (frame.criteria or frame.block == "intervention" and frame.item == "when") then
      local advice = join_advice(token)
      if advice then
        fail(self, advice, token.line)
      end
    end
  end
  if self.problem then
    return
  elseif token.t == "op" then
    check_op(self, i, frame)
  elseif token.t == "keyword" then
    check_keyword(self, i, frame)
  elseif token.t == "name" and token.v == "table" then
    self.writes_fields = true -- insert, remove and sort write too
  end
end

-- { problem = { line, text } or nil, tables = { braces with keys, key_lines, line, last_line }, named = { name = line },
--   writes_fields = true when some function may write into a table }
function M.read(text)
  local self = setmetatable({ toks = tokens.list(text), stack = {}, tables = {}, named = {}, depth = 0 }, Scan)
  for i = 1, #self.toks do
    step(self, i)
    if self.problem then
      break
    end
  end
  self.toks, self.stack = nil, nil
  return self
end

-- Lua's own words for a file it cannot read, made shorter.
function M.explain_syntax(text)
  text = gsub(text, "<eof>", "the end of the file")
  local what, line = match(text, "%(to close '(.-)' at line (%d+)%)")
  if what then
    return format("this %s has no %s", what, CLOSES[what] and "closing " .. CLOSES[what] or "end"), tonumber(line)
  end
  if find(text, "unexpected symbol near", 1, true) then
    return (gsub(text, "unexpected symbol near", "something is missing or too much before"))
  end
  return text
end

return M
