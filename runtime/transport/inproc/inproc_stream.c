/*
 * Streams of the inproc transport: a ring on the heap for each direction.
 *
 * stream/end.h implements the rings and the operations on them; this file
 * allocates the rings and ties them to the call. A pair of rings has up to
 * three references: one of the slot, from open to the end of the call, and one
 * of each open end. Any of them may be dropped first: the client may close its
 * end while the worker still reads, and the worker's end may outlive the call.
 *
 * A call with streams may last long. Stream places limit how many workers may
 * be in such calls at once, so that the others stay free for ordinary calls.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/futex.h"
#include "stream/end.h"
#include "sync/atomic.h"
#include "transport/inproc/inproc.h"

/* Shared by both ends and the slot; freed with the last reference. Only `refs`
 * is changed without the hub's lock. */
struct inproc_streams {
    shmrpci_atomic_u32 refs;
    size_t max_item_bytes;
    shmrpci_stream_rings rings;
};

/* One end, the client's or the worker's. */
struct shmrpci_stream {
    shmrpci_stream_waiter waiter; /* must be first; only worker ends use it */
    inproc_streams *streams;
    shmrpci_atomic_u32 *cut; /* the hub's `cut`; NULL in a client's end */
    shmrpci_stream_end end;
};

/* How long a wait lasts before the cut is checked again, on kernels that can't
 * wait on two words (before 5.16). */
#define LOOK_NS (1 * SHMRPCI_NS_PER_S)

/* ---- waiting ----------------------------------------------------------- */

static bool is_cut(const shmrpci_stream *stream)
{
    /* Sequentially consistent: pairs with linger, which sets the word and then
     * wakes its waiters. */
    return stream->cut != NULL && shmrpci_load_seq(stream->cut) != 0;
}

static bool spin(shmrpci_stream_waiter *waiter,
                 bool (*is_over)(const void *what), const void *what)
{
    (void)waiter, (void)is_over, (void)what;
    return false;
}

/* Sleeps on the ring's word and on the hub's `cut` word. Returns CANCELLED if
 * the streams were cut, else OK or DEADLINE. */
static int sleep_on(shmrpci_stream_waiter *waiter, shmrpci_atomic_u32 *word,
                    uint32_t expected, int64_t until_ns)
{
    shmrpci_stream *stream = (shmrpci_stream *)(void *)waiter;
    const shmrpci_futex_on on[2] = {{.word = word, .expected = expected},
                                    {.word = stream->cut, .expected = 0}};
    if (is_cut(stream)) {
        return SHMRPC_E_CANCELLED;
    }
    if (!shmrpci_futex_wait_any(on, 2, until_ns)) {
        int64_t look_ns = shmrpci_deadline_after(LOOK_NS);
        (void)shmrpci_futex_wait(word, expected,
                                 look_ns < until_ns ? look_ns : until_ns);
    }
    return shmrpci_now_ns() < until_ns ? SHMRPC_OK : SHMRPC_E_DEADLINE;
}

/* ---- memory of the rings ----------------------------------------------- */

/* Returns NULL if `bytes` is 0 (no stream in this direction) or when out of
 * memory. */
static shmrpci_stream_ring *ring_new(uint32_t bytes)
{
    return bytes != 0 ? aligned_alloc(SHMRPCI_STREAM_ALIGN, bytes) : NULL;
}

/* Drops a reference, and frees the rings with the last one. Sequentially
 * consistent, so that all other uses of the rings happen before the free. */
static void unref(inproc_streams *streams)
{
    if (shmrpci_sub_seq(&streams->refs, 1u) == 1) {
        free(streams->rings.in);
        free(streams->rings.out);
        free(streams);
    }
}

/* Allocates the rings that `opts` asks for, with one reference, the caller's.
 * Returns NULL when out of memory. */
static inproc_streams *streams_new(const shmrpci_stream_opts *opts)
{
    inproc_streams *streams = calloc(1, sizeof *streams);
    if (streams == NULL) {
        return NULL;
    }
    shmrpci_stream_rings *rings = &streams->rings;
    atomic_init(&streams->refs, 1u);
    streams->max_item_bytes = opts->max_item_bytes;
    rings->in_bytes = shmrpci_stream_ring_bytes(opts->in_bytes);
    rings->out_bytes = shmrpci_stream_ring_bytes(opts->out_bytes);
    rings->in = ring_new(rings->in_bytes);
    rings->out = ring_new(rings->out_bytes);
    if ((rings->in == NULL) != (rings->in_bytes == 0) ||
        (rings->out == NULL) != (rings->out_bytes == 0)) {
        unref(streams);
        return NULL;
    }
    shmrpci_stream_rings_format(rings);
    return streams;
}

/* Makes a worker's end if `cut` is not NULL, else a client's end, and adds a
 * reference for it. Returns NULL when out of memory. */
static shmrpci_stream *end_new(inproc_streams *streams, shmrpci_atomic_u32 *cut)
{
    bool is_worker = cut != NULL;
    shmrpci_stream *stream = calloc(1, sizeof *stream);
    if (stream != NULL) {
        stream->streams = streams;
        stream->cut = cut;
        stream->waiter =
            (shmrpci_stream_waiter){.spin = spin, .sleep = sleep_on};
        shmrpci_stream_end_init(&stream->end, &streams->rings, is_worker,
                                streams->max_item_bytes,
                                is_worker ? &stream->waiter : NULL);
        (void)shmrpci_add_relaxed(&streams->refs, 1u);
    }
    return stream;
}

static void end_free(shmrpci_stream *stream)
{
    if (stream != NULL) {
        shmrpci_stream_end_fini(&stream->end);
        unref(stream->streams);
        free(stream);
    }
}

/* ---- the slot's reference; called with the hub's lock held ------------- */

/* Called at the end of the call; ends that are still open keep the rings. */
void shmrpci_inproc_streams_drop(inproc_slot *slot)
{
    if (slot->streams != NULL) {
        unref(slot->streams);
        slot->streams = NULL;
    }
}

void shmrpci_inproc_streams_lose(inproc_slot *slot)
{
    if (slot->streams != NULL) {
        shmrpci_stream_rings_lose(&slot->streams->rings);
    }
}

void shmrpci_inproc_streams_leave(inproc_slot *slot)
{
    if (slot->streams != NULL) {
        shmrpci_stream_rings_leave(&slot->streams->rings);
    }
}

/* Gives the slot its streams; returns false if the connection already has
 * SHMRPCI_STREAMS_MAX, which bounds the memory of one connection. */
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

/* Used instead of commit for calls with streams. Attaches the rings first,
 * because a worker may take the call as soon as it is committed. On failure the
 * call is aborted, as with commit. */
static int open_streams(shmrpci_call *call, const shmrpci_stream_opts *opts,
                        shmrpci_stream **out, shmrpc_error *error)
{
    inproc_streams *streams = streams_new(opts);
    shmrpci_stream *end = streams != NULL ? end_new(streams, NULL) : NULL;
    int status = SHMRPC_OK;
    if (end == NULL) {
        status = shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    } else if (!attach(call->data.pointers[0], streams)) {
        status = shmrpc_error_set(
            error, SHMRPC_E_EXHAUSTED,
            "%u of %u streams of this connection are already open",
            SHMRPCI_STREAMS_MAX, SHMRPCI_STREAMS_MAX);
    }
    if (status != SHMRPC_OK) {
        shmrpci_inproc_abort(call);
    } else {
        call->head.flags |= (uint32_t)SHMRPCI_HEAD_STREAMS;
        status = shmrpci_inproc_commit(call);
    }
    if (streams != NULL) {
        unref(streams); /* the end and the slot hold their own references */
    }
    if (status != SHMRPC_OK) {
        end_free(end);
        return status;
    }
    *out = end;
    return SHMRPC_OK;
}

static bool is_taken(const shmrpci_call *call)
{
    const inproc_slot *slot = call->data.pointers[0];
    shmrpci_mutex *lock = &slot->conn->hub->lock;
    shmrpci_mutex_lock(lock);
    bool taken = slot->state != INPROC_SUBMITTED;
    shmrpci_mutex_unlock(lock);
    return taken;
}

/* Takes a stream place for worker `me` if one is left; returns how many places
 * there are in all. Counts all workers under the lock, since their number
 * changes. */
static uint32_t take_place(inproc_participant *me, uint32_t max_places)
{
    inproc_hub *hub = me->hub;
    uint32_t workers = 0;
    uint32_t taken = 0;
    shmrpci_mutex_lock(&hub->lock);
    for (uint32_t i = 0; i < SHMRPCI_INPROC_MAX_WORKERS; i++) {
        workers += hub->participants[i].taken ? 1u : 0u;
        taken += hub->participants[i].has_streams ? 1u : 0u;
    }
    uint32_t places = shmrpci_stream_places(max_places, workers);
    me->has_streams = taken < places;
    shmrpci_mutex_unlock(&hub->lock);
    return places;
}

void shmrpci_inproc_streams_leave_place(inproc_hub *hub, uint32_t index)
{
    hub->participants[index].has_streams = false;
}

/* Opens the worker's end. Fails if no stream place is left; the call then fails
 * before any item is read. */
static int accept_streams(shmrpci_request *request, uint32_t max_places,
                          shmrpci_stream **out, shmrpc_error *error)
{
    inproc_slot *slot = request->data.pointers[0];
    inproc_participant *me = (inproc_participant *)request->participant;
    SHMRPCI_ASSERT(slot->streams != NULL,
                   "the head of the call says that it has streams");
    uint32_t places = take_place(me, max_places);
    if (!me->has_streams) {
        return shmrpci_stream_places_taken(places, error);
    }
    *out = end_new(slot->streams, &me->hub->cut);
    return *out != NULL
               ? SHMRPC_OK
               : shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
}

/* Maps the status of a stream operation: CANCELLED becomes UNAVAILABLE if
 * linger has cut the streams. */
static int told(const shmrpci_stream *stream, int status)
{
    return status == SHMRPC_E_CANCELLED && is_cut(stream)
               ? (int)SHMRPC_E_UNAVAILABLE
               : status;
}

static int send_item(shmrpci_stream *stream, const void *data, size_t len,
                     int64_t deadline_ns, bool alone)
{
    return is_cut(stream)
               ? (int)SHMRPC_E_UNAVAILABLE
               : told(stream, shmrpci_stream_end_send(&stream->end, data, len,
                                                      deadline_ns, alone));
}

static int lend(shmrpci_stream *stream, size_t len, int64_t deadline_ns,
                bool alone, uint8_t **out)
{
    return is_cut(stream)
               ? (int)SHMRPC_E_UNAVAILABLE
               : told(stream, shmrpci_stream_end_lend(&stream->end, len,
                                                      deadline_ns, alone, out));
}

static int commit(shmrpci_stream *stream, size_t len)
{
    return shmrpci_stream_end_commit(&stream->end, len);
}

static void abort_loan(shmrpci_stream *stream)
{
    shmrpci_stream_end_abort(&stream->end);
}

static uint64_t delivered(shmrpci_stream *stream)
{
    return shmrpci_stream_end_delivered(&stream->end);
}

static void finish(shmrpci_stream *stream)
{
    shmrpci_stream_end_finish(&stream->end);
}

static int next_item(shmrpci_stream *stream, int64_t deadline_ns,
                     shmrpci_stream_item *out)
{
    bool in_ring;
    /* The other end is in this process, and does not change sent items. */
    out->in_shared = false;
    out->is_trusted = true;
    if (is_cut(stream)) {
        return SHMRPC_E_UNAVAILABLE;
    }
    return told(stream,
                shmrpci_stream_end_next(&stream->end, deadline_ns, &out->data,
                                        &out->len, &in_ring));
}

/* Tells the other end first and then drops the reference, which may free the
 * rings. */
static void close_end(shmrpci_stream *stream)
{
    if (stream != NULL) {
        shmrpci_stream_end_close(&stream->end);
        end_free(stream);
    }
}

const shmrpci_stream_ops shmrpci_inproc_stream_ops = {
    .open = open_streams,
    .is_taken = is_taken,
    .accept = accept_streams,
    .send = send_item,
    .delivered = delivered,
    .finish = finish,
    .next = next_item,
    .close = close_end,
};

const shmrpci_lend_ops shmrpci_inproc_lend_ops = {
    .lend = lend, .commit = commit, .abort = abort_loan};

/* ---- pump operations, which never wait --------------------------------- */

static void measure(const shmrpci_stream *stream, shmrpci_stream_opts *out)
{
    const inproc_streams *streams = stream->streams;
    *out = (shmrpci_stream_opts){.in_bytes = streams->rings.in_bytes,
                                 .out_bytes = streams->rings.out_bytes,
                                 .max_item_bytes = streams->max_item_bytes};
}

static int take(shmrpci_stream *stream, shmrpci_stream_item *out,
                bool *out_is_last)
{
    out->in_shared = false;
    out->is_trusted = true;
    return shmrpci_stream_end_take(&stream->end, &out->data, &out->len,
                                   out_is_last);
}

static int put(shmrpci_stream *stream, const void *data, size_t len,
               bool is_last, size_t *out_sent)
{
    return shmrpci_stream_end_put(&stream->end, data, len, is_last, out_sent);
}

static bool arm(shmrpci_stream *stream, shmrpci_atomic_u32 *bell, bool takes,
                bool puts, shmrpci_futex_on on[2], size_t *out_count)
{
    (void)bell; /* not needed: waiters sleep on the words in the rings */
    return shmrpci_stream_end_arm(&stream->end, takes, puts, on, out_count);
}

static void disarm(shmrpci_stream *stream)
{
    shmrpci_stream_end_disarm(&stream->end);
}

static bool arm_close(shmrpci_stream *stream, shmrpci_futex_on *on,
                      size_t *out_count)
{
    return shmrpci_stream_end_arm_close(&stream->end, on, out_count);
}

/* inproc has no alarm word: if an end is closed or lost, this is recorded in
 * the rings. */
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

/* Does nothing: close drops an unfinished item anyway. */
static void give_up(shmrpci_stream *stream)
{
    (void)stream;
}

/* A relaxed load suffices, because the caller checks again later. */
static bool peer_waits(const shmrpci_stream *stream)
{
    const shmrpci_stream_end *end = &stream->end;
    return end->reads && shmrpci_load_relaxed(&end->reader.ring->waits) ==
                             (uint32_t)SHMRPCI_STREAM_WAITS_ALONE;
}

/* Does nothing: nobody forwards items for others over inproc. */
static void say_waits(shmrpci_stream *stream, bool waits)
{
    (void)stream;
    (void)waits;
}

const shmrpci_pump_ops shmrpci_inproc_pump_ops = {.measure = measure,
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
