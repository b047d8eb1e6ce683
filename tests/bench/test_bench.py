"""The benchmark's own arithmetic, tables and judgements, on made-up figures.

    test_bench.py GENERATE CHILD        programs of bench/
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))

import plot
import report as reports
from parts import cgroup, disk, peers, rounds, scarce, warm
from tables import form, storage, targets

PROGRAMS = sys.argv[1:3]


def op(ns, n=1000, **more):
    return {"n": n, "ns": [ns * n], "waited_ns": [0], "median_ns": ns * n, "min_ns": ns * n,
            "max_ns": ns * n, **more}


def sample(ns, n=1000):
    return {"n": n, "percentiles_ns": [ns] * 101, "p999_ns": ns}


def lookups(ns, n=1000, faults=0):
    return {**sample(ns, n), "ns": ns * n, "open_ns": 5, "major_faults": faults,
            "read_bytes": 4096 * faults, "disk_reads": faults, "disk_read_bytes": 4096 * faults,
            "round_ns": [ns * n]}


def ops(ns, size):
    return {"build": op(ns, file_bytes=size, peak_rss_growth_bytes=1000), "open": op(ns, 1),
            "build-zero": {"n": 1000, "file_bytes": size // 2}, "present": op(ns), "absent": op(ns),
            "scan": op(ns), "sample": sample(ns)}


def made_up():
    """A report in which actree takes 100 ns for everything and the reference 600."""
    ours = {**ops(100, 1200), "batch-1000": op(50), "batch-10000": op(40), "build-2": op(60)}
    one_set = {"keys": 1000, "key_bytes": 5000, "queries": 1000, "rounds": 1,
               "load_before_milli": [0, 0, 0], "load_after_milli": [0, 0, 0],
               "random_load_before_ps": 1, "random_load_after_ps": 1,
               "same_file_as_actree_plain": {"reference": 1},
               "engines": {"actree": ours, "actree-plain": ops(200, 1000),
                           "reference": ops(600, 1000), "lmdb": ops(150, 5000)}}
    seen = {"version": "1", "note": "as it comes", "keys_only": 0}
    builds = [{"name": name, "command": "actree build", "n": n, "ns": [n * ns], "median_ns": n * ns,
               "cpu_ns": n * ns, "peak_rss_bytes": mib << 20, "file_bytes": n, "files_on": "tmpfs"}
              for name, n, ns, mib in (("sorted, 1 thread", 100, 9, 10), ("sorted, 2 threads", 100, 9, 70),
                                       ("sorted, 2 threads", 50, 10, 10),
                                       ("shuffled, 2 threads", 50, 40, 300))]
    return {"schema": 2, "date": "2026-01-01", "files_on": "tmpfs", "left_out": {}, "stolen_permille": 0,
            "machine": {"cpu": "c", "cpus": 1, "memory_bytes": 1 << 30, "kernel": "k", "system": "s"},
            "engines": {name: seen for name in (*one_set["engines"], "lmdb-nordahead")},
            "sets": {"paths": one_set},
            "disk": {"set": "paths", "files_on": "ext4", "limits": [
                        {"block_bytes": 4096, "depth": 4, "reads": 1000, "ns": 10**9}],
                     "build": {name: {"n": 1000, "ns": 1000, "sync_ns": 1000, "file_bytes": 1200}
                               for name in ("actree", "lmdb-nordahead")}},
            "cold": {"set": "paths", "dropped_by": "drop_caches", "engines": {
                "actree": {"single": lookups(1000, faults=400), "batch": lookups(500)}},
                "limited": {"limit_bytes": 24 << 20, "engines": {
                    "actree": {"single": lookups(4000), "batch": lookups(3000)}}}},
            "scarce": {"set": "paths", "file_bytes": 1000, "cgroup_version": 1, "limits": [
                {"limit_bytes": 12 << 20, "share_percent": 10,
                 "engines": {"actree": {"single": lookups(3000)}}},
                {"limit_bytes": 24 << 20, "engines": {
                    "actree": {"single": lookups(2000, faults=400), "batch": lookups(1000)},
                    "lmdb-nordahead": {"single": lookups(3000, faults=1900)}}}]},
            "tool": {"set": "paths", "builds": builds[:1]}, "large": {"builds": builds}}


class Targets(unittest.TestCase):
    def rows(self, report):
        return {row[1]: row for row in targets.table(report).rows if row[0] == "actree"}

    def test_what_is_met_and_what_is_not(self):
        rows = self.rows(made_up())
        for what, measured, met in (
                ("warm lookups against reference, paths", "6.00x", "yes"),
                ("warm lookups against lmdb, paths", "1.50x", "NO"),
                ("batches of 1,000 against reference, paths", "12.00x", "yes"),
                ("batches of 10,000 against reference, paths", "15.00x", "yes"),
                ("absent keys against present ones, paths", "1.00x", "yes"),
                ("build, 1 thread against reference, paths", "6.00x", "yes"),
                ("build, 2 threads against reference, paths", "10.00x", "yes"),
                ("size, of plain, paths", "1.20", "yes, aim too"),
                ("24 MiB of memory: major faults a query, paths", "0.40", "yes"),
                ("24 MiB of memory, against lmdb-nordahead, paths", "1.50x", "NO"),
                ("cold: batch of 10,000 against single lookups, paths", "2.00x", "yes"),
                ("24 MiB of memory, cold: batch of 10,000 against single lookups, paths", "1.33x", "NO"),
                ("peak memory, 100 keys sorted, 1 thread", "10.0 MiB", "yes"),
                ("peak memory, 100 keys sorted, 2 threads", "70.0 MiB", "NO"),
                ("peak memory, 50 keys shuffled, 256 MiB", "300.0 MiB", "yes"),
                ("rate, 50 keys shuffled, 256 MiB, against sorted", "0.25x", "NO")):
            with self.subTest(what=what):
                self.assertEqual(rows[what][4:6], [measured, met])

    def test_what_was_not_measured_is_left_out(self):
        report = made_up()
        del report["scarce"], report["cold"], report["large"]
        del report["sets"]["paths"]["engines"]["actree"]["batch-1000"]
        left = self.rows(report)
        self.assertIn("warm lookups against reference, paths", left)
        for what in left:
            self.assertNotRegex(what, r"words|fst|batch.*1,000 |cold|24 MiB|peak|rate")

    def test_the_compact_layout_is_judged_by_its_size(self):
        report = made_up()
        report["sets"]["words"] = report["sets"].pop("paths")
        compact = ops(100, 1000)
        compact["build-zero"]["file_bytes"] = 300 # of 500
        report["sets"]["words"]["engines"]["actree-compact"] = compact
        rows = {row[1]: row[4:6] for row in targets.table(report).rows if row[0] == "actree-compact"}
        self.assertEqual(rows, {"size, of plain, words, its values": ["1.00", "yes"],
                                "size, of plain, words, values 0": ["0.60", "yes"]})


class Tables(unittest.TestCase):
    def test_columns_of_nothing_are_left_out(self):
        table = form.Table("", ["a", "b", "c"], [["-", "-", "1"], ["x", "-", "-"]])
        self.assertEqual((table.heads, table.rows), (["a", "c"], [["-", "1"], ["x", "-"]]))

    def test_all_parts_are_reported(self):
        text = reports.as_text(made_up())
        for words in ("Cold: paths", "Larger than memory: paths", "Builds with the tool", "12.00x",
                      "24 MiB", "13 MB (10 %)", "requests/s"):
            self.assertIn(words, text)

    def test_a_report_of_one_part_is_one(self):
        report = made_up()
        for part in ("disk", "cold", "scarce", "tool", "large"):
            del report[part]
        self.assertNotIn("Cold", reports.as_text(report))
        self.assertEqual(reports.markdown_parts(report)["storage"], "")
        report = {**made_up(), "sets": {}}
        self.assertIn("Cold: paths", reports.as_text(report))

    def test_updating_replaces_and_empties(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a.md")
            with open(path, "w", encoding="utf-8") as file:
                file.write("a\n<!-- bench:storage -->\nstale\n<!-- /bench:storage -->\nb\n")
            report = made_up()
            reports.update(report, path)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            self.assertTrue(text.startswith("a\n<!-- bench:storage -->\n\n### Cold: paths\n"))
            self.assertNotIn("stale", text)
            del report["cold"], report["scarce"]
            reports.update(report, path)
            with open(path, encoding="utf-8") as file:
                self.assertEqual(file.read(),
                                 "a\n<!-- bench:storage -->\n<!-- /bench:storage -->\nb\n")

    def test_documents_show_pictures_of_what_was_measured(self):
        parts = reports.markdown_parts(made_up())
        for part, picture in (("storage", "latency"), ("storage", "memory"), ("builds", "build")):
            self.assertIn(f"(../bench/results/{picture}.svg)", parts[part])
        self.assertIn("| lmdb-nordahead | 3.0 | 1.90 |", parts["summary"])
        self.assertNotIn("larger than memory",
                         reports.summary({**made_up(), "scarce": {"limits": []}}))

    def test_a_query_is_the_unit(self):
        row = next(iter(storage.cold_rows({"actree": {"single": lookups(1000, 2000, faults=500)}})))
        self.assertEqual(row[1:3], ["2,000", "1.0"])
        self.assertEqual(row[8:11], ["0.25", "1.0", "0.25"])


class Pictures(unittest.TestCase):
    def test_each_has_its_panels(self):
        for make, panels in ((plot.bars, 4), (plot.latency, 2), (plot.memory, 2), (plot.builds, 2)):
            picture = make(made_up())
            self.assertEqual(len(picture.panels), panels, make.__name__)
            self.assertEqual(picture.script("svg", "out").count("set title"), panels)

    def test_without_figures_there_is_none(self):
        nothing = {"sets": {}, "engines": {}}
        for make in (plot.bars, plot.latency, plot.memory, plot.builds):
            self.assertIsNone(make(nothing), make.__name__)


class Judging(unittest.TestCase):
    """A peer that lies must not get away with it."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        stem = os.path.join(self.folder.name, "made")
        for part in ("keys", "present", "absent", "present-few", "absent-few"):
            count = 3 if part.startswith("present") else 4
            with open(f"{stem}.{part}", "wb") as file:
                file.write(struct.pack("<8s3Q", b"BENCHKEY", count, 0, 60))
        with open(f"{stem}.values", "wb") as file:
            file.write(struct.pack("<3Q", 10, 20, 30))
        self.sets = peers.Sets(self.folder.name, "made")

    def peer(self, *answers):
        """An engine that greets and then says what it is told to say."""
        hello = {"keys_only": 0, "ops": ["present"], "version": "", "note": ""}
        program = os.path.join(self.folder.name, "engine")
        with open(program, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n" + f"echo '{json.dumps(hello)}'\n" +
                       "".join(f"read -r op; echo '{json.dumps(answer)}'\n" for answer in answers))
        os.chmod(program, 0o755)
        peer = peers.Peer(peers.Engine("made", "engine"), [program], self.sets, "file")
        self.addCleanup(peer.process.stdout.close)
        self.addCleanup(peer.process.wait)
        self.addCleanup(peer.process.stdin.close)
        return peer

    def test_sums_go_round(self):
        for first, count, total in ((0, 0, 0), (0, 3, 60), (1, 1, 20), (2, 2, 40), (1, 7, 140)):
            self.assertEqual(self.sets.value_sum(3, first, count), total, (first, count))
        self.assertEqual(self.sets.value_sum(2, 1, 2), 30)

    def test_right_answers_pass(self):
        peer = self.peer({"op": "present", "n": 3, "hits": 3, "value_sum": 60},
                         {"op": "sample", "n": 4, "hits": 4, "value_sum": 80})
        self.assertEqual(peer.ask("present")["hits"], 3)
        self.assertEqual(peer.sample(4, 4, 1)["n"], 4)

    def test_wrong_answers_do_not(self):
        for asked, answer in (("present", {"op": "present", "n": 3, "hits": 3, "value_sum": 61}),
                              ("present", {"op": "present", "n": 3, "hits": 2, "value_sum": 60}),
                              ("batch-2", {"op": "batch-2", "n": 3, "hits": 2, "value_sum": 60}),
                              ("absent", {"op": "absent", "n": 4, "hits": 1, "value_sum": 0}),
                              ("scan-2", {"op": "scan-2", "hits": 3, "value_sum": 60, "key_bytes": 0}),
                              ("scan", {"op": "scan", "hits": 4, "value_sum": 1, "key_bytes": 0}),
                              ("sample 0 2 9", {"op": "sample", "n": 2, "hits": 2, "value_sum": 31}),
                              ("sample 0 2 9", {"op": "sample", "n": 2, "hits": 1, "value_sum": 30})):
            with self.subTest(answer=answer), self.assertRaises(peers.WrongAnswer):
                self.peer(answer).ask(asked)

    def test_an_engine_that_ends_is_an_error(self):
        with self.assertRaisesRegex(peers.WrongAnswer, "made ended"):
            self.peer().ask("present")


class Warm(unittest.TestCase):
    def test_waiting_for_others_does_not_count_but_threads_wait_for_each_other(self):
        for name, ns in (("build", 70), ("open", 100), ("build-2", 100), ("batch-1000", 70),
                         ("batch-10000-2", 100)):
            entry = {}
            for _ in range(2):
                warm.record(entry, name, {"n": 5, "ns": 100, "waited_ns": 30})
            self.assertEqual((entry["n"], entry["ns"]), (5, [ns, ns]), name)
        warm.summarise(entry)
        self.assertEqual((entry["median_ns"], entry["min_ns"], entry["max_ns"]), (100, 100, 100))


class Storage(unittest.TestCase):
    def test_memory_cgroups_of_either_version_are_found(self):
        first = "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0"
        other = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0"
        second = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0"
        self.assertEqual(cgroup.hierarchy(f"{second}\n{first}\n"), ("/sys/fs/cgroup/memory", 1))
        self.assertEqual(cgroup.hierarchy(f"{other}\n{second}\n"), ("/sys/fs/cgroup/unified", 2))
        with self.assertRaises(cgroup.Unavailable):
            cgroup.hierarchy(f"{other}\n")

    def test_limits_ascend_and_are_not_too_small(self):
        self.assertEqual([percent for _, percent in scarce.limits(100_000_000)],
                         [10, 20, None, 50, 100])
        self.assertEqual(scarce.limits(1000), [(24 << 20, None)])

    def test_the_median_round_is_one_that_was(self):
        three = [lookups(300, 10), lookups(100, 20), lookups(200, 5)]
        chosen = rounds.median_round(three)
        self.assertEqual((chosen["ns"], chosen["n"]), (1000, 5))
        self.assertEqual(chosen["round_ns"], [3000, 2000, 1000])
        self.assertEqual(list(rounds.median_rounds({"a": {"single": three}, "b": {}})), ["a"])

    def test_everybody_is_first_once(self):
        self.assertEqual([rounds.rotated([1, 2, 3], number)[0] for number in range(4)], [1, 2, 3, 1])
        self.assertEqual(sorted(rounds.rotated([1, 2, 3], 5)), [1, 2, 3])
        self.assertEqual(rounds.rotated([], 1), [])

    def test_files_are_dropped_or_at_least_asked_to_be(self):
        with tempfile.TemporaryDirectory(dir=ROOT) as folder:
            path = os.path.join(folder, "file")
            with open(path, "wb") as file:
                file.write(bytes(1 << 20))
            disk.drop_file(path)
            disk.read_whole(path)
            if disk.resident_permille(path) is not None:
                self.assertGreater(disk.resident_permille(path), 900)


class Programs(unittest.TestCase):
    def output(self, *command):
        return subprocess.run(command, check=True, capture_output=True).stdout

    def test_shuffled_lines_are_the_same_lines(self):
        generate = PROGRAMS[0]
        for count in (1, 2, 1000, 4097):
            in_order = self.output(generate, str(count)).splitlines()
            mixed = self.output(generate, str(count), "shuffled").splitlines()
            self.assertEqual(len(in_order), count)
            self.assertEqual(in_order, sorted(set(in_order)))
            self.assertEqual(in_order, sorted(mixed))
            self.assertTrue(count < 1000 or mixed != in_order)
        self.assertEqual(self.output(generate, "5").splitlines()[4], b"user:00000004:session:0941\t4")

    def test_wrong_counts_are_refused(self):
        for arguments in ([], ["0"], ["x"], ["100000001"], ["5", "sorted"]):
            self.assertEqual(subprocess.run([PROGRAMS[0], *arguments], capture_output=True,
                                            check=False).returncode, 2, arguments)

    def test_a_child_is_measured(self):
        answer = json.loads(self.output(PROGRAMS[1], "sh", "-c", "echo talk; sleep 0.05; exit 7"))
        self.assertEqual(answer["status"], 7)
        self.assertGreaterEqual(answer["ns"], 50_000_000)
        self.assertGreater(answer["peak_rss_bytes"], 100_000)
        self.assertEqual(json.loads(self.output(PROGRAMS[1], "/no/such/program"))["status"], 127)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
