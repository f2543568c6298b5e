/* Workers that have become too large, or have had enough calls. */
#include "supervise/state.h"

#include "os/clock.h"

/* Measuring memory takes no more than one part in so many of the time. */
#define MEASURE_SHARE 100

/* One that must go so soon was too large when it came, or nearly: after ten on
 * end that is said, and they are replaced ever more slowly. */
#define SOON_NS    (10 * SHMRPCI_NS_PER_S)
#define SOON_YOUNG (SOON_NS / SHMRPCI_YOUNG_NS)

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

/* The memory of all, and which has most; false: some leaves already, and what
 * it gives back is to be seen first. */
static bool measure(const shmrpci_supervisor *s, uint64_t *out_bytes,
                    uint32_t *out_largest)
{
    uint64_t most = 0;
    *out_bytes = 0;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        const shmrpci_worker *it = &s->workers[i];
        if (it->state == SHMRPCI_WORKER_NONE) {
            continue;
        }
        if (it->is_outgoing || it->state != SHMRPCI_WORKER_RUNS) {
            return false;
        }
        uint64_t bytes = shmrpci_process_memory_bytes(it->pid);
        *out_bytes += bytes;
        if (bytes > most) {
            most = bytes;
            *out_largest = i;
        }
    }
    return most > 0;
}

static void recycle_largest(shmrpci_supervisor *s, int64_t now_ns)
{
    uint64_t bytes;
    uint32_t largest;
    if (!measure(s, &bytes, &largest) || bytes <= s->opts.max_memory_bytes ||
        now_ns < s->recycling.next_ns) {
        return;
    }
    const shmrpci_worker *it = &s->workers[largest];
    bool was_degraded = shmrpci_backoff_is_degraded(&s->recycling);
    shmrpci_backoff_died(&s->recycling, now_ns,
                         (now_ns - it->started_ns) / SOON_YOUNG);
    shmrpci_supervisor_say(s,
                           "workers have %llu MB: worker %u (pid %d), the "
                           "largest, is replaced",
                           (unsigned long long)(bytes >> 20), largest,
                           (int)it->pid);
    if (!was_degraded && shmrpci_backoff_is_degraded(&s->recycling)) {
        shmrpci_supervisor_say(
            s, "degraded: %llu MB are too little for %u workers",
            (unsigned long long)(s->opts.max_memory_bytes >> 20), s->target);
    }
    shmrpci_worker_replace(s, largest);
}

void shmrpci_recycle(shmrpci_supervisor *s)
{
    int64_t now_ns = shmrpci_now_ns();
    if (s->stop_deadline_ns != 0) {
        return;
    }
    if (s->opts.max_calls > 0) {
        recycle_served(s);
    }
    if (s->opts.max_memory_bytes > 0 && now_ns >= s->measure_next_ns) {
        recycle_largest(s, now_ns);
        int64_t end_ns = shmrpci_now_ns();
        s->measure_next_ns = end_ns + (end_ns - now_ns) * MEASURE_SHARE;
    }
}
