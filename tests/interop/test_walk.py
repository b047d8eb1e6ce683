#!/usr/bin/env python3
"""The tool's cursor, against recorded answers of the reference and against a plain model.

    test_walk.py recorded          the scripts in walk/
    test_walk.py model [N [SEED]]  N random scripts over random files, from this seed on

The environment names the tool in ACTREE.

In walk/, NAME.act was written by the reference and NAME.tsv tells what it holds; NAME.in is a script
from walk_scripts.py, and NAME.out has the answers of the reference's cursor over the map in memory.
"""
import os
import random
import subprocess
import sys
import tempfile

from walk_files import random_file
from walk_model import Trie, Walk
from walk_scripts import random_map, random_script, read_map

RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "walk")
TOOL = os.environ.get("ACTREE")


def read_lines(path):
    with open(path, encoding="ascii") as file:
        return file.read().splitlines()


def check(what, act, script, wanted):
    done = subprocess.run([TOOL, "walk", act], input="\n".join(script) + "\n", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    answers = done.stdout.splitlines()
    for number, (command, answer) in enumerate(zip(script, wanted)):
        got = answers[number] if number < len(answers) else f"nothing: {done.stderr.strip()}"
        if got != answer:
            before = wanted[number - 1].split("\t")[1] if number else ""
            sys.exit(f"{what}: command {number + 1}, at {before or 'the root'}: {command}\n"
                     f"answers {got!r}\n not    {answer!r}")
    if done.returncode or len(answers) != len(script):
        sys.exit(f"{what}: status {done.returncode}, {len(answers)} answers: {done.stderr}")
    return len(answers)


def recorded():
    names = sorted(name[:-3] for name in os.listdir(RECORDED) if name.endswith(".in"))
    answers = 0
    for name in names:
        path = os.path.join(RECORDED, name)
        script, wanted = read_lines(path + ".in"), read_lines(path + ".out")
        # What the model says of a script is worth as much as its agreement with the reference.
        walk = Walk(Trie(read_map(path + ".tsv")))
        for number, (command, answer) in enumerate(zip(script, wanted)):
            says = walk.run(command)
            if says != answer:
                sys.exit(f"{name}: the model answers {says!r} to command {number + 1}, {command}")
        answers += check(name, path + ".act", script, wanted)
    print(f"{len(names)} scripts, {answers} answers")
    if len(names) < 20 or answers < 4000:
        sys.exit("too few")


def model(count, first):
    answers = 0
    with tempfile.TemporaryDirectory(prefix="actree-walk-") as folder:
        act = os.path.join(folder, "map.act")
        for seed in range(first, first + count):
            rng = random.Random(seed)
            entries = random_map(rng)
            content = random_file(rng, Trie(entries))
            with open(act, "wb") as file:
                file.write(content)
            script, wanted = random_script(rng, entries, 150)
            if subprocess.run([TOOL, "verify", act], stdout=subprocess.DEVNULL).returncode:
                sys.exit(f"seed {seed}: the file is not sound")
            answers += check(f"seed {seed}", act, script, wanted)
    print(f"{count} scripts, {answers} answers")


def main():
    if not TOOL:
        print("skipped: the tool was not built")
        sys.exit(77)
    if sys.argv[1:] == ["recorded"]:
        recorded()
    elif len(sys.argv) in (2, 3, 4) and sys.argv[1] == "model":
        numbers = [int(word) for word in sys.argv[2:]] + [100, 1][len(sys.argv) - 2:]
        model(*numbers)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
