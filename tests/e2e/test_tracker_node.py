"""test_tracker_node.py -- the official Node tracker sends, and attributes, interventions and the score come out.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import subprocess

import pytest

from harness import ACTION, PATIENCE, new_id

SEND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "node", "send.js")


def run(server, events, user, **more):
    """What the tracker says of its requests."""
    scenario = {"endpoint": f"http://127.0.0.1:{server.port}", "user": user, "events": events, **more}
    done = subprocess.run(["node", SEND, json.dumps(scenario)], capture_output=True, text=True, timeout=2 * PATIENCE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def track(server, events, user, **more):
    said = run(server, events, user, **more)
    assert said == {"sent": len(events), "failed": 0, "kept": 0}, said


@pytest.mark.parametrize("how", [
    {"base64": True}, {"base64": False}, {"method": "get", "base64": True}, {"method": "get", "base64": False}, {"buffer": 5},
], ids=["post base64", "post plain", "get base64", "get plain", "post batches"])
def test_page_views(server, how):
    duid, session = new_id(), new_id()
    views = [{"kind": "page_view", "url": f"https://www.example.com/{path}?utm_medium=email&utm_campaign={campaign}",
              "title": "Märkte & Preise", "referrer": "https://www.google.com/search?q=prices"}
             for path, campaign in [("", "spring"), ("pricing", "spring"), ("docs", "summer"), ("pricing/plans", "spring")]]
    track(server, views + [{"kind": "page_ping", "url": "https://www.example.com/"}],
          {"domain_userid": duid, "session": session}, app_id="website", **how)
    group = "prospect_scoring_tutorial_v1:"

    def value(name):
        return server.attribute(group + name, duid)
    assert value("num_page_views_l7d") == 4
    assert value("num_page_views_l30d") == 4
    assert value("num_page_pings_l7d") == 1
    assert value("num_pricing_views_l7d") == 2
    assert value("num_sessions_l7d") == [session]
    assert value("num_apps_l30d") == ["website"]
    assert value("latest_app_id") == "website"
    assert value("first_mkt_medium_l30d") == "email"
    assert value("first_refr_medium_l30d") == "search"
    assert sorted(value("num_engaged_campaigns_l30d")) == ["spring", "summer"]
    assert value("num_conversions_l7d") is None


def test_self_describing_events_and_entities(server):
    duid = new_id()
    form = "iglu:com.snowplowanalytics.snowplow/{}/jsonschema/1-0-0"
    media = "iglu:com.snowplowanalytics.snowplow.media/{}/jsonschema/1-0-0"
    yauaa = {"schema": "iglu:nl.basjes/yauaa_context/jsonschema/1-0-4", "data": {"deviceClass": "Phone"}}
    track(server, [
        {"kind": "self_describing", "schema": form.format("focus_form"), "data": {"formId": "f", "elementId": "e"}},
        {"kind": "self_describing", "schema": form.format("change_form"), "data": {"formId": "f", "elementId": "e"}},
        {"kind": "self_describing", "schema": form.format("submit_form"), "data": {"formId": "f"}},
        {"kind": "self_describing", "schema": media.format("play_event"), "data": {}},
        {"kind": "self_describing", "schema": media.format("pause_event"), "data": {}},
        {"kind": "page_view", "url": "https://example.com/", "entities": [yauaa]},
        {"kind": "struct", "category": "a", "action": "b", "label": "c", "property": "d", "value": 1.5},
    ], {"domain_userid": duid})
    columns = server.attributes(["prospect_scoring_tutorial_v1:" + name for name in (
        "num_form_engagements_l7d", "num_conversions_l7d", "num_media_events_l30d", "latest_device_class")],
        "domain_userid", [duid])
    assert [v for k, v in columns.items() if k != "domain_userid"] == [[2], [1], [2], ["Phone"]], columns


def test_shop_events_fire_interventions(server):
    """The demo shop's three interventions, received by a device and by a user at once."""
    duid, user = new_id(), "user-" + new_id()
    who = {"domain_userid": duid, "user_id": user}
    with server.stream(domain_userid=duid) as device, server.stream(user_id=user) as person:
        track(server, [{"kind": "shop", "type": "product_view", "products": [{"id": "p1", "price": 10, "currency": "EUR"}]}] * 3,
              who)
        assert server.attribute("ecom_attributes_v1:count_product_views", duid) == 3
        assert device.names(0) == []
        track(server, [{"kind": "shop", "type": "product_view"}], who)
        to_device, to_person = device.messages(1)[0], person.messages(1)[0]
        assert to_device["name"] == to_person["name"] == "discount"
        assert to_device["intervention_id"] == to_person["intervention_id"]
        assert to_device["target_attribute_key"] == {"name": "domain_userid", "id": duid}
        assert to_person["target_attribute_key"] == {"name": "user_id", "id": user}
        assert to_device["attributes"]["ecom_attributes:count_product_views"] == "4"

        track(server, [{"kind": "shop", "type": "add_to_cart", "products": [{"id": "p1", "price": 60.5}]}], who)
        assert [m["name"] for m in device.messages(1)] == ["cart_abandonment"]
        track(server, [{"kind": "shop", "type": "add_to_cart", "products": [{"id": "p2", "price": 60}]}], who)
        assert [m["name"] for m in device.messages(1)] == ["free_shipping"]
        assert [m["name"] for m in person.messages(2)] == ["cart_abandonment", "free_shipping"]
        assert device.names(0) == []
    assert server.attribute("ecom_attributes_v1:count_add_to_cart", duid) == 2
    assert server.attribute("ecom_attributes_v1:total_cart_value", duid) == 120.5


def test_a_batch_that_is_too_large_is_not_sent_again(start_server):
    """A tracker that is let gather more than http.body: what never fits must not stop what comes behind it."""
    server = start_server(args=["--http.body", "20000"])
    duid = new_id()
    views = [{"kind": "page_view", "url": "https://example.com/" + "x" * 3000}] * 8
    how = {"buffer": 8, "max_post_bytes": 100_000}
    assert run(server, views, {"domain_userid": duid}, **how) == {"sent": 0, "failed": 8, "kept": 0}
    track(server, views[:4], {"domain_userid": duid}, **{**how, "buffer": 4})
    assert server.attribute("prospect_scoring_tutorial_v1:num_page_views_l7d", duid) == 4


def test_score(server):
    """The score of somebody who read prices is higher than that of somebody who did not."""
    keen, other = new_id(), new_id()
    track(server, [{"kind": "page_view", "url": "https://example.com/pricing"}] * 3, {"domain_userid": keen, "session": new_id()})
    track(server, [{"kind": "page_view", "url": "https://example.com/"}], {"domain_userid": other, "session": new_id()})
    scores = []
    for duid in (keen, other):
        answer = server.post("/predict", {"domain_userid": duid})
        assert answer.status == 200, answer.body
        scores.append(answer.json()["score"])
    assert 0 <= scores[1] < scores[0] <= 1
    assert server.post("/predict", {"domain_userid": keen}).json()["signals"]["num_pricing_views_l7d"] == 3


def test_true_timestamp_decides_the_window(server):
    """An event of eight days ago counts in thirty days and not in seven."""
    import time
    duid = new_id()
    old = int(time.time() * 1000) - 8 * 86400_000
    track(server, [{"kind": "page_view", "url": "https://example.com/", "true_tstamp": old},
                   {"kind": "page_view", "url": "https://example.com/"}], {"domain_userid": duid})
    assert server.attribute("prospect_scoring_tutorial_v1:num_page_views_l7d", duid) == 1
    assert server.attribute("prospect_scoring_tutorial_v1:num_page_views_l30d", duid) == 2


def test_event_of_the_schema_the_shop_uses(server):
    """Built by hand from the tracker's own word for self-describing events, with two entities: the first one's price counts."""
    duid = new_id()
    product = "iglu:com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0"
    track(server, [{"kind": "self_describing", "schema": ACTION, "data": {"type": "add_to_cart"},
                    "entities": [{"schema": product, "data": {"price": 7}}, {"schema": product, "data": {"price": 5}}]}],
          {"domain_userid": duid})
    assert server.attribute("ecom_attributes_v1:total_cart_value", duid) == 7
