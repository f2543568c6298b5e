/*
 * Lays out the codec's compact JSON for people.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_PRETTY_H
#define SHMRPC_TOOLS_PRETTY_H

#include "base/buf.h"

/* Appends `json`, which must have no white space between its tokens. Each
 * member and item gets a line of its own, except in short containers that hold
 * no other container. */
void cli_pretty(const shmrpci_buf *json, shmrpci_buf *out);

#endif
