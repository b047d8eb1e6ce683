/*
 * The input is a file, as hostile as may be, which is written anew in another layout, as the tool's
 * convert and compact do it: what the scan gives until it is stopped. What comes out is sound and
 * holds just that.
 */
#define _POSIX_C_SOURCE 200809L

#include "fuzz/place.h"

#include "fuzz/list.h"

struct copying {
    act_builder *builder;
    struct fuzz_list *list; /* what the builder took */
    bool ordered;           /* it took all */
};

static int add(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct copying *copying = context;
    const struct fuzz_list *list = copying->list;
    const struct fuzz_entry *last = list->count ? &list->entries[list->count - 1] : NULL;
    if (list->count == FUZZ_LIST_MAX || key_nbytes > FUZZ_LIST_NBYTES_MAX - list->used)
        return 1;
    act_status status = act_builder_add(copying->builder, key, key_nbytes, value, NULL);
    int order = last ? fuzz_compare(key, key_nbytes, last->key, last->key_nbytes) : 1;
    FUZZ_EXPECT(status == (order > 0 ? ACT_OK : order < 0 ? ACT_ERR_ORDER : ACT_ERR_DUPLICATE));
    if (order > 0)
        FUZZ_EXPECT(fuzz_list_add(copying->list, key, key_nbytes, value));
    else
        copying->ordered = false;
    return 0;
}

/* Writes what the map has, in order, to the path; returns how the scan ended. */
static act_status copy(const act_map *map, const char *path, act_layout layout,
                       struct copying *copying)
{
    const act_builder_options options = {.layout = layout, .no_sync = true};
    act_build_report report;
    FUZZ_EXPECT(act_builder_open(path, &options, &copying->builder, NULL) == ACT_OK);
    act_status status = act_map_scan(map, NULL, add, copying, NULL);
    FUZZ_EXPECT(act_builder_finish(copying->builder, &report, NULL) == ACT_OK);
    FUZZ_EXPECT(report.keys == copying->list->count);
    act_builder_close(copying->builder);
    return status;
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    /* An indexed file takes as long to build as a dozen of others: most of it for memory. */
    static const act_layout layouts[] = {ACT_LAYOUT_PLAIN,   ACT_LAYOUT_COMPACT, ACT_LAYOUT_PLAIN,
                                         ACT_LAYOUT_COMPACT, ACT_LAYOUT_PLAIN,   ACT_LAYOUT_COMPACT,
                                         ACT_LAYOUT_PLAIN,   ACT_LAYOUT_INDEXED};
    static struct fuzz_list list, copied;
    const char *path = fuzz_place("rewrite");
    uint8_t *bytes;
    act_map *map = fuzz_open(data, data_nbytes, 0, &bytes), *rewritten = NULL;
    if (map) {
        list.count = 0;
        list.used = 0;
        struct copying copying = {.list = &list, .ordered = true};
        bool sound = act_map_verify(map, NULL, NULL, NULL, NULL) == ACT_OK;
        act_status status = copy(map, path, layouts[data_nbytes % 8], &copying);
        fuzz_tell(told, (uint64_t)status);
        FUZZ_EXPECT(!sound || (copying.ordered && status != ACT_ERR_CORRUPT));

        size_t nbytes;
        uint8_t *file = fuzz_place_read(path, &nbytes);
        fuzz_tell_bytes(told, file, nbytes);
        FUZZ_EXPECT(act_map_open_memory(file, nbytes, NULL, &rewritten, NULL) == ACT_OK);
        FUZZ_EXPECT(fuzz_is_sound(rewritten, file, nbytes));
        fuzz_list_scan(&copied, rewritten);
        FUZZ_EXPECT(copied.status == ACT_OK);
        list.status = ACT_OK;
        FUZZ_EXPECT(fuzz_list_equal(&list, &copied));
        act_map_close(rewritten);
        free(file);
    }
    act_map_close(map);
    free(bytes);
}
