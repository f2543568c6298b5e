/* multicastside POOL INPUT OUTPUT LISTENERS [PATIENCE_MS]: waits for LISTENERS
 * subscribers, then sends each packet to all of them. Waits at most PATIENCE_MS
 * for the slowest one, by default 5 s. */
#include <stdio.h>
#include <time.h>

#include "side.h"

/* Max size of a packet. The topic has memory for four packets of this size, so
 * a slow subscriber may be that far behind. */
#define PACKET_BYTES 1024

static shmrpc_topic *make_topic(const char *pool, const char *name,
                                uint64_t patience_ms)
{
    const shmrpc_topic_opts opts = {
        .max_item_bytes = PACKET_BYTES,
        .overflow = SHMRPC_OVERFLOW_BLOCK,
        .max_stall_ns = (int64_t)patience_ms * 1000000,
    };
    return side_make_topic(pool, name, &opts);
}

static void await_listeners(shmrpc_topic *topic, uint64_t count)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    shmrpc_topic_stat stat;
    while (shmrpc_topic_stat_read(topic, &stat) == SHMRPC_OK &&
           stat.subscriber_count < count) {
        (void)nanosleep(&pause, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc < 5 || argc > 6) {
        fprintf(stderr,
                "usage: multicastside POOL INPUT OUTPUT LISTENERS "
                "[PATIENCE_MS]\n");
        return 2;
    }
    uint64_t listeners = side_number(argv[4], "listeners");
    uint64_t patience_ms =
        argc == 6 ? side_number(argv[5], "milliseconds") : 5000;
    shmrpc_topic *output = make_topic(argv[1], argv[3], patience_ms);
    shmrpc_queue *input = side_find(argv[1], argv[2]);
    await_listeners(output, listeners);
    unsigned long long count = 0;
    const shmrpc_opts for_ever = {.timeout_ns = INT64_MAX};
    const shmrpc_any *packet;
    while ((packet = side_pop(input, 5.5)) != NULL) {
        shmrpc_error error;
        if (shmrpc_topic_publish(output, packet, &for_ever, &error) !=
            SHMRPC_OK) {
            side_fail("publish", &error);
        }
        shmrpc_queue_release(input, packet);
        count++;
    }
    printf("multicastside: gave %llu packets to all\n", count);
    (void)fflush(stdout);
    (void)shmrpc_topic_end(output);
    shmrpc_topic_close(output);
    shmrpc_queue_close(input);
    return 0;
}
