/*
 * What generated code calls for streams.  Not for people: use the functions in
 * the generated headers.
 *
 * A generated stream is a pointer to shmrpc_stream under another name, a sink
 * and a source of a handler likewise.  Items are `const void *` here: values of
 * the types in the method's row.  Statuses that a function does not name are
 * those in which calls end.
 *
 * Opening one to a server whose protocol has no streams is UNIMPLEMENTED.
 *
 * Threading: one thread may send while another one reads; a sink and a source
 * belong to the handler's thread.
 */
#ifndef SHMRPC_STREAM_STUB_H
#define SHMRPC_STREAM_STUB_H

#include "shmrpc/stub.h"

SHMRPC_BEGIN_DECLS

/* A client's end of a call with streams. */
typedef struct shmrpc_stream shmrpc_stream;
/* A handler's ends: where its items go, and where the client's come from. */
typedef struct shmrpc_sink shmrpc_sink;
typedef struct shmrpc_source shmrpc_source;

/*
 * Opens method number `method`, which has a stream. `opts->timeout_ns` is for
 * the whole of it; without it, and without @timeout, there is no deadline.
 * `*out` is to be finished or closed in any case, before the client is. In a
 * forked child it is FORKED, and closing it does nothing. EXHAUSTED: too many
 * streams of this connection are open; UNIMPLEMENTED: its server has none.
 */
SHMRPC_API int shmrpc_stub_stream_open(shmrpc_client *client, uint32_t method,
                                       const void *params,
                                       const shmrpc_opts *opts,
                                       shmrpc_stream **out,
                                       shmrpc_error *error);

/* Waits for the next item, which lives until the next call of this function or
 * the end of the stream. MORE: there is one; OK: there are no more, and all
 * went well; a declared error, or another status: there are no more, and it
 * ended so. */
SHMRPC_API int shmrpc_stub_stream_next(shmrpc_stream *stream, const void **item,
                                       shmrpc_error *error);

/*
 * Sends an item. OK: it is on its way, which is not to say that the handler has
 * it. Waits for room; with SHMRPC_OPT_NONBLOCK in `flags` it is BUSY instead.
 * INVALID, TOO_LARGE: not this item, others may follow. ABORTED: both ends only
 * send, and wait for each other. PRECONDITION: after end. If the handler has
 * returned: the status in which it has; CANCELLED if that was OK.
 */
SHMRPC_API int shmrpc_stub_stream_send(shmrpc_stream *stream, const void *item,
                                       uint32_t flags, shmrpc_error *error);

/*
 * Lends memory for the next item: `len` bytes of a raw method's, or a flat item
 * of a native one's, zeroed (`len` is not looked at). It is where the item will
 * lie, if the transport is shared memory and it is no larger than a quarter of
 * the window, else a buffer. Nothing else is sent until it is committed or
 * aborted: PRECONDITION. Waits for room as send does, and has its statuses;
 * UNIMPLEMENTED: the items are of another kind.
 */
SHMRPC_API int shmrpc_stub_stream_loan(shmrpc_stream *stream, size_t len,
                                       uint32_t flags, void **at,
                                       shmrpc_error *error);
/* Sends it, of a raw method's the first `len` bytes. Statuses of send;
 * PRECONDITION: nothing is lent at `at`, or less. */
SHMRPC_API int shmrpc_stub_stream_commit(shmrpc_stream *stream, const void *at,
                                         size_t len, shmrpc_error *error);
/* Drops the loan: no item is sent. */
SHMRPC_API void shmrpc_stub_stream_abort(shmrpc_stream *stream, const void *at);

/* How many of the items that were sent the other end has let go of: a lower
 * bound; exact when that end has read the last one and the stream's end. Over
 * shmrpc-tcp those that it has passed on. By the thread that sends. */
SHMRPC_API uint64_t shmrpc_stub_stream_delivered(shmrpc_stream *stream);

/* These were all items; the other direction goes on. */
SHMRPC_API int shmrpc_stub_stream_end(shmrpc_stream *stream,
                                      shmrpc_error *error);

/* The same, then waits for the result of a method that returns one value, and
 * ends the stream in any case. As shmrpc_stub_call and _call_reply. */
SHMRPC_API int shmrpc_stub_stream_finish(shmrpc_stream *stream, void *result,
                                         shmrpc_error *error);
SHMRPC_API int shmrpc_stub_stream_finish_reply(shmrpc_stream *stream,
                                               const void **reply,
                                               shmrpc_error *error);

/* The payload of the error `type` in which the stream has ended, if the server
 * sent one, else NULL. Lives until close. */
SHMRPC_API const void *
shmrpc_stub_stream_payload(const shmrpc_stream *stream,
                           const shmrpc_error_type *type);

/* The fault in which it has ended, if SHMRPC_OPT_FAULTS was asked for, else
 * NULL. Lives until close. */
SHMRPC_API const shmrpc_fault *
shmrpc_stub_stream_fault(const shmrpc_stream *stream);

/*
 * ---- without waiting, for programs with a loop of events ----
 *
 * These return BUSY where the ones above wait; then `ready` is called, once, by
 * dispatch of the client (shmrpc/stub.h), as soon as one of those that were
 * BUSY may return something else: try them again. It may call any function of
 * this header, also close. What nobody asks for is not read, and stands still.
 *
 * A stream is used either so or in the ways above, and by the one thread that
 * dispatches. The reply is waited for by try_next, when all items have come,
 * or by try_finish.
 */
typedef void (*shmrpc_stream_ready)(void *user);

/* Has `ready` called from now on. UNIMPLEMENTED: not over this transport;
 * EXHAUSTED: no thread or descriptor left. */
SHMRPC_API int shmrpc_stub_stream_on_ready(shmrpc_stream *stream,
                                           shmrpc_stream_ready ready,
                                           void *user, shmrpc_error *error);

/* As next; BUSY: there is no item yet, nor the end. */
SHMRPC_API int shmrpc_stub_stream_try_next(shmrpc_stream *stream,
                                           const void **item,
                                           shmrpc_error *error);

/*
 * Takes a copy of an item, of any size, and sends of it what there is room for.
 * BUSY: there is more of it, or it was not begun: call again, with NULL, until
 * OK, before the next item or end. Other statuses as send.
 */
SHMRPC_API int shmrpc_stub_stream_push(shmrpc_stream *stream, const void *item,
                                       shmrpc_error *error);

/* As finish_reply, but that the stream stays, and `*reply` lives with it; BUSY:
 * there is no reply yet. */
SHMRPC_API int shmrpc_stub_stream_try_finish(shmrpc_stream *stream,
                                             const void **reply,
                                             shmrpc_error *error);

/* What generated code makes of an item, and of the end. */
typedef int (*shmrpc_stub_item)(shmrpc_function on_item, void *user,
                                const void *item);
typedef void (*shmrpc_stub_items_end)(shmrpc_function on_end, void *user,
                                      int status, const shmrpc_error *error);

/*
 * Opens a stream whose items dispatch of the client hands to `item`, 64 in a
 * turn at most; then the end, once, to `end`. `item` returns MORE; PAUSE: none
 * until resume, and the window stops the handler; anything else: the stream
 * ends CANCELLED. `*out` is to be closed in any case: by any callback, or
 * later; there is no end any more then. Statuses of open and on_ready.
 */
SHMRPC_API int
shmrpc_stub_stream_async(shmrpc_client *client, uint32_t method,
                         const void *params, const shmrpc_opts *opts,
                         shmrpc_stub_item item, shmrpc_stub_items_end end,
                         shmrpc_function on_item, shmrpc_function on_end,
                         void *user, shmrpc_stream **out, shmrpc_error *error);

/* By the thread that dispatches. Nothing if it is not paused. */
SHMRPC_API void shmrpc_stub_stream_resume(shmrpc_stream *stream);

/* Ends the stream: one that is not over is cancelled. NULL is fine. */
SHMRPC_API void shmrpc_stub_stream_close(shmrpc_stream *stream);

/* ---- handlers ---------------------------------------------------------- */

/* Of a call whose method has such a stream; valid until the handler returns. */
SHMRPC_API shmrpc_sink *shmrpc_stub_sink(shmrpc_ctx *ctx);
SHMRPC_API shmrpc_source *shmrpc_stub_source(shmrpc_ctx *ctx);

/* Sends an item. OK: it is on its way. Waits for room; with SHMRPC_OPT_NONBLOCK
 * it is BUSY instead. CANCELLED, DEADLINE: there is no point any more;
 * INTERNAL: the item breaks its own bounds; ABORTED: both ends only send;
 * TOO_LARGE, NO_MEMORY. */
SHMRPC_API int shmrpc_stub_sink_send(shmrpc_sink *sink, const void *item,
                                     uint32_t flags);

/* As shmrpc_stub_stream_loan and its like, with the statuses of sink_send. */
SHMRPC_API int shmrpc_stub_sink_loan(shmrpc_sink *sink, size_t len,
                                     uint32_t flags, void **at);
SHMRPC_API int shmrpc_stub_sink_commit(shmrpc_sink *sink, const void *at,
                                       size_t len);
SHMRPC_API void shmrpc_stub_sink_abort(shmrpc_sink *sink, const void *at);

SHMRPC_API uint64_t shmrpc_stub_sink_delivered(const shmrpc_sink *sink);

/* Waits for the next item, which lives until the next call. MORE: there is one;
 * OK: there are no more; CANCELLED, DEADLINE: there is no point any more;
 * INVALID: the client's item can't be read: return it. */
SHMRPC_API int shmrpc_stub_source_next(shmrpc_source *source,
                                       const void **item);

/* As next, but BUSY if there is none yet. */
SHMRPC_API int shmrpc_stub_source_try_next(shmrpc_source *source,
                                           const void **item);

/* ---- detached handlers -------------------------------------------------- */

SHMRPC_API shmrpc_ctx *shmrpc_stub_sink_ctx(shmrpc_sink *sink);
SHMRPC_API shmrpc_ctx *shmrpc_stub_source_ctx(shmrpc_source *source);

/* Calls the user's function `step`, which it knows the type of. */
typedef int (*shmrpc_stub_step)(shmrpc_ctx *ctx, shmrpc_function step,
                                void *state, void *result);

/*
 * Lets the handler return before its streams are over. SHMRPC_DETACHED, which
 * it is to return: from now on `step` is called by a thread of ours, one call
 * at a time: soon; when there is an item and it has found none before, or room;
 * when the client has sent all; after shmrpc_stream_wake. Send and next never
 * wait in it: BUSY. It returns SHMRPC_MORE, to be called again; else what the
 * handler would have returned, and `*result` is the method's. Where there is
 * no point any more (cancelled, the client has died, the deadline) it is not
 * called again. In any case `drop`, unless NULL, is called last, once.
 * Another status: nothing has changed: UNIMPLEMENTED: this transport has none;
 * others as shmrpc_ctx_detach.
 */
SHMRPC_API int shmrpc_stub_stream_detach(shmrpc_ctx *ctx, shmrpc_stub_step call,
                                         shmrpc_function step, void *state,
                                         void (*drop)(void *state));

SHMRPC_END_DECLS

#endif
