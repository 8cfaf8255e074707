"""test_missed.py -- what nobody heard: the outbox of each identifier, streams that come back, streams that come anew.

Whatever a message is, fired by a rule or pushed, it waits and comes back in the same way; most tests take both.
SPDX-License-Identifier: Apache-2.0
"""
import signal
import urllib.parse

import pytest

from harness import new_id, page_view, shop_event, wait_until

PATH = "/api/v1/interventions"


def push(server, name, **keys):
    answer = server.post(f"{PATH}?{urllib.parse.urlencode(keys, doseq=True)}", {"name": name, "version": 1},
                         headers={"Authorization": "Bearer test"})
    assert answer.status == 200, answer.body
    return answer.json()["status"]


def fire(server, duid, **columns):
    """The rule "discount", whose messages go to user_id and domain_userid."""
    server.send(*[shop_event("product_view", duid, **columns) for _ in range(4)])


def position(stream):
    """Where a stream that said nothing is told it stands."""
    return stream.read_match(rb"\nid: (\S+)\n\n").group(1).decode()


def heard(stream, n, seconds=0.3):
    return stream.names(n, seconds)


# -- "a short outbox per identifier"
def test_the_outbox_is_short_and_each_identifier_has_its_own(start_server):
    server = start_server(args=["--push.keep_each", "3"])
    ann, bob = new_id(), new_id()
    push(server, "bobs", domain_userid=bob)
    for i in range(6):
        assert push(server, f"n{i}", domain_userid=ann) == "undelivered"
    with server.stream(domain_userid=ann) as s:
        assert heard(s, 3) == ["n3", "n4", "n5"]
    with server.stream(domain_userid=bob) as s:
        assert heard(s, 1) == ["bobs"]


def test_what_is_too_old_is_gone(start_server):
    server = start_server(args=["--push.keep_ms", "200"])
    duid = new_id()
    push(server, "old", domain_userid=duid)
    fire(server, duid)

    def expired():
        server.send(page_view(new_id()))        # as of the newest record
        return "\nsignalbox_interventions_expired_total 2\n" in server.get("/metrics").body.decode()
    wait_until(expired, what="expiry")
    with server.stream(domain_userid=duid) as s:
        assert heard(s, 0) == []


# -- "reconnects with Last-Event-ID (or ?last_event_id=) get the gap once"
@pytest.mark.parametrize("how", ["header", "query"])
def test_a_reconnect_gets_the_gap_once(server, how):
    duid = new_id()

    def back(last):
        return server.stream({"Last-Event-ID": last}, domain_userid=duid) if how == "header" else \
            server.stream(domain_userid=duid, last_event_id=last)
    with server.stream(domain_userid=duid) as s:
        push(server, "a", domain_userid=duid)
        push(server, "b", domain_userid=duid)
        (first, _), (second, _) = s.messages_with_ids(2)
        s.socket.shutdown(2)                    # the server learns of it sooner or later: what it writes until then is lost
        push(server, "c", domain_userid=duid)
        fire(server, duid)
    with back(second) as s:
        got = s.messages_with_ids(2)
        assert [m["name"] for _, m in got] == ["c", "discount"] and heard(s, 0) == []
    with back(got[-1][0]) as s:                 # all of it came: nothing is left
        assert heard(s, 0) == []
    with server.stream(domain_userid=duid) as s:
        assert heard(s, 0) == []
    with back(first) as s:                      # who had no more than the first has lost the rest
        assert heard(s, 3) == ["b", "c", "discount"]


def test_the_same_id_again_has_lost_the_same_again(server):
    """A client moves on with each message it receives. One that says what it said before has received nothing in between."""
    duid = new_id()
    with server.stream(domain_userid=duid) as s:
        push(server, "a", domain_userid=duid)
        (last, _), = s.messages_with_ids(1)
    push(server, "b", domain_userid=duid)
    ids = []
    for _ in range(3):
        with server.stream({"Last-Event-ID": last}, domain_userid=duid) as s:
            message, = s.messages(1)
            ids.append(message["intervention_id"])
            assert message["name"] == "b" and heard(s, 0) == []
    assert len(set(ids)) == 1, "and may tell by the id that it is no other"


def test_the_header_is_newer_than_the_address(server):
    """An EventSource that comes back by itself asks for the address it was made with."""
    duid = new_id()
    with server.stream(domain_userid=duid) as s:
        push(server, "a", domain_userid=duid)
        push(server, "b", domain_userid=duid)
        (first, _), (second, _) = s.messages_with_ids(2)
    with server.stream({"Last-Event-ID": second}, domain_userid=duid, last_event_id=first) as s:
        assert heard(s, 0) == []
    with server.stream({"Last-Event-ID": ""}, domain_userid=duid, last_event_id=first) as s:
        assert heard(s, 1) == ["b"]


def test_a_reconnect_by_another_identifier_is_spared_what_it_had(server):
    duid, user = new_id(), new_id()
    with server.stream(domain_userid=duid) as s:
        push(server, "both", domain_userid=duid, user_id=user)
        push(server, "theirs", user_id=user)
        (last, _), = s.messages_with_ids(1)
    with server.stream({"Last-Event-ID": last}, domain_userid=duid, user_id=user) as s:
        assert heard(s, 1) == ["theirs"]


# -- "a fresh connection gets what is undelivered and unexpired"
def test_a_fresh_stream_gets_what_waits_and_no_history(server):
    duid, user = new_id(), new_id()
    with server.stream(domain_userid=duid) as s:
        push(server, "had", domain_userid=duid)
        fire(server, duid, user_id=user)
        assert heard(s, 2) == ["had", "discount"]
    push(server, "waits", domain_userid=duid)
    with server.stream(domain_userid=duid) as s:
        assert heard(s, 1) == ["waits"]


def test_the_plugins_habit(server):
    """Whenever it learns of another identifier it closes its stream and opens one for all of them, without an id."""
    duid, session, user = new_id(), new_id(), new_id()
    push(server, "for_the_session", domain_sessionid=session)
    with server.stream(domain_userid=duid) as s:
        push(server, "for_the_device", domain_userid=duid)
        assert heard(s, 1) == ["for_the_device"]
    fire(server, duid, user_id=user)            # between the two
    with server.stream(domain_userid=duid, domain_sessionid=session) as s:
        assert heard(s, 2) == ["for_the_session", "discount"]
    with server.stream(domain_userid=duid, domain_sessionid=session, user_id=user) as s:
        assert heard(s, 0) == []                # the firing's copy for the account is the one it has had


def test_both_streams_hear_it_while_one_is_not_yet_closed(server):
    duid = new_id()
    with server.stream(domain_userid=duid) as old, server.stream(domain_userid=duid) as new:
        old.read_until(b":ok\n\n")
        new.read_until(b":ok\n\n")
        assert push(server, "a", domain_userid=duid) == "success"
        assert heard(old, 1) == heard(new, 1) == ["a"]


def test_who_got_what_waited_stands_behind_it_all(server):
    """A rule's message for the device is old news, one for the account waits from before that. A stream for both gets the latter.
    Should it break then, it must not come back behind the message that waited, and be told the news again."""
    duid, user = new_id(), new_id()
    push(server, "waited", user_id=user)
    with server.stream(domain_userid=duid) as s:
        push(server, "news", domain_userid=duid)
        assert heard(s, 1) == ["news"]
    with server.stream(domain_userid=duid, user_id=user) as s:
        (waited, _), = s.messages_with_ids(1)
        here = s.read_match(rb"\ndata: [^\n]*\n\nid: (\S+)\n\n").group(1).decode()
        assert waited != here
    push(server, "gap", domain_userid=duid)
    with server.stream({"Last-Event-ID": here}, domain_userid=duid, user_id=user) as s:
        assert heard(s, 1) == ["gap"]


# -- a restart in between
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_in_between(start_server, how):
    server = start_server()
    duid, user, session = new_id(), new_id(), new_id()
    with server.stream(domain_userid=duid) as s:
        push(server, "a", domain_userid=duid)
        (last, _), = s.messages_with_ids(1)
        s.socket.shutdown(2)
        fire(server, duid, user_id=user)
    push(server, "waits", domain_sessionid=session)
    server.restart(how)
    push(server, "b", domain_userid=duid)
    with server.stream({"Last-Event-ID": last}, domain_userid=duid, user_id=user) as s:
        got = s.messages_with_ids(2)
        assert [m["name"] for _, m in got] == ["discount", "b"] and heard(s, 0) == []
        assert b"resync" not in s.bytes
    server.restart(how)
    with server.stream({"Last-Event-ID": got[-1][0]}, domain_userid=duid, user_id=user) as s:
        assert heard(s, 0) == []
    with server.stream(domain_sessionid=session) as s:
        assert heard(s, 1) == ["waits"]


def test_a_position_holds_across_a_restart(start_server):
    """Its stream broke before the first message, and the server was another when it came back."""
    server = start_server()
    duid = new_id()
    push(server, "somebodys", domain_userid=new_id())
    with server.stream(domain_userid=duid) as s:
        here = position(s)
        push(server, "a", domain_userid=duid)
        s.messages(1)                           # lost on the way
    server.restart()
    with server.stream({"Last-Event-ID": here}, domain_userid=duid) as s:
        assert heard(s, 1) == ["a"]


# -- resync
@pytest.mark.parametrize("last", ["1-5.0", "nonsense", "18446744073709551615-1.0", "-", "1-2"])
def test_an_id_that_is_not_ours_starts_over(server, last):
    """It gets what waits, as a fresh stream does, a word that something may be missing, and an id that holds from here on."""
    duid = new_id()
    with server.stream(domain_userid=duid) as s:
        push(server, "had", domain_userid=duid)
        s.messages(1)
    push(server, "waits", domain_userid=duid)
    with server.stream({"Last-Event-ID": last}, domain_userid=duid) as s:
        (_, message), = s.messages_with_ids(1)
        here = s.read_match(rb"\ndata: [^\n]*\n\nid: (\S+)\n\n").group(1).decode()
        assert message["name"] == "waits"
        assert s.bytes.startswith(b"retry: 3000\n:ok\n\nevent: resync\ndata:{}\n\nid: ")
    with server.stream({"Last-Event-ID": here}, domain_userid=duid) as s:
        assert heard(s, 0) == [] and b"resync" not in s.bytes


def test_another_data_folder_is_another_order(start_server):
    first, second = start_server(), start_server()
    duid = new_id()
    with first.stream(domain_userid=duid) as s:
        push(first, "a", domain_userid=duid)
        (last, _), = s.messages_with_ids(1)
    push(second, "b", domain_userid=duid)
    with second.stream({"Last-Event-ID": last}, domain_userid=duid) as s:
        assert heard(s, 1) == ["b"] and b"event: resync\n" in s.bytes


# -- several identifiers
def test_a_stream_of_several_gets_what_waits_for_each_in_order(server):
    duid, session, user = new_id(), new_id(), new_id()
    push(server, "one", user_id=user)
    push(server, "two", domain_userid=duid)
    push(server, "three", domain_sessionid=session, domain_userid=duid)
    fire(server, duid, user_id=user)
    push(server, "four", user_id=user)
    with server.stream(domain_userid=duid, domain_sessionid=session, user_id=user) as s:
        got = s.messages_with_ids(5)
        assert [m["name"] for _, m in got] == ["one", "two", "three", "discount", "four"]
        assert heard(s, 0) == []
    with server.stream({"Last-Event-ID": got[1][0]}, domain_userid=duid, domain_sessionid=session, user_id=user) as s:
        assert heard(s, 3) == ["three", "discount", "four"]
