/*
 * Waits on a 32-bit word, in memory that processes may share.
 *
 * Uses only the shared form of futex: a private wake of a shared wait would be
 * silently lost.
 *
 * Threading: any thread; the caller keeps the memory mapped.
 */
#ifndef SHMRPCI_OS_FUTEX_H
#define SHMRPCI_OS_FUTEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum shmrpci_futex_end {
    SHMRPCI_FUTEX_WOKEN,   /* woken, or interrupted by a signal: the word tells
                            * which */
    SHMRPCI_FUTEX_LATE,    /* `until_ns` passed without a wake */
    SHMRPCI_FUTEX_CHANGED, /* the word had another value, so the thread did not
                            * sleep */
} shmrpci_futex_end;

/* Sleeps while *word == expected, until a wake, a signal, or the monotonic
 * time `until_ns`. */
shmrpci_futex_end shmrpci_futex_wait(_Atomic uint32_t *word, uint32_t expected,
                                     int64_t until_ns);

/* A word, and the value to sleep on. */
typedef struct shmrpci_futex_on {
    _Atomic uint32_t *word;
    uint32_t expected;
} shmrpci_futex_on;

#define SHMRPCI_FUTEX_ANY_MAX 128u

/* Sleeps until one of up to `count` words has changed or is woken, or until
 * `until_ns`; the words tell which. Returns false if the kernel lacks this
 * (before 5.16). */
bool shmrpci_futex_wait_any(const shmrpci_futex_on *on, size_t count,
                            int64_t until_ns);

/* Wakes up to `count` waiters; returns how many. */
int shmrpci_futex_wake(_Atomic uint32_t *word, int count);

#endif
