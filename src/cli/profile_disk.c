/* What a page costs that comes from the disk. */
#include "disk.h"
#include "memory_group.h"
#include "profile.h"

enum {
    PRESSED_SAMPLES_MIN = 50 /* fewer say little */
};

/* How many pages can be chosen, of so many that are wanted. */
static size_t at_most(const struct cli_profile *profile, size_t count)
{
    size_t most = profile->page_count < CLI_PAGE_SAMPLES ? profile->page_count : CLI_PAGE_SAMPLES;
    return count < most ? count : most;
}

/* Here and there, as lookups come: a step that leaves no common divisor with most numbers. */
static void choose(const struct cli_profile *profile, size_t count, uint64_t *pages)
{
    for (size_t i = 0; i < count; i++)
        pages[i] = profile->trace.pages[(i * 7919 + 13) % profile->page_count];
}

/* Of one file, of those pages that are its own. */
static bool file_page_ns(const struct cli_profile_file *file, const uint64_t *pages, size_t count,
                         size_t *own_count_ret, uint64_t *ns_ret)
{
    uint64_t own[CLI_PAGE_SAMPLES];
    size_t own_count = 0;
    for (size_t i = 0; i < count; i++)
        if (pages[i] >= file->first_page && pages[i] - file->first_page < file->pages)
            own[own_count++] = pages[i] - file->first_page;
    *own_count_ret = own_count;
    return !own_count || cli_disk_page_ns(file->name, own, own_count, ns_ret);
}

bool cli_profile_page_ns(const struct cli_profile *profile, size_t count, uint64_t *ns_ret)
{
    uint64_t pages[CLI_PAGE_SAMPLES];
    double sum_ns = 0;
    count = at_most(profile, count);
    choose(profile, count, pages);
    for (size_t i = 0; i < profile->file_count; i++) {
        size_t own_count;
        uint64_t ns = 0;
        if (!file_page_ns(&profile->files[i], pages, count, &own_count, &ns))
            return false;
        if (own_count)
            sum_ns += (double)ns * (double)own_count;
    }
    if (count)
        *ns_ret = (uint64_t)(sum_ns / (double)count);
    return count;
}

/* ----------------------------------------------------------------------------- with little memory
 */

struct probe {
    const struct cli_profile_file *file;
    uint64_t fill_nbytes;
    const uint64_t *pages;
    size_t count;
};

static int touch_pressed(void *context, void *result)
{
    const struct probe *probe = context;
    return !cli_disk_pressed(probe->file->name, probe->fill_nbytes, probe->pages, probe->count,
                             result);
}

/* Of the largest file: what it takes to drop a page is the same for all of them. */
bool cli_profile_pressed(const struct cli_profile *profile, uint64_t nbytes, size_t count,
                         struct cli_pressed *pressed_ret)
{
    uint64_t all[CLI_PAGE_SAMPLES];
    uint64_t own[CLI_PAGE_SAMPLES];
    struct probe probe = {.file = profile->files, .fill_nbytes = nbytes, .pages = own};
    const char *why_not;
    *pressed_ret = (struct cli_pressed){0, 0};
    for (size_t i = 1; i < profile->file_count; i++)
        if (profile->files[i].pages > probe.file->pages)
            probe.file = &profile->files[i];
    count = at_most(profile, count);
    choose(profile, count, all);
    /* In front of what is in memory when they are touched, and behind it. */
    uint64_t full_pages = nbytes / profile->page_nbytes;
    for (size_t i = 0; i < count; i++) {
        uint64_t page = all[i] - probe.file->first_page;
        if (all[i] >= probe.file->first_page && page < probe.file->pages &&
            (page < full_pages / 2 || page >= 2 * full_pages))
            own[probe.count++] = page;
    }
    if (probe.count < PRESSED_SAMPLES_MIN || !cli_disk_drop(probe.file->name))
        return false;
    enum cli_limited how = cli_memory_limited(nbytes, touch_pressed, &probe, pressed_ret,
                                              sizeof(*pressed_ret), &why_not);
    if (how != CLI_LIMITED_DONE)
        *pressed_ret = (struct cli_pressed){0, 0};
    return how == CLI_LIMITED_DONE;
}
