/* view_product.js -- one product, and three to go on with.
 * SPDX-License-Identifier: Apache-2.0 */
import {add} from "./cart.js";
import {product, products} from "./catalogue.js";
import {announce, el, money} from "./dom.js";
import {picture} from "./pictures.js";
import {trackView} from "./tracking.js";
import {card, catalogueView} from "./view_catalogue.js";

const MORE = 3;

function others(one) {
  const at = products.indexOf(one);
  return Array.from({length: MORE}, (_, i) => products[(at + 1 + i) % products.length]);
}

function button(one) {
  return el("button.primary", {
    id: "add", type: "button",
    onclick() {
      add(one);
      announce(`${one.name} is in your cart.`);
    },
  }, "Add to cart");
}

export function productView(id) {
  const one = product(id);
  if (!one) return catalogueView();
  return {
    title: one.name, type: "product", after: () => trackView(one),
    body: el("div", {},
      el("nav.crumbs", {"aria-label": "Breadcrumb"}, el("a", {href: "#/"}, "All things"), el("span", {"aria-hidden": "true"}, "/"), one.category),
      el("article.product", {},
        el(`div.ground.large.${one.tint}`, {}, picture(one.id, `A drawing of the ${one.name.toLowerCase()}`)),
        el("div.product-text", {},
          el("h1", {tabindex: -1}, one.name),
          el("p.price", {}, money(one.price)),
          el("p", {}, one.text),
          el("ul.ticks", {role: "list"}, one.facts.map((fact) => el("li", {}, fact))),
          el("div.actions", {}, button(one), el("a.secondary", {href: "#/cart"}, "Go to cart")),
          el("p.soft", {}, "Ships within two days. 30 days to change your mind."))),
      el("section.more", {"aria-labelledby": "more"},
        el("h2", {id: "more"}, "Goes well with it"),
        el("ul.cards.three", {role: "list"}, others(one).map((other) => card(other, "h3"))))),
  };
}
