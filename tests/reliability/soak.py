#!/usr/bin/env python3
"""Random work on one map for as long as wanted, beside a model of what it must hold: builds, merges,
removals, compactions, conversions, splits and joins; some of them killed, some with the power cut;
now and then the file is damaged or cut short, which must be found, and put back. After each step
the file is verified and compared with the model; other processes read it all the while.

    soak.py TOOL [--seconds S | --hours H] [--seed N] [--folder DIR]

Where root may mount file systems, everything lies on ext4 and XFS in turn, and the power is cut.
"""
import argparse
import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

import disks
from operations import Broken, empty, read, run, tsv, write

STEPS_A_ROUND = 40
KEYS_MAX = 6000


class Soak:
    """One map in one folder, and what it must hold."""

    def __init__(self, tool, folder, rng, disk, tally):
        self.tool, self.folder, self.rng, self.disk, self.tally = tool, folder, rng, disk, tally
        self.held = {}
        self.layout = "indexed"
        empty(folder)
        self.step_build()

    # ------------------------------------------------------------------ what is asked of the tool

    def entries(self, count):
        """Some: new ones, and ones that are there."""
        rng = self.rng
        there = rng.sample(sorted(self.held), min(len(self.held), count // 3))
        found = {key: rng.getrandbits(rng.randrange(64)) for key in there}
        while len(found) < count:
            stem = rng.choice((b"usr/share/", b"usr/lib/x86/", b"", b"a", b"zz/" * 9))
            key = stem + b"%x" % rng.getrandbits(rng.choice((4, 12, 40, 300)))
            found[key] = rng.getrandbits(rng.randrange(64))
        return found

    def step_build(self):
        self.layout = self.rng.choice(("indexed", "indexed", "plain", "compact"))
        made = self.entries(self.rng.randrange(1, KEYS_MAX))
        lines = tsv(made).splitlines(keepends=True)
        if self.rng.random() < 0.5:
            self.rng.shuffle(lines)
        write(self.folder, "in.tsv", b"".join(lines))
        words = ["build", "-o", "x.act", "in.tsv", "--layout", self.layout]
        if self.rng.random() < 0.5:
            words += ["--memory", "64K"]
        if self.rng.random() < 0.3:
            words += ["--threads", "2"]
        self.change("build", words, made)

    def step_merge(self):
        changes = self.entries(self.rng.randrange(200))
        gone = set(self.rng.sample(sorted(self.held), min(len(self.held),
                                                          self.rng.randrange(100))))
        gone -= set(changes)
        write(self.folder, "in.tsv", tsv(changes))
        write(self.folder, "gone.txt", b"".join(key + b"\n" for key in gone))
        after = {key: value for key, value in self.held.items() if key not in gone} | changes
        self.change("merge", ["merge", "x.act", "in.tsv", "--delete-from", "gone.txt"], after)

    def step_compact(self):
        self.change("compact", ["compact", "x.act"], self.held)

    def step_convert(self):
        layout = self.rng.choice(("indexed", "plain", "compact"))
        self.change("convert", ["convert", "x.act", "x.act", "--layout", layout], self.held)
        self.layout = layout if self.check_layout(layout) else self.layout

    def check_layout(self, layout):
        info = run(self.tool, self.folder, "info", "--json", "x.act")
        found = json.loads(info.stdout)["layout"]
        return found == layout

    def step_split_and_join(self):
        if not self.held:
            return
        words = ["split", "--parts", str(self.rng.randrange(1, 6)), "-o", "x.set", "x.act"]
        done = run(self.tool, self.folder, *words)
        if done.returncode:
            raise Broken(f"split: {done.stderr!r}")
        there = run(self.tool, self.folder, "dump", "x.set")
        if there.stdout != tsv(self.held):
            raise Broken("the set holds something else")
        self.change("join", ["join", "-o", "x.act", "x.set"], self.held)
        for name in os.listdir(self.folder):
            if name.startswith("x.set"):
                os.remove(os.path.join(self.folder, name))

    # --------------------------------------------------------------------- and how that may end

    def change(self, what, words, after):
        """Runs it, perhaps not to its end; then the file is as it was, or as it is after."""
        before = self.held
        exists = os.path.exists(os.path.join(self.folder, "x.act"))
        end = self.rng.choice(("whole", "whole", "killed", "killed", "cut"))
        if end == "cut" and (not self.disk or not exists):
            end = "whole"
        if end == "cut":
            self.disk.settle()
        reader = self.start_reader(before, after) if exists and end != "cut" else None
        process = subprocess.Popen([self.tool, *words], cwd=self.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if end != "whole":
            time.sleep(self.rng.random() * 0.02)
        if end == "killed":
            process.kill()
        reported = None
        if end == "cut":
            reported = process.poll()
            self.disk.cut()
        error = process.communicate()[1]
        if end == "cut":
            self.disk.restart()
        else:
            reported = process.returncode
        if reported not in (None, 0) and not (end == "killed" and reported == -signal.SIGKILL):
            raise Broken(f"{what} ends with {reported}: {error!r}")
        if reader:
            try:
                self.end_reader(reader, before, after)
            except Broken as broken:
                raise Broken(f"{what}, {end}: {broken}") from broken
        self.tally[what] += 1
        if end != "whole":
            self.tally[end] += 1
        try:
            self.held = self.look(after if reported == 0 else None, before, after, exists)
        except Broken as broken:
            raise Broken(f"{what}, {end}: {broken}") from broken
        for name in os.listdir(self.folder):
            # What a killed one may leave; RELIABILITY.md says what.
            if name.startswith((".x.act.", ".x.set.")):
                os.remove(os.path.join(self.folder, name))

    def start_reader(self, before, after):
        del before, after
        return subprocess.Popen([self.tool, "dump", "x.act"], cwd=self.folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end_reader(self, reader, before, after):
        out, error = reader.communicate()
        if reader.returncode != 0 or out not in (tsv(before), tsv(after)):
            raise Broken(f"a reader saw neither: status {reader.returncode}, {error!r}")
        self.tally["readers"] += 1

    def look(self, must, before, after, existed):
        """What the file holds, which is one of both, or `must`."""
        if not os.path.exists(os.path.join(self.folder, "x.act")):
            if existed or must is not None:
                raise Broken("the file is gone")
            return self.retry_build()
        dump = run(self.tool, self.folder, "dump", "x.act")
        if dump.returncode:
            raise Broken(f"cannot be read: {dump.stderr!r}")
        for held in ([must] if must is not None else [after, before]):
            if dump.stdout == tsv(held):
                break
        else:
            raise Broken("it holds something else than the model")
        # What a merge that was stopped has appended is dropped by the next.
        done = run(self.tool, self.folder, "merge", "x.act", "-")
        if done.returncode:
            raise Broken(f"cannot be merged into: {done.stderr!r}")
        verify = run(self.tool, self.folder, "verify", "x.act")
        if verify.returncode:
            raise Broken(f"is damaged: {verify.stdout!r}{verify.stderr!r}")
        return held

    def retry_build(self):
        """A first build that was killed: no file, as before."""
        write(self.folder, "in.tsv", b"")
        done = run(self.tool, self.folder, "build", "-o", "x.act", "in.tsv")
        if done.returncode:
            raise Broken(f"build: {done.stderr!r}")
        return {}

    # --------------------------------------------------------------------------------- damage

    def step_damage(self):
        """A bit, a cut, a sector of zeros: no verb dies of it, and verify finds it."""
        whole = read(self.folder, "x.act")
        broken = bytearray(whole)
        kind = self.rng.choice(("bit", "cut", "zeros"))
        at = self.rng.randrange(len(broken))
        if kind == "bit":
            broken[at] ^= 1 << self.rng.randrange(8)
        elif kind == "cut":
            del broken[at:]
        else:
            broken[at:at + 512] = bytes(len(broken[at:at + 512]))
        if bytes(broken) == whole:
            return
        checksums = json.loads(run(self.tool, self.folder, "verify", "--json", "x.act").stdout)
        write(self.folder, "y.act", bytes(broken))
        for words in (["verify", "y.act"], ["dump", "-k", "hex", "y.act"], ["info", "y.act"],
                      ["get", "y.act", "a", "usr/lib/x86/1"], ["history", "y.act"]):
            done = run(self.tool, self.folder, *words)
            if done.returncode not in (0, 1, 3):
                raise Broken(f"{kind} at {at}: {words[0]} ends with {done.returncode}: "
                             f"{done.stderr!r}")
            if words[0] == "verify":
                found = done.returncode == 3
                self.tally["damages"] += 1
                self.tally["damages found"] += found
                if not found and checksums.get("checksummed") is True:
                    write(self.folder, "whole.act", whole)
                    raise Broken(f"{kind} at {at} is not found")
        os.remove(os.path.join(self.folder, "y.act"))

    def step(self):
        steps = [self.step_build, self.step_merge, self.step_merge, self.step_merge,
                 self.step_compact, self.step_convert, self.step_split_and_join, self.step_damage]
        self.rng.choice(steps)()
        self.tally["steps"] += 1


def open_disk(kind, folder):
    try:
        return disks.Disk(kind, folder)
    except disks.Refused as why:
        print(f"{kind}: left out: {why}", flush=True)
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tool")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--hours", type=float, default=0, help="in place of seconds")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    arguments = parser.parse_args()
    tool = os.path.abspath(arguments.tool)
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    rng, tally = random.Random(seed), collections.Counter()
    seconds = arguments.hours * 3600 or arguments.seconds
    end = time.monotonic() + seconds
    findings = []
    try:
        disks.own_mounts()
        kinds = list(disks.KINDS)
    except disks.Refused as why:
        print(f"without power cuts: {why}", flush=True)
        kinds = [None]
    with tempfile.TemporaryDirectory(prefix="actree-soak-", dir=arguments.folder) as folder:
        rounds = 0
        while time.monotonic() < end and not findings:
            kind = kinds[rounds % len(kinds)]
            disk = open_disk(kind, folder) if kind else None
            rounds += 1
            path = disk.path if disk else os.path.join(folder, "map")
            os.makedirs(path, exist_ok=True)
            try:
                soak = Soak(tool, path, rng, disk, tally)
                for _ in range(STEPS_A_ROUND):
                    if time.monotonic() >= end:
                        break
                    soak.step()
            except Broken as broken:
                findings.append(f"seed {seed}, round {rounds}, {kind}: {broken}")
                print(findings[-1], flush=True)
                kept = tempfile.mkdtemp(prefix="actree-soak-finding-")
                for name in os.listdir(path):
                    if os.path.isfile(os.path.join(path, name)):
                        write(kept, name, read(path, name))
                print(f"its files are in {kept}", flush=True)
            finally:
                if disk:
                    disk.close()
                    os.remove(disk.image)
    print(", ".join(f"{n} {what}" for what, n in sorted(tally.items())))
    print("FIGURES " + json.dumps({"seconds": round(seconds), "seed": seed, **tally,
                                   "rounds": rounds, "findings": findings}))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
