#include "queries.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "allocate.h"
#include "input.h"
#include "message.h"

static bool grow(void **array, size_t *count_max, size_t wanted, size_t item_nbytes)
{
    if (wanted <= *count_max)
        return true;
    size_t count = *count_max < 4096 ? 4096 : *count_max;
    while (count < wanted)
        count *= 2;
    void *larger = cli_enlarge(*array, *count_max * item_nbytes, count * item_nbytes);
    if (!larger)
        return false;
    *array = larger;
    *count_max = count;
    return true;
}

/* The keys while they are read: where each ends stands in its length, as bytes still move. */
struct loading {
    const struct cli_call *call;
    struct cli_queries *queries;
    size_t nbytes;
    size_t bytes_max;
    size_t keys_max;
};

/* Returns an exit status after a message. */
static int add(struct loading *loading, const struct cli_input *input, const uint8_t *record,
               size_t nbytes)
{
    struct cli_queries *queries = loading->queries;
    if (!grow((void **)&queries->bytes, &loading->bytes_max, loading->nbytes + nbytes, 1) ||
        !grow((void **)&queries->keys, &loading->keys_max, queries->count + 1,
              sizeof(*queries->keys)))
        return cli_fail_nomem();
    const char *wrong = cli_key_decode(loading->call->options.keys, (const char *)record, nbytes,
                                       queries->bytes + loading->nbytes, &nbytes);
    if (wrong) {
        cli_say("%s:%llu: %s", input->name, (unsigned long long)input->line, wrong);
        return CLI_TROUBLE;
    }
    queries->keys[queries->count++].nbytes = nbytes;
    loading->nbytes += nbytes;
    return CLI_DONE;
}

int cli_queries_load(const struct cli_call *call, const char *name, struct cli_queries *queries)
{
    const char *const names[] = {name, NULL};
    const struct cli_options *options = &call->options;
    struct loading loading = {.call = call, .queries = queries};
    struct cli_input input;
    uint8_t *record;
    size_t nbytes;
    memset(queries, 0, sizeof(*queries));
    bool ok = cli_input_open(&input, names, options->nul_records ? '\0' : '\n');
    while (ok && (!options->limit_given || queries->count < options->limit) &&
           cli_input_next(&input, &record, &nbytes)) {
        int status = add(&loading, &input, record, nbytes);
        if (status != CLI_DONE) {
            input.status = status;
            ok = false;
        }
    }
    cli_input_close(&input);
    const uint8_t *at = queries->bytes;
    for (size_t i = 0; i < queries->count; i++) {
        queries->keys[i].bytes = at;
        at += queries->keys[i].nbytes;
    }
    return input.status;
}

void cli_queries_free(struct cli_queries *queries)
{
    free(queries->bytes);
    free(queries->keys);
    memset(queries, 0, sizeof(*queries));
}

static int compare_keys(const void *a, const void *b)
{
    const act_slice *x = a;
    const act_slice *y = b;
    return cli_key_compare(x->bytes, x->nbytes, y->bytes, y->nbytes);
}

act_slice *cli_queries_sorted(const struct cli_queries *queries)
{
    size_t count = queries->count ? queries->count : 1;
    act_slice *sorted = cli_allocate(count, sizeof(*sorted));
    if (!sorted || !queries->count)
        return sorted;
    memcpy(sorted, queries->keys, queries->count * sizeof(*sorted));
    qsort(sorted, queries->count, sizeof(*sorted), compare_keys);
    return sorted;
}
