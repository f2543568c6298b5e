/*
 * Clients of echo.svc, made by shmrpcgen: edit that file instead.
 *
 * Functions return 0, a negative shmrpc_status, or the number (100 or more) of
 * an error that the service declares.  A function that returns 0 writes its
 * results.  A function that returns anything else writes `error`, unless that
 * is NULL.  If errors of a method have details, a reply is also returned with
 * each declared error.
 * Arguments are borrowed until the call returns; no function here frees memory
 * of the caller.  Calls block until they end or their deadline passes; `opts`
 * may be NULL.
 * <shmrpc/async.h> explains the functions that do not block, ..._start and
 * ..._async.
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

/* Connects to `where`, one or more addresses separated by commas; NULL means
 * this machine. `defaults`, which may be NULL, also applies to the calls.
 * Blocks for at most 5 s. Returns UNAVAILABLE if no server listens there, or
 * CONTRACT if the server's interface is incompatible. Close the client when
 * done. */
int demo_echo_connect(const char *where, const shmrpc_opts *defaults,
                      demo_echo **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Pending callbacks are called
 * first, with SHMRPC_E_CANCELLED. Replies stay valid. NULL is allowed. */
void demo_echo_close(demo_echo *client);

/* Reads the client's counters: how often it has reconnected, and how often it
 * has resent calls. */
void demo_echo_read_stats(const demo_echo *client, shmrpc_client_stats *out);

/* Returns a file descriptor for poll, epoll and event loops, which is readable
 * when demo_echo_dispatch has something to do. It belongs to the client and
 * stays the same until close. On failure returns a negative shmrpc_status. */
int demo_echo_fd(demo_echo *client);

/* Calls the callbacks of finished calls on this thread, and returns their
 * number.  Does not block. */
int demo_echo_dispatch(demo_echo *client);

/* The reply of echo_json. It is read-only and valid until you release it. */
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

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void demo_echo_echo_json_release(const demo_echo_echo_json_reply *reply);

/* Starts a call of echo_json and returns it in `*out`; end it with
 * demo_echo_echo_json_finish. */
int demo_echo_echo_json_start(demo_echo *client, const shmrpc_any *data,
                              const shmrpc_opts *opts, shmrpc_call **out,
                              shmrpc_error *error);

/* Waits for the result of a call that demo_echo_echo_json_start returned, and
 * ends the call. Returns what demo_echo_echo_json would. */
int demo_echo_echo_json_finish(shmrpc_call *call,
                               const demo_echo_echo_json_reply **out,
                               shmrpc_error *error);

/* The callback at the end of a call of echo_json; `status` is what
 * demo_echo_echo_json would return.  `reply`, unless NULL, is valid until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*demo_echo_echo_json_fn)(void *user, int status,
                                       const demo_echo_echo_json_reply *reply,
                                       const shmrpc_error *error);

/* Starts a call of echo_json; demo_echo_dispatch calls `done` when it is over.
 * `*out` is for cancelling the call; `out` may be NULL. */
int demo_echo_echo_json_async(demo_echo *client, const shmrpc_any *data,
                              const shmrpc_opts *opts, shmrpc_call **out,
                              shmrpc_error *error, demo_echo_echo_json_fn done,
                              void *user);

/* The reply of echo_msgpack. It is read-only and valid until you release it. */
typedef struct demo_echo_echo_msgpack_reply {
    shmrpc_any value;
} demo_echo_echo_msgpack_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * demo_echo_echo_msgpack_release. */
int demo_echo_echo_msgpack(demo_echo *client, const shmrpc_any *data,
                           const shmrpc_opts *opts,
                           const demo_echo_echo_msgpack_reply **out,
                           shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void demo_echo_echo_msgpack_release(const demo_echo_echo_msgpack_reply *reply);

/* Starts a call of echo_msgpack and returns it in `*out`; end it with
 * demo_echo_echo_msgpack_finish. */
int demo_echo_echo_msgpack_start(demo_echo *client, const shmrpc_any *data,
                                 const shmrpc_opts *opts, shmrpc_call **out,
                                 shmrpc_error *error);

/* Waits for the result of a call that demo_echo_echo_msgpack_start returned,
 * and ends the call. Returns what demo_echo_echo_msgpack would. */
int demo_echo_echo_msgpack_finish(shmrpc_call *call,
                                  const demo_echo_echo_msgpack_reply **out,
                                  shmrpc_error *error);

/* The callback at the end of a call of echo_msgpack; `status` is what
 * demo_echo_echo_msgpack would return.  `reply`, unless NULL, is valid until
 * you release it; `error` is filled unless `status` is 0. */
typedef void (*demo_echo_echo_msgpack_fn)(
    void *user, int status, const demo_echo_echo_msgpack_reply *reply,
    const shmrpc_error *error);

/* Starts a call of echo_msgpack; demo_echo_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int demo_echo_echo_msgpack_async(demo_echo *client, const shmrpc_any *data,
                                 const shmrpc_opts *opts, shmrpc_call **out,
                                 shmrpc_error *error,
                                 demo_echo_echo_msgpack_fn done, void *user);

/* The reply of echo_raw. It is read-only and valid until you release it. */
typedef struct demo_echo_echo_raw_reply {
    shmrpc_bytes value;
} demo_echo_echo_raw_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * demo_echo_echo_raw_release. */
int demo_echo_echo_raw(demo_echo *client, shmrpc_bytes data,
                       const shmrpc_opts *opts,
                       const demo_echo_echo_raw_reply **out,
                       shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void demo_echo_echo_raw_release(const demo_echo_echo_raw_reply *reply);

/* Starts a call of echo_raw and returns it in `*out`; end it with
 * demo_echo_echo_raw_finish. */
int demo_echo_echo_raw_start(demo_echo *client, shmrpc_bytes data,
                             const shmrpc_opts *opts, shmrpc_call **out,
                             shmrpc_error *error);

/* Lends the `len` bytes at `*at`, in which a request of echo_raw will be sent.
 * Fill them, then send the call `*out` or release it. The deadline starts
 * now. */
int demo_echo_echo_raw_loan(demo_echo *client, size_t len,
                            const shmrpc_opts *opts, uint8_t **at,
                            shmrpc_call **out, shmrpc_error *error);

/* Sends a call of demo_echo_echo_raw_loan; end it with
 * demo_echo_echo_raw_finish. After a failure the call is over, unless
 * SHMRPC_E_INVALID was returned because `call` is not such a loan. */
int demo_echo_echo_raw_send(shmrpc_call *call, shmrpc_error *error);

/* Waits for the result of a call that demo_echo_echo_raw_start returned, and
 * ends the call. Returns what demo_echo_echo_raw would. */
int demo_echo_echo_raw_finish(shmrpc_call *call,
                              const demo_echo_echo_raw_reply **out,
                              shmrpc_error *error);

/* The callback at the end of a call of echo_raw; `status` is what
 * demo_echo_echo_raw would return.  `reply`, unless NULL, is valid until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*demo_echo_echo_raw_fn)(void *user, int status,
                                      const demo_echo_echo_raw_reply *reply,
                                      const shmrpc_error *error);

/* Starts a call of echo_raw; demo_echo_dispatch calls `done` when it is over.
 * `*out` is for cancelling the call; `out` may be NULL. */
int demo_echo_echo_raw_async(demo_echo *client, shmrpc_bytes data,
                             const shmrpc_opts *opts, shmrpc_call **out,
                             shmrpc_error *error, demo_echo_echo_raw_fn done,
                             void *user);

/* Deadline: the connection's, or that of `opts`.  May return
 * DEMO_ERR_OVERFLOW. */
int demo_echo_add(demo_echo *client, int64_t a, int64_t b,
                  const shmrpc_opts *opts, int64_t *out, shmrpc_error *error);

/* Starts a call of add and returns it in `*out`; end it with
 * demo_echo_add_finish. */
int demo_echo_add_start(demo_echo *client, int64_t a, int64_t b,
                        const shmrpc_opts *opts, shmrpc_call **out,
                        shmrpc_error *error);

/* Waits for the result of a call that demo_echo_add_start returned, and ends
 * the call. Returns what demo_echo_add would. */
int demo_echo_add_finish(shmrpc_call *call, int64_t *out, shmrpc_error *error);

/* The callback at the end of a call of add; `status` is what demo_echo_add
 * would return.  `value` is valid until the callback returns, and NULL unless
 * `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*demo_echo_add_fn)(void *user, int status, const int64_t *value,
                                 const shmrpc_error *error);

/* Starts a call of add; demo_echo_dispatch calls `done` when it is over.
 * `*out` is for cancelling the call; `out` may be NULL. */
int demo_echo_add_async(demo_echo *client, int64_t a, int64_t b,
                        const shmrpc_opts *opts, shmrpc_call **out,
                        shmrpc_error *error, demo_echo_add_fn done, void *user);

SHMRPC_END_DECLS

#endif
