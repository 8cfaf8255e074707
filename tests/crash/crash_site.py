"""crash_site.py -- what the tests that hurt the server share: a server with a data folder, a client, a stream, sent events.

Standard library only. (Not site.py: Python loads a module of that name by itself.)

    server = Server(binary, data, rules, {"journal.write_back_ms": 200})   # starts it, on a port that is free
    server.wait_ready()                    # seconds until /readyz said yes; Ended when the process ended instead
    client = server.client()               # one kept connection; NO_ANSWER when none came
    client.send([columns, ...], "tracker")                                 # status; 200: acknowledged
    client.attributes(["g_v1:n"], "domain_userid", ["ann"])                # {"g_v1:n": [1]}; ReadFailed otherwise
    listener = Listener(); listener.subscribe(server.port, [("domain_userid", "ann")])
    server.kill() / server.term() / server.pause() / server.stop()
    run(binary, "journal", "verify", "--data", data)                       # (exit code, output)
SPDX-License-Identifier: Apache-2.0
"""
import http.client
import json
import os
import re
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "property"))    # model.py, generate.py

TP2 = "/com.snowplowanalytics.snowplow/tp2"
NO_ANSWER = (OSError, http.client.HTTPException)
PATIENCE = 60                                    # seconds: how long something may take before it counts as hanging


def add_options(parser):
    """The options that every test of this folder has."""
    parser.add_argument("--server", default=os.path.join(TOP, "build", "signalbox"), help="the binary to hurt")
    parser.add_argument("--seed", type=int, help="repeats a run's choices")
    parser.add_argument("--keep", action="store_true", help="keep the folder even when all went well")


def slowness(binary):
    """A sanitizer's build takes its time."""
    return 5 if "san" in os.path.basename(os.path.dirname(os.path.abspath(binary))) else 1


def say(text):
    """Progress, for who watches."""
    print(text, file=sys.stderr, flush=True)


def run(binary, *args, timeout=PATIENCE):
    """A command of the binary that ends by itself: (exit code, all it printed). A hang is subprocess.TimeoutExpired."""
    done = subprocess.run([binary, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout)
    return done.returncode, done.stdout.decode(errors="replace")


class Ended(Exception):
    """The server ended though it should not have (yet)."""

    def __init__(self, code, log):
        super().__init__(f"the server ended with {code}:\n{log}")
        self.code, self.log = code, log


class Hung(Exception):
    """The server neither answers nor ends."""


class ReadFailed(Exception):
    """A read was not answered with 200."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:500]!r}")
        self.status, self.body = status, body


# -- the server
class Server:
    """A running binary. options: {name: value} without the dashes; wrap: words before the command, as strace's.

    What it says goes to `log_path`; each start has a log of its own when none is named."""

    def __init__(self, binary, data, rules, options=None, env=None, wrap=(), log_path=None):
        self.data, self.binary = data, binary
        self.log_path = log_path or f"{data}.log"
        self.ready_s = None
        self._port = None
        # Ours even when it has ended: a client that knocks once more must not be let in by somebody else's server.
        self.held = socket.socket()
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.bind(("127.0.0.1", 0))
        words = [*wrap, binary, "serve", "--rules", rules, "--data", data,
                 "--listen", f"127.0.0.1:{self.held.getsockname()[1]}"]
        for name, value in (options or {}).items():
            words += [f"--{name}", str(value)]
        self.started = time.monotonic()
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **(env or {})})

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def last_words(self, n_lines=15):
        """Why it went, as far as it said."""
        return "\n".join(self.log().splitlines()[-n_lines:])

    def explain(self, problem):
        """The problem with the last words, unless they are in it already; none stays none."""
        words = self.last_words()
        return f"{problem}\nthe server's last words:\n{words}" if problem and words not in problem else problem

    @property
    def port(self):
        """None as long as it does not listen; the log says on which one it does."""
        if self._port is None:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", self.log())
            self._port = int(found.group(1)) if found else None
        return self._port

    def is_running(self):
        return self.process.poll() is None

    def is_ready(self):
        if self.port is None:
            return False
        try:
            return Client(self.port, 5).get("/readyz")[0] == 200
        except NO_ANSWER:
            return False

    def wait_ready(self, seconds=PATIENCE):
        """Seconds from its start until it was ready."""
        while not self.is_ready():
            if not self.is_running():
                raise Ended(self.process.returncode, self.last_words())
            if time.monotonic() - self.started > seconds:
                raise Hung(f"not ready after {seconds} s:\n{self.last_words()}")
            time.sleep(0.002)
        self.ready_s = time.monotonic() - self.started
        return self.ready_s

    def wait_started(self, seconds=PATIENCE):
        """True: it is ready. False: it ended by itself, and process.returncode says how."""
        try:
            self.wait_ready(seconds)
            return True
        except Ended:
            return False

    def client(self, timeout=PATIENCE):
        return Client(self.port, timeout)

    def signal(self, number):
        if self.is_running():
            self.process.send_signal(number)

    def kill(self):
        """SIGKILL; returns when it is gone."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def term(self):
        """Asks it to leave and does not wait."""
        self.signal(signal.SIGTERM)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def stop(self, seconds=PATIENCE):
        """Asks it to leave and waits; its exit code. Hung when it does not."""
        self.term()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Hung(f"did not leave in {seconds} s:\n{self.last_words()}") from None


# -- requests
class Client:
    """One connection, kept between requests and opened anew after one that got no answer. Not for two threads at once."""

    def __init__(self, port, timeout=PATIENCE):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def close(self):
        self.connection.close()

    def request(self, method, path, body=None, headers=None):
        """(status, body). Raises one of NO_ANSWER when no whole answer came."""
        try:
            self.connection.request(method, path, body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except NO_ANSWER:
            self.connection.close()
            raise

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, body, type="application/json"):
        return self.request("POST", path, body, {"Content-Type": type})

    def send(self, events, format="json"):
        """Events as maps of columns, in one body of a format: json, msgpack, tracker. Returns the status; 200 is an
        acknowledgement of them all."""
        if format == "tracker":
            return self.post(TP2, tracker_body(events))[0]
        if format == "msgpack":
            status, answer = self.post("/api/v1/events", pack(events), "application/msgpack")
        else:
            status, answer = self.post("/api/v1/events", json.dumps(events).encode())
        if status == 200:
            answer = json.loads(answer)
            if answer["accepted"] != len(events):
                raise AssertionError(f"not all of {len(events)} events were taken: {answer}")
        return status

    def attributes(self, names, key, ids):
        """{name: [a value each]}. names as GROUP_vN:ATTRIBUTE; at most 1000 ids, which is what one read may ask for."""
        status, body = self.post("/api/v1/get-online-attributes",
                                 json.dumps({"attributes": names, "attribute_keys": {key: ids}}).encode())
        if status != 200:
            raise ReadFailed(status, body)
        columns = [values for name, values in json.loads(body).items() if name != key]     # in the order asked for
        assert len(columns) == len(names), (names, body)
        return dict(zip(names, columns))

    def metrics(self):
        """{name: number}"""
        _, body = self.get("/metrics")
        found = {}
        for line in body.decode().splitlines():
            words = line.split()
            if len(words) == 2 and not line.startswith("#"):
                found[words[0]] = float(words[1])
        return found


# -- what a subscriber hears
class Listener:
    """Any number of streams, read by one thread. Every message is kept as (who, message), who being what the stream asked
    for. A stream that ends stays ended; subscribing again with the last id it was given is the caller's, as a browser's."""

    def __init__(self):
        self.lock = threading.Lock()
        self.messages = []                       # (targets, id, message)
        self.last_ids = {}                       # targets -> the last id heard
        self.refused = []                        # (targets, status)
        self.open = {}                           # targets -> _Stream
        self.selector = selectors.DefaultSelector()
        self.wake, self.woken = socket.socketpair()
        self.selector.register(self.woken, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def subscribe(self, port, targets, resume=True):
        """targets: a tuple of (key, identifier). Resumes behind the last message heard. Raises NO_ANSWER's."""
        targets = tuple(targets)
        query = urllib.parse.urlencode(targets, quote_via=urllib.parse.quote)
        lines = [f"GET /api/v1/interventions?{query} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Accept: text/event-stream",
                 "Authorization: Bearer crash"]
        if resume and targets in self.last_ids:
            lines.append(f"Last-Event-ID: {self.last_ids[targets]}")
        s = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        s.setblocking(False)
        with self.lock:
            self.open[targets] = stream = _Stream(s, targets)
            self.selector.register(s, selectors.EVENT_READ, stream)
        self.wake.send(b"x")

    def is_open(self, targets):
        with self.lock:
            return tuple(targets) in self.open

    def n_messages(self):
        with self.lock:
            return len(self.messages)

    def hang_up(self):
        """Closes all streams."""
        with self.lock:
            for stream in list(self.open.values()):
                self._drop(stream)

    def wait_ended(self, seconds=PATIENCE):
        """After the server has gone: until all that was on the way has been read."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self.lock:
                if not self.open:
                    return
            time.sleep(0.005)
        raise Hung("streams that do not end with their server")

    def wait_quiet(self, seconds):
        """Until nothing has come for so long."""
        n, since = -1, time.monotonic()
        while time.monotonic() - since < seconds:
            if self.n_messages() != n:
                n, since = self.n_messages(), time.monotonic()
            time.sleep(0.02)

    def _drop(self, stream):
        if self.open.pop(stream.targets, None):
            self.selector.unregister(stream.socket)
            stream.socket.close()

    def _read(self):
        while True:
            ready = self.selector.select()
            with self.lock:
                for found, _ in ready:
                    stream = found.data
                    if stream is None:
                        self.woken.recv(4096)
                    elif self.open.get(stream.targets) is stream:
                        self._read_one(stream)

    def _read_one(self, stream):
        try:
            more = stream.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            more = b""
        for id, message in stream.feed(more):
            self.last_ids[stream.targets] = id
            if message is not None:
                self.messages.append((stream.targets, id, message))
        if stream.status not in (None, 200):
            self.refused.append((stream.targets, stream.status))
        if not more or stream.ended or stream.status not in (None, 200):
            self._drop(stream)


class _Stream:
    """The bytes of one answer with chunks, turned into messages."""

    def __init__(self, socket, targets):
        self.socket, self.targets = socket, targets
        self.status, self.chunked, self.ended = None, False, False
        self.raw, self.text = b"", b""

    def feed(self, more):
        """(id, message or None) of each block that is whole now."""
        self.raw += more
        if self.status is None:
            if b"\r\n\r\n" not in self.raw:
                return
            head, self.raw = self.raw.split(b"\r\n\r\n", 1)
            self.status = int(head.split()[1])
            self.chunked = b"transfer-encoding: chunked" in head.lower()
        self._take()
        while b"\n\n" in self.text:
            block, self.text = self.text.split(b"\n\n", 1)
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if ": " in line and line[0] != ":")
            if "id" in fields:
                yield fields["id"], json.loads(fields["data"]) if "data" in fields and "event" not in fields else None

    def _take(self):
        if not self.chunked:
            self.text, self.raw = self.text + self.raw, b""
            return
        while b"\r\n" in self.raw:
            size, rest = self.raw.split(b"\r\n", 1)
            n = int(size, 16)
            if len(rest) < n + 2:
                return
            self.text, self.raw = self.text + rest[:n], rest[n + 2:]
            self.ended = self.ended or n == 0


# -- events, as maps of columns, in the formats that are sent
TRACKER = {"event_id": "eid", "domain_userid": "duid", "user_id": "uid", "app_id": "aid", "true_tstamp": "ttm",
           "domain_sessionid": "sid", "platform": "p"}


def tracker_event(columns):
    """As a tracker sends it; the columns must be such that a tracker has parameters for them."""
    sent = {"e": "ue", "tv": "crash-1", "p": "srv"}
    for name, value in columns.items():
        if name in TRACKER:
            sent[TRACKER[name]] = str(value)
        elif name == "unstruct_event":
            sent["ue_pr"] = json.dumps({"schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0",
                                        "data": value})
        elif name == "contexts":
            sent["co"] = json.dumps({"schema": "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0",
                                     "data": value})
        elif name not in ("event_vendor", "event_name", "event_version"):
            raise KeyError(f"a tracker has no parameter for {name}")
    return sent


def tracker_body(events):
    return json.dumps({"schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
                       "data": [tracker_event(e) for e in events]}).encode()


def pack(value):
    """msgpack."""
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    if isinstance(value, int):
        return struct.pack(">Bq", 0xd3, value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xcb, value)
    if isinstance(value, str):
        data = value.encode()
        return struct.pack(">BI", 0xdb, len(data)) + data
    if isinstance(value, dict):
        return struct.pack(">BI", 0xdf, len(value)) + b"".join(pack(k) + pack(v) for k, v in value.items())
    return struct.pack(">BI", 0xdd, len(value)) + b"".join(map(pack, value))
