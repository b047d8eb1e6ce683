"""Files larger than memory: each engine in a memory cgroup, by and by with more of it. The memory is
the same for all engines, in shares of the plain file, as one has a machine and looks for an engine."""
import os

from parts import disk
from parts.cgroup import FIXED_BYTES, MemoryGroup, Unavailable
from parts.peers import Peer, WrongAnswer, has_batches, progress
from parts.rounds import median_rounds, rotated

SHARES_PERCENT = (10, 20, 50, 100)
# Less than this is not enough for a process, whatever it does.
LEAST_BYTES = 8 << 20
ROUNDS = 3
WARM_MS = 1500
MEASURE_MS = 3000
MOST_QUERIES = 1 << 40 # the time decides
KEPT = ("n", "ns", "major_faults", "read_bytes", "p999_ns", "percentiles_ns")
BATCH = 1000


def limits(plain_nbytes):
    """(bytes, share in percent or None), ascending."""
    found = [(plain_nbytes * percent // 100, percent) for percent in SHARES_PERCENT]
    return sorted([entry for entry in found if entry[0] >= LEAST_BYTES] + [(FIXED_BYTES, None)])


def ask(bench, peer, first, batch):
    """Warms up, so that what is asked for all the time is in memory, and then measures."""
    warm = peer.sample(first, MOST_QUERIES, bench.scaled(WARM_MS), batch)
    answer = peer.sample(first + warm["n"], MOST_QUERIES, bench.scaled(MEASURE_MS), batch)
    return {key: answer[key] for key in KEPT}


def measure(bench, group, entry, sets, first):
    """way -> figures, each of a new process. A batch cannot be stopped, so there is none where one
    would take longer than the whole measurement should."""
    engine, command, path = entry
    found = {}
    for way, batch in (("single", 0), ("batch", BATCH)):
        if batch and BATCH * found["single"]["ns"] > found["single"]["n"] * MEASURE_MS * 1_000_000:
            break
        disk.drop_file(path) # its pages must be those of the group
        resident = disk.resident_permille(path)
        disk.read_whole(sets.present.path) # and the queries not
        with Peer(engine, command, sets, path, keys=sets.present_few, under=group.starter()) as peer:
            if not batch or has_batches(peer):
                found[way] = {**ask(bench, peer, first, batch), "resident_before_permille": resident}
            bench.seen(peer)
    return found


def run_limit(bench, group, files, limit_nbytes):
    """name -> the figures of an engine; of those that do not run in so little, nothing."""
    group.limit(limit_nbytes)
    rounds = {engine.name: {} for engine, _, _ in files.engines()}
    for number in range(bench.rounds(ROUNDS)):
        for entry in rotated(files.engines(), number):
            name = entry[0].name
            try:
                for way, figures in measure(bench, group, entry, files.sets,
                                            number * 100_000).items():
                    rounds[name].setdefault(way, []).append(figures)
            except WrongAnswer as error:
                # What the system ends for want of memory.
                if "status -9" not in str(error):
                    raise
                rounds[name] = {}
    return median_rounds(rounds)


def run(bench, files):
    plain = files.built.get("actree-plain") or files.built.get("reference")
    if not plain:
        bench.left_out["scarce"] = "there is no plain file to take shares of"
        return None
    result = {"set": files.sets.name, "file_bytes": plain["file_bytes"], "limits": []}
    try:
        with MemoryGroup(f"actree-bench-{os.getpid()}") as group:
            result["cgroup_version"] = group.version
            for limit_nbytes, percent in limits(plain["file_bytes"]):
                entry = {"limit_bytes": limit_nbytes,
                         "engines": run_limit(bench, group, files, limit_nbytes)}
                if percent is not None:
                    entry["share_percent"] = percent
                result["limits"].append(entry)
                progress(f"scarce: {limit_nbytes / 1e6:.0f} MB done")
    except Unavailable as error:
        bench.left_out["scarce"] = str(error)
        return None
    return result
