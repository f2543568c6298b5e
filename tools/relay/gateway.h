/*
 * What programs do alike that are gateways: several services, each with a
 * thread that runs it until a signal stops all of them; the sandbox; memory.
 *
 * Threading: one thread, but for stopping: any, or a signal handler.
 */
#ifndef SHMRPC_TOOLS_RELAY_GATEWAY_H
#define SHMRPC_TOOLS_RELAY_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>

#include "rpc/address.h"
#include "shmrpc/error.h"

/* Of one program. */
#define GATEWAY_SERVICES_MAX 16

/* What a program ends with. */
typedef enum exit_code {
    EXIT_DONE = 0,
    EXIT_TROUBLE = 1,
    EXIT_USAGE = 2,
    EXIT_GO_ON = -1
} exit_code;

/* A service that is passed on. */
typedef struct gateway_place {
    const char *name;
    void *user;
} gateway_place;

/* A program: its name, and what it does with its places. */
typedef struct gateway {
    const char *program;
    /* Runs until it is stopped, or fails: the main function of a thread. */
    int (*run)(void *user, shmrpc_error *error);
    /* Also called by a signal handler, and before run. */
    void (*stop)(void *user);
    gateway_place places[GATEWAY_SERVICES_MAX];
    size_t count;
} gateway;

/* Says what is wrong with a service, which is named: there may be several. */
exit_code gateway_fail(const gateway *g, const char *name,
                       const shmrpc_error *error);

/* One address. INVALID: there are several, where `expected`; UNIMPLEMENTED: its
 * transport is not built. An address without a port gets the service's. */
int gateway_address(const char *text, const shmrpc_service *service,
                    const char *expected, shmrpci_address *out,
                    shmrpc_error *error);

/* From now on SIGINT and SIGTERM stop all places, until gateway_end. One
 * gateway of a process at a time. */
void gateway_begin(gateway *g);

/* Gives up the right to open anything. EXIT_TROUBLE: the kernel has no filter
 * for that, which was said; `is_off`: the user does not want it. */
exit_code gateway_sandbox(const gateway *g, bool is_off);

/* Runs all places at a time, the first on this thread, until all have ended;
 * one that fails takes the others along. */
exit_code gateway_run(gateway *g);

/* Signals stop nobody any more: the places may be freed. */
void gateway_end(void);

/*
 * Memory for requests and replies, which is divided evenly among the services.
 * The part of each has to hold the largest message as a request and as a reply
 * at the same time, or such a call could never be made. `*max_bytes` 0 becomes
 * 256 MiB, or what is needed; EXIT_USAGE: it is too little, which was said.
 */
exit_code gateway_settle_memory(const char *program, size_t services,
                                size_t max_message_bytes, size_t *max_bytes);

#endif
