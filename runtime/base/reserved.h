/*
 * Reserved: the room that options leave for later members.
 *
 * A program that leaves it uncleared would, one day, ask for an option it did
 * not mean; so it is refused from the beginning. Threading: pure.
 */
#ifndef SHMRPC_BASE_RESERVED_H
#define SHMRPC_BASE_RESERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What to say when they are not. */
#define SHMRPCI_RESERVED_TEXT \
    "reserved members of the options are not 0: begin with {0}"

static inline bool shmrpci_reserved_is_zero(const uint64_t *words, size_t count)
{
    uint64_t all = 0;
    for (size_t i = 0; i < count; i++) {
        all |= words[i];
    }
    return all == 0;
}

#endif
