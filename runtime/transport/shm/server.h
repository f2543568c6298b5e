/*
 * A service's end: the control loop, the connections, and the workers.
 *
 * One thread runs the control loop (control.c): it accepts, makes memory,
 * notices who is gone, and repairs.  Workers (worker.c) are threads of the
 * same process that share its mappings; they meet the control loop only in
 * the table of connections and in the ledgers, never in a lock that a client
 * could make anybody hold.
 *
 * A connection is freed in three steps: it leaves the table (which gets a new
 * version); every worker is seen with that version, or not looking; no ledger
 * entry of its slots is held.  Only then is it unmapped.
 *
 * Lock order: table_lock, grow_lock of a connection, accounts_lock.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_SERVER_H
#define SHMRPCI_TRANSPORT_SHM_SERVER_H

#include "os/clock.h"
#include "os/thread.h"
#include "sync/wait.h"
#include "transport/shm/block.h"
#include "transport/shm/locate.h"
#include "transport/shm/message.h"
#include "transport/transport.h"

typedef struct shm_listener shm_listener;
typedef struct shm_worker shm_worker;

/* Limits on what a client can make the server do. */
#define SHM_HANDSHAKE_NS    (5 * SHMRPCI_NS_PER_S)
#define SHM_MAX_WORKERS     64u
#define SHM_MAX_USERS       256u
#define SHM_MAX_CONNECTIONS 65536u

/* Tags in a worker's poll set; it looks everywhere whatever woke it. */
#define SHM_TAG_STOP UINT64_C(1)
#define SHM_TAG_BELL UINT64_C(2)

/* An entry of the ledger: 0 is free, else generation, owner's index, 1. */
typedef struct shm_ledger_entry {
    _Alignas(64) shmrpci_atomic_u32 held;
} shm_ledger_entry;

typedef enum shm_conn_state {
    SHM_CONN_HANDSHAKE,
    SHM_CONN_OPEN,
    SHM_CONN_CLOSED /* gone from the table, waiting to be freed */
} shm_conn_state;

/* What a user id has; the control loop and workers, under accounts_lock. */
typedef struct shm_account {
    uint32_t uid;
    uint32_t connections;
    size_t bytes;
} shm_account;

typedef struct shm_conn {
    shm_listener *listener;
    shm_conn_state state; /* control loop only */
    int fd;
    int bell_fd; /* the client's doorbell, in every worker's poll set */
    int64_t handshake_deadline_ns;
    uint64_t closed_version; /* of the table, when it left */
    shm_account *account;
    shmrpc_peer peer;
    shm_block block;
    size_t max_message;
    struct shm_conn *next; /* in the list of the closed */

    /* Written by the control loop when the client has hung up: workers take
     * nothing any more but the `residual` slots, oneway calls that were
     * submitted before. Release; workers acquire. */
    shmrpci_atomic_u32 closed;
    shmrpci_atomic_u64 residual;

    shmrpci_mutex grow_lock; /* makes extents one at a time */
    /* Regions 1 to `extents` are mapped; release, after the fields are set. */
    shmrpci_atomic_u32 extents;
    shm_region regions[SHM_EXTENTS + 1];
    shmrpci_map extent_maps[SHM_EXTENTS + 1];

    shm_ledger_entry ledger[SHM_SLOTS];
} shm_conn;

/* `seen` of a worker that does not touch the table: asleep, in a long
 * handler, or not there. */
#define SHM_OFFLINE UINT64_MAX

/* What the control loop and other workers may know of a worker. */
typedef struct shm_worker_place {
    _Alignas(128)
        shmrpci_atomic_u64 seen; /* version of the table, or OFFLINE */
    shmrpci_atomic_u32 taken;
    int poll_set; /* under table_lock; -1: no worker */
} shm_worker_place;

struct shm_listener {
    shmrpci_listener base;
    shm_place place;
    shmrpci_listen_opts opts;
    uint32_t *allowed_uids;
    char description[SHM_PATH_BYTES + 16];

    int poll_set;
    int stop_fd;
    int bell_fd;  /* our own doorbell, in every worker's poll set */
    int spare_fd; /* given up to accept and refuse when none is left */
    int status_fd;
    shmrpci_map status_map;
    shm_status_page *status;
    shmrpci_atomic_u32 stopping;

    shmrpci_mutex accounts_lock;
    shm_account accounts[SHM_MAX_USERS];

    shmrpci_mutex table_lock;
    shm_conn **table; /* open connections */
    size_t table_count;
    size_t table_cap;
    shmrpci_atomic_u64 table_version;

    /* Control loop only. */
    shm_conn *handshakes;
    shm_conn *closed;

    shm_worker_place places[SHM_MAX_WORKERS];
};

/* ---- listener.c ------------------------------------------------------ */

int shm_listener_open(const shmrpci_address *address,
                      const shmrpci_listen_opts *opts, shmrpci_listener **out,
                      shmrpc_error *error);
int shm_listener_run(shmrpci_listener *base, shmrpc_error *error);
void shm_listener_stop(shmrpci_listener *base);
void shm_listener_close(shmrpci_listener *base);
const char *shm_listener_describe(const shmrpci_listener *base);

/* ---- control.c: one connection after the other ----------------------- */

/* Accepts who waits, checks who they are. */
void shm_control_accept(shm_listener *listener);
/* A packet or a hang-up on a connection. */
void shm_control_event(shm_conn *conn);
/* Drops handshakes that take too long; returns when to call again. */
int64_t shm_control_expire(shm_listener *listener);

/* ---- close.c --------------------------------------------------------- */

/* Client is gone: takes back what it has submitted, leaves the table. */
void shm_control_close(shm_conn *conn);
/* Frees closed connections that nobody uses. True when some are left. */
bool shm_control_reap(shm_listener *listener);
/* Frees a connection that nobody can be using. */
void shm_conn_destroy(shm_conn *conn);

/* ---- account.c ------------------------------------------------------- */

/* Counts one more connection of a user; EXHAUSTED beyond the quota. */
shmrpc_status shm_account_open(shm_listener *listener, uint32_t uid,
                               shm_account **out);
void shm_account_close(shm_listener *listener, shm_account *account);
shmrpc_status shm_account_charge(shm_listener *listener, shm_account *account,
                                 size_t bytes);
void shm_account_refund(shm_listener *listener, shm_account *account,
                        size_t bytes);

/* ---- extent.c -------------------------------------------------------- */

/* Makes room for `bytes` in a new extent and sends it to the client, for the
 * reply on (slot, gen), or in answer to a request with tag gen when slot is
 * SHM_SLOTS. EXHAUSTED: quota, or the client does not read; TOO_LARGE. */
shmrpc_status shm_extent_grant(shm_conn *conn, uint64_t bytes, uint32_t slot,
                               uint32_t gen, uint32_t *out_region);
/* Memory of a span that a client named; NULL when it is not inside. */
uint8_t *shm_extent_at(const shm_conn *conn, uint32_t region, uint64_t offset,
                       uint64_t length);

/* ---- worker.c, reply.c ----------------------------------------------- */

int shm_worker_open(shmrpci_listener *base, uint32_t index,
                    shmrpci_participant **out, shmrpc_error *error);
void shm_worker_close(shmrpci_participant *base);
int shm_worker_next(shmrpci_participant *base, shmrpci_request *request);
void shm_worker_reply_reserve(shmrpci_request *request, size_t size_hint);
void shm_worker_reply_commit(shmrpci_request *request);
void shm_worker_drop(shmrpci_request *request);
bool shm_worker_is_cancelled(const shmrpci_request *request);

/* ---- request.c ------------------------------------------------------- */

/* A call with SHM_MSG_TOLD has ended: tells the client if it is armed. The
 * caller holds a ledger entry of the connection. */
void shm_conn_tell(shm_conn *conn);

/* ---- recover.c ------------------------------------------------------- */

/* Repairs what worker `index` held. The worker runs no more. */
void shm_recover(shmrpci_listener *base, uint32_t index);

static inline void shm_conn_link(shm_conn **list, shm_conn *conn)
{
    conn->next = *list;
    *list = conn;
}

/* An entry's value. */
static inline uint32_t shm_ledger_value(uint32_t gen, uint32_t owner)
{
    return gen << SHM_GEN_SHIFT | owner << 8 | 1u;
}

static inline uint32_t shm_ledger_owner(uint32_t held)
{
    return held >> 8 & 0xFFu;
}

#endif
