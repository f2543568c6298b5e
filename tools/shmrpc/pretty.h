/*
 * JSON for people: the compact text of the codec, laid out.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_PRETTY_H
#define SHMRPC_TOOLS_PRETTY_H

#include "base/buf.h"

/* Appends `json`, which has no white space between its tokens, with one line
 * for each member, and for each item other than numbers and short texts. */
void cli_pretty(const shmrpci_buf *json, shmrpci_buf *out);

#endif
