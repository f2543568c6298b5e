/* Observes the load, and has the policy decide the number of workers. */
#include "supervise/state.h"

#include "os/clock.h"

/* How many checks within a fifth of grow_ns, while there is a load. */
#define LOOKS    10
#define LEAST_NS (10 * SHMRPCI_NS_PER_MS)
/* The pause between checks without a load. */
#define LOOK_IDLE_NS (1 * SHMRPCI_NS_PER_S)

/* Adds the figures of one outlet since the last check. */
static void add_outlet(shmrpci_supervisor *s, uint32_t index,
                       shmrpci_scale_sample *sample)
{
    shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, index);
    shmrpci_load_view load;
    int64_t busy_ns = 0;
    uint64_t calls = 0;
    uint32_t streaming = 0;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        shmrpci_worker_view view;
        outlet.transport->processes->observe(outlet.listener, i, &view);
        busy_ns += view.busy_ns;
        calls += view.calls;
        streaming += view.has_streams ? 1u : 0u;
    }
    /* A worker whose streams keep it from taking calls is not counted. */
    streaming /= s->opts.crew.threads;
    sample->workers -= streaming < sample->workers ? streaming : 0;
    /* The sum may shrink: if a worker died in a call, the time of that call is
     * missing now. */
    int64_t more_ns = busy_ns - s->scaling.busy_ns[index];
    more_ns = more_ns > 0 ? more_ns / s->opts.crew.threads : 0;
    /* Each outlet has its own threads in a worker, so the busiest outlet
     * counts. */
    sample->busy_ns = more_ns > sample->busy_ns ? more_ns : sample->busy_ns;
    sample->calls += calls - s->scaling.calls[index];
    s->scaling.busy_ns[index] = busy_ns;
    s->scaling.calls[index] = calls;
    outlet.transport->processes->observe_load(outlet.listener, &load);
    sample->waiting += load.waiting;
    sample->age_ns =
        load.age_ns > sample->age_ns ? load.age_ns : sample->age_ns;
}

/* Whether a worker is idle. With `may_wait` it may also have waiting streams or
 * detached calls. */
static bool is_spare(const shmrpci_supervisor *s, uint32_t number,
                     bool may_wait)
{
    /* Only running workers have places. */
    if (s->workers[number].state != SHMRPCI_WORKER_RUNS) {
        return false;
    }
    return may_wait ? !shmrpci_worker_is_running(s, number)
                    : !shmrpci_worker_is_busy(s, number);
}

/* Returns the newest spare worker, or SHMRPCI_WORKERS_MAX if there is none. */
static uint32_t find_newest(const shmrpci_supervisor *s, bool may_wait)
{
    uint32_t newest = SHMRPCI_WORKERS_MAX;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (is_spare(s, i, may_wait) &&
            (newest == SHMRPCI_WORKERS_MAX ||
             s->workers[i].started_ns >= s->workers[newest].started_ns)) {
            newest = i;
        }
    }
    return newest;
}

/* Retires a spare worker. If there is none, this is tried again later. */
static bool retire_one(shmrpci_supervisor *s)
{
    uint32_t newest = find_newest(s, false);
    if (newest == SHMRPCI_WORKERS_MAX) {
        newest = find_newest(s, true);
    }
    if (newest < SHMRPCI_WORKERS_MAX) {
        shmrpci_worker_retire(s, newest);
    }
    return newest < SHMRPCI_WORKERS_MAX;
}

static void change(shmrpci_supervisor *s, int by, int64_t now_ns)
{
    if (by < 0 && !retire_one(s)) {
        return;
    }
    if (by != 0) {
        s->target += (uint32_t)by;
        shmrpci_scale_changed(&s->scaling.scale, now_ns);
        shmrpci_supervisor_say(
            s, "%u workers: %s", s->target,
            by > 0 ? "calls are waiting while all workers are busy"
                   : "fewer workers are enough");
    }
}

int64_t shmrpci_scaling_look(shmrpci_supervisor *s)
{
    int64_t now_ns = shmrpci_now_ns();
    if (s->opts.min_workers == s->opts.max_workers || s->target == 0) {
        return SHMRPCI_NEVER_NS;
    }
    if (now_ns < s->scaling.next_ns) {
        return s->scaling.next_ns;
    }
    shmrpci_scale_sample sample = {.workers = shmrpci_workers_active(s)};
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        add_outlet(s, i, &sample);
    }
    bool is_idle = sample.busy_ns == 0 && sample.waiting == 0;
    if (shmrpci_workers_active(s) == s->target) {
        change(s,
               shmrpci_scale_look(&s->scaling.scale, &s->opts.scale, now_ns,
                                  &sample),
               now_ns);
    }
    int64_t pause_ns = s->opts.scale.grow_ns / (5 * LOOKS);
    pause_ns = pause_ns < LEAST_NS ? LEAST_NS : pause_ns;
    s->scaling.next_ns = now_ns + (is_idle ? LOOK_IDLE_NS : pause_ns);
    return s->scaling.next_ns;
}
