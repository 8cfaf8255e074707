#!/usr/bin/env python3
"""simulate.py -- a world from a seed: events, reloads, timers, pushes and a clock that jumps; then the same records once more.

Each seed makes rules with interventions over every operator and lets a script of records run: batches of events, ticks,
swaps of the rule files, clocks that stand, leap forward or step back. After every record the firings are compared with the
naive model: a rule fires for an event when its criteria are false without it and true with it, at one moment, and for the
passing of time when they are false a millisecond before a moment at which something fades and true at it. Attributes are
compared between records, and at the end the interventions that were pushed past the rules and wait. Then a fresh engine gets
the same records and must come to the same digest, messages and outboxes: some seeds' on a folder, with write-backs, and killed
again and again: between records, within one, while it writes back, while it recovers.

Beside the built-in keys there is one of the rules' own, "thing". A generation may give its name to another property, of
another kind: then its attributes begin anew, and nothing of one thing may show up under another, though their identifiers
are the same few. The model calls these keys thing.0, thing.1 and so on.

A rule over several attribute keys is watched for the pairs that an event carried together. When one half of a pair changes by an
event that carries another other half, nobody looks at the pair: what fades in it after that may fire, and need not.
    simulate.py --seeds 300       seeds 1 to 300
    simulate.py --seed 17         one of them
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import collections
import json
import multiprocessing
import random
import sys
import time
import uuid

import generate as g
import model
from driver import TOP, Driver, Failure

RECORDS, DEVICES, USERS = 60, 4, 2
KEEP = g.HOUR                                   # that nobody has heard
THINGS = [1, "1", 2.0, "2", 3, None, True, 0.5]
THING_COLUMNS = ["app_id", "txn_id", "br_lang", "name_tracker", "se_category", "se_action", "se_label", "se_property", "page_title",
                 "doc_charset", "user_fingerprint", "tr_orderid", "ti_sku", "os_timezone"]
NUMBER_OPS = ["eq", "neq", "gt", "gte", "lt", "lte", "in_list", "not_in_list"]
TEXT_OPS = ["eq", "neq", "like", "not_like", "rlike", "not_rlike", "in_list", "not_in_list"]
NUMBERS_OUT = {"counter", "sum", "min", "max", "mean", "approx_count_distinct"}
SHORT = [2 * g.SECOND, 10 * g.SECOND, g.MINUTE, 7 * g.MINUTE, g.HOUR]


# -- rules
def simple_attribute(draw, group, name, generation):
    """Of few events and values, so that criteria turn often; distinct from every other generation's by its criterion."""
    agg = draw.choice(g.AGGREGATIONS)
    a = {"name": name, "ref": f"{group['name']}_v1:{name}", "key": group["key"], "agg": agg,
         "events": draw.choice([[{}], [{"vendor": "com.acme", "name": "view"}], [{"vendor": "com.acme"}]])}
    prop = {"kind": "event", "vendor": "com.acme", "name": "view"}
    if agg in model.NUMERIC:
        a["prop"] = {**prop, "path": "n"}
    elif agg != "counter":
        a["prop"] = {**prop, "path": draw.choice(["s", "s", "n", "flag"]) if agg not in ("category_count", "unique_list") else "s"}
    a["where"] = {"op": "neq", "prop": {"kind": "atomic", "name": "platform"}, "value": f"generation {generation} {name}"}
    at = draw.random()
    if at < 0.65:
        a["period"] = draw.choice(SHORT)
    elif at < 0.85:
        a["own_ttl"] = a["ttl"] = draw.choice(SHORT)
    if agg == "counter" and draw.random() < 0.25:
        a["default"] = 0
    return a


def some_leaf(draw, attributes, changed):
    a = draw.choice(attributes)
    leaf = {"attr": a["ref"].replace("_v1", ""), "of": a}
    ops = ["is_null", "is_not_null"]
    if a["agg"] in NUMBERS_OUT:
        ops += NUMBER_OPS * 2
    elif a["agg"] not in ("category_count", "unique_list"):
        ops += TEXT_OPS
    leaf["op"] = op = "changed" if changed and draw.random() < 0.4 else draw.choice(ops)
    if op in ("is_null", "is_not_null", "changed"):
        return leaf
    if a["agg"] in NUMBERS_OUT:
        leaf["value"] = draw.choice([0, 1, 2, 3, 4, 2.5])
        if op.endswith("in_list"):
            leaf["value"] = draw.sample([0, 1, 2, 3, 4], 2)
    else:
        leaf["value"] = {"like": draw.choice(["%e%", "r__", "b%"]), "not_like": "%d", "rlike": draw.choice(["^r", "e", "blue|a"]),
                         "not_rlike": "d$"}.get(op, draw.choice(["red", "blue", "a"]))
        if op.endswith("in_list"):
            leaf["value"] = draw.sample(["red", "blue", "a", "b"], 2)
        elif op in ("eq", "neq") and draw.random() < 0.3:
            leaf["value"] = draw.choice([True, 1])
    return leaf


def some_tree(draw, attributes, depth=2, changed=True):
    if depth == 0 or draw.random() < 0.4:
        return some_leaf(draw, attributes, changed)
    word = draw.choice(["all", "all", "any", "none"])
    return {word: [some_tree(draw, attributes, depth - 1, changed and word == "all") for _ in range(draw.randrange(1, 4))]}


def leaves(tree):
    for word in ("all", "any", "none"):
        if word in tree:
            for kid in tree[word]:
                yield from leaves(kid)
            return
    yield tree


def same_but_key(a, b):
    return a is b or a is not None and all(a.get(part) == b.get(part) for part in {*a, *b} - {"key", "born", "hidden"})


def some_thing(draw, generation):
    """A key by another property than any generation's before."""
    kind = draw.choice(["event", "entity", "atomic"])
    prop = {"event": {"kind": "event", "vendor": "com.acme", "name": draw.choice(["view", None]), "path": f"t{generation}"},
            "entity": {"kind": "entity", "vendor": "com.acme", "name": f"t{generation}", "major": 1, "index": draw.randrange(2), "path": "id"},
            "atomic": {"kind": "atomic", "name": THING_COLUMNS[generation % len(THING_COLUMNS)]}}[kind]
    return {"name": f"thing.{generation}", "prop": prop}


class Rules:
    """One generation of rule files. The next one keeps some definitions as they are, changes others, adds and drops."""

    def __init__(self, draw, generation, before=None):
        self.generation = generation
        self.groups = []
        self.thing = before.thing if before and draw.random() < 0.7 else some_thing(draw, generation)
        for i, key in enumerate(["domain_userid", "user_id", self.thing["name"]]):
            group = {"name": f"g{i}", "key": key, "attrs": []}
            for j in range(7 if i == 0 else 4):
                kept = before and next((a for a in before.groups[i]["attrs"] if a["name"] == f"a{j}"), None)
                if kept and kept["key"] != key:
                    kept = {k: v for k, v in kept.items() if k not in ("born", "hidden")} | {"key": key}
                fresh = simple_attribute(draw, group, f"a{j}", generation)
                if kept and kept.get("period") and draw.random() < 0.2:
                    fresh = {**kept, "period": draw.choice(SHORT)}
                elif kept and draw.random() < 0.7:
                    fresh = kept
                group["attrs"].append(fresh)
            self.groups.append(group)
        attributes = [a for group in self.groups for a in group["attrs"]]
        known = {a["ref"]: a for a in attributes}
        self.interventions = []
        for j in range(8):
            old = before and before.interventions[j]
            if old and draw.random() < 0.7 and all(same_but_key(known.get(leaf["of"]["ref"]), leaf["of"]) for leaf in leaves(old["when"])):
                self.interventions.append(self.of_today(old, known))
            else:
                self.interventions.append(self.intervention(draw, f"i{j}_{generation}", attributes))

    def intervention(self, draw, name, attributes):
        thing = self.thing["name"]
        one_key = draw.choice(["domain_userid", "domain_userid", "user_id", thing, None])
        pool = [a for a in attributes if one_key in (None, a["key"])]
        rule = {"name": name, "when": some_tree(draw, pool), "generation": self.generation}
        rule["keys"] = sorted({leaf["of"]["key"] for leaf in leaves(rule["when"])})
        rule["targets"] = draw.choice([None, None, ["domain_userid"], ["user_id", "domain_userid"], [thing], [thing, "user_id"]])
        return rule

    def of_today(self, rule, known):
        """The rule as it stands in the file, though "thing" may have become another key."""
        def tree(of):
            for word in ("all", "any", "none"):
                if word in of:
                    return {word: [tree(kid) for kid in of[word]]}
            return {**of, "of": known[of["of"]["ref"]]}

        def key(name):
            return self.thing["name"] if name.startswith("thing.") else name
        return {**rule, "when": tree(rule["when"]), "keys": sorted(map(key, rule["keys"])),
                "targets": rule["targets"] and [key(name) for name in rule["targets"]]}

    def files(self):
        return {"groups.lua": g.rule_text((self.thing,), self.groups), "levers.lua": g.rule_text((), (), self.interventions)}


# -- the naive model of firing
class Naive:
    def __init__(self):
        self.store = model.Store()
        self.rules = None
        # (rule's name, identifiers its criteria are read at) -> (rule, identifiers of the last event that armed it)
        self.watches = {}
        self.stale = set()                      # of these, the pairs of which one half has changed alone
        self.optional = []                      # what stale ones would have said, since somebody last looked
        self.pushed = {}                        # (identifier, intervention_id) -> when
        self.now = 0
        self.seq = 0

    def swap(self, rules):
        was = {(a["key"], a["where"]["value"]): a for group in (self.rules.groups if self.rules else ()) for a in group["attrs"]}
        for group in rules.groups:
            for a in group["attrs"]:
                old = was.get((a["key"], a["where"]["value"]))
                a.setdefault("born", old["born"] if old else self.seq)
                if old and old is not a:
                    a["hidden"] = old.get("hidden", 0)
                    if old["period"] < a["period"]:
                        a["hidden"] = max(a["hidden"], self.now - old["period"])   # past is past
        alive = {r["name"]: r for r in rules.interventions}
        keys = {key["name"] for key in (*model.BUILT_IN_KEYS, rules.thing)}
        watches, stale = {}, set()
        for old, (rule, who) in self.watches.items():
            if old[0] in alive:
                rule, who = alive[old[0]], {key: id for key, id in who.items() if key in keys}
                watch = self.watch_of(rule, who)
                if old in self.stale or watch in watches:
                    stale.add(watch)
                watches[watch] = rule, who
        self.watches, self.stale, self.rules = watches, stale, rules

    def holds(self, rule, ids, now, without=None, event=False):
        def read(leaf, skip):
            a = leaf["of"]
            events = self.store.of(a["key"], ids[a["key"]]) if a["key"] in ids else []
            return model.value_at(a, events, now, skip)
        before = (lambda leaf: read(leaf, event)) if event and without is None else None
        return model.holds(rule["when"], lambda leaf: read(leaf, without), before)

    def watch_of(self, rule, ids):
        return rule["name"], tuple(sorted((k, v) for k, v in ids.items() if k in rule["keys"]))

    def messages(self, rule, ids):
        return [(rule["name"], g.plain(key), ids[key]) for key in (rule["targets"] or rule["keys"]) if key in ids]

    def pass_time(self, now):
        """Every moment until now at which something that is watched fades, in order."""
        fired = []
        moments = {}
        for name, (rule, who) in self.watches.items():
            for leaf in leaves(rule["when"]):
                a = leaf["of"]
                span = a.get("period") or a.get("ttl")
                if span and a["key"] in who:
                    for event in self.store.of(a["key"], who[a["key"]]):
                        if self.now < event.ts + span <= now:
                            moments.setdefault(event.ts + span, set()).add(name)
        for moment in sorted(moments):
            for name in sorted(moments[moment], key=str):
                rule, who = self.watches[name]
                if not self.holds(rule, who, moment - 1) and self.holds(rule, who, moment):
                    if name in self.stale:
                        self.optional += self.messages(rule, who)
                    else:
                        fired += self.messages(rule, who)
        self.now = max(self.now, now)
        return fired

    def push(self, id, to):
        """The same again counts once, for as long as it waits."""
        for target in to:
            if (target, id) not in self.pushed or self.now >= self.pushed[target, id] + KEEP:
                self.pushed[target, id] = self.now

    def waiting(self, target, now):
        return sorted(id for (to, id), at in self.pushed.items() if to == target and now < at + KEEP)

    def event(self, columns, ts):
        self.seq += 1
        event = model.Event(columns, min(ts, self.now), self.seq)
        ids, new = self.store.add(event, [*model.BUILT_IN_KEYS, self.rules.thing])
        fired = []
        for rule in self.rules.interventions:
            touched = {(key, ids[key]) for leaf in leaves(rule["when"]) for key in [leaf["of"]["key"]]
                       if key in new and event.concerns(leaf["of"])}
            if not touched:
                continue
            if not self.holds(rule, ids, self.now, without=event) and self.holds(rule, ids, self.now, event=event):
                fired += self.messages(rule, ids)
            watch = self.watch_of(rule, ids)
            self.stale |= {w for w in self.watches if w[0] == rule["name"] and touched & set(w[1])}
            self.watches[watch] = rule, ids
            self.stale.discard(watch)
        return fired


# -- the script of records
TARGETS = [("domain_userid", f"device{i}") for i in range(DEVICES)] + [("user_id", f"user{i}") for i in range(USERS)]


def set_thing(draw, columns, key, id):
    """Lets the event carry this identifier of this key."""
    prop = key["prop"]
    if prop["kind"] == "atomic":
        columns[prop["name"]] = id
    elif prop["kind"] == "event":
        columns["unstruct_event"]["data"][prop["path"]] = id
    else:
        entities = [{"id": draw.choice(THINGS)} for _ in range(prop["index"])] + [{"id": id}]
        columns.setdefault("contexts", []).extend(
            {"schema": f"iglu:com.acme/{prop['name']}/jsonschema/1-0-0", "data": entity} for entity in entities)


def some_columns(draw, number, ts, now, things):
    columns = {"event_vendor": draw.choice(["com.acme", "com.acme", "org.other"]), "event_name": "view", "event_version": "1-0-0",
               "event_id": g.event_id(number), "platform": "web"}
    data = {}
    if draw.random() < 0.9:
        data["n"] = draw.choice([0, 1, 1, 2, 3, 0.5, -1])
    if draw.random() < 0.9:
        data["s"] = draw.choice(["red", "blue", "a", "b"])
    if draw.random() < 0.5:
        data["flag"] = draw.random() < 0.5
    columns["unstruct_event"] = {"schema": f"iglu:{columns['event_vendor']}/view/jsonschema/1-0-0", "data": data}
    if draw.random() < 0.9:
        columns["domain_userid"] = f"device{draw.randrange(DEVICES)}"
    if draw.random() < 0.5:
        columns["user_id"] = f"user{draw.randrange(USERS)}"
    for key in things:
        if draw.random() < 0.8:
            set_thing(draw, columns, key, draw.choice(THINGS))
    if ts != now:
        columns["true_tstamp"] = str(ts)
    return columns


def script(seed):
    """The records of a seed: ("events", clock, [(columns, ts)]) | ("tick", clock) | ("reload", clock, Rules) | ("read", clock)
    | ("push", clock, intervention_id, targets) | ("listen", clock)"""
    draw, aside = random.Random(f"simulation {seed}"), random.Random(f"pushes {seed}")
    clock, latest, number = g.START, g.START, 0
    rules = Rules(draw, 0)
    yield "reload", clock, rules
    since_reload, things, pushed = [], [rules.thing], []
    for _ in range(RECORDS):
        step = draw.choice([0, 1, draw.randrange(2000), draw.randrange(20 * g.SECOND), draw.randrange(10 * g.MINUTE),
                            draw.choice(SHORT), draw.randrange(3 * g.HOUR)])
        if draw.random() < 0.05:
            step = -draw.randrange(10 * g.MINUTE)
        clock = max(clock + step, g.START)
        latest = max(latest, clock)
        what = draw.random()
        if what < 0.08:
            rules = Rules(draw, rules.generation + 1, rules)
            since_reload = []
            if rules.thing is not things[0]:
                things = [rules.thing, things[0]]      # the one before goes on to come, and identifies nobody any more
            yield "reload", clock, rules
        elif what < 0.25:
            yield "tick", clock
        elif what < 0.35:
            yield "read", latest
        else:
            batch = []
            for _ in range(draw.choice([1, 1, 1, 2, 4])):
                number += 1
                ts = clock - draw.choice([0, 0, 0, draw.randrange(3000), draw.randrange(10 * g.MINUTE)])
                columns = some_columns(draw, number, ts, clock, things)
                batch.append((columns, ts))
                since_reload.append((columns, ts))
            if draw.random() < 0.15:
                batch.append(draw.choice(since_reload))
            yield "events", clock, batch
        if aside.random() < 0.2:
            if not pushed or aside.random() < 0.7:
                pushed.append((str(uuid.UUID(int=aside.getrandbits(128))), aside.sample(TARGETS, aside.choice([1, 1, 2, 3]))))
            id, to = aside.choice(pushed[-3:])  # the same again, perhaps to others
            yield "push", clock, id, to if aside.random() < 0.8 else aside.sample(TARGETS, 2)
    yield "listen", latest
    clock = latest + 4 * g.HOUR
    yield "tick", clock
    yield "read", clock


def pushing(record):
    _, clock, id, to = record
    return {"now": clock, "direct": id, "to": to, "attributes": {"g:a": id[:4]}}


class Run:
    """Plays a script on a driver; with a model beside it or, the second time, alone."""

    def __init__(self, binary, seed, with_model, crashing=False):
        self.records = list(script(seed))
        self.naive = Naive() if with_model else None
        self.history = []
        self.n_fired = 0
        kind, clock, rules = self.records[0]
        if self.naive:
            self.naive.now = clock
            self.naive.swap(rules)
        self.rules = rules
        self.clock = clock
        self.crashes = random.Random(f"crashes {seed}") if crashing else None
        self.n_crashes, self.seen = 0, set()
        self.driver = Driver(binary, rules.files(), clock, keeps=crashing)

    def play(self):
        for number, record in enumerate(self.records[1:], 1):
            self.step(number, record)
        return self.history, self.driver.digest()

    def step(self, number, record):
        kind, clock = record[:2]
        expected = []
        if self.naive and kind not in ("read", "listen"):
            expected += self.naive.pass_time(max(clock, self.naive.now))
        if self.naive and kind == "events":
            for columns, ts in record[2]:
                expected += self.naive.event(columns, ts)
        if kind == "reload":
            self.rules = record[2]
            if self.naive:
                self.naive.swap(self.rules)
        if self.naive and kind == "push":
            self.naive.push(*record[2:])
        told = self.crashes and self.crashes.random() < 0.12 and self.crash(record)
        if kind == "events" and not told:
            self.driver.send([columns for columns, _ in record[2]], clock)
        elif kind == "tick" and not told:
            self.driver.ask({"tick": clock})
        elif kind == "reload":
            if not told:
                self.driver.reload(self.rules.files(), clock)
            self.driver.ask({"tick": clock})    # timers of rules that mean something else are looked at now, crash or no crash
        elif kind == "push" and not told:
            self.push(record)
        elif kind == "listen":
            self.listen(clock)
        elif kind == "read" and self.naive:
            self.compare(clock)
        if self.crashes and self.crashes.random() < 0.15:
            self.driver.ask({"write_back": True})
        if kind not in ("read", "listen"):
            self.clock = max(self.clock, clock)
        # after a crash some fire again, under the same id, and are not told twice
        fired = [m for m in self.driver.fired() if (m["intervention_id"], m["key"], m["id"]) not in self.seen]
        if self.crashes:
            self.seen |= {(m["intervention_id"], m["key"], m["id"]) for m in fired}
        self.history.append([(m["intervention_id"], m["name"], m["key"], m["id"]) for m in fired])
        self.n_fired += len(fired)
        if self.naive:
            got = collections.Counter((m["name"], m["key"], m["id"]) for m in fired)
            expected, optional = collections.Counter(expected), collections.Counter(self.naive.optional)
            self.naive.optional = []
            missing, extra = expected - got, got - expected - optional
            if missing or extra:
                self.explain(number, record, missing, extra)

    def crash(self, record):
        """Kills the engine. True: within this record, which had become durable and must not be told again."""
        self.n_crashes += 1
        draw, (kind, clock) = self.crashes, record[:2]
        again = draw.choice([None, None, draw.random() * 0.02])
        where = draw.choice(["between", "write back", "record", "record"])
        if where == "write back":
            self.driver.crash(self.clock, {"write_back": True}, draw.random() * 0.01, again)
        elif where == "record" and kind == "reload":
            self.driver.write(record[2].files())
            self.driver.crash(clock, {"reload": clock}, draw.random() * 0.02, again)
            return True                         # by the swap that was kept, or by the start's own
        elif where == "record" and kind in ("events", "tick", "push"):
            seq = self.driver.seq()
            say = {"tick": clock} if kind == "tick" else pushing(record) if kind == "push" else \
                {"now": clock, "events": [columns for columns, _ in record[2]]}
            self.driver.crash(self.clock, say, draw.random() * 0.004, again)
            if self.driver.seq() > seq:
                return True
        else:
            self.driver.crash(self.clock, again=again)
        self.driver.ask({"tick": self.clock})   # a clock that was set back while nobody ran is not this test's
        return False

    def push(self, record):
        status = self.driver.ask(pushing(record))["status"]
        if status != "waits":                   # nobody listens
            raise Failure(f"{record}: {status}")

    def listen(self, now):
        """What waits for each, in both runs; and what of it was pushed, as the model has it."""
        for target in TARGETS:
            heard = self.driver.ask({"now": now, "listen": [target]})["heard"]
            self.history.append(heard)
            got = sorted(m["intervention_id"] for m in heard if m["name"] == "direct")
            if self.naive and got != self.naive.waiting(target, now):
                raise Failure(f"for {target} wait {got}, and should {self.naive.waiting(target, now)}")

    def compare(self, now):
        for group in self.rules.groups:
            ids = sorted(id for key, id in self.naive.store.events if key == group["key"])
            columns = self.driver.read(group["key"], ids, [a["ref"] for a in group["attrs"]], now)
            for a, column in zip(group["attrs"], columns):
                for id, got in zip(ids, column):
                    want = model.value_at(a, self.naive.store.of(group["key"], id), now)
                    if not model.close(got, want):
                        raise Failure(f"{id}: {a['name']} = {g.Writer().attribute(a)}\n  at {now}: the engine says "
                                      f"{json.dumps(got)}, the definition {json.dumps(want)}")

    def explain(self, number, record, missing, extra):
        lines = [f"record {number}, {record[0]} at {record[1]}: did not fire {list(missing.elements())}, "
                 f"should not have fired {list(extra.elements())}"]
        for name, _, _ in [*missing, *extra][:2]:
            rule = next((r for r in self.rules.interventions if r["name"] == name), None)
            if rule:
                lines.append(g.Writer().intervention(rule))
                lines += [f"    {leaf['attr']} = {g.Writer().attribute(leaf['of'])}" for leaf in leaves(rule["when"])]
        raise Failure("\n  ".join(lines))


def one(job):
    binary, seed = job
    run = None
    try:
        run = Run(binary, seed, True)
        history, digest = run.play()
        run.driver.close()
        again = Run(binary, seed, False, crashing=seed % 3 == 0)
        history2, digest2 = again.play()
        again.driver.close()
        if history2 != history:
            at = next(i for i, (a, b) in enumerate(zip(history, history2)) if a != b)
            raise Failure(f"the replay fired otherwise at record {at + 1}: {history[at]} then {history2[at]}")
        if digest != digest2:
            raise Failure(f"the replay came to another state: {digest} then {digest2}")
        return seed, run.n_fired, again.n_crashes, None
    except Failure as failure:
        where = ""
        if run and run.driver.process.poll() is None:
            where = f"\n  said, with its rules beside it: {run.driver.keep(f'simulate-{seed}')}"
            run.driver.process.kill()
        return seed, 0, 0, f"{failure}{where}"


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--driver", default=f"{TOP}/build/engine_drive")
    options.add_argument("--seeds", type=int, default=300)
    options.add_argument("--seed", type=int)
    options.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    o = options.parse_args()
    seeds = [o.seed] if o.seed is not None else range(1, o.seeds + 1)
    begin, failed, firings, crashes = time.monotonic(), 0, 0, 0
    with multiprocessing.Pool(o.jobs) as pool:
        for seed, n, n_crashes, failure in pool.imap_unordered(one, [(o.driver, s) for s in seeds]):
            firings += n
            crashes += n_crashes
            if failure:
                failed += 1
                print(f"FAILED: seed {seed} (tests/property/simulate.py --seed {seed})\n  {failure}", flush=True)
                if failed >= 5:
                    pool.terminate()
                    break
    print(f"{len(seeds)} seeds, {firings} messages fired, {crashes} crashes survived, {failed} failed, {time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
