#!/usr/bin/env python3
"""Prints the modified condition/decision coverage of src/, room by room, from a build with ACT_MCDC.

    mcdc.py [--missed] [--exclusions FILE] [--fail-under ROOM=PERCENT]... BUILD ROOM...

A condition counts as covered once two runs of the tests have shown that it alone decides how the
whole decision ends. Decisions with a single condition need no more than both outcomes of it, which
branch coverage tells (scripts/coverage.py); clang measures those of two and more. --missed lists
decisions with conditions that are not covered.

--exclusions names a file of conditions that no test can show to decide, each with its reason; its
head tells how it is written. They count neither as covered nor as missed. An entry that fits
nothing, or names a condition that is covered, is an error: it is to be taken out.

Exit status 1 if a room is below what --fail-under says of it, or an exclusion is out of date.
"""
import argparse
import collections
import glob
import json
import os
import subprocess
import sys

import coverage

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(ROOT, "src") + os.sep

# Kinds of regions in what llvm-cov exports.
EXPANSION = 1
CONDITION = 6


def programs(build):
    """The tests: what stands in headers has a copy in each."""
    for folder, _, names in os.walk(os.path.join(build, "tests")):
        for path in (os.path.join(folder, name) for name in names if name.startswith("test_")):
            if os.access(path, os.X_OK):
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF":
                        yield path


def export(build, suffix):
    """What llvm-cov tells of each function, from the counts of every program that has its code."""
    raw = glob.glob(os.path.join(build, "counts", "*.profraw"))
    if not raw:
        sys.exit(f"mcdc: no counts below {build}")
    merged = os.path.join(build, "counts", "all.profdata")
    subprocess.run(["llvm-profdata" + suffix, "merge", "-sparse", "-o", merged, *raw], check=True)
    command = ["llvm-cov" + suffix, "export", "-instr-profile=" + merged,
               os.path.join(build, "libactree.so")]
    for program in sorted(programs(build)):
        command += ["-object", program]
    # Programs have functions of one name, such as main, which it warns of.
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(run.stdout)["data"][0]["functions"]


class Decision:
    def __init__(self, name, line, column, function, text, covered):
        self.line, self.column = line, column
        self.key = name, function, text
        self.covered = covered
        self.excluded = [False] * len(covered)

    def missed(self):
        return [i + 1 for i, (c, e) in enumerate(zip(self.covered, self.excluded)) if not c | e]


def place_of(function, record, used):
    """The line and column of a decision, also one that is a macro's argument.

    Of such a one llvm-cov tells where the macro's text has it, and not which file that is. So it is
    looked for among the expansions, each of which is a file of its own: one with as many conditions
    there, which no decision before had.
    """
    line, column, count = record[0], record[1], len(record[-1])
    first, last = function["regions"][0][0], function["regions"][0][2]
    if first <= line <= last:
        return line, column
    for region in function["regions"]:
        expansion, is_expansion = region[6], region[7] == EXPANSION
        there = sum(1 for branch in function["branches"]
                    if branch[6] == expansion and branch[8] == CONDITION)
        if is_expansion and there == count and expansion not in used:
            used.add(expansion)
            while region[5]:  # within another macro's argument
                region = next(r for r in function["regions"]
                              if r[7] == EXPANSION and r[6] == region[5])
            return region[0], region[1]
    sys.exit(f"mcdc: {function['name']}: where is the decision of {count} conditions?")


def decisions(functions):
    """All of src/, in order. What stands in a header has copies, one of which is enough."""
    found = {}
    texts = {}
    for function in functions:
        path = function["filenames"][0]
        if not path.startswith(SRC):
            continue
        name = path[len(SRC):]
        if name not in texts:
            texts[name] = coverage.source_lines(name)
        # A static function's name has its file before it.
        called = function["name"].rsplit(":", 1)[-1]
        used = set()
        for record in function.get("mcdc_records", []):
            line, column = place_of(function, record, used)
            covered = record[-1]
            decision = found.setdefault(
                (name, line, column),
                Decision(name, line, column, called, texts[name][line - 1], [False] * len(covered)))
            decision.covered = [a or b for a, b in zip(decision.covered, covered)]
    return [found[place] for place in sorted(found)]


def exclude(found, entries):
    """Takes the conditions that `entries` name out of what is missed. What is wrong with them."""
    by_key = collections.defaultdict(list)
    for decision in found:
        by_key[decision.key].append(decision)
    wrong = []
    for place, *key, which, _ in entries:
        try:
            numbers = [int(number) for number in which.rstrip("?").split()]
        except ValueError:
            sys.exit(f"{place}: '{which}' are no numbers of conditions")
        there = by_key[tuple(key)]
        if not there or max(numbers) > max(len(decision.covered) for decision in there):
            wrong.append(f"{place}: out of date: there is no such condition")
            continue
        for number in numbers:
            held = [d for d in there if number <= len(d.covered) and not d.covered[number - 1]]
            if not held and not which.endswith("?"):
                wrong.append(f"{place}: out of date: condition {number} is covered")
            for decision in held:
                decision.excluded[number - 1] = True
    return wrong


def print_missed(found, rooms):
    for decision in found:
        numbers = " ".join(map(str, decision.missed()))
        name, function, text = decision.key
        if numbers and coverage.room_of(name) in rooms:
            print(f"src/{name}:{decision.line}:{decision.column}: {function} :: {text} :: "
                  f"{numbers} of {len(decision.covered)}")


def gate(text):
    room, share = text.split("=")
    return room, float(share)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--missed", action="store_true")
    parser.add_argument("--exclusions", metavar="FILE")
    parser.add_argument("--fail-under", type=gate, action="append", default=[],
                        metavar="ROOM=PERCENT")
    parser.add_argument("--suffix", default="-19", help="of llvm's programs (default -19)")
    parser.add_argument("build")
    parser.add_argument("rooms", nargs="+", metavar="ROOM")
    args = parser.parse_args()

    found = decisions(export(args.build, args.suffix))
    wrong = exclude(found, coverage.read_entries(args.exclusions)) if args.exclusions else []
    gates = dict(args.fail_under)
    print(f"{'MC/DC of src/':<16}{'decisions':>10}{'covered':>9}{'excluded':>9}{'of':>7}")
    for room in args.rooms:
        here = [decision for decision in found if coverage.room_of(decision.key[0]) == room]
        covered = sum(sum(decision.covered) for decision in here)
        excluded = sum(sum(decision.excluded) for decision in here)
        total = sum(len(decision.covered) for decision in here)
        share = coverage.percent(covered + excluded, total)
        print(f"{room:<16}{len(here):>10}{covered:>9}{excluded:>9}{total:>7}{share:>9.2f} %")
        if share < gates.get(room, 0.0):
            wrong.append(f"mcdc: {room}: below {gates[room]:g} % of the conditions")
    if args.missed:
        print_missed(found, args.rooms)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
