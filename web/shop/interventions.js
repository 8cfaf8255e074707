/* interventions.js -- the stream of interventions, by the official plugin.
 *
 * The plugin gives up for good on a server that does not answer at once. This page would rather wait: its stream is then the
 * browser's own, which comes back by itself.
 * SPDX-License-Identifier: Apache-2.0 */
import {addInterventionHandlers, subscribeToInterventions} from "@snowplow/signals-browser-plugin";
import {tell} from "./news.js";
import {receive} from "./offers.js";

const PATIENCE_MS = 24 * 3600 * 1000;

export function listen() {
  addInterventionHandlers({
    banner(intervention) {
      if (receive(intervention)) tell("intervention", {intervention});
    },
  });
  subscribeToInterventions({endpoint: location.origin, connectionTimeoutMs: PATIENCE_MS});
}
