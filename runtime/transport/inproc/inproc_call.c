/*
 * Calls of the inproc transport, for clients and workers.
 *
 * A call is a slot of its connection and goes through the states in inproc.h.
 * Submitted slots are linked into one first-in, first-out queue per hub;
 * workers take from its head. The request and the reply are in heap buffers
 * that the slot keeps for the next call, so that a steady load doesn't
 * allocate.
 *
 * `call->out` and `request->out` are copies of the slot's buffer structures. A
 * buffer that grows may move, so commit and abort copy the structure back.
 * Nobody else touches the slot's buffers in between.
 *
 * A connection whose client has gone stays until none of its slots is queued or
 * held by a worker. The thread that frees the last such slot also frees the
 * connection: after slot_free has returned false, neither exists.
 */
#include "transport/inproc/inproc.h"

#include <stdlib.h>

#include "os/clock.h"

/* Largest buffer that a slot keeps for its next call; a larger one is freed
 * with the call. */
#define KEEP_BYTES ((size_t)1 << 20)

/* A buffer's `grow` function: reallocates on the heap, up to the message size
 * that both ends agreed on. */
static shmrpc_status span_grow(shmrpci_buf *buf, size_t cap)
{
    const inproc_conn *conn = buf->owner;
    if (cap > conn->max_message_bytes) {
        return SHMRPC_E_TOO_LARGE;
    }
    uint8_t *data = realloc(buf->data, cap);
    if (data == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    buf->data = data;
    buf->cap = cap;
    return SHMRPC_OK;
}

/* Empties `span` and grows it to `hint` bytes in advance. A failure is ignored
 * here: the buffer then grows when it is written, and reports it there. */
static void span_ready(shmrpci_buf *span, inproc_conn *conn, size_t hint)
{
    span->grow = span_grow;
    span->owner = conn;
    shmrpci_buf_reset(span);
    if (hint > span->cap) {
        (void)span_grow(span, hint);
    }
}

/* Empties a buffer after a call, and frees memory beyond KEEP_BYTES. */
static void span_trim(shmrpci_buf *span)
{
    if (span->cap > KEEP_BYTES) {
        free(span->data);
        span->data = NULL;
        span->cap = 0;
    }
    span->len = 0;
}

static inproc_slot *slot_of(const shmrpci_transport_data *data)
{
    return data->pointers[0];
}

/* Returns whether a worker has the slot or may still take it. */
static bool is_busy(const inproc_slot *slot)
{
    return slot->state == INPROC_SUBMITTED || slot->state == INPROC_CLAIMED;
}

/* With the hub's lock held: frees a slot in any state, and wakes one thread
 * that waits for a slot. If the client has gone and this was the last busy
 * slot, frees the connection too and returns false. */
static bool slot_free(inproc_slot *slot)
{
    inproc_conn *conn = slot->conn;
    conn->busy -= is_busy(slot) ? 1u : 0u;
    slot->state = INPROC_FREE;
    slot->cancelled = false;
    shmrpci_inproc_streams_drop(slot);
    span_trim(&slot->request);
    span_trim(&slot->reply);
    if (!conn->open && conn->busy == 0) {
        shmrpci_inproc_conn_free(conn);
        return false;
    }
    shmrpci_cond_signal(&conn->slot_free);
    return true;
}

/* With the hub's lock held: ends a call as DONE or ABORTED and wakes the
 * client. The slot stays in use until the client has received the result. */
static void end(inproc_slot *slot, inproc_state state)
{
    slot->conn->busy--;
    slot->state = state;
    shmrpci_cond_signal(&slot->done);
    if ((slot->head.flags & SHMRPCI_HEAD_TOLD) != 0) {
        shmrpci_inproc_tell(slot->conn);
    }
}

void shmrpci_inproc_conn_lose(inproc_conn *conn)
{
    shmrpci_cond_broadcast(&conn->slot_free);
    shmrpci_inproc_tell(conn);
    /* Wakes all receivers, who then see `closed`. Nobody receives a oneway
     * call, so a queued one must be freed here; the worker frees a claimed
     * one. */
    for (unsigned i = 0; i < SHMRPCI_INPROC_SLOTS; i++) {
        inproc_slot *slot = &conn->slots[i];
        shmrpci_inproc_streams_lose(slot);
        if (slot->state == INPROC_SUBMITTED &&
            (slot->head.flags & SHMRPCI_HEAD_ONEWAY) != 0) {
            if (!slot_free(slot)) {
                return;
            }
        }
        shmrpci_cond_signal(&slot->done);
    }
}

/* ---- the client's end ---- */

/* Sets the error for a client whose service has closed, and returns
 * SERVER_LOST. */
static int server_lost(const inproc_hub *hub, shmrpc_error *error)
{
    return shmrpc_error_set(error, SHMRPC_E_SERVER_LOST, "%s has stopped",
                            hub->address);
}

/* A linear search: for 64 slots its cost is small compared to the lock's. */
static inproc_slot *find_free(inproc_conn *conn)
{
    for (unsigned i = 0; i < SHMRPCI_INPROC_SLOTS; i++) {
        if (conn->slots[i].state == INPROC_FREE) {
            return &conn->slots[i];
        }
    }
    return NULL;
}

/* With the lock held: sets *out to a free slot, now RESERVED. Waits for one
 * until `deadline_ns`, or not at all if that is 0; sets *waited if it had to
 * wait. Searches once more after a timeout, since a slot may have become free
 * at that moment. */
static int take_slot(inproc_conn *conn, int64_t deadline_ns, inproc_slot **out,
                     bool *waited, shmrpc_error *error)
{
    inproc_hub *hub = conn->hub;
    for (bool in_time = true; !hub->closed;) {
        inproc_slot *slot = find_free(conn);
        if (slot != NULL) {
            slot->state = INPROC_RESERVED;
            *out = slot;
            return SHMRPC_OK;
        }
        if (deadline_ns == 0) {
            return shmrpc_error_set(error, SHMRPC_E_BUSY,
                                    "all %d call slots are in use",
                                    SHMRPCI_INPROC_SLOTS);
        }
        if (!in_time) {
            return shmrpc_error_set(
                error, SHMRPC_E_DEADLINE,
                "none of the %d call slots became free in time",
                SHMRPCI_INPROC_SLOTS);
        }
        *waited = true;
        in_time =
            shmrpci_cond_wait_until(&conn->slot_free, &hub->lock, deadline_ns);
    }
    return server_lost(hub, error);
}

int shmrpci_inproc_reserve(shmrpci_conn *base, shmrpci_call *call,
                           size_t size_hint, size_t reply_hint,
                           int64_t deadline_ns, shmrpc_error *error)
{
    (void)reply_hint; /* the worker allocates */
    inproc_conn *conn = (inproc_conn *)base;
    inproc_slot *slot = NULL;
    shmrpci_mutex_lock(&conn->hub->lock);
    call->waited = false;
    int status = take_slot(conn, deadline_ns, &slot, &call->waited, error);
    shmrpci_mutex_unlock(&conn->hub->lock);
    if (status != SHMRPC_OK) {
        return status;
    }
    /* Without the lock: a RESERVED slot belongs to this thread alone. */
    span_ready(&slot->request, conn, size_hint);
    call->conn = base;
    call->out = slot->request;
    call->data.pointers[0] = slot;
    return SHMRPC_OK;
}

/* Frees the slot of a call that the client has aborted or released. */
static void give_back(shmrpci_call *call)
{
    inproc_slot *slot = slot_of(&call->data);
    inproc_hub *hub = slot->conn->hub;
    shmrpci_mutex_lock(&hub->lock);
    (void)slot_free(slot);
    shmrpci_mutex_unlock(&hub->lock);
}

void shmrpci_inproc_abort(shmrpci_call *call)
{
    slot_of(&call->data)->request = call->out;
    give_back(call);
}

static void queue_push(inproc_hub *hub, inproc_slot *slot)
{
    slot->next = NULL;
    if (hub->queue_head == NULL) {
        hub->queue_head = slot;
    } else {
        hub->queue_tail->next = slot;
    }
    hub->queue_tail = slot;
}

static inproc_slot *queue_pop(inproc_hub *hub)
{
    inproc_slot *slot = hub->queue_head;
    if (slot != NULL) {
        hub->queue_head = slot->next;
    }
    return slot;
}

/* The slot must be in the queue. A linear search, since calls are rarely
 * withdrawn. */
static void queue_remove(inproc_hub *hub, const inproc_slot *slot)
{
    inproc_slot *before = NULL;
    inproc_slot *at = hub->queue_head;
    while (at != slot) {
        before = at;
        at = at->next;
    }
    if (before == NULL) {
        hub->queue_head = slot->next;
    } else {
        before->next = slot->next;
    }
    if (hub->queue_tail == slot) {
        hub->queue_tail = before;
    }
}

/* Fills the slot before it becomes SUBMITTED, since a worker may read it from
 * then on. */
int shmrpci_inproc_commit(shmrpci_call *call)
{
    inproc_slot *slot = slot_of(&call->data);
    inproc_hub *hub = slot->conn->hub;
    slot->request = call->out;
    slot->head = call->head;
    /* The timeout runs from now. The deadline tells the worker when the caller
     * gives up. */
    slot->deadline_ns = shmrpci_deadline_after(call->head.timeout_ns);
    int status = (int)call->out.status;
    shmrpci_mutex_lock(&hub->lock);
    if (hub->closed) {
        status = SHMRPC_E_SERVER_LOST;
    }
    if (status == SHMRPC_OK) {
        slot->state = INPROC_SUBMITTED;
        slot->conn->busy++;
        queue_push(hub, slot);
        shmrpci_cond_signal(&hub->work);
    } else {
        (void)slot_free(slot);
    }
    shmrpci_mutex_unlock(&hub->lock);
    return status;
}

/* Makes the reply a view of the slot's buffer, valid until release. It is not
 * marked shared, since the worker no longer writes to it. */
static void fill_reply(shmrpci_call *call, inproc_slot *slot)
{
    call->head = slot->head;
    call->in = slot->reply.data;
    call->in_len = slot->reply.len;
    call->in_shared = false;
}

/* Checks for a reply before `closed`, so that a reply that arrived just before
 * the service closed is still delivered. After DEADLINE the call is still in
 * flight. */
int shmrpci_inproc_receive(shmrpci_call *call, int64_t deadline_ns)
{
    inproc_slot *slot = slot_of(&call->data);
    inproc_hub *hub = slot->conn->hub;
    int status = SHMRPC_E_DEADLINE;
    shmrpci_mutex_lock(&hub->lock);
    for (bool in_time = true;;) {
        if (slot->state == INPROC_DONE) {
            fill_reply(call, slot);
            status = SHMRPC_OK;
            break;
        }
        if (slot->state == INPROC_ABORTED || hub->closed) {
            /* No worker has taken a SUBMITTED call, so it is safe to retry; a
             * CLAIMED one may have run in part. */
            status = slot->state == INPROC_ABORTED     ? SHMRPC_E_WORKER_DIED
                     : slot->state == INPROC_SUBMITTED ? SHMRPC_E_UNAVAILABLE
                                                       : SHMRPC_E_SERVER_LOST;
            (void)slot_free(slot);
            break;
        }
        if (!in_time) {
            break;
        }
        in_time = shmrpci_cond_wait_until(&slot->done, &hub->lock, deadline_ns);
    }
    shmrpci_mutex_unlock(&hub->lock);
    return status;
}

void shmrpci_inproc_release(shmrpci_call *call)
{
    give_back(call);
}

/* Returns true if the call was withdrawn before any worker took it. A CLAIMED
 * call stays with its worker, which learns of the cancellation from
 * is_cancelled or when it replies. A reply that has already arrived is dropped.
 */
bool shmrpci_inproc_cancel(shmrpci_call *call)
{
    inproc_slot *slot = slot_of(&call->data);
    inproc_hub *hub = slot->conn->hub;
    shmrpci_mutex_lock(&hub->lock);
    bool withdrawn = slot->state == INPROC_SUBMITTED;
    if (slot->state == INPROC_CLAIMED) {
        slot->cancelled = true;
        shmrpci_inproc_streams_leave(slot);
    } else {
        /* If the listener has closed, the queue is already empty. */
        if (withdrawn && !hub->closed) {
            queue_remove(hub, slot);
        }
        (void)slot_free(slot);
    }
    shmrpci_mutex_unlock(&hub->lock);
    return withdrawn;
}

/* ---- the worker's end ---- */

/* With the lock held: fills `request` from the slot. The body is a view of the
 * slot's buffer, which the client doesn't write to until the call ends. */
static void fill_request(shmrpci_request *request, inproc_slot *slot)
{
    request->head = slot->head;
    request->in = slot->request.data;
    request->in_len = slot->request.len;
    request->in_shared = false;
    request->received_ns = shmrpci_now_ns();
    request->deadline_ns = slot->deadline_ns;
    shmrpci_request_began(request, slot->head.ticks);
    request->peer = &slot->conn->peer;
    request->data.pointers[0] = slot;
}

/* Reports the end of one watched connection to the worker. Called with the
 * lock held, which it releases while on_end runs. */
static void tell_end(inproc_hub *hub, const shmrpci_participant *base)
{
    shmrpci_farewell *f = shmrpci_farewell_pop(&hub->farewells);
    shmrpci_mutex_unlock(&hub->lock);
    if (base->on_end != NULL) {
        base->on_end(base->end_user, f->connection);
    }
    free(f);
    shmrpci_mutex_lock(&hub->lock);
}

/* Waits without a deadline; returns CANCELLED after stop. Calls that are queued
 * at that moment stay in the queue until the listener is closed. */
int shmrpci_inproc_next(shmrpci_participant *base, shmrpci_request *request)
{
    inproc_participant *participant = (inproc_participant *)base;
    inproc_hub *hub = participant->hub;
    shmrpci_mutex_lock(&hub->lock);
    while (!hub->stopped &&
           (hub->farewells != NULL || hub->queue_head == NULL)) {
        if (hub->farewells != NULL) {
            tell_end(hub, base);
        } else {
            shmrpci_cond_wait(&hub->work, &hub->lock);
        }
    }
    inproc_slot *slot = hub->stopped ? NULL : queue_pop(hub);
    if (slot != NULL) {
        slot->state = INPROC_CLAIMED;
        slot->owner = participant->index;
        slot->is_detached = false;
        request->participant = base;
        fill_request(request, slot);
    }
    shmrpci_mutex_unlock(&hub->lock);
    return slot != NULL ? SHMRPC_OK : SHMRPC_E_CANCELLED;
}

/* Needs no lock: the reply buffer of a CLAIMED slot belongs to its worker
 * alone. */
void shmrpci_inproc_reply_reserve(shmrpci_request *request, size_t size_hint)
{
    inproc_slot *slot = slot_of(&request->data);
    span_ready(&slot->reply, slot->conn, size_hint);
    request->out = slot->reply;
}

/* Ends the call with the reply, or frees the slot if the client no longer waits
 * for it. */
void shmrpci_inproc_reply_commit(shmrpci_request *request)
{
    inproc_slot *slot = slot_of(&request->data);
    inproc_hub *hub = slot->conn->hub;
    /* If the reply did not fit, the caller gets the buffer's status and an
     * empty body. */
    if (request->out.status != SHMRPC_OK) {
        request->head.status = (int32_t)request->out.status;
        request->head.flags = 0;
        request->out.len = 0;
    }
    slot->reply = request->out;
    shmrpci_mutex_lock(&hub->lock);
    slot->head.status = request->head.status;
    shmrpci_inproc_streams_lose(slot);
    if (!slot->is_detached) {
        shmrpci_inproc_streams_leave_place(hub, slot->owner);
    }
    request->was_given_up = slot->cancelled;
    if (slot->cancelled || !slot->conn->open) {
        (void)slot_free(slot);
    } else {
        end(slot, INPROC_DONE);
        /* Set after `end`, which reads the request's flags, but still under the
         * lock, so that the client sees the reply's flags. */
        slot->head.flags = request->head.flags;
    }
    shmrpci_mutex_unlock(&hub->lock);
}

/* Ends a oneway call, which has no reply. */
void shmrpci_inproc_drop(shmrpci_request *request)
{
    inproc_slot *slot = slot_of(&request->data);
    inproc_hub *hub = slot->conn->hub;
    shmrpci_mutex_lock(&hub->lock);
    (void)slot_free(slot);
    shmrpci_mutex_unlock(&hub->lock);
}

bool shmrpci_inproc_is_cancelled(const shmrpci_request *request)
{
    const inproc_slot *slot = slot_of(&request->data);
    inproc_hub *hub = slot->conn->hub;
    shmrpci_mutex_lock(&hub->lock);
    bool cancelled = slot->cancelled;
    shmrpci_mutex_unlock(&hub->lock);
    return cancelled;
}

bool shmrpci_inproc_is_draining(const shmrpci_request *request)
{
    const inproc_hub *hub = slot_of(&request->data)->conn->hub;
    return shmrpci_load_acquire(&hub->stops) != 0;
}

uint64_t shmrpci_inproc_connection(const shmrpci_request *request)
{
    return slot_of(&request->data)->conn->serial;
}

int shmrpci_inproc_detach(shmrpci_request *request, shmrpci_request *out)
{
    inproc_slot *slot = slot_of(&request->data);
    inproc_hub *hub = slot->conn->hub;
    shmrpci_mutex_lock(&hub->lock);
    slot->is_detached = true;
    shmrpci_inproc_streams_leave_place(hub, slot->owner);
    shmrpci_mutex_unlock(&hub->lock);
    *out = *request;
    return SHMRPC_OK;
}

void shmrpci_inproc_detached_end(shmrpci_request *request)
{
    (void)request; /* it holds nothing except the slot */
}

int shmrpci_inproc_watch_end(const shmrpci_request *request,
                             shmrpc_error *error)
{
    inproc_conn *conn = slot_of(&request->data)->conn;
    shmrpci_mutex_lock(&conn->hub->lock);
    if (conn->farewell == NULL) {
        conn->farewell = shmrpci_farewell_new(conn->serial, error);
    }
    bool is_made = conn->farewell != NULL;
    shmrpci_mutex_unlock(&conn->hub->lock);
    return is_made ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

size_t shmrpci_inproc_hello(const shmrpci_request *request,
                            uint8_t out[SHMRPCI_HELLO_MAX_BYTES])
{
    const inproc_conn *conn = slot_of(&request->data)->conn;
    memcpy(out, conn->hello, conn->hello_len);
    return conn->hello_len;
}

/* ---- a dead worker's calls ---- */

/* Ends the calls of one connection that worker `index` held when it left or
 * died. A call that nobody waits for is freed at once. Freeing the last one may
 * free the connection, and then nothing is left to do. */
static void abort_calls(inproc_conn *conn, uint32_t index)
{
    for (unsigned i = 0; i < SHMRPCI_INPROC_SLOTS; i++) {
        inproc_slot *slot = &conn->slots[i];
        if (slot->state != INPROC_CLAIMED || slot->owner != index) {
            continue;
        }
        bool nobody_waits = slot->cancelled || !conn->open ||
                            (slot->head.flags & SHMRPCI_HEAD_ONEWAY) != 0;
        shmrpci_inproc_streams_lose(slot);
        if (!nobody_waits) {
            end(slot, INPROC_ABORTED);
        } else if (!slot_free(slot)) {
            return;
        }
    }
}

void shmrpci_inproc_recover_slots(inproc_hub *hub, uint32_t index)
{
    shmrpci_inproc_streams_leave_place(hub, index);
    inproc_conn *next;
    for (inproc_conn *conn = hub->conns; conn != NULL; conn = next) {
        /* Read first, because abort_calls may free the connection. */
        next = conn->next;
        abort_calls(conn, index);
    }
}
