/*
 * A worker: scans the connections for requests, claims them and answers them.
 *
 * Threading: one thread at a time, except for the functions in server.h that
 * say otherwise.
 */
#ifndef SHMRPCI_TRANSPORT_SHM_WORKER_H
#define SHMRPCI_TRANSPORT_SHM_WORKER_H

#include "stream/end.h"
#include "sync/yield.h"
#include "transport/shm/server.h"

/* How far ahead a lease reaches. It is renewed when half of it has passed. */
#define SHM_LEASE_NS (50 * SHMRPCI_NS_PER_US)
/* Calls of methods that take longer than this are served without a lease. */
#define SHM_SHORT_NS (15 * SHMRPCI_NS_PER_US)
/* A scan skips connections that have been idle for longer than SHM_RECENT_NS,
 * but at most SHM_MAX_SKIPS times in a row. (It is not enough to check all
 * connections in every 16th scan instead: with 16 busy clients, each of these
 * scans came at the same point of the rotation over the clients, and one client
 * waited for half a second.) */
#define SHM_RECENT_NS   (1 * SHMRPCI_NS_PER_MS)
#define SHM_MAX_SKIPS   16u
#define SHM_METHOD_WAYS 256u
/* A client that was awake when it was answered is expected to call again within
 * this time. */
#define SHM_AGAIN_NS (4 * SHMRPCI_NS_PER_US)
/* After this many consecutive calls longer than SHM_AGAIN_NS, all clients are
 * answered in turn. */
#define SHM_LONG_CALLS 8u
/* Max time for which sleeping clients may be passed over: SHM_PASSED_NS for
 * each of them, but at most SHM_PASSED_MOST clients are counted. */
#define SHM_PASSED_NS   (64 * SHMRPCI_NS_PER_US)
#define SHM_PASSED_MOST 64u
/* Max consecutive rechecks of the last served slot before scanning the other
 * slots of the connection. */
#define SHM_MAX_STREAK 16u
/* After this many scans that found only stale hints, the hints of a connection
 * are cleared, because each one costs reading a word. */
#define SHM_STALE_LOOKS 64u
/* How often a worker that never sleeps checks whether its supervisor lives. */
#define SHM_LOOK_NS (20 * SHMRPCI_NS_PER_MS)

/* How long a method takes, as measured by this worker. */
typedef struct shm_method_time {
    uint32_t method; /* method id + 1; 0 if unused */
    uint32_t ticks;  /* rises at once, falls slowly */
} shm_method_time;

typedef struct shm_view {
    shm_conn *conn;
    uint64_t active; /* time of its last request, in ticks */
    uint32_t skips;  /* consecutive scans that have skipped it */
    uint32_t next;   /* the slot to begin with: the one after the last served */
    uint32_t other;  /* like `next`, for the slots of sleeping threads */
    uint32_t streak; /* consecutive requests found without a scan */
    uint32_t stale;  /* consecutive scans that found only stale hints */
    uint32_t depth;  /* number of slots in use: upper bound of the calls in
                      * flight */
    uint32_t top;    /* the highest slot used since `depth` was last computed */
    uint32_t claims; /* number of claims since then */
} shm_view;

typedef enum shm_turn_of {
    SHM_TURN_OF_ALL,
    SHM_TURN_OF_AWAKE,
    SHM_TURN_OF_ASLEEP
} shm_turn_of;

/* Which clients are served next. See worker_claim.c. */
typedef struct shm_turn {
    uint64_t again_ticks;  /* SHM_AGAIN_NS */
    uint64_t passed_ticks; /* SHM_PASSED_NS */
    uint64_t since;        /* last time when no client waited or all had been
                            * served, in ticks */
    size_t start;          /* where the next scan for awake clients begins */
    uint32_t passed;       /* sleeping threads that the scan has passed over; a
                            * single-threaded client counts as one */
    uint32_t waiting;      /* how many were passed over in a complete scan, at
                            * most SHM_PASSED_MOST */
    uint32_t owed;         /* calls of sleepers still to be served before
                            * awake clients go first again */
    uint32_t long_calls;   /* consecutive long calls of awake clients */
    uint64_t asleep;       /* sleeping slots of the client that was answered
                            * last */
    uint64_t together;     /* mask of the slots in `asleep` that count: all, or
                            * only the answered slot if threads share the
                            * client */
    shm_turn_of whose;     /* which clients the scan covers */
} shm_turn;

typedef enum shm_reply_target {
    SHM_REPLY_STAGING,
    SHM_REPLY_SPAN,
    SHM_REPLY_HEAP
} shm_reply_target;

struct shm_worker {
    shmrpci_participant base;
    shm_listener *listener;
    uint32_t index;
    int poll_set;

    shm_view *views; /* copy of the table, at `version` */
    size_t view_count;
    size_t view_cap;
    bool is_single; /* there is only one view, of a single-threaded client */
    uint64_t version;
    uint64_t signal; /* the listener's signal at the last check */
    uint64_t looked; /* ticks of the last check of the link; the next is due
                      * SHM_LOOK_NS later */
    uint64_t look_ticks;
    shmrpci_atomic_u32 *order; /* shm_order: whether to continue */
    shm_worker_shared *shared;
    size_t start; /* where the next scan begins */

    bool is_offline; /* SHM_OFFLINE was written to `seen` */
    bool is_cold;    /* wake another worker if needed before the next handler
                      * (rule 1 in README.md) */
    bool has_news;   /* ends of connections must be reported; implies is_cold */
    bool is_woken;   /* the next scan follows a wake-up by a bell */
    uint64_t lease;  /* end of our lease; 0 if we have none */
    uint64_t lease_ticks;
    uint64_t short_ticks;
    uint64_t recent_ticks;
    uint64_t step_ticks;
    shmrpci_spinner spinner;
    shmrpci_spinner stream_spinner;
    shmrpci_yielder yielder;
    shm_turn turn;
    uint64_t idle_since; /* since when it has been idle, in ticks */
    bool has_slept;      /* it has slept since then */
    uint32_t peer_cpu;
    shmrpci_tick_clock clock;
    uint64_t now; /* the last value read from the clock, in ticks */
    bool is_now;  /* `now` was read at the end of a call, a moment ago */

    /* The request being served; conn is NULL if there is none. */
    shm_conn *conn;
    uint32_t slot;
    uint32_t gen;
    uint32_t method;
    uint32_t flags;
    uint64_t began;
    shm_span reply_span;
    uint8_t *reply_at; /* NULL if there is no span */
    uint32_t granted;  /* extent for a reply that exceeds the span; 0 if none */
    shmrpci_stream_rings rings; /* of a request with SHM_MSG_STREAMS */
    shmrpci_stream *stream;     /* the worker's end, if the request was
                                 * accepted */
    bool is_shadow;             /* this is the shadow of a detached call
                                 * (worker_detach.c) */
    bool was_given_up;          /* cancelled by its client before it was
                                 * answered */
    shm_reply_target target;

    shm_method_time methods[SHM_METHOD_WAYS];
    uint8_t *in; /* SHM_PAYLOAD_BYTES, for short requests */
    _Alignas(64) uint8_t out[SHM_PAYLOAD_BYTES];
};

/* Whether the client that was answered last did not sleep. */
static inline bool shm_turn_is_awake(const shm_turn *turn)
{
    return (turn->asleep & turn->together) == 0;
}

/* ---- worker_claim.c ----------------------------------------------- */

/* Scans for a request and claims it; then conn, slot and gen are set. `is_full`
 * makes it check every connection, not only recently active ones. */
bool shm_worker_scan(shm_worker *worker, bool is_full);
/* For a worker with only one connection: tries only the slots in which the next
 * request is likely to be. */
bool shm_worker_claim_next(shm_worker *worker);
/* Whether any request waits unclaimed. May return true when none does. */
bool shm_worker_sees_work(const shm_worker *worker);

/* ---- worker.c ----------------------------------------------------- */

/* Rule 1 in README.md: wakes another worker for the requests that we leave
 * waiting. */
void shm_worker_share(shm_worker *worker);
/* Announces in `seen` that we use the table. */
void shm_worker_go_online(shm_worker *worker);
void shm_worker_go_offline(shm_worker *worker);
/* Allocates memory for short requests; returns NULL if out of memory. */
uint8_t *shm_worker_make_room(void);

/* ---- worker_request.c --------------------------------------------- */

/* Reads the claimed request into `request`. Returns false if the request was
 * malformed; it has then been answered. */
bool shm_worker_begin(shm_worker *worker, shmrpci_request *request);

/* Forgets the request being served, which no longer belongs to this worker. */
void shm_worker_part(shm_worker *worker);

/* ---- worker_stream.c ---------------------------------------------- */

/* Reads the place of the rings at the beginning of a request's payload. Returns
 * INVALID or NO_MEMORY if it can't use them. */
shmrpc_status shm_worker_note_streams(shm_worker *worker,
                                      const uint8_t *payload);
/* Ends the call's streams. Called before the reply overwrites the payload. */
void shm_worker_end_streams(shm_worker *worker);

#endif
