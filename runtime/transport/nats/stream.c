/* Streams over NATS: tcp's streams over a link. The link that was chosen for a
 * call stays open as long as the call's streams. */
#include <stdlib.h>

#include "transport/nats/client.h"

typedef struct nats_stream {
    shmrpci_stream *inner;
    nats_route *route;
} nats_stream;

static const shmrpci_stream_ops *inner_ops(void)
{
    return &shmrpci_adopted_streams;
}

static nats_stream *of(shmrpci_stream *stream)
{
    return (nats_stream *)(void *)stream;
}

static int open_streams(shmrpci_call *call, const shmrpci_stream_opts *opts,
                        shmrpci_stream **out, shmrpc_error *error)
{
    nats_route *route = nats_route_of(call);
    nats_client *client = route->client;
    int status = nats_client_begin_streams(client, error);
    if (status != SHMRPC_OK) {
        nats_inner()->abort(call);
        nats_route_over(route);
        return status;
    }
    nats_stream *stream = malloc(sizeof *stream);
    if (stream == NULL) {
        nats_inner()->abort(call);
        nats_route_over(route);
        nats_client_end_streams(client);
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    status = inner_ops()->open(call, opts, &stream->inner, error);
    if (status != SHMRPC_OK) {
        free(stream);
        nats_route_over(route);
        nats_client_end_streams(client);
        return status;
    }
    stream->route = route;
    nats_route_hold(route);
    *out = (shmrpci_stream *)(void *)stream;
    return SHMRPC_OK;
}

static bool is_taken(const shmrpci_call *call)
{
    return inner_ops()->is_taken(call);
}

static int send_item(shmrpci_stream *stream, const void *data, size_t len,
                     int64_t deadline_ns, bool alone)
{
    return inner_ops()->send(of(stream)->inner, data, len, deadline_ns, alone);
}

static uint64_t delivered(shmrpci_stream *stream)
{
    return inner_ops()->delivered(of(stream)->inner);
}

static void finish(shmrpci_stream *stream)
{
    inner_ops()->finish(of(stream)->inner);
}

static int next(shmrpci_stream *stream, int64_t deadline_ns,
                shmrpci_stream_item *out)
{
    return inner_ops()->next(of(stream)->inner, deadline_ns, out);
}

static void close_stream(shmrpci_stream *stream)
{
    nats_stream *own = of(stream);
    nats_client *client = own->route->client;
    inner_ops()->close(own->inner);
    nats_client_end_streams(client);
    nats_route_let_go(own->route);
    free(own);
}

/* There are no workers, so there is no `accept`. */
const shmrpci_stream_ops nats_stream_ops = {
    .open = open_streams,
    .is_taken = is_taken,
    .send = send_item,
    .delivered = delivered,
    .finish = finish,
    .next = next,
    .close = close_stream,
};
