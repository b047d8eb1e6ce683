#!/usr/bin/env python3
"""Draws bench.json with gnuplot: plot.py bench.json OUTDIR writes bench.png and bench.svg, four
panels of bars, grouped by key set."""
import json
import os
import subprocess
import sys

import report as tables

ENGINES = ("actree", "actree-plain", "reference", "fst", "lmdb", "mtbl-none", "mtbl", "marisa-fast", "marisa")
COLOURS = ("#c8102e", "#e8909c", "#7a7a7a", "#1f6fb4", "#2e8b57", "#b8860b", "#deb45c", "#6a4c93", "#b39bd0")
# Title, operation, figure of an entry, logarithmic axis.
PANELS = (
    ("lookup of a present key: ns (less is better, log scale)", "present", "ns", True),
    ("scan of all entries: million entries a second (log scale)", "scan", "rate", True),
    ("build from sorted keys: million keys a second", "build", "rate", False),
    ("size: bytes of file for each key", "build", "size", False),
)


def figure(kind, entry, nkeys):
    if not entry:
        return None
    return {"ns": lambda: entry["median_ns"] / entry["n"],
            "rate": lambda: entry["n"] * 1e3 / entry["median_ns"],
            "size": lambda: entry["file_bytes"] / nkeys}[kind]()


def data_block(name, data, op, kind, sets):
    rows = [f"${name} << END"]
    for set_name in sets:
        nkeys = data["sets"][set_name]["keys"]
        cells = [figure(kind, tables.op_of(data, set_name, engine, op), nkeys)
                 for engine in ENGINES]
        rows.append(" ".join([set_name] + ["NaN" if c is None else f"{c:.3f}" for c in cells]))
    return "\n".join(rows + ["END"])


def script(data, terminal, out):
    sets = [name for name in tables.SETS if name in data["sets"]]
    lines = [f"set terminal {terminal}", f'set output "{out}"',
             "set style data histogram", "set style histogram clustered gap 1",
             "set style fill solid noborder", "set boxwidth 0.9", "set grid ytics lc '#dddddd'",
             "set border 3 lc '#888888'", "set tics nomirror",
             "set key above maxrows 1 samplen 1 font ',9'"]
    for number, (_, op, kind, _) in enumerate(PANELS):
        lines.append(data_block(f"d{number}", data, op, kind, sets))
    lines.append("set multiplot layout 2,2")
    for number, (title, _, _, is_log) in enumerate(PANELS):
        lines.append(f'set title "{title}"')
        lines.append("set logscale y; set yrange [*:*]" if is_log
                     else "unset logscale y; set yrange [0:*]")
        bars = [f"$d{number} using {column + 2}:xtic(1) lc rgb '{COLOURS[column]}' "
                f"title '{engine}'" for column, engine in enumerate(ENGINES)
                if engine in data["engines"]]
        lines.append("plot " + ", ".join(bars))
    lines.append("unset multiplot")
    return "\n".join(lines) + "\n"


def main():
    json_path, out = sys.argv[1:]
    with open(json_path, encoding="utf-8") as file:
        data = json.load(file)
    for terminal, name in (("pngcairo size 1200,800 font 'sans,10' background 'white'", "bench.png"),
                           ("svg size 1200,800 font 'sans,10' background 'white'", "bench.svg")):
        subprocess.run(["gnuplot"], check=True, text=True,
                       input=script(data, terminal, os.path.join(out, name)))


if __name__ == "__main__":
    main()
