/* Streams of calls, on the server's side. */
#include <string.h>

#include "base/assert.h"
#include "transport/tcp/server.h"

/* A connection may always keep this much, however much the others keep. */
#define OWN_BYTES ((int64_t)64 << 10)

static tcp_conn *conn_of(tcp_flow *flow)
{
    return (tcp_conn *)(void *)((char *)flow - offsetof(tcp_conn, flow));
}

/* ---- waiting and sending ------------------------------------------------- */

/* Other threads read the socket: idle workers, or the listener's thread. */
static bool wait_for(tcp_flow *flow, shmrpci_cond *cond, int64_t deadline_ns)
{
    return deadline_ns != 0 &&
           shmrpci_cond_wait_until(cond, flow->lock, deadline_ns);
}

static void leave(tcp_flow *flow)
{
    (void)flow;
}

static void flush(tcp_flow *flow)
{
    tcp_conn_flush(conn_of(flow));
}

static void hold(tcp_flow *flow)
{
    tcp_conn_hold_for_others(conn_of(flow));
}

/* The streams of all peers together share the limit for requests. */
static bool keep(tcp_flow *flow, int64_t bytes)
{
    tcp_listener *listener = conn_of(flow)->listener;
    /* Relaxed: a count. Adding a negative value wraps around and gives the
     * right sum. */
    uint64_t all = shmrpci_add_relaxed(&listener->item_bytes, (uint64_t)bytes) +
                   (uint64_t)bytes;
    if (bytes > 0 && all > listener->limits.max_total_bytes / 2 &&
        flow->kept + bytes > OWN_BYTES) {
        (void)shmrpci_add_relaxed(&listener->item_bytes, (uint64_t)-bytes);
        return false;
    }
    return true;
}

/* Drops the reference to the connection that accept has taken for the stream.
 * The stream needs its own, because the call, which also has one, may end
 * earlier. */
static void closed(tcp_flow *flow)
{
    tcp_conn_unref(conn_of(flow));
}

const tcp_flow_ops tcp_conn_flow_ops = {.wait = wait_for,
                                        .leave = leave,
                                        .flush = flush,
                                        .hold = hold,
                                        .keep = keep,
                                        .closed = closed};

/* ---- calls ------------------------------------------------------------- */

/* Called with the flow's lock held. */
static tcp_end add_streams(tcp_call *call, const tcp_windows *windows)
{
    tcp_flow *flow = &call->conn->flow;
    if (flow->count >= SHMRPCI_STREAMS_MAX ||
        tcp_flow_find(flow, call->id) != NULL) {
        return TCP_END_CREDIT;
    }
    call->stream =
        tcp_flow_open(flow, call->id, windows, flow->max_message_bytes);
    return call->stream != NULL ? TCP_END_NONE
           : flow->is_lost      ? TCP_END_CLOSED
                                : TCP_END_MEMORY;
}

tcp_end tcp_call_begin_streams(tcp_call *call)
{
    tcp_conn *conn = call->conn;
    tcp_windows windows;
    tcp_end end = tcp_windows_get(call->request, call->request_len, &windows);
    if (end != TCP_END_NONE || (call->head.flags & SHMRPCI_HEAD_ONEWAY) != 0) {
        return end != TCP_END_NONE ? end : TCP_END_FIELD;
    }
    shmrpci_mutex_lock(&conn->flow_lock);
    end = add_streams(call, &windows);
    shmrpci_mutex_unlock(&conn->flow_lock);
    return end;
}

shmrpci_stream *tcp_call_hold_streams(tcp_call *call)
{
    if (call->stream != NULL) {
        shmrpci_mutex_lock(&call->conn->flow_lock);
        tcp_stream_ref(call->stream);
        shmrpci_mutex_unlock(&call->conn->flow_lock);
    }
    return call->stream;
}

void tcp_call_let_streams_go(shmrpci_stream *stream)
{
    if (stream != NULL) {
        shmrpci_mutex *lock = stream->flow->lock;
        shmrpci_mutex_lock(lock);
        tcp_stream_unref(stream);
        shmrpci_mutex_unlock(lock);
    }
}

void tcp_call_stop_streams(tcp_call *call)
{
    if (call->stream != NULL) {
        shmrpci_mutex_lock(&call->conn->flow_lock);
        tcp_stream_over(call->stream);
        shmrpci_mutex_unlock(&call->conn->flow_lock);
    }
}

void tcp_call_end_streams(tcp_call *call)
{
    if (call->stream != NULL) {
        shmrpci_mutex_lock(&call->conn->flow_lock);
        tcp_stream_leave(call->stream);
        shmrpci_mutex_unlock(&call->conn->flow_lock);
        call->stream = NULL;
    }
}

/* Called with the lock held. Takes a place for streams if one is left, and sets
 * `*places` to the max number of places. */
static bool take_place(tcp_call *call, uint32_t max_places, uint32_t *places)
{
    tcp_listener *listener = call->conn->listener;
    uint32_t workers = 0;
    for (uint32_t i = 0; i < TCP_MAX_WORKERS; i++) {
        workers += listener->participants[i].is_taken ? 1u : 0u;
    }
    *places = shmrpci_stream_places(max_places, workers);
    call->has_place = listener->streaming < *places;
    listener->streaming += call->has_place ? 1u : 0u;
    return call->has_place;
}

int tcp_worker_accept(shmrpci_request *request, uint32_t max_places,
                      shmrpci_stream **out, shmrpc_error *error)
{
    tcp_call *call = request->data.pointers[0];
    SHMRPCI_ASSERT(call->stream != NULL, "the head has the streams flag");
    tcp_conn *conn = call->conn;
    uint32_t places;
    shmrpci_mutex_lock(&conn->listener->lock);
    bool has_place = take_place(call, max_places, &places);
    if (has_place) {
        conn->refs++; /* dropped when the stream is closed */
        *out = tcp_call_hold_streams(call);
    }
    shmrpci_mutex_unlock(&conn->listener->lock);
    return has_place ? (int)SHMRPC_OK
                     : shmrpci_stream_places_taken(places, error);
}
