/*
 * The server: runs the handlers of one or more services.
 *
 *     shmrpc_server *server;
 *     shmrpc_server_create(NULL, &server, &error);
 *     demo_echo_serve(server, &impl, user, &error);     // generated
 *     shmrpc_server_run(server, &error);                // until stopped
 *     shmrpc_server_destroy(server);
 *
 * The workers of such a server are threads. Programs that only serve use the
 * generated main function instead, whose workers are processes (see its
 * --help).
 *
 * A program that forks to become a daemon must fork before it serves: a forked
 * child has neither the server's sockets nor its lock.
 *
 * Threading: one thread calls create, serve and destroy. run blocks its thread
 * and starts the workers. stop may be called from any thread or signal handler.
 * Handlers run on worker threads, several at a time if `workers` is above 1.
 */
#ifndef SHMRPC_SERVER_H
#define SHMRPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/beside.h"
#include "shmrpc/error.h"
#include "shmrpc/options.h"
#include "shmrpc/platform.h"
#include "shmrpc/types.h"

SHMRPC_BEGIN_DECLS

typedef struct shmrpc_server shmrpc_server;

/* Who may call a method, in addition to the server's own user and root. */
typedef struct shmrpc_method_access {
    const char *method;
    const uint32_t *uids;
    size_t uid_count;
    const uint32_t *gids; /* a peer's first 32 groups are known */
    size_t gid_count;
    uint64_t reserved[3]; /* 0; later members take its place */
} shmrpc_method_access;

typedef struct shmrpc_server_opts {
    /* Where to listen: "shm://" (the default for NULL), "shm://@instance",
     * "inproc://", "tcp://host:port", "unix:///path", or several of these,
     * separated by commas. */
    const char *listen;
    /* Worker threads; 0: one for each usable CPU. With 1, no two handlers ever
     * run at the same time. */
    uint32_t workers;
    shmrpc_profile profile;
    size_t max_message_bytes; /* 0: 64 MiB */
    /* Quotas for each user id; 0: 1024 connections, 1 GiB of memory. At shm://
     * all users together get at most 7/8 of the memory limit of the server's
     * control group, less what the group uses already. */
    uint32_t max_connections_per_uid;
    size_t max_bytes_per_uid;
    /* User ids that may connect in addition to the server's own and root. The
     * id 65534 (nobody) is INVALID, because the kernel shows it for all users
     * that the server's user namespace doesn't know; only a server that itself
     * runs as 65534 accepts it. */
    const uint32_t *allowed_uids;
    size_t allowed_uid_count;
    /* Groups whose members may connect, too; at shm:// only. */
    const uint32_t *allowed_gids;
    size_t allowed_gid_count;
    /* Methods that only some of the clients may call; others get DENIED. Over
     * tcp nobody may call them, because users are not known there. Not copied:
     * the rows must live until the last service is served. If a method doesn't
     * exist, serve returns NOT_FOUND. */
    const shmrpc_method_access *method_access;
    size_t method_access_count;
    /* Allows tcp:// also for methods whose encoding is not meant for networks
     * (native). Without it a service with such methods can't be served
     * there. */
    bool force_insecure_serialisation;
    /* Compression of replies at tcp:// and unix://, for clients that can
     * decompress them; all clients of this library can. */
    shmrpc_compression compression;
    /* Up to 8 interceptors, which see every call (shmrpc/beside.h); the array
     * ends with NULL. The interceptors and what they point to must outlive the
     * server. */
    const struct shmrpc_interceptor *const *interceptors;
    /* Asked before each handler whether the call may run: any status other than
     * OK refuses the call, with the message in `error`. `token` is the value of
     * the caller's metadata "authorization", or NULL if there is none. */
    int (*authorize)(void *user, struct shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error);
    void *authorize_user;
    /* How many workers may be in calls with streams at a time, at each address;
     * 0: all but one, and at least one. Further such calls end in EXHAUSTED. */
    uint32_t max_streams;
    /* Limits against overload: this one, client_rate and shed_after_ns; 0: no
     * limit. Calls beyond them are refused with EXHAUSTED and a time after
     * which to retry (retry_after_ns of the error). This one limits how many
     * calls of one connection run at once, at each address. */
    uint32_t client_calls;
    /* How long a handler waits for room in a stream that its client doesn't
     * read; after that the client is EVICTED. 0: 60 s. */
    int64_t stream_stall_ns;
    /* How long a stopped server waits for streams and detached calls to end.
     * After that, sends and reads of handlers return CANCELLED, and the clients
     * of these streams get UNAVAILABLE. 0: 30 s. */
    int64_t stream_drain_ns;
    /* How many calls per second one connection may begin, on average; an idle
     * connection may begin as many as that at once. */
    uint32_t client_rate;
    uint32_t reserved_too; /* 0 */
    /* A call that has waited longer than this for a worker is not run. */
    int64_t shed_after_ns;
    /* Called when a connection that made calls has ended (see
     * shmrpc_ctx_connection), or when a peer of shmrpc-tcp has left. It runs on
     * a worker's thread, while no call of that connection is running. `user` is
     * the pointer passed with the service. Not called for connections that end
     * with the server. */
    void (*disconnected)(void *user, uint64_t connection);
    /* How long a stream may be open; after that, sends and reads of its handler
     * return CANCELLED, and the client gets UNAVAILABLE after the items that
     * were sent. A stream stays with its worker, so this lets a service spread
     * its clients over the workers again now and then. 0: no limit. */
    int64_t max_stream_age_ns;
    uint64_t reserved[2]; /* 0; later members take its place */
} shmrpc_server_opts;

/* Makes a server that serves nothing yet. `opts` may be NULL; it is copied.
 * Returns INVALID if an option is out of range, or NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_server_create(const shmrpc_server_opts *opts, shmrpc_server **out,
                     shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Serves until stopped. Clients find the service as soon as `<svc>_serve` has
 * returned, and wait in connect until run answers them. After stop, returns OK
 * when the calls in progress have ended. If no worker had taken a call, its
 * client resends it to the next server. Returns PRECONDITION if there is
 * nothing to serve. */
SHMRPC_API shmrpc_status shmrpc_server_run(shmrpc_server *server,
                                           shmrpc_error *error);

/* Makes run return; before run, makes it return at once. Async-signal-safe. */
SHMRPC_API void shmrpc_server_stop(shmrpc_server *server);

/* Closes all connections and frees everything. Must not be called before run
 * has returned. NULL is fine. */
SHMRPC_API void shmrpc_server_destroy(shmrpc_server *server);

/*
 * The context of a call, passed to its handler. It is valid until the handler
 * returns, or, if the call is detached (shmrpc_ctx_detach), until the call is
 * answered. Only one thread at a time may use it.
 */
typedef struct shmrpc_ctx shmrpc_ctx;

/* The caller. */
typedef struct shmrpc_peer {
    uint32_t uid;
    uint32_t gid;
    int32_t pid;           /* as the server sees it; 0 when unknown */
    const char *transport; /* "shm", "inproc", "tcp", "unix" */
    /* For logs: the address that the client connected to; over tcp the client's
     * own address, because nothing else is known about it: its ids are
     * UINT32_MAX then. */
    const char *address;
    const uint32_t *groups; /* its supplementary groups: the first 32, over shm
                             * only */
    size_t group_count;
    /* At tls://, the subject of the client's certificate: "CN=alice,O=Example"
     * (RFC 2253, the first 255 bytes). NULL if it presented none. */
    const char *subject;
} shmrpc_peer;

/* Allocates memory for results, which lives until the reply has been sent.
 * Returns NULL if memory is exhausted; the handler then returns
 * SHMRPC_E_NO_MEMORY. The memory is not cleared. */
SHMRPC_API void *shmrpc_ctx_alloc(shmrpc_ctx *ctx, size_t size, size_t align);

/*
 * The next three functions make a text for a result, followed by a NUL, in
 * memory from shmrpc_ctx_alloc:
 *
 *     return shmrpc_ctx_printf(ctx, ret, "%d pages", count);
 *
 * They return OK, or NO_MEMORY and leave `*ret` unchanged. A result must be
 * UTF-8; that is checked when it is sent.
 */
/* Copies a C string; NULL gives the empty text. */
SHMRPC_API int shmrpc_ctx_str(shmrpc_ctx *ctx, shmrpc_str *ret,
                              const char *text) SHMRPC_WARN_UNUSED;
/* Copies `len` bytes; `text` may be NULL if `len` is 0. */
SHMRPC_API int shmrpc_ctx_copy(shmrpc_ctx *ctx, shmrpc_str *ret,
                               const void *text, size_t len) SHMRPC_WARN_UNUSED;
/* Formats as printf does, to any length. Returns INVALID if printf fails. */
SHMRPC_API int shmrpc_ctx_printf(shmrpc_ctx *ctx, shmrpc_str *ret,
                                 const char *format, ...)
    SHMRPC_PRINTF(3, 4) SHMRPC_WARN_UNUSED;

/*
 * Lends `size` bytes of the memory in which the reply of a raw method is sent,
 * which saves the copy of the reply: write to them, and return all of them or
 * fewer, from the beginning. They are not cleared. Don't read them: a malicious
 * client can write there too, or make them overlap the parameter. May be called
 * once for each call; a handler that returns other bytes, or fails, need not
 * give them back. Returns NULL if it was called before in this call, the method
 * is not raw, the call is detached, or there is no memory (shmrpc_ctx_alloc may
 * still have some).
 */
SHMRPC_API void *shmrpc_ctx_loan(shmrpc_ctx *ctx, size_t size);

/* Time left until the caller's deadline; 0 when it has passed. */
SHMRPC_API int64_t shmrpc_ctx_remaining_ns(const shmrpc_ctx *ctx);

/* Whether nobody waits for the result any more: the caller has cancelled the
 * call, its deadline has passed, or the caller has died. A handler that runs
 * long should check this now and then. */
SHMRPC_API bool shmrpc_ctx_cancelled(const shmrpc_ctx *ctx);

/* Whether this worker will exit after its current calls, because there are too
 * many workers, it is being replaced, or the server is stopping. A handler with
 * a long stream should end it at the next suitable place, so that its client
 * opens it again at another worker. After `stream_drain` (30 s) the handler's
 * sends and reads return CANCELLED, even if they are already waiting, and the
 * client gets UNAVAILABLE. A handler that neither sends nor reads goes on: a
 * server with threads waits for it, a supervisor kills its process. May be
 * called from any thread. */
SHMRPC_API bool shmrpc_ctx_draining(const shmrpc_ctx *ctx);

SHMRPC_API const shmrpc_peer *shmrpc_ctx_peer(const shmrpc_ctx *ctx);

/* A number, never 0, that identifies the connection: the same for all of its
 * calls, in every worker, and never reused for another connection at this
 * address. A client that reconnects gets another number. Each peer of
 * shmrpc-tcp has its own. */
SHMRPC_API uint64_t shmrpc_ctx_connection(const shmrpc_ctx *ctx);

/* Returns which method runs, as its index in the service's table. For handlers
 * that serve several methods, as in language bindings. */
SHMRPC_API uint32_t shmrpc_ctx_method(const shmrpc_ctx *ctx);

/* Sets the message of the caller's error object and returns `status`: `return
 * shmrpc_ctx_fail(ctx, SHMRPC_E_NOT_FOUND, "no %d", id);`. Works for declared
 * errors too. */
SHMRPC_API int shmrpc_ctx_fail(shmrpc_ctx *ctx, int status, const char *format,
                               ...) SHMRPC_PRINTF(3, 4);

/* Like shmrpc_ctx_fail with the status EXHAUSTED, which it returns; also tells
 * the caller when it may retry (`retry_after_ns` of its error). */
SHMRPC_API int shmrpc_ctx_refuse(shmrpc_ctx *ctx, int64_t retry_after_ns,
                                 const char *format, ...) SHMRPC_PRINTF(3, 4);

/* ---- detached calls ------------------------------------------------------ */

/* How many calls of a worker may be detached at a time. */
#define SHMRPC_DETACHED_MAX 1024u

/*
 * Lets a handler return before the call is answered; another thread, or an
 * event loop, answers it later. Meanwhile the worker is free for other calls.
 *
 *     int find(shmrpc_ctx *ctx, void *user, const query *q, result *ret)
 *     {
 *         shmrpc_ctx *call;
 *         int status = shmrpc_ctx_detach(ctx, &call);
 *         if (status == SHMRPC_DETACHED) {
 *             begin(user, call, q);    // which answers later
 *         }
 *         return status;
 *     }
 *
 * If it returns SHMRPC_DETACHED, the handler must return that too. `*out` is
 * then the call's own context, valid until the call is answered; the handler
 * must no longer use `ctx` and `ret`, even if the answer is given before it
 * returns. Its parameters, and memory from shmrpc_ctx_alloc, also live until
 * the answer. With any other status nothing has changed, and the handler may
 * return it: EXHAUSTED if SHMRPC_DETACHED_MAX calls of this worker are detached
 * and not answered yet; NO_MEMORY; INVALID if the call is oneway, has streams,
 * is detached already, or its reply was lent (shmrpc_ctx_loan), which aborts
 * checked programs (shmrpc/async.h).
 *
 * Does not block. shmrpc_ctx_remaining_ns and shmrpc_ctx_cancelled show
 * deadline and cancellation; a call that nobody waits for any more must still
 * be answered. If the worker dies, the caller gets WORKER_DIED. A stopped
 * server, and a worker that is told to exit, wait up to stream_drain_ns for the
 * answers. After that the callers of unanswered calls get ABORTED, and a
 * checked program aborts; in other programs a later answer does no harm, but
 * the parameters and the peer must no longer be used.
 */
SHMRPC_API int shmrpc_ctx_detach(shmrpc_ctx *ctx, shmrpc_ctx **out);

/*
 * Answers a detached call, once, as if its handler had returned `status` and,
 * if that is OK, had stored `*result` in its `ret` (NULL for a method without a
 * result). `call` is freed whatever this returns. Returns OK if the answer was
 * sent (an error instead, if the result violates its bounds); CANCELLED if
 * nobody waits for it any more; FORKED in a forked child, where it does
 * nothing; INVALID if the call is not detached or was answered already, which
 * aborts checked programs.
 *
 * May be called from any thread. Never waits for the caller; the answers of one
 * worker's calls are sent one after the other. Generated code has a typed
 * function for each method, `<method>_answer`.
 */
SHMRPC_API int shmrpc_ctx_reply(shmrpc_ctx *call, int status,
                                const void *result);

/* Makes the library's thread call the step of a detached stream soon; `ctx` is
 * the context that is passed to steps. May be called from any thread until
 * `drop` is called. Does not block. */
SHMRPC_API void shmrpc_stream_wake(shmrpc_ctx *ctx);

/*
 * Functions that the main function of a generated server calls. Initialise the
 * struct with SHMRPC_HOOKS_INIT; any hook may stay NULL. `user` is the pointer
 * that the handlers get, too.
 *
 * Worker processes are forked from a process that has run `preload`, so they
 * share the memory that it has filled, as long as nobody writes to it. With
 * --workers=0 there is one process, which runs all hooks once.
 */
typedef struct shmrpc_hooks {
    size_t size; /* sizeof(shmrpc_hooks); lets later versions add hooks */
    /* Loads what all workers need, once, before the first call. It must leave
     * no thread running; all workers share the files and connections that it
     * opens. Any result other than 0 ends the program with the message in
     * `error`. */
    int (*preload)(void *user, shmrpc_error *error);
    /* Called in each worker before its first call: the place to start threads
     * and to open files and connections of its own. Any result other than 0
     * ends the worker. */
    int (*start)(void *user, shmrpc_error *error);
    /* Called in each worker after its last call, unless the worker is
     * killed. */
    void (*stop)(void *user);
    /* Called around each fork, for language runtimes that must know of it, such
     * as an interpreter. `before_fork` runs in the parent. `after_fork` runs in
     * the parent, with the pid of the child or -1, and in the child, with 0,
     * before anything else. The program first forks a process that preloads and
     * then forks the workers; if this process dies, the program forks another
     * one. Not called with --workers=0. */
    void (*before_fork)(void *user);
    void (*after_fork)(void *user, int32_t child_pid);
    uint32_t flags; /* SHMRPC_HOOKS_... */
    /* Called in each worker that has run calls of a connection, when the
     * connection has ended. This hook and the next two are as in
     * shmrpc_server_opts. */
    void (*disconnected)(void *user, uint64_t connection);
    int (*authorize)(void *user, struct shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error);
    const struct shmrpc_interceptor *const *interceptors;
} shmrpc_hooks;

enum {
    /* Accepts threads that preload leaves running. The workers don't have these
     * threads, but locks that the threads held stay locked in the workers. */
    SHMRPC_HOOKS_ALLOW_THREADS = 1u << 0
};

#define SHMRPC_HOOKS_INIT                                                  \
    {                                                                      \
        sizeof(shmrpc_hooks), NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, \
            NULL                                                           \
    }

/* Sets the hooks, which are copied. Must be called before `<service>_main`,
 * which uses them. */
SHMRPC_API void shmrpc_main_set_hooks(const shmrpc_hooks *hooks);

SHMRPC_END_DECLS

#endif
