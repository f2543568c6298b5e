/* Workers: waiting for a request, and answering it. */
#include "transport/tcp/server.h"

#include <stdlib.h>

#include "os/clock.h"
#include "os/poll.h"

/* What a relay's worker reads before it takes calls: it takes all of them. Of
 * others each takes one. */
#define RELAY_EVENTS 16

static tcp_call *call_of(const shmrpci_request *request)
{
    return request->data.pointers[0];
}

/* ---- places ---------------------------------------------------------- */

int tcp_worker_open(shmrpci_listener *base, uint32_t index,
                    shmrpci_participant **out, shmrpc_error *error)
{
    tcp_listener *listener = (tcp_listener *)(void *)base;
    if (index >= listener->opts.max_workers) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "worker %u of at most %u", index,
                                listener->opts.max_workers);
    }
    tcp_participant *participant = &listener->participants[index];
    shmrpci_mutex_lock(&listener->lock);
    bool was_taken = participant->is_taken;
    if (!was_taken) {
        *participant =
            (tcp_participant){.base = {.transport = listener->base.transport},
                              .listener = listener,
                              .index = index,
                              .is_taken = true};
    }
    shmrpci_mutex_unlock(&listener->lock);
    if (was_taken) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the place of worker %u is taken", index);
    }
    *out = &participant->base;
    return SHMRPC_OK;
}

void tcp_worker_close(shmrpci_participant *base)
{
    if (base != NULL) {
        tcp_participant *participant = (tcp_participant *)(void *)base;
        tcp_worker_recover(&participant->listener->base, participant->index);
    }
}

/* ---- waiting --------------------------------------------------------- */

static void fill_request(shmrpci_request *request, tcp_call *call)
{
    request->head = call->head;
    request->in = call->request;
    request->in_len = call->request_len;
    request->in_shared = false;
    request->received_ns = shmrpci_now_ns();
    request->deadline_ns = call->deadline_ns;
    shmrpci_request_began(request, call->head.ticks);
    request->peer = &call->conn->peer;
    request->epoch = call->conn->epoch;
    request->data.pointers[0] = call;
}

/* With the lock held, which it gives up if there is a call: takes the next one,
 * and sees to those behind it. */
static tcp_call *claim(tcp_participant *participant)
{
    tcp_listener *listener = participant->listener;
    tcp_call *call = tcp_call_pop(listener);
    if (call == NULL) {
        return NULL;
    }
    tcp_call_claim(call, participant->index);
    bool more = listener->queue_first != NULL && listener->idle > 0 &&
                !tcp_listener_is_relay(listener);
    /* Nobody reads the sockets now but the listener's thread. */
    bool wake = listener->idle == 0 && listener->is_asleep;
    listener->is_asleep = listener->is_asleep && !wake;
    shmrpci_mutex_unlock(&listener->lock);
    if (more) {
        shmrpci_event_set(listener->bell_fd);
    }
    if (wake) {
        shmrpci_event_set(listener->wake_fd);
    }
    return call;
}

/* With the lock held, which it gives up. */
static void wait_for_event(tcp_listener *listener)
{
    uint64_t tags[RELAY_EVENTS];
    size_t room = tcp_listener_is_relay(listener) ? RELAY_EVENTS : 1;
    listener->idle++;
    shmrpci_mutex_unlock(&listener->lock);
    size_t count = shmrpci_poll_wait_edges(listener->edge_set, tags, room,
                                           SHMRPCI_NEVER_NS);
    shmrpci_mutex_lock(&listener->lock);
    listener->idle--;
    listener->looks++;
    shmrpci_mutex_unlock(&listener->lock);
    for (size_t i = 0; i < count; i++) {
        if ((tags[i] & ~SHMRPCI_POLL_HUNG_UP) != TCP_TAG_BELL) {
            tcp_conn_event(listener, tags[i]);
        }
    }
}

int tcp_worker_next(shmrpci_participant *base, shmrpci_request *request)
{
    tcp_participant *participant = (tcp_participant *)(void *)base;
    tcp_listener *listener = participant->listener;
    for (;;) {
        shmrpci_mutex_lock(&listener->lock);
        /* Pairs with stop's release. */
        if (shmrpci_load_acquire(&listener->stopping) != 0) {
            shmrpci_mutex_unlock(&listener->lock);
            /* The bell wakes one; each wakes the next. */
            shmrpci_event_set(listener->bell_fd);
            return SHMRPC_E_CANCELLED;
        }
        bool has_held = listener->queue_first == NULL && listener->held != NULL;
        if (has_held) { /* nothing else comes that they could wait for */
            shmrpci_mutex_unlock(&listener->lock);
            tcp_conn_release_held(listener);
            continue;
        }
        tcp_call *call = claim(participant);
        if (call != NULL) {
            request->participant = base;
            fill_request(request, call);
            return SHMRPC_OK;
        }
        wait_for_event(listener);
    }
}

int tcp_worker_try_next(shmrpci_participant *base, shmrpci_request *request)
{
    tcp_participant *participant = (tcp_participant *)(void *)base;
    tcp_listener *listener = participant->listener;
    shmrpci_mutex_lock(&listener->lock);
    tcp_call *call = claim(participant);
    if (call == NULL) {
        shmrpci_mutex_unlock(&listener->lock);
        return SHMRPC_E_BUSY;
    }
    request->participant = base;
    fill_request(request, call);
    return SHMRPC_OK;
}

/* ---- answering ------------------------------------------------------- */

static shmrpc_status grow(shmrpci_buf *buf, size_t cap)
{
    tcp_call *call = buf->owner;
    if (cap > call->conn->max_message_bytes) {
        return SHMRPC_E_TOO_LARGE;
    }
    uint8_t *reply = realloc(call->reply, TCP_HEAD_BYTES + cap);
    if (reply == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    call->reply = reply;
    call->reply_cap = cap;
    buf->data = reply + TCP_HEAD_BYTES;
    buf->cap = cap;
    return SHMRPC_OK;
}

void tcp_worker_reply_reserve(shmrpci_request *request, size_t size_hint)
{
    tcp_call *call = call_of(request);
    request->out = (shmrpci_buf){.grow = grow, .owner = call};
    if (call->reply != NULL) {
        request->out.data = call->reply + TCP_HEAD_BYTES;
        request->out.cap = call->reply_cap;
    }
    if (size_hint > request->out.cap) {
        (void)grow(&request->out, size_hint); /* a hint never fails */
    }
}

static void on_sent(tcp_piece *piece)
{
    tcp_call *call =
        (tcp_call *)(void *)((char *)piece - offsetof(tcp_call, piece));
    tcp_listener *listener = call->conn->listener;
    shmrpci_mutex_lock(&listener->lock);
    tcp_call_free(call);
    shmrpci_mutex_unlock(&listener->lock);
}

/* Fills the piece; false: out of memory. */
static bool fill_reply(tcp_call *call, const shmrpci_request *request)
{
    bool has_ended = (request->head.flags & SHMRPCI_HEAD_ENDED) != 0;
    bool is_cancelled =
        !has_ended && shmrpci_load_relaxed(&call->is_cancelled) != 0;
    size_t len = is_cancelled || has_ended || request->out.status != SHMRPC_OK
                     ? 0
                     : request->out.len;
    tcp_head head = {.type = TCP_REPLY,
                     .len = (uint32_t)len,
                     .call = call->id,
                     .status = request->head.status};
    if (is_cancelled) {
        head.type = TCP_ENDED;
        head.status = SHMRPC_E_CANCELLED;
    } else if (has_ended) {
        bool not_run = head.status == SHMRPC_E_UNAVAILABLE;
        head.type = TCP_ENDED;
        head.flags = not_run ? TCP_FLAG_NOT_RUN : 0;
        head.status = not_run ? SHMRPC_E_CANCELLED : head.status;
    } else if (request->out.status != SHMRPC_OK) {
        head.status = (int32_t)request->out.status;
    } else if ((request->head.flags & SHMRPCI_HEAD_DETAIL) != 0) {
        head.flags = TCP_FLAG_DETAIL;
    }
    if (call->reply == NULL) {
        call->reply = malloc(TCP_HEAD_BYTES);
    }
    if (call->reply == NULL) {
        return false;
    }
    size_t packed =
        len > 0 ? tcp_pack(call->conn->compression,
                           call->reply + TCP_HEAD_BYTES, len, &call->packed)
                : 0;
    uint8_t *bytes = packed > 0 ? call->packed.data : call->reply;
    if (packed > 0) {
        head.flags |= TCP_FLAG_PACKED;
        head.len = (uint32_t)packed;
    }
    tcp_head_put(&head, bytes);
    call->piece = (tcp_piece){
        .data = bytes, .len = TCP_HEAD_BYTES + head.len, .on_sent = on_sent};
    return true;
}

/* What a relay commits next it knows; other handlers are as quick as the last
 * one was, mostly. */
static tcp_company company_of(const tcp_listener *listener,
                              const shmrpci_request *request)
{
    if (tcp_listener_is_relay(listener)) {
        return (request->head.flags & SHMRPCI_HEAD_MORE) != 0 ? TCP_COMES_SURELY
                                                              : TCP_COMES_NONE;
    }
    return shmrpci_now_ns() - request->received_ns <= TCP_HOLD_NS / 8
               ? TCP_COMES_QUEUED
               : TCP_COMES_NONE;
}

static void send_reply(tcp_conn *conn, tcp_piece *piece, tcp_company company)
{
    size_t bytes = piece->len; /* it may be gone when it was added */
    uint32_t waiting = tcp_outbox_add(&conn->outbox, piece);
    if (tcp_conn_hold(conn, bytes, waiting, company)) {
        return;
    }
    tcp_conn_flush(conn);
    if (tcp_listener_is_relay(conn->listener) && company == TCP_COMES_NONE) {
        tcp_conn_release_held(conn->listener);
    }
}

void tcp_worker_reply_commit(shmrpci_request *request)
{
    tcp_call *call = call_of(request);
    tcp_conn *conn = call->conn;
    tcp_listener *listener = conn->listener;
    bool filled = fill_reply(call, request);
    shmrpci_mutex_lock(&listener->lock);
    tcp_call_unclaim(call);
    tcp_call_end(call);
    conn->refs++; /* the call's goes when it is sent */
    size_t kept = call->reply_cap + call->packed.cap;
    conn->held_bytes += kept;
    call->held_bytes += kept;
    conn->unsent_bytes += kept;
    call->unsent_bytes = kept;
    if (filled && call->piece.data == call->packed.data) {
        tcp_listener_count(&listener->counts.replies, request->out.len,
                           call->piece.len - TCP_HEAD_BYTES);
    }
    if (!filled) {
        tcp_call_free(call);
    }
    shmrpci_mutex_unlock(&listener->lock);
    if (filled) {
        send_reply(conn, &call->piece, company_of(listener, request));
    } else {
        tcp_conn_end(conn, TCP_END_MEMORY);
    }
    tcp_conn_unref(conn);
}

/* ---- oneway calls ---------------------------------------------------- */

static void on_credit_sent(tcp_piece *piece);

/* With the lock held: readies the note that gives credits back; false: not
 * now. */
static bool ready_credit(tcp_conn *conn)
{
    uint32_t enough = conn->listener->limits.credits / 4;
    if (conn->owed == 0 || conn->credit_is_out ||
        conn->state != TCP_CONN_OPEN ||
        (conn->owed < enough && conn->in_flight > 0)) {
        return false;
    }
    tcp_head head = {.type = TCP_CREDIT, .status = (int32_t)conn->owed};
    tcp_head_put(&head, conn->credit_note.bytes);
    conn->credit_note.piece = (tcp_piece){.data = conn->credit_note.bytes,
                                          .len = TCP_HEAD_BYTES,
                                          .on_sent = on_credit_sent};
    conn->owed = 0;
    conn->credit_is_out = true;
    conn->refs++;
    return true;
}

/* Whoever flushes sends the next one too. */
static void on_credit_sent(tcp_piece *piece)
{
    tcp_conn *conn =
        (tcp_conn *)(void *)((char *)piece -
                             offsetof(tcp_conn, credit_note.piece));
    tcp_listener *listener = conn->listener;
    shmrpci_mutex_lock(&listener->lock);
    conn->credit_is_out = false;
    bool again = ready_credit(conn);
    shmrpci_mutex_unlock(&listener->lock);
    if (again) {
        (void)tcp_outbox_add(&conn->outbox, &conn->credit_note.piece);
    }
    tcp_conn_unref(conn);
}

void tcp_worker_drop(shmrpci_request *request)
{
    tcp_call *call = call_of(request);
    tcp_conn *conn = call->conn;
    tcp_listener *listener = conn->listener;
    shmrpci_mutex_lock(&listener->lock);
    conn->refs++;
    tcp_call_unclaim(call);
    tcp_call_end(call);
    tcp_call_free(call);
    conn->owed++;
    bool pay = ready_credit(conn);
    shmrpci_mutex_unlock(&listener->lock);
    if (pay) {
        (void)tcp_outbox_add(&conn->outbox, &conn->credit_note.piece);
        tcp_conn_flush(conn);
    }
    tcp_conn_unref(conn);
}

bool tcp_worker_is_cancelled(const shmrpci_request *request)
{
    return shmrpci_load_relaxed(&call_of(request)->is_cancelled) != 0;
}

/* ---- dead workers ---------------------------------------------------- */

/* With the lock held: ends a call that worker `index` held; its connection,
 * with a reference, is to be told. NULL: it holds no more. */
static tcp_conn *end_one(tcp_listener *listener, uint32_t index, tcp_head *head)
{
    tcp_call *call = listener->claimed;
    while (call != NULL && call->owner != index) {
        call = call->next;
    }
    if (call == NULL) {
        listener->participants[index].is_taken = false;
        return NULL;
    }
    tcp_conn *conn = call->conn;
    bool oneway = (call->head.flags & SHMRPCI_HEAD_ONEWAY) != 0;
    *head = (tcp_head){.type = oneway ? TCP_CREDIT : TCP_ENDED,
                       .call = oneway ? 0 : call->id,
                       .status = oneway ? 1 : SHMRPC_E_WORKER_DIED};
    conn->refs++;
    tcp_call_unclaim(call);
    tcp_call_end(call);
    tcp_call_free(call);
    return conn;
}

void tcp_worker_recover(shmrpci_listener *base, uint32_t index)
{
    tcp_listener *listener = (tcp_listener *)(void *)base;
    tcp_conn *conn = NULL;
    if (index >= listener->opts.max_workers) {
        return;
    }
    do {
        tcp_head head;
        shmrpci_mutex_lock(&listener->lock);
        conn = end_one(listener, index, &head);
        shmrpci_mutex_unlock(&listener->lock);
        if (conn != NULL) {
            tcp_conn_note(conn, &head);
            tcp_conn_unref(conn);
        }
    } while (conn != NULL);
}
