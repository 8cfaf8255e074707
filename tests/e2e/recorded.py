"""recorded.py -- recorded events as files for `replay` and `send`, and these two commands.

SPDX-License-Identifier: Apache-2.0
"""
import gzip
import json
import os
import re
import subprocess
import time

import pytest

from harness import ACTION, BINARY, PATIENCE, PRODUCT, SHOP, TOP, new_id

with open(os.path.join(TOP, "src", "evt", "columns.h")) as f:
    COLUMNS = re.findall(r'X\(\w+, "(\w+)", [A-Z]+\)', f.read())
assert len(COLUMNS) == 131
UNSTRUCT = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
CONTEXTS = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1"
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("SIGNALBOX_")}
DAY = 86400_000

# Lifetime attributes only: they hold the same however late their events come.
RULES = """
attribute_group "seen" {
  attribute_key = "domain_userid",
  attributes = {
    n      = counter():on(page_view),
    urls   = unique_list(atomic.page_urlpath):on(page_view),
    first  = first(atomic.page_urlpath):on(page_view),
    last   = last(atomic.page_urlpath):on(page_view),
    height = sum(atomic.doc_height):on(page_view),
  },
}
intervention "third" {
  when                  = attribute "seen:n":gt(2),
  target_attribute_keys = { "domain_userid" },
}
"""
NAMES = [f"seen_v1:{name}" for name in ("n", "urls", "first", "last", "height")]


def when(ms, mark=" ", zone=""):
    """A time as the enriched event writes it."""
    return time.strftime(f"%Y-%m-%d{mark}%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}" + zone


def page_view(who, ms, path="/", **columns):
    """A page view as a map of columns, its times as milliseconds."""
    return {"app_id": "shop", "platform": "web", "etl_tstamp": ms + 1500, "collector_tstamp": ms,
            "dvce_created_tstamp": ms - 200, "event": "page_view", "event_id": new_id(), "v_tracker": "js-4.6.0",
            "v_collector": "ssc-3.4.0", "v_etl": "snowplow-enrich-6.10.0", "domain_userid": who,
            "page_url": "https://shop.example" + path, "page_urlpath": path, "dvce_sent_tstamp": ms - 100,
            "derived_tstamp": ms - 100, "doc_height": 10, "event_vendor": "com.snowplowanalytics.snowplow",
            "event_name": "page_view", "event_format": "jsonschema", "event_version": "1-0-0", **columns}


def action(type, who, ms, *products, **columns):
    """A shop's action with products, likewise."""
    event = page_view(who, ms, event="unstruct", event_vendor=SHOP, event_name="snowplow_ecommerce_action",
                      event_version="1-0-2", **columns)
    event["unstruct_event"] = {"schema": UNSTRUCT, "data": {"schema": ACTION, "data": {"type": type}}}
    if products:
        event["contexts"] = {"schema": CONTEXTS, "data": [{"schema": PRODUCT, "data": p} for p in products]}
    return event


def tsv(event):
    def text(name):
        value = event.get(name, "")
        if isinstance(value, (dict, list)):
            return json.dumps(value)
        return when(value) if name.endswith("_tstamp") and value != "" else str(value)
    return "\t".join(text(name) for name in COLUMNS)


def ndjson(event):
    return json.dumps({k: when(v, "T", "Z") if k.endswith("_tstamp") else v for k, v in event.items()})


def lines(events, write=tsv):
    return "".join(write(e) + "\n" for e in events).encode()


def views(n, people=7, ms=1_760_000_000_000, step_ms=1000):
    """n page views of some people, one after the other."""
    return [page_view(f"p{i % people}", ms + i * step_ms, f"/{i % 5}") for i in range(n)]


def anonymous(events):
    """As NDJSON without event ids: each time one of these is taken, it counts."""
    return lines([{k: v for k, v in e.items() if k != "event_id"} for e in events], ndjson)


def gz(data):
    return gzip.compress(data, 1, mtime=0)


def zst(data):
    """A frame of zstd as its specification has it, of blocks that are not compressed: tests need no zstd for this."""
    blocks = [data[i:i + 100_000] for i in range(0, len(data), 100_000)] or [b""]
    frame = b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little")
    for i, block in enumerate(blocks):
        frame += (len(block) << 3 | (i == len(blocks) - 1)).to_bytes(3, "little") + block
    return frame


def command(word, s, *args):
    """The words of a command against a server, or an address."""
    return [BINARY, word, "--to", s if isinstance(s, str) else f"http://127.0.0.1:{s.port}", *map(str, args)]


def begin(word, s, *args, **kwargs):
    """The command, started; its output is kept."""
    return subprocess.Popen(command(word, s, *args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN, **kwargs)


def end(process):
    """Waits for it; like run()."""
    out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(process.args, process.returncode, out.decode(), err.decode())


def run(word, s, *args, stdin=b"", env=None):
    done = subprocess.run(command(word, s, *args), input=stdin, capture_output=True, timeout=PATIENCE,
                          env={**CLEAN, **(env or {})})
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done


def replay(s, *args, **kwargs):
    return run("replay", s, *args, **kwargs)


def send(s, *args, **kwargs):
    return run("send", s, *args, **kwargs)


def state(s, people=7):
    """What the server holds of the people of views()."""
    return s.attributes(NAMES, "domain_userid", [f"p{i}" for i in range(people)])


def metric(s, name):
    found = re.search(rf"^signalbox_{name} (\S+)$", s.get("/metrics").body.decode(), re.M)
    return int(float(found.group(1)))


def counts(s, people=7):
    return state(s, people)["n"]


def expected(events, people=7):
    n = [0] * people
    for e in events:
        n[int(e["domain_userid"][1:])] += 1
    return [x or None for x in n]


# -- fixtures, for the tests that import them
@pytest.fixture
def s(start_server):
    return start_server(rules={"seen.lua": RULES})


@pytest.fixture
def write(tmp_path):
    def write(name, data):
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)
    return write
