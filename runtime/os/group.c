/* Control groups: which ones contain us, and how much memory they allow. */
#include "os/group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/text_file.h"

/* In version 1 a limit this large means no limit. */
#define NO_LIMIT (UINT64_C(1) << 60)

/* memory.stat has some fifty lines. */
#define STAT_BYTES 8192

/* Whether the list "cpu,cpuacct" contains `controller`. A version 2 entry has
 * the list "", which matches the controller "". */
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

/* Finds the path of this process in the hierarchy of a controller, in the lines
 * of /proc/self/cgroup: "1:cpu,cpuacct:/path". */
static bool find_group(const char *list, const char *controller, char *path,
                       size_t size)
{
    char text[4096];
    if (!shmrpci_text_file_read(list, text, sizeof text)) {
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

void shmrpci_group_each(const char *list, const char *controller,
                        const char *root,
                        void (*look)(void *user, const char *folder),
                        void *user)
{
    char group[4096];
    char folder[4224];
    char *end = group;
    if (!find_group(list, controller, group, sizeof group)) {
        return;
    }
    while (end != NULL) {
        (void)snprintf(folder, sizeof folder, "%s%s", root, group);
        look(user, folder);
        end = strrchr(group, '/');
        if (end != NULL) {
            *end = '\0';
        }
    }
}

bool shmrpci_group_read(const char *folder, const char *name, char *text,
                        size_t size)
{
    char path[4608];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return shmrpci_text_file_read(path, text, size);
}

/* ---- memory -------------------------------------------------------------- */

/* The file names of a version, and the names of lines in memory.stat. */
typedef struct form {
    const char *limit;
    const char *used;
    const char *cache;  /* the file cache that was not used recently */
    const char *shared; /* memory that processes share */
} form;

static const form version_1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                               "total_inactive_file ", "total_shmem "};
static const form version_2 = {"memory.max", "memory.current", "inactive_file ",
                               "shmem "};

typedef struct memory {
    const form *form;
    uint64_t shared_bytes;
    uint64_t left;
} memory;

static uint64_t read_number(const char *folder, const char *name)
{
    char text[64];
    return shmrpci_group_read(folder, name, text, sizeof text) &&
                   text[0] >= '0' && text[0] <= '9'
               ? strtoull(text, NULL, 10)
               : UINT64_MAX; /* "max" */
}

/* Returns the number after `key` at the beginning of a line, or `other` if
 * there is no such line. */
static uint64_t find_line(const char *text, const char *key, uint64_t other)
{
    size_t len = strlen(key);
    while (strncmp(text, key, len) != 0) {
        text = strchr(text, '\n');
        if (text == NULL) {
            return other;
        }
        text++;
    }
    return strtoull(text + len, NULL, 10);
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static void look_at_memory(void *user, const char *folder)
{
    memory *m = user;
    char stat[STAT_BYTES];
    uint64_t limit = read_number(folder, m->form->limit);
    uint64_t used = read_number(folder, m->form->used);
    if (limit >= NO_LIMIT || used == UINT64_MAX) {
        return;
    }
    if (!shmrpci_group_read(folder, "memory.stat", stat, sizeof stat)) {
        stat[0] = '\0';
    }
    used = less(used, find_line(stat, m->form->cache, 0));
    /* Old kernels don't report shared memory: then all of it counts as
     * touched. */
    uint64_t touched = find_line(stat, m->form->shared, m->shared_bytes);
    used += less(m->shared_bytes, touched);
    uint64_t left = less(limit - limit / 8, used);
    m->left = left < m->left ? left : m->left;
}

uint64_t shmrpci_group_memory_left(const shmrpci_group_files *files,
                                   uint64_t shared_bytes)
{
    static const shmrpci_group_files system = {
        "/proc/self/cgroup", "/sys/fs/cgroup/memory", "/sys/fs/cgroup"};
    files = files != NULL ? files : &system;
    memory m = {&version_2, shared_bytes, UINT64_MAX};
    shmrpci_group_each(files->list, "", files->all, look_at_memory, &m);
    m.form = &version_1;
    shmrpci_group_each(files->list, "memory", files->memory, look_at_memory,
                       &m);
    return m.left;
}
