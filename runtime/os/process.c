/* Identity, CPUs, and what a control group leaves of them. */
#include "os/process.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint32_t shmrpci_process_uid(void)
{
    return (uint32_t)geteuid();
}

bool shmrpci_process_mistrusts(uint32_t uid)
{
    return uid == SHMRPCI_UNMAPPED_UID && shmrpci_process_uid() != uid;
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

uint64_t shmrpci_process_namespace(void)
{
    struct stat info;
    return stat("/proc/self/ns/pid", &info) == 0 ? (uint64_t)info.st_ino : 0;
}

static uint8_t hex_digit(char digit)
{
    return (uint8_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
}

void shmrpci_process_boot(uint8_t out[16])
{
    char text[64]; /* "7cf26ed9-ea6b-4ee0-..." */
    size_t count = 0;
    memset(out, 0, 16);
    if (!read_text("/proc/sys/kernel/random/boot_id", text, sizeof text)) {
        return;
    }
    for (const char *at = text; *at != '\0' && count < 32; at++) {
        if (*at != '-' && *at != '\n') {
            out[count / 2] =
                (uint8_t)(out[count / 2] << 4 | (hex_digit(*at) & 15));
            count++;
        }
    }
}

void shmrpci_process_name(int32_t pid, char out[32])
{
    char path[32];
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    if (!read_text(path, out, 32)) {
        out[0] = '\0';
    }
    out[strcspn(out, "\n")] = '\0';
    for (char *at = out; *at != '\0'; at++) {
        *at = *at < ' ' || *at > '~' ? '?' : *at;
    }
}

/* Whether "cpu,cpuacct" names `controller`; "" is version 2, which names none.
 */
static bool is_named(const char *names, const char *controller)
{
    size_t len = strlen(controller);
    for (const char *at = names;; at++) {
        if (strncmp(at, controller, len) == 0 &&
            (at[len] == ',' || at[len] == '\0')) {
            return true;
        }
        at = strchr(at, ',');
        if (at == NULL) {
            return false;
        }
    }
}

/* The path of this process in the hierarchy of a controller, as
 * /proc/self/cgroup has it: "1:cpu,cpuacct:/path". */
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
        if (is_named(names + 1, controller)) {
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

static bool read_group_file(const char *folder, const char *name, char *text,
                            size_t size)
{
    char path[4608];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return read_text(path, text, size);
}

static uint32_t quota_v2(const char *folder)
{
    char text[64];
    if (!read_group_file(folder, "cpu.max", text, sizeof text)) {
        return UINT32_MAX;
    }
    char *end;
    long long quota = strtoll(text, &end, 10); /* "max" gives 0: no limit */
    return percent_of(quota, strtoll(end, NULL, 10));
}

static uint32_t quota_v1(const char *folder)
{
    char quota[64];
    char period[64];
    if (!read_group_file(folder, "cpu.cfs_quota_us", quota, sizeof quota) ||
        !read_group_file(folder, "cpu.cfs_period_us", period, sizeof period)) {
        return UINT32_MAX;
    }
    return percent_of(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The least quota of the group and of those that it is in, up to the root: in a
 * container that is often the group itself. */
static uint32_t least_quota(const char *controller, const char *root,
                            uint32_t (*quota_of)(const char *folder))
{
    char group[4096];
    char folder[4224];
    uint32_t least = UINT32_MAX;
    char *end = group;
    if (!find_group(controller, group, sizeof group)) {
        return least;
    }
    while (end != NULL) {
        (void)snprintf(folder, sizeof folder, "%s%s", root, group);
        uint32_t quota = quota_of(folder);
        least = quota < least ? quota : least;
        end = strrchr(group, '/');
        if (end != NULL) {
            *end = '\0';
        }
    }
    return least;
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
    uint32_t quota = least_quota("", "/sys/fs/cgroup", quota_v2);
    if (quota == UINT32_MAX) {
        quota = least_quota("cpu", "/sys/fs/cgroup/cpu", quota_v1);
    }
    return quota < percent ? quota : percent;
}
