"""Builds by the command-line tool: time and peak memory."""
from tables.form import Section, Table, per_second
from tables.storage import disk_build_table

HEADS = ["build", "keys", "M keys/s", "s", "CPU s", "peak MiB", "file MB", "file on", "command"]


def rows(part):
    for build in part["builds"] if part else []:
        yield [build["name"], f"{build['n']:,}", f"{per_second(build, 1e6):.2f}",
               f"{build['median_ns'] / 1e9:.2f}", f"{build['cpu_ns'] / 1e9:.2f}",
               f"{build['peak_rss_bytes'] / 2**20:.1f}", f"{build['file_bytes'] / 1e6:.1f}",
               build["files_on"], f"`{build['command']}`"]


def section(report):
    tool, large = report.get("tool"), report.get("large")
    name = tool["set"] if tool else ""
    return Section("Builds with the tool", [
        Table(f"`bench/run.sh --parts tool --sets {name}`: {name} as lines of text, sorted or shuffled, "
              "each build a process of its own. Peak memory is the peak of its resident set, mapped "
              "files included, as `/usr/bin/time -f %M` shows it. All files hold the same entries.",
              HEADS, rows(tool)),
        Table("`bench/run.sh --parts large`: generated keys, `user:00000004:session:0941`, their numbers "
              "as values (`generate COUNT [shuffled]`). The files of the sorted and of the shuffled keys "
              "hold the same entries.", HEADS, rows(large)),
        disk_build_table(report)], "build")


def find(part, name, keys=None):
    """The build of that name; of several the one with most keys, or with `keys`."""
    found = [build for build in part["builds"] if build["name"] == name] if part else []
    if keys is not None:
        found = [build for build in found if build["n"] == keys]
    return max(found, key=lambda build: build["n"], default=None)
