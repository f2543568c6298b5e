/*
 * Servers of echo.svc, made by shmrpcgen: edit that file instead.
 *
 * Handlers return 0, a shmrpc_status, or the number of an error that the method
 * declares. Their arguments, and memory from shmrpc_ctx_alloc, are valid until
 * the reply has been sent. A result may also point to static memory or to
 * memory of your own. The return value of a oneway method's handler is not
 * sent.
 * Threading: handlers run on worker threads, several at a time unless the
 * server has one worker; the other functions are for one thread at a time.
 */
#ifndef DEMO_ECHO_SERVER_H
#define DEMO_ECHO_SERVER_H

#include <shmrpc/error.h>
#include <shmrpc/server.h>

#include "echo.h"

SHMRPC_BEGIN_DECLS

/*
 * The smallest service: one method per encoding.
 *
 The handlers of Echo. Initialise the struct with DEMO_ECHO_IMPL_INIT;
 * methods whose handler is NULL fail with UNIMPLEMENTED.
 */
typedef struct demo_echo_impl {
    size_t size; /* lets methods be added without recompiling */

    /* Returns its argument unchanged (any JSON value). */
    int (*echo_json)(shmrpc_ctx *ctx, void *user, const shmrpc_any *data,
                     shmrpc_any *ret);

    int (*echo_msgpack)(shmrpc_ctx *ctx, void *user, const shmrpc_any *data,
                        shmrpc_any *ret);

    int (*echo_raw)(shmrpc_ctx *ctx, void *user, shmrpc_bytes data,
                    shmrpc_bytes *ret);

    int (*add)(shmrpc_ctx *ctx, void *user, int64_t a, int64_t b, int64_t *ret);
} demo_echo_impl;

#define DEMO_ECHO_IMPL_INIT \
    { \
        sizeof(demo_echo_impl), \
        NULL, \
        NULL, \
        NULL, \
        NULL \
    }

/* Answers a call of echo_json that its handler has detached, as
 * shmrpc_ctx_reply does; `result` is sent if `status` is 0. */
int demo_echo_echo_json_answer(shmrpc_ctx *call, int status,
                               const shmrpc_any *result);

/* Answers a call of echo_msgpack that its handler has detached, as
 * shmrpc_ctx_reply does; `result` is sent if `status` is 0. */
int demo_echo_echo_msgpack_answer(shmrpc_ctx *call, int status,
                                  const shmrpc_any *result);

/* Answers a call of echo_raw that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int demo_echo_echo_raw_answer(shmrpc_ctx *call, int status,
                              const shmrpc_bytes *result);

/* Answers a call of add that its handler has detached, as shmrpc_ctx_reply
 * does; `result` is sent if `status` is 0. */
int demo_echo_add_answer(shmrpc_ctx *call, int status, const int64_t *result);

/* Starts to serve `impl`, which is copied; `user` is passed to every handler. A
 * server may have any number of services. Returns EXISTS if the service runs
 * already (the error says where), or INVALID if `impl` was not initialised as
 * above. */
int demo_echo_serve(shmrpc_server *server, const demo_echo_impl *impl,
                    void *user, shmrpc_error *error);

/* The main function of a program that only serves `impl`: reads options (--help
 * lists them), serves until SIGINT or SIGTERM, and returns the exit status. */
int demo_echo_main(int argc, char **argv, const demo_echo_impl *impl,
                   void *user);

SHMRPC_END_DECLS

#endif
