/* The file under construction: a position, and a buffer before the output. Or a part of it, which
 * stays in memory. */
#ifndef ACT_BUILD_SINK_H
#define ACT_BUILD_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "base/attributes.h"
#include "base/config.h"
#include "os/file.h"

enum {
    /*
     * What is written at a time, and at a multiple of which: file systems with large folios then
     * keep these bytes in huge pages, and mappings of a file that was just built use them. Whole
     * blocks that a checksum is of, and no less than the room.
     */
    ACT_SINK_UNIT_NBYTES = ACT_SMALL_BUFFERS ? 64 << 10 : 2 << 20,
    ACT_SINK_UNIT_SCARCE = 128 << 10, /* the same where memory is scarce */
    /* what act_sink_make_room makes */
    ACT_SINK_ROOM_NBYTES = ACT_SMALL_BUFFERS ? 64 << 10 : 128 << 10,
    ACT_SINK_BUFFER_NBYTES = ACT_SINK_UNIT_NBYTES + ACT_SINK_ROOM_NBYTES
};

struct act_sink {
    struct act_os_output *output; /* NULL when all-zero, or in memory */
    uint8_t *buffer;
    size_t unit_nbytes; /* that are written at a time */
    size_t used;
    size_t capacity;  /* of the buffer, in memory */
    uint64_t flushed; /* bytes of the file before the buffer: whole units; in memory any number */

    /* Checksums of the blocks that were written, when they are wanted: see format/index.h. */
    bool summed;
    uint64_t *sums;
    size_t sums_count;
    size_t sums_capacity;
};

/*
 * Starts the file at `path` with `head_nbytes` bytes, of which all after the magic are to be given
 * to act_sink_finish. Errors: those of act_os_output_open, ACT_ERR_NOMEM.
 */
act_status act_sink_open(struct act_sink *sink, const char *path, size_t head_nbytes,
                         act_error *error);

/* Starts a part in memory, whose first byte has this position. It takes act_sink_append alone, and
 * is found at `buffer`. */
void act_sink_open_memory(struct act_sink *sink, uint64_t position);

/* Writes a unit out, of which the buffer must be full. ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_sink_flush(struct act_sink *sink, act_error *error);

/* Where the next byte will stand. */
static inline uint64_t act_sink_position(const struct act_sink *sink)
{
    return sink->flushed + sink->used;
}

/*
 * Makes room for ACT_SINK_ROOM_NBYTES from act_sink_end on, where they are then written directly.
 * ACT_ERR_IO.
 */
static inline act_status act_sink_make_room(struct act_sink *sink, act_error *error)
{
    return ACT_LIKELY(sink->used < sink->unit_nbytes) ? ACT_OK : act_sink_flush(sink, error);
}

static inline uint8_t *act_sink_end(const struct act_sink *sink)
{
    return sink->buffer + sink->used;
}

static inline void act_sink_set_end(struct act_sink *sink, const uint8_t *end)
{
    sink->used = (size_t)(end - sink->buffer);
}

/* Appends any number of bytes. ACT_ERR_IO; ACT_ERR_NOMEM. */
act_status act_sink_append(struct act_sink *sink, const void *bytes, size_t nbytes,
                           act_error *error);

/* Appends the checksums of all bytes so far; gives their own. ACT_ERR_IO, ACT_ERR_NOMEM. */
act_status act_sink_append_sums(struct act_sink *sink, uint64_t *hash_ret, act_error *error);

/*
 * Ends the file: the tail is written, and `head`, what comes after the magic: first of all the
 * root's id. Then the file is put in place. ACT_ERR_IO.
 */
act_status act_sink_finish(struct act_sink *sink, const uint8_t *head, size_t head_nbytes,
                           bool sync, act_error *error);

/* Frees it; the file is thrown away unless it was finished. All-zero bytes are allowed. */
void act_sink_close(struct act_sink *sink);

#endif
