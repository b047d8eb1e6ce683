/* What a process can say about itself: the time, the memory, the faults and the bytes read that
 * something cost it. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdint.h>

uint64_t meter_now_ns(void);

/* The resident memory of this process now, and the most there was since meter_reset_peak. */
uint64_t meter_resident_nbytes(void);
uint64_t meter_peak_nbytes(void);
void meter_reset_peak(void);

/* The wall clock, and how much of it was spent waiting for a CPU. */
struct lap {
    uint64_t ns;
    uint64_t waited_ns;
};

struct stopwatch {
    uint64_t start_ns;
    uint64_t start_waited_ns;
};

struct stopwatch stopwatch_start(void);
struct lap stopwatch_stop(struct stopwatch watch);

/* What this process, all of its threads, has had from the disk since it started. */
struct traffic {
    uint64_t major_faults;
    uint64_t read_nbytes;
};

struct traffic meter_traffic(void);

/* How often something took how long, in buckets of 1/128 of their size: the same small memory for
 * any number of times. */
#define HISTOGRAM_STEPS   128
#define HISTOGRAM_OCTAVES 40

struct histogram {
    uint32_t counts[HISTOGRAM_OCTAVES * HISTOGRAM_STEPS];
    uint64_t total;
};

void histogram_add(struct histogram *histogram, uint64_t ns);

/* The time that a share of all times do not exceed, in thousandths; 0 if there are none. */
uint64_t histogram_quantile(const struct histogram *histogram, unsigned permille);

#endif
