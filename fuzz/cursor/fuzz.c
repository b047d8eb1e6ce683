/*
 * The script is a root path, after a byte with its length, and moves of a cursor; the file follows.
 * Whatever the file, every move is safe and ends; on a sound file what the cursor says of the place
 * where it stands is what lookups say of that path.
 */
#include "fuzz/input.h"

enum {
    MOVES_MAX = 60,
    COUNTED_MAX = 500
};

struct script {
    const uint8_t *bytes;
    size_t nbytes;
};

static unsigned next_byte(struct script *script)
{
    if (script->nbytes == 0)
        return 0;
    script->nbytes--;
    return *script->bytes++;
}

/* The next few bytes, of which a first one tells how many. */
static const uint8_t *next_bytes(struct script *script, unsigned most, size_t *nbytes_ret)
{
    size_t nbytes = next_byte(script) % (most + 1);
    const uint8_t *bytes = script->bytes;
    if (nbytes > script->nbytes)
        nbytes = script->nbytes;
    script->bytes += nbytes;
    script->nbytes -= nbytes;
    *nbytes_ret = nbytes;
    return bytes;
}

struct walk {
    const act_map *map;
    struct fuzz_told *told;
    act_cursor *cursor;
    bool sound;
    bool countable; /* few enough keys to count them one by one */
    const uint8_t *root;
    size_t root_nbytes;
};

/* What the cursor says of its place, against lookups of the whole path. */
static void check_place(const struct walk *walk)
{
    size_t path_nbytes;
    const uint8_t *path = act_cursor_path(walk->cursor, &path_nbytes);
    FUZZ_EXPECT(path != NULL);
    FUZZ_EXPECT(act_cursor_at_root(walk->cursor) == (path_nbytes == 0));
    uint64_t mask[4], value = 0, got = 0;
    act_cursor_child_mask(walk->cursor, mask);
    unsigned bits = 0;
    for (unsigned i = 0; i < 256; i++)
        bits += (unsigned)(mask[i / 64] >> i % 64 & 1);
    FUZZ_EXPECT(act_cursor_child_count(walk->cursor) == bits);
    bool exists = act_cursor_path_exists(walk->cursor), is_val = act_cursor_is_val(walk->cursor);
    FUZZ_EXPECT(exists || (!is_val && bits == 0));
    FUZZ_EXPECT((act_cursor_value(walk->cursor, &value) == ACT_OK) == is_val);
    fuzz_tell_bytes(walk->told, path, path_nbytes);
    fuzz_tell_bytes(walk->told, mask, sizeof(mask));
    fuzz_tell(walk->told, exists);
    fuzz_tell(walk->told, value);
    if (!walk->sound)
        return;
    uint8_t *whole = malloc(walk->root_nbytes + path_nbytes + 1);
    if (!whole)
        abort();
    if (walk->root_nbytes)
        memcpy(whole, walk->root, walk->root_nbytes);
    if (path_nbytes)
        memcpy(whole + walk->root_nbytes, path, path_nbytes);
    size_t nbytes = walk->root_nbytes + path_nbytes;
    bool has_value = false;
    FUZZ_EXPECT((act_map_path_exists(walk->map, whole, nbytes, &has_value, NULL) == ACT_OK) ==
                exists);
    FUZZ_EXPECT(!exists || has_value == is_val);
    FUZZ_EXPECT((act_map_get(walk->map, whole, nbytes, &got, NULL) == ACT_OK) == is_val);
    FUZZ_EXPECT(got == value);
    /* One byte on. */
    for (unsigned i = 0; i < 256; i += 51) {
        whole[nbytes] = (uint8_t)i;
        FUZZ_EXPECT((act_map_path_exists(walk->map, whole, nbytes + 1, NULL, NULL) == ACT_OK) ==
                    (mask[i / 64] >> i % 64 & 1));
    }
    free(whole);
}

static act_status move_along(act_cursor *cursor, unsigned move, struct script *script)
{
    size_t nbytes, how_far = 0;
    const uint8_t *path = next_bytes(script, 20, &nbytes);
    act_status status;
    switch (move) {
    case 0:
        return act_cursor_descend_to(cursor, path, nbytes, NULL);
    case 1:
        return act_cursor_descend_to_check(cursor, path, nbytes, NULL);
    case 2:
        status = act_cursor_descend_to_existing(cursor, path, nbytes, &how_far, NULL);
        break;
    case 3:
        status = act_cursor_descend_to_val(cursor, path, nbytes, &how_far, NULL);
        break;
    default:
        status = act_cursor_move_to_path(cursor, path, nbytes, &how_far, NULL);
    }
    FUZZ_EXPECT(how_far <= nbytes);
    return status;
}

static act_status move_by(act_cursor *cursor, unsigned move, unsigned n)
{
    switch (move) {
    case 5:
        return act_cursor_descend_to_byte(cursor, (uint8_t)n, NULL);
    case 6:
        return act_cursor_descend_to_existing_byte(cursor, (uint8_t)n, NULL);
    case 7:
        return act_cursor_descend_indexed_byte(cursor, n, NULL);
    case 8:
        return act_cursor_descend_until_max_bytes(cursor, n, NULL);
    case 9:
        return act_cursor_ascend(cursor, n, NULL);
    case 10:
        return act_cursor_descend_first_k_path(cursor, n % 8, NULL);
    default:
        return act_cursor_to_next_k_path(cursor, n % 8, NULL);
    }
}

static act_status move_alone(act_cursor *cursor, unsigned move)
{
    switch (move) {
    case 12:
        return act_cursor_descend_first_byte(cursor, NULL);
    case 13:
        return act_cursor_descend_last_byte(cursor, NULL);
    case 14:
        return act_cursor_descend_until(cursor, NULL);
    case 15:
        return act_cursor_descend_last_path(cursor, NULL);
    case 16:
        return act_cursor_ascend_byte(cursor, NULL);
    case 17:
        return act_cursor_ascend_until(cursor, NULL);
    case 18:
        return act_cursor_ascend_until_branch(cursor, NULL);
    case 19:
        return act_cursor_to_next_sibling_byte(cursor, NULL);
    case 20:
        return act_cursor_to_prev_sibling_byte(cursor, NULL);
    case 21:
        return act_cursor_to_next_step(cursor, NULL);
    case 22:
        return act_cursor_to_next_val(cursor, NULL);
    default:
        act_cursor_reset(cursor);
        return ACT_OK;
    }
}

/* A fork takes the place of the cursor, and stands where it stood. */
static void fork_cursor(struct walk *walk)
{
    act_cursor *fork;
    size_t nbytes, fork_nbytes;
    if (act_cursor_fork(walk->cursor, &fork, NULL) != ACT_OK)
        abort();
    const uint8_t *path = act_cursor_path(walk->cursor, &nbytes);
    const uint8_t *fork_path = act_cursor_path(fork, &fork_nbytes);
    FUZZ_EXPECT(nbytes == fork_nbytes && (nbytes == 0 || memcmp(path, fork_path, nbytes) == 0));
    act_cursor_close(walk->cursor);
    walk->cursor = fork;
}

static void run_moves(struct walk *walk, struct script *script)
{
    for (unsigned i = 0; i < MOVES_MAX && script->nbytes > 0; i++) {
        unsigned move = next_byte(script) % 26;
        act_status status = ACT_OK;
        uint64_t count;
        if (move < 5)
            status = move_along(walk->cursor, move, script);
        else if (move < 12)
            status = move_by(walk->cursor, move, next_byte(script));
        else if (move < 24)
            status = move_alone(walk->cursor, move);
        else if (move == 24)
            fork_cursor(walk);
        else if (walk->countable)
            status = act_cursor_val_count(walk->cursor, &count, NULL);
        fuzz_tell(walk->told, (uint64_t)status);
        FUZZ_EXPECT(status == ACT_OK || status == ACT_NOT_FOUND || status == ACT_ERR_LIMIT ||
                    (status == ACT_ERR_CORRUPT && !walk->sound));
        /* After an error it stands at its root; counting moves nothing. */
        if (move < 24 && (status == ACT_ERR_LIMIT || status == ACT_ERR_CORRUPT))
            FUZZ_EXPECT(act_cursor_at_root(walk->cursor));
        check_place(walk);
    }
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    uint8_t *copy;
    struct script script = {.bytes = data};
    script.nbytes = fuzz_script(data, data_nbytes, &script.bytes);
    size_t front_nbytes = (size_t)(script.bytes - data) + script.nbytes;
    act_map *map = fuzz_open(data, data_nbytes, front_nbytes, &copy);
    if (map) {
        struct walk walk = {.map = map, .told = told};
        act_map_info info;
        walk.sound = act_map_get_info(map, NULL, NULL, &info, NULL) == ACT_OK;
        walk.countable = walk.sound && info.keys < COUNTED_MAX;
        walk.root = next_bytes(&script, 8, &walk.root_nbytes);
        act_status status = act_cursor_open(map, walk.root, walk.root_nbytes, &walk.cursor, NULL);
        FUZZ_EXPECT(status == ACT_OK || status == ACT_ERR_CORRUPT || status == ACT_ERR_LIMIT);
        FUZZ_EXPECT(status == ACT_OK || !walk.sound);
        if (status == ACT_OK) {
            check_place(&walk);
            run_moves(&walk, &script);
            act_cursor_close(walk.cursor);
        }
    }
    act_map_close(map);
    free(copy);
}
