/* columns.h -- the one list of the columns of an enriched event, by which code names them: COL_APP_ID is 0 and so on.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_COLUMNS_H
#define EVT_COLUMNS_H

#include "evt/evt.h"

#define EVT_COLUMN_TABLE(X)                                                                        \
    X(APP_ID, "app_id", STRING)                                                                    \
    X(PLATFORM, "platform", STRING)                                                                \
    X(ETL_TSTAMP, "etl_tstamp", TIMESTAMP)                                                         \
    X(COLLECTOR_TSTAMP, "collector_tstamp", TIMESTAMP)                                             \
    X(DVCE_CREATED_TSTAMP, "dvce_created_tstamp", TIMESTAMP)                                       \
    X(EVENT, "event", STRING)                                                                      \
    X(EVENT_ID, "event_id", STRING)                                                                \
    X(TXN_ID, "txn_id", INT)                                                                       \
    X(NAME_TRACKER, "name_tracker", STRING)                                                        \
    X(V_TRACKER, "v_tracker", STRING)                                                              \
    X(V_COLLECTOR, "v_collector", STRING)                                                          \
    X(V_ETL, "v_etl", STRING)                                                                      \
    X(USER_ID, "user_id", STRING)                                                                  \
    X(USER_IPADDRESS, "user_ipaddress", STRING)                                                    \
    X(USER_FINGERPRINT, "user_fingerprint", STRING)                                                \
    X(DOMAIN_USERID, "domain_userid", STRING)                                                      \
    X(DOMAIN_SESSIONIDX, "domain_sessionidx", INT)                                                 \
    X(NETWORK_USERID, "network_userid", STRING)                                                    \
    X(GEO_COUNTRY, "geo_country", STRING)                                                          \
    X(GEO_REGION, "geo_region", STRING)                                                            \
    X(GEO_CITY, "geo_city", STRING)                                                                \
    X(GEO_ZIPCODE, "geo_zipcode", STRING)                                                          \
    X(GEO_LATITUDE, "geo_latitude", DOUBLE)                                                        \
    X(GEO_LONGITUDE, "geo_longitude", DOUBLE)                                                      \
    X(GEO_REGION_NAME, "geo_region_name", STRING)                                                  \
    X(IP_ISP, "ip_isp", STRING)                                                                    \
    X(IP_ORGANIZATION, "ip_organization", STRING)                                                  \
    X(IP_DOMAIN, "ip_domain", STRING)                                                              \
    X(IP_NETSPEED, "ip_netspeed", STRING)                                                          \
    X(PAGE_URL, "page_url", STRING)                                                                \
    X(PAGE_TITLE, "page_title", STRING)                                                            \
    X(PAGE_REFERRER, "page_referrer", STRING)                                                      \
    X(PAGE_URLSCHEME, "page_urlscheme", STRING)                                                    \
    X(PAGE_URLHOST, "page_urlhost", STRING)                                                        \
    X(PAGE_URLPORT, "page_urlport", INT)                                                           \
    X(PAGE_URLPATH, "page_urlpath", STRING)                                                        \
    X(PAGE_URLQUERY, "page_urlquery", STRING)                                                      \
    X(PAGE_URLFRAGMENT, "page_urlfragment", STRING)                                                \
    X(REFR_URLSCHEME, "refr_urlscheme", STRING)                                                    \
    X(REFR_URLHOST, "refr_urlhost", STRING)                                                        \
    X(REFR_URLPORT, "refr_urlport", INT)                                                           \
    X(REFR_URLPATH, "refr_urlpath", STRING)                                                        \
    X(REFR_URLQUERY, "refr_urlquery", STRING)                                                      \
    X(REFR_URLFRAGMENT, "refr_urlfragment", STRING)                                                \
    X(REFR_MEDIUM, "refr_medium", STRING)                                                          \
    X(REFR_SOURCE, "refr_source", STRING)                                                          \
    X(REFR_TERM, "refr_term", STRING)                                                              \
    X(MKT_MEDIUM, "mkt_medium", STRING)                                                            \
    X(MKT_SOURCE, "mkt_source", STRING)                                                            \
    X(MKT_TERM, "mkt_term", STRING)                                                                \
    X(MKT_CONTENT, "mkt_content", STRING)                                                          \
    X(MKT_CAMPAIGN, "mkt_campaign", STRING)                                                        \
    X(CONTEXTS, "contexts", JSON)                                                                  \
    X(SE_CATEGORY, "se_category", STRING)                                                          \
    X(SE_ACTION, "se_action", STRING)                                                              \
    X(SE_LABEL, "se_label", STRING)                                                                \
    X(SE_PROPERTY, "se_property", STRING)                                                          \
    X(SE_VALUE, "se_value", DOUBLE)                                                                \
    X(UNSTRUCT_EVENT, "unstruct_event", JSON)                                                      \
    X(TR_ORDERID, "tr_orderid", STRING)                                                            \
    X(TR_AFFILIATION, "tr_affiliation", STRING)                                                    \
    X(TR_TOTAL, "tr_total", DOUBLE)                                                                \
    X(TR_TAX, "tr_tax", DOUBLE)                                                                    \
    X(TR_SHIPPING, "tr_shipping", DOUBLE)                                                          \
    X(TR_CITY, "tr_city", STRING)                                                                  \
    X(TR_STATE, "tr_state", STRING)                                                                \
    X(TR_COUNTRY, "tr_country", STRING)                                                            \
    X(TI_ORDERID, "ti_orderid", STRING)                                                            \
    X(TI_SKU, "ti_sku", STRING)                                                                    \
    X(TI_NAME, "ti_name", STRING)                                                                  \
    X(TI_CATEGORY, "ti_category", STRING)                                                          \
    X(TI_PRICE, "ti_price", DOUBLE)                                                                \
    X(TI_QUANTITY, "ti_quantity", INT)                                                             \
    X(PP_XOFFSET_MIN, "pp_xoffset_min", INT)                                                       \
    X(PP_XOFFSET_MAX, "pp_xoffset_max", INT)                                                       \
    X(PP_YOFFSET_MIN, "pp_yoffset_min", INT)                                                       \
    X(PP_YOFFSET_MAX, "pp_yoffset_max", INT)                                                       \
    X(USERAGENT, "useragent", STRING)                                                              \
    X(BR_NAME, "br_name", STRING)                                                                  \
    X(BR_FAMILY, "br_family", STRING)                                                              \
    X(BR_VERSION, "br_version", STRING)                                                            \
    X(BR_TYPE, "br_type", STRING)                                                                  \
    X(BR_RENDERENGINE, "br_renderengine", STRING)                                                  \
    X(BR_LANG, "br_lang", STRING)                                                                  \
    X(BR_FEATURES_PDF, "br_features_pdf", BOOL)                                                    \
    X(BR_FEATURES_FLASH, "br_features_flash", BOOL)                                                \
    X(BR_FEATURES_JAVA, "br_features_java", BOOL)                                                  \
    X(BR_FEATURES_DIRECTOR, "br_features_director", BOOL)                                          \
    X(BR_FEATURES_QUICKTIME, "br_features_quicktime", BOOL)                                        \
    X(BR_FEATURES_REALPLAYER, "br_features_realplayer", BOOL)                                      \
    X(BR_FEATURES_WINDOWSMEDIA, "br_features_windowsmedia", BOOL)                                  \
    X(BR_FEATURES_GEARS, "br_features_gears", BOOL)                                                \
    X(BR_FEATURES_SILVERLIGHT, "br_features_silverlight", BOOL)                                    \
    X(BR_COOKIES, "br_cookies", BOOL)                                                              \
    X(BR_COLORDEPTH, "br_colordepth", STRING)                                                      \
    X(BR_VIEWWIDTH, "br_viewwidth", INT)                                                           \
    X(BR_VIEWHEIGHT, "br_viewheight", INT)                                                         \
    X(OS_NAME, "os_name", STRING)                                                                  \
    X(OS_FAMILY, "os_family", STRING)                                                              \
    X(OS_MANUFACTURER, "os_manufacturer", STRING)                                                  \
    X(OS_TIMEZONE, "os_timezone", STRING)                                                          \
    X(DVCE_TYPE, "dvce_type", STRING)                                                              \
    X(DVCE_ISMOBILE, "dvce_ismobile", BOOL)                                                        \
    X(DVCE_SCREENWIDTH, "dvce_screenwidth", INT)                                                   \
    X(DVCE_SCREENHEIGHT, "dvce_screenheight", INT)                                                 \
    X(DOC_CHARSET, "doc_charset", STRING)                                                          \
    X(DOC_WIDTH, "doc_width", INT)                                                                 \
    X(DOC_HEIGHT, "doc_height", INT)                                                               \
    X(TR_CURRENCY, "tr_currency", STRING)                                                          \
    X(TR_TOTAL_BASE, "tr_total_base", DOUBLE)                                                      \
    X(TR_TAX_BASE, "tr_tax_base", DOUBLE)                                                          \
    X(TR_SHIPPING_BASE, "tr_shipping_base", DOUBLE)                                                \
    X(TI_CURRENCY, "ti_currency", STRING)                                                          \
    X(TI_PRICE_BASE, "ti_price_base", DOUBLE)                                                      \
    X(BASE_CURRENCY, "base_currency", STRING)                                                      \
    X(GEO_TIMEZONE, "geo_timezone", STRING)                                                        \
    X(MKT_CLICKID, "mkt_clickid", STRING)                                                          \
    X(MKT_NETWORK, "mkt_network", STRING)                                                          \
    X(ETL_TAGS, "etl_tags", STRING)                                                                \
    X(DVCE_SENT_TSTAMP, "dvce_sent_tstamp", TIMESTAMP)                                             \
    X(REFR_DOMAIN_USERID, "refr_domain_userid", STRING)                                            \
    X(REFR_DVCE_TSTAMP, "refr_dvce_tstamp", TIMESTAMP)                                             \
    X(DERIVED_CONTEXTS, "derived_contexts", JSON)                                                  \
    X(DOMAIN_SESSIONID, "domain_sessionid", STRING)                                                \
    X(DERIVED_TSTAMP, "derived_tstamp", TIMESTAMP)                                                 \
    X(EVENT_VENDOR, "event_vendor", STRING)                                                        \
    X(EVENT_NAME, "event_name", STRING)                                                            \
    X(EVENT_FORMAT, "event_format", STRING)                                                        \
    X(EVENT_VERSION, "event_version", STRING)                                                      \
    X(EVENT_FINGERPRINT, "event_fingerprint", STRING)                                              \
    X(TRUE_TSTAMP, "true_tstamp", TIMESTAMP)

enum evt_column_id {
#define X(id, name, type) COL_##id,
    EVT_COLUMN_TABLE(X)
#undef X
        COL_COUNT
};
_Static_assert((int)COL_COUNT == (int)EVT_COLUMNS,
               "the list has as many rows as the public constant says");

/* A set of columns. */
struct column_set {
    uint64_t bits[3];
};
static inline bool column_set_has(const struct column_set *s, unsigned c)
{
    return s->bits[c / 64] >> (c % 64) & 1;
}
static inline void column_set_add(struct column_set *s, unsigned c)
{
    s->bits[c / 64] |= UINT64_C(1) << (c % 64);
}

/* v as a column of this type holds it: numeric strings become numbers, timestamps epoch milliseconds. Null when v is
 * missing, empty, or cannot be read as that type. Borrows v's bytes. */
struct val column_convert(enum evt_column_type type, struct val v);

#endif
