/* Pieces of a page of HTML. What comes from files is escaped: it is data, never markup. */
#ifndef ACT_CLI_HTML_H
#define ACT_CLI_HTML_H

#include <stddef.h>
#include <stdint.h>

#include "output.h"

/* Text, with what means something to HTML escaped, also within quotes. */
void cli_html_text(struct cli_out *out, const char *text);
void cli_html_text_of(struct cli_out *out, const char *text, size_t nbytes);

/* Any bytes: what is not printable ASCII as \xHH, then as text. Longer ones are cut at 200. */
void cli_html_bytes(struct cli_out *out, const void *bytes, size_t nbytes);

/* The beginning of a page, up to its first heading, and its end. */
void cli_html_begin(struct cli_out *out, const char *title);
void cli_html_end(struct cli_out *out);

/* A table: of column heads, and cells of text in rows. `right` is how many columns at the right
 * hold numbers. */
void cli_html_table_begin(struct cli_out *out, const char *const *heads, size_t count,
                          size_t right);
void cli_html_table_end(struct cli_out *out);

#endif
