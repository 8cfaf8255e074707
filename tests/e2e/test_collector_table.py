"""test_collector_table.py -- what a Snowplow collector answers, request by request: statuses, bodies, headers, the sp cookie.

Trackers send an event again after every status but 2xx and 400, 401, 403, 410, 422; so of the refusals here each says whether
it is for good.

SPDX-License-Identifier: Apache-2.0
"""
import http.client
import json
import os
import re
import resource
import socket
import subprocess
import urllib.parse

import pytest

from harness import BINARY, BUDGETS, PATIENCE, TP2, Server, new_id, tp2, tracker_event, wait_until

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
JSON_TYPE = "application/json; charset=UTF-8"
NIL = "00000000-0000-0000-0000-000000000000"
FOR_GOOD = {400, 401, 403, 410, 422}
SHOP = {"Origin": "https://shop.example"}
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")

RULES = {"collector.lua": """
attribute_group "seen" {
  attribute_key = "domain_userid",
  attributes = {
    events = counter():on(event "*"),
    nuid   = last(atomic.network_userid):on(event "*"),
    ip     = last(atomic.user_ipaddress):on(event "*"),
    agent  = last(atomic.useragent):on(event "*"),
    from   = last(atomic.mkt_campaign):on(event "*"),
    clicks = last(atomic.mkt_network):on(event "*"),
  },
}
"""}


@pytest.fixture(scope="module")
def collector():
    s = Server(rules=RULES)
    yield s
    s.stop()


def of(server, name, duid):
    return server.attribute("seen_v1:" + name, duid)


def query(duid, **more):
    return "?" + urllib.parse.urlencode(tracker_event(duid=duid, **more))


def send(server, method, path, duid=None, headers=None, **more):
    """One event for this device, as that method carries it."""
    if method == "POST":
        return server.post(path, tp2(tracker_event(duid=duid or new_id(), **more)), JSON_TYPE, headers)
    return server.request(method, path + query(duid or new_id(), **more), headers=headers)


def cookie(answer):
    """The one cookie that was set: its value and its attributes; or None."""
    lines = answer.headers.get_all("Set-Cookie") or []
    assert len(lines) <= 1, lines
    if not lines:
        return None
    pair, *attributes = [part.strip() for part in lines[0].split(";")]
    name, value = pair.split("=", 1)
    assert name == "sp", lines
    return value, {name.lower(): value for name, _, value in (a.partition("=") for a in attributes)}


def assert_cors(answer, origin="*"):
    assert answer.headers.get_all("Access-Control-Allow-Origin") == [origin]
    assert answer.headers.get_all("Access-Control-Allow-Credentials") == ["true"]


# -- the table: request, answer
POSTS = [TP2, "/com.acme/v1", "/com.snowplowanalytics.iglu/v1", "/x/y"]
GETS = [TP2, "/com.acme/v1", "/x/y", "/i", "/ice.png"]


@pytest.mark.parametrize("path", POSTS)
def test_post(collector, path):
    duid = new_id()
    answer = send(collector, "POST", path, duid)
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "Cache-Control" not in answer.headers
    assert_cors(answer)
    assert of(collector, "events", duid) == 1


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_and_head(collector, method, path):
    duid = new_id()
    answer = send(collector, method, path, duid)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/gif"
    assert answer.headers["Content-Length"] == "43"
    assert answer.headers["Cache-Control"] == "no-cache, no-store, must-revalidate"
    assert answer.body == (PIXEL if method == "GET" else b"")
    assert_cors(answer)
    assert of(collector, "events", duid) == 1


def test_pixel_without_an_event(collector):
    assert collector.get("/i").body == PIXEL


@pytest.mark.parametrize("path", [TP2, "/i", "/x/y", "/health", "/r/tp2", "/no/such/path/at/all", "/", "*"])
def test_options(collector, path):
    for origin in (SHOP, {}):
        answer = collector.request("OPTIONS", path, headers={**origin, "Access-Control-Request-Method": "POST",
                                                             "Access-Control-Request-Headers": "content-type"})
        assert (answer.status, answer.body) == (200, b"")
        assert_cors(answer, origin.get("Origin", "*"))
        assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type, SP-Anonymous"
        assert answer.headers["Access-Control-Max-Age"] == "3600"
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("origin,echoed", [
    (None, "*"), ("https://shop.example", "https://shop.example"), ("http://shop.example:8080", "http://shop.example:8080"),
    ("https://shop.example https://other.example", "https://shop.example"), ("null", "null"), ("", "*"),
])
@pytest.mark.parametrize("method,path", [("POST", TP2), ("GET", "/i"), ("HEAD", "/i"), ("GET", TP2)])
def test_cors_of_an_event(collector, method, path, origin, echoed):
    answer = send(collector, method, path, headers={} if origin is None else {"Origin": origin})
    assert answer.status == 200
    assert_cors(answer, echoed)


def test_health(collector):
    for path in ("/health", "/sink-health"):
        answer = collector.get(path)
        assert (answer.status, answer.body) == (200, b"ok")
        assert collector.request("HEAD", path).body == b""


def test_sink_health_while_nothing_can_be_kept(start_server):
    """A limit on the size of files stands in for a full disk; both end with the trouble."""
    server = start_server(rules=RULES)
    free = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    refused = wait_until(lambda: (answer := send(server, "POST", TP2)).status != 200 and answer, what="an event to be refused")
    assert refused.status == 503 and int(refused.headers["Retry-After"]) > 0
    assert_cors(refused)
    sick = wait_until(lambda: (answer := server.get("/sink-health")).status != 200 and answer, what="/sink-health to say so")
    assert "full" in sick.problem(503)
    assert server.get("/health").status == 200
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, free)
    wait_until(lambda: send(server, "POST", TP2).status == 200, what="events to be taken again")
    wait_until(lambda: server.get("/sink-health").body == b"ok", what="/sink-health to say so")


def test_robots(collector):
    """Nobody may crawl; Google's robot for advertisements minds only lines with its own name."""
    answer = collector.get("/robots.txt")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
    *agents, rule = answer.body.decode().splitlines()
    assert {"User-agent: *", "User-agent: AdsBot-Google"} <= set(agents) and rule == "Disallow: /"


@pytest.mark.parametrize("path", ["/r/tp2?u=https%3A%2F%2Felsewhere.example", "/r/tp2", "/r/x?u=https%3A%2F%2Felsewhere.example"])
def test_redirects_are_off(collector, path):
    answer = collector.get(path)
    assert answer.problem(404) == "redirects disabled"
    assert "Location" not in answer.headers and "Set-Cookie" not in answer.headers


# -- further paths
def test_further_paths(start_server):
    server = start_server(rules=RULES, args=["--collector.paths", "/collect,/a/b/c,/x/y"])
    for path in ("/collect", "/a/b/c", "/x/y"):
        duid = new_id()
        assert send(server, "POST", path, duid).body == b"ok"
        for method in ("GET", "HEAD"):
            answer = send(server, method, path, duid)
            assert answer.headers["Content-Type"] == "image/gif"
            assert cookie(answer)
        assert of(server, "events", duid) == 3
        assert server.request("OPTIONS", path).headers["Access-Control-Allow-Headers"] == "Content-Type, SP-Anonymous"
        assert send(server, "PUT", path).status == 405
        assert server.post(path, b" " * (2 << 20), JSON_TYPE).status == 422
    assert send(server, "POST", "/a/b").status == 200     # as any VENDOR/VERSION
    assert send(server, "POST", "/a/b/c/d").status == 404


def start_fails(*args, config=None, tmp_path=None):
    if config:
        (tmp_path / "signalbox.toml").write_text(config)
        args = ("--config", str(tmp_path / "signalbox.toml"))
    done = subprocess.run([BINARY, "serve", "--rules", str(tmp_path), "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", *args],
                          capture_output=True, text=True, timeout=PATIENCE, check=False, env={**os.environ, **BUDGETS})
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert "serves" not in done.stdout and not (tmp_path / "data").exists()
    return done.stderr


@pytest.mark.parametrize("path,why", [
    ("/i", "/i is this server's own"), ("/api/v1/events", "/api/v1/events is this server's own"),
    ("/metrics", "/metrics is this server's own"), ("/r/tp2", "/r/tp2 is this server's own"),
    ("collect", '"collect" is no path like /events or /a/b'), ("/a//b", '"/a//b" is no path like /events or /a/b'),
    ("/{a}", '"/{a}" is no path like /events or /a/b'), ("/a,/a", "/a stands there twice"),
])
def test_paths_that_are_refused(tmp_path, path, why):
    assert "collector.paths: " + why in start_fails("--collector.paths", path, tmp_path=tmp_path)


# -- the cookie
def test_cookie(collector):
    for method, path in [("POST", TP2), ("GET", "/i"), ("HEAD", TP2)]:
        duid = new_id()
        value, attributes = cookie(send(collector, method, path, duid))
        assert UUID.fullmatch(value)
        assert attributes == {"max-age": "31536000", "path": "/", "secure": "", "httponly": "", "samesite": "None"}
        assert of(collector, "nuid", duid) == value


@pytest.mark.parametrize("origin,domain", [
    ("https://www.shop.example", "shop.example"), ("https://shop.example:8443", "shop.example"),
    ("https://a.pay.shop.example", "pay.shop.example"), ("https://pay.shop.example", "pay.shop.example"),
    ("https://myshop.example", "last.example"), ("https://example", "last.example"), ("null", "last.example"), (None, "last.example"),
])
def test_cookie_domain(domains, origin, domain):
    """The first of the list that is the Origin's host or above it; else the fallback."""
    answer = send(domains, "POST", TP2, headers={"Origin": origin} if origin else {})
    value, attributes = cookie(answer)
    assert attributes["domain"] == domain
    assert attributes["max-age"] == str(30 * 86400)
    gone = cookie(send(domains, "POST", TP2, headers={"SP-Anonymous": "*", "Cookie": "sp=" + value,
                                                      **({"Origin": origin} if origin else {})}))
    assert gone == ("", {**attributes, "max-age": "0"})


@pytest.fixture(scope="module")
def domains():
    s = Server(rules=RULES, args=["--cookie.domains", "pay.shop.example,shop.example", "--cookie.fallback", "last.example",
                                  "--cookie.days", "30"])
    yield s
    s.stop()


def test_no_cookie(start_server):
    server = start_server(rules=RULES, args=["--cookie.on=false"])
    ours, duid = new_id(), new_id()
    assert cookie(send(server, "POST", TP2, duid, headers={"Cookie": "sp=" + ours})) is None
    assert of(server, "nuid", duid) == ours     # somebody else's is still read
    assert cookie(send(server, "GET", "/i", headers={"Cookie": "sp=" + ours, "SP-Anonymous": "*"})) is None


# -- who it is
@pytest.mark.parametrize("method,path", [("POST", TP2), ("GET", "/i")])
def test_network_userid(collector, method, path):
    """SP-Anonymous, then nuid of the query, then the cookie, then a new one; what the event itself says wins over all of them."""
    asked, kept, said, old = new_id(), new_id(), new_id(), new_id()

    def nuid(headers, query="", **fields):
        duid = new_id()
        event = tracker_event(duid=duid, **fields)
        if method == "POST":
            answer = collector.post(path + "?" + query, tp2(event), JSON_TYPE, headers)
        else:
            answer = collector.get(f"{path}?{query}&{urllib.parse.urlencode(event)}", headers)
        assert answer.status == 200, answer.body
        return of(collector, "nuid", duid), (cookie(answer) or (None,))[0]
    sp, anonymous = {"Cookie": f"other=1; sp={kept}; more=sp"}, {"SP-Anonymous": "*"}
    assert nuid(sp, "nuid=" + asked) == (asked, asked)
    assert nuid({}, "nuid=" + asked) == (asked, asked)
    assert nuid(sp) == (kept, kept)
    assert nuid(sp, "nuid=") == (kept, kept)
    new, set_to = nuid({})
    assert UUID.fullmatch(new) and set_to == new
    assert nuid({"Cookie": "sp=not%20one; xsp=" + kept})[0] not in (kept, "not one", "not%20one")
    assert nuid(sp, tnuid=said) == (said, kept)
    assert nuid({**sp, **anonymous}, tnuid=said) == (said, "")
    assert nuid({**sp, **anonymous}) == (NIL, "")
    assert nuid(anonymous) == (NIL, None)
    if method == "POST":
        assert nuid({**sp, **anonymous}, "nuid=" + asked) == (NIL, "")
        assert nuid(sp, "nuid=" + asked, nuid=old) == (old, asked)
        assert nuid(sp, nuid=old, tnuid=said) == (said, kept)


@pytest.mark.parametrize("method,path", [("POST", TP2), ("GET", "/i"), ("HEAD", "/i")])
def test_anonymous(collector, method, path):
    """No address, whoever claims to know it; no cookie, and the one that came is gone."""
    duid, ours = new_id(), new_id()
    answer = send(collector, method, path, duid, headers={
        "SP-Anonymous": "*", "Cookie": f"sp={ours}", "X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9",
        "User-Agent": "still known"})
    value, attributes = cookie(answer)
    assert value == "" and attributes == {"max-age": "0", "path": "/", "secure": "", "httponly": "", "samesite": "None"}
    assert of(collector, "nuid", duid) == NIL
    assert of(collector, "ip", duid) is None
    assert of(collector, "agent", duid) == "still known"
    assert cookie(send(collector, method, path, headers={"SP-Anonymous": ""})) is None


@pytest.mark.parametrize("headers,ip", [
    ({}, "127.0.0.1"), ({"X-Real-IP": "203.0.113.8"}, "203.0.113.8"),
    ({"X-Forwarded-For": "203.0.113.9, 198.51.100.1", "X-Real-IP": "203.0.113.8"}, "203.0.113.9"),
    ({"X-Forwarded-For": "203.0.113.9:51234"}, "203.0.113.9"), ({"X-Forwarded-For": "[2001:db8::7]:443"}, "2001:db8::7"),
    ({"X-Forwarded-For": "unknown", "X-Real-IP": "203.0.113.8"}, "203.0.113.8"), ({"X-Forwarded-For": "<script>"}, "127.0.0.1"),
])
def test_address(collector, headers, ip):
    duid = new_id()
    send(collector, "POST", TP2, duid, headers)
    assert of(collector, "ip", duid) == ip


@pytest.mark.parametrize("method,path", [("POST", TP2), ("GET", "/i"), ("HEAD", TP2)])
def test_do_not_track(start_server, method, path):
    """Answered as ever; nothing is kept, and no cookie set or taken away."""
    server = start_server(rules=RULES, args=["--collector.dnt_cookies", "consent=no,optout"])
    duid = new_id()
    plain = send(server, method, path, new_id())

    def same(cookies, **more):
        answer = send(server, method, path, duid, {"Cookie": cookies, **more})
        assert (answer.status, answer.body) == (200, plain.body)
        assert answer.headers["Content-Type"] == plain.headers["Content-Type"]
        assert answer.headers["Cache-Control"] == plain.headers["Cache-Control"]
        assert_cors(answer)
        return cookie(answer)
    assert same(f"sp={new_id()}; consent=no") is None
    assert same("optout=") is None and same("optout=whatever; a=b") is None
    assert same("consent=no; sp=" + new_id(), **{"SP-Anonymous": "*"}) is None
    assert of(server, "events", duid) is None
    assert same("consent=yes") and same("consent=now") and same("consent") and same("no=consent") and same("xoptout=1")
    assert of(server, "events", duid) == 5


def test_do_not_track_that_is_no_cookie(tmp_path):
    assert 'collector.dnt_cookies: "a b" is no NAME or NAME=VALUE' in start_fails("--collector.dnt_cookies", "a b", tmp_path=tmp_path)


# -- limits, and what is refused for good
def test_limits():
    """Those of Snowplow's collector, as they stand without a configuration."""
    done = subprocess.run([BINARY, "serve", "--print-config"], capture_output=True, text=True, timeout=PATIENCE, check=True)
    set_to = dict(re.findall(r"^(\w+) = (\S+)", done.stdout.split("[http]")[1].split("\n[")[0], re.M))
    assert {name: int(set_to[name]) for name in ("line", "head", "body", "idle_ms", "drain_ms")} == {
        "line": 20480, "head": 40960, "body": 1 << 20, "idle_ms": 610_000, "drain_ms": 10_000}


def batch_of(duid, size):
    """A body of that many bytes with events of that device."""
    body = json.dumps(tp2(*(tracker_event(duid=duid, page="x" * 1000) for _ in range(50))))
    assert len(body) < size
    return body + " " * (size - len(body))


def test_the_largest_body(collector):
    duid = new_id()
    assert collector.post(TP2, batch_of(duid, 1 << 20), JSON_TYPE).body == b"ok"
    assert of(collector, "events", duid) == 50


@pytest.mark.parametrize("size", [(1 << 20) + 1, 3 << 19, 2 << 20, 3 << 20])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_too_large_a_body_is_refused_for_good(collector, size, chunked):
    """It never gets smaller: for a 413 a tracker would send it for ever, and nothing behind it."""
    duid = new_id()
    body = batch_of(duid, size).encode()
    connection = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=PATIENCE)
    try:
        connection.request("POST", TP2, iter([body[:size // 2], body[size // 2:]]) if chunked else body,
                           {"Content-Type": JSON_TYPE, **SHOP}, encode_chunked=chunked)
    except (BrokenPipeError, ConnectionResetError):
        pass                                    # it is told before it has said all
    answer = connection.getresponse()
    assert answer.status == 422 and answer.status in FOR_GOOD
    assert json.loads(answer.read())["detail"] == "the body is too large"
    assert answer.headers.get_all("Access-Control-Allow-Origin") == ["https://shop.example"]
    assert answer.headers.get_all("Access-Control-Allow-Credentials") == ["true"]
    connection.close()
    assert of(collector, "events", duid) is None


def test_too_large_elsewhere(collector):
    assert collector.post("/api/v1/events", b" " * (2 << 20)).status == 413


@pytest.mark.parametrize("version,status", [("1-0-0", 200), ("1-0-4", 200), ("1-0-9", 200), ("1-0-10", 200), ("1-1-0", 400),
                                            ("2-0-0", 400), ("1-0", 400)])
def test_payload_versions(collector, version, status):
    duid = new_id()
    body = tp2(tracker_event(duid=duid))
    body["schema"] = body["schema"].replace("1-0-4", version)
    answer = collector.post(TP2, body, JSON_TYPE)
    assert answer.status == status
    assert of(collector, "events", duid) == (1 if status == 200 else None)


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", "null", '{"schema": "x", "data": []}', '"text"', "\x00\xff"],
                         ids=["empty", "cut", "array", "no schema", "null", "foreign schema", "string", "bytes"])
def test_malformed_bodies_are_refused_for_good(collector, body):
    answer = collector.post(TP2, body.encode("latin-1"), JSON_TYPE, SHOP)
    answer.problem(400)
    assert_cors(answer, "https://shop.example")


@pytest.mark.parametrize("type,status", [
    ("application/json", 200), ("application/json; charset=UTF-8", 200), ("text/plain;charset=UTF-8", 200), ("", 200),
    ("application/xml", 400), ("multipart/form-data", 400)])
def test_content_types(collector, type, status):
    answer = collector.post(TP2, tp2(tracker_event()), type)
    assert answer.status == status, answer.body


def test_a_bad_event_does_not_hurt_its_neighbours(collector):
    duid = new_id()
    answer = collector.post(TP2, tp2(tracker_event(duid=duid), {"e": "nonsense", "p": "web"}, tracker_event(duid=duid)), JSON_TYPE)
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.headers["X-Events-Rejected"] == '1 of 3; item 1: e: unknown event "nonsense"'
    assert of(collector, "events", duid) == 2
    answer = collector.post(TP2, tp2({"e": "nonsense"}, {"e": "pv", "p": "toaster"}), JSON_TYPE)
    assert "2 of 2" in answer.problem(400)
    assert "e: unknown event" in collector.get("/i?e=nonsense").problem(400)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods(collector, method):
    answer = collector.request(method, TP2)
    assert answer.status == 405
    assert {m.strip() for m in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "POST", "OPTIONS"}


def test_too_many_events_under_way_are_sent_again(start_server):
    """What can't be taken now may be later: no status that ends it."""
    server = start_server(rules=RULES, args=["--api.batches", "1"])
    body = json.dumps(tp2(tracker_event()))
    head = f"POST {TP2} HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    statuses = burst(server, (head + body).encode() * 20, 20)
    assert set(statuses) == {200, 503} and not FOR_GOOD & set(statuses), statuses


def burst(server, data, n):
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as s:
        s.sendall(data)
        answers = b""
        while len(found := re.findall(rb"HTTP/1\.1 (\d+) ", answers)) < n:
            answers += s.recv(65536)
    return [int(status) for status in found]


# -- campaigns: names of one's own
def test_campaign_parameters(start_server, tmp_path):
    server = start_server(rules=RULES, args=["--campaign.parameters", "cid=mkt_campaign,utm_campaign=mkt_campaign",
                                             "--campaign.click_ids", "fbclid=Facebook"])
    for url, campaign, network in [("?utm_campaign=u&cid=c", "c", None), ("?utm_campaign=u&fbclid=f", "u", "Facebook")]:
        duid = new_id()
        send(server, "POST", TP2, duid, url="https://a.example/" + url)
        assert (of(server, "from", duid), of(server, "clicks", duid)) == (campaign, network)
    assert 'campaign: "cid" is no NAME=VALUE' in start_fails("--campaign.parameters", "cid", tmp_path=tmp_path)
