/* Stream sockets. */
#include "os/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fault.h"
#include "os/poll.h"

#define BACKLOG 512

/* These settings detect a peer that has vanished: how long sent bytes may stay
 * unacknowledged, and after which idle time the kernel probes the peer. */
#define USER_TIMEOUT_MS  30000u
#define KEEP_IDLE_S      15
#define KEEP_INTERVAL_S  5
#define KEEP_PROBE_COUNT 3

_Static_assert(sizeof(struct sockaddr_un) <= 128 &&
                   sizeof(struct sockaddr_in6) <= 128,
               "an endpoint has room for both");

static const struct sockaddr *native(const shmrpci_endpoint *endpoint)
{
    return (const struct sockaddr *)(const void *)endpoint->bytes;
}

static int family_of(const shmrpci_endpoint *endpoint)
{
    return native(endpoint)->sa_family;
}

static shmrpc_status close_failed(int fd)
{
    shmrpc_status status = shmrpci_status_of_last();
    (void)close(fd);
    return status;
}

/* ---- endpoints ----------------------------------------------------------- */

shmrpc_status shmrpci_endpoint_of_path(const char *path, shmrpci_endpoint *out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof address.sun_path) {
        return SHMRPC_E_INVALID;
    }
    memcpy(address.sun_path, path, len);
    memset(out, 0, sizeof *out);
    memcpy(out->bytes, &address, sizeof address);
    out->len = sizeof address;
    return SHMRPC_OK;
}

void shmrpci_endpoint_text(const shmrpci_endpoint *endpoint, char *out,
                           size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    switch (family_of(endpoint)) {
    case AF_INET:
        memcpy(&v4, endpoint->bytes, sizeof v4);
        (void)inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
        (void)snprintf(out, size, "%s:%u", host, ntohs(v4.sin_port));
        break;
    case AF_INET6:
        memcpy(&v6, endpoint->bytes, sizeof v6);
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
        (void)snprintf(out, size, "[%s]:%u", host, ntohs(v6.sin6_port));
        break;
    default:
        (void)snprintf(out, size, "unix");
        break;
    }
}

bool shmrpci_endpoint_same_host(const shmrpci_endpoint *a,
                                const shmrpci_endpoint *b)
{
    struct sockaddr_in v4[2];
    struct sockaddr_in6 v6[2];
    if (family_of(a) != family_of(b)) {
        return false;
    }
    switch (family_of(a)) {
    case AF_INET:
        memcpy(&v4[0], a->bytes, sizeof v4[0]);
        memcpy(&v4[1], b->bytes, sizeof v4[1]);
        return v4[0].sin_addr.s_addr == v4[1].sin_addr.s_addr;
    case AF_INET6:
        /* Whoever owns one IPv6 address mostly has the whole /64 network, so
         * only the first 8 bytes are compared. */
        memcpy(&v6[0], a->bytes, sizeof v6[0]);
        memcpy(&v6[1], b->bytes, sizeof v6[1]);
        return memcmp(&v6[0].sin6_addr, &v6[1].sin6_addr, 8) == 0;
    default:
        return true;
    }
}

/* ---- options ------------------------------------------------------------- */

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

/* The options are not essential, so failures to set them are ignored. */
static void tune(int fd, int family)
{
    if (family == AF_UNIX) {
        return;
    }
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_PROBE_COUNT);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)USER_TIMEOUT_MS);
}

/* ---- listening ----------------------------------------------------------- */

static int open_stream(int family)
{
    return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

shmrpc_status shmrpci_stream_listen(const shmrpci_endpoint *endpoint,
                                    int *out_fd)
{
    int family = family_of(endpoint);
    int fd = open_stream(family);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    /* Allows a restart although connections of the predecessor linger. */
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (family == AF_INET6) {
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (bind(fd, native(endpoint), endpoint->len) != 0) {
        shmrpc_status status = errno == EADDRNOTAVAIL
                                   ? SHMRPC_E_NOT_FOUND
                                   : shmrpci_status_of_last();
        (void)close(fd);
        return status;
    }
    if (listen(fd, BACKLOG) != 0) {
        return close_failed(fd);
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_stream_listen_at(int dir_fd, const char *name,
                                       const char *temporary, uint32_t mode,
                                       int *out_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int len = snprintf(address.sun_path, sizeof address.sun_path,
                       "/proc/self/fd/%d/%s", dir_fd, temporary);
    if (len < 0 || (size_t)len >= sizeof address.sun_path) {
        return SHMRPC_E_INVALID;
    }
    int fd = open_stream(AF_UNIX);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    (void)unlinkat(dir_fd, temporary, 0); /* left by a killed process */
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        fchmodat(dir_fd, temporary, (mode_t)mode, 0) != 0 ||
        listen(fd, BACKLOG) != 0 ||
        renameat(dir_fd, temporary, dir_fd, name) != 0) {
        return close_failed(fd);
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_stream_local(int fd, shmrpci_endpoint *out)
{
    socklen_t len = sizeof out->bytes;
    memset(out, 0, sizeof *out);
    if (getsockname(fd, (struct sockaddr *)(void *)out->bytes, &len) != 0) {
        return shmrpci_status_of_last();
    }
    out->len = len;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_stream_accept(int fd, int *out_fd, shmrpci_endpoint *peer)
{
    memset(peer, 0, sizeof *peer);
    socklen_t len = sizeof peer->bytes;
    int accepted = accept4(fd, (struct sockaddr *)(void *)peer->bytes, &len,
                           SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted >= 0) {
        peer->len = len;
        tune(accepted, family_of(peer));
        *out_fd = accepted;
        return SHMRPC_OK;
    }
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return SHMRPC_E_EXHAUSTED;
    default:
        return SHMRPC_E_BUSY; /* no client, or one that left at once */
    }
}

/* ---- connecting ---------------------------------------------------------- */

static shmrpc_status connect_failed(int fd, int code)
{
    (void)close(fd);
    switch (code) {
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRNOTAVAIL:
    case EAGAIN: /* a unix socket whose queue is full */
        return SHMRPC_E_UNAVAILABLE;
    default:
        return shmrpci_status_of_errno(code);
    }
}

shmrpc_status shmrpci_stream_connect(const shmrpci_endpoint *endpoint,
                                     int64_t deadline_ns, int *out_fd)
{
    int fd = open_stream(family_of(endpoint));
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    tune(fd, family_of(endpoint));
    if (connect(fd, native(endpoint), endpoint->len) != 0) {
        if (errno != EINPROGRESS && errno != EINTR) {
            return connect_failed(fd, errno);
        }
        shmrpci_poll_entry entry = {.fd = fd, .write = true};
        if (!shmrpci_poll_entries(&entry, 1, deadline_ns)) {
            (void)close(fd);
            return SHMRPC_E_DEADLINE;
        }
        int code = 0;
        socklen_t len = sizeof code;
        (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len);
        if (code != 0) {
            return connect_failed(fd, code);
        }
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

/* ---- bytes --------------------------------------------------------------- */

static shmrpc_status receive(int fd, void *data, size_t size, int flags,
                             size_t *out_len)
{
    ssize_t got;
    do {
        got = recv(fd, data, size, MSG_DONTWAIT | flags);
    } while (got < 0 && errno == EINTR);
    *out_len = got > 0 ? (size_t)got : 0;
    if (got > 0) {
        return SHMRPC_OK;
    }
    if (got < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) {
        return SHMRPC_E_BUSY;
    }
    *out_len = got < 0 ? 1 : 0;
    return SHMRPC_E_UNAVAILABLE;
}

shmrpc_status shmrpci_stream_pair(int out_fds[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                      out_fds) == 0
               ? SHMRPC_OK
               : shmrpci_status_of_last();
}

shmrpc_status shmrpci_stream_receive(int fd, void *data, size_t size,
                                     size_t *out_len)
{
    return receive(fd, data, size, 0, out_len);
}

size_t shmrpci_stream_queued(int fd)
{
    int bytes = 0;
    return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

bool shmrpci_stream_is_local(int fd)
{
    struct sockaddr_in6 ends[2] = {{.sin6_family = AF_UNSPEC}}; /* v4 fits */
    struct sockaddr_in v4[2];
    socklen_t len[2] = {sizeof ends[0], sizeof ends[1]};
    if (getsockname(fd, (struct sockaddr *)(void *)&ends[0], &len[0]) != 0 ||
        getpeername(fd, (struct sockaddr *)(void *)&ends[1], &len[1]) != 0) {
        return false;
    }
    switch (ends[0].sin6_family) {
    case AF_INET:
        memcpy(&v4[0], &ends[0], sizeof v4[0]);
        memcpy(&v4[1], &ends[1], sizeof v4[1]);
        return v4[0].sin_addr.s_addr == v4[1].sin_addr.s_addr;
    case AF_INET6:
        return memcmp(&ends[0].sin6_addr, &ends[1].sin6_addr,
                      sizeof ends[0].sin6_addr) == 0;
    default:
        return true;
    }
}

uint32_t shmrpci_stream_peer_cpu(int fd)
{
    int cpu = -1;
    socklen_t size = sizeof cpu;
    (void)getsockopt(fd, SOL_SOCKET, SO_INCOMING_CPU, &cpu, &size);
    return cpu >= 0 ? (uint32_t)cpu : UINT32_MAX;
}

void shmrpci_stream_set_mark(int fd, size_t bytes)
{
    set_option(fd, SOL_SOCKET, SO_RCVLOWAT,
               bytes < INT_MAX ? (int)bytes : INT_MAX);
}

shmrpc_status shmrpci_stream_peek(int fd, uint8_t *out)
{
    size_t len;
    return receive(fd, out, 1, MSG_PEEK, &len);
}

shmrpc_status shmrpci_stream_send(int fd, const shmrpci_part *parts,
                                  size_t count, size_t *out_len)
{
    struct iovec vectors[SHMRPCI_PARTS_MAX];
    /* Casts away const, because iov_base points to non-const data. The cast is
     * safe: sendmsg only reads. */
    union {
        const void *in;
        void *out;
    } base;
    count = count < SHMRPCI_PARTS_MAX ? count : SHMRPCI_PARTS_MAX;
    for (size_t i = 0; i < count; i++) {
        base.in = parts[i].data;
        vectors[i] =
            (struct iovec){.iov_base = base.out, .iov_len = parts[i].len};
    }
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = count};
    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM
                   ? SHMRPC_E_BUSY
                   : SHMRPC_E_UNAVAILABLE;
    }
    *out_len = (size_t)sent;
    return SHMRPC_OK;
}

void shmrpci_stream_end(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}

bool shmrpci_stream_is_acknowledged(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
        return true; /* a unix socket: sent bytes have arrived */
    }
    bool is_under_way =
        info.tcpi_state == TCP_ESTABLISHED ||
        info.tcpi_state == TCP_CLOSE_WAIT || info.tcpi_state == TCP_FIN_WAIT1 ||
        info.tcpi_state == TCP_CLOSING || info.tcpi_state == TCP_LAST_ACK;
    return !is_under_way;
}
