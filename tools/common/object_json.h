/*
 * A named object as JSON, with the same keys in `shmrpc ls` and in the web
 * page's API.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_OBJECT_JSON_H
#define SHMRPC_TOOLS_OBJECT_JSON_H

#include "base/buf.h"
#include "shmrpc/objects.h"

/* The name of a state for people, such as "in use". */
const char *tool_object_state(shmrpc_object_state state);

/* Appends the object's members to a JSON object that the caller has begun. */
void tool_object_members(const shmrpc_object_info *info, shmrpci_buf *out);

#endif
