/*
 * Salvaging what can be read from a damaged file. Included by actree.h, whose conventions hold here
 * too.
 *
 * A repair reads the entries of a file one by one, as far as they can be read, and builds a new
 * file of them; the damaged one is not changed. It decides as follows what can be read:
 *
 * - In an indexed file nothing is taken from bytes that do not match their checksum: no key, no
 *   value, no way to others. So what comes out was in the file, and a block that is damaged loses
 *   what lies in it and what is reached through it.
 * - In any file, a node that breaks a rule of the format loses what is below it. Its siblings are
 *   kept, as far as it is known where they lie: those after a node whose length cannot be told are
 *   found by the run's jump table, where there is one.
 * - In a plain file, damage that reads as other data passes: a changed value, or a changed letter,
 *   is taken for what it seems to be. Nothing there tells.
 * - The root is the one that the header names; where that is unreadable, the newest that can be
 *   read of those that the file's index, the ends of merges and the history tell of. What was
 *   merged after it is lost then, and what it had changed is as it was before.
 */
#ifndef ACTREE_REPAIR_H
#define ACTREE_REPAIR_H

#ifndef ACTREE_H
#error "include actree.h"
#endif

/* Bytes of the damaged file that do not match their checksum. */
typedef struct act_bad_block {
    uint64_t offset;
    uint64_t nbytes;
} act_bad_block;

/* Keys that could not be salvaged: all those in [first, end) that there were. */
typedef struct act_lost_keys {
    uint64_t offset;      /* of the node, or of the bad block, that stands between */
    act_rule rule;        /* that is broken there; ACT_RULE_NONE: the keys exceed key_nbytes_max */
    const uint8_t *first; /* valid during the call, as `end` is */
    size_t first_nbytes;
    const uint8_t *end; /* NULL: all keys from `first` on */
    size_t end_nbytes;
} act_lost_keys;

/*
 * Told of each bad block, in the order of the file, before anything is built; and of lost keys, in
 * byte order, while the new file is. Ranges with nothing salvaged between them and one cause are
 * told as one. Anything but 0 stops the repair: ACT_STOPPED.
 */
typedef int (*act_bad_block_fn)(void *context, const act_bad_block *block);
typedef int (*act_lost_keys_fn)(void *context, const act_lost_keys *lost);

/* Options of repairing. All-zero bytes, or a NULL pointer, mean the defaults. */
typedef struct act_repair_options {
    act_builder_options build; /* of the new file */
    /* Take what lies in blocks whose checksum fails too, where it has the form of nodes: some of it
     * may be false. */
    bool unchecked;
    act_guard guard; /* of the damaged file, while it is read */
    /* Keys longer than this are lost. 0: ACT_KEY_NBYTES_MAX_DEFAULT. */
    uint64_t key_nbytes_max;
    /* The most steps that reading all entries may take, one for each node, and for each 64 bytes of
     * a key: a file of 1 kB can stand for 2^64 keys. Beyond it nothing is written, and the answer
     * is ACT_ERR_LIMIT. 0: ACT_REPAIR_STEPS_DEFAULT, and 64 for each byte of the file. */
    uint64_t steps_max;
    act_bad_block_fn on_bad_block; /* may be NULL, as those that follow */
    act_lost_keys_fn on_lost_keys;
    void *context;
    act_progress_fn progress; /* steps: first of verifying, then of reading twice */
    void *progress_context;
} act_repair_options;

#define ACT_REPAIR_STEPS_DEFAULT ((uint64_t)1 << 27)

/* What a repair found and did. */
typedef struct act_repair_report {
    bool damaged;            /* the file breaks a rule: nothing may have been lost all the same */
    act_error damage;        /* which, as act_map_open or act_map_verify told it */
    act_rule broken_rule;    /* ACT_RULE_NONE if it was told when opening */
    bool checksummed;        /* there are checksums, and they were heeded */
    uint64_t bad_blocks;     /* how many do not match, whether or not they were heeded */
    uint64_t bad_nbytes;     /* how large they are together */
    uint64_t root;           /* where the salvaged tree begins */
    bool root_is_former;     /* not the newest: what was merged after it is lost */
    uint64_t lost_nbytes;    /* of the file, after the end of that tree */
    uint64_t keys;           /* salvaged */
    uint64_t dangling_paths; /* paths without a value, salvaged */
    uint64_t lost_ranges;    /* as told to on_lost_keys */
    act_build_report built;
} act_repair_report;

/*
 * Salvages what can be read of the file at `path` into a new file at `out_path`, which is written
 * as a builder does it: whole, synced and renamed, or not at all. A file without damage gives one
 * with equal content. `path` is never written to.
 *
 * ACT_OK: the new file is there, and the report says what it lacks. `*report_ret` is filled as far
 * as the repair came also when it fails. Errors: ACT_ERR_INVALID (also when both paths lead to the
 * same file); ACT_ERR_CORRUPT, ACT_ERR_TRUNCATED, ACT_ERR_FORMAT: no root can be found, nothing is
 * written; ACT_ERR_LIMIT; ACT_STOPPED; those of reading the file, and of building. A file on a
 * device that cannot be read in places is to be copied first, by a program made for that.
 */
ACT_API act_status act_repair(const char *path, const char *out_path,
                              const act_repair_options *options, act_repair_report *report_ret,
                              act_error *error);

#endif /* ACTREE_REPAIR_H */
