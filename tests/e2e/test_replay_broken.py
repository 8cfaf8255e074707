"""test_replay_broken.py -- `signalbox replay` that is interrupted, killed, lied to or kept waiting: each line once, even so.

SPDX-License-Identifier: Apache-2.0
"""
import re
import signal
import subprocess

import pytest

from between import Between, problem
from harness import PATIENCE, wait_until
from recorded import (CLEAN, RULES, anonymous, begin, command, counts, end, expected, gz, lines, metric, replay, s, tsv, views,
                      write)  # noqa: F401 (fixtures)

EVENTS = views(40)
TSV = lines(EVENTS)


# -- interruptions
N = 30_000
MANY = views(N)
LOG = anonymous(MANY)                                  # without ids: a line that is taken twice counts twice


def received(s):
    return metric(s, "events_received_total")


def stopped_at(done):
    return int(re.search(r"stopped behind line (\d+); the same command goes on there", done.stderr).group(1))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_and_taken_up(s, write, number):
    path = write("a.ndjson.gz", gz(LOG))
    stops = []
    for part in (1, 2, 3):
        process = begin("replay", s, path)
        wait_until(lambda: received(s) > part * N // 5 or process.poll() is not None)
        process.send_signal(number)
        done = end(process)
        if done.returncode == 0:                       # it had come to its end before
            continue
        assert done.returncode == 1
        stops.append(stopped_at(done))
        assert received(s) == stops[-1]                # the request under way was finished
    assert stops and stops == sorted(stops)
    assert replay(s, path).returncode == 0
    assert counts(s) == expected(MANY) and received(s) == N


def test_interrupted_while_a_pipe_is_silent(s):
    process = begin("replay", s, stdin=subprocess.PIPE)
    process.stdin.write(TSV)
    process.stdin.flush()
    wait_until(lambda: counts(s) == expected(EVENTS))
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 1
    done = end(process)
    assert stopped_at(done) == 40


def test_the_client_is_killed_again_and_again(s, write):
    path = write("a.ndjson", LOG)
    kills = 0
    for part in range(1, 8):
        process = begin("replay", s, path)
        wait_until(lambda: received(s) > part * N // 9 or process.poll() is not None)
        process.kill()
        end(process)
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 3
    done = replay(s, path)
    assert done.returncode == 0, done
    assert counts(s) == expected(MANY)


def taken(s):
    """Of all runs of a server that was killed meanwhile; None while it is away."""
    try:
        return sum(n or 0 for n in counts(s))
    except OSError:
        return None


@pytest.mark.parametrize("sync", ["always", "never"])
def test_the_server_is_killed_again_and_again(start_server, write, sync):
    """The client waits, and goes on exactly behind what the server still has."""
    s = start_server(rules={"seen.lua": RULES}, args=["--journal.sync", sync])
    with Between(s) as between:                        # the server's port changes, the address must not
        process = begin("replay", between.url, write("a.ndjson", LOG), "--patience", str(PATIENCE))
        kills = 0
        for part in range(1, 5):
            wait_until(lambda: (taken(s) or 0) > part * N // 7 or process.poll() is not None)
            kills += process.poll() is None
            s.restart(signal.SIGKILL)
        done = end(process)
    assert kills >= 2 and done.returncode == 0, done
    assert "30,000 events taken, 0 refused" in done.stdout, done
    assert counts(s) == expected(MANY)
    s.restart(signal.SIGKILL)
    assert counts(s) == expected(MANY)


def test_both_are_killed(start_server, write):
    s = start_server(rules={"seen.lua": RULES})
    path = write("a.ndjson", LOG)
    for part in range(1, 5):
        process = begin("replay", s, path)
        wait_until(lambda: (taken(s) or 0) > part * N // 6 or process.poll() is not None)
        s.end(signal.SIGKILL)
        process.kill()
        end(process)
        s.start()
    assert replay(s, path).returncode == 0
    assert counts(s) == expected(MANY)


def test_lost_requests_and_lost_answers(s, write):
    """Each line once, and what was refused is counted though the answer that said so never came."""
    def what(n, method, path, body):
        return {0: "lost", 1: "answer lost", 2: None}[n % 3] if method == "POST" else None
    data = LOG.splitlines(keepends=True)[:3000]
    data[100] = data[2000] = b"{}\n"
    with Between(s, what) as between:
        done = replay(between.url, write("a.ndjson", b"".join(data)))
    assert done.returncode == 1 and " 2,998 events taken, 2 refused" in done.stdout, done
    assert "a.ndjson:101: " in done.stdout and "a.ndjson:2001: " in done.stdout
    events = [e for i, e in enumerate(MANY[:3000]) if i not in (100, 2000)]
    assert counts(s) == expected(events)


def test_two_at_once(s, write):
    """Another replay of the same file moves on: this one stops, and nothing is taken twice."""
    path = write("a.ndjson", anonymous(views(5000)))

    def what(n, method, _, body):
        if method == "POST" and n == 4:
            assert replay(s, path).returncode == 0
    with Between(s, what) as between:
        done = replay(between.url, path)
    assert done.returncode == 1 and "another replay of the same file is running" in done.stderr, done
    assert counts(s) == expected(views(5000))


# -- servers that are away, busy, or of another mind
def test_a_server_that_is_away(write):
    done = replay("http://127.0.0.1:9", write("a.tsv", TSV), "--patience", "1")
    assert done.returncode == 1 and done.stderr.count("waiting for it, 1 s at most") == 1, done
    assert "waited for 1 s (--patience)" in done.stderr
    assert "1 file, 0 lines: 0 events taken" in done.stdout


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(s, write, status):
    def what(n, method, path, body):
        return problem(status, "too many events are under way", Retry_After=2) if n in (2, 3) else None
    with Between(s, what) as between:
        done = replay(between.url, write("a.tsv", TSV))
        times = [seconds for seconds, *_ in between.seen]
    assert done.returncode == 0 and " 40 events taken" in done.stdout
    assert done.stderr.count("waiting for it") == 1 and f"answers {status}: too many events are under way" in done.stderr
    assert "is back" in done.stderr
    assert times[2] - times[1] >= 2 and times[3] - times[2] >= 2


def test_stopped_while_it_waits(write):
    process = begin("replay", "http://127.0.0.1:9", write("a.tsv", TSV))
    said = process.stderr.readline()
    assert b"waiting for it" in said
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 1
    end(process)


@pytest.mark.parametrize("what,want", [
    (problem(401, "this token is not known"), "answers 401: this token is not known"),
    (problem(404, "nothing is served at this path"), "answers 404: nothing is served at this path"),
    (problem(500, "it broke"), "answers 500: it broke"),
    ((301, {"Location": "http://127.0.0.1:9/"}, b""), "answers 301"),
    ((200, {}, b"<html>a portal\nof a hotel"), "answers 200: <html>a portal\n"),
    ((200, {}, b'{"lines": -1, "hash": "x"}'), "answers 200"),
], ids=["401", "404", "500", "redirect", "no server of ours", "odd"])
def test_answers_that_end_it(write, what, want):
    with Between(None, lambda *_: what) as between:
        done = replay(between.url, write("a.tsv", TSV), write("b.tsv", TSV))
        assert len(between.seen) == 1
    assert done.returncode == 1 and want in done.stderr, done


@pytest.mark.parametrize("answer", [b"", b"{}", b'{"accepted": 1}', b'{"accepted": "1", "rejected": []}', b"[" * 100000],
                         ids=["nothing", "empty", "half", "text", "deep"])
def test_odd_answers_to_a_body(s, write, answer):
    with Between(s, lambda n, method, *_: (200, {}, answer) if method == "POST" else None) as between:
        done = replay(between.url, write("a.tsv", TSV))
    assert done.returncode == 1 and "answers 200" in done.stderr, done


def test_the_token_goes_along(s, write):
    path = write("a.tsv", TSV)
    for args, env, want in (([], {}, None), (["--token", "abc"], {}, "Bearer abc"), ([], {"SIGNALBOX_TOKEN": "def"}, "Bearer def"),
                            (["--token=abc"], {"SIGNALBOX_TOKEN": "def"}, "Bearer abc"), ([], {"SIGNALBOX_TOKEN": ""}, None)):
        with Between(s) as between:
            done = replay(between.url, path, *args, env=env)
            assert done.returncode == 0 and "warning" not in done.stderr, done
            assert {headers["Authorization"] for _, _, _, headers, _ in between.seen} == {want}


def test_where_the_server_is(s, write):
    """Without --to it is this configuration's own."""
    path = write("a.tsv", TSV)
    for args, env in ((["--listen", f"127.0.0.1:{s.port}"], {}), ([], {"SIGNALBOX_LISTEN": f"localhost:{s.port}"}),
                      (["--to", f"127.0.0.1:{s.port}"], {}), (["--to", f"http://localhost:{s.port}/"], {"http_proxy": "http://127.0.0.1:9"})):
        done = subprocess.run([command("replay", "")[0], "replay", *args, path], env={**CLEAN, **env}, capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0, done
    assert counts(s) == expected(EVENTS)


def test_bodies_are_of_a_good_size(s, write):
    with Between(s) as between:
        assert replay(between.url, write("a.tsv", lines(views(3000))), write("b.tsv", b"\n" * 2500 + TSV)).returncode == 0
        sizes = [(len(body), body.count(b"\n")) for _, method, _, _, body in between.seen if method == "POST"]
    assert all(n <= 256 << 10 and k <= 1000 for n, k in sizes)
    assert sum(k for _, k in sizes) == 5540 and max(n for n, _ in sizes) > 250_000 and max(k for _, k in sizes) == 1000
