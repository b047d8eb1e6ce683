"""What costs reads from the disk: cold files, files larger than memory, and the disk itself."""
from tables.form import NONE, ORDER, Section, Table, cell, per_item_ns, scaled, share

WAYS = (("single", ""), ("batch", ", batch"))
FIXED_BYTES = 24 << 20


def entries(engines):
    """(label, figures) of each engine, and of its batches."""
    for engine in ORDER:
        for way, label in WAYS:
            if way in engines.get(engine, {}):
                yield engine + label, engines[engine][way]


def per_query(entry, field, divisor=1, form=".2f"):
    return scaled(entry.get(field), entry["n"] * divisor, form)


def rate(entry, field):
    """How many a second, while it ran."""
    return entry[field] * 1e9 / entry["ns"] if field in entry else None


def cold_rows(engines):
    for label, entry in entries(engines):
        # The times of a batch are not those of its keys.
        percentiles = entry["percentiles_ns"] if "batch" not in label else None
        yield [label, f"{entry['n']:,}", f"{per_item_ns(entry) / 1000:.1f}",
               *(f"{percentiles[p] / 1000:.1f}" if percentiles else NONE for p in (50, 90, 99, 100)),
               f"{entry['open_ns'] / 1e6:.1f}", per_query(entry, "major_faults"),
               per_query(entry, "read_bytes", 1024, ".1f"), per_query(entry, "disk_reads"),
               cell(rate(entry, "disk_reads"), ",.0f"),
               scaled(rate(entry, "disk_read_bytes"), 1e6, ".0f")]


def limit_rows(limits):
    for entry in limits:
        seconds = entry["ns"] / 1e9
        block = entry["block_bytes"]
        yield [f"{block // 1024:,} KiB" if block < 1 << 20 else f"{block >> 20} MiB",
               str(entry["depth"]), f"{entry['reads'] / seconds:,.0f}",
               f"{entry['reads'] * block / seconds / 1e6:.0f}",
               f"{entry['ns'] * entry['depth'] / entry['reads'] / 1000:.0f}"]


def build_rows(builds):
    for engine in ORDER:
        entry = builds.get(engine)
        if entry and engine != "lmdb-nordahead":
            whole = {"n": entry["n"], "ns": entry["ns"] + entry["sync_ns"]}
            yield [engine, f"{entry['ns'] / 1e9:.2f}", f"{entry['sync_ns'] / 1e9:.2f}",
                   f"{1e3 / per_item_ns(whole):.2f}"]


COLD_HEADS = ["engine", "queries", "mean us", "50 % us", "90 % us", "99 % us", "longest us", "open ms",
              "faults", "KiB read", "requests", "requests/s", "MB/s"]


def cold_section(report):
    cold, disk = report.get("cold"), report.get("disk")
    if not cold:
        return None
    how = {"drop_caches": "the page cache is dropped before each round (`drop_caches`)",
           "posix_fadvise": "the file is dropped from the page cache before each round"}
    limited = cold.get("limited", {"engines": {}})
    return Section(f"Cold: {cold['set']}", [
        Table("`bench/run.sh --parts cold --sets " + cold["set"] + "` gives these tables: "
              + how[cold["dropped_by"]] + ", then the file is opened and random present keys are looked "
              "up, one after the other or in one batch. Of three rounds the median one. The mean "
              "includes opening; faults are major ones, and bytes those that the process had to wait "
              "for, each a query; requests are the disk's own count. With all memory of the machine, "
              "where the system may read ahead as far as it likes:", COLD_HEADS,
              cold_rows(cold["engines"])),
        Table(f"The same in a memory cgroup of {FIXED_BYTES >> 20} MiB:", COLD_HEADS,
              cold_rows(limited["engines"])),
        Table("The disk's own limits: random reads past the page cache (O_DIRECT), so many at a time:",
              ["a read", "at a time", "reads/s", "MB/s", "us a read"], limit_rows(disk["limits"]))],
        "latency")


def limit_label(limit):
    if "share_percent" not in limit:
        return f"{limit['limit_bytes'] >> 20} MiB"
    return f"{limit['limit_bytes'] / 1e6:.0f} MB ({limit['share_percent']} %)"


def scarce_rows(scarce, builds, figure):
    """One row for each engine and way, one column for each limit."""
    limits = scarce["limits"]
    seen = {label for limit in limits for label, _ in entries(limit["engines"])}
    for label in [engine + label for engine in ORDER for _, label in WAYS if engine + label in seen]:
        row = [label, scaled(builds.get(label.partition(",")[0], {}).get("file_bytes"), 1e6, ".0f")]
        for limit in limits:
            entry = dict(entries(limit["engines"])).get(label)
            row.append(figure(entry) if entry else NONE)
        yield row


def scarce_section(report):
    scarce = report.get("scarce")
    if not scarce:
        return None
    builds = report["disk"]["build"]
    heads = ["engine", "file MB"] + [limit_label(limit) for limit in scarce["limits"]]

    def table(text, figure):
        return Table(text, heads, scarce_rows(scarce, builds, figure))

    return Section(f"Larger than memory: {scarce['set']}", [
        table("`bench/run.sh --parts scarce --sets " + scarce["set"] + "` gives these tables: each engine "
              "in a memory cgroup, page cache included, with so much memory as a column says, in "
              "shares of the plain file; random present keys, measured for three seconds after half "
              "as many to warm up; batches are of 1,000. Of three rounds the median one. Microseconds a "
              "query:",
              lambda entry: f"{per_item_ns(entry) / 1000:.1f}"),
        table("Major faults a query:", lambda entry: per_query(entry, "major_faults")),
        table("KiB read a query:", lambda entry: per_query(entry, "read_bytes", 1024, ".1f")),
        table("99 % of the calls take no longer, us:",
              lambda entry: f"{entry['percentiles_ns'][99] / 1000:.0f}")], "memory")


def disk_build_table(report):
    disk = report.get("disk")
    return Table("The same keys from memory to a file on the disk, and how long it takes then until all "
                 "is there (actree's own time includes that; `--parts cold`):",
                 ["engine", "build s", "sync s", "M keys/s with both"],
                 build_rows(disk["build"]) if disk else [])


def summary(report):
    """What README.md shows of files larger than memory."""
    return Table(f"The same keys in files larger than memory, {FIXED_BYTES >> 20} MiB of it, page cache "
                 "included:", ["", "us a query", "major faults a query", "file MB"],
                 [[engine, f"{per_item_ns(entry) / 1000:.1f}", per_query(entry, "major_faults"),
                   scaled(report["disk"]["build"][engine]["file_bytes"], 1e6, ".1f")]
                  for engine in ORDER if (entry := at_limit(report, engine))])


def at_limit(report, engine, way="single", limit_nbytes=FIXED_BYTES):
    """The figures of an engine in so much memory; None if they were not measured."""
    for limit in report.get("scarce", {}).get("limits", []):
        if limit["limit_bytes"] == limit_nbytes:
            return limit["engines"].get(engine, {}).get(way)
    return None
