/*
 * Finds the services on this machine, asks a service for its interface, and
 * pings it.
 *
 * For tools and gateways, which learn of a service at run time. A program that
 * knows its service at build time uses generated code instead.
 *
 *     static void print(void *user, const shmrpc_found *found)
 *     {
 *         printf("%s on port %u\n", found->name, found->port);
 *     }
 *     shmrpc_discover(&error, print, NULL);
 *
 * Threading: any thread, as long as no other thread changes the environment.
 */
#ifndef SHMRPC_DISCOVER_H
#define SHMRPC_DISCOVER_H

#include <stddef.h>
#include <stdint.h>

#include "shmrpc/error.h"
#include "shmrpc/options.h"
#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* The socket of a service. There may be no server behind it: if a server is
 * killed, its socket stays until its next start. */
typedef struct shmrpc_found {
    const char *name;
    const char *instance; /* "" for none */
    uint16_t port;
    const char *where; /* the socket's path, for display */
} shmrpc_found;

/* `found` and its texts live until the call returns. */
typedef void (*shmrpc_found_fn)(void *user, const shmrpc_found *found);

/*
 * Calls `found` for each service in the folders that clients search, in the
 * order in which clients search them: of two services with the same name and
 * port, clients find the first. Connects to none of them. Returns INVALID or
 * DENIED if $SHMRPC_DIR can't be used.
 */
SHMRPC_API shmrpc_status shmrpc_discover(shmrpc_error *error,
                                         shmrpc_found_fn found,
                                         void *user) SHMRPC_WARN_UNUSED;

/*
 * Asks a service for its interface. `where` is an address list with all names
 * written out, "shm://echo_serv@two"; `port` is used for addresses without one.
 * On OK `*text` is the service's .svc with documentation and all types that it
 * needs: `*len` bytes, followed by a NUL, to be released with free(). It comes
 * from the server, so check it before use. Blocks until the deadline in `opts`
 * (NULL: 5 s). Returns the statuses of shmrpc_stub_connect, TOO_LARGE,
 * SERVER_LOST and WORKER_DIED.
 */
SHMRPC_API shmrpc_status shmrpc_describe(
    const char *where, uint16_t port, const shmrpc_opts *opts, char **text,
    size_t *len, shmrpc_error *error) SHMRPC_WARN_UNUSED;

/*
 * Calls `_ping`, which is built into every service: a worker answers it without
 * the user's code, and the statistics don't count it. `client` is a generated
 * client, as a pointer. `*out_ns` is the round trip, which includes the wait
 * for an idle worker and, after a lost connection, for a new one. Blocks until
 * the deadline in `opts`, which may be NULL. Returns the statuses of
 * shmrpc_stub_call, and UNIMPLEMENTED if the server's library is older than
 * this method, or the client is connected to all instances of a service. May be
 * called from any thread.
 */
struct shmrpc_client;
SHMRPC_API int shmrpc_ping(struct shmrpc_client *client,
                           const shmrpc_opts *opts, int64_t *out_ns,
                           shmrpc_error *error) SHMRPC_WARN_UNUSED;

SHMRPC_END_DECLS

#endif
