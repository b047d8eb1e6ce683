/*
 * The table of the line data that a file already holds, so that none is written twice.
 *
 * Equal means equal byte for byte; a hash that two lines share must not make them one. Lines of up
 * to 7 bytes have hashes that no two of them share, so that the hash is all that is kept of them.
 * Of a longer line the contents are kept and compared.
 *
 * Memory for each different line: 16 bytes for a slot of a table that is between 3/8 and 3/4
 * full, so 21 to 43; and for a longer line 9 bytes (17 at most) and its own. While the table
 * grows, the old slots are there beside the new ones.
 */
#ifndef ACT_BUILD_LINES_H
#define ACT_BUILD_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "actree.h"
#include "base/attributes.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "os/allowance.h"

enum {
    /* So many bytes after a line must be readable. */
    ACT_LINE_SLACK_NBYTES = 16,
    ACT_LINE_SHORT_NBYTES = 7
};

/* Copies a line to where ACT_LINE_SLACK_NBYTES more may be written: most are short, and then a copy
 * of a fixed length is the faster one. */
static inline void act_copy_line(uint8_t *to, const uint8_t *line, size_t nbytes)
{
    if (ACT_LIKELY(nbytes <= ACT_LINE_SLACK_NBYTES))
        memcpy(to, line, ACT_LINE_SLACK_NBYTES);
    else
        memcpy(to, line, nbytes);
}

/* In a slot's `place`: the rest is the id of a short line, not where in the store a line is. */
#define ACT_LINE_SHORT_BIT ((uint64_t)1 << 63)

struct act_line_slot {
    uint64_t hash;
    uint64_t place; /* 0 in an empty slot */
};

struct act_lines {
    /*
     * 1 << (64 - shift) slots, probed in order from the one that the hash's top bits name: so the
     * slots, and the growing, go through memory in the order of the hashes.
     */
    struct act_line_slot *slots;
    unsigned shift;
    size_t count;
    size_t count_max; /* until it must grow */
    uint64_t seed;    /* of the hashes, so that nobody can make many lines fall together */

    /* The longer lines: id, u64 in the machine's order; length, varint; bytes. */
    uint8_t *store;
    size_t store_used;
    size_t store_capacity;
    struct act_os_allowance allowance;
};

/* Makes an empty table. False when there is no memory. */
bool act_lines_open(struct act_lines *lines, uint64_t seed);

/* Frees it; all-zero bytes are allowed. */
void act_lines_close(struct act_lines *lines);

/* Makes room for `count` more lines. False when there is no memory: the table is as it was. */
bool act_lines_reserve(struct act_lines *lines, size_t count);

/* Says that there is no memory for more. Returns ACT_ERR_NOMEM. */
act_status act_lines_fail_nomem(const struct act_lines *lines, act_error *error);

/* The hash of a line, of at least 1 byte. */
static inline uint64_t act_lines_hash(const struct act_lines *lines, const uint8_t *bytes,
                                      size_t nbytes)
{
    if (nbytes > ACT_LINE_SHORT_NBYTES)
        return act_hash64(bytes, nbytes, lines->seed);
    /* The bytes and their number as one number; then steps that could all be taken back: the
     * finisher of MurmurHash3. */
    uint64_t v = act_load_le64(bytes) << (64 - 8 * nbytes) >> (56 - 8 * nbytes) | nbytes;
    v ^= lines->seed;
    v = (v ^ v >> 33) * 0xff51afd7ed558ccdu;
    v = (v ^ v >> 33) * 0xc4ceb9fe1a85ec53u;
    return v ^ v >> 33;
}

static inline struct act_line_slot *act_lines_home(const struct act_lines *lines, uint64_t hash)
{
    return lines->slots + (hash >> lines->shift);
}

/* Asks for the memory that act_lines_find will touch first; then for what that leads to. */
static inline void act_lines_prefetch_slot(const struct act_lines *lines, uint64_t hash)
{
    ACT_PREFETCH(act_lines_home(lines, hash));
}

static inline void act_lines_prefetch_stored(const struct act_lines *lines, uint64_t hash)
{
    const struct act_line_slot *slot = act_lines_home(lines, hash);
    if (slot->hash == hash)
        ACT_PREFETCH(lines->store + (slot->place & ~ACT_LINE_SHORT_BIT));
}

/*
 * Looks for a line, with its hash. Returns the id, or 0 if it is not there; then `*slot_ret` is
 * where act_lines_add, called next, will put it.
 */
uint64_t act_lines_find(const struct act_lines *lines, uint64_t hash, const uint8_t *bytes,
                        size_t nbytes, struct act_line_slot **slot_ret);

/*
 * Adds a line which act_lines_find has just missed, after act_lines_reserve. Its id is not 0.
 * False when there is no memory for its bytes: the table is as it was.
 */
bool act_lines_add(struct act_lines *lines, struct act_line_slot *slot, uint64_t hash,
                   const uint8_t *bytes, size_t nbytes, uint64_t id);

#endif
