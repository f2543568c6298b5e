/*
 * Recovery after a worker's death. Every step is idempotent, so the recovering
 * process may itself die in the middle. Ringing comes last, so that a worker
 * that it wakes finds everything in place.
 */
#include "transport/shm/server.h"

#include "base/assert.h"
#include "os/futex.h"
#include "os/poll.h"

/* Whether the call is not DONE yet: its word is SUBMITTED(gen), or FREE(gen) if
 * its client has given it up. */
static bool is_unfinished(uint32_t word, uint32_t held)
{
    uint32_t state = shm_word_state(word);
    return shm_held_for(held, word) &&
           (state == SHM_SUBMITTED || state == SHM_FREE);
}

/* If the dead worker had taken an extent for a reply that it did not finish,
 * makes the extent idle. Called before the client can use the slot again. After
 * DONE the extent belongs to the client. */
static void release_extents(shm_conn *conn, uint32_t slot, uint32_t held)
{
    if (is_unfinished(shmrpci_load_seq(&conn->block.slots[slot].word), held)) {
        shm_extent_recover(conn, slot);
    }
    shmrpci_store_seq(&conn->ledger->entries[slot].uses, UINT64_C(0));
}

/* Ends the streams of the dead worker's call. The client still reads complete
 * items before it sees the end. If the worker was already replying, the streams
 * have ended. */
static void end_streams(shm_conn *conn, uint32_t slot, uint32_t held)
{
    const shm_ledger_entry *entry = &conn->ledger->entries[slot];
    if (shm_held_is_claimed(held) &&
        is_unfinished(shmrpci_load_seq(&conn->block.slots[slot].word), held) &&
        shmrpci_load_acquire(&entry->ended) != held >> SHM_GEN_SHIFT) {
        shm_streams_lose(conn, slot);
    }
}

/* Changes a running call to ABORTED. A call that the worker had not claimed yet
 * (TRIES) is left to other workers. */
static void abort_slot(shm_slot *slot, uint32_t held)
{
    uint32_t word = shmrpci_load_seq(&slot->word);
    while (shm_held_is_claimed(held) && is_unfinished(word, held) &&
           !shmrpci_cas_seq(&slot->word, &word,
                            shm_word_moved(word, SHM_ABORTED))) {
    }
}

/* The slot of the call that a worker holds, or SHM_SLOTS if it holds none of
 * this connection. */
static uint32_t find_held(const shm_conn *conn, uint32_t index)
{
    uint32_t slot = conn->ledger != NULL ? 0 : SHM_SLOTS;
    for (; slot < SHM_SLOTS; slot++) {
        uint32_t held = shmrpci_load_seq(&conn->ledger->entries[slot].held);
        if (held != 0 && shm_held_owner(held) == index &&
            shm_held_how(held) == SHM_HOLDS) {
            break;
        }
    }
    return slot;
}

/* Returns the connection of the call that a worker holds, and its slot; NULL if
 * it holds none. */
static const shm_conn *find_call(const shmrpci_listener *base, uint32_t index,
                                 uint32_t *out_slot)
{
    const shm_listener *listener = (const shm_listener *)(const void *)base;
    for (size_t i = 0; i < listener->table_count; i++) {
        *out_slot = find_held(listener->table[i], index);
        if (*out_slot < SHM_SLOTS) {
            return listener->table[i];
        }
    }
    const shm_conn *conn = listener->closed;
    while (conn != NULL && (*out_slot = find_held(conn, index)) == SHM_SLOTS) {
        conn = conn->next;
    }
    return conn;
}

bool shm_observe_call(const shmrpci_listener *base, uint32_t index,
                      uint32_t *out_method)
{
    uint32_t at;
    const shm_conn *conn = find_call(base, index, &at);
    if (conn == NULL) {
        return false;
    }
    /* Relaxed: if a client lies here, the call is merely counted for another
     * method. */
    *out_method = shmrpci_load_relaxed(&conn->block.slots[at].method);
    return is_unfinished(shmrpci_load_seq(&conn->block.slots[at].word),
                         shmrpci_load_seq(&conn->ledger->entries[at].held));
}

bool shm_observe_abandoned(const shmrpci_listener *base, uint32_t index)
{
    uint32_t at;
    const shm_conn *conn = find_call(base, index, &at);
    if (conn == NULL) {
        return false;
    }
    uint32_t word = shmrpci_load_seq(&conn->block.slots[at].word);
    /* If a newer call is on the slot, the client has given up the call that the
     * worker holds. */
    return shmrpci_load_acquire(&conn->ledger->entries[SHM_WHOLE].closed) !=
               0 ||
           shm_word_state(word) == SHM_FREE ||
           !shm_held_for(shmrpci_load_seq(&conn->ledger->entries[at].held),
                         word);
}

/* Wakes all sleepers: the dead worker may have freed an entry without waking
 * them. */
static void wake(shm_conn *conn)
{
    uint64_t asleep = shmrpci_load_seq(conn->block.sleepers);
    for (; asleep != 0; asleep &= asleep - 1) {
        shm_slot *slot = &conn->block.slots[__builtin_ctzll(asleep)];
        if (shm_word_state(shmrpci_load_seq(&slot->word)) != SHM_SUBMITTED) {
            shmrpci_futex_wake(&slot->word, INT32_MAX);
        }
    }
    shm_conn_tell(conn);
}

static void recover_conn(shm_conn *conn, uint32_t index)
{
    SHMRPCI_ASSERT(conn->ledger != NULL && conn->block.slots != NULL,
                   "a connection in the table is mapped");
    uint64_t hints = 0;
    for (uint32_t i = 0; i < SHM_SLOTS; i++) {
        shm_slot *slot = &conn->block.slots[i];
        uint32_t held = shmrpci_load_seq(&conn->ledger->entries[i].held);
        if (held != 0 && shm_held_owner(held) == index) {
            end_streams(conn, i, held);
            release_extents(conn, i, held);
            abort_slot(slot, held);
            (void)shmrpci_exchange_seq(&conn->ledger->entries[i].held, 0u);
        }
        if (shm_word_state(shmrpci_load_seq(&slot->word)) == SHM_SUBMITTED) {
            hints |= UINT64_C(1) << i;
        }
    }
    (void)shmrpci_or_seq(conn->block.pending, hints);
    wake(conn);
}

void shm_recover_closed(shm_listener *listener, uint32_t index)
{
    for (shm_conn *conn = listener->closed; conn != NULL; conn = conn->next) {
        for (uint32_t i = 0; conn->ledger != NULL && i < SHM_SLOTS; i++) {
            shmrpci_atomic_u32 *at = &conn->ledger->entries[i].held;
            uint32_t held = shmrpci_load_seq(at);
            if (held != 0 && shm_held_owner(held) == index) {
                abort_slot(&conn->block.slots[i], held);
                (void)shmrpci_exchange_seq(at, 0u);
            }
        }
    }
}

void shm_recover(shmrpci_listener *base, uint32_t index)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    SHMRPCI_ASSERT(index < SHM_MAX_WORKERS, "a worker has a place");
    uint64_t me = UINT64_C(1) << index;
    (void)shmrpci_and_seq(&listener->status->idle, ~me);
    shmrpci_store_seq(&listener->status->lease, UINT64_C(0));
    (void)shmrpci_and_seq(&listener->shared->present, ~me);
    (void)shmrpci_and_seq(&listener->shared->streaming, ~me);
    shmrpci_store_relaxed(&listener->shared->workers[index].detached, 0u);
    /* While we hold table_lock, no connection in the table can be freed. */
    shmrpci_mutex_lock(&listener->table_lock);
    for (size_t i = 0; i < listener->table_count; i++) {
        recover_conn(listener->table[i], index);
    }
    shmrpci_mutex_unlock(&listener->table_lock);
    shmrpci_store_seq(&listener->places[index].seen, SHM_OFFLINE);
    shmrpci_store_release(&listener->places[index].taken, 0u);
    shmrpci_event_set(listener->bell_fd);
}
