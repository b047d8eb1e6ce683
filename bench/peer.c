#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "meter.h"

/* One opening takes microseconds: the median of this many stands for a round. */
#define OPENS_PER_ROUND 101

struct peer {
    const struct engine *engine;
    const char *file;
    struct keyset keys, present, absent;
    int is_open;
};

static const char *peer_name = "peer";

int peer_fail(const char *what, const char *detail)
{
    fprintf(stderr, "%s: %s: %s\n", peer_name, what, detail);
    return -1;
}

static uint64_t file_nbytes(const struct peer *peer, const char *file)
{
    struct stat st;

    if (peer->engine->file_nbytes)
        return peer->engine->file_nbytes(file);
    return stat(file, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* The first part of an answer; the caller goes on with more fields. */
static void print_lap(const char *op, struct lap lap, uint64_t n)
{
    printf("{\"op\":\"%s\",\"ns\":%" PRIu64 ",\"waited_ns\":%" PRIu64 ",\"n\":%" PRIu64, op, lap.ns,
           lap.waited_ns, n);
}

static void print_answer(const char *op, struct lap lap, uint64_t n, const struct answer *answer)
{
    print_lap(op, lap, n);
    printf(",\"hits\":%" PRIu64 ",\"value_sum\":%" PRIu64 ",\"key_bytes\":%" PRIu64, answer->nhits,
           answer->value_sum, answer->keys_nbytes);
}

static void ensure_closed(struct peer *peer)
{
    if (peer->is_open)
        peer->engine->close();
    peer->is_open = 0;
}

static int ensure_open(struct peer *peer)
{
    if (!peer->is_open && peer->engine->open(peer->file) != 0)
        return -1;
    peer->is_open = 1;
    return 0;
}

/* -------------------------------------------------------------------------------------- building
 */

static int build(struct peer *peer, const char *op, const struct keyset *keys, const char *file,
                 unsigned threads)
{
    uint64_t before_nbytes, peak_nbytes;
    struct stopwatch watch;
    struct lap lap;

    if (unlink(file) != 0 && errno != ENOENT)
        return peer_fail(file, strerror(errno));
    meter_reset_peak();
    before_nbytes = meter_resident_nbytes();
    watch = stopwatch_start();
    if (peer->engine->build(keys, file, threads) != 0)
        return -1;
    lap = stopwatch_stop(watch);
    peak_nbytes = meter_peak_nbytes();
    print_lap(op, lap, keys->nkeys);
    printf(",\"file_bytes\":%" PRIu64 ",\"peak_rss_growth_bytes\":%" PRIu64 "}\n",
           file_nbytes(peer, file), peak_nbytes > before_nbytes ? peak_nbytes - before_nbytes : 0);
    return 0;
}

static int run_build(struct peer *peer, const char *op, unsigned threads)
{
    ensure_closed(peer);
    return build(peer, op, &peer->keys, peer->file, threads);
}

/* Beside the file of the other operations, and gone afterwards: only its size is of interest. */
static int run_build_zero(struct peer *peer, const char *op)
{
    struct keyset keys = peer->keys;
    char file[4096];
    int rc;

    keys.all_zero = 1;
    snprintf(file, sizeof file, "%s.zero", peer->file);
    rc = build(peer, op, &keys, file, 1);
    unlink(file);
    return rc;
}

/* --------------------------------------------------------------------------------------- reading
 */

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static int run_open(struct peer *peer)
{
    uint64_t ns[OPENS_PER_ROUND];
    struct stopwatch watch = stopwatch_start();
    struct lap lap;

    ensure_closed(peer);
    for (size_t i = 0; i < OPENS_PER_ROUND; i++) {
        uint64_t start = meter_now_ns();

        if (ensure_open(peer) != 0)
            return -1;
        ns[i] = meter_now_ns() - start;
        ensure_closed(peer);
    }
    qsort(ns, OPENS_PER_ROUND, sizeof ns[0], compare_u64);
    lap = stopwatch_stop(watch);
    lap.ns = ns[OPENS_PER_ROUND / 2];
    lap.waited_ns /= OPENS_PER_ROUND;
    print_lap("open", lap, 1);
    printf("}\n");
    return 0;
}

/* With a `batch_nkeys` of 0 one key after the other. */
static int look_up(const struct peer *peer, const struct keyset *queries, size_t batch_nkeys,
                   unsigned threads, struct answer *answer)
{
    if (batch_nkeys == 0)
        return peer->engine->get(queries, answer);
    return peer->engine->get_batch(queries, batch_nkeys, threads, answer);
}

static int run_get(struct peer *peer, const char *op, const struct keyset *queries,
                   size_t batch_nkeys, unsigned threads)
{
    struct answer answer = {0};
    struct stopwatch watch;
    struct lap lap;

    if (ensure_open(peer) != 0)
        return -1;
    watch = stopwatch_start();
    if (look_up(peer, queries, batch_nkeys, threads, &answer) != 0)
        return -1;
    lap = stopwatch_stop(watch);
    print_answer(op, lap, queries->nkeys, &answer);
    printf("}\n");
    return 0;
}

/* `scan` is NULL for the engine's scan in so many threads. */
static int run_scan(struct peer *peer, const char *op, int (*scan)(struct answer *),
                    unsigned threads)
{
    struct answer answer = {0};
    struct stopwatch watch;
    struct lap lap;

    if (ensure_open(peer) != 0)
        return -1;
    watch = stopwatch_start();
    if ((scan ? scan(&answer) : peer->engine->scan_threads(threads, &answer)) != 0)
        return -1;
    lap = stopwatch_stop(watch);
    print_answer(op, lap, answer.nhits, &answer);
    printf("}\n");
    return 0;
}

static int run_check(struct peer *peer)
{
    struct answer answer = {0};

    if (ensure_open(peer) != 0 || peer->engine->check(&peer->present, &answer) != 0)
        return -1;
    print_answer("check", (struct lap){0}, peer->present.nkeys, &answer);
    printf("}\n");
    return 0;
}

/* -------------------------------------------------------------------------------------- sampling
 */

/* Some of the present queries, each call timed by itself. */
struct sample {
    uint64_t first; /* number of the first query; behind the last one comes number 0 */
    uint64_t nkeys; /* at most so many */
    uint64_t ms;    /* no call begins later */
    size_t batch_nkeys;
    unsigned threads;
};

/* The next `nkeys` queries, or fewer where the set ends. */
static struct keyset take_queries(const struct keyset *all, const uint8_t **at, uint64_t nkeys)
{
    struct keyset part = {.first = *at};
    size_t key_nbytes;

    while (part.nkeys < nkeys && *at < all->end) {
        keyset_next(at, &key_nbytes);
        part.nkeys++;
    }
    part.end = *at;
    if (*at == all->end)
        *at = all->first;
    return part;
}

/* From the query at `at` on. */
static int sample_calls(const struct peer *peer, const struct sample *sample, const uint8_t *at,
                        uint64_t *nkeys_ret, struct answer *answer, struct histogram *histogram)
{
    const struct keyset *all = &peer->present;
    uint64_t end_ns = meter_now_ns() + sample->ms * 1000000;
    uint64_t done = 0, each = sample->batch_nkeys ? sample->batch_nkeys : 1;

    while (done < sample->nkeys && meter_now_ns() < end_ns) {
        uint64_t left = sample->nkeys - done, start;
        struct keyset part = take_queries(all, &at, left < each ? left : each);

        start = meter_now_ns();
        if (look_up(peer, &part, sample->batch_nkeys, sample->threads, answer) != 0)
            return -1;
        histogram_add(histogram, meter_now_ns() - start);
        done += part.nkeys;
    }
    *nkeys_ret = done;
    return 0;
}

static void print_sample(const struct histogram *histogram, struct traffic before, uint64_t open_ns)
{
    struct traffic after = meter_traffic();

    printf(",\"open_ns\":%" PRIu64 ",\"major_faults\":%" PRIu64 ",\"read_bytes\":%" PRIu64
           ",\"p999_ns\":%" PRIu64 ",\"percentiles_ns\":[",
           open_ns, after.major_faults - before.major_faults,
           after.read_nbytes - before.read_nbytes, histogram_quantile(histogram, 999));
    for (unsigned percent = 0; percent <= 100; percent++)
        printf("%s%" PRIu64, percent ? "," : "", histogram_quantile(histogram, percent * 10));
    printf("]}\n");
}

/* Opening, if the file is closed, counts: what an engine reads then it need not read later. */
static int run_sample(struct peer *peer, const struct sample *sample)
{
    static struct histogram histogram;
    struct answer answer = {0};
    struct traffic before;
    struct stopwatch watch;
    struct lap lap;
    uint64_t open_ns, nkeys;
    const uint8_t *at = peer->present.first;

    memset(&histogram, 0, sizeof histogram);
    take_queries(&peer->present, &at, sample->first);
    before = meter_traffic();
    watch = stopwatch_start();
    if (ensure_open(peer) != 0)
        return -1;
    open_ns = meter_now_ns() - watch.start_ns;
    if (sample_calls(peer, sample, at, &nkeys, &answer, &histogram) != 0)
        return -1;
    lap = stopwatch_stop(watch);
    print_answer("sample", lap, nkeys, &answer);
    print_sample(&histogram, before, open_ns);
    return 0;
}

/* ------------------------------------------------------------------------------------ operations
 */

#define NUMBERS_MAX 5

/* The numbers behind the first `start_nbytes` bytes, parted by `separator`; -1 if there is anything
 * else. */
static int parse_numbers(const char *op, size_t start_nbytes, char separator,
                         uint64_t numbers[NUMBERS_MAX])
{
    const char *at = op + start_nbytes;
    int count = 0;

    for (;;) {
        char *end;

        if (count == NUMBERS_MAX || *at < '0' || *at > '9')
            return -1;
        numbers[count++] = strtoull(at, &end, 10);
        if (*end == '\0')
            return count;
        if (*end != separator)
            return -1;
        at = end + 1;
    }
}

/* "build-THREADS", "scan-THREADS", "batch-N[-THREADS]" or "sample FIRST N MS [BATCH THREADS]". 1:
 * none of them. */
static int run_with_numbers(struct peer *peer, const char *op)
{
    const struct engine *engine = peer->engine;
    uint64_t numbers[NUMBERS_MAX] = {0};
    int count;

    if (strncmp(op, "build-", 6) == 0 && engine->build) {
        count = parse_numbers(op, 6, '-', numbers);
        if (count == 1 && numbers[0] >= 1 && numbers[0] <= engine->build_threads_max)
            return run_build(peer, op, (unsigned)numbers[0]);
    } else if (strncmp(op, "scan-", 5) == 0 && engine->scan_threads) {
        count = parse_numbers(op, 5, '-', numbers);
        if (count == 1 && numbers[0] >= 1 && numbers[0] <= engine->scan_threads_max)
            return run_scan(peer, op, NULL, (unsigned)numbers[0]);
    } else if (strncmp(op, "batch-", 6) == 0 && engine->get_batch) {
        numbers[1] = 1;
        count = parse_numbers(op, 6, '-', numbers);
        if ((count == 1 || count == 2) && numbers[0] > 0)
            return run_get(peer, op, &peer->present, numbers[0], (unsigned)numbers[1]);
    } else if (strncmp(op, "sample ", 7) == 0 && engine->get) {
        count = parse_numbers(op, 7, ' ', numbers);
        if (count == 3 || (count == 5 && engine->get_batch))
            return run_sample(peer, &(struct sample){numbers[0], numbers[1], numbers[2], numbers[3],
                                                     (unsigned)numbers[4]});
    }
    return 1;
}

/* For tests of what is left when it is killed; nothing is timed. */
static int run_rebuild(struct peer *peer)
{
    ensure_closed(peer);
    if (peer->engine->rebuild(&peer->keys, peer->file) != 0)
        return -1;
    printf("{\"op\":\"rebuild\"}\n");
    return 0;
}

static int run_verify(struct peer *peer)
{
    ensure_closed(peer);
    if (peer->engine->verify(peer->file) != 0)
        return -1;
    printf("{\"op\":\"verify\"}\n");
    return 0;
}

static int run_op(struct peer *peer, const char *op)
{
    const struct engine *engine = peer->engine;
    int rc;

    if (strcmp(op, "build") == 0 && engine->build)
        return run_build(peer, op, 1);
    if (strcmp(op, "verify") == 0 && engine->verify)
        return run_verify(peer);
    if (strcmp(op, "rebuild") == 0 && engine->rebuild)
        return run_rebuild(peer);
    if (strcmp(op, "build-zero") == 0 && engine->build)
        return run_build_zero(peer, op);
    if (strcmp(op, "open") == 0 && engine->open)
        return run_open(peer);
    if (strcmp(op, "present") == 0 && engine->get)
        return run_get(peer, op, &peer->present, 0, 1);
    if (strcmp(op, "absent") == 0 && engine->get)
        return run_get(peer, op, &peer->absent, 0, 1);
    if (strcmp(op, "scan") == 0 && engine->scan)
        return run_scan(peer, op, engine->scan, 1);
    if (strcmp(op, "scan-runs") == 0 && engine->scan_runs)
        return run_scan(peer, op, engine->scan_runs, 1);
    if (strcmp(op, "iterate") == 0 && engine->iterate)
        return run_scan(peer, op, engine->iterate, 1);
    if (strcmp(op, "check") == 0 && engine->check)
        return run_check(peer);
    if (strcmp(op, "close") == 0) {
        ensure_closed(peer);
        printf("{\"op\":\"close\"}\n");
        return 0;
    }
    rc = run_with_numbers(peer, op);
    return rc == 1 ? peer_fail(op, "no such operation") : rc;
}

static void greet_threads(const char *op, unsigned threads_max)
{
    printf(",\"%s\"", op);
    if (threads_max >= 2)
        printf(",\"%s-2\"", op);
}

static void greet(const struct engine *engine)
{
    printf(
        "{\"engine\":\"%s\",\"version\":\"%s\",\"note\":\"%s\",\"keys_only\":%d,\"ops\":[\"open\"",
        engine->name, engine->version, engine->note, engine->keys_only);
    if (engine->build)
        greet_threads("build", engine->build_threads_max);
    if (engine->build && !engine->keys_only)
        printf(",\"build-zero\"");
    if (engine->get)
        printf(",\"present\",\"absent\",\"sample\"");
    if (engine->get_batch) {
        printf(",\"batch-1000\"");
        greet_threads("batch-10000", engine->batch_threads_max);
    }
    if (engine->scan)
        printf(",\"scan\"");
    if (engine->scan_runs)
        printf(",\"scan-runs\"");
    if (engine->scan_threads && engine->scan_threads_max >= 2)
        printf(",\"scan-2\"");
    if (engine->iterate)
        printf(",\"iterate\"");
    if (engine->check)
        printf(",\"check\"");
    if (engine->rebuild)
        printf(",\"rebuild\"");
    if (engine->verify)
        printf(",\"verify\"");
    printf("]}\n");
}

int peer_main(int argc, char **argv, const struct engine *engine)
{
    struct peer peer = {.engine = engine};
    char line[128];

    peer_name = engine->name;
    if (argc < 5) {
        fprintf(stderr, "usage: %s KEYS PRESENT ABSENT FILE [VARIANT]\n", argv[0]);
        return 2;
    }
    peer.file = argv[4];
    if (keyset_load(argv[1], &peer.keys) != 0 || keyset_load(argv[2], &peer.present) != 0 ||
        keyset_load(argv[3], &peer.absent) != 0)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    greet(engine);
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (run_op(&peer, line) != 0)
            return 1;
    }
    ensure_closed(&peer);
    return 0;
}
