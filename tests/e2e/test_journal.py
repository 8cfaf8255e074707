"""test_journal.py -- what was answered 200 is there after a restart: attributes, scores, what fired, what waits, the rules.

SPDX-License-Identifier: Apache-2.0
"""
import http.client
import json
import os
import signal
import threading

import pytest

from harness import SLOW, new_id, page_view, shop_event, wait_until

VIEWS = "ecom_attributes_v1:count_product_views"
COUNT = """
attribute_group "g" { attribute_key = "domain_userid", attributes = { n = counter():on(event "a/b") } }
intervention "many" { when = attribute "g:n":gt(%d), target_attribute_keys = { "domain_userid" } }
"""
# Written back all the time: what a start finds is a bit of both, pages and records. Never: records alone.
WAYS = [(signal.SIGTERM, "60000"), (signal.SIGKILL, "60000"), (signal.SIGKILL, "100")]


def views(server, duid, n):
    server.send(*[shop_event("product_view", duid) for _ in range(n)])


def thing(duid, **columns):
    return {"event_vendor": "a", "event_name": "b", "event_version": "1-0-0", "event_id": new_id(), "domain_userid": duid,
            **columns}


def metric(server, name):
    for line in server.get("/metrics").body.decode().splitlines():
        if line.startswith(f"signalbox_{name} "):
            return float(line.split()[1])
    raise AssertionError(f"no metric {name}")


@pytest.mark.parametrize("how,write_back_ms", WAYS, ids=lambda v: str(v))
def test_a_restart_changes_nothing(start_server, how, write_back_ms):
    server = start_server(args=["--journal.write_back_ms", write_back_ms])
    people = [new_id() for _ in range(40)]
    for i, duid in enumerate(people):
        views(server, duid, i % 4)
        server.send(page_view(duid, "https://example.com/pricing", domain_sessionid=new_id()))
    seen = page_view(people[0])
    server.send(seen)

    def know():
        answers = [server.attributes([VIEWS, "prospect_scoring_tutorial_v1:num_page_views_l7d"], "domain_userid", people)]
        return answers + [server.post("/predict", {"domain_userid": duid}).json() for duid in people[:5]]
    before = know()
    assert [1, 2, 3] in [column[1:4] for column in before[0].values()], before
    for _ in range(3):
        server.restart(how)
        assert know() == before
    server.send(seen)                           # the same event again: it was seen before the restart
    assert know() == before
    views(server, people[3], 1)                 # and on from there
    assert server.attribute(VIEWS, people[3]) == 4
    server.restart(how)
    assert server.attribute(VIEWS, people[3]) == 4


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_fired_does_not_fire_again(start_server, how):
    server = start_server()
    ann, bob = new_id(), new_id()
    with server.stream(domain_userid=ann) as s:
        views(server, ann, 4)
        assert s.names(1) == ["discount"]
        last = s.bytes
    views(server, bob, 3)
    server.restart(how)
    with server.stream(domain_userid=ann, headers={"Last-Event-ID": last.rsplit(b"id: ", 1)[1].split(b"\n")[0].decode()}) as s, \
            server.stream(domain_userid=bob) as t:
        views(server, ann, 2)
        views(server, bob, 1)
        assert t.names(1) == ["discount"]
        assert s.names(0) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_stream_goes_on_where_it_broke(start_server, how):
    """The id of the last message holds across a restart: what came later is sent, once, and nobody is told to start over."""
    server = start_server()
    ann = new_id()
    with server.stream(domain_userid=ann) as s:
        views(server, ann, 4)
        (last, first), = s.messages_with_ids(1)
    server.send(shop_event("add_to_cart", ann, products=[{"id": "p", "price": 120, "currency": "EUR"}]))    # nobody listens
    server.restart(how)
    with server.stream(domain_userid=ann, headers={"Last-Event-ID": last}) as s:
        later = s.messages_with_ids(2)
        assert [message["name"] for _, message in later] == ["cart_abandonment", "free_shipping"]
        assert s.names(0) == []
        assert b"resync" not in s.bytes
    assert len({first["intervention_id"], *(message["intervention_id"] for _, message in later)}) == 3
    with server.stream(domain_userid=ann, headers={"Last-Event-ID": later[0][0]}) as s:
        assert s.messages_with_ids(1) == later[1:]      # the same message under the same id
    with server.stream(domain_userid=ann, headers={"Last-Event-ID": "1-1.0"}) as s:
        s.read_until(b"event: resync")          # an id of some other journal


def test_a_kill_repeats_a_message_under_its_id(start_server):
    server = start_server()
    ann = new_id()
    with server.stream(domain_userid=ann) as s:
        views(server, ann, 4)
        sent = s.messages_with_ids(1)
    server.restart(signal.SIGKILL)
    with server.stream(domain_userid=ann) as s:  # says nothing of what it has had
        s.read_for(0.5 * SLOW)
        again = []
        while (message := s._next()) is not None:
            again.append(message)
        assert again in ([], sent)


def test_a_timer_that_was_due_meanwhile(start_server):
    server = start_server(rules={"t.lua": """
thing = event "a/b"
attribute_group "g" { attribute_key = "domain_userid", attributes = {
  n = counter():on(thing), recent = counter():on(thing):within(seconds(2)) } }
intervention "quiet" { when = all { attribute "g:recent":is_null(), attribute "g:n":gt(0) },
                       target_attribute_keys = { "domain_userid" } }
"""})
    ann, bob = new_id(), new_id()
    server.send(thing(ann))
    server.restart(signal.SIGKILL)
    with server.stream(domain_userid=ann) as s:
        assert s.names(1) == ["quiet"]
    server.send(thing(bob))
    server.restart(signal.SIGTERM)
    with server.stream(domain_userid=bob) as s:
        assert s.names(1) == ["quiet"]


@pytest.mark.parametrize("how,write_back_ms", WAYS, ids=lambda v: str(v))
def test_a_rule_edit_survives(start_server, how, write_back_ms):
    server = start_server(rules={"a.lua": COUNT % 3}, args=["--journal.write_back_ms", write_back_ms])
    ann = new_id()
    server.send(thing(ann), thing(ann), se_value(ann, 5))
    server.write_rule("a.lua", (COUNT % 2).replace('"a/b")', '"a/b"), total = sum(atomic.se_value):on(event "*")'))
    wait_until(lambda: server.post("/api/v1/get-online-attributes", {
        "attributes": ["g_v1:total"], "attribute_keys": {"domain_userid": [ann]}}).status == 200, what="the new attribute")
    server.send(se_value(ann, 7))
    before = server.attribute("g_v1:n", ann), server.attribute("g_v1:total", ann)
    assert before == (2, 7)
    for _ in range(2):
        server.restart(how)
        assert (server.attribute("g_v1:n", ann), server.attribute("g_v1:total", ann)) == before
    with server.stream(domain_userid=ann) as s:
        server.send(thing(ann))                 # the third: the edited rule's limit
        assert s.names(1) == ["many"]


def se_value(duid, value):
    return {**thing(duid), "event_name": "other", "se_value": value}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_rules_broken_while_it_was_down(start_server, how):
    """The last good version comes back from the data folder, and the file's mistake is told."""
    server = start_server(rules={"a.lua": COUNT % 2})
    ann = new_id()
    server.send(thing(ann))
    server.end(how)
    server.write_rule("a.lua", "attribute_grup {}\n")
    server.start()
    assert "attribute_grup" in server.log() and "a.lua:1" in server.log()
    assert "attribute_grup" in str(server.rules_status())
    assert server.attribute("g_v1:n", ann) == 1
    server.send(thing(ann))
    server.restart(how)                         # and again, with the mistake still there
    assert server.attribute("g_v1:n", ann) == 2
    with server.stream(domain_userid=ann) as s:
        server.send(thing(ann))
        assert s.names(1) == ["many"]
    server.write_rule("a.lua", COUNT % 2)
    wait_until(lambda: "attribute_grup" not in str(server.rules_status()), what="the mended file")
    assert server.attribute("g_v1:n", ann) == 3


def test_rules_changed_while_it_was_down(start_server):
    server = start_server(rules={"a.lua": COUNT % 5})
    ann = new_id()
    server.send(thing(ann), thing(ann))
    server.end()
    server.write_rule("a.lua", COUNT % 2)
    server.start()
    with server.stream(domain_userid=ann) as s:
        server.send(thing(ann))
        assert s.names(1) == ["many"]


def test_rules_that_did_not_change_are_not_swapped(start_server):
    server = start_server(rules={"a.lua": COUNT % 5})
    server.send(thing(new_id()))
    before = server.rules_status()["generation"]
    for _ in range(3):
        server.restart()
    assert server.rules_status()["generation"] == before


@pytest.mark.parametrize("sync", ["always", "interval", "never"])
def test_no_kill_loses_anything_whatever_the_sync(start_server, sync):
    """A crash of the process leaves what it had handed to the system."""
    server = start_server(args=["--journal.sync", sync])
    ann = new_id()
    for i in range(1, 4):
        views(server, ann, 3)
        server.restart(signal.SIGKILL)
        assert server.attribute(VIEWS, ann) == 3 * i


def test_a_clean_stop_leaves_nothing_to_repeat(start_server):
    server = start_server()
    views(server, new_id(), 10)
    server.restart()
    assert "0 records with 0 events" in server.log() or "were applied again" not in server.log(), server.log()


def test_fronts_share_the_journal(start_server):
    server = start_server(args=["--fronts", "4"])
    ann = new_id()
    for _ in range(60):
        views(server, ann, 1)                   # each on a connection of its own
    assert server.attribute(VIEWS, ann) == 60
    server.restart(signal.SIGKILL)
    assert server.attribute(VIEWS, ann) == 60
    assert metric(server, "journal_state") == 0


def test_the_folder_and_those_above_are_made(start_server, tmp_path):
    data = tmp_path / "not" / "there" / "yet"
    server = start_server(data=str(data))
    assert data.is_dir() and os.stat(data).st_mode & 0o077 == 0
    assert (data / "control").is_socket()
    server.end()
    assert not (data / "control").exists()


BIG = """
local big = {}
for i = 1, 60000 do big[i] = "text number " .. i end
attribute_group "g" { attribute_key = "domain_userid", attributes = { n = counter():on(event "a/b") } }
"""
TWO = """
attribute_group "f" { attribute_key = "domain_userid", attributes = { other = counter():on(event "a/never") } }
attribute_group "g" { attribute_key = "domain_userid", attributes = { n = counter():on(event "a/b") } }
"""


def test_state_stays_with_its_attribute_when_the_rules_do_not_load(start_server):
    """As with a version that can't load what was in force: nothing is in force, and what was known is known again later."""
    server = start_server(rules={"a.lua": BIG})
    ann = new_id()
    server.send(*[thing(ann) for _ in range(5)])
    server.end()
    server.args = ["--script.memory", str(1 << 20)]
    server.start()
    assert "do not load any more" in server.log()
    server.end()
    server.args = []
    server.write_rule("a.lua", TWO)
    server.start()
    assert (server.attribute("f_v1:other", ann), server.attribute("g_v1:n", ann)) == (None, 5)


SLOW_CRITERION = """
attribute_group "g" { attribute_key = "domain_userid", attributes = {
  n = counter():on(event "a/b"):where(criterion(atomic.app_id, function(id)
    local s = 0
    for i = 1, 300000 do s = (s * 31 + i) % 1000003 end
    return s >= 0
  end)) } }
"""


def test_a_replay_does_not_stop_what_was_not_stopped(start_server):
    """A function of some milliseconds, within its budget as the events came, is not held to another one as they are replayed."""
    server = start_server(rules={"a.lua": SLOW_CRITERION}, args=["--script.inside_us", "100"])
    ann = new_id()
    for _ in range(5):
        server.send(thing(ann, app_id="shop"))
    assert server.attribute("g_v1:n", ann) == 5
    server.restart(signal.SIGKILL)
    assert server.attribute("g_v1:n", ann) == 5


def test_a_longer_period_does_not_bring_back_what_was_past(start_server):
    rule = 'attribute_group "g" { attribute_key = "domain_userid", attributes = { n = counter():on(event "a/b"):within(%s) } }\n'
    server = start_server(rules={"a.lua": rule % "seconds(1)"})
    ann = new_id()
    server.send(thing(ann))
    wait_until(lambda: server.attribute("g_v1:n", ann) is None, what="the end of a second")
    generation = server.rules_status()["generation"]
    server.write_rule("a.lua", rule % "days(1)")
    wait_until(lambda: server.rules_status()["generation"] > generation, what="the new rule")
    assert server.attribute("g_v1:n", ann) is None
    server.send(thing(ann))
    for how in (signal.SIGKILL, signal.SIGTERM):
        server.restart(how)
        assert server.attribute("g_v1:n", ann) == 1


def test_a_stop_under_load_leaves_no_request_waiting(start_server):
    """Also with a front that has nothing to do, and leaves at once."""
    server = start_server(args=["--fronts", "2"])
    answered, stopping = [], threading.Event()

    def send():
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SLOW * 60)
        try:
            while True:
                connection.request("POST", "/api/v1/events", json.dumps([thing(new_id())]), {"Content-Type": "application/json"})
                answered.append(connection.getresponse().read())
        except (http.client.RemoteDisconnected, ConnectionError):
            pass                                # it has left, between two requests or before it read one
        except Exception as e:                  # half an answer, or none in time
            answered.append(e)
    sender = threading.Thread(target=send)
    sender.start()
    wait_until(lambda: len(answered) > 50, what="some answers")
    seconds = server.end()
    sender.join()
    assert not [a for a in answered if isinstance(a, Exception)]
    assert seconds < SLOW * 8, f"it took {seconds:.1f} s"       # a request that nobody answers holds it for ten
