-- tokens.lua -- a rule file's text as a list of tokens; what Lua would take or explain badly becomes a `bad` token with advice.
--
-- A token is { t = "name" | "keyword" | "string" | "number" | "op" | "bad" | "eof", v = its text, line = N, first = true when
-- it is the first of its line }: four fields and not one more, since a long file has many.
-- SPDX-License-Identifier: Apache-2.0
local byte, find, sub, match, format = string.byte, string.find, string.sub, string.match, string.format

local M = {}

local keywords = {}
for word in string.gmatch("and break do else elseif end false for function goto if in local nil not or repeat return then true "
                          .. "until while", "%a+") do
  keywords[word] = true
end
M.keywords = keywords

local QUOTES, DASHES, SPACES = {}, {}, {}
for char in string.gmatch("“ ” „ ‟ ‘ ’ ‚ « » ″ ′", "%S+") do
  QUOTES[char] = true
end
for char in string.gmatch("– — ‒ ― − ‐ ‑", "%S+") do
  DASHES[char] = true
end
-- no-break, figure, narrow, ideographic, thin spaces; zero width and byte order marks
for char in string.gmatch("\194\160 \226\128\135 \226\128\175 \227\128\128 \226\128\137 \226\128\138 \226\128\130 \226\128\131 "
                          .. "\226\128\139 \226\128\140 \226\128\141 \226\129\160 \239\187\191", "%S+") do
  SPACES[char] = true
end

-- One character beyond ASCII, as it stands in the text.
local function wide_char(text, at)
  return match(text, "^[\192-\247][\128-\191]*", at) or sub(text, at, at)
end

local function wide_advice(char)
  if QUOTES[char] then
    return 'typographic quotes: write " or \''
  elseif DASHES[char] then
    return "a typographic dash: type -"
  elseif SPACES[char] then
    return "a hard space, pasted from a page or a chat: type an ordinary one"
  elseif char == "…" then
    return "a typographic …: three dots have no place here"
  elseif char == "×" or char == "÷" or char == "≥" or char == "≤" or char == "≠" then
    return format("'%s' is no sign of Lua: write * / or :gte(…) :lte(…) :neq(…)", char)
  end
  return format("'%s': names are of English letters, digits and _; other letters stand in quotes", char)
end

-- What is wrong with a number and the letters stuck to it; nil when nothing is.
local function number_advice(text)
  if match(text, "^%d+%.%.") then
    return format("put a space between %s and ..", match(text, "^%d+"))
  elseif match(text, "^%d+%.?%d*$") or match(text, "^%d*%.?%d+[eE][+-]?%d+$") or match(text, "^%d+%.[eE][+-]?%d+$")
      or match(text, "^%.%d+$") or match(text, "^0[xX]%x+$") then
    return nil
  elseif match(text, "^%w+$") and match(text, "^[%dxX]+%x*[uU]?[lL][lL]$") or match(text, "^[%d.]+[iI]$") then
    return format("%s is not a number rules know", text)
  elseif match(text, "^%d[%w_]*$") then
    return format("'%s': a duration is written days(7), a share percent(10); a name with a digit in front [\"%s\"]", text, text)
  end
  return format("'%s' is not a number", text)
end

local TWO = { ["=="] = true, ["~="] = true, ["<="] = true, [">="] = true, [".."] = true, ["::"] = true }
local TWO_BAD = {
  ["//"] = "a comment starts with --",
  ["/*"] = "a comment starts with --",
  ["!="] = "unequal is :neq(…) in a criterion, and ~= inside a function",
  ["&&"] = "write all { …, … } for criteria, and inside a function",
  ["||"] = "write any { …, … } for criteria, or inside a function",
  ["=>"] = "write = instead of =>",
  ["=<"] = "write <= instead of =<",
}
local ONE_BAD = {
  ["!"] = "write none { … } for criteria, not inside a function",
  ["&"] = "write all { …, … } for criteria, and inside a function",
  ["|"] = "write any { …, … } for criteria, or inside a function",
  ["@"] = "an address stands in quotes",
  ["?"] = "a ? has no place here",
  ["$"] = "a $ has no place here",
  ["`"] = 'a text stands in " or \'',
  ["\\"] = "a \\ stands only inside quotes",
}

-- The end of the long bracket that opens at `at`, or nil when it is none; then its last position, or false when it never ends.
function M.long_bracket(text, at)
  local level = match(text, "^%[(=*)%[", at)
  if not level then
    return nil
  end
  local _, last = find(text, "]" .. level .. "]", at, true)
  return last or false
end

local function count_lines(text, from, to)
  local n, at = 0, from
  while true do
    at = find(text, "\n", at, true)
    if not at or at > to then
      return n
    end
    n, at = n + 1, at + 1
  end
end

-- The last position of the quoted text that opens at `at`; nil when its line ends first.
function M.quoted_end(text, at)
  local quote = byte(text, at)
  local i, n = at + 1, #text
  while i <= n do
    local c = byte(text, i)
    if c == quote then
      return i
    elseif c == 92 then -- \ keeps the next byte, \z eats blanks, \<newline> goes on
      if sub(text, i + 1, i + 1) == "z" then
        local _, last = find(text, "^%s*", i + 2)
        i = last + 1
      else
        i = i + (sub(text, i + 1, i + 2) == "\r\n" and 3 or 2)
      end
    elseif c == 10 or c == 13 then
      return nil
    else
      i = i + 1
    end
  end
  return nil
end

local long_bracket, quoted_end = M.long_bracket, M.quoted_end

function M.list(text)
  local toks, n = {}, 0
  local at, line, len = 1, 1, #text
  local last_line = 0
  if sub(text, 1, 3) == "\239\187\191" then -- some editors begin a file with a byte order mark
    at = 4
  end
  local function add(t, from, to, advice)
    n = n + 1
    toks[n] = { t = t, v = advice or sub(text, from, to), line = line, first = line ~= last_line }
    if t ~= "bad" then
      line = line + count_lines(text, from, to)
    end
    last_line = line
    at = to + 1
  end
  local function bad(advice, to)
    add("bad", at, to or at, advice)
  end
  while at <= len do
    local c = byte(text, at)
    if c == 10 then
      line, at = line + 1, at + 1
    elseif c == 32 or c == 9 or c == 13 or c == 11 or c == 12 then
      at = at + 1
    elseif c == 45 and byte(text, at + 1) == 45 then -- a comment
      local last = long_bracket(text, at + 2)
      if last == false then
        bad("this --[[ has no closing ]]", len)
      else
        last = last or (find(text, "\n", at, true) or len + 1) - 1
        line = line + count_lines(text, at, last)
        at = last + 1
      end
    elseif c >= 48 and c <= 57 or c == 46 and match(text, "^%d", at + 1) then
      local _, last = find(text, "^[%w_.]+", at)
      local word = sub(text, at, last)
      if match(word, "[eE]$") and match(text, "^[+-]%d", last + 1) and not match(word, "^0[xX]") then
        _, last = find(text, "^[+-]%d+", last + 1)
        word = sub(text, at, last)
      end
      local advice = number_advice(word)
      if advice then
        bad(advice, last)
      else
        add("number", at, last)
      end
    elseif c >= 128 then
      local char = wide_char(text, at)
      bad(wide_advice(char), at + #char - 1)
    elseif match(text, "^[%a_]", at) then
      local _, last = find(text, "^[%w_]+", at)
      add(keywords[sub(text, at, last)] and "keyword" or "name", at, last)
    elseif c == 34 or c == 39 then
      local last = quoted_end(text, at)
      if last then
        add("string", at, last)
      else
        bad(format("this text has no closing %s", sub(text, at, at)), len)
      end
    elseif c == 91 and long_bracket(text, at) ~= nil then
      local last = long_bracket(text, at)
      if last then
        add("string", at, last)
      else
        bad("this [[ has no closing ]]", len)
      end
    elseif c < 32 or c == 127 then
      bad("a control character: delete it")
    else
      local two, one = sub(text, at, at + 1), sub(text, at, at)
      if TWO_BAD[two] then
        bad(TWO_BAD[two], at + 1)
      elseif match(two, "^[-+*/]=$") then
        bad(format("Lua has no %s: write n = n %s …", two, one), at + 1)
      elseif two == "++" then
        bad("Lua has no ++: write n = n + 1", at + 1)
      elseif one == "@" and n > 0 and toks[n].t == "name" then
        bad(format('an address stands in quotes: "%s@%s"', toks[n].v, match(text, "^[%w._-]*", at + 1)))
      elseif one == "#" and (n == 0 or line ~= last_line) and match(text, "^[ #!-]", at + 1) then
        bad("a comment starts with --")
      elseif ONE_BAD[one] then
        bad(ONE_BAD[one])
      elseif sub(text, at, at + 2) == "..." then
        add("op", at, at + 2)
      elseif TWO[two] then
        add("op", at, at + 1)
      else
        add("op", at, at)
      end
    end
  end
  toks[n + 1] = { t = "eof", v = "", line = line, first = true }
  return toks
end

-- The text inside a string token; escapes are left as they stand.
function M.inside(token)
  return match(token.v, "^[\"'](.*)[\"']$") or match(token.v, "^%[=*%[\n?(.*)%]=*%]$") or token.v
end

return M
