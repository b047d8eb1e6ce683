/* One engine, one process: what a benchmark program for an engine fills in, and peer_main, which
 * does the rest. The driver keeps one process of each engine alive and asks them in turn, so that a
 * slow minute of the machine falls on all of them.
 *
 *   peer_NAME KEYS PRESENT ABSENT FILE [VARIANT]
 *
 * reads packed sets (keyset.h), greets with one line of JSON, and then answers each line of
 * standard input (an operation) with one line of JSON. README.md beside this file describes both.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "keyset.h"

struct answer {
    uint64_t nhits;       /* queries found, or entries scanned */
    uint64_t value_sum;   /* of the values of these, modulo 2^64 */
    uint64_t keys_nbytes; /* scans: sum of the lengths of the keys */
};

/* All functions return 0, or -1 after a message on standard error. An engine has at most one file
 * open, in variables of its own. A member left NULL is an operation that the engine does not have;
 * `threads_max` left 0, one that works in one thread only.
 */
struct engine {
    const char *name;
    const char *version;
    const char *note; /* how it was set up, one sentence */
    int keys_only;    /* no values: the ids that the engine itself gave out are summed */
    unsigned build_threads_max;
    int (*build)(const struct keyset *keys, const char *file, unsigned threads);
    /* The same over a file that is there, in the safest way that the engine itself offers. */
    int (*rebuild)(const struct keyset *keys, const char *file);
    int (*verify)(const char *file); /* by the engine's own check of a file, which is closed */
    uint64_t (*file_nbytes)(const char *file); /* NULL: as stat says */
    int (*open)(const char *file);
    void (*close)(void);
    int (*get)(const struct keyset *queries, struct answer *answer);
    /* The same, `batch_nkeys` keys in each call. */
    unsigned batch_threads_max;
    int (*get_batch)(const struct keyset *queries, size_t batch_nkeys, unsigned threads,
                     struct answer *answer);
    int (*scan)(struct answer *answer);      /* all entries, the fastest way */
    int (*iterate)(struct answer *answer);   /* all entries, a second way */
    int (*scan_runs)(struct answer *answer); /* all entries, many keys and values in a call */
    unsigned scan_threads_max;
    int (*scan_threads)(unsigned threads, struct answer *answer); /* in parts, side by side */
    /* For engines without values: counts in nhits the queries that the engine can give back. */
    int (*check)(const struct keyset *queries, struct answer *answer);
};

#ifdef __cplusplus
extern "C" {
#endif

int peer_main(int argc, char **argv, const struct engine *engine);

/* Prints the message of a failed operation, as "NAME: WHAT: DETAIL", and returns -1. */
int peer_fail(const char *what, const char *detail);

#ifdef __cplusplus
}
#endif

#endif
