/*
 * A library to preload into a program. The program's TCP connections then meet
 * faults that the system may cause at any time, but rarely does. FAULTS is a
 * list of:
 *
 *     eintr    a signal interrupts every third wait, piece or connect
 *     short    pieces of 1 to 256 bytes are received and sent
 *     small    the system buffers only a few KiB, so that little is sent
 *              at a time, and then nothing (EAGAIN)
 *     accept   two of three accepts fail: no memory, no descriptors, or the
 *              client is gone
 *     reset    each 150th piece resets the connection
 *
 * If only a part of a piece is received, the library makes an edge-triggered
 * epoll set report the socket again, as if the rest arrived a moment later.
 * Packages that inject errors (libfiu, strace) are not suitable. They can't
 * shorten what sockets accept. They skip the operation that fails, so they
 * return EAGAIN although bytes are there, and nothing wakes the reader for
 * these bytes.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { FDS = 4096, RESET_EACH = 150, SMALL_BYTES = 2048 };

static atomic_bool is_tcp[FDS];
/* The epoll set that contains a socket, and its events there. */
static struct {
    int set;
    struct epoll_event event;
} watched[FDS];
static atomic_uint turns;
static atomic_uint accepts;
static atomic_uint pieces;

static bool has(const char *fault)
{
    const char *faults = getenv("FAULTS");
    return faults != NULL && strstr(faults, fault) != NULL;
}

static unsigned dice(void)
{
    unsigned x = atomic_fetch_add(&turns, 1) * 2654435761u + 12345u;
    x ^= x >> 15;
    x *= 2246822519u;
    return x ^ x >> 13;
}

static bool is_interrupted(void)
{
    return has("eintr") && dice() % 3 == 0;
}

static bool may_fail(int fd)
{
    return fd >= 0 && fd < FDS && atomic_load(&is_tcp[fd]);
}

/* The next definition of a function: the C library's, or a sanitizer's. */
#define REAL(name)                                 \
    static __typeof__(name) *real;                 \
    if (real == NULL) {                            \
        *(void **)&real = dlsym(RTLD_NEXT, #name); \
    }

static int fail_with(int code)
{
    errno = code;
    return -1;
}

static void note(int fd, int family)
{
    if (fd < 0 || fd >= FDS) {
        return;
    }
    bool is = family == AF_INET || family == AF_INET6;
    atomic_store(&is_tcp[fd], is);
    watched[fd].set = 0;
    if (is && has("small")) {
        int bytes = SMALL_BYTES;
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
}

/* Returns the error with which sending or receiving a piece fails; 0: it
 * succeeds with up to *most bytes. */
static int judge(int fd, size_t *most)
{
    if (!may_fail(fd)) {
        return 0;
    }
    if (has("reset") && atomic_fetch_add(&pieces, 1) % RESET_EACH == 99) {
        return ECONNRESET;
    }
    if (is_interrupted()) {
        return EINTR;
    }
    if (has("short")) {
        *most = 1 + dice() % 256;
    }
    return 0;
}

int socket(int family, int type, int protocol)
{
    REAL(socket)
    int fd = real(family, type, protocol);
    note(fd, (type & 0xf) == SOCK_STREAM ? family : AF_UNIX);
    return fd;
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *len, int flags)
{
    REAL(accept4)
    static const int codes[] = {EMFILE, ENOMEM, ECONNABORTED, ENFILE, EAGAIN};
    if (may_fail(fd) && has("accept")) {
        unsigned turn = atomic_fetch_add(&accepts, 1);
        if (turn % 3 != 2) {
            return fail_with(codes[turn % (sizeof codes / sizeof *codes)]);
        }
    }
    if (may_fail(fd) && is_interrupted()) {
        return fail_with(EINTR);
    }
    int accepted = real(fd, address, len, flags);
    note(accepted, may_fail(fd) ? AF_INET : AF_UNIX);
    return accepted;
}

/* If connecting is interrupted, it continues in the background. */
int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    REAL(connect)
    int status = real(fd, address, len);
    return may_fail(fd) && is_interrupted() &&
                   (status == 0 || errno == EINPROGRESS)
               ? fail_with(EINTR)
               : status;
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    REAL(recv)
    size_t most = size;
    int code = judge(fd, &most);
    if (code != 0) {
        return fail_with(code);
    }
    ssize_t got = real(fd, data, size < most ? size : most, flags);
    if (got > 0 && (size_t)got < size && watched[fd].set > 0) {
        struct epoll_event event = watched[fd].event;
        (void)epoll_ctl(watched[fd].set, EPOLL_CTL_MOD, fd, &event);
    }
    return got;
}

int epoll_ctl(int set, int how, int fd, struct epoll_event *event)
{
    REAL(epoll_ctl)
    if (may_fail(fd)) {
        watched[fd].set = how != EPOLL_CTL_DEL ? set : 0;
        if (event != NULL) {
            watched[fd].event = *event;
        }
    }
    return real(set, how, fd, event);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL(sendmsg)
    size_t most = SIZE_MAX;
    int code = judge(fd, &most);
    if (code != 0) {
        return fail_with(code);
    }
    struct msghdr cut = *message;
    struct iovec first;
    if (most != SIZE_MAX && message->msg_iovlen > 0) {
        first = message->msg_iov[0];
        first.iov_len = first.iov_len < most ? first.iov_len : most;
        cut.msg_iov = &first;
        cut.msg_iovlen = 1;
    }
    return real(fd, &cut, flags);
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    REAL(poll)
    return is_interrupted() ? fail_with(EINTR) : real(fds, count, timeout_ms);
}

int epoll_wait(int set, struct epoll_event *events, int most, int timeout_ms)
{
    REAL(epoll_wait)
    return is_interrupted() ? fail_with(EINTR)
                            : real(set, events, most, timeout_ms);
}
