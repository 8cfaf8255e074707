/* client.c -- one connection through libcurl.
 *
 * A request is sent when it begins and goes on in the kernel while its sender prepares the next one. Whether it may be sent
 * twice is the caller's care: an answer that got lost and a request that did look alike from here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "feed/client.h"
#include "clock.h"
#include "feed/stop.h"

#include <curl/curl.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>

enum {
    TICK_MS = 100,
    REQUEST_MS = 60000, /* from the first byte to the last one of the answer */
    CONNECT_MS = 10000,
    BACKOFF_MS = 200, /* doubled up to BACKOFF_MOST_MS */
    BACKOFF_MOST_MS = 5000,
    ANSWER_MOST = 16 << 20,
    SENTENCE_MOST = 300
};

struct client {
    struct client_options o;
    char *url;
    CURL *easy;
    CURLM *multi;
    struct curl_slist *headers; /* of the request under way */
    char why[CURL_ERROR_SIZE];  /* curl's own words */
    const char *path, *type;
    struct str body;
    struct buf answer;
    bool known; /* the server has answered before */
};

/* ---- Where */

static bool is_loopback(const char *host)
{
    return !strcmp(host, "localhost") || !strncmp(host, "127.", 4) || !strcmp(host, "[::1]");
}

static char *part_of(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(u, part, &text, 0) ? NULL : text;
}

/* As it is used: with its scheme, without a slash at its end. *loopback: it is this machine. NULL: err says why not. */
static char *url_read(const char *text, bool *loopback, struct err *err)
{
    char *url = NULL;
    CURLU *u = curl_url();
    CURLUcode code = curl_url_set(u, CURLUPART_URL, text, CURLU_GUESS_SCHEME);
    char *scheme = part_of(u, CURLUPART_SCHEME), *host = part_of(u, CURLUPART_HOST),
         *query = part_of(u, CURLUPART_QUERY), *hash = part_of(u, CURLUPART_FRAGMENT);
    if (code)
        err_set(err, "\"%s\" is no URL like http://127.0.0.1:8080: %s", text,
                curl_url_strerror(code));
    else if (!scheme || !host || (strcmp(scheme, "http") && strcmp(scheme, "https")))
        err_set(err, "\"%s\" begins with neither http:// nor https://", text);
    else if (query || hash)
        err_set(err, "\"%s\" has a ? or # in it: give the server's address alone", text);
    else
        url = part_of(u, CURLUPART_URL);
    *loopback = host && is_loopback(host);
    for (size_t n = url ? strlen(url) : 0; n && url[n - 1] == '/'; n--)
        url[n - 1] = 0;
    curl_free(scheme);
    curl_free(host);
    curl_free(query);
    curl_free(hash);
    curl_url_cleanup(u);
    return url;
}

static size_t take_answer(char *p, size_t size, size_t n, void *ctx)
{
    struct client *c = ctx;
    if (c->answer.n + n > ANSWER_MOST)
        return 0;
    buf_put(&c->answer, p, n);
    return n;
}

/* A token is what stands in a header: one word. */
static bool token_check(const char *token, struct err *err)
{
    for (const char *p = token; p && *p; p++)
        if (*p <= ' ' || *p > '~')
            return err_set(err, "the token has a character in it that no token has");
    return true;
}

struct client *client_new(const char *url, const struct client_options *o, struct err *err)
{
    bool loopback;
    char *base = token_check(o->token, err) ? url_read(url, &loopback, err) : NULL;
    if (!base)
        return NULL;
    struct client *c = xcalloc(1, sizeof(*c));
    c->o = *o;
    c->url = base;
    c->easy = curl_easy_init();
    c->multi = curl_multi_init();
    if (!c->easy || !c->multi)
        abort(); /* out of memory */
    curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "signalbox/" SIGNALBOX_VERSION);
    curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)REQUEST_MS);
    curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(c->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)(512 << 10));
    curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->why);
    curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    if (loopback) /* whatever proxy the environment names */
        curl_easy_setopt(c->easy, CURLOPT_NOPROXY, "*");
    return c;
}

static void drop_request(struct client *c)
{
    curl_multi_remove_handle(c->multi, c->easy);
    curl_slist_free_all(c->headers);
    c->headers = NULL;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    drop_request(c);
    curl_easy_cleanup(c->easy);
    curl_multi_cleanup(c->multi);
    curl_free(c->url);
    buf_fini(&c->answer);
    free(c);
}

const char *client_url(const struct client *c)
{
    return c->url;
}

/* ---- One request */

static void add_header(struct client *c, const char *name, const char *before, const char *value)
{
    struct buf line = {0};
    buf_printf(&line, "%s: %s%s", name, before, value);
    buf_putc(&line, 0);
    c->headers = curl_slist_append(c->headers, line.p);
    buf_fini(&line);
}

static void start(struct client *c)
{
    struct buf url = {0};
    int running;
    buf_printf(&url, "%s%s", c->url, c->path);
    buf_putc(&url, 0);
    curl_easy_setopt(c->easy, CURLOPT_URL, url.p);
    buf_fini(&url);
    add_header(c, "Accept", "", "application/json");
    c->headers = curl_slist_append(c->headers, "Expect:"); /* no round trip before the body */
    if (c->o.token && *c->o.token)
        add_header(c, "Authorization", "Bearer ", c->o.token);
    if (c->type) {
        add_header(c, "Content-Type", "", c->type);
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.n);
        curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->body.p);
    } else {
        curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    c->answer.n = 0;
    *c->why = 0;
    curl_multi_add_handle(c->multi, c->easy);
    curl_multi_perform(c->multi, &running);
}

void client_begin(struct client *c, const char *path, const char *type, struct str body)
{
    c->path = path;
    c->type = type;
    c->body = body;
    start(c);
}

/* Until the request under way has an answer or has failed. */
static CURLcode finish(struct client *c)
{
    for (;;) {
        int running, left;
        const CURLMsg *message;
        curl_multi_perform(c->multi, &running);
        while ((message = curl_multi_info_read(c->multi, &left)))
            if (message->msg == CURLMSG_DONE) {
                CURLcode code = message->data.result;
                drop_request(c);
                return code;
            }
        curl_multi_poll(c->multi, NULL, 0, TICK_MS, NULL);
        c->o.tick(c->o.ctx);
    }
}

/* ---- Again */

static bool is_away(CURLcode code)
{
    static const CURLcode away[] = {
        CURLE_COULDNT_CONNECT,    CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY,
        CURLE_OPERATION_TIMEDOUT, CURLE_GOT_NOTHING,          CURLE_SEND_ERROR,
        CURLE_RECV_ERROR,         CURLE_PARTIAL_FILE,         CURLE_SSL_CONNECT_ERROR,
    };
    for (size_t i = 0; i < COUNT_OF(away); i++)
        if (away[i] == code)
            return true;
    return false;
}

static bool is_later(long status)
{
    static const long later[] = {408, 425, 429, 502, 503, 504};
    for (size_t i = 0; i < COUNT_OF(later); i++)
        if (later[i] == status)
            return true;
    return false;
}

/* Not a moment less; false: somebody wants to leave. */
static bool wait_ms(struct client *c, int64_t ms)
{
    int64_t due = clock_monotonic_us() + ms * 1000, left;
    while ((left = due - clock_monotonic_us()) > 0) {
        struct pollfd stop = {.fd = c->o.stop_fd, .events = POLLIN};
        if (poll(&stop, 1, (int)MIN_OF(left / 1000 + 1, TICK_MS)) > 0)
            return false;
        c->o.tick(c->o.ctx);
    }
    return !stop_wanted(c->o.stop_fd);
}

/* The trouble with the last try; err says it. false: none, or none that waiting cures (then *fatal). */
static bool trouble(struct client *c, CURLcode code, struct client_answer *a, bool *fatal,
                    struct err *err)
{
    *fatal = false;
    if (code == CURLE_OK) {
        *a = (struct client_answer){0};
        long status = 0;
        curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
        a->status = (int)status;
        a->body = buf_str(&c->answer);
        if (is_later(status))
            client_complain(c, a, err);
        return is_later(status);
    }
    err_set(err, "%s: %s", c->url, *c->why ? c->why : curl_easy_strerror(code));
    *fatal = !is_away(code);
    return !*fatal;
}

static int64_t retry_after_ms(struct client *c)
{
    curl_off_t seconds = 0;
    curl_easy_getinfo(c->easy, CURLINFO_RETRY_AFTER, &seconds);
    return seconds > 0 && seconds < 86400 ? (int64_t)seconds * 1000 : 0;
}

static void say(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct client *c, const char *fmt, ...)
{
    char line[700];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    c->o.say(c->o.ctx, line);
}

enum client_said client_end(struct client *c, struct client_answer *out, struct err *err)
{
    int64_t begun = clock_monotonic_ms(), backoff = BACKOFF_MS;
    bool told = false;
    for (bool first = true;; first = false) {
        struct err why = {0};
        bool fatal;
        CURLcode code = finish(c);
        int64_t asked = code ? 0 : retry_after_ms(c);
        if (!trouble(c, code, out, &fatal, &why)) {
            if (told && !fatal)
                say(c, "%s is back", c->url);
            if (fatal)
                err_set(err, "%s", why.text);
            c->known |= !fatal;
            return fatal ? CLIENT_FAILED : CLIENT_ANSWERED;
        }
        if (stop_wanted(c->o.stop_fd))
            return CLIENT_STOPPED;
        int64_t left = begun + c->o.patience_ms - clock_monotonic_ms();
        if (left <= 0) {
            err_set(err, "%s; that was waited for %lld s (--patience)", why.text,
                    (long long)(c->o.patience_ms / 1000));
            return CLIENT_FAILED;
        }
        if (!first || !c->known || !code) { /* else a connection that nobody used was closed */
            if (!told)
                say(c, "%s; waiting for it, %lld s at most", why.text,
                    (long long)(c->o.patience_ms / 1000));
            told = true;
            if (!wait_ms(c, MIN_OF(MAX_OF(asked, backoff), left)))
                return CLIENT_STOPPED;
            backoff = MIN_OF(2 * backoff, BACKOFF_MOST_MS);
        }
        start(c);
    }
}

/* ---- The server's own words */

bool client_complain(const struct client *c, const struct client_answer *a, struct err *err)
{
    json_t *root = json_loadb(a->body.p ? a->body.p : "", a->body.n, 0, NULL);
    const char *detail = json_string_value(json_object_get(root, "detail")),
               *title = json_string_value(json_object_get(root, "title"));
    struct str words = str_of(detail && *detail ? detail : title);
    if (!words.n && a->body.n && utf8_valid(a->body)) { /* no problem of ours: its first line */
        words = str_trim(a->body);
        const char *lf = memchr(words.p, '\n', words.n);
        words.n = lf ? (size_t)(lf - words.p) : words.n;
    }
    words.n = MIN_OF(words.n, (size_t)SENTENCE_MOST);
    err_set(err, "%s answers %d%s%.*s", c->url, a->status, words.n ? ": " : "", STR_FMT(words));
    json_decref(root);
    return false;
}
