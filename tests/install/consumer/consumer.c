/* A program outside the tree, in the common part of C and C++: writes a map, reads it back. */
#include <actree.h>

#include <stdio.h>
#include <string.h>

static int fail(const act_error *error)
{
    fprintf(stderr, "consumer: %s\n", error->text);
    return 1;
}

int main(int argc, char **argv)
{
    act_builder *builder;
    act_map *map;
    act_error error;
    uint64_t value = 0;

    if (argc != 3 || strcmp(act_version(), argv[2]) != 0) {
        fprintf(stderr, "consumer: the library is %s, its package says %s\n", act_version(),
                argc == 3 ? argv[2] : "nothing");
        return 1;
    }
    if (act_builder_open(argv[1], NULL, &builder, &error) != ACT_OK)
        return fail(&error);
    if (act_builder_add(builder, "key", 3, 7, &error) != ACT_OK ||
        act_builder_finish(builder, NULL, &error) != ACT_OK) {
        act_builder_close(builder);
        return fail(&error);
    }
    act_builder_close(builder);

    if (act_map_open(argv[1], NULL, &map, &error) != ACT_OK)
        return fail(&error);
    if (act_map_get(map, "key", 3, &value, &error) != ACT_OK || value != 7) {
        act_map_close(map);
        fprintf(stderr, "consumer: the value came back as %llu\n", (unsigned long long)value);
        return 1;
    }
    act_map_close(map);
    return 0;
}
