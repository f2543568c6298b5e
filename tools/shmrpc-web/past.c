/* The past. */
#include "tools/shmrpc-web/past.h"

#include "tools/shmrpc-web/json.h"

/* The first step is WEB_PAST_STEP_S long; each other one holds `parts` of the
 * one before it. */
#define STEP_S 5

typedef struct ring_form {
    uint32_t begin; /* in the points */
    uint32_t room;
    uint32_t parts;
    uint32_t step_s;
} ring_form;

static const ring_form forms[WEB_PAST_SPANS] = {
    [WEB_SPAN_25_MIN] = {0, 300, 1, STEP_S},
    [WEB_SPAN_DAY] = {300, 1440, 12, STEP_S * 12},
    [WEB_SPAN_30_DAYS] = {1740, 2880, 15, STEP_S * 12 * 15},
};

static float larger(float a, float b)
{
    return a > b ? a : b;
}

/* Rates are averaged later; of percentiles and memory the worst is kept. */
static void take(web_figures *sum, const web_figures *part)
{
    sum->calls_per_s += part->calls_per_s;
    sum->errors_per_s += part->errors_per_s;
    sum->cpu += part->cpu;
    sum->io_bytes_per_s += part->io_bytes_per_s;
    sum->p50_us = larger(sum->p50_us, part->p50_us);
    sum->p99_us = larger(sum->p99_us, part->p99_us);
    sum->queue_p99_us = larger(sum->queue_p99_us, part->queue_p99_us);
    if (part->memory_bytes > sum->memory_bytes) {
        sum->memory_bytes = part->memory_bytes;
    }
}

static web_figures average(const web_figures *sum, uint32_t parts)
{
    web_figures point = *sum;
    point.calls_per_s /= (float)parts;
    point.errors_per_s /= (float)parts;
    point.cpu /= (float)parts;
    point.io_bytes_per_s /= parts;
    return point;
}

void web_past_add(web_past *past, const web_figures *figures)
{
    web_figures point = *figures;
    for (size_t i = 0; i < WEB_PAST_SPANS; i++) {
        web_past_ring *ring = &past->rings[i];
        take(&ring->sum, &point);
        if (++ring->parts < forms[i].parts) {
            return;
        }
        point = average(&ring->sum, ring->parts);
        past->points[forms[i].begin + ring->next] = point;
        ring->next = (ring->next + 1) % forms[i].room;
        ring->count += ring->count < forms[i].room;
        ring->parts = 0;
        ring->sum = (web_figures){.memory_bytes = 0};
    }
}

/* ---- out ---- */

typedef enum column {
    CALLS,
    ERRORS,
    P50,
    P99,
    QUEUE,
    CPU,
    MEMORY,
    IO,
    COLUMN_COUNT
} column;

static const char *const column_names[COLUMN_COUNT] = {
    [CALLS] = "calls",        [ERRORS] = "errors",
    [P50] = "p50_us",         [P99] = "p99_us",
    [QUEUE] = "queue_p99_us", [CPU] = "cpu",
    [MEMORY] = "memory",      [IO] = "io"};

static double value_of(const web_figures *f, column which)
{
    switch (which) {
    case CALLS:
        return (double)f->calls_per_s;
    case ERRORS:
        return (double)f->errors_per_s;
    case P50:
        return (double)f->p50_us;
    case P99:
        return (double)f->p99_us;
    case QUEUE:
        return (double)f->queue_p99_us;
    case CPU:
        return (double)f->cpu;
    case MEMORY:
        return (double)f->memory_bytes;
    case IO:
        return (double)f->io_bytes_per_s;
    case COLUMN_COUNT:
        break;
    }
    return 0;
}

void web_past_append(const web_past *past, web_span span, shmrpci_buf *out)
{
    const ring_form *form = &forms[span];
    const web_past_ring *ring = &past->rings[span];
    uint32_t first = (ring->next + form->room - ring->count) % form->room;
    web_json_set_uint(out, "step_s", form->step_s);
    for (column which = CALLS; which < COLUMN_COUNT; which++) {
        web_json_key(out, column_names[which]);
        shmrpci_buf_append_char(out, '[');
        for (uint32_t i = 0; i < ring->count; i++) {
            uint32_t at = form->begin + (first + i) % form->room;
            shmrpci_buf_printf(out, i > 0 ? ",%.6g" : "%.6g",
                               value_of(&past->points[at], which));
        }
        shmrpci_buf_append_char(out, ']');
    }
}
