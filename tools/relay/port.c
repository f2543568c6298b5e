/* Finds the port of a service by the service's name. */
#include "tools/relay/port.h"

#include <stdio.h>
#include <string.h>

#include "shmrpc/discover.h"

typedef struct wanted {
    const char *name;
    uint16_t port; /* 0: not found yet */
} wanted;

/* If several services have the name, the first one wins, as it does for
 * clients. */
static void on_found(void *user, const shmrpc_found *found)
{
    wanted *w = user;
    char name[160];
    bool has_instance = found->instance[0] != '\0';
    (void)snprintf(name, sizeof name, "%s%s%s", found->name,
                   has_instance ? "@" : "", found->instance);
    if (w->port == 0 && strcmp(name, w->name) == 0) {
        w->port = found->port;
    }
}

int relay_port_of(const char *name, uint16_t *out, shmrpc_error *error)
{
    wanted w = {.name = name};
    int status = shmrpc_discover(error, on_found, &w);
    if (status == SHMRPC_OK && w.port == 0) {
        status = shmrpc_error_set(
            error, SHMRPC_E_NOT_FOUND,
            "no such service runs on this machine (`shmrpc list` lists them; "
            "write %.60s:PORT for one that starts later)",
            name);
    }
    *out = w.port;
    return status;
}
