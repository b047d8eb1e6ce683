#!/usr/bin/env python3
"""Makes the seed corpora of the fuzz targets: small files of the reference, some of the hostile
tests' own, and for the targets that want one a script of keys or moves before the file.

    fuzz_seeds.py          writes fuzz/TARGET/corpus/NAME.seed anew; other files there stay
"""
import os
import random

import cases
import model

NBYTES_MAX = 2500
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
GOLDEN = os.path.join(TOP, "tests", "interop", "golden")


def small_files():
    for name in sorted(os.listdir(GOLDEN)):
        path = os.path.join(GOLDEN, name)
        if name.endswith(".act") and os.path.getsize(path) <= NBYTES_MAX:
            with open(path, "rb") as file:
                yield name[:-4], file.read()
    rng = random.Random("seeds")
    for family, count in (("whole", 0), ("giants", 0), ("soup", 12), ("fields", 8), ("trailers", 4)):
        for label, data in cases.FAMILIES[family](rng, count):
            if len(data) <= NBYTES_MAX and not label.startswith(("half", "root-first")):
                yield f"{family}-{label}", data


def keys_of(data):
    """A few keys that are there."""
    if model.why_not_opened(data):
        return []
    try:
        sound = model.check(data)
    except model.Broken:
        return []
    if model.Figures(data, sound).visits > 10000:
        return [b"ab" * 20]
    every = [key for key, _ in model.entries(data, sound) if len(key) < 200]
    return every[::max(1, len(every) // 4)][:5]


def with_script(script, data):
    return len(script).to_bytes(2, "little") + script + data


def main():
    for target in ("verify_scan", "get", "cursor"):
        folder = os.path.join(TOP, "fuzz", target, "corpus")
        os.makedirs(folder, exist_ok=True)
        for name in os.listdir(folder):
            if name.endswith(".seed"):
                os.remove(os.path.join(folder, name))
        rng = random.Random(target)
        for name, data in small_files():
            keys = keys_of(data)
            if target == "get":
                keys += [key[:-1] + b"~" for key in keys if key] + [b"", b"a"]
                data = with_script(b"".join(bytes([len(key)]) + key for key in keys), data)
            elif target == "cursor":
                root = keys[0][:2] if keys and rng.random() < .3 else b""
                script = bytearray([len(root)]) + root
                for _ in range(25):
                    move = rng.randrange(26)
                    script.append(move)
                    if move < 5:
                        key = rng.choice(keys or [b""])[:20]
                        script += bytes([len(key)]) + key
                    elif move < 12:
                        script.append(rng.choice([0, 1, 2, 97, 255]))
                data = with_script(bytes(script), data)
            with open(os.path.join(folder, name + ".seed"), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
