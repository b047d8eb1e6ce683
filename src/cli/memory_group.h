/* Work in a process of its own with little memory: the contract that each platform implements. */
#ifndef ACT_CLI_MEMORY_GROUP_H
#define ACT_CLI_MEMORY_GROUP_H

#include <stddef.h>
#include <stdint.h>

/* How it went. */
enum cli_limited {
    CLI_LIMITED_DONE,
    CLI_LIMITED_KILLED,     /* the memory was too little, and the system ended it */
    CLI_LIMITED_FAILED,     /* it returned something else than 0 */
    CLI_LIMITED_UNAVAILABLE /* no such group can be made here */
};

/*
 * Calls `work` in a new process of a new control group, which may use `limit_nbytes` of memory,
 * page cache included, and waits for it. What it is to give back it puts into `result`, of
 * `result_nbytes`, at most 4096. `*why_ret` says why not, when unavailable; a static string. The
 * group is gone afterwards, whatever happened.
 */
enum cli_limited cli_memory_limited(uint64_t limit_nbytes, int (*work)(void *context, void *result),
                                    void *context, void *result, size_t result_nbytes,
                                    const char **why_ret);

#endif
