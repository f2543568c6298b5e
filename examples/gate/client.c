/*
 * gate-client ADDRESS look DOOR | enter DOOR... | gone COUNT
 *
 * The address may name a token: shm://gate?token=FILE.
 */
#include <shmrpc/beside.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "gate_client.h"

/* The client's interceptor: `begin` adds metadata to each call, `end` prints
 * how the call has ended. */
static int begin(void *user, shmrpc_intercepted *call, shmrpc_error *error)
{
    (void)user;
    return shmrpc_intercepted_add_metadata(call, "client", "gate-client",
                                           error);
}

static void end(void *user, shmrpc_intercepted *call, int status,
                const shmrpc_error *error)
{
    (void)error;
    printf("%s %s: %s\n", (const char *)user, call->method,
           shmrpc_status_name(status));
}

static char asked[] = "asked for";
static const shmrpc_interceptor journal = {
    .size = sizeof journal, .begin = begin, .end = end, .user = asked};
static const shmrpc_interceptor *const interceptors[] = {&journal, NULL};

static int failed(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    printf("%s\n", shmrpc_error_text(error, text, sizeof text));
    return 1;
}

static int look(gate *client, const char *door)
{
    const gate_look_reply *reply;
    shmrpc_error error;
    if (gate_look(client, shmrpc_str_of(door), NULL, &reply, &error) !=
        SHMRPC_OK) {
        return failed(&error);
    }
    printf("%s\n", reply->value.ptr);
    gate_look_release(reply);
    return 0;
}

static int enter(gate *client, char **doors)
{
    shmrpc_error error;
    uint32_t count = 0;
    for (; *doors != NULL; doors++) {
        if (gate_enter(client, shmrpc_str_of(*doors), NULL, &count, &error) !=
            SHMRPC_OK) {
            return failed(&error);
        }
    }
    printf("%u entered\n", (unsigned)count);
    return 0;
}

/* Waits until `wanted` connections have ended. The server notices the end of a
 * connection a moment after its client has left. */
static int await_gone(gate *client, unsigned long wanted)
{
    const struct timespec slice = {.tv_nsec = 5000000};
    shmrpc_error error;
    uint32_t count = 0;
    do {
        (void)thrd_sleep(&slice, NULL);
        if (gate_gone(client, NULL, &count, &error) != SHMRPC_OK) {
            return failed(&error);
        }
    } while (count < wanted);
    printf("%u gone\n", (unsigned)count);
    return 0;
}

int main(int argc, char **argv)
{
    gate *client;
    shmrpc_error error;
    const char *what = argc > 3 ? argv[2] : "";
    /* `gone` repeats its call while it waits, so its calls are not reported. */
    const shmrpc_opts opts = {
        .interceptors = strcmp(what, "gone") == 0 ? NULL : interceptors};
    if (argc < 4) {
        fputs(
            "usage: gate-client ADDRESS look DOOR | enter DOOR... | gone "
            "COUNT\n",
            stderr);
        return 2;
    }
    if (gate_connect(argv[1], &opts, &client, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    int status = strcmp(what, "look") == 0 ? look(client, argv[3])
                 : strcmp(what, "enter") == 0
                     ? enter(client, argv + 3)
                     : await_gone(client, strtoul(argv[3], NULL, 10));
    gate_close(client);
    return status;
}
