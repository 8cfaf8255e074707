/* page.js -- a shop's page: the official tracker with its plugins, buttons that track, and lists of the interventions that came.
 *
 * window.settings says where the collector is (collector), the app's id (app), how to send (method), whether the visitor has
 * yet to agree (anonymous), the partner's page (partner), how its links are decorated (extended), and how patient to be.
 * SPDX-License-Identifier: Apache-2.0 */
import {
    disableActivityTracking, disableAnonymousTracking, enableActivityTracking, enableAnonymousTracking, newTracker, trackPageView,
} from '@snowplow/browser-tracker';
import { enableFormTracking, FormTrackingPlugin } from '@snowplow/browser-plugin-form-tracking';
import { enableLinkClickTracking, LinkClickTrackingPlugin } from '@snowplow/browser-plugin-link-click-tracking';
import { SnowplowEcommercePlugin, trackAddToCart, trackProductView, trackTransaction } from '@snowplow/browser-plugin-snowplow-ecommerce';
import { addInterventionHandlers, SignalsPlugin, subscribeToInterventions } from '@snowplow/signals-browser-plugin';

const { collector, app, method, anonymous, partner, extended, patience_ms } = window.settings;
const ANONYMOUS = { withServerAnonymisation: true };
const COAT = { id: 'coat', name: 'Coat', category: 'Clothes/Outdoor', price: 60.5, currency: 'USD', quantity: 1 };
const HAT = { id: 'hat', name: 'Hat', category: 'Clothes', price: 12, currency: 'USD', quantity: 2 };
const element = (id) => document.getElementById(id);

element('partner').href = partner;

const tracker = newTracker('shop', collector, {
    appId: app,
    eventMethod: method,
    anonymousTracking: anonymous && ANONYMOUS,
    contexts: { browser: true, session: !anonymous },
    crossDomainLinker: (link) => link.id === 'partner',
    useExtendedCrossDomainLinker: extended,
    connectionTimeout: patience_ms,
    plugins: [FormTrackingPlugin(), LinkClickTrackingPlugin(), SnowplowEcommercePlugin(), SignalsPlugin()],
});
const device = tracker.getDomainUserInfo()[1];

function show(list, intervention) {
    const item = document.createElement('li');
    item.textContent = JSON.stringify(intervention);
    element(list).append(item);
}

/* The same messages twice: as any page may listen, and as the plugin does. */
function listen() {
    const stream = new EventSource(`${collector}/api/v1/interventions?domain_userid=${device}`);
    stream.onmessage = (message) => show('by-eventsource', JSON.parse(message.data));
    addInterventionHandlers({ banner: (intervention) => show('by-plugin', intervention) });
    subscribeToInterventions({ endpoint: collector, connectionTimeoutMs: patience_ms });
}

async function read(path, question) {
    const answer = await fetch(collector + path, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(question),
    });
    return answer.json();
}

const buttons = {
    view: () => trackProductView(COAT),
    add: () => trackAddToCart({ products: [COAT], total_value: 60.5, currency: 'USD' }),
    buy: () => trackTransaction({
        transaction_id: 't-1', revenue: 157, currency: 'USD', payment_method: 'card', products: [COAT, HAT],
    }),
    consent: () => { disableAnonymousTracking(); trackPageView(); },
    withdraw: () => { enableAnonymousTracking({ options: ANONYMOUS }); trackPageView(); },
    rest: () => disableActivityTracking(),
    async ask() {
        const score = await read('/predict', { domain_userid: device });
        const attributes = await read('/api/v1/get-online-attributes',
            { service: 'ecommerce', attribute_keys: { domain_userid: [device] } });
        element('answer').textContent = JSON.stringify({ score, attributes });
    },
};
Object.keys(buttons).forEach((id) => element(id).addEventListener('click', buttons[id]));

enableLinkClickTracking({ trackContent: true });
enableFormTracking();
enableActivityTracking({ minimumVisitLength: 0, heartbeatDelay: 1 }); // as often as it can
trackPageView();
if (!anonymous) listen();
