#include "build/path.h"

#include <stdlib.h>
#include <string.h>

bool act_path_open(struct act_path *path)
{
    memset(path, 0, sizeof(*path));
    return act_path_reserve(path, 0);
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
