"""test_interventions.py -- the SSE wire as the official plugin needs it, the outbox, and who receives a firing.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re
import time
import uuid

import pytest

from harness import PATIENCE, new_id, page_view, shop_event

PATH = "/api/v1/interventions"
RULES = {"levers.lua": """
thing = event "com.acme/thing"
attribute_group "levers" {
  attribute_key = "domain_userid",
  attributes = {
    n       = counter():on(thing),
    total   = sum(thing.price):on(thing),
    names   = unique_list(thing.name):on(thing),
    latest  = last(thing.name):on(thing),
  },
}
breath = event "com.acme/breath"
attribute_group "breaths" {
  attribute_key = "domain_userid",
  attributes = {
    n      = counter():on(breath),
    recent = counter():on(breath):within(seconds(2)),
  },
}
attribute_group "people" {
  attribute_key = "user_id",
  attributes = { n = counter():on(thing) },
}
intervention "third" { when = attribute "levers:n":gte(3) }
intervention "quiet_again" {
  when = all { attribute "breaths:recent":is_null(), attribute "breaths:n":gt(0) },
  target_attribute_keys = { "domain_userid" },
}
intervention "red" {
  version = 4,
  when    = all { attribute "levers:latest":eq "red", attribute "levers:total":gt(1) },
  payload = { code = "SAVE10", total = attribute "levers:total", seen = attribute "levers:names" },
  target_attribute_keys = { "domain_userid" },
}
knock = event "com.acme/knock"
intervention "door" {
  when    = knock:where(knock.hard:gte(3)),
  payload = { hard = knock.hard, seen = attribute "levers:n" },
  target_attribute_keys = { "user_id", "domain_userid" },
}
intervention "both" {
  when = all { attribute "levers:n":gte(2), attribute "people:n":gte(2) },
}
"""}


@pytest.fixture(scope="module")
def levers():
    from harness import Server
    s = Server(rules=RULES)
    yield s
    s.stop()


def thing(duid=None, user=None, name_of_event="thing", **data):
    event = {"event_vendor": "com.acme", "event_name": name_of_event, "event_version": "1-0-0", "event_id": new_id(),
             "unstruct_event": {"schema": f"iglu:com.acme/{name_of_event}/jsonschema/1-0-0", "data": data}}
    if duid:
        event["domain_userid"] = duid
    if user:
        event["user_id"] = user
    return event


def views(server, duid, n, **more):
    server.send(*[shop_event("product_view", duid, **more) for _ in range(n)])


def test_head_and_first_bytes_at_once(start_server):
    """Before there is anything to say: the plugin gives up after 2.5 s."""
    server = start_server(args=["--http.stream_ping_ms", "3600000"])
    took = []
    while not took or (took[-1] >= 2.5 and len(took) < 10):    # again when the machine had no time for it
        begin = time.monotonic()
        with server.stream(domain_userid=new_id()) as s:
            s.read_until(b":ok\n\n")
            took.append(time.monotonic() - begin)
    assert took[-1] < 2.5, took
    with server.stream(domain_userid=new_id()) as s:
        s.read_until(b":ok\n\n")
        assert s.status == 200
        assert s.headers["content-type"].split(";")[0] == "text/event-stream"
        assert {"no-cache", "no-transform"} <= {p.strip() for p in s.headers["cache-control"].split(",")}
        assert s.headers["x-accel-buffering"] == "no"
        assert s.headers["access-control-allow-origin"] == "*"
        assert "content-encoding" not in s.headers
        assert re.fullmatch(rb"retry: 3000\n:ok\n\n(id: [0-9]+-[0-9]+\.[0-9]+\n\n)?", s.bytes)


def test_a_message_byte_by_byte(server):
    duid = new_id()
    with server.stream(domain_userid=duid) as s:
        views(server, duid, 4)
        rest = s.read_until(b"}\n\n")[len(b"retry: 3000\n:ok\n\n"):]
    match = re.fullmatch(rb"(?:id: \S+\n\n)?id: (\S+)\ndata: (\{[^\n]*\})\n\n", rest)
    assert match, rest
    assert re.fullmatch(rb"[^-]+-\d+(\.\d+)?", match.group(1)), match.group(1)
    message = json.loads(match.group(2))
    id = uuid.UUID(message["intervention_id"])
    assert str(id) == message["intervention_id"] and id.version == 8      # a hash
    assert re.fullmatch(r"[A-Za-z0-9_]+", message["name"]) and message["name"] == "discount"
    assert message["version"] == 1
    assert message["target_attribute_key"] == {"name": "domain_userid", "id": duid}
    assert message["attributes"]["ecom_attributes:count_product_views"] == "4"
    for name, value in message["attributes"].items():
        assert isinstance(value, str) and re.fullmatch(r"\w+:\w+", name), (name, value)


def test_fires_once(server):
    duid = new_id()
    with server.stream(domain_userid=duid) as s:
        views(server, duid, 3)
        assert s.names(0) == []
        views(server, duid, 1)
        assert s.names(1) == ["discount"]
        views(server, duid, 5)
        assert s.names(0) == []


def test_one_batch_that_crosses_fires_once(server):
    duid = new_id()
    with server.stream(domain_userid=duid) as s:
        views(server, duid, 9)
        assert s.names(1) == ["discount"]


def test_same_event_again_does_not_fire(server):
    duid = new_id()
    event = shop_event("add_to_cart", duid, [{"price": 1}])
    with server.stream(domain_userid=duid) as s:
        server.send(event)
        assert s.names(1) == ["cart_abandonment"]
        server.send(event)
        assert s.names(0) == []


def test_subscriber_of_several_keys_receives_one_firing_once(server):
    duid, user = new_id(), new_id()
    with server.stream(domain_userid=duid, user_id=user) as both, server.stream(user_id=user) as one:
        views(server, duid, 4, user_id=user)
        assert both.names(1) == ["discount"]
        assert [m["target_attribute_key"] for m in one.messages(1)] == [{"name": "user_id", "id": user}]


def test_subscribers_of_somebody_else_receive_nothing(server):
    duid = new_id()
    with server.stream(domain_userid=new_id()) as s, server.stream(user_id=duid) as other_key:
        views(server, duid, 4)
        assert s.names(0) == [] and other_key.names(0) == []


def test_two_subscribers_of_one_person_receive_both(server):
    duid = new_id()
    with server.stream(domain_userid=duid) as one, server.stream(domain_userid=duid) as two:
        views(server, duid, 4)
        a, b = one.messages(1)[0], two.messages(1)[0]
        assert a == b


def test_outbox(server):
    """What nobody heard waits for the first who asks, and only for that one."""
    duid = new_id()
    views(server, duid, 4)
    server.send(shop_event("add_to_cart", duid, [{"price": 1}]))
    with server.stream(domain_userid=duid) as s:
        assert [m["name"] for m in s.messages(2)] == ["discount", "cart_abandonment"]
    with server.stream(domain_userid=duid) as s:
        assert s.names(0) == []


@pytest.mark.parametrize("how", ["header", "query"])
def test_who_says_what_it_has_had_is_spared_it(server, how):
    duid, user = new_id(), new_id()
    with server.stream(user_id=user) as s:
        views(server, duid, 4, user_id=user)
        (last, _), = s.messages_with_ids(1)
    # the device's copy still waits; a subscriber that has had this firing does not want it
    if how == "header":
        stream = server.stream({"Last-Event-ID": last}, domain_userid=duid)
    else:
        stream = server.stream(domain_userid=duid, last_event_id=last)
    with stream as s:
        assert s.names(0) == []


def test_what_was_sent_into_a_broken_stream_is_not_lost(server):
    """A phone falls asleep: its stream is dead, but nobody has told the server, which thinks it delivered. The browser comes
    back with the id it was given at the start."""
    duid = new_id()
    server.send(page_view(new_id()))            # something has happened before
    with server.stream(domain_userid=duid) as s:
        given = s.read_match(rb":ok\n\nid: (\S+)\n").group(1).decode()
        views(server, duid, 4)
        assert s.names(1) == ["discount"]     # written, and lost on the way
    with server.stream(domain_userid=duid, last_event_id=given) as s:
        assert [m["name"] for m in s.messages(1)] == ["discount"]


def test_stale_event_id_of_another_run_is_no_reason_to_skip(server):
    duid = new_id()
    views(server, duid, 4)
    with server.stream({"Last-Event-ID": "1-99999999999"}, domain_userid=duid) as s:
        assert [m["name"] for m in s.messages(1)] == ["discount"]


def test_attributes_are_strings(levers):
    duid = new_id()
    with levers.stream(domain_userid=duid) as s:
        levers.send(thing(duid, name="blue", price=1.5), thing(duid, name="red", price=2))
        message = s.messages(1)[0]
    assert (message["name"], message["version"]) == ("red", 4)
    assert message["attributes"]["levers:latest"] == "red"
    assert message["attributes"]["levers:total"] == "3.5"
    assert all(isinstance(v, str) for v in message["attributes"].values())
    assert message["payload"] == {"code": "SAVE10", "total": 3.5, "seen": ["blue", "red"]}


def test_edge_can_fire_again(levers):
    duid = new_id()
    with levers.stream(domain_userid=duid) as s:
        for name, price, fired in [("red", 0.5, []), ("red", 2, ["red"]), ("blue", 1, ["third"]), ("red", 1, ["red"])]:
            levers.send(thing(duid, name=name, price=price))
            assert s.names(len(fired), 0.2) == fired, (name, price)
            time.sleep(0.002)


def test_an_event_fires_each_time_but_once_an_id(levers):
    duid = new_id()
    with levers.stream(domain_userid=duid) as s:
        for hard in (5, 2, 4):                  # the second is too soft
            event = thing(duid, name_of_event="knock", hard=hard)
            levers.send(event)
            levers.send(event)                  # the same event again
        messages = s.messages(2)
        assert s.names(0, 0.2) == []
    assert [(m["name"], m["payload"]) for m in messages] == [("door", {"hard": 5, "seen": None}),
                                                             ("door", {"hard": 4, "seen": None})]
    assert messages[0]["intervention_id"] != messages[1]["intervention_id"]
    assert all(m["attributes"] == {} for m in messages), "the plugin needs an object, even an empty one"


def test_fading_turns_a_rule_true(levers):
    """Nothing happens for two seconds: that is what fires it, without any event."""
    duid = new_id()
    with levers.stream(domain_userid=duid) as s:
        begin = time.monotonic()
        levers.send(thing(duid, name_of_event="breath"))
        assert [m["name"] for m in s.messages(1)] == ["quiet_again"]
        assert time.monotonic() - begin > 1.9


def test_criteria_of_two_keys_are_read_at_the_events_identifiers(levers):
    duid, user = new_id(), new_id()
    with levers.stream(domain_userid=duid) as device, levers.stream(user_id=user) as person:
        levers.send(thing(duid), thing(None, user))
        levers.send(thing(duid))                # the device has two, the person one, and no event carries both
        assert device.names(0, 0.2) == []
        levers.send(thing(duid, user))
        names = device.messages(2)
        assert sorted(m["name"] for m in names) == ["both", "third"]
        fired = [m for m in names if m["name"] == "both"][0]
        assert fired["target_attribute_key"] == {"name": "domain_userid", "id": duid}
        to_person = person.messages(1)[0]
        assert to_person["intervention_id"] == fired["intervention_id"]
        assert to_person["target_attribute_key"] == {"name": "user_id", "id": user}


def test_keep_alive_is_a_comment(start_server):
    s = start_server(args=["--http.stream_ping_ms", "300"])
    with s.stream(domain_userid=new_id()) as stream:
        stream.read_match(rb"\n:\n\n:\n\n")
        rest = stream.bytes[len(b"retry: 3000\n:ok\n\n"):]
        assert re.fullmatch(rb"(id: [0-9]+-[0-9]+\.[0-9]+\n\n)?(:\n\n)+", rest), rest


def test_a_user_id_is_no_secret_and_needs_credentials(server):
    user = new_id()
    server.get(PATH + "?user_id=" + user, {"Accept": "text/event-stream"}).problem(401)
    server.get(f"{PATH}?domain_userid={new_id()}&user_id={user}", {"Accept": "text/event-stream"}).problem(401)


@pytest.mark.parametrize("query", ["", "no_such_key=x", "domain_userid=", "domain_userid"])
def test_nothing_to_listen_for_is_an_end_not_a_retry(server, query):
    answer = server.get(PATH + ("?" + query if query else ""), {"Accept": "text/event-stream"})
    assert answer.status == 204 or 400 <= answer.status < 500, answer.status


def test_stop_closes_streams_and_leaves(start_server):
    s = start_server(args=["--http.drain_ms", str(int(PATIENCE * 1000))])
    streams = [s.stream(domain_userid=new_id()) for _ in range(20)]
    assert s.stop() < PATIENCE / 2, "it waited for its streams"
    for stream in streams:
        stream.read_for(PATIENCE)
        assert stream.ended
        stream.close()


def test_a_thousand_streams(start_server):
    s = start_server()
    ids = [new_id() for _ in range(1000)]
    streams = [s.stream(domain_userid=i) for i in ids]
    s.send(*[shop_event("add_to_cart", i) for i in ids])
    for i, stream in zip(ids, streams):
        assert [m["target_attribute_key"]["id"] for m in stream.messages(1)] == [i]
        stream.close()
