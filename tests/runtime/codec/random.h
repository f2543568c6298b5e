/* Pseudo-random numbers for tests (xorshift64*): the same in every run. */
#ifndef TESTS_RUNTIME_CODEC_RANDOM_H
#define TESTS_RUNTIME_CODEC_RANDOM_H

#include <stdint.h>

static inline uint64_t random_bits(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* Returns a number below `limit`. */
static inline unsigned random_below(uint64_t *state, unsigned limit)
{
    return (unsigned)((random_bits(state) >> 32) % limit);
}

#endif
