/*
 * Servers of flows.svc, made by shmrpcgen: edit that file instead.
 *
 * Handlers return 0, a shmrpc_status, or an error that the method declares;
 * their arguments, and memory from shmrpc_ctx_alloc, live until the reply has
 * been sent. A result may also be static or your own. The return value of a
 * handler of a oneway method is not sent.
 * Threading: handlers run on worker threads, several at a time unless the
 * server has one worker; the other functions belong to one thread.
 */
#ifndef FLOWS_FLOWS_SERVER_H
#define FLOWS_FLOWS_SERVER_H

#include <shmrpc/error.h>
#include <shmrpc/server.h>

#include "flows.h"

SHMRPC_BEGIN_DECLS

/* Ends the call in FLOWS_ERR_TOO_MANY: `return flows_raise_too_many(ctx,
 * &detail);`. Copies `detail`; NULL sends none. Returns FLOWS_ERR_TOO_MANY, or
 * a failure: INTERNAL if `detail` is out of its bounds. */
int flows_raise_too_many(shmrpc_ctx *ctx, const flows_too_many *detail);

/* Where the items of words go; valid until the handler returns. */
typedef struct flows_flows_words_sink flows_flows_words_sink;

/* Sends an item. 0: it was sent. Waits for room. CANCELLED, DEADLINE: nobody
 * waits for it any more; ABORTED: a deadlock, both ends wait for room and
 * neither reads; INTERNAL: the item breaks its own bounds. */
int flows_flows_words_sink_send(flows_flows_words_sink *out,
                                const flows_word *item);

/* The same, but returns BUSY instead of waiting for room. */
int flows_flows_words_sink_try_send(flows_flows_words_sink *out,
                                    const flows_word *item);

/* How many of the sent items the client has read and released: a lower
 * bound. */
uint64_t flows_flows_words_sink_delivered(const flows_flows_words_sink *out);

/* The step that is passed to flows_flows_words_detach. Returns SHMRPC_MORE, to
 * be called again when there is something to do, or what a handler would
 * return. Sending and reading never wait in it, but return BUSY. */
typedef int flows_flows_words_step(shmrpc_ctx *ctx, void *state,
                                   flows_flows_words_sink *out);

/* Frees the worker: the handler must return what this returns. SHMRPC_DETACHED:
 * from now on `step` is called, by one thread at a time: soon; when an item has
 * come, or room, after it got BUSY; at the end of the client's items; after
 * shmrpc_stream_wake. `drop`, unless NULL, is called last, once, however the
 * call ends. Any other status: nothing has changed. */
int flows_flows_words_detach(flows_flows_words_sink *out,
                             flows_flows_words_step *step, void *state,
                             void (*drop)(void *state));

/* Where the items of count come from; valid until the handler returns. */
typedef struct flows_flows_count_source flows_flows_count_source;

/* Waits for the next item, which lives until the next call. SHMRPC_MORE (1):
 * there is one; 0: there are no more; CANCELLED, DEADLINE: nobody waits for the
 * result any more; INVALID: it can't be decoded; return this status. */
int flows_flows_count_source_next(flows_flows_count_source *in,
                                  const flows_word **item);

/* The same, but returns BUSY if there is none yet. */
int flows_flows_count_source_try_next(flows_flows_count_source *in,
                                      const flows_word **item);

/* The step that is passed to flows_flows_count_detach. Returns SHMRPC_MORE, to
 * be called again when there is something to do, or what a handler would
 * return. Sending and reading never wait in it, but return BUSY. */
typedef int flows_flows_count_step(shmrpc_ctx *ctx, void *state,
                                   flows_flows_count_source *in, uint64_t *ret);

/* Frees the worker: the handler must return what this returns. SHMRPC_DETACHED:
 * from now on `step` is called, by one thread at a time: soon; when an item has
 * come, or room, after it got BUSY; at the end of the client's items; after
 * shmrpc_stream_wake. `drop`, unless NULL, is called last, once, however the
 * call ends. Any other status: nothing has changed. */
int flows_flows_count_detach(flows_flows_count_source *in,
                             flows_flows_count_step *step, void *state,
                             void (*drop)(void *state));

/* Where the items of joined come from; valid until the handler returns. */
typedef struct flows_flows_joined_source flows_flows_joined_source;

/* Waits for the next item, which lives until the next call. SHMRPC_MORE (1):
 * there is one; 0: there are no more; CANCELLED, DEADLINE: nobody waits for the
 * result any more; INVALID: it can't be decoded; return this status. */
int flows_flows_joined_source_next(flows_flows_joined_source *in,
                                   const shmrpc_str **item);

/* The same, but returns BUSY if there is none yet. */
int flows_flows_joined_source_try_next(flows_flows_joined_source *in,
                                       const shmrpc_str **item);

/* The step that is passed to flows_flows_joined_detach. Returns SHMRPC_MORE, to
 * be called again when there is something to do, or what a handler would
 * return. Sending and reading never wait in it, but return BUSY. */
typedef int flows_flows_joined_step(shmrpc_ctx *ctx, void *state,
                                    flows_flows_joined_source *in,
                                    shmrpc_str *ret);

/* Frees the worker: the handler must return what this returns. SHMRPC_DETACHED:
 * from now on `step` is called, by one thread at a time: soon; when an item has
 * come, or room, after it got BUSY; at the end of the client's items; after
 * shmrpc_stream_wake. `drop`, unless NULL, is called last, once, however the
 * call ends. Any other status: nothing has changed. */
int flows_flows_joined_detach(flows_flows_joined_source *in,
                              flows_flows_joined_step *step, void *state,
                              void (*drop)(void *state));

/* Where the items of drop come from; valid until the handler returns. */
typedef struct flows_flows_drop_source flows_flows_drop_source;

/* Waits for the next item, which lives until the next call. SHMRPC_MORE (1):
 * there is one; 0: there are no more; CANCELLED, DEADLINE: nobody waits for the
 * result any more; INVALID: it can't be decoded; return this status. */
int flows_flows_drop_source_next(flows_flows_drop_source *in,
                                 const uint32_t **item);

/* The same, but returns BUSY if there is none yet. */
int flows_flows_drop_source_try_next(flows_flows_drop_source *in,
                                     const uint32_t **item);

/* The step that is passed to flows_flows_drop_detach. Returns SHMRPC_MORE, to
 * be called again when there is something to do, or what a handler would
 * return. Sending and reading never wait in it, but return BUSY. */
typedef int flows_flows_drop_step(shmrpc_ctx *ctx, void *state,
                                  flows_flows_drop_source *in);

/* Frees the worker: the handler must return what this returns. SHMRPC_DETACHED:
 * from now on `step` is called, by one thread at a time: soon; when an item has
 * come, or room, after it got BUSY; at the end of the client's items; after
 * shmrpc_stream_wake. `drop`, unless NULL, is called last, once, however the
 * call ends. Any other status: nothing has changed. */
int flows_flows_drop_detach(flows_flows_drop_source *in,
                            flows_flows_drop_step *step, void *state,
                            void (*drop)(void *state));

/* Where the items of twice go; valid until the handler returns. */
typedef struct flows_flows_twice_sink flows_flows_twice_sink;

/* Sends an item. 0: it was sent. Waits for room. CANCELLED, DEADLINE: nobody
 * waits for it any more; ABORTED: a deadlock, both ends wait for room and
 * neither reads; INTERNAL: the item breaks its own bounds. */
int flows_flows_twice_sink_send(flows_flows_twice_sink *out,
                                const int64_t *item);

/* The same, but returns BUSY instead of waiting for room. */
int flows_flows_twice_sink_try_send(flows_flows_twice_sink *out,
                                    const int64_t *item);

/* How many of the sent items the client has read and released: a lower
 * bound. */
uint64_t flows_flows_twice_sink_delivered(const flows_flows_twice_sink *out);

/* Lends zeroed memory for the next item, in the window itself if it is shared
 * and large enough; until commit or abort nothing else can be sent. Waits for
 * room, with the statuses of send. */
int flows_flows_twice_sink_loan(flows_flows_twice_sink *out, int64_t **item);

/* Sends the loan, with the statuses of send. */
int flows_flows_twice_sink_commit(flows_flows_twice_sink *out,
                                  const int64_t *item);

/* Drops the loan: no item is sent. */
void flows_flows_twice_sink_abort(flows_flows_twice_sink *out,
                                  const int64_t *item);

/* Where the items of twice come from; valid until the handler returns. */
typedef struct flows_flows_twice_source flows_flows_twice_source;

/* Waits for the next item, which lives until the next call. SHMRPC_MORE (1):
 * there is one; 0: there are no more; CANCELLED, DEADLINE: nobody waits for the
 * result any more; INVALID: it can't be decoded; return this status. */
int flows_flows_twice_source_next(flows_flows_twice_source *in,
                                  const int64_t **item);

/* The same, but returns BUSY if there is none yet. */
int flows_flows_twice_source_try_next(flows_flows_twice_source *in,
                                      const int64_t **item);

/* The step that is passed to flows_flows_twice_detach. Returns SHMRPC_MORE, to
 * be called again when there is something to do, or what a handler would
 * return. Sending and reading never wait in it, but return BUSY. */
typedef int flows_flows_twice_step(shmrpc_ctx *ctx, void *state,
                                   flows_flows_twice_source *in,
                                   flows_flows_twice_sink *out);

/* Frees the worker: the handler must return what this returns. SHMRPC_DETACHED:
 * from now on `step` is called, by one thread at a time: soon; when an item has
 * come, or room, after it got BUSY; at the end of the client's items; after
 * shmrpc_stream_wake. `drop`, unless NULL, is called last, once, however the
 * call ends. Any other status: nothing has changed. */
int flows_flows_twice_detach(flows_flows_twice_sink *out,
                             flows_flows_twice_step *step, void *state,
                             void (*drop)(void *state));

/* Where the items of sums go; valid until the handler returns. */
typedef struct flows_flows_sums_sink flows_flows_sums_sink;

/* Sends an item. 0: it was sent. Waits for room. CANCELLED, DEADLINE: nobody
 * waits for it any more; ABORTED: a deadlock, both ends wait for room and
 * neither reads; INTERNAL: the item breaks its own bounds. */
int flows_flows_sums_sink_send(flows_flows_sums_sink *out,
                               const flows_flows_sums_result *item);

/* The same, but returns BUSY instead of waiting for room. */
int flows_flows_sums_sink_try_send(flows_flows_sums_sink *out,
                                   const flows_flows_sums_result *item);

/* How many of the sent items the client has read and released: a lower
 * bound. */
uint64_t flows_flows_sums_sink_delivered(const flows_flows_sums_sink *out);

/* Where the items of sums come from; valid until the handler returns. */
typedef struct flows_flows_sums_source flows_flows_sums_source;

/* Waits for the next item, which lives until the next call. SHMRPC_MORE (1):
 * there is one; 0: there are no more; CANCELLED, DEADLINE: nobody waits for the
 * result any more; INVALID: it can't be decoded; return this status. */
int flows_flows_sums_source_next(flows_flows_sums_source *in,
                                 const shmrpc_u32_list **item);

/* The same, but returns BUSY if there is none yet. */
int flows_flows_sums_source_try_next(flows_flows_sums_source *in,
                                     const shmrpc_u32_list **item);

/* The step that is passed to flows_flows_sums_detach. Returns SHMRPC_MORE, to
 * be called again when there is something to do, or what a handler would
 * return. Sending and reading never wait in it, but return BUSY. */
typedef int flows_flows_sums_step(shmrpc_ctx *ctx, void *state,
                                  flows_flows_sums_source *in,
                                  flows_flows_sums_sink *out);

/* Frees the worker: the handler must return what this returns. SHMRPC_DETACHED:
 * from now on `step` is called, by one thread at a time: soon; when an item has
 * come, or room, after it got BUSY; at the end of the client's items; after
 * shmrpc_stream_wake. `drop`, unless NULL, is called last, once, however the
 * call ends. Any other status: nothing has changed. */
int flows_flows_sums_detach(flows_flows_sums_sink *out,
                            flows_flows_sums_step *step, void *state,
                            void (*drop)(void *state));

/* Where the items of cat go; valid until the handler returns. */
typedef struct flows_flows_cat_sink flows_flows_cat_sink;

/* Sends an item. 0: it was sent. Waits for room. CANCELLED, DEADLINE: nobody
 * waits for it any more; ABORTED: a deadlock, both ends wait for room and
 * neither reads; INTERNAL: the item breaks its own bounds. */
int flows_flows_cat_sink_send(flows_flows_cat_sink *out,
                              const shmrpc_bytes *item);

/* The same, but returns BUSY instead of waiting for room. */
int flows_flows_cat_sink_try_send(flows_flows_cat_sink *out,
                                  const shmrpc_bytes *item);

/* How many of the sent items the client has read and released: a lower
 * bound. */
uint64_t flows_flows_cat_sink_delivered(const flows_flows_cat_sink *out);

/* Lends memory for the next item, in the window itself if it is shared and
 * large enough; until commit or abort nothing else can be sent. Waits for room,
 * with the statuses of send. */
int flows_flows_cat_sink_loan(flows_flows_cat_sink *out, size_t len,
                              uint8_t **at);

/* Sends the first `len` bytes of the loan, with the statuses of send. */
int flows_flows_cat_sink_commit(flows_flows_cat_sink *out, const uint8_t *at,
                                size_t len);

/* Drops the loan: no item is sent. */
void flows_flows_cat_sink_abort(flows_flows_cat_sink *out, const uint8_t *at);

/* The step that is passed to flows_flows_cat_detach. Returns SHMRPC_MORE, to be
 * called again when there is something to do, or what a handler would return.
 * Sending and reading never wait in it, but return BUSY. */
typedef int flows_flows_cat_step(shmrpc_ctx *ctx, void *state,
                                 flows_flows_cat_sink *out);

/* Frees the worker: the handler must return what this returns. SHMRPC_DETACHED:
 * from now on `step` is called, by one thread at a time: soon; when an item has
 * come, or room, after it got BUSY; at the end of the client's items; after
 * shmrpc_stream_wake. `drop`, unless NULL, is called last, once, however the
 * call ends. Any other status: nothing has changed. */
int flows_flows_cat_detach(flows_flows_cat_sink *out,
                           flows_flows_cat_step *step, void *state,
                           void (*drop)(void *state));

/* Where the items of through go; valid until the handler returns. */
typedef struct flows_flows_through_sink flows_flows_through_sink;

/* Sends an item. 0: it was sent. Waits for room. CANCELLED, DEADLINE: nobody
 * waits for it any more; ABORTED: a deadlock, both ends wait for room and
 * neither reads; INTERNAL: the item breaks its own bounds. */
int flows_flows_through_sink_send(flows_flows_through_sink *out,
                                  const shmrpc_bytes *item);

/* The same, but returns BUSY instead of waiting for room. */
int flows_flows_through_sink_try_send(flows_flows_through_sink *out,
                                      const shmrpc_bytes *item);

/* How many of the sent items the client has read and released: a lower
 * bound. */
uint64_t flows_flows_through_sink_delivered(
    const flows_flows_through_sink *out);

/* Lends memory for the next item, in the window itself if it is shared and
 * large enough; until commit or abort nothing else can be sent. Waits for room,
 * with the statuses of send. */
int flows_flows_through_sink_loan(flows_flows_through_sink *out, size_t len,
                                  uint8_t **at);

/* Sends the first `len` bytes of the loan, with the statuses of send. */
int flows_flows_through_sink_commit(flows_flows_through_sink *out,
                                    const uint8_t *at, size_t len);

/* Drops the loan: no item is sent. */
void flows_flows_through_sink_abort(flows_flows_through_sink *out,
                                    const uint8_t *at);

/* Where the items of through come from; valid until the handler returns. */
typedef struct flows_flows_through_source flows_flows_through_source;

/* Waits for the next item, which lives until the next call. SHMRPC_MORE (1):
 * there is one; 0: there are no more; CANCELLED, DEADLINE: nobody waits for the
 * result any more; INVALID: it can't be decoded; return this status. */
int flows_flows_through_source_next(flows_flows_through_source *in,
                                    const shmrpc_bytes **item);

/* The same, but returns BUSY if there is none yet. */
int flows_flows_through_source_try_next(flows_flows_through_source *in,
                                        const shmrpc_bytes **item);

/* The step that is passed to flows_flows_through_detach. Returns SHMRPC_MORE,
 * to be called again when there is something to do, or what a handler would
 * return. Sending and reading never wait in it, but return BUSY. */
typedef int flows_flows_through_step(shmrpc_ctx *ctx, void *state,
                                     flows_flows_through_source *in,
                                     flows_flows_through_sink *out);

/* Frees the worker: the handler must return what this returns. SHMRPC_DETACHED:
 * from now on `step` is called, by one thread at a time: soon; when an item has
 * come, or room, after it got BUSY; at the end of the client's items; after
 * shmrpc_stream_wake. `drop`, unless NULL, is called last, once, however the
 * call ends. Any other status: nothing has changed. */
int flows_flows_through_detach(flows_flows_through_sink *out,
                               flows_flows_through_step *step, void *state,
                               void (*drop)(void *state));

/*
 * Every shape that a stream has.
 *
 The handlers of Flows. Initialise it with FLOWS_FLOWS_IMPL_INIT;
 * handlers that stay NULL answer UNIMPLEMENTED.
 */
typedef struct flows_flows_impl {
    size_t size; /* lets methods be added without recompiling */

    /* The words of a text as they are found. */
    int (*words)(shmrpc_ctx *ctx, void *user, shmrpc_str text,
                 flows_flows_words_sink *out);

    /* Counts what is sent. */
    int (*count)(shmrpc_ctx *ctx, void *user, uint64_t most,
                 flows_flows_count_source *in, uint64_t *ret);

    /* Everything in one text. */
    int (*joined)(shmrpc_ctx *ctx, void *user, flows_flows_joined_source *in,
                  shmrpc_str *ret);

    /* Nothing comes back but the end. */
    int (*drop)(shmrpc_ctx *ctx, void *user, flows_flows_drop_source *in);

    /* Twice each number. */
    int (*twice)(shmrpc_ctx *ctx, void *user, flows_flows_twice_source *in,
                 flows_flows_twice_sink *out);

    /* Lists and maps go as well. */
    int (*sums)(shmrpc_ctx *ctx, void *user, const uint32_t *in_,
                flows_flows_sums_source *in, flows_flows_sums_sink *out);

    /* The bytes of one, in pieces. */
    int (*cat)(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
               flows_flows_cat_sink *out);

    /* Back as they came. */
    int (*through)(shmrpc_ctx *ctx, void *user, flows_flows_through_source *in,
                   flows_flows_through_sink *out);

    /* No stream: as ever. */
    int (*add)(shmrpc_ctx *ctx, void *user, int64_t a, int64_t b, int64_t *ret);
} flows_flows_impl;

#define FLOWS_FLOWS_IMPL_INIT \
    { \
        sizeof(flows_flows_impl), \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL \
    }

/* Answers a call of add that its handler has detached, as shmrpc_ctx_reply
 * does; `result` counts if `status` is 0. */
int flows_flows_add_answer(shmrpc_ctx *call, int status, const int64_t *result);

/* Serves `impl`, which is copied, from now on; `user` is passed to every
 * handler. A server may have any number of services. EXISTS: the service runs
 * already, and the error says where; INVALID: `impl` was not initialised as
 * above. */
int flows_flows_serve(shmrpc_server *server, const flows_flows_impl *impl,
                      void *user, shmrpc_error *error);

/* The main function of a program that only serves `impl`: reads options (--help
 * lists them), serves until SIGINT or SIGTERM, and returns the exit status. */
int flows_flows_main(int argc, char **argv, const flows_flows_impl *impl,
                     void *user);

SHMRPC_END_DECLS

#endif
