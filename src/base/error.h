/* Filling the caller's act_error. */
#ifndef ACT_BASE_ERROR_H
#define ACT_BASE_ERROR_H

#include "actree.h"
#include "base/attributes.h"

/*
 * Fills `*error`, if there is one, and returns `status`, so that a failing function ends with
 * `return act_fail(...)`. The text is cut to the room there is.
 */
ACT_PRINTF(4, 5)
act_status act_fail(act_error *error, act_status status, uint64_t offset, const char *format, ...);

/* The same for a system call that failed: appends what `os_code`, an errno, means. The status is
 * ACT_ERR_NOMEM for ENOMEM, otherwise ACT_ERR_IO. */
ACT_PRINTF(3, 4)
act_status act_fail_os(act_error *error, int os_code, const char *format, ...);

/* Out of memory, in words. */
act_status act_fail_nomem(act_error *error);

#define ACT_QUOTED_NBYTES 96

/*
 * Writes bytes in double quotes, for an error text: escapes what is not printable ASCII, and cuts
 * what is too long in the middle. Returns `quoted`.
 */
const char *act_quote(char quoted[ACT_QUOTED_NBYTES], const void *bytes, size_t nbytes);

#endif
