#!/usr/bin/env python3
"""Runs the tool on damaged and malicious files, and on things that are no files, and judges it.

    judge.py TOOL [--seed TEXT] [--count N] [--family NAME]... [--seconds S] [--mib M] [--keep DIR]

For each file the model says what it is. If it cannot be opened, every verb exits with 3. If it is
sound, verify and info say so, with the model's figures; dump, get, prefix, range and walk give the
model's answers. If it is neither, verify exits with 3 and names the model's rule and offset, and
the others end with 0, 1 or 3. In no case is there a signal, a sanitizer's report, more time or
memory than allowed, or a failure without words. Exit status 1 if anything is wrong.
"""
import argparse
import itertools
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading

import cases
import model
import places

# What a listing may print before the judge stops reading it.
OUTPUT_MAX = 1 << 20
# Above these a listing may give up with a limit instead of an answer.
KEY_MAX = 32 << 20
VISITS_MAX = 1 << 22
U64_MAX = model.U64_MAX
SANITIZER = re.compile(rb"(ERROR|WARNING): \w+Sanitizer|runtime error:")


class Run:
    """One run of the tool, to its end or to OUTPUT_MAX bytes of output."""

    def __init__(self, tool, words, given=b"", user=None):
        env = dict(os.environ)
        # A sanitizer's own status must not look like one of the tool's.
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            env[name] = env.get(name, "") + ":exitcode=99:halt_on_error=1"
        self.words = words
        process = subprocess.Popen([tool.path, *words], stdin=subprocess.PIPE, env=env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=user)
        hangs = []
        timer = threading.Timer(tool.seconds * 5 + 10, lambda: (hangs.append(1), process.kill()))
        timer.start()
        errors = []
        helpers = [threading.Thread(target=lambda: errors.append(process.stderr.read())),
                   threading.Thread(target=self.feed, args=(process.stdin, given))]
        for helper in helpers:
            helper.start()
        self.out = process.stdout.read(OUTPUT_MAX)
        self.was_cut = len(self.out) == OUTPUT_MAX
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        timer.cancel()
        for helper in helpers:
            helper.join()
        process.stderr.close()
        self.hangs = bool(hangs)
        self.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        self.status = os.WEXITSTATUS(status)
        self.error = errors[0]
        self.seconds = usage.ru_utime + usage.ru_stime
        self.mib = usage.ru_maxrss >> 10

    @staticmethod
    def feed(pipe, given):
        try:
            pipe.write(given)
            pipe.close()
        except BrokenPipeError:
            pass


class Tool:
    """The tool, its limits, and what was found wrong with it."""

    def __init__(self, path, seconds, mib):
        self.path, self.seconds, self.mib = os.path.abspath(path), seconds, mib
        self.runs, self.slowest, self.largest = 0, (0, ""), (0, "")
        self.findings = []

    def run(self, subject, words, allowed, given=b"", user=None):
        """Runs the tool; what can be judged of any run is judged here."""
        run = Run(self, words, given, user)
        self.runs += 1
        self.slowest = max(self.slowest, (run.seconds, subject + ": " + words[0]))
        self.largest = max(self.largest, (run.mib, subject + ": " + words[0]))
        find = lambda what: self.find(subject, run, what)  # noqa: E731
        if run.hangs:
            find("hangs")
        elif SANITIZER.search(run.error):
            find("sanitizer: " + run.error.decode(errors="replace"))
        elif run.signal and not (run.was_cut and run.signal == 13):
            find(f"dies of signal {run.signal}")
        elif not run.signal and run.status not in allowed and not run.was_cut:
            find(f"exits with {run.status}, not {allowed}: {run.error[:300]!r}")
        if run.seconds > self.seconds:
            find(f"takes {run.seconds:.2f} s")
        if run.mib > self.mib:
            find(f"takes {run.mib} MiB")
        if not run.signal and run.status > 1:
            name = os.path.basename(words[1]).encode()
            if name not in run.error:
                find(f"exits with {run.status} and does not name the file: {run.error[:200]!r}")
        return run

    def find(self, subject, run, what):
        self.findings.append(f"{subject}: {' '.join(run.words)}: {what}")
        print(self.findings[-1], flush=True)


class Judge:
    """All verbs on one file."""

    def __init__(self, tool, subject, path, data, rng):
        self.tool, self.subject, self.path, self.data, self.rng = tool, subject, path, data, rng
        self.unopened = model.why_not_opened(data)
        self.sound = self.figures = self.broken = None
        if self.unopened is None:
            try:
                self.sound = model.check(data)
                self.figures = model.Figures(data, self.sound)
            except model.Broken as broken:
                self.broken = broken
        self.keys = self.choose_keys()
        # Those that a command line can hold.
        self.words = [key for key in self.keys if len(key) < 30000]

    def run(self, words, allowed, given=b""):
        if self.unopened is not None:
            allowed = {3}
        return self.tool.run(self.subject, [words[0], self.path, *words[1:]], allowed, given)

    def expect(self, run, what, found, expected):
        if found != expected:
            self.tool.find(self.subject, run, f"{what}: {found!r}, not {expected!r}"[:1000])

    @property
    def listable(self):
        """All of it can be listed, and compared."""
        return self.figures and self.figures.key_bytes + 30 * self.figures.keys < OUTPUT_MAX // 4 \
            and self.figures.visits < VISITS_MAX and self.figures.longest_key < 300000

    @property
    def listing(self):
        """How a listing may end."""
        easy = self.figures and self.figures.longest_key <= KEY_MAX \
            and self.figures.visits < VISITS_MAX
        return {0} if easy else {0, 3}

    def choose_keys(self):
        """Keys to ask for: some that are there, some near them, some that are nowhere."""
        keys = [b"", b"a", b"b", b"abc", b"a" * 70000, b"\x00", b"\xff", bytes(range(256))]
        if self.sound and self.figures.longest_key < 300000:
            there = itertools.islice(model.entries(self.data, self.sound), 200)
            if self.figures.visits < VISITS_MAX:
                there = [key for key, _ in there]
                for key in self.rng.sample(there, min(len(there), 20)):
                    at = self.rng.randrange(len(key) + 1)
                    keys += [key, key[:at], key + b"\x01", key[:at] + b"~" + key[at + 1:]]
        return keys

    def all_verbs(self):
        self.verify()
        self.repair()
        others = [self.info, self.dump, self.get, self.prefix, self.range, self.walk]
        if self.unopened is not None:
            # They come no further than opening, which is the same for all.
            others = self.rng.sample(others, 1)
        for verb in others:
            verb()

    def verify(self):
        run = self.run(["verify", "--json"], {0} if self.sound else {3})
        if self.unopened is not None or run.status not in (0, 3):
            return
        report = json.loads(run.out)
        self.expect(run, "sound", report["sound"], self.sound is not None)
        if self.sound:
            for name, figure in (("nodes", len(self.sound.nodes)), ("values", self.figures.values),
                                 ("references", self.figures.references),
                                 ("line_nodes", self.figures.objects["line_nodes"])):
                self.expect(run, name, report[name], figure)
        else:
            self.expect(run, "rule and offset", (report["rule"], report["offset"]),
                        (self.broken.rule, self.broken.offset))

    def repair(self):
        """What comes out is a sound file; of a sound one, the same."""
        out = self.path + ".out"
        easy = self.listable and self.figures.visits < 100000
        run = self.run(["verify", "--repair", out, "--max-steps", "1000000", "--limit", "20"],
                       {0} if easy else {0, 3} if self.sound else {3})
        self.expect(run, "a new file", os.path.exists(out), run.status == 0 or
                    (os.path.exists(out) and not self.sound))
        if not os.path.exists(out):
            return
        self.tool.run(self.subject, ["verify", out], {0})
        if easy:
            dump = self.tool.run(self.subject, ["dump", out, "--keys", "hex"], {0})
            self.expect(dump, "content", dump.out,
                        self.lines(model.entries(self.data, self.sound)))
        os.remove(out)

    def info(self):
        run = self.run(["info", "--json"], {0} if self.sound else {3})
        if not self.sound or run.status != 0:
            return
        report, figures = json.loads(run.out), self.figures
        for name, figure in (("keys", figures.keys), ("key_bytes", figures.key_bytes),
                             ("longest_key", figures.longest_key),
                             ("dangling_paths", figures.dangling_paths)):
            self.expect(run, name, report[name], min(figure, U64_MAX))
        self.expect(run, "shared", report["shared_subtrees"], figures.shared)
        self.expect(run, "deepest", report["deepest_node"], figures.deepest_node)
        self.expect(run, "objects", report["objects"], figures.objects)
        self.expect(run, "bytes", report["bytes"], figures.bytes)
        self.expect(run, "value bytes", report["value_bytes"], figures.value_bytes)

    @staticmethod
    def lines(pairs):
        return b"".join(key.hex().encode() + b"\t%d\n" % value for key, value in pairs)

    def dump(self):
        run = self.run(["dump", "--keys", "hex"], self.listing)
        if self.listable:
            expected = self.lines(model.entries(self.data, self.sound))
            self.expect(run, "dump", run.out, expected)

    def get(self):
        given = b"".join(key.hex().encode() + b"\n" for key in self.keys)
        run = self.run(["get", "-", "--keys", "hex"], {0, 1} if self.sound else {0, 1, 3}, given)
        if self.sound:
            values = [model.lookup(self.data, self.sound, key) for key in self.keys]
            expected = b"".join(b"-\n" if value is None else b"%d\n" % value for value in values)
            self.expect(run, "get", run.out, expected)
            self.expect(run, "status of get", run.status, int(None in values))

    def prefix(self):
        for key in self.rng.sample(self.keys[:4], 1) + self.rng.sample(self.words, 1):
            run = self.run(["prefix", key.hex(), "--keys", "hex"], self.listing | {1, 3})
            if self.listable:
                pairs = [pair for pair in model.entries(self.data, self.sound)
                         if pair[0].startswith(key)]
                self.expect(run, "prefix", run.out, self.lines(pairs))

    def range(self):
        low, high = self.rng.sample(self.words, 2)
        words = ["range", "--from", low.hex(), "--to", high.hex(), "--keys", "hex"]
        backwards = self.rng.random() < .5
        run = self.run(words + ["--reverse"] * backwards, self.listing | {1, 3})
        if self.listable:
            pairs = [pair for pair in model.entries(self.data, self.sound) if low <= pair[0] < high]
            self.expect(run, "range", run.out, self.lines(pairs[::-1] if backwards else pairs))

    def walk(self):
        """A cursor's random way. Where it leads is for other tests: here it has to end."""
        moves = ["descend_first_byte", "descend_last_byte", "descend_until", "ascend 2", "reset",
                 "ascend_byte", "ascend_until", "ascend_until_branch", "to_next_sibling_byte",
                 "to_prev_sibling_byte", "to_next_step", "child_count", "child_mask", "val",
                 "descend_indexed_byte 1", "descend_first_k_path 3", "to_next_k_path 3",
                 "to_next_val", "path_exists", "is_val", "descend_last_path"]
        script = []
        for _ in range(60):
            script.append(self.rng.choice(moves))
            if self.rng.random() < .2:
                key = self.rng.choice(self.words)[:40].hex()
                script.append(self.rng.choice(["descend_to", "descend_to_existing", "move_to_path",
                                               "descend_to_val", "val_at"]) + " " + key)
        given = "".join(line + "\n" for line in script).encode()
        run = self.run(["walk"], {0} if self.listable else {0, 3}, given)
        if self.listable and not run.was_cut:
            self.expect(run, "answers", run.out.count(b"\n"), len(script))


def judge_files(tool, arguments, folder):
    count = 0
    for family in arguments.family or cases.FAMILIES:
        rng = random.Random(f"{arguments.seed}-{family}")
        for label, data in cases.FAMILIES[family](rng, arguments.count):
            count += 1
            subject = f"{family}/{label}"
            path = os.path.join(folder, subject.replace("/", "-") + ".act")
            with open(path, "wb") as file:
                file.write(data)
            found = len(tool.findings)
            Judge(tool, subject, path, data, random.Random(f"{arguments.seed}-{subject}")).all_verbs()
            if found < len(tool.findings) and arguments.keep:
                shutil.copy(path, arguments.keep)
            os.remove(path)
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tool")
    parser.add_argument("--seed", default="1", help="any text; the same text makes the same files")
    parser.add_argument("--count", type=int, default=40, help="random files in a family, roughly")
    parser.add_argument("--family", action="append", choices=[*cases.FAMILIES, "places"])
    parser.add_argument("--seconds", type=float, default=1.0, help="of processor time for a run")
    parser.add_argument("--mib", type=int, default=256, help="of resident memory for a run")
    parser.add_argument("--keep", help="a folder for the files that something is wrong with")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tool = Tool(arguments.tool, arguments.seconds, arguments.mib)
    with tempfile.TemporaryDirectory(prefix="actree-hostile-") as folder:
        count = 0
        if not arguments.family or "places" in arguments.family:
            count += places.judge(tool, folder)
        if arguments.family:
            arguments.family = [one for one in arguments.family if one != "places"]
        if arguments.family != []:
            count += judge_files(tool, arguments, folder)
    print(f"{count} files, {tool.runs} runs, seed {arguments.seed}: {len(tool.findings)} findings; "
          f"slowest {tool.slowest[0]:.2f} s ({tool.slowest[1]}), "
          f"largest {tool.largest[0]} MiB ({tool.largest[1]})")
    sys.exit(1 if tool.findings or not count else 0)


if __name__ == "__main__":
    main()
