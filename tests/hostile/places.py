"""Things at a path that are no file of ours, or no file at all."""
import os
import shutil
import socket
import stat

from forge import tree

NOBODY = 65534
VERBS = (["verify"], ["info"], ["dump"], ["get", "a"], ["prefix", "a"], ["range"], ["walk"])


def judge(tool, folder):
    """Every verb on each; 2 where there is nothing to read, 3 where what is read is no map."""
    count = 0

    def expect(status, name, make, user=None, of=None):
        nonlocal count
        count += 1
        path = os.path.join(folder, name)
        make(path)
        for verb, *rest in VERBS:
            (of or tool).run(f"places/{name}", [verb, path, *rest], {status}, user=user)

    def write(data):
        def make(path):
            with open(path, "wb") as file:
                file.write(data)
        return make

    def listen(path):
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path)

    good = tree([(b"a", 1), (b"b", 2)])
    expect(2, "missing", lambda path: None)
    expect(2, "directory", os.mkdir)
    expect(2, "fifo", os.mkfifo)
    expect(2, "socket", listen)
    expect(2, "link-to-nowhere", lambda path: os.symlink("nowhere", path))
    expect(2, "link-to-itself", lambda path: os.symlink(os.path.basename(path), path))
    expect(2, "n" * 300, lambda path: None)
    write(good)(os.path.join(folder, "file"))
    expect(2, "file/below", lambda path: None)
    for size in range(16):
        expect(3, f"size-{size}", write(good[:size]))
    expect(3, "text", write(b"a\t1\nb\t2\n" * 10))
    expect(3, "zeros", write(bytes(4096)))

    # Without permission. To root nothing is forbidden: the tool has to run as somebody else, who
    # may also not be allowed to see where the tool lies.
    def forbid(path):
        write(good)(path)
        os.chmod(path, 0)

    if os.geteuid() != 0:
        expect(2, "forbidden", forbid)
        return count
    copy = shutil.copy(tool.path, os.path.join(folder, "tool"))
    os.chmod(copy, stat.S_IRWXU | stat.S_IXGRP | stat.S_IRGRP | stat.S_IXOTH | stat.S_IROTH)
    os.chmod(folder, 0o755)
    own_path, tool.path = tool.path, copy
    expect(2, "forbidden", forbid, user=NOBODY)
    tool.path = own_path
    return count
