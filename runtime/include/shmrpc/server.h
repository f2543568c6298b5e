/*
 * The server: runs the handlers of one or more services.
 *
 *     shmrpc_server *server;
 *     shmrpc_server_create(NULL, &server, &error);
 *     demo_echo_serve(server, &impl, user, &error);     // generated
 *     shmrpc_server_run(server, &error);                // until stopped
 *     shmrpc_server_destroy(server);
 *
 * Workers of such a server are threads. The main function that is generated for
 * programs which only serve has processes instead (--help tells).
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
    /* Methods that not everybody who may connect may call: DENIED. Over tcp,
     * where nobody is known, nobody may. Not copied: they are to live until the
     * last service is served. NOT_FOUND of serve: there is no such method. */
    const shmrpc_method_access *method_access;
    size_t method_access_count;
    /* Serve methods at tcp:// too whose encoding is not meant for networks
     * (native). Without it such a service does not start there. */
    bool force_insecure_serialisation;
    /* Of clients at tcp:// and unix:// that can read it; all of ours can. */
    shmrpc_compression compression;
    /* Up to 8 interceptors, ended by NULL, which see every call
     * (shmrpc/beside.h). They and what they point to outlive the server. */
    const struct shmrpc_interceptor *const *interceptors;
    /* Asked before each handler whether the call may run: anything but OK
     * refuses it, with the message in `error`. `token` is the value of the
     * caller's metadata "authorization"; NULL: there is none. */
    int (*authorize)(void *user, struct shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error);
    void *authorize_user;
    /* Workers that may be in calls with streams at a time, at each address; 0:
     * all but one, and at least one. One more is EXHAUSTED. */
    uint32_t max_streams;
    /* Against overload, which is refused with EXHAUSTED and a time after which
     * to try again (retry_after_ns of the error); 0: no limit. Calls of one
     * connection that run at once, at each address. */
    uint32_t client_calls;
    /* A client that does not read for so long, while a handler waits for room,
     * is EVICTED; 0: 60 s. */
    int64_t stream_stall_ns;
    /* How long a server that was stopped waits for streams and detached calls;
     * 0: 30 s. */
    int64_t stream_drain_ns;
    /* Those that one connection may begin in a second; who was silent may begin
     * a second's at once. */
    uint32_t client_rate;
    uint32_t reserved_too; /* 0 */
    /* A call that has waited for a worker for longer is not begun. */
    int64_t shed_after_ns;
    /* A connection is gone, from which calls have come (see
     * shmrpc_ctx_connection), or a peer of shmrpc-tcp: on a thread that runs
     * handlers, none of whom is in a call of it. `user` is that of the service.
     * Not for connections that end with the server. */
    void (*disconnected)(void *user, uint64_t connection);
    uint64_t reserved[3]; /* 0; later members take its place */
} shmrpc_server_opts;

/* Makes a server that serves nothing yet. `opts` may be NULL; it is copied.
 * INVALID: an option out of range; NO_MEMORY. */
SHMRPC_API shmrpc_status
shmrpc_server_create(const shmrpc_server_opts *opts, shmrpc_server **out,
                     shmrpc_error *error) SHMRPC_WARN_UNUSED;

/* Serves until stopped. Clients find the service from the moment `<svc>_serve`
 * has returned, and wait in connect until run answers them. Returns OK after
 * stop, when the calls in progress have ended; calls that no worker had taken
 * are sent again by their clients, to whoever serves next. PRECONDITION:
 * nothing to serve. */
SHMRPC_API shmrpc_status shmrpc_server_run(shmrpc_server *server,
                                           shmrpc_error *error);

/* Makes run return; before run, makes it return at once. Async-signal-safe. */
SHMRPC_API void shmrpc_server_stop(shmrpc_server *server);

/* Closes all connections and frees everything. Not while run runs. NULL is
 * fine. */
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
    /* For logs: where it connected to; over tcp where it is, as nothing else is
     * known of it: its ids are UINT32_MAX then. */
    const char *address;
    const uint32_t *groups; /* others that it is in; the first 32, over shm */
    size_t group_count;
    /* At tls://, of the certificate that it showed: "CN=alice,O=Example" (RFC
     * 2253, the first 255 bytes). NULL: it showed none. */
    const char *subject;
} shmrpc_peer;

/* Memory that lives until the reply has been sent: for results. NULL when it
 * is exhausted: return SHMRPC_E_NO_MEMORY then. Not cleared. */
SHMRPC_API void *shmrpc_ctx_alloc(shmrpc_ctx *ctx, size_t size, size_t align);

/*
 * Text in that memory, for results, with a NUL behind it:
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
 * The `size` bytes in which the reply of a raw method will be sent, for a
 * handler that makes it there instead of having it copied: write them, and
 * return as many or fewer of them, from the beginning. Not cleared, and not for
 * reading: a client that lies can write there too, or have put them where the
 * parameter is. Once for each call; a handler that returns other bytes, or
 * fails, need not give them back. NULL: it was asked for before, the method is
 * not raw, the call is detached, or there is no memory (shmrpc_ctx_alloc may
 * have some still).
 */
SHMRPC_API void *shmrpc_ctx_loan(shmrpc_ctx *ctx, size_t size);

/* Time left until the caller's deadline; 0 when it has passed. */
SHMRPC_API int64_t shmrpc_ctx_remaining_ns(const shmrpc_ctx *ctx);

/* Whether nobody waits for the result any more: the caller has cancelled, has
 * passed its deadline, or has died. A handler that runs long asks now and
 * then. */
SHMRPC_API bool shmrpc_ctx_cancelled(const shmrpc_ctx *ctx);

/* Whether this worker is to leave after its calls, as one worker too many, to
 * be replaced, or because the server ends: a long stream does well to end at
 * the next good place, so that its client opens it at another worker. After
 * `stream_drain` (30 s) its sends and reads are CANCELLED, and the client gets
 * UNAVAILABLE. Any thread. */
SHMRPC_API bool shmrpc_ctx_draining(const shmrpc_ctx *ctx);

SHMRPC_API const shmrpc_peer *shmrpc_ctx_peer(const shmrpc_ctx *ctx);

/* A number, never 0, that identifies the connection: the same for all of its
 * calls, in every worker, and never used for another one at this address, not
 * even later. A client that reconnects gets another. Behind shmrpc-tcp it is
 * the peer's own. */
SHMRPC_API uint64_t shmrpc_ctx_connection(const shmrpc_ctx *ctx);

/* Which method runs: its index in the service's table. For handlers that serve
 * several, as those of bindings do. */
SHMRPC_API uint32_t shmrpc_ctx_method(const shmrpc_ctx *ctx);

/* Sets the message that the caller's error object will show and returns
 * `status`: `return shmrpc_ctx_fail(ctx, SHMRPC_E_NOT_FOUND, "no %d", id);`.
 * For declared errors too. */
SHMRPC_API int shmrpc_ctx_fail(shmrpc_ctx *ctx, int status, const char *format,
                               ...) SHMRPC_PRINTF(3, 4);

/* The same with EXHAUSTED, which it returns, and after how long the caller may
 * try again: `retry_after_ns` of its error. */
SHMRPC_API int shmrpc_ctx_refuse(shmrpc_ctx *ctx, int64_t retry_after_ns,
                                 const char *format, ...) SHMRPC_PRINTF(3, 4);

/* ---- detached calls ------------------------------------------------------
 */

/* Calls of a worker that may be detached at a time. */
#define SHMRPC_DETACHED_MAX 1024u

/*
 * Lets a handler return without an answer, which another thread, or an event
 * loop, gives later. So a worker is free for other calls meanwhile.
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
 * SHMRPC_DETACHED, which the handler is to return: `*out` is the call's own
 * context, until it is answered; the handler must use `ctx` and `ret` no more,
 * even if the answer is given before it returns. Its parameters, and memory
 * from shmrpc_ctx_alloc, live until the answer too. Another status: nothing
 * has changed, and the handler may return it. EXHAUSTED: this worker has
 * SHMRPC_DETACHED_MAX such calls that are not answered; NO_MEMORY; INVALID: the
 * call is oneway, has streams, was detached or has lent its reply, which ends
 * checked programs with a sentence.
 *
 * Does not block. Deadline and cancellation are seen by shmrpc_ctx_remaining_ns
 * and shmrpc_ctx_cancelled; a call that nobody waits for any more is to be
 * answered all the same. If the worker dies, the caller gets WORKER_DIED. A
 * server that is stopped, and a worker that is to leave, wait for the answers
 * for stream_drain_ns; the callers of those that are missing get ABORTED,
 * checked programs end with a sentence, and in others the answers are harmless
 * still; but parameters and the peer are gone then.
 */
SHMRPC_API int shmrpc_ctx_detach(shmrpc_ctx *ctx, shmrpc_ctx **out);

/*
 * Answers a detached call, once: as if its handler returned `status`, with
 * `*result`, of the type that the handler has `ret` for, if that is OK (NULL
 * for a method without). `call` is gone, whatever this returns: OK: it was
 * sent, if only the news that the result is out of its bounds; CANCELLED:
 * nobody waits for it any more; FORKED: in a forked child, where nothing
 * happens; INVALID: the call is not detached, or was answered, which ends
 * checked programs with a sentence.
 *
 * Any thread. Never waits for the caller; answers of one worker's calls are
 * sent one after the other. Generated code has a function for each method that
 * knows its type, `<method>_answer`.
 */
SHMRPC_API int shmrpc_ctx_reply(shmrpc_ctx *call, int status,
                                const void *result);

/* Makes the thread of a detached stream call its step soon; `ctx` is the
 * context that steps get. Any thread, until its `drop` is called. Does not
 * block. */
SHMRPC_API void shmrpc_stream_wake(shmrpc_ctx *ctx);

/*
 * What the main function of a generated server does besides serving. Begins
 * with SHMRPC_HOOKS_INIT; those that stay NULL are left out. `user` is what the
 * handlers get, too.
 *
 * Workers are processes that are forked from one that has run `preload`, so
 * that they share the memory that it has filled, as long as nobody writes to
 * it. With --workers=0 there is one process, which runs all hooks once.
 */
typedef struct shmrpc_hooks {
    size_t size; /* lets hooks be added without recompiling */
    /* Loads what all workers need, once, before anyone can call. Must leave no
     * thread behind; files and connections that it opens are shared by all
     * workers. Anything but 0 ends the program with the message that it has
     * set. */
    int (*preload)(void *user, shmrpc_error *error);
    /* In each worker before its first call: threads, files and connections
     * of its own. Anything but 0 ends the worker. */
    int (*start)(void *user, shmrpc_error *error);
    /* In each worker after its last call, unless it is killed. */
    void (*stop)(void *user);
    /* Around each fork, for runtimes that must be told, such as an interpreter:
     * before it in the process that forks; after it in that one, with the pid
     * of the child or -1, and in the child, with 0, before anything else. First
     * the program forks the process that preloads, and later another one if
     * that dies; that one forks the workers. Not with --workers=0. */
    void (*before_fork)(void *user);
    void (*after_fork)(void *user, int32_t child_pid);
    uint32_t flags; /* SHMRPC_HOOKS_... */
    /* In each worker that has run calls of a connection, when that is gone; as
     * of shmrpc_server_opts, as is the rest. */
    void (*disconnected)(void *user, uint64_t connection);
    int (*authorize)(void *user, struct shmrpc_ctx *ctx, const char *method,
                     const char *token, shmrpc_error *error);
    const struct shmrpc_interceptor *const *interceptors;
} shmrpc_hooks;

enum {
    /* Accepts threads that preload leaves behind. Workers lack them, but
     * inherit the locks that they held. */
    SHMRPC_HOOKS_ALLOW_THREADS = 1u << 0
};

#define SHMRPC_HOOKS_INIT                                                  \
    {                                                                      \
        sizeof(shmrpc_hooks), NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, \
            NULL                                                           \
    }

/* To be called before `<service>_main`, which will use them; copied. */
SHMRPC_API void shmrpc_main_set_hooks(const shmrpc_hooks *hooks);

SHMRPC_END_DECLS

#endif
