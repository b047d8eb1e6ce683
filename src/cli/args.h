/*
 * Options: every option of the tool is defined here once, as an entry that verbs put into their
 * tables, and parsed into one structure.
 */
#ifndef ACT_CLI_ARGS_H
#define ACT_CLI_ARGS_H

#include <popt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keys.h"

enum cli_when {
    CLI_AUTO,
    CLI_ALWAYS,
    CLI_NEVER
};

enum cli_input_form {
    CLI_INPUT_TSV,
    CLI_INPUT_LINES
};

/* The tool is a program, and may have a handler: so that is what is zero. */
enum cli_guard {
    CLI_GUARD_SIGNAL,
    CLI_GUARD_NONE,
    CLI_GUARD_THREAD
};

/* What was asked for; without an option, its field is zero, false or NULL. */
struct cli_options {
    enum cli_keys keys;
    enum cli_when progress;
    bool json;
    bool nul_records; /* records end with NUL, not newline */
    bool reverse;
    bool sorted;
    bool verbose;
    bool no_sync;
    bool no_check;
    bool content;
    bool check;
    bool no_cold;
    bool limit_given;
    uint64_t limit;
    uint64_t key_nbytes_max;
    uint64_t steps_max;
    uint64_t memory_nbytes;
    uint64_t share_nbytes;
    uint64_t threads;
    uint64_t parts;
    uint64_t part_nbytes;
    enum cli_input_form input;
    unsigned layout;     /* an act_layout */
    unsigned duplicates; /* an act_duplicates */
    enum cli_guard guard;
    unsigned access;    /* an act_access */
    unsigned advice;    /* an act_advice */
    unsigned populate;  /* an act_populate, where prefix_to_populate does not say it */
    unsigned lock;      /* an act_lock */
    unsigned huge;      /* an act_huge */
    unsigned checksums; /* an act_checksums */
    bool is_private;
    uint64_t budget_nbytes;
    char *prefix_to_populate;
    char *from;
    char *to;
    char *output;
    char *temp;
    char *prefix;
    char *save;
    char *restore;
    bool all;
    bool hot;
    bool svg;
    bool html;
    bool watch;
    double watch_seconds;
    bool top_given;
    uint64_t top;
    uint64_t depth;
    char *trace;
    char *delete_from;
    char *repair;
    bool repair_unchecked;
    uint64_t root; /* 0: the present one */
    bool help;
};

/* The ids of options, for popt. */
enum cli_option_id {
    CLI_OPT_HELP = 1,
    CLI_OPT_KEYS,
    CLI_OPT_PROGRESS,
    CLI_OPT_JSON,
    CLI_OPT_NUL,
    CLI_OPT_REVERSE,
    CLI_OPT_SORTED,
    CLI_OPT_VERBOSE,
    CLI_OPT_NO_SYNC,
    CLI_OPT_NO_CHECK,
    CLI_OPT_CONTENT,
    CLI_OPT_CHECK,
    CLI_OPT_NO_COLD,
    CLI_OPT_LIMIT,
    CLI_OPT_MAX_KEY,
    CLI_OPT_MAX_STEPS,
    CLI_OPT_MEMORY,
    CLI_OPT_SHARE_MEMORY,
    CLI_OPT_THREADS,
    CLI_OPT_PARTS,
    CLI_OPT_PART_SIZE,
    CLI_OPT_INPUT,
    CLI_OPT_LAYOUT,
    CLI_OPT_DUPLICATES,
    CLI_OPT_GUARD,
    CLI_OPT_ACCESS,
    CLI_OPT_ADVICE,
    CLI_OPT_POPULATE,
    CLI_OPT_POPULATE_PREFIX,
    CLI_OPT_LOCK,
    CLI_OPT_HUGE,
    CLI_OPT_CHECKSUMS,
    CLI_OPT_PRIVATE,
    CLI_OPT_BUDGET,
    CLI_OPT_FROM,
    CLI_OPT_TO,
    CLI_OPT_OUTPUT,
    CLI_OPT_TEMP,
    CLI_OPT_PREFIX,
    CLI_OPT_SAVE,
    CLI_OPT_RESTORE,
    CLI_OPT_ALL,
    CLI_OPT_HOT,
    CLI_OPT_SVG,
    CLI_OPT_HTML,
    CLI_OPT_WATCH,
    CLI_OPT_TOP,
    CLI_OPT_DEPTH,
    CLI_OPT_TRACE,
    CLI_OPT_DELETE_FROM,
    CLI_OPT_SYNC,
    CLI_OPT_AT,
    CLI_OPT_REPAIR,
    CLI_OPT_REPAIR_UNCHECKED,
    CLI_OPT_COUNT
};

#define CLI_FLAG(name, letter, id, text)                                                           \
    {                                                                                              \
        name, letter, POPT_ARG_NONE, NULL, id, text, NULL                                          \
    }
#define CLI_VALUE(name, letter, id, text, what)                                                    \
    {                                                                                              \
        name, letter, POPT_ARG_STRING, NULL, id, text, what                                        \
    }

/* A value that may be left out; given, it comes after "=". */
#define CLI_OPTIONAL(name, letter, id, text, what)                                                 \
    {                                                                                              \
        name, letter, POPT_ARG_STRING | POPT_ARGFLAG_OPTIONAL, NULL, id, text, what                \
    }

/*
 * Entries for the tables of verbs. Where the last text is a list of words with bars between them,
 * the value must be one of them, and shells complete them; for FILE they complete file names, and
 * for DIR folders.
 */
#define CLI_OPTION_KEYS                                                                            \
    CLI_VALUE("keys", 'k', CLI_OPT_KEYS, "How keys are written as text (raw)", "raw|escaped|hex")
#define CLI_OPTION_NUL                                                                             \
    CLI_FLAG("null", '0', CLI_OPT_NUL, "Records end with a NUL byte, not with a newline")
#define CLI_OPTION_JSON CLI_FLAG("json", 'j', CLI_OPT_JSON, "Print the report as JSON")
#define CLI_OPTION_PROGRESS                                                                        \
    CLI_VALUE("progress", '\0', CLI_OPT_PROGRESS,                                                  \
              "Tell the progress on standard error (auto: on a terminal)", "auto|always|never")
#define CLI_OPTION_LIMIT   CLI_VALUE("limit", 'n', CLI_OPT_LIMIT, "Print at most N entries", "N")
#define CLI_OPTION_REVERSE CLI_FLAG("reverse", 'r', CLI_OPT_REVERSE, "Print the last entry first")
#define CLI_OPTION_FROM    CLI_VALUE("from", '\0', CLI_OPT_FROM, "Keys at or above this one", "KEY")
#define CLI_OPTION_TO      CLI_VALUE("to", '\0', CLI_OPT_TO, "Keys below this one", "KEY")
#define CLI_OPTION_MAX_KEY                                                                         \
    CLI_VALUE("max-key", '\0', CLI_OPT_MAX_KEY, "Longest key to put together (32M)", "SIZE")
#define CLI_OPTION_MAX_STEPS                                                                       \
    CLI_VALUE("max-steps", '\0', CLI_OPT_MAX_STEPS, "Most nodes from one entry to the next (4M)",  \
              "N")
#define CLI_OPTION_GUARD                                                                           \
    CLI_VALUE("guard", '\0', CLI_OPT_GUARD,                                                        \
              "What to do when FILE is cut short meanwhile (signal)", "signal|none|thread")
#define CLI_OPTION_OUTPUT                                                                          \
    CLI_VALUE("output", 'o', CLI_OPT_OUTPUT, "The file to write; - is standard output", "FILE")
#define CLI_OPTION_INPUT                                                                           \
    CLI_VALUE("input", 'i', CLI_OPT_INPUT, "What a line is: key, tab and value, or a key (tsv)",   \
              "tsv|lines")
#define CLI_OPTION_LAYOUT                                                                          \
    CLI_VALUE("layout", '\0', CLI_OPT_LAYOUT, "Layout of the file (indexed)",                      \
              "indexed|plain|compact")
#define CLI_OPTION_DUPLICATES                                                                      \
    CLI_VALUE("duplicates", 'd', CLI_OPT_DUPLICATES,                                               \
              "What becomes of a key that comes again (error)", "error|first|last|sum|min|max")
#define CLI_OPTION_SORTED                                                                          \
    CLI_FLAG("sorted", 's', CLI_OPT_SORTED, "The input is in order: build while reading it")
#define CLI_OPTION_MEMORY                                                                          \
    CLI_VALUE("memory", 'm', CLI_OPT_MEMORY,                                                       \
              "Most memory for sorting; beyond it, temporary files (1G)", "SIZE")
#define CLI_OPTION_SHARE_MEMORY                                                                    \
    CLI_VALUE("share-memory", '\0', CLI_OPT_SHARE_MEMORY,                                          \
              "Most memory for finding equal subtrees, in a compact file (64M)", "SIZE")
#define CLI_OPTION_TEMP                                                                            \
    CLI_VALUE("temp", 'T', CLI_OPT_TEMP,                                                           \
              "Where temporary files of sorting go (the folder of the output)", "DIR")
#define CLI_OPTION_THREADS                                                                         \
    CLI_VALUE("threads", '\0', CLI_OPT_THREADS, "Threads that may work at once: 1, or more (2)",   \
              "N")
#define CLI_OPTION_PARTS CLI_VALUE("parts", '\0', CLI_OPT_PARTS, "How many parts to make", "N")
#define CLI_OPTION_PART_SIZE                                                                       \
    CLI_VALUE("part-size", '\0', CLI_OPT_PART_SIZE, "Make parts of about this size", "SIZE")
#define CLI_OPTION_NO_SYNC                                                                         \
    CLI_FLAG("no-sync", '\0', CLI_OPT_NO_SYNC, "Do not wait until the disk has the file")
#define CLI_OPTION_NO_CHECK                                                                        \
    CLI_FLAG("no-check", '\0', CLI_OPT_NO_CHECK, "Do not read the new file and compare the entries")
#define CLI_OPTION_SYNC                                                                            \
    CLI_VALUE("sync", '\0', CLI_OPT_SYNC, "Whether to wait until the disk has it (full)",          \
              "full|none")
#define CLI_OPTION_VERIFY CLI_FLAG("check", '\0', CLI_OPT_CHECK, "Verify the whole file first")
#define CLI_OPTION_DELETE_FROM                                                                     \
    CLI_VALUE("delete-from", '\0', CLI_OPT_DELETE_FROM, "Remove these keys, one a line", "FILE")
#define CLI_OPTION_CONTENT                                                                         \
    CLI_FLAG("content", '\0', CLI_OPT_CONTENT, "Print a checksum of all entries too")
#define CLI_OPTION_PREFIX                                                                          \
    CLI_VALUE("prefix", '\0', CLI_OPT_PREFIX, "Only what begins with this", "KEY")
#define CLI_OPTION_SAVE                                                                            \
    CLI_VALUE("save", '\0', CLI_OPT_SAVE, "Save which pages are in memory, for warm --restore",    \
              "FILE")
#define CLI_OPTION_RESTORE                                                                         \
    CLI_VALUE("restore", '\0', CLI_OPT_RESTORE, "The pages that resident --save saved", "FILE")
#define CLI_OPTION_ALL  CLI_FLAG("all", 'a', CLI_OPT_ALL, "The whole file")
#define CLI_OPTION_HOT  CLI_FLAG("hot", '\0', CLI_OPT_HOT, "The hot region of an indexed file")
#define CLI_OPTION_SVG  CLI_FLAG("svg", '\0', CLI_OPT_SVG, "Draw a picture, as SVG")
#define CLI_OPTION_HTML CLI_FLAG("html", '\0', CLI_OPT_HTML, "Draw a picture, as a page of HTML")
#define CLI_OPTION_WATCH                                                                           \
    CLI_OPTIONAL("watch", '\0', CLI_OPT_WATCH, "Look again every SECONDS (1), until interrupted",  \
                 "SECONDS")
#define CLI_OPTION_TOP                                                                             \
    CLI_VALUE("top", 'n', CLI_OPT_TOP, "Print at most N prefixes; 0: do not look into it (16)", "N")
#define CLI_OPTION_DEPTH                                                                           \
    CLI_VALUE("depth", '\0', CLI_OPT_DEPTH, "Prefixes of so many bytes (those that tell most)",    \
              "BYTES")
/*
 * How a FILE is opened. Verbs that read entries have all of these; others those that do something
 * for them, see cli_open_options.
 */
#define CLI_OPTION_ACCESS                                                                          \
    CLI_VALUE("access", '\0', CLI_OPT_ACCESS, "How the file is reached (auto)", "auto|map|read")
/* For what tells of a file's pages: see cli_refuse_copies. */
#define CLI_OPTION_MAPPED                                                                          \
    CLI_VALUE("access", '\0', CLI_OPT_ACCESS, "map: small files too are mapped, not read (auto)",  \
              "auto|map|read")
#define CLI_OPTION_ADVICE                                                                          \
    CLI_VALUE("advice", '\0', CLI_OPT_ADVICE, "How missing pages are read (auto)",                 \
              "auto|normal|random|sequential")
#define CLI_OPTION_BUDGET                                                                          \
    CLI_VALUE("budget", '\0', CLI_OPT_BUDGET,                                                      \
              "Most of the mapping to keep present in this process; from 4M on", "SIZE")
#define CLI_OPTION_AT                                                                              \
    CLI_VALUE("at", '\0', CLI_OPT_AT, "The file as it was with this root, of its history", "ROOT")
#define CLI_OPTIONS_PAGES                                                                          \
    CLI_OPTION_ACCESS, CLI_OPTION_ADVICE,                                                          \
        CLI_VALUE("populate", '\0', CLI_OPT_POPULATE,                                              \
                  "What is read before it is asked for (none)", "none|hot|all"),                   \
        CLI_VALUE("populate-prefix", '\0', CLI_OPT_POPULATE_PREFIX,                                \
                  "Read what the keys with this prefix need first", "KEY"),                        \
        CLI_OPTION_GUARD,                                                                          \
        CLI_VALUE("lock", '\0', CLI_OPT_LOCK, "What must stay in memory (none)", "none|hot|all"),  \
        CLI_VALUE("huge", '\0', CLI_OPT_HUGE, "Read the file into huge pages (off)",               \
                  "off|auto|on"),                                                                  \
        CLI_VALUE("checksums", '\0', CLI_OPT_CHECKSUMS,                                            \
                  "Compare blocks with their checksums when first read (off)", "off|touch"),       \
        CLI_OPTION_BUDGET,                                                                         \
        CLI_FLAG("private", '\0', CLI_OPT_PRIVATE, "Map the file for this process alone")
#define CLI_OPTIONS_OPENING CLI_OPTIONS_PAGES, CLI_OPTION_AT
#define CLI_OPTION_FROM_ROOT                                                                       \
    CLI_VALUE("from", '\0', CLI_OPT_FROM, "The first one as it was with this root", "ROOT")
#define CLI_OPTION_TO_ROOT                                                                         \
    CLI_VALUE("to", '\0', CLI_OPT_TO, "The second one as it was with this root", "ROOT")
#define CLI_OPTION_CHECK                                                                           \
    CLI_FLAG("check", '\0', CLI_OPT_CHECK, "Compare with real runs that have little memory")
#define CLI_OPTION_NO_COLD                                                                         \
    CLI_FLAG("no-cold", '\0', CLI_OPT_NO_COLD, "Leave the file in memory; nothing is said of disks")
#define CLI_OPTION_FIRST_QUERIES                                                                   \
    CLI_VALUE("limit", 'n', CLI_OPT_LIMIT, "Take the first N queries only", "N")
#define CLI_OPTION_TRACE                                                                           \
    CLI_VALUE("trace", '\0', CLI_OPT_TRACE, "Keys that will be looked up, one a line", "FILE")
#define CLI_OPTION_REPAIR                                                                          \
    CLI_VALUE("repair", '\0', CLI_OPT_REPAIR, "Salvage what can be read into this new file", "FILE")
#define CLI_OPTION_REPAIR_UNCHECKED                                                                \
    CLI_FLAG("repair-unchecked", '\0', CLI_OPT_REPAIR_UNCHECKED,                                   \
             "With --repair: take what lies in bad blocks too")
#define CLI_OPTION_REPAIR_STEPS                                                                    \
    CLI_VALUE("max-steps", '\0', CLI_OPT_MAX_STEPS,                                                \
              "With --repair: most steps that reading all may take (128M + 64 a byte)", "N")
#define CLI_OPTION_LOSSES                                                                          \
    CLI_VALUE("limit", 'n', CLI_OPT_LIMIT, "With --repair: list at most N losses (1000)", "N")
#define CLI_OPTION_VERBOSE CLI_FLAG("verbose", 'v', CLI_OPT_VERBOSE, "Tell what was done")
/* Every table has this one. */
#define CLI_OPTION_HELP CLI_FLAG("help", 'h', CLI_OPT_HELP, "Print this help")
#define CLI_OPTIONS_END CLI_OPTION_HELP, POPT_TABLEEND

/*
 * Parses the options of the verb `verb_name` from argv[1] on; options may stand anywhere up to
 * `--`. What remains is in `*arguments_ret`, which ends with NULL and points into the context.
 * Returns false after a message on standard error; the caller frees everything in either case, by
 * cli_options_free and poptFreeContext.
 */
bool cli_options_parse(const char *verb_name, poptContext context,
                       const struct poptOption *options_table, struct cli_options *options_ret,
                       const char *const **arguments_ret);

void cli_options_free(struct cli_options *options);

/*
 * Whether a value's description lists the words that it may be, as "raw|escaped|hex" does. Gives
 * the next of them from `*at` on, which starts as the description and ends as NULL.
 */
bool cli_words_listed(const char *description);
const char *cli_words_next(const char **at, size_t *nbytes_ret);

/* The word for an act_layout. */
const char *cli_layout_name(unsigned layout);

/* The act_layout of a file, of whose index act_map_stat tells: a compact file is known by its
 * shared subtrees, and has no other mark. */
unsigned cli_layout_of(unsigned layout, bool shared_subtrees);

/* Parses a decimal u64: digits only. */
bool cli_parse_u64(const char *text, size_t nbytes, uint64_t *number_ret);

/* Parses a number of bytes: digits, and K, M, G or T, each with an optional "iB". */
bool cli_parse_size(const char *text, uint64_t *nbytes_ret);

#endif
