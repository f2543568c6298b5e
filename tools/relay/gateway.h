/*
 * Code common to gateway programs: several services, each with a thread that
 * runs it until a signal stops all of them; the sandbox; memory.
 *
 * Threading: one thread; stopping: any thread, or a signal handler.
 */
#ifndef SHMRPC_TOOLS_RELAY_GATEWAY_H
#define SHMRPC_TOOLS_RELAY_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>

#include "rpc/address.h"
#include "shmrpc/error.h"

/* Most services of one program. */
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

/* A program: its name, and its operations on its places. */
typedef struct gateway {
    const char *program;
    /* Runs until it is stopped, or fails: a thread's main function. */
    int (*run)(void *user, shmrpc_error *error);
    /* Also called by a signal handler, and before run. */
    void (*stop)(void *user);
    gateway_place places[GATEWAY_SERVICES_MAX];
    size_t count;
} gateway;

/* Prints an error of a service, with the service's name: there may be
 * several. */
exit_code gateway_fail(const gateway *g, const char *name,
                       const shmrpc_error *error);

/* Parses one address. INVALID: several addresses, where `expected`;
 * UNIMPLEMENTED: its transport is not built. An address without a port gets the
 * service's. */
int gateway_address(const char *text, const shmrpc_service *service,
                    const char *expected, shmrpci_address *out,
                    shmrpc_error *error);

/* From now on SIGINT and SIGTERM stop all places, until gateway_end. One
 * gateway of a process at a time. */
void gateway_begin(gateway *g);

/* Enters the sandbox, in which nothing can be opened any more. EXIT_TROUBLE:
 * the kernel has no such filter, which was printed; `is_off`: the user does not
 * want the sandbox. */
exit_code gateway_sandbox(const gateway *g, bool is_off);

/* Runs all places at once, the first on this thread, until all have ended; if
 * one fails, all others stop as well. */
exit_code gateway_run(gateway *g);

/* Signals no longer stop anything: the places may be freed. */
void gateway_end(void);

/*
 * Memory for requests and replies, which is divided evenly among the services.
 * The share of each must hold the largest message as a request and as a reply
 * at the same time, or such a call could never be made. `*max_bytes` 0 becomes
 * 256 MiB, or more if needed; EXIT_USAGE: it is too little, which was
 * printed.
 */
exit_code gateway_settle_memory(const char *program, size_t services,
                                size_t max_message_bytes, size_t *max_bytes);

#endif
