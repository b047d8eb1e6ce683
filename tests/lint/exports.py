#!/usr/bin/env python3
"""The shared library exports what cmake/exports.list names, and the public header declares the same.

    exports.py CC LIBRARY LIST HEADER
"""
import re
import subprocess
import sys


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    return {line.split()[0].split("@")[0] for line in out.splitlines()}


def listed(path):
    with open(path, encoding="utf-8") as file:
        names = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    if names != sorted(set(names)):
        sys.exit(f"{path}: must be sorted, each name once")
    return set(names)


def declared(cc, header):
    """Names before a parenthesis in the header's own lines; types of callbacks have none before."""
    out = subprocess.run([*cc.split(), "-E", "-x", "c", "-std=c17", header],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    own, text = False, []
    for line in out.splitlines():
        m = re.match(r'# \d+ "([^"]*)"', line)
        if m:
            own = m.group(1).endswith((".h",)) and "actree" in m.group(1).rsplit("include/", 1)[-1]
        elif own:
            text.append(line)
    # static inline functions are declared here but are nobody's export.
    text = re.sub(r"\bstatic\s+inline\b[^;{]*\{", "{", " ".join(text))
    return set(re.findall(r"\b(act_\w+)\s*\(", text))


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    cc, library, list_path, header = sys.argv[1:]
    built, names, header_names = exported(library), listed(list_path), declared(cc, header)
    findings = [f"{library} exports {name}, which {list_path} does not name" for name in built - names]
    findings += [f"{list_path} names {name}, which {library} does not export" for name in names - built]
    findings += [f"{header} declares {name}, which {list_path} does not name"
                 for name in header_names - names]
    findings += [f"{list_path} names {name}, which {header} does not declare"
                 for name in names - header_names]
    findings += [f"{list_path}: {name} does not begin with act_" for name in names
                 if not name.startswith("act_")]
    for finding in sorted(findings):
        print(finding)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
