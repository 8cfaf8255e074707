-- criteria.lua -- operators, all / any / none, and criterion(…): each makes a criterion over properties or over attributes.
-- SPDX-License-Identifier: Apache-2.0
local load_module = ...
local names = load_module "names"
local session = load_module "session"
local vocabulary = load_module "vocabulary"

local format, find = string.format, string.find
local getinfo = debug.getinfo
local is_number, list_length = session.is_number, session.list_length

local M = {}

-- A criterion holds over = "property" or "attribute", and a tree: { op, source, value, line }, { join, kids } or
-- { fn, sources, line }, where a source is what a property or an attribute holds.
function M.install(s)
  local info = s.info

  local Criterion = s.kind {
    __index = function(t, key)
      s.use(t)
      s.fail(format("a criterion has no :%s; criteria are joined with all { a, b } or any { a, b }", tostring(key)))
    end,
    __call = function(t)
      s.use(t)
      s.fail("a criterion is complete: put a comma behind it, or join two with all { a, b }")
    end,
  }

  local function criterion(over, tree, changed)
    return s.thing(Criterion, {
      kind = "criterion", over = over, file = tree.file, line = tree.line, tree = tree, changed = changed,
      text = function() return "a criterion" end,
      unused = "this criterion is used nowhere: two criteria are joined with all { a, b } or any { a, b }, not with and/or",
    }, true)
  end

  local function scalar(v)
    return type(v) == "string" or type(v) == "boolean" or is_number(v)
  end

  local check = {
    nothing = function(name, n)
      if n > 0 then
        s.fail(format(":%s() takes nothing", name))
      end
    end,
    scalar = function(name, _, v)
      if type(v) == "table" and not info[v] then
        s.fail(format(":%s takes one value; for a list write :in_list { … }", name))
      elseif v == nil then
        s.fail(format(":%s takes a value, not nil: write :is_null() or :is_not_null()", name))
      elseif info[v] then
        s.fail(format(":%s takes a value, not %s: two of them are compared in criterion(…)", name, s.describe(v)))
      elseif not scalar(v) then
        s.fail(format(":%s takes a text, a number, true or false, not %s", name, s.describe(v)))
      end
    end,
    number = function(name, _, v)
      if not is_number(v) then
        s.fail(format(":%s takes a number, not %s", name, s.describe(v)))
      end
    end,
    string = function(name, _, v)
      if type(v) ~= "string" then
        s.fail(format(":%s takes a text, not %s", name, s.describe(v)))
      end
      if (name == "like" or name == "not_like") and not find(v, "%", 1, true) then
        s.warn(format('"%s" has no %%, so :%s takes it for the whole text: write "%%%s%%" for a part of it', v, name,
                      (string.gsub(v, "^%*?(.-)%*?$", "%1"))))
      end
    end,
    list = function(name, _, v)
      local n = not info[v] and list_length(v)
      if not n or n == 0 then
        s.fail(format(":%s takes a list, as in :%s { \"a\", \"b\" }", name, name))
      end
      for i = 1, n do
        if not scalar(v[i]) then
          s.fail(format(":%s takes a list of texts and numbers; item %d is %s", name, i, s.describe(v[i])))
        end
      end
    end,
  }

  -- t:op(value), for a property or an attribute that was checked by the caller.
  function s.compare(t, name, n, value)
    local op = vocabulary.operators[name]
    local it = s.use(t)
    check[op.takes](name, n, value)
    if n > 1 then
      s.fail(format(":%s takes one value", name))
    end
    local over = it.kind
    if type(value) == "table" then
      local copy = {}
      for i = 1, #value do
        copy[i] = value[i]
      end
      value = copy
    end
    local file, line = s.where(true)
    return criterion(over, { op = name, source = it, value = value, file = file, line = line or 0 }, name == "changed")
  end

  -- An operator by a name nobody knows.
  function s.no_operator(t, name, over)
    local op = vocabulary.operators[name]
    local what = s.describe(t)
    s.use(t)
    if op and over == "property" and not op.events and name ~= "rlike" then
      s.fail(format("%s: no operator :%s on events, only on attributes", what, name))
    end
    local known = {}
    for word, row in pairs(vocabulary.operators) do
      if over == "attribute" or row.events then
        known[word] = true
      end
    end
    if over == "property" and (name == "rlike" or names.operators[name] == "rlike") then
      s.fail(format("%s: no operator :%s on events: there is :like \"%%…%%\", or criterion(…)", what, name))
    end
    s.fail(format("%s: no operator :%s%s", what, name, names.hint(name, known, names.operators, ":")))
  end

  -- all { a, b }: one level of all inside all, or any inside any, says nothing new and is left out.
  local function join(name)
    return function(...)
      local list = ...
      if select("#", ...) ~= 1 or type(list) ~= "table" or info[list] then
        for i = 1, select("#", ...) do
          local v = select(i, ...)
          if info[v] then
            s.use(v)
          end
        end
        s.fail(format("%s takes a list in braces: %s { a, b }", name, name))
      end
      local n = list_length(list)
      if not n then
        s.fail(format("%s takes a list of criteria, without names and without gaps", name))
      elseif n == 0 then
        s.fail(format("%s { } holds no criterion", name))
      end
      local over, kids, changed = nil, {}, false
      for i = 1, n do
        local it = s.as_criterion(list[i], name)
        if over and over ~= it.over then
          s.fail(format("%s joins criteria of properties or of attributes, not both", name))
        end
        over, changed = it.over, changed or it.changed
        if it.tree.join == name and name ~= "none" then
          for k = 1, #it.tree.kids do
            kids[#kids + 1] = it.tree.kids[k]
          end
        else
          kids[#kids + 1] = it.tree
        end
      end
      if changed and name ~= "all" then
        s.fail(format("changed stands alone or in all { … }, not in %s", name))
      end
      return criterion(over, { join = name, kids = kids }, changed)
    end
  end

  -- What a criterion holds; whatever else stands in its place is refused. who: the word or verb that wants it.
  function s.as_criterion(v, who)
    local it = info[v]
    if it and it.kind == "criterion" then
      return s.use(v)
    elseif it and (it.kind == "property" or it.kind == "attribute") then
      s.use(v)
      s.fail(format("%s is not compared: add :eq(…), :gt(…), :is_not_null() …", s.describe(v)))
    elseif it then
      s.use(v)
      s.fail(format("%s needs a criterion such as atomic.page_url:like \"%%pricing%%\", not %s", who, s.describe(v)))
    elseif type(v) == "boolean" then
      s.fail(format("%s got %s, which Lua made of ==, < or not: write :eq(…), :lt(…) or none { … }", who, tostring(v)))
    elseif type(v) == "function" then
      s.fail(format("%s takes a function only with what it reads: criterion(atomic.page_url, function(url) … end)", who))
    end
    s.fail(format("%s needs a criterion such as atomic.page_url:like \"%%pricing%%\", not %s", who, s.describe(v)))
  end

  local function by_function(...)
    local n = select("#", ...)
    local fn = n > 0 and select(n, ...)
    if type(fn) ~= "function" then
      s.fail("criterion names what it reads, then the function: criterion(atomic.page_url, function(url) return … end)")
    elseif n == 1 then
      s.fail("criterion names what its function reads: criterion(atomic.page_url, function(url) return … end)")
    end
    local over, sources = nil, {}
    for i = 1, n - 1 do
      local v = select(i, ...)
      local it = info[v]
      if not it or it.kind ~= "property" and it.kind ~= "attribute" then
        s.fail(format("criterion reads properties or attributes; number %d is %s", i, s.describe(v)))
      end
      s.use(v)
      if it.kind == "property" then
        s.check_property(v)
      end
      if over and over ~= it.kind then
        s.fail("criterion reads properties or attributes, not both")
      end
      over = it.kind
      sources[i] = it
    end
    local shape = getinfo(fn, "u")
    if not shape.isvararg and shape.nparams ~= n - 1 then
      s.fail(format("criterion reads %d and its function takes %d: one name for each", n - 1, shape.nparams))
    end
    local file, line = s.where(true)
    return criterion(over, { fn = fn, sources = sources, file = file, line = line or 0 }, false)
  end

  -- Both of two trees.
  function s.both(a, b)
    if not a or not b then
      return a or b
    end
    local kids = {}
    for _, tree in ipairs { a, b } do
      if tree.join == "all" then
        for i = 1, #tree.kids do
          kids[#kids + 1] = tree.kids[i]
        end
      else
        kids[#kids + 1] = tree
      end
    end
    return { join = "all", kids = kids }
  end

  s.word("all", join "all")
  s.word("any", join "any")
  s.word("none", join "none")
  s.word("criterion", by_function)
end

return M
