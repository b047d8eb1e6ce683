/* What `resident` found out, and the forms in which it is shown. */
#ifndef ACT_CLI_RESIDENT_H
#define ACT_CLI_RESIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "open.h"
#include "output.h"

/* Paths are kept up to here for the picture: what is longer would not fit a label. */
#define CLI_CELL_PATH_NBYTES 48

/* A piece of a region, shown as one spot. */
struct cli_cell {
    uint64_t off;
    uint64_t end;
    uint64_t cached_nbytes; /* of it */
    bool named;             /* paths of what is in it are known: the first and the last */
    uint8_t first_nbytes, last_nbytes;
    uint8_t first[CLI_CELL_PATH_NBYTES];
    uint8_t last[CLI_CELL_PATH_NBYTES];
};

/* A region as a row of spots. */
struct cli_region {
    act_section_residency residency;
    size_t first_cell;
    size_t cells_count;
};

struct cli_resident {
    const char *name;
    enum cli_keys keys; /* how prefixes are written: escaped or hex */
    act_residency *residency;
    act_residency_totals totals;
    struct cli_region regions[ACT_SECTIONS_MAX];
    size_t regions_count;
    bool walked; /* the tree was looked at */
    bool prefix; /* below a prefix only */
    act_residency_walk walk;
    act_prefix_residency *prefixes; /* copies */
    size_t prefixes_count;
    size_t prefixes_capacity;
    struct cli_cell *cells;
    size_t cells_count;
};

/*
 * Looks at a map; regions are divided into about `cells` pieces, or none. Returns an exit status,
 * after a message if it is not CLI_DONE. To be freed in any case.
 */
int cli_resident_look(struct cli_resident *resident, const struct cli_call *call,
                      const struct cli_map *map, size_t cells);
void cli_resident_free(struct cli_resident *resident);

/* The same of a set, printed part by part, for people or programs. Returns an exit status. */
int cli_resident_set(struct cli_call *call, const struct cli_map *map);

/* Print what was found: for people, for programs, as a picture, as a page with that picture. */
void cli_resident_text(struct cli_out *out, const struct cli_resident *resident);
int cli_resident_json(struct cli_out *out, const struct cli_resident *resident);
void cli_resident_svg(struct cli_out *out, const struct cli_resident *resident);
void cli_resident_html(struct cli_out *out, const struct cli_resident *resident);

/* Whether much is in memory to which no way leads, since parents are missing. */
bool cli_resident_is_cut_off(const struct cli_resident *resident);

/* "mincore", ...; a share in percent; what is less than all of something does not round to all. */
const char *cli_source_name(act_residency_source source);
double cli_percent(uint64_t part, uint64_t whole);

#endif
