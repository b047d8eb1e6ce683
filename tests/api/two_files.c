#include "two_files.h"

#include <stdlib.h>

#include "support/build.h"
#include "support/random.h"
#include "support/scratch.h"

char *dir, *indexed, *plain;
struct entries entries;

int make_two_files(void **state)
{
    struct random r = random_of(31);
    (void)state;
    dir = scratch_make();
    for (size_t i = 0; i < 200000; i++) {
        uint8_t key[24];
        random_put_u64(key, random_below(&r, 20));
        random_put_u64(key + 8, random_u64(&r));
        random_put_u64(key + 16, random_u64(&r));
        entries_add(&entries, key, sizeof(key), i);
    }
    entries_sort(&entries);
    build_file(&entries, indexed = scratch_path(dir, "indexed.act"), ACT_LAYOUT_INDEXED, NULL);
    build_file(&entries, plain = scratch_path(dir, "plain.act"), ACT_LAYOUT_PLAIN, NULL);
    return 0;
}

int remove_two_files(void **state)
{
    (void)state;
    free(indexed);
    free(plain);
    entries_free(&entries);
    scratch_remove(dir);
    return 0;
}
