/*
 * Detached calls and conversations of the farm: a thread of the worker answers
 * them.
 *
 * Threading: the worker's thread.
 */
#ifndef SHMRPCI_TESTS_STRESS_FARM_LATER_H
#define SHMRPCI_TESTS_STRESS_FARM_LATER_H

#include "transport/transport.h"

typedef struct farm_later_ops {
    void (*answer)(void *user, shmrpci_request *request);
    /* An item was wrong. */
    void (*wrong)(void *user);
    void *user;
} farm_later_ops;

/* Starts the thread, which calls these functions; false: it can't. */
bool farm_later_begin(const farm_later_ops *ops);
/* Detaches the request; false: too many are waiting, and nothing has
 * changed. */
bool farm_later_take(shmrpci_request *request);
/* The same for one with streams, which were accepted. */
bool farm_later_talk(shmrpci_request *request, shmrpci_stream *stream,
                     uint64_t number);
/* Whether this thread detaches a conversation now, or carries some on. */
bool farm_later_is_talking(void);
/* Waits until all are answered. */
void farm_later_end(void);

#endif
