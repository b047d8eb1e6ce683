/*
 * What was written before: a dictionary of pairs, as in LZ78, that says which things are the same.
 *
 * Whatever is known is a number, its id. A thing is described by pairs, each made of the id of what
 * came before and up to 8 bytes more, or another id; a pair that was met before has the id that it
 * had then. So two things have one id only if they are equal byte for byte, and no hash decides.
 * Ids are never given twice: of a pair that had to make room nothing is known any more, and if it
 * comes again, it is new.
 *
 * Nothing is forgotten as long as memory allows, for a subtree can be known only if all of it is.
 * Then there are two generations, each with half of the memory. What is asked for moves to the
 * young one; when that is full, it becomes the old one, and what was left in that is forgotten. So
 * the pairs that stay are those that were asked for last.
 */
#ifndef ACT_BUILD_SHARE_H
#define ACT_BUILD_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes pairs of different kinds different; beside it, an id has 60 bits. */
enum act_share_kind {
    ACT_SHARE_BRANCH = 0, /* of the id of the children, or 0; and how many, which, the value */
    ACT_SHARE_VALUE = 1,  /* a value that did not fit there */
    ACT_SHARE_BYTES = 2,  /* more child bytes */
    ACT_SHARE_LINE = 3,   /* of what a line leads to; and its bytes, the last ones first */
    ACT_SHARE_LONG = 4,   /* of what a line leads to; and where its data is in the file */
    ACT_SHARE_RUN = 5     /* of siblings; and the next one */
};

struct act_share {
    uint64_t left; /* the kind in its top bits */
    uint64_t right;
    uint64_t id;    /* 0 in an empty slot */
    uint64_t place; /* where in the file it was written last; 0: it was not, or not in one piece */
};

/* A hash table; three quarters of the slots may be used. */
struct act_share_table {
    struct act_share *slots; /* probed in order from the one that the hash's top bits name */
    size_t count;
};

struct act_shares {
    struct act_share_table young;
    struct act_share_table old; /* of the same size, or none yet */
    unsigned shift;             /* 1 << (64 - shift) slots in each */
    unsigned shift_min;
    uint64_t last_id;
    uint64_t last_id_old; /* when the old one was filled: what has a larger id is not in it */
};

/* Makes an empty table that will take at most `nbytes` of memory, but a few slots at least. False
 * when there is no memory. */
bool act_shares_open(struct act_shares *shares, uint64_t nbytes);

/* Frees it; all-zero bytes are allowed. */
void act_shares_close(struct act_shares *shares);

/* Makes room for `count` more pairs, so that none has to be forgotten for them, as far as the limit
 * allows. False when there is no memory: the table is as it was. */
bool act_shares_reserve(struct act_shares *shares, size_t count);

/* The pair, or NULL if it is not known. Valid until the next call. */
struct act_share *act_shares_find(struct act_shares *shares, enum act_share_kind kind,
                                  uint64_t left, uint64_t right);

/* The pair, which is known from now on; act_shares_reserve must have made room. Valid until the
 * next call. */
struct act_share *act_shares_put(struct act_shares *shares, enum act_share_kind kind, uint64_t left,
                                 uint64_t right);

/* Asks for the memory that the pair will be looked for in. */
void act_shares_prefetch(const struct act_shares *shares, enum act_share_kind kind, uint64_t left,
                         uint64_t right);

/* The pair that another one was a copy of, known again if it was forgotten. As act_shares_put. */
struct act_share *act_shares_again(struct act_shares *shares, const struct act_share *share);

#endif
