/* Clients of flows.svc, made by shmrpcgen: edit that file instead. */
#include "flows_client.h"

#include <shmrpc/stream_stub.h>
#include <shmrpc/stub.h>
#include <string.h>

int flows_flows_connect(const char *where, const shmrpc_opts *defaults,
                        flows_flows **out, shmrpc_error *error)
{
    shmrpc_client *client = NULL;
    int status = shmrpc_stub_connect(&flows_flows_descriptor, where, defaults,
                                     &client, error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows *)client;
    }
    return status;
}

void flows_flows_close(flows_flows *client)
{
    shmrpc_stub_close((shmrpc_client *)client);
}

void flows_flows_read_stats(const flows_flows *client, shmrpc_client_stats *out)
{
    shmrpc_stub_read_stats((const shmrpc_client *)client, out);
}

int flows_flows_fd(flows_flows *client)
{
    return shmrpc_stub_fd((shmrpc_client *)client);
}

int flows_flows_dispatch(flows_flows *client)
{
    return shmrpc_stub_dispatch((shmrpc_client *)client);
}

int flows_flows_words(flows_flows *client, shmrpc_str text,
                      const shmrpc_opts *opts, flows_flows_words_stream **out,
                      shmrpc_error *error)
{
    flows_flows_words_params params;
    params.text = text;
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_open((shmrpc_client *)client,
                                         FLOWS_FLOWS_METHOD_WORDS, &params,
                                         opts, &call, error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_words_stream *)call;
    }
    return status;
}

int flows_flows_words_next(flows_flows_words_stream *stream,
                           const flows_word **item, shmrpc_error *error)
{
    const void *next = NULL;
    int status = shmrpc_stub_stream_next((shmrpc_stream *)stream, &next, error);
    if (status == SHMRPC_MORE) {
        *item = (const flows_word *)next;
    }
    return status;
}

const flows_too_many *flows_flows_words_too_many(
    const flows_flows_words_stream *stream)
{
    const void *payload =
        shmrpc_stub_stream_payload((const shmrpc_stream *)stream,
                                   &flows_too_many_descriptor);
    return (const flows_too_many *)payload;
}

static int item_flows_words(shmrpc_function on_item, void *user,
                            const void *item)
{
    const flows_flows_words_item_fn tell = (flows_flows_words_item_fn)on_item;
    return tell(user, (const flows_word *)item);
}

static void end_items_flows_words(shmrpc_function on_end, void *user,
                                  int status, const shmrpc_error *error)
{
    const flows_flows_words_end_fn tell = (flows_flows_words_end_fn)on_end;
    tell(user, status, error);
}

int flows_flows_words_async(flows_flows *client, shmrpc_str text,
                            const shmrpc_opts *opts,
                            flows_flows_words_item_fn on_item,
                            flows_flows_words_end_fn on_end, void *user,
                            flows_flows_words_stream **out, shmrpc_error *error)
{
    flows_flows_words_params params;
    params.text = text;
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_async((shmrpc_client *)client,
                                          FLOWS_FLOWS_METHOD_WORDS, &params,
                                          opts, item_flows_words,
                                          end_items_flows_words,
                                          (shmrpc_function)on_item,
                                          (shmrpc_function)on_end, user, &call,
                                          error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_words_stream *)call;
    }
    return status;
}

void flows_flows_words_resume(flows_flows_words_stream *stream)
{
    shmrpc_stub_stream_resume((shmrpc_stream *)stream);
}

void flows_flows_words_close(flows_flows_words_stream *stream)
{
    shmrpc_stub_stream_close((shmrpc_stream *)stream);
}

int flows_flows_count(flows_flows *client, uint64_t most,
                      const shmrpc_opts *opts, flows_flows_count_stream **out,
                      shmrpc_error *error)
{
    flows_flows_count_params params;
    params.most = most;
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_open((shmrpc_client *)client,
                                         FLOWS_FLOWS_METHOD_COUNT, &params,
                                         opts, &call, error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_count_stream *)call;
    }
    return status;
}

int flows_flows_count_send(flows_flows_count_stream *stream,
                           const flows_word *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item, 0, error);
}

int flows_flows_count_try_send(flows_flows_count_stream *stream,
                               const flows_word *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item,
                                   SHMRPC_OPT_NONBLOCK, error);
}

uint64_t flows_flows_count_delivered(flows_flows_count_stream *stream)
{
    return shmrpc_stub_stream_delivered((shmrpc_stream *)stream);
}

int flows_flows_count_finish(flows_flows_count_stream *stream,
                             const flows_flows_count_reply **out,
                             shmrpc_error *error)
{
    const void *reply = NULL;
    int status =
        shmrpc_stub_stream_finish_reply((shmrpc_stream *)stream, &reply, error);
    if (reply != NULL) {
        *out = (const flows_flows_count_reply *)reply;
    }
    return status;
}

const flows_too_many *flows_flows_count_too_many(
    const flows_flows_count_reply *reply)
{
    const void *payload =
        shmrpc_stub_payload(reply, &flows_too_many_descriptor);
    return (const flows_too_many *)payload;
}

void flows_flows_count_release(const flows_flows_count_reply *reply)
{
    shmrpc_stub_release(reply);
}

void flows_flows_count_close(flows_flows_count_stream *stream)
{
    shmrpc_stub_stream_close((shmrpc_stream *)stream);
}

int flows_flows_joined(flows_flows *client, const shmrpc_opts *opts,
                       flows_flows_joined_stream **out, shmrpc_error *error)
{
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_open((shmrpc_client *)client,
                                         FLOWS_FLOWS_METHOD_JOINED, NULL, opts,
                                         &call, error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_joined_stream *)call;
    }
    return status;
}

int flows_flows_joined_send(flows_flows_joined_stream *stream,
                            const shmrpc_str *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item, 0, error);
}

int flows_flows_joined_try_send(flows_flows_joined_stream *stream,
                                const shmrpc_str *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item,
                                   SHMRPC_OPT_NONBLOCK, error);
}

uint64_t flows_flows_joined_delivered(flows_flows_joined_stream *stream)
{
    return shmrpc_stub_stream_delivered((shmrpc_stream *)stream);
}

int flows_flows_joined_finish(flows_flows_joined_stream *stream,
                              const flows_flows_joined_reply **out,
                              shmrpc_error *error)
{
    const void *reply = NULL;
    int status =
        shmrpc_stub_stream_finish_reply((shmrpc_stream *)stream, &reply, error);
    if (reply != NULL) {
        *out = (const flows_flows_joined_reply *)reply;
    }
    return status;
}

void flows_flows_joined_release(const flows_flows_joined_reply *reply)
{
    shmrpc_stub_release(reply);
}

void flows_flows_joined_close(flows_flows_joined_stream *stream)
{
    shmrpc_stub_stream_close((shmrpc_stream *)stream);
}

int flows_flows_drop(flows_flows *client, const shmrpc_opts *opts,
                     flows_flows_drop_stream **out, shmrpc_error *error)
{
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_open((shmrpc_client *)client,
                                         FLOWS_FLOWS_METHOD_DROP, NULL, opts,
                                         &call, error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_drop_stream *)call;
    }
    return status;
}

int flows_flows_drop_send(flows_flows_drop_stream *stream, const uint32_t *item,
                          shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item, 0, error);
}

int flows_flows_drop_try_send(flows_flows_drop_stream *stream,
                              const uint32_t *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item,
                                   SHMRPC_OPT_NONBLOCK, error);
}

int flows_flows_drop_loan(flows_flows_drop_stream *stream, uint32_t **item,
                          shmrpc_error *error)
{
    void *lent = NULL;
    int status =
        shmrpc_stub_stream_loan((shmrpc_stream *)stream, 0, 0, &lent, error);
    if (status == SHMRPC_OK) {
        *item = (uint32_t *)lent;
    }
    return status;
}

int flows_flows_drop_commit(flows_flows_drop_stream *stream,
                            const uint32_t *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_commit((shmrpc_stream *)stream, item, 0, error);
}

void flows_flows_drop_abort(flows_flows_drop_stream *stream,
                            const uint32_t *item)
{
    shmrpc_stub_stream_abort((shmrpc_stream *)stream, item);
}

uint64_t flows_flows_drop_delivered(flows_flows_drop_stream *stream)
{
    return shmrpc_stub_stream_delivered((shmrpc_stream *)stream);
}

int flows_flows_drop_finish(flows_flows_drop_stream *stream,
                            shmrpc_error *error)
{
    return shmrpc_stub_stream_finish((shmrpc_stream *)stream, NULL, error);
}

void flows_flows_drop_close(flows_flows_drop_stream *stream)
{
    shmrpc_stub_stream_close((shmrpc_stream *)stream);
}

int flows_flows_twice(flows_flows *client, const shmrpc_opts *opts,
                      flows_flows_twice_stream **out, shmrpc_error *error)
{
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_open((shmrpc_client *)client,
                                         FLOWS_FLOWS_METHOD_TWICE, NULL, opts,
                                         &call, error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_twice_stream *)call;
    }
    return status;
}

int flows_flows_twice_next(flows_flows_twice_stream *stream,
                           const int64_t **item, shmrpc_error *error)
{
    const void *next = NULL;
    int status = shmrpc_stub_stream_next((shmrpc_stream *)stream, &next, error);
    if (status == SHMRPC_MORE) {
        *item = (const int64_t *)next;
    }
    return status;
}

int flows_flows_twice_send(flows_flows_twice_stream *stream,
                           const int64_t *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item, 0, error);
}

int flows_flows_twice_try_send(flows_flows_twice_stream *stream,
                               const int64_t *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item,
                                   SHMRPC_OPT_NONBLOCK, error);
}

int flows_flows_twice_loan(flows_flows_twice_stream *stream, int64_t **item,
                           shmrpc_error *error)
{
    void *lent = NULL;
    int status =
        shmrpc_stub_stream_loan((shmrpc_stream *)stream, 0, 0, &lent, error);
    if (status == SHMRPC_OK) {
        *item = (int64_t *)lent;
    }
    return status;
}

int flows_flows_twice_commit(flows_flows_twice_stream *stream,
                             const int64_t *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_commit((shmrpc_stream *)stream, item, 0, error);
}

void flows_flows_twice_abort(flows_flows_twice_stream *stream,
                             const int64_t *item)
{
    shmrpc_stub_stream_abort((shmrpc_stream *)stream, item);
}

uint64_t flows_flows_twice_delivered(flows_flows_twice_stream *stream)
{
    return shmrpc_stub_stream_delivered((shmrpc_stream *)stream);
}

int flows_flows_twice_end(flows_flows_twice_stream *stream, shmrpc_error *error)
{
    return shmrpc_stub_stream_end((shmrpc_stream *)stream, error);
}

static int item_flows_twice(shmrpc_function on_item, void *user,
                            const void *item)
{
    const flows_flows_twice_item_fn tell = (flows_flows_twice_item_fn)on_item;
    return tell(user, (const int64_t *)item);
}

static void end_items_flows_twice(shmrpc_function on_end, void *user,
                                  int status, const shmrpc_error *error)
{
    const flows_flows_twice_end_fn tell = (flows_flows_twice_end_fn)on_end;
    tell(user, status, error);
}

int flows_flows_twice_async(flows_flows *client, const shmrpc_opts *opts,
                            flows_flows_twice_item_fn on_item,
                            flows_flows_twice_end_fn on_end, void *user,
                            flows_flows_twice_stream **out, shmrpc_error *error)
{
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_async((shmrpc_client *)client,
                                          FLOWS_FLOWS_METHOD_TWICE, NULL, opts,
                                          item_flows_twice,
                                          end_items_flows_twice,
                                          (shmrpc_function)on_item,
                                          (shmrpc_function)on_end, user, &call,
                                          error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_twice_stream *)call;
    }
    return status;
}

void flows_flows_twice_resume(flows_flows_twice_stream *stream)
{
    shmrpc_stub_stream_resume((shmrpc_stream *)stream);
}

void flows_flows_twice_close(flows_flows_twice_stream *stream)
{
    shmrpc_stub_stream_close((shmrpc_stream *)stream);
}

int flows_flows_sums(flows_flows *client, const uint32_t *in_,
                     const shmrpc_opts *opts, flows_flows_sums_stream **out,
                     shmrpc_error *error)
{
    flows_flows_sums_params params;
    memset(&params, 0, sizeof params);
    params.has_in = in_ != NULL;
    if (in_ != NULL) {
        params.in = *in_;
    }
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_open((shmrpc_client *)client,
                                         FLOWS_FLOWS_METHOD_SUMS, &params, opts,
                                         &call, error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_sums_stream *)call;
    }
    return status;
}

int flows_flows_sums_next(flows_flows_sums_stream *stream,
                          const flows_flows_sums_result **item,
                          shmrpc_error *error)
{
    const void *next = NULL;
    int status = shmrpc_stub_stream_next((shmrpc_stream *)stream, &next, error);
    if (status == SHMRPC_MORE) {
        *item = (const flows_flows_sums_result *)next;
    }
    return status;
}

int flows_flows_sums_send(flows_flows_sums_stream *stream,
                          const shmrpc_u32_list *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item, 0, error);
}

int flows_flows_sums_try_send(flows_flows_sums_stream *stream,
                              const shmrpc_u32_list *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item,
                                   SHMRPC_OPT_NONBLOCK, error);
}

uint64_t flows_flows_sums_delivered(flows_flows_sums_stream *stream)
{
    return shmrpc_stub_stream_delivered((shmrpc_stream *)stream);
}

int flows_flows_sums_end(flows_flows_sums_stream *stream, shmrpc_error *error)
{
    return shmrpc_stub_stream_end((shmrpc_stream *)stream, error);
}

static int item_flows_sums(shmrpc_function on_item, void *user,
                           const void *item)
{
    const flows_flows_sums_item_fn tell = (flows_flows_sums_item_fn)on_item;
    return tell(user, (const flows_flows_sums_result *)item);
}

static void end_items_flows_sums(shmrpc_function on_end, void *user, int status,
                                 const shmrpc_error *error)
{
    const flows_flows_sums_end_fn tell = (flows_flows_sums_end_fn)on_end;
    tell(user, status, error);
}

int flows_flows_sums_async(flows_flows *client, const uint32_t *in_,
                           const shmrpc_opts *opts,
                           flows_flows_sums_item_fn on_item,
                           flows_flows_sums_end_fn on_end, void *user,
                           flows_flows_sums_stream **out, shmrpc_error *error)
{
    flows_flows_sums_params params;
    memset(&params, 0, sizeof params);
    params.has_in = in_ != NULL;
    if (in_ != NULL) {
        params.in = *in_;
    }
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_async((shmrpc_client *)client,
                                          FLOWS_FLOWS_METHOD_SUMS, &params,
                                          opts, item_flows_sums,
                                          end_items_flows_sums,
                                          (shmrpc_function)on_item,
                                          (shmrpc_function)on_end, user, &call,
                                          error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_sums_stream *)call;
    }
    return status;
}

void flows_flows_sums_resume(flows_flows_sums_stream *stream)
{
    shmrpc_stub_stream_resume((shmrpc_stream *)stream);
}

void flows_flows_sums_close(flows_flows_sums_stream *stream)
{
    shmrpc_stub_stream_close((shmrpc_stream *)stream);
}

int flows_flows_cat(flows_flows *client, shmrpc_bytes data,
                    const shmrpc_opts *opts, flows_flows_cat_stream **out,
                    shmrpc_error *error)
{
    flows_flows_cat_params params;
    params.data = data;
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_open((shmrpc_client *)client,
                                         FLOWS_FLOWS_METHOD_CAT, &params, opts,
                                         &call, error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_cat_stream *)call;
    }
    return status;
}

int flows_flows_cat_next(flows_flows_cat_stream *stream,
                         const shmrpc_bytes **item, shmrpc_error *error)
{
    const void *next = NULL;
    int status = shmrpc_stub_stream_next((shmrpc_stream *)stream, &next, error);
    if (status == SHMRPC_MORE) {
        *item = (const shmrpc_bytes *)next;
    }
    return status;
}

static int item_flows_cat(shmrpc_function on_item, void *user, const void *item)
{
    const flows_flows_cat_item_fn tell = (flows_flows_cat_item_fn)on_item;
    return tell(user, (const shmrpc_bytes *)item);
}

static void end_items_flows_cat(shmrpc_function on_end, void *user, int status,
                                const shmrpc_error *error)
{
    const flows_flows_cat_end_fn tell = (flows_flows_cat_end_fn)on_end;
    tell(user, status, error);
}

int flows_flows_cat_async(flows_flows *client, shmrpc_bytes data,
                          const shmrpc_opts *opts,
                          flows_flows_cat_item_fn on_item,
                          flows_flows_cat_end_fn on_end, void *user,
                          flows_flows_cat_stream **out, shmrpc_error *error)
{
    flows_flows_cat_params params;
    params.data = data;
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_async((shmrpc_client *)client,
                                          FLOWS_FLOWS_METHOD_CAT, &params, opts,
                                          item_flows_cat, end_items_flows_cat,
                                          (shmrpc_function)on_item,
                                          (shmrpc_function)on_end, user, &call,
                                          error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_cat_stream *)call;
    }
    return status;
}

void flows_flows_cat_resume(flows_flows_cat_stream *stream)
{
    shmrpc_stub_stream_resume((shmrpc_stream *)stream);
}

void flows_flows_cat_close(flows_flows_cat_stream *stream)
{
    shmrpc_stub_stream_close((shmrpc_stream *)stream);
}

int flows_flows_through(flows_flows *client, const shmrpc_opts *opts,
                        flows_flows_through_stream **out, shmrpc_error *error)
{
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_open((shmrpc_client *)client,
                                         FLOWS_FLOWS_METHOD_THROUGH, NULL, opts,
                                         &call, error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_through_stream *)call;
    }
    return status;
}

int flows_flows_through_next(flows_flows_through_stream *stream,
                             const shmrpc_bytes **item, shmrpc_error *error)
{
    const void *next = NULL;
    int status = shmrpc_stub_stream_next((shmrpc_stream *)stream, &next, error);
    if (status == SHMRPC_MORE) {
        *item = (const shmrpc_bytes *)next;
    }
    return status;
}

int flows_flows_through_send(flows_flows_through_stream *stream,
                             const shmrpc_bytes *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item, 0, error);
}

int flows_flows_through_try_send(flows_flows_through_stream *stream,
                                 const shmrpc_bytes *item, shmrpc_error *error)
{
    return shmrpc_stub_stream_send((shmrpc_stream *)stream, item,
                                   SHMRPC_OPT_NONBLOCK, error);
}

int flows_flows_through_loan(flows_flows_through_stream *stream, size_t len,
                             uint8_t **at, shmrpc_error *error)
{
    void *lent = NULL;
    int status =
        shmrpc_stub_stream_loan((shmrpc_stream *)stream, len, 0, &lent, error);
    if (status == SHMRPC_OK) {
        *at = (uint8_t *)lent;
    }
    return status;
}

int flows_flows_through_commit(flows_flows_through_stream *stream,
                               const uint8_t *at, size_t len,
                               shmrpc_error *error)
{
    return shmrpc_stub_stream_commit((shmrpc_stream *)stream, at, len, error);
}

void flows_flows_through_abort(flows_flows_through_stream *stream,
                               const uint8_t *at)
{
    shmrpc_stub_stream_abort((shmrpc_stream *)stream, at);
}

uint64_t flows_flows_through_delivered(flows_flows_through_stream *stream)
{
    return shmrpc_stub_stream_delivered((shmrpc_stream *)stream);
}

int flows_flows_through_end(flows_flows_through_stream *stream,
                            shmrpc_error *error)
{
    return shmrpc_stub_stream_end((shmrpc_stream *)stream, error);
}

static int item_flows_through(shmrpc_function on_item, void *user,
                              const void *item)
{
    const flows_flows_through_item_fn tell =
        (flows_flows_through_item_fn)on_item;
    return tell(user, (const shmrpc_bytes *)item);
}

static void end_items_flows_through(shmrpc_function on_end, void *user,
                                    int status, const shmrpc_error *error)
{
    const flows_flows_through_end_fn tell = (flows_flows_through_end_fn)on_end;
    tell(user, status, error);
}

int flows_flows_through_async(flows_flows *client, const shmrpc_opts *opts,
                              flows_flows_through_item_fn on_item,
                              flows_flows_through_end_fn on_end, void *user,
                              flows_flows_through_stream **out,
                              shmrpc_error *error)
{
    shmrpc_stream *call = NULL;
    int status = shmrpc_stub_stream_async((shmrpc_client *)client,
                                          FLOWS_FLOWS_METHOD_THROUGH, NULL,
                                          opts, item_flows_through,
                                          end_items_flows_through,
                                          (shmrpc_function)on_item,
                                          (shmrpc_function)on_end, user, &call,
                                          error);
    if (status == SHMRPC_OK) {
        *out = (flows_flows_through_stream *)call;
    }
    return status;
}

void flows_flows_through_resume(flows_flows_through_stream *stream)
{
    shmrpc_stub_stream_resume((shmrpc_stream *)stream);
}

void flows_flows_through_close(flows_flows_through_stream *stream)
{
    shmrpc_stub_stream_close((shmrpc_stream *)stream);
}

int flows_flows_add(flows_flows *client, int64_t a, int64_t b,
                    const shmrpc_opts *opts, int64_t *out, shmrpc_error *error)
{
    flows_flows_add_params params;
    params.a = a;
    params.b = b;
    return shmrpc_stub_call((shmrpc_client *)client, FLOWS_FLOWS_METHOD_ADD,
                            &params, opts, out, error);
}

int flows_flows_add_start(flows_flows *client, int64_t a, int64_t b,
                          const shmrpc_opts *opts, shmrpc_call **out,
                          shmrpc_error *error)
{
    flows_flows_add_params params;
    params.a = a;
    params.b = b;
    return shmrpc_stub_start((shmrpc_client *)client, FLOWS_FLOWS_METHOD_ADD,
                             &params, opts, out, error);
}

int flows_flows_add_finish(shmrpc_call *call, int64_t *out, shmrpc_error *error)
{
    return shmrpc_stub_finish(call, &flows_flows_descriptor,
                              FLOWS_FLOWS_METHOD_ADD, out, error);
}

static void end_flows_add(shmrpc_function done, void *user, int status,
                          void *reply, const shmrpc_error *error)
{
    const flows_flows_add_fn tell = (flows_flows_add_fn)done;
    tell(user, status, (const int64_t *)reply, error);
    shmrpc_stub_release(reply);
}

int flows_flows_add_async(flows_flows *client, int64_t a, int64_t b,
                          const shmrpc_opts *opts, shmrpc_call **out,
                          shmrpc_error *error, flows_flows_add_fn done,
                          void *user)
{
    flows_flows_add_params params;
    params.a = a;
    params.b = b;
    return shmrpc_stub_async((shmrpc_client *)client, FLOWS_FLOWS_METHOD_ADD,
                             &params, opts, out, error, end_flows_add,
                             (shmrpc_function)done, user);
}
