#!/usr/bin/env python3
"""The pages of sets: what info says of them, and what resident shows."""
import json
import os
import re
import resource
import signal
import subprocess
import xml.etree.ElementTree

from sets import SetTest
from tool import ACTREE, NO, PLATFORM, TROUBLE, main, needs_mapping


class Info(SetTest):
    """How the pages of the parts are held."""

    parts_made = 5

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


if __name__ == "__main__":
    main()
