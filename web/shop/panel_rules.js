/* panel_rules.js -- the rule files: what is in force, what is wrong, what was reloaded, and what to try.
 * SPDX-License-Identifier: Apache-2.0 */
import {byId, el} from "./dom.js";
import {on} from "./news.js";
import {enter} from "./panel_feed.js";

/* The rule, and the three places of its test that go with it. */
const TRY = `sed -i 's/gt(3)/gt(1)/; s/sends(3, product_view)/sends(1, product_view)/; s/product_views", 3)/product_views", 1)/'`;
const STATUS = {in_force: "in force", last_good_version_kept: "last good version kept", not_loaded: "not loaded"};

const errors = (problems) => problems.filter(({severity}) => severity === "error");
const place = ({file, line}) => (line ? `${file}:${line}` : file);

function enterProblem(problem) {
  enter("wrong", "refused", el("code.origin", {}, place(problem)), {why: problem.message});
}

function fileRow({file, status, problems}) {
  return el("li", {"data-file": file, "data-status": status},
    el("code", {}, file), el(`span.badge.${status}`, {}, STATUS[status] ?? status),
    problems.map((problem) => el("p.problem", {}, `${place(problem)}: ${problem.message}`)));
}

/* What is new since the last look, one entry each. */
function enterChanges(now, was) {
  for (const file of now.files) {
    const old = was.files.find((one) => one.file === file.file);
    const known = JSON.stringify(old?.problems ?? []), fresh = errors(file.problems);
    if (file.hash !== old?.hash && file.hash) enter("rules", file.file, `reloaded, generation ${now.generation}`);
    else if (!fresh.length && errors(old?.problems ?? []).length) enter("rules", file.file, `is in order again, generation ${now.generation}`);
    for (const problem of fresh) {
      if (!known.includes(JSON.stringify(problem))) enterProblem(problem);
    }
  }
  for (const {file} of was.files) {
    if (!now.files.some((one) => one.file === file)) enter("rules", file, "is gone");
  }
  for (const problem of errors(now.problems)) {
    if (!JSON.stringify(was.problems).includes(JSON.stringify(problem))) enterProblem(problem);
  }
}

function show({now, was}) {
  byId("generation").textContent = `generation ${now.generation}`;
  byId("files").replaceChildren(...now.files.map(fileRow));
  const discount = now.interventions.find(({name}) => name === "discount");
  if (discount) {
    byId("try-where").textContent = place(discount);
    byId("try-command").textContent = `${TRY} ${discount.file}`;
  }
  if (was) enterChanges(now, was);
}

async function copy() {
  try {
    await navigator.clipboard.writeText(byId("try-command").textContent);
    byId("copy").textContent = "Copied";
  } catch {
    byId("copy").textContent = "Select it, and copy";
  }
}

export function startRules() {
  byId("copy").addEventListener("click", copy);
  on("rules", show);
}
