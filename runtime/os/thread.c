/* Threads, mutexes and conditions over pthreads. */
#include "os/thread.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/map_alias.h"
#include "os/waiting.h"

/* ThreadSanitizer knows every way to lock a mutex except
 * pthread_mutex_clocklock, so it must be told. */
#if SHMRPCI_MAP_ALIAS
#include <sanitizer/tsan_interface.h>
#define NOTE_LOCKING(mutex) __tsan_mutex_pre_lock(mutex, __tsan_mutex_try_lock)
#define NOTE_LOCKED(mutex, failed)                                     \
    __tsan_mutex_post_lock(mutex,                                      \
                           (failed) ? __tsan_mutex_try_lock |          \
                                          __tsan_mutex_try_lock_failed \
                                    : __tsan_mutex_try_lock,           \
                           0)
#else
#define NOTE_LOCKING(mutex)        ((void)0)
#define NOTE_LOCKED(mutex, failed) ((void)0)
#endif

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / SHMRPCI_NS_PER_S),
                             .tv_nsec = (long)(ns % SHMRPCI_NS_PER_S)};
}

void shmrpci_mutex_init(shmrpci_mutex *mutex)
{
    (void)pthread_mutex_init(&mutex->native, NULL);
}

void shmrpci_mutex_fini(shmrpci_mutex *mutex)
{
    (void)pthread_mutex_destroy(&mutex->native);
}

void shmrpci_mutex_lock(shmrpci_mutex *mutex)
{
    if (pthread_mutex_trylock(&mutex->native) == 0) {
        return;
    }
    /* The hooks are called first, because the thread that holds the mutex may
     * be waiting for something that they release. */
    bool is_hooked = shmrpci_waiting_is_hooked();
    if (is_hooked) {
        (void)shmrpci_waiting_begin(0);
    }
    (void)pthread_mutex_lock(&mutex->native);
    if (is_hooked) {
        shmrpci_waiting_end(SHMRPCI_NEVER_NS, false);
    }
}

bool shmrpci_mutex_lock_until(shmrpci_mutex *mutex, int64_t deadline_ns)
{
    if (pthread_mutex_trylock(&mutex->native) == 0) {
        return true;
    }
    if (deadline_ns == 0) {
        return false;
    }
    struct timespec deadline = timespec_of(deadline_ns);
    bool is_hooked = shmrpci_waiting_is_hooked();
    if (is_hooked) {
        (void)shmrpci_waiting_begin(deadline_ns);
    }
    NOTE_LOCKING(&mutex->native);
    int failed =
        pthread_mutex_clocklock(&mutex->native, CLOCK_MONOTONIC, &deadline);
    NOTE_LOCKED(&mutex->native, failed != 0);
    if (is_hooked) {
        shmrpci_waiting_end(SHMRPCI_NEVER_NS, false);
    }
    return failed == 0;
}

void shmrpci_mutex_unlock(shmrpci_mutex *mutex)
{
    (void)pthread_mutex_unlock(&mutex->native);
}

void shmrpci_cond_init(shmrpci_cond *cond)
{
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&cond->native, &attr);
    (void)pthread_condattr_destroy(&attr);
}

void shmrpci_cond_fini(shmrpci_cond *cond)
{
    (void)pthread_cond_destroy(&cond->native);
}

void shmrpci_cond_wait(shmrpci_cond *cond, shmrpci_mutex *mutex)
{
    if (shmrpci_waiting_is_hooked()) {
        (void)shmrpci_cond_wait_until(cond, mutex, SHMRPCI_NEVER_NS);
        return;
    }
    (void)pthread_cond_wait(&cond->native, &mutex->native);
}

static bool wait_until(shmrpci_cond *cond, shmrpci_mutex *mutex,
                       int64_t deadline_ns)
{
    struct timespec deadline = timespec_of(deadline_ns);
    return pthread_cond_timedwait(&cond->native, &mutex->native, &deadline) !=
           ETIMEDOUT;
}

bool shmrpci_cond_wait_until(shmrpci_cond *cond, shmrpci_mutex *mutex,
                             int64_t deadline_ns)
{
    if (!shmrpci_waiting_is_hooked()) {
        return wait_until(cond, mutex, deadline_ns);
    }
    int64_t slice_ns = shmrpci_waiting_begin(deadline_ns);
    bool in_time = wait_until(cond, mutex, slice_ns);
    shmrpci_waiting_end(slice_ns, false);
    return !shmrpci_waiting_is_interrupted() &&
           (in_time || slice_ns < deadline_ns);
}

void shmrpci_cond_signal(shmrpci_cond *cond)
{
    (void)pthread_cond_signal(&cond->native);
}

void shmrpci_cond_broadcast(shmrpci_cond *cond)
{
    (void)pthread_cond_broadcast(&cond->native);
}

_Thread_local uint32_t shmrpci_this_thread
    __attribute__((tls_model("initial-exec")));

uint32_t shmrpci_thread_number_first(void)
{
    static _Atomic uint32_t last;
    while (shmrpci_this_thread == 0) {
        shmrpci_this_thread = atomic_fetch_add(&last, 1u) + 1;
    }
    return shmrpci_this_thread;
}

void shmrpci_thread_yield(void)
{
    (void)sched_yield();
}

typedef struct {
    shmrpci_thread_main *main;
    void *user;
} start_args;

static void *start(void *arg)
{
    start_args args = *(start_args *)arg;
    free(arg);
    args.main(args.user);
    return NULL;
}

shmrpc_status shmrpci_thread_create(shmrpci_thread *thread, const char *name,
                                    shmrpci_thread_main *main, void *user)
{
    start_args *args = malloc(sizeof *args);
    if (args == NULL) {
        return SHMRPC_E_NO_MEMORY;
    }
    *args = (start_args){main, user};
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    /* The signal of a fault must reach its handler, or the process would die
     * unexplained. */
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        (void)sigdelset(&all, faults[i]);
    }
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&thread->native, NULL, start, args);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        free(args);
        return SHMRPC_E_EXHAUSTED;
    }
    (void)pthread_setname_np(thread->native, name);
    return SHMRPC_OK;
}

void shmrpci_thread_join(shmrpci_thread *thread)
{
    /* The hooks are called first, because the thread to join may be waiting for
     * something that they release. */
    bool is_hooked = shmrpci_waiting_is_hooked();
    int64_t slice_ns = is_hooked ? shmrpci_waiting_begin(0) : 0;
    (void)pthread_join(thread->native, NULL);
    if (is_hooked) {
        shmrpci_waiting_end(slice_ns, false);
    }
}

void shmrpci_thread_detach(shmrpci_thread *thread)
{
    (void)pthread_detach(thread->native);
}

static long membarrier_call(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

static bool membarrier(int command)
{
    return membarrier_call(command) == 0;
}

bool shmrpci_thread_can_barrier(void)
{
    enum { UNKNOWN, NO, YES };
    static _Atomic int known;
    int it = atomic_load_explicit(&known, memory_order_relaxed);
    if (it == UNKNOWN) {
        long can = membarrier_call(MEMBARRIER_CMD_QUERY);
        bool can_here =
            can > 0 && (can & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0;
        if (can_here && __libc_single_threaded) {
            /* Registers while there is only one thread, because registering
             * with several threads takes some milliseconds. */
            (void)membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
        }
        it = can_here ? YES : NO;
        atomic_store_explicit(&known, it, memory_order_relaxed);
    }
    return it == YES;
}

bool shmrpci_thread_barrier(void)
{
    return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) ||
           (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) &&
            membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED));
}
