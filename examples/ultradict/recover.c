/*
 * UltraDict's recover_from_stale_lock: processes count under a lock, and one
 * of them dies while it has it.  The next one is told, and goes on.
 */
#include "ultra.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmrpc/lock.h>

enum { PROCESSES = 10, STEPS = 10 };

static ultra_counters_dict *ultra;
static shmrpc_lock *lock;

_Noreturn static void fail(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "ultra-recover: %s\n",
            shmrpc_error_text(error, text, sizeof text));
    exit(1);
}

static int64_t read_counter(const char *name)
{
    int64_t value = 0;
    (void)ultra_counters_get(ultra, shmrpc_str_of(name), &value, NULL);
    return value;
}

/* Not one step: somebody else could come in between. */
static void add_one(const char *name)
{
    const int64_t value = read_counter(name) + 1;
    shmrpc_error error;
    if (ultra_counters_put(ultra, shmrpc_str_of(name), &value, &error) !=
        SHMRPC_OK) {
        fail(&error);
    }
}

static void count(int process)
{
    for (int i = 0; i < STEPS; i++) {
        shmrpc_status status = shmrpc_lock_acquire(lock, NULL);
        if (status == SHMRPC_E_OWNER_DIED) {
            add_one("recovered");
            status = shmrpc_lock_consistent(lock);
        }
        if (status != SHMRPC_OK) {
            exit(1);
        }
        add_one("counter");
        if (process == 0 && i == STEPS - 1) {
            (void)raise(SIGKILL); /* the last step is done, the lock is not
                                   * given back */
        }
        (void)shmrpc_lock_release(lock);
    }
}

int main(void)
{
    shmrpc_error error;
    if (ultra_counters_open("ultra-recover", NULL, &ultra, &error) !=
            SHMRPC_OK ||
        shmrpc_lock_open("ultra-recover", SHMRPC_LOCK_REPLACE, NULL, &lock,
                         &error) != SHMRPC_OK) {
        fail(&error);
    }
    for (int process = 0; process < PROCESSES; process++) {
        if (fork() == 0) {
            count(process);
            _exit(0);
        }
    }
    while (wait(NULL) > 0) {
    }
    /* It may have been the last one of all. */
    if (shmrpc_lock_acquire(lock, NULL) == SHMRPC_E_OWNER_DIED) {
        add_one("recovered");
        (void)shmrpc_lock_consistent(lock);
    }
    printf("recovered from %" PRId64 " stale lock\n",
           read_counter("recovered"));
    printf("%" PRId64 " == %d\n", read_counter("counter"), PROCESSES * STEPS);
    (void)shmrpc_lock_destroy(lock);
    shmrpc_lock_close(lock);
    ultra_counters_close(ultra);
    return 0;
}
