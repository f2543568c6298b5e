/*
 * Threads, mutexes and conditions of one process.
 *
 * A thin layer over pthreads: functions that can't fail in the way we use them
 * return no status. Mutexes are for process-private state only; nothing in
 * shared memory is ever locked.
 */
#ifndef SHMRPCI_OS_THREAD_H
#define SHMRPCI_OS_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/status.h"

typedef struct shmrpci_mutex {
    pthread_mutex_t native;
} shmrpci_mutex;

typedef struct shmrpci_cond {
    pthread_cond_t native; /* uses CLOCK_MONOTONIC */
} shmrpci_cond;

typedef struct shmrpci_thread {
    pthread_t native;
} shmrpci_thread;

typedef struct shmrpci_once {
    pthread_once_t native;
} shmrpci_once;

typedef void shmrpci_thread_main(void *user);

#define SHMRPCI_ONCE_INIT \
    {                     \
        PTHREAD_ONCE_INIT \
    }

/* Calls `what` the first time; concurrent callers wait for its end. C11's
 * call_once is not used, because ThreadSanitizer doesn't know its ordering. */
static inline void shmrpci_call_once(shmrpci_once *once, void (*what)(void))
{
    (void)pthread_once(&once->native, what);
}

#define SHMRPCI_MUTEX_INIT        \
    {                             \
        PTHREAD_MUTEX_INITIALIZER \
    }

void shmrpci_mutex_init(shmrpci_mutex *mutex);
void shmrpci_mutex_fini(shmrpci_mutex *mutex);
void shmrpci_mutex_lock(shmrpci_mutex *mutex);
/* Returns false if the mutex was not free by `deadline_ns` (0: does not
 * wait). */
bool shmrpci_mutex_lock_until(shmrpci_mutex *mutex, int64_t deadline_ns);
void shmrpci_mutex_unlock(shmrpci_mutex *mutex);

void shmrpci_cond_init(shmrpci_cond *cond);
void shmrpci_cond_fini(shmrpci_cond *cond);
/* Waits with `mutex` released meanwhile; may wake without a signal. */
void shmrpci_cond_wait(shmrpci_cond *cond, shmrpci_mutex *mutex);
/* Like shmrpci_cond_wait, but at most until the monotonic time `deadline_ns`.
 * Returns false once that time has passed. */
bool shmrpci_cond_wait_until(shmrpci_cond *cond, shmrpci_mutex *mutex,
                             int64_t deadline_ns);
void shmrpci_cond_signal(shmrpci_cond *cond);
void shmrpci_cond_broadcast(shmrpci_cond *cond);

/* Runs `main(user)` on a new thread with all signals blocked except those of
 * faults, so that the program's signal handlers keep running on the program's
 * own threads. `name` (up to 15 bytes) is for display. Returns EXHAUSTED or
 * NO_MEMORY on failure. */
shmrpc_status shmrpci_thread_create(shmrpci_thread *thread, const char *name,
                                    shmrpci_thread_main *main, void *user);
/* Runs other threads that wait for this CPU, if there are any. */
void shmrpci_thread_yield(void);
/* Waits for the thread's end. Must be called once for each created thread,
 * unless it is detached. */
void shmrpci_thread_join(shmrpci_thread *thread);
/* Detaches the thread: it frees itself when it ends. */
void shmrpci_thread_detach(shmrpci_thread *thread);

/* Makes every running thread of this process pass a full memory barrier; costs
 * some microseconds, the first time a few milliseconds. Returns false if the
 * kernel can't (before 4.14), or does not allow it. */
bool shmrpci_thread_barrier(void);
/* Whether shmrpci_thread_barrier works here; the first call costs a system
 * call. */
bool shmrpci_thread_can_barrier(void);

/* The calling thread's number; 0: not assigned yet. This TLS model makes it one
 * load from the thread's own memory, without a call, also in a shared
 * library. */
extern _Thread_local uint32_t shmrpci_this_thread
    __attribute__((tls_model("initial-exec")));
uint32_t shmrpci_thread_number_first(void);

/* Returns a number for the calling thread, never 0, which no other thread of
 * this process ever has (until 2^32 threads were made). A forked child keeps
 * its parent's. */
static inline uint32_t shmrpci_thread_number(void)
{
    uint32_t number = shmrpci_this_thread;
    return number != 0 ? number : shmrpci_thread_number_first();
}

#endif
