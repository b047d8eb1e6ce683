"""Lookups in files of which nothing is in memory: the page cache is dropped before each round."""
import os

from parts import disk
from parts.peers import Peer, Sets, progress

QUERIES = 10_000
ROUNDS = 3
TIME_LIMIT_MS = 30_000
KEPT = ("n", "ns", "open_ns", "major_faults", "read_bytes", "p999_ns", "percentiles_ns")
# Name of the operation, keys in a batch.
WAYS = (("single", 0), ("batch", QUERIES))


def drop(bench, path):
    disk.drop_file(path)
    if not bench.args.gentle:
        disk.drop_caches()


def measure(bench, peer, batch, first):
    """One round: the file closed and dropped, then opened and asked."""
    peer.ask("close")
    drop(bench, peer.work_file)
    resident = disk.resident_permille(peer.work_file)
    before = disk.requests(peer.work_file)
    answer = peer.sample(first, bench.queries(QUERIES), TIME_LIMIT_MS, batch)
    after = disk.requests(peer.work_file)
    result = {key: answer[key] for key in KEPT}
    if resident is not None:
        result["resident_before_permille"] = resident
    if before and after:
        result.update(disk_reads=after[0] - before[0], disk_read_bytes=after[1] - before[1])
    return result


def median_round(rounds):
    """The round whose time is the median: its figures belong together."""
    by_time = sorted(rounds, key=lambda r: r["ns"] / r["n"])
    chosen = dict(by_time[(len(by_time) - 1) // 2])
    chosen["round_ns"] = [r["ns"] for r in rounds]
    return chosen


def ways_of(peer):
    return [(name, batch) for name, batch in WAYS
            if not batch or any(op.startswith("batch-") for op in peer.hello["ops"])]


def run_engines(bench, files, sets):
    peers = [Peer(engine, command, sets, path) for engine, command, path in files.engines()]
    rounds = {peer.name: {} for peer in peers}
    for peer in peers:
        # The engine's own code must be in memory: it is not what is measured.
        peer.sample(0, 1000, 2000, 0)
    for number in range(bench.rounds(ROUNDS)):
        for peer in peers[number % len(peers):] + peers[:number % len(peers)]:
            for way, batch in ways_of(peer):
                rounds[peer.name].setdefault(way, []).append(
                    measure(bench, peer, batch, number * QUERIES))
    for peer in peers:
        peer.finish()
        bench.seen(peer)
    return {name: {way: median_round(entries) for way, entries in ways.items()}
            for name, ways in rounds.items()}


def run(bench, files):
    if not bench.args.gentle and not os.access(disk.DROP_CACHES, os.W_OK):
        bench.left_out["cold"] = "dropping the page cache needs root"
        return None
    result = {"set": files.sets.name, "engines": run_engines(bench, files, files.sets),
              "dropped_by": "posix_fadvise" if bench.args.gentle else "drop_caches"}
    progress("cold: done")
    return result
