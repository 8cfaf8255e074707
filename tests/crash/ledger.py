"""ledger.py -- which events were sent and which acknowledged, and what the attributes must therefore say.

Event i of an identifier carries the value 2 to the power of i: the sum over an identifier says which of its events have counted,
and beside it their number says whether one counted twice.
SPDX-License-Identifier: Apache-2.0
"""
import random
import threading
import time
import uuid

from crash_site import NO_ANSWER, ReadFailed

RULES = """
attribute_group "ledger" {
  attribute_key = "domain_userid",
  attributes = {
    n    = counter():on(event "*"),
    bits = sum(atomic.se_value):on(event "*"),
  },
}
"""
NAMES = ["ledger_v1:n", "ledger_v1:bits"]
KEY = "domain_userid"
MOST = 48                                        # events of an identifier: a sum stays exact below 2^53
IDS_A_READ = 500
FILL = "x" * 200                                 # so that bodies have some size


class Batch:
    """Events that are sent in one body, as (identifier, bit)."""

    def __init__(self, events, columns):
        self.events, self.columns = events, columns
        self.mark = None                         # when it was acknowledged, by whatever the test measures that; None: not


class Ledger:
    """Any thread."""

    def __init__(self, rng, prefix):
        self.lock, self.rng, self.prefix = threading.Lock(), rng, prefix
        self.n_ids, self.n_events = 0, 0
        self.sent, self.acked = {}, {}           # identifier -> the bits of its events
        self.open_ids = []                       # (identifier, events so far) that take more
        self.unknown = []                        # batches without an answer, or refused
        self.batches = []                        # all, acknowledged or not, in the order they were made

    def batch(self, n):
        """A batch of n new events over some identifiers."""
        with self.lock:
            picked = [self._event() for _ in range(n)]
            made = Batch([(i, bit) for i, bit, _ in picked], [columns for _, _, columns in picked])
            self.batches.append(made)
            return made

    def _event(self):
        if len(self.open_ids) < 20:
            self.open_ids.append([f"{self.prefix}{self.n_ids}", 0])
            self.n_ids += 1
        at = self.rng.randrange(len(self.open_ids))
        identifier, i = self.open_ids[at]
        self.open_ids[at][1] += 1
        if i + 1 == MOST:
            del self.open_ids[at]
        self.sent[identifier] = self.sent.get(identifier, 0) | 1 << i
        self.acked.setdefault(identifier, 0)
        self.n_events += 1
        return identifier, 1 << i, {
            "event_vendor": "com.acme", "event_name": "step", "event_version": "1-0-0", "se_value": float(1 << i), KEY: identifier,
            "event_id": str(uuid.UUID(int=self.rng.getrandbits(128), version=4)), "page_title": FILL}

    def ack(self, batch, mark=0):
        with self.lock:
            batch.mark = mark
            for identifier, bit in batch.events:
                self.acked[identifier] |= bit

    def refuse(self, batch):
        with self.lock:
            self.unknown.append(batch)

    def n_acked(self):
        with self.lock:
            return sum(bits.bit_count() for bits in self.acked.values())

    def acked_by(self, mark):
        """{identifier: bits} of what was acknowledged with a mark up to this one."""
        found = {}
        with self.lock:
            for batch in self.batches:
                if batch.mark is not None and batch.mark <= mark:
                    for identifier, bit in batch.events:
                        found[identifier] = found.get(identifier, 0) | bit
        return found

    def as_of(self, mark, n_before):
        """Another ledger, as if the batches from number n_before on had no answer unless it was marked up to this mark."""
        then = Ledger(random.Random(self.rng.random()), self.prefix)
        then.n_ids, then.n_events, then.sent = self.n_ids, self.n_events, dict(self.sent)
        then.open_ids = [list(o) for o in self.open_ids]
        then.acked = {identifier: 0 for identifier in self.sent}
        for i, batch in enumerate(self.batches):
            then.batches.append(copy := Batch(batch.events, batch.columns))
            copy.mark = batch.mark
            if batch.mark is not None and (i < n_before or batch.mark <= mark):
                then.ack(copy, 0)
            else:
                copy.mark = None
                then.refuse(copy)
        return then

    # -- what must be there
    def read(self, client, ids=None):
        """{identifier: (number, bits)} as the server has them; ids: of these only."""
        with self.lock:
            ids = list(self.sent) if ids is None else ids
        found = {}
        for at in range(0, len(ids), IDS_A_READ):
            some = ids[at:at + IDS_A_READ]
            columns = client.attributes(NAMES, KEY, some)
            for identifier, n, bits in zip(some, columns[NAMES[0]], columns[NAMES[1]]):
                found[identifier] = (int(n or 0), int(bits or 0))
        return found

    def check(self, client, acked=None, ids=None):
        """(events lost, events counted twice or out of nowhere, a line about the first of them). acked: {identifier: bits} of
        another moment than now. ids: look at these only."""
        found = self.read(client, ids)
        with self.lock:
            acked, sent = dict(self.acked if acked is None else acked), dict(self.sent)
        lost = wrong = 0
        what = ""
        for identifier, (n, bits) in found.items():
            missing = acked.get(identifier, 0) & ~bits
            twice = max(n - bits.bit_count(), 0) + (bits & ~sent.get(identifier, 0)).bit_count()
            if n < bits.bit_count():
                twice += 1
            lost, wrong = lost + missing.bit_count(), wrong + twice
            if (missing or twice) and not what:
                what = (f"{identifier}: {n} counted, sum {bits:#x}, acknowledged {acked.get(identifier, 0):#x}, "
                        f"sent {sent.get(identifier, 0):#x}")
        return lost, wrong, what

    def send_again(self, client, at_ack=None):
        """What had no answer, or no for an answer, with the same event ids. Returns how many bodies were still not taken."""
        with self.lock:
            batches, self.unknown = self.unknown, []
        for batch in batches:
            try:
                status = client.send(batch.columns)
            except NO_ANSWER:
                status = 0
            if status == 200:
                self.ack(batch, at_ack() if at_ack else 0)
            else:
                self.refuse(batch)
        with self.lock:
            return len(self.unknown)


def settle(ledger, client, at_ack=None):
    """Right after a start: what was acknowledged counts once; sent again, the rest does too. Returns what is wrong, '' if nothing,
    and how many acknowledged events were lost. at_ack: as of Senders."""
    try:
        lost, wrong, what = ledger.check(client)
        if lost or wrong:
            return f"{lost} acknowledged lost, {wrong} counted wrong; {what}", lost
        refused = ledger.send_again(client, at_ack)
        if refused:
            return f"{refused} bodies are still not taken after the restart", 0
        lost, wrong, what = ledger.check(client)
        if lost or wrong:
            return f"sent again: {lost} lost, {wrong} counted wrong; {what}", lost
    except (ReadFailed, *NO_ANSWER) as e:
        return f"a read failed after the restart: {e!r}", 0
    return "", 0


class Senders:
    """Threads with a connection each that send batches until told to stop. at_ack: called for each acknowledgement; what it
    returns is kept as the batch's mark."""

    def __init__(self, ledger, server, n, most=20, pause_s=0.0, at_ack=None, timeout=10.0):
        self.ledger, self.server, self.most, self.pause_s, self.at_ack = ledger, server, most, pause_s, at_ack
        self.timeout = timeout
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.broken = None                       # an error of the test's own, which must not pass for silence
        self.answers = []                        # (when it was sent, status; 0: no answer; -1: not within the time)
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(n)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        try:
            self._send_on()
        except Exception as e:
            self.broken = e

    def _send_on(self):
        client = self.server.client(self.timeout)
        failures = 0
        while not self.stopping.is_set():
            with self.ledger.lock:
                n = self.ledger.rng.randint(1, self.most)
            batch, begin = self.ledger.batch(n), time.monotonic()
            try:
                status = client.send(batch.columns)
            except TimeoutError:
                status = -1
            except NO_ANSWER:
                status = 0
            if status == 200:
                self.ledger.ack(batch, self.at_ack() if self.at_ack else 0)
                failures = 0
            else:
                self.ledger.refuse(batch)
                failures += 1
                if status == 0 and not self.server.is_running():
                    break
            with self.lock:
                self.answers.append((begin, status))
            if failures:
                self.stopping.wait(min(0.01 * failures, 0.1))
            elif self.pause_s:
                self.stopping.wait(self.pause_s)
        client.close()

    def n_answers(self, status):
        with self.lock:
            return sum(1 for _, s in self.answers if s == status)

    def wait_acks(self, n, seconds):
        """Until so many batches were acknowledged in all, or the time is over."""
        end = time.monotonic() + seconds
        while self.n_answers(200) < n and time.monotonic() < end and self.server.is_running():
            time.sleep(0.002)
        return self.n_answers(200) >= n

    def stop(self):
        """Waits for the answers that are on the way. Returns all."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        if self.broken:
            raise self.broken
        return self.answers
