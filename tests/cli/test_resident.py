#!/usr/bin/env python3
"""resident and warm."""
import json
import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree

from tool import ACTREE, DAMAGED, DONE, EMULATED, NO, TROUBLE, ToolTest, main, needs_mapping

WORDS = "".join(f"{word}{i:05}\t{i}\n" for word in ("apple", "banana", "cherry") for i in range(9000))


def large(test, *options):
    """A file that is mapped, of some pages."""
    return test.build(WORDS, *options)


def needs_telling(test, name):
    """Where files are read, or nobody tells what is in memory, there is less to see."""
    report = json.loads(test.ok("resident", "--json", "--top=0", name))
    if report["cached_bytes"] is None:
        test.skipTest("this system does not tell what is in memory")


class Json(ToolTest):
    def report(self, *arguments):
        return json.loads(self.ok("resident", "--json", *arguments))

    def test_totals_and_regions(self):
        name = large(self)
        report = self.report(name)
        size = os.path.getsize(self.path(name))
        self.assertEqual((report["file"], report["file_bytes"]), (name, size))
        self.assertEqual(report["pages"], -(-size // report["page_bytes"]))
        self.assertEqual([region["name"] for region in report["regions"]],
                         ["header", "pages", "hot region", "checksums", "tail"])
        self.assertEqual(sum(region["bytes"] for region in report["regions"]), size)
        if not report["mapped"] or not sys.platform.startswith("linux"):
            return
        # It was just written.
        self.assertIn(report["source"], ["mincore", "cachestat"])
        self.assertGreaterEqual(report["cached_bytes"], size)
        if not EMULATED:
            self.assertLessEqual(report["present_bytes"], report["cached_bytes"])
        self.assertEqual(report["tree"]["missing"], 0)
        self.assertEqual(report["levels"][0], {"nodes": 1, "bytes": report["levels"][0]["bytes"],
                                               "missing": 0})
        self.assertEqual(sum(level["nodes"] for level in report["levels"]),
                         report["tree"]["nodes"])

    def test_prefixes(self):
        name = large(self)
        report = self.report(name, "--depth", "1")
        if report["tree"] is None:
            self.skipTest("this system does not tell what is in memory")
        self.assertEqual(sorted(item["prefix"] for item in report["prefixes"]), ["a", "b", "c"])
        report = self.report(name, "--depth", "7", "--top", "5")
        self.assertEqual(len(report["prefixes"]), 5)
        report = self.report(name, "--depth", str(2**64 - 1), "--top", "3")
        self.assertEqual(len(report["prefixes"]), 3)
        self.assertEqual({item["prefix"] for item in self.report(name, "--prefix", "banana")["prefixes"]
                          if not item["prefix"].startswith("banana")}, set())
        report = self.report(name, "--depth=1", "--prefix=61", "--keys=hex")
        self.assertEqual([item["prefix"] for item in report["prefixes"]], ["61"])
        self.assertIsNone(self.report(name, "--top", "0")["tree"])

    def test_other_layouts_and_empty_files(self):
        for layout in ("plain", "compact"):
            report = self.report(large(self, "--layout", layout))
            self.assertEqual([region["name"] for region in report["regions"]],
                             ["header", "arena", "tail"])
        report = self.report(self.build(""))
        self.assertFalse(report["mapped"])
        self.assertIsNone(report["cached_bytes"])
        with open(self.path(large(self)), "rb") as file:
            report = json.loads(self.ok("resident", "-j", "-", stdin=file.read()))
        self.assertEqual((report["file"], report["mapped"]), ("standard input", False))

    def test_every_golden_file(self):
        for name in sorted(os.listdir(self.golden(""))):
            if name.endswith(".act"):
                self.ok("resident", self.golden(name))
                self.report(self.golden(name))


class Text(ToolTest):
    def text(self, *arguments, **environment):
        done = self.run_tool("resident", *arguments, env={**os.environ, **environment})
        self.assertEqual((done.returncode, done.stderr), (DONE, b""))
        return done.stdout.decode()

    def test_ascii_and_utf8(self):
        name = large(self)
        text = self.text(name, LC_ALL="C")
        self.assertTrue(text.isascii())
        self.assertNotIn("\033", text)
        self.assertNotRegex(text, r"(?m) $")
        for part in ("By region", "hot region", "By level", "By prefix", "in memory"):
            self.assertIn(part, text)
        self.assertLessEqual(max(map(len, text.split("\n"))), 125)
        self.assertIn("\u2588", self.text(name, LC_ALL="en_US.UTF-8"))

    def test_colours_on_a_terminal_only(self):
        name = large(self)
        for plain in (False, True):
            master, terminal = self.open_terminal()
            environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C"}
            environment.pop("NO_COLOR", None)
            if plain:
                environment["NO_COLOR"] = "1"
            with subprocess.Popen([ACTREE, "resident", name], cwd=self.folder, stdout=terminal,
                                  env=environment) as process:
                os.close(terminal)
                text = b""
                while True:
                    try:
                        piece = os.read(master, 4096)
                    except OSError:
                        break
                    if not piece:
                        break
                    text += piece
            os.close(master)
            self.assertEqual(b"\033[3" in text, not plain)


class Picture(ToolTest):
    def test_the_output_appears_whole_or_not_at_all(self):
        name = self.build("a\t1\n")
        before = self.read(name)
        self.fails(TROUBLE, "resident", "--html", name, "-o", name, says="not written over")
        os.link(self.path(name), self.path("link"))
        self.fails(TROUBLE, "resident", "--html", name, "-o", "link", says="not written over")
        self.assertEqual(self.read(name), before)
        self.write("page", "an older one")
        os.chmod(self.path("page"), 0o640)
        os.symlink("page", self.path("symbolic"))
        self.ok("resident", "--html", name, "-o", "symbolic")
        self.assertIn(b"<html", self.read("page"))
        self.assertEqual(os.stat(self.path("page")).st_mode & 0o777, 0o640)
        self.assertTrue(os.path.islink(self.path("symbolic")))
        if os.path.exists("/dev/full"):
            self.fails(TROUBLE, "resident", "--html", name, "-o", "/dev/full", says="No space")
        self.fails(TROUBLE, "resident", "--html", name, "-o", "no/such", says="No such file")
        self.assertEqual(sorted(os.listdir(self.folder)), ["link", "page", "symbolic", name])

    SVG = "{http://www.w3.org/2000/svg}"

    def test_svg(self):
        name = large(self)
        needs_telling(self, name)
        root = xml.etree.ElementTree.fromstring(self.ok("resident", "--svg", name))
        self.assertEqual(root.tag, self.SVG + "svg")
        texts = ["".join(text.itertext()) for text in root.iter(self.SVG + "text")]
        for part in (name, "pages", "hot region"):
            self.assertIn(part, texts)
        titles = [title.text for title in root.iter(self.SVG + "title")]
        size = os.path.getsize(self.path(name))
        offsets = [int(re.match(r"offset (\d+), ", title).group(1)) for title in titles]
        self.assertEqual(offsets, sorted(set(offsets)))
        self.assertEqual(offsets[0], 0)
        self.assertLess(offsets[-1], size)
        self.assertTrue(any("banana" in title for title in titles))

    def test_keys_that_look_like_markup(self):
        tsv = "".join(f"<b>&amp;\x01\xff{i:05}\t{i}\n" for i in range(20000)).encode("latin-1")
        name = "a<b>&.act"
        self.build(tsv, name=name)
        for form in ("raw", "hex"):
            root = xml.etree.ElementTree.fromstring(
                self.ok("resident", "--svg", name, "--keys", form))
            self.assertIn(name, ["".join(text.itertext()) for text in root.iter(self.SVG + "text")])

    def test_html(self):
        name = large(self)
        text = self.ok("resident", "--html", name).decode()
        self.assertTrue(text.startswith("<!DOCTYPE html>"))
        self.assertIn("</svg>", text)
        # Nothing is fetched from anywhere.
        self.assertEqual(set(re.findall(r"https?://[^\"]*", text)), {"http://www.w3.org/2000/svg"})

    def test_output(self):
        name = large(self)
        self.assertEqual(self.ok("resident", "--svg", name, "-o", "x.svg"), b"")
        self.assertEqual(self.read("x.svg")[:4], b"<svg")
        self.assertEqual(self.ok("resident", "--svg", name, "-o", "-")[:4], b"<svg")
        self.fails(TROUBLE, "resident", "--svg", name, "-o", "no/such/folder", says="no/such")

    def test_small_and_empty_files(self):
        for name in (self.build("", name="e.act"), self.golden("words.act")):
            for option in ("--svg", "--html"):
                self.assertIn(b"</svg>", self.ok("resident", option, name))


class Watch(ToolTest):
    def test_until_interrupted(self):
        name = large(self)
        with subprocess.Popen([ACTREE, "resident", "--json", "--watch=0.05", name],
                              cwd=self.folder, stdout=subprocess.PIPE) as process:
            reports = 0
            while reports < 3:
                line = process.stdout.readline()
                self.assertTrue(line)
                reports += line == b"}\n"
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            self.assertEqual(process.wait(), DONE)

    def test_the_file_goes(self):
        name = large(self)
        with subprocess.Popen([ACTREE, "resident", "--watch=0.05", name], cwd=self.folder,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            time.sleep(0.2)
            os.unlink(self.path(name))
            self.assertEqual(process.wait(30), TROUBLE)
            self.assertIn(name.encode(), process.stderr.read())


def drop(path):
    """Takes what it can of a file out of memory."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Warm(ToolTest):
    def cached(self, name):
        return json.loads(self.ok("resident", "--json", "--top=0", name))["cached_bytes"]

    def test_a_set_is_saved_and_restored(self):
        name = large(self)
        path = self.path(name)
        needs_telling(self, name)
        with open(path, "rb") as file:
            drop(path)
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
            os.pread(file.fileno(), 4096 * 3, 4096 * 10)
        before = self.cached(name)
        report = json.loads(self.ok("resident", "--save", "set", "--json", name))
        self.assertEqual((report["file"], report["set"]), (name, "set"))
        self.assertLessEqual(report["saved_bytes"], before)
        drop(path)
        report = json.loads(self.ok("warm", "--restore", "set", "--json", name))
        self.assertEqual(list(report), ["file", "wanted_bytes", "warm_bytes", "read_bytes", "cut",
                                        "ms"])
        self.assertEqual(report["warm_bytes"], report["wanted_bytes"])
        self.assertGreaterEqual(self.cached(name), before)
        self.assertRegex(self.ok("warm", "--restore=set", name), rb"\A[0-9.]+ .?i?B in .* disk\n\Z")
        self.assertRegex(self.ok("resident", "--save=set", name), rb"\Asaved ")

    def test_parts(self):
        name = large(self)
        needs_telling(self, name)
        size = os.path.getsize(self.path(name))
        drop(self.path(name))
        hot, below, all_of_it = [json.loads(self.ok("warm", "-j", name, *what))["warm_bytes"]
                                 for what in (["--hot"], ["--prefix=banana"], ["--all"])]
        self.assertLess(hot, below)
        self.assertLess(below, size // 2)
        self.assertEqual(all_of_it, size)
        self.assertGreaterEqual(self.cached(name) or size, size)
        self.assertEqual(json.loads(self.ok("warm", "-j", self.build(""), "--all"))["wanted_bytes"],
                         0)

    def test_progress(self):
        done = self.run_tool("warm", large(self), "--all", "--progress=always")
        self.assertRegex(done.stderr, rb"\A(actree: warming: .*\n)+\Z")

    def test_sets_of_other_files_and_damaged_ones(self):
        name = large(self)
        needs_telling(self, name)
        self.ok("resident", name, "--save=set")
        whole = self.read("set")
        for i in (0, 9, 20, 30, len(whole) - 9, len(whole) - 1):
            bad = bytearray(whole)
            bad[i] ^= 4
            self.write("bad", bad)
            self.fails(DAMAGED, "warm", name, "--restore=bad", says='"bad"')
        self.write("bad", whole[:-1])
        self.fails(DAMAGED, "warm", name, "--restore=bad", says="damaged")
        self.fails(DAMAGED, "warm", name, "--restore", name, says="not a warm set")
        self.fails(TROUBLE, "warm", name, "--restore=no-such-file", says="no-such-file")
        other = self.build(WORDS + "one more\t1\n", name="other.act")
        self.fails(TROUBLE, "warm", other, "--restore=set", says=["other.act", "another file"])

    @needs_mapping
    def test_bad_options(self):
        name = large(self)
        for arguments in ([], ["--all", "--hot"], ["--hot", "--restore=x"],
                          ["--keys=hex", "--prefix=x"]):
            self.fails(TROUBLE, "warm", name, *arguments)
        self.fails(TROUBLE, "warm", "--all", "-", says="standard input")
        self.fails(NO, "warm", name, "--prefix=x", says="prefix")
        self.fails(TROUBLE, "resident", name, "--save=set", "--watch")
        self.fails(TROUBLE, "resident", name, "--save=no/such/folder/set", says="set")
        self.fails(TROUBLE, "resident", self.build("", name="e.act"), "--save=set", says="e.act")
        self.assertFalse(os.path.exists(self.path("set")))


class BadInput(ToolTest):
    def test_files(self):
        self.fails(TROUBLE, "resident", "no-such-file", says="no-such-file")
        self.fails(DAMAGED, "resident", self.write("bad", "something else, and long enough"))

    def test_options(self):
        name = large(self)
        for arguments in (["--top", "x"], ["--top=-1"], ["--depth", "0"], ["--depth", "x"],
                          ["--depth", "99999999999999999999"], ["--watch=0"], ["--watch=x"],
                          ["--watch=1e9"], ["--watch="], ["--watch=nan"], ["--json", "--svg"],
                          ["--svg", "--html"], ["--svg", "--watch"], ["-o", "x"],
                          ["--keys=hex", "--prefix=x"]):
            self.fails(TROUBLE, "resident", name, *arguments)
        self.fails(TROUBLE, "resident", says="FILE")
        self.fails(TROUBLE, "resident", "-", "--watch", says="standard input")
        self.assertFalse(os.path.exists(self.path("x")))

    def test_a_prefix_that_is_not_there(self):
        self.fails(NO, "resident", large(self), "--prefix", "blueberry", says="prefix")

    def test_a_damaged_file(self):
        name = large(self, "--layout", "plain")
        whole = bytearray(self.read(name))
        root = int.from_bytes(whole[8:16], "little")
        whole[root:root + 1] = b"\x3f"
        self.write("bad.act", whole)
        self.fails(DAMAGED, "resident", "bad.act", says="bad.act")

    def test_a_file_of_others(self):
        name = large(self)
        os.chmod(self.path(name), 0o644)
        done = self.run_as_nobody("resident", "--json", name)
        self.assertEqual(done.returncode, DONE)
        report = json.loads(done.stdout)
        self.assertRegex(report["source"], re.compile("mincore|cachestat|pagemap|unknown"))
        if report["source"] == "pagemap":
            # Unless it happens to have all of them.
            self.assertRegex(self.run_as_nobody("resident", name).stdout, b"at least|100.0 %")


if __name__ == "__main__":
    main()
