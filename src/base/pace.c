#include "base/pace.h"

#include <time.h>

enum {
    INTERVAL_MS = 200
};

static uint64_t now_ms(void)
{
#ifdef TIME_UTC
    struct timespec now;
    if (timespec_get(&now, TIME_UTC) != TIME_UTC)
        return 0;
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
#else /* C libraries from before C11 */
    return (uint64_t)time(NULL) * 1000;
#endif
}

static bool call(struct act_pace *pace, uint64_t done)
{
    return pace->progress(pace->context, pace->before + done, pace->total) == 0;
}

bool act_pace_start(struct act_pace *pace, act_progress_fn progress, void *context, uint64_t total)
{
    pace->progress = progress;
    pace->context = context;
    pace->total = total;
    pace->before = 0;
    if (!progress)
        return true;
    pace->called_ms = now_ms();
    return call(pace, 0);
}

bool act_pace_tell(struct act_pace *pace, uint64_t done)
{
    if (!pace->progress)
        return true;
    uint64_t now = now_ms();
    /* A clock that was set back makes a large difference: one call too many. */
    if (now - pace->called_ms < INTERVAL_MS)
        return true;
    pace->called_ms = now;
    return call(pace, done);
}
