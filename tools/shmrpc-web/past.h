/*
 * The history of figures, of fixed size, in steps that grow with age.
 *
 * A missing value is a gap, never a 0: the service did not run, or nothing was
 * called.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_WEB_PAST_H
#define SHMRPC_WEB_PAST_H

#include <stdint.h>

#include "base/buf.h"
#include "shmrpc/status.h"

/* The figures that are kept; past.c has their names, and how each is merged. */
typedef enum web_column {
    WEB_CALLS, /* per second */
    WEB_ERRORS,
    WEB_P50, /* us */
    WEB_P99,
    WEB_QUEUE_P99,
    WEB_CPU,
    WEB_MEMORY,
    WEB_IO, /* bytes per second */
    WEB_RESTARTS,
    WEB_CRASHES,
    WEB_COLUMNS
} web_column;

/* Errors by status: status -N is at index N, all declared errors at 0. */
#define WEB_PAST_X(name, number, connect, http, may_have_run, text) +1
enum { WEB_STATUSES = 1 SHMRPC_STATUS_LIST(WEB_PAST_X) };
#undef WEB_PAST_X

/* The figures of 5 s. */
typedef struct web_point {
    float values[WEB_COLUMNS]; /* NAN: unknown */
    float errors[WEB_STATUSES];
} web_point;

typedef enum web_span {
    WEB_SPAN_25_MIN,
    WEB_SPAN_DAY,
    WEB_SPAN_30_DAYS,
    WEB_PAST_SPANS
} web_span;

/* Steps of 5 s for 25 min, of 1 min for a day, of 15 min for 30 days. */
#define WEB_PAST_POINTS (300 + 1440 + 2880)

/* The newest points of one span, and the current one. */
typedef struct web_past_ring {
    uint32_t next;  /* index of the next point */
    uint32_t count; /* number of finished points */
    uint32_t parts; /* number of parts in the current point */
    uint32_t known[WEB_COLUMNS];
    web_point sum;
} web_past_ring;

/* All zeros is an empty history. If there are no errors, most of it is never
 * touched and takes no memory. */
typedef struct web_past {
    web_past_ring rings[WEB_PAST_SPANS];
    uint32_t at_unix_s[WEB_PAST_POINTS]; /* end of each point's time */
    float values[WEB_COLUMNS][WEB_PAST_POINTS];
    float errors[WEB_STATUSES][WEB_PAST_POINTS];
} web_past;

/* Resets the point, so that all its values are unknown. */
void web_point_clear(web_point *point);

/* Adds the figures of the 5 s that end at `unix_s`. */
void web_past_add(web_past *past, int64_t unix_s, const web_point *point);

/* Appends members of a JSON object: `step_s`; `at_unix_s` with the end of each
 * step, oldest first; an array of the same length for each figure, with null
 * for missing values; and `errors_by_status`, with an array for each status
 * that occurred. */
void web_past_append(const web_past *past, web_span span, shmrpci_buf *out);

#endif
