#include "maps.h"

#include <stdlib.h>
#include <string.h>

#include "support/build.h"
#include "support/check.h"
#include "support/entries.h"
#include "support/scratch.h"

act_map *map_of(const char *const *words, const act_open_options *options)
{
    struct entries entries = {0};
    for (uint64_t i = 0; words[i]; i++) {
        if (words[i][0] == '?')
            entries_add_path(&entries, words[i] + 1, strlen(words[i] + 1));
        else
            entries_add(&entries, words[i], strlen(words[i]), i);
    }
    char *dir = scratch_make();
    char *path = scratch_path(dir, "map");
    build_file(&entries, path, ACT_LAYOUT_INDEXED, NULL);
    act_map *map;
    assert_int_equal(act_map_open(path, options, &map, NULL), ACT_OK);
    free(path);
    /* An open map outlives its name. */
    scratch_remove(dir);
    entries_free(&entries);
    return map;
}

act_map *golden_map(const char *name)
{
    char *path = scratch_path(ACT_TEST_SOURCE_DIR "/tests/interop/golden", name);
    act_map *map;
    assert_int_equal(act_map_open(path, NULL, &map, NULL), ACT_OK);
    free(path);
    return map;
}

size_t map_of_arena_room_nbytes;

act_map *map_of_arena(const uint8_t *arena, size_t arena_nbytes, uint64_t root,
                      const act_open_options *options)
{
    /* One at a time: the bytes have to outlive the map. */
    static uint8_t file[4096];
    size_t file_nbytes = 16 + arena_nbytes + map_of_arena_room_nbytes + 8;
    assert_true(file_nbytes <= sizeof(file));
    memset(file, 0, sizeof(file));
    memcpy(file, "ACTree03", 8);
    for (unsigned i = 0; i < 8; i++)
        file[8 + i] = (uint8_t)(root >> 8 * i);
    memcpy(file + 16, arena, arena_nbytes);
    act_map *map;
    assert_int_equal(act_map_open_memory(file, file_nbytes, options, &map, NULL), ACT_OK);
    return map;
}
