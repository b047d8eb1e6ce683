"""Files whose nodes, references, tables and footers were changed by what they mean, and their
checksums mended: by seed, the same on every machine."""
import index_model
import model
from cases import BYTES, EDGES, some_keys
from forge import u64, varint
from model import HEADER, Cut, Node, u64_at


def number_near(rng, data, number):
    return rng.choice([number + rng.randint(-2, 2), rng.choice(EDGES), rng.randrange(len(data))])


def reachable(data):
    """Nodes that can be found, however damaged the rest is."""
    nodes, waiting = {}, [u64_at(data, 8), u64_at(data, len(data) - 8)]
    while waiting and len(nodes) < 300:
        at = waiting.pop()
        if at in nodes or not HEADER <= at < len(data):
            continue
        try:
            nodes[at] = node = Node(data, at, len(data))
        except Cut:
            continue
        child = None if node.to_child is None else at - node.to_child
        for _ in range(0 if child is None else 1 if node.is_line else len(node.labels())):
            if not HEADER <= child < at:
                break
            waiting.append(child)
            try:
                child = Node(data, child, len(data)).end
            except Cut:
                break
    return list(nodes.values())


def put_varint(data, at, number):
    """In the width that is there."""
    width = max(0, data[at] - 247) if at < len(data) else 0
    new = bytes([number & 0xff if 0 <= number < 248 else 247]) if width == 0 \
        else varint(number, width)
    data[at:at + len(new)] = new


def target(rng, data, nodes, node, rel):
    """A distance from a node to something."""
    other = rng.choice(nodes)
    places = [other.at, other.end, node.at - number_near(rng, data, rel)]
    if other.to_child is not None:
        places.append(other.at - other.to_child)
    if other.is_line:
        places.append(other.at - other.to_line)
    return node.at - rng.choice(places)


def appended(rng, data, nodes):
    """A node or more behind all, the last as root, with zeros or a trailer, and perhaps a footer."""
    merges = rng.random() < .6
    out = bytearray(data if merges else data[:-8])
    before = u64_at(data, 8)
    root = len(out)
    for last in [False] * rng.randint(0, 2) + [True]:
        if last and merges and rng.random() < .7 and out[16:24] == b"actIndex":
            at = len(out)
            out += b"actMerge" + u64(1) + u64(len(data)) + u64(at + 64) \
                + u64(rng.choice([u64_at(data, 40)] * 5 + [16])) + u64(model.U64_MAX) + bytes(16)
        root = len(out)
        node = rng.choice(nodes)
        first = node.at if rng.random() < .5 or node.to_child is None else node.at - node.to_child
        value = varint(rng.choice(EDGES)) if rng.random() < .5 else b""
        if node.is_line and rng.random() < .5:
            child = b"" if value else varint(root - first)
            out += bytes([0x80 | (0x40 if value else 1)]) + value + child \
                + varint(root - (node.at - node.to_line))
        else:
            labels = sorted(rng.sample(range(256), rng.choice([0, 1, 1, 2, 3])))
            out += bytes([len(labels) | (0x40 if value else 0)]) + value \
                + (varint(root - first) if labels else b"") + bytes(labels)
    out += (u64(len(data) - 16 if u64_at(data, len(data) - 8) else 0) + u64(before)) if merges \
        else bytes(8)
    out[8:16] = u64(root)
    return out


def edit(rng, data):
    """One change, to a bytearray; the bytearray that there is then."""
    nodes = reachable(data)
    if not nodes:
        data[8:16] = u64(rng.randrange(len(data)))
        return data
    node = rng.choice(nodes)
    kind = rng.choice(["header", "child", "child", "line", "length", "labels", "value", "root", "trailer",
                       "index", "index", "footer", "table", "end", "append", "append", "byte"])
    if kind == "header":
        data[node.at] = rng.choice([rng.choice(BYTES), data[node.at] ^ 1 << rng.randrange(8)])
    elif kind == "child" and node.to_child is not None:
        put_varint(data, node.at + 1 + node.value_nbytes, target(rng, data, nodes, node, node.to_child))
    elif kind == "line" and node.is_line:
        put_varint(data, node.end - len(varint(node.to_line)), target(rng, data, nodes, node, node.to_line))
    elif kind == "length" and node.is_line and HEADER <= node.at - node.to_line < node.at:
        at = node.at - node.to_line
        put_varint(data, at, number_near(rng, data, data[at]))
    elif kind == "labels" and node.tail:
        data[node.end - rng.randint(1, len(node.tail))] = rng.choice(BYTES)
    elif kind == "value" and node.value is not None:
        put_varint(data, node.at + 1, rng.choice(EDGES))
    elif kind == "root":
        data[8:16] = u64(rng.choice([rng.choice(nodes).at, number_near(rng, data, node.at)]))
    elif kind == "trailer":
        at = len(data) - rng.choice([8, 16])
        data[at:at + 8] = u64(rng.choice([0, node.at, number_near(rng, data, node.at)]))
    elif kind == "index" and data[16:24] == b"actIndex" and len(data) > 256:
        at = 24 + 8 * rng.randrange(14)
        data[at:at + 8] = u64(number_near(rng, data, u64_at(data, at)))
    elif kind == "footer":
        root = u64_at(data, 8)
        if root < len(data) and data[max(0, root - 64):root][:8] == b"actMerge":
            at = root - 64 + 8 * rng.randrange(8)
            data[at:at + 8] = u64(number_near(rng, data, u64_at(data, at)))
    elif kind == "table" and node.to_child is not None and node.at - node.to_child > 300:
        at = node.at - node.to_child - 1 - rng.choice([0, 0, 1, 2, 3, 4])
        data[at] = rng.choice([0, 1, 2, 3, 4, data[at] + 1 & 255, rng.randrange(256)])
    elif kind == "end":
        if rng.random() < .5:
            data = data[:max(25, len(data) - rng.randrange(40))]
        else:
            data += bytes(rng.randrange(40))
    elif kind == "append":
        data = appended(rng, data, nodes)
    elif kind == "byte":
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def mutant(rng, base):
    """A few changes to a file, mended but for one time in six."""
    data = bytearray(base)
    for _ in range(rng.choice([1, 1, 2, 3, 5])):
        data = edit(rng, data)
    if rng.random() < 5 / 6:
        index_model.mend(data)
    return bytes(data)


def keys_and_merges(rng):
    """(entries, merges): what a base is made from; a merge is entries to set, and keys to remove."""
    entries = some_keys(rng, rng.choice([0, 1, 3, 12, 12, 60]))
    there = [key for key, _ in entries]
    merges = []
    for _ in range(rng.choice([0, 0, 1, 2, 3])):
        news = some_keys(rng, rng.randint(0, 4))[:8]
        gone = rng.sample(there, min(len(there), rng.randint(0, 3)))
        merges.append((news, sorted(set(gone) - {key for key, _ in news})))
    return entries, merges
