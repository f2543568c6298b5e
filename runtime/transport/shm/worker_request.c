/*
 * One request and its reply. Everything that the client can write to is read
 * once, into private memory, and checked there.
 */
#include "transport/shm/worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/copy.h"
#include "os/futex.h"
#include "os/map_alias.h"
#include "os/process.h"
#include "os/socket.h"
#include "transport/shm/worker_mirror.h"

static shm_worker *worker_of(const shmrpci_request *request)
{
    return (shm_worker *)(void *)request->participant;
}

static shm_slot *slot_of(const shm_worker *worker)
{
    return &worker->conn->block.slots[worker->slot];
}

/* ---- times of methods ------------------------------------------------ */

static shm_method_time *time_of(shm_worker *worker, uint32_t method)
{
    return &worker->methods[method % SHM_METHOD_WAYS];
}

static bool may_be_long(shm_worker *worker, uint32_t method)
{
    const shm_method_time *time = time_of(worker, method);
    return time->method != method + 1 || time->ticks > worker->short_ticks;
}

static void note_time(shm_worker *worker, uint64_t ticks)
{
    shm_method_time *time = time_of(worker, worker->method);
    uint32_t took = ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
    if (time->method != worker->method + 1 || took > time->ticks) {
        *time = (shm_method_time){worker->method + 1, took};
    } else {
        time->ticks -= (time->ticks - took) / 8;
    }
}

/* Learns whether calls are long, for the turns. Ignores calls of sleepers,
 * whose time includes their wake-up. One short call resets the count, because
 * any call takes long if its worker loses the CPU. */
static void learn_from_call(shm_turn *turn, uint64_t ticks)
{
    if (!shm_turn_is_awake(turn)) {
        return;
    }
    if (ticks <= turn->again_ticks) {
        turn->long_calls = 0;
    } else if (turn->long_calls < SHM_LONG_CALLS) {
        turn->long_calls++;
    }
}

/* No atomic addition is needed, because only this worker writes the counter. */
static void count_call(const shm_worker *worker)
{
    shm_worker_shared *shared = worker->shared;
    uint64_t busy = shmrpci_load_relaxed(&shared->busy_ticks);
    uint64_t calls = shmrpci_load_relaxed(&shared->calls);
    shmrpci_store_relaxed(&shared->since, UINT64_C(0));
    shmrpci_store_relaxed(&shared->busy_ticks,
                          busy + (worker->now - worker->began));
    shmrpci_store_relaxed(&shared->calls, calls + 1);
}

/* ---- the end of a request -------------------------------------------- */

void shm_conn_tell(shm_conn *conn)
{
    /* Sequentially consistent: we have changed the word of the slot and now
     * read this one; the client arms and then reads the words. */
    uint32_t armed = shmrpci_load_seq(conn->block.armed);
    if (armed != 0 && conn->listener->mirror != NULL) {
        shm_mirror_tell(conn, armed);
    } else if (armed != 0) {
        /* Sent before the word is cleared: if we die or stop in between, the
         * client has been notified, and one packet counts for all of its calls.
         * If the client has armed again meanwhile, the exchange fails and the
         * end of another call notifies it. */
        shm_message told = {.kind = SHM_MESSAGE_TOLD};
        /* A client with this many unread packets has already been notified. The
         * rest of the queue is kept free for extents, whose packets must not be
         * lost. */
        if (!shmrpci_socket_is_backed_up(conn->fd)) {
            (void)shm_message_send(conn->fd, told, NULL, NULL, 0);
        }
        (void)shmrpci_cas_seq(conn->block.armed, &armed, 0u);
    }
}

/* A separate function, so that a call that uses no extents pays for one check
 * only. */
static __attribute__((noinline)) void forget_used(shm_worker *worker,
                                                  uint64_t used)
{
    if ((used & SHM_USES_STREAMS) != 0) {
        shm_worker_end_streams(worker);
    }
    /* Sequentially consistent: pairs with the control loop, which reads the
     * ledger before it takes an extent away. Stored before the word
     * becomes DONE, so that an extent that the client leaves idle after that is
     * seen as unused. */
    shmrpci_store_seq(&worker->conn->ledger->entries[worker->slot].uses,
                      UINT64_C(0));
}

static void forget_memory(shm_worker *worker)
{
    /* Relaxed: only the holder of the entry writes it. */
    uint64_t used =
        shmrpci_load_relaxed(&worker->conn->ledger->entries[worker->slot].uses);
    if (used != 0) {
        forget_used(worker, used);
    }
}

/* Notes that threads share the client: a thread sleeps on one call at a time,
 * so two sleeping calls mean two threads. */
static __attribute__((noinline)) void note_threads(shm_worker *worker)
{
    shmrpci_store_relaxed(&worker->conn->has_threads, 1u);
    worker->turn.together = UINT64_C(1) << worker->slot;
    worker->is_single = false;
}

/* Frees the entry after the word was changed. The exchange is the fence between
 * that change and the reads below (a full fence on x86; elsewhere sequentially
 * consistent accesses don't overtake the release before it). The reads are of
 * the sleeping clients and, by rule 4, of the next call on the slot, which
 * other workers may have passed by while we held the entry. If a worker dies
 * before these reads, listener_recover.c makes up for it. */
static void unclaim(shm_worker *worker)
{
    shm_conn *conn = worker->conn;
    uint32_t slot = worker->slot;
    SHMRPCI_ASSERT(slot < SHM_SLOTS, "a claimed slot number is in range");
    shmrpci_atomic_u32 *at = &conn->block.slots[slot].word;
    (void)shmrpci_exchange_seq(&conn->ledger->entries[slot].held, 0u);
    uint64_t asleep = shmrpci_load_seq(conn->block.sleepers);
    if ((asleep >> slot & 1) != 0) {
        if ((asleep & (asleep - 1)) != 0) {
            note_threads(worker);
        }
        shmrpci_futex_wake(at, INT32_MAX);
    }
    if ((worker->flags & SHM_MSG_TOLD) != 0) {
        shm_conn_tell(conn);
    }
    worker->conn = NULL;
    if (shm_word_state(shmrpci_load_seq(at)) == SHM_SUBMITTED) {
        worker->is_cold = true;
    }
}

/* The values to write into the slot. */
typedef struct {
    const void *payload;
    size_t payload_len;
    uint32_t len; /* of the body */
    uint32_t flags;
    int32_t status;
} shm_answer;

/* Writes the reply. All stores come in one burst, after everything that takes
 * time: the client polls the line all the while, and each poll takes the line
 * away from us. */
static void answer(shm_worker *worker, const shm_answer *it)
{
    shm_slot *slot = slot_of(worker);
    /* Relaxed: a call that is given up a moment after this load counts as one
     * that was not given up. */
    uint32_t word = shmrpci_load_relaxed(&slot->word);
    uint32_t done = shm_word(worker->gen, SHM_DONE);
    uint32_t cpu = shmrpci_current_cpu() & SHMRPCI_CPU_MASK;
    uint16_t flags = (uint16_t)(it->flags | cpu << SHM_MSG_CPU_SHIFT);
    /* Relaxed: only a hint. For a client that sleeps we store the time of the
     * reply, so that it learns what its wake-up costs. */
    uint64_t asleep = shmrpci_load_relaxed(worker->conn->block.sleepers);
    bool is_awaited = (asleep >> worker->slot & 1) != 0;
    worker->turn.asleep = asleep;
    worker->was_given_up = shm_word_state(word) == SHM_FREE;
    SHMRPCI_ASSERT(it->payload_len <= SHM_PAYLOAD_BYTES,
                   "a body longer than a slot is in a span");
    SHMRPCI_ASSERT(worker->granted == 0,
                   "an extent is named or given back before the call ends");
    forget_memory(worker);
    shmrpci_note_before(worker->conn);
    if (is_awaited) {
        shmrpci_store_relaxed(&slot->done_ticks, shmrpci_ticks());
    }
    if (it->payload_len > 0) {
        shmrpci_copy_short(slot->payload, it->payload, it->payload_len);
    }
    /* Relaxed: the store of the word publishes these fields. */
    shmrpci_store_relaxed(&slot->flags, flags);
    shmrpci_store_relaxed(&slot->length, it->len);
    shmrpci_store_relaxed(&slot->status, (uint32_t)it->status);
    shmrpci_store_release(&slot->word, done);
    shm_worker_go_online(worker);
    unclaim(worker);
}

/* ---- the request ----------------------------------------------------- */

/* Copies a body that lies in the slot, from `at` on, to private memory. */
static shmrpc_status read_inline(shm_worker *worker, const shm_slot *slot,
                                 size_t at, size_t len,
                                 shmrpci_request *request)
{
    uint8_t *in = worker->in;
    request->in = in;
    request->in_len = len;
    request->in_shared = false;
    if (len > SHM_PAYLOAD_BYTES - at) {
        return SHMRPC_E_INVALID;
    }
    shmrpci_copy_short(in, slot->payload + at, len);
    return SHMRPC_OK;
}

/* Finds the body, in the span that the client named. */
static shmrpc_status find_body(const shm_worker *worker, const shm_span *body,
                               size_t len, shmrpci_request *request)
{
    uint8_t *at;
    shm_extent_note(worker->conn, worker->slot, body->region);
    shmrpc_status status =
        shm_extent_at(worker->conn, body->region, body->offset, len, &at);
    request->in = at;
    request->in_len = len;
    request->in_shared = true;
    return len <= worker->conn->max_message ? status : SHMRPC_E_INVALID;
}

/* Reads the next span from the slot's payload, and advances `at`. */
static shm_span take_span(const shm_slot *slot, size_t *at)
{
    shm_span span;
    memcpy(&span, slot->payload + *at, sizeof span);
    *at += sizeof span;
    return span;
}

#define SPANS (SHM_MSG_BODY_SPAN | SHM_MSG_REPLY_SPAN | SHM_MSG_STREAMS)

/* Reads the parts that the slot's flags announce before the body. Returns
 * INVALID if they are malformed. A separate function, so that a call without
 * such parts pays for one check only. */
static __attribute__((noinline)) shmrpc_status
read_spans(shm_worker *worker, const shm_slot *slot, size_t len,
           shmrpci_request *request)
{
    const uint32_t flags = worker->flags;
    shmrpc_status status = SHMRPC_OK;
    shm_span body = {0, 0, 0};
    size_t at = 0;
    if ((flags & SHM_MSG_STREAMS) != 0) {
        request->head.flags |= (uint32_t)SHMRPCI_HEAD_STREAMS;
        status = shm_worker_note_streams(worker, slot->payload);
        if (status != SHMRPC_OK) {
            return status;
        }
        at += sizeof(shm_streams);
    }
    if ((flags & SHM_MSG_BODY_SPAN) != 0) {
        body = take_span(slot, &at);
    }
    if ((flags & SHM_MSG_REPLY_SPAN) != 0) {
        worker->reply_span = take_span(slot, &at);
        const shm_span *reply = &worker->reply_span;
        shm_extent_note(worker->conn, worker->slot, reply->region);
        status = shm_extent_at(worker->conn, reply->region, reply->offset,
                               reply->size, &worker->reply_at);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    return (flags & SHM_MSG_BODY_SPAN) != 0
               ? find_body(worker, &body, len, request)
               : read_inline(worker, slot, at, len, request);
}

static int64_t deadline_of(int64_t now_ns, uint64_t timeout_ns)
{
    if (timeout_ns > (uint64_t)(SHMRPCI_NEVER_NS - now_ns)) {
        return SHMRPCI_NEVER_NS;
    }
    return now_ns + (int64_t)timeout_ns;
}

/* Learns the cost of a wake-up from the submit time of the first request after
 * a sleep. */
static void learn_from_sleep(shm_worker *worker, uint32_t submitted)
{
    uint64_t late = shm_stamp_age(submitted, worker->now);
    uint64_t idle = worker->now - worker->idle_since;
    worker->has_slept = false;
    if (late <= idle) {
        shmrpci_spinner_slept(&worker->spinner, idle - late, late);
    } else {
        shmrpci_spinner_miss(&worker->spinner);
    }
}

/* Counts a malformed request, and hangs up after too many: shuts down the
 * socket, so that the control loop closes the connection, or asks the
 * supervisor to do so. */
static void note_nonsense(shm_conn *conn)
{
    if (shmrpci_add_relaxed(&conn->nonsense, 1u) + 1 != SHM_MAX_NONSENSE) {
        return;
    }
    if (conn->listener->mirror != NULL) {
        shm_mirror_refuse(conn);
    } else {
        shmrpci_socket_shut(conn->fd);
    }
}

/* The clock was read before the request was found. If this thread lost its CPU
 * in between, the request may have been sent much later, and its time must not
 * count from before. The stamp may be false, so it only makes us read the
 * clock. */
static void keep_up(shm_worker *worker, uint32_t submitted)
{
    int32_t ahead = (int32_t)(submitted - shm_stamp(worker->now));
    if (ahead > 0 && (uint64_t)ahead << SHM_STAMP_SHIFT > worker->lease_ticks) {
        worker->now = shmrpci_ticks();
    }
}

bool shm_worker_begin(shm_worker *worker, shmrpci_request *request)
{
    const shm_slot *slot = slot_of(worker);
    uint64_t timeout_ns = shmrpci_load_relaxed(&slot->timeout_ns);
    uint32_t submitted = shmrpci_load_relaxed(&slot->stamp);
    uint32_t flags = shmrpci_load_relaxed(&slot->flags);
    size_t len = shmrpci_load_relaxed(&slot->length);
    worker->method = shmrpci_load_relaxed(&slot->method);
    worker->flags = flags;
    worker->target = SHM_REPLY_STAGING;
    worker->peer_cpu = flags >> SHM_MSG_CPU_SHIFT;
    worker->reply_at = NULL;
    worker->granted = 0;
    keep_up(worker, submitted);
    if (worker->has_slept) {
        learn_from_sleep(worker, submitted);
    }
    request->head = (shmrpci_head){
        .method = worker->method,
        .flags = flags & (SHM_MSG_ONEWAY | SHM_MSG_NUMBERED | SHM_MSG_METADATA),
        .timeout_ns = (int64_t)(timeout_ns & INT64_MAX)};
    shmrpc_status status = (flags & SPANS) != 0
                               ? read_spans(worker, slot, len, request)
                               : read_inline(worker, slot, 0, len, request);
    if (status != SHMRPC_OK) {
        if (status == SHMRPC_E_INVALID) {
            note_nonsense(worker->conn);
        }
        answer(worker, &(shm_answer){.status = status});
        return false;
    }
    request->participant = &worker->base;
    request->received_ns = shmrpci_tick_clock_ns(&worker->clock, worker->now);
    request->deadline_ns = deadline_of(request->received_ns, timeout_ns);
    request->peer = &worker->conn->peer;
    request->out = (shmrpci_buf){0};
    if (worker->is_cold || may_be_long(worker, worker->method)) {
        shm_worker_share(worker);
        shm_worker_go_offline(worker);
        worker->now = shmrpci_ticks();
    }
    worker->began = worker->now;
    request->queue_ticks = shm_stamp_age(submitted, worker->began);
    request->began_ticks = worker->began;
    /* Relaxed: only observers read these. */
    shmrpci_store_relaxed(&worker->shared->deadline_ns,
                          (uint64_t)request->deadline_ns);
    shmrpci_store_relaxed(&worker->shared->since, worker->now);
    return true;
}

/* ---- the reply ------------------------------------------------------- */

/* Frees a granted extent that the reply doesn't use. Called before another
 * extent is granted, and before the call ends, as the client may then reuse the
 * slot. */
static void give_back_grant(shm_worker *worker)
{
    if (worker->granted != 0) {
        worker->granted = 0;
        /* Another thread may be granted the extent before this call ends. Tells
         * ThreadSanitizer that our use comes first. */
        shmrpci_note_before(worker->conn);
        shm_extent_recover(worker->conn, worker->slot);
    }
}

/* A reply that outgrows its memory continues on the heap. */
static shmrpc_status grow(shmrpci_buf *buf, size_t cap)
{
    shm_worker *worker = buf->owner;
    if (cap > worker->conn->max_message) {
        return SHMRPC_E_TOO_LARGE;
    }
    uint8_t *data =
        realloc(worker->target == SHM_REPLY_HEAP ? buf->data : NULL, cap);
    if (data == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    if (worker->target != SHM_REPLY_HEAP && buf->len > 0) {
        memcpy(data, buf->data, buf->len);
    }
    worker->target = SHM_REPLY_HEAP;
    give_back_grant(worker);
    buf->data = data;
    buf->cap = cap;
    return SHMRPC_OK;
}

/* Returns memory from which a large reply can be sent without a copy: the span
 * that the client reserved, or an extent. Returns NULL if there is neither. */
static uint8_t *find_room(shm_worker *worker, size_t size, size_t *cap)
{
    if (worker->reply_at != NULL && size <= worker->reply_span.size) {
        *cap = worker->reply_span.size;
        return worker->reply_at;
    }
    if (shm_extent_grant(worker->conn, size, worker->slot, &worker->granted) !=
        SHMRPC_OK) {
        return NULL;
    }
    uint8_t *at;
    *cap = size;
    if (shm_extent_at(worker->conn, worker->granted, 0, size, &at) !=
        SHMRPC_OK) {
        give_back_grant(worker);
    }
    return at;
}

void shm_worker_reply_reserve(shmrpci_request *request, size_t size_hint)
{
    shm_worker *worker = worker_of(request);
    worker->target = SHM_REPLY_STAGING;
    request->out = (shmrpci_buf){.data = worker->out,
                                 .cap = sizeof worker->out,
                                 .grow = grow,
                                 .owner = worker};
    size_t cap;
    uint8_t *room = size_hint > sizeof worker->out
                        ? find_room(worker, size_hint, &cap)
                        : NULL;
    if (room != NULL) {
        worker->target = SHM_REPLY_SPAN;
        request->out.data = room;
        request->out.cap = cap;
    }
}

/* Finds memory for a reply that is too large for the slot, and moves the reply
 * there. */
static shmrpc_status place_reply(shm_worker *worker, const shmrpci_buf *out,
                                 shm_span *span)
{
    if (worker->granted != 0 && worker->target == SHM_REPLY_SPAN) {
        *span = (shm_span){worker->granted, 0, 0};
        worker->granted = 0;
        return SHMRPC_OK;
    }
    if (worker->reply_at != NULL && out->len <= worker->reply_span.size) {
        *span = worker->reply_span;
        if (worker->target != SHM_REPLY_SPAN) {
            memcpy(worker->reply_at, out->data, out->len);
        }
        return SHMRPC_OK;
    }
    *span = (shm_span){0, 0, 0};
    shmrpc_status status =
        shm_extent_grant(worker->conn, out->len, worker->slot, &span->region);
    if (status != SHMRPC_OK) {
        return status;
    }
    uint8_t *at;
    if (shm_extent_at(worker->conn, span->region, 0, out->len, &at) !=
        SHMRPC_OK) {
        worker->granted = span->region; /* reply_commit gives the extent back */
        return SHMRPC_E_NO_MEMORY;
    }
    memcpy(at, out->data, out->len);
    return SHMRPC_OK;
}

/* Prepares the reply, in the slot or in a span that the slot names. */
static shmrpc_status prepare(shm_worker *worker, const shmrpci_buf *out,
                             shm_answer *it, shm_span *span)
{
    if (out->status != SHMRPC_OK) {
        return out->status;
    }
    it->len = (uint32_t)out->len;
    if (out->len <= SHM_PAYLOAD_BYTES) {
        it->payload = out->data;
        it->payload_len = out->len;
        if (worker->target == SHM_REPLY_SPAN && out->len > 0) {
            /* Copy the reply, so that its extent can be given back before the
             * slot is written. */
            it->payload = memcpy(worker->out, out->data, out->len);
        }
        return SHMRPC_OK;
    }
    shmrpc_status status = place_reply(worker, out, span);
    span->size = (uint32_t)out->len;
    it->payload = span;
    it->payload_len = sizeof *span;
    it->flags |= SHM_MSG_BODY_SPAN;
    return status;
}

/* Records how long the call took, for the method's average and for
 * observers. */
static void end_service(shm_worker *worker)
{
    worker->now = shmrpci_ticks();
    worker->is_now = true;
    note_time(worker, worker->now - worker->began);
    learn_from_call(&worker->turn, worker->now - worker->began);
    count_call(worker);
}

void shm_worker_part(shm_worker *worker)
{
    worker->conn = NULL;
    end_service(worker);
}

static void end_reply(shm_worker *worker, shmrpci_request *request)
{
    if (worker->target == SHM_REPLY_HEAP) {
        free(request->out.data);
        worker->target = SHM_REPLY_STAGING;
    }
    request->out = (shmrpci_buf){0};
    request->in = NULL;
    request->was_given_up = worker->was_given_up;
    end_service(worker);
    request->ended_ticks = worker->now;
}

void shm_worker_reply_commit(shmrpci_request *request)
{
    shm_worker *worker = worker_of(request);
    shm_span span;
    shm_answer it = {.status = request->head.status,
                     .flags = request->head.flags &
                              (SHM_MSG_DETAIL | SHM_MSG_METADATA)};
    shmrpc_status failed = prepare(worker, &request->out, &it, &span);
    if (failed != SHMRPC_OK) {
        request->head.status = failed;
        it = (shm_answer){.status = failed};
    }
    give_back_grant(worker);
    answer(worker, &it);
    end_reply(worker, request);
}

void shm_worker_answer(shmrpci_request *request, const void *body, size_t len)
{
    shm_worker *worker = worker_of(request);
    answer(worker, &(shm_answer){.payload = body,
                                 .payload_len = len,
                                 .len = (uint32_t)len,
                                 .status = request->head.status});
    end_reply(worker, request);
}

void shm_worker_drop(shmrpci_request *request)
{
    shm_worker *worker = worker_of(request);
    give_back_grant(worker);
    answer(worker, &(shm_answer){.status = SHMRPC_OK});
    end_reply(worker, request);
}

bool shm_worker_is_cancelled(const shmrpci_request *request)
{
    const shm_worker *worker = worker_of(request);
    if (shmrpci_load_acquire(
            &worker->conn->ledger->entries[SHM_WHOLE].closed) != 0) {
        return true;
    }
    uint32_t word = shmrpci_load_relaxed(&slot_of(worker)->word);
    return shm_word_state(word) == SHM_FREE;
}

bool shm_worker_is_draining(const shmrpci_request *request)
{
    return shmrpci_load_acquire(worker_of(request)->order) != SHM_ORDER_WORK;
}

uint64_t shm_worker_connection(const shmrpci_request *request)
{
    return worker_of(request)->conn->serial;
}
