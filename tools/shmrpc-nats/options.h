/*
 * The command line.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_TOOLS_NATS_OPTIONS_H
#define SHMRPC_TOOLS_NATS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/relay/gateway.h"

typedef struct option_service {
    char name[128]; /* NAME[@INSTANCE], as in a shm:// address */
    uint16_t port;  /* 0: not set */
} option_service;

typedef struct options {
    option_service services[GATEWAY_SERVICES_MAX];
    size_t service_count;
    const char *servers; /* nats://..., as addresses are written */
    size_t max_message_bytes;
    size_t max_memory_bytes; /* of all services */
    uint32_t threads;
    int64_t stop_ns;
    bool allows_native;
    bool no_sandbox;
} options;

/* EXIT_GO_ON, or the status to end with; errors have been printed. */
exit_code options_parse(int argc, char **argv, options *out);

#endif
