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

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def sources(build, folders):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        paths = {os.path.realpath(os.path.join(c["directory"], c["file"])) for c in json.load(file)}
    tops = tuple(os.path.join(ROOT, folder) + os.sep for folder in folders)
    return sorted(path for path in paths if path.startswith(tops))


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
    paths = sources(build, sys.argv[2:] or ["src", "tests", "examples", "bench", "fuzz"])
    if not paths:
        sys.exit("tidy: nothing to look at")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", "2"))) as pool:
        for status, text in pool.map(lambda path: tidy(build, path), paths):
            failed += status != 0
            if status:
                print(text, end="")
    print(f"{len(paths)} files, {failed} with findings")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
