/* config.c -- what can be set: one table of options, and a value for each with where it came from.
 *
 * To add an option: a field in struct config or in a room's limits, and a row in options[]. Nothing else knows the list.
 * Where a room has the field, the room has the default too.
 * SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "flags.h"
#include "toml.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>

enum type { UNSIGNED, I64, SIZE, BOOL, STRING, LIST, LEVEL, SYNC };
#define AT(field) offsetof(struct config, field)
#define MS_MAX    (366LL * 86400 * 1000)

static const struct option {
    const char *name;
    enum type type;
    size_t at;
    int64_t least, most; /* of numbers */
    const char *dflt;    /* NULL: the room's own, or nothing */
    const char *help;
} options[] = {
    {"listen", STRING, AT(listen), 0, 0, "127.0.0.1:8080",
     "address and port to serve; port 0: any that is free"},
    {"rules", STRING, AT(rules), 0, 0, "rules", "folder of the rule files"},
    {"data", STRING, AT(data), 0, 0, "data",
     "folder for what is kept, one server's alone; made when missing"},
    {"fronts", UNSIGNED, AT(fronts), 1, 256, "1", "threads that serve requests"},
    {"referers", STRING, AT(referers), 0, 0, NULL,
     "file of referrer domains instead of the one built in"},
    {"internal_domains", LIST, AT(internal_domains), 0, 0, NULL,
     "referrer hosts that count as internal"},
    {"log.level", LEVEL, AT(log_level), 0, 0, "info",
     "the least that is logged: debug, info, warn or error"},

    {"journal.sync", SYNC, AT(journal.sync), 0, 0, NULL,
     "when an event counts as kept: always, interval or never"},
    {"journal.interval_ms", I64, AT(journal.interval_ms), 1, MS_MAX, NULL,
     "with sync = interval: what a power cut may lose at most"},
    {"journal.keep_days", UNSIGNED, AT(keep_days), 0, 36500, "60",
     "events are kept so long; 0: for ever"},
    {"journal.keep_bytes", SIZE, AT(journal.keep_bytes), 0, INT64_MAX, NULL,
     "past it the oldest events go; 0: no limit"},
    {"journal.write_back_ms", I64, AT(write_back_ms), 100, MS_MAX, "60000",
     "profiles that changed are written back so often: a start repeats what came since"},

    {"http.line", SIZE, AT(http.line), 256, 1 << 20, NULL, "bytes of a request line"},
    {"http.head", SIZE, AT(http.head), 1024, 1 << 20, NULL, "bytes of a request's head"},
    {"http.body", SIZE, AT(http.body), 1024, 1 << 30, NULL, "bytes of a body"},
    {"http.head_ms", I64, AT(http.head_ms), 1, MS_MAX, NULL,
     "a head must be there so long after its first byte"},
    {"http.body_ms", I64, AT(http.body_ms), 1, MS_MAX, NULL,
     "a body must be there so long after its head"},
    {"http.idle_ms", I64, AT(http.idle_ms), 1, MS_MAX, NULL,
     "a connection may be silent so long between requests"},
    {"http.write_ms", I64, AT(http.write_ms), 1, MS_MAX, NULL, "an answer must be read so soon"},
    {"http.drain_ms", I64, AT(http.drain_ms), 0, MS_MAX, NULL,
     "what is under way when stopping may take so long"},
    {"http.connections", UNSIGNED, AT(http.connections), 1, 1 << 20, NULL, "connections in all"},
    {"http.per_address", UNSIGNED, AT(http.per_address), 0, 1 << 20, NULL,
     "connections of one address; 0: no cap"},
    {"http.streams", UNSIGNED, AT(http.streams), 0, 1 << 20, NULL,
     "streams of interventions in all"},
    {"http.streams_per_address", UNSIGNED, AT(http.streams_per_address), 0, 1 << 20, NULL,
     "of one address; 0: no cap"},
    {"http.stream_bytes", SIZE, AT(http.stream_bytes), 1024, 1 << 30, NULL,
     "unsent bytes at which a stream is dropped"},
    {"http.stream_ping_ms", I64, AT(http.stream_ping_ms), 100, MS_MAX, NULL,
     "a silent stream gets a comment so often"},

    {"api.batches", UNSIGNED, AT(api.batches), 1, 1 << 24, NULL,
     "batches of events under way; past it, 503"},
    {"api.identifiers", UNSIGNED, AT(api.identifiers), 1, 100000, NULL,
     "identifiers that one read may ask for"},
    {"api.targets", UNSIGNED, AT(api.targets), 1, 1024, NULL,
     "identifiers that one stream may listen for"},

    {"cookie.on", BOOL, AT(cookie_on), 0, 0, "true", "set the trackers' cookie, sp"},
    {"cookie.domains", LIST, AT(cookie_domains), 0, 0, NULL,
     "its domain: the first that holds the page's host"},
    {"cookie.fallback", STRING, AT(cookie_fallback), 0, 0, NULL,
     "its domain when none of those does"},
    {"cookie.days", UNSIGNED, AT(cookie_days), 1, 3650, "365", "how long it lasts"},

    {"collector.paths", LIST, AT(collector_paths), 0, 0, NULL,
     "further paths that take trackers' events, like /a/b"},
    {"collector.dnt_cookies", LIST, AT(collector_dnt_cookies), 0, 0, NULL,
     "NAME or NAME=VALUE: of who sends such a cookie nothing is kept"},

    {"campaign.parameters", LIST, AT(campaign_parameters), 0, 0, NULL,
     "NAME=COLUMN, the first that is there wins, instead of utm_medium=mkt_medium and its like"},
    {"campaign.click_ids", LIST, AT(campaign_click_ids), 0, 0, NULL,
     "NAME=NETWORK instead of gclid=Google, msclkid=Microsoft and dclid=DoubleClick"},

    {"profile.entries", UNSIGNED, AT(profile.entries), 64, 1 << 24, NULL,
     "exact entries of a series with a period"},
    {"profile.distinct", UNSIGNED, AT(profile.distinct), 16, 1 << 24, NULL,
     "distinct values kept of an attribute"},
    {"profile.list_values", UNSIGNED, AT(profile.list_values), 1, 1 << 24, NULL,
     "values that unique_list and category_count answer"},
    {"profile.value_bytes", UNSIGNED, AT(profile.value_bytes), 16, 1 << 20, NULL,
     "bytes kept of a string value"},
    {"profile.dedupe_ids", UNSIGNED, AT(profile.dedupe_ids), 0, 1 << 24, NULL,
     "event ids remembered of an identifier"},
    {"profile.dedupe_ms", I64, AT(profile.dedupe_ms), 0, MS_MAX, NULL, "for how long"},
    {"profile.runs", UNSIGNED, AT(profile.runs), 1, 1 << 16, NULL,
     "runs of a lifetime with ttl that a late event may still join"},

    {"push.keep_ms", I64, AT(push.keep_ms), 0, MS_MAX, NULL,
     "an undelivered intervention waits so long"},
    {"push.keep_each", UNSIGNED, AT(push.keep_each), 0, 1 << 20, NULL,
     "interventions kept for one identifier"},
    {"push.keep_all", UNSIGNED, AT(push.keep_all), 0, 1 << 28, NULL, "interventions kept in all"},

    {"script.load_us", I64, AT(script.load_us), 1000, 60000000, NULL,
     "CPU time for loading a rule file"},
    {"script.call_us", I64, AT(script.call_us), 10, 10000000, NULL,
     "CPU time for one call of a formula"},
    {"script.inside_us", I64, AT(script.inside_us), 10, 1000000, NULL,
     "CPU time for one call of a criterion function over attributes"},
    {"script.test_us", I64, AT(script.test_us), 1000, 600000000, NULL,
     "CPU time for one test block"},
    {"script.memory", SIZE, AT(script.memory), 1 << 20, 1 << 30, NULL,
     "bytes a rule file may use; the hard limit is four times that"},
    {"script.strikes", UNSIGNED, AT(script.strikes), 1, 1000, NULL,
     "stops after which a function is not called any more"},
};
enum { N_OPTIONS = COUNT_OF(options) };

/* Options of a few words: the value is the word's place here. */
static const char *const words_of_level[] = {"debug", "info", "warn", "error", NULL};
static const char *const words_of_sync[] = {"always", "interval", "never", NULL};
static const struct {
    const char *const *words;
    const char *all;
} wordy[] = {[LEVEL] = {words_of_level, "debug, info, warn or error"},
             [SYNC] = {words_of_sync, "always, interval or never"}};

static const struct option *option_find(const char *name)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (!strcmp(options[i].name, name))
            return &options[i];
    return NULL;
}

static const char *option_near(const char *name)
{
    enum { FLAGS_MOST = 32 };
    const char *names[N_OPTIONS + FLAGS_MOST];
    size_t n = N_OPTIONS;
    for (size_t i = 0; i < N_OPTIONS; i++)
        names[i] = options[i].name;
    for (int i = 0; i < FLAGS_MOST && flags_name(i); i++)
        names[n++] = flags_name(i);
    return str_nearest(str_of(name), names, n);
}

static bool unknown(struct err *err, const char *where, const char *name)
{
    const char *near = option_near(name);
    return err_set(err, "%s: there is no option %s%s%s%s", where, name,
                   near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static void env_name(const struct option *o, char *out, size_t n)
{
    size_t at = (size_t)snprintf(out, n, "SIGNALBOX_%s", o->name);
    for (size_t i = 10; i < at && i < n; i++)
        out[i] = out[i] == '.'                    ? '_'
                 : out[i] >= 'a' && out[i] <= 'z' ? (char)(out[i] - 32)
                                                  : out[i];
}

static void *field(const struct config *c, const struct option *o)
{
    return (char *)c + o->at;
}

/* ---- Setting one */

static bool set_number(struct config *c, const struct option *o, const char *text,
                       const char *where, struct err *err)
{
    int64_t v;
    if (!str_i64(str_of(text), &v))
        return err_set(err, "%s: %s must be a whole number, not \"%s\"", where, o->name, text);
    if (v < o->least || v > o->most)
        return err_set(err, "%s: %s must be from %" PRId64 " to %" PRId64 ", not %" PRId64, where,
                       o->name, o->least, o->most, v);
    if (o->type == UNSIGNED)
        *(unsigned *)field(c, o) = (unsigned)v;
    else if (o->type == SIZE)
        *(size_t *)field(c, o) = (size_t)v;
    else
        *(int64_t *)field(c, o) = v;
    return true;
}

static bool set_bool(struct config *c, const struct option *o, const char *text, const char *where,
                     struct err *err)
{
    bool yes = !strcmp(text, "true") || !strcmp(text, "1");
    if (!yes && strcmp(text, "false") && strcmp(text, "0"))
        return err_set(err, "%s: %s must be true or false, not \"%s\"", where, o->name, text);
    *(bool *)field(c, o) = yes;
    return true;
}

static bool set_word(struct config *c, const struct option *o, const char *text, const char *where,
                     struct err *err)
{
    for (unsigned i = 0; wordy[o->type].words[i]; i++)
        if (!strcmp(wordy[o->type].words[i], text)) {
            *(unsigned *)field(c, o) = i;
            return true;
        }
    return err_set(err, "%s: %s must be %s, not \"%s\"", where, o->name, wordy[o->type].all, text);
}

static void set_list(struct config *c, const struct option *o, const char *const *texts, size_t n)
{
    struct config_list *list = field(c, o);
    list->items = arena_alloc(&c->arena, n * sizeof(*list->items) + 1);
    list->n = 0;
    for (size_t i = 0; i < n; i++)
        if (*texts[i])
            list->items[list->n++] = arena_str(&c->arena, str_of(texts[i]));
}

static bool set(struct config *c, const struct option *o, const char *text, const char *where,
                struct err *err)
{
    if ((o->type == UNSIGNED || o->type == I64 || o->type == SIZE) &&
        !set_number(c, o, text, where, err))
        return false;
    if (o->type == BOOL && !set_bool(c, o, text, where, err))
        return false;
    if ((o->type == LEVEL || o->type == SYNC) && !set_word(c, o, text, where, err))
        return false;
    if (o->type == STRING) /* an empty one is none */
        *(char **)field(c, o) = *text ? (char *)arena_str(&c->arena, str_of(text)).p : NULL;
    if (o->type == LIST) {
        const char *parts[256];
        size_t n = 0;
        char *copy = (char *)arena_str(&c->arena, str_of(text)).p, *save = NULL;
        for (char *part = strtok_r(copy, ",", &save); part && n < COUNT_OF(parts);
             part = strtok_r(NULL, ",", &save))
            parts[n++] = arena_str(&c->arena, str_trim(str_of(part))).p;
        set_list(c, o, parts, n);
    }
    c->origins[o - options] = arena_str(&c->arena, str_of(where)).p;
    return true;
}

void config_init(struct config *c)
{
    struct err err = {0};
    *c = (struct config){.http = http_limits_default,
                         .profile = profile_limits_default,
                         .push = push_limits_default,
                         .script = script_limits_default,
                         .journal = journal_options_default,
                         .api = api_limits_default,
                         .patience_s = -1};
    arena_init(&c->arena);
    c->origins = xcalloc(N_OPTIONS, sizeof(*c->origins));
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (options[i].dflt && !set(c, &options[i], options[i].dflt, "default", &err))
            abort(); /* the table contradicts itself */
        c->origins[i] = "default";
    }
}

void config_fini(struct config *c)
{
    free(c->origins);
    arena_fini(&c->arena);
}

/* ---- The three sources */

struct file {
    struct config *c;
    const char *path;
};

static bool take_file_value(void *ctx, const char *name, unsigned line, enum toml_kind kind,
                            const char *const *texts, size_t n, struct err *err)
{
    static const char *const wanted[] = {"a number",      "a number", "a number",
                                         "true or false", "a string", "a list of strings",
                                         "a string",      "a string"};
    static const enum toml_kind kinds[] = {TOML_NUMBER, TOML_NUMBER, TOML_NUMBER, TOML_BOOL,
                                           TOML_STRING, TOML_LIST,   TOML_STRING, TOML_STRING};
    struct file *f = ctx;
    char where[512];
    snprintf(where, sizeof(where), "%s:%u", f->path, line);
    const struct option *o = option_find(name);
    if (!o)
        return unknown(err, where, name);
    if (kind != kinds[o->type])
        return err_set(err, "%s: %s must be %s", where, name, wanted[o->type]);
    if (kind != TOML_LIST)
        return set(f->c, o, texts[0], where, err);
    set_list(f->c, o, texts, n);
    f->c->origins[o - options] = arena_str(&f->c->arena, str_of(where)).p;
    return true;
}

static const char *env_get(char *const *env, const char *name)
{
    size_t n = strlen(name);
    for (; *env; env++)
        if (!strncmp(*env, name, n) && (*env)[n] == '=')
            return *env + n + 1;
    return NULL;
}

static bool take_env(struct config *c, char *const *env, struct err *err)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        char name[128];
        env_name(&options[i], name, sizeof(name));
        const char *text = env_get(env, name);
        if (text && !set(c, &options[i], text, name, err))
            return false;
    }
    return true;
}

const char *config_unknown_env(char *const *env, size_t *i)
{
    for (; env[*i]; (*i)++) {
        char name[128];
        bool known = strncmp(env[*i], "SIGNALBOX_", 10) || flags_know_env(env[*i]);
        for (size_t k = 0; k < N_OPTIONS && !known; k++) {
            env_name(&options[k], name, sizeof(name));
            known = !strncmp(env[*i], name, strlen(name)) && env[*i][strlen(name)] == '=';
        }
        if (!known)
            return env[(*i)++];
    }
    return NULL;
}

/* One argument, taken apart: --name=value, --name value, --name. */
struct arg {
    char name[128];
    const char *value; /* NULL: none */
};

static bool wants_value(const char *name)
{
    const struct option *o = option_find(name);
    int row = flags_find(name);
    return o ? o->type != BOOL : row >= 0 && flags_wants_value(row);
}

/* Takes what stands at argv[*i] and moves *i behind it. */
static bool take_arg(struct arg *a, int argc, char *const *argv, int *i, struct err *err)
{
    const char *text = argv[(*i)++] + 2, *equals = strchrnul(text, '=');
    size_t n = MIN_OF((size_t)(equals - text), sizeof(a->name) - 1);
    memcpy(a->name, text, n);
    a->name[n] = 0;
    a->value = *equals ? equals + 1 : NULL;
    if (!option_find(a->name)) /* --internal-domains is as good */
        for (size_t k = 0; k < n && flags_find(a->name) < 0; k++)
            a->name[k] = a->name[k] == '-' ? '_' : a->name[k];
    if (a->value || !wants_value(a->name))
        return true;
    if (*i >= argc)
        return err_set(err, "--%s: a value is needed", a->name);
    a->value = argv[(*i)++];
    return true;
}

static bool take_flag(struct config *c, const struct arg *a, struct err *err)
{
    char where[140];
    const struct option *o = option_find(a->name);
    snprintf(where, sizeof(where), "--%s", a->name);
    if (o)
        return set(c, o, a->value ? a->value : "true", where, err);
    int row = flags_find(a->name);
    return row >= 0 ? flags_set(c, row, a->value, err) : unknown(err, "command line", a->name);
}

/* only_file: looks for --config alone, since the file comes before the rest. */
static bool take_args(struct config *c, int argc, char *const *argv, const char **only_file,
                      struct err *err)
{
    if (!only_file)
        c->positional = arena_alloc(&c->arena, (size_t)argc * sizeof(*c->positional) + 1);
    for (int i = 0; i < argc;) {
        struct arg a;
        bool flag = !strncmp(argv[i], "--", 2) && argv[i][2];
        if (flag) {
            if (!take_arg(&a, argc, argv, &i, err))
                return false;
            if (only_file && !strcmp(a.name, "config"))
                *only_file = a.value;
            if (!only_file && !take_flag(c, &a, err))
                return false;
            continue;
        }
        if (argv[i][0] == '-' && argv[i][1] && strcmp(argv[i], "-h"))
            return err_set(err, "command line: there is no option %s; --help lists them", argv[i]);
        if (!strcmp(argv[i], "-h"))
            c->help = true;
        else if (!only_file)
            c->positional[c->n_positional++] = argv[i];
        i++;
    }
    return true;
}

bool config_load(struct config *c, int argc, char *const *argv, char *const *env, struct err *err)
{
    flags_take_env(c, env);
    if (!take_args(c, argc, argv, &c->file, err))
        return false;
    struct file f = {.c = c, .path = c->file};
    if (f.path && *f.path && !toml_read(f.path, take_file_value, &f, err))
        return false;
    return take_env(c, env, err) && take_args(c, argc, argv, NULL, err);
}

/* ---- What is set */

bool config_check_listen(const struct config *c, struct err *err)
{
    char host[128];
    struct in_addr v4;
    struct in6_addr v6;
    const char *text = c->listen ? c->listen : "", *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    uint64_t port;
    if (!n || n >= sizeof(host) || !str_u64(str_of(colon + 1), &port) || port > 65535)
        return err_set(err, "listen: \"%s\" is no ADDRESS:PORT, like 127.0.0.1:8080 or [::1]:8080",
                       text);
    bool brackets = text[0] == '[' && text[n - 1] == ']';
    snprintf(host, sizeof(host), "%.*s", (int)(n - 2 * brackets), text + brackets);
    if (inet_pton(AF_INET, host, &v4) == 1
            ? (ntohl(v4.s_addr) >> 24) == 127
            : (inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6)))
        return true;
    if (!strcmp(host, "localhost"))
        return true;
    return err_set(err,
                   "listen: %s is not this machine's own address (127.0.0.1 or [::1]), and there "
                   "are no tokens yet that "
                   "would keep others out; put a proxy in front",
                   text);
}

static void write_value(const struct config *c, const struct option *o, struct buf *out)
{
    const struct config_list *list = field(c, o);
    struct val text;
    switch (o->type) {
    case UNSIGNED:
        buf_printf(out, "%u", *(unsigned *)field(c, o));
        break;
    case I64:
        buf_printf(out, "%" PRId64, *(int64_t *)field(c, o));
        break;
    case SIZE:
        buf_printf(out, "%zu", *(size_t *)field(c, o));
        break;
    case BOOL:
        buf_puts(out, *(bool *)field(c, o) ? "true" : "false");
        break;
    case LEVEL:
    case SYNC:
        buf_printf(out, "\"%s\"", wordy[o->type].words[*(unsigned *)field(c, o)]);
        break;
    case STRING:
        text = val_strz(*(char **)field(c, o) ? *(char **)field(c, o) : "");
        val_write_json(out, &text);
        break;
    case LIST:
        buf_putc(out, '[');
        for (size_t i = 0; i < list->n; i++) {
            text = val_str(list->items[i]);
            buf_puts(out, i ? ", " : "");
            val_write_json(out, &text);
        }
        buf_putc(out, ']');
    }
}

void config_write(const struct config *c, struct buf *out)
{
    struct str section = {0};
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *o = &options[i];
        const char *dot = strchr(o->name, '.');
        struct str here = {o->name, dot ? (size_t)(dot - o->name) : 0};
        if (!str_eq(here, section))
            buf_printf(out, "\n[%.*s]\n", STR_FMT(here));
        section = here;
        size_t start = out->n;
        buf_printf(out, "%s = ", dot ? dot + 1 : o->name);
        write_value(c, o, out);
        buf_printf(out, "%*s# %s\n", (int)MAX_OF((int)(40 - (int)(out->n - start)), 1), "",
                   c->origins[i]);
    }
}

void config_write_help(struct buf *out)
{
    struct config c;
    config_init(&c);
    for (size_t i = 0; i < N_OPTIONS; i++) {
        struct buf value = {0};
        write_value(&c, &options[i], &value);
        bool none = str_eqz(buf_str(&value), "\"\"") || str_eqz(buf_str(&value), "[]");
        struct str shown = none ? STR("none") : buf_str(&value);
        buf_printf(out, "  --%-25s %s (%.*s)\n", options[i].name, options[i].help, STR_FMT(shown));
        buf_fini(&value);
    }
    config_fini(&c);
}
