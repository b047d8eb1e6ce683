#!/usr/bin/env python3
"""verify, info and bench."""
import json
import os
import subprocess
import unittest

from tool import ACTREE, DAMAGED, DONE, TROUBLE, ToolTest, main, needs_memory_told


def varint(number):
    if number < 248:
        return bytes([number])
    nbytes = (number.bit_length() + 7) // 8
    return bytes([247 + nbytes]) + number.to_bytes(nbytes, "little")


def wide_file(first_bytes):
    """A map of all keys of three bytes whose first one is below `first_bytes`, all with the value 1,
    written level by level: all nodes of the last one wait at once, for whoever goes through it."""
    file = bytearray(b"ACTree03" + bytes(8))
    starts = []  # of the runs of the level below
    for _ in range(first_bytes * 256):
        starts.append(len(file))
        file += b"\x40\x01" * 256
    for parents, count in ((first_bytes * 256, 256), (first_bytes, 256), (1, first_bytes)):
        mask = ((1 << count) - 1).to_bytes(32, "little")
        runs = []
        for i in range(parents):
            if i % 256 == 0:
                runs.append(len(file))
            file += b"\x20" + varint(len(file) - starts[i]) + mask
        starts = runs
    file[8:16] = starts[0].to_bytes(8, "little")
    return bytes(file) + bytes(8)


class Verify(ToolTest):
    def test_sound(self):
        for name in ("empty", "words", "merged3", "grafted", "dangling"):
            text = self.ok("verify", self.golden(f"{name}.act")).decode()
            self.assertRegex(text, r"\Asound, without a checksum.*\n\Z")

    def test_json_of_a_sound_file(self):
        report = json.loads(self.ok("verify", "--json", self.golden("words.act")))
        self.assertEqual((report["sound"], report["checksummed"], report["rule"], report["error"]),
                         (True, False, None, None))
        self.assertEqual((report["values"], report["nodes"]), (3000, report["references"] + 1))

    def test_damaged(self):
        whole = bytearray(self.read(self.build("a\t1\nb\t2\n")))
        # The root, a branch with two children, gets them in the wrong order.
        at = whole.index(b"ab", 16)
        whole[at:at + 2] = b"ba"
        name = self.write("bad.act", whole)
        text = self.fails(DAMAGED, "verify", name, says=["bad.act", "offset"]).decode()
        self.assertRegex(text, r"\Adamaged: rule 3, child-bytes, at offset \d+\n\Z")
        report = json.loads(self.fails(DAMAGED, "verify", "--json", name))
        self.assertEqual((report["sound"], report["rule"]), (False, "child-bytes"))
        self.assertIn(f"offset {report['offset']}", report["error"])

    def test_damage_that_opening_finds(self):
        name = self.write("short.act", b"ACTree03")
        self.assertIn(b"damaged", self.fails(DAMAGED, "verify", name, says=name))
        report = json.loads(self.fails(DAMAGED, "verify", "--json", name))
        self.assertEqual((report["sound"], report["rule"]), (False, None))

    def test_no_report_on_what_could_not_be_looked_at(self):
        self.assertEqual(self.fails(TROUBLE, "verify", "--json", "no-such-file"), b"")

    def test_standard_input(self):
        with open(self.golden("words.act"), "rb") as file:
            whole = file.read()
        self.ok("verify", "-", stdin=whole)
        self.fails(DAMAGED, "verify", "-", stdin=whole[:-9], says="standard input")

    def test_progress(self):
        done = self.run_tool("verify", "--progress=always", self.golden("words.act"))
        self.assertRegex(done.stderr, rb"\A(actree: verifying: .*\n)+\Z")
        self.assertEqual(self.run_tool("verify", "--progress=never",
                                       self.golden("words.act")).stderr, b"")


@unittest.skipUnless(os.environ.get("ACT_TEST_PLATFORM", "linux") == "linux",
                     "needs advice that is heeded")
class Paging(ToolTest):
    """The options for how a file is opened, which all reading verbs take."""

    def setUp(self):
        super().setUp()
        self.build("a\t1\n", name="one.act")
        if self.paging("one.act", "--access=map")["access"] != "map":
            self.skipTest("this platform maps no files")

    def large(self):
        lines = "".join(f"usr/share/{i * 7919:08d}/file\t{i}\n" for i in range(30000))
        return self.build("".join(sorted(lines.splitlines(True))))

    def paging(self, *options):
        return json.loads(self.ok("info", "--json", *options))["paging"]

    def test_what_is_chosen_is_told(self):
        name = self.large()
        paging = self.paging(name)
        self.assertEqual((paging["access"], paging["advice"], paging["advice_chosen"],
                          paging["populate"], paging["locked_bytes"], paging["budget_bytes"]),
                         ("map", "normal", True, "none", 0, 0))
        self.assertRegex(paging["reason"], r"^normal: .* MiB are ")
        self.assertIn(paging["reason"], self.ok("info", name).decode())
        self.assertEqual(self.paging(self.golden("empty.act"))["access"], "read")

    def test_what_is_asked_for_is_told(self):
        name = self.large()
        paging = self.paging(name, "--advice=random", "--populate=all", "--budget=64M", "--private")
        self.assertEqual((paging["advice"], paging["advice_chosen"], paging["populate"],
                          paging["private"], paging["budget_bytes"]),
                         ("random", False, "all", True, 64 << 20))
        self.assertEqual(paging["populated_bytes"], os.path.getsize(self.path(name)))
        self.assertEqual(self.paging(name, "--access=read")["access"], "read")
        paging = self.paging(name, "--populate-prefix=usr/share/00")
        self.assertEqual(paging["populate"], "prefix")
        self.assertGreater(paging["populated_bytes"], 0)

    def test_every_reading_verb_takes_them(self):
        name = self.large()
        options = ("--access=map", "--advice=sequential", "--populate=hot", "--lock=none",
                   "--huge=auto", "--budget=4M")
        queries = self.write("queries", "usr/share/00000000/file\n")
        for verb in (("get", name, "usr/share/00000000/file"), ("prefix", name, "usr/share/000"),
                     ("range", name), ("dump", name), ("info", name), ("verify", name),
                     ("bench", name, queries)):
            self.assertEqual(bool(self.ok(*verb, *options)), True)
        self.ok("walk", name, *options, stdin="path_exists\n")
        self.ok("convert", name, name + ".copy", *options)

    def test_what_cannot_be_done_is_told(self):
        name = self.large()
        done = self.run_tool("get", name, "usr/share/00000000/file", "--populate-prefix=none")
        self.assertEqual((done.returncode, done.stdout), (DONE, b"0\n"))
        self.assertIn(b"nothing to populate", done.stderr)
        for budget in ("0", "1", "4095K", "much"):
            self.fails(TROUBLE, "get", name, "x", f"--budget={budget}", says=["--budget", "4M"])
        self.fails(TROUBLE, "get", name, "x", "--advice=wrong", says="auto|normal")
        self.fails(TROUBLE, "get", name, "x", "--budget=4M", "--lock=all", says="budget")
        self.fails(TROUBLE, "get", name, "x", "--keys=hex", "--populate-prefix=xyz", says="xyz")


class Info(ToolTest):
    def test_json(self):
        report = json.loads(self.ok("info", "--json", self.golden("words.act")))
        self.assertEqual(report["keys"], 3000)
        self.assertEqual(report["file_bytes"], os.path.getsize(self.golden("words.act")))
        self.assertEqual(sum(report["bytes"].values()), report["file_bytes"])
        nodes = sum(report["objects"][kind]
                    for kind in ("branch_nodes", "leaf_nodes", "line_nodes"))
        self.assertEqual(sum(report["nodes_by_depth"]), nodes)
        self.assertEqual(len(report["nodes_by_depth"]), report["deepest_node"] + 1)
        self.assertEqual(sum(report["nodes_by_children"]),
                         report["objects"]["branch_nodes"] + report["objects"]["leaf_nodes"])
        self.assertFalse(report["merged"])

    def test_json_counts_keys(self):
        keys = [b"", b"a", b"abc", b"b" * 300]
        report = json.loads(self.ok("info", "--json", self.build(
            b"".join(b"%s\t1\n" % key for key in keys))))
        self.assertEqual((report["keys"], report["key_bytes"], report["longest_key"]),
                         (4, 304, 300))

    def test_merged(self):
        report = json.loads(self.ok("info", "--json", self.golden("merged1.act")))
        self.assertTrue(report["merged"])
        self.assertGreater(report["previous_root"], 15)
        self.assertIn(b"merged into", self.ok("info", self.golden("merged1.act")))

    def test_text(self):
        text = self.ok("info", self.golden("words.act")).decode()
        for part in ("keys", "3,000", "branch nodes", "line data", "Nodes by depth",
                     "number of children"):
            self.assertIn(part, text)
        self.assertNotRegex(text, r"(?m) $")
        self.assertLessEqual(max(map(len, text.split("\n"))), 100)

    @needs_memory_told
    def test_nothing_is_counted_where_there_is_too_little_memory(self):
        if os.environ.get("ACT_TEST_SANITIZE") or os.environ.get("ACT_TEST_EMULATOR"):
            self.skipTest("these need too much memory for themselves")
        group = self.memory_group(12 << 20)
        # In 12 MiB up to 46 may be counted, less or more by how large pointers are.
        self.write("x.act", wide_file(64))
        self.assertTrue(json.loads(self.ok("info", "-j", "x.act"))["counted"])

        def enter():
            with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as procs:
                procs.write("0")
        for option, says in (("-j", b'"counted": false'), ("--content", b"not counted")):
            done = subprocess.run([ACTREE, "info", option, "x.act"], cwd=self.folder, check=False,
                                  capture_output=True, preexec_fn=enter)
            self.assertEqual((done.returncode, done.stderr), (DONE, b""))
            self.assertIn(says, done.stdout)
        done = subprocess.run([ACTREE, "report", "x.act"], cwd=self.folder, check=False,
                              capture_output=True, preexec_fn=enter)
        self.assertEqual((done.returncode, done.stdout), (TROUBLE, b""))
        self.assertIn(b"out of memory while checking", done.stderr)

    def test_every_golden_file(self):
        for name in sorted(os.listdir(self.golden(""))):
            if name.endswith(".act"):
                self.ok("info", self.golden(name))
                json.loads(self.ok("info", "-j", self.golden(name)))

    def test_a_name_that_is_no_text(self):
        name = b"caf\xe9\n\x01.act"
        os.rename(self.path(self.build("a\t1\n")).encode(), self.folder.encode() + b"/" + name)
        report = json.loads(self.ok("info", "--json", name))
        self.assertEqual(report["file"], "caf\\xe9\\n\\x01.act")


class Numbers(ToolTest):
    """Numbers above 2^63 stay exact in JSON."""

    def test_large(self):
        name = self.build("a\t18446744073709551615\nb\t9223372036854775808\n")
        self.write("q", "a\n")
        report = json.loads(self.ok("bench", "--json", name, "q"))
        self.assertEqual(report["value_sum"], 2**64 - 1)
        self.write("q", "b\n")
        report = json.loads(self.ok("bench", "--json", name, "q"))
        self.assertEqual(report["value_sum"], 2**63)


class Bench(ToolTest):
    KEYS = ["queries", "hits", "value_sum", "open_us", "single_ns", "batch_ns",
            "scan_entries_per_s", "entries"]

    def test_json(self):
        name = self.build("".join(f"{i}\t{i}\n" for i in range(1000)))
        self.write("q", "".join(f"{i}\n" for i in range(500, 1500)))
        report = json.loads(self.ok("bench", name, "q", "--json"))
        self.assertEqual(list(report), self.KEYS)
        self.assertEqual([report[key] for key in ("queries", "hits", "value_sum", "entries")],
                         [1000, 500, sum(range(500, 1000)), 1000])
        for key in ("single_ns", "batch_ns", "scan_entries_per_s"):
            self.assertIsInstance(report[key], int)
            self.assertGreater(report[key], 0)
        self.assertGreater(report["open_us"], 0)

    def test_sum_wraps(self):
        name = self.build("a\t18446744073709551615\nb\t3\n")
        self.write("q", "a\nb")
        self.assertEqual(json.loads(self.ok("bench", name, "q", "-j"))["value_sum"], 2)

    def test_text(self):
        name = self.build("a\t1\n")
        self.write("q", "61\n62\n")
        self.assertRegex(self.ok("bench", name, "q", "-k", "hex"), rb"found +1\n")

    def test_no_queries(self):
        name = self.build("a\t1\n")
        self.write("q", "")
        report = json.loads(self.ok("bench", name, "q", "--json"))
        self.assertEqual((report["queries"], report["hits"], report["value_sum"]), (0, 0, 0))

    def test_bad_queries(self):
        name = self.build("a\t1\n")
        self.fails(TROUBLE, "bench", name, "no-such-file", says="no-such-file")
        self.write("q", "61\nxx\n")
        self.fails(TROUBLE, "bench", name, "q", "-k", "hex", says="q:2")
        self.fails(TROUBLE, "bench", "-", "q", says="FILE")


class Terminal(ToolTest):
    """What is said on a terminal only."""

    def on_terminal(self, *arguments):
        master, terminal = self.open_terminal()
        process = subprocess.Popen([ACTREE, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=terminal)
        os.close(terminal)
        said = b""
        with process:
            out = process.stdout.read()
            while True:
                try:
                    piece = os.read(master, 4096)
                except OSError:
                    break
                if not piece:
                    break
                said += piece
        os.close(master)
        return process.returncode, out, said

    def test_build_tells_what_it_did(self):
        self.write("in", "a\t1\n")
        status, out, said = self.on_terminal("build", "-o", "x.act", "in")
        self.assertEqual((status, out), (DONE, b""))
        self.assertIn(b"1 keys", said)
        status, out, said = self.on_terminal("build", "-o", "x.act", "in", "--progress=never")
        self.assertEqual((status, said), (DONE, b""))

    def test_short_work_leaves_no_line(self):
        _, _, said = self.on_terminal("verify", self.golden("words.act"))
        self.assertEqual(said, b"")


if __name__ == "__main__":
    main()
