/* test_engine_device.c -- the rules shipped ask for the device of a page view: a tracker that sends no entity of it gets
 * the attribute filled all the same.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "engine/core.h"
#include "unhurried.h"

#define VIEW(who)                                                                                  \
    "{\"schema\":\"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4\","           \
    "\"data\":[{\"e\":\"pv\",\"duid\":\"" who "\"}]}"
static const int64_t T0 = 1790000000000;

static void send(struct engine *e, const char *body, const char *agent)
{
    struct engine_batch *b = engine_batch_new(WIRE_TP2, 0, str_of(body));
    struct err err = {0};
    b->meta.collector_ms = T0;
    b->meta.useragent = engine_batch_str(b, str_of(agent));
    memcpy(b->meta.draw, agent, MIN_OF(strlen(agent), sizeof(b->meta.draw)));
    CHECK(engine_decode(e, b, &err) && b->events.n == 1, "%s", err.text);
    engine_submit(e, b, T0);
    engine_batch_free(b);
}

static const char *device_of(struct engine *e, const char *who)
{
    static char text[40];
    struct plan *p = engine_plan(e);
    struct arena a;
    struct val v = val_null;
    struct str id = str_of(who);
    struct err err = {0};
    int at = plan_find_attr(p, STR("prospect_scoring_tutorial:latest_device_class"));
    uint32_t attr = (uint32_t)at;
    arena_init(&a);
    CHECK(at >= 0);
    CHECK(at >= 0 && engine_read(e, p, &attr, &id, 1, T0, &a, &v, &err), "%s", err.text);
    snprintf(text, sizeof(text), "%.*s", STR_FMT(val_as_str(v)));
    arena_fini(&a);
    plan_unref(p);
    return text;
}

int main(void)
{
    struct engine_options o = {.fronts = 1,
                               .profile = profile_limits_default,
                               .push = push_limits_default,
                               .script = unhurried()};
    struct engine *e = engine_new(&o, NULL);
    struct rules *r = rules_new(STR(SOURCE_DIR "/rules"), o.fronts + 2, &o.script);
    struct plan_report report;
    plan_report_init(&report);
    CHECK(engine_reload(e, r, T0, &report));
    send(e, VIEW("ann"), "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    send(e, VIEW("bob"),
         "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.5 Mobile/15E148 Safari/604.1");
    CHECK_STR(device_of(e, "ann"), "Desktop");
    CHECK_STR(device_of(e, "bob"), "Tablet");
    plan_report_fini(&report);
    engine_free(e);
    rules_free(r);
    return check_done();
}
