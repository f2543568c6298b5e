/*
 * Clients of acme/common.svc, made by shmrpcgen: edit that file instead.
 *
 * Functions return 0, a negative shmrpc_status, or the number (100 or more) of
 * an error that the service declares.  A function that returns 0 writes its
 * results.  A function that returns anything else writes `error`, unless that
 * is NULL.  If errors of a method have details, a reply is also returned with
 * each declared error.
 * Arguments are borrowed until the call returns; no function here frees memory
 * of the caller.  Calls block until they end or their deadline passes; `opts`
 * may be NULL.
 * Threading: any thread may use a client.
 */
#ifndef COMMON_ACME_COMMON_D9CE377C_CLIENT_H
#define COMMON_ACME_COMMON_D9CE377C_CLIENT_H

#include "common.h"

SHMRPC_BEGIN_DECLS

/* acme/common.svc declares no service. */

SHMRPC_END_DECLS

#endif
