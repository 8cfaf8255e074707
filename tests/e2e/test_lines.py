"""test_lines.py -- POST /api/v1/events with one event a line: Snowplow's enriched events as TSV, and newline-delimited JSON.

The list of columns below is this test's own, in the order in which Snowplow writes them.
SPDX-License-Identifier: Apache-2.0
"""
import json
import time

import msgpack
import pytest

from harness import ACTION, PRODUCT, SHOP, contexts, new_id, page_view, shop_event, unstruct

COLUMNS = """
app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id name_tracker v_tracker v_collector v_etl
user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid geo_country geo_region geo_city
geo_zipcode geo_latitude geo_longitude geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url page_title
page_referrer page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery page_urlfragment refr_urlscheme refr_urlhost
refr_urlport refr_urlpath refr_urlquery refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source mkt_term
mkt_content mkt_campaign contexts se_category se_action se_label se_property se_value unstruct_event tr_orderid tr_affiliation
tr_total tr_tax tr_shipping tr_city tr_state tr_country ti_orderid ti_sku ti_name ti_category ti_price ti_quantity
pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max useragent br_name br_family br_version br_type br_renderengine
br_lang br_features_pdf br_features_flash br_features_java br_features_director br_features_quicktime br_features_realplayer
br_features_windowsmedia br_features_gears br_features_silverlight br_cookies br_colordepth br_viewwidth br_viewheight os_name
os_family os_manufacturer os_timezone dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width
doc_height tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base base_currency geo_timezone
mkt_clickid mkt_network etl_tags dvce_sent_tstamp refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid
derived_tstamp event_vendor event_name event_format event_version event_fingerprint true_tstamp
""".split()
TSV, NDJSON, JSON, MSGPACK = "text/tab-separated-values", "application/x-ndjson", "application/json", "application/msgpack"
VIEWS = "ecom_attributes_v1:count_product_views"
CART = "ecom_attributes_v1:total_cart_value"
PAGES = "prospect_scoring_tutorial_v1:num_page_views_l7d"
APP = "prospect_scoring_tutorial_v1:latest_app_id"
DEVICE = "prospect_scoring_tutorial_v1:latest_device_class"


def stamp(seconds_ago=0.0):
    """As the enriched event writes a time: UTC, milliseconds, no zone."""
    ms = int((time.time() - seconds_ago) * 1000)
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03}"


def enriched(**columns):
    """A line as Snowplow's enrichment writes it; what is None or not named is empty."""
    event = {"collector_tstamp": stamp(), "event_id": new_id(), "v_collector": "ssc-3.4.0-kafka",
             "v_etl": "snowplow-enrich-kafka-6.10.0", "event_format": "jsonschema", **columns}
    assert not set(event) - set(COLUMNS), set(event) - set(COLUMNS)
    texts = []
    for name in COLUMNS:
        value = event.get(name)
        if isinstance(value, bool):
            value = int(value)
        if isinstance(value, (dict, list)):
            value = json.dumps(value, separators=(",", ":"))
        texts.append("" if value is None else str(value))
    return "\t".join(texts)


def view_line(duid, **columns):
    return enriched(**{"event": "page_view", "event_vendor": "com.snowplowanalytics.snowplow", "event_name": "page_view",
                       "event_version": "1-0-0", "domain_userid": duid, "page_url": "https://shop.example/", **columns})


def shop_line(type, duid, products=(), **columns):
    return enriched(event="unstruct", event_vendor=SHOP, event_name="snowplow_ecommerce_action", event_version="1-0-2",
                    domain_userid=duid, unstruct_event=unstruct(ACTION, {"type": type}),
                    contexts=contexts(*[(PRODUCT, p) for p in products]) if products else None, **columns)


def post_lines(server, lines, type=TSV, end="\n", headers=None):
    return server.post("/api/v1/events", end.join(lines).encode(), type, headers)


def test_the_list_is_whole():
    assert len(COLUMNS) == len(set(COLUMNS)) == 131


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("last", ["", "end"], ids=["last line open", "last line closed"])
def test_tsv_is_applied(server, end, last):
    duid = new_id()
    lines = [shop_line("product_view", duid), shop_line("add_to_cart", duid, [{"id": "P1", "price": 20.5}]), "",
             view_line(duid, app_id="shop", derived_contexts=contexts(
                 ("iglu:nl.basjes/yauaa_context/jsonschema/1-0-4", {"deviceClass": "Phone"})))]
    answer = post_lines(server, lines + ([""] if last else []), end=end)
    assert answer.status == 200, answer.body
    assert answer.json() == {"accepted": 3, "rejected": []}
    assert server.attribute(VIEWS, duid) == 1
    assert server.attribute(CART, duid) == 20.5
    assert server.attribute(APP, duid) == "shop"
    assert server.attribute(DEVICE, duid) == "Phone"


WRONG_LINES = [   # what stands in the line, which column is named, what the reason says
    (lambda: view_line("x", domain_sessionidx="x"), "domain_sessionidx", 'want a whole number, not "x"'),
    (lambda: view_line("x", se_value="cheap"), "se_value", 'want a number, not "cheap"'),
    (lambda: view_line("x", br_cookies="maybe"), "br_cookies", 'want 0 or 1, not "maybe"'),
    (lambda: view_line("x", derived_tstamp="noon"), "derived_tstamp", 'not "noon"'),
    (lambda: view_line("x", event_id=None), "event_id", "missing"),
    (lambda: view_line("x", event_id="1"), "event_id", 'want a UUID, not "1"'),
    (lambda: view_line("x", collector_tstamp=None), "collector_tstamp", "missing"),
    (lambda: view_line("x", contexts='{"schema": '), "contexts", "bad JSON at byte"),
    (lambda: view_line("x", unstruct_event="{}"), "unstruct_event", "no schema"),
    (lambda: view_line("x", event="nonsense", event_vendor=None), "event", 'unknown event "nonsense"'),
    (lambda: view_line("x", page_title="a\tb"), None, "132 columns, want 131"),
    (lambda: view_line("x").split("\t", 1)[1], None, "130 columns, want 131"),
    (lambda: '{"event": "page_view"}', None, "1 columns, want 131"),
]


def test_tsv_wrong_lines_are_told_and_the_others_kept(server):
    duid = new_id()
    lines = []
    for wrong, _, _ in WRONG_LINES:
        lines += [shop_line("product_view", duid), "", wrong()]
    lines.append(shop_line("product_view", duid))
    answer = post_lines(server, lines)
    assert answer.status == 200, answer.body
    body = answer.json()
    assert body["accepted"] == len(WRONG_LINES) + 1
    assert [r["line"] for r in body["rejected"]] == [3 * i + 3 for i in range(len(WRONG_LINES))]
    for rejected, (_, column, reason) in zip(body["rejected"], WRONG_LINES):
        assert rejected.get("column") == column, rejected
        assert rejected["error"].startswith(f"line {rejected['line']}: " + (f"{column}: " if column else "")), rejected
        assert reason in rejected["error"], rejected
    assert server.attribute(VIEWS, duid) == len(WRONG_LINES) + 1
    assert server.attribute(PAGES, "x") is None


def test_tsv_bytes_that_are_no_text(server):
    duid = new_id()
    bad = view_line("x", page_title="?").encode().replace(b"\t?\t", b"\t\xff\t")
    answer = server.post("/api/v1/events", view_line(duid).encode() + b"\n" + bad, TSV)
    assert answer.status == 200
    assert answer.json()["rejected"] == [{"index": 1, "line": 2, "column": "page_title", "error": "line 2: page_title: not UTF-8"}]
    assert server.attribute(PAGES, duid) == 1


def test_tsv_last_first(fresh_server):
    """Snowplow Micro posts the events of one request last first. What a page view earns is decided in their true order: the
    cart holds something before the fourth view, so that message is the first."""
    duid = new_id()
    lines = [shop_line("add_to_cart", duid, [{"price": 1}], derived_tstamp=stamp(60))]
    lines += [shop_line("product_view", duid, derived_tstamp=stamp(60 - i)) for i in range(1, 5)]
    with fresh_server.stream(domain_userid=duid) as stream:
        assert post_lines(fresh_server, reversed(lines)).json()["accepted"] == 5
        assert [m["name"] for m in stream.messages(2)] == ["cart_abandonment", "discount"]


@pytest.mark.parametrize("type", [NDJSON, "application/ndjson", "application/jsonl", "Application/X-NDJSON; charset=utf-8"])
def test_ndjson_is_applied(server, type):
    duid = new_id()
    events = [shop_event("product_view", duid), shop_event("add_to_cart", duid, [{"price": 4}]), page_view(duid, app_id="shop")]
    answer = post_lines(server, [json.dumps(e) for e in events] + ["", ""], type, end="\r\n")
    assert answer.status == 200, answer.body
    assert answer.json() == {"accepted": 3, "rejected": []}
    assert (server.attribute(VIEWS, duid), server.attribute(CART, duid), server.attribute(APP, duid)) == (1, 4, "shop")


def test_ndjson_wrong_lines_are_told_and_the_others_kept(server):
    duid = new_id()
    good = json.dumps(page_view(duid))
    wrong = ['{"event": "page_view",}', "[" + good + "]", "7", '{"event": "nonsense"}', good[:-1], '"']
    lines = []
    for line in wrong:
        lines += [json.dumps(page_view(duid)), line]
    answer = post_lines(server, lines, NDJSON)
    assert answer.status == 200, answer.body
    body = answer.json()
    assert body["accepted"] == len(wrong)
    assert [r["line"] for r in body["rejected"]] == [2, 4, 6, 8, 10, 12]
    errors = [r["error"] for r in body["rejected"]]
    assert all(e.startswith(f"line {2 * i + 2}: ") for i, e in enumerate(errors)), errors
    assert "bad JSON at byte 23: " in errors[0]
    assert "want one map of columns a line" in errors[1]
    assert "not a map" in errors[2]
    assert 'unknown event "nonsense"' in errors[3]
    assert f"bad JSON at byte {len(good) - 1}: " in errors[4]
    assert server.attribute(PAGES, duid) == len(wrong)


def test_the_same_event_in_every_form_is_one(server):
    duid, id = new_id(), new_id()
    event = {**shop_event("add_to_cart", duid, [{"price": 7}]), "event_id": id, "app_id": "shop",
             "collector_tstamp": stamp(), "derived_tstamp": stamp(1.5)}
    line = shop_line("add_to_cart", duid, [{"price": 7}], **{**{k: event[k] for k in ("app_id", "collector_tstamp", "derived_tstamp")},
                                                             "event_id": id.upper()})
    bodies = [(TSV, line), (JSON, json.dumps(event)), (NDJSON, json.dumps(event)), (MSGPACK, msgpack.packb(event))]
    for type, body in bodies:
        answer = server.post("/api/v1/events", body, type)
        assert answer.json() == {"accepted": 1, "rejected": []}, type
        assert server.attribute(CART, duid) == 7, type


@pytest.mark.parametrize("type,body", [
    (TSV, ""), (TSV, "one"), (TSV, "one\ntwo\n"), (TSV, "\t" * 130), (NDJSON, ""), (NDJSON, "{"), (NDJSON, "[]\n7\n"),
], ids=repr)
def test_nothing_good_is_400(server, type, body):
    answer = server.post("/api/v1/events", body, type)
    assert answer.status == 400, answer.body
    if body:
        rejected = answer.json()["rejected"]
        assert answer.json()["accepted"] == 0 and [r["line"] for r in rejected] == list(range(1, len(body.split()) + 1) or [1])
    else:
        assert "empty" in answer.problem(400)


@pytest.mark.parametrize("type,line", [(TSV, "x"), (NDJSON, "7")])
def test_too_many_lines_are_refused_as_a_whole(server, type, line):
    assert "10001 events, more than 10000" in post_lines(server, [line] * 10001, type).problem(400)


@pytest.mark.parametrize("type", [TSV, NDJSON])
def test_answer_in_msgpack_when_asked(server, type):
    duid = new_id()
    good = view_line(duid) if type == TSV else json.dumps(page_view(duid))
    answer = post_lines(server, [good, "x"], type, headers={"Accept": MSGPACK})
    assert answer.status == 200
    body = msgpack.unpackb(answer.body)
    assert body["accepted"] == 1 and body["rejected"][0]["line"] == 2


def test_unknown_types_name_those_there_are(server):
    detail = server.post("/api/v1/events", "a,b", "text/csv").problem(415)
    assert "application/x-ndjson" in detail and "text/tab-separated-values" in detail


def test_who_posts_is_not_who_it_is_about(start_server):
    """The client of a request that brings enriched events is a server's."""
    server = start_server(rules={"who.lua": """
attribute_group "who" {
  attribute_key = "domain_userid", owner = "user@example.com",
  attributes = { agent = last(atomic.useragent):on(page_view), address = last(atomic.user_ipaddress):on(page_view) },
}
"""})
    lines = {"a": (TSV, view_line("a")), "b": (NDJSON, json.dumps(page_view("b"))),
             "c": (TSV, view_line("c", useragent="browser", user_ipaddress="1.2.3.4"))}
    for type, line in lines.values():
        assert post_lines(server, [line], type, headers={"User-Agent": "curl/8"}).json()["accepted"] == 1
    columns = server.attributes(["who_v1:agent", "who_v1:address"], "domain_userid", ["a", "b", "c"])
    assert [v for k, v in sorted(columns.items()) if k != "domain_userid"] == [[None, None, "1.2.3.4"], [None, None, "browser"]]
