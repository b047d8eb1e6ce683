#!/usr/bin/env python3
"""Makes the seed corpora of the fuzz targets: small files of the reference, some of the hostile
tests' own, and for the targets that want one a script of keys or moves before the file.

    fuzz_seeds.py [TARGET...]   writes fuzz/TARGET/corpus/NAME.seed anew; other files there stay

The tool that makes files is ACTREE of the environment, or build/actree. The seeds of the targets
builder and manifest were made by hand.
"""
import os
import random
import subprocess
import sys
import tempfile

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


class Maker:
    """Files by the tool: indexed ones, with segments, merged into plain ones."""

    def __init__(self, tool, folder):
        self.tool, self.folder = tool, folder

    def run(self, *words, given=b""):
        subprocess.run([self.tool, *words], input=given, check=True, stdout=subprocess.DEVNULL)

    @staticmethod
    def tsv(entries):
        return b"".join(key.hex().encode() + b"\t%d\n" % value for key, value in entries)

    def build(self, layout, entries, *merges):
        """Each merge is entries to set, and keys to delete."""
        path = os.path.join(self.folder, "one.act")
        gone_path = os.path.join(self.folder, "gone")
        self.run("build", "--keys", "hex", "--layout", layout, "--no-sync", "-o", path, "-",
                 given=self.tsv(entries))
        for news, gone in merges:
            with open(gone_path, "wb") as file:
                file.write(b"".join(key.hex().encode() + b"\n" for key in gone))
            self.run("merge", path, "-", "--keys", "hex", "--sync=none", "--delete-from", gone_path,
                     given=self.tsv(news))
        with open(path, "rb") as file:
            return file.read()

    def files(self, layout):
        rng = random.Random("made " + layout)
        tiny = [(b"ab", 1), (b"abc", 2), (b"b", 300)]
        some = cases.some_keys(rng, 9)
        wide = [(bytes([7, n]), n % 5) for n in range(40)] + [(b"x" * 60 + b"y", 9)]
        more = [(b"aa", 7), (b"abd", 8)]
        yield "empty", self.build(layout, [])
        yield "tiny", self.build(layout, tiny)
        yield "some", self.build(layout, some)
        yield "wide", self.build(layout, wide)
        yield "merged", self.build(layout, tiny, (more, []))
        yield "merged-twice", self.build(layout, some, (more, [some[0][0]]), ([(b"", 0)], [b"aa"]))
        yield "deleted", self.build(layout, tiny, ([], [key for key, _ in tiny]))
        yield "wide-merged", self.build(layout, wide, ([(b"\x07\x05", 99)], [b"\x07\x06"]))


def edits(rng):
    """For the target "merge"."""
    script = bytearray([rng.randrange(8)])
    for _ in range(rng.randint(1, 5)):
        own = rng.choice([b"", b"a", b"abd", b"zz", bytes([rng.randrange(256)])])
        script += bytes([len(own) | rng.choice([0, 16, 32, 48]), rng.randrange(256),
                         rng.choice([0, 130, 200]), rng.randrange(256)]) + own
    return bytes(script)


def moves(rng, keys):
    """For the target "cursor"."""
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
    return bytes(script)


WALKED = ["descend_to 6162", "val", "path", "child_mask", "descend_until", "ascend 1", "to_next_val",
          "descend_indexed_byte 1", "val_at 61", "reset", "# a word", "to_next_step", "fork", "val_count",
          "move_to_path 6162", "descend_first_k_path 2", "nothing such", "to_next_k_path 2",
          "descend_to_byte 61", "child_count", "descend_to_val 616263", "help"]


def lines(rng):
    """For the target "walk"."""
    return "".join(line + "\n" for line in rng.sample(WALKED, 12)).encode()


def script_for(target, rng, data):
    keys = keys_of(data)
    asked = keys + [key[:-1] + b"~" for key in keys if key] + [b"", b"a"]
    asked = b"".join(bytes([len(key)]) + key for key in asked)
    return {"get": lambda: asked, "index": lambda: asked, "merge": lambda: edits(rng),
            "batch": lambda: bytes([rng.randrange(32)]) + asked, "walk": lambda: lines(rng),
            "cursor": lambda: moves(rng, keys)}[target]()


def text_seeds(target):
    """(name, bytes) for the targets that read text."""
    if target == "tsv":
        texts = {"tsv": b"a\t1\nab\t2\n", "tabs": b"a\tb\t3\n", "empty-key": b"\t0\n", "no-tab": b"a\n",
                 "no-value": b"a\t\n", "large": b"a\t18446744073709551615\n",
                 "too-large": b"a\t18446744073709551616\n", "no-newline": b"a\t1",
                 "empty-lines": b"\n\n", "nul": b"a\0\t1\n"}
        escaped = {"escaped": b"a\\tb\\\\\\x00\t1\n", "cut-escape": b"a\\x0\t1\n", "bad-escape": b"\\q\t1\n"}
        hexed = {"hex": b"6162\t1\n\t2\n", "odd-hex": b"616\t1\n", "no-hex": b"6g\t1\n", "upper-hex": b"6A\t1\n"}
        for how, group in ((0, texts), (1, escaped), (2, hexed), (4, texts), (32, texts)):
            for name, text in group.items():
                yield f"{name}-{how}", bytes([how]) + text
        yield "records-12", b"\x0cone\0two\n\0"
        yield "records-8", b"\x08one\t1\0two\n\t2\0"
        return
    for name, words in {
            "build": ["build", "--keys", "hex", "--layout=plain", "--duplicates", "sum", "--memory",
                      "64K", "--threads", "2", "-o", "out.act", "-"],
            "get": ["get", "f.act", "-", "-0", "--guard=none"],
            "range": ["range", "f.act", "--from", "a", "--to", "b", "-r", "-n", "5"],
            "info": ["info", "f.act", "-j", "--max-key", "1M", "--max-steps", "9"],
            "merge": ["merge", "f.act", "in", "--sync=none", "--delete-from", "x"],
            "at": ["dump", "--at", "16", "f.act"], "dashes": ["get", "--", "-f", "-k"],
            "joined": ["prefix", "f.act", "-kescaped", "-n5"], "help": ["verify", "--help"],
            "open": ["bench", "f", "q", "--access=read", "--advice=random", "--populate=hot",
                     "--lock=all", "--huge=auto", "--budget", "4M", "--private"],
            "split": ["split", "f.act", "--parts", "3", "-o", "d"], "unknown": ["get", "--nothing"],
            "watch": ["resident", "f.act", "--watch=0.5", "--top", "3"],
            "no-value": ["range", "f.act", "--from"], "bad-word": ["dump", "f", "--keys=none"],
            "size": ["16E"], "size-k": ["64K"], "overflow": ["build", "--memory", "99999999999999999T"],
            "number": ["range", "f", "-n", "18446744073709551616"]}.items():
        yield name, "".join(word + "\n" for word in words).encode()


def seeds(target, maker):
    """(name, bytes) of the seeds of a target."""
    rng = random.Random(target)
    if target in ("tsv", "arguments"):
        yield from text_seeds(target)
        return
    made = [(f"{layout}-{name}", data) for layout in ("indexed", "plain", "compact")
            for name, data in maker.files(layout)]
    files = [*small_files(), *made]
    if target == "index":
        files = [(name, data) for name, data in made if name.startswith("indexed")]
    elif target in ("batch", "walk", "merge", "rewrite", "repair"):
        files = sorted(dict(rng.sample(files, 25) + made).items())
    if target == "diff":
        for name, data in rng.sample(made, 20):
            other, first = rng.choice(files)
            yield f"{other}-{name}", with_script(first, data)
        return
    for name, data in files:
        if target in ("verify_scan", "rewrite", "repair"):
            yield name, data
        else:
            yield name, with_script(script_for(target, rng, data), data)


TARGETS = ("verify_scan", "get", "cursor", "batch", "index", "merge", "rewrite", "repair", "diff", "walk",
           "tsv", "arguments")


def main():
    tool = os.environ.get("ACTREE", os.path.join(TOP, "build", "actree"))
    with tempfile.TemporaryDirectory(prefix="actree-seeds-") as scratch:
        for target in sys.argv[1:] or TARGETS:
            folder = os.path.join(TOP, "fuzz", target, "corpus")
            os.makedirs(folder, exist_ok=True)
            for name in os.listdir(folder):
                if name.endswith(".seed"):
                    os.remove(os.path.join(folder, name))
            for name, data in seeds(target, Maker(tool, scratch)):
                with open(os.path.join(folder, name + ".seed"), "wb") as file:
                    file.write(data)


if __name__ == "__main__":
    main()
