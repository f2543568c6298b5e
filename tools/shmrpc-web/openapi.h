/*
 * The services that are there, as one OpenAPI document.
 *
 * The only place that knows the generator: what it writes for a .svc with
 * `--lang openapi` is what is said of a running service.
 *
 * Threading: any thread.
 */
#ifndef SHMRPC_WEB_OPENAPI_H
#define SHMRPC_WEB_OPENAPI_H

#include "base/buf.h"
#include "tools/shmrpc-web/directory.h"

/* Appends the document. Places without a service, or that are not alive, are
 * left out. NO_MEMORY. */
int web_openapi_append(const web_place *places, size_t count, shmrpci_buf *out);

#endif
