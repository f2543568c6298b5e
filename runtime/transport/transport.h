/*
 * Transports move whole messages between a client and a service's workers.
 *
 * A message is a head (method, status, time left) and a body of bytes; what
 * the bytes mean is the business of rpc and codec.  Every transport (inproc,
 * shm, tcp, tls, unix) implements the tables of a client, a listener and a
 * worker, others as far as it can, and passes one conformance suite
 * (tests/conformance).
 *
 * Memory changes hands at four calls only, the same on both sides:
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
 * Bodies that were received may lie in memory that the peer can still write:
 * `in_shared` says so, and then they are to be copied before they are parsed,
 * or read so that no byte is looked at twice.
 *
 * Deadlines are absolute, in monotonic nanoseconds (os/clock.h). Nothing here
 * waits without one, but a worker for its next request, which ends at stop.
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

/* One place from an address list, parsed. Strings live as long as it does. */
typedef struct shmrpci_address {
    const shmrpci_transport *transport;
    char name[64];     /* service name: [A-Za-z0-9_.-]+ */
    char instance[64]; /* "" for none */
    char host[256];    /* tcp: host; unix: path; nats: servers */
    uint16_t port;
    int fd; /* transport/adopted.h alone: one end of a connection */
    /* tcp and tls: of the key that both ends have; "" for none, as below */
    char key_file[256];
    char cert_file[256];  /* tls: our certificate and its private key */
    char ca_file[256];    /* tls: whose certificates are trusted */
    char token_file[256]; /* a client's: the token shown at hello; or "" */
    char creds_file[256]; /* nats: who we are there; key_file: an nkey's seed */
    char zone[64];        /* nats: where we are; "": anywhere */
} shmrpci_address;

/* Ids of methods. Id 0 asks any service to describe itself. */
#define SHMRPCI_METHOD_DESCRIBE 0u
#define SHMRPCI_METHOD_MAX      0xFFFFu

enum {
    SHMRPCI_HEAD_ONEWAY = 1u << 0, /* request: nobody waits for a reply */
    SHMRPCI_HEAD_DETAIL = 1u << 1, /* reply: the body is an error detail */
    /* request: the client is of another version, and wants enums as numbers */
    SHMRPCI_HEAD_NUMBERED = 1u << 4,
    /* request: its end is told to who watches; set it for calls to be armed */
    SHMRPCI_HEAD_TOLD = 1u << 5,
    /* the body begins with a metadata block, which is rpc's (rpc/metadata.h);
     * in a reply only if it was in the request */
    SHMRPCI_HEAD_METADATA = 1u << 6,
    /* request of a relay: the same thread will commit another one at once, over
     * the same connection, and both may be announced together */
    SHMRPCI_HEAD_MORE = 1u << 7,
    /* request: it has streams; set by their open */
    SHMRPCI_HEAD_STREAMS = 1u << 8,
    /* reply of a relay: the call ended without one; the status is what receive
     * has returned: WORKER_DIED, SERVER_LOST, or UNAVAILABLE if it has
     * certainly not run */
    SHMRPCI_HEAD_ENDED = 1u << 9
};

typedef struct shmrpci_head {
    uint32_t method;    /* request: id, 0 to SHMRPCI_METHOD_MAX */
    uint32_t flags;     /* SHMRPCI_HEAD_... */
    int32_t status;     /* reply: how the call ended */
    int64_t timeout_ns; /* request: time left when it was committed */
    uint64_t ticks;     /* request: when that was, in ticks; or 0 */
} shmrpci_head;

/* What a transport may keep in a call or request, in the caller's memory. */
typedef union shmrpci_transport_data {
    uint64_t words[8];
    void *pointers[8];
} shmrpci_transport_data;

/* ---- client ---------------------------------------------------------- */

/* What the other end can read. */
enum {
    SHMRPCI_FEATURE_STREAMS = 1u << 0,
    SHMRPCI_FEATURE_METADATA = 1u << 1,
    /* A lost call does not mean that the connection is lost, which has other
     * servers: reserve tells when it is. */
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
    /* Set by a commit that returns EXHAUSTED, where it is known: how many bytes
     * of memory it needed, 0: unknown, and how many were left. */
    uint64_t needed_bytes;
    uint64_t left_bytes;
    shmrpci_transport_data data;
} shmrpci_call;

/* What a transport knows a reply by that outlives its call. */
typedef struct shmrpci_kept {
    uint64_t words[2];
} shmrpci_kept;

typedef struct shmrpci_connect_opts {
    int64_t deadline_ns;
    shmrpc_profile profile;
    size_t max_message_bytes; /* the smaller of both ends' counts; never 0 */
    /* What rpc says first; the transport carries it to `on_hello`. At most
     * SHMRPCI_HELLO_MAX_BYTES. */
    const uint8_t *hello;
    size_t hello_len;
} shmrpci_connect_opts;

/* Bodies that can be posted. */
#define SHMRPCI_POST_MAX_BYTES 128u

#define SHMRPCI_HELLO_MAX_BYTES 1024u
/* Of an object that a service shares, in bytes. */
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
    /* Where it counts how it waits; NULL: nowhere. Set before the first next.
     */
    shmrpci_stats_waits *waits;
    /* Set before the first next: told of ends of connections, see watch, and,
     * if tells_peers, of relays' peers, whether or not a call of them has come.
     * By `next`, with no lock held. NULL: nobody wants to know. */
    void (*on_end)(void *user, uint64_t connection);
    void *end_user;
} shmrpci_participant;

/* One request, in the worker's memory. One thread at a time. */
typedef struct shmrpci_request {
    shmrpci_participant *participant;
    shmrpci_head head; /* the request's; status is set before commit */
    const uint8_t *in; /* the request's body, from receive to release */
    size_t in_len;
    bool in_shared;      /* the peer can still write to it */
    int64_t received_ns; /* when it was received, to within some 25 us */
    int64_t deadline_ns; /* when the caller stops waiting */
    /* In ticks: how long it had waited when it was received, as the client
     * says; when that was; and, set by reply_commit and drop, when it ended, or
     * 0 where a transport does not look at the time then. */
    uint64_t queue_ticks;
    uint64_t began_ticks;
    uint64_t ended_ticks;
    /* Set by answer and reply_commit: the caller had given the call up. */
    bool was_given_up;
    const shmrpc_peer *peer; /* lives as long as the connection */
    uint32_t epoch;          /* in which its client said hello; see renew */
    shmrpci_buf out;         /* the reply's body, from reserve to commit */
    shmrpci_transport_data data;
} shmrpci_request;

/*
 * A client says hello: decides whether it may connect. Appends the answer to
 * `welcome` and returns OK, or fills `error`, which the client will get.
 * Called on the thread that runs the listener.
 */
typedef int shmrpci_on_hello(void *user, const uint8_t *hello, size_t len,
                             const shmrpc_peer *peer, shmrpci_buf *welcome,
                             shmrpc_error *error);

/*
 * A client asks for an object that the service shares, by its name; or a
 * process of the server's, or its successor, which is to be let write in any
 * case.
 * `*out_fd` becomes the caller's: an open file description that nobody else
 * has. NOT_FOUND, or what else the client is to be told. On the thread that
 * runs the listener; inproc: the client's.
 */
typedef int shmrpci_on_object(void *user, const char *name, bool as_server,
                              const shmrpc_peer *peer, int *out_fd,
                              shmrpc_error *error);

typedef struct shmrpci_listen_opts {
    uint32_t max_workers; /* participants have indices below it; up to 64 */
    shmrpc_profile profile;
    size_t max_message_bytes;
    uint32_t max_connections_per_uid;
    size_t max_bytes_per_uid;
    /* Between machines: of requests and replies, at a time; 0: 256 MiB. At
     * least twice the largest message. */
    size_t max_total_bytes;
    /* After how long without use memory for large messages is given back; 0:
     * 30 s. It may take up to twice as long. */
    int64_t extent_idle_ns;
    const uint32_t *allowed_uids; /* copied, as are the next */
    size_t allowed_uid_count;
    const uint32_t *allowed_gids;
    size_t allowed_gid_count;
    bool takes_processes; /* workers of other processes will be enlisted */
    bool moves_streams;   /* of relays: what they pass on may have streams */
    shmrpc_compression compression; /* between machines */
    /* For open_stats: a descriptor that stays the caller's, and what to count
     * connections in; or false, and NULL. */
    bool has_stats;
    int stats_fd;
    shmrpci_stats_gauges *gauges;
    /*
     * Set by relays, which pass requests on: a participant may have several
     * requests at a time, each answered by any thread. Called when one of them
     * was cancelled, with locks held: it may only wake a thread. The caller
     * gets only the answer, which should follow soon.
     */
    void (*on_cancel)(void *user);
    bool tells_peers; /* on_end of workers, of the ends of relays' peers */
    shmrpci_on_hello *on_hello;
    shmrpci_on_object *on_object; /* NULL: the service shares none */
    /* Another process of our user (or root's) wants to take the service over,
     * and waits at the other end of `fd`, which is the callee's from now on.
     * NULL: nobody may. On the thread of the control loop. */
    void (*on_successor)(void *user, int fd);
    void *user;
    void *successor_user;
} shmrpci_listen_opts;

/* What may be seen of a worker while it works; counts since it began. */
typedef struct shmrpci_worker_view {
    int64_t busy_ns;  /* in handlers, the call in progress included */
    uint64_t calls;   /* that ended */
    bool has_arrived; /* enlisted: it has taken its place, and takes calls */
    bool is_busy;
    bool is_running;   /* a handler, which doesn't wait in a stream */
    bool has_streams;  /* the call in progress, which may wait in them */
    uint32_t detached; /* calls that were, and are not answered */
    /* Of the call in progress; SHMRPCI_NEVER_NS: there is none. */
    int64_t deadline_ns;
} shmrpci_worker_view;

/* What may be seen of a service. */
typedef struct shmrpci_load_view {
    uint32_t waiting; /* requests that no worker has taken */
    int64_t age_ns;   /* how long one of them has been seen waiting, at least */
} shmrpci_load_view;

/* The times of a request that is received now; `sent` is 0 when that is not
 * known. */
static inline void shmrpci_request_began(shmrpci_request *request,
                                         uint64_t sent)
{
    uint64_t now = shmrpci_ticks();
    request->began_ticks = now;
    request->queue_ticks = sent != 0 && now > sent ? now - sent : 0;
}

/* ---- the interface --------------------------------------------------- */

/* A place where a service may be listening: name, instance and port, and where
 * that is, for people. Both live until the call returns, which must not call
 * the transport. */
typedef void shmrpci_on_found(void *user, const shmrpci_address *address,
                              const char *where);

/* A client's end. A call is made between connect and disconnect. */
typedef struct shmrpci_client_ops {
    /*
     * Connects and exchanges hello and welcome. `welcome` receives what
     * on_hello appended. UNAVAILABLE: nobody there, the message names each
     * place that was tried; the error of on_hello; DENIED; EXHAUSTED;
     * DEADLINE.
     */
    int (*connect)(const shmrpci_address *address,
                   const shmrpci_connect_opts *opts, shmrpci_conn **out,
                   shmrpci_buf *welcome, shmrpc_error *error);
    /* No call may be between reserve and release on another thread. In a
     * forked child: gives back what of its parent's connection is in the
     * child's own memory, and neither waits for a lock nor tells the peer. */
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
     * and runs even if the client closes. Others are to be received or
     * cancelled some time: until then the transport may count on a worker that
     * has been stopped.
     */
    int (*commit)(shmrpci_call *call);
    /*
     * Waits for the reply: fills head, in, in_len, in_shared. DEADLINE: no
     * reply yet, the call goes on: receive again, or cancel it. The call is
     * over and released with UNAVAILABLE: the connection is lost, and no worker
     * had taken the call, nor ever will; SERVER_LOST: lost, and the call may
     * have run; WORKER_DIED; DATA_LOSS, NO_MEMORY: it has run, its reply can't
     * be read. With `deadline_ns` 0 it only looks, without a system call, and
     * learns of a lost server from others.
     */
    int (*receive)(shmrpci_call *call, int64_t deadline_ns);
    /* After receive returned OK. */
    void (*release)(shmrpci_call *call);
    /*
     * Instead of receiving: gives the call up. True when it was withdrawn
     * before a worker took it: it has not run and never will. Else the worker
     * is told, and its reply is dropped; the slot stays in use until then. The
     * call is over either way.
     */
    bool (*cancel)(shmrpci_call *call);
    /*
     * For clients that sleep elsewhere. Adds to `poll_set`, under `tag`, what
     * becomes readable when an armed call has ended, or the server is lost.
     * Once for a connection. EXHAUSTED.
     */
    shmrpc_status (*watch)(shmrpci_conn *conn, int poll_set, uint64_t tag);
    /*
     * Before such a sleep, of a connection that is watched: the end of any call
     * with SHMRPCI_HEAD_TOLD will be told, once; so may be what concerns none
     * of them. Returns when to look again at
     * the latest: 0, not to sleep at all, when one of `calls` is over already;
     * SHMRPCI_NEVER_NS. Arm and acknowledge: one thread at a time.
     */
    int64_t (*arm)(shmrpci_conn *conn, shmrpci_call *const *calls,
                   size_t count);
    /* Before looking with receive: takes note of what was told, so that it is
     * readable no more, and of a lost server. Nothing is armed then. Also
     * without watch. */
    void (*acknowledge)(shmrpci_conn *conn);
} shmrpci_client_ops;

/* A service's end: who listens, and what outlives a worker. */
typedef struct shmrpci_listener_ops {
    /*
     * Listens at an address. Clients may connect from now on, though nobody
     * answers before run. EXISTS: it runs already; DENIED; EXHAUSTED.
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
     * After run has returned because of stop: goes on with work that calls in
     * progress need, above all noticing clients that leave, until `*working` is
     * 0, or nothing is needed; the thread that makes it so calls stop again.
     * Nobody can connect meanwhile. At `cut_ns` it ends the streams of its
     * workers: what their handlers read and send is UNAVAILABLE from then on.
     * The thread that called run.
     */
    void (*linger)(shmrpci_listener *listener,
                   const shmrpci_atomic_u32 *working, int64_t cut_ns);
    /* After run has returned (or was never called) and all participants are
     * closed. Calls that still wait end in UNAVAILABLE. */
    void (*close)(shmrpci_listener *listener);
    /* One line for people: where it listens. */
    const char *(*describe)(const shmrpci_listener *listener);
    /* Repairs what participant `index` held when it died: its calls end in
     * WORKER_DIED, its place is free. Idempotent. */
    void (*recover)(shmrpci_listener *listener, uint32_t index);
} shmrpci_listener_ops;

/* A worker's end, in the process that listens or in one that has attached. */
typedef struct shmrpci_worker_ops {
    /* Takes the place of worker `index` (below max_workers, not taken). */
    int (*participant_open)(shmrpci_listener *listener, uint32_t index,
                            shmrpci_participant **out, shmrpc_error *error);
    void (*participant_close)(shmrpci_participant *participant);
    /* Waits for the next request. CANCELLED: the listener was stopped, and
     * calls that no worker has taken will end in UNAVAILABLE at close. */
    int (*next)(shmrpci_participant *participant, shmrpci_request *request);
    /* Readies request->out for a reply of about `size_hint` bytes. The
     * request's body stays where it is until commit; only of a client that
     * lies about its memory may the two overlap, if `in_shared`. */
    void (*reply_reserve)(shmrpci_request *request, size_t size_hint);
    /* Sends head.flags, head.status and request->out, and ends the request.
     * When `out` has failed, sends its status without a body. */
    void (*reply_commit)(shmrpci_request *request);
    /* Ends a request without a reply (SHMRPCI_HEAD_ONEWAY), reserved or not.
     */
    void (*drop)(shmrpci_request *request);
    /* Whether the caller has cancelled or is gone. Any thread. */
    bool (*is_cancelled)(const shmrpci_request *request);
    /* Whether its worker is to leave, or its server to end, when this call has
     * ended. Any thread. */
    bool (*is_draining)(const shmrpci_request *request);
    /* A number, not 0, that all requests of one connection have, and those of
     * no other one of this listener, not even a later one. */
    uint64_t (*connection)(const shmrpci_request *request);
    /*
     * The request is to be answered later, by any thread: `*out` is it from now
     * on, its body stays where it is, and the participant may take the next
     * one. NO_MEMORY: nothing has changed. `request` has no reserved reply.
     */
    int (*detach)(shmrpci_request *request, shmrpci_request *out);
    /* After reply_commit or drop of such a request, and before its participant
     * closes: the request is no more. */
    void (*detached_end)(shmrpci_request *request);
    /* When the connection of the request is gone, and no worker of this process
     * is in a call of it any more, on_end is to be told, once in this process.
     * Not of one that is there until the end of the listener. NO_MEMORY. */
    int (*watch)(const shmrpci_request *request, shmrpc_error *error);
    /* What the client said at hello, copied. */
    size_t (*hello)(const shmrpci_request *request,
                    uint8_t out[SHMRPCI_HELLO_MAX_BYTES]);
} shmrpci_worker_ops;

/* Short ways where both ends see the same memory. */
typedef struct shmrpci_shared_ops {
    /*
     * Reserve and commit at once, for a request of at most
     * SHMRPCI_POST_MAX_BYTES that is there already, and a reply of about as
     * many; not with SHMRPCI_HEAD_ONEWAY. The request is the first `prefix_len`
     * bytes of `prefix`, at most 8, and `len` bytes of `body`. Waits for
     * nothing. False: nothing was sent, and reserve will say why, or wait.
     */
    bool (*post)(shmrpci_conn *conn, shmrpci_call *call, uint64_t prefix,
                 size_t prefix_len, const void *body, size_t len);
    /* The worker's counterpart, reply_reserve and reply_commit at once: for a
     * body of at most SHMRPCI_POST_MAX_BYTES that is there already, when
     * nothing was reserved; head.flags are 0. */
    void (*answer)(shmrpci_request *request, const void *body, size_t len);
    /*
     * Release, but what `in` was stays readable where it lies, until let_go:
     * before disconnect, and never in a forked child. False: not this reply;
     * release it.
     */
    bool (*keep)(shmrpci_call *call, shmrpci_kept *out);
    void (*let_go)(shmrpci_conn *conn, const shmrpci_kept *kept);
} shmrpci_shared_ops;

/* Looking at services without becoming their client. */
typedef struct shmrpci_discovery_ops {
    /*
     * Tells of all places where services may be listening, without asking them,
     * in the order in which connect would try them. DENIED, INVALID: the folder
     * that the user has chosen can't be used.
     */
    int (*find)(shmrpci_on_found *found, void *user, shmrpc_error *error);
    /*
     * Asks for the memory in which a service counts: no worker notices.
     * `*out_fd` is for reading only; `*out_watch_fd` hangs up when the server
     * goes, or is -1. Statuses of connect, and UNIMPLEMENTED: it does not
     * count.
     */
    int (*open_stats)(const shmrpci_address *address, int64_t deadline_ns,
                      int *out_fd, int *out_watch_fd, shmrpc_error *error);
    /*
     * Asks for an object that the service shares, by its name: a descriptor
     * with an open file description of its own, for writing if the service lets
     * us, as it does its own processes. `*out_watch_fd` as above. Statuses of
     * connect, and NOT_FOUND: it has no object of that name; DENIED also:
     * `as_server`, of another user.
     */
    int (*open_object)(const shmrpci_address *address, const char *name,
                       bool as_server, int64_t deadline_ns, int *out_fd,
                       int *out_watch_fd, shmrpc_error *error);
} shmrpci_discovery_ops;

/* ---- streams ---- */

/* Calls with streams that a connection may have at a time: short calls always
 * find a slot. */
#define SHMRPCI_STREAMS_MAX 48u

/* How many bytes may be on their way in a direction; 0: there is no stream. */
typedef struct shmrpci_stream_opts {
    uint32_t in_bytes;  /* to the server */
    uint32_t out_bytes; /* from it */
    size_t max_item_bytes;
} shmrpci_stream_opts;

/* How many of `workers` may be in streams, see accept. */
static inline uint32_t shmrpci_stream_places(uint32_t max_places,
                                             uint32_t workers)
{
    return max_places != 0 ? max_places : workers > 2 ? workers - 1 : 1;
}

/* EXHAUSTED. */
int shmrpci_stream_places_taken(uint32_t places, shmrpc_error *error);

/* One end of the streams of a call, from open or accept to close. */
typedef struct shmrpci_stream shmrpci_stream;

typedef struct shmrpci_stream_item {
    const uint8_t *data;
    size_t len;
    bool in_shared;  /* the peer can still write to it */
    bool is_trusted; /* it is of our own user, who could write to all of ours */
} shmrpci_stream_item;

/*
 * Items beside a call, in order and whole.  One thread may send while another
 * one reads.  A client receives its call when the items are over, or cancels
 * it, and closes its end before or after that; a worker closes its end before
 * it replies.
 */
typedef struct shmrpci_stream_ops {
    /* Instead of commit, whose statuses it has. EXHAUSTED: the connection has
     * SHMRPCI_STREAMS_MAX; NO_MEMORY. Aborted then. */
    int (*open)(shmrpci_call *call, const shmrpci_stream_opts *opts,
                shmrpci_stream **out, shmrpc_error *error);
    /* Whether a worker has, or has had, a call that was opened and not received
     * yet; true: that can't be told. */
    bool (*is_taken)(const shmrpci_call *call);
    /*
     * The worker's end of a request with SHMRPCI_HEAD_STREAMS, which need not
     * be taken: a reply ends the streams, too. At most `max_places` workers of
     * the listener are in streams at a time; 0: all but one of those that there
     * are, and at least one. EXHAUSTED: so many are; NO_MEMORY.
     */
    int (*accept)(shmrpci_request *request, uint32_t max_places,
                  shmrpci_stream **out, shmrpc_error *error);
    /*
     * Sends one item: it is on its way. Waits for room until `deadline_ns`; 0:
     * it does not. `alone`: no other thread of ours reads.
     * BUSY (0 only), DEADLINE; CANCELLED: the other end reads no more, at the
     * client: receive tells why; SERVER_LOST: at a worker, whose server is
     * gone; UNAVAILABLE: at one that was cut (linger, or shmrpci_process_ops);
     * ABORTED: both ends wait for room and none reads; DATA_LOSS; TOO_LARGE;
     * PRECONDITION: after finish.
     */
    int (*send)(shmrpci_stream *stream, const void *data, size_t len,
                int64_t deadline_ns, bool alone);
    /* How many of the items that were sent the reader has let go of: a lower
     * bound, exact when it has read the end. Of who sends; through a relay what
     * that has passed on. */
    uint64_t (*delivered)(shmrpci_stream *stream);
    /* These were all items of ours. */
    void (*finish)(shmrpci_stream *stream);
    /*
     * Waits for the next item, which lives until the next look. MORE: there is
     * one; OK: there are no more; CANCELLED: the other end has given up, or is
     * gone: at the client receive tells why; SERVER_LOST, UNAVAILABLE: as
     * above; DEADLINE; DATA_LOSS; NO_MEMORY.
     */
    int (*next)(shmrpci_stream *stream, int64_t deadline_ns,
                shmrpci_stream_item *out);
    /* Items of ours end here, those of a client that has not finished as given
     * up; the other end's are read no more. */
    void (*close)(shmrpci_stream *stream);
} shmrpci_stream_ops;

/*
 * Items that are written where they will lie: instead of send.
 */
typedef struct shmrpci_lend_ops {
    /* Lends memory for an item of up to `len` bytes, at a multiple of 8; no
     * other item is sent until commit or abort. Statuses of send; TOO_LARGE: it
     * does not fit in one piece, but send may take it; PRECONDITION: one is
     * lent. */
    int (*lend)(shmrpci_stream *stream, size_t len, int64_t deadline_ns,
                bool alone, uint8_t **out);
    /* Sends the first `len` bytes of it. CANCELLED, SERVER_LOST, as send;
     * PRECONDITION: nothing is lent, or less. */
    int (*commit)(shmrpci_stream *stream, size_t len);
    void (*abort)(shmrpci_stream *stream);
} shmrpci_lend_ops;

/*
 * Streams of many calls that one thread moves: nothing here waits. An end is
 * used either so or as above.
 */
typedef struct shmrpci_pump_ops {
    /* The windows of streams that were accepted. */
    void (*measure)(const shmrpci_stream *stream, shmrpci_stream_opts *out);
    /* As next: a part of an item, or all of it; *out_is_last: with it the item
     * is whole. BUSY: nothing is there. */
    int (*take)(shmrpci_stream *stream, shmrpci_stream_item *out,
                bool *out_is_last);
    /* As send: some of the next bytes of an item, of which there are more but
     * these if not `is_last`; *out_sent of them went. BUSY: none. */
    int (*put)(shmrpci_stream *stream, const void *data, size_t len,
               bool is_last, size_t *out_sent);
    /*
     * Before it sleeps: when there is something to take (`takes`: there was
     * not), or room (`puts`: there was none), from now on `bell` is counted up
     * and woken, or one of *out_count (up to 2) words in `on`. False: there is
     * already. Until disarm.
     */
    bool (*arm)(shmrpci_stream *stream, shmrpci_atomic_u32 *bell, bool takes,
                bool puts, shmrpci_futex_on on[2], size_t *out_count);
    void (*disarm)(shmrpci_stream *stream);
    /* After an arm that was not for room: the same when the other end reads no
     * more, and perhaps now and then before. Until disarm. */
    bool (*arm_close)(shmrpci_stream *stream, shmrpci_futex_on *on,
                      size_t *out_count);
    /* At a worker: a word that is incremented when any client, or our server,
     * may be gone; NULL: reported as above. */
    shmrpci_atomic_u32 *(*alarm)(shmrpci_stream *stream);
    /* At a worker: OK; or as next, with what is there to be taken all the same:
     * CANCELLED, SERVER_LOST, UNAVAILABLE. What the request tells is not among
     * it. */
    int (*gone)(const shmrpci_stream *stream);
    /* Items of ours end as given up, at close. */
    void (*give_up)(shmrpci_stream *stream);
    /* Whether the other end waits for room to send, and nobody reads there. */
    bool (*peer_waits)(const shmrpci_stream *stream);
    /* Tells it that those do for whom items are moved: if it does, too, that is
     * a deadlock. */
    void (*say_waits)(shmrpci_stream *stream, bool waits);
} shmrpci_pump_ops;

/* A relay says which of its peers a call is from. What a client says of itself
 * must not be the number of anybody else's connection: those of other users,
 * which it can't know, are made otherwise, and our own have another first bit.
 */
#define SHMRPCI_PEER_CONNECTION (UINT64_C(1) << 63)

static inline uint64_t shmrpci_peer_connection(uint32_t uid, uint64_t peer)
{
    return (peer ^ ((uint64_t)uid + 1) * UINT64_C(0x9E3779B97F4A7C15)) |
           SHMRPCI_PEER_CONNECTION;
}

/* What relays say at the service's side. */
typedef struct shmrpci_peer_ops {
    /* One of our peers is gone, and no call of it is in our hands: on_end is
     * told of shmrpci_peer_connection, in each process of the service. Waits
     * for room, for up to 2 s. SERVER_LOST; DEADLINE: it was not said. */
    int (*say_left)(shmrpci_conn *conn, uint64_t peer);
} shmrpci_peer_ops;

/* For relays, whose participants have many requests at a time (on_cancel of
 * shmrpci_listen_opts). */
typedef struct shmrpci_relay_ops {
    /* The welcome that clients got is out of date: asks all to reconnect, and
     * returns the number of the epoch that begins. Clients that say hello
     * meanwhile may count to the old one. */
    uint32_t (*renew)(shmrpci_listener *listener);
    /* Up to `count` more that are there already; returns how many. */
    size_t (*next_more)(shmrpci_participant *participant,
                        shmrpci_request *const *requests, size_t count);
    /* As reply_commit for several (`count` > 0), which are sent together as
     * far as they go over the same connection. */
    void (*reply_commit_all)(shmrpci_request *const *requests, size_t count);
} shmrpci_relay_ops;

/*
 * Workers in processes of their own. Everything but attach is called on the
 * thread of the control loop, which is the caller's: step instead of run.
 */
typedef struct shmrpci_process_ops {
    /* A descriptor that is readable when step has something to do. */
    int (*poll_fd)(const shmrpci_listener *listener);
    /* Does what the control loop has to do, without waiting. Returns when, in
     * monotonic time, it is to be called again though nothing is readable. */
    int64_t (*step)(shmrpci_listener *listener);
    /*
     * Another process serves as the workers `first` to `first + count - 1`; it
     * attaches at the other end of `link_fd`, a socket pair, which is taken
     * over when this succeeds. INVALID: no such places, or taken; EXHAUSTED.
     */
    int (*enlist)(shmrpci_listener *listener, uint32_t first, uint32_t count,
                  int link_fd, shmrpc_error *error);
    /*
     * In the worker process: a listener for participant_open, stop, close and
     * describe only. Takes `link_fd` over in any case. Participants leave
     * (CANCELLED) when told to, and when the supervisor is gone.
     * UNAVAILABLE, DEADLINE: nobody at the other end; CONTRACT: of another
     * build.
     */
    int (*attach)(int link_fd, shmrpci_listener **out, shmrpc_error *error);
    /* Asks the process of worker `first` to end its calls and leave. */
    void (*retire)(shmrpci_listener *listener, uint32_t first);
    /* It has had time enough: what its handlers read and send by streams is
     * UNAVAILABLE from now on. */
    void (*cut)(shmrpci_listener *listener, uint32_t first);
    /* That process is dead: recovers all its workers, whose places are free
     * then. Does nothing where nobody was enlisted. */
    void (*dismiss)(shmrpci_listener *listener, uint32_t first);
    void (*observe)(const shmrpci_listener *listener, uint32_t index,
                    shmrpci_worker_view *out);
    /* The method of the call that a worker is in; of one that is dead and not
     * dismissed, that it has died in. False: none. */
    bool (*observe_call)(const shmrpci_listener *listener, uint32_t index,
                         uint32_t *out_method);
    /* Whether nobody waits for the call any more that a live worker is in: it
     * was cancelled, or its client is gone. */
    bool (*observe_abandoned)(const shmrpci_listener *listener, uint32_t index);
    /* Looks at all connections: not more often than some ten times a second.
     */
    void (*observe_load)(shmrpci_listener *listener, shmrpci_load_view *out);
    /* Answers all requests that no worker has taken, but for oneway ones, with
     * a status and its detail, as the worker of a place that nobody has. */
    void (*refuse_all)(shmrpci_listener *listener, uint32_t index, int status,
                       const void *detail, size_t len);
    /* Closes what a forked child has inherited of a listener, which goes on in
     * the parent. */
    void (*disown)(shmrpci_listener *listener);
} shmrpci_process_ops;

/*
 * Another process takes a listener over, with all that it has: clients notice
 * nothing. In this order.
 */
typedef struct shmrpci_takeover_ops {
    /* The successor asks who listens at an address for it; `out_fd` leads
     * there. UNAVAILABLE: nobody listens; DENIED, DEADLINE. */
    int (*summon)(const shmrpci_address *address, int64_t deadline_ns,
                  int *out_fd, shmrpc_error *error);
    /* Sends all of a listener, which must not be stepped any more until it is
     * known whether the successor has it. UNAVAILABLE: it has hung up;
     * DEADLINE. */
    shmrpc_status (*hand_over)(shmrpci_listener *listener, int fd,
                               int64_t deadline_ns);
    /* Receives it; not to be stepped before the predecessor is told. It then
     * has workers enlisted that the predecessor had. CONTRACT: of another
     * build; INVALID: it listens elsewhere. */
    int (*take_over)(const shmrpci_address *address,
                     const shmrpci_listen_opts *opts, int fd,
                     int64_t deadline_ns, shmrpci_listener **out,
                     shmrpc_error *error);
    /* Another process has it: only private state of this process is left, to be
     * freed by close. */
    void (*abandon)(shmrpci_listener *listener);
} shmrpci_takeover_ops;

/* A transport. Every slot of a table is there; a table is NULL where the
 * transport can't do what it is for. */
struct shmrpci_transport {
    const char *scheme;               /* "shm" of shm:// */
    bool is_network;                  /* peers may be on other machines */
    const shmrpci_client_ops *client; /* never NULL, nor the next two */
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

/* The transports there are, each in the folder of its name; for the registry
 * and for tests. */
extern const shmrpci_transport shmrpci_transport_inproc;
extern const shmrpci_transport shmrpci_transport_shm;
extern const shmrpci_transport shmrpci_transport_tcp;
extern const shmrpci_transport shmrpci_transport_tls;
extern const shmrpci_transport shmrpci_transport_unix;
extern const shmrpci_transport shmrpci_transport_nats;

#endif
