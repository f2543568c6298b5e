/* Sequential reading of files. */
#include "os/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fault.h"
#include "os/memory.h"

shmrpc_status shmrpci_read_file_open(const char *path, int *out_fd)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        shmrpci_fd_close(&fd);
        return SHMRPC_E_DENIED;
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_read_file(int fd, void *data, size_t len)
{
    uint8_t *at = data;
    while (len > 0) {
        ssize_t got = read(fd, at, len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0 ? SHMRPC_E_NOT_FOUND : shmrpci_status_of_last();
        }
        at += got;
        len -= (size_t)got;
    }
    return SHMRPC_OK;
}
