/* Files without a name, which vanish with the last program that holds them. For os/posix. */
#ifndef ACT_OS_UNNAMED_H
#define ACT_OS_UNNAMED_H

#include <stdint.h>

/*
 * Opens a new file without a name in the folder, for writing. -1 where that is not possible, or
 * where it could not be given a name later; errno is of no interest then.
 */
int act_os_unnamed_open(int folder_fd, unsigned mode);

/* Gives it a name that is not there yet. -1 and errno on failure. */
int act_os_unnamed_link(int fd, int folder_fd, const char *name);

/*
 * Opens one in the folder by this name, for writing and reading, that can never be given a name.
 * -1 where that is not possible; errno is of no interest then.
 */
int act_os_unnamed_temp(const char *folder);

/*
 * Opens one in memory, of so many zeros, for writing and reading, which takes memory for what is
 * written alone. -1 and errno on failure; ENOSYS where there are none.
 */
int act_os_unnamed_memory(uint64_t nbytes);

/* Gives the room of some bytes of a file back, where that is possible. */
void act_os_unnamed_forget(int fd, uint64_t off, uint64_t nbytes);

#endif
