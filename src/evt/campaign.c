/* campaign.c -- what the page's query string says about marketing, and who sent the visitor across
 * from a sister domain.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/enrich.h"

enum { N_UTM = 5, N_CLICK_IDS = 3 };
static const struct {
    struct str param;
    uint8_t column;
    const char *network; /* of a click id */
} params[N_UTM + N_CLICK_IDS] = {
    {{"utm_medium", sizeof("utm_medium") - 1}, COL_MKT_MEDIUM, NULL},
    {{"utm_source", sizeof("utm_source") - 1}, COL_MKT_SOURCE, NULL},
    {{"utm_term", sizeof("utm_term") - 1}, COL_MKT_TERM, NULL},
    {{"utm_content", sizeof("utm_content") - 1}, COL_MKT_CONTENT, NULL},
    {{"utm_campaign", sizeof("utm_campaign") - 1}, COL_MKT_CAMPAIGN, NULL},
    {{"gclid", sizeof("gclid") - 1},
     COL_MKT_CLICKID,
     "Google"}, /* of several click ids the first in this order */
    {{"msclkid", sizeof("msclkid") - 1}, COL_MKT_CLICKID, "Microsoft"},
    {{"dclid", sizeof("dclid") - 1}, COL_MKT_CLICKID, "DoubleClick"},
};

/* All values in one pass over the query; of a parameter that is there twice the last. */
static void find_params(struct str query, struct str found[N_UTM + N_CLICK_IDS])
{
    struct str key, value;
    while (query_next(&query, &key, &value)) {
        for (size_t i = 0; value.n && i < COUNT_OF(params); i++)
            if (key.n == params[i].param.n && str_eq(key, params[i].param))
                found[i] = value;
    }
}

void enrich_campaign(struct enrich *e)
{
    struct str found[N_UTM + N_CLICK_IDS] = {{0}};
    find_params(e->page.query, found);
    for (size_t i = 0; i < COUNT_OF(params); i++) {
        struct str value = query_decode(found[i], &e->d->scratch);
        enrich_put(e->item, params[i].column, value);
        if (value.n && params[i].network)
            enrich_put(e->item, COL_MKT_NETWORK, str_of(params[i].network));
    }
}

/* _sp=DOMAIN_USERID.MILLISECONDS and perhaps more parts behind further dots. */
void enrich_cross_domain(struct enrich *e)
{
    struct str sp = query_get(e->page.query, STR("_sp"), &e->d->scratch), rest = {0};
    const char *dot = sp.n ? memchr(sp.p, '.', sp.n) : NULL;
    if (dot) {
        rest = (struct str){dot + 1, (size_t)(sp.p + sp.n - dot - 1)};
        sp.n = (size_t)(dot - sp.p);
        dot = rest.n ? memchr(rest.p, '.', rest.n) : NULL;
        if (dot)
            rest.n = (size_t)(dot - rest.p);
    }
    enrich_put(e->item, COL_REFR_DOMAIN_USERID, sp);
    enrich_put(e->item, COL_REFR_DVCE_TSTAMP, rest);
}
