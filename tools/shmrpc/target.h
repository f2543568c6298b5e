/*
 * From what a user calls a service to the addresses where it is.
 *
 *     echo_serv              a name; its port is found in the socket folders
 *     echo_serv@two          one of several copies
 *     echo_serv:5555         when services of one name run on several ports
 *     Echo                   the section of a manager's service.ini
 *     shm://echo_serv@two    an address, or several, as of the library
 *
 * Threading: main thread.
 */
#ifndef SHMRPC_TOOLS_TARGET_H
#define SHMRPC_TOOLS_TARGET_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "shmrpc/error.h"

/* A service that was found in a folder. */
typedef struct cli_place {
    const char *name;
    const char *instance; /* "" for none */
    uint16_t port;
    const char *where;   /* the socket */
    const char *address; /* "shm://name@instance" */
    bool hidden;         /* by one of the same name in a folder before */
} cli_place;

typedef struct cli_places {
    cli_place *items; /* by name, instance and port */
    size_t count;
} cli_places;

/* All that are there, alive or not; in `arena`. Statuses of shmrpc_discover. */
int cli_places_find(shmrpci_arena *arena, cli_places *out, shmrpc_error *error);

typedef struct cli_target {
    const char *where; /* an address list with all names */
    uint16_t port;     /* of places without one; 0: each has its own */
} cli_target;

/*
 * Understands `service`; `at`, unless it is NULL, is an address list that says
 * where it is. In `arena`. INVALID: it can't be understood; NOT_FOUND: no such
 * service; others of cli_places_find; `message` says what to do.
 */
int cli_target_find(shmrpci_arena *arena, const char *service, const char *at,
                    cli_target *out, shmrpci_buf *message);

#endif
