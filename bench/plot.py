#!/usr/bin/env python3
"""Draws bench.json with gnuplot:

    plot.py bench.json OUTDIR

writes, of what was measured, bench (lookups, scans, builds, sizes), latency (warm and cold, what share of
lookups takes no longer), memory (throughput and faults against memory) and build (rates and peak
memory), each as .svg and .png.
"""
import json
import os
import subprocess
import sys

from tables.form import SETS, op_of, per_item_ns, per_second

# In the order of the legend.
COLOURS = {"actree": "#c8102e", "actree-plain": "#e8909c", "actree-compact": "#e87722",
           "reference": "#7a7a7a", "fst": "#1f6fb4", "lmdb": "#2e8b57", "lmdb-nordahead": "#7fbf7b",
           "mtbl-none": "#b8860b", "mtbl": "#deb45c", "marisa-fast": "#6a4c93", "marisa": "#b39bd0"}
MIB = 1 << 20


class Picture:
    """Panels side by side and below each other, under one legend."""

    LEGEND = 60 # heights in pixels

    def __init__(self, name, rows, height, columns=((0.07, 0.49), (0.57, 0.98)), foot=56):
        """`columns`: where they begin and end, in shares of the width; `foot`: pixels below each
        panel."""
        self.name, self.columns, self.panel_height, self.foot = name, columns, height, foot
        self.height = self.LEGEND + rows * height
        self.blocks, self.panels = [], []

    def block(self, lines):
        """Data for a panel; gives its name."""
        name = f"$d{len(self.blocks)}"
        self.blocks.append("\n".join([f"{name} << END", *lines, "END"]))
        return name

    def place(self, number):
        """The margins of a panel: its share of the picture, without title and labels."""
        row, column = divmod(number, len(self.columns))
        top = self.LEGEND + row * self.panel_height + 28
        bottom = self.LEGEND + (row + 1) * self.panel_height - self.foot
        left, right = self.columns[column]
        return [f"set {side}margin at screen {where:.4f}" for side, where in
                (("l", left), ("r", right), ("t", 1 - top / self.height),
                 ("b", 1 - bottom / self.height))]

    def panel(self, title, settings, curves):
        """The first one's legend is that of all."""
        key = "unset key" if self.panels else \
            "set key at screen 0.5,0.99 center top maxrows 2 samplen 2 font ',11'"
        self.panels.append(["reset", "set border 3 lc '#888888'", "set tics nomirror",
                            "set grid ytics lc '#dddddd'", key, *self.place(len(self.panels)),
                            f'set title "{title}"', *settings, "plot " + ", ".join(curves)])

    def script(self, terminal, out):
        return "\n".join([f"set terminal {terminal} size 1200,{self.height} font 'sans,11' "
                          "background 'white'", f'set output "{out}"', *self.blocks, "set multiplot",
                          *(line for panel in self.panels for line in panel),
                          "unset multiplot"]) + "\n"

    def draw(self, folder):
        for terminal, ending in (("pngcairo", "png"), ("svg", "svg")):
            out = os.path.join(folder, f"{self.name}.{ending}")
            subprocess.run(["gnuplot"], check=True, text=True, input=self.script(terminal, out))


def number(value):
    return "NaN" if value is None else f"{value:.4f}"


# ------------------------------------------------------------------------------------- bars

# Title, operation, figure of an entry, logarithmic axis.
BARS = (
    ("lookup of a present key, ns (less is better, log scale)", "present", "ns", True),
    ("scan of all entries, million a second (log scale)", "scan", "rate", True),
    ("build from sorted keys, million a second", "build", "rate", False),
    ("size, bytes of file for each key", "build", "size", False),
)


def bar(kind, entry, nkeys):
    if not entry:
        return None
    return {"ns": per_item_ns, "rate": lambda e: per_second(e, 1e6),
            "size": lambda e: e["file_bytes"] / nkeys}[kind](entry)


def bars(report):
    sets = [name for name in SETS if name in report["sets"]]
    engines = [engine for engine in COLOURS if engine in report["engines"]
               and any(op_of(report, name, engine, "build") for name in sets)]
    picture = Picture("bench", 2, 390)
    for title, op, kind, is_log in BARS:
        rows = []
        for name in sets:
            cells = [bar(kind, op_of(report, name, engine, op), report["sets"][name]["keys"])
                     for engine in engines]
            rows.append(" ".join([name] + [number(cell) for cell in cells]))
        block = picture.block(rows)
        picture.panel(title, ["set style data histogram", "set style histogram clustered gap 1",
                              "set style fill solid noborder", "set boxwidth 0.9",
                              f"set xrange [-0.6:{len(sets) - 0.4}]",
                              "set logscale y" if is_log else "set yrange [0:*]"],
                      [f"{block} using {column + 2}:xtic(1) lc rgb '{COLOURS[engine]}' "
                       f"title '{engine}'" for column, engine in enumerate(engines)])
    return picture if sets else None


# ---------------------------------------------------------------------------------- latency

def curve(picture, engine, entry):
    """What share of lookups takes no longer: from the percentiles."""
    points = [f"{ns / 1000:.4f} {percent}" for percent, ns in enumerate(entry["percentiles_ns"])]
    block = picture.block(points)
    return f"{block} using 1:2 with lines lw 2 lc rgb '{COLOURS[engine]}' title '{engine}'"


def latency(report):
    picture = Picture("latency", 1, 420)
    settings = ["set logscale x", "set xlabel 'microseconds (log scale)'",
                "set format x '10^{%L}'", "set yrange [0:100]",
                "set ylabel '% of lookups that take no longer'", "set grid xtics ytics lc '#dddddd'"]
    name = next((name for name in SETS if name in report["sets"]), None)
    warm = {engine: op_of(report, name, engine, "sample") for engine in COLOURS}
    cold = report.get("cold", {"engines": {}})
    cold_of = {engine: cold["engines"].get(engine, {}).get("single") for engine in COLOURS}
    if any(warm.values()):
        # The legend of both: with a line for what is in the other panel only.
        curves = [curve(picture, engine, warm[engine]) if warm[engine]
                  else f"NaN with lines lw 2 lc rgb '{COLOURS[engine]}' title '{engine}'"
                  for engine in COLOURS if warm[engine] or cold_of[engine]]
        picture.panel(f"warm: single lookups, {name}", settings, curves)
    if any(cold_of.values()):
        picture.panel(f"cold: after dropping the page cache, {cold['set']}", settings,
                      [curve(picture, engine, entry) for engine, entry in cold_of.items() if entry])
    return picture if picture.panels else None


# ----------------------------------------------------------------------------------- memory

def memory(report):
    scarce = report.get("scarce")
    if not scarce:
        return None
    limits, ticks = [], []
    for limit in scarce["limits"]:
        # Of two that are nearly the same, one.
        if not limits or limit["limit_bytes"] / 1e6 > 1.1 * limits[-1][0]:
            limits.append((limit["limit_bytes"] / 1e6, limit["engines"]))
            share = f"{limit['share_percent']} %%" if "share_percent" in limit else ""
            ticks.append(f'"{share}\\n{limits[-1][0]:.0f} MB" {limits[-1][0]:.3f}')
    picture = Picture("memory", 1, 460, foot=76)
    settings = ["set logscale xy", f"set xlabel 'memory in shares of the plain file ({scarce['set']}, "
                f"{scarce['file_bytes'] / 1e6:.0f} MB)' offset 0,-0.8",
                f"set xtics ({', '.join(ticks)})",
                f"set xrange [{limits[0][0] * 0.85}:{limits[-1][0] * 1.15}]"]
    for title, figure in (("lookups a second, random present keys (log scale)",
                           lambda e: 1e9 / per_item_ns(e)),
                          ("major faults a query (log scale)",
                           lambda e: max(e["major_faults"], 1) / e["n"])):
        curves = []
        for engine in COLOURS:
            for way, look in (("single", "dt 1"), ("batch", "dt 2")):
                points = [f"{mb:.3f} {number(figure(engines[engine][way]))}" for mb, engines in limits
                          if way in engines.get(engine, {})]
                if points:
                    label = engine if way == "single" else f"{engine}, batch"
                    curves.append(f"{picture.block(points)} using 1:2 with linespoints lw 2 pt 7 "
                                  f"ps 0.6 {look} lc rgb '{COLOURS[engine]}' title '{label}'")
        picture.panel(title, settings, curves)
    return picture


# ----------------------------------------------------------------------------------- builds

def builds(report):
    """Rates and peak memory of the tool's builds, one bar each."""
    rows = []
    for part in ("tool", "large"):
        for build in report.get(part, {"builds": []})["builds"]:
            what = report[part].get("set", "generated")
            rows.append((f"{what}, {build['n'] / 1e6:.3g} M: {build['name']}", per_second(build, 1e6),
                         build["peak_rss_bytes"] / MIB))
    if not rows:
        return None
    rows.reverse() # the first one at the top
    picture = Picture("build", 1, 80 + 36 * len(rows), ((0.30, 0.62), (0.66, 0.97)))
    block = picture.block([f'"{label}" {number(rate)} {number(peak)}' for label, rate, peak in rows])
    common = ["set style fill solid noborder", "unset key", "unset grid", f"set yrange [-0.6:{len(rows) - 0.4}]",
              "set xrange [0:*]", "set offsets 0,graph 0.08,0,0"]
    for column, title, colour, form in ((2, "million keys a second", "#c8102e", "%.2f"),
                                        (3, "peak resident memory, MiB", "#1f6fb4", "%.0f")):
        ticks = "ytic(1)" if column == 2 else "ytic('')"
        picture.panel(f"build: {title}", common,
                      [f"{block} using (${column}/2):0:(${column}/2):(0.35):{ticks} with boxxyerror "
                       f"lc rgb '{colour}'",
                       f"{block} using {column}:0:(sprintf(' {form}', ${column})) with labels left"])
    return picture


def main():
    json_path, out = sys.argv[1:]
    with open(json_path, encoding="utf-8") as file:
        report = json.load(file)
    for make in (bars, latency, memory, builds):
        picture = make(report)
        if picture:
            picture.draw(out)


if __name__ == "__main__":
    main()
