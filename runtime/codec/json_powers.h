/*
 * Powers of ten, for numbers from and to their text without big integers.
 *
 * The whole table is kept rather than computed: 11 KiB, of which a program
 * touches the few cache lines around 10^0. To check it, or to make it again,
 * with Python: bits = (10**k << 2000) >> s, s such that the top one of 128 bits
 * is set.
 *
 * Threading: constant data.
 */
#ifndef SHMRPCI_CODEC_JSON_POWERS_H
#define SHMRPCI_CODEC_JSON_POWERS_H

#include <stdint.h>

#define SHMRPCI_POWERS_MIN (-342)
#define SHMRPCI_POWERS_MAX 324

/* Above this exponent, and below 0, the 128 bits are not all. */
#define SHMRPCI_POWERS_MAX_EXACT 55

typedef struct shmrpci_power {
    uint64_t high;
    uint64_t low;
} shmrpci_power;

/* Index 0 is 10^SHMRPCI_POWERS_MIN. */
extern const shmrpci_power shmrpci_powers_of_ten[];

/* floor(log2(10^k)), for |k| up to 1233. */
static inline int shmrpci_log2_of_power(int k)
{
    return (k * 1741647) >> 19;
}

/* The high and low half of a product. */
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
