/* clientside POOL PIPE: reads a queue until it is ended. */
#include <stdio.h>

#include "side.h"

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: clientside POOL PIPE\n");
        return 2;
    }
    shmrpc_queue *pipe = side_find(argv[1], argv[2]);
    unsigned long long count = 0;
    unsigned long long in_order = 0;
    int64_t last = -1;
    const shmrpc_any *packet;
    while ((packet = side_pop(pipe, 5.5)) != NULL) {
        const shmrpc_any *number = shmrpc_any_find(packet, "sequence_number");
        if (number != NULL && number->kind == SHMRPC_ANY_I64) {
            in_order += number->u.i64 == last + 1;
            last = number->u.i64;
        }
        count++;
        shmrpc_queue_release(pipe, packet);
    }
    printf("clientside: %llu packets, %llu of them in order\n", count,
           in_order);
    shmrpc_queue_close(pipe);
    return 0;
}
