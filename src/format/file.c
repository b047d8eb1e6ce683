#include "format/file.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"

act_status act_file_check(const uint8_t *bytes, uint64_t file_nbytes, const char *name,
                          uint64_t *root_ret, act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    act_quote(quoted, name, strlen(name));
    size_t magic_nbytes = file_nbytes < ACT_MAGIC_NBYTES ? (size_t)file_nbytes : ACT_MAGIC_NBYTES;
    if (magic_nbytes && memcmp(bytes, ACT_MAGIC, magic_nbytes) != 0)
        return act_fail(error, ACT_ERR_FORMAT, 0,
                        "%s is not an ACTree03 file: it does not begin with \"%s\"", quoted,
                        ACT_MAGIC);
    if (file_nbytes < ACT_FILE_NBYTES_MIN)
        return act_fail(error, ACT_ERR_TRUNCATED, file_nbytes,
                        "%s has %u bytes; an ACTree03 file has %d at least", quoted,
                        (unsigned)file_nbytes, ACT_FILE_NBYTES_MIN);

    uint64_t root = act_load_le64(bytes + ACT_ROOT_OFF);
    struct act_arena arena = act_arena_of(bytes, file_nbytes, 0);
    if (root < ACT_ARENA_OFF || root >= arena.tail)
        return act_fail(error, ACT_ERR_CORRUPT, ACT_ROOT_OFF,
                        "%s is damaged or cut short: root offset %llu lies outside of its nodes",
                        quoted, (unsigned long long)root);
    struct act_node node;
    if (!act_node_decode(&arena, root, &node))
        return act_fail(error, ACT_ERR_CORRUPT, root,
                        "%s is damaged or cut short: its root node at offset %llu runs past the "
                        "end",
                        quoted, (unsigned long long)root);
    *root_ret = root;
    return ACT_OK;
}

bool act_trailer_read(const uint8_t *bytes, uint64_t file_nbytes, struct act_trailer *trailer_ret)
{
    const uint8_t *trailer = bytes + file_nbytes - ACT_TRAILER_NBYTES;
    trailer_ret->previous_trailer = act_load_le64(trailer);
    trailer_ret->previous_root = act_load_le64(trailer + 8);
    return trailer_ret->previous_root != 0;
}
