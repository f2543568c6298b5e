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
    shmrpci_ctx_beside *beside; /* ctx's */
    shmrpc_error error;         /* the error for the caller */
    int32_t pid;                /* of this process */
    uint32_t *result_bytes;     /* moving estimate of the reply's size, for each
                                 * method */
    shmrpci_counter counter;
    shmrpci_overload_worker overload;
    uint32_t row;        /* the counter's row of the running method */
    bool is_ok;          /* the last call counted as OK */
    bool is_detached;    /* number of the running call: see detach.c */
    const void *pointed; /* parameters, where these are a pointer to a flat
                          * value */
    shmrpci_dispatch_room *room;
    shmrpci_stats_row *rows; /* the counter's, while is_detached */
    struct shmrpci_detached_set *detached; /* allocated with the first detached
                                            * call; or NULL */
    _Alignas(64) uint8_t image[SHMRPCI_POST_MAX_BYTES]; /* of a short result */
} shmrpci_dispatcher;

/* ---- admit.c ---- */

/* Takes the metadata off a request that has some. False: malformed. */
bool shmrpci_dispatch_take_beside(shmrpci_dispatcher *w,
                                  shmrpci_request *request);
/* Whether the call may run: limits, access, authorize, interceptors. If not,
 * w->error, which was clear, says why. */
int shmrpci_dispatch_admit(shmrpci_dispatcher *w, shmrpci_request *request,
                           uint32_t index);
/* An admitted call is over: reports the end of its peer, if that has left
 * meanwhile. */
void shmrpci_dispatch_part(shmrpci_dispatcher *w);

/* ---- dispatch.c ---- */

/* Allocates the members that each call needs for itself. False: out of memory.
 * Strip frees them, also if incomplete. */
bool shmrpci_dispatcher_equip(shmrpci_dispatcher *w);
void shmrpci_dispatcher_strip(shmrpci_dispatcher *w);

/* Ends a detached call whose handler has returned `status`, with `result` if
 * that is OK: replies and counts. */
void shmrpci_dispatch_reply(shmrpci_dispatcher *w, shmrpci_request *request,
                            int status, const void *result);
/* The same with ABORTED, without reading memory that the program may be
 * changing. */
void shmrpci_dispatch_abandon(shmrpci_dispatcher *w, shmrpci_request *request,
                              const char *why);
/* After either: tells the interceptors of the end. */
void shmrpci_dispatch_tell(shmrpci_dispatcher *w, int32_t status);

#endif
