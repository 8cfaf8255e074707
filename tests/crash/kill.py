#!/usr/bin/env python3
"""kill.py -- kill -9, over and over, on one data folder: nothing acknowledged is lost, nothing counts twice.

Each cycle starts the server, sends it events over several connections, kills it at some moment (during ingestion, a
write-back, a reload of the rules, its shutdown, its start-up), starts it again, sends what got no answer once more, as
trackers do, and then asks for the attributes of some identifiers; in the end, of all. Subscribers listen meanwhile and come
back with the last id they heard. What must come out is in crash_world.py.

Last, how long a start takes with few profiles and with many.
    kill.py --cycles 50           the short form
    kill.py --seed 17             the same choices again; the moments are the machine's
    kill.py --bare                for a binary that keeps nothing: must fail
    kill.py --sabotage            takes the end of the log away after each kill: must fail
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import collections
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time

import crash_site as site
import crash_world as world

KINDS = ["ingest", "ingest", "writeback", "writeback", "reload", "shutdown", "startup"]
LOADERS = 3
MOST_EVENTS, MOST_A_CYCLE = 60000, 500           # new ones, roughly: the evaluator is slow. The rest came before
A_LOAD_S = 0.25                                  # how long a load is, on average
TOO_MANY = 5                                     # failures after which there is no point in going on
READY_LIMIT_S = 1.0                              # however many profiles there are
FEW = 1000
WRITTEN = "signalbox_profiles_written_total"
MOST_REFUSALS = 5000                             # bodies of one loader


class Wrong(Exception):
    """A check failed."""


class Loader(threading.Thread):
    """One tracker: sends body after body until the server is gone, and keeps what got no answer."""

    def __init__(self, run, draw, again):
        super().__init__()
        self.run_, self.draw, self.again = run, draw, again
        self.acknowledged, self.unknown, self.problem = [], [], None
        self.until = None                        # set: no new events after this many bodies

    def body(self):
        """(events that are due, the list to send). Some of it was acknowledged already, or is in there twice."""
        draw = self.draw
        if self.again:
            fresh = [self.again.pop() for _ in range(min(len(self.again), draw.randrange(1, 21)))]
        elif self.run_.may_draw() or not self.acknowledged:
            device = self.run_.world.some_device(draw) if draw.random() < 0.1 else None      # somebody who clicks fast
            fresh = [self.run_.world.some_event(draw, device) for _ in range(draw.choice([1, 2, 5, 20]))]
        else:
            fresh = []
        sent = list(fresh)
        if self.acknowledged and (not fresh or draw.random() < 0.15):
            sent += draw.choices(self.acknowledged[-300:], k=draw.randrange(1, 4 if fresh else 21))
        if fresh and draw.random() < 0.1:
            sent.append(draw.choice(fresh))
        draw.shuffle(sent)
        return fresh, sent

    def run(self):
        client = site.Client(self.run_.server.port)
        n = 0
        while self.problem is None and (self.until is None or n < self.until or self.again):
            n += 1
            fresh, sent = self.body()
            format = self.draw.choice(["json", "msgpack", "tracker"])
            if format == "tracker" and any("se_value" in e.columns for e in sent):
                format = "msgpack"               # a tracker has no parameter for it in such an event
            try:
                status = client.send([e.columns for e in sent], format)
            except site.NO_ANSWER:
                self.unknown += fresh
                break
            except AssertionError as wrong:
                status = wrong
            if status == 200:
                self.acknowledged += fresh
            elif status == 503 and n < MOST_REFUSALS:
                self.again = fresh + self.again
                time.sleep(0.005)
            else:
                self.problem = f"events in {format} were answered with {status}"
        self.unknown += self.again
        client.close()


class Moving:
    """The counter that a reload brings: nobody knows at which event it began, but from the first look on it is exact."""

    def __init__(self, run):
        self.run = run
        self.base = None                         # device -> (value, things it had) at the first look
        self.must = set()                        # firings that a look has proved due
        self.sure = {}                           # those of the generation in force

    def moved(self):
        """The file is about to change: things acknowledged before it do not count for the next generation."""
        self.base = None
        self.sure = {}

    def look(self, client):
        """After a restart, when all that was drawn has been sent."""
        w = self.run.world
        k = w.generation
        devices = w.identifiers("domain_userid")
        values = {}
        for at in range(0, len(devices), 500):
            part = devices[at:at + 500]
            values.update(zip(part, client.attributes([f"moving_v1:m{k}"], "domain_userid", part)[f"moving_v1:m{k}"]))
        things = {device: w.counts["domain_userid", device, "thing"] for device in devices}
        wrong = []
        for device, value in values.items():
            value = value or 0
            if self.base is None:
                least, most = 0, things[device] - self.run.before_move.get(device, 0)
            else:
                known, had = self.base.get(device, (0, 0))
                least = most = known + things[device] - had
            if not least <= value <= most:
                wrong.append(f"domain_userid {device}: m{k}, counted since a reload, is {value}, not {least} to {most}")
            self.sure[f"moving_{k}", device] = value >= world.MOVING_AT
        if self.base is None:
            self.base = {device: (value or 0, things[device]) for device, value in values.items()}
        self.must |= {cause for cause, fired in self.sure.items() if fired}
        return len(values), wrong

    def may(self, cause):
        """Not proved, but possible: it may have fired in the time between the last look and the next reload."""
        rule = cause[0]
        return rule.startswith("moving_") and (cause in self.must or not (
            rule == f"moving_{self.run.world.generation}" and self.sure.get(cause) is False))


class Run:
    def __init__(self, o, folder):
        self.o, self.folder = o, folder
        self.draw = random.Random(o.seed)
        self.data, self.rules = os.path.join(folder, "data"), os.path.join(folder, "rules")
        self.world = world.World(self.draw)
        self.world.write_rules(self.rules)
        self.before_move = {}
        self.moving = Moving(self)
        self.listener = site.Listener()
        self.heard, self.n_heard = world.Heard(), 0
        self.audiences = []                      # what each subscriber listens for
        self.unknown = []                        # events without an answer
        self.acknowledged_things = collections.Counter()
        self.server, self.kind = None, "writeback"
        self.ready = []
        self.passed, self.failed, self.compared, self.n_acknowledged = 0, 0, 0, 0
        self.n_resent, self.n_writing = 0, 0
        self.load_began, self.number_began = 0, 0

    # -- checks
    def check(self, what, wrong):
        if not wrong:
            self.passed += 1
            return
        self.failed += 1
        site.say(f"FAILED: {what} ({len(wrong)} problems)")
        for line in wrong[:4]:
            site.say(f"  {line}")
        if self.server:
            site.say(f"  the server's last words:\n{self.server.last_words()}")

    # -- the server
    def start(self, kept=True):
        options = dict(world.OPTIONS)
        if not self.o.bare:
            writing = self.kind == "writeback"   # 100 is the least
            options["journal.write_back_ms"] = 100 if writing else self.draw.choice([100, 200, 200, 1000, 60000])
            options["journal.sync"] = self.draw.choice(["always"] * 6 + ["interval", "never"])
        self.server = site.Server(self.o.server, self.data, self.rules, options,
                                  log_path=os.path.join(self.folder, "log"))
        if kept:
            self.ready.append(self.server.wait_ready())

    def subscribe(self):
        """The same subscribers as before, most with the id they heard last; now and then one more."""
        if len(self.audiences) < 25:
            w, draw = self.world, self.draw
            devices = ["large0", "large1"] + w.identifiers("domain_userid")
            some = sorted(set(draw.sample(devices, min(len(devices), draw.randrange(1, 5)))))
            if draw.random() < 0.7:
                self.audiences.append(tuple(("domain_userid", device) for device in some))
            else:
                self.audiences.append(tuple(("user_id", f"user of {device}") for device in some))
            self.audiences = list(dict.fromkeys(self.audiences))
        for targets in self.audiences:
            if self.draw.random() < 0.9:
                self.listener.subscribe(self.server.port, targets, resume=self.draw.random() < 0.8)

    # -- load
    def may_draw(self):
        """New events come throughout a load, until it is cut short."""
        a_second = min(MOST_A_CYCLE, MOST_EVENTS / max(self.o.cycles, 1)) / A_LOAD_S
        return self.world.number - self.number_began < (time.monotonic() - self.load_began) * a_second

    def load(self, until=None):
        """Starts the loaders; what got no answer is divided among them."""
        self.load_began, self.number_began = time.monotonic(), self.world.number
        parts = [self.unknown[i::LOADERS] for i in range(LOADERS)]
        self.unknown = []
        loaders = []
        for part in parts:
            loader = Loader(self, random.Random(self.draw.random()), part)
            loader.until = until
            loader.start()
            loaders.append(loader)
        return loaders

    def join(self, loaders):
        for loader in loaders:
            loader.join()
            if loader.problem:
                raise Wrong(loader.problem)
            self.unknown += loader.unknown
            self.n_acknowledged += len(loader.acknowledged)
            for e in loader.acknowledged:
                if e.columns["event_name"] == "thing":
                    self.acknowledged_things[e.columns["domain_userid"]] += 1

    def send_again(self):
        """What got no answer, until it has one."""
        self.n_resent += len(self.unknown)
        self.join(self.load(until=0))
        if self.unknown:
            raise Wrong(f"{len(self.unknown)} events got no answer from a server that is ready:\n{self.server.log()}")

    # -- a cycle
    def kill_somehow(self, kind):
        """Load, and the end of it. Returns words."""
        draw = self.draw
        if kind == "startup":
            return self.kill_starting()
        loaders = self.load()
        if kind == "reload":
            time.sleep(draw.uniform(0.02, 0.15))
            self.moving.moved()
            self.before_move = dict(self.acknowledged_things)     # of cycles before this one
            self.world.move_rules(self.rules)
            wait = draw.uniform(0, 0.35)
        elif kind == "writeback":
            self.wait_writing()
            wait = draw.choice([0, draw.uniform(0, 0.01), draw.uniform(0, 0.05)])
        elif kind == "shutdown":
            time.sleep(draw.uniform(0.02, 0.2))
            self.server.term()
            wait = draw.choice([draw.uniform(0, 0.005), draw.uniform(0, 0.05), 1])
        else:
            wait = draw.uniform(0.02, 0.4)
        time.sleep(wait)
        ended = not self.server.is_running()
        code = self.server.process.returncode
        self.server.kill()
        self.join(loaders)
        if ended and (kind != "shutdown" or code != 0):
            raise Wrong(f"the server ended by itself with {code}:\n{self.server.log()}")
        return "it had left" if ended else f"after {wait * 1000:.0f} ms"

    def wait_writing(self):
        """Until a write-back has begun: it writes less often than it is asked."""
        client = self.server.client()
        before = client.metrics().get(WRITTEN, 0)
        end = time.monotonic() + 2
        while client.metrics().get(WRITTEN, 0) == before and time.monotonic() < end:
            time.sleep(0.001)
        self.n_writing += client.metrics().get(WRITTEN, 0) != before

    def sabotage(self):
        """Takes an acknowledged write away, as a disk that lies would: the test must see that."""
        db = os.path.join(self.data, "db")
        logs = [os.path.join(db, f) for f in os.listdir(db) if f.endswith(".log")]
        if logs:
            last = max(logs)
            os.truncate(last, max(os.path.getsize(last) - 1000, 0))

    def kill_starting(self):
        """A crash with load, and then again while that is recovered."""
        loaders = self.load()
        time.sleep(self.draw.uniform(0.02, 0.3))
        self.server.kill()
        self.join(loaders)
        times = []
        for _ in range(self.draw.randrange(1, 4)):
            self.start(kept=False)
            times.append(self.draw.uniform(0, 1.3) * min(self.ready[-10:]))
            time.sleep(times[-1])
            if not self.server.is_running():
                raise Wrong(f"the server ended while it started: {self.server.log()}")
            self.server.kill()
        return "starting, after " + " and ".join(f"{t * 1000:.0f} ms" for t in times)

    def cycle(self, i):
        kind = self.kind
        self.kind = self.draw.choice(KINDS)      # the next one's: the start below is for it
        acknowledged, unknown_before = self.n_acknowledged, self.n_resent
        words = self.kill_somehow(kind)
        self.listener.wait_ended()
        if self.o.sabotage:
            self.sabotage()
        self.start()
        self.subscribe()
        self.send_again()
        client = self.server.client()
        n, wrong = self.world.check_values(client, self.some_people())
        n_moving, wrong_moving = self.moving.look(client)
        self.compared += n + n_moving
        self.check(f"cycle {i}: {kind}, {words}: attributes", wrong + wrong_moving)
        self.check(f"cycle {i}: {kind}, {words}: interventions heard so far", self.hear())
        site.say(f"{i}/{self.o.cycles} {kind}, killed {words}: {self.n_acknowledged - acknowledged} acknowledged, "
                 f"{self.n_resent - unknown_before} sent again, ready in {self.ready[-1]:.3f} s, {n} values compared")

    def some_people(self):
        w, draw = self.world, self.draw
        devices = draw.sample(w.identifiers("domain_userid"), 15)
        users = w.identifiers("user_id")
        devices = {*devices, draw.choice(["large0", "large1", "large2"])} & set(w.identifiers("domain_userid"))
        return {"domain_userid": sorted(devices),
                "user_id": draw.sample(users, min(len(users), 10)), "basket": w.identifiers("basket")[:6]}

    def hear(self):
        """What came since the last time."""
        new = self.listener.messages[self.n_heard:]
        self.n_heard += len(new)
        return self.heard.hear(message for _, _, message in new)

    # -- the end
    def check_all(self):
        n, wrong = self.world.check_values(self.server.client(), None)
        self.compared += n
        self.check("in the end: every attribute of everybody", wrong)
        time.sleep(2)                            # the last windows fade
        for key in ("domain_userid", "user_id"):
            ids = self.world.identifiers(key)
            for at in range(0, len(ids), 16):
                self.listener.subscribe(self.server.port, tuple((key, id) for id in ids[at:at + 16]), resume=False)
        self.listener.wait_quiet(1.5)
        due = self.world.expected_firings()
        due.update({cause: {("domain_userid", cause[1])} for cause in self.moving.must})
        self.check(f"in the end: {len(due)} interventions", self.hear() + self.heard.check(due, self.moving.may))
        if self.listener.refused:
            self.check("subscriptions", [f"{t} was answered with {s}" for t, s in self.listener.refused])
        self.listener.hang_up()
        code = self.server.stop()
        self.check("it leaves in order", [] if code == 0 else [f"exit code {code}:\n{self.server.log()}"])
        site.say(f"{self.n_acknowledged} events acknowledged, {self.n_resent} sent again, {self.compared} values compared, "
                 f"{len(due)} interventions fired, heard {len(self.listener.messages)} times, "
                 f"{self.n_writing} kills in a write-back")
        ready = sorted(self.ready)
        people = sum(len(self.world.identifiers(key)) for key in ("domain_userid", "user_id", "basket"))
        print(f"start-up: min {ready[0]:.3f}, median {statistics.median(ready):.3f}, max {ready[-1]:.3f} s over {len(ready)} "
              f"starts, {people} profiles in the end")

    def cycles(self):
        self.start()
        self.join(self.load(until=10))
        self.subscribe()
        for i in range(1, self.o.cycles + 1):
            self.cycle(i)
            if self.failed >= TOO_MANY:
                return
        self.check_all()


# -- does a start get longer with the profiles?
def start_times(o, folder, n):
    """Makes n profiles, waits until they are written back, kills; the times of the three starts that follow, and problems."""
    data, rules = os.path.join(folder, f"data-{n}"), os.path.join(folder, f"rules-{n}")
    os.makedirs(rules)
    with open(os.path.join(rules, "one.lua"), "w", encoding="utf-8") as f:
        f.write('thing = event "com.crash/thing"\nattribute_group "one" {\n  attribute_key = "domain_userid",\n'
                '  attributes = { n = counter():on(thing) },\n}\n')
    options = {} if o.bare else {"journal.write_back_ms": 500}
    log_path = os.path.join(folder, f"log-{n}")
    server = site.Server(o.server, data, rules, options, log_path=log_path)
    server.wait_ready()
    client = server.client()
    for at in range(0, n, 500):
        body = [{"event_vendor": "com.crash", "event_name": "thing", "event_version": "1-0-0", "domain_userid": f"p{i}",
                 "event_id": world.g.event_id(i)} for i in range(at, min(at + 500, n))]
        if client.send(body, "msgpack") != 200:
            raise Wrong("events were refused")
    if server.stop() != 0:                       # writes back what it has
        raise Wrong(server.log())
    times = []
    for _ in range(3):
        server = site.Server(o.server, data, rules, options, log_path=log_path)
        times.append(server.wait_ready())
        ids = [f"p{i}" for i in random.Random(o.seed).sample(range(n), min(n, 500))]
        values = server.client().attributes(["one_v1:n"], "domain_userid", ids)["one_v1:n"]
        wrong = [f"{id} has {v}" for id, v in zip(ids, values) if v != 1]
        server.kill()
        if wrong:
            return times, wrong
    return times, []


def check_start_times(o, run):
    few, wrong_few = start_times(o, run.folder, FEW)
    many, wrong_many = start_times(o, run.folder, o.profiles)
    print(f"start-up with {FEW} profiles: {min(few):.3f} to {max(few):.3f} s; "
          f"with {o.profiles}: {min(many):.3f} to {max(many):.3f} s")
    run.check("values after the starts that were timed", wrong_few + wrong_many)
    limit = READY_LIMIT_S * site.slowness(o.server)
    late = f"ready after {min(many):.3f} s with {o.profiles} profiles, {limit} s at most"
    run.check("start-up", [late] if min(many) > limit else [])


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    site.add_options(options)
    options.add_argument("--cycles", type=int, default=50)
    options.add_argument("--profiles", type=int, default=200000, help="for the time of a start; 0: is not measured")
    options.add_argument("--bare", action="store_true", help="without the journal's options: the binary keeps nothing")
    options.add_argument("--sabotage", action="store_true", help="proves that the test can fail")
    o = options.parse_args()
    o.seed = o.seed if o.seed is not None else random.randrange(1 << 30)
    folder = tempfile.mkdtemp(prefix="signalbox-kill-")
    run = Run(o, folder)
    begin = time.monotonic()
    try:
        run.cycles()
        if o.profiles:
            check_start_times(o, run)
    except (Wrong, site.Ended, site.Hung, site.ReadFailed, *site.NO_ANSWER) as wrong:
        run.check(f"the run itself: {type(wrong).__name__}", [str(wrong)])
    finally:
        if run.server:
            run.server.kill()
    if run.failed or o.keep:
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"kill: {o.cycles} cycles in {time.monotonic() - begin:.0f} s; "
          f"again with: tests/crash/kill.py --cycles {o.cycles} --seed {o.seed}")
    print(f"{run.passed} passed, {run.failed} failed (checks)")
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
