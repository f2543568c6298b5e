/*
 * Traces of others that a request belongs to: `traceparent` of W3C Trace
 * Context.
 *
 * What is not exactly as it should be is as if it were not there, as the
 * recommendation demands. The id goes into our lines and, in `traceresponse`
 * of the reply, back with the number of our own part, whose children are the
 * calls of services.
 *
 * Threading: pure functions, but for random numbers.
 */
#ifndef SHMRPC_WEB_TRACE_H
#define SHMRPC_WEB_TRACE_H

#include "tools/shmrpc-web/head.h"

#define WEB_TRACE_ID_BYTES 33
#define WEB_TRACE_BYTES    56

typedef struct web_trace {
    char id[WEB_TRACE_ID_BYTES]; /* 32 hex digits; "": there is none */
    bool is_sampled;             /* whoever sent it keeps this one */
    char own[WEB_TRACE_BYTES];   /* our part; "": not made yet */
} web_trace;

/* Of a head that was checked. */
web_trace web_trace_read(const web_head *head);

/* Our part of the trace, for `traceresponse` and for what we call; NULL: it is
 * in none, or there are no random numbers. */
const char *web_trace_own(web_trace *trace);

#endif
