"""What docs/FORMAT.md says of indexes, segments and their checksums, beside model.py, which knows the
tree alone. XXH3-64, which is no part of the format, is that of libxxhash."""
import ctypes
import ctypes.util

import model
from model import HEADER, TAIL, TRAILER, Broken, Cut, Node, u64_at

U64_MAX = model.U64_MAX
INDEX_END = 256
COPY = 256          # a copy of the header, and zeros, at the end of the file as it was built
ZEROS = 16
FOOTER = 64
BLOCK = 65536
FIELDS = ("file_nbytes", "root", "jump_end", "hot_off", "block", "sums_off", "sums_hash", "keys",
          "nodes", "line_nbytes", "longest_key")


def load_hash():
    """XXH3-64 of bytes with a seed; None where there is no such library."""
    name = ctypes.util.find_library("xxhash")
    if not name:
        return None
    function = ctypes.CDLL(name).XXH3_64bits_withSeed
    function.restype = ctypes.c_uint64
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    return lambda data, seed=0: function(bytes(data), len(data), seed)


hash64 = load_hash()


class Index:
    """A header: `state` is "none", "damaged", "unknown" or "valid"."""

    def __init__(self, data):
        self.state = "none"
        if data[16:24] != b"actIndex":
            return
        self.state = "damaged"
        header = data[HEADER:INDEX_END]
        if len(header) < 240 or hash64(header[:232]) != u64_at(header, 232):
            return
        for number, name in enumerate(FIELDS):
            setattr(self, name, u64_at(header, 24 + 8 * number))
        version = int.from_bytes(header[8:12], "little")
        if version != 1 or u64_at(header, 16) != 0 or self.block != BLOCK:
            self.state = "unknown"
        elif self.makes_sense(len(data)):
            self.state = "valid"

    def makes_sense(self, size):
        return 521 <= self.file_nbytes <= size and INDEX_END < self.sums_off \
            and self.sums_off + 8 * self.block_count() == self.file_nbytes - COPY \
            and INDEX_END <= self.hot_off <= self.root < self.sums_off \
            and self.jump_end <= self.sums_off

    def block_count(self):
        return (self.sums_off + BLOCK - 1) // BLOCK

    def blocks(self):
        """(begin, end) of each."""
        for number in range(self.block_count()):
            yield max(INDEX_END, number * BLOCK), min(self.sums_off, (number + 1) * BLOCK)


def is_header(header):
    """Whether these would be a header, if they had the magic."""
    return len(header) == 240 \
        and hash64(b"actIndex" + header[8:232]) == u64_at(header, 232)


class Segment:
    """The footer before a root, if it is one."""

    def __init__(self, data, root):
        self.valid = False
        footer = data[max(0, root - FOOTER):root]
        if root < HEADER + FOOTER or len(footer) < FOOTER or footer[:8] != b"actMerge" \
                or hash64(footer[:56]) != u64_at(footer, 56) or u64_at(footer, 8) != 1:
            return
        self.begin, self.root, self.jump_begin, self.keys, self.sum = (
            u64_at(footer, 16 + 8 * i) for i in range(5))
        self.valid = self.root == root and HEADER <= self.jump_begin <= self.begin \
            and self.begin <= root - FOOTER


def was_footer(data, root):
    footer = data[max(0, root - FOOTER):root]
    return len(footer) == FOOTER and root >= HEADER + FOOTER and (
        footer[:8] == b"actMerge"
        or hash64(b"actMerge" + footer[8:56]) == u64_at(footer, 56))


def node_end(data, at, limit):
    """Where the node ends, or None."""
    if at < HEADER:
        return None
    try:
        return Node(data, at, limit).end
    except Cut:
        return None


def newest_segment(data):
    """The root that the segment at the end of the file was written for, if it ends in one."""
    end = len(data) - TRAILER
    for nbytes in range(1, 52):
        root = end - nbytes
        if root > 0 and Segment(data, root).valid \
                and node_end(data, root, len(data) - TAIL) == end:
            return root
    return None


def trailer_at(data, at):
    """(previous trailer, previous root) if there is a good one, or None."""
    if at + TRAILER > len(data):
        return None
    trailer, root = u64_at(data, at), u64_at(data, at + 8)
    if root == 0 or node_end(data, root, at) is None \
            or not (trailer == 0 or HEADER <= trailer <= at - TRAILER):
        return None
    return trailer, root


def check_header(data, index):
    if index.state == "damaged":
        raise Broken("index-header", HEADER)
    if index.state == "none":
        copy = data[len(data) - COPY:len(data) - ZEROS]
        if is_header(data[HEADER:INDEX_END]) or (
                len(data) >= 512 and copy[:8] == b"actIndex" and is_header(copy)):
            raise Broken("index-header", HEADER)
    if index.state != "valid":
        return
    copy_at = index.file_nbytes - COPY
    if data[copy_at:copy_at + 240] != data[HEADER:INDEX_END]:
        raise Broken("index-header", copy_at)
    merged = u64_at(data, len(data) - 8) != 0 and len(data) >= index.file_nbytes + TRAILER
    if not merged:
        if len(data) != index.file_nbytes:
            raise Broken("index-header", index.file_nbytes)
        if u64_at(data, 8) != index.root:
            raise Broken("index-header", 8)
    if any(data[index.file_nbytes - ZEROS:index.file_nbytes]):
        raise Broken("tail", index.file_nbytes - ZEROS)
    if merged:
        check_newest(data, index)


def check_newest(data, index):
    root = u64_at(data, 8)
    if root != index.root and not Segment(data, root).valid and was_footer(data, root):
        raise Broken("index-header", root - FOOTER)
    if root != index.root and live_trailer(data, index) is None:
        raise Broken("index-header", 8)
    newest = newest_segment(data)
    if newest is not None and newest != root and u64_at(data, len(data) - 8) != root:
        raise Broken("tail", 8)


def check_sums(data, index):
    sums = data[index.sums_off:index.file_nbytes - COPY]
    if hash64(sums) != index.sums_hash:
        raise Broken("checksum", index.sums_off)
    for number, (begin, end) in enumerate(index.blocks()):
        if hash64(data[begin:end]) != u64_at(sums, 8 * number):
            raise Broken("checksum", begin)


def segment_sum(data, segment, end):
    total, footer = 0, segment.root - FOOTER
    for begin in range(segment.begin, footer, BLOCK):
        total = hash64(data[begin:min(footer, begin + BLOCK)], total)
    return hash64(data[segment.root:end], total)


def live_trailer(data, index):
    """Where the trailer of the live root is, if it has one: after it, or at the end of the file where
    that belongs to another root, which is not the next."""
    root, last = u64_at(data, 8), len(data) - TRAILER
    end, at_end = node_end(data, root, len(data) - TAIL), trailer_at(data, last)
    if at_end and end != last and at_end[1] != root:
        return last
    there = trailer_at(data, end)
    if there and end != last and there[0] == 0 and there[1] != index.root:
        # A first merge: what was there ended in zeros, as nothing else told its end.
        before = node_end(data, there[1], end)
        there = there if not any(data[before:before + TAIL]) and before + TAIL <= len(data) else None
    if there:
        return end
    return last if at_end and any(data[end:end + TAIL]) else None


def check_segments(data, index, nothing_else):
    """From the newest to the file as it was built. Nothing but segments, or what others have merged
    too: then as far as trailers lead."""
    root = u64_at(data, 8)
    at = live_trailer(data, index)
    while root != index.root:
        segment = Segment(data, root)
        trailer = trailer_at(data, at) if at is not None else None
        is_one = trailer and segment.valid and at + TRAILER > root
        if nothing_else and (not is_one or segment.jump_begin != index.file_nbytes):
            raise Broken("index-header", root)
        if not segment.valid and was_footer(data, root):
            raise Broken("index-header", root - FOOTER)
        if is_one and segment_sum(data, segment, at + TRAILER) != segment.sum:
            raise Broken("checksum", segment.begin)
        if not trailer:
            return
        before, root = trailer
        if before:
            good = trailer_at(data, before) and node_end(data, root, before) is not None
            ends = before + TRAILER
        else:
            # Nobody merged into what was there: it ended as an index says, or after eight zeros.
            good = node_end(data, root, at) is not None
            ends = good and min(at, node_end(data, root, at) + TAIL)
            if root == index.root and index.file_nbytes <= at:
                ends = index.file_nbytes
        if not good and not nothing_else:
            return
        if is_one and (not good or ends != segment.begin):
            raise Broken("tail", segment.begin)
        at = before or None


def is_segmented(data, index):
    segment = Segment(data, u64_at(data, 8))
    return segment.valid and segment.jump_begin == index.file_nbytes \
        and index.jump_end == index.sums_off


def check(data):
    """The Sound of a file that can be opened, or Broken; whatever it is of."""
    index = Index(data)
    check_header(data, index)
    if index.state != "valid":
        return model.check(data)
    segmented = is_segmented(data, index)
    sound = model.check(data, index.root, U64_MAX if segmented else index.jump_end)
    check_sums(data, index)
    check_segments(data, index, segmented)
    return sound


def put(data, at, number, width=8):
    data[at:at + width] = (number & (1 << 8 * width) - 1).to_bytes(width, "little")


def mend(data):
    """Makes the checksums of a bytearray match, as far as what they are of is found."""
    if len(data) < INDEX_END or data[16:24] != b"actIndex":
        return
    size, sums_off = u64_at(data, 40), u64_at(data, 80)
    count = (sums_off + BLOCK - 1) // BLOCK
    inside = 512 <= size <= len(data)
    if inside and INDEX_END < sums_off and sums_off + 8 * count <= size - COPY:
        for number in range(count):
            begin, end = max(INDEX_END, number * BLOCK), min(sums_off, (number + 1) * BLOCK)
            put(data, sums_off + 8 * number, hash64(data[begin:end]))
        put(data, 88, hash64(data[sums_off:sums_off + 8 * count]))
    put(data, 248, hash64(data[16:248]))
    if inside:
        data[size - COPY:size - ZEROS] = data[16:INDEX_END]
    root, at_most = u64_at(data, 8), 20
    while at_most and HEADER + FOOTER <= root < len(data):
        end = node_end(data, root, len(data))
        if end is None or end + TRAILER > len(data):
            return
        footer = root - FOOTER
        if data[footer:footer + 8] == b"actMerge":
            segment = Segment(data, root)
            segment.begin, segment.root = u64_at(data, footer + 16), root
            put(data, footer + 48, segment_sum(data, segment, end + TRAILER))
            put(data, footer + 56, hash64(data[footer:footer + 56]))
        before = u64_at(data, end + 8)
        root, at_most = (before if before < root else 0), at_most - 1
