/* Sealed memory files and their mappings. */
#include "os/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "os/fault.h"
#include "os/fork.h"
#include "os/map_alias.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

/* Large files are allocated in pieces, so that a signal or another thread's
 * page fault never waits for the whole file. */
#define FALLOCATE_STEP ((off_t)4 << 20)

static shmrpc_status allocate(int fd, off_t from, off_t end)
{
    for (off_t at = from; at < end;) {
        off_t step = end - at < FALLOCATE_STEP ? end - at : FALLOCATE_STEP;
        if (fallocate(fd, 0, at, step) == 0) {
            at += step;
        } else if (errno != EINTR) {
            return shmrpci_status_of_last();
        }
    }
    return SHMRPC_OK;
}

typedef enum payment { PAID_NOW, PAID_BY_PAGE } payment;

static shmrpc_status prepare(int fd, size_t bytes, payment paid)
{
    if (ftruncate(fd, (off_t)bytes) != 0 || fchmod(fd, 0600) != 0) {
        return shmrpci_status_of_last();
    }
    return paid == PAID_NOW ? allocate(fd, 0, (off_t)bytes) : SHMRPC_OK;
}

static size_t round_to_pages(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

static shmrpc_status create(const char *label, size_t bytes, payment paid,
                            int *out_fd)
{
    int fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return shmrpci_status_of_last();
    }
    shmrpc_status status = prepare(fd, round_to_pages(bytes), paid);
    if (status == SHMRPC_OK &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
        status = shmrpci_status_of_last();
    }
    if (status != SHMRPC_OK) {
        (void)close(fd);
        return status;
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_memory_create(const char *label, size_t bytes,
                                    int *out_fd)
{
    return create(label, bytes, PAID_NOW, out_fd);
}

shmrpc_status shmrpci_memory_create_sparse(const char *label, size_t bytes,
                                           int *out_fd)
{
    return create(label, bytes, PAID_BY_PAGE, out_fd);
}

shmrpc_status shmrpci_memory_reopen(int fd, shmrpci_access access, int *out_fd)
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int opened = open(
        path, (access == SHMRPCI_ACCESS_WRITE ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (opened < 0) {
        return shmrpci_status_of_last();
    }
    *out_fd = opened;
    return SHMRPC_OK;
}

bool shmrpci_memory_is_writable(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

shmrpc_status shmrpci_memory_create_constant(const char *label,
                                             const void *data, size_t bytes,
                                             int *out_fd)
{
    int fd;
    shmrpc_status status = shmrpci_memory_create(label, bytes, &fd);
    if (status != SHMRPC_OK) {
        return status;
    }
    for (size_t at = 0; at < bytes;) {
        ssize_t written =
            pwrite(fd, (const char *)data + at, bytes - at, (off_t)at);
        if (written > 0) {
            at += (size_t)written;
        } else if (errno != EINTR) {
            status = shmrpci_status_of_last();
            break;
        }
    }
    if (status == SHMRPC_OK &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        status = shmrpci_status_of_last();
    }
    if (status != SHMRPC_OK) {
        (void)close(fd);
        return status;
    }
    *out_fd = fd;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_memory_check(int fd, size_t bytes, size_t *out_bytes)
{
    struct stat info;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0) {
        return SHMRPC_E_DENIED;
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size < 0 ||
        (uint64_t)info.st_size < bytes) {
        return SHMRPC_E_DENIED;
    }
    if (out_bytes != NULL) {
        *out_bytes = (size_t)info.st_size;
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_memory_pay(int fd, uint64_t offset, uint64_t bytes)
{
    return allocate(fd, (off_t)offset, (off_t)(offset + bytes));
}

uint64_t shmrpci_memory_available(int fd)
{
    struct statvfs info;
    return fstatvfs(fd, &info) == 0 ? (uint64_t)info.f_bavail * info.f_frsize
                                    : 0;
}

shmrpc_status shmrpci_memory_size(int fd, uint64_t *out_bytes)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return shmrpci_status_of_last();
    }
    *out_bytes = info.st_size > 0 ? (uint64_t)info.st_size : 0;
    return SHMRPC_OK;
}

shmrpc_status shmrpci_memory_read(int fd, void *data, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        ssize_t got = pread(fd, (char *)data + at, bytes - at, (off_t)at);
        if (got > 0) {
            at += (size_t)got;
        } else if (got == 0) {
            return SHMRPC_E_DATA_LOSS;
        } else if (errno != EINTR) {
            return shmrpci_status_of_last();
        }
    }
    return SHMRPC_OK;
}

/* Makes the kernel touch the pages. Kernels before 5.14 can't; then the pages
 * are touched on first use. */
static void populate(void *at, size_t bytes, shmrpci_access access)
{
    (void)madvise(at, bytes,
                  access == SHMRPCI_ACCESS_WRITE ? MADV_POPULATE_WRITE
                                                 : MADV_POPULATE_READ);
}

/* Maps at `wanted`, replacing what is there; NULL: anywhere. */
static shmrpc_status map_at(void *wanted, int fd, uint64_t offset, size_t bytes,
                            shmrpci_access access, shmrpci_map *out)
{
    int protection = PROT_READ;
    if (access == SHMRPCI_ACCESS_WRITE) {
        protection |= PROT_WRITE;
    }
    void *at =
        mmap(wanted, bytes, protection,
             MAP_SHARED | (wanted != NULL ? MAP_FIXED : 0), fd, (off_t)offset);
    if (at == MAP_FAILED) {
        return shmrpci_status_of_last();
    }
    (void)madvise(at, bytes, MADV_DONTDUMP);
    (void)madvise(at, bytes, MADV_DONTFORK);
    *out = (shmrpci_map){at, bytes, shmrpci_fork_generation()};
    return SHMRPC_OK;
}

shmrpc_status shmrpci_memory_map_part(int fd, uint64_t offset, size_t bytes,
                                      shmrpci_access access, shmrpci_map *out)
{
    return map_at(NULL, fd, offset, bytes, access, out);
}

shmrpc_status shmrpci_memory_map(int fd, size_t bytes, shmrpci_access access,
                                 bool prefault, shmrpci_map *out)
{
    bool again;
    if (SHMRPCI_MAP_ALIAS &&
        shmrpci_alias_find(fd, bytes, access, out, &again)) {
        return again ? map_at(out->at, fd, 0, bytes, access, out) : SHMRPC_OK;
    }
    shmrpc_status status = shmrpci_memory_map_part(fd, 0, bytes, access, out);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (prefault) {
        populate(out->at, bytes, access);
    }
    if (SHMRPCI_MAP_ALIAS) {
        shmrpci_alias_add(fd, access, out);
    }
    return SHMRPC_OK;
}

uint64_t shmrpci_memory_next_data(int fd, uint64_t from, uint64_t end)
{
    off_t at = lseek(fd, (off_t)from, SEEK_DATA);
    return at >= 0 && (uint64_t)at < end ? (uint64_t)at : end;
}

void shmrpci_memory_unmap(shmrpci_map *map)
{
    if (map->at != NULL && map->generation == shmrpci_fork_generation() &&
        (!SHMRPCI_MAP_ALIAS || shmrpci_alias_drop(map))) {
        (void)munmap(map->at, map->bytes);
    }
    *map = (shmrpci_map){.at = NULL};
}

void shmrpci_memory_discard(const shmrpci_map *map)
{
    if (map->at != NULL) {
        (void)madvise(map->at, map->bytes, MADV_REMOVE);
    }
}

/* Functions of the leak checker; NULL if the program is built without it.
 * Without these calls it would not look for pointers in memory that did not
 * come from malloc. */
extern __attribute__((weak)) void __lsan_register_root_region(const void *at,
                                                              size_t bytes);
extern __attribute__((weak)) void __lsan_unregister_root_region(const void *at,
                                                                size_t bytes);

void *shmrpci_pages_create(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        return NULL;
    }
    if (__lsan_register_root_region != NULL) {
        __lsan_register_root_region(at, bytes);
    }
    return at;
}

void shmrpci_pages_destroy(void *at, size_t bytes)
{
    if (__lsan_unregister_root_region != NULL) {
        __lsan_unregister_root_region(at, bytes);
    }
    (void)munmap(at, bytes);
}

void shmrpci_fd_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}
