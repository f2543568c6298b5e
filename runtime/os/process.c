/* Identity, CPUs, and what a control group leaves of them. */
#include "os/process.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint32_t shmrpci_process_uid(void)
{
    return (uint32_t)geteuid();
}

uint32_t shmrpci_process_gid(void)
{
    return (uint32_t)getegid();
}

int32_t shmrpci_process_id(void)
{
    return (int32_t)getpid();
}

uint32_t shmrpci_current_cpu(void)
{
    int cpu = sched_getcpu();
    return cpu < 0 ? 0 : (uint32_t)cpu;
}

/* Reads a small file as text; false when it can't. */
static bool read_text(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t got = read(fd, text, size - 1);
    (void)close(fd);
    if (got <= 0) {
        return false;
    }
    text[got] = '\0';
    return true;
}

/* The path of this process in a hierarchy of /proc/self/cgroup: the line that
 * starts after its number with `controller` ("" for version 2). */
static bool find_group(const char *controller, char *path, size_t size)
{
    char text[4096];
    if (!read_text("/proc/self/cgroup", text, sizeof text)) {
        return false;
    }
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *names = strchr(line, ':');
        char *group = names == NULL ? NULL : strchr(names + 1, ':');
        if (group == NULL) {
            continue;
        }
        *group = '\0';
        const char *found = strstr(names + 1, controller);
        if (controller[0] == '\0' ? names[1] == '\0' : found != NULL) {
            int len = snprintf(path, size, "%s", group + 1);
            return len > 0 && (size_t)len < size;
        }
    }
    return false;
}

/* Percent of a CPU that quota and period allow; UINT32_MAX for all. */
static uint32_t percent_of(long long quota, long long period)
{
    if (quota <= 0 || period <= 0 || quota / period > 10000) {
        return UINT32_MAX;
    }
    return (uint32_t)(quota * 100 / period);
}

/* In a container the group's own folder is often mounted as the root. */
static bool read_group_file(const char *root, const char *group,
                            const char *name, char *text, size_t size)
{
    char path[4608];
    (void)snprintf(path, sizeof path, "%s%s/%s", root, group, name);
    if (read_text(path, text, size)) {
        return true;
    }
    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    return read_text(path, text, size);
}

static uint32_t quota_v2(void)
{
    char group[4096];
    char text[64];
    if (!find_group("", group, sizeof group) ||
        !read_group_file("/sys/fs/cgroup", group, "cpu.max", text,
                         sizeof text)) {
        return UINT32_MAX;
    }
    char *end;
    long long quota = strtoll(text, &end, 10); /* "max" gives 0: no limit */
    return percent_of(quota, strtoll(end, NULL, 10));
}

static uint32_t quota_v1(void)
{
    char group[4096];
    char quota[64];
    char period[64];
    static const char root[] = "/sys/fs/cgroup/cpu";
    if (!find_group("cpu", group, sizeof group) ||
        !read_group_file(root, group, "cpu.cfs_quota_us", quota,
                         sizeof quota) ||
        !read_group_file(root, group, "cpu.cfs_period_us", period,
                         sizeof period)) {
        return UINT32_MAX;
    }
    return percent_of(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

uint32_t shmrpci_allowed_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return (uint32_t)CPU_COUNT(&set);
    }
    /* More CPUs than the set has room for. */
    return (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
}

uint32_t shmrpci_cpu_quota_percent(void)
{
    uint32_t percent = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN) * 100;
    uint32_t quota = quota_v2();
    if (quota == UINT32_MAX) {
        quota = quota_v1();
    }
    return quota < percent ? quota : percent;
}
