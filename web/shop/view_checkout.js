/* view_checkout.js -- the form that ends a purchase, and the thanks for it.
 * SPDX-License-Identifier: Apache-2.0 */
import {bill, clear, lines} from "./cart.js";
import {el, money} from "./dom.js";
import {field, select} from "./fields.js";
import {clearOffers, hasOffer} from "./offers.js";
import {keep, kept} from "./store.js";
import {trackCheckout, trackOrder} from "./tracking.js";
import {emptyCart, summary} from "./view_cart.js";

const PAYMENTS = [["card", "Card"], ["invoice", "Invoice"], ["cash", "Cash on delivery"]];

function orderNumber() {
  return `S-${Date.now().toString(36).toUpperCase().slice(-6)}`;
}

function buy(submitted) {
  submitted.preventDefault();
  const {discount, shipping, total} = bill();
  const order = {
    transaction_id: orderNumber(), revenue: total, shipping, payment_method: submitted.target.elements.payment.value,
    ...(hasOffer("discount") && {discount_code: "discount", discount_amount: discount}),
  };
  trackOrder(order, lines());
  keep("order", {number: order.transaction_id, total});
  clear();
  clearOffers();
  location.hash = "#/thanks";
}

function form() {
  return el("form.form", {id: "checkout", onsubmit: buy},
    el("div.row", {}, field("name", "Name", {autocomplete: "name"}), field("email", "Email", {type: "email", autocomplete: "email"})),
    field("street", "Street and number", {autocomplete: "street-address"}),
    el("div.row", {}, field("postcode", "Postcode", {autocomplete: "postal-code"}), field("city", "City", {autocomplete: "address-level2"})),
    select("payment", "Payment", PAYMENTS),
    el("p.soft", {}, "This is a demo: nothing is charged or shipped, and what you type here stays in this page."),
    el("button.primary", {type: "submit"}, `Buy for ${money(bill().total)}`));
}

export function checkoutView() {
  const any = lines().length > 0;
  return {
    title: "Checkout", type: "checkout", after: () => any && trackCheckout(1),
    body: el("div", {},
      el("h1", {tabindex: -1}, "Checkout"),
      any ? el("div.two", {}, form(), summary(el("a.secondary.wide", {href: "#/cart"}, "Change the cart"))) : emptyCart()),
  };
}

export function thanksView() {
  const order = kept("order", null);
  return {
    title: "Thank you", type: "thanks",
    body: el("div.empty", {},
      el("h1", {tabindex: -1}, "Thank you"),
      order
        ? el("p.lead", {}, `Order ${order.number} over ${money(order.total)} is on its way, as far as a demo goes.`)
        : el("p.lead", {}, "There is no order yet."),
      el("a.primary", {href: "#/"}, "Back to the shop")),
  };
}
