/*
 * The command line.
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_TOOLS_TCP_OPTIONS_H
#define SHMRPC_TOOLS_TCP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmrpc/options.h"
#include "tools/relay/gateway.h"

/* SERVICE[=ADDRESS] */
typedef struct option_service {
    char name[128]; /* NAME[@INSTANCE], as in a shm:// address */
    uint16_t port;  /* 0: not set */
    const char *where;
} option_service;

typedef struct options {
    option_service services[GATEWAY_SERVICES_MAX];
    size_t service_count;
    shmrpc_compression compression;
    size_t max_message_bytes;
    size_t max_memory_bytes;  /* sum over all services */
    uint32_t max_connections; /* maximum from one address */
    uint32_t threads;
    int64_t stop_ns;
    bool allows_native;
    bool no_sandbox;
} options;

/* Returns EXIT_GO_ON, or the status with which to exit; errors were printed. */
exit_code options_parse(int argc, char **argv, options *out);

#endif
