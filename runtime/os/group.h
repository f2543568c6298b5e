/*
 * Control groups of this process, version 1 or 2, whichever is mounted.
 *
 * A limit of a group holds for all groups within it. So each function looks at
 * the process's own group and at all groups that contain it, up to the root. In
 * a container the root often is the process's own group.
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
    const char *list;   /* the groups of this process: /proc/self/cgroup */
    const char *memory; /* root of the memory hierarchy of version 1 */
    const char *all;    /* root of the hierarchy of version 2 */
} shmrpci_group_files;

/* Calls `look` with the folder of each of our groups in the hierarchy below
 * `root`, for `controller`, or for version 2 if `controller` is "". Does not
 * call it if there is none. */
void shmrpci_group_each(const char *list, const char *controller,
                        const char *root,
                        void (*look)(void *user, const char *folder),
                        void *user);

/* Reads up to `size` - 1 bytes of a small file as text. */
bool shmrpci_group_read(const char *folder, const char *name, char *text,
                        size_t size);

/*
 * Returns how many more bytes of shared memory the memory limits allow, or
 * UINT64_MAX if there is no limit. Keeps an eighth of each limit for other
 * needs of the processes. The file cache, which the kernel reclaims by itself,
 * counts as free. `shared_bytes` were promised before. The kernel does not
 * count those of them that were never touched, so they are subtracted here. If
 * `files` is NULL, the system's files are read. Costs some 50 us if there are
 * limits.
 */
uint64_t shmrpci_group_memory_left(const shmrpci_group_files *files,
                                   uint64_t shared_bytes);

#endif
