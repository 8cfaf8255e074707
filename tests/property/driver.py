"""driver.py -- talks to engine_drive over its pipe, and keeps what was said so that a failure can be repeated by hand.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Failure(Exception):
    """The engine and the model disagree, or the engine is gone."""


class Driver:
    def __init__(self, binary, rules, now, limits=None, keeps=False):
        """rules: {file name: text}. keeps: with a journal's folder, so that a crash is survived."""
        self.binary, self.limits, self.keeps = binary, limits, keeps
        self.folder = tempfile.TemporaryDirectory(prefix="signalbox-drive-")
        self.rules = os.path.join(self.folder.name, "rules")
        os.mkdir(self.rules)
        self.said = []
        self.errors = tempfile.TemporaryFile()
        self.begin()
        self.write(rules)
        try:
            self.must_load({"rules": self.rules, "now": now})
        except Failure as failure:
            raise Failure(f"{failure}\n  said, with its rules beside it: {self.keep(f'load-{os.getpid()}')}") from None

    def begin(self):
        self.process = subprocess.Popen([self.binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        if self.limits:
            self.ask({"limits": self.limits})
        if self.keeps:
            self.ask({"keep": os.path.join(self.folder.name, "data")})

    def crash(self, now, command=None, after=0.0, again=None):
        """Kills the process, `after` seconds into a command; then it starts anew. again: it is killed once more, so many
        seconds into its recovery."""
        if command:
            self.tell(command)
            time.sleep(after)
        self.kill()
        if again is not None:
            self.begin()
            self.tell({"rules": self.rules, "now": now})
            time.sleep(again)
            self.kill()
        self.begin()
        self.must_load({"rules": self.rules, "now": now})

    def kill(self):
        self.said.append({"kill": True})
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def tell(self, command):
        self.said.append(command)
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()

    def write(self, rules):
        """Makes the folder hold exactly these files."""
        for name in os.listdir(self.rules):
            if name not in rules:
                os.remove(os.path.join(self.rules, name))
        for name, text in rules.items():
            with open(os.path.join(self.rules, name) + ".tmp", "w") as f:
                f.write(text)
            os.rename(os.path.join(self.rules, name) + ".tmp", os.path.join(self.rules, name))

    def must_load(self, command):
        answer = self.ask(command)
        if not answer.get("ok"):
            raise Failure("the rules do not load: " + "\n".join(answer.get("problems", [str(answer)])))

    def reload(self, rules, now):
        self.write(rules)
        self.must_load({"reload": now})

    def ask(self, command):
        try:
            self.tell(command)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise Failure(f"the driver ended with {self.process.returncode} after {json.dumps(command)[:500]}\n"
                          + self.errors.read().decode(errors="replace")[-6000:])
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(f"{answer['error']} after {json.dumps(command)[:500]}")
        return answer

    def send(self, events, now):
        answer = self.ask({"now": now, "events": events})
        if answer["accepted"] != len(events) or answer["rejected"]:
            raise Failure(f"{answer} for {json.dumps(events)[:1000]}")

    def post(self, wire, body, now):
        """Bytes in a wire format; returns how many events were accepted, and why others were not."""
        return self.ask({"now": now, "wire": wire, "body": body.hex()})

    def read(self, key, ids, attributes, now):
        return self.ask({"read": {"key": key, "ids": ids, "attributes": attributes, "now": now}})["columns"]

    def fired(self):
        return self.ask({"fired": True})["fired"]

    def digest(self):
        return self.ask({"digest": True})["digest"]

    def seq(self):
        """The number of the last record."""
        return self.ask({"seq": True})["seq"]

    def keep(self, name):
        """Writes what was said and the rules beside it, for `engine_drive < FILE`; returns the path."""
        folder = os.path.join(tempfile.gettempdir(), "signalbox-" + name)
        os.makedirs(folder, exist_ok=True)
        for file in os.listdir(self.rules):
            with open(os.path.join(self.rules, file)) as source, open(os.path.join(folder, file), "w") as target:
                target.write(source.read())
        path = os.path.join(folder, "said.jsonl")
        with open(path, "w") as f:
            for command in self.said:
                f.write(json.dumps({**command, "rules": folder} if "rules" in command else command) + "\n")
        return path

    def close(self):
        """Ends it; a sanitizer's complaint at the end is a failure too."""
        self.process.stdin.close()
        status = self.process.wait()
        self.process.stdout.close()
        self.errors.seek(0)
        text = self.errors.read().decode(errors="replace")
        self.errors.close()
        self.folder.cleanup()
        if status:
            raise Failure(f"the driver ended with {status}\n{text[-6000:]}")
