/* demo.js -- visits to the demo shop, in a browser: node demo.js '{"visit": "shopper", "url": ..., "size": "phone", ...}'
 *
 * Prints what there was to see as JSON lines, as visit.js does; a line {"ask": WORD} asks whoever started it to do something
 * to the server, and waits for a line that says it is done. Each view is looked at with axe. Nothing here waits for a time to
 * pass: every step waits for what it brought about.
 * SPDX-License-Identifier: Apache-2.0 */
'use strict';

const fs = require('fs');
const readline = require('readline');
const { browse } = require('./drive.js');

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = 'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36';
const SIZES = {
    desktop: { viewport: { width: 1440, height: 900 } },
    phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2, userAgent: PHONE },
};
const CODES = { pv: 'page_view', pp: 'page_ping' };
/* What the browser and the plugin say of a server that is gone. */
const GONE = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|SOCKET_NOT_CONNECTED)|Error fetching interventions/;
const TABS_MAX = 120;

function say(facts) {
    console.log(JSON.stringify(facts));
}

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(word, more) {
    say({ ask: word, ...more });
    return JSON.parse((await lines.next()).value);
}

function nameOf(event) {
    if (event.e !== 'ue') return CODES[event.e];
    const { schema, data } = JSON.parse(event.ue_pr).data;
    return data.type && schema.includes('/snowplow_ecommerce_action/') ? data.type : schema.split('/')[1];
}

/* What is sent from now on, each event once: what failed is sent again. */
function record(context) {
    const seen = { events: new Map(), streams: 0 };
    context.on('request', (request) => {
        if (!request.url().endsWith('/tp2')) return;
        request.postDataJSON().data.forEach((event) => seen.events.set(event.eid, { name: nameOf(event), device: event.duid }));
    });
    context.on('response', (response) => {
        if (response.url().includes('/api/v1/interventions?') && response.status() === 200) seen.streams += 1;
    });
    return seen;
}

function counts(seen, device) {
    const found = {};
    [...seen.events.values()].filter((event) => event.device === device).forEach(({ name }) => { found[name] = (found[name] || 0) + 1; });
    return found;
}

/* The tracker keeps what it has not been told the fate of: once that is nothing, all of it was acknowledged. */
async function settle(page) {
    await page.waitForFunction(() => Object.keys(localStorage).filter((key) => key.startsWith('snowplowOutQueue'))
        .every((key) => localStorage.getItem(key) === '[]'));
}

/* Between two looks at something. The visit as a whole is ended by whoever started it when one of them is never right. */
const between = (v) => v.page.waitForTimeout(50);

/* The panel shows that value. */
async function until(page, attribute, value) {
    await page.waitForFunction(([name, wanted]) => document.querySelector(`[data-attribute=${name}] dd`)?.textContent === wanted,
        [attribute, String(value)]);
}

/* Until nothing moves any more. */
async function rest(v) {
    await v.page.evaluate(() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)));
}

/* What axe has to say against the page as it is. */
async function look(v, view) {
    await rest(v);
    await v.page.evaluate(AXE);
    const found = await v.page.evaluate(async () => (await window.axe.run()).violations
        .map(({ id, nodes }) => `${id}: ${nodes[0].html}: ${nodes[0].failureSummary}`));
    v.views.push(view);
    v.violations.push(...found.map((violation) => `${view}: ${violation}`));
}

async function open(v) {
    await v.page.goto(`${v.url}/shop`);
    await v.page.locator('#status.up').waitFor();
    await v.page.locator('[data-attribute=count_product_views]').waitFor({ state: 'attached' });
}

async function view(v, id) {
    await v.page.evaluate((to) => { window.location.hash = to; }, `#/product/${id}`);
    await v.page.locator(`#main h1:text-is("${v.names[id]}")`).waitFor();
}

async function visit(v, place, heading) {
    await v.page.evaluate((to) => { window.location.hash = to; }, `#/${place}`);
    await v.page.locator(`#main h1:text-is("${heading}")`).waitFor();
}

const banner = (v, name) => v.page.locator(`#banners [data-offer=${name}]`);
const shown = (v) => v.page.locator('#banners .banner').evaluateAll((all) => all.map((one) => one.dataset.offer));
const device = (v) => v.page.locator('#visitor span').getAttribute('title');
const entries = (v, kind) => v.page.locator(`#feed .${kind}`).evaluateAll((all) => all.map((one) => one.textContent));

/* A panel entry of that kind with those words in it. */
async function entry(v, kind, words) {
    const one = v.page.locator(`#feed .${kind}`, { hasText: words }).first();
    await one.waitFor({ state: 'attached' });
    return one.textContent();
}

async function openPanel(v) {
    if (v.size === 'phone') await v.page.click('#panel-toggle');
    await v.page.locator('#panel-body').waitFor();
}

async function closePanel(v) {
    if (v.size !== 'phone') return;
    await v.page.keyboard.press('Escape');
    await v.page.locator('#panel-body').waitFor({ state: 'hidden' });
}

async function fill(v, values) {
    for (const [id, value] of Object.entries(values)) await v.page.fill(`#${id}`, value);
}

const ADDRESS = { name: 'Ann', email: 'ann@example.com', street: 'Main Street 1', postcode: '1010', city: 'Vienna' };

async function reset(v) {
    await openPanel(v);
    await v.page.click('#reset');
    await v.page.locator('#main h1:focus').waitFor();
    if (v.size === 'phone') await v.page.locator('#panel-body').waitFor({ state: 'hidden' });
    await until(v.page, 'count_product_views', 'null');
}

/* Without the tracker's timers there are no page pings, with which it would try again what it could not send. */
async function withoutPings(v) {
    await v.context.addInitScript(() => {
        ['setTimeout', 'setInterval'].forEach((timer) => {
            const real = window[timer];
            window[timer] = (does, ms, ...more) => ([5000, 10000].includes(ms) ? 0 : real(does, ms, ...more));
        });
    });
}

/* Presses Tab until that has the focus, which must be seen. */
async function tabTo(v, selector) {
    for (let i = 0; i < TABS_MAX; i++) {
        await v.page.keyboard.press('Tab');
        const found = await v.page.evaluate((wanted) => {
            const { activeElement: now } = document;
            return now.matches(wanted) && { outline: getComputedStyle(now).outlineStyle, width: getComputedStyle(now).outlineWidth };
        }, selector);
        if (!found) continue;
        if (found.outline === 'none' || found.width === '0px') throw new Error(`${selector} has the focus, and does not show it`);
        return;
    }
    throw new Error(`Tab does not lead to ${selector}`);
}

const visits = {
    /* Looks at four things, takes some, is shown what that earns, dismisses it, buys. */
    async shopper(v) {
        await open(v);
        await look(v, 'shop');
        for (const id of ['kettle', 'mug', 'lamp']) await view(v, id);
        await until(v.page, 'count_product_views', 3);
        say({ after_three: await shown(v) });
        await view(v, 'blanket');
        await banner(v, 'discount').waitFor();
        await look(v, 'product');
        await v.page.click('#add');
        await banner(v, 'cart_abandonment').waitFor();
        await until(v.page, 'total_cart_value', 89);
        say({ after_89: await shown(v) });
        await view(v, 'beans');
        await v.page.click('#add');
        await banner(v, 'free_shipping').waitFor();
        await v.page.click('#add');
        await until(v.page, 'count_add_to_cart', 3);
        await settle(v.page);
        say({ after_all: await shown(v), interventions: await entries(v, 'intervention'), device: await device(v) });

        await visit(v, 'cart', 'Your cart');
        await look(v, 'cart');
        say({ bill: await v.page.locator('.summary dl > div').allTextContents() });
        await v.page.click('[aria-label="Remove House roast"]');
        await v.page.reload();
        await v.page.locator('#status.up').waitFor();
        say({ after_reload: await shown(v), cart: await v.page.locator('#cart-link').getAttribute('aria-label') });
        await banner(v, 'discount').locator('button').click();
        await v.page.reload();
        await v.page.locator('#status.up').waitFor();
        say({ after_dismissal: await shown(v) });

        await visit(v, 'checkout', 'Checkout');
        await fill(v, ADDRESS);
        await look(v, 'checkout');
        await v.page.click('#checkout [type=submit]');
        await v.page.locator('#main h1:text-is("Thank you")').waitFor();
        await look(v, 'thanks');
        await settle(v.page);
        say({ after_purchase: await shown(v), thanks: await v.page.locator('#main .lead').textContent() });
        await openPanel(v);
        await v.page.click('#try summary');
        await v.page.locator('#feed summary').first().click();
        await look(v, 'panel');
        await closePanel(v);
        await visit(v, 'cart', 'Your cart');
        await look(v, 'empty cart');
    },

    /* Looks at the prices, and asks for an offer. */
    async prospect(v) {
        const score = async () => {
            await settle(v.page);
            let now = await ask('score', { device: await device(v) });
            while (await v.page.locator('#score').textContent() !== now.toFixed(2)) {
                await between(v);
                now = await ask('score', { device: await device(v) });
            }
            return now;
        };
        await open(v);
        const scores = [await score()];
        await visit(v, 'pricing', 'Coffee for the office');
        await look(v, 'pricing');
        scores.push(await score());
        await fill(v, { company: 'Example', 'work-email': 'ann@example.com', wishes: 'milk' });
        await v.page.focus('#offer [type=submit]');
        scores.push(await score());
        await v.page.click('#offer [type=submit]');
        await v.page.locator('.done').waitFor();
        await look(v, 'asked');
        scores.push(await score());
        say({ scores, device: await device(v), curve: await v.page.locator('#spark .curve').getAttribute('d') });
    },

    /* Has the page open while somebody edits the rules: first the rule alone, then what the page says to do. */
    async editor(v) {
        await open(v);
        await view(v, 'kettle');
        await until(v.page, 'count_product_views', 1);
        await ask('edit the rule alone');
        say({ refused: await entry(v, 'wrong', 'refused'), badge: await v.page.locator('#files .badge').first().textContent() });
        await ask('do what the page says', { command: await v.page.locator('#try-command').textContent() });
        say({ reloaded: await entry(v, 'rules', 'reloaded'), places: await v.page.locator('#try-where').textContent() });
        await reset(v);
        await view(v, 'kettle');
        await until(v.page, 'count_product_views', 1);
        say({ after_one: await shown(v) });
        await view(v, 'mug');
        await banner(v, 'discount').waitFor();
        say({ after_two: await shown(v), origin: await entry(v, 'intervention', 'discount') });
    },

    /* Goes on while the server is gone, twice: the second time the page is closed before it is back. */
    async patient(v) {
        const gone = async (what, back) => {
            v.expect_none();
            await ask('stop');
            await what();
            const streams = v.seen.streams;
            await ask('start');
            await back();
            await v.page.locator('#status.up').waitFor();
            await settle(v.page);
            while (v.seen.streams === streams) await between(v);
            say({ strange: v.troubles.splice(0).filter((trouble) => !GONE.test(trouble)) });
        };
        await withoutPings(v);
        await open(v);
        await view(v, 'kettle');
        await gone(async () => {
            await view(v, 'mug');
            await v.page.locator('#status.down').waitFor();
            await view(v, 'lamp');
            await view(v, 'blanket');
            await v.page.click('#add');
            await v.page.locator('#feed .waits').first().waitFor({ state: 'attached' });
            say({ gone: await v.page.locator('#status').textContent(), cart: await v.page.locator('#cart-link').getAttribute('aria-label') });
            await look(v, 'server gone');
        }, async () => {
            await banner(v, 'discount').waitFor();
            await banner(v, 'cart_abandonment').waitFor();
        });
        await gone(async () => {
            await view(v, 'plant');
            await v.page.click('#add');
            await v.page.locator('#status.down').waitFor();
            const next = await v.context.newPage(); // the browser would go with its last page
            await v.page.close();
            v.page = next;
        }, () => open(v));
        await until(v.page, 'count_product_views', 5);
        await banner(v, 'free_shipping').waitFor();
        const who = await device(v);
        say({ device: who, sent: counts(v.seen, who), banners: await shown(v) });
    },

    /* Becomes somebody else. */
    async stranger(v) {
        await open(v);
        for (const id of ['kettle', 'mug', 'lamp', 'plant']) await view(v, id);
        await v.page.click('#add');
        await banner(v, 'cart_abandonment').waitFor();
        await banner(v, 'discount').waitFor();
        await settle(v.page);
        const before = await device(v);
        await reset(v);
        const after = await device(v);
        say({
            before, after, banners: await shown(v), cart: await v.page.locator('#cart-link').getAttribute('aria-label'),
            at: await v.page.evaluate(() => window.location.hash), interventions: await entries(v, 'intervention'),
        });
        for (const id of ['kettle', 'mug', 'lamp']) await view(v, id);
        await until(v.page, 'count_product_views', 3);
        say({ after_three: await shown(v) });
        await view(v, 'plant');
        await banner(v, 'discount').waitFor();
        await settle(v.page);
        say({ sent: { [before]: counts(v.seen, before), [after]: counts(v.seen, after) } });
    },

    /* Is told things that no rule of this shop says, and then, by a server that has lost its memory, everything again. */
    async listener(v) {
        await open(v);
        const told = await ask('push', { device: await device(v) });
        await banner(v, 'discount').waitFor();
        await entry(v, 'intervention', 'discount');
        const banners = await v.page.locator('#banners .banner p').allTextContents();
        say({ banners, entries: await entries(v, 'intervention') });
        await look(v, 'told');
        v.expect_none();
        const again = [...told, told[0], { ...told[0], name: 'last', intervention_id: told[0].intervention_id.replace(/^./, 'z') }];
        await v.page.route('**/api/v1/interventions?*', (route) => route.fulfill({
            contentType: 'text/event-stream', body: again.map((message) => `data: ${JSON.stringify(message)}\n\n`).join(''),
        }));
        await v.page.reload();
        await banner(v, 'last').waitFor();
        await entry(v, 'intervention', 'last');
        say({ again: await shown(v), entries_again: (await entries(v, 'intervention')).length });
        say({ strange: v.troubles.splice(0).filter((trouble) => !GONE.test(trouble)) });
    },

    /* Has no pointer, and has asked for little motion. */
    async keyboard(v) {
        await v.page.emulateMedia({ reducedMotion: 'reduce' });
        await open(v);
        const press = (key) => v.page.keyboard.press(key);
        await tabTo(v, '#skip');
        await press('Enter');
        await tabTo(v, '[href="#/product/blanket"]');
        await press('Enter');
        await v.page.locator('h1:focus:text-is("Wool blanket")').waitFor();
        await tabTo(v, '#add');
        await press('Space');
        await banner(v, 'cart_abandonment').waitFor();
        say({ motion: await banner(v, 'cart_abandonment').evaluate((one) => getComputedStyle(one).animationName) });
        await tabTo(v, '.actions [href="#/cart"]');
        await press('Enter');
        await v.page.locator('h1:focus:text-is("Your cart")').waitFor();
        await tabTo(v, '#one-more-blanket');
        await press('Enter');
        await v.page.locator('#one-more-blanket:focus').waitFor();
        await banner(v, 'free_shipping').waitFor();
        await tabTo(v, '[href="#/checkout"]');
        await press('Enter');
        await v.page.locator('h1:focus:text-is("Checkout")').waitFor();
        for (const [id, value] of Object.entries(ADDRESS)) {
            await tabTo(v, `#${id}`);
            await v.page.keyboard.type(value);
        }
        await press('Enter');
        await v.page.locator('h1:focus:text-is("Thank you")').waitFor();
        await tabTo(v, v.size === 'phone' ? '#panel-toggle' : '#reset');
        await press('Enter');
        if (v.size === 'phone') {
            await press('Escape');
            await v.page.locator('#panel-toggle:focus').waitFor();
            await press('Enter');
            await tabTo(v, '#reset');
            await press('Enter');
        }
        await v.page.locator('h1:focus:text-is("Good things for slow mornings")').waitFor();
        await until(v.page, 'count_product_views', 'null');
        await settle(v.page);
        say({ sent: [...v.seen.events.values()].map(({ name }) => name) });
    },

    /* What the README shows. */
    async picture(v) {
        const session = await v.context.newCDPSession(v.page);
        await session.send('Emulation.setScrollbarsHidden', { hidden: true });
        await open(v);
        await visit(v, 'pricing', 'Coffee for the office');
        await until(v.page, 'num_pricing_views_l7d', 1);
        await fill(v, { company: 'Example' });
        await until(v.page, 'num_form_engagements_l7d', 1);
        for (const id of ['mug', 'lamp', 'blanket', 'kettle']) await view(v, id);
        await banner(v, 'discount').waitFor();
        await v.page.click('#add');
        await banner(v, 'cart_abandonment').waitFor();
        await until(v.page, 'total_cart_value', 64);
        await settle(v.page);
        await rest(v);
        await v.page.mouse.move(0, 0);
        await v.page.screenshot({ path: v.picture });
    },
};

async function main({ visit: name, url, size, names, picture, patience_ms }) {
    const browser = await browse({}, patience_ms, SIZES[size]);
    const { context, page, troubles } = browser;
    const v = {
        context, page, url, size, names, picture, troubles, seen: record(context), views: [], violations: [],
        expect_none() {
            if (troubles.length) throw new Error(troubles.join('\n'));
        },
    };
    try {
        await visits[name](v);
        say({ views: v.views, violations: v.violations });
    } finally {
        say({ troubles });
        await browser.close();
    }
}

main(JSON.parse(process.argv[2])).catch((error) => {
    console.error(error);
    process.exitCode = 1;
}).finally(() => process.stdin.destroy());
