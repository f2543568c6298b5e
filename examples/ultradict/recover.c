/*
 * UltraDict's recover_from_stale_lock: processes count under a lock, and one of
 * them dies while holding it. The next owner is told, and continues.
 */
#include "ultra.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES = 10, STEPS = 10 };

static ultra_counters_dict *ultra;

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

/* Adds one in two steps, between which another process could interfere without
 * the lock. */
static void add_one(const char *name)
{
    const int64_t value = read_counter(name) + 1;
    shmrpc_error error;
    if (ultra_counters_put(ultra, shmrpc_str_of(name), &value, &error) !=
        SHMRPC_OK) {
        fail(&error);
    }
}

static void get_lock(void)
{
    shmrpc_error error;
    int status = ultra_counters_lock(ultra, NULL, NULL, &error);
    if (status == SHMRPC_E_OWNER_DIED) {
        add_one("recovered");
        status = ultra_counters_lock_consistent(ultra, NULL, &error);
    }
    if (status != SHMRPC_OK) {
        fail(&error);
    }
}

static void count(int process)
{
    for (int i = 0; i < STEPS; i++) {
        get_lock();
        add_one("counter");
        if (process == 0 && i == STEPS - 1) {
            (void)raise(SIGKILL); /* dies after its last step, but still
                                   * holding the lock */
        }
        (void)ultra_counters_unlock(ultra, NULL, NULL);
    }
}

int main(void)
{
    shmrpc_error error;
    if (ultra_counters_open("ultra-recover", NULL, &ultra, &error) !=
        SHMRPC_OK) {
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
    get_lock(); /* repairs the lock if the dead process was its last owner */
    printf("recovered from %" PRId64 " stale lock\n",
           read_counter("recovered"));
    printf("%" PRId64 " == %d\n", read_counter("counter"), PROCESSES * STEPS);
    ultra_counters_close(ultra);
    return 0;
}
