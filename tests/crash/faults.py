#!/usr/bin/python3
"""faults.py -- the system says no: calls on the data folder fail, once, for a while or for ever, and no promise may break.

A library preloaded into the server (inject.c) lets the k-th call of a function fail that the server, RocksDB included, makes on
files below its data folder: while it starts, ingests and writes back, and stops. At every point: what was acknowledged counts once
after a restart; a signal, a hang or a wrong value is a failure; behind a failed sync of the log nothing is acknowledged; what passes
(a full disk, an interrupted call, half a write) is got over without a restart; what does not leaves reads served. Then a disk that
is really full.

    faults.py [--points 200] [--chains 6] [--server build/signalbox] [--seed N] [--keep] [--no-disk]
    faults.py --point run:fdatasync:12:EIO:once    that one only, as a failure names it
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import collections
import errno
import os
import random
import shutil
import sys
import tempfile
import threading
import time

import full_disk
import inject
import loop_disk
from crash_site import NO_ANSWER, PATIENCE, TOP, ReadFailed, Server, add_options, say, slowness
from ledger import RULES, Ledger, Senders, settle

ERRORS = {                                       # 0: the call does only half
    "open": ["EIO", "EMFILE", "ENFILE", "ENOMEM"],
    "create": ["ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE", "ENOMEM"],
    "read": ["EIO", "EINTR", "ENOMEM", "half"],
    "pread": ["EIO", "EINTR", "ENOMEM", "half"],
    "fread": ["EIO", "ENOMEM"],
    "write": ["ENOSPC", "EDQUOT", "EIO", "EINTR", "half", "half then ENOSPC", "half then EIO"],
    "pwrite": ["ENOSPC", "EDQUOT", "EIO", "EINTR", "half", "half then ENOSPC"],
    "writev": ["ENOSPC", "EDQUOT", "EIO", "EINTR"],
    "fdatasync": ["EIO", "ENOSPC", "EDQUOT", "ENOMEM"],
    "fsync": ["EIO", "ENOSPC", "EDQUOT", "ENOMEM"],
    "sync_file_range": ["EIO", "ENOSPC", "ENOMEM"],
    "ftruncate": ["EIO", "EINTR", "ENOSPC"],
    "fallocate": ["ENOSPC", "EDQUOT", "EIO", "EINTR"],
    "rename": ["ENOSPC", "EDQUOT", "EIO", "ENOMEM"],
    "unlink": ["EIO", "ENOMEM"],
    "link": ["ENOSPC", "EDQUOT", "EIO"],
    "mkdir": ["ENOSPC", "EDQUOT", "EIO"],
    "mmap": ["ENOMEM", "EMFILE"],
    "opendir": ["EMFILE", "ENOMEM", "EIO"],
    "stat": ["EIO", "ENOMEM"],
    "accept4": ["EMFILE", "ENFILE", "ENOMEM", "EINTR"],
}
OFTEN = ("write", "pwrite", "fdatasync", "create", "fsync", "pread", "fread", "rename")   # where most can go wrong
READS = ("read", "pread", "fread", "mmap", "open", "opendir", "stat", "accept4")   # when these fail, a read may
TIMES = {"once": 1, "a while": 12, "for ever": inject.FOR_EVER}
LIMIT_S = 30                                     # what is not answered by then hangs
WRITE_BACK_MS = 100


class Point(collections.namedtuple("Point", "phase op skip error times")):
    def __str__(self):
        return ":".join(map(str, self))

    def arm(self, faults):
        part = self.error.startswith("half then ")
        error = self.error.removeprefix("half then ")
        faults.arm(self.op, self.skip, TIMES[self.times] + part, 0 if error == "half" else getattr(errno, error), part)

    def is_sync(self):
        return self.op in ("fdatasync", "fsync")

    def passes(self):
        """Must the server be itself again once this is over?"""
        if self.is_sync():
            return False
        error = self.error.removeprefix("half then ")
        return error in ("ENOSPC", "EDQUOT", "EINTR", "half") or self.op == "accept4"


def point_of(text):
    phase, op, skip, error, times = text.split(":")
    return Point(phase, op, int(skip), error, times)


def draw_points(rng, calls, n):
    """calls: {phase: {op: how often}}. Every op that was called has its turn; those where much can go wrong more often."""
    found = []
    shares = {phase: share for phase, share in (("start", 3), ("run", 5), ("stop", 2)) if any(calls[phase].values())}
    while len(found) < n:
        phase = rng.choices(list(shares), list(shares.values()))[0]
        ops = [op for op in calls[phase] if calls[phase][op] > 0]
        op = rng.choices(ops, [4 if op in OFTEN else 1 for op in ops])[0]
        error = rng.choice(ERRORS[op])
        times = rng.choice(list(TIMES))
        if times == "for ever" and (error == "EINTR" or op == "accept4"):
            times = "a while"                    # an interrupted call is made again; who can't accept has nobody to answer
        found.append(Point(phase, op, rng.randrange(calls[phase][op]), error, times))
    return found


class Chain:
    """One data folder that lives through point after point: the start that checks one point's end serves the next."""

    def __init__(self, options, folder, library, name, rng):
        self.binary, self.library, self.rng, self.name = options.server, library, rng, name
        self.folder = os.path.join(folder, name)
        os.makedirs(os.path.join(self.folder, "rules"))
        with open(os.path.join(self.folder, "rules", "ledger.lua"), "w") as f:
            f.write(RULES)
        self.faults = inject.Faults(os.path.join(self.folder, "faults"))
        self.server, self.n_data, self.n_acked, self.n_starts = None, 0, 0, 0
        self.new_data()

    def new_data(self):
        """After a failure the folder is left as it is, for who looks into it."""
        self.n_data += 1
        self.data = os.path.join(self.folder, f"data-{self.n_data}")
        self.ledger = Ledger(random.Random(self.rng.random()), f"{self.name}-{self.n_data}-")

    def start(self):
        self.n_starts += 1
        self.server = Server(self.binary, self.data, os.path.join(self.folder, "rules"),
                             {"journal.write_back_ms": WRITE_BACK_MS},
                             inject.environment(self.library, self.data, self.faults),
                             log_path=os.path.join(self.folder, f"log-{self.n_starts % 2}"))

    def wait_alive(self):
        """True: it answers. False: it has ended. None: neither within the limit."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            if not self.server.is_running():
                return False
            if self.server.port is not None:
                try:
                    if self.server.client(LIMIT_S).get("/health")[0] == 200:
                        return True
                except NO_ANSWER:
                    pass
            time.sleep(0.005)
        return None

    def healthy(self):
        """A server without faults that has all it should have: the one there is, or a new one. Returns what is wrong."""
        if self.server and self.server.is_running():
            return ""
        self.faults.disarm()
        self.start()
        alive = self.wait_alive()
        if not alive:
            return f"without faults the server {'hangs' if alive is None else 'ended'}:\n{self.server.log()}"
        try:
            end = time.monotonic() + LIMIT_S
            while not self.server.is_ready():
                if time.monotonic() > end:
                    return f"without faults the server does not get ready:\n{self.server.log()}"
                time.sleep(0.005)
            return settle(self.ledger, self.server.client(LIMIT_S))[0]
        except NO_ANSWER as e:
            return f"without faults: {e!r}:\n{self.server.log()}"

    def ended_badly(self, when):
        """Of a process that is gone: what is wrong with how it went."""
        code = self.server.process.returncode
        if code < 0:
            return f"killed by signal {-code} {when}:\n{self.server.log()}"
        if code > 0 and not self.server.log().strip():
            return f"ended with {code} {when} and does not say why"
        return ""

    def count(self):
        """{phase: {op: calls}} of a life without faults, the folder being that of a server that was killed."""
        calls, before = {}, self.faults.calls()

        def done(phase):
            nonlocal before
            now = self.faults.calls()
            calls[phase] = {op: now[op] - before[op] for op in now}
            before = now
        problem = self.healthy()
        if problem:
            return problem, calls
        self.traffic(0.6)
        self.server.kill()
        before = self.faults.calls()
        problem = self.healthy()
        done("start")
        self.traffic(0.6)
        done("run")
        self.server.stop(LIMIT_S)
        done("stop")
        return problem, calls

    def traffic(self, seconds):
        senders = Senders(self.ledger, self.server, 3, pause_s=0.005, timeout=LIMIT_S)
        time.sleep(seconds)
        senders.stop()

    # -- one point
    def run_point(self, point):
        """What is wrong, or ''; and whether the fault was met."""
        if point.phase == "start":
            if self.server:
                self.server.kill()
            if self.rng.random() < 0.15:
                self.n_acked += self.ledger.n_acked()
                self.new_data()                  # a folder that is only being made
            self.faults.disarm()
            point.arm(self.faults)
            self.start()
            problem = self.live(point)
        else:
            problem = self.healthy()
            if not problem:
                problem = self.live(point)
        hit = self.faults.hits() > 0
        where = self.faults.where()
        self.faults.disarm()
        if not problem and not self.server.is_running():
            problem = self.ended_badly("under the fault")
        if not problem:
            if self.server.is_running() and self.rng.random() < 0.5:
                self.server.kill()
            elif self.server.is_running():
                problem = self.stop()
        if not problem:
            before = self.server.log()
            problem = self.healthy()
            problem = problem and f"after the restart: {problem}\nthe log until then:\n{before}"
        if problem:
            self.server.kill()
            self.new_data()
            problem = self.server.explain(f"{problem} (met at {where or 'no call'})")
        return problem, hit

    def stop(self):
        self.server.term()
        end = time.monotonic() + LIMIT_S
        while self.server.is_running() and time.monotonic() < end:
            time.sleep(0.005)
        if self.server.is_running():
            return f"asked to leave, it is still there after {LIMIT_S} s:\n{self.server.log()}"
        return self.ended_badly("when asked to leave")

    def live(self, point):
        """A server that runs, or that was just started, meets the fault."""
        if point.phase == "start":
            alive = self.wait_alive()
            if alive is None:
                return f"neither answers nor ends within {LIMIT_S} s:\n{self.server.log()}"
            if not alive:
                return self.ended_badly("at its start") or (
                    "" if self.server.process.returncode else f"ended with 0 unasked:\n{self.server.log()}")
        senders = Senders(self.ledger, self.server, 3, pause_s=0.005, timeout=LIMIT_S)
        try:
            if point.phase == "stop":
                senders.wait_acks(10, 2)
                point.arm(self.faults)
                return self.stop()
            if point.phase == "run":
                point.arm(self.faults)
            return self.watch(point, senders)
        finally:
            senders.stop()

    def watch(self, point, senders):
        """While senders send and the fault is met."""
        end = time.monotonic() + 1.5
        while not self.faults.hits() and time.monotonic() < end and self.server.is_running():
            time.sleep(0.002)
        failed = time.monotonic() if self.faults.log_syncs_failed() else None
        time.sleep(self.rng.choice([0.02, 0.1, 0.3]))
        problem = self.look(point) if self.server.is_running() else ""
        sync_failed = bool(self.faults.log_syncs_failed())
        if sync_failed and failed is None:
            failed = time.monotonic()
            time.sleep(0.05)
        any_hit = self.faults.hits() > 0
        self.faults.disarm()
        if not self.server.is_running():
            return self.ended_badly("under the fault") or f"ended unasked with {self.server.process.returncode}:\n{self.server.log()}"
        if not problem and sync_failed:
            time.sleep(0.1)
        if not problem and point.passes() or not any_hit:
            problem = problem or self.resumes(senders)
        answers = senders.stop()
        return problem or self.judge(point, answers, failed)

    def resumes(self, senders):
        before = senders.n_answers(200)
        if senders.wait_acks(before + 3, LIMIT_S):
            return ""
        return f"{LIMIT_S} s after the fault is over nothing is acknowledged:\n{self.server.log()}"

    def judge(self, point, answers, failed):
        if not self.server.is_running():
            return ""
        for begin, status in answers:
            if status == -1:
                return f"a body was not answered within {LIMIT_S} s:\n{self.server.log()}"
            if status == 0 and point.op != "accept4":
                return f"a body was not answered, the connection was closed:\n{self.server.log()}"
            if status not in (0, 200, 503):
                return f"a body was answered with {status}:\n{self.server.log()}"
            if status == 200 and failed is not None and begin > failed:
                return f"acknowledged {begin - failed:.3f} s after a sync of the log had failed:\n{self.server.log()}"
        return ""

    def look(self, point):
        """Under the fault it answers, and what it answers is true."""
        try:
            client = self.server.client(LIMIT_S)
            client.get("/health")
            with self.ledger.lock:
                ids = self.rng.sample(list(self.ledger.sent), min(40, len(self.ledger.sent)))
                acked = {i: self.ledger.acked[i] for i in ids}
            if not ids:
                return ""
            lost, wrong, what = self.ledger.check(client, acked, ids=ids)
            return f"under the fault a read says {lost} less than acknowledged, {wrong} too many; {what}" if lost or wrong else ""
        except ReadFailed as e:
            return "" if point.op in READS else f"a read was not served under the fault: {e}\n{self.server.log()}"
        except TimeoutError:
            return f"no answer within {LIMIT_S} s under the fault:\n{self.server.log()}"
        except NO_ANSWER as e:
            if point.op == "accept4" or not self.server.is_running():
                return ""
            return f"under the fault: {e!r}:\n{self.server.log()}"


class Points:
    """The points, shared by the chains' threads, and what became of them."""

    def __init__(self, points):
        self.lock, self.left, self.n = threading.Lock(), list(reversed(points)), len(points)
        self.passed, self.problems, self.hits = 0, [], collections.Counter()

    def run(self, chain):
        while True:
            with self.lock:
                if not self.left:
                    return
                point = self.left.pop()
            try:
                problem, hit = chain.run_point(point)
            except Exception as e:               # of the test itself: a point that was not tested has not passed
                problem, hit = chain.server.explain(f"the test itself: {e!r}"), False
                chain.server.kill()
                chain.new_data()
            with self.lock:
                self.hits[point.op] += hit
                if problem:
                    self.problems.append(f"--point '{point}': {problem}")
                    say(f"  FAILED {self.problems[-1]}")
                else:
                    self.passed += 1

    def own_check(self):
        """The faults must have been met, and all over the place."""
        n_hit = sum(self.hits.values())
        if self.n >= 50 and n_hit < self.n / 2:
            return f"only {n_hit} of {self.n} faults were met"
        missing = [op for op in ("create", "write", "fdatasync") if self.n >= 100 and not self.hits[op]]
        return f"no call of {', '.join(missing)} was ever made to fail" if missing else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--chains", type=int, default=6, help="servers at a time")
    parser.add_argument("--point", help="only this one")
    parser.add_argument("--times", type=int, default=1, help="so often, with --point")
    parser.add_argument("--no-disk", action="store_true", help="leave out the full disk, which needs root")
    add_options(parser)
    options = parser.parse_args()
    options.server = os.path.abspath(options.server)
    if slowness(options.server) > 1:
        parser.error("a library can't be preloaded into a sanitizer's build: name another binary")
    options.seed = random.randrange(1 << 32) if options.seed is None else options.seed
    say(f"faults.py --seed {options.seed}")
    rng = random.Random(options.seed)
    folder = os.path.realpath(tempfile.mkdtemp(prefix="signalbox-faults-"))
    chains = []
    loop_disk.clean_up_always(lambda: [c.server.kill() for c in chains if c.server])
    library = inject.build(folder)
    n = 1 if options.point else options.chains
    chains += [Chain(options, folder, library, f"c{i}", random.Random(rng.random())) for i in range(n)]
    begin = time.monotonic()
    problem, calls = chains[0].count()
    if problem:
        print(f"{problem}\nfaults: 0 passed, 1 failed")
        return 1
    for phase, counted in calls.items():
        say(f"  {phase}: " + ", ".join(f"{op} {k}" for op, k in counted.items() if k))
    points = Points([point_of(options.point)] * options.times if options.point else draw_points(rng, calls, options.points))
    threads = [threading.Thread(target=points.run, args=(chain,), daemon=True) for chain in chains]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except SystemExit:                           # by a signal: nobody will look into the folder
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for chain in chains:
        if chain.server:
            chain.server.kill()
    say(f"  {points.n} points, {sum(points.hits.values())} met, {sum(c.n_acked + c.ledger.n_acked() for c in chains)} events "
        f"acknowledged, {time.monotonic() - begin:.0f} s: " + ", ".join(f"{op} {k}" for op, k in sorted(points.hits.items())))
    problems, passed = points.problems, points.passed
    if not options.point:
        untrue = points.own_check()
        problems += [untrue] if untrue else []
        if not options.no_disk:
            ok, wrong = full_disk.run(options, folder, rng)
            passed, problems = passed + ok, problems + wrong
    if problems:
        print("\n".join(problems))
        print(f"kept: {folder}; all again: {os.path.relpath(__file__, TOP)} --seed {options.seed} --points {options.points}")
    elif not options.keep:
        shutil.rmtree(folder)
    print(f"faults: {passed} passed, {len(problems)} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
