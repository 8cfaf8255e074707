"""test_attributes.py -- POST /api/v1/get-online-attributes in both forms, for one and many identifiers.

SPDX-License-Identifier: Apache-2.0
"""
import json
import time

import msgpack
import pytest

from harness import new_id, page_view, shop_event

PATH = "/api/v1/get-online-attributes"
SERVICE = "prospect_scoring_tutorial_service"
GROUP = "prospect_scoring_tutorial_v1:"
NINETEEN = {
    "latest_app_id", "latest_device_class", "num_sessions_l7d", "num_apps_l7d", "num_page_views_l7d", "num_page_pings_l7d",
    "num_pricing_views_l7d", "num_conversions_l7d", "num_form_engagements_l7d", "num_sessions_l30d", "num_apps_l30d",
    "num_page_views_l30d", "num_page_pings_l30d", "num_pricing_views_l30d", "num_conversions_l30d", "num_media_events_l30d",
    "first_refr_medium_l30d", "first_mkt_medium_l30d", "num_engaged_campaigns_l30d"}

RULES = {"kinds.lua": """
thing = event "com.acme/thing"
attribute_group "kinds" {
  attribute_key = "user_id",
  attributes = {
    counter_      = counter():on(thing),
    sum_          = sum(thing.n):on(thing),
    min_          = min(thing.n):on(thing),
    max_          = max(thing.n):on(thing),
    mean_         = mean(thing.n):on(thing),
    first_        = first(thing.s):on(thing),
    last_         = last(thing.s):on(thing),
    most_         = most_frequent(thing.s):on(thing),
    least_        = least_frequent(thing.s):on(thing),
    distinct_     = approx_count_distinct(thing.s):on(thing),
    categories_   = category_count(thing.s):on(thing),
    list_         = unique_list(thing.s):on(thing),
    with_default  = counter():on(event "com.acme/never"):default(0),
    list_default  = unique_list(thing.never):on(thing):default({}),
  },
}
attribute_group "kinds" {
  version = 2,
  attribute_key = "user_id",
  attributes = { counter_ = counter():on(thing):within(seconds(2)) },
}
attribute_group "other" {
  attribute_key = "user_id",
  attributes = { counter_ = counter():on(thing), only_here = max(thing.n):on(thing) },
}
service "both" { attribute_groups = { "kinds_v1", "other" } }
service "newest" { attribute_groups = { "kinds" } }
"""}


@pytest.fixture(scope="module")
def kinds():
    from harness import Server
    s = Server(rules=RULES)
    yield s
    s.stop()


def thing(user, **data):
    return {"event_vendor": "com.acme", "event_name": "thing", "event_version": "1-0-0", "event_id": new_id(), "user_id": user,
            "unstruct_event": {"schema": "iglu:com.acme/thing/jsonschema/1-0-0", "data": data}}


def test_service(server):
    one, two, nobody = new_id(), new_id(), new_id()
    server.send(page_view(one, "https://example.com/pricing", app_id="website"), page_view(two), page_view(two))
    answer = server.post(PATH, {"service": SERVICE, "attribute_keys": {"domain_userid": [one, nobody, two]}})
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("application/json")
    columns = answer.json()
    assert columns.pop("domain_userid") == [one, nobody, two]
    assert set(columns) == NINETEEN
    assert all(len(c) == 3 for c in columns.values())
    assert columns["num_page_views_l7d"] == [1, None, 2]
    assert columns["num_pricing_views_l7d"] == [1, None, None]
    assert columns["latest_app_id"] == ["website", None, None]
    assert columns["num_apps_l30d"] == [["website"], None, None]


def test_attributes_by_name(server):
    duid = new_id()
    server.send(page_view(duid), shop_event("product_view", duid))
    names = [GROUP + "num_page_views_l7d", "ecom_attributes_v1:count_product_views"]
    columns = server.attributes(names, "domain_userid", [duid])
    assert columns == {"domain_userid": [duid], "num_page_views_l7d": [1], "count_product_views": [1]}


def test_full_names(server):
    duid = new_id()
    server.send(page_view(duid))
    answer = server.post(PATH, {"attributes": [GROUP + "num_page_views_l7d"], "attribute_keys": {"domain_userid": [duid]},
                                "full_attribute_names": True})
    assert answer.json() == {"domain_userid": [duid], GROUP + "num_page_views_l7d": [1]}


@pytest.mark.parametrize("accept", ["application/msgpack", "application/vnd.msgpack"])
@pytest.mark.parametrize("packed", [False, True], ids=["asked in JSON", "asked in msgpack"])
def test_msgpack(server, accept, packed):
    duid = new_id()
    server.send(page_view(duid))
    body = {"attributes": [GROUP + "num_page_views_l7d"], "attribute_keys": {"domain_userid": [duid]}}
    answer = server.post(PATH, msgpack.packb(body) if packed else json.dumps(body),
                         "application/msgpack" if packed else "application/json", {"Accept": accept})
    assert answer.status == 200 and "msgpack" in answer.headers["Content-Type"]
    assert msgpack.unpackb(answer.body) == {"domain_userid": [duid], "num_page_views_l7d": [1]}


@pytest.mark.parametrize("body,word", [
    ({"service": "no_such_service", "attribute_keys": {"domain_userid": ["x"]}}, "no_such_service"),
    ({"attributes": ["no_such_v1:x"], "attribute_keys": {"domain_userid": ["x"]}}, "no_such"),
    ({"attributes": [GROUP + "no_such"], "attribute_keys": {"domain_userid": ["x"]}}, "no_such"),
    ({"attributes": ["prospect_scoring_tutorial_v9:latest_app_id"], "attribute_keys": {"domain_userid": ["x"]}}, "v9"),
    ({"attributes": [GROUP + "latest_app_id"], "attribute_keys": {"no_such_key": ["x"]}}, "no_such_key"),
])
def test_unknown_names_are_a_clear_4xx(server, body, word):
    answer = server.post(PATH, body)
    assert 400 <= answer.status < 500, answer.status
    assert word in json.dumps(answer.json()), answer.body


@pytest.mark.parametrize("body", [
    None, 7, [], {}, {"service": SERVICE}, {"attribute_keys": {"domain_userid": ["x"]}},
    {"service": 7, "attribute_keys": {"domain_userid": ["x"]}}, {"service": SERVICE, "attribute_keys": []},
    {"service": SERVICE, "attribute_keys": {"domain_userid": [[]]}}, {"service": SERVICE, "attribute_keys": {"domain_userid": {}}},
    {"attributes": GROUP + "latest_app_id", "attribute_keys": {"domain_userid": ["x"]}},
    {"attributes": [7], "attribute_keys": {"domain_userid": ["x"]}},
], ids=json.dumps)
def test_wrong_shapes_are_4xx_in_words(server, body):
    answer = server.post(PATH, body)
    assert answer.status in (400, 404, 422), (answer.status, answer.body)
    assert len(answer.body) > 20


def test_many_identifiers(server):
    ids = [new_id() for _ in range(500)]
    server.send(*[page_view(duid) for duid in ids[::2]])
    column = server.attributes([GROUP + "num_page_views_l7d"], "domain_userid", ids)["num_page_views_l7d"]
    assert column == [1, None] * 250


def test_every_aggregation(kinds):
    user = new_id()
    for n, s in [(4, "a"), (2.5, "b"), ("6", "a"), ("six", "c"), (None, "b"), (1, "a"), (None, "b"), (True, "c")]:
        kinds.send(thing(user, n=n, s=s))
        time.sleep(0.002)                       # first and last go by time, and the clock has milliseconds
    columns = kinds.post(PATH, {"attributes": ["kinds_v1:" + n for n in (
        "counter_", "sum_", "min_", "max_", "mean_", "first_", "last_", "most_", "least_", "distinct_", "categories_", "list_",
        "with_default", "list_default")], "attribute_keys": {"user_id": [user]}}).json()
    del columns["user_id"]
    # most: a and b three times each, b seen last; least: c
    assert {k: v[0] for k, v in columns.items()} == {
        "counter_": 8, "sum_": 13.5, "min_": 1, "max_": 6, "mean_": 3.375, "first_": "a", "last_": "c", "most_": "b",
        "least_": "c", "distinct_": 3, "categories_": {"a": 3, "b": 3, "c": 2}, "list_": ["a", "b", "c"], "with_default": 0,
        "list_default": []}


def test_defaults_of_somebody_unknown(kinds):
    columns = kinds.attributes(["kinds_v1:counter_", "kinds_v1:with_default", "kinds_v1:list_default"], "user_id", [new_id()])
    assert (columns["counter_"], columns["with_default"], columns["list_default"]) == ([None], [0], [[]])


def test_a_window_fades_by_itself(kinds):
    for _ in range(20):                         # again when the machine was too slow to see it
        user = new_id()
        begin = time.monotonic()
        kinds.send(thing(user))
        seen = kinds.attribute("kinds_v2:counter_", user, "user_id")
        if time.monotonic() - begin < 1.9:
            assert seen == 1
            break
    time.sleep(2.1)
    assert kinds.attribute("kinds_v2:counter_", user, "user_id") is None
    assert kinds.attribute("kinds_v1:counter_", user, "user_id") == 1


def test_service_of_groups_that_share_a_name(kinds):
    """Each attribute has a column; the shared name is told apart."""
    user = new_id()
    kinds.send(thing(user, n=3))
    columns = kinds.post(PATH, {"service": "both", "attribute_keys": {"user_id": [user]}}).json()
    assert columns["only_here"] == [3]
    assert sorted(k for k in columns if k.endswith("counter_")) == ["kinds:counter_", "other:counter_"]


def test_service_without_version_takes_the_newest(kinds):
    columns = kinds.post(PATH, {"service": "newest", "attribute_keys": {"user_id": [new_id()]}}).json()
    assert set(columns) == {"user_id", "counter_"}
