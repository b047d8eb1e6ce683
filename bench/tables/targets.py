"""What was to be reached, and what was."""
from dataclasses import dataclass

from tables import builds, storage
from tables.form import SETS, Table, op_of, per_item_ns, ratio_milli

# Layout, what, operation, engine compared with, its operation; then for paths and for words: at
# least, aim; how many times as fast, in thousandths.
SPEEDS = (
    ("actree", "warm lookups", "present", "reference", "present", (5000, 8000), (4500, 6000)),
    ("actree", "warm lookups", "present", "lmdb", "present", (1800, 2500), (1300, 2000)),
    ("actree", "warm lookups", "present", "fst", "present", (2000, 3000), (900, 1300)),
    ("actree", "batches of 1,000", "batch-1000", "reference", "present", (10000, 16000), (9000, 14000)),
    ("actree", "batches of 10,000", "batch-10000", "reference", "present", (10000, 16000),
     (9000, 14000)),
    ("actree", "absent keys against present ones", "absent", "actree", "present", (1000,), (1000,)),
    ("actree", "scan", "scan", "reference", "scan", (12000, 20000), (8000, 12000)),
    ("actree", "scan", "scan", "lmdb", "scan", (900, 1300), (800, 1200)),
    ("actree", "build, 1 thread", "build", "reference", "build", (1500,), (1500,)),
    ("actree", "build, 2 threads", "build-2", "reference", "build", (2500,), (2500,)),
    ("actree-plain", "warm lookups", "present", "reference", "present", (2200,), (2500,)),
    ("actree-plain", "scan", "scan", "reference", "scan", (7000,), (7000,)),
    ("actree-plain", "build, 1 thread", "build", "reference", "build", (1300,), (1300,)),
)
SPEED_SETS = ("paths", "words")
OPEN_NS = 100_000
HEADS = ["layout", "what", "to be met", "aim", "measured", "met", "part"]


@dataclass
class Target:
    """A figure and its bounds, the one to be met and the one to be tried for, if there is one."""
    layout: str
    what: str
    measured: float
    bounds: tuple
    part: str
    at_most: bool = False
    form: str = "{:.2f}"

    def meets(self, bound):
        return self.measured <= bound if self.at_most else self.measured >= bound

    def row(self):
        sign = "<= " if self.at_most else ">= "
        aim = self.form.format(self.bounds[1]) if len(self.bounds) > 1 else ""
        met = "NO" if not self.meets(self.bounds[0]) else "yes"
        if aim and self.meets(self.bounds[1]):
            met = "yes, aim too"
        return [self.layout, self.what, sign + self.form.format(self.bounds[0]), aim,
                self.form.format(self.measured), met, self.part]


def speed_targets(report):
    for engine, what, op, base, base_op, *bounds in SPEEDS:
        for name, bound in zip(SPEED_SETS, bounds):
            milli = ratio_milli(op_of(report, name, engine, op), op_of(report, name, base, base_op))
            against = "" if base == engine else f" against {base}"
            yield Target(engine, f"{what}{against}, {name}", milli and milli / 1000,
                         tuple(b / 1000 for b in bound), "warm", form="{:.2f}x")


def size_share(report, name, engine, op):
    sizes = [op_of(report, name, e, op) for e in (engine, "actree-plain")]
    return sizes[0]["file_bytes"] / sizes[1]["file_bytes"] if all(sizes) else None


def size_targets(report):
    for name in SETS:
        yield Target("actree", f"size, of plain, {name}", size_share(report, name, "actree", "build"),
                     (1.35, 1.2), "warm", at_most=True)
    for name in SETS:
        for op, what in (("build", "its values"), ("build-zero", "values 0")):
            bounds = (0.8, 0.45) if (name, op) == ("words", "build-zero") else (1,)
            yield Target("actree-compact", f"size, of plain, {name}, {what}",
                         size_share(report, name, "actree-compact", op), bounds, "warm", at_most=True)


def open_targets(report):
    for name in SETS:
        ns = per_item_ns(op_of(report, name, "actree", "open"))
        yield Target("actree", f"open, {name}", ns and ns / 1000, (OPEN_NS / 1000,), "warm",
                     at_most=True, form="{:.1f} us")


def disk_targets(report):
    scarce, cold = report.get("scarce", {}), report.get("cold", {})
    ours, theirs = (storage.at_limit(report, engine) for engine in ("actree", "lmdb-nordahead"))
    milli = ratio_milli(ours, theirs)
    yield Target("actree", f"24 MiB of memory: major faults a query, {scarce.get('set')}",
                 ours and ours["major_faults"] / ours["n"], (0.5,), "scarce", at_most=True)
    yield Target("actree", f"24 MiB of memory, against lmdb-nordahead, {scarce.get('set')}",
                 milli and milli / 1000, (2,), "scarce", form="{:.2f}x")
    for where, what in ((cold.get("limited", {}), "24 MiB of memory, cold"), (cold, "cold")):
        ways = where.get("engines", {}).get("actree", {})
        milli = ratio_milli(ways.get("batch"), ways.get("single"))
        yield Target("actree", f"{what}: batch of 10,000 against single lookups, {cold.get('set')}",
                     milli and milli / 1000, (1.5,), "cold", form="{:.2f}x")


def build_targets(report):
    large = report.get("large")
    for name in ("sorted, 1 thread", "sorted, 2 threads"):
        build = builds.find(large, name)
        yield Target("actree", f"peak memory, {build['n'] if build else 0:,} keys {name}",
                     build and build["peak_rss_bytes"] / 2**20, (64,), "large", at_most=True,
                     form="{:.1f} MiB")
    shuffled = builds.find(large, "shuffled, 2 threads")
    in_order = builds.find(large, "sorted, 2 threads", shuffled["n"] if shuffled else 0)
    what = f"{shuffled['n'] if shuffled else 0:,} keys shuffled, 256 MiB"
    yield Target("actree", f"peak memory, {what}", shuffled and shuffled["peak_rss_bytes"] / 2**20,
                 (320,), "large", at_most=True, form="{:.1f} MiB")
    milli = ratio_milli(shuffled, in_order)
    yield Target("actree", f"rate, {what}, against sorted", milli and milli / 1000, (0.5,), "large",
                 form="{:.2f}x")


def table(report):
    found = [target for kind in (speed_targets, size_targets, open_targets, disk_targets,
                                 build_targets) for target in kind(report)]
    return Table("", HEADS, [target.row() for target in found if target.measured is not None])
