#!/usr/bin/env python3
"""Every state in which a power cut may leave the files, by a model: the system calls of a run of the
tool are recorded by strace, and replayed up to each of them onto a disk that may have lost,
reordered or torn whatever no sync had made certain. Each state must be the old file or the new
one, and after the last call the new one.

    power_model.py TOOL [--tears N] [--folder DIR] [--operation NAME]...

The model knows no file system's kindness:
- data: of what was written to a file since its last sync, any set of the writes may be there, and
  of each any sectors of 512 bytes; and the length may be that of after, with zeros for what is not;
- names: of what was done to names since the folder's last sync, any set may be there.
Sets and tears are complete up to SETS_MAX, and N are drawn at random beyond. Exit status 77 where
there is no strace that works.
"""
import argparse
import hashlib
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

from operations import Broken, Operation, operations, write

SECTOR = 512
SETS_MAX = 256
CALLS = ("open,openat,creat,close,dup,dup2,dup3,write,pwrite64,writev,pwritev,pwritev2,"
         "copy_file_range,fallocate,ftruncate,truncate,fsync,fdatasync,sync_file_range,syncfs,sync,"
         "link,linkat,rename,renameat,renameat2,unlink,unlinkat,symlink,symlinkat,mmap,fcntl")
CALL = re.compile(r"^(\d+) +(\w+)\((.*)\) += (-?\d+|0x[0-9a-f]+|\?)(?: .*)?$")


def unescape(text):
    return bytes.fromhex(text.replace("\\x", ""))


class Inode:
    """A file: what is certain, and what was done to it since."""

    def __init__(self, content=b""):
        self.certain, self.pending = content, []

    def sync(self):
        self.certain = apply(self.certain, self.pending, None)
        self.pending = []

    def variants(self, rng, tears):
        """What the file may hold after a power cut."""
        everything = apply(self.certain, self.pending, None)
        found = {self.certain: None, everything: None}
        if not self.pending:
            return list(found)
        count = len(self.pending)
        if 2**count <= SETS_MAX:
            chosen = itertools.product((False, True), repeat=count)
        else:
            chosen = [[i < n for i in range(count)] for n in range(count)] + \
                [[rng.random() < .5 for _ in range(count)] for _ in range(tears)]
        for some in chosen:
            part = [one for one, there in zip(self.pending, some) if there]
            found[apply(self.certain, part, None)] = None
            # The length was written, the data not.
            whole = apply(self.certain, part, None)
            found[apply(self.certain, part, lambda: False)[:len(whole)]] = None
            for _ in range(tears):
                found[apply(self.certain, part, lambda: rng.random() < .5)] = None
        return list(found)


def apply(content, pending, sector_is_there):
    """The content after writes (offset, bytes) and cuts (length, None); by sectors, if asked."""
    out = bytearray(content)
    for off, data in pending:
        if data is None:
            out = out[:off] + bytes(max(0, off - len(out)))
            continue
        out += bytes(max(0, off + len(data) - len(out)))
        if sector_is_there is None:
            out[off:off + len(data)] = data
            continue
        at = off
        while at < off + len(data):
            end = min(at // SECTOR * SECTOR + SECTOR, off + len(data))
            if sector_is_there():
                out[at:end] = data[at - off:end - off]
            at = end
    return bytes(out)


class Disk:
    """One folder, as a process writes to it."""

    def __init__(self, files):
        self.certain = {name: Inode(content) for name, content in files.items()}
        self.pending = []  # ("link", inode, name), ("rename", from, to), ("unlink", name)
        self.open = {}  # descriptor: [inode or None for the folder, position]

    def names(self, pending=None):
        """{name: inode} after all that was done, or after some of it."""
        found = dict(self.certain)
        for what, *arguments in self.pending if pending is None else pending:
            if what == "link":
                inode, name = arguments
                found[name] = inode
            elif what == "rename":
                old, name = arguments
                if old in found:
                    found[name] = found.pop(old)
            else:
                found.pop(arguments[0], None)
        return found

    def sync_names(self):
        self.certain, self.pending = self.names(), []

    def states(self, rng, tears):
        """{name: content} of each state that a cut now may leave."""
        if 2**len(self.pending) <= SETS_MAX:
            sets = list(itertools.product((False, True), repeat=len(self.pending)))
        else:
            sets = [[i < n for i in range(len(self.pending))] for n in range(len(self.pending) + 1)]
            sets += [[rng.random() < .5 for _ in self.pending] for _ in range(tears * 8)]
        for some in sets:
            names = self.names([one for one, there in zip(self.pending, some) if there])
            dirty = [inode for inode in dict.fromkeys(names.values()) if inode.pending]
            for contents in itertools.product(*(inode.variants(rng, tears) for inode in dirty)):
                held = dict(zip(dirty, contents))
                yield {name: held.get(inode, inode.certain) for name, inode in names.items()}


class Replay:
    """Understands the lines of strace."""

    def __init__(self, disk, folder):
        self.disk, self.folder = disk, os.path.realpath(folder)

    def name(self, folder_fd, text):
        """The name in our folder that a path means, or None."""
        path = unescape(text.strip('"')).decode()
        if not path.startswith("/"):
            if folder_fd not in ("AT_FDCWD", "0xffffff9c") and \
                    int(folder_fd) not in self.disk.open:
                return None
            path = os.path.join(self.folder, path)
        folder, name = os.path.split(os.path.normpath(path))
        return name if os.path.realpath(folder) == self.folder else None

    def is_folder(self, text):
        path = os.path.join(self.folder, unescape(text.strip('"')).decode())
        return os.path.realpath(path) == self.folder

    def call(self, name, words, result):
        """One call; true if it wrote, synced or named anything."""
        handler = getattr(self, "do_" + name, None)
        fd = int(words[0]) if words and words[0].isdigit() else None
        if handler:
            return handler(words, result)
        if fd in self.disk.open:
            raise Broken(f"{name} on a file: the model does not know it")
        return False

    def do_openat(self, words, result):
        flags = words[2]
        if self.is_folder(words[1]):
            self.disk.open[result] = [Inode() if "O_TMPFILE" in flags else None, 0]
            return False
        name = self.name(words[0], words[1])
        if name is None:
            self.disk.open.pop(result, None)
            return False
        names = self.disk.names()
        made = name not in names
        if made:
            names[name] = Inode()
            self.disk.pending.append(("link", names[name], name))
        inode = names[name]
        self.disk.open[result] = [inode, 0]
        if "O_TRUNC" in flags and not made:
            inode.pending.append((0, None))
        return made or "O_TRUNC" in flags

    def do_close(self, words, _result):
        self.disk.open.pop(int(words[0]), None)
        return False

    def do_fcntl(self, words, result):
        if "F_DUPFD" in words[1] and int(words[0]) in self.disk.open:
            self.disk.open[result] = self.disk.open[int(words[0])]
        return False

    def do_mmap(self, words, _result):
        shared = "MAP_SHARED" in words[3] and "PROT_WRITE" in words[2]
        if shared and words[4].isdigit() and int(words[4]) in self.disk.open:
            raise Broken("a file is written through a mapping: the model does not know it")
        return False

    def do_write(self, words, result):
        entry = self.disk.open.get(int(words[0]))
        if not entry:
            return False
        entry[0].pending.append((entry[1], unescape(words[1].strip('"'))[:result]))
        entry[1] += result
        return True

    def do_pwrite64(self, words, result):
        entry = self.disk.open.get(int(words[0]))
        if not entry:
            return False
        entry[0].pending.append((int(words[3]), unescape(words[1].strip('"'))[:result]))
        return True

    def do_ftruncate(self, words, _result):
        entry = self.disk.open.get(int(words[0]))
        if entry:
            entry[0].pending.append((int(words[1]), None))
        return bool(entry)

    def do_fsync(self, words, _result):
        entry = self.disk.open.get(int(words[0]))
        if not entry:
            return False
        if entry[0]:
            entry[0].sync()
        else:
            self.disk.sync_names()
        return True

    do_fdatasync = do_fsync

    def do_linkat(self, words, _result):
        source = unescape(words[1].strip('"')).decode()
        at = re.fullmatch(r"/proc/self/fd/(\d+)", source)
        name = self.name(words[2], words[3])
        if at or not source:
            inode = self.disk.open[int(at.group(1) if at else words[0])][0]
        else:
            inode = self.disk.names()[self.name(words[0], words[1])]
        self.disk.pending.append(("link", inode, name))
        return True

    def do_renameat(self, words, _result):
        old, new = self.name(words[0], words[1]), self.name(words[2], words[3])
        if old is None or new is None:
            return False
        self.disk.pending.append(("rename", old, new))
        return True

    do_renameat2 = do_renameat

    def do_dup2(self, words, result):
        if int(words[0]) in self.disk.open:
            self.disk.open[result] = self.disk.open[int(words[0])]
        return False

    def do_rename(self, words, result):
        return self.do_renameat(["AT_FDCWD", words[0], "AT_FDCWD", words[1]], result)

    def do_unlink(self, words, _result):
        name = self.name("AT_FDCWD", words[0])
        if name is None:
            return False
        self.disk.pending.append(("unlink", name))
        return True

    def do_unlinkat(self, words, result):
        return self.do_unlink(words[1:], result)


def calls(path):
    """(name, words, result) of each call that succeeded; those of threads put together again."""
    started = {}
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            line = line.rstrip("\n")
            pid = line.split(" ", 1)[0]
            if line.endswith(" <unfinished ...>"):
                started[pid] = line[:-len(" <unfinished ...>")]
                continue
            resumed = re.match(r"^\d+ +<\.\.\. \w+ resumed>(.*)$", line)
            if resumed:
                line = started.pop(pid) + resumed.group(1)
            found = CALL.match(line)
            if not found:
                continue
            result = int(found.group(4), 0) if found.group(4) != "?" else -1
            if result >= 0:
                yield found.group(2), found.group(3).split(", "), result


class Judge:
    """Puts states into a folder, each different one once."""

    def __init__(self, tool, folder, operation):
        self.tool, self.folder, self.operation = tool, folder, operation
        self.seen, self.states = {}, 0

    def look(self, files):
        self.states += 1
        digest = hashlib.sha256()
        for name, content in sorted(files.items()):
            digest.update(b"%d %d " % (len(name), len(content)) + name.encode() + content)
        key = digest.digest()
        if key not in self.seen:
            self.put(files)
            self.seen[key] = self.operation.state(self.tool, self.folder)
        return self.seen[key]

    def put(self, files):
        for name in os.listdir(self.folder):
            os.remove(os.path.join(self.folder, name))
        for name, content in files.items():
            write(self.folder, name, content)


def model(tool, folder, operation, tears, rng, program=None):
    """Records a run, of `program` if that is not the tool, and looks at every state of it."""
    work, states = os.path.join(folder, "work"), os.path.join(folder, "states")
    for one in work, states:
        os.makedirs(one, exist_ok=True)
    operation.prepare(work)
    trace = os.path.join(folder, "trace")
    done = subprocess.run(["strace", "-f", "-qq", "-xx", "-s", "100000000", "-o", trace, "-e",
                           "trace=" + CALLS, program or tool, *operation.words], cwd=work, check=False,
                          capture_output=True, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    if done.returncode != 0:
        raise Broken(f"under strace: {done.stderr!r}")
    disk = Disk(operation.before)
    replay = Replay(disk, work)
    judge = Judge(tool, states, operation)
    steps, seen = 0, {"old": 0, "new": 0}
    for name, words, result in calls(trace):
        if not replay.call(name, words, result):
            continue
        steps += 1
        for files in disk.states(rng, tears):
            try:
                seen[judge.look(files)] += 1
            except Broken as broken:
                raise Broken(f"cut after {name}, call {steps}: {broken}") from broken
    for files in disk.states(rng, tears):
        if judge.look(files) != "new":
            raise Broken("cut after it had said that it was done: the old file is there")
    if not seen["old"] or not seen["new"]:
        raise Broken(f"the model saw no cut before or none after: {seen}")
    return {"calls": steps, "states": judge.states, "different": len(judge.seen)}


def control(tool, folder, built, rng):
    """A program that syncs nothing must be found to lose the file. What is wrong, or None."""
    files = {"x.act": built.before["x.act"], "new.act": built.after["x.act"]}
    naive = Operation("dd", "x.act", ["if=new.act", "of=x.act", "bs=64k"], files, built.old,
                      built.new)
    naive.after = files | {"x.act": files["new.act"]}
    try:
        model(tool, folder, naive, 2, rng, "dd")
    except Broken as broken:
        return None if str(broken).startswith("cut after") else str(broken)
    return "the model finds nothing wrong with dd, which syncs nothing"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tool")
    parser.add_argument("--tears", type=int, default=2, help="random ones, for each set of writes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", default=os.environ.get("TMPDIR"), help="where to work")
    parser.add_argument("--operation", action="append")
    arguments = parser.parse_args()
    tool = os.path.abspath(arguments.tool)
    works = shutil.which("strace") and \
        subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if not works or works.returncode != 0:
        print("skipped: there is no strace that works")
        sys.exit(77)
    rng = random.Random(arguments.seed)
    tallies, findings = {}, []
    with tempfile.TemporaryDirectory(prefix="actree-model-", dir=arguments.folder) as folder:
        scratch = os.path.join(folder, "scratch")
        os.mkdir(scratch)
        found = operations(tool, scratch, 1000)
        wrong = control(tool, folder, found[0], rng)
        if wrong:
            findings.append(wrong)
            print(wrong)
        for operation in found:
            if arguments.operation and operation.name not in arguments.operation:
                continue
            try:
                tally = model(tool, folder, operation, arguments.tears, rng)
            except Broken as broken:
                findings.append(f"{operation.name}, seed {arguments.seed}: {broken}")
                print(findings[-1], flush=True)
                continue
            tallies[operation.name] = tally
            print(f"{operation.name:<18} " + ", ".join(f"{n} {what}" for what, n in tally.items()),
                  flush=True)
    print("FIGURES " + json.dumps({"states": sum(one["states"] for one in tallies.values()),
                      "different": sum(one["different"] for one in tallies.values()),
                      "operations": tallies, "findings": findings}))
    sys.exit(1 if findings or not tallies else 0)


if __name__ == "__main__":
    main()
