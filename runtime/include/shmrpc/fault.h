/*
 * Faults: exceptions of a handler's language, as its caller can tell them.
 *
 * A handler that fails in a way which its service does not declare answers with
 * a fault: the type's name, the text, the arguments as values and the trace, of
 * which C has none, but Python, say, has all.  The call ends in UNKNOWN, with
 * "TYPE: MESSAGE" as the message of its error object; a caller that wants to
 * know more asks for it:
 *
 *     const void *reply = NULL;
 *     shmrpc_opts opts = {.flags = SHMRPC_OPT_FAULTS};
 *     status = shmrpc_stub_call_reply(client, method, params, &opts, &reply,
 *                                     &error);
 *     const shmrpc_fault *fault = shmrpc_stub_fault(reply);      // or NULL
 *     ...
 *     shmrpc_stub_release(reply);
 *
 * What is in a fault comes from the other side: texts are UTF-8, but may hold
 * control characters, and the type's name is a name and nothing to be looked up
 * or loaded.
 *
 * Threading: as handlers and replies.
 */
#ifndef SHMRPC_FAULT_H
#define SHMRPC_FAULT_H

#include <stdint.h>

#include "shmrpc/descriptor.h"
#include "shmrpc/platform.h"
#include "shmrpc/types.h"

SHMRPC_BEGIN_DECLS

struct shmrpc_ctx;

/* Never longer, as it is sent. */
#define SHMRPC_FAULT_MAX_BYTES 65536

enum {
    /* The trace of a raised fault is sent to every caller. */
    SHMRPC_FAULT_TRACE_TO_ALL = 1u << 0
};

typedef struct shmrpc_fault {
    shmrpc_str type;      /* "ValueError" */
    shmrpc_str message;   /* "" when there is none */
    shmrpc_str trace;     /* for people, of several lines; "": none */
    shmrpc_any args;      /* mostly a list; null: none, or not to be sent */
    uint64_t flags;       /* SHMRPC_FAULT_...; of a received one 0 */
    uint64_t reserved[1]; /* 0; later members take its place */
} shmrpc_fault;

/* Its table, for those who print or pass on faults by their own means. */
SHMRPC_API extern const shmrpc_type shmrpc_type_fault;

/*
 * The call will end in a fault, if the handler returns the result of this
 * function, SHMRPC_E_UNKNOWN. What is too long is cut: the trace at its
 * beginning, the message at its end; arguments that can't be sent (too long, or
 * no UTF-8) are left out. The trace is sent to callers of the server's own user
 * only, since traces hold secrets: not over tcp:// and not by HTTP; with
 * SHMRPC_FAULT_TRACE_TO_ALL to all. Of several faults and declared errors the
 * last one counts.
 */
SHMRPC_API int shmrpc_ctx_fault(struct shmrpc_ctx *ctx,
                                const shmrpc_fault *fault);

/* The fault in which the call that returned `reply` has ended, else NULL. Lives
 * as long as the reply, which may be NULL. */
SHMRPC_API const shmrpc_fault *shmrpc_stub_fault(const void *reply);

SHMRPC_END_DECLS

#endif
