/* The verbs, each from its cmd_<verb>.c. */
#ifndef ACT_CLI_COMMANDS_H
#define ACT_CLI_COMMANDS_H

#include "verb.h"

extern const struct cli_verb cmd_bench;
extern const struct cli_verb cmd_build;
extern const struct cli_verb cmd_compact;
extern const struct cli_verb cmd_completions;
extern const struct cli_verb cmd_convert;
extern const struct cli_verb cmd_diff;
extern const struct cli_verb cmd_dump;
extern const struct cli_verb cmd_get;
extern const struct cli_verb cmd_help;
extern const struct cli_verb cmd_history;
extern const struct cli_verb cmd_info;
extern const struct cli_verb cmd_join;
extern const struct cli_verb cmd_merge;
extern const struct cli_verb cmd_prefix;
extern const struct cli_verb cmd_profile;
extern const struct cli_verb cmd_range;
extern const struct cli_verb cmd_report;
extern const struct cli_verb cmd_resident;
extern const struct cli_verb cmd_split;
extern const struct cli_verb cmd_verify;
extern const struct cli_verb cmd_walk;
extern const struct cli_verb cmd_warm;

#endif
