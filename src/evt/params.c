/* params.c -- the parameters of the Snowplow tracker protocol, and the columns they fill.
 *
 * An empty value counts as none, and so does one of nothing but control characters. A parameter that
 * comes twice counts as it came last. What no row names is passed over.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/item.h"

#include "evt/clean.h"

enum action {
    TO_COLUMN,
    TO_SIZE,  /* 1280x720: two columns, width first */
    TO_FIRST, /* of a list */
    TO_NUID,  /* unless tnuid came */
    TO_TNUID,
    TO_PLATFORM, /* one of the protocol's, or the item is refused */
    TO_CODE,
    TO_PART, /* column is a part_id */
    TO_PART_BASE64,
};
struct param {
    const char *name;
    enum action action;
    uint8_t column, column2;
};

static const struct param params[] = {
    {"e", TO_CODE, 0, 0},
    {"p", TO_PLATFORM, COL_PLATFORM, 0},
    {"aid", TO_COLUMN, COL_APP_ID, 0},
    {"eid", TO_COLUMN, COL_EVENT_ID, 0},
    {"tna", TO_COLUMN, COL_NAME_TRACKER, 0},
    {"tv", TO_COLUMN, COL_V_TRACKER, 0},
    {"cv", TO_COLUMN, COL_V_COLLECTOR, 0},
    {"tid", TO_COLUMN, COL_TXN_ID, 0},

    {"uid", TO_COLUMN, COL_USER_ID, 0},
    {"duid", TO_COLUMN, COL_DOMAIN_USERID, 0},
    {"nuid", TO_NUID, COL_NETWORK_USERID, 0},
    {"tnuid", TO_TNUID, COL_NETWORK_USERID, 0},
    {"sid", TO_COLUMN, COL_DOMAIN_SESSIONID, 0},
    {"vid", TO_COLUMN, COL_DOMAIN_SESSIONIDX, 0},
    {"fp", TO_COLUMN, COL_USER_FINGERPRINT, 0},
    {"ip", TO_FIRST, COL_USER_IPADDRESS, 0},
    {"ua", TO_COLUMN, COL_USERAGENT, 0},

    {"dtm", TO_COLUMN, COL_DVCE_CREATED_TSTAMP, 0},
    {"stm", TO_COLUMN, COL_DVCE_SENT_TSTAMP, 0},
    {"ttm", TO_COLUMN, COL_TRUE_TSTAMP, 0},

    {"url", TO_COLUMN, COL_PAGE_URL, 0},
    {"page", TO_COLUMN, COL_PAGE_TITLE, 0},
    {"refr", TO_COLUMN, COL_PAGE_REFERRER, 0},

    {"lang", TO_COLUMN, COL_BR_LANG, 0},
    {"cookie", TO_COLUMN, COL_BR_COOKIES, 0},
    {"cd", TO_COLUMN, COL_BR_COLORDEPTH, 0},
    {"tz", TO_COLUMN, COL_OS_TIMEZONE, 0},
    {"cs", TO_COLUMN, COL_DOC_CHARSET, 0},
    {"res", TO_SIZE, COL_DVCE_SCREENWIDTH, COL_DVCE_SCREENHEIGHT},
    {"vp", TO_SIZE, COL_BR_VIEWWIDTH, COL_BR_VIEWHEIGHT},
    {"ds", TO_SIZE, COL_DOC_WIDTH, COL_DOC_HEIGHT},
    {"f_pdf", TO_COLUMN, COL_BR_FEATURES_PDF, 0},
    {"f_fla", TO_COLUMN, COL_BR_FEATURES_FLASH, 0},
    {"f_java", TO_COLUMN, COL_BR_FEATURES_JAVA, 0},
    {"f_dir", TO_COLUMN, COL_BR_FEATURES_DIRECTOR, 0},
    {"f_qt", TO_COLUMN, COL_BR_FEATURES_QUICKTIME, 0},
    {"f_realp", TO_COLUMN, COL_BR_FEATURES_REALPLAYER, 0},
    {"f_wma", TO_COLUMN, COL_BR_FEATURES_WINDOWSMEDIA, 0},
    {"f_gears", TO_COLUMN, COL_BR_FEATURES_GEARS, 0},
    {"f_ag", TO_COLUMN, COL_BR_FEATURES_SILVERLIGHT, 0},

    {"se_ca", TO_COLUMN, COL_SE_CATEGORY, 0},
    {"se_ac", TO_COLUMN, COL_SE_ACTION, 0},
    {"se_la", TO_COLUMN, COL_SE_LABEL, 0},
    {"se_pr", TO_COLUMN, COL_SE_PROPERTY, 0},
    {"se_va", TO_COLUMN, COL_SE_VALUE, 0},
    {"ev_ca", TO_COLUMN, COL_SE_CATEGORY, 0}, /* their names until 2013 */
    {"ev_ac", TO_COLUMN, COL_SE_ACTION, 0},
    {"ev_la", TO_COLUMN, COL_SE_LABEL, 0},
    {"ev_pr", TO_COLUMN, COL_SE_PROPERTY, 0},
    {"ev_va", TO_COLUMN, COL_SE_VALUE, 0},

    {"tr_id", TO_COLUMN, COL_TR_ORDERID, 0},
    {"tr_af", TO_COLUMN, COL_TR_AFFILIATION, 0},
    {"tr_tt", TO_COLUMN, COL_TR_TOTAL, 0},
    {"tr_tx", TO_COLUMN, COL_TR_TAX, 0},
    {"tr_sh", TO_COLUMN, COL_TR_SHIPPING, 0},
    {"tr_ci", TO_COLUMN, COL_TR_CITY, 0},
    {"tr_st", TO_COLUMN, COL_TR_STATE, 0},
    {"tr_co", TO_COLUMN, COL_TR_COUNTRY, 0},
    {"tr_cu", TO_COLUMN, COL_TR_CURRENCY, 0},
    {"ti_id", TO_COLUMN, COL_TI_ORDERID, 0},
    {"ti_sk", TO_COLUMN, COL_TI_SKU, 0},
    {"ti_nm", TO_COLUMN, COL_TI_NAME, 0},
    {"ti_na", TO_COLUMN, COL_TI_NAME, 0},
    {"ti_ca", TO_COLUMN, COL_TI_CATEGORY, 0},
    {"ti_pr", TO_COLUMN, COL_TI_PRICE, 0},
    {"ti_qu", TO_COLUMN, COL_TI_QUANTITY, 0},
    {"ti_cu", TO_COLUMN, COL_TI_CURRENCY, 0},

    {"pp_mix", TO_COLUMN, COL_PP_XOFFSET_MIN, 0},
    {"pp_max", TO_COLUMN, COL_PP_XOFFSET_MAX, 0},
    {"pp_miy", TO_COLUMN, COL_PP_YOFFSET_MIN, 0},
    {"pp_may", TO_COLUMN, COL_PP_YOFFSET_MAX, 0},

    {"co", TO_PART, PART_CO, 0},
    {"cx", TO_PART_BASE64, PART_CX, 0},
    {"ue_pr", TO_PART, PART_UE_PR, 0},
    {"ue_px", TO_PART_BASE64, PART_UE_PX, 0},
};

static const char *const platforms[] = {"web",  "iot", "app", "mob",    "pc",
                                        "cnsl", "tv",  "srv", "headset"};

void params_init(struct names *t)
{
    names_init(t);
    for (unsigned i = 0; i < COUNT_OF(params); i++)
        names_add(t, params[i].name, i);
}

static bool is_platform(struct str s)
{
    for (size_t i = 0; i < COUNT_OF(platforms); i++)
        if (str_eqz(s, platforms[i]))
            return true;
    return false;
}

/* Whether anything is left of it. */
static bool put(struct evt_decoder *d, unsigned column, struct str value)
{
    if (evt_columns[column].type == EVT_COL_STRING)
        value = clean_text(value, &d->scratch);
    if (value.n)
        item_put(&d->item, column, val_str(value));
    return value.n > 0;
}

static void put_size(struct item *it, const struct param *p, struct str value)
{
    const char *x = memchr(value.p, 'x', value.n);
    if (!x)
        return;
    item_put(it, p->column, val_str((struct str){value.p, (size_t)(x - value.p)}));
    item_put(it, p->column2, val_str((struct str){x + 1, (size_t)(value.p + value.n - x - 1)}));
}

static void put_platform(struct evt_decoder *d, struct str value)
{
    if (is_platform(value))
        item_put(&d->item, COL_PLATFORM, val_str(value));
    else if (d->item.why.n == 0)
        d->item.why = arena_printf(&d->scratch, "p: unknown platform \"%.*s\"",
                                   (int)MIN_OF(value.n, (size_t)40), value.p);
}

/* A list as proxies make it, 1.2.3.4, 5.6.7.8; some write it with bars. */
static void put_first(struct evt_decoder *d, const struct param *p, struct str value)
{
    size_t n = 0;
    value = str_trim(value);
    while (n < value.n && !memchr(",| ", value.p[n], 3))
        n++;
    put(d, p->column, (struct str){value.p, n});
}

void params_put(struct evt_decoder *d, const struct evt_proj *proj, struct str name,
                struct str value)
{
    struct item *it = &d->item;
    int i = names_find(&d->params, name);
    if (i < 0 || value.n == 0)
        return;
    const struct param *p = &params[i];
    switch (p->action) {
    case TO_COLUMN:
        if (column_set_has(&proj->needed, p->column))
            put(d, p->column, value);
        break;
    case TO_SIZE:
        put_size(it, p, value);
        break;
    case TO_FIRST:
        put_first(d, p, value);
        break;
    case TO_NUID:
        if (!it->has_tnuid)
            put(d, p->column, value);
        break;
    case TO_TNUID:
        it->has_tnuid |= put(d, p->column, value);
        break;
    case TO_PLATFORM:
        put_platform(d, value);
        break;
    case TO_CODE:
        it->code = value;
        break;
    case TO_PART:
    case TO_PART_BASE64:
        it->parts[p->column] = (struct part){.form = p->action == TO_PART ? PART_TEXT : PART_BASE64,
                                             .field = p->name,
                                             .text = value};
        break;
    }
}

void params_refuse(struct evt_decoder *d, struct str name)
{
    int i = names_find(&d->params, name);
    if (i >= 0 && (params[i].action == TO_PART || params[i].action == TO_PART_BASE64))
        d->item.parts[params[i].column] =
            (struct part){.form = PART_WRONG, .field = params[i].name};
}
