"""test_send.py -- `signalbox send`: recorded events as live ones, at a given speed.

SPDX-License-Identifier: Apache-2.0
"""
import calendar
import os
import re
import signal
import subprocess
import time

import pytest

from between import Between, problem
from harness import PATIENCE, SLOW, wait_until
from recorded import (CLEAN, COLUMNS, RULES, anonymous, begin, command, end, gz, lines, metric, ndjson, page_view, s, send, state, tsv,
                      views, write)  # noqa: F401 (fixtures)

MS = 1_760_000_000_000


def sent(between):
    """(seconds, column -> text) of each event that went through, in order."""
    return [(seconds, dict(zip(COLUMNS, line.split("\t")))) for seconds, _, _, _, body in between.seen
            for line in body.decode().split("\n") if line]


def ms_of(text):
    whole, part = text.split(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%d %H:%M:%S")) * 1000 + int(part)


TAKES_ALL = (200, {}, b'{"accepted":0,"rejected":[]}')


def test_it_happens_now(s, write):
    """Interventions fire, unlike with replay; the events keep the times they were recorded with."""
    with s.stream(domain_userid="p3") as stream:
        done = send(s, write("a.tsv.gz", gz(lines(views(50)))))
        assert [m["name"] for m in stream.messages(1)] == ["third"]
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("1 file, 50 lines: 50 events taken, 0 refused")
    assert metric(s, "interventions_fired_total") == 7 and state(s)["n"] == [8] + [7] * 6
    assert send(s, write("b.tsv", lines(views(50)))).returncode == 0
    assert state(s)["n"] == [16] + [14] * 6


def test_lines_go_as_they_are(write):
    """Byte for byte, whatever stands in them."""
    data = lines(views(3)) + b"\n\tx\t\xff\xfe\0\n" + lines(views(2))
    with Between(None, lambda *_: TAKES_ALL) as between:
        assert send(between.url, write("a.tsv", data)).returncode == 0
        assert b"".join(body for *_, body in between.seen) == data
        assert {path for _, _, path, _, _ in between.seen} == {"/api/v1/events"}
        assert {headers["Content-Type"] for _, _, _, headers, _ in between.seen} == {"text/tab-separated-values"}


# -- how fast
def test_a_rate(write):
    path = write("a.tsv", lines(views(60)))
    with Between(None, lambda *_: TAKES_ALL) as between:
        begun = time.monotonic()                       # the first is due now or later, however busy the machine is
        done = send(between.url, path, "--rate", "40")
        times = [seconds - begun for seconds, _ in sent(between)]
    assert done.returncode == 0 and len(times) == 60
    assert all(t >= i / 40 for i, t in enumerate(times)), times    # none too early


def test_it_sleeps_until_the_next_is_due(write):
    path = write("a.tsv", lines([page_view("p0", MS), page_view("p0", MS + 2000 * SLOW)]))
    with Between(None, lambda *_: TAKES_ALL) as between:
        process = begin("send", between.url, "--speed", "1", path)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        end(process)
    assert process.returncode == 0 and usage.ru_utime + usage.ru_stime < 0.3 * SLOW


def test_a_speed(write):
    """Pauses of 5 and 10 recorded seconds at twenty times the speed; several files are one timetable."""
    at = [0, 0, 5000, 5000, 15000]
    first = write("a.tsv", lines([page_view("p0", MS + t) for t in at]))
    second = write("b.ndjson", lines([page_view("p0", MS + 20000)], ndjson))
    with Between(None, lambda *_: TAKES_ALL) as between:
        begun = time.monotonic()
        done = send(between.url, "--speed", "20", first, second)
        times = [seconds - begun for seconds, *_, body in between.seen for line in body.split(b"\n") if line]
    assert done.returncode == 0 and len(times) == 6
    assert all(t >= recorded / 1000 / 20 for t, recorded in zip(times, [*at, 20000])), times


def test_what_has_no_time_waits_for_nothing(write):
    data = [tsv(page_view("p0", MS)), "no event", tsv({**page_view("p0", MS), "collector_tstamp": ""}), tsv(page_view("p0", MS - 86400000)),
            tsv(page_view("p0", MS + 1))]
    with Between(None, lambda *_: TAKES_ALL) as between:
        done = send(between.url, "--speed", "0.01", write("a.tsv", "\n".join(data).encode()))
        assert b"".join(body for *_, body in between.seen) == "\n".join(data).encode() + b"\n"
    assert done.returncode == 0, done


def test_a_slow_server_is_told_of(write):
    def slow(*_):
        time.sleep(1.2)
        return TAKES_ALL
    with Between(None, slow) as between:
        done = send(between.url, "--rate", "100", write("a.tsv", lines(views(20))))
        assert len(between.seen) < 20                  # what is overdue goes together
    assert re.search(r"the server did not keep up: events went up to \d+\.\d s late", done.stdout), done


# -- when
TIMES = [c for c in COLUMNS if c.endswith("_tstamp")]


@pytest.mark.parametrize("args,scale", [(["--speed", "4"], 4), (["--speed", "0.5"], 0.5)])
def test_now_keeps_the_distances(write, args, scale):
    at = [0, 400, 400, 1000, 600]                      # the last one out of its turn
    before = time.time() * 1000
    with Between(None, lambda *_: TAKES_ALL) as between:
        events = [page_view("p0", MS + t, true_tstamp=MS + t - 5) for t in at]
        assert send(between.url, "--now", *args, write("a.tsv", lines(events))).returncode == 0
        got = [event for _, event in sent(between)]
    after = time.time() * 1000
    times = [ms_of(e["collector_tstamp"]) for e in got]
    assert before - 1 <= times[0] <= after
    assert all(abs(t - times[0] - recorded / scale) <= 1 for t, recorded in zip(times, at)), times
    for event, was, t in zip(got, events, times):      # the others move along, and nothing else changes
        for name in COLUMNS:
            if name in was and name in TIMES:
                assert ms_of(event[name]) - t == was[name] - was["collector_tstamp"], name
            else:
                assert event[name] == str(was.get(name, "")), name


def test_now_at_a_rate_and_at_once(write):
    path = write("a.tsv", lines([page_view("p0", MS + i * 3600_000) for i in range(10)]))
    for args, step in ((["--rate", "20"], 50), ([], None)):
        before = time.time() * 1000
        with Between(None, lambda *_: TAKES_ALL) as between:
            assert send(between.url, "--now", *args, path).returncode == 0
            times = [ms_of(e["collector_tstamp"]) for _, e in sent(between)]
        assert before - 1 <= times[0] and times == sorted(times) and times[-1] <= time.time() * 1000
        if step:
            assert [t - times[0] for t in times] == [i * step for i in range(10)]


def test_now_on_a_server(start_server, write):
    """The recorded events are too old for a window of an hour; sent as of now they are in it."""
    s = start_server(rules={"seen.lua": RULES.replace("n      =", "hour   = counter():on(page_view):within(hours(1)),\n    n      =")})
    for who, args, want in (("a", [], None), ("b", ["--now"], 4)):
        for write_event, name in ((tsv, "a.tsv"), (ndjson, "a.ndjson")):
            path = write(name, lines([page_view(who + name, MS + i) for i in range(4)], write_event))
            assert send(s, *args, path).returncode == 0
            assert s.attribute("seen_v1:n", who + name) == 4
            assert (s.attribute("seen_v1:hour", who + name) or None) == want, (who, name)


# -- trouble
def test_what_comes_twice_counts_once(s, write):
    def what(n, method, path, body):
        return {0: "lost", 1: "answer lost", 2: None}[n % 3]
    with Between(s, what) as between:
        done = send(between.url, write("a.tsv", lines(views(2000))))
    assert done.returncode == 0 and " 2,000 events taken, 0 refused" in done.stdout, done
    assert sum(state(s)["n"]) == 2000 and metric(s, "events_duplicate_total") > 0


def test_the_server_is_killed(s, write):
    with Between(s) as between:
        process = begin("send", between.url, write("a.tsv", lines(views(20_000))), "--patience", str(PATIENCE))
        for part in (1, 2):
            wait_until(lambda: metric(s, "events_received_total") > part * 3000 or process.poll() is not None)
            s.restart(signal.SIGKILL)
        done = end(process)
    assert done.returncode == 0 and sum(state(s)["n"]) == 20_000, done


def test_refused_lines(s, write):
    data = b"a\n" + lines(views(2)) + b"b\tc\n"
    for _ in range(2):
        done = send(s, write("a.tsv", data))
        assert done.returncode == 1 and " 2 events taken, 2 refused" in done.stdout, done
        assert "a.tsv:1: 1 columns, want 131" in done.stdout and "a.tsv:4: 2 columns, want 131" in done.stdout
    done = send(s, write("b.tsv", b"a\nb\n"))          # nothing of the body is taken: that is a 400
    assert done.returncode == 1 and " 0 events taken, 2 refused" in done.stdout and done.stderr == "", done
    done = send(s, write("c.tsv", b"a\n" * 5000))
    assert done.returncode == 1 and "the first 1,000 lines were all refused" in done.stderr.replace("1000", "1,000"), done


def test_a_400_of_another_kind(write):
    with Between(None, lambda *_: problem(400, "no body like that")) as between:
        done = send(between.url, write("a.tsv", lines(views(3))))
    assert done.returncode == 1 and "answers 400: no body like that" in done.stderr


def test_a_body_that_is_too_large(start_server, write):
    s = start_server(rules={"seen.lua": RULES}, args=["--http.body", "4096"])
    data = lines([*views(30), page_view("p0", MS, "/" + "x" * 5000), *views(30)])
    done = send(s, write("a.tsv", data))
    assert done.returncode == 1 and " 60 events taken, 1 refused" in done.stdout, done
    assert "a.tsv:31: longer than a body may be" in done.stdout and sum(state(s)["n"]) == 60


def test_interrupted_before_the_next_is_due(s, write):
    process = begin("send", s, "--speed", "1", write("a.tsv", lines([page_view("p0", MS), page_view("p0", MS + 3600_000)])))
    wait_until(lambda: state(s)["n"][0] == 1)
    process.send_signal(signal.SIGINT)
    done = end(process)
    assert done.returncode == 1 and "a.tsv: stopped behind line 1\n" in done.stderr, done


def test_the_rest_of_a_file(s, write):
    """What an interrupted run did not send, by its own words."""
    data = anonymous(views(500))
    done = send(s, "--format", "ndjson", stdin=b"".join(data.splitlines(keepends=True)[300:]))
    assert done.returncode == 0 and " 200 events taken" in done.stdout


def test_wrong_words():
    binary = command("send", "")[0]
    for args, want in ((["--speed", "2", "--rate", "3"], "--speed and --rate"), (["--speed", "0"], "--speed: a number from 0.001"),
                       (["--speed", "fast"], "--speed"), (["--rate", "-1"], "--rate"), (["--rate", "nan"], "--rate")):
        done = subprocess.run([binary, "send", *args, "x"], capture_output=True, text=True, timeout=PATIENCE, env=CLEAN)
        assert done.returncode == 2 and want in done.stderr and done.stdout == "", done
