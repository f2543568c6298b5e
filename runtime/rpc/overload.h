/*
 * Overload: limits beyond which calls are refused rather than queued. A refused
 * caller gets EXHAUSTED and a retry-after.
 *
 *     @limit(at_once: n)   running calls of a method, at one address
 *     client_calls         running calls of one connection
 *     client_rate          calls of one connection in a second
 *     shed_after           a call that has waited longer is not started
 *
 * There is no counter. Each worker writes which call it runs to a word in
 * memory that all workers share, and running calls are counted by reading these
 * words. The word of a dead worker is cleared with its place, so no count can
 * stay wrong.
 *
 *     offset   what, for each address (SHMRPCI_OVERLOAD_PLACES places)
 *          0   head: how many of the places have ever had a worker
 *         64   64 bytes a place: connection and call that its worker runs; how
 *              many of its entries for detached calls have ever been used
 *       4160   buckets of rates: connection + 1, and the time up to which this
 *              connection has used its rate
 *      20544   16 bytes for each call that a place may have detached:
 *              connection, the call
 *
 * and after all addresses 8 bytes a method: how long it takes, in ns.
 *
 *     a call:  bits 0-31 method + 1, or 0: none; 32-63 number of the call among
 *              those of its place
 *
 * A worker writes its place, then counts the others. Two workers that compete
 * for the last permitted call see each other, and both check again, a limited
 * number of times. So no more calls run than allowed, and a caller within the
 * limits is hardly ever refused. A detached call is written to its entry before
 * its place becomes idle. While it is at both, it counts only at the place.
 *
 * Threading: one thread creates, buries and destroys. A worker's functions are
 * called by its own thread. Any thread of the process may end a detached call.
 */
#ifndef SHMRPCI_RPC_OVERLOAD_H
#define SHMRPCI_RPC_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "os/memory.h"
#include "shmrpc/error.h"
#include "shmrpc/stub.h"
#include "sync/atomic.h"

/* The number of places and of buckets in the memory of an address. */
#define SHMRPCI_OVERLOAD_PLACES  64u
#define SHMRPCI_OVERLOAD_BUCKETS 1024u

/* 0: no limit. */
typedef struct shmrpci_overload_rules {
    uint32_t client_calls;
    uint32_t client_rate;
    int64_t shed_after_ns;
} shmrpci_overload_rules;

/* The limits of a service. */
typedef struct shmrpci_overload {
    bool is_used; /* a call may be refused */
    shmrpci_overload_rules rules;
    const shmrpc_service *service;
    const shmrpc_handler *handlers; /* the user's handlers */
    shmrpc_handler *counted;        /* called in place of `handlers`, or NULL */
    int fd;                         /* -1: nothing is counted */
    uint32_t places;
} shmrpci_overload;

/* A detached call that still counts. */
typedef struct shmrpci_overload_detached {
    struct shmrpci_overload_entry *entry; /* NULL: it does not count */
    shmrpci_atomic_u64 *typical;          /* typical duration of the method's
                                           * calls, in the worker's memory */
    int64_t since_ns;
} shmrpci_overload_detached;

/* The state of one worker. */
typedef struct shmrpci_overload_worker {
    const shmrpci_overload *of; /* NULL: nothing is limited */
    shmrpci_map map;
    struct shmrpci_overload_address *address;
    shmrpci_atomic_u64 *typical; /* duration of calls, by method */
    uint32_t index;              /* its place at the address */
    uint32_t number;             /* number of its last call */
    bool is_in;                  /* it is in a call that counts */
    int64_t since_ns;
} shmrpci_overload_worker;

/* A call that a worker has taken. */
typedef struct shmrpci_overload_call {
    uint32_t method; /* index */
    uint64_t connection;
    int64_t waited_ns;
} shmrpci_overload_call;

/* Makes the memory for counting, if there are limits. Returns the statuses of
 * shmrpci_memory_create_sparse. `out` may be destroyed in any case. */
int shmrpci_overload_create(const shmrpc_service *service,
                            const shmrpc_handler *handlers,
                            const shmrpci_overload_rules *rules,
                            uint32_t places, shmrpci_overload *out,
                            shmrpc_error *error);
void shmrpci_overload_destroy(shmrpci_overload *overload);

/* Clears the place of a dead worker, so that its calls no longer count. */
void shmrpci_overload_bury(const shmrpci_overload *overload, uint32_t place);

/* Called by a worker, in its own process: takes its place. If the memory can't
 * be mapped, nothing is counted and no call is refused by a count. */
void shmrpci_overload_join(const shmrpci_overload *overload, uint32_t place,
                           shmrpci_overload_worker *out);
void shmrpci_overload_leave(shmrpci_overload_worker *worker);

/* Counts a call until exit. Returns EXHAUSTED, with `retry_after_ns` in the
 * error, if the call must not run. */
int shmrpci_overload_enter(shmrpci_overload_worker *worker,
                           const shmrpci_overload_call *call,
                           shmrpc_error *error);
/* Stops counting the call. Called before the caller learns that the call is
 * over. A second call has no effect. */
void shmrpci_overload_exit(shmrpci_overload_worker *worker);

/* Lets the call continue without its worker; it counts until _end. Called
 * before the worker leaves the call. _end is called before the caller learns
 * that the call has ended. */
void shmrpci_overload_detach(shmrpci_overload_worker *worker,
                             shmrpci_overload_detached *out);
/* Stops counting a detached call. A second call has no effect. */
void shmrpci_overload_end(shmrpci_overload_detached *call);

#endif
