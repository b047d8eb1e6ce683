#define _POSIX_C_SOURCE 200809L

#include "open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allocate.h"
#include "entries.h"
#include "message.h"

/* Reads a descriptor to its end. Returns errno, or 0. */
static int read_all(int fd, uint8_t **bytes_ret, size_t *nbytes_ret)
{
    size_t capacity = (size_t)64 << 10;
    size_t nbytes = 0;
    struct stat st;
    /* Of a file it is known how much there is; one byte more, to see the end. */
    off_t at = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? lseek(fd, 0, SEEK_CUR) : -1;
    if (at >= 0 && st.st_size > at && (uint64_t)(st.st_size - at) < SIZE_MAX / 2)
        capacity = (size_t)(st.st_size - at) + 1;
    uint8_t *bytes = cli_enlarge(NULL, 0, capacity);
    ssize_t n = 1;
    while (bytes && n != 0) {
        if (nbytes == capacity) {
            uint8_t *larger = capacity > SIZE_MAX / 2 ? NULL
                                                      : cli_enlarge(bytes, capacity, capacity * 2);
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
        if (os_code == ENOMEM)
            snprintf(error->text, sizeof(error->text),
                     "is read into memory, of which there is too little; a file would be mapped");
        else
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
    return (act_open_options){.access = (act_access)options->access,
                              .key_nbytes_max = options->key_nbytes_max,
                              .steps_max = options->steps_max,
                              .advice = (act_advice)options->advice,
                              .populate = (act_populate)options->populate,
                              .lock = (act_lock)options->lock,
                              .is_private = options->is_private,
                              .huge = (act_huge)options->huge,
                              .resident_nbytes_max = options->budget_nbytes,
                              .root = options->root,
                              .checksums = (act_checksums)options->checksums,
                              .guard = guards[options->guard]};
}

int cli_refuse_copies(const struct cli_call *call)
{
    const char *option = NULL;
    if (call->options.access == ACT_ACCESS_READ)
        option = "--access=read";
    else if (call->options.guard == CLI_GUARD_THREAD)
        option = "--guard=thread";
    if (!option)
        return CLI_DONE;
    return cli_usage_error(call->verb->name,
                           "%s is about the pages of a file that is mapped: %s would copy it",
                           call->verb->name, option);
}

/* What was asked for and does nothing for bytes that are in memory is told. */
static void tell_idle(const struct cli_options *options, const struct cli_map *map, bool served)
{
    const struct {
        const char *name;
        bool given;
    } idle[] = {
        {"--advice", options->advice != ACT_ADVICE_AUTO},
        {"--populate", options->populate != ACT_POPULATE_NONE},
        {"--populate-prefix", options->prefix_to_populate},
        {"--lock", options->lock != ACT_LOCK_NONE},
        {"--huge", options->huge == ACT_HUGE_ON},
        {"--budget", options->budget_nbytes},
        {"--private", options->is_private},
    };
    char names[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof(idle) / sizeof(idle[0]); i++)
        if (idle[i].given)
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
                                     idle[i].name);
    bool can_be_mapped = !map->bytes && !served && options->access == ACT_ACCESS_AUTO;
    if (used)
        cli_say("%s: note: it is read into memory, for which %s does nothing%s", map->name, names,
                can_be_mapped ? "; with --access=map it is mapped" : "");
}

/* What was asked for and not done is told. */
static void tell_shortfall(const struct cli_options *options, const struct cli_map *map)
{
    act_map_paging paging;
    act_map_stat stat;
    act_map_get_stat(map->map, &stat);
    if (stat.access == ACT_ACCESS_READ) {
        tell_idle(options, map, stat.guard == ACT_GUARD_THREAD);
        return;
    }
    if (options->lock == ACT_LOCK_HOT && stat.hot_end == stat.hot_off)
        cli_say("%s: note: it has no hot region, so nothing is locked", map->name);
    if (!options->populate && !options->prefix_to_populate && options->huge != ACT_HUGE_ON)
        return;
    act_map_get_paging(map->map, &paging);
    bool populates = options->prefix_to_populate || options->populate != ACT_POPULATE_NONE;
    bool is_short = populates && (!paging.populate_asked_nbytes ||
                                  paging.populate_done_nbytes < paging.populate_asked_nbytes);
    if (is_short || (options->huge == ACT_HUGE_ON && !paging.huge_nbytes))
        cli_say("%s: note: %s", map->name, paging.text);
}

/* What has no checksum cannot be compared with it: that is told, too. */
static void tell_unchecked(const struct cli_options *options, const struct cli_map *map)
{
    act_map_stat stat;
    if (options->checksums == ACT_CHECKSUMS_OFF)
        return;
    act_map_get_stat(map->map, &stat);
    if (!stat.checksummed_nbytes)
        cli_say("%s: note: it has no checksums; what is read is checked for its structure only",
                map->name);
    else if (stat.merged_unchecked)
        cli_say("%s: note: what was merged into it has no checksums, and is checked for its "
                "structure only",
                map->name);
}

/* Where addresses are scarce, a set is seen through a window. */
#define WINDOW_NBYTES (SIZE_MAX > UINT32_MAX ? 0 : (uint64_t)1 << 30)

/* Files that the program has open besides those of parts, at most. */
#define OTHER_FILES 32

/*
 * With a window that is never full, parts are closed where the system has no room for more, as when
 * a program may not have so many files open. It is not for all sets, as lookups take a little
 * longer.
 */
static act_status open_set_by(const char *name, const act_open_options *options, act_set **set_ret,
                              act_error *error)
{
    act_set_options set_options = {.part = *options, .max_mapped_nbytes = WINDOW_NBYTES};
    long files_max = sysconf(_SC_OPEN_MAX);
    act_status status = act_set_open(name, &set_options, set_ret, error);
    if (status != ACT_OK || WINDOW_NBYTES || files_max < 0 ||
        act_set_part_count(*set_ret) + OTHER_FILES <= (size_t)files_max)
        return status;
    act_set_close(*set_ret);
    set_options.max_mapped_nbytes = UINT64_MAX;
    return act_set_open(name, &set_options, set_ret, error);
}

act_status cli_set_open_by_parts(const struct cli_options *options, const char *name,
                                 act_set **set_ret, act_error *error)
{
    act_set_options set_options = {.part = cli_open_options(options), .max_mapped_nbytes = 1};
    if (options->lock)
        set_options.max_mapped_nbytes = UINT64_MAX;
    return act_set_open(name, &set_options, set_ret, error);
}

/* A file that is no map may be the manifest of a set, whose first bytes are others. */
static act_status open_set(const char *name, const act_open_options *options, struct cli_map *map,
                           act_error *error)
{
    act_error own;
    act_status status = open_set_by(name, options, &map->set, &own);
    if (status == ACT_ERR_FORMAT)
        return status; /* of what it is not, the map is told */
    if (status != ACT_OK)
        *error = own;
    return status;
}

int cli_map_or_set_open(const struct cli_call *call, struct cli_map *map_ret, act_error *error)
{
    const char *name = call->arguments[0];
    act_open_options options = cli_open_options(&call->options);
    act_error own;
    act_status status;
    if (!error)
        error = &own;
    memset(map_ret, 0, sizeof(*map_ret));
    map_ret->name = cli_input_name(name);
    uint8_t *prefix = NULL;
    if (call->options.prefix_to_populate) {
        int failed = cli_key_argument(call, call->options.prefix_to_populate, &prefix,
                                      &options.prefix_nbytes);
        if (failed)
            return failed;
        options.populate = ACT_POPULATE_PREFIX;
        options.prefix = prefix;
    }
    if (strcmp(name, "-") == 0) {
        status = open_input(&options, map_ret, error);
    } else {
        status = act_map_open(name, &options, &map_ret->map, error);
        if (status == ACT_ERR_FORMAT)
            status = open_set(name, &options, map_ret, error);
    }
    free(prefix);
    if (status != ACT_OK)
        return cli_fail(map_ret->name, error);
    if (map_ret->map) {
        tell_shortfall(&call->options, map_ret);
        tell_unchecked(&call->options, map_ret);
    }
    return CLI_DONE;
}

int cli_map_open(const struct cli_call *call, struct cli_map *map_ret, act_error *error)
{
    int status = cli_map_or_set_open(call, map_ret, error);
    if (status != CLI_DONE || map_ret->map)
        return status;
    return cli_usage_error(call->verb->name,
                           "%s is a set of files; %s wants one of its parts, or what join makes "
                           "of it",
                           map_ret->name, call->verb->name);
}

act_status cli_map_open_again(const struct cli_options *options, const char *name, bool is_set,
                              struct cli_map *map_ret, act_error *error)
{
    act_open_options open_options = cli_open_options(options);
    memset(map_ret, 0, sizeof(*map_ret));
    map_ret->name = name;
    return is_set ? open_set_by(name, &open_options, &map_ret->set, error)
                  : act_map_open(name, &open_options, &map_ret->map, error);
}

act_status cli_map_get(const struct cli_map *map, const act_slice *key, uint64_t *value_ret,
                       act_error *error)
{
    return map->set ? act_set_get(map->set, key->bytes, key->nbytes, value_ret, error)
                    : act_map_get(map->map, key->bytes, key->nbytes, value_ret, error);
}

act_status cli_map_get_batch(const struct cli_map *map, const act_slice *keys, size_t count,
                             uint64_t *values_ret, uint8_t *found_ret, act_error *error)
{
    return map->set ? act_set_get_batch(map->set, keys, count, values_ret, found_ret, NULL, error)
                    : act_map_get_batch(map->map, keys, count, values_ret, found_ret, error);
}

void cli_map_close(struct cli_map *map)
{
    act_map_close(map->map);
    act_set_close(map->set);
    free(map->bytes);
}

uint64_t cli_map_file_nbytes(const struct cli_map *map)
{
    act_map_stat stat;
    act_set_stat set_stat;
    if (map->set) {
        act_set_get_stat(map->set, &set_stat);
        return set_stat.file_nbytes;
    }
    act_map_get_stat(map->map, &stat);
    return stat.file_nbytes;
}
