/*
 * Functions that generated code calls for streams. Programs use the functions
 * in the generated headers.
 *
 * A generated stream is a pointer to shmrpc_stream under another name; the same
 * goes for a handler's sink and source. Items are `const void *` here: values
 * of the types in the method's row. Besides the statuses listed, functions
 * return those in which calls end.
 *
 * Opening a stream to a server whose protocol has none is UNIMPLEMENTED.
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
/* A handler's ends: where its items go, and where the client's come from. */
typedef struct shmrpc_sink shmrpc_sink;
typedef struct shmrpc_source shmrpc_source;

/*
 * Calls method number `method`, which has a stream. `opts->timeout_ns` is for
 * the whole call; without it, and without @timeout, there is no deadline.
 * `*out` must be finished or closed before the client is closed. In a forked
 * child its functions return FORKED, and closing it does nothing. EXHAUSTED:
 * too many streams of this connection are open; UNIMPLEMENTED: its server has
 * none.
 */
SHMRPC_API int shmrpc_stub_stream_open(shmrpc_client *client, uint32_t method,
                                       const void *params,
                                       const shmrpc_opts *opts,
                                       shmrpc_stream **out,
                                       shmrpc_error *error);

/* Waits for the next item, which lives until the next call of this function or
 * the end of the stream. MORE: there is one; OK: there are no more, and the
 * call succeeded; any other status or a declared error: there are no more, and
 * the call ended in it. */
SHMRPC_API int shmrpc_stub_stream_next(shmrpc_stream *stream, const void **item,
                                       shmrpc_error *error);

/*
 * Sends an item. OK: it was sent, but the handler may not have received it yet.
 * Waits for room; with SHMRPC_OPT_NONBLOCK in `flags` it returns BUSY instead.
 * INVALID, TOO_LARGE: this item can't be sent; others may follow. ABORTED: a
 * deadlock, both ends wait for room and neither reads. PRECONDITION: after end.
 * If the handler has returned: its status, or CANCELLED if that was OK.
 */
SHMRPC_API int shmrpc_stub_stream_send(shmrpc_stream *stream, const void *item,
                                       uint32_t flags, shmrpc_error *error);

/*
 * Lends memory for the next item: `len` bytes for a raw method; for a native
 * method a zeroed flat item (`len` is ignored). If the transport is shared
 * memory and the item is no larger than a quarter of the window, it is the
 * place from which the other side reads the item, else a buffer. Until it is
 * committed or aborted, sending anything else is PRECONDITION. Waits for room
 * and returns statuses as send does; UNIMPLEMENTED: the items are of another
 * kind.
 */
SHMRPC_API int shmrpc_stub_stream_loan(shmrpc_stream *stream, size_t len,
                                       uint32_t flags, void **at,
                                       shmrpc_error *error);
/* Sends the loan; for a raw method its first `len` bytes. Statuses of send;
 * PRECONDITION: nothing is lent at `at`, or less than `len`. */
SHMRPC_API int shmrpc_stub_stream_commit(shmrpc_stream *stream, const void *at,
                                         size_t len, shmrpc_error *error);
/* Drops the loan: no item is sent. */
SHMRPC_API void shmrpc_stub_stream_abort(shmrpc_stream *stream, const void *at);

/* How many of the sent items the other end has read and released: a lower
 * bound, exact once that end has read the stream's end. Over shmrpc-tcp, how
 * many it has forwarded. To be called by the thread that sends. */
SHMRPC_API uint64_t shmrpc_stub_stream_delivered(shmrpc_stream *stream);

/* Tells the handler that there are no more items; the other direction goes
 * on. */
SHMRPC_API int shmrpc_stub_stream_end(shmrpc_stream *stream,
                                      shmrpc_error *error);

/* The same, then waits for the result of a method that returns one value, and
 * ends the stream in any case. As shmrpc_stub_call and _call_reply. */
SHMRPC_API int shmrpc_stub_stream_finish(shmrpc_stream *stream, void *result,
                                         shmrpc_error *error);
SHMRPC_API int shmrpc_stub_stream_finish_reply(shmrpc_stream *stream,
                                               const void **reply,
                                               shmrpc_error *error);

/* The payload of the error `type`, if the stream ended in it and the server
 * sent one, else NULL. Lives until close. */
SHMRPC_API const void *
shmrpc_stub_stream_payload(const shmrpc_stream *stream,
                           const shmrpc_error_type *type);

/* The fault in which it has ended, if SHMRPC_OPT_FAULTS was asked for, else
 * NULL. Lives until close. */
SHMRPC_API const shmrpc_fault *
shmrpc_stub_stream_fault(const shmrpc_stream *stream);

/*
 * ---- without waiting, for programs with an event loop ----
 *
 * These functions return BUSY where those above wait. After that the client's
 * dispatch (shmrpc/stub.h) calls `ready`, once, as soon as one of them may
 * return something else: try them again. `ready` may call any function of this
 * header, also close. Items are read only when the program asks for them;
 * otherwise the stream stands still.
 *
 * A stream is used either with these functions or with those above, and only by
 * the thread that dispatches. The reply is returned by try_next, after the last
 * item, or by try_finish.
 */
typedef void (*shmrpc_stream_ready)(void *user);

/* Sets `ready`, to be called from now on. UNIMPLEMENTED: this transport can't
 * do it; EXHAUSTED: no thread or descriptor left. */
SHMRPC_API int shmrpc_stub_stream_on_ready(shmrpc_stream *stream,
                                           shmrpc_stream_ready ready,
                                           void *user, shmrpc_error *error);

/* As next; BUSY: neither an item nor the end has come yet. */
SHMRPC_API int shmrpc_stub_stream_try_next(shmrpc_stream *stream,
                                           const void **item,
                                           shmrpc_error *error);

/*
 * Takes a copy of an item, of any size, and sends as much of it as there is
 * room for. BUSY: not all of it is sent: call again with NULL until it returns
 * OK, before the next item or end. Other statuses as send.
 */
SHMRPC_API int shmrpc_stub_stream_push(shmrpc_stream *stream, const void *item,
                                       shmrpc_error *error);

/* As finish_reply, except that the stream stays open, and `*reply` lives until
 * it is closed; BUSY: there is no reply yet. */
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
 * in one call; then it calls `end`, once. `item` returns MORE to go on; PAUSE:
 * it gets no items until resume, and a full window stops the handler; anything
 * else: the stream ends CANCELLED. `*out` must be closed, in any callback or
 * later; `end` is not called after that. Statuses of open and on_ready.
 */
SHMRPC_API int
shmrpc_stub_stream_async(shmrpc_client *client, uint32_t method,
                         const void *params, const shmrpc_opts *opts,
                         shmrpc_stub_item item, shmrpc_stub_items_end end,
                         shmrpc_function on_item, shmrpc_function on_end,
                         void *user, shmrpc_stream **out, shmrpc_error *error);

/* Ends a pause; does nothing if the stream is not paused. To be called by the
 * thread that dispatches. */
SHMRPC_API void shmrpc_stub_stream_resume(shmrpc_stream *stream);

/* Ends the stream: one that is not over is cancelled. NULL is fine. */
SHMRPC_API void shmrpc_stub_stream_close(shmrpc_stream *stream);

/* ---- handlers ---------------------------------------------------------- */

/* The streams of a call whose method has them; valid until the handler
 * returns. */
SHMRPC_API shmrpc_sink *shmrpc_stub_sink(shmrpc_ctx *ctx);
SHMRPC_API shmrpc_source *shmrpc_stub_source(shmrpc_ctx *ctx);

/* Sends an item. OK: it was sent. Waits for room; with SHMRPC_OPT_NONBLOCK it
 * returns BUSY instead. CANCELLED, DEADLINE: nobody waits for it any more;
 * INTERNAL: the item breaks its own bounds; ABORTED: a deadlock, both ends wait
 * for room and neither reads; TOO_LARGE, NO_MEMORY. */
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
 * OK: there are no more; CANCELLED, DEADLINE: nobody waits for the result any
 * more; INVALID: the client's item can't be decoded; the handler should return
 * this status. */
SHMRPC_API int shmrpc_stub_source_next(shmrpc_source *source,
                                       const void **item);

/* As next, but BUSY if there is none yet. */
SHMRPC_API int shmrpc_stub_source_try_next(shmrpc_source *source,
                                           const void **item);

/* ---- detached handlers -------------------------------------------------- */

SHMRPC_API shmrpc_ctx *shmrpc_stub_sink_ctx(shmrpc_sink *sink);
SHMRPC_API shmrpc_ctx *shmrpc_stub_source_ctx(shmrpc_source *source);

/* Function of generated code that calls the user's `step` with its real
 * type. */
typedef int (*shmrpc_stub_step)(shmrpc_ctx *ctx, shmrpc_function step,
                                void *state, void *result);

/*
 * Lets the handler return before its streams are over. On SHMRPC_DETACHED,
 * which the handler must return, a thread of the library calls `step` from now
 * on, one call at a time: soon; when an item has come, or room, after it got
 * BUSY; when the client has sent all; and after shmrpc_stream_wake. Send and
 * next never wait in it, but return BUSY. It returns SHMRPC_MORE to be called
 * again; else what the handler would have returned, and `*result` is the
 * method's result. It is not called again when nobody waits for the result any
 * more (the call was cancelled, the client has died, the deadline has passed).
 * In any case `drop`, unless NULL, is called last, once. On any other status
 * nothing has changed. UNIMPLEMENTED: this transport can't detach streams;
 * others as shmrpc_ctx_detach.
 */
SHMRPC_API int shmrpc_stub_stream_detach(shmrpc_ctx *ctx, shmrpc_stub_step call,
                                         shmrpc_function step, void *state,
                                         void (*drop)(void *state));

SHMRPC_END_DECLS

#endif
