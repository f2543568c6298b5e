/*
 * Settings of a program before it is loaded: user, folder, limits, CPUs.
 *
 * The parent fills them in, and may look up names and allocate; the child
 * applies them with system calls only.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_SETUP_H
#define SHMRPCI_OS_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cpus.h"
#include "os/account.h"

/* Limits, with their names in setrlimit(2): X(LIMIT, name). */
#define SHMRPCI_LIMIT_LIST(X) \
    X(AS, "as")               \
    X(CORE, "core")           \
    X(CPU, "cpu")             \
    X(DATA, "data")           \
    X(FSIZE, "fsize")         \
    X(MEMLOCK, "memlock")     \
    X(NOFILE, "nofile")       \
    X(NPROC, "nproc")         \
    X(STACK, "stack")

typedef enum shmrpci_limit {
#define SHMRPCI_X(limit, name) SHMRPCI_LIMIT_##limit,
    SHMRPCI_LIMIT_LIST(SHMRPCI_X)
#undef SHMRPCI_X
        SHMRPCI_LIMITS /* their number */
} shmrpci_limit;

/* Values of a limit: not set (keep ours), and unlimited. */
#define SHMRPCI_LIMIT_KEPT INT64_C(-1)
#define SHMRPCI_LIMIT_NONE INT64_MAX

/* Max number of groups of a user. */
#define SHMRPCI_SETUP_GROUPS 256u

/* Settings; shmrpci_setup_init sets them to this process's values. */
typedef struct shmrpci_setup {
    const char *directory; /* NULL: ours */
    int32_t umask;         /* -1: ours */
    bool has_nice;
    int32_t nice;
    bool has_cpus;
    shmrpci_cpus cpus;
    int64_t limits[SHMRPCI_LIMITS]; /* seconds, bytes or a count */
    bool has_user;
    shmrpci_account account;
    bool has_groups;
    uint32_t groups[SHMRPCI_SETUP_GROUPS]; /* the primary group first */
    uint32_t group_count;
} shmrpci_setup;

void shmrpci_setup_init(shmrpci_setup *setup);

/* Sets the user that a program runs as, with that user's groups. Returns
 * NOT_FOUND, or EXHAUSTED if there are too many groups. May query a network
 * service. */
shmrpc_status shmrpci_setup_user(shmrpci_setup *setup, const char *name);
/* Replaces the primary group; call it after shmrpci_setup_user. Returns
 * NOT_FOUND if there is no such group. */
shmrpc_status shmrpci_setup_group(shmrpci_setup *setup, const char *name);

/* Returns how many CPUs of the set this process may use. */
uint32_t shmrpci_cpus_usable(const shmrpci_cpus *cpus);

/* The steps that can fail, in the order in which they run. */
typedef enum shmrpci_setup_step {
    SHMRPCI_SETUP_NONE,
    SHMRPCI_SETUP_LIMITS, /* the first limit; each limit is a step */
    SHMRPCI_SETUP_CPUS = SHMRPCI_SETUP_LIMITS + SHMRPCI_LIMITS,
    SHMRPCI_SETUP_NICE,
    SHMRPCI_SETUP_GROUP, /* without a user */
    SHMRPCI_SETUP_USER,
    SHMRPCI_SETUP_DIRECTORY,
    SHMRPCI_SETUP_LOAD /* the program itself */
} shmrpci_setup_step;

/* Runs in a child, with system calls only. Returns NONE, or the step that
 * failed, with errno. */
shmrpci_setup_step shmrpci_setup_apply(const shmrpci_setup *setup);

/* Returns "limit_core", "cpus", ..., as in service.ini. Static. */
const char *shmrpci_setup_step_name(shmrpci_setup_step step);

#endif
