/* Warm-up, batches, quantiles. measure.h says what the figures mean. */
#include "measure.h"

#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "clock.h"

enum {
    BATCHES = 5,
    GROUP = 64,
    GROUP_BELOW_NS = 1000,
    /* A batch takes at least MIN_SAMPLES samples, unless they take LONG times
     * its planned time. It takes at most MAX_SAMPLES, even if time is left. */
    MIN_SAMPLES = 3,
    LONG = 20,
    MAX_SAMPLES = 1 << 13
};

typedef struct timing {
    void (*call)(void *state);
    void *state;
    unsigned group; /* calls in one sample */
    uint64_t batch_ticks;
} timing;

/* How many calls the current call counts as (bench_counts_as). */
static double current_times;

void bench_counts_as(double times)
{
    current_times = times;
}

/* The time that the current call has reported by bench_took(); 0 if none. */
static double current_ns;

void bench_took(double ns)
{
    current_ns = ns;
}

/* Makes the calls of one sample; returns how many calls they count as. */
static double sample_once(const timing *t)
{
    double times = 0;
    for (unsigned i = 0; i < t->group; i++) {
        current_times = 1;
        t->call(t->state);
        times += current_times;
    }
    return times;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(double *values, size_t count, double fraction)
{
    if (count == 0) {
        return 0;
    }
    qsort(values, count, sizeof *values, by_value);
    return values[(size_t)(fraction * (double)(count - 1) + 0.5)];
}

/* Fills `samples` with ns per call; returns the number of samples. `ops_per_s`
 * may be NULL. */
static size_t batch(const timing *t, double *samples, double *ops_per_s)
{
    const double ns = bench_ns_per_tick();
    const uint64_t start = bench_ticks();
    uint64_t last = start;
    double times = 0;
    size_t count = 0;
    while (count < MAX_SAMPLES &&
           (last - start < t->batch_ticks ||
            (count < MIN_SAMPLES && last - start < LONG * t->batch_ticks))) {
        current_ns = 0;
        const double more = sample_once(t);
        const uint64_t now = bench_ticks();
        samples[count++] =
            (current_ns > 0 ? current_ns : (double)(now - last) * ns) / more;
        times += more;
        last = now;
    }
    if (ops_per_s != NULL) {
        *ops_per_s = 1e9 * times / ((double)(last - start) * ns);
    }
    return count;
}

/* Runs calls for the time of one batch and chooses how many calls a sample
 * groups. */
static void warm_up(timing *t, double *samples)
{
    t->group = 1;
    const size_t count = batch(t, samples, NULL);
    if (bench_quantile(samples, count, 0.5) < GROUP_BELOW_NS) {
        t->group = GROUP;
    }
}

void bench_measure(void (*call)(void *state), void *state, int64_t budget_ns,
                   bench_figures *out)
{
    timing t = {.call = call, .state = state, .group = 1};
    t.batch_ticks =
        (uint64_t)((double)budget_ns / (BATCHES + 2) / bench_ns_per_tick());
    const size_t room = (size_t)BATCHES * MAX_SAMPLES;
    double *const samples = bench_alloc(room * sizeof *samples);
    double medians[BATCHES];
    double rates[BATCHES];
    size_t count = 0;

    /* Touches all pages; otherwise page faults would be measured in the first
     * batch. */
    memset(samples, 0, room * sizeof *samples);
    warm_up(&t, samples);
    for (int i = 0; i < BATCHES; i++) {
        const size_t n = batch(&t, samples + count, &rates[i]);
        medians[i] = bench_quantile(samples + count, n, 0.5);
        count += n;
    }
    out->p50_ns = bench_quantile(medians, BATCHES, 0.5);
    if (t.group > 1) {
        t.group = 1;
        count = batch(&t, samples, NULL);
    }
    /* If other processes keep the CPUs busy, hardly any group of calls is
     * undisturbed, and batches differ so much that the median of their medians
     * means little. So the median of single calls is used if it is lower. */
    const double single = bench_quantile(samples, count, 0.5);
    out->p50_ns = single < out->p50_ns ? single : out->p50_ns;
    out->p99_ns = bench_quantile(samples, count, 0.99);
    out->p999_ns = bench_quantile(samples, count, 0.999);
    out->ops_per_s = bench_quantile(rates, BATCHES, 0.5);
    free(samples);
}
