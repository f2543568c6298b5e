/* client: calls echo_serv through one connection every few milliseconds, until
 * its input ends. Prints "OK" or the name of a status whenever the outcome
 * changes. A wrong sum ends it. */
#include <poll.h>
#include <stdio.h>

#include "echo_client.h"

static bool goes_on(void)
{
    struct pollfd input = {.fd = 0, .events = POLLIN};
    return poll(&input, 1, 5) == 0;
}

int main(void)
{
    shmrpc_error error;
    demo_echo *echo;
    int before = -1;
    if (demo_echo_connect("shm://", NULL, &echo, &error) != SHMRPC_OK) {
        fprintf(stderr, "client: %s\n", error.message);
        return 1;
    }
    for (int64_t i = 0; goes_on(); i++) {
        int64_t sum = 0;
        const shmrpc_opts opts = {.timeout_ns = INT64_C(1000000000)};
        int status = demo_echo_add(echo, i, 1, &opts, &sum, &error);
        if (status == SHMRPC_OK && sum != i + 1) {
            fprintf(stderr, "client: a wrong sum\n");
            return 1;
        }
        if (status != before) {
            printf("%s\n", status == SHMRPC_OK ? "OK" : error.name);
            (void)fflush(stdout);
            before = status;
        }
    }
    demo_echo_close(echo);
    return 0;
}
