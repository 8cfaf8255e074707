#!/usr/bin/env python3
"""run.py -- random rules and random streams, engine against model: every attribute of everybody, at many moments.

Each seed is one rule file and many streams (one a device, and those of the users, baskets, visits and products they share):
late, duplicated, shuffled, half filled, of mixed types. The moments are between the arrivals, often a millisecond on either side of where an
event leaves a window. `--limit` modes give the engine a small series limit and check the bound stated in profile.h instead.
    run.py --seeds 100            seeds 1 to 100
    run.py --seed 17              one of them, with more words
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import json
import multiprocessing
import random
import sys
import time

import generate as g
import model
from driver import TOP, Driver, Failure

STREAMS, EVENTS, MOMENTS = 24, 30, 8
SMALL_LIMIT = 192
NOBODY = {"nobody", "2", "2.5", "true", "9007199254740992", "x" * 1025}    # as what identifies nobody might be mistaken for
KEYS = model.BUILT_IN_KEYS + g.CUSTOM_KEYS
# A lifetime that is over is kept for a day more, for events that come late (see profile.h). Every fourth seed has no such
# lifetimes, and events that come much later.
LATEST, MUCH_LATER = g.DAY, 20 * g.DAY


class World:
    """One engine, one model, and the same events for both."""

    def __init__(self, binary, seed, limits, groups):
        self.draw = random.Random(seed)
        self.groups = groups
        self.rules = g.rule_text([key for key in g.CUSTOM_KEYS if any(group["key"] == key["name"] for group in groups)], groups)
        self.driver = Driver(binary, {"random.lua": self.rules}, g.START, limits)
        self.store = model.Store()
        self.seq = 0
        self.compared = 0

    def send(self, batch, now):
        """batch: [(columns, ts)]"""
        self.driver.send([columns for columns, _ in batch], now)
        for columns, ts in batch:
            self.seq += 1
            self.store.add(model.Event(columns, ts, self.seq), KEYS)

    def people(self, key):
        known = {id for k, id in self.store.events if k == key}
        return sorted(known | NOBODY)

    def compare(self, now, check):
        for group in self.groups:
            ids = self.people(group["key"])
            columns = self.driver.read(group["key"], ids, [a["ref"] for a in group["attrs"]], now)
            for attr, column in zip(group["attrs"], columns):
                for id, got in zip(ids, column):
                    check(attr, self.store.of(group["key"], id), now, got, id)
                    self.compared += 1

    def exactly(self, attr, events, now, got, id):
        want = model.value_at(attr, events, now)
        if not model.close(got, want):
            self.explain(attr, events, now, got, want, id)

    def explain(self, attr, events, now, got, want, id):
        entries = model.entries_of(attr, events)
        shown = model.in_sight(attr, entries, now)
        raise Failure(
            f"{attr['key']} {id}: {attr['name']} = {g.Writer().attribute(attr)}\n"
            f"  at {now}: the engine says {json.dumps(got)}, the definition {json.dumps(want)}\n"
            f"  counted events (age in ms, value): {[(now - ts, v) for ts, v in entries][-12:]}\n"
            f"  of them in sight: {len(shown)} of {len(entries)}")


def arrivals(draw, n_streams, n_events, latest):
    """[(arrival, ts, who)] in order of arrival."""
    users = [f"user{i}" for i in range(max(n_streams // 4, 1))]
    baskets = [f"basket{i}" for i in range(max(n_streams // 3, 1))]
    out = []
    for i in range(n_streams):
        span = draw.choice([20 * g.SECOND, 10 * g.MINUTE, 6 * g.HOUR, 3 * g.DAY, 70 * g.DAY])
        ts = g.START + draw.randrange(g.DAY)
        for _ in range(draw.randrange(n_events // 3, n_events)):
            if draw.random() < 0.1:             # exactly as far apart as something lasts, or a millisecond beside it
                ts += draw.choice(g.TTLS[:4] + g.PERIODS[:5]) + draw.choice([-1, 0, 0, 1])
            elif draw.random() < 0.85:
                ts += int(draw.expovariate(1) * span / n_events)
            delay = draw.choice([0, 0, 0, draw.randrange(2000), draw.randrange(g.HOUR), draw.randrange(latest * 3 // 4)])
            who = {"domain_userid": f"device{i}"}
            if draw.random() < 0.4:
                who["user_id"] = draw.choice(users)
            if draw.random() < 0.5:
                who["basket"] = draw.choice(baskets if draw.random() < 0.8 else g.IDENTIFIERS)
            if draw.random() < 0.3:
                who["domain_sessionidx"] = draw.choice([1, 2, "2", 3.0, "3", 3, "three", 0, ""])
            if draw.random() < 0.03:
                del who["domain_userid"]
            out.append((ts + delay, ts, who))
    out.sort(key=lambda a: a[0])
    return out


def batches(draw, items, latest):
    """Events that arrive together, shuffled; some come again, within half a day, in the same batch or a later one."""
    again = []                                  # [(when, (columns, ts))]
    at, number, now = 0, 0, 0
    while at < len(items) or again:
        if again and (at == len(items) or again[0][0] < items[at][0]):
            when, copy = again.pop(0)
            now = max(now, when)
            yield now, [copy]
            continue
        n = draw.choice([1, 1, 2, 5, 20])
        part = [i for i in items[at:at + n] if i[0] - items[at][0] < latest // 4 and (not again or i[0] <= again[0][0])]
        at += len(part)
        now = max(now, part[-1][0])
        batch = []
        for _, ts, who in part:
            number += 1
            columns, given = g.some_event(draw, number, who, ts, now)
            batch.append((columns, given))
            if draw.random() < 0.08:
                copy = dict(columns, event_id=draw.choice([columns["event_id"], columns["event_id"].upper()])), given
                if draw.random() < 0.5:
                    batch.append(copy)
                else:
                    again.append((now + draw.randrange(12 * g.HOUR), copy))
                    again.sort(key=lambda a: a[0])
        draw.shuffle(batch)
        yield now, batch


def interesting_moments(draw, world, now, until):
    """Moments in (now, until), where something fades by preference."""
    edges = []
    for group in world.groups:
        for id in world.people(group["key"])[:6]:
            for event in world.store.of(group["key"], id)[-3:]:
                for attr in group["attrs"]:
                    span = attr.get("period") or attr.get("ttl")
                    if span:
                        edges += [event.ts + span - 1, event.ts + span]
    edges = [e for e in edges if now <= e < until]
    return sorted(draw.sample(edges, min(2, len(edges))))


def run_exact(binary, seed):
    groups, latest = g.some_groups(random.Random(f"rules {seed}")), LATEST
    if seed % 4 == 0:
        latest = MUCH_LATER
        for thing in [*groups, *(a for group in groups for a in group["attrs"])]:
            thing.pop("ttl", None)
            thing.pop("own_ttl", None)
    world = World(binary, seed, None, groups)
    draw = world.draw
    try:
        plan = list(batches(draw, arrivals(draw, STREAMS, EVENTS, latest), latest))
        moments = set(draw.sample(range(len(plan)), min(MOMENTS, len(plan))))
        for i, (now, batch) in enumerate(plan):
            world.send(batch, now)
            if i in moments or i == len(plan) - 1:
                until = plan[i + 1][0] if i + 1 < len(plan) else now + 40 * g.DAY
                for moment in [now, *interesting_moments(draw, world, now, until)]:
                    world.compare(moment, world.exactly)
        return finish(world, "property", seed, None)
    except Failure as failure:
        return finish(world, "property", seed, failure)


# -- past the series limit
def bounded_groups(draw):
    """Windowed attributes, several to a series, and lifetimes, all of one key."""
    group = {"name": "g0", "key": "domain_userid", "attrs": []}
    for j in range(6):
        base = g.some_attribute(draw, f"a{j}", group)
        while base["agg"] in ("approx_count_distinct", "unique_list", "last"):
            base = g.some_attribute(draw, f"a{j}", group)
        base.pop("where", None) if draw.random() < 0.7 else None
        for key in ("own_ttl", "ttl"):
            base.pop(key, None)
        base["events"] = [{}]
        for k, period in enumerate(draw.sample([10 * g.MINUTE, g.HOUR, 5 * g.HOUR, g.DAY], 2)):
            group["attrs"].append({**base, "period": period, "name": f"a{j}_{k}", "ref": f"g0_v1:a{j}_{k}"})
        if base["agg"] == "counter" or draw.random() < 0.5:
            life = {k: v for k, v in base.items() if k != "period"} | {"name": f"a{j}_l", "ref": f"g0_v1:a{j}_l"}
            group["attrs"].append(life)
    return [group]


def run_bounded(binary, seed):
    draw = random.Random(f"bounded {seed}")
    groups = bounded_groups(draw)
    world = World(binary, f"bounded {seed}", {"entries": SMALL_LIMIT}, groups)

    def check(attr, events, now, got, id):
        # a window's old edge may reach 1/64 of the window further back, whatever other windows its series serves
        if not attr.get("period") or len(model.entries_of(attr, events)) <= SMALL_LIMIT:
            return world.exactly(attr, events, now, got, id)
        allowed = model.values_within(attr, events, now, attr["period"] // 64)
        if not any(model.close(got, v) for v in allowed):
            world.explain(attr, events, now, got, allowed[-1] if len(allowed) == 1 else ["one of", *allowed[:8]], id)

    try:
        number, now = 0, g.START
        for _ in range(14):
            for _ in range(8):
                now += int(draw.expovariate(1) * 4 * g.MINUTE)
                batch = []
                for _ in range(20):
                    number += 1
                    ts = now - draw.choice([0, draw.randrange(20 * g.SECOND), draw.randrange(g.MINUTE), draw.randrange(2 * g.HOUR)])
                    batch.append(g.some_event(draw, number, {"domain_userid": f"d{number % 2}"}, ts, now))
                world.send(batch, now)
            world.compare(now, check)
            world.compare(now + draw.randrange(3 * g.MINUTE), check)
        world.compare(now + 2 * g.HOUR, check)
        return finish(world, "bounded", seed, None)
    except Failure as failure:
        return finish(world, "bounded", seed, failure)


def finish(world, mode, seed, failure):
    if failure is None:
        try:
            world.driver.close()
            return mode, seed, world.compared, len(world.store.events), None
        except Failure as late:
            return mode, seed, world.compared, 0, str(late)
    kept = world.driver.keep(f"{mode}-{seed}")
    world.driver.process.kill()
    return mode, seed, world.compared, 0, f"{failure}\n  said, with its rules beside it: {kept}"


def one(job):
    binary, mode, seed = job
    try:
        return (run_exact if mode == "property" else run_bounded)(binary, seed)
    except Failure as failure:                  # before there was a world
        return mode, seed, 0, 0, str(failure)


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--driver", default=f"{TOP}/build/engine_drive")
    options.add_argument("--seeds", type=int, default=100)
    options.add_argument("--seed", type=int)
    options.add_argument("--mode", choices=["property", "bounded"])
    options.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    o = options.parse_args()
    seeds = [o.seed] if o.seed is not None else range(1, o.seeds + 1)
    jobs = [(o.driver, "property", s) for s in seeds if o.mode != "bounded"]
    jobs += [(o.driver, "bounded", s) for s in (seeds if o.seed is not None else range(1, o.seeds // 5 + 2)) if o.mode != "property"]
    begin, failed, compared, streams = time.monotonic(), 0, 0, 0
    with multiprocessing.Pool(o.jobs) as pool:
        for mode, seed, n, people, failure in pool.imap_unordered(one, jobs):
            compared += n
            streams += people
            if failure:
                failed += 1
                print(f"FAILED: {mode} seed {seed} (tests/property/run.py --mode {mode} --seed {seed})\n  {failure}", flush=True)
                if failed >= 5:
                    pool.terminate()
                    break
    print(f"{len(jobs)} seeds, {streams} streams, {compared} values compared, {failed} failed, {time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
