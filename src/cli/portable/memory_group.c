#include "memory_group.h"

enum cli_limited cli_memory_limited(uint64_t limit_nbytes, int (*work)(void *context, void *result),
                                    void *context, void *result, size_t result_nbytes,
                                    const char **why_ret)
{
    (void)limit_nbytes;
    (void)work;
    (void)context;
    (void)result;
    (void)result_nbytes;
    *why_ret = "there are no control groups on this system";
    return CLI_LIMITED_UNAVAILABLE;
}
