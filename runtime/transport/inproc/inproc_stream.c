/* Items beside the calls of the inproc transport: a ring on the heap for each
 * direction. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "stream/ring.h"
#include "sync/atomic.h"
#include "transport/inproc/inproc.h"

/* What both ends and the slot share: freed with the last of them. */
struct inproc_streams {
    shmrpci_atomic_u32 refs;
    size_t max_item_bytes;
    uint32_t in_bytes; /* of the rings, with their lines; 0: none */
    uint32_t out_bytes;
    shmrpci_stream_ring *in; /* what the client sends */
    shmrpci_stream_ring *out;
};

/* One end. The writer's part is one thread's, the reader's another's. */
struct shmrpci_stream {
    inproc_streams *streams;
    bool is_worker;
    bool writes;
    bool reads;
    shmrpci_stream_writer writer;
    shmrpci_stream_reader reader;
    shmrpci_buf pieces; /* of an item that came in several */
};

/* ---- their memory ----------------------------------------------------- */

static uint32_t ring_bytes(uint32_t window)
{
    uint32_t bytes = (window + SHMRPCI_STREAM_ALIGN - 1) &
                     ~(uint32_t)(SHMRPCI_STREAM_ALIGN - 1);
    return window == 0                        ? 0
           : bytes < SHMRPCI_STREAM_MIN_BYTES ? SHMRPCI_STREAM_MIN_BYTES
           : bytes > SHMRPCI_STREAM_MAX_BYTES ? SHMRPCI_STREAM_MAX_BYTES
                                              : bytes;
}

/* NULL where there is no stream, or no memory. */
static shmrpci_stream_ring *ring_new(uint32_t bytes)
{
    shmrpci_stream_ring *ring =
        bytes != 0 ? aligned_alloc(SHMRPCI_STREAM_ALIGN, bytes) : NULL;
    if (ring != NULL) {
        shmrpci_stream_format(ring);
    }
    return ring;
}

static void unref(inproc_streams *streams)
{
    if (shmrpci_sub_seq(&streams->refs, 1u) == 1) {
        free(streams->in);
        free(streams->out);
        free(streams);
    }
}

static inproc_streams *streams_new(const shmrpci_stream_opts *opts)
{
    inproc_streams *streams = calloc(1, sizeof *streams);
    if (streams == NULL) {
        return NULL;
    }
    atomic_init(&streams->refs, 1u);
    streams->max_item_bytes = opts->max_item_bytes;
    streams->in_bytes = ring_bytes(opts->in_bytes);
    streams->out_bytes = ring_bytes(opts->out_bytes);
    streams->in = ring_new(streams->in_bytes);
    streams->out = ring_new(streams->out_bytes);
    if ((streams->in == NULL) != (streams->in_bytes == 0) ||
        (streams->out == NULL) != (streams->out_bytes == 0)) {
        unref(streams);
        return NULL;
    }
    return streams;
}

static shmrpci_stream *end_new(inproc_streams *streams, bool is_worker)
{
    shmrpci_stream *end = calloc(1, sizeof *end);
    if (end == NULL) {
        return NULL;
    }
    shmrpci_stream_ring *mine = is_worker ? streams->out : streams->in;
    shmrpci_stream_ring *theirs = is_worker ? streams->in : streams->out;
    end->streams = streams;
    end->is_worker = is_worker;
    end->writes = mine != NULL;
    end->reads = theirs != NULL;
    if (end->writes) {
        shmrpci_stream_writer_init(
            &end->writer, mine,
            is_worker ? streams->out_bytes : streams->in_bytes, theirs);
    }
    if (end->reads) {
        shmrpci_stream_reader_init(&end->reader, theirs,
                                   is_worker ? streams->in_bytes
                                             : streams->out_bytes);
    }
    shmrpci_buf_init_heap(&end->pieces);
    (void)shmrpci_add_relaxed(&streams->refs, 1u);
    return end;
}

static void end_free(shmrpci_stream *end)
{
    if (end != NULL) {
        shmrpci_buf_fini(&end->pieces);
        unref(end->streams);
        free(end);
    }
}

/* ---- the slot's part: with the hub's lock held ------------------------- */

void shmrpci_inproc_streams_drop(inproc_slot *slot)
{
    if (slot->streams != NULL) {
        unref(slot->streams);
        slot->streams = NULL;
    }
}

void shmrpci_inproc_streams_lose(inproc_slot *slot)
{
    inproc_streams *streams = slot->streams;
    if (streams != NULL && streams->out != NULL) {
        shmrpci_stream_end_for(streams->out, streams->out_bytes);
    }
    if (streams != NULL && streams->in != NULL) {
        shmrpci_stream_cancel(streams->in);
    }
}

void shmrpci_inproc_streams_leave(inproc_slot *slot)
{
    inproc_streams *streams = slot->streams;
    if (streams != NULL && streams->in != NULL) {
        shmrpci_stream_end_for(streams->in, streams->in_bytes);
    }
    if (streams != NULL && streams->out != NULL) {
        shmrpci_stream_cancel(streams->out);
    }
}

/* Gives the slot its streams, unless the connection has too many. */
static bool attach(inproc_slot *slot, inproc_streams *streams)
{
    inproc_conn *conn = slot->conn;
    unsigned count = 0;
    shmrpci_mutex_lock(&conn->hub->lock);
    for (unsigned i = 0; i < SHMRPCI_INPROC_SLOTS; i++) {
        count += conn->slots[i].streams != NULL ? 1u : 0u;
    }
    if (count < SHMRPCI_STREAMS_MAX) {
        (void)shmrpci_add_relaxed(&streams->refs, 1u);
        slot->streams = streams;
    }
    shmrpci_mutex_unlock(&conn->hub->lock);
    return count < SHMRPCI_STREAMS_MAX;
}

/* ---- operations -------------------------------------------------------- */

static int open_streams(shmrpci_call *call, const shmrpci_stream_opts *opts,
                        shmrpci_stream **out, shmrpc_error *error)
{
    inproc_streams *streams = streams_new(opts);
    shmrpci_stream *end = streams != NULL ? end_new(streams, false) : NULL;
    int status = SHMRPC_OK;
    if (end == NULL) {
        status = shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    } else if (!attach(call->data.pointers[0], streams)) {
        status = shmrpc_error_set(
            error, SHMRPC_E_EXHAUSTED,
            "%u of %u streams of this connection are open already",
            SHMRPCI_STREAMS_MAX, SHMRPCI_STREAMS_MAX);
    }
    if (status != SHMRPC_OK) {
        shmrpci_inproc_abort(call);
    } else {
        call->head.flags |= (uint32_t)SHMRPCI_HEAD_STREAMS;
        status = shmrpci_inproc_commit(call);
    }
    if (streams != NULL) {
        unref(streams); /* the end and the slot have theirs */
    }
    if (status != SHMRPC_OK) {
        end_free(end);
        return status;
    }
    *out = end;
    return SHMRPC_OK;
}

static int accept_streams(shmrpci_request *request, shmrpci_stream **out)
{
    inproc_slot *slot = request->data.pointers[0];
    SHMRPCI_ASSERT(slot->streams != NULL, "its head says that it has them");
    *out = end_new(slot->streams, true);
    return *out != NULL ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

static int send_item(shmrpci_stream *end, const void *data, size_t len,
                     int64_t deadline_ns, bool alone)
{
    if (len > end->streams->max_item_bytes) {
        return SHMRPC_E_TOO_LARGE;
    }
    return shmrpci_stream_write(&end->writer, data, len, deadline_ns, alone);
}

static void finish(shmrpci_stream *end)
{
    if (end->writes) {
        shmrpci_stream_finish(&end->writer, SHMRPCI_STREAM_FINISHED);
    }
}

/* Puts a piece to those before it. MORE: the item is whole. */
static int add_piece(shmrpci_stream *end, const shmrpci_stream_piece *piece,
                     shmrpci_stream_item *out)
{
    shmrpci_buf *pieces = &end->pieces;
    if (pieces->len == 0 && piece->is_last) {
        *out = (shmrpci_stream_item){.data = piece->data, .len = piece->len};
        return SHMRPC_MORE;
    }
    if (piece->len > end->streams->max_item_bytes - pieces->len) {
        return SHMRPC_E_DATA_LOSS;
    }
    shmrpci_buf_append(pieces, piece->data, piece->len);
    if (pieces->status != SHMRPC_OK) {
        return (int)pieces->status;
    }
    if (!piece->is_last) {
        return SHMRPC_OK;
    }
    *out = (shmrpci_stream_item){.data = pieces->data, .len = pieces->len};
    pieces->len = 0; /* the bytes stay until the next piece */
    return SHMRPC_MORE;
}

static int next_item(shmrpci_stream *end, int64_t deadline_ns,
                     shmrpci_stream_item *out)
{
    shmrpci_stream_piece piece;
    for (;;) {
        int status = shmrpci_stream_look(&end->reader, &piece);
        if (status == SHMRPC_MORE) {
            status = add_piece(end, &piece, out);
            if (status == SHMRPC_OK) {
                continue;
            }
            return status;
        }
        if (status != SHMRPC_E_BUSY) {
            return status == SHMRPC_E_UNAVAILABLE ? (int)SHMRPC_E_CANCELLED
                                                  : status;
        }
        status = deadline_ns != 0
                     ? shmrpci_stream_await(&end->reader, deadline_ns)
                     : (int)SHMRPC_E_BUSY;
        if (status != SHMRPC_OK) {
            return status;
        }
    }
}

static void close_end(shmrpci_stream *end)
{
    if (end == NULL) {
        return;
    }
    if (end->writes) {
        shmrpci_stream_finish(&end->writer, end->is_worker
                                                ? SHMRPCI_STREAM_FINISHED
                                                : SHMRPCI_STREAM_ABANDONED);
    }
    if (end->reads) {
        shmrpci_stream_cancel(end->reader.ring);
    }
    end_free(end);
}

const shmrpci_stream_ops shmrpci_inproc_stream_ops = {
    .open = open_streams,
    .accept = accept_streams,
    .send = send_item,
    .finish = finish,
    .next = next_item,
    .close = close_end,
};
