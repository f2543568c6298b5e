/* Datagrams with credentials (AF_UNIX, SOCK_DGRAM). */
#include "os/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/fault.h"

#define VARIABLE "NOTIFY_SOCKET"

/* The address, kept after the variable is unset. */
static char kept[SHMRPCI_NOTIFY_PATH_BYTES];

/* ---- sending ------------------------------------------------------------- */

/* Makes a socket address from a path, or from an abstract name after an @, as
 * systemd may use. */
static socklen_t address_of(const char *place, struct sockaddr_un *out)
{
    size_t len = strlen(place);
    if ((place[0] != '/' && place[0] != '@') || len >= sizeof out->sun_path) {
        return 0;
    }
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    memcpy(out->sun_path, place, len);
    if (place[0] == '@') {
        out->sun_path[0] = '\0';
    }
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

shmrpc_status shmrpci_notify_send(const char *lines)
{
    struct sockaddr_un address;
    const char *place = getenv(VARIABLE);
    socklen_t len = address_of(place != NULL ? place : kept, &address);
    if (len == 0) {
        return SHMRPC_OK;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    ssize_t sent = sendto(fd, lines, strlen(lines), MSG_DONTWAIT | MSG_NOSIGNAL,
                          (const struct sockaddr *)&address, len);
    (void)close(fd);
    return sent < 0 ? SHMRPC_E_UNAVAILABLE : SHMRPC_OK;
}

void shmrpci_notify_forget(void)
{
    const char *place = getenv(VARIABLE);
    if (place != NULL && strlen(place) < sizeof kept) {
        memcpy(kept, place, strlen(place) + 1);
    }
    (void)unsetenv(VARIABLE);
}

/* ---- receiving ----------------------------------------------------------- */

/* Writes the path for programs of the same user: the socket's own path if it is
 * short enough, else one through our descriptor. */
static void path_of(int dir_fd, const char *name, char *out)
{
    char link[32];
    char folder[SHMRPCI_NOTIFY_PATH_BYTES];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", dir_fd);
    ssize_t len = readlink(link, folder, sizeof folder - 1);
    folder[len > 0 ? len : 0] = '\0';
    int whole = snprintf(out, SHMRPCI_NOTIFY_PATH_BYTES, "%s/%s", folder, name);
    if (len <= 0 || (size_t)len == sizeof folder - 1 ||
        whole >= (int)SHMRPCI_NOTIFY_PATH_BYTES) {
        (void)snprintf(out, SHMRPCI_NOTIFY_PATH_BYTES, "/proc/%d/fd/%d/%.40s",
                       (int)getpid(), dir_fd, name);
    }
}

shmrpc_status shmrpci_notify_listen(int dir_fd, const char *name, int *out_fd,
                                    char path[SHMRPCI_NOTIFY_PATH_BYTES])
{
    struct sockaddr_un address;
    const int yes = 1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    (void)snprintf(address.sun_path, sizeof address.sun_path,
                   "/proc/self/fd/%d/%.60s", dir_fd, name);
    (void)unlinkat(dir_fd, name, 0); /* left by a killed process */
    mode_t former = umask(0077);
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    (void)umask(former);
    if (bound != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) != 0) {
        shmrpc_status status = shmrpci_status_of_last();
        (void)close(fd);
        return status;
    }
    path_of(dir_fd, name, path);
    *out_fd = fd;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_notify_listen_open(int *out_fd,
                                         char name[SHMRPCI_NOTIFY_PATH_BYTES])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = sizeof address;
    const int yes = 1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    /* Binding without a name makes the kernel choose one (autobind,
     * unix(7)). */
    if (bind(fd, (const struct sockaddr *)&address, sizeof(sa_family_t)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) != 0) {
        shmrpc_status status = shmrpci_status_of_last();
        (void)close(fd);
        return status;
    }
    size_t used = len - offsetof(struct sockaddr_un, sun_path);
    (void)snprintf(name, SHMRPCI_NOTIFY_PATH_BYTES, "@%.*s", (int)used - 1,
                   address.sun_path + 1);
    *out_fd = fd;
    return SHMRPC_OK;
}

static int32_t sender_of(struct msghdr *message)
{
    struct ucred sender = {.pid = 0};
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at != NULL;
         at = CMSG_NXTHDR(message, at)) {
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_CREDENTIALS &&
            at->cmsg_len == CMSG_LEN(sizeof sender)) {
            memcpy(&sender, CMSG_DATA(at), sizeof sender);
        }
    }
    return (int32_t)sender.pid;
}

shmrpc_status shmrpci_notify_receive(int fd, char text[SHMRPCI_NOTIFY_BYTES],
                                     int32_t *out_pid)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec part = {text, SHMRPCI_NOTIFY_BYTES - 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t len;
    do {
        /* The message has no room for descriptors, so the kernel drops them. */
        len = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (len < 0 && errno == EINTR);
    if (len < 0) {
        return errno == EAGAIN ? SHMRPC_E_BUSY : SHMRPC_E_UNAVAILABLE;
    }
    if ((message.msg_flags & MSG_TRUNC) != 0) {
        return SHMRPC_E_TOO_LARGE;
    }
    text[len] = '\0';
    *out_pid = sender_of(&message);
    return SHMRPC_OK;
}
