/* The verbs, each from its cmd_<verb>.c. */
#ifndef ACT_CLI_COMMANDS_H
#define ACT_CLI_COMMANDS_H

#include "verb.h"

extern const struct cli_verb cmd_completions;
extern const struct cli_verb cmd_help;
extern const struct cli_verb cmd_info;
extern const struct cli_verb cmd_verify;
extern const struct cli_verb cmd_walk;

#endif
