"""Files on a real disk: getting them out of the page cache, and what the disk itself can do."""
import json
import os
import subprocess
import time

from parts.peers import DISK, Peer, progress

NOT_DISKS = ("tmpfs", "ramfs")
DROP_CACHES = "/proc/sys/vm/drop_caches"
# Bytes of a read, reads at a time.
PROBES = ((4096, 1), (4096, 4), (4096, 16), (4096, 64), (1 << 20, 4))


def filesystem(path):
    out = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True,
                         check=False)
    return out.stdout.strip() or "unknown"


class Files:
    """The file of each engine on the disk, built when first asked for."""

    def __init__(self, bench, sets):
        self.bench, self.sets = bench, sets
        self.built = {}

    def build(self):
        """name -> what building cost; syncing is measured apart for engines that do not sync."""
        for engine, command in self.bench.engines:
            if DISK not in engine.parts or engine.name in self.built:
                continue
            path = os.path.join(self.bench.args.disk, f"{self.sets.name}.{engine.name}")
            with Peer(engine, command, self.sets, path) as peer:
                answer = peer.ask("build")
                self.bench.seen(peer)
            start = time.monotonic_ns()
            sync_file(path)
            self.built[engine.name] = {
                "n": answer["n"], "ns": answer["ns"], "sync_ns": time.monotonic_ns() - start,
                "file_bytes": answer["file_bytes"]}
            progress(f"disk: {engine.name} built in {answer['ns'] / 1e9:.1f} s")
        return self.built

    def engines(self):
        return [(engine, command, os.path.join(self.bench.args.disk,
                                               f"{self.sets.name}.{engine.name}"))
                for engine, command in self.bench.engines if engine.name in self.built]


def run(bench, files):
    """Builds the files; None, with the reason, if they would be in memory whatever one does."""
    where = filesystem(bench.args.disk)
    if where in NOT_DISKS:
        for part in ("cold", "scarce"):
            bench.left_out[part] = f"files on {where} are always in memory: BENCH_DISK names a folder"
        return None
    built = files.build()
    largest = max((path for _, _, path in files.engines()), key=os.path.getsize)
    return {"set": files.sets.name, "files_on": where, "build": built,
            "limits": probe(bench, largest)}


def sync_file(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def resident_permille(path):
    """The share of a file that is in the page cache, as util-linux's fincore says; None if it is not
    here."""
    try:
        out = subprocess.run(["fincore", "--bytes", "--noheadings", "--output", "RES,SIZE", path],
                             capture_output=True, text=True, check=True)
        resident, size = map(int, out.stdout.split())
        return 1000 * resident // max(size, 1)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None


def drop_caches():
    """Drops the page cache of the whole machine: needs root."""
    os.sync()
    with open(DROP_CACHES, "w", encoding="ascii") as file:
        file.write("1\n")


def drop_file(path):
    """Asks the system to forget one file that nobody has mapped."""
    sync_file(path)
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def read_whole(path):
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 20):
            pass


def requests(path):
    """(reads, bytes read) of the disk that holds a file since the machine started, by anybody;
    None if the system does not tell."""
    device = os.stat(path).st_dev
    try:
        with open(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat",
                  encoding="ascii") as file:
            fields = file.read().split()
        return int(fields[0]), 512 * int(fields[2])
    except (OSError, IndexError, ValueError):
        return None


def probe(bench, path):
    """The disk's own limits: random reads past the page cache, one at a time and many at once."""
    results = []
    for block, depth in PROBES:
        out = subprocess.run([os.path.join(bench.args.bin, "disk"), path, str(block), str(depth),
                              str(bench.scaled(2000))],
                             capture_output=True, text=True, check=False)
        if out.returncode == 0:
            answer = json.loads(out.stdout)
            results.append({"block_bytes": block, "depth": depth, **answer})
    return results
