"""What the tests of sets share."""
import ctypes
import ctypes.util
import functools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from tool import ACTREE, ToolTest


class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def sealed(lines):
    """A manifest of these lines, with a checksum that is right; None where nothing computes it."""
    library = ctypes.util.find_library("xxhash")
    if not library:
        return None
    function = ctypes.CDLL(library).XXH3_128bits
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    function.restype = Hash128
    text = b"".join(line + b"\n" for line in lines)
    hashed = function(text, len(text))
    return text + f"sum\t{hashed.high:016x}{hashed.low:016x}\n".encode()


@functools.lru_cache(None)
def made(tsv, parts):
    """A folder with x.act, and x.set of it; made once, as each test begins with a copy of one."""
    folder = tempfile.TemporaryDirectory(prefix="actree-cli-sets-")
    unittest.addModuleCleanup(folder.cleanup)
    for arguments in ["build", "-o", "x.act", "-"], ["split", "--parts", str(parts), "-o", "x.set", "x.act"]:
        if parts or arguments[0] == "build":
            subprocess.run([ACTREE, *arguments], input=tsv.encode(), check=True, cwd=folder.name,
                           capture_output=True)
    return folder


class SetTest(ToolTest):
    tsv = "".join(f"{i % 40:02}/{i % 7}/{i:05}\t{i}\n" for i in sorted(
        range(6000), key=lambda i: (i % 40, i % 7, i)))
    parts_made = 0  # of the set that is there: 0: none

    def setUp(self):
        super().setUp()
        shutil.copytree(made(self.tsv, self.parts_made).name, self.folder, dirs_exist_ok=True)

    def split(self, *options, name="x.act", to="x.set"):
        return json.loads(self.ok("split", "--json", *(options or ("--parts", "5")), "-o", to, name))

    def parts(self, name="x.set"):
        """The files' names, which need no escapes here, from the manifest itself."""
        return [line.split("\t")[1] for line in self.read(name).decode().splitlines()
                if line.startswith("part\t")]

    def listing(self):
        return sorted(os.listdir(self.folder))

    def remove_but(self, *kept):
        for name in set(self.listing()) - set(kept):
            os.remove(self.path(name))

    def interrupt(self, number, share, seconds, *arguments):
        """Sends a signal to a run when it has taken a share of these seconds: status and message."""
        environ = dict(os.environ)
        if number == signal.SIGKILL:
            # What looks for leaks is a process of its own, and says so when its subject dies.
            environ["ASAN_OPTIONS"] = environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        process = subprocess.Popen([ACTREE, *arguments], cwd=self.folder, stderr=subprocess.PIPE,
                                   env=environ)
        time.sleep(share * seconds)
        process.send_signal(number)
        _, message = process.communicate(timeout=60)
        return process.returncode, message

    def seconds(self, *arguments):
        begin = time.monotonic()
        self.ok(*arguments)
        return time.monotonic() - begin
