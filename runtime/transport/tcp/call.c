/* Calls on the server's side: queueing, claiming, cancelling, and their
 * memory. */
#include "transport/tcp/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/poll.h"

/* How much of a connection's queue is served before other connections have
 * their turn. */
#define TURN_CALLS 16u
#define TURN_BYTES ((size_t)64 << 10)

static bool is_oneway(const tcp_call *call)
{
    return (call->head.flags & SHMRPCI_HEAD_ONEWAY) != 0;
}

/* ---- memory ---------------------------------------------------------- */

/* Called with the lock held. */
static tcp_call *get_free(tcp_listener *listener)
{
    tcp_call *call = listener->free_calls;
    if (call != NULL) {
        listener->free_calls = call->next;
        listener->free_call_count--;
    }
    return call;
}

/* Called by the reader. Returns a free call for a request. When it has to lock,
 * it also takes free calls for later requests. Returns NULL if memory is
 * exhausted. */
static tcp_call *get_call(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    if (conn->stock == NULL) {
        uint32_t count = 0;
        tcp_call *call;
        shmrpci_mutex_lock(&listener->lock);
        while (count++ <= conn->arrived_count &&
               (call = get_free(listener)) != NULL) {
            call->next = conn->stock;
            conn->stock = call;
        }
        shmrpci_mutex_unlock(&listener->lock);
    }
    tcp_call *call = conn->stock;
    if (call == NULL) {
        return calloc(1, sizeof *call);
    }
    conn->stock = call->next;
    return call;
}

void tcp_call_forget_request(tcp_call *call)
{
    free(call->request);
    call->request = NULL;
    call->request_cap = 0;
}

void tcp_call_forget_reply(tcp_call *call)
{
    free(call->reply);
    call->reply = NULL;
    call->reply_cap = 0;
    free(call->packed.data);
    call->packed = (tcp_pack_room){.data = NULL};
}

static void destroy(tcp_call *call)
{
    tcp_call_end_streams(call);
    tcp_call_forget_request(call);
    tcp_call_forget_reply(call);
    free(call);
}

/* Called with the lock held. Keeps a call for reuse, unless there are too
 * many. */
static void keep(tcp_listener *listener, tcp_call *call)
{
    tcp_call_end_streams(call);
    size_t bytes = call->request_cap + call->reply_cap + call->packed.cap;
    bool is_large = call->request_cap > TCP_KEEP_BYTES ||
                    call->reply_cap > TCP_KEEP_BYTES ||
                    call->packed.cap > TCP_KEEP_BYTES;
    if (is_large || listener->free_call_count >= TCP_KEEP_CALLS ||
        !tcp_budget_spare(listener, call, bytes)) {
        (void)tcp_budget_spare(listener, call, 0);
        destroy(call);
    } else {
        call->next = listener->free_calls;
        listener->free_calls = call;
        listener->free_call_count++;
    }
}

void tcp_call_free(tcp_call *call)
{
    tcp_conn *conn = call->conn;
    tcp_listener *listener = conn->listener;
    tcp_budget_give_back(call);
    listener->counts.calls--;
    keep(listener, call);
    tcp_conn_unref_locked(conn);
}

static bool make_room(tcp_call *call, size_t len)
{
    call->request_len = len;
    if (len <= call->request_cap) {
        return true;
    }
    uint8_t *request = realloc(call->request, len);
    if (request == NULL) {
        return false;
    }
    call->request = request;
    call->request_cap = len;
    return true;
}

/* Takes the body of a request over, without a copy if possible. */
static tcp_end keep_request(tcp_call *call, tcp_body *body)
{
    if (body->heap != NULL) {
        free(call->request);
        call->request = body->heap;
        call->request_len = body->len;
        call->request_cap = body->heap_cap;
        body->heap = NULL;
        return TCP_END_NONE;
    }
    if (!make_room(call, body->len)) {
        return TCP_END_MEMORY;
    }
    if (body->len > 0) {
        memcpy(call->request, body->data, body->len);
    }
    return TCP_END_NONE;
}

static tcp_end unpack_request(tcp_call *call, const tcp_conn *conn,
                              const tcp_body *body)
{
    size_t len;
    tcp_end end = tcp_unpack_length(conn->compression, body->data, body->len,
                                    conn->max_message_bytes, &len);
    if (end != TCP_END_NONE) {
        return end;
    }
    return make_room(call, len) ? tcp_unpack(conn->compression, body->data,
                                             body->len, call->request, len)
                                : TCP_END_MEMORY;
}

/* ---- the queue ------------------------------------------------------- */

static void push(tcp_call_list *list, tcp_call *call)
{
    SHMRPCI_ASSERT((list->first == NULL) == (list->last == NULL),
                   "a list has both ends or none");
    call->next = NULL;
    call->previous = list->last;
    if (list->first == NULL) {
        list->first = call;
    } else {
        list->last->next = call;
    }
    list->last = call;
}

static void take_out(tcp_call_list *list, tcp_call *call)
{
    SHMRPCI_ASSERT(call->previous == NULL ? list->first == call
                                          : call->previous->next == call,
                   "a call that is removed is in the list");
    SHMRPCI_ASSERT(call->next == NULL ? list->last == call
                                      : call->next->previous == call,
                   "a call that is removed is in the list");
    if (call->previous == NULL) {
        list->first = call->next;
    } else {
        call->previous->next = call->next;
    }
    if (call->next == NULL) {
        list->last = call->previous;
    } else {
        call->next->previous = call->previous;
    }
}

/* Puts a connection with queued calls into the listener's line. Connections
 * take turns, so that a connection with many calls delays the others by only a
 * few calls. */
void tcp_call_line_up(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    if (conn->is_lined_up || conn->queued.first == NULL) {
        return;
    }
    conn->is_lined_up = true;
    conn->turn_calls = 0;
    conn->turn_bytes = 0;
    conn->next_lined_up = NULL;
    conn->previous_lined_up = listener->line_last;
    if (listener->line_first == NULL) {
        listener->line_first = conn;
    } else {
        listener->line_last->next_lined_up = conn;
    }
    listener->line_last = conn;
}

static void leave_line(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    if (!conn->is_lined_up) {
        return;
    }
    conn->is_lined_up = false;
    if (conn->previous_lined_up == NULL) {
        listener->line_first = conn->next_lined_up;
    } else {
        conn->previous_lined_up->next_lined_up = conn->next_lined_up;
    }
    if (conn->next_lined_up == NULL) {
        listener->line_last = conn->previous_lined_up;
    } else {
        conn->next_lined_up->previous_lined_up = conn->previous_lined_up;
    }
}

static void remove_from_queue(tcp_call *call)
{
    tcp_conn *conn = call->conn;
    take_out(&conn->queued, call);
    if (conn->queued.first == NULL) {
        leave_line(conn);
    }
}

tcp_call *tcp_call_pop(tcp_listener *listener)
{
    tcp_conn *conn = listener->line_first;
    while (conn != NULL && conn->state == TCP_CONN_OPEN &&
           tcp_budget_is_full(conn)) {
        leave_line(conn);
        conn = listener->line_first;
    }
    if (conn == NULL) {
        return NULL;
    }
    tcp_call *call = conn->queued.first;
    remove_from_queue(call);
    conn->turn_calls++;
    conn->turn_bytes += call->request_len;
    if (conn->is_lined_up &&
        (conn->turn_calls >= TURN_CALLS || conn->turn_bytes >= TURN_BYTES)) {
        leave_line(conn);
        tcp_call_line_up(conn);
    }
    return call;
}

void tcp_call_claim(tcp_call *call, uint32_t owner)
{
    tcp_listener *listener = call->conn->listener;
    SHMRPCI_ASSERT(call->state == TCP_CALL_QUEUED, "a call is claimed once");
    call->state = TCP_CALL_CLAIMED;
    call->owner = owner;
    call->next = listener->claimed;
    call->previous = NULL;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    listener->claimed = call;
    listener->claims++;
}

void tcp_call_unclaim(tcp_call *call)
{
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        call->conn->listener->claimed = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
}

/* ---- from request to end ------------------------------------------------- */

static tcp_call *find(const tcp_conn *conn, uint32_t id)
{
    tcp_call *call = conn->calls[id % TCP_CALL_LISTS];
    while (call != NULL && call->id != id) {
        call = call->next_of_conn;
    }
    return call;
}

static void fill(tcp_call *call, tcp_conn *conn, const tcp_head *head)
{
    int64_t timeout_ns =
        head->value < INT64_MAX ? (int64_t)head->value : INT64_MAX;
    uint32_t flags = (head->flags & TCP_FLAG_ONEWAY) != 0
                         ? (uint32_t)SHMRPCI_HEAD_ONEWAY
                         : 0;
    flags |= (head->flags & TCP_FLAG_NUMBERED) != 0
                 ? (uint32_t)SHMRPCI_HEAD_NUMBERED
                 : 0;
    flags |= (head->flags & TCP_FLAG_METADATA) != 0
                 ? (uint32_t)SHMRPCI_HEAD_METADATA
                 : 0;
    flags |= (head->flags & TCP_FLAG_STREAMS) != 0
                 ? (uint32_t)SHMRPCI_HEAD_STREAMS
                 : 0;
    call->conn = conn;
    call->id = head->call;
    call->state = TCP_CALL_QUEUED;
    call->head = (shmrpci_head){.method = head->method,
                                .flags = flags,
                                .timeout_ns = timeout_ns,
                                .ticks = shmrpci_ticks()};
    call->deadline_ns = timeout_ns < SHMRPCI_NEVER_NS - conn->arrived_ns
                            ? conn->arrived_ns + timeout_ns
                            : SHMRPCI_NEVER_NS;
    call->taken_until_ns =
        (head->flags & TCP_FLAG_STREAMS) != 0
            ? conn->arrived_ns + conn->listener->limits.stream_wait_ns
            : SHMRPCI_NEVER_NS;
    shmrpci_store_relaxed(&call->is_cancelled, 0u);
}

/* Called with the lock held. */
static tcp_end enqueue(tcp_conn *conn, tcp_call *call)
{
    tcp_listener *listener = conn->listener;
    if (conn->in_flight == listener->limits.credits ||
        find(conn, call->id) != NULL) {
        return TCP_END_CREDIT;
    }
    call->next_of_conn = conn->calls[call->id % TCP_CALL_LISTS];
    conn->calls[call->id % TCP_CALL_LISTS] = call;
    conn->in_flight++;
    conn->refs++;
    tcp_budget_take_request(call);
    listener->counts.calls++;
    push(&conn->queued, call);
    tcp_call_line_up(conn);
    if (call->taken_until_ns != SHMRPCI_NEVER_NS) {
        tcp_listener_watch(listener);
    }
    return TCP_END_NONE;
}

tcp_end tcp_call_begin(tcp_conn *conn, const tcp_head *head, tcp_body *body)
{
    tcp_listener *listener = conn->listener;
    tcp_call *call = get_call(conn);
    if (call == NULL) {
        return TCP_END_MEMORY;
    }
    bool is_packed = (head->flags & TCP_FLAG_PACKED) != 0;
    tcp_end end =
        is_packed ? unpack_request(call, conn, body) : keep_request(call, body);
    fill(call, conn, head);
    if (end == TCP_END_NONE && (head->flags & TCP_FLAG_STREAMS) != 0) {
        end = tcp_call_begin_streams(call);
    }
    if (end != TCP_END_NONE) {
        shmrpci_mutex_lock(&listener->lock);
        (void)tcp_budget_spare(listener, call, 0);
        shmrpci_mutex_unlock(&listener->lock);
        destroy(call);
        return end;
    }
    if (is_packed) {
        shmrpci_stats_gauges *gauges = listener->opts.gauges;
        shmrpci_mutex_lock(&listener->lock);
        tcp_listener_count(&listener->counts.requests,
                           gauges != NULL ? &gauges->packed_requests : NULL,
                           call->request_len, head->len);
        shmrpci_mutex_unlock(&listener->lock);
    }
    call->next = NULL;
    *conn->arrived_end = call;
    conn->arrived_end = &call->next;
    conn->arrived_count++;
    return TCP_END_NONE;
}

tcp_end tcp_call_arrive(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    tcp_end end = TCP_END_NONE;
    tcp_call *call = conn->arrived;
    if (call == NULL && conn->stock == NULL) {
        return TCP_END_NONE;
    }
    conn->arrived = NULL;
    conn->arrived_end = &conn->arrived;
    conn->arrived_count = 0;
    shmrpci_mutex_lock(&listener->lock);
    while (call != NULL) {
        tcp_call *next = call->next;
        end = end != TCP_END_NONE            ? end
              : conn->state != TCP_CONN_OPEN ? TCP_END_CLOSED
                                             : enqueue(conn, call);
        if (end != TCP_END_NONE) {
            keep(listener, call);
        }
        call = next;
    }
    while (conn->stock != NULL) {
        call = conn->stock;
        conn->stock = call->next;
        keep(listener, call);
    }
    shmrpci_mutex_unlock(&listener->lock);
    return end;
}

void tcp_call_end(tcp_call *call)
{
    tcp_conn *conn = call->conn;
    tcp_call **at = &conn->calls[call->id % TCP_CALL_LISTS];
    while (*at != call) {
        SHMRPCI_ASSERT(*at != NULL, "a call is in its connection's list");
        at = &(*at)->next_of_conn;
    }
    SHMRPCI_ASSERT(conn->in_flight > 0 && call->state != TCP_CALL_ENDED,
                   "a call ends once");
    *at = call->next_of_conn;
    conn->in_flight--;
    call->state = TCP_CALL_ENDED;
    conn->listener->streaming -= call->has_place ? 1u : 0u;
    call->has_place = false;
    tcp_call_end_streams(call);
}

/* Called with the lock held. Tells the worker that runs the call that its
 * client no longer waits. */
static void tell(tcp_call *call)
{
    const shmrpci_listen_opts *opts = &call->conn->listener->opts;
    /* Relaxed: no other data depends on it. A relay is woken below. */
    shmrpci_store_relaxed(&call->is_cancelled, 1u);
    tcp_call_stop_streams(call);
    if (opts->on_cancel != NULL) {
        opts->on_cancel(opts->user);
    }
}

tcp_end tcp_call_cancel(tcp_conn *conn, uint32_t id)
{
    tcp_listener *listener = conn->listener;
    tcp_head head = {.call = id};
    tcp_end end = tcp_call_arrive(conn); /* queues the received requests, which
                                          * may include the cancelled call */
    if (end != TCP_END_NONE) {
        return end;
    }
    shmrpci_mutex_lock(&listener->lock);
    tcp_call *call = find(conn, id);
    if (call != NULL && !is_oneway(call) &&
        shmrpci_load_relaxed(&call->is_cancelled) == 0) {
        if (call->state == TCP_CALL_QUEUED) {
            remove_from_queue(call);
            tcp_call_end(call);
            tcp_call_free(call);
            head.type = TCP_ENDED;
            head.flags = TCP_FLAG_NOT_RUN;
            head.status = SHMRPC_E_CANCELLED;
        } else {
            tell(call);
            head.type = tcp_listener_is_relay(listener) ? 0 : TCP_TOLD;
        }
    }
    shmrpci_mutex_unlock(&listener->lock);
    /* An unknown call has been answered already, so CANCEL gets no answer. */
    if (head.type != 0) {
        tcp_conn_note(conn, &head);
    }
    return TCP_END_NONE;
}

/* Called with the lock held. Ends one call that no worker has taken in time.
 * Returns false if there is none; `*next_ns` is then the time at which the next
 * call is due. */
static bool end_late(tcp_conn *conn, int64_t now_ns, uint32_t *id,
                     int64_t *next_ns)
{
    tcp_call *call = conn->queued.first;
    *next_ns = SHMRPCI_NEVER_NS;
    while (call != NULL && call->taken_until_ns > now_ns) {
        *next_ns =
            call->taken_until_ns < *next_ns ? call->taken_until_ns : *next_ns;
        call = call->next;
    }
    if (call == NULL) {
        return false;
    }
    *id = call->id;
    remove_from_queue(call);
    tcp_call_end(call);
    tcp_call_free(call);
    return true;
}

int64_t tcp_call_patrol(tcp_conn *conn, int64_t now_ns)
{
    tcp_head head = {.type = TCP_REPLY, .status = SHMRPC_E_DEADLINE};
    for (;;) {
        int64_t next_ns;
        shmrpci_mutex_lock(&conn->listener->lock);
        bool is_late = end_late(conn, now_ns, &head.call, &next_ns);
        shmrpci_mutex_unlock(&conn->listener->lock);
        if (!is_late) {
            return next_ns;
        }
        tcp_conn_note(conn, &head);
    }
}

/* Called with the lock held. Ends or cancels a call whose client is gone. */
static void abandon(tcp_call *call)
{
    if (is_oneway(call)) {
        return;
    }
    if (call->state == TCP_CALL_QUEUED) {
        remove_from_queue(call);
        tcp_call_end(call);
        tcp_call_free(call);
    } else {
        tell(call);
    }
}

void tcp_call_abandon(tcp_conn *conn)
{
    for (uint32_t i = 0; i < TCP_CALL_LISTS; i++) {
        tcp_call *next;
        for (tcp_call *call = conn->calls[i]; call != NULL; call = next) {
            next = call->next_of_conn;
            abandon(call);
        }
    }
}
