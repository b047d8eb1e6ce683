"""Writing ACTree03 files object by object: whole ones, and broken ones on purpose."""
from model import HEADER, TAIL

MAGIC = b"ACTree03"


def u64(number):
    return (number & (1 << 64) - 1).to_bytes(8, "little")


def varint(number, width=None):
    """In the shortest form, or in `width` following bytes."""
    number &= (1 << 64) - 1
    if width is None:
        if number <= 247:
            return bytes([number])
        width = (number.bit_length() + 7) // 8
    return bytes([247 + width]) + (number & (1 << 8 * width) - 1).to_bytes(width, "little")


class File:
    """A file that grows at its end. Methods return the offset of what they appended."""

    def __init__(self):
        self.data = bytearray(MAGIC + u64(0))
        self.known_lines = {}

    @property
    def here(self):
        return len(self.data)

    def add(self, some_bytes):
        at = self.here
        self.data += some_bytes
        return at

    def line_data(self, text, once=True):
        if not once:
            return self.add(varint(len(text)) + text)
        if text not in self.known_lines:
            self.known_lines[text] = self.add(varint(len(text)) + text)
        return self.known_lines[text]

    def leaf(self, value=None):
        return self.branch(value)

    def branch(self, value=None, first=None, labels=()):
        at = self.here
        out = bytearray([min(len(labels), 32) | (0 if value is None else 0x40)])
        if value is not None:
            out += varint(value)
        if labels:
            out += varint(at - first)
        if len(labels) < 32:
            out += bytes(labels)
        else:
            out += sum(1 << label for label in labels).to_bytes(32, "little")
        return self.add(out)

    def line(self, data, value=None, child=None):
        at = self.here
        out = bytearray([0x80 | (0 if value is None else 0x40) | (child is not None)])
        if value is not None:
            out += varint(value)
        if child is not None:
            out += varint(at - child)
        return self.add(out + varint(at - data))

    def end(self, root, tail=bytes(TAIL)):
        self.data[8:HEADER] = u64(root)
        return bytes(self.data) + tail


def tree(items):
    """A file of sorted (key, value) in the order of the format's writers: a run of siblings when
    all below it is there, and line data before its node."""
    file = File()

    def write(node):
        kind, *rest = node
        return file.branch(*rest) if kind == "branch" else file.line(*rest)

    def make(items, skip):
        """The node for these keys, of which `skip` bytes are spent: what is below it is written,
        the node itself is not."""
        here = [value for key, value in items if len(key) == skip]
        groups = {}
        for key, value in items:
            if len(key) > skip:
                groups.setdefault(key[skip], []).append((key, value))
        kids = []
        for group in groups.values():
            first, last = group[0][0], group[-1][0]
            ends = skip + 1
            while ends < min(len(first), len(last)) and first[ends] == last[ends]:
                ends += 1
            kids.append(make_line(group, skip + 1, ends))
        first = [write(kid) for kid in kids][:1]
        return ("branch", here[0] if here else None, first[0] if first else None, tuple(groups))

    def make_line(items, skip, ends):
        node = make(items, ends)
        if ends == skip:
            return node
        data = file.line_data(items[0][0][skip:ends])
        if node[2] is None:
            return ("line", data, node[1], None)
        return ("line", data, None, write(node))

    if not items:
        return file.end(file.leaf())
    first, last = items[0][0], items[-1][0]
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return file.end(write(make_line(items, 0, shared)))


def merged(data, label, value):
    """A merge by hand: a copy of the root's run with one more leaf, a new root, a trailer. The root
    must be a branch of fewer than 31 children, without a value, that does not have `label` yet."""
    from model import Node, u64_at
    old = u64_at(data, 8)
    root = Node(data, old, len(data) - TAIL)
    nodes, at = {}, old - root.to_child
    for one in root.labels():
        nodes[one] = Node(data, at, len(data))
        at = nodes[one].end
    file = File()
    file.data = bytearray(data)
    first = None
    for one in sorted([*nodes, label]):
        node = nodes.get(one)
        if node is None:
            at = file.leaf(value)
        elif node.is_line:
            child = None if node.to_child is None else node.at - node.to_child
            at = file.line(node.at - node.to_line, node.value, child)
        else:
            child = None if node.to_child is None else node.at - node.to_child
            at = file.branch(node.value, child, node.labels())
        first = at if first is None else first
    new = file.branch(None, first, sorted([*nodes, label]))
    return file.end(new, u64(0) + u64(old))
