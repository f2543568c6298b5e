/* Clients of echo.svc, made by shmrpcgen: edit that file instead. */
#include "echo_client.h"

#include <shmrpc/stub.h>
#include <string.h>

int demo_echo_connect(const char *where, const shmrpc_opts *defaults,
                      demo_echo **out, shmrpc_error *error)
{
    shmrpc_client *client = NULL;
    int status = shmrpc_stub_connect(&demo_echo_descriptor, where, defaults,
                                     &client, error);
    if (status == SHMRPC_OK) {
        *out = (demo_echo *)client;
    }
    return status;
}

void demo_echo_close(demo_echo *client)
{
    shmrpc_stub_close((shmrpc_client *)client);
}

int demo_echo_echo_json(demo_echo *client, const shmrpc_any *data,
                        const shmrpc_opts *opts,
                        const demo_echo_echo_json_reply **out,
                        shmrpc_error *error)
{
    demo_echo_echo_json_params params;
    params.data = data;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 0, &params,
                                        opts, &reply, error);
    if (reply != NULL) {
        *out = (const demo_echo_echo_json_reply *)reply;
    }
    return status;
}

void demo_echo_echo_json_release(const demo_echo_echo_json_reply *reply)
{
    shmrpc_stub_release(reply);
}

int demo_echo_echo_msgpack(demo_echo *client, const shmrpc_any *data,
                           const shmrpc_opts *opts,
                           const demo_echo_echo_msgpack_reply **out,
                           shmrpc_error *error)
{
    demo_echo_echo_msgpack_params params;
    params.data = data;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 1, &params,
                                        opts, &reply, error);
    if (reply != NULL) {
        *out = (const demo_echo_echo_msgpack_reply *)reply;
    }
    return status;
}

void demo_echo_echo_msgpack_release(const demo_echo_echo_msgpack_reply *reply)
{
    shmrpc_stub_release(reply);
}

int demo_echo_echo_raw(demo_echo *client, shmrpc_bytes data,
                       const shmrpc_opts *opts,
                       const demo_echo_echo_raw_reply **out,
                       shmrpc_error *error)
{
    demo_echo_echo_raw_params params;
    params.data = data;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 2, &params,
                                        opts, &reply, error);
    if (reply != NULL) {
        *out = (const demo_echo_echo_raw_reply *)reply;
    }
    return status;
}

void demo_echo_echo_raw_release(const demo_echo_echo_raw_reply *reply)
{
    shmrpc_stub_release(reply);
}

int demo_echo_add(demo_echo *client, int64_t a, int64_t b,
                  const shmrpc_opts *opts, int64_t *out, shmrpc_error *error)
{
    demo_echo_add_params params;
    params.a = a;
    params.b = b;
    return shmrpc_stub_call((shmrpc_client *)client, 3, &params, opts, out,
                            error);
}
