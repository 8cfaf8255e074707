"""test_http_table.py -- requests as raw bytes against the real server: which are answered, which refused, and which of them
end the connection.

Each row says what the last answer is and whether the connection lives on behind it. A request that two readers could
understand differently must be refused and its connection closed, whatever follows in the same bytes.

SPDX-License-Identifier: Apache-2.0
"""
import socket
import time

import pytest

from harness import PATIENCE

OPEN, CLOSED = True, False
HOST = b"Host: signalbox.test\r\n"
EVENTS = b"POST /api/v1/events HTTP/1.1\r\n" + HOST
JSON = b"Content-Type: application/json\r\n"
BODY = b'{"events":[]}'
GOOD = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"


def get(target=b"/health", version=b"HTTP/1.1", headers=HOST, method=b"GET"):
    return method + b" " + target + b" " + version + b"\r\n" + headers + b"\r\n"


def post(headers, body=b""):
    return EVENTS + JSON + headers + b"\r\n" + body


def length(value):
    return b"Content-Length: " + value + b"\r\n"


def chunked(body, encoding=b"chunked"):
    return post(b"Transfer-Encoding: " + encoding + b"\r\n", body)


# Of a post only the framing is judged here: ANSWERED is any status that a handler may give its body, not the reader's 400.
# Its body, {"events":[]}, may be taken or refused as a body; either way the connection must live on.
ANSWERED = (200, 202, 400, 422)

ROWS = [
    # name, bytes, statuses of the answers (None: just closed), does the connection live on
    ("get", get(), (200,), OPEN),
    ("head", get(method=b"HEAD"), (200,), OPEN),
    ("options", get(method=b"OPTIONS"), (200, 204), OPEN),
    ("options star", get(b"*", method=b"OPTIONS"), (200, 204), OPEN),
    ("query", get(b"/health?a=b&c"), (200,), OPEN),
    ("unencoded characters in a query", get(b'/health?a={"b":[1|2]}'), (200,), OPEN),
    ("connection: close", get(headers=HOST + b"Connection: close\r\n"), (200,), CLOSED),
    ("connection: list with close", get(headers=HOST + b"Connection: x, Close\r\n"), (200,), CLOSED),
    ("http/1.0", get(version=b"HTTP/1.0"), (200,), CLOSED),
    ("http/1.0 without host", get(version=b"HTTP/1.0", headers=b""), (200,), CLOSED),
    ("http/1.0 keep-alive", get(version=b"HTTP/1.0", headers=b"Connection: keep-alive\r\n"), (200,), OPEN),
    ("header names in any case", get(headers=b"hOsT: x\r\n"), (200,), OPEN),
    ("blanks around a value", get(headers=HOST + b"A: \t b \t\r\n"), (200,), OPEN),
    ("empty value", get(headers=HOST + b"A:\r\n"), (200,), OPEN),
    ("utf-8 in a value", get(headers=HOST + "A: ä\r\n".encode()), (200,), OPEN),
    ("80 headers", get(headers=HOST + b"A: b\r\n" * 80), (200,), OPEN),
    ("one empty line before", b"\r\n" + get(), (200,), OPEN),
    ("host with a port", get(headers=b"Host: a.example:8080\r\n"), (200,), OPEN),
    ("host v6", get(headers=b"Host: [::1]:8080\r\n"), (200,), OPEN),
    ("absolute form", get(b"http://signalbox.test/health"), (200,), OPEN),
    ("unknown path", get(b"/no/such/path/at/all"), (404,), OPEN),
    ("known path, other method", get(method=b"PUT"), (405,), OPEN),
    ("delete", get(method=b"DELETE"), (405,), OPEN),
    ("trace", get(method=b"TRACE"), (405,), OPEN),
    ("unknown method", get(method=b"BREW"), (501,), OPEN),
    ("method in small letters", get(method=b"get"), (501,), OPEN),
    ("post with length", post(length(b"13"), BODY), ANSWERED, OPEN),
    ("post with length 0", post(length(b"0")), (400, 422), OPEN),
    ("post chunked", chunked(b"d\r\n" + BODY + b"\r\n0\r\n\r\n"), ANSWERED, OPEN),
    ("post chunked in two", chunked(b"1\r\n{\r\nC\r\n" + BODY[1:] + b"\r\n0\r\n\r\n"), ANSWERED, OPEN),
    ("post chunked, extension", chunked(b"d;a=b\r\n" + BODY + b"\r\n0\r\n\r\n"), ANSWERED, OPEN),
    ("post chunked, trailer", chunked(b"d\r\n" + BODY + b"\r\n0\r\nA: b\r\n\r\n"), ANSWERED, OPEN),
    ("get with a body", get(headers=HOST + length(b"5"))[:-2] + b"\r\nhello", (200,), OPEN),
    ("two in one write", get() + get(b"/no/such/path/at/all"), (404,), OPEN),

    ("no host", get(headers=b""), (400,), CLOSED),
    ("two hosts", get(headers=HOST + HOST), (400,), CLOSED),
    ("two different hosts", get(headers=HOST + b"Host: other.test\r\n"), (400,), CLOSED),
    ("host with a blank", get(headers=b"Host: a b\r\n"), (400,), CLOSED),
    ("host list", get(headers=b"Host: a, b\r\n"), (400,), CLOSED),
    ("host with a path", get(headers=b"Host: a/b\r\n"), (400,), CLOSED),
    ("host with a user", get(headers=b"Host: u@a\r\n"), (400,), CLOSED),

    ("two equal lengths", post(length(b"13") * 2, BODY), (400,), CLOSED),
    ("two lengths", post(length(b"13") + length(b"12"), BODY), (400,), CLOSED),
    ("length list", post(length(b"13, 13"), BODY), (400,), CLOSED),
    ("length with plus", post(length(b"+13"), BODY), (400,), CLOSED),
    ("length with minus", post(length(b"-13"), BODY), (400,), CLOSED),
    ("length in hex", post(length(b"0xd"), BODY), (400,), CLOSED),
    ("length with a letter", post(length(b"13a"), BODY), (400,), CLOSED),
    ("length with a point", post(length(b"13.0"), BODY), (400,), CLOSED),
    ("length with a blank inside", post(length(b"1 3"), BODY), (400,), CLOSED),
    ("empty length", post(length(b""), BODY), (400,), CLOSED),
    ("length past 64 bits", post(length(b"18446744073709551629"), BODY), (400, 413), CLOSED),
    ("length of a terabyte", post(length(b"1099511627776")), (413,), CLOSED),
    ("length and chunks", post(length(b"13") + b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"), (400,), CLOSED),
    ("chunks and length", post(b"Transfer-Encoding: chunked\r\n" + length(b"13"), b"0\r\n\r\n"), (400,), CLOSED),

    ("encoding xchunked", chunked(b"0\r\n\r\n", b"xchunked"), (400, 501), CLOSED),
    ("encoding chunkedx", chunked(b"0\r\n\r\n", b"chunkedx"), (400, 501), CLOSED),
    ("encoding identity", chunked(b"0\r\n\r\n", b"identity"), (400, 501), CLOSED),
    ("encoding gzip", chunked(b"0\r\n\r\n", b"gzip"), (400, 501), CLOSED),
    ("encoding gzip, chunked", chunked(b"0\r\n\r\n", b"gzip, chunked"), (400, 501), CLOSED),
    ("encoding chunked, gzip", chunked(b"0\r\n\r\n", b"chunked, gzip"), (400, 501), CLOSED),
    ("encoding chunked, chunked", chunked(b"0\r\n\r\n", b"chunked, chunked"), (400, 501), CLOSED),
    ("encoding quoted", chunked(b"0\r\n\r\n", b'"chunked"'), (400, 501), CLOSED),
    ("encoding empty", chunked(b"0\r\n\r\n", b""), (400, 501), CLOSED),
    ("encoding twice", post(b"Transfer-Encoding: chunked\r\n" * 2, b"0\r\n\r\n"), (400,), CLOSED),
    ("encoding in 1.0", get(version=b"HTTP/1.0", headers=b"Transfer-Encoding: chunked\r\n"), (400,), CLOSED),
    ("encoding behind a vertical tab", chunked(b"0\r\n\r\n", b"\x0bchunked"), (400,), CLOSED),

    ("chunk size 0x", chunked(b"0xd\r\n" + BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size with plus", chunked(b"+d\r\n" + BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size with minus", chunked(b"-d\r\n" + BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size with a blank before", chunked(b" d\r\n" + BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size with a blank behind", chunked(b"d \r\n" + BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size empty", chunked(b"\r\n" + BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size not hex", chunked(b"g\r\n" + BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size of 17 digits", chunked(b"0000000000000000d\r\n" + BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk size past every limit", chunked(b"ffffffffffffffff\r\n" + BODY), (400, 413), CLOSED),
    ("chunk size ends in lf", chunked(b"d\n" + BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk data ends in lf", chunked(b"d\r\n" + BODY + b"\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk data too long", chunked(b"d\r\n" + BODY + b"x\r\n0\r\n\r\n"), (400,), CLOSED),
    ("chunk data too short", chunked(b"e\r\n" + BODY + b"\r\n0\r\n\r\n"), (400,), CLOSED),
    ("trailer without a colon", chunked(b"d\r\n" + BODY + b"\r\n0\r\nabc\r\n\r\n"), (400,), CLOSED),
    ("trailer folded", chunked(b"d\r\n" + BODY + b"\r\n0\r\nA: b\r\n c\r\n\r\n"), (400,), CLOSED),
    ("trailer ends in lf", chunked(b"d\r\n" + BODY + b"\r\n0\r\nA: b\n\r\n"), (400,), CLOSED),

    ("bare lf after the request line", b"GET /health HTTP/1.1\n" + HOST + b"\r\n", (400,), CLOSED),
    ("bare lf everywhere", b"GET /health HTTP/1.1\nHost: x\n\n", (400,), CLOSED),
    ("bare lf after a header", get(headers=b"Host: x\nA: b\r\n"), (400,), CLOSED),
    ("bare cr in a header", get(headers=HOST + b"A: b\rc\r\n"), (400,), CLOSED),
    ("folded header", get(headers=HOST + b"A: b\r\n c\r\n"), (400,), CLOSED),
    ("folded header, tab", get(headers=HOST + b"A: b\r\n\tc\r\n"), (400,), CLOSED),
    ("blank before the first header", get(headers=b" " + HOST), (400,), CLOSED),
    ("blank before the colon", get(headers=HOST + b"A : b\r\n"), (400,), CLOSED),
    ("blank before the colon of a length", post(b"Content-Length : 13\r\n", BODY), (400,), CLOSED),
    ("empty header name", get(headers=HOST + b": b\r\n"), (400,), CLOSED),
    ("header without a colon", get(headers=HOST + b"abc\r\n"), (400,), CLOSED),
    ("bracket in a header name", get(headers=HOST + b"a[b]: c\r\n"), (400,), CLOSED),
    ("nul in a value", get(headers=HOST + b"A: b\0c\r\n"), (400,), CLOSED),
    ("nul in a name", get(headers=HOST + b"A\0: b\r\n"), (400,), CLOSED),
    ("control in a value", get(headers=HOST + b"A: \x07\r\n"), (400,), CLOSED),
    ("del in a value", get(headers=HOST + b"A: \x7f\r\n"), (400,), CLOSED),
    ("150 headers", get(headers=HOST + b"A: b\r\n" * 150), (431,), CLOSED),
    ("a header of 50,000 bytes", get(headers=HOST + b"A: " + b"b" * 50000 + b"\r\n"), (431,), CLOSED),
    ("a target of 30,000 bytes", get(b"/" + b"a" * 30000), (414,), CLOSED),

    ("no version", b"GET /health\r\n" + HOST + b"\r\n", (400,), CLOSED),
    ("no target", b"GET HTTP/1.1\r\n" + HOST + b"\r\n", (400,), CLOSED),
    ("two blanks", get(b" /health"), (400,), CLOSED),
    ("blank in the target", get(b"/hea lth"), (400,), CLOSED),
    ("blank behind the version", get(version=b"HTTP/1.1 "), (400,), CLOSED),
    ("version 2.0", get(version=b"HTTP/2.0"), (400, 505), CLOSED),
    ("version 1.2", get(version=b"HTTP/1.2"), (400, 505), CLOSED),
    ("version 0.9", get(version=b"HTTP/0.9"), (400, 505), CLOSED),
    ("version of two digits", get(version=b"HTTP/1.10"), (400,), CLOSED),
    ("version in small letters", get(version=b"http/1.1"), (400,), CLOSED),
    ("version without a name", get(version=b"1.1"), (400,), CLOSED),
    ("target without a slash", get(b"health"), (400,), CLOSED),
    ("target with a fragment", get(b"/health#a"), (400,), CLOSED),
    ("target with nul", get(b"/health\0"), (400,), CLOSED),
    ("target with an encoded nul", get(b"/health%00"), (400,), CLOSED),
    ("target with half an escape", get(b"/health%2"), (400,), CLOSED),
    ("target in utf-8", get("/hé".encode()), (400,), CLOSED),
    ("target of another scheme", get(b"ftp://signalbox.test/health"), (400,), CLOSED),
    ("star for get", get(b"*"), (400,), CLOSED),
    ("connect", get(b"signalbox.test:80", method=b"CONNECT"), (400, 405, 501), CLOSED),
    ("method not a token", get(method=b"G[T"), (400,), CLOSED),
    ("blank before the method", b" " + get(), (400,), CLOSED),
    ("lf before the request", b"\n" + get(), (400,), CLOSED),
    ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400,), CLOSED),
    ("http/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505), CLOSED),
    ("other expectation", post(b"Expect: something\r\n" + length(b"13"), BODY), (417,), CLOSED),
]

# Those that are refused must not let what follows them be served: the prize of request smuggling.
SMUGGLED = [row for row in ROWS if row[3] == CLOSED and row[2] != (200,)]


class Client:
    """Raw bytes out, whole answers in."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.bytes = b""

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass                       # refused before it was all sent

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            return False
        self.bytes += data
        return bool(data)

    def answer(self, to_head=False):
        """The next answer's status; None when the connection ended instead."""
        while b"\r\n\r\n" not in self.bytes:
            if not self._more():
                return None
        head, self.bytes = self.bytes.split(b"\r\n\r\n", 1)
        lines = head.split(b"\r\n")
        headers = {n.strip().lower(): v.strip() for n, v in (line.split(b":", 1) for line in lines[1:])}
        n = 0 if to_head else int(headers.get(b"content-length", b"0"))
        while len(self.bytes) < n:
            assert self._more(), "the answer's body ended early"
        self.bytes = self.bytes[n:]
        self.headers = headers
        return int(lines[0].split(b" ")[1])

    def ended(self):
        """Whether nothing but the end comes within the timeout."""
        assert self.bytes == b"", f"unasked: {self.bytes!r}"
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.socket.close()


@pytest.fixture
def client(port):
    c = Client(port)
    yield c
    c.close()


@pytest.mark.parametrize("name,data,statuses,alive", ROWS, ids=[row[0] for row in ROWS])
def test_row(client, name, data, statuses, alive):
    client.send(data)
    status = client.answer(to_head=data.startswith(b"HEAD"))
    if name == "two in one write":
        assert status == 200
        status = client.answer()
    assert status in statuses
    if alive:
        client.send(GOOD)
        assert client.answer() == 200
    else:
        assert client.headers.get(b"connection") == b"close"
        assert client.ended()


@pytest.mark.parametrize("name,data,statuses,alive", SMUGGLED, ids=[row[0] for row in SMUGGLED])
def test_nothing_is_served_behind_a_refusal(client, name, data, statuses, alive):
    client.send(data + GOOD)
    assert client.answer() in statuses
    assert client.answer() is None


@pytest.mark.parametrize("name,data,statuses,alive", [row for row in ROWS if len(row[1]) < 200],
                         ids=[row[0] for row in ROWS if len(row[1]) < 200])
def test_same_answer_byte_by_byte(client, name, data, statuses, alive):
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for i in range(len(data)):
        client.send(data[i:i + 1])
    status = client.answer(to_head=data.startswith(b"HEAD"))
    if name == "two in one write":
        status = client.answer()
    assert status in statuses


def test_a_burst_is_answered_in_order(client):
    client.send((GOOD + get(b"/no/such/path/at/all")) * 50)
    assert [client.answer() for _ in range(100)] == [200, 404] * 50


def test_a_browser_may_read_refusals(client):
    client.send(get(b"/no/such/path/at/all", headers=HOST + b"Origin: https://shop.example\r\n"))
    assert client.answer() == 404
    assert client.headers[b"access-control-allow-origin"] == b"https://shop.example"
    assert client.headers[b"access-control-allow-credentials"] == b"true"
    assert client.headers[b"content-type"] == b"application/problem+json"


def test_405_names_what_is_allowed(client):
    client.send(get(method=b"PUT"))
    assert client.answer() == 405
    allowed = {m.strip() for m in client.headers[b"allow"].split(b",")}
    assert {b"GET", b"HEAD"} <= allowed and b"PUT" not in allowed


def test_expect_100_continue(client):
    client.send(post(b"Expect: 100-continue\r\n" + length(b"13")))
    assert client.answer() == 100
    client.send(BODY)
    assert client.answer() in ANSWERED


def test_a_refused_upload_is_told_before_it_is_sent(client):
    client.send(post(b"Expect: 100-continue\r\n" + length(b"999999999999")))
    assert client.answer() == 413
    assert client.ended()


def test_a_dripping_head_ends_at_its_deadline(client):
    """One byte a second keeps no connection: the head has ten seconds in all."""
    start = time.monotonic()
    client.socket.settimeout(0.5)
    client.send(b"GET /health HTTP/1.1\r\nA: ")
    status = None
    while status is None and time.monotonic() - start < PATIENCE:
        client.send(b"b")
        try:
            status = client.answer()
        except TimeoutError:
            pass
    assert status == 408
    assert 5 < time.monotonic() - start < PATIENCE
