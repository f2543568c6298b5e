/*
 * Code common to gateway programs: several services, each with a thread that
 * runs it until a signal stops all of them; the sandbox; memory limits.
 *
 * Threading: one thread; stopping: any thread, or a signal handler.
 */
#ifndef SHMRPC_TOOLS_RELAY_GATEWAY_H
#define SHMRPC_TOOLS_RELAY_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>

#include "rpc/address.h"
#include "shmrpc/error.h"

/* Maximum number of services of one program. */
#define GATEWAY_SERVICES_MAX 16

/* Exit statuses of a program. */
typedef enum exit_code {
    EXIT_DONE = 0,
    EXIT_TROUBLE = 1,
    EXIT_USAGE = 2,
    EXIT_GO_ON = -1
} exit_code;

/* A service whose calls are passed on. */
typedef struct gateway_place {
    const char *name;
    void *user;
} gateway_place;

/* A gateway program: its name, its places, and the operations on them. */
typedef struct gateway {
    const char *program;
    /* Runs the place until it is stopped or fails. Called once, in the place's
     * thread. */
    int (*run)(void *user, shmrpc_error *error);
    /* Stops the place. Also called by a signal handler, and before run. */
    void (*stop)(void *user);
    gateway_place places[GATEWAY_SERVICES_MAX];
    size_t count;
} gateway;

/* Prints the error of a service, with the service's name because there may be
 * several. */
exit_code gateway_fail(const gateway *g, const char *name,
                       const shmrpc_error *error);

/* Parses one address; an address without a port gets the service's port.
 * Returns INVALID with `expected` in the message if there are several
 * addresses, UNIMPLEMENTED if the transport is not built in. */
int gateway_address(const char *text, const shmrpc_service *service,
                    const char *expected, shmrpci_address *out,
                    shmrpc_error *error);

/* From now on SIGINT and SIGTERM stop all places, until gateway_end. A process
 * may have one gateway at a time. */
void gateway_begin(gateway *g);

/* Enters the sandbox, in which nothing can be opened any more. `is_off`: the
 * user does not want the sandbox. Returns EXIT_TROUBLE if the kernel can't
 * filter system calls; the error was printed. */
exit_code gateway_sandbox(const gateway *g, bool is_off);

/* Runs all places at the same time, the first one on this thread, until all
 * have ended. If one fails, all others are stopped as well. */
exit_code gateway_run(gateway *g);

/* From now on signals stop nothing, so the places may be freed. */
void gateway_end(void);

/*
 * Divides the memory for requests and replies evenly among the services. The
 * share of each must hold the largest message as a request and as a reply at
 * the same time; otherwise a call with messages of that size could never be
 * made. `*max_bytes` 0 becomes 256 MiB, or more if needed. Returns EXIT_USAGE
 * if `*max_bytes` is too small; the error was printed.
 */
exit_code gateway_settle_memory(const char *program, size_t services,
                                size_t max_message_bytes, size_t *max_bytes);

#endif
