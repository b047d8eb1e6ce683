#!/usr/bin/env python3
"""Kills the tool at random instants, by SIGKILL, while it builds, sorts, merges, compacts, converts
and splits: afterwards each file is the old one or the new one, whole, the next run goes on, and
nothing is left but what is promised.

    kills.py TOOL [--kills N] [--seed N] [--folder DIR]

Prints one line a kind, and a line of JSON for scripts/reliability.py.
"""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

from operations import Broken, operations


class Count:
    """Of one operation."""

    def __init__(self, name):
        self.name, self.kills, self.old, self.new, self.litter, self.whole = name, 0, 0, 0, 0, 0


def duration(tool, folder, operation):
    """Of a whole run, the median of some."""
    found = []
    for _ in range(5):
        operation.prepare(folder)
        start = time.perf_counter()
        subprocess.run([tool, *operation.words], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - start)
    return sorted(found)[2]


def kill_once(tool, folder, operation, seconds, rng, count):
    operation.prepare(folder)
    process = subprocess.Popen([tool, *operation.words], cwd=folder, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    time.sleep(rng.random() * seconds)
    process.kill()
    error = process.communicate()[1]
    killed = process.returncode == -signal.SIGKILL
    if not killed and process.returncode != 0:
        raise Broken(f"ends with {process.returncode}: {error!r}")
    litter = operation.litter(folder)
    state = operation.state(tool, folder)
    if not killed and state != "new":
        raise Broken("said that it was done, and the old file is there")
    operation.check_litter(folder, litter)
    count.kills += killed
    count.whole += not killed
    if killed:
        count.litter += bool(litter)
        count.old += state == "old"
        count.new += state == "new"
    if rng.random() < 1 / 16:
        # Whatever was left is in nobody's way.
        again = subprocess.run([tool, *operation.words], cwd=folder, capture_output=True,
                               check=False)
        if again.returncode != 0 or operation.state(tool, folder) != "new":
            raise Broken(f"the next run fails: {again.stderr!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tool")
    parser.add_argument("--kills", type=int, default=80, help="that are to come in time, in all")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--folder", default=os.environ.get("TMPDIR"), help="where to work")
    arguments = parser.parse_args()
    tool = os.path.abspath(arguments.tool)
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    rng = random.Random(seed)
    findings, counts = [], []
    with tempfile.TemporaryDirectory(prefix="actree-kills-", dir=arguments.folder) as folder:
        found = operations(tool, folder)
        for i, operation in enumerate(found):
            seconds = 1.05 * duration(tool, folder, operation)
            count = Count(operation.name)
            counts.append(count)
            wanted = arguments.kills * (i + 1) // len(found) - arguments.kills * i // len(found)
            tries = 0
            # So long that some kills come too late, whatever else the machine does meanwhile.
            slower, faster = 1.01, 0.95
            while count.kills < wanted and len(findings) < 10:
                tries += 1
                if tries > 20 * wanted + 100:
                    findings.append(f"{operation.name}: too few kills come in time")
                    break
                late = count.whole
                try:
                    kill_once(tool, folder, operation, seconds, rng, count)
                    seconds *= faster if count.whole > late else slower
                except Broken as broken:
                    findings.append(f"{operation.name}, try {tries}, seed {seed}: {broken}")
                    print(findings[-1], flush=True)
            print(f"{count.name:<18} {count.kills} kills: old {count.old}, new {count.new}, "
                  f"left behind in {count.litter}; came too late {count.whole}", flush=True)
    kills = sum(count.kills for count in counts)
    print("FIGURES " + json.dumps({"kills": kills, "old_or_new": kills - len(findings), "seed": seed,
                      "litter": sum(count.litter for count in counts),
                      "operations": {count.name: vars(count) for count in counts},
                      "findings": findings}))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
