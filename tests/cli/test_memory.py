#!/usr/bin/env python3
"""Little memory: every verb does its work in a control group with a limit, or says what is missing."""
import json
import os
import subprocess
import unittest

from tool import ACTREE, DONE, NO, TROUBLE, ToolTest, main, needs_merging

MIB = 1 << 20
KEYS = 500000


def key(number):
    """Some of what keys have in common is short, some is long, some lies at the end."""
    return f"usr/share/doc/package-{number:07}/copyright-{number * 2654435761 % 2**32:08x}"


@needs_merging
@unittest.skipIf(os.environ.get("ACT_TEST_SANITIZE") or os.environ.get("ACT_TEST_EMULATOR"),
                 "these need too much memory for themselves")
class LittleMemory(ToolTest):
    """A file of some 20 MiB, in 16 MiB, in which the program and its output are as well."""

    def setUp(self):
        super().setUp()
        self.group = self.memory_group(16 * MIB)
        self.write("in.tsv", "".join(f"{key(i)}\t{i * i}\n" for i in range(KEYS)))
        self.ok("build", "--no-sync", "--progress=never", "in.tsv", "-o", "x.act")
        self.content = self.content_of("x.act")
        self.assertGreater(os.path.getsize(self.path("x.act")), 16 * MIB)
        # What was written would be in memory all the same, and count for who wrote it.
        for name in ("in.tsv", "x.act"):
            with open(self.path(name), "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def content_of(self, name):
        return json.loads(self.ok("info", "--json", "--content", name))["content"]

    def limited(self, *arguments, status=DONE, says=b"", stdin=None):
        """Runs the tool in the group. Its data are thrown away."""
        def enter():
            with open(os.path.join(self.group, "cgroup.procs"), "w", encoding="ascii") as procs:
                procs.write("0")
        with subprocess.Popen([ACTREE, *arguments], cwd=self.folder, preexec_fn=enter,
                              stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            tail = b""
            while block := process.stdout.read(MIB):
                tail = block
            said = process.stderr.read()
            self.assertEqual((process.wait(), bool(said)), (status, bool(says)),
                             (arguments, said, tail[-200:]))
        self.assertIn(says, said)
        return tail

    def test_reading(self):
        self.limited("verify", "x.act")
        self.assertIn(b"500,000", self.limited("info", "x.act"))
        self.limited("dump", "x.act")
        self.limited("dump", "--reverse", "x.act")
        self.limited("prefix", "x.act", "usr/share")
        self.limited("range", "--from", key(10), "--to", key(KEYS - 10), "x.act")
        self.limited("get", "x.act", key(1), key(KEYS - 1))
        self.limited("history", "x.act")
        self.limited("diff", "x.act", "x.act")
        self.limited("resident", "x.act")
        self.limited("warm", "--all", "x.act")
        self.limited("get", "--populate=all", "--access=map", "x.act", key(1),
                     says=b"half of the memory allows")

    def test_writing(self):
        self.limited("convert", "x.act", "y.act", "--no-sync")
        self.assertEqual(self.content_of("y.act"), self.content)
        self.limited("split", "--parts=3", "x.act", "-o", "x.set", "--no-sync")
        self.limited("join", "x.set", "-o", "z.act", "--no-sync")
        self.assertEqual(self.content_of("z.act"), self.content)
        self.write("more", f"{key(5)}\t1\nnew\t2\n")
        self.limited("merge", "--sync=none", "y.act", "more", says=b"")
        self.limited("compact", "y.act", "--no-sync")
        self.limited("diff", "x.act", "y.act", status=NO)

    def test_building(self):
        self.limited("build", "--no-sync", "in.tsv", "-o", "y.act")
        self.assertEqual(self.read("y.act"), self.read("x.act"))
        lines = self.read("in.tsv").splitlines(keepends=True)
        self.write("mixed.tsv", b"".join(lines[1::2] + lines[::2]))
        self.limited("build", "--no-sync", "--memory=1G", "mixed.tsv", "-o", "z.act")
        self.assertEqual(self.read("z.act"), self.read("x.act"))

    def test_what_does_not_fit_is_told(self):
        with open(self.path("x.act"), "rb") as file:
            self.limited("verify", "-", stdin=file, status=TROUBLE, says=b"too little")
        self.limited("get", "--access=read", "x.act", "a", status=TROUBLE, says=b"no memory to read")
        self.limited("convert", "--layout=plain", "--no-check", "x.act", "y.act", status=TROUBLE,
                     says=b"line data")
        self.assertFalse(os.path.exists(self.path("y.act")))
        self.write("q", "".join(key(i) + "\n" for i in range(KEYS)))
        self.limited("profile", "--no-cold", "x.act", "q", status=TROUBLE, says=b"out of memory")

    def test_report(self):
        self.write("q", "".join(key(i * 997 % KEYS) + "\n" for i in range(20000)))
        self.limited("profile", "--no-cold", "x.act", "q")
        self.limited("report", "x.act", "-o", "page.html")
        self.limited("report", "--no-cold", "x.act", "q", "-o", "page.html")
        self.assertIn(b"</html>", self.read("page.html"))
        self.limited("warm", "--trace=q", "x.act")
        self.limited("bench", "x.act", "q")


if __name__ == "__main__":
    main()
