#include "read/spans.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Puts `count` spans in the place of those from `first` to `last`, which is excluded. */
static bool replace(struct act_spans *spans, size_t first, size_t last, const struct act_span *with,
                    size_t count)
{
    size_t after = spans->count - last;
    if (!act_reserve(&spans->items, &spans->capacity, first + count + after, sizeof(*spans->items)))
        return false;
    if (after)
        memmove(spans->items + first + count, spans->items + last, after * sizeof(*spans->items));
    if (count)
        memcpy(spans->items + first, with, count * sizeof(*with));
    spans->count = first + count + after;
    return true;
}

/* The first span that ends at `off` or after it. */
static size_t first_from(const struct act_spans *spans, uint64_t off)
{
    size_t low = 0;
    size_t high = spans->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (spans->items[middle].end < off)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool act_spans_add(struct act_spans *spans, uint64_t off, uint64_t nbytes)
{
    struct act_span span = {off, off + nbytes};
    if (!nbytes)
        return true;
    size_t first = first_from(spans, off);
    size_t last = first;
    for (; last < spans->count && spans->items[last].off <= span.end; last++) {
        const struct act_span *joined = &spans->items[last];
        span.off = joined->off < span.off ? joined->off : span.off;
        span.end = joined->end > span.end ? joined->end : span.end;
    }
    return replace(spans, first, last, &span, 1);
}

bool act_spans_remove(struct act_spans *spans, uint64_t off, uint64_t nbytes)
{
    struct act_span left[2];
    size_t count = 0;
    uint64_t end = off + nbytes;
    if (!nbytes)
        return true;
    size_t first = first_from(spans, off);
    size_t last = first;
    for (; last < spans->count && spans->items[last].off < end; last++) {
        const struct act_span *cut = &spans->items[last];
        if (cut->off < off)
            left[count++] = (struct act_span){cut->off, cut->end < off ? cut->end : off};
        if (cut->end > end)
            left[count++] = (struct act_span){end, cut->end};
    }
    return replace(spans, first, last, left, count);
}

bool act_spans_overlap(const struct act_spans *spans, uint64_t off, uint64_t nbytes)
{
    size_t first = first_from(spans, off + 1);
    return nbytes && first < spans->count && spans->items[first].off < off + nbytes;
}

uint64_t act_spans_nbytes(const struct act_spans *spans)
{
    uint64_t nbytes = 0;
    for (size_t i = 0; i < spans->count; i++)
        nbytes += spans->items[i].end - spans->items[i].off;
    return nbytes;
}

void act_spans_free(struct act_spans *spans)
{
    free(spans->items);
    memset(spans, 0, sizeof(*spans));
}
