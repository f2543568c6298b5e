/*
 * Memory that the processes of a server share and that no client can write: the
 * ledgers (layout.h), and the state that workers and supervisor exchange.
 *
 * One file for the service (all workers, and the number of the last change),
 * one for each connection (its ledger).  Both are sealed memory files that the
 * listener makes; a worker in another process gets their descriptors over its
 * link (worker_link.h).  A connection's file dies with the connection, so that
 * a late worker can never find another connection's ledger in it.
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
    SHM_ORDER_CUT /* the same, and its streams end */
} shm_order;

/* A worker. It alone writes the second part, several times a call; others read
 * it only a few times a second. */
typedef struct shm_worker_shared {
    /* shm_order; written by the control loop, or by the worker when it finds
     * that its supervisor is gone. Release; the worker acquires. */
    _Alignas(128) shmrpci_atomic_u32 order;
    /* 0 when it is assigned; the worker writes 1 when it takes its place.
     * Release; acquire. */
    shmrpci_atomic_u32 arrived;
    /* Incremented when it may wait in a stream whose other end has gone; a
     * futex (stream.h). */
    shmrpci_atomic_u32 alarm;
    /* Calls that it has detached and that are not answered. Written by the
     * thread that detaches or answers one, and by recovery. Relaxed: for
     * observers. */
    shmrpci_atomic_u32 detached;

    /* All relaxed: for observers only; they publish nothing. */
    _Alignas(128) shmrpci_atomic_u64 since; /* start of the call in progress, in
                                             * ticks; 0: none */
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
    /* Counts changes that workers in other processes must check: packets on
     * their links, connections that are gone. Sequentially consistent,
     * incremented after the change; workers compare it before they search. */
    _Alignas(128) shmrpci_atomic_u64 changes;
    /* Bitmaps of the running workers, and of those in calls with streams. A bit
     * is written by its worker, or by the thread that recovers it. Sequentially
     * consistent. */
    _Alignas(128) shmrpci_atomic_u64 present;
    shmrpci_atomic_u64 streaming;
    shm_worker_shared workers[SHM_MAX_WORKERS];
} shm_service_shared;

#define SHM_SHARED_MAGIC UINT64_C(0x3130727653687273) /* "srhSvr01" */

_Static_assert(sizeof(shm_worker_shared) == 256, "worker");

#endif
