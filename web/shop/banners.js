/* banners.js -- the offers earned, as banners above the page.
 *
 * Their region is a status, so they are read out when they come; each can be dismissed. An intervention that this page
 * has never heard of is shown too: by its name, and by the `text` or `code` in its payload.
 * SPDX-License-Identifier: Apache-2.0 */
import {byId, el, svg} from "./dom.js";
import {dismiss, offers} from "./offers.js";

const KNOWN = {
  cart_abandonment: {icon: "cart", title: "Your cart is kept", text: "Take your time: it is here when you come back.", link: ["#/cart", "See it"]},
  discount: {icon: "percent", title: "10% off, for you", text: "You know what you like. Taken off in the cart.", link: ["#/cart", "Use it"]},
  free_shipping: {icon: "truck", title: "Shipping is on us", text: "More than $100 of good things travel free.", link: ["#/cart", "See it"]},
};
const ICONS = {
  cart: "M3 4h2l2.4 11h10l2.1-8H6.2M9 20h.01M16 20h.01",
  percent: "M19 5L5 19M7.5 9a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM16.5 18a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
  truck: "M3 6h11v10H3zM14 9h4l3 3v4h-7M7 19.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3zM17 19.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
  star: "M12 4l2.4 5 5.6.7-4.1 3.8 1.1 5.5-5-2.8-5 2.8 1.1-5.5L4 9.7l5.6-.7z",
};
const CLOSE = "M6 6l12 12M18 6L6 18";

function drawn(path) {
  return svg("svg.icon", {viewBox: "0 0 24 24", "aria-hidden": "true"}, svg("path", {d: path}));
}

function unknown({name, payload}) {
  const code = payload?.code ? `Your code: ${payload.code}.` : "";
  return {icon: "star", title: name.replaceAll("_", " "), text: [payload?.text, code].filter(Boolean).join(" ") || "A rule of yours fired."};
}

function banner(offer) {
  const known = KNOWN[offer.name], {icon, title, text, link} = known ?? unknown(offer);
  const more = known && offer.payload?.code ? ` Your code: ${offer.payload.code}.` : "";
  return el(`div.banner.${icon}`, {"data-offer": offer.name, "data-id": offer.id},
    drawn(ICONS[icon]),
    el("p", {}, el("strong", {}, title), " ", el("span", {}, text + more)),
    link ? el("a", {href: link[0], "aria-label": `${link[1]}: ${title}`}, link[1]) : null,
    el("button", {type: "button", "aria-label": `Dismiss: ${title}`, onclick: () => leave(offer.id)}, drawn(CLOSE)));
}

/* The focus goes on to the next banner, or to the page. */
function leave(id) {
  dismiss(id);
  (byId("banners").querySelector("button") ?? byId("main")).focus({preventScroll: true});
}

/* Those that stay are not touched, or they would be read out again. */
export function showBanners() {
  const region = byId("banners"), wanted = offers().filter((offer) => !offer.dismissed);
  for (const shown of [...region.children]) if (!wanted.some(({id}) => id === shown.dataset.id)) shown.remove();
  for (const offer of wanted) {
    if (![...region.children].some((shown) => shown.dataset.id === offer.id)) region.append(banner(offer));
  }
}
