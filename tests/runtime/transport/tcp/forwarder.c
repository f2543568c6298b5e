/* A forwarding thread over poll. */
#include "forwarder.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons(port)};
}

static void reset(int fd)
{
    struct linger now = {.l_onoff = 1};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(fd);
}

static void no_delay(int fd)
{
    int yes = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

static void take_one(forwarder *f)
{
    struct sockaddr_in to = loopback(f->to_port);
    int from_fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    int to_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (from_fd < 0 || to_fd < 0 || f->pair_count == FORWARDER_PAIRS ||
        connect(to_fd, (struct sockaddr *)&to, sizeof to) != 0) {
        (void)close(from_fd);
        (void)close(to_fd);
        return;
    }
    no_delay(from_fd);
    no_delay(to_fd);
    f->pairs[f->pair_count][0] = from_fd;
    f->pairs[f->pair_count++][1] = to_fd;
    atomic_fetch_add(&f->accepted, 1);
}

static bool send_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* Forwards the available bytes; returns false if this pair has ended. */
static bool pass(const forwarder *f, int from_fd, int to_fd)
{
    uint8_t bytes[65536];
    size_t room = f->piece_bytes > 0 ? f->piece_bytes : sizeof bytes;
    ssize_t got = recv(from_fd, bytes, room, MSG_DONTWAIT);
    if (got == 0) {
        (void)shutdown(to_fd, SHUT_WR);
        return false;
    }
    return got > 0 && send_all(to_fd, bytes, (size_t)got);
}

static void drop_pair(forwarder *f, unsigned index, bool in_order)
{
    for (int side = 0; side < 2; side++) {
        if (in_order) {
            (void)close(f->pairs[index][side]);
        } else {
            reset(f->pairs[index][side]);
        }
    }
    memcpy(f->pairs[index], f->pairs[--f->pair_count], sizeof *f->pairs);
}

static void pass_all(forwarder *f, const struct pollfd *fds)
{
    for (unsigned i = f->pair_count; i-- > 0;) {
        bool alive = true;
        for (unsigned side = 0; side < 2 && alive; side++) {
            if (fds[2 * i + side].revents != 0) {
                alive = pass(f, f->pairs[i][side], f->pairs[i][1 - side]);
            }
        }
        if (!alive) {
            drop_pair(f, i, true);
        }
    }
}

static void forward(void *user)
{
    forwarder *f = user;
    unsigned cuts = 0;
    while (!atomic_load(&f->is_over)) {
        struct pollfd fds[2 * FORWARDER_PAIRS + 1];
        bool held = atomic_load(&f->is_held);
        unsigned count = held ? 0 : 2 * f->pair_count;
        for (unsigned i = 0; i < count; i++) {
            fds[i] =
                (struct pollfd){.fd = f->pairs[i / 2][i % 2], .events = POLLIN};
        }
        fds[count] = (struct pollfd){.fd = f->listen_fd, .events = POLLIN};
        (void)poll(fds, held ? 0 : count + 1, 2);
        if (cuts != atomic_load(&f->cuts)) {
            cuts = atomic_load(&f->cuts);
            while (f->pair_count > 0) {
                drop_pair(f, f->pair_count - 1, false);
            }
        } else if (!held) {
            pass_all(f, fds);
            if ((fds[count].revents & POLLIN) != 0) {
                take_one(f);
            }
        }
    }
    while (f->pair_count > 0) {
        drop_pair(f, f->pair_count - 1, false);
    }
}

void forwarder_start(forwarder *f, uint16_t to_port, size_t piece_bytes)
{
    struct sockaddr_in at = loopback(0);
    socklen_t len = sizeof at;
    memset(f, 0, sizeof *f);
    f->to_port = to_port;
    f->piece_bytes = piece_bytes;
    f->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(f->listen_fd >= 0);
    assert_int_equal(bind(f->listen_fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(f->listen_fd, 64), 0);
    assert_int_equal(getsockname(f->listen_fd, (struct sockaddr *)&at, &len),
                     0);
    f->port = ntohs(at.sin_port);
    assert_int_equal(shmrpci_thread_create(&f->thread, "forwarder", forward, f),
                     0);
}

void forwarder_stop(forwarder *f)
{
    atomic_store(&f->is_over, true);
    shmrpci_thread_join(&f->thread);
    (void)close(f->listen_fd);
}

void forwarder_hold(forwarder *f, bool held)
{
    atomic_store(&f->is_held, held);
}

void forwarder_cut(forwarder *f)
{
    atomic_fetch_add(&f->cuts, 1);
}
