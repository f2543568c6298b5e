/* Blocking operations on streams: sending, reading, closing. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "transport/tcp/flow_credit.h"

/* A sender that has had no credit for this long, and is not reading, reports to
 * the other side that it waits. */
#define SUSPECT_NS (25 * SHMRPCI_NS_PER_MS)

/* An item is held back if less than this time has passed since the last flush,
 * because another flush would take longer than waiting does. At HOLD_BYTES it
 * is sent anyway. */
#define PACE_NS    (20 * SHMRPCI_NS_PER_US)
#define HOLD_BYTES ((size_t)8 << 10)

/* ---- returning credit ---------------------------------------------- */

/* Queues a WINDOW frame, which is sent together with the next frame. */
static bool note(tcp_flow *flow, uint32_t call, uint8_t flags, int64_t value)
{
    tcp_head head = {.type = TCP_WINDOW,
                     .flags = flags,
                     .call = call,
                     .value = (uint64_t)value};
    /* If memory is exhausted, the peer waits until the next credit is
     * returned. */
    return tcp_outbox_note(flow->outbox, &head);
}

static void say(tcp_flow *flow, uint32_t call, uint8_t flags, int64_t value)
{
    if (note(flow, call, flags, value)) {
        flow->ops->flush(flow);
    }
}

/* Called with the lock held. Returns how much of the connection's credit to
 * return now. */
static int64_t due_of_flow(tcp_flow *flow)
{
    int64_t due = flow->owed >= flow->left && !flow->is_lost ? flow->owed : 0;
    flow->left += due;
    flow->owed -= due;
    return due;
}

static int64_t due_of_stream(shmrpci_stream *stream, bool all)
{
    bool is_enough = all || stream->owed >= stream->in_window / 2;
    /* Credit tells the sender how many items were read, so it is also returned
     * after the last item. */
    bool is_wanted = stream->over == SHMRPC_MORE || stream->over == SHMRPC_OK;
    int64_t due = is_enough && is_wanted && !stream->is_deaf ? stream->owed : 0;
    stream->left += due;
    stream->gave += due;
    stream->owed -= due;
    return due;
}

void tcp_flow_pay(tcp_flow *flow)
{
    shmrpci_mutex_lock(flow->lock);
    int64_t due = due_of_flow(flow);
    shmrpci_mutex_unlock(flow->lock);
    if (due > 0) {
        say(flow, 0, 0, due);
    }
}

void tcp_stream_pay(shmrpci_stream *stream, bool all)
{
    tcp_flow *flow = stream->flow;
    shmrpci_mutex_lock(flow->lock);
    int64_t due = due_of_stream(stream, all);
    int64_t due_of_all = due_of_flow(flow);
    shmrpci_mutex_unlock(flow->lock);
    if (due > 0) {
        say(flow, stream->call, 0, due);
    }
    if (due_of_all > 0) {
        say(flow, 0, 0, due_of_all);
    }
}

/* ---- sending ----------------------------------------------------------- */

static void flush(shmrpci_stream *stream)
{
    stream->flow->ops->flush(stream->flow);
    stream->flushed = shmrpci_ticks();
}

/* Makes a frame of at most `len` bytes, packed if that makes it shorter. */
static bool put_frame(shmrpci_stream *stream, tcp_head head,
                      const uint8_t *data, size_t len, size_t *out_bytes)
{
    tcp_flow *flow = stream->flow;
    size_t packed = tcp_pack(flow->compression, data, len, &stream->packed);
    if (packed > 0) {
        data = stream->packed.data + TCP_HEAD_BYTES;
        head.flags |= TCP_FLAG_PACKED;
        len = packed;
    }
    head.len = (uint32_t)len;
    return tcp_lane_put(flow->outbox, stream->lane, &head, data, out_bytes);
}

/* Sends the lane now, or a little later together with more. `last` is the size
 * of the last frame. */
static void send_lane(shmrpci_stream *stream, size_t waiting, size_t last)
{
    uint64_t now = shmrpci_ticks();
    if (waiting >= HOLD_BYTES ||
        now - stream->flushed > shmrpci_ticks_of_ns(PACE_NS)) {
        flush(stream);
    } else if (waiting <= last) {
        stream->flow->ops->hold(stream->flow);
    } /* otherwise the lane was already held, and will be sent soon */
}

int tcp_stream_put(shmrpci_stream *stream, const uint8_t *data, size_t len,
                   bool is_last)
{
    size_t at = 0;
    size_t waiting = 0;
    tcp_head head = {
        .type = TCP_ITEM, .call = stream->call, .value = stream->number};
    stream->number += is_last ? 1u : 0u;
    do {
        size_t left = len - at;
        size_t piece = left < TCP_PIECE_BYTES ? left : TCP_PIECE_BYTES;
        head.flags = piece < left || !is_last ? TCP_FLAG_MORE : 0;
        if (!put_frame(stream, head, data + at, piece, &waiting)) {
            stream->has_failed = true;
            return SHMRPC_E_NO_MEMORY;
        }
        at += piece;
        if (at < len) {
            flush(stream);
        }
    } while (at < len);
    send_lane(stream, waiting, TCP_HEAD_BYTES + len);
    return SHMRPC_OK;
}

int64_t tcp_stream_cost(size_t len)
{
    int64_t frames =
        len == 0 ? 1 : ((int64_t)len + TCP_PIECE_BYTES - 1) / TCP_PIECE_BYTES;
    return (int64_t)len + frames * TCP_FLOW_ITEM_BYTES;
}

int tcp_stream_may_send(const shmrpci_stream *stream)
{
    return stream->flow->is_cut           ? (int)SHMRPC_E_UNAVAILABLE
           : stream->refused != SHMRPC_OK ? stream->refused
           : stream->credit > 0 && stream->flow->credit > 0 ? (int)SHMRPC_OK
                                                            : SHMRPC_E_BUSY;
}

/* Whether this is a deadlock: we wait for credit, and so does the other side,
 * although it has received all the credit that we gave. */
static bool is_deadlock(const shmrpci_stream *stream, bool alone)
{
    return alone && stream->reads && stream->credit <= 0 &&
           stream->over == SHMRPC_MORE && stream->peer_wait != 0 &&
           stream->peer_wait == stream->gave;
}

void tcp_stream_say_wait(shmrpci_stream *stream, int64_t given)
{
    tcp_flow *flow = stream->flow;
    stream->said_wait = given;
    shmrpci_mutex_unlock(flow->lock);
    say(flow, stream->call, TCP_FLAG_WAITS, given);
    shmrpci_mutex_lock(flow->lock);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Returns BUSY if there is no credit at the deadline. */
static int wait_for_credit(shmrpci_stream *stream, int64_t until_ns, bool alone)
{
    tcp_flow *flow = stream->flow;
    int64_t given = -1;
    int64_t suspect_ns = SHMRPCI_NEVER_NS;
    int status = tcp_stream_may_send(stream);
    bool in_time = true;
    while (status == SHMRPC_E_BUSY && in_time) {
        if (is_deadlock(stream, alone)) {
            return SHMRPC_E_ABORTED;
        }
        if (alone && stream->reads && given != stream->given) {
            given = stream->given;
            suspect_ns = shmrpci_deadline_after(SUSPECT_NS);
        }
        in_time =
            flow->ops->wait(flow, &stream->room, earlier(until_ns, suspect_ns));
        if (!in_time && suspect_ns < until_ns) {
            in_time = true;
            suspect_ns = SHMRPCI_NEVER_NS;
            if (stream->credit <= 0) {
                tcp_stream_say_wait(stream, stream->given);
            }
        }
        status = tcp_stream_may_send(stream);
    }
    return status;
}

static int await_credit(shmrpci_stream *stream, int64_t deadline_ns, bool alone)
{
    tcp_flow *flow = stream->flow;
    shmrpci_mutex_unlock(flow->lock);
    flush(stream);
    if (alone) { /* no other thread would return credit while this one waits */
        tcp_stream_pay(stream, true);
    }
    shmrpci_mutex_lock(flow->lock);
    int status = wait_for_credit(stream, deadline_ns, alone);
    if (stream->said_wait != 0 && status != SHMRPC_OK) {
        tcp_stream_say_wait(stream, 0);
    }
    stream->said_wait = 0;
    return status == SHMRPC_E_BUSY ? (int)SHMRPC_E_DEADLINE : status;
}

/* Reads pending credit from the peer, if no other thread is reading. */
static int look_for_credit(shmrpci_stream *stream)
{
    int status = tcp_stream_may_send(stream);
    if (status == SHMRPC_E_BUSY) {
        (void)stream->flow->ops->wait(stream->flow, &stream->room, 0);
        status = tcp_stream_may_send(stream);
    }
    return status;
}

int tcp_stream_send(shmrpci_stream *stream, const void *data, size_t len,
                    int64_t deadline_ns, bool alone)
{
    tcp_flow *flow = stream->flow;
    if (!stream->sends || stream->has_ended) {
        return SHMRPC_E_PRECONDITION;
    }
    if (len > stream->max_item_bytes) {
        return SHMRPC_E_TOO_LARGE;
    }
    if (stream->has_failed) {
        return SHMRPC_E_NO_MEMORY;
    }
    shmrpci_mutex_lock(flow->lock);
    int status = look_for_credit(stream);
    if (status == SHMRPC_E_BUSY && deadline_ns != 0) {
        status = await_credit(stream, deadline_ns, alone);
    }
    if (status == SHMRPC_OK) {
        stream->credit -= tcp_stream_cost(len);
        flow->credit -= tcp_stream_cost(len);
        tcp_sent_add(&stream->sent, tcp_stream_cost(len));
    }
    flow->ops->leave(flow);
    shmrpci_mutex_unlock(flow->lock);
    return status == SHMRPC_OK ? tcp_stream_put(stream, data, len, true)
                               : status;
}

uint64_t tcp_stream_delivered(shmrpci_stream *stream)
{
    tcp_flow *flow = stream->flow;
    shmrpci_mutex_lock(flow->lock);
    /* Reads the credit that has arrived, if no other thread is the reader. */
    (void)flow->ops->wait(flow, &stream->room, 0);
    uint64_t count = stream->sent.delivered;
    flow->ops->leave(flow);
    shmrpci_mutex_unlock(flow->lock);
    return count;
}

/* Sends END with `status`. `closes`: we also stop reading. */
static void put_end(shmrpci_stream *stream, int status, bool closes)
{
    tcp_head head = {.type = TCP_STREAM_END,
                     .call = stream->call,
                     .status = status,
                     .value = closes ? TCP_END_CLOSES : 0};
    stream->has_ended = true;
    /* If memory for the END is exhausted, the reply or CANCEL ends the
     * stream. */
    (void)tcp_lane_put(stream->flow->outbox, stream->lane, &head, NULL, NULL);
    flush(stream);
}

void tcp_stream_finish(shmrpci_stream *stream)
{
    if (stream->sends && !stream->has_ended) {
        put_end(stream,
                stream->has_failed ? SHMRPC_E_NO_MEMORY : (int)SHMRPC_OK,
                false);
    }
}

/* ---- reading ----------------------------------------------------------- */

/* A client may ask how many items its handler has read. It must know the final
 * count when the reply arrives, so all credit is returned. */
static void tell_rest(shmrpci_stream *stream)
{
    tcp_flow *flow = stream->flow;
    if (!stream->reads || !flow->is_server) {
        return;
    }
    shmrpci_mutex_lock(flow->lock);
    int64_t due = due_of_stream(stream, true);
    shmrpci_mutex_unlock(flow->lock);
    if (due > 0) {
        (void)note(flow, stream->call, 0, due);
    }
}

static void let_go(shmrpci_stream *stream)
{
    int64_t lent = stream->lent;
    stream->lent = 0;
    tcp_stream_let_go(stream, lent);
}

/* Called with the lock held. Takes the next item (MORE) or the status of the
 * end; BUSY: nothing has arrived. */
static int take(shmrpci_stream *stream, shmrpci_stream_item *out)
{
    tcp_inbox_item item;
    if (stream->flow->is_cut) {
        return SHMRPC_E_UNAVAILABLE;
    }
    if (!tcp_inbox_take(&stream->inbox, &item)) {
        return stream->over != SHMRPC_MORE ? stream->over : SHMRPC_E_BUSY;
    }
    stream->lent = (int64_t)item.len + item.frames * TCP_FLOW_ITEM_BYTES;
    *out = (shmrpci_stream_item){.data = item.data, .len = item.len};
    return SHMRPC_MORE;
}

/* Called with the lock held, and releases it meanwhile. Before we wait, sends
 * everything that the other side may be waiting for. */
static void settle(shmrpci_stream *stream)
{
    shmrpci_mutex_unlock(stream->flow->lock);
    tcp_stream_pay(stream, false);
    if (stream->sends &&
        tcp_lane_waiting(stream->flow->outbox, stream->lane) > 0) {
        stream->flow->ops->flush(stream->flow);
    }
    shmrpci_mutex_lock(stream->flow->lock);
}

int tcp_stream_next(shmrpci_stream *stream, int64_t deadline_ns,
                    shmrpci_stream_item *out)
{
    tcp_flow *flow = stream->flow;
    shmrpci_mutex_lock(flow->lock);
    let_go(stream);
    int status = take(stream, out);
    if (status == SHMRPC_E_BUSY) {
        settle(stream);
        status = take(stream, out);
    }
    bool in_time = true;
    while (status == SHMRPC_E_BUSY && in_time) {
        in_time = flow->ops->wait(flow, &stream->come, deadline_ns);
        status = take(stream, out);
    }
    flow->ops->leave(flow);
    bool owes =
        stream->owed >= stream->in_window / 2 || flow->owed >= flow->left;
    shmrpci_mutex_unlock(flow->lock);
    if (owes) {
        tcp_stream_pay(stream, false);
    }
    if (status == SHMRPC_OK) {
        tell_rest(stream);
    }
    return status == SHMRPC_E_BUSY && deadline_ns != 0 ? SHMRPC_E_DEADLINE
                                                       : status;
}

void tcp_stream_close(shmrpci_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    tcp_flow *flow = stream->flow;
    shmrpci_mutex_lock(flow->lock);
    let_go(stream);
    shmrpci_mutex_unlock(flow->lock);
    tell_rest(stream);
    shmrpci_mutex_lock(flow->lock);
    bool may_come = stream->reads && stream->over == SHMRPC_MORE;
    bool may_go =
        stream->sends && !stream->has_ended && stream->refused == SHMRPC_OK;
    shmrpci_mutex_unlock(flow->lock);
    if (may_come || may_go) {
        bool is_whole =
            flow->is_server && !stream->has_failed && !stream->is_midway;
        put_end(stream,
                is_whole || !may_go ? (int)SHMRPC_OK : SHMRPC_E_CANCELLED,
                true);
    }
    shmrpci_mutex_lock(flow->lock);
    stream->is_closed = stream->is_deaf = true;
    tcp_stream_let_go(stream, stream->held);
    tcp_inbox_fini(&stream->inbox);
    shmrpci_mutex_unlock(flow->lock);
    tcp_flow_pay(flow);
    shmrpci_mutex_lock(flow->lock);
    tcp_stream_unref(stream);
    shmrpci_mutex_unlock(flow->lock);
    if (flow->ops->closed != NULL) {
        flow->ops->closed(flow);
    }
}
