#!/usr/bin/env python3
"""profile: what a log of queries needs of a file."""
import hashlib
import json
import os
import subprocess

from tool import ACTREE, DAMAGED, DONE, EMULATED, TROUBLE, ToolTest, main, needs_mapping


def is_reckoned():
    """Whether faults can be reckoned here: not what a sanitizer or an emulator takes of the memory,
    nor for files that are read as a whole, nor the lists of MGLRU."""
    try:
        with open("/sys/kernel/mm/lru_gen/enabled", encoding="ascii") as file:
            generations = int(file.read(), 16) != 0
    except OSError:
        generations = False
    return not (generations or os.environ.get("ACT_TEST_SANITIZE") or
                os.environ.get("ACT_TEST_EMULATOR") or
                os.environ.get("ACT_TEST_PLATFORM", "linux") != "linux")


class Profile(ToolTest):
    def make(self, count=20000, *options):
        self.build("".join(f"key/{i:07}/{i * 7919 % 10007}\t{i}\n" for i in range(count)), *options)
        self.write("q", "".join(f"key/{i:07}/{i * 7919 % 10007}\n"
                                for i in (j * 7919 % count for j in range(3000))))

    def report(self, *options):
        return json.loads(self.ok("profile", "x.act", "q", "--json", *options))

    def test_counts(self):
        self.make()
        report = self.report("--no-cold")
        self.assertEqual((report["queries"], report["found"]), (3000, 3000))
        self.assertEqual(report["file_bytes"], os.path.getsize(self.path("x.act")))
        pages = report["pages_touched"]
        self.assertLess(pages, report["file_bytes"] // report["page_bytes"] + 1)
        self.assertGreater(pages, 50)
        self.assertEqual(sum(region["pages_touched"] for region in report["regions"]), pages)
        self.assertEqual(sum(report["pages_by_level"]), pages)
        for part in ("regions", "kinds"):
            self.assertEqual(sum(entry["reads"] for entry in report[part]), report["reads"])
        self.assertEqual(sum(report["reads_by_level"]), report["reads"])
        self.assertEqual(sum(report["touches_by_reuse_distance"]), report["page_touches"])
        self.assertIsNone(report["cold_ns"])
        self.assertGreater(report["warm_ns"]["p50"], 0)
        self.assertGreaterEqual(report["warm_ns"]["max"], report["warm_ns"]["p99_9"])

    def test_curve(self):
        self.make()
        report = self.report("--no-cold")
        sizes = report["memory"]
        self.assertEqual((sizes[0]["percent"], sizes[-1]["percent"]), (1, 100))
        self.assertEqual(sizes[-1]["bytes"], report["file_bytes"])
        lru = [size["lru_faults_per_query"] for size in sizes]
        self.assertEqual(lru, sorted(lru, reverse=True))
        for size in sizes:
            self.assertLessEqual(size["sorted_faults_per_query"], size["faults_per_query"] + 1)
            self.assertAlmostEqual(
                size["hit_rate"],
                1 - size["faults_per_query"] * report["queries"] / report["page_touches"], 6)

    def test_the_same_key_again_and_again(self):
        self.make()
        self.write("q", "key/0000001/7919\n" * 1000)
        report = self.report("--no-cold")
        self.assertEqual(report["found"], 1000)
        self.assertLess(report["pages_touched"], 10)
        self.assertEqual(report["memory"][-1]["faults_per_query"], 0)
        # Also where it is one page that all of them are in.
        self.build("a\t1\n")
        self.write("q", "a\n" * 1000)
        self.assertEqual(self.report("--no-cold")["page_touches"], 1000)

    @needs_mapping
    def test_cold(self):
        self.make()
        report = self.report()
        if report["cold_ns"] is None:
            self.skipTest("the file cannot be thrown out of memory here")
        self.assertGreater(report["page_read_ns"], 0)
        self.assertEqual([order["order"] for order in report["cold_orders"]],
                         ["as it is", "sorted", "in batches", "sorted, in batches"])
        if not EMULATED:
            self.assertGreater(report["cold_orders"][0]["pages_read_per_query"], 0)
        self.assertLess(report["again"]["pages_read_per_query"], 0.05)
        self.assertGreater(report["memory"][0]["latency_ns"], 0)

    def test_all_layouts(self):
        for layout in ("plain", "compact"):
            self.make(8000, "--layout", layout)
            report = self.report("--no-cold")
            self.assertEqual([region["name"] for region in report["regions"]], ["nodes and lines"])
            self.assertEqual(report["found"], 3000)

    def test_absent_keys(self):
        self.make()
        self.write("q", "no\nkey/0000001/7919\nkey/\n\nkey/0000001/79190\n" + "x" * 5000 + "\n")
        report = self.report("--no-cold")
        self.assertEqual((report["queries"], report["found"]), (6, 1))

    def test_empty_log_and_empty_map(self):
        self.make(100)
        self.write("q", "")
        report = self.report()
        self.assertEqual((report["queries"], report["pages_touched"]), (0, 0))
        self.assertEqual(report["memory"][0]["faults_per_query"], 0)
        self.ok("profile", "x.act", "q")
        self.build("")
        self.write("q", "a\n\n")
        self.assertEqual(self.report("--no-cold")["found"], 0)
        self.ok("profile", "x.act", "q", "--no-cold")

    def test_first_queries(self):
        self.make()
        self.assertEqual(self.report("--no-cold", "--limit", "7")["queries"], 7)
        self.assertEqual(self.report("--no-cold", "-n", "0")["queries"], 0)

    def test_text(self):
        self.make()
        text = self.ok("profile", "x.act", "q", "--no-cold").decode()
        for part in ("different pages", "hot region", "faults a query", "100 %", "warm"):
            self.assertIn(part, text)
        self.assertNotRegex(text, r"(?m) $")
        self.assertLessEqual(max(map(len, text.split("\n"))), 100)

    def make_random(self, count, queries):
        """A file with little in common between its keys, so that each query needs a page."""
        keys = sorted(hashlib.md5(b"%d" % i).hexdigest()[:24] for i in range(count))
        self.build("".join(f"{key}\t{i}\n" for i, key in enumerate(keys)))
        self.write("q", "".join(keys[j * 7919 % count] + "\n" for j in range(queries)))

    def test_check(self):
        """Times are for a quiet machine, and here only told; faults must be about as reckoned."""
        if EMULATED:
            self.skipTest("an emulator needs more than the memory that is given, and reads its own "
                          "pages again and again")
        self.make_random(300000, 1500)
        report = self.report("--check")
        if report["cold_ns"] is None:
            self.skipTest("the file cannot be thrown out of memory here")
        self.assertEqual([check["percent"] for check in report["checks"]], [10, 20, 50])
        reckoned = is_reckoned()
        for check in report["checks"]:
            if not check["rounds"]:
                self.assertTrue(check["not_run"])
                continue
            self.assertGreater(check["ns"], 0)
            self.assertGreater(check["predicted_ns"], 0)
            if check["percent"] == 10:
                self.assertGreater(check["faults_per_query"], 0.1)
            # Where all that is touched fits, next to nothing is left to compare.
            if reckoned and max(check["faults_per_query"],
                                check["predicted_faults_per_query"]) > 0.1:
                ratio = check["predicted_faults_per_query"] / check["faults_per_query"]
                self.assertGreater(ratio, 0.5, check)
                self.assertLess(ratio, 2, check)
        groups = "/sys/fs/cgroup"
        left = [name for folder, names, _ in os.walk(groups) for name in names
                if name.startswith("actree-") and name.split("-")[1].isdigit()
                and not os.path.exists(f"/proc/{name.split('-')[1]}")]
        self.assertEqual(left, [])
        if not any(check["rounds"] for check in report["checks"]):
            why = report["checks"][-1]["not_run"]
            # Half of this file is memory enough, where a group can be made at all.
            self.assertFalse(reckoned and "too little" in why, why)
            self.skipTest(why)

    def test_check_of_a_small_file(self):
        """A file of a few megabytes in a fifth of that: what is read ahead would be too much."""
        self.make_random(100000, 300)
        self.assertLess(os.path.getsize(self.path("x.act")), 8 << 20)
        report = self.report("--check")
        if report["cold_ns"] is None:
            self.skipTest("the file cannot be thrown out of memory here")
        self.assertEqual(report["pressed_page_read_ns"] is None,
                         report["pressed_page_ahead_ns"] is None)
        half = report["checks"][-1]
        if not half["rounds"]:
            self.assertFalse(is_reckoned() and "too little" in half["not_run"], half)
            self.skipTest(half["not_run"])
        self.assertEqual(half["rounds"], 5)

    def test_not_allowed_to_make_groups(self):
        self.make(1000)
        os.chmod(self.path("x.act"), 0o644)
        os.chmod(self.path("q"), 0o644)
        done = self.run_as_nobody("profile", "x.act", "q", "--check", "--json")
        self.assertEqual(done.returncode, DONE, done.stderr)
        for check in json.loads(done.stdout)["checks"]:
            self.assertTrue(check["rounds"] or check["not_run"])

    def test_bad_use(self):
        self.make(10)
        self.fails(TROUBLE, "profile", "-", "q", says="FILE")
        self.fails(TROUBLE, "profile", "x.act", says="profile")
        self.fails(TROUBLE, "profile", "x.act", "none", says="none")
        self.fails(TROUBLE, "profile", "none.act", "q", says="none.act")
        self.fails(TROUBLE, "profile", "x.act", "q", "-k", "hex", says="q:1")
        self.fails(TROUBLE, "profile", "x.act", "q", "--limit", "x", says="--limit")
        self.write("bad.act", b"ACTree03" + b"\xff" * 100)
        self.fails(DAMAGED, "profile", "bad.act", "q", says="bad.act")

    def test_damaged(self):
        self.make(3000)
        whole = bytearray(self.read("x.act"))
        whole[300:-400] = b"\xff" * len(whole[300:-400])
        self.write("x.act", whole)
        done = self.run_tool("profile", "x.act", "q", "--no-cold")
        self.assertEqual(done.returncode, DAMAGED, done.stderr)

    def test_log_on_standard_input(self):
        self.make(1000)
        done = subprocess.run([ACTREE, "profile", "x.act", "-", "--no-cold", "-j"],
                              input=b"key/0000001/7919\n", capture_output=True, check=True,
                              cwd=self.folder)
        self.assertEqual(json.loads(done.stdout)["found"], 1)


if __name__ == "__main__":
    main()
