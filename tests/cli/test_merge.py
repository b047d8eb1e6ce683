#!/usr/bin/env python3
"""The verbs that add to a file, and that show what it was: merge, history, --at."""
import json
import os
import random
import signal
import subprocess
import time

from tool import ACTREE, DAMAGED, NO, TROUBLE, ToolTest, main, needs_merging

FIVE = "a\t1\ndo\t2\ndoing\t300\nsing\t4\nsong\t65536\n"


def refused_beside_a_merge(test, file, verb):
    """A merge that waits for its input, beside which the verb was refused."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        merge = subprocess.Popen([ACTREE, "merge", file, "-"], cwd=test.folder,
                                 stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        # It may itself be refused, beside the verb, and then tries again.
        while merge.poll() is None and time.monotonic() < deadline:
            done = test.run_tool(verb, file)
            if done.returncode:
                test.assertEqual(done.returncode, TROUBLE)
                test.assertIn(b"only one may", done.stderr)
                return merge
        merge.communicate()
    raise AssertionError("the merge never came to wait")


@needs_merging
class Merge(ToolTest):
    def test_new_values_win(self):
        for layout in "indexed", "plain", "compact":
            file = self.build(FIVE, "--layout", layout)
            self.assertEqual(self.ok("merge", file, "-", stdin="song\t5\nb\t6\na\t1\n"), b"")
            self.assertEqual(self.ok("dump", file),
                             b"a\t1\nb\t6\ndo\t2\ndoing\t300\nsing\t4\nsong\t5\n")
            self.ok("verify", file)

    def test_removing(self):
        file = self.build(FIVE)
        self.write("gone", "do\nnothing\nsong\n")
        report = json.loads(self.ok("merge", "--json", file, "--delete-from", "gone"))
        self.assertEqual((report["removed"], report["missing"], report["added"]), (2, 1, 0))
        self.assertEqual(self.ok("dump", file), b"a\t1\ndoing\t300\nsing\t4\n")
        # A key that is in both is set.
        self.ok("merge", file, "-", "--delete-from", "gone", stdin="song\t9\n")
        self.assertEqual(self.ok("get", file, "song"), b"9\n")

    def test_report(self):
        file = self.build(FIVE)
        size = os.path.getsize(self.path(file))
        report = json.loads(self.ok("merge", "-j", file, "-", stdin="a\t1\nb\t2\nsong\t3\n"))
        self.assertEqual([report[name] for name in ("added", "replaced", "unchanged", "removed")],
                         [1, 1, 1, 0])
        self.assertEqual(report["file_bytes"], os.path.getsize(self.path(file)))
        self.assertEqual(report["appended_bytes"], report["file_bytes"] - size)
        self.assertEqual(self.ok("history", file).split(),
                         [b"%d" % report["root"], b"%d" % report["previous_root"]])
        before = self.read(file)
        report = json.loads(self.ok("merge", "-j", file, "-", stdin="a\t1\n"))
        self.assertEqual(report["appended_bytes"], 0)
        self.assertEqual(self.read(file), before)

    def test_forms_of_input(self):
        file = self.build(FIVE)
        self.write("lines", "x\ny\n")
        self.write("hex", "7a\t5\n0a\t6\n")
        self.ok("merge", "-i", "lines", file, "lines")
        self.ok("merge", "-k", "hex", file, "hex")
        self.assertEqual(self.ok("dump", "-k", "hex", file).split(b"\n")[0], b"0a\t6")
        self.assertEqual(self.ok("get", file, "x", "y", "z"), b"0\n1\n5\n")
        self.write("gone", "0a\n")
        self.ok("merge", "-k", "hex", file, "--delete-from", "gone")
        self.assertEqual(self.ok("dump", file, "-n", "1"), b"a\t1\n")

    def test_duplicates_and_bad_lines(self):
        file = self.build(FIVE)
        before = self.read(file)
        self.fails(TROUBLE, "merge", file, "-", stdin="b\t1\nb\t2\n", says=["duplicate", '"b"'])
        self.fails(TROUBLE, "merge", file, "-", stdin="b 1\n", says="no tab")
        self.fails(TROUBLE, "merge", file, "not-there", says="not-there")
        self.fails(TROUBLE, "merge", file, "--delete-from", "not-there", says="not-there")
        self.fails(TROUBLE, "merge", file, "-", "-", says="once")
        self.fails(TROUBLE, "merge", "-", says="standard input")
        self.fails(TROUBLE, "merge", file, "--sync=maybe", says="full|none")
        self.assertEqual(self.read(file), before)
        self.ok("merge", "-d", "sum", "--sync=none", "--check", file, "-", stdin="b\t1\nb\t2\n")
        self.assertEqual(self.ok("get", file, "b"), b"3\n")

    def test_what_cannot_be_merged_into(self):
        self.fails(TROUBLE, "merge", "not-there", "-", says="not-there")
        self.fails(TROUBLE, "merge", ".", "-", says="directory")
        self.write("text", "This is no tree, and it is long enough.")
        self.fails(DAMAGED, "merge", "text", "-", says="not an ACTree03 file")
        file = self.build(FIVE)
        bytes_ = bytearray(self.read(file))
        bytes_[300] ^= 1
        self.write("hit", bytes_)
        self.fails(DAMAGED, "merge", "--check", "hit", "-", stdin="b\t1\n", says="checksum")
        self.assertEqual(self.read("hit"), bytes_)
        os.chmod(self.path(file), 0o444)
        done = self.run_as_nobody("merge", file, "-", stdin=b"b\t1\n")
        self.assertEqual(done.returncode, TROUBLE)
        self.assertIn(b"Permission denied", done.stderr)

    def test_one_writer_at_a_time(self):
        file = self.build(FIVE)
        first = refused_beside_a_merge(self, file, "merge")
        self.assertEqual(self.ok("get", file, "do"), b"2\n")
        first.communicate(b"b\t7\n")
        self.assertEqual(first.returncode, 0)
        self.assertEqual(self.ok("get", file, "b"), b"7\n")

    def test_both_inputs_through_files(self):
        """With too little memory for either."""
        file = self.build("".join(f"k{i:05}\t{i}\n" for i in range(5000)))
        sets = self.write("sets", "".join(f"n{i * 7919 % 20011:05}\t1\n" for i in range(20011)))
        gone = self.write("gone", "".join(f"k{i * 7919 % 5003:05}\n" for i in range(5003)))
        report = json.loads(self.ok("merge", "-j", file, sets, "--delete-from", gone, "-m64K"))
        self.assertEqual((report["added"], report["removed"], report["missing"]),
                         (20011, 5000, 3))

    def test_a_signal_leaves_the_file(self):
        file = self.build(FIVE)
        before = self.read(file)
        with subprocess.Popen([ACTREE, "merge", file, "-"], cwd=self.folder,
                              stdin=subprocess.PIPE) as first:
            first.stdin.write(b"".join(b"k%d\t1\n" % i for i in range(50000)))
            first.stdin.flush()
            time.sleep(0.2)
            first.send_signal(signal.SIGTERM)
            self.assertEqual(first.wait(), -signal.SIGTERM)
        self.assertEqual(self.read(file), before)
        self.ok("merge", file, "-", stdin="b\t1\n")

    def test_what_an_interrupted_merge_has_left(self):
        file = self.build(FIVE)
        before = self.read(file)
        self.write(file, before + b"\1\2\3" * 50)
        self.assertEqual(self.ok("get", file, "song"), b"65536\n")
        done = self.run_tool("merge", "-j", file)
        self.assertEqual((done.returncode, json.loads(done.stdout)["dropped_bytes"]), (0, 150))
        self.assertEqual(self.read(file), before)


class Compact(ToolTest):
    @needs_merging
    def test_makes_a_file_anew(self):
        for layout in "indexed", "plain", "compact":
            file = self.build("".join(f"{i % 7}word{i}\t1\n" for i in range(200)), "--layout", layout)
            for i in range(9):
                self.ok("merge", file, "-", stdin=f"3word3\t{i}\nnew{i}\t1\n")
            dump, merged = self.ok("dump", file), os.path.getsize(self.path(file))
            self.write(file, self.read(file) + b"torn")
            report = json.loads(self.ok("compact", "-j", file))
            self.assertEqual(self.ok("dump", file), dump)
            self.assertEqual(report["file_bytes"], os.path.getsize(self.path(file)))
            self.assertLess(report["file_bytes"], merged)
            self.assertEqual(report["layout"], layout)
            self.assertEqual(len(self.ok("history", file).split()), 1)
            self.build(dump, "--layout", layout, name="anew")
            if layout != "indexed":
                self.assertEqual(self.read(file), self.read("anew"))

    @needs_merging
    def test_refusals(self):
        self.fails(TROUBLE, "compact", "not-there", says="not-there")
        self.write("text", "This is no tree, and it is long enough.")
        self.fails(DAMAGED, "compact", "text", says="not an ACTree03 file")
        file = self.build(FIVE)
        refused_beside_a_merge(self, file, "compact").communicate(b"b\t7\n")
        self.assertEqual(self.ok("get", file, "b"), b"7\n")


class Diff(ToolTest):
    @needs_merging
    def test_states_and_files(self):
        file = self.build(FIVE)
        self.write("gone", "do\n")
        self.ok("merge", file, "-", "--delete-from", "gone", stdin="song\t5\nb\t6\n")
        now, before = self.ok("history", file).decode().split()
        changes = b"+b\t6\n-do\t2\n-song\t65536\n+song\t5\n"
        self.assertEqual(self.ok("diff", file, "--from", before, status=NO), changes)
        self.assertEqual(self.ok("diff", file, "--from", before, "--to", now, status=NO), changes)
        self.assertEqual(self.ok("diff", file, "--to", before, status=NO),
                         b"-b\t6\n+do\t2\n-song\t5\n+song\t65536\n")
        other = self.build(FIVE, "--layout", "plain", name="other.act")
        self.assertEqual(self.ok("diff", other, file, status=NO), changes)
        self.assertEqual(self.ok("diff", file, other, "--from", before), b"")
        self.assertEqual(self.ok("diff", "-k", "hex", other, file, status=NO)[:6], b"+62\t6\n")
        self.ok("merge", file, "-", "-0", stdin="a\nb\t1\0")
        self.fails(TROUBLE, "diff", other, file, says="--keys=escaped")
        self.assertIn(b"+a\\nb\t1\n", self.ok("diff", "-k", "escaped", other, file, status=NO))

    def test_refusals(self):
        file = self.build(FIVE)
        self.fails(TROUBLE, "diff", file, says="second FILE is missing")
        self.fails(TROUBLE, "diff", file, "--from", "17", says="not the offset of a root")
        self.fails(TROUBLE, "diff", file, "--from", "x", says="wants the offset of a root")
        self.fails(TROUBLE, "diff", file, "not-there", says="not-there")


class History(ToolTest):
    def test_a_set_has_none(self):
        self.build("a\t1\nb\t2\n")
        self.ok("split", "--parts=2", "-o", "x.set", "x.act")
        self.fails(TROUBLE, "history", "x.set", says="set of files")

    def test_standard_input_is_there_once(self):
        self.fails(TROUBLE, "diff", "-", "-", says="once")

    @needs_merging
    def test_every_state_can_be_read(self):
        for layout in "indexed", "plain":
            r = random.Random(4)
            there = {b"k%d" % r.randrange(300): r.randrange(1000) for _ in range(200)}
            dump = lambda: b"".join(b"%s\t%d\n" % kv for kv in sorted(there.items()))  # noqa: E731
            file = self.build(dump(), "--layout", layout)
            states = [dump()]
            for _ in range(5):
                news = {b"k%d" % r.randrange(400): 1000 + r.randrange(1000) for _ in range(20)}
                gone = [k for k in r.sample(sorted(there), 9) if k not in news]
                self.write("gone", b"".join(k + b"\n" for k in gone))
                self.ok("merge", file, "-", "--delete-from", "gone",
                        stdin=b"".join(b"%s\t%d\n" % kv for kv in news.items()))
                there = {k: v for k, v in there.items() if k not in gone} | news
                states.append(dump())
            roots = self.ok("history", file).decode().split()
            self.assertEqual(len(roots), 6)
            report = json.loads(self.ok("history", "--json", file))
            self.assertEqual([str(entry["root"]) for entry in report["roots"]], roots)
            self.assertEqual(report["roots"][0]["file_bytes"], os.path.getsize(self.path(file)))
            for root, state in zip(reversed(roots), states):
                self.assertEqual(self.ok("dump", file, "--at", root), state)
                self.ok("verify", file, "--at", root)
                self.ok("info", file, "--at", root)
                self.assertEqual(self.ok("range", file, "--at", root), state)
            self.assertEqual(self.ok("history", file, "--at", roots[2]).decode().split(), roots[2:])
            self.ok("convert", file, "old.act", "--at", roots[3])
            self.assertEqual(self.ok("dump", "old.act"), states[2])
            self.assertEqual(len(self.ok("history", "old.act").split()), 1)

    def test_files_of_the_reference(self):
        for name in "merged1", "merged3":
            file = self.golden(name + ".act")
            history = self.read(self.golden(name + ".history"))
            self.assertEqual(self.ok("history", file), history)
        for number in 2, 3:
            root = history.split()[number - 1].decode()
            self.assertEqual(self.ok("dump", "-k", "hex", file, "--at", root),
                             self.read(self.golden(f"merged3.at{number}.tsv")))
        base = history.split()[-1].decode()
        self.assertEqual(self.ok("dump", "-k", "hex", file, "--at", base),
                         self.read(self.golden("merged3.base.tsv")))

    def test_roots_that_are_none(self):
        file = self.build(FIVE)
        self.fails(TROUBLE, "dump", file, "--at", "17", says="not the offset of a root")
        self.fails(TROUBLE, "dump", file, "--at", "0", says="wants the offset of a root")
        self.fails(TROUBLE, "dump", file, "--at", "x", says="wants the offset of a root")

    @needs_merging
    def test_circles_end(self):
        file = self.build(FIVE, "--layout", "plain")
        self.ok("merge", file, "-", stdin="b\t1\n")
        self.ok("merge", file, "-", stdin="c\t1\n")
        bytes_ = bytearray(self.read(file))
        at = int.from_bytes(bytes_[-16:-8], "little")
        for where in at, at + 1, len(bytes_) - 16, 2**64 - 1:
            bytes_[at:at + 8] = where.to_bytes(8, "little")
            self.write("bad.act", bytes_)
            self.fails(DAMAGED, "history", "bad.act", says="trailer")


if __name__ == "__main__":
    main()
