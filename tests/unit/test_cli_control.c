/* test_cli_control.c -- the socket in the data folder: who asks, who answers, and what is not put up with.
 * SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "control.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char dir[256];
static atomic_int asked;

static bool answer(void *ctx, const char *line, struct buf *out)
{
    asked++;
    buf_printf(out, "%s\nsaid %s", line, (const char *)ctx);
    return strncmp(line, "no", 2) != 0;
}

static void check_asked(const char *line, enum control_said want, const char *want_text)
{
    struct buf out = {0};
    enum control_said said = control_ask(dir, line, &out);
    buf_putc(&out, 0);
    CHECK_INT(said, want);
    CHECK_STR(out.p, want_text);
    buf_fini(&out);
}

/* Says these bytes to the socket as somebody else might, and gives what came back. */
static void say(const char *bytes, size_t n, bool then_leave, char out[200])
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%.90s/control", dir);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    CHECK(send(fd, bytes, n, MSG_NOSIGNAL) >= 0 || n > 5000);
    if (then_leave)
        shutdown(fd, SHUT_WR);
    ssize_t got = recv(fd, out, 199, MSG_WAITALL);
    out[got > 0 ? got : 0] = 0;
    close(fd);
}

static void test_hostile(void)
{
    static const char want[] = "error one line of at most 4999 bytes is wanted\n";
    char out[200], huge[20000];
    int before = asked;
    say("", 0, true, out);
    CHECK_STR(out, want);
    say("backup /x", 9, true, out); /* the line never ends */
    CHECK_STR(out, want);
    say("backup /x\0y\n", 12, false, out); /* would be cut unseen */
    CHECK_STR(out, want);
    memset(huge, 'a', sizeof(huge));
    say(huge, 5000, false, out);
    CHECK_STR(out, want);
    say(huge, sizeof(huge), false,
        out); /* more than is read: the answer may be lost with the connection */
    CHECK(!*out || !strcmp(out, want));
    CHECK_INT(asked, before);
    say("slow", 4, false, out); /* who says nothing more is sent away, and others get their turn */
    CHECK_STR(out, want);
    check_asked("hello", CONTROL_OK, "hello said me");
}

int main(void)
{
    struct err err = {0};
    struct stat st;
    char path[400];
    snprintf(dir, sizeof(dir), "/tmp/test_cli_control_%d", (int)getpid());
    snprintf(path, sizeof(path), "%s/control", dir);
    check_asked("hello", CONTROL_NOBODY, "");
    CHECK(!control_new(dir, answer, "me", &err));
    CHECK(strstr(err.text, dir) != NULL, "%s", err.text);
    mkdir(dir, 0755);
    check_asked("hello", CONTROL_NOBODY, "");

    err = (struct err){0};
    struct control *c = control_new(dir, answer, "me", &err);
    CHECK(c != NULL, "%s", err.text);
    CHECK(stat(path, &st) == 0 && S_ISSOCK(st.st_mode));
    CHECK_INT(st.st_mode & 0777, 0600);
    check_asked("hello", CONTROL_OK, "hello said me");
    check_asked("no", CONTROL_ERROR, "no said me");
    test_hostile();
    control_free(c);
    CHECK(stat(path, &st) != 0);
    check_asked("hello", CONTROL_NOBODY, "");
    control_free(NULL);

    int dead = socket(AF_UNIX, SOCK_STREAM, 0); /* what a process that was killed leaves behind */
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%.90s/control", dir);
    CHECK(bind(dead, (struct sockaddr *)&at, sizeof(at)) == 0);
    close(dead);
    check_asked("hello", CONTROL_NOBODY, "");
    c = control_new(dir, answer, "you", &err);
    check_asked("hello", CONTROL_OK, "hello said you");
    control_free(c);

    FILE *f = fopen(path, "w"); /* somebody's file is not taken away */
    fclose(f);
    CHECK(!control_new(dir, answer, "me", &err));
    CHECK(strstr(err.text, "in the way") != NULL, "%s", err.text);
    CHECK(stat(path, &st) == 0 && S_ISREG(st.st_mode));
    unlink(path);

    size_t n = strlen(dir); /* longer than a socket's address may be */
    memset(dir + n, 'x', 150);
    dir[n] = '/';
    dir[n + 150] = 0;
    mkdir(dir, 0755);
    err = (struct err){0};
    c = control_new(dir, answer, "far", &err);
    CHECK(c != NULL, "%s", err.text);
    check_asked("hello", CONTROL_OK, "hello said far");
    control_free(c);
    rmdir(dir);
    dir[n] = 0;
    rmdir(dir);
    return check_done();
}
