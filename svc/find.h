/*
 * Finds the addresses of a service by the name that a user gives.
 *
 *     echo_serv              a name; its port is found in the socket folders
 *     echo_serv@two          one of several copies
 *     echo_serv:5555         when services of one name run on several ports
 *     shm://echo_serv@two    an address or a list of addresses, as the library
 *                            accepts
 *
 * Callers may know further names, such as the names of a manager's sections.
 *
 * Threading: any thread, unless another one changes the environment; an arena
 * belongs to one thread at a time.
 */
#ifndef SHMRPC_SVC_FIND_H
#define SHMRPC_SVC_FIND_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/nearest.h"
#include "shmrpc/error.h"

/* A service found in a socket folder. */
typedef struct svc_place {
    const char *name;
    const char *instance; /* "" for none */
    uint16_t port;
    const char *where;   /* path of the socket */
    const char *address; /* "shm://name@instance" */
    bool hidden;         /* an earlier folder has a service of the same name,
                          * which is used instead */
} svc_place;

typedef struct svc_places {
    svc_place *items; /* sorted by name, instance and port */
    size_t count;
} svc_places;

/* Lists all services, including dead ones; the list is in `arena`. Returns the
 * statuses of shmrpc_discover. */
int svc_places_find(shmrpci_arena *arena, svc_places *out, shmrpc_error *error);

typedef struct svc_target {
    const char *where; /* an address list in which every address has a name */
    uint16_t port;     /* the port of addresses without one; 0: each has its
                        * own */
} svc_target;

/*
 * Called for a `name` that no socket has. Returns OK and the service's address
 * list in `*out`, allocated in `arena`; NOT_FOUND if it is unknown, after
 * offering all known names to `search`, with texts in `arena`; other statuses
 * with a `message`.
 */
typedef int svc_other_names(shmrpci_arena *arena, const svc_places *places,
                            const char *name, const char **out,
                            shmrpci_nearest *search, shmrpci_buf *message);

/*
 * Finds the service that `service` names; `at`, unless it is NULL, is a list of
 * addresses to use; `others` may be NULL. The result lives in `arena`. Returns
 * INVALID if the name is malformed, NOT_FOUND if there is no such service,
 * other statuses as svc_places_find; `message` says what to do.
 */
int svc_find(shmrpci_arena *arena, const char *service, const char *at,
             svc_other_names *others, svc_target *out, shmrpci_buf *message);

#endif
