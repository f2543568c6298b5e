/*
 * Clients of flows.svc, made by shmrpcgen: edit that file instead.
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

/* Connects to `where`, one or more addresses separated by commas; NULL is this
 * machine. `defaults`, which may be NULL, also applies to the calls. Blocks for
 * 5 s at most. UNAVAILABLE: nobody serves there; CONTRACT: the server's
 * interface differs. Close the client when done. */
int flows_flows_connect(const char *where, const shmrpc_opts *defaults,
                        flows_flows **out, shmrpc_error *error);

/* Ends the connection; no call may be running. Pending callbacks are called
 * first, with SHMRPC_E_CANCELLED. Replies stay valid. NULL is fine. */
void flows_flows_close(flows_flows *client);

/* Reads the client's counters: how often it has reconnected, and sent calls
 * again. */
void flows_flows_read_stats(const flows_flows *client,
                            shmrpc_client_stats *out);

/* A descriptor that is readable when flows_flows_dispatch has something to do:
 * for poll, epoll and event loops. It belongs to the client and stays the same
 * until close. Negative: a shmrpc_status. */
int flows_flows_fd(flows_flows *client);

/* Calls, on this thread, the callbacks of the calls that are over; returns how
 * many.  Does not block. */
int flows_flows_dispatch(flows_flows *client);

/* A stream of words: one thread may send while another one reads. */
typedef struct flows_flows_words_stream flows_flows_words_stream;

/*
 * The words of a text as they are found.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  May end in FLOWS_ERR_TOO_MANY, FLOWS_ERR_TIRED.
 * UNIMPLEMENTED: the server is of a version without streams.
 */
int flows_flows_words(flows_flows *client, shmrpc_str text,
                      const shmrpc_opts *opts, flows_flows_words_stream **out,
                      shmrpc_error *error);

/* Waits for the next item, which lives until the next call on the stream.
 * SHMRPC_MORE (1): there is one; 0: there are no more; else the status or the
 * declared error in which the stream has ended. */
int flows_flows_words_next(flows_flows_words_stream *stream,
                           const flows_word **item, shmrpc_error *error);

/* The details of FLOWS_ERR_TOO_MANY; NULL: the stream has not ended in it, or
 * the server sent none. Lives until close. */
const flows_too_many *flows_flows_words_too_many(
    const flows_flows_words_stream *stream);

/* Gets an item, which lives until this returns. Return SHMRPC_MORE (1) to go
 * on; SHMRPC_PAUSE (2): no more items until flows_flows_words_resume, and the
 * handler stops when the window is full; anything else: the stream ends
 * CANCELLED. */
typedef int (*flows_flows_words_item_fn)(void *user, const flows_word *item);

/* Called once, with the status in which the stream has ended; 0: there are no
 * more items. It may close the stream, and so may an item's callback; after
 * that it is not called. */
typedef void (*flows_flows_words_end_fn)(void *user, int status,
                                         const shmrpc_error *error);

/* Opens words; flows_flows_dispatch reads it, at most 64 items in one call.
 * Close `*out` when done. */
int flows_flows_words_async(flows_flows *client, shmrpc_str text,
                            const shmrpc_opts *opts,
                            flows_flows_words_item_fn on_item,
                            flows_flows_words_end_fn on_end, void *user,
                            flows_flows_words_stream **out,
                            shmrpc_error *error);

/* Goes on after SHMRPC_PAUSE; to be called by the thread that dispatches. */
void flows_flows_words_resume(flows_flows_words_stream *stream);

/* Ends the stream; one that is not over is cancelled.  NULL is fine. */
void flows_flows_words_close(flows_flows_words_stream *stream);

/* A stream of count: one thread may send while another one reads. */
typedef struct flows_flows_count_stream flows_flows_count_stream;

/* The reply of count: read-only, and yours until you release it. */
typedef struct flows_flows_count_reply {
    uint64_t value;
} flows_flows_count_reply;

/*
 * Counts what is sent.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  May end in FLOWS_ERR_TOO_MANY.  UNIMPLEMENTED: the
 * server is of a version without streams.
 */
int flows_flows_count(flows_flows *client, uint64_t most,
                      const shmrpc_opts *opts, flows_flows_count_stream **out,
                      shmrpc_error *error);

/* Sends an item. 0: it was sent. Waits for room. INVALID, TOO_LARGE: this item
 * can't be sent, others may follow; ABORTED: a deadlock, both ends wait for
 * room and neither reads; else the handler has returned: its status, or
 * CANCELLED if that was 0. */
int flows_flows_count_send(flows_flows_count_stream *stream,
                           const flows_word *item, shmrpc_error *error);

/* The same, but returns BUSY instead of waiting for room. */
int flows_flows_count_try_send(flows_flows_count_stream *stream,
                               const flows_word *item, shmrpc_error *error);

/* How many of the sent items the handler has read and released: a lower bound,
 * exact once it has read the end of the items. */
uint64_t flows_flows_count_delivered(flows_flows_count_stream *stream);

/* Tells the handler that there are no more items, waits for the result, and
 * closes the stream in any case. Release `*out` with
 * flows_flows_count_release. */
int flows_flows_count_finish(flows_flows_count_stream *stream,
                             const flows_flows_count_reply **out,
                             shmrpc_error *error);

/* The details of FLOWS_ERR_TOO_MANY; NULL: the call has not ended in it, or the
 * server sent none. Lives as long as the reply; NULL is fine. */
const flows_too_many *flows_flows_count_too_many(
    const flows_flows_count_reply *reply);

/* Frees the reply. Any thread, also after close. NULL is fine. */
void flows_flows_count_release(const flows_flows_count_reply *reply);

/* Ends the stream; one that is not over is cancelled.  Not after finish.  NULL
 * is fine. */
void flows_flows_count_close(flows_flows_count_stream *stream);

/* A stream of joined: one thread may send while another one reads. */
typedef struct flows_flows_joined_stream flows_flows_joined_stream;

/* The reply of joined: read-only, and yours until you release it. */
typedef struct flows_flows_joined_reply {
    shmrpc_str value;
} flows_flows_joined_reply;

/*
 * Everything in one text.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  UNIMPLEMENTED: the server is of a version without
 * streams.
 */
int flows_flows_joined(flows_flows *client, const shmrpc_opts *opts,
                       flows_flows_joined_stream **out, shmrpc_error *error);

/* Sends an item. 0: it was sent. Waits for room. INVALID, TOO_LARGE: this item
 * can't be sent, others may follow; ABORTED: a deadlock, both ends wait for
 * room and neither reads; else the handler has returned: its status, or
 * CANCELLED if that was 0. */
int flows_flows_joined_send(flows_flows_joined_stream *stream,
                            const shmrpc_str *item, shmrpc_error *error);

/* The same, but returns BUSY instead of waiting for room. */
int flows_flows_joined_try_send(flows_flows_joined_stream *stream,
                                const shmrpc_str *item, shmrpc_error *error);

/* How many of the sent items the handler has read and released: a lower bound,
 * exact once it has read the end of the items. */
uint64_t flows_flows_joined_delivered(flows_flows_joined_stream *stream);

/* Tells the handler that there are no more items, waits for the result, and
 * closes the stream in any case. Release `*out` with
 * flows_flows_joined_release. */
int flows_flows_joined_finish(flows_flows_joined_stream *stream,
                              const flows_flows_joined_reply **out,
                              shmrpc_error *error);

/* Frees the reply. Any thread, also after close. NULL is fine. */
void flows_flows_joined_release(const flows_flows_joined_reply *reply);

/* Ends the stream; one that is not over is cancelled.  Not after finish.  NULL
 * is fine. */
void flows_flows_joined_close(flows_flows_joined_stream *stream);

/* A stream of drop: one thread may send while another one reads. */
typedef struct flows_flows_drop_stream flows_flows_drop_stream;

/*
 * Nothing comes back but the end.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  UNIMPLEMENTED: the server is of a version without
 * streams.
 */
int flows_flows_drop(flows_flows *client, const shmrpc_opts *opts,
                     flows_flows_drop_stream **out, shmrpc_error *error);

/* Sends an item. 0: it was sent. Waits for room. INVALID, TOO_LARGE: this item
 * can't be sent, others may follow; ABORTED: a deadlock, both ends wait for
 * room and neither reads; else the handler has returned: its status, or
 * CANCELLED if that was 0. */
int flows_flows_drop_send(flows_flows_drop_stream *stream, const uint32_t *item,
                          shmrpc_error *error);

/* The same, but returns BUSY instead of waiting for room. */
int flows_flows_drop_try_send(flows_flows_drop_stream *stream,
                              const uint32_t *item, shmrpc_error *error);

/* Lends zeroed memory for the next item, in the window itself if it is shared
 * and large enough; until commit or abort nothing else can be sent. Waits for
 * room, with the statuses of send. */
int flows_flows_drop_loan(flows_flows_drop_stream *stream, uint32_t **item,
                          shmrpc_error *error);

/* Sends the loan, with the statuses of send. */
int flows_flows_drop_commit(flows_flows_drop_stream *stream,
                            const uint32_t *item, shmrpc_error *error);

/* Drops the loan: no item is sent. */
void flows_flows_drop_abort(flows_flows_drop_stream *stream,
                            const uint32_t *item);

/* How many of the sent items the handler has read and released: a lower bound,
 * exact once it has read the end of the items. */
uint64_t flows_flows_drop_delivered(flows_flows_drop_stream *stream);

/* Tells the handler that there are no more items, waits for the result, and
 * closes the stream in any case. */
int flows_flows_drop_finish(flows_flows_drop_stream *stream,
                            shmrpc_error *error);

/* Ends the stream; one that is not over is cancelled.  Not after finish.  NULL
 * is fine. */
void flows_flows_drop_close(flows_flows_drop_stream *stream);

/* A stream of twice: one thread may send while another one reads. */
typedef struct flows_flows_twice_stream flows_flows_twice_stream;

/*
 * Twice each number.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  UNIMPLEMENTED: the server is of a version without
 * streams.
 */
int flows_flows_twice(flows_flows *client, const shmrpc_opts *opts,
                      flows_flows_twice_stream **out, shmrpc_error *error);

/* Waits for the next item, which lives until the next call on the stream.
 * SHMRPC_MORE (1): there is one; 0: there are no more; else the status or the
 * declared error in which the stream has ended. */
int flows_flows_twice_next(flows_flows_twice_stream *stream,
                           const int64_t **item, shmrpc_error *error);

/* Sends an item. 0: it was sent. Waits for room. INVALID, TOO_LARGE: this item
 * can't be sent, others may follow; ABORTED: a deadlock, both ends wait for
 * room and neither reads; else the handler has returned: its status, or
 * CANCELLED if that was 0. */
int flows_flows_twice_send(flows_flows_twice_stream *stream,
                           const int64_t *item, shmrpc_error *error);

/* The same, but returns BUSY instead of waiting for room. */
int flows_flows_twice_try_send(flows_flows_twice_stream *stream,
                               const int64_t *item, shmrpc_error *error);

/* Lends zeroed memory for the next item, in the window itself if it is shared
 * and large enough; until commit or abort nothing else can be sent. Waits for
 * room, with the statuses of send. */
int flows_flows_twice_loan(flows_flows_twice_stream *stream, int64_t **item,
                           shmrpc_error *error);

/* Sends the loan, with the statuses of send. */
int flows_flows_twice_commit(flows_flows_twice_stream *stream,
                             const int64_t *item, shmrpc_error *error);

/* Drops the loan: no item is sent. */
void flows_flows_twice_abort(flows_flows_twice_stream *stream,
                             const int64_t *item);

/* How many of the sent items the handler has read and released: a lower bound,
 * exact once it has read the end of the items. */
uint64_t flows_flows_twice_delivered(flows_flows_twice_stream *stream);

/* Tells the handler that there are no more items; its own go on. */
int flows_flows_twice_end(flows_flows_twice_stream *stream,
                          shmrpc_error *error);

/* Gets an item, which lives until this returns. Return SHMRPC_MORE (1) to go
 * on; SHMRPC_PAUSE (2): no more items until flows_flows_twice_resume, and the
 * handler stops when the window is full; anything else: the stream ends
 * CANCELLED. */
typedef int (*flows_flows_twice_item_fn)(void *user, const int64_t *item);

/* Called once, with the status in which the stream has ended; 0: there are no
 * more items. It may close the stream, and so may an item's callback; after
 * that it is not called. */
typedef void (*flows_flows_twice_end_fn)(void *user, int status,
                                         const shmrpc_error *error);

/* Opens twice; flows_flows_dispatch reads it, at most 64 items in one call.
 * Close `*out` when done. */
int flows_flows_twice_async(flows_flows *client, const shmrpc_opts *opts,
                            flows_flows_twice_item_fn on_item,
                            flows_flows_twice_end_fn on_end, void *user,
                            flows_flows_twice_stream **out,
                            shmrpc_error *error);

/* Goes on after SHMRPC_PAUSE; to be called by the thread that dispatches. */
void flows_flows_twice_resume(flows_flows_twice_stream *stream);

/* Ends the stream; one that is not over is cancelled.  NULL is fine. */
void flows_flows_twice_close(flows_flows_twice_stream *stream);

/* A stream of sums: one thread may send while another one reads. */
typedef struct flows_flows_sums_stream flows_flows_sums_stream;

/*
 * Lists and maps go as well.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  UNIMPLEMENTED: the server is of a version without
 * streams.
 */
int flows_flows_sums(flows_flows *client, const uint32_t *in_,
                     const shmrpc_opts *opts, flows_flows_sums_stream **out,
                     shmrpc_error *error);

/* Waits for the next item, which lives until the next call on the stream.
 * SHMRPC_MORE (1): there is one; 0: there are no more; else the status or the
 * declared error in which the stream has ended. */
int flows_flows_sums_next(flows_flows_sums_stream *stream,
                          const flows_flows_sums_result **item,
                          shmrpc_error *error);

/* Sends an item. 0: it was sent. Waits for room. INVALID, TOO_LARGE: this item
 * can't be sent, others may follow; ABORTED: a deadlock, both ends wait for
 * room and neither reads; else the handler has returned: its status, or
 * CANCELLED if that was 0. */
int flows_flows_sums_send(flows_flows_sums_stream *stream,
                          const shmrpc_u32_list *item, shmrpc_error *error);

/* The same, but returns BUSY instead of waiting for room. */
int flows_flows_sums_try_send(flows_flows_sums_stream *stream,
                              const shmrpc_u32_list *item, shmrpc_error *error);

/* How many of the sent items the handler has read and released: a lower bound,
 * exact once it has read the end of the items. */
uint64_t flows_flows_sums_delivered(flows_flows_sums_stream *stream);

/* Tells the handler that there are no more items; its own go on. */
int flows_flows_sums_end(flows_flows_sums_stream *stream, shmrpc_error *error);

/* Gets an item, which lives until this returns. Return SHMRPC_MORE (1) to go
 * on; SHMRPC_PAUSE (2): no more items until flows_flows_sums_resume, and the
 * handler stops when the window is full; anything else: the stream ends
 * CANCELLED. */
typedef int (*flows_flows_sums_item_fn)(void *user,
                                        const flows_flows_sums_result *item);

/* Called once, with the status in which the stream has ended; 0: there are no
 * more items. It may close the stream, and so may an item's callback; after
 * that it is not called. */
typedef void (*flows_flows_sums_end_fn)(void *user, int status,
                                        const shmrpc_error *error);

/* Opens sums; flows_flows_dispatch reads it, at most 64 items in one call.
 * Close `*out` when done. */
int flows_flows_sums_async(flows_flows *client, const uint32_t *in_,
                           const shmrpc_opts *opts,
                           flows_flows_sums_item_fn on_item,
                           flows_flows_sums_end_fn on_end, void *user,
                           flows_flows_sums_stream **out, shmrpc_error *error);

/* Goes on after SHMRPC_PAUSE; to be called by the thread that dispatches. */
void flows_flows_sums_resume(flows_flows_sums_stream *stream);

/* Ends the stream; one that is not over is cancelled.  NULL is fine. */
void flows_flows_sums_close(flows_flows_sums_stream *stream);

/* A stream of cat: one thread may send while another one reads. */
typedef struct flows_flows_cat_stream flows_flows_cat_stream;

/*
 * The bytes of one, in pieces.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  UNIMPLEMENTED: the server is of a version without
 * streams.
 */
int flows_flows_cat(flows_flows *client, shmrpc_bytes data,
                    const shmrpc_opts *opts, flows_flows_cat_stream **out,
                    shmrpc_error *error);

/* Waits for the next item, which lives until the next call on the stream.
 * SHMRPC_MORE (1): there is one; 0: there are no more; else the status or the
 * declared error in which the stream has ended. */
int flows_flows_cat_next(flows_flows_cat_stream *stream,
                         const shmrpc_bytes **item, shmrpc_error *error);

/* Gets an item, which lives until this returns. Return SHMRPC_MORE (1) to go
 * on; SHMRPC_PAUSE (2): no more items until flows_flows_cat_resume, and the
 * handler stops when the window is full; anything else: the stream ends
 * CANCELLED. */
typedef int (*flows_flows_cat_item_fn)(void *user, const shmrpc_bytes *item);

/* Called once, with the status in which the stream has ended; 0: there are no
 * more items. It may close the stream, and so may an item's callback; after
 * that it is not called. */
typedef void (*flows_flows_cat_end_fn)(void *user, int status,
                                       const shmrpc_error *error);

/* Opens cat; flows_flows_dispatch reads it, at most 64 items in one call. Close
 * `*out` when done. */
int flows_flows_cat_async(flows_flows *client, shmrpc_bytes data,
                          const shmrpc_opts *opts,
                          flows_flows_cat_item_fn on_item,
                          flows_flows_cat_end_fn on_end, void *user,
                          flows_flows_cat_stream **out, shmrpc_error *error);

/* Goes on after SHMRPC_PAUSE; to be called by the thread that dispatches. */
void flows_flows_cat_resume(flows_flows_cat_stream *stream);

/* Ends the stream; one that is not over is cancelled.  NULL is fine. */
void flows_flows_cat_close(flows_flows_cat_stream *stream);

/* A stream of through: one thread may send while another one reads. */
typedef struct flows_flows_through_stream flows_flows_through_stream;

/*
 * Back as they came.
 *
 * Opens a stream; close it when you are done.  Deadline of the whole stream:
 * none, or that of `opts`.  UNIMPLEMENTED: the server is of a version without
 * streams.
 */
int flows_flows_through(flows_flows *client, const shmrpc_opts *opts,
                        flows_flows_through_stream **out, shmrpc_error *error);

/* Waits for the next item, which lives until the next call on the stream.
 * SHMRPC_MORE (1): there is one; 0: there are no more; else the status or the
 * declared error in which the stream has ended. */
int flows_flows_through_next(flows_flows_through_stream *stream,
                             const shmrpc_bytes **item, shmrpc_error *error);

/* Sends an item. 0: it was sent. Waits for room. INVALID, TOO_LARGE: this item
 * can't be sent, others may follow; ABORTED: a deadlock, both ends wait for
 * room and neither reads; else the handler has returned: its status, or
 * CANCELLED if that was 0. */
int flows_flows_through_send(flows_flows_through_stream *stream,
                             const shmrpc_bytes *item, shmrpc_error *error);

/* The same, but returns BUSY instead of waiting for room. */
int flows_flows_through_try_send(flows_flows_through_stream *stream,
                                 const shmrpc_bytes *item, shmrpc_error *error);

/* Lends memory for the next item, in the window itself if it is shared and
 * large enough; until commit or abort nothing else can be sent. Waits for room,
 * with the statuses of send. */
int flows_flows_through_loan(flows_flows_through_stream *stream, size_t len,
                             uint8_t **at, shmrpc_error *error);

/* Sends the first `len` bytes of the loan, with the statuses of send. */
int flows_flows_through_commit(flows_flows_through_stream *stream,
                               const uint8_t *at, size_t len,
                               shmrpc_error *error);

/* Drops the loan: no item is sent. */
void flows_flows_through_abort(flows_flows_through_stream *stream,
                               const uint8_t *at);

/* How many of the sent items the handler has read and released: a lower bound,
 * exact once it has read the end of the items. */
uint64_t flows_flows_through_delivered(flows_flows_through_stream *stream);

/* Tells the handler that there are no more items; its own go on. */
int flows_flows_through_end(flows_flows_through_stream *stream,
                            shmrpc_error *error);

/* Gets an item, which lives until this returns. Return SHMRPC_MORE (1) to go
 * on; SHMRPC_PAUSE (2): no more items until flows_flows_through_resume, and the
 * handler stops when the window is full; anything else: the stream ends
 * CANCELLED. */
typedef int (*flows_flows_through_item_fn)(void *user,
                                           const shmrpc_bytes *item);

/* Called once, with the status in which the stream has ended; 0: there are no
 * more items. It may close the stream, and so may an item's callback; after
 * that it is not called. */
typedef void (*flows_flows_through_end_fn)(void *user, int status,
                                           const shmrpc_error *error);

/* Opens through; flows_flows_dispatch reads it, at most 64 items in one call.
 * Close `*out` when done. */
int flows_flows_through_async(flows_flows *client, const shmrpc_opts *opts,
                              flows_flows_through_item_fn on_item,
                              flows_flows_through_end_fn on_end, void *user,
                              flows_flows_through_stream **out,
                              shmrpc_error *error);

/* Goes on after SHMRPC_PAUSE; to be called by the thread that dispatches. */
void flows_flows_through_resume(flows_flows_through_stream *stream);

/* Ends the stream; one that is not over is cancelled.  NULL is fine. */
void flows_flows_through_close(flows_flows_through_stream *stream);

/*
 * No stream: as ever.
 *
 * Deadline: the connection's, or that of `opts`.
 */
int flows_flows_add(flows_flows *client, int64_t a, int64_t b,
                    const shmrpc_opts *opts, int64_t *out, shmrpc_error *error);

/* Starts add and returns `*out`, which flows_flows_add_finish ends. */
int flows_flows_add_start(flows_flows *client, int64_t a, int64_t b,
                          const shmrpc_opts *opts, shmrpc_call **out,
                          shmrpc_error *error);

/* Waits for a call that flows_flows_add_start returned, and ends it: as
 * flows_flows_add does. */
int flows_flows_add_finish(shmrpc_call *call, int64_t *out,
                           shmrpc_error *error);

/* How a call of add has ended.  `value` lives until it returns, and is NULL
 * unless `status` is 0; `error` is filled unless `status` is 0. */
typedef void (*flows_flows_add_fn)(void *user, int status, const int64_t *value,
                                   const shmrpc_error *error);

/* Starts add; flows_flows_dispatch calls `done` when it is over.  `out`, which
 * may be NULL, is for cancelling. */
int flows_flows_add_async(flows_flows *client, int64_t a, int64_t b,
                          const shmrpc_opts *opts, shmrpc_call **out,
                          shmrpc_error *error, flows_flows_add_fn done,
                          void *user);

SHMRPC_END_DECLS

#endif
