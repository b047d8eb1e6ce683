#define _GNU_SOURCE
#include "peer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A field of /proc/self/status in bytes; 0 if there is none. */
static uint64_t status_nbytes(const char *field)
{
    FILE *in = fopen("/proc/self/status", "r");
    char line[256];
    uint64_t kib = 0;
    size_t field_nbytes = strlen(field);

    while (in && fgets(line, sizeof line, in))
        if (strncmp(line, field, field_nbytes) == 0 && line[field_nbytes] == ':')
            kib = strtoull(line + field_nbytes + 1, NULL, 10);
    if (in)
        fclose(in);
    return kib * 1024;
}

/* Sets the peak of the resident memory back to what is resident now. */
static void reset_peak(void)
{
    FILE *out = fopen("/proc/self/clear_refs", "w");

    if (out) {
        fputs("5", out);
        fclose(out);
    }
}

/* How long this process has stood ready without getting a CPU; 0 if the system does not tell. */
static uint64_t waited_ns(void)
{
    FILE *in = fopen("/proc/self/schedstat", "r");
    uint64_t ran = 0, waited = 0;

    if (in) {
        if (fscanf(in, "%" SCNu64 " %" SCNu64, &ran, &waited) != 2)
            waited = 0;
        fclose(in);
    }
    return waited;
}

static uint64_t file_nbytes(const struct peer *peer)
{
    struct stat st;

    if (peer->engine->file_nbytes)
        return peer->engine->file_nbytes(peer->file);
    return stat(peer->file, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* The wall clock, and how much of it was spent waiting for a CPU. */
struct stopwatch {
    uint64_t start_ns;
    uint64_t start_waited_ns;
};

struct lap {
    uint64_t ns;
    uint64_t waited_ns;
};

static struct stopwatch stopwatch_start(void)
{
    uint64_t waited = waited_ns();

    return (struct stopwatch){now_ns(), waited};
}

static struct lap stopwatch_stop(struct stopwatch watch)
{
    uint64_t end = now_ns();

    return (struct lap){end - watch.start_ns, waited_ns() - watch.start_waited_ns};
}

/* The first half of an answer; the caller goes on with more fields. */
static void print_lap(const char *op, struct lap lap, uint64_t n)
{
    printf("{\"op\":\"%s\",\"ns\":%" PRIu64 ",\"waited_ns\":%" PRIu64 ",\"n\":%" PRIu64, op, lap.ns,
           lap.waited_ns, n);
}

static void print_answer(const char *op, struct lap lap, uint64_t n, const struct answer *answer)
{
    print_lap(op, lap, n);
    printf(",\"hits\":%" PRIu64 ",\"value_sum\":%" PRIu64 ",\"key_bytes\":%" PRIu64 "}\n",
           answer->nhits, answer->value_sum, answer->keys_nbytes);
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

static int run_build(struct peer *peer)
{
    uint64_t before_nbytes, peak_nbytes;
    struct stopwatch watch;
    struct lap lap;

    ensure_closed(peer);
    if (unlink(peer->file) != 0 && errno != ENOENT)
        return peer_fail(peer->file, strerror(errno));
    reset_peak();
    before_nbytes = status_nbytes("VmRSS");
    watch = stopwatch_start();
    if (peer->engine->build(&peer->keys, peer->file) != 0)
        return -1;
    lap = stopwatch_stop(watch);
    peak_nbytes = status_nbytes("VmHWM");
    print_lap("build", lap, peer->keys.nkeys);
    printf(",\"file_bytes\":%" PRIu64 ",\"peak_rss_growth_bytes\":%" PRIu64 "}\n",
           file_nbytes(peer), peak_nbytes > before_nbytes ? peak_nbytes - before_nbytes : 0);
    return 0;
}

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
        uint64_t start = now_ns();

        if (ensure_open(peer) != 0)
            return -1;
        ns[i] = now_ns() - start;
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

static int run_get(struct peer *peer, const char *op, const struct keyset *queries)
{
    struct answer answer = {0};
    struct stopwatch watch;

    if (ensure_open(peer) != 0)
        return -1;
    watch = stopwatch_start();
    if (peer->engine->get(queries, &answer) != 0)
        return -1;
    print_answer(op, stopwatch_stop(watch), queries->nkeys, &answer);
    return 0;
}

static int run_scan(struct peer *peer, const char *op, int (*scan)(struct answer *))
{
    struct answer answer = {0};
    struct stopwatch watch;

    if (ensure_open(peer) != 0)
        return -1;
    watch = stopwatch_start();
    if (scan(&answer) != 0)
        return -1;
    print_answer(op, stopwatch_stop(watch), answer.nhits, &answer);
    return 0;
}

static int run_check(struct peer *peer)
{
    struct answer answer = {0};

    if (ensure_open(peer) != 0 || peer->engine->check(&peer->present, &answer) != 0)
        return -1;
    print_answer("check", (struct lap){0}, peer->present.nkeys, &answer);
    return 0;
}

static int run_op(struct peer *peer, const char *op)
{
    const struct engine *engine = peer->engine;

    if (strcmp(op, "build") == 0 && engine->build)
        return run_build(peer);
    if (strcmp(op, "open") == 0 && engine->open)
        return run_open(peer);
    if (strcmp(op, "present") == 0 && engine->get)
        return run_get(peer, op, &peer->present);
    if (strcmp(op, "absent") == 0 && engine->get)
        return run_get(peer, op, &peer->absent);
    if (strcmp(op, "scan") == 0 && engine->scan)
        return run_scan(peer, op, engine->scan);
    if (strcmp(op, "iterate") == 0 && engine->iterate)
        return run_scan(peer, op, engine->iterate);
    if (strcmp(op, "check") == 0 && engine->check)
        return run_check(peer);
    return peer_fail(op, "no such operation");
}

static void greet(const struct engine *engine)
{
    printf(
        "{\"engine\":\"%s\",\"version\":\"%s\",\"note\":\"%s\",\"keys_only\":%d,\"ops\":[\"open\"",
        engine->name, engine->version, engine->note, engine->keys_only);
    if (engine->build)
        printf(",\"build\"");
    if (engine->get)
        printf(",\"present\",\"absent\"");
    if (engine->scan)
        printf(",\"scan\"");
    if (engine->iterate)
        printf(",\"iterate\"");
    if (engine->check)
        printf(",\"check\"");
    printf("]}\n");
}

int peer_main(int argc, char **argv, const struct engine *engine)
{
    struct peer peer = {.engine = engine};
    char line[64];

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
