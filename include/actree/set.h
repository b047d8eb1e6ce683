/*
 * Sets: several files, split by ranges of keys, used as one map. Included by actree.h, whose
 * conventions hold here too.
 *
 * A set is a small text file, the manifest, which names its parts: files beside it, or in folders
 * below its own. Each part holds the keys from its lowest key up to the next part's, so every key
 * has one part where it may be. docs/SETS.md describes the manifest.
 *
 * Opening a set reads the manifest and nothing else. A part is opened when it is first needed, and
 * then it must be the file that the set was made with: one of another size or root, or with keys
 * beyond its range, is refused with ACT_ERR_CORRUPT, and a part that is not there with ACT_ERR_IO.
 * Such errors name the part, come from each call that needs it, and are gone when the file is
 * right again; calls that need other parts only are not touched by them.
 *
 * Any number of threads may use a set at once. Lookups and scans lock nothing once the parts that
 * they need are open; only with `max_mapped_nbytes` do they count themselves in and out.
 */
#ifndef ACTREE_SET_H
#define ACTREE_SET_H

#ifndef ACTREE_H
#error "include actree.h"
#endif

/* An open set. */
typedef struct act_set act_set;

/* Options of opening a set. All-zero bytes, or a NULL pointer, mean the defaults. */
typedef struct act_set_options {
    /* For each of the parts; not ACT_POPULATE_PREFIX, no root. A resident budget is one for each.
     * What there is of memory is compared with all parts together, and what is populated or locked
     * of a part is no more than its share of half of that. */
    act_open_options part;
    /*
     * A window for address spaces that are smaller than the set, as those of 32 bits are: before
     * another part is opened, those that were not used for the longest are closed, until the files
     * that are open have no more bytes than this together. Parts that are in use stay open: by a
     * call at work, by an iterator, or until act_set_part_release. So the limit may be exceeded by
     * as many parts as are in use at a time, and by one that is larger by itself; each open part
     * takes up to 2 MiB more of addresses, and an open file of those that the program may have.
     * Where the system has no room for a part, others are closed though the limit is not reached.
     * 0: no limit, and parts stay open.
     */
    uint64_t max_mapped_nbytes;
    /* Opens all parts at once, so that what is wrong with any of them is told now, and that the
     * set goes on with what it opened whatever becomes of the files. Not with a limit. */
    bool open_all;
} act_set_options;

/* The largest manifest that is read, in bytes: some 500,000 parts. */
#define ACT_SET_MANIFEST_NBYTES_MAX ((uint64_t)64 << 20)

/*
 * Opens the set whose manifest is at `path`. Takes time in proportion to the manifest, which is
 * checked as a whole. The path is kept, up to its last slash, for finding the parts: one that is
 * relative is looked for in the folder where the program is when it opens them.
 *
 * On ACT_OK `*set_ret` is the caller's, to be closed by act_set_close; otherwise it is NULL.
 *
 * Errors: ACT_ERR_INVALID, ACT_ERR_NOMEM, ACT_ERR_IO, ACT_ERR_NOT_REGULAR; ACT_ERR_FORMAT (no
 * manifest), ACT_ERR_TRUNCATED (its last line is missing), ACT_ERR_CORRUPT (a rule is broken, with
 * the offset of the line), ACT_ERR_LIMIT (larger than ACT_SET_MANIFEST_NBYTES_MAX). With `open_all`
 * also those of opening parts.
 */
ACT_API act_status act_set_open(const char *path, const act_set_options *options, act_set **set_ret,
                                act_error *error);

/* Closes a set and its parts; NULL is allowed. Its iterators must have been closed before, and its
 * parts released. */
ACT_API void act_set_close(act_set *set);

/* What is known of a set without opening a part. */
typedef struct act_set_stat {
    size_t parts;
    uint64_t entries;     /* of all parts together, as the manifest says */
    uint64_t file_nbytes; /* the same of bytes */
    size_t open_parts;    /* now, as the next */
    uint64_t open_nbytes;
    uint64_t openings; /* times that a part was opened */
} act_set_stat;

/* Fills `*stat_ret`; cannot fail. */
ACT_API void act_set_get_stat(const act_set *set, act_set_stat *stat_ret);

/* --------------------------------------------------------------------------------------- parts */

/* What the manifest says of a part. Pointers are valid as long as the set. */
typedef struct act_set_part {
    const char *name; /* of its file, from the manifest's folder on */
    const void *from; /* its keys are at this one or above; never NULL */
    size_t from_nbytes;
    const void *to; /* and below this one; NULL for the last part */
    size_t to_nbytes;
    uint64_t file_nbytes;
    uint64_t root;
    act_digest content; /* the number of its entries, and their digest */
} act_set_part;

/* How many parts there are: at least one. */
ACT_API size_t act_set_part_count(const act_set *set);

/* Fills `*part_ret` for a part, numbered from 0 in the order of keys. ACT_ERR_INVALID. */
ACT_API act_status act_set_get_part(const act_set *set, size_t part, act_set_part *part_ret,
                                    act_error *error);

/* The part that this key would be in. */
ACT_API size_t act_set_find_part(const act_set *set, const void *key, size_t key_nbytes);

/*
 * The map of a part, opened if it was not, for everything that can be done with a map but closing
 * it. It stays open at least until act_set_part_release, which belongs to each call that succeeded.
 * Errors: those of act_map_open, ACT_ERR_INVALID, ACT_ERR_CORRUPT for a file that is not the part.
 */
ACT_API act_status act_set_part_open(const act_set *set, size_t part, act_map **map_ret,
                                     act_error *error);
ACT_API void act_set_part_release(const act_set *set, size_t part);

/* ------------------------------------------------------------------------------------- lookups */

/*
 * As act_map_get, act_map_path_exists, act_map_longest_prefix and act_map_prefixes. They may also
 * fail as act_set_part_open does. Prefixes of a key may lie in parts before its own, and a path
 * that is no key exists where a later part has keys below it: then those are opened too.
 */
ACT_API act_status act_set_get(const act_set *set, const void *key, size_t key_nbytes,
                               uint64_t *value_ret, act_error *error);
ACT_API act_status act_set_path_exists(const act_set *set, const void *path, size_t path_nbytes,
                                       bool *has_value_ret, act_error *error);
ACT_API act_status act_set_longest_prefix(const act_set *set, const void *key, size_t key_nbytes,
                                          size_t *prefix_nbytes_ret, uint64_t *value_ret,
                                          act_error *error);
ACT_API act_status act_set_prefixes(const act_set *set, const void *key, size_t key_nbytes,
                                    act_prefix_fn visit, void *context, act_error *error);

/*
 * As act_map_get_batch_with: the keys are put together by parts, and each part is asked for its
 * own; the answers are in the caller's order. Some 40 bytes of memory are taken for each key, for
 * up to a million keys at a time. Also ACT_ERR_NOMEM, and the errors of act_set_part_open; after an
 * error both results hold for no key.
 */
ACT_API act_status act_set_get_batch(const act_set *set, const act_slice *keys, size_t count,
                                     uint64_t *values_ret, uint8_t *found_ret,
                                     const act_batch_options *options, act_error *error);

/* ----------------------------------------------------------------------------------- iteration */

/* As act_map_scan and act_map_scan_runs, over the parts one after the other. They may also fail as
 * act_set_part_open does, after the entries of the parts before. */
ACT_API act_status act_set_scan(const act_set *set, const act_range *range, act_visit_fn visit,
                                void *context, act_error *error);
ACT_API act_status act_set_scan_runs(const act_set *set, const act_range *range,
                                     act_visit_run_fn visit, void *context, act_error *error);

/*
 * An iterator over a set: as an act_iter, and each function as the one of act_iter. Its part stays
 * open while it stands in it. Steps and seeks may also fail as act_set_part_open does.
 */
typedef struct act_set_iter act_set_iter;

ACT_API act_status act_set_iter_open(const act_set *set, const act_range *range,
                                     act_set_iter **iter_ret, act_error *error);
ACT_API void act_set_iter_close(act_set_iter *iter);
ACT_API act_status act_set_iter_next(act_set_iter *iter, const uint8_t **key_ret,
                                     size_t *key_nbytes_ret, uint64_t *value_ret, act_error *error);
ACT_API act_status act_set_iter_prev(act_set_iter *iter, const uint8_t **key_ret,
                                     size_t *key_nbytes_ret, uint64_t *value_ret, act_error *error);
ACT_API act_status act_set_iter_seek(act_set_iter *iter, const void *key, size_t key_nbytes,
                                     act_error *error);
ACT_API void act_set_iter_rewind(act_set_iter *iter, bool to_end);

/* -------------------------------------------------------------------------------------- warming */

/*
 * As act_map_warm, for the parts that are concerned: with ACT_WARM_ALL the hot regions of all parts
 * come first, then the rest, part by part; with ACT_WARM_PREFIX the parts that may have such keys.
 * `nbytes_max`, and what there is of memory, is for all of them together, a resident budget for
 * each; when the former is used up, the parts that follow are opened only for what would be wanted
 * of them. Parts that `max_mapped_nbytes` closes again stay in the page cache only. `progress`
 * counts bytes; the total is known for ACT_WARM_ALL.
 *
 * ACT_ERR_INVALID for ACT_WARM_SET: see act_set_warm_restore. Otherwise as act_map_warm, and the
 * errors of act_set_part_open; `state_ret` may be NULL, and tells what was done before an error.
 */
ACT_API act_status act_set_warm(const act_set *set, const act_warm_options *options,
                                act_progress_fn progress, void *context, act_warm_state *state_ret,
                                act_error *error);

/*
 * As act_map_warm_keys: the keys are put together by parts, and each part is warmed up for its own,
 * within the memory that there is for all of them. Takes 24 bytes of memory for each key besides.
 * Also the errors of act_set_part_open.
 */
ACT_API act_status act_set_warm_keys(const act_set *set, const act_slice *keys, size_t count,
                                     act_progress_fn progress, void *context,
                                     act_warm_report *report_ret, act_error *error);

/*
 * Writes a file which says of each part what of it is in the page cache, as act_warm_set_save does
 * for one file, whole or not at all. Opens all parts. Of parts that are read rather than mapped, as
 * small files are, nothing is noted. `info_ret`, which may be NULL, gets the sums of pages, runs
 * and bytes; its root is 0, its page that of the first part.
 *
 * ACT_ERR_INVALID: the system does not tell what is in the page cache. ACT_ERR_NOMEM, ACT_ERR_IO,
 * ACT_ERR_NOT_REGULAR, and the errors of act_set_part_open.
 */
ACT_API act_status act_set_warm_save(const act_set *set, const char *path,
                                     act_warm_set_info *info_ret, act_error *error);

/*
 * Brings in what such a file says, part by part, but no more than `nbytes_max`, which is as in
 * act_warm_options. Nothing in the file is trusted.
 *
 * ACT_ERR_FORMAT, ACT_ERR_TRUNCATED, ACT_ERR_CORRUPT: of the file, as act_warm_set_load has them;
 * ACT_ERR_INVALID: it is of another set, or of this one before it was replaced. These come before
 * anything is read; a part that is another file than was saved, of the same size and root, is told
 * when its turn comes. Otherwise as act_set_warm.
 */
ACT_API act_status act_set_warm_restore(const act_set *set, const char *path, uint64_t nbytes_max,
                                        act_progress_fn progress, void *context,
                                        act_warm_state *state_ret, act_error *error);

/* ------------------------------------------------------------------------- making and checking */

/* A file that is to be a part of a set. */
typedef struct act_set_member {
    const char *name; /* from the manifest's folder on, as in act_set_part */
    const void *from; /* its lowest key, or one below it and above all keys of the one before;
                            for the first part the empty key. May be NULL where it is empty */
    size_t from_nbytes;
} act_set_member;

/* Options of making a set. All-zero bytes, or a NULL pointer, mean the defaults. */
typedef struct act_set_create_options {
    bool no_sync;             /* do not wait until the disk has the manifest */
    act_progress_fn progress; /* may be NULL; it counts entries, the total is not known */
    void *context;            /* of `progress` */
    /* NULL, or the digest that the entries of all parts together must have, as that of the map that
     * they were made of. */
    const act_digest *expected;
} act_set_create_options;

/*
 * Writes the manifest at `path` for files that are there already, in the order of their keys. Each
 * of them is read once, for its number of entries and its digest. Folders are as in act_set_open;
 * `path` appears whole or not at all, as the file of a builder does, and files are not touched.
 *
 * Names must lead downwards: no slash in front, no part of the path that is "." or ".." or empty,
 * and no byte that is 0. No two may be the same.
 *
 * Errors: ACT_ERR_INVALID (no parts, a name that may not be, a first part with a lowest key; keys
 * out of order or beyond a part's range are ACT_ERR_ORDER), ACT_STOPPED, ACT_ERR_CORRUPT where the
 * digest is another one than expected, ACT_ERR_LIMIT (a manifest that is too large), those of
 * opening and scanning maps, and those of act_builder_open.
 */
ACT_API act_status act_set_create(const char *path, const act_set_member *members, size_t count,
                                  const act_set_create_options *options, act_error *error);

/*
 * The digest of all entries, as act_map_digest has it: that of one file with the same entries. May
 * fail as that does, and as act_set_part_open.
 */
ACT_API act_status act_set_digest(const act_set *set, act_progress_fn progress, void *context,
                                  act_digest *digest_ret, act_error *error);

/* What act_set_verify found; filled on ACT_OK and on ACT_ERR_CORRUPT. */
typedef struct act_set_verify_report {
    size_t part;           /* that is damaged; else the number of parts */
    act_verify_report map; /* of the damaged part; else the sums over all parts, and the least
                              soundness */
    bool foreign;          /* the damaged part is sound by itself: it holds other entries. With the
                              number of parts in `part`: each is that of the manifest, but together
                              they hold other entries than the set was made with */
} act_set_verify_report;

/*
 * Checks each part as act_map_verify does, that its entries are those of the manifest, and that
 * those of all parts together are those that the set was made with. Of a manifest of version 1 the
 * latter is not known.
 * `progress` may be NULL; it is called for each part anew, as of act_map_verify. ACT_OK,
 * ACT_STOPPED, ACT_ERR_CORRUPT, ACT_ERR_LIMIT, and errors of act_set_part_open: for a part that
 * cannot be opened because of what it holds these are also told by `part`.
 */
ACT_API act_status act_set_verify(const act_set *set, act_progress_fn progress, void *context,
                                  act_set_verify_report *report_ret, act_error *error);

#endif /* ACTREE_SET_H */
