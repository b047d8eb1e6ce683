"""Damaged and malicious files, by seed: what is made is the same on every machine.

Each family is a function of a random.Random, and a count where it makes random files; it gives
(label, file's bytes). What is right about a file is for model.py to say: nothing here knows.
"""
import model
from forge import MAGIC, File, merged, tree, u64, varint
from model import HEADER, TAIL

U64_MAX = (1 << 64) - 1
# Where encodings change, and where arithmetic wraps.
EDGES = (0, 1, 2, 7, 8, 15, 16, 17, 24, 25, 247, 248, 255, 256, 4095, 4096, 65535, 65536,
         (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, U64_MAX - 15,
         U64_MAX - 8, U64_MAX)
# Bytes that begin something: leaves, masks, lines, long varints.
BYTES = (0x00, 0x01, 0x02, 0x1f, 0x20, 0x21, 0x3f, 0x40, 0x41, 0x5f, 0x60, 0x7f, 0x80, 0x81, 0xc0,
         0xc1, 0xf7, 0xf8, 0xf9, 0xfb, 0xfe, 0xff)


def some_keys(rng, count):
    """Sorted (key, value): words, shared prefixes and tails, wide branches, the empty key."""
    pieces = [bytes(rng.choices(b"abcdefgh/.-_", k=rng.randint(1, 9))) for _ in range(12)]
    keys = set()
    while len(keys) < count:
        key = b"".join(rng.choices(pieces, k=rng.randint(0, 5)))
        if rng.random() < .2:
            key += bytes([rng.randrange(256)])
        keys.add(key)
    if rng.random() < .5:
        stem = rng.choice(pieces)
        keys |= {stem + bytes([label]) for label in rng.sample(range(256), rng.randint(25, 60))}
    return [(key, rng.getrandbits(rng.choice([1, 7, 8, 9, 16, 33, 64]))) for key in sorted(keys)]


def small(rng):
    return tree(some_keys(rng, rng.randint(3, 12)))


def medium(rng):
    return tree(some_keys(rng, rng.randint(40, 300)))


def whole(rng, count):
    """Good files: a judge that finds fault with everything would be found out."""
    yield "empty-map", tree([])
    yield "empty-key", tree([(b"", 0)])
    yield "long-key", tree([(bytes(range(256)) * 300, U64_MAX)])
    yield "all-bytes", tree([(bytes([byte]), byte) for byte in range(256)])
    yield "prefixes", tree([(b"p" * n, n) for n in range(400)])
    for fan_out in (31, 32, 33, 255):
        yield f"fan-{fan_out}", tree([(bytes([7, n]), n) for n in range(fan_out)])
    for n in range(count):
        yield f"map-{n}", medium(rng)
    yield "merged", merged(tree([(b"a", 1), (b"bc", 2), (b"bd", 3)]), ord("z"), 4)
    yield "merged-twice", merged(merged(tree([(b"a", 1), (b"bc", 2)]), ord("y"), 3), ord("z"), 4)
    yield "zeros-after", tree([(b"a", 1)]) + bytes(5000)


def front(rng, count):
    """Sizes, magics, root offsets."""
    tiny = tree([(b"ab", 1), (b"ac", 2)])
    yield "no-bytes", b""
    for size in range(1, len(tiny)):
        yield f"first-{size}", tiny[:size]
    for size in (1, 7, 8, 15, 16, 24):
        yield f"junk-{size}", rng.randbytes(size)
        yield f"zeros-{size}", bytes(size)
    for at in range(8):
        yield f"magic-{at}", tiny[:at] + bytes([tiny[at] ^ 1 << rng.randrange(8)]) + tiny[at + 1:]
    for name, magic in (("01", b"ACTree01"), ("04", b"ACTree04"), ("gzip", b"\x1f\x8b\x08\0\0\0\0\0")):
        yield f"magic-{name}", magic + tiny[8:]
    for root in {*EDGES, *range(len(tiny) - 12, len(tiny) + 3)}:
        yield f"root-{root}", MAGIC + u64(root) + tiny[16:]
    base = medium(rng)
    for n in range(count):
        yield f"root-any-{n}", MAGIC + u64(rng.randrange(16, len(base))) + base[16:]


def cut(rng, count):
    """Cut short anywhere; and files whose last page is full, so that one byte more is a fault."""
    base = medium(rng)
    for n in range(count):
        size = rng.randrange(25, len(base))
        yield f"at-{n}", base[:size]
    for n in range(count // 4):
        size = len(base) - 1 - n
        yield f"end-{n}", base[:size]
    for size in (4096, 8192, 65536):
        for tail in (b"\x40\xff", b"\x01\xfe", b"\x20\x01" + b"\xff" * 30, b"\x80\xf9", b"\x1f\x01ab",
                     b"\xc1\x01\x01\xfd", b"\x60\xff\x01\x02\x03"):
            file = File()
            file.add(bytes(size - TAIL - len(tail) - HEADER))
            root = file.add(tail)
            yield f"root-{tail[:2].hex()}-{size}", file.end(root)
            # The same bytes as a sibling that starts below the root and runs past it.
            file = File()
            file.add(bytes(size - TAIL - 6 - HEADER))
            first = file.leaf(1)
            end = file.end(file.branch(None, first, b"ab"))
            yield f"sibling-{tail[:2].hex()}-{size}", end[:-len(tail)] + tail


def bits(rng, count):
    """Single bits, and several, turned over."""
    for n in range(count):
        base = bytearray(small(rng) if n % 2 else medium(rng))
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            at = rng.randrange(8 * len(base))
            base[at >> 3] ^= 1 << (at & 7)
        yield str(n), bytes(base)


def pieces(rng, count):
    """Bytes overwritten, blocks lost, swapped, repeated, moved by a byte."""
    for n in range(count):
        base = medium(rng) if n % 2 else small(rng)
        size = rng.choice([1, 2, 8, 16, 64, 512])
        at = rng.randrange(16, len(base))
        other = rng.randrange(16, len(base))
        kind = rng.choice(["byte", "zeros", "ones", "copy", "drop", "insert", "swap"])
        if kind == "byte":
            size, new = 1, bytes([rng.choice(BYTES)])
        elif kind == "zeros":
            new = bytes(size)
        elif kind == "ones":
            new = b"\xff" * size
        elif kind == "copy":
            new = base[other:other + size]
        elif kind == "drop":
            new = b""
        elif kind == "insert":
            size, new = 0, rng.randbytes(rng.randint(1, 9))
        else:
            new = base[other:other + size]
            base = base[:other] + base[at:at + size] + base[other + size:]
        yield f"{kind}-{n}", base[:at] + new + base[at + size:]


def fields(rng, count):
    """One field of one reachable node changed to something at an edge, the rest left as it is."""
    for n in range(count):
        base = medium(rng) if n % 3 else small(rng)
        sound = model.check(base)
        node = sound.nodes[rng.choice(sorted(sound.nodes))]
        kind = rng.choice(["header", "child", "line", "length", "labels", "value"])
        at, new = node.at, bytes([rng.choice(BYTES)])
        number = rng.choice([rng.choice(EDGES), node.at - rng.choice(EDGES),
                             node.at - rng.randrange(16, len(base))])
        if kind == "child" and node.to_child is not None:
            at, new = node.at + 1 + node.value_nbytes, varint(number)
        elif kind == "line" and node.is_line:
            at, new = node.end - len(varint(node.to_line)), varint(number)
        elif kind == "length" and node.is_line:
            at, new = node.at - node.to_line, varint(number)
        elif kind == "labels" and node.tail:
            at = node.end - rng.randint(1, len(node.tail))
        elif kind == "value" and node.value is not None:
            at, new = node.at + 1, varint(number)
        yield f"{kind}-{n}", base[:at] + new + base[at + len(new):]


def soup(rng, count):
    """Nodes and line data in any order, referring to each other at random: mostly legal, never
    what a writer would write. Shared, overlapping, dangling, exponential."""
    for n in range(count):
        file, nodes, data = File(), [], [HEADER]
        file.line_data(bytes(rng.choices(b"xyz", k=3)), once=False)
        fault = rng.choice([0, 0, 0, .02, .2])
        for _ in range(rng.choice([5, 20, 60])):
            aim = nodes[-8:] if rng.random() < .7 else nodes
            first = rng.choice(aim) if aim else None
            if rng.random() < fault:
                first = max(0, file.here + rng.randint(-20, 3))
            kind = rng.random()
            value = rng.choice([None, 1, 300, U64_MAX])
            if kind < .25:
                data.append(file.line_data(bytes(rng.choices(b"pqr", k=rng.randint(1, 5))), once=False))
            elif kind < .5 or first is None:
                nodes.append(file.leaf(value))
            elif kind < .75:
                line = rng.choice(data) + (rng.randint(-3, 3) if rng.random() < fault else 0)
                child = first if rng.random() < .6 else None
                nodes.append(file.line(line, None if child else value, child))
            else:
                runs = [i for i, at in enumerate(nodes) if at == first] or [len(nodes) - 1]
                most = min(len(nodes) - runs[0], 40)
                if rng.random() < fault:
                    most += 2
                labels = sorted(rng.sample(range(256), max(1, rng.randint(1, max(1, most)))))
                nodes.append(file.branch(value, first, labels))
        yield str(n), file.end(nodes[-1] if nodes else HEADER)


def noise(rng, count):
    """Random arenas: any bytes, or bytes that begin something."""
    for n in range(count):
        size = rng.choice([1, 2, 5, 20, 60, 200, 1000, 4000])
        arena = rng.randbytes(size) if n % 2 else bytes(rng.choices(BYTES, k=size))
        root = HEADER + rng.randrange(size)
        yield str(n), MAGIC + u64(root) + arena + bytes(TAIL)


def trailers(rng, count):
    """Merged files with any trailer; and merges that a crash cut off."""
    plain = tree(some_keys(rng, 20))
    while model.Node(plain, model.u64_at(plain, 8), len(plain)).count not in range(2, 30):
        plain = tree(some_keys(rng, 20))
    label = next(byte for byte in range(255, 0, -1)
                 if byte not in model.Node(plain, model.u64_at(plain, 8), len(plain)).labels())
    try:
        good = merged(plain, label, 5)
    except (AttributeError, TypeError):
        return
    at = len(good) - 16
    yield "good", good
    for n in range(count):
        suffix, root = (rng.choice([0, 16, at, at - 16, at - 15, at + 1, rng.randrange(at),
                                    *rng.choices(EDGES, k=3)]) for _ in range(2))
        yield f"any-{n}", good[:-16] + u64(suffix) + u64(root)
    for n in range(count // 2):
        yield f"half-{n}", plain[:16] + good[16:rng.randrange(len(plain), len(good))]
        yield f"root-first-{n}", good[:16] + good[16:rng.randrange(len(plain) - 8, len(good))]
    yield "zeros", good[:len(plain)] + bytes(len(good) - len(plain))


def level_by_level(levels, fan_out, value):
    """All nodes of a level share one run of the level below: fan_out ** levels paths."""
    file = File()
    labels = range(97, 97 + fan_out) if fan_out < 32 else range(fan_out)
    first = [file.leaf(value) for _ in range(fan_out)][0]
    for _ in range(levels - 1):
        first = [file.branch(None, first, labels) for _ in range(fan_out)][0]
    return file.end(file.branch(None, first, labels))


def giants(rng, count):
    """Small files of giant maps, and deep ones."""
    del rng, count
    yield "2-to-63", level_by_level(63, 2, 1)
    yield "2-to-64", level_by_level(64, 2, 1)
    yield "2-to-80", level_by_level(10, 256, 1)
    yield "no-key-in-2-to-64", level_by_level(64, 2, None)
    yield "no-key-in-32-to-60", level_by_level(60, 32, None)
    for name, node in (("branches", lambda f, below, data: f.branch(None, below, b"a")),
                       ("values", lambda f, below, data: f.branch(1, below, b"a")),
                       ("lines", lambda f, below, data: f.line(data, None, below))):
        file = File()
        data = file.line_data(b"a")
        at = file.leaf(7)
        for _ in range(60000):
            at = node(file, at, data)
        yield f"deep-{name}", file.end(at)
    file = File()
    data = file.line_data(b"k" * 1000000)
    at = file.leaf(7)
    for _ in range(3000):
        at = file.line(data, None, at)
    yield "key-of-3-GB", file.end(at)
    file = File()
    data = file.line_data(b"k" * 60000)
    first, second = file.leaf(1), file.leaf(None)
    for _ in range(30):
        forks = file.branch(None, first, b"ab"), file.branch(2, first, b"ab")
        first, second = (file.line(data, None, fork) for fork in forks)
    yield "long-keys-2-to-31", file.end(file.branch(None, first, b"ab"))
    # Runs of 256 children, each one byte further on than the last: they overlap.
    file = File()
    file.add(b"\x40" * 1001)
    first = None
    for n in range(300):
        at = file.branch(None, HEADER + n, range(256))
        first = first or at
    second = file.branch(None, first, range(256))
    for _ in range(255):
        file.branch(None, first, range(256))
    yield "overlapping", file.end(file.branch(None, second, range(256)))
    file = File()
    first = file.leaf(None)
    for _ in range(255):
        file.leaf(None)
    runs = first
    for n in range(600):
        at = file.branch(None, runs, range(256))
        if n % 256 == 255:
            runs = at - 255 * (file.here - at)
    yield "wide-and-dead", file.end(at)


FAMILIES = {"whole": whole, "front": front, "cut": cut, "bits": bits, "pieces": pieces,
            "fields": fields, "soup": soup, "noise": noise, "trailers": trailers, "giants": giants}
