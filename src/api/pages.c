/* pages.c -- the pages in the binary: what web/build.js bundled, under /NAME/.
 *
 * A browser asks each time whether it has the newest bytes, so a new version shows at once. Pages load nothing from
 * elsewhere, and may not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api_internal.h"

#define PAGE(n, path, type, etag) extern const char page_##n[], page_##n##_end[];
#include "pages.h"
#undef PAGE

static const struct page_file {
    const char *path, *type, *etag;
    const char *bytes, *end;
} files[] = {
#define PAGE(n, path, type, etag) {path, type, etag, page_##n, page_##n##_end},
#include "pages.h"
#undef PAGE
};

static const struct page_file *file_at(struct str path)
{
    static const char index[] = "index.html";
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct str at = str_of(files[i].path);
        bool is_index = at.n == path.n + sizeof(index) - 1 && path.n && path.p[path.n - 1] == '/' &&
                        !strcmp(at.p + path.n, index);
        if (str_eq(at, path) || (is_index && !memcmp(at.p, path.p, path.n)))
            return &files[i];
    }
    return NULL;
}

/* A list of tags, of which a proxy that compresses makes weak ones; or a star. */
static bool has_tag(struct str header, const char *etag)
{
    return str_eqz(header, "*") || (header.n && memmem(header.p, header.n, etag, strlen(etag)));
}

void pages_get(struct http_req *r, void *ctx)
{
    const struct page_file *f = file_at(http_head(r)->path);
    answer_begin(r, false);
    if (!f) {
        http_reply_problem(r, 404, "there is nothing at this path");
        return;
    }
    http_add_header(r, "ETag", str_of(f->etag));
    http_add_header(r, "Cache-Control", STR("no-cache"));
    http_add_header(r, "X-Content-Type-Options", STR("nosniff"));
    http_add_header(r, "Content-Security-Policy",
                    STR("default-src 'self'; frame-ancestors 'self'; base-uri 'none'; "
                        "form-action 'self'"));
    if (has_tag(http_header(r, "If-None-Match"), f->etag))
        http_reply(r, 304, NULL, (struct str){0});
    else
        http_reply(r, 200, f->type, (struct str){f->bytes, (size_t)(f->end - f->bytes)});
}

/* Without the last slash, what a page names would be looked for beside its folder. */
void pages_slash(struct http_req *r, void *ctx)
{
    const struct http_head *h = http_head(r);
    const char *mark = h->query.n ? "?" : "";
    answer_begin(r, false);
    http_add_header(
        r, "Location",
        arena_printf(http_arena(r), "%.*s/%s%.*s", STR_FMT(h->path), mark, STR_FMT(h->query)));
    http_reply(r, 308, NULL, (struct str){0});
}
