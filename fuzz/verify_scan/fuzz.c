/* The input is a file: verify, describe, scan both ways. */
#include "fuzz/input.h"

enum {
    ENTRIES_MAX = 2000
};

struct scan {
    bool sound, reverse;
    uint64_t count, sum;
    uint8_t *last;
    size_t last_nbytes;
};

static int compare(const uint8_t *a, size_t a_nbytes, const uint8_t *b, size_t b_nbytes)
{
    size_t nbytes = a_nbytes < b_nbytes ? a_nbytes : b_nbytes;
    int order = nbytes ? memcmp(a, b, nbytes) : 0;
    return order ? order : (a_nbytes > b_nbytes) - (a_nbytes < b_nbytes);
}

static int visit(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct scan *scan = context;
    FUZZ_EXPECT(key_nbytes <= fuzz_options.key_nbytes_max);
    if (scan->sound && scan->count > 0) {
        int order = compare(key, key_nbytes, scan->last, scan->last_nbytes);
        FUZZ_EXPECT(scan->reverse ? order < 0 : order > 0);
    }
    if (key_nbytes)
        memcpy(scan->last, key, key_nbytes);
    scan->last_nbytes = key_nbytes;
    scan->sum += value;
    return ++scan->count >= ENTRIES_MAX;
}

static act_status run(const act_map *map, struct scan *scan)
{
    act_range range = {.reverse = scan->reverse};
    scan->last = malloc((size_t)fuzz_options.key_nbytes_max);
    if (!scan->last)
        abort();
    act_status status = act_map_scan(map, &range, visit, scan, NULL);
    free(scan->last);
    FUZZ_EXPECT(status == ACT_OK || status == ACT_STOPPED || status == ACT_ERR_CORRUPT ||
                status == ACT_ERR_LIMIT);
    if (scan->sound)
        FUZZ_EXPECT(status != ACT_ERR_CORRUPT);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_nbytes)
{
    uint8_t *copy;
    act_map *map = fuzz_open(data, data_nbytes, 0, &copy);
    if (map) {
        act_verify_report report;
        act_map_info info;
        act_error error;
        act_status status = act_map_verify(map, NULL, NULL, &report, &error);
        FUZZ_EXPECT(status == ACT_OK || status == ACT_ERR_CORRUPT);
        FUZZ_EXPECT((status == ACT_OK) == (report.broken_rule == ACT_RULE_NONE));
        FUZZ_EXPECT(act_map_get_info(map, NULL, NULL, &info, NULL) == status);

        struct scan there = {.sound = status == ACT_OK};
        struct scan back = {.sound = status == ACT_OK, .reverse = true};
        act_status there_status = run(map, &there), back_status = run(map, &back);
        if (status == ACT_OK && info.keys < ENTRIES_MAX) {
            if (there_status == ACT_OK)
                FUZZ_EXPECT(there.count == info.keys);
            if (there_status == ACT_OK && back_status == ACT_OK)
                FUZZ_EXPECT(back.count == there.count && back.sum == there.sum);
        }
    }
    act_map_close(map);
    free(copy);
    return 0;
}

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t data_nbytes, size_t nbytes_max, unsigned seed)
{
    data_nbytes = LLVMFuzzerMutate(data, data_nbytes, nbytes_max);
    fuzz_repair(data, data_nbytes, seed);
    return data_nbytes;
}
#endif
