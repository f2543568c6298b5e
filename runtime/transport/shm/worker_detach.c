/*
 * Calls that outlive their handlers.
 *
 * Replying needs the state that a worker keeps for the call it serves. So a
 * detached call gets a worker struct of its own, a shadow. A shadow claims no
 * calls and uses no table; it has only this call, and answers it with the same
 * functions. The ledger entry remains the real worker's, so the death of that
 * worker ends the detached call like any call that it serves.
 */
#include "transport/shm/worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/poll.h"
#include "transport/shm/stream.h"

typedef struct shm_shadow {
    shm_worker worker;        /* must be the first member */
    shm_worker_shared unseen; /* receives the shadow's counts, which nobody
                               * reads, as the worker has counted the call */
    shm_worker_shared *owner; /* the real worker's counts */
    shm_conn *conn;
} shm_shadow;

static shm_shadow *create(void)
{
    size_t bytes = (sizeof(shm_shadow) + 127) / 128 * 128;
    shm_shadow *shadow = aligned_alloc(128, bytes);
    if (shadow == NULL) {
        return NULL;
    }
    memset(shadow, 0, bytes);
    shadow->worker.in = shm_worker_make_room();
    if (shadow->worker.in == NULL) {
        free(shadow);
        return NULL;
    }
    return shadow;
}

/* Moves the call to the shadow. A short request stays in its buffer, so the
 * worker gets a new buffer. */
static void take_over(shm_shadow *shadow, shm_worker *worker)
{
    shm_worker *own = &shadow->worker;
    uint8_t *room = own->in;
    own->in = worker->in;
    worker->in = room;
    own->base.transport = worker->base.transport;
    own->listener = worker->listener;
    own->index = worker->index;
    own->poll_set = -1;
    shmrpci_spinner_init(&own->stream_spinner, own->listener->opts.profile,
                         SHMRPCI_SIDE_WORKER);
    own->shared = &shadow->unseen;
    own->order = worker->order;
    own->conn = worker->conn;
    own->slot = worker->slot;
    own->gen = worker->gen;
    own->method = worker->method;
    own->flags = worker->flags;
    own->began = worker->began;
    own->reply_span = worker->reply_span;
    own->reply_at = worker->reply_at;
    own->target = SHM_REPLY_STAGING;
    own->rings = worker->rings;
    own->is_shadow = true;
    shadow->owner = worker->shared;
    shadow->conn = worker->conn;
}

/* Moves the streams to the shadow, and frees the worker's stream place. */
static void take_streams(shm_worker *own, const shm_worker *worker)
{
    if ((own->flags & SHM_MSG_STREAMS) == 0 || worker->stream == NULL) {
        return;
    }
    own->stream = worker->stream;
    own->stream->owner = own;
    own->stream->spinner = &own->stream_spinner;
    (void)shmrpci_and_seq(&own->listener->shared->streaming,
                          ~(UINT64_C(1) << own->index));
}

int shm_worker_detach(shmrpci_request *request, shmrpci_request *out)
{
    shm_worker *worker = (shm_worker *)(void *)request->participant;
    shm_shadow *shadow = create();
    if (shadow == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    SHMRPCI_ASSERT(worker->granted == 0 && worker->conn != NULL,
                   "only a call that is being served is detached");
    take_over(shadow, worker);
    take_streams(&shadow->worker, worker);
    (void)shmrpci_add_seq(&worker->conn->pins, 1u);
    (void)shmrpci_add_relaxed(&worker->shared->detached, 1u);
    /* Release, as for a claim. Functions that find out which call a dead worker
     * was running skip entries in the state KEEPS. */
    shmrpci_store_release(&worker->conn->ledger->entries[worker->slot].held,
                          shm_held(worker->gen, worker->index, SHM_KEEPS));
    *out = *request;
    out->participant = &shadow->worker.base;
    shm_worker_part(worker);
    return SHMRPC_OK;
}

/* Rings, by rule 4, for a thread that will not scan again: the hint may have
 * been cleared while the entry was held. A worker that is about to sleep
 * sets its idle bit and then checks, so either we see the bit or it sees the
 * request. */
static void ring(const shm_worker *own, const shm_conn *conn)
{
    if (own->is_cold) {
        (void)shmrpci_or_seq(conn->block.pending, UINT64_C(1) << own->slot);
        if (shmrpci_load_seq(&own->listener->status->idle) != 0) {
            shmrpci_event_set(own->listener->bell_fd);
        }
    }
}

void shm_worker_detached_end(shmrpci_request *request)
{
    shm_shadow *shadow = (shm_shadow *)(void *)request->participant;
    SHMRPCI_ASSERT(shadow->worker.conn == NULL, "the call was answered");
    ring(&shadow->worker, shadow->conn);
    (void)shmrpci_add_relaxed(&shadow->owner->detached, UINT32_MAX);
    (void)shmrpci_add_seq(&shadow->conn->pins, UINT32_MAX);
    free(shadow->worker.in);
    free(shadow);
}
