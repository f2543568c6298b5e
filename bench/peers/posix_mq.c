/* POSIX message queues: one for the requests, one for the replies. Messages
 * have at most 4 KiB, since larger ones need a higher RLIMIT_MSGQUEUE. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>

#include "peer.h"

enum { MESSAGE_BYTES = 4096 };

typedef struct queues {
    mqd_t request;
    mqd_t reply;
    char message[MESSAGE_BYTES];
} queues;

/* Makes a queue's name from a path; only the first character may be a slash. */
static void name_queue(const char *path, const char *which, char out[128])
{
    snprintf(out, 128, "/%s.%s", path + 1, which);
    for (char *at = out + 1; *at != '\0'; at++) {
        *at = *at == '/' ? '-' : *at;
    }
}

static mqd_t open_queue(const char *path, const char *which)
{
    char name[128];
    struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = MESSAGE_BYTES};
    name_queue(path, which, name);
    const mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attr);
    if (queue == (mqd_t)-1) {
        bench_fail("mq_open: %s", strerror(errno));
    }
    return queue;
}

static queues *open_both(const char *path)
{
    queues *const q = bench_alloc(sizeof *q);
    q->request = open_queue(path, "request");
    q->reply = open_queue(path, "reply");
    return q;
}

static void serve(const char *path)
{
    queues *const q = open_both(path);
    bench_ready();
    for (;;) {
        const ssize_t size =
            mq_receive(q->request, q->message, MESSAGE_BYTES, NULL);
        if (size < 0 || mq_send(q->reply, q->message, (size_t)size, 0) != 0) {
            bench_fail("serving: %s", strerror(errno));
        }
    }
}

/* Both sides have opened the queues, so their names can be removed. */
static void *dial(const char *path)
{
    char name[128];
    queues *const q = open_both(path);
    name_queue(path, "request", name);
    mq_unlink(name);
    name_queue(path, "reply", name);
    mq_unlink(name);
    return q;
}

static void call(void *connection, const peer_message *m)
{
    queues *const q = connection;
    if (mq_send(q->request, (const char *)m->request, m->size, 0) != 0) {
        bench_fail("mq_send: %s", strerror(errno));
    }
    const ssize_t size = mq_receive(q->reply, q->message, MESSAGE_BYTES, NULL);
    if (size < 0) {
        bench_fail("mq_receive: %s", strerror(errno));
    }
    peer_check(m, q->message, (size_t)size);
}

static const peer who = {"", serve, dial, call, NULL};

static const bench_case cases[] = {PEER_SMALL_CASES(
    BENCH_IN_ALL, "posix-mq", "two POSIX message queues", who)};

const bench_suite posix_mq = {cases, sizeof cases / sizeof *cases};
