#!/usr/bin/env python3
"""Runs the fuzz targets, one after the other, and counts.

    fuzz.py [TARGET...]             runs them: all unless told
    fuzz.py --merge [TARGET...]     takes what reaches further into fuzz/TARGET/corpus

ENGINE         libfuzzer (default), or afl; which `make fuzz` builds
SECONDS_EACH   how long each target runs (default 60)
RUNS_EACH      how many inputs it is to run instead

Inputs that reach further stay in out/fuzz/ENGINE/TARGET, and are where the next run begins; a finding
ends the target's run, lies beside them, and makes the exit status 1. The last thing printed is a
table: executions of this run, how many in a second of processor time, and executions of all runs
here, which out/fuzz/executions.tsv adds up; what a target executes at the start, to look at what
there is, is counted too.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
TOTALS = "out/fuzz/executions.tsv"
INPUT_NBYTES_MAX = 2048
# Of what is committed: a file, all files of a target.
FILE_NBYTES_MAX = 8 << 10
CORPUS_NBYTES_MAX = 40 << 10
SANITIZERS = {
    # Large pieces of memory come and go with each input: their shadow is wiped, not mapped anew, and
    # they are not kept from being used again for as long as usual: for longer than an input takes.
    "ASAN_OPTIONS": "abort_on_error=1:quarantine_size_mb=2:thread_local_quarantine_size_kb=256:"
                    "allocator_release_to_os_interval_ms=-1:malloc_context_size=8:"
                    "clear_shadow_mmap_threshold=1000000000:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:abort_on_error=1"}


def fixed_addresses():
    """The sanitizers of clang 14 want fewer random bits in addresses than some kernels use."""
    try:
        with open("/proc/sys/vm/mmap_rnd_bits", encoding="ascii") as file:
            return ["setarch", "-R"] if int(file.read()) > 28 else []
    except OSError:
        return []


def environment(**more):
    env = dict(os.environ, **SANITIZERS)
    if "TMPDIR" not in env and os.access("/dev/shm", os.W_OK):
        env["TMPDIR"] = "/dev/shm"
    env.update(more)
    return env


def run(words, env, log):
    """(exit status, seconds of processor time, seconds)"""
    begin = time.monotonic()
    with open(log, "wb") as file:
        process = subprocess.Popen([*fixed_addresses(), *words], env=env, stdin=subprocess.DEVNULL,
                                   stdout=file, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime, time.monotonic() - begin


def numbers_in(path, pattern):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [int(number) for number in re.findall(pattern, file.read())]
    except OSError:
        return []


class LibFuzzer:
    """One process with one corpus; a new kind of input is kept, a finding ends it."""

    build = "build-fuzz"

    def __init__(self, target, found):
        self.target, self.found = target, found
        self.corpus = os.path.join(found, "corpus")
        os.makedirs(self.corpus, exist_ok=True)

    def words(self, *more):
        # Which inputs to go on from is chosen at random: to weigh them takes longer than to run them.
        return [f"{self.build}/fuzz/fuzz_{self.target}", "-timeout=10", "-rss_limit_mb=2048",
                f"-max_len={INPUT_NBYTES_MAX}", "-entropic=0", "-print_final_stats=1",
                f"-artifact_prefix={self.found}/", *more]

    def run(self, seconds, runs):
        limit = f"-runs={runs}" if runs else f"-max_total_time={seconds}"
        log = os.path.join(self.found, "log")
        status, busy, _ = run(self.words(limit, self.corpus, f"fuzz/{self.target}/corpus"),
                              environment(), log)
        return status != 0, sum(numbers_in(log, r"number_of_executed_units: +(\d+)")), busy

    def findings(self):
        return [name for name in sorted(os.listdir(self.found))
                if name.startswith(("crash-", "leak-", "oom-", "timeout-"))]


class Afl:
    """AFL++ with the mutator as a library. It goes on after a finding."""

    build = "build-afl"

    def __init__(self, target, found):
        self.target, self.found = target, found
        self.corpus = os.path.join(found, "default", "queue")

    def mutator(self):
        with open(f"{self.build}/fuzz/mutators", encoding="utf-8") as file:
            name = dict(line.split() for line in file)[f"fuzz_{self.target}"]
        return os.path.abspath(f"{self.build}/fuzz/{name}.so")

    def run(self, seconds, runs):
        stats = os.path.join(self.found, "default", "fuzzer_stats")
        went_on = os.path.exists(stats)
        before = sum(numbers_in(stats, r"execs_done +: (\d+)"))
        limit = ["-E", str(runs)] if runs else ["-V", str(seconds)]
        env = environment(AFL_NO_UI="1", AFL_SKIP_CPUFREQ="1", AFL_NO_AFFINITY="1",
                          AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES="1", AFL_FAST_CAL="1",
                          AFL_CUSTOM_MUTATOR_LIBRARY=self.mutator())
        env["ASAN_OPTIONS"] += ":symbolize=0:detect_leaks=0"
        env["UBSAN_OPTIONS"] += ":symbolize=0"
        log = os.path.join(self.found, "log")
        status, busy, _ = run(["afl-fuzz", "-i", "-" if went_on else f"fuzz/{self.target}/corpus",
                               "-o", self.found, "-m", "none", "-t", "2000", "-G", str(INPUT_NBYTES_MAX), *limit, "--",
                               f"{self.build}/fuzz/fuzz_{self.target}"], env, log)
        count = sum(numbers_in(stats, r"execs_done +: (\d+)"))
        if status or not count:
            with open(log, encoding="utf-8", errors="replace") as file:
                print(file.read()[-2000:])
        return status != 0 or not count, count - (before if count >= before else 0), busy

    def findings(self):
        found = []
        for kind in ("crashes", "hangs"):
            folder = os.path.join(self.found, "default", kind)
            if os.path.isdir(folder):
                found += [os.path.join("default", kind, name) for name in sorted(os.listdir(folder))
                          if name != "README.txt"]
        return found


def read_totals():
    """(engine, target): executions"""
    totals = {}
    if os.path.exists(TOTALS):
        with open(TOTALS, encoding="utf-8") as file:
            for line in file:
                engine, target, count = line.split("\t")
                totals[engine, target] = int(count)
    return totals


def add_to_totals(engine, target, count):
    totals = read_totals()
    totals[engine, target] = totals.get((engine, target), 0) + count
    with open(TOTALS + ".new", "w", encoding="utf-8") as file:
        for (engine, target), count in sorted(totals.items()):
            file.write(f"{engine}\t{target}\t{count}\n")
    os.replace(TOTALS + ".new", TOTALS)


def print_table(rows):
    totals = read_totals()
    print(f"\n{'target':<14}{'executions':>14}{'a second':>10}{'in all':>16}  findings")
    for target, count, busy, findings in rows:
        everywhere = sum(n for (_, name), n in totals.items() if name == target)
        speed = f"{count / busy:,.0f}" if busy else "-"
        print(f"{target:<14}{count:>14,}{speed:>10}{everywhere:>16,}  {len(findings) or '-'}")
    print(f"{'all targets':<14}{sum(row[1] for row in rows):>14,}{'':>10}"
          f"{sum(totals.values()):>16,}")


def fuzz(targets):
    engine = os.environ.get("ENGINE", "libfuzzer")
    kind = {"libfuzzer": LibFuzzer, "afl": Afl}.get(engine)
    if not kind:
        sys.exit(f"fuzz.py: ENGINE is libfuzzer or afl, not {engine}")
    seconds, runs = int(os.environ.get("SECONDS_EACH", "60")), int(os.environ.get("RUNS_EACH", "0"))
    rows, failed = [], False
    for target in targets:
        if not os.path.exists(f"{kind.build}/fuzz/fuzz_{target}"):
            sys.exit(f"fuzz.py: {kind.build} has no fuzz_{target}; `make fuzz ENGINE={engine}` builds it")
        print(f"== {target}: {f'{runs:,} runs' if runs else f'{seconds} s'}", flush=True)
        found = os.path.join("out", "fuzz", engine, target)
        os.makedirs(found, exist_ok=True)
        one = kind(target, found)
        went_wrong, count, busy = one.run(seconds, runs)
        add_to_totals(engine, target, count)
        findings = one.findings()
        for name in findings:
            print(f"FOUND: {found}/{name}")
        if went_wrong:
            print(f"see {found}/log")
        failed |= went_wrong or bool(findings)
        rows.append((target, count, busy, findings))
    print_table(rows)
    return failed


def merge(targets):
    """Takes into the corpus what it does not reach, the smallest first, while there is room."""
    for target in targets:
        corpus = f"fuzz/{target}/corpus"
        sources = [folder for engine, kind in (("libfuzzer", LibFuzzer), ("afl", Afl))
                   for folder in [kind(target, f"out/fuzz/{engine}/{target}").corpus]
                   if os.path.isdir(folder)]
        one = LibFuzzer(target, f"out/fuzz/libfuzzer/{target}")
        with tempfile.TemporaryDirectory(prefix="actree-fuzz-") as scratch:
            merged = os.path.join(scratch, "merged")
            shutil.copytree(corpus, merged)
            there = set(os.listdir(merged))
            log = os.path.join(scratch, "log")
            status, _, _ = run([*one.words("-merge=1"), merged, *sources], environment(), log)
            if status:
                shutil.copy(log, f"{one.found}/log")
                sys.exit(f"fuzz.py: {target}: could not merge; see {one.found}/log")
            news = sorted((os.path.getsize(os.path.join(merged, name)), name)
                          for name in set(os.listdir(merged)) - there)
            used = sum(os.path.getsize(os.path.join(corpus, name)) for name in os.listdir(corpus))
            taken = 0
            for nbytes, name in news:
                if nbytes < FILE_NBYTES_MAX and used + nbytes <= CORPUS_NBYTES_MAX:
                    shutil.copy(os.path.join(merged, name), os.path.join(corpus, f"reach-{name[:16]}"))
                    used += nbytes
                    taken += 1
        print(f"{target}: {taken} of {len(news)} taken; {used:,} bytes in all")


def main():
    os.chdir(TOP)
    words = sys.argv[1:]
    merges = words[:1] == ["--merge"]
    targets = words[merges:] or sorted(name for name in os.listdir("fuzz")
                                       if os.path.exists(f"fuzz/{name}/fuzz.c"))
    for target in targets:
        if not os.path.exists(f"fuzz/{target}/fuzz.c"):
            sys.exit(f"fuzz.py: no target {target}\n\n{__doc__}")
    if merges:
        merge(targets)
    else:
        sys.exit(1 if fuzz(targets) else 0)


if __name__ == "__main__":
    main()
