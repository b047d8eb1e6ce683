#include "build/merge.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/memory.h"

/*
 * Keys are taken as rows of words: 7 bytes, zeros after the key's end, and how many of them are the
 * key's. The last word of a key is the one with fewer than 7. So a key comes before another if its
 * first word that differs is the lower one, and keys without such a word are equal.
 *
 * The code of a key is its place beside another key that is not above it, its base: at what depth
 * the first word that differs is, and that word. Of two keys with the same base the one that shares
 * more with it is lower, and at the same depth the one with the lower word. The codes in the tree
 * have the key as their base that won against theirs; so all that the last winner met on its way
 * have it as theirs, like the next key of its run, and can be compared.
 */
enum {
    WORD_NBYTES = 7
};

/* The depth of a key that is equal to its base, which comes before all others. */
#define DEPTH_EQUAL SIZE_MAX
/* The word of a run without any more keys, which comes after all others. */
#define CACHE_END UINT64_MAX

static uint64_t word_at(const struct act_run_reader *reader, size_t depth)
{
    size_t more = reader->key_nbytes - depth;
    uint64_t bytes = act_load_be64(reader->key + depth);
    if (ACT_LIKELY(more >= WORD_NBYTES))
        return (bytes & ~(uint64_t)0xff) | WORD_NBYTES;
    return (bytes & ~(UINT64_MAX >> 8 * more)) | more;
}

/* The code of the key at hand, which shares so many bytes with its base. */
static struct act_runs_merge_code code_of(const struct act_run_reader *reader, size_t shared)
{
    size_t depth = shared - shared % WORD_NBYTES;
    return (struct act_runs_merge_code){depth, word_at(reader, depth)};
}

/* Whether `a` comes before `b` where their codes are equal; then the loser's gets another base. */
ACT_NOINLINE
static bool beats_beyond(struct act_runs_merge *merge, size_t a, size_t b)
{
    size_t depth = merge->codes[a].depth;
    uint64_t cache = merge->codes[a].cache;
    if (depth == DEPTH_EQUAL || cache == CACHE_END)
        return a < b;
    if ((cache & 0xff) == WORD_NBYTES) {
        const struct act_run_reader *x = &merge->readers[a];
        const struct act_run_reader *y = &merge->readers[b];
        size_t most = x->key_nbytes < y->key_nbytes ? x->key_nbytes : y->key_nbytes;
        depth += WORD_NBYTES;
        size_t shared = depth + act_common_nbytes(x->key + depth, y->key + depth, most - depth);
        if (shared < x->key_nbytes || shared < y->key_nbytes) {
            struct act_runs_merge_code code_a = code_of(x, shared);
            struct act_runs_merge_code code_b = code_of(y, shared);
            bool first = code_a.cache < code_b.cache;
            if (first)
                merge->codes[b] = code_b;
            else
                merge->codes[a] = code_a;
            return first;
        }
    }
    merge->codes[a < b ? b : a] = (struct act_runs_merge_code){DEPTH_EQUAL, 0};
    return a < b;
}

/* Whether the key at hand of run `a` comes before that of run `b`. */
static ACT_ALWAYS_INLINE bool beats(struct act_runs_merge *merge, size_t a, size_t b)
{
    const struct act_runs_merge_code *x = &merge->codes[a];
    const struct act_runs_merge_code *y = &merge->codes[b];
    if (x->depth != y->depth)
        return x->depth > y->depth;
    if (x->cache != y->cache)
        return x->cache < y->cache;
    return beats_beyond(merge, a, b);
}

/* Takes the next entry of the run that won, and finds the next winner. */
static act_status advance(struct act_runs_merge *merge, act_error *error)
{
    size_t winner = merge->winner;
    struct act_run_reader *reader = &merge->readers[winner];
    act_status status = act_run_next(reader, error);
    if (ACT_UNLIKELY(status > ACT_END))
        return status;
    if (status == ACT_END)
        merge->codes[winner] = (struct act_runs_merge_code){0, CACHE_END};
    else if (reader->repeated)
        merge->codes[winner] = (struct act_runs_merge_code){DEPTH_EQUAL, 0};
    else
        merge->codes[winner] = code_of(reader, reader->shared);
    for (size_t node = (winner + merge->count) / 2; node; node /= 2) {
        size_t other = merge->losers[node];
        if (beats(merge, other, winner)) {
            merge->losers[node] = winner;
            winner = other;
        }
    }
    merge->winner = winner;
    return ACT_OK;
}

/* ------------------------------------------------------------------------------------- opening */

/* Lets the run play until it loses or meets a place where nobody has been. */
static void enter(struct act_runs_merge *merge, size_t player)
{
    for (size_t node = (player + merge->count) / 2; node; node /= 2) {
        size_t other = merge->losers[node];
        if (other == SIZE_MAX) {
            merge->losers[node] = player;
            return;
        }
        if (beats(merge, other, player)) {
            merge->losers[node] = player;
            player = other;
        }
    }
    merge->winner = player;
}

/* Takes the first entry of each run, and plays the whole tree. Their base is no key at all. */
static act_status fill(struct act_runs_merge *merge, const struct act_os_temp *temp,
                       const struct act_run *runs, size_t buffer_nbytes, act_error *error)
{
    for (size_t i = 0; i < merge->count; i++) {
        struct act_run_reader *reader = &merge->readers[i];
        act_status status = act_run_reader_open(reader, temp, &runs[i], buffer_nbytes, error);
        if (status == ACT_OK)
            status = act_run_next(reader, error);
        if (status > ACT_END)
            return status;
        merge->codes[i] = status == ACT_END ? (struct act_runs_merge_code){0, CACHE_END}
                                            : code_of(reader, 0);
        merge->losers[i] = SIZE_MAX;
    }
    for (size_t i = 0; i < merge->count; i++)
        enter(merge, i);
    return ACT_OK;
}

act_status act_runs_merge_open(struct act_runs_merge *merge, const struct act_os_temp *temp,
                               const struct act_run *runs, size_t count, size_t buffer_nbytes,
                               act_error *error)
{
    memset(merge, 0, sizeof(*merge));
    merge->count = count;
    merge->readers = calloc(count, sizeof(*merge->readers));
    merge->codes = calloc(count, sizeof(*merge->codes));
    merge->losers = calloc(count, sizeof(*merge->losers));
    act_status status = merge->readers && merge->codes && merge->losers
                            ? fill(merge, temp, runs, buffer_nbytes, error)
                            : act_fail_nomem(error);
    if (status != ACT_OK)
        act_runs_merge_close(merge);
    return status;
}

void act_runs_merge_close(struct act_runs_merge *merge)
{
    for (size_t i = 0; merge->readers && i < merge->count; i++)
        act_run_reader_close(&merge->readers[i]);
    free(merge->readers);
    free(merge->codes);
    free(merge->losers);
    free(merge->key);
    memset(merge, 0, sizeof(*merge));
}

/* ------------------------------------------------------------------------------------- merging */

/* Keeps the winner's key, of which `shared` bytes are there. */
static act_status keep_key(struct act_runs_merge *merge, const struct act_run_reader *reader,
                           size_t shared, act_error *error)
{
    size_t needed = reader->key_nbytes + 1;
    if (ACT_UNLIKELY(needed > merge->key_capacity &&
                     !act_reserve(&merge->key, &merge->key_capacity, needed, 1)))
        return act_fail_nomem(error);
    memcpy(merge->key + shared, reader->key + shared, reader->key_nbytes - shared);
    return ACT_OK;
}

act_status act_runs_merge_next(struct act_runs_merge *merge, act_duplicates duplicates,
                               struct act_joined *joined, act_error *error)
{
    const struct act_runs_merge_code *code = &merge->codes[merge->winner];
    const struct act_run_reader *reader = &merge->readers[merge->winner];
    if (code->cache == CACHE_END)
        return ACT_END;
    /* Equal keys come again only if they could not be joined. */
    joined->shared = code->depth == DEPTH_EQUAL ? reader->key_nbytes : code->depth;
    act_status status = keep_key(merge, reader, joined->shared, error);
    if (ACT_UNLIKELY(status != ACT_OK))
        return status;
    joined->key = (struct act_key){merge->key, reader->key_nbytes};
    joined->value = reader->value;
    joined->clash = false;
    for (;;) {
        status = advance(merge, error);
        if (ACT_UNLIKELY(status != ACT_OK))
            return status;
        if (ACT_LIKELY(merge->codes[merge->winner].depth != DEPTH_EQUAL))
            return ACT_OK;
        if (!act_join(duplicates, &joined->value, merge->readers[merge->winner].value)) {
            joined->clash = true;
            return ACT_OK;
        }
    }
}
