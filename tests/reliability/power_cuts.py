#!/usr/bin/env python3
"""Cuts the power of real file systems at random instants, while the tool builds, merges, compacts,
converts and splits: afterwards each file is the old one or the new one, whole; and the new one if
the tool had ended by then, with success.

    power_cuts.py TOOL [--cuts N] [--seed N] [--folder DIR] [--kind KIND]...

As a control, `cp` over a file is cut too, after something else was synced: were that never to lose
a file, the cuts would cut nothing. Exit status 77, with a word, where file systems cannot be mounted or shut down.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time

import disks
from operations import Broken, Operation, operations, read, tsv, some_entries


def start(tool, disk, words):
    return subprocess.Popen([tool, *words], cwd=disk.path, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def duration(tool, disk, operation):
    """Of a whole run there, the longest of some."""
    found = []
    for _ in range(5):
        operation.prepare(disk.path)
        disk.settle()
        begin = time.perf_counter()
        start(tool, disk, operation.words).wait()
        found.append(time.perf_counter() - begin)
    return max(found)


def cut_once(tool, disk, operation, seconds):
    """(whether the tool had said that it was done)."""
    operation.prepare(disk.path)
    disk.settle()
    process = start(tool, disk, operation.words)
    time.sleep(seconds)
    reported = process.poll()
    disk.cut()
    process.wait()
    disk.restart()
    if reported not in (None, 0):
        raise Broken(f"ends with {reported} before the power goes")
    return reported == 0


def cut_and_look(tool, disk, operation, seconds, tally):
    reported = cut_once(tool, disk, operation, seconds)
    state = operation.state(tool, disk.path)
    tally[state] += 1
    tally["reported"] += reported
    if reported and state != "new":
        raise Broken("said that it was done, and the old file is there")
    litter = operation.litter(disk.path)
    tally["litter"] += bool(litter)
    operation.check_litter(disk.path, litter)


def control(disk, operation, count, rng):
    """How often `cp` over the file loses both. Half of the cuts come when it has ended, about: then
    nothing was synced, on a busy machine either, where the shell may take long to begin."""
    lost = 0
    seconds = duration("sh", disk, operation)
    for _ in range(count):
        cut_once("sh", disk, operation, rng.random() * 2 * seconds)
        there = operation.target in os.listdir(disk.path) and read(disk.path, operation.target)
        lost += there not in (operation.before["x.act"], operation.before["new.act"])
    return lost


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tool")
    parser.add_argument("--cuts", type=int, default=32, help="in all")
    parser.add_argument("--controls", type=int, default=10, help="of cp, for each file system")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    parser.add_argument("--kind", action="append", choices=disks.KINDS)
    arguments = parser.parse_args()
    tool = os.path.abspath(arguments.tool)
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    rng = random.Random(seed)
    findings, tallies, refused, done, lost, controls = [], {}, {}, 0, 0, 0
    kinds = arguments.kind or list(disks.KINDS)
    try:
        disks.own_mounts()
    except disks.Refused as why:
        print(f"skipped: {why}")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="actree-power-", dir=arguments.folder) as folder:
        scratch = os.path.join(folder, "scratch")
        os.mkdir(scratch)
        found = operations(tool, scratch, 1500)
        naive = Operation("cp", "x.act", ["-c", "cp new.act x.act && cp x.act y && sync y"],
                          {"x.act": found[0].before["x.act"],
                           "new.act": found[0].after["x.act"]},
                          tsv(some_entries(b"old", 1500)), None)
        for number, kind in enumerate(kinds):
            try:
                disk = disks.Disk(kind, folder)
            except disks.Refused as why:
                refused[kind] = str(why)
                print(f"{kind}: left out: {why}")
                continue
            tally = tallies[kind] = dict.fromkeys(("old", "new", "reported", "litter"), 0)
            try:
                seconds = [duration(tool, disk, one) for one in found]
                wanted = arguments.cuts * (number + 1) // len(kinds) - \
                    arguments.cuts * number // len(kinds)
                for i in range(wanted):
                    operation, most = found[i % len(found)], seconds[i % len(found)]
                    try:
                        cut_and_look(tool, disk, operation, rng.random() * 1.2 * most, tally)
                    except Broken as broken:
                        findings.append(f"{kind}, {operation.name}, cut {i}, seed {seed}: {broken}")
                        print(findings[-1], flush=True)
                    done += 1
                tally["cp loses"] = control(disk, naive, arguments.controls, rng)
                lost += tally["cp loses"]
                controls += arguments.controls
            finally:
                disk.close()
                os.remove(disk.image)
            print(f"{kind:<22} " + ", ".join(f"{name} {n}" for name, n in tally.items()), flush=True)
    if not tallies:
        print("skipped: " + "; ".join(refused.values()))
        sys.exit(77)
    kind = tallies.get("ext4 noauto_da_alloc", {})
    if arguments.controls >= 10 and kind and not kind["cp loses"]:
        findings.append("cp never loses a file: these cuts cut nothing")
        print(findings[-1])
    print("FIGURES " + json.dumps({"cuts": done, "old_or_new": done - len(findings), "seed": seed,
                      "kinds": tallies, "refused": refused, "controls": controls,
                      "controls_lost": lost, "findings": findings}))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
