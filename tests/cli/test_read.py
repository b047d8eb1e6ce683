#!/usr/bin/env python3
"""dump, prefix, range and get."""
import os
import subprocess
import threading

from tool import ACTREE, DAMAGED, NO, TROUBLE, ToolTest, main

WORDS = {b"": 7, b"a": 1, b"ab": 2, b"abc": 3, b"b": 4, b"ba": 5, b"c": 2**64 - 1}


def tsv(entries):
    return b"".join(b"%s\t%d\n" % entry for entry in entries)


class Entries(ToolTest):
    def setUp(self):
        super().setUp()
        self.file = self.build(tsv(WORDS.items()))
        self.entries = sorted(WORDS.items())

    def test_dump(self):
        self.assertEqual(self.ok("dump", self.file), tsv(self.entries))
        self.assertEqual(self.ok("dump", self.file, "-r"), tsv(self.entries[::-1]))

    def test_threads_print_the_same(self):
        keys = [b"%07d/%s" % (i, b"x" * (i % 90)) for i in range(0, 3000000, 11)]
        lines = [b"%s\t%d\n" % (key, i) for i, key in enumerate(keys)]
        for layout in ("indexed", "plain"):
            name = self.build(b"".join(lines), "--layout", layout, name=layout + ".act")
            self.assertGreater(os.path.getsize(self.path(name)), 1 << 20)
            for threads in ("1", "2", "3", "100"):
                self.assertEqual(self.ok("dump", name, "--threads", threads), b"".join(lines))
            found = [line for line in lines if line.startswith(b"1")]
            self.assertEqual(self.ok("prefix", name, "1", "--threads=4"), b"".join(found))
            # What comes before a key that cannot be shown is printed.
            at = len(lines) * 2 // 3
            odd = lines[:at] + [b"%s\x01\t7\n" % keys[at]] + lines[at + 1:]
            name = self.build(b"".join(odd).replace(b"\x01", b"\0"), "--layout", layout,
                              name="odd.act")
            out = self.fails(TROUBLE, "dump", name, "-0", "--threads=2", says="NUL")
            self.assertTrue(b"".join(odd[:at]).replace(b"\n", b"\0").startswith(out))

    def test_dump_of_an_empty_map_is_done(self):
        self.assertEqual(self.ok("dump", self.golden("empty.act")), b"")

    def test_dump_from_standard_input(self):
        self.assertEqual(self.ok("dump", "-", stdin=self.read(self.file)), tsv(self.entries))

    def test_golden_files(self):
        for name in ("comb", "nested", "values-branch", "odd-bytes", "one-70000", "root-only"):
            with open(self.golden(f"{name}.tsv"), "rb") as file:
                self.assertEqual(self.ok("dump", "--keys=hex", self.golden(f"{name}.act")),
                                 file.read())

    def test_limit(self):
        for count in (0, 1, 3, 7, 100, 2**64 - 1):
            self.assertEqual(self.ok("dump", self.file, "-n", str(count)),
                             tsv(self.entries[:count]))
            self.assertEqual(self.ok("dump", self.file, "-n", str(count), "-r"),
                             tsv(self.entries[::-1][:count]))

    def test_prefix(self):
        for prefix in (b"", b"a", b"ab", b"b", b"c"):
            found = [entry for entry in self.entries if entry[0].startswith(prefix)]
            self.assertEqual(self.ok("prefix", self.file, prefix), tsv(found))
            self.assertEqual(self.ok("prefix", self.file, prefix, "-r"), tsv(found[::-1]))
            self.assertEqual(self.ok("prefix", self.file, prefix, "--limit=1"), tsv(found[:1]))

    def test_prefix_without_entries_is_no(self):
        for prefix in ("x", "abcd", "ac"):
            self.assertEqual(self.ok("prefix", self.file, prefix, status=NO), b"")

    def test_range(self):
        bounds = [None, b"", b"a", b"aa", b"ab", b"abcd", b"b", b"c", b"d"]
        for low in bounds:
            for high in bounds:
                found = [entry for entry in self.entries
                         if (low is None or entry[0] >= low) and (high is None or entry[0] < high)]
                arguments = [*(["--from", low] if low is not None else []),
                             *(["--to", high] if high is not None else [])]
                status = 0 if found else NO
                self.assertEqual(self.ok("range", self.file, *arguments, status=status), tsv(found))
                self.assertEqual(self.ok("range", self.file, *arguments, "-r", status=status),
                                 tsv(found[::-1]))
                self.assertEqual(self.ok("range", self.file, *arguments, "-n2", status=status),
                                 tsv(found[:2]))

    def test_many_entries_arrive_in_order(self):
        entries = [(b"%07d" % i, i) for i in range(100000)]
        name = self.build(tsv(entries), name="many.act")
        self.assertEqual(self.ok("dump", name), tsv(entries))

    def test_max_key(self):
        out = self.fails(DAMAGED, "dump", self.file, "--max-key=2", says=[self.file, "--max-key"])
        self.assertEqual(out, tsv(self.entries[:3]))

    def test_max_steps(self):
        # Branches without values, one below the other: more nodes than steps.
        name = self.build(tsv((b"%s%c" % (b"a" * n, b), 1) for n in range(64) for b in b"bc"),
                          name="deep.act")
        self.fails(DAMAGED, "dump", name, "--max-steps=8", says=[name, "--max-steps"])
        self.ok("dump", name, "--max-steps=1000")


class KeysAsText(ToolTest):
    ODD = {b"": 0, b"\x00": 1, b"\x00\x01": 2, b"a\tb": 3, b"a\nb": 4, b"back\\slash": 5,
           b"caf\xc3\xa9": 6, b"\x7f\x80\xff": 7, b" ~": 8, b"\r": 9}

    def setUp(self):
        super().setUp()
        lines = b"".join(b"%s\t%d\n" % (key.hex().encode(), value)
                         for key, value in self.ODD.items())
        self.file = self.build(lines, "--keys=hex")

    def test_hex(self):
        lines = "".join(f"{key.hex()}\t{value}\n" for key, value in sorted(self.ODD.items()))
        self.assertEqual(self.ok("dump", "--keys=hex", self.file).decode(), lines)

    def test_escaped(self):
        texts = [r"", r"\x00", r"\x00\x01", r"\x0d", r" ~", r"a\tb", r"a\nb", r"back\\slash",
                 r"caf\xc3\xa9", r"\x7f\x80\xff"]
        lines = "".join(f"{text}\t{value}\n"
                        for text, (_, value) in zip(texts, sorted(self.ODD.items())))
        self.assertEqual(self.ok("dump", "--keys=escaped", self.file).decode(), lines)

    def test_every_byte_survives_each_form(self):
        keys = [bytes([byte]) for byte in range(256)]
        lines = b"".join(b"%s\t%d\n" % (key.hex().encode(), key[0]) for key in keys)
        first = self.build(lines, "--keys=hex", name="all.act")
        for form in ("hex", "escaped"):
            text = self.ok("dump", f"--keys={form}", first)
            again = self.build(text, f"--keys={form}", name="again.act")
            self.assertEqual(self.read(again), self.read(first))

    def test_raw_refuses_what_could_not_be_read_back(self):
        for key in (b"a\tb", b"a\nb"):
            name = self.build(b"0000\t1\n%s\t2\n7a\t3\n" % key.hex().encode(), "-k", "hex",
                              name="odd.act")
            out = self.fails(TROUBLE, "dump", name, says=["--keys=escaped", "--keys=hex", "a\\"])
            self.assertEqual(out, b"\0\0\t1\n")

    def test_raw_with_nul(self):
        name = self.build("610a62\t1\n610962\t2\n", "-k", "hex", name="odd.act")
        self.assertEqual(self.ok("dump", "-0", name), b"a\tb\t2\0a\nb\t1\0")
        self.assertEqual(self.read(self.build(b"a\tb\t2\0a\nb\t1\0", "-0", name="same.act")),
                         self.read(name))
        name = self.build("6100\t1\n", "-k", "hex", name="nul.act")
        self.fails(TROUBLE, "dump", "-0", name, says="NUL")
        self.assertEqual(self.ok("dump", name), b"a\0\t1\n")

    def test_arguments_are_in_that_form(self):
        self.assertEqual(self.ok("get", self.file, "-k", "hex", "0001", "", "FF", status=NO),
                         b"2\n0\n-\n")
        self.assertEqual(self.ok("get", self.file, "-k", "escaped", r"\x00\x01", r"a\tb", "a\tb",
                                 r"back\\slash"), b"2\n3\n3\n5\n")
        self.assertEqual(self.ok("prefix", self.file, "-k", "hex", "00"), b"00\t1\n0001\t2\n")
        self.assertEqual(self.ok("range", self.file, "-k", "escaped", "--from", r"\x00\x01",
                                 "--to", r"\x20"), b"\\x00\\x01\t2\n\\x0d\t9\n")

    def test_text_that_is_no_key(self):
        for form, texts in (("hex", ("0", "abc", "0g", "0x00", " 00")),
                            ("escaped", ("\\", "\\q", "\\x", "\\x1", "\\x1g", "a\\x"))):
            for text in texts:
                for arguments in (["get", self.file, text], ["prefix", self.file, text],
                                  ["range", self.file, "--from", text],
                                  ["range", self.file, "--to", text]):
                    self.fails(TROUBLE, *arguments, "--keys", form, says="key ")


class Get(ToolTest):
    def setUp(self):
        super().setUp()
        self.file = self.build(tsv(WORDS.items()))

    def test_values(self):
        self.assertEqual(self.ok("get", self.file, "a", "", "c"),
                         b"1\n7\n18446744073709551615\n")

    def test_missing_keys(self):
        self.assertEqual(self.ok("get", self.file, "x", "a", "abcd", status=NO), b"-\n1\n-\n")

    def test_standard_input(self):
        self.assertEqual(self.ok("get", self.file, "-", stdin="a\n\nab\nc"),
                         b"1\n7\n2\n18446744073709551615\n")
        self.assertEqual(self.ok("get", self.file, "-", stdin="a\nnone\n", status=NO), b"1\n-\n")
        self.assertEqual(self.ok("get", self.file, "-", stdin=""), b"")

    def test_standard_input_among_keys(self):
        self.assertEqual(self.ok("get", self.file, "a", "-", "b", stdin="ab\n"), b"1\n2\n4\n")

    def test_nul_records(self):
        name = self.build(b"a\nb\t1\0", "-0", name="odd.act")
        self.assertEqual(self.ok("get", name, "-0", "-", stdin=b"a\nb\0x", status=NO), b"1\0-\0")

    def test_long_lines(self):
        key = b"k" * 1000000
        name = self.build(b"%s\t5\n" % key, name="long.act")
        self.assertEqual(self.ok("get", name, "-", stdin=b"%s\n%sx\n" % (key, key), status=NO),
                         b"5\n-\n")

    def test_many_keys(self):
        count = 50000
        name = self.build(tsv((b"%d" % i, i) for i in range(count)), name="many.act")
        keys = [(i * 7919) % (2 * count) for i in range(count)]
        answers = b"".join(b"%d\n" % key if key < count else b"-\n" for key in keys)
        self.assertEqual(self.ok("get", name, "-", stdin="\n".join(map(str, keys)), status=NO),
                         answers)

    def test_answers_come_before_the_next_question(self):
        process = subprocess.Popen([ACTREE, "get", self.file, "-"], cwd=self.folder,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # A tool that keeps its answers back would wait for ever, as would the test.
        watch = threading.Timer(20, process.kill)
        watch.start()
        self.addCleanup(watch.cancel)
        with process:
            for key, answer in ((b"a", b"1\n"), (b"none", b"-\n"), (b"ab", b"2\n")):
                process.stdin.write(key + b"\n")
                process.stdin.flush()
                self.assertEqual(process.stdout.readline(), answer)
            process.stdin.close()
        self.assertEqual(process.returncode, NO)

    def test_file_and_keys_cannot_both_be_standard_input(self):
        self.fails(TROUBLE, "get", "-", "-", stdin=self.read(self.file), says="standard input")

    def test_bad_key_on_standard_input(self):
        out = self.fails(TROUBLE, "get", self.file, "-k", "hex", "-", stdin="61\n6x\n62\n",
                         says=["standard input:2", "6x"])
        self.assertEqual(out, b"1\n")

    def test_golden_answers(self):
        for name in ("fan-256", "file-paths", "merged3", "random-5000", "versioned"):
            with open(self.golden(f"{name}.get.in"), "rb") as file:
                keys = b"".join(line.split(b"\t")[0].rstrip(b"\n") + b"\n" for line in file)
            with open(self.golden(f"{name}.get.out"), "rb") as file:
                answers = file.read()
            done = self.run_tool("get", "-k", "hex", self.golden(f"{name}.act"), "-", stdin=keys)
            self.assertEqual((done.stdout, done.stderr), (answers, b""), name)
            self.assertEqual(done.returncode, NO if b"-\n" in answers else 0)


class NoMap(ToolTest):
    """FILE is not what it should be: each verb that reads says so, with the status that fits."""

    VERBS = (["dump"], ["get", "k"], ["prefix", "k"], ["range"], ["info"], ["verify"], ["walk"],
             ["bench", "q"])

    def each(self, status, name, says):
        self.write("q", "k\n")
        for verb, *arguments in self.VERBS:
            self.fails(status, verb, name, *arguments, says=says)

    def test_missing(self):
        self.each(TROUBLE, "no-such-file", ["no-such-file", "No such file"])

    def test_directory(self):
        os.mkdir(self.path("folder"))
        self.each(TROUBLE, "folder", ["folder", "directory"])

    def test_fifo(self):
        os.mkfifo(self.path("fifo"))
        self.each(TROUBLE, "fifo", "fifo")

    def test_device(self):
        self.each(TROUBLE, "/dev/null", "/dev/null")

    def test_no_permission(self):
        name = self.build("k\t1\n")
        os.chmod(self.path(name), 0)
        self.write("q", "k\n")
        for verb, *arguments in self.VERBS:
            done = self.run_as_nobody(verb, name, *arguments)
            self.assertEqual(done.returncode, TROUBLE, done.stderr)
            self.assertRegex(done.stderr, rb"\Aactree: .*x\.act.*: Permission denied\n\Z")

    def test_empty_and_short_files(self):
        whole = self.read(self.build("k\t1\n"))
        for nbytes in range(25):
            self.each(DAMAGED, self.write("short.act", whole[:nbytes]), "short.act")

    def test_wrong_magic(self):
        whole = self.read(self.build("k\t1\n"))
        for magic in (b"ACTree02", b"ACTree04", b"actree03", b"\0" * 8):
            self.each(DAMAGED, self.write("magic.act", magic + whole[8:]), "magic.act")

    def test_root_outside(self):
        whole = self.read(self.build("k\t1\n"))
        for root in (0, 15, len(whole) - 8, len(whole), 2**63, 2**64 - 1):
            name = self.write("root.act", whole[:8] + root.to_bytes(8, "little") + whole[16:])
            self.each(DAMAGED, name, "root.act")

    def test_text(self):
        self.each(DAMAGED, self.write("text.act", "not a map, but longer than one has to be\n"),
                  ["text.act", "ACTree03"])

    def test_cut_anywhere(self):
        with open(self.golden("nested.act"), "rb") as file:
            whole = file.read()
        for nbytes in range(25, len(whole), 61):
            name = self.write("cut.act", whole[:nbytes])
            done = self.run_tool("dump", name)
            self.assertEqual(done.returncode, DAMAGED)
            self.assertIn(b"cut.act", done.stderr)
            self.fails(DAMAGED, "verify", name, says="cut.act")

    def test_damage_met_on_the_way(self):
        with open(self.golden("nested.act"), "rb") as file:
            whole = bytearray(file.read())
        # The first nodes become headers that no node has; entries before them are printed.
        whole[100:200] = b"\x3f" * 100
        name = self.write("bad.act", whole)
        out = self.fails(DAMAGED, "dump", "-k", "hex", name, says=["bad.act", "offset"])
        with open(self.golden("nested.tsv"), "rb") as file:
            self.assertTrue(file.read().startswith(out))
        self.fails(DAMAGED, "verify", name, says=["bad.act", "offset"])


if __name__ == "__main__":
    main()
