#include "chart.h"

#include <math.h>
#include <stdio.h>

#include "html.h"

enum {
    WIDTH = 760,
    HEIGHT = 300,
    LEFT = 62,
    RIGHT = 26,
    TOP = 14,
    BOTTOM = 46,
    BARS_WIDTH = 440, /* two such charts stand side by side */
    BAR_HEIGHT = 20,
    BAR_LEFT = 104,
    BAR_RIGHT = 128,
    TICK_NBYTES = 32
};

/* How far along its axis a number lies, from 0 to 1. */
static double part_of(const struct cli_axis *axis, double number)
{
    double part = axis->is_log ? log10(number / axis->first) / log10(axis->last / axis->first)
                               : (number - axis->first) / (axis->last - axis->first);
    if (!(part > 0))
        return 0;
    return part < 1 ? part : 1;
}

static double x_of(const struct cli_chart *chart, double number)
{
    return LEFT + part_of(&chart->x, number) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct cli_chart *chart, double number)
{
    return HEIGHT - BOTTOM - part_of(&chart->y, number) * (HEIGHT - TOP - BOTTOM);
}

double cli_chart_round_up(double number)
{
    double power;
    if (!(number > 0))
        return 1;
    power = pow(10, floor(log10(number)));
    if (number <= power)
        return power;
    if (number <= 2 * power)
        return 2 * power;
    return number <= 5 * power ? 5 * power : 10 * power;
}

static void tick_text(char text[TICK_NBYTES], const struct cli_axis *axis, double number)
{
    if (axis->scale == CLI_SCALE_PERCENT)
        snprintf(text, TICK_NBYTES, "%g %%", number);
    else if (axis->scale == CLI_SCALE_PLAIN)
        snprintf(text, TICK_NBYTES, "%.4g", number);
    else if (number < 1e3)
        snprintf(text, TICK_NBYTES, "%.3g ns", number);
    else if (number < 1e6)
        snprintf(text, TICK_NBYTES, "%.3g us", number / 1e3);
    else if (number < 1e9)
        snprintf(text, TICK_NBYTES, "%.3g ms", number / 1e6);
    else
        snprintf(text, TICK_NBYTES, "%.3g s", number / 1e9);
}

static void x_tick(struct cli_chart *chart, double number)
{
    char text[TICK_NBYTES];
    double x = x_of(chart, number);
    tick_text(text, &chart->x, number);
    cli_out_format(chart->out, "<path class=\"axis\" d=\"M%.1f %dV%d\"/>", x, TOP, HEIGHT - BOTTOM);
    cli_out_format(chart->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x,
                   HEIGHT - BOTTOM + 17, text);
}

static void y_tick(struct cli_chart *chart, double number)
{
    char text[TICK_NBYTES];
    double y = y_of(chart, number);
    tick_text(text, &chart->y, number);
    cli_out_format(chart->out, "<path class=\"axis\" d=\"M%d %.1fH%d\"/>", LEFT, y, WIDTH - RIGHT);
    cli_out_format(chart->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                   LEFT - 8, y + 4, text);
}

/* Powers of ten, with steps between where there are few of them; or five steps of equal size. */
static void ticks(struct cli_chart *chart, const struct cli_axis *axis,
                  void (*tick)(struct cli_chart *chart, double number))
{
    enum {
        STEPS = 5
    };
    if (axis->is_log) {
        int first = (int)ceil(log10(axis->first) - 1e-9);
        int last = (int)floor(log10(axis->last) + 1e-9);
        for (int power = first; power <= last; power++) {
            double at = pow(10, power);
            tick(chart, at);
            if (last - first <= 2 && 5 * at <= axis->last) {
                tick(chart, 2 * at);
                tick(chart, 5 * at);
            }
        }
        return;
    }
    for (int i = 0; i <= STEPS; i++)
        tick(chart, axis->first + (axis->last - axis->first) * i / STEPS);
}

void cli_chart_begin(struct cli_chart *chart, const char *title)
{
    struct cli_out *out = chart->out;
    cli_out_format(out,
                   "<div class=\"wide\"><svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" "
                   "aria-label=\"",
                   WIDTH, HEIGHT);
    cli_html_text(out, title);
    cli_out_text(out, "\">\n");
    ticks(chart, &chart->x, x_tick);
    ticks(chart, &chart->y, y_tick);
    cli_out_format(out, "<text class=\"name\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
                   LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 8);
    cli_html_text(out, chart->x.name);
    cli_out_format(out,
                   "</text>\n<text class=\"name\" text-anchor=\"middle\" "
                   "transform=\"translate(14 %d) rotate(-90)\">",
                   TOP + (HEIGHT - TOP - BOTTOM) / 2);
    cli_html_text(out, chart->y.name);
    cli_out_text(out, "</text>\n");
}

void cli_chart_end(struct cli_chart *chart)
{
    cli_out_text(chart->out, "</svg></div>\n");
}

void cli_chart_line(struct cli_chart *chart, const char *classes, const double *x, const double *y,
                    size_t count)
{
    if (count == 0)
        return;
    cli_out_format(chart->out, "<polyline class=\"line %s\" points=\"", classes);
    for (size_t i = 0; i < count; i++)
        cli_out_format(chart->out, "%s%.1f,%.1f", i ? " " : "", x_of(chart, x[i]),
                       y_of(chart, y[i]));
    cli_out_text(chart->out, "\"/>\n");
}

void cli_chart_dot(struct cli_chart *chart, const char *fill, double x, double y, const char *text)
{
    cli_out_format(chart->out, "<circle class=\"dot %s\" r=\"5\" cx=\"%.1f\" cy=\"%.1f\"><title>",
                   fill, x_of(chart, x), y_of(chart, y));
    cli_html_text(chart->out, text);
    cli_out_text(chart->out, "</title></circle>\n");
}

void cli_chart_bars(struct cli_out *out, const char *title, const char *fill,
                    const struct cli_bar *bars, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        if (bars[i].length > most)
            most = bars[i].length;
    cli_out_format(out, "<svg viewBox=\"0 0 %d %zu\" role=\"img\" aria-label=\"", BARS_WIDTH,
                   count * BAR_HEIGHT + 4);
    cli_html_text(out, title);
    cli_out_text(out, "\">\n");
    for (size_t i = 0; i < count; i++) {
        size_t y = i * BAR_HEIGHT;
        double width = most > 0 ? bars[i].length / most * (BARS_WIDTH - BAR_LEFT - BAR_RIGHT) : 0;
        /* What is there at all is seen. */
        if (bars[i].length > 0 && width < 1.5)
            width = 1.5;
        cli_out_format(out, "<text class=\"name\" x=\"%d\" y=\"%zu\" text-anchor=\"end\">",
                       BAR_LEFT - 8, y + 15);
        cli_html_text(out, bars[i].name);
        cli_out_format(out,
                       "</text><rect class=\"%s\" x=\"%d\" y=\"%zu\" width=\"%.1f\" "
                       "height=\"%d\" rx=\"2\"/>",
                       fill, BAR_LEFT, y + 3, width, BAR_HEIGHT - 6);
        cli_out_format(out, "<text x=\"%.1f\" y=\"%zu\">", BAR_LEFT + width + 7, y + 15);
        cli_html_text(out, bars[i].text);
        cli_out_text(out, "</text>\n");
    }
    cli_out_text(out, "</svg>\n");
}
