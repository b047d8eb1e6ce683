#include "reclaim.h"

#include <stdlib.h>
#include <string.h>

#include "allocate.h"

/* The kernel's numbers. */
enum {
    CLUSTER = 32,        /* SWAP_CLUSTER_MAX: dropped, and looked at, at once */
    PRIORITY_FIRST = 12, /* DEF_PRIORITY: a 4096th of each list is looked at, then twice as much */
    LAST_LOOKS = -4,     /* all is looked at so often at the most, until something can go */
    /* Not the kernel's: by so much more than the active list a page may come back late, and be made
     * active. Without it nothing ever begins such a list where no page has recency; in real groups
     * there is one after some thousand faults. By measurement; see docs/PERFORMANCE.md. */
    ACTIVE_ROOM = CLUSTER
};

/* What a page is; 0: not there. */
enum {
    PRESENT = 1,
    ACTIVE = 2,
    USED = 4,       /* since it was looked at last: its accessed bit */
    REFERENCED = 8, /* was found used once */
    WORKINGSET = 16 /* was active before */
};

#define NOBODY  UINT32_MAX
#define NO_TIME UINT32_MAX

struct list {
    uint32_t first;
    uint32_t last;
    size_t count;
};

/* Numbers of a range's pages, and of those before it that may be read with them. */
struct around {
    uint64_t first; /* page */
    size_t count;
    uint32_t *numbers;
};

struct cli_reclaim {
    const struct cli_page_trace *trace;
    struct cli_recent recent;
    struct around *around; /* of each range */
    uint8_t *recent_pages; /* by number: whether it lies in a range */
    size_t page_count;
    uint32_t *next;
    uint32_t *before;
    uint32_t *dropped; /* when it was, on the clock of lists; NO_TIME: never, or it came back */
    uint8_t *state;
    struct list inactive;
    struct list active;
    uint32_t age;     /* pages dropped or made active so far */
    uint64_t returns; /* pages that came back and were made active */
    uint64_t returns_seen;
    size_t capacity;
    bool has_recency;
};

static void list_add(struct cli_reclaim *r, struct list *list, uint32_t page)
{
    r->next[page] = list->first;
    r->before[page] = NOBODY;
    if (list->first == NOBODY)
        list->last = page;
    else
        r->before[list->first] = page;
    list->first = page;
    list->count++;
}

static uint32_t list_take_last(struct cli_reclaim *r, struct list *list)
{
    uint32_t page = list->last;
    list->last = r->before[page];
    if (list->last == NOBODY)
        list->first = NOBODY;
    else
        r->next[list->last] = NOBODY;
    list->count--;
    return page;
}

static bool is_recent(const struct cli_reclaim *r, uint32_t page)
{
    return r->has_recency && r->recent_pages[page];
}

/* Looks at pages at the end of the inactive list; returns how many were dropped. */
static size_t shrink_inactive(struct cli_reclaim *r, size_t count)
{
    size_t dropped = 0;
    while (count-- && r->inactive.count) {
        uint32_t page = list_take_last(r, &r->inactive);
        uint8_t state = r->state[page];
        if (!(state & USED) || !is_recent(r, page)) {
            /* What is kept while it is away: whether it was active before. */
            r->state[page] = state & WORKINGSET;
            r->dropped[page] = r->age++;
            dropped++;
        } else if (state & REFERENCED) {
            r->state[page] = (uint8_t)((state & ~(USED | REFERENCED)) | ACTIVE);
            list_add(r, &r->active, page);
            r->age++;
        } else {
            r->state[page] = (uint8_t)((state & ~USED) | REFERENCED);
            list_add(r, &r->inactive, page);
        }
    }
    return dropped;
}

static void shrink_active(struct cli_reclaim *r, size_t count)
{
    while (count-- && r->active.count) {
        uint32_t page = list_take_last(r, &r->active);
        r->state[page] = (uint8_t)((r->state[page] & ~(ACTIVE | USED)) | WORKINGSET);
        list_add(r, &r->inactive, page);
    }
}

static size_t at_most_cluster(size_t *left)
{
    size_t count = *left < CLUSTER ? *left : CLUSTER;
    *left -= count;
    return count;
}

/* Makes room, as a limit that was reached makes the kernel do it. */
static void make_room(struct cli_reclaim *r)
{
    size_t dropped = 0;
    int priority = PRIORITY_FIRST;
    while (dropped < CLUSTER && (priority >= 0 || (dropped == 0 && priority > LAST_LOOKS))) {
        bool deactivate = r->returns != r->returns_seen || r->inactive.count < r->active.count;
        /* Below 0 again, for pages that had been used, if nothing else was to be had. */
        int shift = priority > 0 ? priority : 0;
        size_t inactive_left = r->inactive.count >> shift;
        size_t active_left = r->active.count >> shift;
        while ((inactive_left || active_left) && dropped < CLUSTER) {
            dropped += shrink_inactive(r, at_most_cluster(&inactive_left));
            size_t count = at_most_cluster(&active_left);
            if (deactivate)
                shrink_active(r, count);
        }
        priority--;
    }
    r->returns_seen = r->returns;
}

static void bring(struct cli_reclaim *r, uint32_t page, bool used)
{
    if (r->active.count + r->inactive.count >= r->capacity)
        make_room(r);
    uint8_t state = (uint8_t)(PRESENT | (used ? USED : 0));
    if (r->dropped[page] != NO_TIME) {
        uint32_t distance = r->age - r->dropped[page];
        r->dropped[page] = NO_TIME;
        if (distance <= r->active.count + ACTIVE_ROOM) {
            state |= (uint8_t)(ACTIVE | (r->state[page] & WORKINGSET));
            r->age++;
            r->returns++;
        }
    }
    r->state[page] = state;
    list_add(r, state & ACTIVE ? &r->active : &r->inactive, page);
}

/* The range that a page lies in; NULL: none. */
static const struct cli_recent_range *range_of(const struct cli_recent *recent, uint64_t page)
{
    size_t low = 0;
    size_t high = recent->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (recent->ranges[middle].end <= page)
            low = middle + 1;
        else
            high = middle;
    }
    return low < recent->count && recent->ranges[low].first <= page ? &recent->ranges[low] : NULL;
}

/* Reads what lies around a page of a range and is missing; returns how many pages. */
static uint64_t read_around(struct cli_reclaim *r, uint32_t page)
{
    uint64_t half = r->recent.ahead / 2;
    uint64_t at = r->trace->pages[page];
    const struct around *around = &r->around[range_of(&r->recent, at) - r->recent.ranges];
    uint64_t first = at > half && at - half > around->first ? at - half : around->first;
    uint64_t reads = 0;
    for (uint64_t near = first; near < at + half && near < around->first + around->count; near++) {
        uint32_t number = around->numbers[near - around->first];
        if (near != at && !(r->state[number] & PRESENT)) {
            bring(r, number, false);
            reads++;
        }
    }
    return reads;
}

void cli_reclaim_run(struct cli_reclaim *r, size_t touch_count, size_t capacity, bool has_recency,
                     struct cli_reclaim_counts *counts_ret)
{
    memset(r->state, 0, r->page_count);
    memset(r->dropped, 0xff, r->page_count * sizeof(*r->dropped));
    r->inactive = (struct list){NOBODY, NOBODY, 0};
    r->active = r->inactive;
    r->age = 0;
    r->returns = r->returns_seen = 0;
    r->capacity = capacity;
    r->has_recency = has_recency;
    for (int run = 0; run < 2; run++) {
        *counts_ret = (struct cli_reclaim_counts){0, 0};
        for (size_t i = 0; i < touch_count; i++) {
            uint32_t page = r->trace->touches[i];
            if (r->state[page] & PRESENT) {
                r->state[page] |= USED;
                continue;
            }
            counts_ret->faults++;
            counts_ret->reads++;
            if (is_recent(r, page))
                counts_ret->reads += read_around(r, page);
            if (!(r->state[page] & PRESENT))
                bring(r, page, true);
        }
    }
}

/* Numbers for all pages that could be read around. */
static bool number_around(struct cli_reclaim *r, struct cli_page_trace *trace)
{
    uint64_t half = r->recent.ahead / 2;
    r->around = calloc(r->recent.count + 1, sizeof(*r->around));
    for (size_t i = 0; r->around && i < r->recent.count; i++) {
        const struct cli_recent_range *range = &r->recent.ranges[i];
        struct around *around = &r->around[i];
        around->first = range->first - range->floor > half ? range->first - half : range->floor;
        around->count = (size_t)(range->end - around->first);
        around->numbers = cli_allocate(around->count + 1, sizeof(*around->numbers));
        for (size_t j = 0; around->numbers && j < around->count; j++) {
            around->numbers[j] = cli_page_trace_number(trace, around->first + j);
            if (around->numbers[j] == UINT32_MAX)
                return false;
        }
        if (!around->numbers)
            return false;
    }
    return r->around;
}

static bool mark_recent(struct cli_reclaim *r)
{
    r->recent_pages = cli_allocate(r->page_count + 1, sizeof(*r->recent_pages));
    for (size_t i = 0; r->recent_pages && i < r->page_count; i++)
        r->recent_pages[i] = range_of(&r->recent, r->trace->pages[i]) != NULL;
    return r->recent_pages;
}

struct cli_reclaim *cli_reclaim_open(struct cli_page_trace *trace, const struct cli_recent *recent)
{
    struct cli_reclaim *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->trace = trace;
    r->recent = *recent;
    bool ok = number_around(r, trace);
    r->page_count = trace->page_count;
    ok = ok && mark_recent(r);
    size_t count = r->page_count + 1;
    r->next = cli_allocate(count, sizeof(*r->next));
    r->before = cli_allocate(count, sizeof(*r->before));
    r->dropped = cli_allocate(count, sizeof(*r->dropped));
    r->state = cli_allocate(count, sizeof(*r->state));
    if (ok && r->next && r->before && r->dropped && r->state)
        return r;
    cli_reclaim_close(r);
    return NULL;
}

void cli_reclaim_close(struct cli_reclaim *r)
{
    if (!r)
        return;
    for (size_t i = 0; r->around && i < r->recent.count; i++)
        free(r->around[i].numbers);
    free(r->around);
    free(r->recent_pages);
    free(r->next);
    free(r->before);
    free(r->dropped);
    free(r->state);
    free(r);
}
