/* visit.js -- one visitor's way through the shop, in a browser: node visit.js '{"visit": "shopper", "collector": ..., ...}'
 *
 * Prints what there was to see as JSON lines, one or several facts each: what the visit itself says, then shop, devices, events
 * (what was sent, of each name how many), requests and cookies; last the troubles, which should be none. Nothing here waits for
 * a time to pass: every step waits for what the one before brought about.
 * SPDX-License-Identifier: Apache-2.0 */
'use strict';

const path = require('path');
const { serve, browse } = require('./drive.js');

const NAMES = { pv: 'page_view', pp: 'page_ping', se: 'event' };

function say(facts) {
    console.log(JSON.stringify(facts));
}

function nameOf(event) {
    if (event.e !== 'ue') return NAMES[event.e];
    const json = event.ue_pr || Buffer.from(event.ue_px, 'base64url').toString();
    return JSON.parse(json).data.schema.split('/')[1];
}

/* What the pages send to the collector from now on. An event whose page went before the answer came is sent again by the next
 * page: it is one by its id. That it was acknowledged is what settle() waits for; an answer that comes while the page changes
 * can't be seen from here. */
function record(context, collector) {
    const seen = { events: new Map(), requests: {}, streams: 0 };
    context.on('request', (request) => {
        const url = new URL(request.url());
        if (url.origin !== collector) return;
        const anonymous = request.headers()['sp-anonymous'] ? ' anonymous' : '';
        const kind = `${request.method()} ${url.pathname}${anonymous}`;
        seen.requests[kind] = (seen.requests[kind] || 0) + 1;
        let events = [];
        if (url.pathname === '/i') events = [Object.fromEntries(url.searchParams)];
        else if (url.pathname.endsWith('/tp2')) events = request.postDataJSON().data;
        events.forEach((event) => seen.events.set(event.eid, { ...event, name: nameOf(event) }));
    });
    context.on('response', (response) => {
        if (response.url().startsWith(`${collector}/api/v1/interventions`)) seen.streams += 1;
    });
    return seen;
}

function count(seen, name) {
    return [...seen.events.values()].filter((event) => event.name === name).length;
}

/* Does something again and again until it is so. */
async function until(isSo, again, what, patience_ms) {
    const end = Date.now() + patience_ms;
    while (!isSo()) {
        if (Date.now() > end) throw new Error(`${what} did not come true in ${patience_ms} ms`);
        await again();
    }
}

/* The tracker keeps what it has not been told the fate of: once that is nothing, all of it was acknowledged. */
async function settle(page) {
    await page.waitForFunction(() => Object.keys(localStorage).filter((key) => key.startsWith('snowplowOutQueue'))
        .every((key) => localStorage.getItem(key) === '[]'));
}

async function collectorCookies(context, collector) {
    const cookies = await context.cookies(collector);
    return cookies.filter((cookie) => cookie.name === 'sp');
}

async function shown(page, list) {
    return (await page.locator(`#${list} li`).allTextContents()).map((text) => JSON.parse(text));
}

const visits = {
    /* Comes from a search, reads on, looks at the prices, writes to the shop. */
    async reader(v) {
        await v.page.goto(`${v.shop}/?utm_medium=email&utm_campaign=spring`, { referer: 'https://www.google.com/search?q=prices' });
        await v.page.evaluate(() => window.scrollTo(40, 600));
        let x = 100;
        const move = async () => {
            x = 300 - x;
            await v.page.mouse.move(x, 300);
            await v.page.waitForTimeout(50); // between two looks
        };
        await until(() => count(v.seen, 'page_ping') >= 3, move, 'the third page ping', v.patience_ms);

        await v.page.click('#pricing');
        await v.page.waitForURL('**/pricing?plan=pro');
        await v.page.click('[name=email]');
        await v.page.keyboard.type('ann@example.com');
        await v.page.keyboard.press('Tab');
        await v.page.keyboard.type('not for you');
        await v.page.keyboard.press('Tab');
        await v.page.selectOption('[name=size]', 'l');
        await v.page.click('[type=submit]');
        await v.page.waitForURL('**/thanks');
        await v.page.click('#rest');
        await settle(v.page);
    },

    /* Looks at a coat four times, takes two, buys, and is shown what the rules have for that. */
    async shopper(v) {
        const both = async (n) => {
            await v.page.locator('#by-eventsource li').nth(n - 1).waitFor();
            await v.page.locator('#by-plugin li').nth(n - 1).waitFor();
        };
        await v.page.goto(`${v.shop}/`);
        await until(() => v.seen.streams >= 2, () => v.page.waitForTimeout(20), 'both streams', v.patience_ms);
        for (let i = 0; i < 4; i++) await v.page.click('#view');
        await both(1);
        await v.page.click('#add');
        await both(2);
        await v.page.click('#add');
        await both(3);
        await v.page.click('#buy');
        await v.page.click('#rest');
        await settle(v.page);
        await v.page.click('#ask');
        await v.page.locator('#answer:not(:empty)').waitFor();
        say({
            by_eventsource: await shown(v.page, 'by-eventsource'), by_plugin: await shown(v.page, 'by-plugin'),
            answer: JSON.parse(await v.page.locator('#answer').textContent()),
        });
    },

    /* Has not agreed to be known, then does, then takes it back. */
    async stranger(v) {
        await v.page.goto(`${v.shop}/`);
        await settle(v.page);
        say({ before: await collectorCookies(v.context, v.collector) });
        await v.page.click('#consent');
        await settle(v.page);
        say({ agreed: await collectorCookies(v.context, v.collector) });
        await v.page.click('#withdraw');
        await v.page.click('#rest');
        await settle(v.page);
        say({ after: await collectorCookies(v.context, v.collector) });
    },

    /* Follows a link to the partner's site, in a new tab. */
    async traveller(v) {
        await v.page.goto(`${v.shop}/`);
        const [there] = await Promise.all([v.page.waitForEvent('popup'), v.page.click('#partner')]);
        await there.waitForLoadState();
        await Promise.all([v.page.click('#rest'), there.click('#rest')]);
        await settle(v.page);
        await settle(there);
        say({ landed: there.url() });
    },
};

async function walk(browser, shop, { visit, collector, patience_ms }) {
    const seen = record(browser.context, collector);
    await visits[visit]({ page: browser.page, context: browser.context, seen, shop, collector, patience_ms });
    const events = [...seen.events.values()];
    const counts = {};
    events.forEach((event) => { counts[event.name] = (counts[event.name] || 0) + 1; });
    say({
        shop, devices: [...new Set(events.map((event) => event.duid))], events: counts, requests: seen.requests,
        cookies: await collectorCookies(browser.context, collector),
    });
}

async function main(asked) {
    const site = await serve(path.join(__dirname, 'shop'));
    let browser;
    try {
        browser = await browse({ ...asked, partner: `http://127.0.0.1:${site.port}/partner` }, asked.patience_ms);
        await walk(browser, `http://localhost:${site.port}`, asked);
    } finally {
        if (browser) {
            say({ troubles: browser.troubles });
            await browser.close();
        }
        site.close();
    }
}

main(JSON.parse(process.argv[2])).catch((error) => {
    console.error(error);
    process.exitCode = 1;
});
