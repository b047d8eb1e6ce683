#!/usr/bin/env python3
"""Rules for the source tree that no compiler checks.

    tree.py RULE [ROOT]     one of the rules below, or "all"

Prints FILE:LINE: what is wrong, one finding a line; exit status 1 if there is any.
"""
import os
import re
import sys

# A room includes itself and rooms of a lower level.
LEVELS = {"base": 0, "simd": 1, "os": 1, "format": 2, "read": 3, "build": 3,
          "verify": 4, "merge": 4, "set": 5, "repair": 5, "cli": 6}
# Of the rooms above both, only these may see how files are read and how they are built.
SEES_BUILD = {"merge", "repair"}
# Places that stand for the user of the library: they see the public header and themselves.
OUTSIDE = ("src/cli", "bench", "fuzz", "examples", "tests/api")

OS_MACROS = (r"_WIN32|_WIN64|__linux__|__linux|linux|__APPLE__|__MACH__|__unix__|__FreeBSD__|"
             r"__OpenBSD__|__NetBSD__|__ANDROID__|__CYGWIN__|__MINGW32__|_MSC_VER|__GLIBC__")
CPU_MACROS = (r"__x86_64__|__i386__|_M_X64|_M_IX86|__aarch64__|__arm__|_M_ARM64|__ARM_NEON\w*|"
              r"__SSE\w*|__AVX\w*|__BMI\w*|__POPCNT__|__riscv\w*|__powerpc\w*|__s390x?__")

LINES_MAX = 600
# The contract stands at the prototype: a public header is mostly comment.
HEADER_LINES_MAX = 800
LINES_REASON = "Longer than 600 lines because"

TEXT = (".c", ".h", ".py", ".sh", ".md", ".cmake", ".txt", ".json", ".scd", ".in", ".list", ".rs",
        ".toml", ".yml")
NAMED_TEXT = ("Makefile", ".clang-format", ".clang-tidy", ".gitignore", "run")
SKIPPED_FOLDERS = re.compile(r"^(build.*|out|target|\.git|__pycache__|golden|corpus|data|results)$")


def files(root, *tops):
    """Paths of text files below the folders `tops` of the tree, relative to root, sorted."""
    found = []
    for top in tops or (".",):
        for folder, folders, names in os.walk(os.path.join(root, top)):
            # src/build is a room; build/ at the top holds what was built.
            folders[:] = [f for f in folders if not SKIPPED_FOLDERS.match(f)
                          or os.path.relpath(os.path.join(folder, f), root) == "src/build"]
            for name in names:
                if name.endswith(TEXT) or name in NAMED_TEXT:
                    found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def c_files(root, *tops):
    return [f for f in files(root, *tops) if f.endswith((".c", ".h"))]


def lines(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return list(enumerate(file.read().split("\n"), 1))


def includes(root, path):
    """(line number, name) of each #include "name"."""
    for number, line in lines(root, path):
        m = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
        if m:
            yield number, m.group(1)


def is_public(name):
    return name == "actree.h" or name.startswith("actree/")


def rule_layers(root):
    """A room includes only lower rooms; what stands for a user includes the public header only."""
    for path in c_files(root, "src"):
        room = path.split("/")[1]
        if room not in LEVELS:
            yield path, 1, f"src/{room} is not a known room"
            continue
        if room == "cli":
            continue
        for number, name in includes(root, path):
            other = name.split("/")[0]
            if is_public(name) or other == room:
                continue
            if "/" not in name or name.startswith(".."):
                yield path, number, f'"{name}": name headers from the include root, as room/file.h'
            elif LEVELS.get(other, 99) >= LEVELS[room]:
                yield path, number, f'src/{room} may not include "{name}"'
            elif other == "build" and room not in SEES_BUILD:
                yield path, number, f'src/{room} may not include "{name}"'
    for top in OUTSIDE:
        for path in c_files(root, top):
            for number, name in includes(root, path):
                own = [os.path.join(root, os.path.dirname(path), name), os.path.join(root, top, name)]
                if top == "src/cli":
                    own.append(os.path.join(root, "src", name) if name.startswith("cli/") else "")
                elif top == "fuzz":
                    own.append(os.path.join(root, name) if name.startswith("fuzz/") else "")
                    # The tool's parsers have targets of their own.
                    own.append(os.path.join(root, "src", name) if name.startswith("cli/") else "")
                elif top == "tests/api":
                    own.append(os.path.join(root, "tests", name) if name.startswith("support/")
                               else "")
                if ".." in name or not (is_public(name) or any(map(os.path.isfile, own))):
                    yield path, number, f'{top} sees the public header only, not "{name}"'


def rule_platform(root):
    """The build chooses the platform's file; only os, base and simd may ask the compiler."""
    for path in c_files(root, "src"):
        room = path.split("/")[1]
        for number, line in lines(root, path):
            if not re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b", line):
                continue
            if room not in ("os", "base") and re.search(rf"\b({OS_MACROS})\b", line):
                yield path, number, "platform conditional outside src/os and src/base"
            if room not in ("simd", "base") and re.search(rf"\b({CPU_MACROS})\b", line):
                yield path, number, "processor conditional outside src/simd and src/base"
            if re.match(r"\s*#\s*ifn?def\s+ACT_(USE|HAVE)_", line):
                yield path, number, "a feature is always 0 or 1: #if ACT_USE_X, not #ifdef"


def rule_length(root):
    """No source of more than 600 lines without a reason in it."""
    for path in c_files(root, "src", "include"):
        most = HEADER_LINES_MAX if path.startswith("include/") else LINES_MAX
        content = lines(root, path)
        # A final newline makes one empty last piece.
        count = len(content) - (content[-1][1] == "")
        if count > most and not any(LINES_REASON in line for _, line in content):
            yield path, count, f"{count} lines; at most {most} without '{LINES_REASON} ...'"


def rule_text(root):
    """Clean text: no tab where it means nothing, no blank at a line's end, a newline at the end."""
    for path in files(root):
        content = lines(root, path)
        # An empty file is one empty piece.
        if content[-1][1] != "":
            yield path, len(content), "no newline at the end"
        for number, line in content:
            # Two blanks at the end of a line of Markdown break it.
            if line != line.rstrip() and not path.endswith(".md"):
                yield path, number, "blank at the end of the line"
            if "\t" in line and path.endswith((".c", ".h", ".py", ".cmake", ".json")):
                yield path, number, "tab"


def rule_words(root):
    """Nothing that holds on one machine only, and nothing left open."""
    here = os.path.realpath(root)
    # A tree at /src would take src/, named from some variable, for itself.
    own = re.compile(rf"(?<![\w./~$}}]){re.escape(here)}/" if here.count("/") > 1 else r"(?!)")
    for path in files(root):
        for number, line in lines(root, path):
            m = re.search(r"(^|[^\w./~$}])((?:/home/\w+|/root)/[\w./-]*)", line)
            if m:
                yield path, number, f"a path of one machine: {m.group(2)}"
            if own.search(line):
                yield path, number, f"a path of one machine: {here}"
            if path.startswith(("src/", "include/")) and re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                yield path, number, "left open"


def rule_mirror(root):
    """tests/unit/test_<room>_<file>.c tests src/<room>/<file>.c."""
    for path in c_files(root, "tests/unit"):
        name = os.path.basename(path)
        if not name.startswith("test_"):
            continue
        room, _, rest = name[len("test_"):].partition("_")
        stem = rest.rsplit(".", 1)[0]
        mirrored = [f for f in c_files(root, os.path.join("src", room))
                    if os.path.basename(f).rsplit(".", 1)[0] == stem]
        if not mirrored:
            yield path, 1, f"there is no {stem}.c or {stem}.h in src/{room} that it could test"


def rule_imports(root):
    """Python here needs nothing but Python, the plots of the benchmarks apart."""
    for path in files(root):
        if not path.endswith(".py") or path.startswith("bench/"):
            continue
        folders = [os.path.dirname(path)] + ["bench"] * path.startswith("tests/bench/") \
            + ["tests/interop"] * path.startswith("tests/hostile/")
        own = {f.removesuffix(".py") for folder in folders
               for f in os.listdir(os.path.join(root, folder))}
        for number, line in lines(root, path):
            m = re.match(r"\s*(?:import|from)\s+([A-Za-z_]\w*)", line)
            if m and m.group(1) not in sys.stdlib_module_names and m.group(1) not in own:
                yield path, number, f"{m.group(1)} is not in Python's standard library"


RULES = {name[len("rule_"):]: function for name, function in sorted(globals().items())
         if name.startswith("rule_")}


def check(rule, root):
    return sorted(RULES[rule](root))


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in [*RULES, "all"]:
        sys.exit(f"{__doc__}\nRules: {' '.join(RULES)}")
    root = sys.argv[2] if len(sys.argv) == 3 else "."
    rules = RULES if sys.argv[1] == "all" else [sys.argv[1]]
    findings = [finding for rule in rules for finding in check(rule, root)]
    for path, number, what in findings:
        print(f"{path}:{number}: {what}")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
