/* jansson's integers are signed, and ours go up to 2^64 - 1. Larger ones are put in as texts that
 * begin with a mark, which no other text here holds, and lose mark and quotes when printed. */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

#define BIG_MARK  "\x01"
#define BIG_START "\"\\u0001"

/* A lack of memory anywhere: the object is marked by a member that cannot be there otherwise. */
static void set(json_t *object, const char *name, json_t *value)
{
    if (!object)
        json_decref(value);
    else if (!value || json_object_set_new(object, name, value) != 0)
        json_object_clear(object);
}

static json_t *number_of(uint64_t number)
{
    char text[32];
    if (number <= INT64_MAX)
        return json_integer((json_int_t)number);
    snprintf(text, sizeof(text), BIG_MARK "%llu", (unsigned long long)number);
    return json_string(text);
}

void cli_report_u64(json_t *object, const char *name, uint64_t number)
{
    set(object, name, number_of(number));
}

void cli_report_real(json_t *object, const char *name, double number)
{
    set(object, name, json_real(number));
}

void cli_report_bool(json_t *object, const char *name, bool yes)
{
    set(object, name, json_boolean(yes));
}

void cli_report_null(json_t *object, const char *name)
{
    set(object, name, json_null());
}

void cli_report_text(json_t *object, const char *name, const char *text)
{
    size_t nbytes = strlen(text);
    json_t *value = strstr(text, BIG_MARK) ? NULL : json_stringn(text, nbytes);
    if (!value) {
        char *escaped = malloc(nbytes * CLI_KEY_TEXT_NBYTES_MAX + 1);
        if (escaped)
            value = json_stringn(
                escaped, cli_key_encode(CLI_KEYS_ESCAPED, (const uint8_t *)text, nbytes, escaped));
        free(escaped);
    }
    set(object, name, value);
}

void cli_report_key(json_t *object, const char *name, const uint8_t *key, size_t key_nbytes)
{
    json_t *value = NULL;
    char *text = key_nbytes > SIZE_MAX / 8 ? NULL
                                           : malloc(key_nbytes * CLI_KEY_TEXT_NBYTES_MAX + 1);
    if (text)
        value = json_stringn(text, cli_key_encode(CLI_KEYS_ESCAPED, key, key_nbytes, text));
    free(text);
    set(object, name, value);
}

void cli_report_u64s(json_t *object, const char *name, const uint64_t *numbers, size_t count)
{
    json_t *array = json_array();
    while (count && numbers[count - 1] == 0)
        count--;
    for (size_t i = 0; array && i < count; i++) {
        if (json_array_append_new(array, number_of(numbers[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    set(object, name, array);
}

json_t *cli_report_object(json_t *object, const char *name)
{
    json_t *inner = json_object();
    set(object, name, inner);
    return inner;
}

json_t *cli_report_array(json_t *object, const char *name)
{
    json_t *array = json_array();
    set(object, name, array);
    return array;
}

json_t *cli_report_item(json_t *array)
{
    json_t *item = json_object();
    if (!array) {
        json_decref(item);
        return NULL;
    }
    if (item && json_array_append_new(array, item) == 0)
        return item;
    json_array_clear(array);
    return NULL;
}

/* Takes mark and quotes off the big numbers, in place. */
static size_t unmark(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        if (strncmp(from, BIG_START, strlen(BIG_START)) == 0) {
            from += strlen(BIG_START);
            while (*from != '"')
                *to++ = *from++;
            from++;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}

int cli_report_print(struct cli_out *out, json_t *report)
{
    char *text = report ? json_dumps(report, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) : NULL;
    json_decref(report);
    if (!text)
        return cli_fail_nomem();
    cli_out_write(out, text, unmark(text));
    cli_out_text(out, "\n");
    free(text);
    return 0;
}
