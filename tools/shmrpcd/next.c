/* Decides what each service does next. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "os/program.h"
#include "tools/shmrpcd/manager.h"

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static mgr_unit *find_text(const mgr_manager *m, const char *name)
{
    return mgr_find(m, name, strlen(name));
}

/* Units are sorted so that each comes after those in its `after`, so one pass
 * from the end reaches all of them. The gateways of a wanted unit are wanted
 * too. A wanted gateway makes its service wanted, if it has only one. */
void mgr_want(mgr_manager *m, mgr_unit *unit)
{
    unit->is_wanted = true;
    for (size_t i = m->unit_count; i-- > 0;) {
        mgr_unit *later = m->units[i];
        bool leads = later->is_wanted &&
                     (!mgr_plan_is_gate(later->plan) ||
                      (later == unit && !later->plan->is_common_gate));
        if (mgr_plan_is_gate_of(later->plan, unit->plan->name)) {
            later->is_wanted = true;
        }
        for (size_t k = 0; leads && k < later->plan->after.count; k++) {
            mgr_unit *other = find_text(m, later->plan->after.items[k]);
            if (other != NULL) {
                other->is_wanted = true;
            }
        }
    }
}

/* Also false for a unit that is to be restarted, because it must stop first. */
static bool is_to_run(const mgr_manager *m, const mgr_unit *unit)
{
    return unit->is_wanted && !unit->restarts && !unit->is_removed &&
           m->stops == 0 && mgr_gate_may_run(m, unit);
}

/* Whether the unit may start now. All services in its `after` must run. At the
 * first start, so must earlier services of the file that have `waits` set,
 * unless they have failed. The management page does not wait for these, because
 * it shows what the others wait for. The gateway of several services only waits
 * for one of them. `*next_ns` is when to ask again. */
static bool may_start(const mgr_manager *m, mgr_unit *unit, int64_t *next_ns)
{
    *next_ns = SHMRPCI_NEVER_NS;
    if (unit->plan->is_common_gate) {
        *next_ns = mgr_gate_due_ns(m, unit);
        return shmrpci_remaining_ns(*next_ns) == 0;
    }
    for (size_t i = 0; i < unit->plan->after.count; i++) {
        const mgr_unit *other = find_text(m, unit->plan->after.items[i]);
        if (other != NULL && other->state != MGR_RUNNING) {
            return false;
        }
    }
    bool is_page = strcmp(unit->plan->name, MGR_PAGE_NAME) == 0;
    for (size_t i = 0; unit->starts == 0 && !is_page && m->units[i] != unit;
         i++) {
        const mgr_unit *other = m->units[i];
        if (other->plan->waits && is_to_run(m, other) && other->deaths == 0 &&
            other->state != MGR_RUNNING) {
            return false;
        }
    }
    return true;
}

/* Whether stopping the unit must wait. If all units are being stopped, it waits
 * for services that come after it. If only this unit is being
 * stopped, it waits for its gateway if the gateway is ending too. */
static bool is_needed(const mgr_manager *m, const mgr_unit *unit)
{
    bool ends = !unit->is_wanted || unit->is_removed;
    for (size_t i = 0; m->stops < 2 && i < m->unit_count; i++) {
        const mgr_unit *other = m->units[i];
        bool counts = m->stops == 1 || (ends && mgr_plan_is_gate(other->plan) &&
                                        !is_to_run(m, other));
        for (size_t k = 0; counts && k < other->plan->after.count; k++) {
            if (other->run_count > 0 &&
                strcmp(other->plan->after.items[k], unit->plan->name) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* A program that doesn't report readiness counts as running once it is
 * started. */
static void take_plain(mgr_unit *unit)
{
    if (unit->state == MGR_STARTING && unit->plan->is_plain) {
        unit->run->ready_ns = SHMRPCI_NEVER_NS;
        mgr_unit_enter(unit, MGR_RUNNING);
    }
}

/* A program that can't be loaded counts as one that died at once. It is retried
 * after backing off, because a missing file may come back. */
static void start(mgr_manager *m, mgr_unit *unit)
{
    int64_t now_ns = shmrpci_now_ns();
    if (mgr_run_start(m, unit)) {
        mgr_unit_enter(unit, MGR_STARTING);
        mgr_unit_say(unit, MGR_LEVEL_INFO, "started, pid %d",
                     (int)unit->run->pid);
        take_plain(unit);
        return;
    }
    unit->deaths++;
    shmrpci_backoff_died(&unit->backoff, now_ns, 0);
    mgr_unit_enter(unit, MGR_BACKOFF);
    mgr_unit_say(unit, MGR_LEVEL_ERROR, "%s", unit->last_end);
}

/* Sends the next of the stop signals SIGINT, SIGTERM, SIGKILL. SIGINT and
 * SIGTERM are skipped if the plan gives the program no time after them. */
static void climb(mgr_unit *unit)
{
    const int64_t times[] = {unit->plan->int_ns, unit->plan->term_ns};
    static const int signals[] = {SIGINT, SIGTERM};
    while (unit->step < 2 && times[unit->step] == 0) {
        unit->step++;
    }
    if (unit->step < 2) {
        if (unit->step == 1 && unit->plan->int_ns > 0) {
            mgr_unit_say(unit, MGR_LEVEL_WARNING,
                         "still runs after SIGINT: sending SIGTERM");
        }
        unit->step_ns = shmrpci_deadline_after(times[unit->step]);
        shmrpci_program_signal(unit->run->pid, signals[unit->step]);
        if (unit->run->is_stopped) {
            shmrpci_program_signal(unit->run->pid, SIGCONT); /* so that it
                                                              * receives the
                                                              * signal */
        }
    } else {
        mgr_unit_say(unit, MGR_LEVEL_ERROR, "does not end: it is killed");
        unit->step_ns = SHMRPCI_NEVER_NS;
        shmrpci_program_signal_group(unit->run->pid, SHMRPCI_CHILD_KILL);
    }
    unit->step++;
}

/* Begins to stop the program, and also an heir that has not taken over yet. At
 * kill_ns what is left of either is killed, whatever signals it ignored. */
static void begin_stop(mgr_unit *unit)
{
    if (unit->heir != NULL && unit->heir != unit->run) {
        unit->heir->kill_ns =
            shmrpci_deadline_after(unit->plan->int_ns + unit->plan->term_ns);
        shmrpci_program_signal(unit->heir->pid, SIGTERM);
    }
    unit->heir = NULL;
    unit->is_outdated = false;
    mgr_unit_enter(unit, MGR_STOPPING);
    mgr_unit_say(unit, MGR_LEVEL_INFO, "is stopped");
    unit->step = 0;
    unit->run->kill_ns =
        shmrpci_deadline_after(unit->plan->int_ns + unit->plan->term_ns);
    climb(unit);
}

/* Restarts the unit by an heir if it can have one. If the heir can't be
 * started, the restart is a cold one: stop, then start. */
static void replace(mgr_manager *m, mgr_unit *unit)
{
    bool goes_on = unit->is_wanted && !unit->is_removed && m->stops == 0;
    if (!unit->restarts || !goes_on || !mgr_run_can_replace(unit)) {
        return;
    }
    if (unit->heir == NULL && !mgr_run_replace(m, unit)) {
        unit->is_cold = true;
    } else {
        unit->restarts = false;
    }
}

/* Handles a unit whose program runs. Returns when to check it again. */
static int64_t step_running(mgr_manager *m, mgr_unit *unit)
{
    int64_t due_ns = unit->state == MGR_RUNNING ? mgr_gate_due_ns(m, unit)
                                                : SHMRPCI_NEVER_NS;
    unit->restarts = unit->restarts || shmrpci_remaining_ns(due_ns) == 0;
    replace(m, unit);
    take_plain(unit);
    if (!mgr_unit_is_ending(unit)) {
        int64_t lived_ns = shmrpci_now_ns() - unit->started_ns;
        if (is_to_run(m, unit) || is_needed(m, unit)) {
            shmrpci_backoff_lives(&unit->backoff, lived_ns);
            return lived_ns < SHMRPCI_YOUNG_NS
                       ? earlier(due_ns, unit->started_ns + SHMRPCI_YOUNG_NS)
                       : due_ns;
        }
        begin_stop(unit);
    } else if (shmrpci_remaining_ns(unit->step_ns) == 0) {
        climb(unit);
    }
    return unit->step_ns;
}

/* Handles a unit whose program does not run. Returns when to check it again. */
static int64_t step_ended(mgr_manager *m, mgr_unit *unit)
{
    if (unit->run_count == 0) {
        unit->restarts = false;
    }
    if (!is_to_run(m, unit)) {
        if (unit->run_count == 0) {
            mgr_unit_enter(unit, MGR_STOPPED);
        }
        return SHMRPCI_NEVER_NS;
    }
    if (mgr_unit_is_ending(unit) && unit->run_count > 0) {
        return SHMRPCI_NEVER_NS; /* wait until its processes have ended */
    }
    if (mgr_unit_backs_off(unit)) {
        if (shmrpci_remaining_ns(unit->backoff.next_ns) == 0) {
            if (unit->plan->is_common_gate &&
                mgr_gate_due_ns(m, unit) == SHMRPCI_NEVER_NS) {
                return SHMRPCI_NEVER_NS; /* wait until one of its services
                                          * runs */
            }
            start(m, unit);
        }
        return mgr_unit_backs_off(unit) ? unit->backoff.next_ns
                                        : unit->started_ns + SHMRPCI_YOUNG_NS;
    }
    mgr_unit_enter(unit, MGR_WAITING);
    int64_t next_ns;
    if (may_start(m, unit, &next_ns)) {
        start(m, unit);
        return mgr_unit_backs_off(unit) ? unit->backoff.next_ns
                                        : unit->started_ns + SHMRPCI_YOUNG_NS;
    }
    return next_ns;
}

/* Removes a unit, and keeps the others in starting order. */
static void remove_unit(mgr_manager *m, size_t index)
{
    mgr_unit_destroy(m->units[index]);
    m->unit_count--;
    memmove(m->units + index, m->units + index + 1,
            (m->unit_count - index) * sizeof(mgr_unit *));
}

/* Stops go from the last unit to the first, so that those started last are told
 * to end first. Starts go from the first to the last. */
int64_t mgr_units_step(mgr_manager *m)
{
    int64_t next_ns = SHMRPCI_NEVER_NS;
    for (size_t i = m->unit_count; i-- > 0;) {
        mgr_unit *unit = m->units[i];
        if (unit->run != NULL) {
            next_ns = earlier(next_ns, step_running(m, unit));
        }
    }
    for (size_t i = 0; i < m->unit_count; i++) {
        mgr_unit *unit = m->units[i];
        if (unit->run == NULL) {
            next_ns = earlier(next_ns, step_ended(m, unit));
        }
    }
    for (size_t i = m->unit_count; i-- > 0;) {
        if (m->units[i]->is_removed && m->units[i]->run_count == 0) {
            remove_unit(m, i);
        }
    }
    return next_ns;
}
