"""test_collect.py -- the collector's paths, as trackers and their pipelines know them: answers, CORS, the sp cookie.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re
import time
import urllib.parse

import pytest

from harness import ACTION, PRODUCT, TP2, b64, contexts, new_id, tp2, tracker_event, unstruct

UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
JSON_TYPE = "application/json; charset=UTF-8"
NIL = "00000000-0000-0000-0000-000000000000"

# What this page needs to see and the shipped rules do not show.
RULES = {"collect.lua": """
attribute_group "seen" {
  attribute_key = "domain_userid",
  attributes = {
    events    = counter():on(event "*"),
    kinds     = unique_list(atomic.event_name):on(event "*"),
    nuid      = last(atomic.network_userid):on(event "*"),
    ip        = last(atomic.user_ipaddress):on(event "*"),
    page_url  = last(atomic.page_url):on(event "*"),
    host      = last(atomic.page_urlhost):on(event "*"),
    port      = last(atomic.page_urlport):on(event "*"),
    medium    = last(atomic.refr_medium):on(event "*"),
    term      = last(atomic.refr_term):on(event "*"),
    campaign  = last(atomic.mkt_campaign):on(event "*"),
    network   = last(atomic.mkt_network):on(event "*"),
    value     = sum(atomic.se_value):on(event "*"),
    total     = sum(atomic.tr_total):on(event "*"),
    item      = last(atomic.ti_sku):on(event "*"),
    y_max     = max(atomic.pp_yoffset_max):on(event "*"),
    width     = last(atomic.dvce_screenwidth):on(event "*"),
  },
}
"""}


@pytest.fixture(scope="module")
def seen():
    from harness import Server
    s = Server(rules=RULES)
    yield s
    s.stop()


def collect(server, *events, headers=None, path=TP2):
    answer = server.post(path, tp2(*events), JSON_TYPE, headers)
    assert answer.status == 200, (answer.status, answer.body)
    return answer


def of(server, name, duid):
    return server.attribute("seen_v1:" + name, duid)


def test_post(seen):
    answer = collect(seen, tracker_event(duid=new_id()))
    assert answer.body == b"ok"
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("path", [TP2, "/com.acme/v1", "/com.snowplowanalytics.iglu/tp2"])
def test_any_vendor_and_version_is_taken(seen, path):
    duid = new_id()
    collect(seen, tracker_event(duid=duid), path=path)
    assert of(seen, "events", duid) == 1


@pytest.mark.parametrize("version", ["1-0-0", "1-0-4", "1-0-9"])
def test_every_payload_version(seen, version):
    duid = new_id()
    body = tp2(tracker_event(duid=duid))
    body["schema"] = body["schema"].replace("1-0-4", version)
    assert seen.post(TP2, body, JSON_TYPE).status == 200
    assert of(seen, "events", duid) == 1


@pytest.mark.parametrize("path", ["/i", "/ice.png", "/com.snowplowanalytics.snowplow/tp2"])
def test_get_answers_a_pixel(seen, path):
    duid = new_id()
    query = urllib.parse.urlencode(tracker_event(duid=duid, url="https://a.example/x y"))
    answer = seen.get(path + "?" + query)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/gif"
    assert answer.headers["Cache-Control"] == "no-cache, no-store, must-revalidate"
    assert len(answer.body) == 43 and answer.body.startswith(b"GIF89a")
    assert of(seen, "events", duid) == 1
    assert of(seen, "page_url", duid) == "https://a.example/x%20y"


def test_head_has_no_body(seen):
    answer = seen.request("HEAD", "/i?" + urllib.parse.urlencode(tracker_event(duid=new_id())))
    assert answer.status == 200 and answer.body == b""


@pytest.mark.parametrize("path", [TP2, "/i", "/com.acme/v1"])
def test_preflight(seen, path):
    answer = seen.request("OPTIONS", path, headers={"Origin": "https://shop.example",
                                                    "Access-Control-Request-Method": "POST",
                                                    "Access-Control-Request-Headers": "content-type"})
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert {h.strip() for h in answer.headers["Access-Control-Allow-Headers"].split(",")} >= {"Content-Type", "SP-Anonymous"}
    assert answer.headers["Access-Control-Max-Age"] == "3600"


@pytest.mark.parametrize("origin,allowed", [({"Origin": "https://shop.example"}, "https://shop.example"), ({}, "*")])
def test_cors_of_event_answers(seen, origin, allowed):
    for answer in (collect(seen, tracker_event(duid=new_id()), headers=origin),
                   seen.get("/i?" + urllib.parse.urlencode(tracker_event(duid=new_id())), origin)):
        assert answer.headers["Access-Control-Allow-Origin"] == allowed
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def cookie(answer):
    lines = answer.headers.get_all("Set-Cookie") or []
    assert len(lines) <= 1, lines
    return lines[0] if lines else None


def test_cookie(seen):
    duid = new_id()
    line = cookie(collect(seen, tracker_event(duid=duid)))
    pair, *attributes = [part.strip() for part in line.split(";")]
    name, value = pair.split("=")
    assert name == "sp" and UUID.match(value), line
    attributes = {a.lower() for a in attributes}
    assert {"path=/", "secure", "httponly", "samesite=none"} <= attributes, line
    assert any(a in ("max-age=31536000",) or a.startswith("expires=") for a in attributes), line
    assert of(seen, "nuid", duid) == value


def test_network_userid_comes_from_the_first_that_has_it(seen):
    """tnuid of the event wins; then the query's nuid, the cookie, a new one."""
    ours, theirs, third, duid = new_id(), new_id(), new_id(), new_id()
    sp = {"Cookie": f"other=1; sp={ours}"}
    assert ours in cookie(collect(seen, tracker_event(duid=duid), headers=sp))
    assert of(seen, "nuid", duid) == ours
    duid = new_id()
    query = urllib.parse.urlencode(tracker_event(duid=duid, nuid=theirs))
    assert theirs in cookie(seen.get("/i?" + query, sp))
    assert of(seen, "nuid", duid) == theirs
    duid = new_id()
    collect(seen, tracker_event(duid=duid, tnuid=third), headers=sp)
    assert of(seen, "nuid", duid) == third


def test_anonymous_keeps_neither_cookie_nor_address(seen):
    duid, ours = new_id(), new_id()
    answer = collect(seen, tracker_event(duid=duid),
                     headers={"SP-Anonymous": "*", "Cookie": f"sp={ours}", "X-Forwarded-For": "203.0.113.9"})
    assert of(seen, "nuid", duid) == NIL
    assert of(seen, "ip", duid) is None
    expired = cookie(answer)
    if expired is not None:
        assert ours not in expired and ("expires=thu, 01 jan 1970" in expired.lower() or "max-age=0" in expired.lower())


def test_address_of_the_client(seen):
    duid = new_id()
    collect(seen, tracker_event(duid=duid))
    assert of(seen, "ip", duid) == "127.0.0.1"


def test_health_and_robots(seen):
    answer = seen.get("/health")
    assert answer.status == 200 and answer.body == b"ok"
    assert seen.request("HEAD", "/health").body == b""


def test_redirects_are_off(seen):
    assert seen.get("/r/tp2?u=https%3A%2F%2Felsewhere.example").status == 404


EVENTS = [
    ("page_view", tracker_event("pv", url="https://shop.example:8443/a?utm_campaign=spring&gclid=x",
                                refr="https://www.google.com/search?q=boots", res="1920x1080"),
     {"host": "shop.example", "port": 8443, "medium": "search", "term": "boots", "campaign": "spring", "network": "Google",
      "width": 1920}),
    ("page_ping", tracker_event("pp", pp_mix="0", pp_max="1", pp_miy="2", pp_may="345"), {"y_max": 345}),
    ("event", tracker_event("se", se_ca="c", se_ac="a", se_va="12.5"), {"value": 12.5}),
    ("transaction", tracker_event("tr", tr_id="t1", tr_tt="99.5", tr_cu="EUR"), {"total": 99.5}),
    ("transaction_item", tracker_event("ti", ti_id="t1", ti_sk="sku-1", ti_pr="5", ti_qu="2"), {"item": "sku-1"}),
    ("snowplow_ecommerce_action", tracker_event("ue", ue_px=b64(unstruct(ACTION, {"type": "product_view"}))), {}),
    ("snowplow_ecommerce_action", tracker_event("ue", ue_pr=json.dumps(unstruct(ACTION, {"type": "product_view"}))), {}),
]


@pytest.mark.parametrize("name,event,expected", EVENTS, ids=[f"{e['e']}{i}" for i, (_, e, _) in enumerate(EVENTS)])
def test_every_event_code(seen, name, event, expected):
    duid = new_id()
    collect(seen, {**event, "eid": new_id(), "duid": duid})
    assert of(seen, "kinds", duid) == [name]
    assert {k: of(seen, k, duid) for k in expected} == expected


@pytest.mark.parametrize("field", ["cx", "co"])
def test_contexts_base64_and_plain(server, field):
    duid = new_id()
    entities = contexts((PRODUCT, {"price": 25, "name": "Stiefel für Größe 43"}))
    value = b64(entities) if field == "cx" else json.dumps(entities)
    collect(server, tracker_event("ue", duid=duid, ue_px=b64(unstruct(ACTION, {"type": "add_to_cart"})), **{field: value}))
    assert server.attribute("ecom_attributes_v1:total_cart_value", duid) == 25


def test_same_event_counts_once(seen):
    duid = new_id()
    event = tracker_event(duid=duid)
    collect(seen, event, event)
    collect(seen, event)
    collect(seen, {**event, "eid": event["eid"].upper()})
    assert of(seen, "events", duid) == 1


def test_device_clock_that_is_wrong(seen):
    """A device two days ahead: created an hour before it was sent, so an hour before it was collected; never in the future."""
    duid = new_id()
    ahead = int(time.time() * 1000) + 2 * 86400_000
    collect(seen, tracker_event(duid=duid, dtm=str(ahead - 3600_000), stm=str(ahead), url="https://a.example/old"))
    collect(seen, tracker_event(duid=duid, dtm=str(ahead), stm=str(ahead - 5000), url="https://a.example/now"))
    collect(seen, tracker_event(duid=duid, dtm=str(ahead - 7200_000), stm=str(ahead), url="https://a.example/older"))
    assert of(seen, "page_url", duid) == "https://a.example/now"


def test_a_bad_item_does_not_hurt_its_neighbours(seen):
    duid = new_id()
    answer = seen.post(TP2, tp2(tracker_event(duid=duid), {"e": "nonsense", "p": "web"}, tracker_event(duid=duid)), JSON_TYPE)
    assert answer.status == 200
    assert of(seen, "events", duid) == 2


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", "null", '{"schema": "x", "data": []}', '"text"', "\x00\xff"],
                         ids=["empty", "cut", "array", "no schema", "null", "foreign schema", "string", "bytes"])
def test_malformed_bodies_are_400(seen, body):
    assert seen.post(TP2, body.encode("latin-1"), JSON_TYPE).status == 400


def test_too_large_is_413(seen):
    answer = seen.post(TP2, b" " * (3 << 20), JSON_TYPE)
    assert answer.status == 413


def test_foreign_content_type_is_415(seen):
    assert seen.post(TP2, b"<xml/>", "application/xml").status == 415


def test_wrong_methods_are_405(seen):
    for method in ("PUT", "DELETE", "PATCH"):
        answer = seen.request(method, TP2)
        assert answer.status == 405, method
        assert "POST" in answer.headers["Allow"]
