/* view_catalogue.js -- the first page: all there is.
 * SPDX-License-Identifier: Apache-2.0 */
import {products} from "./catalogue.js";
import {el, money} from "./dom.js";
import {picture} from "./pictures.js";

export function card(product, level = "h2") {
  return el("li.card", {},
    el("a.card-link", {href: `#/product/${product.id}`},
      el(`span.ground.${product.tint}`, {}, picture(product.id)),
      el(`${level}.card-name`, {}, product.name),
      el("span.card-price", {}, money(product.price))),
    el("span.card-kind", {}, product.category));
}

export function catalogueView() {
  return {
    title: "", type: "home",
    body: el("div", {},
      el("div.hero", {},
        el("h1", {tabindex: -1}, "Good things for slow mornings"),
        el("p.lead", {}, "Look at four of them, put one in the cart, pass $100: each earns you something. The panel says why.")),
      el("ul.cards", {role: "list"}, products.map((one) => card(one)))),
  };
}
