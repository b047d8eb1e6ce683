"""Looking up figures in a report, and the form of tables, as plain text and as Markdown."""
from dataclasses import dataclass

ORDER = ("actree", "actree-plain", "actree-compact", "reference", "reference-dump",
         "reference-shared", "fst", "lmdb", "lmdb-nordahead", "mtbl-none", "mtbl", "marisa-fast", "marisa")
BUILD_ONLY = ("reference-dump", "reference-shared")
SETS = ("paths", "words", "logic")
NONE = "-"


@dataclass
class Table:
    """A sentence or two that say what it shows and what gives it, and the figures. Columns of which
    nothing was measured are left out."""
    text: str
    heads: list
    rows: list

    def __post_init__(self):
        self.rows = [list(row) for row in self.rows]
        kept = [i for i in range(len(self.heads))
                if i == 0 or any(row[i] != NONE for row in self.rows)]
        self.heads = [self.heads[i] for i in kept]
        self.rows = [[row[i] for i in kept] for row in self.rows]


@dataclass
class Section:
    title: str
    tables: list
    picture: str = "" # of those that plot.py draws

    def has_rows(self):
        return any(table.rows for table in self.tables)


def sets_of(report):
    return [name for name in SETS if name in report["sets"]]


def op_of(report, name, engine, op):
    return report["sets"].get(name, {}).get("engines", {}).get(engine, {}).get(op)


def per_item_ns(entry):
    if not entry:
        return None
    return entry.get("median_ns", entry.get("ns")) / entry["n"]


def per_second(entry, unit):
    return 1e9 / per_item_ns(entry) / unit if entry else None


def ratio_milli(ours, theirs):
    """How many times as fast as `theirs` the other entry is, in thousandths; None if one is not
    there."""
    if not ours or not theirs:
        return None
    return int(per_item_ns(theirs) * 1000 / per_item_ns(ours))


def times(milli):
    return NONE if milli is None else f"{milli / 1000:.2f}x"


def cell(value, form):
    return NONE if value is None else format(value, form)


def scaled(value, divisor, form):
    return NONE if value is None else format(value / divisor, form)


def share(part, whole, form=".2f"):
    return format(part / whole, form) if part and whole else NONE


def text_table(table):
    rows = [table.heads] + table.rows
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.heads))]
    out = []
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        out.append("  ".join(cells).rstrip())
        if number == 0:
            out.append("  ".join("-" * w for w in widths))
    return "\n".join(out)


def markdown_table(table):
    lines = ["| " + " | ".join(table.heads) + " |", "|---" + "|---:" * (len(table.heads) - 1) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    return "\n".join(lines)


def in_text(section):
    parts = [section.title]
    for table in section.tables:
        if table.rows:
            parts += [part for part in (table.text.replace("`", ""), text_table(table)) if part]
    return "\n\n".join(parts)


def in_markdown(section):
    parts = [f"### {section.title}"]
    if section.picture:
        parts.append(f"![{section.title}](../bench/results/{section.picture}.svg)")
    for table in section.tables:
        if table.rows:
            parts += [part for part in (table.text, markdown_table(table)) if part]
    return "\n\n".join(parts)
