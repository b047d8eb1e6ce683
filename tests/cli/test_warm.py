#!/usr/bin/env python3
"""warm: what is to be looked up comes into memory."""
import json
import os

from tool import DAMAGED, TROUBLE, ToolTest, main, needs_kernel, needs_mapping


class Warm(ToolTest):
    def make(self, count=60000, *options):
        self.build("".join(f"key/{i:07}/{i * 7919 % 10007}\t{i}\n" for i in range(count)), *options)
        self.write("q", "".join(f"key/{i:07}/{i * 7919 % 10007}\n" for i in range(0, count, 997)))

    def drop(self):
        fd = os.open(self.path("x.act"), os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)

    def reads(self, *arguments):
        """Blocks that a run read from disks."""
        pid = os.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.execv(os.environ["ACTREE"], ["actree", *arguments])
        _, status, usage = os.wait4(pid, 0)
        self.assertEqual(status, 0)
        return usage.ru_inblock

    @needs_mapping
    def test_counts(self):
        for layout in ("indexed", "plain", "compact"):
            self.make(60000, "--layout", layout)
            report = json.loads(self.ok("warm", "x.act", "--trace", "q", "--json"))
            self.assertEqual((report["keys"], report["keys_done"], report["complete"]),
                             (61, 61, True))
            self.assertGreater(report["pages"], 5)
            self.assertLessEqual(report["pieces"], report["pages"])
            self.assertLessEqual(report["pages"], os.path.getsize(self.path("x.act")) // 4096 + 1)

    def test_nothing_is_read_afterwards(self):
        self.make()
        self.drop()
        if not self.reads("get", "x.act", "key/0000000/0"):
            self.skipTest("the file cannot be thrown out of memory here")
        with open(self.path("q"), encoding="ascii") as file:
            keys = file.read().split()
        # Pages of the tool itself, or of its libraries, may have been thrown out by what else runs
        # here in little memory; a page that is not warmed is missing each time.
        blocks = 1
        for _ in range(5):
            self.drop()
            self.assertGreater(self.reads("warm", "x.act", "--trace", "q"), 0)
            blocks = self.reads("get", "x.act", *keys)
            if not blocks:
                break
        self.assertEqual(blocks, 0)

    @needs_mapping
    @needs_kernel
    def test_neighbours_stay_where_they_are(self):
        self.make(300000)
        self.write("q", "key/0150000/7000\nkey/0250000/1\n")
        whole = os.path.getsize(self.path("x.act")) // 512
        for how in (["--trace", "q"], ["--prefix=key/01234"]):
            self.drop()
            blocks = self.reads("warm", "x.act", *how)
            if not blocks:
                self.skipTest("the file cannot be thrown out of memory here")
            self.assertLess(blocks, whole / 4, how)

    @needs_mapping
    def test_text_and_first_queries(self):
        self.make()
        self.assertRegex(self.ok("warm", "x.act", "--trace", "q", "-n", "2").decode(),
                         r"\A[\d,]+ pages, .* for 2 keys, in \d+\.\d+ s\n\Z")

    @needs_mapping
    def test_keys_that_are_not_there(self):
        self.make()
        self.write("q", "no\n\nkey/\n" + "k" * 100000 + "\n")
        self.assertEqual(json.loads(self.ok("warm", "x.act", "--trace", "q", "-j"))["keys_done"], 4)
        self.write("q", "")
        self.assertEqual(json.loads(self.ok("warm", "x.act", "--trace", "q", "-j"))["pages"], 0)
        self.build("")
        self.write("q", "a\n")
        self.ok("warm", "x.act", "--trace", "q")

    def test_bad_use(self):
        self.make(10)
        self.fails(TROUBLE, "warm", "x.act", "--all", "--limit=3", says="--trace")
        self.fails(TROUBLE, "warm", "x.act", says="--trace")
        self.fails(TROUBLE, "warm", "-", "--trace", "q", says="FILE")
        self.fails(TROUBLE, "warm", "x.act", "--trace", "none", says="none")
        self.fails(TROUBLE, "warm", "none.act", "--trace", "q", says="none.act")
        self.fails(TROUBLE, "warm", "x.act", "--trace", "q", "-k", "hex", says="q:1")

    @needs_mapping
    def test_damaged(self):
        self.make()
        whole = bytearray(self.read("x.act"))
        whole[300:-400] = b"\xff" * len(whole[300:-400])
        self.write("x.act", whole)
        self.fails(DAMAGED, "warm", "x.act", "--trace", "q", says=["x.act", "offset"])


if __name__ == "__main__":
    main()
