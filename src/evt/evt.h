/* evt.h -- what an event is, and the decoders that make one from bytes.
 *
 * A projection says which properties somebody asks for; each has a slot. A decoder validates the whole body, fills the slots
 * and passes over the rest. Whether a body is accepted never depends on the projection.
 * Decoders are pure: time, addresses and drawn bytes come in as struct evt_meta.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_H
#define EVT_H

#include "base/base.h"

/* -- columns.c: the 131 columns of a Snowplow enriched event, in order */
enum { EVT_COLUMNS = 131 };
enum evt_column_type {
    EVT_COL_STRING,
    EVT_COL_INT,
    EVT_COL_DOUBLE,
    EVT_COL_BOOL,
    EVT_COL_TIMESTAMP,
    EVT_COL_JSON
};
struct evt_column {
    const char *name;
    enum evt_column_type type;
};
extern const struct evt_column evt_columns[EVT_COLUMNS];
int evt_column_find(struct str name); /* -1 when there is none */
/* Their indices, for code that names one: EVT_COL_APP_ID ... are not spelled out here; see columns.c. */

/* -- tstamp.c: the text of a column of times, as milliseconds since 1970; see tstamp.h */
bool tstamp_parse(struct str s, int64_t *out_ms);
bool tstamp_parse_enriched(struct str s, int64_t *out_ms); /* as TSV has it, and no other way */

/* -- path.c: a subset of JSONPath: `a.b[0].c`, with or without `$.`; also ["odd name"] steps */
struct evt_step {
    struct str key; /* p == NULL: an index */
    uint32_t index;
};
struct evt_path {
    struct evt_step *steps;
    size_t n;
};
enum { EVT_PATH_MAX = 16 };
bool evt_path_parse(struct str text, struct arena *a, struct evt_path *out, struct err *err);

/* -- proj.c: which properties the plan asks for */
enum evt_prop_kind { EVT_PROP_ATOMIC, EVT_PROP_EVENT, EVT_PROP_ENTITY };
struct evt_prop {
    enum evt_prop_kind kind;
    int column;              /* ATOMIC */
    struct str vendor, name; /* EVENT, ENTITY; an empty one matches all */
    int major;               /* EVENT, ENTITY: the version's first number; -1 matches all */
    uint32_t index;          /* ENTITY: which of those attached, from 0 */
    struct evt_path path;    /* EVENT, ENTITY */
};
struct evt_proj;
/* Slot i is props[i] (distinct ones; the caller joins equal ones). Copies everything. */
struct evt_proj *evt_proj_new(const struct evt_prop *props, size_t n);
void evt_proj_free(struct evt_proj *p);
size_t evt_proj_slots(const struct evt_proj *p);

/* -- one event, as everything behind the decoders sees it. All bytes belong to the batch's arena. */
struct evt {
    int64_t ts_ms;                    /* derived_tstamp, UTC */
    uint64_t id;                      /* str_hash of the event_id in lower case */
    struct str vendor, name, version; /* version like 1-0-0 */
    /* evt_proj_slots() of them; VAL_NULL where missing or of a type no scalar has */
    struct val *slots;
};
struct evt_reject {
    size_t index; /* in the body, from 0 */
    size_t line;  /* in a body of lines: from 1, blank ones counted; 0 elsewhere */
    struct str
        column; /* of a line: the name of the column that is wrong; empty: it is the whole line */
    struct str why;
};
struct evt_batch {
    struct arena arena;
    struct evt *evts;
    size_t n;
    struct evt_reject *rejects; /* items that could not be read while their neighbours could */
    size_t n_rejects;
};
void evt_batch_init(struct evt_batch *b);
void evt_batch_fini(struct evt_batch *b);

/* What a request brings besides its body. Borrowed during the call only. */
struct evt_meta {
    int64_t collector_ms;
    uint8_t draw[16]; /* random: event i without an event_id gets the UUID made of hash(draw, i) */
    struct str ip;    /* text */
    struct str useragent; /* of the request */
    struct str referer;   /* of the request: page_url when the tracker sends none */
    struct str nuid;      /* network_userid by cookie or query; the tracker's tnuid wins */
};

/* -- referer.c: referrer medium by domain, from a data file that can be replaced */
struct evt_referers;
/* JSON lines or the format documented in referer.c; error names the line. */
struct evt_referers *evt_referers_load(const char *path, struct err *err);
struct evt_referers *evt_referers_builtin(void); /* the file shipped, embedded in the binary */
void evt_referers_free(struct evt_referers *r);

/* -- campaign.c: which parameters of a page's query fill the marketing columns */
struct evt_campaign;
/* params: NAME=COLUMN, e.g. cid=mkt_campaign; click_ids: NAME=NETWORK, e.g. fbclid=Facebook. Each in order of precedence; an
 * empty list stands for the usual ones: utm_medium and the other four; gclid, msclkid, dclid. Copies everything. */
struct evt_campaign *evt_campaign_new(const struct str *params, size_t n_params,
                                      const struct str *click_ids, size_t n_click_ids,
                                      struct err *err);
void evt_campaign_free(struct evt_campaign *c);

/* -- A decoder: its scratch memory is used again from call to call. One a thread. */
struct evt_decoder;
struct evt_decoder *evt_decoder_new(const struct evt_referers *refs,
                                    const struct str *internal_domains, size_t n_domains);
/* Borrowed; NULL, as from the start: the usual parameters. */
void evt_decoder_campaign(struct evt_decoder *d, const struct evt_campaign *c);
void evt_decoder_free(struct evt_decoder *d);
enum {
    EVT_PADDING = 64
}; /* readable bytes that must stand behind a body (simdjson reads past its end) */

/* Every decoder: appends to an initialised batch. true: the envelope could be read; items that could not are in rejects.
 * false: nothing was taken, err says what and where (byte, item, field). */
/* decode_tp2.c: a tracker's POST body {"schema": payload_data/1-0-*, "data": [{"e": "pv", ...}]} */
bool evt_decode_tp2(struct evt_decoder *d, const struct evt_proj *proj, const struct evt_meta *meta,
                    struct str body, struct evt_batch *out, struct err *err);
/* decode_tp2.c: a tracker's GET query string, without the '?'; one event */
bool evt_decode_query(struct evt_decoder *d, const struct evt_proj *proj,
                      const struct evt_meta *meta, struct str query, struct evt_batch *out,
                      struct err *err);
/* decode_json.c: one map of column names or an array of maps. contexts, derived_contexts: [{schema, data}, ...] or
 * {schema, data: [...]}; unstruct_event: {schema, data} or wrapped once more, as in the enriched event. */
bool evt_decode_json(struct evt_decoder *d, const struct evt_proj *proj,
                     const struct evt_meta *meta, struct str body, struct evt_batch *out,
                     struct err *err);
/* decode_ndjson.c: such a map a line. Lines end with LF or CRLF; blank ones are passed over. */
bool evt_decode_ndjson(struct evt_decoder *d, const struct evt_proj *proj,
                       const struct evt_meta *meta, struct str body, struct evt_batch *out,
                       struct err *err);
/* decode_tsv.c: Snowplow's enriched event, 131 columns a line. A line with a column that is not of its type is rejected whole.
 * The events come out in the order of their times, whatever the order of the lines: one that turns a body round is common. */
bool evt_decode_tsv(struct evt_decoder *d, const struct evt_proj *proj, const struct evt_meta *meta,
                    struct str body, struct evt_batch *out, struct err *err);
/* decode_msgpack.c: the same as msgpack */
bool evt_decode_msgpack(struct evt_decoder *d, const struct evt_proj *proj,
                        const struct evt_meta *meta, struct str body, struct evt_batch *out,
                        struct err *err);

#endif
