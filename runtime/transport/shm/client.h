/*
 * The client's side of a connection over shared memory.
 *
 * The bookkeeping of calls lies in private memory: which slots are free, their
 * generations, and the spans they hold. Each slot also has a private staging
 * buffer, so that a small request reaches its cache line in one burst of
 * stores. Replies are read in place.
 *
 * A slot is in exactly one state: `free`; held by a call, from reserve until
 * the call is over; or `quarantined`, if its call was given up while a worker
 * had it. A quarantined slot becomes free when that worker is done with it.
 *
 * Threading: any number of threads, each with its own call. Lock order:
 * control_lock before the pool's lock.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_CLIENT_H
#define SHMRPCI_TRANSPORT_SHM_CLIENT_H

#include "os/fork.h"
#include "os/hangup.h"
#include "os/thread.h"
#include "sync/bias.h"
#include "sync/wait.h"
#include "sync/yield.h"
#include "transport/shm/block.h"
#include "transport/shm/client_pool.h"
#include "transport/shm/message.h"
#include "transport/transport.h"

/* The kind of memory that call->out writes to. */
typedef enum shm_target { SHM_STAGING, SHM_SPAN, SHM_HEAP } shm_target;

typedef struct shm_client_slot {
    shmrpci_atomic_u32 gen; /* generation of the last submit, 16 bits */
    uint64_t relied;        /* end of the lease on which we relied instead of
                             * ringing; 0 if we did not */
    bool has_rung;
    uint64_t futile;      /* `futile` of the status page when we last rang */
    int64_t unclaimed_ns; /* since when the armed call has had no worker, or 0
                           * (monotonic) */
    uint32_t peer_cpu;    /* CPU of the worker + 1; 0 if unknown */
    shm_target target;
    size_t max_message;
    shm_span request; /* the client's until the call is over */
    shm_span reply;   /* likewise */
    union {
        struct {
            uint32_t granted; /* extent that holds the reply; 0 if none */
            uint32_t has_streams;
        };
        uint64_t more; /* both fields in one load, for the thread that frees the
                        * slot */
    };
    struct shm_client_streams *streams; /* client_stream.h */
    int64_t deadline_ns; /* deadline of reserve, or 0; from commit on, deadline
                          * for getting an extent */
    _Alignas(64) uint8_t staging[SHM_PAYLOAD_BYTES];
} shm_client_slot;

typedef struct shm_client {
    shmrpci_conn base;
    uint32_t generation; /* identifies the process that connected */
    /* Close both sockets in forked children. While a child held them, our death
     * would not hang them up. */
    shmrpci_fork_fd control_place;
    shmrpci_fork_fd bell_place;
    shm_block block;
    shmrpci_map status_map;
    shm_status_page *status; /* read-only */
    shmrpci_map ledger_map;
    shm_ledger *ledger; /* read-only, too */
    int control_fd;
    int bell_fd;
    size_t max_message;
    bool is_trusted; /* the server runs as our own user */
    shmrpci_spinner spinner;
    shmrpci_spinner stream_spinner; /* separate, because streams wait for other
                                     * events than calls do */
    shmrpci_yielder yielder;

    _Alignas(128) shmrpci_bias bias; /* bits of `free` */
    shmrpci_atomic_u64 free;
    shmrpci_atomic_u64 quarantined;
    /* Free slots whose ledger entry a stopped worker may still hold. They are
     * taken only if no other slot is free. */
    shmrpci_atomic_u64 avoided;
    shmrpci_atomic_u32 waiters; /* threads that wait for a free slot */
    shmrpci_atomic_u32 streams; /* number of calls with streams */
    shmrpci_atomic_u32 alarm;   /* raised when streams must end (stream.h) */
    shmrpci_atomic_u32 lost;    /* the server has hung up */
    shmrpci_atomic_u64 rescued_wakeups;
    /* An extent arrived that we could not map, for lack of memory or
     * descriptors. This is then the reason why a reply can't be read. */
    shmrpci_atomic_u32 shortage;
    /* The size that the server refused last, and what was left. Relaxed: used
     * only in a message. */
    shmrpci_atomic_u64 needed_bytes;
    shmrpci_atomic_u64 left_bytes;

    _Alignas(128) shmrpci_mutex slot_lock; /* used only with slot_freed and
                                            * hangup */
    shmrpci_cond slot_freed;
    shmrpci_hangup hangup;
    shmrpci_mutex control_lock; /* held while control_fd is used */
    uint32_t want_tag;          /* under control_lock */
    /* While the client is watched: the poll set that contains control_fd, and
     * an event in that set. A thread that has read packets from control_fd sets
     * the event. Under control_lock; -1 if not watched. */
    int watch_set;
    int told_fd;
    bool is_acknowledging;
    uint32_t armings; /* last value stored in the block's armed word */
    shm_pool pool;
    /* The first slots share a page with the members above. */
    shm_client_slot slots[SHM_SLOTS];
    /* the arena's list of free ranges, used by `pool` */
    shm_range arena_ranges[SHM_POOL_RANGES];
} shm_client;

/* How long a waiting thread sleeps before it checks that the server lives. */
#define SHM_SLICE_NS (40 * SHMRPCI_NS_PER_MS)

/* Max time that a request may rely on the next request to ring the bell. After
 * this time the thread that waits for the reply rings. */
#define SHM_FOLLOW_NS (50 * SHMRPCI_NS_PER_US)

/* ---- client.c ----------------------------------------------------- */

int shm_client_connect(const shmrpci_address *address,
                       const shmrpci_connect_opts *opts, shmrpci_conn **out,
                       shmrpci_buf *welcome, shmrpc_error *error);
/* As shm_client_connect, but over a connected control socket. The function
 * takes over the socket, and closes it on failure. */
int shm_client_handshake(int control_fd, const shmrpci_connect_opts *opts,
                         shmrpci_conn **out, shmrpci_buf *welcome,
                         shmrpc_error *error);
/* The transport operations with these names. */
int shm_client_open_stats(const shmrpci_address *address, int64_t deadline_ns,
                          int *out_fd, int *out_watch_fd, shmrpc_error *error);
int shm_client_open_object(const shmrpci_address *address, const char *name,
                           bool as_server, int64_t deadline_ns, int *out_fd,
                           int *out_watch_fd, shmrpc_error *error);
void shm_client_disconnect(shmrpci_conn *conn);

/* ---- client_extent.c ---------------------------------------------- */

/* Allocates a span of `bytes`, if necessary in an extent that the server
 * makes. */
shmrpc_status shm_client_room(shm_client *client, uint64_t bytes,
                              int64_t deadline_ns, shm_span *out);
/* An extent has become idle: tells the control loop, unless the loop is going
 * to check anyway. `user` is the client. */
void shm_client_say_idle(void *user);
/* Reads packets that the server has sent without being asked. */
void shm_client_drain_control(shm_client *client);
/* As shm_client_drain_control; the caller holds control_lock. */
void shm_client_read_control(shm_client *client);
/* The transport operations with these names. */
bool shm_client_keep(shmrpci_call *call, shmrpci_kept *out);
void shm_client_let_go(shmrpci_conn *conn, const shmrpci_kept *kept);
/* Asks the socket whether the server is gone. */
bool shm_client_is_lost(shm_client *client);

/* ---- client_slot.c ------------------------------------------------ */

/* Frees the quarantined hot slots whose workers are done. Nobody waits for the
 * end of a oneway call, so its slot becomes free only when this or
 * shm_client_reclaim is called. */
void shm_client_reclaim_hot(shm_client *client);

/* Takes the lowest free slot, preferring hot ones and using avoided ones last.
 * Returns false if no slot is free. */
static inline bool shm_client_try_slot(shm_client *client, uint32_t *out_index)
{
    uint64_t free = shmrpci_load_seq(&client->free);
    while (free != 0) {
        uint64_t good = free & ~shmrpci_load_relaxed(&client->avoided);
        uint64_t from = good != 0 ? good : free;
        uint64_t bit = from & (~from + 1);
        /* Acquire: the thread that freed the slot no longer uses the slot's
         * private data. */
        if (!shmrpci_bias_cas_u64(&client->bias, &client->free, &free,
                                  free & ~bit)) {
            continue;
        }
        if (good == 0) {
            (void)shmrpci_and_seq(&client->avoided, ~bit);
        }
        *out_index = (uint32_t)__builtin_ctzll(bit);
        /* We got a slot that is not hot: free a hot one for the next call. */
        if (*out_index >= SHM_HOT_SLOTS &&
            shmrpci_load_relaxed(&client->quarantined) != 0) {
            shm_client_reclaim_hot(client);
        }
        return true;
    }
    return false;
}

/* Takes a free slot, waiting for one until `deadline_ns` (0: does not wait).
 * Returns BUSY, DEADLINE or SERVER_LOST if it got none. */
shmrpc_status shm_client_take_slot(shm_client *client, int64_t deadline_ns,
                                   uint32_t *out_index);
/* The call is over: frees its spans and its slot. */
void shm_client_free_slot(shm_client *client, uint32_t index);
/* As shm_client_free_slot, for a call that may be DONE and whose reply was not
 * received. */
void shm_client_free_unread(shm_client *client, uint32_t index);
/* The client has given up a call that a worker still has. */
void shm_client_quarantine(shm_client *client, uint32_t index);
/* Frees those quarantined slots in `mask` whose workers are done. */
void shm_client_reclaim(shm_client *client, uint64_t mask);
/* Whether a worker has the call on a slot whose word was `word`. If so, the
 * word eventually becomes DONE or ABORTED. */
bool shm_client_is_held(const shm_client *client, uint32_t index,
                        uint32_t word);
/* Sets the pending hint for a slot that is not hot, unless it is set. Called
 * after the slot's word is written. */
void shm_client_hint(shm_client *client, uint32_t index);
/* Wakes a worker for the call on a slot, if a worker sleeps and none is about
 * to check. */
void shm_client_ring(shm_client *client, shm_client_slot *slot);

/* ---- client_wait.c ------------------------------------------------ */

/* Waits until the call on a slot is no longer SUBMITTED, and stores its word.
 * Returns DEADLINE or SERVER_LOST if that did not happen. */
shmrpc_status shm_client_wait(shm_client *client, uint32_t index,
                              int64_t deadline_ns, uint32_t *out_word);

/* As shm_client_wait, but only checks. For a call for which perhaps no thread
 * waits: DEADLINE means that it is not over yet. */
shmrpc_status shm_client_look(shm_client *client, uint32_t index,
                              uint32_t *out_word);
/* Rings again for a call that no worker has taken for a whole slice: a wake-up
 * may have been lost. */
void shm_client_rescue(shm_client *client, uint32_t index);

/* ---- client_watch.c ----------------------------------------------- */

shmrpc_status shm_client_watch(shmrpci_conn *conn, int poll_set, uint64_t tag);
int64_t shm_client_arm(shmrpci_conn *conn, shmrpci_call *const *calls,
                       size_t count);
void shm_client_acknowledge(shmrpci_conn *conn);
/* The operation of shmrpci_peer_ops. */
int shm_client_say_left(shmrpci_conn *conn, uint64_t peer);

/* ---- client_call.c ------------------------------------------------ */

/* Allocates memory for a call that already has its slot. */
shmrpc_status shm_client_make_room(shm_client *client,
                                   const shm_client_slot *slot, size_t bytes,
                                   shm_span *out);
/* Commits a call with streams. */
int shm_client_commit_streams(shmrpci_call *call, const shm_streams *streams);

int shm_client_reserve(shmrpci_conn *conn, shmrpci_call *call, size_t size_hint,
                       size_t reply_hint, int64_t deadline_ns,
                       shmrpc_error *error);
bool shm_client_post(shmrpci_conn *conn, shmrpci_call *call, uint64_t prefix,
                     size_t prefix_len, const void *body, size_t len);
void shm_client_abort(shmrpci_call *call);
int shm_client_commit(shmrpci_call *call);
int shm_client_receive(shmrpci_call *call, int64_t deadline_ns);
void shm_client_release(shmrpci_call *call);
bool shm_client_cancel(shmrpci_call *call);

#endif
