/* Errors of calls: their messages, and the replies that carry declared errors.
 */
#include "rpc/call.h"

#include <string.h>

#include "base/error.h"
#include "os/waiting.h"
#include "rpc/envelope.h"
#include "rpc/fault.h"

/* ---- failures of our own ------------------------------------------------- */

int shmrpci_pending_not_sent(shmrpci_pending *p)
{
    return shmrpc_error_set(
        p->error, SHMRPC_E_UNAVAILABLE,
        "the connection to %s at %s is lost; the call was not sent",
        p->client->service->name, p->link->where);
}

int shmrpci_pending_no_room(shmrpci_pending *p)
{
    return shmrpc_error_set(
        p->error, SHMRPC_E_EXHAUSTED,
        "method %s: the request needs %llu bytes of shared memory, but the "
        "server's quota for you or its control group leaves %llu",
        p->method->name, (unsigned long long)p->call.needed_bytes,
        (unsigned long long)p->call.left_bytes);
}

int shmrpci_pending_message_failed(shmrpci_pending *p, const char *which,
                                   int status)
{
    return shmrpc_error_set(
        p->error, status, "method %s: %s: %s", p->method->name, which,
        status == SHMRPC_E_TOO_LARGE
            ? "too large; client and server must both have a max_message_bytes "
              "above it"
            : shmrpc_status_text(status));
}

static int late(shmrpci_pending *p, bool interrupted)
{
    if (interrupted) {
        return shmrpc_error_set(p->error, SHMRPC_E_CANCELLED,
                                "method %s: interrupted", p->method->name);
    }
    return shmrpc_error_set(p->error, SHMRPC_E_DEADLINE,
                            "method %s: no reply in %lld ms", p->method->name,
                            (long long)(p->given_ns / SHMRPCI_NS_PER_MS));
}

int shmrpci_pending_not_run(shmrpci_pending *p, int status)
{
    bool is_late = status == SHMRPC_E_DEADLINE || status == SHMRPC_E_BUSY ||
                   status == SHMRPC_E_UNAVAILABLE;
    if (is_late && shmrpci_waiting_take_interrupt()) {
        status = late(p, true);
    }
    /* Earlier attempts may have run. */
    shmrpci_error_ran(p->error, p->runs > 0);
    return status;
}

int shmrpci_pending_give_up(shmrpci_pending *p)
{
    bool interrupted = shmrpci_waiting_take_interrupt();
    bool withdrawn = p->link->client->cancel(&p->call);
    int status = late(p, interrupted);
    shmrpci_error_ran(p->error, !withdrawn || p->runs > 0);
    return status;
}

int shmrpci_pending_lost(shmrpci_pending *p, int status)
{
    (void)shmrpc_error_set(p->error, status, "method %s of %s at %s: %s",
                           p->method->name, p->client->service->name,
                           p->link->where, shmrpc_status_text(status));
    shmrpci_error_ran(p->error, true);
    return status;
}

int shmrpci_pending_deadly(shmrpci_pending *p)
{
    (void)shmrpc_error_set(p->error, SHMRPC_E_WORKER_DIED,
                           "method %s of %s at %s: %u workers have died in "
                           "this call, so it is not tried again",
                           p->method->name, p->client->service->name,
                           p->link->where, p->deaths);
    shmrpci_error_ran(p->error, true);
    return SHMRPC_E_WORKER_DIED;
}

int shmrpci_pending_damaged(shmrpci_pending *p, int status)
{
    if (status != SHMRPC_E_INVALID) {
        return shmrpci_pending_message_failed(p, "reply", status);
    }
    shmrpci_error_code(p->error, SHMRPC_E_DATA_LOSS);
    return SHMRPC_E_DATA_LOSS;
}

/* ---- failures that the server reports ------------------------------------ */

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

/* The server's status is untrusted input. A status that no server may send
 * becomes UNKNOWN. */
static bool is_status(int32_t status)
{
    return status >= SHMRPC_DECLARED_ERROR_MIN ||
           (status < 0 && strcmp(shmrpc_status_name(status), "UNKNOWN") != 0) ||
           status == SHMRPC_E_UNKNOWN;
}

/* Reads the error detail of the reply. Returns the offset of the payload after
 * it, or 0 if there is no detail. */
static size_t read_detail(const shmrpci_pending *p, shmrpc_error *detail)
{
    uint8_t copy[SHMRPCI_DETAIL_MAX_BYTES];
    size_t len = p->call.in_len;
    *detail = (shmrpc_error){.code = p->call.head.status, .may_have_run = true};
    if ((p->call.head.flags & SHMRPCI_HEAD_DETAIL) == 0 || len == 0) {
        return 0;
    }
    len = len < sizeof copy ? len : sizeof copy;
    memcpy(copy, p->call.in, len);
    return shmrpci_detail_read(copy, len, detail);
}

/* Sets the message, unless the server has sent one. */
static void explain(shmrpci_pending *p, int32_t status)
{
    if (status >= SHMRPC_DECLARED_ERROR_MIN) {
        (void)shmrpc_error_set(p->error, status, "declared error %d",
                               (int)status);
    } else if (status == SHMRPC_E_TOO_LARGE) {
        (void)shmrpci_pending_message_failed(p, "reply", status);
    } else if (status == SHMRPC_E_DEADLINE) {
        (void)late(p, false);
        shmrpci_error_ran(p->error, true);
    } else {
        (void)shmrpc_error_set(p->error, status, "%s",
                               shmrpc_status_text(status));
    }
}

/* Fills in the caller's error. The name in it is the one that the server sent
 * if this client does not know the error. */
static void report(shmrpci_pending *p, const shmrpc_error_type *thrown,
                   const shmrpc_error *detail)
{
    shmrpc_error *error = p->error;
    p->retry_after_ns = detail->retry_after_ns;
    if (error == NULL) {
        return;
    }
    explain(p, detail->code);
    error->pid = detail->pid;
    error->retry_after_ns = detail->retry_after_ns;
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
    if (!detail->may_have_run) {
        (void)shmrpci_pending_not_run(p, detail->code);
    }
}

/* Decodes the payload of `len` bytes at `body`, which lies in the reply's
 * arena. */
static int decode_payload(shmrpci_pending *p, shmrpci_reply *reply,
                          const shmrpc_error_type *thrown, const uint8_t *body,
                          size_t len)
{
    const shmrpc_type *type = thrown->payload;
    const shmrpci_codec *codec = thrown == &shmrpci_fault_error
                                     ? shmrpci_codec_of(SHMRPC_ENCODING_MSGPACK)
                                     : shmrpci_detail_codec(p->method);
    void *payload = shmrpci_arena_alloc(&reply->arena, type->size, type->align);
    if (payload == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    reply->payload = payload;
    return codec->decode(type, body, len, thrown->name, &reply->arena, payload,
                         p->error);
}

/* Fills the reply of a call that has ended with a declared error: a zeroed
 * value, and the payload if there is one and we know its type. Releases the
 * call. */
static int decode_thrown(shmrpci_pending *p, shmrpci_reply *reply,
                         const shmrpc_error_type *thrown, size_t payload_at)
{
    bool has_payload = thrown != NULL && thrown->payload != NULL &&
                       payload_at > 0 && payload_at < p->call.in_len;
    size_t len = has_payload ? p->call.in_len - payload_at : 0;
    uint8_t *body = shmrpci_arena_alloc(&reply->arena, len, 8);
    if (body != NULL && len > 0) {
        memcpy(body, p->call.in + payload_at, len);
    }
    shmrpci_pending_release(p);
    if (body == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    const shmrpc_type *result = p->method->result;
    memset(shmrpci_reply_value(reply), 0, result != NULL ? result->size : 1);
    reply->thrown = thrown;
    return has_payload ? decode_payload(p, reply, thrown, body, len)
                       : SHMRPC_OK;
}

/* Makes the reply object of a declared error. Returns the error's number. */
static int thrown_reply(shmrpci_pending *p, const shmrpc_error_type *thrown,
                        const shmrpc_error *detail, size_t payload_at,
                        const void **out)
{
    shmrpci_reply *reply = shmrpci_reply_get(p->client->pool, p->method);
    if (reply == NULL) {
        shmrpci_pending_release(p);
        return shmrpci_pending_damaged(p, SHMRPC_E_NO_MEMORY);
    }
    int status = decode_thrown(p, reply, thrown, payload_at);
    if (status != SHMRPC_OK) {
        shmrpci_reply_put(reply);
        return shmrpci_pending_damaged(p, status);
    }
    report(p, thrown, detail);
    *out = shmrpci_reply_value(reply);
    return detail->code;
}

/* Whether the bytes after the detail of a status are a fault that the caller
 * wants. */
static bool is_fault(const shmrpci_pending *p, int32_t status,
                     size_t payload_at)
{
    return p->has_faults && status == SHMRPC_E_UNKNOWN && payload_at > 0 &&
           payload_at < p->call.in_len &&
           p->call.in_len - payload_at <= SHMRPC_FAULT_MAX_BYTES;
}

int shmrpci_pending_failed(shmrpci_pending *p, const void **out)
{
    int32_t status = p->call.head.status;
    shmrpc_error detail;
    if (!is_status(status)) {
        status = shmrpc_error_set(p->error, SHMRPC_E_UNKNOWN,
                                  "method %s: the server replied %d",
                                  p->method->name, (int)status);
        shmrpci_pending_release(p);
        return status;
    }
    const shmrpc_error_type *thrown = declared(p->method, status);
    size_t payload_at = read_detail(p, &detail);
    if (out != NULL && status >= SHMRPC_DECLARED_ERROR_MIN &&
        throws_payload(p->method)) {
        return thrown_reply(p, thrown, &detail, payload_at, out);
    }
    if (out != NULL && is_fault(p, status, payload_at)) {
        return thrown_reply(p, &shmrpci_fault_error, &detail, payload_at, out);
    }
    shmrpci_pending_release(p);
    report(p, thrown, &detail);
    return status;
}
