/* What the supervisor can observe of workers and of waiting requests. */
#include "transport/shm/server.h"

#include <stdlib.h>

#include "base/assert.h"
#include "observe/clients.h"

/* The slots that waited at the last check: their generations, and since when
 * they have waited. */
struct shm_waits {
    uint16_t gens[SHM_SLOTS];
    int64_t since_ns[SHM_SLOTS];
};

void shm_observe_worker(const shmrpci_listener *base, uint32_t index,
                        shmrpci_worker_view *out)
{
    const shm_listener *listener = (const shm_listener *)(const void *)base;
    SHMRPCI_ASSERT(index < SHM_MAX_WORKERS, "a worker number is in range");
    const shm_worker_shared *worker = &listener->shared->workers[index];
    /* Relaxed: if a call ends between these loads, the result is off by one
     * call. */
    uint64_t since = shmrpci_load_relaxed(&worker->since);
    uint64_t busy = shmrpci_load_relaxed(&worker->busy_ticks);
    int64_t now_in_it = (int64_t)(shmrpci_ticks() - since);
    if (since != 0 && now_in_it > 0) {
        busy += (uint64_t)now_in_it;
    }
    bool has_streams =
        (shmrpci_load_relaxed(&listener->shared->streaming) >> index & 1) != 0;
    uint32_t detached = shmrpci_load_relaxed(&worker->detached);
    bool is_in_call = since != 0 || has_streams;
    *out = (shmrpci_worker_view){
        .busy_ns = shmrpci_ns_of_ticks(busy),
        .calls = shmrpci_load_relaxed(&worker->calls),
        .has_arrived = shmrpci_load_acquire(&worker->arrived) != 0,
        .is_busy = is_in_call || detached != 0,
        .is_running = since != 0,
        .has_streams = has_streams,
        .detached = detached,
        .deadline_ns = is_in_call
                           ? (int64_t)shmrpci_load_relaxed(&worker->deadline_ns)
                           : SHMRPCI_NEVER_NS};
}

/* Checks one slot. If it waited at the last check with the same generation, it
 * has waited ever since. */
static void look_at(shm_conn *conn, uint32_t slot, int64_t now_ns,
                    shmrpci_load_view *out)
{
    uint64_t bit = UINT64_C(1) << slot;
    uint32_t word = shmrpci_load_acquire(&conn->block.slots[slot].word);
    uint16_t gen = (uint16_t)shm_word_gen(word);
    if (!shm_conn_waits(conn, slot)) {
        conn->waiting &= ~bit;
        return;
    }
    out->waiting++;
    if (conn->waits == NULL) {
        conn->waits = malloc(sizeof *conn->waits);
        if (conn->waits == NULL) {
            return;
        }
    }
    struct shm_waits *waits = conn->waits;
    if ((conn->waiting & bit) == 0 || waits->gens[slot] != gen) {
        conn->waiting |= bit;
        waits->gens[slot] = gen;
        waits->since_ns[slot] = now_ns;
    }
    int64_t age_ns = now_ns - waits->since_ns[slot];
    out->age_ns = age_ns > out->age_ns ? age_ns : out->age_ns;
}

void shm_observe_load(shmrpci_listener *base, shmrpci_load_view *out)
{
    shm_listener *listener = (shm_listener *)(void *)base;
    int64_t now_ns = shmrpci_now_ns();
    *out = (shmrpci_load_view){0, 0};
    for (size_t i = 0; i < listener->table_count; i++) {
        shm_conn *conn = listener->table[i];
        for (uint32_t slot = 0; slot < SHM_SLOTS; slot++) {
            if (conn->state == SHM_CONN_OPEN) {
                look_at(conn, slot, now_ns, out);
            }
        }
    }
}

/* ---- clients --------------------------------------------------------- */

/* Relaxed: it is a gauge for people. Adding -1 works too, because the counter
 * wraps. */
static void count_open(const shm_listener *listener, int change)
{
    if (listener->opts.gauges != NULL) {
        (void)shmrpci_add_relaxed(&listener->opts.gauges->connections,
                                  (uint64_t)(int64_t)change);
    }
}

void shm_conn_show(shm_conn *conn)
{
    count_open(conn->listener, 1);
    conn->seat =
        shmrpci_stats_client_enter(conn->listener->opts.gauges, &conn->who);
}

void shm_conn_hide(shm_conn *conn)
{
    shmrpci_stats_client_leave(conn->listener->opts.gauges, conn->seat);
    conn->seat = 0;
    count_open(conn->listener, -1);
}
