/* Threads, mutexes, conditions, futexes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "os/clock.h"
#include "os/futex.h"
#include "os/thread.h"

static shmrpci_mutex lock;
static shmrpci_cond changed;
static int stage;
static _Atomic uint32_t word;

static void advance(void *user)
{
    sigset_t blocked;
    (void)user;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    shmrpci_mutex_lock(&lock);
    stage = sigismember(&blocked, SIGINT) && !sigismember(&blocked, SIGSEGV)
                ? 1
                : -1;
    shmrpci_cond_broadcast(&changed);
    shmrpci_mutex_unlock(&lock);
}

static void thread_runs_with_signals_blocked(void **state)
{
    (void)state;
    shmrpci_thread thread;
    shmrpci_mutex_init(&lock);
    shmrpci_cond_init(&changed);
    assert_int_equal(shmrpci_thread_create(&thread, "test", advance, NULL),
                     SHMRPC_OK);
    shmrpci_mutex_lock(&lock);
    while (stage == 0) {
        shmrpci_cond_wait(&changed, &lock);
    }
    shmrpci_mutex_unlock(&lock);
    shmrpci_thread_join(&thread);
    assert_int_equal(stage, 1);
}

static void condition_waits_until_the_deadline(void **state)
{
    (void)state;
    int64_t deadline_ns = shmrpci_deadline_after(5 * SHMRPCI_NS_PER_MS);
    shmrpci_mutex_init(&lock);
    shmrpci_cond_init(&changed);
    shmrpci_mutex_lock(&lock);
    while (shmrpci_cond_wait_until(&changed, &lock, deadline_ns)) {
    }
    shmrpci_mutex_unlock(&lock);
    assert_true(shmrpci_now_ns() >= deadline_ns);
}

static void try_lock(void *user)
{
    *(bool *)user = shmrpci_mutex_lock_until(&lock, 0);
}

static void lock_until_gives_up(void **state)
{
    (void)state;
    shmrpci_thread thread;
    bool is_locked = true;
    shmrpci_mutex_init(&lock);
    assert_true(shmrpci_mutex_lock_until(&lock, 0));
    assert_int_equal(
        shmrpci_thread_create(&thread, "test", try_lock, &is_locked),
        SHMRPC_OK);
    shmrpci_thread_join(&thread);
    assert_false(is_locked);
    shmrpci_mutex_unlock(&lock);
}

static void set_and_wake(void *user)
{
    (void)user;
    atomic_store(&word, 1);
    shmrpci_futex_wake(&word, 1);
}

static void futex_wakes_or_times_out(void **state)
{
    (void)state;
    shmrpci_thread thread;
    int64_t deadline_ns = shmrpci_deadline_after(5 * SHMRPCI_NS_PER_MS);
    assert_int_equal(shmrpci_futex_wait(&word, 7, SHMRPCI_NEVER_NS),
                     SHMRPCI_FUTEX_CHANGED);
    assert_int_equal(shmrpci_futex_wait(&word, 0, deadline_ns),
                     SHMRPCI_FUTEX_LATE);
    assert_true(shmrpci_now_ns() >= deadline_ns);
    assert_int_equal(shmrpci_thread_create(&thread, "test", set_and_wake, NULL),
                     SHMRPC_OK);
    while (atomic_load(&word) == 0) {
        assert_int_not_equal(shmrpci_futex_wait(&word, 0, SHMRPCI_NEVER_NS),
                             SHMRPCI_FUTEX_LATE);
    }
    shmrpci_thread_join(&thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thread_runs_with_signals_blocked),
        cmocka_unit_test(condition_waits_until_the_deadline),
        cmocka_unit_test(lock_until_gives_up),
        cmocka_unit_test(futex_wakes_or_times_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
