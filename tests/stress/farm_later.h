/*
 * Detached calls and conversations of the farm, which a thread of the worker
 * answers.
 *
 * Threading: the worker's thread.
 */
#ifndef SHMRPCI_TESTS_STRESS_FARM_LATER_H
#define SHMRPCI_TESTS_STRESS_FARM_LATER_H

#include "transport/transport.h"

typedef struct farm_later_ops {
    void (*answer)(void *user, shmrpci_request *request);
    /* Called when an item was wrong. */
    void (*wrong)(void *user);
    void *user;
} farm_later_ops;

/* Starts the thread, which calls the functions in `ops`. Returns false if it
 * can't be started. */
bool farm_later_begin(const farm_later_ops *ops);
/* Detaches the request. Returns false, with nothing changed, if too many are
 * waiting. */
bool farm_later_take(shmrpci_request *request);
/* Detaches a request whose streams were accepted. Returns false like
 * farm_later_take. */
bool farm_later_talk(shmrpci_request *request, shmrpci_stream *stream,
                     uint64_t number);
/* Whether this thread is detaching a conversation, or continues detached ones.
 */
bool farm_later_is_talking(void);
/* Waits until all calls are answered. */
void farm_later_end(void);

#endif
