/*
 * Servers of jobs.svc, made by shmrpcgen: edit that file instead.
 *
 * Handlers return 0, a shmrpc_status, or an error that the method declares;
 * their arguments, and memory from shmrpc_ctx_alloc, live until the reply has
 * been sent. A result may also be static or your own. The return value of a
 * handler of a oneway method is not sent.
 * Threading: handlers run on worker threads, several at a time unless the
 * server has one worker; the other functions belong to one thread.
 */
#ifndef JOBS_V1_JOBS_69192820_SERVER_H
#define JOBS_V1_JOBS_69192820_SERVER_H

#include "jobs.h"

SHMRPC_BEGIN_DECLS

/* jobs.svc declares no service. */

SHMRPC_END_DECLS

#endif
