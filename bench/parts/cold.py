"""Lookups in files of which nothing is in memory: the page cache is dropped before each round. Once
with all memory of the machine, where read-ahead soon has the whole file in, and once with little."""
import os

from parts import disk
from parts.cgroup import FIXED_BYTES, MemoryGroup, Unavailable
from parts.peers import Peer, has_batches, progress
from parts.rounds import median_rounds, rotated

QUERIES = 10_000
ROUNDS = 3
TIME_LIMIT_MS = 10_000
KEPT = ("n", "ns", "open_ns", "major_faults", "read_bytes", "p999_ns", "percentiles_ns")


def drop(bench, path):
    disk.drop_file(path)
    if not bench.args.gentle:
        disk.drop_caches()


def measure(bench, peer, batch, first):
    """The file closed and dropped, then opened and asked."""
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


def measure_ways(bench, files, entry, first, under):
    """way -> figures, in one process. A batch cannot be stopped, so there is none where it would take
    much longer than the single lookups may."""
    engine, command, path = entry
    disk.read_whole(files.sets.present.path) # so that these pages are nobody's in a memory cgroup
    with Peer(engine, command, files.sets, path, keys=files.sets.present_few, under=under) as peer:
        # The engine's own code must be in memory: it is not what is measured.
        peer.sample(0, 1000, 200)
        found = {"single": measure(bench, peer, 0, first)}
        single = found["single"]
        if has_batches(peer) and single["ns"] * QUERIES < 5 * TIME_LIMIT_MS * 10**6 * single["n"]:
            found["batch"] = measure(bench, peer, QUERIES, first)
        bench.seen(peer)
    return found


def run_engines(bench, files, under=()):
    rounds = {engine.name: {} for engine, _, _ in files.engines()}
    for number in range(bench.rounds(ROUNDS)):
        for entry in rotated(files.engines(), number):
            for way, figures in measure_ways(bench, files, entry, number * QUERIES, under).items():
                rounds[entry[0].name].setdefault(way, []).append(figures)
    return median_rounds(rounds)


def run_limited(bench, files):
    """None, with the reason, where there can be no memory cgroup."""
    try:
        with MemoryGroup(f"actree-bench-{os.getpid()}") as group:
            group.limit(FIXED_BYTES)
            return {"limit_bytes": FIXED_BYTES, "engines": run_engines(bench, files, group.starter())}
    except Unavailable as error:
        bench.left_out["cold in little memory"] = str(error)
        return None


def run(bench, files):
    if not bench.args.gentle and not os.access(disk.DROP_CACHES, os.W_OK):
        bench.left_out["cold"] = "dropping the page cache needs root"
        return None
    result = {"set": files.sets.name, "engines": run_engines(bench, files),
              "dropped_by": "posix_fadvise" if bench.args.gentle else "drop_caches"}
    progress("cold: with all memory: done")
    limited = run_limited(bench, files)
    if limited:
        result["limited"] = limited
        progress(f"cold: with {FIXED_BYTES >> 20} MiB: done")
    return result
