/*
 * Clients of types.svc, made by shmrpcgen: edit that file instead.
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

/* Connects to `where`, one or more addresses separated by commas; NULL is this
 * machine. `defaults`, which may be NULL, also applies to the calls. Blocks for
 * 5 s at most. UNAVAILABLE: nobody serves there; CONTRACT: the server's
 * interface differs. Close the client when done. */
int types_v2_everything_connect(const char *where, const shmrpc_opts *defaults,
                                types_v2_everything **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Pending callbacks are called
 * first, with SHMRPC_E_CANCELLED. Replies stay valid. NULL is fine. */
void types_v2_everything_close(types_v2_everything *client);

/* Reads the client's counters: how often it has reconnected, and sent calls
 * again. */
void types_v2_everything_read_stats(const types_v2_everything *client,
                                    shmrpc_client_stats *out);

/* A descriptor that is readable when types_v2_everything_dispatch has something
 * to do: for poll, epoll and event loops. It belongs to the client and stays
 * the same until close. Negative: a shmrpc_status. */
int types_v2_everything_fd(types_v2_everything *client);

/* Calls, on this thread, the callbacks of the calls that are over; returns how
 * many.  Does not block. */
int types_v2_everything_dispatch(types_v2_everything *client);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_nothing(types_v2_everything *client,
                                const shmrpc_opts *opts, shmrpc_error *error);

/* Starts nothing and returns `*out`, which types_v2_everything_nothing_finish
 * ends. */
int types_v2_everything_nothing_start(types_v2_everything *client,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error);

/* Waits for a call that types_v2_everything_nothing_start returned, and ends
 * it: as types_v2_everything_nothing does. */
int types_v2_everything_nothing_finish(shmrpc_call *call, shmrpc_error *error);

/* How a call of nothing has ended.  `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_nothing_fn)(void *user, int status,
                                               const shmrpc_error *error);

/* Starts nothing; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_nothing_async(types_v2_everything *client,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error,
                                      types_v2_everything_nothing_fn done,
                                      void *user);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_flat(types_v2_everything *client,
                             const types_v2_flat *flat, const shmrpc_opts *opts,
                             types_v2_flat *out, shmrpc_error *error);

/* Starts flat and returns `*out`, which types_v2_everything_flat_finish
 * ends. */
int types_v2_everything_flat_start(types_v2_everything *client,
                                   const types_v2_flat *flat,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error);

/* Waits for a call that types_v2_everything_flat_start returned, and ends it:
 * as types_v2_everything_flat does. */
int types_v2_everything_flat_finish(shmrpc_call *call, types_v2_flat *out,
                                    shmrpc_error *error);

/* How a call of flat has ended.  `value` lives until it returns, and is NULL
 * unless `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_flat_fn)(void *user, int status,
                                            const types_v2_flat *value,
                                            const shmrpc_error *error);

/* Starts flat; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
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

/* Starts number and returns `*out`, which types_v2_everything_number_finish
 * ends. */
int types_v2_everything_number_start(types_v2_everything *client, int64_t a,
                                     uint32_t b, const shmrpc_opts *opts,
                                     shmrpc_call **out, shmrpc_error *error);

/* Waits for a call that types_v2_everything_number_start returned, and ends it:
 * as types_v2_everything_number does. */
int types_v2_everything_number_finish(shmrpc_call *call, double *out,
                                      shmrpc_error *error);

/* How a call of number has ended.  `value` lives until it returns, and is NULL
 * unless `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_number_fn)(void *user, int status,
                                              const double *value,
                                              const shmrpc_error *error);

/* Starts number; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_number_async(types_v2_everything *client, int64_t a,
                                     uint32_t b, const shmrpc_opts *opts,
                                     shmrpc_call **out, shmrpc_error *error,
                                     types_v2_everything_number_fn done,
                                     void *user);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_grid(types_v2_everything *client,
                             const uint32_t grid[2][3], const shmrpc_opts *opts,
                             uint32_t out[2][3], shmrpc_error *error);

/* Starts grid and returns `*out`, which types_v2_everything_grid_finish
 * ends. */
int types_v2_everything_grid_start(types_v2_everything *client,
                                   const uint32_t grid[2][3],
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error);

/* Waits for a call that types_v2_everything_grid_start returned, and ends it:
 * as types_v2_everything_grid does. */
int types_v2_everything_grid_finish(shmrpc_call *call, uint32_t out[2][3],
                                    shmrpc_error *error);

/* How a call of grid has ended.  `value` lives until it returns, and is NULL
 * unless `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_grid_fn)(void *user, int status,
                                            const uint32_t value[2][3],
                                            const shmrpc_error *error);

/* Starts grid; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
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

/* Starts scalars and returns `*out`, which types_v2_everything_scalars_finish
 * ends. */
int types_v2_everything_scalars_start(types_v2_everything *client,
                                      const types_v2_scalars *scalars,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error);

/* Waits for a call that types_v2_everything_scalars_start returned, and ends
 * it: as types_v2_everything_scalars does. */
int types_v2_everything_scalars_finish(shmrpc_call *call, types_v2_scalars *out,
                                       shmrpc_error *error);

/* How a call of scalars has ended.  `value` lives until it returns, and is NULL
 * unless `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_scalars_fn)(void *user, int status,
                                               const types_v2_scalars *value,
                                               const shmrpc_error *error);

/* Starts scalars; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_scalars_async(types_v2_everything *client,
                                      const types_v2_scalars *scalars,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error,
                                      types_v2_everything_scalars_fn done,
                                      void *user);

/* The reply of containers: read-only, and yours until you release it. */
typedef struct types_v2_everything_containers_reply {
    types_v2_containers value;
} types_v2_everything_containers_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_containers_release. */
int types_v2_everything_containers(
    types_v2_everything *client, const types_v2_containers *c,
    const shmrpc_opts *opts, const types_v2_everything_containers_reply **out,
    shmrpc_error *error);

/* Frees the reply. Any thread, also after close. NULL is fine. */
void types_v2_everything_containers_release(
    const types_v2_everything_containers_reply *reply);

/* Starts containers and returns `*out`, which
 * types_v2_everything_containers_finish ends. */
int types_v2_everything_containers_start(types_v2_everything *client,
                                         const types_v2_containers *c,
                                         const shmrpc_opts *opts,
                                         shmrpc_call **out,
                                         shmrpc_error *error);

/* Waits for a call that types_v2_everything_containers_start returned, and ends
 * it: as types_v2_everything_containers does. */
int types_v2_everything_containers_finish(
    shmrpc_call *call, const types_v2_everything_containers_reply **out,
    shmrpc_error *error);

/* How a call of containers has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_containers_fn)(
    void *user, int status, const types_v2_everything_containers_reply *reply,
    const shmrpc_error *error);

/* Starts containers; types_v2_everything_dispatch calls `done` when it is over.
 *  `out`, which may be NULL, is for cancelling. */
int types_v2_everything_containers_async(types_v2_everything *client,
                                         const types_v2_containers *c,
                                         const shmrpc_opts *opts,
                                         shmrpc_call **out, shmrpc_error *error,
                                         types_v2_everything_containers_fn done,
                                         void *user);

/* The reply of node: read-only, and yours until you release it. */
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

/* Frees the reply. Any thread, also after close. NULL is fine. */
void types_v2_everything_node_release(
    const types_v2_everything_node_reply *reply);

/* Starts node and returns `*out`, which types_v2_everything_node_finish
 * ends. */
int types_v2_everything_node_start(types_v2_everything *client,
                                   const types_v2_node *node,
                                   const types_v2_node *other,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error);

/* Waits for a call that types_v2_everything_node_start returned, and ends it:
 * as types_v2_everything_node does. */
int types_v2_everything_node_finish(shmrpc_call *call,
                                    const types_v2_everything_node_reply **out,
                                    shmrpc_error *error);

/* How a call of node has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_node_fn)(
    void *user, int status, const types_v2_everything_node_reply *reply,
    const shmrpc_error *error);

/* Starts node; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_node_async(types_v2_everything *client,
                                   const types_v2_node *node,
                                   const types_v2_node *other,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error,
                                   types_v2_everything_node_fn done,
                                   void *user);

/* The reply of choice: read-only, and yours until you release it. */
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

/* Frees the reply. Any thread, also after close. NULL is fine. */
void types_v2_everything_choice_release(
    const types_v2_everything_choice_reply *reply);

/* Starts choice and returns `*out`, which types_v2_everything_choice_finish
 * ends. */
int types_v2_everything_choice_start(types_v2_everything *client,
                                     const types_v2_choice *choice,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error);

/* Waits for a call that types_v2_everything_choice_start returned, and ends it:
 * as types_v2_everything_choice does. */
int types_v2_everything_choice_finish(
    shmrpc_call *call, const types_v2_everything_choice_reply **out,
    shmrpc_error *error);

/* How a call of choice has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_choice_fn)(
    void *user, int status, const types_v2_everything_choice_reply *reply,
    const shmrpc_error *error);

/* Starts choice; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_choice_async(types_v2_everything *client,
                                     const types_v2_choice *choice,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error,
                                     types_v2_everything_choice_fn done,
                                     void *user);

/* The reply of anything: read-only, and yours until you release it. */
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

/* Frees the reply. Any thread, also after close. NULL is fine. */
void types_v2_everything_anything_release(
    const types_v2_everything_anything_reply *reply);

/* Starts anything and returns `*out`, which types_v2_everything_anything_finish
 * ends. */
int types_v2_everything_anything_start(types_v2_everything *client,
                                       const shmrpc_any *value,
                                       const shmrpc_any *other,
                                       const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error);

/* Waits for a call that types_v2_everything_anything_start returned, and ends
 * it: as types_v2_everything_anything does. */
int types_v2_everything_anything_finish(
    shmrpc_call *call, const types_v2_everything_anything_reply **out,
    shmrpc_error *error);

/* How a call of anything has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_anything_fn)(
    void *user, int status, const types_v2_everything_anything_reply *reply,
    const shmrpc_error *error);

/* Starts anything; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_anything_async(types_v2_everything *client,
                                       const shmrpc_any *value,
                                       const shmrpc_any *other,
                                       const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error,
                                       types_v2_everything_anything_fn done,
                                       void *user);

/* The reply of blob: read-only, and yours until you release it. */
typedef struct types_v2_everything_blob_reply {
    shmrpc_bytes value;
} types_v2_everything_blob_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_blob_release. */
int types_v2_everything_blob(types_v2_everything *client, shmrpc_bytes data,
                             const shmrpc_opts *opts,
                             const types_v2_everything_blob_reply **out,
                             shmrpc_error *error);

/* Frees the reply. Any thread, also after close. NULL is fine. */
void types_v2_everything_blob_release(
    const types_v2_everything_blob_reply *reply);

/* Starts blob and returns `*out`, which types_v2_everything_blob_finish
 * ends. */
int types_v2_everything_blob_start(types_v2_everything *client,
                                   shmrpc_bytes data, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error);

/* Lends the `len` bytes in which a request of blob will be sent: fill them,
 * from `*at` on, then send `*out`, or release it. The deadline runs from now
 * on. */
int types_v2_everything_blob_loan(types_v2_everything *client, size_t len,
                                  const shmrpc_opts *opts, uint8_t **at,
                                  shmrpc_call **out, shmrpc_error *error);

/* Sends a loan of types_v2_everything_blob_loan;
 * types_v2_everything_blob_finish ends the call. On failure the call is over,
 * except on SHMRPC_E_INVALID: there is no such loan. */
int types_v2_everything_blob_send(shmrpc_call *call, shmrpc_error *error);

/* Waits for a call that types_v2_everything_blob_start returned, and ends it:
 * as types_v2_everything_blob does. */
int types_v2_everything_blob_finish(shmrpc_call *call,
                                    const types_v2_everything_blob_reply **out,
                                    shmrpc_error *error);

/* How a call of blob has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_blob_fn)(
    void *user, int status, const types_v2_everything_blob_reply *reply,
    const shmrpc_error *error);

/* Starts blob; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_blob_async(types_v2_everything *client,
                                   shmrpc_bytes data, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error,
                                   types_v2_everything_blob_fn done,
                                   void *user);

/* The reply of texts: read-only, and yours until you release it. */
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

/* Frees the reply. Any thread, also after close. NULL is fine. */
void types_v2_everything_texts_release(
    const types_v2_everything_texts_reply *reply);

/* Starts texts and returns `*out`, which types_v2_everything_texts_finish
 * ends. */
int types_v2_everything_texts_start(types_v2_everything *client,
                                    const shmrpc_str tags[2], shmrpc_str lang,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error);

/* Waits for a call that types_v2_everything_texts_start returned, and ends it:
 * as types_v2_everything_texts does. */
int types_v2_everything_texts_finish(
    shmrpc_call *call, const types_v2_everything_texts_reply **out,
    shmrpc_error *error);

/* How a call of texts has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_texts_fn)(
    void *user, int status, const types_v2_everything_texts_reply *reply,
    const shmrpc_error *error);

/* Starts texts; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_texts_async(types_v2_everything *client,
                                    const shmrpc_str tags[2], shmrpc_str lang,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error,
                                    types_v2_everything_texts_fn done,
                                    void *user);

/* The reply of optionals: read-only, and yours until you release it. */
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

/* Frees the reply. Any thread, also after close. NULL is fine. */
void types_v2_everything_optionals_release(
    const types_v2_everything_optionals_reply *reply);

/* Starts optionals and returns `*out`, which
 * types_v2_everything_optionals_finish ends. */
int types_v2_everything_optionals_start(types_v2_everything *client,
                                        const uint32_t *count,
                                        const shmrpc_str *text,
                                        const uint16_t triple[3],
                                        const types_v2_flat *flat,
                                        const types_v2_flat_list *flats,
                                        const shmrpc_opts *opts,
                                        shmrpc_call **out, shmrpc_error *error);

/* Waits for a call that types_v2_everything_optionals_start returned, and ends
 * it: as types_v2_everything_optionals does. */
int types_v2_everything_optionals_finish(
    shmrpc_call *call, const types_v2_everything_optionals_reply **out,
    shmrpc_error *error);

/* How a call of optionals has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_optionals_fn)(
    void *user, int status, const types_v2_everything_optionals_reply *reply,
    const shmrpc_error *error);

/* Starts optionals; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
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

/* The reply of bounded: read-only, and yours until you release it. */
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

/* Frees the reply. Any thread, also after close. NULL is fine. */
void types_v2_everything_bounded_release(
    const types_v2_everything_bounded_reply *reply);

/* Starts bounded and returns `*out`, which types_v2_everything_bounded_finish
 * ends. */
int types_v2_everything_bounded_start(types_v2_everything *client,
                                      const types_v2_bounded *b,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error);

/* Waits for a call that types_v2_everything_bounded_start returned, and ends
 * it: as types_v2_everything_bounded does. */
int types_v2_everything_bounded_finish(
    shmrpc_call *call, const types_v2_everything_bounded_reply **out,
    shmrpc_error *error);

/* How a call of bounded has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_bounded_fn)(
    void *user, int status, const types_v2_everything_bounded_reply *reply,
    const shmrpc_error *error);

/* Starts bounded; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
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

/* Starts fast and returns `*out`, which types_v2_everything_fast_finish
 * ends. */
int types_v2_everything_fast_start(types_v2_everything *client,
                                   uint32_t client_, uint32_t opts_,
                                   uint32_t out_, uint32_t error_,
                                   uint32_t user_, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error);

/* Waits for a call that types_v2_everything_fast_start returned, and ends it:
 * as types_v2_everything_fast does. */
int types_v2_everything_fast_finish(shmrpc_call *call, types_v2_nothing *out,
                                    shmrpc_error *error);

/* How a call of fast has ended.  `value` lives until it returns, and is NULL
 * unless `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_fast_fn)(void *user, int status,
                                            const types_v2_nothing *value,
                                            const shmrpc_error *error);

/* Starts fast; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_fast_async(types_v2_everything *client,
                                   uint32_t client_, uint32_t opts_,
                                   uint32_t out_, uint32_t error_,
                                   uint32_t user_, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error,
                                   types_v2_everything_fast_fn done,
                                   void *user);

/* The reply of slow: read-only, and yours until you release it. */
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

/* Frees the reply. Any thread, also after close. NULL is fine. */
void types_v2_everything_slow_release(
    const types_v2_everything_slow_reply *reply);

/* Starts slow and returns `*out`, which types_v2_everything_slow_finish
 * ends. */
int types_v2_everything_slow_start(types_v2_everything *client,
                                   types_v2_everything_slow_counts counts,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error);

/* Waits for a call that types_v2_everything_slow_start returned, and ends it:
 * as types_v2_everything_slow does. */
int types_v2_everything_slow_finish(shmrpc_call *call,
                                    const types_v2_everything_slow_reply **out,
                                    shmrpc_error *error);

/* How a call of slow has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_slow_fn)(
    void *user, int status, const types_v2_everything_slow_reply *reply,
    const shmrpc_error *error);

/* Starts slow; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_slow_async(types_v2_everything *client,
                                   types_v2_everything_slow_counts counts,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error,
                                   types_v2_everything_slow_fn done,
                                   void *user);

/* The reply of parse: read-only, and yours until you release it. */
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

/* The details of TYPES_V2_ERR_BAD_TEXT; NULL: the call has not ended in it, or
 * the server sent none. Lives as long as the reply; NULL is fine. */
const types_v2_bad_text *types_v2_everything_parse_bad_text(
    const types_v2_everything_parse_reply *reply);

/* The details of COMMON_ERR_REFUSED; NULL: the call has not ended in it, or the
 * server sent none. Lives as long as the reply; NULL is fine. */
const common_refused *types_v2_everything_parse_refused(
    const types_v2_everything_parse_reply *reply);

/* Frees the reply. Any thread, also after close. NULL is fine. */
void types_v2_everything_parse_release(
    const types_v2_everything_parse_reply *reply);

/* Starts parse and returns `*out`, which types_v2_everything_parse_finish
 * ends. */
int types_v2_everything_parse_start(types_v2_everything *client,
                                    shmrpc_str text, const shmrpc_opts *opts,
                                    shmrpc_call **out, shmrpc_error *error);

/* Waits for a call that types_v2_everything_parse_start returned, and ends it:
 * as types_v2_everything_parse does. */
int types_v2_everything_parse_finish(
    shmrpc_call *call, const types_v2_everything_parse_reply **out,
    shmrpc_error *error);

/* How a call of parse has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_parse_fn)(
    void *user, int status, const types_v2_everything_parse_reply *reply,
    const shmrpc_error *error);

/* Starts parse; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_parse_async(types_v2_everything *client,
                                    shmrpc_str text, const shmrpc_opts *opts,
                                    shmrpc_call **out, shmrpc_error *error,
                                    types_v2_everything_parse_fn done,
                                    void *user);

/* The reply of store: read-only, and yours until you release it. */
typedef struct types_v2_everything_store_reply {
    char unused; /* it has no result, but its errors may have details */
} types_v2_everything_store_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_store_release, also after a declared error.  May return
 * TYPES_V2_ERR_FULL. */
int types_v2_everything_store(types_v2_everything *client,
                              const types_v2_flat *flat,
                              const shmrpc_opts *opts,
                              const types_v2_everything_store_reply **out,
                              shmrpc_error *error);

/* The details of TYPES_V2_ERR_FULL; NULL: the call has not ended in it, or the
 * server sent none. Lives as long as the reply; NULL is fine. */
const types_v2_full *types_v2_everything_store_full(
    const types_v2_everything_store_reply *reply);

/* Frees the reply. Any thread, also after close. NULL is fine. */
void types_v2_everything_store_release(
    const types_v2_everything_store_reply *reply);

/* Starts store and returns `*out`, which types_v2_everything_store_finish
 * ends. */
int types_v2_everything_store_start(types_v2_everything *client,
                                    const types_v2_flat *flat,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error);

/* Waits for a call that types_v2_everything_store_start returned, and ends it:
 * as types_v2_everything_store does. */
int types_v2_everything_store_finish(
    shmrpc_call *call, const types_v2_everything_store_reply **out,
    shmrpc_error *error);

/* How a call of store has ended.  `reply`, unless NULL, is yours until you
 * release it; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_store_fn)(
    void *user, int status, const types_v2_everything_store_reply *reply,
    const shmrpc_error *error);

/* Starts store; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_store_async(types_v2_everything *client,
                                    const types_v2_flat *flat,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error,
                                    types_v2_everything_store_fn done,
                                    void *user);

/* Returns when the request is on its way; nobody tells what becomes of it.  Not
 * sent: BUSY, or DEADLINE (the connection's, or that of `opts`), when all call
 * slots are in use; UNAVAILABLE, INVALID. */
int types_v2_everything_touch(types_v2_everything *client, uint64_t id,
                              const shmrpc_str *why, const shmrpc_opts *opts,
                              shmrpc_error *error);

/* Returns when the request is on its way; nobody tells what becomes of it.  Not
 * sent: BUSY, or DEADLINE (1 s, or that of `opts`), when all call slots are in
 * use; UNAVAILABLE, INVALID. */
int types_v2_everything_blob_away(types_v2_everything *client,
                                  shmrpc_bytes data, const shmrpc_opts *opts,
                                  shmrpc_error *error);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_close_(types_v2_everything *client,
                               const shmrpc_opts *opts, shmrpc_error *error);

/* Starts close and returns `*out`, which types_v2_everything_close__finish
 * ends. */
int types_v2_everything_close__start(types_v2_everything *client,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error);

/* Waits for a call that types_v2_everything_close__start returned, and ends it:
 * as types_v2_everything_close_ does. */
int types_v2_everything_close__finish(shmrpc_call *call, shmrpc_error *error);

/* How a call of close has ended.  `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_close__fn)(void *user, int status,
                                              const shmrpc_error *error);

/* Starts close; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_close__async(types_v2_everything *client,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error,
                                     types_v2_everything_close__fn done,
                                     void *user);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_connect_(types_v2_everything *client, uint32_t int_,
                                 const shmrpc_opts *opts, uint32_t *out,
                                 shmrpc_error *error);

/* Starts connect and returns `*out`, which types_v2_everything_connect__finish
 * ends. */
int types_v2_everything_connect__start(types_v2_everything *client,
                                       uint32_t int_, const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error);

/* Waits for a call that types_v2_everything_connect__start returned, and ends
 * it: as types_v2_everything_connect_ does. */
int types_v2_everything_connect__finish(shmrpc_call *call, uint32_t *out,
                                        shmrpc_error *error);

/* How a call of connect has ended.  `value` lives until it returns, and is NULL
 * unless `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*types_v2_everything_connect__fn)(void *user, int status,
                                                const uint32_t *value,
                                                const shmrpc_error *error);

/* Starts connect; types_v2_everything_dispatch calls `done` when it is over.
 * `out`, which may be NULL, is for cancelling. */
int types_v2_everything_connect__async(types_v2_everything *client,
                                       uint32_t int_, const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error,
                                       types_v2_everything_connect__fn done,
                                       void *user);

/*
 * A connection to the service "other".
 */
typedef struct types_v2_other types_v2_other;

/* Connects to `where`, one or more addresses separated by commas; NULL is this
 * machine. `defaults`, which may be NULL, also applies to the calls. Blocks for
 * 5 s at most. UNAVAILABLE: nobody serves there; CONTRACT: the server's
 * interface differs. Close the client when done. */
int types_v2_other_connect(const char *where, const shmrpc_opts *defaults,
                           types_v2_other **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Pending callbacks are called
 * first, with SHMRPC_E_CANCELLED. Replies stay valid. NULL is fine. */
void types_v2_other_close(types_v2_other *client);

/* Reads the client's counters: how often it has reconnected, and sent calls
 * again. */
void types_v2_other_read_stats(const types_v2_other *client,
                               shmrpc_client_stats *out);

/* A descriptor that is readable when types_v2_other_dispatch has something to
 * do: for poll, epoll and event loops. It belongs to the client and stays the
 * same until close. Negative: a shmrpc_status. */
int types_v2_other_fd(types_v2_other *client);

/* Calls, on this thread, the callbacks of the calls that are over; returns how
 * many.  Does not block. */
int types_v2_other_dispatch(types_v2_other *client);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_other_ping(types_v2_other *client, const shmrpc_opts *opts,
                        types_v2_order *out, shmrpc_error *error);

/* Starts ping and returns `*out`, which types_v2_other_ping_finish ends. */
int types_v2_other_ping_start(types_v2_other *client, const shmrpc_opts *opts,
                              shmrpc_call **out, shmrpc_error *error);

/* Waits for a call that types_v2_other_ping_start returned, and ends it: as
 * types_v2_other_ping does. */
int types_v2_other_ping_finish(shmrpc_call *call, types_v2_order *out,
                               shmrpc_error *error);

/* How a call of ping has ended.  `value` lives until it returns, and is NULL
 * unless `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*types_v2_other_ping_fn)(void *user, int status,
                                       const types_v2_order *value,
                                       const shmrpc_error *error);

/* Starts ping; types_v2_other_dispatch calls `done` when it is over.  `out`,
 * which may be NULL, is for cancelling. */
int types_v2_other_ping_async(types_v2_other *client, const shmrpc_opts *opts,
                              shmrpc_call **out, shmrpc_error *error,
                              types_v2_other_ping_fn done, void *user);

SHMRPC_END_DECLS

#endif
