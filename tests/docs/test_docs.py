#!/usr/bin/env python3
"""The documents against the things they describe.

    test_docs.py [TEST...]      run in the top of the tree; the tool is $ACTREE
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ACTREE = os.environ.get("ACTREE")
needs_tool = unittest.skipUnless(ACTREE, "the tool was not built")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def blocks(text, language):
    """The contents of the fenced blocks of this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def section(text, heading):
    """What stands under a heading, up to the next one of the same level."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text,
                      re.MULTILINE | re.DOTALL)
    return found.group(1)


def rows(text):
    """The cells of each row of the tables in a text, without the headings' rule."""
    for line in text.split("\n"):
        if line.startswith("|") and not line.startswith("|--"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, **options).stdout


class FormatExample(unittest.TestCase):
    """The file of five keys in docs/FORMAT.md."""

    def setUp(self):
        text = section(read("docs/FORMAT.md"), "Five keys, byte by byte")
        self.entries = blocks(text, "tsv")[0]
        self.hexdump = blocks(text, "hexdump")[0]
        self.table = [row for row in rows(text) if re.fullmatch(r"[0-9a-f]{2}", row[0])]

    def dumped(self):
        """The bytes that the hexdump shows; its offsets and its text must agree with them."""
        content = bytearray()
        for line in self.hexdump.rstrip("\n").split("\n"):
            self.assertEqual(int(line[:8], 16), len(content), line)
            part = bytes.fromhex(line[8:58])
            content += part
            if part:
                text = "".join(chr(b) if 32 <= b < 127 else "." for b in part)
                self.assertEqual(line[60:], f"|{text}|")
        return bytes(content)

    def test_the_table_tells_every_byte_once(self):
        content = bytearray()
        for offset, part, _ in self.table:
            self.assertEqual(int(offset, 16), len(content), part)
            content += bytes.fromhex(part.strip("`"))
        self.assertEqual(bytes(content), self.dumped())

    @needs_tool
    def test_it_is_what_the_tool_builds(self):
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "five.tsv")
            built = os.path.join(folder, "five.act")
            with open(source, "w", encoding="utf-8") as file:
                file.write(self.entries)
            run(ACTREE, "build", "--layout", "plain", source, "-o", built)
            with open(built, "rb") as file:
                self.assertEqual(file.read().hex(" "), self.dumped().hex(" "))

    @needs_tool
    def test_the_tool_reads_it(self):
        with tempfile.TemporaryDirectory() as folder:
            built = os.path.join(folder, "five.act")
            with open(built, "wb") as file:
                file.write(self.dumped())
            self.assertEqual(run(ACTREE, "dump", built).decode(), self.entries)


class SetExample(unittest.TestCase):
    """The manifest in docs/SETS.md."""

    @needs_tool
    def test_the_tool_reads_it(self):
        manifest, = blocks(section(read("docs/SETS.md"), "The manifest"), "")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "words.set")
            with open(path, "w", encoding="utf-8") as file:
                file.write(manifest)
            # Its parts are not there, which it says.
            done = subprocess.run((ACTREE, "info", "--json", path), capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"No such file", done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["keys"], 663473)
        self.assertEqual([part["from"] for part in report["parts"]], ["", "cha", "ol"])


class FormatRules(unittest.TestCase):
    def setUp(self):
        enum = re.findall(r"ACT_RULE_(\w+) = (\d+)", read("include/actree.h"))
        self.meant = [(int(number), name.lower().replace("_", "-")) for name, number in enum]
        self.assertEqual(self.meant.pop(0), (0, "none"))

    def test_the_numbers_and_names_are_those_of_the_header(self):
        text = section(read("docs/FORMAT.md"), "Rules")
        told = [(int(row[0]), row[1].strip("`")) for row in rows(text) if row[0].isdigit()]
        self.assertEqual(told, self.meant)

    def test_the_manual_page_lists_them_in_this_order(self):
        names = re.findall(r"^\. _([a-z-]+)_:", read("man/actree-format.5.scd"), re.MULTILINE)
        self.assertEqual(list(enumerate(names, 1)), self.meant)


def anchor(heading):
    """The anchor that a heading gets where the documents are shown."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@needs_tool
class ManualPage(unittest.TestCase):
    """man/actree.1.scd against what the tool says of its options."""

    def setUp(self):
        self.page = read("man/actree.1.scd")
        verbs = re.findall(r"^  ([a-z]+)  ", run(ACTREE, "--help").decode(), re.MULTILINE)
        self.options = {verb: re.findall(r"^  (?:-., |    )(--[a-z-]+)",
                                         run(ACTREE, verb, "--help").decode(), re.MULTILINE)
                        for verb in verbs}
        self.assertIn("--at", self.options["get"])

    def verbs_of(self, option):
        return {verb for verb, options in self.options.items() if option in options}

    def test_it_tells_of_every_verb(self):
        for verb in self.options:
            self.assertRegex(self.page, rf"(?m)^\*actree {verb}\*")

    def test_it_tells_of_every_option(self):
        told = re.search(r"^# OPTIONS\n(.*?)^# ", self.page, re.MULTILINE | re.DOTALL).group(1)
        heads = "".join(re.findall(r"^\*-.*\n", told, re.MULTILINE))
        for verb, options in self.options.items():
            for option in options:
                with self.subTest(verb=verb, option=option):
                    self.assertIn(f"*{option}*", self.page if option == "--help" else heads)

    def test_the_verbs_that_have_an_option_are_those_named(self):
        named = {"--at": r"\*history\* prints\. Of (.*?)\.\n",
                 "--populate": r"up to \*--at\*, are those of (.*?), which has \*--from",
                 "--guard": r"This and\s+the next options, up to (.*?)\. These four",
                 "--max-steps": r"Limits for (.*?):",
                 "--no-check": r"\*--no-check\*\n\tOf (.*?):",
                 "--json": r"Print the report as JSON: (.*?)\.\n"}
        for option, sentence in named.items():
            with self.subTest(option=option):
                words = re.search(sentence, self.page, re.DOTALL).group(1)
                self.assertEqual(set(re.findall(r"\*(\w+)\*", words)), self.verbs_of(option))


class Requirements(unittest.TestCase):
    """The tests and the targets of make that docs/REQUIREMENTS.md names."""

    def test_they_are_there(self):
        text = read("docs/REQUIREMENTS.md")
        files = {os.path.splitext(name)[0] for _, _, names in os.walk("tests") for name in names}
        listed = "".join(read(os.path.join(folder, name)) for folder, _, names in os.walk("tests")
                         for name in names if name == "CMakeLists.txt")
        for name in re.findall(r"`((?:test|cli)_\w+)`", text):
            known = name in files or name.replace("cli_", "test_", 1) in files
            self.assertTrue(known or name in listed or name == "test_model", name)
        targets = re.findall(r"^([\w ]+):", read("Makefile"), re.MULTILINE)
        for name in re.findall(r"`make (\w+)`", text):
            self.assertIn(name, " ".join(targets).split())


class Links(unittest.TestCase):
    def documents(self):
        """Every Markdown file of the tree."""
        for folder, folders, names in os.walk("."):
            folders[:] = sorted(f for f in folders if not re.match(r"build|target$|\.git$", f))
            for name in sorted(names):
                if name.endswith(".md"):
                    yield os.path.normpath(os.path.join(folder, name))

    def test_they_lead_somewhere(self):
        self.assertIn("docs/FORMAT.md", self.documents())
        for document in self.documents():
            text = re.sub(r"^```.*?^```$", "", read(document), flags=re.MULTILINE | re.DOTALL)
            for link in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
                if re.match(r"[a-z]+:", link):
                    continue
                path, _, place = link.partition("#")
                target = os.path.normpath(os.path.join(os.path.dirname(document), path)) if path \
                    else document
                # Pictures of the benchmark come with its figures.
                if target.startswith("bench/results/") and not os.path.exists(Figures.RUN):
                    continue
                with self.subTest(document=document, link=link):
                    self.assertTrue(os.path.exists(target), "there is no such file")
                    if place:
                        headings = re.findall(r"^#+ (.*)$", read(target), re.MULTILINE)
                        self.assertIn(place, [anchor(heading) for heading in headings])


class Readme(unittest.TestCase):
    """The sessions and programs in README.md."""

    def setUp(self):
        self.text = read("README.md")

    def test_the_programs_are_the_examples(self):
        shown = blocks(self.text, "c")
        self.assertTrue(shown)
        for program in shown:
            name = re.match(r"/\* (examples/\w+\.c)", program)
            self.assertTrue(name, "the first line of a program names its file")
            self.assertEqual(program, read(name.group(1)))

    @needs_tool
    def test_the_sessions_print_what_is_shown(self):
        sessions = blocks(self.text, "console")
        self.assertTrue(sessions)
        environment = dict(os.environ, LC_ALL="C",
                           PATH=os.path.dirname(ACTREE) + os.pathsep + os.environ["PATH"])
        with tempfile.TemporaryDirectory() as folder:
            for session in sessions:
                # A command, which may go on after a backslash, and what it prints.
                for command, output in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)",
                                                  session, re.MULTILINE):
                    with self.subTest(command=command):
                        done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment,
                                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                              check=False)
                        self.assertEqual(done.stdout.decode(), output)


class Figures(unittest.TestCase):
    """The measured tables are those of the recorded run, and nobody else's."""

    RUN = "bench/results/bench.json"

    def test_they_are_what_the_report_makes_of_the_run(self):
        for document in ("README.md", "docs/PERFORMANCE.md"):
            text = read(document)
            self.assertRegex(text, r"<!-- bench:\w+ -->")
            with self.subTest(document=document), tempfile.TemporaryDirectory() as folder:
                if os.path.exists(self.RUN):
                    copy = os.path.join(folder, "copy.md")
                    with open(copy, "w", encoding="utf-8") as file:
                        file.write(text)
                    run(sys.executable, "-B", "bench/report.py", self.RUN, "--update", copy)
                    self.assertEqual(read(copy), text)
                else:
                    for part in re.findall(r"<!-- bench:\w+ -->(.*?)<!-- /bench:\w+ -->", text,
                                           re.DOTALL):
                        self.assertEqual(part.strip(), "", "figures of no recorded run")


class Reliability(unittest.TestCase):
    """The tables of reliability are those of the recorded runs, and the tests they tell of are there."""

    MARKS = "<!-- reliability:short -->\n{}<!-- /reliability:short -->\n"

    def updated(self, text, *options):
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, "copy.md")
            with open(copy, "w", encoding="utf-8") as file:
                file.write(text)
            run(sys.executable, "-B", "scripts/reliability.py", *options, "--update", copy)
            return read(copy)

    def test_they_are_what_the_command_makes_of_the_figures(self):
        for document in "README.md", "docs/RELIABILITY.md":
            text = read(document)
            self.assertRegex(text, r"<!-- reliability:\w+ -->")
            with self.subTest(document=document):
                self.assertEqual(self.updated(text), text)

    def test_a_row_that_failed_says_so(self):
        rows = {"bits": {"state": "FAILED", "text": "1 of 2; and more"},
                "kills": {"state": "passed", "text": "2 of 2; and more"}}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "figures.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"rows": rows}, file)
            text = self.updated(self.MARKS.format("old\n"), "--out", path)
        self.assertNotIn("old", text)
        self.assertIn("| FAILED: 1 of 2; and more |", text)
        self.assertIn("| 2 of 2 |", text)

    def test_the_tests_are_there(self):
        files = {name for _, _, names in os.walk("tests") for name in names}
        for document in "docs/RELIABILITY.md", "CONTRIBUTING.md":
            for name in re.findall(r"`(?:tests/\w+/)?(test_[a-z_]+|\w+\.py)(?:\.c)?`", read(document)):
                known = {name, name + ".c", name + ".py"} & files or \
                    os.path.exists(os.path.join("scripts", name))
                self.assertTrue(known, f"{document}: {name}")
        for name in re.findall(r"`(ACT_TEST_\w+)`", read("CONTRIBUTING.md")):
            used = [path for folder, _, names in os.walk("tests") for path in names
                    if path.endswith(".c") and name in read(os.path.join(folder, path))]
            self.assertTrue(used, name)


def main():
    program = unittest.main(exit=False, verbosity=1)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    if not result.testsRun or len(result.skipped) == result.testsRun:
        print("skipped:", result.skipped[0][1] if result.skipped else "nothing to run")
        sys.exit(77)


if __name__ == "__main__":
    main()
