/*
 * Code shared by the tests of steps.svc.
 *
 * Each function fails the test if it does not succeed.
 */
#ifndef SHMRPC_TESTS_INTEGRATION_STEPS_COMMON_H
#define SHMRPC_TESTS_INTEGRATION_STEPS_COMMON_H

#include "harness.h"

#include "steps_client.h"

/* Tries to connect until it succeeds. `timeout_ns` is the timeout of the
 * client's calls. */
steps_steps *connect_for(const char *where, int64_t timeout_ns);
steps_steps *connect_to(const char *where);

/* Reads lines until one contains `part`. If `pid` is not NULL, it gets the
 * number in that line. */
void await_line(child *c, const char *part, pid_t *pid);

/* Starts a server with worker processes and up to two more arguments. */
child serve_steps(const char *where, const char *workers, const char *one,
                  const char *two);

void expect_echo(steps_steps *client);

#endif
