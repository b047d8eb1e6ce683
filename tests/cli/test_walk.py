"""The verb walk: its language, its messages, and how it talks with programs and with people."""
import glob
import os
import re
import select
import subprocess
import time

import tool


def commands_of_the_reference():
    """Its names for them, each with one line that has it, from recorded scripts."""
    lines = {}
    for name in glob.glob("tests/interop/walk/*.in"):
        with open(name, encoding="ascii") as file:
            lines.update((line.split()[0], line) for line in file)
    return lines


class Walk(tool.ToolTest):
    def walk(self, script, status=tool.DONE):
        return self.ok("walk", self.golden("nested.act"), stdin=script, status=status).decode()

    def refuses(self, script, *says, answers=""):
        out = self.fails(tool.TROUBLE, "walk", self.golden("nested.act"), stdin=script,
                         says=("standard input:", *says))
        self.assertEqual(out.decode(), answers)

    def test_every_command_is_known_and_told(self):
        told = self.ok("walk", "--help").decode()
        known = commands_of_the_reference()
        self.assertEqual(len(known), 34)
        for name, line in known.items():
            self.assertRegex(told, rf"\b{name}\b")
            self.assertRegex(self.walk(line), r"^[^\t\n]+\t[0-9a-f]*\n$")
        named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", told))
        self.assertEqual(named - set(known), set())

    def test_lines_that_say_nothing(self):
        self.assertEqual(self.walk("\n  \n# a comment\n\t# another\nat_root\n\n"), "true\t\n")
        self.assertEqual(self.walk(""), "")

    def test_forms_of_a_line(self):
        self.assertEqual(self.walk("descend_to 61\r\n"), "ok\t61\n")
        self.assertEqual(self.walk("  descend_to\t 61  "), "ok\t61\n")
        self.assertEqual(self.walk("descend_to aBcD"), "ok\tabcd\n")
        # Bytes that are left out are none.
        self.assertEqual(self.walk("descend_to\nval_at\nroot"), "ok\t\n7\t\nok\t\n")
        self.assertEqual(self.walk("ascend 18446744073709551615"), "false\t\n")

    def test_mistakes(self):
        self.refuses("fly", "input:1:", "unknown command", '"fly"')
        self.refuses("\n#\nat_root\nROOT\n", "input:4:", "unknown command", answers="true\t\n")
        self.refuses("descend_to 6", "input:1:", "odd number")
        self.refuses("descend_to 6g", "input:1:", "hexadecimal")
        self.refuses("descend_to_byte 6162", "input:1:", "one byte", "descend_to_byte")
        self.refuses("descend_to_existing_byte", "input:1:", "one byte")
        self.refuses("ascend", "input:1:", "number", "ascend")
        self.refuses("ascend -1", "input:1:", "number", '"-1"')
        self.refuses("ascend 1x", "input:1:", "number")
        self.refuses("ascend 18446744073709551616", "input:1:", "number")
        self.refuses("ascend_byte 1", "input:1:", "no argument")
        self.refuses("descend_to 61 62", "input:1:", "too many words", '"62"')
        self.refuses("at_root\nat_root\0\n", "input:2:", "NUL", answers="true\t\n")
        self.refuses("fly\x1b[2J", "input:1:", "unknown command")
        self.refuses("x" * 100000, "input:1:", "unknown command", "...")

    def test_files_it_cannot_walk(self):
        self.fails(tool.TROUBLE, "walk", says="FILE")
        self.fails(tool.TROUBLE, "walk", "-", says="standard input")
        self.fails(tool.TROUBLE, "walk", "none.act", says="none.act")
        self.write("text", "no map at all, but long enough to be one")
        self.fails(tool.DAMAGED, "walk", "text", says="ACTree03")

    def damaged(self):
        """A root with children a and b; b begins where the root does."""
        arena = bytes([0x40, 1, 0x02, 2]) + b"ab"
        return self.write("bad.act", b"ACTree03" + (18).to_bytes(8, "little") + arena + bytes(8))

    def test_damage(self):
        name = self.damaged()
        out = self.fails(tool.DAMAGED, "walk", name, stdin="descend_first_byte\nto_next_step\npath\n",
                         says=(name, "offset 18"))
        self.assertEqual(out, b"true\t61\n")

    def test_limits(self):
        self.build("abcdef\t1\n")
        out = self.fails(tool.DAMAGED, "walk", "x.act", "--max-key", "5",
                         stdin="descend_to 616263\nto_next_val\n", says="--max-key")
        self.assertEqual(out, b"ok\t616263\n")
        # Two nodes, and none of them is a value.
        arena = bytes([0, 0x01, 1]) + b"a" + bytes([0x01, 3]) + b"a"
        name = self.write("dead.act", b"ACTree03" + (20).to_bytes(8, "little") + arena + bytes(8))
        self.fails(tool.DAMAGED, "walk", name, "--max-steps", "1", stdin="to_next_val\n",
                   says="--max-steps")
        self.assertEqual(self.ok("walk", name, "--max-steps", "2", stdin="to_next_val\n"),
                         b"false\t\n")

    def test_long_lines_and_many(self):
        path = "61" * 200000
        self.assertEqual(self.walk(f"descend_to {path}\npath\n"), f"ok\t{path}\n{path}\t{path}\n")
        self.assertEqual(self.walk("to_next_step\nreset\n" * 50000), "true\t61\nok\t\n" * 50000)

    def test_a_program_asks_and_waits(self):
        walk = subprocess.Popen([tool.ACTREE, "walk", self.golden("nested.act")],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            for question, answer in ((b"child_count\n", b"3\t\n"), (b"path_exists\n", b"true\t\n")):
                walk.stdin.write(question)
                walk.stdin.flush()
                self.assertTrue(select.select([walk.stdout], [], [], 60)[0], "no answer")
                self.assertEqual(walk.stdout.readline(), answer)
        finally:
            walk.stdin.close()
            self.assertEqual(walk.wait(60), 0)
            walk.stdout.close()

    def test_a_person_may_err(self):
        ours, theirs = self.open_terminal()
        walk = subprocess.Popen([tool.ACTREE, "walk", self.golden("nested.act")], stdin=theirs,
                                stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""

        def wait_for(text):
            nonlocal shown
            until = time.monotonic() + 60
            while text not in shown and time.monotonic() < until:
                if select.select([ours], [], [], 1)[0]:
                    shown += os.read(ours, 1000)
            self.assertIn(text, shown)
            shown = shown.split(text, 1)[1]

        wait_for(b"> ")
        os.write(ours, b"fly\n")
        wait_for(b"unknown command")
        wait_for(b"> ")
        os.write(ours, b"child_count\n")
        wait_for(b"3\t\r\n")
        wait_for(b"> ")
        os.write(ours, b"\x04")
        self.assertEqual(walk.wait(60), 0)
        os.close(ours)


if __name__ == "__main__":
    tool.main()
