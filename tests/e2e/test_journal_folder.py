"""test_journal_folder.py -- data folders that can't be used, backups, and disks that are full.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import BINARY, PATIENCE, SLOW, TOP, new_id, page_view, shop_event, tp2, tracker_event, wait_until

VIEWS = "ecom_attributes_v1:count_product_views"
COUNT_LATE = 'attribute_group "late" { attribute_key = "domain_userid", attributes = { n = counter():on(event "a/b") } }\n'
RULES = os.path.join(TOP, "rules")
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith("SIGNALBOX_")}


def run(*args, prefix=(), cwd="/"):
    return subprocess.run([*prefix, BINARY, *map(str, args)], capture_output=True, text=True, timeout=PATIENCE, env=CLEAN, cwd=cwd,
                          check=False)


def serve(data, prefix=()):
    """For folders with which it does not start."""
    return run("serve", "--rules", RULES, "--listen", "127.0.0.1:0", "--data", data, prefix=prefix)


def content(folder):
    """All files of a folder, with what is in them; but for the lock, which names the process that looked last."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            if os.path.isfile(path) and name != "lock":
                with open(path, "rb") as f:
                    found[os.path.relpath(path, folder)] = f.read()
    return found


def views(server, duid, n):
    server.send(*[shop_event("product_view", duid) for _ in range(n)])


@pytest.fixture
def kept(start_server):
    """A data folder that a server has left, and whom it knows."""
    server = start_server()
    ann = new_id()
    views(server, ann, 3)
    server.end()
    return server, ann


def refused(data, *words, prefix=(), unchanged=True):
    """It does not start, says these words, and has touched nothing."""
    before = content(data) if os.path.isdir(data) else None
    done = serve(data, prefix)
    said = done.stderr
    assert done.returncode == 1, (done.returncode, said)
    assert "serves" not in done.stdout
    for word in words:
        assert re.search(word, said), (word, said)
    if unchanged and before is not None:
        assert content(data) == before
    return said


# -- folders that can't be used
def test_another_programs_folder(tmp_path):
    (tmp_path / "photo.jpg").write_text("mine")
    refused(tmp_path, re.escape(str(tmp_path)), "not a Signalbox data folder")
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg"]


def test_a_newer_format(kept):
    server, _ = kept
    with open(os.path.join(server.data, "signalbox.json"), "r+") as f:
        text = re.sub(r'"format": *\d+', '"format": 99', f.read())
        f.seek(0)
        f.write(text)
        f.truncate()
    refused(server.data, "signalbox.json", "newer", "99")


def test_in_use(start_server):
    server = start_server()
    ann = new_id()
    views(server, ann, 2)
    done = serve(server.data)
    assert done.returncode == 1
    assert "in use" in done.stderr and str(server.process.pid) in done.stderr, done.stderr
    assert server.attribute(VIEWS, ann) == 2
    assert run("backup", "/nonexistent/x", "--data", server.data).returncode == 1
    assert server.alive()


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("mine")
    for data in (tmp_path / "file", tmp_path / "file" / "below"):
        refused(data, re.escape(str(tmp_path / "file")))
    assert (tmp_path / "file").read_text() == "mine"


def test_no_folder_is_named():
    done = run("serve", "--rules", RULES, "--listen", "127.0.0.1:0", "--data=")
    assert done.returncode == 1 and "--data" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_no_permission(kept, tmp_path):
    server, _ = kept
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    os.chmod(server.folder, 0o755)
    refused(server.data, re.escape(server.data), "permission|Permission", prefix=nobody)


@pytest.mark.parametrize("gone,words", [
    ("signalbox.json", ["signalbox.json", "missing"]), ("db", ["db", "missing"]), ("db/CURRENT", ["db"]),
    ("db/MANIFEST-*", ["db"]), ("db/*.log", ["db"]),
])
def test_a_missing_file(start_server, gone, words):
    import glob
    server = start_server()
    views(server, new_id(), 5)
    server.end(signal.SIGKILL)
    for path in glob.glob(os.path.join(server.data, gone)):
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.remove(path)
    said = refused(server.data, *words, unchanged=False)
    assert not re.search(r"signalbox.*serves", said)


def test_a_taken_port_costs_nothing(kept):
    """It is found out before the folder is opened."""
    server, ann = kept
    before = content(server.data)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        done = run("serve", "--rules", RULES, "--data", server.data, "--listen", f"127.0.0.1:{s.getsockname()[1]}")
    assert done.returncode == 1 and "in use" in done.stderr, done.stderr
    assert content(server.data) == before
    server.start()
    assert server.attribute(VIEWS, ann) == 3


# -- backup, restore, verify
def test_backup_of_a_running_server(start_server, tmp_path):
    server = start_server()
    ann, late = new_id(), new_id()
    views(server, ann, 3)
    stop = threading.Event()
    sent = []

    def go_on():
        while not stop.is_set():
            views(server, late, 1)
            sent.append(1)
    sender = threading.Thread(target=go_on)
    sender.start()
    while len(sent) < 5:
        time.sleep(0.01)
    before = len(sent)
    done = run("backup", "copy", "--data", server.data, cwd=tmp_path)    # a relative path is the caller's
    after = len(sent)
    stop.set()
    sender.join()
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "copy") in done.stdout and re.search(r"\d+ files, \d+ bytes", done.stdout), done.stdout
    assert os.stat(tmp_path / "copy").st_mode & 0o077 == 0
    views(server, ann, 2)                       # not in the backup
    again = run("backup", tmp_path / "copy", "--data", server.data)      # never over something that is there
    assert again.returncode == 1 and str(tmp_path / "copy") in again.stderr, again.stderr
    assert server.attribute(VIEWS, ann) == 5

    done = run("restore", tmp_path / "copy", "--data", tmp_path / "restored")
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "restored") in done.stdout
    done = run("journal", "verify", "--data", tmp_path / "restored")
    assert done.returncode == 0, done.stdout + done.stderr
    other = start_server(data=str(tmp_path / "restored"))
    assert other.attribute(VIEWS, ann) == 3
    assert before <= other.attribute(VIEWS, late) <= after + 1
    views(other, ann, 1)                        # and on from there
    other.restart(signal.SIGKILL)
    assert other.attribute(VIEWS, ann) == 4
    assert server.attribute(VIEWS, ann) == 5
    shutil.rmtree(tmp_path / "copy")            # which holds nothing of the running one's
    server.restart()
    assert server.attribute(VIEWS, ann) == 5 and server.attribute(VIEWS, late) == len(sent)


def test_a_restored_server_draws_a_new_epoch(start_server, tmp_path):
    """Two go on from here: the same id of a message must not name two."""
    server = start_server()
    ann = new_id()
    with server.stream(domain_userid=ann) as s:
        views(server, ann, 4)
        (last, _), = s.messages_with_ids(1)
    assert run("backup", tmp_path / "copy", "--data", server.data).returncode == 0
    assert run("restore", tmp_path / "copy", "--data", tmp_path / "restored").returncode == 0
    other = start_server(data=str(tmp_path / "restored"))
    with other.stream(domain_userid=ann, headers={"Last-Event-ID": last}) as s:
        s.read_until(b"event: resync")


def test_backup_without_a_server(kept, start_server, tmp_path):
    server, ann = kept
    done = run("backup", tmp_path / "copy", "--data", server.data)
    assert done.returncode == 0, done.stderr
    assert run("restore", tmp_path / "copy", "--data", tmp_path / "restored").returncode == 0
    other = start_server(data=str(tmp_path / "restored"))
    assert other.attribute(VIEWS, ann) == 3
    server.start()                              # a dead one's socket is no hindrance
    server.end(signal.SIGKILL)
    assert run("backup", tmp_path / "copy2", "--data", server.data).returncode == 0


def test_backup_words(kept, tmp_path):
    server, _ = kept
    assert run("backup").returncode == 2
    assert run("backup", "a", "b").returncode == 2
    assert run("restore").returncode == 2
    assert run("journal").returncode == 2
    assert run("journal", "verfy", "--data", server.data).returncode == 2
    assert run("journal", "salvage", "--data", server.data).returncode == 2
    assert run("journal", "verify", "x", "--data", server.data).returncode == 2
    done = run("backup", tmp_path / "x", "--data", tmp_path / "none")
    assert done.returncode == 1 and str(tmp_path / "none") in done.stderr and not (tmp_path / "x").exists()
    assert not (tmp_path / "none").exists()
    (tmp_path / "empty").mkdir()
    done = run("backup", tmp_path / "x", "--data", tmp_path / "empty")
    assert done.returncode == 1 and os.listdir(tmp_path / "empty") == []
    for word in (["restore", tmp_path / "none"], ["restore", tmp_path / "empty"]):
        done = run(*word, "--data", tmp_path / "new")
        assert done.returncode == 1 and str(word[1]) in done.stderr, done.stderr
        assert not (tmp_path / "new").exists()
    assert run("backup", tmp_path / "copy", "--data", server.data).returncode == 0
    before = content(server.data)
    done = run("restore", tmp_path / "copy", "--data", server.data)      # never over what is there
    assert done.returncode == 1 and server.data in done.stderr, done.stderr
    assert content(server.data) == before
    done = run("journal", "verify", "--data", tmp_path / "none")
    assert done.returncode == 1 and str(tmp_path / "none") in done.stderr and not (tmp_path / "none").exists()


def test_damage_is_refused_found_and_salvaged(start_server, tmp_path):
    server = start_server(args=["--journal.write_back_ms", "200"])
    people = [new_id() for _ in range(30)]
    for duid in people:
        views(server, duid, 3)
    server.restart()
    server.end()
    db = os.path.join(server.data, "db")
    tables = [os.path.join(db, name) for name in os.listdir(db) if name.endswith((".sst", ".blob"))]
    assert tables, os.listdir(db)
    assert run("journal", "verify", "--data", server.data).returncode == 0
    whole = max(tables, key=os.path.getsize)
    with open(whole, "r+b") as f:
        f.seek(os.path.getsize(whole) // 3)
        byte = f.read(1)
        f.seek(-1, 1)
        f.write(bytes([byte[0] ^ 0x40]))
    done = run("journal", "verify", "--data", server.data)
    assert done.returncode == 1, done.stdout + done.stderr
    assert os.path.basename(whole) in done.stdout + done.stderr or "db" in done.stdout + done.stderr
    before = content(db)
    done = run("journal", "salvage", tmp_path / "new", "--data", server.data)
    assert content(db) == before
    if done.returncode == 0:
        other = start_server(data=str(tmp_path / "new"))
        for duid in people:
            assert other.attribute(VIEWS, duid) in (None, 0, 1, 2, 3)
    else:
        assert done.stderr.strip()


# -- full disks
@pytest.fixture
def small_disk(tmp_path):
    """A disk of 64 MiB; a function that fills it, and one that makes room."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    at = tmp_path / "disk"
    at.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=755", "tmpfs", str(at)], capture_output=True, text=True)
    if mount.returncode:                         # tests/crash/faults.py fills a disk in another way then
        pytest.skip(f"a small disk can't be mounted here: {mount.stderr.strip()}")
    yield at
    subprocess.run(["umount", "-l", str(at)], check=True)


class Ballast:
    """Takes all the room there is, again and again, since a database that can't write tidies up; until it is taken away."""

    def __init__(self, disk):
        self.path, self.gone = disk / "ballast", threading.Event()
        self.fill()
        self.thread = threading.Thread(target=self.keep_full)
        self.thread.start()

    def fill(self):
        with open(self.path, "ab", buffering=0) as f:
            try:
                while True:
                    f.write(b"\0" * 4096)
            except OSError:
                pass

    def keep_full(self):
        while not self.gone.wait(0.01):
            self.fill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gone.set()
        self.thread.join()
        os.remove(self.path)


def refusal(request):
    """What the request is answered once it is refused: a database that tidies up may have had room for another one or two."""
    return wait_until(lambda: (answer := request()).status != 200 and answer, what="the disk to be full")


def use_up(server):
    """What the log had taken in advance is used up too."""
    many = [page_view("somebody", "https://shop.example/" + "x" * 2000) for _ in range(200)]
    return refusal(lambda: server.post("/api/v1/events", many))


def test_start_on_a_full_disk(small_disk, start_server):
    with Ballast(small_disk):
        done = serve(small_disk / "data")
    assert done.returncode == 1
    assert str(small_disk / "data") in done.stderr and re.search("full|space", done.stderr), done.stderr
    server = start_server(data=str(small_disk / "data"))      # what the failed start left is no hindrance
    views(server, new_id(), 1)


def test_a_full_disk_and_room_again(small_disk, start_server):
    server = start_server(data=str(small_disk / "data"), args=["--fronts", "2", "--journal.write_back_ms", "300"])
    ann = new_id()
    views(server, ann, 2)
    listener = server.stream(domain_userid=ann)
    track = json.dumps(tp2(tracker_event("pv", duid=ann)))
    seen = [shop_event("product_view", ann) for _ in range(5)]
    offer = {"name": "offer", "version": 1, "intervention_id": new_id()}

    def push():
        return server.post(f"/api/v1/interventions?domain_userid={ann}", offer)
    with Ballast(small_disk):
        answer = use_up(server)
        assert "disk is full" in answer.problem(503) and int(answer.headers["Retry-After"]) > 0
        for path, type in [("/com.snowplowanalytics.snowplow/tp2", "application/json"), ("/com.acme/track", "text/plain")]:
            answer = refusal(lambda: server.post(path, track, type=type))
            assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0, answer.body
            assert answer.headers["Access-Control-Allow-Origin"]
        assert refusal(lambda: server.get("/i?e=pv&p=web&tv=x&eid=" + new_id())).status == 503
        answer = refusal(push)
        assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0, answer.body
        statuses = [server.post("/api/v1/events", [event]).status for event in seen]
        assert set(statuses) <= {200, 503}

        # everything else goes on
        assert 2 + statuses.count(200) <= server.attribute(VIEWS, ann) <= 2 + len(seen)
        assert server.post("/predict", {"domain_userid": ann}).status == 200
        assert server.get("/health").status == 200
        wait_until(lambda: (ready := server.get("/readyz")).status == 200 and b"full" in ready.body, what="/readyz to say it")
        wait_until(lambda: "\nsignalbox_journal_state 1\n" in server.get("/metrics").body.decode(), what="the metric to say it")
        assert "no room" in server.log()
        with server.stream(domain_userid=new_id()) as other:
            other.read_until(b":ok\n\n")
        server.write_rule("more.lua", COUNT_LATE)
        time.sleep(1)                           # a reload while nothing can be kept
        assert server.alive()
        use_up(server)

    # with room again it goes on by itself
    wait_until(lambda: server.post("/api/v1/events", [page_view(ann)]).status == 200, what="events to be taken again")
    wait_until(lambda: server.get("/readyz").body == b"ok", what="/readyz to say so")
    for event in seen:                          # as a tracker does; those that were queued meanwhile count once
        assert server.post("/api/v1/events", [event]).status == 200
    assert server.attribute(VIEWS, ann) == 2 + len(seen)
    assert push().json() == {"status": "success"}
    names = listener.names(2)
    assert names.count("offer") == 1 and "discount" in names, names
    listener.close()
    server.restart(signal.SIGKILL)
    assert server.attribute(VIEWS, ann) == 2 + len(seen)
    wait_until(lambda: "late" in str(server.rules_status()), what="the rules that were saved meanwhile")


def test_a_stop_while_the_disk_is_full(small_disk, start_server):
    server = start_server(data=str(small_disk / "data"))
    ann = new_id()
    views(server, ann, 2)
    with Ballast(small_disk):
        assert use_up(server).status == 503
        assert server.end() < 20 * SLOW         # it does not wait for room
    server.start()
    assert server.attribute(VIEWS, ann) == 2
