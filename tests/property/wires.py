#!/usr/bin/env python3
"""wires.py -- the same events through every wire format: eight engines, one state.

Each seed makes rules and hits, as trackers would send them, and hands every batch to one engine a wire: a tracker's POST with
its JSON plain, in base64, and in both at once, its GET, and the enriched event as a map in JSON, in NDJSON and in msgpack,
and as TSV. On the way each wire says the same in whatever way it can: numbers as texts, times in several forms, parts as JSON
or as JSON in a string, what is missing as null or not at all, what follows from the rest given or left to the server. After
every batch the firings must be the same on all wires, and all attributes of everybody at moments between; where wires put the
same events into the same bodies, message ids and digests too.

A GET holds one event. A body of TSV is applied in the order of time: one event goes into each, or those of a batch are in that
order on the other wires.
    wires.py --seeds 40           seeds 1 to 40
    wires.py --seed 17            one of them
SPDX-License-Identifier: Apache-2.0
"""
import argparse
import base64
import datetime
import json
import multiprocessing
import os
import random
import re
import sys
import time
import urllib.parse

import msgpack

import generate as g
import hits as h
import model
from driver import TOP, Driver, Failure
from simulate import some_tree

BATCHES, PEOPLE = 50, 4
KEYS = model.BUILT_IN_KEYS + g.CUSTOM_KEYS
PATHS = ["/", "/pricing", "/cart", "/a/b", "/a%20b/c", "/x", "/p"]     # of pages: a key that the server works out
UNSTRUCT = f"iglu:{h.SNOWPLOW}/unstruct_event/jsonschema/1-0-0"
CONTEXTS = f"iglu:{h.SNOWPLOW}/contexts/jsonschema/1-0-"


# -- encoding: each function says one thing in one of the ways that there are
def json_text(draw, value):
    return json.dumps(value, ensure_ascii=draw.random() < 0.5, separators=draw.choice([None, (",", ":"), (" , ", " : ")]))


def part_base64(draw, value):
    text = base64.urlsafe_b64encode(json_text(draw, value).encode()).decode()
    return text.rstrip("=") if draw.random() < 0.7 else text


def unstruct(own):
    return {"schema": UNSTRUCT, "data": {"schema": own[0], "data": own[1]}}


def listed(entities):
    return [{"schema": schema, "data": data} for schema, data in entities]


def contexts(draw, entities):
    return {"schema": CONTEXTS + draw.choice("01"), "data": listed(entities)}


def shuffled(draw, pairs):
    pairs = list(pairs)
    draw.shuffle(pairs)
    return dict(pairs)


def tracker_params(draw, hit, parts):
    """parts: plain, base64, or both: the first entities as the one and the rest as the other."""
    params = {name: value for name, value in hit.params.items() if value or draw.random() < 0.5}
    cut = {"plain": len(hit.entities), "base64": 0, "both": hit.cut}[parts]
    if hit.entities[:cut]:
        params["co"] = json_text(draw, contexts(draw, hit.entities[:cut]))
    if hit.entities[cut:]:
        params["cx"] = part_base64(draw, contexts(draw, hit.entities[cut:]))
    if hit.own and (parts == "plain" or parts == "both" and draw.random() < 0.5):
        params["ue_pr"] = json_text(draw, unstruct(hit.own))
    elif hit.own:
        params["ue_px"] = part_base64(draw, unstruct(hit.own))
    if draw.random() < 0.2:
        params["zz"] = "of a tracker to come"
    return shuffled(draw, params.items())


def tp2(parts):
    def body(draw, hits, arrival):
        data = []
        for hit in hits:
            params = tracker_params(draw, hit, parts)
            for name, column in h.PARAMS.items():       # some send whole numbers as such
                if h.TYPES[column] == "I" and re.fullmatch(r"0|-?[1-9]\d{,17}", params.get(name, "")) and draw.random() < 0.2:
                    params[name] = int(params[name])
            data.append(params)
        return json_text(draw, {"schema": f"iglu:{h.SNOWPLOW}/payload_data/jsonschema/1-0-{draw.choice('04')}", "data": data}).encode()
    return body


def query(draw, hits, arrival):
    hit, = hits
    params = tracker_params(draw, hit, draw.choice(["plain", "base64", "base64", "both"])).items()
    twice = [(name, "came earlier") for name, text in params if text and name != "p" and draw.random() < 0.03]     # the last one counts
    return urllib.parse.urlencode([*twice, *params], quote_via=draw.choice([urllib.parse.quote, urllib.parse.quote_plus])).encode()


def time_text(ms, form):
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    text = f"{moment.year:04}-{moment:%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"
    if form == "short":
        text = text.rstrip("0").rstrip(".")
    elif form == "iso":
        text = text.replace(" ", "T") + "Z"
    elif form == "zone":
        text = time_text(ms + 5400000, "enriched").replace(" ", "T") + "+01:30"
    return text


def typed(draw, column, value):
    """A column's value as a map may hold it."""
    kind = h.TYPES[column]
    if kind == "S":
        return draw.choice([value, str(value), float(value), *(time_text(value, form) for form in ("enriched", "short", "iso", "zone"))])
    if kind == "B":
        return draw.choice([value, int(value), str(int(value))])
    if kind == "I":
        return draw.choice([value, str(value), float(value) if abs(value) < 2**53 else value])
    if kind == "D":
        return draw.choice([value, str(value), int(value) if value == int(value) else value])
    return value


def said(draw, hit, arrival):
    """The columns that an enriched event says itself; it may leave to the server what follows from them."""
    found = hit.columns(arrival)
    own = ["event", "event_vendor", "event_name", "event_version", "event_format"]
    at = draw.random()
    if at < 0.2:
        own = own[1:]
    elif at < 0.4:                              # e says all, or the schema of its data does
        own = ["event"] if hit.params["e"] != "ue" or draw.random() < 0.5 else []
    if draw.random() < 0.5:
        found.pop("derived_tstamp")
    if " " in found.get("page_url", "") and draw.random() < 0.5:
        found["page_url"] = found["page_url"].replace(" ", "%20")
    return {name: value for name, value in found.items() if not name.startswith("event") or name == "event_id" or name in own}


def column_map(draw, hit, arrival):
    columns = {name: typed(draw, name, value) for name, value in said(draw, hit, arrival).items()}
    if draw.random() < 0.5:
        columns.pop("collector_tstamp")
    for param, text in hit.params.items():      # junk, which is as good as nothing
        column = h.PARAMS.get(param)
        if column and h.TYPES[column] and h.CONVERT[h.TYPES[column]](text) is None and draw.random() < 0.5:
            columns[column] = text
    for name in draw.sample(list(h.PARAMS.values()), 5):
        columns.setdefault(name, draw.choice([None, ""]))
    cut = hit.cut if draw.random() < 0.3 else len(hit.entities)
    for name, entities in (("contexts", hit.entities[:cut]), ("derived_contexts", hit.entities[cut:])):
        if entities or draw.random() < 0.1:
            wrapped = contexts(draw, entities)
            columns[name] = draw.choice([wrapped, wrapped["data"], json_text(draw, wrapped), json_text(draw, wrapped["data"])])
    if hit.own:
        wrapped = unstruct(hit.own)
        columns["unstruct_event"] = draw.choice([wrapped, wrapped["data"], json_text(draw, wrapped), json_text(draw, wrapped["data"])])
    elif draw.random() < 0.2:
        columns["unstruct_event"] = draw.choice([None, ""])
    if draw.random() < 0.2:
        columns["zz_column"] = {"of": ["a", "pipeline to come"]}
    return shuffled(draw, columns.items())


def maps(draw, hits, arrival):
    found = [column_map(draw, hit, arrival) for hit in hits]
    return found[0] if len(found) == 1 and draw.random() < 0.5 else found


def json_maps(draw, hits, arrival):
    return json_text(draw, maps(draw, hits, arrival)).encode()


def ndjson(draw, hits, arrival):
    lines = [json_text(draw, column_map(draw, hit, arrival)) + draw.choice(["\n", "\n", "\r\n", "\n\n"]) for hit in hits]
    return "".join(lines).rstrip("\r\n" if draw.random() < 0.3 else "").encode()


def msgpack_maps(draw, hits, arrival):
    found = maps(draw, hits, arrival)
    try:
        short = msgpack.packb(found, use_single_float=True)
        if msgpack.unpackb(short) == found and draw.random() < 0.5:
            return short
    except OverflowError:                       # a number beyond single floats
        pass
    return msgpack.packb(found)


def tsv_line(draw, hit, arrival):
    columns = said(draw, hit, arrival)
    columns.update(v_etl="generated-1.0", etl_tstamp=arrival)
    text = {name: time_text(value, draw.choice(["enriched", "short"])) if h.TYPES[name] == "S" else str(int(value)) if h.TYPES[name] == "B"
            else draw.choice([repr(value), json.dumps(float(value))]) if h.TYPES[name] == "D" else str(value) for name, value in columns.items()}
    cut = hit.cut if draw.random() < 0.5 else len(hit.entities)
    if hit.entities[:cut]:
        text["contexts"] = json_text(draw, contexts(draw, hit.entities[:cut]))
    if hit.entities[cut:]:
        text["derived_contexts"] = json_text(draw, contexts(draw, hit.entities[cut:]))
    if hit.own:
        text["unstruct_event"] = json_text(draw, unstruct(hit.own))
    return "\t".join(text.get(name, "") for name in h.TYPES)


def tsv(draw, hits, arrival):
    if draw.random() < 0.5:                     # the last first, as Snowplow Micro writes them; those of one time in order
        hits = sorted(hits, key=lambda hit: -hit.columns(arrival)["derived_tstamp"])
    return ("\n".join(tsv_line(draw, hit, arrival) for hit in hits) + draw.choice(["", "\n"])).encode()


# name: (the driver's wire, the body that holds these hits)
WIRES = {
    "tracker, plain": ("tp2", tp2("plain")), "tracker, base64": ("tp2", tp2("base64")), "tracker, both": ("tp2", tp2("both")),
    "query": ("query", query), "json": ("json", json_maps), "ndjson": ("ndjson", ndjson), "msgpack": ("msgpack", msgpack_maps),
    "tsv": ("tsv", tsv),
}


# -- rules
def some_operand(draw, column):
    """An operator and its value for a column."""
    kind, name = h.TYPES[column], {column for column in h.PARAMS.values()}
    if kind in ("I", "D"):
        return draw.choice(["eq", "neq", "gt", "lte", "in_list"]), draw.choice([0, 1, 2, 2.25, 25, 1280])
    if kind == "B":
        return draw.choice(["eq", "neq"]), draw.random() < 0.5
    if kind == "S":
        return draw.choice(["gt", "lte"]), g.START + draw.randrange(2 * g.DAY)
    return draw.choice(["eq", "neq", "like"]), draw.choice(["%a%", "a", "12", "% %", "%é%", "100\\%", "web", "%utm%"]) if column in name else "%a%"


def column_rules(draw):
    """What columns hold, seen by each device, and criteria over columns. Returns text and {key: [attribute]}."""
    columns = [f"{name} = unique_list(atomic.{name}):on(every)" for name in draw.sample(h.SAYABLE, 40)]
    columns += ["products = category_count(product.name):on(every)", "second_product = last(product[1].name):on(every)",
                "long = counter():on(every):where(criterion(atomic.page_url, atomic.page_title, function(url, title) return #url > #title end))"]
    for i in range(12):
        column = draw.choice(h.SAYABLE)
        op, value = draw.choice([some_operand(draw, column), ("is_null", None), ("is_not_null", None)])
        value = [value, 3] if op == "in_list" else value
        columns.append(f"c{i} = counter():on(every):where(atomic.{column}:{op}({'' if value is None else g.lua(value)}))")
    text = "\n".join([
        'every = event "*"', f'product = entity "{h.SHOP}/product/1"', 'bought = event "com.acme/cart"',
        'attribute_key "path" { property = atomic.page_urlpath }',
        'attribute_group "columns" { attribute_key = "domain_userid", attributes = {', *(f"  {line}," for line in columns), "} }",
        'attribute_group "paths" { attribute_key = "path", attributes = { n = counter():on(every), last = last(atomic.event_id):on(every) } }',
        'intervention "bought" { when = bought, target_attribute_keys = { "user_id", "basket", "visit" },',
        '  payload = { total = bought.n, text = bought.s, url = atomic.page_url, pages = attribute "paths:n" } }', ""])
    return text, {"domain_userid": [f"columns_v1:{line.split()[0]}" for line in columns], "path": ["paths_v1:n", "paths_v1:last"]}


def shipped_rules():
    """{file: text} and the attributes that they define, all of devices."""
    files, attributes = {}, []
    for name in ("words.lua", "ecommerce.lua", "prospect_scoring.lua"):
        with open(os.path.join(TOP, "rules", name), encoding="utf-8") as f:
            files[name] = f.read()
        for group, body in re.findall(r'attribute_group "(\w+)" \{(.*?)\n\}', files[name], re.S):
            attributes += [f"{group}_v1:{attribute}" for attribute in re.findall(r"^    (\w+) +=", body, re.M)]
    return files, attributes


def alike(by_wire):
    """As JSON, to which 1 and true are two."""
    return len({json.dumps(value, sort_keys=True) for value in by_wire.values()}) <= 1


class World:
    """One engine a wire, and the same events for all of them."""

    def __init__(self, binary, seed):
        self.draw = draw = random.Random(f"wires {seed}")
        groups = g.some_groups(draw, 12)
        known = [a for group in groups for a in group["attrs"]]
        interventions = [{"name": f"i{j}", "when": some_tree(draw, [a for a in known if a["key"] in ("domain_userid", "user_id", "sku")]),
                          "targets": draw.choice([None, ["domain_userid", "basket"]])} for j in range(12)]
        text, self.attributes = column_rules(draw)
        files = {"random.lua": g.rule_text(g.CUSTOM_KEYS, groups, interventions), "columns.lua": text}
        for group in groups:
            self.attributes.setdefault(group["key"], []).extend(a["ref"] for a in group["attrs"])
        if seed % 4 == 0:
            shipped, attributes = shipped_rules()
            files.update(shipped)
            self.attributes["domain_userid"] += attributes
        self.mode = draw.choice(["single", "in order", "as it comes"])
        self.drivers = {wire: Driver(binary, files, g.START) for wire in WIRES}
        self.people = {"path": set(PATHS), **{key["name"]: {"nobody"} for key in KEYS}}
        self.compared = self.fired = self.shown = 0

    def is_single(self, wire):
        """Does it put each event of a batch into a body of its own?"""
        return wire == "query" or wire == "tsv" and self.mode == "as it comes"

    def bodies(self, wire, hits, arrival):
        name, encode = WIRES[wire]
        parts = [[hit] for hit in hits] if self.is_single(wire) else [hits]
        return name, [encode(self.draw, part, arrival) for part in parts]

    def send(self, hits, arrival):
        accepted, fired = {}, {}
        if self.mode == "in order":
            hits.sort(key=lambda hit: hit.columns(arrival)["derived_tstamp"])
        for wire, driver in self.drivers.items():
            name, bodies = self.bodies(wire, hits, arrival)
            accepted[wire] = sum(driver.post(name, body, arrival)["accepted"] for body in bodies)
            fired[wire] = driver.fired()
        self.same(f"of {len(hits)} events accepted", accepted)
        self.same_firings(fired)
        for hit in hits:
            self.meet(hit, arrival)

    def meet(self, hit, arrival):
        columns = {**hit.columns(arrival), "contexts": listed(hit.entities)}
        if hit.own:
            columns["unstruct_event"] = {"schema": hit.own[0], "data": hit.own[1]}
        for key in () if hit.is_refused() else KEYS:
            self.people[key["name"]].add(model.identifier_of(model.property_of(key["prop"], columns)) or "nobody")

    def tick(self, now):
        for driver in self.drivers.values():
            driver.ask({"tick": now})
        self.same_firings({wire: driver.fired() for wire, driver in self.drivers.items()})

    def same_firings(self, fired):
        self.fired += len(fired["json"])
        for rows in fired.values():
            for row in rows:
                row["message"].pop("intervention_id")
        self.same("fired", {wire: [row["message"] for row in rows] for wire, rows in fired.items()})
        for single in (False, True):
            self.same("fired, with ids and places", {wire: rows for wire, rows in fired.items() if self.apart(wire) == single})

    def apart(self, wire):
        """Do its records differ from the others'?"""
        return self.is_single(wire) and self.mode != "single"

    def compare(self, now):
        for key, attributes in self.attributes.items():
            ids = sorted(self.people[key])
            columns = {wire: driver.read(key, ids, attributes, now) for wire, driver in self.drivers.items()}
            self.compared += len(attributes) * len(ids) * len(WIRES)
            self.shown += sum(value is not None for column in columns["json"] for value in column)
            if not alike(columns):
                for i, attribute in enumerate(attributes):
                    for k, id in enumerate(ids):
                        self.same(f"{attribute} of {key} {id} at {now}", {wire: read[i][k] for wire, read in columns.items()})

    def same_state(self):
        for single in (False, True):
            self.same("state", {wire: driver.digest() for wire, driver in self.drivers.items() if self.apart(wire) == single})

    def same(self, what, by_wire):
        if not alike(by_wire):
            camps = {}
            for wire, value in by_wire.items():
                camps.setdefault(json.dumps(value, sort_keys=True), []).append(wire)
            raise Failure(f"{what}:\n" + "\n".join(f"    {'; '.join(wires)}:\n      {text[:2000]}" for text, wires in camps.items()))


def run(binary, seed):
    world = World(binary, seed)
    try:
        draw, now = world.draw, g.START
        sent = []
        for number in range(BATCHES):
            now += draw.choice([0, 1, draw.randrange(20 * g.SECOND), draw.randrange(g.HOUR), draw.randrange(g.DAY)])
            batch = []
            for at in range(1 if world.mode == "single" else draw.choice([1, 2, 5])):
                who = {"duid": f"device{draw.randrange(PEOPLE)}"}
                if draw.random() < 0.4:
                    who["uid"] = draw.choice(["user0", "user1", "üser", "a\tb"])
                if draw.random() < 0.5:
                    who["basket"] = draw.choice(g.IDENTIFIERS)
                late = draw.choice([0, 0, draw.randrange(g.MINUTE), draw.randrange(2 * g.HOUR)])
                batch.append(h.some_hit(draw, 100 * number + at, who, now - late, now))
            if sent and draw.random() < 0.1:
                batch[0].params["eid"] = draw.choice(sent).params["eid"].upper()    # once more, or what counts as that
            sent += batch
            world.send(batch, now)
            if draw.random() < 0.2:
                now += draw.randrange(3 * g.HOUR)
                world.tick(now)
            if number % 10 == 9:
                world.compare(now)
        world.tick(now + 10 * g.DAY)
        world.compare(now + 10 * g.DAY)
        world.same_state()
        for driver in world.drivers.values():
            driver.close()
        return seed, world, None
    except Failure as failure:
        kept = [driver.keep(f"wires-{seed}-{number}") for number, driver in enumerate(world.drivers.values())]
        for driver in world.drivers.values():
            driver.process.kill()
        return seed, world, f"{world.mode}: {failure}\n  said, with its rules beside it, one a wire: {os.path.dirname(kept[0])} and so on"


def one(job):
    seed, world, failure = run(*job)
    return seed, world.compared, world.shown, world.fired, failure


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--driver", default=f"{TOP}/build/engine_drive")
    options.add_argument("--seeds", type=int, default=40)
    options.add_argument("--seed", type=int)
    options.add_argument("--jobs", type=int, default=multiprocessing.cpu_count())
    o = options.parse_args()
    seeds = [o.seed] if o.seed is not None else range(1, o.seeds + 1)
    begin, failed, compared, shown, fired = time.monotonic(), 0, 0, 0, 0
    with multiprocessing.Pool(o.jobs) as pool:
        for seed, n, n_shown, n_fired, failure in pool.imap_unordered(one, [(o.driver, seed) for seed in seeds]):
            compared, shown, fired = compared + n, shown + n_shown, fired + n_fired
            if failure:
                failed += 1
                print(f"FAILED: seed {seed} (tests/property/wires.py --seed {seed})\n  {failure}", flush=True)
                if failed >= 5:
                    pool.terminate()
                    break
    print(f"{len(seeds)} seeds on {len(WIRES)} wires, {compared} values compared, {100 * shown * len(WIRES) // max(compared, 1)} % of them something, "
          f"{fired} messages fired, {failed} failed, {time.monotonic() - begin:.0f} s")
    if len(seeds) >= 5 and not failed and (fired < 2 * len(seeds) or shown * len(WIRES) < compared // 10):
        print("FAILED: there was too little to compare")
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
