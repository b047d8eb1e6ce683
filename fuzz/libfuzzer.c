/* The mutator as libFuzzer asks for it. FUZZ_FORM is what the target's inputs are made of. */
#include "fuzz/mutate.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t nbytes, size_t nbytes_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t nbytes, size_t nbytes_max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t nbytes, size_t nbytes_max, unsigned seed)
{
    return fuzz_mutate(FUZZ_FORM, data, nbytes, nbytes_max, seed, LLVMFuzzerMutate);
}
