/*
 * Decides when gateways start and restart, as their services come and go.
 *
 * A TCP gateway has one service, and starts after it. The NATS gateway has
 * several: it starts with those that can be called, and is restarted when it
 * lacks a callable one. Both keep running when their services restart.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/clock.h"
#include "tools/shmrpcd/manager.h"

/* How long the gateway of several services waits for services that are
 * starting, because each one that comes later costs it a restart. */
#define GATHER_NS (2 * SHMRPCI_NS_PER_S)

/* Returns NULL if the service is not in the table. */
static mgr_unit *service_of(const mgr_manager *m, const mgr_unit *gate,
                            size_t i)
{
    const char *name = gate->plan->gate_of.items[i];
    return mgr_find(m, name, strlen(name));
}

static bool is_to_run(const mgr_unit *service)
{
    return service != NULL && service->is_wanted && !service->is_removed;
}

/* Checks only whether services are wanted, not whether they run now. */
bool mgr_gate_may_run(const mgr_manager *m, const mgr_unit *unit)
{
    bool may = !mgr_plan_is_gate(unit->plan);
    for (size_t i = 0; i < unit->plan->gate_of.count; i++) {
        may = may || is_to_run(service_of(m, unit, i));
    }
    return may;
}

/* ---- names ----------------------------------------------------------- */

/* Copies the name from the service's first shm://NAME address. Returns false if
 * there is none, or if the name is too long. */
static bool find_target(const mgr_unit *service, char out[128])
{
    static const char shm[] = "shm://";
    const char *at = service->addresses;
    while (*at != '\0') {
        size_t len = strcspn(at, ",");
        if (strncmp(at, shm, sizeof shm - 1) == 0) {
            int full = snprintf(out, 128, "%.*s", (int)(len - sizeof shm + 1),
                                at + sizeof shm - 1);
            return full > 0 && full < 128;
        }
        at += len + (at[len] == ',');
    }
    return false;
}

/* Whether the gateway was started with this name. */
static bool has_target(const mgr_unit *unit, const char *target)
{
    size_t len = strlen(target);
    const char *at = unit->targets;
    while (*at != '\0') {
        size_t its = strcspn(at, ",");
        if (its == len && memcmp(at, target, len) == 0) {
            return true;
        }
        at += its + (at[its] == ',');
    }
    return false;
}

/* The gateway of several services ignores those that don't run: it only takes
 * names when it starts. */
bool mgr_gate_aim(const mgr_manager *m, mgr_unit *unit)
{
    size_t used = 0;
    unit->targets[0] = '\0';
    unit->gather_ns = 0;
    for (size_t i = 0; i < unit->plan->gate_of.count; i++) {
        const mgr_unit *service = service_of(m, unit, i);
        char target[128];
        bool counts = service != NULL && (service->state == MGR_RUNNING ||
                                          !unit->plan->is_common_gate);
        if (!counts) {
            continue;
        }
        if (find_target(service, target)) {
            used += (size_t)snprintf(unit->targets + used,
                                     sizeof unit->targets - used, "%s%s",
                                     used > 0 ? "," : "", target);
        } else if (unit->plan->is_common_gate) {
            mgr_unit_say(unit, MGR_LEVEL_WARNING,
                         "`%s` has no shm:// address: it is not announced",
                         service->plan->name);
        }
    }
    return used > 0;
}

/* ---- when to start --------------------------------------------------- */

/* Whether the service may be running soon: it is starting, and has not failed
 * so far. */
static bool is_coming(const mgr_unit *service)
{
    return is_to_run(service) && service->deaths == 0 &&
           (service->state == MGR_WAITING || service->state == MGR_STARTING);
}

/* Whether the service runs but is not served by the gateway. If the gateway
 * itself doesn't run, a service without a shm:// address counts too:
 * mgr_gate_aim then reports it. */
static bool is_missing(const mgr_unit *unit, const mgr_unit *service)
{
    char target[128];
    return service != NULL && service->state == MGR_RUNNING &&
           (unit->run == NULL ||
            (find_target(service, target) && !has_target(unit, target)));
}

int64_t mgr_gate_due_ns(const mgr_manager *m, mgr_unit *unit)
{
    bool is_due = false;
    bool waits = false;
    for (size_t i = 0; i < unit->plan->gate_of.count; i++) {
        const mgr_unit *service = service_of(m, unit, i);
        is_due = is_due || is_missing(unit, service);
        waits = waits || is_coming(service);
    }
    if (!is_due) {
        unit->gather_ns = 0;
        return SHMRPCI_NEVER_NS;
    }
    if (!waits) {
        return 0;
    }
    if (unit->gather_ns == 0) {
        unit->gather_ns = shmrpci_deadline_after(GATHER_NS);
    }
    return unit->gather_ns;
}

/* ---- the gateway's command line -------------------------------------- */

/* Writes argument `i` to `out`. For a TCP gateway the plan's "=ADDRESS" gets
 * the service's name in front. */
static size_t put_argument(const mgr_unit *unit, size_t i, char *out)
{
    const char *from = unit->plan->argv[i];
    bool is_place = mgr_plan_is_gate(unit->plan) &&
                    !unit->plan->is_common_gate && from[0] == '=';
    size_t used = is_place ? strlen(unit->targets) : 0;
    memcpy(out, unit->targets, used);
    memcpy(out + used, from, strlen(from) + 1);
    return used + strlen(from) + 1;
}

char **mgr_gate_argv(const mgr_unit *unit)
{
    char *const *from = unit->plan->argv;
    size_t count = 0;
    size_t bytes = sizeof unit->targets;
    while (from[count] != NULL) {
        /* Leave room for the longest name in front of each argument. */
        bytes += strlen(from[count++]) + 129;
    }
    size_t room = count + unit->plan->gate_of.count + 1;
    char **argv = calloc(1, room * sizeof *argv + bytes);
    if (argv == NULL) {
        return NULL;
    }
    char *text = (char *)(argv + room);
    for (size_t i = 0; i < count; i++) {
        argv[i] = text;
        text += put_argument(unit, i, text);
    }
    if (unit->plan->is_common_gate) {
        char *rest = NULL;
        (void)snprintf(text, sizeof unit->targets, "%s", unit->targets);
        for (char *one = strtok_r(text, ",", &rest); one != NULL;
             one = strtok_r(NULL, ",", &rest)) {
            argv[count++] = one;
        }
    }
    return argv;
}
