#include "side.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void side_fail(const char *what, const shmrpc_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", what, error->name, error->message);
    exit(1);
}

uint64_t side_number(const char *text, const char *what)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-') {
        fprintf(stderr, "%s is not a valid number for %s\n", text, what);
        exit(2);
    }
    return value;
}

/* A pool is only a prefix of its pipes' names. */
static const char *name_of(const char *pool, const char *pipe)
{
    static char name[SHMRPC_SHARED_NAME_MAX + 1];
    int len = snprintf(name, sizeof name, "%s.%s", pool, pipe);
    if (len < 0 || (size_t)len >= sizeof name) {
        fprintf(stderr, "%s.%s is too long a name\n", pool, pipe);
        exit(2);
    }
    return name;
}

static shmrpc_queue *open_queue(const char *pool, const char *pipe,
                                const shmrpc_queue_opts *opts)
{
    const char *name = name_of(pool, pipe);
    shmrpc_queue *queue;
    shmrpc_error error;
    if (shmrpc_queue_open(name, opts, &queue, &error) != SHMRPC_OK) {
        side_fail(name, &error);
    }
    return queue;
}

shmrpc_queue *side_make(const char *pool, const char *pipe, uint64_t capacity,
                        uint64_t bytes)
{
    const shmrpc_queue_opts opts = {
        .shared = {.lifetime = SHMRPC_LIFETIME_LAST_CLOSE, .max_bytes = bytes},
        .capacity = capacity,
    };
    return open_queue(pool, pipe, &opts);
}

shmrpc_queue *side_find(const char *pool, const char *pipe)
{
    const shmrpc_queue_opts opts = {
        .shared = {.mode = SHMRPC_SHARED_WAIT, .timeout_ns = INT64_MAX},
    };
    return open_queue(pool, pipe, &opts);
}

static shmrpc_topic *open_topic(const char *pool, const char *name,
                                const shmrpc_topic_opts *opts)
{
    const char *full = name_of(pool, name);
    shmrpc_topic *topic;
    shmrpc_error error;
    if (shmrpc_topic_open(full, opts, &topic, &error) != SHMRPC_OK) {
        side_fail(full, &error);
    }
    return topic;
}

shmrpc_topic *side_make_topic(const char *pool, const char *name,
                              const shmrpc_topic_opts *opts)
{
    shmrpc_topic_opts mine = *opts;
    mine.shared.lifetime = SHMRPC_LIFETIME_LAST_CLOSE;
    return open_topic(pool, name, &mine);
}

shmrpc_topic *side_find_topic(const char *pool, const char *name)
{
    const shmrpc_topic_opts opts = {
        .shared = {.mode = SHMRPC_SHARED_WAIT, .timeout_ns = INT64_MAX},
    };
    return open_topic(pool, name, &opts);
}

static shmrpc_opts within(double seconds)
{
    return (shmrpc_opts){.timeout_ns = (int64_t)(seconds * 1e9)};
}

void side_push(shmrpc_queue *to, const shmrpc_any *packet, double patience)
{
    const shmrpc_opts opts = within(patience);
    shmrpc_error error;
    shmrpc_status status;
    while ((status = shmrpc_queue_push(to, packet, &opts, &error)) ==
           SHMRPC_E_DEADLINE) {
        fprintf(stderr, "nobody took a packet for %g s, trying again\n",
                patience);
    }
    if (status != SHMRPC_OK) {
        side_fail("push", &error);
    }
}

const shmrpc_any *side_pop(shmrpc_queue *from, double patience)
{
    const shmrpc_opts opts = within(patience);
    const shmrpc_any *packet;
    shmrpc_error error;
    shmrpc_status status;
    while ((status = shmrpc_queue_pop(from, &opts, &packet, &error)) ==
           SHMRPC_E_DEADLINE) {
        fprintf(stderr, "no packet came for %g s, trying again\n", patience);
    }
    if (status == SHMRPC_E_CANCELLED) {
        return NULL;
    }
    if (status != SHMRPC_OK) {
        side_fail("pop", &error);
    }
    return packet;
}

void side_finish(shmrpc_queue *queue)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    shmrpc_queue_stat stat;
    (void)shmrpc_queue_end(queue);
    while (shmrpc_queue_stat_read(queue, &stat) == SHMRPC_OK &&
           stat.item_count > 0) {
        (void)nanosleep(&pause, NULL);
    }
    shmrpc_queue_close(queue);
}
