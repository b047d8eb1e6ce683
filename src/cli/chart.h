/* Charts, as SVG within a page of HTML: see html.h for their colours, which are classes. */
#ifndef ACT_CLI_CHART_H
#define ACT_CLI_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "output.h"

/* How numbers along an axis are written. */
enum cli_scale {
    CLI_SCALE_PLAIN,   /* "0.5" */
    CLI_SCALE_PERCENT, /* "50 %" */
    CLI_SCALE_TIME     /* of nanoseconds: "1 us" */
};

struct cli_axis {
    double first;
    double last; /* above `first` */
    bool is_log; /* by powers of ten; `first` is above 0 then */
    enum cli_scale scale;
    const char *name;
};

struct cli_chart {
    struct cli_out *out;
    struct cli_axis x;
    struct cli_axis y;
};

/* Begins a chart with its axes. `title` is for those who cannot see it. */
void cli_chart_begin(struct cli_chart *chart, const char *title);
void cli_chart_end(struct cli_chart *chart);

/* A line, in the colour of a class: "a" to "d", with "dash" after it for a broken one. */
void cli_chart_line(struct cli_chart *chart, const char *classes, const double *x, const double *y,
                    size_t count);

/* A spot, with a text that is shown when one points at it. */
void cli_chart_dot(struct cli_chart *chart, const char *fill, double x, double y, const char *text);

/* One bar of several, lying: names at the left, numbers at the right. */
struct cli_bar {
    char name[32];
    double length;
    char text[48];
};

void cli_chart_bars(struct cli_out *out, const char *title, const char *fill,
                    const struct cli_bar *bars, size_t count);

/* A number rounded up to 1, 2 or 5 times a power of ten: a good end for an axis. */
double cli_chart_round_up(double number);

#endif
