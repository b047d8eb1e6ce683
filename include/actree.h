/*
 * actree - ordered maps from byte strings to u64, in one memory-mapped file
 *
 * Reads and writes ACTree03 files, the compact tries of the Rust crate `pathmap`. A file is
 * opened in constant time, may be larger than memory, and is shared by any number of threads
 * and processes. Longer than 600 lines because it is the whole interface, with the contract of
 * each function at its prototype.
 *
 * Conventions that hold for every function here:
 *
 *  - Keys and paths are any bytes, given as pointer and length; the empty key is a key. A pointer
 *    may be NULL where its length is 0.
 *  - A function that can fail returns an `act_status`: ACT_OK, an answer (ACT_NOT_FOUND, ACT_END,
 *    ACT_STOPPED), or an error. Results behind a `_ret` pointer are written only on ACT_OK, unless
 *    it says otherwise. A `_ret` pointer may be NULL where the caller does not want the result,
 *    except for handles.
 *  - `error`, always last, may be NULL. When a function returns an error (not an answer), it
 *    fills `*error`; otherwise it leaves it as it was.
 *  - The bytes of a file are never trusted. Whatever a file holds, reading it is memory-safe and
 *    every call ends; the worst answer is ACT_ERR_CORRUPT with an offset, or ACT_ERR_LIMIT for a
 *    legal file of unreasonable shape. `act_map_verify` finds damage that reads as other data.
 *  - One danger remains for a mapped file: if another program truncates it, or the device fails,
 *    the system sends SIGBUS to whoever touches the lost pages. Replace files by rename, as this
 *    library's builder does, or open them with a guard (actree/guard.h), which makes it ACT_ERR_IO,
 *    or with ACT_ACCESS_READ.
 *  - The library prints nothing, keeps no global state, and handles no signals; but with
 *    ACT_GUARD_SIGNAL, and only then, it has a handler for SIGBUS, and knows what it guards. It
 *    starts no threads unless asked to: by an option, or by act_warm_start.
 *
 * Copyright (c) 2026 The actree authors. MIT licence.
 */
#ifndef ACTREE_H
#define ACTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) && !defined(ACT_STATIC)
#ifdef ACT_BUILDING
#define ACT_API __declspec(dllexport)
#else
#define ACT_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define ACT_API __attribute__((visibility("default")))
#else
#define ACT_API
#endif

/* ---------------------------------------------------------------------------------- version */

#define ACT_VERSION_MAJOR  0
#define ACT_VERSION_MINOR  1
#define ACT_VERSION_PATCH  0
#define ACT_VERSION_STRING "0.1.0"

/* The version of the library in use, as "MAJOR.MINOR.PATCH"; a static string. */
ACT_API const char *act_version(void);

/* ------------------------------------------------------------------------- status and errors */

/*
 * What a call came to. The numbers are stable: new ones are only added.
 * 0 success; 1..15 answers; 16..31 the caller's mistake; 32..47 the system; 48..63 the file.
 */
typedef enum act_status {
    ACT_OK = 0,

    ACT_NOT_FOUND = 1, /* no such key or path; a cursor could not make that move */
    ACT_END = 2,       /* an iteration has no more entries */
    ACT_STOPPED = 3,   /* a callback asked to stop */

    ACT_ERR_INVALID = 16,   /* an argument that makes no sense: a NULL handle, an unknown option */
    ACT_ERR_ORDER = 17,     /* a builder was given a key that is not above the one before */
    ACT_ERR_DUPLICATE = 18, /* a key was given twice where that was forbidden */
    ACT_ERR_LIMIT = 19,     /* a limit: key length, steps (act_open_options), locked memory */
    ACT_ERR_OVERFLOW = 20,  /* a sum of values is above 2^64 - 1 */

    ACT_ERR_NOMEM = 32,       /* out of memory, or of address space */
    ACT_ERR_IO = 33,          /* a system call failed; `os_code` is its errno */
    ACT_ERR_NOT_REGULAR = 34, /* a directory, pipe or device where a file is wanted */
    ACT_ERR_LOCKED = 35,      /* another writer has the file (actree/merge.h) */

    ACT_ERR_FORMAT = 48,    /* not an ACTree03 file */
    ACT_ERR_TRUNCATED = 49, /* starts like an ACTree03 file, but is too short to be one */
    ACT_ERR_CORRUPT = 50    /* a rule of the format is broken */
} act_status;

#define ACT_ERROR_TEXT_NBYTES 256

/* `offset` when an error has no place in a file. */
#define ACT_NO_OFFSET UINT64_MAX

/* More about an error; the caller's own, so that threads never share one. */
typedef struct act_error {
    act_status status;
    int os_code;     /* errno, or 0 */
    uint64_t offset; /* where in the file, or ACT_NO_OFFSET */
    /* One line without a full stop, NUL-terminated: what happened, to which file or key. Bytes
     * outside printable ASCII are escaped; long keys and paths are shortened. */
    char text[ACT_ERROR_TEXT_NBYTES];
} act_error;

/* A short description of any status, also of unknown ones; a static string, never NULL. */
ACT_API const char *act_strerror(act_status status);

/* -------------------------------------------------------------------------------- opening maps */

/* An open map; its options; how it is opened and closed, and what is known of it at once. */
#include "actree/open.h"

/* Files that change while they are read. */
#include "actree/guard.h"

/* ------------------------------------------------------------------------------------- lookups */

/*
 * The value of a key. ACT_OK, or ACT_NOT_FOUND, or ACT_ERR_CORRUPT. Takes no locks and allocates
 * nothing; but after some thousand lookups in an indexed file, one call, single or batch, makes a
 * table of shortcuts in half a megabyte and a few milliseconds, if there is memory for it.
 */
ACT_API act_status act_map_get(const act_map *map, const void *key, size_t key_nbytes,
                               uint64_t *value_ret, act_error *error);

/* Some bytes of the caller's. `bytes` may be NULL where `nbytes` is 0. */
typedef struct act_slice {
    const void *bytes;
    size_t nbytes;
} act_slice;

/*
 * The values of many keys, in any order, the same key as often as one likes. They are looked up 64
 * at a time, so that while one waits for memory others go on: give as many as there are, a hundred
 * or more for it to matter. Sorting them beforehand is not needed.
 *
 * `found_ret` is a bitmap of `count` bits, (count + 7) / 8 bytes: bit i % 8 of byte i / 8 says
 * whether key i is there; bits beyond `count` are 0. `values_ret` has `count` values, 0 where the
 * key is not there. Either may be NULL: without `values_ret` only existence is asked for.
 *
 * Pages of an indexed file that turn out not to be in memory are read many at a time: give a
 * thousand keys and more, where they are likely to come from a disk.
 *
 * ACT_OK, also when no key is found. After ACT_ERR_CORRUPT, with the offset of the damage met by
 * the first key that met any, both results hold for no key. Takes no locks.
 */
ACT_API act_status act_map_get_batch(const act_map *map, const act_slice *keys, size_t count,
                                     uint64_t *values_ret, uint8_t *found_ret, act_error *error);

/* What is done about pages that are not in memory. */
typedef enum act_fetch_mode {
    /* Those of the keys to come are read together, sorted by where they lie in the file, as soon
     * as keys are seen to wait for the disk. */
    ACT_FETCH_AUTO = 0,
    ACT_FETCH_NEVER = 1, /* each key waits for its own, when it comes to it */
    ACT_FETCH_ALWAYS = 2 /* as the first, from the first key on, whether it is needed or not */
} act_fetch_mode;

/* How a batch is looked up. All-zero bytes, or a NULL pointer, mean the defaults. */
typedef struct act_batch_options {
    /* How many threads to use at most, the caller's included; 0 is 1. No more than 64 are used,
     * and no more than one for each 1,024 keys. They last as long as the call. */
    unsigned threads;
    act_fetch_mode fetch;
} act_batch_options;

/*
 * act_map_get_batch with options. With threads some memory is allocated; where there is none, or
 * no thread to be had, the caller's thread does their part. Errors: as above, and
 * ACT_ERR_INVALID for an unknown way to fetch.
 */
ACT_API act_status act_map_get_batch_with(const act_map *map, const act_slice *keys, size_t count,
                                          uint64_t *values_ret, uint8_t *found_ret,
                                          const act_batch_options *options, act_error *error);

/*
 * Whether a path exists: as a key, as a proper prefix of one, or as a path without a value that
 * the file keeps. ACT_OK if so; then `*has_value_ret` tells whether it is a key. Otherwise
 * ACT_NOT_FOUND, or ACT_ERR_CORRUPT.
 */
ACT_API act_status act_map_path_exists(const act_map *map, const void *path, size_t path_nbytes,
                                       bool *has_value_ret, act_error *error);

/*
 * The longest prefix of `key`, itself and the empty one included, that is a key of the map: its
 * length and value. ACT_OK, ACT_NOT_FOUND if there is none, or ACT_ERR_CORRUPT.
 */
ACT_API act_status act_map_longest_prefix(const act_map *map, const void *key, size_t key_nbytes,
                                          size_t *prefix_nbytes_ret, uint64_t *value_ret,
                                          act_error *error);

/* Called for each prefix found; anything but 0 stops the search. */
typedef int (*act_prefix_fn)(void *context, size_t prefix_nbytes, uint64_t value);

/*
 * Calls `visit` for every prefix of `key` that is a key of the map, shortest first. ACT_OK when
 * all were visited, be it none; ACT_STOPPED; or ACT_ERR_CORRUPT, after those before the damage.
 */
ACT_API act_status act_map_prefixes(const act_map *map, const void *key, size_t key_nbytes,
                                    act_prefix_fn visit, void *context, act_error *error);

/* ----------------------------------------------------------------------------------- iteration */

/* Ranges; scans by entries, by runs, on several threads. */
#include "actree/scan.h"

/*
 * An iterator stands between entries. `next` and `prev` step over one and give it, so that a
 * `prev` after a `next` gives the same entry again. Used by one thread at a time.
 */
typedef struct act_iter act_iter;

/*
 * Opens an iterator, before the first entry of the range in the range's order. The bounds are
 * copied. On ACT_OK `*iter_ret` is the caller's, to be closed by act_iter_close before the map.
 * Errors: ACT_ERR_INVALID, ACT_ERR_NOMEM.
 */
ACT_API act_status act_iter_open(const act_map *map, const act_range *range, act_iter **iter_ret,
                                 act_error *error);

/* Closes an iterator; NULL is allowed. */
ACT_API void act_iter_close(act_iter *iter);

/*
 * Steps over the next entry, in the order of the range. The key stays valid until the next call
 * with this iterator. ACT_OK; ACT_END, again and again, when there is none or the limit is used
 * up; ACT_ERR_CORRUPT, ACT_ERR_LIMIT, ACT_ERR_NOMEM: the iterator stays in error until a seek.
 */
ACT_API act_status act_iter_next(act_iter *iter, const uint8_t **key_ret, size_t *key_nbytes_ret,
                                 uint64_t *value_ret, act_error *error);

/* The same against the order of the range. Entries given back this way free their share of the
 * limit. */
ACT_API act_status act_iter_prev(act_iter *iter, const uint8_t **key_ret, size_t *key_nbytes_ret,
                                 uint64_t *value_ret, act_error *error);

/*
 * Moves before the first entry, in the order of the range, that is at `key` or after it: the next
 * one given is the first >= key, or in a reverse range the last <= key. Keys outside the range
 * lead to its ends. The limit counts anew. ACT_OK also when nothing follows; ACT_ERR_CORRUPT,
 * ACT_ERR_LIMIT, ACT_ERR_NOMEM.
 */
ACT_API act_status act_iter_seek(act_iter *iter, const void *key, size_t key_nbytes,
                                 act_error *error);

/* Moves to the start (`false`) or the end (`true`) of the range, in its order. Cannot fail. */
ACT_API void act_iter_rewind(act_iter *iter, bool to_end);

/* ------------------------------------------------------------------------------------- cursors */

/*
 * A cursor stands on a path and moves over the tree byte by byte (a zipper). The path is relative
 * to the cursor's root and need not exist in the map: one can descend anywhere. Used by one
 * thread at a time; fork it for another.
 *
 * Moves return ACT_OK when they succeeded, ACT_NOT_FOUND when that move could not be made, and
 * ACT_ERR_CORRUPT, ACT_ERR_LIMIT or ACT_ERR_NOMEM otherwise; after an error the cursor stands at
 * its root, ready for other moves. Where nothing else is said, a move that could not be made leaves
 * the cursor where it was.
 *
 * The limits are those of act_open_options: `key_nbytes_max` for the cursor's root and path
 * together, `steps_max` for each call that searches (to_next_val, the k_paths) or goes down an
 * unknown way (descend_until, descend_last_path), where 256 bytes of a path at a time count as a
 * node too. Memory grows with the path and the nodes on it.
 *
 * Bytes given to a call must not lie in the cursor's own path: they would move while being read.
 */
typedef struct act_cursor act_cursor;

/*
 * Opens a cursor whose root is the given path, existing or not, and which stands there. On ACT_OK
 * `*cursor_ret` is the caller's, to be closed by act_cursor_close before the map; otherwise it is
 * NULL. Errors: ACT_ERR_INVALID, ACT_ERR_NOMEM, ACT_ERR_LIMIT, ACT_ERR_CORRUPT.
 */
ACT_API act_status act_cursor_open(const act_map *map, const void *root_path, size_t root_nbytes,
                                   act_cursor **cursor_ret, act_error *error);

/*
 * An independent cursor at the same place, with the same root. It may outlive the first one, but
 * not the map. ACT_OK, ACT_ERR_INVALID or ACT_ERR_NOMEM; on errors `*cursor_ret` is NULL.
 */
ACT_API act_status act_cursor_fork(const act_cursor *cursor, act_cursor **cursor_ret,
                                   act_error *error);

/* Closes a cursor; NULL is allowed. */
ACT_API void act_cursor_close(act_cursor *cursor);

/* Where it stands: the path from its root, valid until it moves; never NULL. */
ACT_API const uint8_t *act_cursor_path(const act_cursor *cursor, size_t *path_nbytes_ret);

/* Whether it stands at its root. */
ACT_API bool act_cursor_at_root(const act_cursor *cursor);

/* Whether the path where it stands exists in the map. */
ACT_API bool act_cursor_path_exists(const act_cursor *cursor);

/* Whether the path where it stands is a key. */
ACT_API bool act_cursor_is_val(const act_cursor *cursor);

/* The value where it stands; ACT_OK or ACT_NOT_FOUND; ACT_ERR_IO when a guard does not hold. */
ACT_API act_status act_cursor_value(const act_cursor *cursor, uint64_t *value_ret);

/* The value at a path below, without moving; ACT_OK, ACT_NOT_FOUND, ACT_ERR_CORRUPT. */
ACT_API act_status act_cursor_value_at(const act_cursor *cursor, const void *path,
                                       size_t path_nbytes, uint64_t *value_ret, act_error *error);

/* How many different bytes the existing paths go on with: 0 to 256. */
ACT_API unsigned act_cursor_child_count(const act_cursor *cursor);

/* Those bytes: bit b % 64 of word b / 64 stands for byte b. */
ACT_API void act_cursor_child_mask(const act_cursor *cursor, uint64_t mask_ret[4]);

/*
 * Counts the keys at and below where it stands, up to 2^64 - 1, without moving it. Takes time in
 * proportion to the part of the file that lies below, however many paths lead through it, and no
 * limit applies. ACT_OK, ACT_ERR_CORRUPT, ACT_ERR_NOMEM.
 */
ACT_API act_status act_cursor_val_count(const act_cursor *cursor, uint64_t *count_ret,
                                        act_error *error);

/* Moves to its root. */
ACT_API void act_cursor_reset(act_cursor *cursor);

/* Descends along `path`, whether it exists or not. ACT_OK. */
ACT_API act_status act_cursor_descend_to(act_cursor *cursor, const void *path, size_t path_nbytes,
                                         act_error *error);

/* The same; then ACT_OK if the path where it stands exists, ACT_NOT_FOUND (having moved) if not. */
ACT_API act_status act_cursor_descend_to_check(act_cursor *cursor, const void *path,
                                               size_t path_nbytes, act_error *error);

/* Descends along `path` as far as it exists; how far is the result. ACT_OK, be it 0 bytes. */
ACT_API act_status act_cursor_descend_to_existing(act_cursor *cursor, const void *path,
                                                  size_t path_nbytes, size_t *descended_ret,
                                                  act_error *error);

/* The same, stopping also at the first key on the way below where it stands. */
ACT_API act_status act_cursor_descend_to_val(act_cursor *cursor, const void *path,
                                             size_t path_nbytes, size_t *descended_ret,
                                             act_error *error);

/* Descends one byte, whether that path exists or not. ACT_OK. */
ACT_API act_status act_cursor_descend_to_byte(act_cursor *cursor, uint8_t byte, act_error *error);

/* Descends one byte if that path exists. */
ACT_API act_status act_cursor_descend_to_existing_byte(act_cursor *cursor, uint8_t byte,
                                                       act_error *error);

/* Descends to the child of this index, counted from 0 in byte order. */
ACT_API act_status act_cursor_descend_indexed_byte(act_cursor *cursor, size_t index,
                                                   act_error *error);

/* Descends to the first, or last, child. */
ACT_API act_status act_cursor_descend_first_byte(act_cursor *cursor, act_error *error);
ACT_API act_status act_cursor_descend_last_byte(act_cursor *cursor, act_error *error);

/*
 * Descends by one byte or more to the next key or branch (two children and more) or leaf, while
 * there is exactly one child. ACT_NOT_FOUND where it stands on a branch, a leaf, or outside.
 */
ACT_API act_status act_cursor_descend_until(act_cursor *cursor, act_error *error);

/* The same, by at most `nbytes_max` bytes. */
ACT_API act_status act_cursor_descend_until_max_bytes(act_cursor *cursor, size_t nbytes_max,
                                                      act_error *error);

/* Descends by the last child again and again, to a leaf; ACT_OK if it moved. */
ACT_API act_status act_cursor_descend_last_path(act_cursor *cursor, act_error *error);

/*
 * Moves to `path`, counted from its root, by the shortest way; `*shared_ret` is how many bytes of
 * the path it kept. ACT_OK, whether the path exists or not.
 */
ACT_API act_status act_cursor_move_to_path(act_cursor *cursor, const void *path, size_t path_nbytes,
                                           size_t *shared_ret, act_error *error);

/*
 * Ascends `nbytes`, through existing paths and others alike. If its root is nearer than that, it
 * goes there and the answer is ACT_NOT_FOUND; so it is at its root, even for 0 bytes.
 */
ACT_API act_status act_cursor_ascend(act_cursor *cursor, size_t nbytes, act_error *error);

/* Ascends one byte; ACT_NOT_FOUND at its root. */
ACT_API act_status act_cursor_ascend_byte(act_cursor *cursor, act_error *error);

/*
 * Ascends to the nearest key or branch (two children and more) above, or to its root; ACT_OK if it
 * moved. `_branch`: keys are passed by.
 */
ACT_API act_status act_cursor_ascend_until(act_cursor *cursor, act_error *error);
ACT_API act_status act_cursor_ascend_until_branch(act_cursor *cursor, act_error *error);

/*
 * Replaces the last byte of the path by the next, or previous, one that exists in its place. Its
 * own path need not exist. ACT_NOT_FOUND at its root.
 */
ACT_API act_status act_cursor_to_next_sibling_byte(act_cursor *cursor, act_error *error);
ACT_API act_status act_cursor_to_prev_sibling_byte(act_cursor *cursor, act_error *error);

/*
 * Moves to the next existing path below its root, in depth-first order: that is the byte order of
 * paths, and the path where it stands need not exist. ACT_NOT_FOUND, at its root, at the end.
 */
ACT_API act_status act_cursor_to_next_step(act_cursor *cursor, act_error *error);

/*
 * Moves to the next key in byte order; ACT_NOT_FOUND, standing at its root, at the end. It never
 * stops on its root: ask for that value first.
 */
ACT_API act_status act_cursor_to_next_val(act_cursor *cursor, act_error *error);

/*
 * Descends to the first existing path that is `nbytes` longer; ACT_NOT_FOUND if there is none, or
 * for 0 bytes.
 */
ACT_API act_status act_cursor_descend_first_k_path(act_cursor *cursor, size_t nbytes,
                                                   act_error *error);

/*
 * Moves to the next existing path of the same length that shares all but the last `nbytes` bytes.
 * If there is none, it ascends `nbytes` bytes, to its root at most, and the answer is
 * ACT_NOT_FOUND.
 */
ACT_API act_status act_cursor_to_next_k_path(act_cursor *cursor, size_t nbytes, act_error *error);

/* ------------------------------------------------------------------------------------ building */

/*
 * Called during long work, a few times a second at most: how much of `total` is done, in bytes or
 * entries; `total` 0 means that it is not known. Anything but 0 stops the work: ACT_STOPPED.
 */
typedef int (*act_progress_fn)(void *context, uint64_t done, uint64_t total);

/*
 * A builder writes a file from strictly increasing keys, in memory that grows with the longest
 * key and the widest nodes on the way to it: some 6 MB for an indexed file of usual keys, and a
 * temporary file without a name beside it. For a plain one, or a compact one, it grows with the
 * distinct key tails ("line data") of the file too; and as long as a compact file is hardly smaller
 * than a plain one, that is written beside it.
 * Used by one thread at a time.
 *
 * The file appears at its path whole, or not at all: it is written without a name or under a
 * temporary one in the same folder (".NAME.XXXXXXXX.tmp"), synced, renamed, and the folder is
 * synced. Whatever fails, an older file at that path stays as it was.
 */
typedef struct act_builder act_builder;

/* Options of building. All-zero bytes, or a NULL pointer, mean the defaults. */
typedef struct act_builder_options {
    act_layout layout;
    bool no_sync; /* do not wait for the disk: after a power cut the new file may be damaged */
    /*
     * How many threads may work, the caller's included: parts of the keys are built side by side
     * and joined by the caller's thread, which alone writes. 0 or 1: the caller's alone; more than
     * 8 are not used; other layouts than the indexed one are built on one. Every byte of the file
     * depends on the keys and on whether there are one or several threads, not on how many, nor on
     * what comes first. With several, an error may be told by a later call than the one that caused
     * it. Two take some 25 MB; where that is more than half of what the program may use, fewer
     * parts are built side by side, down to one.
     */
    unsigned threads;
    /* Of a compact file: the most memory for knowing subtrees that were written, at least
     * ACT_SHARE_NBYTES_MIN; a quarter of what the program may use, if that is less. It is taken as
     * it is needed. Beyond it, what was not met again for the longest is forgotten, and written
     * again: the file is larger then. A subtree takes some hundred bytes. 0:
     * ACT_SHARE_NBYTES_DEFAULT. */
    uint64_t share_nbytes;
} act_builder_options;

#define ACT_SHARE_NBYTES_DEFAULT ((uint64_t)64 << 20)
#define ACT_SHARE_NBYTES_MIN     ((uint64_t)4 << 10)

/*
 * Starts a file that is to appear at `path`. A symbolic link there is followed; anything but a
 * regular file is refused. On ACT_OK `*builder_ret` is the caller's, to be closed by
 * act_builder_close. Errors: ACT_ERR_INVALID, ACT_ERR_NOMEM, ACT_ERR_IO, ACT_ERR_NOT_REGULAR.
 */
ACT_API act_status act_builder_open(const char *path, const act_builder_options *options,
                                    act_builder **builder_ret, act_error *error);

/*
 * Adds a key, which must be above the one before: ACT_ERR_ORDER or ACT_ERR_DUPLICATE otherwise,
 * with both keys in `error->text`; the builder stays usable then, without the refused key.
 * ACT_ERR_NOMEM and ACT_ERR_IO are final: only act_builder_close is left.
 */
ACT_API act_status act_builder_add(act_builder *builder, const void *key, size_t key_nbytes,
                                   uint64_t value, act_error *error);

/* Adds a path without a value; otherwise as act_builder_add, in one order with the keys. */
ACT_API act_status act_builder_add_path(act_builder *builder, const void *path, size_t path_nbytes,
                                        act_error *error);

/* What a builder wrote. */
typedef struct act_build_report {
    uint64_t keys;
    uint64_t file_nbytes;
    uint64_t nodes;
    uint64_t lines;        /* line data written */
    uint64_t lines_shared; /* line data found again instead of written */
    uint64_t runs_shared;  /* of a compact file: times that the children of a node, with all below
                              them, were found again instead of written */
} act_build_report;

/*
 * Completes the file and puts it in place. No key at all makes an empty map. After ACT_OK the file
 * is there, and on the disk unless `no_sync`; then, or after an error, only act_builder_close is
 * left. Errors: ACT_ERR_NOMEM, ACT_ERR_IO.
 */
ACT_API act_status act_builder_finish(act_builder *builder, act_build_report *report_ret,
                                      act_error *error);

/* Closes a builder; without act_builder_finish, what was written is thrown away. NULL allowed. */
ACT_API void act_builder_close(act_builder *builder);

/* What to do with a key that comes more than once. */
typedef enum act_duplicates {
    ACT_DUPLICATES_ERROR = 0, /* ACT_ERR_DUPLICATE, naming the key */
    ACT_DUPLICATES_FIRST = 1, /* the value that was added first */
    ACT_DUPLICATES_LAST = 2,
    ACT_DUPLICATES_SUM = 3, /* ACT_ERR_OVERFLOW above 2^64 - 1 */
    ACT_DUPLICATES_MIN = 4,
    ACT_DUPLICATES_MAX = 5
} act_duplicates;

/*
 * A sorter takes entries in any order and gives them back in byte order: in memory, or through
 * temporary files where it was given a limit of memory. These have no names, so that nothing is
 * left of them, however the program ends; a name that a file must have for a moment is lost again
 * before it is written. Used by one thread at a time.
 */
typedef struct act_sorter act_sorter;

/* Options of sorting. All-zero bytes, or a NULL pointer, mean the defaults. */
typedef struct act_sorter_options {
    act_duplicates duplicates;
    /* The most memory for all that the sorter holds, at least ACT_SORTER_MEMORY_NBYTES_MIN; a
     * quarter of what the program may use when it is opened (act_memory_available), if that is
     * less. Beyond it, entries go to temporary files, which take less room than their keys and
     * values do, or up to twice that with little memory, or where later entries are unlike the
     * first ones. Only keys so long that a few of them, or one for each of `threads`, would fill it
     * may exceed it. 0: no limit, and no files. */
    uint64_t memory_nbytes;
    /* The folder of the temporary files; copied. NULL: the one that $TMPDIR names, or /tmp. */
    const char *temp_dir;
    /* How many threads may work, the caller's included. With 2 or more, and a limit of memory,
     * entries are sorted on one thread while others are added, or taken by the caller. 0 or 1: the
     * caller's thread alone. */
    unsigned threads;
} act_sorter_options;

#define ACT_SORTER_MEMORY_NBYTES_MIN ((uint64_t)64 << 10)

/*
 * Opens a sorter, to be closed by act_sorter_close. ACT_ERR_INVALID, also for a limit of memory
 * that is too low; ACT_ERR_NOMEM.
 */
ACT_API act_status act_sorter_open(const act_sorter_options *options, act_sorter **sorter_ret,
                                   act_error *error);

/*
 * Adds an entry; the key is copied. ACT_ERR_NOMEM; ACT_ERR_IO for temporary files, naming their
 * folder; ACT_ERR_INVALID after act_sorter_sort. If there was no memory to hold the entry, the
 * sorter is as it was. Failures with temporary files are final, be it for want of memory: the same
 * is answered to all calls from then on.
 */
ACT_API act_status act_sorter_add(act_sorter *sorter, const void *key, size_t key_nbytes,
                                  uint64_t value, act_error *error);

/*
 * Sorts what was added; nothing can be added any more. `progress` may be NULL; it counts entries,
 * each once for every step that it goes through. ACT_STOPPED: it may be called again, and goes on.
 * ACT_ERR_NOMEM, ACT_ERR_IO: final.
 */
ACT_API act_status act_sorter_sort(act_sorter *sorter, act_progress_fn progress, void *context,
                                   act_error *error);

/*
 * The next entry in order, after act_sorter_sort, one for each different key. The key is valid
 * until the next call with this sorter.
 *
 * ACT_OK; ACT_END; ACT_ERR_DUPLICATE or ACT_ERR_OVERFLOW by the policy, naming the key, and then
 * `*key_ret` and `*key_nbytes_ret` are that key all the same; ACT_ERR_NOMEM, ACT_ERR_IO. Errors
 * are final.
 */
ACT_API act_status act_sorter_next(act_sorter *sorter, const uint8_t **key_ret,
                                   size_t *key_nbytes_ret, uint64_t *value_ret, act_error *error);

/* What sorting took so far. */
typedef struct act_sort_report {
    uint64_t entries;     /* added */
    uint64_t runs;        /* parts written to temporary files; 0: all was in memory */
    uint64_t passes;      /* over sorted ones, to make them fewer before the last merge */
    uint64_t temp_nbytes; /* written to temporary files, in all */
} act_sort_report;

/* Fills `*report_ret`; cannot fail. */
ACT_API void act_sorter_get_report(const act_sorter *sorter, act_sort_report *report_ret);

/* Closes a sorter, and stops what is being done for it; NULL is allowed. */
ACT_API void act_sorter_close(act_sorter *sorter);

/* ---------------------------------------------------------------------------------- the mapping */

/* How the pages of an open map are held: advising, populating, locking, releasing them. */
#include "actree/mapping.h"
/* ------------------------------------------------------------------------ merging and history */

/* Adding to a file in place, removing from it, and its former roots. */
#include "actree/merge.h"

/* ------------------------------------------------------------------- verifying and describing */

/* What a verified file is. */
typedef enum act_soundness {
    ACT_SOUND_CHECKSUMMED = 1, /* every rule holds and every byte matches its checksum */
    ACT_SOUND_UNCHECKED = 2    /* every rule holds; the file carries no checksum to compare, or
                                  none of what was merged into it */
} act_soundness;

/* The rules that act_map_verify checks, by the numbers of docs/FORMAT.md; the numbers are stable.
 */
typedef enum act_rule {
    ACT_RULE_NONE = 0,
    ACT_RULE_NODE_BOUNDS = 1,      /* a node's own bytes end before the tail of the file */
    ACT_RULE_CHILD_COUNT = 2,      /* a branch header counts 0 to 32 */
    ACT_RULE_CHILD_BYTES = 3,      /* child bytes strictly ascending */
    ACT_RULE_CHILD_MASK = 4,       /* a mask of at least 32 bits */
    ACT_RULE_CHILD_OFFSET = 5,     /* children lie before their parent, in the arena */
    ACT_RULE_SIBLING_RUN = 6,      /* the whole run of siblings ends at or before the parent */
    ACT_RULE_LINE_HEADER = 7,      /* reserved header bits of a line node are zero */
    ACT_RULE_LINE_VALUE_CHILD = 8, /* a line node has a value or a child, not both */
    ACT_RULE_LINE_OFFSET = 9,      /* line data lies before its node, in the arena */
    ACT_RULE_LINE_LENGTH = 10,     /* line data is not empty and ends at or before its node */
    ACT_RULE_EMPTY_ROOT = 11,      /* the root of an empty map lies at offset 16 */
    ACT_RULE_TAIL = 12,            /* the file ends in zeros, or in the trailer of a merge */
    ACT_RULE_INDEX_HEADER = 13,    /* an index's header is what its checksum and its copy say */
    ACT_RULE_JUMP_TABLE = 14,      /* a jump table says where the siblings lie */
    ACT_RULE_CHECKSUM = 15         /* each block of bytes matches its checksum */
} act_rule;

/* What act_map_verify found; filled on ACT_OK and on ACT_ERR_CORRUPT. */
typedef struct act_verify_report {
    act_soundness soundness; /* when sound */
    act_rule broken_rule;    /* the first one broken, or ACT_RULE_NONE */
    uint64_t broken_offset;  /* of the node or trailer that breaks it, or ACT_NO_OFFSET */
    uint64_t nodes;          /* different nodes checked, so far if one is broken */
    uint64_t references;     /* ways to them from their parents: more than nodes - 1 if shared */
    uint64_t values;         /* nodes with a value */
    uint64_t line_nodes;
} act_verify_report;

/*
 * Checks every reachable object once against every rule of the format: the tail of the file first,
 * then from the root downwards in the file, and stops at the first broken one. Takes time in
 * proportion to the file however many paths it has. Takes one bit of memory for each byte before
 * the root at most; a few bytes for each page of a builder's file. `progress` may be NULL; it is
 * called once before the work.
 *
 * ACT_OK: sound. ACT_ERR_CORRUPT: damaged; the report and `error` say where. ACT_STOPPED,
 * ACT_ERR_NOMEM.
 */
ACT_API act_status act_map_verify(const act_map *map, act_progress_fn progress, void *context,
                                  act_verify_report *report_ret, act_error *error);

/* The short name of a rule, such as "child-offset"; a static string, never NULL. */
ACT_API const char *act_rule_name(act_rule rule);

#define ACT_DEPTH_BUCKETS   64
#define ACT_FAN_OUT_BUCKETS 257

/*
 * The make-up of a map. Objects of the file are counted once, however many paths lead to them.
 * Keys and paths are counted once for each path, and stay at UINT64_MAX when they are too many.
 */
typedef struct act_map_info {
    uint64_t keys;
    uint64_t key_nbytes; /* of all keys together, as if written out; UINT64_MAX as above */
    uint64_t key_nbytes_longest;
    uint64_t dangling_paths; /* leaves without a value; an empty map has none */
    bool shared;             /* some node has more than one parent: in compact files */

    uint64_t branch_nodes; /* with children */
    uint64_t leaf_nodes;   /* branch nodes without children */
    uint64_t line_nodes;
    uint64_t lines; /* different line data that line nodes refer to */

    /* Bytes of the file, by kind. They add up to its size, unless objects overlap, as they do in
     * no writer's file but may: then nothing is unreferenced. */
    uint64_t header_nbytes;
    uint64_t branch_nbytes;
    uint64_t leaf_nbytes;
    uint64_t line_node_nbytes;
    uint64_t line_data_nbytes;
    uint64_t jump_nbytes;         /* jump tables of an index */
    uint64_t index_nbytes;        /* its headers and checksums */
    uint64_t unreferenced_nbytes; /* reached by nobody: former roots, room left in pages, other
                                     programs' data */
    uint64_t tail_nbytes;         /* the zeros at the end, or the trailer of a merge */
    uint64_t value_nbytes;        /* of the nodes' bytes above: encoded values */

    uint64_t node_depth_max; /* nodes above the deepest one, by the longest way; 0: only a root */
    uint64_t node_depth[ACT_DEPTH_BUCKETS]; /* nodes by how many are above, by the shortest way;
                                               the last bucket is for all that are deeper */
    uint64_t fan_out[ACT_FAN_OUT_BUCKETS];  /* branch and leaf nodes by number of children */
} act_map_info;

/*
 * Counts the whole map, and checks it on the way as act_map_verify does, but compares no checksums.
 * Takes time in proportion to the file. Takes two bits of memory for each byte before the root at
 * most, and some 5 bytes for each node that was reached and waits for its turn: a megabyte or two
 * for builders' files, where these are few; in the worst of files all nodes wait at once.
 * `progress` as there.
 *
 * ACT_OK, ACT_STOPPED, ACT_ERR_CORRUPT; ACT_ERR_NOMEM, also where it would take more than the
 * program may use (act_memory_available).
 */
ACT_API act_status act_map_get_info(const act_map *map, act_progress_fn progress, void *context,
                                    act_map_info *info_ret, act_error *error);

#define ACT_DIGEST_NBYTES 16

/* What a map holds, in a few bytes. */
typedef struct act_digest {
    uint64_t entries;
    uint8_t bytes[ACT_DIGEST_NBYTES];
} act_digest;

/*
 * The digest of all entries, the same for the same entries, however they are laid out: XXH3-128,
 * the most significant byte first, of the length of each key, the key, and its value, one after the
 * other in byte order of the keys; lengths and values are u64, little-endian. It finds what
 * happened to a file, not what somebody did to it on purpose. Paths without a value do not count.
 *
 * Scans the map, and may fail as act_map_scan does. `progress` may be NULL; it counts entries, the
 * total is not known. ACT_OK, ACT_STOPPED, ACT_ERR_CORRUPT, ACT_ERR_LIMIT, ACT_ERR_NOMEM.
 */
ACT_API act_status act_map_digest(const act_map *map, act_progress_fn progress, void *context,
                                  act_digest *digest_ret, act_error *error);

/* Salvaging what can be read from a damaged file. */
#include "actree/repair.h"

/* -------------------------------------------------------------------------------- working sets */

/* Which bytes of a file lookups read, and bringing them into memory. */
#include "actree/trace.h"

/* ----------------------------------------------------------------------- what is in memory of it
 */

/* Which pages are in memory, by region, level and prefix; page faults. */
#include "actree/residency.h"

/* Bringing parts of a map into memory, at once or beside other work; sets of pages to keep. */
#include "actree/warm.h"

/* ------------------------------------------------------------------------------ several files */

/* Several files as one map. */
#include "actree/set.h"

#ifdef __cplusplus
}
#endif

#endif /* ACTREE_H */
