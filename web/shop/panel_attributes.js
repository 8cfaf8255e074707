/* panel_attributes.js -- what is known of the visitor; a value that has just changed lights up.
 * SPDX-License-Identifier: Apache-2.0 */
import {byId, el} from "./dom.js";
import {on} from "./news.js";

const last = new Map();

function text(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 1 ? shortened(value[0]) : `${value.length} values`;
  return typeof value === "object" ? JSON.stringify(value) : shortened(value);
}

/* Of an identifier, its beginning. */
function shortened(value) {
  const whole = String(value);
  return whole.length > 16 ? `${whole.slice(0, 8)}…` : whole;
}

function row(service, name, value) {
  const now = JSON.stringify(value), key = `${service}:${name}`, was = last.get(key);
  last.set(key, now);
  const kind = value === null ? ".null" : was !== undefined && was !== now ? ".fresh" : "";
  return el(`div.fact${kind}`, {"data-attribute": name}, el("dt", {}, name), el("dd", {title: now}, text(value)));
}

function show({service, values}) {
  const list = byId(`attributes-${service}`);
  const rows = Object.entries(values).map(([name, value]) => row(service, name, value));
  const known = Object.values(values).filter((value) => value !== null).length;
  list.replaceChildren(...rows);
  byId(`known-${service}`).textContent = `${known} of ${rows.length} known`;
}

export function startAttributes() {
  on("attributes", show);
  on("visitor", () => last.clear());
}
