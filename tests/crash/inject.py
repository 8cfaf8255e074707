"""inject.py -- the test's side of inject.h: builds the library, arms faults, reads the record.

SPDX-License-Identifier: Apache-2.0
"""
import errno
import mmap
import os
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
# In the order of enum fault_op.
OPS = ("open", "create", "read", "pread", "fread", "write", "pwrite", "writev", "fdatasync", "fsync", "sync_file_range", "ftruncate",
       "fallocate", "rename", "unlink", "link", "mkdir", "mmap", "opendir", "stat", "accept4")
FAULTS = struct.Struct(f"IIiIqqQQ{len(OPS)}Q256s")
FOR_EVER = 1 << 62
RECORD_HEAD = struct.Struct("QQQQ")


def build(folder):
    """The library to preload, made in folder."""
    library = os.path.join(folder, "inject.so")
    sources = [os.path.join(HERE, name) for name in ("inject.c", "record.c")]
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-g", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-std=gnu11", "-D_GNU_SOURCE", "-shared",
                    "-fPIC", "-o", library, *sources, "-ldl"], check=True)
    return library


class Faults:
    """What a server's calls meet; it can be armed, looked at and disarmed while the server runs."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as f:
            f.write(bytes(FAULTS.size))
        with open(path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), FAULTS.size)

    def arm(self, op, skip, times, error, part=False):
        """From the call behind the next `skip` ones on, `times` calls fail with error; 0: they do only half. part: the first one
        does half before the others fail."""
        self.disarm()
        struct.pack_into("IiI", self.memory, 4, 1 << OPS.index(op), error, int(part))
        struct.pack_into("qqQQ", self.memory, 16, skip, times, 0, 0)
        struct.pack_into("256s", self.memory, FAULTS.size - 256, b"")
        struct.pack_into("I", self.memory, 0, 1)

    def disarm(self):
        struct.pack_into("I", self.memory, 0, 0)

    def hits(self):
        return struct.unpack_from("Q", self.memory, 32)[0]

    def log_syncs_failed(self):
        return struct.unpack_from("Q", self.memory, 40)[0]

    def calls(self):
        """How often each was called so far."""
        return dict(zip(OPS, struct.unpack_from(f"{len(OPS)}Q", self.memory, 48)))

    def where(self):
        """The path of the last hit."""
        return struct.unpack_from("256s", self.memory, FAULTS.size - 256)[0].split(b"\0")[0].decode(errors="replace")


class Record:
    """Every change of a data folder, as the library writes them down."""

    def __init__(self, path, mib):
        self.path = path
        with open(path, "wb") as f:
            f.truncate((mib << 20) + RECORD_HEAD.size)
        with open(path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), 0)

    def size(self):
        """What was written down by now."""
        return struct.unpack_from("Q", self.memory, 0)[0]

    def overflowed(self):
        return struct.unpack_from("Q", self.memory, 16)[0] != 0

    def bytes(self):
        return self.memory[RECORD_HEAD.size:RECORD_HEAD.size + self.size()]

    def drop(self):
        self.memory.close()
        os.unlink(self.path)


def environment(library, folder, faults=None, record=None):
    """For a server whose data folder is `folder`. It needs the name as the server is given it."""
    env = {"LD_PRELOAD": library, "INJECT_DIR": folder}
    if faults:
        env["INJECT_FAULTS"] = faults.path
    if record:
        env["INJECT_RECORD"] = record.path
    return env


def error_name(error):
    return errno.errorcode[error] if error else "half"
