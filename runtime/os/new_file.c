/* Files that replace older ones atomically. */
#include "os/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/byte_lock.h"
#include "os/fault.h"
#include "os/memory.h"

/* Max number of attempts: another process may remove the name between opening
 * and locking. */
#define ATTEMPTS 100

/* Opens the folder of a path, and stores the last part of the path. */
static shmrpc_status open_folder(const char *path, shmrpci_new_file *file)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    int name_len = snprintf(file->name, sizeof file->name, "%s", name);
    int new_len =
        snprintf(file->temporary, sizeof file->temporary, "%s.new", name);
    if (len >= sizeof folder || name_len <= 0 ||
        (size_t)new_len >= sizeof file->temporary || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0) {
        return SHMRPC_E_INVALID;
    }
    memcpy(folder, path, len);
    folder[len] = '\0';
    file->dir_fd = open(slash == NULL ? "." : (len == 0 ? "/" : folder),
                        O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return file->dir_fd >= 0 ? SHMRPC_OK : shmrpci_status_of_last();
}

/* Checks that the opened file is ours, and still has its name. */
static shmrpc_status judge(const shmrpci_new_file *file)
{
    struct stat opened;
    struct stat named;
    if (fstat(file->fd, &opened) != 0) {
        return shmrpci_status_of_last();
    }
    if (!S_ISREG(opened.st_mode) || opened.st_uid != geteuid() ||
        opened.st_nlink > 1) {
        return SHMRPC_E_DENIED;
    }
    if (fstatat(file->dir_fd, file->temporary, &named, AT_SYMLINK_NOFOLLOW) !=
        0) {
        return errno == ENOENT ? SHMRPC_E_ABORTED : shmrpci_status_of_last();
    }
    return named.st_ino == opened.st_ino && named.st_dev == opened.st_dev
               ? SHMRPC_OK
               : SHMRPC_E_ABORTED;
}

/* Opens and locks the temporary file. Returns ABORTED if another process has
 * renamed or removed it meanwhile. */
static shmrpc_status take_temporary(shmrpci_new_file *file, uint32_t mode)
{
    file->fd = openat(file->dir_fd, file->temporary,
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                      (mode_t)mode);
    if (file->fd < 0) {
        return errno == ELOOP ? SHMRPC_E_DENIED : shmrpci_status_of_last();
    }
    shmrpc_status status = shmrpci_byte_lock_try(file->fd, 0, 1);
    if (status == SHMRPC_OK) {
        status = judge(file);
    }
    if (status == SHMRPC_OK &&
        (ftruncate(file->fd, 0) != 0 || fchmod(file->fd, (mode_t)mode) != 0)) {
        status = shmrpci_status_of_last();
    }
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&file->fd);
    }
    return status;
}

shmrpc_status shmrpci_new_file_begin(const char *path, uint32_t mode,
                                     shmrpci_new_file *out)
{
    struct rlimit limit;
    *out = (shmrpci_new_file){.dir_fd = -1, .fd = -1, .max_bytes = UINT64_MAX};
    shmrpc_status status = open_folder(path, out);
    if (status == SHMRPC_OK) {
        status = SHMRPC_E_ABORTED;
    }
    for (int i = 0; status == SHMRPC_E_ABORTED && i < ATTEMPTS; i++) {
        status = take_temporary(out, mode);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_fork_close_fd(&out->guard, &out->fd);
    }
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&out->fd);
        shmrpci_fd_close(&out->dir_fd);
        return status == SHMRPC_E_ABORTED ? SHMRPC_E_BUSY : status;
    }
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY) {
        out->max_bytes = limit.rlim_cur;
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_new_file_write(shmrpci_new_file *file, const void *data,
                                     size_t len)
{
    const uint8_t *at = data;
    if (len > file->max_bytes - file->bytes) {
        return SHMRPC_E_EXHAUSTED;
    }
    while (len > 0) {
        ssize_t got = write(file->fd, at, len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return shmrpci_status_of_last();
        }
        at += got;
        len -= (size_t)got;
        file->bytes += (size_t)got;
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_new_file_commit(shmrpci_new_file *file)
{
    /* The bytes must reach the disk before the name, or a power failure could
     * leave the name on an empty file. */
    if (fsync(file->fd) != 0 || renameat(file->dir_fd, file->temporary,
                                         file->dir_fd, file->name) != 0) {
        shmrpc_status status = shmrpci_status_of_last();
        shmrpci_new_file_abort(file);
        return status;
    }
    /* Some file systems don't support this (EINVAL); there the name reaches the
     * disk later. */
    (void)fsync(file->dir_fd);
    shmrpci_fork_keep_fd(&file->guard);
    shmrpci_fd_close(&file->fd);
    shmrpci_fd_close(&file->dir_fd);
    return SHMRPC_OK;
}

void shmrpci_new_file_abort(shmrpci_new_file *file)
{
    if (file->fd >= 0) {
        /* Removed while we hold the lock on its byte, so that no other process
         * uses it yet. */
        (void)unlinkat(file->dir_fd, file->temporary, 0);
    }
    shmrpci_fork_keep_fd(&file->guard);
    shmrpci_fd_close(&file->fd);
    shmrpci_fd_close(&file->dir_fd);
}

shmrpc_status shmrpci_new_file_rename(const char *from, const char *to)
{
    return rename(from, to) == 0 ? SHMRPC_OK : shmrpci_status_of_last();
}
