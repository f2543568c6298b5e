/*
 * Servers of acme/common.svc, made by shmrpcgen: edit that file instead.
 *
 * Handlers return 0, a shmrpc_status, or the number of an error that the method
 * declares. Their arguments, and memory from shmrpc_ctx_alloc, are valid until
 * the reply has been sent. A result may also point to static memory or to
 * memory of your own. The return value of a oneway method's handler is not
 * sent.
 * Threading: handlers run on worker threads, several at a time unless the
 * server has one worker; the other functions are for one thread at a time.
 */
#ifndef COMMON_ACME_COMMON_D9CE377C_SERVER_H
#define COMMON_ACME_COMMON_D9CE377C_SERVER_H

#include <shmrpc/error.h>
#include <shmrpc/server.h>

#include "common.h"

SHMRPC_BEGIN_DECLS

/* Makes the call end in COMMON_ERR_REFUSED: `return common_raise_refused(ctx,
 * &detail);`. Copies `detail`; with NULL no details are sent. Returns
 * COMMON_ERR_REFUSED, or on failure a status, such as INTERNAL if `detail` is
 * outside of its bounds. */
int common_raise_refused(shmrpc_ctx *ctx, const common_refused *detail);

/* acme/common.svc declares no service. */

SHMRPC_END_DECLS

#endif
