"""File systems in a file, which can lose their power: mounted over a loop device, and shut down by
FS_IOC_SHUTDOWN without flushing the journal. What the system had not yet written is then gone, as
when a machine stops; what it had given to the disk is there. Needs root.
"""
import ctypes
import fcntl
import os
import shutil
import struct
import subprocess

FS_IOC_SHUTDOWN = 0x8004587d  # _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2
CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE = 16384, 1 << 18

# name: (program, its options, MiB, options of mounting)
KINDS = {
    "ext4": ("mkfs.ext4", ["-q", "-F"], 24, "data=ordered"),
    "ext4 writeback": ("mkfs.ext4", ["-q", "-F"], 24, "data=writeback"),
    "ext4 noauto_da_alloc": ("mkfs.ext4", ["-q", "-F"], 24, "noauto_da_alloc"),
    "xfs": ("mkfs.xfs", ["-q", "-f"], 320, ""),
}

os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
libc = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """This system does not let us, and why."""


def call(what, *arguments):
    if getattr(libc, what)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def own_mounts():
    """From now on what this process mounts is seen by it and its children alone. Refused."""
    try:
        call("unshare", CLONE_NEWNS)
        call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    except OSError as error:
        raise Refused(f"only root can mount file systems ({error.strerror})") from error


class Disk:
    """A file system of one of KINDS, in `folder`, mounted at `folder`/KIND."""

    def __init__(self, kind, folder):
        program, options, mib, self.options = KINDS[kind]
        self.kind, self.device = kind, None
        self.type = kind.split()[0]
        stem = kind.replace(" ", "-")
        self.image, self.path = (os.path.join(folder, stem + end) for end in (".image", ""))
        if not shutil.which(program):
            raise Refused(f"there is no {program}")
        with open(self.image, "wb") as file:
            file.truncate(mib << 20)
        made = subprocess.run([program, *options, self.image], capture_output=True, check=False)
        if made.returncode != 0:
            raise Refused(f"{program}: {made.stderr.decode(errors='replace').strip()}")
        os.makedirs(self.path, exist_ok=True)
        found = subprocess.run(["losetup", "--find", "--show", self.image], capture_output=True,
                               check=False, text=True)
        if found.returncode != 0:
            raise Refused(f"no loop device: {found.stderr.strip()}")
        self.device = found.stdout.strip()
        try:
            self.mount()
            self.cut()
            self.restart()
        except OSError as error:
            self.close()
            raise Refused(f"{kind} cannot be mounted and cut: {error.strerror}") from error

    def mount(self):
        call("mount", self.device.encode(), self.path.encode(), self.type.encode(), 0,
             self.options.encode())

    def settle(self):
        """Everything that was written so far is on the disk."""
        fd = os.open(self.path, os.O_RDONLY)
        call("syncfs", fd)
        os.close(fd)

    def cut(self):
        """The power goes. What runs on it then fails; close that before restart()."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, FS_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def restart(self):
        """And it comes back."""
        call("umount", self.path.encode())
        self.mount()

    def close(self):
        libc.umount(self.path.encode())
        if self.device:
            subprocess.run(["losetup", "--detach", self.device], check=False)
            self.device = None
