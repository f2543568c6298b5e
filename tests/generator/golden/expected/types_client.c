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

int types_v2_everything_nothing(types_v2_everything *client,
                                const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_call((shmrpc_client *)client, 0, NULL, opts, NULL,
                            error);
}

int types_v2_everything_flat(types_v2_everything *client,
                             const types_v2_flat *flat, const shmrpc_opts *opts,
                             types_v2_flat *out, shmrpc_error *error)
{
    types_v2_everything_flat_params params;
    params.flat = flat;
    return shmrpc_stub_call((shmrpc_client *)client, 1, &params, opts, out,
                            error);
}

int types_v2_everything_number(types_v2_everything *client, int64_t a,
                               uint32_t b, const shmrpc_opts *opts, double *out,
                               shmrpc_error *error)
{
    types_v2_everything_number_params params;
    params.a = a;
    params.b = b;
    return shmrpc_stub_call((shmrpc_client *)client, 2, &params, opts, out,
                            error);
}

int types_v2_everything_grid(types_v2_everything *client,
                             const uint32_t grid[2][3], const shmrpc_opts *opts,
                             uint32_t out[2][3], shmrpc_error *error)
{
    types_v2_everything_grid_params params;
    memcpy(params.grid, grid, sizeof params.grid);
    return shmrpc_stub_call((shmrpc_client *)client, 3, &params, opts, out,
                            error);
}

int types_v2_everything_scalars(types_v2_everything *client,
                                const types_v2_scalars *scalars,
                                const shmrpc_opts *opts, types_v2_scalars *out,
                                shmrpc_error *error)
{
    types_v2_everything_scalars_params params;
    params.scalars = scalars;
    return shmrpc_stub_call((shmrpc_client *)client, 4, &params, opts, out,
                            error);
}

int types_v2_everything_containers(
    types_v2_everything *client, const types_v2_containers *c,
    const shmrpc_opts *opts, const types_v2_everything_containers_reply **out,
    shmrpc_error *error)
{
    types_v2_everything_containers_params params;
    params.c = c;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 5, &params,
                                        opts, &reply, error);
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
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 6, &params,
                                        opts, &reply, error);
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

int types_v2_everything_choice(types_v2_everything *client,
                               const types_v2_choice *choice,
                               const shmrpc_opts *opts,
                               const types_v2_everything_choice_reply **out,
                               shmrpc_error *error)
{
    types_v2_everything_choice_params params;
    params.choice = choice;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 7, &params,
                                        opts, &reply, error);
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
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 8, &params,
                                        opts, &reply, error);
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

int types_v2_everything_blob(types_v2_everything *client, shmrpc_bytes data,
                             const shmrpc_opts *opts,
                             const types_v2_everything_blob_reply **out,
                             shmrpc_error *error)
{
    types_v2_everything_blob_params params;
    params.data = data;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 9, &params,
                                        opts, &reply, error);
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
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 10, &params,
                                        opts, &reply, error);
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
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 11, &params,
                                        opts, &reply, error);
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

int types_v2_everything_bounded(types_v2_everything *client,
                                const types_v2_bounded *b,
                                const shmrpc_opts *opts,
                                const types_v2_everything_bounded_reply **out,
                                shmrpc_error *error)
{
    types_v2_everything_bounded_params params;
    params.b = b;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 12, &params,
                                        opts, &reply, error);
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
    return shmrpc_stub_call((shmrpc_client *)client, 13, &params, opts, out,
                            error);
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
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 14, &params,
                                        opts, &reply, error);
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

int types_v2_everything_parse(types_v2_everything *client, shmrpc_str text,
                              const shmrpc_opts *opts,
                              const types_v2_everything_parse_reply **out,
                              shmrpc_error *error)
{
    types_v2_everything_parse_params params;
    params.text = text;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 15, &params,
                                        opts, &reply, error);
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

int types_v2_everything_store(types_v2_everything *client,
                              const types_v2_flat *flat,
                              const shmrpc_opts *opts,
                              const types_v2_everything_store_reply **out,
                              shmrpc_error *error)
{
    types_v2_everything_store_params params;
    params.flat = flat;
    const void *reply = NULL;
    int status = shmrpc_stub_call_reply((shmrpc_client *)client, 16, &params,
                                        opts, &reply, error);
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
    return shmrpc_stub_call((shmrpc_client *)client, 17, &params, opts, NULL,
                            error);
}

int types_v2_everything_blob_away(types_v2_everything *client,
                                  shmrpc_bytes data, const shmrpc_opts *opts,
                                  shmrpc_error *error)
{
    types_v2_everything_blob_away_params params;
    params.data = data;
    return shmrpc_stub_call((shmrpc_client *)client, 18, &params, opts, NULL,
                            error);
}

int types_v2_everything_close_(types_v2_everything *client,
                               const shmrpc_opts *opts, shmrpc_error *error)
{
    return shmrpc_stub_call((shmrpc_client *)client, 19, NULL, opts, NULL,
                            error);
}

int types_v2_everything_connect_(types_v2_everything *client, uint32_t int_,
                                 const shmrpc_opts *opts, uint32_t *out,
                                 shmrpc_error *error)
{
    types_v2_everything_connect__params params;
    params.int_ = int_;
    return shmrpc_stub_call((shmrpc_client *)client, 20, &params, opts, out,
                            error);
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

int types_v2_other_ping(types_v2_other *client, const shmrpc_opts *opts,
                        types_v2_order *out, shmrpc_error *error)
{
    return shmrpc_stub_call((shmrpc_client *)client, 0, NULL, opts, out, error);
}
