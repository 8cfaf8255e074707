/* view_cart.js -- what is in the cart, how many of each, and what it comes to.
 * SPDX-License-Identifier: Apache-2.0 */
import {add, bill, lines, remove} from "./cart.js";
import {announce, el, money} from "./dom.js";
import {picture} from "./pictures.js";

function quantity({product, quantity: n}) {
  const step = (sign, word, does) => el("button.step", {
    id: `${word}-${product.id}`, type: "button", "aria-label": `${word === "one-more" ? "One more" : "One less"}: ${product.name}`,
    onclick() {
      does(product);
      announce(`${product.name}: ${n + (sign === "+" ? 1 : -1)} in your cart.`);
    },
  }, sign);
  return el("span.steps", {}, step("−", "one-less", remove), el("span.count", {}, n), step("+", "one-more", add));
}

function line(one) {
  const {product, quantity: n} = one;
  return el("li.line", {},
    el(`span.ground.small.${product.tint}`, {}, picture(product.id)),
    el("span.line-text", {}, el("a", {href: `#/product/${product.id}`}, product.name), el("span.soft", {}, `${money(product.price)} each`)),
    quantity(one),
    el("span.line-sum", {}, money(product.price * n)),
    el("button.remove", {type: "button", "aria-label": `Remove ${product.name}`, onclick: () => remove(product, n)}, "Remove"));
}

const item = (name, amount, kind = "") => el(`div${kind}`, {}, el("dt", {}, name), el("dd", {}, amount));

export function summary(action) {
  const {goods, discount, shipping, total} = bill();
  return el("section.summary", {"aria-label": "What it comes to"},
    el("dl", {},
      item("Goods", money(goods)),
      discount ? item("Your 10% off", `−${money(discount)}`, ".earned") : null,
      shipping ? item("Shipping", money(shipping)) : item("Shipping", "free", ".earned"),
      item("Total", money(total), ".total")),
    action);
}

export function emptyCart() {
  return el("div.empty", {},
    el("p.lead", {}, "There is nothing in your cart yet."),
    el("a.primary", {href: "#/"}, "Look around"));
}

export function cartView() {
  const all = lines();
  const body = all.length
    ? el("div.two", {}, el("ul.lines", {role: "list"}, all.map(line)), summary(el("a.primary.wide", {href: "#/checkout"}, "Check out")))
    : emptyCart();
  return {title: "Your cart", type: "cart", body: el("div", {}, el("h1", {tabindex: -1}, "Your cart"), body)};
}
