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
 * A program that forks to become a daemon does so before it serves: forked
 * children have neither its sockets nor its lock.
 *
 * Threading: create, serve and destroy: one thread; run blocks its thread and
 * starts the workers; stop: any thread or signal handler.  Handlers run on
 * worker threads, several at a time when `workers` is above 1.
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

/* Who may call a method, besides the server's own user and root. */
typedef struct shmrpc_method_access {
    const char *method;
    const uint32_t *uids;
    size_t uid_count;
    const uint32_t *gids; /* a peer's first 32 groups are known */
    size_t gid_count;
    uint64_t reserved[3]; /* 0; later members take its place */
} shmrpc_method_access;

typedef struct shmrpc_server_opts {
    /* Where to listen: "shm://" (the default when NULL), "shm://@instance",
     * "inproc://", "tcp://host:port", "unix:///path", or several, separated by
     * commas. */
    const char *listen;
    /* Worker threads; 0: one for each usable CPU. With 1, handlers never run
     * at the same time. */
    uint32_t workers;
    shmrpc_profile profile;
    size_t max_message_bytes; /* 0: 64 MiB */
    /* Quotas for each user id; 0: 1024 connections, 1 GiB of memory. All users
     * together get no more memory at shm:// than the memory limit of the
     * server's control group leaves, less an eighth of it. */
    uint32_t max_connections_per_uid;
    size_t max_bytes_per_uid;
    /* User ids that may connect besides the server's own and root. INVALID:
     * 65534 (nobody), which the kernel shows for all users that the server's
     * user namespace doesn't know; a server that runs as it accepts it. */
    const uint32_t *allowed_uids;
    size_t allowed_uid_count;
    /* Groups whose members may, too; at shm:// only. */
    const uint32_t *allowed_gids;
    size_t allowed_gid_count;
    /* Methods that only some of the clients that may connect may call; others
     * get DENIED. Over tcp nobody may call them, since users are not known
     * there. Not copied: they must live until the last service is served. If a
     * method doesn't exist, serve returns NOT_FOUND. */
    const shmrpc_method_access *method_access;
    size_t method_access_count;
    /* Serves methods whose encoding is not meant for networks (native) at
     * tcp:// too. Without it a service with such methods can't be served
     * there. */
    bool force_insecure_serialisation;
    /* Compression of replies at tcp:// and unix://, for clients that can read
     * it; all clients of this library can. */
    shmrpc_compression compression;
    /* Up to 8 interceptors, ended by NULL, which see every call
     * (shmrpc/beside.h). They and what they point to must outlive the
     * server. */
    const struct shmrpc_interceptor *const *interceptors;
    /* Asked before each handler whether the call may run: anything but OK
     * refuses it, with the message in `error`. `token` is the value of the
     * caller's metadata "authorization"; NULL: there is none. */
    int (*authorize)(void *user, struct shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error);
    void *authorize_user;
    /* How many workers may be in calls with streams at a time, at each address;
     * 0: all but one, and at least one. Further such calls are EXHAUSTED. */
    uint32_t max_streams;
    /* Limits against overload (this one, client_rate and shed_after_ns; 0:
     * none). Calls beyond them are refused with EXHAUSTED and a time after
     * which to try again (retry_after_ns of the error). This one limits how
     * many calls of one connection run at once, at each address. */
    uint32_t client_calls;
    /* How long a handler waits for room while its client doesn't read the
     * stream; after that the client is EVICTED. 0: 60 s. */
    int64_t stream_stall_ns;
    /* How long a stopped server waits for streams and detached calls to end;
     * then sends and reads of handlers are CANCELLED, and the clients of these
     * streams get UNAVAILABLE. 0: 30 s. */
    int64_t stream_drain_ns;
    /* How many calls one connection may begin in a second, on average; after a
     * silence it may begin that many at once. */
    uint32_t client_rate;
    uint32_t reserved_too; /* 0 */
    /* A call that has waited longer than this for a worker is not run. */
    int64_t shed_after_ns;
    /* Called when a connection has ended from which calls have come (see
     * shmrpc_ctx_connection), or a peer of shmrpc-tcp has left. It runs on a
     * worker's thread, when no call of that connection is running. `user` is
     * that of the service. Not called for connections that end with the
     * server. */
    void (*disconnected)(void *user, uint64_t connection);
    /* How long a stream may be open; then sends and reads of its handler are
     * CANCELLED, and the client gets UNAVAILABLE after the items that were
     * sent. For services whose clients are to be spread over the workers again
     * now and then: a stream stays at its worker. 0: without limit. */
    int64_t max_stream_age_ns;
    uint64_t reserved[2]; /* 0; later members take its place */
} shmrpc_server_opts;

/* Makes a server that serves nothing yet. `opts` may be NULL; it is copied.
 * INVALID: an option out of range; NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_server_create(const shmrpc_server_opts *opts, shmrpc_server **out,
                     shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Serves until stopped. Clients find the service as soon as `<svc>_serve` has
 * returned, and wait in connect until run answers them. Returns OK after stop,
 * when the calls in progress have ended; calls that no worker had taken are
 * sent again by their clients, to the next server. PRECONDITION: nothing to
 * serve. */
SHMRPC_API shmrpc_status shmrpc_server_run(shmrpc_server *server,
                                           shmrpc_error *error);

/* Makes run return; before run, makes it return at once. Async-signal-safe. */
SHMRPC_API void shmrpc_server_stop(shmrpc_server *server);

/* Closes all connections and frees everything. Must not be called before run
 * has returned. NULL is fine. */
SHMRPC_API void shmrpc_server_destroy(shmrpc_server *server);

/*
 * The context of a call, given to its handler and valid until it returns; or
 * until the call is answered, see shmrpc_ctx_detach. One thread at a time.
 */
typedef struct shmrpc_ctx shmrpc_ctx;

/* The caller. */
typedef struct shmrpc_peer {
    uint32_t uid;
    uint32_t gid;
    int32_t pid;           /* as the server sees it; 0 when unknown */
    const char *transport; /* "shm", "inproc", "tcp", "unix" */
    /* For logs: the address that it connected to; over tcp its own address,
     * since nothing else is known about it: its ids are UINT32_MAX then. */
    const char *address;
    const uint32_t *groups; /* its supplementary groups; the first 32, over shm
                             * only */
    size_t group_count;
    /* At tls://, the subject of its certificate: "CN=alice,O=Example" (RFC
     * 2253, the first 255 bytes). NULL: it presented none. */
    const char *subject;
} shmrpc_peer;

/* Memory that lives until the reply has been sent: for results. NULL when it
 * is exhausted: return SHMRPC_E_NO_MEMORY then. Not cleared. */
SHMRPC_API void *shmrpc_ctx_alloc(shmrpc_ctx *ctx, size_t size, size_t align);

/*
 * Text in that memory, for results, followed by a NUL:
 *
 *     return shmrpc_ctx_printf(ctx, ret, "%d pages", count);
 *
 * OK, or NO_MEMORY, and then `*ret` stays as it was. A result must be UTF-8;
 * that is checked when it is sent.
 */
/* A copy of a C string; NULL gives the empty text. */
SHMRPC_API int shmrpc_ctx_str(shmrpc_ctx *ctx, shmrpc_str *ret,
                              const char *text) SHMRPC_WARN_UNUSED;
/* A copy of `len` bytes; `text` may be NULL when there are none. */
SHMRPC_API int shmrpc_ctx_copy(shmrpc_ctx *ctx, shmrpc_str *ret,
                               const void *text, size_t len) SHMRPC_WARN_UNUSED;
/* Formatted as by printf; of any length. INVALID: printf fails. */
SHMRPC_API int shmrpc_ctx_printf(shmrpc_ctx *ctx, shmrpc_str *ret,
                                 const char *format, ...)
    SHMRPC_PRINTF(3, 4) SHMRPC_WARN_UNUSED;

/*
 * Lends the `size` bytes in which the reply of a raw method will be sent, so
 * that it need not be copied: write them, and return all of them or fewer, from
 * the beginning. They are not cleared. Don't read them: a malicious client can
 * write there too, or make them overlap the parameter. Once for each call; a
 * handler that returns other bytes, or fails, need not give them back. NULL: it
 * was called before in this call, the method is not raw, the call is detached,
 * or there is no memory (shmrpc_ctx_alloc may still have some).
 */
SHMRPC_API void *shmrpc_ctx_loan(shmrpc_ctx *ctx, size_t size);

/* Time left until the caller's deadline; 0 when it has passed. */
SHMRPC_API int64_t shmrpc_ctx_remaining_ns(const shmrpc_ctx *ctx);

/* Whether nobody waits for the result any more: the caller has cancelled, its
 * deadline has passed, or it has died. A handler that runs long should check
 * this now and then. */
SHMRPC_API bool shmrpc_ctx_cancelled(const shmrpc_ctx *ctx);

/* Whether this worker will exit after its calls, because there are too many
 * workers, it is being replaced, or the server is stopping. A handler with a
 * long stream should end it at the next suitable place, so that its client
 * opens it again at another worker. After `stream_drain` (30 s) its sends and
 * reads are CANCELLED, also those that wait, and the client gets UNAVAILABLE. A
 * handler that neither sends nor reads goes on: a server of threads waits for
 * it, a supervisor kills its process. Any thread. */
SHMRPC_API bool shmrpc_ctx_draining(const shmrpc_ctx *ctx);

SHMRPC_API const shmrpc_peer *shmrpc_ctx_peer(const shmrpc_ctx *ctx);

/* A number, never 0, that identifies the connection: the same for all of its
 * calls, in every worker, and never reused for another connection at this
 * address. A client that reconnects gets another number. Each peer of
 * shmrpc-tcp has its own. */
SHMRPC_API uint64_t shmrpc_ctx_connection(const shmrpc_ctx *ctx);

/* Which method runs: its index in the service's table. For handlers that serve
 * several, as those of bindings do. */
SHMRPC_API uint32_t shmrpc_ctx_method(const shmrpc_ctx *ctx);

/* Sets the message that the caller's error object will show and returns
 * `status`: `return shmrpc_ctx_fail(ctx, SHMRPC_E_NOT_FOUND, "no %d", id);`.
 * For declared errors too. */
SHMRPC_API int shmrpc_ctx_fail(shmrpc_ctx *ctx, int status, const char *format,
                               ...) SHMRPC_PRINTF(3, 4);

/* The same with the status EXHAUSTED, which it returns, and the time after
 * which the caller may try again: `retry_after_ns` of its error. */
SHMRPC_API int shmrpc_ctx_refuse(shmrpc_ctx *ctx, int64_t retry_after_ns,
                                 const char *format, ...) SHMRPC_PRINTF(3, 4);

/* ---- detached calls ------------------------------------------------------
 */

/* How many calls of a worker may be detached at a time. */
#define SHMRPC_DETACHED_MAX 1024u

/*
 * Lets a handler return without an answer; another thread, or an event loop,
 * answers later. Meanwhile the worker is free for other calls.
 *
 *     int find(shmrpc_ctx *ctx, void *user, const query *q, result *ret)
 *     {
 *         shmrpc_ctx *call;
 *         int status = shmrpc_ctx_detach(ctx, &call);
 *         if (status == SHMRPC_DETACHED) {
 *             begin(user, call, q);    // which replies some time
 *         }
 *         return status;
 *     }
 *
 * SHMRPC_DETACHED, which the handler must return: `*out` is the call's own
 * context, until it is answered; the handler must no longer use `ctx` and
 * `ret`, even if the answer is given before it returns. Its parameters, and
 * memory from shmrpc_ctx_alloc, also live until the answer. Any other status:
 * nothing has changed, and the handler may return it. EXHAUSTED:
 * SHMRPC_DETACHED_MAX calls of this worker are detached and not answered yet;
 * NO_MEMORY; INVALID: the call is oneway, has streams, is detached already, or
 * its reply was lent (shmrpc_ctx_loan); this aborts checked programs
 * (shmrpc/async.h).
 *
 * Does not block. shmrpc_ctx_remaining_ns and shmrpc_ctx_cancelled show
 * deadline and cancellation; a call that nobody waits for any more must be
 * answered all the same. If the worker dies, the caller gets WORKER_DIED. A
 * stopped server, and a worker that is told to exit, wait up to stream_drain_ns
 * for the answers. The callers of unanswered calls then get ABORTED, and a
 * checked program aborts; in other programs a later answer does no harm, but
 * parameters and the peer are gone.
 */
SHMRPC_API int shmrpc_ctx_detach(shmrpc_ctx *ctx, shmrpc_ctx **out);

/*
 * Answers a detached call, once: as if its handler returned `status`, and if
 * that is OK, with `*result`, which has the type of the handler's `ret` (NULL
 * for a method without one). `call` is freed whatever this returns. OK: the
 * answer was sent (an error instead, if the result is out of its bounds);
 * CANCELLED: nobody waits for it any more; FORKED: in a forked child, where it
 * does nothing; INVALID: the call is not detached, or was answered already;
 * this aborts checked programs.
 *
 * Any thread. Never waits for the caller; the answers of one worker's calls are
 * sent one after the other. Generated code has a typed function for each
 * method, `<method>_answer`.
 */
SHMRPC_API int shmrpc_ctx_reply(shmrpc_ctx *call, int status,
                                const void *result);

/* Makes the thread of a detached stream call its step soon; `ctx` is the
 * context that is passed to steps. May be called on any thread until `drop` is
 * called. Does not block. */
SHMRPC_API void shmrpc_stream_wake(shmrpc_ctx *ctx);

/*
 * Functions that the main function of a generated server calls. Initialise it
 * with SHMRPC_HOOKS_INIT; any may stay NULL. `user` is the pointer that the
 * handlers get, too.
 *
 * Worker processes are forked from a process that has run `preload`, so they
 * share the memory that it has filled, as long as nobody writes to it. With
 * --workers=0 there is one process, which runs all hooks once.
 */
typedef struct shmrpc_hooks {
    size_t size; /* lets hooks be added without recompiling */
    /* Loads what all workers need, once, before the first call. Must leave no
     * thread running; files and connections that it opens are shared by all
     * workers. Anything but 0 ends the program with the message in `error`. */
    int (*preload)(void *user, shmrpc_error *error);
    /* In each worker before its first call: the place to start threads and to
     * open files and connections of its own. Anything but 0 ends the worker. */
    int (*start)(void *user, shmrpc_error *error);
    /* In each worker after its last call, unless it is killed. */
    void (*stop)(void *user);
    /* Around each fork, for language runtimes that must know of it, such as an
     * interpreter's. `before_fork` runs in the parent; `after_fork` in the
     * parent, with the pid of the child or -1, and in the child, with 0, before
     * anything else. The program first forks the process that preloads (and
     * another one if it dies); that process forks the workers. Not called with
     * --workers=0. */
    void (*before_fork)(void *user);
    void (*after_fork)(void *user, int32_t child_pid);
    uint32_t flags; /* SHMRPC_HOOKS_... */
    /* In each worker that has run calls of a connection, when that has ended.
     * This and the following as in shmrpc_server_opts. */
    void (*disconnected)(void *user, uint64_t connection);
    int (*authorize)(void *user, struct shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error);
    const struct shmrpc_interceptor *const *interceptors;
} shmrpc_hooks;

enum {
    /* Accepts threads that preload leaves running. They don't exist in the
     * workers, but the locks that they held stay locked there. */
    SHMRPC_HOOKS_ALLOW_THREADS = 1u << 0
};

#define SHMRPC_HOOKS_INIT                                                  \
    {                                                                      \
        sizeof(shmrpc_hooks), NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, \
            NULL                                                           \
    }

/* Call it before `<service>_main`, which uses the hooks; they are copied. */
SHMRPC_API void shmrpc_main_set_hooks(const shmrpc_hooks *hooks);

SHMRPC_END_DECLS

#endif
