/* routes.c -- every endpoint: method, path, handler, help. GET / and the documentation read this table.
 *
 * A path without {segments} wins over one with them, so trackers' /{vendor}/{version} shadows nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

const struct http_route api_routes[] = {
    {"GET", "/", admin_root, 0, "what this server is and answers"},
    {"POST", "/{vendor}/{version}", collect_post, 0,
     "takes a tracker's events: com.snowplowanalytics.snowplow/tp2, and any other vendor and "
     "version"},
    {"GET", "/{vendor}/{version}", collect_get_any, 0,
     "takes one event from a query string, answers a pixel"},
    {"GET", "/i", collect_get, 0, "takes one event from a query string, answers a pixel"},
    {"GET", "/ice.png", collect_get, 0, "the same"},
    {"GET", "/shop", pages_slash, 0, "leads to /shop/"},
    {"GET", "/shop/", pages_get, 0, "the demo shop: watch rules work in a browser"},
    {"GET", "/shop/{file}", pages_get, 0, "what it is made of"},
    {"GET", "/r/{target}", collect_redirect, 0, "a tracker's redirect: disabled, always 404"},
    {"GET", "/robots.txt", collect_robots, 0, "tells crawlers to stay away"},
    {"POST", "/api/v1/events", events_post, 0,
     "takes events as maps of column names, JSON, NDJSON or msgpack, or as enriched TSV"},
    {"GET", "/api/v1/history/{source}", history_get, 0,
     "says how many lines of a source of past events were taken"},
    {"POST", "/api/v1/history/{source}", history_post, 0,
     "takes further lines of it, which fire nothing: see `signalbox replay`"},
    {"POST", "/api/v1/get-online-attributes", attributes_post, 0,
     "reads a service's attributes, or a list of them, for some identifiers"},
    {"GET", "/api/v1/interventions", interventions_get, 0,
     "streams (SSE) the interventions for ?KEY=IDENTIFIER, several allowed"},
    {"POST", "/api/v1/interventions", interventions_post, INTERVENTION_MAX,
     "pushes an intervention to ?KEY=IDENTIFIER, several allowed"},
    {"POST", "/api/v1/scores/{name}", scores_post, 0,
     "answers a score for {KEY: IDENTIFIER}, and what it came from"},
    {"POST", "/predict", scores_predict, 0,
     "the same for the only score, or the one that `score` names"},
    {"GET", "/api/v1/rules", admin_rules, 0,
     "says of each rule file what it defines and what is wrong with it"},
    {"GET", "/health", admin_health, 0, "ok while the process runs"},
    {"GET", "/healthz", admin_health, 0, "the same"},
    {"GET", "/sink-health", admin_sink_health, 0, "ok while events are taken; else 503"},
    {"GET", "/readyz", admin_ready, 0,
     "ok once rules are loaded; 503 before, and once a write to disk has failed"},
    {"GET", "/metrics", admin_metrics, 0, "counters in Prometheus' text format"},
    {"OPTIONS", "*", collect_options, 0,
     "on every path: answers what browsers ask before they send"},
};
const size_t n_api_routes = COUNT_OF(api_routes);
