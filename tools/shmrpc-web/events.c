/* Server-sent events (the EventSource of HTML): each tick makes the text once,
 * and each listener copies it when its connection has room. A slow listener
 * then gets the newest text, and misses those that were made in between. */
#include "tools/shmrpc-web/events.h"

#include <stdlib.h>

#include "os/clock.h"
#include "tools/shmrpc-web/rpc.h"
#include "tools/shmrpc-web/show.h"

/* A page that reads nothing for this long is considered gone. */
#define STALL_NS (30 * SHMRPCI_NS_PER_S)

struct web_listener {
    web_events *events;
    web_connection *connection;
    uint64_t number; /* number of the last event that was sent to it */
    web_listener *next;
};

void web_events_open(web_events *events, web_board *board)
{
    *events = (web_events){.board = board};
    shmrpci_buf_init_heap(&events->latest);
}

void web_events_close(web_events *events)
{
    shmrpci_buf_fini(&events->latest);
}

static void make_event(web_events *events)
{
    shmrpci_buf *out = &events->latest;
    shmrpci_buf_reset(out);
    shmrpci_buf_append_text(out, "event: services\ndata: ");
    web_show_services(events->board, out);
    shmrpci_buf_append_text(out, "\n\n");
    events->number++;
}

void web_events_tick(web_events *events)
{
    if (events->listeners == NULL) {
        return;
    }
    make_event(events);
    for (web_listener *at = events->listeners; at != NULL;) {
        web_listener *next = at->next;
        web_stream_wake(at->connection);
        at = next;
    }
}

static web_stream_state next_piece(void *user, shmrpci_buf *out)
{
    web_listener *listener = user;
    web_events *events = listener->events;
    if (listener->number != events->number) {
        listener->number = events->number;
        shmrpci_buf_append(out, events->latest.data, events->latest.len);
    }
    return WEB_STREAM_GOES_ON;
}

/* http.h calls this when nobody reads the stream any more, which is the only
 * way in which a listener ends. */
static void end(void *user)
{
    web_listener *listener = user;
    web_listener **link = &listener->events->listeners;
    while (*link != listener) {
        link = &(*link)->next;
    }
    *link = listener->next;
    free(listener);
}

void web_events_take(web_events *events, web_request *request)
{
    web_listener *listener = calloc(1, sizeof *listener);
    shmrpc_error error;
    if (listener == NULL) {
        (void)shmrpc_error_set(&error, SHMRPC_E_NO_MEMORY, "out of memory");
        web_reply_error(request, &error);
        return;
    }
    make_event(events);
    *listener = (web_listener){.events = events,
                               .connection = request->connection,
                               .next = events->listeners};
    events->listeners = listener;
    const web_reply_head head = {.status = 200, .type = "text/event-stream"};
    web_reply_stream(request, &head, STALL_NS, next_piece, end, listener);
}
