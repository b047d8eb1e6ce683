#!/usr/bin/env python3
"""The library beside a model of the format, on files that were changed where it matters.

    test_model.py PEER [--files N] [--seed SEED] [--corpora FOLDER...]

PEER is tests/interop/peer.c, built. Files of every layout are built and merged into by it, and N
mutants made of them (mutants.py). What model.py and index_model.py say of each is what verify says: the
broken rule and its offset; of a sound file, dump and get say what the model finds. The inputs of the
fuzz targets, in fuzz/*/corpus and in FOLDERs of the same form, are files to judge too.

Where the reference can be built (tests/interop/reference), it reads all that is sound, and must find
the same; without it, that part is left out, with a word. Without libxxhash the test is skipped.
"""
import argparse
import glob
import os
import random
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, "..", "..")
sys.path.insert(0, os.path.join(HERE, "..", "interop"))

# pylint: disable=wrong-import-position
import index_model
import model
import mutants
import test_reference

FILE_NBYTES_MAX = 20000
# Above these a listing is not asked for: the file may have 2^64 entries.
VISITS_MAX, KEY_NBYTES_MAX = 20000, 1 << 20
WITH_FRONT = ("get", "batch", "cursor", "index", "merge", "walk")


class Wrong(Exception):
    pass


class Peer(test_reference.Peer):
    """What it says of damage is an answer."""

    def answer(self, command, *bodies):
        """(lines, error)"""
        try:
            return self.ask(command, *bodies), None
        except test_reference.Failure as failure:
            if "it ended" in str(failure):
                raise
            return None, str(failure)


def same(what, got, wanted):
    if got != wanted:
        raise Wrong(f"{what}: {str(got)[:300]}, not {str(wanted)[:300]}")


def judgement(data):
    """("refused", None), ("damaged", (rule, offset)), ("sound", Sound)"""
    if model.why_not_opened(data):
        return "refused", None
    try:
        return "sound", index_model.check(data)
    except model.Broken as broken:
        return "damaged", (broken.rule, broken.offset)


def lines_of(pairs):
    return [f"{key.hex() or '-'} {value}" for key, value in pairs]


class Judge:
    def __init__(self, peer, reference, path):
        self.peer, self.reference, self.path = peer, reference, path
        self.counts = dict.fromkeys(("refused", "damaged", "sound", "listed", "by the reference"), 0)
        self.rules = {}

    def judge(self, data):
        with open(self.path, "wb") as file:
            file.write(data)
        verdict, known = judgement(data)
        _, error = self.peer.answer(f"verify {self.path}")
        said = re.search(r"damaged at offset (\d+) \(([a-z-]+)\)", error or "")
        self.counts[verdict] += 1
        if verdict == "refused":
            same("opened", bool(error) and not said, True)
        elif verdict == "damaged":
            same("verify", said and (said[2], int(said[1])), known)
            self.rules[known[0]] = self.rules.get(known[0], 0) + 1
        else:
            same("verify", error, None)
            self.list_all(data, known)

    def list_all(self, data, sound):
        figures = model.Figures(data, sound)
        if figures.visits > VISITS_MAX or figures.key_bytes > KEY_NBYTES_MAX:
            return
        self.counts["listed"] += 1
        entries = lines_of(model.entries(data, sound))
        same("dump", self.peer.ask(f"dump {self.path}"), entries)
        keys = [line.split()[0] for line in entries]
        rng = random.Random(len(data))
        asked = rng.sample(keys, min(len(keys), 10)) + ["-", "61"]
        asked += [key[:-2] + "7e" for key in asked[:4] if key != "-"]
        values = dict(line.split() for line in entries)
        wanted = [values.get(key, "-") for key in asked]
        same("get", self.peer.ask(f"get {self.path}", asked), wanted)
        if self.reference:
            self.counts["by the reference"] += 1
            same("dump by the reference", self.reference.ask(f"dump {self.path}"), entries)
            same("get by the reference", self.reference.ask(f"get {self.path}", asked), wanted)


def make_base(peer, path, rng):
    entries, merges = mutants.keys_and_merges(rng)
    verb = rng.choice(["write", "write-indexed", "write-indexed", "write-indexed", "write-compact"])
    edits = [f"set {key.hex() or '-'} {value}" for key, value in entries]
    peer.ask(f"{verb} {path}", edits)
    for news, gone in merges:
        peer.ask(f"merge {path}", [f"set {key.hex() or '-'} {value}" for key, value in news]
                 + [f"remove {key.hex() or '-'}" for key in gone])
    return test_reference.read(path)


def mutants_of(peer, path, seed, count):
    """(what to say of it, bytes)"""
    rng = random.Random(f"model-{seed}")
    made = 0
    while made < count:
        base = make_base(peer, path, rng)
        if len(base) > FILE_NBYTES_MAX:
            continue
        yield f"base before mutant {made}", base
        for _ in range(min(25, count - made)):
            yield f"mutant {made}", mutants.mutant(rng, base)
            made += 1


def files_in(folders):
    """Files that are inputs of fuzz targets, or their parts: TARGET is the folder above."""
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*"))):
            target = next((name for name in path.split(os.sep)[-2::-1] if name not in ("corpus", "default",
                                                                                      "queue")), "")
            if not os.path.isfile(path):
                continue
            data = test_reference.read(path)
            front = 2 + int.from_bytes(data[:2], "little")
            if target in ("verify_scan", "rewrite", "repair"):
                yield path, data
            elif target in WITH_FRONT:
                yield path, data[front:]
            elif target == "diff":
                yield path + ", first", data[2:front]
                yield path + ", second", data[front:]


def reference_or_none():
    try:
        return test_reference.Peer(test_reference.build_reference())
    except SystemExit as failure:
        if failure.code != 77:
            raise
        print("left out: the reference")
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("peer")
    parser.add_argument("--files", type=int, default=2000, help="mutants to make")
    parser.add_argument("--seed", help="any text; without it, 1 and then by the time")
    parser.add_argument("--corpora", nargs="*", default=[], help="more folders of inputs")
    args = parser.parse_args()
    if not index_model.hash64:
        print("skipped: there is no libxxhash here")
        sys.exit(77)
    if not os.access(args.peer, os.X_OK):
        sys.exit(f"no such program: {args.peer}")
    reference = reference_or_none()
    peer = Peer(args.peer)
    with tempfile.TemporaryDirectory(prefix="actree-model-") as folder:
        path = os.path.join(folder, "one.act")
        judge = Judge(peer, reference, path)
        seeds = [args.seed] if args.seed else ["1", str(time.time_ns())]
        parts = [files_in(sorted(glob.glob(os.path.join(TOP, "fuzz", "*", "corpus"))) + args.corpora)]
        parts += [mutants_of(peer, path, seed, args.files // len(seeds)) for seed in seeds]
        for part, name in zip(parts, ["corpora"] + [f"seed {seed}" for seed in seeds]):
            for label, data in part:
                try:
                    judge.judge(data)
                except (Wrong, test_reference.Failure) as wrong:
                    kept = os.path.join(tempfile.gettempdir(), "actree-model-wrong.act")
                    with open(kept, "wb") as file:
                        file.write(data)
                    sys.exit(f"{name}, {label}: {wrong}\nthe file is {kept}")
    if peer.close() or (reference and reference.close()):
        sys.exit("a peer ended with an error")
    print(f"seeds {', '.join(seeds)}: {judge.counts}")
    print("broken rules: " + ", ".join(f"{rule} {count}" for rule, count in sorted(judge.rules.items())))
    # Whoever judges nothing finds nothing.
    if args.files >= 1000 and (len(judge.rules) < 14 or judge.counts["listed"] < args.files // 20):
        sys.exit("the mutants do not break enough of the rules, or too many")


if __name__ == "__main__":
    main()
