/* setrlimit, setpriority, sched_setaffinity, setgroups, setresuid, chdir. */
#include "os/setup.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void shmrpci_setup_init(shmrpci_setup *setup)
{
    *setup = (shmrpci_setup){.umask = -1};
    for (size_t i = 0; i < SHMRPCI_LIMITS; i++) {
        setup->limits[i] = SHMRPCI_LIMIT_KEPT;
    }
}

/* ---- users --------------------------------------------------------------- */

shmrpc_status shmrpci_setup_user(shmrpci_setup *setup, const char *name)
{
    shmrpci_account *account = &setup->account;
    gid_t groups[SHMRPCI_SETUP_GROUPS];
    int count = SHMRPCI_SETUP_GROUPS;
    shmrpc_status status = shmrpci_account_find(name, account);
    if (status != SHMRPC_OK) {
        return status;
    }
    /* The user's own group comes first. */
    if (getgrouplist(account->name, account->gid, groups, &count) < 0) {
        return SHMRPC_E_EXHAUSTED;
    }
    setup->has_user = true;
    setup->has_groups = true;
    setup->group_count = (uint32_t)count;
    for (int i = 0; i < count; i++) {
        setup->groups[i] = groups[i];
    }
    return SHMRPC_OK;
}

shmrpc_status shmrpci_setup_group(shmrpci_setup *setup, const char *name)
{
    uint32_t gid;
    shmrpc_status status = shmrpci_account_group(name, &gid);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (!setup->has_groups) {
        setup->has_groups = true;
        setup->group_count = 1;
    }
    setup->groups[0] = gid;
    return SHMRPC_OK;
}

/* ---- CPUs ---------------------------------------------------------------- */

static void set_of(const shmrpci_cpus *cpus, cpu_set_t *out)
{
    CPU_ZERO(out);
    for (uint32_t cpu = 0; cpu < 64 * SHMRPCI_CPUS_WORDS; cpu++) {
        if ((cpus->words[cpu / 64] >> cpu % 64 & 1) != 0 && cpu < CPU_SETSIZE) {
            CPU_SET(cpu, out);
        }
    }
}

uint32_t shmrpci_cpus_usable(const shmrpci_cpus *cpus)
{
    cpu_set_t wanted;
    cpu_set_t ours;
    set_of(cpus, &wanted);
    if (sched_getaffinity(0, sizeof ours, &ours) == 0) {
        CPU_AND(&wanted, &wanted, &ours);
    }
    return (uint32_t)CPU_COUNT(&wanted);
}

/* ---- in the child -------------------------------------------------------- */

static shmrpci_setup_step apply_limits(const shmrpci_setup *setup)
{
    static const int resources[] = {
#define SHMRPCI_X(limit, name) RLIMIT_##limit,
        SHMRPCI_LIMIT_LIST(SHMRPCI_X)
#undef SHMRPCI_X
    };
    for (int i = 0; i < SHMRPCI_LIMITS; i++) {
        int64_t wanted = setup->limits[i];
        rlim_t value =
            wanted == SHMRPCI_LIMIT_NONE ? RLIM_INFINITY : (rlim_t)wanted;
        const struct rlimit limit = {value, value};
        if (wanted != SHMRPCI_LIMIT_KEPT &&
            setrlimit((__rlimit_resource_t)resources[i], &limit) != 0) {
            return (shmrpci_setup_step)(SHMRPCI_SETUP_LIMITS + i);
        }
    }
    return SHMRPCI_SETUP_NONE;
}

/* No privilege is needed if the identity does not change. */
static bool become_groups(const shmrpci_setup *setup)
{
    gid_t groups[SHMRPCI_SETUP_GROUPS];
    for (uint32_t i = 0; i < setup->group_count; i++) {
        groups[i] = setup->groups[i];
    }
    if (geteuid() != 0 && getgid() == groups[0] &&
        (!setup->has_user || setup->account.uid == getuid())) {
        return true;
    }
    return setgroups(setup->group_count, groups) == 0 &&
           setresgid(groups[0], groups[0], groups[0]) == 0;
}

static bool become_user(uint32_t uid)
{
    return setresuid(uid, uid, uid) == 0;
}

static bool use_cpus(const shmrpci_cpus *cpus)
{
    cpu_set_t set;
    set_of(cpus, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

shmrpci_setup_step shmrpci_setup_apply(const shmrpci_setup *setup)
{
    shmrpci_setup_step failed = apply_limits(setup);
    if (failed != SHMRPCI_SETUP_NONE) {
        return failed;
    }
    if (setup->umask >= 0) {
        (void)umask((mode_t)setup->umask);
    }
    if (setup->has_cpus && !use_cpus(&setup->cpus)) {
        return SHMRPCI_SETUP_CPUS;
    }
    if (setup->has_nice && setpriority(PRIO_PROCESS, 0, setup->nice) != 0) {
        return SHMRPCI_SETUP_NICE;
    }
    if (setup->has_groups && !become_groups(setup)) {
        return setup->has_user ? SHMRPCI_SETUP_USER : SHMRPCI_SETUP_GROUP;
    }
    if (setup->has_user && !become_user(setup->account.uid)) {
        return SHMRPCI_SETUP_USER;
    }
    /* Done after the change of user, because that user must have permission to
     * enter the folder. */
    if (setup->directory != NULL && chdir(setup->directory) != 0) {
        return SHMRPCI_SETUP_DIRECTORY;
    }
    return SHMRPCI_SETUP_NONE;
}

const char *shmrpci_setup_step_name(shmrpci_setup_step step)
{
    static const char *const names[] = {"",
#define SHMRPCI_X(limit, name) "limit_" name,
                                        SHMRPCI_LIMIT_LIST(SHMRPCI_X)
#undef SHMRPCI_X
                                            "cpus",
                                        "nice",
                                        "group",
                                        "user",
                                        "directory",
                                        "exec"};
    return names[step];
}
