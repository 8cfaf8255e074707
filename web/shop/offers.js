/* offers.js -- the interventions that this visitor has received: what a banner shows, and what the cart takes into account.
 *
 * An offer stays earned when its banner was dismissed. The server may send a message again after a crash, under the same id:
 * it counts once.
 * SPDX-License-Identifier: Apache-2.0 */
import {tell} from "./news.js";
import {keep, kept} from "./store.js";

const SEEN_MAX = 200; /* ids that are remembered */

export function offers() {
  return kept("offers", []);
}

export function hasOffer(name) {
  return offers().some((offer) => offer.name === name);
}

/* False: it was here before. */
export function receive(intervention) {
  const seen = kept("seen", []), id = intervention.intervention_id;
  if (seen.includes(id)) return false;
  keep("seen", [...seen, id].slice(-SEEN_MAX));
  keep("offers", [...offers(), {id, name: intervention.name, payload: intervention.payload, dismissed: false}]);
  tell("offers");
  return true;
}

export function dismiss(id) {
  keep("offers", offers().map((offer) => (offer.id === id ? {...offer, dismissed: true} : offer)));
  tell("offers");
}

export function clearOffers() {
  keep("offers", []);
  tell("offers");
}
