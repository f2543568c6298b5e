/*
 * Transports move whole messages between a client and a service's workers.
 *
 * A message is a head (method, status, time left) and a body of bytes, whose
 * meaning only rpc and codec know. Every transport (inproc, shm, tcp, tls,
 * unix, nats) implements the operation tables of a client, a listener and a
 * worker, and those of the other tables that it supports. All pass one
 * conformance suite (tests/conformance).
 *
 * Memory changes owner only in these steps. The client's operations have these
 * names; the worker's are next, reply_reserve, reply_commit and drop.
 *
 *     reserve -> commit | abort   a message that we send: ours until then
 *     receive -> release          a message from the peer: readable until then
 *
 *     client:  reserve, encode into call->out, commit, receive, decode, release
 *     async:   reserve, encode, commit; watch, arm; then receive with deadline
 *              0, which does not wait
 *     worker:  next, decode, handle, reply_reserve, encode into request->out,
 *              reply_commit (which also releases) | drop (no reply wanted)
 *
 * A received body may lie in memory that the peer can still write; `in_shared`
 * is then true. The receiver must copy such a body before it parses it, or read
 * no byte twice.
 *
 * Deadlines are absolute, in monotonic nanoseconds (os/clock.h). Every wait has
 * a deadline, except a worker's wait for its next request, which stop ends.
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
    int fd; /* only for transport/adopted.h: one end of a socket pair */
    /* tcp and tls: the file with the key that both sides share. This and the
     * four strings below are "" if not given. */
    char key_file[256];
    char cert_file[256];  /* tls: our certificate and its private key */
    char ca_file[256];    /* tls: the certificates that we trust */
    char token_file[256]; /* client: the file with the token that the hello
                           * carries */
    char creds_file[256]; /* nats: our credentials; key_file then holds an
                           * nkey's seed */
    char zone[64];        /* nats: our location; "" for anywhere */
} shmrpci_address;

/* Ids of methods. Id 0 asks any service to describe itself. */
#define SHMRPCI_METHOD_DESCRIBE 0u
#define SHMRPCI_METHOD_MAX      0xFFFFu

enum {
    SHMRPCI_HEAD_ONEWAY = 1u << 0, /* request: nobody waits for a reply */
    SHMRPCI_HEAD_DETAIL = 1u << 1, /* reply: the body is an error detail */
    /* request: the client has another version of the interface, so it wants
     * enums encoded as numbers */
    SHMRPCI_HEAD_NUMBERED = 1u << 4,
    /* request: notify the client's watch when the call ends; required for
     * arm */
    SHMRPCI_HEAD_TOLD = 1u << 5,
    /* the body begins with a metadata block (format: rpc/metadata.h); a reply
     * has one only if the request had one */
    SHMRPCI_HEAD_METADATA = 1u << 6,
    /* request of a relay: the same thread commits another request right after
     * this one, over the same connection, so one wake-up can announce both */
    SHMRPCI_HEAD_MORE = 1u << 7,
    /* request: the call has streams; set by the transport, not the caller */
    SHMRPCI_HEAD_STREAMS = 1u << 8,
    /* reply of a relay: the call ended without a reply, and the status is the
     * one that receive returned: WORKER_DIED, SERVER_LOST, or UNAVAILABLE if
     * the call has certainly not run */
    SHMRPCI_HEAD_ENDED = 1u << 9
};

typedef struct shmrpci_head {
    uint32_t method;    /* request: id, 0 to SHMRPCI_METHOD_MAX */
    uint32_t flags;     /* SHMRPCI_HEAD_... */
    int32_t status;     /* reply: how the call ended */
    int64_t timeout_ns; /* request: time left when it was committed */
    uint64_t ticks;     /* request: when it was committed, in ticks; 0 if
                         * unknown */
} shmrpci_head;

/* Private state of the transport within a call or request, in the caller's
 * memory. */
typedef union shmrpci_transport_data {
    uint64_t words[8];
    void *pointers[8];
} shmrpci_transport_data;

/* ---- client ---------------------------------------------------------- */

/* Capabilities of the peer. */
enum {
    SHMRPCI_FEATURE_STREAMS = 1u << 0,
    SHMRPCI_FEATURE_METADATA = 1u << 1,
    /* The connection leads to several servers: if one call fails with
     * SERVER_LOST, the connection may still work. When the connection itself is
     * lost, reserve fails. */
    SHMRPCI_FEATURE_SEVERAL = 1u << 16
};

/* A client's end of a connection; each transport embeds it as its first member.
 * Any number of threads may have calls on it at once. */
typedef struct shmrpci_conn {
    const shmrpci_transport *transport;
    uint32_t features; /* SHMRPCI_FEATURE_...; set by connect */
} shmrpci_conn;

/* One call, in the caller's memory. Used by one thread at a time. */
typedef struct shmrpci_call {
    shmrpci_conn *conn;
    shmrpci_head head; /* set before commit; the reply's after receive */
    shmrpci_buf out;   /* the request's body; grows inside the transport */
    const uint8_t *in; /* the reply's body, from receive to release */
    size_t in_len;
    bool in_shared; /* the peer can still write to it */
    bool waited;    /* reserve had to wait for a slot */
    /* Set by a commit that returns EXHAUSTED, if known: how many bytes of
     * memory the request needed (0 if unknown), and how many were left. */
    uint64_t needed_bytes;
    uint64_t left_bytes;
    shmrpci_transport_data data;
} shmrpci_call;

/* A reply that outlives its call, in the form in which the transport identifies
 * it. */
typedef struct shmrpci_kept {
    uint64_t words[2];
} shmrpci_kept;

typedef struct shmrpci_connect_opts {
    int64_t deadline_ns;
    shmrpc_profile profile;
    size_t max_message_bytes; /* the smaller of both sides' limits; never 0 */
    /* The message that rpc sends first; the transport carries it to `on_hello`.
     * At most SHMRPCI_HELLO_MAX_BYTES. */
    const uint8_t *hello;
    size_t hello_len;
} shmrpci_connect_opts;

/* Max size of a body that can be posted. */
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

/* A worker's place at a listener. Its index identifies the resources that the
 * worker holds. */
typedef struct shmrpci_participant {
    const shmrpci_transport *transport;
    /* Counts of how the worker waits, or NULL if they are not kept. Set before
     * the first next. */
    shmrpci_stats_waits *waits;
    /* Set before the first next. `next` calls it, with no lock held, for each
     * watched connection (see watch) that has ended. If tells_peers is set,
     * `next` also calls it when a peer of a relay has gone, even if that peer
     * never made a call. NULL if nobody needs to know. */
    void (*on_end)(void *user, uint64_t connection);
    void *end_user;
} shmrpci_participant;

/* One request, in the worker's memory. Used by one thread at a time. */
typedef struct shmrpci_request {
    shmrpci_participant *participant;
    shmrpci_head head; /* of the request; status is set before reply_commit */
    const uint8_t *in; /* the request's body, from next to reply_commit or
                        * drop */
    size_t in_len;
    bool in_shared;      /* the peer can still write to it */
    int64_t received_ns; /* when it was received, with an error of up to about
                          * 75 us */
    int64_t deadline_ns; /* when the caller stops waiting */
    /* In ticks: how long the request had waited when it was received, by the
     * client's clock; when it was received; and when it ended. reply_commit and
     * drop set the last (0 if the transport does not read the clock then). */
    uint64_t queue_ticks;
    uint64_t began_ticks;
    uint64_t ended_ticks;
    /* Set by answer and reply_commit: the caller had already given up the
     * call. */
    bool was_given_up;
    const shmrpc_peer *peer; /* lives as long as the connection */
    uint32_t epoch;          /* the epoch in which the client said hello; see
                              * renew */
    shmrpci_buf out;         /* the reply's body, from reply_reserve to
                              * reply_commit */
    shmrpci_transport_data data;
} shmrpci_request;

/*
 * Called when a client says hello, on the thread that runs the listener;
 * decides whether the client may connect. Either appends the answer to
 * `welcome` and returns OK, or fills `error`, which the transport sends to the
 * client.
 */
typedef int shmrpci_on_hello(void *user, const uint8_t *hello, size_t len,
                             const shmrpc_peer *peer, shmrpci_buf *welcome,
                             shmrpc_error *error);

/*
 * Called when a client asks by name for an object that the service shares. With
 * `as_server` the client is a process of the server, or its successor, and
 * always gets write access. `*out_fd` is a descriptor with its own open file
 * description, which the transport owns from then on. Returns NOT_FOUND if
 * there is no such object, or another status for the client. Called on the
 * thread that runs the listener (inproc: on the client's thread).
 */
typedef int shmrpci_on_object(void *user, const char *name, bool as_server,
                              const shmrpc_peer *peer, int *out_fd,
                              shmrpc_error *error);

typedef struct shmrpci_listen_opts {
    uint32_t max_workers; /* max number of participants, whose indices are below
                           * it; at most 64 */
    shmrpc_profile profile;
    size_t max_message_bytes;
    uint32_t max_connections_per_uid;
    size_t max_bytes_per_uid;
    /* Network transports: max bytes of requests and replies buffered at a time,
     * at least twice the largest message. 0 means 256 MiB. */
    size_t max_total_bytes;
    /* Memory for large messages is freed after it has been idle for at least
     * this long, and at most twice as long. 0 means 30 s. */
    int64_t extent_idle_ns;
    const uint32_t *allowed_uids; /* copied, as are the three fields below */
    size_t allowed_uid_count;
    const uint32_t *allowed_gids;
    size_t allowed_gid_count;
    bool takes_processes; /* workers in other processes will be enlisted */
    bool moves_streams;   /* relays only: the calls that the relay passes on may
                           * have streams */
    shmrpc_compression compression; /* used only by transports between
                                     * machines */
    /* For open_stats. If `has_stats` is true, `stats_fd` is the descriptor of
     * the statistics, which the listener does not close, and the listener
     * counts its connections in `gauges`. Otherwise `gauges` is NULL. */
    bool has_stats;
    int stats_fd;
    shmrpci_stats_gauges *gauges;
    /*
     * Set by relays, which pass requests on: a participant may then have
     * several requests at a time, and any thread may answer them. The listener
     * calls on_cancel when a client cancels one of these requests. The listener
     * holds locks meanwhile, so on_cancel must only wake a thread. The relay
     * must still answer the request, and should do so soon.
     */
    void (*on_cancel)(void *user);
    bool tells_peers; /* also call the workers' on_end when a relay's peer has
                       * gone */
    shmrpci_on_hello *on_hello;
    shmrpci_on_object *on_object; /* NULL: the service shares no objects */
    /* Called on the thread of the control loop when another process of our user
     * (or of root) wants to take over the service. That process waits at the
     * other end of `fd`, which the callee owns from now on. NULL if no process
     * may take over the service. */
    void (*on_successor)(void *user, int fd);
    void *user;
    void *successor_user;
} shmrpci_listen_opts;

/* Figures of a worker that may be read while it works. Counters start when the
 * worker starts. */
typedef struct shmrpci_worker_view {
    int64_t busy_ns;  /* in handlers, including the call in progress */
    uint64_t calls;   /* calls that have ended */
    bool has_arrived; /* enlisted workers: it has taken its place and accepts
                       * calls */
    bool is_busy;
    bool is_running;   /* is in a handler that does not wait in a stream */
    bool has_streams;  /* is in a call with streams, so it may be waiting in
                        * one */
    uint32_t detached; /* calls detached and not answered yet */
    /* Deadline of the call in progress; SHMRPCI_NEVER_NS if there is none. */
    int64_t deadline_ns;
} shmrpci_worker_view;

/* Figures of a service. */
typedef struct shmrpci_load_view {
    uint32_t waiting; /* requests that no worker has taken yet */
    int64_t age_ns;   /* lower bound of how long the oldest of them has
                       * waited */
} shmrpci_load_view;

/* Sets the times of a request that was just received; `sent` is 0 if
 * unknown. */
static inline void shmrpci_request_began(shmrpci_request *request,
                                         uint64_t sent)
{
    uint64_t now = shmrpci_ticks();
    request->began_ticks = now;
    request->queue_ticks = sent != 0 && now > sent ? now - sent : 0;
}

/* ---- the interface --------------------------------------------------- */

/* Reports a place where a service may be listening: name, instance and port in
 * `address`, and the location for people in `where`. Both are valid only during
 * the call. The callee must not call the transport. */
typedef void shmrpci_on_found(void *user, const shmrpci_address *address,
                              const char *where);

/* The client's operations. Calls are made between connect and disconnect. */
typedef struct shmrpci_client_ops {
    /*
     * Connects and exchanges hello and welcome; `welcome` receives what
     * on_hello appended. Returns UNAVAILABLE if no service listens there (the
     * message names each place that was tried), DENIED, EXHAUSTED, DEADLINE, or
     * the error that on_hello returned.
     */
    int (*connect)(const shmrpci_address *address,
                   const shmrpci_connect_opts *opts, shmrpci_conn **out,
                   shmrpci_buf *welcome, shmrpc_error *error);
    /* No other thread may have a call between reserve and release. In a forked
     * child, disconnect only frees the child's copy of its parent's connection:
     * it takes no lock and does not tell the peer. */
    void (*disconnect)(shmrpci_conn *conn);
    /*
     * Readies call->out for a request of about `size_hint` bytes, provides for
     * a reply of about `reply_hint`, and sets call->conn. Waits for a free slot
     * until `deadline_ns` (0: does not wait). Returns BUSY if `deadline_ns` is
     * 0 and no slot is free, DEADLINE, EXHAUSTED or SERVER_LOST.
     */
    int (*reserve)(shmrpci_conn *conn, shmrpci_call *call, size_t size_hint,
                   size_t reply_hint, int64_t deadline_ns, shmrpc_error *error);
    /* Gives a reservation back; nothing was sent. */
    void (*abort)(shmrpci_call *call);
    /*
     * Sends head and body. If `out` has failed, aborts the call and returns the
     * status of `out`. Returns SERVER_LOST, or DEADLINE if the request could
     * not be sent in time; both mean that the call is aborted and was not sent.
     * A call with SHMRPCI_HEAD_ONEWAY is over when commit returns, and runs
     * even if the client closes. Every other call must eventually be received
     * or cancelled: until then the transport may rely on a worker that has been
     * suspended, and wake no other worker for the call.
     */
    int (*commit)(shmrpci_call *call);
    /*
     * Waits for the reply and fills head, in, in_len and in_shared. Returns
     * DEADLINE if there is no reply yet: the call goes on, and the caller
     * receives again or cancels. With every other error the call is over and
     * released: UNAVAILABLE if the connection is lost and no worker has taken
     * or will take the call; SERVER_LOST if it is lost and the call may have
     * run; WORKER_DIED; DATA_LOSS or NO_MEMORY if the call has run but its
     * reply can't be read. With `deadline_ns` 0 it neither waits nor makes a
     * system call, and sees a lost server only once another thread has noticed
     * the loss.
     */
    int (*receive)(shmrpci_call *call, int64_t deadline_ns);
    /* Frees the reply. Called after receive has returned OK. */
    void (*release)(shmrpci_call *call);
    /*
     * Gives up the call; called instead of receive. Returns true if the call
     * was withdrawn before a worker took it: it has not run and never will.
     * Otherwise the worker is told, its reply will be dropped, and the slot
     * stays in use until then. Either way the call is over.
     */
    bool (*cancel)(shmrpci_call *call);
    /*
     * For clients that sleep in an event loop. Adds a descriptor to `poll_set`
     * under `tag`; it becomes readable when an armed call has ended or the
     * server is lost. Called once for each connection. May return EXHAUSTED.
     */
    shmrpc_status (*watch)(shmrpci_conn *conn, int poll_set, uint64_t tag);
    /*
     * Called before the event loop sleeps, for a watched connection. From now
     * on the end of any call with SHMRPCI_HEAD_TOLD makes the descriptor
     * readable, once; other events may do so too. Returns the latest time at
     * which to check again: 0 if one of `calls` has already ended, so the
     * caller must not sleep, or SHMRPCI_NEVER_NS. Only one thread at a time may
     * call arm or acknowledge.
     */
    int64_t (*arm)(shmrpci_conn *conn, shmrpci_call *const *calls,
                   size_t count);
    /* Called before the calls are checked with receive. Resets the
     * notification, so that the descriptor is no longer readable and nothing is
     * armed, and notices a lost server. Also allowed without watch. */
    void (*acknowledge)(shmrpci_conn *conn);
} shmrpci_client_ops;

/* The listener's operations: all that outlives a single worker. */
typedef struct shmrpci_listener_ops {
    /*
     * Starts listening at an address. Clients may connect from now on, but
     * nobody answers them before run. Returns EXISTS if a service already runs
     * there, DENIED or EXHAUSTED.
     */
    int (*listen)(const shmrpci_address *address,
                  const shmrpci_listen_opts *opts, shmrpci_listener **out,
                  shmrpc_error *error);
    /* The control loop: accepts connections, grants memory, notices death. Runs
     * on one thread and returns after stop. */
    int (*run)(shmrpci_listener *listener, shmrpc_error *error);
    /* Makes run, and every participant's next, return. Async-signal-safe. */
    void (*stop)(shmrpci_listener *listener);
    /*
     * Called by the thread that called run, after stop has made run return.
     * Goes on with the work that calls in progress need, above all noticing
     * clients that leave, until `*working` is 0 or no such work is left. The
     * thread that sets `*working` to 0 must call stop again. No client can
     * connect meanwhile. At `cut_ns` it cuts the workers' streams: from then
     * on, sends and reads in their handlers return UNAVAILABLE.
     */
    void (*linger)(shmrpci_listener *listener,
                   const shmrpci_atomic_u32 *working, int64_t cut_ns);
    /* Called when all participants are closed, and run has returned or was
     * never called. Calls that no worker took end with UNAVAILABLE. */
    void (*close)(shmrpci_listener *listener);
    /* Returns one line for people: where the service listens. */
    const char *(*describe)(const shmrpci_listener *listener);
    /* Repairs the state of participant `index`, which has died: ends its calls
     * with WORKER_DIED and frees its place. Idempotent. */
    void (*recover)(shmrpci_listener *listener, uint32_t index);
} shmrpci_listener_ops;

/* The worker's operations, in the listening process or in a process that has
 * attached. */
typedef struct shmrpci_worker_ops {
    /* Takes the place of worker `index` (below max_workers, and free). */
    int (*participant_open)(shmrpci_listener *listener, uint32_t index,
                            shmrpci_participant **out, shmrpc_error *error);
    void (*participant_close)(shmrpci_participant *participant);
    /* Waits for the next request. Returns CANCELLED if the listener was
     * stopped; close then ends the calls that no worker has taken, with
     * UNAVAILABLE. */
    int (*next)(shmrpci_participant *participant, shmrpci_request *request);
    /* Readies request->out for a reply of about `size_hint` bytes. The
     * request's body stays readable until reply_commit. If `in_shared` is true,
     * a client that lies about its memory can make request and reply
     * overlap. */
    void (*reply_reserve)(shmrpci_request *request, size_t size_hint);
    /* Sends head.flags, head.status and request->out, and ends the request. If
     * `out` has failed, sends the status of `out` without a body. */
    void (*reply_commit)(shmrpci_request *request);
    /* Ends a request with SHMRPCI_HEAD_ONEWAY, which gets no reply, even if a
     * reply was reserved. */
    void (*drop)(shmrpci_request *request);
    /* Whether the caller has cancelled the call or is gone. Any thread. */
    bool (*is_cancelled)(const shmrpci_request *request);
    /* Whether the worker or the server should stop once this call has ended.
     * Any thread. */
    bool (*is_draining)(const shmrpci_request *request);
    /* The number of the request's connection, never 0. The listener does not
     * use a number again for a later connection. */
    uint64_t (*connection)(const shmrpci_request *request);
    /*
     * Detaches the request, so that any thread can answer it later. `*out`
     * represents it from now on, its body stays in place, and the participant
     * may take the next request. `request` must have no reserved reply. Returns
     * NO_MEMORY if it fails; then nothing has changed.
     */
    int (*detach)(shmrpci_request *request, shmrpci_request *out);
    /* Frees a detached request. Called after its reply_commit or drop, and
     * before its participant closes. */
    void (*detached_end)(shmrpci_request *request);
    /* Asks for on_end to be called once in this process, when the request's
     * connection is gone and no worker of this process is in one of its calls.
     * If the connection lasts until the listener ends, on_end is not called.
     * May return NO_MEMORY. */
    int (*watch)(const shmrpci_request *request, shmrpc_error *error);
    /* Copies the client's hello to `out` and returns its length. */
    size_t (*hello)(const shmrpci_request *request,
                    uint8_t out[SHMRPCI_HELLO_MAX_BYTES]);
} shmrpci_worker_ops;

/* Fast paths for transports where both sides see the same memory. */
typedef struct shmrpci_shared_ops {
    /*
     * Reserve and commit in one step, for a complete request of at most
     * SHMRPCI_POST_MAX_BYTES whose reply is about as small; not with
     * SHMRPCI_HEAD_ONEWAY. The request is the first `prefix_len` (at most 8)
     * bytes of `prefix`, followed by `len` bytes of `body`. Never waits.
     * Returns false if nothing was sent; the caller then calls reserve, which
     * waits or returns the reason.
     */
    bool (*post)(shmrpci_conn *conn, shmrpci_call *call, uint64_t prefix,
                 size_t prefix_len, const void *body, size_t len);
    /* The worker's counterpart of post: reply_reserve and reply_commit in one
     * step, for a complete body of at most SHMRPCI_POST_MAX_BYTES. No reply may
     * be reserved, and head.flags must be 0. */
    void (*answer)(shmrpci_request *request, const void *body, size_t len);
    /*
     * Like release, but the memory of `in` stays readable until let_go. let_go
     * must be called before disconnect, and never in a forked child. Returns
     * false if this reply can't be kept; the caller must then release it.
     */
    bool (*keep)(shmrpci_call *call, shmrpci_kept *out);
    void (*let_go)(shmrpci_conn *conn, const shmrpci_kept *kept);
} shmrpci_shared_ops;

/* Finds and inspects services without connecting as a client. */
typedef struct shmrpci_discovery_ops {
    /*
     * Reports every place where a service may be listening, in the order in
     * which connect would try them, without contacting the services. Returns
     * DENIED or INVALID if the folder that the user has chosen can't be used.
     */
    int (*find)(shmrpci_on_found *found, void *user, shmrpc_error *error);
    /*
     * Asks for the memory that holds a service's statistics; no worker is
     * disturbed. `*out_fd` is read-only; `*out_watch_fd` reports a hang-up when
     * the server has gone, or is -1. Returns the statuses of connect, and
     * UNIMPLEMENTED if the service keeps no statistics.
     */
    int (*open_stats)(const shmrpci_address *address, int64_t deadline_ns,
                      int *out_fd, int *out_watch_fd, shmrpc_error *error);
    /*
     * Asks for an object that the service shares, by name. `*out_fd` has its
     * own open file description. It is writable if the service allows that to
     * clients, and always with `as_server`, which only the service's own
     * processes set. `*out_watch_fd` is as in open_stats. Returns the statuses
     * of connect, NOT_FOUND if the service has no object of that name, and
     * DENIED also if `as_server` is set but the caller runs as another user
     * than the service.
     */
    int (*open_object)(const shmrpci_address *address, const char *name,
                       bool as_server, int64_t deadline_ns, int *out_fd,
                       int *out_watch_fd, shmrpc_error *error);
} shmrpci_discovery_ops;

/* ---- streams ---- */

/* Max number of calls with streams on a connection at a time. The other slots
 * stay free for calls without streams. */
#define SHMRPCI_STREAMS_MAX 48u

/* Max bytes in flight in each direction; 0 if there is no stream. */
typedef struct shmrpci_stream_opts {
    uint32_t in_bytes;  /* to the server */
    uint32_t out_bytes; /* from the server */
    size_t max_item_bytes;
} shmrpci_stream_opts;

/* Max number of `workers` that may be in streams at a time; see accept. */
static inline uint32_t shmrpci_stream_places(uint32_t max_places,
                                             uint32_t workers)
{
    return max_places != 0 ? max_places : workers > 2 ? workers - 1 : 1;
}

/* Fills `error` for a call that found all stream places taken; returns
 * EXHAUSTED. */
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
 * Streams that accompany a call: items arrive in order and whole. One thread
 * may send while another one reads. A client receives its call once the items
 * have ended, or cancels it; it may close its end before or after that. A
 * worker closes its end before it replies.
 */
typedef struct shmrpci_stream_ops {
    /* Called instead of commit, and returns the same statuses. Also returns
     * EXHAUSTED if the connection already has SHMRPCI_STREAMS_MAX calls with
     * streams, or NO_MEMORY; the call is then aborted. */
    int (*open)(shmrpci_call *call, const shmrpci_stream_opts *opts,
                shmrpci_stream **out, shmrpc_error *error);
    /* For a call that was opened and not received yet: whether a worker has it
     * or has had it. Also true if that is unknown. */
    bool (*is_taken)(const shmrpci_call *call);
    /*
     * Opens the worker's end, for a request with SHMRPCI_HEAD_STREAMS. A worker
     * need not accept: its reply ends the streams, too. At most `max_places`
     * workers of the listener may be in streams at a time; 0 means all workers
     * but one, and at least one. Returns EXHAUSTED if that many workers are in
     * streams already, or NO_MEMORY. May bring the request's deadline forward.
     */
    int (*accept)(shmrpci_request *request, uint32_t max_places,
                  shmrpci_stream **out, shmrpc_error *error);
    /*
     * Sends one item, without waiting for its arrival. Waits for room until
     * `deadline_ns` (0: does not wait). `alone` says that no other thread on
     * this side reads. Returns
     * - BUSY (only if `deadline_ns` is 0) or DEADLINE if there is no room;
     * - CANCELLED if the peer no longer reads (a client's receive returns the
     * reason);
     * - SERVER_LOST at a worker whose server is gone;
     * - UNAVAILABLE at a worker whose streams were cut (by linger or
     * shmrpci_process_ops);
     * - ABORTED if both ends wait for room and neither reads;
     * - PRECONDITION after finish; DATA_LOSS; TOO_LARGE.
     */
    int (*send)(shmrpci_stream *stream, const void *data, size_t len,
                int64_t deadline_ns, bool alone);
    /* For the sending end: how many of its items the reader has released. A
     * lower bound, exact once the reader has read the end. Through a relay: how
     * many items the relay has passed on. */
    uint64_t (*delivered)(shmrpci_stream *stream);
    /* Ends the items of this side; the peer reads them all, then the end. */
    void (*finish)(shmrpci_stream *stream);
    /*
     * Waits for the next item, which is valid until the next call of next.
     * Returns MORE with an item; OK after the last item; CANCELLED if the peer
     * has given up or is gone (a client's receive returns the reason);
     * SERVER_LOST and UNAVAILABLE as send; DEADLINE; DATA_LOSS; NO_MEMORY.
     */
    int (*next)(shmrpci_stream *stream, int64_t deadline_ns,
                shmrpci_stream_item *out);
    /* Closes this end: it no longer reads, and sends no more items. If a client
     * has not called finish, its peer sees that the items were given up. */
    void (*close)(shmrpci_stream *stream);
} shmrpci_stream_ops;

/*
 * Writes items in place, without the copy that send makes.
 */
typedef struct shmrpci_lend_ops {
    /* Lends memory for an item of up to `len` bytes, aligned to 8. No other
     * item may be sent until commit or abort. Returns the statuses of send;
     * also TOO_LARGE if the item does not fit in one piece, in which case send
     * may still take it, and PRECONDITION if memory is already lent. */
    int (*lend)(shmrpci_stream *stream, size_t len, int64_t deadline_ns,
                bool alone, uint8_t **out);
    /* Sends the first `len` bytes of the lent memory. Returns CANCELLED and
     * SERVER_LOST as send, and PRECONDITION if no memory or less than `len`
     * bytes are lent. */
    int (*commit)(shmrpci_stream *stream, size_t len);
    void (*abort)(shmrpci_stream *stream);
} shmrpci_lend_ops;

/*
 * For one thread that moves the streams of many calls; nothing here waits. An
 * end is used either through this table or through shmrpci_stream_ops.
 */
typedef struct shmrpci_pump_ops {
    /* Reports the windows of accepted streams. */
    void (*measure)(const shmrpci_stream *stream, shmrpci_stream_opts *out);
    /* As next, but takes an item or a part of one; `*out_is_last` is true if
     * that completes the item. Returns BUSY if nothing has arrived. */
    int (*take)(shmrpci_stream *stream, shmrpci_stream_item *out,
                bool *out_is_last);
    /* As send, but for the next bytes of an item; unless `is_last` is true,
     * more bytes of the item follow. The first `*out_sent` of the `len` bytes
     * were sent. Returns BUSY if none were. */
    int (*put)(shmrpci_stream *stream, const void *data, size_t len,
               bool is_last, size_t *out_sent);
    /*
     * Called before the thread sleeps. With `takes` the thread waits for data,
     * with `puts` it waits for room. From now on until disarm, the stream
     * increments and wakes `bell` or one of the *out_count (up to 2) words in
     * `on` when that data or room appears. Returns false if it is already
     * there.
     */
    bool (*arm)(shmrpci_stream *stream, shmrpci_atomic_u32 *bell, bool takes,
                bool puts, shmrpci_futex_on on[2], size_t *out_count);
    void (*disarm)(shmrpci_stream *stream);
    /* Called after an arm without `puts`: notifies in the same way when the
     * peer no longer reads, and possibly at other times. Lasts until disarm. */
    bool (*arm_close)(shmrpci_stream *stream, shmrpci_futex_on *on,
                      size_t *out_count);
    /* At a worker: a word that is incremented when any client, or our server,
     * may be gone. NULL if the words of arm report that. */
    shmrpci_atomic_u32 *(*alarm)(shmrpci_stream *stream);
    /* At a worker: whether the peer is gone, even if items can still be taken.
     * Returns OK while the peer is there, else CANCELLED, SERVER_LOST or
     * UNAVAILABLE as next. Does not include what the request's is_cancelled
     * reports. */
    int (*gone)(const shmrpci_stream *stream);
    /* Marks our items as given up, which the peer sees when this end is
     * closed. */
    void (*give_up)(shmrpci_stream *stream);
    /* Whether the peer waits for room to send while nobody reads at its end. */
    bool (*peer_waits)(const shmrpci_stream *stream);
    /* Used by a relay: tells the peer whether the process whose items we move
     * waits for room and does not read. If the peer also waits for room and
     * does not read, that is a deadlock. */
    void (*say_waits)(shmrpci_stream *stream, bool waits);
} shmrpci_pump_ops;

/* Converts `peer` to a connection number of the service. With `peer` a relay
 * tells a service which of the relay's peers a call is from. Any client can
 * claim to be a relay, so the result must never equal the number of another
 * connection. `uid` is mixed in, so that a client can't reach the numbers of
 * another user's relay's peers by chance: it would have to know them. The top
 * bit is never set in numbers of the service's own connections. */
#define SHMRPCI_PEER_CONNECTION (UINT64_C(1) << 63)

static inline uint64_t shmrpci_peer_connection(uint32_t uid, uint64_t peer)
{
    return (peer ^ ((uint64_t)uid + 1) * UINT64_C(0x9E3779B97F4A7C15)) |
           SHMRPCI_PEER_CONNECTION;
}

/* What relays tell a service about their peers. */
typedef struct shmrpci_peer_ops {
    /* Tells the service that one of our peers is gone and that we hold none of
     * its calls. In each process of the service on_end is then called with
     * shmrpci_peer_connection. Waits for room for up to 2 s. Returns
     * SERVER_LOST, or DEADLINE if the service could not be told. */
    int (*say_left)(shmrpci_conn *conn, uint64_t peer);
} shmrpci_peer_ops;

/* For relays, whose participants have many requests at a time (see on_cancel in
 * shmrpci_listen_opts). */
typedef struct shmrpci_relay_ops {
    /* Called when the welcome that clients got is out of date: asks all clients
     * to reconnect, and returns the number of the new epoch. A client that says
     * hello meanwhile may still get the old epoch. */
    uint32_t (*renew)(shmrpci_listener *listener);
    /* Takes up to `count` more requests that have already arrived; returns the
     * number taken. */
    size_t (*next_more)(shmrpci_participant *participant,
                        shmrpci_request *const *requests, size_t count);
    /* As reply_commit, for `count` > 0 requests; replies over the same
     * connection are sent together. */
    void (*reply_commit_all)(shmrpci_request *const *requests, size_t count);
} shmrpci_relay_ops;

/*
 * Workers in other processes. Everything except attach is called on the thread
 * of the control loop, which calls step instead of run.
 */
typedef struct shmrpci_process_ops {
    /* Returns a descriptor that is readable when step has something to do. */
    int (*poll_fd)(const shmrpci_listener *listener);
    /* Does the control loop's pending work, without waiting. Returns the
     * monotonic time at which it must be called again even if nothing is
     * readable. */
    int64_t (*step)(shmrpci_listener *listener);
    /*
     * Lets another process serve workers `first` to `first + count - 1`. That
     * process attaches at the other end of the socket pair `link_fd`, which the
     * listener owns on success. Returns INVALID if these places do not exist or
     * are not free, or EXHAUSTED.
     */
    int (*enlist)(shmrpci_listener *listener, uint32_t first, uint32_t count,
                  int link_fd, shmrpc_error *error);
    /*
     * Called in the worker process: makes a listener that supports only
     * participant_open, stop, close and describe. Takes ownership of `link_fd`
     * even if it fails. Its participants leave (next returns CANCELLED) when
     * told to, or when the supervisor is gone. Returns UNAVAILABLE or DEADLINE
     * if nobody answers at the other end, CONTRACT if the other process runs
     * another build.
     */
    int (*attach)(int link_fd, shmrpci_listener **out, shmrpc_error *error);
    /* Asks the process of worker `first` to end its calls and leave. */
    void (*retire)(shmrpci_listener *listener, uint32_t first);
    /* Called when the process of worker `first` has had its time to leave: from
     * now on, sends and reads of streams in its handlers return UNAVAILABLE. */
    void (*cut)(shmrpci_listener *listener, uint32_t first);
    /* Called when the process of worker `first` is dead: recovers all its
     * workers, which frees their places. Does nothing for places that are not
     * enlisted. */
    void (*dismiss)(shmrpci_listener *listener, uint32_t first);
    void (*observe)(const shmrpci_listener *listener, uint32_t index,
                    shmrpci_worker_view *out);
    /* Reports the method of the call that a worker is in, or was in when it
     * died (until dismiss). Returns false if there is none. */
    bool (*observe_call)(const shmrpci_listener *listener, uint32_t index,
                         uint32_t *out_method);
    /* Whether a live worker is in a call that nobody waits for any more,
     * because it was cancelled or its client is gone. */
    bool (*observe_abandoned)(const shmrpci_listener *listener, uint32_t index);
    /* Checks all connections, so call it at most about ten times a second. */
    void (*observe_load)(shmrpci_listener *listener, shmrpci_load_view *out);
    /* Acts as the worker of the free place `index`: answers all requests that
     * no worker has taken, except oneway ones, with `status` and `detail`. */
    void (*refuse_all)(shmrpci_listener *listener, uint32_t index, int status,
                       const void *detail, size_t len);
    /* Closes a forked child's copy of a listener; the parent keeps using its
     * own. */
    void (*disown)(shmrpci_listener *listener);
} shmrpci_process_ops;

/*
 * Takeover: another process receives a listener with all its connections, and
 * clients notice nothing. The operations are listed in the order of their use.
 */
typedef struct shmrpci_takeover_ops {
    /* The successor asks the process that listens at an address to hand over;
     * `*out_fd` is connected to that process. Returns UNAVAILABLE if nobody
     * listens, DENIED or DEADLINE. */
    int (*summon)(const shmrpci_address *address, int64_t deadline_ns,
                  int *out_fd, shmrpc_error *error);
    /* Sends the whole state of a listener. The listener must not be stepped
     * again until it is known whether the successor has received the state.
     * Returns UNAVAILABLE if the successor has hung up, or DEADLINE. */
    shmrpc_status (*hand_over)(shmrpci_listener *listener, int fd,
                               int64_t deadline_ns);
    /* Receives a listener, in which the predecessor's workers are then
     * enlisted. The listener must not be stepped before the predecessor is told
     * that it was received. Returns CONTRACT if the predecessor runs another
     * build, INVALID if the predecessor listens at another address. */
    int (*take_over)(const shmrpci_address *address,
                     const shmrpci_listen_opts *opts, int fd,
                     int64_t deadline_ns, shmrpci_listener **out,
                     shmrpc_error *error);
    /* Called by the predecessor once the successor has the listener: keeps only
     * this process's private state, which close frees. */
    void (*abandon)(shmrpci_listener *listener);
} shmrpci_takeover_ops;

/* A transport. No function pointer in a table is NULL; a table pointer is NULL
 * if the transport does not support its operations. */
struct shmrpci_transport {
    const char *scheme;               /* "shm" of shm:// */
    bool is_network;                  /* peers may be on other machines */
    const shmrpci_client_ops *client; /* this one and the next two are never
                                       * NULL */
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

/* All transports, each in the folder of its name; declared for the registry and
 * for tests. */
extern const shmrpci_transport shmrpci_transport_inproc;
extern const shmrpci_transport shmrpci_transport_shm;
extern const shmrpci_transport shmrpci_transport_tcp;
extern const shmrpci_transport shmrpci_transport_tls;
extern const shmrpci_transport shmrpci_transport_unix;
extern const shmrpci_transport shmrpci_transport_nats;

#endif
