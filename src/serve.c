/* serve.c -- the server: rules, engine, endpoints and the thread that reloads.
 *
 * The only place that reads the wall clock: everything below gets the time as an argument.
 * SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"
#include "watch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct server {
    const struct config *c;
    struct api *api;
    struct rules *rules;
    struct watch *watch;
};

static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Makes the folder and those above it, and tries whether files can be made there. */
static bool data_dir(const char *dir, struct err *err)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof(path), "%s", dir) >= sizeof(path))
        return err_set(err, "data: the path is too long");
    for (char *p = path + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(path, 0755); /* what went wrong shows below */
            *p = '/';
        }
    if (mkdir(path, 0750) && errno != EEXIST)
        return err_set(err, "data: cannot make %s: %s", dir, strerror(errno));
    if (access(path, R_OK | W_OK | X_OK))
        return err_set(err, "data: cannot write to %s: %s", dir, strerror(errno));
    return true;
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
    engine_reload(api_engine(s->api), s->rules, clock_ms(), &report); /* logs what it found */
    plan_report_fini(&report);
}

static void on_hup(void *ctx)
{
    struct server *s = ctx;
    log_info("SIGHUP: the rules are loaded anew");
    watch_kick(s->watch);
}

static struct api *make_api(struct server *s, struct err *err)
{
    const struct config *c = s->c;
    struct api_options o = {
        .engine = {.profile = c->profile,
                   .push = c->push,
                   .script = c->script,
                   .referers = c->referers,
                   .internal_domains = c->internal_domains.items,
                   .n_internal_domains = c->internal_domains.n},
        .http = {.listen = c->listen, .fronts = c->fronts, .limits = c->http, .clock_ms = clock_ms},
        .limits = c->api,
        .cookie = {.on = c->cookie_on,
                   .domains = c->cookie_domains.items,
                   .n_domains = c->cookie_domains.n,
                   .fallback = c->cookie_fallback,
                   .days = c->cookie_days},
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

static bool start(struct server *s, struct err *err)
{
    const struct config *c = s->c;
    if (!data_dir(c->data ? c->data : "", err))
        return false;
    s->api = make_api(s, err);
    if (!s->api)
        return false;
    s->rules = rules_new(str_of(c->rules), c->fronts + 2,
                         &c->script); /* the fronts', the engine's, the worker's lane */
    s->watch =
        watch_new(c->rules, reload, s, err); /* first, lest a change during the load go unseen */
    if (!s->watch)
        return false;
    reload(s);
    api_set_rules(s->api, s->rules);
    return watch_start(s->watch, err);
}

int serve(const struct config *c)
{
    struct server s = {.c = c};
    struct err err = {0};
    signal(SIGHUP, SIG_IGN); /* until somebody listens for it */
    log_init((enum log_level)c->log_level, clock_ms);
    take_descriptors(c);
    bool started = start(&s, &err);
    if (started) {
        say_ready(&s);
        api_run(s.api);
        log_info("stopped");
    } else {
        log_error("%s", err.text);
    }
    watch_free(s.watch);
    api_free(s.api);
    if (s.rules)
        rules_free(s.rules);
    return started ? 0 : 1;
}
