/* Sets of bytes of a file, as spans in ascending order with room in between. */
#ifndef ACT_READ_SPANS_H
#define ACT_READ_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct act_span {
    uint64_t off;
    uint64_t end;
};

/* The whole pages in which a span of a file lies, as far as the file reaches. */
static inline struct act_span act_span_in_pages(struct act_span span, uint64_t page_nbytes,
                                                uint64_t file_nbytes)
{
    uint64_t end = span.end + (page_nbytes - span.end % page_nbytes) % page_nbytes;
    return (struct act_span){span.off - span.off % page_nbytes,
                             end < file_nbytes ? end : file_nbytes};
}

/* All-zero is the empty set. */
struct act_spans {
    struct act_span *items;
    size_t count;
    size_t capacity;
};

/* Puts bytes into the set, or takes them out. False without memory: then the set is as it was. */
bool act_spans_add(struct act_spans *spans, uint64_t off, uint64_t nbytes);
bool act_spans_remove(struct act_spans *spans, uint64_t off, uint64_t nbytes);

/* Whether any of these bytes is in it. */
bool act_spans_overlap(const struct act_spans *spans, uint64_t off, uint64_t nbytes);

/* How many bytes are in it. */
uint64_t act_spans_nbytes(const struct act_spans *spans);

void act_spans_free(struct act_spans *spans);

#endif
