/* One end of a call's streams, over rings that both ends can see. */
#include "stream/end.h"

/* ---- the two rings of a call --------------------------------------------- */

uint32_t shmrpci_stream_ring_bytes(uint32_t window)
{
    if (window > SHMRPCI_STREAM_MAX_BYTES) {
        return SHMRPCI_STREAM_MAX_BYTES;
    }
    uint32_t bytes = (window + SHMRPCI_STREAM_ALIGN - 1) &
                     ~(uint32_t)(SHMRPCI_STREAM_ALIGN - 1);
    return window != 0 && bytes < SHMRPCI_STREAM_MIN_BYTES
               ? SHMRPCI_STREAM_MIN_BYTES
               : bytes;
}

void shmrpci_stream_rings_format(const shmrpci_stream_rings *rings)
{
    if (rings->in_bytes != 0) {
        shmrpci_stream_format(rings->in);
    }
    if (rings->out_bytes != 0) {
        shmrpci_stream_format(rings->out);
    }
}

void shmrpci_stream_rings_lose(const shmrpci_stream_rings *rings)
{
    if (rings->out_bytes != 0) {
        shmrpci_stream_end_for(rings->out, rings->out_bytes);
    }
    if (rings->in_bytes != 0) {
        shmrpci_stream_cancel(rings->in);
    }
}

void shmrpci_stream_rings_rouse(const shmrpci_stream_rings *rings)
{
    if (rings->out_bytes != 0) {
        shmrpci_stream_rouse_reader(rings->out, rings->out_bytes);
    }
    if (rings->in_bytes != 0) {
        shmrpci_stream_rouse_writer(rings->in);
    }
}

void shmrpci_stream_rings_leave(const shmrpci_stream_rings *rings)
{
    if (rings->in_bytes != 0) {
        shmrpci_stream_end_for(rings->in, rings->in_bytes);
    }
    if (rings->out_bytes != 0) {
        shmrpci_stream_cancel(rings->out);
    }
}

/* ---- one end ------------------------------------------------------------- */

void shmrpci_stream_end_init(shmrpci_stream_end *end,
                             const shmrpci_stream_rings *rings, bool is_worker,
                             size_t max_item_bytes,
                             shmrpci_stream_waiter *waiter)
{
    shmrpci_stream_ring *mine = is_worker ? rings->out : rings->in;
    shmrpci_stream_ring *theirs = is_worker ? rings->in : rings->out;
    uint32_t my_bytes = is_worker ? rings->out_bytes : rings->in_bytes;
    uint32_t their_bytes = is_worker ? rings->in_bytes : rings->out_bytes;
    *end = (shmrpci_stream_end){.is_worker = is_worker,
                                .writes = my_bytes != 0,
                                .reads = their_bytes != 0,
                                .max_item_bytes = max_item_bytes};
    if (end->writes) {
        shmrpci_stream_writer_init(&end->writer, mine, my_bytes,
                                   end->reads ? theirs : NULL);
        end->writer.waiter = waiter;
    }
    if (end->reads) {
        shmrpci_stream_reader_init(&end->reader, theirs, their_bytes);
        end->reader.waiter = waiter;
    }
    shmrpci_buf_init_heap(&end->pieces);
}

void shmrpci_stream_end_fini(shmrpci_stream_end *end)
{
    shmrpci_buf_fini(&end->pieces);
}

int shmrpci_stream_end_send(shmrpci_stream_end *end, const void *data,
                            size_t len, int64_t deadline_ns, bool alone)
{
    if (!end->writes) {
        return SHMRPC_E_DATA_LOSS;
    }
    if (len > end->max_item_bytes) {
        return SHMRPC_E_TOO_LARGE;
    }
    return shmrpci_stream_write(&end->writer, data, len, deadline_ns, alone);
}

int shmrpci_stream_end_lend(shmrpci_stream_end *end, size_t len,
                            int64_t deadline_ns, bool alone, uint8_t **out)
{
    if (!end->writes) {
        return SHMRPC_E_DATA_LOSS;
    }
    return len > end->max_item_bytes
               ? (int)SHMRPC_E_TOO_LARGE
               : shmrpci_stream_lend(&end->writer, len, deadline_ns, alone,
                                     out);
}

int shmrpci_stream_end_commit(shmrpci_stream_end *end, size_t len)
{
    return shmrpci_stream_commit(&end->writer, len);
}

void shmrpci_stream_end_abort(shmrpci_stream_end *end)
{
    shmrpci_stream_abort(&end->writer);
}

uint64_t shmrpci_stream_end_delivered(shmrpci_stream_end *end)
{
    return end->writes ? shmrpci_stream_delivered(&end->writer) : 0;
}

void shmrpci_stream_end_finish(shmrpci_stream_end *end)
{
    if (end->writes) {
        shmrpci_stream_finish(&end->writer, SHMRPCI_STREAM_FINISHED);
    }
}

/* Appends a piece to the item's earlier ones. Returns MORE if the item is now
 * complete, OK if more pieces are missing. */
static int add_piece(shmrpci_stream_end *end, const shmrpci_stream_piece *piece,
                     const uint8_t **data, size_t *len, bool *in_ring)
{
    shmrpci_buf *pieces = &end->pieces;
    *in_ring = pieces->len == 0 && piece->is_last;
    if (*in_ring) {
        *data = piece->data;
        *len = piece->len;
        return SHMRPC_MORE;
    }
    if (piece->len > end->max_item_bytes - pieces->len) {
        return SHMRPC_E_DATA_LOSS;
    }
    shmrpci_buf_append(pieces, piece->data, piece->len);
    if (pieces->status != SHMRPC_OK) {
        return (int)pieces->status;
    }
    if (!piece->is_last) {
        return SHMRPC_OK;
    }
    *data = pieces->data;
    *len = pieces->len;
    pieces->len = 0; /* the bytes stay valid until the next piece */
    return SHMRPC_MORE;
}

/* Called when the ring is empty: waits until another check may find
 * something. */
static int await(shmrpci_stream_end *end, int64_t deadline_ns)
{
    if (end->is_last) {
        return SHMRPC_E_CANCELLED;
    }
    if (deadline_ns == 0) {
        return SHMRPC_E_BUSY;
    }
    int status = shmrpci_stream_await(&end->reader, deadline_ns);
    if (status == SHMRPC_E_CANCELLED) {
        /* The peer may have written more after our last check: check once
         * more. */
        end->is_last = true;
        return SHMRPC_OK;
    }
    return status;
}

int shmrpci_stream_end_next(shmrpci_stream_end *end, int64_t deadline_ns,
                            const uint8_t **data, size_t *len, bool *in_ring)
{
    shmrpci_stream_piece piece;
    if (!end->reads) {
        return SHMRPC_E_DATA_LOSS;
    }
    for (;;) {
        int status = shmrpci_stream_look(&end->reader, &piece);
        if (status == SHMRPC_MORE) {
            status = add_piece(end, &piece, data, len, in_ring);
        } else if (status == SHMRPC_E_BUSY) {
            status = await(end, deadline_ns);
        } else {
            return status == SHMRPC_E_UNAVAILABLE ? (int)SHMRPC_E_CANCELLED
                                                  : status;
        }
        if (status != SHMRPC_OK) {
            return status;
        }
    }
}

int shmrpci_stream_end_take(shmrpci_stream_end *end, const uint8_t **data,
                            size_t *len, bool *is_last)
{
    shmrpci_stream_piece piece = {.data = NULL};
    int status = shmrpci_stream_look(&end->reader, &piece);
    *data = piece.data;
    *len = piece.len;
    *is_last = piece.is_last;
    return status == SHMRPC_E_UNAVAILABLE ? (int)SHMRPC_E_CANCELLED : status;
}

int shmrpci_stream_end_put(shmrpci_stream_end *end, const void *data,
                           size_t len, bool is_last, size_t *out_sent)
{
    return shmrpci_stream_write_part(&end->writer, data, len, is_last,
                                     out_sent);
}

bool shmrpci_stream_end_arm(shmrpci_stream_end *end, bool takes, bool puts,
                            shmrpci_futex_on on[2], size_t *out_count)
{
    size_t count = 0;
    end->is_armed[0] = takes;
    end->is_armed[1] = puts;
    bool sleeps = !takes || shmrpci_stream_arm_read(&end->reader, &on[count]);
    count += takes ? 1u : 0u;
    sleeps =
        (!puts || shmrpci_stream_arm_write(&end->writer, &on[count])) && sleeps;
    *out_count = count + (puts ? 1u : 0u);
    return sleeps;
}

bool shmrpci_stream_end_arm_close(shmrpci_stream_end *end, shmrpci_futex_on *on,
                                  size_t *out_count)
{
    *out_count = end->writes ? 1u : 0u;
    end->is_armed[1] = end->writes;
    return !end->writes || shmrpci_stream_arm_cancel(&end->writer, on);
}

void shmrpci_stream_end_disarm(shmrpci_stream_end *end)
{
    if (end->is_armed[0]) {
        shmrpci_stream_disarm_read(&end->reader);
    }
    if (end->is_armed[1]) {
        shmrpci_stream_disarm_write(&end->writer);
    }
    end->is_armed[0] = end->is_armed[1] = false;
}

void shmrpci_stream_end_close(shmrpci_stream_end *end)
{
    if (end->writes) {
        shmrpci_stream_finish(&end->writer, end->is_worker
                                                ? SHMRPCI_STREAM_FINISHED
                                                : SHMRPCI_STREAM_ABANDONED);
    }
    if (end->reads) {
        shmrpci_stream_leave(&end->reader);
    }
}
