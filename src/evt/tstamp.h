/* tstamp.h -- points in time as milliseconds since 1970, UTC.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EVT_TSTAMP_H
#define EVT_TSTAMP_H

#include "base/base.h"

/* The years 1 to 9999: what a date of four digits can say, and far from overflow when two are
 * subtracted. */
bool tstamp_in_range(int64_t ms);
/* `YYYY-MM-DD hh:mm:ss`, with a T for the blank, up to nine decimals, and Z or an offset (`+02:00`,
 * `+0200`, `+02`) or neither, which means UTC; or digits alone: epoch milliseconds. The whole
 * string, within range, or false. */
bool tstamp_parse(struct str s, int64_t *out_ms);
/* As the enriched event writes it and no other way: with a blank, up to nine decimals, no zone. What
 * slipped into a wrong column must not pass for a time. */
bool tstamp_parse_enriched(struct str s, int64_t *out_ms);

/* What an event says about its time; each may be missing. */
struct tstamp_sources {
    const int64_t *derived; /* of an event that went through the rule before */
    const int64_t *true_tstamp, *dvce_created, *dvce_sent;
};
/* When the event happened. Never later than collector_ms: nothing may be counted before its time
 * has come. */
int64_t tstamp_derive(const struct tstamp_sources *s, int64_t collector_ms);

#endif
