/* Runs a program and tells what it cost:
 *
 *   child PROGRAM [ARGUMENT...]
 *
 * The program's output goes to standard error; the last line on standard output is JSON: the wall
 * clock, CPU time, and the peak of its resident memory, mapped files included, as time(1) shows it
 * with %M. A program of its own, since a peak is never below the memory of who started it. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meter.h"

static uint64_t timeval_ns(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static int start(char **command)
{
    pid_t pid = fork();

    if (pid == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(command[0], command);
        fprintf(stderr, "child: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    return pid;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    uint64_t start_ns = meter_now_ns(), ns;
    int status = 0;
    pid_t pid;

    if (argc < 2) {
        fprintf(stderr, "usage: child PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    pid = start(argv + 1);
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
        fprintf(stderr, "child: %s\n", strerror(errno));
        return 2;
    }
    ns = meter_now_ns() - start_ns;
    printf("{\"ns\":%" PRIu64 ",\"cpu_ns\":%" PRIu64 ",\"peak_rss_bytes\":%" PRIu64
           ",\"status\":%d}\n",
           ns, timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime),
           (uint64_t)usage.ru_maxrss * 1024, WIFEXITED(status) ? WEXITSTATUS(status) : 255);
    return 0;
}
