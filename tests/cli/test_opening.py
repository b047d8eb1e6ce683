#!/usr/bin/env python3
"""Options of opening: which verbs have which, that they change no answer, and what is refused."""
import json
import os
import unittest

from tool import DONE, NO, PLATFORM, TROUBLE, ToolTest, main, needs_merging

try:
    import resource
except ImportError:  # Windows
    resource = None

PAGES = ("--access=auto", "--access=map", "--access=read", "--advice=normal", "--advice=random",
         "--advice=sequential", "--populate=hot", "--populate=all", "--populate-prefix=key/0",
         "--lock=none", "--huge=auto", "--huge=on", "--budget=4M", "--private", "--guard=none",
         "--guard=signal")
MAPPED = ("--access=auto", "--access=map", "--guard=none", "--guard=signal")


@needs_merging
class Opening(ToolTest):
    def setUp(self):
        super().setUp()
        self.tsv = "".join(f"key/{i:07}/{i * 7919 % 10007}\t{i}\n" for i in range(20000))
        self.build(self.tsv)
        self.write("in", "new\t1\n")
        self.roots = [self.history()[0]]
        self.ok("merge", "--progress=never", "x.act", "in")
        self.roots.insert(0, self.history()[0])
        self.write("q", "".join(line.split("\t")[0] + "\n" for line in
                                self.tsv.splitlines()[::997]))

    def history(self):
        return [int(line) for line in self.ok("history", "x.act").split()]

    def runs(self, *arguments, status=DONE):
        """Standard output; on standard error may be a note: whether there are huge pages differs."""
        done = self.run_tool(*arguments)
        self.assertEqual(done.returncode, status, (arguments, done.stderr))
        if done.stderr:
            self.assertIn(b": note: ", done.stderr)
            self.assertIn("--huge=on", arguments)
        return done.stdout

    def refuses(self, verb, options, *arguments):
        for option in options:
            with self.subTest(verb=verb, option=option):
                self.fails(TROUBLE, verb, option, *arguments, says=option.split("=")[0])

    def test_split(self):
        for option in PAGES:
            self.runs("split", "--parts=2", "-o", "x.set", "x.act", option)
            self.assertEqual(self.ok("dump", "x.set").decode(), self.tsv + "new\t1\n", option)
        self.ok("split", "--parts=2", "-o", "x.set", "x.act", f"--at={self.roots[1]}")
        self.assertEqual(self.ok("dump", "x.set").decode(), self.tsv)
        self.fails(TROUBLE, "split", "--parts=2", "-o", "x.set", "x.act", "--at=5", says="root")
        self.assertEqual(self.ok("dump", "x.set").decode(), self.tsv)

    def test_compact(self):
        before = self.read("x.act")
        for option in PAGES:
            self.write("x.act", before)
            self.runs("compact", "x.act", option)
            self.assertEqual(self.ok("dump", "x.act").decode(), self.tsv + "new\t1\n", option)
        self.write("x.act", before)
        self.refuses("compact", [f"--at={self.roots[1]}"], "x.act")
        self.assertEqual(self.read("x.act"), before)

    def test_diff(self):
        self.ok("convert", "x.act", "y.act", f"--at={self.roots[1]}")
        for option in PAGES:
            for arguments in (["x.act", f"--from={self.roots[1]}"], ["y.act", "x.act"]):
                self.assertEqual(self.runs("diff", *arguments, option, status=NO), b"+new\t1\n")
        self.refuses("diff", [f"--at={self.roots[1]}"], "y.act", "x.act")

    def test_warm(self):
        for what in ("--all", "--hot", "--prefix=key/00", "--trace=q"):
            for option in MAPPED + ("--advice=random", "--budget=4M", f"--at={self.roots[1]}"):
                self.ok("warm", "x.act", what, option)
        self.ok("warm", "x.act", "--prefix=new", status=DONE)
        done = self.run_tool("warm", "x.act", "--prefix=new", f"--at={self.roots[1]}")
        self.assertEqual(done.returncode, NO)
        self.refuses("warm", ["--access=read", "--guard=thread", "--populate=all", "--lock=all",
                              "--huge=on", "--private", "--populate-prefix=a"], "x.act", "--all")

    def test_a_budget_bounds_what_is_warmed(self):
        self.build("".join(f"{i * 2654435761 % 2**32:08x}/{i}\t{i}\n" for i in range(500000)),
                   name="big.act")
        self.assertGreater(os.path.getsize(self.path("big.act")), 5 << 20)
        report = json.loads(self.ok("warm", "big.act", "--all", "--budget=4M", "--json"))
        self.assertTrue(report["cut"])
        self.assertLessEqual(report["warm_bytes"], 4 << 20)

    def test_small_files_are_mapped_when_asked(self):
        """What is read as a whole has no pages to tell of."""
        self.build("a\t1\n", name="small.act")
        for option, mapped in (("--access=auto", False), ("--access=map", True)):
            report = json.loads(self.ok("resident", "--json", "small.act", option))
            self.assertEqual(report["mapped"], mapped, report)
        self.assertEqual(json.loads(self.ok("warm", "small.act", "--all", "--json",
                                            "--access=map"))["wanted_bytes"],
                         os.path.getsize(self.path("small.act")))

    def test_resident(self):
        for option in MAPPED + (f"--at={self.roots[1]}",):
            report = json.loads(self.ok("resident", "--json", "x.act", option))
            self.assertGreater(report["file_bytes"], 0)
        done = self.run_tool("resident", "x.act", "--prefix=new", f"--at={self.roots[1]}")
        self.assertEqual(done.returncode, NO)
        self.ok("resident", "x.act", "--prefix=new")
        for extra in ([], ["--save=s"], ["--svg"]):
            self.refuses("resident", ["--access=read", "--guard=thread", "--advice=random",
                                      "--populate=all", "--lock=all", "--huge=on", "--budget=4M",
                                      "--private"], "x.act", *extra)

    @unittest.skipUnless(PLATFORM == "linux" and os.name == "posix", "no limit of locked memory")
    def test_locking_more_than_is_allowed(self):
        if os.environ.get("ACT_TEST_SANITIZE"):
            self.skipTest("sanitizers lock nothing, and say that they did")
        limits = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, limits[1]))
        try:
            done = self.run_as_nobody("get", "--access=map", "--lock=all", "x.act", "new")
        finally:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, limits)
        self.assertEqual(done.returncode, TROUBLE, done.stderr)
        self.assertIn(b"cannot lock", done.stderr)
        self.assertNotIn(b"--max", done.stderr)

    def notes(self, *arguments, says):
        """What a run that does its work says."""
        done = self.run_tool(*arguments)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn(b"note: ", done.stderr)
        for part in [says] if isinstance(says, str) else says:
            self.assertIn(part, done.stderr.decode())

    def test_options_that_do_nothing_are_told(self):
        self.ok("convert", "--layout=plain", "x.act", "plain.act")
        self.notes("get", "--lock=hot", "plain.act", "new", says="no hot region")
        self.build("a\t1\n", name="small.act")
        for option in ("--advice=random", "--lock=hot", "--lock=all", "--budget=4M", "--private",
                       "--populate=all", "--populate-prefix=a", "--huge=on"):
            name = option.split("=")[0]
            self.notes("get", option, "small.act", "a",
                       says=[f"for which {name} does nothing", "--access=map"])
        self.notes("get", "--lock=all", "--advice=random", "small.act", "a",
                   says="--advice, --lock")
        done = self.run_tool("get", "--access=read", "--budget=4M", "x.act", "new")
        self.assertIn(b"--budget does nothing", done.stderr)
        self.assertNotIn(b"--access=map", done.stderr)
        self.ok("get", "--huge=auto", "--advice=auto", "--lock=none", "small.act", "a")
        self.write("s", "a\t1\n")
        for arguments, name in ((["build", "--sorted", "--memory=1M"], "--memory"),
                                (["build", "--sorted", "--temp=."], "--temp"),
                                (["build", "--share-memory=1M"], "--share-memory")):
            self.notes(*arguments, "-o", "y.act", "s", says=f"{name} does nothing here")
        self.ok("build", "--share-memory=1M", "--layout=compact", "-o", "y.act", "s")
        self.notes("convert", "--share-memory=1M", "y.act", "z.act", says="--share-memory")
        self.notes("split", "--parts=2", "--share-memory=1M", "x.act", "-o", "x.set",
                   says="--share-memory")
        for option in ("--limit=3", "--max-steps=9", "--max-key=9", "--layout=plain", "--no-sync"):
            self.notes("verify", option, "x.act", says=[option.split("=")[0], "--repair"])
        for option in ("--check", "--no-cold", "--limit=2", "--null"):
            self.notes("report", option, "x.act", "-o", "page",
                       says=[option.split("=")[0], "QUERIES"])
        for verb in ("profile", "report"):
            self.fails(TROUBLE, verb, "x.act", "q", "--check", "--no-cold", says="--no-cold")
        self.notes("warm", "--all", "--null", "x.act", says="--trace")
        self.notes("resident", "--top=0", "--depth=2", "x.act", says="--depth")

    def test_profile_and_report(self):
        self.write("q", "new\nkey/0000000/0\n")
        for option, found in ((MAPPED[1], 2), (MAPPED[2], 2), (f"--at={self.roots[1]}", 1)):
            report = json.loads(self.ok("profile", "x.act", "q", "--json", "--no-cold", option))
            self.assertEqual(report["found"], found)
            self.assertIn(b"</html>", self.ok("report", "x.act", "q", "--no-cold", option))
        for verb in ("profile", "report"):
            self.refuses(verb, ["--access=read", "--guard=thread", "--advice=random",
                                "--populate=all", "--lock=all", "--huge=on", "--budget=4M",
                                "--private"], "x.act", "q", "--no-cold")


if __name__ == "__main__":
    main()
