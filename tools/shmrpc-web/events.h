/*
 * Server-sent events: the services' figures, each second, for all open pages. A
 * page that does not keep up misses some events, so nothing accumulates.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_WEB_EVENTS_H
#define SHMRPC_WEB_EVENTS_H

#include "tools/shmrpc-web/board.h"
#include "tools/shmrpc-web/http.h"

typedef struct web_listener web_listener;

typedef struct web_events {
    web_board *board;
    web_listener *listeners;
    shmrpci_buf latest; /* the text of the last event */
    uint64_t number;    /* number of the last event */
} web_events;

void web_events_open(web_events *events, web_board *board);
/* All listeners must have ended. */
void web_events_close(web_events *events);

/* Replies with a stream that lives as long as the page. */
void web_events_take(web_events *events, web_request *request);

/* Call this when there are new figures to send. */
void web_events_tick(web_events *events);

#endif
