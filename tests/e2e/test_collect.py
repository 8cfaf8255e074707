"""test_collect.py -- what trackers send, and the columns that come of it: every parameter, every kind of event, by POST and by GET.

SPDX-License-Identifier: Apache-2.0
"""
import json
import time
import urllib.parse

import pytest

from harness import ACTION, PRODUCT, TP2, Server, b64, contexts, new_id, tp2, tracker_event, unstruct

JSON_TYPE = "application/json; charset=UTF-8"

# Each parameter of the tracker protocol with a value, and the columns it fills. Those that say who and when come below.
PARAMETERS = [
    ("p", "mob", {"platform": "mob"}),
    ("aid", "shop", {"app_id": "shop"}),
    ("tna", "sp1", {"name_tracker": "sp1"}),
    ("tv", "js-4.6.0", {"v_tracker": "js-4.6.0"}),
    ("cv", "clj-1", {"v_collector": "clj-1"}),
    ("tid", "508780", {"txn_id": 508780}),
    ("uid", "ann", {"user_id": "ann"}),
    ("tnuid", "n1", {"network_userid": "n1"}),
    ("nuid", "n2", {"network_userid": "n1"}),           # tnuid wins
    ("sid", "c6ef3124-b53a-4b13-a233-0088f79dcbcb", {"domain_sessionid": "c6ef3124-b53a-4b13-a233-0088f79dcbcb"}),
    ("vid", "3", {"domain_sessionidx": 3}),
    ("fp", "2161814971", {"user_fingerprint": "2161814971"}),
    ("ip", "203.0.113.9, 198.51.100.1", {"user_ipaddress": "203.0.113.9"}),
    ("ua", "Mozilla/5.0 (X)", {"useragent": "Mozilla/5.0 (X)"}),
    ("url", "https://shop.example/a b?utm_medium=m&utm_source=s&utm_term=t&utm_content=c&utm_campaign=g&gclid=k&_sp=d1.1700000000000#f",
     {"page_url": "https://shop.example/a%20b?utm_medium=m&utm_source=s&utm_term=t&utm_content=c&utm_campaign=g&gclid=k"
                  "&_sp=d1.1700000000000#f",
      "page_urlscheme": "https", "page_urlhost": "shop.example", "page_urlport": 443, "page_urlpath": "/a%20b",
      "page_urlquery": "utm_medium=m&utm_source=s&utm_term=t&utm_content=c&utm_campaign=g&gclid=k&_sp=d1.1700000000000",
      "page_urlfragment": "f", "mkt_medium": "m", "mkt_source": "s", "mkt_term": "t", "mkt_content": "c", "mkt_campaign": "g",
      "mkt_clickid": "k", "mkt_network": "Google", "refr_domain_userid": "d1", "refr_dvce_tstamp": 1700000000000}),
    ("page", "Märkte\t&\nPreise", {"page_title": "Märkte    &Preise"}),
    ("refr", "http://www.google.com:8080/search?q=tarot+cards#top",
     {"page_referrer": "http://www.google.com:8080/search?q=tarot+cards#top", "refr_urlscheme": "http",
      "refr_urlhost": "www.google.com", "refr_urlport": 8080, "refr_urlpath": "/search", "refr_urlquery": "q=tarot+cards",
      "refr_urlfragment": "top", "refr_medium": "search", "refr_source": "Google", "refr_term": "tarot cards"}),
    ("lang", "en-GB", {"br_lang": "en-GB"}),
    ("cookie", "1", {"br_cookies": True}),
    ("cd", "24", {"br_colordepth": "24"}),
    ("tz", "Europe/Berlin", {"os_timezone": "Europe/Berlin"}),
    ("cs", "UTF-8", {"doc_charset": "UTF-8"}),
    ("res", "1920x1080", {"dvce_screenwidth": 1920, "dvce_screenheight": 1080}),
    ("vp", "1280x720", {"br_viewwidth": 1280, "br_viewheight": 720}),
    ("ds", "1281x9000", {"doc_width": 1281, "doc_height": 9000}),
    ("f_pdf", "1", {"br_features_pdf": True}),
    ("f_fla", "0", {"br_features_flash": False}),
    ("f_java", "1", {"br_features_java": True}),
    ("f_dir", "0", {"br_features_director": False}),
    ("f_qt", "1", {"br_features_quicktime": True}),
    ("f_realp", "0", {"br_features_realplayer": False}),
    ("f_wma", "1", {"br_features_windowsmedia": True}),
    ("f_gears", "0", {"br_features_gears": False}),
    ("f_ag", "1", {"br_features_silverlight": True}),
    ("se_ca", "shop", {"se_category": "shop"}),
    ("se_ac", "add", {"se_action": "add"}),
    ("se_la", "sku", {"se_label": "sku"}),
    ("se_pr", "size", {"se_property": "size"}),
    ("se_va", "19.99", {"se_value": 19.99}),
    ("tr_id", "O1", {"tr_orderid": "O1"}),
    ("tr_af", "web", {"tr_affiliation": "web"}),
    ("tr_tt", "99.5", {"tr_total": 99.5}),
    ("tr_tx", "9.5", {"tr_tax": 9.5}),
    ("tr_sh", "4.5", {"tr_shipping": 4.5}),
    ("tr_ci", "Bonn", {"tr_city": "Bonn"}),
    ("tr_st", "NRW", {"tr_state": "NRW"}),
    ("tr_co", "DE", {"tr_country": "DE"}),
    ("tr_cu", "EUR", {"tr_currency": "EUR"}),
    ("ti_id", "O1", {"ti_orderid": "O1"}),
    ("ti_sk", "pbz0001", {"ti_sku": "pbz0001"}),
    ("ti_nm", "Tarot", {"ti_name": "Tarot"}),
    ("ti_ca", "cards", {"ti_category": "cards"}),
    ("ti_pr", "7.99", {"ti_price": 7.99}),
    ("ti_qu", "2", {"ti_quantity": 2}),
    ("ti_cu", "USD", {"ti_currency": "USD"}),
    ("pp_mix", "0", {"pp_xoffset_min": 0}),
    ("pp_max", "25", {"pp_xoffset_max": 25}),
    ("pp_miy", "100", {"pp_yoffset_min": 100}),
    ("pp_may", "250", {"pp_yoffset_max": 250}),
    ("ttm", "1700000000123", {"true_tstamp": 1700000000123, "derived_tstamp": 1700000000123}),
    ("dtm", "1700000000001", {"dvce_created_tstamp": 1700000000001}),
    ("stm", "1700000000002", {"dvce_sent_tstamp": 1700000000002}),
    ("e", "pv", {"event": "page_view", "event_vendor": "com.snowplowanalytics.snowplow", "event_name": "page_view",
                 "event_version": "1-0-0", "event_format": "jsonschema", "etl_tstamp": None, "v_etl": None}),
]
COLUMNS = {column: value for _, _, columns in PARAMETERS for column, value in columns.items()}

# What this page needs to see and the shipped rules do not show.
RULES = {"collect.lua": """
attribute_group "seen" {
  attribute_key = "domain_userid",
  attributes = {
    events    = counter():on(event "*"),
    kinds     = unique_list(atomic.event_name):on(event "*"),
    page_url  = last(atomic.page_url):on(event "*"),
    collector = last(atomic.v_collector):on(event "*"),
    id        = last(atomic.event_id):on(event "*"),
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
""", "columns.lua": """
attribute_group "columns" {
  attribute_key = "domain_userid",
  attributes = {
""" + "".join(f"    {column} = last(atomic.{column}):on(event \"*\"),\n" for column in COLUMNS) + """
  },
}
"""}


@pytest.fixture(scope="module")
def seen():
    s = Server(rules=RULES)
    yield s
    s.stop()


def collect(server, *events, headers=None, path=TP2):
    answer = server.post(path, tp2(*events), JSON_TYPE, headers)
    assert answer.status == 200, (answer.status, answer.body)
    return answer


def of(server, name, duid):
    return server.attribute("seen_v1:" + name, duid)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_every_parameter(seen, method):
    """All in one event, and each column shows what its parameter said."""
    duid = new_id()
    event = {"duid": duid, "eid": new_id(), **{name: value for name, value, _ in PARAMETERS}}
    if method == "POST":
        collect(seen, event, headers={"Referer": "https://referer.example/"})
    else:
        assert seen.get("/i?" + urllib.parse.urlencode(event), {"Referer": "https://referer.example/"}).status == 200
    answer = seen.attributes(["columns_v1:" + column for column in COLUMNS], "domain_userid", [duid])
    got = {name.split(":")[-1]: values[0] for name, values in answer.items() if name != "domain_userid"}
    assert got == COLUMNS
    assert {name: type(value) for name, value in got.items()} == {name: type(value) for name, value in COLUMNS.items()}
    assert of(seen, "id", duid) == event["eid"]


def test_what_the_request_says(seen):
    """Where the event says nothing: the page by the Referer, and who collected it."""
    duid = new_id()
    collect(seen, tracker_event(duid=duid), headers={"Referer": "https://referer.example:8443/a"})
    assert (of(seen, "page_url", duid), of(seen, "port", duid)) == ("https://referer.example:8443/a", 8443)
    assert of(seen, "collector", duid) == "signalbox"
    duid = new_id()
    event = tracker_event(duid=duid)
    del event["eid"]
    collect(seen, event)
    assert len(of(seen, "id", duid)) == 36


EVENTS = [
    ("page_view", tracker_event("pv", url="https://shop.example:8443/a?utm_campaign=spring&gclid=x",
                                refr="https://www.google.com/search?q=boots", res="1920x1080"),
     {"host": "shop.example", "port": 8443, "medium": "search", "term": "boots", "campaign": "spring", "network": "Google",
      "width": 1920}),
    ("page_ping", tracker_event("pp", pp_mix="0", pp_max="1", pp_miy="2", pp_may="345"), {"y_max": 345}),
    ("event", tracker_event("se", se_ca="c", se_ac="a", se_va="12.5"), {"value": 12.5}),
    ("event", tracker_event("ev", ev_ca="c", ev_ac="a", ev_va="12.5"), {"value": 12.5}),
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


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("field", ["cx", "co"])
def test_contexts_base64_and_plain(server, field, method):
    duid = new_id()
    entities = contexts((PRODUCT, {"price": 25, "name": "Stiefel für Größe 43"}))
    value = b64(entities) if field == "cx" else json.dumps(entities)
    event = tracker_event("ue", duid=duid, ue_px=b64(unstruct(ACTION, {"type": "add_to_cart"})), **{field: value})
    if method == "POST":
        collect(server, event)
    else:
        assert server.get("/i?" + urllib.parse.urlencode(event)).status == 200
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
