/*
 * Processes that die at a chosen change of a shared word (os/crash.h).
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_TESTS_DYING_H
#define SHMRPC_TESTS_DYING_H

#include <stdbool.h>

/* Runs `what` in a child that dies at its `point`th point. Returns false if it
 * ran to the end. `what` must return whether all went well. */
bool dying_runs(bool (*what)(void *user), void *user, unsigned point);

/* Returns memory that children share with the test. */
void *dying_shared(unsigned long bytes);

#endif
