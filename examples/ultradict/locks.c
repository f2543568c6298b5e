/*
 * The locks of UltraDict's manual: wait, spin, try, wait for so long, and get
 * what a dead process held.
 */
#include "ultra.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmrpc/lock.h>

static ultra_counters_dict *ultra;
static shmrpc_lock *lock;

_Noreturn static void fail(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "ultra-locks: %s\n",
            shmrpc_error_text(error, text, sizeof text));
    exit(1);
}

/* ultra['counter'] += 1, in steps that others must not come between: so only
 * with the lock.  (A single step needs none: see counter.c.) */
static int64_t count(void)
{
    const shmrpc_str key = shmrpc_str_of("counter");
    int64_t counter = 0;
    shmrpc_error error;
    int status = ultra_counters_get(ultra, key, &counter, &error);
    counter++;
    if ((status != SHMRPC_OK && status != SHMRPC_E_NOT_FOUND) ||
        ultra_counters_put(ultra, key, &counter, &error) != SHMRPC_OK) {
        fail(&error);
    }
    return counter;
}

/* Another process, which has the lock when this returns, and keeps it. */
static pid_t start_holder(void)
{
    int ready[2];
    char byte;
    if (pipe(ready) != 0) {
        exit(1);
    }
    pid_t holder = fork();
    if (holder == 0) {
        (void)!shmrpc_lock_acquire(lock, NULL);
        (void)!write(ready[1], "!", 1);
        (void)pause();
        _exit(0);
    }
    (void)!read(ready[0], &byte, 1);
    return holder;
}

static void wait_and_spin(void)
{
    const shmrpc_lock_wait spin = {.spin_ns = INT64_C(1000000000)};
    /* with ultra.lock: */
    if (shmrpc_lock_acquire(lock, NULL) == SHMRPC_OK) {
        (void)count();
        (void)shmrpc_lock_release(lock);
    }
    /* with ultra.lock(sleep_time=0): */
    if (shmrpc_lock_acquire(lock, &spin) == SHMRPC_OK) {
        (void)count();
        (void)shmrpc_lock_release(lock);
    }
}

static void meet_a_holder(void)
{
    const shmrpc_lock_wait a_while = {.timeout_ns = INT64_C(200000000)};
    pid_t holder = start_holder();
    /* ultra.lock.acquire(block=False) */
    if (shmrpc_lock_try_acquire(lock) == SHMRPC_E_BUSY) {
        printf("process %" PRId32 " is holding the lock\n",
               shmrpc_lock_owner_pid(lock));
    }
    /* with ultra.lock(timeout=0.2): */
    if (shmrpc_lock_acquire(lock, &a_while) == SHMRPC_E_DEADLINE) {
        printf("a stale lock? no: process %" PRId32 " lives, and keeps it\n",
               shmrpc_lock_owner_pid(lock));
    }
    (void)kill(holder, SIGKILL);
    (void)waitpid(holder, NULL, 0);
    /* with ultra.lock(steal_from_dead=True): */
    if (shmrpc_lock_acquire(lock, &a_while) == SHMRPC_E_OWNER_DIED) {
        printf("it died: now we have the lock\n");
        (void)shmrpc_lock_consistent(lock); /* it had changed nothing */
        (void)count();
        (void)shmrpc_lock_release(lock);
    }
}

int main(void)
{
    shmrpc_error error;
    if (ultra_counters_open("ultra-locks", NULL, &ultra, &error) != SHMRPC_OK ||
        shmrpc_lock_open("ultra-locks", SHMRPC_LOCK_REPLACE, NULL, &lock,
                         &error) != SHMRPC_OK) {
        fail(&error);
    }
    wait_and_spin();
    meet_a_holder();
    printf("counter: %" PRId64 "\n", count() - 1);
    (void)shmrpc_lock_destroy(lock);
    shmrpc_lock_close(lock);
    ultra_counters_close(ultra);
    return 0;
}
