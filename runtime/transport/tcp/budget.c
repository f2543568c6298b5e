/*
 * Limits the memory that a listener keeps for all its peers, and makes room
 * when the limit is reached.
 *
 * Requests may use one half of the total and replies the other half, so that
 * neither kind starves the other. When either kind uses more than half of its
 * share, each connection that uses more than an equal part of that half is
 * paused: its socket is not read (requests), or its calls are not run
 * (replies). A large body is received only once there is room for all of it,
 * first come, first served, so that every body that has begun can be completed.
 * If there is still no room, the slowest peer that does not read, or stalls
 * while sending, is disconnected: at once if a reply needs the room, because
 * its call has already run; after a while if a request needs it.
 *
 * Threading: see server.h.
 */
#include "base/assert.h"
#include "os/clock.h"
#include "os/poll.h"
#include "transport/tcp/server.h"

/* A peer is credited with this many bytes when we begin to wait for it, so that
 * it counts as quick until it has been slow for a while. */
#define CREDIT_BYTES ((uint64_t)64 << 10)

/* How often the patrol looks for a connection to disconnect while a request
 * waits for room. */
#define AGAIN_NS (100 * SHMRPCI_NS_PER_MS)

static size_t half(const tcp_listener *listener)
{
    return listener->limits.max_total_bytes / 2;
}

static size_t share(const tcp_listener *listener)
{
    return half(listener) / 2 / (listener->counts.open + 1u);
}

static bool fits(const tcp_listener *listener, size_t bytes)
{
    size_t used = listener->kept.requests;
    return used <= half(listener) && bytes <= half(listener) - used;
}

bool tcp_budget_is_full(const tcp_conn *conn)
{
    const tcp_listener *listener = conn->listener;
    return conn->kept.replies > listener->limits.max_held_bytes ||
           (listener->replies_are_many && conn->kept.replies > share(listener));
}

/* Does not count the body that is arriving: it must not pause its own
 * connection. */
static size_t settled(const tcp_conn *conn)
{
    SHMRPCI_ASSERT(conn->asked_bytes <= conn->kept.requests,
                   "the kept bytes include those of the arriving body");
    return conn->kept.requests - conn->asked_bytes;
}

bool tcp_budget_is_paused(const tcp_conn *conn)
{
    const tcp_listener *listener = conn->listener;
    return conn->wanted_bytes > 0 ||
           settled(conn) + conn->kept.replies >
               listener->limits.max_held_bytes ||
           (listener->requests_are_many && settled(conn) > share(listener));
}

/* ---- resuming ------------------------------------------------------------ */

static void resume(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    if (conn->is_paused && conn->state == TCP_CONN_OPEN &&
        !tcp_budget_is_paused(conn) &&
        settled(conn) + conn->kept.replies <=
            listener->limits.max_held_bytes / 2) {
        conn->is_paused = false;
        shmrpci_poll_again(listener->edge_set, conn->fd, conn->tag);
    }
}

static void run_again(tcp_conn *conn)
{
    if (!tcp_budget_is_full(conn)) {
        tcp_call_line_up(conn);
    }
}

static void ring(tcp_listener *listener)
{
    if (listener->line_first != NULL && listener->idle > 0) {
        shmrpci_event_set(listener->bell_fd);
    }
}

static void for_all(tcp_listener *listener, void (*act)(tcp_conn *conn))
{
    for (uint32_t i = 0; i < listener->seat_count; i++) {
        if (listener->seats[i].conn != NULL) {
            act(listener->seats[i].conn);
        }
    }
}

/* Returns the connection that has waited longest for room; NULL: none waits. */
static tcp_conn *first_wanting(const tcp_listener *listener)
{
    tcp_conn *first = NULL;
    for (uint32_t i = 0; listener->wanting > 0 && i < listener->seat_count;
         i++) {
        tcp_conn *conn = listener->seats[i].conn;
        if (conn != NULL && conn->wanted_bytes > 0 &&
            (first == NULL || conn->wanted_ns < first->wanted_ns)) {
            first = conn;
        }
    }
    return first;
}

/* ---- counting -------------------------------------------------------- */

static void set(tcp_conn *conn, tcp_kept *what, tcp_kept now)
{
    tcp_listener *listener = conn->listener;
    SHMRPCI_ASSERT(what->requests <= conn->kept.requests &&
                       what->replies <= conn->kept.replies,
                   "a connection's sums contain those of its calls");
    conn->kept.requests += now.requests - what->requests;
    conn->kept.replies += now.replies - what->replies;
    SHMRPCI_ASSERT(listener->kept.requests >= what->requests &&
                       listener->kept.replies >= what->replies,
                   "a listener's sums contain those of its connections");
    listener->kept.requests += now.requests - what->requests;
    listener->kept.replies += now.replies - what->replies;
    *what = now;
    size_t kept = listener->kept.requests + listener->kept.replies;
    if (kept > listener->counts.most_kept_bytes) {
        listener->counts.most_kept_bytes = kept;
    }
    if (listener->kept.requests > half(listener) / 2) {
        listener->requests_are_many = true;
    }
    if (listener->kept.replies > half(listener) / 2) {
        listener->replies_are_many = true;
    }
    uint32_t too_many = listener->kept.replies > half(listener);
    /* Relaxed: the next reply checks again with the lock held. */
    if (shmrpci_load_relaxed(&listener->has_too_many) != too_many) {
        shmrpci_store_relaxed(&listener->has_too_many, too_many);
    }
}

static void set_asked(tcp_conn *conn, size_t bytes)
{
    tcp_kept asked = {.requests = conn->asked_bytes};
    set(conn, &asked, (tcp_kept){.requests = bytes});
    conn->asked_bytes = bytes;
}

static void stop_wanting(tcp_conn *conn)
{
    SHMRPCI_ASSERT(conn->wanted_bytes == 0 || conn->listener->wanting > 0,
                   "a connection that wants room is counted");
    conn->listener->wanting -= conn->wanted_bytes > 0 ? 1u : 0u;
    conn->wanted_bytes = 0;
}

/* Called when memory was freed. Resumes the connections that wait for
 * memory. */
static void go_on(tcp_listener *listener)
{
    tcp_conn *first;
    if (listener->requests_are_many &&
        listener->kept.requests <= half(listener) / 4) {
        listener->requests_are_many = false;
        for_all(listener, resume);
    }
    if (listener->replies_are_many &&
        listener->kept.replies <= half(listener) / 4) {
        listener->replies_are_many = false;
        for_all(listener, run_again);
    }
    while ((first = first_wanting(listener)) != NULL &&
           fits(listener, first->wanted_bytes)) {
        set_asked(first, first->wanted_bytes);
        stop_wanting(first);
        resume(first);
    }
    ring(listener);
}

bool tcp_budget_spare(tcp_listener *listener, tcp_call *call, size_t bytes)
{
    SHMRPCI_ASSERT(call->spare_bytes <= listener->spare_bytes,
                   "spare memory of each call is counted");
    size_t others = listener->spare_bytes - call->spare_bytes;
    if (bytes > 0 && others + bytes > TCP_KEEP_ALL_BYTES) {
        return false;
    }
    listener->spare_bytes = others + bytes;
    call->spare_bytes = bytes;
    return true;
}

void tcp_budget_take_request(tcp_call *call)
{
    tcp_listener *listener = call->conn->listener;
    call->kept = (tcp_kept){.requests = 0};
    set(call->conn, &call->kept, (tcp_kept){.requests = call->request_cap});
    if (!tcp_budget_spare(listener, call, call->reply_cap + call->packed.cap)) {
        tcp_call_forget_reply(call);
        (void)tcp_budget_spare(listener, call, 0);
    }
}

void tcp_budget_take_reply(tcp_call *call, size_t bytes)
{
    size_t spare = call->kept.requests == 0 ? call->request_cap : 0;
    (void)tcp_budget_spare(call->conn->listener, call, spare);
    set(call->conn, &call->kept,
        (tcp_kept){.requests = call->kept.requests, .replies = bytes});
}

void tcp_budget_end_request(tcp_call *call)
{
    tcp_listener *listener = call->conn->listener;
    if (!tcp_budget_spare(listener, call, call->request_cap)) {
        tcp_call_forget_request(call);
    }
    set(call->conn, &call->kept, (tcp_kept){.replies = call->kept.replies});
}

void tcp_budget_give_back(tcp_call *call)
{
    tcp_conn *conn = call->conn;
    set(conn, &call->kept, (tcp_kept){.requests = 0});
    resume(conn);
    run_again(conn);
    go_on(conn->listener);
}

void tcp_budget_leave(tcp_conn *conn)
{
    stop_wanting(conn);
    set_asked(conn, 0);
    tcp_call_line_up(conn); /* oneway calls run even after the connection has
                             * ended */
    go_on(conn->listener);
}

/* ---- asking for room ----------------------------------------------------- */

static void ask(tcp_conn *conn, size_t bytes)
{
    tcp_listener *listener = conn->listener;
    bool is_small = bytes <= TCP_BODY_FIRST_BYTES;
    stop_wanting(conn);
    set_asked(conn, 0);
    if (is_small || (listener->wanting == 0 && fits(listener, bytes))) {
        set_asked(conn, bytes);
    } else {
        conn->wanted_bytes = bytes;
        conn->wanted_ns = shmrpci_now_ns();
        listener->wanting++;
        tcp_listener_watch(listener);
    }
}

void tcp_budget_ask(tcp_conn *conn, size_t bytes)
{
    tcp_listener *listener = conn->listener;
    if (bytes == conn->last_asked_bytes &&
        (bytes == 0 || conn->frames == conn->last_asked_frame)) {
        return;
    }
    bool is_less = bytes < conn->last_asked_bytes;
    conn->last_asked_bytes = bytes;
    conn->last_asked_frame = conn->frames;
    /* Relaxed: used only to estimate the peer's speed (see pace). */
    shmrpci_store_relaxed(&conn->body_since_ns, (uint64_t)shmrpci_now_ns());
    shmrpci_mutex_lock(&listener->lock);
    if (conn->state != TCP_CONN_DEAD) {
        ask(conn, bytes);
    }
    if (is_less) {
        go_on(listener);
    }
    shmrpci_mutex_unlock(&listener->lock);
}

/* ---- making room ----------------------------------------------------- */

/* Returns the rate in bytes per second at which the peer has moved data since
 * we began to wait for it. Returns UINT64_MAX if we have waited for less than
 * `least_ns`. */
static uint64_t pace(uint64_t bytes, int64_t waited_ns, int64_t least_ns)
{
    int64_t time_us = waited_ns / SHMRPCI_NS_PER_US;
    return waited_ns < least_ns ? UINT64_MAX
                                : (bytes + CREDIT_BYTES) * 1000000u /
                                      (uint64_t)(time_us > 0 ? time_us : 1);
}

/* Returns the rate at which the peer takes what we send; UINT64_MAX: nothing
 * waits to be sent. */
static uint64_t pace_of_taking(tcp_conn *conn, int64_t now_ns, int64_t least_ns)
{
    int64_t since_ns;
    size_t sent;
    return tcp_outbox_pace(&conn->outbox, &since_ns, &sent)
               ? pace(sent, now_ns - since_ns, least_ns)
               : UINT64_MAX;
}

/* Returns the rate at which the peer sends the request that is arriving. */
static uint64_t pace_of_sending(tcp_conn *conn, int64_t now_ns,
                                int64_t least_ns)
{
    uint64_t since_ns = shmrpci_load_relaxed(&conn->body_since_ns);
    return conn->asked_bytes > 0 && !conn->is_paused
               ? pace(shmrpci_load_relaxed(&conn->body_bytes),
                      now_ns - (int64_t)since_ns, least_ns)
               : UINT64_MAX;
}

/* The rate that counts when a reply needs room. A reply can't wait, so even a
 * peer that has been slow for a moment counts. */
static uint64_t pace_for_replies(tcp_conn *conn, int64_t now_ns)
{
    return conn->kept.replies > 0 ? pace_of_taking(conn, now_ns, 0)
                                  : UINT64_MAX;
}

/* The rate that counts when a request needs room. A request can wait, so only
 * peers that have been slow for `room_ns` count. */
static uint64_t pace_for_requests(tcp_conn *conn, int64_t now_ns)
{
    int64_t room_ns = conn->listener->limits.room_ns;
    uint64_t taking = conn->kept.requests > 0
                          ? pace_of_taking(conn, now_ns, room_ns)
                          : UINT64_MAX;
    uint64_t sending = pace_of_sending(conn, now_ns, room_ns);
    return taking < sending ? taking : sending;
}

/* Returns the slowest connection whose rate is below `limit`; NULL: none. */
static tcp_conn *find_slowest(const tcp_listener *listener, uint64_t limit,
                              uint64_t (*pace_for)(tcp_conn *conn,
                                                   int64_t now_ns))
{
    int64_t now_ns = shmrpci_now_ns();
    tcp_conn *slowest = NULL;
    for (uint32_t i = 0; i < listener->seat_count; i++) {
        tcp_conn *conn = listener->seats[i].conn;
        uint64_t at = conn != NULL ? pace_for(conn, now_ns) : limit;
        if (at < limit) {
            limit = at;
            slowest = conn;
        }
    }
    return slowest;
}

/* Called with the lock held, and releases it meanwhile. Disconnects a
 * connection. Returns how much memory the connection still keeps, which is
 * freed soon. */
static tcp_kept displace(tcp_conn *conn)
{
    tcp_listener *listener = conn->listener;
    conn->refs++;
    shmrpci_mutex_unlock(&listener->lock);
    tcp_conn_end(conn, TCP_END_DISPLACED);
    shmrpci_mutex_lock(&listener->lock);
    tcp_kept left = conn->kept;
    tcp_conn_unref_locked(conn);
    return left;
}

void tcp_budget_make_room(tcp_listener *listener, size_t bytes)
{
    size_t leaving = 0;
    tcp_conn *slowest;
    /* Relaxed: a stale value is corrected by the next reply. */
    if (bytes == 0 && shmrpci_load_relaxed(&listener->has_too_many) == 0) {
        return;
    }
    shmrpci_mutex_lock(&listener->lock);
    while (listener->kept.replies + bytes > half(listener) + leaving &&
           (slowest = find_slowest(listener, UINT64_MAX, pace_for_replies)) !=
               NULL) {
        leaving += displace(slowest).replies;
    }
    shmrpci_mutex_unlock(&listener->lock);
}

int64_t tcp_budget_patrol(tcp_listener *listener, int64_t now_ns)
{
    int64_t wake_ns = SHMRPCI_NEVER_NS;
    shmrpci_mutex_lock(&listener->lock);
    const tcp_conn *first = first_wanting(listener);
    if (first != NULL) {
        wake_ns = first->wanted_ns + listener->limits.room_ns;
    }
    if (wake_ns <= now_ns) {
        tcp_conn *slowest = find_slowest(
            listener, listener->limits.slow_bytes_per_s, pace_for_requests);
        wake_ns = now_ns + AGAIN_NS;
        if (slowest != NULL) {
            (void)displace(slowest);
        }
    }
    shmrpci_mutex_unlock(&listener->lock);
    return wake_ns;
}
