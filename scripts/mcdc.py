#!/usr/bin/env python3
"""Prints the modified condition/decision coverage of src/, room by room, from a build with ACT_MCDC.

    mcdc.py [--missed] [--fail-under PERCENT] BUILD ROOM...

A condition counts as covered once two runs of the tests have shown that it alone decides how the
whole decision ends. Decisions with a single condition need no more than both outcomes of it, which
branch coverage tells (scripts/coverage.py); clang measures those of two and more. --missed lists
decisions with conditions that are not covered. Exit status 1 if any ROOM is below --fail-under.
"""
import argparse
import collections
import glob
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(ROOT, "src") + os.sep


def export(build, suffix):
    """What llvm-cov tells of the library, from the counts of every program that has its code."""
    raw = glob.glob(os.path.join(build, "counts", "*.profraw"))
    if not raw:
        sys.exit(f"mcdc: no counts below {build}")
    merged = os.path.join(build, "counts", "all.profdata")
    subprocess.run(["llvm-profdata" + suffix, "merge", "-sparse", "-o", merged, *raw], check=True)
    library = os.path.join(build, "libactree.so")
    run = subprocess.run(["llvm-cov" + suffix, "export", library, "-instr-profile=" + merged],
                         stdout=subprocess.PIPE, check=True)
    return json.loads(run.stdout)["data"][0]["files"]


def decisions(files):
    """{(file, line, column): [covered?, ...] by condition}, over all copies of a decision."""
    found = {}
    for file in files:
        if not file["filename"].startswith(SRC):
            continue
        for record in file.get("mcdc_records", []):
            key = file["filename"][len(SRC):], record[0], record[1]
            covered = record[-1]
            before = found.get(key, [False] * len(covered))
            found[key] = [a or b for a, b in zip(before, covered)]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--missed", action="store_true")
    parser.add_argument("--fail-under", type=float, default=0.0, metavar="PERCENT")
    parser.add_argument("--suffix", default="-19", help="of llvm's programs (default -19)")
    parser.add_argument("build")
    parser.add_argument("rooms", nargs="+", metavar="ROOM")
    args = parser.parse_args()

    rooms = collections.OrderedDict((room, [0, 0, 0]) for room in args.rooms)
    missed = []
    for (name, line, column), covered in sorted(decisions(export(args.build, args.suffix)).items()):
        room = name.split(os.sep)[0]
        if room not in rooms:
            continue
        rooms[room][0] += 1
        rooms[room][1] += sum(covered)
        rooms[room][2] += len(covered)
        if not all(covered):
            which = " ".join(str(i + 1) for i, c in enumerate(covered) if not c)
            missed.append(f"src/{name}:{line}:{column}: condition {which} of {len(covered)}")

    print(f"{'MC/DC of src/':<16}{'decisions':>10}{'covered':>9}{'of':>7}")
    below = []
    for room, (count, covered, total) in rooms.items():
        share = 100.0 * covered / total if total else 100.0
        print(f"{room:<16}{count:>10}{covered:>9}{total:>7}{share:>9.2f} %")
        if share < args.fail_under:
            below.append(room)
    if args.missed:
        print("\n".join(missed))
    if below:
        sys.exit(f"mcdc: below {args.fail_under:g} %: {' '.join(below)}")


if __name__ == "__main__":
    main()
