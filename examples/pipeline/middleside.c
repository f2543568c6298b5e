/* middleside POOL INPUT OUTPUT CAPACITY: passes packets from a queue to
 * another. */
#include <stdio.h>

#include "side.h"

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: middleside POOL INPUT OUTPUT CAPACITY\n");
        return 2;
    }
    uint64_t capacity = side_number(argv[4], "packets");
    shmrpc_queue *input = side_find(argv[1], argv[2]);
    shmrpc_queue *output = side_make(argv[1], argv[3], capacity, 0);
    unsigned long long count = 0;
    const shmrpc_any *packet;
    while ((packet = side_pop(input, 5.5)) != NULL) {
        side_push(output, packet, 3.2);
        shmrpc_queue_release(input, packet);
        count++;
    }
    printf("middleside: passed %llu packets on\n", count);
    (void)fflush(stdout);
    side_finish(output);
    shmrpc_queue_close(input);
    return 0;
}
