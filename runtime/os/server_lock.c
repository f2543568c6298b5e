/*
 * The lock itself uses flock, because copies of a descriptor share it. The list
 * of processes uses record locks (F_SETLK), because the kernel reports their
 * pids.
 */
#include "os/server_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fault.h"

#define PATIENCE_NS        SHMRPCI_NS_PER_S
#define ORPHAN_PATIENCE_NS (5 * SHMRPCI_NS_PER_S)
#define RETRY_NS           (5 * SHMRPCI_NS_PER_MS)

#define SUPERVISOR_BYTE 0
#define FIRST_BYTE      1

static struct flock byte_at(short type, int64_t at)
{
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)at, .l_len = 1};
}

/* Takes a shared lock, because a supervisor and its successor hold the byte at
 * the same time. If that fails, the process just can't be found. */
static void hold(int fd, int64_t at)
{
    struct flock mine = byte_at(F_RDLCK, at);
    (void)fcntl(fd, F_SETLK, &mine);
}

/* Returns the process that holds a byte; 0 if there is none; -1 if it is
 * invisible in this pid namespace. */
static int32_t holder_of(int fd, int64_t at)
{
    struct flock found = byte_at(F_WRLCK, at);
    if (fcntl(fd, F_GETLK, &found) != 0 || found.l_type == F_UNLCK) {
        return 0;
    }
    return found.l_pid > 0 ? (int32_t)found.l_pid : -1;
}

static bool has_workers(int fd)
{
    for (uint32_t i = 0; i < SHMRPCI_SERVER_LOCK_PLACES; i++) {
        if (holder_of(fd, FIRST_BYTE + i) != 0) {
            return true;
        }
    }
    return false;
}

/* A pidfd refers to the process that had this pid when it was made. If that
 * process still holds the byte afterwards, it is the worker, and not an earlier
 * or later process with the same pid. */
static void kill_workers(int fd)
{
    for (uint32_t i = 0; i < SHMRPCI_SERVER_LOCK_PLACES; i++) {
        int watch_fd;
        int32_t pid = holder_of(fd, FIRST_BYTE + i);
        if (pid <= 0 || shmrpci_child_watch(pid, &watch_fd) != SHMRPC_OK) {
            continue;
        }
        if (holder_of(fd, FIRST_BYTE + i) == pid) {
            shmrpci_child_signal(watch_fd, SHMRPCI_CHILD_KILL);
        }
        (void)close(watch_fd);
    }
}

/* `since_ns` is when only workers were first seen to hold the lock, or 0 if
 * they were not yet. */
typedef struct orphans {
    int64_t since_ns;
    int64_t deadline_ns;
} orphans;

static void look_after(orphans *o, int fd)
{
    int64_t now_ns = shmrpci_now_ns();
    if (holder_of(fd, SUPERVISOR_BYTE) != 0 || !has_workers(fd)) {
        return;
    }
    if (o->since_ns == 0) {
        o->since_ns = now_ns;
        o->deadline_ns = shmrpci_deadline_after(ORPHAN_PATIENCE_NS);
    }
    if (now_ns - o->since_ns >= SHMRPCI_ORPHAN_NS) {
        kill_workers(fd);
    }
}

static shmrpc_status take(int fd)
{
    orphans o = {0, shmrpci_deadline_after(PATIENCE_NS)};
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return shmrpci_status_of_last();
        }
        look_after(&o, fd);
        if (shmrpci_remaining_ns(o.deadline_ns) == 0) {
            return o.since_ns != 0 ? SHMRPC_E_DEADLINE : SHMRPC_E_EXISTS;
        }
        struct timespec pause = {.tv_nsec = RETRY_NS};
        (void)nanosleep(&pause, NULL);
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_server_lock_take(int dir_fd, const char *name,
                                       int *out_fd)
{
    int fd =
        openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    shmrpc_status status = take(fd);
    if (status != SHMRPC_OK) {
        (void)close(fd);
        return status;
    }
    hold(fd, SUPERVISOR_BYTE);
    *out_fd = fd;
    return SHMRPC_OK;
}

void shmrpci_server_lock_inherit(int fd)
{
    hold(fd, SUPERVISOR_BYTE);
}

void shmrpci_server_lock_join(int fd, uint32_t place)
{
    hold(fd, FIRST_BYTE + (int64_t)place);
}
