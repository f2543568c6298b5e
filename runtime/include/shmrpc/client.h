/*
 * Counters of a client of any service. The generated function ..._read_stats
 * reads them.
 *
 *     shmrpc_client_stats stats;
 *     demo_echo_read_stats(client, &stats);
 *
 * Threading: these are plain values.
 */
#ifndef SHMRPC_CLIENT_H
#define SHMRPC_CLIENT_H

#include <stdint.h>

#include "shmrpc/platform.h"

SHMRPC_BEGIN_DECLS

/* Counted since connect. */
typedef struct shmrpc_client_stats {
    uint64_t reconnects;  /* reconnections after the connection was lost, or was
                           * inherited by a forked child */
    uint64_t resent;      /* calls that had certainly not run and were sent
                           * again */
    uint64_t retried;     /* retries of calls of an `@idempotent` method that
                           * may have run, because a worker or server died */
    uint64_t reserved[5]; /* 0; later members take its place */
} shmrpc_client_stats;

SHMRPC_END_DECLS

#endif
