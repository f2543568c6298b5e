/*
 * Checks the reserved members of option structs.
 *
 * If programs left them uninitialised, a later version would read them as
 * options; so values other than 0 are refused from the beginning. Threading:
 * pure functions.
 */
#ifndef SHMRPC_BASE_RESERVED_H
#define SHMRPC_BASE_RESERVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The message if reserved members are not 0. */
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
