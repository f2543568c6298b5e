/*
 * Streams to services over HTTP: the body of a request, as lines of JSON or as
 * bytes, is sent as it arrives.
 *
 * While the stream has no room nothing is read from the connection, so only the
 * current line is buffered. The library can't reply before the body has ended.
 * If the call ends earlier, the rest of the body is dropped, for 10 s at most,
 * and then the reply is sent.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_UPLOAD_H
#define SHMRPC_WEB_UPLOAD_H

#include "tools/shmrpc-web/journey.h"

typedef struct web_upload web_upload;

/* Takes as much of a request's body as there is room for, and returns how much.
 * `max_line` limits the length of a line. */
size_t web_upload_take(web_rpc *rpc, web_request *request, const char *data,
                       size_t len, size_t max_line);

/* The body has ended: answers now or later. */
void web_upload_end(web_upload *u);

/* Opens the stream of a method that takes one. If the body was not taken in
 * pieces, it has been received as a whole. Returns the status of the call if
 * the stream was not opened. */
int web_upload_start(web_journey *j, const void *params,
                     const shmrpc_opts *opts, shmrpc_error *error);

/* Cancels the upload, because the request has ended or the caller will answer
 * it. NULL is fine. */
void web_upload_drop(web_upload *u);

#endif
