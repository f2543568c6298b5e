/* Calls the Python service from C, like any other service. */
#include <stdio.h>

#include "echo_client.h"

static int fail(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    (void)fprintf(stderr, "%s\n", shmrpc_error_text(error, text, sizeof text));
    return 1;
}

static int greet(greet_greeter *client, const char *name)
{
    const greet_greeter_greet_reply *reply = NULL;
    shmrpc_error error;
    int status = greet_greeter_greet(client, shmrpc_str_of(name), 1, NULL,
                                     &reply, &error);
    if (status == GREET_ERR_NO_NAME) {
        const greet_no_name *why = greet_greeter_greet_no_name(reply);
        if (why != NULL) {
            (void)printf("refused: %.*s\n", (int)why->hint.len, why->hint.ptr);
        }
    } else if (status == SHMRPC_OK) {
        (void)printf("%.*s\n", (int)reply->value.len, reply->value.ptr);
    }
    greet_greeter_greet_release(reply);
    return status == SHMRPC_OK || status == GREET_ERR_NO_NAME ? 0
                                                              : fail(&error);
}

int main(int argc, char **argv)
{
    greet_greeter *client = NULL;
    shmrpc_error error;
    int64_t sum = 0;
    if (greet_greeter_connect(argc > 1 ? argv[1] : NULL, NULL, &client,
                              &error) != SHMRPC_OK) {
        return fail(&error);
    }
    int ended = greet(client, "Ada") + greet(client, "");
    if (greet_greeter_add(client, 1, 2, NULL, &sum, &error) != SHMRPC_OK) {
        ended += fail(&error);
    }
    (void)printf("%lld\n", (long long)sum);
    greet_greeter_close(client);
    return ended;
}
