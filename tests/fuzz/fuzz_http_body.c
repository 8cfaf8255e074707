/* fuzz_http_body.c -- any bytes as a JSON or msgpack body (the first byte says which): read,
 * written back in the other format, or refused with a problem. SPDX-License-Identifier: Apache-2.0
 */
#include "http/http_internal.h"

#include <stdlib.h>

static int64_t clock_ms(void)
{
    return 1700000000000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http server;
    static struct http_front front;
    static struct conn conn;
    server.options.clock_ms = clock_ms;
    front.http = &server;
    conn.front = &front;
    conn.running = true; /* nobody flushes */
    conn.out.n = 0;
    if (!size)
        return 0;
    bool msgpack = data[0] & 1;
    struct http_req *r = req_new(&conn);
    memset(&r->head, 0, sizeof(r->head));
    r->head.minor = 1;
    r->head.headers[0] = (struct http_header){
        STR("content-type"), msgpack ? STR("application/msgpack") : STR("application/json")};
    r->head.headers[1] = (struct http_header){STR("accept"), msgpack ? STR("application/json")
                                                                     : STR("application/msgpack")};
    r->head.n_headers = 2;
    r->body = (struct str){(const char *)data + 1, size - 1};
    req_push(&conn, r);
    struct val v;
    if (http_body_val(r, &v))
        http_reply_val(r, 200, &v);
    if (conn.first || memcmp(conn.out.p, "HTTP/1.1 ", 9) != 0)
        abort();
    return 0;
}
