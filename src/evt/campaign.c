/* campaign.c -- what the page's query string says about marketing, and who sent the visitor across
 * from a sister domain.
 *
 * Which parameters count is a list of pairs, NAME=COLUMN and for click ids NAME=NETWORK: of those for
 * one column, and of the click ids, the first that has a value wins.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/enrich.h"

#include <stdlib.h>

enum { LIST_MAX = 32, PAIRS_MAX = 2 * LIST_MAX, CROSS_DOMAIN_PARTS = 7 };

struct pair {
    struct str param;
    unsigned column;    /* COL_MKT_CLICKID: a click id */
    struct str network; /* of a click id */
};
struct evt_campaign {
    struct arena arena;
    struct pair pairs[PAIRS_MAX];
    size_t n;
};

enum { USUAL_PARAMS = 5, USUAL_CLICK_IDS = 3 };
static const struct evt_campaign usual = {
    .pairs = {{{"utm_medium", 10}, COL_MKT_MEDIUM, {0}},
              {{"utm_source", 10}, COL_MKT_SOURCE, {0}},
              {{"utm_term", 8}, COL_MKT_TERM, {0}},
              {{"utm_content", 11}, COL_MKT_CONTENT, {0}},
              {{"utm_campaign", 12}, COL_MKT_CAMPAIGN, {0}},
              {{"gclid", 5}, COL_MKT_CLICKID, {"Google", 6}},
              {{"msclkid", 7}, COL_MKT_CLICKID, {"Microsoft", 9}},
              {{"dclid", 5}, COL_MKT_CLICKID, {"DoubleClick", 11}}},
    .n = USUAL_PARAMS + USUAL_CLICK_IDS,
};

static void add_usual(struct evt_campaign *c, size_t from, size_t n)
{
    memcpy(c->pairs + c->n, usual.pairs + from, n * sizeof(*usual.pairs));
    c->n += n;
}

/* COL_MKT_CLICKID: none of them. */
static unsigned column_of(struct str name)
{
    for (size_t i = 0; i < USUAL_PARAMS; i++)
        if (str_eqz(name, evt_columns[usual.pairs[i].column].name))
            return usual.pairs[i].column;
    return COL_MKT_CLICKID;
}

static struct pair *add_pair(struct evt_campaign *c, struct str text, struct str *behind,
                             struct err *err)
{
    const char *from = text.p, *equals = text.n ? memchr(from, '=', text.n) : NULL;
    if (!equals || equals == from || equals + 1 == from + text.n) {
        err_set(err, "\"%.*s\" is no NAME=VALUE", STR_FMT(text));
        return NULL;
    }
    struct pair *pair = &c->pairs[c->n++];
    text = arena_str(&c->arena, text);
    size_t n = (size_t)(equals - from);
    *behind = (struct str){text.p + n + 1, text.n - n - 1};
    *pair = (struct pair){.param = {text.p, n}, .column = COL_MKT_CLICKID};
    return pair;
}

static bool add_params(struct evt_campaign *c, const struct str *params, size_t n, struct err *err)
{
    struct str column;
    if (n == 0)
        add_usual(c, 0, USUAL_PARAMS);
    for (size_t i = 0; i < n; i++) {
        struct pair *pair = add_pair(c, params[i], &column, err);
        if (!pair)
            return false;
        pair->column = column_of(column);
        if (pair->column == COL_MKT_CLICKID)
            return err_set(err,
                           "\"%.*s\": want mkt_medium, mkt_source, mkt_term, mkt_content or "
                           "mkt_campaign behind the =",
                           STR_FMT(params[i]));
    }
    return true;
}

static bool add_click_ids(struct evt_campaign *c, const struct str *click_ids, size_t n,
                          struct err *err)
{
    struct str network;
    if (n == 0)
        add_usual(c, USUAL_PARAMS, USUAL_CLICK_IDS);
    for (size_t i = 0; i < n; i++) {
        struct pair *pair = add_pair(c, click_ids[i], &network, err);
        if (!pair)
            return false;
        pair->network = network;
    }
    return true;
}

struct evt_campaign *evt_campaign_new(const struct str *params, size_t n_params,
                                      const struct str *click_ids, size_t n_click_ids,
                                      struct err *err)
{
    struct evt_campaign *c = xcalloc(1, sizeof(*c));
    arena_init(&c->arena);
    if (MAX_OF(n_params, n_click_ids) > LIST_MAX)
        err_set(err, "more than %d parameters or click ids", LIST_MAX);
    else if (add_params(c, params, n_params, err) && add_click_ids(c, click_ids, n_click_ids, err))
        return c;
    evt_campaign_free(c);
    return NULL;
}

void evt_campaign_free(struct evt_campaign *c)
{
    if (!c)
        return;
    arena_fini(&c->arena);
    free(c);
}

/* All values in one pass over the query; of a parameter that is there twice the last. */
static void find_values(const struct evt_campaign *c, struct str query, struct str *found)
{
    struct str key, value;
    while (query_next(&query, &key, &value)) {
        for (size_t i = 0; value.n && i < c->n; i++)
            if (key.n == c->pairs[i].param.n && str_eq(key, c->pairs[i].param))
                found[i] = value;
    }
}

void enrich_campaign(struct enrich *e)
{
    const struct evt_campaign *c = e->d->campaign ? e->d->campaign : &usual;
    struct str found[PAIRS_MAX];
    memset(found, 0, c->n * sizeof(*found));
    find_values(c, e->page.query, found);
    bool clicked = item_has(e->item, COL_MKT_CLICKID); /* its network is not to be guessed */
    for (size_t i = 0; i < c->n; i++) {
        struct str value = query_decode(found[i], &e->d->scratch);
        enrich_put(e, c->pairs[i].column, value); /* which does nothing the second time */
        if (value.n && !clicked)
            enrich_put(e, COL_MKT_NETWORK, c->pairs[i].network);
    }
}

/* _sp=DOMAIN_USERID.MILLISECONDS and perhaps more behind further dots, seven parts in all: session,
 * user, source, platform, reason. What may hold a dot itself the tracker writes in base64, so a text with
 * more of them is none of the tracker's. */
void enrich_cross_domain(struct enrich *e)
{
    struct str rest = query_get(e->page.query, STR("_sp"), &e->d->scratch);
    struct str parts[CROSS_DOMAIN_PARTS];
    size_t n = 0;
    for (bool more = rest.n > 0; more; n++) {
        const char *dot = rest.n ? memchr(rest.p, '.', rest.n) : NULL;
        size_t n_part = dot ? (size_t)(dot - rest.p) : rest.n;
        if (n == CROSS_DOMAIN_PARTS)
            return;
        parts[n] = (struct str){rest.p, n_part};
        more = dot != NULL;
        rest.p += n_part + more;
        rest.n -= n_part + more;
    }
    if (n > 0)
        enrich_put(e, COL_REFR_DOMAIN_USERID, parts[0]);
    if (n > 1)
        enrich_put(e, COL_REFR_DVCE_TSTAMP, parts[1]);
}
