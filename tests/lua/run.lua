-- run.lua -- runs the tests of the rule language under the plain `luajit`; the last line counts, the exit status tells.
-- SPDX-License-Identifier: Apache-2.0
local here = string.match(arg[0], "^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local H = require "harness"

for _, name in ipairs { "test_traps", "test_language", "test_rules", "test_calls", "test_identity", "test_trial", "test_sandbox" } do
  local ok, err = xpcall(require, debug.traceback, name)
  H.check(ok, name .. " runs to its end", ok and "" or tostring(err))
end

print(string.format("%d passed, %d failed", H.passed, H.failed))
os.exit(H.failed == 0 and 0 or 1)
