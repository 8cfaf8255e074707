/* routes.js -- which view stands behind the address: all that follows the #.
 *
 * Each view is a function of what follows its name, and answers {title, type, body, after}: `type` is the ecommerce plugin's
 * type of page, `after` is run once the page view was tracked.
 * SPDX-License-Identifier: Apache-2.0 */
import {byId} from "./dom.js";
import {trackPage} from "./tracking.js";
import {cartView} from "./view_cart.js";
import {catalogueView} from "./view_catalogue.js";
import {checkoutView, thanksView} from "./view_checkout.js";
import {pricingView} from "./view_pricing.js";
import {productView} from "./view_product.js";

const NAME = "Saturday";
const views = {
  "": catalogueView, product: productView, cart: cartView, checkout: checkoutView, thanks: thanksView, pricing: pricingView,
};

function place() {
  const [name = "", rest = ""] = location.hash.replace(/^#\/?/, "").split("/");
  return {name: name in views ? name : "", rest};
}

/* Once more, when what it shows has changed: nobody has gone anywhere, so nothing is tracked and the focus stays. */
export function showAgain() {
  const {name, rest} = place(), focused = document.activeElement?.id;
  byId("main").replaceChildren(views[name](rest).body);
  if (focused) byId(focused)?.focus({preventScroll: true});
}

export function showPlace({moved = true} = {}) {
  const {name, rest} = place();
  const {title, type, body, after} = views[name](rest);
  document.title = title ? `${title} · ${NAME}` : NAME;
  byId("main").replaceChildren(body);
  for (const link of document.querySelectorAll("[data-place]")) {
    if (link.dataset.place === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (moved) {
    scrollTo(0, 0);
    byId("main").querySelector("h1").focus({preventScroll: true});
  }
  trackPage(type);
  after?.();
}

/* To a place, or to the same one anew. */
export function go(hash) {
  if (location.hash === hash) showPlace();
  else location.hash = hash;
}

export function startRoutes() {
  addEventListener("hashchange", () => showPlace());
  showPlace({moved: false});
}
