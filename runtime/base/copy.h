/*
 * Copies a few bytes without calling memcpy: each RPC makes several such
 * copies, and the function call would take as long as the copy.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_BASE_COPY_H
#define SHMRPCI_BASE_COPY_H

#include <stddef.h>
#include <string.h>

/* Like memcpy, but allows a NULL pointer with length 0; fast for 4 to 64
 * bytes. */
static inline void shmrpci_copy_short(void *restrict to,
                                      const void *restrict from, size_t len)
{
    enum { PIECE = 16, HALF = 8, QUARTER = 4 };
    unsigned char *t = to;
    const unsigned char *f = from;
    /* Copies from both ends; the two pieces overlap in the middle. */
    if (len - PIECE <= (size_t)3 * PIECE) {
        if (len > (size_t)2 * PIECE) {
            memcpy(t + PIECE, f + PIECE, PIECE);
            memcpy(t + len - 2 * PIECE, f + len - 2 * PIECE, PIECE);
        }
        memcpy(t, f, PIECE);
        memcpy(t + len - PIECE, f + len - PIECE, PIECE);
    } else if (len - HALF < HALF) {
        memcpy(t, f, HALF);
        memcpy(t + len - HALF, f + len - HALF, HALF);
    } else if (len - QUARTER < QUARTER) {
        memcpy(t, f, QUARTER);
        memcpy(t + len - QUARTER, f + len - QUARTER, QUARTER);
    } else if (len > 0) {
        memcpy(t, f, len);
    }
}

#endif
