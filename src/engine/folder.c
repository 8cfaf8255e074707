/* folder.c -- the rules folder as it is on disk: every *.lua below it, read whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/core.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FILE_BYTES_MAX = 1 << 20, FOLDER_DEPTH_MAX = 8 };

static bool is_rule_name(const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' && n > 4 &&
           strcmp(name + n - 4, ".lua") == 0; /* editors' temporary files begin with a dot */
}

static bool file_read(const char *path, struct arena *a, struct str *text, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC |
                            O_NONBLOCK); /* opening a pipe would wait for its other end */
    FILE *f = fd < 0 ? NULL : fdopen(fd, "rb");
    struct stat st;
    if (!f)
        return err_set(err, "cannot be opened: %s", strerror(errno));
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode)) {
        fclose(f);
        return err_set(err, "is not a file");
    }
    if (st.st_size > FILE_BYTES_MAX) {
        fclose(f);
        return err_set(err, "is larger than %d bytes", FILE_BYTES_MAX);
    }
    char *p = arena_alloc(a, (size_t)st.st_size + 1);
    size_t n = fread(p, 1, (size_t)st.st_size, f);
    bool bad = ferror(f);
    fclose(f);
    p[n] = 0;
    *text = (struct str){p, n};
    return !bad || err_set(err, "cannot be read: %s", strerror(errno));
}

static bool folder_walk(struct folder *f, const char *dir, int depth, struct plan_report *report)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    bool whole = true;
    if (!d) {
        plan_report_add(report, false, str_of(dir), 0, STR(""), "the folder cannot be opened: %s",
                        strerror(errno));
        return false;
    }
    while ((entry = readdir(d))) {
        struct stat st;
        struct str path = arena_printf(&f->arena, "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] == '.' || stat(path.p, &st) != 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            /* a folder that cannot be read must not look like one whose files were deleted */
            if (depth < FOLDER_DEPTH_MAX)
                whole &= folder_walk(f, path.p, depth + 1, report);
            continue;
        }
        struct folder_file file = {.path = path};
        struct err err = {0};
        if (!is_rule_name(entry->d_name))
            continue;
        if (!file_read(path.p, &f->arena, &file.text, &err)) {
            plan_report_add(report, false, path, 0, STR(""), "%s", err.text);
            file.text.p = NULL; /* its last good version stays */
        }
        if (depth == 0 && strcmp(entry->d_name, "words.lua") == 0) {
            f->words = file;
            continue;
        }
        f->files = xgrow(f->files, f->n, &f->cap, sizeof(*f->files));
        f->files[f->n++] = file;
    }
    closedir(d);
    return whole;
}

static int by_path(const void *a, const void *b)
{
    return str_cmp(((const struct folder_file *)a)->path, ((const struct folder_file *)b)->path);
}

bool folder_read(struct folder *f, struct str dir, struct plan_report *report)
{
    *f = (struct folder){0};
    arena_init(&f->arena);
    struct str path = arena_str(&f->arena, dir);
    while (path.n > 1 && path.p[path.n - 1] == '/')
        ((char *)path.p)[--path.n] = 0;
    if (!folder_walk(f, path.p, 0, report))
        return false;
    if (f->n)
        qsort(f->files, f->n, sizeof(*f->files), by_path);
    return true;
}

void folder_fini(struct folder *f)
{
    free(f->files);
    arena_fini(&f->arena);
}
