/*
 * Keys of maps: their order, and the search for a key that occurs twice.
 *
 * The search uses heapsort, so it takes n log n comparisons for any input, and
 * a sender can't choose a bad case. Threading: pure functions.
 */
#ifndef SHMRPCI_CODEC_KEYS_H
#define SHMRPCI_CODEC_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "shmrpc/descriptor.h"

/* Whether values of the type can be keys: bool, integers, enums, strings,
 * bytes, and `any`. */
bool shmrpci_key_type_ok(const shmrpc_type *type);

/* Compares two keys of one type, in a total order. Returns a negative number,
 * 0, or a positive number. */
int shmrpci_key_compare(const shmrpc_type *type, const void *a, const void *b);

/*
 * Looks for two equal keys among `count` entries of `stride` bytes that begin
 * with their keys. Returns OK, and sets `*duplicate` to the address of one of
 * the two, or to NULL if there are none; returns NO_MEMORY if the arena is
 * full.
 */
int shmrpci_keys_find_duplicate(const shmrpc_type *type, const void *entries,
                                size_t count, size_t stride,
                                shmrpci_arena *arena, const void **duplicate);

#endif
