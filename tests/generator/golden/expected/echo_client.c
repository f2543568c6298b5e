/* Clients of echo.svc, made by shmrpcgen: edit that file instead. */
#include "echo_client.h"

#include <shmrpc/stub.h>

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

void demo_echo_read_stats(const demo_echo *client, shmrpc_client_stats *out)
{
    shmrpc_stub_read_stats((const shmrpc_client *)client, out);
}

int demo_echo_fd(demo_echo *client)
{
    return shmrpc_stub_fd((shmrpc_client *)client);
}

int demo_echo_dispatch(demo_echo *client)
{
    return shmrpc_stub_dispatch((shmrpc_client *)client);
}

int demo_echo_echo_json(demo_echo *client, const shmrpc_any *data,
                        const shmrpc_opts *opts,
                        const demo_echo_echo_json_reply **out,
                        shmrpc_error *error)
{
    demo_echo_echo_json_params params;
    params.data = data;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        DEMO_ECHO_METHOD_ECHO_JSON, &params,
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

int demo_echo_echo_json_start(demo_echo *client, const shmrpc_any *data,
                              const shmrpc_opts *opts, shmrpc_call **out,
                              shmrpc_error *error)
{
    demo_echo_echo_json_params params;
    params.data = data;
    return shmrpc_stub_start((shmrpc_client *)client,
                             DEMO_ECHO_METHOD_ECHO_JSON, &params, opts, out,
                             error);
}

int demo_echo_echo_json_finish(shmrpc_call *call,
                               const demo_echo_echo_json_reply **out,
                               shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &demo_echo_descriptor,
                                          DEMO_ECHO_METHOD_ECHO_JSON, &reply,
                                          error);
    if (reply != NULL) {
        *out = (const demo_echo_echo_json_reply *)reply;
    }
    return status;
}

static void end_echo_echo_json(shmrpc_function done, void *user, int status,
                               void *reply, const shmrpc_error *error)
{
    const demo_echo_echo_json_fn tell = (demo_echo_echo_json_fn)done;
    tell(user, status, (const demo_echo_echo_json_reply *)reply, error);
}

int demo_echo_echo_json_async(demo_echo *client, const shmrpc_any *data,
                              const shmrpc_opts *opts, shmrpc_call **out,
                              shmrpc_error *error, demo_echo_echo_json_fn done,
                              void *user)
{
    demo_echo_echo_json_params params;
    params.data = data;
    return shmrpc_stub_async((shmrpc_client *)client,
                             DEMO_ECHO_METHOD_ECHO_JSON, &params, opts, out,
                             error, end_echo_echo_json, (shmrpc_function)done,
                             user);
}

int demo_echo_echo_msgpack(demo_echo *client, const shmrpc_any *data,
                           const shmrpc_opts *opts,
                           const demo_echo_echo_msgpack_reply **out,
                           shmrpc_error *error)
{
    demo_echo_echo_msgpack_params params;
    params.data = data;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        DEMO_ECHO_METHOD_ECHO_MSGPACK, &params,
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

int demo_echo_echo_msgpack_start(demo_echo *client, const shmrpc_any *data,
                                 const shmrpc_opts *opts, shmrpc_call **out,
                                 shmrpc_error *error)
{
    demo_echo_echo_msgpack_params params;
    params.data = data;
    return shmrpc_stub_start((shmrpc_client *)client,
                             DEMO_ECHO_METHOD_ECHO_MSGPACK, &params, opts, out,
                             error);
}

int demo_echo_echo_msgpack_finish(shmrpc_call *call,
                                  const demo_echo_echo_msgpack_reply **out,
                                  shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &demo_echo_descriptor,
                                          DEMO_ECHO_METHOD_ECHO_MSGPACK, &reply,
                                          error);
    if (reply != NULL) {
        *out = (const demo_echo_echo_msgpack_reply *)reply;
    }
    return status;
}

static void end_echo_echo_msgpack(shmrpc_function done, void *user, int status,
                                  void *reply, const shmrpc_error *error)
{
    const demo_echo_echo_msgpack_fn tell = (demo_echo_echo_msgpack_fn)done;
    tell(user, status, (const demo_echo_echo_msgpack_reply *)reply, error);
}

int demo_echo_echo_msgpack_async(demo_echo *client, const shmrpc_any *data,
                                 const shmrpc_opts *opts, shmrpc_call **out,
                                 shmrpc_error *error,
                                 demo_echo_echo_msgpack_fn done, void *user)
{
    demo_echo_echo_msgpack_params params;
    params.data = data;
    return shmrpc_stub_async((shmrpc_client *)client,
                             DEMO_ECHO_METHOD_ECHO_MSGPACK, &params, opts, out,
                             error, end_echo_echo_msgpack,
                             (shmrpc_function)done, user);
}

int demo_echo_echo_raw(demo_echo *client, shmrpc_bytes data,
                       const shmrpc_opts *opts,
                       const demo_echo_echo_raw_reply **out,
                       shmrpc_error *error)
{
    demo_echo_echo_raw_params params;
    params.data = data;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        DEMO_ECHO_METHOD_ECHO_RAW, &params,
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

int demo_echo_echo_raw_start(demo_echo *client, shmrpc_bytes data,
                             const shmrpc_opts *opts, shmrpc_call **out,
                             shmrpc_error *error)
{
    demo_echo_echo_raw_params params;
    params.data = data;
    return shmrpc_stub_start((shmrpc_client *)client, DEMO_ECHO_METHOD_ECHO_RAW,
                             &params, opts, out, error);
}

int demo_echo_echo_raw_loan(demo_echo *client, size_t len,
                            const shmrpc_opts *opts, uint8_t **at,
                            shmrpc_call **out, shmrpc_error *error)
{
    return shmrpc_stub_loan((shmrpc_client *)client, DEMO_ECHO_METHOD_ECHO_RAW,
                            len, opts, at, out, error);
}

int demo_echo_echo_raw_send(shmrpc_call *call, shmrpc_error *error)
{
    return shmrpc_stub_send(call, error);
}

int demo_echo_echo_raw_finish(shmrpc_call *call,
                              const demo_echo_echo_raw_reply **out,
                              shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &demo_echo_descriptor,
                                          DEMO_ECHO_METHOD_ECHO_RAW, &reply,
                                          error);
    if (reply != NULL) {
        *out = (const demo_echo_echo_raw_reply *)reply;
    }
    return status;
}

static void end_echo_echo_raw(shmrpc_function done, void *user, int status,
                              void *reply, const shmrpc_error *error)
{
    const demo_echo_echo_raw_fn tell = (demo_echo_echo_raw_fn)done;
    tell(user, status, (const demo_echo_echo_raw_reply *)reply, error);
}

int demo_echo_echo_raw_async(demo_echo *client, shmrpc_bytes data,
                             const shmrpc_opts *opts, shmrpc_call **out,
                             shmrpc_error *error, demo_echo_echo_raw_fn done,
                             void *user)
{
    demo_echo_echo_raw_params params;
    params.data = data;
    return shmrpc_stub_async((shmrpc_client *)client, DEMO_ECHO_METHOD_ECHO_RAW,
                             &params, opts, out, error, end_echo_echo_raw,
                             (shmrpc_function)done, user);
}

int demo_echo_add(demo_echo *client, int64_t a, int64_t b,
                  const shmrpc_opts *opts, int64_t *out, shmrpc_error *error)
{
    demo_echo_add_params params;
    params.a = a;
    params.b = b;
    return shmrpc_stub_call((shmrpc_client *)client, DEMO_ECHO_METHOD_ADD,
                            &params, opts, out, error);
}

int demo_echo_add_start(demo_echo *client, int64_t a, int64_t b,
                        const shmrpc_opts *opts, shmrpc_call **out,
                        shmrpc_error *error)
{
    demo_echo_add_params params;
    params.a = a;
    params.b = b;
    return shmrpc_stub_start((shmrpc_client *)client, DEMO_ECHO_METHOD_ADD,
                             &params, opts, out, error);
}

int demo_echo_add_finish(shmrpc_call *call, int64_t *out, shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &demo_echo_descriptor, DEMO_ECHO_METHOD_ADD,
                              out, error);
}

static void end_echo_add(shmrpc_function done, void *user, int status,
                         void *reply, const shmrpc_error *error)
{
    const demo_echo_add_fn tell = (demo_echo_add_fn)done;
    tell(user, status, (const int64_t *)reply, error);
    shmrpc_stub_release(reply);
}

int demo_echo_add_async(demo_echo *client, int64_t a, int64_t b,
                        const shmrpc_opts *opts, shmrpc_call **out,
                        shmrpc_error *error, demo_echo_add_fn done, void *user)
{
    demo_echo_add_params params;
    params.a = a;
    params.b = b;
    return shmrpc_stub_async((shmrpc_client *)client, DEMO_ECHO_METHOD_ADD,
                             &params, opts, out, error, end_echo_add,
                             (shmrpc_function)done, user);
}
