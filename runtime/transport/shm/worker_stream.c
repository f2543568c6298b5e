/* Streams on the worker's side, and the rings of calls that nobody serves. */
#include "transport/shm/worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "os/process.h"
#include "transport/shm/stream.h"
#include "transport/shm/worker_mirror.h"

/* ---- memory of the rings ------------------------------------------------- */

static bool is_size(uint32_t bytes)
{
    return bytes == 0 || (bytes >= SHMRPCI_STREAM_MIN_BYTES &&
                          bytes <= SHMRPCI_STREAM_MAX_BYTES &&
                          bytes % SHMRPCI_STREAM_ALIGN == 0);
}

/* Whether a correct client could have sent these values. */
static bool is_sound(const shm_streams *said)
{
    return is_size(said->in_bytes) && is_size(said->out_bytes) &&
           said->in_bytes + said->out_bytes != 0 &&
           said->in_bytes + said->out_bytes <= said->span.size &&
           said->span.offset % SHMRPCI_STREAM_ALIGN == 0;
}

static void lay_out(const shm_streams *said, uint8_t *at,
                    shmrpci_stream_rings *out)
{
    *out = (shmrpci_stream_rings){
        .in = (shmrpci_stream_ring *)(void *)at,
        .out = (shmrpci_stream_ring *)(void *)(at + said->in_bytes),
        .in_bytes = said->in_bytes,
        .out_bytes = said->out_bytes};
}

shmrpc_status shm_worker_note_streams(shm_worker *worker,
                                      const uint8_t *payload)
{
    shm_conn *conn = worker->conn;
    shmrpci_atomic_u64 *uses = &conn->ledger->entries[worker->slot].uses;
    shm_streams said;
    uint8_t *at;
    memcpy(&said, payload, sizeof said);
    worker->is_cold = true; /* handlers with streams take long */
    worker->rings = (shmrpci_stream_rings){.in_bytes = 0};
    worker->stream = NULL;
    (void)shmrpci_or_seq(uses, SHM_USES_STREAMS);
    if (!is_sound(&said)) {
        return SHMRPC_E_INVALID;
    }
    shm_extent_note(conn, worker->slot, said.span.region);
    shmrpc_status status =
        shm_extent_at(conn, said.span.region, said.span.offset,
                      (uint64_t)said.in_bytes + said.out_bytes, &at);
    if (status == SHMRPC_OK) {
        lay_out(&said, at, &worker->rings);
    }
    return status;
}

void shm_worker_end_streams(shm_worker *worker)
{
    shm_ledger_entry *entry = &worker->conn->ledger->entries[worker->slot];
    shmrpci_atomic_u64 *streaming = &worker->listener->shared->streaming;
    shmrpci_stream_rings_lose(&worker->rings);
    if (!worker->is_shadow) { /* a shadow does not occupy its worker's stream
                               * place */
        (void)shmrpci_and_seq(streaming, ~(UINT64_C(1) << worker->index));
    }
    shmrpci_store_release(&entry->ended, worker->gen);
}

/* Finds the rings' memory in this process, and maps it if necessary. Under
 * grow_lock, or in a mirror under table_lock. */
static uint8_t *find_mapped(const shm_conn *conn, const shm_streams *said)
{
    shm_region memory = conn->block.arena;
    if (said->span.region > SHM_EXTENTS) {
        return NULL;
    }
    if (said->span.region != 0) {
        const shm_extent *extent = shm_extent_of(conn, said->span.region);
        if (extent == NULL || shmrpci_load_acquire(&extent->mapped) == 0) {
            return NULL;
        }
        memory = (shm_region){extent->map.at, extent->map.bytes};
    }
    uint64_t bytes = (uint64_t)said->in_bytes + said->out_bytes;
    return shm_is_within(said->span.offset, bytes, memory.bytes)
               ? memory.at + said->span.offset
               : NULL;
}

void shm_streams_lose(shm_conn *conn, uint32_t slot)
{
    const shm_slot *shared = &conn->block.slots[slot];
    shm_streams said;
    shmrpci_stream_rings rings;
    /* Relaxed: the word was acquired. A client that lies about the flags
     * damages only its own memory. */
    if ((shmrpci_load_relaxed(&shared->flags) & SHM_MSG_STREAMS) == 0) {
        return;
    }
    memcpy(&said, shared->payload, sizeof said);
    shmrpci_mutex_lock(&conn->grow_lock);
    uint8_t *at = is_sound(&said) ? find_mapped(conn, &said) : NULL;
    if (at != NULL) {
        lay_out(&said, at, &rings);
        shmrpci_stream_rings_lose(&rings);
        shmrpci_stream_rings_rouse(&rings);
    }
    shmrpci_mutex_unlock(&conn->grow_lock);
}

/* ---- the worker's end ---------------------------------------------------- */

static bool is_orphan(const shmrpci_stream *stream)
{
    const shm_worker *worker = stream->owner;
    return shm_mirror_is_lost(worker->listener);
}

/* Whether our supervisor has ordered our streams to end. */
static bool is_cut(const shmrpci_stream *stream)
{
    const shm_worker *worker = stream->owner;
    return shmrpci_load_seq(worker->order) == SHM_ORDER_CUT;
}

static int why_gone(const shmrpci_stream *stream)
{
    return is_orphan(stream) ? SHMRPC_E_SERVER_LOST
           : is_cut(stream)  ? SHMRPC_E_UNAVAILABLE
                             : SHMRPC_E_CANCELLED;
}

static bool is_gone(const shmrpci_stream *stream)
{
    const shm_worker *worker = stream->owner;
    const shm_ledger *ledger = worker->conn->ledger;
    /* Sequentially consistent: the control loop sets `closed` and then reads
     * which calls are held (listener_close.c). */
    return shmrpci_load_seq(&ledger->entries[SHM_WHOLE].closed) != 0 ||
           is_orphan(stream) || is_cut(stream);
}

static shmrpc_status watch(shmrpci_stream *stream)
{
    shm_worker *worker = stream->owner;
    return worker->listener->mirror != NULL ? shm_mirror_watch(worker->listener)
                                            : SHMRPC_OK;
}

static void free_end(shmrpci_stream *stream)
{
    free(stream);
}

/* Called before a sleep. Waiting must not count as work, or the supervisor
 * would start more workers. */
static void rest(shmrpci_stream *stream)
{
    const shm_worker *worker = stream->owner;
    shm_worker_shared *shared = worker->shared;
    /* Relaxed: only observers read these, and only we write them. */
    uint64_t busy = shmrpci_load_relaxed(&shared->busy_ticks);
    shmrpci_store_relaxed(&shared->since, UINT64_C(0));
    shmrpci_store_relaxed(&shared->busy_ticks,
                          busy + (shmrpci_ticks() - worker->began));
}

static void resume(shmrpci_stream *stream)
{
    shm_worker *worker = stream->owner;
    worker->began = shmrpci_ticks();
    shmrpci_store_relaxed(&worker->shared->since, worker->began);
}

/* Takes a place for streams if one is left. Sets `*places` to the max number of
 * places. */
static bool take_place(const shm_worker *worker, uint32_t max_places,
                       uint32_t *places)
{
    shm_service_shared *shared = worker->listener->shared;
    uint64_t present = shmrpci_load_seq(&shared->present);
    uint64_t taken = shmrpci_load_seq(&shared->streaming);
    *places = shmrpci_stream_places(max_places,
                                    (uint32_t)__builtin_popcountll(present));
    do {
        if ((uint32_t)__builtin_popcountll(taken) >= *places) {
            return false;
        }
    } while (!shmrpci_cas_seq(&shared->streaming, &taken,
                              taken | UINT64_C(1) << worker->index));
    return true;
}

int shm_worker_accept(shmrpci_request *request, uint32_t max_places,
                      shmrpci_stream **out, shmrpc_error *error)
{
    shm_worker *worker = (shm_worker *)(void *)request->participant;
    uint32_t places;
    SHMRPCI_ASSERT((request->head.flags & SHMRPCI_HEAD_STREAMS) != 0,
                   "the head has the streams flag");
    if (!take_place(worker, max_places, &places)) {
        return shmrpci_stream_places_taken(places, error);
    }
    shmrpci_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    stream->rest = rest;
    stream->resume = resume;
    stream->alarm = &worker->shared->alarm;
    stream->is_gone = is_gone;
    stream->why_gone = why_gone;
    stream->order = worker->order;
    stream->watch = watch;
    stream->free = free_end;
    stream->owner = worker;
    stream->is_trusted = request->peer->uid == shmrpci_process_uid() &&
                         request->peer->uid != SHMRPCI_UNMAPPED_UID;
    shm_stream_init(stream, &worker->rings, true, worker->conn->max_message,
                    &worker->stream_spinner);
    worker->stream = stream;
    /* Relaxed: only the supervisor reads it, to kill workers that go on after
     * their deadline. */
    shmrpci_store_relaxed(&worker->shared->deadline_ns,
                          (uint64_t)request->deadline_ns);
    *out = stream;
    return SHMRPC_OK;
}
