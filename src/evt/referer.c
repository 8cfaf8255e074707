/* referer.c -- where a visitor came from: medium, source and search words by the referrer's domain.
 *
 * The data file has one source a line: medium, source, domains, query parameters; columns separated
 * by tabs, domains and parameters by blanks; lines that start with # say nothing. The one shipped,
 * referers.tsv, is part of the binary.
 *
 * A referrer on the page's own host, or on one that the configuration calls internal, is internal.
 * Else the most precise entry counts: domain with the whole path, domain with the first part of the
 * path, domain alone; for each of the three the host itself comes first and then its parents, so
 * mail.google.com is found before google.com.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/enrich.h"

#include <errno.h>
#include <stdlib.h>

enum { REFERERS_PARAMS_MAX = 8, REFERERS_FILE_MAX = 64 << 20 };

extern const char evt_referers_data[], evt_referers_data_end[];

static const char *const mediums[] = {"unknown", "email", "social", "search", "paid", "chatbot"};

struct referer {
    struct str medium, source;
    struct str params[REFERERS_PARAMS_MAX]; /* in the order in which they are tried */
    size_t n_params;
};
struct evt_referers {
    struct arena arena;
    struct map domains; /* "domain" or "domain/path" -> struct referer */
    size_t longest;     /* of those keys */
};

static struct str take_until(struct str *s, char c)
{
    const char *at = s->n ? memchr(s->p, c, s->n) : NULL;
    struct str head = {s->p, at ? (size_t)(at - s->p) : s->n};
    size_t gone = head.n + (at != NULL);
    s->p += gone;
    s->n -= gone;
    return head;
}

static bool is_medium(struct str s)
{
    for (size_t i = 0; i < COUNT_OF(mediums); i++)
        if (str_eqz(s, mediums[i]))
            return true;
    return false;
}

static bool add_domain(struct evt_referers *r, struct str domain, struct referer *referer,
                       size_t line, struct err *err)
{
    struct str lower = arena_str(&r->arena, domain);
    for (char *c = (char *)lower.p; *c && *c != '/'; c++) /* a path keeps its case */
        if (*c >= 'A' && *c <= 'Z')
            *c |= 32;
    if (map_put(&r->domains, lower, referer))
        return err_set(err, "line %zu: %.*s stands there twice", line, STR_FMT(domain));
    r->longest = MAX_OF(r->longest, domain.n);
    return true;
}

static bool add_line(struct evt_referers *r, struct str text, size_t number, struct err *err)
{
    if (text.n && text.p[text.n - 1] == '\r')
        text.n--;
    if (text.n == 0 || text.p[0] == '#')
        return true;
    struct referer *referer = arena_zalloc(&r->arena, sizeof(*referer));
    struct str medium = take_until(&text, '\t'), source = take_until(&text, '\t');
    struct str domains = take_until(&text, '\t'), params = take_until(&text, '\t');
    if (!is_medium(medium))
        return err_set(err, "line %zu: unknown medium \"%.*s\"", number,
                       (int)MIN_OF(medium.n, (size_t)60), medium.p);
    if (source.n == 0 || domains.n == 0)
        return err_set(err, "line %zu: want medium, source and domains with tabs between them",
                       number);
    referer->medium = arena_str(&r->arena, medium);
    referer->source = arena_str(&r->arena, source);
    while (params.n) {
        struct str param = take_until(&params, ' ');
        if (param.n == 0)
            continue;
        if (referer->n_params == REFERERS_PARAMS_MAX)
            return err_set(err, "line %zu: more than %d parameters", number, REFERERS_PARAMS_MAX);
        referer->params[referer->n_params++] = arena_str(&r->arena, param);
    }
    while (domains.n) {
        struct str domain = take_until(&domains, ' ');
        if (domain.n && !add_domain(r, domain, referer, number, err))
            return false;
    }
    return true;
}

static struct evt_referers *read_text(struct str text, struct err *err)
{
    struct evt_referers *r = xcalloc(1, sizeof(*r));
    arena_init(&r->arena);
    map_init(&r->domains);
    if (!utf8_valid(text)) {
        err_set(err, "not UTF-8");
        evt_referers_free(r);
        return NULL;
    }
    for (size_t number = 1; text.n; number++) {
        if (!add_line(r, take_until(&text, '\n'), number, err)) {
            evt_referers_free(r);
            return NULL;
        }
    }
    return r;
}

struct evt_referers *evt_referers_load(const char *path, struct err *err)
{
    FILE *file = fopen(path, "rbe");
    struct buf text = {0};
    struct err inner = {0};
    struct evt_referers *r = NULL;
    size_t n;
    if (!file) {
        err_set(err, "%s: %s", path, strerror(errno));
        return NULL;
    }
    do {
        buf_reserve(&text, 1 << 16);
        n = fread(text.p + text.n, 1, 1 << 16, file);
        text.n += n;
    } while (n && text.n <= REFERERS_FILE_MAX);
    if (ferror(file))
        err_set(&inner, "cannot be read");
    else if (text.n > REFERERS_FILE_MAX)
        err_set(&inner, "more than %d bytes", REFERERS_FILE_MAX);
    else
        r = read_text(buf_str(&text), &inner);
    if (!r)
        err_set(err, "%s: %s", path, inner.text);
    fclose(file);
    buf_fini(&text);
    return r;
}

struct evt_referers *evt_referers_builtin(void)
{
    struct err err = {0};
    struct str text = {evt_referers_data, (size_t)(evt_referers_data_end - evt_referers_data)};
    struct evt_referers *r = read_text(text, &err);
    if (!r) {
        fprintf(stderr, "referers.tsv: %s\n", err.text);
        abort();
    }
    return r;
}

void evt_referers_free(struct evt_referers *r)
{
    if (!r)
        return;
    map_fini(&r->domains);
    arena_fini(&r->arena);
    free(r);
}

/* key is HOST or HOST and a path: tries it for the host and each of its parents. */
static const struct referer *find_up(const struct evt_referers *r, struct str key, size_t n_host)
{
    for (;;) {
        const struct referer *found = key.n <= r->longest ? map_get(&r->domains, key) : NULL;
        const char *dot = memchr(key.p, '.', n_host);
        if (found || !dot)
            return found;
        size_t gone = (size_t)(dot - key.p) + 1;
        key.p += gone;
        key.n -= gone;
        n_host -= gone;
    }
}

static const struct referer *find_referer(const struct evt_referers *r, struct str host,
                                          struct str path, struct arena *a)
{
    const struct referer *found = NULL;
    path.n = MIN_OF(path.n, r->longest + 1); /* one byte more than any key has: no match either */
    char *text = arena_alloc(a, host.n + path.n + 1);
    for (size_t i = 0; i < host.n; i++)
        text[i] = (char)(host.p[i] >= 'A' && host.p[i] <= 'Z' ? host.p[i] | 32 : host.p[i]);
    if (path.n)
        memcpy(text + host.n, path.p, path.n);
    if (path.n > 1) {
        const char *slash = memchr(path.p + 1, '/', path.n - 1);
        found = find_up(r, (struct str){text, host.n + path.n}, host.n);
        if (!found && slash)
            found = find_up(r, (struct str){text, host.n + (size_t)(slash - path.p)}, host.n);
    }
    return found ? found : find_up(r, (struct str){text, host.n}, host.n);
}

static bool is_internal(const struct enrich *e)
{
    struct str host = e->refr.host;
    if (e->page.host.n && str_eq_nocase(host, e->page.host))
        return true;
    for (size_t i = 0; i < e->d->n_domains; i++)
        if (str_eq_nocase(host, e->d->internal_domains[i]))
            return true;
    return false;
}

static void put_term(struct enrich *e, const struct referer *referer)
{
    for (size_t i = 0; i < referer->n_params; i++) {
        struct str term = query_get(e->refr.query, referer->params[i], &e->d->scratch);
        if (term.n) {
            enrich_put(e, COL_REFR_TERM, term);
            return;
        }
    }
}

void enrich_referer(struct enrich *e)
{
    struct str scheme = e->refr.scheme;
    if (e->refr.host.n == 0 || item_has(e->item, COL_REFR_MEDIUM) ||
        !(str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("https")) ||
          str_eq_nocase(scheme, STR("android-app"))))
        return;
    if (is_internal(e)) {
        enrich_put(e, COL_REFR_MEDIUM, STR("internal"));
        return;
    }
    const struct referer *referer =
        e->d->refs ? find_referer(e->d->refs, e->refr.host, e->refr.path, &e->d->scratch) : NULL;
    if (!referer) {
        enrich_put(e, COL_REFR_MEDIUM, STR("unknown"));
        return;
    }
    enrich_put(e, COL_REFR_MEDIUM, referer->medium);
    enrich_put(e, COL_REFR_SOURCE, referer->source);
    if (str_eq(referer->medium, STR("search")))
        put_term(e, referer);
}
