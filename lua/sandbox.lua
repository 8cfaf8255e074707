-- sandbox.lua -- what a rule file finds under Lua's own names: a list of what is allowed, in private copies.
--
-- Whatever differs between two runs is out (chance, clocks, addresses, the order of a table's keys), and whatever could reach
-- the program or another file. What can burn time or memory comes from the host, with its limits.
-- SPDX-License-Identifier: Apache-2.0
local load_module = ...
local names = load_module "names"

local format = string.format
local real_type, real_next, real_ipairs, real_sort = type, next, ipairs, table.sort
local real_insert, real_remove = table.insert, table.remove

local M = {}

local GONE = {
  print = "use log(…), which `signalbox test` shows", require = "define it in rules/words.lua",
  dofile = "define it in rules/words.lua", loadfile = "define it in rules/words.lua", module = "define it in rules/words.lua",
  os = "a rule sees no clock and no files; durations are days(7)", io = "a rule sees no files",
  load = "write the code itself", loadstring = "write the code itself", setmetatable = "", getmetatable = "", rawget = "",
  rawset = "", getfenv = "", setfenv = "", coroutine = "", debug = "", package = "", jit = "", ffi = "", newproxy = "",
  collectgarbage = "", gcinfo = "", xpcall = "use pcall", _G = "a name is simply written", utf8 = "",
}
local GONE_MEMBERS = {
  ["math.random"] = "chance would make a replay differ", ["math.randomseed"] = "chance would make a replay differ",
  ["string.dump"] = "", ["table.move"] = "", ["table.foreach"] = "write for k, v in pairs(t)",
  ["table.foreachi"] = "write for i, v in ipairs(t)", ["table.unpack"] = "write unpack(t)",
}

local ORDER = { number = 1, string = 2, boolean = 3 }

local function key_before(a, b)
  local ta, tb = real_type(a), real_type(b)
  if ta ~= tb then
    return ORDER[ta] < ORDER[tb]
  elseif ta == "boolean" then
    return a and not b
  end
  return a < b
end

function M.install(s, vocabulary)
  local info, wrap = s.info, s.host.wrap
  local lib = {}

  local function gone(name, why)
    s.fail(format("there is no %s in rules%s", name, why ~= "" and why and ": " .. why or ""))
  end

  -- A library under its name: read only, and with an answer for what is not there.
  local function publish(name, members)
    setmetatable(members, { __index = function(_, key)
      local full = name .. "." .. tostring(key)
      if GONE_MEMBERS[full] then
        gone(full, GONE_MEMBERS[full])
      end
      s.fail(format("there is no %s in rules%s", full, names.hint(tostring(key), members, nil, name .. ".")))
    end })
    lib[name] = setmetatable({}, { __index = members, __metatable = false, __newindex = function()
      s.fail(format("%s cannot be changed", name))
    end })
    s.libraries[lib[name]] = members
    return members
  end

  local function want_table(t, name)
    if real_type(t) ~= "table" then
      s.fail(format("%s takes a table, not %s", name, s.describe(t)))
    elseif info[t] then
      s.fail(format("%s takes a table, and %s is a description", name, s.describe(t)))
    elseif s.proxies[t] then
      s.fail("the attributes are read by name, as in a.num_views")
    end
  end

  local function want_own(t, name)
    want_table(t, name)
    if s.libraries[t] then
      s.fail("a library cannot be changed")
    end
  end

  local function sorted_keys(t, name)
    local keys, n = {}, 0
    for key in real_next, t do
      n = n + 1
      keys[n] = key
      if not ORDER[real_type(key)] then
        s.fail(format("%s goes in the order of the keys, and they are texts or numbers here, not %s", name, s.describe(key)))
      end
    end
    real_sort(keys, key_before)
    return keys, n
  end

  function lib.pairs(t)
    want_table(t, "pairs")
    local keys, n = sorted_keys(t, "pairs")
    local i = 0
    return function()
      while i < n do
        i = i + 1
        local value = t[keys[i]]
        if value ~= nil then
          return keys[i], value
        end
      end
    end, t, nil
  end

  function lib.next(t, key)
    want_table(t, "next")
    local keys, n = sorted_keys(t, "next")
    if key == nil then
      return keys[1], t[keys[1]]
    end
    for i = 1, n do
      if rawequal(keys[i], key) then
        return keys[i + 1], t[keys[i + 1]]
      end
    end
    s.fail("next was given a key that is not in the table")
  end

  function lib.ipairs(t)
    want_table(t, "ipairs")
    return real_ipairs(t)
  end

  lib.assert, lib.error, lib.pcall, lib.rawequal = assert, error, pcall, rawequal
  lib.select, lib.tonumber, lib.type = select, tonumber, type
  lib.unpack, lib.log = wrap.unpack, wrap.log
  lib.tostring = function(v)
    if info[v] ~= nil then
      return s.describe(v)
    elseif s.is_problem(v) then
      return v.text
    end
    return wrap.tostring(v)
  end

  local text = {
    byte = string.byte, char = string.char, len = string.len, lower = string.lower, reverse = string.reverse,
    sub = string.sub, upper = string.upper,
    rep = wrap.rep, find = wrap.find, match = wrap.match, gmatch = wrap.gmatch, gsub = wrap.gsub, format = wrap.format,
  }
  getmetatable("").__index = publish("string", text)
  publish("math", {
    abs = math.abs, acos = math.acos, asin = math.asin, atan = math.atan, atan2 = math.atan2, ceil = math.ceil,
    cos = math.cos, cosh = math.cosh, deg = math.deg, exp = math.exp, floor = math.floor, fmod = math.fmod,
    frexp = math.frexp, huge = math.huge, ldexp = math.ldexp, log = math.log, log10 = math.log10, max = math.max,
    min = math.min, modf = math.modf, pi = math.pi, pow = math.pow, rad = math.rad, sin = math.sin, sinh = math.sinh,
    sqrt = math.sqrt, tan = math.tan, tanh = math.tanh,
  })
  publish("bit", {
    arshift = bit.arshift, band = bit.band, bnot = bit.bnot, bor = bit.bor, bswap = bit.bswap, bxor = bit.bxor,
    lshift = bit.lshift, rol = bit.rol, ror = bit.ror, rshift = bit.rshift, tobit = bit.tobit, tohex = bit.tohex,
  })
  publish("table", {
    concat = wrap.concat,
    insert = function(t, ...)
      want_own(t, "table.insert")
      return real_insert(t, ...)
    end,
    remove = function(t, ...)
      want_own(t, "table.remove")
      return real_remove(t, ...)
    end,
    sort = function(t, before)
      want_own(t, "table.sort")
      return real_sort(t, before)
    end,
    maxn = table.maxn,
  })

  -- The environment -----------------------------------------------------------------------------------------------------
  -- `env` stays empty, so that every assignment is seen; what it knows stands in `known`, one look-up behind.
  local known = {}
  s.known, s.lib = known, lib
  for name, value in pairs(lib) do
    known[name] = value
  end
  local DURING_TEST = {} -- names that a test gives live as long as the test
  s.test_names = DURING_TEST

  setmetatable(known, { __index = function(_, name)
    if GONE[name] then
      gone(name, GONE[name])
    end
    local later = s.scanned and s.scanned.named[name]
    if later and not s.named[name] then
      s.fail(format("%s gets its name only in line %d: names stand above their use", name, later))
    end
    local word = tostring(name)
    if vocabulary.attribute_keys[word] then
      s.fail(format('unknown word %s: the name of an attribute key stands in quotes, "%s"', word, word))
    elseif vocabulary.operators[word] then
      s.fail(format("unknown word %s: compare a property or an attribute with :%s, as in atomic.page_url:like \"%%pricing%%\"",
                    word, word))
    end
    for i = 1, #s.defs do
      if s.defs[i].kind == "attribute_group" and s.defs[i].name == word then
        s.fail(format('unknown word %s: what is in this group is written attribute "%s:NAME"', word, word))
      end
    end
    s.fail(format("unknown word %s%s", word, names.hint(word, known, names.words)))
  end })

  local env = {}
  setmetatable(env, { __index = known, __metatable = false, __newindex = function(_, name, value)
    local mine = s.named[name]
    if s.mode == "call" then
      s.fail(format("a function keeps nothing between calls: write local %s = …", name))
    elseif vocabulary.words[name] or lib[name] ~= nil then
      s.fail(format("%s is a word of the language: choose another name", name))
    elseif mine then
      s.fail(mine.file == s.path and format("%s was named already in line %d", name, mine.line)
             or format("%s was named already in %s:%d", name, mine.file, mine.line))
    elseif s.mode == "test" then
      DURING_TEST[name] = true
      known[name] = value
      return
    end
    local file, line = s.where()
    s.named[name] = { file = file, line = line or 0, value = value }
    known[name] = value
    local it = info[value]
    if it and not it.name then
      it.name = name
      if it.kind == "event" then
        it.used = true
      end
    end
  end })
  s.env = env

  function s.forget_test_names()
    for name in pairs(DURING_TEST) do
      known[name] = nil
      DURING_TEST[name] = nil
    end
  end
end

return M
