/* What targets of the tool's own parsers share. */
#ifndef FUZZ_TOOL_H
#define FUZZ_TOOL_H

#include <fcntl.h>
#include <unistd.h>

#include "fuzz/input.h"

/* What the tool says of an input goes nowhere until fuzz_tool_speak(). */
static inline int fuzz_tool_hush(void)
{
    static int nowhere = -1;
    int spoken = dup(STDERR_FILENO);
    if (nowhere < 0)
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    FUZZ_EXPECT(spoken >= 0 && nowhere >= 0 && dup2(nowhere, STDERR_FILENO) >= 0);
    return spoken;
}

static inline void fuzz_tool_speak(int spoken)
{
    FUZZ_EXPECT(dup2(spoken, STDERR_FILENO) >= 0);
    close(spoken);
}

#endif
