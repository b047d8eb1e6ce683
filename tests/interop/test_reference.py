#!/usr/bin/env python3
"""Random maps, written by the reference implementation and read by actree, and the other way round.

    test_reference.py PEER [--maps N] [--seed SEED]

PEER is peer.c, built. The reference is the cargo project in reference/, built here when it is not yet;
without cargo, or without the crates that it needs, the test is skipped (status 77). The seeds of
seeds.txt come first, then new ones, N in all for each direction. A failing one is printed; --seed
runs it alone. Where the environment names the tool in ACTREE, its cursor is compared too.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import random_maps
import random_walks

HERE = os.path.dirname(os.path.abspath(__file__))
PROJECT = os.path.join(HERE, "reference")


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def cargo(*words):
    # Cargo reads the project's own settings only when it is started there.
    return subprocess.run(["cargo", *words], cwd=PROJECT, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "CARGO_NET_RETRY": "1", "CARGO_HTTP_TIMEOUT": "20"})


def build_reference():
    """The path of the reference's program."""
    if not shutil.which("cargo"):
        skip("there is no cargo here")
    # A second run needs no network.
    built = cargo("build", "--release", "--offline")
    if built.returncode:
        fetched = cargo("fetch")
        if fetched.returncode:
            print(fetched.stdout)
            skip("the reference's crates cannot be fetched")
        built = cargo("build", "--release", "--offline")
    if built.returncode:
        print(built.stdout)
        if "rustc" in built.stdout and "is not supported by" in built.stdout:
            skip("the reference needs a newer Rust")
        if "gxhash" in built.stdout and "aes" in built.stdout.lower():
            skip("the reference needs a processor with AES instructions")
        sys.exit("the reference does not build")
    return os.path.join(PROJECT, "target", "release", "act-reference")


class Failure(Exception):
    pass


class Peer:
    """A process that is asked command by command."""

    def __init__(self, program):
        self.name = os.path.basename(program)
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, command, *bodies):
        text = command + "\n"
        for body in bodies:
            text += "".join(line + "\n" for line in body) + ".\n"
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure(f"{self.name} ended before {command!r}") from None
        answer = []
        while True:
            line = self.process.stdout.readline().decode().rstrip("\n")
            if line == ".":
                return answer
            if not line or line.startswith("error"):
                raise Failure(f"{self.name}: {command!r}: {line or 'it ended'}")
            answer.append(line)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()


def word(key):
    return key.hex() or "-"


def edits_of(map_):
    return [f"path {word(k)}" if v is None else f"set {word(k)} {v}" for k, v in map_.items()]


def lines_of(entries):
    return [f"{word(key)} {'-' if value is None else value}" for key, value in entries]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def shown(line):
    return line if len(line) < 300 else f"{line[:140]} ... {line[-140:]}"


def same(what, got, wanted):
    if got == wanted:
        return
    for number, (a, b) in enumerate(zip(got, wanted)):
        if a != b:
            raise Failure(f"{what}: line {number + 1} is {shown(a)!r}, not {shown(b)!r}")
    raise Failure(f"{what}: {len(got)} lines, not {len(wanted)}")


def grafts(r, map_):
    """Edits after which subtrees are shared in memory, from one place to some others each."""
    keys = sorted(map_) or [b"x"]
    out = []
    # Each may double the map.
    while len(out) < 5:
        source = r.choice(keys)
        source = source[:r.randint(0, len(source))]
        for _ in range(r.randint(1, 3)):
            target = r.choice(keys)
            target = target[:r.randint(0, min(3, len(target)))] + r.randbytes(r.randint(1, 2))
            out.append(f"graft {word(source)} {word(target)}")
    return out


class Test:
    def __init__(self, reference, actree, tool, folder):
        self.reference, self.actree, self.tool = reference, actree, tool
        self.file = os.path.join(folder, "one.act")
        self.other = os.path.join(folder, "other.act")

    def write_by_reference(self, r):
        """A file of the reference's in one of the ways it has; what it holds, where that is known."""
        how = r.choice(["dump", "vec", "cached", "stream", "merge", "grafts"])
        map_ = random_maps.random_map(r, with_paths=how not in ("stream", "merge") and r.random() < 0.3)
        edits = edits_of(map_)
        if how == "grafts":
            self.reference.ask(f"write cached {self.file}", edits + grafts(r, map_))
            return how, None
        if how != "merge":
            self.reference.ask(f"write {how} {self.file}", edits)
            return how, map_
        self.reference.ask(f"write {r.choice(['dump', 'cached', 'stream'])} {self.file}", edits)
        for _ in range(r.randint(1, 3)):
            news = random_maps.random_map(r, with_paths=False)
            if map_ and r.random() < 0.7:
                keys = sorted(map_)
                news = {random_maps.near(r, keys): random_maps.value(r)
                        for _ in range(r.randint(1, 40))}
            self.reference.ask(f"merge {self.file}", edits_of(news))
            map_.update(news)
        return how, map_

    def keys_to_get(self, r, entries):
        keys = [bytes.fromhex(line.split()[0].replace("-", "")) for line in entries]
        asked = [random_maps.near(r, keys) for _ in range(100)]
        return [word(k) for k in r.sample(keys, min(100, len(keys))) + asked]

    def read_by_actree(self, r):
        how, map_ = self.write_by_reference(r)
        entries = self.reference.ask(f"dump {self.file}")
        if map_ is not None:
            same(f"{how}: the reference's own dump", entries, lines_of(random_maps.entries(map_)))
        self.actree.ask(f"verify {self.file}")
        same(f"{how}: dump", self.actree.ask(f"dump {self.file}"), entries)
        same(f"{how}: leaves", self.actree.ask(f"leaves {self.file}"),
             self.reference.ask(f"leaves {self.file}"))
        keys = self.keys_to_get(r, entries)
        same(f"{how}: get", self.actree.ask(f"get {self.file}", keys),
             self.reference.ask(f"get {self.file}", keys))
        return entries

    def written_by_actree(self, r):
        map_ = random_maps.random_map(r, with_paths=r.random() < 0.3)
        edits = edits_of(map_)
        r.shuffle(edits)
        self.actree.ask(f"write {self.file}", edits)
        self.reference.ask(f"write dump {self.other}", edits)
        ours, theirs = read(self.file), read(self.other)
        if ours != theirs:
            at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b),
                      min(len(ours), len(theirs)))
            raise Failure(f"the files differ at offset {at}; {len(ours)} bytes, not {len(theirs)}")
        self.read_by_the_reference(r, map_, "plain")
        self.actree.ask(f"write-indexed {self.file}", edits)
        self.read_by_the_reference(r, map_, "indexed")
        self.actree.ask(f"write-compact {self.file}", edits)
        self.read_by_the_reference(r, map_, "compact")
        self.compact_set(r, map_)

    def compact_set(self, r, map_):
        """A set, as some programs keep it: all values are the same, and much is shared."""
        map_ = {key: value if value is None else 0 for key, value in map_.items()}
        sizes = [int(self.actree.ask(f"{verb} {self.file}", edits_of(map_))[0])
                 for verb in ("write", "write-compact")]
        if sizes[1] > sizes[0]:
            raise Failure(f"the compact file takes {sizes[1]} bytes, the plain one {sizes[0]}")
        self.read_by_the_reference(r, map_, "compact set")

    def read_by_the_reference(self, r, map_, layout):
        entries = lines_of(random_maps.entries(map_))
        same(f"{layout}: dump by the reference", self.reference.ask(f"dump {self.file}"), entries)
        same(f"{layout}: leaves by the reference", self.reference.ask(f"leaves {self.file}"),
             lines_of(random_maps.leaves(map_)))
        values = dict(line.split() for line in entries)
        keys = self.keys_to_get(r, entries)
        same(f"{layout}: get by the reference", self.reference.ask(f"get {self.file}", keys),
             [values.get(key, "-") for key in keys])

    def merged_by_the_reference(self, r):
        """What the reference appends to our file is read, with what was there."""
        base = random_maps.random_map(r, with_paths=False)
        added = random_maps.random_map(r, with_paths=False)
        layout = r.choice(["indexed", "compact", "compact set"])
        if layout == "compact set":
            base = dict.fromkeys(base, 0)
        self.actree.ask(f"write-{layout.split()[0]} {self.file}", edits_of(base))
        if not added:
            return
        for part in random.Random(0).sample([added, dict(list(added.items())[:3])], 2):
            self.reference.ask(f"merge {self.file}", edits_of(part))
            base.update(part)
            entries = lines_of(random_maps.entries(base))
            same("dump by the reference", self.reference.ask(f"dump {self.file}"), entries)
            same("dump", self.actree.ask(f"dump {self.file}"), entries)
            keys = self.keys_to_get(r, entries)
            values = dict(line.split() for line in entries)
            same("get", self.actree.ask(f"get {self.file}", keys),
                 [values.get(key, "-") for key in keys])
            self.actree.ask(f"verify {self.file}")

    def merged_by_both(self, r):
        """Both merge into one file, in turn; both read it after each step, with its history."""
        map_ = random_maps.random_map(r, with_paths=False)
        layout = r.choice(["write", "write-indexed", "write-compact", "reference"])
        if layout == "reference":
            self.reference.ask(f"write {r.choice(['dump', 'cached', 'stream'])} {self.file}",
                               edits_of(map_))
        else:
            self.actree.ask(f"{layout} {self.file}", edits_of(map_))
        roots = self.reference.ask(f"history {self.file}")
        for _ in range(r.randint(1, 4)):
            news = random_maps.random_map(r, with_paths=False)
            if map_ and r.random() < 0.7:
                keys = sorted(map_)
                news = {random_maps.near(r, keys): random_maps.value(r)
                        for _ in range(r.randint(1, 40))}
            if r.random() < 0.3:
                self.reference.ask(f"merge {self.file}", edits_of(news))
                who, gone = "the reference", []
            else:
                keys = sorted(map_)
                gone = r.sample(keys, r.choice([0, 0, len(keys) // 3, len(keys)]))
                gone = sorted(set(gone + [random_maps.near(r, keys or [b"x"])]) - set(news))
                size = self.actree.ask(f"merge {self.file}",
                                       edits_of(news) + [f"remove {word(key)}" for key in gone])
                same("the size", size, [str(os.path.getsize(self.file))])
                who = "actree"
            for key in gone:
                map_.pop(key, None)
            map_.update(news)
            self.check_merged(r, map_, f"{layout}, merged by {who}")
            now = self.actree.ask(f"history {self.file}")
            if now[1:] != roots and now != roots:
                raise Failure(f"{layout}: the history {roots} became {now}")
            roots = now

    def check_merged(self, r, map_, how):
        self.actree.ask(f"verify {self.file}")
        same(f"{how}: history", self.actree.ask(f"history {self.file}"),
             self.reference.ask(f"history {self.file}"))
        same(f"{how}: leaves", self.actree.ask(f"leaves {self.file}"),
             self.reference.ask(f"leaves {self.file}"))
        entries = lines_of(random_maps.entries(map_))
        values = dict(line.split() for line in entries)
        keys = self.keys_to_get(r, entries)
        for name, peer in ("actree", self.actree), ("the reference", self.reference):
            same(f"{how}: dump by {name}", peer.ask(f"dump {self.file}"), entries)
            same(f"{how}: get by {name}", peer.ask(f"get {self.file}", keys),
                 [values.get(key, "-") for key in keys])

    def far_apart(self, r):
        """A map whose offsets take more than 24 bits: children, and a line that is used again, lie
        20 MB back. Written by both, byte for byte, and read by both."""
        tails = [r.randbytes(100_000) for _ in range(200)]
        map_ = {bytes([1 + i]) + tail: i for i, tail in enumerate(tails)}
        map_.update({b"\0near": 2**64 - 1, b"\0far": 0, b"\xff\xfe" + tails[0]: 7})
        edits = edits_of(map_)
        self.actree.ask(f"write {self.file}", edits)
        self.reference.ask(f"write dump {self.other}", edits)
        if read(self.file) != read(self.other):
            raise Failure("the files differ")
        entries = lines_of(random_maps.entries(map_))
        keys = [line.split()[0] for line in entries] + ["00", "01", "fffe"]
        for peer in self.actree, self.reference:
            same("dump", peer.ask(f"dump {self.file}"), entries)
            same("get", peer.ask(f"get {self.file}", keys),
                 [line.split()[1] for line in entries] + ["-"] * 3)
        self.actree.ask(f"verify {self.file}")

    def walks(self, r):
        """The tool's cursor beside the reference's, on the file and on the map in memory."""
        map_ = random_maps.random_map(r, with_paths=r.random() < 0.3)
        edits = edits_of(map_)
        if r.random() < 0.5:
            self.reference.ask(f"write dump {self.file}", edits)
        else:
            self.actree.ask(f"write-compact {self.file}", edits)
        script = random_walks.script(r, sorted(map_))
        on_file = self.reference.ask(f"walk {self.file}", script)
        in_memory = self.reference.ask("walkmap", edits, script)
        run = subprocess.run([self.tool, "walk", self.file], stdout=subprocess.PIPE, text=True,
                             input="".join(line.replace(" -", "") + "\n" for line in script))
        if run.returncode:
            raise Failure(f"actree walk: status {run.returncode}")
        random_walks.compare(script, run.stdout.splitlines(), on_file, in_memory, Failure)


def fixed_seeds():
    with open(os.path.join(HERE, "seeds.txt"), encoding="utf-8") as file:
        return [int(line.split()[0]) for line in file if line.strip() and not line.startswith("#")]


def has_walk(tool):
    return bool(tool) and subprocess.run([tool, "walk", "--help"], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer")
    parser.add_argument("--maps", type=int, default=200)
    parser.add_argument("--seed", type=int)
    args = parser.parse_args()

    seeds = fixed_seeds() if args.seed is None else [args.seed]
    if args.seed is None:
        start = time.time_ns() // 1000 % 10**12
        seeds += [start + i for i in range(max(0, args.maps - len(seeds)))]
    reference, actree = Peer(build_reference()), Peer(args.peer)
    with tempfile.TemporaryDirectory() as folder:
        test = Test(reference, actree, os.environ.get("ACTREE"), folder)
        steps = [test.read_by_actree, test.written_by_actree, test.merged_by_the_reference]
        if os.environ.get("ACT_TEST_PLATFORM", "linux") != "portable": # which changes no file in place
            steps.append(test.merged_by_both)
        if has_walk(test.tool):
            steps.append(test.walks)
        for number, seed in enumerate(seeds):
            for step in [test.far_apart] + steps if number == 0 else steps:
                try:
                    step(random.Random(f"{seed}/{step.__name__}"))
                except Failure as failure:
                    sys.exit(f"seed {seed}, {step.__name__}: {failure}\n"
                             f"again: --seed {seed}; to stay: a line in seeds.txt")
        if reference.close() or actree.close():
            sys.exit("a peer ended with an error")
    print(f"{len(seeds)} maps for each of: {', '.join(step.__name__ for step in steps)}")


if __name__ == "__main__":
    main()
