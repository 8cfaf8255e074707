/* build.h -- private to plan/: what the files that build a plan share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PLAN_BUILD_H
#define PLAN_BUILD_H

#include "plan/plan.h"

/* ids.c: numbers begin at 1 */
uint32_t plan_ids_number(struct plan_ids *ids, struct str identity);

/* match.c: patterns; memory is the plan's, freed with it */
bool like_match(struct str pattern, struct str subject);
/* NULL: err says what is wrong with the expression. */
struct rlike *rlike_new(struct str pattern, struct err *err);
void rlike_free(void *r);
/* 1: found; 0: not found; -1: not known, since the subject is too long or no UTF-8, or the search took too many steps. */
int rlike_match(const struct rlike *r, struct str subject);

const struct cond_op *cond_op_find(struct str word);

struct builder {
    struct plan *plan;
    struct arena *a; /* the plan's */
    struct plan_ids *ids;
    struct plan_report *report;
    const struct plan_source *source; /* of the definition at hand */
    struct str file, rule;
    uint32_t line;
    struct evt_prop *props;
    size_t n_props, cap_props;
    struct map slots;    /* a property's canonical text -> slot + 1 */
    struct map computed; /* a function's identity -> index + 1 */
    struct map drafts;   /* a series' identity -> index + 1 */

    size_t cap_computed, cap_keys, cap_series, cap_attrs, cap_groups, cap_services, cap_rules,
        cap_scores;
};

/* build.c */
/* Reports an error against the definition at hand; returns false. line 0: the definition's. */
bool build_fail(struct builder *b, uint32_t line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
struct str build_text(const struct val *dict, const char *field); /* empty when absent */
struct str build_copy(struct builder *b, const struct val *dict, const char *field);
int64_t build_int(const struct val *dict, const char *field, int64_t otherwise);
uint32_t build_line(const struct val *dict); /* 0 when absent */
/* A field in milliseconds; 0 when absent. false: reported. */
bool build_duration(struct builder *b, const struct val *dict, const char *field, int64_t *ms);
/* The field version, 1 when absent. false: reported. */
bool build_version(struct builder *b, const struct val *def, uint32_t *version);
/* A string in a canonical form: with its length before it, so that no two forms can be mistaken for each other. */
void build_put(struct buf *text, struct str s);

/* hint.c: "; did you mean "x"?" for a word that none of these has; otherwise when nothing is near it */
enum hint_kind { HINT_KEY, HINT_GROUP, HINT_SERVICE, HINT_ATTR };
#define BUILD_NO_KEY                                                                               \
    ": there are domain_userid, user_id, network_userid, domain_sessionid, and those of "          \
    "attribute_key"
const char *build_hint(struct builder *b, enum hint_kind kind, struct str word,
                       const char *otherwise);

/* build_cond.c */
/* The slot of a PROP; -1: reported. text gets the property's canonical form. */
int build_slot(struct builder *b, const struct val *prop, struct buf *text);
/* A COND over slots. NULL: reported. The canonical form goes to text. */
struct cond *build_cond(struct builder *b, const struct val *v, struct buf *text);
/* An RCOND over the rule's reads, which it adds to. */
struct reads {
    uint32_t *attrs;
    size_t n, cap;
};
struct cond *build_rule_cond(struct builder *b, const struct val *v, struct reads *reads,
                             struct buf *text);
/* The place of an attribute among the reads; -1: reported. */
int build_read(struct builder *b, struct str ref, uint32_t line, struct reads *reads);
/* EVENTs with their own criteria. false: reported. */
bool build_matches(struct builder *b, const struct val *events, struct plan_match **out, size_t *n,
                   struct buf *text);

/* build_group.c */
bool build_group(struct builder *b, const struct val *def);
void build_series_finish(struct builder *b);
/* build_rule.c */
bool build_service(struct builder *b, const struct val *def);
bool build_rule(struct builder *b, const struct val *def);
bool build_score(struct builder *b, const struct val *def);

/* index.c */
struct plan_index *plan_index_new(const struct plan *p);
void plan_index_free(struct plan_index *ix);

#endif
