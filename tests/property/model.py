"""model.py -- what attributes and criteria mean, by definition: recomputed from the full list of events, slowly and plainly.

Nothing here is shared with the engine, and nothing is remembered between two questions but the events themselves. It is
written from the meaning of the language: rolling windows are (now - period, now]; events of one time are ordered by their
values; a lifetime with a ttl is the newest run of events whose neighbours are less than the ttl apart; nothing to show is the
default, or None.

Definitions are plain dicts:
  attribute  {ref, name, key, agg, prop, events, where, period, ttl, default, type}   times in ms, None when absent
  event type {vendor, name, version}                                                a missing part matches everything
  property   {kind: atomic|event|entity, name | vendor, name, major, index, path}
  criterion  {all: [...]} | {any: [...]} | {none: [...]} | {op, prop | attr, value}
SPDX-License-Identifier: Apache-2.0
"""
import json
import re

SCALAR = (str, int, float, bool)
NUMERIC = {"sum", "min", "max", "mean"}
WHOLE_COLUMNS, FRACTION_COLUMNS = {"domain_sessionidx", "txn_id"}, {"se_value"}     # of those that the tests use
JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?\Z")


# -- values
def is_number(v):
    return isinstance(v, (int, float)) and not isinstance(v, bool)


def kind(v):
    """Values are compared within a class; between classes the order is bool, number, string."""
    return 0 if isinstance(v, bool) else 1 if is_number(v) else 2


def order(v):
    return (kind(v), v) if v is not None else (-1,)


def same(a, b):
    """Equal as values of the engine are: 1 and 1.0 are, 1 and True are not."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if a is None or b is None or isinstance(a, (list, dict)) or isinstance(b, (list, dict)):
        return a is None and b is None
    return kind(a) == kind(b) and a == b


def close(a, b):
    """same(), but a mean may round differently."""
    if is_number(a) and is_number(b):
        return abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))
    return same(a, b)


def number_of(v):
    if is_number(v):
        return v
    if isinstance(v, str) and JSON_NUMBER.match(v):
        return float(v)
    return None


# -- properties
def steps_of(path):
    return [int(i) if i else name for name, i in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path)]


def follow(data, path):
    for step in steps_of(path):
        if isinstance(step, int):
            if not isinstance(data, list) or step >= len(data):
                return None
            data = data[step]
        else:
            if not isinstance(data, dict) or step not in data:
                return None
            data = data[step]
    return data


def schema_parts(schema):
    vendor, name, _, version = re.match(r"iglu:([^/]+)/([^/]+)/([^/]+)/([^/]+)\Z", schema).groups()
    return vendor, name, int(version.split("-")[0])


def schema_fits(prop, schema):
    vendor, name, major = schema_parts(schema)
    return (prop.get("vendor") in (None, vendor) and prop.get("name") in (None, name)
            and prop.get("major") in (None, major))


def whole_number(v):
    """Of a column of whole numbers, whichever way it came."""
    number = number_of(v)
    return None if number is None or number != int(number) else int(number)


def property_of(prop, columns):
    """The property's value in an event, or None when it is missing or no scalar."""
    if prop["kind"] == "atomic":
        value = columns.get(prop["name"])
        if prop["name"] in WHOLE_COLUMNS:
            value = whole_number(value)
        elif prop["name"] not in FRACTION_COLUMNS and not isinstance(value, str):
            value = None
    elif prop["kind"] == "event":
        own = columns.get("unstruct_event")
        value = follow(own["data"], prop["path"]) if own and schema_fits(prop, own["schema"]) else None
    else:
        fitting = [c["data"] for c in columns.get("contexts", []) if schema_fits(prop, c["schema"])]
        index = prop.get("index", 0)
        value = follow(fitting[index], prop["path"]) if index < len(fitting) else None
    return value if isinstance(value, SCALAR) else None


# -- criteria
def like(pattern, text):
    out = ""
    escaped = False
    for c in pattern:
        if escaped:
            out, escaped = out + re.escape(c), False
        elif c == "\\":
            escaped = True
        else:
            out += ".*" if c == "%" else "." if c == "_" else re.escape(c)
    return re.fullmatch(out, text, re.S) is not None


def comparable(a, b):
    return a is not None and not isinstance(a, (list, dict)) and kind(a) == kind(b)


OPERATORS = {
    "eq": lambda v, c: comparable(v, c) and v == c,
    "neq": lambda v, c: comparable(v, c) and v != c,
    "gt": lambda v, c: is_number(v) and v > c,
    "gte": lambda v, c: is_number(v) and v >= c,
    "lt": lambda v, c: is_number(v) and v < c,
    "lte": lambda v, c: is_number(v) and v <= c,
    "like": lambda v, c: isinstance(v, str) and like(c, v),
    "not_like": lambda v, c: isinstance(v, str) and not like(c, v),
    "rlike": lambda v, c: isinstance(v, str) and re.search(c, v) is not None,
    "not_rlike": lambda v, c: isinstance(v, str) and re.search(c, v) is None,
    "in_list": lambda v, c: any(comparable(v, x) and v == x for x in c),
    "not_in_list": lambda v, c: any(comparable(v, x) for x in c) and not any(comparable(v, x) and v == x for x in c),
    "is_null": lambda v, c: v is None,
    "is_not_null": lambda v, c: v is not None,
}


def holds(criterion, value_of, before_of=None):
    """value_of(leaf): the leaf's value; before_of: the same without the event, for `changed`."""
    if criterion is None:
        return True
    if "all" in criterion:
        return all(holds(c, value_of, before_of) for c in criterion["all"])
    if "any" in criterion:
        return any(holds(c, value_of, before_of) for c in criterion["any"])
    if "none" in criterion:
        return not any(holds(c, value_of, before_of) for c in criterion["none"])
    if criterion["op"] == "changed":
        return before_of is not None and not same(value_of(criterion), before_of(criterion))
    return OPERATORS[criterion["op"]](value_of(criterion), criterion.get("value"))


# -- events
class Event:
    """columns: as sent; ts: when it happened; seq: which one in the engine's order."""

    def __init__(self, columns, ts, seq):
        self.columns, self.ts, self.seq = columns, ts, seq
        self.id = columns["event_id"].lower()
        self.counted = {}                      # attribute's ref and birth -> (counts, value); the event does not change

    def is_of(self, types):
        return any(all(t.get(part) in (None, self.columns["event_" + part]) for part in ("vendor", "name", "version"))
                   and (t.get("where") is None or holds(t["where"], lambda leaf: property_of(leaf["prop"], self.columns)))
                   for t in types)

    def value_for(self, attr):
        """(does it count for this attribute, with which value)"""
        known = self.counted.get(attr["ref"])
        if known is None or known[2] is not attr:
            known = self.counted[attr["ref"]] = (*self._value_for(attr), attr)
        return known[:2]

    def concerns(self, attr):
        """Is it one of the attribute's events, and do its criteria hold?"""
        return self.is_of(attr["events"]) and holds(attr.get("where"), lambda leaf: property_of(leaf["prop"], self.columns))

    def _value_for(self, attr):
        if not self.concerns(attr):
            return False, None
        if not attr.get("prop"):
            return True, None
        value = property_of(attr["prop"], self.columns)
        if attr["agg"] in NUMERIC:
            value = number_of(value)
        return value is not None, value


# -- aggregations: over (ts, value), in order, at least one
def last_seen_order(entries):
    """Distinct values, the least recently seen first."""
    seen = {}
    for _, v in entries:
        key = (kind(v), v)
        seen.pop(key, None)
        seen[key] = v
    return list(seen.values())


def counts(entries):
    found = {}
    for _, v in entries:
        found[(kind(v), v)] = found.get((kind(v), v), 0) + 1
    return found


def frequent(entries, best):
    """Of the values with the best count, the one seen last."""
    n = counts(entries)
    want = best(n.values())
    return [v for v in last_seen_order(entries) if n[(kind(v), v)] == want][-1]


def text_of(v):
    return v if isinstance(v, str) else json.dumps(v)


AGGREGATIONS = {
    "counter": len,
    "sum": lambda e: sum(v for _, v in e),
    "min": lambda e: min(v for _, v in e),
    "max": lambda e: max(v for _, v in e),
    "mean": lambda e: sum(v for _, v in e) / len(e),
    "first": lambda e: e[0][1],
    "last": lambda e: e[-1][1],
    "most_frequent": lambda e: frequent(e, max),
    "least_frequent": lambda e: frequent(e, min),
    "approx_count_distinct": lambda e: len(counts(e)),
    "category_count": lambda e: {text_of(v): n for (_, v), n in counts(e).items()},
    "unique_list": last_seen_order,
}


def entries_of(attr, events, without=None):
    """What the attribute counts of these events, in order."""
    found = []
    for event in events:
        if event is without or event.seq <= attr.get("born", -1):
            continue
        counts_for, value = event.value_for(attr)
        if counts_for:
            found.append((event.ts, value))
    found.sort(key=lambda e: (e[0], order(e[1])))
    return found


def newest_run(entries, ttl, now):
    if not entries or now - entries[-1][0] >= ttl:
        return []
    start = len(entries) - 1
    while start > 0 and entries[start][0] - entries[start - 1][0] < ttl:
        start -= 1
    return entries[start:]


def in_sight(attr, entries, now):
    """Those that the attribute's window, or its lifetime, shows at now."""
    if attr.get("period"):
        return [e for e in entries if max(now - attr["period"], attr.get("hidden", 0)) < e[0] <= now]
    if attr.get("ttl"):
        return newest_run(entries, attr["ttl"], now)
    return entries


def value_at(attr, events, now, without=None):
    entries = in_sight(attr, entries_of(attr, events, without), now)
    return AGGREGATIONS[attr["agg"]](entries) if entries else attr.get("default")


def values_within(attr, events, now, slack):
    """Every value the attribute may have when its window's old edge reaches up to `slack` ms further back."""
    entries = [e for e in entries_of(attr, events) if e[0] <= now]
    edge = now - attr["period"]
    exact = next((i for i, e in enumerate(entries) if e[0] > edge), len(entries))
    widest = next((i for i, e in enumerate(entries) if e[0] > edge - slack), len(entries))
    return [AGGREGATIONS[attr["agg"]](entries[i:]) if entries[i:] else attr.get("default") for i in range(widest, exact + 1)]


# -- people
def identifier_of(v):
    """A text, or a whole number as its digits; None when it identifies nobody."""
    if isinstance(v, float) and v == int(v) and abs(v) < 2**53:
        v = int(v)
    if is_number(v) and isinstance(v, int) and v < 2**63:
        v = str(v)
    return v if isinstance(v, str) and 0 < len(v.encode()) <= 1024 else None


class Store:
    """The events of every (key, identifier): each event id once."""

    def __init__(self):
        self.events = {}

    def of(self, key, id):
        return self.events.get((key, id), [])

    def add(self, event, keys):
        """keys: [{name, prop}]. Returns {key: identifier} of the event and the set of keys for which it was new."""
        ids, new = {}, set()
        for key in keys:
            id = identifier_of(property_of(key["prop"], event.columns))
            if id is None:
                continue
            ids[key["name"]] = id
            known = self.events.setdefault((key["name"], id), [])
            if all(e.id != event.id for e in known):
                known.append(event)
                new.add(key["name"])
        return ids, new


BUILT_IN_KEYS = [{"name": name, "prop": {"kind": "atomic", "name": name}}
                 for name in ("domain_userid", "user_id", "network_userid", "domain_sessionid")]
