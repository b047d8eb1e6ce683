/* What `info` says of how the pages of a file are held. */
#ifndef ACT_CLI_INFO_PAGING_H
#define ACT_CLI_INFO_PAGING_H

#include "actree.h"
#include "output.h"
#include "report.h"

/* For people: a section; for programs: a member of the report. */
void cli_paging_print(struct cli_out *out, const act_map_paging *paging);
void cli_paging_report(json_t *report, const act_map_paging *paging);

/* A line with a number of bytes, exactly and as people read them. */
void cli_info_print_size(struct cli_out *out, const char *name, uint64_t nbytes);

/* The name of an advice, which is not ACT_ADVICE_AUTO where it took effect. */
const char *cli_advice_name(act_advice advice);

#endif
