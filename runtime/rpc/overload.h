/*
 * Overload: calls that are refused, rather than queued, while there is too much
 * to do.  Who is refused gets EXHAUSTED, and is told when to come again.
 *
 *     @limit(at_once: n)   of a method, at one address
 *     client_calls         of one connection at once
 *     client_rate          of one connection, in a second
 *     shed_after           a call that has waited for longer is not begun
 *
 * What runs is counted from what each worker says of itself, in memory that
 * all workers share: a word that a dead worker leaves is taken away with its
 * place, so there is no count that could stay wrong.
 *
 *     offset   what, for each address (SHMRPCI_OVERLOAD_PLACES places)
 *          0   head: how many of the places have ever had a worker
 *         64   64 bytes a place: connection; its call; how many of its calls
 *              have ever been detached at a time
 *       4160   buckets of rates: connection + 1, and until when its calls are
 *              paid for
 *      20544   16 bytes for each call that a place may have detached:
 *              connection, the call
 *     behind   8 bytes a method: how long it takes, in ns
 *
 *     a call:  bits 0-31 method + 1, or 0: none; 32-63: which of the place's
 *
 * A worker writes its place, then counts the others; two that come for one
 * place of a method both see each other, and look again. So no more run than
 * may, and nobody is refused who keeps to the limits. A call that is detached
 * is written there before its place is idle: while the place still has it, it
 * counts there alone.
 *
 * Threading: create, bury, destroy: one thread; a worker's functions its own;
 * the end of a detached call: any thread of its process.
 */
#ifndef SHMRPCI_RPC_OVERLOAD_H
#define SHMRPCI_RPC_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "os/memory.h"
#include "shmrpc/error.h"
#include "shmrpc/stub.h"
#include "sync/atomic.h"

/* Of an address. */
#define SHMRPCI_OVERLOAD_PLACES  64u
#define SHMRPCI_OVERLOAD_BUCKETS 1024u

/* 0: no limit. */
typedef struct shmrpci_overload_rules {
    uint32_t client_calls;
    uint32_t client_rate;
    int64_t shed_after_ns;
} shmrpci_overload_rules;

/* Of a service. */
typedef struct shmrpci_overload {
    bool is_used; /* anything may be refused */
    shmrpci_overload_rules rules;
    const shmrpc_service *service;
    const shmrpc_handler *handlers; /* of the user */
    shmrpc_handler *counted;        /* what is called in their place, or NULL */
    int fd;                         /* -1: nothing is counted */
    uint32_t places;
} shmrpci_overload;

/* A call that counts, though it has been detached from its worker. */
typedef struct shmrpci_overload_detached {
    struct shmrpci_overload_entry *entry; /* NULL: it does not count */
    shmrpci_atomic_u64 *typical;          /* of its method */
    int64_t since_ns;
} shmrpci_overload_detached;

/* Of one worker. */
typedef struct shmrpci_overload_worker {
    const shmrpci_overload *of; /* NULL: nothing is limited */
    shmrpci_map map;
    struct shmrpci_overload_address *address;
    shmrpci_atomic_u64 *typical; /* of each method */
    uint32_t index;              /* of its place at the address */
    uint32_t number;             /* of its last call */
    bool is_in;                  /* a call that counts */
    int64_t since_ns;
} shmrpci_overload_worker;

/* A call that a worker has taken. */
typedef struct shmrpci_overload_call {
    uint32_t method; /* index */
    uint64_t connection;
    int64_t waited_ns;
} shmrpci_overload_call;

/* Statuses of shmrpci_memory_create_sparse. `out` can be destroyed in any case.
 */
int shmrpci_overload_create(const shmrpc_service *service,
                            const shmrpc_handler *handlers,
                            const shmrpci_overload_rules *rules,
                            uint32_t places, shmrpci_overload *out,
                            shmrpc_error *error);
void shmrpci_overload_destroy(shmrpci_overload *overload);

/* The worker of a place is dead: it is in no call any more. */
void shmrpci_overload_bury(const shmrpci_overload *overload, uint32_t place);

/* Takes the place of a worker, in whatever process. Where the memory can't be
 * mapped, nothing is counted, and all may call. */
void shmrpci_overload_join(const shmrpci_overload *overload, uint32_t place,
                           shmrpci_overload_worker *out);
void shmrpci_overload_leave(shmrpci_overload_worker *worker);

/* EXHAUSTED, with `retry_after_ns`: it is not to run. Else it counts until
 * exit. */
int shmrpci_overload_enter(shmrpci_overload_worker *worker,
                           const shmrpci_overload_call *call,
                           shmrpc_error *error);
/* Before its caller learns that it is over. Does nothing twice. */
void shmrpci_overload_exit(shmrpci_overload_worker *worker);

/* The call goes on without its worker, and counts until _end, which is called
 * before the worker leaves, and before the caller learns of it. */
void shmrpci_overload_detach(shmrpci_overload_worker *worker,
                             shmrpci_overload_detached *out);
/* Does nothing twice. */
void shmrpci_overload_end(shmrpci_overload_detached *call);

#endif
