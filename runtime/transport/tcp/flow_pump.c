/* The non-blocking interface to streams, for event loops. */
#include <stdlib.h>
#include <string.h>

#include "transport/tcp/flow_credit.h"

static void measure(const shmrpci_stream *stream, shmrpci_stream_opts *out)
{
    *out = (shmrpci_stream_opts){
        .in_bytes = stream->reads ? (uint32_t)stream->in_window : 0,
        .out_bytes = stream->sends ? (uint32_t)stream->window : 0,
        .max_item_bytes = stream->max_item_bytes,
    };
}

static int take(shmrpci_stream *stream, shmrpci_stream_item *out,
                bool *out_is_last)
{
    *out_is_last = true;
    return tcp_stream_next(stream, 0, out);
}

/* Pays the credit for a part of an item. Only the first part must wait for
 * credit. */
static int pay(shmrpci_stream *stream, size_t len, bool is_last)
{
    tcp_flow *flow = stream->flow;
    shmrpci_mutex_lock(flow->lock);
    int status = tcp_stream_may_send(stream);
    if (status == SHMRPC_E_BUSY && stream->is_midway) {
        status = SHMRPC_OK;
    }
    if (status == SHMRPC_OK) {
        stream->credit -= tcp_stream_cost(len);
        flow->credit -= tcp_stream_cost(len);
        stream->part_cost += tcp_stream_cost(len);
        if (is_last) {
            tcp_sent_add(&stream->sent, stream->part_cost);
            stream->part_cost = 0;
        }
    }
    shmrpci_mutex_unlock(flow->lock);
    return status;
}

/* Another process may change the data meanwhile, so it is copied before it is
 * packed. */
static int put_copy(shmrpci_stream *stream, const void *data, size_t len,
                    bool is_last)
{
    uint8_t *copy = malloc(len + 1);
    if (copy == NULL) {
        stream->has_failed = true;
        return SHMRPC_E_NO_MEMORY;
    }
    memcpy(copy, data, len);
    int status = tcp_stream_put(stream, copy, len, is_last);
    free(copy);
    return status;
}

static int put(shmrpci_stream *stream, const void *data, size_t len,
               bool is_last, size_t *out_sent)
{
    if (!stream->sends || stream->has_ended || stream->has_failed) {
        return SHMRPC_E_PRECONDITION;
    }
    if (len > stream->max_item_bytes - stream->part_bytes) {
        return SHMRPC_E_TOO_LARGE;
    }
    int status = pay(stream, len, is_last);
    if (status != SHMRPC_OK) {
        return status;
    }
    stream->is_midway = !is_last;
    stream->part_bytes = is_last ? 0 : stream->part_bytes + len;
    *out_sent = len;
    bool packs = stream->flow->compression != SHMRPC_COMPRESSION_NONE;
    return packs && len >= TCP_PACK_MIN_BYTES
               ? put_copy(stream, data, len, is_last)
               : tcp_stream_put(stream, data, len, is_last);
}

static bool arm(shmrpci_stream *stream, shmrpci_atomic_u32 *bell, bool takes,
                bool puts, shmrpci_futex_on on[2], size_t *out_count)
{
    tcp_flow *flow = stream->flow;
    (void)on;
    *out_count = 0;
    flow->ops->flush(flow);
    shmrpci_mutex_lock(flow->lock);
    bool has_come = takes && (flow->is_cut || stream->over != SHMRPC_MORE ||
                              !tcp_inbox_is_empty(&stream->inbox));
    bool has_room = puts && tcp_stream_may_send(stream) != SHMRPC_E_BUSY;
    stream->bell = bell;
    shmrpci_mutex_unlock(flow->lock);
    return !has_come && !has_room;
}

static void disarm(shmrpci_stream *stream)
{
    shmrpci_mutex_lock(stream->flow->lock);
    stream->bell = NULL;
    shmrpci_mutex_unlock(stream->flow->lock);
}

/* Adds no futex to wait on, because `bell` also rings when the other side stops
 * reading. */
static bool arm_close(shmrpci_stream *stream, shmrpci_futex_on *on,
                      size_t *out_count)
{
    (void)on;
    *out_count = 0;
    shmrpci_mutex_lock(stream->flow->lock);
    bool reads = stream->refused == SHMRPC_OK;
    shmrpci_mutex_unlock(stream->flow->lock);
    return reads;
}

static shmrpci_atomic_u32 *alarm_of(shmrpci_stream *stream)
{
    (void)stream;
    return NULL;
}

static int gone(const shmrpci_stream *stream)
{
    (void)stream;
    return SHMRPC_OK;
}

static void give_up(shmrpci_stream *stream)
{
    stream->has_failed = true;
}

static bool peer_waits(const shmrpci_stream *stream)
{
    shmrpci_mutex_lock(stream->flow->lock);
    bool waits = stream->peer_wait != 0 && stream->peer_wait == stream->gave;
    shmrpci_mutex_unlock(stream->flow->lock);
    return waits;
}

static void say_waits(shmrpci_stream *stream, bool waits)
{
    shmrpci_mutex_lock(stream->flow->lock);
    tcp_stream_say_wait(stream, waits ? stream->given : 0);
    shmrpci_mutex_unlock(stream->flow->lock);
}

const shmrpci_pump_ops tcp_stream_pump_ops = {.measure = measure,
                                              .take = take,
                                              .put = put,
                                              .arm = arm,
                                              .disarm = disarm,
                                              .arm_close = arm_close,
                                              .alarm = alarm_of,
                                              .gone = gone,
                                              .give_up = give_up,
                                              .peer_waits = peer_waits,
                                              .say_waits = say_waits};
