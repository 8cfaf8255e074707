/* send.js -- sends the events of a scenario with the official tracker: node send.js '{"endpoint": ..., "events": [...]}'
 *
 * An event is {kind, ...}: page_view {url, title, referrer}, self_describing {schema, data}, struct {category, action, label,
 * property, value}, page_ping {url}, shop {type, products}; each may have entities [{schema, data}] and a true timestamp.
 * Prints one JSON line {sent, failed, kept} when all requests are done; kept: of the failed, those that it means to send again.
 * SPDX-License-Identifier: Apache-2.0 */
'use strict';

const t = require('@snowplow/node-tracker');

const SHOP = 'iglu:com.snowplowanalytics.snowplow.ecommerce/';
const scenario = JSON.parse(process.argv[2]);
const endpoint = new URL(scenario.endpoint);
let sent = 0;
let failed = 0;
let kept = 0;

const tracker = t.newTracker(
    { namespace: 'e2e', appId: scenario.app_id || 'shop', encodeBase64: scenario.base64 !== false },
    {
        endpoint: endpoint.hostname,
        port: Number(endpoint.port),
        protocol: 'http',
        eventMethod: scenario.method || 'post',
        bufferSize: scenario.buffer || 1,
        maxPostBytes: scenario.max_post_bytes || 40000,
        onRequestSuccess: (batch) => { sent += batch.length; },
        onRequestFailure: (failure) => {
            failed += failure.events.length;
            if (failure.willRetry) kept += failure.events.length;
        },
    });

const user = scenario.user || {};
if (user.domain_userid) tracker.setDomainUserId(user.domain_userid);
if (user.network_userid) tracker.setNetworkUserId(user.network_userid);
if (user.session) tracker.setSessionId(user.session);
if (user.user_id) tracker.setUserId(user.user_id);
if (scenario.useragent) tracker.setUseragent(scenario.useragent);

const build = {
    page_view: (e) => t.buildPageView({ pageUrl: e.url, pageTitle: e.title, referrer: e.referrer }),
    page_ping: (e) => t.buildPagePing({ pageUrl: e.url, minXOffset: 0, maxXOffset: 1, minYOffset: 0, maxYOffset: 1 }),
    struct: (e) => t.buildStructEvent(e),
    self_describing: (e) => t.buildSelfDescribingEvent({ event: { schema: e.schema, data: e.data } }),
    shop: (e) => t.buildSelfDescribingEvent({
        event: { schema: SHOP + 'snowplow_ecommerce_action/jsonschema/1-0-2', data: { type: e.type } },
    }),
};

for (const e of scenario.events) {
    const products = (e.products || []).map((data) => ({ schema: SHOP + 'product/jsonschema/1-0-0', data }));
    const when = e.true_tstamp ? { type: 'ttm', value: e.true_tstamp } : undefined;
    tracker.track(build[e.kind](e), (e.entities || []).concat(products), when);
}

/* The emitter has no word for "all answered": ask until every event has been counted. */
const deadline = Date.now() + 60000;
(async () => {
    while (sent + failed < scenario.events.length && Date.now() < deadline) {
        await tracker.flush();
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    console.log(JSON.stringify({ sent, failed, kept }));
    process.exit(0);
})();
