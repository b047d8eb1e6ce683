"""Random maps of the shapes in which tries go wrong, as dicts of bytes to a value or None.

None stands for a path without a value.
"""
LENGTHS = [1, 2, 3, 100, 246, 247, 248, 249, 254, 255, 256, 257, 1000, 65535, 65536, 70000]
WIDTHS = [1, 2, 3, 30, 31, 32, 33, 34, 63, 64, 65, 254, 255, 256]
EDGES = [0, 1, 246, 247, 248, 255, 256, 2**63, 2**64 - 1] + [2**n + d for n in range(16, 64, 8)
                                                           for d in (-1, 0)]


def value(r):
    return r.choice([r.randrange(10), r.choice(EDGES), r.getrandbits(r.randint(1, 64)), 7])


def few(r):
    """Nothing, the empty key, a key or two."""
    return {r.randbytes(r.choice([0, 0, 1, 2, 9, 300])): value(r) for _ in range(r.randrange(3))}


def dense(r):
    letters = bytes(r.sample(range(256), r.randint(1, 4)))
    longest = r.randint(1, 8)
    return {bytes(r.choice(letters) for _ in range(r.randint(0, longest))): value(r)
            for _ in range(r.randrange(300))}


def binary(r):
    return {r.randbytes(r.randint(0, 16)): value(r) for _ in range(r.randrange(600))}


def wide(r):
    """Nodes as wide as a list of bytes can be, and wider, at the root or below a prefix."""
    head = r.randbytes(r.choice([0, 0, 1, 2, 40]))
    map_, narrow = {}, r.random()
    for byte in r.sample(range(256), r.choice(WIDTHS)):
        key = head + bytes([byte])
        if r.random() < 0.8:
            map_[key + r.randbytes(r.choice([0, 0, 1, 5]))] = value(r)
        if r.random() < 0.1 * narrow:
            for below in r.sample(range(256), r.choice(WIDTHS)):
                map_[key + bytes([below]) + r.randbytes(r.choice([0, 0, 3]))] = value(r)
    return map_


def long(r):
    same = bytes([r.randrange(256)])
    map_ = {}
    for _ in range(r.randint(1, 10)):
        size = r.choice(LENGTHS if r.random() < 0.2 else LENGTHS[:13])
        key = r.randbytes(r.randint(1, 2)) + (same * size if r.random() < 0.5 else r.randbytes(size))
        map_[key] = value(r)
        if r.random() < 0.3:
            map_[key[:r.randrange(len(key))]] = value(r)
    return map_


def prefixes(r):
    """Keys all along one long path, and twigs beside it."""
    path = r.randbytes(r.choice([10, 100, 700]))
    map_ = {path[:i]: value(r) for i in range(len(path) + 1) if r.random() < 0.5}
    for _ in range(r.randrange(60)):
        map_[path[:r.randrange(len(path))] + r.randbytes(1)] = value(r)
    return map_


def names(r):
    """Names out of a few parts: the same tails come again and again."""
    parts = [r.randbytes(r.choice([1, 2, 5, 8, 30])) for _ in range(r.randint(2, 12))]
    return {b"".join(r.choices(parts, k=r.randint(0, 6))): value(r) for _ in range(r.randrange(400))}


def numbers(r):
    start, stride = r.getrandbits(r.randint(1, 60)), r.randint(1, 300)
    return {(start + i * stride).to_bytes(8, "big"): i for i in range(r.randrange(500))}


SHAPES = [few, dense, binary, wide, long, prefixes, names, numbers]


def near(r, keys):
    """A key to ask for: one that is there, cut, longer, changed; or none of them."""
    key = r.choice(keys) if keys and r.random() < 0.95 else r.randbytes(r.randrange(8))
    kind = r.randrange(6)
    if kind == 0:
        return key[:r.randint(0, len(key))]
    if kind == 1:
        return key + r.randbytes(r.randint(1, 3))
    if kind == 2 and key:
        at = r.randrange(len(key))
        return key[:at] + r.randbytes(1) + key[at + 1:]
    return key


def random_map(r, with_paths):
    map_ = r.choice(SHAPES)(r)
    if with_paths:
        keys = sorted(map_)
        for _ in range(r.randrange(20)):
            map_.setdefault(near(r, keys), None)
    return map_


def entries(map_):
    """What a dump of it gives."""
    return [(key, map_[key]) for key in sorted(map_) if map_[key] is not None]


def leaves(map_):
    """The entries, and the paths that end without a value: below which there is nothing."""
    keys = sorted(map_)
    out = []
    for key, following in zip(keys, keys[1:] + [b""]):
        if map_[key] is not None or (key and not following.startswith(key)):
            out.append((key, map_[key]))
    return out
