-- paths.lua -- the names of events and entities, and paths into their data: a.b[0].c, ["odd name"].
-- SPDX-License-Identifier: Apache-2.0
local find, match, gmatch, sub, gsub = string.find, string.match, string.gmatch, string.sub, string.gsub

local M = {}

-- The steps of a path: names, and numbers from 0. nil and what is wrong.
function M.parse(path)
  local steps, at = {}, 1
  if match(path, "^%$$") or match(path, "^%$[.%[]") then
    at = 2
  end
  local dot_due = at == 2
  while at <= #path do
    local _, last, index = find(path, "^%[(%d+)%]", at)
    local name
    if last then
      steps[#steps + 1] = tonumber(index)
    else
      _, last, name = find(path, "^%[\"([^\"]+)\"%]", at)
      if not last then
        _, last, name = find(path, "^%['([^']+)'%]", at)
      end
      if not last then
        _, last, name = find(path, dot_due and "^%.([^%.%[%]%s\"']+)" or "^([^%.%[%]%s\"']+)", at)
      end
      if not last then
        return nil, "a path is written like items[0].price"
      end
      steps[#steps + 1] = name
    end
    at, dot_due = last + 1, true
  end
  if #steps == 0 or #steps > 16 then
    return nil, #steps == 0 and "a path names a property" or "a path has at most 16 steps"
  end
  return steps
end

function M.join(path, key)
  if path == nil then
    return key
  end
  return path .. (sub(key, 1, 1) == "[" and "" or ".") .. key
end

-- "vendor/name/version", parts left out or *, and iglu: addresses. Returns a table of what is given, or nil.
-- version: a pattern that a version must match.
function M.schema(text, version)
  local body = gsub(text, "^iglu:", "")
  local parts, n = {}, 0
  for part in gmatch(body .. "/", "([^/]*)/") do
    n = n + 1
    parts[n] = part
  end
  if n == 4 and parts[3] == "jsonschema" then
    parts[3], n = parts[4], 3
  end
  if n > 3 or #body == 0 then
    return nil
  end
  local out = {}
  local forms = { { "vendor", "^[%w._-]+$" }, { "name", "^[%w_-]+$" }, { "version", version } }
  for i = 1, n do
    local part = parts[i]
    if part ~= "*" then
      if not match(part, forms[i][2]) then
        return nil
      end
      out[forms[i][1]] = part
    end
  end
  return out
end

-- Puts a value at a path of a table, unless there is one; numbers of a path count from 0.
function M.put(data, path, value)
  local steps = M.parse(path)
  for i = 1, #steps do
    local key = steps[i]
    key = type(key) == "number" and key + 1 or key
    if i == #steps then
      if data[key] == nil then
        data[key] = value
      end
      return
    end
    if type(data[key]) ~= "table" then
      if data[key] ~= nil then
        return
      end
      data[key] = {}
    end
    data = data[key]
  end
end

return M
