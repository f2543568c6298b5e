/* subscriberside POOL TOPIC [PAUSE_MS]: reads the topic until it is ended, and
 * sleeps PAUSE_MS for each packet. */
#include <stdio.h>
#include <time.h>

#include "side.h"

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: subscriberside POOL TOPIC [PAUSE_MS]\n");
        return 2;
    }
    uint64_t pause_ms = argc == 4 ? side_number(argv[3], "milliseconds") : 0;
    const struct timespec pause = {.tv_sec = (time_t)(pause_ms / 1000),
                                   .tv_nsec =
                                       (long)(pause_ms % 1000) * 1000000};
    shmrpc_topic *topic = side_find_topic(argv[1], argv[2]);
    shmrpc_sub *sub;
    shmrpc_error error;
    shmrpc_status status;
    if (shmrpc_topic_subscribe(topic, &sub, &error) != SHMRPC_OK) {
        side_fail("subscribe", &error);
    }
    unsigned long long count = 0;
    const shmrpc_opts for_ever = {.timeout_ns = INT64_MAX};
    const shmrpc_any *packet;
    while ((status = shmrpc_sub_next(sub, &packet, &for_ever, &error)) ==
           SHMRPC_OK) {
        count++;
        (void)nanosleep(&pause, NULL);
    }
    if (status == SHMRPC_E_EVICTED) {
        printf(
            "subscriberside: too slow: the publisher no longer waits for this "
            "subscriber\n");
    } else if (status == SHMRPC_E_CANCELLED) {
        printf("subscriberside: %llu packets\n", count);
    } else {
        side_fail("next", &error);
    }
    shmrpc_sub_close(sub);
    shmrpc_topic_close(topic);
    return 0;
}
