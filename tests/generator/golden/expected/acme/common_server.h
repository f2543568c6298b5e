/*
 * Servers of acme/common.svc, made by shmrpcgen: edit that file instead.
 *
 * Handlers return 0, a shmrpc_status, or an error that the method declares;
 * their arguments, and memory from shmrpc_ctx_alloc, live until the reply has
 * been sent. A result may also be static or your own. The return value of a
 * handler of a oneway method is not sent.
 * Threading: handlers run on worker threads, several at a time unless the
 * server has one worker; the other functions belong to one thread.
 */
#ifndef COMMON_ACME_COMMON_D9CE377C_SERVER_H
#define COMMON_ACME_COMMON_D9CE377C_SERVER_H

#include <shmrpc/error.h>
#include <shmrpc/server.h>

#include "common.h"

SHMRPC_BEGIN_DECLS

/* Ends the call in COMMON_ERR_REFUSED: `return common_raise_refused(ctx,
 * &detail);`. Copies `detail`; NULL sends none. Returns COMMON_ERR_REFUSED, or
 * a failure: INTERNAL if `detail` is out of its bounds. */
int common_raise_refused(shmrpc_ctx *ctx, const common_refused *detail);

/* acme/common.svc declares no service. */

SHMRPC_END_DECLS

#endif
