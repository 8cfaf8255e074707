/* tracking.js -- the official tracker: who the visitor is, what is sent, what the server has of it.
 *
 * Identifiers are kept in localStorage: cookies would be shared by all that is served on this host, whatever the port, and
 * not every browser keeps secure ones over http. Events wait there too until the server has them. What is typed into
 * forms is not sent: the rules want to know that somebody wrote, not what.
 * SPDX-License-Identifier: Apache-2.0 */
import {enableFormTracking, FormTrackingPlugin} from "@snowplow/browser-plugin-form-tracking";
import {
  setPageType, SnowplowEcommercePlugin, trackAddToCart, trackCheckoutStep, trackProductView, trackRemoveFromCart, trackTransaction,
} from "@snowplow/browser-plugin-snowplow-ecommerce";
import {clearUserData, enableActivityTracking, flushBuffer, newTracker, trackPageView} from "@snowplow/browser-tracker";
import {SignalsPlugin} from "@snowplow/signals-browser-plugin";
import {CURRENCY, entity} from "./catalogue.js";
import {tell} from "./news.js";

const QUEUE = "snowplowOutQueue_";
const idsOf = (events) => events.map((event) => event.eid);
let tracker;

export function startTracking() {
  tracker = newTracker("shop", location.origin, {
    appId: "shop",
    encodeBase64: false,
    stateStorageStrategy: "localStorage",
    discoverRootDomain: false,
    contexts: {webPage: true, session: true},
    onRequestSuccess: (events) => tell("acknowledged", {ids: idsOf(events)}),
    onRequestFailure: ({events}) => tell("kept", {ids: idsOf(events)}),
    plugins: [
      FormTrackingPlugin(), SnowplowEcommercePlugin(), SignalsPlugin(),
      {afterTrack: (payload) => tell("event", {payload})},
    ],
  });
  enableFormTracking({options: {fields: {transform: () => null}}});
  enableActivityTracking({minimumVisitLength: 5, heartbeatDelay: 10});
}

export function visitor() {
  return tracker.getDomainUserInfo()[1];
}

/* From the next event on. What the former one did and the server does not have yet is still sent as theirs. */
export function forgetVisitor() {
  clearUserData();
}

/* How many events wait for the server. */
export function waiting() {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(QUEUE))
      .reduce((sum, key) => sum + JSON.parse(localStorage.getItem(key)).length, 0);
  } catch {
    return 0;
  }
}

/* The tracker tries again with the next event; the page knows sooner that the server is back. */
export function sendWaiting() {
  flushBuffer();
}

export function trackPage(type) {
  setPageType({type, language: "en"});
  trackPageView();
}

export function trackView(product) {
  trackProductView(entity(product));
}

export function trackAdd(product, quantity, total_value) {
  trackAddToCart({products: [entity(product, quantity)], total_value, currency: CURRENCY});
}

export function trackRemove(product, quantity, total_value) {
  trackRemoveFromCart({products: [entity(product, quantity)], total_value, currency: CURRENCY});
}

export function trackCheckout(step) {
  trackCheckoutStep({step});
}

export function trackOrder(order, lines) {
  trackTransaction({...order, currency: CURRENCY, products: lines.map(({product, quantity}) => entity(product, quantity))});
}
