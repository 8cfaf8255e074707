/* evt_fuzz.h -- what holds for every decoder, whatever the bytes: it ends, what it makes is well formed, and what it accepts
 * does not depend on what the plan asks for.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_FUZZ_H
#define EVT_FUZZ_H

#include "evt/evt.h"

#include <assert.h>
#include <stdlib.h>

typedef bool decode_fn(struct evt_decoder *d, const struct evt_proj *proj,
                       const struct evt_meta *meta, struct str body, struct evt_batch *out,
                       struct err *err);

static struct evt_referers *refs;
static struct evt_decoder *decoder;
static struct evt_proj *projs[2]; /* one that asks for everything, one for nothing */

static void set_up(void)
{
    static const char *const paths[] = {"id", "price", "a.b[1].c", "[0]", "type", "deviceClass"};
    struct evt_prop props[EVT_COLUMNS + 6 * 4];
    struct arena a;
    size_t n = 0;
    if (decoder)
        return;
    arena_init(&a);
    for (int i = 0; i < EVT_COLUMNS; i++)
        props[n++] = (struct evt_prop){.kind = EVT_PROP_ATOMIC, .column = i};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct evt_prop p = {
            .kind = EVT_PROP_ENTITY, .vendor = STR("a"), .name = STR("x"), .major = 1};
        evt_path_parse(str_of(paths[i]), &a, &p.path, NULL);
        props[n++] = p;
        p.major = -1;
        p.index = 1;
        p.vendor = (struct str){0};
        props[n++] = p;
        p.kind = EVT_PROP_EVENT;
        p.index = 0;
        p.name = (struct str){0};
        props[n++] = p;
        p.kind = EVT_PROP_ENTITY;
        props[n++] = p;
    }
    projs[0] = evt_proj_new(props, n);
    projs[1] = evt_proj_new(NULL, 0);
    arena_fini(&a);
    refs = evt_referers_builtin();
    decoder = evt_decoder_new(refs, &STR("a.example"), 1);
}

static int fuzz_decode(decode_fn *decode, const uint8_t *data, size_t n)
{
    struct evt_meta meta = {.collector_ms = INT64_C(1790000000000),
                            .referer = STR("https://a.example/?_sp=a.1&q=x")};
    char *copy = malloc(n + EVT_PADDING); /* nothing behind it but what is promised */
    bool ok[2];
    size_t taken[2], refused[2];
    set_up();
    if (n)
        memcpy(copy, data, n);
    memset(copy + n, '"', EVT_PADDING);
    for (int i = 0; i < 2; i++) {
        struct evt_batch batch;
        struct err err = {0};
        evt_batch_init(&batch);
        ok[i] = decode(decoder, projs[i], &meta, (struct str){copy, n}, &batch, &err);
        taken[i] = batch.n;
        refused[i] = batch.n_rejects;
        assert(ok[i] != err.set && (ok[i] || batch.n + batch.n_rejects == 0));
        for (size_t k = 0; k < batch.n; k++) {
            const struct evt *e = &batch.evts[k];
            assert(e->ts_ms <= meta.collector_ms && e->vendor.n && e->name.n &&
                   utf8_valid(e->vendor) && utf8_valid(e->name));
            for (size_t s = 0; s < evt_proj_slots(projs[i]); s++) {
                struct val v = e->slots[s];
                assert(v.type == VAL_NULL || v.type == VAL_BOOL || v.type == VAL_INT ||
                       v.type == VAL_STR || (v.type == VAL_DBL && v.d - v.d == 0));
                assert(v.type != VAL_STR || utf8_valid(val_as_str(v)));
            }
        }
        evt_batch_fini(&batch);
    }
    /* what is accepted does not depend on what is asked for */
    assert(ok[0] == ok[1] && taken[0] == taken[1] && refused[0] == refused[1]);
    free(copy);
    return 0;
}

/* One line, with nothing behind it: how many events it makes. */
static inline size_t fuzz_line_alone(decode_fn *decode, const struct evt_meta *meta,
                                     struct str line)
{
    struct evt_batch batch;
    struct err err = {0};
    char *copy = malloc(line.n + EVT_PADDING);
    memcpy(copy, line.p, line.n);
    memset(copy + line.n, 0, EVT_PADDING);
    evt_batch_init(&batch);
    decode(decoder, projs[0], meta, (struct str){copy, line.n}, &batch, &err);
    size_t n = batch.n;
    evt_batch_fini(&batch);
    free(copy);
    return n;
}

/* For a format of one event a line: a line is taken or refused as if it stood alone, and rejects come in the order of lines. */
static inline int fuzz_lines(decode_fn *decode, const uint8_t *data, size_t n)
{
    struct evt_meta meta = {.collector_ms = INT64_C(1790000000000)};
    struct evt_batch batch;
    struct err err = {0};
    size_t number = 0, taken = 0, k = 0;
    char *copy = malloc(n + EVT_PADDING);
    set_up();
    if (n)
        memcpy(copy, data, n);
    memset(copy + n, '"', EVT_PADDING);
    evt_batch_init(&batch);
    if (decode(decoder, projs[0], &meta, (struct str){copy, n}, &batch, &err)) {
        for (const char *p = copy, *end = copy + n; p < end;) {
            const char *lf = memchr(p, '\n', (size_t)(end - p));
            size_t here =
                fuzz_line_alone(decode, &meta, (struct str){p, (size_t)((lf ? lf : end) - p)});
            number++;
            bool told = k < batch.n_rejects && batch.rejects[k].line == number;
            assert(here <= 1 && !(here && told));
            taken += here;
            k += told;
            p = lf ? lf + 1 : end;
        }
        assert(taken == batch.n && k == batch.n_rejects);
    }
    evt_batch_fini(&batch);
    free(copy);
    return 0;
}

#endif
