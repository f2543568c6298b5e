/*
 * Processes that die at a chosen change of a shared word (os/crash.h).
 *
 * Threading: one thread.
 */
#ifndef SHMRPC_TESTS_DYING_H
#define SHMRPC_TESTS_DYING_H

#include <stdbool.h>

/* Runs `what` in a child process that dies when it passes its point number
 * `point`, counted from 1. Returns false if the child ran to the end before.
 * `what` must return whether all went well. */
bool dying_runs(bool (*what)(void *user), void *user, unsigned point);

/* Returns memory that children share with the test. */
void *dying_shared(unsigned long bytes);

#endif
