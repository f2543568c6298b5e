/*
 * Functions that generated code calls for streams. Programs use the functions
 * in the generated headers.
 *
 * A generated stream is a pointer to shmrpc_stream under another name; the same
 * goes for a handler's sink and source. Items are `const void *` here: values
 * of the types in the method's row. Functions return the statuses listed, and
 * those of calls.
 *
 * Opening a stream fails with UNIMPLEMENTED if the server's protocol version
 * has no streams.
 *
 * Threading: one thread may send while another one reads; a sink and a source
 * belong to the thread of their handler.
 */
#ifndef SHMRPC_STREAM_STUB_H
#define SHMRPC_STREAM_STUB_H

#include "shmrpc/stub.h"

SHMRPC_BEGIN_DECLS

/* A client's end of a call with streams. */
typedef struct shmrpc_stream shmrpc_stream;
/* A handler's ends: it sends items to the sink, and reads the client's items
 * from the source. */
typedef struct shmrpc_sink shmrpc_sink;
typedef struct shmrpc_source shmrpc_source;

/*
 * Calls method number `method`, which has a stream. `opts->timeout_ns` is for
 * the whole call; without it, and without @timeout, there is no deadline.
 * `*out` must be finished or closed before the client is closed. In a forked
 * child the stream's functions return FORKED, and closing the stream does
 * nothing. Returns EXHAUSTED if too many streams of this connection are open,
 * or UNIMPLEMENTED if the server has no streams.
 */
SHMRPC_API int shmrpc_stub_stream_open(shmrpc_client *client, uint32_t method,
                                       const void *params,
                                       const shmrpc_opts *opts,
                                       shmrpc_stream **out,
                                       shmrpc_error *error);

/* Waits for the next item, which lives until the next call of this function or
 * the end of the stream. Returns MORE if there is one; OK if there are no more
 * and the call succeeded; any other status, or a declared error, if the call
 * ended in it. */
SHMRPC_API int shmrpc_stub_stream_next(shmrpc_stream *stream, const void **item,
                                       shmrpc_error *error);

/*
 * Sends an item. Waits for room; with SHMRPC_OPT_NONBLOCK in `flags` it returns
 * BUSY instead. OK means that the item was sent, but the handler may not have
 * received it yet. Returns INVALID or TOO_LARGE if this item can't be sent
 * (others may follow); ABORTED in a deadlock, when both ends wait for room and
 * neither reads; PRECONDITION after end. If the handler has returned, returns
 * its status, or CANCELLED if that was OK.
 */
SHMRPC_API int shmrpc_stub_stream_send(shmrpc_stream *stream, const void *item,
                                       uint32_t flags, shmrpc_error *error);

/*
 * Lends memory for the next item: `len` bytes for a raw method; for a native
 * method a zeroed flat item (`len` is ignored). Over shared memory, if the item
 * takes at most a quarter of the window, this is the memory from which the
 * other side reads it; otherwise it is a buffer. Until the loan is committed or
 * aborted, sending anything else is PRECONDITION. Waits for room and returns
 * statuses as send does; returns UNIMPLEMENTED if the items are of another
 * kind.
 */
SHMRPC_API int shmrpc_stub_stream_loan(shmrpc_stream *stream, size_t len,
                                       uint32_t flags, void **at,
                                       shmrpc_error *error);
/* Sends the loan; for a raw method its first `len` bytes. Returns the statuses
 * of send, and PRECONDITION if nothing is lent at `at`, or fewer than `len`
 * bytes. */
SHMRPC_API int shmrpc_stub_stream_commit(shmrpc_stream *stream, const void *at,
                                         size_t len, shmrpc_error *error);
/* Drops the loan: no item is sent. */
SHMRPC_API void shmrpc_stub_stream_abort(shmrpc_stream *stream, const void *at);

/* Returns how many of the sent items the other end has read and released: a
 * lower bound, which is exact once the other end has read the end of the
 * stream. Over shmrpc-tcp it is how many items shmrpc-tcp has forwarded. Only
 * the thread that sends may call it. */
SHMRPC_API uint64_t shmrpc_stub_stream_delivered(shmrpc_stream *stream);

/* Tells the handler that there are no more items; the other direction goes
 * on. */
SHMRPC_API int shmrpc_stub_stream_end(shmrpc_stream *stream,
                                      shmrpc_error *error);

/* Ends the client's items, then waits for the result of a method that returns
 * one value, and closes the stream in any case. Results are those of
 * shmrpc_stub_call and shmrpc_stub_call_reply. */
SHMRPC_API int shmrpc_stub_stream_finish(shmrpc_stream *stream, void *result,
                                         shmrpc_error *error);
SHMRPC_API int shmrpc_stub_stream_finish_reply(shmrpc_stream *stream,
                                               const void **reply,
                                               shmrpc_error *error);

/* Returns the payload of the error `type`, if the stream ended in that error
 * and the server sent a payload, else NULL. It lives until close. */
SHMRPC_API const void *
shmrpc_stub_stream_payload(const shmrpc_stream *stream,
                           const shmrpc_error_type *type);

/* Returns the fault in which the stream has ended, if the call had
 * SHMRPC_OPT_FAULTS, else NULL. It lives until close. */
SHMRPC_API const shmrpc_fault *
shmrpc_stub_stream_fault(const shmrpc_stream *stream);

/*
 * ---- without waiting, for programs with an event loop ----
 *
 * These functions return BUSY where those above wait. After that the client's
 * dispatch (shmrpc/stub.h) calls `ready`, once, as soon as one of them may
 * return something else: try them again then. `ready` may call any function of
 * this header, also close. Items are read only when the program asks for them;
 * until then the server can send no more than the window holds.
 *
 * A stream is used either with these functions or with those above, and only by
 * the thread that dispatches. The reply is returned by try_next, after the last
 * item, or by try_finish.
 */
typedef void (*shmrpc_stream_ready)(void *user);

/* Sets `ready`, which dispatch calls from now on. Returns UNIMPLEMENTED if this
 * transport can't do it, or EXHAUSTED if no thread or descriptor is left. */
SHMRPC_API int shmrpc_stub_stream_on_ready(shmrpc_stream *stream,
                                           shmrpc_stream_ready ready,
                                           void *user, shmrpc_error *error);

/* Like next, but returns BUSY while neither an item nor the end has come. */
SHMRPC_API int shmrpc_stub_stream_try_next(shmrpc_stream *stream,
                                           const void **item,
                                           shmrpc_error *error);

/*
 * Takes a copy of an item, of any size, and sends as much of it as there is
 * room for. Returns BUSY if part of it is not sent yet: before the next item or
 * end, call again with NULL until it returns OK. Other statuses are those of
 * send.
 */
SHMRPC_API int shmrpc_stub_stream_push(shmrpc_stream *stream, const void *item,
                                       shmrpc_error *error);

/* Like finish_reply, except that it returns BUSY while there is no reply, the
 * stream stays open, and `*reply` lives until the stream is closed. */
SHMRPC_API int shmrpc_stub_stream_try_finish(shmrpc_stream *stream,
                                             const void **reply,
                                             shmrpc_error *error);

/* Functions of generated code that call the user's functions with their real
 * types, for an item and for the end. */
typedef int (*shmrpc_stub_item)(shmrpc_function on_item, void *user,
                                const void *item);
typedef void (*shmrpc_stub_items_end)(shmrpc_function on_end, void *user,
                                      int status, const shmrpc_error *error);

/*
 * Opens a stream whose items the client's dispatch passes to `item`, at most 64
 * in one dispatch; after the last item it calls `end`, once. `item` returns
 * MORE to go on, or PAUSE to get no items until resume is called; during the
 * pause the handler has to stop when the window is full. Any other result ends
 * the stream with CANCELLED. `*out` must be closed, in any callback or later;
 * `end` is not called after that. Returns the statuses of open and on_ready.
 */
SHMRPC_API int
shmrpc_stub_stream_async(shmrpc_client *client, uint32_t method,
                         const void *params, const shmrpc_opts *opts,
                         shmrpc_stub_item item, shmrpc_stub_items_end end,
                         shmrpc_function on_item, shmrpc_function on_end,
                         void *user, shmrpc_stream **out, shmrpc_error *error);

/* Ends a pause; does nothing if the stream is not paused. Only the thread that
 * dispatches may call it. */
SHMRPC_API void shmrpc_stub_stream_resume(shmrpc_stream *stream);

/* Closes the stream; if the call is not over, it is cancelled. NULL is fine. */
SHMRPC_API void shmrpc_stub_stream_close(shmrpc_stream *stream);

/* ---- handlers ------------------------------------------------------------ */

/* Return the streams of a call whose method has them; valid until the handler
 * returns. */
SHMRPC_API shmrpc_sink *shmrpc_stub_sink(shmrpc_ctx *ctx);
SHMRPC_API shmrpc_source *shmrpc_stub_source(shmrpc_ctx *ctx);

/* Sends an item. Waits for room; with SHMRPC_OPT_NONBLOCK it returns BUSY
 * instead. Returns OK if the item was sent; CANCELLED or DEADLINE if nobody
 * waits for it any more; INTERNAL if the item violates its bounds; ABORTED in a
 * deadlock, when both ends wait for room and neither reads; TOO_LARGE;
 * NO_MEMORY. */
SHMRPC_API int shmrpc_stub_sink_send(shmrpc_sink *sink, const void *item,
                                     uint32_t flags);

/* Work as shmrpc_stub_stream_loan, _commit and _abort, with the statuses of
 * sink_send. */
SHMRPC_API int shmrpc_stub_sink_loan(shmrpc_sink *sink, size_t len,
                                     uint32_t flags, void **at);
SHMRPC_API int shmrpc_stub_sink_commit(shmrpc_sink *sink, const void *at,
                                       size_t len);
SHMRPC_API void shmrpc_stub_sink_abort(shmrpc_sink *sink, const void *at);

SHMRPC_API uint64_t shmrpc_stub_sink_delivered(const shmrpc_sink *sink);

/* Waits for the next item, which lives until the next call. Returns MORE if
 * there is one; OK if there are no more; CANCELLED or DEADLINE if nobody waits
 * for the result any more; INVALID if the client's item can't be decoded, a
 * status that the handler should return. */
SHMRPC_API int shmrpc_stub_source_next(shmrpc_source *source,
                                       const void **item);

/* Like next, but returns BUSY if there is no item yet. */
SHMRPC_API int shmrpc_stub_source_try_next(shmrpc_source *source,
                                           const void **item);

/* ---- detached handlers --------------------------------------------------- */

SHMRPC_API shmrpc_ctx *shmrpc_stub_sink_ctx(shmrpc_sink *sink);
SHMRPC_API shmrpc_ctx *shmrpc_stub_source_ctx(shmrpc_source *source);

/* A function of generated code that calls the user's `step` with its real
 * type. */
typedef int (*shmrpc_stub_step)(shmrpc_ctx *ctx, shmrpc_function step,
                                void *state, void *result);

/*
 * Lets the handler return before its streams are over. If this returns
 * SHMRPC_DETACHED, the handler must return that too. From then on a thread of
 * the library calls `step`, one call at a time: soon after this; when an item
 * or room has come, after `step` got BUSY; when the client has sent everything;
 * and after shmrpc_stream_wake. In `step`, send and next never wait, but return
 * BUSY. It returns SHMRPC_MORE to be called again; otherwise the status that
 * the handler would have returned, with the method's result in `*result`. It is
 * not called again when nobody waits for the result any more (the call was
 * cancelled, the client has died, the deadline has passed). In any case `drop`,
 * unless NULL, is called last, once. On any other status nothing has changed:
 * UNIMPLEMENTED if this transport can't detach streams, or a status of
 * shmrpc_ctx_detach.
 */
SHMRPC_API int shmrpc_stub_stream_detach(shmrpc_ctx *ctx, shmrpc_stub_step call,
                                         shmrpc_function step, void *state,
                                         void (*drop)(void *state));

SHMRPC_END_DECLS

#endif
