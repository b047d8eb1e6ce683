"""What the tool does to files, for tests that stop it in the middle: what is in the folder before,
the command, and what must be there whenever it ended.
"""
import os
import re
import subprocess

DONE = 0


class Broken(Exception):
    """The folder is in no state that was promised."""


def run(tool, folder, *words, stdin=b""):
    return subprocess.run([tool, *words], cwd=folder, input=stdin, capture_output=True, check=False,
                          timeout=120)


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def write(folder, name, content):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


def contents(folder):
    """{name: bytes} of everything there."""
    return {name: read(folder, name) for name in os.listdir(folder) if name != "lost+found"}


def empty(folder):
    for name in os.listdir(folder):
        if name != "lost+found":
            os.remove(os.path.join(folder, name))


def tsv(entries):
    """Text of entries, in the order of keys."""
    return b"".join(b"%s\t%d\n" % pair for pair in sorted(entries.items()))


def some_entries(kind, count):
    """Keys with long common starts, short ones and wide nodes; values of all widths."""
    found = {b"%s/%03d/%d" % (kind, i % 97, i * i): i << i % 50 for i in range(count)}
    found.update({bytes([65 + i % 26, 97 + i // 26]): i for i in range(200)})
    return {key: value & (2**64 - 1) for key, value in found.items()}


class Operation:
    """A command that leaves `target` as it was or as it is to be.

    `before` holds the files at the start; `old` and `new` the text of the entries, `leaves` what
    else a process that was killed may leave in the folder: (pattern, what it must be).
    """

    def __init__(self, name, target, words, before, old, new):
        self.name, self.target, self.words = name, target, words
        self.before, self.old, self.new = before, old, new
        self.after = None  # contents of the folder after a whole run
        self.leaves = re.compile(rb"(?!)")

    def prepare(self, folder):
        empty(folder)
        for name, content in self.before.items():
            write(folder, name, content)

    def learn(self, tool, folder):
        """Runs it whole, once, to know what it leaves; returns nothing, but fails loudly."""
        self.prepare(folder)
        done = run(tool, folder, *self.words)
        if done.returncode != DONE:
            raise Broken(f"{self.name} does not work at all: {done.stderr!r}")
        self.after = contents(folder)
        if self.state(tool, folder) != "new":
            raise Broken(f"{self.name} leaves the old file")

    def dump(self, tool, folder):
        done = run(tool, folder, "dump", self.target)
        if done.returncode != DONE:
            raise Broken(f"{self.target} cannot be read: {done.stderr!r}")
        if done.stdout == self.new:
            return "new"
        if done.stdout == self.old:
            return "old"
        raise Broken(f"{self.target} holds neither the old entries nor the new ones")

    def verify(self, tool, folder):
        done = run(tool, folder, "verify", self.target)
        if done.returncode != DONE:
            raise Broken(f"{self.target} is damaged: {done.stdout!r} {done.stderr!r}")

    def known(self, folder):
        """The state, if the files are byte for byte those of one."""
        there = contents(folder)
        for state, files in (("old", self.before), ("new", self.after)):
            if files and self.target in files and \
                    all(there.get(name) == content for name, content in files.items()):
                return state
        return None

    def state(self, tool, folder):
        """"old" or "new"; Broken."""
        if self.after:
            known = self.known(folder)
            if known:
                return known
        if self.old is None and not os.path.exists(os.path.join(folder, self.target)):
            return "old"
        found = self.dump(tool, folder)
        self.verify(tool, folder)
        return found

    def litter(self, folder):
        """Names of what is there and belongs to nothing."""
        return sorted(set(os.listdir(folder)) - {"lost+found"} - set(self.before) - {self.target})

    def check_litter(self, folder, names):
        """What may stay is the new file, complete, under its temporary name, and one at most."""
        temporary = re.compile(rf"\.{re.escape(self.target)}\.\w+\.tmp")
        for name in names:
            if not temporary.fullmatch(name):
                raise Broken(f"left {name}")
            if read(folder, name) != self.after[self.target]:
                raise Broken(f"left {name}, which is not the new file")
        if len(names) > 1:
            raise Broken(f"left {len(names)} files")


class Merge(Operation):
    """Changes a file in place. What a killed one has appended is there until the next."""

    def state(self, tool, folder):
        known = self.known(folder)
        if known:
            return known
        found = self.dump(tool, folder)
        done = run(tool, folder, "merge", self.target, "-")
        if done.returncode != DONE:
            raise Broken(f"the next merge fails: {done.stderr!r}")
        self.verify(tool, folder)
        if self.dump(tool, folder) != found:
            raise Broken("the next merge changed what it should not")
        return found

    def check_litter(self, folder, names):
        if names:
            raise Broken(f"left {names}")


class Split(Operation):
    """Makes several files and one that names them. What may stay are parts that nothing names."""

    def known(self, folder):
        return None  # parts have names of their own each time

    def litter(self, folder):
        """Parts that the set does not name."""
        named = read(folder, self.target).decode() if self.target in os.listdir(folder) else ""
        return [name for name in super().litter(folder) if name not in named]

    def check_litter(self, folder, names):
        part = re.compile(rf"\.?{re.escape(self.target)}\.\w+-\d+\.act(\.\w+\.tmp)?"
                          rf"|\.{re.escape(self.target)}\.\w+\.tmp")
        for name in names:
            if not part.fullmatch(name):
                raise Broken(f"left {name}")


def built(tool, folder, text, *options, name="made.act"):
    """The bytes of a file with these entries."""
    empty(folder)
    write(folder, "in.tsv", text)
    done = run(tool, folder, "build", "-o", name, "in.tsv", *options)
    if done.returncode != DONE:
        raise Broken(f"cannot build: {done.stderr!r}")
    return read(folder, name)


def shuffled(text):
    """The same lines in another order, always the same one."""
    lines = text.splitlines(keepends=True)
    return b"".join(lines[i * 7919 % len(lines)] for i in range(len(lines)))


def operations(tool, folder, count=3000):
    """All of them, learnt; `folder` is emptied. A run of each takes some milliseconds."""
    while count % 7919 == 0:
        count += 1
    old, new = some_entries(b"old", count), some_entries(b"new", count)
    old_text, new_text = tsv(old), tsv(new)
    old_act, new_act = built(tool, folder, old_text), built(tool, folder, new_text)
    plain = built(tool, folder, old_text, "--layout", "plain")
    changes = {key: value ^ 1 for key, value in list(old.items())[::9]} | \
        {b"more/%d" % i: i for i in range(500)}
    gone = sorted(old)[3::11]
    merged = tsv({key: value for key, value in old.items() if key not in set(gone)} | changes)
    merge_files = {"in.tsv": tsv(changes), "gone.txt": b"".join(key + b"\n" for key in gone)}
    merge_words = ["merge", "x.act", "in.tsv", "--delete-from", "gone.txt"]

    empty(folder)
    write(folder, "x.act", old_act)
    run(tool, folder, "merge", "x.act", "-", stdin=tsv(changes))
    history = read(folder, "x.act")
    history_text = tsv(old | changes)
    empty(folder)
    write(folder, "a.act", old_act)
    run(tool, folder, "split", "--parts", "3", "-o", "x.set", "a.act")
    old_set = {name: content for name, content in contents(folder).items() if name != "a.act"}

    unsorted = shuffled(new_text)
    found = [
        Operation("build", "x.act", ["build", "-o", "x.act", "in.tsv"],
                  {"x.act": old_act, "in.tsv": new_text}, old_text, new_text),
        Operation("build a new file", "x.act", ["build", "-o", "x.act", "in.tsv"],
                  {"in.tsv": new_text}, None, new_text),
        Operation("sort and build", "x.act",
                  ["build", "-o", "x.act", "in.tsv", "--memory", "64K"],
                  {"x.act": old_act, "in.tsv": unsorted}, old_text, new_text),
        Merge("merge", "x.act", merge_words, merge_files | {"x.act": old_act}, old_text, merged),
        Merge("merge, plain", "x.act", merge_words, merge_files | {"x.act": plain}, old_text,
              merged),
        Operation("compact", "x.act", ["compact", "x.act"], {"x.act": history}, history_text,
                  history_text),
        Operation("convert", "x.act", ["convert", "a.act", "x.act", "--layout", "compact"],
                  {"a.act": new_act, "x.act": old_act}, old_text, new_text),
        Split("split", "x.set", ["split", "--parts", "4", "-o", "x.set", "a.act"],
              {"a.act": new_act} | old_set, old_text, new_text),
    ]
    for one in found:
        one.learn(tool, folder)
    return found
