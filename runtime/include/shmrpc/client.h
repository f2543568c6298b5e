/*
 * What every client counts, whatever its service: a generated function
 * ..._read_stats gives it.
 *
 *     shmrpc_client_stats stats;
 *     demo_echo_read_stats(client, &stats);
 *
 * Threading: values.
 */
#ifndef SHMRPC_CLIENT_H
#define SHMRPC_CLIENT_H

#include <stdint.h>

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* Counted since connect. */
typedef struct shmrpc_client_stats {
    uint64_t reconnects;  /* connections in place of one that was lost, or that
                           * a forked child has inherited */
    uint64_t resent;      /* how often a call was to be sent again that had
                           * certainly not run */
    uint64_t retried;     /* runs of `@idempotent` methods that were repeated,
                           * because a worker or server died of them or near
                           * them */
    uint64_t reserved[5]; /* 0; later members take its place */
} shmrpc_client_stats;

SHMRPC_END_DECLS

#endif
