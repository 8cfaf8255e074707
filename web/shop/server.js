/* server.js -- what the page asks the server, and whether it is there.
 *
 * The rule files are asked for every two seconds while somebody looks, which also tells whether the server is there; what is
 * known of the visitor, each time that it got events, and now and then because time passes.
 * SPDX-License-Identifier: Apache-2.0 */
import {on, tell} from "./news.js";
import {sendWaiting, visitor} from "./tracking.js";

const RULES_MS = 2000, ATTRIBUTES_MS = 8000, SOON_MS = 120, PATIENCE_MS = 10000;
const GONE = [502, 503, 504]; /* answered in its place, or when it has no rules yet */
const SCORE = "prospect", SERVICES = ["ecommerce"];
let up = true, rules = null, asked_ms = 0, soon = 0;

async function ask(path, question) {
  const given = question && {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(question)};
  const answer = await fetch(path, {cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS), ...given});
  if (GONE.includes(answer.status)) throw new Error(`${path}: ${answer.status}`);
  const said = await answer.json();
  return answer.ok ? said : {problem: said.detail};
}

function setUp(is_up) {
  if (up === is_up) return;
  up = is_up;
  tell("server", {up});
  if (up) sendWaiting();
}

export const serverIsUp = () => up;
export const rulesNow = () => rules;

/* Where a rule file defines it, {name, file, line}. */
export const definition = (kind, name) => rules?.[kind].find((one) => one.name === name);

/* True when the server answered. */
export async function askRules() {
  try {
    const now = await ask("/api/v1/rules"), was = rules;
    rules = now;
    setUp(true);
    if (JSON.stringify(now) !== JSON.stringify(was)) tell("rules", {now, was});
  } catch {
    setUp(false);
  }
  return up;
}

/* A row of an answer in columns. */
function row(columns) {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => name !== "domain_userid").map(([name, [value]]) => [name, value]));
}

async function askAttributes() {
  const id = visitor();
  asked_ms = Date.now();
  try {
    for (const service of SERVICES.filter((name) => definition("services", name))) {
      const columns = await ask("/api/v1/get-online-attributes", {service, attribute_keys: {domain_userid: [id]}});
      if (id === visitor() && !columns.problem) tell("attributes", {service, values: row(columns)});
    }
    const score = definition("scores", SCORE);
    if (!score) return;
    const {signals, ...answer} = await ask("/predict", {domain_userid: id, score: SCORE});
    if (id !== visitor()) return;
    if (signals) tell("attributes", {service: SCORE, values: signals});
    tell("score", answer);
  } catch {
    setUp(false);
  }
}

/* What comes in a bunch is asked for once. */
function askSoon() {
  clearTimeout(soon);
  soon = setTimeout(() => up && askAttributes(), SOON_MS);
}

async function look() {
  if (document.hidden) return;
  const was_up = up;
  if (await askRules() && (!was_up || Date.now() - asked_ms > ATTRIBUTES_MS)) askSoon();
}

export async function follow() {
  on("acknowledged", () => {
    setUp(true);
    askSoon();
  });
  on("kept", () => setUp(false));
  on("visitor", askSoon);
  on("rules", askSoon);
  document.addEventListener("visibilitychange", look);
  for (;;) {
    await look();
    await new Promise((later) => setTimeout(later, RULES_MS));
  }
}
