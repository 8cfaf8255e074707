"""test_scores.py -- POST /api/v1/scores/NAME and POST /predict: attributes, what the formula used, what each part gave.

SPDX-License-Identifier: Apache-2.0
"""
import math

import msgpack
import pytest

from harness import new_id, page_view

RULES = {"scores.lua": """
attribute_group "g" {
  attribute_key = "domain_userid",
  attributes = {
    a = counter():on(page_view),
    b = counter():on(event "com.acme/b"),
    c = unique_list(atomic.app_id):on(page_view),
    d = sum(atomic.se_value):on(event "*"),
    e = counter():on(event "com.acme/e"),
    f = counter():on(event "com.acme/f"),
    g = counter():on(event "com.acme/g"),
    never_used = counter():on(event "com.acme/h"),
  },
}
service "s" { attribute_groups = { "g" } }
score "linear" {
  service = "s",
  formula = function(x)
    return 1 + 10 * (x.a or 0) + 20 * (x.b or 0) + 3 * count(x.c) + 4 * (x.d or 0) + 5 * (x.e or 0) + 6 * (x.f or 0)
           - 7 * (x.g or 0)
  end,
}
score "fails_for_some" { service = "s", formula = function(x) return x.a and ("x" .. {}) or 0 end }
"""}


@pytest.fixture(scope="module")
def scores():
    from harness import Server
    s = Server(rules=RULES)
    yield s
    s.stop()


def other(duid, name, **columns):
    return {"event_vendor": "com.acme", "event_name": name, "event_version": "1-0-0", "event_id": new_id(), "domain_userid": duid,
            **columns}


def logistic(x):
    return 1 / (1 + math.exp(-x))


def test_predict(server):
    """The tutorial's formula: -4 + 0.6 for each session + 1.5 for each pricing view."""
    duid = new_id()
    server.send(page_view(duid, "https://example.com/pricing", domain_sessionid=new_id()),
                page_view(duid, "https://example.com/pricing", domain_sessionid=new_id()))
    answer = server.post("/predict", {"domain_userid": duid})
    assert answer.status == 200, answer.body
    body = answer.json()
    assert set(body) == {"signals", "scoring_attributes", "explanations", "score"}
    assert body["signals"]["num_pricing_views_l7d"] == 2
    assert body["signals"]["num_form_engagements_l7d"] is None
    assert 0 <= body["score"] <= 1


def test_predict_somebody_unknown(server):
    body = server.post("/predict", {"domain_userid": new_id()}).json()
    assert set(body["signals"].values()) - {None} <= {body["signals"].get("domain_userid")}
    assert 0 <= body["score"] < 0.5


def test_named_score_explains_itself(scores):
    duid = new_id()
    scores.send(*[page_view(duid, app_id=f"app{i}") for i in range(3)], other(duid, "b"), other(duid, "x", se_value=2.5),
                other(duid, "e"), other(duid, "f"), other(duid, "g"))
    answer = scores.post("/api/v1/scores/linear", {"domain_userid": duid})
    assert answer.status == 200, answer.body
    body = answer.json()
    assert body["score"] == 1 + 30 + 20 + 9 + 10 + 5 + 6 - 7
    assert body["signals"]["c"] == ["app0", "app1", "app2"]
    assert set(body["scoring_attributes"]) == {"a", "b", "c", "d", "e", "f", "g"}
    # the five largest by size, and the sum of the other two
    parts = body["explanations"]
    others = parts.pop("__sum_of_others") if isinstance(parts, dict) else None
    assert parts == {"a": 30, "b": 20, "d": 10, "c": 9, "g": -7}
    assert others == 11


def test_msgpack(scores):
    duid = new_id()
    scores.send(page_view(duid))
    answer = scores.post("/api/v1/scores/linear", msgpack.packb({"domain_userid": duid}), "application/msgpack",
                         {"Accept": "application/msgpack"})
    assert msgpack.unpackb(answer.body)["score"] == 11


def test_unknown_score(scores):
    assert "nearest_to" in scores.post("/api/v1/scores/nearest_to", {"domain_userid": "x"}).problem(404)


@pytest.mark.parametrize("body", [None, 7, [], {}, {"domain_userid": {}}, {"domain_userid": None}, {"domain_userid": []},
                                  {"user_id": "x"}], ids=repr)
def test_wrong_bodies(scores, server, body):
    for s, path in ((scores, "/api/v1/scores/linear"), (server, "/predict")):
        answer = s.post(path, body)
        assert answer.status in (400, 404, 422), (path, answer.status, answer.body)


def test_a_formula_that_fails_is_an_answer_with_its_line(scores):
    duid = new_id()
    assert scores.post("/api/v1/scores/fails_for_some", {"domain_userid": duid}).status == 200
    scores.send(page_view(duid))
    answer = scores.post("/api/v1/scores/fails_for_some", {"domain_userid": duid})
    assert answer.status >= 500
    assert "scores.lua:" in answer.problem(answer.status)
    assert scores.alive()
