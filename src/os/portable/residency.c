/* Nobody knows. */
#include "os/residency.h"

#include <string.h>

act_residency_source act_os_pages_cached(const struct act_os_bytes *map, uint8_t *bits)
{
    (void)map;
    (void)bits;
    return ACT_RESIDENCY_UNKNOWN;
}

bool act_os_pages_present(const uint8_t *bytes, uint64_t nbytes, uint8_t *bits)
{
    (void)bytes;
    (void)nbytes;
    (void)bits;
    return false;
}

void act_os_mapping_usage(const uint8_t *bytes, uint64_t nbytes, struct act_os_usage *usage_ret)
{
    (void)bytes;
    (void)nbytes;
    memset(usage_ret, 0, sizeof(*usage_ret));
}

void act_os_cache_totals(const struct act_os_bytes *map, struct act_os_cache *cache_ret)
{
    (void)map;
    memset(cache_ret, 0, sizeof(*cache_ret));
}

void act_os_faults(act_faults_of whose, act_faults *faults_ret)
{
    (void)whose;
    memset(faults_ret, 0, sizeof(*faults_ret));
}
