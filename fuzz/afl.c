/* The mutator as AFL++ asks for it: the library that AFL_CUSTOM_MUTATOR_LIBRARY names. FUZZ_FORM is
 * what the target's inputs are made of. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/mutate.h"

struct mutator {
    unsigned seed;
    uint8_t data[1 << 16];
};

void *afl_custom_init(void *afl, unsigned seed);
size_t afl_custom_fuzz(void *data, uint8_t *input, size_t nbytes, uint8_t **changed_ret,
                       uint8_t *other, size_t other_nbytes, size_t nbytes_max);
void afl_custom_deinit(void *data);

void *afl_custom_init(void *afl, unsigned seed)
{
    struct mutator *mutator = calloc(1, sizeof(*mutator));
    (void)afl;
    if (mutator)
        mutator->seed = seed;
    return mutator;
}

/* As many bytes as go into one piece of memory of ours; longer ones stay as they are. */
size_t afl_custom_fuzz(void *data, uint8_t *input, size_t nbytes, uint8_t **changed_ret,
                       uint8_t *other, size_t other_nbytes, size_t nbytes_max)
{
    struct mutator *mutator = data;
    (void)other;
    (void)other_nbytes;
    if (nbytes_max > sizeof(mutator->data))
        nbytes_max = sizeof(mutator->data);
    if (nbytes > nbytes_max) {
        *changed_ret = input;
        return nbytes;
    }
    memcpy(mutator->data, input, nbytes);
    *changed_ret = mutator->data;
    return fuzz_mutate(FUZZ_FORM, mutator->data, nbytes, nbytes_max, mutator->seed++, NULL);
}

void afl_custom_deinit(void *data)
{
    free(data);
}
