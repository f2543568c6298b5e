/*
 * Processes that die at a chosen change of a shared word (os/crash.h).
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_TESTS_DYING_H
#define SHMRPC_TESTS_DYING_H

#include <stdbool.h>

/* Runs it in a child that dies at its `point`th point; false: it ran to the
 * end. It must return whether all went well. */
bool dying_runs(bool (*what)(void *user), void *user, unsigned point);

/* Memory that children share with the test. */
void *dying_shared(unsigned long bytes);

#endif
