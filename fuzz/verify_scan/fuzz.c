/* The input is a file: verify, describe, scan both ways. */
#include "fuzz/input.h"

enum {
    ENTRIES_MAX = 200
};

struct scan {
    struct fuzz_told *told;
    bool sound, reverse;
    uint64_t count, sum;
    uint8_t *last;
    size_t last_nbytes;
};

static int visit(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct scan *scan = context;
    FUZZ_EXPECT(key_nbytes <= fuzz_options.key_nbytes_max);
    if (scan->sound && scan->count > 0) {
        int order = fuzz_compare(key, key_nbytes, scan->last, scan->last_nbytes);
        FUZZ_EXPECT(scan->reverse ? order < 0 : order > 0);
    }
    if (key_nbytes)
        memcpy(scan->last, key, key_nbytes);
    scan->last_nbytes = key_nbytes;
    scan->sum += value;
    fuzz_tell_bytes(scan->told, key, key_nbytes);
    fuzz_tell(scan->told, value);
    return ++scan->count >= ENTRIES_MAX;
}

static act_status run(const act_map *map, struct scan *scan)
{
    act_range range = {.reverse = scan->reverse};
    act_error error;
    scan->last = malloc((size_t)fuzz_options.key_nbytes_max);
    if (!scan->last)
        abort();
    act_status status = act_map_scan(map, &range, visit, scan, &error);
    free(scan->last);
    fuzz_tell_error(scan->told, status, &error);
    FUZZ_EXPECT(status == ACT_OK || status == ACT_STOPPED || status == ACT_ERR_CORRUPT ||
                status == ACT_ERR_LIMIT);
    if (scan->sound)
        FUZZ_EXPECT(status != ACT_ERR_CORRUPT);
    return status;
}

/* Iterators, one way and a few steps back, give what a scan gives. */
static void iterate(const act_map *map, const struct scan *scan)
{
    act_iter *iter;
    act_range range = {.reverse = scan->reverse};
    if (act_iter_open(map, &range, &iter, NULL) != ACT_OK)
        abort();
    uint64_t count = 0, sum = 0, value, again;
    const uint8_t *key;
    size_t key_nbytes, again_nbytes;
    act_status status = ACT_OK;
    while (count < scan->count) {
        status = act_iter_next(iter, &key, &key_nbytes, &value, NULL);
        if (status != ACT_OK)
            break;
        sum += value;
        if (++count % 16 == 1) {
            if (act_iter_prev(iter, &key, &again_nbytes, &again, NULL) != ACT_OK)
                break;
            FUZZ_EXPECT(again == value && again_nbytes == key_nbytes);
            if (act_iter_next(iter, &key, &again_nbytes, &again, NULL) != ACT_OK)
                break;
            FUZZ_EXPECT(again == value && again_nbytes == key_nbytes);
        }
    }
    fuzz_tell(scan->told, (uint64_t)status);
    if (scan->sound && status == ACT_OK)
        FUZZ_EXPECT(count == scan->count && sum == scan->sum);
    act_iter_close(iter);
}

static void look_at(const act_map *map, struct fuzz_told *told)
{
    act_verify_report report;
    act_map_info info;
    act_error error;
    act_status status = act_map_verify(map, NULL, NULL, &report, &error);
    FUZZ_EXPECT(status == ACT_OK || status == ACT_ERR_CORRUPT);
    FUZZ_EXPECT((status == ACT_OK) == (report.broken_rule == ACT_RULE_NONE));
    /* Which compares no checksums, and comes to the same in all else. */
    act_status described = act_map_get_info(map, NULL, NULL, &info, NULL);
    FUZZ_EXPECT(described == status ||
                (described == ACT_OK && report.broken_rule >= ACT_RULE_TAIL));
    fuzz_tell_error(told, status, &error);
    fuzz_tell(told, report.broken_rule);
    fuzz_tell(told, report.nodes);
    if (status == ACT_OK) {
        fuzz_tell(told, info.keys);
        fuzz_tell(told, info.key_nbytes);
        fuzz_tell(told, info.dangling_paths);
        fuzz_tell(told, info.unreferenced_nbytes);
    }

    struct scan there = {.told = told, .sound = status == ACT_OK};
    struct scan back = {.told = told, .sound = status == ACT_OK, .reverse = true};
    act_status there_status = run(map, &there), back_status = run(map, &back);
    if (status == ACT_OK && info.keys < ENTRIES_MAX) {
        if (there_status == ACT_OK)
            FUZZ_EXPECT(there.count == info.keys);
        if (there_status == ACT_OK && back_status == ACT_OK)
            FUZZ_EXPECT(back.count == there.count && back.sum == there.sum);
    }
    iterate(map, there.sum % 2 ? &there : &back);
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    uint8_t *copy;
    act_map *map = fuzz_open(data, data_nbytes, 0, &copy);
    if (map)
        look_at(map, told);
    act_map_close(map);
    free(copy);
}
