#include "support/build.h"

#include "support/check.h"
#include "support/hex.h"

void build_file(const struct entries *entries, const char *path, act_layout layout,
                act_build_report *report_ret)
{
    const act_builder_options options = {.layout = layout, .no_sync = true};
    act_builder *builder;
    act_error error = {0};
    act_status status = act_builder_open(path, &options, &builder, &error);
    if (status != ACT_OK)
        fail_msg("cannot build %s: %s", path, error.text);
    for (size_t i = 0; i < entries->count; i++) {
        const struct entry *e = &entries->items[i];
        status = e->has_value ? act_builder_add(builder, e->key, e->key_nbytes, e->value, &error)
                              : act_builder_add_path(builder, e->key, e->key_nbytes, &error);
        if (status != ACT_OK)
            fail_msg("cannot add %s: %s", hex_shown(e->key, e->key_nbytes), error.text);
    }
    status = act_builder_finish(builder, report_ret, &error);
    act_builder_close(builder);
    if (status != ACT_OK)
        fail_msg("cannot finish %s: %s", path, error.text);
}

void merge_into_file(struct entries *entries, struct entries *added, const char *path)
{
    const act_merge_options options = {.no_sync = true};
    act_merge *merge;
    assert_int_equal(act_merge_open(path, &options, &merge, NULL), ACT_OK);
    for (size_t i = 0; i < added->count; i++) {
        const struct entry *e = &added->items[i];
        assert_int_equal(act_merge_set(merge, e->key, e->key_nbytes, e->value, NULL), ACT_OK);
    }
    assert_int_equal(act_merge_finish(merge, NULL, NULL), ACT_OK);
    act_merge_close(merge);
    entries_append(entries, added);
    entries_sort(entries);
    entries_free(added);
}
