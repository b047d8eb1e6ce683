#!/usr/bin/env python3
"""Prints the line coverage of src/, room by room, from a build with gcov.

    coverage.py [--fail-under PERCENT] [--lines] BUILD

The tool, src/cli, is left out: its tests run it from outside. --lines lists the lines that no test
reached. Exit status 1 if the share over all is below PERCENT.
"""
import argparse
import collections
import json
import os
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(ROOT, "src") + os.sep


def object_notes(build):
    """The notes file of each object that the build makes now; others may lie there from before."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        for command in json.load(file):
            words = shlex.split(command["command"])
            path = os.path.join(command["directory"], words[words.index("-o") + 1])
            yield os.path.splitext(path)[0] + ".gcno"


def line_counts(build):
    """{file below src/: {line: times executed}}, over all objects that contain the line."""
    counts = collections.defaultdict(collections.Counter)
    notes = sorted(object_notes(build))
    for i in range(0, len(notes), 50):
        run = subprocess.run(["gcov", "--json-format", "--stdout", *notes[i:i + 50]],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        for report in run.stdout.splitlines():
            for source in json.loads(report)["files"]:
                path = os.path.normpath(os.path.join(ROOT, source["file"]))
                if not path.startswith(SRC):
                    continue
                name = path[len(SRC):]
                for line in source["lines"]:
                    counts[name][line["line_number"]] += line["count"]
    return counts


def ranges(numbers):
    """[1, 2, 3, 7] as "1-3 7"."""
    out = []
    for n in sorted(numbers):
        if out and n == out[-1][1] + 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in out)


def row(name, reached, total):
    share = 100.0 * reached / total if total else 100.0
    return f"{name:<24}{reached:>8}{total:>8}{share:>9.1f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--fail-under", type=float, default=0.0, metavar="PERCENT")
    parser.add_argument("--lines", action="store_true")
    args = parser.parse_args()

    counts = {name: lines for name, lines in line_counts(args.build).items()
              if not name.startswith("cli" + os.sep)}
    if not counts:
        sys.exit(f"coverage: no counts below {args.build}")

    rooms = collections.defaultdict(lambda: [0, 0])
    missed = {}
    for name, lines in counts.items():
        reached = sum(1 for n in lines.values() if n > 0)
        for key in name.split(os.sep)[0], "all":
            rooms[key][0] += reached
            rooms[key][1] += len(lines)
        missed[name] = [number for number, n in lines.items() if n == 0]

    print(f"{'line coverage of src/':<24}{'reached':>8}{'of':>8}")
    for room in sorted(rooms, key=lambda r: (r == "all", r)):
        print(row(room, *rooms[room]))
    if args.lines:
        for name in sorted(missed):
            if missed[name]:
                print(f"src/{name}: not reached: {ranges(missed[name])}")

    reached, total = rooms["all"]
    if 100.0 * reached < args.fail_under * total:
        sys.exit(f"coverage: below {args.fail_under:g} %")


if __name__ == "__main__":
    main()
