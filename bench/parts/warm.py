"""Everything in memory: builds, openings, lookups, scans, sizes, on every key set."""
import hashlib
import os
import statistics
import subprocess
import time

from parts.peers import WARM, Peer, Sets, WrongAnswer, progress
from parts.rounds import rotated

OPERATIONS = ("build", "build-2", "build-zero", "open", "present", "absent", "batch-1000",
              "batch-10000", "batch-10000-2", "scan", "scan-2", "scan-runs", "iterate",
              "check", "sample")
# These are asked for once: what they give is not a time.
ONCE = ("build-zero", "check", "sample")
TWO_THREADS = "-2"
SAMPLED = 100_000
# Many rounds where they are short.
ROUNDS = {"paths": 5, "words": 11, "logic": 11}
# An operation that takes this long is asked for fewer times; the number of rounds is recorded.
SLOW_NS = 5_000_000_000
SLOW_ROUNDS = 3


def record(entry, op, answer):
    """Adds a round. What counts is the time in which the engine worked, or waited for a disk: not the
    time in which others had its CPU. An opening is too short to be interrupted, and threads may wait
    for each other."""
    waited = 0 if op == "open" or op.endswith(TWO_THREADS) else answer["waited_ns"]
    entry.setdefault("n", answer["n"])
    entry.setdefault("ns", []).append(answer["ns"] - waited)
    entry.setdefault("waited_ns", []).append(waited)
    if "file_bytes" in answer:
        entry["file_bytes"] = answer["file_bytes"]


def summarise(entry):
    ns = entry["ns"]
    entry.update(median_ns=int(statistics.median(ns)), min_ns=min(ns), max_ns=max(ns))


def run_once(bench, op, peers, ops):
    for peer in peers:
        if op == "sample":
            answer = peer.sample(0, bench.queries(SAMPLED), 5000)
            ops[peer.name]["sample"] = {key: answer[key] for key in ("n", "p999_ns", "percentiles_ns")}
        else:
            answer = peer.ask(op)
            if op == "build-zero":
                ops[peer.name][op] = {key: answer[key] for key in ("n", "file_bytes")}


def run_rounds(op, peers, ops, rounds):
    left, first_peak = {}, {}
    for peer in peers:
        answer = peer.ask(op)
        left[peer] = rounds if answer["ns"] < SLOW_NS else min(rounds, SLOW_ROUNDS)
        # Of the first build only: later ones work in memory that was not given back.
        first_peak[peer] = answer.get("peak_rss_growth_bytes")
    for number in range(rounds):
        for peer in rotated(peers, number):
            if left[peer] > 0:
                left[peer] -= 1
                record(ops[peer.name].setdefault(op, {}), op, peer.ask(op))
    for peer in peers:
        entry = ops[peer.name][op]
        summarise(entry)
        if first_peak[peer] is not None:
            entry["peak_rss_growth_bytes"] = first_peak[peer]


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


def random_load_ps(bench):
    """What a dependent random load from memory costs at this moment."""
    out = subprocess.run([os.path.join(bench.args.bin, "memory")], capture_output=True, text=True,
                         check=False)
    return int(out.stdout) if out.returncode == 0 else 0


def run_set(bench, name):
    sets = Sets(bench.args.data, name)
    rounds = bench.args.rounds or ROUNDS[name]
    result = {"keys": sets.keys.nkeys, "key_bytes": sets.keys.keys_nbytes,
              "queries": sets.present.nkeys, "rounds": rounds, "load_before_milli": loads_milli(),
              "random_load_before_ps": random_load_ps(bench)}
    peers = [Peer(engine, command, sets, os.path.join(bench.args.work, f"{name}.{engine.name}"))
             for engine, command in bench.engines if WARM in engine.parts]
    ops = {peer.name: {} for peer in peers}
    for op in OPERATIONS:
        start = time.monotonic()
        able = [peer for peer in peers if op in peer.hello["ops"]]
        if op in ONCE:
            run_once(bench, op, able, ops)
        elif able:
            run_rounds(op, able, ops, rounds)
        if op == "build":
            result["same_file_as_actree_plain"] = compare_files(peers)
        if able:
            progress(f"{name}: {op}: {time.monotonic() - start:.1f} s")
    result.update(random_load_after_ps=random_load_ps(bench), load_after_milli=loads_milli(),
                  engines=ops)
    for peer in peers:
        peer.finish()
        os.unlink(peer.work_file)
        bench.seen(peer)
    return result


def run(bench):
    return {name: run_set(bench, name) for name in bench.sets}
