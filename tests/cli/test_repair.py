#!/usr/bin/env python3
"""What is done with damage: verify --repair, and --checksums."""
import json
import os

from tool import DAMAGED, DONE, NO, TROUBLE, ToolTest, main

FIVE = "a\t1\ndo\t2\ndoing\t300\nsing\t4\nsong\t65536\n"
BLOCK = 65536


class DamageTest(ToolTest):
    """Makes files, and damages them."""

    def flip(self, file, offset, mask=1):
        data = bytearray(self.read(file))
        data[offset] ^= mask
        self.write(file, bytes(data))

    def many(self, *options):
        """A file of several blocks; its entries, as dump prints them."""
        lines = "".join(f"{n * 7919 % 100003:06d}-{n % 13}\t{n}\n" for n in range(30000))
        file = self.build(lines, *options)
        return file, self.ok("dump", file).splitlines()


class Repair(DamageTest):
    def repair(self, file, *options, status=DAMAGED):
        done = self.run_tool("verify", "--repair", "out.act", file, *options)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def test_a_sound_file(self):
        for layout in "indexed", "plain", "compact":
            file = self.build(FIVE, "--layout", layout)
            done = self.repair(file, status=DONE)
            self.assertEqual(done.stdout, b"salvaged: 5 keys; ranges of keys lost: 0\n")
            self.assertEqual(done.stderr, b"")
            self.assertEqual(self.ok("dump", "out.act"), FIVE.encode())
            # The same bytes as any other build.
            self.repair(file, "--layout", "plain", status=DONE)
            self.assertEqual(self.read("out.act"), self.read(self.build(FIVE, "--layout", "plain")))

    def test_a_bad_block(self):
        file, lines = self.many()
        self.flip(file, BLOCK + 100)
        done = self.repair(file)
        self.assertIn(b"damaged at offset 65536", done.stderr)
        self.assertIn(b"bad block: 65,536 bytes at offset 65536\n", done.stdout)
        self.assertIn(b'lost: keys from "', done.stdout)
        self.assertIn(b"(checksum, at offset 65536)", done.stdout)
        left = self.ok("dump", "out.act").splitlines()
        self.assertTrue(0 < len(left) < len(lines))
        self.assertTrue(set(left) < set(lines))
        self.ok("verify", "out.act")

        report = json.loads(self.repair(file, "--json").stdout)
        self.assertEqual(report["bad_blocks"], [{"offset": BLOCK, "bytes": BLOCK}])
        self.assertEqual((report["damaged"], report["written"], report["checksummed"]),
                         (True, True, True))
        self.assertEqual(report["keys"], len(left))
        self.assertEqual(report["lost_range_count"], len(report["lost"]))
        # The ranges hold what is missing, and nothing else.
        lost = [line for line in lines
                if any(r["from"].encode() <= line.split(b"\t")[0] < (r["to"] or "~").encode()
                       for r in report["lost"])]
        self.assertEqual(sorted(lost + left), lines)
        self.assertEqual({(r["rule"], r["offset"]) for r in report["lost"]}, {("checksum", BLOCK)})

        short = json.loads(self.repair(file, "--json", "--limit", "1").stdout)
        self.assertEqual((len(short["lost"]), short["lost_range_count"]),
                         (1, report["lost_range_count"]))
        if report["lost_range_count"] > 1:
            self.assertIn(b" more ranges of lost keys\n", self.repair(file, "-n", "1").stdout)

        # A flip in a value or a letter passes, if one asks for that.
        report = json.loads(self.repair(file, "--json", "--repair-unchecked").stdout)
        self.assertFalse(report["checksummed"])
        self.assertTrue(report["keys"] > len(left))

    def test_nothing_to_be_found(self):
        file = self.build(FIVE)
        self.write(file, self.read(file)[:200])
        done = self.repair(file)
        self.assertIn(b"nothing can be salvaged", done.stderr)
        self.assertEqual(done.stdout, b"")
        self.assertFalse(os.path.exists(self.path("out.act")))
        report = json.loads(self.repair(file, "--json").stdout)
        self.assertEqual((report["written"], report["damaged"]), (False, True))
        self.write("not", "nothing of the kind, at any rate\n")
        self.assertIn(b"not an ACTree03 file", self.repair("not").stderr)

    def test_a_merge_that_cannot_be_read(self):
        file = self.build(FIVE)
        self.ok("merge", file, "-", stdin="do\t7\nzoo\t8\n")
        self.flip(file, len(self.read(file)) - 30)
        done = self.repair(file)
        self.assertIn(b"lost: what was merged after the root at offset ", done.stdout)
        self.assertEqual(self.ok("dump", "out.act"), FIVE.encode())
        report = json.loads(self.repair(file, "-j").stdout)
        self.assertTrue(report["root_is_former"] and report["lost_bytes"] > 0)

    def test_an_older_file_at_the_place_is_replaced_or_kept(self):
        file = self.build(FIVE)
        self.write("out.act", "older")
        self.repair(file, status=DONE)
        self.assertEqual(self.ok("dump", "out.act"), FIVE.encode())
        self.write("out.act", "older")
        self.write(file, self.read(file)[:100])
        self.repair(file)
        self.assertEqual(self.read("out.act"), b"older")

    def test_refused(self):
        file = self.build(FIVE)
        before = self.read(file)
        os.link(self.path(file), self.path("link.act"))
        for words, why in ((("--repair", file, file), b"to be repaired"),
                           (("--repair", "./" + file, file), b"to be repaired"),
                           (("--repair", "link.act", file), b"to be repaired"),
                           (("--repair", "out.act", "-"), b"standard input"),
                           (("--repair", "-", file), b"standard output"),
                           (("--repair", "out.act", "--at", "16", file), b"--at"),
                           (("--repair-unchecked", file), b"goes with --repair"),
                           (("--repair", "none/out.act", file), b"none/out.act"),
                           (("--repair", "out.act", "none"), b"none")):
            done = self.run_tool("verify", *words)
            self.assertEqual(done.returncode, TROUBLE, words)
            self.assertIn(why, done.stderr)
        self.assertEqual(self.read(file), before)
        self.assertFalse(os.path.exists(self.path("out.act")))

    def test_a_set_is_refused_and_its_parts_are_not(self):
        file, _ = self.many()
        self.ok("split", file, "--parts", "2", "-o", "parts.acts")
        done = self.run_tool("verify", "--repair", "out.act", "parts.acts")
        self.assertEqual(done.returncode, TROUBLE)
        self.assertIn(b"its parts one by one", done.stderr)

    def test_keys_that_are_too_long(self):
        file = self.build("a\t1\n" + 5000 * "b" + "\t2\n")
        done = self.repair(file, "--max-key", "1K")
        self.assertIn(b"--max-key", done.stderr)
        self.assertEqual(self.ok("dump", "out.act"), b"a\t1\n")
        self.assertIn(b"key-length", done.stdout)

    def test_too_many_steps(self):
        file, _ = self.many()
        done = self.repair(file, "--max-steps", "1000")
        self.assertIn(b"more than 1000 steps", done.stderr)
        self.assertIn(b"--max-steps", done.stderr)
        self.assertFalse(os.path.exists(self.path("out.act")))


class Checksums(DamageTest):
    def test_a_bad_block_is_an_error_where_it_is_read(self):
        file, lines = self.many()
        self.flip(file, BLOCK + 100)
        seen = set()
        for line in lines[::500]:
            key, value = line.decode().split("\t")
            done = self.run_tool("get", "--checksums", "touch", file, key)
            seen.add(done.returncode)
            if done.returncode == DONE:
                self.assertEqual(done.stdout.decode(), value + "\n")
            else:
                self.assertEqual(done.returncode, DAMAGED)
                self.assertIn(b"damaged at offset 65536: the bytes up to offset 131072", done.stderr)
        self.assertEqual(seen, {DONE, DAMAGED})
        done = self.run_tool("dump", "--checksums=touch", file)
        self.assertEqual(done.returncode, DAMAGED)
        self.assertTrue(set(done.stdout.splitlines()) < set(lines))
        # Without the option nobody looks, but verify.
        self.assertEqual(self.run_tool("dump", "--checksums=off", file).returncode, DONE)

    def test_of_a_sound_file_nothing_is_different(self):
        file, lines = self.many()
        done = self.run_tool("dump", "--checksums=touch", file)
        self.assertEqual((done.returncode, done.stderr), (DONE, b""))
        self.assertEqual(done.stdout.splitlines(), lines)
        self.assertEqual(self.run_tool("get", "--checksums=touch", file, "x").returncode, NO)

    def test_files_without_checksums_are_told(self):
        for layout in "plain", "compact":
            file = self.build(FIVE, "--layout", layout)
            done = self.run_tool("get", "--checksums=touch", file, "do")
            self.assertEqual((done.returncode, done.stdout), (DONE, b"2\n"))
            self.assertIn(b"note: it has no checksums", done.stderr)

    def test_a_damaged_header_is_refused(self):
        file = self.build(FIVE)
        self.flip(file, 40)
        self.assertEqual(self.run_tool("dump", file).returncode, DONE)
        done = self.run_tool("dump", "--checksums=touch", file)
        self.assertEqual(done.returncode, DAMAGED)
        self.assertIn(b"header of the index", done.stderr)


if __name__ == "__main__":
    main()
