/* Open file description locks. */
#include "os/byte_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fault.h"
#include "os/text_file.h"

/* The pause between two attempts of a wait. The kernel's own wait is not used,
 * because it has no deadline. */
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
        /* The kernel reports any one of the conflicting locks. */
        struct flock found = range(F_WRLCK, first, end - first);
        if (fcntl(fd, F_OFD_GETLK, &found) != 0) {
            return first;
        }
        if (found.l_type == F_UNLCK) {
            return lowest;
        }
        /* The kernel merges adjacent locks of one holder, so the lock that it
         * reports may begin before the range. */
        lowest = found.l_start < first ? first : (int64_t)found.l_start;
        end = lowest;
    }
    return lowest;
}

/* ---- finding the holder -------------------------------------------------- */

/* Parses a line of fdinfo: "lock:\t1: OFDLCK ADVISORY READ -1 fe:00:17 5 7".
 * The last number may be EOF. */
static bool is_lock_on(const char *line, const char *end, uint64_t inode,
                       int64_t at)
{
    char text[128];
    unsigned long long found;
    long long first;
    char last[24];
    size_t len = (size_t)(end - line) < sizeof text ? (size_t)(end - line)
                                                    : sizeof text - 1;
    memcpy(text, line, len);
    text[len] = '\0';
    if (sscanf(text, "lock: %*d: OFDLCK %*s %*s %*d %*x:%*x:%llu %lld %23s",
               &found, &first, last) != 3) {
        return false;
    }
    return found == inode && first <= at &&
           (strcmp(last, "EOF") == 0 || strtoll(last, NULL, 10) >= at);
}

static bool has_lock(const char *path, uint64_t inode, int64_t at)
{
    char text[4096];
    if (!shmrpci_text_file_read(path, text, sizeof text)) {
        return false;
    }
    for (const char *line = text; *line != '\0';) {
        const char *end = strchr(line, '\n');
        end = end != NULL ? end : line + strlen(line);
        if (is_lock_on(line, end, inode, at)) {
            return true;
        }
        line = *end != '\0' ? end + 1 : end;
    }
    return false;
}

static bool process_has_lock(const char *pid, uint64_t inode, int64_t at)
{
    char path[320];
    (void)snprintf(path, sizeof path, "/proc/%.20s/fdinfo", pid);
    DIR *files = opendir(path);
    bool found = false;
    const struct dirent *entry;
    while (files != NULL && !found && (entry = readdir(files)) != NULL) {
        (void)snprintf(path, sizeof path, "/proc/%.20s/fdinfo/%.20s", pid,
                       entry->d_name);
        found = entry->d_name[0] != '.' && has_lock(path, inode, at);
    }
    if (files != NULL) {
        (void)closedir(files);
    }
    return found;
}

int shmrpci_byte_lock_holder(int fd, int64_t at)
{
    struct stat file;
    DIR *processes = opendir("/proc");
    int holder = 0;
    const struct dirent *entry;
    if (processes == NULL || fstat(fd, &file) != 0) {
        if (processes != NULL) {
            (void)closedir(processes);
        }
        return 0;
    }
    while (holder == 0 && (entry = readdir(processes)) != NULL) {
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (pid > 0 && *end == '\0' &&
            process_has_lock(entry->d_name, file.st_ino, at)) {
            holder = (int)pid;
        }
    }
    (void)closedir(processes);
    return holder;
}
