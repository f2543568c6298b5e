/* serverside POOL BYTES PIPE CAPACITY [PACKETS]: makes a queue and fills it. */
#include <stdio.h>

#include "side.h"

int main(int argc, char **argv)
{
    if (argc < 5 || argc > 6) {
        fprintf(stderr,
                "usage: serverside POOL BYTES PIPE CAPACITY "
                "[PACKETS]\n");
        return 2;
    }
    uint64_t count =
        /* Or without end. */
        argc == 6 ? side_number(argv[5], "packets") : UINT64_MAX;
    shmrpc_queue *pipe =
        side_make(argv[1], argv[3], side_number(argv[4], "packets"),
                  side_number(argv[2], "bytes"));
    for (uint64_t i = 0; i < count; i++) {
        shmrpc_any_entry entry = {shmrpc_any_str("sequence_number"),
                                  shmrpc_any_u64(i)};
        shmrpc_any packet = shmrpc_any_map_of(&entry, 1);
        side_push(pipe, &packet, 3.2);
    }
    printf("serverside: %llu packets are in %s\n", (unsigned long long)count,
           argv[3]);
    (void)fflush(stdout); /* so that this line appears before the other
                           * programs' output */
    side_finish(pipe);
    return 0;
}
