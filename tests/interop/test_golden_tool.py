#!/usr/bin/env python3
"""The tool on the golden files: what it prints of them, and what it builds from their text.

    test_golden_tool.py read|build|walk     the environment names the tool in ACTREE
"""
import os
import subprocess
import sys
import tempfile

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
TOOL = os.environ.get("ACTREE")


def read(name):
    with open(name, "rb") as file:
        return file.read()


def golden(name):
    return os.path.join(GOLDEN, name)


def run(*words, status=0, stdin=b""):
    done = subprocess.run([TOOL, *words], input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.returncode != status:
        sys.exit(f"actree {' '.join(words)}: status {done.returncode}, not {status}\n"
                 f"{done.stderr.decode(errors='replace')}")
    return done.stdout


def same(what, got, wanted):
    if got == wanted:
        return
    got, wanted = got.splitlines(), wanted.splitlines()
    for number, (a, b) in enumerate(zip(got, wanted), 1):
        if a != b:
            sys.exit(f"{what}: line {number} is {a[:200]}, not {b[:200]}")
    sys.exit(f"{what}: {len(got)} lines, not {len(wanted)}")


def manifest():
    """(ACT file, file of entries, writers), for each line."""
    for line in read(golden("MANIFEST.tsv")).decode().splitlines():
        if not line.startswith("#"):
            yield line.split("\t")[:3]


def check_reading(act, text):
    path = golden(act)
    run("verify", path)
    same(f"dump {act}", run("dump", path, "--keys", "hex"), text)
    # No match is a no.
    some = 0 if text else 1
    same(f"range {act}", run("range", path, "--keys", "hex", status=some), text)
    backwards = b"".join(reversed(text.splitlines(keepends=True)))
    same(f"range --reverse {act}", run("range", path, "--reverse", "--keys", "hex", status=some),
         backwards)
    same(f"prefix {act}", run("prefix", path, "", "--keys", "hex", status=some), text)
    # From one key to another, both of the file.
    lines = text.splitlines(keepends=True)
    if len(lines) > 3:
        a, b = len(lines) // 3, 2 * len(lines) // 3
        if max(len(lines[a]), len(lines[b])) < 100000:
            bounds = [lines[i].split(b"\t")[0].decode() for i in (a, b)]
            same(f"range {act} --from --to",
                 run("range", path, "--from", bounds[0], "--to", bounds[1], "--keys", "hex"),
                 b"".join(lines[a:b]))


def check_get(act, keys, answers):
    wanted = read(answers)
    asked = b"".join(line.split(b"\t")[0] + b"\n" for line in read(keys).splitlines())
    missing = b"-" in wanted.splitlines()
    same(f"get {act}", run("get", golden(act), "-", "--keys", "hex", stdin=asked,
                           status=int(missing)), wanted)


def check_build(act, text, folder):
    out = os.path.join(folder, "out.act")
    source = os.path.join(folder, "in.tsv")
    # Any order will do.
    lines = text.splitlines(keepends=True)
    with open(source, "wb") as file:
        file.writelines(lines[1::2] + lines[0::2][::-1])
    run("build", "--keys", "hex", "--layout", "plain", "-o", out, source)
    if read(out) != read(golden(act)):
        sys.exit(f"build from {act}'s text: other bytes")


def read_all():
    files = lists = 0
    for act, tsv, _ in manifest():
        check_reading(act, read(golden(tsv)))
        files += 1
        name = act.split(".")[0]
        if tsv == name + ".tsv" and os.path.exists(golden(name + ".get.in")):
            check_get(act, golden(name + ".get.in"), golden(name + ".get.out"))
            lists += 1
    return {"files": files, "lists of keys": lists}


def build_all():
    built = 0
    with tempfile.TemporaryDirectory() as folder:
        for act, tsv, writers in manifest():
            name = act.split(".")[0]
            # What was built from paths without values is more than its text.
            if "dump" in writers and not os.path.exists(golden(name + ".in.tsv")):
                check_build(act, read(golden(tsv)), folder)
                built += 1
    return {"files": built}


def walk_all():
    scripts = answers = 0
    for script in sorted(os.listdir(GOLDEN)):
        if not script.endswith(".zip.in"):
            continue
        name = script[:-len(".zip.in")]
        # Where the reference's cursor on a file departs from its documentation, its cursor on a map
        # in memory does not.
        wanted = golden(name + ".zip.map.out")
        if not os.path.exists(wanted):
            wanted = golden(name + ".zip.out")
        got = run("walk", golden(name + ".act"), stdin=read(golden(script)))
        same(f"walk {name}", got, read(wanted))
        scripts += 1
        answers += len(got.splitlines())
    return {"scripts": scripts, "answers": answers}


PARTS = {"read": read_all, "build": build_all, "walk": walk_all}


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in PARTS:
        sys.exit(__doc__)
    if not TOOL:
        print("skipped: the tool is not built")
        sys.exit(77)
    counts = PARTS[sys.argv[1]]()
    print(", ".join(f"{count} {what}" for what, count in counts.items()))
    if min(counts.values()) < 5:
        sys.exit("too few")


if __name__ == "__main__":
    main()
