/* Calls with metadata, a parent or interceptors, on the client's side. */
#include "rpc/beside.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/waiting.h"
#include "rpc/ctx.h"

/* ---- the parent ---------------------------------------------------------- */

static bool is_cancelled(const shmrpci_pending *p)
{
    const shmrpc_ctx *parent = p->beside->parent;
    return parent != NULL && shmrpc_ctx_cancelled(parent);
}

static int orphaned(shmrpci_pending *p)
{
    return shmrpc_error_set(
        p->error, SHMRPC_E_CANCELLED,
        "method %s: the call on whose behalf it is made was cancelled",
        p->method->name);
}

/* Limits the deadline to the parent's. */
static int inherit_deadline(shmrpci_pending *p)
{
    const shmrpci_request *request = p->beside->parent->request;
    if (p->beside->parent->ops->is_cancelled(request)) {
        return shmrpci_pending_not_run(p, orphaned(p));
    }
    if (request->deadline_ns < p->deadline_ns) {
        p->deadline_ns = request->deadline_ns;
        shmrpci_pending_shorten(p);
        p->given_ns = p->timeout_ns;
    }
    if (shmrpci_now_ns() >= p->deadline_ns) {
        return shmrpci_pending_not_run(
            p, shmrpc_error_set(p->error, SHMRPC_E_DEADLINE,
                                "method %s: the deadline of the call on whose "
                                "behalf it is made has passed",
                                p->method->name));
    }
    return SHMRPC_OK;
}

/* ---- metadata ------------------------------------------------------------ */

/* Writes the trace that the user gives under the key "traceparent", or a new
 * span of the parent's trace. */
static int write_trace(shmrpci_beside *b, const shmrpc_metadata *list,
                       shmrpc_error *error)
{
    uint8_t trace[SHMRPCI_TRACE_BYTES];
    for (; list != NULL && list->key != NULL; list++) {
        if (strcmp(list->key, SHMRPCI_TRACEPARENT) != 0) {
            continue;
        }
        if (list->value == NULL || !shmrpci_trace_read(list->value, trace)) {
            return shmrpc_error_set(
                error, SHMRPC_E_INVALID,
                "metadata traceparent: not in the format of W3C Trace Context");
        }
        shmrpci_metadata_set_trace(&b->out, trace);
        return SHMRPC_OK;
    }
    if (b->parent != NULL && shmrpci_ctx_span(b->parent, trace)) {
        shmrpci_metadata_set_trace(&b->out, trace);
    }
    return SHMRPC_OK;
}

static int write_metadata(shmrpci_beside *b, const shmrpc_metadata *list,
                          shmrpc_error *error)
{
    int status = write_trace(b, list, error);
    for (; list != NULL && list->key != NULL && status == SHMRPC_OK; list++) {
        if (strcmp(list->key, SHMRPCI_TRACEPARENT) != 0) {
            status =
                shmrpci_metadata_add(&b->out, list->key, list->value, error);
        }
    }
    return status;
}

int shmrpc_intercepted_add_metadata(shmrpc_intercepted *call, const char *key,
                                    const char *value, shmrpc_error *error)
{
    shmrpci_beside *b =
        (void *)((char *)call - offsetof(shmrpci_beside, looks) -
                 offsetof(shmrpci_interception, call));
    if (call->ctx != NULL || !b->is_open) {
        return shmrpc_error_set(
            error, SHMRPC_E_PRECONDITION,
            "metadata can be added only in a client's `begin`");
    }
    if (strcmp(key, SHMRPCI_TRACEPARENT) == 0) {
        uint8_t trace[SHMRPCI_TRACE_BYTES];
        if (value == NULL || !shmrpci_trace_read(value, trace)) {
            return shmrpc_error_set(
                error, SHMRPC_E_INVALID,
                "metadata traceparent: not in the format of W3C Trace Context");
        }
        return shmrpci_metadata_put_trace(&b->out, trace, error);
    }
    return shmrpci_metadata_add(&b->out, key, value, error);
}

/* ---- a call -------------------------------------------------------------- */

static shmrpci_beside *beside_new(const shmrpci_pending *p,
                                  const shmrpc_opts *opts)
{
    static const shmrpc_opts none;
    shmrpci_beside *b = malloc(sizeof *b);
    if (b == NULL) {
        return NULL;
    }
    opts = opts != NULL ? opts : &none;
    b->parent = opts->parent;
    b->reply = opts->reply_metadata;
    b->block_bytes = 0;
    b->is_open = true;
    b->looks = (shmrpci_interception){
        .call = {.service = p->client->service->id, .method = p->method->name}};
    if (b->reply != NULL) {
        b->reply->len = 0;
    }
    shmrpci_metadata_init(&b->out,
                          b->reply != NULL ? SHMRPCI_METADATA_WANTED : 0u);
    return b;
}

int shmrpci_beside_begin(shmrpci_pending *p, const shmrpc_opts *opts)
{
    shmrpci_beside *b = beside_new(p, opts);
    if (b == NULL) {
        return shmrpci_pending_not_run(
            p, shmrpc_error_set(p->error, SHMRPC_E_NO_MEMORY, "out of memory"));
    }
    p->beside = b;
    int status = b->parent != NULL ? inherit_deadline(p) : SHMRPC_OK;
    if (status == SHMRPC_OK) {
        status =
            write_metadata(b, opts != NULL ? opts->metadata : NULL, p->error);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_intercept_begin(&b->looks, &p->client->interceptors,
                                         p->error);
    }
    b->is_open = false;
    if (status != SHMRPC_OK) {
        return shmrpci_pending_not_run(p, status);
    }
    if (!shmrpci_metadata_is_empty(&b->out)) {
        b->block_bytes = shmrpci_metadata_end(&b->out);
        p->flags |= (uint32_t)SHMRPCI_HEAD_METADATA;
    }
    p->is_long = p->is_long || b->block_bytes > 0 || p->is_retry;
    return SHMRPC_OK;
}

/* Marks a repeated call, even if it carries no other metadata. */
static int write_repeated(shmrpci_pending *p)
{
    static const uint8_t block[8] = {8, 0, 0, SHMRPCI_METADATA_RETRY};
    if ((p->link->conn->features & SHMRPCI_FEATURE_METADATA) != 0) {
        p->flags |= (uint32_t)SHMRPCI_HEAD_METADATA;
        shmrpci_buf_append(&p->call.out, block, sizeof block);
    }
    return (int)p->call.out.status;
}

int shmrpci_beside_write(shmrpci_pending *p)
{
    shmrpci_beside *b = p->beside;
    if (b == NULL || b->block_bytes == 0) {
        return p->runs > 0 || p->is_retry ? write_repeated(p) : SHMRPC_OK;
    }
    if (p->runs > 0 || p->is_retry) {
        b->out.bytes[3] |= SHMRPCI_METADATA_RETRY;
    }
    if ((p->link->conn->features & SHMRPCI_FEATURE_METADATA) == 0) {
        return shmrpc_error_set(
            p->error, SHMRPC_E_UNIMPLEMENTED,
            "method %s: the server at %s does not support metadata",
            p->method->name, p->link->where);
    }
    shmrpci_buf_append(&p->call.out, b->out.bytes, b->block_bytes);
    return (int)p->call.out.status;
}

int shmrpci_beside_reserve(shmrpci_pending *p, size_t size_hint,
                           size_t reply_hint, int64_t deadline_ns)
{
    const shmrpc_ctx *parent = p->beside->parent;
    for (;;) {
        int64_t until_ns =
            deadline_ns != 0 ? shmrpci_beside_turn_ns(parent, deadline_ns) : 0;
        int status = p->link->client->reserve(
            p->link->conn, &p->call, size_hint, reply_hint, until_ns, p->error);
        if (status != SHMRPC_E_DEADLINE || until_ns == deadline_ns ||
            shmrpci_waiting_is_interrupted()) {
            return status;
        }
        if (is_cancelled(p)) {
            return orphaned(p);
        }
    }
}

int shmrpci_beside_receive(shmrpci_pending *p)
{
    for (;;) {
        int64_t until_ns =
            shmrpci_beside_turn_ns(p->beside->parent, p->deadline_ns);
        int status = p->link->client->receive(&p->call, until_ns);
        if (status != SHMRPC_E_DEADLINE || until_ns == p->deadline_ns ||
            shmrpci_waiting_is_interrupted()) {
            return status;
        }
        if (is_cancelled(p)) {
            bool withdrawn = p->link->client->cancel(&p->call);
            status = orphaned(p);
            shmrpci_error_ran(p->error, !withdrawn || p->runs > 0);
            return status;
        }
    }
}

int shmrpci_beside_take_reply(shmrpci_pending *p)
{
    shmrpci_metadata block;
    if ((p->call.head.flags & SHMRPCI_HEAD_METADATA) == 0) {
        return SHMRPC_OK;
    }
    size_t size = shmrpci_metadata_read(p->call.in, p->call.in_len, &block);
    if (size == 0) {
        shmrpci_pending_release(p);
        return shmrpci_pending_message_failed(p, "metadata of the reply",
                                              SHMRPC_E_DATA_LOSS);
    }
    p->call.in += size;
    p->call.in_len -= size;
    if (p->beside->reply != NULL) {
        memcpy(p->beside->reply->bytes, block.bytes, size);
        p->beside->reply->len = size;
    }
    return SHMRPC_OK;
}

int shmrpci_beside_end(shmrpci_pending *p, int status)
{
    shmrpci_beside *b = p->beside;
    if (b != NULL) {
        p->beside = NULL;
        shmrpci_intercept_end(&b->looks, status,
                              status != SHMRPC_OK ? p->error : NULL);
        free(b);
    }
    return status;
}
