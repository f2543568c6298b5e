/*
 * Finds JSON members that the type does not have.
 *
 * The codecs skip unknown members, because a client may be newer than its
 * server. Here the server's own description is known, so unknown members are
 * mistakes.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_STRICT_H
#define SHMRPC_TOOLS_STRICT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"

/* Checks JSON that was decoded as `type`, which is parameters or a struct.
 * Returns INVALID if it has a member, or a parameter, that the type lacks; the
 * error contains its path and the most similar name. Returns NO_MEMORY if
 * memory runs out. */
int tool_strict_check(const shmrpc_type *type, const uint8_t *data, size_t len,
                      shmrpci_arena *arena, shmrpc_error *error);

#endif
