/*
 * Servers of jobs.svc, made by shmrpcgen: edit that file instead.
 *
 * Handlers return 0, a shmrpc_status, or the number of an error that the method
 * declares. Their arguments, and memory from shmrpc_ctx_alloc, are valid until
 * the reply has been sent. A result may also point to static memory or to
 * memory of your own. The return value of a oneway method's handler is not
 * sent.
 * Threading: handlers run on worker threads, several at a time unless the
 * server has one worker; the other functions are for one thread at a time.
 */
#ifndef JOBS_V1_JOBS_69192820_SERVER_H
#define JOBS_V1_JOBS_69192820_SERVER_H

#include "jobs.h"

SHMRPC_BEGIN_DECLS

/* jobs.svc declares no service. */

SHMRPC_END_DECLS

#endif
