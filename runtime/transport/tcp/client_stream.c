/* Streams of calls, on the client's side. */
#include <string.h>

#include "os/clock.h"
#include "transport/tcp/client.h"

/* ---- waiting and sending ------------------------------------------------ */

static tcp_client *client_of(tcp_flow *flow)
{
    return (tcp_client *)(void *)((char *)flow - offsetof(tcp_client, flow));
}

static bool wait_for(tcp_flow *flow, shmrpci_cond *cond, int64_t deadline_ns)
{
    return tcp_client_wait(client_of(flow), cond, deadline_ns);
}

static void leave(tcp_flow *flow)
{
    tcp_client_leave(client_of(flow));
}

/* Makes the pusher send bytes that don't fit, because this thread may not come
 * back soon. */
static void flush(tcp_flow *flow)
{
    tcp_client *client = client_of(flow);
    switch (tcp_client_flush(client)) {
    case TCP_FLUSHED:
        break;
    case TCP_FLUSH_WAITS:
        tcp_client_push_later(client);
        break;
    case TCP_FLUSH_FAILED:
        tcp_client_lose(client, TCP_END_CUT);
        break;
    }
}

static void hold(tcp_flow *flow)
{
    tcp_client_push_later(client_of(flow));
}

const tcp_flow_ops tcp_client_flow_ops = {
    .wait = wait_for, .leave = leave, .flush = flush, .hold = hold};

/* ---- opening ------------------------------------------------------------ */

void tcp_slot_leave_streams(tcp_slot *slot)
{
    if (slot->stream != NULL) {
        tcp_stream_leave(slot->stream);
        slot->stream = NULL;
    }
}

static uint32_t window_of(uint32_t bytes)
{
    return bytes == 0                     ? 0
           : bytes < TCP_WINDOW_MIN_BYTES ? TCP_WINDOW_MIN_BYTES
           : bytes > TCP_WINDOW_MAX_BYTES ? TCP_WINDOW_MAX_BYTES
                                          : bytes;
}

/* Writes the windows of the call's streams in front of the request. */
static void put_windows(shmrpci_call *call, const tcp_windows *windows)
{
    size_t len = call->out.len;
    if (shmrpci_buf_extend(&call->out, TCP_WINDOWS_BYTES) != NULL) {
        memmove(call->out.data + TCP_WINDOWS_BYTES, call->out.data, len);
        tcp_windows_put(windows, call->out.data);
    }
}

/* Called with the lock held. Creates the call's streams and a reference for
 * their user. */
static int add_streams(tcp_slot *slot, const tcp_windows *windows,
                       size_t max_item_bytes, shmrpc_error *error)
{
    tcp_flow *flow = &slot->client->flow;
    if (flow->count >= SHMRPCI_STREAMS_MAX) {
        return shmrpc_error_set(
            error, SHMRPC_E_EXHAUSTED,
            "%u of %u streams of this connection are already open",
            SHMRPCI_STREAMS_MAX, SHMRPCI_STREAMS_MAX);
    }
    if (flow->is_lost) {
        return SHMRPC_E_SERVER_LOST;
    }
    slot->stream = tcp_flow_open(flow, slot->call_id, windows, max_item_bytes);
    if (slot->stream == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    tcp_stream_ref(slot->stream);
    return SHMRPC_OK;
}

int tcp_client_open_streams(shmrpci_call *call, const shmrpci_stream_opts *opts,
                            shmrpci_stream **out, shmrpc_error *error)
{
    tcp_slot *slot = call->data.pointers[0];
    tcp_client *client = slot->client;
    const tcp_windows windows = {.in = window_of(opts->in_bytes),
                                 .out = window_of(opts->out_bytes)};
    size_t most = client->max_message_bytes;
    if (!tcp_client_is_ours(client)) {
        return SHMRPC_E_FORKED;
    }
    if ((client->base.features & TCP_FEATURE_STREAMS) == 0) {
        tcp_client_abort(call);
        return shmrpc_error_set(
            error, SHMRPC_E_UNIMPLEMENTED,
            "%.150s does not support streams: it runs an earlier version",
            client->where);
    }
    put_windows(call, &windows);
    most = opts->max_item_bytes < most ? opts->max_item_bytes : most;
    shmrpci_mutex_lock(&client->lock);
    int status = add_streams(slot, &windows, most, error);
    shmrpci_stream *stream = slot->stream;
    shmrpci_mutex_unlock(&client->lock);
    if (status != SHMRPC_OK) {
        tcp_client_abort(call);
        return status;
    }
    call->head.flags |= (uint32_t)SHMRPCI_HEAD_STREAMS;
    status = tcp_client_commit(call); /* frees the slot unless it returns OK */
    if (status != SHMRPC_OK) {
        tcp_stream_close(stream);
        return status;
    }
    *out = stream;
    return SHMRPC_OK;
}

/* Over tcp a client can't see whether a worker has taken the call from the
 * server's queue. */
bool tcp_client_is_taken(const shmrpci_call *call)
{
    (void)call;
    return true;
}
