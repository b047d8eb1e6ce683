#!/usr/bin/env python3
"""Prints the coverage of src/ by lines and by branches, room by room, from a build with gcov.

    coverage.py [--fail-under PERCENT] [--branches ROOM=PERCENT]... [--exclusions FILE] [--lines]
                [--missed] BUILD

The tool, src/cli, is left out: its tests run it from outside. --lines lists the lines that no test
reached, --missed the branches. A branch is one way out of a condition, as the compiler has made
it without optimising: `if (a && b)` has four.

--exclusions names a file of branches that no test can take, each with its reason; its head tells
how it is written. They count neither as taken nor as missed. An entry that fits nothing, or names
more branches than are missed, is an error: it is to be taken out, or lowered.

Exit status 1 if the share of lines over all is below --fail-under, if that of branches in a ROOM is
below what --branches says of it, or if an exclusion is out of date.
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


class Counts:
    """How often lines were executed and branches taken, over all objects that contain them."""

    def __init__(self):
        self.lines = collections.defaultdict(collections.Counter)  # file: line: times
        # (file, line, function, how many branches): times each was taken. A function that stands
        # in a header has a copy in many objects, whose branches are the same ones.
        self.branches = {}

    def add(self, name, line):
        number = line["line_number"]
        self.lines[name][number] += line["count"]
        taken = [branch["count"] for branch in line["branches"]]
        if taken:
            key = name, number, line.get("function_name", ""), len(taken)
            before = self.branches.get(key, [0] * len(taken))
            self.branches[key] = [a + b for a, b in zip(before, taken)]


def read_counts(build):
    counts = Counts()
    notes = sorted(object_notes(build))
    for i in range(0, len(notes), 50):
        run = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities",
                              *notes[i:i + 50]],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        for report in run.stdout.splitlines():
            for source in json.loads(report)["files"]:
                path = os.path.normpath(os.path.join(ROOT, source["file"]))
                name = path[len(SRC):]
                if path.startswith(SRC) and not name.startswith("cli" + os.sep):
                    for line in source["lines"]:
                        counts.add(name, line)
    return counts


class Missed:
    """Branches on lines of one function that read the same, and no test took."""

    def __init__(self):
        self.count = 0
        self.numbers = []

    def add(self, number, count):
        self.count += count
        self.numbers.append(number)


def source_lines(name):
    with open(os.path.join(SRC, name), encoding="utf-8") as file:
        return [line.strip() for line in file]


def missed_branches(counts):
    """{(file, function, text of the line): Missed}"""
    missed = collections.defaultdict(Missed)
    texts = {}
    for (name, number, function, _), taken in sorted(counts.branches.items()):
        none = taken.count(0)
        if none:
            if name not in texts:
                texts[name] = source_lines(name)
            missed[name, function, texts[name][number - 1]].add(number, none)
    return missed


def read_entries(path, form="FUNCTION :: LINE :: WHICH :: REASON"):
    """(where it stands, file below src/, the four of `form`) of each entry. The first two of these
    tell entries of a file apart."""
    seen = set()
    name = None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.strip()
            place = f"{os.path.relpath(path)}:{number}"
            if not line or line.startswith("#"):
                continue
            if line.startswith("[") and line.endswith("]"):
                name = line[1:-1]
                continue
            fields = [field.strip() for field in line.split(" :: ")]
            if len(fields) != 4 or not all(fields):
                sys.exit(f"{place}: not {form}")
            if (name, *fields[:2]) in seen:
                sys.exit(f"{place}: a second time")
            seen.add((name, *fields[:2]))
            yield place, name, *fields


class Exclusion:
    def __init__(self, place, name, function, text, count, reason):
        self.reason = reason
        self.place = place
        self.key = name, function, text
        self.at_times = count.endswith("?")
        try:
            self.count = int(count.rstrip("?"))
        except ValueError:
            sys.exit(f"{place}: '{count}' is no count of branches")


def read_exclusions(path):
    """The exclusions of a file; see its head."""
    exclusions = (Exclusion(*entry) for entry in read_entries(path))
    return {exclusion.key: exclusion for exclusion in exclusions}


def exclude(missed, exclusions):
    """Takes what is excluded out of `missed`. How many branches by file, and what is wrong."""
    excluded = collections.Counter()
    wrong = []
    for exclusion in exclusions.values():
        there = missed.get(exclusion.key)
        there_count = there.count if there else 0
        excluded[exclusion.key[0]] += min(exclusion.count, there_count)
        if there_count < exclusion.count and not exclusion.at_times:
            wrong.append(f"{exclusion.place}: out of date: of these branches "
                         f"{there_count} {'is' if there_count == 1 else 'are'} not taken")
        if there:
            there.count -= min(exclusion.count, there_count)
            if there.count == 0:
                del missed[exclusion.key]
    return excluded, wrong


def ranges(numbers):
    """[1, 2, 3, 7] as "1-3 7"."""
    out = []
    for n in sorted(numbers):
        if out and n == out[-1][1] + 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in out)


def room_of(name):
    return name.split(os.sep)[0]


def percent(reached, total):
    return 100.0 * reached / total if total else 100.0


def print_lines(counts, list_missed):
    """The table of lines; the share over all."""
    rooms = collections.defaultdict(lambda: [0, 0])
    for name, lines in counts.lines.items():
        reached = sum(1 for n in lines.values() if n > 0)
        for key in room_of(name), "all":
            rooms[key][0] += reached
            rooms[key][1] += len(lines)
    print(f"{'lines of src/':<16}{'reached':>9}{'of':>9}")
    for room in sorted(rooms, key=lambda r: (r == "all", r)):
        reached, total = rooms[room]
        print(f"{room:<16}{reached:>9}{total:>9}{percent(reached, total):>9.1f} %")
    if list_missed:
        for name in sorted(counts.lines):
            missed = [number for number, n in counts.lines[name].items() if n == 0]
            if missed:
                print(f"src/{name}: not reached: {ranges(missed)}")
    return percent(*rooms["all"])


def print_branches(counts, missed, excluded, rooms_listed):
    """The table of branches, by room and by file of the rooms listed. {room: share}"""
    tables = {}  # room or file: [taken, excluded, of]
    for (name, _, _, total), taken in counts.branches.items():
        for key in {room_of(name), "all"} | ({name} if room_of(name) in rooms_listed else set()):
            row = tables.setdefault(key, [0, 0, 0])
            row[0] += total - taken.count(0)
            row[2] += total
    for name, count in excluded.items():
        for key in room_of(name), "all", name:
            if key in tables:
                tables[key][1] += count
    print(f"\n{'branches of src/':<28}{'taken':>9}{'excluded':>9}{'of':>9}")
    for key in sorted(tables, key=lambda r: (r == "all", r)):
        taken, out, total = tables[key]
        name = "  " + key if os.sep in key else key
        print(f"{name:<28}{taken:>9}{out:>9}{total:>9}{percent(taken + out, total):>9.2f} %")
    return {key: percent(taken + out, total) for key, (taken, out, total) in tables.items()}


def print_missed(missed, rooms_listed):
    for (name, function, text), there in sorted(missed.items(),
                                                key=lambda m: (m[0][0], m[1].numbers)):
        if not rooms_listed or room_of(name) in rooms_listed:
            print(f"src/{name}:{ranges(set(there.numbers))}: {function} :: {text} :: "
                  f"{there.count} not taken")


def gate(text):
    room, share = text.split("=")
    return room, float(share)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--fail-under", type=float, default=0.0, metavar="PERCENT")
    parser.add_argument("--branches", type=gate, action="append", default=[],
                        metavar="ROOM=PERCENT")
    parser.add_argument("--exclusions", metavar="FILE")
    parser.add_argument("--lines", action="store_true")
    parser.add_argument("--missed", action="store_true")
    args = parser.parse_args()

    counts = read_counts(args.build)
    if not counts.lines:
        sys.exit(f"coverage: no counts below {args.build}")
    gates = dict(args.branches)
    missed = missed_branches(counts)
    exclusions = read_exclusions(args.exclusions) if args.exclusions else {}
    excluded, wrong = exclude(missed, exclusions)

    lines = print_lines(counts, args.lines)
    shares = print_branches(counts, missed, excluded, gates)
    if args.missed:
        print_missed(missed, gates)

    if lines < args.fail_under:
        wrong.append(f"coverage: below {args.fail_under:g} % of the lines")
    for room, least in gates.items():
        if room not in shares:
            wrong.append(f"coverage: there is no room {room}")
        elif shares[room] < least:
            wrong.append(f"coverage: {room}: below {least:g} % of the branches")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
