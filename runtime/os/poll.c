/* epoll, eventfd and timerfd. */
#include "os/poll.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/crash.h"
#include "os/fault.h"
#include "os/waiting.h"

#define MAX_EVENTS  64u
#define MAX_ENTRIES 4u

static int timeout_ms(int64_t deadline_ns)
{
    if (deadline_ns == SHMRPCI_NEVER_NS) {
        return -1;
    }
    if (deadline_ns == 0) {
        return 0;
    }
    /* Rounded up: after waking before the deadline, the caller would only wait
     * again. */
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

static struct epoll_event event_of(shmrpci_poll_mode mode, uint64_t tag)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
    switch (mode) {
    case SHMRPCI_POLL_LEVEL:
        event.events |= (uint32_t)EPOLLRDHUP;
        break;
    case SHMRPCI_POLL_BELL:
        event.events |= (uint32_t)EPOLLEXCLUSIVE | (uint32_t)EPOLLET;
        break;
    case SHMRPCI_POLL_EDGE:
        event.events |=
            (uint32_t)EPOLLOUT | (uint32_t)EPOLLRDHUP | (uint32_t)EPOLLET;
        break;
    }
    return event;
}

shmrpc_status shmrpci_poll_add(int set, int fd, shmrpci_poll_mode mode,
                               uint64_t tag)
{
    struct epoll_event event = event_of(mode, tag);
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) {
        return shmrpci_status_of_last();
    }
    return SHMRPC_OK;
}

void shmrpci_poll_again(int set, int fd, uint64_t tag)
{
    struct epoll_event event = event_of(SHMRPCI_POLL_EDGE, tag);
    (void)epoll_ctl(set, EPOLL_CTL_MOD, fd, &event);
}

void shmrpci_poll_remove(int set, int fd)
{
    (void)epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);
}

/* Like epoll_wait, but calls the thread's hooks. */
static int await_set(int set, struct epoll_event *events, int limit,
                     int64_t deadline_ns)
{
    if (deadline_ns == 0 || !shmrpci_waiting_is_hooked()) {
        return epoll_wait(set, events, limit, timeout_ms(deadline_ns));
    }
    int64_t slice_ns = shmrpci_waiting_begin(deadline_ns);
    int count = epoll_wait(set, events, limit, timeout_ms(slice_ns));
    shmrpci_waiting_end(slice_ns, count < 0 && errno == EINTR);
    return count;
}

/* Like poll, but calls the thread's hooks. */
static int await_entries(struct pollfd *fds, size_t count, int64_t deadline_ns)
{
    if (deadline_ns == 0 || !shmrpci_waiting_is_hooked()) {
        return poll(fds, count, timeout_ms(deadline_ns));
    }
    int64_t slice_ns = shmrpci_waiting_begin(deadline_ns);
    int ready = poll(fds, count, timeout_ms(slice_ns));
    shmrpci_waiting_end(slice_ns, ready < 0 && errno == EINTR);
    return ready;
}

size_t shmrpci_poll_wait(int set, uint64_t *tags, size_t max,
                         int64_t deadline_ns)
{
    struct epoll_event events[MAX_EVENTS];
    int limit = max < MAX_EVENTS ? (int)max : (int)MAX_EVENTS;
    int count = await_set(set, events, limit, deadline_ns);
    for (int i = 0; i < count; i++) {
        tags[i] = events[i].data.u64;
    }
    return count > 0 ? (size_t)count : 0;
}

size_t shmrpci_poll_wait_edges(int set, uint64_t *tags, size_t max,
                               int64_t deadline_ns)
{
    const uint32_t ends =
        (uint32_t)EPOLLRDHUP | (uint32_t)EPOLLHUP | (uint32_t)EPOLLERR;
    struct epoll_event events[MAX_EVENTS];
    int limit = max < MAX_EVENTS ? (int)max : (int)MAX_EVENTS;
    int count = await_set(set, events, limit, deadline_ns);
    for (int i = 0; i < count; i++) {
        bool hung_up = (events[i].events & ends) != 0;
        tags[i] = events[i].data.u64 | (hung_up ? SHMRPCI_POLL_HUNG_UP : 0);
    }
    return count > 0 ? (size_t)count : 0;
}

bool shmrpci_poll_is_hung_up(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLRDHUP};
    return poll(&entry, 1, 0) > 0 &&
           (entry.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

bool shmrpci_poll_entries(shmrpci_poll_entry *entries, size_t count,
                          int64_t deadline_ns)
{
    struct pollfd fds[MAX_ENTRIES];
    count = count < MAX_ENTRIES ? count : MAX_ENTRIES;
    for (size_t i = 0; i < count; i++) {
        int events = POLLRDHUP | (entries[i].read ? POLLIN : 0) |
                     (entries[i].write ? POLLOUT : 0);
        fds[i] = (struct pollfd){.fd = entries[i].fd, .events = (short)events};
        entries[i].is_ready = false;
    }
    for (;;) {
        int ready = await_entries(fds, count, deadline_ns);
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            for (size_t i = 0; i < count; i++) {
                /* If poll failed, report all as ready: using a descriptor then
                 * shows the error. */
                entries[i].is_ready = ready < 0 || fds[i].revents != 0;
            }
            return true;
        }
        if (deadline_ns == 0 || shmrpci_waiting_is_interrupted() ||
            (deadline_ns != SHMRPCI_NEVER_NS &&
             shmrpci_remaining_ns(deadline_ns) == 0)) {
            return false;
        }
    }
}

bool shmrpci_poll_readable(int fd, int64_t deadline_ns)
{
    shmrpci_poll_entry entry = {.fd = fd, .read = true};
    return shmrpci_poll_entries(&entry, 1, deadline_ns);
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
    SHMRPCI_CRASHPOINT;
    ssize_t written = write(fd, &one, sizeof one);
    (void)written;
    errno = saved;
}

/* Reads the counter of an event or timer, which resets it. */
static void take_count(int fd)
{
    int saved = errno;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)got;
    errno = saved;
}

void shmrpci_event_clear(int fd)
{
    take_count(fd);
}

shmrpc_status shmrpci_timer_create(int *out_fd)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

void shmrpci_timer_set(int fd, int64_t at_ns)
{
    struct itimerspec spec = {{0, 0}, {0, 0}};
    if (at_ns != SHMRPCI_NEVER_NS) {
        /* 0 would stop the timer, so it is replaced by 1. The timer then fires
         * at once, as for any time in the past. */
        at_ns = at_ns > 0 ? at_ns : 1;
        spec.it_value.tv_sec = at_ns / SHMRPCI_NS_PER_S;
        spec.it_value.tv_nsec = at_ns % SHMRPCI_NS_PER_S;
    }
    (void)timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

void shmrpci_timer_clear(int fd)
{
    take_count(fd);
}
