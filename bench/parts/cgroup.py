"""A memory cgroup, of version 1 or 2, in which a process can be started with little memory."""
import os

# What the targets are stated for.
FIXED_BYTES = 24 << 20

MOUNTS = "/proc/self/mounts"


class Unavailable(Exception):
    """There are no memory cgroups here, or this user may not make one."""


def hierarchy(mounts):
    """(where memory cgroups are made, version), from the text of /proc/self/mounts."""
    second = None
    for line in mounts.splitlines():
        _, place, kind, options, *_ = line.split(" ")
        if kind == "cgroup" and "memory" in options.split(","):
            return place, 1
        if kind == "cgroup2":
            second = place
    if second is None:
        raise Unavailable("no cgroups are mounted")
    return second, 2


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


class MemoryGroup:
    """Used as `with MemoryGroup(name) as group`: removed at the end, when its processes have gone."""

    def __init__(self, name):
        with open(MOUNTS, encoding="utf-8") as file:
            parent, self.version = hierarchy(file.read())
        self.path = os.path.join(parent, name)
        try:
            if self.version == 2:
                self.enable(parent)
            os.mkdir(self.path)
        except OSError as error:
            raise Unavailable(f"no memory cgroup can be made: {error.strerror}") from error

    @staticmethod
    def enable(parent):
        with open(os.path.join(parent, "cgroup.controllers"), encoding="ascii") as file:
            if "memory" not in file.read().split():
                raise Unavailable("the memory controller is not in cgroup 2's hierarchy")
        write(os.path.join(parent, "cgroup.subtree_control"), "+memory")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.rmdir(self.path)

    def limit(self, nbytes):
        """The most memory of the group's processes, page cache included."""
        name = "memory.max" if self.version == 2 else "memory.limit_in_bytes"
        write(os.path.join(self.path, name), str(nbytes))

    def starter(self):
        """A command that puts itself into the group and becomes the one given behind it."""
        return ["sh", "-c", f"echo $$ >'{self.path}/cgroup.procs' && exec \"$@\"", "sh"]
