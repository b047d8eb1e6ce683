#!/usr/bin/env python3
"""Whether the tests are able to fail: puts faults into the library, one at a time, and runs them.

    mutate.py [--seed N] [--each N] [--all] [--known FILE] [--out FILE] [--tests REGEX]
              ROOM|FILE...

Of each source and header of the ROOMs of src/, --each mutants (default 6) are drawn by the seed
(default 1); --all takes every one. A mutant is killed when a test fails, crashes or does not end. The tests
are the programs in C that take up to a few seconds; those whose name is that of the source come first. What
the compiler makes the same code of as of the original is no mutant. Survivors are looked up in
--known, where each stands with a reason (its head tells how); those that do not are listed, and
written to --out. Works in a copy of the sources, build-mutate/tree.

Exit status 1 if a survivor is not explained, or if fewer than --least percent (default 95) of those
that no explanation calls equivalent are killed.
"""
import argparse
import collections
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import coverage
from mutants import mutants_of

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.path.join(ROOT, "build-mutate")
TREE = os.path.join(WORK, "tree")
BUILD = os.path.join(TREE, "build-mutate")
SECONDS_MOST = 6  # of a test, without a fault
LABELS = {"unit", "api", "model", "interop", "hostile", "fault", "threads", "platform"}
KINDS = "equivalent", "speed", "elsewhere", "open"  # of survivors that are explained


def copy_tree():
    """Brings the copy up to date; what has not changed keeps its time, and is not built again."""
    names = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    for name in names:
        source, copy = os.path.join(ROOT, name), os.path.join(TREE, name)
        if not os.path.exists(source):
            continue
        with open(source, "rb") as file:
            content = file.read()
        if os.path.exists(copy):
            with open(copy, "rb") as file:
                if file.read() == content:
                    continue
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copy(source, copy)


def build(targets):
    """Whether it can be built."""
    return subprocess.run(["nice", "-n", "10", "ninja", "-C", BUILD, "-j", os.environ.get("JOBS", "2"),
                           *targets], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False).returncode == 0


class Test:
    def __init__(self, entry):
        properties = {p["name"]: p["value"] for p in entry.get("properties", [])}
        self.name = entry["name"]
        self.command = entry["command"]
        self.labels = set(properties.get("LABELS", []))
        self.environment = dict(os.environ)
        for setting in properties.get("ENVIRONMENT", []):
            key, value = setting.split("=", 1)
            self.environment[key] = value
        self.program = os.path.relpath(self.command[0], BUILD)
        self.target = os.path.basename(self.command[0])
        self.seconds = SECONDS_MOST

    def run(self):
        """Whether it passes, within several times what it takes without a fault."""
        def limit():
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
        folder = tempfile.mkdtemp(dir=WORK)
        with subprocess.Popen(self.command, env=self.environment, cwd=folder, preexec_fn=limit,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            try:
                status = process.wait(5 + 8 * self.seconds)
            except subprocess.TimeoutExpired:
                status = None
                os.killpg(process.pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        return status in (0, 77)


def listed_tests(wanted):
    """What ctest tells of those that are wanted. Of what is not built there is no command."""
    listed = subprocess.run(["ctest", "--show-only=json-v1"], cwd=BUILD, check=True,
                            stdout=subprocess.PIPE).stdout
    return [entry for entry in json.loads(listed)["tests"] if re.search(wanted, entry["name"])]


def build_tests(wanted):
    known = subprocess.run(["ninja", "-C", BUILD, "-t", "targets", "all"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout
    targets = {line.split(":")[0] for line in known.splitlines()}
    return build(["actree_objects", *[entry["name"] for entry in listed_tests(wanted)
                                      if entry["name"] in targets]])


def quick_tests(wanted):
    """Those that pass here, and soon, the quickest first."""
    tests = []
    for entry in listed_tests(wanted):
        if not entry.get("command", [""])[0].startswith(BUILD):
            continue
        test = Test(entry)
        if not test.labels & LABELS:
            continue
        start = time.monotonic()
        if test.run():
            test.seconds = time.monotonic() - start
            if test.seconds <= SECONDS_MOST:
                tests.append(test)
    return sorted(tests, key=lambda t: t.seconds)


def objects_hash():
    """Of the library's machine code."""
    total = hashlib.sha256()
    for folder, _, names in sorted(os.walk(os.path.join(BUILD, "CMakeFiles/actree_objects.dir"))):
        for name in sorted(names):
            if name.endswith(".o"):
                with open(os.path.join(folder, name), "rb") as file:
                    total.update(file.read())
    return total.digest()


def stages(tests, name):
    """The tests of the source by its name, those of its room, and the others."""
    room, file = name.split("/")[1], os.path.splitext(os.path.basename(name))[0]
    own = [t for t in tests if t.name.startswith(f"test_{room}_{file}") or t.name == f"test_{file}"]
    of_room = [t for t in tests if t.name.startswith(f"test_{room}") and t not in own]
    return own, of_room, [t for t in tests if t not in own and t not in of_room]


def try_mutant(tests, name, before):
    """"killed by NAME", "same code", "no code" or "survived"."""
    if not build(["actree_objects"]):
        return "no code"
    if objects_hash() == before:
        return "same code"
    for part in stages(tests, name):
        if part and not build(sorted({test.target for test in part})):
            return "no code"
        for test in part:
            if not test.run():
                return f"killed by {test.name}"
    return "survived"


def read_known(path):
    """{(file, line of the source, change): kind}"""
    known = {}
    if os.path.exists(path):
        for place, *key, kind, _ in coverage.read_entries(path, "LINE :: CHANGE :: KIND :: REASON"):
            if kind not in KINDS:
                sys.exit(f"{place}: '{kind}' is no kind")
            known[tuple(key)] = kind
    return known


def sources_of(what):
    for name in what:
        path = os.path.join(ROOT, "src", name)
        if os.path.isdir(path):
            for file in sorted(os.listdir(path)):
                if file.endswith((".c", ".h")):
                    yield f"src/{name}/{file}"
        elif os.path.exists(path):
            yield f"src/{name}"
        else:
            sys.exit(f"mutate: there is no src/{name}")


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def text_of(lines, number):
    """A line, and with it the one before where there are several that read the same."""
    text = lines[number - 1].strip()
    if sum(line.strip() == text for line in lines) > 1 and number > 1:
        return f"{lines[number - 2].strip()} / {text}"
    return text


class Tally:
    def __init__(self):
        self.rooms = collections.defaultdict(collections.Counter)
        self.unexplained = []

    def add(self, name, kind):
        self.rooms[name.split("/")[1]][kind] += 1
        self.rooms["all"][kind] += 1

    def share(self, room):
        row = self.rooms[room]
        valid = row["killed"] + row["speed"] + row["elsewhere"] + row["open"] + row["unexplained"]
        return 100.0 * row["killed"] / valid if valid else 100.0

    def print(self):
        kinds = "killed", *KINDS, "unexplained"
        print("\n" + f"{'mutants':<10}" + "".join(f"{kind:>12}" for kind in kinds) + "   killed")
        for room in sorted(self.rooms, key=lambda r: (r == "all", r)):
            row = self.rooms[room]
            print(f"{room:<10}" + "".join(f"{row[kind]:>12}" for kind in kinds) +
                  f"{self.share(room):>8.1f} %")


def mutate_file(name, args, tests, known, tally):
    path = os.path.join(TREE, name)
    with open(path, encoding="utf-8") as file:
        source = file.read()
    lines = source.splitlines()
    mutants = mutants_of(source)
    random.Random(f"{args.seed} {name}").shuffle(mutants)
    wanted = len(mutants) if args.all else args.each
    done = 0
    build(["actree_objects"])
    before = objects_hash()
    try:
        for mutant in mutants:
            if done == wanted:
                break
            write(path, mutant.apply(source))
            start = time.monotonic()
            outcome = try_mutant(tests, name, before)
            if outcome in ("no code", "same code"):
                continue
            done += 1
            line = text_of(lines, mutant.line)
            kind = "killed"
            if outcome == "survived":
                kind = known.get((name[4:], line, mutant.one_line()), "unexplained")
                if kind == "unexplained":
                    tally.unexplained.append((name[4:], line, mutant.one_line()))
            tally.add(name, kind)
            print(f"{name}:{mutant.line}: {mutant.operator}: {mutant.one_line()}: {outcome}"
                  f"{'' if kind in ('killed', 'unexplained') else ': ' + kind}"
                  f" ({time.monotonic() - start:.1f} s)", flush=True)
    finally:
        write(path, source)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=6)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--least", type=float, default=95.0)
    parser.add_argument("--known", default=os.path.join(ROOT, "tests/coverage/survivors.txt"))
    parser.add_argument("--out")
    parser.add_argument("--tests", default="", metavar="REGEX", help="no tests but these")
    parser.add_argument("what", nargs="+", metavar="ROOM|FILE")
    args = parser.parse_args()

    copy_tree()
    subprocess.run(["cmake", "--preset", "mutate"], cwd=TREE, check=True, stdout=subprocess.DEVNULL)
    if not build_tests(args.tests):
        sys.exit("mutate: the sources cannot be built as they are")
    tests = quick_tests(args.tests)
    print(f"{len(tests)} tests, {sum(test.seconds for test in tests):.0f} s in all", flush=True)
    known = read_known(args.known)
    tally = Tally()
    for name in sources_of(args.what):
        mutate_file(name, args, tests, known, tally)
    tally.print()
    listing = "".join(f"[{name}]\n{line} :: {change} :: open :: ?\n"
                      for name, line, change in tally.unexplained)
    if listing:
        print(f"\nSurvivors without an explanation:\n{listing}")
    if args.out:
        write(args.out, listing)
    sys.exit(1 if tally.unexplained or tally.share("all") < args.least else 0)


if __name__ == "__main__":
    main()
