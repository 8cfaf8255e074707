#!/usr/bin/env python3
"""corrupt.py -- a damaged data folder: refused by name, or served with every value right; never a wrong value, never a crash.

One folder is made: records, a completed write-back, and records behind it that only the last log holds. Each case is a copy of
it with one wound: the last log cut, another file cut, a bit flipped in any file, a file missing. Then `signalbox journal
verify` looks at it and the server is started on it. What may come of it:

    whole        it starts, and every value of everybody is that of all acknowledged events
    prefix       it starts, says that it cut the log, and every value is that of the first so many records; only for the last log
    unreadable   it starts, and reads of what is damaged answer an error; every other value is right
    refused      it says which file or record is damaged, leaves by itself, and has changed nothing
    refused late the same, but RocksDB had taken what the log held into a table before the damage was found: with the damage
                 healed, that folder too is whole

Verify may call a folder sound only when it is whole, or cut, and never when a table was hit, served or not. A log that is cut
later must hold no less. Some refused folders are salvaged: the new folder must start.
    corrupt.py                    the short form
    corrupt.py --full             every 64 bytes of the last log, thousands of flips
    corrupt.py --only flip:signalbox.json      those cases whose name begins so
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import collections
import hashlib
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import crash_site as site
import crash_world as world

BATCHES, TAIL = 1200, 400
CUTS, FLIPS = 60, 150
FULL_FLIPS = 6000
SALVAGED = 6
LOG_BLOCK = 32768
FOOTER = 53                                      # bytes at the end of a table of which some mean nothing
NEVER = 3600_000                                 # write_back_ms of a server that is not to write back
OURS = re.compile(r"(^|/)(LOG(\.old\.\d+)?|lock|LOCK|control)$")     # what may change although nothing was overwritten
CUT_WORDS = re.compile(r"\bcut\b|\btorn\b|\btruncat|\bdropped\b", re.I)


class Base:
    """The folder that is wounded, and what it holds."""

    def __init__(self, o, folder):
        self.o, self.folder = o, folder
        self.data, self.rules = os.path.join(folder, "data"), os.path.join(folder, "rules")
        self.draw = random.Random(o.seed)
        self.world = world.World(self.draw, n_attributes=4)
        self.world.write_rules(self.rules)
        self.n = 0                               # batches sent

    def options(self, write_back_ms):
        return world.OPTIONS | {"journal.write_back_ms": write_back_ms}

    def start(self, data, log_path, write_back_ms=NEVER):
        return site.Server(self.o.server, data, self.rules, self.options(write_back_ms), log_path=log_path)

    def send(self, server, n):
        client = server.client()
        for _ in range(n):
            self.n += 1
            batch = [self.world.marker(self.draw)]
            batch += [self.world.some_event(self.draw, f"device{self.draw.randrange(60)}")
                      for _ in range(self.draw.choice([0, 1, 1, 3]))]
            for event in batch:
                event.batch = self.n
            if client.send([e.columns for e in batch], "json") != 200:
                raise site.Hung("events are refused")

    def make(self):
        log = os.path.join(self.folder, "log")
        server = self.start(self.data, log, 300)
        server.wait_ready()
        self.send(server, BATCHES)
        time.sleep(2 * site.slowness(self.o.server))     # so that a write-back is completed
        server.kill()
        server = self.start(self.data, log)
        server.wait_ready()
        self.send(server, TAIL)
        server.kill()
        for key in ("domain_userid", "user_id", "basket"):
            self.world.identifiers(key)

    def files(self):
        """{path in the folder: bytes}, without what says nothing."""
        found = {}
        for at, _, names in os.walk(self.data):
            for name in names:
                path = os.path.join(at, name)
                if os.path.isfile(path) and not OURS.search(path):
                    found[os.path.relpath(path, self.data)] = os.path.getsize(path)
        return found

    def last_log(self):
        logs = [f for f in self.files() if f.endswith(".log")]
        return max(logs, key=lambda f: int(re.sub(r"\D", "", os.path.basename(f)) or 0))


def prints(folder):
    """{path: hash} of what must not change."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            if os.path.isfile(path) and not OURS.search(path):
                with open(path, "rb") as f:
                    found[os.path.relpath(path, folder)] = hashlib.sha256(f.read()).digest()
    return found


# -- wounds: (name, {file, at, bit})
def wound(folder, case):
    path = os.path.join(folder, case["file"])
    if case["kind"] == "missing":
        os.remove(path)
    elif case["kind"] == "cut":
        os.truncate(path, case["at"])
    else:
        with open(path, "r+b") as f:
            f.seek(case["at"])
            byte = f.read(1)[0]
            f.seek(case["at"])
            f.write(bytes([byte ^ (1 << case["bit"])]))


def name_of(case):
    return ":".join(str(case[k]) for k in ("kind", "file", "at", "bit") if k in case)


def used_bytes(path):
    """Without the zeros at its end: a log may be longer than what was written."""
    with open(path, "rb") as f:
        return len(f.read().rstrip(b"\0"))


def write_ends(path):
    """The positions in a log of RocksDB's where a write ends: cut there, nothing tells that more was there."""
    with open(path, "rb") as f:
        log = f.read()
    ends, at = {0}, 0
    while at + 7 <= len(log):
        left = LOG_BLOCK - at % LOG_BLOCK
        if left < 7:                             # too little for a header: filled up
            ends.update(range(at, at + left + 1) if at in ends else ())
            at += left
            continue
        size, kind = int.from_bytes(log[at + 4:at + 6], "little"), log[at + 6]
        if kind == 0:
            break
        at += (7 if kind <= 4 else 11) + size
        if kind in (1, 4, 5, 8):                 # the whole of it, or its last part
            ends.add(at)
    return ends


def all_cases(base):
    draw, full = base.draw, base.o.full
    files, last = base.files(), base.last_log()
    used = used_bytes(os.path.join(base.data, last))
    base.ends = write_ends(os.path.join(base.data, last))
    at = {0, 1, 6, 7, used - 1, used - 7, *draw.sample(sorted(n for n in base.ends if n < used), 3)}
    at |= set(range(0, used, 64) if full else draw.sample(range(used), CUTS - len(at)))
    cases = [{"kind": "cut", "file": last, "at": n} for n in sorted(at)]
    for file, size in files.items():
        if file != last:
            cases += [{"kind": "cut", "file": file, "at": n} for n in sorted({0, size // 2, size - 1} - {size, -1})]
        cases.append({"kind": "missing", "file": file})
    live = {file: used if file == last else size for file, size in files.items() if size}
    for file, size in live.items():
        places = [(n, b) for n in ({0, size // 2, size - 1} if not full else range(min(size, 256))) for b in [draw.randrange(8)]]
        cases += [{"kind": "flip", "file": file, "at": n, "bit": b} for n, b in places]
    weights = [size ** 0.5 for size in live.values()]    # the small ones have their share
    for file in draw.choices(list(live), weights, k=FULL_FLIPS if full else max(FLIPS - 3 * len(live), 60)):
        cases.append({"kind": "flip", "file": file, "at": draw.randrange(live[file]), "bit": draw.randrange(8)})
    unique = {name_of(c): c for c in cases}
    return [c for name, c in unique.items() if name.startswith(base.o.only or "")]


# -- one case
class Outcome:
    def __init__(self, case):
        self.case, self.name = case, name_of(case)
        self.result, self.wrong, self.said = None, [], ""
        self.sound = None                        # what verify said of it
        self.prefix = None                       # how many batches it has


def check_case(base, case):
    """In a process of its own."""
    out = Outcome(case)
    with tempfile.TemporaryDirectory(prefix="case-", dir=base.folder) as folder:
        data = os.path.join(folder, "data")
        shutil.copytree(base.data, data, ignore=lambda _, names: [n for n in names if n == "control"])
        wound(data, case)
        before = prints(data)
        verify(base, out, data)
        note_changes(out, "verify", before, data)
        try:
            serve(base, out, data, before, os.path.join(folder, "log"))
        except (site.Hung, site.Ended, *site.NO_ANSWER) as trouble:
            out.wrong.append(f"{type(trouble).__name__}: {trouble}")
    judge(base, out)
    return out


def verify(base, out, data):
    try:
        code, said = site.run(base.o.server, "journal", "verify", "--data", data)
    except subprocess.TimeoutExpired:
        out.wrong.append("verify does not end")
        return
    out.sound = code == 0
    out.said += f"verify: {said.strip()[-600:]}\n"
    if code not in (0, 1):
        out.wrong.append(f"verify ended with {code}")
    if code == 1 and not names_something(base, said):
        out.wrong.append("verify names neither a file nor a record")


def names_something(base, text):
    """Does it say where the damage is?"""
    names = {os.path.basename(f) for f in base.files()}
    return any(name in text for name in names) or re.search(r"\b(record|sequence|seq|block|page|offset|byte)s? \d+", text)


def changes(before, data):
    after = prints(data)
    return [f for f in before if after.get(f) != before[f]]


def note_changes(out, who, before, data):
    if changes(before, data):
        out.wrong.append(f"{who} changed {changes(before, data)[:5]}")


def heal(base, out, data, before, log_path):
    """A refusal that changed something must not have lost anything."""
    file = out.case["file"]
    changed = changes(before, data)
    if file in changed:
        out.wrong.append(f"the refusal changed {changed[:5]}, of which {file} is the damaged one")
        return
    shutil.copy(os.path.join(base.data, file), os.path.join(data, file))
    server = base.start(data, log_path)
    try:
        if server.wait_started():
            read_all(base, out, server)
        else:
            out.said += server.log()[-600:]
    finally:
        server.kill()
    if out.result != "whole":
        out.wrong.append(f"the refusal changed {changed[:5]}, and with the damage healed it is {out.result}")
    out.result = "refused late"


def serve(base, out, data, before, log_path):
    server = base.start(data, log_path)
    try:
        if server.wait_started():
            out.said += server.log()[-600:]
            read_all(base, out, server)
            if not server.is_running():
                out.wrong.append(f"the server ended with {server.process.returncode} while it was read")
            return
    finally:
        server.kill()
    out.result = "refused"
    out.said += server.log()[-600:]
    code = server.process.returncode
    if code <= 0:
        out.wrong.append(f"the server ended with {code}")
    if not names_something(base, server.log()):
        out.wrong.append("it does not name what is damaged")
    if changes(before, data):
        heal(base, out, data, before, log_path)


def read_all(base, out, server):
    """Which prefix is it, and is every value that one's?"""
    client = server.client()
    failed = 0
    try:
        prefix = client.attributes(["life_v1:things"], "domain_userid", ["all"])["life_v1:things"][0] or 0
    except site.ReadFailed as error:
        prefix, failed = base.n, server_error(out, error)
    try:
        _, wrong = base.world.check_values(client, None, only=lambda e: e.batch <= prefix)
    except site.ReadFailed as error:
        failed += server_error(out, error)
        wrong = []
        for key in ("domain_userid", "user_id", "basket"):
            for id in base.world.identifiers(key):
                try:
                    wrong += base.world.check_values(client, {key: [id]}, only=lambda e: e.batch <= prefix)[1]
                except site.ReadFailed as one:
                    failed += server_error(out, one)
    out.result = "unreadable" if failed else "whole" if prefix == base.n else "prefix"
    out.prefix = prefix
    out.said += f"({prefix} of {base.n} batches)\n"
    if wrong:
        out.wrong.append(f"{len(wrong)} wrong values of those of {prefix} batches:\n{wrong[0]}")


def server_error(out, error):
    if error.status < 500:
        out.wrong.append(f"a read was answered with {error}")
    return 1


def judge(base, out):
    """Is this outcome allowed for this wound?"""
    in_log = out.case["file"] == base.last_log()
    allowed = {"whole", "refused", "refused late"}
    if in_log and out.case["kind"] != "missing":
        allowed.add("prefix")
    if out.case["kind"] == "flip":
        allowed.add("unreadable")
    if out.case["kind"] == "cut" and in_log:
        allowed = {"prefix", "whole"}            # as a crash leaves it: it has to start
    if out.result and out.result not in allowed:
        out.wrong.append(f"{out.result} is not allowed here, only {sorted(allowed)}")
    if out.result == "prefix" and not CUT_WORDS.search(out.said) and out.case["at"] not in base.ends:
        out.wrong.append("the cut was not logged")
    if out.sound and out.result in ("refused", "refused late", "unreadable"):
        out.wrong.append(f"verify calls it sound, and it is {out.result}")
    if out.sound and out.case["kind"] == "flip" and out.case["file"].endswith(".sst"):
        if out.case["at"] < base.files()[out.case["file"]] - FOOTER:
            out.wrong.append("verify calls it sound")


# -- salvage
def salvage(base, case):
    out = Outcome({**case, "kind": "salvage after " + case["kind"]})
    with tempfile.TemporaryDirectory(prefix="case-", dir=base.folder) as folder:
        data, new = os.path.join(folder, "data"), os.path.join(folder, "new")
        shutil.copytree(base.data, data, ignore=lambda _, names: [n for n in names if n == "control"])
        wound(data, case)
        before = prints(data)
        code, out.said = site.run(base.o.server, "journal", "salvage", new, "--data", data)
        note_changes(out, "salvage", before, data)
        if code != 0:
            out.wrong.append(f"it ended with {code}")
            return out
        server = base.start(new, os.path.join(folder, "log"))
        try:
            if not server.wait_started():
                out.wrong.append(f"what was salvaged does not start:\n{server.log()}")
                return out
            read_salvaged(base, out, server.client())
        except (site.ReadFailed, site.Hung, *site.NO_ANSWER) as trouble:
            out.wrong.append(f"{type(trouble).__name__}: {trouble}")
        finally:
            server.kill()
    return out


def read_salvaged(base, out, client):
    """Nothing that was not sent, and of somebody who is all there every value right."""
    devices = base.world.identifiers("domain_userid")
    got = client.attributes(["life_v1:things"], "domain_userid", devices)["life_v1:things"]
    got = {device: n or 0 for device, n in zip(devices, got)}
    out.result = f"{got['all']} of {base.n} batches"
    site.say(f"{out.name}: {out.result}")
    judge_salvage(base, out, got["all"])
    more = [d for d in devices if got[d] > base.world.counts["domain_userid", d, "thing"]]
    if more:
        out.wrong.append(f"more than was ever sent: {more[:5]}")
    if not re.search("WARNING: WRONG VALUES", out.said):
        wrong = base.world.check_values(client, None, only=lambda e: e.batch <= got["all"])[1]
        if wrong:
            out.wrong.append(f"{len(wrong)} wrong values of those of {got['all']} batches:\n{wrong[0]}")


def judge_salvage(base, out, n):
    """The pages and the last log give everything, and so do the blocks and the last log: one wound takes but one of the two."""
    if n == base.n:
        return
    if out.case["file"] != base.last_log():
        out.wrong.append(f"only {n} of {base.n} batches are there")
    if not re.search(r"lost: records? \d", out.said):
        out.wrong.append(f"only {n} of {base.n} batches are there, and nothing is said to be lost")


# -- all of them
BASE = None


def one(job):
    what, case = job
    return (salvage if what == "salvage" else check_case)(BASE, case)


def report(base, out, number):
    site.say(f"FAILED: {out.name}: {out.result}")
    for line in out.wrong:
        site.say(f"  {line}")
    site.say("  it said: " + out.said.strip().replace("\n", "\n    "))
    if number <= 20 and "salvage" not in out.case["kind"]:
        kept = os.path.join(base.folder, f"failed-{number}")
        shutil.copytree(base.data, kept, ignore=lambda _, names: [n for n in names if n == "control"])
        wound(kept, out.case)
        site.say(f"  again: {base.o.server} serve --rules {base.rules} --data {kept}")


def check_unwounded(base):
    """The folder as it is: whole, and sound. Otherwise nothing that follows says anything."""
    out = Outcome({"kind": "unwounded", "file": ""})
    with tempfile.TemporaryDirectory(prefix="case-", dir=base.folder) as folder:
        data = os.path.join(folder, "data")
        shutil.copytree(base.data, data, ignore=lambda _, names: [n for n in names if n == "control"])
        before = prints(data)
        verify(base, out, data)
        note_changes(out, "verify", before, data)
        serve(base, out, data, before, os.path.join(folder, "log"))
    if out.result != "whole" or not out.sound:
        out.wrong.append(f"it is {out.result}, and verify calls it {'sound' if out.sound else 'damaged'}")
    return out


def check_all(base, pool_size):
    """Returns (outcomes that passed, that failed, how many of which)."""
    passed, failed, seen = 0, 0, collections.Counter()
    refused, cuts = [], []
    cases = all_cases(base)
    begin = time.monotonic()
    with multiprocessing.get_context("fork").Pool(pool_size) as pool:
        jobs = [("case", c) for c in cases]
        while jobs:
            for out in pool.imap_unordered(one, jobs):
                passed, failed = passed + (not out.wrong), failed + bool(out.wrong)
                seen[out.case["kind"], out.result] += 1
                if out.wrong:
                    report(base, out, failed)
                if out.case["kind"] == "cut" and out.case["file"] == base.last_log() and out.prefix is not None:
                    cuts.append((out.case["at"], out.prefix))
                if out.result and out.result.startswith("refused"):
                    refused.append(out.case)
                if (passed + failed) % 50 == 0:
                    site.say(f"{passed + failed} of {len(cases)} cases, {failed} failed, {time.monotonic() - begin:.0f} s")
            tables = [c for c in refused if c["kind"] == "missing" and c["file"].endswith(".sst")]
            others = [c for c in refused if c not in tables]
            n = len(others) if base.o.full else SALVAGED
            jobs = [("salvage", c) for c in tables + base.draw.sample(others, min(n, len(others)))]
            refused = []
    for line in check_cuts(base, sorted(cuts)):
        failed += 1
        site.say(f"FAILED: {line}")
    return passed, failed, seen


def check_cuts(base, cuts):
    """[(where the log was cut, batches it has)]: none is lost that stood before the cut."""
    for (at, n), (later, n_later) in zip(cuts, cuts[1:]):
        if n_later < n:
            yield f"cut at {at} the log has {n} batches, cut at {later} only {n_later}"
    if cuts and cuts[-1][0] == used_bytes(os.path.join(base.data, base.last_log())) - 1 and cuts[-1][1] < base.n - 1:
        yield f"without its last byte the log has {cuts[-1][1]} of {base.n} batches"


def main():
    global BASE
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    site.add_options(options)
    options.add_argument("--full", action="store_true")
    options.add_argument("--only", help="cases whose name begins so, as kind:file:at:bit")
    o = options.parse_args()
    o.seed = o.seed if o.seed is not None else random.randrange(1 << 30)
    folder = tempfile.mkdtemp(prefix="signalbox-corrupt-")
    base = BASE = Base(o, folder)
    begin = time.monotonic()
    failed, passed = 1, 0
    try:
        base.make()
        site.say(", ".join(f"{f} {n}" for f, n in sorted(base.files().items())))
        unwounded = check_unwounded(base)
        if unwounded.wrong:
            report(base, unwounded, 99)
        else:
            passed, failed, seen = check_all(base, os.cpu_count())
            for (kind, result), n in sorted(seen.items(), key=str):
                print(f"{kind}: {result} {n}")
    except (site.Ended, site.Hung, site.ReadFailed, *site.NO_ANSWER) as trouble:
        site.say(f"FAILED: the folder could not be made: {type(trouble).__name__}: {trouble}")
    if failed or o.keep:
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"corrupt: {time.monotonic() - begin:.0f} s; "
          f"again with: tests/crash/corrupt.py --seed {o.seed}{' --full' if o.full else ''}")
    print(f"{passed} passed, {failed} failed (cases)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
