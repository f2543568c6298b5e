/*
 * Forms of parameters and results over HTTP: JSON, msgpack, bytes.
 *
 * Threading: one thread for each request.
 */
#ifndef SHMRPC_WEB_FORM_H
#define SHMRPC_WEB_FORM_H

#include "tools/shmrpc-web/http.h"
#include "tools/shmrpc-web/target.h"

typedef enum web_form_kind {
    WEB_FORM_JSON,
    WEB_FORM_MSGPACK,
    WEB_FORM_BYTES,  /* for raw methods */
    WEB_FORM_NDJSON, /* for streams: one item per line */
    WEB_FORM_EVENTS  /* for streams from the service: one event per item */
} web_form_kind;

typedef struct web_form {
    web_form_kind in;
    web_form_kind out;
} web_form;

/* The media type of a form, such as "application/json". */
const char *web_form_type(web_form_kind kind);

/* Reads the parameters of a call from path, query and body into the request's
 * arena, and chooses the forms. Returns INVALID with the path of the wrong
 * parameter; `*http` is then 415 for an unknown Content-Type, or 406 for an
 * Accept that can't be met. Returns NO_MEMORY if memory runs out. */
int web_form_read(web_request *request, const web_target *target,
                  const shmrpc_method *method, web_form *form,
                  const void **params, unsigned *http, shmrpc_error *error);

/* Whether a body of this Content-Type always has the items of a stream,
 * whatever the method. False for bytes, which may be a stream or not. */
bool web_form_is_stream(const web_request *request, bool *out_may_be);

/* Reads an item of JSON into the arena. Returns INVALID or NO_MEMORY on
 * failure. */
int web_form_read_item(const shmrpc_type *type, const void *data, size_t len,
                       shmrpci_arena *arena, const void **out,
                       shmrpc_error *error);

/* Appends a value; without a type, JSON's null. Returns INVALID if the value
 * can't be expressed in this form. */
int web_form_encode(web_form_kind kind, const shmrpc_type *type,
                    const void *value, const char *name, shmrpci_buf *out,
                    shmrpc_error *error);

#endif
