/* The page that `report` writes: what is known of a file, and of a query log on it. */
#ifndef ACT_CLI_PAGE_H
#define ACT_CLI_PAGE_H

#include "actree.h"
#include "output.h"
#include "profile.h"
#include "resident.h"

/* A part of a set. */
struct cli_page_part {
    uint64_t keys;
};

struct cli_page {
    const char *name;
    const char *log_name;
    act_map_stat stat; /* of a set: size and layout, and whether any part was merged into */
    act_map_info info; /* of a set: of all parts together */
    uint64_t section_nbytes[ACT_SECTIONS_MAX]; /* as the info */
    const struct cli_resident *resident;       /* as it was before anything was measured */
    struct cli_page_part *parts;       /* of a set, as many as of `resident`; NULL: a file */
    const struct cli_profile *profile; /* NULL without a log */
};

/* Writes all of it. */
void cli_page_print(struct cli_out *out, const struct cli_page *page);

/* What the log needs; a part of it. */
void cli_page_print_profile(struct cli_out *out, const struct cli_profile *profile);

/* A figure with what it is, in a box. */
void cli_page_tile(struct cli_out *out, const char *figure, const char *what);

#endif
