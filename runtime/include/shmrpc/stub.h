/*
 * Functions that generated code calls. Programs use the functions in the
 * generated headers, which say what they do and return.
 *
 * Threading: a client may be used by many threads at once.
 */
#ifndef SHMRPC_STUB_H
#define SHMRPC_STUB_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/async.h"
#include "shmrpc/client.h"
#include "shmrpc/descriptor.h"
#include "shmrpc/error.h"
#include "shmrpc/fault.h"
#include "shmrpc/options.h"
#include "shmrpc/platform.h"
#include "shmrpc/server.h"

SHMRPC_BEGIN_DECLS

/* A connection. Generated clients are pointers to it under another name. */
typedef struct shmrpc_client shmrpc_client;

/*
 * Connects to `service` at `where`: one or more addresses, separated by commas,
 * tried in order; NULL or "" means "shm://". Blocks until the deadline in
 * `defaults` (which also has the defaults of the calls), at most 5 s. Compares
 * the method tables of both sides. If nobody answers at an address, tries the
 * next one; any other failure ends the attempt.
 *
 * Returns UNAVAILABLE if nobody listens (the error says where it looked);
 * DEADLINE if somebody listens, but does not answer; CONTRACT if the interfaces
 * differ (the error names the method and the difference); DENIED or EXHAUSTED
 * if the server refuses; INVALID if `where` is malformed; UNIMPLEMENTED if the
 * transport is not built in.
 */
SHMRPC_API int shmrpc_stub_connect(const shmrpc_service *service,
                                   const char *where,
                                   const shmrpc_opts *defaults,
                                   shmrpc_client **out, shmrpc_error *error);

/* Closes the connection; calls in progress on other threads must have ended.
 * Pending callbacks are called with CANCELLED. Calls that were started and not
 * finished are cancelled and freed. Replies stay valid. NULL is fine. */
SHMRPC_API void shmrpc_stub_close(shmrpc_client *client);

/* Calls method number `method` (its index in the service's table) and writes a
 * fixed-size result to `result` (NULL for methods without one). Blocks until
 * the deadline. runtime/rpc/README.md says what each status means for the call.
 * A call of a oneway method returns when it has been sent. */
SHMRPC_API int shmrpc_stub_call(shmrpc_client *client, uint32_t method,
                                const void *params, const shmrpc_opts *opts,
                                void *result, shmrpc_error *error);

/* Like shmrpc_stub_call, for methods that throw errors with payload, and for
 * results of any size: `*reply` points to a value of the method's result type
 * and must be released. It is written on OK. If the method throws an error with
 * payload, it is also written when the call ends in any declared error; with
 * SHMRPC_OPT_FAULTS also when the call ends in a fault. The value is all zeros
 * then. Also returns DATA_LOSS if a payload can't be decoded. */
SHMRPC_API int shmrpc_stub_call_reply(shmrpc_client *client, uint32_t method,
                                      const void *params,
                                      const shmrpc_opts *opts,
                                      const void **reply, shmrpc_error *error);

/* Returns the payload of the error `type`, if the call that returned `reply`
 * ended in that error and the server sent a payload; else NULL. It lives as
 * long as the reply, which may be NULL. */
SHMRPC_API const void *shmrpc_stub_payload(const void *reply,
                                           const shmrpc_error_type *type);

/* Like shmrpc_stub_call, but a failed call may return a reply, which must be
 * released: if the method throws an error with payload, or if the call ended in
 * a fault (shmrpc/fault.h). Otherwise `*reply` is left unchanged. */
SHMRPC_API int shmrpc_stub_call_fault(shmrpc_client *client, uint32_t method,
                                      const void *params,
                                      const shmrpc_opts *opts, void *result,
                                      const void **reply, shmrpc_error *error);

/* Frees a reply. NULL is fine. May be called from any thread, also after close,
 * but only once: shmrpc/async.h says what a second release does. */
SHMRPC_API void shmrpc_stub_release(const void *reply);

/* Starts a call; `*out` must be finished or released. Returns BUSY (with
 * SHMRPC_OPT_NONBLOCK) or DEADLINE if all 64 call slots are in use,
 * UNAVAILABLE, INVALID, or NO_MEMORY, also if more than 4096 calls are
 * unfinished. */
SHMRPC_API int shmrpc_stub_start(shmrpc_client *client, uint32_t method,
                                 const void *params, const shmrpc_opts *opts,
                                 shmrpc_call **out, shmrpc_error *error);

/* Prepares a call of a raw method with `len` bytes, which the caller writes to
 * `*at` before it sends `*out`. Returns the statuses of start, and INVALID if
 * the method does not take that many bytes. */
SHMRPC_API int shmrpc_stub_loan(shmrpc_client *client, uint32_t method,
                                size_t len, const shmrpc_opts *opts,
                                uint8_t **at, shmrpc_call **out,
                                shmrpc_error *error);

/* Sends a loan, which becomes a call that was started. On UNAVAILABLE,
 * TOO_LARGE and EXHAUSTED it was not sent, and the call has ended. Returns
 * INVALID if `call` is not a loan. */
SHMRPC_API int shmrpc_stub_send(shmrpc_call *call, shmrpc_error *error);

/* Waits for a call and frees it; results are those of shmrpc_stub_call and
 * shmrpc_stub_call_reply. Returns INVALID if `call` is a call of another
 * method, and then leaves it unchanged. */
SHMRPC_API int shmrpc_stub_finish(shmrpc_call *call,
                                  const shmrpc_service *service,
                                  uint32_t method, void *result,
                                  shmrpc_error *error);
SHMRPC_API int shmrpc_stub_finish_reply(shmrpc_call *call,
                                        const shmrpc_service *service,
                                        uint32_t method, const void **reply,
                                        shmrpc_error *error);

/* Calls the user's function `done` with its real type. `reply` is NULL or
 * points to a value of the method's result type; this function releases it or
 * passes it on. `error` is filled unless `status` is 0. */
typedef void (*shmrpc_stub_end)(shmrpc_function done, void *user, int status,
                                void *reply, const shmrpc_error *error);

/* Starts a call. When it has ended, dispatch, or close at the latest, calls
 * `end`, which calls `done`. `*out` (`out` may be NULL) is for cancelling.
 * Returns the statuses of start. */
SHMRPC_API int shmrpc_stub_async(shmrpc_client *client, uint32_t method,
                                 const void *params, const shmrpc_opts *opts,
                                 shmrpc_call **out, shmrpc_error *error,
                                 shmrpc_stub_end end, shmrpc_function done,
                                 void *user);

/* Like shmrpc_stub_async, but first waits for up to `patience_ns`, as a
 * blocking call does. If the call is over by then, `end` is called before this
 * function returns, after `*out` was set; this saves a turn of the event loop
 * for short calls. 0: does not wait. */
SHMRPC_API int shmrpc_stub_async_soon(shmrpc_client *client, uint32_t method,
                                      const void *params,
                                      const shmrpc_opts *opts,
                                      int64_t patience_ns, shmrpc_call **out,
                                      shmrpc_error *error, shmrpc_stub_end end,
                                      shmrpc_function done, void *user);

/*
 * Opens an object that `service` shares, by its name in the .svc. `*out_fd` has
 * an open file description of its own, read-only if only the service may write.
 * `*out_watch_fd` hangs up when the server ends; it is -1 if the server can't
 * end before us. The caller closes both. `client` is NULL in a process that
 * serves the object, or in one of its workers. Blocks for up to `timeout_ns`;
 * 0: 5 s.
 *
 * Returns NOT_FOUND if the service has no such object; UNIMPLEMENTED if the
 * object is on another machine; UNAVAILABLE, DEADLINE, DENIED or EXHAUSTED as
 * shmrpc_stub_connect; also UNAVAILABLE if `client` is NULL and this process
 * does not serve the object.
 */
SHMRPC_API int shmrpc_stub_shared(shmrpc_client *client,
                                  const shmrpc_service *service,
                                  const char *name, int64_t timeout_ns,
                                  int *out_fd, int *out_watch_fd,
                                  shmrpc_error *error);

/* Returns a descriptor, owned by the client, which is readable when dispatch
 * may have something to do: a callback is due, or a deadline has passed. A
 * negative result is a status. */
SHMRPC_API int shmrpc_stub_fd(shmrpc_client *client);

/* Calls the callbacks that are due; returns how many. Does not block. */
SHMRPC_API int shmrpc_stub_dispatch(shmrpc_client *client);

/* Reads the client's counters. Each is exact, but they may be from slightly
 * different moments. May be called from any thread. */
SHMRPC_API void shmrpc_stub_read_stats(const shmrpc_client *client,
                                       shmrpc_client_stats *out);

/* Unpacks `params`, calls the user's handler in `impl`, and stores its
 * result. */
typedef int (*shmrpc_handler)(shmrpc_ctx *ctx, const void *impl, void *user,
                              const void *params, void *result);

/*
 * Makes the call end in the error `type` if the handler returns this function's
 * result, the error's number. `detail`, a value of the payload's type, is
 * encoded at once; if it is NULL the caller gets no payload. If a handler
 * raises twice, the last one wins. Returns INTERNAL if the payload violates its
 * bounds, or NO_MEMORY.
 */
SHMRPC_API int shmrpc_stub_raise(shmrpc_ctx *ctx, const shmrpc_error_type *type,
                                 const void *detail);

/*
 * Serves `service` at the server's addresses. `handlers` has one entry for each
 * method and must stay valid; `impl` (of `impl_size` bytes) is copied. A method
 * whose function in `impl` is missing is UNIMPLEMENTED. Returns EXISTS if the
 * service runs already (the error says where), DENIED if the socket folder is
 * not ours, or PRECONDITION if a native method would be served at tcp://
 * (force_insecure_serialisation allows it).
 */
SHMRPC_API int shmrpc_stub_serve(shmrpc_server *server,
                                 const shmrpc_service *service,
                                 const shmrpc_handler *handlers,
                                 const void *impl, size_t impl_size, void *user,
                                 shmrpc_error *error);

/*
 * The main function of a program that is only a server: reads its options (see
 * --help), serves until SIGINT or SIGTERM, prints errors, and returns the exit
 * status. The only function of the library that prints.
 */
SHMRPC_API int shmrpc_stub_main(int argc, char **argv,
                                const shmrpc_service *service,
                                const shmrpc_handler *handlers,
                                const void *impl, size_t impl_size, void *user);

SHMRPC_END_DECLS

#endif
