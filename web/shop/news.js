/* news.js -- what one part of the page has to tell the others: tell("cart"), on("cart", fn).
 *
 *   event         {payload}             an event was tracked
 *   acknowledged  {ids}                 the server has these events
 *   kept          {ids}                 it could not be reached: the tracker keeps them
 *   server        {up}                  it is gone, or is back
 *   rules         {now, was}            another state of the rule files
 *   attributes    {service, values}     what is known of the visitor
 *   score         {score, explanations} or {problem}
 *   intervention  {intervention}        one came
 *   offers                              the banners are others
 *   cart                                the cart is another
 *   visitor                             is a new one
 * SPDX-License-Identifier: Apache-2.0 */
const listeners = new Map();

export function on(what, listener) {
  listeners.set(what, [...(listeners.get(what) ?? []), listener]);
}

export function tell(what, detail = {}) {
  for (const listener of listeners.get(what) ?? []) listener(detail);
}
