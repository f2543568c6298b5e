/*
 * Streams from services over HTTP: lines of JSON, server-sent events, or the
 * bytes of raw methods.
 *
 * Items are taken from the service only when the connection has room for them.
 * So a slow reader stalls its own stream, and nothing accumulates here.  The
 * reply gets its status when the first item or the end arrives, or after half a
 * second. So an error before that is the reply itself, and an error after it is
 * the last line.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_DOWNLOAD_H
#define SHMRPC_WEB_DOWNLOAD_H

#include "tools/shmrpc-web/journey.h"

typedef struct web_download web_download;

/* Opens the stream of a method that returns one, and answers the request later.
 * Returns the status of the call if the stream was not opened. */
int web_download_start(web_journey *j, const void *params,
                       const shmrpc_opts *opts, shmrpc_error *error);

/* Cancels the download, because its reader has gone. NULL is fine. */
void web_download_drop(web_download *d);

/* Handles the timeouts of all downloads. */
void web_downloads_tick(web_rpc *rpc);

#endif
