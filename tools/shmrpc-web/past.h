/*
 * Figures of the past, in steps that grow with age. Of fixed size.
 *
 * Threading: one thread at a time.
 */
#ifndef SHMRPC_WEB_PAST_H
#define SHMRPC_WEB_PAST_H

#include "tools/shmrpc-web/board.h"

#define WEB_PAST_SPANS 3

/* 25 min of 5 s, a day of 1 min, 30 days of 15 min. */
#define WEB_PAST_POINTS (300 + 1440 + 2880)

typedef struct web_past_ring {
    uint32_t next;  /* where the next point goes */
    uint32_t count; /* points that are there */
    uint32_t parts; /* of the point that is being made */
    web_figures sum;
} web_past_ring;

typedef struct web_past {
    web_past_ring rings[WEB_PAST_SPANS];
    web_figures points[WEB_PAST_POINTS];
} web_past;

/* Adds the figures of the last 5 s. */
void web_past_add(web_past *past, const web_figures *figures);

/* Appends members of a JSON object: `step_s`, and an array for each figure,
 * oldest first. */
void web_past_append(const web_past *past, web_span span, shmrpci_buf *out);

#endif
