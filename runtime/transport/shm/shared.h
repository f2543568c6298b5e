/*
 * Memory that the processes of a server share and that no client can write: the
 * ledgers (layout.h), and the state that workers and supervisor exchange.
 *
 * There is one file for the service (the state of all workers, and the change
 * counter) and one for each connection (its ledger). All are sealed memory
 * files that the listener makes; a worker in another process gets their
 * descriptors over its link (worker_link.h). A connection's file is never
 * reused, so a late worker can't find another connection's ledger in it.
 *
 * Threading: every field that changes is atomic.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_SHARED_H
#define SHMRPCI_TRANSPORT_SHM_SHARED_H

#include "os/memory.h"
#include "transport/shm/layout.h"

#define SHM_MAX_WORKERS 64u

typedef enum shm_order {
    SHM_ORDER_WORK,
    SHM_ORDER_LEAVE,
    SHM_ORDER_CUT /* leave, and end its streams at once */
} shm_order;

/* State of one worker. Only the worker writes the second part, several times
 * per call; others read it only a few times a second. */
typedef struct shm_worker_shared {
    /* A shm_order. Written by the control loop, or by the worker when it finds
     * that its supervisor is gone. Stored with release; the worker acquires. */
    _Alignas(128) shmrpci_atomic_u32 order;
    /* 0 when the place is assigned; the worker stores 1 (release) when it takes
     * its place. Readers acquire. */
    shmrpci_atomic_u32 arrived;
    /* A futex, incremented when the worker may be waiting in a stream whose
     * other end has gone (stream.h). */
    shmrpci_atomic_u32 alarm;
    /* Number of calls that the worker has detached and that are not answered
     * yet. Written by the thread that detaches or answers a call, and by
     * recovery. Relaxed: only observers read it. */
    shmrpci_atomic_u32 detached;

    /* The fields below are relaxed: only observers read them, and they publish
     * nothing. */
    _Alignas(128) shmrpci_atomic_u64 since; /* start of the call in progress, in
                                             * ticks; 0 if none */
    shmrpci_atomic_u64 deadline_ns;         /* of that call */
    shmrpci_atomic_u64 busy_ticks;          /* time in handlers of calls that
                                             * have ended */
    shmrpci_atomic_u64 calls;               /* number of calls that have
                                             * ended */
} shm_worker_shared;

typedef struct shm_service_shared {
    uint64_t magic;
    uint32_t version;
    uint32_t reserved;
    /* Counts changes that workers in other processes must check for: packets on
     * their links, connections that are gone. Incremented after the change,
     * sequentially consistently; workers compare it with their last value
     * before they search. */
    _Alignas(128) shmrpci_atomic_u64 changes;
    /* Bitmaps of the running workers, and of those in calls with streams. A bit
     * is written by its worker or by the thread that recovers the worker.
     * Sequentially consistent. */
    _Alignas(128) shmrpci_atomic_u64 present;
    shmrpci_atomic_u64 streaming;
    shm_worker_shared workers[SHM_MAX_WORKERS];
} shm_service_shared;

#define SHM_SHARED_MAGIC UINT64_C(0x3130727653687273) /* "srhSvr01" */

_Static_assert(sizeof(shm_worker_shared) == 256, "worker");

#endif
