/*
 * Clients of echo.svc, made by shmrpcgen: edit that file instead.
 *
 * Functions return 0, a negative shmrpc_status, or 100 and up, an error that
 * the service declares; results are written only on 0, and `error`, which may
 * be NULL, only otherwise.  Where errors carry details, a reply comes with each
 * declared error too.
 * What you pass in is borrowed until the call returns; nothing here frees a
 * pointer that you made.  Calls block until they end or their deadline passes;
 * `opts` may be NULL.
 * Forms that do not block, ..._start and ..._async, are explained in
 * <shmrpc/async.h>.
 * Threading: any thread may use a client.
 */
#ifndef DEMO_ECHO_CLIENT_H
#define DEMO_ECHO_CLIENT_H

#include <shmrpc/async.h>
#include <shmrpc/client.h>
#include <shmrpc/error.h>
#include <shmrpc/options.h>

#include "echo.h"

SHMRPC_BEGIN_DECLS

/*
 * The smallest service: one method per encoding.
 *
 * A connection to the service "echo_serv".
 */
typedef struct demo_echo demo_echo;

/* Connects to `where`, one or more addresses separated by commas; NULL is this
 * machine. `defaults`, which may be NULL, also applies to the calls. Blocks for
 * 5 s at most. UNAVAILABLE: nobody serves there; CONTRACT: the server's
 * interface differs. Close the client when done. */
int demo_echo_connect(const char *where, const shmrpc_opts *defaults,
                      demo_echo **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Pending callbacks are called
 * first, with SHMRPC_E_CANCELLED. Replies stay valid. NULL is fine. */
void demo_echo_close(demo_echo *client);

/* Reads the client's counters: how often it has reconnected, and sent calls
 * again. */
void demo_echo_read_stats(const demo_echo *client, shmrpc_client_stats *out);

/* A descriptor that is readable when demo_echo_dispatch has something to do:
 * for poll, epoll and event loops. It belongs to the client and stays the same
 * until close. Negative: a shmrpc_status. */
int demo_echo_fd(demo_echo *client);

/* Calls, on this thread, the callbacks of the calls that are over; returns how
 * many.  Does not block. */
int demo_echo_dispatch(demo_echo *client);

/* The reply of echo_json: read-only, and yours until you release it. */
typedef struct demo_echo_echo_json_reply {
    shmrpc_any value;
} demo_echo_echo_json_reply;

/*
 * Returns its argument unchanged (any JSON value).
 *
 * Deadline: the connection's, or that of `opts`.  Release `*out` with
 * demo_echo_echo_json_release.
 */
int demo_echo_echo_json(demo_echo *client, const shmrpc_any *data,
                        const shmrpc_opts *opts,
                        const demo_echo_echo_json_reply **out,
                        shmrpc_error *error);

/* Frees the reply. Any thread, also after close. NULL is fine. */
void demo_echo_echo_json_release(const demo_echo_echo_json_reply *reply);

/* Starts echo_json and returns `*out`, which demo_echo_echo_json_finish
 * ends. */
int demo_echo_echo_json_start(demo_echo *client, const shmrpc_any *data,
                              const shmrpc_opts *opts, shmrpc_call **out,
                              shmrpc_error *error);

/* Waits for a call that demo_echo_echo_json_start returned, and ends it: as
 * demo_echo_echo_json does. */
int demo_echo_echo_json_finish(shmrpc_call *call,
                               const demo_echo_echo_json_reply **out,
                               shmrpc_error *error);

/* How a call of echo_json has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*demo_echo_echo_json_fn)(void *user, int status,
                                       const demo_echo_echo_json_reply *reply,
                                       const shmrpc_error *error);

/* Starts echo_json; demo_echo_dispatch calls `done` when it is over.  `out`,
 * which may be NULL, is for cancelling. */
int demo_echo_echo_json_async(demo_echo *client, const shmrpc_any *data,
                              const shmrpc_opts *opts, shmrpc_call **out,
                              shmrpc_error *error, demo_echo_echo_json_fn done,
                              void *user);

/* The reply of echo_msgpack: read-only, and yours until you release it. */
typedef struct demo_echo_echo_msgpack_reply {
    shmrpc_any value;
} demo_echo_echo_msgpack_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * demo_echo_echo_msgpack_release. */
int demo_echo_echo_msgpack(demo_echo *client, const shmrpc_any *data,
                           const shmrpc_opts *opts,
                           const demo_echo_echo_msgpack_reply **out,
                           shmrpc_error *error);

/* Frees the reply. Any thread, also after close. NULL is fine. */
void demo_echo_echo_msgpack_release(const demo_echo_echo_msgpack_reply *reply);

/* Starts echo_msgpack and returns `*out`, which demo_echo_echo_msgpack_finish
 * ends. */
int demo_echo_echo_msgpack_start(demo_echo *client, const shmrpc_any *data,
                                 const shmrpc_opts *opts, shmrpc_call **out,
                                 shmrpc_error *error);

/* Waits for a call that demo_echo_echo_msgpack_start returned, and ends it: as
 * demo_echo_echo_msgpack does. */
int demo_echo_echo_msgpack_finish(shmrpc_call *call,
                                  const demo_echo_echo_msgpack_reply **out,
                                  shmrpc_error *error);

/* How a call of echo_msgpack has ended.  `reply`, unless NULL, is yours until
 * you release it; `error` is filled unless `status` is 0. */
typedef void (*demo_echo_echo_msgpack_fn)(
    void *user, int status, const demo_echo_echo_msgpack_reply *reply,
    const shmrpc_error *error);

/* Starts echo_msgpack; demo_echo_dispatch calls `done` when it is over.  `out`,
 * which may be NULL, is for cancelling. */
int demo_echo_echo_msgpack_async(demo_echo *client, const shmrpc_any *data,
                                 const shmrpc_opts *opts, shmrpc_call **out,
                                 shmrpc_error *error,
                                 demo_echo_echo_msgpack_fn done, void *user);

/* The reply of echo_raw: read-only, and yours until you release it. */
typedef struct demo_echo_echo_raw_reply {
    shmrpc_bytes value;
} demo_echo_echo_raw_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * demo_echo_echo_raw_release. */
int demo_echo_echo_raw(demo_echo *client, shmrpc_bytes data,
                       const shmrpc_opts *opts,
                       const demo_echo_echo_raw_reply **out,
                       shmrpc_error *error);

/* Frees the reply. Any thread, also after close. NULL is fine. */
void demo_echo_echo_raw_release(const demo_echo_echo_raw_reply *reply);

/* Starts echo_raw and returns `*out`, which demo_echo_echo_raw_finish ends. */
int demo_echo_echo_raw_start(demo_echo *client, shmrpc_bytes data,
                             const shmrpc_opts *opts, shmrpc_call **out,
                             shmrpc_error *error);

/* Lends the `len` bytes in which a request of echo_raw will be sent: fill them,
 * from `*at` on, then send `*out`, or release it. The deadline runs from now
 * on. */
int demo_echo_echo_raw_loan(demo_echo *client, size_t len,
                            const shmrpc_opts *opts, uint8_t **at,
                            shmrpc_call **out, shmrpc_error *error);

/* Sends a loan of demo_echo_echo_raw_loan; demo_echo_echo_raw_finish ends the
 * call. On failure the call is over, except on SHMRPC_E_INVALID: there is no
 * such loan. */
int demo_echo_echo_raw_send(shmrpc_call *call, shmrpc_error *error);

/* Waits for a call that demo_echo_echo_raw_start returned, and ends it: as
 * demo_echo_echo_raw does. */
int demo_echo_echo_raw_finish(shmrpc_call *call,
                              const demo_echo_echo_raw_reply **out,
                              shmrpc_error *error);

/* How a call of echo_raw has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*demo_echo_echo_raw_fn)(void *user, int status,
                                      const demo_echo_echo_raw_reply *reply,
                                      const shmrpc_error *error);

/* Starts echo_raw; demo_echo_dispatch calls `done` when it is over.  `out`,
 * which may be NULL, is for cancelling. */
int demo_echo_echo_raw_async(demo_echo *client, shmrpc_bytes data,
                             const shmrpc_opts *opts, shmrpc_call **out,
                             shmrpc_error *error, demo_echo_echo_raw_fn done,
                             void *user);

/* Deadline: the connection's, or that of `opts`.  May return
 * DEMO_ERR_OVERFLOW. */
int demo_echo_add(demo_echo *client, int64_t a, int64_t b,
                  const shmrpc_opts *opts, int64_t *out, shmrpc_error *error);

/* Starts add and returns `*out`, which demo_echo_add_finish ends. */
int demo_echo_add_start(demo_echo *client, int64_t a, int64_t b,
                        const shmrpc_opts *opts, shmrpc_call **out,
                        shmrpc_error *error);

/* Waits for a call that demo_echo_add_start returned, and ends it: as
 * demo_echo_add does. */
int demo_echo_add_finish(shmrpc_call *call, int64_t *out, shmrpc_error *error);

/* How a call of add has ended.  `value` lives until it returns, and is NULL
 * unless `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*demo_echo_add_fn)(void *user, int status, const int64_t *value,
                                 const shmrpc_error *error);

/* Starts add; demo_echo_dispatch calls `done` when it is over.  `out`, which
 * may be NULL, is for cancelling. */
int demo_echo_add_async(demo_echo *client, int64_t a, int64_t b,
                        const shmrpc_opts *opts, shmrpc_call **out,
                        shmrpc_error *error, demo_echo_add_fn done, void *user);

SHMRPC_END_DECLS

#endif
