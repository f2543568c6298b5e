/*
 * Clients of types.svc, made by shmrpcgen: edit that file instead.
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
#ifndef TYPES_V2_TYPES_C298DD43_CLIENT_H
#define TYPES_V2_TYPES_C298DD43_CLIENT_H

#include <shmrpc/async.h>
#include <shmrpc/client.h>
#include <shmrpc/error.h>
#include <shmrpc/options.h>

#include "types.h"

SHMRPC_BEGIN_DECLS

/*
 * Methods of every shape.
 *
 * A connection to the service "everything".
 */
typedef struct types_v2_everything types_v2_everything;

/* Connects to `where`, one or more addresses separated by commas; NULL means
 * this machine. `defaults`, which may be NULL, also applies to the calls.
 * Blocks for at most 5 s. Returns UNAVAILABLE if no server listens there, or
 * CONTRACT if the server's interface is incompatible. Close the client when
 * done. */
int types_v2_everything_connect(const char *where, const shmrpc_opts *defaults,
                                types_v2_everything **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Pending callbacks are called
 * first, with SHMRPC_E_CANCELLED. Replies stay valid. NULL is allowed. */
void types_v2_everything_close(types_v2_everything *client);

/* Reads the client's counters: how often it has reconnected, and how often it
 * has resent calls. */
void types_v2_everything_read_stats(const types_v2_everything *client,
                                    shmrpc_client_stats *out);

/* Returns a file descriptor for poll, epoll and event loops, which is readable
 * when types_v2_everything_dispatch has something to do. It belongs to the
 * client and stays the same until close. On failure returns a negative
 * shmrpc_status. */
int types_v2_everything_fd(types_v2_everything *client);

/* Calls the callbacks of finished calls on this thread, and returns their
 * number.  Does not block. */
int types_v2_everything_dispatch(types_v2_everything *client);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_nothing(types_v2_everything *client,
                                const shmrpc_opts *opts, shmrpc_error *error);

/* Starts a call of nothing and returns it in `*out`; end it with
 * types_v2_everything_nothing_finish. */
int types_v2_everything_nothing_start(types_v2_everything *client,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_nothing_start
 * returned, and ends the call. Returns what types_v2_everything_nothing
 * would. */
int types_v2_everything_nothing_finish(shmrpc_call *call, shmrpc_error *error);

/* The callback at the end of a call of nothing; `status` is what
 * types_v2_everything_nothing would return.  `error` is filled unless `status`
 * is 0. */
typedef void (*types_v2_everything_nothing_fn)(void *user, int status,
                                               const shmrpc_error *error);

/* Starts a call of nothing; types_v2_everything_dispatch calls `done` when it
 * is over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_nothing_async(types_v2_everything *client,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error,
                                      types_v2_everything_nothing_fn done,
                                      void *user);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_flat(types_v2_everything *client,
                             const types_v2_flat *flat, const shmrpc_opts *opts,
                             types_v2_flat *out, shmrpc_error *error);

/* Starts a call of flat and returns it in `*out`; end it with
 * types_v2_everything_flat_finish. */
int types_v2_everything_flat_start(types_v2_everything *client,
                                   const types_v2_flat *flat,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_flat_start returned,
 * and ends the call. Returns what types_v2_everything_flat would. */
int types_v2_everything_flat_finish(shmrpc_call *call, types_v2_flat *out,
                                    shmrpc_error *error);

/* The callback at the end of a call of flat; `status` is what
 * types_v2_everything_flat would return.  `value` is valid until the callback
 * returns, and NULL unless `status` is 0; `error` is filled unless `status` is
 * 0. */
typedef void (*types_v2_everything_flat_fn)(void *user, int status,
                                            const types_v2_flat *value,
                                            const shmrpc_error *error);

/* Starts a call of flat; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_flat_async(types_v2_everything *client,
                                   const types_v2_flat *flat,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error,
                                   types_v2_everything_flat_fn done,
                                   void *user);

/* `b`: u32(1..9), default 3.  Deadline: the connection's, or that of `opts`. */
int types_v2_everything_number(types_v2_everything *client, int64_t a,
                               uint32_t b, const shmrpc_opts *opts, double *out,
                               shmrpc_error *error);

/* Starts a call of number and returns it in `*out`; end it with
 * types_v2_everything_number_finish. */
int types_v2_everything_number_start(types_v2_everything *client, int64_t a,
                                     uint32_t b, const shmrpc_opts *opts,
                                     shmrpc_call **out, shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_number_start
 * returned, and ends the call. Returns what types_v2_everything_number
 * would. */
int types_v2_everything_number_finish(shmrpc_call *call, double *out,
                                      shmrpc_error *error);

/* The callback at the end of a call of number; `status` is what
 * types_v2_everything_number would return.  `value` is valid until the callback
 * returns, and NULL unless `status` is 0; `error` is filled unless `status` is
 * 0. */
typedef void (*types_v2_everything_number_fn)(void *user, int status,
                                              const double *value,
                                              const shmrpc_error *error);

/* Starts a call of number; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_number_async(types_v2_everything *client, int64_t a,
                                     uint32_t b, const shmrpc_opts *opts,
                                     shmrpc_call **out, shmrpc_error *error,
                                     types_v2_everything_number_fn done,
                                     void *user);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_grid(types_v2_everything *client,
                             const uint32_t grid[2][3], const shmrpc_opts *opts,
                             uint32_t out[2][3], shmrpc_error *error);

/* Starts a call of grid and returns it in `*out`; end it with
 * types_v2_everything_grid_finish. */
int types_v2_everything_grid_start(types_v2_everything *client,
                                   const uint32_t grid[2][3],
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_grid_start returned,
 * and ends the call. Returns what types_v2_everything_grid would. */
int types_v2_everything_grid_finish(shmrpc_call *call, uint32_t out[2][3],
                                    shmrpc_error *error);

/* The callback at the end of a call of grid; `status` is what
 * types_v2_everything_grid would return.  `value` is valid until the callback
 * returns, and NULL unless `status` is 0; `error` is filled unless `status` is
 * 0. */
typedef void (*types_v2_everything_grid_fn)(void *user, int status,
                                            const uint32_t value[2][3],
                                            const shmrpc_error *error);

/* Starts a call of grid; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_grid_async(types_v2_everything *client,
                                   const uint32_t grid[2][3],
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error,
                                   types_v2_everything_grid_fn done,
                                   void *user);

/* Deadline: the connection's, or that of `opts`.  May return
 * TYPES_V2_ERR_NOT_FOUND, TYPES_V2_ERR_BUSY. */
int types_v2_everything_scalars(types_v2_everything *client,
                                const types_v2_scalars *scalars,
                                const shmrpc_opts *opts, types_v2_scalars *out,
                                shmrpc_error *error);

/* Starts a call of scalars and returns it in `*out`; end it with
 * types_v2_everything_scalars_finish. */
int types_v2_everything_scalars_start(types_v2_everything *client,
                                      const types_v2_scalars *scalars,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_scalars_start
 * returned, and ends the call. Returns what types_v2_everything_scalars
 * would. */
int types_v2_everything_scalars_finish(shmrpc_call *call, types_v2_scalars *out,
                                       shmrpc_error *error);

/* The callback at the end of a call of scalars; `status` is what
 * types_v2_everything_scalars would return.  `value` is valid until the
 * callback returns, and NULL unless `status` is 0; `error` is filled unless
 * `status` is 0. */
typedef void (*types_v2_everything_scalars_fn)(void *user, int status,
                                               const types_v2_scalars *value,
                                               const shmrpc_error *error);

/* Starts a call of scalars; types_v2_everything_dispatch calls `done` when it
 * is over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_scalars_async(types_v2_everything *client,
                                      const types_v2_scalars *scalars,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error,
                                      types_v2_everything_scalars_fn done,
                                      void *user);

/* The reply of containers. It is read-only and valid until you release it. */
typedef struct types_v2_everything_containers_reply {
    types_v2_containers value;
} types_v2_everything_containers_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_containers_release. */
int types_v2_everything_containers(
    types_v2_everything *client, const types_v2_containers *c,
    const shmrpc_opts *opts, const types_v2_everything_containers_reply **out,
    shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void types_v2_everything_containers_release(
    const types_v2_everything_containers_reply *reply);

/* Starts a call of containers and returns it in `*out`; end it with
 * types_v2_everything_containers_finish. */
int types_v2_everything_containers_start(types_v2_everything *client,
                                         const types_v2_containers *c,
                                         const shmrpc_opts *opts,
                                         shmrpc_call **out,
                                         shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_containers_start
 * returned, and ends the call. Returns what types_v2_everything_containers
 * would. */
int types_v2_everything_containers_finish(
    shmrpc_call *call, const types_v2_everything_containers_reply **out,
    shmrpc_error *error);

/* The callback at the end of a call of containers; `status` is what
 * types_v2_everything_containers would return.  `reply`, unless NULL, is valid
 * until you release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_containers_fn)(
    void *user, int status, const types_v2_everything_containers_reply *reply,
    const shmrpc_error *error);

/* Starts a call of containers; types_v2_everything_dispatch calls `done` when
 * it is over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_containers_async(types_v2_everything *client,
                                         const types_v2_containers *c,
                                         const shmrpc_opts *opts,
                                         shmrpc_call **out, shmrpc_error *error,
                                         types_v2_everything_containers_fn done,
                                         void *user);

/* The reply of node. It is read-only and valid until you release it. */
typedef struct types_v2_everything_node_reply {
    types_v2_node value;
} types_v2_everything_node_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_node_release. */
int types_v2_everything_node(types_v2_everything *client,
                             const types_v2_node *node,
                             const types_v2_node *other,
                             const shmrpc_opts *opts,
                             const types_v2_everything_node_reply **out,
                             shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void types_v2_everything_node_release(
    const types_v2_everything_node_reply *reply);

/* Starts a call of node and returns it in `*out`; end it with
 * types_v2_everything_node_finish. */
int types_v2_everything_node_start(types_v2_everything *client,
                                   const types_v2_node *node,
                                   const types_v2_node *other,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_node_start returned,
 * and ends the call. Returns what types_v2_everything_node would. */
int types_v2_everything_node_finish(shmrpc_call *call,
                                    const types_v2_everything_node_reply **out,
                                    shmrpc_error *error);

/* The callback at the end of a call of node; `status` is what
 * types_v2_everything_node would return.  `reply`, unless NULL, is valid until
 * you release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_node_fn)(
    void *user, int status, const types_v2_everything_node_reply *reply,
    const shmrpc_error *error);

/* Starts a call of node; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_node_async(types_v2_everything *client,
                                   const types_v2_node *node,
                                   const types_v2_node *other,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error,
                                   types_v2_everything_node_fn done,
                                   void *user);

/* The reply of choice. It is read-only and valid until you release it. */
typedef struct types_v2_everything_choice_reply {
    types_v2_choice value;
} types_v2_everything_choice_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_choice_release. */
int types_v2_everything_choice(types_v2_everything *client,
                               const types_v2_choice *choice,
                               const shmrpc_opts *opts,
                               const types_v2_everything_choice_reply **out,
                               shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void types_v2_everything_choice_release(
    const types_v2_everything_choice_reply *reply);

/* Starts a call of choice and returns it in `*out`; end it with
 * types_v2_everything_choice_finish. */
int types_v2_everything_choice_start(types_v2_everything *client,
                                     const types_v2_choice *choice,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_choice_start
 * returned, and ends the call. Returns what types_v2_everything_choice
 * would. */
int types_v2_everything_choice_finish(
    shmrpc_call *call, const types_v2_everything_choice_reply **out,
    shmrpc_error *error);

/* The callback at the end of a call of choice; `status` is what
 * types_v2_everything_choice would return.  `reply`, unless NULL, is valid
 * until you release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_choice_fn)(
    void *user, int status, const types_v2_everything_choice_reply *reply,
    const shmrpc_error *error);

/* Starts a call of choice; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_choice_async(types_v2_everything *client,
                                     const types_v2_choice *choice,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error,
                                     types_v2_everything_choice_fn done,
                                     void *user);

/* The reply of anything. It is read-only and valid until you release it. */
typedef struct types_v2_everything_anything_reply {
    shmrpc_any value;
} types_v2_everything_anything_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_anything_release. */
int types_v2_everything_anything(types_v2_everything *client,
                                 const shmrpc_any *value,
                                 const shmrpc_any *other,
                                 const shmrpc_opts *opts,
                                 const types_v2_everything_anything_reply **out,
                                 shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void types_v2_everything_anything_release(
    const types_v2_everything_anything_reply *reply);

/* Starts a call of anything and returns it in `*out`; end it with
 * types_v2_everything_anything_finish. */
int types_v2_everything_anything_start(types_v2_everything *client,
                                       const shmrpc_any *value,
                                       const shmrpc_any *other,
                                       const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_anything_start
 * returned, and ends the call. Returns what types_v2_everything_anything
 * would. */
int types_v2_everything_anything_finish(
    shmrpc_call *call, const types_v2_everything_anything_reply **out,
    shmrpc_error *error);

/* The callback at the end of a call of anything; `status` is what
 * types_v2_everything_anything would return.  `reply`, unless NULL, is valid
 * until you release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_anything_fn)(
    void *user, int status, const types_v2_everything_anything_reply *reply,
    const shmrpc_error *error);

/* Starts a call of anything; types_v2_everything_dispatch calls `done` when it
 * is over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_anything_async(types_v2_everything *client,
                                       const shmrpc_any *value,
                                       const shmrpc_any *other,
                                       const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error,
                                       types_v2_everything_anything_fn done,
                                       void *user);

/* The reply of blob. It is read-only and valid until you release it. */
typedef struct types_v2_everything_blob_reply {
    shmrpc_bytes value;
} types_v2_everything_blob_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_blob_release. */
int types_v2_everything_blob(types_v2_everything *client, shmrpc_bytes data,
                             const shmrpc_opts *opts,
                             const types_v2_everything_blob_reply **out,
                             shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void types_v2_everything_blob_release(
    const types_v2_everything_blob_reply *reply);

/* Starts a call of blob and returns it in `*out`; end it with
 * types_v2_everything_blob_finish. */
int types_v2_everything_blob_start(types_v2_everything *client,
                                   shmrpc_bytes data, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error);

/* Lends the `len` bytes at `*at`, in which a request of blob will be sent. Fill
 * them, then send the call `*out` or release it. The deadline starts now. */
int types_v2_everything_blob_loan(types_v2_everything *client, size_t len,
                                  const shmrpc_opts *opts, uint8_t **at,
                                  shmrpc_call **out, shmrpc_error *error);

/* Sends a call of types_v2_everything_blob_loan; end it with
 * types_v2_everything_blob_finish. After a failure the call is over, unless
 * SHMRPC_E_INVALID was returned because `call` is not such a loan. */
int types_v2_everything_blob_send(shmrpc_call *call, shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_blob_start returned,
 * and ends the call. Returns what types_v2_everything_blob would. */
int types_v2_everything_blob_finish(shmrpc_call *call,
                                    const types_v2_everything_blob_reply **out,
                                    shmrpc_error *error);

/* The callback at the end of a call of blob; `status` is what
 * types_v2_everything_blob would return.  `reply`, unless NULL, is valid until
 * you release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_blob_fn)(
    void *user, int status, const types_v2_everything_blob_reply *reply,
    const shmrpc_error *error);

/* Starts a call of blob; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_blob_async(types_v2_everything *client,
                                   shmrpc_bytes data, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error,
                                   types_v2_everything_blob_fn done,
                                   void *user);

/* The reply of texts. It is read-only and valid until you release it. */
typedef struct types_v2_everything_texts_reply {
    shmrpc_str value[2];
} types_v2_everything_texts_reply;

/* `tags`: string(..8)[2].  `lang`: string(2..8).  Deadline: the connection's,
 * or that of `opts`.  Release `*out` with types_v2_everything_texts_release. */
int types_v2_everything_texts(types_v2_everything *client,
                              const shmrpc_str tags[2], shmrpc_str lang,
                              const shmrpc_opts *opts,
                              const types_v2_everything_texts_reply **out,
                              shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void types_v2_everything_texts_release(
    const types_v2_everything_texts_reply *reply);

/* Starts a call of texts and returns it in `*out`; end it with
 * types_v2_everything_texts_finish. */
int types_v2_everything_texts_start(types_v2_everything *client,
                                    const shmrpc_str tags[2], shmrpc_str lang,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_texts_start returned,
 * and ends the call. Returns what types_v2_everything_texts would. */
int types_v2_everything_texts_finish(
    shmrpc_call *call, const types_v2_everything_texts_reply **out,
    shmrpc_error *error);

/* The callback at the end of a call of texts; `status` is what
 * types_v2_everything_texts would return.  `reply`, unless NULL, is valid until
 * you release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_texts_fn)(
    void *user, int status, const types_v2_everything_texts_reply *reply,
    const shmrpc_error *error);

/* Starts a call of texts; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_texts_async(types_v2_everything *client,
                                    const shmrpc_str tags[2], shmrpc_str lang,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error,
                                    types_v2_everything_texts_fn done,
                                    void *user);

/* The reply of optionals. It is read-only and valid until you release it. */
typedef struct types_v2_everything_optionals_reply {
    types_v2_optionals value;
} types_v2_everything_optionals_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_optionals_release. */
int types_v2_everything_optionals(
    types_v2_everything *client, const uint32_t *count, const shmrpc_str *text,
    const uint16_t triple[3], const types_v2_flat *flat,
    const types_v2_flat_list *flats, const shmrpc_opts *opts,
    const types_v2_everything_optionals_reply **out, shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void types_v2_everything_optionals_release(
    const types_v2_everything_optionals_reply *reply);

/* Starts a call of optionals and returns it in `*out`; end it with
 * types_v2_everything_optionals_finish. */
int types_v2_everything_optionals_start(types_v2_everything *client,
                                        const uint32_t *count,
                                        const shmrpc_str *text,
                                        const uint16_t triple[3],
                                        const types_v2_flat *flat,
                                        const types_v2_flat_list *flats,
                                        const shmrpc_opts *opts,
                                        shmrpc_call **out, shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_optionals_start
 * returned, and ends the call. Returns what types_v2_everything_optionals
 * would. */
int types_v2_everything_optionals_finish(
    shmrpc_call *call, const types_v2_everything_optionals_reply **out,
    shmrpc_error *error);

/* The callback at the end of a call of optionals; `status` is what
 * types_v2_everything_optionals would return.  `reply`, unless NULL, is valid
 * until you release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_optionals_fn)(
    void *user, int status, const types_v2_everything_optionals_reply *reply,
    const shmrpc_error *error);

/* Starts a call of optionals; types_v2_everything_dispatch calls `done` when it
 * is over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_optionals_async(types_v2_everything *client,
                                        const uint32_t *count,
                                        const shmrpc_str *text,
                                        const uint16_t triple[3],
                                        const types_v2_flat *flat,
                                        const types_v2_flat_list *flats,
                                        const shmrpc_opts *opts,
                                        shmrpc_call **out, shmrpc_error *error,
                                        types_v2_everything_optionals_fn done,
                                        void *user);

/* The reply of bounded. It is read-only and valid until you release it. */
typedef struct types_v2_everything_bounded_reply {
    types_v2_bounded_list value;
} types_v2_everything_bounded_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_bounded_release. */
int types_v2_everything_bounded(types_v2_everything *client,
                                const types_v2_bounded *b,
                                const shmrpc_opts *opts,
                                const types_v2_everything_bounded_reply **out,
                                shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void types_v2_everything_bounded_release(
    const types_v2_everything_bounded_reply *reply);

/* Starts a call of bounded and returns it in `*out`; end it with
 * types_v2_everything_bounded_finish. */
int types_v2_everything_bounded_start(types_v2_everything *client,
                                      const types_v2_bounded *b,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_bounded_start
 * returned, and ends the call. Returns what types_v2_everything_bounded
 * would. */
int types_v2_everything_bounded_finish(
    shmrpc_call *call, const types_v2_everything_bounded_reply **out,
    shmrpc_error *error);

/* The callback at the end of a call of bounded; `status` is what
 * types_v2_everything_bounded would return.  `reply`, unless NULL, is valid
 * until you release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_bounded_fn)(
    void *user, int status, const types_v2_everything_bounded_reply *reply,
    const shmrpc_error *error);

/* Starts a call of bounded; types_v2_everything_dispatch calls `done` when it
 * is over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_bounded_async(types_v2_everything *client,
                                      const types_v2_bounded *b,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error,
                                      types_v2_everything_bounded_fn done,
                                      void *user);

/* Deadline: 250 ms, or that of `opts`. */
int types_v2_everything_fast(types_v2_everything *client, uint32_t client_,
                             uint32_t opts_, uint32_t out_, uint32_t error_,
                             uint32_t user_, const shmrpc_opts *opts,
                             types_v2_nothing *out, shmrpc_error *error);

/* Starts a call of fast and returns it in `*out`; end it with
 * types_v2_everything_fast_finish. */
int types_v2_everything_fast_start(types_v2_everything *client,
                                   uint32_t client_, uint32_t opts_,
                                   uint32_t out_, uint32_t error_,
                                   uint32_t user_, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_fast_start returned,
 * and ends the call. Returns what types_v2_everything_fast would. */
int types_v2_everything_fast_finish(shmrpc_call *call, types_v2_nothing *out,
                                    shmrpc_error *error);

/* The callback at the end of a call of fast; `status` is what
 * types_v2_everything_fast would return.  `value` is valid until the callback
 * returns, and NULL unless `status` is 0; `error` is filled unless `status` is
 * 0. */
typedef void (*types_v2_everything_fast_fn)(void *user, int status,
                                            const types_v2_nothing *value,
                                            const shmrpc_error *error);

/* Starts a call of fast; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_fast_async(types_v2_everything *client,
                                   uint32_t client_, uint32_t opts_,
                                   uint32_t out_, uint32_t error_,
                                   uint32_t user_, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error,
                                   types_v2_everything_fast_fn done,
                                   void *user);

/* The reply of slow. It is read-only and valid until you release it. */
typedef struct types_v2_everything_slow_reply {
    types_v2_everything_slow_result value;
} types_v2_everything_slow_reply;

/*
 * Deprecated: use fast.
 *
 * Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_slow_release.
 */
int types_v2_everything_slow(types_v2_everything *client,
                             types_v2_everything_slow_counts counts,
                             const shmrpc_opts *opts,
                             const types_v2_everything_slow_reply **out,
                             shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void types_v2_everything_slow_release(
    const types_v2_everything_slow_reply *reply);

/* Starts a call of slow and returns it in `*out`; end it with
 * types_v2_everything_slow_finish. */
int types_v2_everything_slow_start(types_v2_everything *client,
                                   types_v2_everything_slow_counts counts,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_slow_start returned,
 * and ends the call. Returns what types_v2_everything_slow would. */
int types_v2_everything_slow_finish(shmrpc_call *call,
                                    const types_v2_everything_slow_reply **out,
                                    shmrpc_error *error);

/* The callback at the end of a call of slow; `status` is what
 * types_v2_everything_slow would return.  `reply`, unless NULL, is valid until
 * you release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_slow_fn)(
    void *user, int status, const types_v2_everything_slow_reply *reply,
    const shmrpc_error *error);

/* Starts a call of slow; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_slow_async(types_v2_everything *client,
                                   types_v2_everything_slow_counts counts,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error,
                                   types_v2_everything_slow_fn done,
                                   void *user);

/* The reply of parse. It is read-only and valid until you release it. */
typedef struct types_v2_everything_parse_reply {
    uint32_t value;
} types_v2_everything_parse_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_parse_release, also after a declared error.  May return
 * TYPES_V2_ERR_NOT_FOUND, TYPES_V2_ERR_BAD_TEXT, COMMON_ERR_REFUSED. */
int types_v2_everything_parse(types_v2_everything *client, shmrpc_str text,
                              const shmrpc_opts *opts,
                              const types_v2_everything_parse_reply **out,
                              shmrpc_error *error);

/* The details of TYPES_V2_ERR_BAD_TEXT, which live as long as the reply. NULL
 * if the call did not end in this error, if the server sent no details, or if
 * `reply` is NULL. */
const types_v2_bad_text *types_v2_everything_parse_bad_text(
    const types_v2_everything_parse_reply *reply);

/* The details of COMMON_ERR_REFUSED, which live as long as the reply. NULL if
 * the call did not end in this error, if the server sent no details, or if
 * `reply` is NULL. */
const common_refused *types_v2_everything_parse_refused(
    const types_v2_everything_parse_reply *reply);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void types_v2_everything_parse_release(
    const types_v2_everything_parse_reply *reply);

/* Starts a call of parse and returns it in `*out`; end it with
 * types_v2_everything_parse_finish. */
int types_v2_everything_parse_start(types_v2_everything *client,
                                    shmrpc_str text, const shmrpc_opts *opts,
                                    shmrpc_call **out, shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_parse_start returned,
 * and ends the call. Returns what types_v2_everything_parse would. */
int types_v2_everything_parse_finish(
    shmrpc_call *call, const types_v2_everything_parse_reply **out,
    shmrpc_error *error);

/* The callback at the end of a call of parse; `status` is what
 * types_v2_everything_parse would return.  `reply`, unless NULL, is valid until
 * you release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_parse_fn)(
    void *user, int status, const types_v2_everything_parse_reply *reply,
    const shmrpc_error *error);

/* Starts a call of parse; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_parse_async(types_v2_everything *client,
                                    shmrpc_str text, const shmrpc_opts *opts,
                                    shmrpc_call **out, shmrpc_error *error,
                                    types_v2_everything_parse_fn done,
                                    void *user);

/* The reply of store. It is read-only and valid until you release it. */
typedef struct types_v2_everything_store_reply {
    char unused; /* no result, but errors may have details */
} types_v2_everything_store_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_store_release, also after a declared error.  May return
 * TYPES_V2_ERR_FULL. */
int types_v2_everything_store(types_v2_everything *client,
                              const types_v2_flat *flat,
                              const shmrpc_opts *opts,
                              const types_v2_everything_store_reply **out,
                              shmrpc_error *error);

/* The details of TYPES_V2_ERR_FULL, which live as long as the reply. NULL if
 * the call did not end in this error, if the server sent no details, or if
 * `reply` is NULL. */
const types_v2_full *types_v2_everything_store_full(
    const types_v2_everything_store_reply *reply);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void types_v2_everything_store_release(
    const types_v2_everything_store_reply *reply);

/* Starts a call of store and returns it in `*out`; end it with
 * types_v2_everything_store_finish. */
int types_v2_everything_store_start(types_v2_everything *client,
                                    const types_v2_flat *flat,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_store_start returned,
 * and ends the call. Returns what types_v2_everything_store would. */
int types_v2_everything_store_finish(
    shmrpc_call *call, const types_v2_everything_store_reply **out,
    shmrpc_error *error);

/* The callback at the end of a call of store; `status` is what
 * types_v2_everything_store would return.  `reply`, unless NULL, is valid until
 * you release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_store_fn)(
    void *user, int status, const types_v2_everything_store_reply *reply,
    const shmrpc_error *error);

/* Starts a call of store; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_store_async(types_v2_everything *client,
                                    const types_v2_flat *flat,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error,
                                    types_v2_everything_store_fn done,
                                    void *user);

/* Returns when the request has been sent; the outcome of the call is not
 * reported.  If the request could not be sent, returns BUSY, or DEADLINE
 * (deadline: the connection's, or that of `opts`), if all call slots were in
 * use, else UNAVAILABLE or INVALID. */
int types_v2_everything_touch(types_v2_everything *client, uint64_t id,
                              const shmrpc_str *why, const shmrpc_opts *opts,
                              shmrpc_error *error);

/* Returns when the request has been sent; the outcome of the call is not
 * reported.  If the request could not be sent, returns BUSY, or DEADLINE
 * (deadline: 1 s, or that of `opts`), if all call slots were in use, else
 * UNAVAILABLE or INVALID. */
int types_v2_everything_blob_away(types_v2_everything *client,
                                  shmrpc_bytes data, const shmrpc_opts *opts,
                                  shmrpc_error *error);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_close_(types_v2_everything *client,
                               const shmrpc_opts *opts, shmrpc_error *error);

/* Starts a call of close and returns it in `*out`; end it with
 * types_v2_everything_close__finish. */
int types_v2_everything_close__start(types_v2_everything *client,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_close__start
 * returned, and ends the call. Returns what types_v2_everything_close_
 * would. */
int types_v2_everything_close__finish(shmrpc_call *call, shmrpc_error *error);

/* The callback at the end of a call of close; `status` is what
 * types_v2_everything_close_ would return.  `error` is filled unless `status`
 * is 0. */
typedef void (*types_v2_everything_close__fn)(void *user, int status,
                                              const shmrpc_error *error);

/* Starts a call of close; types_v2_everything_dispatch calls `done` when it is
 * over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_close__async(types_v2_everything *client,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error,
                                     types_v2_everything_close__fn done,
                                     void *user);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_connect_(types_v2_everything *client, uint32_t int_,
                                 const shmrpc_opts *opts, uint32_t *out,
                                 shmrpc_error *error);

/* Starts a call of connect and returns it in `*out`; end it with
 * types_v2_everything_connect__finish. */
int types_v2_everything_connect__start(types_v2_everything *client,
                                       uint32_t int_, const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error);

/* Waits for the result of a call that types_v2_everything_connect__start
 * returned, and ends the call. Returns what types_v2_everything_connect_
 * would. */
int types_v2_everything_connect__finish(shmrpc_call *call, uint32_t *out,
                                        shmrpc_error *error);

/* The callback at the end of a call of connect; `status` is what
 * types_v2_everything_connect_ would return.  `value` is valid until the
 * callback returns, and NULL unless `status` is 0; `error` is filled unless
 * `status` is 0. */
typedef void (*types_v2_everything_connect__fn)(void *user, int status,
                                                const uint32_t *value,
                                                const shmrpc_error *error);

/* Starts a call of connect; types_v2_everything_dispatch calls `done` when it
 * is over.  `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_everything_connect__async(types_v2_everything *client,
                                       uint32_t int_, const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error,
                                       types_v2_everything_connect__fn done,
                                       void *user);

/*
 * A connection to the service "other".
 */
typedef struct types_v2_other types_v2_other;

/* Connects to `where`, one or more addresses separated by commas; NULL means
 * this machine. `defaults`, which may be NULL, also applies to the calls.
 * Blocks for at most 5 s. Returns UNAVAILABLE if no server listens there, or
 * CONTRACT if the server's interface is incompatible. Close the client when
 * done. */
int types_v2_other_connect(const char *where, const shmrpc_opts *defaults,
                           types_v2_other **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Pending callbacks are called
 * first, with SHMRPC_E_CANCELLED. Replies stay valid. NULL is allowed. */
void types_v2_other_close(types_v2_other *client);

/* Reads the client's counters: how often it has reconnected, and how often it
 * has resent calls. */
void types_v2_other_read_stats(const types_v2_other *client,
                               shmrpc_client_stats *out);

/* Returns a file descriptor for poll, epoll and event loops, which is readable
 * when types_v2_other_dispatch has something to do. It belongs to the client
 * and stays the same until close. On failure returns a negative
 * shmrpc_status. */
int types_v2_other_fd(types_v2_other *client);

/* Calls the callbacks of finished calls on this thread, and returns their
 * number.  Does not block. */
int types_v2_other_dispatch(types_v2_other *client);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_other_ping(types_v2_other *client, const shmrpc_opts *opts,
                        types_v2_order *out, shmrpc_error *error);

/* Starts a call of ping and returns it in `*out`; end it with
 * types_v2_other_ping_finish. */
int types_v2_other_ping_start(types_v2_other *client, const shmrpc_opts *opts,
                              shmrpc_call **out, shmrpc_error *error);

/* Waits for the result of a call that types_v2_other_ping_start returned, and
 * ends the call. Returns what types_v2_other_ping would. */
int types_v2_other_ping_finish(shmrpc_call *call, types_v2_order *out,
                               shmrpc_error *error);

/* The callback at the end of a call of ping; `status` is what
 * types_v2_other_ping would return.  `value` is valid until the callback
 * returns, and NULL unless `status` is 0; `error` is filled unless `status` is
 * 0. */
typedef void (*types_v2_other_ping_fn)(void *user, int status,
                                       const types_v2_order *value,
                                       const shmrpc_error *error);

/* Starts a call of ping; types_v2_other_dispatch calls `done` when it is over.
 * `*out` is for cancelling the call; `out` may be NULL. */
int types_v2_other_ping_async(types_v2_other *client, const shmrpc_opts *opts,
                              shmrpc_call **out, shmrpc_error *error,
                              types_v2_other_ping_fn done, void *user);

SHMRPC_END_DECLS

#endif
