/*
 * The audit log on stderr: each change of the manager, each login, and each
 * request with a trace.
 *
 *     audit: 127.0.0.1 session 3 POST /rpc/shmrpcd/stop {"name":"Echo"}: 200
 *     trace: 4bf92f3577b34da6a3ce929d0e0e4736 POST /rpc/fts/find: 200 in 812 us
 *
 * Control characters and characters beyond ASCII are escaped; long texts are
 * cut.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_AUDIT_H
#define SHMRPC_WEB_AUDIT_H

#include "tools/shmrpc-web/http.h"

/* Logs a request that was answered with `status`, if requests of its kind are
 * logged. */
void web_audit(const web_request *request, unsigned status);

#endif
