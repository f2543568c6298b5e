/*
 * Code shared by the tests of steps.svc.
 *
 * Each function fails the test if it does not succeed.
 */
#ifndef SHMRPC_TESTS_INTEGRATION_STEPS_COMMON_H
#define SHMRPC_TESTS_INTEGRATION_STEPS_COMMON_H

#include "harness.h"

#include "steps_client.h"

/* `timeout_ns`: of its calls; tries to connect until it succeeds. */
steps_steps *connect_for(const char *where, int64_t timeout_ns);
steps_steps *connect_to(const char *where);

/* Reads lines until one contains `part`; `pid`: the number in it, if not
 * NULL. */
void await_line(child *c, const char *part, pid_t *pid);

/* With worker processes, and up to two more arguments. */
child serve_steps(const char *where, const char *workers, const char *one,
                  const char *two);

void expect_echo(steps_steps *client);

#endif
