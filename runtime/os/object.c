/* Files whose names never pass to another file while in use. */
#include "os/object.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fault.h"
#include "os/folder.h"
#include "os/memory.h"
#include "os/process.h"

#define TEMPORARY_PREFIX ".new-"

bool shmrpci_object_is_plain(const char *name, size_t max)
{
    static const char good[] =
        "abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    size_t len = name == NULL ? 0 : strlen(name);
    return len > 0 && len <= max && name[0] != '.' && strspn(name, good) == len;
}

/* ---- folders ------------------------------------------------------------- */

shmrpc_status shmrpci_object_folder(shmrpci_room room,
                                    char path[SHMRPCI_OBJECT_PATH_BYTES])
{
    bool own = room == SHMRPCI_ROOM_USER;
    const char *chosen = getenv("SHMRPC_DIR");
    int len;
    if (chosen != NULL && chosen[0] != '\0') {
        if (chosen[0] != '/') {
            return SHMRPC_E_INVALID;
        }
        len = snprintf(path, SHMRPCI_OBJECT_PATH_BYTES, "%s/%s", chosen,
                       own ? "objects" : "shared");
    } else {
        const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        len =
            own ? snprintf(path, SHMRPCI_OBJECT_PATH_BYTES, "%s/shmrpc-%u",
                           base, shmrpci_process_uid())
                : snprintf(path, SHMRPCI_OBJECT_PATH_BYTES, "%s/shmrpc", base);
    }
    return len > 0 && len < SHMRPCI_OBJECT_PATH_BYTES ? SHMRPC_OK
                                                      : SHMRPC_E_INVALID;
}

/* Checks the folder for all users: whoever made it, nobody may be able to
 * remove the files of others. */
static shmrpc_status open_for_all(const char *path, int *out_dir)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOTDIR ? SHMRPC_E_DENIED : shmrpci_status_of_last();
    }
    struct stat info;
    if (fstat(fd, &info) != 0 || ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
                                  (info.st_mode & S_ISVTX) == 0)) {
        (void)close(fd);
        return SHMRPC_E_DENIED;
    }
    *out_dir = fd;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_object_folder_open(shmrpci_room room, const char *path,
                                         bool create, int *out_dir)
{
    bool own = room == SHMRPCI_ROOM_USER;
    if (create) {
        shmrpc_status status =
            shmrpci_folder_create(path, own ? 0700u : 01777u);
        if (status != SHMRPC_OK) {
            return status;
        }
    }
    return own ? shmrpci_folder_open(path, out_dir)
               : open_for_all(path, out_dir);
}

/* ---- creating ------------------------------------------------------------ */

static int make_temporary(int dir_fd, uint32_t mode,
                          char temporary[SHMRPCI_OBJECT_NAME_BYTES])
{
    for (int attempt = 0; attempt < 100; attempt++) {
        (void)snprintf(temporary, SHMRPCI_OBJECT_NAME_BYTES,
                       TEMPORARY_PREFIX "%d-%llx", shmrpci_process_id(),
                       (unsigned long long)shmrpci_ticks());
        int fd = openat(dir_fd, temporary,
                        O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                        (mode_t)mode);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

static shmrpc_status prepare(int fd, uint32_t mode, uint64_t bytes,
                             bool is_sparse)
{
    struct rlimit limit;
    /* Exceeding this limit would kill the process by a signal. */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes) {
        return SHMRPC_E_EXHAUSTED;
    }
    /* The umask may have removed permission bits. */
    if (fchmod(fd, (mode_t)mode) != 0 ||
        (is_sparse && ftruncate(fd, (off_t)bytes) != 0)) {
        return shmrpci_status_of_last();
    }
    if (is_sparse) {
        return SHMRPC_OK;
    }
    int code;
    do {
        code = posix_fallocate(fd, 0, (off_t)bytes);
    } while (code == EINTR);
    return shmrpci_status_of_errno(code);
}

shmrpc_status shmrpci_object_draft(int dir_fd, uint32_t mode, uint64_t bytes,
                                   uint32_t flags,
                                   char temporary[SHMRPCI_OBJECT_NAME_BYTES],
                                   int *out_fd)
{
    bool must_name = (flags & SHMRPCI_DRAFT_NAMED) != 0;
    temporary[0] = '\0';
    int fd = must_name ? -1
                       : openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC,
                                (mode_t)mode);
    if (fd < 0 && (must_name || errno == EOPNOTSUPP || errno == EISDIR)) {
        fd = make_temporary(dir_fd, mode, temporary);
    }
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    shmrpc_status status =
        prepare(fd, mode, bytes, (flags & SHMRPCI_DRAFT_SPARSE) != 0);
    if (status != SHMRPC_OK) {
        if (temporary[0] != '\0') {
            (void)unlinkat(dir_fd, temporary, 0);
        }
        (void)close(fd);
        return status;
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_object_publish(int dir_fd, int fd, const char *temporary,
                                     const char *name)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int failed = temporary[0] != '\0'
                     ? linkat(dir_fd, temporary, dir_fd, name, 0)
                     : linkat(AT_FDCWD, path, dir_fd, name, AT_SYMLINK_FOLLOW);
    shmrpc_status status = failed != 0 ? shmrpci_status_of_last() : SHMRPC_OK;
    if (temporary[0] != '\0') {
        (void)unlinkat(dir_fd, temporary, 0);
    }
    return status;
}

/* ---- existing files ------------------------------------------------------ */

static shmrpc_status open_for(int dir_fd, const char *name, int access,
                              int *out_fd)
{
    /* O_NONBLOCK, so that this does not hang on another user's pipe. */
    int fd = openat(dir_fd, name,
                    access | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return errno == EISDIR || errno == ENXIO ? SHMRPC_E_DENIED
                                                 : shmrpci_status_of_last();
    }
    struct stat info;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        (void)close(fd);
        return SHMRPC_E_DENIED;
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_object_open(int dir_fd, const char *name, int *out_fd)
{
    return open_for(dir_fd, name, O_RDWR, out_fd);
}

shmrpc_status shmrpci_object_open_read_only(int dir_fd, const char *name,
                                            int *out_fd)
{
    return open_for(dir_fd, name, O_RDONLY, out_fd);
}

shmrpc_status shmrpci_object_facts_of(int fd, shmrpci_object_facts *out)
{
    struct stat info;
    struct timespec now;
    if (fstat(fd, &info) != 0 || clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return shmrpci_status_of_last();
    }
    int64_t seconds = (int64_t)now.tv_sec - (int64_t)info.st_mtim.tv_sec;
    *out = (shmrpci_object_facts){
        .device = (uint64_t)info.st_dev,
        .inode = (uint64_t)info.st_ino,
        .bytes = info.st_size > 0 ? (uint64_t)info.st_size : 0,
        .memory_bytes = info.st_blocks > 0 ? (uint64_t)info.st_blocks * 512 : 0,
        .uid = (uint32_t)info.st_uid,
        .mode = (uint32_t)info.st_mode & 07777u,
        .age_ns =
            seconds * SHMRPCI_NS_PER_S + (now.tv_nsec - info.st_mtim.tv_nsec),
        .is_file = S_ISREG(info.st_mode),
    };
    return SHMRPC_OK;
}

bool shmrpci_object_is_there(int dir_fd, const char *name)
{
    struct stat there;
    return fstatat(dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0;
}

bool shmrpci_object_is_named(int dir_fd, const char *name, int fd)
{
    struct stat there;
    struct stat ours;
    return fstatat(dir_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(fd, &ours) == 0 && there.st_dev == ours.st_dev &&
           there.st_ino == ours.st_ino;
}

shmrpc_status shmrpci_object_unlink(int dir_fd, const char *name)
{
    return unlinkat(dir_fd, name, 0) == 0 ? SHMRPC_OK
                                          : shmrpci_status_of_last();
}

void shmrpci_object_touch(int fd)
{
    (void)futimens(fd, NULL);
}

shmrpc_status shmrpci_object_each(int dir_fd, shmrpci_object_visit *visit,
                                  void *user)
{
    /* Opens the folder again: copies of a descriptor share the position. */
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        shmrpc_status status = shmrpci_status_of_last();
        shmrpci_fd_close(&fd);
        return status;
    }
    bool more = true;
    while (more) {
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0) {
            more = visit(user, entry->d_name);
        }
    }
    (void)closedir(folder);
    return SHMRPC_OK;
}

bool shmrpci_object_is_temporary(const char *name)
{
    return strncmp(name, TEMPORARY_PREFIX, sizeof TEMPORARY_PREFIX - 1) == 0;
}
