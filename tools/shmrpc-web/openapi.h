/*
 * The running services, as one OpenAPI document.
 *
 * The only place that uses the generator: a running service is described as
 * `--lang openapi` describes its .svc.
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
