"""test_cli.py -- the command line: what it is told, by whom, and with which status it leaves.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from harness import BINARY, BUDGETS, PATIENCE, TOP, new_id, page_view, wait_until

CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("SIGNALBOX_")}
GOOD = 'attribute_group "g" { attribute_key = "domain_userid", attributes = { n = counter():on(event "a/b") } }\n'
TESTED = GOOD + """
test("two are two", function(t)
  ann = t:visitor()
  ann:sends(2, event "a/b")
  ann:has("g:n", %d)
end)
"""


def run(*args, env=None, cwd=None):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=PATIENCE,
                          env={**CLEAN, **BUDGETS, **(env or {})}, cwd=cwd)


@pytest.fixture
def folder(tmp_path):
    def write(**files):
        for name, text in files.items():
            (tmp_path / (name + ".lua")).write_text(text)
        return str(tmp_path)
    return write


def test_help_names_every_command_and_option():
    done = run("--help")
    assert done.returncode == 0
    for word in ("serve", "check", "test", "--listen", "--rules", "--data", "127.0.0.1:8080"):
        assert word in done.stdout, word
    assert done.stderr == ""


@pytest.mark.parametrize("args,word", [
    (["nonsense"], "nonsense"), (["serve", "--lisen", "127.0.0.1:0"], "listen"), (["serve", "--listen"], "listen"),
    (["serve", "--fronts", "many"], "many"), (["serve", "--fronts", "0"], "fronts"), (["check"], ""),
    (["serve", "--config", "/no/such/file.toml"], "/no/such/file.toml"), (["check", "/no/such/folder"], "/no/such/folder"),
    (["serve", "--rules", os.path.join(TOP, "rules"), "--listen", "127.0.0.1"], "listen"),
    (["serve", "--rules", os.path.join(TOP, "rules"), "--listen", "127.0.0.1:99999"], "99999"),
], ids=str)
def test_wrong_words_are_explained(args, word):
    done = run(*args, cwd="/")
    assert done.returncode not in (0, None) and done.returncode > 0
    assert word in done.stderr + done.stdout and (done.stderr + done.stdout).strip()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"])
def test_addresses_beyond_loopback_are_refused(address):
    done = run("serve", "--rules", os.path.join(TOP, "rules"), "--listen", address)
    assert done.returncode == 2
    assert address in done.stderr and "token" in done.stderr


def test_check_of_good_rules(folder):
    done = run("check", folder(good=GOOD))
    assert done.returncode == 0, done.stdout + done.stderr


def test_check_of_the_shipped_rules():
    done = run("check", os.path.join(TOP, "rules"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr


def test_check_of_broken_rules_names_all_files(folder):
    done = run("check", folder(one=GOOD + "attribute_grup {}\n", two="\n\nshop:where()\n", three=GOOD.replace('"g"', '"h"')))
    text = done.stdout + done.stderr
    assert done.returncode == 1
    assert re.search(r"one\.lua:2: .*attribute_grup.*did you mean attribute_group\?", text), text
    assert re.search(r"two\.lua:3: ", text), text
    assert "three.lua:" not in text, text


@pytest.mark.parametrize("format", ["json", "github"])
def test_check_for_machines(folder, format):
    done = run("check", "--format=" + format, folder(one="\nattribute_grup {}\n"))
    assert done.returncode == 1
    if format == "json":
        text = json.dumps([json.loads(line) for line in done.stdout.splitlines() if line.strip()])
        assert "one.lua" in text and "attribute_grup" in text, text
    else:
        assert re.search(r"^::error file=.*one\.lua,line=2", done.stdout, re.M), done.stdout


def test_test_of_good_and_failing_blocks(folder):
    done = run("test", folder(good=TESTED % 2))
    assert done.returncode == 0 and "two are two" in done.stdout, done.stdout + done.stderr
    done = run("test", folder(good=TESTED % 3))
    text = done.stdout + done.stderr
    assert done.returncode == 1
    assert re.search(r"good\.lua:6", text) and "two are two" in text, text


def test_the_shipped_rules_pass_their_tests():
    done = run("test", os.path.join(TOP, "rules"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_flag_over_environment_over_file(tmp_path):
    (tmp_path / "s.toml").write_text('fronts = 3\n[http]\nbody = 2048\nline = 4096\n[push]\nkeep_each = 5\n')
    done = run("serve", "--config", str(tmp_path / "s.toml"), "--http.line=8192", "--print-config",
               env={"SIGNALBOX_HTTP_BODY": "4096", "SIGNALBOX_HTTP_LINE": "512"})
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]

    def line(start):
        found = [x for x in lines if re.match(start + r"\s*=", x)]
        assert len(found) == 1, (start, done.stdout)
        return found[0]
    assert "3" in line("fronts") and "s.toml:1" in line("fronts")
    assert "4096" in line("body") and "SIGNALBOX_HTTP_BODY" in line("body")
    assert "8192" in line("line") and "--http.line" in line("line")
    assert "5" in line("keep_each") and "s.toml:6" in line("keep_each")
    assert "default" in line("keep_ms")


def test_printed_configuration_can_be_read_again(tmp_path):
    first = run("serve", "--fronts=2", "--print-config")
    (tmp_path / "again.toml").write_text(first.stdout)
    second = run("serve", "--config", str(tmp_path / "again.toml"), "--print-config")
    assert second.returncode == 0, second.stderr

    def values(text):
        return [line.split("#")[0].rstrip() for line in text.splitlines()]
    assert values(first.stdout) == values(second.stdout)


@pytest.mark.parametrize("text,where", [("fronts = \n", ":1"), ("\n\nfronst = 2\n", ":3"), ("fronts = 'x'\n", ":1"),
                                        ("[http]\nbody = true\n", ":2")])
def test_errors_of_the_file_name_the_line(tmp_path, text, where):
    (tmp_path / "s.toml").write_text(text)
    done = run("serve", "--config", str(tmp_path / "s.toml"))
    assert done.returncode > 0
    assert "s.toml" + where in done.stderr, done.stderr


def test_limits_of_the_configuration_are_in_force(start_server):
    s = start_server(args=["--http.body", "2048"], env={"SIGNALBOX_API_IDENTIFIERS": "2"})
    assert s.post("/api/v1/events", b" " * 3000).status == 413
    body = {"attributes": ["ecom_attributes_v1:count_product_views"], "attribute_keys": {"domain_userid": ["a", "b", "c"]}}
    assert 400 <= s.post("/api/v1/get-online-attributes", body).status < 500


def test_port_that_is_taken(tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        done = run("serve", "--rules", os.path.join(TOP, "rules"), "--listen", f"127.0.0.1:{s.getsockname()[1]}", cwd=tmp_path)
    assert done.returncode > 0 and done.stderr.strip()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_answers_what_is_under_way(start_server, how):
    s = start_server(args=["--http.drain_ms", str(int(PATIENCE * 1000))])

    def refused():
        try:
            socket.create_connection(("127.0.0.1", s.port), timeout=PATIENCE).close()
        except ConnectionError:
            return True
        return False
    body = json.dumps([page_view(new_id())]).encode()
    head = f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n" \
           f"Content-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", s.port), timeout=PATIENCE) as half:
        half.sendall(head)
        assert half.recv(4096).startswith(b"HTTP/1.1 100")     # it has begun
        half.sendall(body[:20])
        leaving = threading.Thread(target=s.stop, args=(how,))
        leaving.start()
        wait_until(refused, "the stop")
        half.sendall(body[20:])
        answer = half.recv(4096)
        leaving.join()
    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert b'"accepted":1' in answer.replace(b" ", b"")


def test_metrics(fresh_server):
    fresh_server.send(page_view(new_id()), page_view(new_id()))
    answer = fresh_server.get("/metrics")
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
    text = answer.body.decode()
    for line in text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) \w+ .+|\w+(\{[^}]*\})? -?[0-9.eE+-]+", line), line
    assert re.search(r"^signalbox_events_received_total 2$", text, re.M), text
    assert re.search(r"^signalbox_events_processed_total 2$", text, re.M), text
    assert re.search(r"^signalbox_profiles 2$", text, re.M), text


def test_fronts_share_the_work(start_server):
    """Four threads, one state: what one front took, every other one shows."""
    s = start_server(args=["--fronts", "4"])
    duid = new_id()
    for i in range(1, 41):
        s.send(page_view(duid))                 # each on a connection of its own
        assert s.attribute("prospect_scoring_tutorial_v1:num_page_views_l7d", duid) == i


def test_streams_on_every_front(start_server):
    s = start_server(args=["--fronts", "4"])
    ids = [new_id() for _ in range(16)]
    streams = [s.stream(domain_userid=i) for i in ids]
    from harness import shop_event
    s.send(*[shop_event("add_to_cart", i) for i in ids])
    for stream in streams:
        assert [m["name"] for m in stream.messages(1)] == ["cart_abandonment"]
        stream.close()
