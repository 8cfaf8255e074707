/* decode_msgpack.c -- events as msgpack: one map of column names, or a list of them.
 *
 * Read in one pass, in place: what is not asked for is skipped over, which also proves that it is
 * there and not too deep, so that the parts behind a node can be walked later without a second
 * look.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/item.h"

/* One whole value: its head, with the cursor behind all of it. */
static bool take(struct mp *m, struct val *v)
{
    struct mp start = *m;
    if (!mp_next(m, v))
        return false;
    if (v->type != VAL_LIST && v->type != VAL_DICT)
        return true;
    *m = start;
    return mp_skip(m);
}

static bool decode_field(struct evt_decoder *d, const struct evt_proj *proj, struct mp *m)
{
    struct val name, v;
    if (!take(m, &name))
        return false;
    struct node node = node_mp(*m);
    if (!take(m, &v))
        return false;
    if (name.type == VAL_STR)
        columns_put(d, proj, val_as_str(name), v, &node);
    return true;
}

/* false: the bytes end early, or what follows is not msgpack or nested too deep. */
static bool decode_item(struct evt_decoder *d, const struct evt_proj *proj, struct mp *m)
{
    struct item *it = decoder_item(d, false);
    struct mp start = *m;
    struct val dict;
    if (!mp_next(m, &dict))
        return false;
    if (dict.type != VAL_DICT) {
        it->why = STR("not a map of columns");
        *m = start;
        return mp_skip(m);
    }
    for (uint32_t i = 0; i < dict.n; i++)
        if (!decode_field(d, proj, m))
            return false;
    return true;
}

static bool decode_items(struct evt_decoder *d, const struct evt_proj *proj,
                         const struct evt_meta *meta, struct mp *m, size_t n, struct evt_batch *out,
                         size_t *index)
{
    for (*index = 0; *index < n; ++*index) {
        if (!decode_item(d, proj, m))
            return false;
        item_finish(d, proj, meta, *index, out);
    }
    return true;
}

bool evt_decode_msgpack(struct evt_decoder *d, const struct evt_proj *proj,
                        const struct evt_meta *meta, struct str body, struct evt_batch *out,
                        struct err *err)
{
    const uint8_t *start = (const uint8_t *)body.p;
    struct mp m = {start, start + body.n}, items = m;
    struct val root;
    size_t n = 1, index = 0;
    if (!mp_next(&items, &root) || (root.type != VAL_LIST && root.type != VAL_DICT))
        return err_set(err, "not msgpack: want a map of columns or a list of such maps: byte 0");
    if (root.type == VAL_LIST) {
        n = root.n;
        m = items;
    }
    if (n > EVT_ITEMS_MAX)
        return err_set(err, "%zu events, more than %d", n, EVT_ITEMS_MAX);
    struct batch_mark mark = batch_mark(out);
    decoder_begin(d, proj);
    batch_reserve(out, n);
    bool ok = decode_items(d, proj, meta, &m, n, out, &index);
    if (ok && m.p == m.end)
        return true;
    batch_rewind(out, mark);
    size_t at = (size_t)(m.p - start);
    if (ok)
        return err_set(err, "%zu bytes too many behind the last event: byte %zu", body.n - at, at);
    return err_set(
        err, "not msgpack, or cut short, or nested more than %d deep: item %zu, near byte %zu",
        MP_DEPTH_MAX, index, at);
}
