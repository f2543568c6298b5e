/*
 * The server's side: the control loop, the connections, and the workers.
 *
 * One thread runs the control loop (listener_control.c): it accepts clients,
 * makes memory, notices deaths, and repairs the state that the dead leave.
 * Workers (worker.c) are threads of the same process, which share its mappings,
 * or threads of other processes, which have a listener of their own, the mirror
 * (worker_mirror.h). Workers and the control loop share only the table of
 * connections and the ledgers. No client can make a thread hold a lock that
 * workers and the control loop share.
 *
 * A connection is unmapped only after three steps. First it leaves the table,
 * which gets a new version. Then every worker is seen with that version or
 * offline. At last no ledger entry of the connection's slots is held any more.
 *
 * Lock order: table_lock, then grow_lock of a connection, then accounts_lock.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_SERVER_H
#define SHMRPCI_TRANSPORT_SHM_SERVER_H

#include "os/clock.h"
#include "os/thread.h"
#include "shmrpc/observe.h"
#include "sync/wait.h"
#include "transport/farewell.h"
#include "transport/shm/block.h"
#include "transport/shm/locate.h"
#include "transport/shm/message.h"
#include "transport/shm/shared.h"
#include "transport/transport.h"

typedef struct shm_listener shm_listener;
typedef struct shm_worker shm_worker;
typedef struct shm_mirror shm_mirror;

/* Limits on what a client can make the server do. */
#define SHM_HANDSHAKE_NS (5 * SHMRPCI_NS_PER_S)
#define SHM_MAX_USERS    256u

/* Tags in a worker's poll set. After any wake-up the worker checks
 * everything. */
#define SHM_TAG_STOP        UINT64_C(1)
#define SHM_TAG_BELL        UINT64_C(2)
#define SHM_TAG_WORKER_LINK UINT64_C(3)
/* Tag of a worker link in the control loop's poll set: this value plus the
 * index of the link's first worker. */
#define SHM_TAG_WORKER_LINKS UINT64_C(64)

/* An extent as this process has mapped it. Its number is its index in the
 * connection's array. */
typedef struct shm_extent {
    /* The incarnation + 1, or 0 if none is mapped. Stored with release after
     * mapping; readers acquire. */
    shmrpci_atomic_u32 mapped;
    shmrpci_map map;
    /* Used only by the control loop, under grow_lock: the descriptor, if
     * workers in other processes may need it; the extent's word at the last
     * check; and since when the word has had that value. */
    int fd;
    uint64_t seen;
    int64_t seen_ns;
} shm_extent;

/* Max number of a client's groups that handlers can see. */
#define SHM_PEER_GROUPS 32u

typedef enum shm_conn_state {
    SHM_CONN_HANDSHAKE,
    SHM_CONN_OPEN,
    SHM_CONN_CLOSED /* gone from the table, waiting to be freed */
} shm_conn_state;

/* After this many malformed requests the server hangs up on the client, because
 * a client that fills its slots with them would keep workers busy. */
#define SHM_MAX_NONSENSE 1000u

/* The memory charged to one user. Used by the control loop and by workers,
 * under accounts_lock. */
typedef struct shm_account {
    uint32_t uid;
    uint32_t connections;
    size_t bytes;
} shm_account;

typedef struct shm_conn {
    shm_listener *listener;
    shm_conn_state state; /* control loop only */
    int fd;
    int bell_fd;     /* the client's doorbell, in every worker's poll set */
    uint64_t serial; /* its number on worker links, never reused */
    uint64_t sent;   /* bitmap of the worker links that know it */
    /* Used by listener_observe.c: the slots that waited at its last check, with
     * their generations and since when. */
    uint64_t waiting;
    struct shm_waits *waits; /* NULL until the first check */
    /* Kept if workers in other processes may need them, else -1. */
    int block_fd;
    int ledger_fd;
    int64_t handshake_deadline_ns;
    uint64_t closed_version; /* version of the table when the connection left
                              * the table */
    shm_account *account;
    bool is_over_quota; /* over its user's quota: the peer may only take over
                         * the service */
    bool is_orphan;     /* the client has hung up and reads no more replies */
    shmrpc_peer peer;
    uint32_t groups[SHM_PEER_GROUPS]; /* the groups in `peer` */
    shmrpc_connection_stats who;      /* figures that observers can read */
    uint32_t seat;                    /* its index in the table of observers; 0
                                       * if it has none */
    shm_block block;
    size_t max_message;
    struct shm_conn *next; /* next connection in the list that holds this one */

    shm_ledger *ledger;
    shmrpci_map ledger_map;

    shmrpci_mutex grow_lock;        /* held while extents are made or taken
                                     * back */
    shmrpci_atomic_u32 has_extents; /* 1 once the connection has had an
                                     * extent */
    uint32_t incarnations;
    shmrpci_atomic_u32 nonsense; /* number of malformed requests */
    shmrpci_atomic_u32 said_of;  /* value of the armed word that we last
                                  * reported to our supervisor */
    /* Set once two calls of the client were seen asleep at the same time, which
     * means that several threads share the client. Relaxed. */
    shmrpci_atomic_u32 has_threads;
    /* Number of the connection's calls that are detached in this process. A
     * thread that ends such a call still touches the connection after it has
     * freed the ledger entry. Sequentially consistent: incremented while the
     * entry is held, and read when no entry is (listener_close.c). */
    shmrpci_atomic_u32 pins;
    /* Allocated by the first worker that asks to report the connection's end;
     * NULL if none has. */
    _Atomic(shmrpci_farewell *) farewell;
    /* An array of SHM_EXTENTS + 1, allocated with the first extent; [0] is
     * unused. Stored with release; readers acquire. */
    _Atomic(shm_extent *) extents;
} shm_conn;

/* The value of `seen` while a worker does not use the table, because it sleeps,
 * runs a long handler, or has stopped. */
#define SHM_OFFLINE UINT64_MAX

/* What the control loop and other workers see of a worker. */
typedef struct shm_worker_place {
    _Alignas(128) shmrpci_atomic_u64 seen; /* version of the table that the
                                            * worker has seen, or SHM_OFFLINE */
    shmrpci_atomic_u32 taken;
    int poll_set; /* under table_lock; -1 if there is no worker */
} shm_worker_place;

/* A worker process, as the control loop sees it. */
typedef struct shm_worker_link {
    int fd;
    uint32_t first; /* its workers: first to first + count - 1 */
    uint32_t count;
    uint32_t unacked; /* number of ATTACHes not yet acknowledged */
    bool is_lagging;  /* a connection could not be sent to it yet, for lack of
                       * room */
} shm_worker_link;

/* Max number of departures of relays' peers that wait to be sent on worker
 * links. Beyond it, a departure is not reported. */
#define SHM_LEFT_MAX 4096u

typedef struct shm_left {
    uint64_t connection;
    uint64_t owed; /* worker links still to be told, as bits by their first
                    * index */
    struct shm_left *next;
} shm_left;

struct shm_listener {
    shmrpci_listener base;
    shm_place place;
    shmrpci_listen_opts opts;
    uint32_t *allowed_uids;
    uint32_t *allowed_gids;
    char description[SHM_PATH_BYTES + 16];

    int poll_set;
    int stop_fd;
    int bell_fd;  /* our own doorbell, in every worker's poll set */
    int spare_fd; /* spare descriptor: closed to accept and refuse a client when
                   * no other descriptor is left */
    int sweep_fd; /* rung when an extent becomes idle while no sweep is due */
    int status_fd;
    int client_status_fd; /* the same page, opened read-only */
    shmrpci_map status_map;
    shm_status_page *status;
    int shared_fd;
    shmrpci_map shared_map;
    shm_service_shared *shared;
    shmrpci_atomic_u32 stopping; /* shm_order */
    shmrpci_atomic_u32 is_swept; /* the control loop is going to check
                                  * extents */

    shmrpci_mutex accounts_lock;
    shm_account accounts[SHM_MAX_USERS];
    uint64_t charged_bytes; /* bytes charged to all users together */

    shmrpci_mutex table_lock;
    shm_conn **table; /* open connections */
    size_t table_count;
    size_t table_cap;
    shmrpci_atomic_u64 table_version;
    /* The table's version or, in a mirror, `changes` of the shared memory.
     * Workers compare it with the value that they read last, to see whether the
     * table may have changed. */
    shmrpci_atomic_u64 *signal;
    bool is_abandoned;  /* another process has taken over; we own only our
                         * mappings */
    shm_mirror *mirror; /* NULL in the process of the control loop */
    shmrpci_farewell *farewells; /* ends not reported yet; under table_lock */
    uint32_t left_waiting;       /* departures of relays' peers not reported
                                  * yet; under table_lock */

    /* The fields below belong to the control loop, except where noted. */
    shm_conn *handshakes;
    shm_conn *closed; /* closed connections; in a mirror under table_lock */
    uint64_t last_serial;
    uint64_t worker_link_mask; /* bitmap of the worker links, by their first
                                * index */
    shm_worker_link worker_links[SHM_MAX_WORKERS];
    int64_t sweep_ns; /* when to check extents next */
    shm_left *lefts;
    uint32_t left_count;

    shm_worker_place places[SHM_MAX_WORKERS];
};

/* ---- listener.c --------------------------------------------------- */

int shm_listener_open(const shmrpci_address *address,
                      const shmrpci_listen_opts *opts, shmrpci_listener **out,
                      shmrpc_error *error);
int shm_listener_run(shmrpci_listener *base, shmrpc_error *error);
void shm_listener_linger(shmrpci_listener *base,
                         const shmrpci_atomic_u32 *working, int64_t cut_ns);
void shm_listener_stop(shmrpci_listener *base);
void shm_listener_close(shmrpci_listener *base);
const char *shm_listener_describe(const shmrpci_listener *base);
int shm_listener_poll_fd(const shmrpci_listener *base);
int64_t shm_listener_step(shmrpci_listener *base);
void shm_listener_disown(shmrpci_listener *base);
/* Creates a listener's poll set and events in this process. */
shmrpc_status shm_listener_equip(shm_listener *listener);
/* Allocates and zeroes a listener; opens nothing. */
shm_listener *shm_listener_create(const shmrpci_listen_opts *opts);

/* ---- listener_control.c ------------------------------------------- */

/* Accepts the waiting clients and checks their user ids. */
void shm_control_accept(shm_listener *listener);
/* Handles a packet or a hang-up on a connection. */
void shm_control_event(shm_conn *conn);
/* Drops handshakes that take too long. Returns when to call it again. */
int64_t shm_control_expire(shm_listener *listener);

/* Allocates an empty connection that is in no list yet. */
shm_conn *shm_conn_create(shm_listener *listener);
/* Looks up the groups of the client at the other end of the socket. */
void shm_conn_know_groups(shm_conn *conn);
/* Adds the connection to the table, and its bell to the workers' poll sets.
 * Under table_lock. Returns EXHAUSTED or NO_MEMORY if it fails. */
shmrpc_status shm_table_add(shm_listener *listener, shm_conn *conn);

/* ---- listener_close.c --------------------------------------------- */

/* Closes a connection whose client is gone: takes back the calls that the
 * client submitted, and removes the connection from the table. */
void shm_control_close(shm_conn *conn);
/* Frees closed connections that nobody uses. Returns true if some are left. */
bool shm_control_reap(shm_listener *listener);
/* Removes a connection from the table. Under table_lock. */
void shm_table_remove(shm_listener *listener, shm_conn *conn);
/* Makes a worker of this process report that a relay's peer has left. Under
 * table_lock. */
void shm_part_here(shm_listener *listener, uint64_t connection);
/* Whether a connection that has left the table is unused in this process: no
 * worker uses it, and none serves one of its calls. */
bool shm_conn_is_unused(const shm_conn *conn);
/* Frees a connection that no thread can be using. */
void shm_conn_destroy(shm_conn *conn);

/* ---- listener_handover.c, listener_takeover.c --------------------- */

int shm_summon(const shmrpci_address *address, int64_t deadline_ns, int *out_fd,
               shmrpc_error *error);
shmrpc_status shm_hand_over(shmrpci_listener *base, int fd,
                            int64_t deadline_ns);
int shm_take_over(const shmrpci_address *address,
                  const shmrpci_listen_opts *opts, int fd, int64_t deadline_ns,
                  shmrpci_listener **out, shmrpc_error *error);
void shm_abandon(shmrpci_listener *base);

/* ---- listener_account.c ------------------------------------------- */

/* Counts one more connection of a user. Returns EXHAUSTED if that exceeds the
 * quota. */
shmrpc_status shm_account_open(shm_listener *listener, uint32_t uid,
                               shm_account **out);
/* Charges a connection and its bytes that another process has already charged,
 * so no quota is checked. Returns EXHAUSTED if there are too many users. */
shmrpc_status shm_account_adopt(shm_listener *listener, uint32_t uid,
                                size_t bytes, shm_account **out);
void shm_account_close(shm_listener *listener, shm_account *account);
/* Charges bytes to a user. Returns EXHAUSTED if the quota, or the memory limit
 * of our control group, leaves only `*out_left` bytes. */
shmrpc_status shm_account_charge(shm_listener *listener, shm_account *account,
                                 size_t bytes, uint64_t *out_left);
void shm_account_refund(shm_listener *listener, shm_account *account,
                        size_t bytes);

/* ---- listener_extent.c -------------------------------------------- */

/* Makes an extent of at least `bytes` and sends it to the client with
 * `message`, the answer to its packet. Returns TOO_LARGE, or EXHAUSTED if quota
 * or memory limit are exceeded (`message` says which) or the client does not
 * read its socket. */
shmrpc_status shm_extent_want(shm_conn *conn, uint64_t bytes,
                              shm_message *message);
/* Finds or makes an extent for the reply on a slot that a worker has claimed,
 * and notes the use in the slot's ledger entry. Returns the statuses of
 * shm_extent_want; in a mirror also UNAVAILABLE or DEADLINE. */
shmrpc_status shm_extent_grant(shm_conn *conn, uint64_t bytes, uint32_t slot,
                               uint32_t *out_region);
/* Takes back extents that have been idle for long. Returns when to call it
 * again, SHMRPCI_NEVER_NS while none is idle. Control loop only. */
int64_t shm_extent_sweep(shm_listener *listener);
/* Handles IDLE: a client says that it has left an extent idle. Control loop
 * only. */
void shm_extent_heed(shm_conn *conn);
/* The holder of a slot's ledger entry notes that it is going to read or write
 * an extent. If the extent exists after this call, it stays until the entry is
 * freed. `region` may be any number. */
void shm_extent_note(shm_conn *conn, uint32_t slot, uint32_t region);
/* Returns the memory of a span that a client named. Returns INVALID if the span
 * is not inside the region, NO_MEMORY if it can't be mapped here now or the
 * control loop does not answer. */
shmrpc_status shm_extent_at(shm_conn *conn, uint32_t region, uint64_t offset,
                            uint64_t length, uint8_t **out);
/* Returns the extent as this process has mapped it, or NULL if the connection
 * has never had any extent. */
shm_extent *shm_extent_of(const shm_conn *conn, uint32_t region);
/* Allocates the connection's array of extents. Returns false if out of memory.
 * Under grow_lock, or in a mirror under table_lock. */
bool shm_extents_prepare(shm_conn *conn);
/* Frees the extent that was taken for the reply on a slot and will not be used:
 * the worker is dead, or gives the extent back. Called before the call ends. */
void shm_extent_recover(shm_conn *conn, uint32_t slot);
/* Adds an extent that another process has made; takes ownership of the
 * descriptor. */
shmrpc_status shm_extent_adopt(shm_conn *conn, uint32_t region,
                               uint32_t incarnation, size_t bytes, int fd);
/* Unmaps the connection's extents and, in the control loop's process, ends them
 * unless the client may still be reading. Called when no worker can be using
 * the connection. */
void shm_extent_destroy_all(shm_conn *conn);

/* ---- operations of workers (worker*.c) ---------------------------- */

int shm_worker_open(shmrpci_listener *base, uint32_t index,
                    shmrpci_participant **out, shmrpc_error *error);
void shm_worker_close(shmrpci_participant *base);
int shm_worker_next(shmrpci_participant *base, shmrpci_request *request);
void shm_worker_reply_reserve(shmrpci_request *request, size_t size_hint);
void shm_worker_answer(shmrpci_request *request, const void *body, size_t len);
void shm_worker_reply_commit(shmrpci_request *request);
void shm_worker_drop(shmrpci_request *request);
bool shm_worker_is_cancelled(const shmrpci_request *request);
bool shm_worker_is_draining(const shmrpci_request *request);
uint64_t shm_worker_connection(const shmrpci_request *request);
int shm_worker_detach(shmrpci_request *request, shmrpci_request *out);
void shm_worker_detached_end(shmrpci_request *request);
int shm_worker_watch(const shmrpci_request *request, shmrpc_error *error);
size_t shm_worker_hello(const shmrpci_request *request,
                        uint8_t out[SHMRPCI_HELLO_MAX_BYTES]);
/* Stores in a new ledger what the client said at hello. */
void shm_ledger_note(shm_ledger *ledger, const uint8_t *said, size_t len);

/* ---- worker_request.c --------------------------------------------- */

/* Called when a call with SHM_MSG_TOLD has ended: notifies the client if it is
 * armed. The caller holds a ledger entry of the connection. */
void shm_conn_tell(shm_conn *conn);

/* ---- worker_stream.c ---------------------------------------------- */

/* Ends the streams of a call that nobody serves, if it has streams that were
 * not ended and its word is still SUBMITTED or FREE. In a mirror, under
 * table_lock. */
void shm_streams_lose(shm_conn *conn, uint32_t slot);

/* ---- listener_worker_links.c -------------------------------------- */

int shm_worker_link_enlist(shmrpci_listener *base, uint32_t first,
                           uint32_t count, int fd, shmrpc_error *error);
void shm_worker_link_retire(shmrpci_listener *base, uint32_t first);
void shm_worker_link_cut(shmrpci_listener *base, uint32_t first);
/* Adds a worker link, with its workers, that was taken over from another
 * process. Returns EXHAUSTED if it fails. */
shmrpc_status shm_worker_link_adopt(shm_listener *listener,
                                    const shm_worker_link *link);
void shm_worker_link_dismiss(shmrpci_listener *base, uint32_t first);
/* Handles a packet or a hang-up on the worker link whose first worker is
 * `first`. */
void shm_worker_link_event(shm_listener *listener, uint32_t first);
/* Tell all worker links that a connection was added, or is gone. */
void shm_worker_links_offer(shm_listener *listener, shm_conn *conn);
void shm_worker_links_forget(shm_listener *listener, shm_conn *conn);
/* Called when a client that is a relay says that one of its peers is gone:
 * tells all processes that serve the connection. */
void shm_worker_links_part(shm_listener *listener, uint64_t connection);
/* Sends packets for which a link had no room before. Returns true if some are
 * still unsent. */
bool shm_worker_links_catch_up(shm_listener *listener);

/* ---- listener_observe.c ------------------------------------------- */

void shm_observe_worker(const shmrpci_listener *base, uint32_t index,
                        shmrpci_worker_view *out);
void shm_observe_load(shmrpci_listener *base, shmrpci_load_view *out);

/* ---- listener_refuse.c ------------------------------------------------ */

void shm_refuse_all(shmrpci_listener *base, uint32_t index, int status,
                    const void *detail, size_t len);

/* ---- listener_recover.c ------------------------------------------- */

/* Recovers what worker `index` held. The worker must no longer run. */
void shm_recover(shmrpci_listener *base, uint32_t index);
/* Reports the method of the call that a worker holds, dead or alive, as its
 * client wrote it. Returns false if it holds none. */
bool shm_observe_call(const shmrpci_listener *base, uint32_t index,
                      uint32_t *out_method);
/* Whether the client of the call that a worker holds has cancelled it or is
 * gone. */
bool shm_observe_abandoned(const shmrpci_listener *base, uint32_t index);
/* As shm_recover, for connections that have left the table: a process may have
 * died while it used one of them. Control loop only. */
void shm_recover_closed(shm_listener *listener, uint32_t index);

/* Publish to observers that a connection was added or removed. */
void shm_conn_show(shm_conn *conn);
void shm_conn_hide(shm_conn *conn);

static inline void shm_conn_push(shm_conn **list, shm_conn *conn)
{
    conn->next = *list;
    *list = conn;
}

/* Whether several threads share the client. Each thread then gets turns of its
 * own. */
static inline bool shm_conn_has_threads(const shm_conn *conn)
{
    return shmrpci_load_relaxed(&conn->has_threads) != 0;
}

/* Whether the call on a slot was submitted and no worker has it. */
static inline bool shm_conn_waits(const shm_conn *conn, uint32_t slot)
{
    uint32_t word = shmrpci_load_seq(&conn->block.slots[slot].word);
    return shm_word_state(word) == SHM_SUBMITTED &&
           !shm_held_for(shmrpci_load_seq(&conn->ledger->entries[slot].held),
                         word);
}

#endif
