"""Engines: which there are, how one is started and asked, and whether what it answers is right."""
import array
import itertools
import json
import os
import struct
import subprocess
import sys
from dataclasses import dataclass

WARM, DISK = "warm", "disk"


@dataclass(frozen=True)
class Engine:
    name: str
    program: str
    variant: str = ""
    parts: tuple = (WARM,)
    few: bool = False # of engines that take long over a lookup only some are asked for


ENGINES = (
    Engine("actree", "peer_actree", "indexed", (WARM, DISK)),
    Engine("actree-plain", "peer_actree", "plain", (WARM, DISK)),
    Engine("actree-compact", "peer_actree", "compact"),
    Engine("reference", "peer_reference", parts=(WARM, DISK)),
    Engine("reference-dump", "peer_reference_dump"),
    Engine("reference-shared", "peer_reference_shared"),
    Engine("fst", "peer_fst", parts=(WARM, DISK)),
    Engine("lmdb", "peer_lmdb", parts=(WARM, DISK)),
    Engine("lmdb-nordahead", "peer_lmdb", "nordahead", (DISK,)),
    Engine("mtbl-none", "peer_mtbl", "none"),
    Engine("mtbl", "peer_mtbl", "zlib", few=True),
    Engine("marisa-fast", "peer_marisa", "1"),
    Engine("marisa", "peer_marisa", "3"),
)
RUST = ("peer_reference", "peer_reference_dump", "peer_reference_shared", "peer_fst")


class WrongAnswer(Exception):
    """An engine gave one, or ended when it should not."""


def progress(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Keyset:
    """The figures in the first bytes of a packed set of keys."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            header = file.read(32)
        self.nkeys, self.keys_nbytes, self.value_sum = struct.unpack_from("<8x3Q", header)


class Sets:
    """The packed files of a key set, and the values of its present queries, one by one."""

    def __init__(self, data, name):
        self.name, self.stem = name, os.path.join(data, name)
        self.keys, self.present, self.absent = (Keyset(f"{self.stem}.{part}")
                                                for part in ("keys", "present", "absent"))
        self.present_few, self.absent_few = (Keyset(f"{self.stem}.{part}-few")
                                             for part in ("present", "absent"))
        self.sums = None

    def value_sum(self, nqueries, first, count):
        """Of the values of `count` queries from number `first` on, modulo 2^64; behind the last of
        `nqueries` comes the first one again."""
        if self.sums is None:
            values = array.array("Q")
            with open(f"{self.stem}.values", "rb") as file:
                values.frombytes(file.read())
            if sys.byteorder == "big":
                values.byteswap()
            self.sums = [0, *itertools.accumulate(values)]

        def sum_before(number):
            rounds, rest = divmod(number, nqueries)
            return rounds * self.sums[nqueries] + self.sums[rest]

        return (sum_before(first + count) - sum_before(first)) % 2**64


class Peer:
    """A running engine."""

    def __init__(self, engine, command, sets, work_file, keys=None, under=()):
        """`keys` are others to build from; `under` is a command that starts the engine's."""
        self.name, self.sets, self.work_file = engine.name, sets, work_file
        self.keys = keys or sets.keys
        self.present, self.absent = ((sets.present_few, sets.absent_few) if engine.few
                                     else (sets.present, sets.absent))
        self.process = subprocess.Popen(
            [*under, command[0], self.keys.path, self.present.path, self.absent.path, work_file,
             *command[1:]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.hello = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise WrongAnswer(f"{self.name} ended, status {self.process.wait()}")
        return json.loads(line)

    def ask(self, op):
        try:
            # Without a buffer, which would fail once more when it is closed.
            os.write(self.process.stdin.fileno(), f"{op}\n".encode())
        except BrokenPipeError:
            pass # read says how it ended
        answer = self.read()
        self.check(op, answer)
        return answer

    def check(self, op, answer):
        """Engines with values must give the values; the others as many keys, and all their ids."""
        keys_only = self.hello["keys_only"]
        name, *numbers = op.split(" ")
        wanted = {"op": name}
        if name in ("present", "check") or name.startswith("batch-"):
            wanted.update(n=self.present.nkeys, hits=self.present.nkeys)
            if not keys_only:
                wanted.update(value_sum=self.present.value_sum)
        elif name == "absent":
            wanted.update(n=self.absent.nkeys, hits=0, value_sum=0)
        elif name in ("scan", "scan-2", "scan-runs", "iterate"):
            # The ids of keys-only engines are 0 .. n-1 as our values are: the sums are equal.
            wanted.update(hits=self.keys.nkeys, value_sum=self.keys.value_sum,
                          key_bytes=self.keys.keys_nbytes)
        elif name == "sample":
            wanted.update(hits=answer["n"])
            if not keys_only:
                wanted.update(value_sum=self.sets.value_sum(
                    self.present.nkeys, int(numbers[0]), answer["n"]))
        for field, value in wanted.items():
            if answer.get(field) != value:
                raise WrongAnswer(f"{self.name}: {op}: {field} is {answer.get(field)}, not {value}")

    def sample(self, first, nkeys, milliseconds, batch=0, threads=1):
        """Some lookups, each call timed by itself: n, ns, major_faults, read_bytes and so on."""
        how = f" {batch} {threads}" if batch else ""
        return self.ask(f"sample {first % self.present.nkeys} {nkeys} {milliseconds}{how}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.finish()
        else:
            self.process.kill()
            self.process.wait()

    def finish(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise WrongAnswer(f"{self.name} ended with status {self.process.returncode}")


def has_batches(peer):
    return any(op.startswith("batch-") for op in peer.hello["ops"])


def find_engines(args, left_out):
    """(engine, command) of what was built; notes why the rest was not."""
    found = []
    for engine in ENGINES:
        if args.engines and engine.name not in args.engines.split(","):
            left_out[engine.name] = "it was not asked for"
            continue
        path = os.path.join(args.rust if engine.program in RUST else args.bin, engine.program)
        if os.access(path, os.X_OK):
            found.append((engine, [path, engine.variant] if engine.variant else [path]))
        else:
            left_out.setdefault(engine.name, "its library is not on this machine")
    return found
