/*
 * Maps whose file may change under them. Where a page is gone, zeros are read instead: any bytes
 * are safe to read, so the code goes on, and the answer is thrown away at the end of the call.
 */
#ifndef ACT_READ_GUARD_H
#define ACT_READ_GUARD_H

#include "base/attributes.h"
#include "read/map.h"

/* act_guarded for a map that has a guard. */
ACT_NOINLINE act_status act_guard_answer(const struct act_map *map, act_status status,
                                         act_error *error);

/*
 * What a call has to answer that came to `status`: that, or ACT_ERR_IO if what it read is not to
 * be believed. To be asked when all was read, and before any of it is given away.
 */
static ACT_ALWAYS_INLINE act_status act_guarded(const struct act_map *map, act_status status,
                                                act_error *error)
{
    if (ACT_LIKELY(!map->os_bytes.guard))
        return status;
    return act_guard_answer(map, status, error);
}

/* act_guarded while a map is being opened, for its bytes. */
act_status act_guard_opened(const struct act_os_bytes *bytes, const char *path, act_status status,
                            act_error *error);

#endif
