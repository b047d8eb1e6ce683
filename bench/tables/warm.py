"""Everything in memory: one section for each key set."""
from tables.form import (BUILD_ONLY, NONE, ORDER, Section, Table, cell, op_of, per_item_ns, per_second,
                         ratio_milli, scaled, sets_of, share, times)

COMMAND = "bench/run.sh --parts warm"
SET_HEADS = ["engine", "file MB", "bytes/key", "build M keys/s", "2 threads", "build peak MB", "open us",
             "present ns", "absent ns", "batch 1,000 ns", "batch 10,000 ns", "2 threads ns", "scan M/s",
             "2 threads M/s", "runs M/s", "iterate M/s"]
NOISE_OPS = ("build", "open", "present", "absent", "batch-10000", "scan", "iterate")
RATIO_OPS = ("build", "open", "present", "absent", "scan")


def set_title(report, name):
    s = report["sets"][name]
    return (f"{name}: {s['keys']:,} keys, {s['key_bytes'] / s['keys']:.1f} bytes on average; "
            f"{s['queries']:,} queries")


def engines_of(report, name):
    """(engine, its operations) of those that were measured."""
    for engine in ORDER:
        ops = report["sets"][name]["engines"].get(engine)
        if ops:
            yield engine, ops


def set_rows(report, name):
    nkeys = report["sets"][name]["keys"]
    for engine, ops in engines_of(report, name):
        build = ops.get("build", {})
        size = build.get("file_bytes")
        yield [engine, scaled(size, 1e6, ".1f"), scaled(size, nkeys, ".1f"),
               cell(per_second(build, 1e6), ".2f"), cell(per_second(ops.get("build-2"), 1e6), ".2f"),
               scaled(build.get("peak_rss_growth_bytes"), 1e6, ".0f"),
               scaled(per_item_ns(ops.get("open")), 1000, ".1f"),
               *(cell(per_item_ns(ops.get(op)), ".0f")
                 for op in ("present", "absent", "batch-1000", "batch-10000", "batch-10000-2")),
               *(cell(per_second(ops.get(op), 1e6), ".1f") for op in ("scan", "scan-2", "scan-runs", "iterate"))]


def ratio_rows(report, name):
    """How many times as fast as each other engine actree is, and its size as a share of theirs."""
    ours = report["sets"][name]["engines"].get("actree")
    for engine, ops in engines_of(report, name):
        if engine == "actree" or not ours:
            continue
        yield [engine, share(ours["build"]["file_bytes"], ops.get("build", {}).get("file_bytes"))] + [
            times(ratio_milli(ours.get(op), ops.get(op))) for op in RATIO_OPS]


def latency_rows(report, name):
    for engine, ops in engines_of(report, name):
        sample = ops.get("sample")
        if sample:
            percentiles = sample["percentiles_ns"]
            yield [engine, *(str(percentiles[p]) for p in (1, 10, 50, 90, 99)), str(sample["p999_ns"])]


def spread(entry):
    """(max - min) / median over the rounds, in percent, and their number."""
    if not entry:
        return NONE
    rounds = len(entry["ns"])
    percent = (entry["max_ns"] - entry["min_ns"]) * 100 / entry["median_ns"]
    # One round says nothing about noise.
    return f"{percent:.0f} ({rounds})" if rounds > 1 else f"- ({rounds})"


def noise_rows(report, name):
    for engine, ops in engines_of(report, name):
        yield [engine] + [spread(ops.get(op)) for op in NOISE_OPS]


def size_rows(report, name):
    """Of files with the values of the set, and with the value 0 everywhere."""
    plain = [op_of(report, name, "actree-plain", op) for op in ("build", "build-zero")]
    for engine, ops in engines_of(report, name):
        row = [engine]
        for entry, base in zip((ops.get("build"), ops.get("build-zero")), plain):
            size = entry and entry.get("file_bytes")
            row += [scaled(size, 1e6, ".2f"), share(size, base and base.get("file_bytes"))]
        if engine != "reference-dump" and row[3] != NONE:
            yield row


def section(report, name):
    return Section(set_title(report, name), [
        Table(f"`{COMMAND} --sets {name}` gives these tables.", SET_HEADS, set_rows(report, name)),
        Table("How many times as fast as the other actree is (size: as a share of it):",
              ["actree against", "size", *RATIO_OPS], ratio_rows(report, name)),
        Table("How long single lookups take, ns, each timed by itself, the clock's 20 to 30 ns "
              "included; so many in a hundred take no longer:",
              ["engine", "1 %", "10 %", "50 %", "90 %", "99 %", "99.9 %"],
              latency_rows(report, name)),
        Table("Sizes, MB, with the values of the set and with the value 0 everywhere, and as shares of "
              "the plain file's:", ["engine", "values MB", "of plain", "zeros MB", "of plain"],
              size_rows(report, name)),
        Table("Spread of the rounds, (max - min) / median in percent, and their number:",
              ["spread % (rounds)", *NOISE_OPS], noise_rows(report, name))])


def sections(report):
    return [section(report, name) for name in sets_of(report)]


def summary(report):
    """The largest key set there is, in one table; what README.md shows."""
    name = sets_of(report)[0]
    heads = ["", "lookup, present ns", "absent ns", "in batches ns", "scan M entries/s", "build M keys/s",
             "open us", "file MB"]
    rows = []
    for row in set_rows(report, name):
        cells = dict(zip(SET_HEADS, row))
        if row[0] not in BUILD_ONLY:
            rows.append([cells[head] for head in ("engine", "present ns", "absent ns", "batch 10,000 ns",
                                                  "scan M/s", "build M keys/s", "open us", "file MB")])
    return Table(f"{set_title(report, name)}.", heads, rows)
