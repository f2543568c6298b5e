/*
 * Clients of types.svc, made by shmrpcgen: edit that file instead.
 *
 * Functions return 0, a negative shmrpc_status, or 100 and up, an error that
 * the service declares; results are written only on 0, and `error`, which may
 * be NULL, only otherwise.  Where errors carry details, a reply comes with each
 * declared error too.
 * What you pass in is borrowed until the call returns; nothing here frees a
 * pointer that you made.  Calls block until they end or their deadline passes;
 * `opts` may be NULL.  Threading: any thread may use a client.
 */
#ifndef TYPES_V2_TYPES_CLIENT_H
#define TYPES_V2_TYPES_CLIENT_H

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
 * machine.  `defaults`, which may be NULL, also holds for the calls.  Blocks
 * for 5 s at most.  UNAVAILABLE: nobody serves there; CONTRACT: the server's
 * interface differs.  Close the client in the end. */
int types_v2_everything_connect(const char *where, const shmrpc_opts *defaults,
                                types_v2_everything **out, shmrpc_error *error);

/* Ends the connection; no call may be running.  Replies stay.  NULL is fine. */
void types_v2_everything_close(types_v2_everything *client);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_nothing(types_v2_everything *client,
                                const shmrpc_opts *opts, shmrpc_error *error);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_flat(types_v2_everything *client,
                             const types_v2_flat *flat, const shmrpc_opts *opts,
                             types_v2_flat *out, shmrpc_error *error);

/* `b`: u32(1..9), default 3.  Deadline: the connection's, or that of `opts`. */
int types_v2_everything_number(types_v2_everything *client, int64_t a,
                               uint32_t b, const shmrpc_opts *opts, double *out,
                               shmrpc_error *error);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_grid(types_v2_everything *client,
                             const uint32_t grid[2][3], const shmrpc_opts *opts,
                             uint32_t out[2][3], shmrpc_error *error);

/* Deadline: the connection's, or that of `opts`.  May return
 * TYPES_V2_ERR_NOT_FOUND, TYPES_V2_ERR_BUSY. */
int types_v2_everything_scalars(types_v2_everything *client,
                                const types_v2_scalars *scalars,
                                const shmrpc_opts *opts, types_v2_scalars *out,
                                shmrpc_error *error);

/* What containers returns: read-only, and yours until you release it. */
typedef struct types_v2_everything_containers_reply {
    types_v2_containers value;
} types_v2_everything_containers_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_containers_release. */
int types_v2_everything_containers(
    types_v2_everything *client, const types_v2_containers *c,
    const shmrpc_opts *opts, const types_v2_everything_containers_reply **out,
    shmrpc_error *error);

/* Ends the reply's life.  Any thread, also after close.  NULL is fine. */
void types_v2_everything_containers_release(
    const types_v2_everything_containers_reply *reply);

/* What node returns: read-only, and yours until you release it. */
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

/* Ends the reply's life.  Any thread, also after close.  NULL is fine. */
void types_v2_everything_node_release(
    const types_v2_everything_node_reply *reply);

/* What choice returns: read-only, and yours until you release it. */
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

/* Ends the reply's life.  Any thread, also after close.  NULL is fine. */
void types_v2_everything_choice_release(
    const types_v2_everything_choice_reply *reply);

/* What anything returns: read-only, and yours until you release it. */
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

/* Ends the reply's life.  Any thread, also after close.  NULL is fine. */
void types_v2_everything_anything_release(
    const types_v2_everything_anything_reply *reply);

/* What blob returns: read-only, and yours until you release it. */
typedef struct types_v2_everything_blob_reply {
    shmrpc_bytes value;
} types_v2_everything_blob_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_blob_release. */
int types_v2_everything_blob(types_v2_everything *client, shmrpc_bytes data,
                             const shmrpc_opts *opts,
                             const types_v2_everything_blob_reply **out,
                             shmrpc_error *error);

/* Ends the reply's life.  Any thread, also after close.  NULL is fine. */
void types_v2_everything_blob_release(
    const types_v2_everything_blob_reply *reply);

/* What texts returns: read-only, and yours until you release it. */
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

/* Ends the reply's life.  Any thread, also after close.  NULL is fine. */
void types_v2_everything_texts_release(
    const types_v2_everything_texts_reply *reply);

/* What optionals returns: read-only, and yours until you release it. */
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

/* Ends the reply's life.  Any thread, also after close.  NULL is fine. */
void types_v2_everything_optionals_release(
    const types_v2_everything_optionals_reply *reply);

/* What bounded returns: read-only, and yours until you release it. */
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

/* Ends the reply's life.  Any thread, also after close.  NULL is fine. */
void types_v2_everything_bounded_release(
    const types_v2_everything_bounded_reply *reply);

/* Deadline: 250 ms, or that of `opts`. */
int types_v2_everything_fast(types_v2_everything *client, uint32_t client_,
                             uint32_t opts_, uint32_t out_, uint32_t error_,
                             uint32_t user_, const shmrpc_opts *opts,
                             types_v2_nothing *out, shmrpc_error *error);

/* What slow returns: read-only, and yours until you release it. */
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

/* Ends the reply's life.  Any thread, also after close.  NULL is fine. */
void types_v2_everything_slow_release(
    const types_v2_everything_slow_reply *reply);

/* What parse returns: read-only, and yours until you release it. */
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

/* What came with TYPES_V2_ERR_BAD_TEXT: NULL when the call has not ended in it,
 * or the server sent nothing.  Lives as long as the reply; NULL is fine. */
const types_v2_bad_text *types_v2_everything_parse_bad_text(
    const types_v2_everything_parse_reply *reply);

/* What came with COMMON_ERR_REFUSED: NULL when the call has not ended in it, or
 * the server sent nothing.  Lives as long as the reply; NULL is fine. */
const common_refused *types_v2_everything_parse_refused(
    const types_v2_everything_parse_reply *reply);

/* Ends the reply's life.  Any thread, also after close.  NULL is fine. */
void types_v2_everything_parse_release(
    const types_v2_everything_parse_reply *reply);

/* What store returns: read-only, and yours until you release it. */
typedef struct types_v2_everything_store_reply {
    char unused; /* it returns nothing; its errors may tell something */
} types_v2_everything_store_reply;

/* Deadline: the connection's, or that of `opts`.  Release `*out` with
 * types_v2_everything_store_release, also after a declared error.  May return
 * TYPES_V2_ERR_FULL. */
int types_v2_everything_store(types_v2_everything *client,
                              const types_v2_flat *flat,
                              const shmrpc_opts *opts,
                              const types_v2_everything_store_reply **out,
                              shmrpc_error *error);

/* What came with TYPES_V2_ERR_FULL: NULL when the call has not ended in it, or
 * the server sent nothing.  Lives as long as the reply; NULL is fine. */
const types_v2_full *types_v2_everything_store_full(
    const types_v2_everything_store_reply *reply);

/* Ends the reply's life.  Any thread, also after close.  NULL is fine. */
void types_v2_everything_store_release(
    const types_v2_everything_store_reply *reply);

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

/* Deadline: the connection's, or that of `opts`. */
int types_v2_everything_connect_(types_v2_everything *client, uint32_t int_,
                                 const shmrpc_opts *opts, uint32_t *out,
                                 shmrpc_error *error);

/*
 * A connection to the service "other".
 */
typedef struct types_v2_other types_v2_other;

/* Connects to `where`, one or more addresses separated by commas; NULL is this
 * machine.  `defaults`, which may be NULL, also holds for the calls.  Blocks
 * for 5 s at most.  UNAVAILABLE: nobody serves there; CONTRACT: the server's
 * interface differs.  Close the client in the end. */
int types_v2_other_connect(const char *where, const shmrpc_opts *defaults,
                           types_v2_other **out, shmrpc_error *error);

/* Ends the connection; no call may be running.  Replies stay.  NULL is fine. */
void types_v2_other_close(types_v2_other *client);

/* Deadline: the connection's, or that of `opts`. */
int types_v2_other_ping(types_v2_other *client, const shmrpc_opts *opts,
                        types_v2_order *out, shmrpc_error *error);

SHMRPC_END_DECLS

#endif
