/* examples/branches.c: draws a map as a tree, by walking a cursor over it */
#include <actree.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One line for where the cursor stands: the bytes since `from` in their column, and the value. */
static void print(const act_cursor *cursor, size_t from)
{
    size_t nbytes;
    uint64_t value;
    const uint8_t *path = act_cursor_path(cursor, &nbytes);
    printf("%*s", (int)from, "");
    for (size_t i = from; i < nbytes; i++)
        putchar(path[i] >= ' ' && path[i] <= '~' ? path[i] : '?');
    if (act_cursor_value(cursor, &value) == ACT_OK)
        printf(" = %" PRIu64, value);
    putchar('\n');
}

/* Visits every path below the cursor's root, and prints the keys, branches and leaves. */
static act_status draw(act_cursor *cursor, act_cursor *above, act_error *error)
{
    act_status status;
    while ((status = act_cursor_to_next_step(cursor, error)) == ACT_OK) {
        /* With one way to go on and no value there is nothing to see yet. */
        if (act_cursor_child_count(cursor) == 1 && !act_cursor_is_val(cursor))
            continue;
        /* The second cursor looks for the key or branch above: that much was printed before. */
        size_t nbytes;
        const uint8_t *path = act_cursor_path(cursor, &nbytes);
        status = act_cursor_move_to_path(above, path, nbytes, NULL, error);
        if (status == ACT_OK)
            status = act_cursor_ascend_until(above, error);
        if (status != ACT_OK)
            return status;
        size_t from;
        act_cursor_path(above, &from);
        print(cursor, from);
    }
    return status == ACT_NOT_FOUND ? ACT_OK : status;
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "branches: needs FILE, and may be given a PREFIX\n");
        return 2;
    }
    const char *prefix = argc == 3 ? argv[2] : "";
    act_map *map = NULL;
    act_cursor *cursor = NULL;
    act_cursor *above = NULL;
    act_error error;
    act_status status = act_map_open(argv[1], NULL, &map, &error);
    if (status == ACT_OK)
        status = act_cursor_open(map, prefix, strlen(prefix), &cursor, &error);
    if (status == ACT_OK)
        status = act_cursor_fork(cursor, &above, &error);
    if (status == ACT_OK) {
        if (act_cursor_is_val(cursor))
            print(cursor, 0);
        status = draw(cursor, above, &error);
    }
    if (status != ACT_OK)
        fprintf(stderr, "branches: %s\n", error.text);
    act_cursor_close(above);
    act_cursor_close(cursor);
    act_map_close(map);
    return status == ACT_OK ? 0 : 2;
}
