-- identity.lua -- what a criterion function is, as a text that stays the same while the function does.
--
-- What has been counted by a function stays right as long as a reload leaves the function as it is; where in the file it
-- stands, and what a comment says, is not part of it. Part of it is everything its answer can hang on: its own text without
-- comments, its upvalues, the names that the file or rules/words.lua gave, and the same of each function it reaches so.
-- Functions, tables and upvalues are numbered as they are met, so that what is shared differs from what is only alike.
-- Where something cannot be told for sure there is no text, and the hash of the whole file stands in.
-- SPDX-License-Identifier: Apache-2.0
local load_module = ...
local session = load_module "session"
local tokens = load_module "tokens"

local byte, find, format, gsub, sub = string.byte, string.find, string.format, string.gsub, string.sub
local concat = table.concat
local getinfo, getlocal, getupvalue, upvalueid = debug.getinfo, debug.getlocal, debug.getupvalue, debug.upvalueid

local M = {}

local TEXT_MAX = 65536
local WORK_MAX = 60000 -- tokens and pieces of text in all: loading has its limit in time
local KEYS_MAX = 8192
local DEPTH_MAX = 32

-- Where each line of a text begins; false when it begins inside a text or a comment, or between `function` and its `(`,
-- where Lua's count of lines is not ours. Nil when the text has ends of lines that are counted in two ways.
local function line_starts(text)
  if find(text, "\r", 1, true) then
    return nil
  end
  local starts, n, at, dangling = { 1 }, 1, 1, false
  while true do
    local i = find(text, "[\n\"'%[%-]", at)
    if not i then
      return starts
    end
    local c = byte(text, i)
    local code = sub(text, at, i - 1)
    if find(code, "%S") then
      dangling = find(code, "%f[%w_]function[%s%w_.:]*$") ~= nil
    end
    local last
    if c == 10 then
      n = n + 1
      starts[n] = not dangling and i + 1
    elseif c == 45 and byte(text, i + 1) == 45 then
      last = tokens.long_bracket(text, i + 2)
      if last == nil then
        last = (find(text, "\n", i, true) or #text + 1) - 1
      end
    elseif c == 45 then
      dangling = false
    else
      dangling = false
      if c == 91 then
        last = tokens.long_bracket(text, i)
      else
        last = tokens.quoted_end(text, i) or false
      end
    end
    if last == false then
      return nil
    elseif last then
      local newline = find(text, "\n", i, true)
      while newline and newline <= last do
        n = n + 1
        starts[n] = false
        newline = find(text, "\n", newline + 1, true)
      end
    end
    at = (last or i) + 1
  end
end

local OPENS = { ["function"] = 1, ["if"] = 1, ["do"] = 1, ["repeat"] = 1, ["end"] = -1, ["until"] = -1 }

-- The token that closes the function at toks[i]; nil when there is none.
local function closing(toks, i)
  local depth = 0
  for k = i, #toks do
    if toks[k].t == "keyword" then
      depth = depth + (OPENS[toks[k].v] or 0)
      if depth == 0 then
        return k
      end
    end
  end
end

-- The names between the ( and ) of the function at toks[i], with commas; a method's self is one.
local function parameters(toks, i)
  local list, k = {}, i + 1
  while toks[k].v ~= "(" and toks[k].t ~= "eof" do
    if toks[k].v == ":" then
      list[1] = "self"
    end
    k = k + 1
  end
  k = k + 1
  while toks[k].v ~= ")" and toks[k].t ~= "eof" do
    if toks[k].v ~= "," then
      list[#list + 1] = toks[k].v
    end
    k = k + 1
  end
  return concat(list, ",")
end

local function parameters_of(fn)
  local list = {}
  for i = 1, 255 do
    local name = getlocal(fn, i)
    if not name then
      break
    end
    list[i] = name
  end
  if getinfo(fn, "u").isvararg then
    list[#list + 1] = "..."
  end
  return concat(list, ",")
end

local function spelled(toks, from, to)
  local out = {}
  for i = from, to do
    out[#out + 1] = format("%d:%s", #toks[i].v, toks[i].v)
  end
  return concat(out)
end

-- The names that toks[from .. to] may look up outside of themselves.
local function names_used(toks, from, to)
  local list, seen = {}, {}
  for i = from, to do
    local before = toks[i - 1]
    if toks[i].t == "name" and not seen[toks[i].v] and not (before and (before.v == "." or before.v == ":")) then
      seen[toks[i].v] = true
      list[#list + 1] = toks[i].v
    end
  end
  return list
end

local function scalar(v)
  local kind = type(v)
  if kind == "nil" or kind == "boolean" then
    return tostring(v)
  elseif kind == "number" then
    return v ~= v and "nan" or format("%.17g", v)
  end
  return kind == "string" and format("%d:%s", #v, v)
end

function M.install(s)
  local info = s.info
  local texts = {}                  -- path -> text, starts
  local leaves = {}                 -- { cond, fn }
  local flat = {}                   -- table -> its text; false when it holds more than scalars
  local work = 0
  local library = {}                -- what Lua offers -> its name

  for _, name in ipairs(session.sorted_keys(s.lib)) do
    local offered = s.lib[name]
    if type(offered) == "function" then
      library[offered] = name
    end
    local members = s.libraries[offered]
    for _, key in ipairs(members and session.sorted_keys(members) or {}) do
      if type(members[key]) == "function" then
        library[members[key]] = name .. "." .. key
      end
    end
  end

  -- The text of a file that is about to run.
  function s.keep_text(path, text)
    texts[path] = { text = gsub(gsub(text, "^\239\187\191", ""), "\r\n", "\n"), read = {} }
  end

  local function starts_of(file)
    if file.starts == nil then
      file.starts = line_starts(file.text) or false
    end
    return file.starts
  end

  -- How a function is written: its text, its parameters, the names it uses. Nil when it cannot be told from others in the
  -- same lines.
  local function read_function(file, first, last, wanted)
    local starts = starts_of(file)
    if not starts or not starts[first] then
      return nil
    end
    local lines_end = (find(file.text, "\n", starts[last] or starts[first], true) or #file.text + 1) - 1
    if not starts[last] then -- it ends in a line that begins inside a text
      local next_line = last + 1
      while starts[next_line] == false do
        next_line = next_line + 1
      end
      lines_end = starts[next_line] and starts[next_line] - 2 or #file.text
    end
    local toks = tokens.list(sub(file.text, starts[first], lines_end))
    work = work + #toks
    local text, from, to
    for i = 1, #toks do
      local token = toks[i]
      if token.t == "bad" then
        return nil
      elseif token.t == "keyword" and token.v == "function" and token.line == 1 then
        local k = closing(toks, i)
        if k and toks[k].line == last - first + 1 and parameters(toks, i) == wanted then
          local this = spelled(toks, i, k)
          if text and text ~= this then
            return nil
          end
          text, from, to = this, i, k
        end
      end
    end
    return text and { text = text, params = wanted, names = names_used(toks, from, to) }
  end

  local function written(fn)
    local where = getinfo(fn, "S")
    local file = texts[s.sources[where.source] or false]
    if not file then
      return nil
    end
    local params = parameters_of(fn)
    local key = format("%d %d %s", where.linedefined, where.lastlinedefined, params)
    if file.read[key] == nil and work >= WORK_MAX then
      return nil
    elseif file.read[key] == nil then
      file.read[key] = read_function(file, where.linedefined, where.lastlinedefined, params) or false
    end
    return file.read[key]
  end

  local describe_value

  local function describe_function(out, fn, depth)
    if library[fn] then
      out[#out + 1] = "lib " .. library[fn]
      return library[fn] ~= "pcall" -- what it answers holds line numbers
    end
    local it = written(fn)
    if not it then
      return false
    end
    out[#out + 1] = "function " .. it.text
    out.size = out.size + #it.text
    local own = {}
    for name in string.gmatch(it.params, "[^,]+") do
      own[name] = true
    end
    for i = 1, 255 do
      local name, held = getupvalue(fn, i)
      if not name then
        break
      end
      own[name] = true
      local id = upvalueid(fn, i)
      local known = out.known[id]
      out[#out + 1] = "up " .. name
      if known then
        out[#out + 1] = "again " .. known
      else
        out.n = out.n + 1
        out.known[id] = out.n
        if not describe_value(out, held, depth) then
          return false
        end
      end
    end
    for _, name in ipairs(it.names) do
      local named = s.named[name]
      if name == "pcall" and not own[name] then
        return false
      elseif named and not own[name] then
        out[#out + 1] = "name " .. name
        if not describe_value(out, named.value, depth) then
          return false
        end
      end
    end
    out[#out + 1] = "end"
    return true
  end

  -- The keys of a table in order; nil when they are not all numbers of a list and names.
  local function keys_of(t)
    if info[t] or getmetatable(t) ~= nil then
      return nil
    end
    local n = 0
    for _ in next, t do
      n = n + 1
      if n > KEYS_MAX then
        return nil
      end
    end
    work = work + n
    local keys = session.sorted_keys(t)
    local numbers, length = 0, 0
    while rawget(t, length + 1) ~= nil do
      length = length + 1
    end
    for i = 1, #keys do
      local kind = type(keys[i])
      numbers = numbers + (kind == "number" and 1 or 0)
      if kind ~= "number" and kind ~= "string" then
        return nil
      end
    end
    return numbers == length and keys or nil -- # of a list with holes hangs on how it came about
  end

  -- The text of a table of scalars: it is the same for every function that reaches the table.
  local function flat_text(t, keys)
    local list = {}
    for i = 1, #keys do
      local value = scalar(t[keys[i]])
      if not value then
        return false
      end
      list[2 * i - 1], list[2 * i] = scalar(keys[i]), value
    end
    return "{\n" .. concat(list, "\n") .. "\n}"
  end

  local function describe_table(out, t, depth)
    local keys
    if flat[t] == nil then
      keys = keys_of(t)
      flat[t] = keys and flat_text(t, keys) or false
    end
    if flat[t] then
      out[#out + 1] = flat[t]
      out.size = out.size + #flat[t]
      return true
    end
    keys = keys or keys_of(t)
    if not keys then
      return false
    end
    out[#out + 1] = "{"
    for i = 1, #keys do
      if not describe_value(out, keys[i], depth) or not describe_value(out, t[keys[i]], depth) then
        return false
      end
    end
    out[#out + 1] = "}"
    return true
  end

  function describe_value(out, v, depth)
    local kind, text = type(v), scalar(v)
    if text then
      out[#out + 1] = text
      out.size = out.size + #text
    elseif kind ~= "function" and kind ~= "table" then
      return false
    elseif out.known[v] then
      out[#out + 1] = "again " .. out.known[v]
    else
      out.n = out.n + 1
      out.known[v] = out.n
      local describe = kind == "function" and describe_function or describe_table
      return depth < DEPTH_MAX and #out < TEXT_MAX and out.size < TEXT_MAX and describe(out, v, depth + 1)
    end
    return true
  end

  local function identity_of(fn)
    local out = { known = {}, n = 0, size = 0 }
    local ok = work < WORK_MAX and describe_value(out, fn, 0)
    work = work + #out + math.floor(out.size / 64)
    if not ok then
      return nil
    end
    local text = concat(out, "\n")
    return #text <= TEXT_MAX and s.host.hash(text) or nil
  end

  -- Remembers a criterion that is handed out, for its identity.
  function s.identify_later(cond, fn)
    leaves[#leaves + 1] = { cond = cond, fn = fn }
  end

  -- After the file ran, when all that a function can reach is what it will be.
  function s.identify()
    local known = {}
    for i = 1, #leaves do
      local fn = leaves[i].fn
      if known[fn] == nil then
        known[fn] = identity_of(fn) or false
      end
      leaves[i].cond.identity = known[fn] or nil
    end
    leaves, texts, flat = {}, {}, {}
  end
end

return M
