/*
 * Clients of jobs.svc, made by shmrpcgen: edit that file instead.
 *
 * Functions return 0, a negative shmrpc_status, or 100 and up, an error that
 * the service declares; results are written only on 0, and `error`, which may
 * be NULL, only otherwise.  Where errors carry details, a reply comes with each
 * declared error too.
 * What you pass in is borrowed until the call returns; nothing here frees a
 * pointer that you made.  Calls block until they end or their deadline passes;
 * `opts` may be NULL.
 * Threading: any thread may use a client.
 */
#ifndef JOBS_V1_JOBS_69192820_CLIENT_H
#define JOBS_V1_JOBS_69192820_CLIENT_H

#include "jobs.h"

SHMRPC_BEGIN_DECLS

/* jobs.svc declares no service. */

SHMRPC_END_DECLS

#endif
