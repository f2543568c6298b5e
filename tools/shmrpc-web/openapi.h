/*
 * The running services as one OpenAPI document.
 *
 * No other file of this program calls the generator. A running service is
 * described in the same way as `--lang openapi` describes its .svc.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_WEB_OPENAPI_H
#define SHMRPC_WEB_OPENAPI_H

#include "base/buf.h"
#include "tools/shmrpc-web/directory.h"

/* Appends the document. Leaves out places without a service, and those that are
 * not alive. Returns NO_MEMORY if memory runs out. */
int web_openapi_append(const web_place *places, size_t count, shmrpci_buf *out);

#endif
