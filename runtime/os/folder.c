/* Checked folders and lock files. */
#include "os/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fault.h"

#define LOCK_PATIENCE_NS SHMRPCI_NS_PER_S
#define LOCK_RETRY_NS    (5 * SHMRPCI_NS_PER_MS)

shmrpc_status shmrpci_folder_create(const char *path, uint32_t mode)
{
    if (mkdir(path, (mode_t)mode) == 0) {
        /* The umask may have removed permission bits. */
        return chmod(path, (mode_t)mode) == 0 ? SHMRPC_OK
                                              : shmrpci_status_of_last();
    }
    return errno == EEXIST ? SHMRPC_OK : shmrpci_status_of_last();
}

shmrpc_status shmrpci_folder_open(const char *path, int *out_fd)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOTDIR ? SHMRPC_E_DENIED : shmrpci_status_of_last();
    }
    struct stat info;
    if (fstat(fd, &info) != 0 ||
        (info.st_uid != geteuid() && info.st_uid != 0) ||
        (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        (void)close(fd);
        return SHMRPC_E_DENIED;
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

/* For a missing folder, looks at the file system where it would be. */
static bool is_read_only(const char *path)
{
    struct statvfs facts;
    char at[4096];
    (void)snprintf(at, sizeof at, "%s", path);
    while (statvfs(at, &facts) != 0) {
        char *slash = strrchr(at, '/');
        if (slash == NULL || slash == at) {
            return false;
        }
        *slash = '\0';
    }
    return (facts.f_flag & ST_RDONLY) != 0;
}

const char *shmrpci_folder_trouble(const char *path, shmrpc_status status)
{
    return status == SHMRPC_E_DENIED && is_read_only(path)
               ? "read-only file system"
               : shmrpc_status_text(status);
}

static shmrpc_status lock_within(int fd, int64_t patience_ns)
{
    int64_t deadline_ns = shmrpci_deadline_after(patience_ns);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return shmrpci_status_of_last();
        }
        if (shmrpci_remaining_ns(deadline_ns) == 0) {
            return SHMRPC_E_EXISTS;
        }
        struct timespec pause = {.tv_nsec = LOCK_RETRY_NS};
        (void)nanosleep(&pause, NULL);
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_folder_lock(int dir_fd, const char *name, int *out_fd)
{
    int fd =
        openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    shmrpc_status status = lock_within(fd, LOCK_PATIENCE_NS);
    if (status != SHMRPC_OK) {
        (void)close(fd);
        return status;
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

void shmrpci_folder_remove(int dir_fd, const char *name)
{
    (void)unlinkat(dir_fd, name, 0);
}

shmrpc_status shmrpci_folder_list(int dir_fd, shmrpci_folder_entry *entry,
                                  void *user)
{
    /* Opens the folder again, because closing the stream closes its descriptor,
     * and because copies would share their position. */
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
    if (stream == NULL) {
        shmrpc_status status = shmrpci_status_of_last();
        if (fd >= 0) {
            (void)close(fd);
        }
        return status;
    }
    for (const struct dirent *at; (at = readdir(stream)) != NULL;) {
        if (at->d_name[0] != '.') {
            entry(user, at->d_name);
        }
    }
    (void)closedir(stream);
    return SHMRPC_OK;
}
