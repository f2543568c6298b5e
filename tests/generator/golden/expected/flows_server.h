/*
 * Servers of flows.svc, made by shmrpcgen: edit that file instead.
 *
 * Handlers return 0, a shmrpc_status, or the number of an error that the method
 * declares. Their arguments, and memory from shmrpc_ctx_alloc, are valid until
 * the reply has been sent. A result may also point to static memory or to
 * memory of your own. The return value of a oneway method's handler is not
 * sent.
 * Threading: handlers run on worker threads, several at a time unless the
 * server has one worker; the other functions are for one thread at a time.
 */
#ifndef FLOWS_FLOWS_SERVER_H
#define FLOWS_FLOWS_SERVER_H

#include <shmrpc/error.h>
#include <shmrpc/server.h>

#include "flows.h"

SHMRPC_BEGIN_DECLS

/* Makes the call end in FLOWS_ERR_TOO_MANY: `return flows_raise_too_many(ctx,
 * &detail);`. Copies `detail`; with NULL no details are sent. Returns
 * FLOWS_ERR_TOO_MANY, or on failure a status, such as INTERNAL if `detail` is
 * outside of its bounds. */
int flows_raise_too_many(shmrpc_ctx *ctx, const flows_too_many *detail);

/* Takes the items that words sends to the client; valid until the handler
 * returns. */
typedef struct flows_flows_words_sink flows_flows_words_sink;

/* Sends an item; waits for room in the window. Returns 0 if the item was sent;
 * CANCELLED or DEADLINE if the client no longer waits for items; ABORTED after
 * a deadlock, in which both ends wait for room and neither reads; INTERNAL if
 * the item is outside of its bounds. */
int flows_flows_words_sink_send(flows_flows_words_sink *out,
                                const flows_word *item);

/* Like send, but returns BUSY instead of waiting for room. */
int flows_flows_words_sink_try_send(flows_flows_words_sink *out,
                                    const flows_word *item);

/* The number of sent items that the client has read and released; a lower
 * bound. */
uint64_t flows_flows_words_sink_delivered(const flows_flows_words_sink *out);

/* The step function passed to flows_flows_words_detach. It returns SHMRPC_MORE
 * to be called again when there is something to do, or what a handler would
 * return to end the call. In it, sending and reading never wait, but return
 * BUSY. */
typedef int flows_flows_words_step(shmrpc_ctx *ctx, void *state,
                                   flows_flows_words_sink *out);

/* Detaches the call from its worker, which can then run other calls. The
 * handler must return what this function returns. After SHMRPC_DETACHED, `step`
 * is called by one thread at a time: once soon; after it got BUSY, when an item
 * or room has become available; at the end of the client's items; and after
 * shmrpc_stream_wake. `drop`, unless NULL, is called once at the very end,
 * however the call ends. Any other status means that the call is not
 * detached. */
int flows_flows_words_detach(flows_flows_words_sink *out,
                             flows_flows_words_step *step, void *state,
                             void (*drop)(void *state));

/* Provides the items that the client sends to count; valid until the handler
 * returns. */
typedef struct flows_flows_count_source flows_flows_count_source;

/* Waits for the next item, which is valid until the next call. Returns
 * SHMRPC_MORE (1) with an item; 0 if there are no more items; CANCELLED or
 * DEADLINE if the client no longer waits for the result; INVALID if the item
 * can't be decoded. The handler should return these statuses. */
int flows_flows_count_source_next(flows_flows_count_source *in,
                                  const flows_word **item);

/* Like next, but returns BUSY if there is no item yet. */
int flows_flows_count_source_try_next(flows_flows_count_source *in,
                                      const flows_word **item);

/* The step function passed to flows_flows_count_detach. It returns SHMRPC_MORE
 * to be called again when there is something to do, or what a handler would
 * return to end the call. In it, sending and reading never wait, but return
 * BUSY. */
typedef int flows_flows_count_step(shmrpc_ctx *ctx, void *state,
                                   flows_flows_count_source *in, uint64_t *ret);

/* Detaches the call from its worker, which can then run other calls. The
 * handler must return what this function returns. After SHMRPC_DETACHED, `step`
 * is called by one thread at a time: once soon; after it got BUSY, when an item
 * or room has become available; at the end of the client's items; and after
 * shmrpc_stream_wake. `drop`, unless NULL, is called once at the very end,
 * however the call ends. Any other status means that the call is not
 * detached. */
int flows_flows_count_detach(flows_flows_count_source *in,
                             flows_flows_count_step *step, void *state,
                             void (*drop)(void *state));

/* Provides the items that the client sends to joined; valid until the handler
 * returns. */
typedef struct flows_flows_joined_source flows_flows_joined_source;

/* Waits for the next item, which is valid until the next call. Returns
 * SHMRPC_MORE (1) with an item; 0 if there are no more items; CANCELLED or
 * DEADLINE if the client no longer waits for the result; INVALID if the item
 * can't be decoded. The handler should return these statuses. */
int flows_flows_joined_source_next(flows_flows_joined_source *in,
                                   const shmrpc_str **item);

/* Like next, but returns BUSY if there is no item yet. */
int flows_flows_joined_source_try_next(flows_flows_joined_source *in,
                                       const shmrpc_str **item);

/* The step function passed to flows_flows_joined_detach. It returns SHMRPC_MORE
 * to be called again when there is something to do, or what a handler would
 * return to end the call. In it, sending and reading never wait, but return
 * BUSY. */
typedef int flows_flows_joined_step(shmrpc_ctx *ctx, void *state,
                                    flows_flows_joined_source *in,
                                    shmrpc_str *ret);

/* Detaches the call from its worker, which can then run other calls. The
 * handler must return what this function returns. After SHMRPC_DETACHED, `step`
 * is called by one thread at a time: once soon; after it got BUSY, when an item
 * or room has become available; at the end of the client's items; and after
 * shmrpc_stream_wake. `drop`, unless NULL, is called once at the very end,
 * however the call ends. Any other status means that the call is not
 * detached. */
int flows_flows_joined_detach(flows_flows_joined_source *in,
                              flows_flows_joined_step *step, void *state,
                              void (*drop)(void *state));

/* Provides the items that the client sends to drop; valid until the handler
 * returns. */
typedef struct flows_flows_drop_source flows_flows_drop_source;

/* Waits for the next item, which is valid until the next call. Returns
 * SHMRPC_MORE (1) with an item; 0 if there are no more items; CANCELLED or
 * DEADLINE if the client no longer waits for the result; INVALID if the item
 * can't be decoded. The handler should return these statuses. */
int flows_flows_drop_source_next(flows_flows_drop_source *in,
                                 const uint32_t **item);

/* Like next, but returns BUSY if there is no item yet. */
int flows_flows_drop_source_try_next(flows_flows_drop_source *in,
                                     const uint32_t **item);

/* The step function passed to flows_flows_drop_detach. It returns SHMRPC_MORE
 * to be called again when there is something to do, or what a handler would
 * return to end the call. In it, sending and reading never wait, but return
 * BUSY. */
typedef int flows_flows_drop_step(shmrpc_ctx *ctx, void *state,
                                  flows_flows_drop_source *in);

/* Detaches the call from its worker, which can then run other calls. The
 * handler must return what this function returns. After SHMRPC_DETACHED, `step`
 * is called by one thread at a time: once soon; after it got BUSY, when an item
 * or room has become available; at the end of the client's items; and after
 * shmrpc_stream_wake. `drop`, unless NULL, is called once at the very end,
 * however the call ends. Any other status means that the call is not
 * detached. */
int flows_flows_drop_detach(flows_flows_drop_source *in,
                            flows_flows_drop_step *step, void *state,
                            void (*drop)(void *state));

/* Takes the items that twice sends to the client; valid until the handler
 * returns. */
typedef struct flows_flows_twice_sink flows_flows_twice_sink;

/* Sends an item; waits for room in the window. Returns 0 if the item was sent;
 * CANCELLED or DEADLINE if the client no longer waits for items; ABORTED after
 * a deadlock, in which both ends wait for room and neither reads; INTERNAL if
 * the item is outside of its bounds. */
int flows_flows_twice_sink_send(flows_flows_twice_sink *out,
                                const int64_t *item);

/* Like send, but returns BUSY instead of waiting for room. */
int flows_flows_twice_sink_try_send(flows_flows_twice_sink *out,
                                    const int64_t *item);

/* The number of sent items that the client has read and released; a lower
 * bound. */
uint64_t flows_flows_twice_sink_delivered(const flows_flows_twice_sink *out);

/* Lends zeroed memory for the next item. The memory is part of the window if
 * the window is shared and large enough. Until commit or abort nothing else can
 * be sent. Waits for room in the window, and returns the same statuses as
 * send. */
int flows_flows_twice_sink_loan(flows_flows_twice_sink *out, int64_t **item);

/* Sends the loan; returns the same statuses as send. */
int flows_flows_twice_sink_commit(flows_flows_twice_sink *out,
                                  const int64_t *item);

/* Drops the loan without sending an item. */
void flows_flows_twice_sink_abort(flows_flows_twice_sink *out,
                                  const int64_t *item);

/* Provides the items that the client sends to twice; valid until the handler
 * returns. */
typedef struct flows_flows_twice_source flows_flows_twice_source;

/* Waits for the next item, which is valid until the next call. Returns
 * SHMRPC_MORE (1) with an item; 0 if there are no more items; CANCELLED or
 * DEADLINE if the client no longer waits for the result; INVALID if the item
 * can't be decoded. The handler should return these statuses. */
int flows_flows_twice_source_next(flows_flows_twice_source *in,
                                  const int64_t **item);

/* Like next, but returns BUSY if there is no item yet. */
int flows_flows_twice_source_try_next(flows_flows_twice_source *in,
                                      const int64_t **item);

/* The step function passed to flows_flows_twice_detach. It returns SHMRPC_MORE
 * to be called again when there is something to do, or what a handler would
 * return to end the call. In it, sending and reading never wait, but return
 * BUSY. */
typedef int flows_flows_twice_step(shmrpc_ctx *ctx, void *state,
                                   flows_flows_twice_source *in,
                                   flows_flows_twice_sink *out);

/* Detaches the call from its worker, which can then run other calls. The
 * handler must return what this function returns. After SHMRPC_DETACHED, `step`
 * is called by one thread at a time: once soon; after it got BUSY, when an item
 * or room has become available; at the end of the client's items; and after
 * shmrpc_stream_wake. `drop`, unless NULL, is called once at the very end,
 * however the call ends. Any other status means that the call is not
 * detached. */
int flows_flows_twice_detach(flows_flows_twice_sink *out,
                             flows_flows_twice_step *step, void *state,
                             void (*drop)(void *state));

/* Takes the items that sums sends to the client; valid until the handler
 * returns. */
typedef struct flows_flows_sums_sink flows_flows_sums_sink;

/* Sends an item; waits for room in the window. Returns 0 if the item was sent;
 * CANCELLED or DEADLINE if the client no longer waits for items; ABORTED after
 * a deadlock, in which both ends wait for room and neither reads; INTERNAL if
 * the item is outside of its bounds. */
int flows_flows_sums_sink_send(flows_flows_sums_sink *out,
                               const flows_flows_sums_result *item);

/* Like send, but returns BUSY instead of waiting for room. */
int flows_flows_sums_sink_try_send(flows_flows_sums_sink *out,
                                   const flows_flows_sums_result *item);

/* The number of sent items that the client has read and released; a lower
 * bound. */
uint64_t flows_flows_sums_sink_delivered(const flows_flows_sums_sink *out);

/* Provides the items that the client sends to sums; valid until the handler
 * returns. */
typedef struct flows_flows_sums_source flows_flows_sums_source;

/* Waits for the next item, which is valid until the next call. Returns
 * SHMRPC_MORE (1) with an item; 0 if there are no more items; CANCELLED or
 * DEADLINE if the client no longer waits for the result; INVALID if the item
 * can't be decoded. The handler should return these statuses. */
int flows_flows_sums_source_next(flows_flows_sums_source *in,
                                 const shmrpc_u32_list **item);

/* Like next, but returns BUSY if there is no item yet. */
int flows_flows_sums_source_try_next(flows_flows_sums_source *in,
                                     const shmrpc_u32_list **item);

/* The step function passed to flows_flows_sums_detach. It returns SHMRPC_MORE
 * to be called again when there is something to do, or what a handler would
 * return to end the call. In it, sending and reading never wait, but return
 * BUSY. */
typedef int flows_flows_sums_step(shmrpc_ctx *ctx, void *state,
                                  flows_flows_sums_source *in,
                                  flows_flows_sums_sink *out);

/* Detaches the call from its worker, which can then run other calls. The
 * handler must return what this function returns. After SHMRPC_DETACHED, `step`
 * is called by one thread at a time: once soon; after it got BUSY, when an item
 * or room has become available; at the end of the client's items; and after
 * shmrpc_stream_wake. `drop`, unless NULL, is called once at the very end,
 * however the call ends. Any other status means that the call is not
 * detached. */
int flows_flows_sums_detach(flows_flows_sums_sink *out,
                            flows_flows_sums_step *step, void *state,
                            void (*drop)(void *state));

/* Takes the items that cat sends to the client; valid until the handler
 * returns. */
typedef struct flows_flows_cat_sink flows_flows_cat_sink;

/* Sends an item; waits for room in the window. Returns 0 if the item was sent;
 * CANCELLED or DEADLINE if the client no longer waits for items; ABORTED after
 * a deadlock, in which both ends wait for room and neither reads; INTERNAL if
 * the item is outside of its bounds. */
int flows_flows_cat_sink_send(flows_flows_cat_sink *out,
                              const shmrpc_bytes *item);

/* Like send, but returns BUSY instead of waiting for room. */
int flows_flows_cat_sink_try_send(flows_flows_cat_sink *out,
                                  const shmrpc_bytes *item);

/* The number of sent items that the client has read and released; a lower
 * bound. */
uint64_t flows_flows_cat_sink_delivered(const flows_flows_cat_sink *out);

/* Lends memory for the next item. The memory is part of the window if the
 * window is shared and large enough. Until commit or abort nothing else can be
 * sent. Waits for room in the window, and returns the same statuses as send. */
int flows_flows_cat_sink_loan(flows_flows_cat_sink *out, size_t len,
                              uint8_t **at);

/* Sends the first `len` bytes of the loan; returns the same statuses as
 * send. */
int flows_flows_cat_sink_commit(flows_flows_cat_sink *out, const uint8_t *at,
                                size_t len);

/* Drops the loan without sending an item. */
void flows_flows_cat_sink_abort(flows_flows_cat_sink *out, const uint8_t *at);

/* The step function passed to flows_flows_cat_detach. It returns SHMRPC_MORE to
 * be called again when there is something to do, or what a handler would return
 * to end the call. In it, sending and reading never wait, but return BUSY. */
typedef int flows_flows_cat_step(shmrpc_ctx *ctx, void *state,
                                 flows_flows_cat_sink *out);

/* Detaches the call from its worker, which can then run other calls. The
 * handler must return what this function returns. After SHMRPC_DETACHED, `step`
 * is called by one thread at a time: once soon; after it got BUSY, when an item
 * or room has become available; at the end of the client's items; and after
 * shmrpc_stream_wake. `drop`, unless NULL, is called once at the very end,
 * however the call ends. Any other status means that the call is not
 * detached. */
int flows_flows_cat_detach(flows_flows_cat_sink *out,
                           flows_flows_cat_step *step, void *state,
                           void (*drop)(void *state));

/* Takes the items that through sends to the client; valid until the handler
 * returns. */
typedef struct flows_flows_through_sink flows_flows_through_sink;

/* Sends an item; waits for room in the window. Returns 0 if the item was sent;
 * CANCELLED or DEADLINE if the client no longer waits for items; ABORTED after
 * a deadlock, in which both ends wait for room and neither reads; INTERNAL if
 * the item is outside of its bounds. */
int flows_flows_through_sink_send(flows_flows_through_sink *out,
                                  const shmrpc_bytes *item);

/* Like send, but returns BUSY instead of waiting for room. */
int flows_flows_through_sink_try_send(flows_flows_through_sink *out,
                                      const shmrpc_bytes *item);

/* The number of sent items that the client has read and released; a lower
 * bound. */
uint64_t flows_flows_through_sink_delivered(
    const flows_flows_through_sink *out);

/* Lends memory for the next item. The memory is part of the window if the
 * window is shared and large enough. Until commit or abort nothing else can be
 * sent. Waits for room in the window, and returns the same statuses as send. */
int flows_flows_through_sink_loan(flows_flows_through_sink *out, size_t len,
                                  uint8_t **at);

/* Sends the first `len` bytes of the loan; returns the same statuses as
 * send. */
int flows_flows_through_sink_commit(flows_flows_through_sink *out,
                                    const uint8_t *at, size_t len);

/* Drops the loan without sending an item. */
void flows_flows_through_sink_abort(flows_flows_through_sink *out,
                                    const uint8_t *at);

/* Provides the items that the client sends to through; valid until the handler
 * returns. */
typedef struct flows_flows_through_source flows_flows_through_source;

/* Waits for the next item, which is valid until the next call. Returns
 * SHMRPC_MORE (1) with an item; 0 if there are no more items; CANCELLED or
 * DEADLINE if the client no longer waits for the result; INVALID if the item
 * can't be decoded. The handler should return these statuses. */
int flows_flows_through_source_next(flows_flows_through_source *in,
                                    const shmrpc_bytes **item);

/* Like next, but returns BUSY if there is no item yet. */
int flows_flows_through_source_try_next(flows_flows_through_source *in,
                                        const shmrpc_bytes **item);

/* The step function passed to flows_flows_through_detach. It returns
 * SHMRPC_MORE to be called again when there is something to do, or what a
 * handler would return to end the call. In it, sending and reading never wait,
 * but return BUSY. */
typedef int flows_flows_through_step(shmrpc_ctx *ctx, void *state,
                                     flows_flows_through_source *in,
                                     flows_flows_through_sink *out);

/* Detaches the call from its worker, which can then run other calls. The
 * handler must return what this function returns. After SHMRPC_DETACHED, `step`
 * is called by one thread at a time: once soon; after it got BUSY, when an item
 * or room has become available; at the end of the client's items; and after
 * shmrpc_stream_wake. `drop`, unless NULL, is called once at the very end,
 * however the call ends. Any other status means that the call is not
 * detached. */
int flows_flows_through_detach(flows_flows_through_sink *out,
                               flows_flows_through_step *step, void *state,
                               void (*drop)(void *state));

/*
 * Every shape that a stream has.
 *
 The handlers of Flows. Initialise the struct with FLOWS_FLOWS_IMPL_INIT;
 * methods whose handler is NULL fail with UNIMPLEMENTED.
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
 * does; `result` is sent if `status` is 0. */
int flows_flows_add_answer(shmrpc_ctx *call, int status, const int64_t *result);

/* Starts to serve `impl`, which is copied; `user` is passed to every handler. A
 * server may have any number of services. Returns EXISTS if the service runs
 * already (the error says where), or INVALID if `impl` was not initialised as
 * above. */
int flows_flows_serve(shmrpc_server *server, const flows_flows_impl *impl,
                      void *user, shmrpc_error *error);

/* The main function of a program that only serves `impl`: reads options (--help
 * lists them), serves until SIGINT or SIGTERM, and returns the exit status. */
int flows_flows_main(int argc, char **argv, const flows_flows_impl *impl,
                     void *user);

SHMRPC_END_DECLS

#endif
