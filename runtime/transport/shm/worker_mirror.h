/*
 * A mirror: the listener of a worker process, filled by its link
 * (worker_link.h).
 *
 * It listens to nothing and owns no client's socket; its connections are mapped
 * when the link brings them and freed when the supervisor has let go of them
 * and no worker of this process looks at them.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_WORKER_MIRROR_H
#define SHMRPCI_TRANSPORT_SHM_WORKER_MIRROR_H

#include "os/hangup.h"
#include "transport/shm/server.h"

/* A worker's request to the supervisor. */
typedef struct shm_mirror_ask {
    uint32_t tag; /* 0: unused */
    bool is_done;
    shmrpc_status status;
    uint32_t region;
} shm_mirror_ask;

/* One for each worker, and one for its detached calls. */
#define SHM_MIRROR_ASKS (2 * SHM_MAX_WORKERS)

struct shm_mirror {
    int link_fd;
    uint32_t first; /* our workers: first to first + count - 1 */
    uint32_t count;
    uint32_t owed; /* ATTACHes not acknowledged yet */
    uint32_t last_tag;
    bool is_alone; /* the supervisor is gone */
    /* The same, set by the thread that watches the link while workers wait in
     * streams, or by the thread that reads it. */
    shmrpci_atomic_u32 has_lost;
    shmrpci_hangup hangup;
    shm_mirror_ask asks[SHM_MIRROR_ASKS];
};

/* Makes a mirror of the listener at the other end of `link_fd`, which it takes
 * over even when it fails. Waits for the first packet, 10 s at most.
 * UNAVAILABLE, DEADLINE, CONTRACT: the supervisor is of another build. */
int shm_mirror_attach(int link_fd, shmrpci_listener **out, shmrpc_error *error);

/* Under table_lock: reads the link, and removes connections that are gone from
   the table. */
void shm_mirror_read(shm_listener *listener);
/* Under table_lock: frees connections that nobody uses. */
void shm_mirror_reap(shm_listener *listener);
/* Frees the mirror; no worker of it is open. */
void shm_mirror_close(shm_listener *listener);

/* From now on the end of the supervisor raises the alarms of our workers.
 * EXHAUSTED. */
shmrpc_status shm_mirror_watch(shm_listener *listener);

/* Whether the supervisor is known to have ended: nobody will receive our
 * answers. */
static inline bool shm_mirror_is_lost(const shm_listener *listener)
{
    const shm_mirror *mirror = listener->mirror;
    return mirror != NULL && shmrpci_load_seq(&mirror->has_lost) != 0;
}

/* Has the supervisor make room for a reply; as shm_extent_grant. Also
 * UNAVAILABLE, DEADLINE: it does not answer. */
shmrpc_status shm_mirror_grant(shm_conn *conn, uint64_t bytes, uint32_t slot,
                               uint32_t *out_region);
/* Makes the supervisor notify the client, as shm_conn_tell, once for each value
 * of its armed word. */
void shm_mirror_tell(shm_conn *conn, uint32_t armed);
/* Asks the supervisor to hang up on the client. */
void shm_mirror_refuse(const shm_conn *conn);
/* Maps a region that is not mapped here yet, or replaces the mapping of an
 * earlier one; `live` is its value in the ledger, and the caller has noted its
 * use. NULL: it does not exist, or the supervisor does not answer. */
const shm_extent *shm_mirror_map(shm_conn *conn, uint32_t region,
                                 uint32_t live);

#endif
