#!/usr/bin/env python3
"""Runs the benchmark, part by part (parts/), and writes bench.json.

    drive.py --bin DIR --rust DIR --tool FILE --data DIR --work DIR --disk DIR --json OUT
             [--parts warm,...] [--sets paths,words,logic] [--engines A,B] [--rounds N]
             [--left-out ENGINE=WHY]... [--gentle]

Each engine is a process of its own (peer.h). In each round every engine is asked once, in an order
that moves on from round to round, so that what disturbs the machine disturbs all. A wrong answer
ends the run with status 1. Parts that are not run keep what OUT already has of them with --keep.
"""
import argparse
import json
import os
import platform
import signal
import sys
import time

from parts import cold, disk, scarce, tool, warm
from parts.peers import Sets, WrongAnswer, find_engines

PARTS = ("warm", "cold", "scarce", "tool", "large")


class Bench:
    """What all parts are given: the arguments, the engines, and places for what they learn."""

    def __init__(self, args):
        self.args = args
        self.left_out = dict(item.split("=", 1) for item in args.left_out)
        self.engines = find_engines(args, self.left_out)
        self.sets = []
        for name in args.sets.split(","):
            if os.path.exists(os.path.join(args.data, f"{name}.keys")):
                self.sets.append(name)
            else:
                self.left_out[name] = "this key set could not be made here"
        self.engines_seen = {}

    def seen(self, peer):
        self.engines_seen[peer.name] = {key: peer.hello[key]
                                        for key in ("version", "note", "keys_only")}

    def rounds(self, usual):
        return self.args.rounds or usual

    def scaled(self, milliseconds):
        """Short, where the run is a test of the programs."""
        return milliseconds // 20 if self.args.gentle else milliseconds

    def queries(self, usual):
        return max(1000, usual // 1000) if self.args.gentle else usual


def first_match(path, start):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(start):
                    return line.split(":" if ":" in line else "=", 1)[1].strip().strip('"')
    except OSError:
        pass
    return "unknown"


def stolen_ticks():
    """(ticks that the hypervisor gave to others, all ticks) since the machine started."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
        return ticks[7], sum(ticks)
    except (OSError, ValueError, IndexError):
        return 0, 0


def machine():
    memory = first_match("/proc/meminfo", "MemTotal").split()[0]
    return {"cpu": first_match("/proc/cpuinfo", "model name"), "cpus": os.cpu_count(),
            "memory_bytes": int(memory) * 1024 if memory.isdigit() else 0,
            "kernel": f"{platform.system()} {platform.release()}",
            "system": first_match("/etc/os-release", "PRETTY_NAME")}


def keep(report, name, found):
    """What could not be measured is left out."""
    if found:
        report[name] = found


def run_parts(bench, report):
    """Cold and scarce share the files on the disk, of the first set: the largest."""
    chosen = bench.args.parts.split(",")
    if "warm" in chosen:
        report["sets"] = warm.run(bench)
    if "cold" in chosen or "scarce" in chosen:
        files = disk.Files(bench, Sets(bench.args.data, bench.sets[0]))
        found = disk.run(bench, files)
        for name, part in (("cold", cold), ("scarce", scarce)):
            if found and name in chosen:
                keep(report, name, part.run(bench, files))
        keep(report, "disk", found)
    if "tool" in chosen:
        report["tool"] = tool.run(bench, lambda name: Sets(bench.args.data, name).keys.nkeys)
    if "large" in chosen:
        keep(report, "large", tool.run_large(bench))


def parse_args():
    parser = argparse.ArgumentParser(description="run the benchmark (see run.sh)")
    for name in ("bin", "rust", "tool", "data", "work", "disk", "json"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--sets", default="paths,words,logic")
    parser.add_argument("--engines", default="")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--left-out", action="append", default=[], metavar="ENGINE=WHY")
    parser.add_argument("--gentle", action="store_true",
                        help="a test of the programs: few queries, other programs' page cache stays")
    parser.add_argument("--keep", action="store_true",
                        help="take parts that are not run from the file that is there")
    args = parser.parse_args()
    unknown = set(args.parts.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return args


def earlier(args):
    if not args.keep or not os.path.exists(args.json):
        return {}
    with open(args.json, encoding="utf-8") as file:
        return json.load(file)


def main():
    args = parse_args()
    # An end from outside is one like any other: what was made is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    bench = Bench(args)
    if not bench.sets:
        sys.exit("bench: there is no key set")
    before = earlier(args)
    report = {"sets": {}, "engines": {}, "left_out": {}, "later": {}, **before}
    run = {"date": time.strftime("%Y-%m-%d"), "machine": machine(),
           "files_on": disk.filesystem(args.work)}
    stolen, ticks = stolen_ticks()
    try:
        run_parts(bench, report)
    except WrongAnswer as error:
        sys.exit(f"bench: {error}")
    stolen_after, ticks_after = stolen_ticks()
    run["stolen_permille"] = 1000 * (stolen_after - stolen) // max(1, ticks_after - ticks)
    # What is kept was measured when and where it was: only the parts of this run are of this run.
    if before:
        report["later"].update(dict.fromkeys(args.parts.split(","), run))
    else:
        report.update(schema=2, **run)
    report["engines"].update(bench.engines_seen)
    report["left_out"].update(bench.left_out)
    with open(args.json, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
