/*
 * Keys of maps: order, and the search for one that occurs twice.
 *
 * The search sorts (heapsort: no bad case that a sender could choose), so it
 * takes n log n comparisons for any input.  Threading: pure functions.
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

/* A total order of the keys of one type: below, at, or above 0. */
int shmrpci_key_compare(const shmrpc_type *type, const void *a, const void *b);

/*
 * Looks for two equal keys among `count` entries of `stride` bytes that begin
 * with their keys. OK with `*duplicate` set to the address of one of the two or
 * NULL; NO_MEMORY when the arena is full.
 */
int shmrpci_keys_find_duplicate(const shmrpc_type *type, const void *entries,
                                size_t count, size_t stride,
                                shmrpci_arena *arena, const void **duplicate);

#endif
