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

/*
 * What was found out about a file. Of a set it is the sum of what was found out about its parts,
 * which have the regions' places and the cells: of amounts those of the parts that are mapped, if
 * any is. The others are read into memory as a whole.
 */
struct cli_resident {
    const char *name;
    enum cli_keys keys;         /* how prefixes are written: escaped or hex */
    act_residency *residency;   /* NULL: a set */
    struct cli_resident *parts; /* of a set; NULL: a file */
    size_t parts_count;
    size_t unmapped_parts; /* where others are mapped */
    char *own_name;        /* of a part, as all of these: `name`, and the range of its keys */
    uint8_t *from, *to;    /* NULL: to the end */
    size_t from_nbytes, to_nbytes;
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

/* What to look for. */
struct cli_look {
    enum cli_keys keys;
    size_t cells;               /* into so many the files are divided; 0: into none */
    uint64_t whole_nbytes;      /* of all the files that share them; 0: of the one */
    bool walk;                  /* over the tree */
    act_residency_options tree; /* with the prefix, if any: then only what is below */
};

/*
 * Looks at a map or a set; regions are divided into about `cells` pieces, or none. Returns an exit
 * status, after a message if it is not CLI_DONE. To be freed in any case.
 */
int cli_resident_look(struct cli_resident *resident, const struct cli_call *call,
                      const struct cli_map *map, size_t cells);
void cli_resident_free(struct cli_resident *resident);

/*
 * The steps of it, for a file: its pages, and the tree over them, which may be walked again and
 * then adds to the prefixes; its `page_fn` is set if there are cells to name, and `name_cells`.
 * Exit statuses, after a message if neither CLI_DONE nor CLI_NO, which is that nothing begins with
 * the prefix.
 */
int cli_resident_take(struct cli_resident *resident, const struct cli_look *look, const char *name,
                      const act_map *map);
int cli_resident_walk(struct cli_resident *resident, const act_residency_options *options,
                      const act_map *map, bool name_cells);

/* Frees one prefix; forgets those of a file. */
void cli_resident_drop_prefix(act_prefix_residency *prefix);
void cli_resident_drop_prefixes(struct cli_resident *resident);

/* Whether it is known what of a tree is in memory, so that it can be walked. */
bool cli_resident_is_known(const struct cli_resident *resident);

/* The same of all parts of a set, and their sum. */
int cli_resident_look_at_set(struct cli_resident *resident, const struct cli_look *look,
                             const char *name, const act_set *set);

/* Print what was found: for people, for programs, as a picture, as a page with that picture. */
void cli_resident_text(struct cli_out *out, const struct cli_resident *resident);
int cli_resident_json(struct cli_out *out, const struct cli_resident *resident);
void cli_resident_svg(struct cli_out *out, const struct cli_resident *resident);
void cli_resident_html(struct cli_out *out, const struct cli_resident *resident);

/* Bytes of the largest spot of the map, of all parts if it is a set; 0: there is no map. */
uint64_t cli_resident_spot_nbytes(const struct cli_resident *resident);

/* Whether much is in memory to which no way leads, since parents are missing. */
bool cli_resident_is_cut_off(const struct cli_resident *resident);

/* "mincore", ...; a share in percent; what is less than all of something does not round to all. */
const char *cli_source_name(act_residency_source source);
double cli_percent(uint64_t part, uint64_t whole);

#endif
