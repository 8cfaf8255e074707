"""test_shop.py -- the demo shop: how its files are served, and what visitors of it see in a real Chromium, at a desk and by phone.

A visit is a walk through the shop by browser/demo.js, which asks this side for what is to happen to the server meanwhile. Each
must be free of troubles (failed requests, warnings on the console) and of what axe finds wrong with its views.
SPDX-License-Identifier: Apache-2.0
"""
import gzip
import json
import os
import re
import signal
import subprocess
import tempfile
import threading

import pytest

from harness import PATIENCE, TOP, Server, new_id

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "browser", "demo.js")
PICTURE_MAX = 300_000
VISIT_S = 5 * PATIENCE
NAMES = {"kettle": "Gooseneck kettle", "mug": "Enamel mug", "lamp": "Reading lamp", "blanket": "Wool blanket", "beans": "House roast",
         "plant": "Rubber plant"}
HERE = ["--rules", "rules"]                    # named as by ./dev run
BOUGHT = """
shop = event "com.snowplowanalytics.snowplow.ecommerce/snowplow_ecommerce_action"
order = entity "com.snowplowanalytics.snowplow.ecommerce/transaction/1"
attribute_group "seen" {
  attribute_key = "domain_userid",
  attributes = {
    actions = category_count(shop.type):on(shop),
    revenue = sum(order.revenue):on(shop:where(shop.type:eq "transaction")),
    typed   = counter():on(submit_form:where(submit_form.elements[0].value:is_not_null())),
  },
}
"""
FILES = {"/shop/": "text/html; charset=utf-8", "/shop/index.html": "text/html; charset=utf-8",
         "/shop/main.js": "text/javascript; charset=utf-8", "/shop/main.css": "text/css; charset=utf-8", "/shop/icon.svg": "image/svg+xml"}


def visit(server, name, size, **hands):
    """What the visit had to say. hands: what it may ask for, by name (blanks as _), a function of what came with the question."""
    asked = {"visit": name, "size": size, "url": f"http://127.0.0.1:{server.port}", "names": NAMES, "patience_ms": int(PATIENCE * 1000),
             "picture": hands.pop("picture", None)}
    facts = {}
    with tempfile.TemporaryFile("w+") as errors, subprocess.Popen(
            ["node", DEMO, json.dumps(asked)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as node:
        alarm = threading.Timer(VISIT_S, node.kill)
        alarm.start()
        try:
            for line in node.stdout:
                said = json.loads(line)
                word = said.pop("ask", None)
                if word is None:
                    facts.update(said)
                    continue
                node.stdin.write(json.dumps(hands[word.replace(" ", "_")](**said)) + "\n")
                node.stdin.flush()
            status = node.wait()
        finally:
            alarm.cancel()
            node.kill()
        errors.seek(0)
        assert status == 0, (errors.read(), facts)
    assert facts["troubles"] == []
    assert facts["violations"] == [], "\n".join(facts["violations"])
    return facts


def line_of(server, words, file="ecommerce.lua"):
    """Where a rule file has those words, as file:line."""
    with open(server.rule_path(file)) as f:
        return [f"rules/{file}:{i}" for i, line in enumerate(f, 1) if words in line][0]


@pytest.fixture(scope="module")
def shop():
    """The shipped rules, and what these tests want to know besides."""
    s = Server(args=HERE)
    s.end()
    s.write_rule("bought.lua", BOUGHT)
    s.start()
    yield s
    s.stop()


@pytest.fixture(params=["desktop", "phone"])
def size(request):
    return request.param


# -- the files
@pytest.mark.parametrize("path", FILES)
def test_files(server, path):
    answer = server.get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, FILES[path])
    assert answer.headers["Cache-Control"] == "no-cache" and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
    head = server.request("HEAD", path)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(answer.body)))
    tag = answer.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag) and head.headers["ETag"] == tag
    for known in (tag, f'"older", {tag}', f"W/{tag}", "*"):
        same = server.get(path, {"If-None-Match": known})
        assert (same.status, same.body, same.headers["ETag"]) == (304, b"", tag), known
    for unknown in ('"older"', tag.strip('"'), ""):
        assert server.get(path, {"If-None-Match": unknown}).body == answer.body, unknown


def test_files_that_are_not_there(server):
    for path in ("/shop/nothing.js", "/shop/main.js/", "/shop/..", "/shop/%2e%2e", "/shop/main.jsx", "/shop/index.htm"):
        assert server.get(path).status == 404, path


def test_the_folder_without_its_slash(server):
    answer = server.get("/shop?utm_source=x")
    assert (answer.status, answer.headers["Location"]) == (308, "/shop/?utm_source=x")
    assert server.get("/shop").headers["Location"] == "/shop/"


@pytest.mark.parametrize("path", FILES)
def test_files_are_only_read(server, path):
    answer = server.post(path, b"x")
    assert answer.status == 405
    assert "GET" in answer.headers["Allow"]


def test_pages_load_nothing_from_elsewhere(server):
    html = server.get("/shop/").body.decode()
    assert re.findall(r'(?:src|href)="([^"#]+)"', html) == ["icon.svg", "main.css", "main.js"]
    assert not re.search(r"<style|style=|<script>|\son\w+=", html)
    assert "url(" not in server.get("/shop/main.css").body.decode()
    assert len(gzip.compress(server.get("/shop/main.js").body)) < 60_000


# -- the visits
def test_banners(shop, size):
    """Each of the three offers comes when it is earned, once, says which line of the rules it came from, and can be dismissed."""
    facts = visit(shop, "shopper", size)
    assert facts["after_three"] == []
    assert facts["after_89"] == ["discount", "cart_abandonment"]
    names = ["discount", "cart_abandonment", "free_shipping"]
    assert facts["after_all"] == facts["after_reload"] == names
    assert facts["after_dismissal"] == names[1:] and facts["after_purchase"] == []
    assert len(facts["interventions"]) == 3
    for name, said in zip(names, reversed(facts["interventions"])):
        assert name in said and line_of(shop, f'intervention "{name}"') in said, said
    assert "count_product_views = 4" in facts["interventions"][2] and "total_cart_value = 105" in facts["interventions"][0]
    assert facts["bill"] == ["Goods$121.00", "Your 10% off−$12.10", "Shippingfree", "Total$108.90"]
    assert facts["cart"] == "Cart, 1 thing"
    assert "over $80.10 is" in facts["thanks"]
    device = facts["device"]
    assert shop.attribute("seen_v1:actions", device) == {"product_view": 5, "add_to_cart": 3, "remove_from_cart": 1, "checkout_step": 1,
                                                         "transaction": 1}
    assert shop.attribute("seen_v1:revenue", device) == 80.1
    assert shop.attribute("seen_v1:typed", device) is None, "what is typed stays in the page"
    assert facts["views"] == ["shop", "product", "cart", "checkout", "thanks", "panel", "empty cart"]


def test_prospect(shop, size):
    """A pricing visit and a form move the score; the panel shows what the server says."""
    def score(device):
        return shop.post("/predict", {"domain_userid": device}).json()["score"]
    facts = visit(shop, "prospect", size, score=score)
    first, priced, wrote, asked = facts["scores"]
    assert first < 0.1 < priced < 0.5 < wrote
    assert asked < wrote, "who has just asked is less likely to ask next"
    assert len(facts["curve"].split(" L")) >= 3
    kinds = {"desktop": "Desktop", "phone": "Phone"}
    assert shop.attribute("prospect_scoring_tutorial_v1:latest_device_class", facts["device"]) == kinds[size]


def test_rules_edited_meanwhile(start_server, size):
    """The edit that the page proposes works in the open page; half of it is refused, as the page says."""
    server = start_server(args=HERE)
    path = server.rule_path("ecommerce.lua")

    def rule_alone():
        with open(path) as f:
            server.replace_rule("ecommerce.lua", f.read().replace("gt(3)", "gt(1)"))

    def whole(command):
        subprocess.run(command, shell=True, check=True, cwd=server.folder)
    facts = visit(server, "editor", size, edit_the_rule_alone=rule_alone, do_what_the_page_says=whole)
    assert line_of(server, 'ann:gets_no "discount"') in facts["refused"], facts["refused"]
    assert facts["badge"] == "last good version kept"
    assert "rules/ecommerce.lua reloaded, generation 2" in facts["reloaded"]
    place = line_of(server, 'intervention "discount"')
    assert facts["places"] == place
    assert facts["after_one"] == [] and facts["after_two"] == ["discount"]
    assert place in facts["origin"] and "count_product_views = 2" in facts["origin"]


def test_server_gone(start_server, size):
    """The shop goes on without its server; what happened meanwhile arrives, once, of a page that was closed too."""
    server = start_server()
    server.args += ["--listen", f"127.0.0.1:{server.port}"]
    ways = iter([signal.SIGTERM, signal.SIGKILL])
    facts = visit(server, "patient", size, stop=lambda: server.end(next(ways)), start=server.start)
    assert re.fullmatch(r"server gone: \d+ events wait in this browser", facts["gone"])
    assert facts["cart"] == "Cart, 1 thing"
    assert facts["strange"] == []
    assert facts["banners"] == ["discount", "cart_abandonment", "free_shipping"]
    sent = facts["sent"]
    assert (sent["product_view"], sent["add_to_cart"], sent["page_view"]) == (5, 2, 7)

    def value(name):
        return server.attribute(name, facts["device"])
    assert value("ecom_attributes_v1:count_product_views") == 5 and value("ecom_attributes_v1:count_add_to_cart") == 2
    assert value("ecom_attributes_v1:total_cart_value") == 121
    assert value("prospect_scoring_tutorial_v1:num_page_views_l7d") == 7


def test_reset(shop, size):
    """A new visitor: nothing is known of them, nothing in their cart, and offers have to be earned anew."""
    facts = visit(shop, "stranger", size)
    before, after = facts["before"], facts["after"]
    assert before != after and len(after) == 36
    assert (facts["banners"], facts["cart"], facts["at"], facts["interventions"]) == ([], "Cart, 0 things", "#/", [])
    assert facts["after_three"] == []
    for device in (before, after):
        assert facts["sent"][device]["product_view"] == 4
        assert shop.attribute("ecom_attributes_v1:count_product_views", device) == 4
        assert shop.attribute("prospect_scoring_tutorial_v1:num_page_views_l7d", device) == 5
    assert [shop.attribute("ecom_attributes_v1:count_add_to_cart", device) for device in (before, after)] == [1, None]


def test_told_by_an_application(start_server, size):
    """What comes twice under one id is shown once; what the page has never heard of is shown by its name and payload."""
    server = start_server()
    told = [{"intervention_id": new_id(), "name": name, "version": 1, "payload": payload, "attributes": {}} for name, payload in (
        ("hello_there", {"text": "Come in.", "code": "HELLO"}), ("bare", None), ("discount", {"code": "SAVE10"}))]

    def push(device):
        for body in told:
            answer = server.post(f"/api/v1/interventions?domain_userid={device}", {k: v for k, v in body.items() if v is not None})
            assert answer.json() == {"status": "success"}
        return told
    facts = visit(server, "listener", size, push=push)
    assert facts["banners"] == ["hello there Come in. Your code: HELLO.", "bare A rule of yours fired.",
                                "10% off, for you You know what you like. Taken off in the cart. Your code: SAVE10."]
    assert len(facts["entries"]) == 3 and all("pushed through the API" in said for said in facts["entries"][1:])
    assert facts["again"] == ["hello_there", "bare", "discount", "last"] and facts["entries_again"] == 1
    assert facts["strange"] == []


def test_keyboard(shop, size):
    facts = visit(shop, "keyboard", size)
    assert facts["sent"].count("transaction") == 1
    assert facts["motion"] == "none"


def test_picture(start_server, tmp_path):
    """The picture that the README begins with; SHOP_PICTURE=web/shop/picture.png takes a new one."""
    path = os.environ.get("SHOP_PICTURE") or str(tmp_path / "picture.png")
    visit(start_server(args=HERE), "picture", "desktop", picture=os.path.abspath(path))
    assert 20_000 < os.path.getsize(path) < PICTURE_MAX
    assert os.path.exists(os.path.join(TOP, "web", "shop", "picture.png"))
