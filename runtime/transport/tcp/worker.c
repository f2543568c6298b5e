/* Workers: they wait for a request and answer it. */
#include "transport/tcp/server.h"

#include <stdlib.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/poll.h"

/* Maximum number of events that a relay's worker receives at once and handles
 * before it takes calls. A service's worker receives one event at a time. */
#define RELAY_EVENTS 16

/* Maximum number of replies that one system call sends. */
#define GROUP_REPLIES SHMRPCI_PARTS_MAX

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
                                "worker %u is beyond the limit (at most %u)",
                                index, listener->opts.max_workers);
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

static void fill_request(shmrpci_request *request, tcp_call *call,
                         int64_t now_ns)
{
    bool has_streams = (call->head.flags & SHMRPCI_HEAD_STREAMS) != 0;
    size_t skipped = has_streams ? TCP_WINDOWS_BYTES : 0;
    request->head = call->head;
    /* If the body is empty this must stay NULL: adding even 0 to a null pointer
     * is undefined. */
    request->in = has_streams ? call->request + skipped : call->request;
    request->in_len = call->request_len - skipped;
    request->in_shared = false;
    request->received_ns = now_ns;
    request->deadline_ns = call->deadline_ns;
    shmrpci_request_began(request, call->head.ticks);
    request->peer = &call->conn->peer;
    request->epoch = call->conn->epoch;
    SHMRPCI_ASSERT(call->state == TCP_CALL_CLAIMED, "only a claimed call runs");
    request->data.pointers[0] = call;
}

/* Called with the lock held, and releases it if there is a call. Takes the next
 * call, and wakes another thread if there is more to do. */
static tcp_call *claim(tcp_participant *participant)
{
    tcp_listener *listener = participant->listener;
    tcp_call *call = tcp_call_pop(listener);
    if (call == NULL) {
        return NULL;
    }
    tcp_call_claim(call, participant->index);
    bool more = listener->line_first != NULL && listener->idle > 0 &&
                !tcp_listener_is_relay(listener);
    /* If no worker is idle, only the listener's thread can read the sockets
     * now. */
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

/* Called with the lock held, and releases it. */
static void wait_for_event(tcp_listener *listener)
{
    uint64_t tags[RELAY_EVENTS];
    size_t room = tcp_listener_is_relay(listener) ? RELAY_EVENTS : 1;
    listener->idle++;
    shmrpci_mutex_unlock(&listener->lock);
    size_t count = shmrpci_poll_wait_edges(listener->edge_set, tags, room,
                                           SHMRPCI_NEVER_NS);
    shmrpci_mutex_lock(&listener->lock);
    SHMRPCI_ASSERT(listener->idle > 0,
                   "a thread that wakes was counted as idle");
    listener->idle--;
    listener->looks++;
    shmrpci_mutex_unlock(&listener->lock);
    for (size_t i = 0; i < count; i++) {
        if ((tags[i] & ~SHMRPCI_POLL_HUNG_UP) != TCP_TAG_BELL) {
            tcp_conn_event(listener, tags[i]);
        }
    }
}

static void tell_end(const shmrpci_participant *base, shmrpci_farewell *f)
{
    if (base->on_end != NULL) {
        base->on_end(base->end_user, f->connection);
    }
    free(f);
}

int tcp_worker_next(shmrpci_participant *base, shmrpci_request *request)
{
    tcp_participant *participant = (tcp_participant *)(void *)base;
    tcp_listener *listener = participant->listener;
    for (;;) {
        shmrpci_mutex_lock(&listener->lock);
        /* Acquire: pairs with the release in stop. */
        if (shmrpci_load_acquire(&listener->stopping) != 0) {
            shmrpci_mutex_unlock(&listener->lock);
            /* The bell wakes one worker; each woken worker wakes the next
             * one. */
            shmrpci_event_set(listener->bell_fd);
            return SHMRPC_E_CANCELLED;
        }
        bool has_held = listener->line_first == NULL && listener->held != NULL;
        if (has_held) { /* no call is queued, so the held replies need not wait
                         * for another reply */
            shmrpci_mutex_unlock(&listener->lock);
            tcp_conn_release_held(listener);
            continue;
        }
        if (listener->farewells != NULL) {
            shmrpci_farewell *f = shmrpci_farewell_pop(&listener->farewells);
            shmrpci_mutex_unlock(&listener->lock);
            tell_end(base, f);
            continue;
        }
        tcp_call *call = claim(participant);
        if (call != NULL) {
            request->participant = base;
            fill_request(request, call, shmrpci_now_ns());
            return SHMRPC_OK;
        }
        wait_for_event(listener);
    }
}

size_t tcp_worker_next_more(shmrpci_participant *base,
                            shmrpci_request *const *requests, size_t count)
{
    tcp_participant *participant = (tcp_participant *)(void *)base;
    tcp_listener *listener = participant->listener;
    size_t got = 0;
    tcp_call *call;
    shmrpci_mutex_lock(&listener->lock);
    while (got < count && (call = tcp_call_pop(listener)) != NULL) {
        tcp_call_claim(call, participant->index);
        requests[got++]->data.pointers[0] = call;
    }
    shmrpci_mutex_unlock(&listener->lock);
    int64_t now_ns = got > 0 ? shmrpci_now_ns() : 0;
    for (size_t i = 0; i < got; i++) {
        requests[i]->participant = base;
        fill_request(requests[i], call_of(requests[i]), now_ns);
    }
    return got;
}

/* ---- answering ------------------------------------------------------- */

static shmrpc_status grow(shmrpci_buf *buf, size_t cap)
{
    tcp_call *call = buf->owner;
    if (cap > call->conn->max_message_bytes) {
        return SHMRPC_E_TOO_LARGE;
    }
    if (cap > TCP_KEEP_BYTES) { /* makes room before the memory is allocated */
        tcp_listener *listener = call->conn->listener;
        tcp_budget_make_room(listener, cap);
        shmrpci_mutex_lock(&listener->lock);
        tcp_budget_take_reply(call, cap);
        shmrpci_mutex_unlock(&listener->lock);
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
        (void)grow(&request->out, size_hint); /* a failed hint is no error: the
                                               * buffer grows later */
    }
}

static tcp_call *call_with(tcp_piece *piece)
{
    return (tcp_call *)(void *)((char *)piece - offsetof(tcp_call, piece));
}

static void on_sent(tcp_piece *first)
{
    tcp_listener *listener = call_with(first)->conn->listener;
    shmrpci_mutex_lock(&listener->lock);
    while (first != NULL) {
        tcp_call *call = call_with(first);
        first = first->next;
        tcp_call_free(call);
    }
    shmrpci_mutex_unlock(&listener->lock);
}

static uint8_t reply_flags(uint32_t flags)
{
    unsigned out = 0;
    out |= (flags & SHMRPCI_HEAD_DETAIL) != 0 ? TCP_FLAG_DETAIL : 0u;
    out |= (flags & SHMRPCI_HEAD_METADATA) != 0 ? TCP_FLAG_METADATA : 0u;
    return (uint8_t)out;
}

/* Fills in the reply's piece. Returns false if memory is exhausted. */
static bool fill_reply(tcp_call *call, shmrpci_request *request)
{
    bool has_ended = (request->head.flags & SHMRPCI_HEAD_ENDED) != 0;
    bool is_cancelled =
        !has_ended && shmrpci_load_relaxed(&call->is_cancelled) != 0;
    request->was_given_up = is_cancelled;
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
    } else {
        head.flags = reply_flags(request->head.flags);
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

/* Called with the lock held and a reference to the connection. Ends the call;
 * if its reply could be filled in, it will be sent. */
static void end_call(tcp_call *call, const shmrpci_request *request,
                     bool filled)
{
    tcp_conn *conn = call->conn;
    tcp_call_unclaim(call);
    tcp_call_end(call);
    tcp_budget_end_request(call);
    tcp_budget_take_reply(call, call->reply_cap + call->packed.cap);
    if (filled && call->piece.data == call->packed.data) {
        tcp_listener *listener = conn->listener;
        shmrpci_stats_gauges *gauges = listener->opts.gauges;
        tcp_listener_count(&listener->counts.replies,
                           gauges != NULL ? &gauges->packed_replies : NULL,
                           request->out.len, call->piece.len - TCP_HEAD_BYTES);
    }
    if (!filled) {
        tcp_call_free(call);
    }
}

/* A handler usually takes about as long as the last one did. If that was quick,
 * it pays to wait for the replies of queued calls. */
static void send_reply(tcp_conn *conn, tcp_piece *piece, shmrpci_stream *stream,
                       bool may_wait)
{
    size_t bytes = piece->len; /* read now, because the piece may be freed once
                                * it is added */
    uint32_t waiting = stream != NULL
                           ? tcp_lane_add(&conn->outbox, stream->lane, piece)
                           : tcp_outbox_add(&conn->outbox, piece);
    if (!may_wait || !tcp_conn_hold(conn, bytes, waiting)) {
        tcp_conn_flush(conn);
    }
}

void tcp_worker_reply_commit(shmrpci_request *request)
{
    tcp_call *call = call_of(request);
    tcp_conn *conn = call->conn;
    tcp_listener *listener = conn->listener;
    bool filled = fill_reply(call, request);
    shmrpci_mutex_lock(&listener->lock);
    conn->refs++; /* dropped when the reply was sent */
    shmrpci_stream *stream = tcp_call_hold_streams(call);
    end_call(call, request, filled);
    shmrpci_mutex_unlock(&listener->lock);
    if (filled) {
        send_reply(conn, &call->piece, stream,
                   shmrpci_now_ns() - request->received_ns <= TCP_HOLD_NS / 8);
        tcp_budget_make_room(listener, 0);
    } else {
        tcp_conn_end(conn, TCP_END_MEMORY);
    }
    tcp_call_let_streams_go(stream);
    tcp_conn_unref(conn);
}

/* ---- several replies at a time --------------------------------------- */

/* Consecutive replies for one connection. */
typedef struct reply_group {
    tcp_conn *conn;
    tcp_piece *first; /* NULL: no reply could be filled */
    tcp_piece *last;
    bool has_failed;
} reply_group;

static void add_to_group(reply_group *group, tcp_call *call, bool filled)
{
    group->has_failed = group->has_failed || !filled;
    if (!filled) {
        return;
    }
    if (group->first == NULL) {
        group->first = &call->piece;
    } else {
        group->last->next = &call->piece;
    }
    group->last = &call->piece;
}

/* Ends up to GROUP_REPLIES calls. Returns the number of groups that their
 * replies make; each group has a reference to its connection. */
static size_t end_calls(shmrpci_request *const *requests, size_t count,
                        reply_group groups[GROUP_REPLIES])
{
    tcp_listener *listener = call_of(requests[0])->conn->listener;
    bool filled[GROUP_REPLIES];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        filled[i] = fill_reply(call_of(requests[i]), requests[i]);
    }
    shmrpci_mutex_lock(&listener->lock);
    for (size_t i = 0; i < count; i++) {
        tcp_call *call = call_of(requests[i]);
        if (used == 0 || groups[used - 1].conn != call->conn) {
            groups[used++] = (reply_group){.conn = call->conn};
            call->conn->refs++;
        }
        add_to_group(&groups[used - 1], call, filled[i]);
        end_call(call, requests[i], filled[i]);
    }
    shmrpci_mutex_unlock(&listener->lock);
    return used;
}

void tcp_worker_reply_commit_all(shmrpci_request *const *requests, size_t count)
{
    tcp_listener *listener = call_of(requests[0])->conn->listener;
    reply_group groups[GROUP_REPLIES];
    for (size_t at = 0; at < count; at += GROUP_REPLIES) {
        size_t left = count - at;
        size_t used = end_calls(
            requests + at, left < GROUP_REPLIES ? left : GROUP_REPLIES, groups);
        for (size_t i = 0; i < used; i++) {
            if (groups[i].first != NULL) {
                (void)tcp_outbox_add(&groups[i].conn->outbox, groups[i].first);
            }
        }
        for (size_t i = 0; i < used; i++) {
            if (groups[i].has_failed) {
                tcp_conn_end(groups[i].conn, TCP_END_MEMORY);
            } else {
                tcp_conn_flush(groups[i].conn);
            }
        }
        tcp_budget_make_room(listener, 0);
        shmrpci_mutex_lock(&listener->lock);
        for (size_t i = 0; i < used; i++) {
            tcp_conn_unref_locked(groups[i].conn);
        }
        shmrpci_mutex_unlock(&listener->lock);
    }
}

/* ---- oneway calls ---------------------------------------------------- */

static void on_credit_sent(tcp_piece *first);

/* Called with the lock held. Prepares the note that returns credits. Returns
 * false if none is to be sent now. */
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

/* Makes the note available again and, if more credits are due, queues it with
 * these; the thread that is flushing sends it. */
static void on_credit_sent(tcp_piece *first)
{
    /* A connection has at most one credit note in the outbox. */
    tcp_conn *conn =
        (tcp_conn *)(void *)((char *)first -
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

bool tcp_worker_is_draining(const shmrpci_request *request)
{
    const tcp_call *call = request->data.pointers[0];
    return shmrpci_load_acquire(&call->conn->listener->stopping) != 0;
}

bool tcp_worker_is_cancelled(const shmrpci_request *request)
{
    return shmrpci_load_relaxed(&call_of(request)->is_cancelled) != 0;
}

uint64_t tcp_worker_connection(const shmrpci_request *request)
{
    return call_of(request)->conn->tag;
}

/* A detached call can keep its request, because each call has a state of its
 * own. Only its place for streams is given back. */
int tcp_worker_detach(shmrpci_request *request, shmrpci_request *out)
{
    tcp_call *call = call_of(request);
    tcp_listener *listener = call->conn->listener;
    shmrpci_mutex_lock(&listener->lock);
    listener->streaming -= call->has_place ? 1u : 0u;
    call->has_place = false;
    shmrpci_mutex_unlock(&listener->lock);
    *out = *request;
    return SHMRPC_OK;
}

void tcp_worker_detached_end(shmrpci_request *request)
{
    (void)request;
}

int tcp_worker_watch(const shmrpci_request *request, shmrpc_error *error)
{
    tcp_conn *conn = call_of(request)->conn;
    if (shmrpci_load_relaxed(&conn->is_watched) != 0) {
        return SHMRPC_OK;
    }
    shmrpci_mutex_lock(&conn->listener->lock);
    if (conn->farewell == NULL) {
        conn->farewell = shmrpci_farewell_new(conn->tag, error);
    }
    bool is_made = conn->farewell != NULL;
    shmrpci_store_relaxed(&conn->is_watched, is_made ? 1u : 0u);
    shmrpci_mutex_unlock(&conn->listener->lock);
    return is_made ? SHMRPC_OK : SHMRPC_E_NO_MEMORY;
}

size_t tcp_worker_hello(const shmrpci_request *request,
                        uint8_t out[SHMRPCI_HELLO_MAX_BYTES])
{
    const tcp_conn *conn = call_of(request)->conn;
    if (conn->hello_len > 0) {
        memcpy(out, conn->hello, conn->hello_len);
    }
    return conn->hello_len;
}

/* ---- dead workers ---------------------------------------------------- */

/* Called with the lock held. Ends one call that worker `index` held. Returns
 * its connection, with a reference: the client must be told. Returns NULL if
 * the worker holds no more calls. */
static tcp_conn *end_one(tcp_listener *listener, uint32_t index, tcp_head *head,
                         shmrpci_stream **out_stream)
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
    *out_stream = tcp_call_hold_streams(call);
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
        shmrpci_stream *stream = NULL;
        shmrpci_mutex_lock(&listener->lock);
        conn = end_one(listener, index, &head, &stream);
        shmrpci_mutex_unlock(&listener->lock);
        if (conn != NULL) {
            tcp_conn_note_behind(conn, &head, stream);
            tcp_call_let_streams_go(stream);
            tcp_conn_unref(conn);
        }
    } while (conn != NULL);
}
