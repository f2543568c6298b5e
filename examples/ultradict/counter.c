/*
 * UltraDict's simple counter: independent processes that only share a name add
 * to one number. No step is lost, although there is no lock.
 *
 *     ultra-counter [PROCESSES [STEPS]]
 */
#include "ultra.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int failed(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    fprintf(stderr, "ultra-counter: %s\n",
            shmrpc_error_text(error, text, sizeof text));
    return 1;
}

/* `update` calls this again if another process has changed the value
 * meanwhile. */
static int add_one(void *user, const int64_t *was, int64_t *now)
{
    (void)user;
    *now = (was != NULL ? *was : 0) + 1;
    return SHMRPC_CHANGE_PUT;
}

static int count(long steps)
{
    ultra_counters_dict *dict;
    shmrpc_error error;
    if (ultra_counters_open("some-name", NULL, &dict, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    int status = SHMRPC_OK;
    for (long i = 0; i < steps && status == SHMRPC_OK; i++) {
        status = ultra_counters_update(dict, shmrpc_str_of("counter"), add_one,
                                       NULL, &error);
    }
    ultra_counters_close(dict);
    return status == SHMRPC_OK ? 0 : failed(&error);
}

int main(int argc, char **argv)
{
    long processes = argc > 1 ? strtol(argv[1], NULL, 10) : 4;
    long steps = argc > 2 ? strtol(argv[2], NULL, 10) : 10000;
    int64_t result = 0;
    ultra_counters_dict *dict;
    shmrpc_error error;
    if (ultra_counters_open("some-name", NULL, &dict, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    for (long i = 0; i < processes; i++) {
        if (fork() == 0) {
            _exit(count(steps));
        }
    }
    while (wait(NULL) > 0) {
    }
    if (ultra_counters_get(dict, shmrpc_str_of("counter"), &result, &error) !=
        SHMRPC_OK) {
        return failed(&error);
    }
    printf("%lld of %ld\n", (long long)result, processes * steps);
    ultra_counters_close(dict);
    return 0;
}
