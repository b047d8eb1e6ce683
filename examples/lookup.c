/* examples/lookup.c: the value of a key, and what begins with it */
#include <actree.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int print(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    (void)context;
    fwrite(key, 1, key_nbytes, stdout);
    printf("\t%" PRIu64 "\n", value);
    return 0; /* go on */
}

int main(int argc, char **argv)
{
    act_map *map;
    act_error error;
    uint64_t value;
    if (argc != 3 || act_map_open(argv[1], NULL, &map, &error) != ACT_OK) {
        fprintf(stderr, "lookup: %s\n", argc == 3 ? error.text : "needs FILE and KEY");
        return 2;
    }
    act_range range = {.prefix = argv[2], .prefix_nbytes = strlen(argv[2]), .limit = 10};
    act_status status = act_map_get(map, argv[2], strlen(argv[2]), &value, &error);
    printf("%s: %s\n", argv[2], act_strerror(status));
    if (status == ACT_OK || status == ACT_NOT_FOUND)
        status = act_map_scan(map, &range, print, NULL, &error);
    if (status != ACT_OK)
        fprintf(stderr, "lookup: %s\n", error.text);
    act_map_close(map);
    return status == ACT_OK ? 0 : 2;
}
