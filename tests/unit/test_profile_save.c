/* test_profile_save.c -- which profiles are written, as of when and where to; and what a sweep leaves alone meanwhile.
 * SPDX-License-Identifier: Apache-2.0 */
#include "profile_stream.h"
#include "profile/page.h"
#include "profile/profile_internal.h"

/* -- what hangs on a profile here: a number, and perhaps when it is due */
struct mark {
    int64_t n, due_ms;
};
static int marks, refused;

static void mark_save(void *ctx, const void *hung, struct buf *out, int64_t *due_ms,
                      struct buf *what)
{
    const struct mark *m = hung;
    if (!m)
        return;
    pack_int(out, m->n);
    pack_int(out, m->due_ms);
    if (m->due_ms != INT64_MAX) {
        *due_ms = m->due_ms;
        buf_printf(what, "mark %d", (int)m->n);
    }
}

static bool mark_load(void *ctx, struct profile *p, struct unpack *in)
{
    if (in->p == in->end)
        return true;
    struct mark *m = *profile_hung(p) = malloc(sizeof(*m));
    marks++;
    m->n = unpack_int(in);
    m->due_ms = unpack_int(in);
    refused += m->n == 666;
    return m->n != 666;
}

static void mark_drop(void *ctx, void *hung)
{
    marks--;
    free(hung);
}

static const struct store_hooks hooks = {.save = mark_save, .load = mark_load, .drop = mark_drop};

static void mark_set(struct store *s, struct profile *p, int64_t n, int64_t due_ms)
{
    store_change(s, p);
    struct mark **m = (struct mark **)profile_hung(p);
    if (!*m) {
        *m = malloc(sizeof(**m));
        marks++;
    }
    **m = (struct mark){n, due_ms};
}

static struct store *marked_store(bool saves)
{
    struct store *s = store_new(&profile_limits_default);
    store_hang(s, &hooks, saves);
    return s;
}

static struct store_pages take_pages(struct store *s)
{
    struct store_pages pages = {0};
    store_save_begin(s);
    while (store_save(s, 1) > 0)
        ;
    store_save_take(s, &pages);
    return pages;
}

/* -- a disk with two places a profile, and saves that are cut off now and then */
enum { USERS = 60 };
struct place {
    char *p;
    size_t n;
    int generation;
};
struct disk {
    struct place places[USERS][2];
    int generation, complete; /* the one being written; the last one that was completed */
};

static struct str user_id(int user, char text[16])
{
    snprintf(text, 16, "user %d", user);
    return str_of(text);
}

static int user_of(struct str id)
{
    char text[16] = {0};
    memcpy(text, id.p, id.n);
    return atoi(text + 5);
}

/* Where the newest complete version of a user is; NULL: it has none. */
static struct place *disk_newest(struct disk *d, int user, int *slot)
{
    struct place *newest = NULL;
    for (int i = 0; i < 2; i++) {
        struct place *at = &d->places[user][i];
        if (at->p && at->generation <= d->complete &&
            (!newest || at->generation > newest->generation)) {
            newest = at;
            *slot = i;
        }
    }
    return newest;
}

static void disk_put(struct disk *d, const struct store_page *page)
{
    int user = user_of(page->id), slot = -1;
    disk_newest(d, user, &slot);
    CHECK(slot != page->slot, "user %d: the newest version is at the place it goes to", user);
    struct place *at = &d->places[user][page->slot];
    free(at->p);
    *at = (struct place){memcpy(malloc(page->bytes.n), page->bytes.p, page->bytes.n), page->bytes.n,
                         d->generation};
}

/* What a save wrote that was never completed is never seen. */
static void disk_abort(struct disk *d)
{
    for (int i = 0; i < USERS; i++)
        for (int k = 0; k < 2; k++)
            if (d->places[i][k].generation > d->complete) {
                free(d->places[i][k].p);
                d->places[i][k] = (struct place){0};
            }
}

static void disk_fini(struct disk *d)
{
    for (int i = 0; i < USERS; i++)
        for (int k = 0; k < 2; k++)
            free(d->places[i][k].p);
}

/* -- each page is as of the moment of its save's beginning */

/* What the users were then: page_save knows nothing of moments. */
struct frozen {
    char *p[USERS];
    size_t n[USERS];
    bool wanted[USERS];
    uint64_t digest[USERS]; /* and of what the last complete save wrote */
    uint64_t complete[USERS];
};

static uint64_t digest_of(const struct profile *p)
{
    const struct mark *m = p ? p->hung : NULL;
    return p ? mix_pair(profile_digest(p), m ? mix_pair((uint64_t)m->n, (uint64_t)m->due_ms) : 1)
             : 0;
}

static void freeze(struct frozen *f, const struct store *s, const bool changed[USERS])
{
    static struct page_out out;
    char text[16];
    for (int i = 0; i < USERS; i++) {
        const struct profile *p = store_find(s, 1, user_id(i, text));
        f->wanted[i] = changed[i];
        f->digest[i] = changed[i] ? digest_of(p) : f->complete[i];
        free(f->p[i]);
        f->p[i] = NULL;
        f->n[i] = 0;
        if (!p)
            continue;
        int64_t due = INT64_MAX;
        struct buf what = {0};
        page_save(&out, p);
        mark_save(NULL, p->hung, &out.buf, &due, &what);
        buf_fini(&what);
        f->p[i] = memcpy(malloc(out.buf.n), out.buf.p, out.buf.n);
        f->n[i] = out.buf.n;
    }
}

static void check_pages(struct frozen *f, struct disk *d, struct store *s)
{
    struct store_pages pages = {0};
    store_save_take(s, &pages);
    size_t n_bytes = 0;
    for (size_t i = 0; i < pages.n; i++) {
        const struct store_page *page = &pages.items[i];
        int user = user_of(page->id);
        n_bytes += page->bytes.n + page->due_what.n;
        CHECK_INT(page->key_id, 1);
        CHECK(f->wanted[user], "user %d was not changed, or is written twice", user);
        CHECK(page->bytes.n == f->n[user] && memcmp(page->bytes.p, f->p[user], f->n[user]) == 0,
              "user %d is not as it was", user);
        f->wanted[user] = false;
        disk_put(d, page);
    }
    CHECK_INT(pages.n_bytes, n_bytes);
    store_pages_fini(&pages);
}

/* As the engine does: a profile that is not in memory is looked for on disk before it is made. */
static void change(struct store *s, struct disk *d, int64_t *now, bool changed[USERS])
{
    char text[16];
    int slot = 0;
    int user = (int)(below(3) ? below(USERS) : below(5));
    struct stream_event e = stream_next(now, MINUTE, 20);
    struct place *at = disk_newest(d, user, &slot);
    if (at && !store_find(s, 1, user_id(user, text)))
        CHECK(store_load(s, (struct str){at->p, at->n}, (uint8_t)slot, 0, NULL));
    struct profile *p = store_touch(s, 1, user_id(user, text));
    changed[user] = true;
    if (below(4) == 0)
        mark_set(s, p, below(100), below(2) ? INT64_MAX : *now + below(DAY));
    else
        stream_add(s, user_id(user, text), e);
}

/* The server is gone: what the disk has is read into a new one. */
static struct store *recover(struct disk *d, struct store *s)
{
    char text[16];
    store_free(s);
    disk_abort(d);
    s = marked_store(true);
    store_plan(s, &stream_plan);
    for (int i = 0; i < USERS; i++) {
        int slot = 0;
        struct err err = {0};
        struct place *at = disk_newest(d, i, &slot);
        struct profile *p =
            at ? store_load(s, (struct str){at->p, at->n}, (uint8_t)slot, 0, &err) : NULL;
        CHECK(!err.set, "%s", err.text);
        CHECK(p == store_find(s, 1, user_id(i, text)));
    }
    return s;
}

static void test_as_of(uint64_t seed)
{
    char text[16];
    struct disk disk = {0};
    struct frozen frozen = {0};
    bool changed[USERS] = {0};
    int64_t now = START, crashes = 0;
    rng_state = seed;
    stream_plan_make(DAY, HOUR, 10 * MINUTE);
    struct store *s = marked_store(true);
    store_plan(s, &stream_plan);
    for (int round = 0; round < 60; round++) {
        for (int64_t n = below(150); n > 0; n--)
            change(s, &disk, &now, changed);
        freeze(&frozen, s, changed);
        memset(changed, 0, sizeof(changed));
        store_save_begin(s);
        disk.generation++;
        for (size_t left = 1; left > 0;) {
            for (int64_t n = below(12); n > 0; n--)
                change(s, &disk, &now, changed);
            if (below(5) == 0)
                store_sweep(s, &stream_plan, now + below(2 * DAY), (size_t)below(USERS), false);
            left = store_save(s, (size_t)below(5));
            if (below(3) == 0)
                check_pages(&frozen, &disk, s);
            if (below(40) == 0)
                break; /* a crash */
        }
        if (below(8) == 0) {
            struct store_pages lost = {0};
            store_save_take(s, &lost);
            store_pages_fini(&lost);
            s = recover(&disk, s);
            for (int i = 0; i < USERS; i++)
                CHECK(digest_of(store_find(s, 1, user_id(i, text))) == frozen.complete[i],
                      "user %d", i);
            memset(changed, 0, sizeof(changed));
            crashes++;
            continue;
        }
        while (store_save(s, 7) > 0)
            ;
        check_pages(&frozen, &disk, s);
        for (int i = 0; i < USERS; i++)
            CHECK(!frozen.wanted[i], "user %d was not written", i);
        disk.complete = disk.generation;
        memcpy(frozen.complete, frozen.digest, sizeof(frozen.complete));
    }
    CHECK(crashes > 2);
    store_free(s);
    disk_fini(&disk);
    for (int i = 0; i < USERS; i++)
        free(frozen.p[i]);
    CHECK_INT(marks, 0);
}

/* -- which are written */

static size_t pages_of(struct store *s, uint8_t slot)
{
    struct store_pages pages = take_pages(s);
    size_t n = pages.n;
    for (size_t i = 0; i < n; i++)
        CHECK_INT(pages.items[i].slot, slot);
    store_pages_fini(&pages);
    return n;
}

static void test_tracking(void)
{
    struct store *s = marked_store(true);
    CHECK_INT(pages_of(s, 0), 0);
    struct profile *ann = store_touch(s, 1, STR("ann"));
    store_touch(s, 1, STR("bob"));
    store_touch(s, 1, STR("ann"));
    store_change(s, ann);
    CHECK_INT(pages_of(s, 0), 2);
    CHECK_INT(pages_of(s, 0), 0);
    CHECK(store_find(s, 1, STR("bob")));
    CHECK_INT(pages_of(s, 0), 0); /* a look changes nothing */
    store_change(s, ann);
    CHECK_INT(pages_of(s, 1), 1);
    mark_set(s, ann, 3, INT64_MAX);
    CHECK_INT(pages_of(s, 0), 1);
    store_touch(s, 1, STR("bob"));
    CHECK_INT(pages_of(s, 1), 1);
    /* changed twice while it waits: encoded once, and in the next one again */
    store_change(s, ann);
    store_save_begin(s);
    store_touch(s, 1, STR("ann"));
    store_touch(s, 1, STR("new"));
    mark_set(s, ann, 4, INT64_MAX);
    CHECK_INT(store_save(s, 100), 0);
    struct store_pages pages = {0};
    store_save_take(s, &pages);
    CHECK_INT(pages.n, 1);
    store_pages_fini(&pages);
    store_save_begin(s);
    CHECK_INT(store_save(s, 1), 1);
    CHECK_INT(store_save(s, 1), 0);
    store_save_take(s, &pages);
    CHECK_INT(pages.n, 2);
    for (size_t i = 0; i < pages.n; i++) /* ann: 1, 0, 1, then 0 */
        CHECK_INT(pages.items[i].slot, 0);
    store_pages_fini(&pages);
    store_free(s);
    CHECK_INT(marks, 0);
}

static void test_loading(void)
{
    struct store *s = marked_store(true), *to = marked_store(true);
    struct err err = {0};
    store_touch(s, 7, STR("ann"));
    mark_set(s, store_touch(s, 1, STR("bob")), 5, START);
    mark_set(s, store_touch(s, 1, STR("eve")), 666, INT64_MAX);
    struct store_pages pages = take_pages(s);
    CHECK_INT(pages.n, 3);
    const struct store_page *ann = &pages.items[0], *bob = &pages.items[1], *eve = &pages.items[2];
    CHECK(str_eqz(ann->id, "ann") && ann->key_id == 7 && ann->due_ms == INT64_MAX);
    CHECK(str_eqz(bob->due_what, "mark 5") && bob->due_ms == START && ann->due_what.n == 0);
    int profiles = (int)stat_get(STAT_PROFILES), before = marks;
    CHECK(!store_load(to, eve->bytes, 0, 0, &err) && err.set && refused == 1);
    CHECK_INT(marks, before); /* and what hung on it is dropped */
    CHECK_INT(store_count(to), 0);
    CHECK_INT(stat_get(STAT_PROFILES), profiles);
    struct profile *p = store_load(to, bob->bytes, 1, START + 7 * DAY, &err);
    CHECK(p && ((struct mark *)*profile_hung(p))->n == 5);
    CHECK(store_load(to, ann->bytes, 0, 0, &err) && store_count(to) == 2);
    CHECK_INT(pages_of(to, 0), 0); /* as it is on disk */
    mark_set(to, p, 8, START);
    CHECK(store_load(to, bob->bytes, 0, 0, &err) == p && ((struct mark *)*profile_hung(p))->n == 8);
    struct store_pages again = take_pages(to); /* it was at 1 */
    CHECK(again.n == 1 && again.items[0].slot == 0 && again.items[0].expires_ms >= START + 7 * DAY);
    store_pages_fini(&again);
    store_touch(to, 7, STR("ann"));
    CHECK_INT(pages_of(to, 1), 1);
    store_pages_fini(&pages);
    store_free(to);
    store_free(s);
    CHECK_INT(marks, 0);
}

/* -- how long a page means something */

static int64_t expires_of(struct store *s)
{
    struct store_pages pages = take_pages(s);
    CHECK_INT(pages.n, 1);
    int64_t expires = pages.n ? pages.items[0].expires_ms : 0;
    store_pages_fini(&pages);
    return expires;
}

static void test_expiry(void)
{
    static const struct {
        enum keep keep;
        int64_t longest_h, ttl_h, want_h; /* 0: never */
    } rows[] = {
        {KEEP_TIMES, 48, 0, 48},  {KEEP_NUMBERS, 50, 0, 50},  {KEEP_VALUES, 1, 0, 24},
        {KEEP_LAST, 30, 0, 30},   {KEEP_SET, 72, 0, 72},      {KEEP_SUM, 0, 0, 0},
        {KEEP_SUM, 0, 3, 24 + 3}, {KEEP_FREQS, 0, 2, 24 + 2}, {KEEP_FIRST, 0, 5, 24 + 5},
        {KEEP_SET, 0, 3, 24 + 3}, {KEEP_SET, 0, 0, 0},        {KEEP_LAST, 0, 9, 24 + 9},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct plan_series series = {.id = 4,
                                     .keep = rows[i].keep,
                                     .longest_ms = rows[i].longest_h * HOUR,
                                     .shortest_ms = rows[i].longest_h * HOUR,
                                     .ttl_ms = rows[i].ttl_h * HOUR};
        struct plan plan = {.series = &series, .n_series = 1}, other = {0};
        struct store *s = marked_store(true);
        store_plan(s, &plan);
        struct profile *p = store_touch(s, 1, STR("ann"));
        profile_seen(s, p, 1, START);
        profile_add(s, p, &series, START - HOUR, val_int(1), START);
        profile_add(s, p, &series, START, val_int(2), START);
        int64_t want = rows[i].want_h ? START + rows[i].want_h * HOUR : INT64_MAX,
                got = expires_of(s);
        /* ids are kept by the second */
        CHECK(got >= want && (got == want || got == START + 24 * HOUR + 1000),
              "row %zu: %" PRId64 " for %" PRId64, i, got, want);
        mark_set(s, p, 1, START + 500 * DAY);
        CHECK_INT(expires_of(s), want == INT64_MAX ? want : START + 501 * DAY);
        mark_set(s, p, 1, INT64_MAX);
        CHECK_INT(expires_of(s), want == INT64_MAX ? want : START + 501 * DAY); /* never less */
        store_plan(s, &other);
        store_touch(s, 1, STR("ann"));
        CHECK_INT(expires_of(s), INT64_MAX);
        store_plan(s, NULL);
        store_touch(s, 1, STR("ann"));
        CHECK_INT(expires_of(s), INT64_MAX);
        store_free(s);
    }
}

/* -- what a sweep leaves alone */

static void test_sweep(void)
{
    struct plan_series series = {.id = 4, .keep = KEEP_LAST, .longest_ms = HOUR};
    struct plan plan = {.series = &series, .n_series = 1}, none = {0};
    struct store *s = marked_store(true);
    store_plan(s, &plan);
    struct profile *p = store_touch(s, 1, STR("ann"));
    profile_add(s, p, &series, START, val_int(1), START);
    int64_t past = START + 2 * HOUR;
    store_sweep(s, &plan, past, 1, true);
    CHECK_INT(store_count(s), 1); /* not written yet */
    CHECK_INT(p->n_states, 0);
    profile_add(s, p, &series, START, val_int(1), START);
    store_save_begin(s);
    store_sweep(s, &plan, past, 1, true);
    CHECK_INT(p->n_states, 1); /* as it was when the save began */
    CHECK_INT(store_save(s, 1), 0);
    struct store_pages pages = {0};
    store_save_take(s, &pages);
    store_pages_fini(&pages);
    mark_set(s, p, 1, INT64_MAX);
    CHECK_INT(pages_of(s, 1), 1);
    store_sweep(s, &plan, past, 1, true);
    CHECK_INT(store_count(s), 1); /* somebody hangs on to it */
    CHECK_INT(pages_of(s, 0), 0); /* what is past is past on disk too */
    store_change(s, p);
    mark_drop(NULL, *profile_hung(p));
    *profile_hung(p) = NULL;
    CHECK_INT(pages_of(s, 0), 1);
    store_sweep(s, &plan, past, 1, true);
    CHECK_INT(store_count(s), 1); /* that save may not be complete */
    CHECK_INT(pages_of(s, 0), 0); /* now it is */
    store_sweep(s, &plan, past, 1, true);
    CHECK_INT(store_count(s), 0);
    /* A series that is forgotten was not past: that is written down. */
    p = store_touch(s, 1, STR("bob"));
    profile_add(s, p, &series, past, val_int(1), past);
    CHECK_INT(pages_of(s, 0), 1);
    store_sweep(s, &none, past, 1, false);
    CHECK_INT(pages_of(s, 0), 0);
    CHECK_INT(p->n_states, 1);
    store_sweep(s, &none, past, 1, true);
    CHECK_INT(p->n_states, 0);
    CHECK_INT(pages_of(s, 1), 1);
    CHECK_INT(pages_of(s, 0), 0);
    store_sweep(s, &none, past, 1, true);
    CHECK_INT(store_count(s), 0);
    store_free(s);
    /* Where nothing is saved, nothing waits for it. */
    s = marked_store(false);
    p = store_touch(s, 1, STR("ann"));
    mark_set(s, p, 1, INT64_MAX);
    store_touch(s, 1, STR("bob"));
    store_sweep(s, &plan, past, 2, true);
    CHECK_INT(store_count(s), 1);
    store_free(s);
    CHECK_INT(marks, 0);
}

int main(int argc, char **argv)
{
    test_tracking();
    test_loading();
    test_expiry();
    test_sweep();
    for (int i = 0; i < (argc > 1 ? atoi(argv[1]) : 3); i++)
        test_as_of((uint64_t)i);
    return check_done();
}
