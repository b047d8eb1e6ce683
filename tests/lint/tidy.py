#!/usr/bin/env python3
"""clang-tidy over the C sources in BUILD/compile_commands.json; any finding fails.

    tidy.py BUILD [FOLDER...]     folders of the tree, by default src tests examples bench fuzz

JOBS in the environment says how many at a time (default 2).
"""
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def commands(build):
    """path -> how it is compiled. Once each: clang-tidy would look at a file as often as it is
    compiled, and the analyzer then mistakes the one for the other. What is compiled under other
    names, for being compared, is the portable library's: it has its own platform."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        all_of_them = [command for command in json.load(file)
                       if " -include " not in command["command"]]
    found = {}
    for command in all_of_them:
        path = os.path.realpath(os.path.join(command["directory"], command["file"]))
        found.setdefault(path, command)
    return found


def tidy(build, path):
    run = subprocess.run(["clang-tidy", "--quiet", "--warnings-as-errors=*", "-p", build, path],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # Beside findings, stderr counts the suppressed warnings of system headers: noise.
    return run.returncode, run.stdout + (run.stderr if run.returncode and not run.stdout else "")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if not shutil.which("clang-tidy"):
        print("skipped: there is no clang-tidy here")
        sys.exit(77)
    build = os.path.realpath(sys.argv[1])
    folders = sys.argv[2:] or ["src", "tests", "examples", "bench", "fuzz"]
    tops = tuple(os.path.join(ROOT, folder) + os.sep for folder in folders)
    known = commands(build)
    paths = sorted(path for path in known if path.startswith(tops))
    if not paths:
        sys.exit("tidy: nothing to look at")
    failed = 0
    with tempfile.TemporaryDirectory() as database, \
            concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        with open(os.path.join(database, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump(list(known.values()), file)
        for status, text in pool.map(lambda path: tidy(database, path), paths):
            failed += status != 0
            if status:
                print(text, end="")
    print(f"{len(paths)} files, {failed} with findings")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
