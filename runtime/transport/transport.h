/*
 * Transports move whole messages between a client and a service's workers.
 *
 * A message is a head (method, status, time left) and a body of bytes; what the
 * bytes mean is up to rpc and codec. Every transport (inproc, shm, tcp, tls,
 * unix) implements the operation tables of a client, a listener and a worker,
 * the other tables as far as it can, and passes one conformance suite
 * (tests/conformance).
 *
 * Memory changes hands only at these calls, which are the same on both sides:
 *
 *     reserve -> commit | abort   a message of ours: we write, then it is gone
 *     receive -> release          a message of theirs: ours to read till then
 *
 *     client:  reserve, encode into call->out, commit, receive, decode, release
 *     async:   reserve, encode, commit; watch, arm; then receive that only
 *              looks
 *     worker:  receive, decode, handle, reserve, encode into request->out,
 *              commit (which also releases) | release (no reply wanted)
 *
 * A received body may lie in memory that the peer can still write: `in_shared`
 * says so. Such a body must be copied before it is parsed, or be read so that
 * no byte is read twice.
 *
 * Deadlines are absolute, in monotonic nanoseconds (os/clock.h). Nothing here
 * waits without one, except a worker for its next request; stop ends that wait.
 */
#ifndef SHMRPCI_TRANSPORT_TRANSPORT_H
#define SHMRPCI_TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "observe/layout.h"
#include "os/clock.h"
#include "os/futex.h"
#include "shmrpc/error.h"
#include "shmrpc/options.h"
#include "shmrpc/server.h"
#include "sync/atomic.h"

typedef struct shmrpci_transport shmrpci_transport;

/* One place from an address list, parsed. The strings live as long as the
 * list. */
typedef struct shmrpci_address {
    const shmrpci_transport *transport;
    char name[64];     /* service name: [A-Za-z0-9_.-]+ */
    char instance[64]; /* "" for none */
    char host[256];    /* tcp: host; unix: path; nats: servers */
    uint16_t port;
    int fd; /* only for transport/adopted.h: one end of a connection */
    /* tcp and tls: the file of the key that both sides share; "" for none, as
     * below */
    char key_file[256];
    char cert_file[256];  /* tls: our certificate and its private key */
    char ca_file[256];    /* tls: the certificates that we trust */
    char token_file[256]; /* of a client: the token sent in the hello; or "" */
    char creds_file[256]; /* nats: our credentials; key_file: an nkey's seed */
    char zone[64];        /* nats: our location; "": anywhere */
} shmrpci_address;

/* Ids of methods. Id 0 asks any service to describe itself. */
#define SHMRPCI_METHOD_DESCRIBE 0u
#define SHMRPCI_METHOD_MAX      0xFFFFu

enum {
    SHMRPCI_HEAD_ONEWAY = 1u << 0, /* request: nobody waits for a reply */
    SHMRPCI_HEAD_DETAIL = 1u << 1, /* reply: the body is an error detail */
    /* request: the client has another version of the interface, and wants enums
     * as numbers */
    SHMRPCI_HEAD_NUMBERED = 1u << 4,
    /* request: its end notifies watchers; set it for calls to be armed */
    SHMRPCI_HEAD_TOLD = 1u << 5,
    /* the body begins with a metadata block, whose format is rpc's
     * (rpc/metadata.h); in a reply only if the request had one */
    SHMRPCI_HEAD_METADATA = 1u << 6,
    /* request of a relay: the same thread will commit another one at once, over
     * the same connection; both may be announced together */
    SHMRPCI_HEAD_MORE = 1u << 7,
    /* request: it has streams; set when these are opened */
    SHMRPCI_HEAD_STREAMS = 1u << 8,
    /* reply of a relay: the call ended without a reply; the status is the one
     * that receive returned: WORKER_DIED, SERVER_LOST, or UNAVAILABLE if the
     * call has certainly not run */
    SHMRPCI_HEAD_ENDED = 1u << 9
};

typedef struct shmrpci_head {
    uint32_t method;    /* request: id, 0 to SHMRPCI_METHOD_MAX */
    uint32_t flags;     /* SHMRPCI_HEAD_... */
    int32_t status;     /* reply: how the call ended */
    int64_t timeout_ns; /* request: time left when it was committed */
    uint64_t ticks;     /* request: when it was committed, in ticks; or 0 */
} shmrpci_head;

/* Private state of the transport within a call or request, in the caller's
 * memory. */
typedef union shmrpci_transport_data {
    uint64_t words[8];
    void *pointers[8];
} shmrpci_transport_data;

/* ---- client ---------------------------------------------------------- */

/* Capabilities of the other side. */
enum {
    SHMRPCI_FEATURE_STREAMS = 1u << 0,
    SHMRPCI_FEATURE_METADATA = 1u << 1,
    /* The connection has several servers: a lost call does not mean that it is
     * lost. Once it is, reserve fails. */
    SHMRPCI_FEATURE_SEVERAL = 1u << 16
};

/* A client's end of a connection; transports embed it first. Any number of
 * threads may have calls on it at once. */
typedef struct shmrpci_conn {
    const shmrpci_transport *transport;
    uint32_t features; /* SHMRPCI_FEATURE_...; set by connect */
} shmrpci_conn;

/* One call, in the caller's memory. One thread at a time. */
typedef struct shmrpci_call {
    shmrpci_conn *conn;
    shmrpci_head head; /* set before commit; the reply's after receive */
    shmrpci_buf out;   /* the request's body; grows inside the transport */
    const uint8_t *in; /* the reply's body, from receive to release */
    size_t in_len;
    bool in_shared; /* the peer can still write to it */
    bool waited;    /* reserve had to wait for a slot */
    /* Set by a commit that returns EXHAUSTED, if known: how many bytes of
     * memory it needed (0: unknown), and how many were left. */
    uint64_t needed_bytes;
    uint64_t left_bytes;
    shmrpci_transport_data data;
} shmrpci_call;

/* Identifies to the transport a reply that outlives its call. */
typedef struct shmrpci_kept {
    uint64_t words[2];
} shmrpci_kept;

typedef struct shmrpci_connect_opts {
    int64_t deadline_ns;
    shmrpc_profile profile;
    size_t max_message_bytes; /* the smaller of both sides' counts; never 0 */
    /* The message that rpc sends first; the transport carries it to `on_hello`.
     * At most SHMRPCI_HELLO_MAX_BYTES. */
    const uint8_t *hello;
    size_t hello_len;
} shmrpci_connect_opts;

/* Largest bodies that can be posted. */
#define SHMRPCI_POST_MAX_BYTES 128u

#define SHMRPCI_HELLO_MAX_BYTES 1024u
/* Longest name of an object that a service shares, in bytes. */
#define SHMRPCI_SHARED_NAME_MAX   255u
#define SHMRPCI_WELCOME_MAX_BYTES ((size_t)4 << 20)

/* ---- server ---------------------------------------------------------- */

/* A service's end: listens, keeps connections, hands requests to workers. */
typedef struct shmrpci_listener {
    const shmrpci_transport *transport;
} shmrpci_listener;

/* A worker's place at a listener: its index identifies what it holds. */
typedef struct shmrpci_participant {
    const shmrpci_transport *transport;
    /* Statistics of how it waits; NULL: not counted. Set before the first
     * next. */
    shmrpci_stats_waits *waits;
    /* Set before the first next. Called when connections that are watched (see
     * watch) have ended, and, if tells_peers is set, when peers of relays have
     * gone, whether or not they ever made a call. Called by `next`, with no
     * lock held. NULL: not called. */
    void (*on_end)(void *user, uint64_t connection);
    void *end_user;
} shmrpci_participant;

/* One request, in the worker's memory. One thread at a time. */
typedef struct shmrpci_request {
    shmrpci_participant *participant;
    shmrpci_head head; /* of the request; status is set before commit */
    const uint8_t *in; /* the request's body, from receive to release */
    size_t in_len;
    bool in_shared;      /* the peer can still write to it */
    int64_t received_ns; /* when it was received, with an error of up to about
                          * 25 us */
    int64_t deadline_ns; /* when the caller stops waiting */
    /* In ticks: how long it had waited when it was received, by the client's
     * clock; when it was received; and when it ended, which reply_commit and
     * drop set (0 where a transport does not read the clock then). */
    uint64_t queue_ticks;
    uint64_t began_ticks;
    uint64_t ended_ticks;
    /* Set by answer and reply_commit: the caller had given the call up. */
    bool was_given_up;
    const shmrpc_peer *peer; /* lives as long as the connection */
    uint32_t epoch;          /* the epoch in which its client said hello; see
                              * renew */
    shmrpci_buf out;         /* the reply's body, from reserve to commit */
    shmrpci_transport_data data;
} shmrpci_request;

/*
 * A client says hello: decides whether it may connect. Either appends the
 * answer to `welcome` and returns OK, or fills `error`, which is sent to the
 * client. Called on the thread that runs the listener.
 */
typedef int shmrpci_on_hello(void *user, const uint8_t *hello, size_t len,
                             const shmrpc_peer *peer, shmrpci_buf *welcome,
                             shmrpc_error *error);

/*
 * A client asks for an object that the service shares, by its name; or a
 * process of the server, or its successor, asks, which is always given write
 * access. `*out_fd` becomes the caller's: an open file description of its own.
 * NOT_FOUND, or another status that the client is to get. On the thread that
 * runs the listener; inproc: the client's.
 */
typedef int shmrpci_on_object(void *user, const char *name, bool as_server,
                              const shmrpc_peer *peer, int *out_fd,
                              shmrpc_error *error);

typedef struct shmrpci_listen_opts {
    uint32_t max_workers; /* the indices of participants are below it; up to
                           * 64 */
    shmrpc_profile profile;
    size_t max_message_bytes;
    uint32_t max_connections_per_uid;
    size_t max_bytes_per_uid;
    /* Between machines: bytes of requests and replies kept at a time; 0: 256
     * MiB. At least twice the largest message. */
    size_t max_total_bytes;
    /* Memory for large messages that has not been used for this long is freed;
     * 0: 30 s. It may take up to twice as long. */
    int64_t extent_idle_ns;
    const uint32_t *allowed_uids; /* copied, as are the next */
    size_t allowed_uid_count;
    const uint32_t *allowed_gids;
    size_t allowed_gid_count;
    bool takes_processes; /* workers in other processes will be enlisted */
    bool moves_streams;   /* of relays: the calls they pass on may have
                           * streams */
    shmrpc_compression compression; /* used between machines only */
    /* For open_stats: returns a descriptor that stays its owner's, and where to
     * count connections; or false, and NULL. */
    bool has_stats;
    int stats_fd;
    shmrpci_stats_gauges *gauges;
    /*
     * Set by relays, which pass requests on: a participant may then have
     * several requests at a time, and any thread may answer each. Called when
     * one of them was cancelled, with locks held: it may only wake a thread.
     * The caller gets nothing but the answer, which should follow soon.
     */
    void (*on_cancel)(void *user);
    bool tells_peers; /* workers' on_end is also called for relays' peers */
    shmrpci_on_hello *on_hello;
    shmrpci_on_object *on_object; /* NULL: the service shares no objects */
    /* Another process of our user (or root's) wants to take over the service,
     * and waits at the other end of `fd`, which belongs to the callee from now
     * on. NULL: nobody may take it over. On the thread of the control loop. */
    void (*on_successor)(void *user, int fd);
    void *user;
    void *successor_user;
} shmrpci_listen_opts;

/* Figures of a worker that may be read while it works; counts since it
 * began. */
typedef struct shmrpci_worker_view {
    int64_t busy_ns;  /* in handlers, including the call in progress */
    uint64_t calls;   /* calls that have ended */
    bool has_arrived; /* enlisted: it has taken its place and takes calls */
    bool is_busy;
    bool is_running;   /* is in a handler that is not waiting in a stream */
    bool has_streams;  /* is in a call with streams, and may wait in one */
    uint32_t detached; /* calls detached and not answered yet */
    /* Deadline of the call in progress; SHMRPCI_NEVER_NS: there is none. */
    int64_t deadline_ns;
} shmrpci_worker_view;

/* Figures of a service. */
typedef struct shmrpci_load_view {
    uint32_t waiting; /* requests that no worker has taken yet */
    int64_t age_ns;   /* how long, at least, the oldest of them has been
                       * waiting */
} shmrpci_load_view;

/* The times of a request that was just received; `sent` is 0 when unknown. */
static inline void shmrpci_request_began(shmrpci_request *request,
                                         uint64_t sent)
{
    uint64_t now = shmrpci_ticks();
    request->began_ticks = now;
    request->queue_ticks = sent != 0 && now > sent ? now - sent : 0;
}

/* ---- the interface --------------------------------------------------- */

/* A place where a service may be listening: name, instance and port, and the
 * location for people. Both live until the function returns; it must not call
 * the transport. */
typedef void shmrpci_on_found(void *user, const shmrpci_address *address,
                              const char *where);

/* The client's operations. A call is made between connect and disconnect. */
typedef struct shmrpci_client_ops {
    /*
     * Connects and exchanges hello and welcome. `welcome` receives what
     * on_hello appended. UNAVAILABLE: nobody listens, the message names each
     * place that was tried; the error of on_hello; DENIED; EXHAUSTED;
     * DEADLINE.
     */
    int (*connect)(const shmrpci_address *address,
                   const shmrpci_connect_opts *opts, shmrpci_conn **out,
                   shmrpci_buf *welcome, shmrpc_error *error);
    /* No call may be between reserve and release on another thread. In a forked
     * child: frees only the child's own memory of its parent's connection; it
     * waits for no lock and does not tell the peer. */
    void (*disconnect)(shmrpci_conn *conn);
    /*
     * Readies call->out for a request of about `size_hint` bytes, and room for
     * a reply of about `reply_hint`. Sets call->conn. Waits for a free slot
     * until `deadline_ns` (0: does not wait). DEADLINE, BUSY, EXHAUSTED,
     * SERVER_LOST.
     */
    int (*reserve)(shmrpci_conn *conn, shmrpci_call *call, size_t size_hint,
                   size_t reply_hint, int64_t deadline_ns, shmrpc_error *error);
    /* Gives a reservation back; nothing was sent. */
    void (*abort)(shmrpci_call *call);
    /*
     * Sends head and body. When `out` has failed, returns its status and
     * aborts. SERVER_LOST, DEADLINE (it could not be sent in time): not sent,
     * aborted. With SHMRPCI_HEAD_ONEWAY the call is over when commit returns,
     * and runs even if the client closes. Every other call must be received or
     * cancelled eventually: until then the transport may go on waiting for a
     * worker that has been stopped.
     */
    int (*commit)(shmrpci_call *call);
    /*
     * Waits for the reply: fills head, in, in_len, in_shared. DEADLINE: no
     * reply yet, the call goes on: receive again, or cancel it. The call is
     * over and released with UNAVAILABLE: the connection is lost, and no worker
     * had taken the call, nor ever will; SERVER_LOST: lost, and the call may
     * have run; WORKER_DIED; DATA_LOSS, NO_MEMORY: it has run, its reply can't
     * be read. With `deadline_ns` 0 it does not wait and makes no system call,
     * and learns that the server is lost only from other threads.
     */
    int (*receive)(shmrpci_call *call, int64_t deadline_ns);
    /* After receive returned OK. */
    void (*release)(shmrpci_call *call);
    /*
     * Instead of receiving: gives the call up. True when it was withdrawn
     * before a worker took it: it has not run and never will. Otherwise the
     * worker is told, and its reply will be dropped; the slot stays in use
     * until then. The call is over either way.
     */
    bool (*cancel)(shmrpci_call *call);
    /*
     * For clients that sleep in an event loop. Adds to `poll_set`, under `tag`,
     * a descriptor that becomes readable when an armed call has ended or the
     * server is lost. Once for each connection. EXHAUSTED.
     */
    shmrpc_status (*watch)(shmrpci_conn *conn, int poll_set, uint64_t tag);
    /*
     * Called before such a sleep, for a watched connection: from now on the end
     * of any call with SHMRPCI_HEAD_TOLD makes it readable, once; other events
     * may do so too. Returns when to check again at the latest: 0 if one of
     * `calls` has already ended, so don't sleep; SHMRPCI_NEVER_NS. Arm and
     * acknowledge: one thread at a time.
     */
    int64_t (*arm)(shmrpci_conn *conn, shmrpci_call *const *calls,
                   size_t count);
    /* Called before checking calls with receive: resets the notification, so
     * that the descriptor is no longer readable, and notices a lost server.
     * Afterwards nothing is armed. Also allowed without watch. */
    void (*acknowledge)(shmrpci_conn *conn);
} shmrpci_client_ops;

/* The listener's operations, which cover everything that outlives a worker. */
typedef struct shmrpci_listener_ops {
    /*
     * Listens at an address. Clients may connect from now on, though nobody
     * answers before run. EXISTS: a service already runs there; DENIED;
     * EXHAUSTED.
     */
    int (*listen)(const shmrpci_address *address,
                  const shmrpci_listen_opts *opts, shmrpci_listener **out,
                  shmrpc_error *error);
    /* The control loop: accepts, grants memory, notices death. Blocks until
     * stop; one thread. */
    int (*run)(shmrpci_listener *listener, shmrpc_error *error);
    /* Makes run, and every participant's receive, return. Async-signal-safe.
     */
    void (*stop)(shmrpci_listener *listener);
    /*
     * Called by the thread that called run, after run has returned because of
     * stop: continues with the work that calls in progress need, above all
     * noticing clients that leave, until `*working` is 0, or nothing is needed;
     * the thread that sets it to 0 calls stop again. Nobody can connect
     * meanwhile. At `cut_ns` it ends the workers' streams: sending and reading
     * in their handlers is UNAVAILABLE from then on.
     */
    void (*linger)(shmrpci_listener *listener,
                   const shmrpci_atomic_u32 *working, int64_t cut_ns);
    /* After run has returned (or was never called) and all participants are
     * closed. Calls that still wait end with UNAVAILABLE. */
    void (*close)(shmrpci_listener *listener);
    /* One line for people: where the service listens. */
    const char *(*describe)(const shmrpci_listener *listener);
    /* Repairs the state of participant `index`, which died: its calls end with
     * WORKER_DIED, its place is free. Idempotent. */
    void (*recover)(shmrpci_listener *listener, uint32_t index);
} shmrpci_listener_ops;

/* The worker's operations, in the process that listens or in one that is
 * attached. */
typedef struct shmrpci_worker_ops {
    /* Takes the place of worker `index` (below max_workers, and free). */
    int (*participant_open)(shmrpci_listener *listener, uint32_t index,
                            shmrpci_participant **out, shmrpc_error *error);
    void (*participant_close)(shmrpci_participant *participant);
    /* Waits for the next request. CANCELLED: the listener was stopped; calls
     * that no worker has taken will end with UNAVAILABLE at close. */
    int (*next)(shmrpci_participant *participant, shmrpci_request *request);
    /* Readies request->out for a reply of about `size_hint` bytes. The
     * request's body stays where it is until commit. With `in_shared`, a client
     * that lies about its memory can make the two overlap. */
    void (*reply_reserve)(shmrpci_request *request, size_t size_hint);
    /* Sends head.flags, head.status and request->out, and ends the request. If
     * `out` has failed, sends its status without a body. */
    void (*reply_commit)(shmrpci_request *request);
    /* Ends a request without a reply (SHMRPCI_HEAD_ONEWAY), reserved or not.
     */
    void (*drop)(shmrpci_request *request);
    /* Whether the caller has cancelled the call or is gone. Any thread. */
    bool (*is_cancelled)(const shmrpci_request *request);
    /* Whether the worker or the server is to leave once this call has ended.
     * Any thread. */
    bool (*is_draining)(const shmrpci_request *request);
    /* The number of the request's connection, not 0. No other connection of
     * this listener ever has the same one, not even a later one. */
    uint64_t (*connection)(const shmrpci_request *request);
    /*
     * The request will be answered later, by any thread: `*out` represents it
     * from now on, its body stays where it is, and the participant may take the
     * next request. NO_MEMORY: nothing has changed. `request` must have no
     * reserved reply.
     */
    int (*detach)(shmrpci_request *request, shmrpci_request *out);
    /* Called after reply_commit or drop of such a request, and before its
     * participant closes: frees the request. */
    void (*detached_end)(shmrpci_request *request);
    /* When the request's connection is gone, and no worker of this process is
     * in one of its calls any more, on_end will be called, once in this
     * process. It is not called for a connection that lasts until the listener
     * ends. NO_MEMORY. */
    int (*watch)(const shmrpci_request *request, shmrpc_error *error);
    /* Copies the client's hello. */
    size_t (*hello)(const shmrpci_request *request,
                    uint8_t out[SHMRPCI_HELLO_MAX_BYTES]);
} shmrpci_worker_ops;

/* Short cuts where both sides see the same memory. */
typedef struct shmrpci_shared_ops {
    /*
     * Reserve and commit at once, for a complete request of at most
     * SHMRPCI_POST_MAX_BYTES and a reply of about as many; not with
     * SHMRPCI_HEAD_ONEWAY. The request is the first `prefix_len` bytes of
     * `prefix`, at most 8, and `len` bytes of `body`. Never waits. False:
     * nothing was sent; reserve will return the reason, or wait.
     */
    bool (*post)(shmrpci_conn *conn, shmrpci_call *call, uint64_t prefix,
                 size_t prefix_len, const void *body, size_t len);
    /* The worker's counterpart: reply_reserve and reply_commit at once, for a
     * complete body of at most SHMRPCI_POST_MAX_BYTES, when nothing was
     * reserved; head.flags are 0. */
    void (*answer)(shmrpci_request *request, const void *body, size_t len);
    /*
     * Like release, but the memory of `in` stays readable until let_go, which
     * must come before disconnect, and never in a forked child. False: not
     * possible for this reply; release it.
     */
    bool (*keep)(shmrpci_call *call, shmrpci_kept *out);
    void (*let_go)(shmrpci_conn *conn, const shmrpci_kept *kept);
} shmrpci_shared_ops;

/* Looking at services without becoming their client. */
typedef struct shmrpci_discovery_ops {
    /*
     * Reports every place where a service may be listening, without asking
     * them, in the order in which connect would try them. DENIED, INVALID: the
     * folder that the user has chosen can't be used.
     */
    int (*find)(shmrpci_on_found *found, void *user, shmrpc_error *error);
    /*
     * Asks for the memory that holds a service's statistics; no worker notices.
     * `*out_fd` can only be read; `*out_watch_fd` hangs up when the server
     * goes, or is -1. Statuses of connect, and UNIMPLEMENTED: it keeps none.
     */
    int (*open_stats)(const shmrpci_address *address, int64_t deadline_ns,
                      int *out_fd, int *out_watch_fd, shmrpc_error *error);
    /*
     * Asks for an object that the service shares, by its name. The result is a
     * descriptor with an open file description of its own, writable if the
     * service allows that, as it does for its own processes. `*out_watch_fd` as
     * above. Statuses of connect, and NOT_FOUND: it has no object of that name;
     * DENIED also: `as_server`, but of another user.
     */
    int (*open_object)(const shmrpci_address *address, const char *name,
                       bool as_server, int64_t deadline_ns, int *out_fd,
                       int *out_watch_fd, shmrpc_error *error);
} shmrpci_discovery_ops;

/* ---- streams ---- */

/* Calls with streams that a connection may have at a time: short calls always
 * find a slot beside them. */
#define SHMRPCI_STREAMS_MAX 48u

/* How many bytes may be in flight in each direction; 0: there is no stream. */
typedef struct shmrpci_stream_opts {
    uint32_t in_bytes;  /* to the server */
    uint32_t out_bytes; /* from the server */
    size_t max_item_bytes;
} shmrpci_stream_opts;

/* How many of `workers` may be in streams; see accept. */
static inline uint32_t shmrpci_stream_places(uint32_t max_places,
                                             uint32_t workers)
{
    return max_places != 0 ? max_places : workers > 2 ? workers - 1 : 1;
}

/* EXHAUSTED. */
int shmrpci_stream_places_taken(uint32_t places, shmrpc_error *error);

/* One side of a call's streams, from open or accept to close. */
typedef struct shmrpci_stream shmrpci_stream;

typedef struct shmrpci_stream_item {
    const uint8_t *data;
    size_t len;
    bool in_shared;  /* the peer can still write to it */
    bool is_trusted; /* the peer is a process of our own user, which could write
                      * to all of our memory anyway */
} shmrpci_stream_item;

/*
 * Streams of items beside a call, in order and whole. One thread may send while
 * another one reads. A client receives its call once the items have ended, or
 * cancels it, and closes its end before or after that; a worker closes its end
 * before it replies.
 */
typedef struct shmrpci_stream_ops {
    /* Instead of commit, whose statuses it returns. EXHAUSTED: the connection
     * has SHMRPCI_STREAMS_MAX; NO_MEMORY. The call is aborted then. */
    int (*open)(shmrpci_call *call, const shmrpci_stream_opts *opts,
                shmrpci_stream **out, shmrpc_error *error);
    /* Whether a worker has, or has had, a call that was opened and not received
     * yet; also true if that is unknown. */
    bool (*is_taken)(const shmrpci_call *call);
    /*
     * The worker's end of a request with SHMRPCI_HEAD_STREAMS. A worker need
     * not accept: its reply ends the streams, too. At most `max_places` workers
     * of the listener may be in streams at a time; 0: all workers but one, and
     * at least one. EXHAUSTED: that many are; NO_MEMORY. The request's
     * deadline may have been brought forward.
     */
    int (*accept)(shmrpci_request *request, uint32_t max_places,
                  shmrpci_stream **out, shmrpc_error *error);
    /*
     * Sends one item, without waiting for its arrival. Waits for room until
     * `deadline_ns`; 0: does not wait. `alone`: no other thread on this side
     * reads. BUSY (0 only), DEADLINE; CANCELLED: the other end no longer reads
     * (a client's receive returns the reason); SERVER_LOST: at a worker whose
     * server is gone; UNAVAILABLE: at a worker whose streams were cut (linger,
     * or shmrpci_process_ops); ABORTED: both ends wait for room and neither
     * reads; DATA_LOSS; TOO_LARGE; PRECONDITION: after finish.
     */
    int (*send)(shmrpci_stream *stream, const void *data, size_t len,
                int64_t deadline_ns, bool alone);
    /* How many of the sent items the reader has released: a lower bound, exact
     * once it has read the end. For the sending end; through a relay, how many
     * the relay has passed on. */
    uint64_t (*delivered)(shmrpci_stream *stream);
    /* Ends the items that we send. */
    void (*finish)(shmrpci_stream *stream);
    /*
     * Waits for the next item, which is valid until the next call of this.
     * MORE: there is one; OK: there are no more; CANCELLED: the other end has
     * given up, or is gone (a client's receive returns the reason);
     * SERVER_LOST, UNAVAILABLE: as above; DEADLINE; DATA_LOSS; NO_MEMORY.
     */
    int (*next)(shmrpci_stream *stream, int64_t deadline_ns,
                shmrpci_stream_item *out);
    /* Ends our items, as given up if a client has not called finish; the other
     * end's items are no longer read. */
    void (*close)(shmrpci_stream *stream);
} shmrpci_stream_ops;

/*
 * Items that are written in place, instead of by send.
 */
typedef struct shmrpci_lend_ops {
    /* Lends memory for an item of up to `len` bytes, aligned to 8; no other
     * item may be sent until commit or abort. Statuses of send; TOO_LARGE: it
     * does not fit in one piece, but send may take it; PRECONDITION: memory is
     * already lent. */
    int (*lend)(shmrpci_stream *stream, size_t len, int64_t deadline_ns,
                bool alone, uint8_t **out);
    /* Sends the first `len` bytes of it. CANCELLED, SERVER_LOST, as send;
     * PRECONDITION: no memory is lent, or less than `len`. */
    int (*commit)(shmrpci_stream *stream, size_t len);
    void (*abort)(shmrpci_stream *stream);
} shmrpci_lend_ops;

/*
 * For one thread that moves the streams of many calls: nothing here waits. An
 * end is used either through this table or through the one above.
 */
typedef struct shmrpci_pump_ops {
    /* The windows of accepted streams. */
    void (*measure)(const shmrpci_stream *stream, shmrpci_stream_opts *out);
    /* As next, for a part of an item or all of it; *out_is_last: the item is
     * complete with it. BUSY: nothing has arrived. */
    int (*take)(shmrpci_stream *stream, shmrpci_stream_item *out,
                bool *out_is_last);
    /* As send, for the next bytes of an item; more follow unless `is_last`.
     * *out_sent of them were sent. BUSY: none. */
    int (*put)(shmrpci_stream *stream, const void *data, size_t len,
               bool is_last, size_t *out_sent);
    /*
     * Called before the thread sleeps. When something arrives (`takes`: nothing
     * was there) or room appears (`puts`: there was none), `bell` is
     * incremented and woken, or one of *out_count (up to 2) words in `on`.
     * False: it is there already. Lasts until disarm.
     */
    bool (*arm)(shmrpci_stream *stream, shmrpci_atomic_u32 *bell, bool takes,
                bool puts, shmrpci_futex_on on[2], size_t *out_count);
    void (*disarm)(shmrpci_stream *stream);
    /* Called after an arm that was not for room: the same when the other end no
     * longer reads, and possibly at other times. Lasts until disarm. */
    bool (*arm_close)(shmrpci_stream *stream, shmrpci_futex_on *on,
                      size_t *out_count);
    /* At a worker: a word that is incremented when any client, or our server,
     * may be gone; NULL: that is reported as above. */
    shmrpci_atomic_u32 *(*alarm)(shmrpci_stream *stream);
    /* At a worker: OK; or as next, even though items may still be there to
     * take: CANCELLED, SERVER_LOST, UNAVAILABLE. Says nothing of what the
     * request reports. */
    int (*gone)(const shmrpci_stream *stream);
    /* Makes close end our items as given up. */
    void (*give_up)(shmrpci_stream *stream);
    /* Whether the other end waits for room to send, and nobody reads there. */
    bool (*peer_waits)(const shmrpci_stream *stream);
    /* Tells the other end that the peers for which items are moved wait for
     * room and don't read: if it does the same, that is a deadlock. */
    void (*say_waits)(shmrpci_stream *stream, bool waits);
} shmrpci_pump_ops;

/* By this a relay says which of its peers a call is from. A number that a
 * client claims must never equal the number of another connection: connections
 * of other users have numbers made in another way, which it can't know, and our
 * own differ in the first bit. */
#define SHMRPCI_PEER_CONNECTION (UINT64_C(1) << 63)

static inline uint64_t shmrpci_peer_connection(uint32_t uid, uint64_t peer)
{
    return (peer ^ ((uint64_t)uid + 1) * UINT64_C(0x9E3779B97F4A7C15)) |
           SHMRPCI_PEER_CONNECTION;
}

/* What relays tell a service. */
typedef struct shmrpci_peer_ops {
    /* One of our peers is gone, and we hold none of its calls: on_end is called
     * with shmrpci_peer_connection in each process of the service. Waits for
     * room, for up to 2 s. SERVER_LOST; DEADLINE: it was not told. */
    int (*say_left)(shmrpci_conn *conn, uint64_t peer);
} shmrpci_peer_ops;

/* For relays, whose participants have many requests at a time (on_cancel of
 * shmrpci_listen_opts). */
typedef struct shmrpci_relay_ops {
    /* The welcome that clients got is out of date: asks all of them to
     * reconnect, and returns the number of the new epoch. Clients that say
     * hello meanwhile may be counted to the old one. */
    uint32_t (*renew)(shmrpci_listener *listener);
    /* Takes up to `count` more requests that have already arrived; returns how
     * many. */
    size_t (*next_more)(shmrpci_participant *participant,
                        shmrpci_request *const *requests, size_t count);
    /* As reply_commit for several requests (`count` > 0); replies over the same
     * connection are sent together. */
    void (*reply_commit_all)(shmrpci_request *const *requests, size_t count);
} shmrpci_relay_ops;

/*
 * Workers in processes of their own. Everything except attach is called on the
 * thread of the control loop, which calls step instead of run.
 */
typedef struct shmrpci_process_ops {
    /* A descriptor that is readable when step has something to do. */
    int (*poll_fd)(const shmrpci_listener *listener);
    /* Does the control loop's pending work, without waiting. Returns the
     * monotonic time at which it must be called again even if nothing is
     * readable. */
    int64_t (*step)(shmrpci_listener *listener);
    /*
     * Workers `first` to `first + count - 1` are served by another process,
     * which attaches at the other end of `link_fd`, a socket pair, which is
     * taken over on success. INVALID: no such places, or not free;
     * EXHAUSTED.
     */
    int (*enlist)(shmrpci_listener *listener, uint32_t first, uint32_t count,
                  int link_fd, shmrpc_error *error);
    /*
     * In the worker process: a listener for participant_open, stop, close and
     * describe only. Takes `link_fd` over even when it fails. Participants
     * leave (CANCELLED) when told to, and when the supervisor is gone.
     * UNAVAILABLE, DEADLINE: nobody at the other end; CONTRACT: it is of
     * another build.
     */
    int (*attach)(int link_fd, shmrpci_listener **out, shmrpc_error *error);
    /* Asks the process of worker `first` to end its calls and leave. */
    void (*retire)(shmrpci_listener *listener, uint32_t first);
    /* Its time to leave is over: reading and sending streams in its handlers is
     * UNAVAILABLE from now on. */
    void (*cut)(shmrpci_listener *listener, uint32_t first);
    /* That process is dead: recovers all its workers, whose places are then
     * free. Does nothing for places that were not enlisted. */
    void (*dismiss)(shmrpci_listener *listener, uint32_t first);
    void (*observe)(const shmrpci_listener *listener, uint32_t index,
                    shmrpci_worker_view *out);
    /* The method of the call that a worker is in, or in which it has died if it
     * is dead and not dismissed yet. False: none. */
    bool (*observe_call)(const shmrpci_listener *listener, uint32_t index,
                         uint32_t *out_method);
    /* Whether a live worker is in a call that nobody waits for any more: it was
     * cancelled, or its client is gone. */
    bool (*observe_abandoned)(const shmrpci_listener *listener, uint32_t index);
    /* Checks all connections: at most about ten times a second. */
    void (*observe_load)(shmrpci_listener *listener, shmrpci_load_view *out);
    /* Acts as the worker of a free place: answers all requests that no worker
     * has taken, except oneway ones, with a status and its detail. */
    void (*refuse_all)(shmrpci_listener *listener, uint32_t index, int status,
                       const void *detail, size_t len);
    /* Closes a forked child's copy of a listener, which goes on in the
     * parent. */
    void (*disown)(shmrpci_listener *listener);
} shmrpci_process_ops;

/*
 * Another process takes a listener over, with everything it has: clients notice
 * nothing. Called in this order.
 */
typedef struct shmrpci_takeover_ops {
    /* The successor asks the process that listens at an address to hand over;
     * `out_fd` leads to it. UNAVAILABLE: nobody listens; DENIED, DEADLINE. */
    int (*summon)(const shmrpci_address *address, int64_t deadline_ns,
                  int *out_fd, shmrpc_error *error);
    /* Sends everything of a listener, which must not be stepped again until it
     * is known whether the successor has received it. UNAVAILABLE: it has hung
     * up; DEADLINE. */
    shmrpc_status (*hand_over)(shmrpci_listener *listener, int fd,
                               int64_t deadline_ns);
    /* Receives a listener; it must not be stepped before the predecessor is
     * told. The predecessor's workers are then enlisted in it. CONTRACT: it is
     * of another build; INVALID: it listens elsewhere. */
    int (*take_over)(const shmrpci_address *address,
                     const shmrpci_listen_opts *opts, int fd,
                     int64_t deadline_ns, shmrpci_listener **out,
                     shmrpc_error *error);
    /* Another process has the listener: only private state of this process is
     * left, which close frees. */
    void (*abandon)(shmrpci_listener *listener);
} shmrpci_takeover_ops;

/* A transport. No slot of a table is NULL; a table is NULL if the transport
 * can't do what it is for. */
struct shmrpci_transport {
    const char *scheme;               /* "shm" of shm:// */
    bool is_network;                  /* peers may be on other machines */
    const shmrpci_client_ops *client; /* never NULL, as are the next two */
    const shmrpci_listener_ops *listener;
    const shmrpci_worker_ops *worker;
    const shmrpci_shared_ops *shared;
    const shmrpci_discovery_ops *discovery;
    const shmrpci_relay_ops *relay;
    const shmrpci_peer_ops *peers;
    const shmrpci_process_ops *processes;
    const shmrpci_takeover_ops *takeover;
    const shmrpci_stream_ops *streams;
    const shmrpci_lend_ops *lends;
    const shmrpci_pump_ops *pump;
};

/* The transport of a scheme; NULL for an unknown one. */
const shmrpci_transport *shmrpci_transport_of(const char *scheme,
                                              size_t scheme_len);

/* All transports, each in the folder of its name; for the registry and for
 * tests. */
extern const shmrpci_transport shmrpci_transport_inproc;
extern const shmrpci_transport shmrpci_transport_shm;
extern const shmrpci_transport shmrpci_transport_tcp;
extern const shmrpci_transport shmrpci_transport_tls;
extern const shmrpci_transport shmrpci_transport_unix;
extern const shmrpci_transport shmrpci_transport_nats;

#endif
