#!/usr/bin/env python3
"""What a mapping that is shared, and one that is warmed, gives: two measurements with the tool alone.

    resident.py processes TOOL FILE QUERIES [--count 10]
    resident.py restore   TOOL FILE [--disk-probe PROGRAM] [--mib 10] [--rounds 7] [--drop-caches]

`processes` looks up QUERIES, keys one a line, in one process and then in `count` at once, and adds
up what the system counts for each of them of FILE's mapping. `restore` brings `mib` of FILE into
memory, the hot region and pages at random, saves what is there, takes it out of memory and restores
it, again and again; PROGRAM, bench/disk.c, tells what the disk itself can do. FILE should be much
larger than that. Both print JSON.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

PAGE = 4096


# ------------------------------------------------------------------------------------ processes

def mapping_of(pid, path):
    """Rss and Pss of a process's mapping of a file, in bytes."""
    found, inside = {"Rss": 0, "Pss": 0}, False
    with open(f"/proc/{pid}/smaps", encoding="utf-8", errors="replace") as file:
        for line in file:
            word = line.split(None, 1)[0]
            if not word.endswith(":"):
                inside = line.rstrip("\n").endswith(path)
            elif inside and word[:-1] in found:
                found[word[:-1]] += int(line.split()[1]) * 1024
    return found


def run_processes(args, count):
    """Sums over `count` processes that have answered all queries and are still there."""
    with open(args.queries, "rb") as file:
        queries = file.read()
    lines = queries.count(b"\n")
    processes = [subprocess.Popen([args.tool, "get", args.file, "-"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) for _ in range(count)]
    # What a process answers is read while it is given more, or both would wait.
    readers = [subprocess.Popen(["head", "-n", str(lines)], stdin=process.stdout,
                                stdout=subprocess.DEVNULL) for process in processes]
    writers = [subprocess.Popen(["cat", args.queries], stdout=process.stdin)
               for process in processes]
    for process in writers:
        process.wait()
    # The last answers may wait in a buffer; by then nearly all lookups are done.
    sums = [mapping_of(process.pid, os.path.realpath(args.file)) for process in processes]
    for process in processes:
        process.stdin.close()
    for process in processes + readers:
        process.wait()
    return {"processes": count, "rss_bytes": sum(each["Rss"] for each in sums),
            "pss_bytes": sum(each["Pss"] for each in sums)}


def processes(args):
    one, all_of_them = run_processes(args, 1), run_processes(args, args.count)
    return {"file": os.path.basename(args.file), "file_bytes": os.path.getsize(args.file),
            "one": one, "many": all_of_them,
            "pss_ratio": round(all_of_them["pss_bytes"] / one["pss_bytes"], 3)}


# -------------------------------------------------------------------------------------- restore

def drop(args):
    """Takes the file out of memory."""
    if args.drop_caches:
        os.sync()
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("3")
    with open(args.file, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def tool(args, *words):
    out = subprocess.run([args.tool, *words], stdout=subprocess.PIPE, check=True)
    return json.loads(out.stdout)


def cached_bytes(args):
    return tool(args, "resident", "--json", "--top=0", args.file)["cached_bytes"]


def bring_some(args, wanted):
    """The hot region, and then pages at random."""
    drop(args)
    regions = tool(args, "resident", "--json", "--top=0", args.file)["regions"]
    hot = next((region for region in regions if region["name"] == "hot region"), None)
    random.seed(5)
    with open(args.file, "rb") as file:
        fd = file.fileno()
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
        if hot:
            for off in range(hot["offset"], hot["offset"] + min(hot["bytes"], wanted), PAGE):
                os.pread(fd, PAGE, off)
        pages = os.fstat(fd).st_size // PAGE
        while cached_bytes(args) < wanted:
            for _ in range(64):
                os.pread(fd, PAGE, random.randrange(pages) * PAGE)


def disk_limits(args, nbytes):
    """Milliseconds that the disk itself takes for so many bytes: in pages, many at a time, and in
    large pieces."""
    limits = {}
    for name, block, depth in (("pages", PAGE, 64), ("pieces", 1 << 20, 4)):
        out = subprocess.run([args.disk_probe, args.file, str(block), str(depth), "500"],
                             stdout=subprocess.PIPE, check=False)
        if out.returncode == 0:
            probe = json.loads(out.stdout)
            reads = probe.get("n", probe.get("reads"))
            limits[f"disk_ms_in_{name}"] = round(probe["ns"] / 1e6 * nbytes / (reads * block), 1)
    return limits


def restore(args):
    bring_some(args, args.mib << 20)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "set")
        saved = tool(args, "resident", "--json", f"--save={path}", args.file)
        result = {"file": os.path.basename(args.file), "file_bytes": os.path.getsize(args.file),
                  "set_bytes": os.path.getsize(path), "saved_bytes": saved["saved_bytes"],
                  "runs": saved["runs"]}
        rounds = []
        for _ in range(args.rounds):
            drop(args)
            before = cached_bytes(args)
            rounds.append(tool(args, "warm", "--json", f"--restore={path}", args.file))
            rounds[-1]["cached_before_bytes"] = before
        result["cached_before_bytes"] = max(each["cached_before_bytes"] for each in rounds)
        result["read_bytes"] = min(each["read_bytes"] for each in rounds)
        result["cached_bytes"] = cached_bytes(args)
    result["ms"] = [round(each["ms"], 1) for each in rounds]
    result["median_ms"] = statistics.median(result["ms"])
    if args.disk_probe:
        result.update(disk_limits(args, saved["saved_bytes"]))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parts = parser.add_subparsers(dest="part", required=True)
    part = parts.add_parser("processes")
    for name in ("tool", "file", "queries"):
        part.add_argument(name)
    part.add_argument("--count", type=int, default=10)
    part.set_defaults(run=processes)
    part = parts.add_parser("restore")
    for name in ("tool", "file"):
        part.add_argument(name)
    part.add_argument("--disk-probe")
    part.add_argument("--mib", type=int, default=10)
    part.add_argument("--rounds", type=int, default=7)
    part.add_argument("--drop-caches", action="store_true")
    part.set_defaults(run=restore)
    args = parser.parse_args()
    json.dump(args.run(args), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
