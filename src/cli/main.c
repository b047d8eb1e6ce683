#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "interrupt.h"
#include "message.h"

/*
 * Descriptors 0 to 2 that are closed would be given to the next file that is opened, and data would
 * end up there. Each gets something that fails when it is used.
 */
static bool fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return false;
    return true;
}

/* Runs the verb, and hands on what it left in the buffer of standard output. */
static int run_with_output(struct cli_call *call)
{
    if (!cli_out_open(&call->out, STDOUT_FILENO))
        return cli_fail_nomem();
    int status = call->verb->run(call);
    cli_out_flush(&call->out);
    if (call->out.os_code == EPIPE)
        cli_die_of(SIGPIPE);
    if (call->out.os_code)
        status = cli_fail_os("standard output", "cannot write", call->out.os_code);
    cli_out_close(&call->out);
    return status;
}

static int run_call(struct cli_call *call)
{
    const struct cli_verb *verb = call->verb;
    if (call->options.help)
        return cli_help_verb(verb);
    while (call->arguments[call->argument_count])
        call->argument_count++;
    if (call->argument_count < verb->argument_count_min)
        return cli_usage_error(verb->name, "%s wants %s", verb->name, verb->arguments);
    if (call->argument_count > verb->argument_count_max)
        return cli_usage_error(verb->name, "there is nothing to do with \"%s\"",
                               call->arguments[verb->argument_count_max]);
    return run_with_output(call);
}

static int run_verb(const struct cli_verb *verb, int argc, const char **argv)
{
    poptContext context = poptGetContext(NULL, argc, argv, verb->options, 0);
    if (!context)
        return cli_fail_nomem();
    struct cli_call call = {.verb = verb};
    int status = CLI_TROUBLE;
    if (cli_options_parse(verb->name, context, verb->options, &call.options, &call.arguments))
        status = run_call(&call);
    cli_options_free(&call.options);
    poptFreeContext(context);
    return status;
}

int main(int argc, char **argv)
{
    if (!fill_standard_descriptors())
        return CLI_TROUBLE;
    /* A pipe that nobody reads shows as EPIPE, and run_with_output sees to it after the verb has
     * put away what it was doing. */
    signal(SIGPIPE, SIG_IGN);
    /* The same for a file that may not grow any more: EFBIG. */
    signal(SIGXFSZ, SIG_IGN);
    if (argc < 2)
        return cli_usage_error("", "which verb?");
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return cli_help();
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        return cli_version();
    const struct cli_verb *verb = cli_verb_find(word);
    if (verb)
        return run_verb(verb, argc - 1, (const char **)argv + 1);
    if (word[0] == '-')
        return cli_usage_error("", "the verb comes first, before %s", word);
    return cli_usage_error("", "there is no verb \"%s\"", word);
}
