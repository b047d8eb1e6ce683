/*
 * One input of a target: its answers by the library, and for some inputs by the library in ISO C,
 * must be the same. FUZZ_EVERY: one in how many; which ones depends on their bytes alone, so that
 * what was found is found again. 0: the target has no such pair.
 */
#include "fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_nbytes);

#if FUZZ_EVERY
static int is_compared(const uint8_t *data, size_t data_nbytes)
{
    uint64_t sum = data_nbytes;
    for (size_t i = 0; i < data_nbytes; i += 7)
        sum = (sum ^ data[i]) * 0x100000001b3u;
    return (sum >> 32) % FUZZ_EVERY == 0;
}

static void compare(const struct fuzz_told *told, const struct fuzz_told *other)
{
    for (size_t i = 0; i < FUZZ_TOLD_FIRST && i < told->count && i < other->count; i++) {
        if (told->first[i] != other->first[i]) {
            fprintf(stderr, "answer %zu is %llu, and %llu in ISO C\n", i,
                    (unsigned long long)told->first[i], (unsigned long long)other->first[i]);
            abort();
        }
    }
    FUZZ_EXPECT(told->count == other->count);
    FUZZ_EXPECT(told->sum == other->sum);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_nbytes)
{
    static struct fuzz_told told;
    told.count = 0;
    told.sum = 0;
#if FUZZ_EVERY
    told.wanted = is_compared(data, data_nbytes);
#endif
    fuzz_one(data, data_nbytes, &told);
#if FUZZ_EVERY
    static struct fuzz_told other = {.wanted = true};
    if (told.wanted) {
        other.count = 0;
        other.sum = 0;
        fuzz_one_portable(data, data_nbytes, &other);
        compare(&told, &other);
    }
#endif
    return 0;
}
