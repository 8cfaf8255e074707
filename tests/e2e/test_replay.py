"""test_replay.py -- `signalbox replay`: files of every kind as history, each line once.

SPDX-License-Identifier: Apache-2.0
"""
import gzip
import os
import random
import re
import subprocess

import pytest

from harness import PATIENCE, SLOW, wait_until
from recorded import (CLEAN, COLUMNS, RULES, action, anonymous, begin, command, counts, end, expected, gz, lines, metric, ndjson,
                      page_view, replay, s, send, state, tsv, views, write, zst)  # noqa: F401 (fixtures)


# -- what is taken
def test_a_file_is_taken_once(s, write):
    events = views(2500)
    path = write("a.tsv", lines(events))
    done = replay(s, path)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"1 file, 2,500 lines: 2,500 events taken, 0 refused, in \d+\.\d s \([\d,]+ a second\)\n", done.stdout)
    assert counts(s) == expected(events)
    done = replay(s, path)
    assert done.returncode == 0 and "a.tsv: 2,500 lines had been taken before; goes on behind them" in done.stderr
    assert done.stdout.startswith("2,500 lines had been taken before\n1 file, 0 lines: 0 events taken, 0 refused")
    assert counts(s) == expected(events)
    assert metric(s, "events_received_total") == 2500


def test_a_file_that_has_grown_goes_on(s, write):
    events = views(30)
    data = anonymous(events).splitlines(keepends=True)
    for n, more in ((10, 10), (11, 1), (30, 19)):
        done = replay(s, write("a.ndjson", b"".join(data[:n])))
        assert done.returncode == 0 and f" {more} event" in done.stdout, done
        assert counts(s) == expected(events[:n])


def test_what_counts_is_the_file_not_its_name(s, write):
    data = anonymous(views(10))
    assert " 10 events taken" in replay(s, write("a.ndjson", data)).stdout
    for name, same in (("b.jsonl", data), ("c.ndjson.gz", gz(data)), ("d.ndjson.zst", zst(data))):
        assert " 0 events taken" in replay(s, write(name, same)).stdout, name
    assert counts(s) == expected(views(10))


EVENTS = views(40)
TSV, NDJSON = lines(EVENTS), lines(EVENTS, ndjson)


KINDS = ["tsv", "txt", "no ending", "ndjson", "jsonl", "said ndjson", "said tsv", "gz", "gz called zst", "zst called gz", "tsv called gz", "zst",
         "ndjson.gz", "jsonl.zst", "two gz", "three zst", "crlf", "crlf ndjson", "bom", "bom ndjson", "no end", "no end ndjson", "blank lines"]


@pytest.mark.parametrize("name,data,args", [
    ("a.tsv", TSV, []), ("a.txt", TSV, []), ("a", TSV, []), ("a.ndjson", NDJSON, []), ("a.JSONL", NDJSON, []),
    ("a.tsv", NDJSON, ["--format", "ndjson"]), ("a.ndjson", TSV, ["--format=tsv"]),
    ("a.tsv.gz", gz(TSV), []), ("a.zst", gz(TSV), []), ("a.gz", zst(TSV), []), ("a.gz", TSV, []), ("a", zst(TSV), []),
    ("a.ndjson.gz", gz(NDJSON), []), ("a.jsonl.zst", zst(NDJSON), []),
    ("two.gz", gz(TSV[:5000]) + gz(TSV[5000:]), []), ("two.zst", zst(TSV[:5000]) + zst(b"") + zst(TSV[5000:]), []),
    ("crlf.tsv", TSV.replace(b"\n", b"\r\n"), []), ("crlf.ndjson", NDJSON.replace(b"\n", b"\r\n"), []),
    ("bom.tsv", b"\xef\xbb\xbf" + TSV, []), ("bom.ndjson", b"\xef\xbb\xbf" + NDJSON, []),
    ("noend.tsv", TSV[:-1], []), ("noend.ndjson", NDJSON[:-1], []), ("blank.tsv", b"\n\r\n" + TSV.replace(b"\n", b"\n\n"), []),
], ids=KINDS)
def test_every_kind_of_file(s, write, name, data, args):
    done = replay(s, *args, write(name, data))
    assert (done.returncode, done.stderr) == (0, ""), done
    assert " 40 events taken, 0 refused" in done.stdout
    assert counts(s) == expected(EVENTS)
    assert " 0 events taken, 0 refused" in replay(s, *args, write(name, data)).stdout


@pytest.mark.parametrize("data,args", [(TSV, []), (gz(TSV), ["-"]), (zst(NDJSON), ["--format", "ndjson", "-"])], ids=["plain", "gz", "zst"])
def test_standard_input(s, data, args):
    done = replay(s, *args, stdin=data)
    assert (done.returncode, done.stderr) == (0, "") and " 40 events taken" in done.stdout, done
    done = replay(s, *args, stdin=data)                # the same stream once more
    assert done.returncode == 0 and "standard input: 40 lines had been taken before" in done.stderr
    assert counts(s) == expected(EVENTS)


def test_several_files(s, write):
    done = replay(s, write("a.tsv", TSV), write("b.ndjson.gz", gz(lines(views(5), ndjson))), "-", stdin=lines(views(3)))
    assert done.returncode == 0 and done.stdout.startswith("3 files, 48 lines: 48 events taken, 0 refused"), done
    assert sum(n or 0 for n in counts(s)) == 48


def test_a_silent_pipe_holds_nothing_back(s):
    """tail -f | signalbox replay: what has come goes out though the body is not full."""
    process = begin("replay", s, stdin=subprocess.PIPE)
    for n in (10, 20):
        process.stdin.write(lines(EVENTS[n - 10:n]))
        process.stdin.flush()
        wait_until(lambda: counts(s) == expected(EVENTS[:n]), f"{n} events")
    done = end(process)
    assert done.returncode == 0 and " 20 events taken" in done.stdout


# -- what is refused
def test_refused_lines_are_named(s, write, tmp_path):
    good = page_view("p0", 1_760_000_000_000)
    bad = [b"only three\tcolumns\there", tsv({**good, "collector_tstamp": ""}).encode(), tsv({**good, "event_id": "17"}).encode(),
           tsv({**good, "doc_height": "tall"}).encode(), tsv({**good, "doc_height": "wide"}).encode()]
    data = b"\n" + b"\n".join([tsv(views(1)[0]).encode(), *bad, tsv(views(1)[0]).encode()]) + b"\n"
    path, refused = write("a.tsv", data), tmp_path / "refused.tsv"
    done = replay(s, path, "--refused", refused)
    assert done.returncode == 1 and done.stderr == ""
    head, rest = done.stdout.split("\n", 1)
    assert head.startswith("1 file, 8 lines: 2 events taken, 5 refused"), done.stdout
    assert rest == ("refused, by reason:\n"
                    "        2  doc_height: want a whole number, not \"tall\"\n"
                    "        1  3 columns, want 131\n"
                    "        1  collector_tstamp: missing\n"
                    "        1  event_id: want a UUID, not \"17\"\n"
                    "which are:\n"
                    f"  {path}:3: 3 columns, want 131\n"
                    f"  {path}:4: collector_tstamp: missing\n"
                    f"  {path}:5: event_id: want a UUID, not \"17\"\n"
                    f"  {path}:6: doc_height: want a whole number, not \"tall\"\n"
                    f"  {path}:7: doc_height: want a whole number, not \"wide\"\n"
                    f"all of them are in {refused}\n")
    rows = [line.split("\t") for line in refused.read_text().splitlines()]
    assert [(row[0], row[1]) for row in rows] == [(path, str(n)) for n in (3, 4, 5, 6, 7)]
    assert all(len(row) == 4 for row in rows) and rows[4][3] == 'doc_height: want a whole number, not "wide"'
    assert [row[2] for row in rows] in ([""] * 5, ["", "collector_tstamp", "event_id", "doc_height", "doc_height"])
    assert counts(s)[0] == 2


def test_line_numbers_hold_across_bodies(s, write, tmp_path):
    """Wrong lines far behind each other: their numbers are the file's, whatever bodies they travelled in."""
    data = lines(views(5000)).splitlines(keepends=True)
    wrong = [1, 999, 1000, 1001, 1002, 2500, 5000]
    for n in wrong:
        data[n - 1] = b"x\n"
    done = replay(s, write("a.tsv", b"".join(data)), "--refused", tmp_path / "r")
    assert done.returncode == 1 and " 4,993 events taken, 7 refused" in done.stdout, done.stdout
    assert [int(line.split("\t")[1]) for line in (tmp_path / "r").read_text().splitlines()] == wrong


def test_what_was_refused_is_refused_once(s, write, tmp_path):
    path = write("a.tsv", b"x\n" + TSV + b"y\n")
    assert replay(s, path, "--refused", tmp_path / "r").returncode == 1
    done = replay(s, write("a.tsv", b"x\n" + TSV + b"y\n" + b"z\n"), "--refused", tmp_path / "r")
    assert done.returncode == 1 and " 0 events taken, 1 refused" in done.stdout
    assert [line.split("\t")[1] for line in (tmp_path / "r").read_text().splitlines()] == ["1", "42", "43"]


@pytest.mark.parametrize("name,garbage", [
    ("a.tsv", b"".join(b"line %d of a log\n" % i for i in range(50_000))),
    ("a.bin", random.Random(1).randbytes(1_000_000)),
    ("a.ndjson", lines(views(3000))),
], ids=["log", "binary", "tsv as ndjson"])
def test_garbage_is_left_early(s, write, name, garbage):
    done = replay(s, write(name, garbage), write("good.tsv", TSV))
    assert done.returncode == 1
    assert re.search(r"the first [\d,]+ lines were all refused: this looks like no (enriched events|maps)", done.stderr), done.stderr
    refused = int(re.search(r"(\S+) refused", done.stdout).group(1).replace(",", ""))
    assert 1000 <= refused <= 4000, done.stdout
    assert len(done.stdout) < 20_000 and "\x1b" not in done.stdout
    assert counts(s) == expected(EVENTS)               # the file behind it was read


def test_the_wrong_format_costs_nothing(s, write):
    """What was refused as NDJSON is taken as TSV: that is another source."""
    path = write("a.ndjson", lines(views(3000)))
    assert replay(s, path).returncode == 1
    done = replay(s, path, "--format", "tsv")
    assert done.returncode == 0 and " 3,000 events taken" in done.stdout, done


def test_a_bad_beginning_is_no_garbage(s, write):
    done = replay(s, write("a.tsv", b"x\n" * 999 + TSV))
    assert " 40 events taken, 999 refused" in done.stdout and done.stderr == ""


def test_half_a_last_line_is_left_for_later(s, write):
    """A file that is being written: the line without an end is no event yet, and counts when it is one."""
    data = TSV.splitlines(keepends=True)
    for cut in (1, 40, 300):
        half = b"".join(data[:20]) + data[20][:cut]
        done = replay(s, write("a.tsv", half))
        assert done.returncode == 1 and "a.tsv:21: the last line has no end and is no event" in done.stdout, done
    done = replay(s, write("a.tsv", TSV))
    assert done.returncode == 0 and " 20 events taken, 0 refused" in done.stdout, done
    assert counts(s) == expected(EVENTS)


def long_page(path_length):
    return page_view("p0", 1_760_000_000_000, "/" + "x" * path_length)


@pytest.mark.parametrize("client,server", [("4096", "1048576"), ("1048576", "4096"), ("8192", "4096")])
def test_a_line_longer_than_a_body(start_server, write, client, server):
    """Whoever of the two has the smaller limit; the neighbours count, and so do their numbers."""
    s = start_server(rules={"seen.lua": RULES}, args=["--http.body", server])
    data = lines([*views(20), long_page(5000), *views(20), long_page(1_000_000), *views(1), long_page(3_000_000)]).splitlines(keepends=True)
    data[18:18] = data[30:30] = [b"x\n"]               # wrong ones among them, to count by
    path = write("a.tsv", b"".join(data))
    done = replay(s, path, "--http.body", client)
    assert done.returncode == 1 and " 41 events taken, 5 refused" in done.stdout, done
    for n in (22, 44, 46):
        assert f"{path}:{n}: longer than a body may be (http.body)\n" in done.stdout
    for n in (19, 31):
        assert f"{path}:{n}: 1 columns, want 131\n" in done.stdout
    assert sum(n or 0 for n in counts(s)) == 41
    done = replay(s, path, "--http.body", client)
    assert done.returncode == 0 and "46 lines had been taken before" in done.stderr


def peak_mib(args):
    """Exit code, and the most memory it had."""
    process = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=CLEAN)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss / 1024


@pytest.mark.skipif(SLOW > 1, reason="a sanitizer keeps what was freed")
def test_memory_does_not_grow_with_a_line(s, write, tmp_path):
    small = peak_mib(command("replay", s, write("a.tsv", TSV)))
    with gzip.open(tmp_path / "long.gz", "wb", 1) as f:
        for _ in range(60):
            f.write(b"x" * (1 << 20))
        f.write(b"\n" + tsv(views(1)[0]).encode() + b"\n")
    large = peak_mib(command("replay", s, str(tmp_path / "long.gz")))
    assert (small[0], large[0]) == (0, 1)
    assert large[1] < small[1] + 24, (small, large)


# -- files that can't be read, or not to their end
def test_a_bomb_is_left(s, write, tmp_path):
    with gzip.open(tmp_path / "bomb.gz", "wb", 9) as f:
        f.write(TSV)
        for _ in range(110):
            f.write(bytes(1 << 20))
    done = replay(s, tmp_path / "bomb.gz", write("b.ndjson", lines(views(5), ndjson)))
    assert done.returncode == 1
    assert "bomb.gz: it unpacks to more than 200 times its size" in done.stderr and "--any-size" in done.stderr
    assert sum(n or 0 for n in counts(s)) == 45        # what stood before it, and the next file


def test_any_size(s, tmp_path):
    with gzip.open(tmp_path / "a.gz", "wb", 9) as f:
        f.write(TSV)
        for _ in range(110):
            f.write(b"x" * (1 << 20))
        f.write(b"\n" + tsv(views(1)[0]).encode() + b"\n")
    done = replay(s, tmp_path / "a.gz", "--any-size")
    assert done.returncode == 1 and " 41 events taken, 1 refused" in done.stdout and done.stderr == "", done


@pytest.mark.parametrize("pack,kind", [(gz, "gzip"), (zst, "zstd")])
def test_a_truncated_file(s, write, pack, kind):
    """What stands before the cut counts; once the file is whole, the rest."""
    whole = pack(anonymous(views(3000)))
    cut = len(whole) * 2 // 3
    done = replay(s, write("a.ndjson.x", whole[:cut]), "--format", "ndjson")
    assert done.returncode == 1
    assert f"a.ndjson.x: damaged at byte {cut} of the {kind} file: it ends too early" in done.stderr
    taken = sum(n or 0 for n in counts(s))
    assert 1000 < taken < 3000 and f" {taken:,} events taken, 0 refused" in done.stdout, done.stdout
    done = replay(s, write("a.ndjson.x", whole), "--format", "ndjson")
    assert done.returncode == 0 and counts(s) == expected(views(3000)), done


def test_damage_in_the_middle(s, write):
    data = bytearray(gz(TSV) + gz(lines(views(40))))
    data[len(gz(TSV)) + 200] ^= 0xff
    done = replay(s, write("a.gz", bytes(data)), write("b.tsv", lines(views(2))))
    assert done.returncode == 1 and re.search(r"a\.gz: damaged at byte \d+ of the gzip file: ", done.stderr), done.stderr
    assert sum(n or 0 for n in counts(s)) >= 42


def test_files_that_are_none(s, write, tmp_path):
    os.mkdir(tmp_path / "folder")
    good = write("good.tsv", TSV)
    for path, why in ((tmp_path / "folder", "this is a folder"), (tmp_path / "missing", "No such file or directory"),
                      (write("a.xz", b"\xfd7zXZ\0" + b"x" * 100), "this is xz: unpack it first"), ("/proc/self/mem", "it can't be read")):
        done = replay(s, path, good)
        assert done.returncode == 1 and done.stderr.startswith(f"signalbox: {path}: ") and why in done.stderr, done
    assert counts(s) == expected(EVENTS)


def test_an_unreadable_file(s, write):
    path = write("a.tsv", TSV)
    os.chmod(path, 0)
    powers = "-dac_override,-dac_read_search"    # root may read everything, unless it gives that up
    done = subprocess.run(["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}", *command("replay", s, path)],
                          capture_output=True, text=True, timeout=PATIENCE, env=CLEAN, check=False)
    assert done.returncode == 1 and "Permission denied" in done.stderr


@pytest.mark.parametrize("data", [b"", gz(b""), zst(b""), b"\n\n\n", b"\xef\xbb\xbf"], ids=["empty", "gz", "zst", "blank", "bom"])
def test_an_empty_file(s, write, data):
    for _ in range(2):
        done = replay(s, write("a.tsv", data))
        assert done.returncode == 0 and " 0 events taken, 0 refused" in done.stdout, done


# -- which file it is
def test_files_that_begin_alike(s, write):
    """One header, many files: each has a place of its own, and goes on at it."""
    header = "\t".join(COLUMNS).encode() + b"\n"
    files = [header + lines([page_view(f"p{k}", 1_760_000_000_000 + i) for i in range(10 + k)]) for k in range(4)]
    paths = [write(f"{k}.tsv", data) for k, data in enumerate(files)]
    for k, path in enumerate(paths):
        done = replay(s, path)
        assert f" {10 + k} events taken, 1 refused" in done.stdout, (k, done)
    done = replay(s, *paths)
    assert done.returncode == 0 and done.stderr.count("had been taken before") == 4, done
    more = lines([page_view("p2", 1_770_000_000_000)])
    done = replay(s, write("2.tsv", files[2] + more))
    assert done.stderr.count(" 13 lines had been taken before") == 1 and " 1 event taken" in done.stdout, done
    assert counts(s)[:4] == [10, 11, 13, 13]


def test_a_file_that_was_changed_is_another(s, write):
    """The same beginning, but not the same line where the first one stopped: all of it is taken."""
    first, second = views(20), views(20)
    second[0] = first[0]
    replay(s, write("a.tsv", lines(first)))
    done = replay(s, write("b.tsv", lines(second)))
    assert done.returncode == 0 and " 20 events taken" in done.stdout and done.stderr == "", done
    assert sum(counts(s)) == 39                        # the event in common is known by its event_id
    done = replay(s, write("c.tsv", lines(second[:5])))
    assert " 5 events taken" in done.stdout and sum(counts(s)) == 39


@pytest.mark.parametrize("path", ["-", "/dev/stdin"])
def test_a_pipe_can_not_go_back(s, path):
    first, second = views(20), views(30)
    second[0] = first[0]
    replay(s, path, stdin=lines(first))
    done = replay(s, path, stdin=lines(second))
    assert done.returncode == 1 and "put it into a file" in done.stderr, done
    assert counts(s) == expected(first)


# -- history fires nothing
def test_nothing_fires_and_live_it_does(s, start_server, write):
    live = start_server(rules={"seen.lua": RULES})
    path = write("a.tsv", lines(views(50)))
    with s.stream(domain_userid="p0") as past, live.stream(domain_userid="p0") as present:
        assert replay(s, path).returncode == 0 and send(live, path).returncode == 0
        assert [m["name"] for m in present.messages(1)] == ["third"]
        past.read_for(0.5)
        assert b"third" not in past.bytes
    assert metric(s, "interventions_fired_total") == 0 and metric(live, "interventions_fired_total") == 7
    with s.stream(domain_userid="p1") as past, live.stream(domain_userid="p1") as present:   # nor does any wait
        assert [m["name"] for m in present.messages(1)] == ["third"]
        past.read_for(0.5)
        assert b"third" not in past.bytes
    assert state(s) == state(live) and state(s)["n"] == expected(views(50))


def test_replayed_and_sent_are_the_same(start_server, write):
    """Three servers, one file in three ways: what is kept for life is equal, and so it is after a restart."""
    events = [*views(700), *(action("add_to_cart", f"p{i % 7}", 1_760_000_500_000 + i, {"id": "x", "price": i}) for i in range(100))]
    random.Random(3).shuffle(events)
    servers = [start_server(rules={"seen.lua": RULES}) for _ in range(3)]
    for s, way, data, name in zip(servers, (replay, send, replay), (gz(lines(events)), lines(events), zst(lines(events, ndjson))),
                                  ("a.gz", "a.tsv", "a.ndjson.zst")):
        done = way(s, write(name, data))
        assert done.returncode == 0 and " 800 events taken" in done.stdout, done
    states = [state(s) for s in servers]
    assert states[0] == states[1] == states[2] and states[0]["n"] == [100] * 7
    for s in servers[:2]:
        s.restart()
        assert state(s) == states[0]
