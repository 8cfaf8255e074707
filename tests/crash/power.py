#!/usr/bin/python3
"""power.py -- the power goes while events come in: what was acknowledged must have counted, once, after the next start.

Two methods. `loop` mounts a small ext4 from a file, stops the server in the middle of its work, shuts the file system down so
that nothing more reaches the disk, and mounts it again; it needs root. `states` preloads a library into the server that writes
down every change to the data folder, and then builds folders as a disk could have left them at any moment between: of what no
sync covered, nothing, all, a beginning, or any pages or sectors. In some records the server was killed and started again before:
what it found had perhaps not been synced. Each run proves itself: without syncs both must see losses.

    power.py [--method both|loop|states] [--cycles 20] [--server build/signalbox] [--seed N] [--keep]
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import os
import random
import shutil
import sys
import tempfile
import time

import crash_site
import inject
import loop_disk
import states
from crash_site import PATIENCE, Ended, Hung, Server, add_options, say, slowness
from ledger import RULES, Ledger, Senders, settle

INTERVAL_MS = 200
SLACK_S = 1.0                                    # what a slow machine may add to an interval
RECORD_MIB = 512                                 # the file is as big as what is in it
STATES_A_RECORD, LOOKS_A_RECORD = 3, 10
TWO_LIVES = 0.3                                  # of the records: the server is killed and started again in them
CONTROLS = 6                                     # cycles in which a server that does not sync must be seen to lose something


class Run:
    """One run of a method: its folder, its server, what it found."""

    def __init__(self, options, name, folder):
        self.binary, self.folder, self.name = options.server, os.path.join(folder, name), name
        self.rng = random.Random(f"{options.seed} {name}")
        self.passed, self.problems, self.server = 0, [], None
        self.n_acked = 0
        os.mkdir(self.folder)
        self.shm = "/dev/shm" if os.path.isdir("/dev/shm") else self.folder
        self.rules = os.path.join(self.folder, "rules")
        os.mkdir(self.rules)
        with open(os.path.join(self.rules, "ledger.lua"), "w") as f:
            f.write(RULES)

    def start(self, data, sync="always", env=None):
        """A server, ready."""
        options = {"journal.sync": sync, "journal.interval_ms": INTERVAL_MS,
                   "journal.write_back_ms": self.rng.choice([100, 400, 60000])}
        self.server = Server(self.binary, data, self.rules, options, env, log_path=os.path.join(self.folder, "log"))
        self.server.wait_ready()
        return self.server

    def note(self, title, problem):
        if problem:
            self.problems.append(f"{self.name}, {title}: {self.server.explain(problem) if self.server else problem}")
            if self.server:                      # the next one's goes to the same file
                shutil.copy(self.server.log_path, f"{self.server.log_path}-{len(self.problems)}")
            say(f"  FAILED {self.problems[-1]}")
        else:
            self.passed += 1

    def end(self):
        if self.server:
            self.server.kill()


def wait_stopped(server, seconds=PATIENCE):
    """Until all threads stand still: a thread that waits for the disk stops when that answers."""
    folder = f"/proc/{server.process.pid}/task"
    end = time.monotonic() + seconds
    while True:
        standing = []
        for thread in os.listdir(folder):
            with open(os.path.join(folder, thread, "stat")) as f:
                standing.append(f.read().rsplit(")", 1)[1].split()[0] in "Tt")
        if all(standing):
            return
        if time.monotonic() > end:
            raise Hung("a stopped server that does not stand still")
        time.sleep(0.001)


# -- loop: a real file system
class Witness:
    """Two small files, one synced and one not: they say whether the cut was one."""

    def __init__(self, disk, rng):
        self.paths = [os.path.join(disk.path, name) for name in ("synced", "not-synced")]
        self.bytes = rng.randbytes(5000)
        for path, synced in zip(self.paths, (True, False)):
            with open(path, "wb") as f:
                f.write(self.bytes)
                f.flush()
                if synced:
                    os.fsync(f.fileno())
        self.synced_s = time.monotonic()

    def problem(self):
        found = []
        for path in self.paths:
            try:
                with open(path, "rb") as f:
                    found.append(f.read() == self.bytes)
                os.unlink(path)
            except FileNotFoundError:
                found.append(False)
        if found[0] and not found[1]:
            return ""
        return "the cut was none: a file that was synced is " + ("there" if found[0] else "gone") + ", and one that was not is " + (
            "there" if found[1] else "gone")


class Folder:
    """A data folder on the disk, what was sent to its server, and the witness of the last cut."""

    def __init__(self, run, disk, sync):
        self.sync, self.witness = sync, None
        name = f"{sync}-{run.rng.getrandbits(32):08x}"
        self.data, self.ledger = os.path.join(disk.path, name), Ledger(random.Random(run.rng.random()), f"{name}-")


def loop_cycle(run, disk, folder, cuts):
    """Starts, looks at what the last cut left, sends, cuts the power. Returns (what is wrong, acknowledged events lost)."""
    disk.mount()
    try:
        if folder.witness and folder.witness.problem():
            return folder.witness.problem(), 0
        server = run.start(folder.data, folder.sync)
        problem, lost = settle(folder.ledger, server.client())
        if problem or not cuts:
            return problem, lost
        least = run.rng.randint(1, 60)
        senders = Senders(folder.ledger, server, run.rng.randint(1, 6))
        moved = senders.wait_acks(least, PATIENCE)
        folder.witness = Witness(disk, run.rng)
        senders.wait_acks(least + run.rng.randint(1, 60), 5)
        time.sleep(run.rng.random() * 0.01)
        cut_power(disk, server, senders)
        return "" if moved else f"nothing was acknowledged in {PATIENCE} s", 0
    except (Ended, Hung) as e:
        return str(e), 0
    finally:
        run.end()
        disk.umount()


def cut_power(disk, server, senders):
    """The server is stopped first: a sync that is under way may be answered although the file system went away below it."""
    server.pause()
    wait_stopped(server)
    disk.cut()
    server.kill()
    senders.stop()


def run_loop(run, cycles):
    disk = loop_disk.Disk(run.folder, 1024)
    folder = Folder(run, disk, "always")
    for cycle in range(cycles + 1):
        problem, _ = loop_cycle(run, disk, folder, cycle < cycles)
        if cycle or problem:
            run.note(f"always, cut {cycle}", problem)
        if problem or cycle == cycles:
            run.n_acked += folder.ledger.n_acked()
            folder = Folder(run, disk, "always")
    for cycle in range(max(2, cycles // 10)):
        run.note(f"interval, cut {cycle}", interval_cycle(run, disk))
    run.note("the control", loop_control(run, disk))


def loop_control(run, disk):
    """journal.sync=never must be seen to lose something, and count nothing twice all the same."""
    for cycle in range(CONTROLS):
        folder = Folder(run, disk, "never")
        problem, _ = loop_cycle(run, disk, folder, True)
        if problem:
            return problem
        disk.mount()
        try:
            lost, wrong, what = folder.ledger.check(run.start(folder.data, "never").client())
        except (Ended, Hung) as e:
            return str(e)
        finally:
            run.end()
            disk.umount()
        if wrong:
            return f"{wrong} counted wrong; {what}"
        if lost:
            say(f"  loop: without syncs {lost} of {folder.ledger.n_acked()} acknowledged events were lost, as they must")
            return ""
    return f"journal.sync=never lost nothing in {CONTROLS} cuts: they prove nothing"


def interval_cycle(run, disk):
    """journal.sync=interval may lose what was acknowledged since one interval, and nothing older."""
    folder = Folder(run, disk, "interval")
    disk.mount()
    try:
        server = run.start(folder.data, "interval")
        senders = Senders(folder.ledger, server, 3, pause_s=0.002, at_ack=time.monotonic)
        time.sleep(INTERVAL_MS / 1000 + SLACK_S + 0.5 * run.rng.random())
        stopped = time.monotonic()
        cut_power(disk, server, senders)
        disk.umount()
        disk.mount()
        safe = folder.ledger.acked_by(stopped - INTERVAL_MS / 1000 - SLACK_S)
        if not any(safe.values()):
            return "nothing was acknowledged before the last interval"
        lost, wrong, what = folder.ledger.check(run.start(folder.data, "interval").client(), acked=safe)
        return f"{lost} lost that were older than the interval, {wrong} counted wrong; {what}" if lost or wrong else ""
    except (Ended, Hung) as e:
        return str(e)
    finally:
        run.end()
        disk.umount()


# -- states: the folders a disk could have left
class Recorded:
    """A server under a record that has ended, perhaps the second one on the folder; its acknowledgements are marked with what was
    recorded by then."""

    def __init__(self, run, library, data, ledger, sync):
        self.data, self.ledger = data, ledger
        self.start = states.Start(data)
        record = inject.Record(os.path.join(run.shm, f"record-{run.rng.getrandbits(32):08x}"), RECORD_MIB)
        self.n_before = len(ledger.batches)
        self.problem, self.in_order, self.bytes = "", False, b""
        try:
            if run.rng.random() < TWO_LIVES:
                self._live(run, library, record, sync, in_order=False)
            if not self.problem and self._goes_on(run):
                self._live(run, library, record, sync, in_order=run.rng.random() < 0.3)
        finally:
            run.end()
            record.drop()
        self.ends = [at for at, *_ in states.changes(self.bytes)]

    def _live(self, run, library, record, sync, in_order):
        before = record.size()
        server = run.start(self.data, sync, inject.environment(library, self.data, record=record))
        begun = record.size() > before
        self.starting = (before, record.size())
        self.problem, _ = settle(self.ledger, server.client(), at_ack=record.size)
        senders = Senders(self.ledger, server, run.rng.randint(1, 6), at_ack=record.size)
        moved = senders.wait_acks(run.rng.randint(20, 200), PATIENCE)
        self.in_order = in_order
        code = server.stop() if in_order else server.kill()
        senders.stop()
        self.bytes = record.bytes()
        if not moved or code:
            self.problem = self.problem or f"{senders.n_answers(200)} acknowledged, ended with {code}"
        if record.overflowed() or not begun:
            self.problem = self.problem or "the record is empty or too small for this run"

    def _goes_on(self, run):
        """A server that was killed may have done something that it had no time to write down: then nothing can stand on it."""
        return not self.bytes or not self.own_check(os.path.join(run.folder, "whole"), run.rng)

    def own_check(self, folder, rng):
        """The record must hold all there was: with everything kept it gives the very folder."""
        states.Moment(self.data, self.start, self.bytes, len(self.bytes)).write(folder, rng, states.ALL, states.ALL)
        wrong = states.differences(self.data, folder)
        shutil.rmtree(folder)
        return f"the record does not explain {', '.join(wrong[:5])}" if wrong else ""

    def cut(self, rng):
        """A position: anywhere, right behind an acknowledgement, where promises are young, or in the last server's start."""
        marks = [b.mark for b in self.ledger.batches[self.n_before:] if b.mark is not None]
        start = [at for at in self.ends if self.starting[0] < at <= self.starting[1]]
        kinds, shares = [self.ends, marks, start], [4, 5 * bool(marks), 1]
        return rng.choice(rng.choices(kinds, shares)[0])


def run_states(run, cycles, library):
    data, ledger = None, None
    checked = 0
    for cycle in range(cycles):
        if data is None:
            data = os.path.join(run.folder, f"data-{cycle}")
            ledger = Ledger(random.Random(run.rng.random()), f"s{cycle}-")
        try:
            recorded = Recorded(run, library, data, ledger, "always")
            problem = recorded.problem
            if not problem and recorded.in_order:
                problem = recorded.own_check(os.path.join(run.folder, "whole"), run.rng)
                checked += 1
        except (Ended, Hung) as e:
            problem = str(e)
        if problem:
            run.note(f"record {cycle}", problem)
            data = None
            continue
        folder = os.path.join(run.folder, f"looked-at-{cycle}")
        title, problem = look_at_states(run, recorded, folder)
        run.note(f"cycle {cycle}, looked at ({title}), left in {folder}" if problem else "", problem)
        for n in range(STATES_A_RECORD):
            folder = os.path.join(run.folder, f"data-{cycle}-{n}")
            title, problem, after, _ = state_cycle(run, recorded, folder, "always")
            run.note(f"cycle {cycle}, state {n} ({title}), left in {folder}" if problem else "", problem)
            if not problem:
                shutil.rmtree(data if n + 1 == STATES_A_RECORD else folder)
        data, ledger = (None, None) if problem else (folder, after)
        run.n_acked += recorded.ledger.n_acked() if data is None or cycle + 1 == cycles else 0
    run.note("the record", "" if checked or cycles < 10 else "no server ended in order: the record was never compared")
    run.note("the control", states_control(run, library))


def some_state(run, recorded, folder, keeps=states.KEEPS):
    """Makes one folder that a cut could have left. Returns where the cut was, and what it is in words."""
    at = recorded.cut(run.rng)
    moment = states.Moment(recorded.data, recorded.start, recorded.bytes, at)
    kept, names = run.rng.choice(keeps), run.rng.choice([states.NOTHING, states.ALL, states.BEGINNING])
    title = f"cut at {at} of {len(recorded.bytes)}, of {moment.n_waiting()} bytes {kept}, of {len(moment.names)} names {names}"
    moment.write(folder, run.rng, kept, names)
    return at, title


def look_at_states(run, recorded, folder):
    """More of them, for `journal verify` alone, which is quick and refuses what a start would: (what the last was, problem)."""
    for _ in range(LOOKS_A_RECORD):
        shutil.rmtree(folder, ignore_errors=True)
        _, title = some_state(run, recorded, folder)
        code, said = crash_site.run(run.binary, "journal", "verify", "--data", folder)
        if code and os.path.exists(os.path.join(folder, "signalbox.json")):      # without it nothing was ever kept
            return title, f"verify ended with {code}: {said}"
    shutil.rmtree(folder)
    return title, ""


def state_cycle(run, recorded, folder, sync, keeps=states.KEEPS):
    """One folder that a cut could have left, and what a server makes of it: (what it was, problem, its ledger, lost)."""
    at, title = some_state(run, recorded, folder, keeps)
    ledger = recorded.ledger.as_of(at, recorded.n_before)
    try:
        problem, lost = settle(ledger, run.start(folder, sync).client())
    except (Ended, Hung) as e:
        problem, lost = str(e), 0
    run.server.kill()
    return title, problem, ledger, lost


def states_control(run, library):
    for cycle in range(CONTROLS):
        ledger = Ledger(random.Random(run.rng.random()), f"n{cycle}-")
        data = os.path.join(run.folder, f"never-{cycle}")
        try:
            recorded = Recorded(run, library, data, ledger, "never")
        except (Ended, Hung) as e:
            return str(e)
        folder = os.path.join(run.folder, f"never-{cycle}-state")
        _, problem, _, lost = state_cycle(run, recorded, folder, "never", [states.NOTHING])
        if lost:
            say(f"  states: without syncs {lost} acknowledged events were lost, as they must")
            return ""
        if problem or recorded.problem:
            return problem or recorded.problem
    return f"journal.sync=never lost nothing in {CONTROLS} states: they prove nothing"


# -- both
def cut(run, options, unable):
    """One method. What a machine can't do is said and, as long as the other method works, no failure."""
    begin = time.monotonic()
    try:
        if run.name == "loop":
            run_loop(run, options.cycles)
        elif slowness(run.binary) > 1:
            raise loop_disk.Unable("a library can't be preloaded into a sanitizer's build")
        else:
            run_states(run, options.cycles, inject.build(run.folder))
    except loop_disk.Unable as e:
        unable.append(f"{run.name}: {e}")
        print(f"power cuts by {run.name} can't be tried here: {e}")
        if run.passed:
            run.problems.append(f"{run.name} stopped half way: {e}")
        return
    say(f"  {run.name}: {options.cycles} cycles, {run.n_acked} events acknowledged, {time.monotonic() - begin:.0f} s")
    print(f"power cuts by {run.name}: {run.passed} passed, {len(run.problems)} failed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cycles", type=int, default=20)
    parser.add_argument("--method", choices=["both", "loop", "states"], default="both")
    add_options(parser)
    options = parser.parse_args()
    options.server = os.path.abspath(options.server)
    if options.seed is None:
        options.seed = random.randrange(1 << 32)
    say(f"power.py --seed {options.seed}")
    folder = os.path.realpath(tempfile.mkdtemp(prefix="signalbox-power-"))
    runs = []
    loop_disk.clean_up_always(lambda: [run.end() for run in runs])
    passed, problems, unable = 0, [], []
    try:
        for method in ("loop", "states") if options.method == "both" else (options.method,):
            runs.append(Run(options, method, folder))
            cut(runs[-1], options, unable)
            passed, problems = passed + runs[-1].passed, problems + runs[-1].problems
    except SystemExit:                           # by a signal: nobody will look into the folder
        loop_disk.clean_up()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if not passed:
        problems += unable or ["nothing was tested"]
    if problems:
        print("\n".join(problems))
        print(f"kept: {folder}; again: tests/crash/power.py --method {options.method} --cycles {options.cycles} --seed {options.seed}")
    elif not options.keep:
        loop_disk.clean_up()
        shutil.rmtree(folder)
    print(f"power: {passed} passed, {len(problems)} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
