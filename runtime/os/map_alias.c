/* A list of mappings by file, for ThreadSanitizer. */
#include "os/map_alias.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "os/process.h"
#include "os/thread.h"

typedef struct alias {
    struct alias *next;
    ino_t inode;
    dev_t device;
    shmrpci_map map;
    shmrpci_access access;
    size_t users;
} alias;

static shmrpci_mutex lock = SHMRPCI_MUTEX_INIT;
static alias *aliases;
static int32_t owner;

/* Called under the lock. Mappings don't survive a fork, so a child forgets its
 * parent's. */
static void forget_parents(void)
{
    int32_t pid = shmrpci_process_id();
    if (owner != pid) {
        owner = pid;
        aliases = NULL;
    }
}

bool shmrpci_alias_find(int fd, size_t bytes, shmrpci_access access,
                        shmrpci_map *out, bool *out_again)
{
    struct stat info;
    bool found = false;
    *out_again = false;
    if (fstat(fd, &info) != 0) {
        return false;
    }
    shmrpci_mutex_lock(&lock);
    forget_parents();
    for (alias *it = aliases; it != NULL && !found; it = it->next) {
        if (it->inode == info.st_ino && it->device == info.st_dev &&
            it->map.bytes == bytes) {
            it->users++;
            *out_again = access == SHMRPCI_ACCESS_WRITE &&
                         it->access == SHMRPCI_ACCESS_READ;
            it->access = *out_again ? access : it->access;
            *out = it->map;
            found = true;
        }
    }
    shmrpci_mutex_unlock(&lock);
    return found;
}

void shmrpci_alias_add(int fd, shmrpci_access access, const shmrpci_map *map)
{
    struct stat info;
    alias *added = malloc(sizeof *added);
    if (added == NULL || fstat(fd, &info) != 0) {
        free(added);
        return;
    }
    shmrpci_mutex_lock(&lock);
    forget_parents();
    *added = (alias){aliases, info.st_ino, info.st_dev, *map, access, 1};
    aliases = added;
    shmrpci_mutex_unlock(&lock);
}

bool shmrpci_alias_drop(const shmrpci_map *map)
{
    bool is_last = true;
    shmrpci_mutex_lock(&lock);
    forget_parents();
    for (alias **at = &aliases; *at != NULL; at = &(*at)->next) {
        alias *it = *at;
        if (it->map.at == map->at) {
            is_last = --it->users == 0;
            if (is_last) {
                *at = it->next;
                free(it);
            }
            break;
        }
    }
    shmrpci_mutex_unlock(&lock);
    return is_last;
}
