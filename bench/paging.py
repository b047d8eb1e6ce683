#!/usr/bin/env python3
"""Whether what a map chooses by itself is as good as what one would choose by hand.

    paging.py PROGRAM FILE QUERIES [--rounds N] [--ms MS] [--parts P] [--advices A] [--huge]

PROGRAM is bench/paging of a build, FILE a file on a disk, and QUERIES its keys, a line each, in any
order. Measures lookups with each advice and way to populate: in a memory cgroup of 24 MiB, cold at
first; and with all memory, 100,000 lookups from a cold start, the opening counted. With --huge: what
huge pages gain when all is in memory. Everything is done in turns; medians of the rounds."""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

from parts.cgroup import FIXED_BYTES, MemoryGroup, Unavailable

ADVICES = ("auto", "random", "normal", "sequential")
POPULATES = ("none", "hot", "all")
SCARCE_QUERIES = 40_000
COLD_QUERIES = 100_000


def drop(path):
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def sample(path, count, seed, folder):
    """The name of a file of some of the queries, in no order."""
    name = os.path.join(folder, f"queries-{count}-{seed}")
    if os.path.exists(name):
        return name
    with open(path, "rb") as file:
        lines = file.read().splitlines(True)
    with open(name, "wb") as file:
        file.writelines(random.Random(seed).sample(lines, min(count, len(lines))))
    return name


def run(args, words, queries, under=(), warm_ms=0, ms=0):
    command = [*under, args.program, args.file, queries, *words, str(warm_ms), str(ms)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None, done.stderr.strip() or f"status {done.returncode}"
    return json.loads(done.stdout), ""


def table(title, found, best_of):
    """found: words -> list of numbers; prints them, and each beside the best."""
    print(f"\n{title}")
    medians = {words: statistics.median(numbers) for words, numbers in found.items() if numbers}
    leasts = {words: min(numbers) for words, numbers in found.items() if numbers}
    best = min(medians[words] for words in medians if best_of(words))
    best_least = min(leasts[words] for words in leasts if best_of(words))
    print(f"  {'':<32} {'median':>10} {'/ best':>7} {'least':>10} {'/ best':>7}")
    for words, numbers in found.items():
        if numbers:
            print(f"  {' '.join(words):<32} {medians[words]:>10.2f} {medians[words] / best:>7.2f} "
                  f"{leasts[words]:>10.2f} {leasts[words] / best_least:>7.2f}")
        else:
            print(f"  {' '.join(words):<32}  failed")


def by_hand(words):
    return words[0] != "auto"


def measure(args, title, ways, once, best_of=by_hand):
    found = {words: [] for words in ways}
    for number in range(args.rounds):
        order = list(ways)
        random.Random(number).shuffle(order)
        for words in order:
            answer, why = once(words, number)
            if answer is None:
                print(f"{' '.join(words)}: {why}", file=sys.stderr)
            else:
                found[words].append(answer)
    table(title, found, best_of)


def ways_to_page(args):
    advices = args.advices.split(",")
    return [(advice, populate, "none", "off") for advice in advices for populate in POPULATES] + \
        [(advice, "none", "hot", "off") for advice in advices if advice in ("auto", "random")]


def measure_scarce(args, folder):
    try:
        with MemoryGroup(f"actree-paging-{os.getpid()}") as group:
            group.limit(FIXED_BYTES)

            def once(words, number):
                queries = sample(args.queries, SCARCE_QUERIES, number, folder)
                drop(args.file)
                answer, why = run(args, words, queries, group.starter(), args.ms, args.ms)
                return answer and answer["ns"] / answer["n"] / 1000, why

            measure(args, f"{FIXED_BYTES >> 20} MiB of memory: microseconds a lookup, beside the "
                    "best by hand", ways_to_page(args), once)
    except Unavailable as error:
        print(f"left out: {error}")


def measure_cold(args, folder):
    def once(words, number):
        queries = sample(args.queries, COLD_QUERIES, number, folder)
        drop(args.file)
        answer, why = run(args, words, queries)
        return answer and answer["total_ns"] / 1e6, why

    measure(args, "all memory, cold: milliseconds for opening and 100,000 lookups, beside the best "
            "by hand", ways_to_page(args), once)


def measure_warm(args, folder):
    def once(words, number):
        queries = sample(args.queries, COLD_QUERIES, number, folder)
        answer, why = run(args, words, queries, (), args.ms, args.ms)
        return answer and answer["cpu_ns"] / answer["n"], why

    measure(args, "all memory, warm: nanoseconds a lookup (of the processor), beside the best by "
            "hand", ways_to_page(args), once)


def read_small(path):
    """Has the file in the system's cache in small pages."""
    drop(path)
    with open(path, "rb") as file:
        for at in range(0, os.path.getsize(path), 1 << 20):
            os.posix_fadvise(file.fileno(), at, 1 << 20, os.POSIX_FADV_WILLNEED)
        while file.read(1 << 20):
            pass


def measure_huge(args, folder):
    """Of what kind the pages are: that of a mapping, of a copy, of the cache."""
    ways = {("small pages", "none"): ("auto", "none", "none", "off"),
            ("populated", "all"): ("auto", "all", "none", "off"),
            ("auto, cold", "all"): ("auto", "all", "none", "auto"),
            ("on, cached", "all"): ("auto", "all", "none", "on"),
            ("copied when open", ""): ("auto", "none", "none", "later"),
            ("hot region copied", ""): ("auto", "none", "none", "later-hot"),
            ("copy, small pages", ""): ("auto", "none", "none", "small"),
            ("copy, hugetlb", ""): ("auto", "none", "none", "hugetlb")}
    shown = {}

    def once(name, number):
        queries = sample(args.queries, COLD_QUERIES, number, folder)
        read_small(args.file)
        if "cold" in name[0]:
            drop(args.file)
        answer, why = run(args, ways[name], queries, (), args.ms, args.ms)
        if answer:
            shown.setdefault(name, []).append(answer)
        return answer and answer["cpu_ns"] / answer["n"], why

    measure(args, "huge pages: nanoseconds a lookup (of the processor), beside the best", ways, once,
            lambda words: True)
    for name, answers in shown.items():
        opened = statistics.median(answer["open_ns"] for answer in answers) / 1e6
        print(f"  {name[0]:<20} open {opened:8.2f} ms, resident "
              f"{answers[0]['resident_bytes'] >> 20} MiB, huge {answers[0]['huge_bytes'] >> 20} MiB: "
              f"{answers[0]['text']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("file")
    parser.add_argument("queries")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ms", type=int, default=1500)
    parser.add_argument("--parts", default="scarce,cold,warm")
    parser.add_argument("--advices", default=",".join(ADVICES))
    parser.add_argument("--huge", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.huge:
            measure_huge(args, folder)
            return
        for part in args.parts.split(","):
            {"scarce": measure_scarce, "cold": measure_cold, "warm": measure_warm}[part](args, folder)


if __name__ == "__main__":
    main()
