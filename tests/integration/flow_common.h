/*
 * Code shared by the tests of streams between programs: a client of flow.svc.
 * Its server prints how each stream begins and ends.
 *
 * Each function fails the test if it does not succeed.
 */
#ifndef SHMRPC_TESTS_INTEGRATION_FLOW_COMMON_H
#define SHMRPC_TESTS_INTEGRATION_FLOW_COMMON_H

#include "harness.h"

#include "flow_client.h"

flow_flow *connect_to(const char *where);

/* Reads lines until one contains `part`. If `pid` is not NULL, it gets the
 * number in that line. */
void await_line(child *c, const char *part, pid_t *pid);

void expect_echo(flow_flow *client);

flow_flow_count_stream *open_count(flow_flow *client, uint64_t most,
                                   int32_t status);

/* Reads numbers from *at up to `to`, as long as any arrive. Returns how the
 * stream ended, or MORE. */
int read_to(flow_flow_count_stream *stream, uint64_t *at, uint64_t to,
            shmrpc_error *error);

#endif
