/* Gateways: how they follow the service that they are for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/shmrpcd/manager.h"

/* Whether the service runs now doesn't matter: a gateway outlives its
 * restarts. */
bool mgr_gate_may_run(const mgr_manager *m, const mgr_unit *unit)
{
    const char *name = unit->plan->gate_of;
    const mgr_unit *service =
        name != NULL ? mgr_find(m, name, strlen(name)) : NULL;
    return name == NULL ||
           (service != NULL && service->is_wanted && !service->is_removed);
}

/* Copies the name of the service from the first of its addresses that is
 * shm://NAME; false: it has none, or the name is too long. */
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

bool mgr_gate_aim(const mgr_manager *m, mgr_unit *unit)
{
    const char *name = unit->plan->gate_of;
    const mgr_unit *service = mgr_find(m, name, strlen(name));
    if (service == NULL || !find_target(service, unit->target)) {
        unit->target[0] = '\0';
    }
    return unit->target[0] != '\0';
}

/* False while the service does not run: its name is not known before it does;
 * usually it stays the same. */
bool mgr_gate_is_astray(const mgr_manager *m, const mgr_unit *unit)
{
    char target[128];
    const char *name = unit->plan->gate_of;
    const mgr_unit *service =
        name != NULL ? mgr_find(m, name, strlen(name)) : NULL;
    return service != NULL && service->state == MGR_RUNNING &&
           find_target(service, target) && strcmp(target, unit->target) != 0;
}

/* Puts the target before each "=ADDRESS" of a gateway; arguments of other
 * programs are copied as they are, even if they begin with a `=`. */
char **mgr_gate_argv(const mgr_unit *unit)
{
    char *const *from = unit->plan->argv;
    size_t count = 0;
    size_t bytes = 0;
    while (from[count] != NULL) {
        /* Room for a name of maximum length before each of them, with its
         * NUL. */
        bytes += strlen(from[count++]) + sizeof unit->target;
    }
    char **argv = calloc(1, (count + 1) * sizeof *argv + bytes);
    if (argv == NULL) {
        return NULL;
    }
    char *text = (char *)(argv + count + 1);
    for (size_t i = 0; i < count; i++) {
        bool is_place = unit->plan->gate_of != NULL && from[i][0] == '=';
        int len = snprintf(text, strlen(from[i]) + sizeof unit->target, "%s%s",
                           is_place ? unit->target : "", from[i]);
        argv[i] = text;
        text += len + 1;
    }
    return argv;
}
