#include "build/path.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* Small blocks lie side by side, and this one is written for each key: were it no larger than
     * its first key, threads that build would write to the same lines of the caches. */
    KEY_NBYTES = 512
};

bool act_path_open(struct act_path *path)
{
    memset(path, 0, sizeof(*path));
    return act_path_grow_key(path, KEY_NBYTES);
}

void act_path_close(struct act_path *path)
{
    free(path->key);
    free(path->open);
    memset(path, 0, sizeof(*path));
}

bool act_path_grow_key(struct act_path *path, size_t key_nbytes)
{
    return key_nbytes <= SIZE_MAX - ACT_LINE_SLACK_NBYTES &&
           act_reserve(&path->key, &path->key_capacity, key_nbytes + ACT_LINE_SLACK_NBYTES, 1);
}
