/* Gives leaving workers time to end their streams. */
#include "supervise/state.h"

#include "os/clock.h"

/* Returns when to cut the streams of a worker that began to leave at `left_ns`.
 * If the service is ending, the time is limited, so that the clients are told
 * before the worker is killed. */
static int64_t due_of(const shmrpci_supervisor *s, int64_t left_ns)
{
    int64_t due_ns = left_ns + s->opts.crew.drain_ns;
    int64_t last_ns = s->stop_deadline_ns - s->opts.stop_ns / 2;
    return s->stop_deadline_ns != 0 && last_ns < due_ns ? last_ns : due_ns;
}

static void cut(shmrpci_supervisor *s, uint32_t place)
{
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, i);
        outlet.transport->processes->cut(outlet.listener, place);
    }
}

/* Checks a worker that began to leave at `*left_ns`. If it is time, cuts its
 * streams and sets `*left_ns` to 0. Returns when to check again. */
static int64_t look_at(shmrpci_supervisor *s, int64_t *left_ns, uint32_t place)
{
    if (*left_ns == 0) {
        return SHMRPCI_NEVER_NS;
    }
    int64_t due_ns = due_of(s, *left_ns);
    if (shmrpci_remaining_ns(due_ns) > 0) {
        return due_ns;
    }
    *left_ns = 0;
    cut(s, place);
    return SHMRPCI_NEVER_NS;
}

int64_t shmrpci_drain_look(shmrpci_supervisor *s)
{
    int64_t next_ns = SHMRPCI_NEVER_NS;
    for (uint32_t i = 0; i < SHMRPCI_WORKERS_MAX; i++) {
        if (s->workers[i].state == SHMRPCI_WORKER_LEAVES) {
            int64_t due_ns =
                look_at(s, &s->workers[i].left_ns, shmrpci_worker_place(s, i));
            next_ns = due_ns < next_ns ? due_ns : next_ns;
        }
        if (s->elders[i].count > 0 && s->elders[i].is_told) {
            int64_t due_ns = look_at(s, &s->elders[i].left_ns, i);
            next_ns = due_ns < next_ns ? due_ns : next_ns;
        }
    }
    return next_ns;
}
