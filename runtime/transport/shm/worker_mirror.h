/*
 * A mirror: the listener of a worker process, filled through its link
 * (worker_link.h).
 *
 * It listens to nothing and owns no client's socket. Its connections are mapped
 * when the link brings them, and freed when neither the supervisor nor a worker
 * of this process uses them any more.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_WORKER_MIRROR_H
#define SHMRPCI_TRANSPORT_SHM_WORKER_MIRROR_H

#include "os/hangup.h"
#include "transport/shm/server.h"

/* A worker's request to the supervisor, waiting for the answer. */
typedef struct shm_mirror_ask {
    uint32_t tag; /* 0 if this entry is unused */
    bool is_done;
    shmrpc_status status;
    uint32_t region;
} shm_mirror_ask;

/* Max number of pending requests: one for each worker, and one for each
 * worker's detached calls. */
#define SHM_MIRROR_ASKS (2 * SHM_MAX_WORKERS)

struct shm_mirror {
    int link_fd;
    uint32_t first; /* our workers: first to first + count - 1 */
    uint32_t count;
    uint32_t owed; /* ATTACHes not acknowledged yet */
    uint32_t last_tag;
    bool is_alone; /* the supervisor is gone, as the link has shown; our workers
                    * were told to leave. Under table_lock. */
    /* The supervisor is gone. May be set before is_alone: by the thread that
     * watches the link while workers wait in streams. */
    shmrpci_atomic_u32 has_lost;
    shmrpci_hangup hangup;
    shm_mirror_ask asks[SHM_MIRROR_ASKS];
};

/* Makes a mirror of the listener at the other end of `link_fd`. Takes ownership
 * of `link_fd` even if it fails. Waits for the first packet for at most 10 s.
 * Returns UNAVAILABLE, DEADLINE, or CONTRACT if the supervisor runs another
 * build. */
int shm_mirror_attach(int link_fd, shmrpci_listener **out, shmrpc_error *error);

/* Reads the link, and removes lost connections from the table. Under
 * table_lock. */
void shm_mirror_read(shm_listener *listener);
/* Frees connections that nobody uses. Under table_lock. */
void shm_mirror_reap(shm_listener *listener);
/* Frees the mirror; none of its workers may be open. */
void shm_mirror_close(shm_listener *listener);

/* Makes the end of the supervisor raise our workers' alarms from now on.
 * Returns EXHAUSTED if that fails. */
shmrpc_status shm_mirror_watch(shm_listener *listener);

/* Whether the supervisor is known to have ended, so that nobody will receive
 * our answers. */
static inline bool shm_mirror_is_lost(const shm_listener *listener)
{
    const shm_mirror *mirror = listener->mirror;
    return mirror != NULL && shmrpci_load_seq(&mirror->has_lost) != 0;
}

/* Asks the supervisor for room for a reply; as shm_extent_grant. Also returns
 * UNAVAILABLE or DEADLINE if the supervisor does not answer. */
shmrpc_status shm_mirror_grant(shm_conn *conn, uint64_t bytes, uint32_t slot,
                               uint32_t *out_region);
/* Asks the supervisor to notify the client, as shm_conn_tell does, once for
 * each value of the client's armed word. */
void shm_mirror_tell(shm_conn *conn, uint32_t armed);
/* Asks the supervisor to hang up on the client. */
void shm_mirror_refuse(const shm_conn *conn);
/* Maps a region that is not mapped here yet, or replaces the mapping of an
 * earlier incarnation. `live` is the region's value in the ledger. The caller
 * has noted that it uses the region (shm_extent_note). Returns NULL if the
 * region does not exist or the supervisor does not answer. */
const shm_extent *shm_mirror_map(shm_conn *conn, uint32_t region,
                                 uint32_t live);

#endif
