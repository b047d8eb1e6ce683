#include "page_trace.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"

enum {
    COUNT_FIRST = 4096
};

static size_t slot_of(const struct cli_page_trace *trace, uint64_t page)
{
    uint64_t hash = page * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(hash >> 20) & (trace->slot_count - 1);
    while (trace->slots[at] && trace->pages[trace->slots[at] - 1] != page)
        at = (at + 1) & (trace->slot_count - 1);
    return at;
}

static bool grow_slots(struct cli_page_trace *trace)
{
    size_t count = trace->slot_count ? trace->slot_count * 2 : (size_t)COUNT_FIRST * 2;
    uint32_t *slots = cli_allocate(count, sizeof(*slots));
    if (!slots)
        return false;
    free(trace->slots);
    trace->slots = slots;
    trace->slot_count = count;
    for (size_t i = 0; i < trace->page_count; i++)
        slots[slot_of(trace, trace->pages[i])] = (uint32_t)i + 1;
    return true;
}

uint32_t cli_page_trace_number(struct cli_page_trace *trace, uint64_t page)
{
    if (trace->slot_count <= trace->page_count * 2 && !grow_slots(trace))
        return UINT32_MAX;
    size_t slot = slot_of(trace, page);
    if (trace->slots[slot])
        return trace->slots[slot] - 1;
    if (trace->page_count == trace->page_max) {
        size_t count = trace->page_max ? trace->page_max * 2 : COUNT_FIRST;
        uint64_t *larger = count >= UINT32_MAX / 2
                               ? NULL
                               : cli_enlarge(trace->pages, trace->page_max * sizeof(*trace->pages),
                                             count * sizeof(*trace->pages));
        if (!larger)
            return UINT32_MAX;
        trace->pages = larger;
        trace->page_max = count;
    }
    trace->pages[trace->page_count] = page;
    trace->slots[slot] = (uint32_t)trace->page_count + 1;
    return (uint32_t)trace->page_count++;
}

bool cli_page_trace_add(struct cli_page_trace *trace, uint64_t page)
{
    if (trace->last == page + 1)
        return true;
    if (trace->touch_count == trace->touch_max) {
        size_t count = trace->touch_max ? trace->touch_max * 2 : COUNT_FIRST;
        uint32_t *larger = cli_enlarge(trace->touches, trace->touch_max * sizeof(*trace->touches),
                                       count * sizeof(*trace->touches));
        if (!larger)
            return false;
        trace->touches = larger;
        trace->touch_max = count;
    }
    uint32_t number = cli_page_trace_number(trace, page);
    if (number == UINT32_MAX)
        return false;
    trace->touches[trace->touch_count++] = number;
    trace->last = page + 1;
    return true;
}

void cli_page_trace_break(struct cli_page_trace *trace)
{
    trace->last = 0;
}

void cli_page_trace_free(struct cli_page_trace *trace)
{
    free(trace->touches);
    free(trace->pages);
    free(trace->slots);
    memset(trace, 0, sizeof(*trace));
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

size_t cli_page_trace_groups(const struct cli_page_trace *trace, uint64_t pages)
{
    size_t count = trace->page_count;
    uint64_t *sorted = cli_allocate(count ? count : 1, sizeof(*sorted));
    size_t groups = 0;
    if (!sorted)
        return 0;
    for (size_t i = 0; i < count; i++)
        sorted[i] = trace->pages[i] / pages;
    qsort(sorted, count, sizeof(*sorted), compare_u64);
    for (size_t i = 0; i < count; i++)
        groups += i == 0 || sorted[i] != sorted[i - 1];
    free(sorted);
    return groups;
}
