/*
 * Random values of described types, and whether a value has arrived: for
 * property tests of the codecs and of what two versions can say to each other.
 */
#ifndef TESTS_GENERATOR_RANDOM_VALUE_H
#define TESTS_GENERATOR_RANDOM_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "shmrpc/descriptor.h"

/* Fills `value`, of the size of the type, within its bounds; extremes, NaN,
 * values without a name and empty containers come often.  Texts, lists and
 * optional structs live in `arena`.  `any` gets what every encoding can carry.
 * False when out of memory, or when the type has no value that ends. */
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
