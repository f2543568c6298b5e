/*
 * The processes that the NATS suites start: a nats-server for each case, and
 * gateways.
 *
 * Threading: one thread.
 */
#ifndef BENCH_NATS_STAGE_H
#define BENCH_NATS_STAGE_H

#include <stdbool.h>

#include "case.h"
#include "nats_server.h"

typedef struct nats_stage {
    nats_server server;
    char address[64]; /* nats://127.0.0.1:PORT */
} nats_stage;

/* Starts a nats-server, with JetStream if `stores` is set. If nats-server is
 * missing, the case is reported as not installed. */
void nats_stage_begin(nats_stage *stage, bool stores);
void nats_stage_end(nats_stage *stage);

/* Starts a gateway for `service` of this machine, such as "bench:5711", and
 * does not wait until it is ready. The gateway ends with this process. Returns
 * its pid. */
pid_t nats_stage_gateway(const nats_stage *stage, const char *service);

#endif
