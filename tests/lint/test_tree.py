#!/usr/bin/env python3
"""Breaks each rule of tree.py once, in a tree made up for it, and sees that the rule notices."""
import os
import tempfile
import unittest

import tree


class Broken(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def put(self, path, text):
        full = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def findings(self, rule):
        return [(path, number) for path, number, _ in tree.check(rule, self.root)]

    def expect(self, rule, *findings):
        self.assertEqual(self.findings(rule), sorted(findings))

    def include(self, path, name):
        self.put(path, f'#include <stdio.h>\n#include "{name}"\n')

    def test_a_room_may_include_lower_rooms_itself_and_the_public_header(self):
        self.include("src/format/a.c", "base/b.h")
        self.include("src/read/a.c", "format/b.h")
        self.include("src/read/b.c", "read/b.h")
        self.include("src/read/c.c", "actree.h")
        self.include("src/merge/a.c", "build/b.h")
        self.expect("layers")

    def test_a_room_may_not_include_upwards_or_sideways(self):
        self.include("src/base/a.c", "format/b.h")
        self.include("src/simd/a.c", "os/b.h")
        self.include("src/read/a.c", "build/b.h")
        self.include("src/build/a.h", "read/b.h")
        self.include("src/verify/a.c", "build/b.h")
        self.expect("layers", ("src/base/a.c", 2), ("src/simd/a.c", 2), ("src/read/a.c", 2),
                    ("src/build/a.h", 2), ("src/verify/a.c", 2))

    def test_headers_are_named_from_the_include_root(self):
        self.include("src/read/a.c", "b.h")
        self.include("src/read/b.c", "../base/b.h")
        self.expect("layers", ("src/read/a.c", 2), ("src/read/b.c", 2))

    def test_an_unknown_room_is_refused(self):
        self.put("src/attic/a.c", "int a;\n")
        self.expect("layers", ("src/attic/a.c", 1))

    def test_users_see_the_public_header_and_themselves(self):
        self.put("src/cli/args.h", "int a;\n")
        self.put("src/base/b.h", "int b;\n")
        self.put("tests/support/s.h", "int s;\n")
        self.include("src/cli/a.c", "args.h")
        self.include("src/cli/b.c", "base/b.h")
        self.include("tests/api/a.c", "support/s.h")
        self.include("tests/api/b.c", "base/b.h")
        self.include("fuzz/get/fuzz.c", "base/b.h")
        self.include("bench/a.c", "../src/base/b.h")
        self.include("examples/a.c", "actree.h")
        self.expect("layers", ("src/cli/b.c", 2), ("tests/api/b.c", 2), ("fuzz/get/fuzz.c", 2),
                    ("bench/a.c", 2))

    def test_platform_conditionals_have_their_rooms(self):
        self.put("src/os/a.c", "#ifdef __linux__\n#endif\n")
        self.put("src/base/a.h", "#if defined(_WIN32) || defined(__x86_64__)\n#endif\n")
        self.put("src/simd/a.c", "#if defined(__SSE2__)\n#endif\n")
        self.put("src/read/a.c", "#if 1\n#elif defined(__linux__)\n#endif\n")
        self.put("src/format/a.c", "#ifdef __AVX2__\n#endif\n")
        self.put("src/build/a.c", "#ifdef ACT_USE_X\n#endif\n")
        self.expect("platform", ("src/read/a.c", 2), ("src/format/a.c", 1), ("src/build/a.c", 1))

    def test_a_long_file_gives_its_reason(self):
        self.put("src/read/a.c", "\n" * 600)
        self.put("src/read/b.c", "\n" * 601)
        self.put("src/read/c.c", "/* Longer than 600 lines because it is one table. */\n" + "\n" * 700)
        self.put("include/actree.h", "\n" * 800)
        self.put("include/actree/map.h", "\n" * 801)
        self.expect("length", ("src/read/b.c", 601), ("include/actree/map.h", 801))

    def test_text_is_clean(self):
        self.put("src/read/a.c", "int a; \nint\tb;\nint c;")
        self.put("scripts/a.sh", "")
        self.put("Makefile", "all:\n\ttrue\n")
        self.expect("text", ("src/read/a.c", 1), ("src/read/a.c", 2), ("src/read/a.c", 3))

    def test_paths_of_one_machine_are_refused(self):
        self.put("docs/a.md", "see /home" + "/ann/x\nsee $HOME/x\n/root" + "/x\n/usr/bin/x\n")
        self.put("docs/b.md", f"{os.path.realpath(self.root)}/x\n")
        self.expect("words", ("docs/a.md", 1), ("docs/a.md", 3), ("docs/b.md", 1))

    def test_nothing_is_left_open(self):
        self.put("src/read/a.c", "/* TO" + "DO */\n")
        self.expect("words", ("src/read/a.c", 1))

    def test_a_unit_test_mirrors_a_file(self):
        self.put("src/read/get.c", "int a;\n")
        self.put("src/os/posix/map.c", "int a;\n")
        self.put("tests/unit/test_read_get.c", "int a;\n")
        self.put("tests/unit/test_os_map.c", "int a;\n")
        self.put("tests/unit/test_read_gone.c", "int a;\n")
        self.expect("mirror", ("tests/unit/test_read_gone.c", 1))

    def test_python_needs_nothing_else(self):
        self.put("scripts/a.py", "import os\nimport num" + "py\n")
        self.put("scripts/b.py", "import a\n")
        self.put("bench/plot.py", "import matplot" + "lib\n")
        self.expect("imports", ("scripts/a.py", 2))

    def test_what_was_built_is_not_looked_at(self):
        self.put("build/a.c", "int a;")
        self.put("src/build/a.c", "int a;")
        self.expect("text", ("src/build/a.c", 1))


if __name__ == "__main__":
    unittest.main()
