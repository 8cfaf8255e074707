/* test_evt_columns.c -- the 131 columns stand in the enriched event's order, and values become a
 * column's type or nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "evt/columns.h"
#include "evt/names.h"

/* As Snowplow's writer of enriched events puts them out, column by column. */
static const struct evt_column want[] = {
    {"app_id", EVT_COL_STRING},
    {"platform", EVT_COL_STRING},
    {"etl_tstamp", EVT_COL_TIMESTAMP},
    {"collector_tstamp", EVT_COL_TIMESTAMP},
    {"dvce_created_tstamp", EVT_COL_TIMESTAMP},
    {"event", EVT_COL_STRING},
    {"event_id", EVT_COL_STRING},
    {"txn_id", EVT_COL_INT},
    {"name_tracker", EVT_COL_STRING},
    {"v_tracker", EVT_COL_STRING},
    {"v_collector", EVT_COL_STRING},
    {"v_etl", EVT_COL_STRING},
    {"user_id", EVT_COL_STRING},
    {"user_ipaddress", EVT_COL_STRING},
    {"user_fingerprint", EVT_COL_STRING},
    {"domain_userid", EVT_COL_STRING},
    {"domain_sessionidx", EVT_COL_INT},
    {"network_userid", EVT_COL_STRING},
    {"geo_country", EVT_COL_STRING},
    {"geo_region", EVT_COL_STRING},
    {"geo_city", EVT_COL_STRING},
    {"geo_zipcode", EVT_COL_STRING},
    {"geo_latitude", EVT_COL_DOUBLE},
    {"geo_longitude", EVT_COL_DOUBLE},
    {"geo_region_name", EVT_COL_STRING},
    {"ip_isp", EVT_COL_STRING},
    {"ip_organization", EVT_COL_STRING},
    {"ip_domain", EVT_COL_STRING},
    {"ip_netspeed", EVT_COL_STRING},
    {"page_url", EVT_COL_STRING},
    {"page_title", EVT_COL_STRING},
    {"page_referrer", EVT_COL_STRING},
    {"page_urlscheme", EVT_COL_STRING},
    {"page_urlhost", EVT_COL_STRING},
    {"page_urlport", EVT_COL_INT},
    {"page_urlpath", EVT_COL_STRING},
    {"page_urlquery", EVT_COL_STRING},
    {"page_urlfragment", EVT_COL_STRING},
    {"refr_urlscheme", EVT_COL_STRING},
    {"refr_urlhost", EVT_COL_STRING},
    {"refr_urlport", EVT_COL_INT},
    {"refr_urlpath", EVT_COL_STRING},
    {"refr_urlquery", EVT_COL_STRING},
    {"refr_urlfragment", EVT_COL_STRING},
    {"refr_medium", EVT_COL_STRING},
    {"refr_source", EVT_COL_STRING},
    {"refr_term", EVT_COL_STRING},
    {"mkt_medium", EVT_COL_STRING},
    {"mkt_source", EVT_COL_STRING},
    {"mkt_term", EVT_COL_STRING},
    {"mkt_content", EVT_COL_STRING},
    {"mkt_campaign", EVT_COL_STRING},
    {"contexts", EVT_COL_JSON},
    {"se_category", EVT_COL_STRING},
    {"se_action", EVT_COL_STRING},
    {"se_label", EVT_COL_STRING},
    {"se_property", EVT_COL_STRING},
    {"se_value", EVT_COL_DOUBLE},
    {"unstruct_event", EVT_COL_JSON},
    {"tr_orderid", EVT_COL_STRING},
    {"tr_affiliation", EVT_COL_STRING},
    {"tr_total", EVT_COL_DOUBLE},
    {"tr_tax", EVT_COL_DOUBLE},
    {"tr_shipping", EVT_COL_DOUBLE},
    {"tr_city", EVT_COL_STRING},
    {"tr_state", EVT_COL_STRING},
    {"tr_country", EVT_COL_STRING},
    {"ti_orderid", EVT_COL_STRING},
    {"ti_sku", EVT_COL_STRING},
    {"ti_name", EVT_COL_STRING},
    {"ti_category", EVT_COL_STRING},
    {"ti_price", EVT_COL_DOUBLE},
    {"ti_quantity", EVT_COL_INT},
    {"pp_xoffset_min", EVT_COL_INT},
    {"pp_xoffset_max", EVT_COL_INT},
    {"pp_yoffset_min", EVT_COL_INT},
    {"pp_yoffset_max", EVT_COL_INT},
    {"useragent", EVT_COL_STRING},
    {"br_name", EVT_COL_STRING},
    {"br_family", EVT_COL_STRING},
    {"br_version", EVT_COL_STRING},
    {"br_type", EVT_COL_STRING},
    {"br_renderengine", EVT_COL_STRING},
    {"br_lang", EVT_COL_STRING},
    {"br_features_pdf", EVT_COL_BOOL},
    {"br_features_flash", EVT_COL_BOOL},
    {"br_features_java", EVT_COL_BOOL},
    {"br_features_director", EVT_COL_BOOL},
    {"br_features_quicktime", EVT_COL_BOOL},
    {"br_features_realplayer", EVT_COL_BOOL},
    {"br_features_windowsmedia", EVT_COL_BOOL},
    {"br_features_gears", EVT_COL_BOOL},
    {"br_features_silverlight", EVT_COL_BOOL},
    {"br_cookies", EVT_COL_BOOL},
    {"br_colordepth", EVT_COL_STRING},
    {"br_viewwidth", EVT_COL_INT},
    {"br_viewheight", EVT_COL_INT},
    {"os_name", EVT_COL_STRING},
    {"os_family", EVT_COL_STRING},
    {"os_manufacturer", EVT_COL_STRING},
    {"os_timezone", EVT_COL_STRING},
    {"dvce_type", EVT_COL_STRING},
    {"dvce_ismobile", EVT_COL_BOOL},
    {"dvce_screenwidth", EVT_COL_INT},
    {"dvce_screenheight", EVT_COL_INT},
    {"doc_charset", EVT_COL_STRING},
    {"doc_width", EVT_COL_INT},
    {"doc_height", EVT_COL_INT},
    {"tr_currency", EVT_COL_STRING},
    {"tr_total_base", EVT_COL_DOUBLE},
    {"tr_tax_base", EVT_COL_DOUBLE},
    {"tr_shipping_base", EVT_COL_DOUBLE},
    {"ti_currency", EVT_COL_STRING},
    {"ti_price_base", EVT_COL_DOUBLE},
    {"base_currency", EVT_COL_STRING},
    {"geo_timezone", EVT_COL_STRING},
    {"mkt_clickid", EVT_COL_STRING},
    {"mkt_network", EVT_COL_STRING},
    {"etl_tags", EVT_COL_STRING},
    {"dvce_sent_tstamp", EVT_COL_TIMESTAMP},
    {"refr_domain_userid", EVT_COL_STRING},
    {"refr_dvce_tstamp", EVT_COL_TIMESTAMP},
    {"derived_contexts", EVT_COL_JSON},
    {"domain_sessionid", EVT_COL_STRING},
    {"derived_tstamp", EVT_COL_TIMESTAMP},
    {"event_vendor", EVT_COL_STRING},
    {"event_name", EVT_COL_STRING},
    {"event_format", EVT_COL_STRING},
    {"event_version", EVT_COL_STRING},
    {"event_fingerprint", EVT_COL_STRING},
    {"true_tstamp", EVT_COL_TIMESTAMP},
};

static void test_order(void)
{
    CHECK_INT(COUNT_OF(want), EVT_COLUMNS);
    for (int i = 0; i < EVT_COLUMNS; i++) {
        CHECK_STR(evt_columns[i].name, want[i].name);
        CHECK(evt_columns[i].type == want[i].type, "%s", want[i].name);
        CHECK_INT(evt_column_find(str_of(want[i].name)), i);
    }
    CHECK_INT(evt_column_find(STR("")), -1);
    CHECK_INT(evt_column_find(STR("app_i")), -1);
    CHECK_INT(evt_column_find(STR("app_id ")), -1);
    CHECK_INT(evt_column_find(STR("APP_ID")), -1);
}

static void test_names(void)
{
    static struct names names;
    names_init(&names);
    for (unsigned i = 0; i < EVT_COLUMNS; i++)
        names_add(&names, want[i].name, i);
    for (int i = 0; i < EVT_COLUMNS; i++) {
        char other[64];
        size_t n = strlen(want[i].name);
        CHECK_INT(names_find(&names, str_of(want[i].name)), i);
        for (size_t at = 0; at < n;
             at++) { /* every name with one letter changed is no column, or the other one */
            memcpy(other, want[i].name, n + 1);
            other[at] ^= 1;
            CHECK_INT(names_find(&names, str_of(other)), evt_column_find(str_of(other)));
        }
        CHECK_INT(names_find(&names, (struct str){want[i].name, n - 1}),
                  evt_column_find((struct str){want[i].name, n - 1}));
    }
    CHECK_INT(names_find(&names, (struct str){0}), -1);
}

static bool same(struct val a, struct val b)
{
    return a.type == b.type && val_eq(a, b);
}

#define CONVERT(type, in, out) CHECK(same(column_convert(EVT_COL_##type, in), out))

static void test_convert(void)
{
    CONVERT(STRING, val_strz("x"), val_strz("x"));
    CONVERT(STRING, val_strz(""), val_null);
    CONVERT(STRING, val_int(5), val_null);
    CONVERT(STRING, val_bool(true), val_null);
    CONVERT(STRING, val_null, val_null);

    CONVERT(INT, val_strz("5"), val_int(5));
    CONVERT(INT, val_strz("-5"), val_int(-5));
    CONVERT(INT, val_strz("25.0"), val_int(25));
    CONVERT(INT, val_strz("25.5"), val_null);
    CONVERT(INT, val_strz("5px"), val_null);
    CONVERT(INT, val_strz(" 5"), val_null);
    CONVERT(INT, val_strz(""), val_null);
    CONVERT(INT, val_int(5), val_int(5));
    CONVERT(INT, val_dbl(5), val_int(5));
    CONVERT(INT, val_dbl(5.5), val_null);
    CONVERT(INT, val_dbl(1e300), val_null);
    CONVERT(INT, val_bool(true), val_null);
    CONVERT(INT, val_strz("9223372036854775807"), val_int(INT64_MAX));

    CONVERT(DOUBLE, val_strz("19.99"), val_dbl(19.99));
    CONVERT(DOUBLE, val_strz("20"), val_dbl(20));
    CONVERT(DOUBLE, val_strz("1e999"), val_null);
    CONVERT(DOUBLE, val_strz("NaN"), val_null);
    CONVERT(DOUBLE, val_strz("Infinity"), val_null);
    CONVERT(DOUBLE, val_strz("0x10"), val_null);
    CONVERT(DOUBLE, val_int(20), val_dbl(20));
    CONVERT(DOUBLE, val_bool(true), val_null);

    CONVERT(BOOL, val_strz("1"), val_bool(true));
    CONVERT(BOOL, val_strz("0"), val_bool(false));
    CONVERT(BOOL, val_strz("true"), val_bool(true));
    CONVERT(BOOL, val_strz("false"), val_bool(false));
    CONVERT(BOOL, val_strz("yes"), val_null);
    CONVERT(BOOL, val_int(1), val_bool(true));
    CONVERT(BOOL, val_int(2), val_null);
    CONVERT(BOOL, val_bool(false), val_bool(false));

    CONVERT(TIMESTAMP, val_strz("2026-09-21 14:13:20.000"), val_int(INT64_C(1790000000000)));
    CONVERT(TIMESTAMP, val_strz("1790000000000"), val_int(INT64_C(1790000000000)));
    CONVERT(TIMESTAMP, val_int(INT64_C(1790000000000)), val_int(INT64_C(1790000000000)));
    CONVERT(TIMESTAMP, val_int(INT64_MAX), val_null);
    CONVERT(TIMESTAMP, val_strz("yesterday"), val_null);
    CONVERT(TIMESTAMP, val_bool(true), val_null);

    CONVERT(JSON, val_strz("{}"), val_null);
}

int main(void)
{
    test_order();
    test_names();
    test_convert();
    return check_done();
}
