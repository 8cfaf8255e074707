/* panel_feed.js -- what happens, newest first: events as they leave, interventions as they come, rule files as they change.
 * SPDX-License-Identifier: Apache-2.0 */
import {byId, el} from "./dom.js";
import {on} from "./news.js";
import {describe} from "./payload.js";
import {askRules, definition} from "./server.js";
import {visitor, waiting} from "./tracking.js";

const ENTRIES_MAX = 150;
let n_events = 0;

function clock() {
  return new Date().toLocaleTimeString("en-GB");
}

/* kind: event, intervention, rules, wrong, server, visitor. detail: beside the word; why: below; more: what it opens to. */
export function enter(kind, word, detail, {id, why, more} = {}) {
  const text = el("span", {}, el("span.word", {}, word), " ", el("span.detail", {}, detail));
  const head = [el("time", {}, clock()), text, id ? el("span.mark", {}) : null, why ? el("span.why", {}, why) : null];
  const entry = el(`li.entry.${kind}`, {"data-id": id},
    more ? el("details", {}, el("summary", {}, head), el("pre", {tabindex: 0}, more)) : el("div.plain", {}, head));
  const feed = byId("feed");
  feed.prepend(entry);
  while (feed.children.length > ENTRIES_MAX) feed.lastElementChild.remove();
  return entry;
}

function mark(ids, kind, text) {
  for (const entry of byId("feed").querySelectorAll("[data-id]")) {
    if (!ids.includes(entry.dataset.id)) continue;
    entry.classList.remove("waits", "has");
    entry.classList.add(kind);
    entry.querySelector(".mark").textContent = text;
  }
}

function showEvent({payload}) {
  const {id, name, detail, data} = describe(payload);
  n_events += 1;
  byId("n-events").textContent = n_events;
  enter("event", name, detail, {id, more: JSON.stringify(data, null, 2)});
}

function origin({name}) {
  const rule = definition("interventions", name);
  return rule ? `${rule.file}:${rule.line}` : "pushed through the API";
}

/* The rules are asked for once more: the one that fired may have come with a reload a moment ago. */
async function showIntervention({intervention}) {
  const place = el("code.origin", {}, origin(intervention));
  const why = Object.entries(intervention.attributes).map(([name, value]) => `${name} = ${value}`).join(", ");
  enter("intervention", intervention.name, place, {why, more: JSON.stringify(intervention, null, 2)});
  await askRules();
  place.textContent = origin(intervention);
}

function showServer({up}) {
  if (up) enter("server", "server", "is back: what waited is on its way");
  else enter("wrong", "server", "is gone: the shop goes on, and events wait in this browser");
}

export function startFeed() {
  on("event", showEvent);
  on("acknowledged", ({ids}) => mark(ids, "has", "200"));
  on("kept", ({ids}) => mark(ids, "waits", "waits"));
  on("intervention", showIntervention);
  on("server", showServer);
  on("visitor", () => {
    byId("feed").replaceChildren();
    n_events = 0;
    byId("n-events").textContent = n_events;
    enter("visitor", "visitor", visitor());
  });
  if (waiting()) enter("server", "tracker", `${waiting()} events still wait from the last time`);
}
