/* Identity, CPUs, and the CPU quota of control groups. */
#include "os/process.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/group.h"
#include "os/text_file.h"

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

bool shmrpci_working_directory(char *out, size_t size)
{
    return getcwd(out, size) != NULL;
}

uint32_t shmrpci_current_cpu(void)
{
    int cpu = sched_getcpu();
    return cpu < 0 ? 0 : (uint32_t)cpu;
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
    if (!shmrpci_text_file_read("/proc/sys/kernel/random/boot_id", text,
                                sizeof text)) {
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
    if (!shmrpci_text_file_read(path, out, 32)) {
        out[0] = '\0';
    }
    out[strcspn(out, "\n")] = '\0';
    for (char *at = out; *at != '\0'; at++) {
        *at = *at < ' ' || *at > '~' ? '?' : *at;
    }
}

/* Converts quota and period to percent of a CPU; UINT32_MAX if there is no
 * limit. */
static uint32_t percent_of(long long quota, long long period)
{
    if (quota <= 0 || period <= 0 || quota / period > 10000) {
        return UINT32_MAX;
    }
    return (uint32_t)(quota * 100 / period);
}

static uint32_t quota_v2(const char *folder)
{
    char text[64];
    if (!shmrpci_group_read(folder, "cpu.max", text, sizeof text)) {
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
    if (!shmrpci_group_read(folder, "cpu.cfs_quota_us", quota, sizeof quota) ||
        !shmrpci_group_read(folder, "cpu.cfs_period_us", period,
                            sizeof period)) {
        return UINT32_MAX;
    }
    return percent_of(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

/* The lowest quota of the groups visited so far. */
typedef struct least {
    uint32_t (*quota_of)(const char *folder);
    uint32_t percent;
} least;

static void look_at_quota(void *user, const char *folder)
{
    least *l = user;
    uint32_t percent = l->quota_of(folder);
    l->percent = percent < l->percent ? percent : l->percent;
}

static uint32_t least_quota(const char *controller, const char *root,
                            uint32_t (*quota_of)(const char *folder))
{
    least l = {quota_of, UINT32_MAX};
    shmrpci_group_each("/proc/self/cgroup", controller, root, look_at_quota,
                       &l);
    return l.percent;
}

uint32_t shmrpci_allowed_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return (uint32_t)CPU_COUNT(&set);
    }
    /* The call fails if there are more CPUs than a cpu_set_t holds; then count
     * all of them. */
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
