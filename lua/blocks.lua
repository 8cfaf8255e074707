-- blocks.lua -- the words with a name and braces, and the descriptions that they leave behind: plain data, functions numbered.
--
-- What each block may say is one table with a row a field; messages about unknown, missing and wrong fields come from it.
-- SPDX-License-Identifier: Apache-2.0
local load_module = ...
local atomic = load_module "atomic"
local names = load_module "names"
local session = load_module "session"
local vocabulary = load_module "vocabulary"

local format, match, sort = string.format, string.match, table.sort
local is_number, list_length, sorted_keys = session.is_number, session.list_length, session.sorted_keys
local getinfo = debug.getinfo

local M = {}

local NAME_MAX = 128

local COMMON = { owner = "text", description = "text" }
local FIELDS = {
  attribute_key = { property = "property", ttl = "duration", description = "text" },
  attribute_group = { version = "version", attribute_key = "name", ttl = "duration", attributes = "attributes" },
  service = { attribute_groups = "groups" },
  intervention = {
    version = "version", when = "when", target_attribute_keys = "keys", payload = "payload",
    after = "duration", unless = "event", once_per = "duration", holdout = "share",
  },
  score = { service = "name", formula = "function" },
}
for kind, fields in pairs(FIELDS) do
  if kind ~= "attribute_key" then
    fields.owner, fields.description = COMMON.owner, COMMON.description
  end
end
local NOT_YET = { "after", "unless", "once_per", "holdout" }

-- Ours for the names that other languages, and Signals' SDKs, give to fields.
local FOREIGN = {
  attribute_key = { path = "property", value = "property", expires = "ttl" },
  attribute_group = { entity = "attribute_key", key = "attribute_key", features = "attributes", expires = "ttl" },
  service = { attribute_group = "attribute_groups", groups = "attribute_groups", views = "attribute_groups" },
  intervention = {
    criteria = "when", trigger = "when", condition = "when", ["if"] = "when", on = "when", once = "once_per",
    once_every = "once_per", target = "target_attribute_keys", targets = "target_attribute_keys",
    keys = "target_attribute_keys", delay = "after", wait = "after", cancel = "unless", control = "holdout",
    data = "payload", attributes = "payload", message = "payload",
  },
  score = { score = "formula", model = "formula", fn = "formula", func = "formula", calculate = "formula" },
}

function M.install(s)
  local info = s.info

  -- From what things hold to plain trees -----------------------------------------------------------------------------

  function s.property_tree(it)
    local base = it.base
    if base.kind == "atomic" then
      return { kind = "atomic", name = it.path }
    end
    return {
      kind = base.kind, vendor = base.vendor, name = base.schema_name, major = base.major, path = it.path,
      index = base.kind == "entity" and base.index or nil,
    }
  end

  function s.event_tree(it, bare)
    return {
      vendor = it.vendor, name = it.schema_name, version = it.version,
      criteria = it.tree and not bare and s.condition_tree(it.tree) or nil,
    }
  end

  -- A criterion's tree; a function gets its number the first time it is met.
  function s.condition_tree(tree, rule)
    if tree.join then
      local kids = {}
      for i = 1, #tree.kids do
        kids[i] = s.condition_tree(tree.kids[i], rule)
      end
      return { [tree.join] = kids }
    elseif tree.fn then
      local out, list = { fn = s.number_function(tree.fn, "criterion", rule), line = tree.line }, {}
      for i = 1, #tree.sources do
        local it = tree.sources[i]
        list[i] = it.kind == "attribute" and it.ref or s.property_tree(it)
      end
      out[tree.sources[1].kind == "attribute" and "attributes" or "properties"] = list
      s.identify_later(out, tree.fn)
      return out
    end
    local out = { op = tree.op, value = tree.value, line = tree.line }
    if tree.source.kind == "attribute" then
      out.attribute = tree.source.ref
    else
      out.property = s.property_tree(tree.source)
    end
    return out
  end

  function s.number_function(fn, kind, rule)
    local known = s.numbers[fn]
    if known then
      return known
    end
    local n = #s.functions + 1
    local shape = getinfo(fn, "S")
    s.functions[n], s.numbers[fn] = fn, n
    s.function_info[n] = {
      kind = kind, rule = rule or s.rule, file = s.sources[shape.source] or s.path, line = shape.linedefined,
    }
    return n
  end

  -- Values only: a copy of a table that holds no thing and no function.
  function s.plain(v, line, depth)
    depth = depth or 0
    if type(v) ~= "table" then
      if type(v) == "function" or type(v) == "number" and not is_number(v) then
        s.fail(format("%s is no value", type(v) == "number" and "an endless number" or s.describe(v)), line)
      end
      return v
    elseif info[v] then
      s.fail(format("a value stands here, not %s", s.describe(v)), line)
    elseif depth > 16 then
      s.fail("tables stand in tables more than 16 deep", line)
    end
    local out = {}
    local n = list_length(v)
    for key, value in next, v do
      if not n and type(key) ~= "string" then
        s.fail("a table is a list, or has a name for each value", line)
      end
      out[key] = s.plain(value, line, depth + 1)
    end
    return out
  end

  -- Fields -------------------------------------------------------------------------------------------------------------

  local check = {}

  function check.text(v, field)
    if type(v) ~= "string" then
      s.fail(format("%s is a text, not %s", field, s.describe(v)))
    end
    return v
  end

  function check.name(v, field)
    if type(v) ~= "string" or not match(v, "^[%w_]+$") then
      s.fail(format("%s is a name in quotes, not %s", field, s.describe(v)))
    end
    return v
  end

  function check.version(v)
    if not is_number(v) then
      s.fail(format("version is a number, not %s", s.describe(v)))
    elseif v < 1 or v % 1 ~= 0 or v > 1000000 then
      s.fail(format("version is a whole number from 1, not %s", tostring(v)))
    end
    return v
  end

  function check.duration(v, field)
    return s.milliseconds(v, field)
  end

  function check.share(v, field)
    local it = info[v]
    if it and it.kind == "share" then
      return it.share
    elseif not is_number(v) or v < 0 or v > 1 then
      s.fail(format("%s is a share of 1: write percent(%s)", field, is_number(v) and tostring(v) or "10"))
    end
    return v
  end

  function check.event(v, field)
    local it = info[v]
    if not it or it.kind ~= "event" then
      s.fail(format("%s is an event, not %s", field, s.describe(v)))
    end
    return s.event_tree(s.use(v))
  end

  function check.property(v, field)
    local it = info[v]
    if not it or it.kind ~= "property" then
      s.fail(format("%s is a property such as shop.cart_id, not %s", field, s.describe(v)))
    end
    return s.property_tree(s.check_property(v))
  end

  check["function"] = function(v, field)
    if type(v) ~= "function" then
      s.fail(format("%s is a function(a) … end, not %s", field, s.describe(v)))
    end
    return v
  end

  local function name_list(v, field, form)
    local n = type(v) == "table" and not info[v] and list_length(v)
    if not n or n == 0 then
      s.fail(format("%s is a list: { %s }", field, type(v) == "string" and format('"%s"', v) or form))
    end
    local out, seen = {}, {}
    for i = 1, n do
      if type(v[i]) ~= "string" or not match(v[i], "^[%w_]+$") then
        s.fail(format("%s holds names in quotes, not %s", field, s.describe(v[i])))
      elseif seen[v[i]] then
        s.fail(format('%s names "%s" twice', field, v[i]))
      end
      seen[v[i]] = true
      out[i] = v[i]
    end
    return out
  end

  function check.keys(v, field)
    return name_list(v, field, '"domain_userid"')
  end

  function check.groups(v, field)
    return name_list(v, field, '"group"')
  end

  function check.when(v)
    local it = info[v]
    if it and it.kind == "event" then
      return { events = { s.event_tree(s.use(v)) } }
    elseif it and it.kind == "criterion" and it.over == "property" then
      s.use(v)
      s.fail("when reads attributes, or is an event: to narrow one write shop:where(…)")
    elseif it and it.kind == "builder" then
      s.use(v)
      s.fail('when names an attribute of a group: attribute "group:name":gt(3)')
    elseif not it and type(v) ~= "boolean" and type(v) ~= "function" then
      s.fail(format('when needs a criterion such as attribute "group:name":gt(3), or an event, not %s', s.describe(v)))
    end
    return s.condition_tree(s.as_criterion(v, "when").tree)
  end

  function check.payload(v)
    if type(v) ~= "table" or info[v] then
      s.fail("payload is a table: { code = \"SAVE10\" }")
    end
    local out, any = {}, false
    for _, key in ipairs(sorted_keys(v)) do
      local value = v[key]
      local it = info[value]
      if type(key) ~= "string" or not match(key, "^[%w_]+$") then
        s.fail(format("payload: each value has a name of letters, digits and _, not %s", s.describe(key)))
      elseif it and it.kind == "attribute" then
        s.use(value)
        out[key] = { attribute = it.ref }
      elseif it and it.kind == "property" then
        out[key] = { property = s.property_tree(s.check_property(value)) }
      elseif type(value) == "string" or type(value) == "boolean" or is_number(value) then
        out[key] = value
      else
        s.fail(format("payload: %s is a text, a number, an attribute or a property, not %s", key, s.describe(value)))
      end
      any = true
    end
    return any and out or nil
  end

  -- Attributes in the order in which they are written: of the braces that hold exactly these names, and most of their lines,
  -- or else stand behind `attributes =` in the block.
  local function written_in(attributes)
    local n, best, most = 0, nil, 0
    for _ in pairs(attributes) do
      n = n + 1
    end
    for _, braces in ipairs(s.scanned and s.scanned.tables or {}) do
      if braces.n == n then
        local inside = braces.under == "attributes" and braces.line >= (s.block_line or 0) and 1 or 0
        for name, t in pairs(attributes) do
          local it = info[t]
          if not braces.keys[name] then
            inside = 0
            break
          elseif it and it.line and it.line >= braces.line and it.line <= (braces.last_line or it.line) then
            inside = inside + 1
          end
        end
        if inside > most then
          best, most = braces, inside
        end
      end
    end
    return best
  end

  function check.attributes(v)
    if type(v) ~= "table" or info[v] then
      s.fail("attributes is a table: { NAME = counter():on(…), … }")
    end
    local list = {}
    local braces = written_in(v)
    for _, name in ipairs(sorted_keys(v)) do
      local t = v[name]
      local it = info[t]
      if type(name) == "number" then
        if it then
          s.use(t)
        end
        s.fail(format("item %d has no name: write NAME = counter()…", name), it and it.line)
      elseif type(name) ~= "string" or not match(name, "^[%w_]+$") or #name > NAME_MAX then
        if it then
          s.use(t)
        end
        s.fail(format("%s: names are of letters, digits and _", s.describe(name)), it and it.line)
      elseif not it or it.kind ~= "builder" then
        if it then
          s.use(t)
        end
        s.fail(format("%s is an attribute such as counter():on(page_view), not %s", name, s.describe(t)),
               braces and braces.key_lines[name])
      end
      list[#list + 1] = { name = name, thing = t, seq = it.seq, line = braces and braces.key_lines[name] or it.line,
                          at = braces and braces.keys[name] or it.seq }
    end
    if #list == 0 then
      s.fail("attributes is empty")
    end
    sort(list, function(a, b)
      if a.at ~= b.at then
        return a.at < b.at
      end
      return a.name < b.name
    end)
    local out = {}
    for i = 1, #list do
      out[i] = s.describe_attribute(list[i].thing, list[i].name, list[i].line, s.rule)
    end
    return out
  end

  -- Blocks -------------------------------------------------------------------------------------------------------------

  local function required(def, field, text)
    if def[field] == nil then
      s.fail(text, def.line)
    end
  end

  local finish = {}

  function finish.attribute_key(def)
    if vocabulary.attribute_keys[def.name] then
      s.fail(format("%s is built in", def.name), def.line)
    elseif vocabulary.taken_keys[def.name] then
      s.fail(format("this name is taken: %s", vocabulary.taken_keys[def.name]), def.line)
    end
    required(def, "property", "what is the key? add property = shop.cart_id, or atomic.NAME")
    local column = def.property.kind == "atomic" and def.property.name
    local kind = atomic.types[column]
    if kind == "bool" then
      s.fail(format("atomic.%s is true or false, and that identifies nobody: a key is a text or a whole number", column),
             s.field_line(def.line, "property"))
    elseif kind == "double" then
      s.warn(format("atomic.%s is an amount, and a key is a text or a whole number: events with a fraction will not have it",
                    column), s.field_line(def.line, "property"))
    end
  end

  function finish.attribute_group(def)
    local plain, version = match(def.name, "^(.*)_v(%d+)$")
    if plain then
      s.fail(format('a last _v%s is always the version: write attribute_group "%s" { version = %s, …', version, plain, version),
             def.line)
    end
    required(def, "attributes", "no attributes: add attributes = { NAME = counter():on(…) }")
    if not def.attribute_key then
      def.attribute_key = "domain_userid"
      s.warn('whose attributes? domain_userid is taken: say attribute_key = "domain_userid"', def.line)
    end
  end

  function finish.service(def)
    required(def, "attribute_groups", "which groups? add attribute_groups = { \"group\" }")
  end

  function finish.score(def)
    required(def, "service", "of which service? add service = \"name\"")
    required(def, "formula", "no formula: add formula = function(a) return … end")
    local shape = getinfo(def.formula, "u")
    if shape.nparams > 1 then
      s.fail("a formula takes one thing, the attributes: function(a)", def.line)
    end
    def.formula = { fn = s.number_function(def.formula, "formula", s.rule), line = getinfo(def.formula, "S").linedefined }
  end

  function finish.intervention(def)
    required(def, "when", 'when does it fire? add when = attribute "group:name":gt(3)')
    if def.when.events and not def.target_attribute_keys then
      s.fail('when is an event, so say whom: target_attribute_keys = { "domain_userid" }', def.line)
    elseif def.unless and not def.after then
      s.fail("unless needs after: it calls a wait off", def.line)
    end
    for i = 1, #NOT_YET do
      if def[NOT_YET[i]] ~= nil then
        s.fail(format("%s: not yet in this version", NOT_YET[i]), s.field_line(def.line, NOT_YET[i]))
      end
    end
  end

  -- The line of a field of the block that begins in a line.
  function s.field_line(line, field)
    for _, braces in ipairs(s.scanned and s.scanned.tables or {}) do
      if braces.block and braces.line >= line then
        return braces.key_lines[field] or line
      end
    end
    return line
  end

  local function add(kind, name, body, line)
    local fields, def = FIELDS[kind], { kind = kind, name = name, line = line }
    s.block_line = line
    local list = sorted_keys(body)
    for i = 1, #list do -- unknown fields first: they explain what else is missing
      local field = list[i]
      if type(field) ~= "string" then
        s.fail(format("value %s has no name: write NAME = …", s.describe(field)), line)
      elseif not fields[field] then
        s.fail(format('no field "%s"%s', field, names.hint(field, fields, FOREIGN[kind])), s.field_line(line, field))
      end
    end
    if fields.version then
      def.version = 1
    end
    for i = 1, #list do
      local field = list[i]
      s.at_line = s.field_line(line, field)
      def[field] = check[fields[field]](body[field], field)
    end
    s.at_line = nil
    finish[kind](def)
    local stands = def.version and format("%s %s v%d", kind, name, def.version) or format("%s %s", kind, name)
    local known = s.blocks[stands]
    if known then
      s.fail(format('%s "%s"%s stands already in line %d', kind, name,
                    def.version and format(" version %d", def.version) or "", known), line, "")
    end
    s.blocks[stands] = line
    s.defs[#s.defs + 1] = def
  end

  local function only_names(kind)
    if s.mode == "words" then
      s.fail(format("%s only gives names; %s stands in a file of its own", s.path, kind))
    end
  end

  local Half = s.kind {
    __index = function(t, key)
      s.use(t)
      s.fail(format("%s %s has no :%s: it is followed by { … }", info[t].block, info[t].called, tostring(key)))
    end,
    __call = function(t, body, ...)
      local it = info[t]
      if it.used then
        s.fail(format('%s "%s" has its { … } already', it.block, it.called))
      end
      s.use(t)
      if type(body) ~= "table" or info[body] or select("#", ...) > 0 then
        s.fail(format('%s "%s" is followed by { … }', it.block, it.called))
      end
      s.rule = format('%s "%s"', it.block, it.called)
      add(it.block, it.called, body, it.line)
      s.rule = nil
    end,
  }

  for kind in pairs(FIELDS) do
    s.word(kind, function(name, ...)
      only_names(kind)
      if type(name) ~= "string" or select("#", ...) > 0 then
        s.fail(type(name) == "string" and format('write %s "%s" { … }, without ( )', kind, name)
               or format('write %s "name" { … }', kind))
      elseif not match(name, "^[%w_]+$") or #name > NAME_MAX then
        s.fail(format('%s "%s": names are 1 to %d letters, digits and _', kind, name, NAME_MAX))
      end
      return s.thing(Half, {
        kind = "block", block = kind, called = name, text = function() return format('%s "%s"', kind, name) end,
        unused = format("this %s %s is used nowhere: it lacks { … } or a place to be used", kind, name),
      }, true)
    end)
  end

  s.word("test", function(name, fn, ...)
    only_names("test")
    if type(name) ~= "string" or type(fn) ~= "function" or select("#", ...) > 0 then
      s.fail('test("x", function(t) … end): the name and the function stand in one pair of parentheses')
    end
    local _, line = s.where(true)
    local known = s.blocks["test " .. name]
    if known then
      s.fail(format('test "%s" stands already in line %d', name, known))
    end
    s.blocks["test " .. name] = getinfo(fn, "S").linedefined
    local rule = format('test "%s"', name)
    s.defs[#s.defs + 1] = { kind = "test", name = name, fn = s.number_function(fn, "test", rule), line = line or 0 }
  end)
end

return M
