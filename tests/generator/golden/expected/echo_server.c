/* Servers of echo.svc, made by shmrpcgen: edit that file instead. */
#include "echo_server.h"

#include <shmrpc/stub.h>
#include <stdio.h>
#include <string.h>

static int handle_echo_echo_json(shmrpc_ctx *ctx, const void *impl, void *user,
                                 const void *params, void *result)
{
    const demo_echo_impl *own = (const demo_echo_impl *)impl;
    const demo_echo_echo_json_params *p =
        (const demo_echo_echo_json_params *)params;
    if (own->echo_json == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->echo_json)(ctx, user, p->data, (shmrpc_any *)result);
}

int demo_echo_echo_json_answer(shmrpc_ctx *call, int status,
                               const shmrpc_any *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_echo_echo_msgpack(shmrpc_ctx *ctx, const void *impl,
                                    void *user, const void *params,
                                    void *result)
{
    const demo_echo_impl *own = (const demo_echo_impl *)impl;
    const demo_echo_echo_msgpack_params *p =
        (const demo_echo_echo_msgpack_params *)params;
    if (own->echo_msgpack == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->echo_msgpack)(ctx, user, p->data, (shmrpc_any *)result);
}

int demo_echo_echo_msgpack_answer(shmrpc_ctx *call, int status,
                                  const shmrpc_any *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_echo_echo_raw(shmrpc_ctx *ctx, const void *impl, void *user,
                                const void *params, void *result)
{
    const demo_echo_impl *own = (const demo_echo_impl *)impl;
    const demo_echo_echo_raw_params *p =
        (const demo_echo_echo_raw_params *)params;
    if (own->echo_raw == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->echo_raw)(ctx, user, p->data, (shmrpc_bytes *)result);
}

int demo_echo_echo_raw_answer(shmrpc_ctx *call, int status,
                              const shmrpc_bytes *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_echo_add(shmrpc_ctx *ctx, const void *impl, void *user,
                           const void *params, void *result)
{
    const demo_echo_impl *own = (const demo_echo_impl *)impl;
    const demo_echo_add_params *p = (const demo_echo_add_params *)params;
    if (own->add == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->add)(ctx, user, p->a, p->b, (int64_t *)result);
}

int demo_echo_add_answer(shmrpc_ctx *call, int status, const int64_t *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static const shmrpc_handler echo_handlers[] = {
    handle_echo_echo_json,
    handle_echo_echo_msgpack,
    handle_echo_echo_raw,
    handle_echo_add,
};

/* Copies an impl, which may have been compiled with an older or newer header,
 * to the layout of this header. */
static bool adopt_echo(const demo_echo_impl *impl, demo_echo_impl *own)
{
    if (impl == NULL || impl->size < sizeof impl->size) {
        return false;
    }
    memset(own, 0, sizeof *own);
    memcpy(own, impl, impl->size < sizeof *own ? impl->size : sizeof *own);
    own->size = sizeof *own;
    return true;
}

int demo_echo_serve(shmrpc_server *server, const demo_echo_impl *impl,
                    void *user, shmrpc_error *error)
{
    demo_echo_impl own;
    if (!adopt_echo(impl, &own)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "impl must begin with DEMO_ECHO_IMPL_INIT");
    }
    return shmrpc_stub_serve(server, &demo_echo_descriptor, echo_handlers, &own,
                             sizeof own, user, error);
}

int demo_echo_main(int argc, char **argv, const demo_echo_impl *impl,
                   void *user)
{
    demo_echo_impl own;
    if (!adopt_echo(impl, &own)) {
        fputs("impl must begin with DEMO_ECHO_IMPL_INIT\n", stderr);
        return 2;
    }
    return shmrpc_stub_main(argc, argv, &demo_echo_descriptor, echo_handlers,
                            &own, sizeof own, user);
}
