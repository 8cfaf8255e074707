/* base_load.c -- a load generator: keep-alive connections on epoll, each sending its next request when the last is answered.
 *
 *   base_load PORT PID WORKLOAD SECONDS CONNECTIONS THREADS
 *
 * Prints one JSON line: requests, events, errors, seconds, latency percentiles in microseconds, and the CPU time that process
 * PID (the server) used meanwhile. Every event has an id of its own and one of 100,000 devices, patched into a template.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DEVICES = 100000, ID = 36, MAX_IDS = 256, BUCKETS = 64 * 40, WARM_UP_MS = 500 };
static const char event_mark[] = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee";
static const char device_mark[] = "dddddddd-dddd-4ddd-8ddd-dddddddddddd";

/* -- What is sent */

struct workload {
    const char *name, *path, *type;
    unsigned events; /* a request; 0: it reads */
    void (*write_body)(struct buf *out, unsigned events);
};

/* A page view as the browser tracker sends it: 40 fields and three entities in base64, about two kilobytes. */
static void write_tracker_event(struct buf *out)
{
    static const char fields[] = "\"url\":\"https://shop.example.com/products/boots/"
                                 "winter-boot-42?utm_source=newsletter&utm_medium=email&"
                                 "utm_campaign=winter\",\"page\":\"Winter boot 42 - "
                                 "Shop\",\"refr\":\"https://www.google.com/search?q=winter+boots\","
                                 "\"tv\":\"js-4.6.0\",\"tna\":\"sp1\",\"aid\":\"shop\",\"p\":"
                                 "\"web\",\"cookie\":\"1\",\"cs\":\"UTF-8\","
                                 "\"lang\":\"de-DE\",\"res\":\"1920x1080\",\"cd\":\"24\",\"tz\":"
                                 "\"Europe/Berlin\",\"dtm\":\"1700000000000\","
                                 "\"vp\":\"1280x930\",\"ds\":\"1265x4210\",\"vid\":\"7\",\"sid\":"
                                 "\"0f2d8b3e-7b3c-4a55-9f0c-2a6f4d1c9b11\","
                                 "\"stm\":\"1700000000005\",\"f_pdf\":\"1\",\"fp\":\"2145387\","
                                 "\"tnuid\":\"6c1b2a9d-52aa-4f3e-b5b1-9b3a5d2c7e10\","
                                 "\"uid\":\"customer-1234567\",\"ua\":\"Mozilla/5.0 (X11; Linux "
                                 "x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
                                 "Chrome/126.0.0.0 Safari/537.36\",";
    /* web_page, yauaa_context and an optimizely state, as contexts/1-0-0 */
    static const char contexts[] = "eyJzY2hlbWEiOiJpZ2x1OmNvbS5zbm93cGxvd2FuYWx5dGljcy5zbm93cGxvdy9"
                                   "jb250ZXh0cy9qc29uc2NoZW1hLzEtMC0wIiwiZGF0YSI6W3sic2No"
                                   "ZW1hIjoiaWdsdTpjb20uc25vd3Bsb3dhbmFseXRpY3Muc25vd3Bsb3cvd2ViX3B"
                                   "hZ2UvanNvbnNjaGVtYS8xLTAtMCIsImRhdGEiOnsiaWQiOiI1ZjZm"
                                   "YjU3NC0xYjVlLTRiN2QtOWM0Ni1mZjNkMWI2YTBlMTEifX0seyJzY2hlbWEiOiJ"
                                   "pZ2x1Om5sLmJhc2plcy95YXVhYV9jb250ZXh0L2pzb25zY2hlbWEv"
                                   "MS0wLTQiLCJkYXRhIjp7ImRldmljZUNsYXNzIjoiRGVza3RvcCIsImFnZW50TmF"
                                   "tZSI6IkNocm9tZSIsIm9wZXJhdGluZ1N5c3RlbU5hbWUiOiJMaW51"
                                   "eCJ9fSx7InNjaGVtYSI6ImlnbHU6Y29tLm9wdGltaXplbHkub3B0aW1pemVseXg"
                                   "vc3VtbWFyeS9qc29uc2NoZW1hLzEtMC0wIiwiZGF0YSI6eyJleHBl"
                                   "cmltZW50SWQiOjEyMzQ1LCJ2YXJpYXRpb25OYW1lIjoiQiJ9fV19";
    buf_printf(out, "{\"e\":\"pv\",%s\"eid\":\"%s\",\"duid\":\"%s\",\"cx\":\"%s\"}", fields,
               event_mark, device_mark, contexts);
}

static void write_tp2(struct buf *out, unsigned events)
{
    buf_puts(out, "{\"schema\":\"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/"
                  "1-0-4\",\"data\":[");
    for (unsigned i = 0; i < events; i++) {
        buf_puts(out, i ? "," : "");
        write_tracker_event(out);
    }
    buf_puts(out, "]}");
}

static struct val pair(struct arena *a, const char *key1, struct val v1, const char *key2,
                       struct val v2)
{
    size_t used = 0;
    struct val d = val_dict(a, 2);
    dict_put(&d, &used, str_of(key1), v1);
    dict_put(&d, &used, str_of(key2), v2);
    return d;
}

/* An add_to_cart with its product, of columns, as an application sends it. */
static struct val shop_event(struct arena *a)
{
#define SHOP "com.snowplowanalytics.snowplow.ecommerce"
    size_t used = 0, data_used = 0;
    struct val e = val_dict(a, 12), data = val_dict(a, 1), contexts = val_list(a, 1);
    dict_put(&data, &data_used, STR("type"), val_strz("add_to_cart"));
    contexts.items[0] = pair(a, "schema", val_strz("iglu:" SHOP "/product/jsonschema/1-0-0"),
                             "data", pair(a, "price", val_dbl(24.5), "id", val_strz("boot-42")));
    dict_put(&e, &used, STR("app_id"), val_strz("shop"));
    dict_put(&e, &used, STR("platform"), val_strz("web"));
    dict_put(&e, &used, STR("event_vendor"), val_strz(SHOP));
    dict_put(&e, &used, STR("event_name"), val_strz("snowplow_ecommerce_action"));
    dict_put(&e, &used, STR("event_version"), val_strz("1-0-2"));
    dict_put(&e, &used, STR("event_id"), val_strz(event_mark));
    dict_put(&e, &used, STR("domain_userid"), val_strz(device_mark));
    dict_put(&e, &used, STR("page_url"),
             val_strz("https://shop.example.com/products/boots/winter-boot-42"));
    dict_put(&e, &used, STR("page_urlhost"), val_strz("shop.example.com"));
    dict_put(&e, &used, STR("br_lang"), val_strz("de-DE"));
    dict_put(&e, &used, STR("unstruct_event"),
             pair(a, "schema", val_strz("iglu:" SHOP "/snowplow_ecommerce_action/jsonschema/1-0-2"),
                  "data", data));
    dict_put(&e, &used, STR("contexts"), contexts);
    return e;
}

static void write_msgpack(struct buf *out, unsigned events)
{
    struct arena a;
    arena_init(&a);
    struct val list = val_list(&a, events);
    for (unsigned i = 0; i < events; i++)
        list.items[i] = shop_event(&a);
    val_write_msgpack(out, &list);
    arena_fini(&a);
}

static void write_read(struct buf *out, unsigned events)
{
    buf_printf(out,
               "{\"service\":\"prospect_scoring_tutorial_service\",\"attribute_keys\":{\"domain_"
               "userid\":[\"%s\"]}}",
               device_mark);
}

#define TP2_PATH "/com.snowplowanalytics.snowplow/tp2"
static const struct workload workloads[] = {
    {"tp2x1", TP2_PATH, "application/json; charset=UTF-8", 1, write_tp2},
    {"tp2x10", TP2_PATH, "application/json; charset=UTF-8", 10, write_tp2},
    {"msgpackx100", "/api/v1/events", "application/msgpack", 100, write_msgpack},
    {"read", "/api/v1/get-online-attributes", "application/json", 0, write_read},
};

/* A request whose ids stand at known places. */
struct request {
    struct buf bytes;
    size_t event_at[MAX_IDS], device_at[MAX_IDS];
    size_t n_events, n_devices;
};

static size_t find_marks(const struct buf *b, const char *mark, size_t *at)
{
    size_t n = 0;
    for (char *p = b->p; (p = memmem(p, (size_t)(b->p + b->n - p), mark, ID)) && n < MAX_IDS;
         p += ID)
        at[n++] = (size_t)(p - b->p);
    return n;
}

static void request_init(struct request *r, const struct workload *w)
{
    struct buf body = {0};
    *r = (struct request){0};
    w->write_body(&body, w->events);
    buf_printf(
        &r->bytes,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
        w->path, w->type, body.n);
    buf_put(&r->bytes, body.p, body.n);
    buf_fini(&body);
    r->n_events = find_marks(&r->bytes, event_mark, r->event_at);
    r->n_devices = find_marks(&r->bytes, device_mark, r->device_at);
}

static void put_hex(char *to, uint64_t v, int digits)
{
    while (digits-- > 0) {
        to[digits] = "0123456789abcdef"[v & 15];
        v >>= 4;
    }
}

/* Fresh event ids; devices as a multiplicative walk over all of them, so that caches see a large shop. */
static void request_patch(struct request *r, uint64_t *next)
{
    for (size_t i = 0; i < r->n_events; i++) {
        uint64_t id = *next * MAX_IDS + i;
        put_hex(r->bytes.p + r->event_at[i], id >> 48, 8);
        put_hex(r->bytes.p + r->event_at[i] + 24, id, 12);
    }
    for (size_t i = 0; i < r->n_devices; i++)
        put_hex(r->bytes.p + r->device_at[i] + 24, (*next * 7919 + i * 104729) % DEVICES, 12);
    ++*next;
}

/* -- Time */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* User and system time of a process, in microseconds. */
static int64_t cpu_us(long pid)
{
    char path[64], line[1024], *p;
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "r");
    if (f && fgets(line, sizeof(line), f) && (p = strrchr(line, ')')))
        sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    if (f)
        fclose(f);
    return (int64_t)(user + system) * 1000000 / sysconf(_SC_CLK_TCK);
}

/* Sixty-four buckets to a power of two: within 1.6 %. */
static size_t bucket_of(uint64_t us)
{
    if (us < 64)
        return us;
    unsigned shift = 63 - (unsigned)__builtin_clzll(us) - 6;
    return MIN_OF((shift + 1) * 64 + (us >> shift) - 64, BUCKETS - 1);
}

static uint64_t bucket_value(size_t b)
{
    return b < 64 ? b : (uint64_t)(64 + b % 64) << (b / 64 - 1);
}

/* -- Connections */

struct conn {
    int fd;
    struct request request;
    size_t sent, got;
    int64_t began_ns;
    char answer[65536];
};
struct worker {
    pthread_t thread;
    const struct workload *workload;
    int port;
    unsigned n_conns;
    uint64_t first;
    uint64_t requests, errors;
    uint64_t latency[BUCKETS];
};
static _Atomic bool counting, stopping;

static void die(const char *what)
{
    fprintf(stderr, "base_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void conn_open(struct conn *c, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof(to)))
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* The whole request, or what the socket takes now. */
static void conn_send(struct conn *c)
{
    while (c->sent < c->request.bytes.n) {
        ssize_t n = send(c->fd, c->request.bytes.p + c->sent, c->request.bytes.n - c->sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0)
            die("send");
        c->sent += (size_t)n;
    }
}

static void conn_next(struct conn *c, uint64_t *next)
{
    request_patch(&c->request, next);
    c->sent = c->got = 0;
    c->began_ns = now_ns();
    conn_send(c);
}

/* Is a whole answer there? Its status, or 0. Answers here have a Content-Length. */
static int answer_status(const struct conn *c)
{
    const char *end = memmem(c->answer, c->got, "\r\n\r\n", 4);
    if (!end)
        return 0;
    const char *length = strcasestr(c->answer, "\r\ncontent-length:");
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    return (size_t)(end - c->answer) + 4 + body <= c->got ? atoi(c->answer + 9) : 0;
}

static void conn_readable(struct worker *w, struct conn *c, uint64_t *next)
{
    ssize_t n = recv(c->fd, c->answer + c->got, sizeof(c->answer) - 1 - c->got, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("the server closed a connection");
    c->got += (size_t)n;
    c->answer[c->got] = 0;
    int status = answer_status(c);
    if (!status)
        return;
    if (atomic_load_explicit(&counting, memory_order_relaxed)) {
        w->requests++;
        w->errors += status != 200;
        w->latency[bucket_of((uint64_t)(now_ns() - c->began_ns) / 1000)]++;
    }
    if (status != 200 && w->errors == 1)
        fprintf(stderr, "base_load: the first error: %.*s\n", (int)MIN_OF(c->got, 400), c->answer);
    conn_next(c, next);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct conn *conns = xcalloc(w->n_conns, sizeof(*conns));
    uint64_t next = w->first;
    int poll = epoll_create1(0);
    for (unsigned i = 0; i < w->n_conns; i++) {
        struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &conns[i]};
        request_init(&conns[i].request, w->workload);
        conn_open(&conns[i], w->port);
        epoll_ctl(poll, EPOLL_CTL_ADD, conns[i].fd, &ev);
        conn_next(&conns[i], &next);
    }
    while (!stopping) {
        struct epoll_event ready[64];
        int n = epoll_wait(poll, ready, COUNT_OF(ready), 100);
        for (int i = 0; i < n; i++) {
            struct conn *c = ready[i].data.ptr;
            if (ready[i].events & EPOLLOUT)
                conn_send(c);
            if (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                conn_readable(w, c, &next);
        }
    }
    for (unsigned i = 0; i < w->n_conns; i++) {
        close(conns[i].fd);
        buf_fini(&conns[i].request.bytes);
    }
    close(poll);
    free(conns);
    return NULL;
}

static uint64_t percentile(const uint64_t *latency, uint64_t total, double share)
{
    uint64_t seen = 0;
    for (size_t b = 0; b < BUCKETS; b++)
        if ((seen += latency[b]) >= (uint64_t)((double)total * share) && seen)
            return bucket_value(b);
    return 0;
}

static void report(struct worker *workers, unsigned n, double seconds, int64_t cpu)
{
    static uint64_t latency[BUCKETS];
    uint64_t requests = 0, errors = 0;
    for (unsigned i = 0; i < n; i++) {
        requests += workers[i].requests;
        errors += workers[i].errors;
        for (size_t b = 0; b < BUCKETS; b++)
            latency[b] += workers[i].latency[b];
    }
    printf("{\"workload\": \"%s\", \"seconds\": %.3f, \"requests\": %llu, \"events\": %llu, "
           "\"errors\": %llu, \"p50_us\": %llu, "
           "\"p99_us\": %llu, \"p999_us\": %llu, \"server_cpu_us\": %lld}\n",
           workers->workload->name, seconds, (unsigned long long)requests,
           (unsigned long long)requests * workers->workload->events, (unsigned long long)errors,
           (unsigned long long)percentile(latency, requests, 0.5),
           (unsigned long long)percentile(latency, requests, 0.99),
           (unsigned long long)percentile(latency, requests, 0.999), (long long)cpu);
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr,
                "usage: base_load PORT PID WORKLOAD SECONDS CONNECTIONS THREADS\nworkloads:");
        for (size_t i = 0; i < COUNT_OF(workloads); i++)
            fprintf(stderr, " %s", workloads[i].name);
        fputc('\n', stderr);
        return 2;
    }
    const struct workload *workload = NULL;
    for (size_t i = 0; i < COUNT_OF(workloads); i++)
        if (!strcmp(argv[3], workloads[i].name))
            workload = &workloads[i];
    long pid = atol(argv[2]);
    unsigned conns = (unsigned)atoi(argv[5]), threads = (unsigned)atoi(argv[6]);
    if (!workload || !threads || conns < threads) {
        fprintf(stderr, "base_load: no such workload, or fewer connections than threads\n");
        return 2;
    }
    struct worker *workers = xcalloc(threads, sizeof(*workers));
    uint64_t start = (uint64_t)time(NULL) << 24; /* so that another run's ids are others */
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){.workload = workload,
                                     .port = atoi(argv[1]),
                                     .n_conns = conns / threads,
                                     .first = start + ((uint64_t)i << 22)};
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    usleep(WARM_UP_MS * 1000);
    int64_t cpu = cpu_us(pid), begin = now_ns();
    counting = true;
    usleep((useconds_t)(atof(argv[4]) * 1e6));
    counting = false;
    double seconds = (double)(now_ns() - begin) / 1e9;
    cpu = cpu_us(pid) - cpu;
    stopping = true;
    for (unsigned i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    report(workers, threads, seconds, cpu);
    free(workers);
    return 0;
}
