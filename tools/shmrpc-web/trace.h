/*
 * The trace that a request belongs to: `traceparent` of W3C Trace Context.
 *
 * A malformed value is ignored, as the recommendation demands. The trace id
 * appears in our log lines, and in `traceresponse` of the reply together with
 * the id of our own span, whose children are the calls of services.
 *
 * Threading: pure functions, except for random numbers.
 */
#ifndef SHMRPC_WEB_TRACE_H
#define SHMRPC_WEB_TRACE_H

#include "tools/shmrpc-web/head.h"

#define WEB_TRACE_ID_BYTES 33
#define WEB_TRACE_BYTES    56

typedef struct web_trace {
    char id[WEB_TRACE_ID_BYTES]; /* 32 hex digits; "": no trace */
    bool is_sampled;             /* the sender records this trace */
    char own[WEB_TRACE_BYTES];   /* our span; "": not made yet */
} web_trace;

/* Reads the trace from a head that was checked. */
web_trace web_trace_read(const web_head *head);

/* Returns our span of the trace, for `traceresponse` and for the calls. Returns
 * NULL if there is no trace, or if no random numbers are available. */
const char *web_trace_own(web_trace *trace);

#endif
