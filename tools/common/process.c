/* Reads the figures of a process. */
#include "tools/common/process.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "os/clock.h"
#include "os/folder.h"
#include "os/memory.h"

#define UNKNOWN INT64_C(-1)

/* Reads the beginning of a file in /proc/PID. Returns false if it can't be
 * read. */
static bool read_file(int32_t pid, const char *name, char *out, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t len = fread(out, 1, size - 1, file);
    bool is_read = ferror(file) == 0 && len > 0;
    (void)fclose(file);
    out[len] = '\0';
    return is_read;
}

/* The number behind `key` at the beginning of a line; -1 if there is none. */
static int64_t number_behind(const char *text, const char *key)
{
    size_t len = strlen(key);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += line[0] == '\n';
        if (strncmp(line, key, len) == 0) {
            return strtoll(line + len, NULL, 10);
        }
        if (line[0] == '\0') {
            break;
        }
    }
    return UNKNOWN;
}

static int64_t kib(int64_t value)
{
    return value < 0 ? UNKNOWN : value * 1024;
}

/* Returns field `number` of /proc/PID/stat, from 3 on. Field 2 is the program's
 * name, which may contain blanks and parentheses. */
static uint64_t stat_field(const char *text, int number)
{
    const char *at = strrchr(text, ')');
    for (int i = 2; at != NULL && i < number; i++) {
        at = strchr(at + 1, ' ');
    }
    return at != NULL ? strtoull(at + 1, NULL, 10) : 0;
}

/* Uses the process's CPU clock, which counts nanoseconds; /proc/PID/stat only
 * counts ticks of 10 ms. */
static int64_t cpu_ns(int32_t pid)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) != 0 ||
        clock_gettime(clock, &time) != 0) {
        return UNKNOWN;
    }
    return (int64_t)time.tv_sec * SHMRPCI_NS_PER_S + time.tv_nsec;
}

static void count_entry(void *user, const char *name)
{
    (void)name;
    int64_t *count = user;
    ++*count;
}

/* Counts the entries of /proc/PID/fd, which only the process's own user and
 * root may read. */
static int64_t count_descriptors(int32_t pid)
{
    char path[64];
    int folder;
    int64_t count = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    if (shmrpci_folder_open(path, &folder) != SHMRPC_OK) {
        return UNKNOWN;
    }
    shmrpc_status status = shmrpci_folder_list(folder, count_entry, &count);
    shmrpci_fd_close(&folder);
    return status == SHMRPC_OK ? count : UNKNOWN;
}

/* A zombie counts as ended, since it has no memory and no descriptors any more.
 * If a file can't be read, the figures in it stay unknown. */
shmrpc_status tool_process_read(int32_t pid, tool_process_figures *out)
{
    char text[4096];
    if (pid <= 0) {
        return SHMRPC_E_INVALID;
    }
    if (!read_file(pid, "stat", text, sizeof text) ||
        strstr(text, ") Z ") != NULL) {
        return SHMRPC_E_NOT_FOUND;
    }
    *out = (tool_process_figures){.taken_ns = shmrpci_now_ns(),
                                  .began = stat_field(text, 22),
                                  .cpu_ns = cpu_ns(pid),
                                  .rss_bytes = UNKNOWN,
                                  .pss_bytes = UNKNOWN,
                                  .read_bytes = UNKNOWN,
                                  .write_bytes = UNKNOWN,
                                  .threads = UNKNOWN,
                                  .descriptors = count_descriptors(pid)};
    if (read_file(pid, "status", text, sizeof text)) {
        out->rss_bytes = kib(number_behind(text, "VmRSS:"));
        out->threads = number_behind(text, "Threads:");
    }
    if (read_file(pid, "smaps_rollup", text, sizeof text)) {
        out->pss_bytes = kib(number_behind(text, "Pss:"));
    }
    if (read_file(pid, "io", text, sizeof text)) {
        out->read_bytes = number_behind(text, "read_bytes:");
        out->write_bytes = number_behind(text, "write_bytes:");
    }
    return SHMRPC_OK;
}
