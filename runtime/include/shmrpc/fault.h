/*
 * Faults: how a caller learns of an exception that a handler raised.
 *
 * A handler that fails in a way that its service does not declare may answer
 * with a fault: the exception's type name, message, arguments as values, and
 * stack trace. (C has no exceptions; handlers in Python use this.) The call
 * ends in UNKNOWN, with "TYPE: MESSAGE" as the message of its error object. A
 * caller that wants the details asks for them:
 *
 *     const void *reply = NULL;
 *     shmrpc_opts opts = {.flags = SHMRPC_OPT_FAULTS};
 *     status = shmrpc_stub_call_reply(client, method, params, &opts, &reply,
 *                                     &error);
 *     const shmrpc_fault *fault = shmrpc_stub_fault(reply);      // or NULL
 *     ...
 *     shmrpc_stub_release(reply);
 *
 * A fault comes from the other side and is not trusted: texts are UTF-8, but
 * may hold control characters; never look up or load anything by the type's
 * name.
 *
 * Threading: like the handlers and replies that faults belong to.
 */
#ifndef SHMRPC_FAULT_H
#define SHMRPC_FAULT_H

#include <stdint.h>

#include "shmrpc/descriptor.h"
#include "shmrpc/platform.h"
#include "shmrpc/types.h"

SHMRPC_BEGIN_DECLS

struct shmrpc_ctx;

/* Max size of an encoded fault. */
#define SHMRPC_FAULT_MAX_BYTES 65536

enum {
    /* The stack trace of the fault is sent to every caller. */
    SHMRPC_FAULT_TRACE_TO_ALL = 1u << 0
};

typedef struct shmrpc_fault {
    shmrpc_str type;      /* "ValueError" */
    shmrpc_str message;   /* "" when there is none */
    shmrpc_str trace;     /* stack trace of several lines, human-readable; "":
                           * none */
    shmrpc_any args;      /* usually a list; null: none, or not to be sent */
    uint64_t flags;       /* SHMRPC_FAULT_...; 0 in a received fault */
    uint64_t reserved[1]; /* 0; later members take its place */
} shmrpc_fault;

/* The type of shmrpc_fault, for programs that print or forward faults
 * themselves. */
SHMRPC_API extern const shmrpc_type shmrpc_type_fault;

/*
 * Makes the call end in a fault if the handler returns this function's result,
 * SHMRPC_E_UNKNOWN. If the fault is too long, the trace is cut at its beginning
 * and the message at its end; arguments that can't be sent (too long, or not
 * UTF-8) are left out. Because traces may hold secrets, the trace is sent only
 * to callers that run as the server's own user, so never over tcp:// or HTTP;
 * with SHMRPC_FAULT_TRACE_TO_ALL it is sent to all. If a handler sets several
 * faults and declared errors, the last one wins.
 */
SHMRPC_API int shmrpc_ctx_fault(struct shmrpc_ctx *ctx,
                                const shmrpc_fault *fault);

/* Returns the fault in which the call that returned `reply` has ended, or NULL
 * if there is none. It lives as long as the reply, which may be NULL. */
SHMRPC_API const shmrpc_fault *shmrpc_stub_fault(const void *reply);

SHMRPC_END_DECLS

#endif
