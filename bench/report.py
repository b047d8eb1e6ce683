#!/usr/bin/env python3
"""Turns bench.json into tables (tables/).

    report.py bench.json                  plain text, to standard output
    report.py bench.json --update FILE    the same in Markdown, into FILE, between the lines
                                          <!-- bench:NAME --> and <!-- /bench:NAME -->, where NAME
                                          is targets, tables, storage, builds, summary or run
"""
import argparse
import json
import re

from tables import builds, storage, targets, warm
from tables.form import ORDER, in_markdown, in_text, markdown_table, sets_of, text_table


def waited_percent(report, name):
    """The share of waiting for a CPU in the whole time of the operations of a key set."""
    entries = [entry for ops in report["sets"][name]["engines"].values() for entry in ops.values()
               if "waited_ns" in entry]
    waited = sum(sum(entry["waited_ns"]) for entry in entries)
    return 100 * waited / (waited + sum(sum(entry["ns"]) for entry in entries))


def run_line(run):
    m = run["machine"]
    return (f"{run['date']}, {m['cpu']}, {m['cpus']} CPUs, {m['memory_bytes'] / 2**30:.0f} GiB, "
            f"{m['system']}, {m['kernel']}; files on {run['files_on']}.")


def run_lines(report):
    """What the run ran on, what it left out, and how quiet the machine was."""
    yield run_line(report)
    for part, run in report.get("later", {}).items():
        yield (f"The part {part} anew: {run_line(run)} CPU time taken by other guests of the host: "
               f"{run['stolen_permille'] / 10:.1f} %.")
    for engine in ORDER:
        seen = report["engines"].get(engine)
        if seen:
            yield f"{engine}: {seen['version']}; {seen['note']}."
    for what, why in report["left_out"].items():
        yield f"Left out: {what}, {why}."
    for name in sets_of(report):
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


def parts(report):
    """name -> sections."""
    found = {"tables": warm.sections(report),
             "storage": [storage.cold_section(report), storage.scarce_section(report)],
             "builds": [builds.section(report)]}
    return {name: [s for s in sections if s and s.has_rows()] for name, sections in found.items()}


def as_text(report):
    text = ["\n".join(run_lines(report))]
    for sections in parts(report).values():
        text += map(in_text, sections)
    goals = targets.table(report)
    return "\n\n".join(text + ([text_table(goals)] if goals.rows else []))


def summary(report):
    table, scarce = warm.summary(report), storage.summary(report)
    text = f"{table.text} {next(run_lines(report))}\n\n{markdown_table(table)}"
    return f"{text}\n\n{scarce.text}\n\n{markdown_table(scarce)}" if scarce.rows else text


def markdown_parts(report):
    found = {name: "\n\n".join(map(in_markdown, sections))
             for name, sections in parts(report).items()}
    return {**found, "targets": markdown_table(targets.table(report)), "summary": summary(report),
            "run": "\n".join(f"- {line}" for line in run_lines(report))}


def update(report, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name, part in markdown_parts(report).items():
        text = re.sub(rf"(<!-- bench:{name} -->\n).*?(<!-- /bench:{name} -->)",
                      lambda m, part=part: f"{m.group(1)}\n{part}\n\n{m.group(2)}" if part
                      else f"{m.group(1)}{m.group(2)}", text, flags=re.DOTALL)
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
