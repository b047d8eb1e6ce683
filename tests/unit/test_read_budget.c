/* A resident budget where the system does not tell what is present: what may be there is released.
 */
#include "read/budget.h"

#include <string.h>

#include "os/paging.h"
#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/random.h"
#include "support/scratch.h"

#define BUDGET_NBYTES ((uint64_t)4 << 20)

static struct {
    uint64_t faults;
    unsigned looks;    /* at them */
    unsigned asked;    /* how much of all files is present */
    uint64_t resident; /* 0: not known */
    bool nothing;      /* is present where the hand is; else what is, is not known */
    unsigned looked;   /* how often that was */
    unsigned releases;
    uint64_t released_nbytes;
} sys;

uint64_t __wrap_act_os_paging_resident(const uint8_t *bytes, uint64_t nbytes);
uint64_t __wrap_act_os_paging_resident(const uint8_t *bytes, uint64_t nbytes)
{
    assert_non_null(bytes);
    assert_true(nbytes > 0);
    return sys.resident ? sys.resident : UINT64_MAX;
}

uint64_t __wrap_act_os_paging_release_some(const struct act_os_bytes *map, uint64_t *off_ref,
                                           uint64_t end, uint64_t nbytes_max);
uint64_t __wrap_act_os_paging_release_some(const struct act_os_bytes *map, uint64_t *off_ref,
                                           uint64_t end, uint64_t nbytes_max)
{
    assert_true(*off_ref < end && end <= map->nbytes && nbytes_max > 0);
    *off_ref = end;
    sys.looked++;
    return sys.nothing ? 0 : UINT64_MAX;
}

uint64_t __wrap_act_os_paging_files_resident(void);
uint64_t __wrap_act_os_paging_files_resident(void)
{
    sys.asked++;
    return UINT64_MAX;
}

uint64_t __wrap_act_os_paging_faults(void);
uint64_t __wrap_act_os_paging_faults(void)
{
    sys.looks++;
    return sys.faults;
}

void __wrap_act_os_paging_release(const struct act_os_bytes *map, uint64_t off, uint64_t nbytes,
                                  bool cache);
void __wrap_act_os_paging_release(const struct act_os_bytes *map, uint64_t off, uint64_t nbytes,
                                  bool cache)
{
    assert_true(off <= map->nbytes && nbytes <= map->nbytes - off && !cache);
    sys.releases++;
    sys.released_nbytes += nbytes;
}

static struct entries entries;

static act_map *open_map(uint64_t budget_nbytes)
{
    act_map *map;
    act_open_options options = {.access = ACT_ACCESS_MAP, .resident_nbytes_max = budget_nbytes};
    memset(&sys, 0, sizeof(sys));
    assert_int_equal(act_map_open(scratch_map, &options, &map, NULL), ACT_OK);
    return map;
}

static void expect_answers(const act_map *map)
{
    for (size_t i = 0; i < entries.count; i += 7) {
        uint64_t value = 0;
        const struct entry *entry = &entries.items[i];
        assert_int_equal(act_map_get(map, entry->key, entry->key_nbytes, &value, NULL), ACT_OK);
        assert_int_equal(value, entry->value);
    }
}

static void without_faults_nothing_is_done(void **state)
{
    (void)state;
    act_map *map = open_map(BUDGET_NBYTES);
    expect_answers(map);
    assert_int_equal(sys.releases, 0);
    act_map_close(map);
}

static void faults_count_for_a_huge_page_each(void **state)
{
    (void)state;
    act_map *map = open_map(BUDGET_NBYTES);
    /* What opening touched is all that the budget holds, at worst. */
    sys.faults++;
    act_budget_look(map);
    assert_int_equal(sys.releases, 1);
    assert_int_equal(sys.released_nbytes, map->file_nbytes);
    sys.faults += 2;
    act_budget_look(map);
    act_budget_look(map);
    assert_int_equal(sys.releases, 1);
    sys.faults++;
    act_budget_look(map);
    assert_int_equal(sys.releases, 2);
    expect_answers(map);
    act_map_close(map);
}

/* Asking costs more than a lookup. */
static void the_system_is_asked_once_for_each_fault(void **state)
{
    (void)state;
    act_map *map = open_map(2 * BUDGET_NBYTES);
    sys.faults++;
    sys.asked = 0;
    act_budget_look(map);
    assert_int_equal(sys.asked, 1);
    act_budget_look(map);
    assert_int_equal(sys.asked, 1);
    assert_int_equal(sys.releases, 0);
    act_map_close(map);
}

/* However much has come in since it was measured, and without a fault too. */
static void a_budget_that_is_set_is_kept_at_once(void **state)
{
    (void)state;
    act_map *map = open_map(2 * BUDGET_NBYTES);
    for (unsigned faults = 0; faults < 3; faults++) {
        sys.faults += faults;
        sys.releases = 0;
        assert_int_equal(act_map_set_budget(map, BUDGET_NBYTES, NULL), ACT_OK);
        assert_int_equal(sys.releases, 1);
    }
    act_map_close(map);
}

/* How much is there is known once, and which pages it is no more. */
static void what_is_released_blindly_is_not_counted(void **state)
{
    (void)state;
    act_map_paging paging;
    act_map *map = open_map(BUDGET_NBYTES);
    sys.resident = 2 * BUDGET_NBYTES;
    sys.faults++;
    act_budget_look(map);
    assert_int_equal(sys.releases, 1);
    assert_int_equal(sys.released_nbytes, map->file_nbytes);
    act_map_get_paging(map, &paging);
    assert_int_equal(paging.released_nbytes, 0);
    act_map_close(map);
}

/* The rest is present where the hand does not come by: it goes round and ends. */
static void nothing_is_found_to_be_released(void **state)
{
    (void)state;
    static const act_layout layouts[] = {ACT_LAYOUT_PLAIN, ACT_LAYOUT_INDEXED};
    for (size_t i = 0; i < 2; i++) {
        act_map_paging paging;
        build_file(&entries, scratch_map, layouts[i], NULL);
        act_map *map = open_map(BUDGET_NBYTES);
        sys.resident = 2 * BUDGET_NBYTES;
        sys.nothing = true;
        sys.faults++;
        act_budget_look(map);
        assert_int_equal(sys.looked, 4);
        assert_int_equal(sys.releases, 0);
        act_map_get_paging(map, &paging);
        assert_int_equal(paging.released_nbytes, 0);
        /* A hot region that takes more than half of the budget is released too. */
        atomic_store(&map->lazy->budget.nbytes_max, 4096);
        sys.faults++;
        act_budget_look(map);
        assert_int_equal(sys.looked, 8);
        act_map_close(map);
    }
}

static void lookups_look_as_often_as_batches(void **state)
{
    (void)state;
    act_map *map = open_map(BUDGET_NBYTES);
    unsigned lookups = (unsigned)(entries.count + 6) / 7;
    sys.looks = 0;
    expect_answers(map);
    assert_in_range(sys.looks, lookups / ACT_BUDGET_STEPS, lookups / ACT_BUDGET_STEPS + 1);
    act_map_close(map);
}

static void each_eighth_step_looks(void **state)
{
    (void)state;
    act_map *map = open_map(BUDGET_NBYTES);
    atomic_store(&map->lazy->budget.steps, 0);
    sys.looks = 0;
    for (unsigned step = 1; step <= 3 * ACT_BUDGET_STEPS; step++) {
        act_budget_step(map);
        assert_int_equal(sys.looks, step / ACT_BUDGET_STEPS);
    }
    act_map_close(map);
}

static void without_a_budget_nobody_looks(void **state)
{
    (void)state;
    act_map *map = open_map(0);
    sys.faults = 1000;
    expect_answers(map);
    assert_int_equal(sys.releases, 0);
    act_map_close(map);
}

static int build(void **state)
{
    struct random r = random_of(51);
    assert_int_equal(scratch_set_up(state), 0);
    for (size_t i = 0; i < 5000; i++) {
        uint64_t key[2] = {random_u64(&r), random_u64(&r)};
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
    build_file(&entries, scratch_map, ACT_LAYOUT_INDEXED, NULL);
    return 0;
}

static int tear_down(void **state)
{
    entries_free(&entries);
    return scratch_tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_faults_nothing_is_done),
        cmocka_unit_test(faults_count_for_a_huge_page_each),
        cmocka_unit_test(the_system_is_asked_once_for_each_fault),
        cmocka_unit_test(a_budget_that_is_set_is_kept_at_once),
        cmocka_unit_test(what_is_released_blindly_is_not_counted),
        cmocka_unit_test(nothing_is_found_to_be_released),
        cmocka_unit_test(lookups_look_as_often_as_batches),
        cmocka_unit_test(each_eighth_step_looks),
        cmocka_unit_test(without_a_budget_nobody_looks),
    };
    return cmocka_run_group_tests(tests, build, tear_down);
}
