/* Sends a call: sets its deadline, takes a slot, encodes the request in
 * place. */
#include "rpc/async.h"

#include "base/assert.h"
#include "rpc/beside.h"

_Static_assert(SHMRPCI_FLAT_MAX_BYTES <= SHMRPCI_POST_MAX_BYTES,
               "a call without a codec can be posted");

/* Applies the options of this call. Returns its timeout, or 0 if it has none.
 */
static inline int64_t take_opts(shmrpci_pending *p, const shmrpc_opts *opts)
{
    p->nonblock = (opts->flags & SHMRPC_OPT_NONBLOCK) != 0;
    p->has_faults = (opts->flags & SHMRPC_OPT_FAULTS) != 0;
    p->in_place = (opts->flags & SHMRPC_OPT_IN_PLACE) != 0 &&
                  p->method->encoding == SHMRPC_ENCODING_RAW;
    return opts->timeout_ns;
}

/* Zeroes the members that most calls leave at 0, with as few stores as
 * possible. */
static inline void clear(shmrpci_pending *p)
{
    p->link = NULL;
    p->hazard = NULL;
    p->beside = NULL;
    p->lost = 0;
    p->runs = 0;
    p->deaths = 0;
    p->retry_after_ns = 0;
    p->flags = 0;
    p->is_long = false;
    p->is_held = false;
    p->is_loan = false;
    p->nonblock = false;
    p->in_place = false;
    p->has_faults = false;
    p->is_retry = false;
}

/* Sets all members except method, state and parameters, which the caller has
 * set. */
static inline int init(shmrpci_pending *p, shmrpc_client *client,
                       uint32_t number, const shmrpc_opts *opts,
                       shmrpc_error *error)
{
    clear(p);
    p->client = client;
    p->number = number;
    p->error = error;
    int64_t timeout_ns = opts != NULL ? take_opts(p, opts) : 0;
    if (timeout_ns == 0) {
        timeout_ns = p->method->timeout_ns != 0 ? p->method->timeout_ns
                                                : client->timeout_ns;
    }
    if (timeout_ns <= 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "timeout_ns is negative");
    }
    p->timeout_ns = timeout_ns;
    p->given_ns = timeout_ns;
    p->ticks = shmrpci_ticks();
    int64_t now_ns = shmrpci_call_clock_at(&client->clock, p->ticks);
    p->deadline_ns = timeout_ns < SHMRPCI_NEVER_NS - now_ns
                         ? now_ns + timeout_ns
                         : SHMRPCI_NEVER_NS;
    return SHMRPC_OK;
}

/* Stands in for the parameters of methods that have none. */
static const char nothing;

int shmrpci_pending_init(shmrpci_pending *p, shmrpc_client *client,
                         uint32_t method, const void *params,
                         const shmrpc_opts *opts, shmrpc_error *error)
{
    p->method = &client->service->methods[method];
    p->state = &client->methods[method];
    p->params = params != NULL ? params : &nothing;
    return init(p, client, method, opts, error);
}

int shmrpci_pending_init_ping(shmrpci_pending *p, shmrpc_client *client,
                              shmrpci_client_method *state,
                              const shmrpc_opts *opts, shmrpc_error *error)
{
    p->method = &shmrpci_ping;
    p->state = state;
    p->params = &nothing;
    int status = init(p, client, client->service->method_count, opts, error);
    p->is_long = true; /* `post` can't send a ping */
    return status;
}

void shmrpci_pending_shorten(shmrpci_pending *p)
{
    p->ticks = shmrpci_ticks();
    int64_t now_ns = shmrpci_call_clock_at(&p->client->clock, p->ticks);
    p->timeout_ns = p->deadline_ns > now_ns ? p->deadline_ns - now_ns : 1;
    SHMRPCI_ASSERT(p->timeout_ns > 0, "a call always has some time left");
}

static int reserve_until(shmrpci_pending *p, int64_t deadline_ns)
{
    /* Relaxed: estimates are hints. */
    size_t size_hint = p->is_loan
                           ? p->loan_bytes
                           : shmrpci_load_relaxed(&p->state->request_bytes);
    size_hint += p->beside != NULL ? p->beside->block_bytes : 0;
    size_t reply_hint = shmrpci_load_relaxed(&p->state->reply_bytes);
    int status =
        p->beside != NULL
            ? shmrpci_beside_reserve(p, size_hint, reply_hint, deadline_ns)
            : p->link->client->reserve(p->link->conn, &p->call, size_hint,
                                       reply_hint, deadline_ns, p->error);
    if (status == SHMRPC_E_SERVER_LOST) {
        return shmrpci_pending_not_sent(p);
    }
    if (status == SHMRPC_OK && p->call.waited) {
        shmrpci_pending_shorten(p);
    }
    return status;
}

/* Reserves a slot. Ends asynchronous calls that are over if no slot is free,
 * because they keep their slots until they are checked. */
static int reserve_among(shmrpci_pending *p, shmrpci_async *async)
{
    int status = reserve_until(p, 0);
    while (status == SHMRPC_E_BUSY &&
           shmrpci_async_make_room(async, p->deadline_ns, !p->nonblock)) {
        shmrpci_pending_shorten(p);
        status = reserve_until(p, 0);
    }
    /* Blocking calls hold the slots, or the deadline has passed. The transport
     * tells which. */
    return status == SHMRPC_E_BUSY && !p->nonblock
               ? reserve_until(p, p->deadline_ns)
               : status;
}

static int reserve(shmrpci_pending *p)
{
    shmrpci_async *async = shmrpci_async_have(p->client);
    return async != NULL ? reserve_among(p, async)
                         : reserve_until(p, p->nonblock ? 0 : p->deadline_ns);
}

/* Reserves room for the body of a raw method. Refuses a size above the method's
 * length limit, because the server's decoding would refuse the body. */
static int lend(shmrpci_pending *p)
{
    shmrpc_bytes body;
    const uint8_t *at = shmrpci_buf_lend(&p->call.out, p->loan_bytes);
    return at == NULL ? (int)p->call.out.status
                      : shmrpci_pending_codec(p)->decode(p->method->params, at,
                                                         p->loan_bytes, "",
                                                         NULL, &body, p->error);
}

/* The server lacks this method, and the client has accepted that
 * (SHMRPC_OPT_PARTIAL). */
static int not_there(shmrpci_pending *p)
{
    return shmrpc_error_set(
        p->error, SHMRPC_E_UNIMPLEMENTED,
        "method %s: %s at %s does not have it, or has a different version",
        p->method->name, p->client->service->name, p->link->where);
}

static int encode(shmrpci_pending *p)
{
    SHMRPCI_ASSERT(p->link != NULL && p->call.conn == p->link->conn,
                   "a call has a slot");
    shmrpci_call *call = &p->call;
    size_t beside = 0;
    int status = SHMRPC_OK;
    if (p->beside != NULL || p->runs > 0) {
        status = shmrpci_beside_write(p);
        beside = call->out.len;
    }
    if (status == SHMRPC_E_UNIMPLEMENTED) {
        p->link->client->abort(call);
        return status;
    }
    status = p->is_loan
                 ? lend(p)
                 : shmrpci_pending_codec(p)->encode(
                       p->method->params, p->params, "", &call->out, p->error);
    if (status == SHMRPC_E_UNIMPLEMENTED) {
        status = not_there(p);
    }
    if (status != SHMRPC_OK) {
        p->link->client->abort(call);
        /* Other statuses come without a message. */
        return status == SHMRPC_E_INVALID || status == SHMRPC_E_UNIMPLEMENTED
                   ? status
                   : shmrpci_pending_message_failed(p, "request", status);
    }
    /* Metadata is not counted, because the next call may have none and fit the
     * short path. */
    shmrpci_estimate(&p->state->request_bytes, call->out.len - beside);
    return SHMRPC_OK;
}

static void set_head(shmrpci_pending *p, uint32_t flags)
{
    SHMRPCI_ASSERT(p->number < p->client->service->method_count ||
                       p->method == &shmrpci_ping,
                   "a method belongs to its client");
    p->call.head = (shmrpci_head){
        .method = p->link->methods[p->number].id,
        .flags = p->link->head_flags | p->flags | flags,
        .timeout_ns = p->timeout_ns,
        .ticks = p->ticks,
    };
}

/* Whether the short path is worth trying: earlier requests and replies of the
 * method were short. */
static bool may_post(const shmrpci_pending *p)
{
    /* Relaxed: estimates are hints. */
    return p->link->shared != NULL && !p->is_long &&
           (p->method->flags & SHMRPC_METHOD_ONEWAY) == 0 &&
           shmrpci_load_relaxed(&p->state->request_bytes) <=
               SHMRPCI_POST_MAX_BYTES &&
           shmrpci_load_relaxed(&p->state->reply_bytes) <=
               SHMRPCI_POST_MAX_BYTES;
}

/* Posts a short request that needs its codec. Returns false like post. */
static bool post_encoded(shmrpci_pending *p)
{
    _Alignas(8) uint8_t body[SHMRPCI_POST_MAX_BYTES];
    shmrpci_buf out;
    shmrpci_buf_init_fixed(&out, body, sizeof body);
    int status = shmrpci_pending_codec(p)->encode(p->method->params, p->params,
                                                  "", &out, NULL);
    set_head(p, 0);
    return status == SHMRPC_OK &&
           p->link->shared->post(p->link->conn, &p->call, 0, 0, body, out.len);
}

/* Sends a short request, of any encoding, if a slot is free at once. Returns
 * false if nothing was sent; the long path then sends the request, or reports
 * the error. */
static bool post(shmrpci_pending *p)
{
    SHMRPCI_ASSERT(p->link != NULL && shmrpci_link_is_ours(p->link),
                   "a link belongs to this process");
    const shmrpci_flat *flat = &p->link->methods[p->number].request;
    if (!may_post(p)) {
        return false;
    }
    if (flat->bytes == 0) {
        return post_encoded(p);
    }
    set_head(p, 0);
    return p->link->shared->post(
        p->link->conn, &p->call, shmrpci_flat_header(flat), flat->start,
        shmrpci_flat_value(flat, p->params), flat->bytes - flat->start);
}

int shmrpci_pending_send(shmrpci_pending *p)
{
    if (post(p)) {
        return SHMRPC_OK;
    }
    int status = reserve(p);
    if (status == SHMRPC_OK) {
        status = encode(p);
    }
    return status != SHMRPC_OK || p->is_held ? status
                                             : shmrpci_pending_commit(p);
}

int shmrpci_pending_commit(shmrpci_pending *p)
{
    bool oneway = (p->method->flags & SHMRPC_METHOD_ONEWAY) != 0;
    set_head(p, oneway ? SHMRPCI_HEAD_ONEWAY : 0);
    SHMRPCI_ASSERT(p->link != NULL && p->call.conn == p->link->conn,
                   "a call is reserved before it is committed");
    p->call.needed_bytes = 0;
    int status = p->link->client->commit(&p->call);
    if (status == SHMRPC_E_SERVER_LOST) {
        return shmrpci_pending_not_sent(p);
    }
    if (status == SHMRPC_E_EXHAUSTED && p->call.needed_bytes != 0) {
        return shmrpci_pending_no_room(p);
    }
    return status == SHMRPC_OK
               ? SHMRPC_OK
               : shmrpci_pending_message_failed(p, "request", status);
}

int shmrpci_pending_open(shmrpci_pending *p, const shmrpci_stream_ops *ops,
                         const shmrpci_stream_opts *opts, shmrpci_stream **out)
{
    set_head(p, 0);
    int status = ops->open(&p->call, opts, out, p->error);
    if (status == SHMRPC_E_SERVER_LOST) {
        return shmrpci_pending_not_sent(p);
    }
    bool is_told = status == SHMRPC_OK || status == SHMRPC_E_EXHAUSTED ||
                   status == SHMRPC_E_UNIMPLEMENTED;
    return is_told ? status
                   : shmrpci_pending_message_failed(p, "request", status);
}
