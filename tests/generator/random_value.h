/*
 * Random values of described types, and a check whether a value has arrived
 * intact: for property tests of the codecs, and of communication between two
 * versions.
 */
#ifndef TESTS_GENERATOR_RANDOM_VALUE_H
#define TESTS_GENERATOR_RANDOM_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "shmrpc/descriptor.h"

/* Fills `value`, which has the size of the type, within the type's bounds.
 * Extremes, NaN, enum values without a name and empty containers are frequent.
 * Texts, lists and optional structs are allocated in `arena`. `any` gets only
 * values that every encoding can carry. False if memory runs out, or if the
 * type has no finite value. */
bool random_value(const shmrpc_type *type, void *value, uint64_t *seed,
                  shmrpci_arena *arena);

/*
 * Whether a value that was read has the meaning of the one that was written. A
 * member is identified by both its name and its number: if the reader knows a
 * field by only one of them, the member has not arrived. Members unknown to the
 * reader may be lost; members unknown to the writer must be absent or have the
 * reader's default. Numbers are equal by value, enums also by name, unless one
 * side has no name for the value.
 */
bool random_value_arrived(const shmrpc_type *writer, const void *written,
                          const shmrpc_type *reader, const void *got);

#endif
