/* Opening a listener, its thread, and closing it. */
#include "transport/tcp/server.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/poll.h"
#include "transport/adopted.h"

/* Maximum number of connections accepted in one round. */
#define ACCEPT_BATCH 16

/* How long accepting pauses when descriptors are exhausted. */
#define ACCEPT_PAUSE_NS (100 * SHMRPCI_NS_PER_MS)

/* How often deadlines are checked while there are any. */
#define WATCH_NS (100 * SHMRPCI_NS_PER_MS)

/* While calls have arrived within the last WAKEFUL_NS, the listener's thread
 * checks every TICK_NS whether all workers are busy; otherwise it sleeps until
 * it is woken. */
#define TICK_NS    (5 * SHMRPCI_NS_PER_MS)
#define WAKEFUL_NS (100 * SHMRPCI_NS_PER_MS)

/* ---- opening --------------------------------------------------------- */

static shmrpc_status make_descriptors(tcp_listener *listener)
{
    shmrpc_status status = shmrpci_poll_create(&listener->control_set);
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_create(&listener->edge_set);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&listener->wake_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_event_create(&listener->bell_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(listener->control_set, listener->wake_fd,
                                  SHMRPCI_POLL_BELL, TCP_TAG_WAKE);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_poll_add(listener->edge_set, listener->bell_fd,
                                  SHMRPCI_POLL_BELL, TCP_TAG_BELL);
    }
    if (status == SHMRPC_OK && listener->place.listen_fd >= 0) {
        status =
            shmrpci_poll_add(listener->control_set, listener->place.listen_fd,
                             SHMRPCI_POLL_LEVEL, TCP_TAG_LISTEN);
    }
    return status;
}

static tcp_listener *create(const shmrpci_listen_opts *opts,
                            const tcp_limits *limits)
{
    tcp_listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        return NULL;
    }
    listener->limits = *limits;
    listener->opts = *opts;
    if (listener->opts.max_message_bytes > UINT32_MAX / 2) {
        listener->opts.max_message_bytes = UINT32_MAX / 2;
    }
    if (opts->max_total_bytes != 0) {
        listener->limits.max_total_bytes = opts->max_total_bytes;
    }
    if (listener->limits.max_total_bytes / 2 <
        listener->opts.max_message_bytes) {
        listener->limits.max_total_bytes = listener->opts.max_message_bytes * 2;
    }
    listener->control_set = listener->edge_set = -1;
    listener->wake_fd = listener->bell_fd = -1;
    listener->place = (tcp_place){.listen_fd = -1, .dir_fd = -1, .lock_fd = -1};
    shmrpci_mutex_init(&listener->lock);
    if (opts->allowed_uid_count > 0) {
        size_t bytes = opts->allowed_uid_count * sizeof *opts->allowed_uids;
        listener->allowed_uids = malloc(bytes);
        if (listener->allowed_uids == NULL) {
            tcp_listener_close(&listener->base);
            return NULL;
        }
        memcpy(listener->allowed_uids, opts->allowed_uids, bytes);
    }
    return listener;
}

/* Prepares what a TLS listener needs. */
static int prepare_tls(const shmrpci_address *address,
                       shmrpci_tls_context **out, shmrpc_error *error)
{
    char why[SHMRPCI_TLS_WHY_BYTES];
    if (address->transport != &shmrpci_transport_tls) {
        return SHMRPC_OK;
    }
    if (address->cert_file[0] == '\0') {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "a server at tls:// needs ?cert=FILE: its "
                                "certificate and private key, in PEM");
    }
    shmrpc_status status = shmrpci_tls_context_create(
        SHMRPCI_TLS_SERVER, address->cert_file, address->ca_file, out, why);
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpc_error_set(error, status, "%s",
                                  why[0] != '\0' ? why : "out of memory");
}

int tcp_listen(const shmrpci_address *address, const shmrpci_listen_opts *opts,
               const tcp_limits *limits, shmrpci_listener **out,
               shmrpc_error *error)
{
    if (opts->max_workers > TCP_MAX_WORKERS) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "%u workers are too many (at most %u)",
                                opts->max_workers, TCP_MAX_WORKERS);
    }
    tcp_listener *listener = create(opts, limits);
    if (listener == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    listener->base.transport = address->transport;
    /* Everybody may connect to the socket if users are allowed by id: the id is
     * checked after connecting. */
    uint32_t mode = opts->allowed_uid_count > 0 ? 0666u : 0600u;
    int failed = tcp_auth_read_key(address->key_file, &listener->key, error);
    if (failed == SHMRPC_OK) {
        memcpy(listener->cert_file, address->cert_file,
               sizeof listener->cert_file);
        memcpy(listener->ca_file, address->ca_file, sizeof listener->ca_file);
        listener->tls_stamp =
            shmrpci_tls_files_stamp(address->cert_file, address->ca_file);
        failed = prepare_tls(address, &listener->tls, error);
    }
    if (failed == SHMRPC_OK) {
        failed = tcp_place_listen(address, mode, &listener->place, error);
    }
    if (failed == SHMRPC_OK) {
        failed = make_descriptors(listener);
        if (failed != SHMRPC_OK) {
            (void)shmrpc_error_set(error, failed, "can't listen: %s",
                                   shmrpc_status_text(failed));
        }
    }
    if (failed != SHMRPC_OK) {
        tcp_listener_close(&listener->base);
        return failed;
    }
    *out = &listener->base;
    return SHMRPC_OK;
}

int tcp_listener_open(const shmrpci_address *address,
                      const shmrpci_listen_opts *opts, shmrpci_listener **out,
                      shmrpc_error *error)
{
    static const tcp_limits limits = TCP_LIMITS_DEFAULT;
    return tcp_listen(address, opts, &limits, out, error);
}

/* ---- iterating over connections ------------------------------------------ */

/* Returns the connection in the first used place from *index on, with a
 * reference, and sets *index behind that place; NULL: there are no more. */
static tcp_conn *next_conn(tcp_listener *listener, uint32_t *index)
{
    tcp_conn *conn = NULL;
    shmrpci_mutex_lock(&listener->lock);
    while (conn == NULL && *index < listener->seat_count) {
        conn = listener->seats[(*index)++].conn;
    }
    if (conn != NULL) {
        SHMRPCI_ASSERT(conn->refs > 0, "a seat holds a reference");
        conn->refs++;
    }
    shmrpci_mutex_unlock(&listener->lock);
    return conn;
}

/* Checks all deadlines. Returns when to check again. */
static int64_t patrol(tcp_listener *listener)
{
    int64_t now_ns = shmrpci_now_ns();
    int64_t first_ns = SHMRPCI_NEVER_NS;
    bool is_watched = false;
    tcp_conn *conn;
    for (uint32_t i = 0; (conn = next_conn(listener, &i)) != NULL;) {
        int64_t at_ns = tcp_conn_patrol(conn, now_ns);
        first_ns = at_ns < first_ns ? at_ns : first_ns;
        is_watched = is_watched || tcp_conn_is_watched(conn);
        tcp_conn_unref(conn);
    }
    int64_t room_ns = tcp_budget_patrol(listener, now_ns);
    first_ns = room_ns < first_ns ? room_ns : first_ns;
    if (is_watched && first_ns > now_ns + WATCH_NS) {
        first_ns = now_ns + WATCH_NS;
    }
    return first_ns;
}

void tcp_listener_watch(tcp_listener *listener)
{
    listener->is_watching = true;
    if (listener->is_patient) {
        listener->is_patient = false;
        shmrpci_event_set(listener->wake_fd);
    }
}

/* ---- the listener's thread ----------------------------------------------- */

/* State of the listener's thread between its rounds. */
typedef struct round_state {
    uint64_t claims; /* value of listener->claims in the last round */
    uint64_t looks;
    uint64_t holds;
    int64_t wakeful_ns; /* until then the thread sleeps for short times only */
    int64_t accept_ns;  /* when to accept again; 0: accepting is not paused */
    bool all_busy;      /* no worker reads the sockets */
    bool lingers;       /* the workers are stopping, so none will read them
                         * again */
} round_state;

/* Reads changed certificate files, for new connections. The old certificate
 * remains in use while the new files are unusable, for example half written. */
static void renew_tls(tcp_listener *listener)
{
    char why[SHMRPCI_TLS_WHY_BYTES];
    shmrpci_tls_context *renewed = NULL;
    if (listener->tls == NULL) {
        return;
    }
    uint64_t stamp =
        shmrpci_tls_files_stamp(listener->cert_file, listener->ca_file);
    if (stamp == 0 || stamp == listener->tls_stamp) {
        return;
    }
    listener->tls_stamp = stamp;
    if (shmrpci_tls_context_create(SHMRPCI_TLS_SERVER, listener->cert_file,
                                   listener->ca_file, &renewed,
                                   why) == SHMRPC_OK) {
        shmrpci_tls_context_destroy(listener->tls);
        listener->tls = renewed;
    }
}

static void accept_some(tcp_listener *listener, round_state *state)
{
    renew_tls(listener);
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd;
        shmrpci_endpoint peer;
        shmrpc_status status =
            shmrpci_stream_accept(listener->place.listen_fd, &fd, &peer);
        if (status == SHMRPC_E_EXHAUSTED) {
            /* Connections in the kernel's accept queue would wake the thread
             * repeatedly, while it could not accept them. */
            shmrpci_poll_remove(listener->control_set,
                                listener->place.listen_fd);
            state->accept_ns = shmrpci_deadline_after(ACCEPT_PAUSE_NS);
        }
        if (status != SHMRPC_OK) {
            return;
        }
        tcp_conn_accept(listener, fd, &peer);
    }
}

/* Accepts the connection and wakes the listener's thread, which must check the
 * deadline of the handshake. */
void shmrpci_adopt(shmrpci_listener *base, int fd)
{
    tcp_listener *listener = (tcp_listener *)(void *)base;
    shmrpci_endpoint nobody = {.len = 0};
    tcp_conn_accept(listener, fd, &nobody);
    shmrpci_event_set(listener->wake_fd);
}

static void accept_again(tcp_listener *listener, round_state *state)
{
    if (state->accept_ns != 0 && shmrpci_now_ns() >= state->accept_ns &&
        shmrpci_poll_add(listener->control_set, listener->place.listen_fd,
                         SHMRPCI_POLL_LEVEL, TCP_TAG_LISTEN) == SHMRPC_OK) {
        state->accept_ns = 0;
    }
}

static void dispatch(tcp_listener *listener, uint64_t tag, round_state *state)
{
    if (tag == TCP_TAG_LISTEN) {
        accept_some(listener, state);
    } else if (tag != TCP_TAG_WAKE && tag != TCP_TAG_BELL) {
        tcp_conn_event(listener, tag);
    }
}

/* Decides until when to wait, and for which events. */
static int64_t plan_round(tcp_listener *listener, round_state *state)
{
    int64_t wake_ns = SHMRPCI_NEVER_NS;
    shmrpci_mutex_lock(&listener->lock);
    bool patrols = listener->unsettled > 0 || listener->is_watching;
    listener->is_watching = false;
    shmrpci_mutex_unlock(&listener->lock);
    if (patrols) {
        wake_ns = patrol(listener);
    }
    if (state->accept_ns != 0 && state->accept_ns < wake_ns) {
        wake_ns = state->accept_ns;
    }
    int64_t now_ns = shmrpci_now_ns();
    shmrpci_mutex_lock(&listener->lock);
    /* Connections may have got a deadline since the last round. */
    if (listener->is_watching && now_ns + WATCH_NS < wake_ns) {
        wake_ns = now_ns + WATCH_NS;
    }
    listener->is_watching =
        listener->is_watching || (patrols && wake_ns != SHMRPCI_NEVER_NS);
    if (state->claims != listener->claims) {
        state->claims = listener->claims;
        state->wakeful_ns = now_ns + WAKEFUL_NS;
    }
    /* If no worker is idle, but one has polled since the last round, the
     * workers serve short calls and will read soon. */
    state->all_busy = listener->idle == 0 && listener->looks == state->looks;
    state->looks = listener->looks;
    listener->is_quick = listener->holds != state->holds;
    state->holds = listener->holds;
    if (listener->is_quick && now_ns + TCP_HOLD_NS < wake_ns) {
        wake_ns = now_ns + TCP_HOLD_NS;
    }
    if (!state->all_busy && (state->lingers || now_ns < state->wakeful_ns) &&
        now_ns + TICK_NS < wake_ns) {
        wake_ns = now_ns + TICK_NS;
    }
    listener->is_asleep = !state->all_busy && now_ns >= state->wakeful_ns;
    listener->is_patient = wake_ns > now_ns + WATCH_NS;
    shmrpci_mutex_unlock(&listener->lock);
    return wake_ns;
}

static bool nobody_is_idle(tcp_listener *listener)
{
    shmrpci_mutex_lock(&listener->lock);
    bool nobody = listener->idle == 0;
    listener->is_asleep = false;
    shmrpci_mutex_unlock(&listener->lock);
    return nobody;
}

/* Wakes an idle worker for the calls that this thread has read. */
static void hand_over(tcp_listener *listener)
{
    shmrpci_mutex_lock(&listener->lock);
    bool wanted = listener->line_first != NULL && listener->idle > 0;
    shmrpci_mutex_unlock(&listener->lock);
    if (wanted) {
        shmrpci_event_set(listener->bell_fd);
    }
}

static void run_round(tcp_listener *listener, round_state *state,
                      int64_t until_ns)
{
    uint64_t tags[64];
    int64_t plan_ns = plan_round(listener, state);
    int64_t wake_ns = plan_ns < until_ns ? plan_ns : until_ns;
    tcp_conn_release_held(listener);
    shmrpci_poll_entry entries[] = {
        {.fd = listener->control_set, .read = true},
        {.fd = listener->edge_set, .read = true},
    };
    if (!shmrpci_poll_entries(entries, state->all_busy ? 2 : 1, wake_ns)) {
        (void)nobody_is_idle(listener);
        return;
    }
    size_t count = shmrpci_poll_wait(listener->control_set, tags, 64, 0);
    for (size_t i = 0; i < count; i++) {
        dispatch(listener, tags[i], state);
    }
    /* If a worker is idle, the same events have woken it. It reads faster if
     * this thread does not compete with it. */
    if (nobody_is_idle(listener)) {
        count = shmrpci_poll_wait_edges(listener->edge_set, tags, 16, 0);
        for (size_t i = 0; i < count; i++) {
            dispatch(listener, tags[i], state);
        }
    }
    hand_over(listener);
}

/* Tells all clients to start no more calls. */
static void say_goodbye(tcp_listener *listener)
{
    tcp_conn *conn;
    for (uint32_t i = 0; (conn = next_conn(listener, &i)) != NULL;) {
        tcp_head head = {.type = TCP_GOAWAY};
        if (tcp_conn_is_open(conn)) {
            tcp_conn_note(conn, &head);
        }
        tcp_conn_unref(conn);
    }
}

uint32_t tcp_listener_renew(shmrpci_listener *base)
{
    tcp_listener *listener = (tcp_listener *)(void *)base;
    shmrpci_mutex_lock(&listener->lock);
    uint32_t epoch = ++listener->epoch;
    shmrpci_mutex_unlock(&listener->lock);
    say_goodbye(listener);
    return epoch;
}

int tcp_listener_run(shmrpci_listener *base, shmrpc_error *error)
{
    (void)error;
    tcp_listener *listener = (tcp_listener *)(void *)base;
    round_state state = {.claims = 0};
    /* Acquire: pairs with the release in stop. */
    while (shmrpci_load_acquire(&listener->stopping) == 0) {
        accept_again(listener, &state);
        run_round(listener, &state, SHMRPCI_NEVER_NS);
    }
    /* This thread may have consumed the bell that stop rang for a worker. */
    shmrpci_event_set(listener->bell_fd);
    say_goodbye(listener);
    return SHMRPC_OK;
}

static void cut_streams(tcp_listener *listener)
{
    tcp_conn *conn;
    for (uint32_t i = 0; (conn = next_conn(listener, &i)) != NULL;) {
        shmrpci_mutex_lock(&conn->flow_lock);
        tcp_flow_cut(&conn->flow);
        shmrpci_mutex_unlock(&conn->flow_lock);
        tcp_conn_unref(conn);
    }
}

/* Stopping workers take no more calls, so they read no sockets. This thread
 * reads the input that the handlers of their remaining calls wait for. */
void tcp_listener_linger(shmrpci_listener *base,
                         const shmrpci_atomic_u32 *working, int64_t cut_ns)
{
    tcp_listener *listener = (tcp_listener *)(void *)base;
    round_state state = {.lingers = true};
    if (listener->place.listen_fd >= 0) {
        shmrpci_poll_remove(listener->control_set, listener->place.listen_fd);
    }
    while (shmrpci_load_acquire(working) != 0) {
        run_round(listener, &state, cut_ns);
        if (shmrpci_now_ns() >= cut_ns) {
            cut_streams(listener);
            cut_ns = SHMRPCI_NEVER_NS;
        }
    }
}

void tcp_listener_stop(shmrpci_listener *base)
{
    tcp_listener *listener = (tcp_listener *)(void *)base;
    shmrpci_store_release(&listener->stopping, 1u);
    shmrpci_event_set(listener->wake_fd);
    shmrpci_event_set(listener->bell_fd);
}

/* ---- closing ------------------------------------------------------------- */

/* Withdraws the queued calls, which certainly have not run. */
static void withdraw_calls(tcp_listener *listener)
{
    for (;;) {
        shmrpci_mutex_lock(&listener->lock);
        tcp_call *call = tcp_call_pop(listener);
        tcp_conn *conn = NULL;
        tcp_head head = {.type = TCP_ENDED,
                         .flags = TCP_FLAG_NOT_RUN,
                         .status = SHMRPC_E_CANCELLED};
        if (call != NULL) {
            conn = call->conn;
            conn->refs++;
            head.call = call->id;
            head.type = (call->head.flags & SHMRPCI_HEAD_ONEWAY) != 0
                            ? 0
                            : (uint8_t)TCP_ENDED;
            tcp_call_end(call);
            tcp_call_free(call);
        }
        shmrpci_mutex_unlock(&listener->lock);
        if (conn == NULL) {
            return;
        }
        if (head.type != 0) {
            tcp_conn_note(conn, &head);
        }
        tcp_conn_unref(conn);
    }
}

/* Sends all remaining bytes. Returns false if some are left at the deadline. */
static bool send_rest(tcp_conn *conn, int64_t deadline_ns)
{
    for (;;) {
        tcp_conn_flush(conn);
        tcp_unsent unsent = tcp_outbox_waiting(&conn->outbox);
        if (unsent.bytes == 0 && unsent.lane_bytes == 0 && !unsent.has_lanes) {
            return true;
        }
        shmrpci_poll_entry entry = {.fd = conn->fd, .write = true};
        if (!shmrpci_poll_entries(&entry, 1, deadline_ns) ||
            shmrpci_remaining_ns(deadline_ns) == 0) {
            return false;
        }
    }
}

/* Sends the remaining bytes and closes our direction; waits until the peer has
 * received everything. */
static void see_off(tcp_conn *conn, int64_t deadline_ns)
{
    uint8_t unread[4096];
    size_t got;
    (void)send_rest(conn, deadline_ns);
    tcp_bytes_end(conn->fd, conn->tls);
    while (!shmrpci_stream_is_acknowledged(conn->fd) &&
           shmrpci_remaining_ns(deadline_ns) > 0) {
        shmrpci_poll_entry none = {.fd = -1};
        (void)shmrpci_poll_entries(&none, 1,
                                   shmrpci_deadline_after(SHMRPCI_NS_PER_MS));
    }
    /* Closing a socket with unread input would discard what was sent. */
    for (int i = 0;
         i < 64 && shmrpci_stream_receive(conn->fd, unread, sizeof unread,
                                          &got) == SHMRPC_OK;
         i++) {
    }
}

/* Sends the last frame, which tells that everything that was read was
 * answered. */
static void say_last(tcp_conn *conn)
{
    tcp_head head = {.type = TCP_GOAWAY, .flags = TCP_FLAG_LAST};
    tcp_conn_note(conn, &head);
}

/* Lifts the limits, so that calls whose connection is at a limit are withdrawn
 * too. */
static void lift_limits(tcp_listener *listener)
{
    shmrpci_mutex_lock(&listener->lock);
    listener->limits.max_held_bytes = SIZE_MAX;
    listener->limits.max_total_bytes = SIZE_MAX;
    listener->requests_are_many = listener->replies_are_many = false;
    for (uint32_t i = 0; i < listener->seat_count; i++) {
        if (listener->seats[i].conn != NULL) {
            tcp_call_line_up(listener->seats[i].conn);
        }
    }
    shmrpci_mutex_unlock(&listener->lock);
}

static void close_connections(tcp_listener *listener)
{
    int64_t deadline_ns = shmrpci_deadline_after(TCP_LINGER_NS);
    tcp_conn *conn;
    lift_limits(listener);
    tcp_conn_release_held(listener);
    withdraw_calls(listener);
    for (uint32_t i = 0; (conn = next_conn(listener, &i)) != NULL;) {
        if (tcp_conn_is_open(conn)) {
            /* The replies of calls with streams are queued behind their
             * items. */
            if (send_rest(conn, deadline_ns)) {
                say_last(conn);
            }
            see_off(conn, deadline_ns);
        }
        tcp_conn_end(conn, TCP_END_CLOSED);
        tcp_conn_unref(conn);
    }
}

void tcp_listener_close(shmrpci_listener *base)
{
    if (base == NULL) {
        return;
    }
    tcp_listener *listener = (tcp_listener *)(void *)base;
    tcp_place_close(&listener->place);
    close_connections(listener);
    while (listener->free_calls != NULL) {
        tcp_call *call = listener->free_calls;
        listener->free_calls = call->next;
        free(call->request);
        free(call->reply);
        free(call->packed.data);
        free(call);
    }
    shmrpci_farewell_drop_all(&listener->farewells);
    shmrpci_fd_close(&listener->control_set);
    shmrpci_fd_close(&listener->edge_set);
    shmrpci_fd_close(&listener->wake_fd);
    shmrpci_fd_close(&listener->bell_fd);
    shmrpci_mutex_fini(&listener->lock);
    shmrpci_tls_context_destroy(listener->tls);
    free(listener->seats);
    free(listener->allowed_uids);
    free(listener);
}

const char *tcp_listener_describe(const shmrpci_listener *base)
{
    return ((const tcp_listener *)(const void *)base)->place.text;
}

void tcp_listener_counts(shmrpci_listener *base, tcp_counts *out)
{
    tcp_listener *listener = (tcp_listener *)(void *)base;
    shmrpci_mutex_lock(&listener->lock);
    *out = listener->counts;
    shmrpci_mutex_unlock(&listener->lock);
}
