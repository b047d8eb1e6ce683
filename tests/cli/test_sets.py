#!/usr/bin/env python3
"""split and join, sets in place of files, and what is wrong with sets."""
import ctypes
import ctypes.util
import functools
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import xml.etree.ElementTree

from tool import ACTREE, DAMAGED, NO, PLATFORM, TROUBLE, ToolTest, main, needs_mapping

PART = re.compile(r"x\.set\.[a-z2-7]{8}-\d+\.act\Z")


class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def sealed(lines):
    """A manifest of these lines, with a checksum that is right; None where nothing computes it."""
    library = ctypes.util.find_library("xxhash")
    if not library:
        return None
    function = ctypes.CDLL(library).XXH3_128bits
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    function.restype = Hash128
    text = b"".join(line + b"\n" for line in lines)
    hashed = function(text, len(text))
    return text + f"sum\t{hashed.high:016x}{hashed.low:016x}\n".encode()


@functools.lru_cache(None)
def made(tsv, parts):
    """A folder with x.act, and x.set of it; made once, as each test begins with a copy of one."""
    folder = tempfile.TemporaryDirectory(prefix="actree-cli-sets-")
    unittest.addModuleCleanup(folder.cleanup)
    for arguments in ["build", "-o", "x.act", "-"], ["split", "--parts", str(parts), "-o", "x.set", "x.act"]:
        if parts or arguments[0] == "build":
            subprocess.run([ACTREE, *arguments], input=tsv.encode(), check=True, cwd=folder.name,
                           capture_output=True)
    return folder


class SetTest(ToolTest):
    tsv = "".join(f"{i % 40:02}/{i % 7}/{i:05}\t{i}\n" for i in sorted(
        range(6000), key=lambda i: (i % 40, i % 7, i)))
    parts_made = 0  # of the set that is there: 0: none

    def setUp(self):
        super().setUp()
        shutil.copytree(made(self.tsv, self.parts_made).name, self.folder, dirs_exist_ok=True)

    def split(self, *options, name="x.act", to="x.set"):
        return json.loads(self.ok("split", "--json", *(options or ("--parts", "5")), "-o", to, name))

    def parts(self, name="x.set"):
        """The files' names, which need no escapes here, from the manifest itself."""
        return [line.split("\t")[1] for line in self.read(name).decode().splitlines()
                if line.startswith("part\t")]

    def listing(self):
        return sorted(os.listdir(self.folder))

    def remove_but(self, *kept):
        for name in set(self.listing()) - set(kept):
            os.remove(self.path(name))

    def interrupt(self, number, share, seconds, *arguments):
        """Sends a signal to a run when it has taken a share of these seconds: status and message."""
        environ = dict(os.environ)
        if number == signal.SIGKILL:
            # What looks for leaks is a process of its own, and says so when its subject dies.
            environ["ASAN_OPTIONS"] = environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        process = subprocess.Popen([ACTREE, *arguments], cwd=self.folder, stderr=subprocess.PIPE,
                                   env=environ)
        time.sleep(share * seconds)
        process.send_signal(number)
        _, message = process.communicate(timeout=60)
        return process.returncode, message

    def seconds(self, *arguments):
        begin = time.monotonic()
        self.ok(*arguments)
        return time.monotonic() - begin


class Split(SetTest):
    def test_and_join(self):
        for layout in ("indexed", "plain", "compact"):
            for threads in ("1", "2", "7"):
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
            done = self.run_tool("verify", "x.set")
            self.assertEqual(done.returncode, 0, done.stderr)
            text = self.ok("dump", "x.set").decode()
            self.assertIn(text, (old, new) if status else (new,))
            if text == new:
                self.remove_but("x.act", "new.act")
                for name, content in before.items():
                    self.write(name, content)
            else:
                self.remove_but("x.act", "new.act", *before)
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
        self.build("".join(f"{i:07}\t{i}\n" for i in range(400000)), name="big.act")
        self.split("--parts", "7", name="big.act", to="big.set")
        for file, other in (("x.act", "x.set"), ("big.act", "big.set")):
            for arguments in (["dump"], ["dump", "-r"], ["dump", "-n", "2500"],
                              ["dump", "-n", "2500", "-r"], ["range", "--from", "0200"],
                              ["range", "--from", "02", "--to", "05"], ["range", "--to", "031"],
                              ["range", "--from", "01", "--to", "039", "-r", "-n", "9"]):
                verb, *options = arguments
                self.assertEqual(self.ok(verb, file, *options), self.ok(verb, other, *options))
            for prefix in ("", "0", "01", "012", "0399999"):
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

    def test_info_of_a_set_that_lacks_parts(self):
        """What the manifest says is told all the same."""
        names = self.parts()
        for name in names[2:]:
            os.remove(self.path(name))
        text = self.fails(TROUBLE, "info", "x.set", says=names[2]).decode()
        for name in names:
            self.assertIn(name, text)
        self.assertNotIn("Pages", text)
        report = json.loads(self.fails(TROUBLE, "info", "--json", "x.set", says=names[2]))
        self.assertEqual((report["keys"], report["paging"], len(report["parts"])), (6000, None, 5))

    def test_info_of_small_parts(self):
        """They are read, so that options for pages do nothing: it says so."""
        text = self.ok("info", "--populate=all", "--advice=random", "x.set").decode()
        self.assertRegex(text, r"(?m)^  access +read$")
        self.assertIn("read into memory as a whole", text)
        self.assertNotIn("advice", text)

    @needs_mapping
    def test_info_of_pages(self):
        def info(*options):
            return json.loads(self.ok("info", "--json", "--access=map", *options, "x.set"))
        total = sum(os.path.getsize(self.path(name)) for name in self.parts())
        report = info()
        pages = report["paging"]
        self.assertEqual((pages["access"], pages["advice"], pages["advice_chosen"]),
                         ("map", "normal", True))
        self.assertIn("of all parts are within half", pages["reason"])
        self.assertEqual((pages["populate"], pages["locked_bytes"], pages["budget_bytes"]),
                         ("none", 0, 0))
        self.assertGreater(report["hot_bytes"], 0)
        self.assertLess(report["hot_bytes"], total)
        for part in report["parts"]:
            self.assertIn("of the whole set", part["paging"]["reason"])
        pages = info("--populate=all")["paging"]
        self.assertEqual((pages["populate"], pages["populated_bytes"]), ("all", total))
        self.assertIn("populated", pages["reason"])
        hot = info("--populate=hot")
        self.assertEqual(hot["paging"]["populate_asked_bytes"], hot["hot_bytes"])
        pages = info("--advice=random", "--budget=5M")["paging"]
        self.assertEqual((pages["advice"], pages["advice_chosen"], pages["budget_bytes"]),
                         ("random", False, 5 << 20))
        self.assertIn("of each part no more than 5.0 MiB", pages["reason"])
        text = self.ok("info", "--access=map", "--populate=hot", "--budget=4M", "x.set").decode()
        for word in ("Pages", "hot regions", "populated", "budget", "(chosen)"):
            self.assertIn(word, text)
        self.fails(TROUBLE, "info", "--populate-prefix=0", "x.set", says="by prefix")

    @needs_mapping
    def test_info_of_locks(self):
        arguments = ("info", "--json", "--access=map", "--lock=hot", "x.set")
        done = self.run_tool(*arguments)
        if done.returncode == TROUBLE and b"cannot lock" in done.stderr:
            self.assertIn(self.parts()[0].encode(), done.stderr)
            self.skipTest("nothing may be locked here")
        report = json.loads(done.stdout)
        locked = [part["paging"]["locked_bytes"] for part in report["parts"]]
        self.assertGreater(min(locked), 0)
        self.assertEqual(report["paging"]["locked_bytes"], sum(locked))
        if PLATFORM != "linux" or os.environ.get("ACT_TEST_SANITIZE"):
            return  # no such limit; sanitizers lock nothing, and say that they did
        # The limit is one for all parts, which are locked together.
        limits = resource.getrlimit(resource.RLIMIT_MEMLOCK)
        for name in self.listing():
            os.chmod(self.path(name), 0o644)
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (max(locked) * 2, limits[1]))
        try:
            done = self.run_as_nobody(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_MEMLOCK, limits)
        self.assertEqual(done.returncode, TROUBLE, done.stdout)
        self.assertIn(b"RLIMIT_MEMLOCK", done.stderr)
        self.assertIsNone(json.loads(done.stdout)["paging"])

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


class Resident(SetTest):
    """What of a set's parts is in memory, as of a file."""

    parts_made = 3
    tsv = "".join(f"{word}{i:05}\t{i}\n" for word, count in
                  (("apple", 9000), ("banana", 11000), ("cherry", 9000), ("date", 9000))
                  for i in range(count))

    def setUp(self):
        super().setUp()
        if self.resident("--top=0")["cached_bytes"] is None:
            self.skipTest("this system does not tell what is in memory")

    def resident(self, *options, name="x.set"):
        return json.loads(self.ok("resident", "--json", "--access=map", *options, name))

    def test_sums(self):
        report = self.resident()
        parts = report["parts"]
        self.assertEqual([part["file"] for part in parts], self.parts())
        for key in ("file_bytes", "pages", "cached_bytes"):
            self.assertEqual(report[key], sum(part[key] for part in parts), key)
        for key in ("nodes", "bytes", "missing"):
            self.assertEqual(report["tree"][key], sum(part["tree"][key] for part in parts), key)
        self.assertEqual(sum(level["nodes"] for level in report["levels"]),
                         report["tree"]["nodes"])
        self.assertEqual((parts[0]["from"], parts[2]["to"]), ("", None))
        self.assertEqual([part["to"] for part in parts[:2]], [part["from"] for part in parts[1:]])
        for region in report["regions"]:
            self.assertNotIn("offset", region)
            self.assertEqual(region["bytes"], sum(own["bytes"] for part in parts
                                                  for own in part["regions"]
                                                  if own["name"] == region["name"]))
        for part in parts:
            offsets = [region["offset"] for region in part["regions"]]
            self.assertEqual((offsets[0], offsets), (0, sorted(offsets)))
        self.assertIsNone(self.resident("--top=0")["tree"])

    def test_prefixes_are_those_of_the_whole(self):
        """Ranges cut them: what several parts have of one is one row."""
        of_set = self.resident("--depth=1")["prefixes"]
        of_file = self.resident("--depth=1", name="x.act")["prefixes"]
        self.assertEqual(sorted(item["prefix"] for item in of_set), ["a", "b", "c", "d"])
        for item in of_set:
            other, = [other for other in of_file if other["prefix"] == item["prefix"]]
            # What leads to it is written in each part, and little else is.
            self.assertAlmostEqual(item["cached_bytes"] / other["cached_bytes"], 1, delta=0.05)
        # What makes a prefix worth telling is a share of the whole set, not of a part: a 16th.
        prefixes = [item["prefix"] for item in self.resident("--top=4")["prefixes"]]
        self.assertIn("apple0", prefixes)
        self.assertNotIn("apple00", prefixes)
        prefixes = [item["prefix"] for item in self.resident()["prefixes"]]
        self.assertEqual(len(prefixes), len(set(prefixes)))
        self.assertEqual(len(self.resident("--top=3")["prefixes"]), 3)
        weights = [item["cached_bytes"] for item in self.resident("--top=9")["prefixes"]]
        self.assertEqual(weights, sorted(weights, reverse=True))

    def test_cut_prefixes_are_whole(self):
        """Though each part has too little of one for a place among its own."""
        def weights(top):
            return {item["prefix"]: item["cached_bytes"]
                    for item in self.resident("--depth=1", f"--top={top}")["prefixes"]}
        bound = self.resident("--top=0")["parts"][1]["from"]
        self.assertEqual(bound[0], "b")
        everything = weights(9)
        self.assertEqual(max(everything, key=everything.get), "b")
        for top in (1, 2, 3, 4):
            some = weights(top)
            self.assertEqual((len(some), next(iter(some))), (top, "b"))
            self.assertEqual({key: everything[key] for key in some}, some)

    def test_spots_are_of_one_size(self):
        """That of a file with as many bytes, however many parts there are."""
        self.build("".join(f"{i:06}\t{2**63 + i}\n" for i in range(320000)))
        self.assertGreater(os.path.getsize(self.path("x.act")), 4 << 20)
        self.split("--parts", "3")
        for name in ("x.act", "x.set"):
            self.assertIn("a spot: 8.0 KiB", self.ok("resident", "--access=map", name).decode())

    def test_below_a_prefix(self):
        report = self.resident("--prefix=banana")
        self.assertEqual({item["prefix"][:6] for item in report["prefixes"]}, {"banana"})
        whole = self.resident()
        self.assertLess(report["tree"]["nodes"], whole["tree"]["nodes"] // 2)
        self.assertEqual(report["cached_bytes"], whole["cached_bytes"])
        report = self.resident("--depth=1", "--prefix=61", "--keys=hex")
        self.assertEqual([item["prefix"] for item in report["prefixes"]], ["61"])
        self.fails(NO, "resident", "--access=map", "--prefix=blueberry", "x.set", says="prefix")
        self.fails(TROUBLE, "resident", "--keys=hex", "--prefix=x", "x.set")

    def test_text(self):
        text = self.ok("resident", "--access=map", "x.set").decode()
        for word in (*self.parts(), "Map of the parts", "By region", "By level", "By prefix",
                     "hot region", "banana"):
            self.assertIn(word, text)
        self.assertNotRegex(text, r"(?m) $")
        # A map for each part, from its first byte on.
        self.assertEqual(len(re.findall(r"(?m)^ +0  [^ ]+  header", text)), 3)

    def test_svg(self):
        svg = "{http://www.w3.org/2000/svg}"
        root = xml.etree.ElementTree.fromstring(self.ok("resident", "--svg", "--access=map", "x.set"))
        texts = ["".join(text.itertext()) for text in root.iter(svg + "text")]
        for word in ("x.set", *self.parts()):
            self.assertIn(word, texts)
        self.assertEqual(texts.count("hot region"), 3)
        self.assertTrue(any("keys from" in text and "up to" in text for text in texts))
        titles = [title.text for title in root.iter(svg + "title")]
        for name in self.parts():
            offsets = [int(match.group(1)) for match in
                       (re.match(rf"{re.escape(name)}, offset (\d+), ", title) for title in titles)
                       if match]
            self.assertEqual(offsets, sorted(set(offsets)))
            self.assertEqual(offsets[0], 0)
            self.assertLess(offsets[-1], os.path.getsize(self.path(name)))
        self.assertTrue(any("banana" in title for title in titles))
        tops = [float(text.get("y")) for text in root.iter(svg + "text")]
        self.assertLess(max(tops), float(root.get("height")))

    def test_html(self):
        self.assertEqual(self.ok("resident", "--html", "--access=map", "x.set", "-o", "page"), b"")
        page = self.read("page").decode()
        for word in ("</html>", *self.parts()):
            self.assertIn(word, page)
        page = self.ok("report", "--access=map", "x.set").decode()
        for name in self.parts():
            self.assertIn(f"Part <code>{name}</code>, keys from", page)
        self.assertIn("Prefixes with the most in memory", page)

    def test_small_parts_beside_mapped_ones(self):
        """They have no pages in the cache, and do not make it unknown what others have."""
        lines = self.tsv.splitlines(keepends=True)
        for count in range(18000, 20000, 250):
            self.build("".join(lines[:count]))
            self.split("--parts", "2")
            sizes = [os.path.getsize(self.path(name)) for name in self.parts()]
            if min(sizes) <= 64 << 10 < max(sizes):
                break
        report = json.loads(self.ok("resident", "--json", "x.set"))
        mapped = [part for part in report["parts"] if part["mapped"]]
        self.assertLess(0, len(mapped))
        self.assertLess(len(mapped), len(sizes))
        self.assertTrue(report["mapped"])
        self.assertEqual(report["cached_bytes"], sum(part["cached_bytes"] for part in mapped))
        self.assertEqual(report["file_bytes"], sum(sizes))
        self.assertIn("small and read into memory", self.ok("resident", "x.set").decode())

    def test_watch(self):
        with subprocess.Popen([ACTREE, "resident", "--watch=0.05", "--json", "x.set"],
                              cwd=self.folder, stdout=subprocess.PIPE) as process:
            reports = 0
            while reports < 2:
                line = process.stdout.readline()
                self.assertTrue(line)
                reports += line == b"}\n"
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            self.assertEqual(process.wait(), 0)


class Wrong(SetTest):
    """What is wrong with one part does not stop the others."""

    parts_made = 5

    def setUp(self):
        super().setUp()
        self.names = self.parts()
        lowest = [line.split("\t")[2] for line in self.read("x.set").decode().splitlines()
                  if line.startswith("part\t")]
        # The first entry of each part: keys and values.
        self.firsts = [next(line.split("\t") for line in self.tsv.splitlines(keepends=True)
                            if line.split("\t")[0] >= key) for key in lowest]

    def check_part(self, index, status, *says):
        name = self.names[index]
        for i, (key, value) in enumerate(self.firsts):
            if i == index:
                self.fails(status, "get", "x.set", key, says=[name, *says])
            else:
                self.assertEqual(self.ok("get", "x.set", key).decode(), value)
        printed = self.fails(status, "dump", "x.set", says=[name, *says]).decode()
        self.assertTrue(self.tsv.startswith(printed))
        self.assertFalse(self.fails(status, "dump", "-r", "x.set", says=[name]) == b"" and index < 4)
        self.fails(status, "verify", "x.set", says=[name, *says])
        before = self.listing()
        self.fails(status, "join", "-o", "y.act", "x.set", says=[name])
        self.assertEqual(self.listing(), before)

    def test_missing(self):
        for index in range(5):
            content = self.read(self.names[index])
            os.remove(self.path(self.names[index]))
            self.check_part(index, TROUBLE, "No such file")
            self.write(self.names[index], content)
        self.ok("verify", "x.set")

    def test_another_file(self):
        self.write(self.names[1], self.read("x.act"))
        self.check_part(1, DAMAGED, "not the file")
        self.write(self.names[1], self.read(self.names[2]))
        self.check_part(1, DAMAGED, "not the file")

    def test_cut_short(self):
        self.write(self.names[3], self.read(self.names[3])[:-1])
        self.check_part(3, DAMAGED)
        self.write(self.names[3], b"")
        self.check_part(3, DAMAGED)

    def test_a_folder(self):
        os.remove(self.path(self.names[2]))
        os.mkdir(self.path(self.names[2]))
        self.check_part(2, TROUBLE, "a directory")

    def test_a_set_as_a_part(self):
        os.remove(self.path(self.names[2]))
        os.symlink("x.set", self.path(self.names[2]))
        self.check_part(2, DAMAGED, "a set itself")

    def test_other_values_of_the_same_size(self):
        """What only verify can tell."""
        lines = self.ok("dump", self.names[0])
        self.ok("build", "--threads=1", "--layout=plain", "-o", "a.act", "-", stdin=lines)
        self.ok("build", "--layout=plain", "-o", "b.act", "-",
                stdin=lines.replace(b"\t1", b"\t2", 1))
        self.assertEqual(len(self.read("a.act")), len(self.read("b.act")))
        self.split("--parts=1", "--layout=plain", name="a.act", to="y.set")
        part, = self.parts("y.set")
        self.write(part, self.read("b.act"))
        self.ok("dump", "y.set")
        self.fails(DAMAGED, "verify", "y.set", says=[part, "other entries"])
        report = json.loads(self.fails(DAMAGED, "verify", "--json", "y.set", says=part))
        self.assertEqual((report["sound"], report["part"], report["rule"]), (False, part, None))

    def test_damage_inside_of_a_part(self):
        content = bytearray(self.read(self.names[4]))
        content[len(content) // 2] ^= 1
        self.write(self.names[4], bytes(content))
        report = json.loads(self.fails(DAMAGED, "verify", "--json", "x.set", says=self.names[4]))
        self.assertEqual((report["sound"], report["part"]), (False, self.names[4]))
        self.assertIsNotNone(report["rule"])

    def test_damaged_manifests(self):
        """Some of them: the unit test has all cuts, and all bits flipped."""
        content = self.read("x.set")
        for cut in range(1, len(content), 67):
            self.fails(DAMAGED, "get", self.write("y.set", content[:cut]), "x", says="y.set")
        for at in range(0, len(content), 67):
            changed = bytearray(content)
            changed[at] ^= 1
            self.fails(DAMAGED, "get", self.write("y.set", bytes(changed)), "x", says="y.set")

    def manifest(self, name="x.set"):
        """Its lines but the last."""
        return self.read(name).split(b"\n")[:-2]

    def seal(self, lines, entries=None):
        """Writes them as y.set, with numbers of parts and entries, and a checksum, that are right."""
        head = lines[1].split(b"\t")
        parts = lines[2:]
        if entries is None:
            entries = sum(int(part.split(b"\t")[4]) for part in parts)
        head[1:3] = b"%d" % len(parts), b"%d" % entries
        content = sealed([lines[0], b"\t".join(head), *parts])
        if content is None:
            self.skipTest("there is no library that computes the checksum")
        self.write("y.set", content)

    def test_parts_that_are_not_those_of_the_set(self):
        """The checksum of the manifest is right, and what each line says is."""
        magic, head, *parts = self.manifest()
        names = self.names
        self.seal([magic, head, *parts])
        self.ok("verify", "y.set")

        def refused(lines, *says):
            self.seal([magic, head, *lines])
            for verb in ("info", "verify", "dump"):
                self.assertEqual(self.fails(DAMAGED, verb, "y.set", says=["y.set", *says]),
                                 b"damaged: file is damaged\n" if verb == "verify" else b"")
        refused(parts[1:], "the first part", names[1])
        refused(parts[:2] + parts[3:], "missing between", names[1], names[3])
        refused(parts[:4], "missing after", names[3])
        refused([*parts[:2], parts[2], parts[2], *parts[3:]], "overlap", names[2])
        refused([*parts[:2], parts[3], parts[2], parts[4]], "missing between", names[1], names[3])
        # Two parts that have changed their files' names.
        fields = [part.split(b"\t") for part in parts]
        fields[1][1], fields[2][1] = fields[2][1], fields[1][1]
        self.seal([magic, head, *[b"\t".join(part) for part in fields]])
        self.fails(DAMAGED, "verify", "y.set", says=["not the file", names[2]])
        # A part of a set that is split elsewhere.
        self.split("--parts", "6", to="other.set")
        other = self.manifest("other.set")[3]
        refused([parts[0], other, *parts[2:]], self.parts("other.set")[1])

    def test_a_part_of_a_set_that_is_split_alike(self):
        """Only with all others it is seen that it is of another set."""
        self.build(self.tsv.replace("\t1", "\t2"), name="other.act")
        self.split("--parts", "5", name="other.act", to="other.set")
        lines, others = self.manifest(), self.manifest("other.set")
        lines[4] = others[4]
        if lines[4].split(b"\t")[2:5] != self.manifest()[4].split(b"\t")[2:5]:
            self.skipTest("they are not split alike")
        self.seal(lines)
        self.ok("dump", "y.set")
        self.fails(DAMAGED, "verify", "y.set", says="one of them is of another set")
        report = json.loads(self.fails(DAMAGED, "verify", "--json", "y.set", says="another set"))
        self.assertEqual((report["sound"], report["part"], report["rule"]), (False, None, None))
        # With another number of entries, it is seen at once.
        self.seal(self.manifest(), entries=6001)
        self.fails(DAMAGED, "info", "y.set", says="6000 entries")

    def test_manifests_of_version_1(self):
        """They do not say what the set was made with; but what they say is checked."""
        magic, head, *parts = self.manifest()
        old = []
        for part in parts:
            fields = part.split(b"\t")
            old.append(b"\t".join(fields[:3] + fields[4:]))
        content = sealed([b"ACTreeSet01", b"\t".join(head.split(b"\t")[:2]), *old])
        if content is None:
            self.skipTest("there is no library that computes the checksum")
        self.assertEqual(magic, b"ACTreeSet02")
        self.write("y.set", content)
        self.assertEqual(self.ok("dump", "y.set").decode(), self.tsv)
        self.ok("verify", "y.set")
        self.ok("info", "y.set")
        os.remove(self.path(self.names[1]))
        self.fails(TROUBLE, "verify", "y.set", says=self.names[1])

    def test_a_manifest_larger_than_any(self):
        with open(self.path("y.set"), "wb") as file:
            file.write(b"ACTreeSet02\nparts\t1\npart\t")
            file.truncate(1 << 30)
        for verb in ("info", "dump", "verify"):
            self.fails(DAMAGED, verb, "y.set", says="larger than")


if __name__ == "__main__":
    main()
