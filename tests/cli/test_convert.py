#!/usr/bin/env python3
"""convert, and the checksum of the content that it compares."""
import json
import os
import signal
import subprocess
import time

from tool import ACTREE, DAMAGED, DONE, TROUBLE, ToolTest, main

LAYOUTS = ("indexed", "plain", "compact")


def entries(count=3000):
    return "".join(f"{i % 50:02}/{i % 7}/{i:05}\t{i % 3}\n" for i in sorted(
        range(count), key=lambda i: (i % 50, i % 7, i)))


class Convert(ToolTest):
    def convert(self, source, target, *options):
        return json.loads(self.ok("convert", "--json", *options, source, target))

    def layout_of(self, name):
        return json.loads(self.ok("info", "--json", name))["layout"]

    def test_every_layout_from_every_other(self):
        text = entries()
        for source in LAYOUTS:
            self.ok("build", "--layout", source, "-o", f"{source}.act", "-", stdin=text)
        content = set()
        for source in LAYOUTS:
            for target in LAYOUTS:
                report = self.convert(f"{source}.act", "out.act", "--layout", target)
                self.assertEqual((report["keys"], report["layout"]), (3000, target))
                self.assertEqual(report["file_bytes"], os.path.getsize(self.path("out.act")))
                self.assertEqual(report["input_bytes"], os.path.getsize(self.path(f"{source}.act")))
                content.add(report["content"])
                # The same entries in the same layout are the same bytes.
                self.assertEqual(self.read("out.act"), self.read(f"{target}.act"))
                self.assertEqual(self.layout_of("out.act"), target)
        self.assertEqual(len(content), 1)
        self.assertRegex(content.pop(), r"\A[0-9a-f]{32}\Z")

    def test_threads(self):
        self.write("in", "".join(f"{i:06}\t{i}\n" for i in range(60000)))
        files = {}
        for threads in ("1", "2", "8"):
            self.ok("build", "--threads", threads, "-o", "built.act", "in")
            self.ok("convert", "--threads", threads, "built.act", "out.act")
            files[threads] = self.read("out.act")
            self.assertEqual(files[threads], self.read("built.act"))
            self.ok("convert", "--threads", threads, "--layout=compact", "built.act", "out.act")
            files["compact" + threads] = self.read("out.act")
        self.ok("convert", "built.act", "out.act")
        self.assertEqual(self.read("out.act"), files["8"])
        self.assertEqual(files["2"], files["8"])
        self.assertNotEqual(files["1"], files["2"])
        self.assertEqual(files["compact1"], files["compact8"])

    def test_golden_files(self):
        for name in ("empty", "words", "merged3", "grafted", "nested", "dangling", "one-70000"):
            source = self.golden(f"{name}.act")
            wanted = self.ok("dump", "-k", "hex", source)
            before = json.loads(self.ok("info", "--json", "--content", source))
            for layout in LAYOUTS:
                report = self.convert(source, "out.act", "--layout", layout)
                self.assertEqual(self.ok("dump", "-k", "hex", "out.act"), wanted, name)
                after = json.loads(self.ok("info", "--json", "--content", "out.act"))
                for key in ("keys", "key_bytes", "longest_key", "dangling_paths", "content"):
                    self.assertEqual(after[key], before[key], (name, layout, key))
                self.assertEqual(report["content"], after["content"])
                self.assertFalse(after["merged"])
                self.ok("verify", "out.act")

    def test_paths_without_a_value_are_kept(self):
        source = self.golden("dangling.act")
        self.convert(source, "out.act", "--layout", "plain")
        with open(source, "rb") as file:
            self.assertEqual(self.read("out.act"), file.read())

    def test_onto_itself(self):
        name = self.build(entries())
        wanted = self.ok("dump", name)
        for layout in ("compact", "plain", "indexed"):
            self.ok("convert", "--layout", layout, name, name)
            self.assertEqual(self.ok("dump", name), wanted)
            self.assertEqual(self.layout_of(name), layout)
        self.assertEqual(os.listdir(self.folder), [name])

    def test_standard_input_and_output(self):
        name = self.build(entries())
        out = self.ok("convert", "--layout=plain", "-", "-", stdin=self.read(name))
        self.write("out.act", out)
        self.assertEqual(self.ok("dump", "out.act"), self.ok("dump", name))
        self.fails(TROUBLE, "convert", "--json", name, "-", says="--json")

    def test_without_a_check(self):
        name = self.build("a\t1\n")
        report = self.convert(name, "out.act", "--no-check")
        self.assertIsNone(report["content"])
        self.assertEqual(self.ok("dump", "out.act"), b"a\t1\n")

    def test_damaged_input_leaves_nothing(self):
        whole = bytearray(self.read(self.build("a\t1\nb\t2\n", "--layout", "plain")))
        at = whole.index(b"ab", 16)
        whole[at:at + 2] = b"ba"
        bad = self.write("bad.act", whole)
        old = self.write("old.act", b"something else")
        short = self.write("short.act", b"ACTree03")
        before = sorted(os.listdir(self.folder))
        for options in ([], ["--no-check"], ["--layout=compact"]):
            for name in (bad, short):
                for target in ("new.act", old, name):
                    self.fails(DAMAGED, "convert", *options, name, target, says=name)
            self.assertEqual(sorted(os.listdir(self.folder)), before)
        self.assertEqual(self.read(old), b"something else")
        self.assertEqual(self.read(bad), whole)

    def test_a_changed_value_is_found_by_the_checksums_of_an_indexed_file(self):
        name = self.build("alpha\t200\nbeta\t201\n", "--layout", "indexed")
        whole = bytearray(self.read(name))
        whole[whole.index(b"lpha", 256) + 1] ^= 1
        bad = self.write("bad.act", whole)
        self.fails(DAMAGED, "convert", bad, "new.act", says="checksum")
        self.assertFalse(os.path.exists(self.path("new.act")))

    def test_where_nothing_can_be_written(self):
        name = self.build("a\t1\n")
        self.fails(TROUBLE, "convert", name, "no/such/folder", says="no/such/folder")
        os.mkdir(self.path("folder"))
        self.fails(TROUBLE, "convert", name, "folder", says="folder")
        self.fails(TROUBLE, "convert", "none.act", "out.act", says="none.act")
        self.assertFalse(os.path.exists(self.path("out.act")))

    def test_unreasonable_files_end_at_a_limit(self):
        name = self.build("k" * 300 + "\t1\n")
        self.fails(DAMAGED, "convert", "--max-key=100", name, "out.act", says="100")
        self.assertFalse(os.path.exists(self.path("out.act")))

    def test_interrupted(self):
        """A file of 2^64 keys is never done; the signal ends it, and nothing is left."""
        levels = (b"\x40\x01\x40\x01" + b"\x02\x04ab\x02\x08ab" + b"\x02\x08ab\x02\x0cab" * 62 +
                  b"\x02\x08ab")
        root = 16 + len(levels) - 4
        bomb = self.write("bomb.act", b"ACTree03" + root.to_bytes(8, "little") + levels + bytes(8))
        self.ok("verify", bomb)
        with subprocess.Popen([ACTREE, "convert", bomb, "out.act"], cwd=self.folder) as process:
            time.sleep(0.3)
            self.assertIsNone(process.poll())
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(30), -signal.SIGINT)
        self.assertEqual(os.listdir(self.folder), [bomb])

    def test_words_about_it(self):
        name = self.build(entries())
        done = self.run_tool("convert", "-v", "--layout=compact", name, "out.act")
        self.assertEqual((done.returncode, done.stdout), (DONE, b""))
        self.assertRegex(done.stderr,
                         rb"\Aactree: out\.act: 3,000 keys, .*, the same content [0-9a-f]{32}\n\Z")
        done = self.run_tool("convert", "--progress=always", name, "out.act")
        for word in (b"verifying", b"counting", b"converting", b"comparing"):
            self.assertIn(word, done.stderr)


class Content(ToolTest):
    def test_info(self):
        one = self.build("a\t1\nb\t2\n")
        text = self.ok("info", "--content", one).decode()
        content = json.loads(self.ok("info", "--json", "--content", one))["content"]
        self.assertRegex(content, r"\A[0-9a-f]{32}\Z")
        self.assertIn(content, text)
        self.assertNotIn("content", json.loads(self.ok("info", "--json", one)))
        self.build("a\t1\nb\t3\n")
        self.assertNotEqual(json.loads(self.ok("info", "--json", "--content", one))["content"],
                            content)


if __name__ == "__main__":
    main()
