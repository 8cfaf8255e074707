-- names.lua -- which known word somebody meant: nearest spellings, and ours for other languages' words.
-- SPDX-License-Identifier: Apache-2.0
local byte, lower, min = string.byte, string.lower, math.min
local sort = table.sort

local M = {}

-- Ours for what other languages call it. Where ours needs more than a name, the entry shows how it is written.
M.operators = {
  equals = "eq", equal = "eq", equal_to = "eq", is = "eq", not_equals = "neq", not_equal = "neq", ne = "neq",
  is_not = "neq", above = "gt", over = "gt", more_than = "gt", greater = "gt", greater_than = "gt", at_least = "gte",
  ge = "gte", min = "gte", below = "lt", under = "lt", less = "lt", less_than = "lt", at_most = "lte", le = "lte",
  max = "lte", contains = 'like "%…%"', includes = 'like "%…%"', has = 'like "%…%"', starts_with = 'like "…%"',
  begins_with = 'like "…%"', ends_with = 'like "%…"', matches = 'like "%…%"', match = 'like "%…%"', one_of = "in_list",
  any_of = "in_list", is_in = "in_list", isin = "in_list", ["in"] = "in_list", none_of = "not_in_list",
  not_in = "not_in_list", exists = "is_not_null", is_set = "is_not_null", not_null = "is_not_null", missing = "is_null",
  is_empty = "is_null", is_nil = "is_null", null = "is_null", regex = "rlike", regexp = "rlike", changes = "changed",
}

M.steps = {
  period = "within", window = "within", last = "within", during = "within", ["for"] = "within", since = "within",
  events = "on", event = "on", when = "on", criteria = "where", criterion = "where", filter = "where", having = "where",
  ["if"] = "where", default_value = "default", fallback = "default", ["or"] = "default", type = "as", cast = "as",
  description = "describe", comment = "describe", expires = "ttl", expire = "ttl", lifetime = "ttl", keep = "ttl",
}

M.words = {
  average = "mean", avg = "mean", median = "mean", total = "sum", distinct = "unique_list", unique = "unique_list",
  uniques = "unique_list", count_distinct = "approx_count_distinct", mode = "most_frequent", latest = "last",
  newest = "last", oldest = "first", group = "attribute_group", view = "attribute_group", rule = "intervention",
  trigger = "intervention", second = "seconds", minute = "minutes", hour = "hours", day = "days", week = "weeks",
  month = "days(30)", months = "days(30)", year = "days(365)", years = "days(365)", context = "entity",
  sigmoid = "logistic", len = "count", null = "nil", None = "nil", none_of = "none", True = "true", False = "false",
  AND = "all { …, … }", OR = "any { …, … }", NOT = "none { … }", column = "atomic", property = "atomic",
  key = "attribute_key", model = "score",
}

M.types = {
  int = "int32", integer = "int32", long = "int64", bigint = "int64", number = "double", real = "double",
  decimal = "double", text = "string", str = "string", boolean = "bool", map = "dict", object = "dict",
  timestamp = "unix_timestamp", date = "unix_timestamp", datetime = "unix_timestamp", list = "string_list",
}

-- How many letters lie between two words: left out, added, changed, or two swapped.
function M.distance(a, b)
  local before, row = {}, {}
  for j = 0, #b do
    row[j] = j
  end
  for i = 1, #a do
    local new = { [0] = i }
    for j = 1, #b do
      local same = byte(a, i) == byte(b, j)
      local d = min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and byte(a, i) == byte(b, j - 1) and byte(a, i - 1) == byte(b, j) then
        d = min(d, before[j - 2] + 1)
      end
      new[j] = d
    end
    before, row = row, new
  end
  return row[#b]
end

-- The nearest of the keys of `known`, or nil when none is near. Of equally near ones the first in the alphabet.
function M.nearest(word, known)
  if #word > 64 then
    return nil
  end
  local list = {}
  for name in pairs(known) do
    if type(name) == "string" then
      list[#list + 1] = name
    end
  end
  sort(list)
  local limit = #word <= 3 and 1 or #word <= 6 and 2 or 3
  local best, best_d
  local small = lower(word)
  for i = 1, #list do
    local name = list[i]
    if math.abs(#name - #word) <= limit then
      local d = M.distance(small, lower(name))
      if d <= limit and (not best_d or d < best_d) then
        best, best_d = name, d
      end
    end
  end
  return best
end

-- What follows "there is no X": ours for a foreign word, or a near spelling, or nothing.
function M.hint(word, known, foreign, mark)
  mark = mark or ""
  local ours = foreign and foreign[word]
  if ours then
    return ": here it is called " .. mark .. ours
  end
  local near = M.nearest(word, known)
  if near then
    return "; did you mean " .. near .. "?"
  end
  return ""
end

return M
