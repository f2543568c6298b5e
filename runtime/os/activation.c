/* Socket activation. Checks what sd_listen_fds(3) promises. */
#include "os/activation.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/number.h"
#include "os/fork.h"

/* The first passed descriptor. */
#define FIRST_FD 3

typedef struct passed {
    int fd; /* -1 once it is taken */
    shmrpci_fork_fd guard;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
} passed;

/* All passed sockets. They come from the environment, so they are global and
 * live as long as the process. */
static passed sockets[SHMRPCI_ACTIVATION_MAX];
static size_t socket_count;

static shmrpc_status invalid(char *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static shmrpc_status invalid(char *why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(why, SHMRPCI_ACTIVATION_WHY_BYTES, format, arguments);
    va_end(arguments);
    return SHMRPC_E_INVALID;
}

/* ---- environment variables ----------------------------------------------- */

static size_t count_names(const char *names)
{
    size_t count = 1;
    for (; *names != '\0'; names++) {
        count += *names == ':';
    }
    return count;
}

static shmrpc_status read_variables(size_t *count, char *why)
{
    const char *pid_text = getenv("LISTEN_PID");
    const char *count_text = getenv("LISTEN_FDS");
    const char *names = getenv("LISTEN_FDNAMES");
    uint64_t pid = 0;
    uint64_t passed_count = 0;
    *count = 0;
    if (pid_text == NULL || count_text == NULL) {
        return SHMRPC_OK;
    }
    if (!shmrpci_number_read(pid_text, 1, INT32_MAX, &pid)) {
        return invalid(why, "LISTEN_PID=%.32s is not a process id", pid_text);
    }
    if (pid != (uint64_t)getpid()) {
        return SHMRPC_OK;
    }
    if (!shmrpci_number_read(count_text, 0, SHMRPCI_ACTIVATION_MAX,
                             &passed_count)) {
        return invalid(why, "LISTEN_FDS=%.32s is not a number of 0 to %u",
                       count_text, SHMRPCI_ACTIVATION_MAX);
    }
    if (names != NULL && passed_count > 0 &&
        count_names(names) != passed_count) {
        return invalid(why, "LISTEN_FDNAMES=%.64s are not %u names", names,
                       (unsigned)passed_count);
    }
    *count = (size_t)passed_count;
    return SHMRPC_OK;
}

static void forget_variables(void)
{
    static const char *const names[] = {"LISTEN_PID", "LISTEN_FDS",
                                        "LISTEN_FDNAMES", "LISTEN_PIDFDID"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)unsetenv(names[i]);
    }
}

/* ---- the sockets --------------------------------------------------------- */

static int option_of(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

/* Gets the path that a socket is bound to; returns false if it has none. */
static bool path_of(int fd, char *out)
{
    union {
        struct sockaddr any;
        struct sockaddr_un un;
    } address;
    socklen_t len = sizeof address;
    memset(&address, 0, sizeof address);
    if (getsockname(fd, &address.any, &len) != 0 ||
        address.any.sa_family != AF_UNIX || address.un.sun_path[0] != '/') {
        return false;
    }
    memcpy(out, address.un.sun_path, sizeof address.un.sun_path);
    out[sizeof address.un.sun_path] = '\0';
    return true;
}

static shmrpc_status adopt(int fd, passed *out, char *why)
{
    int flags = fcntl(fd, F_GETFL);
    out->fd = -1;
    if (flags < 0) {
        return invalid(why, "LISTEN_FDS: descriptor %d is not open", fd);
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
        option_of(fd, SO_DOMAIN) != AF_UNIX ||
        option_of(fd, SO_TYPE) != SOCK_SEQPACKET ||
        option_of(fd, SO_ACCEPTCONN) != 1 || !path_of(fd, out->path) ||
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        return invalid(why,
                       "LISTEN_FDS: descriptor %d is not a socket of the kind "
                       "ListenSequentialPacket=/path",
                       fd);
    }
    out->fd = fd;
    return shmrpci_fork_close_fd(&out->guard, &out->fd) == SHMRPC_OK
               ? SHMRPC_OK
               : SHMRPC_E_NO_MEMORY;
}

shmrpc_status shmrpci_activation_open(char why[SHMRPCI_ACTIVATION_WHY_BYTES])
{
    size_t count;
    shmrpc_status status = read_variables(&count, why);
    for (size_t i = 0; status == SHMRPC_OK && i < count; i++) {
        status = adopt(FIRST_FD + (int)i, &sockets[i], why);
        socket_count = i + 1;
    }
    forget_variables();
    return status;
}

/* Whether `path` leads to `name` in the folder, also through links. */
static bool is_at(const char *path, int dir_fd, const char *name)
{
    struct stat ours;
    struct stat its;
    char folder[sizeof sockets->path];
    size_t len = (size_t)(strrchr(path, '/') - path);
    (void)snprintf(folder, sizeof folder, "%.*s", len > 0 ? (int)len : 1, path);
    return strcmp(path + len + 1, name) == 0 && fstat(dir_fd, &ours) == 0 &&
           stat(folder, &its) == 0 && ours.st_dev == its.st_dev &&
           ours.st_ino == its.st_ino;
}

int shmrpci_activation_take(int dir_fd, const char *name)
{
    for (size_t i = 0; i < socket_count; i++) {
        int fd = sockets[i].fd;
        if (fd >= 0 && is_at(sockets[i].path, dir_fd, name)) {
            shmrpci_fork_keep_fd(&sockets[i].guard);
            sockets[i].fd = -1;
            return fd;
        }
    }
    return -1;
}

const char *shmrpci_activation_left(void)
{
    for (size_t i = 0; i < socket_count; i++) {
        if (sockets[i].fd >= 0) {
            return sockets[i].path;
        }
    }
    return NULL;
}
