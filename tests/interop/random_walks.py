"""Random scripts for a cursor, and what makes two answers to them equal."""

# Asked of the cursor where it stands.
QUESTIONS = ["path", "val", "is_val", "path_exists", "child_count", "child_mask", "at_root",
             "val_count"]
PLAIN_MOVES = ["reset", "descend_first_byte", "descend_last_byte", "descend_until",
               "descend_last_path", "ascend_byte", "ascend_until", "ascend_until_branch",
               "to_next_sibling_byte", "to_prev_sibling_byte", "to_next_step", "to_next_val",
               "to_next_val", "to_next_step"]
PATH_MOVES = ["descend_to", "descend_to_check", "descend_to_existing", "descend_to_val",
              "move_to_path", "move_to_path", "val_at"]
BYTE_MOVES = ["descend_to_byte", "descend_to_existing_byte"]
COUNTED_MOVES = ["ascend", "descend_indexed_byte", "descend_until_max_bytes",
                 "descend_first_k_path", "to_next_k_path"]


def piece(r, keys):
    """A piece of a key, mostly of its start, that may lead on or nowhere."""
    key = r.choice(keys) if keys else b"key"
    start = 0 if r.random() < 0.6 else r.randint(0, len(key))
    key = key[start:start + r.choice([1, 2, 3, 5, 8, 300, 70000])]
    return key + r.randbytes(r.choice([0, 0, 0, 0, 0, 1, 2]))


def command(r, keys):
    kind = r.random()
    if kind < 0.3:
        return [r.choice(QUESTIONS)]
    if kind < 0.6:
        return [r.choice(PLAIN_MOVES)]
    if kind < 0.75:
        return [f"{r.choice(PATH_MOVES)} {piece(r, keys).hex() or '-'}"]
    if kind < 0.8:
        return [f"{r.choice(BYTE_MOVES)} {(piece(r, keys) or b'a')[:1].hex()}"]
    if kind < 0.9:
        return [f"{r.choice(COUNTED_MOVES)} {r.choice([1, 1, 1, 2, 2, 3, 4, 8, 40])}"]
    if kind < 0.92:
        return [f"root {piece(r, keys).hex() or '-'}"]
    depth = r.choice([1, 1, 2, 3, 4])
    return r.choice([["to_next_val"] * r.randint(2, 8), ["to_next_step"] * r.randint(2, 8),
                     [f"descend_first_k_path {depth}"] + [f"to_next_k_path {depth}"] * r.randint(1, 6),
                     ["to_next_sibling_byte"] * 3, ["to_prev_sibling_byte"] * 2])


def script(r, keys):
    lines = []
    while len(lines) < 150:
        lines += command(r, keys)
    return lines


def compare(commands, ours, on_file, in_memory, failure):
    """Ours are to be the answers of the reference's cursor in memory, as its documentation promises
    them; where that one and the one on the file agree there is no doubt at all."""
    for number, (line, memory) in enumerate(zip(commands, in_memory)):
        if memory == "panic":
            return
        answer = ours[number].replace("\t", " ") if number < len(ours) else "nothing"
        answer = answer if not answer.endswith(" ") else answer + "-"
        if answer != memory:
            there = on_file[number] if number < len(on_file) else "nothing"
            before = commands[max(0, number - 12):number]
            raise failure(f"cursor: after {before} {line!r} answers {answer!r}, not {memory!r} "
                          f"(on the file {there!r})")
