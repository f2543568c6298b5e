/* Clients of types.svc, made by shmrpcgen: edit that file instead. */
#include "types_client.h"

#include <shmrpc/stub.h>
#include <string.h>

int types_v2_everything_connect(const char *where, const shmrpc_opts *defaults,
                                types_v2_everything **out, shmrpc_error *error)
{
    shmrpc_client *client = NULL;
    int status = shmrpc_stub_connect(&types_v2_everything_descriptor, where,
                                     defaults, &client, error);
    if (status == SHMRPC_OK) {
        *out = (types_v2_everything *)client;
    }
    return status;
}

void types_v2_everything_close(types_v2_everything *client)
{
    shmrpc_stub_close((shmrpc_client *)client);
}

void types_v2_everything_read_stats(const types_v2_everything *client,
                                    shmrpc_client_stats *out)
{
    shmrpc_stub_read_stats((const shmrpc_client *)client, out);
}

int types_v2_everything_fd(types_v2_everything *client)
{
    return shmrpc_stub_fd((shmrpc_client *)client);
}

int types_v2_everything_dispatch(types_v2_everything *client)
{
    return shmrpc_stub_dispatch((shmrpc_client *)client);
}

int types_v2_everything_nothing(types_v2_everything *client,
                                const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_call((shmrpc_client *)client,
                            TYPES_V2_EVERYTHING_METHOD_NOTHING, NULL, opts,
                            NULL, error);
}

int types_v2_everything_nothing_start(types_v2_everything *client,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error)
{
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_NOTHING, NULL, opts,
                             out, error);
}

int types_v2_everything_nothing_finish(shmrpc_call *call, shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &types_v2_everything_descriptor,
                              TYPES_V2_EVERYTHING_METHOD_NOTHING, NULL, error);
}

static void end_everything_nothing(shmrpc_function done, void *user, int status,
                                   void *reply, const shmrpc_error *error)
{
    const types_v2_everything_nothing_fn tell =
        (types_v2_everything_nothing_fn)done;
    tell(user, status, error);
    shmrpc_stub_release(reply);
}

int types_v2_everything_nothing_async(types_v2_everything *client,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error,
                                      types_v2_everything_nothing_fn done,
                                      void *user)
{
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_NOTHING, NULL, opts,
                             out, error, end_everything_nothing,
                             (shmrpc_function)done, user);
}

int types_v2_everything_flat(types_v2_everything *client,
                             const types_v2_flat *flat, const shmrpc_opts *opts,
                             types_v2_flat *out, shmrpc_error *error)
{
    types_v2_everything_flat_params params;
    params.flat = flat;
    return shmrpc_stub_call((shmrpc_client *)client,
                            TYPES_V2_EVERYTHING_METHOD_FLAT, &params, opts, out,
                            error);
}

int types_v2_everything_flat_start(types_v2_everything *client,
                                   const types_v2_flat *flat,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error)
{
    types_v2_everything_flat_params params;
    params.flat = flat;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_FLAT, &params, opts,
                             out, error);
}

int types_v2_everything_flat_finish(shmrpc_call *call, types_v2_flat *out,
                                    shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &types_v2_everything_descriptor,
                              TYPES_V2_EVERYTHING_METHOD_FLAT, out, error);
}

static void end_everything_flat(shmrpc_function done, void *user, int status,
                                void *reply, const shmrpc_error *error)
{
    const types_v2_everything_flat_fn tell = (types_v2_everything_flat_fn)done;
    tell(user, status, (const types_v2_flat *)reply, error);
    shmrpc_stub_release(reply);
}

int types_v2_everything_flat_async(types_v2_everything *client,
                                   const types_v2_flat *flat,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error,
                                   types_v2_everything_flat_fn done, void *user)
{
    types_v2_everything_flat_params params;
    params.flat = flat;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_FLAT, &params, opts,
                             out, error, end_everything_flat,
                             (shmrpc_function)done, user);
}

int types_v2_everything_number(types_v2_everything *client, int64_t a,
                               uint32_t b, const shmrpc_opts *opts, double *out,
                               shmrpc_error *error)
{
    types_v2_everything_number_params params;
    params.a = a;
    params.b = b;
    return shmrpc_stub_call((shmrpc_client *)client,
                            TYPES_V2_EVERYTHING_METHOD_NUMBER, &params, opts,
                            out, error);
}

int types_v2_everything_number_start(types_v2_everything *client, int64_t a,
                                     uint32_t b, const shmrpc_opts *opts,
                                     shmrpc_call **out, shmrpc_error *error)
{
    types_v2_everything_number_params params;
    params.a = a;
    params.b = b;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_NUMBER, &params, opts,
                             out, error);
}

int types_v2_everything_number_finish(shmrpc_call *call, double *out,
                                      shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &types_v2_everything_descriptor,
                              TYPES_V2_EVERYTHING_METHOD_NUMBER, out, error);
}

static void end_everything_number(shmrpc_function done, void *user, int status,
                                  void *reply, const shmrpc_error *error)
{
    const types_v2_everything_number_fn tell =
        (types_v2_everything_number_fn)done;
    tell(user, status, (const double *)reply, error);
    shmrpc_stub_release(reply);
}

int types_v2_everything_number_async(types_v2_everything *client, int64_t a,
                                     uint32_t b, const shmrpc_opts *opts,
                                     shmrpc_call **out, shmrpc_error *error,
                                     types_v2_everything_number_fn done,
                                     void *user)
{
    types_v2_everything_number_params params;
    params.a = a;
    params.b = b;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_NUMBER, &params, opts,
                             out, error, end_everything_number,
                             (shmrpc_function)done, user);
}

int types_v2_everything_grid(types_v2_everything *client,
                             const uint32_t grid[2][3], const shmrpc_opts *opts,
                             uint32_t out[2][3], shmrpc_error *error)
{
    types_v2_everything_grid_params params;
    memcpy(params.grid, grid, sizeof params.grid);
    return shmrpc_stub_call((shmrpc_client *)client,
                            TYPES_V2_EVERYTHING_METHOD_GRID, &params, opts, out,
                            error);
}

int types_v2_everything_grid_start(types_v2_everything *client,
                                   const uint32_t grid[2][3],
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error)
{
    types_v2_everything_grid_params params;
    memcpy(params.grid, grid, sizeof params.grid);
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_GRID, &params, opts,
                             out, error);
}

int types_v2_everything_grid_finish(shmrpc_call *call, uint32_t out[2][3],
                                    shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &types_v2_everything_descriptor,
                              TYPES_V2_EVERYTHING_METHOD_GRID, out, error);
}

static void end_everything_grid(shmrpc_function done, void *user, int status,
                                void *reply, const shmrpc_error *error)
{
    const types_v2_everything_grid_fn tell = (types_v2_everything_grid_fn)done;
    tell(user, status, (const uint32_t (*)[3])reply, error);
    shmrpc_stub_release(reply);
}

int types_v2_everything_grid_async(types_v2_everything *client,
                                   const uint32_t grid[2][3],
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error,
                                   types_v2_everything_grid_fn done, void *user)
{
    types_v2_everything_grid_params params;
    memcpy(params.grid, grid, sizeof params.grid);
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_GRID, &params, opts,
                             out, error, end_everything_grid,
                             (shmrpc_function)done, user);
}

int types_v2_everything_scalars(types_v2_everything *client,
                                const types_v2_scalars *scalars,
                                const shmrpc_opts *opts, types_v2_scalars *out,
                                shmrpc_error *error)
{
    types_v2_everything_scalars_params params;
    params.scalars = scalars;
    return shmrpc_stub_call((shmrpc_client *)client,
                            TYPES_V2_EVERYTHING_METHOD_SCALARS, &params, opts,
                            out, error);
}

int types_v2_everything_scalars_start(types_v2_everything *client,
                                      const types_v2_scalars *scalars,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error)
{
    types_v2_everything_scalars_params params;
    params.scalars = scalars;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_SCALARS, &params, opts,
                             out, error);
}

int types_v2_everything_scalars_finish(shmrpc_call *call, types_v2_scalars *out,
                                       shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &types_v2_everything_descriptor,
                              TYPES_V2_EVERYTHING_METHOD_SCALARS, out, error);
}

static void end_everything_scalars(shmrpc_function done, void *user, int status,
                                   void *reply, const shmrpc_error *error)
{
    const types_v2_everything_scalars_fn tell =
        (types_v2_everything_scalars_fn)done;
    tell(user, status, (const types_v2_scalars *)reply, error);
    shmrpc_stub_release(reply);
}

int types_v2_everything_scalars_async(types_v2_everything *client,
                                      const types_v2_scalars *scalars,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error,
                                      types_v2_everything_scalars_fn done,
                                      void *user)
{
    types_v2_everything_scalars_params params;
    params.scalars = scalars;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_SCALARS, &params, opts,
                             out, error, end_everything_scalars,
                             (shmrpc_function)done, user);
}

int types_v2_everything_containers(
    types_v2_everything *client, const types_v2_containers *c,
    const shmrpc_opts *opts, const types_v2_everything_containers_reply **out,
    shmrpc_error *error)
{
    types_v2_everything_containers_params params;
    params.c = c;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        TYPES_V2_EVERYTHING_METHOD_CONTAINERS,
                                        &params, opts, &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_containers_reply *)reply;
    }
    return status;
}

void types_v2_everything_containers_release(
    const types_v2_everything_containers_reply *reply)
{
    shmrpc_stub_release(reply);
}

int types_v2_everything_containers_start(types_v2_everything *client,
                                         const types_v2_containers *c,
                                         const shmrpc_opts *opts,
                                         shmrpc_call **out, shmrpc_error *error)
{
    types_v2_everything_containers_params params;
    params.c = c;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_CONTAINERS, &params,
                             opts, out, error);
}

int types_v2_everything_containers_finish(
    shmrpc_call *call, const types_v2_everything_containers_reply **out,
    shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &types_v2_everything_descriptor,
                                          TYPES_V2_EVERYTHING_METHOD_CONTAINERS,
                                          &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_containers_reply *)reply;
    }
    return status;
}

static void end_everything_containers(shmrpc_function done, void *user,
                                      int status, void *reply,
                                      const shmrpc_error *error)
{
    const types_v2_everything_containers_fn tell =
        (types_v2_everything_containers_fn)done;
    tell(user, status, (const types_v2_everything_containers_reply *)reply,
         error);
}

int types_v2_everything_containers_async(types_v2_everything *client,
                                         const types_v2_containers *c,
                                         const shmrpc_opts *opts,
                                         shmrpc_call **out, shmrpc_error *error,
                                         types_v2_everything_containers_fn done,
                                         void *user)
{
    types_v2_everything_containers_params params;
    params.c = c;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_CONTAINERS, &params,
                             opts, out, error, end_everything_containers,
                             (shmrpc_function)done, user);
}

int types_v2_everything_node(types_v2_everything *client,
                             const types_v2_node *node,
                             const types_v2_node *other,
                             const shmrpc_opts *opts,
                             const types_v2_everything_node_reply **out,
                             shmrpc_error *error)
{
    types_v2_everything_node_params params;
    params.node = node;
    params.other = other;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        TYPES_V2_EVERYTHING_METHOD_NODE,
                                        &params, opts, &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_node_reply *)reply;
    }
    return status;
}

void types_v2_everything_node_release(
    const types_v2_everything_node_reply *reply)
{
    shmrpc_stub_release(reply);
}

int types_v2_everything_node_start(types_v2_everything *client,
                                   const types_v2_node *node,
                                   const types_v2_node *other,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error)
{
    types_v2_everything_node_params params;
    params.node = node;
    params.other = other;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_NODE, &params, opts,
                             out, error);
}

int types_v2_everything_node_finish(shmrpc_call *call,
                                    const types_v2_everything_node_reply **out,
                                    shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &types_v2_everything_descriptor,
                                          TYPES_V2_EVERYTHING_METHOD_NODE,
                                          &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_node_reply *)reply;
    }
    return status;
}

static void end_everything_node(shmrpc_function done, void *user, int status,
                                void *reply, const shmrpc_error *error)
{
    const types_v2_everything_node_fn tell = (types_v2_everything_node_fn)done;
    tell(user, status, (const types_v2_everything_node_reply *)reply, error);
}

int types_v2_everything_node_async(types_v2_everything *client,
                                   const types_v2_node *node,
                                   const types_v2_node *other,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error,
                                   types_v2_everything_node_fn done, void *user)
{
    types_v2_everything_node_params params;
    params.node = node;
    params.other = other;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_NODE, &params, opts,
                             out, error, end_everything_node,
                             (shmrpc_function)done, user);
}

int types_v2_everything_choice(types_v2_everything *client,
                               const types_v2_choice *choice,
                               const shmrpc_opts *opts,
                               const types_v2_everything_choice_reply **out,
                               shmrpc_error *error)
{
    types_v2_everything_choice_params params;
    params.choice = choice;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        TYPES_V2_EVERYTHING_METHOD_CHOICE,
                                        &params, opts, &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_choice_reply *)reply;
    }
    return status;
}

void types_v2_everything_choice_release(
    const types_v2_everything_choice_reply *reply)
{
    shmrpc_stub_release(reply);
}

int types_v2_everything_choice_start(types_v2_everything *client,
                                     const types_v2_choice *choice,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error)
{
    types_v2_everything_choice_params params;
    params.choice = choice;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_CHOICE, &params, opts,
                             out, error);
}

int types_v2_everything_choice_finish(
    shmrpc_call *call, const types_v2_everything_choice_reply **out,
    shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &types_v2_everything_descriptor,
                                          TYPES_V2_EVERYTHING_METHOD_CHOICE,
                                          &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_choice_reply *)reply;
    }
    return status;
}

static void end_everything_choice(shmrpc_function done, void *user, int status,
                                  void *reply, const shmrpc_error *error)
{
    const types_v2_everything_choice_fn tell =
        (types_v2_everything_choice_fn)done;
    tell(user, status, (const types_v2_everything_choice_reply *)reply, error);
}

int types_v2_everything_choice_async(types_v2_everything *client,
                                     const types_v2_choice *choice,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error,
                                     types_v2_everything_choice_fn done,
                                     void *user)
{
    types_v2_everything_choice_params params;
    params.choice = choice;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_CHOICE, &params, opts,
                             out, error, end_everything_choice,
                             (shmrpc_function)done, user);
}

int types_v2_everything_anything(types_v2_everything *client,
                                 const shmrpc_any *value,
                                 const shmrpc_any *other,
                                 const shmrpc_opts *opts,
                                 const types_v2_everything_anything_reply **out,
                                 shmrpc_error *error)
{
    types_v2_everything_anything_params params;
    params.value = value;
    params.other = other;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        TYPES_V2_EVERYTHING_METHOD_ANYTHING,
                                        &params, opts, &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_anything_reply *)reply;
    }
    return status;
}

void types_v2_everything_anything_release(
    const types_v2_everything_anything_reply *reply)
{
    shmrpc_stub_release(reply);
}

int types_v2_everything_anything_start(types_v2_everything *client,
                                       const shmrpc_any *value,
                                       const shmrpc_any *other,
                                       const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error)
{
    types_v2_everything_anything_params params;
    params.value = value;
    params.other = other;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_ANYTHING, &params, opts,
                             out, error);
}

int types_v2_everything_anything_finish(
    shmrpc_call *call, const types_v2_everything_anything_reply **out,
    shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &types_v2_everything_descriptor,
                                          TYPES_V2_EVERYTHING_METHOD_ANYTHING,
                                          &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_anything_reply *)reply;
    }
    return status;
}

static void end_everything_anything(shmrpc_function done, void *user,
                                    int status, void *reply,
                                    const shmrpc_error *error)
{
    const types_v2_everything_anything_fn tell =
        (types_v2_everything_anything_fn)done;
    tell(user, status, (const types_v2_everything_anything_reply *)reply,
         error);
}

int types_v2_everything_anything_async(types_v2_everything *client,
                                       const shmrpc_any *value,
                                       const shmrpc_any *other,
                                       const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error,
                                       types_v2_everything_anything_fn done,
                                       void *user)
{
    types_v2_everything_anything_params params;
    params.value = value;
    params.other = other;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_ANYTHING, &params, opts,
                             out, error, end_everything_anything,
                             (shmrpc_function)done, user);
}

int types_v2_everything_blob(types_v2_everything *client, shmrpc_bytes data,
                             const shmrpc_opts *opts,
                             const types_v2_everything_blob_reply **out,
                             shmrpc_error *error)
{
    types_v2_everything_blob_params params;
    params.data = data;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        TYPES_V2_EVERYTHING_METHOD_BLOB,
                                        &params, opts, &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_blob_reply *)reply;
    }
    return status;
}

void types_v2_everything_blob_release(
    const types_v2_everything_blob_reply *reply)
{
    shmrpc_stub_release(reply);
}

int types_v2_everything_blob_start(types_v2_everything *client,
                                   shmrpc_bytes data, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error)
{
    types_v2_everything_blob_params params;
    params.data = data;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_BLOB, &params, opts,
                             out, error);
}

int types_v2_everything_blob_loan(types_v2_everything *client, size_t len,
                                  const shmrpc_opts *opts, uint8_t **at,
                                  shmrpc_call **out, shmrpc_error *error)
{
    return shmrpc_stub_loan((shmrpc_client *)client,
                            TYPES_V2_EVERYTHING_METHOD_BLOB, len, opts, at, out,
                            error);
}

int types_v2_everything_blob_send(shmrpc_call *call, shmrpc_error *error)
{
    return shmrpc_stub_send(call, error);
}

int types_v2_everything_blob_finish(shmrpc_call *call,
                                    const types_v2_everything_blob_reply **out,
                                    shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &types_v2_everything_descriptor,
                                          TYPES_V2_EVERYTHING_METHOD_BLOB,
                                          &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_blob_reply *)reply;
    }
    return status;
}

static void end_everything_blob(shmrpc_function done, void *user, int status,
                                void *reply, const shmrpc_error *error)
{
    const types_v2_everything_blob_fn tell = (types_v2_everything_blob_fn)done;
    tell(user, status, (const types_v2_everything_blob_reply *)reply, error);
}

int types_v2_everything_blob_async(types_v2_everything *client,
                                   shmrpc_bytes data, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error,
                                   types_v2_everything_blob_fn done, void *user)
{
    types_v2_everything_blob_params params;
    params.data = data;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_BLOB, &params, opts,
                             out, error, end_everything_blob,
                             (shmrpc_function)done, user);
}

int types_v2_everything_texts(types_v2_everything *client,
                              const shmrpc_str tags[2], shmrpc_str lang,
                              const shmrpc_opts *opts,
                              const types_v2_everything_texts_reply **out,
                              shmrpc_error *error)
{
    types_v2_everything_texts_params params;
    memcpy(params.tags, tags, sizeof params.tags);
    params.lang = lang;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        TYPES_V2_EVERYTHING_METHOD_TEXTS,
                                        &params, opts, &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_texts_reply *)reply;
    }
    return status;
}

void types_v2_everything_texts_release(
    const types_v2_everything_texts_reply *reply)
{
    shmrpc_stub_release(reply);
}

int types_v2_everything_texts_start(types_v2_everything *client,
                                    const shmrpc_str tags[2], shmrpc_str lang,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error)
{
    types_v2_everything_texts_params params;
    memcpy(params.tags, tags, sizeof params.tags);
    params.lang = lang;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_TEXTS, &params, opts,
                             out, error);
}

int types_v2_everything_texts_finish(
    shmrpc_call *call, const types_v2_everything_texts_reply **out,
    shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &types_v2_everything_descriptor,
                                          TYPES_V2_EVERYTHING_METHOD_TEXTS,
                                          &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_texts_reply *)reply;
    }
    return status;
}

static void end_everything_texts(shmrpc_function done, void *user, int status,
                                 void *reply, const shmrpc_error *error)
{
    const types_v2_everything_texts_fn tell =
        (types_v2_everything_texts_fn)done;
    tell(user, status, (const types_v2_everything_texts_reply *)reply, error);
}

int types_v2_everything_texts_async(types_v2_everything *client,
                                    const shmrpc_str tags[2], shmrpc_str lang,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error,
                                    types_v2_everything_texts_fn done,
                                    void *user)
{
    types_v2_everything_texts_params params;
    memcpy(params.tags, tags, sizeof params.tags);
    params.lang = lang;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_TEXTS, &params, opts,
                             out, error, end_everything_texts,
                             (shmrpc_function)done, user);
}

int types_v2_everything_optionals(
    types_v2_everything *client, const uint32_t *count, const shmrpc_str *text,
    const uint16_t triple[3], const types_v2_flat *flat,
    const types_v2_flat_list *flats, const shmrpc_opts *opts,
    const types_v2_everything_optionals_reply **out, shmrpc_error *error)
{
    types_v2_everything_optionals_params params;
    memset(&params, 0, sizeof params);
    params.has_count = count != NULL;
    if (count != NULL) {
        params.count = *count;
    }
    params.has_text = text != NULL;
    if (text != NULL) {
        params.text = *text;
    }
    params.has_triple = triple != NULL;
    if (triple != NULL) {
        memcpy(params.triple, triple, sizeof params.triple);
    }
    params.flat = flat;
    params.has_flats = flats != NULL;
    if (flats != NULL) {
        params.flats = *flats;
    }
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        TYPES_V2_EVERYTHING_METHOD_OPTIONALS,
                                        &params, opts, &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_optionals_reply *)reply;
    }
    return status;
}

void types_v2_everything_optionals_release(
    const types_v2_everything_optionals_reply *reply)
{
    shmrpc_stub_release(reply);
}

int types_v2_everything_optionals_start(types_v2_everything *client,
                                        const uint32_t *count,
                                        const shmrpc_str *text,
                                        const uint16_t triple[3],
                                        const types_v2_flat *flat,
                                        const types_v2_flat_list *flats,
                                        const shmrpc_opts *opts,
                                        shmrpc_call **out, shmrpc_error *error)
{
    types_v2_everything_optionals_params params;
    memset(&params, 0, sizeof params);
    params.has_count = count != NULL;
    if (count != NULL) {
        params.count = *count;
    }
    params.has_text = text != NULL;
    if (text != NULL) {
        params.text = *text;
    }
    params.has_triple = triple != NULL;
    if (triple != NULL) {
        memcpy(params.triple, triple, sizeof params.triple);
    }
    params.flat = flat;
    params.has_flats = flats != NULL;
    if (flats != NULL) {
        params.flats = *flats;
    }
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_OPTIONALS, &params,
                             opts, out, error);
}

int types_v2_everything_optionals_finish(
    shmrpc_call *call, const types_v2_everything_optionals_reply **out,
    shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &types_v2_everything_descriptor,
                                          TYPES_V2_EVERYTHING_METHOD_OPTIONALS,
                                          &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_optionals_reply *)reply;
    }
    return status;
}

static void end_everything_optionals(shmrpc_function done, void *user,
                                     int status, void *reply,
                                     const shmrpc_error *error)
{
    const types_v2_everything_optionals_fn tell =
        (types_v2_everything_optionals_fn)done;
    tell(user, status, (const types_v2_everything_optionals_reply *)reply,
         error);
}

int types_v2_everything_optionals_async(types_v2_everything *client,
                                        const uint32_t *count,
                                        const shmrpc_str *text,
                                        const uint16_t triple[3],
                                        const types_v2_flat *flat,
                                        const types_v2_flat_list *flats,
                                        const shmrpc_opts *opts,
                                        shmrpc_call **out, shmrpc_error *error,
                                        types_v2_everything_optionals_fn done,
                                        void *user)
{
    types_v2_everything_optionals_params params;
    memset(&params, 0, sizeof params);
    params.has_count = count != NULL;
    if (count != NULL) {
        params.count = *count;
    }
    params.has_text = text != NULL;
    if (text != NULL) {
        params.text = *text;
    }
    params.has_triple = triple != NULL;
    if (triple != NULL) {
        memcpy(params.triple, triple, sizeof params.triple);
    }
    params.flat = flat;
    params.has_flats = flats != NULL;
    if (flats != NULL) {
        params.flats = *flats;
    }
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_OPTIONALS, &params,
                             opts, out, error, end_everything_optionals,
                             (shmrpc_function)done, user);
}

int types_v2_everything_bounded(types_v2_everything *client,
                                const types_v2_bounded *b,
                                const shmrpc_opts *opts,
                                const types_v2_everything_bounded_reply **out,
                                shmrpc_error *error)
{
    types_v2_everything_bounded_params params;
    params.b = b;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        TYPES_V2_EVERYTHING_METHOD_BOUNDED,
                                        &params, opts, &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_bounded_reply *)reply;
    }
    return status;
}

void types_v2_everything_bounded_release(
    const types_v2_everything_bounded_reply *reply)
{
    shmrpc_stub_release(reply);
}

int types_v2_everything_bounded_start(types_v2_everything *client,
                                      const types_v2_bounded *b,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error)
{
    types_v2_everything_bounded_params params;
    params.b = b;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_BOUNDED, &params, opts,
                             out, error);
}

int types_v2_everything_bounded_finish(
    shmrpc_call *call, const types_v2_everything_bounded_reply **out,
    shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &types_v2_everything_descriptor,
                                          TYPES_V2_EVERYTHING_METHOD_BOUNDED,
                                          &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_bounded_reply *)reply;
    }
    return status;
}

static void end_everything_bounded(shmrpc_function done, void *user, int status,
                                   void *reply, const shmrpc_error *error)
{
    const types_v2_everything_bounded_fn tell =
        (types_v2_everything_bounded_fn)done;
    tell(user, status, (const types_v2_everything_bounded_reply *)reply, error);
}

int types_v2_everything_bounded_async(types_v2_everything *client,
                                      const types_v2_bounded *b,
                                      const shmrpc_opts *opts,
                                      shmrpc_call **out, shmrpc_error *error,
                                      types_v2_everything_bounded_fn done,
                                      void *user)
{
    types_v2_everything_bounded_params params;
    params.b = b;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_BOUNDED, &params, opts,
                             out, error, end_everything_bounded,
                             (shmrpc_function)done, user);
}

int types_v2_everything_fast(types_v2_everything *client, uint32_t client_,
                             uint32_t opts_, uint32_t out_, uint32_t error_,
                             uint32_t user_, const shmrpc_opts *opts,
                             types_v2_nothing *out, shmrpc_error *error)
{
    types_v2_everything_fast_params params;
    params.client = client_;
    params.opts = opts_;
    params.out = out_;
    params.error = error_;
    params.user = user_;
    return shmrpc_stub_call((shmrpc_client *)client,
                            TYPES_V2_EVERYTHING_METHOD_FAST, &params, opts, out,
                            error);
}

int types_v2_everything_fast_start(types_v2_everything *client,
                                   uint32_t client_, uint32_t opts_,
                                   uint32_t out_, uint32_t error_,
                                   uint32_t user_, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error)
{
    types_v2_everything_fast_params params;
    params.client = client_;
    params.opts = opts_;
    params.out = out_;
    params.error = error_;
    params.user = user_;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_FAST, &params, opts,
                             out, error);
}

int types_v2_everything_fast_finish(shmrpc_call *call, types_v2_nothing *out,
                                    shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &types_v2_everything_descriptor,
                              TYPES_V2_EVERYTHING_METHOD_FAST, out, error);
}

static void end_everything_fast(shmrpc_function done, void *user, int status,
                                void *reply, const shmrpc_error *error)
{
    const types_v2_everything_fast_fn tell = (types_v2_everything_fast_fn)done;
    tell(user, status, (const types_v2_nothing *)reply, error);
    shmrpc_stub_release(reply);
}

int types_v2_everything_fast_async(types_v2_everything *client,
                                   uint32_t client_, uint32_t opts_,
                                   uint32_t out_, uint32_t error_,
                                   uint32_t user_, const shmrpc_opts *opts,
                                   shmrpc_call **out, shmrpc_error *error,
                                   types_v2_everything_fast_fn done, void *user)
{
    types_v2_everything_fast_params params;
    params.client = client_;
    params.opts = opts_;
    params.out = out_;
    params.error = error_;
    params.user = user_;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_FAST, &params, opts,
                             out, error, end_everything_fast,
                             (shmrpc_function)done, user);
}

int types_v2_everything_slow(types_v2_everything *client,
                             types_v2_everything_slow_counts counts,
                             const shmrpc_opts *opts,
                             const types_v2_everything_slow_reply **out,
                             shmrpc_error *error)
{
    types_v2_everything_slow_params params;
    params.counts = counts;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        TYPES_V2_EVERYTHING_METHOD_SLOW,
                                        &params, opts, &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_slow_reply *)reply;
    }
    return status;
}

void types_v2_everything_slow_release(
    const types_v2_everything_slow_reply *reply)
{
    shmrpc_stub_release(reply);
}

int types_v2_everything_slow_start(types_v2_everything *client,
                                   types_v2_everything_slow_counts counts,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error)
{
    types_v2_everything_slow_params params;
    params.counts = counts;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_SLOW, &params, opts,
                             out, error);
}

int types_v2_everything_slow_finish(shmrpc_call *call,
                                    const types_v2_everything_slow_reply **out,
                                    shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &types_v2_everything_descriptor,
                                          TYPES_V2_EVERYTHING_METHOD_SLOW,
                                          &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_slow_reply *)reply;
    }
    return status;
}

static void end_everything_slow(shmrpc_function done, void *user, int status,
                                void *reply, const shmrpc_error *error)
{
    const types_v2_everything_slow_fn tell = (types_v2_everything_slow_fn)done;
    tell(user, status, (const types_v2_everything_slow_reply *)reply, error);
}

int types_v2_everything_slow_async(types_v2_everything *client,
                                   types_v2_everything_slow_counts counts,
                                   const shmrpc_opts *opts, shmrpc_call **out,
                                   shmrpc_error *error,
                                   types_v2_everything_slow_fn done, void *user)
{
    types_v2_everything_slow_params params;
    params.counts = counts;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_SLOW, &params, opts,
                             out, error, end_everything_slow,
                             (shmrpc_function)done, user);
}

int types_v2_everything_parse(types_v2_everything *client, shmrpc_str text,
                              const shmrpc_opts *opts,
                              const types_v2_everything_parse_reply **out,
                              shmrpc_error *error)
{
    types_v2_everything_parse_params params;
    params.text = text;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        TYPES_V2_EVERYTHING_METHOD_PARSE,
                                        &params, opts, &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_parse_reply *)reply;
    }
    return status;
}

const types_v2_bad_text *types_v2_everything_parse_bad_text(
    const types_v2_everything_parse_reply *reply)
{
    const void *payload =
        shmrpc_stub_payload(reply, &types_v2_bad_text_descriptor);
    return (const types_v2_bad_text *)payload;
}

const common_refused *types_v2_everything_parse_refused(
    const types_v2_everything_parse_reply *reply)
{
    const void *payload =
        shmrpc_stub_payload(reply, &common_refused_descriptor);
    return (const common_refused *)payload;
}

void types_v2_everything_parse_release(
    const types_v2_everything_parse_reply *reply)
{
    shmrpc_stub_release(reply);
}

int types_v2_everything_parse_start(types_v2_everything *client,
                                    shmrpc_str text, const shmrpc_opts *opts,
                                    shmrpc_call **out, shmrpc_error *error)
{
    types_v2_everything_parse_params params;
    params.text = text;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_PARSE, &params, opts,
                             out, error);
}

int types_v2_everything_parse_finish(
    shmrpc_call *call, const types_v2_everything_parse_reply **out,
    shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &types_v2_everything_descriptor,
                                          TYPES_V2_EVERYTHING_METHOD_PARSE,
                                          &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_parse_reply *)reply;
    }
    return status;
}

static void end_everything_parse(shmrpc_function done, void *user, int status,
                                 void *reply, const shmrpc_error *error)
{
    const types_v2_everything_parse_fn tell =
        (types_v2_everything_parse_fn)done;
    tell(user, status, (const types_v2_everything_parse_reply *)reply, error);
}

int types_v2_everything_parse_async(types_v2_everything *client,
                                    shmrpc_str text, const shmrpc_opts *opts,
                                    shmrpc_call **out, shmrpc_error *error,
                                    types_v2_everything_parse_fn done,
                                    void *user)
{
    types_v2_everything_parse_params params;
    params.text = text;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_PARSE, &params, opts,
                             out, error, end_everything_parse,
                             (shmrpc_function)done, user);
}

int types_v2_everything_store(types_v2_everything *client,
                              const types_v2_flat *flat,
                              const shmrpc_opts *opts,
                              const types_v2_everything_store_reply **out,
                              shmrpc_error *error)
{
    types_v2_everything_store_params params;
    params.flat = flat;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client,
                                        TYPES_V2_EVERYTHING_METHOD_STORE,
                                        &params, opts, &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_store_reply *)reply;
    }
    return status;
}

const types_v2_full *types_v2_everything_store_full(
    const types_v2_everything_store_reply *reply)
{
    const void *payload = shmrpc_stub_payload(reply, &types_v2_full_descriptor);
    return (const types_v2_full *)payload;
}

void types_v2_everything_store_release(
    const types_v2_everything_store_reply *reply)
{
    shmrpc_stub_release(reply);
}

int types_v2_everything_store_start(types_v2_everything *client,
                                    const types_v2_flat *flat,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error)
{
    types_v2_everything_store_params params;
    params.flat = flat;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_STORE, &params, opts,
                             out, error);
}

int types_v2_everything_store_finish(
    shmrpc_call *call, const types_v2_everything_store_reply **out,
    shmrpc_error *error)
{
    const void *reply = NULL;
    int status = shmrpc_stub_finish_reply(call, &types_v2_everything_descriptor,
                                          TYPES_V2_EVERYTHING_METHOD_STORE,
                                          &reply, error);
    if (reply != NULL) {
        *out = (const types_v2_everything_store_reply *)reply;
    }
    return status;
}

static void end_everything_store(shmrpc_function done, void *user, int status,
                                 void *reply, const shmrpc_error *error)
{
    const types_v2_everything_store_fn tell =
        (types_v2_everything_store_fn)done;
    tell(user, status, (const types_v2_everything_store_reply *)reply, error);
}

int types_v2_everything_store_async(types_v2_everything *client,
                                    const types_v2_flat *flat,
                                    const shmrpc_opts *opts, shmrpc_call **out,
                                    shmrpc_error *error,
                                    types_v2_everything_store_fn done,
                                    void *user)
{
    types_v2_everything_store_params params;
    params.flat = flat;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_STORE, &params, opts,
                             out, error, end_everything_store,
                             (shmrpc_function)done, user);
}

int types_v2_everything_touch(types_v2_everything *client, uint64_t id,
                              const shmrpc_str *why, const shmrpc_opts *opts,
                              shmrpc_error *error)
{
    types_v2_everything_touch_params params;
    memset(&params, 0, sizeof params);
    params.id = id;
    params.has_why = why != NULL;
    if (why != NULL) {
        params.why = *why;
    }
    return shmrpc_stub_call((shmrpc_client *)client,
                            TYPES_V2_EVERYTHING_METHOD_TOUCH, &params, opts,
                            NULL, error);
}

int types_v2_everything_blob_away(types_v2_everything *client,
                                  shmrpc_bytes data, const shmrpc_opts *opts,
                                  shmrpc_error *error)
{
    types_v2_everything_blob_away_params params;
    params.data = data;
    return shmrpc_stub_call((shmrpc_client *)client,
                            TYPES_V2_EVERYTHING_METHOD_BLOB_AWAY, &params, opts,
                            NULL, error);
}

int types_v2_everything_close_(types_v2_everything *client,
                               const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_call((shmrpc_client *)client,
                            TYPES_V2_EVERYTHING_METHOD_CLOSE_, NULL, opts, NULL,
                            error);
}

int types_v2_everything_close__start(types_v2_everything *client,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error)
{
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_CLOSE_, NULL, opts, out,
                             error);
}

int types_v2_everything_close__finish(shmrpc_call *call, shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &types_v2_everything_descriptor,
                              TYPES_V2_EVERYTHING_METHOD_CLOSE_, NULL, error);
}

static void end_everything_close_(shmrpc_function done, void *user, int status,
                                  void *reply, const shmrpc_error *error)
{
    const types_v2_everything_close__fn tell =
        (types_v2_everything_close__fn)done;
    tell(user, status, error);
    shmrpc_stub_release(reply);
}

int types_v2_everything_close__async(types_v2_everything *client,
                                     const shmrpc_opts *opts, shmrpc_call **out,
                                     shmrpc_error *error,
                                     types_v2_everything_close__fn done,
                                     void *user)
{
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_CLOSE_, NULL, opts, out,
                             error, end_everything_close_,
                             (shmrpc_function)done, user);
}

int types_v2_everything_connect_(types_v2_everything *client, uint32_t int_,
                                 const shmrpc_opts *opts, uint32_t *out,
                                 shmrpc_error *error)
{
    types_v2_everything_connect__params params;
    params.int_ = int_;
    return shmrpc_stub_call((shmrpc_client *)client,
                            TYPES_V2_EVERYTHING_METHOD_CONNECT_, &params, opts,
                            out, error);
}

int types_v2_everything_connect__start(types_v2_everything *client,
                                       uint32_t int_, const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error)
{
    types_v2_everything_connect__params params;
    params.int_ = int_;
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_CONNECT_, &params, opts,
                             out, error);
}

int types_v2_everything_connect__finish(shmrpc_call *call, uint32_t *out,
                                        shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &types_v2_everything_descriptor,
                              TYPES_V2_EVERYTHING_METHOD_CONNECT_, out, error);
}

static void end_everything_connect_(shmrpc_function done, void *user,
                                    int status, void *reply,
                                    const shmrpc_error *error)
{
    const types_v2_everything_connect__fn tell =
        (types_v2_everything_connect__fn)done;
    tell(user, status, (const uint32_t *)reply, error);
    shmrpc_stub_release(reply);
}

int types_v2_everything_connect__async(types_v2_everything *client,
                                       uint32_t int_, const shmrpc_opts *opts,
                                       shmrpc_call **out, shmrpc_error *error,
                                       types_v2_everything_connect__fn done,
                                       void *user)
{
    types_v2_everything_connect__params params;
    params.int_ = int_;
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_EVERYTHING_METHOD_CONNECT_, &params, opts,
                             out, error, end_everything_connect_,
                             (shmrpc_function)done, user);
}

int types_v2_other_connect(const char *where, const shmrpc_opts *defaults,
                           types_v2_other **out, shmrpc_error *error)
{
    shmrpc_client *client = NULL;
    int status = shmrpc_stub_connect(&types_v2_other_descriptor, where,
                                     defaults, &client, error);
    if (status == SHMRPC_OK) {
        *out = (types_v2_other *)client;
    }
    return status;
}

void types_v2_other_close(types_v2_other *client)
{
    shmrpc_stub_close((shmrpc_client *)client);
}

void types_v2_other_read_stats(const types_v2_other *client,
                               shmrpc_client_stats *out)
{
    shmrpc_stub_read_stats((const shmrpc_client *)client, out);
}

int types_v2_other_fd(types_v2_other *client)
{
    return shmrpc_stub_fd((shmrpc_client *)client);
}

int types_v2_other_dispatch(types_v2_other *client)
{
    return shmrpc_stub_dispatch((shmrpc_client *)client);
}

int types_v2_other_ping(types_v2_other *client, const shmrpc_opts *opts,
                        types_v2_order *out, shmrpc_error *error)
{
    return shmrpc_stub_call((shmrpc_client *)client, TYPES_V2_OTHER_METHOD_PING,
                            NULL, opts, out, error);
}

int types_v2_other_ping_start(types_v2_other *client, const shmrpc_opts *opts,
                              shmrpc_call **out, shmrpc_error *error)
{
    return shmrpc_stub_start((shmrpc_client *)client,
                             TYPES_V2_OTHER_METHOD_PING, NULL, opts, out,
                             error);
}

int types_v2_other_ping_finish(shmrpc_call *call, types_v2_order *out,
                               shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &types_v2_other_descriptor,
                              TYPES_V2_OTHER_METHOD_PING, out, error);
}

static void end_other_ping(shmrpc_function done, void *user, int status,
                           void *reply, const shmrpc_error *error)
{
    const types_v2_other_ping_fn tell = (types_v2_other_ping_fn)done;
    tell(user, status, (const types_v2_order *)reply, error);
    shmrpc_stub_release(reply);
}

int types_v2_other_ping_async(types_v2_other *client, const shmrpc_opts *opts,
                              shmrpc_call **out, shmrpc_error *error,
                              types_v2_other_ping_fn done, void *user)
{
    return shmrpc_stub_async((shmrpc_client *)client,
                             TYPES_V2_OTHER_METHOD_PING, NULL, opts, out, error,
                             end_other_ping, (shmrpc_function)done, user);
}
