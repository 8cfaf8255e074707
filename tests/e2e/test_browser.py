"""test_browser.py -- the official browser tracker and its plugins in a real Chromium, on pages of another origin than the server.

A visit is a walk through the shop of browser/shop, by browser/visit.js; it leaves an app id that nobody else has, by which the
rules below tell what the server made of it. Each visit must be free of troubles: failed requests, warnings on the console.
SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import subprocess

import pytest

from harness import PATIENCE, TOP, TP2, Server, new_id

VISIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "browser", "visit.js")
NIL = "00000000-0000-0000-0000-000000000000"
SEEN = """
anything = event  "*"
shop     = event  "com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action"
product  = entity "com.snowplowanalytics.snowplow.ecommerce/product/1"
order    = entity "com.snowplowanalytics.snowplow.ecommerce/transaction/1"
session  = entity "com.snowplowanalytics.snowplow/client_session/1"
received = event  "com.snowplowanalytics.signals/intervention_receive"
handled  = event  "com.snowplowanalytics.signals/intervention_handle"
message  = entity "com.snowplowanalytics.signals/intervention_instance/1"
bought   = shop:where(shop.type:eq "transaction")
hidden   = page_view:where(all { atomic.user_ipaddress:is_null(), atomic.domain_userid:is_null(),
                                 atomic.network_userid:eq "00000000-0000-0000-0000-000000000000" })

attribute_key "app" { property = atomic.app_id }

attribute_group "seen" {
  attribute_key = "app",
  attributes = {
    kinds     = category_count(atomic.event_name):on(anything),
    devices   = unique_list(atomic.domain_userid):on(anything),
    cookies   = unique_list(atomic.network_userid):on(anything),
    addresses = unique_list(atomic.user_ipaddress):on(anything),
    hidden    = counter():on(hidden),

    url       = last(atomic.page_url):on(page_view),
    title     = last(atomic.page_title):on(page_view),
    width     = last(atomic.br_viewwidth):on(page_view),
    language  = last(atomic.br_lang):on(page_view),
    timezone  = last(atomic.os_timezone):on(page_view),
    tracker   = last(atomic.v_tracker):on(page_view),
    of_whom   = unique_list(session.userId):on(page_view),
    right     = max(atomic.pp_xoffset_max):on(page_ping),
    down      = max(atomic.pp_yoffset_max):on(page_ping),

    link      = last(link_click.elementId):on(link_click),
    link_text = last(link_click.elementContent):on(link_click),
    link_to   = last(link_click.targetUrl):on(link_click),
    fields    = unique_list(change_form.elementId):on(change_form),
    entered   = unique_list(change_form.value):on(change_form),
    submitted = last(submit_form.formId):on(submit_form),
    email     = last(submit_form.elements[0].value):on(submit_form),

    actions   = category_count(shop.type):on(shop),
    revenue   = sum(order.revenue):on(bought),
    quantity  = sum(order.total_quantity):on(bought),
    coat      = last(product.price):on(bought),
    hat       = last(product[1].price):on(bought),
    received  = unique_list(message.intervention_id):on(received),
    handled   = unique_list(message.name):on(handled),
    handler   = last(handled.handler):on(handled),

    from_device = last(atomic.refr_domain_userid):on(page_view),
    left_at     = last(atomic.refr_dvce_tstamp):on(page_view),
  },
}
"""


@pytest.fixture(scope="module")
def shop():
    """The shipped rules, and what these tests see."""
    rules = {"browser.lua": SEEN}
    for name in ("ecommerce.lua", "prospect_scoring.lua"):
        with open(os.path.join(TOP, "rules", name)) as f:
            rules[name] = f.read()
    s = Server(rules=rules)
    yield s
    s.stop()


def visit(server, name, **settings):
    """What the visit had to say, its app and what the server has seen of that."""
    asked = {"visit": name, "collector": f"http://localhost:{server.port}", "app": "app-" + new_id(), "method": "post",
             "anonymous": False, "extended": False, "patience_ms": int(PATIENCE * 1000), **settings}
    done = subprocess.run(["node", VISIT, json.dumps(asked)], capture_output=True, text=True, timeout=4 * PATIENCE)
    facts = {"app": asked["app"]}
    for line in done.stdout.splitlines():
        facts.update(json.loads(line))
    assert done.returncode == 0, (done.stderr, facts)
    assert facts["troubles"] == []
    facts["seen"] = lambda attribute: server.attribute("seen_v1:" + attribute, facts["app"], key="app")
    assert facts["seen"]("kinds") == facts["events"], "each event that was sent counts, and counts once"
    return facts


@pytest.fixture(scope="module")
def reader(shop):
    """Who came from a search and an email, stayed a while, looked at the prices and wrote to the shop: three pages."""
    return visit(shop, "reader")


def test_page_views(reader):
    seen = reader["seen"]
    assert reader["events"]["page_view"] == 3
    assert seen("url") == reader["shop"] + "/thanks"
    assert (seen("title"), seen("width"), seen("language")) == ("Märkte & Preise", 1280, "en-GB")
    assert seen("timezone") == "Europe/Vienna"
    assert seen("tracker").startswith("js-4.")
    assert seen("devices") == seen("of_whom") == reader["devices"] and len(reader["devices"]) == 1


def test_page_pings(reader):
    assert reader["events"]["page_ping"] >= 3
    assert (reader["seen"]("right"), reader["seen"]("down")) == (40, 600)


def test_link_click(reader):
    seen = reader["seen"]
    assert reader["events"]["link_click"] == 1
    assert (seen("link"), seen("link_text"), seen("link_to")) == ("pricing", "Prices", reader["shop"] + "/pricing?plan=pro")


def test_form(reader):
    """What was typed arrives, but for the password."""
    seen, events = reader["seen"], reader["events"]
    assert (events["focus_form"], events["change_form"], events["submit_form"]) == (3, 3, 1)
    assert seen("fields") == ["email", "secret", "size"]
    assert seen("entered") == ["ann@example.com", "l"]
    assert (seen("submitted"), seen("email")) == ("contact", "ann@example.com")


def test_prospect(shop, reader):
    """The attributes of the shipped rules, and the score made of them."""
    [device] = reader["devices"]

    def value(name):
        return shop.attribute("prospect_scoring_tutorial_v1:" + name, device)
    for days in ("7d", "30d"):
        assert value("num_page_views_l" + days) == 3
        assert value("num_page_pings_l" + days) == reader["events"]["page_ping"]
        assert value("num_pricing_views_l" + days) == 1
        assert value("num_conversions_l" + days) == 1
        assert value("num_apps_l" + days) == [reader["app"]]
        assert len(value("num_sessions_l" + days)) == 1
    assert value("num_form_engagements_l7d") == 6
    assert (value("first_refr_medium_l30d"), value("first_mkt_medium_l30d")) == ("search", "email")
    assert value("num_engaged_campaigns_l30d") == ["spring"]
    answer = shop.post("/predict", {"domain_userid": device}).json()
    assert answer["signals"]["num_form_engagements_l7d"] == 6
    assert 0.5 < answer["score"] < 1


def test_cookie(reader):
    """Set for the server alone, sent back over http as localhost is trustworthy, and the same with every event."""
    [cookie] = reader["cookies"]
    assert cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] == "None" and cookie["path"] == "/"
    assert cookie["domain"] == "localhost"
    assert reader["seen"]("cookies") == [cookie["value"]]
    assert reader["seen"]("addresses") == ["127.0.0.1"]


@pytest.mark.parametrize("method,request_line", [("post", "POST " + TP2), ("get", "GET /i")])
def test_shopper(shop, method, request_line):
    """Ecommerce events fire interventions, which a plain EventSource and the official plugin receive; the page reads, too."""
    facts = visit(shop, "shopper", method=method)
    seen, [device] = facts["seen"], facts["devices"]
    assert facts["requests"].pop(request_line) > 0
    assert facts["requests"] == {"GET /api/v1/interventions": 2, "POST /predict": 1, "POST /api/v1/get-online-attributes": 1}

    assert seen("actions") == {"product_view": 4, "add_to_cart": 2, "transaction": 1}
    assert (seen("coat"), seen("hat"), seen("revenue"), seen("quantity")) == (60.5, 12, 157, 3)
    assert facts["answer"]["attributes"] == {"domain_userid": [device], "count_product_views": [4], "count_add_to_cart": [2],
                                             "total_cart_value": [121]}
    score = shop.post("/predict", {"domain_userid": device}).json()
    assert facts["answer"]["score"] == score and 0 < score["score"] < 1

    messages, names = facts["by_eventsource"], ["discount", "cart_abandonment", "free_shipping"]
    assert [m["name"] for m in messages] == names
    assert facts["by_plugin"] == messages
    assert all(m["target_attribute_key"] == {"name": "domain_userid", "id": device} for m in messages)
    assert [m["attributes"] for m in messages] == [{"ecom_attributes:count_product_views": "4"},
                                                   {"ecom_attributes:count_add_to_cart": "1"},
                                                   {"ecom_attributes:total_cart_value": "121"}]

    events = facts["events"]
    assert (events["intervention_receive"], events["intervention_handle"]) == (3, 3)
    assert seen("received") == [m["intervention_id"] for m in messages]
    assert (seen("handled"), seen("handler")) == (names, "banner")


def test_stranger(shop):
    """Who has not agreed has no cookie, no address and no identifier; who takes it back, none from then on."""
    facts = visit(shop, "stranger", anonymous=True)
    seen, [cookie] = facts["seen"], facts["agreed"]
    assert facts["before"] == facts["after"] == []
    assert facts["requests"]["POST " + TP2 + " anonymous"] >= 2
    assert facts["events"]["page_view"] == 3 and seen("hidden") == 2
    assert seen("cookies") == [cookie["value"], NIL]
    assert seen("addresses") == ["127.0.0.1"]
    assert seen("devices") == [device for device in facts["devices"] if device]


@pytest.mark.parametrize("extended", [False, True], ids=["short", "extended"])
def test_traveller(shop, extended):
    """A decorated link tells the other site's page view which device it was before."""
    facts = visit(shop, "traveller", extended=extended)
    seen, [here, there] = facts["seen"], facts["devices"]
    _, sp = facts["landed"].split("?_sp=")
    parts = sp.split(".")
    assert parts[0] == here and (len(parts) > 2) == extended
    assert seen("from_device") == here != there
    assert seen("left_at") == int(parts[1])
    assert seen("url") == facts["landed"]
    assert len(seen("cookies")) == 1, "the server's own cookie is the same on both sites"


def test_device_class(shop, reader):
    [device] = reader["devices"]
    assert shop.attribute("prospect_scoring_tutorial_v1:latest_device_class", device) == "Desktop"
