"""What the tests of the tool share."""
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

ACTREE = os.environ.get("ACTREE")
GOLDEN = "tests/interop/golden"

DONE, NO, TROUBLE, DAMAGED = 0, 1, 2, 3

PLATFORM = os.environ.get("ACT_TEST_PLATFORM", "linux")
# By QEMU's user mode, which does not do all that a kernel does to pages and signals, as
# tests/support/check.h has it; by Wine the tool is not run.
EMULATED = bool(os.environ.get("ACT_TEST_EMULATOR"))
needs_kernel = unittest.skipIf(EMULATED, "an emulator does less to pages and signals")
needs_mapping = unittest.skipIf(PLATFORM == "portable", "this platform maps no files")
needs_merging = unittest.skipIf(PLATFORM in ("portable", "win32"),
                                "this platform changes no file in place")
needs_memory_told = unittest.skipIf(PLATFORM == "portable",
                                    "this platform does not tell how much memory there is")


def remove_group(folder):
    """A process that has ended may be in it for a moment yet."""
    for _ in range(100):
        try:
            return os.rmdir(folder)
        except OSError:
            time.sleep(0.02)
    return os.rmdir(folder)


class ToolTest(unittest.TestCase):
    """A test with a folder of its own, in which the tool is run."""

    maxDiff = 2000

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="actree-cli-")
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        """Writes bytes, or text, to a file of the folder; returns the name."""
        with open(self.path(name), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return name

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def golden(self, name):
        """The path of a file of the reference."""
        return os.path.join(os.getcwd(), GOLDEN, name)

    def run_tool(self, *arguments, stdin=b"", **options):
        if isinstance(stdin, str):
            stdin = stdin.encode()
        return subprocess.run([ACTREE, *arguments], input=stdin, capture_output=True, check=False,
                              cwd=self.folder, timeout=300, **options)

    def open_terminal(self):
        """Both ends of a pseudo-terminal, the test's and the tool's."""
        try:
            return os.openpty()
        except OSError as error:
            self.skipTest(f"no terminal can be opened here: {error.strerror}")

    def memory_group(self, nbytes):
        """The folder of a new control group of version 1 with so much memory."""
        try:
            with open("/proc/self/cgroup", encoding="ascii") as file:
                own = [line.split(":", 2)[2].strip() for line in file if ":memory:" in line]
            group = f"/sys/fs/cgroup/memory{own[0]}/actree-test-{os.getpid()}"
            os.mkdir(group)
            self.addCleanup(remove_group, group)
            with open(f"{group}/memory.limit_in_bytes", "w", encoding="ascii") as file:
                file.write(str(nbytes))
        except (OSError, IndexError):
            self.skipTest("no control group with a limit can be made here")
        return group

    def run_as_nobody(self, *arguments, stdin=b""):
        """A run that is forbidden what is forbidden to others: for root nothing is."""
        if os.geteuid() != 0:
            return self.run_tool(*arguments, stdin=stdin)
        # The tool may lie where nobody may go.
        copy = self.path("actree")
        if not os.path.exists(copy):
            shutil.copy(ACTREE, copy)
            os.chmod(self.folder, 0o755)
        # A build that counts lines writes its counts at the end, and complains where it may not.
        with tempfile.TemporaryDirectory() as counts:
            os.chmod(counts, 0o777)
            return subprocess.run([copy, *arguments], input=stdin, capture_output=True, check=False,
                                  cwd=self.folder, timeout=300, user=65534, group=65534,
                                  extra_groups=[], env=dict(os.environ, GCOV_PREFIX=counts))

    def ok(self, *arguments, stdin=b"", status=DONE):
        """Standard output of a run that says nothing on standard error."""
        done = self.run_tool(*arguments, stdin=stdin)
        self.assertEqual((done.returncode, done.stderr), (status, b""), arguments)
        return done.stdout

    def fails(self, status, *arguments, stdin=b"", says=()):
        """Standard output of a run that ends with this status and a message."""
        done = self.run_tool(*arguments, stdin=stdin)
        message = done.stderr.decode()
        self.assertEqual(done.returncode, status, (arguments, message))
        self.assertTrue(message.startswith("actree: "), message)
        self.assertTrue(message.endswith("\n"), message)
        self.assertTrue(message.replace("\n", "").isprintable(), message)
        for part in [says] if isinstance(says, str) else says:
            self.assertIn(part, message)
        return done.stdout

    def build(self, tsv, *options, name="x.act"):
        """Builds a file from lines of key, tab, value; returns its name."""
        self.ok("build", "-o", name, "-", *options, stdin=tsv)
        return name


def main():
    if not ACTREE:
        print("skipped: the tool was not built")
        sys.exit(77)
    unittest.main()
