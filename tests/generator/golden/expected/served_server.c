/* Servers of served.svc, made by shmrpcgen: edit that file instead. */
#include "served_server.h"

#include <shmrpc/stub.h>
#include <stdio.h>
#include <string.h>

static int handle_tts_voice_count(shmrpc_ctx *ctx, const void *impl, void *user,
                                  const void *params, void *result)
{
    const served_tts_impl *own = (const served_tts_impl *)impl;
    (void)params;
    if (own->voice_count == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->voice_count)(ctx, user, (uint32_t *)result);
}

int served_tts_voice_count_answer(shmrpc_ctx *call, int status,
                                  const uint32_t *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static const shmrpc_handler tts_handlers[] = {
    handle_tts_voice_count,
};

/* Copies an impl, which may have been compiled with an older or newer header,
 * to the layout of this header. */
static bool adopt_tts(const served_tts_impl *impl, served_tts_impl *own)
{
    if (impl == NULL || impl->size < sizeof impl->size) {
        return false;
    }
    memset(own, 0, sizeof *own);
    memcpy(own, impl, impl->size < sizeof *own ? impl->size : sizeof *own);
    own->size = sizeof *own;
    return true;
}

int served_tts_serve(shmrpc_server *server, const served_tts_impl *impl,
                     void *user, shmrpc_error *error)
{
    served_tts_impl own;
    if (!adopt_tts(impl, &own)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "impl must begin with SERVED_TTS_IMPL_INIT");
    }
    return shmrpc_stub_serve(server, &served_tts_descriptor, tts_handlers, &own,
                             sizeof own, user, error);
}

int served_tts_main(int argc, char **argv, const served_tts_impl *impl,
                    void *user)
{
    served_tts_impl own;
    if (!adopt_tts(impl, &own)) {
        fputs("impl must begin with SERVED_TTS_IMPL_INIT\n", stderr);
        return 2;
    }
    return shmrpc_stub_main(argc, argv, &served_tts_descriptor, tts_handlers,
                            &own, sizeof own, user);
}

/* Copies an impl, which may have been compiled with an older or newer header,
 * to the layout of this header. */
static bool adopt_board(const served_board_impl *impl, served_board_impl *own)
{
    if (impl == NULL || impl->size < sizeof impl->size) {
        return false;
    }
    memset(own, 0, sizeof *own);
    memcpy(own, impl, impl->size < sizeof *own ? impl->size : sizeof *own);
    own->size = sizeof *own;
    return true;
}

int served_board_serve(shmrpc_server *server, const served_board_impl *impl,
                       void *user, shmrpc_error *error)
{
    served_board_impl own;
    if (!adopt_board(impl, &own)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "impl must begin with SERVED_BOARD_IMPL_INIT");
    }
    return shmrpc_stub_serve(server, &served_board_descriptor, NULL, &own,
                             sizeof own, user, error);
}

int served_board_main(int argc, char **argv, const served_board_impl *impl,
                      void *user)
{
    served_board_impl own;
    if (!adopt_board(impl, &own)) {
        fputs("impl must begin with SERVED_BOARD_IMPL_INIT\n", stderr);
        return 2;
    }
    return shmrpc_stub_main(argc, argv, &served_board_descriptor, NULL, &own,
                            sizeof own, user);
}
