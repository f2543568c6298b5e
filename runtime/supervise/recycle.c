/* Replaces workers that have become too large, or have had enough calls. */
#include "supervise/state.h"

#include "os/clock.h"

/* How often to check. Private memory (/proc/PID/statm, microseconds) is read
 * every LOOK_SOON_NS while it grows fast, else every LOOK_NS; calls are counted
 * every LOOK_CALLS_NS. Shared memory is not visible in statm; it is measured
 * (PSS, milliseconds) only if the limit may be exceeded. */
#define LOOK_NS       (50 * SHMRPCI_NS_PER_MS)
#define LOOK_SOON_NS  (10 * SHMRPCI_NS_PER_MS)
#define LOOK_CALLS_NS (1 * SHMRPCI_NS_PER_S)

/* Measuring takes at most this fraction of the time. */
#define MEASURE_SHARE 20

/* Estimate of how long a worker that is being replaced continues to grow: until
 * its replacement is ready and its call has ended. */
#define AHEAD_NS (100 * SHMRPCI_NS_PER_MS)

/* A worker that must be replaced this soon was too large from the start, or
 * nearly so. After ten such workers in a row the service is reported as
 * degraded, and they are replaced more and more slowly. */
#define SOON_NS    (10 * SHMRPCI_NS_PER_S)
#define SOON_YOUNG (SOON_NS / SHMRPCI_YOUNG_NS)

/* ---- calls --------------------------------------------------------------- */

static void recycle_served(shmrpci_supervisor *s)
{
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        const shmrpci_worker *it = &s->workers[i];
        if (it->state == SHMRPCI_WORKER_RUNS && !it->is_outgoing &&
            shmrpci_worker_calls(s, i) >= s->opts.max_calls) {
            shmrpci_worker_replace(s, i);
        }
    }
}

/* ---- memory -------------------------------------------------------------- */

/* Returns by how much all workers together grow in `ns`, at the present rate.
 */
static uint64_t growth(const shmrpci_recycling *r, int64_t ns)
{
    return (uint64_t)((double)r->rate * (double)ns / SHMRPCI_NS_PER_S);
}

/* Reads the private memory of all workers, and its rate of growth. One check
 * can at most halve the rate, because a worker that has just left says
 * nothing about the growth of the others. */
static void look_at_growth(shmrpci_supervisor *s, int64_t now_ns)
{
    shmrpci_recycling *r = &s->recycling;
    uint64_t before = 0;
    uint64_t after = 0;
    uint64_t grown = 0;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        shmrpci_worker *it = &s->workers[i];
        if (it->state != SHMRPCI_WORKER_RUNS &&
            it->state != SHMRPCI_WORKER_LEAVES) {
            continue;
        }
        uint64_t bytes = shmrpci_process_private_bytes(it->pid);
        if (it->first_bytes == 0) {
            it->first_bytes = bytes;
        } else if (bytes > it->bytes) {
            before += it->bytes;
            after += bytes;
        }
        it->bytes = bytes;
        grown += bytes > it->measured_bytes ? bytes - it->measured_bytes : 0;
    }
    uint64_t rate = 0;
    if (now_ns > r->last_ns) {
        rate = (uint64_t)((double)(after - before) * SHMRPCI_NS_PER_S /
                          (double)(now_ns - r->last_ns));
    }
    r->rate = rate > r->rate / 2 ? rate : r->rate / 2;
    r->grown_bytes = grown;
    r->last_ns = now_ns;
}

/* Estimates the memory of all workers without measuring: all growth since the
 * last measurement counts as unshared. Only growth is added: the memory of a
 * worker that has left since then is not subtracted. */
static uint64_t estimate(const shmrpci_recycling *r)
{
    return r->share_bytes + r->grown_bytes;
}

/* Measures the memory shares (PSS) of all workers. Returns the sum of the
 * shares of leaving workers, whose memory will soon be free. */
static uint64_t measure(shmrpci_supervisor *s, uint64_t shares[])
{
    shmrpci_recycling *r = &s->recycling;
    int64_t began_ns = shmrpci_now_ns();
    uint64_t leaving = 0;
    r->share_bytes = 0;
    r->grown_bytes = 0;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        shmrpci_worker *it = &s->workers[i];
        shares[i] = 0;
        if (it->state != SHMRPCI_WORKER_RUNS &&
            it->state != SHMRPCI_WORKER_LEAVES) {
            continue;
        }
        shares[i] = shmrpci_process_memory_bytes(it->pid);
        it->measured_bytes = it->bytes;
        r->share_bytes += shares[i];
        if (it->is_outgoing || it->state == SHMRPCI_WORKER_LEAVES) {
            leaving += shares[i];
            shares[i] = 0;
        }
    }
    int64_t end_ns = shmrpci_now_ns();
    r->measure_ns = end_ns + (end_ns - began_ns) * MEASURE_SHARE;
    return leaving;
}

/* Replaces a worker that is too large. If its private memory has not doubled
 * since the first check, the worker was too large from the start: then its
 * replacement won't be smaller, and the backoff delays further replacements. */
static void replace_large(shmrpci_supervisor *s, uint32_t number,
                          int64_t now_ns)
{
    shmrpci_recycling *r = &s->recycling;
    const shmrpci_worker *it = &s->workers[number];
    bool has_grown = it->bytes / 2 > it->first_bytes;
    bool was_degraded = shmrpci_backoff_is_degraded(&r->backoff);
    shmrpci_backoff_died(&r->backoff, now_ns,
                         has_grown ? SOON_NS
                                   : (now_ns - it->started_ns) / SOON_YOUNG);
    shmrpci_supervisor_say(s,
                           "workers have %llu MB: worker %u (pid %d), the "
                           "largest, is replaced",
                           (unsigned long long)(r->share_bytes >> 20), number,
                           (int)it->pid);
    if (!was_degraded && shmrpci_backoff_is_degraded(&r->backoff)) {
        shmrpci_supervisor_say(
            s, "degraded: %llu MB are too little for %u workers",
            (unsigned long long)(s->opts.max_memory_bytes >> 20), s->target);
    }
    shmrpci_worker_replace(s, number);
}

/* Replaces as many workers as necessary, the largest first. */
static void recycle_large(shmrpci_supervisor *s, int64_t now_ns)
{
    uint64_t shares[SHMRPCI_WORKERS_MAX];
    uint64_t leaving = measure(s, shares);
    uint64_t expected = s->recycling.share_bytes;
    expected += growth(&s->recycling, AHEAD_NS);
    while (expected > s->opts.max_memory_bytes + leaving &&
           now_ns >= s->recycling.backoff.next_ns) {
        uint32_t largest = 0;
        for (uint32_t i = 1; i < SHMRPCI_WORKERS_MAX; i++) {
            largest = shares[i] > shares[largest] ? i : largest;
        }
        if (shares[largest] == 0) {
            return;
        }
        replace_large(s, largest, now_ns);
        leaving += shares[largest];
        shares[largest] = 0;
    }
}

/* Returns the pause before the next check: short enough for four checks before
 * the limit is reached at the present rate. */
static int64_t pause_after(const shmrpci_supervisor *s)
{
    const shmrpci_recycling *r = &s->recycling;
    uint64_t have = estimate(r);
    uint64_t limit = s->opts.max_memory_bytes;
    double left = have < limit ? (double)(limit - have) : 0.0;
    double rate = (double)r->rate;
    if (left * SHMRPCI_NS_PER_S >= 4.0 * LOOK_NS * rate) {
        return LOOK_NS;
    }
    int64_t pause_ns = (int64_t)(left * SHMRPCI_NS_PER_S / (4.0 * rate));
    return pause_ns > LOOK_SOON_NS ? pause_ns : LOOK_SOON_NS;
}

int64_t shmrpci_recycle(shmrpci_supervisor *s)
{
    shmrpci_recycling *r = &s->recycling;
    int64_t now_ns = shmrpci_now_ns();
    bool is_limited = s->opts.max_memory_bytes > 0;
    if (s->stop_deadline_ns != 0 || (!is_limited && s->opts.max_calls == 0)) {
        return SHMRPCI_NEVER_NS;
    }
    if (now_ns < r->next_ns) {
        return r->next_ns;
    }
    if (s->opts.max_calls > 0) {
        recycle_served(s);
    }
    if (!is_limited) {
        r->next_ns = now_ns + LOOK_CALLS_NS;
        return r->next_ns;
    }
    look_at_growth(s, now_ns);
    if (now_ns >= r->measure_ns &&
        estimate(r) + growth(r, AHEAD_NS) > s->opts.max_memory_bytes) {
        recycle_large(s, now_ns);
    }
    r->next_ns = shmrpci_deadline_after(pause_after(s));
    return r->next_ns;
}
