#!/usr/bin/env python3
"""Files that are cut short, or whose disk fails, while the tool reads them."""
import os
import shutil
import signal
import subprocess
import unittest

from tool import ACTREE, TROUBLE, ToolTest, main, needs_kernel, needs_mapping

GUARDS = ("signal", "thread")


def served(message):
    """Whether a run with --guard=thread got as far as reading: not all systems allow it."""
    return b"cannot serve" not in message


@needs_mapping
class Cut(ToolTest):
    def setUp(self):
        super().setUp()
        self.lines = b"".join(b"%010d-and-some-more\t%d\n" % (i * 7919, i) for i in range(200000))
        self.ok("build", "-o", "x.act", self.write("x.tsv", self.lines))
        self.whole = self.read("x.act")

    def start(self, *arguments):
        return subprocess.Popen([ACTREE, *arguments], cwd=self.folder, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def cut_while_dumping(self, *options):
        """Cuts the file when the dump has begun and waits for its reader. Status and message."""
        self.write("x.act", self.whole)
        process = self.start("dump", "x.act", *options)
        begin = process.stdout.read(4096)
        os.truncate(self.path("x.act"), 5000)
        rest, message = process.communicate(timeout=60)
        # Nothing wrong was printed before.
        printed = begin + rest
        if begin:
            whole = printed[:printed.rfind(b"\n") + 1]
            expected = b"".join(reversed(self.lines.splitlines(True))) if "-r" in options \
                else self.lines
            self.assertEqual(whole, expected[:len(whole)])
            self.assertLess(len(printed), len(self.lines))
        return process.returncode, message

    @needs_kernel
    def test_a_dump_stops_with_a_message(self):
        for options in ([], ["--guard=signal"], ["--guard=signal", "--threads=1"],
                        ["--guard=signal", "-r"], ["--guard=thread"], ["--guard=thread", "-r"]):
            status, message = self.cut_while_dumping(*options)
            if served(message):
                self.assertEqual((status, message.count(b"\n")), (TROUBLE, 1), (options, message))
                self.assertIn(b"x.act", message)

    def test_without_a_guard_it_is_killed(self):
        status, _ = self.cut_while_dumping("--guard=none")
        # A checker of memory ends the program in its own way.
        self.assertNotIn(status, (0, TROUBLE))
        if not os.environ.get("ACT_TEST_SANITIZE"):
            self.assertEqual(status, -signal.SIGBUS)

    @needs_kernel
    def test_lookups_that_wait_for_keys(self):
        for guard in GUARDS:
            self.write("x.act", self.whole)
            process = self.start("get", "--guard", guard, "x.act", "-")
            process.stdin.write(b"0000000000-and-some-more\n")
            process.stdin.flush()
            if process.stdout.readline() != b"0\n":
                _, message = process.communicate(timeout=60)
                self.assertTrue(guard == "thread" and not served(message), (guard, message))
                continue
            os.truncate(self.path("x.act"), 0)
            _, message = process.communicate(b"%010d-and-some-more\n" % (150000 * 7919), timeout=60)
            self.assertEqual((process.returncode, message.count(b"\n")), (TROUBLE, 1), message)

    @needs_kernel
    def test_a_walk(self):
        process = self.start("walk", "x.act")
        process.stdin.write(b"to_next_val\n")
        process.stdin.flush()
        self.assertTrue(process.stdout.readline().startswith(b"true\t"))
        os.truncate(self.path("x.act"), 0)
        output, message = process.communicate(b"child_mask\n", timeout=60)
        self.assertEqual((process.returncode, output), (TROUBLE, b""))
        self.assertIn(b"x.act", message)

    def test_all_verbs_take_it(self):
        self.ok("build", "-i", "lines", "-o", "q.act", self.write("q", "one\ntwo\n"))
        for guard in (*GUARDS, "none"):
            for verb in (["dump", "q.act"], ["get", "q.act", "one"], ["prefix", "q.act", "t"],
                         ["range", "q.act"], ["info", "q.act"], ["verify", "q.act"],
                         ["walk", "q.act"], ["bench", "q.act", "q"], ["convert", "q.act", "r.act"]):
                self.ok(*verb, "--guard", guard)
        self.fails(TROUBLE, "dump", "x.act", "--guard=maybe", says=["signal|none|thread"])


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("mkfs.ext4") and shutil.which("mount"),
                     "only root can mount a disk, which mkfs.ext4 makes")
class FailingDisk(ToolTest):
    """A disk in a file: where that is cut, reading the disk is an error of its device."""

    def mount(self, *options):
        try:
            run("mount", "-o", ",".join(("loop", *options)), self.path("disk"), self.path("mnt"))
        except subprocess.CalledProcessError:
            self.skipTest("no disk can be mounted here")
        self.addCleanup(subprocess.run, ["umount", self.path("mnt")], check=False,
                        stderr=subprocess.DEVNULL)

    def make(self):
        # Another file each time: the system may not be done with the last one's device.
        if os.path.exists(self.path("disk")):
            os.unlink(self.path("disk"))
        with open(self.path("disk"), "wb") as disk:
            disk.truncate(16 << 20)
        run("mkfs.ext4", "-q", "-F", self.path("disk"))
        os.makedirs(self.path("mnt"), exist_ok=True)
        self.mount()
        lines = b"".join(b"%010d-and-more\t%d\n" % (i * 7919, i) for i in range(400000))
        self.ok("build", "--layout=plain", "-o", "mnt/x.act", self.write("x.tsv", lines))
        run("umount", self.path("mnt"))
        self.mount("ro")

    def test_verify_and_dump_stop_with_a_message(self):
        for guard in GUARDS:
            for verb in ("verify", "dump"):
                self.make()
                nbytes = os.path.getsize(self.path("mnt/x.act"))
                fd = os.open(self.path("mnt/x.act"), os.O_RDONLY)
                os.truncate(self.path("disk"), nbytes // 2)
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(fd)
                done = self.run_tool(verb, "--guard", guard, "mnt/x.act")
                run("umount", self.path("mnt"))
                if served(done.stderr):
                    self.assertEqual(done.returncode, TROUBLE, (guard, verb, done.stderr))
                    self.assertIn(b"rror", done.stderr)


if __name__ == "__main__":
    main()
