/*
 * Copies of a few bytes, of which calls make several: without the call of
 * memcpy, which is as long as they are.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPCI_BASE_COPY_H
#define SHMRPCI_BASE_COPY_H

#include <stddef.h>
#include <string.h>

/* As memcpy; quick for 16 to 64 bytes. */
static inline void shmrpci_copy_short(void *restrict to,
                                      const void *restrict from, size_t len)
{
    enum { PIECE = 16 };
    unsigned char *t = to;
    const unsigned char *f = from;
    if (len < PIECE || len > (size_t)4 * PIECE) {
        memcpy(t, f, len);
        return;
    }
    /* From both ends: the pieces overlap where they meet. */
    if (len > (size_t)2 * PIECE) {
        memcpy(t + PIECE, f + PIECE, PIECE);
        memcpy(t + len - 2 * PIECE, f + len - 2 * PIECE, PIECE);
    }
    memcpy(t, f, PIECE);
    memcpy(t + len - PIECE, f + len - PIECE, PIECE);
}

#endif
