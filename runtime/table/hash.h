/*
 * The hash of keys: wyhash's way of mixing, by Wang Yi, from which the
 * constants are. With a seed that nobody outside knows nobody can choose keys
 * that clash.
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

/* Both halves of the product of two words. */
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

static inline uint64_t shmrpci_hash_bytes(uint64_t seed, const void *key,
                                          size_t len)
{
    const uint64_t salt1 = UINT64_C(0xA0761D6478BD642F);
    const uint64_t salt2 = UINT64_C(0xE7037ED1A0B428DB);
    const uint64_t salt3 = UINT64_C(0x8EBC6AF09C88C6E3);
    const uint8_t *at = key;
    size_t left = len;
    uint64_t a = 0;
    uint64_t b = 0;
    seed ^= salt1;
    while (SHMRPCI_UNLIKELY(left > 16)) {
        seed = shmrpci_hash_mix(shmrpci_hash_word(at) ^ salt2,
                                shmrpci_hash_word(at + 8) ^ seed);
        at += 16;
        left -= 16;
    }
    if (SHMRPCI_LIKELY(left > 8)) {
        a = shmrpci_hash_word(at);
        b = shmrpci_hash_word(at + left - 8);
    } else if (left >= 4) {
        a = shmrpci_hash_half(at);
        b = shmrpci_hash_half(at + left - 4);
    } else if (left > 0) {
        a = (uint64_t)at[0] << 16 | (uint64_t)at[left / 2] << 8 | at[left - 1];
    }
    return shmrpci_hash_mix(salt3 ^ len, shmrpci_hash_mix(a ^ salt2, b ^ seed));
}

/* Whether two keys of that length are equal. */
static inline int shmrpci_hash_is_equal(const void *one, const void *two,
                                        size_t len)
{
    const uint8_t *a = one;
    const uint8_t *b = two;
    if (SHMRPCI_UNLIKELY(len > 16 || len < 8)) {
        return len == 0 || memcmp(a, b, len) == 0;
    }
    /* From both ends: the words overlap where they meet. */
    return ((shmrpci_hash_word(a) ^ shmrpci_hash_word(b)) |
            (shmrpci_hash_word(a + len - 8) ^
             shmrpci_hash_word(b + len - 8))) == 0;
}

#endif
