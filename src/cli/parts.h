/* The files of a set that is being made. */
#ifndef ACT_CLI_PARTS_H
#define ACT_CLI_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"

struct cli_part {
    char *path;
    const char *name; /* the end of it: from the manifest's folder on */
    uint8_t *from;    /* its lowest key; never NULL */
    size_t from_nbytes;
    act_builder *builder; /* while it is built */
    bool made;            /* it is in its place */
    uint64_t file_nbytes;
    uint64_t done; /* entries and paths added */
    act_status status;
    act_error error;
};

struct cli_parts {
    struct cli_part *items;
    size_t count;
    size_t capacity;
    act_builder_options builder_options;
};

/* Adds a part that begins with this key. False if there is no memory. */
bool cli_parts_add(struct cli_parts *parts, const uint8_t *from, size_t from_nbytes);

/*
 * Gives the parts of the set at `path` names that no file there has: NAME.XXXXXXXX-N.act. Returns
 * an exit status, after a message if it is not CLI_DONE.
 */
int cli_parts_name(struct cli_parts *parts, const char *path);

/* Whether a part of the set at `path` has such a name, so that it was made for it. */
bool cli_parts_is_own_name(const char *path, const char *name);

/* Whether the file at `path` is a part of the set whose manifest is at `set_path`; with `own` only
 * if its name is one that was made for that set. */
bool cli_set_has_file(const act_set *set, const char *set_path, const char *path, bool own);

/* The path of such a part, to be freed; NULL where there is none, or no memory. */
char *cli_set_part_path(const act_set *set, const char *set_path, size_t index, bool own);

/* Open the part's builder, and put the file in its place. Parts are independent of each other, so
 * that each may be built by another thread. False: see part->error. */
bool cli_part_open(const struct cli_parts *parts, struct cli_part *part);
bool cli_part_finish(struct cli_part *part);

/* Takes note of what a builder answered; false unless it is ACT_OK. */
bool cli_part_added(struct cli_part *part, act_status status);

/* Removes the files that are in their places. */
void cli_parts_remove(struct cli_parts *parts);

/* Frees everything, and gives up what is being built. */
void cli_parts_free(struct cli_parts *parts);

#endif
