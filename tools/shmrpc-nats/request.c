/* Requests of clients without shmrpc, and answers to them. */
#include "tools/shmrpc-nats/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "codec/codec.h"
#include "tools/common/error_json.h"
#include "tools/common/strict.h"

/* Memory that values may take in addition to a copy of the body. The codec
 * keeps them within a small multiple of the body. */
#define ARENA_FACTOR 16u
#define ARENA_BYTES  ((size_t)4 << 20)

/* Timeout of methods without @timeout, the same as in all of shmrpc. */
#define DEFAULT_TIMEOUT_NS (30 * SHMRPCI_NS_PER_S)

#define META "shmrpc-meta-"

/* Media types of each form; we write the first one. */
static const struct {
    const char *type;
    request_form form;
    shmrpc_encoding encoding;
} forms[] = {
    {"application/json", REQUEST_JSON, SHMRPC_ENCODING_JSON},
    {"application/msgpack", REQUEST_MSGPACK, SHMRPC_ENCODING_MSGPACK},
    {"application/octet-stream", REQUEST_BYTES, SHMRPC_ENCODING_RAW},
    {"application/vnd.msgpack", REQUEST_MSGPACK, SHMRPC_ENCODING_MSGPACK},
    {"application/x-msgpack", REQUEST_MSGPACK, SHMRPC_ENCODING_MSGPACK},
};

/* ---- headers ----------------------------------------------------------- */

/* Compares without regard to the case of `text`, as is right for header names
 * and media types. `word` must be in lower case. */
static bool is_same(const char *text, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        c = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        if (c == '\0' || c != word[i]) {
            return false;
        }
    }
    return word[len] == '\0';
}

/* `key` must be in lower case. */
static bool is_header(const nats_header *header, const char *key)
{
    return is_same(header->name, strlen(header->name), key);
}

/* Finds the first media type of a list that we support; ignores parameters. */
static bool read_form(const char *list, request_form *out)
{
    for (const char *at = list; *at != '\0';) {
        at += strspn(at, " ,");
        size_t len = strcspn(at, ",");
        size_t type = strcspn(at, ",; ");
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
            if (is_same(at, type, forms[i].type)) {
                *out = forms[i].form;
                return true;
            }
        }
        if (is_same(at, type, "*/*")) {
            return true;
        }
        at += len;
    }
    return false;
}

/* Checks the limit digit by digit, so that no number overflows. */
static void read_timeout(request *r, const char *text)
{
    uint64_t ms = 0;
    size_t len = strspn(text, "0123456789");
    for (size_t i = 0; i < len && ms <= REQUEST_TIMEOUT_MS_MAX; i++) {
        ms = ms * 10 + (uint64_t)(text[i] - '0');
    }
    if (text[len] != '\0' || ms == 0 || ms > REQUEST_TIMEOUT_MS_MAX) {
        (void)shmrpc_error_set(&r->error, SHMRPC_E_INVALID,
                               "Shmrpc-Timeout-Ms must be 1 to %u",
                               REQUEST_TIMEOUT_MS_MAX);
    }
    r->timeout_ns = (int64_t)ms * SHMRPCI_NS_PER_MS;
}

/* Keeps one entry more than allowed, so that the call reports the error. */
static void add_metadata(request *r, const char *key, const char *value)
{
    if (r->with_count > SHMRPC_METADATA_MAX_ENTRIES) {
        return;
    }
    char *copy = shmrpci_arena_strndup(&r->arena, key, strlen(key));
    char *text = shmrpci_arena_strndup(&r->arena, value, strlen(value));
    if (copy == NULL || text == NULL) {
        (void)shmrpc_error_set(&r->error, SHMRPC_E_NO_MEMORY, "out of memory");
        return;
    }
    for (char *at = copy; *at != '\0'; at++) {
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
    }
    r->with[r->with_count++] = (shmrpc_metadata){copy, text};
}

/* Ignores other headers. */
static void take_header(void *user, const nats_header *header)
{
    request *r = user;
    size_t meta = sizeof META - 1;
    if (is_header(header, "content-type")) {
        if (!read_form(header->value, &r->in)) {
            (void)shmrpc_error_set(
                &r->error, SHMRPC_E_INVALID,
                "expected Content-Type application/json, application/msgpack, "
                "or for raw methods application/octet-stream");
        }
    } else if (is_header(header, "shmrpc-timeout-ms")) {
        read_timeout(r, header->value);
    } else if (is_header(header, "traceparent")) {
        add_metadata(r, "traceparent", header->value);
    } else if (strlen(header->name) > meta &&
               is_same(header->name, meta, META)) {
        add_metadata(r, header->name + meta, header->value);
    }
}

/* Called after all other headers were read, since the default is the form of
 * the request. */
static void take_accept(void *user, const nats_header *header)
{
    request *r = user;
    if (is_header(header, "accept") && !read_form(header->value, &r->out)) {
        (void)shmrpc_error_set(&r->error, SHMRPC_E_INVALID,
                               "the header Accept names no supported form");
    }
}

/* Errors are stored in the request, which will be answered with them. */
static void read_headers(request *r, const nats_message *message)
{
    if (!nats_pump_headers(r->pump, message, take_header, r)) {
        (void)shmrpc_error_set(&r->error, SHMRPC_E_INVALID,
                               "the headers are malformed");
        return;
    }
    r->out = r->in;
    (void)nats_pump_headers(r->pump, message, take_accept, r);
}

/* ---- reading ----------------------------------------------------------- */

/* The method is the last token of the subject. Answers go only to inboxes;
 * otherwise any caller could make us publish wherever our permissions allow. */
static bool copy_message(request *r, const nats_message *message)
{
    const char *dot = strrchr(message->subject, '.');
    const char *method = dot != NULL ? dot + 1 : message->subject;
    const char *reply = nats_is_inbox(message->reply) ? message->reply : "";
    r->method = shmrpci_arena_strndup(&r->arena, method, strlen(method));
    r->reply = shmrpci_arena_strndup(&r->arena, reply, strlen(reply));
    r->body = (const uint8_t *)shmrpci_arena_strndup(
        &r->arena, (const char *)message->data, message->len);
    r->len = message->len;
    return r->method != NULL && r->reply != NULL && r->body != NULL;
}

/* Copies the message, which belongs to the carrier and is freed after this
 * call. */
request *request_read(nats_pump *pump, const nats_message *message)
{
    request *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    r->pump = pump;
    r->arrived_ns = shmrpci_now_ns();
    shmrpci_arena_init(&r->arena, ARENA_BYTES + message->len * ARENA_FACTOR);
    if (!copy_message(r, message)) {
        request_free(r);
        return NULL;
    }
    read_headers(r, message);
    return r;
}

void request_free(request *r)
{
    if (r != NULL) {
        shmrpci_arena_fini(&r->arena);
        free(r);
    }
}

int64_t request_left_ns(const request *r, const shmrpc_method *method)
{
    int64_t whole_ns = r->timeout_ns > 0        ? r->timeout_ns
                       : method->timeout_ns > 0 ? method->timeout_ns
                                                : DEFAULT_TIMEOUT_NS;
    return whole_ns - (shmrpci_now_ns() - r->arrived_ns);
}

/* The first rows of `forms` are in the order of the enum. */
static const shmrpci_codec *codec_of(request_form form)
{
    return shmrpci_codec_of(forms[form].encoding);
}

/* An empty body means that there are no parameters. */
int request_params(request *r, const shmrpc_method *method, const void **out,
                   shmrpc_error *error)
{
    static const uint8_t nothing[] = "[]";
    const shmrpc_type *type = method->params;
    bool is_empty = r->in == REQUEST_JSON && r->len == 0;
    const uint8_t *body = is_empty ? nothing : r->body;
    size_t len = is_empty ? sizeof nothing - 1 : r->len;
    bool is_raw = method->encoding == SHMRPC_ENCODING_RAW;
    if (!is_raw && (r->in == REQUEST_BYTES || r->out == REQUEST_BYTES)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "application/octet-stream is for raw methods; "
                                "`%.60s` is not raw",
                                method->name);
    }
    void *value = shmrpci_arena_calloc(&r->arena, 1, type->size + 1u,
                                       type->align > 0 ? type->align : 1);
    if (value == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    int status =
        codec_of(r->in)->decode(type, body, len, "", &r->arena, value, error);
    if (status == SHMRPC_OK && r->in == REQUEST_JSON) {
        status = tool_strict_check(type, body, len, &r->arena, error);
    }
    *out = value;
    return status;
}

/* ---- answering --------------------------------------------------------- */

/* Headers of an answer: two for an error, the Content-Type, and metadata. */
typedef struct heads {
    nats_header items[SHMRPC_METADATA_MAX_ENTRIES + 3];
    char keys[SHMRPC_METADATA_MAX_ENTRIES][sizeof "Shmrpc-Meta-" + 128];
    size_t count;
} heads;

static void put_head(heads *h, const char *key, const char *value)
{
    h->items[h->count++] = (nats_header){key, value};
}

/* Leaves out keys longer than 128 bytes; no correct service has any. */
static void put_metadata(heads *h, const request *r)
{
    shmrpc_metadata entry;
    for (uint32_t i = 0; i < SHMRPC_METADATA_MAX_ENTRIES &&
                         shmrpc_reply_metadata_at(&r->back, i, &entry);
         i++) {
        int len = snprintf(h->keys[i], sizeof h->keys[i], "Shmrpc-Meta-%s",
                           entry.key);
        if (len > 0 && (size_t)len < sizeof h->keys[i]) {
            put_head(h, h->keys[i], entry.value);
        }
    }
}

/* Drops the answer if the request has no reply subject. */
static nats_result publish(request *r, const heads *h, const shmrpci_buf *body)
{
    return r->reply[0] == '\0'
               ? NATS_DONE
               : nats_pump_answer(r->pump, r->reply, h->items, h->count,
                                  body->data, body->len);
}

/* A result without a value is JSON's null, msgpack's nil, or no bytes. */
static int encode(const request *r, const shmrpc_type *type, const void *value,
                  shmrpci_buf *out, shmrpc_error *error)
{
    if (type != NULL && value != NULL) {
        return codec_of(r->out)->encode(type, value, "result", out, error);
    }
    if (r->out != REQUEST_BYTES) {
        shmrpci_buf_append_text(out, r->out == REQUEST_JSON ? "null" : "\xc0");
    }
    return (int)out->status;
}

/* Reports an error that occurred after the call has run. The error says so,
 * because a client that wants to repeat the call must know it. */
static int fail_late(request *r, int status, const char *why)
{
    shmrpc_error error;
    (void)shmrpc_error_set(&error, status, "%s", why);
    error.may_have_run = true;
    request_fail(r, NULL, NULL, &error);
    return status;
}

/* The server tells the carrier the largest message, so whether the answer fits
 * is known only when it is published. */
int request_answer(request *r, const shmrpc_method *method, const void *result)
{
    heads h = {.count = 0};
    shmrpci_buf body;
    shmrpc_error error;
    shmrpci_buf_init_heap(&body);
    int status = encode(r, method->result, result, &body, &error);
    if (status != SHMRPC_OK) {
        shmrpci_buf_fini(&body);
        return fail_late(r, SHMRPC_E_UNIMPLEMENTED,
                         status == SHMRPC_E_INVALID ? error.message
                                                    : "out of memory");
    }
    put_head(&h, "Content-Type", forms[r->out].type);
    put_metadata(&h, r);
    nats_result sent = publish(r, &h, &body);
    shmrpci_buf_fini(&body);
    if (sent == NATS_TOO_LONG) {
        return fail_late(r, SHMRPC_E_TOO_LARGE,
                         "the reply is larger than the NATS servers' "
                         "max_payload; clients of shmrpc get it in pieces");
    }
    return sent == NATS_DONE ? SHMRPC_OK : SHMRPC_E_UNAVAILABLE;
}

/* The details may be too large as well; then the error is sent without them. */
void request_fail(request *r, const shmrpc_method *method, const void *reply,
                  const shmrpc_error *error)
{
    char code[16];
    heads h = {.count = 0};
    shmrpci_buf body;
    shmrpci_buf details;
    shmrpci_buf_init_heap(&body);
    shmrpci_buf_init_heap(&details);
    if (method != NULL && reply != NULL) {
        tool_details_append(method, reply, NULL, error, &details);
    }
    (void)snprintf(code, sizeof code, "%d", error->code);
    put_head(&h, "Nats-Service-Error-Code", code);
    put_head(&h, "Nats-Service-Error", error->message);
    put_head(&h, "Content-Type", forms[REQUEST_JSON].type);
    put_metadata(&h, r);
    shmrpci_buf_append_char(&body, '{');
    tool_error_append(error, &body);
    size_t short_len = body.len;
    if (details.len > 0) {
        shmrpci_json_key(&body, "details");
        shmrpci_buf_append(&body, details.data, details.len);
    }
    shmrpci_buf_append_char(&body, '}');
    if (body.status == SHMRPC_OK && publish(r, &h, &body) == NATS_TOO_LONG) {
        body.data[short_len] = '}';
        body.len = short_len + 1;
        (void)publish(r, &h, &body);
    }
    shmrpci_buf_fini(&details);
    shmrpci_buf_fini(&body);
}
