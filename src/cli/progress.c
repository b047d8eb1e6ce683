#define _POSIX_C_SOURCE 200809L

#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "interrupt.h"
#include "units.h"

#define TERMINAL_PERIOD_NS 200000000U
/* Lines of a log stay: fewer of them. */
#define LOG_PERIOD_NS 1000000000U

/* Whether a line is on the terminal. A message may come from anywhere, and must not be glued to it.
 */
static bool on_screen;

uint64_t cli_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void cli_progress_start(struct cli_progress *progress, enum cli_when when, const char *what,
                        const char *unit)
{
    memset(progress, 0, sizeof(*progress));
    progress->what = what;
    progress->unit = unit;
    progress->on_terminal = isatty(STDERR_FILENO) == 1;
    progress->shown = when == CLI_ALWAYS || (when == CLI_AUTO && progress->on_terminal);
    progress->started_ns = cli_now_ns();
    progress->printed_ns = progress->started_ns;
}

/* An amount in its unit: "12.3 MB", "4,567 entries". */
static const char *amount(char text[CLI_UNIT_NBYTES], const struct cli_progress *progress,
                          uint64_t number)
{
    if (strcmp(progress->unit, "B") == 0)
        return cli_bytes_text(text, number);
    char digits[CLI_UNIT_NBYTES];
    snprintf(text, CLI_UNIT_NBYTES, "%s %s", cli_count_text(digits, number), progress->unit);
    return text;
}

static void print_line(struct cli_progress *progress, uint64_t now_ns)
{
    char done_text[CLI_UNIT_NBYTES];
    char total_text[CLI_UNIT_NBYTES];
    char rate_text[CLI_UNIT_NBYTES];
    char rest[96] = "";
    double seconds = (double)(now_ns - progress->started_ns) / 1e9;
    double rate = seconds > 0 ? (double)progress->done / seconds : 0;
    uint64_t done = progress->done;
    uint64_t total = progress->total;
    if (total >= done && total > 0 && rate > 0) {
        unsigned long left = (unsigned long)((double)(total - done) / rate + 0.5);
        snprintf(rest, sizeof(rest), " of %s, %u %%, %lu:%02lu left",
                 amount(total_text, progress, total),
                 (unsigned)((double)done / (double)total * 100), left / 60, left % 60);
    }
    fprintf(stderr, "%sactree: %s: %s%s, %s/s%s", progress->on_terminal ? "\r" : "", progress->what,
            amount(done_text, progress, done), rest, amount(rate_text, progress, (uint64_t)rate),
            progress->on_terminal ? "\033[K" : "\n");
    fflush(stderr);
    on_screen = progress->on_terminal;
    progress->printed_ns = now_ns;
}

void cli_progress_next(struct cli_progress *progress, enum cli_when when, const char *what,
                       const char *unit)
{
    cli_progress_end(progress);
    cli_progress_start(progress, when, what, unit);
}

int cli_progress_tell(void *context, uint64_t done, uint64_t total)
{
    struct cli_progress *progress = context;
    progress->done = done;
    progress->total = total;
    if (progress->shown) {
        uint64_t now_ns = cli_now_ns();
        if (now_ns - progress->printed_ns >=
            (progress->on_terminal ? TERMINAL_PERIOD_NS : LOG_PERIOD_NS))
            print_line(progress, now_ns);
    }
    return cli_interrupted();
}

void cli_progress_hide(void)
{
    if (!on_screen)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    on_screen = false;
}

void cli_progress_end(struct cli_progress *progress)
{
    if (!progress->shown)
        return;
    if (progress->on_terminal)
        cli_progress_hide();
    else
        print_line(progress, cli_now_ns());
    progress->shown = false;
}
