/* The identity of a file, from what the system says of it. For os/posix and os/linux. */
#ifndef ACT_OS_POSIX_IDENTIFY_H
#define ACT_OS_POSIX_IDENTIFY_H

#include <sys/stat.h>

#include "os/identity.h"

void act_os_identify(struct act_os_identity *identity_ret, const struct stat *st);

#endif
