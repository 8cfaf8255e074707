/* record.c -- what is kept of a record: a batch's body as it came, with all that was drawn or read off the request, so that
 * decoding it again gives the same events. And what is kept of the engine itself beside its profiles.
 *
 * A batch: wire, collector time, drawn bytes, four texts of the request, of history where it stands, and the body to the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

enum { IS_HISTORY = 64 }; /* beside the wire */

void batch_pack(const struct engine_batch *b, struct buf *out)
{
    const struct evt_meta *m = &b->meta;
    buf_reserve(out, b->body.n + m->ip.n + m->useragent.n + m->referer.n + m->nuid.n + 128);
    pack_uint(out, b->wire | (b->history ? IS_HISTORY : 0));
    pack_int(out, m->collector_ms);
    buf_put(out, m->draw, sizeof(m->draw));
    pack_str(out, m->ip);
    pack_str(out, m->useragent);
    pack_str(out, m->referer);
    pack_str(out, m->nuid);
    if (b->history)
        history_pack(b->history, out);
    if (b->body.n)
        buf_put(out, b->body.p, b->body.n);
}

struct engine_batch *batch_unpack(struct str bytes)
{
    struct unpack in = unpack_of(bytes);
    uint64_t wire = unpack_uint(&in);
    struct evt_meta m = {.collector_ms = unpack_int(&in)};
    struct str draw = unpack_bytes(&in, sizeof(m.draw));
    m.ip = unpack_str(&in);
    m.useragent = unpack_str(&in);
    m.referer = unpack_str(&in);
    m.nuid = unpack_str(&in);
    bool is_history = wire & IS_HISTORY;
    struct engine_history history = {0};
    wire &= ~(uint64_t)IS_HISTORY;
    if (is_history)
        history_unpack(&in, &history);
    if (in.bad || wire >= WIRES)
        return NULL;
    struct str body = unpack_bytes(&in, (size_t)(in.end - in.p));
    struct engine_batch *b = engine_batch_new((enum engine_wire)wire, 0, body);
    b->meta = m;
    memcpy(b->meta.draw, draw.p, sizeof(m.draw));
    b->meta.ip = engine_batch_str(b, m.ip);
    b->meta.useragent = engine_batch_str(b, m.useragent);
    b->meta.referer = engine_batch_str(b, m.referer);
    b->meta.nuid = engine_batch_str(b, m.nuid);
    if (is_history)
        engine_batch_history(b, &history);
    return b;
}

enum { KEPT_FORMAT = 2 }; /* 1 knew no history */

void kept_pack(const struct engine_kept *k, struct str rules, struct buf *out)
{
    pack_uint(out, KEPT_FORMAT);
    pack_int(out, k->now_ms);
    pack_int(out, k->swapped_ms);
    pack_int(out, k->swept_ms);
    pack_uint(out, k->generation);
    pack_uint(out, k->n_spans);
    for (size_t i = 0; i < k->n_spans; i++) {
        pack_int(out, k->spans[i].longest_ms);
        pack_int(out, k->spans[i].hidden_ms);
    }
    pack_str(out, rules);
    histories_pack(&k->histories, out);
}

bool kept_unpack(struct unpack *in, struct engine_kept *k, struct str *rules)
{
    uint64_t format = unpack_uint(in);
    if (format < 1 || format > KEPT_FORMAT)
        return false;
    k->now_ms = unpack_int(in);
    k->swapped_ms = unpack_int(in);
    k->swept_ms = unpack_int(in);
    k->generation = unpack_uint(in);
    k->n_spans = unpack_count(in, 2);
    k->spans = xcalloc(k->n_spans, sizeof(*k->spans));
    for (size_t i = 0; i < k->n_spans; i++) {
        k->spans[i].longest_ms = unpack_int(in);
        k->spans[i].hidden_ms = unpack_int(in);
    }
    *rules = unpack_str(in);
    if (format >= 2)
        histories_unpack(in, &k->histories);
    return !in->bad;
}
