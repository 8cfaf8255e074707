"""generate.py -- random rule files and random events from a seed, for the tests that compare with the model.

Definitions are the dicts of model.py; rule_text() writes them in the rule language.
SPDX-License-Identifier: Apache-2.0
"""
import json

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3600_000, 86400_000
START = 1_700_000_000_000
PERIODS = [2 * SECOND, 10 * SECOND, MINUTE, 7 * MINUTE, HOUR, 5 * HOUR, DAY, 7 * DAY, 30 * DAY]
TTLS = [30 * SECOND, 10 * MINUTE, HOUR, DAY, 10 * DAY]

VENDORS = ["com.acme", "org.other"]
NAMES = ["view", "cart"]
VERSIONS = ["1-0-0", "1-0-1", "2-0-0"]
ENTITY = {"vendor": "com.acme", "name": "item"}
TEXTS = ["a", "b", "c", "red", "blue", "Rot%", "12", "3.5", "ünï", ""]
NUMBERS = [0, 1, 2, 3, 5, 7, 100, -4, 2.5, 0.25, -0.75, 1000000]
AGGREGATIONS = ["counter", "sum", "min", "max", "mean", "first", "last", "most_frequent", "least_frequent",
                "approx_count_distinct", "category_count", "unique_list"]
# Keys of the rules' own: of an event's data, of a column that is a number, of entities, the first and the second of an event.
CUSTOM_KEYS = [
    {"name": "basket", "prop": {"kind": "event", "vendor": "com.acme", "name": "cart", "path": "basket"}},
    {"name": "visit", "prop": {"kind": "atomic", "name": "domain_sessionidx"}},
    {"name": "sku", "prop": {"kind": "entity", **ENTITY, "major": 1, "index": 0, "path": "sku"}},
    {"name": "beside", "prop": {"kind": "entity", **ENTITY, "major": 1, "index": 1, "path": "sku"}},
]
# Some are one, some identify nobody.
IDENTIFIERS = ["7", 7, 7.0, "07", "7.0", 0, "0", -0.0, -3, "a", "ünï", "x" * 1024, 2**63 - 1,
               "", None, True, False, 2.5, [7], {"id": 7}, "x" * 1025, 2.0**53, 1e19]


def plain(key):
    """A key's name in the rules. A model may tell an earlier key of the same name from it by what stands behind a dot."""
    return key.split(".")[0]


# -- the rule language
def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def lua(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "{ " + ", ".join(lua(v) for v in value) + " }"
    return json.dumps(value)


def duration(ms):
    for word, unit in (("days", DAY), ("hours", HOUR), ("minutes", MINUTE)):
        if ms % unit == 0:
            return f"{word}({ms // unit})"
    return f"seconds({ms / 1000:g})"


def event_text(t):
    parts = [t.get("vendor") or "*", t.get("name") or "*", t.get("version") or "*"]
    while len(parts) > 1 and parts[-1] == "*":
        parts.pop()
    return f'event "{"/".join(parts)}"'


class Writer:
    """Writes one rule file; what properties hang from is named at its top, when something uses it."""

    def __init__(self):
        self.names = {}

    def name(self, prefix, made_by):
        if made_by not in self.names:
            self.names[made_by] = f"{prefix}_{len(self.names)}"
        return self.names[made_by]

    def property(self, p):
        if p["kind"] == "atomic":
            return "atomic." + p["name"]
        if p["kind"] == "event":
            version = f"/{p['major']}-0-0" if p.get("major") else ""
            base = self.name("of", f'event "{p.get("vendor") or "*"}/{p.get("name") or "*"}{version}"')
        else:
            base = self.name("entity", f'entity "{p["vendor"]}/{p["name"]}/{p["major"]}"')
            if p.get("index"):
                base += f"[{p['index']}]"
        return f"{base}.{p['path']}"

    def criterion(self, c):
        for word in ("all", "any", "none"):
            if word in c:
                return f"{word} {{ " + ", ".join(self.criterion(k) for k in c[word]) + " }"
        subject = self.property(c["prop"]) if "prop" in c else f'attribute "{c["attr"]}"'
        if "value" not in c:
            return f"{subject}:{c['op']}()"
        return f"{subject}:{c['op']}({lua(c['value'])})"

    def attribute(self, a):
        text = f"{a['agg']}({self.property(a['prop']) if a.get('prop') else ''})"
        text += ":on(" + ", ".join(event_text(t) for t in a["events"]) + ")"
        if a.get("where"):
            text += f":where({self.criterion(a['where'])})"
        if a.get("period"):
            text += f":within({duration(a['period'])})"
        if a.get("own_ttl"):
            text += f":ttl({duration(a['own_ttl'])})"
        if "default" in a:
            text += f":default({lua(a['default'])})"
        if a.get("type"):
            text += f":as({quoted(a['type'])})"
        return text

    def group(self, g):
        lines = [f'attribute_group "{g["name"]}" {{', f'  attribute_key = "{plain(g["key"])}",']
        if g.get("ttl"):
            lines.append(f"  ttl = {duration(g['ttl'])},")
        lines.append("  attributes = {")
        lines += [f"    {a['name']} = {self.attribute(a)}," for a in g["attrs"]]
        return "\n".join(lines + ["  },", "}", ""])

    def intervention(self, r):
        lines = [f'intervention "{r["name"]}" {{', f"  when = {self.criterion(r['when'])},"]
        if r.get("targets"):
            lines.append(f"  target_attribute_keys = {lua(list(map(plain, r['targets'])))},")
        return "\n".join(lines + ["}", ""])

    def key(self, k):
        return f'attribute_key "{plain(k["name"])}" {{ property = {self.property(k["prop"])} }}\n'

    def file(self, keys=(), groups=(), interventions=()):
        body = "".join([*map(self.key, keys), *map(self.group, groups), *map(self.intervention, interventions)])
        return "".join(f"{name} = {made_by}\n" for made_by, name in self.names.items()) + body


def rule_text(keys=(), groups=(), interventions=()):
    return Writer().file(keys, groups, interventions)


# -- random definitions
def some_property(draw, numeric=None):
    """numeric: True for one that often holds numbers, False for one of few values, None for any."""
    if numeric is None:
        numeric = draw.random() < 0.5
    own = {"kind": "event", "vendor": draw.choice(["com.acme", None]), "name": draw.choice(["view", "cart", None]),
           "major": draw.choice([None, None, 1, 2])}
    if own["name"] is None or own["vendor"] is None:
        own["major"] = None                     # an event without name has no version either
    entity = {"kind": "entity", **ENTITY, "major": draw.choice([1, 1, 2]), "index": draw.choice([0, 0, 0, 1, 2])}
    if numeric:
        return draw.choice([{**own, "path": "n"}, {**own, "path": "deep.list[1].n"}, {**entity, "path": "price"},
                            {"kind": "atomic", "name": "se_value"}])
    return draw.choice([{**own, "path": "s"}, {**own, "path": "deep.s"}, {**own, "path": "flag"}, {**own, "path": "mixed"},
                        {**entity, "path": "tag"}, {"kind": "atomic", "name": "app_id"}])


def some_leaf(draw):
    numeric = draw.random() < 0.5
    prop = some_property(draw, numeric)
    if numeric:
        op = draw.choice(["eq", "neq", "gt", "gte", "lt", "lte", "in_list", "is_null", "is_not_null"])
        value = [draw.choice(NUMBERS) for _ in range(3)] if op == "in_list" else draw.choice(NUMBERS)
    else:
        op = draw.choice(["eq", "neq", "like", "in_list", "is_null", "is_not_null"])
        value = draw.choice(TEXTS)
        if op == "like":
            value = draw.choice(["%e%", "_", "re_", "%", "b%", "%\\%", "%ü%"])
        elif op == "in_list":
            value = [draw.choice(TEXTS) for _ in range(3)] + draw.choice([[], [True], [1]])
        elif op in ("eq", "neq") and draw.random() < 0.2:
            value = draw.random() < 0.5
    leaf = {"op": op, "prop": prop}
    if not op.startswith("is_"):
        leaf["value"] = value
    return leaf


def some_criterion(draw, depth=2):
    if depth == 0 or draw.random() < 0.5:
        return some_leaf(draw)
    return {draw.choice(["all", "any", "none"]): [some_criterion(draw, depth - 1) for _ in range(draw.randrange(1, 4))]}


def some_event_types(draw):
    if draw.random() < 0.2:
        return [{}]
    types = []
    for _ in range(draw.choice([1, 1, 2])):
        t = {"vendor": draw.choice(VENDORS[:1] * 3 + VENDORS[1:] + [None]), "name": draw.choice(NAMES * 2 + [None]),
             "version": draw.choice([None, None, None, "1-0-0", "2-0-0"])}
        if t not in types:
            types.append(t)
    return types


def some_attribute(draw, name, group):
    agg = draw.choice(AGGREGATIONS)
    a = {"name": name, "ref": f"{group['name']}_v1:{name}", "key": group["key"], "agg": agg, "events": some_event_types(draw)}
    if agg != "counter":
        a["prop"] = some_property(draw, True if agg in ("sum", "min", "max", "mean") and draw.random() < 0.9 else None)
    if draw.random() < 0.5:
        a["where"] = some_criterion(draw)
    if draw.random() < 0.6:
        a["period"] = draw.choice(PERIODS)
    elif draw.random() < 0.5:
        a["own_ttl"] = draw.choice(TTLS)
    if not a.get("period"):
        a["ttl"] = a.get("own_ttl") or group.get("ttl")
    if agg == "counter" and draw.random() < 0.3:
        a["default"] = draw.choice([0, -1, 5])
        a["type"] = draw.choice(["int32", "int64"])
    elif agg in ("sum", "mean") and draw.random() < 0.2:
        a["default"] = draw.choice([0, 0.5])
    return a


def some_groups(draw, n_attributes=20):
    groups = []
    for i, key in enumerate(["domain_userid", "user_id", *(key["name"] for key in CUSTOM_KEYS)]):
        group = {"name": f"g{i}", "key": key, "attrs": []}
        if draw.random() < 0.3:
            group["ttl"] = draw.choice(TTLS)
        for j in range(n_attributes if i == 0 else max(n_attributes // 4, 1) if i < 3 else max(n_attributes // 6, 1)):
            group["attrs"].append(some_attribute(draw, f"a{j}", group))
        # windows of one thing, so that they share a series
        for j, period in enumerate(draw.sample(PERIODS, 3)):
            twin = draw.choice(group["attrs"])
            twin = {k: v for k, v in twin.items() if k not in ("own_ttl", "ttl")} | {"period": period, "name": f"w{j}"}
            twin["ref"] = f"{group['name']}_v1:w{j}"
            group["attrs"].append(twin)
        groups.append(group)
    return groups


# -- random events
def some_value(draw, numeric):
    at = draw.random()
    if at < 0.04:
        return None
    if at < 0.08:
        return draw.choice([[1], {"x": 1}, []])
    if numeric:
        return draw.choice(NUMBERS) if at < 0.9 else draw.choice(["12", "3.5", "twelve", True, "1e2", " 5", "0x10"])
    return draw.choice(TEXTS)


def some_data(draw, who):
    """What an event says of itself."""
    data = {}
    if draw.random() < 0.9:
        data["n"] = some_value(draw, True)
    if draw.random() < 0.9:
        data["s"] = some_value(draw, False)
    if draw.random() < 0.5:
        data["flag"] = draw.choice([True, False])
    if draw.random() < 0.7:
        data["mixed"] = draw.choice([1, 2, True, "a", "b", 2.5])
    if draw.random() < 0.5:
        data["deep"] = {"s": some_value(draw, False), "list": [{"n": 1}, {"n": some_value(draw, True)}][:draw.randrange(3)]}
    if "basket" in who:
        data["basket"] = who["basket"]
    return data


def some_entities(draw):
    """(schema, data) of what is attached."""
    return [(f"iglu:com.acme/item/jsonschema/{draw.choice(['1-0-0', '1-0-3', '2-0-0'])}",
             {"price": some_value(draw, True), "tag": some_value(draw, False), "sku": draw.choice(IDENTIFIERS)})
            for _ in range(draw.randrange(4))]


def some_event(draw, number, who, ts, arrival):
    """Columns of an event that happened at ts and arrives at arrival >= ts; returns them and the time it will be given."""
    vendor, name, version = draw.choice(VENDORS[:1] * 3 + VENDORS[1:]), draw.choice(NAMES), draw.choice(VERSIONS)
    columns = {"event_vendor": vendor, "event_name": name, "event_version": version, "event_id": event_id(number),
               "unstruct_event": {"schema": f"iglu:{vendor}/{name}/jsonschema/{version}", "data": some_data(draw, who)}}
    columns.update((k, v) for k, v in who.items() if k != "basket")
    if draw.random() < 0.6:
        columns["contexts"] = [{"schema": schema, "data": data} for schema, data in some_entities(draw)]
    if draw.random() < 0.5:
        columns["app_id"] = draw.choice(["shop", "blog", "app"])
    if draw.random() < 0.4:
        columns["se_value"] = draw.choice([1.5, 2.25, 40.5])
    return columns, set_time(draw, columns, ts, arrival)


def set_time(draw, columns, ts, arrival):
    """One of the ways in which an event says when it happened."""
    late = arrival - ts
    way = draw.randrange(4)
    if late == 0 and way == 0:
        return arrival                          # it says nothing
    if late > 0 and way <= 1:                   # a device whose clock is wrong, but whose differences are right
        wrong = arrival + draw.randrange(-10 * DAY, 10 * DAY)
        columns["dvce_created_tstamp"], columns["dvce_sent_tstamp"] = str(wrong - late), str(wrong)
        return ts
    if late == 0 and way == 1:                  # from the future: it happened now at the latest
        columns["true_tstamp"] = str(arrival + draw.randrange(0, 5 * DAY))
        return arrival
    columns["true_tstamp"] = str(ts)
    return ts


def event_id(number):
    return f"{number:08x}-0000-4000-8000-{number:012x}"
