#!/usr/bin/env python3
"""Help, versions, options and mistakes in their use."""
import os
import subprocess

from tool import ACTREE, DONE, TROUBLE, ToolTest, main

VERBS = ("build", "convert", "dump", "get", "prefix", "range", "info", "verify", "walk", "bench",
         "help", "completions")


class Help(ToolTest):
    def test_help_lists_every_verb(self):
        for arguments in (["--help"], ["-h"], ["help"]):
            text = self.ok(*arguments).decode()
            for verb in VERBS:
                self.assertRegex(text, rf"(?m)^  {verb} ")

    def test_each_verb_has_help(self):
        for verb in VERBS:
            text = self.ok(verb, "--help").decode()
            self.assertTrue(text.startswith(f"Usage: actree {verb} "), text)
            self.assertIn("--help", text)
            self.assertEqual(self.ok("help", verb).decode(), text)
            self.assertLessEqual(max(map(len, text.split("\n"))), 100)

    def test_help_needs_no_arguments(self):
        self.assertIn(b"--from", self.ok("range", "--help", "no", "such", "arguments"))

    def test_version(self):
        for option in ("--version", "-V"):
            self.assertRegex(self.ok(option), rb"\Aactree \d+\.\d+\.\d+\n\Z")

    def test_manual_tells_every_option(self):
        with open("man/actree.1.scd", encoding="utf-8") as file:
            manual = file.read()
        for verb in VERBS:
            for word in self.ok(verb, "--help").decode().split():
                option = word.strip("[],").split("=")[0]
                if option.startswith("--") and option not in ("--help",):
                    self.assertIn(f"*{option}*", manual, verb)


class Mistakes(ToolTest):
    def test_no_verb(self):
        self.fails(TROUBLE, says="actree --help")

    def test_unknown_verb(self):
        self.fails(TROUBLE, "frobnicate", says='"frobnicate"')
        self.fails(TROUBLE, "help", "frobnicate", says='"frobnicate"')

    def test_option_before_the_verb(self):
        self.fails(TROUBLE, "--json", "info", "x", says="--json")

    def test_unknown_option(self):
        self.fails(TROUBLE, "get", "x", "y", "--frobnicate",
                   says=["--frobnicate", "actree get --help"])

    def test_option_of_another_verb(self):
        self.fails(TROUBLE, "get", "x", "y", "--from", "a", says="--from")

    def test_missing_arguments(self):
        for arguments in (["dump"], ["get"], ["get", "x"], ["prefix", "x"], ["range"], ["info"],
                          ["verify"], ["bench", "x"], ["build", "-o", "x"], ["convert", "x"],
                          ["completions"]):
            self.fails(TROUBLE, *arguments, says=arguments[0])

    def test_too_many_arguments(self):
        for arguments in (["dump", "x"], ["prefix", "x", "y"], ["range", "x"], ["info", "x"],
                          ["verify", "x"], ["bench", "x", "y"], ["convert", "x", "y"]):
            self.fails(TROUBLE, *arguments, "superfluous", says='"superfluous"')

    def test_missing_value_of_an_option(self):
        self.fails(TROUBLE, "dump", "x", "--keys", says="--keys")

    def test_value_for_a_flag(self):
        self.fails(TROUBLE, "dump", "x", "--reverse=yes", says="--reverse")

    def test_words_that_an_option_does_not_know(self):
        for option, verb in (("keys", "dump"), ("progress", "dump"), ("input", "build"),
                             ("layout", "build"), ("duplicates", "build")):
            for word in ("frobnicate", "", "ra", "raw|hex"):
                self.fails(TROUBLE, verb, f"--{option}={word}", "x", says=[f"--{option}", word])

    def test_numbers(self):
        for option in ("--limit", "--max-steps"):
            for number in ("", "-1", "+1", "1x", " 1", "0x10", "18446744073709551616"):
                self.fails(TROUBLE, "dump", f"{option}={number}", "x", says=option)

    def test_sizes(self):
        for size in ("", "0", "x", "1Q", "1KB", "1KiBx", "16777216T", "-5K"):
            self.fails(TROUBLE, "dump", f"--max-key={size}", "x", says="--max-key")
        name = self.build("a\t1\n")
        for size in ("1", "64k", "1K", "2MiB", "3G", "1T"):
            self.assertEqual(self.ok("dump", f"--max-key={size}", name), b"a\t1\n")

    def test_threads(self):
        for number in ("0", "-1", "many"):
            self.fails(TROUBLE, "build", f"--threads={number}", "-o", "x", "-", says="--threads")
        self.build("a\t1\n", "--threads=4")

    def test_control_characters_do_not_reach_the_terminal(self):
        self.fails(TROUBLE, "dump", "\x1b[31mred\x07", says="\\x1b[31mred\\x07")
        self.fails(TROUBLE, "\x1b]0;title\x07", says="\\x1b]0;title\\x07")
        done = self.run_tool("dump", b"caf\xc3\xa9 \xc2\x9b31m \xff")
        self.assertIn(b"\\xff", done.stderr)
        self.assertNotIn(b"\xc2\x9b", done.stderr)


class Options(ToolTest):
    def test_options_stand_anywhere(self):
        name = self.build("a\t1\nb\t2\nba\t3\n")
        for arguments in (["prefix", "--limit", "1", name, "b"], ["prefix", name, "--limit=1", "b"],
                          ["prefix", name, "b", "-n1"], ["prefix", "-n", "1", "--", name, "b"]):
            self.assertEqual(self.ok(*arguments), b"b\t2\n")

    def test_a_key_that_looks_like_an_option(self):
        name = self.build("--help\t1\n-x\t2\n")
        self.assertEqual(self.ok("get", name, "--", "-x", "--help"), b"2\n1\n")

    def test_words_of_options_are_case_sensitive(self):
        self.fails(TROUBLE, "dump", "--keys=HEX", "x", says="HEX")

    def test_the_last_of_two_counts(self):
        name = self.build("a\t1\nb\t2\n")
        self.assertEqual(self.ok("range", name, "--from", "a", "--from", "b"), b"b\t2\n")


class StandardDescriptors(ToolTest):
    """Descriptors that were closed before the tool began."""

    def test_closed_output_is_an_error(self):
        name = self.build("a\t1\n")
        done = subprocess.run(["/bin/sh", "-c", f'"$0" dump {name} >&-', ACTREE],
                              capture_output=True, check=False, cwd=self.folder)
        self.assertEqual(done.returncode, TROUBLE)
        self.assertIn(b"standard output", done.stderr)

    def test_closed_input_is_an_error(self):
        name = self.build("a\t1\n")
        done = subprocess.run(["/bin/sh", "-c", f'"$0" get {name} - <&-', ACTREE],
                              capture_output=True, check=False, cwd=self.folder)
        self.assertEqual(done.returncode, TROUBLE)
        self.assertIn(b"standard input", done.stderr)

    def test_closed_descriptors_do_not_end_up_in_the_file(self):
        self.write("in", "a\t1\n")
        done = subprocess.run(["/bin/sh", "-c", '"$0" build -v -o x.act in <&- >&- 2>&-', ACTREE],
                              check=False, cwd=self.folder)
        self.assertEqual(done.returncode, DONE)
        self.assertEqual(self.ok("dump", "x.act"), b"a\t1\n")

    def test_a_full_disk_is_an_error(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full")
        name = self.build("a\t1\n")
        for arguments in (["dump", name], ["get", name, "a"], ["info", name], ["--help"],
                          ["verify", name, "--json"], ["get", "--help"], ["--version"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([ACTREE, *arguments], stdout=full, stderr=subprocess.PIPE,
                                      check=False, cwd=self.folder)
            self.assertEqual(done.returncode, TROUBLE, arguments)
            self.assertIn(b"standard output", done.stderr)


if __name__ == "__main__":
    main()
