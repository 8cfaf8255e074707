"""test_direct.py -- interventions that an application pushes past the rules, from its POST to the streams.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re
import signal
import urllib.parse
import uuid

import msgpack
import pytest

from harness import new_id, page_view, shop_event

PATH = "/api/v1/interventions"
BEARER = {"Authorization": "Bearer test"}


def post(server, keys, body, **more):
    query = urllib.parse.urlencode(keys, doseq=True)
    return server.post(f"{PATH}?{query}" if query else PATH, body, headers=BEARER, **more)


def push(server, keys, **body):
    """The status of an intervention that must be taken."""
    answer = post(server, keys, {"name": "offer", "version": 1, **body})
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    status = answer.json()
    assert list(status) == ["status"], status
    return status["status"]


def test_a_message_byte_by_byte(server):
    duid, id = new_id(), new_id()
    with server.stream(domain_userid=duid) as s:
        status = push(server, {"domain_userid": duid}, name="Offer_2", version=0, intervention_id=id.upper(),
                      attributes={"g:text": 'say "é"', "g:n": 1.5, "g:whole": 3, "g:yes": True, "g:none": None, "g:list": ["a", 1]},
                      payload={"code": "SAVE10", "nested": [None, {"a": 1}]}, target_attribute_key={"name": "a", "id": "b"},
                      expires_at="2030-01-01T00:00:00Z")
        line = s.read_match(rb"\nid: [0-9]+-[0-9]+\.0\ndata: (\{[^\n]*\})\n\n").group(1).decode()
    assert status == "success"
    assert line == json.dumps({
        "intervention_id": id, "name": "Offer_2", "version": 0,
        "attributes": {"g:text": 'say "é"', "g:n": "1.5", "g:whole": "3", "g:yes": "true", "g:list": '["a",1]'},
        "target_attribute_key": {"name": "domain_userid", "id": duid},
        "payload": {"code": "SAVE10", "nested": [None, {"a": 1}]},
        "expires_at": "2030-01-01T00:00:00Z"}, ensure_ascii=False, separators=(",", ":"))


def test_the_least_there_can_be(server):
    """What the Python SDK sends when nobody gave it more; attributes are an object all the same, and the id is a drawn UUID."""
    duid = new_id()
    with server.stream(domain_userid=duid) as s:
        assert push(server, {"domain_userid": duid}) == push(server, {"domain_userid": duid}) == "success"
        one, other = s.messages(2)
    assert one["attributes"] == {} and "payload" not in one
    assert uuid.UUID(one["intervention_id"]).version == 4 and one["intervention_id"] != other["intervention_id"]


def test_msgpack_in_and_out(server):
    duid = new_id()
    body = msgpack.packb({"name": "offer", "version": 7, "attributes": {"g:a": 1, "g:b": b"\0\1"}})
    with server.stream(domain_userid=duid) as s:
        answer = server.post(f"{PATH}?domain_userid={duid}", body, "application/msgpack", {"Accept": "application/msgpack"})
        assert answer.headers["Content-Type"] == "application/msgpack" and msgpack.unpackb(answer.body) == {"status": "success"}
        message, = s.messages(1)
    assert message["version"] == 7 and message["attributes"] == {"g:a": "1", "g:b": '"AAE="'}


def test_it_waits_for_who_comes(server):
    duid = new_id()
    assert push(server, {"domain_userid": duid}, name="first") == "undelivered"
    assert push(server, {"domain_userid": duid}, name="second") == "undelivered"
    with server.stream(domain_userid=duid) as s:
        assert [m["name"] for m in s.messages(2)] == ["first", "second"]
        assert push(server, {"domain_userid": duid}, name="third") == "success"
        assert [m["name"] for m in s.messages(1)] == ["third"]
    with server.stream(domain_userid=duid) as s:
        assert s.names(0) == []


def test_failure_is_when_nobody_listens_and_nothing_may_wait(start_server):
    server = start_server(args=["--push.keep_each", "0"])
    duid = new_id()
    assert push(server, {"domain_userid": duid}) == "failure"
    with server.stream(domain_userid=duid) as s:
        s.read_until(b":ok\n\n")
        assert push(server, {"domain_userid": duid}, name="heard") == "success"
        assert s.names(1) == ["heard"]


def test_to_several_identifiers(server):
    """Of one key and of several: each gets its own message, under one id; who listens for two of them gets one."""
    ann, bob, cid, user = new_id(), new_id(), new_id(), new_id()
    with server.stream(domain_userid=ann) as one, server.stream(domain_userid=[ann, cid], user_id=user) as many:
        keys = {"domain_userid": [ann, bob, cid, ann], "user_id": user}
        assert push(server, keys) == "success"
        first, = one.messages(1)
        assert [m["intervention_id"] for m in many.messages(1)] == [first["intervention_id"]]
        assert first["target_attribute_key"] == {"name": "domain_userid", "id": ann}
        assert many.names(0) == one.names(0) == []
    with server.stream(domain_userid=bob) as s:    # that others had it takes nothing from him
        waited, = s.messages(1)
    assert waited == {**first, "target_attribute_key": {"name": "domain_userid", "id": bob}}
    with server.stream(domain_userid=[cid, bob]) as s, server.stream(user_id=user) as other:
        assert s.names(0) == other.names(0) == []


def test_a_visitor_who_signs_in_receives_it_once(server):
    """The plugin opens a new stream when it learns of another identifier, and says nothing of what it has had."""
    duid, user = new_id(), new_id()
    with server.stream(domain_userid=duid) as s:
        assert push(server, {"domain_userid": duid, "user_id": user}) == "success"
        s.messages(1)
    with server.stream(domain_userid=duid, user_id=user) as s:
        assert s.names(0) == []


def test_the_same_again_is_received_once(server):
    """An application that got no answer sends it again, under the same intervention_id."""
    duid, id = new_id(), new_id()
    again = {"keys": {"domain_userid": duid}, "intervention_id": id}
    assert push(server, **again) == push(server, **again) == "undelivered"
    with server.stream(domain_userid=duid) as s:
        assert s.names(1) == ["offer"]
        assert push(server, **again) == "success"
        assert push(server, **{**again, "intervention_id": id.upper(), "name": "changed"}) == "success"
        assert s.names(0) == []
        user = new_id()                         # and to one more: that one gets it
        with server.stream(user_id=user) as other, server.stream(domain_userid=duid, user_id=user) as both:
            assert push(server, {"domain_userid": duid, "user_id": user}, intervention_id=id) == "success"
            assert other.names(1) == ["offer"] and both.names(0) == s.names(0) == []
        assert push(server, {"domain_userid": duid}) == "success"
        assert s.names(1) == ["offer"]          # another id, another intervention


def test_what_a_rule_fired_is_not_pushed_again(server):
    """An application relays what it heard, or a client sends back what it got."""
    duid = new_id()
    with server.stream(domain_userid=duid) as s:
        server.send(*[shop_event("product_view", duid) for _ in range(4)])
        message, = s.messages(1)
        assert post(server, {"domain_userid": duid}, message).json() == {"status": "success"}
        assert s.names(0) == []


def test_ids_are_of_the_one_order(server):
    """Behind a push a stream can resume as behind a firing."""
    duid = new_id()
    with server.stream(domain_userid=duid) as s:
        push(server, {"domain_userid": duid}, name="a")
        server.send(*[shop_event("product_view", duid) for _ in range(4)])
        push(server, {"domain_userid": duid}, name="b")
        got = s.messages_with_ids(3)
    assert [m["name"] for _, m in got] == ["a", "discount", "b"]
    places = [tuple(map(int, re.fullmatch(r"\d+-(\d+)\.(\d+)", id).groups())) for id, _ in got]
    assert places == sorted(set(places))
    for i, (id, _) in enumerate(got):
        with server.stream({"Last-Event-ID": id}, domain_userid=duid) as s:
            assert s.names(2 - i, 0.2) == ["discount", "b"][i:]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_changes_nothing(start_server, how):
    """What was answered is kept. What was delivered is known as that after an orderly end; after a crash it may come once more,
    under the same id."""
    server = start_server()
    ann, bob, waits, had = new_id(), new_id(), new_id(), new_id()
    assert push(server, {"domain_userid": ann}, intervention_id=waits, payload={"n": 1}) == "undelivered"
    with server.stream(domain_userid=bob) as s:
        assert push(server, {"domain_userid": bob}, intervention_id=had) == "success"
        (last, _), = s.messages_with_ids(1)
    server.restart(how)
    known = "success" if how == signal.SIGTERM else "undelivered"
    assert push(server, {"domain_userid": ann}, intervention_id=waits) == "undelivered"
    assert push(server, {"domain_userid": bob}, intervention_id=had) == known
    with server.stream(domain_userid=ann) as s:
        message, = s.messages(1)
        assert (message["intervention_id"], message["payload"]) == (waits, {"n": 1})
        assert s.names(0) == []
    with server.stream({"Last-Event-ID": last}, domain_userid=bob) as s:
        assert s.names(0) == []
    with server.stream(domain_userid=bob) as s:
        assert [m["intervention_id"] for m in s.messages(how == signal.SIGKILL)] == [had] * (how == signal.SIGKILL)
        assert s.names(0) == []


def test_counted(start_server):
    server = start_server()
    push(server, {"domain_userid": new_id()})
    push(server, {"domain_userid": [new_id(), new_id()]})
    assert "\nsignalbox_interventions_pushed_total 2\n" in server.get("/metrics").body.decode()


GOOD = {"name": "offer", "version": 1}
BAD = [
    ([], 422, "object"),
    (b'"text"', 422, "object"),
    ({**GOOD, "name": None}, 422, "name"),
    ({"version": 1}, 422, "name"),
    ({**GOOD, "name": ""}, 422, "name"),
    ({**GOOD, "name": "an offer"}, 422, "name"),
    ({**GOOD, "name": "öffer"}, 422, "name"),
    ({**GOOD, "name": "a" * 129}, 422, "name"),
    ({**GOOD, "name": 7}, 422, "name"),
    ({"name": "offer"}, 422, "version"),
    ({**GOOD, "version": -1}, 422, "version"),
    ({**GOOD, "version": "1"}, 422, "version"),
    ({**GOOD, "version": 1.5}, 422, "version"),
    ({**GOOD, "version": True}, 422, "version"),
    ({**GOOD, "attributes": []}, 422, "attributes"),
    ({**GOOD, "attributes": "a"}, 422, "attributes"),
    ({**GOOD, "intervention_id": "1"}, 422, "intervention_id"),
    ({**GOOD, "intervention_id": 1}, 422, "intervention_id"),
    ({**GOOD, "intervention_id": ""}, 422, "intervention_id"),
    ({**GOOD, "intervention_id": new_id() + "0"}, 422, "intervention_id"),
    ({**GOOD, "payload": "x" * 20000}, 413, ""),
    (b"{", 400, "line 1"),
    (b"", 400, "empty"),
    (b'{"name": "a", "name": "b", "version": 1}', 400, "name"),
    (b'{"name": "a", "version": 1, "payload": ' + b"[" * 40 + b"]" * 40 + b"}", 400, "nested"),
]


@pytest.mark.parametrize("body,status,said", BAD, ids=range(len(BAD)))
def test_bad_bodies_name_the_field(server, body, status, said):
    duid = new_id()
    assert said in post(server, {"domain_userid": duid}, body).problem(status)
    with server.stream(domain_userid=duid) as s:
        assert s.names(0, 0.05) == [], "nothing of it was kept"


def test_a_form_is_no_intervention(server):
    post(server, {"domain_userid": new_id()}, "name=offer", type="application/x-www-form-urlencoded").problem(415)


@pytest.mark.parametrize("keys,status,said", [
    ({}, 400, "domain_userid"),
    ({"domain_userid": ""}, 400, "domain_userid"),
    ({"domain_userd": "a"}, 404, "did you mean domain_userid?"),
    ({"domain_userid": "a", "last_event_id": "1-2.3"}, 404, "last_event_id"),
    ({"domain_userid": "a" * 1025}, 400, "1024"),
    ({"domain_userid": [str(i) for i in range(17)]}, 400, "16"),
])
def test_bad_targets(server, keys, status, said):
    assert said in post(server, keys, GOOD).problem(status)


def test_a_user_id_takes_credentials(server):
    user = new_id()
    answer = server.post(f"{PATH}?user_id={user}", GOOD)
    assert "user_id" in answer.problem(401) and answer.headers["WWW-Authenticate"] == "Bearer"
    with server.stream(user_id=user) as s:
        assert s.names(0, 0.05) == []
        assert push(server, {"user_id": user}) == "success"


def test_pipelined_pushes_are_taken_in_order(server):
    """Many at once share commits; each is answered for itself, and all arrive in the order in which they were sent."""
    import http.client
    duid = new_id()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with server.stream(domain_userid=duid) as s:
        s.read_until(b":ok\n\n")
        body = [json.dumps({"name": f"n{i}", "version": i}).encode() for i in range(50)]
        connection.connect()
        connection.sock.sendall(b"".join(b"POST %s?domain_userid=%s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s"
                                         % (PATH.encode(), duid.encode(), len(b), b) for b in body))
        raw = b""
        while raw.count(b'{"status":"success"}') < 50:
            more = connection.sock.recv(65536)
            assert more, raw
            raw += more
        assert [m["version"] for m in s.messages(50)] == list(range(50))
    connection.close()


def test_a_page_view_between_changes_nothing(server):
    """A push touches no profile."""
    duid = new_id()
    push(server, {"domain_userid": duid})
    server.send(page_view(duid))
    push(server, {"domain_userid": duid})
    assert server.attribute("prospect_scoring_tutorial_v1:num_page_views_l7d", duid) == 1
