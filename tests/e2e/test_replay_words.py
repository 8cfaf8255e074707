"""test_replay_words.py -- `signalbox replay` on its command line and on a terminal.

SPDX-License-Identifier: Apache-2.0
"""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import pytest

from harness import PATIENCE
from recorded import CLEAN, command, counts, expected, lines, replay, s, views, write  # noqa: F401 (fixtures)

EVENTS = views(40)
TSV = lines(EVENTS)
N = 10_000
MANY = views(N)


# -- what is wrong with the command line
@pytest.mark.parametrize("args,want", [
    (["--format", "xml", "x"], "--format is tsv or ndjson"), (["--format"], "a value is needed"),
    (["--to", "ftp://x", "x"], "neither http:// nor https://"), (["--to", "http://", "x"], "no URL"), (["--to", "", "x"], "no URL"),
    (["--to", "http://x/?a=b", "x"], "? or #"), (["--token", "a b", "x"], "token"), (["--token", "a\nb", "x"], "token"),
    (["--patience", "soon", "x"], "--patience: a number from 0 to"), (["--patience", "-1", "x"], "--patience"),
    (["--speed", "3", "x"], "--speed is for: send"), (["--now", "x"], "--now is for: send"), (["--any-size=1", "x"], "it takes no value"),
    (["-", "-"], "standard input"), (["--refused", "/nonexistent/x", "x"], "/nonexistent/x"), (["--paitence", "3", "x"], "did you mean patience"),
    (["--listen", "127.0.0.1:0", "x"], "--to URL"),
], ids=str)
def test_wrong_words(args, want):
    done = subprocess.run([command("replay", "")[0], "replay", *args], capture_output=True, text=True, timeout=PATIENCE, env=CLEAN,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 2 and want in done.stderr and done.stdout == "", done


def test_refused_lines_never_go_into_what_is_read(s, write):
    path = write("a.tsv", TSV)
    done = replay(s, path, "--refused", path)
    assert done.returncode == 2 and "--refused would write into" in done.stderr
    assert open(path, "rb").read() == TSV


def test_flags_of_another_command():
    binary = command("replay", "")[0]
    for args, want in ((["serve", "--speed", "1"], "--speed is for: send"), (["serve", "--format", "text"], "--format is for: check, test, replay, send"),
                       (["check", "--to", "x"], "--to is for: replay, send"), (["test", "rules", "x"], '"x" is one too many')):
        done = subprocess.run([binary, *args], capture_output=True, text=True, timeout=PATIENCE, env=CLEAN)
        assert done.returncode == 2 and want in done.stderr, done


def test_help():
    binary = command("replay", "")[0]
    for args in (["help", "replay"], ["replay", "--help"], ["replay", "-h", "x"], ["help", "send"], ["send", "--help"]):
        done = subprocess.run([binary, *args], capture_output=True, text=True, timeout=PATIENCE, env=CLEAN)
        assert done.returncode == 0 and done.stderr == ""
        for word in ("--to URL", "--format", "--refused", "--patience", "--any-size", "--token", "  signalbox "):
            assert word in done.stdout, word
        assert ("--speed N" in done.stdout) == ("send" in args)
    done = subprocess.run([binary, "help"], capture_output=True, text=True, timeout=PATIENCE, env=CLEAN)
    assert "  replay " in done.stdout and "  send " in done.stdout and "replay, send: the server" in done.stdout


# -- the bar
def on_a_terminal(args, columns=100, sends=b""):
    """What a command writes to a terminal, and its exit code."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(args[0], args, CLEAN)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    seen = b""
    while True:
        try:
            more = os.read(fd, 65536)
        except OSError:
            break
        if not more:
            break
        seen += more
        if sends and b"events/s" in seen:
            os.write(fd, sends)
            sends = b""
    os.close(fd)
    return seen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_the_bar(s, write):
    seen, code = on_a_terminal(command("replay", s, write("a.tsv", lines(MANY))))
    assert code == 0
    drawn = [part for part in seen.split("\r") if "events/s" in part]
    assert drawn and all(len(part) <= 99 for part in drawn), drawn
    assert re.search(r"a\.tsv  \[=*>? *\] +\d+ %  [\d.]+ [KM]?i?B of [\d.]+ MiB  [\d,]+ events/s", drawn[-1]), drawn[-1]
    assert "10,000 events taken" in seen.rsplit("\r\r\n", 1)[0]
    lines_seen = [line.rsplit("\r", 1)[-1] for line in seen.replace("\r\n", "\n").split("\n")]
    assert all("events/s" not in line for line in lines_seen), lines_seen      # it leaves nothing behind


def test_interrupted_at_a_terminal(s, write):
    path = write("a.tsv", lines(MANY))
    seen, code = on_a_terminal(command("replay", s, path), sends=b"\x03")
    assert code == (1 if "stopped behind line" in seen else 0), seen
    assert replay(s, path).returncode == 0 and counts(s) == expected(MANY)


def test_no_bar_elsewhere(s, write):
    done = replay(s, write("a.tsv", lines(MANY)))
    assert done.stderr == "" and "\r" not in done.stdout
