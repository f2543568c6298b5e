/* The streams of a connection: finding them, and handling incoming frames. */
#include "transport/tcp/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/futex.h"
#include "transport/tcp/flow_credit.h"

/* Changes in the amount of kept bytes are reported in steps of this size. */
#define KEEP_STEP_BYTES ((int64_t)64 << 10)

void tcp_flow_init(tcp_flow *flow, const tcp_flow_ops *ops, shmrpci_mutex *lock,
                   tcp_outbox *outbox)
{
    *flow = (tcp_flow){.ops = ops,
                       .lock = lock,
                       .outbox = outbox,
                       .credit = TCP_FLOW_BYTES,
                       .left = TCP_FLOW_BYTES};
}

void tcp_flow_fini(tcp_flow *flow)
{
    free(flow->scratch);
    flow->scratch = NULL;
}

/* ---- streams ----------------------------------------------------------- */

static void stream_free(shmrpci_stream *stream)
{
    tcp_lane_close(stream->flow->outbox, stream->lane);
    tcp_inbox_fini(&stream->inbox);
    tcp_sent_fini(&stream->sent);
    free(stream->packed.data);
    shmrpci_cond_fini(&stream->room);
    shmrpci_cond_fini(&stream->come);
    free(stream);
}

void tcp_stream_ref(shmrpci_stream *stream)
{
    stream->refs++;
}

void tcp_stream_unref(shmrpci_stream *stream)
{
    SHMRPCI_ASSERT(stream->refs > 0, "a reference is given back once");
    if (--stream->refs == 0) {
        stream_free(stream);
    }
}

/* Sets the windows. They are written from the client's point of view. */
static void set_windows(shmrpci_stream *stream, const tcp_windows *windows)
{
    bool is_server = stream->flow->is_server;
    uint32_t out = is_server ? windows->out : windows->in;
    uint32_t in = is_server ? windows->in : windows->out;
    stream->sends = out != 0;
    stream->window = stream->credit = stream->given = out;
    stream->reads = in != 0;
    stream->in_window = stream->left = stream->gave = in;
    stream->over = in != 0 ? SHMRPC_MORE : SHMRPC_OK;
}

shmrpci_stream *tcp_flow_open(tcp_flow *flow, uint32_t call,
                              const tcp_windows *windows, size_t max_item_bytes)
{
    shmrpci_stream *stream = flow->is_lost ? NULL : calloc(1, sizeof *stream);
    tcp_lane *lane = stream != NULL ? tcp_lane_open() : NULL;
    if (lane == NULL) {
        free(stream);
        return NULL;
    }
    stream->flow = flow;
    stream->call = call;
    stream->refs = 1;
    stream->max_item_bytes = max_item_bytes;
    stream->lane = lane;
    set_windows(stream, windows);
    shmrpci_cond_init(&stream->room);
    shmrpci_cond_init(&stream->come);
    stream->next = flow->streams;
    flow->streams = stream;
    flow->count++;
    return stream;
}

shmrpci_stream *tcp_flow_find(const tcp_flow *flow, uint32_t call)
{
    shmrpci_stream *stream = flow->streams;
    while (stream != NULL && stream->call != call) {
        stream = stream->next;
    }
    return stream;
}

/* Wakes the thread that sends on the stream, or the one that reads from it. */
static void tell(shmrpci_stream *stream, shmrpci_cond *cond)
{
    shmrpci_cond_broadcast(cond);
    if (stream->bell != NULL) {
        (void)shmrpci_add_seq(stream->bell, 1u);
        (void)shmrpci_futex_wake(stream->bell, 1);
    }
}

static void wake(shmrpci_stream *stream)
{
    tell(stream, &stream->room);
    tell(stream, &stream->come);
}

void tcp_stream_over(shmrpci_stream *stream)
{
    if (stream->over == SHMRPC_MORE) {
        stream->over = SHMRPC_E_CANCELLED;
    }
    if (stream->refused == SHMRPC_OK) {
        stream->refused = SHMRPC_E_CANCELLED;
    }
    wake(stream);
}

void tcp_stream_leave(shmrpci_stream *stream)
{
    tcp_flow *flow = stream->flow;
    shmrpci_stream **at = &flow->streams;
    while (*at != stream) {
        SHMRPCI_ASSERT(*at != NULL, "a stream leaves its flow once");
        at = &(*at)->next;
    }
    *at = stream->next;
    flow->count--;
    tcp_stream_over(stream);
    tcp_stream_unref(stream);
}

void tcp_flow_lose(tcp_flow *flow)
{
    flow->is_lost = true;
    for (shmrpci_stream *at = flow->streams; at != NULL; at = at->next) {
        tcp_stream_over(at);
    }
}

void tcp_flow_cut(tcp_flow *flow)
{
    flow->is_cut = true;
    for (shmrpci_stream *at = flow->streams; at != NULL; at = at->next) {
        wake(at);
    }
}

/* ---- memory kept for the peer -------------------------------------------- */

/* Counts bytes that we keep for the peer. Returns false if these are too
 * many. */
static bool keep(tcp_flow *flow, int64_t bytes)
{
    flow->held += bytes;
    SHMRPCI_ASSERT(flow->held >= 0, "only kept bytes are released");
    int64_t step = 0;
    if (flow->held > flow->kept) {
        step =
            KEEP_STEP_BYTES * ((flow->held - flow->kept) / KEEP_STEP_BYTES + 1);
    } else if (flow->kept - flow->held > 2 * KEEP_STEP_BYTES) {
        step = -KEEP_STEP_BYTES *
               ((flow->kept - flow->held) / KEEP_STEP_BYTES - 1);
    }
    if (step == 0 || flow->ops->keep == NULL) {
        return true;
    }
    if (!flow->ops->keep(flow, step)) {
        return false;
    }
    flow->kept += step;
    return true;
}

void tcp_stream_let_go(shmrpci_stream *stream, int64_t cost)
{
    SHMRPCI_ASSERT(cost <= stream->held, "only held bytes are released");
    stream->held -= cost;
    stream->owed += cost;
    stream->flow->owed += cost;
    (void)keep(stream->flow, -cost);
}

/* ---- incoming frames ----------------------------------------------------- */

/* Drops a frame of a stream that has ended. Its credit will be returned. */
static void drop(tcp_flow *flow, int64_t cost)
{
    flow->owed += cost;
}

/* Drops the item that is incomplete, and will not be completed. */
static void drop_part(shmrpci_stream *stream)
{
    size_t part = tcp_inbox_part(&stream->inbox);
    uint32_t frames = tcp_inbox_drop_part(&stream->inbox);
    tcp_stream_let_go(stream, (int64_t)part + frames * TCP_FLOW_ITEM_BYTES);
}

/* Breaks a stream: incoming frames are ignored from now on, and nothing more is
 * sent. */
static void break_stream(shmrpci_stream *stream, int status)
{
    drop_part(stream);
    stream->is_deaf = true;
    if (stream->over == SHMRPC_MORE) {
        stream->over = status;
    }
    if (stream->refused == SHMRPC_OK) {
        stream->refused = status;
    }
    wake(stream);
}

/* Whether a frame is valid: in order, covered by credit, and not too large. */
static bool is_due(const shmrpci_stream *stream, const tcp_head *head,
                   size_t len)
{
    size_t part = tcp_inbox_part(&stream->inbox);
    bool is_first = part == 0;
    bool has_credit = !is_first || (stream->left > 0 && stream->flow->left > 0);
    bool is_empty = len == 0 && (head->flags & TCP_FLAG_MORE) != 0;
    return stream->reads && has_credit && !is_empty &&
           head->value == stream->next_number &&
           len <= stream->max_item_bytes - part;
}

/* Returns the bytes of a frame, unpacked; NULL if they are damaged or memory is
 * exhausted. */
static const uint8_t *bytes_of(tcp_flow *flow, const tcp_head *head,
                               const tcp_body *body, size_t *out_len)
{
    *out_len = body->len;
    if ((head->flags & TCP_FLAG_PACKED) == 0) {
        return body->data != NULL ? body->data : (const uint8_t *)"";
    }
    *out_len = 0;
    if (flow->scratch == NULL) {
        flow->scratch = malloc(TCP_PIECE_BYTES);
    }
    bool is_good =
        flow->scratch != NULL &&
        tcp_unpack_length(flow->compression, body->data, body->len,
                          TCP_PIECE_BYTES, out_len) == TCP_END_NONE &&
        tcp_unpack(flow->compression, body->data, body->len, flow->scratch,
                   *out_len) == TCP_END_NONE;
    return is_good ? flow->scratch : NULL;
}

static void put(shmrpci_stream *stream, const tcp_head *head,
                const uint8_t *bytes, size_t len, int64_t cost)
{
    bool is_last = (head->flags & TCP_FLAG_MORE) == 0;
    uint8_t *to = tcp_inbox_extend(&stream->inbox, len, is_last);
    if (to == NULL) {
        drop(stream->flow, cost);
        break_stream(stream, SHMRPC_E_NO_MEMORY);
        return;
    }
    memcpy(to, bytes, len);
    stream->held += cost;
    stream->next_number += is_last ? 1u : 0u;
    if (!keep(stream->flow, cost)) {
        break_stream(stream, SHMRPC_E_EXHAUSTED);
    } else if (is_last) {
        tell(stream, &stream->come);
    }
}

static void on_item(shmrpci_stream *stream, const tcp_head *head,
                    const tcp_body *body)
{
    tcp_flow *flow = stream->flow;
    size_t len;
    const uint8_t *bytes = bytes_of(flow, head, body, &len);
    int64_t cost = (int64_t)len + TCP_FLOW_ITEM_BYTES;
    bool is_wanted = !stream->is_deaf && stream->over == SHMRPC_MORE;
    bool is_good = bytes != NULL && is_due(stream, head, len);
    flow->left -= cost;
    stream->left -= cost;
    if (is_wanted && is_good) {
        put(stream, head, bytes, len, cost);
        return;
    }
    drop(flow, cost);
    if (is_wanted || !stream->reads) {
        break_stream(stream, SHMRPC_E_DATA_LOSS);
    }
}

static void on_end(shmrpci_stream *stream, const tcp_head *head)
{
    bool closes = head->value == TCP_END_CLOSES;
    bool is_whole = tcp_inbox_part(&stream->inbox) == 0;
    if ((!stream->reads && !closes) ||
        (!is_whole && head->status == SHMRPC_OK)) {
        break_stream(stream, SHMRPC_E_DATA_LOSS);
        return;
    }
    drop_part(stream);
    if (closes && stream->refused == SHMRPC_OK) {
        stream->refused = SHMRPC_E_CANCELLED;
    }
    if (stream->over == SHMRPC_MORE) {
        stream->over =
            head->status == SHMRPC_OK ? SHMRPC_OK : SHMRPC_E_CANCELLED;
    }
    stream->peer_wait = 0;
    tell(stream, &stream->come);
    /* The peer's END may report a deadlock, which must also end our sending. */
    tell(stream, &stream->room);
}

/* Whether the returned credit is no more than the credit that we have used. */
static bool is_window(const shmrpci_stream *stream, uint64_t bytes)
{
    size_t unsent = tcp_lane_waiting(stream->flow->outbox, stream->lane);
    return bytes > 0 && bytes <= INT64_MAX / 2 &&
           stream->credit + (int64_t)bytes + (int64_t)unsent <= stream->window;
}

static void on_window(shmrpci_stream *stream, const tcp_head *head)
{
    if ((head->flags & TCP_FLAG_WAITS) != 0) {
        stream->peer_wait = head->value <= INT64_MAX ? (int64_t)head->value : 0;
    } else if (!stream->sends || !is_window(stream, head->value)) {
        break_stream(stream, SHMRPC_E_DATA_LOSS);
    } else {
        stream->credit += (int64_t)head->value;
        stream->given += (int64_t)head->value;
        tcp_sent_give(&stream->sent, (int64_t)head->value);
    }
    tell(stream, &stream->room);
}

/* Handles credit of the connection. */
static tcp_end on_flow_window(tcp_flow *flow, const tcp_head *head)
{
    if (head->flags != 0 || head->value == 0 ||
        head->value > (uint64_t)INT64_MAX / 2 ||
        flow->credit + (int64_t)head->value > (int64_t)TCP_FLOW_BYTES) {
        return TCP_END_FIELD;
    }
    bool had_none = flow->credit <= 0;
    flow->credit += (int64_t)head->value;
    for (shmrpci_stream *at = flow->streams; had_none && at != NULL;
         at = at->next) {
        tell(at, &at->room);
    }
    return TCP_END_NONE;
}

/* Handles a frame of an unknown call. A client may still send frames of a call
 * that has ended; a server knows which calls have ended. */
static tcp_end on_stranger(tcp_flow *flow, const tcp_head *head,
                           const tcp_body *body)
{
    size_t len;
    if (head->type != TCP_ITEM) {
        return TCP_END_NONE;
    }
    if (!flow->is_server) {
        return TCP_END_FIELD;
    }
    (void)bytes_of(flow, head, body, &len);
    flow->left -= (int64_t)len + TCP_FLOW_ITEM_BYTES;
    drop(flow, (int64_t)len + TCP_FLOW_ITEM_BYTES);
    return TCP_END_NONE;
}

tcp_end tcp_flow_take(tcp_flow *flow, const tcp_head *head,
                      const tcp_body *body)
{
    if (head->type == TCP_WINDOW && head->call == 0 &&
        (head->flags & TCP_FLAG_WAITS) == 0) {
        return on_flow_window(flow, head);
    }
    shmrpci_stream *stream = tcp_flow_find(flow, head->call);
    if (stream == NULL) {
        return on_stranger(flow, head, body);
    }
    switch (head->type) {
    case TCP_ITEM:
        on_item(stream, head, body);
        break;
    case TCP_STREAM_END:
        on_end(stream, head);
        break;
    default:
        SHMRPCI_ASSERT(head->type == TCP_WINDOW,
                       "all other frames of streams were handled");
        on_window(stream, head);
        break;
    }
    return TCP_END_NONE;
}

tcp_end tcp_flow_frame(tcp_flow *flow, const tcp_head *head,
                       const tcp_body *body)
{
    shmrpci_mutex_lock(flow->lock);
    tcp_end end = tcp_flow_take(flow, head, body);
    shmrpci_mutex_unlock(flow->lock);
    tcp_flow_pay(flow);
    return end;
}
