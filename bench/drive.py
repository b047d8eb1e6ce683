#!/usr/bin/env python3
"""Runs the benchmark: all engines, in turn, on the same keys; checks what they answer.

    drive.py --bin DIR --rust DIR --data DIR --work DIR --json OUT
             [--sets paths,words,logic] [--engines A,B] [--rounds N] [--left-out ENGINE=WHY]...

Each engine is a process of its own that lives as long as its key set is worked on (peer.h). For
each operation every engine is asked once in each round, in an order that moves on from round to
round, so that what disturbs the machine disturbs all. The first round of an operation warms up and
is not counted. A wrong answer ends the run with status 1.
"""
import argparse
import hashlib
import json
import os
import platform
import statistics
import struct
import subprocess
import sys
import time

# Name, program, argument, few: of engines that take long over a lookup only some are asked for.
ENGINES = (
    ("actree", "peer_actree", None, False),
    ("actree-plain", "peer_actree", "plain", False),
    ("reference", "peer_reference", None, False),
    ("reference-dump", "peer_reference_dump", None, False),
    ("fst", "peer_fst", None, False),
    ("lmdb", "peer_lmdb", None, False),
    ("mtbl-none", "peer_mtbl", "none", False),
    ("mtbl", "peer_mtbl", "zlib", True),
    ("marisa-fast", "peer_marisa", "1", False),
    ("marisa", "peer_marisa", "3", False),
)
RUST = ("reference", "reference-dump", "fst")
OPERATIONS = ("build", "open", "present", "absent", "scan", "iterate", "check")
# Many rounds where they are short.
ROUNDS = {"paths": 5, "words": 11, "logic": 11}
# An operation that takes this long is asked for fewer times; the number of rounds is recorded.
SLOW_NS = 5_000_000_000
SLOW_ROUNDS = 3


class WrongAnswer(Exception):
    pass


class Keyset:
    """The figures in the first bytes of a packed set of keys."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            header = file.read(32)
        self.nkeys, self.keys_nbytes, self.value_sum = struct.unpack_from("<8x3Q", header)


class Peer:
    """A running engine."""

    def __init__(self, name, command, sets, work_file):
        self.name, self.keys, self.present, self.absent = name, *sets
        self.work_file = work_file
        self.process = subprocess.Popen(
            [command[0], self.keys.path, self.present.path, self.absent.path, work_file,
             *command[1:]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.hello = self.read()
        self.ops = {}

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise WrongAnswer(f"{self.name} ended, status {self.process.wait()}")
        return json.loads(line)

    def ask(self, op):
        print(op, file=self.process.stdin, flush=True)
        answer = self.read()
        self.check(op, answer)
        return answer

    def check(self, op, answer):
        """Engines with values must give the values; the others as many keys, and all their ids."""
        keys_only = self.hello["keys_only"]
        wanted = {"op": op}
        if op in ("present", "check"):
            wanted.update(n=self.present.nkeys, hits=self.present.nkeys)
            if not keys_only:
                wanted.update(value_sum=self.present.value_sum)
        elif op == "absent":
            wanted.update(n=self.absent.nkeys, hits=0, value_sum=0)
        elif op in ("scan", "iterate"):
            # The ids of keys-only engines are 0 .. n-1 as our values are: the sums are equal.
            wanted.update(hits=self.keys.nkeys, value_sum=self.keys.value_sum,
                          key_bytes=self.keys.keys_nbytes)
        for field, value in wanted.items():
            if answer.get(field) != value:
                raise WrongAnswer(f"{self.name}: {op}: {field} is {answer.get(field)}, not {value}")

    def record(self, op, answer):
        entry = self.ops.setdefault(op, {"n": answer["n"], "ns": [], "waited_ns": []})
        # What counts is the time in which the engine worked, or waited for a disk: not the time in
        # which others had its CPU. An opening is too short to be interrupted.
        waited = answer["waited_ns"] if op != "open" else 0
        entry["ns"].append(answer["ns"] - waited)
        entry["waited_ns"].append(waited)
        if op == "build":
            entry["file_bytes"] = answer["file_bytes"]

    def finish(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise WrongAnswer(f"{self.name} ended with status {self.process.returncode}")
        os.unlink(self.work_file)


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run_operation(op, peers, rounds):
    peers = [p for p in peers if op in p.hello["ops"]]
    if op == "check":
        for peer in peers:
            peer.ask(op)
        return
    left = {}
    for peer in peers:
        answer = peer.ask(op)
        left[peer] = rounds if answer["ns"] < SLOW_NS else min(rounds, SLOW_ROUNDS)
        if op == "build":
            # Of the first build only: later ones work in memory that was not given back.
            peer.first_peak = answer["peak_rss_growth_bytes"]
    for number in range(rounds):
        turn = number % len(peers) if peers else 0
        for peer in peers[turn:] + peers[:turn]:
            if left[peer] > 0:
                left[peer] -= 1
                peer.record(op, peer.ask(op))
    for peer in peers:
        ns = peer.ops[op]["ns"]
        peer.ops[op].update(median_ns=int(statistics.median(ns)), min_ns=min(ns), max_ns=max(ns))
        if op == "build":
            peer.ops[op]["peak_rss_growth_bytes"] = peer.first_peak


def digest(path):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sha.update(block)
    return sha.hexdigest()


def compare_files(peers):
    """Whether our file is, byte for byte, the reference's. Its streaming writer departs from its
    other one where all keys begin with the same byte, so only the other one can be wrong here."""
    files = {p.name: p.work_file for p in peers if p.name in ("actree-plain", "reference",
                                                             "reference-dump")}
    if "actree-plain" not in files:
        return {}
    ours = digest(files.pop("actree-plain"))
    same = {name: int(digest(path) == ours) for name, path in files.items()}
    if same.get("reference-dump") == 0:
        raise WrongAnswer("actree's plain file is not the file that the reference dumps")
    return same


def loads_milli():
    return [int(load * 1000) for load in os.getloadavg()]


def random_load_ps(args):
    """What a dependent random load from memory costs at this moment."""
    out = subprocess.run([os.path.join(args.bin, "memory")], capture_output=True, text=True,
                         check=False)
    return int(out.stdout) if out.returncode == 0 else 0


def run_set(name, engines, args):
    stem = os.path.join(args.data, name)
    full = [Keyset(f"{stem}.{part}") for part in ("keys", "present", "absent")]
    few = [full[0]] + [Keyset(f"{stem}.{part}-few") for part in ("present", "absent")]
    rounds = args.rounds or ROUNDS[name]
    result = {"keys": full[0].nkeys, "key_bytes": full[0].keys_nbytes, "queries": full[1].nkeys,
              "rounds": rounds, "load_before_milli": loads_milli(),
              "random_load_before_ps": random_load_ps(args)}
    peers = []
    for engine, command, takes_few in engines:
        work_file = os.path.join(args.work, f"{name}.{engine}")
        peers.append(Peer(engine, command, few if takes_few else full, work_file))
    for op in OPERATIONS:
        start = time.monotonic()
        run_operation(op, peers, rounds)
        if op == "build":
            result["same_file_as_actree_plain"] = compare_files(peers)
        progress(f"{name}: {op}: {time.monotonic() - start:.1f} s")
    result["random_load_after_ps"] = random_load_ps(args)
    result["load_after_milli"] = loads_milli()
    result["engines"] = {peer.name: peer.ops for peer in peers}
    for peer in peers:
        peer.finish()
    return result, {peer.name: {key: peer.hello[key] for key in ("version", "note", "keys_only")}
                    for peer in peers}


def first_match(path, start):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(start):
                    return line.split(":" if ":" in line else "=", 1)[1].strip().strip('"')
    except OSError:
        pass
    return "unknown"


def stolen_ticks():
    """(ticks that the hypervisor gave to others, all ticks) since the machine started."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
        return ticks[7], sum(ticks)
    except (OSError, ValueError, IndexError):
        return 0, 0


def machine():
    memory = first_match("/proc/meminfo", "MemTotal").split()[0]
    return {"cpu": first_match("/proc/cpuinfo", "model name"), "cpus": os.cpu_count(),
            "memory_bytes": int(memory) * 1024 if memory.isdigit() else 0,
            "kernel": f"{platform.system()} {platform.release()}",
            "system": first_match("/etc/os-release", "PRETTY_NAME")}


def find_engines(args, left_out):
    """(name, command, few) of what was built; notes why the rest was not."""
    found = []
    for name, program, argument, few in ENGINES:
        if args.engines and name not in args.engines.split(","):
            left_out[name] = "it was not asked for"
            continue
        path = os.path.join(args.rust if name in RUST else args.bin, program)
        if os.access(path, os.X_OK):
            found.append((name, [path, argument] if argument else [path], few))
        else:
            left_out.setdefault(name, "its library is not on this machine")
    return found


def filesystem(path):
    out = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True)
    return out.stdout.strip() or "unknown"


def parse_args():
    parser = argparse.ArgumentParser(description="run the benchmark (see run.sh)")
    for name in ("bin", "rust", "data", "work", "json"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--sets", default="paths,words,logic")
    parser.add_argument("--engines", default="")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--left-out", action="append", default=[], metavar="ENGINE=WHY")
    return parser.parse_args()


def main():
    args = parse_args()
    left_out = dict(item.split("=", 1) for item in args.left_out)
    engines = find_engines(args, left_out)
    report = {"schema": 1, "date": time.strftime("%Y-%m-%d"), "machine": machine(),
              "files_on": filesystem(args.work), "engines": {}, "sets": {}}
    stolen, ticks = stolen_ticks()
    for name in args.sets.split(","):
        if not os.path.exists(os.path.join(args.data, f"{name}.keys")):
            left_out[name] = "this key set could not be made here"
            continue
        try:
            report["sets"][name], engines_seen = run_set(name, engines, args)
        except WrongAnswer as error:
            sys.exit(f"bench: {name}: {error}")
        report["engines"].update(engines_seen)
    stolen_after, ticks_after = stolen_ticks()
    report["stolen_permille"] = 1000 * (stolen_after - stolen) // max(1, ticks_after - ticks)
    report["left_out"] = left_out
    with open(args.json, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
