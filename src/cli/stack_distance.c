#include "stack_distance.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"

/*
 * Times run from 1 to `times`. A time is marked while it is that of the last touch of some page, so
 * a distance is the number of marks after that of the page's own last touch; a Fenwick tree counts
 * them. When times are used up, marks are moved together to the front: every `times - pages`
 * touches at most.
 */
struct stack {
    size_t times;
    uint32_t *tree;
    uint32_t *page_at; /* by time */
    uint32_t *last;    /* by page: when it was touched last; 0: never */
    uint32_t now;
    uint32_t marks;
};

static void mark(struct stack *stack, size_t time, uint32_t change)
{
    for (; time <= stack->times; time += time & (0 - time))
        stack->tree[time] += change;
}

static uint32_t marks_to(const struct stack *stack, size_t time)
{
    uint32_t sum = 0;
    for (; time; time &= time - 1)
        sum += stack->tree[time];
    return sum;
}

static void compact(struct stack *stack)
{
    uint32_t kept = 0;
    for (uint32_t time = 1; time <= stack->now; time++) {
        uint32_t page = stack->page_at[time];
        if (stack->last[page] != time)
            continue;
        stack->page_at[++kept] = page;
        stack->last[page] = kept;
    }
    stack->now = kept;
    /* Node t counts the times from t - lowbit(t) on, up to t: of these the first `kept` are
     * marked. */
    for (size_t time = 1; time <= stack->times; time++) {
        size_t first = time & (time - 1);
        size_t end = time < kept ? time : kept;
        stack->tree[time] = (uint32_t)(end > first ? end - first : 0);
    }
}

/* Returns the distance, or UINT32_MAX at the first touch. */
static uint32_t touch(struct stack *stack, uint32_t page)
{
    if (stack->now == stack->times)
        compact(stack);
    uint32_t before = stack->last[page];
    uint32_t distance = UINT32_MAX;
    if (before) {
        distance = stack->marks - marks_to(stack, before);
        mark(stack, before, (uint32_t)0 - 1);
    } else {
        stack->marks++;
    }
    uint32_t now = ++stack->now;
    stack->page_at[now] = page;
    stack->last[page] = now;
    mark(stack, now, 1);
    return distance;
}

bool cli_stack_distances(const uint32_t *touches, size_t touch_count, size_t page_count,
                         uint64_t *counts_ret)
{
    struct stack stack = {.times = 2 * page_count + 1024};
    if (page_count > UINT32_MAX / 4)
        return false;
    stack.tree = cli_allocate(stack.times + 1, sizeof(*stack.tree));
    stack.page_at = cli_allocate(stack.times + 1, sizeof(*stack.page_at));
    stack.last = cli_allocate(page_count + 1, sizeof(*stack.last));
    bool ok = stack.tree && stack.page_at && stack.last;
    if (page_count)
        memset(counts_ret, 0, page_count * sizeof(*counts_ret));
    for (int run = 0; ok && run < 2; run++) {
        for (size_t i = 0; i < touch_count; i++) {
            uint32_t distance = touch(&stack, touches[i]);
            if (run)
                counts_ret[distance]++;
        }
    }
    free(stack.tree);
    free(stack.page_at);
    free(stack.last);
    return ok;
}
