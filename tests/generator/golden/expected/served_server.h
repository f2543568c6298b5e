/*
 * Servers of served.svc, made by shmrpcgen: edit that file instead.
 *
 * Handlers return 0, a shmrpc_status, or the number of an error that the method
 * declares. Their arguments, and memory from shmrpc_ctx_alloc, are valid until
 * the reply has been sent. A result may also point to static memory or to
 * memory of your own. The return value of a oneway method's handler is not
 * sent.
 * Threading: handlers run on worker threads, several at a time unless the
 * server has one worker; the other functions are for one thread at a time.
 */
#ifndef SERVED_SERVED_SERVER_H
#define SERVED_SERVED_SERVER_H

#include <shmrpc/error.h>
#include <shmrpc/server.h>

#include "served.h"

SHMRPC_BEGIN_DECLS

/*
 The handlers of Tts. Initialise the struct with SERVED_TTS_IMPL_INIT;
 * methods whose handler is NULL fail with UNIMPLEMENTED.
 */
typedef struct served_tts_impl {
    size_t size; /* lets methods be added without recompiling */

    int (*voice_count)(shmrpc_ctx *ctx, void *user, uint32_t *ret);
} served_tts_impl;

#define SERVED_TTS_IMPL_INIT \
    { \
        sizeof(served_tts_impl), \
        NULL \
    }

/* Answers a call of voice_count that its handler has detached, as
 * shmrpc_ctx_reply does; `result` is sent if `status` is 0. */
int served_tts_voice_count_answer(shmrpc_ctx *call, int status,
                                  const uint32_t *result);

/* Starts to serve `impl`, which is copied; `user` is passed to every handler. A
 * server may have any number of services. Returns EXISTS if the service runs
 * already (the error says where), or INVALID if `impl` was not initialised as
 * above. */
int served_tts_serve(shmrpc_server *server, const served_tts_impl *impl,
                     void *user, shmrpc_error *error);

/* The main function of a program that only serves `impl`: reads options (--help
 * lists them), serves until SIGINT or SIGTERM, and returns the exit status. */
int served_tts_main(int argc, char **argv, const served_tts_impl *impl,
                    void *user);

/*
 * Without methods.
 *
 The handlers of Board. Initialise the struct with SERVED_BOARD_IMPL_INIT;
 * methods whose handler is NULL fail with UNIMPLEMENTED.
 */
typedef struct served_board_impl {
    size_t size; /* lets methods be added without recompiling */
} served_board_impl;

#define SERVED_BOARD_IMPL_INIT \
    { \
        sizeof(served_board_impl) \
    }

/* Starts to serve `impl`, which is copied; `user` is passed to every handler. A
 * server may have any number of services. Returns EXISTS if the service runs
 * already (the error says where), or INVALID if `impl` was not initialised as
 * above. */
int served_board_serve(shmrpc_server *server, const served_board_impl *impl,
                       void *user, shmrpc_error *error);

/* The main function of a program that only serves `impl`: reads options (--help
 * lists them), serves until SIGINT or SIGTERM, and returns the exit status. */
int served_board_main(int argc, char **argv, const served_board_impl *impl,
                      void *user);

SHMRPC_END_DECLS

#endif
