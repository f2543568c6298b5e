/*
 * The locks of UltraDict's manual: wait, spin, try, wait with a timeout, and
 * take over from a dead process. With NULL as key they lock the whole dict, as
 * in UltraDict; with the address of a key, only that key.
 */
#include "ultra.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static ultra_counters_dict *ultra;

_Noreturn static void fail(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "ultra-locks: %s\n",
            shmrpc_error_text(error, text, sizeof text));
    exit(1);
}

/* ultra['counter'] += 1, in two steps. Other processes must not change the
 * counter in between, so the caller holds the lock. (As a single step it needs
 * no lock: see counter.c.) */
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

/* Starts another process that takes the lock and keeps it; the lock is held
 * when this returns. */
static pid_t start_holder(void)
{
    int ready[2];
    char byte;
    if (pipe(ready) != 0) {
        exit(1);
    }
    pid_t holder = fork();
    if (holder == 0) {
        (void)ultra_counters_lock(ultra, NULL, NULL, NULL);
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
    if (ultra_counters_lock(ultra, NULL, NULL, NULL) == SHMRPC_OK) {
        (void)count();
        (void)ultra_counters_unlock(ultra, NULL, NULL);
    }
    /* with ultra.lock(sleep_time=0): */
    if (ultra_counters_lock(ultra, NULL, &spin, NULL) == SHMRPC_OK) {
        (void)count();
        (void)ultra_counters_unlock(ultra, NULL, NULL);
    }
}

static void meet_a_holder(void)
{
    const shmrpc_lock_wait a_while = {.timeout_ns = INT64_C(200000000)};
    pid_t holder = start_holder();
    shmrpc_error e;
    /* ultra.lock.acquire(block=False) */
    if (ultra_counters_try_lock(ultra, NULL, &e) == SHMRPC_E_BUSY) {
        printf("process %" PRId32 " is holding the lock\n", e.pid);
    }
    /* with ultra.lock(timeout=0.2): */
    if (ultra_counters_lock(ultra, NULL, &a_while, &e) == SHMRPC_E_DEADLINE) {
        printf("a stale lock? no: process %" PRId32 " lives, and keeps it\n",
               e.pid);
    }
    (void)kill(holder, SIGKILL);
    (void)waitpid(holder, NULL, 0);
    /* with ultra.lock(steal_from_dead=True): */
    if (ultra_counters_lock(ultra, NULL, &a_while, &e) == SHMRPC_E_OWNER_DIED) {
        printf("it died: now we have the lock\n");
        /* The dead process has changed nothing, so nothing needs repair. */
        (void)ultra_counters_lock_consistent(ultra, NULL, NULL);
        (void)count();
        (void)ultra_counters_unlock(ultra, NULL, NULL);
    }
}

int main(void)
{
    shmrpc_error error;
    if (ultra_counters_open("ultra-locks", NULL, &ultra, &error) != SHMRPC_OK) {
        fail(&error);
    }
    wait_and_spin();
    meet_a_holder();
    printf("counter: %" PRId64 "\n", count() - 1);
    ultra_counters_close(ultra);
    return 0;
}
