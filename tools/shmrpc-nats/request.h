/*
 * A call by a client without shmrpc: a NATS message whose body holds the
 * parameters, and the message that answers it (docs/many-machines.md, "Clients
 * without shmrpc").
 *
 * Nothing in a request is trusted. When a request is read, its texts are copied
 * and their length is limited. The body is checked when the parameters are
 * decoded.
 *
 * Threading: one thread at a time uses a request.
 */
#ifndef SHMRPC_TOOLS_NATS_REQUEST_H
#define SHMRPC_TOOLS_NATS_REQUEST_H

#include "base/arena.h"
#include "shmrpc/beside.h"
#include "shmrpc/stub.h"
#include "transport/nats/pump.h"

/* The longest timeout that a request may ask for; the same as over HTTP. */
#define REQUEST_TIMEOUT_MS_MAX 600000u

typedef enum request_form {
    REQUEST_JSON,
    REQUEST_MSGPACK,
    REQUEST_BYTES /* bytes, for raw methods */
} request_form;

typedef struct request {
    struct request *next; /* this and the next three belong to the request's
                           * owner */
    void *owner;
    uint32_t index;      /* index of the method */
    bool is_again;       /* it was put back into the queue once */
    shmrpci_arena arena; /* memory of everything that the request holds */
    nats_pump *pump;     /* sends the answer */
    const char *method;
    const char *reply; /* subject for the answer; "": there is none */
    const uint8_t *body;
    size_t len;
    request_form in;
    request_form out;
    int64_t arrived_ns;
    int64_t timeout_ns; /* 0: the method's timeout */
    shmrpc_metadata with[SHMRPC_METADATA_MAX_ENTRIES + 2];
    size_t with_count;
    shmrpc_reply_metadata back;
    shmrpc_error error; /* code 0: the headers have no error */
} request;

/* Copies a message. Returns NULL if memory is exhausted. */
request *request_read(nats_pump *pump, const nats_message *message);
/* Frees a request; NULL is allowed. */
void request_free(request *r);

/* Decodes the parameters into the request's arena. Returns INVALID, with the
 * path, or NO_MEMORY on failure. */
int request_params(request *r, const shmrpc_method *method, const void **out,
                   shmrpc_error *error);

/* Returns how much of the request's timeout is left, counted from its arrival;
 * below 1: none. */
int64_t request_left_ns(const request *r, const shmrpc_method *method);

/* Answers with a result (NULL: none). Returns TOO_LARGE if it did not fit, or
 * UNIMPLEMENTED if the result can't be encoded in the requested form; in both
 * cases the client was told so. Returns UNAVAILABLE if there is no connection
 * to NATS. */
int request_answer(request *r, const shmrpc_method *method, const void *result);

/* Answers with an error and, if the method is known, with its details in
 * `reply`, which may be NULL. */
void request_fail(request *r, const shmrpc_method *method, const void *reply,
                  const shmrpc_error *error);

#endif
