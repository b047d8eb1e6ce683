#!/usr/bin/env python3
"""What is wrong with sets: with their parts, and with their manifests."""
import json
import os

from sets import SetTest, sealed
from tool import DAMAGED, TROUBLE, main


class Wrong(SetTest):
    """What is wrong with one part does not stop the others."""

    parts_made = 5

    def setUp(self):
        super().setUp()
        self.names = self.parts()
        lowest = [line.split("\t")[2] for line in self.read("x.set").decode().splitlines()
                  if line.startswith("part\t")]
        # The first entry of each part: keys and values.
        self.firsts = [next(line.split("\t") for line in self.tsv.splitlines(keepends=True)
                            if line.split("\t")[0] >= key) for key in lowest]

    def check_part(self, index, status, *says):
        name = self.names[index]
        for i, (key, value) in enumerate(self.firsts):
            if i == index:
                self.fails(status, "get", "x.set", key, says=[name, *says])
            else:
                self.assertEqual(self.ok("get", "x.set", key).decode(), value)
        printed = self.fails(status, "dump", "x.set", says=[name, *says]).decode()
        self.assertTrue(self.tsv.startswith(printed))
        self.assertFalse(self.fails(status, "dump", "-r", "x.set", says=[name]) == b"" and index < 4)
        self.fails(status, "verify", "x.set", says=[name, *says])
        before = self.listing()
        self.fails(status, "join", "-o", "y.act", "x.set", says=[name])
        self.assertEqual(self.listing(), before)

    def test_missing(self):
        for index in range(5):
            content = self.read(self.names[index])
            os.remove(self.path(self.names[index]))
            self.check_part(index, TROUBLE, "No such file")
            self.write(self.names[index], content)
        self.ok("verify", "x.set")

    def test_another_file(self):
        self.write(self.names[1], self.read("x.act"))
        self.check_part(1, DAMAGED, "not the file")
        self.write(self.names[1], self.read(self.names[2]))
        self.check_part(1, DAMAGED, "not the file")

    def test_cut_short(self):
        self.write(self.names[3], self.read(self.names[3])[:-1])
        self.check_part(3, DAMAGED)
        self.write(self.names[3], b"")
        self.check_part(3, DAMAGED)

    def test_a_folder(self):
        os.remove(self.path(self.names[2]))
        os.mkdir(self.path(self.names[2]))
        self.check_part(2, TROUBLE, "a directory")

    def test_a_set_as_a_part(self):
        os.remove(self.path(self.names[2]))
        os.symlink("x.set", self.path(self.names[2]))
        self.check_part(2, DAMAGED, "a set itself")

    def test_other_values_of_the_same_size(self):
        """What only verify can tell."""
        lines = self.ok("dump", self.names[0])
        self.ok("build", "--threads=1", "--layout=plain", "-o", "a.act", "-", stdin=lines)
        self.ok("build", "--layout=plain", "-o", "b.act", "-",
                stdin=lines.replace(b"\t1", b"\t2", 1))
        self.assertEqual(len(self.read("a.act")), len(self.read("b.act")))
        self.split("--parts=1", "--layout=plain", name="a.act", to="y.set")
        part, = self.parts("y.set")
        self.write(part, self.read("b.act"))
        self.ok("dump", "y.set")
        self.fails(DAMAGED, "verify", "y.set", says=[part, "other entries"])
        report = json.loads(self.fails(DAMAGED, "verify", "--json", "y.set", says=part))
        self.assertEqual((report["sound"], report["part"], report["rule"]), (False, part, None))

    def test_damage_inside_of_a_part(self):
        content = bytearray(self.read(self.names[4]))
        content[len(content) // 2] ^= 1
        self.write(self.names[4], bytes(content))
        report = json.loads(self.fails(DAMAGED, "verify", "--json", "x.set", says=self.names[4]))
        self.assertEqual((report["sound"], report["part"]), (False, self.names[4]))
        self.assertIsNotNone(report["rule"])

    def test_damaged_manifests(self):
        """Some of them: the unit test has all cuts, and all bits flipped."""
        content = self.read("x.set")
        for cut in range(1, len(content), 67):
            self.fails(DAMAGED, "get", self.write("y.set", content[:cut]), "x", says="y.set")
        for at in range(0, len(content), 67):
            changed = bytearray(content)
            changed[at] ^= 1
            self.fails(DAMAGED, "get", self.write("y.set", bytes(changed)), "x", says="y.set")

    def manifest(self, name="x.set"):
        """Its lines but the last."""
        return self.read(name).split(b"\n")[:-2]

    def seal(self, lines, entries=None):
        """Writes them as y.set, with numbers of parts and entries, and a checksum, that are right."""
        head = lines[1].split(b"\t")
        parts = lines[2:]
        if entries is None:
            entries = sum(int(part.split(b"\t")[4]) for part in parts)
        head[1:3] = b"%d" % len(parts), b"%d" % entries
        content = sealed([lines[0], b"\t".join(head), *parts])
        if content is None:
            self.skipTest("there is no library that computes the checksum")
        self.write("y.set", content)

    def test_parts_that_are_not_those_of_the_set(self):
        """The checksum of the manifest is right, and what each line says is."""
        magic, head, *parts = self.manifest()
        names = self.names
        self.seal([magic, head, *parts])
        self.ok("verify", "y.set")

        def refused(lines, *says):
            self.seal([magic, head, *lines])
            for verb in ("info", "verify", "dump"):
                self.assertEqual(self.fails(DAMAGED, verb, "y.set", says=["y.set", *says]),
                                 b"damaged: file is damaged\n" if verb == "verify" else b"")
        refused(parts[1:], "the first part", names[1])
        refused(parts[:2] + parts[3:], "missing between", names[1], names[3])
        refused(parts[:4], "missing after", names[3])
        refused([*parts[:2], parts[2], parts[2], *parts[3:]], "overlap", names[2])
        refused([*parts[:2], parts[3], parts[2], parts[4]], "missing between", names[1], names[3])
        # Two parts that have changed their files' names.
        fields = [part.split(b"\t") for part in parts]
        fields[1][1], fields[2][1] = fields[2][1], fields[1][1]
        self.seal([magic, head, *[b"\t".join(part) for part in fields]])
        self.fails(DAMAGED, "verify", "y.set", says=["not the file", names[2]])
        # A part of a set that is split elsewhere.
        self.split("--parts", "6", to="other.set")
        other = self.manifest("other.set")[3]
        refused([parts[0], other, *parts[2:]], self.parts("other.set")[1])

    def test_a_part_of_a_set_that_is_split_alike(self):
        """Only with all others it is seen that it is of another set."""
        self.build(self.tsv.replace("\t1", "\t2"), name="other.act")
        self.split("--parts", "5", name="other.act", to="other.set")
        lines, others = self.manifest(), self.manifest("other.set")
        lines[4] = others[4]
        if lines[4].split(b"\t")[2:5] != self.manifest()[4].split(b"\t")[2:5]:
            self.skipTest("they are not split alike")
        self.seal(lines)
        self.ok("dump", "y.set")
        self.fails(DAMAGED, "verify", "y.set", says="one of them is of another set")
        report = json.loads(self.fails(DAMAGED, "verify", "--json", "y.set", says="another set"))
        self.assertEqual((report["sound"], report["part"], report["rule"]), (False, None, None))
        # With another number of entries, it is seen at once.
        self.seal(self.manifest(), entries=6001)
        self.fails(DAMAGED, "info", "y.set", says="6000 entries")

    def test_manifests_of_version_1(self):
        """They do not say what the set was made with; but what they say is checked."""
        magic, head, *parts = self.manifest()
        old = []
        for part in parts:
            fields = part.split(b"\t")
            old.append(b"\t".join(fields[:3] + fields[4:]))
        content = sealed([b"ACTreeSet01", b"\t".join(head.split(b"\t")[:2]), *old])
        if content is None:
            self.skipTest("there is no library that computes the checksum")
        self.assertEqual(magic, b"ACTreeSet02")
        self.write("y.set", content)
        self.assertEqual(self.ok("dump", "y.set").decode(), self.tsv)
        self.ok("verify", "y.set")
        self.ok("info", "y.set")
        os.remove(self.path(self.names[1]))
        self.fails(TROUBLE, "verify", "y.set", says=self.names[1])

    def test_a_manifest_larger_than_any(self):
        with open(self.path("y.set"), "wb") as file:
            file.write(b"ACTreeSet02\nparts\t1\npart\t")
            file.truncate(1 << 30)
        for verb in ("info", "dump", "verify"):
            self.fails(DAMAGED, verb, "y.set", says="larger than")


if __name__ == "__main__":
    main()
