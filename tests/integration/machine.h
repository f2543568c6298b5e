/*
 * Effects of the machine on processes: the tests of machine_test that are in
 * files of their own, and functions that these files share.
 */
#ifndef SHMRPC_TESTS_INTEGRATION_MACHINE_H
#define SHMRPC_TESTS_INTEGRATION_MACHINE_H

#include "../sanitized.h"
#include "workers_common.h"

#include <shmrpc/observe.h>

/* Opens the statistics of the service "workers" or "life" at `where`. Fails the
 * test on error. */
shmrpc_stats *machine_open_stats(const char *service, const char *where);
shmrpc_snapshot *machine_take(shmrpc_stats *stats);

/* machine_cpus.c: CPUs and memory that are removed and restored. */
int cpus_close(void **state);
void who_is_bound_to_the_callers_cpu_spins_no_more(void **state);
void who_has_too_little_cpu_time_spins_no_more(void **state);
void worker_that_takes_too_much_memory_is_killed_alone(void **state);

/* machine_clock.c: clocks that jump. The first test starts the second one in a
 * process of its own. */
void clocks_may_jump(void **state);
void jumps_of_the_clock_change_nothing(void **state);

#endif
