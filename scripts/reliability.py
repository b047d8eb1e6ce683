#!/usr/bin/env python3
"""Runs what tests reliability, in larger numbers than `make test`, and writes the figures.

    reliability.py [--quick | --full] [--rows A,B] [--no-build] [--out FILE]
    reliability.py --update [FILE...]

    --quick    small numbers: a test of this program; the figures go to build/
    --full     the numbers of a release; some hours on two cores
    --rows     only these; what was measured before of the others stays
    --no-build with what is built
    --out      where the figures go (default: tests/reliability/results/reliability.json)
    --update   nothing is run: the tables of the documents are written again from the figures

`make reliability` runs it without options, in about a quarter of an hour. Each row is a test that
`make test` has too, in small. A row fails if anything at all is found. What cannot be run here is
left out, with the reason. Exit status 1 if a row failed.
"""
import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RESULTS = "tests/reliability/results/reliability.json"
DOCUMENTS = ("docs/RELIABILITY.md", "README.md")
SKIPPED = 77
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

# How much a row does: a number for each of --quick, nothing said, --full.
AMOUNTS = {
    "hostile files in a family": (8, 200, 2000),
    "arenas": (1, 2, 64),
    "one bit in": (64, 1, 1),
    "one bit in, sanitized": (512, 16, 1),
    "fuzzing seconds": (1, 20, 3600),
    "model tears": (1, 32, 300),
    "kills": (80, 2000, 10000),
    "power cuts": (16, 400, 2000),
    "truncations": (100, 5000, 100000),
    "replacements": (300, 20000, 100000),
    "soak seconds": (3, 120, 3600),
    "mutants of a file": (1, 1, 6),
    "peer flips": (20, 300, 1000),
    "peer kills": (5, 40, 100),
}


class LeftOut(Exception):
    """Cannot be run here, and why."""


class Failed(Exception):
    """Found something."""


def say(text):
    print(f"reliability: {text}", file=sys.stderr, flush=True)


def fixed_addresses():
    """For sanitizers, which a kernel with more random bits than they know of stops: test.sh."""
    try:
        with open("/proc/sys/vm/mmap_rnd_bits", encoding="ascii") as file:
            many = int(file.read()) > 28
    except OSError:
        return []
    works = many and subprocess.run(["setarch", "-R", "true"], check=False,
                                    capture_output=True).returncode == 0
    return ["setarch", "-R"] if works else []


class Run:
    """What the rows share: where the builds are, how much is to be done."""

    def __init__(self, level, build):
        self.level, self.build = level, build
        self.prefix = fixed_addresses()

    def amount(self, what):
        return AMOUNTS[what][self.level]

    def make(self, preset):
        if self.build:
            self.command(["cmake", "--preset", preset])
            self.command(["cmake", "--build", "--preset", preset, "-j",
                          os.environ.get("JOBS", "2")])

    def tool(self, preset="release"):
        folder = "build" if preset == "release" else f"build-{preset}"
        return os.path.join(folder, "actree")

    def command(self, words, env=None, temporary=None):
        """Its output. LeftOut if it was skipped, Failed if it failed."""
        environment = dict(os.environ, **(env or {}))
        if temporary:
            environment["TMPDIR"] = temporary
        try:
            done = subprocess.run(words, cwd=ROOT, env=environment, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except OSError as error:
            raise LeftOut(f"{words[0]}: {error.strerror}") from error
        text = done.stdout.decode(errors="replace")
        if done.returncode == SKIPPED:
            last = text.strip().splitlines()
            raise LeftOut(last[-1].removeprefix("skipped: ") if last else "skipped")
        if done.returncode:
            print(text[-8000:])
            raise Failed(f"{' '.join(words)} ends with {done.returncode}")
        return text

    def figures(self, words, **options):
        """The figures that a test prints."""
        lines = [line for line in self.command(words, **options).splitlines()
                 if line.startswith("FIGURES ")]
        if not lines:
            raise Failed(f"{words[0]} prints no figures")
        return json.loads(lines[-1].removeprefix("FIGURES "))

    def program(self, name, *words, preset="release", env=None, temporary=MEMORY):
        """The figures of a test in C."""
        folder = "build" if preset == "release" else f"build-{preset}"
        path = os.path.join(folder, "tests", name)
        prefix = self.prefix if preset != "release" else []
        env = {"ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1",
               "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1", **(env or {})}
        return self.figures([*prefix, path, *words], env=env, temporary=temporary)

    def script(self, name, *words):
        """The figures of a test in Python."""
        return self.figures([sys.executable, "-B", name, *words])


def total(figures, name):
    return sum(one.get(name, 0) for one in figures)


def n(number):
    return f"{number:,}"


# ------------------------------------------------------------------------------------- the rows
# Each gives figures, and one sentence of them.


def row_hostile(run):
    figures, texts = {}, []
    count = run.amount("hostile files in a family")
    seed = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S")
    for preset in ("release", "asan"):
        run.make(preset)
        share = count if preset == "release" else max(1, count // 10)
        limits = ["--seconds", "1", "--mib", "256"] if preset == "release" else \
            ["--seconds", "5", "--mib", "1024"]
        prefix = run.prefix if preset == "asan" else []
        text = run.command([*prefix, sys.executable, "-B", "tests/hostile/judge.py",
                            run.tool(preset), "--count", str(share), "--seed", seed, *limits])
        files, runs, findings = map(int, re.search(
            r"^(\d+) files, (\d+) runs, .*?: (\d+) findings", text, re.MULTILINE).groups())
        figures[preset] = {"files": files, "runs": runs, "findings": findings}
        texts.append(f"{n(files)} files, {n(runs)} runs"
                     f"{' under ASan and UBSan' if preset == 'asan' else ''}")
    # The same in one process: arenas by the million.
    run.command([*run.prefix, "build-asan/tests/hostile/test_hostile_bytes", seed,
                 str(run.amount("arenas"))])
    figures["seed"] = seed
    return figures, f"{'; '.join(texts)}: 0 crashes, hangs or wrong answers"


def row_bits(run):
    run.make("release")
    run.make("asan")
    got = run.program("hostile/test_every_bit",
                      env={"ACT_TEST_EVERY": str(run.amount("one bit in"))})
    sanitized = run.program("hostile/test_every_bit", preset="asan",
                            env={"ACT_TEST_EVERY": str(run.amount("one bit in, sanitized"))})
    return bits_figures(got, sanitized)


def bits_figures(got, sanitized):
    """Of the release build, and of the sanitized one."""
    flips = got["flips"] + got["merged_flips"]
    found = got["flips_found"] + got["merged_flips_found"]
    sectors = got["sectors"] + got["merged_sectors"]
    sectors_found = got["sectors_found"] + got["merged_sectors_found"]
    plain = 100 * got["plain_flips_found"] / got["plain_flips"]
    files = sum(sanitized[name] for name in sanitized if not name.endswith("_found"))
    return {"release": got, "asan": sanitized}, (
        f"{n(found)} of {n(flips)} flips and {n(sectors_found)} of {n(sectors)} damaged sectors "
        f"found; reading without verifying: 0 crashes or hangs, {n(files)} of the damaged files "
        f"under ASan and UBSan too. Without checksums {plain:.0f} % of {n(got['plain_flips'])} "
        "flips are found")


def row_fuzz(run):
    if not os.path.exists(os.path.join(ROOT, "scripts/fuzz.py")):
        raise LeftOut("there is no scripts/fuzz.py")
    run.make("fuzz")
    text = run.command([sys.executable, "-B", "scripts/fuzz.py"],
                       env={"SECONDS_EACH": str(run.amount("fuzzing seconds"))})
    # What `make fuzz` prints last: executions of this run, and of all runs here.
    table = re.findall(r"^(\w+) +([\d,]+) +[\d,-]+ +([\d,]+)  ", text, re.MULTILINE)
    all_now, all_ever = re.search(r"^all targets +([\d,]+) +([\d,]+)", text, re.MULTILINE).groups()
    figures = {name: {"now": int(now.replace(",", "")), "in_all": int(ever.replace(",", ""))}
               for name, now, ever in table}
    return figures, (f"{all_now} executions over {len(table)} targets under ASan and UBSan, "
                     f"{all_ever} in all runs on this machine: 0 findings")


FAULT_PROGRAMS = (["test_build_faults"], ["test_build_faults", "plain"],
                  ["test_build_faults", "compact"], ["test_build_faults", "parts"],
                  ["test_sort_faults"], ["test_merge_faults"], ["test_merge_faults", "plain"],
                  ["test_create_faults"], ["test_read_faults"], ["test_set_faults"])


def fault_figures(run, cache={}):
    """Rows 8, 9 and 17 are figures of the same runs."""
    if "got" not in cache:
        run.make("release")
        run.make("asan")
        every = "1" if run.level else "16"
        got = []
        for name, *words in FAULT_PROGRAMS:
            got.append(run.program("fault/" + name, *words, env={"ACT_TEST_EVERY": every}))
            if run.level:
                run.program("fault/" + name, *words, preset="asan")
        cache["got"] = got
    return cache["got"]


def row_calls(run):
    got = fault_figures(run)
    calls, kills = total(got, "refused_calls"), total(got, "killed_at_calls")
    return {"refused_calls": calls, "killed_at_calls": kills}, (
        f"{n(calls)} calls refused, each one once and for ever, and {n(kills)} kills, one at each "
        f"call: the old file or the new one, the error told, no leak")


def row_allocations(run):
    count = total(fault_figures(run), "refused_allocations")
    return {"refused_allocations": count}, (
        f"{n(count)} refused, each one once and for ever: 0 crashes, 0 leaks")


def row_kills(run):
    run.make("release")
    words = ["--kills", str(run.amount("kills"))]
    if MEMORY:
        words += ["--folder", MEMORY]
    got = run.script("tests/reliability/kills.py", run.tool(), *words)
    split = got["operations"]["split"]["litter"]
    return got, (f"{n(got['old_or_new'])} of {n(got['kills'])}; {n(got['litter'] - split)} left a "
                 f"complete file under a temporary name, {n(split)} of split parts that nothing "
                 "names")


def row_model(run):
    run.make("release")
    words = ["--tears", str(run.amount("model tears"))]
    if MEMORY:
        words += ["--folder", MEMORY]
    got = run.script("tests/reliability/power_model.py", run.tool(), *words)
    merge = run.program("fault/test_merge_faults")
    got["merge_states"] = merge["power_states"]
    return got, (f"{n(got['states'] + merge['power_states'])} states, all of them the old file or "
                 "the new one, and the new one once it was reported")


def row_power(run):
    run.make("release")
    got = run.script("tests/reliability/power_cuts.py", run.tool(), "--cuts",
                     str(run.amount("power cuts")))
    got.pop("seed")
    reported = sum(kind["reported"] for kind in got["kinds"].values())
    left = f"; left out: {', '.join(got['refused'])}" if got["refused"] else ""
    return got, (f"{n(got['old_or_new'])} of {n(got['cuts'])} on {', '.join(got['kinds'])}; "
                 f"{n(reported)} of them after success was reported: always the new one. As a "
                 f"control, `cp` loses both files in {got['controls_lost']} of {got['controls']}"
                 f"{left}")


def row_truncation(run):
    run.make("release")
    got = run.program("threads/test_truncation",
                      env={"ACT_TEST_CUTS": str(run.amount("truncations"))})
    lost = run.program("fault/test_lost_pages")
    got.update(lost)
    return got, (f"{n(got['cuts'])} cuts under 8 threads, {n(got['errors_seen'])} errors told; cut "
                 f"to each of {n(got['pages_cut'])} pages; {n(got['holes_punched'])} holes: "
                 "0 signals")


def row_pages(run):
    figures = {}
    for preset in ("release", "asan"):
        run.make(preset)
        figures[preset] = run.program("fault/test_unreadable_pages", preset=preset)
    got = figures["release"]
    return figures, (f"each of {n(got['pages_failed'])} pages: {n(got['page_lookups_answered'])} "
                     f"lookups that do not need it answered, {n(got['page_lookups_refused'])} that "
                     f"do and {n(got['page_scans_and_verifies'])} scans and verifies: an error or "
                     "right data; 0 signals")


def row_replaced(run):
    run.make("release")
    got = run.program("threads/test_replaced",
                      env={"ACT_TEST_REPLACEMENTS": str(run.amount("replacements"))})
    return got, (f"{n(got['replacements'])} replacements, {n(got['versions_read'])} versions read "
                 "by 8 threads, each whole; no descriptor left")


def row_disks(run):
    got = fault_figures(run)
    disks, limits = total(got, "small_disks"), total(got, "size_limits")
    skipped = "" if disks else " (file systems of every size: left out, only root can mount them)"
    return {"small_disks": disks, "size_limits": limits}, (
        f"{n(disks)} file systems from 3 pages to the size needed, {n(limits)} limits of file "
        f"size, page by page: an error, and the old file{skipped}")


def row_soak(run):
    run.make("release")
    got = run.script("tests/reliability/soak.py", run.tool(), "--seconds",
                     str(run.amount("soak seconds")))
    return got, (f"{n(got.get('steps', 0))} steps in {n(got['seconds'])} s, {n(got.get('killed', 0))} "
                 f"killed, {n(got.get('cut', 0))} with the power cut, {n(got.get('readers', 0))} "
                 "readers beside them: 0 differences from the model")


def rooms(text, heading, pattern):
    """The lines of a table by rooms, as {room: numbers}."""
    part = text[text.rindex(heading):].split("\n\n")[0]
    return {name: [float(number) for number in numbers]
            for name, *numbers in re.findall(pattern, part, re.MULTILINE)}


def row_coverage(run):
    if run.level == 0:
        raise LeftOut("takes minutes")
    text = run.command(["scripts/test.sh", "coverage"])
    branches = rooms(text, "branches of src/", r"^(\w+) +(\d+) +(\d+) +(\d+) +([\d.]+) %")
    said = [f"{room} {share:.1f} %" for room, (_, _, _, share) in branches.items()]
    excluded = sum(int(row[1]) for room, row in branches.items() if room != "all")
    figures = {"branches": branches}
    said = [f"branches: {', '.join(said)}, {n(excluded)} of them excluded, each with its reason"]
    if run.level == 2:
        text = run.command(["scripts/test.sh", "mcdc"])
        if "MC/DC of src/" in text:
            found = rooms(text, "MC/DC of src/",
                          r"^(\w+) +(\d+) +(\d+) +(\d+) +(\d+) +([\d.]+) %")
            figures["mcdc"] = found
            excluded = sum(int(row[2]) for row in found.values())
            said.append("MC/DC: " + ", ".join(f"{room} {row[4]:.1f} %"
                                              for room, row in found.items()) +
                        f", {n(excluded)} of them excluded, likewise")
    return figures, "; ".join(said)


def row_mutation(run):
    if run.level == 0:
        raise LeftOut("takes minutes")
    text = run.command([sys.executable, "-B", "scripts/mutate.py", "--each",
                        str(run.amount("mutants of a file")), "format", "verify", "merge", "read",
                        "build"])
    found = rooms(text, "mutants  ", r"^(\w+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +([\d.]+) %")
    killed, equivalent, *_, share = found["all"]
    return found, (f"{n(int(killed))} killed, {share:.1f} % of those that are not equivalent "
                   f"({n(int(equivalent))} are), each survivor listed with its reason")


def row_peer_flips(run):
    got = run.script("tests/reliability/peers.py", "flips", "--count",
                     str(run.amount("peer flips")))
    return got, None


def row_peer_kills(run):
    got = run.script("tests/reliability/peers.py", "kills", "--count",
                     str(run.amount("peer kills")))
    return got, None


# key: (what is done, what must be, function)
ROWS = {
    "hostile": ("damaged and malicious files, every verb", "no crash, hang or wrong answer",
                row_hostile),
    "bits": ("every single bit flipped, every sector damaged", "found by verify; reads are safe",
             row_bits),
    "fuzz": ("fuzzing", "no finding", row_fuzz),
    "coverage": ("branches, MC/DC", "all that are not listed", row_coverage),
    "mutation": ("mutants", "killed", row_mutation),
    "calls": ("every system call refused, and the last", "old file or new, error told", row_calls),
    "allocations": ("every allocation refused", "error told, no leak", row_allocations),
    "kills": ("kill -9 at any time: build, sort, merge, compact, convert, split",
              "old file or new", row_kills),
    "model": ("power cut, by a model: writes lost, reordered, torn", "old file or new", row_model),
    "power": ("power cut, on real file systems", "old file or new; new once reported", row_power),
    "truncation": ("cut short, or with holes, under readers with a guard",
                   "an error, not a signal", row_truncation),
    "pages": ("each page unreadable, with a guard", "error or right data, others served",
              row_pages),
    "replaced": ("replaced under 8 readers", "each sees one whole version", row_replaced),
    "disks": ("disk full at every size", "an error, old file", row_disks),
    "soak": ("random work, kills, cuts and damage against a model", "no difference", row_soak),
    "peer flips": ("bits flipped in files of peers", "", row_peer_flips),
    "peer kills": ("peers killed while they rebuild a file", "", row_peer_kills),
}
LEVELS = ("quick", "bounded", "full")


# ---------------------------------------------------------------------------------- the documents


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def table_rows(results):
    """Ours."""
    yield "| test | must be | measured |"
    yield "|---|---|---|"
    for key, (title, promise, _) in ROWS.items():
        row = results["rows"].get(key)
        if not row or key.startswith("peer"):
            continue
        said = row["text"] if row["state"] == "passed" else f"{row['state']}: {row['text']}"
        yield f"| {title} | {promise} | {said} |"


def table_flips(results):
    """Peers on flipped bits: what became of so many."""
    row = results["rows"].get("peer flips")
    if not row or row["state"] != "passed":
        return
    ends = ("found", "right", "wrong", "crash", "hang")
    yield "| | flips | found, an error | read on, right | read on, wrong | crash or abort | endless |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name, got in row["figures"]["engines"].items():
        cells = [n(got.get(end, 0)) for end in ends]
        yield f"| {name} | {n(got['count'])} | {' | '.join(cells)} |"
    for name, why in row["figures"]["left_out"].items():
        yield f"| {name} | - | {why} | | | | |"


def table_kills(results):
    row = results["rows"].get("peer kills")
    if not row or row["state"] != "passed":
        return
    yield "| | kills | old file | new file | neither |"
    yield "|---|---:|---:|---:|---:|"
    for name, got in row["figures"]["engines"].items():
        cells = [n(got.get(end, 0)) for end in ("old", "new", "lost")]
        yield f"| {name} | {n(got['count'])} | {' | '.join(cells)} |"
    for name, why in row["figures"]["left_out"].items():
        yield f"| {name} | - | {why} | | |"


def table_runs(results):
    """When and where each row was measured."""
    yield "| test | run | seconds | when | where |"
    yield "|---|---|---:|---|---|"
    for key, (title, _, _) in ROWS.items():
        row = results["rows"].get(key)
        if row:
            yield (f"| {title} | {row['level']} | {row['seconds']:.0f} | {row['date']} | "
                   f"{row['machine']} |")


def table_short(results):
    """For the README: what passed, in few words."""
    yield "| test | measured |"
    yield "|---|---|"
    for key, (title, _, _) in ROWS.items():
        row = results["rows"].get(key)
        if row and not key.startswith("peer"):
            said = re.split(r"; (?=\D)|\. ", row["text"])[0] if row["state"] == "passed" else \
                f"{row['state']}: {row['text']}"
            yield f"| {title} | {said} |"


TABLES = {"rows": table_rows, "short": table_short, "flips": table_flips, "kills": table_kills, "runs": table_runs}


def with_tables(text, results):
    """The document, with what is between <!-- reliability:NAME --> and its end written anew."""
    for name, table in TABLES.items():
        if f"<!-- reliability:{name} -->" not in text:
            continue
        lines = "\n".join(table(results))
        text = re.sub(rf"(<!-- reliability:{name} -->\n).*?(<!-- /reliability:{name} -->)",
                      lambda m, lines=lines: f"{m.group(1)}\n{lines}\n\n{m.group(2)}", text,
                      flags=re.DOTALL)
    return text


def update(results, paths):
    for path in paths:
        full = os.path.join(ROOT, path)
        with open(full, encoding="utf-8") as file:
            text = file.read()
        changed = with_tables(text, results)
        if changed != text:
            with open(full, "w", encoding="utf-8") as file:
                file.write(changed)


# ----------------------------------------------------------------------------------------- running


def machine():
    """In words: processor, memory, system."""
    cpu = memory = "?"
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            cpu = re.search(r"model name\s*: (.*)", file.read()).group(1).strip()
        with open("/proc/meminfo", encoding="ascii") as file:
            memory = f"{round(int(re.search(r'MemTotal: +([0-9]+)', file.read()).group(1)) / 2**20)}"
    except (OSError, AttributeError):
        pass
    return f"{cpu}, {os.cpu_count()} CPUs, {memory} GiB, Linux {os.uname().release}"


def run_row(run, key):
    title, _, function = ROWS[key]
    say(f"{title} ...")
    start = time.monotonic()
    try:
        figures, text = function(run)
        state = "passed"
    except LeftOut as why:
        figures, text, state = {}, str(why), "left out"
    except Failed as what:
        figures, text, state = {}, str(what), "FAILED"
    seconds = time.monotonic() - start
    say(f"{title}: {state}, {seconds:.0f} s{': ' + text if text else ''}")
    return {"state": state, "text": text, "figures": figures, "level": LEVELS[run.level],
            "seconds": round(seconds, 1), "machine": machine(),
            "date": datetime.date.today().isoformat()}


def load(path):
    try:
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {"rows": {}}


def store(path, results):
    full = os.path.join(ROOT, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    level = parser.add_mutually_exclusive_group()
    level.add_argument("--quick", action="store_const", dest="level", const=0)
    level.add_argument("--full", action="store_const", dest="level", const=2)
    parser.add_argument("--rows", help="of: " + ", ".join(ROWS))
    parser.add_argument("--no-build", action="store_false", dest="build")
    parser.add_argument("--out")
    parser.add_argument("--update", nargs="*", metavar="FILE")
    parser.set_defaults(level=1)
    arguments = parser.parse_args()
    out = arguments.out or ("build/reliability.json" if arguments.level == 0 else RESULTS)
    results = load(out)
    if arguments.update is not None:
        update(results, arguments.update or DOCUMENTS)
        return
    keys = arguments.rows.split(",") if arguments.rows else list(ROWS)
    for key in keys:
        if key not in ROWS:
            parser.error(f"no row '{key}'; there are: {', '.join(ROWS)}")
    run = Run(arguments.level, arguments.build)
    failed = []
    for key in keys:
        row = run_row(run, key)
        if row["state"] == "FAILED":
            failed.append(key)
        results["rows"][key] = row
        # At once: what comes later may take hours.
        store(out, results)
    if out == RESULTS:
        update(results, DOCUMENTS)
    for name in "rows", "flips", "kills":
        print("\n".join(TABLES[name](results)), end="\n\n")
    if failed:
        sys.exit(f"FAILED: {', '.join(failed)}")


if __name__ == "__main__":
    main()
