#!/usr/bin/env python3
"""That what judges the tests can say no: exclusions out of date, decisions, mutants of each kind, and what
is said of those that survive."""
import importlib
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))

coverage = importlib.import_module("coverage")
mcdc = importlib.import_module("mcdc")
mutants = importlib.import_module("mutants")
mutate = importlib.import_module("mutate")


class Exclusions(unittest.TestCase):
    def judge(self, text, missed_counts):
        """What is left of the missed branches, how many were excluded, and what is wrong."""
        missed = {}
        for key, count in missed_counts.items():
            missed[key] = coverage.Missed()
            missed[key].add(1, count)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(text)
            file.flush()
            excluded, wrong = coverage.exclude(missed, coverage.read_exclusions(file.name))
        return {key: there.count for key, there in missed.items()}, sum(excluded.values()), wrong

    def test_takes_out_what_it_names(self):
        key = "read/a.c", "f", "if (a)"
        other = "read/a.c", "g", "if (a)"
        left, excluded, wrong = self.judge("[read/a.c]\nf :: if (a) :: 1 :: never\n",
                                           {key: 1, other: 2})
        self.assertEqual((left, excluded, wrong), ({other: 2}, 1, []))

    def test_takes_out_no_more_than_it_counts(self):
        key = "read/a.c", "f", "if (a)"
        left, excluded, wrong = self.judge("[read/a.c]\nf :: if (a) :: 1 :: never\n", {key: 3})
        self.assertEqual((left, excluded, wrong), ({key: 2}, 1, []))

    def test_says_what_is_out_of_date(self):
        key = "read/a.c", "f", "if (a)"
        for text, missed in (("f :: if (a) :: 2 :: never", {key: 1}), ("f :: if (b) :: 1 :: x", {}),
                             ("h :: if (a) :: 1 :: x", {key: 1})):
            _, _, wrong = self.judge(f"[read/a.c]\n{text}\n", missed)
            self.assertEqual(len(wrong), 1, text)

    def test_lets_pass_what_is_missed_at_times(self):
        _, _, wrong = self.judge("[read/a.c]\nf :: if (a) :: 2? :: who is first\n", {})
        self.assertEqual(wrong, [])

    def test_wants_a_reason(self):
        for text in ("f :: if (a) :: 1", "f :: if (a) :: 1 :: ", "f :: if (a) :: all :: x"):
            with self.assertRaises(SystemExit):
                self.judge(f"[read/a.c]\n{text}\n", {})


class Conditions(unittest.TestCase):
    KEY = "read/a.c", "f", "if (a && b)"

    def judge(self, text, covered):
        """What is missed of one decision, and what is wrong."""
        decision = mcdc.Decision(self.KEY[0], 7, 9, *self.KEY[1:], covered)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("[read/a.c]\n" + text + "\n")
            file.flush()
            wrong = mcdc.exclude([decision], coverage.read_entries(file.name))
        return decision.missed(), wrong

    def test_takes_out_what_it_names(self):
        self.assertEqual(self.judge("f :: if (a && b) :: 2 :: never", [False, False]), ([1], []))
        self.assertEqual(self.judge("f :: if (a && b) :: 1 2 :: x", [False, False]), ([], []))

    def test_says_what_is_out_of_date(self):
        for text in ("f :: if (a && b) :: 1 :: x", "f :: if (a && b) :: 3 :: x",
                     "f :: if (a || b) :: 2 :: x", "g :: if (a && b) :: 2 :: x"):
            _, wrong = self.judge(text, [True, False])
            self.assertEqual(len(wrong), 1, text)

    def test_lets_pass_what_is_shown_at_times(self):
        self.assertEqual(self.judge("f :: if (a && b) :: 1? :: who is first", [True, False]),
                         ([2], []))

    def test_wants_numbers(self):
        with self.assertRaises(SystemExit):
            self.judge("f :: if (a && b) :: all :: x", [False, False])


def function(name, records, expansions=()):
    """As llvm-cov tells of one: lines 10 to 20 of a file, and what there is in macros' arguments:
    (line, column, how many conditions)."""
    regions = [[10, 1, 20, 2, 1, 0, 0, 0]]
    branches = []
    for number, (line, column, count) in enumerate(expansions, 1):
        regions.append([line, column, line, column + 9, 1, 0, number, mcdc.EXPANSION])
        branches += [[3, 45, 3, 46, 1, 1, number, 0, mcdc.CONDITION]] * count
    return {"name": name, "filenames": [os.path.join(mcdc.SRC, "base/error.c")],
            "regions": regions, "branches": branches, "mcdc_records": records}


class Decisions(unittest.TestCase):
    def found(self, *functions):
        return [(d.line, d.column, d.key[1], d.covered) for d in mcdc.decisions(functions)]

    def test_copies_are_one(self):
        copy = [12, 9, 12, 20, 0, 5]
        self.assertEqual(self.found(function("a.c:f", [copy + [[True, False]]]),
                                    function("b.c:f", [copy + [[False, True]]])),
                         [(12, 9, "f", [True, True])])

    def test_arguments_of_macros_are_where_they_are_used(self):
        records = [[3, 45, 3, 46, 0, 5, [True, False]], [3, 45, 3, 46, 0, 5, [True, True, False]]]
        self.assertEqual(self.found(function("f", records, [(11, 9, 3), (14, 9, 2), (15, 9, 0)])),
                         [(11, 9, "f", [True, True, False]), (14, 9, "f", [True, False])])


class Mutants(unittest.TestCase):
    def expect(self, body, *changes):
        source = "enum { N = 5 };\nint f(int *p, int n)\n{\n" + body + "\n}\n"
        found = {m.one_line() for m in mutants.mutants_of(source)}
        for change in changes:
            self.assertIn(change, found)
        for mutant in mutants.mutants_of(source):
            mutated = mutant.apply(source)
            self.assertNotEqual(mutated, source)
            self.assertEqual(mutated.count("\n"), source.count("\n"))
            self.assertGreater(mutant.line, 2)  # nothing outside of functions
        return found

    def test_each_kind(self):
        self.expect("    if (n < 3 && *p)\n        n = 1;\n    return n + 2;",
                    "< => <=", "< => >=", "&& => ||", "3 => 4", "3 => 2", "+ => -",
                    "n < 3 && *p => !(n < 3 && *p)", "n = 1 => nothing", "n + 2 => !(n + 2)")
        self.expect("    while (n != 0) {\n        n--;\n        break;\n    }\n    return 0;",
                    "!= => ==", "-- => ++", "break => nothing", "0 => 1", "n-- => nothing")
        self.expect("    g(n,\n      p);\n    return true;", "g(n, p) => nothing", "true => false")

    def test_nothing_of_comments_texts_and_pointers(self):
        found = self.expect('    int *q = &n; /* a < b */\n    g("1 + 2", q, -n); // 7 > 6\n'
                            "#if N > 3\n#endif\n    return *q;")
        self.assertEqual(found, {'g("1 + 2", q, -n) => nothing', "*q => !(*q)"})


class Survivors(unittest.TestCase):
    def read(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("[read/a.c]\n" + text + "\n")
            file.flush()
            return mutate.read_known(file.name)

    def test_are_known_by_file_line_and_change(self):
        self.assertEqual(self.read("n = 1; :: 1 => 2 :: speed :: sooner\n"
                                   "n = 1; :: 1 => 0 :: open :: ?"),
                         {("read/a.c", "n = 1;", "1 => 2"): "speed",
                          ("read/a.c", "n = 1;", "1 => 0"): "open"})

    def test_have_a_kind_and_a_reason_once(self):
        for text in ("n = 1; :: 1 => 2 :: slow :: x", "n = 1; :: 1 => 2 :: speed ::",
                     "n = 1; :: 1 => 2 :: speed", "n = 1; :: 1 => 2 :: speed :: x\n" * 2):
            with self.assertRaises(SystemExit):
                self.read(text)


if __name__ == "__main__":
    unittest.main()
