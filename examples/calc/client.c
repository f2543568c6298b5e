#include "calc_client.h"
#include <stdio.h>

int main(int argc, char **argv)
{
    const char *where = argc > 1 ? argv[1] : "shm://";
    calc_calc *calc;
    shmrpc_error error;
    uint64_t result;
    if (calc_calc_connect(where, NULL, &calc, &error) != SHMRPC_OK ||
        calc_calc_divide(calc, 84, 2, NULL, &result, &error) != SHMRPC_OK) {
        return fprintf(stderr, "%s: %s\n", error.name, error.message), 1;
    }
    printf("%llu\n", (unsigned long long)result);
    calc_calc_close(calc);
}
