/* main.js -- begins the shop: the tracker first, then the page, the panel, and the talk with the server.
 * SPDX-License-Identifier: Apache-2.0 */
import {clear, count} from "./cart.js";
import {byId} from "./dom.js";
import {listen} from "./interventions.js";
import {on, tell} from "./news.js";
import {clearOffers} from "./offers.js";
import {startPanel} from "./panel.js";
import {showBanners} from "./banners.js";
import {go, showAgain, startRoutes} from "./routes.js";
import {follow} from "./server.js";
import {forgetVisitor, startTracking} from "./tracking.js";

function showCart() {
  const n = count();
  byId("cart-count").textContent = n;
  byId("cart-link").setAttribute("aria-label", n === 1 ? "Cart, 1 thing" : `Cart, ${n} things`);
  if (/^#\/cart/.test(location.hash)) showAgain();
}

/* A new visitor: nobody knows them, and their cart is empty. */
function reset() {
  forgetVisitor();
  clear();
  clearOffers();
  tell("visitor");
  go("#/");
}

function skip(clicked) {
  clicked.preventDefault();
  byId("main").focus();
}

startTracking();
on("cart", showCart);
on("offers", showBanners);
on("offers", showCart);
startPanel(reset);
byId("skip").addEventListener("click", skip);
showCart();
showBanners();
startRoutes();
listen();
follow();
