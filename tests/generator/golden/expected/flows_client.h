/*
 * Clients of flows.svc, made by shmrpcgen: edit that file instead.
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
#ifndef FLOWS_FLOWS_CLIENT_H
#define FLOWS_FLOWS_CLIENT_H

#include <shmrpc/async.h>
#include <shmrpc/client.h>
#include <shmrpc/error.h>
#include <shmrpc/options.h>

#include "flows.h"

SHMRPC_BEGIN_DECLS

/*
 * Every shape that a stream has.
 *
 * A connection to the service "flows".
 */
typedef struct flows_flows flows_flows;

/* Connects to `where`, one or more addresses separated by commas; NULL means
 * this machine. `defaults`, which may be NULL, also applies to the calls.
 * Blocks for at most 5 s. Returns UNAVAILABLE if no server listens there, or
 * CONTRACT if the server's interface is incompatible. Close the client when
 * done. */
int flows_flows_connect(const char *where, const shmrpc_opts *defaults,
                        flows_flows **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Pending callbacks are called
 * first, with SHMRPC_E_CANCELLED. Replies stay valid. NULL is allowed. */
void flows_flows_close(flows_flows *client);

/* Reads the client's counters: how often it has reconnected, and how often it
 * has resent calls. */
void flows_flows_read_stats(const flows_flows *client,
                            shmrpc_client_stats *out);

/* Returns a file descriptor for poll, epoll and event loops, which is readable
 * when flows_flows_dispatch has something to do. It belongs to the client and
 * stays the same until close. On failure returns a negative shmrpc_status. */
int flows_flows_fd(flows_flows *client);

/* Calls the callbacks of finished calls on this thread, and returns their
 * number.  Does not block. */
int flows_flows_dispatch(flows_flows *client);

/* A stream of words: one thread may send while another one reads. */
typedef struct flows_flows_words_stream flows_flows_words_stream;

/*
 * The words of a text as they are found.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  May end in FLOWS_ERR_TOO_MANY, FLOWS_ERR_TIRED.
 * Returns UNIMPLEMENTED if the server is of a version without streams.
 */
int flows_flows_words(flows_flows *client, shmrpc_str text,
                      const shmrpc_opts *opts, flows_flows_words_stream **out,
                      shmrpc_error *error);

/* Waits for the next item, which is valid until the next call on the stream.
 * Returns SHMRPC_MORE (1) with an item, 0 if there are no more items, else the
 * status or the declared error in which the stream has ended. */
int flows_flows_words_next(flows_flows_words_stream *stream,
                           const flows_word **item, shmrpc_error *error);

/* The details of FLOWS_ERR_TOO_MANY, which live until close. NULL if the stream
 * did not end in this error, or if the server sent no details. */
const flows_too_many *flows_flows_words_too_many(
    const flows_flows_words_stream *stream);

/* The callback for an item, which is valid until the callback returns. Return
 * SHMRPC_MORE (1) to continue; SHMRPC_PAUSE (2) to get no items until
 * flows_flows_words_resume (the handler blocks when the window is full); any
 * other value to cancel the stream, which then ends in CANCELLED. */
typedef int (*flows_flows_words_item_fn)(void *user, const flows_word *item);

/* The callback at the end of the stream. It is called once, with 0 after the
 * last item, else with the status in which the stream has ended. Both this
 * callback and the callback for items may close the stream. If the callback for
 * items closes it, this callback is not called. */
typedef void (*flows_flows_words_end_fn)(void *user, int status,
                                         const shmrpc_error *error);

/* Opens words; flows_flows_dispatch reads it and calls `on_item`, for at most
 * 64 items per dispatch. Close `*out` when done. */
int flows_flows_words_async(flows_flows *client, shmrpc_str text,
                            const shmrpc_opts *opts,
                            flows_flows_words_item_fn on_item,
                            flows_flows_words_end_fn on_end, void *user,
                            flows_flows_words_stream **out,
                            shmrpc_error *error);

/* Continues after SHMRPC_PAUSE. Must be called by the thread that
 * dispatches. */
void flows_flows_words_resume(flows_flows_words_stream *stream);

/* Closes the stream, and cancels it if it is not over.  NULL is allowed. */
void flows_flows_words_close(flows_flows_words_stream *stream);

/* A stream of count: one thread may send while another one reads. */
typedef struct flows_flows_count_stream flows_flows_count_stream;

/* The reply of count. It is read-only and valid until you release it. */
typedef struct flows_flows_count_reply {
    uint64_t value;
} flows_flows_count_reply;

/*
 * Counts what is sent.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  May end in FLOWS_ERR_TOO_MANY.  Returns
 * UNIMPLEMENTED if the server is of a version without streams.
 */
int flows_flows_count(flows_flows *client, uint64_t most,
                      const shmrpc_opts *opts, flows_flows_count_stream **out,
                      shmrpc_error *error);

/* Sends an item; waits for room in the window. Returns 0 if the item was sent;
 * INVALID or TOO_LARGE if it can't be sent (others still can); ABORTED after a
 * deadlock, in which both ends wait for room and neither reads. After the
 * handler has returned, returns the handler's status, or CANCELLED if that was
 * 0. */
int flows_flows_count_send(flows_flows_count_stream *stream,
                           const flows_word *item, shmrpc_error *error);

/* Like send, but returns BUSY instead of waiting for room. */
int flows_flows_count_try_send(flows_flows_count_stream *stream,
                               const flows_word *item, shmrpc_error *error);

/* The number of sent items that the handler has read and released. It is a
 * lower bound, which becomes exact when the handler reads the end of the
 * items. */
uint64_t flows_flows_count_delivered(flows_flows_count_stream *stream);

/* Tells the handler that there are no more items, waits for the result, and
 * closes the stream in any case. Release `*out` with
 * flows_flows_count_release. */
int flows_flows_count_finish(flows_flows_count_stream *stream,
                             const flows_flows_count_reply **out,
                             shmrpc_error *error);

/* The details of FLOWS_ERR_TOO_MANY, which live as long as the reply. NULL if
 * the call did not end in this error, if the server sent no details, or if
 * `reply` is NULL. */
const flows_too_many *flows_flows_count_too_many(
    const flows_flows_count_reply *reply);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void flows_flows_count_release(const flows_flows_count_reply *reply);

/* Closes the stream, and cancels it if it is not over.  Must not be called
 * after finish.  NULL is allowed. */
void flows_flows_count_close(flows_flows_count_stream *stream);

/* A stream of joined: one thread may send while another one reads. */
typedef struct flows_flows_joined_stream flows_flows_joined_stream;

/* The reply of joined. It is read-only and valid until you release it. */
typedef struct flows_flows_joined_reply {
    shmrpc_str value;
} flows_flows_joined_reply;

/*
 * Everything in one text.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  Returns UNIMPLEMENTED if the server is of a version
 * without streams.
 */
int flows_flows_joined(flows_flows *client, const shmrpc_opts *opts,
                       flows_flows_joined_stream **out, shmrpc_error *error);

/* Sends an item; waits for room in the window. Returns 0 if the item was sent;
 * INVALID or TOO_LARGE if it can't be sent (others still can); ABORTED after a
 * deadlock, in which both ends wait for room and neither reads. After the
 * handler has returned, returns the handler's status, or CANCELLED if that was
 * 0. */
int flows_flows_joined_send(flows_flows_joined_stream *stream,
                            const shmrpc_str *item, shmrpc_error *error);

/* Like send, but returns BUSY instead of waiting for room. */
int flows_flows_joined_try_send(flows_flows_joined_stream *stream,
                                const shmrpc_str *item, shmrpc_error *error);

/* The number of sent items that the handler has read and released. It is a
 * lower bound, which becomes exact when the handler reads the end of the
 * items. */
uint64_t flows_flows_joined_delivered(flows_flows_joined_stream *stream);

/* Tells the handler that there are no more items, waits for the result, and
 * closes the stream in any case. Release `*out` with
 * flows_flows_joined_release. */
int flows_flows_joined_finish(flows_flows_joined_stream *stream,
                              const flows_flows_joined_reply **out,
                              shmrpc_error *error);

/* Frees the reply; NULL is allowed. May be called by any thread, also after the
 * client is closed. */
void flows_flows_joined_release(const flows_flows_joined_reply *reply);

/* Closes the stream, and cancels it if it is not over.  Must not be called
 * after finish.  NULL is allowed. */
void flows_flows_joined_close(flows_flows_joined_stream *stream);

/* A stream of drop: one thread may send while another one reads. */
typedef struct flows_flows_drop_stream flows_flows_drop_stream;

/*
 * Nothing comes back but the end.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  Returns UNIMPLEMENTED if the server is of a version
 * without streams.
 */
int flows_flows_drop(flows_flows *client, const shmrpc_opts *opts,
                     flows_flows_drop_stream **out, shmrpc_error *error);

/* Sends an item; waits for room in the window. Returns 0 if the item was sent;
 * INVALID or TOO_LARGE if it can't be sent (others still can); ABORTED after a
 * deadlock, in which both ends wait for room and neither reads. After the
 * handler has returned, returns the handler's status, or CANCELLED if that was
 * 0. */
int flows_flows_drop_send(flows_flows_drop_stream *stream, const uint32_t *item,
                          shmrpc_error *error);

/* Like send, but returns BUSY instead of waiting for room. */
int flows_flows_drop_try_send(flows_flows_drop_stream *stream,
                              const uint32_t *item, shmrpc_error *error);

/* Lends zeroed memory for the next item. The memory is part of the window if
 * the window is shared and large enough. Until commit or abort nothing else can
 * be sent. Waits for room in the window, and returns the same statuses as
 * send. */
int flows_flows_drop_loan(flows_flows_drop_stream *stream, uint32_t **item,
                          shmrpc_error *error);

/* Sends the loan; returns the same statuses as send. */
int flows_flows_drop_commit(flows_flows_drop_stream *stream,
                            const uint32_t *item, shmrpc_error *error);

/* Drops the loan without sending an item. */
void flows_flows_drop_abort(flows_flows_drop_stream *stream,
                            const uint32_t *item);

/* The number of sent items that the handler has read and released. It is a
 * lower bound, which becomes exact when the handler reads the end of the
 * items. */
uint64_t flows_flows_drop_delivered(flows_flows_drop_stream *stream);

/* Tells the handler that there are no more items, waits for the result, and
 * closes the stream in any case. */
int flows_flows_drop_finish(flows_flows_drop_stream *stream,
                            shmrpc_error *error);

/* Closes the stream, and cancels it if it is not over.  Must not be called
 * after finish.  NULL is allowed. */
void flows_flows_drop_close(flows_flows_drop_stream *stream);

/* A stream of twice: one thread may send while another one reads. */
typedef struct flows_flows_twice_stream flows_flows_twice_stream;

/*
 * Twice each number.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  Returns UNIMPLEMENTED if the server is of a version
 * without streams.
 */
int flows_flows_twice(flows_flows *client, const shmrpc_opts *opts,
                      flows_flows_twice_stream **out, shmrpc_error *error);

/* Waits for the next item, which is valid until the next call on the stream.
 * Returns SHMRPC_MORE (1) with an item, 0 if there are no more items, else the
 * status or the declared error in which the stream has ended. */
int flows_flows_twice_next(flows_flows_twice_stream *stream,
                           const int64_t **item, shmrpc_error *error);

/* Sends an item; waits for room in the window. Returns 0 if the item was sent;
 * INVALID or TOO_LARGE if it can't be sent (others still can); ABORTED after a
 * deadlock, in which both ends wait for room and neither reads. After the
 * handler has returned, returns the handler's status, or CANCELLED if that was
 * 0. */
int flows_flows_twice_send(flows_flows_twice_stream *stream,
                           const int64_t *item, shmrpc_error *error);

/* Like send, but returns BUSY instead of waiting for room. */
int flows_flows_twice_try_send(flows_flows_twice_stream *stream,
                               const int64_t *item, shmrpc_error *error);

/* Lends zeroed memory for the next item. The memory is part of the window if
 * the window is shared and large enough. Until commit or abort nothing else can
 * be sent. Waits for room in the window, and returns the same statuses as
 * send. */
int flows_flows_twice_loan(flows_flows_twice_stream *stream, int64_t **item,
                           shmrpc_error *error);

/* Sends the loan; returns the same statuses as send. */
int flows_flows_twice_commit(flows_flows_twice_stream *stream,
                             const int64_t *item, shmrpc_error *error);

/* Drops the loan without sending an item. */
void flows_flows_twice_abort(flows_flows_twice_stream *stream,
                             const int64_t *item);

/* The number of sent items that the handler has read and released. It is a
 * lower bound, which becomes exact when the handler reads the end of the
 * items. */
uint64_t flows_flows_twice_delivered(flows_flows_twice_stream *stream);

/* Tells the handler that there are no more items. The handler's own items still
 * arrive. */
int flows_flows_twice_end(flows_flows_twice_stream *stream,
                          shmrpc_error *error);

/* The callback for an item, which is valid until the callback returns. Return
 * SHMRPC_MORE (1) to continue; SHMRPC_PAUSE (2) to get no items until
 * flows_flows_twice_resume (the handler blocks when the window is full); any
 * other value to cancel the stream, which then ends in CANCELLED. */
typedef int (*flows_flows_twice_item_fn)(void *user, const int64_t *item);

/* The callback at the end of the stream. It is called once, with 0 after the
 * last item, else with the status in which the stream has ended. Both this
 * callback and the callback for items may close the stream. If the callback for
 * items closes it, this callback is not called. */
typedef void (*flows_flows_twice_end_fn)(void *user, int status,
                                         const shmrpc_error *error);

/* Opens twice; flows_flows_dispatch reads it and calls `on_item`, for at most
 * 64 items per dispatch. Close `*out` when done. */
int flows_flows_twice_async(flows_flows *client, const shmrpc_opts *opts,
                            flows_flows_twice_item_fn on_item,
                            flows_flows_twice_end_fn on_end, void *user,
                            flows_flows_twice_stream **out,
                            shmrpc_error *error);

/* Continues after SHMRPC_PAUSE. Must be called by the thread that
 * dispatches. */
void flows_flows_twice_resume(flows_flows_twice_stream *stream);

/* Closes the stream, and cancels it if it is not over.  NULL is allowed. */
void flows_flows_twice_close(flows_flows_twice_stream *stream);

/* A stream of sums: one thread may send while another one reads. */
typedef struct flows_flows_sums_stream flows_flows_sums_stream;

/*
 * Lists and maps go as well.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  Returns UNIMPLEMENTED if the server is of a version
 * without streams.
 */
int flows_flows_sums(flows_flows *client, const uint32_t *in_,
                     const shmrpc_opts *opts, flows_flows_sums_stream **out,
                     shmrpc_error *error);

/* Waits for the next item, which is valid until the next call on the stream.
 * Returns SHMRPC_MORE (1) with an item, 0 if there are no more items, else the
 * status or the declared error in which the stream has ended. */
int flows_flows_sums_next(flows_flows_sums_stream *stream,
                          const flows_flows_sums_result **item,
                          shmrpc_error *error);

/* Sends an item; waits for room in the window. Returns 0 if the item was sent;
 * INVALID or TOO_LARGE if it can't be sent (others still can); ABORTED after a
 * deadlock, in which both ends wait for room and neither reads. After the
 * handler has returned, returns the handler's status, or CANCELLED if that was
 * 0. */
int flows_flows_sums_send(flows_flows_sums_stream *stream,
                          const shmrpc_u32_list *item, shmrpc_error *error);

/* Like send, but returns BUSY instead of waiting for room. */
int flows_flows_sums_try_send(flows_flows_sums_stream *stream,
                              const shmrpc_u32_list *item, shmrpc_error *error);

/* The number of sent items that the handler has read and released. It is a
 * lower bound, which becomes exact when the handler reads the end of the
 * items. */
uint64_t flows_flows_sums_delivered(flows_flows_sums_stream *stream);

/* Tells the handler that there are no more items. The handler's own items still
 * arrive. */
int flows_flows_sums_end(flows_flows_sums_stream *stream, shmrpc_error *error);

/* The callback for an item, which is valid until the callback returns. Return
 * SHMRPC_MORE (1) to continue; SHMRPC_PAUSE (2) to get no items until
 * flows_flows_sums_resume (the handler blocks when the window is full); any
 * other value to cancel the stream, which then ends in CANCELLED. */
typedef int (*flows_flows_sums_item_fn)(void *user,
                                        const flows_flows_sums_result *item);

/* The callback at the end of the stream. It is called once, with 0 after the
 * last item, else with the status in which the stream has ended. Both this
 * callback and the callback for items may close the stream. If the callback for
 * items closes it, this callback is not called. */
typedef void (*flows_flows_sums_end_fn)(void *user, int status,
                                        const shmrpc_error *error);

/* Opens sums; flows_flows_dispatch reads it and calls `on_item`, for at most 64
 * items per dispatch. Close `*out` when done. */
int flows_flows_sums_async(flows_flows *client, const uint32_t *in_,
                           const shmrpc_opts *opts,
                           flows_flows_sums_item_fn on_item,
                           flows_flows_sums_end_fn on_end, void *user,
                           flows_flows_sums_stream **out, shmrpc_error *error);

/* Continues after SHMRPC_PAUSE. Must be called by the thread that
 * dispatches. */
void flows_flows_sums_resume(flows_flows_sums_stream *stream);

/* Closes the stream, and cancels it if it is not over.  NULL is allowed. */
void flows_flows_sums_close(flows_flows_sums_stream *stream);

/* A stream of cat: one thread may send while another one reads. */
typedef struct flows_flows_cat_stream flows_flows_cat_stream;

/*
 * The bytes of one, in pieces.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  Returns UNIMPLEMENTED if the server is of a version
 * without streams.
 */
int flows_flows_cat(flows_flows *client, shmrpc_bytes data,
                    const shmrpc_opts *opts, flows_flows_cat_stream **out,
                    shmrpc_error *error);

/* Waits for the next item, which is valid until the next call on the stream.
 * Returns SHMRPC_MORE (1) with an item, 0 if there are no more items, else the
 * status or the declared error in which the stream has ended. */
int flows_flows_cat_next(flows_flows_cat_stream *stream,
                         const shmrpc_bytes **item, shmrpc_error *error);

/* The callback for an item, which is valid until the callback returns. Return
 * SHMRPC_MORE (1) to continue; SHMRPC_PAUSE (2) to get no items until
 * flows_flows_cat_resume (the handler blocks when the window is full); any
 * other value to cancel the stream, which then ends in CANCELLED. */
typedef int (*flows_flows_cat_item_fn)(void *user, const shmrpc_bytes *item);

/* The callback at the end of the stream. It is called once, with 0 after the
 * last item, else with the status in which the stream has ended. Both this
 * callback and the callback for items may close the stream. If the callback for
 * items closes it, this callback is not called. */
typedef void (*flows_flows_cat_end_fn)(void *user, int status,
                                       const shmrpc_error *error);

/* Opens cat; flows_flows_dispatch reads it and calls `on_item`, for at most 64
 * items per dispatch. Close `*out` when done. */
int flows_flows_cat_async(flows_flows *client, shmrpc_bytes data,
                          const shmrpc_opts *opts,
                          flows_flows_cat_item_fn on_item,
                          flows_flows_cat_end_fn on_end, void *user,
                          flows_flows_cat_stream **out, shmrpc_error *error);

/* Continues after SHMRPC_PAUSE. Must be called by the thread that
 * dispatches. */
void flows_flows_cat_resume(flows_flows_cat_stream *stream);

/* Closes the stream, and cancels it if it is not over.  NULL is allowed. */
void flows_flows_cat_close(flows_flows_cat_stream *stream);

/* A stream of through: one thread may send while another one reads. */
typedef struct flows_flows_through_stream flows_flows_through_stream;

/*
 * Back as they came.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  Returns UNIMPLEMENTED if the server is of a version
 * without streams.
 */
int flows_flows_through(flows_flows *client, const shmrpc_opts *opts,
                        flows_flows_through_stream **out, shmrpc_error *error);

/* Waits for the next item, which is valid until the next call on the stream.
 * Returns SHMRPC_MORE (1) with an item, 0 if there are no more items, else the
 * status or the declared error in which the stream has ended. */
int flows_flows_through_next(flows_flows_through_stream *stream,
                             const shmrpc_bytes **item, shmrpc_error *error);

/* Sends an item; waits for room in the window. Returns 0 if the item was sent;
 * INVALID or TOO_LARGE if it can't be sent (others still can); ABORTED after a
 * deadlock, in which both ends wait for room and neither reads. After the
 * handler has returned, returns the handler's status, or CANCELLED if that was
 * 0. */
int flows_flows_through_send(flows_flows_through_stream *stream,
                             const shmrpc_bytes *item, shmrpc_error *error);

/* Like send, but returns BUSY instead of waiting for room. */
int flows_flows_through_try_send(flows_flows_through_stream *stream,
                                 const shmrpc_bytes *item, shmrpc_error *error);

/* Lends memory for the next item. The memory is part of the window if the
 * window is shared and large enough. Until commit or abort nothing else can be
 * sent. Waits for room in the window, and returns the same statuses as send. */
int flows_flows_through_loan(flows_flows_through_stream *stream, size_t len,
                             uint8_t **at, shmrpc_error *error);

/* Sends the first `len` bytes of the loan; returns the same statuses as
 * send. */
int flows_flows_through_commit(flows_flows_through_stream *stream,
                               const uint8_t *at, size_t len,
                               shmrpc_error *error);

/* Drops the loan without sending an item. */
void flows_flows_through_abort(flows_flows_through_stream *stream,
                               const uint8_t *at);

/* The number of sent items that the handler has read and released. It is a
 * lower bound, which becomes exact when the handler reads the end of the
 * items. */
uint64_t flows_flows_through_delivered(flows_flows_through_stream *stream);

/* Tells the handler that there are no more items. The handler's own items still
 * arrive. */
int flows_flows_through_end(flows_flows_through_stream *stream,
                            shmrpc_error *error);

/* The callback for an item, which is valid until the callback returns. Return
 * SHMRPC_MORE (1) to continue; SHMRPC_PAUSE (2) to get no items until
 * flows_flows_through_resume (the handler blocks when the window is full); any
 * other value to cancel the stream, which then ends in CANCELLED. */
typedef int (*flows_flows_through_item_fn)(void *user,
                                           const shmrpc_bytes *item);

/* The callback at the end of the stream. It is called once, with 0 after the
 * last item, else with the status in which the stream has ended. Both this
 * callback and the callback for items may close the stream. If the callback for
 * items closes it, this callback is not called. */
typedef void (*flows_flows_through_end_fn)(void *user, int status,
                                           const shmrpc_error *error);

/* Opens through; flows_flows_dispatch reads it and calls `on_item`, for at most
 * 64 items per dispatch. Close `*out` when done. */
int flows_flows_through_async(flows_flows *client, const shmrpc_opts *opts,
                              flows_flows_through_item_fn on_item,
                              flows_flows_through_end_fn on_end, void *user,
                              flows_flows_through_stream **out,
                              shmrpc_error *error);

/* Continues after SHMRPC_PAUSE. Must be called by the thread that
 * dispatches. */
void flows_flows_through_resume(flows_flows_through_stream *stream);

/* Closes the stream, and cancels it if it is not over.  NULL is allowed. */
void flows_flows_through_close(flows_flows_through_stream *stream);

/*
 * No stream: as ever.
 *
 * Deadline: the connection's, or that of `opts`.
 */
int flows_flows_add(flows_flows *client, int64_t a, int64_t b,
                    const shmrpc_opts *opts, int64_t *out, shmrpc_error *error);

/* Starts a call of add and returns it in `*out`; end it with
 * flows_flows_add_finish. */
int flows_flows_add_start(flows_flows *client, int64_t a, int64_t b,
                          const shmrpc_opts *opts, shmrpc_call **out,
                          shmrpc_error *error);

/* Waits for the result of a call that flows_flows_add_start returned, and ends
 * the call. Returns what flows_flows_add would. */
int flows_flows_add_finish(shmrpc_call *call, int64_t *out,
                           shmrpc_error *error);

/* The callback at the end of a call of add; `status` is what flows_flows_add
 * would return.  `value` is valid until the callback returns, and NULL unless
 * `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*flows_flows_add_fn)(void *user, int status, const int64_t *value,
                                   const shmrpc_error *error);

/* Starts a call of add; flows_flows_dispatch calls `done` when it is over.
 * `*out` is for cancelling the call; `out` may be NULL. */
int flows_flows_add_async(flows_flows *client, int64_t a, int64_t b,
                          const shmrpc_opts *opts, shmrpc_call **out,
                          shmrpc_error *error, flows_flows_add_fn done,
                          void *user);

SHMRPC_END_DECLS

#endif
