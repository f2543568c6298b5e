/*
 * Streams from services over HTTP: lines of JSON, server-sent events, or the
 * bytes of raw methods.
 *
 * Items are taken from the service only when the connection has room for them:
 * a slow reader stalls its own stream, and nothing piles up here.  Until the
 * first item or the end is there, or half a second has passed, the reply has no
 * status yet; so an error before that is the reply, and one after it the last
 * line.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_DOWNLOAD_H
#define SHMRPC_WEB_DOWNLOAD_H

#include "tools/shmrpc-web/journey.h"

typedef struct web_download web_download;

/* Opens the stream of a method that returns one, and will answer. Statuses of
 * calls: it was not opened. */
int web_download_start(web_journey *j, const void *params,
                       const shmrpc_opts *opts, shmrpc_error *error);

/* Cancels it, since its reader has gone. NULL is fine. */
void web_download_drop(web_download *d);

/* Handles the timeouts of all downloads. */
void web_downloads_tick(web_rpc *rpc);

#endif
