/*
 * Calls of the farm that are detached: a thread of the worker's answers them.
 *
 * Threading: the worker's thread.
 */
#ifndef SHMRPCI_TESTS_STRESS_FARM_LATER_H
#define SHMRPCI_TESTS_STRESS_FARM_LATER_H

#include "transport/transport.h"

/* Starts the thread, which calls `answer` for each; false: it can't. */
bool farm_later_begin(void (*answer)(void *user, shmrpci_request *request),
                      void *user);
/* Detaches the request; false: enough are waiting, and nothing has changed. */
bool farm_later_take(shmrpci_request *request);
/* Waits until all are answered. */
void farm_later_end(void);

#endif
