/* Processes. */
#include "tools/shmrpc-web/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads a small file of /proc; false: it isn't there, or not for us. */
static bool read_file(int32_t pid, const char *name, char *out, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%" PRId32 "/%s", pid, name);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    size_t len = fread(out, 1, size - 1, file);
    (void)fclose(file);
    out[len] = '\0';
    return len > 0;
}

/* The number behind `key` at the start of a line; 0 when there is none. */
static uint64_t number_of(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at != NULL ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Fields 14 and 15 of stat, behind the name, which may hold anything. */
static bool read_cpu(const char *stat, double *out)
{
    const char *at = strrchr(stat, ')');
    char *end = NULL;
    for (int field = 2; at != NULL && field < 14; field++) {
        at = strchr(at + 1, ' ');
    }
    if (at == NULL) {
        return false;
    }
    unsigned long long user = strtoull(at, &end, 10);
    unsigned long long kernel = strtoull(end, NULL, 10);
    *out = (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
    return true;
}

bool web_process_read(int32_t pid, web_process *out)
{
    char text[4096];
    *out = (web_process){.cpu_s = 0};
    if (pid <= 0 || !read_file(pid, "stat", text, sizeof text) ||
        !read_cpu(text, &out->cpu_s)) {
        return false;
    }
    if (read_file(pid, "smaps_rollup", text, sizeof text)) {
        out->memory_bytes = number_of(text, "\nPss:") * 1024;
    }
    if (out->memory_bytes == 0 && read_file(pid, "status", text, sizeof text)) {
        out->memory_bytes = number_of(text, "\nVmRSS:") * 1024;
    }
    if (read_file(pid, "io", text, sizeof text)) {
        out->io_bytes = number_of(text, "\nread_bytes:") +
                        number_of(text, "\nwrite_bytes:");
    }
    return true;
}
