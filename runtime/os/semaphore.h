/*
 * A counting semaphore for one process: the only way to wake a thread from a
 * signal handler without a descriptor.
 *
 * Threading: any thread or signal handler may post; any thread may wait.
 */
#ifndef SHMRPCI_OS_SEMAPHORE_H
#define SHMRPCI_OS_SEMAPHORE_H

#include <errno.h>
#include <semaphore.h>

typedef struct shmrpci_semaphore {
    sem_t native;
} shmrpci_semaphore;

/* The semaphore begins at 0. */
static inline void shmrpci_semaphore_init(shmrpci_semaphore *semaphore)
{
    (void)sem_init(&semaphore->native, 0, 0);
}

static inline void shmrpci_semaphore_fini(shmrpci_semaphore *semaphore)
{
    (void)sem_destroy(&semaphore->native);
}

/* Adds one. Async-signal-safe. */
static inline void shmrpci_semaphore_post(shmrpci_semaphore *semaphore)
{
    int saved_errno = errno;
    (void)sem_post(&semaphore->native);
    errno = saved_errno;
}

/* Waits until it is above 0 and takes one. */
static inline void shmrpci_semaphore_wait(shmrpci_semaphore *semaphore)
{
    while (sem_wait(&semaphore->native) != 0 && errno == EINTR) {
    }
}

#endif
