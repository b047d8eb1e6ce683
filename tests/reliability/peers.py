#!/usr/bin/env python3
"""What peers do with flipped bits, and what a kill leaves of the file that they rebuild: the
benchmark's programs (bench/README.md), asked to read and to build.

    peers.py flips|kills [--count N] [--seed N] [--engines A,B]

flips: each of so many random bits of a file of the same keys is flipped, once. The engine's own
check is run where it has one, then everything is scanned and every key looked up, and the end is
one of: found (an error, told), right (all answers as before), wrong (others, without an error),
crash (a signal, or a panic: the process is gone), hang (20 s, or 4 GB).

kills: a file is built over, and the process killed at a random instant: old, new or lost.

Prints a line of FIGURES for scripts/reliability.py. Exit status 1 if actree has anything but
"found" and "right" (of a file without checksums: no crash, no hang), or "lost".
"""
import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.join(ROOT, "build-bench/bench")
RUST = os.path.join(ROOT, "bench/peers/rust/target/release")
# name: (program, its variant, whether its files have a checksum that it compares)
ENGINES = {
    "actree": ("peer_actree", [], True),
    "actree-plain": ("peer_actree", ["plain"], False),
    "reference": ("peer_reference", [], False),
    "fst": ("peer_fst", [], True),
    "lmdb": ("peer_lmdb", [], False),
    "mtbl": ("peer_mtbl", ["none"], True),
}
# A Rust program that panics exits so, unless it aborts.
PANIC = 101
SECONDS_MAX, MEMORY_MAX = 20, 4 << 30


def program(name):
    """The path of an engine's program, or None."""
    for folder in BIN, RUST:
        path = os.path.join(folder, ENGINES[name][0])
        if os.access(path, os.X_OK):
            return path
    return None


def build_benchmark():
    """Builds what is there to be built; what is not is left out. Whether it worked."""
    steps = [["cmake", "-S", ".", "-B", "build-bench", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
              "-DACT_BENCH=ON", "-DACT_BUILD_TESTS=OFF", "-DACT_BUILD_TOOL=ON"],
             ["cmake", "--build", "build-bench", "-j", os.environ.get("JOBS", "2")]]
    for step in steps:
        done = subprocess.run(step, cwd=ROOT, check=False, capture_output=True)
        if done.returncode:
            print(done.stderr.decode(errors="replace")[-2000:])
            return False
    if shutil.which("cargo"):
        subprocess.run(["cargo", "build", "--release", "--quiet"], check=False,
                       cwd=os.path.join(ROOT, "bench/peers/rust"), capture_output=True)
    return True


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Engine:
    """One program, on files in one folder."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.file = os.path.join(folder, "file")
        hello = self.ask("", "old").stdout.splitlines()
        self.ops = json.loads(hello[0])["ops"] if hello else []

    def words(self, keys):
        _, variant, _ = ENGINES[self.name]
        stem = os.path.join(self.folder, keys)
        return [program(self.name), stem + ".keys", stem + ".present", stem + ".absent", self.file,
                *variant]

    def ask(self, operations, keys):
        """Runs it with these operations; a run that does not end is killed, and `hang` is set."""
        given = "".join(one + "\n" for one in operations.split())
        try:
            done = subprocess.run(self.words(keys), input=given.encode(), capture_output=True,
                                  check=False, timeout=SECONDS_MAX, preexec_fn=limit)
            done.hang = False
        except subprocess.TimeoutExpired:
            done = subprocess.CompletedProcess([], -signal.SIGKILL, b"", b"")
            done.hang = True
        return done

    def read(self, keys):
        """(end, answers): found, crash, hang; or read, and what it answered."""
        verify = "verify " if "verify" in self.ops else ""
        done = self.ask(verify + "scan present", keys)
        said = done.stderr.lower()
        if done.hang or b"memory allocation" in said or b"out of memory" in said:
            return "hang", None
        if done.returncode < 0 or done.returncode == PANIC:
            return "crash", None
        if done.returncode:
            return "found", None
        answers = [json.loads(line) for line in done.stdout.splitlines()[1:]]
        return "read", [[one.get(name) for name in ("op", "hits", "value_sum", "key_bytes")]
                        for one in answers]


def make_keys(folder):
    """Two packed sets of the same size: paths as there are many, numbered."""
    for name, step in ("old", 7), ("new", 9):
        path = os.path.join(folder, name + ".txt")
        keys = sorted({f"usr/share/{name if i % 5 else 'doc'}/{i * step % 97:02}/{i * i}.gz"
                       for i in range(1500)})
        with open(path, "w", encoding="ascii") as file:
            file.write("".join(key + "\n" for key in keys))
        subprocess.run([os.path.join(BIN, "pack"), path, "1500", os.path.join(folder, name)],
                       check=True, stdout=subprocess.DEVNULL)


def flips(engine, count, rng):
    if os.path.exists(engine.file):
        os.remove(engine.file)
    engine.ask("build", "old")
    with open(engine.file, "rb") as file:
        whole = file.read()
    end, right = engine.read("old")
    if end != "read":
        return {"count": 0, "why": "it does not read its own file"}
    tally = {"count": count, "bytes": len(whole)}
    for _ in range(count):
        bit = rng.randrange(8 * len(whole))
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        with open(engine.file, "wb") as file:
            file.write(broken)
        end, answers = engine.read("old")
        if end == "read":
            end = "right" if answers == right else "wrong"
        tally[end] = tally.get(end, 0) + 1
    return tally


def kills(engine, count, rng):
    if "rebuild" not in engine.ops:
        return None

    def start_over():
        for name in engine.file, engine.file + "-lock":
            if os.path.exists(name):
                os.remove(name)
        engine.ask("rebuild", "old")
        return engine.read("old")

    _, old = start_over()
    begin = time.perf_counter()
    engine.ask("rebuild", "new")
    seconds = time.perf_counter() - begin
    _, new = engine.read("new")
    tally = {"count": 0}
    tries = 0
    while tally["count"] < count and tries < 50 * count:
        tries += 1
        start_over()
        process = subprocess.Popen(engine.words("new"), stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.stdin.write(b"rebuild\n")
        process.stdin.close()
        time.sleep(rng.random() * seconds)
        process.kill()
        process.wait()
        if process.returncode != -signal.SIGKILL:
            seconds *= 0.95
            continue
        seconds *= 1.01
        end = "lost"
        if engine.read("old") == ("read", old):
            end = "old"
        elif engine.read("new") == ("read", new):
            end = "new"
        tally["count"] += 1
        tally[end] = tally.get(end, 0) + 1
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("flips", "kills"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engines", default=",".join(ENGINES))
    arguments = parser.parse_args()
    if not build_benchmark():
        print("skipped: the benchmark's programs cannot be built here")
        sys.exit(77)
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    engines, left_out, findings = {}, {}, []
    with tempfile.TemporaryDirectory(prefix="actree-peers-", dir=parent) as folder:
        make_keys(folder)
        for name in arguments.engines.split(","):
            if not program(name):
                left_out[name] = "it is not installed here"
                continue
            rng = random.Random(f"{arguments.seed}-{name}")
            work = flips if arguments.what == "flips" else kills
            tally = work(Engine(name, folder), arguments.count, rng)
            if tally is None:
                left_out[name] = "it does not build over a file: that is left to the caller"
                continue
            engines[name] = tally
            print(name, tally, flush=True)
            if name.startswith("actree") and (tally.get("crash") or tally.get("hang") or
                                              tally.get("lost")):
                findings.append(f"{name}: {tally}")
            if name == "actree" and tally.get("wrong"):
                findings.append(f"{name}: {tally}")
    print("FIGURES " + json.dumps({"engines": engines, "left_out": left_out,
                                   "findings": findings}))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
