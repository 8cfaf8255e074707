/* serve.c -- the server: rules, engine, endpoints and the threads beside them.
 *
 * It starts in this order: the port is bound, so that one that is taken costs no more than that; the data folder is opened and
 * what it holds put back; the rules on disk are compared with those that were in force; only then is anybody answered: who
 * connects earlier waits.
 *
 * The only place of the server that reads the wall clock: everything below gets the time as an argument.
 * SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"
#include "clock.h"
#include "control.h"
#include "data.h"
#include "watch.h"
#include "writeback.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

struct server {
    const struct config *c;
    struct api *api;
    struct rules *rules;
    struct watch *watch;
    struct control *control;
    struct writeback *writeback;
    struct evt_campaign *campaign;
};

/* Makes the folders above the data folder; what goes wrong shows when that one is made. */
static void make_parents(const char *dir)
{
    char *path = xstrdup(dir);
    for (char *p = path + 1; *path && *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(path, 0755);
            *p = '/';
        }
    free(path);
}

/* A shell gives 1,024 descriptors, long before the cap on connections is reached; more are there for the asking. */
static void take_descriptors(const struct config *c)
{
    enum { OTHERS = 256 };
    struct rlimit files;
    rlim_t want = (rlim_t)c->http.connections + OTHERS;
    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= want)
        return;
    files.rlim_cur = MIN_OF(want, files.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur < want)
        log_warn("%llu descriptors are too few for http.connections = %u: later ones are refused",
                 (unsigned long long)files.rlim_cur, c->http.connections);
}

static void reload(void *ctx)
{
    struct server *s = ctx;
    struct plan_report report;
    plan_report_init(&report);
    engine_reload(api_engine(s->api), s->rules, clock_wall_ms(), &report); /* logs what it found */
    plan_report_fini(&report);
}

static void on_hup(void *ctx)
{
    struct server *s = ctx;
    log_info("SIGHUP: the rules are loaded anew");
    watch_kick(s->watch);
}

static bool make_campaign(struct server *s, struct err *err)
{
    struct err why = {0};
    const struct config_list *params = &s->c->campaign_parameters, *ids = &s->c->campaign_click_ids;
    s->campaign = evt_campaign_new(params->items, params->n, ids->items, ids->n, &why);
    return s->campaign || err_set(err, "campaign: %s", why.text);
}

static struct api *make_api(struct server *s, struct err *err)
{
    const struct config *c = s->c;
    if (!make_campaign(s, err))
        return NULL;
    struct api_options o = {
        .engine = {.profile = c->profile,
                   .push = c->push,
                   .script = c->script,
                   .journal = data_options(c),
                   .referers = c->referers,
                   .internal_domains = c->internal_domains.items,
                   .n_internal_domains = c->internal_domains.n,
                   .campaign = s->campaign},
        .http = {.listen = c->listen,
                 .fronts = c->fronts,
                 .limits = c->http,
                 .clock_ms = clock_wall_ms},
        .limits = c->api,
        .cookie = {.on = c->cookie_on,
                   .domains = c->cookie_domains.items,
                   .n_domains = c->cookie_domains.n,
                   .fallback = c->cookie_fallback,
                   .days = c->cookie_days},
        .collector = {.paths = c->collector_paths.items,
                      .n_paths = c->collector_paths.n,
                      .dnt_cookies = c->collector_dnt_cookies.items,
                      .n_dnt_cookies = c->collector_dnt_cookies.n},
        .on_hup = on_hup,
        .ctx = s,
    };
    return api_new(&o, err);
}

/* The one line on standard output, for people and for scripts that wait for it. */
static void say_ready(const struct server *s)
{
    const char *listen = s->c->listen;
    printf("signalbox %s serves %s on http://%.*s:%d\n", SIGNALBOX_VERSION, s->c->rules,
           (int)(strrchr(listen, ':') - listen), listen, api_port(s->api));
    fflush(stdout);
}

/* `backup PATH`, on control's thread. */
static bool on_control(void *ctx, const char *line, struct buf *out)
{
    struct server *s = ctx;
    struct err err = {0};
    const char *path = line + 7;
    if (strncmp(line, "backup ", 7) || *path != '/') {
        buf_puts(out, "this server knows `backup /PATH/OF/A/NEW/FOLDER` only");
        return false;
    }
    log_info("backup to %s", path);
    if (!engine_copy(api_engine(s->api), path, &err)) {
        log_error("backup to %s: %s", path, err.text);
        buf_puts(out, err.text);
        return false;
    }
    data_measure(path, out);
    log_info("backup to %s: %.*s", path, STR_FMT(buf_str(out)));
    return true;
}

/* On write-back's thread, and at last on the main one. */
static bool write_back(void *ctx)
{
    struct server *s = ctx;
    struct engine *e = api_engine(s->api);
    if (engine_journal_state(e) == JOURNAL_FAILED)
        return true; /* until a restart there is nothing to be done */
    return engine_write_back(e);
}

/* Opens the data folder and puts back what it holds; then the rules on disk, as far as they are others. */
static bool start_engine(struct server *s, struct err *err)
{
    const struct config *c = s->c;
    if (!c->data)
        return err_set(err, "data: say which folder is to hold what is kept, with --data DIR");
    make_parents(c->data);
    s->api = make_api(s, err);
    if (!s->api)
        return false;
    s->rules = rules_new(str_of(c->rules), c->fronts + 2,
                         &c->script); /* the fronts', the engine's, the worker's lane */
    if (!engine_recover(api_engine(s->api), s->rules, err))
        return false;
    s->watch =
        watch_new(c->rules, reload, s, err); /* first, lest a change during the load go unseen */
    if (!s->watch)
        return false;
    reload(s);
    api_set_rules(s->api, s->rules);
    return true;
}

static bool start(struct server *s, struct err *err)
{
    struct err no_control = {0};
    if (!start_engine(s, err))
        return false;
    s->control = control_new(s->c->data, on_control, s, &no_control);
    if (!s->control) /* a file system without sockets, perhaps: events count more */
        log_error("backups can't be asked for while this runs: %s", no_control.text);
    s->writeback = writeback_new(write_back, s, s->c->write_back_ms, err);
    return s->writeback && watch_start(s->watch, err);
}

/* The fronts have stopped. What is durable is applied and written back, so that the next start has nothing to repeat. */
static void stop(struct server *s)
{
    control_free(s->control);
    watch_free(s->watch);
    s->control = NULL;
    s->watch = NULL;
    writeback_free(s->writeback);
    s->writeback = NULL;
    struct engine *e = api_engine(s->api);
    for (; !engine_idle(e) && engine_journal_state(e) == JOURNAL_OPEN; poll(NULL, 0, 1))
        engine_advance(e);
    /* twice: one that was under way is of an earlier moment */
    if (!write_back(s) || !write_back(s))
        log_warn("not all could be written back: the next start takes longer");
}

int serve(const struct config *c)
{
    struct server s = {.c = c};
    struct err err = {0};
    signal(SIGHUP, SIG_IGN); /* until somebody listens for it */
    signal(SIGXFSZ,
           SIG_IGN); /* a limit on the size of files is a full disk, and no reason to die */
    log_init((enum log_level)c->log_level, clock_wall_ms);
    take_descriptors(c);
    bool started = start(&s, &err);
    if (started) {
        say_ready(&s);
        api_run(s.api);
        stop(&s);
    } else {
        log_error("%s", err.text);
    }
    control_free(s.control);
    watch_free(s.watch);
    writeback_free(s.writeback);
    api_free(s.api);
    evt_campaign_free(s.campaign);
    if (s.rules)
        rules_free(s.rules);
    if (started)
        log_info("stopped");
    return started ? 0 : 1;
}
