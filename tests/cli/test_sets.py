#!/usr/bin/env python3
"""split and join, and sets in place of files."""
import json
import os
import re
import resource
import signal
import subprocess

from sets import SetTest
from tool import ACTREE, DAMAGED, NO, TROUBLE, main, needs_mapping

PART = re.compile(r"x\.set\.[a-z2-7]{8}-\d+\.act\Z")


class Split(SetTest):
    def test_and_join(self):
        for layout in ("indexed", "plain", "compact"):
            # Other layouts are built by one thread.
            for threads in ("1", "2", "7") if layout == "indexed" else ("2",):
                report = self.split("--parts", "5", "--layout", layout, "--threads", threads)
                self.assertEqual((report["parts"], report["keys"], report["layout"]),
                                 (5, 6000, layout))
                self.assertEqual(self.ok("dump", "x.set").decode(), self.tsv)
                names = self.parts()
                self.assertTrue(all(PART.match(name) for name in names), names)
                self.assertEqual(report["file_bytes"],
                                 sum(os.path.getsize(self.path(name)) for name in names))
                # Nothing else is left: not of the set that was there before.
                self.assertEqual(self.listing(), sorted(["x.act", "x.set", *names]))
                self.ok("join", "-o", "y.act", "x.set")
                self.assertEqual(self.read("y.act"), self.read("x.act"))
                os.remove(self.path("y.act"))

    def test_join_does_not_replace_a_part(self):
        self.split()
        for name in (self.parts()[0], self.parts()[-1]):
            before = self.read(name)
            self.fails(TROUBLE, "join", "-o", name, "x.set", says="is a part of the set")
            self.assertEqual(self.read(name), before)
        self.assertEqual(self.ok("dump", "x.set").decode(), self.tsv)

    def test_parts_are_of_about_equal_size(self):
        self.split("--parts", "4")
        sizes = [os.path.getsize(self.path(name)) for name in self.parts()]
        self.assertLess(max(sizes), 2 * min(sizes), sizes)

    def test_part_size(self):
        nbytes = os.path.getsize(self.path("x.act"))
        self.assertEqual(self.split("--part-size", str(nbytes // 3))["parts"], 4)
        self.assertEqual(self.split("--part-size", str(nbytes))["parts"], 1)
        self.assertEqual(self.split("--part-size", "1T")["parts"], 1)

    def test_small_files(self):
        for tsv in ("", "\t7\n", "a\t1\n", "\t1\na\t2\nab\t3\n"):
            self.build(tsv, name="small.act")
            self.split("--parts", "9", name="small.act")
            self.assertEqual(self.ok("dump", "x.set").decode(), tsv)
            self.ok("join", "-o", "y.act", "x.set")
            self.assertEqual(self.read("y.act"), self.read("small.act"))

    def test_paths_without_values(self):
        for name in ("dangling", "nested", "grafted", "merged3", "versioned", "words"):
            source = self.golden(f"{name}.act")
            before = json.loads(self.ok("info", "--json", "--content", source))
            for parts in ("2", "7"):
                report = self.split("--parts", parts, name=source)
                self.assertEqual(report["content"], before["content"], name)
                self.assertEqual(report["dangling_paths"], before["dangling_paths"])
                joined = json.loads(self.ok("join", "--json", "-o", "y.act", "x.set"))
                self.assertEqual(joined["dangling_paths"], before["dangling_paths"], name)
                self.assertEqual(joined["content"], before["content"], name)

    def test_what_is_no_set_is_not_replaced(self):
        self.write("other", "notes\n")
        for target in ("other", "x.act"):
            before = self.read(target)
            self.fails(TROUBLE, "split", "--parts=2", "-o", target, "x.act", says=target)
            self.assertEqual(self.read(target), before)
        os.mkdir(self.path("folder"))
        self.fails(TROUBLE, "split", "--parts=2", "-o", "folder", "x.act", says="folder")
        self.assertEqual(self.listing(), ["folder", "other", "x.act"])

    def test_a_set_is_not_replaced_by_one_of_its_parts(self):
        self.split()
        before = self.listing()
        name = self.parts()[2]
        for file in (name, "./" + name):
            self.fails(TROUBLE, "split", "--parts=2", "-o", "x.set", file, says="a part of x.set")
        self.assertEqual(self.listing(), before)
        self.ok("verify", "x.set")
        self.split(name=name, to="y.set")

    def test_a_damaged_set_is_replaced(self):
        self.write("x.set", "ACTreeSet01\nparts\t")
        self.split()
        self.assertEqual(self.ok("dump", "x.set").decode(), self.tsv)

    def test_usage(self):
        for arguments, says in ((["x.act", "--parts=2"], "--output"),
                                (["x.act", "--parts=2", "-o", "-"], "--output"),
                                (["x.act", "-o", "x.set"], "--part-size"),
                                (["x.act", "-o", "x.set", "--parts=2", "--part-size=9"], "--parts"),
                                (["x.act", "-o", "x.set", "--parts=0"], "above 0"),
                                (["x.act", "-o", "x.set", "--parts=many"], "many"),
                                (["x.act", "-o", "x.set", "--parts=100001"], "100000"),
                                (["x.act", "-o", "x.set", "--part-size=0"], "above 0"),
                                (["none.act", "-o", "x.set", "--parts=2"], "none.act"),
                                (["x.act", "-o", "no/such/x.set", "--parts=2"], "no/such")):
            self.fails(TROUBLE, "split", *arguments, says=says)
        self.fails(TROUBLE, "join", "x.act", says="--output")
        self.split()
        self.fails(TROUBLE, "split", "x.set", "-o", "y.set", "--parts=2", says="is a set")
        self.fails(TROUBLE, "walk", "x.set", says="is a set")

    def test_a_damaged_file_leaves_nothing(self):
        content = bytearray(self.read("x.act"))
        content[len(content) // 2] ^= 0xff
        self.write("bad.act", bytes(content))
        self.fails(DAMAGED, "split", "--parts=3", "-o", "x.set", "bad.act", says="bad.act")
        self.assertEqual(self.listing(), ["bad.act", "x.act"])

    def test_a_full_disk_leaves_nothing(self):
        limit = "ulimit -f 8; exec \"$0\" \"$@\""
        for threads in ("1", "2"):
            done = subprocess.run(["sh", "-c", limit, ACTREE, "split", "--parts=3", "--threads",
                                   threads, "-o", "x.set", "x.act"], cwd=self.folder,
                                  capture_output=True, check=False, timeout=60)
            self.assertEqual(done.returncode, TROUBLE, done.stderr)
            self.assertIn(b"x.set", done.stderr)
            self.assertEqual(self.listing(), ["x.act"])

    def test_killed_at_any_time(self):
        """The old set or the new one, whole; parts that nothing refers to may be left."""
        self.split("--parts", "3")
        self.build(self.tsv.replace("\t", "\t1"), name="new.act")
        old, new = self.tsv, self.tsv.replace("\t", "\t1")
        arguments = ["split", "--parts=6", "-o", "x.set", "new.act"]
        seconds = self.seconds(*arguments)
        self.split("--parts", "3")
        before = {name: self.read(name) for name in ("x.set", *self.parts())}
        killed = 0
        for share in [i / 25 for i in range(1, 26)]:
            status, message = self.interrupt(signal.SIGKILL, share, seconds, *arguments)
            self.assertIn((status, message), ((0, b""), (-signal.SIGKILL, b"")))
            killed += status != 0
            text = self.ok("dump", "x.set").decode()
            self.assertIn(text, (old, new) if status else (new,))
            if text == new:
                self.remove_but("x.act", "new.act")
                for name, content in before.items():
                    self.write(name, content)
            else:
                self.remove_but("x.act", "new.act", *before)
        self.ok("verify", "x.set")
        self.assertGreater(killed, 0, "no kill came in time")

    def test_interrupted(self):
        """Nothing is left; or, where the set was in place by then, all of it."""
        big = "".join(f"{i:07}\t{i}\n" for i in range(300000))
        self.build(big, name="big.act")
        arguments = ["split", "--parts=9", "-o", "x.set", "big.act"]
        seconds = self.seconds(*arguments)
        for number in (signal.SIGINT, signal.SIGTERM):
            interrupted = 0
            for share in (0.6, 0.4, 0.2):
                self.remove_but("big.act", "x.act")
                status, message = self.interrupt(number, share, seconds, *arguments)
                if status == 0:
                    continue  # it was faster
                self.assertEqual((status, message), (-number, b""))
                if "x.set" in self.listing():
                    self.assertEqual(self.ok("dump", "x.set").decode(), big)
                    self.assertEqual(self.listing(),
                                     sorted(["big.act", "x.act", "x.set", *self.parts()]))
                    continue
                interrupted += 1
                self.assertEqual(self.listing(), ["big.act", "x.act"])
            self.assertGreater(interrupted, 0, "no signal came in time")


class Read(SetTest):
    """Verbs answer as for one file."""

    parts_made = 5

    def test_get(self):
        keys = [line.split("\t")[0] for line in self.tsv.splitlines()[::97]] + ["", "none", "07/3"]
        for form in ([], ["-k", "hex"]):
            asked = [key.encode().hex() if form else key for key in keys]
            self.assertEqual(self.ok("get", *form, "x.set", *asked, status=NO),
                             self.ok("get", *form, "x.act", *asked, status=NO))

    def test_ranges(self):
        # Large enough to be printed by two threads.
        self.build("".join(f"{i:06}\t{2**63 + i}\n" for i in range(90000)), name="big.act")
        self.assertGreater(os.path.getsize(self.path("big.act")), 1 << 20)
        self.split("--parts", "7", name="big.act", to="big.set")
        for file, other in (("x.act", "x.set"), ("big.act", "big.set")):
            for arguments in (["dump"], ["dump", "-r"], ["dump", "-n", "2500"],
                              ["dump", "-n", "2500", "-r"], ["range", "--from", "020"],
                              ["range", "--from", "02", "--to", "05"], ["range", "--to", "031"],
                              ["range", "--from", "01", "--to", "039", "-r", "-n", "9"]):
                verb, *options = arguments
                self.assertEqual(self.ok(verb, file, *options), self.ok(verb, other, *options))
            for prefix in ("", "0", "01", "012", "089999"):
                status = NO if file == "x.act" and len(prefix) > 2 else 0
                self.assertEqual(self.ok("prefix", file, prefix, status=status),
                                 self.ok("prefix", other, prefix, status=status))
            self.ok("prefix", other, "none", status=NO)
            self.ok("range", other, "--from", "z", status=NO)

    def test_info(self):
        report = json.loads(self.ok("info", "--json", "--content", "x.set"))
        of_file = json.loads(self.ok("info", "--json", "--content", "x.act"))
        self.assertEqual((report["keys"], report["content"]), (6000, of_file["content"]))
        self.assertEqual(len(report["parts"]), 5)
        self.assertEqual(report["parts"][0]["from"], "")
        self.assertEqual(sum(part["keys"] for part in report["parts"]), 6000)
        text = self.ok("info", "x.set").decode()
        self.assertIn("6,000", text)
        for name in self.parts():
            self.assertIn(name, text)

    def test_resident(self):
        names = self.parts()
        text = self.ok("resident", "x.set").decode()
        for word in (*names, "By part", "By region", "in parts: 5"):
            self.assertIn(word, text)
        report = json.loads(self.ok("resident", "--json", "x.set"))
        self.assertEqual([part["file"] for part in report["parts"]], names)
        self.assertEqual(report["file_bytes"],
                         sum(os.path.getsize(self.path(name)) for name in names))
        # Small parts are read, and of these all is in memory.
        self.assertEqual((report["mapped"], report["tree"]["missing"]), (False, 0))
        os.remove(self.path(names[3]))
        for options in ([], ["--json"], ["--svg"]):
            self.fails(TROUBLE, "resident", *options, "x.set", says=names[3])

    @needs_mapping
    def test_warm(self):
        total = sum(os.path.getsize(self.path(name)) for name in self.parts())
        report = json.loads(self.ok("warm", "--json", "--all", "--access=map", "x.set"))
        self.assertEqual((report["warm_bytes"], report["cut"]), (total, False))
        hot = json.loads(self.ok("warm", "--json", "--hot", "--access=map", "x.set"))
        self.assertLess(hot["warm_bytes"], total)
        self.ok("warm", "--prefix=07/", "x.set")
        self.assertEqual(self.run_tool("warm", "--prefix=none", "x.set").returncode, NO)
        self.write("queries", "00/0/00000\n39/6/05999\nnone\n")
        report = json.loads(self.ok("warm", "--json", "--trace=queries", "--access=map", "x.set"))
        self.assertEqual((report["keys"], report["keys_done"], report["complete"]), (3, 3, True))
        self.assertRegex(self.ok("warm", "--all", "x.set").decode(), r"in \d+\.\d ms")
        os.remove(self.path(self.parts()[2]))
        self.fails(TROUBLE, "warm", "--all", "x.set", says=self.parts()[2])

    def test_saved_and_restored(self):
        done = self.run_tool("resident", "--save=pages", "--access=map", "--json", "x.set")
        if done.returncode == TROUBLE and b"does not tell" in done.stderr:
            self.skipTest("the system does not tell what is in memory")
        saved = json.loads(done.stdout)
        report = json.loads(self.ok("warm", "--json", "--restore=pages", "--access=map", "x.set"))
        self.assertEqual(report["warm_bytes"], saved["saved_bytes"])
        self.fails(TROUBLE, "warm", "--restore=none", "x.set", says="none")
        # What is of a set is not of a file, nor of another set.
        self.fails(DAMAGED, "warm", "--restore=pages", "x.act", says="pages")
        self.split("--parts", "3", to="y.set")
        self.fails(TROUBLE, "warm", "--restore=pages", "y.set", says="another set")

    def test_profile(self):
        self.write("queries", "".join(line.split("\t")[0] + "\n" for line in
                                      self.tsv.splitlines()[::7]) + "none\n")
        of_set = json.loads(self.ok("profile", "--json", "--access=map", "x.set", "queries"))
        of_file = json.loads(self.ok("profile", "--json", "--access=map", "x.act", "queries"))
        for key in ("queries", "found"):
            self.assertEqual(of_set[key], of_file[key])
        self.assertEqual((of_set["parts"], of_set["file_bytes"]),
                         (5, sum(os.path.getsize(self.path(name)) for name in self.parts())))
        self.assertEqual([region["name"] for region in of_set["regions"]],
                         [region["name"] for region in of_file["regions"]])
        self.assertGreater(of_set["pages_touched"], 5)
        self.assertLessEqual(of_set["pages_touched"], of_set["file_bytes"] // 4096 + 5)
        self.assertEqual(of_set["cold_ns"] is None, of_file["cold_ns"] is None)
        self.assertIn("faults a query", self.ok("profile", "x.set", "queries",
                                                "--no-cold").decode())
        os.remove(self.path(self.parts()[2]))
        self.fails(TROUBLE, "profile", "x.set", "queries", "--no-cold", says=self.parts()[2])

    def test_a_part_alone_is_profiled_as_a_set_of_one(self):
        """Nothing but where pages stand may differ, and nothing depends on that."""
        self.split("--parts", "1", to="one.set")
        self.write("queries", "".join(line.split("\t")[0] + "\n" for line in
                                      self.tsv.splitlines()[::3]))
        part = self.parts("one.set")[0]
        of_set = json.loads(self.ok("profile", "--json", "--no-cold", "--access=map", "one.set",
                                    "queries"))
        of_file = json.loads(self.ok("profile", "--json", "--no-cold", "--access=map", part,
                                     "queries"))
        for key in ("pages_touched", "page_touches", "reads", "bytes_read", "memory",
                    "touches_by_reuse_distance"):
            self.assertEqual(of_set[key], of_file[key], key)

    def test_report(self):
        self.write("queries", "00/0/00000\n39/6/05999\n")
        page = self.ok("report", "x.set", "queries", "--no-cold").decode()
        for part in ("A set of 5 parts", "6,000", "Shape of the tree", "Memory that the log needs",
                     *self.parts()):
            self.assertIn(part, page)
        self.assertIn("</html>", self.ok("report", "--access=map", "x.set").decode())
        os.remove(self.path(self.parts()[4]))
        self.fails(TROUBLE, "report", "x.set", says=self.parts()[4])

    def test_bench(self):
        self.write("queries", "".join(line.split("\t")[0] + "\n" for line in
                                      self.tsv.splitlines()[::7]) + "none\n")
        of_set = json.loads(self.ok("bench", "--json", "x.set", "queries"))
        of_file = json.loads(self.ok("bench", "--json", "x.act", "queries"))
        for key in ("queries", "hits", "value_sum", "entries"):
            self.assertEqual(of_set[key], of_file[key])

    def test_verify(self):
        self.assertIn(b"parts: 5", self.ok("verify", "x.set"))
        report = json.loads(self.ok("verify", "--json", "x.set"))
        self.assertEqual((report["sound"], report["checksummed"], report["parts"], report["part"]),
                         (True, True, 5, None))

    def test_convert(self):
        self.ok("convert", "--layout=plain", "x.set", "y.act")
        self.ok("convert", "--layout=plain", "x.act", "z.act")
        self.assertEqual(self.read("y.act"), self.read("z.act"))

    @needs_mapping
    def test_more_parts_than_files_may_be_open(self):
        self.split("--parts", "60")
        if len(self.parts()) < 50:
            self.skipTest("it was split into fewer parts")
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, limits[1]))
        try:
            self.assertEqual(self.ok("dump", "--access=map", "x.set").decode(), self.tsv)
            for verb in ("verify", "info", "resident"):
                self.ok(verb, "--access=map", "x.set")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    def test_a_part_is_a_file(self):
        text = "".join(self.ok("dump", name).decode() for name in self.parts())
        self.assertEqual(text, self.tsv)


if __name__ == "__main__":
    main()
