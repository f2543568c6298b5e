/*
 * Finds the addresses of a service by what a user calls it.
 *
 *     echo_serv              a name; its port is found in the socket folders
 *     echo_serv@two          one of several copies
 *     echo_serv:5555         when services of one name run on several ports
 *     shm://echo_serv@two    an address, or several, as of the library
 *
 * Callers may know more names: for example, the manager's sections.
 *
 * Threading: any thread, unless another one changes the environment; an arena
 * is one thread's at a time.
 */
#ifndef SHMRPC_SVC_FIND_H
#define SHMRPC_SVC_FIND_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/nearest.h"
#include "shmrpc/error.h"

/* A service that was found in a folder. */
typedef struct svc_place {
    const char *name;
    const char *instance; /* "" for none */
    uint16_t port;
    const char *where;   /* the socket */
    const char *address; /* "shm://name@instance" */
    bool hidden;         /* hidden by one of the same name in an earlier
                          * folder */
} svc_place;

typedef struct svc_places {
    svc_place *items; /* by name, instance and port */
    size_t count;
} svc_places;

/* All that are there, alive or not; in `arena`. Statuses of shmrpc_discover. */
int svc_places_find(shmrpci_arena *arena, svc_places *out, shmrpc_error *error);

typedef struct svc_target {
    const char *where; /* an address list with all names */
    uint16_t port;     /* the port of places without one; 0: each has its own */
} svc_target;

/*
 * Asked for `name`, which no socket has. OK: `*out` is the service's place, in
 * `arena`; NOT_FOUND: unknown, and known names are added to `search`, with
 * texts in `arena`; other statuses with a `message`.
 */
typedef int svc_other_names(shmrpci_arena *arena, const svc_places *places,
                            const char *name, const char **out,
                            shmrpci_nearest *search, shmrpci_buf *message);

/*
 * Finds the service that `service` names; `at`, unless it is NULL, is a list of
 * addresses to use; `others` may be NULL. The result lives in `arena`. INVALID:
 * the name is malformed; NOT_FOUND: no such service; other statuses as
 * svc_places_find; `message` says what to do.
 */
int svc_find(shmrpci_arena *arena, const char *service, const char *at,
             svc_other_names *others, svc_target *out, shmrpci_buf *message);

#endif
