#include "os/memory.h"

#include "os/win32/system.h"

/* Large pages need a privilege here, and cannot be swapped. */
void act_os_memory_random(void *block, size_t nbytes)
{
    (void)block;
    (void)nbytes;
}

void act_os_memory_huge(void *pages, size_t nbytes)
{
    (void)pages;
    (void)nbytes;
}

/* What the process's job may use, if it is in one with a limit. */
static uint64_t job_limit(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION job;
    uint64_t limit = UINT64_MAX;
    if (!QueryInformationJobObject(NULL, JobObjectExtendedLimitInformation, &job, sizeof(job),
                                   NULL))
        return limit;
    if (job.BasicLimitInformation.LimitFlags & JOB_OBJECT_LIMIT_JOB_MEMORY)
        limit = job.JobMemoryLimit;
    if (job.BasicLimitInformation.LimitFlags & JOB_OBJECT_LIMIT_PROCESS_MEMORY &&
        job.ProcessMemoryLimit < limit)
        limit = job.ProcessMemoryLimit;
    return limit;
}

uint64_t act_os_memory_available(uint64_t enough, bool lately)
{
    (void)enough;
    (void)lately;
    MEMORYSTATUSEX status = {.dwLength = sizeof(status)};
    uint64_t limit = job_limit();
    if (!GlobalMemoryStatusEx(&status) || limit < status.ullAvailPhys)
        return limit;
    return status.ullAvailPhys;
}
