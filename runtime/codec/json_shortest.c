/*
 * Schubfach: finds the shortest decimal that reads back as the same float. The
 * names are those of the paper: v = c * 2^q lies between vl and vr, the ends of
 * the interval that rounds to v; all are scaled by 4 * 10^-k.
 *
 * k is the largest exponent for which some multiple of 10^k must be within the
 * interval; there may also be a multiple of 10^(k+1), which is a digit shorter.
 * Three multiplications with a power of ten give the scaled v, vl and vr; what
 * they cut off is kept in the lowest bit ("round to odd"), which makes the
 * comparisons below exact.
 */
#include "codec/json_shortest.h"

#include <stdbool.h>
#include <string.h>

#include "codec/json_powers.h"

/* Returns g * cp / 2^128, with the lowest bit set if anything was cut off. */
static uint64_t round_to_odd(shmrpci_power g, uint64_t cp)
{
    /* A product of 128 by 64 bits, of which the upper 64 bits are used. */
    shmrpci_product x = shmrpci_multiply(g.low, cp);
    shmrpci_product y = shmrpci_multiply(g.high, cp);
    uint64_t middle = y.low + x.high;
    uint64_t high = y.high + (middle < y.low ? 1 : 0);
    return high | (middle > 1 ? 1 : 0);
}

/* Returns 10^k rounded up, as the paper's proof needs it; the table is rounded
 * down. Powers that fit 128 bits exactly stay unchanged. */
static shmrpci_power power_above(int k)
{
    shmrpci_power g = shmrpci_powers_of_ten[k - SHMRPCI_POWERS_MIN];
    if (k < 0 || k > SHMRPCI_POWERS_MAX_EXACT) {
        g.low++;
        g.high += g.low == 0 ? 1 : 0;
    }
    return g;
}

/* `is_lower_closer` means that c is a power of two, so that the next lower
 * float is half as far away as the next higher one. */
static shmrpci_shortest shortest(uint64_t c, int q, bool is_lower_closer)
{
    /* The ends of the interval round to v if c is even. */
    uint64_t is_odd = c & 1;
    /* floor(log10(2^q)), or floor(log10(3/4 * 2^q)) if the lower float is
     * closer */
    int k = (q * 1262611 - (is_lower_closer ? 524031 : 0)) >> 22;
    int h = q + shmrpci_log2_of_power(-k) + 1;
    shmrpci_power g = power_above(-k);
    uint64_t lower =
        round_to_odd(g, (4 * c - 2 + (is_lower_closer ? 1 : 0)) << h) + is_odd;
    uint64_t v = round_to_odd(g, (4 * c) << h);
    uint64_t upper = round_to_odd(g, (4 * c + 2) << h) - is_odd;

    uint64_t s = v / 4;
    /* Tries one digit fewer: the multiple of ten below or above, if exactly one
     * of them lies within the interval. */
    if (s >= 10) {
        uint64_t tenth = s / 10;
        bool is_down_inside = lower <= 40 * tenth;
        bool is_up_inside = 40 * tenth + 40 <= upper;
        if (is_down_inside != is_up_inside) {
            return (shmrpci_shortest){tenth + (is_up_inside ? 1 : 0), k + 1};
        }
    }
    /* Otherwise the result is s or s + 1. If only one of them lies within the
     * interval, takes that one; otherwise takes the nearer one, or the even one
     * if both are equally near. */
    bool is_down_inside = lower <= 4 * s;
    bool is_up_inside = 4 * s + 4 <= upper;
    if (is_down_inside != is_up_inside) {
        return (shmrpci_shortest){s + (is_up_inside ? 1 : 0), k};
    }
    uint64_t middle = 4 * s + 2;
    bool is_up = v > middle || (v == middle && (s & 1) != 0);
    return (shmrpci_shortest){s + (is_up ? 1 : 0), k};
}

/* An exponent field of 0 means a subnormal number: it has no hidden bit, and
 * the next lower and next higher floats are equally far away. */
shmrpci_shortest shmrpci_shortest_f64(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int exponent = (int)(bits >> 52 & 0x7FF);
    if (exponent == 0) {
        return shortest(fraction, 1 - 1075, false);
    }
    return shortest(fraction | UINT64_C(1) << 52, exponent - 1075,
                    fraction == 0 && exponent > 1);
}

shmrpci_shortest shmrpci_shortest_f32(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint32_t fraction = bits & ((UINT32_C(1) << 23) - 1);
    int exponent = (int)(bits >> 23 & 0xFF);
    if (exponent == 0) {
        return shortest(fraction, 1 - 150, false);
    }
    return shortest(fraction | UINT32_C(1) << 23, exponent - 150,
                    fraction == 0 && exponent > 1);
}
