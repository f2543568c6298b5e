/*
 * Connections of the inproc transport, and the handshake that opens them.
 *
 * A client that connects puts a knock (a connection request on its own stack)
 * into the hub's list, wakes the control loop, and waits. The control loop
 * admits the client and runs `on_hello`, so that the server's decisions about
 * clients all run on one thread, as with transports between processes. On a
 * timeout the client withdraws its knock, but only while it is QUEUED: once it
 * is RUNNING the control loop has a pointer to it.
 */
#include "transport/inproc/inproc.h"

#include <stdlib.h>
#include <string.h>

#include "os/memory.h"
#include "os/process.h"

/* Asks no socket for credentials, since the peer is this process. */
shmrpc_peer shmrpci_inproc_self(const inproc_hub *hub)
{
    return (shmrpc_peer){
        .uid = shmrpci_process_uid(),
        .gid = shmrpci_process_gid(),
        .pid = shmrpci_process_id(),
        .transport = shmrpci_transport_inproc.scheme,
        .address = hub->address,
    };
}

/* Allocates a connection with all its slots; the first calls allocate the
 * slots' buffers. Returns NULL when out of memory. */
static inproc_conn *conn_new(inproc_hub *hub, size_t max_message_bytes)
{
    inproc_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        return NULL;
    }
    conn->base.transport = &shmrpci_transport_inproc;
    conn->base.features = SHMRPCI_FEATURE_STREAMS | SHMRPCI_FEATURE_METADATA;
    conn->hub = hub;
    conn->open = true;
    conn->told_fd = -1;
    conn->max_message_bytes = max_message_bytes < hub->opts.max_message_bytes
                                  ? max_message_bytes
                                  : hub->opts.max_message_bytes;
    conn->peer = shmrpci_inproc_self(hub);
    shmrpci_cond_init(&conn->slot_free);
    for (unsigned i = 0; i < SHMRPCI_INPROC_SLOTS; i++) {
        conn->slots[i].conn = conn;
        shmrpci_cond_init(&conn->slots[i].done);
    }
    return conn;
}

/* Frees only the memory. The connection must already be out of the hub's list,
 * and nobody may hold a pointer to it. */
static void conn_destroy(inproc_conn *conn)
{
    for (unsigned i = 0; i < SHMRPCI_INPROC_SLOTS; i++) {
        free(conn->slots[i].request.data);
        free(conn->slots[i].reply.data);
        shmrpci_cond_fini(&conn->slots[i].done);
    }
    shmrpci_fd_close(&conn->told_fd);
    shmrpci_cond_fini(&conn->slot_free);
    free(conn);
}

void shmrpci_inproc_conn_free(inproc_conn *conn)
{
    inproc_hub *hub = conn->hub;
    inproc_conn **at = &hub->conns;
    while (*at != conn) {
        at = &(*at)->next;
    }
    *at = conn->next;
    hub->conn_count--;
    if (conn->farewell != NULL) {
        shmrpci_farewell_push(&hub->farewells, conn->farewell);
        shmrpci_cond_broadcast(&hub->work);
    }
    /* This can't be the last reference: the thread that holds the hub's lock
     * has one of its own. */
    hub->refs--;
    conn_destroy(conn);
}

/* With the lock held: makes a connection for the client if the quota allows one
 * more, else sets the knock's status. All clients of a process have the same
 * user, so the quota per user limits the hub's connections. */
static bool admit(inproc_hub *hub, inproc_knock *knock)
{
    uint32_t most = hub->opts.max_connections_per_uid;
    if (most != 0 && hub->conn_count >= most) {
        knock->status = shmrpc_error_set(
            &knock->error, SHMRPC_E_EXHAUSTED,
            "%s has %u connections of user %u already, which is its limit",
            hub->address, hub->conn_count, shmrpci_process_uid());
        return false;
    }
    knock->conn = conn_new(hub, knock->opts->max_message_bytes);
    if (knock->conn == NULL) {
        knock->status = shmrpc_error_set(&knock->error, SHMRPC_E_NO_MEMORY,
                                         "out of memory");
        return false;
    }
    knock->conn->next = hub->conns;
    hub->conns = knock->conn;
    knock->conn->serial = ++hub->last_serial;
    if (knock->opts->hello_len <= sizeof knock->conn->hello) {
        knock->conn->hello_len = knock->opts->hello_len;
        memcpy(knock->conn->hello, knock->opts->hello, knock->opts->hello_len);
    }
    hub->conn_count++;
    hub->refs++;
    return true;
}

bool shmrpci_inproc_answer(inproc_hub *hub)
{
    shmrpci_mutex_lock(&hub->lock);
    inproc_knock *knock = hub->knocks;
    if (knock == NULL) {
        shmrpci_mutex_unlock(&hub->lock);
        return false;
    }
    hub->knocks = knock->next;
    knock->state = KNOCK_RUNNING;
    if (admit(hub, knock)) {
        const shmrpc_peer *peer = &knock->conn->peer;
        /* Unlocked, since on_hello is the server's own code, which may be slow
         * or call this transport. Nobody else touches a RUNNING knock or uses
         * the new connection yet. */
        shmrpci_mutex_unlock(&hub->lock);
        int status = hub->opts.on_hello(hub->opts.user, knock->opts->hello,
                                        knock->opts->hello_len, peer,
                                        &knock->welcome, &knock->error);
        /* The handshake also fails if the welcome's buffer ran out of
         * memory. */
        status = status == SHMRPC_OK ? (int)knock->welcome.status : status;
        shmrpci_mutex_lock(&hub->lock);
        knock->status = status;
        if (status != SHMRPC_OK) {
            shmrpci_inproc_conn_free(knock->conn);
            knock->conn = NULL;
        }
    }
    knock->state = KNOCK_ANSWERED;
    shmrpci_cond_signal(&knock->answered);
    shmrpci_mutex_unlock(&hub->lock);
    return true;
}

/* Ends all queued knocks with UNAVAILABLE, because the control loop has ended
 * and will not answer them. */
void shmrpci_inproc_turn_away(inproc_hub *hub)
{
    inproc_knock *next;
    for (inproc_knock *knock = hub->knocks; knock != NULL; knock = next) {
        next = knock->next;
        knock->status = shmrpc_error_set(&knock->error, SHMRPC_E_UNAVAILABLE,
                                         "%s is stopping", hub->address);
        knock->state = KNOCK_ANSWERED;
        shmrpci_cond_signal(&knock->answered);
    }
    hub->knocks = NULL;
}

/* Appends the knock to the list, so that clients are answered in order. */
static void enqueue(inproc_hub *hub, inproc_knock *knock)
{
    inproc_knock **at = &hub->knocks;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = knock;
}

/* The knock must be in the list. */
static void dequeue(inproc_hub *hub, const inproc_knock *knock)
{
    inproc_knock **at = &hub->knocks;
    while (*at != knock) {
        at = &(*at)->next;
    }
    *at = knock->next;
}

/* With the lock held: waits until the knock is answered or its deadline passes.
 * Waits for a RUNNING knock even past the deadline, since the control loop
 * still writes to it. */
static void wait_for_answer(inproc_hub *hub, inproc_knock *knock)
{
    bool in_time = true;
    while (knock->state != KNOCK_ANSWERED) {
        if (in_time) {
            in_time = shmrpci_cond_wait_until(&knock->answered, &hub->lock,
                                              knock->opts->deadline_ns);
        } else if (knock->state == KNOCK_QUEUED) {
            dequeue(hub, knock);
            knock->state = KNOCK_ANSWERED;
            knock->status = shmrpc_error_set(
                &knock->error, SHMRPC_E_DEADLINE,
                "%s listens, but did not answer in time", hub->address);
        } else { /* on_hello is running and must return soon */
            shmrpci_cond_wait(&knock->answered, &hub->lock);
        }
    }
}

/* Enqueues the knock and waits for the answer. Reads `stopped` under the lock,
 * so that no knock enters the list after turn_away. */
static void knock_at(inproc_hub *hub, inproc_knock *knock)
{
    shmrpci_mutex_lock(&hub->lock);
    if (hub->stopped) {
        knock->status = shmrpc_error_set(&knock->error, SHMRPC_E_UNAVAILABLE,
                                         "%s is stopping", hub->address);
    } else {
        enqueue(hub, knock);
        shmrpci_semaphore_post(&hub->wake);
        wait_for_answer(hub, knock);
    }
    shmrpci_mutex_unlock(&hub->lock);
}

int shmrpci_inproc_connect(const shmrpci_address *address,
                           const shmrpci_connect_opts *opts, shmrpci_conn **out,
                           shmrpci_buf *welcome, shmrpc_error *error)
{
    inproc_hub *hub = shmrpci_inproc_find(address);
    if (hub == NULL) {
        return shmrpc_error_set(
            error, SHMRPC_E_UNAVAILABLE,
            "no service \"%s%s%s\" (port %u) in this process", address->name,
            address->instance[0] != '\0' ? "@" : "", address->instance,
            (unsigned)address->port);
    }
    inproc_knock knock = {.opts = opts};
    shmrpci_buf_init_heap(&knock.welcome);
    shmrpci_cond_init(&knock.answered);
    knock_at(hub, &knock);
    /* Drops the reference from find; the connection has its own. */
    shmrpci_inproc_unref(hub);
    if (knock.status == SHMRPC_OK) {
        /* Copied on the client's own thread: `welcome` may be a buffer of any
         * kind. */
        shmrpci_buf_append(welcome, knock.welcome.data, knock.welcome.len);
        *out = &knock.conn->base;
    } else if (error != NULL) {
        *error = knock.error;
    }
    shmrpci_cond_fini(&knock.answered);
    shmrpci_buf_fini(&knock.welcome);
    return knock.status;
}

void shmrpci_inproc_disconnect(shmrpci_conn *base)
{
    if (base == NULL) {
        return;
    }
    inproc_conn *conn = (inproc_conn *)base;
    inproc_hub *hub = conn->hub;
    if (hub->generation != shmrpci_fork_generation()) {
        return; /* after a fork: a thread of the parent may have held the lock,
                 * and would never release it here */
    }
    shmrpci_mutex_lock(&hub->lock);
    hub->refs++; /* keeps the hub if the connection is freed below */
    /* From here on, the thread that frees the last busy slot frees the
     * connection. */
    conn->open = false;
    for (unsigned i = 0; i < SHMRPCI_INPROC_SLOTS; i++) {
        inproc_slot *slot = &conn->slots[i];
        /* Oneway calls still run, as commit has promised, and so do queued
         * calls. */
        if (slot->state == INPROC_CLAIMED &&
            (slot->head.flags & SHMRPCI_HEAD_ONEWAY) == 0) {
            slot->cancelled = true;
        }
        shmrpci_inproc_streams_leave(slot);
    }
    if (conn->busy == 0) {
        shmrpci_inproc_conn_free(conn);
    }
    shmrpci_mutex_unlock(&hub->lock);
    shmrpci_inproc_unref(hub);
}
