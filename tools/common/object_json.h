/*
 * A named object as JSON: of `shmrpc ls` and of the page's API, with the same
 * keys.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_OBJECT_JSON_H
#define SHMRPC_TOOLS_OBJECT_JSON_H

#include "base/buf.h"
#include "shmrpc/objects.h"

/* "in use", for people. */
const char *tool_object_state(shmrpc_object_state state);

/* Appends members to an object that the caller has begun. */
void tool_object_members(const shmrpc_object_info *info, shmrpci_buf *out);

#endif
