/*
 * Runs: sorted entries in a temporary file.
 *
 * An entry is how many bytes its key shares with the one before, varint; how many are its own,
 * varint; these; the value, varint. Runs lie in the file one after the other.
 */
#ifndef ACT_BUILD_RUN_H
#define ACT_BUILD_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "build/duplicates.h"
#include "os/temp.h"

struct act_run {
    uint64_t off; /* in the file */
    uint64_t nbytes;
};

enum {
    ACT_RUN_BUFFER_NBYTES_MIN = 64, /* of writers and readers */
    ACT_RUN_KEY_SLACK_NBYTES = 16   /* so many bytes after a reader's key may be read */
};

/* ------------------------------------------------------------------------------------- writing */

struct act_run_writer {
    struct act_os_temp *temp;
    uint64_t off; /* where the run begins */
    uint8_t *buffer;
    size_t capacity;
    size_t used;
};

/* Begins a run at the end of the file. ACT_ERR_NOMEM. */
act_status act_run_writer_open(struct act_run_writer *writer, struct act_os_temp *temp,
                               size_t buffer_nbytes, act_error *error);

/* Appends an entry, `shared` included. ACT_ERR_IO. */
act_status act_run_write(struct act_run_writer *writer, const struct act_joined *joined,
                         act_error *error);

/* Ends the run. ACT_ERR_IO. */
act_status act_run_finish(struct act_run_writer *writer, struct act_run *run_ret, act_error *error);

/* Frees it; all-zero bytes are allowed. */
void act_run_writer_close(struct act_run_writer *writer);

/* ------------------------------------------------------------------------------------- reading */

struct act_run_reader {
    const struct act_os_temp *temp;
    uint64_t off; /* in the file, of what is not in the buffer yet */
    uint64_t end;
    uint8_t *buffer;
    size_t capacity;
    const uint8_t *at; /* in the buffer, of what was not taken yet */
    const uint8_t *filled;

    bool any;     /* an entry was taken */
    uint8_t *key; /* of the last one */
    size_t key_nbytes;
    size_t key_capacity;
    size_t shared; /* bytes that it shares with the one before */
    bool repeated; /* it is the same as the one before */
    uint64_t value;
};

/* Stands before the first entry of a run. ACT_ERR_NOMEM. */
act_status act_run_reader_open(struct act_run_reader *reader, const struct act_os_temp *temp,
                               const struct act_run *run, size_t buffer_nbytes, act_error *error);

/* Takes the next entry. ACT_OK, ACT_END, ACT_ERR_IO, ACT_ERR_NOMEM. What the file holds is believed
 * only so far that no memory is touched which is not the reader's. */
act_status act_run_next(struct act_run_reader *reader, act_error *error);

/* Frees it; all-zero bytes are allowed. */
void act_run_reader_close(struct act_run_reader *reader);

#endif
