/* Servers of types.svc, made by shmrpcgen: edit that file instead. */
#include "types_server.h"

#include <shmrpc/stub.h>
#include <stdio.h>
#include <string.h>

int types_v2_raise_bad_text(shmrpc_ctx *ctx, const types_v2_bad_text *detail)
{
    return shmrpc_stub_raise(ctx, &types_v2_bad_text_descriptor, detail);
}

int types_v2_raise_full(shmrpc_ctx *ctx, const types_v2_full *detail)
{
    return shmrpc_stub_raise(ctx, &types_v2_full_descriptor, detail);
}

static int handle_everything_nothing(shmrpc_ctx *ctx, const void *impl,
                                     void *user, const void *params,
                                     void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    (void)params;
    (void)result;
    if (own->nothing == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->nothing)(ctx, user);
}

int types_v2_everything_nothing_answer(shmrpc_ctx *call, int status)
{
    return shmrpc_ctx_reply(call, status, NULL);
}

static int handle_everything_flat(shmrpc_ctx *ctx, const void *impl, void *user,
                                  const void *params, void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_flat_params *p =
        (const types_v2_everything_flat_params *)params;
    if (own->flat == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->flat)(ctx, user, p->flat, (types_v2_flat *)result);
}

int types_v2_everything_flat_answer(shmrpc_ctx *call, int status,
                                    const types_v2_flat *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_number(shmrpc_ctx *ctx, const void *impl,
                                    void *user, const void *params,
                                    void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_number_params *p =
        (const types_v2_everything_number_params *)params;
    if (own->number == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->number)(ctx, user, p->a, p->b, (double *)result);
}

int types_v2_everything_number_answer(shmrpc_ctx *call, int status,
                                      const double *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_grid(shmrpc_ctx *ctx, const void *impl, void *user,
                                  const void *params, void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_grid_params *p =
        (const types_v2_everything_grid_params *)params;
    if (own->grid == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->grid)(ctx, user, p->grid, (uint32_t (*)[3])result);
}

int types_v2_everything_grid_answer(shmrpc_ctx *call, int status,
                                    const uint32_t result[2][3])
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_scalars(shmrpc_ctx *ctx, const void *impl,
                                     void *user, const void *params,
                                     void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_scalars_params *p =
        (const types_v2_everything_scalars_params *)params;
    if (own->scalars == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->scalars)(ctx, user, p->scalars, (types_v2_scalars *)result);
}

int types_v2_everything_scalars_answer(shmrpc_ctx *call, int status,
                                       const types_v2_scalars *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_containers(shmrpc_ctx *ctx, const void *impl,
                                        void *user, const void *params,
                                        void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_containers_params *p =
        (const types_v2_everything_containers_params *)params;
    if (own->containers == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->containers)(ctx, user, p->c, (types_v2_containers *)result);
}

int types_v2_everything_containers_answer(shmrpc_ctx *call, int status,
                                          const types_v2_containers *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_node(shmrpc_ctx *ctx, const void *impl, void *user,
                                  const void *params, void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_node_params *p =
        (const types_v2_everything_node_params *)params;
    if (own->node == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->node)(ctx, user, p->node, p->other, (types_v2_node *)result);
}

int types_v2_everything_node_answer(shmrpc_ctx *call, int status,
                                    const types_v2_node *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_choice(shmrpc_ctx *ctx, const void *impl,
                                    void *user, const void *params,
                                    void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_choice_params *p =
        (const types_v2_everything_choice_params *)params;
    if (own->choice == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->choice)(ctx, user, p->choice, (types_v2_choice *)result);
}

int types_v2_everything_choice_answer(shmrpc_ctx *call, int status,
                                      const types_v2_choice *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_anything(shmrpc_ctx *ctx, const void *impl,
                                      void *user, const void *params,
                                      void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_anything_params *p =
        (const types_v2_everything_anything_params *)params;
    if (own->anything == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->anything)(ctx, user, p->value, p->other, (shmrpc_any *)result);
}

int types_v2_everything_anything_answer(shmrpc_ctx *call, int status,
                                        const shmrpc_any *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_blob(shmrpc_ctx *ctx, const void *impl, void *user,
                                  const void *params, void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_blob_params *p =
        (const types_v2_everything_blob_params *)params;
    if (own->blob == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->blob)(ctx, user, p->data, (shmrpc_bytes *)result);
}

int types_v2_everything_blob_answer(shmrpc_ctx *call, int status,
                                    const shmrpc_bytes *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_texts(shmrpc_ctx *ctx, const void *impl,
                                   void *user, const void *params, void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_texts_params *p =
        (const types_v2_everything_texts_params *)params;
    if (own->texts == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->texts)(ctx, user, p->tags, p->lang, (shmrpc_str *)result);
}

int types_v2_everything_texts_answer(shmrpc_ctx *call, int status,
                                     const shmrpc_str result[2])
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_optionals(shmrpc_ctx *ctx, const void *impl,
                                       void *user, const void *params,
                                       void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_optionals_params *p =
        (const types_v2_everything_optionals_params *)params;
    if (own->optionals == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (
        own->optionals)(ctx, user, p->has_count ? &p->count : NULL,
                        p->has_text ? &p->text : NULL,
                        p->has_triple ? p->triple : NULL, p->flat,
                        p->has_flats ? &p->flats : NULL,
                        (types_v2_optionals *)result);
}

int types_v2_everything_optionals_answer(shmrpc_ctx *call, int status,
                                         const types_v2_optionals *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_bounded(shmrpc_ctx *ctx, const void *impl,
                                     void *user, const void *params,
                                     void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_bounded_params *p =
        (const types_v2_everything_bounded_params *)params;
    if (own->bounded == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->bounded)(ctx, user, p->b, (types_v2_bounded_list *)result);
}

int types_v2_everything_bounded_answer(shmrpc_ctx *call, int status,
                                       const types_v2_bounded_list *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_fast(shmrpc_ctx *ctx, const void *impl, void *user,
                                  const void *params, void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_fast_params *p =
        (const types_v2_everything_fast_params *)params;
    if (own->fast == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (
        own->fast)(ctx, user, p->client, p->opts, p->out, p->error, p->user,
                   (types_v2_nothing *)result);
}

int types_v2_everything_fast_answer(shmrpc_ctx *call, int status,
                                    const types_v2_nothing *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_slow(shmrpc_ctx *ctx, const void *impl, void *user,
                                  const void *params, void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_slow_params *p =
        (const types_v2_everything_slow_params *)params;
    if (own->slow == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (
        own->slow)(ctx, user, p->counts,
                   (types_v2_everything_slow_result *)result);
}

int types_v2_everything_slow_answer(
    shmrpc_ctx *call, int status, const types_v2_everything_slow_result *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_parse(shmrpc_ctx *ctx, const void *impl,
                                   void *user, const void *params, void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_parse_params *p =
        (const types_v2_everything_parse_params *)params;
    if (own->parse == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->parse)(ctx, user, p->text, (uint32_t *)result);
}

int types_v2_everything_parse_answer(shmrpc_ctx *call, int status,
                                     const uint32_t *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static int handle_everything_store(shmrpc_ctx *ctx, const void *impl,
                                   void *user, const void *params, void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_store_params *p =
        (const types_v2_everything_store_params *)params;
    (void)result;
    if (own->store == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->store)(ctx, user, p->flat);
}

int types_v2_everything_store_answer(shmrpc_ctx *call, int status)
{
    return shmrpc_ctx_reply(call, status, NULL);
}

static int handle_everything_touch(shmrpc_ctx *ctx, const void *impl,
                                   void *user, const void *params, void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_touch_params *p =
        (const types_v2_everything_touch_params *)params;
    (void)result;
    if (own->touch == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->touch)(ctx, user, p->id, p->has_why ? &p->why : NULL);
}

static int handle_everything_blob_away(shmrpc_ctx *ctx, const void *impl,
                                       void *user, const void *params,
                                       void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_blob_away_params *p =
        (const types_v2_everything_blob_away_params *)params;
    (void)result;
    if (own->blob_away == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->blob_away)(ctx, user, p->data);
}

static int handle_everything_close_(shmrpc_ctx *ctx, const void *impl,
                                    void *user, const void *params,
                                    void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    (void)params;
    (void)result;
    if (own->close_ == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->close_)(ctx, user);
}

int types_v2_everything_close__answer(shmrpc_ctx *call, int status)
{
    return shmrpc_ctx_reply(call, status, NULL);
}

static int handle_everything_connect_(shmrpc_ctx *ctx, const void *impl,
                                      void *user, const void *params,
                                      void *result)
{
    const types_v2_everything_impl *own =
        (const types_v2_everything_impl *)impl;
    const types_v2_everything_connect__params *p =
        (const types_v2_everything_connect__params *)params;
    if (own->connect_ == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->connect_)(ctx, user, p->int_, (uint32_t *)result);
}

int types_v2_everything_connect__answer(shmrpc_ctx *call, int status,
                                        const uint32_t *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static const shmrpc_handler everything_handlers[] = {
    handle_everything_nothing,
    handle_everything_flat,
    handle_everything_number,
    handle_everything_grid,
    handle_everything_scalars,
    handle_everything_containers,
    handle_everything_node,
    handle_everything_choice,
    handle_everything_anything,
    handle_everything_blob,
    handle_everything_texts,
    handle_everything_optionals,
    handle_everything_bounded,
    handle_everything_fast,
    handle_everything_slow,
    handle_everything_parse,
    handle_everything_store,
    handle_everything_touch,
    handle_everything_blob_away,
    handle_everything_close_,
    handle_everything_connect_,
};

/* Copies an impl, which may have been compiled with an older or newer header,
 * to the layout of this header. */
static bool adopt_everything(const types_v2_everything_impl *impl,
                             types_v2_everything_impl *own)
{
    if (impl == NULL || impl->size < sizeof impl->size) {
        return false;
    }
    memset(own, 0, sizeof *own);
    memcpy(own, impl, impl->size < sizeof *own ? impl->size : sizeof *own);
    own->size = sizeof *own;
    return true;
}

int types_v2_everything_serve(shmrpc_server *server,
                              const types_v2_everything_impl *impl, void *user,
                              shmrpc_error *error)
{
    types_v2_everything_impl own;
    if (!adopt_everything(impl, &own)) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "impl must begin with TYPES_V2_EVERYTHING_IMPL_INIT");
    }
    return shmrpc_stub_serve(server, &types_v2_everything_descriptor,
                             everything_handlers, &own, sizeof own, user,
                             error);
}

int types_v2_everything_main(int argc, char **argv,
                             const types_v2_everything_impl *impl, void *user)
{
    types_v2_everything_impl own;
    if (!adopt_everything(impl, &own)) {
        fputs("impl must begin with TYPES_V2_EVERYTHING_IMPL_INIT\n", stderr);
        return 2;
    }
    return shmrpc_stub_main(argc, argv, &types_v2_everything_descriptor,
                            everything_handlers, &own, sizeof own, user);
}

static int handle_other_ping(shmrpc_ctx *ctx, const void *impl, void *user,
                             const void *params, void *result)
{
    const types_v2_other_impl *own = (const types_v2_other_impl *)impl;
    (void)params;
    if (own->ping == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->ping)(ctx, user, (types_v2_order *)result);
}

int types_v2_other_ping_answer(shmrpc_ctx *call, int status,
                               const types_v2_order *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static const shmrpc_handler other_handlers[] = {
    handle_other_ping,
};

/* Copies an impl, which may have been compiled with an older or newer header,
 * to the layout of this header. */
static bool adopt_other(const types_v2_other_impl *impl,
                        types_v2_other_impl *own)
{
    if (impl == NULL || impl->size < sizeof impl->size) {
        return false;
    }
    memset(own, 0, sizeof *own);
    memcpy(own, impl, impl->size < sizeof *own ? impl->size : sizeof *own);
    own->size = sizeof *own;
    return true;
}

int types_v2_other_serve(shmrpc_server *server, const types_v2_other_impl *impl,
                         void *user, shmrpc_error *error)
{
    types_v2_other_impl own;
    if (!adopt_other(impl, &own)) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "impl must begin with TYPES_V2_OTHER_IMPL_INIT");
    }
    return shmrpc_stub_serve(server, &types_v2_other_descriptor, other_handlers,
                             &own, sizeof own, user, error);
}

int types_v2_other_main(int argc, char **argv, const types_v2_other_impl *impl,
                        void *user)
{
    types_v2_other_impl own;
    if (!adopt_other(impl, &own)) {
        fputs("impl must begin with TYPES_V2_OTHER_IMPL_INIT\n", stderr);
        return 2;
    }
    return shmrpc_stub_main(argc, argv, &types_v2_other_descriptor,
                            other_handlers, &own, sizeof own, user);
}
