/* fields.js -- a form's fields with their labels.
 * SPDX-License-Identifier: Apache-2.0 */
import {el} from "./dom.js";

function labelled(name, label, control) {
  return el("div.field", {}, el("label", {for: name}, label), control);
}

export function field(name, label, more = {}) {
  return labelled(name, label, el("input", {id: name, name, type: "text", required: true, ...more}));
}

export function select(name, label, options) {
  return labelled(name, label, el("select", {id: name, name}, options.map(([value, text]) => el("option", {value}, text))));
}

export function textarea(name, label) {
  return labelled(name, label, el("textarea", {id: name, name, rows: 3}));
}
