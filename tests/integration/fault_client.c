/*
 * A client of fault.svc to be killed and stopped.
 *
 *     test_fault_client ADDRESS nap
 *         sends a megabyte, prints "ready", and makes a call that takes 20 s
 *     test_fault_client ADDRESS busy
 *         prints "ready", and makes calls without end
 *     test_fault_client ADDRESS try
 *         makes one call; the exit status says whether it succeeded
 */
#include "fault_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const shmrpc_error *error)
{
    printf("%s: %s\n", error->name, error->message);
    return EXIT_FAILURE;
}

static void say_ready(void)
{
    puts("ready");
    (void)fflush(stdout);
}

static int nap(fault_fault *client, shmrpc_error *error)
{
    static uint8_t data[1 << 20];
    const fault_fault_blob_reply *reply;
    if (fault_fault_blob(client, shmrpc_bytes_of(data, sizeof data), NULL,
                         &reply, error) != SHMRPC_OK) {
        return failed(error);
    }
    fault_fault_blob_release(reply);
    say_ready();
    return fault_fault_nap(client, 20000, NULL, error) == SHMRPC_OK
               ? EXIT_SUCCESS
               : failed(error);
}

static int busy(fault_fault *client, shmrpc_error *error)
{
    say_ready();
    for (uint64_t i = 0;; i++) {
        uint64_t back;
        if (fault_fault_echo(client, i, NULL, &back, error) != SHMRPC_OK) {
            return failed(error);
        }
    }
}

static int try_once(fault_fault *client, shmrpc_error *error)
{
    uint64_t back = 0;
    return fault_fault_echo(client, 42, NULL, &back, error) == SHMRPC_OK &&
                   back == 42
               ? EXIT_SUCCESS
               : failed(error);
}

int main(int argc, char **argv)
{
    fault_fault *client;
    shmrpc_error error;
    if (argc != 3) {
        return 2;
    }
    if (fault_fault_connect(argv[1], NULL, &client, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    int status = strcmp(argv[2], "nap") == 0    ? nap(client, &error)
                 : strcmp(argv[2], "busy") == 0 ? busy(client, &error)
                                                : try_once(client, &error);
    fault_fault_close(client);
    return status;
}
