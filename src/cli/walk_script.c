#include "walk_script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "keys.h"
#include "message.h"

/* What stands behind a command, read. */
struct argument {
    const uint8_t *bytes;
    size_t nbytes;
    size_t number;
};

/* What a command answers: its result column. */
struct answer {
    enum {
        ANSWER_OK,     /* ok */
        ANSWER_BOOL,   /* true, false */
        ANSWER_NUMBER, /* decimal */
        ANSWER_BYTES,  /* hex, or - for none */
        ANSWER_NONE    /* - */
    } kind;
    bool truth;
    uint64_t number;
    const uint8_t *bytes;
    size_t nbytes;
    uint8_t child_bytes[256]; /* what `bytes` points to for child_mask */
};

typedef act_status command_fn(struct walk *walk, const struct argument *argument,
                              struct answer *answer, act_error *error);

/* ---------------------------------------------------------------------------------- answering */

static act_status say_number(struct answer *answer, act_status status, uint64_t number)
{
    answer->kind = ANSWER_NUMBER;
    answer->number = number;
    return status;
}

static act_status say_truth(struct answer *answer, bool truth)
{
    answer->kind = ANSWER_BOOL;
    answer->truth = truth;
    return ACT_OK;
}

/* A move: true if it was made, false if it could not be. */
static act_status say_moved(struct answer *answer, act_status status)
{
    say_truth(answer, status == ACT_OK);
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

static act_status say_value(struct answer *answer, act_status status, uint64_t value)
{
    if (status != ACT_NOT_FOUND)
        return say_number(answer, status, value);
    answer->kind = ANSWER_NONE;
    return ACT_OK;
}

static act_status say_bytes(struct answer *answer, const uint8_t *bytes, size_t nbytes)
{
    answer->kind = ANSWER_BYTES;
    answer->bytes = bytes;
    answer->nbytes = nbytes;
    return ACT_OK;
}

/* ------------------------------------------------------------------------------------ commands */

/* Most moves take no argument and answer whether they were made. */
#define MOVE(NAME)                                                                                 \
    static act_status run_##NAME(struct walk *walk, const struct argument *argument,               \
                                 struct answer *answer, act_error *error)                          \
    {                                                                                              \
        (void)argument;                                                                            \
        return say_moved(answer, act_cursor_##NAME(walk->cursor, error));                          \
    }

MOVE(descend_first_byte)
MOVE(descend_last_byte)
MOVE(descend_until)
MOVE(descend_last_path)
MOVE(ascend_byte)
MOVE(ascend_until)
MOVE(ascend_until_branch)
MOVE(to_next_sibling_byte)
MOVE(to_prev_sibling_byte)
MOVE(to_next_step)
MOVE(to_next_val)

/* So do those that take a number. */
#define MOVE_BY(NAME)                                                                              \
    static act_status run_##NAME(struct walk *walk, const struct argument *argument,               \
                                 struct answer *answer, act_error *error)                          \
    {                                                                                              \
        return say_moved(answer, act_cursor_##NAME(walk->cursor, argument->number, error));        \
    }

MOVE_BY(descend_indexed_byte)
MOVE_BY(descend_until_max_bytes)
MOVE_BY(ascend)
MOVE_BY(descend_first_k_path)

static act_status run_to_next_k_path(struct walk *walk, const struct argument *argument,
                                     struct answer *answer, act_error *error)
{
    /* There is no next path of length 0. The reference's cursor over a map in memory says true all
     * the same, at a root with children, and does not move; this language does as it does. */
    if (argument->number == 0 && act_cursor_at_root(walk->cursor))
        return say_truth(answer, act_cursor_child_count(walk->cursor) > 0);
    return say_moved(answer, act_cursor_to_next_k_path(walk->cursor, argument->number, error));
}

/* These answer how many bytes they went, or kept. */
#define MOVE_ALONG(NAME)                                                                           \
    static act_status run_##NAME(struct walk *walk, const struct argument *argument,               \
                                 struct answer *answer, act_error *error)                          \
    {                                                                                              \
        size_t nbytes = 0;                                                                         \
        act_status status = act_cursor_##NAME(walk->cursor, argument->bytes, argument->nbytes,     \
                                              &nbytes, error);                                     \
        return say_number(answer, status, nbytes);                                                 \
    }

MOVE_ALONG(descend_to_existing)
MOVE_ALONG(descend_to_val)
MOVE_ALONG(move_to_path)

static act_status run_root(struct walk *walk, const struct argument *argument,
                           struct answer *answer, act_error *error)
{
    act_cursor *cursor;
    act_status status = act_cursor_open(walk->map, argument->bytes, argument->nbytes, &cursor,
                                        error);
    answer->kind = ANSWER_OK;
    if (status != ACT_OK)
        return status;
    act_cursor_close(walk->cursor);
    walk->cursor = cursor;
    return ACT_OK;
}

static act_status run_reset(struct walk *walk, const struct argument *argument,
                            struct answer *answer, act_error *error)
{
    (void)argument;
    (void)error;
    act_cursor_reset(walk->cursor);
    answer->kind = ANSWER_OK;
    return ACT_OK;
}

static act_status run_descend_to(struct walk *walk, const struct argument *argument,
                                 struct answer *answer, act_error *error)
{
    answer->kind = ANSWER_OK;
    return act_cursor_descend_to(walk->cursor, argument->bytes, argument->nbytes, error);
}

static act_status run_descend_to_check(struct walk *walk, const struct argument *argument,
                                       struct answer *answer, act_error *error)
{
    return say_moved(answer, act_cursor_descend_to_check(walk->cursor, argument->bytes,
                                                         argument->nbytes, error));
}

static act_status run_descend_to_byte(struct walk *walk, const struct argument *argument,
                                      struct answer *answer, act_error *error)
{
    answer->kind = ANSWER_OK;
    return act_cursor_descend_to_byte(walk->cursor, argument->bytes[0], error);
}

static act_status run_descend_to_existing_byte(struct walk *walk, const struct argument *argument,
                                               struct answer *answer, act_error *error)
{
    return say_moved(answer,
                     act_cursor_descend_to_existing_byte(walk->cursor, argument->bytes[0], error));
}

static act_status run_path(struct walk *walk, const struct argument *argument,
                           struct answer *answer, act_error *error)
{
    size_t nbytes;
    (void)argument;
    (void)error;
    const uint8_t *path = act_cursor_path(walk->cursor, &nbytes);
    return say_bytes(answer, path, nbytes);
}

static act_status run_at_root(struct walk *walk, const struct argument *argument,
                              struct answer *answer, act_error *error)
{
    (void)argument;
    (void)error;
    return say_truth(answer, act_cursor_at_root(walk->cursor));
}

static act_status run_path_exists(struct walk *walk, const struct argument *argument,
                                  struct answer *answer, act_error *error)
{
    (void)argument;
    (void)error;
    return say_truth(answer, act_cursor_path_exists(walk->cursor));
}

static act_status run_is_val(struct walk *walk, const struct argument *argument,
                             struct answer *answer, act_error *error)
{
    (void)argument;
    (void)error;
    return say_truth(answer, act_cursor_is_val(walk->cursor));
}

static act_status run_val(struct walk *walk, const struct argument *argument, struct answer *answer,
                          act_error *error)
{
    uint64_t value = 0;
    (void)argument;
    (void)error;
    act_status status = act_cursor_value(walk->cursor, &value);
    return say_value(answer, status, value);
}

static act_status run_val_at(struct walk *walk, const struct argument *argument,
                             struct answer *answer, act_error *error)
{
    uint64_t value = 0;
    act_status status = act_cursor_value_at(walk->cursor, argument->bytes, argument->nbytes, &value,
                                            error);
    return say_value(answer, status, value);
}

static act_status run_val_count(struct walk *walk, const struct argument *argument,
                                struct answer *answer, act_error *error)
{
    uint64_t count = 0;
    (void)argument;
    act_status status = act_cursor_val_count(walk->cursor, &count, error);
    return say_number(answer, status, count);
}

static act_status run_child_count(struct walk *walk, const struct argument *argument,
                                  struct answer *answer, act_error *error)
{
    (void)argument;
    (void)error;
    return say_number(answer, ACT_OK, act_cursor_child_count(walk->cursor));
}

static act_status run_child_mask(struct walk *walk, const struct argument *argument,
                                 struct answer *answer, act_error *error)
{
    uint64_t mask[4];
    size_t nbytes = 0;
    (void)argument;
    (void)error;
    act_cursor_child_mask(walk->cursor, mask);
    for (unsigned b = 0; b < 256; b++) {
        if (mask[b / 64] >> b % 64 & 1)
            answer->child_bytes[nbytes++] = (uint8_t)b;
    }
    return say_bytes(answer, answer->child_bytes, nbytes);
}

enum argument_kind {
    TAKES_NOTHING,
    TAKES_BYTES,
    TAKES_BYTE,
    TAKES_NUMBER
};

/* Sorted by name. */
static const struct command {
    const char *name;
    enum argument_kind takes;
    command_fn *run;
} commands[] = {
    {"ascend", TAKES_NUMBER, run_ascend},
    {"ascend_byte", TAKES_NOTHING, run_ascend_byte},
    {"ascend_until", TAKES_NOTHING, run_ascend_until},
    {"ascend_until_branch", TAKES_NOTHING, run_ascend_until_branch},
    {"at_root", TAKES_NOTHING, run_at_root},
    {"child_count", TAKES_NOTHING, run_child_count},
    {"child_mask", TAKES_NOTHING, run_child_mask},
    {"descend_first_byte", TAKES_NOTHING, run_descend_first_byte},
    {"descend_first_k_path", TAKES_NUMBER, run_descend_first_k_path},
    {"descend_indexed_byte", TAKES_NUMBER, run_descend_indexed_byte},
    {"descend_last_byte", TAKES_NOTHING, run_descend_last_byte},
    {"descend_last_path", TAKES_NOTHING, run_descend_last_path},
    {"descend_to", TAKES_BYTES, run_descend_to},
    {"descend_to_byte", TAKES_BYTE, run_descend_to_byte},
    {"descend_to_check", TAKES_BYTES, run_descend_to_check},
    {"descend_to_existing", TAKES_BYTES, run_descend_to_existing},
    {"descend_to_existing_byte", TAKES_BYTE, run_descend_to_existing_byte},
    {"descend_to_val", TAKES_BYTES, run_descend_to_val},
    {"descend_until", TAKES_NOTHING, run_descend_until},
    {"descend_until_max_bytes", TAKES_NUMBER, run_descend_until_max_bytes},
    {"is_val", TAKES_NOTHING, run_is_val},
    {"move_to_path", TAKES_BYTES, run_move_to_path},
    {"path", TAKES_NOTHING, run_path},
    {"path_exists", TAKES_NOTHING, run_path_exists},
    {"reset", TAKES_NOTHING, run_reset},
    {"root", TAKES_BYTES, run_root},
    {"to_next_k_path", TAKES_NUMBER, run_to_next_k_path},
    {"to_next_sibling_byte", TAKES_NOTHING, run_to_next_sibling_byte},
    {"to_next_step", TAKES_NOTHING, run_to_next_step},
    {"to_next_val", TAKES_NOTHING, run_to_next_val},
    {"to_prev_sibling_byte", TAKES_NOTHING, run_to_prev_sibling_byte},
    {"val", TAKES_NOTHING, run_val},
    {"val_at", TAKES_BYTES, run_val_at},
    {"val_count", TAKES_NOTHING, run_val_count},
};

/* ------------------------------------------------------------------------------- reading lines */

static act_status refuse(act_error *error, const char *what, const char *word)
{
    char quoted[CLI_QUOTED_NBYTES];
    *error = (act_error){.status = ACT_ERR_INVALID, .offset = ACT_NO_OFFSET};
    snprintf(error->text, sizeof(error->text), "%s: %s", what,
             cli_quote(quoted, word, strlen(word)));
    return ACT_ERR_INVALID;
}

/* Turns hex digits into bytes, in their own place. */
static act_status read_bytes(char *word, struct argument *argument, act_error *error)
{
    uint8_t *bytes = (uint8_t *)word;
    const char *wrong = cli_key_decode(CLI_KEYS_HEX, word, strlen(word), bytes, &argument->nbytes);
    if (wrong)
        return refuse(error, wrong, word);
    argument->bytes = bytes;
    return ACT_OK;
}

static act_status read_number(const char *word, struct argument *argument, act_error *error)
{
    uint64_t number;
    if (!cli_parse_u64(word, strlen(word), &number))
        return refuse(error, "not a decimal number below 2^64", word);
    /* Nothing is as long as that; on a machine of 32 bits the cut changes no answer. */
    argument->number = number < SIZE_MAX ? (size_t)number : SIZE_MAX;
    return ACT_OK;
}

static act_status read_argument(const struct command *command, char *word,
                                struct argument *argument, act_error *error)
{
    act_status status = ACT_OK;
    switch (command->takes) {
    case TAKES_NOTHING:
        if (*word)
            return refuse(error, "this command takes no argument", word);
        break;
    case TAKES_BYTES:
        return read_bytes(word, argument, error);
    case TAKES_BYTE:
        status = read_bytes(word, argument, error);
        if (status == ACT_OK && argument->nbytes != 1)
            return refuse(error, "one byte wanted, as two hex digits, after", command->name);
        break;
    case TAKES_NUMBER:
        return *word ? read_number(word, argument, error)
                     : refuse(error, "a decimal number wanted after", command->name);
    }
    return status;
}

static int compare_name(const void *name, const void *command)
{
    return strcmp(name, ((const struct command *)command)->name);
}

#define BLANKS " \t\r\f\v"

/* Cuts off the first word; what follows it is left in `*rest`. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, BLANKS);
    char *end = word + strcspn(word, BLANKS);
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static void write_answer(const struct answer *answer, const act_cursor *cursor, struct cli_out *out)
{
    switch (answer->kind) {
    case ANSWER_OK:
        cli_out_text(out, "ok\t");
        break;
    case ANSWER_BOOL:
        cli_out_text(out, answer->truth ? "true\t" : "false\t");
        break;
    case ANSWER_NUMBER:
        cli_out_u64(out, answer->number, '\t');
        break;
    case ANSWER_BYTES:
        cli_out_key(out, CLI_KEYS_HEX, answer->bytes, answer->nbytes);
        cli_out_text(out, answer->nbytes ? "\t" : "-\t");
        break;
    case ANSWER_NONE:
        cli_out_text(out, "-\t");
        break;
    }
    size_t path_nbytes;
    const uint8_t *path = act_cursor_path(cursor, &path_nbytes);
    cli_out_key(out, CLI_KEYS_HEX, path, path_nbytes);
    cli_out_text(out, "\n");
}

act_status walk_run(struct walk *walk, char *line, struct cli_out *out, act_error *error)
{
    char *name = next_word(&line);
    if (*name == '\0' || *name == '#')
        return ACT_OK;
    const struct command *command = bsearch(name, commands, sizeof(commands) / sizeof(commands[0]),
                                            sizeof(commands[0]), compare_name);
    if (!command)
        return refuse(error, "unknown command", name);
    char *word = next_word(&line);
    const char *more = next_word(&line);
    if (*more)
        return refuse(error, "too many words", more);
    struct argument argument = {NULL, 0, 0};
    struct answer answer;
    act_status status = read_argument(command, word, &argument, error);
    if (status != ACT_OK)
        return status;
    status = command->run(walk, &argument, &answer, error);
    /* What has no status of its own to tell is not to be believed either. */
    if (act_map_check(walk->map, error) != ACT_OK)
        return ACT_ERR_IO;
    if (status == ACT_OK)
        write_answer(&answer, walk->cursor, out);
    return status;
}
