/*
 * The script is lines of the language of `actree walk`; the file follows. Each line is answered by
 * one line, or is no command, or meets damage.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli/walk_script.h"

#include "fuzz/input.h"

#include <fcntl.h>
#include <unistd.h>

static void run_lines(struct walk *walk, struct cli_out *out, const uint8_t *script, size_t nbytes,
                      struct fuzz_told *told)
{
    for (size_t at = 0, end; at < nbytes; at = end + 1) {
        const uint8_t *newline = memchr(script + at, '\n', nbytes - at);
        end = newline ? (size_t)(newline - script) : nbytes;
        if (end - at > 200 || memchr(script + at, 0, end - at))
            continue;
        char *line = malloc(end - at + 1);
        act_error error = {.status = ACT_OK};
        FUZZ_EXPECT(line);
        memcpy(line, script + at, end - at);
        line[end - at] = 0;
        out->used = 0;
        act_status status = walk_run(walk, line, out, &error);
        fuzz_tell(told, (uint64_t)status);
        fuzz_tell_bytes(told, out->buffer, out->used);
        FUZZ_EXPECT(status == ACT_OK || status == ACT_ERR_INVALID || status == ACT_ERR_CORRUPT ||
                    status == ACT_ERR_LIMIT);
        FUZZ_EXPECT(status == ACT_OK || error.text[0]);
        FUZZ_EXPECT(out->used == 0 || out->buffer[out->used - 1] == '\n');
        free(line);
    }
}

void fuzz_one(const uint8_t *data, size_t data_nbytes, struct fuzz_told *told)
{
    static int nowhere = -1;
    uint8_t *copy;
    const uint8_t *script = data;
    size_t script_nbytes = fuzz_script(data, data_nbytes, &script);
    struct walk walk = {
        .map = fuzz_open(data, data_nbytes, (size_t)(script - data) + script_nbytes, &copy)};
    if (nowhere < 0)
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (walk.map && act_cursor_open(walk.map, NULL, 0, &walk.cursor, NULL) == ACT_OK) {
        struct cli_out out;
        FUZZ_EXPECT(nowhere >= 0 && cli_out_open(&out, nowhere));
        run_lines(&walk, &out, script, script_nbytes, told);
        cli_out_close(&out);
        act_cursor_close(walk.cursor);
    }
    act_map_close((act_map *)(uintptr_t)walk.map);
    free(copy);
}
