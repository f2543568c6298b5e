/* Runs tests in a folder of their own, and with a second process. */
#define _POSIX_C_SOURCE 200809L
#include "together.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/shmrpc-test-XXXXXX";

int together_enter(void **state)
{
    (void)state;
    (void)memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    return mkdtemp(folder) != NULL ? setenv("SHMRPC_DIR", folder, 1) : -1;
}

int together_leave(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command); /* NOLINT(cert-env33-c): the command is a fixed
                             * text */
}

void together(bool (*child)(void), void (*parent)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(child() ? 0 : 1);
    }
    if (parent != NULL) {
        parent();
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

bool went_well(int status, const shmrpc_error *error)
{
    if (status != SHMRPC_OK) {
        (void)fprintf(stderr, "child: %d %s\n", status, error->message);
    }
    return status == SHMRPC_OK;
}

void assert_ok(int status, const shmrpc_error *error)
{
    if (status != SHMRPC_OK) {
        fail_msg("status %d: %s", status, error->message);
    }
}
