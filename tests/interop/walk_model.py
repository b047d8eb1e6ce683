"""A cursor over a trie, as its documentation describes it and as plainly as can be: sets of paths.

Speaks the language of `actree walk`; slow, and easy to believe.
"""
from bisect import bisect_right


class Trie:
    """What exists: `entries` maps keys to values, or to None for a path without a value."""

    def __init__(self, entries):
        self.values = {key: value for key, value in entries.items() if value is not None}
        self.keys = sorted(self.values)
        existing = {b""}
        for key in entries:
            existing.update(key[:n] for n in range(len(key) + 1))
        self.paths = sorted(existing)
        self.children = {path: [] for path in self.paths}
        self.by_length = {}
        for path in self.paths:
            self.by_length.setdefault(len(path), []).append(path)
            if path:
                self.children[path[:-1]].append(path[-1])

    @staticmethod
    def after(ordered, path, prefix):
        """The first of a sorted list that is above `path` and begins with `prefix`, or None."""
        at = bisect_right(ordered, path)
        return ordered[at] if at < len(ordered) and ordered[at].startswith(prefix) else None


def answer(result):
    """A result as it is written: none of Python's words for it."""
    if result is None:
        return "ok"
    if isinstance(result, bool):
        return "true" if result else "false"
    if isinstance(result, bytes):
        return result.hex() or "-"
    return str(result)


class Walk:
    """The cursor: each command is a method of its name."""

    def __init__(self, trie):
        self.trie = trie
        self.root_path = b""
        self.path_now = b""

    @property
    def here(self):
        return self.root_path + self.path_now

    def kids(self):
        return self.trie.children.get(self.here, [])

    def run(self, line):
        """The answer to one command, `RESULT<TAB>HEXPATH`."""
        name, _, argument = line.partition(" ")
        if name in NUMBER:
            result = getattr(self, name)(int(argument))
        elif name in BYTES:
            result = getattr(self, name)(bytes.fromhex(argument))
        else:
            result = getattr(self, name)()
        return f"{answer(result)}\t{self.path_now.hex()}"

    # ------------------------------------------------------------------------------- questions

    def path(self):
        return self.path_now

    def at_root(self):
        return not self.path_now

    def path_exists(self):
        return self.here in self.trie.children

    def is_val(self):
        return self.here in self.trie.values

    def val(self):
        return self.val_at(b"")

    def val_at(self, path):
        return self.trie.values.get(self.here + path, "-")

    def val_count(self):
        return sum(key.startswith(self.here) for key in self.trie.keys)

    def child_count(self):
        return len(self.kids())

    def child_mask(self):
        return bytes(self.kids())

    # ------------------------------------------------------------------------------------ moves

    def root(self, path):
        self.root_path, self.path_now = path, b""

    def reset(self):
        self.path_now = b""

    def descend_to(self, path):
        self.path_now += path

    descend_to_byte = descend_to

    def descend_to_check(self, path):
        self.path_now += path
        return self.path_exists()

    def descend_to_existing(self, path):
        return self.along(path, False)

    def descend_to_val(self, path):
        return self.along(path, True)

    def along(self, path, to_val):
        for n, byte in enumerate(path):
            if byte not in self.kids():
                return n
            self.path_now += bytes([byte])
            if to_val and self.is_val():
                return n + 1
        return len(path)

    def descend_to_existing_byte(self, byte):
        return self.along(byte, False) == 1

    def descend_indexed_byte(self, index):
        if index >= len(self.kids()):
            return False
        self.path_now += bytes([self.kids()[index]])
        return True

    def descend_first_byte(self):
        return self.descend_indexed_byte(0)

    def descend_last_byte(self):
        return bool(self.kids()) and self.descend_indexed_byte(len(self.kids()) - 1)

    def descend_until(self):
        return self.descend_until_max_bytes(1 << 64)

    def descend_until_max_bytes(self, most):
        moved = 0
        while moved < most and len(self.kids()) == 1:
            self.descend_first_byte()
            moved += 1
            if self.is_val():
                break
        return moved > 0

    def descend_last_path(self):
        moved = False
        while self.descend_last_byte():
            moved = True
        return moved

    def move_to_path(self, path):
        shared = 0
        while shared < min(len(path), len(self.path_now)) and path[shared] == self.path_now[shared]:
            shared += 1
        self.path_now = path
        return shared

    def ascend(self, nbytes):
        if not self.path_now:
            return False
        enough = nbytes <= len(self.path_now)
        self.path_now = self.path_now[:max(len(self.path_now) - nbytes, 0)]
        return enough

    def ascend_byte(self):
        return self.ascend(1)

    def ascend_until(self):
        return self.up(True)

    def ascend_until_branch(self):
        return self.up(False)

    def up(self, at_keys):
        if not self.path_now:
            return False
        self.ascend(1)
        while self.path_now and len(self.kids()) < 2 and not (at_keys and self.is_val()):
            self.ascend(1)
        return True

    def to_next_sibling_byte(self):
        return self.beside(True)

    def to_prev_sibling_byte(self):
        return self.beside(False)

    def beside(self, above):
        if not self.path_now:
            return False
        byte = self.path_now[-1]
        siblings = [b for b in self.trie.children.get(self.here[:-1], [])
                    if (b > byte if above else b < byte)]
        if siblings:
            self.path_now = self.path_now[:-1] + bytes([siblings[0 if above else -1]])
        return bool(siblings)

    def to_next(self, ordered, base):
        """On to the next of a sorted list of paths that begins with `base`; else to `base`."""
        path = self.trie.after(ordered, self.here, base)
        self.path_now = (base if path is None else path)[len(self.root_path):]
        return path is not None

    def to_next_step(self):
        return self.to_next(self.trie.paths, self.root_path)

    def to_next_val(self):
        return self.to_next(self.trie.keys, self.root_path)

    def descend_first_k_path(self, nbytes):
        same_length = self.trie.by_length.get(len(self.here) + nbytes, [])
        return nbytes > 0 and self.to_next(same_length, self.here)

    def to_next_k_path(self, nbytes):
        if nbytes > len(self.path_now):
            self.path_now = b""
            return False
        if nbytes == 0:
            # Nothing to move to; the reference's cursor in memory differs at its root.
            return not self.path_now and bool(self.kids())
        same_length = self.trie.by_length.get(len(self.here), [])
        return self.to_next(same_length, self.here[:-nbytes])


NUMBER = {"descend_indexed_byte", "descend_until_max_bytes", "ascend", "descend_first_k_path",
          "to_next_k_path"}
BYTE = {"descend_to_byte", "descend_to_existing_byte"}
BYTES = BYTE | {"descend_to", "descend_to_check", "descend_to_existing", "descend_to_val",
                "move_to_path", "val_at", "root"}
COMMANDS = sorted(NUMBER | BYTES | {
    "path", "at_root", "path_exists", "is_val", "val", "val_count", "child_count", "child_mask",
    "reset", "descend_first_byte", "descend_last_byte", "descend_until", "descend_last_path",
    "ascend_byte", "ascend_until", "ascend_until_branch", "to_next_sibling_byte",
    "to_prev_sibling_byte", "to_next_step", "to_next_val"})
