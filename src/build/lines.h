/*
 * The table of the line data that a file already holds, so that none is written twice.
 *
 * Equal means equal byte for byte; hashes only find candidates. So the table keeps the contents.
 * Memory for each different line, beside its bytes: 9 bytes before them (17 at most, for very long
 * lines), and 16 for a slot of a table that is between 3/8 and 3/4 full, 21 to 43: 30 to 52 in
 * all. While the table grows, the old slots are there beside the new ones.
 */
#ifndef ACT_BUILD_LINES_H
#define ACT_BUILD_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"

struct act_line_slot {
    uint64_t hash;
    uint64_t entry; /* where in the store; 0 for an empty slot */
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

    /* Entries: the line's id, u64 in the machine's order; its length, varint; its bytes. */
    uint8_t *store;
    size_t store_used;
    size_t store_capacity;
};

/* Makes an empty table. False when there is no memory. */
bool act_lines_open(struct act_lines *lines);

/* Frees it; all-zero bytes are allowed. */
void act_lines_close(struct act_lines *lines);

/* Makes room for `count` more lines. False when there is no memory: the table is as it was. */
bool act_lines_reserve(struct act_lines *lines, size_t count);

static inline struct act_line_slot *act_lines_home(const struct act_lines *lines, uint64_t hash)
{
    return lines->slots + (hash >> lines->shift);
}

/* Asks for the memory that act_lines_find will touch first; then for what that leads to. */
static inline void act_lines_prefetch_slot(const struct act_lines *lines, uint64_t hash)
{
    ACT_PREFETCH(act_lines_home(lines, hash));
}

static inline void act_lines_prefetch_entry(const struct act_lines *lines, uint64_t hash)
{
    const struct act_line_slot *slot = act_lines_home(lines, hash);
    if (slot->hash == hash)
        ACT_PREFETCH(lines->store + slot->entry);
}

/*
 * Looks for a line. `hash` must be a function of its bytes. Returns the id, or 0 if it is not
 * there; then `*slot_ret` is where act_lines_add, called next, will put it.
 */
uint64_t act_lines_find(const struct act_lines *lines, uint64_t hash, const uint8_t *bytes,
                        size_t nbytes, struct act_line_slot **slot_ret);

/*
 * Adds a line which act_lines_find has just missed, after act_lines_reserve. False when there is
 * no memory for its bytes: the table is as it was.
 */
bool act_lines_add(struct act_lines *lines, struct act_line_slot *slot, uint64_t hash,
                   const uint8_t *bytes, size_t nbytes, uint64_t id);

#endif
