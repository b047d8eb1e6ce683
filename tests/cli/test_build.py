#!/usr/bin/env python3
"""build: forms of input, order, duplicates, the file that comes of it, and what it refuses."""
import contextlib
import json
import os
import random
import resource
import signal
import stat
import subprocess
import unittest

from tool import ACTREE, TROUBLE, ToolTest, main


class BuildTest(ToolTest):
    def setUp(self):
        super().setUp()
        self.old = b"an older file\n"

    def refuses(self, content, *options, says=(), inputs=None):
        """Building fails for this input, from a file and through a pipe; an older file stays."""
        inputs = inputs or [self.write("bad.txt", content)]
        self.write("old.act", self.old)
        self.fails(TROUBLE, "build", "-o", "old.act", *inputs, *options, says=says)
        self.assertEqual(self.read("old.act"), self.old)
        if content:
            says = [says] if isinstance(says, str) else list(says)
            says = [part.replace("bad.txt", "standard input") for part in says]
            self.fails(TROUBLE, "build", "-o", "old.act", "-", "--sorted", *options, stdin=content,
                       says=says)
            self.assertEqual(self.read("old.act"), self.old)
        self.no_litter()

    def no_litter(self):
        self.assertEqual([name for name in os.listdir(self.folder) if name.endswith(".tmp")], [])

    def dumped(self, name="x.act"):
        return self.ok("dump", name, "-k", "escaped").decode()


class Golden(BuildTest):
    """What the reference wrote is built again from its text, byte for byte."""

    NAMES = ("comb", "empty", "fan-1", "fan-256", "fan-32", "fan-below-256", "far-line",
             "file-paths", "inner-values", "line-lengths", "nested", "odd-bytes", "one-70000",
             "one-short", "random-5000", "root-only", "shared-tails", "values-branch",
             "values-inner", "values-line", "words")

    def test_golden(self):
        for name in self.NAMES:
            with open(self.golden(f"{name}.act"), "rb") as file:
                expected = file.read()
            self.ok("build", "--layout=plain", "-k", "hex", "-o", "x.act",
                    self.golden(f"{name}.tsv"))
            self.assertEqual(self.read("x.act"), expected, name)

    def test_golden_in_any_order(self):
        shuffle = random.Random(3)
        for name in self.NAMES:
            with open(self.golden(f"{name}.act"), "rb") as file:
                expected = file.read()
            with open(self.golden(f"{name}.tsv"), "rb") as file:
                lines = file.readlines()
            shuffle.shuffle(lines)
            content = b"".join(lines)
            for arguments in ([self.write("in", content)], ["-"]):
                self.ok("build", "--layout=plain", "-k", "hex", "-o", "x.act", *arguments,
                        stdin=content)
                self.assertEqual(self.read("x.act"), expected, name)


class Input(BuildTest):
    def test_lines(self):
        self.write("one", "b\na\n")
        self.write("two", "c\n\nd")
        self.ok("build", "-i", "lines", "-o", "x.act", "one", "two")
        self.assertEqual(self.dumped(), "\t3\na\t1\nb\t0\nc\t2\nd\t4\n")

    def test_lines_keep_tabs(self):
        self.ok("build", "-i", "lines", "-o", "x.act", "-", stdin="a\tb\n\t\n")
        self.assertEqual(self.dumped(), "\\t\t1\na\\tb\t0\n")

    def test_split_at_the_last_tab(self):
        self.build("a\tb\t1\n\t\t2\n\t3\n")
        self.assertEqual(self.dumped(), "\t3\n\\t\t2\na\\tb\t1\n")

    def test_no_final_newline(self):
        self.build("a\t1\nb\t2")
        self.assertEqual(self.dumped(), "a\t1\nb\t2\n")

    def test_no_final_newline_before_another_file(self):
        self.write("one", "a\t1")
        self.write("two", "b\t2")
        self.ok("build", "-o", "x.act", "one", "two")
        self.assertEqual(self.dumped(), "a\t1\nb\t2\n")

    def test_empty_input_is_an_empty_map(self):
        self.write("empty", "")
        for inputs in (["empty"], ["-"], ["/dev/null"], ["empty", "empty"]):
            self.ok("build", "--layout=plain", "-o", "x.act", *inputs)
            with open(self.golden("empty.act"), "rb") as file:
                self.assertEqual(self.read("x.act"), file.read())
            self.ok("build", "-o", "x.act", *inputs)
            self.assertEqual(self.dumped(), "")
            self.ok("verify", "x.act")

    def test_the_empty_key(self):
        self.build("\t5\n")
        self.assertEqual(self.dumped(), "\t5\n")
        self.ok("build", "-i", "lines", "-o", "x.act", "-", stdin="\n")
        self.assertEqual(self.dumped(), "\t0\n")

    def test_any_byte(self):
        keys = [bytes([byte]) for byte in range(256) if byte != 10]
        self.build(b"".join(b"%s\t%d\n" % (key, key[0]) for key in keys))
        self.assertEqual(self.dumped().count("\n"), 255)
        self.assertEqual(self.ok("get", "x.act", "-k", "hex", "00", "09", "ff"), b"0\n9\n255\n")

    def test_nul_in_a_key(self):
        self.build(b"a\0b\t1\na\0\t2\na\t3\n")
        self.assertEqual(self.dumped(), "a\t3\na\\x00\t2\na\\x00b\t1\n")

    def test_a_key_of_70000_bytes(self):
        key = "k" * 70000
        self.build(f"{key}\t1\n{key}x\t2\n")
        self.assertEqual(self.dumped(), f"{key}\t1\n{key}x\t2\n")

    def test_lines_across_the_borders_of_the_buffer(self):
        dice = random.Random(5)
        keys = sorted({bytes(dice.choice(b"abc") for _ in range(dice.randrange(3000)))
                       for _ in range(700)})
        content = b"".join(b"%s\t%d\n" % (key, i) for i, key in enumerate(keys))
        self.write("in", content)
        self.ok("build", "-o", "x.act", "in")
        self.assertEqual(self.ok("dump", "x.act"), content)

    def test_largest_value(self):
        self.build("a\t18446744073709551615\nb\t0\nc\t0000000000000000000000001\n")
        self.assertEqual(self.dumped(), "a\t18446744073709551615\nb\t0\nc\t1\n")

    def test_nul_records(self):
        self.build(b"a\nb\t1\0c\t2", "-0")
        self.assertEqual(self.dumped(), "a\\nb\t1\nc\t2\n")

    def test_escaped_and_hex(self):
        self.build("a\\tb\\x00\\\\\t1\n", "-k", "escaped")
        self.assertEqual(self.dumped(), "a\\tb\\x00\\\\\t1\n")
        self.build("00Ff\t1\n\t2\n", "-k", "hex")
        self.assertEqual(self.dumped(), "\t2\n\\x00\\xff\t1\n")

    def test_standard_input_once(self):
        self.fails(TROUBLE, "build", "-o", "x.act", "-", "-", says="standard input")


class Order(BuildTest):
    """Sorted files stream, others are sorted; the file is the same."""

    def test_same_file_whatever_the_order(self):
        lines = [f"{'abcdefgh'[i % 8]}{i * 37 % 5000:05}\t{i}\n" for i in range(5000)]
        expected = self.read(self.build("".join(sorted(lines))))
        nearly = sorted(lines)
        nearly.append(nearly.pop(0))
        for order in (lines, sorted(lines), sorted(lines, reverse=True), nearly):
            content = "".join(order)
            self.write("in", content)
            self.ok("build", "-o", "y.act", "in")
            self.assertEqual(self.read("y.act"), expected)
            self.ok("build", "-o", "y.act", "-", stdin=content)
            self.assertEqual(self.read("y.act"), expected)

    def test_sorted_files_are_not_sorted_again(self):
        self.write("in", "a\t1\nb\t2\n")
        for content, was_sorted in (("a\t1\nb\t2\n", False), ("b\t1\na\t2\n", True)):
            self.write("in", content)
            report = json.loads(self.ok("build", "--json", "-o", "x.act", "in"))
            self.assertEqual(report["sorted"], was_sorted)
        report = json.loads(self.ok("build", "--json", "-o", "x.act", "-", stdin="a\t1\n"))
        self.assertTrue(report["sorted"])
        report = json.loads(self.ok("build", "--json", "-s", "-o", "x.act", "-", stdin="a\t1\n"))
        self.assertFalse(report["sorted"])

    def test_standard_input_that_is_a_file(self):
        """It is read from where it stands, and again from there if it has to be sorted."""
        for content, was_sorted in (("b\t2\nc\t3\n", False), ("c\t3\nb\t2\n", True)):
            self.write("in", "a header\n" + content)
            with open(self.path("in"), "rb", buffering=0) as file:
                file.seek(len("a header\n"))
                done = subprocess.run([ACTREE, "build", "--json", "-o", "x.act", "-"], stdin=file,
                                      capture_output=True, check=False, cwd=self.folder)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual(json.loads(done.stdout)["sorted"], was_sorted)
            self.assertEqual(json.loads(done.stdout)["input_bytes"], 8)
            self.assertEqual(self.dumped(), "b\t2\nc\t3\n")

    def test_order_goes_over_all_inputs(self):
        self.write("one", "b\t1\n")
        self.write("two", "a\t2\n")
        self.ok("build", "-o", "x.act", "one", "two")
        self.assertEqual(self.dumped(), "a\t2\nb\t1\n")

    def test_sorted_refuses_another_order(self):
        self.refuses("a\t1\nc\t2\nb\t3\n", "--sorted", says=["bad.txt:3", '"b"'])


class Memory(BuildTest):
    """What does not fit goes through temporary files; the file that comes of it is the same."""

    LINES = [f"{i * 7919 % 30011:08}/{'x' * (i % 40)}\t{i}\n" for i in range(30011)]

    def setUp(self):
        super().setUp()
        self.write("in", "".join(self.LINES))
        self.build("".join(sorted(self.LINES)), "-s", name="expected.act")
        self.expected = self.read("expected.act")

    def report(self, *arguments, expected=None, **options):
        done = self.run_tool("build", "--json", "-o", "x.act", *arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(self.read("x.act"), expected or self.expected)
        self.no_litter()
        return json.loads(done.stdout)

    def no_litter(self):
        known = {"in", "expected.act", "x.act", "old.act", "bad.txt", "temp"}
        self.assertEqual(set(os.listdir(self.folder)) - known, set())

    def test_the_file_is_the_same(self):
        content = "".join(self.LINES).encode()
        self.build("".join(sorted(self.LINES)), "-s", "--threads=1", name="expected.act")
        expected = {"1": self.read("expected.act"), "2": self.expected, "8": self.expected}
        self.assertNotEqual(expected["1"], expected["2"])
        for memory in ("64K", "128K", "1M", "64M"):
            for threads in ("1", "2", "8"):
                for arguments in (["in"], ["-"]):
                    report = self.report("--memory", memory, "--threads", threads, *arguments,
                                         stdin=content, expected=expected[threads])
                    self.assertEqual(report["sort_runs"] > 1, memory != "64M")
                    self.assertEqual(report["temp_bytes"] > 100000, memory != "64M")
        self.assertEqual(self.report("in")["sort_runs"], 0)

    def test_sorted_input_needs_none(self):
        self.write("in", "".join(sorted(self.LINES)))
        report = self.report("in", "--memory=64K")
        self.assertEqual((report["sorted"], report["sort_runs"]), (False, 0))

    def test_too_little(self):
        for size in ("0", "1", "63K", "65535"):
            self.fails(TROUBLE, "build", f"--memory={size}", "-o", "x.act", "in", says="64K")

    def test_folder_of_temporary_files(self):
        os.mkdir(self.path("temp"))
        for arguments in (["--temp", "temp"], ["-T", "."], []):
            self.report("in", "--memory=64K", *arguments)
            self.assertEqual(os.listdir(self.path("temp")), [])
        self.write("old.act", self.old)
        for threads in ("1", "2"):
            self.fails(TROUBLE, "build", "-o", "old.act", "in", "-m64K", "-Tno/such", "--threads",
                       threads, says=["no/such", "No such file"])
            self.assertEqual(self.read("old.act"), self.old)
        self.no_litter()

    def test_the_folder_vanishes_half_way(self):
        """Before the first temporary file, or after some: an error that names it, or no harm."""
        content = "".join(self.LINES).encode()
        for threads in ("1", "2"):
            for before in (0, len(content) // 2):
                os.mkdir(self.path("temp"))
                self.write("old.act", self.old)
                with subprocess.Popen([ACTREE, "build", "-o", "old.act", "-", "-m64K", "--temp",
                                       "temp", "--threads", threads], cwd=self.folder,
                                      stdin=subprocess.PIPE, stderr=subprocess.PIPE) as build:
                    build.stdin.write(content[:before])
                    build.stdin.flush()
                    os.rmdir(self.path("temp"))
                    for last in (lambda: build.stdin.write(content[before:]), build.stdin.close):
                        with contextlib.suppress(BrokenPipeError):
                            last()
                    message = build.stderr.read()
                    status = build.wait()
                if status == 0:
                    self.assertGreater(before, 0)
                    self.assertEqual((message, self.dumped("old.act").count("\n")),
                                     (b"", len(self.LINES)))
                else:
                    self.assertEqual(status, TROUBLE)
                    self.assertRegex(message, rb'\Aactree: .*"temp".*No such file[^\n]*\n\Z')
                    self.assertEqual(self.read("old.act"), self.old)
                self.no_litter()

    def test_the_output_to_standard_output(self):
        environment = dict(os.environ, TMPDIR=self.path("temp"))
        os.mkdir(self.path("temp"))
        done = self.run_tool("build", "-o", "-", "in", "--memory=64K", env=environment)
        self.assertEqual((done.returncode, done.stdout), (0, self.expected))
        self.assertEqual(os.listdir(self.path("temp")), [])

    def test_a_limit_of_the_file_size(self):
        """As on a full disk; threads or not, the message names the folder."""
        for threads in ("1", "2"):
            done = self.run_tool("build", "-o", "x.act", "in", "--memory=64K", "--threads", threads,
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                                       (100000, 100000)))
            self.assertEqual(done.returncode, TROUBLE)
            self.assertRegex(done.stderr, rb'\Aactree: .*temporary file in "\.": File too large\n\Z')
            self.no_litter()

    def test_duplicates(self):
        self.write("bad.txt", "".join(self.LINES) + self.LINES[17].split("\t")[0] + "\t1\n")
        self.fails(TROUBLE, "build", "-o", "old.act", "bad.txt", "-m", "64K",
                   says=["bad.txt:30012: duplicate key", "first at bad.txt:18", "--duplicates"])
        self.ok("build", "-o", "x.act", "bad.txt", "-m", "64K", "-d", "first")
        self.assertEqual(self.read("x.act"), self.expected)
        self.no_litter()

    def test_progress(self):
        done = self.run_tool("build", "--progress=always", "-o", "x.act", "-", "-m64K",
                             stdin="".join(self.LINES))
        for word in (b"reading", b"sorting", b"merging"):
            self.assertIn(word, done.stderr)


class Changing(BuildTest):
    """Input that others write to while it is read: an error, or all of what was there."""

    SORTED = [f"{i:07}\t{i}\n" for i in range(400000)]
    UNSORTED = SORTED[1:] + SORTED[:1]

    def build_while(self, change, lines, when=lambda build: None):
        """Builds; `change` runs beside it. Returns what the file holds, or None for an error."""
        self.write("in", "".join(lines))
        self.write("old.act", self.old)
        with subprocess.Popen([ACTREE, "build", "-o", "old.act", "in"], cwd=self.folder,
                              stderr=subprocess.PIPE) as build:
            when(build)
            change()
            build.send_signal(signal.SIGCONT)
            message = build.stderr.read()
            status = build.wait()
        self.no_litter()
        if status != 0:
            self.assertEqual((status, message),
                             (TROUBLE, b"actree: in: changed while it was read\n"))
            self.assertEqual(self.read("old.act"), self.old)
            return None
        self.ok("verify", "old.act")
        return self.dumped("old.act")

    def stop_half_way(self, build):
        """Stops it between two reads; false where there was none before, or none was left."""
        folder = f"/proc/{build.pid}"
        while build.poll() is None:
            try:
                files = [int(file) for file in os.listdir(f"{folder}/fd")
                         if os.readlink(f"{folder}/fd/{file}") == self.path("in")]
            except OSError:
                continue
            if files:
                build.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, build.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                try:
                    with open(f"{folder}/fdinfo/{files[0]}", encoding="ascii") as info:
                        place = int(info.readline().split()[1])
                except OSError:
                    return False
                return 0 < place < os.path.getsize(self.path("in"))
        return False

    def append(self):
        with open(self.path("in"), "a", encoding="ascii") as file:
            file.writelines(self.SORTED[-1000:])

    def test_cut_off(self):
        """Whenever that comes: no zero bytes in place of those that went while they were copied."""
        for lines in (self.SORTED, self.UNSORTED):
            for share in (0, 2, 3):
                rest = lines[:len(lines) * share // 4]
                nbytes = sum(map(len, rest))
                found = self.build_while(lambda: os.truncate(self.path("in"), nbytes), lines)
                self.assertTrue(found in (None, "".join(sorted(rest)), "".join(self.SORTED)))

    def test_appended_to(self):
        whole = "".join(self.SORTED)
        for lines in (self.SORTED[:-1000], self.UNSORTED[:-1001] + self.UNSORTED[-1:]):
            found = self.build_while(self.append, lines)
            self.assertTrue(found in (None, "".join(sorted(lines)), whole))

    @unittest.skipUnless(os.path.exists("/proc/self/fdinfo"), "no /proc")
    def test_half_way(self):
        for change in (self.append, lambda: os.truncate(self.path("in"), 1 << 20),
                       lambda: os.utime(self.path("in"), (1, 1))):
            stopped = []
            while not any(stopped):
                found = self.build_while(change, self.SORTED[:-1000],
                                         lambda build: stopped.append(self.stop_half_way(build)))
                self.assertLess(len(stopped), 50)
            self.assertIsNone(found)


class Duplicates(BuildTest):
    LINES = ("b\t5\n", "a\t3\n", "a\t9\n", "a\t4\n", "c\t1\n", "b\t7\n")
    EXPECTED = {"first": (3, 5, 1), "last": (4, 7, 1), "sum": (16, 12, 1), "min": (3, 5, 1),
                "max": (9, 7, 1)}

    def test_policies(self):
        in_order = sorted(self.LINES, key=lambda line: line[0])
        for policy, values in self.EXPECTED.items():
            expected = "a\t{}\nb\t{}\nc\t{}\n".format(*values)
            for lines in (self.LINES, in_order):
                content = "".join(lines)
                self.write("in", content)
                for arguments in (["in"], ["-"]):
                    self.ok("build", "-d", policy, "-o", "x.act", *arguments, stdin=content)
                    self.assertEqual(self.dumped(), expected, policy)
            self.ok("build", "-s", "-d", policy, "-o", "x.act", "-", stdin="".join(in_order))
            self.assertEqual(self.dumped(), expected, policy)

    def test_error_in_order(self):
        self.refuses("a\t1\nb\t2\nb\t3\n", says=["bad.txt:3", '"b"', "--duplicates"])

    def test_error_out_of_order(self):
        self.write("old.act", self.old)
        self.write("one", "d\t0\nb\t1\nc\t2\n")
        self.write("two", "e\t0\nc\t2\nd\t5\nb\t2\n")
        self.fails(TROUBLE, "build", "-o", "old.act", "one", "two",
                   says=['two:4: duplicate key "b", first at one:2', "--duplicates"])
        self.assertEqual(self.read("old.act"), self.old)
        self.no_litter()

    def test_error_through_a_pipe(self):
        self.fails(TROUBLE, "build", "-o", "x.act", "-", stdin="b\t1\na\t1\nb\t1\n",
                   says=["standard input", '"b"', "--duplicates"])
        self.assertFalse(os.path.exists(self.path("x.act")))

    def test_empty_key_twice(self):
        self.refuses("\t1\n\t1\n", says=["bad.txt:2", '""'])

    def test_lines(self):
        self.refuses("a\na\n", "-i", "lines", says=["bad.txt:2", '"a"'])
        self.ok("build", "-i", "lines", "-d", "last", "-o", "x.act", "-", stdin="b\na\nb\n")
        self.assertEqual(self.dumped(), "a\t1\nb\t2\n")

    def test_sum_that_is_too_large(self):
        content = "a\t18446744073709551615\na\t1\n"
        self.refuses(content, "-d", "sum", says="18446744073709551615")
        self.write("old.act", self.old)
        self.fails(TROUBLE, "build", "-d", "sum", "-o", "old.act", "-", stdin="b\t1\n" + content)
        self.assertEqual(self.read("old.act"), self.old)
        self.build("a\t18446744073709551614\na\t1\n", "-d", "sum")
        self.assertEqual(self.dumped(), "a\t18446744073709551615\n")


class BadInput(BuildTest):
    def test_values(self):
        for value in ("", "-1", "+1", " 1", "1 ", "1x", "x", "0x10", "1.0", "1e3", "1\r", "١",
                      "18446744073709551616", "99999999999999999999999", "1,000"):
            self.refuses(f"a\t1\nb\t{value}\n", says="bad.txt:2: the value is not a decimal number")

    def test_no_tab(self):
        self.refuses("a\t1\nno tab here\nc\t3\n", says=["bad.txt:2: no tab", '"no tab here"'])
        self.refuses("a\t1\n\nc\t3\n", says="bad.txt:2: no tab")

    def test_the_line_is_that_of_the_file(self):
        self.write("good.txt", "a\t1\nb\t2\nc\t3\n")
        self.write("bad.txt", "d\t4\ne\n")
        self.refuses("", inputs=["good.txt", "bad.txt"], says="bad.txt:2")

    def test_bad_lines_in_unsorted_input(self):
        self.refuses_twice("b\t1\na\t2\nc\tx\n", "3: the value")

    def refuses_twice(self, content, says):
        self.write("old.act", self.old)
        for arguments, name in (([self.write("bad.txt", content)], "bad.txt"),
                                (["-"], "standard input")):
            self.fails(TROUBLE, "build", "-o", "old.act", *arguments, stdin=content,
                       says=f"{name}:{says}")
            self.assertEqual(self.read("old.act"), self.old)

    def test_keys(self):
        self.refuses("61\t1\n6\t2\n", "-k", "hex", says=["bad.txt:2", "hexadecimal"])
        self.refuses("a\t1\nb\\q\t2\n", "-k", "escaped", says=["bad.txt:2", "backslash"])

    def test_long_keys_are_shortened_in_messages(self):
        key = "k" * 100000
        done = self.run_tool("build", "-o", "x.act", "-", "-s", stdin=f"{key}\t1\n{key}\t1\n")
        self.assertEqual(done.returncode, TROUBLE)
        self.assertLess(len(done.stderr), 400)

    def test_missing_input(self):
        self.write("good", "a\t1\n")
        self.refuses("", inputs=["good", "no-such-file"], says=["no-such-file", "No such file"])

    def test_directory_as_input(self):
        os.mkdir(self.path("folder"))
        self.refuses("", inputs=["folder"], says=["folder", "directory"])

    def test_input_without_permission(self):
        self.write("secret", "a\t1\n")
        os.chmod(self.path("secret"), 0)
        done = self.run_as_nobody("build", "-o", "x.act", "secret")
        self.assertEqual(done.returncode, TROUBLE)
        self.assertRegex(done.stderr, rb"\Aactree: .*: Permission denied\n\Z")


class Output(BuildTest):
    def test_output_is_needed(self):
        self.fails(TROUBLE, "build", "-", says="-o")

    def test_replaces_an_older_file(self):
        self.write("x.act", self.old)
        self.build("a\t1\n")
        self.assertEqual(self.dumped(), "a\t1\n")
        self.no_litter()

    def test_input_may_be_the_output(self):
        self.write("x", "a\t1\n")
        self.ok("build", "-o", "x", "x")
        self.assertEqual(self.dumped("x"), "a\t1\n")

    def test_standard_output(self):
        expected = self.read(self.build("a\t1\nb\t2\n"))
        self.assertEqual(self.ok("build", "-o", "-", "-", stdin="a\t1\nb\t2\n"), expected)
        with open(self.path("y.act"), "wb") as file:
            subprocess.run([ACTREE, "build", "-o", "-", "-"], input=b"b\t2\na\t1\n", stdout=file,
                           check=True)
        self.assertEqual(self.read("y.act"), expected)

    def test_standard_output_leaves_nothing_behind(self):
        os.mkdir(self.path("tmp"))
        environment = dict(os.environ, TMPDIR=self.path("tmp"))
        for content, status in (("a\t1\n", 0), ("a\n", TROUBLE)):
            done = self.run_tool("build", "-o", "-", "-", stdin=content, env=environment)
            self.assertEqual(done.returncode, status)
            self.assertEqual(os.listdir(self.path("tmp")), [])
        environment["TMPDIR"] = self.path("nowhere")
        done = self.run_tool("build", "-o", "-", "-", env=environment)
        self.assertEqual(done.returncode, TROUBLE)
        self.assertIn(b"nowhere", done.stderr)

    def test_not_to_a_terminal(self):
        master, terminal = self.open_terminal()
        try:
            done = subprocess.run([ACTREE, "build", "-o", "-", "-"], input=b"a\t1\n",
                                  stdout=terminal, stderr=subprocess.PIPE, check=False)
        finally:
            os.close(terminal)
            os.close(master)
        self.assertEqual(done.returncode, TROUBLE)
        self.assertIn(b"terminal", done.stderr)

    def test_folder_that_is_not_there(self):
        self.fails(TROUBLE, "build", "-o", "nowhere/x.act", "-", stdin="a\t1\n", says="nowhere")

    def test_output_that_is_no_file(self):
        os.mkdir(self.path("folder"))
        os.mkfifo(self.path("fifo"))
        for name in ("folder", "fifo", "/dev/null"):
            self.fails(TROUBLE, "build", "-o", name, "-", stdin="a\t1\n", says=name)
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("fifo")).st_mode))

    def test_folder_without_permission(self):
        os.mkdir(self.path("locked"), 0o555)
        os.chmod(self.path("locked"), 0o555)
        done = self.run_as_nobody("build", "-o", "locked/x.act", "-", stdin=b"a\t1\n")
        self.assertEqual(done.returncode, TROUBLE)
        self.assertRegex(done.stderr, rb"\Aactree: .*locked.*: Permission denied\n\Z")
        self.assertEqual(os.listdir(self.path("locked")), [])

    def test_no_room_for_the_file(self):
        """As on a full disk: writing fails at some place, and the older file stays."""
        content = "".join(f"{i:05}\t{i * 7919}\n" for i in range(20000)).encode()
        whole = len(self.read(self.build(content, name="whole.act")))
        self.write("old.act", self.old)
        before = sorted(os.listdir(self.folder))
        limits = [0, 1, 4096, whole // 2, whole - 1]
        if os.environ.get("ACT_TEST_SANITIZE") == "thread":
            # ThreadSanitizer writes a page to a file of its own before the tool begins.
            limits = [most for most in limits if most >= 4096]
        for most in limits:
            done = self.run_tool("build", "-o", "old.act", "-", stdin=content,
                                 preexec_fn=lambda most=most: resource.setrlimit(
                                     resource.RLIMIT_FSIZE, (most, most)))
            self.assertEqual(done.returncode, TROUBLE)
            self.assertRegex(done.stderr, rb"\Aactree: .*old\.act.*: File too large\n\Z")
            self.assertEqual(self.read("old.act"), self.old)
            self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_layouts(self):
        self.build("a\t1\n", "--layout", "indexed")
        self.assertIn(b"sound and checksummed", self.ok("verify", "x.act"))
        self.assertEqual(json.loads(self.ok("info", "--json", "x.act"))["layout"], "indexed")
        self.build("a\t1\n", "--layout", "plain")
        self.assertIn(b"without a checksum", self.ok("verify", "x.act"))
        self.assertEqual(json.loads(self.ok("info", "--json", "x.act"))["layout"], "plain")

    def test_compact_layout(self):
        entries = "".join(f"{a}{b}{c}\t7\n" for a in "abcdef" for b in "ghijk" for c in "lmno")
        self.build(entries, "--layout", "plain")
        plain = os.path.getsize(self.path("x.act"))
        report = json.loads(self.ok("build", "--json", "--layout=compact", "--share-memory=1M", "-o",
                                    "x.act", "-", stdin=entries))
        self.assertEqual((report["layout"], report["keys"]), ("compact", 120))
        self.assertEqual(report["runs_shared"], 34) # of 30 and 6 all but the first
        self.assertLess(report["file_bytes"], plain / 4)
        self.assertEqual(self.ok("dump", "x.act").decode(), entries)
        self.assertIn(b"without a checksum", self.ok("verify", "x.act"))
        info = json.loads(self.ok("info", "--json", "x.act"))
        self.assertEqual((info["layout"], info["keys"]), ("compact", 120))

    def test_share_memory(self):
        for size in ("0", "4095", "x", ""):
            self.fails(TROUBLE, "build", f"--share-memory={size}", "-o", "x", "-",
                       says="--share-memory")

    def test_quiet_unless_asked(self):
        done = self.run_tool("build", "-v", "-o", "x.act", "-", stdin="a\t1\nb\t2\n")
        self.assertRegex(done.stderr, rb"\Aactree: x\.act: 2 keys, \d+ B, in \d+\.\d\d s.*\n\Z")
        self.assertEqual(done.stdout, b"")

    def test_json(self):
        report = json.loads(self.ok("build", "--json", "-d", "sum", "-o", "x.act", "-",
                                    stdin="ab1\t1\ncb1\t2\ncb1\t3\n"))
        self.assertEqual((report["entries"], report["keys"], report["file"]), (3, 2, "x.act"))
        self.assertEqual(report["file_bytes"], os.path.getsize(self.path("x.act")))
        self.assertEqual(report["input_bytes"], 18)
        self.fails(TROUBLE, "build", "--json", "-o", "-", "-", says="--json")

    def test_progress(self):
        self.write("in", "".join(f"{i:06}\t{i}\n" for i in range(100000)))
        done = self.run_tool("build", "--progress=always", "-o", "x.act", "in")
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        self.assertRegex(done.stderr, rb"actree: building: .*, 100 %.*\n\Z")
        done = self.run_tool("build", "--progress=always", "-o", "x.act", "-", stdin="b\t1\na\t1\n")
        for word in (b"reading", b"sorting", b"writing"):
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    main()
