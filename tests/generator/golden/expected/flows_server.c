/* Servers of flows.svc, made by shmrpcgen: edit that file instead. */
#include "flows_server.h"

#include <shmrpc/stream_stub.h>
#include <shmrpc/stub.h>
#include <stdio.h>
#include <string.h>

int flows_raise_too_many(shmrpc_ctx *ctx, const flows_too_many *detail)
{
    return shmrpc_stub_raise(ctx, &flows_too_many_descriptor, detail);
}

int flows_flows_words_sink_send(flows_flows_words_sink *out,
                                const flows_word *item)
{
    return shmrpc_stub_sink_send((shmrpc_sink *)out, item, 0);
}

int flows_flows_words_sink_try_send(flows_flows_words_sink *out,
                                    const flows_word *item)
{
    return shmrpc_stub_sink_send((shmrpc_sink *)out, item, SHMRPC_OPT_NONBLOCK);
}

uint64_t flows_flows_words_sink_delivered(const flows_flows_words_sink *out)
{
    return shmrpc_stub_sink_delivered((const shmrpc_sink *)out);
}

static int handle_flows_words_step(shmrpc_ctx *ctx, shmrpc_function step,
                                   void *state, void *result)
{
    flows_flows_words_step *own = (flows_flows_words_step *)step;
    (void)result;
    return own(ctx, state, (flows_flows_words_sink *)shmrpc_stub_sink(ctx));
}

int flows_flows_words_detach(flows_flows_words_sink *out,
                             flows_flows_words_step *step, void *state,
                             void (*drop)(void *state))
{
    return shmrpc_stub_stream_detach(shmrpc_stub_sink_ctx((shmrpc_sink *)out),
                                     handle_flows_words_step,
                                     (shmrpc_function)step, state, drop);
}

static int handle_flows_words(shmrpc_ctx *ctx, const void *impl, void *user,
                              const void *params, void *result)
{
    const flows_flows_impl *own = (const flows_flows_impl *)impl;
    const flows_flows_words_params *p =
        (const flows_flows_words_params *)params;
    (void)result;
    if (own->words == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (
        own->words)(ctx, user, p->text,
                    (flows_flows_words_sink *)shmrpc_stub_sink(ctx));
}

int flows_flows_count_source_next(flows_flows_count_source *in,
                                  const flows_word **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const flows_word *)next;
    }
    return status;
}

int flows_flows_count_source_try_next(flows_flows_count_source *in,
                                      const flows_word **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_try_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const flows_word *)next;
    }
    return status;
}

static int handle_flows_count_step(shmrpc_ctx *ctx, shmrpc_function step,
                                   void *state, void *result)
{
    flows_flows_count_step *own = (flows_flows_count_step *)step;
    return own(ctx, state, (flows_flows_count_source *)shmrpc_stub_source(ctx),
               (uint64_t *)result);
}

int flows_flows_count_detach(flows_flows_count_source *in,
                             flows_flows_count_step *step, void *state,
                             void (*drop)(void *state))
{
    return shmrpc_stub_stream_detach(
        shmrpc_stub_source_ctx((shmrpc_source *)in), handle_flows_count_step,
        (shmrpc_function)step, state, drop);
}

static int handle_flows_count(shmrpc_ctx *ctx, const void *impl, void *user,
                              const void *params, void *result)
{
    const flows_flows_impl *own = (const flows_flows_impl *)impl;
    const flows_flows_count_params *p =
        (const flows_flows_count_params *)params;
    if (own->count == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (
        own->count)(ctx, user, p->most,
                    (flows_flows_count_source *)shmrpc_stub_source(ctx),
                    (uint64_t *)result);
}

int flows_flows_joined_source_next(flows_flows_joined_source *in,
                                   const shmrpc_str **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const shmrpc_str *)next;
    }
    return status;
}

int flows_flows_joined_source_try_next(flows_flows_joined_source *in,
                                       const shmrpc_str **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_try_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const shmrpc_str *)next;
    }
    return status;
}

static int handle_flows_joined_step(shmrpc_ctx *ctx, shmrpc_function step,
                                    void *state, void *result)
{
    flows_flows_joined_step *own = (flows_flows_joined_step *)step;
    return own(ctx, state, (flows_flows_joined_source *)shmrpc_stub_source(ctx),
               (shmrpc_str *)result);
}

int flows_flows_joined_detach(flows_flows_joined_source *in,
                              flows_flows_joined_step *step, void *state,
                              void (*drop)(void *state))
{
    return shmrpc_stub_stream_detach(
        shmrpc_stub_source_ctx((shmrpc_source *)in), handle_flows_joined_step,
        (shmrpc_function)step, state, drop);
}

static int handle_flows_joined(shmrpc_ctx *ctx, const void *impl, void *user,
                               const void *params, void *result)
{
    const flows_flows_impl *own = (const flows_flows_impl *)impl;
    (void)params;
    if (own->joined == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (
        own->joined)(ctx, user,
                     (flows_flows_joined_source *)shmrpc_stub_source(ctx),
                     (shmrpc_str *)result);
}

int flows_flows_drop_source_next(flows_flows_drop_source *in,
                                 const uint32_t **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const uint32_t *)next;
    }
    return status;
}

int flows_flows_drop_source_try_next(flows_flows_drop_source *in,
                                     const uint32_t **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_try_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const uint32_t *)next;
    }
    return status;
}

static int handle_flows_drop_step(shmrpc_ctx *ctx, shmrpc_function step,
                                  void *state, void *result)
{
    flows_flows_drop_step *own = (flows_flows_drop_step *)step;
    (void)result;
    return own(ctx, state, (flows_flows_drop_source *)shmrpc_stub_source(ctx));
}

int flows_flows_drop_detach(flows_flows_drop_source *in,
                            flows_flows_drop_step *step, void *state,
                            void (*drop)(void *state))
{
    return shmrpc_stub_stream_detach(
        shmrpc_stub_source_ctx((shmrpc_source *)in), handle_flows_drop_step,
        (shmrpc_function)step, state, drop);
}

static int handle_flows_drop(shmrpc_ctx *ctx, const void *impl, void *user,
                             const void *params, void *result)
{
    const flows_flows_impl *own = (const flows_flows_impl *)impl;
    (void)params;
    (void)result;
    if (own->drop == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (
        own->drop)(ctx, user,
                   (flows_flows_drop_source *)shmrpc_stub_source(ctx));
}

int flows_flows_twice_sink_send(flows_flows_twice_sink *out,
                                const int64_t *item)
{
    return shmrpc_stub_sink_send((shmrpc_sink *)out, item, 0);
}

int flows_flows_twice_sink_try_send(flows_flows_twice_sink *out,
                                    const int64_t *item)
{
    return shmrpc_stub_sink_send((shmrpc_sink *)out, item, SHMRPC_OPT_NONBLOCK);
}

uint64_t flows_flows_twice_sink_delivered(const flows_flows_twice_sink *out)
{
    return shmrpc_stub_sink_delivered((const shmrpc_sink *)out);
}

int flows_flows_twice_sink_loan(flows_flows_twice_sink *out, int64_t **item)
{
    void *lent = NULL;
    int status = shmrpc_stub_sink_loan((shmrpc_sink *)out, 0, 0, &lent);
    if (status == SHMRPC_OK) {
        *item = (int64_t *)lent;
    }
    return status;
}

int flows_flows_twice_sink_commit(flows_flows_twice_sink *out,
                                  const int64_t *item)
{
    return shmrpc_stub_sink_commit((shmrpc_sink *)out, item, 0);
}

void flows_flows_twice_sink_abort(flows_flows_twice_sink *out,
                                  const int64_t *item)
{
    shmrpc_stub_sink_abort((shmrpc_sink *)out, item);
}

int flows_flows_twice_source_next(flows_flows_twice_source *in,
                                  const int64_t **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const int64_t *)next;
    }
    return status;
}

int flows_flows_twice_source_try_next(flows_flows_twice_source *in,
                                      const int64_t **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_try_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const int64_t *)next;
    }
    return status;
}

static int handle_flows_twice_step(shmrpc_ctx *ctx, shmrpc_function step,
                                   void *state, void *result)
{
    flows_flows_twice_step *own = (flows_flows_twice_step *)step;
    (void)result;
    return own(ctx, state, (flows_flows_twice_source *)shmrpc_stub_source(ctx),
               (flows_flows_twice_sink *)shmrpc_stub_sink(ctx));
}

int flows_flows_twice_detach(flows_flows_twice_sink *out,
                             flows_flows_twice_step *step, void *state,
                             void (*drop)(void *state))
{
    return shmrpc_stub_stream_detach(shmrpc_stub_sink_ctx((shmrpc_sink *)out),
                                     handle_flows_twice_step,
                                     (shmrpc_function)step, state, drop);
}

static int handle_flows_twice(shmrpc_ctx *ctx, const void *impl, void *user,
                              const void *params, void *result)
{
    const flows_flows_impl *own = (const flows_flows_impl *)impl;
    (void)params;
    (void)result;
    if (own->twice == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (
        own->twice)(ctx, user,
                    (flows_flows_twice_source *)shmrpc_stub_source(ctx),
                    (flows_flows_twice_sink *)shmrpc_stub_sink(ctx));
}

int flows_flows_sums_sink_send(flows_flows_sums_sink *out,
                               const flows_flows_sums_result *item)
{
    return shmrpc_stub_sink_send((shmrpc_sink *)out, item, 0);
}

int flows_flows_sums_sink_try_send(flows_flows_sums_sink *out,
                                   const flows_flows_sums_result *item)
{
    return shmrpc_stub_sink_send((shmrpc_sink *)out, item, SHMRPC_OPT_NONBLOCK);
}

uint64_t flows_flows_sums_sink_delivered(const flows_flows_sums_sink *out)
{
    return shmrpc_stub_sink_delivered((const shmrpc_sink *)out);
}

int flows_flows_sums_source_next(flows_flows_sums_source *in,
                                 const shmrpc_u32_list **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const shmrpc_u32_list *)next;
    }
    return status;
}

int flows_flows_sums_source_try_next(flows_flows_sums_source *in,
                                     const shmrpc_u32_list **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_try_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const shmrpc_u32_list *)next;
    }
    return status;
}

static int handle_flows_sums_step(shmrpc_ctx *ctx, shmrpc_function step,
                                  void *state, void *result)
{
    flows_flows_sums_step *own = (flows_flows_sums_step *)step;
    (void)result;
    return own(ctx, state, (flows_flows_sums_source *)shmrpc_stub_source(ctx),
               (flows_flows_sums_sink *)shmrpc_stub_sink(ctx));
}

int flows_flows_sums_detach(flows_flows_sums_sink *out,
                            flows_flows_sums_step *step, void *state,
                            void (*drop)(void *state))
{
    return shmrpc_stub_stream_detach(shmrpc_stub_sink_ctx((shmrpc_sink *)out),
                                     handle_flows_sums_step,
                                     (shmrpc_function)step, state, drop);
}

static int handle_flows_sums(shmrpc_ctx *ctx, const void *impl, void *user,
                             const void *params, void *result)
{
    const flows_flows_impl *own = (const flows_flows_impl *)impl;
    const flows_flows_sums_params *p = (const flows_flows_sums_params *)params;
    (void)result;
    if (own->sums == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (
        own->sums)(ctx, user, p->has_in ? &p->in : NULL,
                   (flows_flows_sums_source *)shmrpc_stub_source(ctx),
                   (flows_flows_sums_sink *)shmrpc_stub_sink(ctx));
}

int flows_flows_cat_sink_send(flows_flows_cat_sink *out,
                              const shmrpc_bytes *item)
{
    return shmrpc_stub_sink_send((shmrpc_sink *)out, item, 0);
}

int flows_flows_cat_sink_try_send(flows_flows_cat_sink *out,
                                  const shmrpc_bytes *item)
{
    return shmrpc_stub_sink_send((shmrpc_sink *)out, item, SHMRPC_OPT_NONBLOCK);
}

uint64_t flows_flows_cat_sink_delivered(const flows_flows_cat_sink *out)
{
    return shmrpc_stub_sink_delivered((const shmrpc_sink *)out);
}

int flows_flows_cat_sink_loan(flows_flows_cat_sink *out, size_t len,
                              uint8_t **at)
{
    void *lent = NULL;
    int status = shmrpc_stub_sink_loan((shmrpc_sink *)out, len, 0, &lent);
    if (status == SHMRPC_OK) {
        *at = (uint8_t *)lent;
    }
    return status;
}

int flows_flows_cat_sink_commit(flows_flows_cat_sink *out, const uint8_t *at,
                                size_t len)
{
    return shmrpc_stub_sink_commit((shmrpc_sink *)out, at, len);
}

void flows_flows_cat_sink_abort(flows_flows_cat_sink *out, const uint8_t *at)
{
    shmrpc_stub_sink_abort((shmrpc_sink *)out, at);
}

static int handle_flows_cat_step(shmrpc_ctx *ctx, shmrpc_function step,
                                 void *state, void *result)
{
    flows_flows_cat_step *own = (flows_flows_cat_step *)step;
    (void)result;
    return own(ctx, state, (flows_flows_cat_sink *)shmrpc_stub_sink(ctx));
}

int flows_flows_cat_detach(flows_flows_cat_sink *out,
                           flows_flows_cat_step *step, void *state,
                           void (*drop)(void *state))
{
    return shmrpc_stub_stream_detach(shmrpc_stub_sink_ctx((shmrpc_sink *)out),
                                     handle_flows_cat_step,
                                     (shmrpc_function)step, state, drop);
}

static int handle_flows_cat(shmrpc_ctx *ctx, const void *impl, void *user,
                            const void *params, void *result)
{
    const flows_flows_impl *own = (const flows_flows_impl *)impl;
    const flows_flows_cat_params *p = (const flows_flows_cat_params *)params;
    (void)result;
    if (own->cat == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (
        own->cat)(ctx, user, p->data,
                  (flows_flows_cat_sink *)shmrpc_stub_sink(ctx));
}

int flows_flows_through_sink_send(flows_flows_through_sink *out,
                                  const shmrpc_bytes *item)
{
    return shmrpc_stub_sink_send((shmrpc_sink *)out, item, 0);
}

int flows_flows_through_sink_try_send(flows_flows_through_sink *out,
                                      const shmrpc_bytes *item)
{
    return shmrpc_stub_sink_send((shmrpc_sink *)out, item, SHMRPC_OPT_NONBLOCK);
}

uint64_t flows_flows_through_sink_delivered(const flows_flows_through_sink *out)
{
    return shmrpc_stub_sink_delivered((const shmrpc_sink *)out);
}

int flows_flows_through_sink_loan(flows_flows_through_sink *out, size_t len,
                                  uint8_t **at)
{
    void *lent = NULL;
    int status = shmrpc_stub_sink_loan((shmrpc_sink *)out, len, 0, &lent);
    if (status == SHMRPC_OK) {
        *at = (uint8_t *)lent;
    }
    return status;
}

int flows_flows_through_sink_commit(flows_flows_through_sink *out,
                                    const uint8_t *at, size_t len)
{
    return shmrpc_stub_sink_commit((shmrpc_sink *)out, at, len);
}

void flows_flows_through_sink_abort(flows_flows_through_sink *out,
                                    const uint8_t *at)
{
    shmrpc_stub_sink_abort((shmrpc_sink *)out, at);
}

int flows_flows_through_source_next(flows_flows_through_source *in,
                                    const shmrpc_bytes **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const shmrpc_bytes *)next;
    }
    return status;
}

int flows_flows_through_source_try_next(flows_flows_through_source *in,
                                        const shmrpc_bytes **item)
{
    const void *next = NULL;
    int status = shmrpc_stub_source_try_next((shmrpc_source *)in, &next);
    if (status == SHMRPC_MORE) {
        *item = (const shmrpc_bytes *)next;
    }
    return status;
}

static int handle_flows_through_step(shmrpc_ctx *ctx, shmrpc_function step,
                                     void *state, void *result)
{
    flows_flows_through_step *own = (flows_flows_through_step *)step;
    (void)result;
    return own(ctx, state,
               (flows_flows_through_source *)shmrpc_stub_source(ctx),
               (flows_flows_through_sink *)shmrpc_stub_sink(ctx));
}

int flows_flows_through_detach(flows_flows_through_sink *out,
                               flows_flows_through_step *step, void *state,
                               void (*drop)(void *state))
{
    return shmrpc_stub_stream_detach(shmrpc_stub_sink_ctx((shmrpc_sink *)out),
                                     handle_flows_through_step,
                                     (shmrpc_function)step, state, drop);
}

static int handle_flows_through(shmrpc_ctx *ctx, const void *impl, void *user,
                                const void *params, void *result)
{
    const flows_flows_impl *own = (const flows_flows_impl *)impl;
    (void)params;
    (void)result;
    if (own->through == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (
        own->through)(ctx, user,
                      (flows_flows_through_source *)shmrpc_stub_source(ctx),
                      (flows_flows_through_sink *)shmrpc_stub_sink(ctx));
}

static int handle_flows_add(shmrpc_ctx *ctx, const void *impl, void *user,
                            const void *params, void *result)
{
    const flows_flows_impl *own = (const flows_flows_impl *)impl;
    const flows_flows_add_params *p = (const flows_flows_add_params *)params;
    if (own->add == NULL) {
        return SHMRPC_E_UNIMPLEMENTED;
    }
    return (own->add)(ctx, user, p->a, p->b, (int64_t *)result);
}

int flows_flows_add_answer(shmrpc_ctx *call, int status, const int64_t *result)
{
    return shmrpc_ctx_reply(call, status, result);
}

static const shmrpc_handler flows_handlers[] = {
    handle_flows_words,
    handle_flows_count,
    handle_flows_joined,
    handle_flows_drop,
    handle_flows_twice,
    handle_flows_sums,
    handle_flows_cat,
    handle_flows_through,
    handle_flows_add,
};

/* Copies an impl, which may have been compiled with an older or newer header,
 * to the layout of this header. */
static bool adopt_flows(const flows_flows_impl *impl, flows_flows_impl *own)
{
    if (impl == NULL || impl->size < sizeof impl->size) {
        return false;
    }
    memset(own, 0, sizeof *own);
    memcpy(own, impl, impl->size < sizeof *own ? impl->size : sizeof *own);
    own->size = sizeof *own;
    return true;
}

int flows_flows_serve(shmrpc_server *server, const flows_flows_impl *impl,
                      void *user, shmrpc_error *error)
{
    flows_flows_impl own;
    if (!adopt_flows(impl, &own)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "impl must begin with FLOWS_FLOWS_IMPL_INIT");
    }
    return shmrpc_stub_serve(server, &flows_flows_descriptor, flows_handlers,
                             &own, sizeof own, user, error);
}

int flows_flows_main(int argc, char **argv, const flows_flows_impl *impl,
                     void *user)
{
    flows_flows_impl own;
    if (!adopt_flows(impl, &own)) {
        fputs("impl must begin with FLOWS_FLOWS_IMPL_INIT\n", stderr);
        return 2;
    }
    return shmrpc_stub_main(argc, argv, &flows_flows_descriptor, flows_handlers,
                            &own, sizeof own, user);
}
