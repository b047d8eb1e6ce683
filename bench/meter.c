#define _GNU_SOURCE
#include "meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

uint64_t meter_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The number behind "FIELD:" in a file of /proc; 0 if there is none. */
static uint64_t proc_field(const char *file, const char *field)
{
    FILE *in = fopen(file, "r");
    char line[256];
    uint64_t number = 0;
    size_t field_nbytes = strlen(field);

    while (in && fgets(line, sizeof line, in))
        if (strncmp(line, field, field_nbytes) == 0 && line[field_nbytes] == ':')
            number = strtoull(line + field_nbytes + 1, NULL, 10);
    if (in)
        fclose(in);
    return number;
}

uint64_t meter_resident_nbytes(void)
{
    return proc_field("/proc/self/status", "VmRSS") * 1024;
}

uint64_t meter_peak_nbytes(void)
{
    return proc_field("/proc/self/status", "VmHWM") * 1024;
}

void meter_reset_peak(void)
{
    FILE *out = fopen("/proc/self/clear_refs", "w");

    if (out) {
        fputs("5", out);
        fclose(out);
    }
}

/* How long this process has stood ready without getting a CPU, the second number of schedstat; 0 if
 * the system does not tell. */
static uint64_t waited_ns(void)
{
    FILE *in = fopen("/proc/self/schedstat", "r");
    char line[128] = "";
    char *second;

    if (!in || !fgets(line, sizeof line, in))
        line[0] = '\0';
    if (in)
        fclose(in);
    strtoull(line, &second, 10);
    return strtoull(second, NULL, 10);
}

struct stopwatch stopwatch_start(void)
{
    uint64_t waited = waited_ns();

    return (struct stopwatch){meter_now_ns(), waited};
}

struct lap stopwatch_stop(struct stopwatch watch)
{
    uint64_t end = meter_now_ns();

    return (struct lap){end - watch.start_ns, waited_ns() - watch.start_waited_ns};
}

struct traffic meter_traffic(void)
{
    struct rusage usage = {0};

    getrusage(RUSAGE_SELF, &usage);
    return (struct traffic){(uint64_t)usage.ru_majflt, proc_field("/proc/self/io", "read_bytes")};
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    unsigned octave = 0;

    /* Below 2 * HISTOGRAM_STEPS every nanosecond has a bucket of its own. */
    while (ns >> octave >= 2 * HISTOGRAM_STEPS && octave < HISTOGRAM_OCTAVES - 2)
        octave++;
    ns >>= octave;
    if (ns >= 2 * HISTOGRAM_STEPS)
        ns = 2 * HISTOGRAM_STEPS - 1;
    histogram->counts[octave * HISTOGRAM_STEPS + ns]++;
    histogram->total++;
}

/* The middle of a bucket. */
static uint64_t bucket_ns(unsigned bucket)
{
    unsigned octave = bucket < HISTOGRAM_STEPS ? 0 : bucket / HISTOGRAM_STEPS - 1;
    uint64_t first = (uint64_t)(bucket - octave * HISTOGRAM_STEPS) << octave;

    return first + ((uint64_t)1 << octave >> 1);
}

uint64_t histogram_quantile(const struct histogram *histogram, unsigned permille)
{
    /* The place, from 1 on, of the time wanted among all of them in order. */
    uint64_t place = (histogram->total * permille + 999) / 1000, seen = 0;

    if (place == 0)
        place = 1;
    for (unsigned bucket = 0; bucket < HISTOGRAM_OCTAVES * HISTOGRAM_STEPS; bucket++) {
        seen += histogram->counts[bucket];
        if (seen >= place)
            return bucket_ns(bucket);
    }
    return 0;
}
