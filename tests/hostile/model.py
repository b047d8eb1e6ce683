"""A strict reader of ACTree03 files, to judge the library by.

Written from docs/FORMAT.md with no thought of speed, and on purpose unlike the library: it keeps
whole sets of nodes, and counts from the leaves up where the library counts from the root down.

    model.py FILE...     prints what it thinks of each file
"""
import heapq
import sys

HEADER = 16
TAIL = 8
TRAILER = 16
U64_MAX = (1 << 64) - 1


class Cut(Exception):
    """Bytes end before the object does."""


class Broken(Exception):
    """A rule of soundness is broken."""

    def __init__(self, rule, offset):
        super().__init__(f"{rule} at {offset}")
        self.rule = rule
        self.offset = offset


def u64_at(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def varint_at(data, at, end):
    """(value, offset after it); nothing at or after `end` is read."""
    if at >= end:
        raise Cut
    width = max(0, data[at] - 247)
    if at + 1 + width > end:
        raise Cut
    value = int.from_bytes(data[at + 1:at + 1 + width], "little") if width else data[at]
    return value, at + 1 + width


class Node:
    """A node's own bytes, as they stand there."""

    __slots__ = ("at", "end", "header", "value", "value_nbytes", "to_child", "to_line", "tail")

    def __init__(self, data, at, end):
        if at >= end:
            raise Cut
        self.at = at
        self.header = data[at]
        self.value = self.to_child = self.to_line = None
        self.value_nbytes = 0
        self.tail = b""
        next_at = at + 1
        if self.header & 0x40:
            self.value, next_at = varint_at(data, next_at, end)
            self.value_nbytes = next_at - at - 1
        if self.is_line:
            if self.header & 1:
                self.to_child, next_at = varint_at(data, next_at, end)
            self.to_line, next_at = varint_at(data, next_at, end)
        elif self.count:
            self.to_child, next_at = varint_at(data, next_at, end)
            width = min(self.count, 32)
            self.tail = bytes(data[next_at:next_at + width])
            next_at += width
        if next_at > end:
            raise Cut
        self.end = next_at

    @property
    def is_line(self):
        return self.header >= 0x80

    @property
    def count(self):
        """What a branch's header counts."""
        return self.header & 0x3F

    def labels(self):
        """The bytes of a branch's children."""
        if self.count < 32:
            return list(self.tail)
        return [8 * i + bit for i, byte in enumerate(self.tail) for bit in range(8)
                if byte >> bit & 1]


class Sound:
    """What is known of a sound file."""

    def __init__(self, root):
        self.root = root
        self.nodes = {}     # offset: Node
        self.children = {}  # offset: offsets of its children, in order
        self.lines = {}     # offset of a line node: (first, end) of its bytes
        self.data = {}      # offset of line data: its size with its length


def why_not_opened(data):
    """None, or the number of the rule of opening that fails."""
    if len(data) < HEADER + 1 + TAIL:
        return 1
    if data[:8] != b"ACTree03":
        return 2
    root = u64_at(data, 8)
    if not HEADER <= root < len(data) - TAIL:
        return 3
    try:
        Node(data, root, len(data) - TAIL)
    except Cut:
        return 4
    return None


def check_tail(data, root):
    previous_trailer, previous_root = u64_at(data, len(data) - 16), u64_at(data, len(data) - 8)
    if not previous_root:
        return
    at = len(data) - TRAILER
    root_ends = Node(data, root, len(data) - TAIL).end
    if not (HEADER <= previous_root < at and root_ends <= at
            and (previous_trailer == 0 or HEADER <= previous_trailer <= at - TRAILER)):
        raise Broken("tail", at)


def check_branch(node):
    if node.count > 32:
        raise Broken("child-count", node.at)
    labels = node.labels()
    if node.count == 32 and len(labels) < 32:
        raise Broken("child-mask", node.at)
    if sorted(set(labels)) != labels:
        raise Broken("child-bytes", node.at)
    return len(labels)


def check_line(data, node, sound):
    if node.header & 0x3E:
        raise Broken("line-header", node.at)
    if node.value is not None and node.to_child is not None:
        raise Broken("line-value-child", node.at)
    if not 1 <= node.to_line <= node.at - HEADER:
        raise Broken("line-offset", node.at)
    start = node.at - node.to_line
    try:
        length, first = varint_at(data, start, node.at)
    except Cut:
        raise Broken("line-length", node.at) from None
    if length == 0 or first + length > node.at:
        raise Broken("line-length", node.at)
    sound.lines[node.at] = (first, first + length)
    sound.data[start] = first + length - start
    return 0 if node.to_child is None else 1


def run_of(data, node, count, decoded):
    """The offsets of a node's children. `decoded` keeps the nodes of runs that many share."""
    if count == 0:
        return []
    if not 1 <= node.to_child <= node.at - HEADER:
        raise Broken("child-offset", node.at)
    run, at = [], node.at - node.to_child
    for _ in range(count):
        run.append(at)
        if at not in decoded:
            try:
                decoded[at] = Node(data, at, len(data) - TAIL)
            except Cut:
                raise Broken("node-bounds", at) from None
        if decoded[at].end > node.at:
            raise Broken("sibling-run", node.at)
        at = decoded[at].end
    return run


def check_table(data, run):
    """The jump table before a run, whose last byte is the width of what stands before it."""
    first = run[0]
    for i, at in enumerate(run[1:], 1):
        width = data[first - 1]
        entry = first - 1 - i * width
        # No table begins before the pages of an index; of a width that is none nothing is read.
        if first <= 256 or width not in (1, 2, 4) or entry <= HEADER \
                or first + int.from_bytes(data[entry:entry + width], "little") != at:
            raise Broken("jump-table", first)


def check(data, index_root=None, tables_end=0):
    """The Sound of a file that can be opened, or Broken: the tail first, then the highest node.
    Where there is an index, its root may be empty, and runs that begin below `tables_end` have
    jump tables."""
    root = u64_at(data, 8)
    check_tail(data, root)
    merged_here = u64_at(data, len(data) - 8) and root + 1 == len(data) - TRAILER
    if data[root] == 0 and root != HEADER and not merged_here and root != index_root:
        raise Broken("empty-root", root)
    sound = Sound(root)
    decoded = {root: Node(data, root, len(data) - TAIL)}
    waiting, reached = [-root], {root}
    while waiting:
        node = decoded[-heapq.heappop(waiting)]
        count = check_line(data, node, sound) if node.is_line else check_branch(node)
        run = run_of(data, node, count, decoded)
        if len(run) > 1 and run[0] < tables_end:
            check_table(data, run)
        sound.nodes[node.at] = node
        sound.children[node.at] = run
        for at in run:
            if at not in reached:
                reached.add(at)
                heapq.heappush(waiting, -at)
    return sound


class Figures:
    """What `info` is to say of a sound file, exact, and what a scan has to do."""

    def __init__(self, data, sound):
        nodes = sound.nodes
        branches = [n for n in nodes.values() if not n.is_line and n.count]
        leaves = [n for n in nodes.values() if not n.is_line and not n.count]
        lines = [n for n in nodes.values() if n.is_line]
        span = lambda some: sum(n.end - n.at for n in some)  # noqa: E731
        merged = u64_at(data, len(data) - 8) != 0
        self.objects = {"branch_nodes": len(branches), "leaf_nodes": len(leaves),
                        "line_nodes": len(lines), "lines": len(sound.data)}
        self.bytes = {"header": HEADER, "branch_nodes": span(branches), "leaf_nodes": span(leaves),
                      "line_nodes": span(lines), "line_data": sum(sound.data.values()),
                      "tail": TRAILER if merged else TAIL}
        # There is no index in any of these files.
        self.bytes.update(jump_tables=0, index=0)
        self.bytes["unreferenced"] = max(0, len(data) - sum(self.bytes.values()))
        self.value_bytes = sum(n.value_nbytes for n in nodes.values())
        self.references = sum(map(len, sound.children.values()))
        self.values = sum(n.value is not None for n in nodes.values())
        self.shared = self.references > len(nodes) - 1
        self.count_paths(sound)

    def count_paths(self, sound):
        """From the leaves up: a node's children lie below it. For each node: keys, their bytes,
        the longest (-1 without any), dangling paths, nodes a walk visits, levels below."""
        paths, runs = {}, {}
        for at in sorted(sound.nodes):
            node, run = sound.nodes[at], sound.children[at]
            own = sound.lines[at][1] - sound.lines[at][0] if node.is_line else 0
            step = own if node.is_line else 1
            here = int(node.value is not None)
            shared = (run[0], len(run)) if run else None
            if shared not in runs:
                each = [paths[child] for child in run]
                runs[shared] = [combine(column) for combine, column in
                                zip((sum, sum, max, sum, sum, max), zip(*each))]
            if not run:
                paths[at] = (here, own * here, own if here else -1, 1 - here, 1, 0)
                continue
            keys, total, longest, dangling, visits, height = runs[shared]
            longest = max(own if here else -1, longest + step if longest >= 0 else -1)
            paths[at] = (keys + here, total + step * keys + own * here, longest, dangling,
                         visits + 1, height + 1)
        self.keys, self.key_bytes, longest, self.dangling_paths, self.visits, self.deepest_node \
            = paths[sound.root]
        self.longest_key = max(0, longest)
        if not sound.nodes[sound.root].is_line and not sound.children[sound.root]:
            self.dangling_paths = 0


def entries(data, sound):
    """All (key, value), in byte order. Lazy: there may be very many."""
    stack = [(sound.root, b"")]
    while stack:
        at, path = stack.pop()
        node = sound.nodes[at]
        if node.is_line:
            first, end = sound.lines[at]
            path += bytes(data[first:end])
        if node.value is not None:
            yield path, node.value
        labels = [b""] if node.is_line else [bytes([label]) for label in node.labels()]
        stack.extend((child, path + label)
                     for child, label in reversed(list(zip(sound.children[at], labels))))


def lookup(data, sound, key):
    """The value of a key, or None."""
    at, rest = sound.root, key
    while True:
        node = sound.nodes[at]
        if node.is_line:
            first, end = sound.lines[at]
            if rest[:end - first] != data[first:end]:
                return None
            rest = rest[end - first:]
            if node.to_child is None:
                return None if rest else node.value
            at = sound.children[at][0]
        elif not rest:
            return node.value
        elif rest[0] in node.labels():
            at = sound.children[at][node.labels().index(rest[0])]
            rest = rest[1:]
        else:
            return None


def main():
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            data = file.read()
        rule = why_not_opened(data)
        if rule:
            print(f"{path}: cannot be opened, rule O{rule}")
            continue
        try:
            figures = Figures(data, check(data))
            print(f"{path}: sound, {figures.keys} keys, longest {figures.longest_key} bytes")
        except Broken as broken:
            print(f"{path}: {broken}")


if __name__ == "__main__":
    main()
