/* dom.js -- makes elements: el("p.soft", {id: "x"}, "text", child) for HTML, svg(...) for drawings.
 *
 * The page may hold no inline style and no inline script, so all that it shows is made here or stands in index.html. An
 * attribute that is null or false is left out; one that begins with "on" is a listener.
 * SPDX-License-Identifier: Apache-2.0 */
const SVG = "http://www.w3.org/2000/svg";

function fill(node, classes, attributes, children) {
  if (classes.length) node.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function el(what, attributes, ...children) {
  const [tag, ...classes] = what.split(".");
  return fill(document.createElement(tag), classes, attributes, children);
}

export function svg(what, attributes, ...children) {
  const [tag, ...classes] = what.split(".");
  return fill(document.createElementNS(SVG, tag), classes, attributes, children);
}

export const byId = (id) => document.getElementById(id);

/* $1,234.50 */
export function money(amount) {
  return amount.toLocaleString("en-US", {style: "currency", currency: "USD"});
}

/* For who hears the page and does not see it. The text is replaced, so the same one twice is said twice. */
export function announce(text) {
  byId("announcer").replaceChildren(el("span", {}, text));
}
