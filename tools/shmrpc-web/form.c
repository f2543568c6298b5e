/*
 * Parameters and results over HTTP: chooses their forms by Content-Type and
 * Accept, and reads values from path, query and body.
 *
 * Path and query become members of a JSON object, together with the members of
 * the body. Only the JSON codec turns the object into parameters, so all errors
 * are of one kind, and name the field.
 */
#include "tools/shmrpc-web/form.h"

#include <string.h>

#include "base/json_text.h"
#include "codec/codec.h"
#include "tools/common/strict.h"
#include "tools/shmrpc-web/query.h"

typedef struct form_name {
    const char *type;
    web_form_kind kind;
} form_name;

/* The first name of each form is the one that we send. */
static const form_name names[] = {
    {"application/json", WEB_FORM_JSON},
    {"application/msgpack", WEB_FORM_MSGPACK},
    {"application/vnd.msgpack", WEB_FORM_MSGPACK},
    {"application/x-msgpack", WEB_FORM_MSGPACK},
    {"application/octet-stream", WEB_FORM_BYTES},
    {"application/x-ndjson", WEB_FORM_NDJSON},
    {"application/jsonl", WEB_FORM_NDJSON},
    {"text/event-stream", WEB_FORM_EVENTS},
};

#define NAME_COUNT (sizeof names / sizeof names[0])

const char *web_form_type(web_form_kind kind)
{
    size_t i = 0;
    while (names[i].kind != kind) {
        i++;
    }
    return names[i].type;
}

static const shmrpci_codec *codec_of(web_form_kind kind)
{
    static const shmrpc_encoding encodings[] = {
        [WEB_FORM_JSON] = SHMRPC_ENCODING_JSON,
        [WEB_FORM_MSGPACK] = SHMRPC_ENCODING_MSGPACK,
        [WEB_FORM_BYTES] = SHMRPC_ENCODING_RAW,
        [WEB_FORM_NDJSON] = SHMRPC_ENCODING_JSON,
        [WEB_FORM_EVENTS] = SHMRPC_ENCODING_JSON};
    return shmrpci_codec_of(encodings[kind]);
}

/* ---- choosing a form --- */

/* The form of a media type, without its parameters. */
static bool find_form(const char *type, size_t len, web_form_kind *out)
{
    size_t end = 0;
    while (end < len && type[end] != ';' && type[end] != ' ') {
        end++;
    }
    for (size_t i = 0; i < NAME_COUNT; i++) {
        const web_field field = {.value = type, .value_len = end};
        if (web_field_is(&field, names[i].type)) {
            *out = names[i].kind;
            return true;
        }
    }
    return false;
}

/* Whether the method's parameters, or its result, may have this form. */
static bool takes(const shmrpc_method *method, web_form_kind kind,
                  const shmrpc_type *items, bool is_result)
{
    switch (kind) {
    case WEB_FORM_JSON:
    case WEB_FORM_MSGPACK:
        return items == NULL;
    case WEB_FORM_BYTES:
        return method->encoding == SHMRPC_ENCODING_RAW;
    case WEB_FORM_NDJSON:
        return items != NULL;
    case WEB_FORM_EVENTS:
        return items != NULL && is_result;
    }
    return false;
}

bool web_form_is_stream(const web_request *request, bool *out_may_be)
{
    const web_field *type = web_head_find(&request->head, "Content-Type");
    web_form_kind kind = WEB_FORM_JSON;
    bool is_known =
        type != NULL && find_form(type->value, type->value_len, &kind);
    *out_may_be = is_known && kind == WEB_FORM_BYTES;
    return is_known && kind == WEB_FORM_NDJSON;
}

/* Finds the first form of an Accept field that is supported. A wildcard leaves
 * `*out` unchanged. Weights (`;q=`) are ignored, because clients list what they
 * prefer first. Returns false if no form is supported. */
static bool read_accept(const web_field *accept, const shmrpc_method *method,
                        web_form_kind *out)
{
    for (size_t at = 0; at < accept->value_len;) {
        size_t end = at;
        web_form_kind kind;
        while (end < accept->value_len && accept->value[end] != ',') {
            end++;
        }
        while (at < end && accept->value[at] == ' ') {
            at++;
        }
        const char *type = accept->value + at;
        if (find_form(type, end - at, &kind) &&
            takes(method, kind, method->items_out, true)) {
            *out = kind;
            return true;
        }
        if ((end - at >= 3 && memcmp(type, "*/*", 3) == 0) ||
            (end - at >= 13 && memcmp(type, "application/*", 13) == 0)) {
            return true;
        }
        at = end + 1;
    }
    return accept->value_len == 0;
}

/* The form of the reply if the client doesn't specify one. */
static web_form_kind usual_form(const shmrpc_method *method, web_form_kind in)
{
    if (method->items_out != NULL) {
        return method->encoding == SHMRPC_ENCODING_RAW ? WEB_FORM_BYTES
                                                       : WEB_FORM_NDJSON;
    }
    return in == WEB_FORM_NDJSON ? WEB_FORM_JSON : in;
}

/* A known Content-Type is required: otherwise a page of another site could send
 * JSON as the text/plain of a form. For 415 and 406 see RFC 9110, 15.5.16 and
 * 15.5.7. */
static int choose(const web_request *request, const web_target *target,
                  const shmrpc_method *method, web_form *form, unsigned *http,
                  shmrpc_error *error)
{
    const web_field *type = web_head_find(&request->head, "Content-Type");
    const web_field *accept = web_head_find(&request->head, "Accept");
    form->in = method->items_in != NULL ? WEB_FORM_NDJSON : WEB_FORM_JSON;
    if (!web_target_is_safe(target) &&
        (type == NULL || !find_form(type->value, type->value_len, &form->in) ||
         !takes(method, form->in, method->items_in, false))) {
        *http = 415;
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID, "expected Content-Type %s",
            method->items_in != NULL
                ? "application/x-ndjson, one item per line, or for raw methods "
                  "application/octet-stream"
                : "application/json, application/msgpack, or for raw methods "
                  "application/octet-stream");
    }
    form->out = usual_form(method, form->in);
    if (accept != NULL && !read_accept(accept, method, &form->out)) {
        *http = 406;
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID, "Accept names no supported form%s",
            method->items_out != NULL ? " of a stream: application/x-ndjson, "
                                        "text/event-stream"
                                      : "");
    }
    return SHMRPC_OK;
}

/* ---- parameters ---- */

/* Appends the members of the body's object to those of the path, as text. Only
 * the braces are checked here; the codec then parses everything, and refuses a
 * body that was not an object. */
static int append_body(const web_request *request, shmrpci_buf *out,
                       shmrpc_error *error)
{
    const char *text = (const char *)request->body.data;
    size_t len = request->body.len;
    while (len > 0 && strchr(" \t\r\n", *text) != NULL) {
        text++;
        len--;
    }
    if (len == 0) {
        return SHMRPC_OK;
    }
    if (*text != '{') {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the body is not a JSON object");
    }
    size_t blank = 1;
    while (blank < len && strchr(" \t\r\n", text[blank]) != NULL) {
        blank++;
    }
    if (blank < len && text[blank] == '}') {
        return SHMRPC_OK;
    }
    /* Find the closing brace, which only white space may follow. */
    while (text[len - 1] != '}' && strchr(" \t\r\n", text[len - 1]) != NULL) {
        len--;
    }
    if (text[len - 1] != '}') {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "the body is not a JSON object");
    }
    shmrpci_json_comma(out);
    shmrpci_buf_append(out, text + 1, len - 2);
    return out->status;
}

/* Appends path, query and body as one object, without the body if it is a
 * stream. The codec refuses duplicate members. */
static int append_object(web_request *request, const web_target *target,
                         const shmrpc_method *method, shmrpci_buf *out,
                         shmrpc_error *error)
{
    int status = SHMRPC_OK;
    shmrpci_buf_append_char(out, '{');
    for (size_t i = 0; i < target->param_count && status == SHMRPC_OK; i++) {
        const web_path_param *param = &target->params[i];
        status = web_query_append_one(param->field, param->text, param->len,
                                      &request->arena, out, error);
    }
    if (status == SHMRPC_OK &&
        (web_target_is_safe(target) || method->items_in != NULL)) {
        status = web_query_append(method->params, request->query,
                                  &request->arena, out, error);
    } else if (status == SHMRPC_OK) {
        status = append_body(request, out, error);
    }
    shmrpci_buf_append_char(out, '}');
    return status;
}

/* Whether the text may have unknown names, or too many arguments. Arguments by
 * position need not be searched if none of them is an object and there are
 * fewer commas than parameters. Most calls are that short. */
static bool may_have_unknown(const shmrpc_type *type, const uint8_t *text,
                             size_t len)
{
    size_t commas = 0;
    if (memchr(text, '{', len) != NULL) {
        return true;
    }
    for (size_t i = 0; i < len; i++) {
        commas += text[i] == ',';
    }
    return commas >= type->count;
}

/* Decodes the parameters into the request's arena. One byte more than their
 * size is allocated, so that a method without parameters gets a valid pointer,
 * too. */
static int decode(web_request *request, const shmrpc_method *method,
                  web_form_kind kind, const void *data, size_t len,
                  const void **params, shmrpc_error *error)
{
    const shmrpc_type *type = method->params;
    void *value = shmrpci_arena_calloc(&request->arena, 1, type->size + 1,
                                       type->align > 0 ? type->align : 1);
    if (value == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    int status = codec_of(kind)->decode(type, data, len, "", &request->arena,
                                        value, error);
    if (status == SHMRPC_OK && kind == WEB_FORM_JSON &&
        may_have_unknown(type, data, len)) {
        status = tool_strict_check(type, data, len, &request->arena, error);
    }
    *params = value;
    return status;
}

int web_form_read(web_request *request, const web_target *target,
                  const shmrpc_method *method, web_form *form,
                  const void **params, unsigned *http, shmrpc_error *error)
{
    static const char nothing[] = "[]";
    int status = choose(request, target, method, form, http, error);
    if (status != SHMRPC_OK) {
        return status;
    }
    bool is_object = web_target_is_safe(target) || target->is_rest;
    if (is_object || method->items_in != NULL) {
        if (form->in != WEB_FORM_JSON && method->items_in == NULL) {
            *http = 415;
            return shmrpc_error_set(
                error, SHMRPC_E_INVALID,
                "parameters of an @rest path must be application/json");
        }
        shmrpci_buf object;
        shmrpci_buf_init_heap(&object);
        status = append_object(request, target, method, &object, error);
        if (status == SHMRPC_OK) {
            status = decode(request, method, WEB_FORM_JSON, object.data,
                            object.len, params, error);
        }
        shmrpci_buf_fini(&object);
        return status;
    }
    if (request->query[0] != '\0') {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "the parameters of POST belong in the body, not "
            "behind `?`");
    }
    if (form->in == WEB_FORM_JSON && request->body.len == 0) {
        return decode(request, method, form->in, nothing, sizeof nothing - 1,
                      params, error);
    }
    return decode(request, method, form->in, request->body.data,
                  request->body.len, params, error);
}

int web_form_read_item(const shmrpc_type *type, const void *data, size_t len,
                       shmrpci_arena *arena, const void **out,
                       shmrpc_error *error)
{
    void *value = shmrpci_arena_calloc(arena, 1, type->size + 1u,
                                       type->align > 0 ? type->align : 1);
    if (value == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    int status = shmrpci_codec_of(SHMRPC_ENCODING_JSON)
                     ->decode(type, data, len, "", arena, value, error);
    if (status == SHMRPC_OK && memchr(data, '{', len) != NULL) {
        status = tool_strict_check(type, data, len, arena, error);
    }
    *out = value;
    return status;
}

int web_form_encode(web_form_kind kind, const shmrpc_type *type,
                    const void *value, const char *name, shmrpci_buf *out,
                    shmrpc_error *error)
{
    if (type == NULL || value == NULL) {
        if (kind != WEB_FORM_BYTES) {
            shmrpci_buf_append_text(out,
                                    kind == WEB_FORM_JSON ? "null" : "\xc0");
        }
        return out->status;
    }
    int status = codec_of(kind)->encode(type, value, name, out, error);
    if (status != SHMRPC_OK && status != SHMRPC_E_INVALID) {
        return shmrpc_error_set(error, status, "%s",
                                shmrpc_status_text(status));
    }
    return status;
}
