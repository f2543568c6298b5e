/*
 * Finds JSON members that the type does not have.
 *
 * The codecs skip them, for clients that are newer than their server. Here the
 * server's own description is known, so they are mistakes.
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

/* Looks through JSON that was decoded as `type`, parameters or a struct.
 * INVALID: there is a member, or a parameter, that it does not have; with its
 * path, and the name that was meant. NO_MEMORY. */
int tool_strict_check(const shmrpc_type *type, const uint8_t *data, size_t len,
                      shmrpci_arena *arena, shmrpc_error *error);

#endif
