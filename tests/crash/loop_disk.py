"""loop_disk.py -- a small ext4 in a file, mounted: a disk whose power can be cut and that can run full.

SPDX-License-Identifier: Apache-2.0
"""
import atexit
import fcntl
import os
import signal
import struct
import subprocess
import sys
import time

# ext4's and xfs' own: from here on nothing reaches the disk, not even the file system's log.
SHUTDOWN = 0x8004587D                            # _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2

mounted = []


class Unable(Exception):
    """This machine can't do that."""


def command(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise Unable(f"{' '.join(words)}: {done.stdout.decode(errors='replace').strip() or done.returncode}")


class Disk:
    """folder: gets an image and the mount point, `path`."""

    def __init__(self, folder, mib):
        self.image, self.path = os.path.join(folder, "disk.img"), os.path.join(folder, "disk")
        os.makedirs(self.path, exist_ok=True)
        with open(self.image, "wb") as f:
            f.truncate(mib << 20)
        try:
            command("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
        except FileNotFoundError as e:
            raise Unable(f"mkfs.ext4: {e.strerror}") from None

    def mount(self):
        command("mount", "-o", "loop,noatime", self.image, self.path)
        mounted.append(self)

    def cut(self):
        """As if the power had gone: what is not on the disk by now will never be."""
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        except OSError as e:
            raise Unable(f"shutting down the file system: {e.strerror}") from None
        finally:
            os.close(fd)

    def umount(self, seconds=20):
        """Waits until nobody uses it any more: a process that was killed may still be leaving."""
        end = time.monotonic() + seconds
        while True:
            try:
                command("umount", self.path)
                break
            except Unable:
                if time.monotonic() > end:
                    command("umount", "-l", self.path)
                    mounted.remove(self)
                    raise
                time.sleep(0.02)
        mounted.remove(self)


def clean_up():
    for disk in list(mounted):
        subprocess.run(["umount", "-l", disk.path], stderr=subprocess.DEVNULL)
        mounted.remove(disk)


def clean_up_always(stop):
    """However the test ends; stop: called first, ends what may still use a disk."""
    def all_of_it():
        stop()
        clean_up()

    def leave(number, frame):
        sys.exit(128 + number)
    atexit.register(all_of_it)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
