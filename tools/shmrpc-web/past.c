/* The history of figures in memory: points are merged as they arrive, and
 * written as columns of JSON. */
#include "tools/shmrpc-web/past.h"

#include <math.h>
#include <stdbool.h>

#include "base/json_text.h"

#define STEP_S 5

/* A ring of points. One point of it merges `parts` points of the finer ring. */
typedef struct ring_form {
    uint32_t begin; /* index of its first point in the arrays */
    uint32_t room;
    uint32_t parts;
    uint32_t step_s;
} ring_form;

static const ring_form forms[WEB_PAST_SPANS] = {
    [WEB_SPAN_25_MIN] = {0, 300, 1, STEP_S},
    [WEB_SPAN_DAY] = {300, 1440, 12, STEP_S * 12},
    [WEB_SPAN_30_DAYS] = {1740, 2880, 15, STEP_S * 12 * 15},
};

/* How points are merged into a coarser step: rates and levels by their mean,
 * high percentiles by the greatest, events by their sum. */
typedef enum merge { MEAN, GREATEST, SUM } merge;

static const struct column_form {
    const char *name;
    merge merge;
} columns[WEB_COLUMNS] = {
    [WEB_CALLS] = {"calls", MEAN},
    [WEB_ERRORS] = {"errors", MEAN},
    [WEB_P50] = {"p50_us", MEAN},
    [WEB_P99] = {"p99_us", GREATEST},
    [WEB_QUEUE_P99] = {"queue_p99_us", GREATEST},
    [WEB_CPU] = {"cpu", MEAN},
    [WEB_MEMORY] = {"memory", MEAN},
    [WEB_IO] = {"io", MEAN},
    [WEB_RESTARTS] = {"restarts", SUM},
    [WEB_CRASHES] = {"crashes", SUM},
};

/* ---- adding -------------------------------------------------------------- */

void web_point_clear(web_point *point)
{
    *point = (web_point){.errors = {0}};
    for (size_t i = 0; i < WEB_COLUMNS; i++) {
        point->values[i] = NAN;
    }
}

static void take(web_past_ring *ring, const web_point *part)
{
    ring->parts++;
    for (size_t i = 0; i < WEB_COLUMNS; i++) {
        float *sum = &ring->sum.values[i];
        if (isnan(part->values[i])) {
            continue;
        }
        ring->known[i]++;
        *sum = columns[i].merge == GREATEST ? fmaxf(*sum, part->values[i])
                                            : *sum + part->values[i];
    }
    for (size_t i = 0; i < WEB_STATUSES; i++) {
        ring->sum.errors[i] += part->errors[i];
    }
}

/* Finishes and returns the current point, and begins the next one. */
static web_point finish(web_past_ring *ring)
{
    web_point point = ring->sum;
    for (size_t i = 0; i < WEB_COLUMNS; i++) {
        if (ring->known[i] == 0) {
            point.values[i] = NAN;
        } else if (columns[i].merge == MEAN) {
            point.values[i] /= (float)ring->known[i];
        }
    }
    /* The rates of errors by status are means over the same parts as the rate
     * of all errors: the parts in which that rate is known. */
    uint32_t parts = ring->known[WEB_ERRORS];
    for (size_t i = 0; i < WEB_STATUSES && parts > 0; i++) {
        point.errors[i] /= (float)parts;
    }
    ring->parts = 0;
    ring->sum = (web_point){.errors = {0}};
    for (size_t i = 0; i < WEB_COLUMNS; i++) {
        ring->known[i] = 0;
    }
    return point;
}

static void keep(web_past *past, size_t at, int64_t unix_s,
                 const web_point *point)
{
    past->at_unix_s[at] = (uint32_t)unix_s;
    for (size_t i = 0; i < WEB_COLUMNS; i++) {
        past->values[i][at] = point->values[i];
    }
    for (size_t i = 0; i < WEB_STATUSES; i++) {
        /* Parts of the array that were never written take no memory yet, so
         * don't write a 0 over a 0. */
        if (past->errors[i][at] != point->errors[i]) {
            past->errors[i][at] = point->errors[i];
        }
    }
}

void web_past_add(web_past *past, int64_t unix_s, const web_point *point)
{
    web_point part = *point;
    for (size_t i = 0; i < WEB_PAST_SPANS; i++) {
        web_past_ring *ring = &past->rings[i];
        take(ring, &part);
        if (ring->parts < forms[i].parts) {
            return;
        }
        part = finish(ring);
        keep(past, forms[i].begin + ring->next, unix_s, &part);
        ring->next = (ring->next + 1) % forms[i].room;
        ring->count += ring->count < forms[i].room;
    }
}

/* ---- writing ------------------------------------------------------------- */

/* The position of the point that is `index` steps younger than the oldest
 * one. */
static uint32_t place_of(const web_past *past, web_span span, uint32_t index)
{
    const ring_form *form = &forms[span];
    const web_past_ring *ring = &past->rings[span];
    uint32_t first = ring->next + form->room - ring->count;
    return form->begin + (first + index) % form->room;
}

static bool has_any(const web_past *past, web_span span, const float *line)
{
    for (uint32_t i = 0; i < past->rings[span].count; i++) {
        if (line[place_of(past, span, i)] > 0) {
            return true;
        }
    }
    return false;
}

/* Appends the values of `line`, with null where `known` is NAN. */
static void append_line(const web_past *past, web_span span, const char *key,
                        const float *line, const float *known, shmrpci_buf *out)
{
    shmrpci_json_key(out, key);
    shmrpci_buf_append_char(out, '[');
    for (uint32_t i = 0; i < past->rings[span].count; i++) {
        uint32_t at = place_of(past, span, i);
        shmrpci_json_comma(out);
        if (isnan(known[at])) {
            shmrpci_buf_append_text(out, "null");
        } else {
            shmrpci_buf_printf(out, "%.6g", (double)line[at]);
        }
    }
    shmrpci_buf_append_char(out, ']');
}

static void append_times(const web_past *past, web_span span, shmrpci_buf *out)
{
    shmrpci_json_key(out, "at_unix_s");
    shmrpci_buf_append_char(out, '[');
    for (uint32_t i = 0; i < past->rings[span].count; i++) {
        shmrpci_json_comma(out);
        shmrpci_buf_printf(out, "%u", past->at_unix_s[place_of(past, span, i)]);
    }
    shmrpci_buf_append_char(out, ']');
}

void web_past_append(const web_past *past, web_span span, shmrpci_buf *out)
{
    shmrpci_json_set_uint(out, "step_s", forms[span].step_s);
    append_times(past, span, out);
    for (size_t i = 0; i < WEB_COLUMNS; i++) {
        append_line(past, span, columns[i].name, past->values[i],
                    past->values[i], out);
    }
    shmrpci_json_key(out, "errors_by_status");
    shmrpci_buf_append_char(out, '{');
    for (int i = 0; i < WEB_STATUSES; i++) {
        if (has_any(past, span, past->errors[i])) {
            append_line(
                past, span,
                shmrpc_status_name(i == 0 ? SHMRPC_DECLARED_ERROR_MIN : -i),
                past->errors[i], past->values[WEB_ERRORS], out);
        }
    }
    shmrpci_buf_append_char(out, '}');
}
