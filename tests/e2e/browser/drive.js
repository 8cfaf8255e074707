/* drive.js -- a folder of pages, bundled and served on localhost, and a real browser that visits them.
 *
 * What goes wrong in the browser is kept: whatever a page says on its console that is a warning or an error, exceptions
 * nobody caught, requests that failed or were answered 400 and above. One thing is no trouble: a request that was under way
 * when its page went, which is what a tracker keeps its events for.
 * SPDX-License-Identifier: Apache-2.0 */
'use strict';

const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const esbuild = require('esbuild');
const { chromium } = require('playwright-core');

const CHROMIUM = '/usr/bin/chromium';

/* Playwright's own are left out: they turn off what visitors' browsers do, such as keeping pages for the way back. */
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--password-store=basic', '--remote-debugging-pipe', 'about:blank'];
/* Without a word about being headless, which would make a robot of the visitor. */
const DESKTOP = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';
/* Lets the cookies of other sites through, which Debian's Chromium does not by itself: a collector may be on another site. */
const PREFERENCES = { profile: { block_third_party_cookies: false, cookie_controls_mode: 0 } };

/* Serves index.html of the folder at every path but the bundle of its page.js. Answers {port, close()}; the port is open on
 * 127.0.0.1, which is localhost too: two names, hence two sites to a browser. */
async function serve(folder) {
    const page = fs.readFileSync(path.join(folder, 'index.html'));
    const built = await esbuild.build({
        entryPoints: [path.join(folder, 'page.js')], bundle: true, write: false, format: 'iife', logLevel: 'error',
    });
    const server = http.createServer((request, response) => {
        const script = request.url === '/page.js';
        response.writeHead(200, { 'Content-Type': script ? 'text/javascript' : 'text/html; charset=utf-8' });
        response.end(script ? built.outputFiles[0].contents : page);
    });
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    return {
        port: server.address().port,
        close() {
            server.close();
            server.closeAllConnections();
        },
    };
}

function watch(context, troubles) {
    context.on('console', (message) => {
        if (['warning', 'error'].includes(message.type())) troubles.push(`console: ${message.text()}`);
    });
    context.on('weberror', (thrown) => troubles.push(`thrown: ${thrown.error()}`));
    context.on('requestfailed', (request) => {
        const why = request.failure().errorText;
        if (why !== 'net::ERR_ABORTED') troubles.push(`${request.method()} ${request.url()}: ${why}`);
    });
    context.on('response', (response) => {
        if (response.status() >= 400) troubles.push(`${response.request().method()} ${response.url()}: ${response.status()}`);
    });
}

/* Starts Chromium with a profile of its own. Answers {context, page, troubles, close()}: Playwright's context and first page,
 * and what went wrong. settings: the page finds them as window.settings; patience_ms: how long what must come may take; device:
 * Playwright's words for another one than a desktop. */
async function browse(settings, patience_ms, device = {}) {
    if (!fs.existsSync(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}: install it with apt-get install chromium`);
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'signalbox-browser-'));
    const forget = () => fs.rmSync(profile, { recursive: true, force: true });
    fs.mkdirSync(path.join(profile, 'Default'));
    fs.writeFileSync(path.join(profile, 'Default', 'Preferences'), JSON.stringify(PREFERENCES));
    const context = await chromium.launchPersistentContext(profile, {
        executablePath: CHROMIUM, ignoreDefaultArgs: true, args: [`--user-data-dir=${profile}`, ...FLAGS], timeout: patience_ms,
        userAgent: DESKTOP, viewport: { width: 1280, height: 720 }, locale: 'en-GB', timezoneId: 'Europe/Vienna', ...device,
    }).catch((error) => {
        forget();
        throw error;
    });
    context.setDefaultTimeout(patience_ms);
    const troubles = [];
    watch(context, troubles);
    await context.addInitScript((given) => { window.settings = given; }, settings);
    return {
        context, page: context.pages()[0], troubles,
        async close() {
            await context.close();
            forget();
        },
    };
}

module.exports = { serve, browse };
