"""test_events_api.py -- POST /api/v1/events: JSON and msgpack, one map or many, what is taken and what is said about the rest.

SPDX-License-Identifier: Apache-2.0
"""
import json
import threading

import msgpack
import pytest

from harness import ACTION, PRODUCT, contexts, new_id, page_view, shop_event, unstruct

VIEWS = "ecom_attributes_v1:count_product_views"
CART = "ecom_attributes_v1:total_cart_value"
PAGES = "prospect_scoring_tutorial_v1:num_page_views_l7d"
JSON, MSGPACK = "application/json", "application/msgpack"
PACK = {JSON: lambda v: json.dumps(v).encode(), MSGPACK: msgpack.packb}


def send(server, value, type):
    answer = server.post("/api/v1/events", PACK[type](value), type)
    return answer.status, answer


@pytest.mark.parametrize("type", [JSON, "application/json; charset=utf-8", MSGPACK, "application/vnd.msgpack"])
@pytest.mark.parametrize("many", [False, True], ids=["one map", "an array"])
def test_accepted(server, type, many):
    duid = new_id()
    events = [shop_event("product_view", duid) for _ in range(3)] if many else [shop_event("product_view", duid)]
    pack = PACK[MSGPACK if "msgpack" in type else JSON]
    answer = server.post("/api/v1/events", pack(events if many else events[0]), type)
    assert answer.status == 200, answer.body
    assert answer.json() == {"accepted": len(events), "rejected": []}
    assert server.attribute(VIEWS, duid) == len(events)


@pytest.mark.parametrize("type", [JSON, MSGPACK])
def test_answer_in_msgpack_when_asked(server, type):
    answer = server.post("/api/v1/events", PACK[type](page_view(new_id())), type, {"Accept": MSGPACK})
    assert answer.headers["Content-Type"].startswith(MSGPACK)
    assert msgpack.unpackb(answer.body) == {"accepted": 1, "rejected": []}


@pytest.mark.parametrize("type", [JSON, MSGPACK])
def test_some_are_rejected(server, type):
    """Separable items: the good ones count, the answer says which were not taken and why."""
    duid = new_id()
    events = [shop_event("product_view", duid), 7, shop_event("product_view", duid), "text", [], None,
              shop_event("product_view", duid)]
    status, answer = send(server, events, type)
    assert status == 200, answer.body
    body = answer.json()
    assert body["accepted"] == 3
    assert [r["index"] for r in body["rejected"]] == [1, 3, 4, 5]
    assert all(isinstance(r["error"], str) and r["error"] for r in body["rejected"])
    assert server.attribute(VIEWS, duid) == 3


@pytest.mark.parametrize("type", [JSON, MSGPACK])
def test_none_accepted_is_400(server, type):
    status, answer = send(server, [1, 2], type)
    assert status == 400
    status, answer = send(server, "text", type)
    assert status == 400


@pytest.mark.parametrize("body,type", [
    (b"", JSON), (b"{", JSON), (b'[{"event_name": "x"},', JSON), (b'{"a": 1} {"b": 2}', JSON), (b"\xff\xfe", JSON), (b"nan", JSON),
    (b"[" * 5000, JSON), (b"", MSGPACK), (b"\xc1", MSGPACK), (b"\xdd\x10\x00\x00\x00", MSGPACK), (b"\xdf\xff\xff\xff\xff", MSGPACK),
    (b"\x91" * 5000, MSGPACK), (msgpack.packb({"event_name": "x"})[:-1], MSGPACK),
], ids=repr)
def test_malformed_is_400_with_what_and_where(server, body, type):
    detail = server.post("/api/v1/events", body, type).problem(400)
    assert detail, "the problem says nothing"


def test_content_types(server):
    assert server.post("/api/v1/events", b"a,b", "text/csv").problem(415) is not None
    assert server.request("POST", "/api/v1/events", b"{}").status in (400, 415)


def test_too_large(server):
    server.post("/api/v1/events", b"[" + b" " * (2 << 20) + b"]", JSON).problem(413)


def test_empty_array_is_taken_or_refused_in_words(server):
    answer = server.post("/api/v1/events", [])
    assert answer.status in (200, 400)


@pytest.mark.parametrize("type", [JSON, MSGPACK])
def test_shapes_of_entities_and_data(server, type):
    """contexts as a list or wrapped as in the enriched event; unstruct_event as {schema, data} or wrapped once more."""
    for i, (data, entities) in enumerate([
        ({"schema": ACTION, "data": {"type": "add_to_cart"}}, [{"schema": PRODUCT, "data": {"price": 4}}]),
        (unstruct(ACTION, {"type": "add_to_cart"}), contexts((PRODUCT, {"price": 4}))),
        ({"schema": ACTION, "data": {"type": "add_to_cart"}}, contexts((PRODUCT, {"price": 4}))),
    ]):
        duid = new_id()
        status, answer = send(server, [{**shop_event("add_to_cart", duid), "unstruct_event": data, "contexts": entities}], type)
        assert status == 200, answer.body
        assert server.attribute(CART, duid) == 4, i


@pytest.mark.parametrize("type", [JSON, MSGPACK])
@pytest.mark.parametrize("price,counted", [(5, 5), (2.5, 2.5), ("7", 7), ("seven", None), (True, None), (None, None), ([5], None),
                                           ({"value": 5}, None)], ids=repr)
def test_property_of_unexpected_type_counts_as_missing(server, type, price, counted):
    duid = new_id()
    status, answer = send(server, [shop_event("add_to_cart", duid, [{"price": price}])], type)
    assert status == 200, answer.body
    assert server.attribute(CART, duid) == counted
    assert server.attribute("ecom_attributes_v1:count_add_to_cart", duid) == 1


@pytest.mark.parametrize("type", [JSON, MSGPACK])
def test_columns_of_unexpected_type_reject_at_most_their_event(server, type):
    for column in ("event_vendor", "event_name", "event_version", "event_id", "domain_userid", "page_url", "contexts",
                   "unstruct_event", "collector_tstamp", "true_tstamp"):
        for wrong in (7, True, [], {}, [1], {"a": 1}, "", "no such thing"):
            good = new_id()
            status, answer = send(server, [page_view(good), {**page_view(new_id()), column: wrong}], type)
            assert status == 200, (column, wrong, answer.body)
            assert server.attribute(PAGES, good) == 1, (column, wrong)


def test_same_event_id_counts_once_per_person(server):
    one, two = new_id(), new_id()
    event = page_view(one)
    server.send(event, event)
    server.send(event)
    server.send({**event, "domain_userid": two})
    assert server.attribute(PAGES, one) == 1
    assert server.attribute(PAGES, two) == 1


def test_same_value_whatever_the_order(server):
    """Late and shuffled events end in the same values as ordered ones."""
    stamps = [f"2024-05-0{d} 10:00:0{s}.000" for d in (1, 2, 3) for s in (1, 5, 9)]
    values = []
    for order in (stamps, stamps[::-1], stamps[3:] + stamps[:3]):
        duid = new_id()
        server.send(*[page_view(duid, true_tstamp=t, app_id="app of " + t) for t in order])
        values.append(server.attribute("prospect_scoring_tutorial_v1:latest_app_id", duid))
    assert values == ["app of " + stamps[-1]] * 3


def test_a_large_batch_is_applied_whole(server):
    duid = new_id()
    server.send(*[page_view(duid) for _ in range(1500)])
    assert server.attribute(PAGES, duid) == 1500


def test_reads_see_what_was_answered(server):
    """Eight writers, each of whom reads its own write at once."""
    wrong = []

    def write():
        duid = new_id()
        for i in range(1, 26):
            server.send(page_view(duid))
            seen = server.attribute(PAGES, duid)
            if seen != i:
                wrong.append((i, seen))
    threads = [threading.Thread(target=write) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


@pytest.mark.parametrize("path", ["/api/v1/events", "/com.snowplowanalytics.snowplow/tp2"])
def test_bad_json_says_where(server, path):
    answer = server.request("POST", path, b'{"schema": "x",\n  "data": [1,, 2]}', {"Content-Type": "application/json"})
    assert answer.status == 400
    assert "line 2, column 14" in answer.problem(400)
