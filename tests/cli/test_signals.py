#!/usr/bin/env python3
"""Interrupts, and readers that go away."""
import os
import signal
import subprocess
import time

from tool import ACTREE, ToolTest, main


class Interrupt(ToolTest):
    OLD = b"an older file\n"

    def setUp(self):
        super().setUp()
        self.write("x.act", self.OLD)
        os.mkdir(self.path("tmp"))

    def start(self, *arguments):
        environment = dict(os.environ, TMPDIR=self.path("tmp"))
        return subprocess.Popen([ACTREE, *arguments], cwd=self.folder, env=environment,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def interrupted(self, process, number):
        """The process, which waits for input or works, ends by this signal and leaves nothing."""
        process.send_signal(number)
        try:
            _, message = process.communicate(timeout=60)
        except BrokenPipeError:
            message = process.stderr.read()
        self.assertEqual(process.wait(), -number)
        self.assertEqual(message, b"")
        self.assertEqual(self.read("x.act"), self.OLD)
        self.assertEqual(os.listdir(self.path("tmp")), [])
        self.assertEqual(sorted(os.listdir(self.folder)), ["tmp", "x.act"])

    def test_while_waiting_for_input(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for options in (["-o", "x.act"], ["-o", "x.act", "--sorted"], ["-o", "-"]):
                process = self.start("build", *options, "-")
                # More than the pipe holds: when all is written, the tool has begun to read.
                process.stdin.write(b"".join(b"%07d\t1\n" % i for i in range(20000)))
                process.stdin.flush()
                time.sleep(0.05)
                self.interrupted(process, number)

    def test_while_working(self):
        # Input without an end: a pipe that is filled as fast as it is read.
        for options in ([], ["--sorted"]):
            process = self.start("build", "-o", "x.act", *options, "-")
            number = 0
            deadline = time.monotonic() + 0.3
            while time.monotonic() < deadline:
                process.stdin.write(b"".join(b"%012d\t1\n" % (number + i) for i in range(1000)))
                number += 1000
            self.interrupted(process, signal.SIGINT)

    def test_ignored_from_the_start_stays_ignored(self):
        process = subprocess.Popen([ACTREE, "build", "-o", "y.act", "-"], cwd=self.folder,
                                   stdin=subprocess.PIPE,
                                   preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.stdin.write(b"a\t1\n")
        process.stdin.flush()
        time.sleep(0.1)
        process.send_signal(signal.SIGHUP)
        process.communicate(b"b\t2\n", timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(self.ok("dump", "y.act"), b"a\t1\nb\t2\n")


class BrokenPipe(ToolTest):
    def setUp(self):
        super().setUp()
        self.build("".join(f"{i}\t{i}\n" for i in range(100000)))

    def reader_goes_away(self, *arguments, **options):
        process = subprocess.Popen([ACTREE, *arguments], cwd=self.folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **options)
        first = process.stdout.readline() if arguments[0] != "build" else process.stdout.read(8)
        process.stdout.close()
        message = process.stderr.read()
        process.stderr.close()
        return first, message, process.wait(timeout=60)

    def test_quiet(self):
        for arguments in (["dump", "x.act"], ["prefix", "x.act", "1"], ["range", "x.act", "-r"]):
            _, message, status = self.reader_goes_away(*arguments)
            self.assertEqual((message, status), (b"", -signal.SIGPIPE))

    def test_quiet_where_the_signal_is_ignored(self):
        _, message, status = self.reader_goes_away("dump", "x.act", restore_signals=False)
        self.assertEqual((message, status), (b"", -signal.SIGPIPE))

    def test_what_was_read_is_right(self):
        first, _, _ = self.reader_goes_away("dump", "x.act")
        self.assertEqual(first, b"0\t0\n")

    def test_build_to_a_pipe_leaves_nothing_behind(self):
        os.mkdir(self.path("tmp"))
        with open(self.path("in"), "wb") as file:
            file.write(b"".join(b"%06d\t%d\n" % (i, i * 997) for i in range(100000)))
        environment = dict(os.environ, TMPDIR=self.path("tmp"))
        first, message, status = self.reader_goes_away("build", "-o", "-", "in", env=environment)
        self.assertEqual((first, message, status), (b"ACTree03", b"", -signal.SIGPIPE))
        self.assertEqual(os.listdir(self.path("tmp")), [])


if __name__ == "__main__":
    main()
