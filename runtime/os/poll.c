/* epoll, eventfd and pipes. */
#include "os/poll.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fault.h"

#define MAX_EVENTS 64u

static int timeout_ms(int64_t deadline_ns)
{
    if (deadline_ns == SHMRPCI_NEVER_NS) {
        return -1;
    }
    if (deadline_ns == 0) {
        return 0;
    }
    /* Rounded up: waking before the deadline would only wait again. */
    int64_t ms = (shmrpci_remaining_ns(deadline_ns) + SHMRPCI_NS_PER_MS - 1) /
                 SHMRPCI_NS_PER_MS;
    return ms > 60000 ? 60000 : (int)ms;
}

shmrpc_status shmrpci_poll_create(int *out_set)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0) {
        return shmrpci_status_of_last();
    }
    *out_set = set;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_poll_add(int set, int fd, shmrpci_poll_mode mode,
                               uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
    if (mode == SHMRPCI_POLL_EXCLUSIVE) {
        event.events |= EPOLLEXCLUSIVE;
    } else {
        event.events |= EPOLLRDHUP;
    }
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) {
        return shmrpci_status_of_last();
    }
    return SHMRPC_OK;
}

void shmrpci_poll_remove(int set, int fd)
{
    (void)epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);
}

size_t shmrpci_poll_wait(int set, uint64_t *tags, size_t max,
                         int64_t deadline_ns)
{
    struct epoll_event events[MAX_EVENTS];
    int limit = max < MAX_EVENTS ? (int)max : (int)MAX_EVENTS;
    int count = epoll_wait(set, events, limit, timeout_ms(deadline_ns));
    for (int i = 0; i < count; i++) {
        tags[i] = events[i].data.u64;
    }
    return count > 0 ? (size_t)count : 0;
}

bool shmrpci_poll_is_hung_up(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLRDHUP};
    return poll(&entry, 1, 0) > 0 &&
           (entry.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

bool shmrpci_poll_readable(int fd, int64_t deadline_ns)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN | POLLRDHUP};
    for (;;) {
        int count = poll(&entry, 1, timeout_ms(deadline_ns));
        if (count > 0) {
            return true;
        }
        if (deadline_ns == 0 || (deadline_ns != SHMRPCI_NEVER_NS &&
                                 shmrpci_remaining_ns(deadline_ns) == 0)) {
            return false;
        }
        if (count < 0 && errno != EINTR) {
            return true; /* let the read tell */
        }
    }
}

shmrpc_status shmrpci_event_create(int *out_fd)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

void shmrpci_event_set(int fd)
{
    int saved = errno;
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written; /* full means set already */
    errno = saved;
}

void shmrpci_event_clear(int fd)
{
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)got;
}

shmrpc_status shmrpci_bell_create(int *out_ear, int *out_button)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return shmrpci_status_of_last();
    }
    /* Its writers write one byte each; a page holds plenty. */
    (void)fcntl(ends[0], F_SETPIPE_SZ, 4096);
    *out_ear = ends[0];
    *out_button = ends[1];
    return SHMRPC_OK;
}

shmrpc_status shmrpci_bell_button(int button, int *out_button)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", button);
    int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        /* Without /proc it shares the flags after all. */
        fd = fcntl(button, F_DUPFD_CLOEXEC, 0);
    }
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    *out_button = fd;
    return SHMRPC_OK;
}

void shmrpci_bell_ring(int button)
{
    char byte = 0;
    ssize_t written = write(button, &byte, 1);
    (void)written;
}

void shmrpci_bell_clear(int ear)
{
    char bytes[4096];
    ssize_t got = read(ear, bytes, sizeof bytes);
    (void)got;
}
