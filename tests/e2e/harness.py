"""harness.py -- starts the real binary on a free port and talks to it: requests, SSE streams, events.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse
import uuid

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("SIGNALBOX", os.path.join(TOP, "build", "signalbox"))
SLOW = 5 if "san" in os.path.basename(os.path.dirname(BINARY)) else 1   # a sanitizer takes its time
PATIENCE = 60.0 * SLOW                         # what must come is waited for so long: the machine may be slow and busy
BUDGETS = {"SIGNALBOX_SCRIPT_LOAD_US": "60000000", "SIGNALBOX_SCRIPT_CALL_US": "10000000",
           "SIGNALBOX_SCRIPT_INSIDE_US": "1000000", "SIGNALBOX_SCRIPT_TEST_US": "600000000"}   # no correct rule ends on them

SHOP = "com.snowplowanalytics.snowplow.ecommerce"
ACTION = f"iglu:{SHOP}/snowplow_ecommerce_action/jsonschema/1-0-2"
PRODUCT = f"iglu:{SHOP}/product/jsonschema/1-0-0"
TP2 = "/com.snowplowanalytics.snowplow/tp2"


def new_id():
    return str(uuid.uuid4())


def wait_until(true, what="the condition"):
    """Asks again and again; the answer that is true is returned."""
    end = time.monotonic() + PATIENCE
    while True:
        answer = true()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what} did not come true in {PATIENCE} s"
        time.sleep(0.02)


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def problem(self, status):
        """Asserts that this is a problem of that status and returns its detail."""
        assert self.status == status, (self.status, self.body)
        assert self.headers["Content-Type"].startswith("application/problem+json"), self.headers["Content-Type"]
        problem = self.json()
        assert problem["status"] == status and problem["title"], problem
        return problem.get("detail", "")


class Server:
    """The binary with a folder of rules and a data folder of its own. rules: a dict of file name -> text, which the shipped
    words.lua joins, or None for all the shipped ones. data: a data folder of somebody else's, used instead."""

    def __init__(self, rules=None, args=(), env=None, wait=True, data=None):
        self.folder = tempfile.mkdtemp(prefix="signalbox-e2e-")
        self.rules = os.path.join(self.folder, "rules")
        if rules is None:
            shutil.copytree(os.path.join(TOP, "rules"), self.rules)
        else:
            os.mkdir(self.rules)
            shutil.copy(os.path.join(TOP, "rules", "words.lua"), self.rules)
            for name, text in rules.items():
                self.write_rule(name, text)
        self.data = data or os.path.join(self.folder, "data")
        self.args, self.env = list(args), {**BUDGETS, **(env or {})}
        self.log_path = os.path.join(self.folder, "log")
        self.start(wait)

    def start(self, wait=True):
        """Again, after end(): with the same folders."""
        self.killed = False
        self.port = None                        # of the system's choice; it says which when it is ready
        with open(self.log_path, "ab") as log:
            self.log_from = log.tell()
            self.process = subprocess.Popen(
                [BINARY, "serve", "--rules", self.rules, "--data", self.data, "--listen", "127.0.0.1:0", *self.args],
                stdout=log, stderr=log, cwd=self.folder, env={**os.environ, **self.env})
        if wait:
            self.wait_ready()

    def end(self, how=signal.SIGTERM):
        """Ends the process, in order or with SIGKILL, and keeps its folders; returns the seconds this took."""
        begin = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("the server did not leave:\n" + self.log()) from None
        wanted = -signal.SIGKILL if how == signal.SIGKILL or self.killed else 0
        self.killed = how == signal.SIGKILL or self.killed
        assert self.process.returncode == wanted, f"the server ended with {self.process.returncode}:\n{self.log()}"
        return time.monotonic() - begin

    def restart(self, how=signal.SIGTERM):
        self.end(how)
        self.start()

    def wait_ready(self):
        end = time.monotonic() + PATIENCE
        while not (said := re.search(r" serves .* on http://127\.0\.0\.1:(\d+)\n", self.log())):
            assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.log()}"
            assert time.monotonic() < end, "the server is not ready:\n" + self.log()
            time.sleep(0.02)
        self.port = int(said.group(1))
        assert self.get("/health").status == 200

    def log(self):
        """What it has said since it was started."""
        with open(self.log_path, errors="replace") as f:
            f.seek(self.log_from)
            return f.read()

    def stop(self, how=signal.SIGTERM):
        """Stops it and asserts that it left in order; returns the seconds this took."""
        seconds = self.end(how)
        shutil.rmtree(self.folder, ignore_errors=True)
        return seconds

    def alive(self):
        return self.process.poll() is None and self.get("/health").status == 200

    # -- rules
    def rule_path(self, name):
        return os.path.join(self.rules, name)

    def write_rule(self, name, text):
        """As an editor that writes in place."""
        os.makedirs(os.path.dirname(self.rule_path(name)), exist_ok=True)
        with open(self.rule_path(name), "w") as f:
            f.write(text)

    def replace_rule(self, name, text):
        """As an editor that writes beside it and renames."""
        with open(self.rule_path(name) + "~tmp", "w") as f:
            f.write(text)
        os.rename(self.rule_path(name) + "~tmp", self.rule_path(name))

    def rules_status(self):
        return self.get("/api/v1/rules").json()

    # -- requests
    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, None, headers)

    def post(self, path, body, type="application/json", headers=None):
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        return self.request("POST", path, body, {"Content-Type": type, **(headers or {})})

    def send(self, *events):
        """Events as maps of columns; all must be accepted."""
        answer = self.post("/api/v1/events", list(events))
        assert answer.status == 200 and answer.json()["accepted"] == len(events), (answer.status, answer.body)

    def attributes(self, names, key, ids):
        """Columns of the named attributes for the identifiers."""
        answer = self.post("/api/v1/get-online-attributes", {"attributes": names, "attribute_keys": {key: ids}})
        assert answer.status == 200, (answer.status, answer.body)
        return answer.json()

    def attribute(self, name, id, key="domain_userid"):
        columns = self.attributes([name], key, [id])
        values = [v for k, v in columns.items() if k != key]
        assert len(values) == 1 and len(values[0]) == 1, columns
        return values[0][0]

    def stream(self, headers=None, **keys):
        """Listens; for a user_id with the credentials that takes."""
        if "user_id" in keys:
            headers = {"Authorization": "Bearer test", **(headers or {})}
        return Stream(self.port, "/api/v1/interventions?" + urllib.parse.urlencode(keys, doseq=True), headers)


class Stream:
    """One SSE stream, read byte by byte."""

    def __init__(self, port, path, headers=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: text/event-stream"]
        lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.raw = b""
        self.bytes = b""                       # of the stream, transfer coding undone
        self.ended = False
        while b"\r\n\r\n" not in self.raw:
            assert self._receive(PATIENCE), f"no head, but {self.raw!r}"
        head, self.raw = self.raw.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {k.strip().lower(): v.strip() for k, v in (line.split(":", 1) for line in lines[1:])}
        self.chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        self._decode()
        self.position = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def _receive(self, seconds):
        self.socket.settimeout(seconds)
        try:
            more = self.socket.recv(65536)
        except socket.timeout:
            return False
        except ConnectionError:
            more = b""
        if not more:
            self.ended = True
            return False
        self.raw += more
        return True

    def _decode(self):
        if not self.chunked:
            self.bytes, self.raw = self.bytes + self.raw, b""
            return
        while b"\r\n" in self.raw:
            size, rest = self.raw.split(b"\r\n", 1)
            n = int(size, 16)
            if len(rest) < n + 2:
                return
            self.bytes, self.raw = self.bytes + rest[:n], rest[n + 2:]
            if n == 0:
                self.ended = True

    def read_until(self, wanted):
        """All bytes of the stream once they hold what is wanted."""
        self.read_match(re.escape(wanted))
        return self.bytes

    def read_match(self, pattern):
        """The match of a pattern once the stream's bytes have one."""
        end = time.monotonic() + PATIENCE
        while not (match := re.search(pattern, self.bytes)):
            left = end - time.monotonic()
            assert left > 0 and not self.ended, f"no {pattern!r} in {self.bytes!r}"
            if self._receive(max(left, 0.01)):
                self._decode()
        return match

    def read_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.ended:
            if self._receive(max(end - time.monotonic(), 0.01)):
                self._decode()
        return self.bytes

    def _next(self):
        """The next whole message, as (id, data), or None when there is none yet."""
        while True:
            stop = self.bytes.find(b"\n\n", self.position)
            if stop < 0:
                return None
            block = self.bytes[self.position:stop].decode()
            self.position = stop + 2
            lines = [line.split(":", 1) for line in block.split("\n") if line and not line.startswith(":")]
            fields = {name: value[1:] if value.startswith(" ") else value for name, value in lines}
            if "data" in fields and "event" not in fields:      # as the plugin: it listens for `message` alone
                return fields.get("id"), json.loads(fields["data"])

    def messages(self, n):
        """The next n messages' data."""
        return [data for _, data in self.messages_with_ids(n)]

    def messages_with_ids(self, n):
        found = []
        end = time.monotonic() + PATIENCE
        while len(found) < n:
            message = self._next()
            if message:
                found.append(message)
                continue
            left = end - time.monotonic()
            assert left > 0 and not self.ended, f"{len(found)} of {n} messages came: {found}"
            if self._receive(max(left, 0.01)):
                self._decode()
        return found

    def names(self, n, seconds=0.5):
        """The names of the next n messages, and of those that come within so many seconds behind them."""
        names = [message["name"] for message in self.messages(n)]
        self.read_for(seconds * SLOW)
        while (message := self._next()) is not None:
            names.append(message[1]["name"])
        return names


# -- events as maps of columns
def shop_event(type, domain_userid, products=(), **columns):
    event = {"event_vendor": SHOP, "event_name": "snowplow_ecommerce_action", "event_version": "1-0-2",
             "event_id": new_id(), "domain_userid": domain_userid,
             "unstruct_event": {"schema": ACTION, "data": {"type": type}}}
    if products:
        event["contexts"] = [{"schema": PRODUCT, "data": p} for p in products]
    event.update(columns)
    return event


def page_view(domain_userid, url="https://shop.example/", **columns):
    return {"event_vendor": "com.snowplowanalytics.snowplow", "event_name": "page_view", "event_version": "1-0-0",
            "event_id": new_id(), "domain_userid": domain_userid, "page_url": url, **columns}


# -- events as a tracker sends them
def tp2(*events):
    return {"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4", "data": list(events)}


def tracker_event(e="pv", **fields):
    return {"e": e, "p": "web", "tv": "js-4.6.0", "eid": new_id(), "dtm": str(int(time.time() * 1000)), **fields}


def b64(value):
    """URL-safe base64 without padding, as trackers write it."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unstruct(schema, data):
    return {"schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0",
            "data": {"schema": schema, "data": data}}


def contexts(*entities):
    return {"schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0",
            "data": [{"schema": schema, "data": data} for schema, data in entities]}
