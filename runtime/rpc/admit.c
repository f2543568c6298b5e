/* Admission of a call: its metadata, and whether it may run. */
#include "rpc/dispatch.h"

#include "os/clock.h"
#include "rpc/token.h"

/* Removes the metadata from the request. Returns false if it is malformed. */
bool shmrpci_dispatch_take_beside(shmrpci_dispatcher *w,
                                  shmrpci_request *request)
{
    shmrpci_ctx_beside *beside = w->beside;
    size_t size =
        shmrpci_metadata_read(request->in, request->in_len, &beside->in);
    if (size == 0) {
        request->head.flags &= ~(uint32_t)SHMRPCI_HEAD_METADATA;
        return false;
    }
    request->in += size;
    request->in_len -= size;
    w->ctx.has_metadata = true;
    beside->has_span = false;
    shmrpci_metadata_init(&beside->out, 0);
    if ((shmrpci_metadata_flags(&beside->in) & SHMRPCI_METADATA_WANTED) != 0) {
        w->ctx.is_long = true;
    } else {
        request->head.flags &= ~(uint32_t)SHMRPCI_HEAD_METADATA;
    }
    return true;
}

/* Counts the call, unless a limit is reached. Returns OK or EXHAUSTED. */
static int limit(shmrpci_dispatcher *w, const shmrpci_request *request,
                 uint32_t index)
{
    if (!w->served->overload.is_used) {
        return SHMRPC_OK;
    }
    const shmrpci_overload_call call = {
        .method = index,
        .connection = shmrpc_ctx_connection(&w->ctx),
        .waited_ns = shmrpci_ns_of_ticks(request->queue_ticks)};
    return shmrpci_overload_enter(&w->overload, &call, &w->error);
}

/* The caller's token, from the metadata of this call or from the caller's
 * hello. */
static const char *token_of(shmrpci_dispatcher *w,
                            const shmrpci_request *request)
{
    shmrpci_ctx_beside *b = w->beside;
    const char *token = shmrpc_ctx_metadata(&w->ctx, SHMRPCI_AUTHORIZATION);
    if (token != NULL) {
        return token;
    }
    uint64_t connection = w->ops->connection(request);
    if (!b->knows_token || b->token_of != connection) {
        uint8_t hello[SHMRPCI_HELLO_MAX_BYTES];
        size_t len = w->ops->hello(request, hello);
        b->token = shmrpci_token_read(hello, len, &b->said);
        b->token_of = connection;
        b->knows_token = true;
    }
    return b->token;
}

/* Registers the caller, so that the service can be told when the caller leaves,
 * if it wants to know. */
static int watch(shmrpci_dispatcher *w, const shmrpci_request *request)
{
    shmrpci_ctx_beside *b = w->beside;
    b->peer = 0;
    if (w->served->disconnected == NULL) {
        return SHMRPC_OK;
    }
    int status = w->ops->watch(request, &w->error);
    if (status == SHMRPC_OK && shmrpci_ctx_is_relayed(&w->ctx)) {
        uint64_t peer = shmrpc_ctx_connection(&w->ctx);
        status = shmrpci_relayed_enter(w->served->relayed, peer,
                                       w->ops->connection(request), &w->error);
        b->peer = status == SHMRPC_OK ? peer : 0;
    }
    return status;
}

void shmrpci_dispatch_part(shmrpci_dispatcher *w)
{
    const shmrpci_served *served = w->served;
    uint64_t peer = w->beside->peer;
    w->beside->peer = 0;
    if (peer != 0 && shmrpci_relayed_leave(served->relayed, peer)) {
        served->disconnected(served->user, peer);
    }
}

/* Checks access, then asks authorize and the interceptors. */
int shmrpci_dispatch_admit(shmrpci_dispatcher *w, shmrpci_request *request,
                           uint32_t index)
{
    const shmrpci_served *served = w->served;
    const shmrpc_method *method = &served->service->methods[index];
    int status = SHMRPC_OK;
    if (served->access != NULL &&
        !shmrpci_access_allows(&served->access[index], request->peer,
                               served->uid)) {
        return shmrpc_error_set(&w->error, SHMRPC_E_DENIED,
                                "you may not call method %s", method->name);
    }
    status = limit(w, request, index);
    status = status == SHMRPC_OK ? watch(w, request) : status;
    if (status == SHMRPC_OK && served->authorize != NULL) {
        status =
            served->authorize(served->authorize_user, &w->ctx, method->name,
                              token_of(w, request), &w->error);
        if (status != SHMRPC_OK) {
            shmrpci_dispatch_part(w);
        }
    }
    if (status == SHMRPC_OK) {
        w->beside->looks.call =
            (shmrpc_intercepted){.service = served->service->id,
                                 .method = method->name,
                                 .ctx = &w->ctx};
        w->ctx.is_looked_at = true;
        status = shmrpci_intercept_begin(&w->beside->looks,
                                         &served->interceptors, &w->error);
    }
    return status;
}
