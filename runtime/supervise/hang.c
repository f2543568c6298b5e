/*
 * Kills workers whose handlers run on although nobody has waited for them for a
 * long time.
 */
#include "supervise/state.h"

#include "os/clock.h"

/* Returns the time after which nobody waits for the call at a place: the call's
 * deadline or, for a call with streams, the time at which its client was first
 * seen to be gone, whichever is earlier. Returns SHMRPCI_NEVER_NS if neither is
 * known, or if there is no call. */
static int64_t alone_since(shmrpci_supervisor *s, uint32_t index,
                           uint32_t place, int64_t now_ns)
{
    shmrpci_outlet_view outlet = shmrpci_server_outlet(s->server, index);
    const shmrpci_process_ops *ops = outlet.transport->processes;
    shmrpci_abandoned *seen = &s->abandoned[index][place];
    shmrpci_worker_view view;
    ops->observe(outlet.listener, place, &view);
    if (!view.has_streams || !ops->observe_abandoned(outlet.listener, place)) {
        seen->since_ns = 0;
        return view.deadline_ns;
    }
    if (seen->since_ns == 0 || seen->calls != view.calls) {
        *seen = (shmrpci_abandoned){now_ns, view.calls};
    }
    return seen->since_ns < view.deadline_ns ? seen->since_ns
                                             : view.deadline_ns;
}

static bool is_hung(shmrpci_supervisor *s, uint32_t number, int64_t now_ns)
{
    uint32_t first = shmrpci_worker_place(s, number);
    bool is_hung = false;
    for (uint32_t i = 0; i < shmrpci_supervisor_outlets(s); i++) {
        for (uint32_t t = 0; t < s->opts.crew.threads; t++) {
            is_hung = alone_since(s, i, first + t, now_ns) <
                          now_ns - s->opts.hang_ns ||
                      is_hung;
        }
    }
    return is_hung;
}

void shmrpci_hang_look(shmrpci_supervisor *s, uint32_t number, int64_t now_ns)
{
    char calls[SHMRPCI_DEATH_CALLS_BYTES];
    if (s->workers[number].is_killed || !is_hung(s, number, now_ns)) {
        return;
    }
    shmrpci_deaths_name_calls(s, number, calls);
    shmrpci_supervisor_say(s,
                           "error: worker %u (pid %d) hangs in a call of %s "
                           "that nobody waits for any more: it is killed",
                           number, (int)s->workers[number].pid, calls);
    shmrpci_worker_kill(s, number);
}
