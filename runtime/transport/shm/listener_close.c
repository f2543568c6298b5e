/*
 * The end of connections: a client has hung up, or we hung up on it.
 *
 * For the steps in which a connection is freed see server.h.
 */
#include "transport/shm/server.h"

#include <stdlib.h>

#include "base/assert.h"
#include "os/memory.h"
#include "os/poll.h"
#include "os/socket.h"
#include "transport/shm/stream.h"

/* Removes the client's bell from the workers' poll sets. Closing it would not
 * suffice, because the client holds it too. Under table_lock. */
static void take_down_bell(shm_listener *listener, const shm_conn *conn)
{
    for (size_t i = 0; i < SHM_MAX_WORKERS; i++) {
        if (listener->places[i].poll_set >= 0) {
            shmrpci_poll_remove(listener->places[i].poll_set, conn->bell_fd);
        }
    }
}

void shm_table_remove(shm_listener *listener, shm_conn *conn)
{
    take_down_bell(listener, conn);
    size_t at = 0;
    while (at < listener->table_count && listener->table[at] != conn) {
        at++;
    }
    SHMRPCI_ASSERT(at < listener->table_count,
                   "a connection leaves the table once");
    if (at < listener->table_count) {
        listener->table[at] = listener->table[--listener->table_count];
    }
    /* Sequentially consistent: we change the table's version and then read the
     * version that each worker has seen; a worker publishes the version it has
     * seen and then reads the table's. So one of the two sees the other. */
    shmrpci_farewell_push(&listener->farewells,
                          shmrpci_exchange_seq(&conn->farewell, NULL));
    conn->closed_version =
        shmrpci_add_seq(&listener->table_version, UINT64_C(1)) + 1;
}

void shm_part_here(shm_listener *listener, uint64_t connection)
{
    if (listener->left_waiting >= SHM_LEFT_MAX) {
        return;
    }
    shmrpci_farewell *f = shmrpci_farewell_new(connection, NULL);
    if (f != NULL) {
        listener->left_waiting++;
        shmrpci_farewell_push(&listener->farewells, f);
    }
}

/* Takes back submitted requests, except oneway calls, which still run. The
 * client may still write to its block, but only what is there now counts. */
static void take_back(shm_conn *conn)
{
    uint64_t residual = 0;
    for (uint32_t i = 0; i < SHM_SLOTS; i++) {
        shm_slot *slot = &conn->block.slots[i];
        uint32_t word = shmrpci_load_acquire(&slot->word);
        uint32_t flags = shmrpci_load_relaxed(&slot->flags);
        if (shm_word_state(word) != SHM_SUBMITTED) {
            continue;
        }
        if ((flags & SHM_MSG_ONEWAY) != 0) {
            residual |= UINT64_C(1) << i;
        } else {
            /* Frees a running call's slot too; its worker then sees that the
             * call was given up. If the exchange fails, the call has just
             * ended. */
            (void)shmrpci_cas_seq(&slot->word, &word,
                                  shm_word_moved(word, SHM_FREE));
        }
    }
    shmrpci_store_seq(&conn->ledger->entries[SHM_WHOLE].residual, residual);
    shmrpci_store_seq(&conn->ledger->entries[SHM_WHOLE].closed, 1u);
    if (residual != 0) {
        /* Ring for the client, which may have died before it rang. */
        shmrpci_event_set(conn->listener->bell_fd);
    }
}

/* Raises the alarms of workers that may wait in a stream of this client. We set
 * `closed` and then read the ledger; a worker takes its entry and then reads
 * `closed`. All these accesses are sequentially consistent, so one of the two
 * sees the other. */
static void raise_alarms(const shm_conn *conn)
{
    uint64_t owners = 0;
    for (uint32_t i = 0; i < SHM_SLOTS; i++) {
        uint32_t held = shmrpci_load_seq(&conn->ledger->entries[i].held);
        if (held != 0) {
            owners |= UINT64_C(1) << shm_held_owner(held) % SHM_MAX_WORKERS;
        }
    }
    for (; owners != 0; owners &= owners - 1) {
        shm_stream_raise(
            &conn->listener->shared->workers[__builtin_ctzll(owners)].alarm);
    }
}

void shm_control_close(shm_conn *conn)
{
    shm_listener *listener = conn->listener;
    SHMRPCI_ASSERT(conn->state == SHM_CONN_OPEN,
                   "only an open connection is closed");
    SHMRPCI_ASSERT(listener->mirror == NULL,
                   "only the control loop closes connections");
    shmrpci_poll_remove(listener->poll_set, conn->fd);
    shmrpci_socket_shut(conn->fd);
    take_back(conn);
    raise_alarms(conn);
    shm_conn_hide(conn);
    conn->state = SHM_CONN_CLOSED;
    conn->closed_version = 0; /* still in the table, for its residual calls */
    shm_conn_push(&listener->closed, conn);
}

static bool is_held(const shm_conn *conn)
{
    for (uint32_t i = 0; i < SHM_SLOTS; i++) {
        if (shmrpci_load_seq(&conn->ledger->entries[i].held) != 0) {
            return true;
        }
    }
    return false;
}

/* Whether every worker has seen the table without this connection, or is
 * offline. */
static bool is_forgotten(const shm_listener *listener, uint64_t version)
{
    for (size_t i = 0; i < SHM_MAX_WORKERS; i++) {
        uint64_t seen = shmrpci_load_seq(&listener->places[i].seen);
        if (seen < version) {
            return false;
        }
    }
    return true;
}

/* Checks three conditions in this order. Forgotten: no worker claims its calls
 * any more. Not held: no worker serves one any more. Forgotten and not pinned,
 * checked again: a worker or detached call that had just ended has made its
 * last access, too. */
bool shm_conn_is_unused(const shm_conn *conn)
{
    uint64_t version = conn->closed_version;
    SHMRPCI_ASSERT(version != 0, "it has left the table");
    return is_forgotten(conn->listener, version) && !is_held(conn) &&
           is_forgotten(conn->listener, version) &&
           shmrpci_load_seq(&conn->pins) == 0;
}

/* Takes the next step towards freeing a connection. Returns true when it can be
 * freed here. Workers in other processes have their own mappings and unmap them
 * independently. */
static bool advance(shm_conn *conn)
{
    shm_listener *listener = conn->listener;
    if (conn->block.map.at == NULL) {
        return true; /* the handshake never got as far as a block */
    }
    if (conn->closed_version == 0) {
        /* While the connection is in the table, recovery finds it if a worker
         * that holds one of its entries dies. */
        if (shmrpci_load_seq(&conn->ledger->entries[SHM_WHOLE].residual) != 0 ||
            is_held(conn)) {
            return false;
        }
        shmrpci_mutex_lock(&listener->table_lock);
        shm_table_remove(listener, conn);
        bool is_missed = listener->farewells != NULL;
        shmrpci_mutex_unlock(&listener->table_lock);
        if (is_missed) {
            shmrpci_event_set(listener->bell_fd); /* wakes a worker, which
                                                   * reports the end */
        }
        shm_worker_links_forget(listener, conn);
    }
    if (is_held(conn)) {
        return false;
    }
    /* If the client has hung up, free the memory now, even if a worker still
     * reads it. If we hung up on the client, keep the memory: the client may
     * still be reading its replies. */
    if (conn->is_orphan) {
        shmrpci_memory_discard(&conn->block.map);
    }
    return shm_conn_is_unused(conn);
}

bool shm_control_reap(shm_listener *listener)
{
    for (shm_conn **at = &listener->closed; *at != NULL;) {
        shm_conn *conn = *at;
        if (advance(conn)) {
            *at = conn->next;
            shm_conn_destroy(conn);
        } else {
            at = &conn->next;
        }
    }
    return listener->closed != NULL;
}

void shm_conn_destroy(shm_conn *conn)
{
    shm_listener *listener = conn->listener;
    size_t bytes = conn->block.map.bytes;
    shm_extent_destroy_all(conn);
    free(conn->waits);
    free(shmrpci_load_relaxed(&conn->farewell));
    shm_block_unmap(&conn->block);
    shmrpci_memory_unmap(&conn->ledger_map);
    shmrpci_fd_close(&conn->fd);
    shmrpci_fd_close(&conn->bell_fd);
    shmrpci_fd_close(&conn->block_fd);
    shmrpci_fd_close(&conn->ledger_fd);
    if (conn->account != NULL) {
        shm_account_refund(listener, conn->account, bytes);
        shm_account_close(listener, conn->account);
    }
    shmrpci_mutex_fini(&conn->grow_lock);
    free(conn);
}
