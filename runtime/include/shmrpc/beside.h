/*
 * What accompanies a call: metadata, traces, and calls made from calls.
 *
 *     const shmrpc_metadata with[] = {{"tenant", "blue"}, {NULL, NULL}};
 *     shmrpc_reply_metadata back;
 *     shmrpc_opts opts = {.metadata = with, .reply_metadata = &back};
 *     demo_echo_say(client, "hello", &opts, &reply, &error);
 *     printf("%s\n", shmrpc_reply_metadata_get(&back, "server"));
 *
 * A handler that calls another service as part of its own call:
 *
 *     const char *tenant = shmrpc_ctx_metadata(ctx, "tenant");
 *     shmrpc_opts opts = {.parent = ctx};
 *     other_ask(other, &opts, &answer, &error);
 *
 * A message has up to 16 entries, of 1 KiB in total. Keys consist of up to 64
 * lower-case letters, digits, '.', '_' and '-'; values are UTF-8 without
 * control characters. If two entries have the same key, the first one counts.
 *
 * The key "traceparent" holds the trace that the call is part of, in the form
 * of W3C Trace Context. A server makes a new span for each call that is part of
 * a trace; calls with `.parent` are children of that span.
 *
 * Threading: metadata and traces are plain values; a context belongs to its
 * handler's thread.
 */
#ifndef SHMRPC_BESIDE_H
#define SHMRPC_BESIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

struct shmrpc_ctx;

/* ---- metadata ------------------------------------------------------------ */

#define SHMRPC_METADATA_MAX_ENTRIES 16
#define SHMRPC_METADATA_MAX_BYTES   1024

/* One entry; a list ends with an entry whose key is NULL. */
typedef struct shmrpc_metadata {
    const char *key;
    const char *value;
} shmrpc_metadata;

/* The metadata of a reply, in the caller's memory. The call empties it first.
 * For an asynchronous call it must live until the call has ended. */
typedef struct shmrpc_reply_metadata {
    size_t len;
    uint8_t bytes[SHMRPC_METADATA_MAX_BYTES];
} shmrpc_reply_metadata;

/* Returns the value of `key`, which lives as long as `metadata`, or NULL if
 * there is none. */
SHMRPC_API const char *
shmrpc_reply_metadata_get(const shmrpc_reply_metadata *metadata,
                          const char *key);

/* Gets entry number `index`, counted from 0; returns false if there are
 * fewer. */
SHMRPC_API bool shmrpc_reply_metadata_at(const shmrpc_reply_metadata *metadata,
                                         uint32_t index, shmrpc_metadata *out);

/* In a handler: returns what the caller has sent under `key`, or NULL; it lives
 * until the handler returns. "traceparent" is the caller's span. */
SHMRPC_API const char *shmrpc_ctx_metadata(const struct shmrpc_ctx *ctx,
                                           const char *key);

/* Gets entry number `index`, not counting the trace; returns false if there are
 * fewer. */
SHMRPC_API bool shmrpc_ctx_metadata_at(const struct shmrpc_ctx *ctx,
                                       uint32_t index, shmrpc_metadata *out);

/* In a handler: adds a copy of an entry to the reply, whatever status the call
 * ends in. The entry is dropped if the caller doesn't ask for metadata. Returns
 * INVALID if key or value is not allowed, or TOO_LARGE above the limits. */
SHMRPC_API int shmrpc_ctx_set_reply_metadata(struct shmrpc_ctx *ctx,
                                             const char *key,
                                             const char *value);

/* In a handler of an `@idempotent` method: whether this call is a retry of one
 * that may have run already. */
SHMRPC_API bool shmrpc_ctx_is_retry(const struct shmrpc_ctx *ctx);

/* ---- traces -------------------------------------------------------------- */

/* "00-" trace id "-" span id "-" flags, and a NUL. */
#define SHMRPC_TRACEPARENT_BYTES 56

/* A call in a trace, as its server sees it. */
typedef struct shmrpc_trace {
    uint8_t trace_id[16];
    uint8_t parent_id[8]; /* the caller's span */
    uint8_t span_id[8];   /* the handler's */
    bool is_sampled;
} shmrpc_trace;

/* Returns false if the call is in no trace. */
SHMRPC_API bool shmrpc_ctx_trace(const struct shmrpc_ctx *ctx,
                                 shmrpc_trace *out);

/* Begins a trace: writes a value for "traceparent" with random ids. */
SHMRPC_API void shmrpc_trace_begin(char out[SHMRPC_TRACEPARENT_BYTES]);

/* ---- interceptors -------------------------------------------------------- */

/* A call, as interceptors see it from begin to end. */
typedef struct shmrpc_intercepted {
    const char *service; /* "demo.Echo" */
    const char *method;  /* "say" */
    /* At a server: set in begin and item; NULL in end, because the reply was
     * already sent. At a client: always NULL. */
    struct shmrpc_ctx *ctx;
    void *state;       /* the interceptor's own; NULL to begin with */
    uint64_t items_in; /* items of its streams so far */
    uint64_t items_out;
    uint64_t reserved[2];
} shmrpc_intercepted;

/*
 * Functions that see every call of a client or a server: `begin` runs in the
 * order of the list, `end` in reverse order. They run on the thread of the
 * call; at a client `end` may run on another thread, the one that learns that
 * the call has ended. Any of them may be NULL.
 */
typedef struct shmrpc_interceptor {
    size_t size; /* sizeof(shmrpc_interceptor); lets later versions add
                  * members */
    /* Called before a client sends the call or a server runs it. Any status
     * other than OK refuses the call with that status and `error`; interceptors
     * whose `begin` has already returned OK get `end`. */
    int (*begin)(void *user, shmrpc_intercepted *call, shmrpc_error *error);
    /* Called after an item of a stream was sent or read. */
    void (*item)(void *user, shmrpc_intercepted *call);
    /* Called once for each begin that has returned OK, when the call is over:
     * at a client when its outcome is known, at a server when the reply was
     * sent. `error` may be NULL. */
    void (*end)(void *user, shmrpc_intercepted *call, int status,
                const shmrpc_error *error);
    void *user;
} shmrpc_interceptor;

/* Max number of interceptors of a client or server. */
#define SHMRPC_INTERCEPTORS_MAX 8

/* In `begin` of a client: adds an entry to the call's metadata. Returns
 * TOO_LARGE or INVALID as for shmrpc_opts.metadata, or PRECONDITION if not
 * called from a client's `begin`. */
SHMRPC_API int shmrpc_intercepted_add_metadata(shmrpc_intercepted *call,
                                               const char *key,
                                               const char *value,
                                               shmrpc_error *error);

SHMRPC_END_DECLS

#endif
