/*
 * Reopening streams: while no item has reached the user, a call with streams
 * can be repeated like any other.
 *
 * Reopening sends the request again, so the encoded request of a method that
 * may be repeated is kept. Only streams of results are reopened: items from the
 * client may already have reached the handler.
 */
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "rpc/limits.h"
#include "rpc/metadata.h"
#include "rpc/retry.h"
#include "rpc/stream.h"

struct shmrpci_stream_anew {
    shmrpc_client *client;
    uint32_t method;
    unsigned runs;        /* attempts so far, of a method without @retry */
    shmrpci_attempt last; /* the last attempt, of a method with @retry */
    shmrpc_opts opts;     /* without the timeout */
    shmrpc_metadata *metadata;
    shmrpci_buf params; /* the encoded request */
    const shmrpci_codec *codec;
    shmrpci_arena arena; /* for the decoded parameters; and for metadata */
};

void shmrpci_stream_anew_free(shmrpci_stream_anew *anew)
{
    if (anew != NULL) {
        shmrpci_arena_fini(&anew->arena);
        shmrpci_buf_fini(&anew->params);
        free(anew->metadata);
        free(anew);
    }
}

/* ---- keeping the request ------------------------------------------------- */

/* Copies entries and their strings to one block. Returns NULL if memory is
 * short. */
static shmrpc_metadata *copy_of(const shmrpc_metadata *from)
{
    size_t count = 0;
    size_t bytes = sizeof *from;
    for (; from[count].key != NULL; count++) {
        bytes += sizeof *from + strlen(from[count].key) + 1 +
                 strlen(from[count].value) + 1;
    }
    shmrpc_metadata *copy = malloc(bytes);
    char *text = (char *)(copy + count + 1);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        size_t key = strlen(from[i].key) + 1;
        size_t value = strlen(from[i].value) + 1;
        copy[i] = (shmrpc_metadata){memcpy(text, from[i].key, key),
                                    memcpy(text + key, from[i].value, value)};
        text += key + value;
    }
    if (copy != NULL) {
        copy[count] = (shmrpc_metadata){.key = NULL};
    }
    return copy;
}

static bool fill(shmrpci_stream_anew *anew, const shmrpc_method *method,
                 const void *params, const shmrpc_opts *opts)
{
    static const char nothing;
    if (opts != NULL) {
        anew->opts = *opts;
    }
    if (anew->opts.metadata != NULL) {
        anew->metadata = copy_of(anew->opts.metadata);
        anew->opts.metadata = anew->metadata;
        if (anew->metadata == NULL) {
            return false;
        }
    }
    return anew->codec->encode(method->params,
                               params != NULL ? params : &nothing, "",
                               &anew->params, NULL) == SHMRPC_OK;
}

void shmrpci_stream_anew_keep(shmrpc_stream *s, shmrpc_client *client,
                              uint32_t method, const void *params,
                              const shmrpc_opts *opts)
{
    const shmrpc_method *it = s->method;
    bool may_be = (it->flags & SHMRPC_METHOD_IDEMPOTENT) != 0 &&
                  it->items_in == NULL &&
                  (opts == NULL || (opts->flags & SHMRPC_OPT_NONBLOCK) == 0);
    shmrpci_stream_anew *anew = may_be ? calloc(1, sizeof *anew) : NULL;
    if (anew == NULL) {
        return;
    }
    anew->client = client;
    anew->method = method;
    anew->last = (shmrpci_attempt){1, s->deadline_ns, 0};
    anew->codec = s->codec;
    shmrpci_buf_init_heap(&anew->params);
    shmrpci_arena_init(&anew->arena, client->decode_limit);
    if (fill(anew, it, params, opts)) {
        s->anew = anew;
    } else {
        shmrpci_stream_anew_free(anew);
    }
}

/* Decodes the kept request. Returns the parameters, or NULL if memory is short.
 */
static const void *params_of(shmrpci_stream_anew *anew,
                             const shmrpc_method *method)
{
    const shmrpc_type *type = method->params;
    shmrpci_arena_reset(&anew->arena);
    void *params = shmrpci_arena_alloc(&anew->arena, type->size + 1,
                                       type->align > 0 ? type->align : 1);
    bool is_there =
        params != NULL &&
        anew->codec->decode(type, anew->params.data, anew->params.len, "",
                            &anew->arena, params, NULL) == SHMRPC_OK;
    return is_there ? params : NULL;
}

/* ---- deciding ------------------------------------------------------------ */

bool shmrpci_stream_open_again(shmrpc_stream *s, shmrpc_client *client,
                               const shmrpc_opts *opts, int status,
                               unsigned number)
{
    const shmrpci_attempt failed = {number, s->deadline_ns,
                                    s->call->pending.retry_after_ns};
    return shmrpci_retry_is_meant(s->method, opts, status) &&
           shmrpci_retry_wait(client, s->method, opts, &failed);
}

/* Whether to open the stream again: with @retry by its rules; otherwise by the
 * rules for calls that may be repeated. */
static bool is_meant(shmrpc_stream *s, int status)
{
    shmrpci_stream_anew *anew = s->anew;
    if (shmrpci_now_ns() >= s->deadline_ns) {
        return false;
    }
    if (shmrpci_retry_is_meant(s->method, &anew->opts, status)) {
        anew->last.retry_after_ns = s->call->pending.retry_after_ns;
        bool waited = shmrpci_retry_wait(anew->client, s->method, &anew->opts,
                                         &anew->last);
        anew->last.number++;
        return waited;
    }
    bool has_not_run = status == SHMRPC_E_UNAVAILABLE && !s->error.may_have_run;
    bool has_died =
        status == SHMRPC_E_WORKER_DIED || status == SHMRPC_E_SERVER_LOST;
    return s->method->policy.attempts <= 1 && (has_not_run || has_died) &&
           ++anew->runs < SHMRPCI_RUNS_MAX;
}

/* ---- reopening ----------------------------------------------------------- */

/* Clears the state of the previous call. */
static void clear(shmrpc_stream *s)
{
    s->ops->close(s->end);
    s->end = NULL;
    if (s->reply != NULL) {
        shmrpc_stub_release(s->reply);
        s->reply = NULL;
    }
    if (s->call->pending.link != NULL) {
        shmrpci_pending_leave(&s->call->pending);
        s->call->pending.link = NULL;
    }
}

static int start(shmrpc_stream *s, const void *params, shmrpc_error *error)
{
    shmrpci_stream_anew *anew = s->anew;
    shmrpc_opts opts = anew->opts;
    opts.timeout_ns = s->deadline_ns != SHMRPCI_NEVER_NS
                          ? shmrpci_remaining_ns(s->deadline_ns)
                          : INT64_MAX;
    (void)shmrpci_add_relaxed(&anew->client->retried, UINT64_C(1));
    return opts.timeout_ns == 0
               ? (int)SHMRPC_E_DEADLINE
               : shmrpci_stream_start(s, anew->client, anew->method, params,
                                      &opts, 1, error);
}

bool shmrpci_stream_anew_try(shmrpc_stream *s, int *status, shmrpc_error *error)
{
    shmrpc_error own = {.code = 0};
    if (s->loop.is_known || !is_meant(s, *status)) {
        return false;
    }
    const void *params = params_of(s->anew, s->method);
    if (params == NULL) {
        return false;
    }
    clear(s);
    *status = start(s, params, error != NULL ? error : &own);
    s->is_over = s->items_over = *status != SHMRPC_OK;
    s->status = *status;
    s->error = *status == SHMRPC_OK ? (shmrpc_error){.code = 0}
               : error != NULL      ? *error
                                    : own;
    if (*status != SHMRPC_OK) {
        s->call->pending.link = NULL; /* the link was released */
    }
    return true;
}
