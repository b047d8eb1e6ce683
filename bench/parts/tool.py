"""Builds with the command-line tool, from text, each in a process of its own: time, and peak memory as
time(1) shows it. Sorted and shuffled real keys, and many millions of generated ones."""
import filecmp
import hashlib
import json
import os
import statistics
import subprocess

from parts import disk
from parts.peers import WrongAnswer, progress

ROUNDS = 3
SHUFFLED_MEMORY = "64M"
LARGE_KEYS, SORT_KEYS, SORT_MEMORY = 100_000_000, 50_000_000, "256M"
SORT_ROUNDS = 5  # the first ones, while the system finds memory, are slower
# Text, the file, and what is needed to make it, of the large builds.
LARGE_ROOM_BYTES = 11 << 30


class Build:
    """One way to build: `options` of the tool, `source` its input, `out` its output."""

    def __init__(self, name, keys, options, source, out, rounds=ROUNDS):
        self.name, self.keys, self.options = name, keys, options
        self.source, self.out, self.rounds = source, out, rounds
        self.runs = []

    def command(self, source="IN", out="OUT"):
        return ["actree", "build", *self.options, "-o", out, source]

    def run(self, bench):
        if os.path.exists(self.out):
            os.unlink(self.out) # or both would need room
        command = [bench.args.tool, *self.command(self.source, self.out)[1:]]
        out = subprocess.run([os.path.join(bench.args.bin, "child"), *command],
                             capture_output=True, text=True, check=False)
        answer = json.loads(out.stdout) if out.returncode == 0 else {"status": out.returncode}
        if answer["status"] != 0:
            raise WrongAnswer(f"{' '.join(command)}: {out.stderr}")
        self.runs.append(answer)

    def result(self):
        ns = [run["ns"] for run in self.runs]
        return {"name": self.name, "command": " ".join(self.command()), "n": self.keys, "ns": ns,
                "median_ns": int(statistics.median(ns)),
                "cpu_ns": int(statistics.median(run["cpu_ns"] for run in self.runs)),
                "peak_rss_bytes": max(run["peak_rss_bytes"] for run in self.runs),
                "files_on": disk.filesystem(os.path.dirname(self.out)),
                "file_bytes": os.path.getsize(self.out)}


def run_builds(bench, builds):
    """In turn, round by round; all must give the same map."""
    for number in range(max(build.rounds for build in builds)):
        for build in builds:
            if number < bench.rounds(build.rounds):
                build.run(bench)
    results = [build.result() for build in builds]
    for build, result in zip(builds, results):
        progress(f"tool: {build.name}: {result['median_ns'] / 1e9:.1f} s, "
                 f"{result['peak_rss_bytes'] / 2**20:.0f} MiB")
    return results


def content_digest(bench, path):
    """Of all entries, as the tool dumps them."""
    digest = hashlib.blake2b()
    with subprocess.Popen([bench.args.tool, "dump", path], stdout=subprocess.PIPE) as dump:
        for block in iter(lambda: dump.stdout.read(1 << 20), b""):
            digest.update(block)
    if dump.returncode != 0:
        raise WrongAnswer(f"{path} cannot be dumped")
    return digest.hexdigest()


def must_be_the_same(bench, builds):
    """The same entries; the bytes may depend on whether there were several threads."""
    first = builds[0]
    for build in builds[1:]:
        if not filecmp.cmp(first.out, build.out, shallow=False) and \
                content_digest(bench, first.out) != content_digest(bench, build.out):
            raise WrongAnswer(f"{build.name} gave other entries than {first.name}")


def shuffle(text, out):
    """The lines with their numbers as values, in an order that depends on them alone."""
    with open(out, "wb") as file:
        number = subprocess.Popen(["awk", "{ print $0 \"\\t\" NR - 1 }", text],
                                  stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"})
        subprocess.run(["shuf", f"--random-source={text}"], stdin=number.stdout, stdout=file,
                       check=True)
        if number.wait() != 0:
            raise WrongAnswer("awk failed")


def run_set(bench, name, nkeys):
    """Sorted keys on tmpfs with one and two threads, on the disk with syncing; the same shuffled."""
    text = os.path.join(bench.args.data, f"{name}.txt")
    mixed = os.path.join(bench.args.work, f"{name}.shuffled")
    shuffle(text, mixed)

    def out(number, folder=bench.args.work):
        return os.path.join(folder, f"{name}.tool-{number}")

    # The keys of logic are hex digits, and this is about keys as lines.
    lines = ["--input", "lines", "--sorted"]
    builds = [
        Build("sorted, 1 thread", nkeys, [*lines, "--threads", "1", "--no-sync"], text, out(1)),
        Build("sorted, 2 threads", nkeys, [*lines, "--threads", "2", "--no-sync"], text, out(2)),
        Build("sorted, 2 threads, synced", nkeys, [*lines, "--threads", "2"], text,
              out(3, bench.args.disk)),
        Build("shuffled, 1 thread", nkeys,
              ["--memory", SHUFFLED_MEMORY, "--threads", "1", "--no-sync"], mixed, out(4)),
        Build("shuffled, 2 threads", nkeys,
              ["--memory", SHUFFLED_MEMORY, "--threads", "2", "--no-sync"], mixed, out(5))]
    results = run_builds(bench, builds)
    must_be_the_same(bench, builds)
    for path in [mixed] + [build.out for build in builds]:
        os.unlink(path)
    return results


def run(bench, nkeys_of):
    name = bench.sets[0]
    return {"set": name, "builds": run_set(bench, name, nkeys_of(name))}


def generate(bench, count, out, *order):
    with open(out, "wb") as file:
        subprocess.run([os.path.join(bench.args.bin, "generate"), str(count), *order], stdout=file,
                       check=True)


def large_folder(bench):
    """tmpfs if there is room, else the disk."""
    for folder in (bench.args.work, bench.args.disk):
        stat = os.statvfs(folder)
        if stat.f_bavail * stat.f_frsize >= LARGE_ROOM_BYTES or bench.args.gentle:
            return folder
    return None


def run_peaks(bench, folder):
    """Many sorted keys, for the memory that it takes; one file at a time."""
    keys, out = os.path.join(folder, "large.keys"), os.path.join(folder, "large.out")
    count, results = bench.queries(LARGE_KEYS), []
    generate(bench, count, keys)
    for name, threads in (("sorted, 1 thread", "1"), ("sorted, 2 threads", "2")):
        options = ["--sorted", "--no-sync", "--threads", threads]
        results += run_builds(bench, [Build(name, count, options, keys, out, 1)])
        os.unlink(out)
    os.unlink(keys)
    return results


def run_sorting(bench, folder):
    """The same keys in order and shuffled."""
    count, builds = bench.queries(SORT_KEYS), []
    for order, options in (("sorted", ["--sorted"]), ("shuffled", ["--memory", SORT_MEMORY])):
        keys = os.path.join(folder, f"large.{order}")
        generate(bench, count, keys, *(["shuffled"] if order == "shuffled" else []))
        builds.append(Build(f"{order}, 2 threads", count, [*options, "--no-sync", "--threads", "2"],
                            keys, f"{keys}.out", SORT_ROUNDS))
    results = run_builds(bench, builds)
    must_be_the_same(bench, builds)
    for build in builds:
        os.unlink(build.source)
        os.unlink(build.out)
    return results


def run_large(bench):
    folder = large_folder(bench)
    if folder is None:
        bench.left_out["large"] = f"it needs {LARGE_ROOM_BYTES >> 30} GiB of room"
        return None
    return {"builds": run_peaks(bench, folder) + run_sorting(bench, folder)}
