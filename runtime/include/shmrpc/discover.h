/*
 * Services on this machine: which there are, and what one says of itself.
 *
 * For tools and gateways, which learn of a service when they run.  Programs
 * that know their service when they are built have generated code instead.
 *
 *     static void print(void *user, const shmrpc_found *found)
 *     {
 *         printf("%s on port %u\n", found->name, found->port);
 *     }
 *     shmrpc_discover(&error, print, NULL);
 *
 * Threading: any thread, unless another one changes the environment.
 */
#ifndef SHMRPC_DISCOVER_H
#define SHMRPC_DISCOVER_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "shmrpc/options.h"
#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* A socket that a service has made. Perhaps nobody listens any more: that of a
 * server that was killed stays until its next start. */
typedef struct shmrpc_found {
    const char *name;
    const char *instance; /* "" for none */
    uint16_t port;
    const char *where; /* the socket's path, for people */
} shmrpc_found;

/* `found` and its texts live until the call returns. */
typedef void (*shmrpc_found_fn)(void *user, const shmrpc_found *found);

/*
 * Tells of the services in the folders in which clients look, folder by folder
 * in their order: of two with one name and port only the first is found by
 * clients. Connects to nobody. INVALID, DENIED: $SHMRPC_DIR can't be used.
 */
SHMRPC_API shmrpc_status shmrpc_discover(shmrpc_error *error,
                                         shmrpc_found_fn found,
                                         void *user) SHMRPC_WARN_UNUSED;

/*
 * Asks a service what it is. `where` is an address list with all names written
 * out, "shm://echo_serv@two"; `port` is that of places without one. On OK
 * `*text` is the service's .svc with documentation and all types that it
 * needs, of `*len` bytes and a NUL behind them, to be released with free(). It
 * comes from the server: input, to be checked before use. Blocks until the
 * deadline in `opts` (NULL: 5 s). Statuses of shmrpc_stub_connect, and
 * TOO_LARGE, SERVER_LOST, WORKER_DIED.
 */
SHMRPC_API shmrpc_status shmrpc_describe(
    const char *where, uint16_t port, const shmrpc_opts *opts, char **text,
    size_t *len, shmrpc_error *error) SHMRPC_WARN_UNUSED;

SHMRPC_END_DECLS

#endif
