#define _POSIX_C_SOURCE 200809L

#include "open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

/* Reads a descriptor to its end. Returns errno, or 0. */
static int read_all(int fd, uint8_t **bytes_ret, size_t *nbytes_ret)
{
    size_t capacity = (size_t)64 << 10;
    size_t nbytes = 0;
    uint8_t *bytes = malloc(capacity);
    ssize_t n = 1;
    while (bytes && n != 0) {
        if (nbytes == capacity) {
            uint8_t *larger = capacity > SIZE_MAX / 2 ? NULL : realloc(bytes, capacity * 2);
            if (!larger)
                break;
            bytes = larger;
            capacity *= 2;
        }
        n = read(fd, bytes + nbytes, capacity - nbytes);
        if (n > 0) {
            nbytes += (size_t)n;
        } else if (n < 0 && errno != EINTR) {
            int os_code = errno;
            free(bytes);
            return os_code;
        }
    }
    if (!bytes || n != 0) {
        free(bytes);
        return ENOMEM;
    }
    *bytes_ret = bytes;
    *nbytes_ret = nbytes;
    return 0;
}

static act_status open_input(const act_open_options *options, struct cli_map *map, act_error *error)
{
    uint8_t *bytes = NULL;
    size_t nbytes = 0;
    int os_code = read_all(STDIN_FILENO, &bytes, &nbytes);
    if (os_code) {
        error->status = os_code == ENOMEM ? ACT_ERR_NOMEM : ACT_ERR_IO;
        error->os_code = os_code;
        error->offset = ACT_NO_OFFSET;
        snprintf(error->text, sizeof(error->text), "cannot read: %s", strerror(os_code));
        return error->status;
    }
    map->bytes = bytes;
    return act_map_open_memory(bytes, nbytes, options, &map->map, error);
}

act_open_options cli_open_options(const struct cli_options *options)
{
    static const act_guard guards[] = {[CLI_GUARD_SIGNAL] = ACT_GUARD_SIGNAL,
                                       [CLI_GUARD_NONE] = ACT_GUARD_NONE,
                                       [CLI_GUARD_THREAD] = ACT_GUARD_THREAD};
    return (act_open_options){.key_nbytes_max = options->key_nbytes_max,
                              .steps_max = options->steps_max,
                              .guard = guards[options->guard]};
}

int cli_map_open(const struct cli_call *call, struct cli_map *map_ret, act_error *error)
{
    const char *name = call->arguments[0];
    act_open_options options = cli_open_options(&call->options);
    act_error own;
    if (!error)
        error = &own;
    memset(map_ret, 0, sizeof(*map_ret));
    map_ret->name = cli_input_name(name);
    act_status status = strcmp(name, "-") == 0 ? open_input(&options, map_ret, error)
                                               : act_map_open(name, &options, &map_ret->map, error);
    return status == ACT_OK ? CLI_DONE : cli_fail(map_ret->name, error);
}

void cli_map_close(struct cli_map *map)
{
    act_map_close(map->map);
    free(map->bytes);
}
