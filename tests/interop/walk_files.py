"""ACTree03 files of a map, laid out in any of the ways that the format allows.

Builders write one of them. Merges, other builders and later layouts may write others: branches where
a line would do, lines in pieces, shared line data and subtrees or none, unused bytes in between.
"""
import sys

NO_VALUE = None


def varint(number):
    if number <= 247:
        return bytes([number])
    digits = number.to_bytes((number.bit_length() + 7) // 8, "little")
    return bytes([247 + len(digits)]) + digits


class Writer:
    """Writes one file; `rng` makes the choices, with odds that differ from file to file."""

    def __init__(self, rng, trie):
        self.rng = rng
        self.trie = trie
        self.out = bytearray(b"ACTree03" + bytes(8))
        self.shares = rng.choice([0, 0.5, 1])
        self.lines = rng.choice([0, 0.6, 1, 1])
        self.cuts = rng.choice([0, 0, 0.4])
        self.junk = rng.choice([0, 0, 0.2])
        self.data = {}     # line bytes -> where they were written
        self.runs = {}     # children's contents -> where the run was written
        self.contents = {}  # path -> a number for what is there and below
        self.numbers = {}

    def content(self, path):
        """The same number for the same subtree."""
        if path not in self.contents:
            # Longest first, so that what lies below is known.
            below = [p for p in self.trie.paths if p.startswith(path) and p not in self.contents]
            for p in sorted(below, key=len, reverse=True):
                kids = tuple((b, self.contents[p + bytes([b])]) for b in self.trie.children[p])
                what = (self.trie.values.get(p), kids)
                self.contents[p] = self.numbers.setdefault(what, len(self.numbers))
        return self.contents[path]

    def put(self, content):
        if self.rng.random() < self.junk:
            self.out += self.rng.randbytes(self.rng.randint(1, 9))
        self.out += content

    def line_data(self, line):
        if line in self.data and self.rng.random() < self.shares:
            return self.data[line]
        self.put(varint(len(line)) + line)
        self.data[line] = len(self.out) - len(line) - len(varint(len(line)))
        return self.data[line]

    def run_from(self, path):
        """How many bytes lead on from a path without a value or a branch."""
        end = path
        while len(self.trie.children[end]) == 1 and end not in self.trie.values:
            end += bytes(self.trie.children[end])
        return end[len(path):]

    def prepare(self, path):
        """Writes all that the node of a path refers to; gives a function that writes the node."""
        line = self.run_from(path)
        if line and self.rng.random() < self.lines:
            if self.rng.random() < self.cuts:
                line = line[:self.rng.randint(1, len(line))]
            return self.prepare_line(path + line, line)
        value, kids = self.trie.values.get(path), self.trie.children[path]
        first = self.children(path, kids) if kids else None

        def write():
            at = len(self.out)
            header = min(len(kids), 32) | (0x40 if value is not NO_VALUE else 0)
            node = bytes([header]) + (varint(value) if value is not NO_VALUE else b"")
            if kids:
                node += varint(at - first)
                mask = sum(1 << b for b in kids)
                node += mask.to_bytes(32, "little") if len(kids) >= 32 else bytes(kids)
            self.out += node
            return at
        return write

    def prepare_line(self, end, line):
        value, kids = self.trie.values.get(end), self.trie.children[end]
        # A value on the line itself where nothing is below, as builders do, or on a leaf below it.
        below = bool(kids) or (self.rng.random() < self.cuts)
        child = self.one(end) if below else None
        data = self.line_data(line)

        def write():
            at = len(self.out)
            own = value if not below else NO_VALUE
            node = bytes([0x80 | (0x40 if own is not NO_VALUE else 0) | below])
            node += varint(own) if own is not NO_VALUE else b""
            node += varint(at - child) if below else b""
            self.out += node + varint(at - data)
            return at
        return write

    def one(self, path):
        """Writes the node of a path, which has no siblings."""
        write = self.prepare(path)
        self.put(b"")
        return write()

    def children(self, path, kids):
        """Writes the nodes of the children back to back, and returns where they begin."""
        paths = [path + bytes([b]) for b in kids]
        key = tuple(self.content(p) for p in paths)
        if key in self.runs and self.rng.random() < self.shares:
            return self.runs[key]
        writes = [self.prepare(p) for p in paths]
        self.put(b"")
        self.runs[key] = [write() for write in writes][0]
        return self.runs[key]

    def file(self):
        root = self.one(b"")
        self.out[8:16] = root.to_bytes(8, "little")
        # The end of a merge, or of any other file.
        if self.rng.random() < 0.2:
            return bytes(self.out) + bytes(8) + root.to_bytes(8, "little")
        return bytes(self.out) + bytes(8)


def random_file(rng, trie):
    """The bytes of a file that holds what the trie does."""
    sys.setrecursionlimit(20000)
    return Writer(rng, trie).file()
