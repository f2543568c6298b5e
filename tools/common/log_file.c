/* Appends to a log file, and rotates files. */
#include "tools/common/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "os/fault.h"

#define NS_PER_S INT64_C(1000000000)

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* When the file was created. If the file system doesn't record that, the
 * current time, so that the file's age counts from now on. */
static int64_t made_ns_of(int fd)
{
    struct statx facts;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &facts) != 0 ||
        (facts.stx_mask & STATX_BTIME) == 0) {
        return now_ns();
    }
    return facts.stx_btime.tv_sec * NS_PER_S + facts.stx_btime.tv_nsec;
}

/* A link or a pipe under that name is refused: anyone who may write to the
 * folder could make us write to another file, or block us. */
static shmrpc_status open_name(tool_log_file *file)
{
    struct stat facts;
    int fd = openat(file->dir_fd, file->name,
                    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
                        O_NONBLOCK | O_NOCTTY,
                    0640);
    if (fd < 0) {
        return errno == ELOOP ? SHMRPC_E_DENIED : shmrpci_status_of_last();
    }
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        (void)close(fd);
        return SHMRPC_E_DENIED;
    }
    file->fd = fd;
    file->bytes = (uint64_t)facts.st_size;
    file->made_ns = made_ns_of(fd);
    return SHMRPC_OK;
}

shmrpc_status tool_log_file_open(const char *folder, const char *name,
                                 tool_log_file *out)
{
    *out = (tool_log_file){.dir_fd = -1, .fd = -1};
    if (strlen(name) >= sizeof out->name) {
        return SHMRPC_E_INVALID;
    }
    if (mkdir(folder, 0750) != 0 && errno != EEXIST) {
        return shmrpci_status_of_last();
    }
    out->dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out->dir_fd < 0) {
        return shmrpci_status_of_last();
    }
    (void)snprintf(out->name, sizeof out->name, "%s", name);
    shmrpc_status status = open_name(out);
    if (status != SHMRPC_OK) {
        tool_log_file_close(out);
    }
    return status;
}

void tool_log_file_close(tool_log_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
    }
    if (file->dir_fd >= 0) {
        (void)close(file->dir_fd);
    }
    file->fd = file->dir_fd = -1;
}

/* Number 0 is the current file, which is written to. */
static void name_of(const tool_log_file *file, uint32_t number, char out[160])
{
    (void)snprintf(out, 160, number > 0 ? "%s.%u" : "%s", file->name, number);
}

/* Shifts every file to the next number and begins a new one. If a file can't be
 * renamed, writing to it continues: losing the order is better than losing
 * lines. */
static shmrpc_status rotate(tool_log_file *file, uint32_t keep)
{
    char from[160];
    char to[160];
    name_of(file, keep, from);
    (void)unlinkat(file->dir_fd, from, 0);
    for (uint32_t i = keep; i > 0; i--) {
        name_of(file, i - 1, from);
        name_of(file, i, to);
        (void)renameat(file->dir_fd, from, file->dir_fd, to);
    }
    (void)close(file->fd);
    file->fd = -1;
    return open_name(file);
}

/* An empty file is never over its limits, because a line longer than the limit
 * must go somewhere. */
static bool is_over(const tool_log_file *file, size_t len,
                    const tool_log_limits *limits)
{
    return file->bytes > 0 &&
           (file->bytes + len > limits->max_bytes ||
            (limits->max_age_ns > 0 &&
             now_ns() - file->made_ns >= limits->max_age_ns));
}

/* Writes everything by a single call. If the disk is full, the written part is
 * removed. */
shmrpc_status tool_log_file_add(tool_log_file *file, const void *data,
                                size_t len, const tool_log_limits *limits)
{
    shmrpc_status status = SHMRPC_OK;
    if (file->fd < 0) {
        status = open_name(file); /* the last rotation could not open a new
                                   * file */
    } else if (is_over(file, len, limits)) {
        status = rotate(file, limits->keep);
    }
    if (status != SHMRPC_OK) {
        return status;
    }
    ssize_t done;
    do {
        done = write(file->fd, data, len);
    } while (done < 0 && errno == EINTR);
    if (done == (ssize_t)len) {
        file->bytes += len;
        return SHMRPC_OK;
    }
    /* Remove the written part: half a line would spoil the next one too. */
    (void)!ftruncate(file->fd, (off_t)file->bytes);
    return SHMRPC_E_EXHAUSTED;
}

/* ---- reading ---- */

shmrpc_status tool_log_look_open(const char *folder, const char *name,
                                 uint32_t number, tool_log_look *out)
{
    char path[160];
    struct stat facts;
    int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) {
        return shmrpci_status_of_last();
    }
    (void)snprintf(path, sizeof path, number > 0 ? "%.120s.%u" : "%.120s", name,
                   number);
    int fd = openat(dir_fd, path,
                    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    shmrpc_status status = fd >= 0          ? SHMRPC_OK
                           : errno == ELOOP ? SHMRPC_E_DENIED
                                            : shmrpci_status_of_last();
    (void)close(dir_fd);
    if (fd >= 0 && (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))) {
        (void)close(fd);
        status = SHMRPC_E_DENIED;
    }
    if (status == SHMRPC_OK) {
        *out = (tool_log_look){.fd = fd,
                               .bytes = (uint64_t)facts.st_size,
                               .id = (uint64_t)facts.st_ino};
    }
    return status;
}

void tool_log_look_close(tool_log_look *look)
{
    (void)close(look->fd);
    look->fd = -1;
}

size_t tool_log_look_read(const tool_log_look *look, uint64_t offset, void *to,
                          size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t count = pread(look->fd, (char *)to + done, len - done,
                              (off_t)(offset + done));
        if (count <= 0 && !(count < 0 && errno == EINTR)) {
            break;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return done;
}
