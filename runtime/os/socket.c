/* AF_UNIX sequenced packets with descriptors. */
#include "os/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/crash.h"
#include "os/fault.h"
#include "os/waiting.h"

#define BACKLOG 128

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

/* Makes the address of a name in a folder, through the folder's descriptor,
 * which is always short enough. */
static bool address_of(int dir_fd, const char *name, struct sockaddr_un *out)
{
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    int len = snprintf(out->sun_path, sizeof out->sun_path,
                       "/proc/self/fd/%d/%s", dir_fd, name);
    return len > 0 && (size_t)len < sizeof out->sun_path;
}

static shmrpc_status close_failed(int fd)
{
    shmrpc_status status = shmrpci_status_of_last();
    (void)close(fd);
    return status;
}

shmrpc_status shmrpci_socket_listen(int dir_fd, const char *name,
                                    const char *temporary, uint32_t mode,
                                    int *out_fd)
{
    struct sockaddr_un address;
    if (!address_of(dir_fd, temporary, &address)) {
        return SHMRPC_E_INVALID;
    }
    int fd = open_socket();
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    int flags = fcntl(fd, F_GETFL);
    (void)unlinkat(dir_fd, temporary, 0); /* left by a killed process */
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        fchmodat(dir_fd, temporary, (mode_t)mode, 0) != 0 ||
        listen(fd, BACKLOG) != 0 ||
        renameat(dir_fd, temporary, dir_fd, name) != 0) {
        return close_failed(fd);
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_socket_permit(int dir_fd, const char *name, uint32_t mode)
{
    return fchmodat(dir_fd, name, (mode_t)mode, 0) == 0
               ? SHMRPC_OK
               : shmrpci_status_of_last();
}

/* Limits how long connect() waits for room in the listener's queue, by
 * SO_SNDTIMEO; 0 would mean forever. */
static void limit_connect(int fd, int64_t deadline_ns)
{
    int64_t left = shmrpci_remaining_ns(deadline_ns);
    if (left > 3600 * SHMRPCI_NS_PER_S) {
        left = 3600 * SHMRPCI_NS_PER_S;
    }
    struct timeval timeout = {
        .tv_sec = (time_t)(left / SHMRPCI_NS_PER_S),
        .tv_usec = (suseconds_t)(left % SHMRPCI_NS_PER_S / 1000 + 1)};
    if (timeout.tv_usec > 999999) {
        timeout.tv_usec = 999999;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

/* Like connect, but only until the deadline. Also fails with EINTR if a wait
 * slice ends before the deadline. */
static int connect_for_a_while(int fd, const struct sockaddr_un *address,
                               int64_t deadline_ns)
{
    bool is_hooked = shmrpci_waiting_is_hooked();
    int64_t until_ns =
        is_hooked ? shmrpci_waiting_begin(deadline_ns) : deadline_ns;
    limit_connect(fd, until_ns);
    int failed = connect(fd, (const struct sockaddr *)address, sizeof *address);
    if (is_hooked) {
        shmrpci_waiting_end(until_ns, failed != 0 && errno == EINTR);
        if (failed != 0 && errno == EAGAIN && until_ns < deadline_ns &&
            !shmrpci_waiting_is_interrupted()) {
            errno = EINTR;
        } else if (failed != 0 && errno == EINTR &&
                   shmrpci_waiting_is_interrupted()) {
            errno = EAGAIN;
        }
    }
    return failed;
}

shmrpc_status shmrpci_socket_connect(int dir_fd, const char *name,
                                     int64_t deadline_ns, int *out_fd)
{
    struct sockaddr_un address;
    if (!address_of(dir_fd, name, &address)) {
        return SHMRPC_E_INVALID;
    }
    int fd = open_socket();
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    int failed;
    do {
        failed = connect_for_a_while(fd, &address, deadline_ns);
    } while (failed != 0 && errno == EINTR);
    if (failed != 0 && errno == EAGAIN) {
        (void)close(fd);
        return SHMRPC_E_DEADLINE;
    }
    if (failed != 0) {
        return close_failed(fd);
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_socket_accept(int fd, int *out_fd)
{
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (accepted >= 0) {
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

shmrpc_status shmrpci_socket_pair(int out_fds[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out_fds) != 0) {
        return shmrpci_status_of_last();
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_socket_peer(int fd, shmrpci_credentials *out)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        return shmrpci_status_of_last();
    }
    *out = (shmrpci_credentials){
        .uid = peer.uid, .gid = peer.gid, .pid = peer.pid};
    return SHMRPC_OK;
}

size_t shmrpci_socket_peer_groups(int fd, uint32_t *out, size_t max)
{
    enum { GROUPS_MAX = 65536 }; /* the kernel's limit */
    socklen_t len = (socklen_t)(max * sizeof *out);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, out, &len) == 0) {
        return len / sizeof *out;
    }
    if (errno != ERANGE || len > GROUPS_MAX * sizeof *out) {
        return 0;
    }
    uint32_t *all = malloc(len);
    size_t count = 0;
    if (all != NULL &&
        getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, all, &len) == 0) {
        count = len / sizeof *out < max ? len / sizeof *out : max;
        memcpy(out, all, count * sizeof *out);
    }
    free(all);
    return count;
}

shmrpc_status shmrpci_socket_send(int fd, const void *data, size_t len,
                                  const int *fds, size_t fd_count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(SHMRPCI_SOCKET_MAX_FDS * sizeof(int))];
    } control;
    /* Removes const; sendmsg does not write to the data. */
    union {
        const void *in;
        void *out;
    } base = {.in = data};
    struct iovec part = {.iov_base = base.out, .iov_len = len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        size_t bytes = fd_count * sizeof *fds;
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(bytes);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(bytes);
        memcpy(CMSG_DATA(header), fds, bytes);
    }
    ssize_t sent;
    SHMRPCI_CRASHPOINT;
    do {
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? shmrpci_status_of_last() : SHMRPC_OK;
}

bool shmrpci_socket_is_backed_up(int fd)
{
    int unread = 0;
    int room = 0;
    socklen_t size = sizeof room;
    return ioctl(fd, SIOCOUTQ, &unread) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &size) == 0 &&
           unread > room / 2;
}

/* Moves the descriptors of a message to `fds`; closes those that don't fit. */
static size_t take_fds(struct msghdr *message, int *fds)
{
    size_t count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET ||
            header->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t bytes = header->cmsg_len - CMSG_LEN(0);
        for (size_t i = 0; i < bytes / sizeof *fds; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
            if (count < SHMRPCI_SOCKET_MAX_FDS) {
                fds[count++] = fd;
            } else {
                (void)close(fd);
            }
        }
    }
    return count;
}

static shmrpc_status receive_failure(ssize_t got, const struct msghdr *message)
{
    if (got < 0) {
        return errno == EAGAIN ? SHMRPC_E_BUSY : shmrpci_status_of_last();
    }
    if (got == 0) {
        return SHMRPC_E_UNAVAILABLE;
    }
    if ((message->msg_flags & MSG_CTRUNC) != 0) {
        return SHMRPC_E_EXHAUSTED;
    }
    if ((message->msg_flags & MSG_TRUNC) != 0) {
        return SHMRPC_E_TOO_LARGE;
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_socket_receive(int fd, void *data, size_t size,
                                     size_t *out_len, int *out_fds,
                                     size_t *out_fd_count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(SHMRPCI_SOCKET_MAX_FDS * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = data, .iov_len = size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do {
        got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    shmrpc_status status = receive_failure(got, &message);
    size_t count = got < 0 ? 0 : take_fds(&message, out_fds);
    if (got >= 0) {
        *out_len = (size_t)got;
    }
    if (status != SHMRPC_OK) {
        for (size_t i = 0; i < count; i++) {
            (void)close(out_fds[i]);
        }
        return status;
    }
    *out_fd_count = count;
    return SHMRPC_OK;
}

size_t shmrpci_socket_peek(int fd, void *data, size_t size)
{
    ssize_t len;
    do {
        len = recv(fd, data, size, MSG_PEEK | MSG_DONTWAIT);
    } while (len < 0 && errno == EINTR);
    return len > 0 ? (size_t)len : 0;
}

void shmrpci_socket_shut_input(int fd)
{
    char byte;
    (void)shutdown(fd, SHUT_RD);
    /* The kernel closes descriptors of discarded messages. */
    while (recv(fd, &byte, 1, MSG_DONTWAIT) > 0) {
    }
}

void shmrpci_socket_shut(int fd)
{
    (void)shutdown(fd, SHUT_RDWR);
}
