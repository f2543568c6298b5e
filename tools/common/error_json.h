/*
 * The error of a call as JSON, with the same members over HTTP and NATS
 * (docs/web.md, "Errors").
 *
 * Threading: pure functions.
 */
#ifndef SHMRPC_TOOLS_ERROR_JSON_H
#define SHMRPC_TOOLS_ERROR_JSON_H

#include "base/buf.h"
#include "shmrpc/error.h"
#include "shmrpc/stream_stub.h"
#include "shmrpc/stub.h"

/* Appends the members of an error to an object that the caller has begun. */
void tool_error_append(const shmrpc_error *error, shmrpci_buf *out);

/* Appends the value of `details`: the fields of a declared error, or a fault.
 * The fields come from `stream` if that is not NULL, else from `reply`. A fault
 * is written without its trace, which is only for the user who runs the
 * service. Appends nothing if there are no details, or if JSON can't express
 * them. */
void tool_details_append(const shmrpc_method *method, const void *reply,
                         const shmrpc_stream *stream, const shmrpc_error *error,
                         shmrpci_buf *out);

#endif
