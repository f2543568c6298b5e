/*
 * Control groups of this process, version 1 or 2, whichever is mounted.
 *
 * Limits of a group hold for all groups in it: each function looks at the
 * process's own group and at those that contain it, up to the root, which in a
 * container often is the group itself.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_GROUP_H
#define SHMRPCI_OS_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's files; tests use others. */
typedef struct shmrpci_group_files {
    const char *list;   /* which groups we are in: /proc/self/cgroup */
    const char *memory; /* version 1 */
    const char *all;    /* version 2 */
} shmrpci_group_files;

/* Calls `look` with the folder of each of our groups in the hierarchy below
 * `root`, for `controller`, or for version 2 if it is "". Never if there is
 * none. */
void shmrpci_group_each(const char *list, const char *controller,
                        const char *root,
                        void (*look)(void *user, const char *folder),
                        void *user);

/* Reads a small file as text, up to `size` - 1 bytes of it. */
bool shmrpci_group_read(const char *folder, const char *name, char *text,
                        size_t size);

/*
 * How many more bytes the memory limits leave for shared memory; UINT64_MAX:
 * there is no limit. An eighth of a limit is left for other needs of the
 * processes. The file cache, which the kernel reclaims by itself, counts as
 * free. `shared_bytes` are promised, but perhaps untouched and then not counted
 * by the kernel. `files`: NULL for the system's. Costs some 50 us if there are
 * limits.
 */
uint64_t shmrpci_group_memory_left(const shmrpci_group_files *files,
                                   uint64_t shared_bytes);

#endif
