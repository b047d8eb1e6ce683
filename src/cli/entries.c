#define _POSIX_C_SOURCE 200809L

#include "entries.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocate.h"
#include "interrupt.h"
#include "message.h"
#include "open.h"
#include "progress.h"

/* How many entries go by between two looks at the clock. */
#define TELL_EVERY 4096

/* A smaller file is printed before a second thread has come to work. */
#define PARALLEL_FILE_NBYTES_MIN ((uint64_t)1 << 20)
/* What a thread does at a time: so many bytes of the file, some times as many of text. */
#define PART_FILE_NBYTES ((uint64_t)512 << 10)
#define THREADS_MAX      64
/* With less, one thread prints without keeping any text. */
#define PARALLEL_MEMORY_NBYTES_MIN ((uint64_t)64 << 20)

/* Longer keys go to the output in pieces. */
#define SHORT_KEY_NBYTES ((size_t)4096)

struct printer {
    struct cli_out *out;
    enum cli_keys keys;
    char end; /* of a record */
    uint64_t count;
    struct cli_progress progress;
};

/* The text of a part of the range, until its turn comes. */
struct part {
    uint8_t *text;
    size_t used;
    size_t capacity;
    uint64_t count;
    char *refused; /* a key that raw output cannot carry, quoted: the end of the part */
    bool out_of_memory;
    uint8_t apart[128]; /* so that threads do not write to one cache line */
};

struct crew {
    struct printer *printer;
    size_t threads;
    size_t ended;                   /* parts that were written */
    struct part parts[THREADS_MAX]; /* part i at i % threads */
};

int cli_key_argument(const struct cli_call *call, const char *text, uint8_t **key_ret,
                     size_t *key_nbytes_ret)
{
    size_t nbytes = strlen(text);
    /* One byte more: a pointer for the empty key too. */
    *key_ret = malloc(nbytes + 1);
    if (!*key_ret)
        return cli_fail_nomem();
    const char *wrong = cli_key_decode(call->options.keys, text, nbytes, *key_ret, key_nbytes_ret);
    if (!wrong)
        return CLI_DONE;
    free(*key_ret);
    *key_ret = NULL;
    cli_say("key \"%s\": %s", text, wrong);
    return CLI_TROUBLE;
}

/* Whether 8 bytes have this one among them. */
static bool has_byte(const uint8_t *bytes, uint8_t byte)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    word ^= ones * byte;
    return (word - ones) & ~word & ones << 7;
}

/* Whether the key, printed as it is, would end the record, or the key, before its time. */
static bool breaks_record(const struct printer *printer, const uint8_t *key, size_t key_nbytes)
{
    uint8_t one = printer->end == '\0' ? '\0' : '\n';
    uint8_t other = printer->end == '\0' ? '\0' : '\t';
    if (key_nbytes > 16)
        return memchr(key, one, key_nbytes) || (one != other && memchr(key, other, key_nbytes));
    if (key_nbytes >= 8) {
        const uint8_t *rest = key + key_nbytes - 8;
        return has_byte(key, one) || has_byte(key, other) || has_byte(rest, one) ||
               has_byte(rest, other);
    }
    for (size_t i = 0; i < key_nbytes; i++) {
        if (key[i] == one || key[i] == other)
            return true;
    }
    return false;
}

static bool is_refused(const struct printer *printer, const uint8_t *key, size_t key_nbytes)
{
    return printer->keys == CLI_KEYS_RAW && breaks_record(printer, key, key_nbytes);
}

static int refuse(const struct printer *printer, const char *quoted)
{
    cli_out_flush(printer->out);
    cli_say("key %s has %s, which raw output cannot show; use --keys=escaped or --keys=hex", quoted,
            printer->end == '\0' ? "a NUL byte" : "a tab or newline");
    return CLI_TROUBLE;
}

/* Writes what follows a key; returns the end. */
static char *put_value(const struct printer *printer, char *at, uint64_t value)
{
    *at++ = '\t';
    at = cli_put_u64(at, value);
    *at++ = printer->end;
    return at;
}

/* ------------------------------------------------------------------------------- one by one */

/* A scan on the tool's only thread. */
struct single {
    struct printer *printer;
    bool refused;
};

static int print_entry(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct single *single = context;
    struct printer *printer = single->printer;
    struct cli_out *out = printer->out;
    if (is_refused(printer, key, key_nbytes)) {
        char quoted[CLI_QUOTED_NBYTES];
        refuse(printer, cli_quote(quoted, key, key_nbytes));
        single->refused = true;
        return 1;
    }
    size_t rest_nbytes = CLI_U64_NBYTES_MAX + 2;
    if (key_nbytes <= SHORT_KEY_NBYTES) {
        char *at = (char *)cli_out_room(out, key_nbytes * CLI_KEY_TEXT_NBYTES_MAX + rest_nbytes);
        char *end = at + cli_key_encode(printer->keys, key, key_nbytes, at);
        out->used += (size_t)(put_value(printer, end, value) - at);
    } else {
        cli_out_key(out, printer->keys, key, key_nbytes);
        char *at = (char *)cli_out_room(out, rest_nbytes);
        out->used += (size_t)(put_value(printer, at, value) - at);
    }
    if (++printer->count % TELL_EVERY == 0)
        cli_progress_tell(&printer->progress, printer->count, 0);
    return out->os_code;
}

static int print_alone(struct printer *printer, const struct cli_map *map, const act_range *range)
{
    struct single single = {.printer = printer};
    act_error error;
    act_status status = map->set ? act_set_scan(map->set, range, print_entry, &single, &error)
                                 : act_map_scan(map->map, range, print_entry, &single, &error);
    if (single.refused)
        return CLI_TROUBLE;
    if (status == ACT_OK || status == ACT_STOPPED)
        return CLI_DONE;
    cli_out_flush(printer->out);
    return cli_fail(map->name, &error);
}

/* ------------------------------------------------------------------------------- on threads */

static bool reserve(struct part *part, size_t nbytes)
{
    if (nbytes <= part->capacity - part->used)
        return true;
    size_t capacity = part->capacity ? part->capacity : 64 << 10;
    while (capacity - part->used < nbytes) {
        if (capacity > SIZE_MAX / 2)
            return false;
        capacity *= 2;
    }
    uint8_t *text = cli_enlarge(part->text, part->capacity, capacity);
    if (!text)
        return false;
    part->text = text;
    part->capacity = capacity;
    return true;
}

static int print_in_part(void *context, size_t index, const uint8_t *key, size_t key_nbytes,
                         uint64_t value)
{
    struct crew *crew = context;
    const struct printer *printer = crew->printer;
    struct part *part = &crew->parts[index % crew->threads];
    if (is_refused(printer, key, key_nbytes)) {
        part->refused = malloc(CLI_QUOTED_NBYTES);
        part->out_of_memory = !part->refused;
        if (part->refused)
            cli_quote(part->refused, key, key_nbytes);
        return 1;
    }
    if (key_nbytes > SIZE_MAX / 8 ||
        !reserve(part, key_nbytes * CLI_KEY_TEXT_NBYTES_MAX + CLI_U64_NBYTES_MAX + 2)) {
        part->out_of_memory = true;
        return 1;
    }
    char *at = (char *)part->text + part->used;
    char *end = at + cli_key_encode(printer->keys, key, key_nbytes, at);
    part->used += (size_t)(put_value(printer, end, value) - at);
    part->count++;
    return 0;
}

/* Writes a part's text, and makes room for another part's. */
static int write_part(void *context, size_t index)
{
    struct crew *crew = context;
    struct printer *printer = crew->printer;
    struct part *part = &crew->parts[index % crew->threads];
    cli_out_write(printer->out, part->text, part->used);
    printer->count += part->count;
    part->used = 0;
    part->count = 0;
    crew->ended = index + 1;
    cli_progress_tell(&printer->progress, printer->count, 0);
    return printer->out->os_code;
}

/* What the first part that was not written to its end has to say. */
static int finish_crew(struct crew *crew, const struct cli_map *map, act_status status,
                       const act_error *error)
{
    if (status == ACT_OK || crew->printer->out->os_code)
        return CLI_DONE;
    write_part(crew, crew->ended);
    for (size_t i = 0; i < crew->threads; i++) {
        const struct part *part = &crew->parts[(crew->ended + i) % crew->threads];
        if (part->refused)
            return refuse(crew->printer, part->refused);
        if (part->out_of_memory)
            return cli_fail_nomem();
    }
    cli_out_flush(crew->printer->out);
    return cli_fail(map->name, error);
}

static int print_on_threads(struct printer *printer, const struct cli_map *map,
                            const act_range *range, size_t threads)
{
    struct crew *crew = calloc(1, sizeof(*crew));
    act_map_stat stat;
    act_error error;
    if (!crew)
        return cli_fail_nomem();
    crew->printer = printer;
    crew->threads = threads;
    act_map_get_stat(map->map, &stat);
    act_parallel_options options = {.threads = (unsigned)threads, .part_end = write_part};
    options.parts = (size_t)(stat.file_nbytes / PART_FILE_NBYTES) + threads;
    act_status status = act_map_scan_parallel(map->map, range, &options, print_in_part, crew,
                                              &error);
    int result = finish_crew(crew, map, status, &error);
    for (size_t i = 0; i < threads; i++) {
        free(crew->parts[i].text);
        free(crew->parts[i].refused);
    }
    free(crew);
    return result;
}

/* Whether the part of a set begins above all keys of a range. */
static bool begins_above(const act_set_part *part, const act_range *range)
{
    if (range->to &&
        cli_key_compare(part->from, part->from_nbytes, range->to, range->to_nbytes) >= 0)
        return true;
    if (!range->prefix)
        return false;
    bool inside = part->from_nbytes >= range->prefix_nbytes &&
                  memcmp(part->from, range->prefix, range->prefix_nbytes) == 0;
    return !inside &&
           cli_key_compare(part->from, part->from_nbytes, range->prefix, range->prefix_nbytes) > 0;
}

/* Prints a range of a set, one part after the other, on threads that work in the same part. */
static int print_set(struct printer *printer, const struct cli_map *map, const act_range *range,
                     size_t threads)
{
    size_t count = act_set_part_count(map->set);
    size_t part = act_set_find_part(map->set, range->prefix,
                                    range->prefix ? range->prefix_nbytes : 0);
    size_t from_part = act_set_find_part(map->set, range->from,
                                         range->from ? range->from_nbytes : 0);
    int status = CLI_DONE;
    for (part = part > from_part ? part : from_part; part < count && status == CLI_DONE; part++) {
        act_set_part own;
        struct cli_map part_map = {.name = map->name};
        act_error error;
        act_set_get_part(map->set, part, &own, NULL);
        if (begins_above(&own, range))
            break;
        if (act_set_part_open(map->set, part, &part_map.map, &error) != ACT_OK) {
            cli_out_flush(printer->out);
            return cli_fail(map->name, &error);
        }
        part_map.name = own.name;
        status = print_on_threads(printer, &part_map, range, threads);
        act_set_part_release(map->set, part);
        if (printer->out->os_code)
            break;
    }
    return status;
}

/* How many threads are to print a range. */
static size_t count_threads(const struct cli_call *call, const struct cli_map *map,
                            const act_range *range)
{
    uint64_t threads = call->options.threads ? call->options.threads : 2;
    if (range->reverse || range->limit || cli_map_file_nbytes(map) < PARALLEL_FILE_NBYTES_MIN ||
        act_memory_available() < PARALLEL_MEMORY_NBYTES_MIN)
        return 1;
    return threads < THREADS_MAX ? (size_t)threads : THREADS_MAX;
}

int cli_print_entries(struct cli_call *call, act_range *range, uint64_t *count_ret)
{
    struct cli_map map;
    struct printer printer = {.out = &call->out,
                              .keys = call->options.keys,
                              .end = call->options.nul_records ? '\0' : '\n'};
    int status = cli_map_or_set_open(call, &map, NULL);
    range->reverse = call->options.reverse;
    range->limit = call->options.limit;
    /* To act_range, 0 is no limit. */
    if (status == CLI_DONE && !(call->options.limit_given && call->options.limit == 0)) {
        /* Entries on a terminal are progress enough, and a line between them would be a mess. */
        enum cli_when when = call->options.progress;
        if (when == CLI_AUTO && isatty(STDOUT_FILENO) == 1)
            when = CLI_NEVER;
        cli_progress_start(&printer.progress, when, "printing", "entries");
        size_t threads = count_threads(call, &map, range);
        if (threads == 1)
            status = print_alone(&printer, &map, range);
        else if (map.set)
            status = print_set(&printer, &map, range, threads);
        else
            status = print_on_threads(&printer, &map, range, threads);
        cli_progress_tell(&printer.progress, printer.count, 0);
        cli_progress_end(&printer.progress);
    }
    cli_map_close(&map);
    *count_ret = printer.count;
    return status;
}
