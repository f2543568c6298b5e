/*
 * Dispatch: a request's method id -> the row of the table -> decode, handler,
 * encode.
 *
 * What a client has written is copied to private memory before it is read. One
 * exception: handlers get large bodies of raw methods in place if the client is
 * of our own user, since nothing parses them.
 *
 * Threading: each worker has its own state and shares only constants.
 */
#include "rpc/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/log_call.h"
#include "os/process.h"
#include "rpc/ctx.h"
#include "rpc/detach.h"
#include "rpc/envelope.h"
#include "rpc/limits.h"
#include "rpc/link.h"

/* Raw bodies of at least this size are not copied. */
#define IN_PLACE_BYTES 4096

typedef struct shmrpci_dispatcher worker;

static bool is_oneway(const shmrpci_request *request)
{
    return (request->head.flags & SHMRPCI_HEAD_ONEWAY) != 0;
}

/* Whether the request allows a short reply. (The metadata flag has been cleared
 * if the caller does not want any in the reply.) */
static bool may_answer(const shmrpci_request *request)
{
    return (request->head.flags &
            (SHMRPCI_HEAD_ONEWAY | SHMRPCI_HEAD_METADATA)) == 0;
}

shmrpci_served_method shmrpci_served_method_of(const shmrpc_method *method)
{
    const shmrpci_codec *codec = shmrpci_codec_of((uint32_t)method->encoding);
    shmrpci_served_method own = {
        .codec = codec,
        .params = shmrpci_flat_of(codec, method->params),
        .result = shmrpci_flat_of(codec, method->result)};
    own.has_streams = (method->flags & (SHMRPC_METHOD_STREAMS_IN |
                                        SHMRPC_METHOD_STREAMS_OUT)) != 0;
    own.is_flat = own.params.bytes != 0 && !own.has_streams &&
                  (own.result.bytes != 0 || method->result == NULL);
    own.is_tried = method->result == NULL ||
                   (method->result->flags & SHMRPC_TYPE_FIXED) != 0 ||
                   method->encoding == SHMRPC_ENCODING_RAW ||
                   method->encoding == SHMRPC_ENCODING_NATIVE;
    return own;
}

/* ---- ending and counting a request --------------------------------------- */

static void commit(worker *w, shmrpci_request *request)
{
    int status = request->out.status != SHMRPC_OK ? (int)request->out.status
                                                  : request->head.status;
    w->is_ok = status == SHMRPC_OK;
    shmrpci_count_call(&w->counter, w->row, request->in_len, request->out.len,
                       status);
    w->ops->reply_commit(request);
    if (request->head.status != status && w->counter.rows != NULL) {
        /* The transport changed the status because the reply did not fit. */
        shmrpci_count_error(&w->counter, w->row, request->head.status);
    }
}

/* Drops a reply that nobody waits for. */
static void drop(worker *w, shmrpci_request *request, int status)
{
    shmrpci_count_call(&w->counter, w->row, request->in_len, 0, status);
    w->is_ok = false;
    request->head.status = (int32_t)status;
    w->ops->drop(request);
}

/* Counts a result that was too late for its caller. */
static void count_given_up(worker *w, const shmrpci_request *request)
{
    if (w->is_ok && w->counter.rows != NULL) {
        shmrpci_count_error(&w->counter, w->row,
                            shmrpci_now_ns() >= request->deadline_ns
                                ? SHMRPC_E_DEADLINE
                                : SHMRPC_E_CANCELLED);
    }
}

/* Inline for the same reason as send_result. */
static inline __attribute__((always_inline)) void
count_times(worker *w, const shmrpci_request *request)
{
    uint64_t ended =
        request->ended_ticks != 0 ? request->ended_ticks : shmrpci_ticks();
    if (request->was_given_up) {
        count_given_up(w, request);
    }
    shmrpci_count_times(&w->counter, w->row, request->queue_ticks,
                        ended - request->began_ticks);
}

/* ---- replies ------------------------------------------------------------- */

/* Resets w->error: an empty message, and no name. */
static void clear_error(worker *w)
{
    w->error.name[0] = '\0';
    w->error.path[0] = '\0';
    w->error.message[0] = '\0';
    w->error.may_have_run = true;
}

/* Writes the metadata to a reply without a body yet. Returns the flag for it,
 * or 0. */
static uint32_t write_beside(worker *w, shmrpci_request *request)
{
    shmrpci_metadata *m = &w->beside->out;
    if (!w->ctx.has_metadata || shmrpci_metadata_is_empty(m)) {
        return 0;
    }
    size_t len = shmrpci_metadata_end(m);
    shmrpci_buf_append(&request->out, m->bytes, len);
    return SHMRPCI_HEAD_METADATA;
}

/* Ends the request with `status`, sending path, message and name from w->error,
 * and the payload that the handler has raised. */
static void reply_failure(worker *w, shmrpci_request *request, int status)
{
    SHMRPCI_ASSERT(status != SHMRPC_OK, "a failure has a status");
    const shmrpci_buf *payload = &w->ctx.payload;
    size_t len = status == w->ctx.raised ? payload->len : 0;
    if (is_oneway(request)) {
        w->error.retry_after_ns = 0;
        drop(w, request, status);
        return;
    }
    shmrpci_ctx_reserve(&w->ctx, request, SHMRPCI_DETAIL_MAX_BYTES + len);
    request->head.status = (int32_t)status;
    request->head.flags = SHMRPCI_HEAD_DETAIL | write_beside(w, request);
    w->error.pid = w->pid;
    shmrpci_detail_write(&w->error, &request->out);
    w->error.retry_after_ns = 0; /* the next error starts without one */
    shmrpci_buf_append(&request->out, payload->data, len);
    commit(w, request);
}

/* Ends the request with `status` and the message in w->error. */
static void reply_error(worker *w, shmrpci_request *request, int status)
{
    w->error.name[0] = '\0';
    reply_failure(w, request, status);
}

/* Ends a request whose handler is not called. */
static void refuse(worker *w, shmrpci_request *request, int status)
{
    w->error.may_have_run = false;
    shmrpci_overload_exit(&w->overload);
    reply_error(w, request, status);
}

static void describe(worker *w, shmrpci_request *request)
{
    const char *const *text = w->served->service->text;
    if (is_oneway(request)) {
        drop(w, request, SHMRPC_OK);
        return;
    }
    size_t len = 0;
    for (const char *const *at = text; *at != NULL; at++) {
        len += strlen(*at);
    }
    w->ops->reply_reserve(request, len);
    request->head.status = SHMRPC_OK;
    request->head.flags = 0;
    for (const char *const *at = text; *at != NULL; at++) {
        shmrpci_buf_append_text(&request->out, *at);
    }
    commit(w, request);
}

/* ---- requests ------------------------------------------------------------ */

/* Returns zeroed memory for a value of `type`: `local` if it is large enough,
 * else from the arena. */
static void *place(worker *w, const shmrpc_type *type,
                   uint8_t local[SHMRPCI_LOCAL_BYTES])
{
    return type->size <= SHMRPCI_LOCAL_BYTES
               ? local
               : shmrpci_arena_alloc(&w->arena, type->size, type->align);
}

/* A client of our own user is trusted, because it could read and write our
 * memory anyway. */
static bool is_trusted(const worker *w, const shmrpci_request *request)
{
    return request->peer->uid == w->served->uid &&
           w->served->uid != SHMRPCI_UNMAPPED_UID;
}

/* Returns the request's body in memory that the client can't write, or in place
 * if nothing will parse it. Returns NULL if memory is short. */
static const uint8_t *stable_body(worker *w, const shmrpci_request *request,
                                  const shmrpc_method *method)
{
    size_t len = request->in_len;
    if (!request->in_shared || len == 0) {
        return request->in != NULL ? request->in : w->room->body;
    }
    if (method->encoding == SHMRPC_ENCODING_RAW && len >= IN_PLACE_BYTES &&
        is_trusted(w, request)) {
        return request->in;
    }
    uint8_t *copy = len <= SHMRPCI_LOCAL_BYTES
                        ? w->room->body
                        : shmrpci_arena_alloc(&w->arena, len, 8);
    return copy != NULL ? memcpy(copy, request->in, len) : NULL;
}

/* Returns flat parameters in place, for a call that is answered at once, or
 * NULL if the codec is needed. */
static const void *flat_params(worker *w, const shmrpci_request *request,
                               const shmrpci_served_method *method)
{
    const shmrpci_flat *flat = &method->params;
    if (request->in_shared || !may_answer(request) || w->shared == NULL ||
        !shmrpci_flat_fits(flat, request->in, request->in_len)) {
        return NULL;
    }
    w->pointed = request->in + flat->start;
    return flat->is_pointed ? (const void *)&w->pointed : w->pointed;
}

static int decode(worker *w, const shmrpci_request *request,
                  const shmrpc_method *method, const shmrpci_codec *codec,
                  void **params)
{
    const uint8_t *body = stable_body(w, request, method);
    *params = place(w, method->params, w->room->params);
    int status = SHMRPC_E_NO_MEMORY;
    clear_error(w);
    if (body != NULL && *params != NULL) {
        status = codec->decode(method->params, body, request->in_len, "",
                               &w->arena, *params, &w->error);
    }
    return status;
}

/* ---- results ------------------------------------------------------------- */

static bool overlaps(const shmrpci_buf *out, const shmrpc_bytes *bytes)
{
    uintptr_t begin = (uintptr_t)out->data;
    uintptr_t at = (uintptr_t)bytes->ptr;
    return bytes->len > 0 && at < begin + out->cap && at + bytes->len > begin;
}

/* Copies the bytes that a raw handler returns if they overlap the reply: they
 * may be a view of a parameter that a malicious client placed there, or a part
 * of the handler's loan. Returns false if memory is short. */
static bool set_apart(worker *w, const shmrpci_request *request,
                      shmrpc_bytes *bytes)
{
    if (!overlaps(&request->out, bytes)) {
        return true;
    }
    uint8_t *copy = shmrpci_arena_alloc(&w->arena, bytes->len, 8);
    if (copy == NULL) {
        return false;
    }
    bytes->ptr = memcpy(copy, bytes->ptr, bytes->len);
    return true;
}

static void estimate(uint32_t *bytes, size_t len)
{
    uint32_t size = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
    *bytes = size > *bytes ? size : *bytes - (*bytes - size) / 8;
}

/* Whether these bytes start where the loan of shmrpc_ctx_loan starts. */
static bool is_loan(const worker *w, const shmrpci_request *request,
                    const shmrpc_bytes *bytes)
{
    return w->ctx.has_lent && bytes->ptr == request->out.data &&
           bytes->len <= request->out.len;
}

/* Inserts the metadata before a result that is already in the reply. Returns
 * the flag for it, or 0. */
static uint32_t insert_beside(worker *w, shmrpci_request *request)
{
    size_t len = request->out.len;
    uint32_t flags = write_beside(w, request);
    size_t more = request->out.len - len;
    if (flags != 0 && request->out.status == SHMRPC_OK) {
        memmove(request->out.data + more, request->out.data, len);
        memcpy(request->out.data, w->beside->out.bytes, more);
    }
    return flags;
}

/* Encodes the result, or checks it if it was written in place. Sets the flags
 * of the reply in *out_flags. */
static inline __attribute__((always_inline)) int
encode(worker *w, shmrpci_request *request, uint32_t index, void *result,
       uint32_t *out_flags)
{
    const shmrpc_type *type = w->served->service->methods[index].result;
    const shmrpci_codec *codec =
        shmrpci_reply_codec(request, w->served->methods[index].codec);
    shmrpc_bytes *raw =
        shmrpci_raw_result(&w->served->service->methods[index], result);
    if (raw != NULL && is_loan(w, request, raw)) {
        shmrpc_bytes same;
        request->out.len = raw->len;
        int status = codec->decode(type, raw->ptr, raw->len, "result", NULL,
                                   &same, &w->error);
        *out_flags = status == SHMRPC_OK ? insert_beside(w, request) : 0;
        return status;
    }
    shmrpci_ctx_reserve(&w->ctx, request,
                        raw != NULL ? raw->len : w->result_bytes[index]);
    if (raw != NULL && !set_apart(w, request, raw)) {
        shmrpci_buf_fail(&request->out, SHMRPC_E_NO_MEMORY);
    }
    *out_flags = write_beside(w, request);
    return type == NULL ? SHMRPC_OK
                        : codec->encode(type, result, "result", &request->out,
                                        &w->error);
}

/* Sends the first `len` bytes of w->image as the result. */
static void answer(worker *w, shmrpci_request *request, size_t len)
{
    request->head.status = SHMRPC_OK;
    request->head.flags = 0;
    shmrpci_count_call(&w->counter, w->row, request->in_len, len, SHMRPC_OK);
    w->is_ok = true;
    SHMRPCI_ASSERT(len <= sizeof w->image, "a short result fits the slot");
    SHMRPCI_ASSERT(w->shared != NULL, "only shared memory has short replies");
    w->shared->answer(request, w->image, len);
}

/* Encodes a result into w->image and sends it on the short path. Returns false
 * if the result does not fit, or earlier results of the method were too long.
 * Then the long path sends the result, or reports the error. */
static bool answer_short(worker *w, shmrpci_request *request, uint32_t index,
                         void *result)
{
    const shmrpc_type *type = w->served->service->methods[index].result;
    const shmrpci_served_method *own = &w->served->methods[index];
    shmrpci_buf out;
    if (w->shared == NULL || !own->is_tried || w->ctx.is_long ||
        w->result_bytes[index] > sizeof w->image) {
        return false;
    }
    shmrpci_buf_init_fixed(&out, w->image, sizeof w->image);
    if (type != NULL &&
        shmrpci_reply_codec(request, own->codec)
                ->encode(type, result, "result", &out, NULL) != SHMRPC_OK) {
        return false;
    }
    estimate(&w->result_bytes[index], out.len);
    answer(w, request, out.len);
    return true;
}

/* Inlined at both call sites, so that calls that are not detached don't pay for
 * those that are. */
static inline __attribute__((always_inline)) void
send_result(worker *w, shmrpci_request *request, uint32_t index, void *result)
{
    const shmrpc_method *method = &w->served->service->methods[index];
    uint32_t flags;
    int status = encode(w, request, index, result, &flags);
    request->head.status = SHMRPC_OK;
    request->head.flags = flags;
    if (method->result != NULL) {
        if (status == SHMRPC_E_INVALID) {
            /* The service broke its own contract: not the caller's fault. */
            shmrpci_buf_reset(&request->out);
            request->head.status = SHMRPC_E_INTERNAL;
            request->head.flags = SHMRPCI_HEAD_DETAIL;
            w->error.name[0] = '\0';
            w->error.may_have_run = true;
            w->error.pid = w->pid;
            shmrpci_detail_write(&w->error, &request->out);
        } else if (status == SHMRPC_OK) {
            estimate(&w->result_bytes[index], request->out.len);
        }
    }
    commit(w, request);
}

static void reply_result(worker *w, shmrpci_request *request, uint32_t index,
                         void *result)
{
    if (!answer_short(w, request, index, result)) {
        send_result(w, request, index, result);
    }
}

/* ---- the handler's return value ------------------------------------------ */

static const shmrpc_error_type *declared(const shmrpc_method *method,
                                         int status)
{
    for (uint32_t i = 0; i < method->throws_count; i++) {
        if (method->throws[i]->number == status) {
            return method->throws[i];
        }
    }
    return NULL;
}

static bool is_known(int status)
{
    return status == SHMRPC_E_UNKNOWN ||
           (status < 0 && strcmp(shmrpc_status_name(status), "UNKNOWN") != 0);
}

static void reply_status(worker *w, shmrpci_request *request,
                         const shmrpc_method *method, int status)
{
    if (status == SHMRPC_DETACHED && w->is_detached) {
        return;
    }
    if (status == SHMRPC_E_CANCELLED &&
        shmrpci_now_ns() >= request->deadline_ns) {
        /* The handler noticed the deadline before the caller did. */
        status = SHMRPC_E_DEADLINE;
    }
    const shmrpc_error_type *thrown = declared(method, status);
    if (is_known(status) || thrown != NULL) {
        clear_error(w);
        memcpy(w->error.message, w->ctx.message, sizeof w->error.message);
        shmrpci_error_name(&w->error, thrown != NULL ? thrown->name : "");
        if (status == SHMRPC_E_EXHAUSTED && w->ctx.message[0] != '\0') {
            w->error.retry_after_ns = w->ctx.retry_after_ns;
        }
        reply_failure(w, request, status);
        return;
    }
    status = shmrpc_error_set(
        &w->error, SHMRPC_E_INTERNAL,
        "the handler of %s returned %d, which is not a status%s", method->name,
        status,
        status >= SHMRPC_DECLARED_ERROR_MIN ? " that the method declares" : "");
    reply_error(w, request, status);
}

/* ---- a request ----------------------------------------------------------- */

/* Inline for the same reason as send_result. */
static inline __attribute__((always_inline)) int
run(worker *w, shmrpci_request *request, uint32_t index, const void *params,
    void *result)
{
    const shmrpci_served *served = w->served;
    SHMRPCI_ASSERT(index < served->service->method_count,
                   "ids without a method were refused earlier");
    w->ctx.request = request;
    w->ctx.method = &served->service->methods[index];
    w->ctx.index = index;
    w->ctx.message[0] = '\0';
    return served->handlers[index](&w->ctx, served->impl, served->user, params,
                                   result);
}

/* Runs a handler with streams and ends its streams. The last item is sent
 * before the reply. */
static __attribute__((noinline)) int
run_stream(worker *w, shmrpci_request *request, uint32_t index,
           const void *params, void *result)
{
    shmrpci_served_stream stream;
    w->ctx.request = request;
    w->ctx.method = &w->served->service->methods[index];
    w->ctx.message[0] = '\0';
    if ((request->head.flags & SHMRPCI_HEAD_STREAMS) == 0) {
        return shmrpc_ctx_fail(&w->ctx, SHMRPC_E_INVALID,
                               "method %s is called without its streams",
                               w->served->service->methods[index].name);
    }
    int status =
        shmrpci_served_stream_begin(&w->ctx, &stream, w->participant->transport,
                                    w->served->methods[index].codec,
                                    &w->served->streams, &w->counter, w->row);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = run(w, request, index, params, result);
    return w->is_detached ? status : shmrpci_served_stream_end(&w->ctx, status);
}

/* Serves a call whose parameters are flat or empty. */
static void handle_flat(worker *w, shmrpci_request *request, uint32_t index,
                        const void *params)
{
    const shmrpci_flat *flat = &w->served->methods[index].result;
    uint64_t header = flat->bytes;
    SHMRPCI_ASSERT(flat->start <= flat->bytes && flat->bytes <= sizeof w->image,
                   "a flat result is short, and follows its header");
    memset(w->image, 0, sizeof w->image);
    memcpy(w->image, &header, sizeof header);
    int status = run(w, request, index, params, w->image + flat->start);
    if (status != SHMRPC_OK) {
        reply_status(w, request, &w->served->service->methods[index], status);
        return;
    }
    answer(w, request, flat->bytes);
}

static void handle(worker *w, shmrpci_request *request, uint32_t index)
{
    const shmrpci_served_method *own = &w->served->methods[index];
    const shmrpc_method *method = &w->served->service->methods[index];
    void *params;
    void *result = NULL;
    const void *flat = own->is_flat ? flat_params(w, request, own) : NULL;
    if (flat != NULL) {
        handle_flat(w, request, index, flat);
        return;
    }
    int status = decode(w, request, method, own->codec, &params);
    if (status != SHMRPC_OK) {
        refuse(w, request, status);
        return;
    }
    if (method->result != NULL) {
        result = place(w, method->result, w->room->result);
        if (result == NULL) {
            refuse(w, request, SHMRPC_E_NO_MEMORY);
            return;
        }
        memset(result, 0, method->result->size);
    }
    status = own->has_streams ? run_stream(w, request, index, params, result)
                              : run(w, request, index, params, result);
    if (status != SHMRPC_OK) {
        reply_status(w, request, method, status);
    } else if (is_oneway(request)) {
        drop(w, request, SHMRPC_OK);
    } else {
        reply_result(w, request, index, result);
    }
}

static void refuse_late(worker *w, shmrpci_request *request, uint32_t index)
{
    int status = shmrpc_error_set(
        &w->error, SHMRPC_E_DEADLINE,
        "method %s: no worker was free in %lld ms",
        w->served->service->methods[index].name,
        (long long)(request->head.timeout_ns / SHMRPCI_NS_PER_MS));
    refuse(w, request, status);
}

/* Tells the interceptors that the call ended. The reply has been sent, so the
 * transport has freed the request. */
static void end_looks(worker *w, int32_t status)
{
    w->beside->looks.call.ctx = NULL;
    w->error.code = status;
    shmrpci_intercept_end(&w->beside->looks, status,
                          status != SHMRPC_OK ? &w->error : NULL);
    if (w->beside->peer != 0) {
        shmrpci_dispatch_part(w);
    }
}

/* Admits a request that has metadata, or that is for a service with access
 * control. Returns false if it has been refused. */
static __attribute__((noinline)) bool
begin_beside(worker *w, shmrpci_request *request, uint32_t index)
{
    int status = SHMRPC_OK;
    w->ctx.request = request;
    w->ctx.method = &w->served->service->methods[index];
    w->ctx.index = index;
    w->ctx.message[0] = '\0';
    if ((request->head.flags & SHMRPCI_HEAD_METADATA) != 0 &&
        !shmrpci_dispatch_take_beside(w, request)) {
        status = shmrpc_error_set(&w->error, SHMRPC_E_INVALID,
                                  "method %s: the metadata is malformed",
                                  w->ctx.method->name);
    }
    if (status == SHMRPC_OK) {
        clear_error(w);
        status = shmrpci_dispatch_admit(w, request, index);
    }
    if (status != SHMRPC_OK) {
        refuse(w, request, status);
    }
    return status == SHMRPC_OK;
}

/* Answers a ping. It is not counted: monitoring an idle service must not change
 * the figures that others read. */
static void answer_ping(worker *w, shmrpci_request *request)
{
    request->head.status = SHMRPC_OK;
    request->head.flags = 0;
    if (is_oneway(request)) {
        w->ops->drop(request);
        return;
    }
    w->ops->reply_reserve(request, 0);
    w->ops->reply_commit(request);
}

/* Serves the built-in methods, and refuses ids that no method has. Returns
 * whether the call is counted. */
static bool dispatch_other(worker *w, shmrpci_request *request, uint32_t id)
{
    w->row = 0;
    if (id == SHMRPCI_METHOD_PING) {
        answer_ping(w, request);
        return false;
    }
    if (id == SHMRPCI_METHOD_DESCRIBE) {
        describe(w, request);
        return true;
    }
    refuse(w, request,
           shmrpc_error_set(&w->error, SHMRPC_E_UNIMPLEMENTED,
                            "%s has no method %u", w->served->service->name,
                            id));
    return true;
}

/* Returns whether the call is counted. */
static bool dispatch(worker *w, shmrpci_request *request)
{
    uint32_t id = request->head.method;
    w->ctx.raised = 0;
    w->ctx.has_lent = false;
    w->ctx.is_long = false;
    w->ctx.has_metadata = false;
    w->ctx.is_looked_at = false;
    request->was_given_up = false;
    w->row = id;
    if (id - 1u >= w->served->service->method_count) {
        return dispatch_other(w, request, id);
    }
    bool is_beside = w->served->is_guarded ||
                     (request->head.flags & SHMRPCI_HEAD_METADATA) != 0;
    if (is_beside && !begin_beside(w, request, id - 1)) {
        /* begin_beside has answered it. */
    } else if (request->received_ns >= request->deadline_ns) {
        refuse_late(w, request, id - 1);
    } else {
        handle(w, request, id - 1);
    }
    if (w->ctx.is_looked_at) {
        end_looks(w, request->head.status);
    }
    return true;
}

/* ---- a call that was detached -------------------------------------------- */

static __attribute__((noinline)) void count_late(worker *w,
                                                 const shmrpci_request *request)
{
    count_times(w, request);
}

/* Sends the result of a detached call. The result of a raw method is copied,
 * because its bytes may overlap the reply. */
static void reply_late(worker *w, shmrpci_request *request, const void *result)
{
    union {
        const void *from;
        void *to;
    } at = {.from = result};
    shmrpc_bytes view;
    if (result != NULL && shmrpci_raw_result(w->ctx.method, at.to) != NULL) {
        view = *(const shmrpc_bytes *)result;
        at.to = &view;
    }
    send_result(w, request, w->ctx.index, at.to);
}

void shmrpci_dispatch_reply(shmrpci_dispatcher *w, shmrpci_request *request,
                            int status, const void *result)
{
    const shmrpc_method *method = w->ctx.method;
    if (status == SHMRPC_OK && result == NULL && method->result != NULL) {
        status = shmrpc_ctx_fail(&w->ctx, SHMRPC_E_INTERNAL,
                                 "method %s was answered without a result",
                                 method->name);
    }
    request->was_given_up = false;
    if (status == SHMRPC_OK) {
        reply_late(w, request, result);
    } else {
        reply_status(w, request, method, status);
    }
    count_late(w, request);
}

void shmrpci_dispatch_abandon(shmrpci_dispatcher *w, shmrpci_request *request,
                              const char *why)
{
    int status = shmrpc_error_set(&w->error, SHMRPC_E_ABORTED, "method %s: %s",
                                  w->ctx.method->name, why);
    request->was_given_up = false;
    reply_error(w, request, status);
    count_late(w, request);
}

void shmrpci_dispatch_tell(shmrpci_dispatcher *w, int32_t status)
{
    if (w->ctx.is_looked_at) {
        end_looks(w, status);
    }
}

/* ---- a worker ------------------------------------------------------------ */

/* Calls the user's `disconnected`. Its log lines must not name a call, although
 * the worker's last call is still noted as current. */
static void tell_end(void *user, uint64_t connection)
{
    const shmrpci_served *served = user;
    const uint64_t *call = shmrpci_log_call;
    shmrpci_log_call = NULL;
    served->disconnected(served->user, connection);
    shmrpci_log_call = call;
}

/* Called when a client leaves, a peer behind a relay leaves, or a relay leaves
 * with all its peers. */
static void on_end(void *user, uint64_t connection)
{
    const shmrpci_served *served = user;
    bool is_peer = (connection & SHMRPCI_PEER_CONNECTION) != 0;
    bool is_told = is_peer ? shmrpci_relayed_part(served->relayed, connection)
                           : !shmrpci_relayed_end(served->relayed, connection,
                                                  tell_end, user);
    if (is_told) {
        tell_end(user, connection);
    }
}

void shmrpci_dispatch_run(const shmrpci_served *served,
                          shmrpci_participant *participant, uint32_t place)
{
    shmrpci_request request = {0};
    worker *w = aligned_alloc(64, (sizeof *w + 63) / 64 * 64);
    uint32_t *result_bytes =
        calloc((size_t)served->service->method_count + 1, sizeof *result_bytes);
    if (w != NULL) {
        memset(w, 0, sizeof *w);
    }
    if (w != NULL && result_bytes != NULL && shmrpci_dispatcher_equip(w)) {
        w->served = served;
        w->participant = participant;
        w->ops = participant->transport->worker;
        w->shared = participant->transport->shared;
        w->result_bytes = result_bytes;
        w->ctx.ops = participant->transport->worker;
        w->ctx.arena = &w->arena;
        w->ctx.uid = served->uid;
        w->pid = shmrpci_process_id();
        shmrpci_stats_join(&served->stats, place, w->pid, &w->counter);
        shmrpci_overload_join(&served->overload, place, &w->overload);
        w->ctx.overload = &w->overload;
        participant->on_end = served->disconnected != NULL ? on_end : NULL;
        participant->end_user = (void *)(uintptr_t)served;
        participant->waits =
            w->counter.worker != NULL ? &w->counter.worker->waits : NULL;
        shmrpci_buf_init_heap(&w->ctx.payload);
        shmrpci_arena_init(&w->arena, served->decode_limit);
        shmrpci_log_call = &request.began_ticks;
        while (w->ops->next(participant, &request) == SHMRPC_OK) {
            if (dispatch(w, &request)) {
                count_times(w, &request);
            }
            if (w->arena.total_bytes > SHMRPCI_WORKER_KEEP_BYTES) {
                shmrpci_arena_fini(&w->arena);
            }
            shmrpci_arena_reset(&w->arena);
            if (w->ctx.payload.cap > SHMRPCI_WORKER_KEEP_BYTES) {
                shmrpci_buf_fini(&w->ctx.payload);
            }
        }
        shmrpci_log_call = NULL;
        if (w->detached != NULL) {
            shmrpci_detached_end(w->detached, served->drain_ns);
        }
        participant->waits = NULL;
        shmrpci_overload_leave(&w->overload);
        shmrpci_stats_leave(&w->counter);
        shmrpci_buf_fini(&w->ctx.payload);
        shmrpci_arena_fini(&w->arena);
    }
    free(result_bytes);
    if (w != NULL) {
        shmrpci_dispatcher_strip(w);
    }
    free(w);
}
