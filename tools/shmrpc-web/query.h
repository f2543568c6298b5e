/*
 * The query of an address, `a=1&b=two`, as a JSON object of parameters.
 *
 * Strings, bytes and enums are written without quotes, numbers and booleans
 * literally; everything else is JSON. An `any` is JSON if it parses, otherwise
 * a string.
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_WEB_QUERY_H
#define SHMRPC_WEB_QUERY_H

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"

/* Appends members to an object that was begun in `out`. Returns INVALID for an
 * unknown name or a malformed escape. */
int web_query_append(const shmrpc_type *params, const char *query,
                     shmrpci_arena *arena, shmrpci_buf *out,
                     shmrpc_error *error);

/* Appends one member; `text` is the value of `field`. */
int web_query_append_one(const shmrpc_field *field, const char *text,
                         size_t len, shmrpci_arena *arena, shmrpci_buf *out,
                         shmrpc_error *error);

#endif
