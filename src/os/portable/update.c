/*
 * ISO C has neither locks nor a way to cut a file, and without both a file is not safe to change in
 * place: nothing can be opened so.
 */
#include "os/update.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

act_status act_os_update_open(const char *path, struct act_os_update **update_ret, act_error *error)
{
    char quoted[ACT_QUOTED_NBYTES];
    *update_ret = NULL;
    act_quote(quoted, path, strlen(path));
    return act_fail_os(error, ENOSYS, "cannot change %s in place", quoted);
}

const uint8_t *act_os_update_bytes(const struct act_os_update *update, uint64_t *nbytes_ret)
{
    (void)update;
    *nbytes_ret = 0;
    return NULL;
}

act_status act_os_update_cut(struct act_os_update *update, uint64_t nbytes, act_error *error)
{
    (void)update;
    (void)nbytes;
    return act_fail_os(error, ENOSYS, "cannot cut a file");
}

act_status act_os_update_write(struct act_os_update *update, uint64_t off, const void *bytes,
                               size_t nbytes, act_error *error)
{
    (void)update;
    (void)off;
    (void)bytes;
    (void)nbytes;
    return act_fail_os(error, ENOSYS, "cannot write to a file in place");
}

act_status act_os_update_read(struct act_os_update *update, uint64_t off, void *bytes,
                              size_t nbytes, act_error *error)
{
    (void)update;
    (void)off;
    (void)bytes;
    (void)nbytes;
    return act_fail_os(error, ENOSYS, "cannot read what was written in place");
}

act_status act_os_update_sync(struct act_os_update *update, act_error *error)
{
    (void)update;
    return act_fail_os(error, ENOSYS, "cannot sync a file");
}

void act_os_update_close(struct act_os_update *update)
{
    (void)update;
}
