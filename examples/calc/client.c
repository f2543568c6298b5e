#include "calc_client.h"
#include <stdio.h>

int main(int argc, char **argv)
{
    const char *where = argc > 1 ? argv[1] : "shm://";
    calc *client;
    shmrpc_error error;
    char text[SHMRPC_ERROR_TEXT_BYTES];
    uint64_t result;
    if (calc_connect(where, NULL, &client, &error) != SHMRPC_OK ||
        calc_divide(client, 84, 2, NULL, &result, &error) != SHMRPC_OK) {
        shmrpc_error_text(&error, text, sizeof text);
        return fprintf(stderr, "%s\n", text), 1;
    }
    printf("%llu\n", (unsigned long long)result);
    calc_close(client);
}
