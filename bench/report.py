#!/usr/bin/env python3
"""Turns bench.json into tables.

    report.py bench.json                  plain text, to standard output
    report.py bench.json --update FILE    the same in Markdown, into FILE, between the lines
                                          <!-- bench:NAME --> and <!-- /bench:NAME -->, where NAME
                                          is targets, tables, summary or run
"""
import argparse
import json
import re

ORDER = ("actree", "actree-plain", "reference", "reference-dump", "fst", "lmdb", "mtbl-none", "mtbl",
         "marisa-fast", "marisa")
SETS = ("paths", "words", "logic")
# Layout, what, operation, engine compared with; for each of SPEED_SETS, how many times as fast, in
# thousandths.
SPEED_SETS = ("paths", "words")
TARGETS = (
    ("actree", "warm lookups", "present", "reference", (5000, 4500)),
    ("actree", "warm lookups", "present", "lmdb", (1800, 1300)),
    ("actree", "warm lookups", "present", "fst", (2000, 900)),
    ("actree", "absent keys against present ones", "absent", None, (1000, 1000)),
    ("actree", "scan", "scan", "reference", (12000, 8000)),
    ("actree", "scan", "scan", "lmdb", (900, 800)),
    ("actree", "build from sorted keys", "build", "reference", (1500, 1500)),
    ("actree-plain", "warm lookups", "present", "reference", (2200, 2500)),
    ("actree-plain", "scan", "scan", "reference", (7000, 7000)),
    ("actree-plain", "build from sorted keys", "build", "reference", (1300, 1300)),
)
OPEN_LIMIT_NS = 100_000
SIZE_LIMIT_MILLI = 1350 # of the plain layout


def op_of(report, name, engine, op):
    return report["sets"].get(name, {}).get("engines", {}).get(engine, {}).get(op)


def per_item_ns(entry):
    return entry["median_ns"] / entry["n"] if entry else None


def ratio_milli(report, name, op, engine="actree", base="reference", base_op=None):
    """How many times as fast as `base` the engine is, in thousandths."""
    ours, theirs = op_of(report, name, engine, op), op_of(report, name, base, base_op or op)
    if not ours or not theirs:
        return None
    return theirs["median_ns"] * ours["n"] * 1000 // (theirs["n"] * ours["median_ns"])


def times(milli):
    return "-" if milli is None else f"{milli / 1000:.2f}x"


def cell(value, form):
    return "-" if value is None else format(value, form)


def per_second(entry, unit):
    return entry["n"] * 1e9 / entry["median_ns"] / unit if entry else None


def set_rows(report, name):
    """One row of figures for each engine."""
    nkeys = report["sets"][name]["keys"]
    for engine in ORDER:
        ops = report["sets"][name]["engines"].get(engine)
        if not ops:
            continue
        build = ops.get("build")
        size = build["file_bytes"] if build else None
        yield [engine,
               cell(size / 1e6 if size else None, ".1f"),
               cell(size / nkeys if size else None, ".1f"),
               cell(per_second(build, 1e6), ".2f"),
               cell(build["peak_rss_growth_bytes"] / 1e6 if build else None, ".0f"),
               cell(per_item_ns(ops.get("open")) / 1000 if "open" in ops else None, ".1f"),
               cell(per_item_ns(ops.get("present")), ".0f"),
               cell(per_item_ns(ops.get("absent")), ".0f"),
               cell(per_second(ops.get("scan"), 1e6), ".1f"),
               cell(per_second(ops.get("iterate"), 1e6), ".1f")]


SET_HEADS = ["engine", "file MB", "bytes/key", "build M keys/s", "build peak MB", "open us",
             "present ns", "absent ns", "scan M/s", "iterate M/s"]


def ratio_rows(report, name):
    """How many times as fast as each other engine actree is, and its size as a share of theirs."""
    engines = report["sets"][name]["engines"]
    for engine in ORDER[1:]:
        if engine not in engines or "actree" not in engines:
            continue
        sizes = [engines[e].get("build", {}).get("file_bytes") for e in (engine, "actree")]
        yield [engine, cell(sizes[1] / sizes[0] if all(sizes) else None, ".2f")] + [
            times(ratio_milli(report, name, op, base=engine))
            for op in ("build", "open", "present", "absent", "scan")]


RATIO_HEADS = ["actree against", "size", "build", "open", "present", "absent", "scan"]


def target_rows(report):
    for engine, what, op, base, all_wanted in TARGETS:
        for name, wanted in zip(SPEED_SETS, all_wanted):
            if name not in report["sets"]:
                continue
            if base:
                got = ratio_milli(report, name, op, engine, base)
            else:
                got = ratio_milli(report, name, op, engine, engine, "present")
            holds = "not measured" if got is None else "yes" if got >= wanted else "NO"
            yield [engine, f"{what}, {name}", f">= {wanted / 1000:.1f}x {base or ''}".rstrip(),
                   times(got), holds]
    for name in SETS:
        sizes = [op_of(report, name, engine, "build") for engine in ("actree", "actree-plain")]
        if all(sizes):
            share = sizes[0]["file_bytes"] * 1000 // sizes[1]["file_bytes"]
            yield ["actree", f"size, {name}", f"<= {SIZE_LIMIT_MILLI / 1000:.2f} of plain",
                   f"{share / 1000:.2f}", "yes" if share <= SIZE_LIMIT_MILLI else "NO"]
    for name in SETS:
        entry = op_of(report, name, "actree", "open")
        if entry:
            yield ["actree", f"open, {name}", f"<= {OPEN_LIMIT_NS // 1000} us",
                   f"{entry['median_ns'] / 1000:.1f} us",
                   "yes" if entry["median_ns"] <= OPEN_LIMIT_NS else "NO"]


TARGET_HEADS = ["layout", "what", "target", "measured", "holds"]


def noise_rows(report, name):
    """(max - min) / median over the rounds, in percent, by engine and operation."""
    for engine in ORDER:
        ops = report["sets"][name]["engines"].get(engine)
        if not ops:
            continue
        row = [engine]
        for op in ("build", "open", "present", "absent", "scan", "iterate"):
            entry = ops.get(op)
            spread = (entry["max_ns"] - entry["min_ns"]) * 100 / entry["median_ns"] if entry else 0
            rounds = len(entry["ns"]) if entry else 0
            # One round says nothing about noise.
            row.append(f"{spread:.0f} ({rounds})" if rounds > 1 else f"- ({rounds})" if entry else "-")
        yield row


NOISE_HEADS = ["spread % (rounds)", "build", "open", "present", "absent", "scan", "iterate"]


def waited_percent(report, name):
    """The share of waiting for a CPU in the whole time of the operations of a key set."""
    entries = [entry for ops in report["sets"][name]["engines"].values() for entry in ops.values()]
    waited = sum(sum(entry["waited_ns"]) for entry in entries)
    return 100 * waited / (waited + sum(sum(entry["ns"]) for entry in entries))


def text_table(heads, rows):
    rows = [heads] + list(rows)
    widths = [max(len(row[i]) for row in rows) for i in range(len(heads))]
    out = []
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        out.append("  ".join(cells).rstrip())
        if number == 0:
            out.append("  ".join("-" * w for w in widths))
    return "\n".join(out)


def markdown_table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def run_lines(report):
    """What the run ran on, what it left out, and how quiet the machine was."""
    m = report["machine"]
    yield (f"{report['date']}, {m['cpu']}, {m['cpus']} CPUs, {m['memory_bytes'] / 2**30:.0f} GiB, "
           f"{m['system']}, {m['kernel']}; files on {report['files_on']}.")
    for engine in ORDER:
        seen = report["engines"].get(engine)
        if seen:
            yield f"{engine}: {seen['version']}; {seen['note']}."
    for what, why in report["left_out"].items():
        yield f"Left out: {what}, {why}."
    for name in SETS:
        if name in report["sets"]:
            s = report["sets"][name]
            before, after = s["load_before_milli"][0] / 1000, s["load_after_milli"][0] / 1000
            yield (f"At {name}, before and after: load average (1 minute) {before:.2f}, {after:.2f}; "
                   f"a dependent random load from memory {s['random_load_before_ps'] / 1000:.0f}, "
                   f"{s['random_load_after_ps'] / 1000:.0f} ns. Beside the "
                   f"measured time, the engines waited for a CPU in {waited_percent(report, name):.1f} "
                   "% of the whole.")
            for engine, same in s["same_file_as_actree_plain"].items():
                yield (f"The plain file of {name} is {'the same' if same else 'not the same'}, byte for "
                       f"byte, as that of {engine}.")
    yield f"CPU time taken by other guests of the host: {report['stolen_permille'] / 10:.1f} %."


def set_title(report, name):
    s = report["sets"][name]
    return (f"{name}: {s['keys']:,} keys, {s['key_bytes'] / s['keys']:.1f} bytes on average; "
            f"{s['queries']:,} queries")


def as_text(report):
    parts = ["\n".join(run_lines(report))]
    for name in SETS:
        if name not in report["sets"]:
            continue
        parts.append(set_title(report, name))
        parts.append(text_table(SET_HEADS, set_rows(report, name)))
        parts.append(text_table(RATIO_HEADS, ratio_rows(report, name)))
        parts.append(text_table(NOISE_HEADS, noise_rows(report, name)))
    parts.append(text_table(TARGET_HEADS, target_rows(report)))
    return "\n\n".join(parts)


SUMMARY_HEADS = ["", "lookup, present ns", "absent ns", "scan M entries/s", "build M keys/s",
                 "open us", "file MB"]


def summary(report):
    """The largest key set there is, in one table; what README.md shows."""
    name = next(name for name in SETS if name in report["sets"])
    rows = []
    for row in set_rows(report, name):
        cells = dict(zip(SET_HEADS, row))
        if row[0] != "reference-dump":
            rows.append([cells[head] for head in ("engine", "present ns", "absent ns", "scan M/s",
                                                  "build M keys/s", "open us", "file MB")])
    return f"{set_title(report, name)}. {next(run_lines(report))}\n\n" + \
        markdown_table(SUMMARY_HEADS, rows)


def markdown_parts(report):
    tables = []
    for name in SETS:
        if name in report["sets"]:
            tables += [f"### {set_title(report, name)}",
                       markdown_table(SET_HEADS, set_rows(report, name)),
                       "How many times as fast as the other actree is (size: as a share of it):",
                       markdown_table(RATIO_HEADS, ratio_rows(report, name)),
                       "Spread of the rounds, (max - min) / median in percent, and their number:",
                       markdown_table(NOISE_HEADS, noise_rows(report, name))]
    return {"targets": markdown_table(TARGET_HEADS, target_rows(report)),
            "tables": "\n\n".join(tables),
            "summary": summary(report),
            "run": "\n".join(f"- {line}" for line in run_lines(report))}


def update(report, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name, part in markdown_parts(report).items():
        text = re.sub(rf"(<!-- bench:{name} -->\n).*?(<!-- /bench:{name} -->)",
                      lambda m, part=part: f"{m.group(1)}\n{part}\n\n{m.group(2)}", text,
                      flags=re.DOTALL)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description="tables of a benchmark run")
    parser.add_argument("json")
    parser.add_argument("--update", metavar="FILE")
    args = parser.parse_args()
    with open(args.json, encoding="utf-8") as file:
        report = json.load(file)
    if args.update:
        update(report, args.update)
    else:
        print(as_text(report))


if __name__ == "__main__":
    main()
