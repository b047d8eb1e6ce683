/* Writes keys with values, of any number, as the tool reads them:
 *
 *   generate COUNT [shuffled]
 *
 * `user:00000004:session:0941<TAB>4`: ascending keys whose value is their place, or the same lines
 * in an order that a fixed permutation makes. Nothing is held in memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A permutation of 0 .. 2^(2 * half_nbits) - 1: four rounds of a Feistel network, each undone by
 * itself, so that no two numbers meet. */
static uint64_t scramble(uint64_t number, unsigned half_nbits)
{
    uint64_t mask = ((uint64_t)1 << half_nbits) - 1, left = number >> half_nbits,
             right = number & mask;

    for (uint64_t round = 1; round <= 4; round++) {
        uint64_t mixed = (right + round) * UINT64_C(0x9E3779B97F4A7C15);

        mixed = (mixed ^ mixed >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
        mixed = left ^ (mixed >> 32 & mask);
        left = right;
        right = mixed;
    }
    return left << half_nbits | right;
}

static void write_line(uint64_t number)
{
    uint64_t session = (number * UINT64_C(2654435761) & 0xffffffff) >> 16;

    printf("user:%08" PRIu64 ":session:%04" PRIu64 "\t%" PRIu64 "\n", number, session % 10000,
           number);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    int shuffled = argc > 2 && strcmp(argv[2], "shuffled") == 0;
    unsigned half_nbits = 1;

    if (count < 1 || count > 100000000 || argc > 3 || (argc == 3 && !shuffled)) {
        fprintf(stderr, "usage: generate COUNT [shuffled]   (COUNT at most 100000000)\n");
        return 2;
    }
    while (count > (uint64_t)1 << 2 * half_nbits)
        half_nbits++;
    for (uint64_t i = 0; i < (shuffled ? (uint64_t)1 << 2 * half_nbits : count); i++) {
        uint64_t number = shuffled ? scramble(i, half_nbits) : i;

        if (number < count)
            write_line(number);
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
