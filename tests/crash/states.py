"""states.py -- the folders that a disk could have left when the power went, built from a record of every change.

What a sync that had ended covered is there. Of everything later a disk may have kept whatever it liked: a data write in whole, in
part, in any of its sectors, or not at all, with or without the size that it gave the file; names (create, rename, remove) up to some
point in their order, as file systems with a log of their own keep them. A name is safe once its folder was synced.
SPDX-License-Identifier: Apache-2.0
"""
import os
import stat
import struct

CREATE, WRITE, TRUNCATE, ALLOCATE, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, LINK, MKDIR, RMDIR = range(11)
CHANGE = struct.Struct("IIQQ")
NOTHING, ALL, BEGINNING, PAGES, SECTORS = "nothing", "all", "a beginning", "pages", "sectors"
KEEPS = (NOTHING, ALL, BEGINNING, PAGES, SECTORS)
PIECE = {PAGES: 4096, SECTORS: 512, BEGINNING: 512}
FOLDER = -1                                      # in a tree: no file


def changes(record):
    """(position behind it, kind, file, a, bytes) of each."""
    at = 0
    while at < len(record):
        kind, n, file, a = CHANGE.unpack_from(record, at)
        at += CHANGE.size
        data = record[at:at + n]
        at += n + 7 & ~7
        yield at, kind, file, a, data


class Start:
    """The folder before anything was recorded: all of it is on the disk."""

    def __init__(self, root):
        self.tree, self.bytes, self.folders, self.files = {}, {}, {}, {}
        if os.path.isdir(root):
            self.folders[os.stat(root).st_ino] = ""
        for folder, folders, names in os.walk(root):
            for name in folders + names:
                path = os.path.join(folder, name)
                short, st = os.path.relpath(path, root), os.lstat(path)
                if stat.S_ISDIR(st.st_mode):
                    self.tree[short] = FOLDER
                    self.folders[st.st_ino] = short
                elif stat.S_ISREG(st.st_mode):
                    if st.st_ino not in self.files:
                        self.files[st.st_ino] = len(self.bytes)
                        with open(path, "rb") as f:
                            self.bytes[len(self.bytes)] = f.read()
                    self.tree[short] = self.files[st.st_ino]


class Moment:
    """What was on the disk for sure, and what was still on its way, when the record had `cut` bytes."""

    def __init__(self, root, start, record, cut):
        self.root = os.path.normpath(root)
        self.safe = {id: bytearray(data) for id, data in start.bytes.items()}
        self.waiting = {id: [] for id in self.safe}            # file -> [(position, kind, a, bytes)] not yet synced
        self.tree, self.now = dict(start.tree), dict(start.tree)
        self.names = []                                        # [(position, kind, path, other, file)] not yet synced
        self.folders, self.files = dict(start.folders), dict(start.files)
        begun = {}
        for at, kind, file, a, data in changes(record):
            if at > cut:
                break
            if kind in (WRITE, TRUNCATE, ALLOCATE):
                self.waiting[self.files[file]].append((at, kind, a, data))
            elif kind == SYNC_BEGIN:
                begun[a] = at
            elif kind == SYNC_END:
                self._synced(file, begun.pop(a))
            else:
                self._named(at, kind, file, data)

    def _short(self, path):
        short = os.path.relpath(os.path.normpath(path.decode()), self.root)
        return "" if short == "." else short

    def _named(self, at, kind, file, data):
        path, _, other = data.partition(b"\0")
        path, other = self._short(path), self._short(other) if other else None
        if kind == CREATE:
            id = len(self.safe)
            self.files[file] = id
            self.safe[id], self.waiting[id] = bytearray(), []
        elif kind == MKDIR:
            id = FOLDER
            self.folders[file] = path
            if not path:
                return                                         # the data folder itself: its parent's matter
        else:
            id = self.now.get(path)
        change = (at, kind, path, other, id)
        self.names.append(change)
        apply_name(self.now, change)
        if kind == RENAME and id == FOLDER:
            for number, folder in self.folders.items():
                if folder == path or folder.startswith(path + "/"):
                    self.folders[number] = other + folder[len(path):]

    def _synced(self, file, begun):
        if file in self.folders and self.folders[file] is not None:
            folder = self.folders[file]
            covered = [c for c in self.names if c[0] < begun and (covers(folder, c[2], c[1]) or
                                                                 c[3] is not None and covers(folder, c[3], c[1]))]
            for change in covered:
                apply_name(self.tree, change)
            self.names = [c for c in self.names if c not in covered]
            return
        id = self.files[file]
        for at, kind, a, data in self.waiting[id]:
            if at < begun:
                apply_data(self.safe[id], kind, a, data)
        self.waiting[id] = [w for w in self.waiting[id] if w[0] >= begun]

    def n_waiting(self):
        return sum(len(data) for waiting in self.waiting.values() for _, kind, _, data in waiting if kind == WRITE)

    def write(self, to, rng, data_kept, names_kept):
        """Makes the folder `to`. names_kept: NOTHING, ALL or BEGINNING."""
        n = {NOTHING: 0, ALL: len(self.names)}.get(names_kept)
        tree = dict(self.tree)
        for change in self.names[:rng.randint(0, len(self.names)) if n is None else n]:
            apply_name(tree, change)
        os.makedirs(to)
        for path, id in sorted(tree.items()):                  # a folder sorts before what is in it
            full = os.path.join(to, path)
            if id == FOLDER:
                os.makedirs(full, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as f:
                f.write(self.content(id, rng, data_kept))

    def content(self, id, rng, kept):
        content, waiting = bytearray(self.safe[id]), self.waiting[id]
        if kept == NOTHING or not waiting:
            return content
        if kept == ALL:
            for _, kind, a, data in waiting:
                apply_data(content, kind, a, data)
            return content
        if kept == BEGINNING:
            whole = rng.randrange(len(waiting) + 1)
            for _, kind, a, data in waiting[:whole]:
                apply_data(content, kind, a, data)
            if whole < len(waiting) and waiting[whole][1] == WRITE:
                _, kind, a, data = waiting[whole]
                end = rng.randrange(len(data) + 1)
                apply_data(content, kind, a, data[:max(0, end - (a + end) % PIECE[kept])])
            return content
        chance, size_first = rng.choice([0.0, 0.1, 0.5, 0.9]), rng.random() < 0.5
        last = last_written(rng, waiting, PIECE[kept], chance)
        for i, (_, kind, a, data) in enumerate(waiting):
            if kind != WRITE:
                apply_data(content, kind, a, data)
                continue
            for at, piece in pieces(a, data, PIECE[kept]):
                if i <= last.get(at // PIECE[kept], -1):
                    apply_data(content, WRITE, at, piece)
            if size_first:
                apply_data(content, ALLOCATE, a + len(data), b"")
        return content


def last_written(rng, waiting, size, chance):
    """{number of a piece: the change behind which it got to the disk for the last time}. It went as it was in memory then, with
    what every change before had put there: of two writes into one sector there is never the second alone."""
    last = {}
    for i, (_, kind, a, data) in enumerate(waiting):
        if kind == WRITE:
            for at, _ in pieces(a, data, size):
                if rng.random() < chance:
                    last[at // size] = i
    return last


def covers(folder, path, kind):
    """Does a sync of the folder make this name safe? It also does so for the name of the folder itself."""
    return os.path.dirname(path) == folder or kind == MKDIR and (folder == path or folder.startswith(path + "/"))


def pieces(at, data, size):
    """As the disk sees them: (offset, bytes)."""
    done = 0
    while done < len(data):
        n = min(size - (at + done) % size, len(data) - done)
        yield at + done, data[done:done + n]
        done += n


def apply_data(content, kind, a, data):
    if kind == WRITE:
        if len(content) < a:
            content.extend(bytes(a - len(content)))
        content[a:a + len(data)] = data
    elif kind == TRUNCATE and a < len(content):
        del content[a:]
    elif a > len(content):
        content.extend(bytes(a - len(content)))


def apply_name(tree, change):
    _, kind, path, other, id = change
    if kind in (CREATE, MKDIR):
        tree[path] = id
    elif kind == LINK:
        tree[other] = id
    elif kind in (UNLINK, RMDIR):
        tree.pop(path, None)
    elif kind == RENAME:
        below = [p for p in tree if p.startswith(path + "/")] if id == FOLDER else []
        tree.pop(path, None)
        tree[other] = id
        for p in below:
            tree[other + p[len(path):]] = tree.pop(p)


def differences(one, other):
    """Between two folders: the names of files that are not the same in both."""
    found = [{}, {}]
    for contents, root in zip(found, (one, other)):
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                if stat.S_ISREG(os.lstat(path).st_mode):
                    with open(path, "rb") as f:
                        contents[os.path.relpath(path, root)] = f.read()
    return sorted(path for path in found[0].keys() | found[1].keys() if found[0].get(path) != found[1].get(path))
