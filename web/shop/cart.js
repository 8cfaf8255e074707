/* cart.js -- what the visitor is about to buy, and what it will cost with the offers earned.
 *
 * It lives in the browser: it is there again after a reload, and needs no server.
 * SPDX-License-Identifier: Apache-2.0 */
import {product} from "./catalogue.js";
import {tell} from "./news.js";
import {hasOffer} from "./offers.js";
import {keep, kept} from "./store.js";
import {trackAdd, trackRemove} from "./tracking.js";

const SHIPPING = 7.5, DISCOUNT = 0.1;
const cents = (amount) => Math.round(amount * 100) / 100;

/* [{product, quantity}], of what there still is to buy. */
export function lines() {
  return Object.entries(kept("cart", {}))
    .map(([id, quantity]) => ({product: product(id), quantity}))
    .filter((line) => line.product && line.quantity > 0);
}

export function count() {
  return lines().reduce((sum, {quantity}) => sum + quantity, 0);
}

export function bill() {
  const goods = lines().reduce((sum, line) => sum + line.product.price * line.quantity, 0);
  const discount = hasOffer("discount") ? cents(goods * DISCOUNT) : 0;
  const shipping = goods === 0 || hasOffer("free_shipping") ? 0 : SHIPPING;
  return {goods, discount, shipping, total: cents(goods - discount + shipping)};
}

function change(id, by) {
  const quantities = {...kept("cart", {})};
  quantities[id] = (quantities[id] ?? 0) + by;
  if (quantities[id] <= 0) delete quantities[id];
  keep("cart", quantities);
}

export function add(one) {
  change(one.id, 1);
  trackAdd(one, 1, bill().goods);
  tell("cart");
}

export function remove(one, quantity = 1) {
  change(one.id, -quantity);
  trackRemove(one, quantity, bill().goods);
  tell("cart");
}

export function clear() {
  keep("cart", {});
  tell("cart");
}
