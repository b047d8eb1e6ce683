#define _POSIX_C_SOURCE 200809L

#include "readers.h"

#include "support/check.h"

int readers_compare_next(void *context, const uint8_t *key, size_t key_nbytes, uint64_t value)
{
    struct place *place = context;
    const struct entries *entries = place->reader->entries;
    EXPECT(place->reader, place->at < entries->count);
    if (place->at == entries->count)
        return 1;
    const struct entry *e = &entries->items[place->at++];
    EXPECT(place->reader, entries_compare(key, key_nbytes, e->key, e->key_nbytes) == 0);
    EXPECT(place->reader, value == e->value);
    return 0;
}

void readers_run(const struct entries *entries, void *(*read_all)(void *reader))
{
    static struct reader readers[READERS];
    for (unsigned i = 0; i < READERS; i++) {
        readers[i].r = random_of(i);
        readers[i].entries = entries;
        readers[i].fault = NULL;
        assert_int_equal(pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
    }
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
    for (unsigned i = 0; i < READERS; i++) {
        if (readers[i].fault)
            fail_msg("reader %u: not so: %s", i, readers[i].fault);
    }
}
