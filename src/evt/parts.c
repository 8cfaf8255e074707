/* parts.c -- the self-describing parts of an item: its contexts and its own data.
 *
 * All of them are read and checked, whoever asks for them or not, so that an item that is accepted
 * today is accepted after any change of the rules. Only what a slot wants is looked up inside.
 * SPDX-License-Identifier: Apache-2.0 */
#include "evt/base64.h"
#include "evt/device.h"
#include "evt/finish.h"

static const char contexts_schema[] = "com.snowplowanalytics.snowplow/contexts";
static const char unstruct_schema[] = "com.snowplowanalytics.snowplow/unstruct_event";

/* Text into one of the decoder's trees. Copied first, so that simdjson finds its padding behind it.
 */
static bool parse_text(struct finish *f, enum part_id id, struct node *root)
{
    struct part *part = &f->item->parts[id];
    struct buf *text = &f->d->text;
    struct err err = {0};
    size_t n = part->text.n;
    text->n = 0;
    buf_reserve(text, MAX_OF(n, base64_room(n)) + JSON_PADDING);
    if (part->form == PART_BASE64) {
        if (!base64_decode(part->text, (uint8_t *)text->p, &n))
            return finish_refuse(f, "%s: bad base64", part->field);
    } else {
        memcpy(text->p, part->text.p, n);
    }
    memset(text->p + n, 0, JSON_PADDING);
    *root = node_json((struct json_node){0});
    if (!json_parse(f->d->trees[id], (struct str){text->p, n}, &root->json, &err))
        return finish_refuse(f, "%s: %s", part->field, err.text);
    return true;
}

/* *here: whether the item has that part at all. */
static bool open_part(struct finish *f, enum part_id id, bool *here, struct node *root)
{
    struct part *part = &f->item->parts[id];
    *here = part->form != PART_ABSENT;
    switch (part->form) {
    case PART_ABSENT:
        return true;
    case PART_TEXT:
    case PART_BASE64:
        return parse_text(f, id, root);
    case PART_NODE:
        *root = part->node;
        return true;
    case PART_WRONG:
        break;
    }
    return finish_refuse(f, "%s: not self-describing data", part->field);
}

/* The wants with this index, in one walk over the data when it is a dict, as it nearly always is.
 */
static void take_wants(struct finish *f, const struct proj_group *g, uint32_t index,
                       const struct node *data)
{
    struct node_iter it;
    struct node value;
    struct str key;
    if (!dict_walk(data, &it)) {
        for (const struct proj_want *w = g->wants; w < g->wants + g->n; w++)
            if (w->index == index)
                f->d->slots[w->slot] = node_find(data, w->path.steps, w->path.n);
        return;
    }
    while (dict_next(&it, &key, &value))
        for (const struct proj_want *w = g->wants; w < g->wants + g->n; w++)
            if (w->index == index && w->path.steps[0].key.p && str_eq(w->path.steps[0].key, key))
                f->d->slots[w->slot] = node_find(&value, w->path.steps + 1, w->path.n - 1);
}

static void take_entity(struct finish *f, const struct iglu *uri, const struct sd *sd)
{
    const struct proj_set *set = &f->proj->entity;
    for (const struct proj_group *g = proj_first(set, uri); g; g = proj_next(set, uri, g)) {
        uint32_t index = f->d->seen[g - set->groups]++;
        if (sd->has_data)
            take_wants(f, g, index, &sd->data);
    }
}

/* The list of entities: as it is, or wrapped as {schema: contexts, data: [...]}. */
static bool unwrap_contexts(struct finish *f, const char *field, struct node *root)
{
    struct sd sd;
    struct iglu uri;
    if (node_val(root).type == VAL_LIST)
        return true;
    node_sd(root, &sd);
    if (!iglu_parse(sd.schema, &uri))
        return finish_refuse(f, "%s: no schema", field);
    if (!iglu_is(&uri, str_of(contexts_schema)))
        return finish_refuse(f, "%s: want the schema contexts, not %.*s", field,
                             STR_FMT(finish_quote(sd.schema)));
    if (!sd.has_data || node_val(&sd.data).type != VAL_LIST)
        return finish_refuse(f, "%s: data is no list", field);
    *root = sd.data;
    return true;
}

static bool read_contexts(struct finish *f, enum part_id id, unsigned *n_entities)
{
    const char *field = f->item->parts[id].field;
    struct node root;
    struct node_iter it;
    struct sd sd;
    struct iglu uri;
    bool here;
    if (!open_part(f, id, &here, &root))
        return false;
    if (!here)
        return true;
    if (!unwrap_contexts(f, field, &root))
        return false;
    list_walk(&root, &it);
    for (unsigned i = 0; sd_next(&it, &sd); i++) {
        if (++*n_entities > EVT_ENTITIES_MAX)
            return finish_refuse(f, "%s: more than %d entities", field, EVT_ENTITIES_MAX);
        if (!iglu_parse(sd.schema, &uri))
            return finish_refuse(f, "%s: entity %u: no schema", field, i);
        f->item->has_device |= iglu_is(&uri, STR(DEVICE_ENTITY));
        take_entity(f, &uri, &sd);
    }
    return true;
}

static bool read_event(struct finish *f, enum part_id id)
{
    const char *field = f->item->parts[id].field;
    struct node root;
    struct sd sd;
    struct iglu uri;
    bool here;
    if (!open_part(f, id, &here, &root))
        return false;
    if (!here)
        return true;
    node_sd(&root, &sd);
    bool ok = iglu_parse(sd.schema, &uri);
    if (ok && iglu_is(&uri, str_of(unstruct_schema))) {
        root = sd.data;
        if (sd.has_data)
            node_sd(&root, &sd);
        ok = sd.has_data && iglu_parse(sd.schema, &uri);
    }
    if (!ok)
        return finish_refuse(f, "%s: no schema", field);
    if (f->has_event) /* ue_px beside ue_pr: checked, not used */
        return true;
    f->has_event = true;
    f->event = uri;
    const struct proj_set *set = &f->proj->event;
    for (const struct proj_group *g = proj_first(set, &uri); g; g = proj_next(set, &uri, g))
        if (sd.has_data)
            take_wants(f, g, 0, &sd.data);
    return true;
}

bool finish_parts(struct finish *f)
{
    unsigned n_entities = 0;
    if (f->proj->entity.n)
        memset(f->d->seen, 0, f->proj->entity.n * sizeof(*f->d->seen));
    return read_contexts(f, PART_CO, &n_entities) && read_contexts(f, PART_CX, &n_entities) &&
           read_contexts(f, PART_DERIVED, &n_entities) && read_event(f, PART_UE_PR) &&
           read_event(f, PART_UE_PX);
}
