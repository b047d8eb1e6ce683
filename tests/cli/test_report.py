#!/usr/bin/env python3
"""report: a page about a file, and about a log, that needs nothing else."""
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

from tool import DAMAGED, TROUBLE, ToolTest, main, needs_mapping

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
               None)
# What a reader with a narrow screen sees: how far it goes to the side, how high the least words are.
MEASURE = """
<style>html{width:400px}</style><pre id="measured"></pre><script>
const words = [...document.querySelectorAll("svg text")];
const least = Math.min(...words.map(word => word.getBoundingClientRect().height));
const drawn = [...document.querySelectorAll("polyline, svg rect")].filter(
  shape => shape.getBoundingClientRect().width > 0);
document.getElementById("measured").textContent = JSON.stringify({
  width: document.documentElement.scrollWidth <= innerWidth && document.body.scrollWidth <= 400,
  words: words.length, least, drawn: drawn.length});
</script></body>"""

TAGS = set("html head meta title style body h1 h2 h3 p div b span i code strong table tr th td svg "
           "path text rect polyline circle".split())
ATTRIBUTES = set("lang charset name content class viewbox role aria-label x y width height rx d "
                 "text-anchor points r cx cy transform opacity colspan".split())


class Page(HTMLParser):
    """Reads a page, and notes whatever it should not have."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.texts, self.styles = [], [], [], []
        self.feed(text)
        self.close()
        self.wrong += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS:
            self.wrong.append(f"<{tag}>")
        self.wrong += [f"{name}=" for name, _ in attrs if name not in ATTRIBUTES]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")

    def handle_data(self, data):
        (self.styles if self.open[-1:] == ["style"] else self.texts).append(data)

    @property
    def text(self):
        return " ".join(self.texts)


class Report(ToolTest):
    def test_the_output_appears_whole_or_not_at_all(self):
        name = self.build("a\t1\n")
        before = self.read(name)
        self.fails(TROUBLE, "report", name, "-o", name, says="not written over")
        os.link(self.path(name), self.path("link"))
        self.fails(TROUBLE, "report", name, "-o", "link", says="not written over")
        self.assertEqual(self.read(name), before)
        self.write("page", "an older one")
        os.chmod(self.path("page"), 0o640)
        os.symlink("page", self.path("symbolic"))
        self.ok("report", name, "-o", "symbolic")
        self.assertIn(b"<html", self.read("page"))
        self.assertEqual(os.stat(self.path("page")).st_mode & 0o777, 0o640)
        self.assertTrue(os.path.islink(self.path("symbolic")))
        if os.path.exists("/dev/full"):
            self.fails(TROUBLE, "report", name, "-o", "/dev/full", says="No space")
        self.fails(TROUBLE, "report", name, "-o", "no/such", says="No such file")
        self.assertEqual(sorted(os.listdir(self.folder)), ["link", "page", "symbolic", name])

    def make(self, *options, count=15000):
        self.build("".join(f"key/{i:07}/{i * 7919 % 10007}\t{i}\n" for i in range(count)), *options)
        self.write("q", "".join(f"key/{i:07}/{i * 7919 % 10007}\n" for i in range(0, count, 7)))

    def page(self, *arguments):
        page = Page(self.ok("report", *arguments).decode())
        self.assertEqual(page.wrong, [])
        style = "".join(page.styles)
        self.assertIn("prefers-color-scheme:dark", style)
        self.assertIn("@media print", style)
        self.assertNotRegex(style, r"url\(|@import|http|//")
        return page

    def test_without_a_log(self):
        self.make()
        page = self.page("x.act")
        for part in ("x.act", "15,000", "Shape of the tree", "Sizes", "What of it is in memory",
                     "hot region", "jump tables"):
            self.assertIn(part, page.text)
        self.assertNotIn("Memory that the log needs", page.text)

    def test_with_a_log(self):
        self.make()
        page = self.page("x.act", "q", "--no-cold")
        for part in ("Memory that the log needs", "How long lookups take", "Reuse", "2,143",
                     "100 %", "faults a query"):
            self.assertIn(part, page.text)
        self.assertIn("cold", self.page("x.act", "q", "--limit", "500").text)

    def test_check(self):
        self.make()
        page = self.page("x.act", "q", "--check", "--limit", "300")
        if "a page from the disk" not in page.text:
            self.skipTest("the file cannot be thrown out of memory here")
        self.assertIn("Compared with real runs", page.text)

    def test_all_layouts(self):
        for layout in ("plain", "compact"):
            self.make("--layout", layout)
            self.assertIn("arena", self.page("x.act", "q", "--no-cold").text)
        for name in sorted(os.listdir(self.golden(""))):
            if name.endswith(".act"):
                self.page(self.golden(name))

    @needs_mapping
    def test_what_comes_from_files_is_text(self):
        """Keys, and names of files, that would be markup if they were not escaped."""
        evil = ["<script>alert(1)</script>/", "\"'><img src=x onerror=alert(1)>/", "</title><b>/",
                "&lt;&#60;/", "\x01\x7f\xff</style>/", "http://x/"]
        lines = [f"{word}{i:05}{i * 7919 % 10007}" for word in evil for i in range(3000)]
        content = "".join(f"{line}\t1\n" for line in lines).encode("latin-1")
        self.write("in", content)
        name, log = "<script>x.act", "<b onclick=x>.txt"
        self.ok("build", "-o", name, "in")
        self.write(log, "\n".join(lines[::50]).encode("latin-1") + b"\n")
        page = self.page(name, log, "--no-cold")
        self.assertIn("<script>x.act", page.text)
        self.assertIn(log, page.text)
        for word in ("<script>alert(1)", "onerror=alert(1)>", "</title><b>", "&lt;&#60;",
                     "\\x01\\x7f\\xff</style>", "http://x/"):
            self.assertIn(word, page.text)

    def test_nothing_to_tell(self):
        self.build("")
        self.write("q", "")
        self.page("x.act")
        self.page("x.act", "q")
        self.write("q", "a\n")
        self.page("x.act", "q", "--no-cold")
        self.make(count=10)
        self.write("q", "")
        self.page("x.act", "q")

    def test_output(self):
        self.make(count=2000)
        self.assertEqual(self.ok("report", "x.act", "-o", "page.html"), b"")
        written = re.sub(rb"looked at on [^<]*|at [\d,]+: \d+ %", b"", self.read("page.html"))
        printed = re.sub(rb"looked at on [^<]*|at [\d,]+: \d+ %", b"", self.ok("report", "x.act"))
        self.assertEqual(written.count(b"<h2>"), printed.count(b"<h2>"))
        self.assertEqual(self.ok("report", "x.act", "-o", "-")[:15], b"<!DOCTYPE html>")

    def in_a_browser(self, name):
        """Opens a page in a narrow window; what was measured, and what the browser complained of."""
        text = self.read(name).decode().replace("</body>", MEASURE)
        self.write("measured.html", text)
        done = subprocess.run(
            [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
             f"--user-data-dir={self.path('browser')}", "--dump-dom",
             f"file://{self.path('measured.html')}"],
            capture_output=True, check=False, timeout=100, cwd=self.folder)
        found = re.search(r'<pre id="measured">([^<]*)</pre>', done.stdout.decode())
        if not found:
            self.skipTest("the browser does not run here")
        complaints = [line for line in done.stderr.decode(errors="replace").splitlines()
                      if "CONSOLE" in line]
        return json.loads(found[1]), complaints

    def test_in_a_browser(self):
        if not BROWSER:
            self.skipTest("there is no Chromium")
        self.make(count=20000)
        self.ok("report", "x.act", "q", "--no-cold", "-o", "page.html")
        self.ok("resident", "--html", "x.act", "-o", "spots.html")
        for name in ("page.html", "spots.html"):
            measured, complaints = self.in_a_browser(name)
            self.assertEqual(complaints, [], name)
            self.assertTrue(measured["width"], (name, measured))
            self.assertGreater(measured["words"], 20, name)
            self.assertGreater(measured["drawn"], 20, name)
            self.assertGreaterEqual(measured["least"], 9, name)

    def test_bad_use(self):
        self.make(count=10)
        self.fails(TROUBLE, "report", "-", says="FILE")
        self.fails(TROUBLE, "report", "none.act", says="none.act")
        self.fails(TROUBLE, "report", "x.act", "none", says="none")
        self.fails(TROUBLE, "report", "x.act", "q", "q", says="report")
        self.fails(TROUBLE, "report", "x.act", "-o", "no/such/folder", says="no/such/folder")
        self.fails(TROUBLE, "report", "x.act", "-o", "/dev/full", says="/dev/full")

    def test_damaged(self):
        self.make(count=3000)
        whole = bytearray(self.read("x.act"))
        whole[300:-400] = b"\xff" * len(whole[300:-400])
        self.write("x.act", whole)
        self.write("page.html", "before")
        self.fails(DAMAGED, "report", "x.act", "-o", "page.html", says="x.act")
        self.assertEqual(self.read("page.html"), b"before")


if __name__ == "__main__":
    main()
