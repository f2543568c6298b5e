/*
 * Calls, from the client's side: encode in place, wait, decode.
 *
 * A call takes no lock, allocates nothing in the steady state, and reads ticks
 * once; the transport looks at the clock only when it has to wait.
 */
#include "rpc/client.h"

#include <string.h>

#include "base/error.h"
#include "rpc/envelope.h"
#include "rpc/limits.h"

/* Replies up to here are decoded from the stack. */
#define LOCAL_BYTES 1024

/* A call that is being made. */
typedef struct plan {
    shmrpc_client *client;
    const shmrpc_method *method;
    shmrpci_client_method *state;
    const void *params;
    uint64_t ticks; /* when timeout_ns was left */
    int64_t timeout_ns;
    int64_t deadline_ns;
    bool nonblock;
    shmrpc_error *error;
    shmrpci_call call;
} plan;

/* ---- sending ---- */

static int64_t timeout_of(const plan *p, const shmrpc_opts *opts)
{
    if (opts != NULL && opts->timeout_ns != 0) {
        return opts->timeout_ns;
    }
    return p->method->timeout_ns != 0 ? p->method->timeout_ns
                                      : p->client->timeout_ns;
}

/* Initialises all but `call`, which the transport fills. */
static int plan_init(plan *p, shmrpc_client *client, uint32_t method,
                     const void *params, const shmrpc_opts *opts,
                     shmrpc_error *error)
{
    static const char nothing;
    p->client = client;
    p->method = &client->service->methods[method];
    p->state = &client->methods[method];
    p->params = params != NULL ? params : &nothing;
    p->error = error;
    p->nonblock = opts != NULL && (opts->flags & SHMRPC_OPT_NONBLOCK) != 0;
    p->timeout_ns = timeout_of(p, opts);
    if (p->timeout_ns <= 0) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "timeout_ns is negative");
    }
    p->ticks = shmrpci_ticks();
    int64_t now_ns = shmrpci_call_clock_at(&client->clock, p->ticks);
    p->deadline_ns = p->timeout_ns < SHMRPCI_NEVER_NS - now_ns
                         ? now_ns + p->timeout_ns
                         : SHMRPCI_NEVER_NS;
    return SHMRPC_OK;
}

/* The connection was gone before the call was: it can't have run. */
static int not_sent(plan *p)
{
    return shmrpc_error_set(
        p->error, SHMRPC_E_UNAVAILABLE,
        "the connection to %s at %s is lost; the call was not sent",
        p->client->service->name, p->client->where);
}

/* After a wait the worker is told what is left of the time. */
static void shorten(plan *p)
{
    p->ticks = shmrpci_ticks();
    int64_t now_ns = shmrpci_call_clock_at(&p->client->clock, p->ticks);
    p->timeout_ns = p->deadline_ns > now_ns ? p->deadline_ns - now_ns : 1;
}

static int reserve(plan *p)
{
    /* Relaxed: estimates are hints. */
    int status = p->client->transport->reserve(
        p->client->conn, &p->call,
        shmrpci_load_relaxed(&p->state->request_bytes),
        shmrpci_load_relaxed(&p->state->reply_bytes),
        p->nonblock ? 0 : p->deadline_ns, p->error);
    if (status == SHMRPC_E_SERVER_LOST) {
        return not_sent(p);
    }
    if (status == SHMRPC_OK && p->call.waited) {
        shorten(p);
    }
    return status;
}

static int message_failed(plan *p, const char *which, int status)
{
    return shmrpc_error_set(
        p->error, status, "method %s: %s: %s", p->method->name, which,
        status == SHMRPC_E_TOO_LARGE
            ? "too large; client and server must both have a max_message_bytes "
              "above it"
            : shmrpc_status_text(status));
}

static int encode(plan *p)
{
    shmrpci_call *call = &p->call;
    int status = p->state->codec->encode(p->method->params, p->params, "",
                                         &call->out, p->error);
    if (status != SHMRPC_OK) {
        p->client->transport->abort(call);
        /* Only INVALID comes with a text of the codec's own. */
        return status == SHMRPC_E_INVALID
                   ? status
                   : message_failed(p, "request", status);
    }
    shmrpci_estimate(&p->state->request_bytes, call->out.len);
    return SHMRPC_OK;
}

static int send(plan *p)
{
    int status = reserve(p);
    if (status == SHMRPC_OK) {
        status = encode(p);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    bool oneway = (p->method->flags & SHMRPC_METHOD_ONEWAY) != 0;
    p->call.head = (shmrpci_head){
        .method = p->state->id,
        .flags = p->client->head_flags | (oneway ? SHMRPCI_HEAD_ONEWAY : 0),
        .timeout_ns = p->timeout_ns,
        .ticks = p->ticks,
    };
    status = p->client->transport->commit(&p->call);
    if (status == SHMRPC_E_SERVER_LOST) {
        return not_sent(p);
    }
    return status == SHMRPC_OK ? SHMRPC_OK
                               : message_failed(p, "request", status);
}

/* ---- receiving ---- */

static int late(plan *p, const char *what)
{
    return shmrpc_error_set(
        p->error, SHMRPC_E_DEADLINE, "method %s: no reply in %lld ms; %s",
        p->method->name, (long long)(p->timeout_ns / SHMRPCI_NS_PER_MS), what);
}

static int give_up(plan *p)
{
    bool withdrawn = p->client->transport->cancel(&p->call);
    return late(p, withdrawn ? "no worker took the call, it has not run"
                             : "its handler has been told to stop");
}

static int lost(plan *p, int status)
{
    return shmrpc_error_set(p->error, status, "method %s of %s at %s: %s",
                            p->method->name, p->client->service->name,
                            p->client->where, shmrpc_status_text(status));
}

/* One attempt: on OK the call waits to be released (unless oneway). */
static int attempt(plan *p)
{
    int status = send(p);
    if (status != SHMRPC_OK || (p->method->flags & SHMRPC_METHOD_ONEWAY) != 0) {
        return status;
    }
    status = p->client->transport->receive(&p->call, p->deadline_ns);
    if (status == SHMRPC_E_DEADLINE) {
        return give_up(p);
    }
    return status == SHMRPC_OK ? SHMRPC_OK : lost(p, status);
}

static int exchange(plan *p)
{
    int status = attempt(p);
    if (status != SHMRPC_E_WORKER_DIED ||
        (p->method->flags & SHMRPC_METHOD_IDEMPOTENT) == 0) {
        return status;
    }
    for (int i = 1; i < SHMRPCI_ATTEMPTS_MAX && status == SHMRPC_E_WORKER_DIED;
         i++) {
        shorten(p);
        status = attempt(p);
    }
    return status;
}

static void release(plan *p)
{
    p->client->transport->release(&p->call);
}

/* ---- failures that the server reports ---- */

/* A reply that doesn't decode: the call has run, its result is lost. */
static int damaged(plan *p, int status)
{
    if (status != SHMRPC_E_INVALID) {
        return message_failed(p, "reply", status);
    }
    shmrpci_error_code(p->error, SHMRPC_E_DATA_LOSS);
    return SHMRPC_E_DATA_LOSS;
}

static const shmrpc_error_type *declared(const shmrpc_method *method,
                                         int32_t number)
{
    for (uint32_t i = 0; i < method->throws_count; i++) {
        if (method->throws[i]->number == number) {
            return method->throws[i];
        }
    }
    return NULL;
}

static bool throws_payload(const shmrpc_method *method)
{
    for (uint32_t i = 0; i < method->throws_count; i++) {
        if (method->throws[i]->payload != NULL) {
            return true;
        }
    }
    return false;
}

/* What a server says is input: statuses that none may send become UNKNOWN. */
static bool is_status(int32_t status)
{
    return status >= SHMRPC_DECLARED_ERROR_MIN ||
           (status < 0 && strcmp(shmrpc_status_name(status), "UNKNOWN") != 0) ||
           status == SHMRPC_E_UNKNOWN;
}

/* Reads the detail of the reply; returns where its payload begins, or 0: there
 * is no detail. */
static size_t read_detail(const plan *p, shmrpc_error *detail)
{
    uint8_t copy[SHMRPCI_DETAIL_MAX_BYTES];
    size_t len = p->call.in_len;
    *detail = (shmrpc_error){.code = p->call.head.status};
    if ((p->call.head.flags & SHMRPCI_HEAD_DETAIL) == 0 || len == 0) {
        return 0;
    }
    len = len < sizeof copy ? len : sizeof copy;
    memcpy(copy, p->call.in, len);
    return shmrpci_detail_read(copy, len, detail);
}

/* What holds unless the server has sent a message of its own. */
static void explain(plan *p, int32_t status)
{
    if (status >= SHMRPC_DECLARED_ERROR_MIN) {
        (void)shmrpc_error_set(p->error, status, "declared error %d",
                               (int)status);
    } else if (status == SHMRPC_E_TOO_LARGE) {
        (void)message_failed(p, "reply", status);
    } else if (status == SHMRPC_E_DEADLINE) {
        (void)late(p, "its handler has stopped");
    } else {
        (void)shmrpc_error_set(p->error, status, "%s",
                               shmrpc_status_text(status));
    }
}

/* The name of an error that only the server knows is the server's. */
static void report(plan *p, const shmrpc_error_type *thrown,
                   const shmrpc_error *detail)
{
    shmrpc_error *error = p->error;
    if (error == NULL) {
        return;
    }
    explain(p, detail->code);
    error->pid = detail->pid;
    if (thrown != NULL) {
        shmrpci_error_name(error, thrown->name);
    } else if (detail->code >= SHMRPC_DECLARED_ERROR_MIN &&
               detail->name[0] != '\0') {
        shmrpci_error_name(error, detail->name);
    }
    memcpy(error->path, detail->path, sizeof error->path);
    if (detail->message[0] != '\0') {
        memcpy(error->message, detail->message, sizeof error->message);
    }
}

/* Decodes the payload of `len` bytes at `body`, which the reply owns. */
static int decode_payload(plan *p, shmrpci_reply *reply,
                          const shmrpc_error_type *thrown, const uint8_t *body,
                          size_t len)
{
    const shmrpc_type *type = thrown->payload;
    void *payload = shmrpci_arena_alloc(&reply->arena, type->size, type->align);
    if (payload == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    reply->payload = payload;
    return shmrpci_detail_codec(p->method)->decode(
        type, body, len, thrown->name, &reply->arena, payload, p->error);
}

/* Fills a reply for a call that has ended in a declared error: a value of
 * zeros, and the payload if we know it and there is one. Releases the call. */
static int decode_thrown(plan *p, shmrpci_reply *reply,
                         const shmrpc_error_type *thrown, size_t payload_at)
{
    bool has_payload = thrown != NULL && thrown->payload != NULL &&
                       payload_at > 0 && payload_at < p->call.in_len;
    size_t len = has_payload ? p->call.in_len - payload_at : 0;
    uint8_t *body = shmrpci_arena_alloc(&reply->arena, len, 8);
    if (body != NULL && len > 0) {
        memcpy(body, p->call.in + payload_at, len);
    }
    release(p);
    if (body == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    const shmrpc_type *result = p->method->result;
    memset(shmrpci_reply_value(reply), 0, result != NULL ? result->size : 1);
    reply->thrown = thrown;
    return has_payload ? decode_payload(p, reply, thrown, body, len)
                       : SHMRPC_OK;
}

/* Makes that reply; returns the number of the error. */
static int thrown_reply(plan *p, const shmrpc_error_type *thrown,
                        const shmrpc_error *detail, size_t payload_at,
                        const void **out)
{
    shmrpci_reply *reply = shmrpci_reply_get(p->client->pool);
    if (reply == NULL) {
        release(p);
        return damaged(p, SHMRPC_E_NO_MEMORY);
    }
    int status = decode_thrown(p, reply, thrown, payload_at);
    if (status != SHMRPC_OK) {
        shmrpci_reply_put(reply);
        return damaged(p, status);
    }
    report(p, thrown, detail);
    *out = shmrpci_reply_value(reply);
    return detail->code;
}

/* How a call ends that the server has answered with a status. `out`: where a
 * reply goes, or NULL. Releases the call. */
static int failed(plan *p, const void **out)
{
    int32_t status = p->call.head.status;
    shmrpc_error detail;
    if (!is_status(status)) {
        status = shmrpc_error_set(p->error, SHMRPC_E_UNKNOWN,
                                  "method %s: the server replied %d",
                                  p->method->name, (int)status);
        release(p);
        return status;
    }
    const shmrpc_error_type *thrown = declared(p->method, status);
    size_t payload_at = read_detail(p, &detail);
    if (out != NULL && status >= SHMRPC_DECLARED_ERROR_MIN &&
        throws_payload(p->method)) {
        return thrown_reply(p, thrown, &detail, payload_at, out);
    }
    release(p);
    report(p, thrown, &detail);
    return status;
}

/* ---- results ---- */

/* Bytes that nobody else can write: a copy in `local` or `arena`, or the reply
 * itself. NULL: out of memory. */
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

static int decode_fixed(plan *p, void *result)
{
    /* 8: native's numbers are read where they lie. */
    _Alignas(8) uint8_t local[LOCAL_BYTES];
    shmrpci_arena arena;
    int status = SHMRPC_E_NO_MEMORY;
    size_t len = p->call.in_len;
    shmrpci_arena_init(&arena, p->client->decode_limit);
    const uint8_t *body = private_body(&p->call, local, &arena);
    if (body != NULL || len == 0) {
        status = p->state->codec->decode(p->method->result, body, len, "result",
                                         &arena, result, p->error);
    }
    shmrpci_arena_fini(&arena);
    release(p);
    return status == SHMRPC_OK ? SHMRPC_OK : damaged(p, status);
}

int shmrpc_stub_call(shmrpc_client *client, uint32_t method, const void *params,
                     const shmrpc_opts *opts, void *result, shmrpc_error *error)
{
    plan p;
    int status = plan_init(&p, client, method, params, opts, error);
    if (status == SHMRPC_OK) {
        status = exchange(&p);
    }
    if (status != SHMRPC_OK || (p.method->flags & SHMRPC_METHOD_ONEWAY) != 0) {
        return status;
    }
    if (p.call.head.status != SHMRPC_OK) {
        return failed(&p, NULL);
    }
    shmrpci_estimate(&p.state->reply_bytes, p.call.in_len);
    if (p.method->result == NULL) {
        release(&p);
        return SHMRPC_OK;
    }
    return decode_fixed(&p, result);
}

/* Copies the reply out of the slot, gives that back, and decodes. */
static int decode_reply(plan *p, shmrpci_reply *reply)
{
    size_t len = p->call.in_len;
    if (p->method->result == NULL) {
        release(p);
        memset(shmrpci_reply_value(reply), 0, 1);
        return SHMRPC_OK;
    }
    uint8_t *body = shmrpci_arena_alloc(&reply->arena, len, 8);
    if (body != NULL && len > 0) {
        memcpy(body, p->call.in, len);
    }
    release(p);
    if (body == NULL) {
        return damaged(p, SHMRPC_E_NO_MEMORY);
    }
    int status = p->state->codec->decode(p->method->result, body, len, "result",
                                         &reply->arena,
                                         shmrpci_reply_value(reply), p->error);
    return status == SHMRPC_OK ? SHMRPC_OK : damaged(p, status);
}

int shmrpc_stub_call_reply(shmrpc_client *client, uint32_t method,
                           const void *params, const shmrpc_opts *opts,
                           const void **out, shmrpc_error *error)
{
    plan p;
    int status = plan_init(&p, client, method, params, opts, error);
    if (status == SHMRPC_OK) {
        status = exchange(&p);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    if (p.call.head.status != SHMRPC_OK) {
        return failed(&p, out);
    }
    shmrpci_estimate(&p.state->reply_bytes, p.call.in_len);
    shmrpci_reply *reply = shmrpci_reply_get(client->pool);
    if (reply == NULL) {
        release(&p);
        return damaged(&p, SHMRPC_E_NO_MEMORY);
    }
    status = decode_reply(&p, reply);
    if (status != SHMRPC_OK) {
        shmrpci_reply_put(reply);
        return status;
    }
    *out = shmrpci_reply_value(reply);
    return SHMRPC_OK;
}

const void *shmrpc_stub_payload(const void *reply,
                                const shmrpc_error_type *type)
{
    const shmrpci_reply *own =
        reply != NULL ? shmrpci_reply_of_value(reply) : NULL;
    return own != NULL && own->thrown == type ? own->payload : NULL;
}

void shmrpc_stub_release(const void *reply)
{
    if (reply != NULL) {
        shmrpci_reply_put(shmrpci_reply_of_value(reply));
    }
}
