/*
 * Forms of parameters and results on HTTP: JSON, msgpack, bytes.
 *
 * Threading: one thread for a request.
 */
#ifndef SHMRPC_WEB_FORM_H
#define SHMRPC_WEB_FORM_H

#include "tools/shmrpc-web/http.h"
#include "tools/shmrpc-web/target.h"

typedef enum web_form_kind {
    WEB_FORM_JSON,
    WEB_FORM_MSGPACK,
    WEB_FORM_BYTES,  /* of raw methods */
    WEB_FORM_NDJSON, /* of streams: one item per line */
    WEB_FORM_EVENTS  /* for streams from the service: one event for each item */
} web_form_kind;

typedef struct web_form {
    web_form_kind in;
    web_form_kind out;
} web_form;

/* "application/json" and so on. */
const char *web_form_type(web_form_kind kind);

/*
 * Reads the parameters of a call, from path, query and body, into the request's
 * arena, and chooses the forms. INVALID, with the path of the parameter, and
 * with 415 in `*http` for a Content-Type that isn't understood, or 406 for an
 * Accept that can't be met; NO_MEMORY.
 */
int web_form_read(web_request *request, const web_target *target,
                  const shmrpc_method *method, web_form *form,
                  const void **params, unsigned *http, shmrpc_error *error);

/* Whether a body of this Content-Type is always the items of a stream, whatever
 * the method; false for bytes, which need not be. */
bool web_form_is_stream(const web_request *request, bool *out_may_be);

/* Reads an item of JSON into the arena. INVALID, NO_MEMORY. */
int web_form_read_item(const shmrpc_type *type, const void *data, size_t len,
                       shmrpci_arena *arena, const void **out,
                       shmrpc_error *error);

/* Appends a value; without a type, JSON's null. INVALID: it has no such
 * form. */
int web_form_encode(web_form_kind kind, const shmrpc_type *type,
                    const void *value, const char *name, shmrpci_buf *out,
                    shmrpc_error *error);

#endif
