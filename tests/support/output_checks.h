/* Files of a test's folder, written through os/file.h, and what must be true of them. */
#ifndef TESTS_SUPPORT_OUTPUT_CHECKS_H
#define TESTS_SUPPORT_OUTPUT_CHECKS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/file.h"
#include "support/check.h"
#include "support/scratch.h"

/* `scratch_dir`/`name`; valid until the third next call. */
static inline const char *in_dir(const char *name)
{
    static char paths[3][4096];
    static unsigned next;
    char *path = paths[next++ % 3];
    snprintf(path, sizeof(paths[0]), "%s/%s", scratch_dir, name);
    return path;
}

static inline void assert_holds(const char *path, const char *text)
{
    size_t nbytes;
    unsigned char *bytes = scratch_read(path, &nbytes);
    assert_string_equal((const char *)bytes, text);
    assert_int_equal(nbytes, strlen(text));
    free(bytes);
}

static inline struct act_os_output *open_output(const char *path)
{
    struct act_os_output *output;
    act_error error = {0};
    if (act_os_output_open(path, &output, &error) != ACT_OK)
        fail_msg("%s", error.text);
    return output;
}

static inline void write_file(const char *path, const char *text)
{
    act_error error = {0};
    struct act_os_output *output = open_output(path);
    assert_int_equal(act_os_output_write(output, text, strlen(text), &error), ACT_OK);
    if (act_os_output_commit(output, true, &error) != ACT_OK)
        fail_msg("%s", error.text);
    act_os_output_close(output);
}

static inline void assert_refused(const char *path, act_status status, int os_code,
                                  const char *word)
{
    act_error error = {0};
    struct act_os_output *output = (struct act_os_output *)&error;
    assert_int_equal(act_os_output_open(path, &output, &error), status);
    assert_null(output);
    assert_int_equal(error.status, status);
    assert_int_equal(error.os_code, os_code);
    if (!strstr(error.text, word))
        fail_msg("no \"%s\" in: %s", word, error.text);
}

#endif
