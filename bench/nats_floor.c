/*
 * The floor of nats://: two bare blocking clients of NATS's protocol, which ask
 * and answer through a server of their own.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "case.h"
#include "nats_server.h"
#include "sockets.h"

enum { LINE_BYTES = 8192 };

/* A connection to the server, and the bytes read from it. */
typedef struct bare {
    nats_server server;
    size_t size;
    int fd;
    uint64_t sequence;
    size_t have;
    char in[LINE_BYTES];
    char message[LINE_BYTES];
} bare;

/* Waits for a whole line, and cuts its end off. */
static char *next_line(bare *b, size_t *out_len)
{
    for (;;) {
        char *end = memchr(b->in, '\n', b->have);
        if (end != NULL) {
            *out_len = (size_t)(end - b->in) + 1;
            end[-1] = '\0';
            return b->in;
        }
        const ssize_t n =
            recv(b->fd, b->in + b->have, sizeof b->in - b->have, 0);
        if (n <= 0) {
            bench_fail("nats-server has hung up");
        }
        b->have += (size_t)n;
    }
}

static void drop(bare *b, size_t len)
{
    b->have -= len;
    memmove(b->in, b->in + len, b->have);
}

static void say(bare *b, const char *text)
{
    bench_put(b->fd, text, strlen(text));
}

/* Waits until a line begins with that. */
static void await(bare *b, const char *what)
{
    for (bool found = false; !found;) {
        size_t len;
        const char *line = next_line(b, &len);
        found = strncmp(line, what, strlen(what)) == 0;
        drop(b, len);
    }
}

/* Connects, and subscribes to a subject. */
static void greet(bare *b, const char *subject)
{
    const int one = 1;
    char text[128];
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(b->server.port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    b->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(b->fd, (struct sockaddr *)(void *)&at, sizeof at) != 0 ||
        setsockopt(b->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
        bench_fail("can't connect to nats-server");
    }
    await(b, "INFO");
    snprintf(text, sizeof text,
             "CONNECT {\"verbose\":false}\r\nSUB %s 1\r\nPING\r\n", subject);
    say(b, text);
    await(b, "PONG");
}

static void publish(bare *b, const char *subject)
{
    char head[64];
    const int len =
        snprintf(head, sizeof head, "PUB %s %zu\r\n", subject, b->size);
    memmove(b->message + len, b->message, b->size);
    memcpy(b->message, head, (size_t)len);
    memcpy(b->message + len + b->size, "\r\n", 2);
    bench_put(b->fd, b->message, (size_t)len + b->size + 2);
}

/* The next message's body, in `message`. */
static void receive(bare *b)
{
    size_t len;
    while (strncmp(next_line(b, &len), "MSG", 3) != 0) {
        drop(b, len);
    }
    drop(b, len);
    while (b->have < b->size + 2) {
        const ssize_t n =
            recv(b->fd, b->in + b->have, sizeof b->in - b->have, 0);
        if (n <= 0) {
            bench_fail("nats-server has hung up");
        }
        b->have += (size_t)n;
    }
    memcpy(b->message, b->in, b->size);
    drop(b, b->size + 2);
}

static void *bare_setup(const bench_case *self)
{
    bare *const b = bench_alloc(sizeof *b);
    memset(b, 0, sizeof *b);
    b->size = self->payload;
    if (!nats_server_start(&b->server, 0)) {
        bench_fail(BENCH_NOT_INSTALLED "nats-server");
    }
    return b;
}

static void bare_serve(void *state)
{
    bare *const b = state;
    greet(b, "ask");
    bench_ready();
    for (;;) {
        receive(b);
        publish(b, "answer");
    }
}

static void bare_dial(void *state)
{
    greet(state, "answer");
}

static void bare_call(void *state)
{
    bare *const b = state;
    const uint64_t n = ++b->sequence;
    uint64_t back;
    memcpy(b->message, &n, sizeof n);
    publish(b, "ask");
    receive(b);
    memcpy(&back, b->message, sizeof back);
    if (back != n) {
        bench_fail("echo %llu differs", (unsigned long long)n);
    }
}

static void bare_teardown(void *state)
{
    bare *const b = state;
    nats_server_end(&b->server);
    free(b);
}

static const bench_case cases[] = {
    {.name = "floor.nats",
     .about = "two bare clients of NATS's protocol, through its server",
     .payload = 64,
     .places = BENCH_IN_FREE,
     .floor = BENCH_FLOOR_NONE,
     .contest = "nats 64 B",
     .contestant = "raw NATS",
     .setup = bare_setup,
     .serve = bare_serve,
     .dial = bare_dial,
     .call = bare_call,
     .teardown = bare_teardown},
};

const bench_suite nats_floor = {cases, sizeof cases / sizeof *cases};
