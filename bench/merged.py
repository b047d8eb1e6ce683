#!/usr/bin/env python3
"""What many small merges cost those who read: a file after them, against the same file made anew.

    merged.py TOOL PROGRAM KEYS QUERIES [--merges 100] [--changes 100] [--queries 150000] [--work DIR]

KEYS are sorted, one a line; QUERIES some of them. Of KEYS some are held back when a file is built;
each merge then adds `changes`/2 of these and gives as many keys that are there another value. The
file after all merges and one that `compact` made of it are compared by PROGRAM, bench/merged.c, in
one process and in turn: with the first of QUERIES, and with the keys that were merged, in any order.
Both must hold the same.
"""
import argparse
import itertools
import os
import random
import shutil
import subprocess
import tempfile

def run(*args, **options):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, **options).stdout


def split_keys(keys, base, held_count, changed_count, seed):
    """Writes all keys but some to `base`; gives those, and some of the others."""
    with open(keys, "rb") as file:
        count = sum(1 for _ in file)
    chosen = random.Random(seed).sample(range(count), held_count + changed_count)
    held, changed = set(chosen[:held_count]), set(chosen[held_count:])
    held_keys, changed_keys = [], []
    with open(keys, "rb") as file, open(base, "wb") as out:
        for number, line in enumerate(file):
            if number in held:
                held_keys.append(line.rstrip(b"\n"))
                continue
            if number in changed:
                changed_keys.append(line.rstrip(b"\n"))
            out.write(line)
    return held_keys, changed_keys


def make_files(args, work):
    """A file after all merges, the same made anew, and the keys that were merged."""
    base, merged, anew = (os.path.join(work, name) for name in ("base", "merged.act", "anew.act"))
    each = args.changes // 2
    added, changed = split_keys(args.keys, base, each * args.merges,
                                (args.changes - each) * args.merges, args.seed)
    shuffle = random.Random(args.seed + 1)
    shuffle.shuffle(added)
    shuffle.shuffle(changed)
    run(args.tool, "build", "--input", "lines", "-o", merged, base)
    os.unlink(base)
    before = os.path.getsize(merged)
    value = 10 ** 9
    for number in range(args.merges):
        lines = []
        for key in (added[number * each:(number + 1) * each] +
                    changed[number * (args.changes - each):(number + 1) * (args.changes - each)]):
            lines.append(b"%s\t%d\n" % (key, value))
            value += 1
        run(args.tool, "merge", "--sync", "none", merged, "-", input=b"".join(lines))
    shutil.copyfile(merged, anew)
    run(args.tool, "compact", anew)
    run(args.tool, "diff", "--max-steps", str(10 ** 9), merged, anew)
    keys = os.path.join(work, "merged.keys")
    all_keys = added + changed
    shuffle.shuffle(all_keys)
    with open(keys, "wb") as file:
        file.writelines(key + b"\n" for key in all_keys)
    return merged, anew, keys, before


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("program")
    parser.add_argument("keys")
    parser.add_argument("queries_from")
    parser.add_argument("--merges", type=int, default=100)
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--queries", type=int, default=150000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", help="where the files are made; they go afterwards")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.work) as scratch:
        merged, anew, keys, before = make_files(args, scratch)
        queries = os.path.join(scratch, "queries")
        with open(args.queries_from, "rb") as file, open(queries, "wb") as out:
            out.writelines(itertools.islice(file, args.queries))
        after = os.path.getsize(merged)
        print(f"{args.merges} merges of {args.changes}: {before} bytes before, {after} after, "
              f"{(after - before) // args.merges // args.changes} for a change, "
              f"{os.path.getsize(anew)} anew; ns, and against the first", flush=True)
        for name, asked in (("queries", queries), ("merged keys", keys)):
            print(name, flush=True)
            subprocess.run([args.program, asked, anew, merged], check=True)


if __name__ == "__main__":
    main()
