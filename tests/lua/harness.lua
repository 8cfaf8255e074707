-- harness.lua -- what the tests of the rule language share: a stand-in for the host, counting, comparing.
-- SPDX-License-Identifier: Apache-2.0
local H = { passed = 0, failed = 0 }

local root = arg and arg[0] and string.match(arg[0], "^(.*)/tests/lua/[^/]*$") or "."
H.root = root

local loaded = {}
local function load_module(name)
  if loaded[name] == nil then
    loaded[name] = assert(loadfile(root .. "/lua/" .. name .. ".lua"))(load_module)
  end
  return loaded[name]
end
H.load_module = load_module
H.L = load_module "signalbox"

local real = {
  rep = string.rep, find = string.find, match = string.match, gmatch = string.gmatch, gsub = string.gsub,
  format = string.format, concat = table.concat, unpack = unpack, log = function() end,
  tostring = function(v)
    local t = type(v)
    return (t == "table" or t == "function" or t == "userdata") and t or tostring(v)
  end,
}

H.host = { wrap = real, load = function(text, name) return loadstring(text, name) end,
           hash = function(text) return text end }

function H.read(path)
  local file = assert(io.open(root .. "/" .. path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

H.words = H.read "rules/words.lua"

-- Loads a text as a rule file. Returns the session, its description and its problems: errors first of all.
function H.load(text, path, words)
  local S = H.L.new(H.host)
  local ok, problems = S.run_words("rules/words.lua", words or H.words)
  if not ok then
    return S, nil, problems
  end
  ok, problems = S.run(path or "t", text)
  if not ok then
    return S, nil, problems
  end
  local desc
  desc, problems = S.finish()
  return S, desc, problems
end

function H.show(p)
  if not p then
    return "no problem"
  end
  local rule = p.rule and p.rule ~= "" and p.rule .. ": " or ""
  return string.format("%s:%d: %s%s%s", p.file, p.line, p.warning and "warning: " or "", rule, p.text)
end

-- The first error; nil when there is none.
function H.first_error(problems)
  for _, p in ipairs(problems or {}) do
    if not p.warning then
      return p
    end
  end
end

function H.check(ok, what, why)
  if ok then
    H.passed = H.passed + 1
  else
    H.failed = H.failed + 1
    io.write("FAILED ", what, why and "\n    " .. why or "", "\n")
  end
  return ok
end

function H.equal(got, expected, what)
  return H.check(got == expected, what, string.format("expected %s\n    got      %s", tostring(expected), tostring(got)))
end

local function keys(t)
  local list = {}
  for key in pairs(t) do
    list[#list + 1] = key
  end
  table.sort(list, function(a, b) return tostring(a) < tostring(b) end)
  return list
end

-- A tree as text, with its keys in order.
function H.text(v)
  if type(v) ~= "table" then
    return type(v) == "string" and string.format("%q", v) or tostring(v)
  end
  local parts = {}
  for _, key in ipairs(keys(v)) do
    parts[#parts + 1] = type(key) == "number" and H.text(v[key]) or key .. " = " .. H.text(v[key])
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

-- The same tree without lines, which expectations would only repeat, and what test_identity.lua looks at.
function H.without_lines(v)
  if type(v) ~= "table" then
    return v
  end
  local out = {}
  for key, value in pairs(v) do
    if key ~= "line" and key ~= "identity" then
      out[key] = H.without_lines(value)
    end
  end
  return out
end

function H.same_tree(got, expected, what)
  return H.equal(H.text(H.without_lines(got)), H.text(expected), what)
end

return H
