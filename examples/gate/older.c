/*
 * A client that was built when `enter` had no result: it can't call that method
 * any more, but it may call the others if it connects with SHMRPC_OPT_PARTIAL.
 *
 *   gate-older          can't connect: the CONTRACT error names the difference
 *   gate-older partial  connects, but may not call the method that differs
 */
#include <stdio.h>
#include <string.h>

#include "older_client.h"

static int failed(const shmrpc_error *error)
{
    char text[SHMRPC_ERROR_TEXT_BYTES];
    printf("%s\n", shmrpc_error_text(error, text, sizeof text));
    return 1;
}

int main(int argc, char **argv)
{
    older *client;
    uint32_t count;
    shmrpc_error error;
    bool is_partial = argc > 1 && strcmp(argv[1], "partial") == 0;
    const shmrpc_opts opts = {.flags = is_partial ? SHMRPC_OPT_PARTIAL : 0};
    if (older_connect(NULL, &opts, &client, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    if (older_gone(client, NULL, &count, &error) != SHMRPC_OK) {
        return failed(&error);
    }
    printf("%u gone\n", (unsigned)count);
    if (older_enter(client, shmrpc_str_of("window"), NULL, &error) !=
        SHMRPC_OK) {
        (void)failed(&error);
    }
    older_close(client);
    return 0;
}
