#include "disk.h"

enum {
    PAGE_NBYTES = 4096
};

uint64_t cli_page_nbytes(void)
{
    return PAGE_NBYTES;
}

bool cli_disk_drop(const char *name)
{
    (void)name;
    return false;
}

struct cli_disk_use cli_disk_use(void)
{
    return (struct cli_disk_use){0, 0};
}

bool cli_disk_page_ns(const char *name, const uint64_t *pages, size_t count, uint64_t *ns_ret)
{
    (void)name;
    (void)pages;
    (void)count;
    (void)ns_ret;
    return false;
}

bool cli_disk_pressed(const char *name, uint64_t fill_nbytes, const uint64_t *pages, size_t count,
                      struct cli_pressed *pressed_ret)
{
    (void)name;
    (void)fill_nbytes;
    (void)pages;
    (void)count;
    (void)pressed_ret;
    return false;
}

uint64_t cli_disk_ahead_nbytes(const char *name)
{
    (void)name;
    return 0;
}

bool cli_disk_reclaims_otherwise(void)
{
    return true;
}
