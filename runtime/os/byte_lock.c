/* Open file description locks. */
#include "os/byte_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fault.h"

/* The kernel's own wait for such a lock has no deadline. */
#define RETRY_NS (500 * SHMRPCI_NS_PER_US)

static struct flock range(short type, int64_t first, int64_t count)
{
    return (struct flock){.l_type = type,
                          .l_whence = SEEK_SET,
                          .l_start = (off_t)first,
                          .l_len = (off_t)count};
}

static shmrpc_status take(int fd, struct flock wanted)
{
    while (fcntl(fd, F_OFD_SETLK, &wanted) != 0) {
        if (errno == EAGAIN || errno == EACCES) {
            return SHMRPC_E_BUSY;
        }
        if (errno != EINTR) {
            return errno == ENOLCK ? SHMRPC_E_EXHAUSTED
                                   : shmrpci_status_of_last();
        }
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_byte_lock_try(int fd, int64_t first, int64_t count)
{
    return take(fd, range(F_WRLCK, first, count));
}

shmrpc_status shmrpci_byte_lock_share(int fd, int64_t at)
{
    return take(fd, range(F_RDLCK, at, 1));
}

shmrpc_status shmrpci_byte_lock_until(int fd, int64_t first, int64_t count,
                                      int64_t deadline_ns)
{
    for (;;) {
        shmrpc_status status = shmrpci_byte_lock_try(fd, first, count);
        if (status != SHMRPC_E_BUSY) {
            return status;
        }
        int64_t left = shmrpci_remaining_ns(deadline_ns);
        if (left == 0) {
            return SHMRPC_E_DEADLINE;
        }
        struct timespec pause = {.tv_nsec =
                                     (long)(left < RETRY_NS ? left : RETRY_NS)};
        (void)nanosleep(&pause, NULL);
    }
}

void shmrpci_byte_lock_drop(int fd, int64_t first, int64_t count)
{
    struct flock wanted = range(F_UNLCK, first, count);
    while (fcntl(fd, F_OFD_SETLK, &wanted) != 0 && errno == EINTR) {
    }
}

bool shmrpci_byte_lock_is_held(int fd, int64_t at)
{
    struct flock found = range(F_WRLCK, at, 1);
    return fcntl(fd, F_OFD_GETLK, &found) != 0 || found.l_type != F_UNLCK;
}

int64_t shmrpci_byte_lock_lowest(int fd, int64_t first, int64_t count)
{
    int64_t lowest = -1;
    int64_t end = first + count;
    while (end > first) {
        /* The kernel tells of any one that is in the way. */
        struct flock found = range(F_WRLCK, first, end - first);
        if (fcntl(fd, F_OFD_GETLK, &found) != 0) {
            return first;
        }
        if (found.l_type == F_UNLCK) {
            return lowest;
        }
        /* What others lock side by side may begin before the range. */
        lowest = found.l_start < first ? first : (int64_t)found.l_start;
        end = lowest;
    }
    return lowest;
}
