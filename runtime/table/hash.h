/*
 * The hash of keys. It mixes like wyhash by Wang Yi, and uses the same
 * constants. The seed is secret, so that nobody can choose keys that collide.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_TABLE_HASH_H
#define SHMRPCI_TABLE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/likely.h"

__extension__ typedef unsigned __int128 shmrpci_wide;

/* Multiplies two words, and returns both halves of the product, combined by
 * XOR. */
static inline uint64_t shmrpci_hash_mix(uint64_t a, uint64_t b)
{
    shmrpci_wide product = (shmrpci_wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t shmrpci_hash_word(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t shmrpci_hash_half(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* A key of at most this size is covered completely by its two ends. */
#define SHMRPCI_HASH_SHORT 16u

/* Both ends of a short key, which may overlap. Together with the length they
 * determine the key. */
typedef struct shmrpci_hash_pair {
    uint64_t first;
    uint64_t last;
} shmrpci_hash_pair;

static inline shmrpci_hash_pair shmrpci_hash_ends(const uint8_t *at, size_t len)
{
    if (SHMRPCI_LIKELY(len > 8)) {
        return (shmrpci_hash_pair){shmrpci_hash_word(at),
                                   shmrpci_hash_word(at + len - 8)};
    }
    if (len >= 4) {
        return (shmrpci_hash_pair){shmrpci_hash_half(at),
                                   shmrpci_hash_half(at + len - 4)};
    }
    if (len > 0) {
        return (shmrpci_hash_pair){(uint64_t)at[0] << 16 |
                                       (uint64_t)at[len / 2] << 8 | at[len - 1],
                                   0};
    }
    return (shmrpci_hash_pair){0, 0};
}

#define SHMRPCI_HASH_SALT1 UINT64_C(0xA0761D6478BD642F)
#define SHMRPCI_HASH_SALT2 UINT64_C(0xE7037ED1A0B428DB)
#define SHMRPCI_HASH_SALT3 UINT64_C(0x8EBC6AF09C88C6E3)

static inline uint64_t shmrpci_hash_finish(uint64_t seed, size_t len,
                                           shmrpci_hash_pair ends)
{
    return shmrpci_hash_mix(
        SHMRPCI_HASH_SALT3 ^ len,
        shmrpci_hash_mix(ends.first ^ SHMRPCI_HASH_SALT2, ends.last ^ seed));
}

static inline uint64_t shmrpci_hash_bytes(uint64_t seed, const void *key,
                                          size_t len)
{
    const uint8_t *at = key;
    size_t left = len;
    seed ^= SHMRPCI_HASH_SALT1;
    while (SHMRPCI_UNLIKELY(left > SHMRPCI_HASH_SHORT)) {
        seed = shmrpci_hash_mix(shmrpci_hash_word(at) ^ SHMRPCI_HASH_SALT2,
                                shmrpci_hash_word(at + 8) ^ seed);
        at += SHMRPCI_HASH_SHORT;
        left -= SHMRPCI_HASH_SHORT;
    }
    return shmrpci_hash_finish(seed, len, shmrpci_hash_ends(at, left));
}

/* The hash of a key that is known to be short. */
static inline uint64_t shmrpci_hash_short(uint64_t seed, const void *key,
                                          size_t len)
{
    return shmrpci_hash_finish(seed ^ SHMRPCI_HASH_SALT1, len,
                               shmrpci_hash_ends(key, len));
}

/* Whether two short keys of length `len` are equal. */
static inline int shmrpci_hash_is_equal_short(const void *one, const void *two,
                                              size_t len)
{
    shmrpci_hash_pair a = shmrpci_hash_ends(one, len);
    shmrpci_hash_pair b = shmrpci_hash_ends(two, len);
    return ((a.first ^ b.first) | (a.last ^ b.last)) == 0;
}

/* Whether two keys of length `len` are equal. */
static inline int shmrpci_hash_is_equal(const void *one, const void *two,
                                        size_t len)
{
    return SHMRPCI_LIKELY(len <= SHMRPCI_HASH_SHORT)
               ? shmrpci_hash_is_equal_short(one, two, len)
               : memcmp(one, two, len) == 0;
}

#endif
