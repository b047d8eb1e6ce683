/*
 * Times by their size, in buckets whose width is at most a 64th of what they hold: so a quantile is
 * right within 1.6 %, whatever its size.
 */
#ifndef ACT_CLI_HISTOGRAM_H
#define ACT_CLI_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    CLI_HISTOGRAM_STEPS = 64, /* of each doubling */
    CLI_HISTOGRAM_BUCKETS = CLI_HISTOGRAM_STEPS * 59
};

/* All-zero at first. */
struct cli_histogram {
    uint64_t counts[CLI_HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t sum_ns;
    uint64_t max_ns;
};

void cli_histogram_add(struct cli_histogram *histogram, uint64_t ns);

/* 0 of none. */
double cli_histogram_mean(const struct cli_histogram *histogram);

/* So many of a million take no longer, up to the width of a bucket; 0 of none. */
uint64_t cli_histogram_quantile(const struct cli_histogram *histogram, unsigned of_a_million);

/* The least and the greatest time that a bucket holds. */
uint64_t cli_histogram_first_ns(size_t bucket);
uint64_t cli_histogram_last_ns(size_t bucket);

#endif
