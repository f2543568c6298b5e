/*
 * Powers of ten, for converting numbers from and to text without big integers.
 *
 * The whole table is stored rather than computed: 11 KiB, of which a program
 * touches the few cache lines around 10^0. To check or regenerate it with
 * Python: bits = (10**k << 2000) >> s, or for negative k ((1 << 2000) //
 * 10**-k) >> s. Choose s so that the result has 128 bits.
 *
 * Threading: constant data.
 */
#ifndef SHMRPCI_CODEC_JSON_POWERS_H
#define SHMRPCI_CODEC_JSON_POWERS_H

#include <stdint.h>

#define SHMRPCI_POWERS_MIN (-342)
#define SHMRPCI_POWERS_MAX 324

/* For exponents above this, and below 0, 128 bits don't hold the power
 * exactly. */
#define SHMRPCI_POWERS_MAX_EXACT 55

typedef struct shmrpci_power {
    uint64_t high;
    uint64_t low;
} shmrpci_power;

/* The entry at index 0 is 10^SHMRPCI_POWERS_MIN. */
extern const shmrpci_power shmrpci_powers_of_ten[];

/* Returns floor(log2(10^k)), for |k| up to 1233. */
static inline int shmrpci_log2_of_power(int k)
{
    return (k * 1741647) >> 19;
}

/* The high and the low half of a 128-bit product. */
typedef struct shmrpci_product {
    uint64_t high;
    uint64_t low;
} shmrpci_product;

static inline shmrpci_product shmrpci_multiply(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (shmrpci_product){(uint64_t)(product >> 64), (uint64_t)product};
}

#endif
