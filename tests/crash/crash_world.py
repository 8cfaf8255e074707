"""crash_world.py -- rules, people and events from a seed, and what a server must say of them once it has all that was sent.

Two halves. Attributes: random groups over three attribute keys (generate.py) and the counters below; every value is compared
with model.py over all events, each once. Interventions: rules of which it is known for certain how often they fire, whatever
order the events arrive in and however often they are sent:

    n3, n10, n40   a counter of an identifier that only grows passes a number: once each
    pair           two counters, of a device and of its user, that only events of both change: once each, told to either
    quiet          each device sends one event `still` in its life; 1.5 s later it has faded from a window: once each
    door           an event that is a firing by itself: once for each event id
    moving_K       a counter as of the reload that brought it: as the counter, which is compared, says

Events say themselves when they happened, so that it does not matter when they arrive.
SPDX-License-Identifier: Apache-2.0
"""
import collections
import json
import os
import threading
import time

from crash_site import TOP
import generate as g
import model

KEYS = model.BUILT_IN_KEYS + g.CUSTOM_KEYS
VENDOR = "com.crash"
THRESHOLDS = (3, 10, 40)
MOVING_AT = 3
# Limits that are not what is tested here: so high that values stay exact, ids known, and messages kept.
OPTIONS = {"profile.entries": 1000000, "profile.dedupe_ids": 1000000, "profile.runs": 1000, "push.keep_each": 10000,
           "push.keep_all": 1000000}

LEVERS = """
thing = event "com.crash/thing"
still = event "com.crash/still"
knock = event "com.crash/knock"
attribute_group "fading" {
  attribute_key = "domain_userid",
  attributes = { lately = counter():on(still):within(seconds(1.5)) },
}
intervention "quiet" {
  when = all { attribute "fading:lately":is_null(), attribute "life:stills":gt(0) },
  target_attribute_keys = { "domain_userid" },
}
intervention "door" {
  when = knock:where(knock.hard:gte(3)),
  payload = { id = knock.id },
  target_attribute_keys = { "domain_userid" },
}
intervention "pair" {
  when = all { attribute "life:pairs":gte(2), attribute "people:pairs":gte(2) },
  target_attribute_keys = { "domain_userid", "user_id" },
}
"""
THRESHOLD = """
intervention "n%d" {
  when = attribute "life:things":gte(%d),
  target_attribute_keys = { "domain_userid" },
}
"""
MOVING = """
thing = event "com.crash/thing"
attribute_group "moving" {
  attribute_key = "domain_userid",
  attributes = { m%d = counter():on(thing:where(thing.price:gte(-%d))) },
}
intervention "moving_%d" {
  when = attribute "moving:m%d":gte(%d),
  target_attribute_keys = { "domain_userid" },
}
"""


def counter(group, key, name, event):
    return {"name": name, "ref": f"{group}_v1:{name}", "key": key, "agg": "counter",
            "events": [{"vendor": VENDOR, "name": event}]}


def price_sum(group, key):
    return {"name": "total", "ref": f"{group}_v1:total", "key": key, "agg": "sum",
            "events": [{"vendor": VENDOR, "name": "thing"}],
            "prop": {"kind": "event", "vendor": VENDOR, "name": "thing", "path": "price"}}


def own_groups():
    """Counters for life, which the interventions read."""
    life, people = "domain_userid", "user_id"
    return [{"name": "life", "key": life,
             "attrs": [counter("life", life, "things", "thing"), counter("life", life, "stills", "still"),
                       counter("life", life, "knocks", "knock"), counter("life", life, "pairs", "pair"),
                       price_sum("life", life)]},
            {"name": "people", "key": people,
             "attrs": [counter("people", people, "pairs", "pair"), price_sum("people", people)]}]


def clock_ms():
    return int(time.time() * 1000)


class World:
    """Everything that was ever drawn to be sent. Any thread may draw; a check is for when all that was drawn has been sent."""

    def __init__(self, draw, n_attributes=6):
        self.lock = threading.Lock()
        self.groups = g.some_groups(draw, n_attributes) + own_groups()
        self.number = 0
        self.devices = 0
        self.events = {}                         # (key, identifier) -> [model.Event]
        self.counts = collections.Counter()      # (key, identifier, name) -> how many of our own events
        self.doors = {}                          # id of a knock that fires -> its device
        self.stilled = set()
        self.generation = 0                      # of moving.lua

    # -- rules
    def write_rules(self, folder):
        os.makedirs(folder)
        with open(os.path.join(TOP, "rules", "words.lua"), encoding="utf-8") as f:
            words = f.read()
        for name, text in {"words.lua": words, "random.lua": g.rule_text(g.CUSTOM_KEYS, self.groups),
                           "levers.lua": LEVERS + "".join(THRESHOLD % (n, n) for n in THRESHOLDS)}.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(text)
        self.move_rules(folder)

    def move_rules(self, folder):
        """The next generation of moving.lua."""
        self.generation += 1
        k = self.generation
        with open(os.path.join(folder, "moving.lua~"), "w", encoding="utf-8") as f:
            f.write(MOVING % (k, k, k, k, MOVING_AT))
        os.rename(os.path.join(folder, "moving.lua~"), os.path.join(folder, "moving.lua"))

    # -- events
    def some_event(self, draw, device=None):
        """Draws one: a model.Event that is in the world from now on, to be sent until it is acknowledged."""
        with self.lock:
            self.number += 1
            number = self.number
        device = device or self.some_device(draw)
        ts = clock_ms() - draw.choice([0, 0, 0, draw.randrange(2000), draw.randrange(g.HOUR), draw.randrange(12 * g.HOUR)])
        what = draw.random()
        if what < 0.5:
            columns = self.random_columns(draw, number, device, ts)
        else:
            columns = self.own_columns(draw, number, device, what)
        return self.add(columns, ts, number)

    def marker(self, draw):
        """A thing of the device `all`: how many it has says how many of these have arrived."""
        with self.lock:
            self.number += 1
            number = self.number
        return self.add(self.own_columns(draw, number, "all", 0.6), clock_ms(), number)

    def add(self, columns, ts, number):
        columns["true_tstamp"] = str(ts)
        event = model.Event(columns, ts, number)
        with self.lock:
            for key in KEYS:
                id = model.identifier_of(model.property_of(key["prop"], columns))
                if id is not None:
                    self.events.setdefault((key["name"], id), []).append(event)
                    if columns["event_vendor"] == VENDOR:
                        self.counts[key["name"], id, columns["event_name"]] += 1
        return event

    def some_device(self, draw):
        """A few are large; new ones come all the time."""
        if draw.random() < 0.15:
            return f"large{draw.randrange(3)}"
        with self.lock:
            if self.devices < 30 or draw.random() < 0.04:
                self.devices += 1
                return f"device{self.devices - 1}"
            return f"device{draw.randrange(self.devices)}"

    def random_columns(self, draw, number, device, ts):
        who = {"domain_userid": device}
        if draw.random() < 0.5:
            who["user_id"] = f"user of {device}"
        if draw.random() < 0.5:
            who["basket"] = f"basket{draw.randrange(12)}"
        columns, _ = g.some_event(draw, number, who, ts, ts + 1)
        if draw.random() < 0.9:
            columns.pop("se_value", None)        # for which a tracker has no parameter in such an event
        for name in ("dvce_created_tstamp", "dvce_sent_tstamp"):
            columns.pop(name, None)
        return columns

    def own_columns(self, draw, number, device, what):
        who, data = {"domain_userid": device}, {}
        if what < 0.80:
            name, data["price"] = "thing", draw.choice([1, 2.5, 40])
            if draw.random() < 0.3:
                who["user_id"] = f"user of {device}"
        elif what < 0.85:
            name, who["user_id"] = "pair", f"user of {device}"
        elif what < 0.93:
            name, data = "knock", {"id": f"knock {number}", "hard": draw.randrange(6)}
            if data["hard"] >= 3:
                with self.lock:
                    self.doors[data["id"]] = device
        else:
            with self.lock:
                name = "thing" if device in self.stilled else "still"
                self.stilled.add(device)
            data["price"] = 1
        return {"event_vendor": VENDOR, "event_name": name, "event_version": "1-0-0", "event_id": g.event_id(number), **who,
                "unstruct_event": {"schema": f"iglu:{VENDOR}/{name}/jsonschema/1-0-0", "data": data}}

    def identifiers(self, key):
        with self.lock:
            return sorted(id for k, id in self.events if k == key)

    # -- attributes
    def check_values(self, client, wanted, only=None):
        """Compares every attribute of the wanted identifiers ({key: ids}; None: of all). only(event): counts those alone.
        Returns (values compared, the first differences in words)."""
        compared, wrong = 0, []
        for group in self.groups:
            ids = self.identifiers(group["key"]) if wanted is None else wanted.get(group["key"], [])
            for at in range(0, len(ids), 500):
                part = ids[at:at + 500]
                before = clock_ms()
                columns = client.attributes([a["ref"] for a in group["attrs"]], group["key"], part)
                after = clock_ms()
                for attr in group["attrs"]:
                    for id, got in zip(part, columns[attr["ref"]]):
                        events = self.events.get((group["key"], id), [])
                        events = events if only is None else [e for e in events if only(e)]
                        allowed = values_between(attr, events, before, after)
                        compared += 1
                        if not any(model.close(got, v) for v in allowed):
                            wrong.append(explain(attr, events, id, got, allowed, after))
        return compared, wrong

    # -- interventions
    def expected_firings(self):
        """{(rule, what caused it): {target: identifier}} of the rules that do not move."""
        due = {}
        for device in self.identifiers("domain_userid"):
            target = {("domain_userid", device)}
            things = self.counts["domain_userid", device, "thing"]
            due.update({(f"n{n}", device): target for n in THRESHOLDS if things >= n})
            if self.counts["domain_userid", device, "still"]:
                due["quiet", device] = target
            if self.counts["domain_userid", device, "pair"] >= 2:
                due["pair", device] = target | {("user_id", f"user of {device}")}
        due.update({("door", id): {("domain_userid", device)} for id, device in self.doors.items()})
        return due


def cause_of(message):
    """The firing that a message belongs to: (rule, what caused it)."""
    target = message["target_attribute_key"]["id"]
    if message["name"] == "door":
        return "door", message["payload"]["id"]
    return message["name"], target.removeprefix("user of ")


def target_of(message):
    return message["target_attribute_key"]["name"], message["target_attribute_key"]["id"]


class Heard:
    """Every message that any subscriber got, by the firing it belongs to. All copies of a firing, from before a crash and
    after, must say the same under the same id, which no other firing has."""

    def __init__(self):
        self.firings = {}                        # cause -> (intervention_id, what all copies say, {target})
        self.causes = {}                         # intervention_id -> cause

    def hear(self, messages):
        """Returns problems in words."""
        wrong = []
        for message in messages:
            cause, id = cause_of(message), message["intervention_id"]
            said = json.dumps({k: v for k, v in message.items() if k != "target_attribute_key"}, sort_keys=True)
            if cause not in self.firings:
                self.firings[cause] = (id, said, set())
                if cause[0][0] == "n" and message["attributes"]["life:things"] != cause[0][1:]:
                    wrong.append(f"{cause} fired at another value: {message}")
            first_id, first, targets = self.firings[cause]
            targets.add(target_of(message))
            if id != first_id:
                wrong.append(f"{cause} came under two ids: {first_id} and {id}")
            elif said != first:
                wrong.append(f"copies of {cause} differ: {first} and {said}")
            if self.causes.setdefault(id, cause) != cause:
                wrong.append(f"{cause} and {self.causes[id]} have the same id {id}")
        return wrong

    def check(self, due, may):
        """Every firing that is due was heard of by one of its targets (what waits is for the first who asks), and none that
        is not. may(cause): it may or may not have fired."""
        wrong = [f"{cause} must not have fired: {said}" for cause, (_, said, _) in self.firings.items()
                 if cause not in due and not may(cause)]
        for cause, targets in due.items():
            _, _, reached = self.firings.get(cause, (None, None, set()))
            if not reached:
                wrong.append(f"{cause} was never heard of by any of {sorted(targets)}")
            elif reached - targets:
                wrong.append(f"{cause} was sent to {sorted(reached - targets)}")
        return wrong


# -- values
def values_between(attr, events, before, after):
    """What the attribute may show when it is read between two moments."""
    entries = model.entries_of(attr, events)
    span = attr.get("period") or attr.get("ttl")
    moments = [before]
    if span:
        moments += sorted({ts + span for ts, _ in entries if before < ts + span <= after})
    shown = [model.in_sight(attr, entries, moment) for moment in moments]
    return [model.AGGREGATIONS[attr["agg"]](e) if e else attr.get("default") for e in shown]


def explain(attr, events, id, got, allowed, now):
    entries = model.entries_of(attr, events)
    return (f"{attr['key']} {id}: {attr['name']} = {g.Writer().attribute(attr)}\n"
            f"    the server says {json.dumps(got)}, the definition {' or '.join(map(json.dumps, allowed))}\n"
            f"    its last events (age in ms, value): {[(now - ts, v) for ts, v in entries][-6:]} of {len(entries)}")
