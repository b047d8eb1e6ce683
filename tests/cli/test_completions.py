#!/usr/bin/env python3
"""Completions: that shells take them, and what bash makes of them."""
import os
import shutil
import subprocess

from tool import ToolTest, main

# Completes the words given as arguments, the last one being typed; one answer a line.
BASH = r"""
compopt() { :; }
source ./completion
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_actree
printf '%s\n' "${COMPREPLY[@]}"
"""


class Bash(ToolTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("bash"):
            self.skipTest("there is no bash here")
        self.write("completion", self.ok("completions", "bash"))

    def complete(self, *words):
        done = subprocess.run(["bash", "-c", BASH, "bash", "actree", *words], check=True,
                              cwd=self.folder, capture_output=True)
        self.assertEqual(done.stderr, b"")
        return done.stdout.decode().split()

    def test_verbs(self):
        self.assertEqual(self.complete("ver"), ["verify"])
        self.assertIn("build", self.complete(""))
        self.assertIn("--version", self.complete("--"))
        self.assertEqual(self.complete("help", "pre"), ["prefix"])

    def test_options(self):
        self.assertEqual(self.complete("range", "x", "--fr"), ["--from="])
        self.assertIn("--json", self.complete("info", "--"))
        self.assertNotIn("--json", self.complete("dump", "--"))
        self.assertEqual(self.complete("build", "--js"), ["--json"])

    def test_values(self):
        self.assertEqual(self.complete("dump", "--keys", "="), ["raw", "escaped", "hex"])
        self.assertEqual(self.complete("dump", "--keys", "=", "h"), ["hex"])
        self.assertEqual(self.complete("dump", "-k", "e"), ["escaped"])
        self.assertEqual(self.complete("build", "--duplicates", "m"), ["min", "max"])
        self.assertEqual(self.complete("dump", "--limit", ""), [])

    def test_files(self):
        self.write("a file.act", "")
        self.write("another.act", "")
        self.assertEqual(self.complete("dump", "ano"), ["another.act"])
        self.assertEqual(self.complete("build", "-o", "ano"), ["another.act"])
        self.assertEqual(self.complete("dump", "a f"), ["a", "file.act"])
        os.mkdir(self.path("any folder"))
        self.assertEqual(self.complete("build", "--temp", "an"), ["any", "folder"])


class Others(ToolTest):
    def parses(self, shell):
        text = self.ok("completions", shell)
        self.assertIn(b"--duplicates=" if shell == "zsh" else b"-l duplicates", text)
        self.assertIn(b"error first last sum min max", text)
        if not shutil.which(shell):
            self.skipTest(f"there is no {shell} here to read it")
        subprocess.run([shell, "-n", self.path(self.write("completion", text))], check=True)

    def test_zsh(self):
        self.parses("zsh")

    def test_fish(self):
        self.parses("fish")


if __name__ == "__main__":
    main()
