/*
 * A worker's state while it serves a call, and the part of it that a detached
 * call takes over (detach.h).
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPCI_RPC_DISPATCH_H
#define SHMRPCI_RPC_DISPATCH_H

#include "rpc/server.h"

/* Parameters, results and bodies up to this size need no arena. */
#define SHMRPCI_LOCAL_BYTES 1024

/* Memory for the call being served. */
typedef struct shmrpci_dispatch_room {
    _Alignas(64) uint8_t params[SHMRPCI_LOCAL_BYTES];
    _Alignas(64) uint8_t result[SHMRPCI_LOCAL_BYTES];
    _Alignas(64) uint8_t body[SHMRPCI_LOCAL_BYTES];
} shmrpci_dispatch_room;

typedef struct shmrpci_dispatcher {
    const shmrpci_served *served;
    shmrpci_participant *participant;
    const shmrpci_worker_ops *ops;
    const shmrpci_shared_ops *shared; /* or NULL */
    shmrpci_arena arena;
    shmrpc_ctx ctx;
    shmrpci_ctx_beside *beside; /* the same as ctx.beside */
    shmrpc_error error;         /* the error for the caller */
    int32_t pid;                /* of this process */
    uint32_t *result_bytes;     /* moving estimate of the reply's size, for each
                                 * method */
    shmrpci_counter counter;
    shmrpci_overload_worker overload;
    uint32_t row;        /* the counter's row of the running method */
    bool is_ok;          /* the last call counted as OK */
    bool is_detached;    /* the running call was detached: see detach.c */
    const void *pointed; /* the parameters of a method whose parameter is a
                          * pointer to a flat value */
    shmrpci_dispatch_room *room;
    shmrpci_stats_row *rows; /* saves counter.rows while is_detached is set */
    struct shmrpci_detached_set *detached; /* allocated with the first detached
                                            * call; or NULL */
    _Alignas(64) uint8_t image[SHMRPCI_POST_MAX_BYTES]; /* bytes of a short
                                                         * result */
} shmrpci_dispatcher;

/* ---- admit.c ------------------------------------------------------------- */

/* Removes the metadata from a request that has some. Returns false if it is
 * malformed. */
bool shmrpci_dispatch_take_beside(shmrpci_dispatcher *w,
                                  shmrpci_request *request);
/* Returns OK if limits, access rules, authorize and interceptors let the call
 * run. Otherwise w->error says why not. The caller clears w->error before. */
int shmrpci_dispatch_admit(shmrpci_dispatcher *w, shmrpci_request *request,
                           uint32_t index);
/* Called when an admitted call is over. If the caller is a peer behind a relay
 * and has left during the call, reports that to the service. */
void shmrpci_dispatch_part(shmrpci_dispatcher *w);

/* ---- dispatch.c ---------------------------------------------------------- */

/* Allocates the members that each call needs for itself. Returns false if
 * memory is short. shmrpci_dispatcher_strip frees them, also after
 * shmrpci_dispatcher_equip failed. */
bool shmrpci_dispatcher_equip(shmrpci_dispatcher *w);
void shmrpci_dispatcher_strip(shmrpci_dispatcher *w);

/* Ends a detached call that the program answers with `status`, and with
 * `result` if it is OK. Replies and counts. */
void shmrpci_dispatch_reply(shmrpci_dispatcher *w, shmrpci_request *request,
                            int status, const void *result);
/* Ends a detached call with ABORTED, without reading memory that the program
 * may be changing. */
void shmrpci_dispatch_abandon(shmrpci_dispatcher *w, shmrpci_request *request,
                              const char *why);
/* Called after reply or abandon: tells the interceptors of the end. */
void shmrpci_dispatch_tell(shmrpci_dispatcher *w, int32_t status);

#endif
