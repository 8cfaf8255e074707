/* node.c -- walks JSON trees and msgpack bytes alike.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/node.h"

#include <assert.h>

struct node node_json(struct json_node n)
{
    return (struct node){.json = n};
}

struct node node_mp(struct mp m)
{
    return (struct node){.is_mp = true, .mp = m};
}

/* Reading what mp_skip has accepted. */
static struct val mp_head(struct mp *m)
{
    struct val v;
    bool ok = mp_next(m, &v);
    assert(ok);
    (void)ok;
    return v;
}

/* One whole value: its head, with the cursor behind all of it. */
static struct val mp_take(struct mp *m)
{
    struct mp start = *m;
    struct val v = mp_head(m);
    if (v.type == VAL_LIST || v.type == VAL_DICT) {
        *m = start;
        bool ok = mp_skip(m);
        assert(ok);
        (void)ok;
    }
    return v;
}

struct val node_val(const struct node *n)
{
    if (!n->is_mp)
        return json_val(n->json);
    struct mp m = n->mp;
    struct val v = mp_head(&m);
    return v.type == VAL_STR && !utf8_valid(val_as_str(v)) ? val_null : v;
}

bool dict_walk(const struct node *dict, struct node_iter *it)
{
    it->is_mp = dict->is_mp;
    if (dict->is_mp) {
        it->mp = dict->mp;
        struct val v = mp_head(&it->mp);
        it->left = v.n;
        return v.type == VAL_DICT;
    }
    if (json_val(dict->json).type != VAL_DICT)
        return false;
    it->json = json_dict_walk(dict->json);
    return true;
}

bool dict_next(struct node_iter *it, struct str *key, struct node *value)
{
    value->is_mp = it->is_mp;
    if (!it->is_mp)
        return json_dict_next(&it->json, key, &value->json);
    while (it->left) {
        it->left--;
        struct val name = mp_take(&it->mp);
        value->mp = it->mp;
        mp_take(&it->mp);
        *key = val_as_str(name);
        if (name.type == VAL_STR)
            return true;
    }
    return false;
}

bool list_walk(const struct node *list, struct node_iter *it)
{
    it->is_mp = list->is_mp;
    if (list->is_mp) {
        it->mp = list->mp;
        struct val v = mp_head(&it->mp);
        it->left = v.n;
        return v.type == VAL_LIST;
    }
    if (json_val(list->json).type != VAL_LIST)
        return false;
    it->json = json_list_walk(list->json);
    return true;
}

bool list_next(struct node_iter *it, struct node *item)
{
    item->is_mp = it->is_mp;
    if (!it->is_mp)
        return json_list_next(&it->json, &item->json);
    if (it->left == 0)
        return false;
    it->left--;
    item->mp = it->mp;
    mp_take(&it->mp);
    return true;
}

static bool step_key(struct node *n, struct str key)
{
    struct node_iter it;
    struct node value;
    struct str name;
    bool found = false;
    if (!dict_walk(n, &it))
        return false;
    while (dict_next(&it, &name, &value)) {
        if (str_eq(name, key)) {
            *n = value;
            found = true;
        }
    }
    return found;
}

static bool step_index(struct node *n, uint32_t index)
{
    struct node_iter it;
    if (!list_walk(n, &it))
        return false;
    for (uint32_t i = 0; list_next(&it, n); i++)
        if (i == index)
            return true;
    return false;
}

struct val node_find(const struct node *n, const struct evt_step *steps, size_t n_steps)
{
    struct node at = *n;
    for (size_t i = 0; i < n_steps; i++)
        if (!(steps[i].key.p ? step_key(&at, steps[i].key) : step_index(&at, steps[i].index)))
            return val_null;
    struct val v = node_val(&at);
    return v.type == VAL_LIST || v.type == VAL_DICT || v.type == VAL_BIN ? val_null : v;
}

/* Leaves the iterator behind the dict. */
static void read_sd(struct node_iter *it, struct sd *out)
{
    struct node value;
    struct str key;
    while (dict_next(it, &key, &value)) {
        if (str_eq(key, STR("schema"))) {
            struct val v = node_val(&value);
            out->schema = v.type == VAL_STR ? val_as_str(v) : (struct str){0};
        } else if (str_eq(key, STR("data"))) {
            out->data = value;
            out->has_data = true;
        }
    }
}

void node_sd(const struct node *n, struct sd *out)
{
    struct node_iter it;
    *out = (struct sd){0};
    if (dict_walk(n, &it))
        read_sd(&it, out);
}

bool sd_next(struct node_iter *it, struct sd *out)
{
    struct node_iter pairs;
    struct node item;
    *out = (struct sd){0};
    if (!it->is_mp) {
        if (!list_next(it, &item))
            return false;
        node_sd(&item, out);
        return true;
    }
    if (it->left == 0)
        return false;
    it->left--;
    item = node_mp(it->mp);
    if (dict_walk(&item, &pairs)) {
        read_sd(&pairs, out);
        it->mp = pairs.mp;
    } else {
        mp_take(&it->mp);
    }
    return true;
}
