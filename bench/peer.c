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

static uint64_t file_nbytes(const struct peer *peer)
{
    struct stat st;

    if (peer->engine->file_nbytes)
        return peer->engine->file_nbytes(peer->file);
    return stat(peer->file, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void print_answer(const char *op, uint64_t ns, uint64_t n, const struct answer *answer)
{
    printf("{\"op\":\"%s\",\"ns\":%" PRIu64 ",\"n\":%" PRIu64 ",\"hits\":%" PRIu64
           ",\"value_sum\":%" PRIu64 ",\"key_bytes\":%" PRIu64 "}\n",
           op, ns, n, answer->nhits, answer->value_sum, answer->keys_nbytes);
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
    uint64_t before_nbytes, peak_nbytes, start, ns;

    ensure_closed(peer);
    if (unlink(peer->file) != 0 && errno != ENOENT)
        return peer_fail(peer->file, strerror(errno));
    reset_peak();
    before_nbytes = status_nbytes("VmRSS");
    start = now_ns();
    if (peer->engine->build(&peer->keys, peer->file) != 0)
        return -1;
    ns = now_ns() - start;
    peak_nbytes = status_nbytes("VmHWM");
    printf("{\"op\":\"build\",\"ns\":%" PRIu64 ",\"n\":%" PRIu64 ",\"file_bytes\":%" PRIu64
           ",\"peak_rss_growth_bytes\":%" PRIu64 "}\n",
           ns, peer->keys.nkeys, file_nbytes(peer),
           peak_nbytes > before_nbytes ? peak_nbytes - before_nbytes : 0);
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

    ensure_closed(peer);
    for (size_t i = 0; i < OPENS_PER_ROUND; i++) {
        uint64_t start = now_ns();

        if (ensure_open(peer) != 0)
            return -1;
        ns[i] = now_ns() - start;
        ensure_closed(peer);
    }
    qsort(ns, OPENS_PER_ROUND, sizeof ns[0], compare_u64);
    printf("{\"op\":\"open\",\"ns\":%" PRIu64 ",\"n\":1}\n", ns[OPENS_PER_ROUND / 2]);
    return 0;
}

static int run_get(struct peer *peer, const char *op, const struct keyset *queries)
{
    struct answer answer = {0};
    uint64_t start;

    if (ensure_open(peer) != 0)
        return -1;
    start = now_ns();
    if (peer->engine->get(queries, &answer) != 0)
        return -1;
    print_answer(op, now_ns() - start, queries->nkeys, &answer);
    return 0;
}

static int run_scan(struct peer *peer, const char *op, int (*scan)(struct answer *))
{
    struct answer answer = {0};
    uint64_t start;

    if (ensure_open(peer) != 0)
        return -1;
    start = now_ns();
    if (scan(&answer) != 0)
        return -1;
    print_answer(op, now_ns() - start, answer.nhits, &answer);
    return 0;
}

static int run_check(struct peer *peer)
{
    struct answer answer = {0};

    if (ensure_open(peer) != 0 || peer->engine->check(&peer->present, &answer) != 0)
        return -1;
    print_answer("check", 0, peer->present.nkeys, &answer);
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
