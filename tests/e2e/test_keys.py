"""test_keys.py -- attribute keys of the rules' own: what identifies, from the marketer's file to the wire.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import signal
import subprocess
import time
import urllib.parse

import pytest

from harness import (BINARY, BUDGETS, PATIENCE, SHOP, TP2, b64, contexts, new_id, tp2, tracker_event, unstruct, wait_until)

READ = "/api/v1/get-online-attributes"
KEYS = """
visit_no = atomic.domain_sessionidx
order    = event  "com.acme/order"
anything = event  "*"
product  = entity "com.acme/product/1"

attribute_key "visit"    { property = visit_no }                                -- a column that is a number
attribute_key "page"     { property = atomic.page_urlpath }                     -- one that the server works out
attribute_key "moment"   { property = atomic.true_tstamp }
attribute_key "login"    { property = atomic.user_id }                          -- another name for a built-in one
attribute_key "customer" { property = order.who["customer id"], ttl = days(1), description = "of the till" }
attribute_key "shopper"  { property = anything.shopper }                        -- of whatever event
attribute_key "sku"      { property = product.sku }
attribute_key "beside"   { property = product[1].sku }                          -- the second product of an event
"""
GROUPS = KEYS + """
attribute_group "by_visit"    { attribute_key = "visit",    attributes = { n = counter():on(anything) } }
attribute_group "by_page"     { attribute_key = "page",     attributes = { n = counter():on(anything) } }
attribute_group "by_moment"   { attribute_key = "moment",   attributes = { n = counter():on(anything) } }
attribute_group "by_customer" { attribute_key = "customer", attributes = { n = counter():on(order), spent = sum(order.total):on(order) } }
attribute_group "by_shopper"  { attribute_key = "shopper",  attributes = { n = counter():on(anything):default(0) } }
attribute_group "by_sku"      { attribute_key = "sku",      attributes = { n = counter():on(order), price = last(product.price):on(order) } }
attribute_group "by_beside"   { attribute_key = "beside",   attributes = { n = counter():on(order), first = last(product.sku):on(order) } }
attribute_group "by_device"   { attribute_key = "domain_userid", attributes = { n = counter():on(anything) } }
service "mixed" { attribute_groups = { "by_device", "by_sku", "by_customer" } }
score "busy" { service = "mixed", formula = function(a) return (a["by_sku:n"] or 0) + 10 * (a.spent or 0) end }

intervention "second_order" { when = attribute "by_customer:n":gte(2), target_attribute_keys = { "customer", "domain_userid" } }
intervention "hot_product"  { when = all { attribute "by_sku:n":gte(2), attribute "by_device:n":gte(3) } }
intervention "login_order"  { when = order, target_attribute_keys = { "login" } }

test("keys are played as they are served", function(t)
  ann = t:visitor()
  ann:sends(order { who = { ["customer id"] = 7 }, total = 3, shopper = 9007199254740991 }
    :with(product { sku = "A", price = 5 }, product { sku = "B" }, atomic { domain_sessionidx = 4, page_url = "https://x.com/cart?a=b" }))
  ann:has("by_customer:spent", 3)
  ann:has("by_shopper:n", 1)
  ann:has("by_sku:price", 5)
  ann:has("by_beside:first", "A")
  ann:has("by_visit:n", 1)
  ann:has("by_page:n", 1)
  bob = t:visitor()
  bob:sends(order { who = { ["customer id"] = "7" }, total = 4, shopper = true })
  bob:has("by_customer:spent", 7)
  bob:has("by_shopper:n", 0)
  bob:gets "second_order"
  ann:gets_no "second_order"
end)
"""


@pytest.fixture(scope="module")
def keys():
    from harness import Server
    s = Server(rules={"keys.lua": GROUPS})
    yield s
    s.stop()


def columns(name="order", data=None, products=(), **more):
    event = {"event_vendor": "com.acme", "event_name": name, "event_version": "1-0-0", "event_id": new_id(),
             "unstruct_event": {"schema": f"iglu:com.acme/{name}/jsonschema/1-0-0", "data": data or {}}, **more}
    if products:
        event["contexts"] = [{"schema": "iglu:com.acme/product/jsonschema/1-0-0", "data": p} for p in products]
    return event


def counted(server, key, id, group=None):
    return server.attribute(f"by_{group or key}_v1:n", id, key)


def metric(server, name):
    for line in server.get("/metrics").body.decode().splitlines():
        if line.startswith(f"signalbox_{name} "):
            return int(float(line.split()[1]))
    raise AssertionError(f"no metric {name}")


# -- what identifies
@pytest.mark.parametrize("sent,read", [
    ("c-1", "c-1"), ("0", "0"), (0, "0"), (7, 7), ("7", 7), (7.0, "7"), (-0.0, "0"), (-3, "-3"), ("007", "007"), ("1.0", "1.0"),
    (9223372036854775807, "9223372036854775807"), (2**53 - 1, "9007199254740991"), (" ", " "), ("a\tb", "a\tb"), ("null", "null"), ("ünï ☃", "ünï ☃"),
    ('"\\\n', '"\\\n'), ("x" * 1024, "x" * 1024), ("é" * 512, "é" * 512), (7.0, 7.0),
], ids=lambda v: repr(v)[:20])
def test_texts_and_whole_numbers_identify(keys, sent, read):
    before = counted(keys, "shopper", read)
    keys.send(columns("any_event", {"shopper": sent}))
    assert counted(keys, "shopper", read) == before + 1


@pytest.mark.parametrize("sent,lookalikes", [
    (None, ["null", "nil", "None"]), ("", [" "]), (True, ["true", "True", 1]), (False, ["false", 0]), (2.5, ["2.5", "2", "3"]), (["l"], ["l", '["l"]']),
    ({"a": "d"}, ["d"]), (2.0**60, [str(2**60), "1.152921504606847e+18"]), (2**63, [str(2**63), "9223372036854775807", "9.223372036854776e+18"]),
    ("x" * 1025, ["x" * 1024]),
], ids=lambda v: repr(v)[:20])
def test_what_identifies_nobody(keys, sent, lookalikes):
    before = [counted(keys, "shopper", id) for id in lookalikes]
    keys.send(columns("any_event", {"shopper": sent}, domain_userid=new_id()))
    assert [counted(keys, "shopper", id) for id in lookalikes] == before


def test_an_event_without_one_key_still_counts_for_the_others(keys):
    duid, sku, long = new_id(), new_id(), metric(keys, "identifiers_too_long_total")
    keys.send(columns("order", {"who": {"customer id": "y" * 2000}, "shopper": {}}, [{"sku": sku}], domain_userid=duid))
    assert (counted(keys, "sku", sku), keys.attribute("by_device_v1:n", duid)) == (1, 1)
    assert metric(keys, "identifiers_too_long_total") == long + 1


def test_bytes_that_are_no_text_identify_nobody(keys):
    duid = new_id()
    answer = keys.request("GET", "/i?" + urllib.parse.urlencode({"e": "pv", "p": "web", "eid": new_id(), "duid": duid})
                          + "&url=https://x.com/%FF%FE&vid=%FF")
    assert answer.status == 200 and keys.attribute("by_device_v1:n", duid) == 1


@pytest.mark.parametrize("id", ["", "x" * 1025, True, 2.5, [], {}], ids=lambda v: repr(v)[:12])
def test_what_cannot_be_asked_for(keys, id):
    answer = keys.post(READ, {"attributes": ["by_sku_v1:n"], "attribute_keys": {"sku": [id]}})
    assert "an identifier is a text of 1 to 1024 bytes or a whole number" in answer.problem(422)


# -- where a key may stand
def test_a_column_of_whatever_wire(keys):
    visit = "4" + str(int(time.time() * 1000))
    keys.send(columns(domain_sessionidx=int(visit)), columns(domain_sessionidx=visit), columns(domain_sessionidx=float(visit)))
    keys.post(TP2, tp2(tracker_event(vid=visit)))
    keys.get("/i?" + urllib.parse.urlencode(tracker_event(vid=visit)))
    assert counted(keys, "visit", visit) == counted(keys, "visit", int(visit)) == 5


def test_a_column_that_is_worked_out(keys):
    path = "/" + new_id()
    keys.post(TP2, tp2(tracker_event(url=f"https://shop.example{path}?utm_source=x"), tracker_event(url=f"http://other.example{path}")))
    assert counted(keys, "page", path) == 2


def test_a_timestamp_is_its_milliseconds(keys):
    keys.send(columns(true_tstamp="2023-11-14 22:13:20.001"), columns(true_tstamp="1700000000001"))
    assert counted(keys, "moment", 1700000000001) == counted(keys, "moment", "1700000000001") == 2


def test_an_events_own_property(keys):
    who = new_id()
    keys.send(columns(data={"who": {"customer id": who}, "total": 3}), columns(data={"who": {"customer id": who}, "total": 4}),
              columns("other", {"who": {"customer id": who}, "total": 100}), columns(data={"who": who, "total": 100}))
    keys.post(TP2, tp2(tracker_event("ue", ue_px=b64(unstruct("iglu:com.acme/order/jsonschema/2-0-0",
                                                              {"who": {"customer id": who}, "total": "5"})))))
    answer = keys.attributes(["by_customer_v1:n", "by_customer_v1:spent"], "customer", [who])
    assert answer == {"customer": [who], "n": [3], "spent": [12]}


def test_an_entity_gives_attributes_a_product(keys):
    one, two, three = new_id(), new_id(), new_id()
    keys.send(columns(products=[{"sku": one, "price": 5}, {"sku": two, "price": 6}, {"sku": three}]),
              columns(products=[{"sku": two, "price": 7}]), columns(products=[{}, {"sku": two}]))
    keys.post(TP2, tp2(tracker_event("ue", ue_pr=json.dumps(unstruct("iglu:com.acme/order/jsonschema/1-0-0", {})), cx=b64(contexts(
        ("iglu:com.acme/other/jsonschema/1-0-0", {"sku": three}), ("iglu:com.acme/product/jsonschema/1-0-9", {"sku": one, "price": 9}))))))
    assert keys.attributes(["by_sku_v1:n", "by_sku_v1:price"], "sku", [one, two, three]) == {
        "sku": [one, two, three], "n": [2, 1, None], "price": [9, 7, None]}
    assert keys.attributes(["by_beside_v1:n", "by_beside_v1:first"], "beside", [one, two, three]) == {
        "beside": [one, two, three], "n": [None, 2, None], "first": [None, one, None]}


# -- reading
def test_a_service_of_several_keys(keys):
    duid, sku, who = new_id(), new_id(), new_id()
    keys.send(columns(data={"who": {"customer id": who}, "total": 2}, products=[{"sku": sku}], domain_userid=duid))
    read = {"domain_userid": [duid, "nobody"], "sku": [sku, sku], "customer": ["nobody", who]}
    answer = keys.post(READ, {"service": "mixed", "attribute_keys": read}).json()
    assert answer == {**read, "by_device:n": [1, None], "by_sku:n": [1, 1], "price": [None, None], "by_customer:n": [None, 1],
                      "spent": [None, 2]}
    answer = keys.post(READ, {"service": "mixed", "attribute_keys": {"sku": sku}}).json()
    assert (answer["by_sku:n"], answer["by_device:n"]) == ([1], [None])
    assert keys.post("/api/v1/scores/busy", {"sku": sku, "customer": who}).json()["score"] == 21
    assert "did you mean customer?" in keys.post(READ, {"service": "mixed", "attribute_keys": {"custmer": [who]}}).problem(404)
    assert '"sku"' in keys.post(READ, {"attributes": ["by_sku_v1:n"], "attribute_keys": {"customer": [who]}}).problem(422)


# -- interventions
def test_an_intervention_for_a_key_of_ones_own(keys):
    who, duid = new_id(), new_id()
    with keys.stream(customer=who) as customer, keys.stream(domain_userid=duid, customer=who) as both, keys.stream(sku=who) as other:
        keys.send(columns(data={"who": {"customer id": who}}), columns(data={"who": {"customer id": who}}, domain_userid=duid))
        message, = customer.messages(1)
        assert message["target_attribute_key"] == {"name": "customer", "id": who}
        assert message["attributes"] == {"by_customer:n": "2"}
        assert both.names(1) == ["second_order"]
        assert b"data:" not in other.read_for(0.2)


def test_a_whole_number_is_listened_for_as_text(keys):
    who = int(time.time() * 1e6)
    keys.send(columns(data={"who": {"customer id": who}}), columns(data={"who": {"customer id": str(who)}}))
    with keys.stream(customer=who) as stream:                   # it waited
        assert stream.messages(1)[0]["target_attribute_key"] == {"name": "customer", "id": str(who)}


def test_criteria_over_groups_of_different_keys(keys):
    sku, other, duid = new_id(), new_id(), new_id()
    with keys.stream(sku=sku) as product, keys.stream(domain_userid=duid) as device:
        keys.send(*[columns(products=[{"sku": sku}]) for _ in range(2)])            # nobody's
        keys.send(*[columns(products=[{"sku": other}], domain_userid=duid) for _ in range(2)])
        assert b"data:" not in product.read_for(0.1) + device.read_for(0.1)
        keys.send(columns(products=[{"sku": sku}], domain_userid=duid))             # that device's third, that product's third
        to_product, to_device = product.messages(1)[0], device.messages(1)[0]
    assert to_product["name"] == to_device["name"] == "hot_product"
    assert to_product["intervention_id"] == to_device["intervention_id"]
    assert to_product["attributes"] == {"by_sku:n": "3", "by_device:n": "3"}


def test_another_name_for_user_id_needs_credentials_too(keys):
    user = new_id()
    keys.send(columns(user_id=user))
    with keys.stream(login=user) as stream:
        assert stream.status == 401
    with keys.stream(headers={"Authorization": "Bearer test"}, login=user) as stream:
        assert stream.messages(1)[0]["target_attribute_key"] == {"name": "login", "id": user}


def test_one_that_an_application_pushes(keys):
    sku = new_id()
    answer = keys.post(f"/api/v1/interventions?sku={sku}", {"name": "sold_out", "version": 1}, headers={"Authorization": "Bearer test"})
    assert answer.json() == {"status": "undelivered"}
    with keys.stream(sku=sku) as stream:
        assert stream.messages(1)[0]["target_attribute_key"] == {"name": "sku", "id": sku}


def test_keys_that_nobody_defined(keys):
    assert "did you mean sku?" in keys.get("/api/v1/interventions?skuu=1").problem(404)


# -- their life
def test_rules_shows_them(keys):
    shown = keys.rules_status()["attribute_keys"]
    assert [k["name"] for k in shown] == ["visit", "page", "moment", "login", "customer", "shopper", "sku", "beside"]
    assert all(k["file"].endswith("keys.lua") for k in shown) and shown[0]["line"] == 7


def test_the_ttl_of_a_key(keys):
    late, fresh = new_id(), new_id()
    past = str(int((time.time() - 2 * 86400) * 1000))
    keys.send(columns(data={"who": {"customer id": late}}, true_tstamp=past), columns(data={"who": {"customer id": fresh}}))
    assert [counted(keys, "customer", id) for id in (late, fresh)] == [None, 1]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_kept_through_a_restart(start_server, how):
    """Written back or only in the log: both are read under the key's number."""
    s = start_server(rules={"keys.lua": GROUPS}, args=["--journal.write_back_ms", "200"])
    sku, who = new_id(), new_id()
    s.send(columns(data={"who": {"customer id": 12}, "total": 1}, products=[{"sku": sku}]))
    wait_until(lambda: metric(s, "profiles_written_total") >= 2, "the write-back")
    s.send(columns(data={"who": {"customer id": who}, "total": 1}, products=[{"sku": sku}]))
    s.restart(how)
    s.send(columns(data={"who": {"customer id": "12"}, "total": 5}, products=[{"sku": sku}]))
    assert s.attributes(["by_customer_v1:n", "by_customer_v1:spent"], "customer", ["12", who]) == {
        "customer": ["12", who], "n": [2, 1], "spent": [6, 1]}
    assert counted(s, "sku", sku) == 3
    with s.stream(customer="12") as stream:
        assert stream.names(1) == ["second_order"]


MOVING = """
order = event "com.acme/order"
attribute_key "who" { property = order.%s }
attribute_group "g" { attribute_key = "who", attributes = { n = counter():on(order) } }
intervention "second" { when = attribute "g:n":gte(2) }
"""


def test_a_name_given_to_another_property_mixes_nobody(start_server):
    """Cart 7 and customer 7 are two, though the key's name stays: neither what is known of the one, nor a message that waits
    for it, nor a page that listens for it reaches the other. When the old property comes back in time, so does the rest."""
    s = start_server(rules={"who.lua": MOVING % "cart"})

    def order(cart, customer):
        s.send(columns(data={"cart": cart, "customer": customer}))

    def redefine(property):
        generation = s.rules_status()["generation"]
        s.replace_rule("who.lua", MOVING % property)
        wait_until(lambda: s.rules_status()["generation"] > generation, "the swap")

    def n(*ids):
        return s.attributes(["g_v1:n"], "who", list(ids))["n"]

    for _ in range(2):
        order("7", "8")                                        # a message waits for cart 7, and another one
    s.post("/api/v1/interventions?who=7", {"name": "pushed", "version": 1}, headers={"Authorization": "Bearer test"})
    assert n("7", "8") == [2, None]
    with s.stream(who="9") as page_of_cart_9:
        redefine("customer")
        assert n("7", "8") == [None, None]
        with s.stream(who="7") as customer_7:
            order("8", "7")
            order("8", "9")
            order("8", "9")                                    # customer 9's second
            assert n("7", "8", "9") == [1, None, 2]
            order("8", "7")
            message, = customer_7.messages(1)
            assert message["attributes"] == {"g:n": "2"}
            assert b"cart" not in customer_7.bytes and customer_7.bytes.count(b"data:") == 1
        assert b"data:" not in page_of_cart_9.read_for(0.2)
        s.restart(signal.SIGKILL)
        assert n("7", "8", "9") == [2, None, 2]
    redefine("cart")
    assert n("7", "8", "9") == [2, None, None]
    with s.stream(who="7") as cart_7:
        assert cart_7.names(2) == ["second", "pushed"]


def test_a_key_of_another_file(start_server):
    """Files know each other's keys, their tests too; one that goes stays in force for as long as it is needed."""
    s = start_server(rules={"a_group.lua": """
order = event "com.acme/order"
attribute_group "g" { attribute_key = "cart", attributes = { n = counter():on(order) } }
test("carts", function(t)
  ann = t:visitor()
  ann:sends(2, order { cart = 3 })
  ann:has("g:n", 2)
end)
""", "keys.lua": 'order = event "com.acme/order"\nattribute_key "cart" { property = order.cart }\n'})
    done = subprocess.run([BINARY, "test", s.rules], capture_output=True, text=True, timeout=PATIENCE, check=False, env={**os.environ, **BUDGETS})
    assert done.returncode == 0 and "ok " in done.stdout, done.stdout + done.stderr
    s.send(columns(data={"cart": 3}))
    os.remove(s.rule_path("keys.lua"))
    wait_until(lambda: [f["status"] for f in s.rules_status()["files"] if f["file"].endswith("/keys.lua")] == ["last_good_version_kept"])
    s.send(columns(data={"cart": 3}))
    assert s.attribute("g_v1:n", "3", "cart") == 2


# -- what check says
HEAD = 'shop = event "com.acme/shop"\nproduct = entity "com.acme/product/1"\n'


@pytest.mark.parametrize("text,line,said", [
    ("property = atomic.domain_sesionidx", 3, "atomic has no property 'domain_sesionidx'; did you mean domain_sessionidx?"),
    ("", 3, 'attribute_key "k": what is the key? add property = shop.cart_id, or atomic.NAME'),
    ("property = shop", 3, 'attribute_key "k": property is a property such as shop.cart_id, not shop'),
    ("property = product[1]", 3, 'attribute_key "k": property is a property such as shop.cart_id, not product[1]'),
    ('property = "cart_id"', 3, 'attribute_key "k": property is a property such as shop.cart_id, not "cart_id"'),
    ('property = shop["items[x]"]', 3, '["items[x]"]: a path is written like items[0].price'),
    ('\n  property = atomic.dvce_ismobile', 4,
     'attribute_key "k": atomic.dvce_ismobile is true or false, and that identifies nobody: a key is a text or a whole number'),
    ("property = atomic.contexts", 3, 'atomic.contexts holds many things: name one with entity "vendor/name/1"'),
    ("property = shop.cart_id, path = 7", 3, 'attribute_key "k": no field "path": here it is called property'),
    ("property = shop.cart_id, ttl = 7", 3, 'attribute_key "k": ttl needs a duration such as days(7), not 7'),
], ids=str)
def test_check_explains(tmp_path, text, line, said):
    assert check(tmp_path, HEAD + 'attribute_key "k" { ' + text + " }\nuse = shop:where(product.x:eq(1))\n"
                 'attribute_group "g" { attribute_key = "k", attributes = { n = counter():on(use) } }\n') == (1, line, said)


@pytest.mark.parametrize("name,said", [
    ("user_id", "user_id is built in"), ("last_event_id", "this name is taken: a stream's address says with it where the stream goes on"),
    ("score", "this name is taken: a request for a score says with it which one"),
    ("cart-id", "names are 1 to 128 letters, digits and _"),
])
def test_check_explains_names(tmp_path, name, said):
    assert check(tmp_path, f'attribute_key "{name}" {{ property = atomic.app_id }}\n') == (1, 1, f'attribute_key "{name}": {said}')


def test_check_explains_a_name_that_another_file_has(tmp_path):
    (tmp_path / "a.lua").write_text('attribute_key "k" { property = atomic.app_id }\n')
    status, line, said = check(tmp_path, '\nattribute_key "k" { property = atomic.user_id }\n')
    assert (status, line) == (1, 2) and said.startswith('attribute_key "k": stands already in ') and said.endswith("a.lua:1")


def test_check_warns_of_an_amount(tmp_path):
    status, line, said = check(tmp_path, 'attribute_key "k" { property = atomic.tr_total }\n')
    assert (status, line) == (0, 1) and "atomic.tr_total is an amount" in said


def check(folder, text):
    """(exit code, line, what is said) of a rule file with one thing wrong."""
    (folder / "rules.lua").write_text(text)
    done = subprocess.run([BINARY, "check", str(folder)], capture_output=True, text=True, timeout=PATIENCE, check=False,
                          env={**os.environ, **BUDGETS})
    first = (done.stdout + done.stderr).split("\n")[0].replace("warning: ", "")
    place, said = first.split(": ", 1)
    return done.returncode, int(place.rsplit(":", 1)[1]), said
