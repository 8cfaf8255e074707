-- test_traps.lua -- every trap says what it should, in the line it should.
-- SPDX-License-Identifier: Apache-2.0
local H = require "harness"

for _, case in ipairs(require "traps") do
  local name, text, expected = case[1], case[2], case[3]
  local S, desc, problems = H.load(text)
  local p = H.first_error(problems)
  if not p and desc then
    p = H.first_error(S.try_formulas())
  end
  H.equal(p and H.show(p) or "loads", expected and "t:" .. expected or "loads", "trap " .. name)
end
