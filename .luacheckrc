-- Lint settings: the rule language in lua/, its tests, and rule files, where names stand without `local`.
std = "luajit"
max_line_length = 130

files["lua/_meta.lua"] = { ignore = { "111", "112", "113", "121", "122", "131", "211", "212", "241" } }

files["tests/lua"] = { max_line_length = false, ignore = { "211", "311", "611" } }

files["rules/"] = {
  std = "none",
  allow_defined = true, -- a file's own names, given at the top or in a test
  ignore = { "131" },   -- rules/words.lua gives names that other files use
  globals = {},
  read_globals = {
    -- the words
    "event", "entity", "atomic", "attribute", "attribute_key", "attribute_group", "service", "intervention", "score", "test",
    "counter", "sum", "min", "max", "mean", "first", "last", "most_frequent", "least_frequent", "approx_count_distinct",
    "category_count", "unique_list", "all", "any", "none", "criterion", "seconds", "minutes", "hours", "days", "weeks",
    "percent", "count", "logistic",
    -- of Lua
    "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "select", "tonumber", "tostring", "type", "unpack",
    "log", "string", "table", "math", "bit",
    -- rules/words.lua
    "page_view", "page_ping", "link_click", "submit_form", "focus_form", "change_form", "site_search", "structured",
    "l1d", "l7d", "l30d",
  },
}
files["rules/words.lua"] = { read_globals = {}, globals = {
  "page_view", "page_ping", "link_click", "submit_form", "focus_form", "change_form", "site_search", "structured",
  "l1d", "l7d", "l30d",
} }
