/*
 * A worker's state while it serves a call, and what of it a call takes along
 * that is detached (detach.h).
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPCI_RPC_DISPATCH_H
#define SHMRPCI_RPC_DISPATCH_H

#include "rpc/server.h"

/* Parameters, results and bodies up to here need no arena. */
#define SHMRPCI_LOCAL_BYTES 1024

/* Of the call that is served. */
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
    shmrpci_ctx_beside *beside; /* ctx's */
    shmrpc_error error;         /* what the caller will be told */
    int32_t pid;                /* of this process */
    uint32_t *result_bytes;     /* moving estimate, for each method */
    shmrpci_counter counter;
    shmrpci_overload_worker overload;
    uint32_t row;        /* of it, for the method that runs */
    bool is_ok;          /* the call that ended was counted as one */
    bool is_detached;    /* the call that runs: see detach.c */
    const void *pointed; /* parameters that are a pointer to a flat value */
    shmrpci_dispatch_room *room;
    shmrpci_stats_row *rows; /* the counter's, while is_detached */
    struct shmrpci_detached_set *detached; /* made with the first; or NULL */
    _Alignas(64) uint8_t image[SHMRPCI_POST_MAX_BYTES]; /* of a short result */
} shmrpci_dispatcher;

/* ---- admit.c ---- */

/* Takes the metadata off a request that has some. False: it is malformed. */
bool shmrpci_dispatch_take_beside(shmrpci_dispatcher *w,
                                  shmrpci_request *request);
/* Whether it may run: limits, access, authorize, interceptors. If not,
 * w->error, which is clear, says why. */
int shmrpci_dispatch_admit(shmrpci_dispatcher *w, shmrpci_request *request,
                           uint32_t index);
/* A call that was admitted is over: tells of the end of its peer, if that has
 * left meanwhile. */
void shmrpci_dispatch_part(shmrpci_dispatcher *w);

/* ---- dispatch.c ---- */

/* What each call has for itself. False: no memory. Strip gives it back, also
 * half of it. */
bool shmrpci_dispatcher_equip(shmrpci_dispatcher *w);
void shmrpci_dispatcher_strip(shmrpci_dispatcher *w);

/* Ends a call whose handler has ended in `status`, with `result` if that is OK:
 * replies and counts. Of a call that was detached. */
void shmrpci_dispatch_reply(shmrpci_dispatcher *w, shmrpci_request *request,
                            int status, const void *result);
/* The same in ABORTED, without a look at what the program may be changing.
 */
void shmrpci_dispatch_abandon(shmrpci_dispatcher *w, shmrpci_request *request,
                              const char *why);
/* After either: those who look on learn of the end. */
void shmrpci_dispatch_tell(shmrpci_dispatcher *w, int32_t status);

#endif
