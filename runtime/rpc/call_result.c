/* Results of calls: copies the reply to private memory, unless it is only
 * passed on, and decodes it. */
#include "base/assert.h"
#include "rpc/call.h"

#include <string.h>

/* Replies up to this size are decoded from the stack. */
#define LOCAL_BYTES 1024

/* Returns the body in memory that no other process can write: a copy in `local`
 * or `arena`, or the reply itself. Returns NULL if memory is short. */
static const uint8_t *private_body(const shmrpci_call *call,
                                   uint8_t local[LOCAL_BYTES],
                                   shmrpci_arena *arena)
{
    if (!call->in_shared || call->in_len == 0) {
        return call->in;
    }
    uint8_t *copy = local;
    if (call->in_len > LOCAL_BYTES) {
        copy = shmrpci_arena_alloc(arena, call->in_len, 8);
    }
    return copy != NULL ? memcpy(copy, call->in, call->in_len) : NULL;
}

static int decode_value(shmrpci_pending *p, void *result)
{
    /* Aligned, because the native codec reads numbers in place. */
    _Alignas(8) uint8_t local[LOCAL_BYTES];
    shmrpci_arena arena;
    int status = SHMRPC_E_NO_MEMORY;
    size_t len = p->call.in_len;
    shmrpci_arena_init(&arena, p->client->decode_limit);
    const uint8_t *body = private_body(&p->call, local, &arena);
    if (body != NULL || len == 0) {
        status = shmrpci_pending_codec(p)->decode(
            p->method->result, body, len, "result", &arena, result, p->error);
    }
    shmrpci_arena_fini(&arena);
    shmrpci_pending_release(p);
    return status == SHMRPC_OK ? SHMRPC_OK : shmrpci_pending_damaged(p, status);
}

int shmrpci_pending_value(shmrpci_pending *p, void *result)
{
    SHMRPCI_ASSERT(p->link != NULL && p->call.conn == p->link->conn,
                   "a reply is read before its link is left");
    if (p->call.head.status != SHMRPC_OK) {
        return shmrpci_pending_failed(p, NULL);
    }
    shmrpci_estimate(&p->state->reply_bytes, p->call.in_len);
    const shmrpci_flat *flat = &p->link->methods[p->number].reply;
    if (shmrpci_flat_fits(flat, p->call.in, p->call.in_len)) {
        shmrpci_flat_read(flat, p->call.in, result);
    } else if (p->method->result != NULL) {
        return decode_value(p, result);
    }
    shmrpci_pending_release(p);
    return SHMRPC_OK;
}

/* Tries to leave the reply of a raw method in shared memory, which is safe
 * because nothing parses its bytes. */
static bool keep(shmrpci_pending *p, shmrpci_reply *reply)
{
    if (!p->in_place || !p->call.in_shared ||
        !shmrpci_link_keep(p->link, &p->call, &reply->kept)) {
        return false;
    }
    SHMRPCI_ASSERT(reply->link == NULL, "a new reply has no link yet");
    reply->link = p->link;
    return true;
}

/* Copies the reply out of the slot and frees the slot, unless the reply stays
 * there. Returns NULL if memory is short. */
static const uint8_t *take_body(shmrpci_pending *p, shmrpci_reply *reply)
{
    const uint8_t *in = p->call.in;
    size_t len = p->call.in_len;
    if (keep(p, reply)) {
        return in;
    }
    uint8_t *body = shmrpci_arena_alloc(&reply->arena, len, 8);
    if (body != NULL && len > 0) {
        memcpy(body, in, len);
    }
    shmrpci_pending_release(p);
    return body;
}

static int decode_reply(shmrpci_pending *p, shmrpci_reply *reply)
{
    size_t len = p->call.in_len;
    if (p->method->result == NULL) {
        shmrpci_pending_release(p);
        memset(shmrpci_reply_value(reply), 0, 1);
        return SHMRPC_OK;
    }
    const uint8_t *body = take_body(p, reply);
    if (body == NULL) {
        return shmrpci_pending_damaged(p, SHMRPC_E_NO_MEMORY);
    }
    int status = shmrpci_pending_codec(p)->decode(
        p->method->result, body, len, "result", &reply->arena,
        shmrpci_reply_value(reply), p->error);
    return status == SHMRPC_OK ? SHMRPC_OK : shmrpci_pending_damaged(p, status);
}

int shmrpci_pending_reply(shmrpci_pending *p, const void **out)
{
    if (p->call.head.status != SHMRPC_OK) {
        return shmrpci_pending_failed(p, out);
    }
    shmrpci_estimate(&p->state->reply_bytes, p->call.in_len);
    shmrpci_reply *reply = shmrpci_reply_get(p->client->pool, p->method);
    if (reply == NULL) {
        shmrpci_pending_release(p);
        return shmrpci_pending_damaged(p, SHMRPC_E_NO_MEMORY);
    }
    int status = decode_reply(p, reply);
    if (status != SHMRPC_OK) {
        shmrpci_reply_put(reply);
        return status;
    }
    *out = shmrpci_reply_value(reply);
    return SHMRPC_OK;
}
