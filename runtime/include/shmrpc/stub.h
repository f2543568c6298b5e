/*
 * What generated code calls.  Not for people: use the functions in the
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
 * Connects to `service` at `where`: one or more addresses, separated by
 * commas, tried in order; NULL or "" means "shm://". Blocks until the deadline
 * in `defaults` (also the default of the calls), at most 5 s. The method
 * tables of both sides are compared.
 * UNAVAILABLE: nobody there, the error says where it looked; DEADLINE: somebody
 * listens, but does not answer; CONTRACT: names the method and what differs;
 * DENIED, EXHAUSTED: refused by the server; INVALID: `where` can't be read;
 * UNIMPLEMENTED: a transport that is not built. A list goes on to its next
 * place only where nobody answers.
 */
SHMRPC_API int shmrpc_stub_connect(const shmrpc_service *service,
                                   const char *where,
                                   const shmrpc_opts *defaults,
                                   shmrpc_client **out, shmrpc_error *error);

/* Closes the connection; calls in progress on other threads must have ended.
 * Callbacks that are still owed are called, with CANCELLED; calls that were
 * started end. Replies stay valid. NULL is fine. */
SHMRPC_API void shmrpc_stub_close(shmrpc_client *client);

/* Calls method number `method` (its index in the service's table) and writes
 * a fixed-size result to `result` (NULL for methods without one). Blocks until
 * the deadline. What each status says about the call: runtime/rpc/README.md. A
 * oneway method returns when the call has been sent. */
SHMRPC_API int shmrpc_stub_call(shmrpc_client *client, uint32_t method,
                                const void *params, const shmrpc_opts *opts,
                                void *result, shmrpc_error *error);

/* As call, for methods that throw errors with payload, and for results of any
 * size: `*reply` points to a value of the method's result type and must be
 * released. It is written on OK; where the method throws an error with payload,
 * also when the call ends in a declared error, whichever, and with
 * SHMRPC_OPT_FAULTS also when it ends in a fault; the value is zeros then.
 * DATA_LOSS: also when a payload does not decode. */
SHMRPC_API int shmrpc_stub_call_reply(shmrpc_client *client, uint32_t method,
                                      const void *params,
                                      const shmrpc_opts *opts,
                                      const void **reply, shmrpc_error *error);

/* The payload of the error `type` when the call that returned `reply` ended in
 * it and the server sent one, else NULL. Lives as long as the reply, which may
 * be NULL. */
SHMRPC_API const void *shmrpc_stub_payload(const void *reply,
                                           const shmrpc_error_type *type);

/* As call, but a call that has failed may give a reply, to be released: where
 * the method throws an error with payload, and of a fault (shmrpc/fault.h).
 * `*reply` is left alone otherwise. */
SHMRPC_API int shmrpc_stub_call_fault(shmrpc_client *client, uint32_t method,
                                      const void *params,
                                      const shmrpc_opts *opts, void *result,
                                      const void **reply, shmrpc_error *error);

/* Ends the life of a reply. NULL is fine. Any thread, also after close. Once:
 * see shmrpc/async.h for what a second time does. */
SHMRPC_API void shmrpc_stub_release(const void *reply);

/* Starts a call; `*out` is to be finished or released. BUSY, DEADLINE: no room
 * among 64 calls; UNAVAILABLE; INVALID; NO_MEMORY: more than 4096 calls are
 * unfinished. */
SHMRPC_API int shmrpc_stub_start(shmrpc_client *client, uint32_t method,
                                 const void *params, const shmrpc_opts *opts,
                                 shmrpc_call **out, shmrpc_error *error);

/* Starts a call of a raw method, but for its `len` bytes, which the caller is
 * to write to `*at` before sending `*out`. Statuses as start; INVALID: the
 * method does not take so many. */
SHMRPC_API int shmrpc_stub_loan(shmrpc_client *client, uint32_t method,
                                size_t len, const shmrpc_opts *opts,
                                uint8_t **at, shmrpc_call **out,
                                shmrpc_error *error);

/* Sends a loan: it is a call that was started then. UNAVAILABLE, TOO_LARGE,
 * EXHAUSTED: it was not sent, and is no more. INVALID: `call` is no loan. */
SHMRPC_API int shmrpc_stub_send(shmrpc_call *call, shmrpc_error *error);

/* Waits for a call and ends its object: as shmrpc_stub_call and _call_reply.
 * INVALID: `call` is not of this method; then it goes on. */
SHMRPC_API int shmrpc_stub_finish(shmrpc_call *call,
                                  const shmrpc_service *service,
                                  uint32_t method, void *result,
                                  shmrpc_error *error);
SHMRPC_API int shmrpc_stub_finish_reply(shmrpc_call *call,
                                        const shmrpc_service *service,
                                        uint32_t method, const void **reply,
                                        shmrpc_error *error);

/* Calls the user's function `done`, which it knows the type of. `reply`, which
 * it releases or hands on, is NULL or points to a value of the method's result
 * type; `error` is filled unless `status` is 0. */
typedef void (*shmrpc_stub_end)(shmrpc_function done, void *user, int status,
                                void *reply, const shmrpc_error *error);

/* Starts a call whose end dispatch tells to `done`, by `end`; close does at the
 * latest. `*out`, if it is wanted, is for cancelling. Statuses as start. */
SHMRPC_API int shmrpc_stub_async(shmrpc_client *client, uint32_t method,
                                 const void *params, const shmrpc_opts *opts,
                                 shmrpc_call **out, shmrpc_error *error,
                                 shmrpc_stub_end end, shmrpc_function done,
                                 void *user);

/* As async, but first waits for up to `patience_ns` as a blocking call does. A
 * call that is over by then is told before this function returns, with `*out`
 * written before; so a loop of events spares itself a turn for calls that take
 * less time than one. 0: does not wait. */
SHMRPC_API int shmrpc_stub_async_soon(shmrpc_client *client, uint32_t method,
                                      const void *params,
                                      const shmrpc_opts *opts,
                                      int64_t patience_ns, shmrpc_call **out,
                                      shmrpc_error *error, shmrpc_stub_end end,
                                      shmrpc_function done, void *user);

/*
 * An object that `service` shares, by its name in the .svc: a descriptor with
 * an open file description of its own, for reading only where the service keeps
 * writing to itself; and one that hangs up when the server ends, or -1 where it
 * can't end before us. Both are the caller's. `client` NULL: in a process that
 * serves it, also a worker. Blocks for `timeout_ns`, 0: 5 s.
 * NOT_FOUND: the service has no such object; UNIMPLEMENTED: it is on another
 * machine; UNAVAILABLE, DEADLINE, DENIED, EXHAUSTED: as connect; UNAVAILABLE
 * also: it is not served by this process.
 */
SHMRPC_API int shmrpc_stub_shared(shmrpc_client *client,
                                  const shmrpc_service *service,
                                  const char *name, int64_t timeout_ns,
                                  int *out_fd, int *out_watch_fd,
                                  shmrpc_error *error);

/* A descriptor, the client's, which is readable when dispatch has something to
 * do: a callback is due, or a deadline may be. Negative: a status. */
SHMRPC_API int shmrpc_stub_fd(shmrpc_client *client);

/* Calls the callbacks that are due; returns how many. Does not block. */
SHMRPC_API int shmrpc_stub_dispatch(shmrpc_client *client);

/* What the client has counted. Each count is right, though they need not be of
 * the same moment. Any thread. */
SHMRPC_API void shmrpc_stub_read_stats(const shmrpc_client *client,
                                       shmrpc_client_stats *out);

/* Unpacks `params`, calls the user's handler in `impl`, stores its result. */
typedef int (*shmrpc_handler)(shmrpc_ctx *ctx, const void *impl, void *user,
                              const void *params, void *result);

/*
 * The call will end in the error `type`, if the handler returns the result of
 * this function: the error's number. `detail`, a value of the payload's type,
 * is encoded at once; NULL: the caller gets none. Of several only the last
 * counts. INTERNAL: the payload breaks its own bounds; NO_MEMORY.
 */
SHMRPC_API int shmrpc_stub_raise(shmrpc_ctx *ctx, const shmrpc_error_type *type,
                                 const void *detail);

/*
 * Serves `service` at the server's addresses. `handlers` has one entry a
 * method and lives on; `impl` (of `impl_size` bytes) is copied. A handler
 * whose function in `impl` is missing returns SHMRPC_E_UNIMPLEMENTED.
 * EXISTS: it runs already, the error says where; DENIED: the socket folder is
 * not ours; PRECONDITION: a native method at tcp://, which
 * force_insecure_serialisation allows.
 */
SHMRPC_API int shmrpc_stub_serve(shmrpc_server *server,
                                 const shmrpc_service *service,
                                 const shmrpc_handler *handlers,
                                 const void *impl, size_t impl_size, void *user,
                                 shmrpc_error *error);

/*
 * The main function of a program that is nothing but a server: reads its
 * options (--help tells), serves until SIGINT or SIGTERM, prints what goes
 * wrong, and returns the exit status. The only function of the library that
 * prints.
 */
SHMRPC_API int shmrpc_stub_main(int argc, char **argv,
                                const shmrpc_service *service,
                                const shmrpc_handler *handlers,
                                const void *impl, size_t impl_size, void *user);

SHMRPC_END_DECLS

#endif
