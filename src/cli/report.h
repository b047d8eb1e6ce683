/* JSON reports. */
#ifndef ACT_CLI_REPORT_H
#define ACT_CLI_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "output.h"

/*
 * Set a member of an object; a failure, which can only be a lack of memory, shows in
 * cli_report_print.
 */
void cli_report_u64(json_t *object, const char *name, uint64_t number);
void cli_report_real(json_t *object, const char *name, double number);
void cli_report_bool(json_t *object, const char *name, bool yes);
void cli_report_null(json_t *object, const char *name);
/* Bytes that are no UTF-8 are escaped as \xHH. */
void cli_report_text(json_t *object, const char *name, const char *text);
/* The text of a key as --keys=escaped has it. */
void cli_report_key(json_t *object, const char *name, const uint8_t *key, size_t key_nbytes);
/* An array of numbers, without the zeros at its end. */
void cli_report_u64s(json_t *object, const char *name, const uint64_t *numbers, size_t count);
/* An object inside; it belongs to the outer one. NULL without memory, which all of these take. */
json_t *cli_report_object(json_t *object, const char *name);
/* The same of an array; and an object at the end of one, which belongs to it. */
json_t *cli_report_array(json_t *object, const char *name);
json_t *cli_report_item(json_t *array);

/* The same for an array, and one object more in an array. */
json_t *cli_report_array(json_t *object, const char *name);
json_t *cli_report_item(json_t *array);

/* Prints the report, a line for each member, and gives it up. Returns an exit status. */
int cli_report_print(struct cli_out *out, json_t *report);

#endif
