"""test_bad_input.py -- any bytes on any endpoint end in a documented answer, and the server goes on.

A seeded generator makes bodies of many kinds (random bytes, cut and mutated good bodies, hostile msgpack and JSON) and sends
each to every endpoint under every content type. E2E_BAD_INPUT=seed,rounds repeats or lengthens a run.
SPDX-License-Identifier: Apache-2.0
"""
import http.client
import json
import os
import random
import socket
import struct

import msgpack
import pytest

from harness import PATIENCE, SLOW, TP2, contexts, new_id, page_view, shop_event, tp2, tracker_event, PRODUCT, b64

SEED, ROUNDS = (int(n) for n in os.environ.get("E2E_BAD_INPUT", "1,60").split(","))

POSTS = [TP2, "/com.acme/v1", "/api/v1/events", "/api/v1/get-online-attributes", "/api/v1/scores/prospect", "/predict",
         "/api/v1/interventions?domain_userid=x"]
GETS = ["/health", "/metrics", "/i", "/api/v1/rules", "/robots.txt", "/com.acme/v1", "/api/v1/interventions"]
TYPES = ["application/json", "application/json; charset=utf-8", "application/msgpack", "application/vnd.msgpack", "text/plain",
         "application/x-www-form-urlencoded", "application/xml", "", "x" * 300, "application/json;;;=", "multipart/form-data"]
# 200 and 204 are answers too: some mutations stay good bodies. 500 never: a score that failed would be one, and none does.
DOCUMENTED = {200, 204, 400, 401, 404, 405, 411, 413, 414, 415, 422, 431}


def good_bodies():
    duid = new_id()
    read = {"service": "prospect_scoring_tutorial_service", "attribute_keys": {"domain_userid": [duid]}}
    events = [shop_event("add_to_cart", duid, [{"price": 3}]), page_view(duid)]
    tracked = tp2(tracker_event(duid=duid, url="https://a.example/?utm_source=x", cx=b64(contexts((PRODUCT, {"price": 1})))))
    return [json.dumps(v).encode() for v in (read, events, events[0], tracked, {"domain_userid": duid})] + \
        [msgpack.packb(v) for v in (read, events, events[0], {"domain_userid": duid})]


def deep(draw):
    n = draw.choice([30, 33, 64, 1000, 20000])
    return draw.choice([b"[" * n, b'{"a":' * n, b"\x91" * n, b"\x81\xa1a" * n, b"[" * n + b"]" * n,
                        b'{"a":' * n + b"1" + b"}" * n])


def hostile_msgpack(draw):
    head = draw.choice([b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9", b"\xdc", b"\xde"])
    return head + struct.pack(">I", draw.choice([0xffffffff, 0x10000000, 0x7fffffff, 65536])) + draw.randbytes(draw.randrange(40))


def hostile_json(draw):
    return draw.choice([
        b'"\\ud800"', b'{"a":1,"a":2}', b'{"domain_userid":"\\u0000"}', b"1e999", b"-0", b"[1,2,", b'{"x":1e-999999}', b"\xef\xbb\xbf[]",
        b'{"domain_userid":"' + b"x" * draw.choice([1000, 60000]) + b'"}', b"123456789012345678901234567890", b"[]", b"{}", b"null",
        b'{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[{"e":"ue","ue_px":"%%%"}]}',
        b'{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[{"e":"pv","cx":"e30"},{}]}',
        b'{"attribute_keys":{"domain_userid":[' + b'"x",' * 20000 + b'"x"]},"attributes":["ecom_attributes_v1:count_product_views"]}',
        b'{"service":"' + b"a" * 5000 + b'","attribute_keys":{"domain_userid":["x"]}}', b'{"domain_userid":"%s%n%p"}',
        b'[{"event_name":"page_view","contexts":[{"schema":"iglu:","data":1},7,null]}]', b'[{"unstruct_event":{"schema":7}}]'])


def mutated(draw):
    body = bytearray(draw.choice(good_bodies()))
    for _ in range(draw.randrange(1, 6)):
        at = draw.randrange(len(body))
        what = draw.randrange(4)
        if what == 0:
            body[at] ^= 1 << draw.randrange(8)
        elif what == 1:
            del body[at:at + draw.randrange(1, 8)]
        elif what == 2:
            body[at:at] = draw.randbytes(draw.randrange(1, 8))
        else:
            body[at:at] = body[draw.randrange(len(body)):][:draw.randrange(1, 30)]
        if not body:
            body = bytearray(b"x")
    return bytes(body)


def cut(draw):
    body = draw.choice(good_bodies())
    return body[:draw.randrange(len(body))]


KINDS = [lambda draw: draw.randbytes(draw.choice([0, 1, 5, 100, 3000])), mutated, mutated, cut, deep, hostile_msgpack,
         hostile_json, lambda draw: draw.choice(good_bodies())]


def check(answer, what):
    assert answer.status in DOCUMENTED, (what, answer.status, answer.body[:300])
    type = answer.headers.get("Content-Type", "")
    if "json" in type:
        body = json.loads(answer.body)
        if answer.status >= 400:
            assert body.get("status", answer.status) == answer.status and body.get("title", "x"), (what, body)


@pytest.mark.parametrize("path", POSTS)
def test_hostile_bodies(server, path):
    rounds = max(ROUNDS // (2 if SLOW > 1 else 1), 1)
    for i in range(rounds):
        seed = f"{SEED}/{path}/{i}"
        draw = random.Random(seed)
        body = draw.choice(KINDS)(draw)
        for type in TYPES:
            if type.startswith("x") and i:
                continue
            try:
                answer = server.post(path, body, type)
            except (ConnectionError, http.client.HTTPException) as problem:
                raise AssertionError(f"no answer ({problem!r}); seed {seed}, type {type!r}, body {body[:200]!r}") from None
            check(answer, (seed, type, body[:200]))
    assert server.alive(), server.log()[-2000:]


@pytest.mark.parametrize("path", GETS)
def test_hostile_queries(server, path):
    for i in range(ROUNDS):
        draw = random.Random(f"{SEED}/{path}/{i}")
        raw = draw.randbytes(draw.choice([1, 10, 200]))
        query = "".join(chr(b) if 0x21 <= b < 0x7f and draw.random() < 0.8 else f"%{b:02x}" for b in raw)
        try:
            answer = server.get(f"{path}?{query}")
        except (ConnectionError, http.client.HTTPException, http.client.InvalidURL) as problem:
            raise AssertionError(f"no answer ({problem!r}): {path}?{query}") from None
        check(answer, (path, query))
    assert server.alive()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"])
def test_every_method_on_every_path(server, method):
    for path in POSTS + GETS + ["/", "/no/such/path/here", "//", "/%00", "/api/v1/", "/api/v1/scores/", "/..%2f..%2fetc/passwd"]:
        if method == "GET" and path.startswith("/api/v1/interventions?"):
            continue                            # a stream, which does not end
        answer = raw_request(server.port, f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        status = int(answer.split(b" ", 2)[1])
        assert status in DOCUMENTED | {501}, (method, path, answer[:200])
        if status == 405:
            assert b"\r\nallow:" in answer.lower(), (method, path)
    assert server.alive()


def raw_request(port, data):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as s:
        s.sendall(data)
        answer = b""
        while True:
            try:
                more = s.recv(65536)
            except ConnectionError:
                break
            if not more:
                break
            answer += more
    assert answer.startswith(b"HTTP/1.1 "), answer
    return answer


def test_random_bytes_on_the_port(server):
    for i in range(ROUNDS * 3):
        draw = random.Random(f"{SEED}/raw/{i}")
        data = draw.randbytes(draw.randrange(1, 400)) + b"\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            try:
                answer = s.recv(4096)
            except ConnectionError:
                answer = b""
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4") or answer.startswith(b"HTTP/1.1 5"), (data, answer)
    assert server.alive()


def test_clients_that_go_away(server):
    body = json.dumps([page_view(new_id())] * 50).encode()
    head = f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    whole = head + body
    for i in range(60):
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))     # leave with a reset
            s.sendall(whole[:len(whole) * i // 59])
    assert server.alive()


def test_memory_stays(server):
    """Bodies that promise much and hold little leave nothing behind."""
    if SLOW > 1:
        pytest.skip("a sanitizer keeps what is freed")

    def resident():
        with open(f"/proc/{server.process.pid}/statm") as f:
            return int(f.read().split()[1]) * 4096
    bodies = [b"\xdd\x10\x00\x00\x00" * 20, b"[" * 100000, b'{"a":' * 50000, b"\xdb\x7f\xff\xff\xff" + b"x" * 1000]

    def round():
        for body in bodies:
            for type in ("application/json", "application/msgpack"):
                server.post("/api/v1/events", body, type)
    for _ in range(20):
        round()
    before = resident()
    for _ in range(200):
        round()
    assert resident() - before < 8 << 20
