#include "calc_client.h"
#include <stdio.h>

int main(int argc, char **argv)
{
    calc *client;
    shmrpc_error why;
    char s[SHMRPC_ERROR_TEXT_BYTES];
    uint64_t result;
    if (calc_connect(argc > 1 ? argv[1] : NULL, NULL, &client, &why) != 0 ||
        calc_divide(client, 84, 2, NULL, &result, &why) != 0) {
        return fprintf(stderr, "%s\n", shmrpc_error_text(&why, s, sizeof s)), 1;
    }
    printf("%llu\n", (unsigned long long)result);
    calc_close(client);
}
