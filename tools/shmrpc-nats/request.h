/*
 * A call by a client without shmrpc: a message of NATS whose body is the
 * parameters, and the message that answers it (docs/many-machines.md, "Clients
 * without shmrpc").
 *
 * Everything in a request is a stranger's: texts are copied and bounded when it
 * is read, the body when its parameters are decoded.
 *
 * Threading: one thread at a time has a request.
 */
#ifndef SHMRPC_TOOLS_NATS_REQUEST_H
#define SHMRPC_TOOLS_NATS_REQUEST_H

#include "base/arena.h"
#include "shmrpc/beside.h"
#include "shmrpc/stub.h"
#include "transport/nats/pump.h"

/* The longest deadline that a request may ask for, as over HTTP. */
#define REQUEST_TIMEOUT_MS_MAX 600000u

typedef enum request_form {
    REQUEST_JSON,
    REQUEST_MSGPACK,
    REQUEST_BYTES /* of raw methods */
} request_form;

typedef struct request {
    struct request *next; /* its owner's, as the next three */
    void *owner;
    uint32_t index;      /* of the method */
    bool is_again;       /* it was put back once */
    shmrpci_arena arena; /* of all that it holds */
    nats_pump *pump;     /* for the answer */
    const char *method;
    const char *reply; /* where the answer goes; "": nowhere */
    const uint8_t *body;
    size_t len;
    request_form in;
    request_form out;
    int64_t arrived_ns;
    int64_t timeout_ns; /* 0: the method's */
    shmrpc_metadata with[SHMRPC_METADATA_MAX_ENTRIES + 2];
    size_t with_count;
    shmrpc_reply_metadata back;
    shmrpc_error error; /* code 0: nothing is wrong with its headers */
} request;

/* Copies a message. NULL: out of memory. */
request *request_read(nats_pump *pump, const nats_message *message);
/* NULL is fine. */
void request_free(request *r);

/* Decodes the parameters into the request's arena. INVALID, with the path;
 * NO_MEMORY. */
int request_params(request *r, const shmrpc_method *method, const void **out,
                   shmrpc_error *error);

/* How much of its deadline is left, counted from its arrival; below 1:
 * nothing. */
int64_t request_left_ns(const request *r, const shmrpc_method *method);

/* Answers with a result (NULL: none). TOO_LARGE: it did not fit, and the client
 * was told so; UNIMPLEMENTED: it has no such form, and the client was told so;
 * UNAVAILABLE: there is no connection to NATS. */
int request_answer(request *r, const shmrpc_method *method, const void *result);

/* Answers with an error and, if the method is known, its details in `reply`,
 * which may be NULL. */
void request_fail(request *r, const shmrpc_method *method, const void *reply,
                  const shmrpc_error *error);

#endif
