/* store.js -- what this browser keeps of a visitor: JSON in localStorage, or for as long as the page is open where there is none.
 * SPDX-License-Identifier: Apache-2.0 */
const PREFIX = "shop.";
const memory = new Map();

export function keep(name, value) {
  memory.set(name, value);
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    /* no room, or not allowed: memory has it */
  }
}

export function kept(name, otherwise) {
  if (memory.has(name)) return memory.get(name);
  try {
    const value = JSON.parse(localStorage.getItem(PREFIX + name));
    return value ?? otherwise;
  } catch {
    return otherwise;
  }
}
