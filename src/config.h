/* config.h -- what can be set: one table of options, and a value for each with where it came from.
 *
 * Order: command line over environment over file over default. The table is what --help, --print-config, the error messages
 * and the README's list of options read.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_H
#define CONFIG_H

#include "api/api.h"

struct config_list {
    struct str *items;
    size_t n;
};
struct config {
    char *listen, *rules, *data, *referers;
    unsigned fronts;
    unsigned log_level; /* enum log_level */
    struct config_list internal_domains, cookie_domains;
    struct config_list campaign_parameters, campaign_click_ids;
    struct config_list collector_paths, collector_dnt_cookies;
    bool cookie_on;
    char *cookie_fallback;
    unsigned cookie_days;
    struct journal_options journal; /* dir and what is drawn are serve's to fill in */
    unsigned keep_days;
    int64_t write_back_ms;
    struct http_limits http;
    struct profile_limits profile;
    struct push_limits push;
    struct script_limits script;
    struct api_limits api;
    /* Not options: what else stood on the command line; see flags.c. */
    const char **positional;
    size_t n_positional;
    uint32_t flags; /* a bit per row that was given */
    const char *file, *format, *to, *token, *refused;
    double speed, rate, patience_s; /* 0: not given; patience_s: < 0 */
    bool print, help, now, any_size;
    const char *
        *origins; /* one per option: "default", "--listen", "SIGNALBOX_LISTEN", "FILE:LINE" */
    struct arena arena;
};
void config_init(struct config *c); /* the defaults */
void config_fini(struct config *c);
/* Reads the file (--config or SIGNALBOX_CONFIG), the environment and the arguments, which start behind the command. */
bool config_load(struct config *c, int argc, char *const *argv, char *const *env, struct err *err);
/* What no single option can say: that the address is this machine's own. */
bool config_check_listen(const struct config *c, struct err *err);
/* a TOML file with comments that say where each came from */
void config_write(const struct config *c, struct buf *out);
void config_write_help(struct buf *out); /* the options, for --help */
/* Environment variables that look like ours and are not; NULL when there is none. */
const char *config_unknown_env(char *const *env, size_t *i);

#endif
