/*
 * State shared by the files of the server's side.
 *
 * Workers read the sockets themselves. The idle ones wait on one set of
 * edge-triggered descriptors; the worker that the kernel wakes reads the
 * socket, takes a call and answers it, so no other thread is involved. The
 * listener's thread accepts connections, does handshakes, checks deadlines, and
 * reads sockets while all workers are busy, so that cancellations are still
 * noticed.
 *
 *     connection:  HANDSHAKE -> OPEN -> DEAD
 *                                 +-> LINGER -> DEAD
 *
 *     call:        QUEUED -> CLAIMED -> ENDED
 *                     +-> (withdrawn)
 *
 * A connection lives as long as there is a reference to it: the table, each of
 * its calls and each thread that works on it have one. Its descriptor is closed
 * with the last reference, because until then no other connection may get the
 * same number.
 *
 * Threading: everything is guarded by the listener's lock, except atomics and
 * three parts of a connection. The outbox has its own lock. The streams are
 * guarded by flow_lock. The reader belongs to the thread that raised `events`
 * from 0. The listener's lock is never held while an outbox sends or gives back
 * pieces; reading the state of an outbox takes its lock inside the listener's.
 */
#ifndef SHMRPCI_TRANSPORT_TCP_SERVER_H
#define SHMRPCI_TRANSPORT_TCP_SERVER_H

#include "os/stream.h"
#include "os/thread.h"
#include "sync/atomic.h"
#include "transport/farewell.h"
#include "transport/tcp/auth.h"
#include "transport/tcp/flow.h"
#include "transport/tcp/outbox.h"
#include "transport/tcp/pack.h"
#include "transport/tcp/place.h"
#include "transport/tcp/reader.h"
#include "transport/tcp/tcp.h"

#define TCP_MAX_WORKERS 64u

/* Number of lists over which the calls of a connection are spread by their
 * ids. */
#define TCP_CALL_LISTS 64u

/* Special tags in the poll sets; all other tags are connections. */
#define TCP_TAG_WAKE   UINT64_MAX
#define TCP_TAG_LISTEN (UINT64_MAX - 1)
#define TCP_TAG_BELL   ((uint64_t)INT64_MAX)

typedef struct tcp_listener tcp_listener;
typedef struct tcp_conn tcp_conn;
typedef struct tcp_call tcp_call;

/* Memory that peers make us keep. */
typedef struct tcp_kept {
    size_t requests; /* requests, including those still arriving */
    size_t replies;  /* replies being written or not sent yet */
} tcp_kept;

/* A list of calls. */
typedef struct tcp_call_list {
    tcp_call *first;
    tcp_call *last;
} tcp_call_list;

typedef enum tcp_call_state {
    TCP_CALL_QUEUED,
    TCP_CALL_CLAIMED,
    TCP_CALL_ENDED /* its reply may still be in the outbox */
} tcp_call_state;

struct tcp_call {
    tcp_call *next;         /* next in the queue, the claimed list, or the free
                             * list */
    tcp_call *previous;     /* previous in the queue or the claimed list */
    tcp_call *next_of_conn; /* next call of the connection, until it has
                             * ended */
    tcp_conn *conn;
    tcp_call_state state;
    uint32_t id;
    uint32_t owner; /* index of the worker while CLAIMED */
    /* Set with the lock held; read by is_cancelled without it. */
    shmrpci_atomic_u32 is_cancelled;
    shmrpci_head head;
    int64_t deadline_ns;
    int64_t taken_until_ns; /* deadline for a worker to take it */
    uint8_t *request;
    size_t request_len;
    size_t request_cap;
    uint8_t *reply;         /* TCP_HEAD_BYTES, then the body */
    size_t reply_cap;       /* capacity of the reply's body */
    tcp_pack_room packed;   /* holds the packed reply, if packing makes it
                             * shorter */
    shmrpci_stream *stream; /* its streams, until they have ended */
    bool has_place;         /* this call is counted in `streaming` */
    tcp_kept kept;
    size_t spare_bytes; /* memory that it has in addition to `kept` */
    tcp_piece piece;    /* the reply in the outbox */
};

typedef enum tcp_conn_state {
    TCP_CONN_HANDSHAKE,
    TCP_CONN_OPEN,
    TCP_CONN_LINGER, /* refused; the peer may read why */
    TCP_CONN_DEAD
} tcp_conn_state;

struct tcp_conn {
    tcp_listener *listener;
    uint64_t tag;
    int fd;
    shmrpci_tls *tls;         /* NULL: the connection is unencrypted */
    bool has_begun;           /* TLS only: the peer has begun a TLS handshake */
    bool needs_tls;           /* TLS only: the peer did not begin a handshake,
                               * and is told that TLS is required */
    tcp_end why;              /* reason for LINGER */
    shmrpci_fork_fd fd_place; /* closed in forked children, which would
                               * otherwise keep the connection open */
    tcp_conn_state state;
    uint32_t refs;
    bool is_paused;      /* not read until less memory is kept for it */
    tcp_kept kept;       /* memory kept for this connection */
    size_t asked_bytes;  /* part of `kept`: the body that is arriving */
    size_t wanted_bytes; /* room that this body waits for; 0: it does not
                          * wait */
    int64_t wanted_ns;   /* since when that body has waited */
    tcp_call_list queued;
    bool is_lined_up; /* in the listener's line, because it has queued calls */
    tcp_conn *next_lined_up;
    tcp_conn *previous_lined_up;
    uint32_t turn_calls; /* number of calls that were taken in its present
                          * turn */
    size_t turn_bytes;
    uint32_t in_flight; /* number of calls that have not ended */
    uint32_t owed;      /* number of credits of oneway calls to be returned */
    bool is_held;       /* in the listener's list of held connections */
    tcp_conn *next_held;
    bool credit_is_out;              /* credit_note is in the outbox */
    tcp_call *calls[TCP_CALL_LISTS]; /* calls that have not ended, by their
                                      * ids */
    int64_t deadline_ns;             /* deadline of the handshake or of
                                      * LINGER */
    shmrpci_endpoint endpoint;
    shmrpc_peer peer;
    char peer_text[SHMRPCI_ENDPOINT_TEXT_BYTES];
    char subject[TCP_SUBJECT_BYTES];
    uint8_t *hello; /* the client's hello; NULL: it was not kept */
    size_t hello_len;
    shmrpci_farewell *farewell;    /* NULL: the end of this connection is not
                                    * reported */
    shmrpci_atomic_u32 is_watched; /* it has a farewell; relaxed, because it is
                                    * only a hint */
    size_t max_message_bytes;
    shmrpc_compression compression;
    uint32_t epoch;    /* value of the listener's epoch when the client said
                        * hello */
    uint32_t features; /* TCP_FEATURE_... bits that both sides have */
    tcp_outbox outbox;
    shmrpci_mutex flow_lock;
    tcp_flow flow;
    tcp_note credit_note;
    /* Fields used by the thread that reads. */
    shmrpci_atomic_u32 events;
    shmrpci_atomic_u32 has_hung_up; /* the peer will send no more, but what is
                                     * left must be read */
    tcp_reader reader;
    tcp_call *arrived; /* received requests that are not queued yet */
    tcp_call **arrived_end;
    uint32_t arrived_count;
    tcp_call *stock; /* free calls for the next requests */
    size_t opening_len;
    bool has_opened;        /* the peer's opening has arrived, with its nonce if
                             * we have a key */
    bool was_welcomed;      /* the handshake is over */
    int64_t arrived_ns;     /* when the bytes that are being handled arrived */
    bool said_opening;      /* our opening was sent */
    tcp_auth auth;          /* uses the listener's key */
    size_t mark;            /* used by tcp_bytes_mark */
    uint64_t frames;        /* number of frames received so far */
    uint64_t frame_number;  /* the frame for which the deadline was set */
    int64_t frame_since_ns; /* when the incomplete frame began */
    bool was_paused;        /* reading was paused when it was last tried */
    shmrpci_atomic_u64 body_since_ns; /* since when the present body has been
                                       * arriving; other threads read it with
                                       * the lock held */
    shmrpci_atomic_u64 body_bytes;    /* how many bytes of it have arrived */
    size_t last_asked_bytes;          /* the last size passed to
                                       * tcp_budget_ask */
    uint64_t last_asked_frame;        /* number of the frame with that size */
    shmrpci_atomic_u64 frame_deadline_ns; /* deadline of the incomplete frame,
                                           * read by the patrol; 0: none */
};

typedef struct tcp_participant {
    shmrpci_participant base;
    tcp_listener *listener;
    uint32_t index;
    bool is_taken;
} tcp_participant;

/* A place in the table of connections. */
typedef struct tcp_seat {
    tcp_conn *conn;
    uint32_t generation;
} tcp_seat;

struct tcp_listener {
    shmrpci_listener base;
    tcp_limits limits;
    shmrpci_listen_opts opts;
    uint32_t *allowed_uids;
    tcp_place place;
    shmrpci_secret key;       /* len 0: no key */
    shmrpci_tls_context *tls; /* NULL: unencrypted; used by the accepting thread
                               * only */
    uint64_t tls_stamp;       /* time stamp of the files from which `tls` was
                               * made */
    char cert_file[256];
    char ca_file[256];
    int control_set; /* polled by the listener's own thread */
    int edge_set;    /* polled by the workers, and sometimes by the listener's
                      * thread */
    int wake_fd;     /* registered in control_set */
    int bell_fd;     /* registered in edge_set */
    shmrpci_atomic_u32 stopping;
    shmrpci_mutex lock;
    /* Guarded by the lock: */
    tcp_conn *line_first; /* line of the connections with calls for workers,
                           * without those that are full */
    tcp_conn *line_last;
    tcp_call *claimed; /* claimed calls, linked by `next` */
    tcp_call *free_calls;
    uint32_t free_call_count;
    tcp_kept kept;          /* sum over all connections */
    size_t spare_bytes;     /* sum over all calls, including free ones */
    bool requests_are_many; /* requests have used more than half of their
                             * limit */
    bool replies_are_many;
    shmrpci_atomic_u32 has_too_many; /* replies exceed their limit; written with
                                      * the lock held */
    shmrpci_atomic_u64 item_bytes;   /* bytes of stream items kept for all
                                      * connections */
    uint32_t streaming;              /* number of workers in calls with
                                      * streams */
    uint32_t wanting;                /* number of connections with
                                      * wanted_bytes */
    uint32_t idle;                   /* number of workers that wait on
                                      * edge_set */
    uint64_t claims;                 /* number of claims so far */
    uint32_t epoch;                  /* version of the settings that welcomes
                                      * contain */
    uint64_t looks;                  /* number of times that workers have polled
                                      * edge_set */
    tcp_conn *held;     /* connections that hold replies; the list has a
                         * reference to each */
    uint64_t holds;     /* number of times that replies were held */
    bool is_quick;      /* replies were held lately, so the listener's thread
                         * checks for them soon */
    bool is_asleep;     /* the listener's thread does not poll the sockets */
    bool is_patient;    /* the listener's thread does not wake for deadlines
                         * either */
    bool is_watching;   /* some connection has a deadline */
    uint32_t unsettled; /* number of connections in HANDSHAKE or LINGER */
    tcp_seat *seats;
    uint32_t seat_count;
    shmrpci_farewell *farewells; /* ends of connections that a worker must
                                  * report */
    tcp_counts counts;
    tcp_participant participants[TCP_MAX_WORKERS];
};

/* ---- conn.c: connections, from accept to their end ----------------------- */

/* Takes a new connection; closes it at once if there are too many. */
void tcp_conn_accept(tcp_listener *listener, int fd,
                     const shmrpci_endpoint *peer);
void tcp_conn_unref(tcp_conn *conn);
/* Like tcp_conn_unref, with the lock held. */
void tcp_conn_unref_locked(tcp_conn *conn);
/* Called without the lock. Ends a connection, once; its calls are withdrawn or
 * cancelled. */
void tcp_conn_end(tcp_conn *conn, tcp_end why);
/* Handles an event of the edge set for the socket of `tag`: reads and writes.
 * Any thread. */
void tcp_conn_event(tcp_listener *listener, uint64_t tag);
bool tcp_conn_is_open(tcp_conn *conn);
/* Ends the connection if one of its deadlines has passed; else returns the
 * earliest deadline, or SHMRPCI_NEVER_NS. */
int64_t tcp_conn_patrol(tcp_conn *conn, int64_t now_ns);
/* Whether the connection has other deadlines than those of HANDSHAKE and
 * LINGER. */
bool tcp_conn_is_watched(tcp_conn *conn);

/* ---- conn_send.c ---- */

/* Sends what waits in the outbox; ends the connection if that fails. */
void tcp_conn_flush(tcp_conn *conn);
/* Whether a reply of `bytes` that was added to the outbox, as one of `waiting`,
 * may wait there until queued calls have been answered. If it returns false,
 * the caller must flush now. */
bool tcp_conn_hold(tcp_conn *conn, size_t bytes, uint32_t waiting);
/* Flushes all connections that hold replies. */
void tcp_conn_release_held(tcp_listener *listener);
/* From now on the replies and items of the connection may wait for others, at
 * most for TCP_HOLD_NS. */
void tcp_conn_hold_for_others(tcp_conn *conn);
/* Queues a frame without a body and sends it. */
void tcp_conn_note(tcp_conn *conn, const tcp_head *head);
/* Like tcp_conn_note, but behind the items of a call that has ended; `stream`
 * may be NULL. */
void tcp_conn_note_behind(tcp_conn *conn, const tcp_head *head,
                          shmrpci_stream *stream);

/* ---- hello.c: the handshake ---- */

/* Takes bytes of the opening; the bytes that remain are frames. */
tcp_end tcp_hello_opening(tcp_conn *conn, const uint8_t **data, size_t *len);
/* Called when the TLS handshake has failed. Gives the client time to read
 * why. */
void tcp_hello_no_tls(tcp_conn *conn);
/* Checks the peer's proof that it has the key. Returns NONE or AUTH. */
tcp_end tcp_hello_prove(tcp_conn *conn, const tcp_body *body);
/* Answers a HELLO. */
tcp_end tcp_hello_answer(tcp_conn *conn, const tcp_head *head,
                         const tcp_body *body);

/* ---- call.c: calls, from request to reply ---- */

/* Called by the reader. Takes in a request, which tcp_call_arrive will
 * queue. */
tcp_end tcp_call_begin(tcp_conn *conn, const tcp_head *head, tcp_body *body);
/* Queues the requests that tcp_call_begin has taken in. */
tcp_end tcp_call_arrive(tcp_conn *conn);
/* Handles the client's CANCEL of a call. */
tcp_end tcp_call_cancel(tcp_conn *conn, uint32_t id);
/* Called by the patrol, without the lock. Ends calls that no worker has taken
 * in time. Returns when to check again. */
int64_t tcp_call_patrol(tcp_conn *conn, int64_t now_ns);
/* Called with the lock held when a call has ended and nothing more will be sent
 * for it. */
void tcp_call_end(tcp_call *call);
/* Called with the lock held, after tcp_call_end. Frees or keeps the call's
 * memory. */
void tcp_call_free(tcp_call *call);
/* Frees only the memory of a call's request, or of its reply. */
void tcp_call_forget_request(tcp_call *call);
void tcp_call_forget_reply(tcp_call *call);
/* Called with the lock held. Removes the connection's calls from the queue,
 * except oneway calls, and tells the handlers of the calls that are running. */
void tcp_call_abandon(tcp_conn *conn);
/* The queue; called with the lock held. A connection that does not take its
 * replies leaves the line together with its calls; it lines up again when it is
 * no longer full. */
tcp_call *tcp_call_pop(tcp_listener *listener);
void tcp_call_line_up(tcp_conn *conn);
void tcp_call_claim(tcp_call *call, uint32_t owner);
void tcp_call_unclaim(tcp_call *call);
/* Whether this listener is a relay, which passes calls on. A relay can't tell
 * whether a queued call was taken, and a worker that takes one call also takes
 * those behind it. */
static inline bool tcp_listener_is_relay(const tcp_listener *listener)
{
    return listener->opts.on_cancel != NULL;
}

/* ---- worker_stream.c: streams of calls ----------------------------------- */

extern const tcp_flow_ops tcp_conn_flow_ops;
/* Called by the reader. The request of `call` begins with windows, which are
 * removed from its body. */
tcp_end tcp_call_begin_streams(tcp_call *call);
/* Called with the listener's lock held. Returns the call's streams, with a
 * reference for the caller; NULL: the call has none. */
shmrpci_stream *tcp_call_hold_streams(tcp_call *call);
/* Drops the reference from tcp_call_hold_streams; any thread. `stream` may be
 * NULL. */
void tcp_call_let_streams_go(shmrpci_stream *stream);
/* Called when the client no longer reads or sends (stop), or when the call has
 * ended (end). The caller may hold any lock except the flow's. */
void tcp_call_stop_streams(tcp_call *call);
void tcp_call_end_streams(tcp_call *call);
int tcp_worker_accept(shmrpci_request *request, uint32_t max_places,
                      shmrpci_stream **out, shmrpc_error *error);

/* ---- budget.c: memory that peers make us keep ---------------------------- */

/* All but the last three need the caller to hold the lock. */

/* Counts the request of a call that has been queued. */
void tcp_budget_take_request(tcp_call *call);
/* Counts the reply of a call, which takes or will take this many bytes. */
void tcp_budget_take_reply(tcp_call *call, size_t bytes);
/* Called when the request of a call is no longer needed. */
void tcp_budget_end_request(tcp_call *call);
/* Called when a call is over, and nothing is kept for it any more. */
void tcp_budget_give_back(tcp_call *call);
/* Reports that a free call keeps `bytes` of memory; 0: the call will be freed.
 * Returns false if all calls together would keep too much. */
bool tcp_budget_spare(tcp_listener *listener, tcp_call *call, size_t bytes);
/* Whether a connection is not read (is_paused), or its calls are not run
 * (is_full). */
bool tcp_budget_is_paused(const tcp_conn *conn);
bool tcp_budget_is_full(const tcp_conn *conn);
/* Called when a connection has ended. */
void tcp_budget_leave(tcp_conn *conn);
/* Called by the reader, without the lock, when a body of `bytes` has begun to
 * arrive; 0: none is arriving. */
void tcp_budget_ask(tcp_conn *conn, size_t bytes);
/* Called without the lock. Ends the slowest readers of replies until there is
 * room for `bytes` more. */
void tcp_budget_make_room(tcp_listener *listener, size_t bytes);
/* Called without the lock, by the patrol. Makes room for a request that has
 * waited too long. Returns when to check again. */
int64_t tcp_budget_patrol(tcp_listener *listener, int64_t now_ns);

/* ---- worker.c ---- */

int tcp_worker_open(shmrpci_listener *listener, uint32_t index,
                    shmrpci_participant **out, shmrpc_error *error);
void tcp_worker_close(shmrpci_participant *participant);
int tcp_worker_next(shmrpci_participant *participant, shmrpci_request *request);
size_t tcp_worker_next_more(shmrpci_participant *participant,
                            shmrpci_request *const *requests, size_t count);
void tcp_worker_reply_reserve(shmrpci_request *request, size_t size_hint);
void tcp_worker_reply_commit(shmrpci_request *request);
void tcp_worker_reply_commit_all(shmrpci_request *const *requests,
                                 size_t count);
void tcp_worker_drop(shmrpci_request *request);
bool tcp_worker_is_cancelled(const shmrpci_request *request);
bool tcp_worker_is_draining(const shmrpci_request *request);
uint64_t tcp_worker_connection(const shmrpci_request *request);
int tcp_worker_detach(shmrpci_request *request, shmrpci_request *out);
void tcp_worker_detached_end(shmrpci_request *request);
int tcp_worker_watch(const shmrpci_request *request, shmrpc_error *error);
size_t tcp_worker_hello(const shmrpci_request *request,
                        uint8_t out[SHMRPCI_HELLO_MAX_BYTES]);
void tcp_worker_recover(shmrpci_listener *listener, uint32_t index);

/* ---- listener.c ---- */

int tcp_listener_open(const shmrpci_address *address,
                      const shmrpci_listen_opts *opts, shmrpci_listener **out,
                      shmrpc_error *error);
int tcp_listener_run(shmrpci_listener *listener, shmrpc_error *error);
void tcp_listener_linger(shmrpci_listener *base,
                         const shmrpci_atomic_u32 *working, int64_t cut_ns);
void tcp_listener_stop(shmrpci_listener *listener);
void tcp_listener_close(shmrpci_listener *listener);
const char *tcp_listener_describe(const shmrpci_listener *listener);
uint32_t tcp_listener_renew(shmrpci_listener *listener);
/* Called with the lock held. From now on the listener's thread checks
 * deadlines. */
void tcp_listener_watch(tcp_listener *listener);
/* Called with the lock held. Counts a packed body, also in the service's public
 * statistics (`shown`; NULL: there are none). */
static inline void tcp_listener_count(tcp_packed *counts,
                                      shmrpci_stats_packed *shown,
                                      size_t plain_bytes, size_t packed_bytes)
{
    counts->bodies++;
    counts->plain_bytes += plain_bytes;
    counts->packed_bytes += packed_bytes;
    if (shown != NULL) {
        /* Relaxed: independent figures, only for display. */
        (void)shmrpci_add_relaxed(&shown->bodies, UINT64_C(1));
        (void)shmrpci_add_relaxed(&shown->plain_bytes, (uint64_t)plain_bytes);
        (void)shmrpci_add_relaxed(&shown->packed_bytes, (uint64_t)packed_bytes);
    }
}

#endif
