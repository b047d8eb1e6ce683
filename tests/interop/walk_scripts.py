#!/usr/bin/env python3
"""Random maps, and random scripts of cursor commands over them.

    walk_scripts.py SEED DIR [COMMANDS]    writes DIR/SEED.tsv and DIR/SEED.in

The map is TSV-hex, `-` instead of a value for a path without one. The same seed gives the same
files with every version of Python that has the same random.Random.
"""
import os
import random
import sys

from walk_model import BYTE, BYTES, COMMANDS, NUMBER, Trie, Walk

# How often a command is tried; 4 unless it stands here. Those that only ask come less often.
WEIGHT = {"to_next_val": 10, "to_next_step": 10, "to_next_sibling_byte": 10,
          "to_prev_sibling_byte": 10, "to_next_k_path": 10, "descend_first_k_path": 8,
          "descend_to": 10, "descend_to_byte": 8, "move_to_path": 8, "ascend": 8,
          "ascend_until": 6, "ascend_until_branch": 6, "descend_until": 6,
          "path": 1, "at_root": 1, "reset": 1, "root": 2, "child_mask": 3, "val_count": 2}

EDGE_VALUES = (0, 1, 247, 248, 255, 256, 65535, 65536, 2 ** 32 - 1, 2 ** 63, 2 ** 64 - 1)


# -------------------------------------------------------------------------------------------- maps

def word(rng, alphabet, shortest, longest):
    return bytes(rng.choice(alphabet) for _ in range(rng.randint(shortest, longest)))


def dense(rng):
    alphabet = rng.sample(range(256), rng.randint(1, 3))
    return [word(rng, alphabet, 0, rng.randint(1, 7)) for _ in range(rng.randint(1, 150))]


def sparse(rng):
    return [word(rng, range(256), 0, 6) for _ in range(rng.randint(1, 60))]


def comb(rng):
    """A long key and many prefixes of it, some with a tooth to the side."""
    spine = word(rng, rng.sample(range(256), 2), 20, 200)
    teeth = [spine[:rng.randint(0, len(spine))] for _ in range(rng.randint(1, 40))]
    return [spine] + [t + word(rng, range(256), 0, 3) * rng.randint(0, 1) for t in teeth]


def lines(rng):
    """Long runs without a branch; some tails are the same."""
    heads = [word(rng, b"ab", 0, 4) for _ in range(rng.randint(1, 12))]
    tails = [word(rng, rng.choice([b"x", b"xyz", range(256)]), 1, rng.choice([3, 20, 260, 600]))
             for _ in range(rng.randint(1, 5))]
    keys = [h + rng.choice(tails) for h in heads]
    return keys + [k + rng.choice(tails) for k in keys if rng.random() < 0.3]


def fans(rng):
    """Wide nodes: around the number of children where a mask takes over, and all of them."""
    keys = []
    for _ in range(rng.randint(1, 3)):
        at = word(rng, b"ab", 0, 3)
        for byte in rng.sample(range(256), rng.choice([30, 31, 32, 33, 64, 200, 255, 256])):
            keys.append(at + bytes([byte]) + word(rng, b"ab", 0, 2) * (rng.random() < 0.3))
    return keys


def copies(rng):
    """The same small tree in several places."""
    tree = dense(rng)[:30]
    places = [word(rng, b"abc", 0, 4) for _ in range(rng.randint(2, 5))]
    return [p + k for p in places for k in tree]


def few(rng):
    return [word(rng, b"ab", 0, 5) for _ in range(rng.randint(0, 2))]


KINDS = (dense, dense, sparse, comb, lines, fans, copies, few)


def random_map(rng):
    """Keys with values; None as the value of a path that only exists."""
    keys = rng.choice(KINDS)(rng)
    if rng.random() < 0.3:
        keys += [k[:rng.randint(0, len(k))] for k in keys if rng.random() < 0.4]
    dangling = rng.choice([0, 0, 0.1, 0.6, 1])
    same = rng.random() < 0.3
    return {k: None if rng.random() < dangling
            else 7 if same
            else rng.choice(EDGE_VALUES) if rng.random() < 0.5 else rng.getrandbits(64)
            for k in keys}


def write_map(entries, path):
    with open(path, "w", encoding="ascii") as file:
        for key in sorted(entries):
            value = entries[key]
            file.write(f"{key.hex()}\t{'-' if value is None else value}\n")


def read_map(path):
    entries = {}
    with open(path, encoding="ascii") as file:
        for line in file:
            key, value = line.rstrip("\n").split("\t")
            entries[bytes.fromhex(key)] = None if value == "-" else int(value)
    return entries


# ----------------------------------------------------------------------------------------- scripts

def some_path(rng, trie, start, most):
    """A path below `start`: along what exists, with now and then a step aside or beyond."""
    path = b""
    stray = rng.choice([0, 0.02, 0.15])
    for _ in range(rng.randint(0, most)):
        kids = trie.children.get(start + path)
        if not kids or rng.random() < stray:
            if rng.random() < 0.6:
                break
            near = kids or [start[-1]] if start else [0x61]
            byte = rng.choice(near) + rng.choice([-1, 0, 1]) if rng.random() < 0.7 else rng.randrange(256)
            path += bytes([byte & 255])
        else:
            path += bytes([rng.choice([kids[0], kids[-1], rng.choice(kids)])])
    return path


def some_length(rng):
    return rng.choice([1, 1, 1, 2, 2, 3, 4, 6, 10, 30, 300])


def some_bytes(rng, walk, name):
    trie = walk.trie
    if name in BYTE:
        path = some_path(rng, trie, walk.here, 1)
        return path or bytes([rng.randrange(256)])
    if name == "root":
        return some_path(rng, trie, b"", some_length(rng))
    if name == "move_to_path" and rng.random() < 0.7:
        keep = rng.randint(0, len(walk.path_now))
        return walk.path_now[:keep] + some_path(rng, trie, walk.here[:len(walk.root_path) + keep],
                                                some_length(rng))
    start = walk.root_path if name == "move_to_path" else walk.here
    return some_path(rng, trie, start, some_length(rng))


def some_number(rng, walk, name):
    depth = len(walk.path_now)
    if name == "descend_indexed_byte":
        count = walk.child_count()
        return rng.choice([0, 1, count // 2, max(count - 1, 0), count, 255, 256])
    if name == "to_next_k_path":
        # 0 is where the reference's two cursors disagree.
        return rng.choice([1, 1, 2, 3, max(depth, 1), depth + 1, 40])
    if name == "ascend":
        return rng.choice([0, 1, 1, 2, 3, depth // 2, depth, depth + 1, 1000])
    return rng.choice([0, 1, 1, 2, 2, 3, 4, 7, 40, 300])


def random_command(rng, walk):
    weights = [WEIGHT.get(name, 4) for name in COMMANDS]
    name = rng.choices(COMMANDS, weights)[0]
    # Away from the root again when there is nothing left to see.
    if not walk.path_exists() and not walk.path_now and rng.random() < 0.3:
        name = "root"
    if name in NUMBER:
        return f"{name} {some_number(rng, walk, name)}"
    if name in BYTES:
        return f"{name} {some_bytes(rng, walk, name).hex()}".rstrip()
    return name


def random_script(rng, entries, count):
    """Commands, with the answers of the plain model."""
    walk = Walk(Trie(entries))
    script, answers = [], []
    while len(script) < count:
        command = random_command(rng, walk)
        # The same walk several times in a row: that is how they are used.
        again = rng.randint(2, 8) if command.startswith("to_next") and rng.random() < 0.4 else 1
        for _ in range(again):
            script.append(command)
            answers.append(walk.run(command))
    return script, answers


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    seed, folder = sys.argv[1:3]
    rng = random.Random(seed)
    entries = random_map(rng)
    script, _ = random_script(rng, entries, int(sys.argv[3]) if len(sys.argv) == 4 else 200)
    write_map(entries, os.path.join(folder, f"{seed}.tsv"))
    with open(os.path.join(folder, f"{seed}.in"), "w", encoding="ascii") as file:
        file.write("\n".join(script) + "\n")


if __name__ == "__main__":
    main()
