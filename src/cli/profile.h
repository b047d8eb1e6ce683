/*
 * What a query log needs of a file: which pages, how often, how far apart; what it takes cold and
 * warm; and what follows from that for a memory of any size.
 */
#ifndef ACT_CLI_PROFILE_H
#define ACT_CLI_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actree.h"
#include "disk.h"
#include "histogram.h"
#include "page_trace.h"
#include "queries.h"
#include "reclaim.h"
#include "verb.h"

enum {
    CLI_PROFILE_REGIONS = 6,
    CLI_PROFILE_KINDS = 4, /* act_touch_kind */
    CLI_PROFILE_LEVELS = 32,
    CLI_PROFILE_SIZES = 17,
    CLI_PROFILE_ORDERS = 4,
    CLI_PROFILE_CHECKS = 3,
    CLI_PAGE_SAMPLES = 1000 /* reads of single pages that are measured, at the most */
};

/* What is looked up: a file, or a part of a set. The pages of all of them are numbered through,
 * with gaps in between. */
struct cli_profile_file {
    char *name;
    uint64_t first_page;
    uint64_t pages;
    act_map_stat stat;
};

/* A region of the file, or of all the parts. */
struct cli_profile_region {
    const char *name; /* NULL: there is none */
    uint64_t off;     /* of a file */
    uint64_t nbytes;
    uint64_t pages; /* that were touched, by where in them they were touched first */
    uint64_t touches;
};

/* A memory, and what it would do. Figures are a query, in the long run. */
struct cli_profile_size {
    unsigned percent; /* of the file */
    uint64_t nbytes;
    uint64_t capacity; /* pages of the file that it holds */
    double faults;
    double pages_read;    /* these, and what is read around them */
    double hit_rate;      /* touches of pages that were there */
    double faults_lru;    /* if always the page that was not used for the longest were dropped */
    double faults_sorted; /* of the same log in byte order */
    double latency_ns;    /* 0: not known */
};

/* The log from a cold file, in some order. Figures are a query. */
struct cli_profile_order {
    const char *name;
    double faults;
    double pages_read;
    double ns;
};

/* A real run with little memory. */
struct cli_profile_check {
    const struct cli_profile_size *size; /* of cli_profile.sizes */
    size_t rounds;                       /* that were run to their end; 0: `why_not` */
    const char *why_not;
    double predicted_faults;
    double predicted_reads; /* pages: these, and what is read around them */
    double faults;          /* the median */
    double predicted_ns;    /* as the next, of the round for which it is off by the median */
    double ns;
};

struct cli_profile {
    const char *name;
    struct cli_queries queries;
    bool is_set;
    struct cli_profile_file *files;
    size_t file_count;
    uint64_t page_nbytes;
    uint64_t file_nbytes; /* of all of them, as the next two */
    uint64_t file_pages;
    uint64_t hot_nbytes;

    uint64_t found;
    uint64_t touches;
    uint64_t touched_nbytes;
    uint64_t kind_touches[CLI_PROFILE_KINDS];
    uint64_t kind_nbytes[CLI_PROFILE_KINDS];
    uint64_t level_touches[CLI_PROFILE_LEVELS]; /* the last one is for all that are deeper */
    uint64_t level_pages[CLI_PROFILE_LEVELS];   /* by where they were touched first */
    struct cli_profile_region regions[CLI_PROFILE_REGIONS];
    struct cli_page_trace trace;
    size_t page_count;                   /* that were touched */
    uint64_t kernel_nbytes;              /* what the kernel takes to keep track of them */
    uint64_t *distances;                 /* touches by distance, below page_count */
    struct cli_recent_range *hot_ranges; /* those of `recent` */
    struct cli_recent recent;
    struct cli_profile_size sizes[CLI_PROFILE_SIZES];

    bool cold_known; /* what comes from the disk was measured */
    size_t sampled;  /* pages that were read to measure, so far */
    uint64_t page_ns;
    struct cli_pressed pressed; /* the same with little memory; 0: not known */
    struct cli_profile_order orders[CLI_PROFILE_ORDERS];
    size_t order_count;             /* 0 without queries */
    struct cli_profile_order again; /* the log once more, when its pages are there */
    struct cli_histogram cold;
    struct cli_histogram warm;

    struct cli_profile_check checks[CLI_PROFILE_CHECKS];
    size_t check_count;
    size_t check_queries; /* of the log's first ones */
    bool other_reclaim;   /* this kernel drops pages in another way than is reckoned here */
};

/* Refuses options that contradict each other; an exit status. */
int cli_profile_check_options(const struct cli_call *call);

/* Makes all but the checks; an exit status after a message. To be freed in any case. */
int cli_profile_make(const struct cli_call *call, struct cli_profile *profile);

/* Makes the checks. Returns an exit status after a message. */
int cli_profile_check(const struct cli_call *call, struct cli_profile *profile);

void cli_profile_free(struct cli_profile *profile);

/* For the parts of this: */

/* Finds out which files there are, and what they are; an exit status after a message. */
int cli_profile_list_files(const struct cli_call *call, struct cli_profile *profile);
void cli_profile_free_files(struct cli_profile *profile);

/* The region in which a file's byte lies. */
struct cli_profile_region *cli_profile_region_of(struct cli_profile *profile,
                                                 const struct cli_profile_file *file, uint64_t off);

/* Throws all files out of memory, as cli_disk_drop does. */
bool cli_profile_drop(const struct cli_profile *profile);

/* Traces keys; an exit status after a message. With `counts` the profile counts what they touch. */
int cli_profile_trace(const struct cli_call *call, struct cli_profile *profile, bool counts,
                      const act_slice *keys, size_t count, struct cli_page_trace *trace);

/* Fills in profile->sizes, the latencies excepted; an exit status after a message. */
int cli_profile_sizes(const struct cli_call *call, struct cli_profile *profile);

/* How many pages of the file a memory holds, and whether its hot region has recency there. */
uint64_t cli_profile_capacity(const struct cli_profile *profile, uint64_t nbytes);
bool cli_profile_has_recency(const struct cli_profile *profile, uint64_t nbytes);

/* Measures cold and warm runs, and the latencies of profile->sizes. */
int cli_profile_measure(const struct cli_call *call, struct cli_profile *profile);

/* How long it takes to touch a page that is not in memory: of up to `count` that were touched. */
bool cli_profile_page_ns(struct cli_profile *profile, size_t count, uint64_t *ns_ret);

/*
 * The same, and what is read ahead, in a memory of so many bytes that is full, in a control group
 * of its own. False where that cannot be measured: no such group can be made, or there are hardly
 * more pages than it holds.
 */
bool cli_profile_pressed(struct cli_profile *profile, uint64_t nbytes, size_t count,
                         struct cli_pressed *pressed_ret);

/* Prints it, for people or as JSON. The latter returns an exit status. */
void cli_profile_print(struct cli_out *out, const struct cli_profile *profile);
int cli_profile_print_json(struct cli_out *out, const struct cli_profile *profile);

/* A number of the whole log, by query. */
double cli_profile_per_query(const struct cli_profile *profile, uint64_t number);

#endif
