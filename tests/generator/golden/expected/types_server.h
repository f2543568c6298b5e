/*
 * Servers of types.svc, made by shmrpcgen: edit that file instead.
 *
 * Handlers return 0, a shmrpc_status, or the number of an error that the method
 * declares. Their arguments, and memory from shmrpc_ctx_alloc, are valid until
 * the reply has been sent. A result may also point to static memory or to
 * memory of your own. The return value of a oneway method's handler is not
 * sent.
 * Threading: handlers run on worker threads, several at a time unless the
 * server has one worker; the other functions are for one thread at a time.
 */
#ifndef TYPES_V2_TYPES_C298DD43_SERVER_H
#define TYPES_V2_TYPES_C298DD43_SERVER_H

#include <shmrpc/error.h>
#include <shmrpc/server.h>

#include "types.h"
#include "acme/common_server.h"

SHMRPC_BEGIN_DECLS

/* Makes the call end in TYPES_V2_ERR_BAD_TEXT: `return
 * types_v2_raise_bad_text(ctx, &detail);`. Copies `detail`; with NULL no
 * details are sent. Returns TYPES_V2_ERR_BAD_TEXT, or on failure a status, such
 * as INTERNAL if `detail` is outside of its bounds. */
int types_v2_raise_bad_text(shmrpc_ctx *ctx, const types_v2_bad_text *detail);

/* Makes the call end in TYPES_V2_ERR_FULL: `return types_v2_raise_full(ctx,
 * &detail);`. Copies `detail`; with NULL no details are sent. Returns
 * TYPES_V2_ERR_FULL, or on failure a status, such as INTERNAL if `detail` is
 * outside of its bounds. */
int types_v2_raise_full(shmrpc_ctx *ctx, const types_v2_full *detail);

/*
 * Methods of every shape.
 *
 The handlers of Everything. Initialise the struct with
     TYPES_V2_EVERYTHING_IMPL_INIT;
 * methods whose handler is NULL fail with UNIMPLEMENTED.
 */
typedef struct types_v2_everything_impl {
    size_t size; /* lets methods be added without recompiling */

    int (*nothing)(shmrpc_ctx *ctx, void *user);

    int (*flat)(shmrpc_ctx *ctx, void *user, const types_v2_flat *flat,
                types_v2_flat *ret);

    int (*number)(shmrpc_ctx *ctx, void *user, int64_t a, uint32_t b,
                  double *ret);

    int (*grid)(shmrpc_ctx *ctx, void *user, const uint32_t grid[2][3],
                uint32_t ret[2][3]);

    int (*scalars)(shmrpc_ctx *ctx, void *user, const types_v2_scalars *scalars,
                   types_v2_scalars *ret);

    int (*containers)(shmrpc_ctx *ctx, void *user, const types_v2_containers *c,
                      types_v2_containers *ret);

    int (*node)(shmrpc_ctx *ctx, void *user, const types_v2_node *node,
                const types_v2_node *other, types_v2_node *ret);

    int (*choice)(shmrpc_ctx *ctx, void *user, const types_v2_choice *choice,
                  types_v2_choice *ret);

    int (*anything)(shmrpc_ctx *ctx, void *user, const shmrpc_any *value,
                    const shmrpc_any *other, shmrpc_any *ret);

    int (*blob)(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
                shmrpc_bytes *ret);

    int (*texts)(shmrpc_ctx *ctx, void *user, const shmrpc_str tags[2],
                 shmrpc_str lang, shmrpc_str ret[2]);

    int (*optionals)(shmrpc_ctx *ctx, void *user, const uint32_t *count,
                     const shmrpc_str *text, const uint16_t triple[3],
                     const types_v2_flat *flat, const types_v2_flat_list *flats,
                     types_v2_optionals *ret);

    int (*bounded)(shmrpc_ctx *ctx, void *user, const types_v2_bounded *b,
                   types_v2_bounded_list *ret);

    int (*fast)(shmrpc_ctx *ctx, void *user, uint32_t client_, uint32_t opts_,
                uint32_t out_, uint32_t error_, uint32_t user_,
                types_v2_nothing *ret);

    /* Deprecated: use fast. */
    int (*slow)(shmrpc_ctx *ctx, void *user,
                types_v2_everything_slow_counts counts,
                types_v2_everything_slow_result *ret);

    int (*parse)(shmrpc_ctx *ctx, void *user, shmrpc_str text, uint32_t *ret);

    int (*store)(shmrpc_ctx *ctx, void *user, const types_v2_flat *flat);

    int (*touch)(shmrpc_ctx *ctx, void *user, uint64_t id,
                 const shmrpc_str *why);

    int (*blob_away)(shmrpc_ctx *ctx, void *user, shmrpc_bytes data);

    int (*close_)(shmrpc_ctx *ctx, void *user);

    int (*connect_)(shmrpc_ctx *ctx, void *user, uint32_t int_, uint32_t *ret);
} types_v2_everything_impl;

#define TYPES_V2_EVERYTHING_IMPL_INIT \
    { \
        sizeof(types_v2_everything_impl), \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
        NULL, \
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

/* Answers a call of nothing that its handler has detached, as shmrpc_ctx_reply
 * does. */
int types_v2_everything_nothing_answer(shmrpc_ctx *call, int status);

/* Answers a call of flat that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_flat_answer(shmrpc_ctx *call, int status,
                                    const types_v2_flat *result);

/* Answers a call of number that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_number_answer(shmrpc_ctx *call, int status,
                                      const double *result);

/* Answers a call of grid that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_grid_answer(shmrpc_ctx *call, int status,
                                    const uint32_t result[2][3]);

/* Answers a call of scalars that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_scalars_answer(shmrpc_ctx *call, int status,
                                       const types_v2_scalars *result);

/* Answers a call of containers that its handler has detached, as
 * shmrpc_ctx_reply does; `result` is sent if `status` is 0. */
int types_v2_everything_containers_answer(shmrpc_ctx *call, int status,
                                          const types_v2_containers *result);

/* Answers a call of node that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_node_answer(shmrpc_ctx *call, int status,
                                    const types_v2_node *result);

/* Answers a call of choice that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_choice_answer(shmrpc_ctx *call, int status,
                                      const types_v2_choice *result);

/* Answers a call of anything that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_anything_answer(shmrpc_ctx *call, int status,
                                        const shmrpc_any *result);

/* Answers a call of blob that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_blob_answer(shmrpc_ctx *call, int status,
                                    const shmrpc_bytes *result);

/* Answers a call of texts that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_texts_answer(shmrpc_ctx *call, int status,
                                     const shmrpc_str result[2]);

/* Answers a call of optionals that its handler has detached, as
 * shmrpc_ctx_reply does; `result` is sent if `status` is 0. */
int types_v2_everything_optionals_answer(shmrpc_ctx *call, int status,
                                         const types_v2_optionals *result);

/* Answers a call of bounded that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_bounded_answer(shmrpc_ctx *call, int status,
                                       const types_v2_bounded_list *result);

/* Answers a call of fast that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_fast_answer(shmrpc_ctx *call, int status,
                                    const types_v2_nothing *result);

/* Answers a call of slow that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_slow_answer(
    shmrpc_ctx *call, int status,
    const types_v2_everything_slow_result *result);

/* Answers a call of parse that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_parse_answer(shmrpc_ctx *call, int status,
                                     const uint32_t *result);

/* Answers a call of store that its handler has detached, as shmrpc_ctx_reply
 * does. */
int types_v2_everything_store_answer(shmrpc_ctx *call, int status);

/* Answers a call of close that its handler has detached, as shmrpc_ctx_reply
 * does. */
int types_v2_everything_close__answer(shmrpc_ctx *call, int status);

/* Answers a call of connect that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_everything_connect__answer(shmrpc_ctx *call, int status,
                                        const uint32_t *result);

/* Starts to serve `impl`, which is copied; `user` is passed to every handler. A
 * server may have any number of services. Returns EXISTS if the service runs
 * already (the error says where), or INVALID if `impl` was not initialised as
 * above. */
int types_v2_everything_serve(shmrpc_server *server,
                              const types_v2_everything_impl *impl, void *user,
                              shmrpc_error *error);

/* The main function of a program that only serves `impl`: reads options (--help
 * lists them), serves until SIGINT or SIGTERM, and returns the exit status. */
int types_v2_everything_main(int argc, char **argv,
                             const types_v2_everything_impl *impl, void *user);

/*
 The handlers of Other. Initialise the struct with TYPES_V2_OTHER_IMPL_INIT;
 * methods whose handler is NULL fail with UNIMPLEMENTED.
 */
typedef struct types_v2_other_impl {
    size_t size; /* lets methods be added without recompiling */

    int (*ping)(shmrpc_ctx *ctx, void *user, types_v2_order *ret);
} types_v2_other_impl;

#define TYPES_V2_OTHER_IMPL_INIT \
    { \
        sizeof(types_v2_other_impl), \
        NULL \
    }

/* Answers a call of ping that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int types_v2_other_ping_answer(shmrpc_ctx *call, int status,
                               const types_v2_order *result);

/* Starts to serve `impl`, which is copied; `user` is passed to every handler. A
 * server may have any number of services. Returns EXISTS if the service runs
 * already (the error says where), or INVALID if `impl` was not initialised as
 * above. */
int types_v2_other_serve(shmrpc_server *server, const types_v2_other_impl *impl,
                         void *user, shmrpc_error *error);

/* The main function of a program that only serves `impl`: reads options (--help
 * lists them), serves until SIGINT or SIGTERM, and returns the exit status. */
int types_v2_other_main(int argc, char **argv, const types_v2_other_impl *impl,
                        void *user);

SHMRPC_END_DECLS

#endif
