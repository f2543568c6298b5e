/*
 * The floor of the kernel's byte streams: pipe, AF_UNIX and TCP over loopback,
 * blocking, one message each way; and a new AF_UNIX connection for each
 * message.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "case.h"
#include "sockets.h"

enum { MESSAGE_BYTES = 64, LARGE_BYTES = 1 << 20 };

/* Both directions of a stream. In each array, element 0 is read from and
 * element 1 is written to. */
typedef struct wire {
    int to_server[2];
    int to_client[2];
    uint64_t sequence;
    size_t size; /* bytes in a message */
    unsigned char message[LARGE_BYTES];
    unsigned char reply[LARGE_BYTES];
} wire;

static void must(int result, const char *what)
{
    if (result < 0) {
        bench_fail("%s: %s", what, strerror(errno));
    }
}

void bench_put(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n = write(fd, (const char *)bytes + done, size - done);
        must(n < 0 ? -1 : 0, "write");
        done += (size_t)n;
    }
}

void bench_get(int fd, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n = read(fd, (char *)bytes + done, size - done);
        if (n <= 0) {
            bench_fail("read: %s", n == 0 ? "end of file" : strerror(errno));
        }
        done += (size_t)n;
    }
}

/* Uses one socket on each side for both directions. */
static void use_sockets(wire *w, int client, int server)
{
    w->to_server[0] = w->to_client[1] = server;
    w->to_server[1] = w->to_client[0] = client;
}

static wire *new_wire(const bench_case *self)
{
    wire *const w = bench_alloc(sizeof *w);
    memset(w, 0, sizeof *w);
    w->size = self->payload;
    return w;
}

static void *pipe_setup(const bench_case *self)
{
    wire *const w = new_wire(self);
    must(pipe(w->to_server), "pipe");
    must(pipe(w->to_client), "pipe");
    return w;
}

static void *unix_setup(const bench_case *self)
{
    wire *const w = new_wire(self);
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
    use_sockets(w, ends[0], ends[1]);
    return w;
}

static void send_at_once(int fd)
{
    const int one = 1;
    must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one),
         "TCP_NODELAY");
}

int bench_tcp_connect(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    must(fd, "socket");
    must(connect(fd, (struct sockaddr *)&at, sizeof at), "connect");
    send_at_once(fd);
    return fd;
}

void bench_tcp_pair(int ends[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    must(listener, "socket");
    must(bind(listener, (struct sockaddr *)&at, sizeof at), "bind");
    must(listen(listener, 1), "listen");
    must(getsockname(listener, (struct sockaddr *)&at, &size), "getsockname");
    ends[0] = bench_tcp_connect(ntohs(at.sin_port));
    ends[1] = accept(listener, NULL, NULL);
    must(ends[1], "accept");
    close(listener);
    send_at_once(ends[1]);
}

static void *tcp_setup(const bench_case *self)
{
    wire *const w = new_wire(self);
    int ends[2];
    bench_tcp_pair(ends);
    use_sockets(w, ends[0], ends[1]);
    return w;
}

static void wire_serve(void *state)
{
    wire *const w = state;
    bench_ready();
    for (;;) {
        bench_get(w->to_server[0], w->message, w->size);
        bench_put(w->to_client[1], w->message, w->size);
    }
}

static void exchange(wire *w, int to, int from)
{
    w->sequence++;
    memcpy(w->message, &w->sequence, sizeof w->sequence);
    bench_put(to, w->message, w->size);
    bench_get(from, w->reply, w->size);
    if (memcmp(w->reply, w->message, w->size) != 0) {
        bench_fail("echo %llu differs", (unsigned long long)w->sequence);
    }
}

static void wire_call(void *state)
{
    wire *const w = state;
    exchange(w, w->to_server[1], w->to_client[0]);
}

static void wire_teardown(void *state)
{
    wire *const w = state;
    close(w->to_server[0]);
    close(w->to_server[1]);
    if (w->to_client[0] != w->to_server[1]) {
        close(w->to_client[0]);
        close(w->to_client[1]);
    }
    free(w);
}

/* ---- a connection for each call ------------------------------------------ */

typedef struct door {
    wire w;
    int listener;
    struct sockaddr_un at; /* an abstract address: no file has to be removed */
    socklen_t at_size;
} door;

static void *door_setup(const bench_case *self)
{
    door *const d = bench_alloc(sizeof *d);
    memset(d, 0, sizeof *d);
    d->w.size = self->payload;
    d->at.sun_family = AF_UNIX;
    const int n = snprintf(d->at.sun_path + 1, sizeof d->at.sun_path - 1,
                           "shmrpc-bench-%ld", (long)getpid());
    d->at_size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    d->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    must(d->listener, "socket");
    must(bind(d->listener, (struct sockaddr *)&d->at, d->at_size), "bind");
    must(listen(d->listener, 16), "listen");
    return d;
}

static void door_serve(void *state)
{
    door *const d = state;
    bench_ready();
    for (;;) {
        const int fd = accept(d->listener, NULL, NULL);
        must(fd, "accept");
        bench_get(fd, d->w.message, d->w.size);
        bench_put(fd, d->w.message, d->w.size);
        close(fd);
    }
}

static void door_call(void *state)
{
    door *const d = state;
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    must(fd, "socket");
    must(connect(fd, (struct sockaddr *)&d->at, d->at_size), "connect");
    exchange(&d->w, fd, fd);
    close(fd);
}

static void door_teardown(void *state)
{
    door *const d = state;
    close(d->listener);
    free(d);
}

#define STREAM(name_, about_, setup_)                                 \
    {                                                                 \
        .name = (name_), .about = (about_), .payload = MESSAGE_BYTES, \
        .places = BENCH_IN_ALL, .floor = BENCH_FLOOR_SIGNAL,          \
        .setup = (setup_), .serve = wire_serve, .call = wire_call,    \
        .teardown = wire_teardown                                     \
    }

static const bench_case cases[] = {
    STREAM("floor.pipe", "a pipe in each direction", pipe_setup),
    STREAM("floor.unix", "an AF_UNIX stream", unix_setup),
    STREAM("floor.tcp", "TCP over loopback, without delay", tcp_setup),
    {.name = "floor.tcp",
     .about = "TCP over loopback, without delay",
     .payload = LARGE_BYTES,
     .places = BENCH_IN_APART | BENCH_IN_FREE,
     .floor = BENCH_FLOOR_NONE,
     .contest = "tcp 1 MiB",
     .contestant = "raw TCP",
     .setup = tcp_setup,
     .serve = wire_serve,
     .call = wire_call,
     .teardown = wire_teardown},
    {.name = "floor.connect",
     .about = "a new AF_UNIX connection, a message in each direction, close",
     .payload = MESSAGE_BYTES,
     .places = BENCH_IN_ALL,
     .floor = BENCH_FLOOR_SELF,
     .setup = door_setup,
     .serve = door_serve,
     .call = door_call,
     .teardown = door_teardown},
};

const bench_suite floor_sockets = {cases, sizeof cases / sizeof *cases};
