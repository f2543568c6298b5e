/*
 * Calls over HTTP: a request becomes a call, and the end of the call the reply.
 *
 *     POST /rpc/echo_serv/add    the parameters are in the body: JSON (an
 *                                array by position or an object by name),
 *                                msgpack, or the bytes of a raw method, as
 *                                Content-Type says
 *     GET /rpc/fts/find?text=x   for methods with @rest(GET, ...), which
 *                                declare that they change nothing
 *     GET /rest/fts/v2/docs/17   the path of @rest, behind the service's name
 *
 * The result has the form of the request, or the one that Accept names. Streams
 * are in download.h and upload.h.
 *
 * An error is a JSON object with an HTTP status. Between this program and the
 * service the method's own encoding is used.
 *
 * Threading: one thread, that of the loop.
 */
#ifndef SHMRPC_WEB_RPC_H
#define SHMRPC_WEB_RPC_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/shmrpc-web/directory.h"
#include "tools/shmrpc-web/http.h"

typedef struct web_rpc web_rpc;

/* `set` is the poll set for the clients' descriptors, whose tags begin with
 * `first_tag`. */
int web_rpc_open(web_directory *directory, int set, uint64_t first_tag,
                 bool read_only, const web_times *times, web_rpc **out,
                 shmrpc_error *error);
/* Ends all calls in progress. NULL is fine. */
void web_rpc_close(web_rpc *rpc);

/* Whether a request of /rpc/ or /rest/ can't change anything, judged by its
 * verb. */
bool web_rpc_is_safe(const web_request *request);

/* Handles a request of /rpc/ or /rest/, which is answered now or later. */
void web_rpc_take(web_rpc *rpc, web_request *request);
/* Whether the body of such a request is taken in pieces (upload.h). */
bool web_rpc_uploads(web_rpc *rpc, web_request *request);
/* Call this when a request whose body was taken in pieces has ended. */
void web_rpc_ended(web_rpc *rpc, web_request *request);
/* Call this when the client of a request has hung up. */
void web_rpc_hung_up(web_rpc *rpc, web_request *request);

/* Call this when the descriptor with this tag is ready. */
void web_rpc_dispatch(web_rpc *rpc, uint64_t tag);
/* Call this when the directory has finished a search. */
void web_rpc_changed(web_rpc *rpc);
/* Call this several times a second; it handles timeouts. */
void web_rpc_tick(web_rpc *rpc);

typedef struct web_rpc_stats {
    uint64_t calls;
    uint64_t errors;
    uint64_t cancelled;
    uint32_t in_progress;
} web_rpc_stats;
void web_rpc_read_stats(const web_rpc *rpc, web_rpc_stats *out);

/* Answers with an HTTP status that none of our errors has. `allow` may be
 * NULL. */
void web_reply_invalid(web_request *request, unsigned status, const char *allow,
                       const char *message);

/* Answers 429, so that the client tries again in `wait_s` seconds. */
void web_reply_later(web_request *request, unsigned wait_s);

/* Answers with an error as a JSON object: `code`, `name`, `message`, and so
 * on. */
void web_reply_error(web_request *request, const shmrpc_error *error);

#endif
