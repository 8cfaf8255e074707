"""full_disk.py -- a disk that is really full: writers are told so, reads are served, and with room again all goes on by itself.

Where no small disk can be mounted, a limit on the size of files stands in for it: the system refuses to make them longer.
Part of faults.py.
SPDX-License-Identifier: Apache-2.0
"""
import os
import random
import resource
import time

import loop_disk
from crash_site import NO_ANSWER, Ended, Hung, ReadFailed, Server, say
from ledger import RULES, Ledger, settle

MIB = 64
LIMIT_S = 30
GIVE_UP_S = 60                                   # by then a full disk must have been noticed


class Ballast:
    """A file that takes all the room there is."""

    def __init__(self, disk):
        self.path = os.path.join(disk.path, "ballast")

    def fill(self):
        with open(self.path, "ab", buffering=0) as f:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while f.write(b"b" * size) == size:
                        pass
                except OSError:
                    pass

    def drop(self):
        os.unlink(self.path)


class Limit:
    """No file of the server's gets longer than its log is now."""

    def __init__(self, full):
        self.full = full

    def set(self, n_bytes):
        resource.prlimit(self.full.server.process.pid, resource.RLIMIT_FSIZE, (n_bytes, resource.RLIM_INFINITY))

    def fill(self):
        db = os.path.join(self.full.data, "db")
        self.set(max(os.path.getsize(os.path.join(db, name)) for name in os.listdir(db) if name.endswith(".log")))

    def drop(self):
        self.set(resource.RLIM_INFINITY)


class Full:
    """One data folder on the small disk."""

    def __init__(self, options, folder, rng):
        self.folder, self.binary = os.path.join(folder, "full"), options.server
        os.makedirs(os.path.join(self.folder, "rules"))
        with open(os.path.join(self.folder, "rules", "ledger.lua"), "w") as f:
            f.write(RULES)
        self.data = os.path.join(self.folder, "disk", "data")
        try:
            self.disk = loop_disk.Disk(self.folder, MIB)
            self.disk.mount()
            self.ballast = Ballast(self.disk)
        except loop_disk.Unable as e:
            say(f"  full disk: {e}; files get a limit instead")
            self.disk, self.ballast = None, Limit(self)
        self.ledger = Ledger(random.Random(rng.random()), "full-")
        self.server = None

    def start(self):
        self.server = Server(self.binary, self.data, os.path.join(self.folder, "rules"), {"journal.write_back_ms": 200},
                             log_path=os.path.join(self.folder, "log"))
        return self.server

    def send(self, n=20):
        batch = self.ledger.batch(n)
        try:
            status = self.server.client(LIMIT_S).send(batch.columns)
        except TimeoutError:
            status = -1
        except NO_ANSWER:
            status = 0
        if status == 200:
            self.ledger.ack(batch)
        else:
            self.ledger.refuse(batch)
        return status

    def until(self, wanted, seconds):
        """Sends until the answer is that. Returns what is wrong, or ''."""
        end, seen = time.monotonic() + seconds, set()
        while time.monotonic() < end:
            status = self.send()
            if status == wanted:
                return ""
            seen.add(status)
            if status not in (200, 503) or not self.server.is_running():
                break
            if status == 503:
                time.sleep(0.02)
        return f"no {wanted} within {seconds} s, but {sorted(seen)}:\n{self.server.log()}"

    def fills_and_goes_on(self):
        """The disk runs full below a running server; then there is room again."""
        self.ballast.fill()
        try:
            problem = self.until(503, GIVE_UP_S)
            if problem:
                return problem
            for _ in range(20):
                status = self.send()
                if status not in (200, 503):     # 200: something still found a place
                    return f"a full disk was answered with {status}:\n{self.server.log()}"
            client = self.server.client(LIMIT_S)
            lost, wrong, what = self.ledger.check(client)
            if lost or wrong:
                return f"on a full disk: {lost} lost, {wrong} counted wrong; {what}"
            if client.get("/health")[0] != 200:
                return "on a full disk /health does not say 200"
        finally:
            self.ballast.drop()
        return self.until(200, LIMIT_S) or settle(self.ledger, self.server.client(LIMIT_S))[0]

    def restarts(self):
        """Killed, started: all there."""
        self.server.kill()
        self.start().wait_ready()
        return settle(self.ledger, self.server.client(LIMIT_S))[0]

    def starts_full(self):
        """Killed and started on a full disk: it says so and ends, or serves what it can; with room all is there."""
        self.server.kill()
        self.ballast.fill()
        try:
            self.start()
            end = time.monotonic() + LIMIT_S
            while self.server.is_running() and self.server.port is None and time.monotonic() < end:
                time.sleep(0.01)
            if not self.server.is_running():
                code, log = self.server.process.returncode, self.server.log()
                if code <= 0 or not ("space" in log or "full" in log):
                    return f"on a full disk it ended with {code}:\n{log}"
            elif self.server.port is None:
                return f"on a full disk it neither serves nor ends within {LIMIT_S} s:\n{self.server.log()}"
            else:
                self.send()
        finally:
            self.ballast.drop()
        return self.restarts()

    def stops_full(self):
        """Asked to leave on a full disk it leaves."""
        self.ballast.fill()
        try:
            problem = self.until(503, GIVE_UP_S)
            code = self.server.stop(LIMIT_S)
            if problem or code < 0:
                return problem or f"killed by signal {-code} when leaving a full disk:\n{self.server.log()}"
        finally:
            self.ballast.drop()
        return self.restarts()


def run(options, folder, rng):
    """(passed, problems)"""
    passed, problems = 0, []
    begin = time.monotonic()
    full = Full(options, folder, rng)
    steps = [("full, then room", full.fills_and_goes_on), ("restarted", full.restarts), ("full again", full.fills_and_goes_on)]
    if full.disk:                                # a limit ends with the process
        steps += [("started on a full disk", full.starts_full), ("stopped on a full disk", full.stops_full)]
    try:
        full.start().wait_ready()
        problem = full.until(200, LIMIT_S)
        for name, step in steps:
            try:
                problem = problem or step()
            except (Ended, Hung, ReadFailed, *NO_ANSWER) as e:
                problem = f"{e!r}\n{full.server.log()}"
            if problem:
                problems.append(f"full disk, {name}: {full.server.explain(problem)}")
                say(f"  FAILED {problems[-1]}")
                break                            # the next step stands on this one
            passed += 1
    except (Ended, Hung) as e:
        problems.append(f"full disk: {e}")
    finally:
        full.server.kill()
        if full.disk:
            full.disk.umount()
    say(f"  full disk: {full.ledger.n_acked()} events acknowledged, {time.monotonic() - begin:.0f} s")
    return passed, problems
