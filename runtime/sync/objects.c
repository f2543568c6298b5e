/* Listing and cleaning the folders of named objects. */
#include "shmrpc/objects.h"

#include <string.h>

#include "os/byte_lock.h"
#include "os/clock.h"
#include "sync/lock.h"

/* Somebody may be removing the same. */
#define REMOVE_NS SHMRPCI_NS_PER_S

/* A draft with a temporary name is young until its creator has locked a byte
 * of it. */
#define DRAFT_NS (10 * SHMRPCI_NS_PER_S)

static shmrpc_status open_folder(shmrpc_scope scope, int *out_dir)
{
    char path[SHMRPCI_OBJECT_PATH_BYTES];
    shmrpci_room room =
        scope == SHMRPC_SCOPE_USER ? SHMRPCI_ROOM_USER : SHMRPCI_ROOM_ALL_USERS;
    shmrpc_status status = shmrpci_object_folder(room, path);
    return status != SHMRPC_OK
               ? status
               : shmrpci_object_folder_open(room, path, false, out_dir);
}

/* ---- looking ------------------------------------------------------------- */

static const char *kind_name(uint32_t kind)
{
    if ((kind & SHMRPC_LOCK_SEMAPHORE) != 0) {
        return "semaphore";
    }
    return (kind & SHMRPC_LOCK_SHARED) != 0 ? "shared lock" : "lock";
}

static uint32_t count_open(const shmrpci_lock_map *at, int fd)
{
    uint32_t high = shmrpci_load_relaxed(&at->file->high);
    uint32_t count = 0;
    for (uint32_t i = 0; i < high && i < at->slot_count; i++) {
        count += shmrpci_byte_lock_is_held(fd, i) ? 1 : 0;
    }
    return count;
}

static shmrpc_object_state state_of(const shmrpci_lock_map *at, int fd,
                                    uint32_t word)
{
    uint32_t owner = word & SHMRPCI_LOCK_OWNER;
    bool is_semaphore = (at->kind & SHMRPC_LOCK_SEMAPHORE) != 0;
    if ((word & SHMRPCI_LOCK_DESTROYED) != 0) {
        return SHMRPC_OBJECT_DESTROYED;
    }
    if (owner > at->slot_count && owner != SHMRPCI_LOCK_GONE) {
        return SHMRPC_OBJECT_DAMAGED;
    }
    if (owner != 0 && is_semaphore) {
        return SHMRPC_OBJECT_HELD;
    }
    if (owner != 0 && owner != SHMRPCI_LOCK_GONE &&
        shmrpci_byte_lock_is_held(fd, owner - 1)) {
        return SHMRPC_OBJECT_HELD;
    }
    return owner != 0 || (word & SHMRPCI_LOCK_BROKEN) != 0
               ? SHMRPC_OBJECT_OWNER_DIED
               : SHMRPC_OBJECT_FREE;
}

static void describe_map(const shmrpci_lock_map *at, int fd,
                         shmrpc_object_info *info)
{
    uint32_t word = shmrpci_load_seq(&at->file->word);
    uint32_t owner = word & SHMRPCI_LOCK_OWNER;
    info->kind = kind_name(at->kind);
    info->state = state_of(at, fd, word);
    info->open_count = count_open(at, fd);
    if (owner != 0 && owner <= at->slot_count) {
        info->owner_pid =
            (int32_t)shmrpci_load_relaxed(&at->file->slots[owner - 1].pid);
    }
}

static void describe(int fd, shmrpc_object_info *info)
{
    shmrpci_object_facts facts;
    shmrpci_lock_map at;
    if (shmrpci_object_facts_of(fd, &facts) == SHMRPC_OK) {
        info->uid = facts.uid;
        info->mode = facts.mode;
        info->idle_ns = facts.age_ns > 0 ? facts.age_ns : 0;
    }
    if (shmrpci_lock_map_open(fd, &at) == SHMRPC_OK) {
        describe_map(&at, fd, info);
        shmrpci_memory_unmap(&at.map);
    }
}

/* "name" of "name.lock"; false: not the file of an object. */
static bool object_name(const char *file, char out[SHMRPCI_OBJECT_NAME_BYTES])
{
    size_t len = strlen(file);
    size_t suffix = sizeof SHMRPCI_LOCK_SUFFIX - 1;
    char again[SHMRPCI_OBJECT_NAME_BYTES];
    if (len <= suffix || len >= SHMRPCI_OBJECT_NAME_BYTES ||
        strcmp(file + len - suffix, SHMRPCI_LOCK_SUFFIX) != 0) {
        return false;
    }
    memcpy(out, file, len - suffix);
    out[len - suffix] = '\0';
    return shmrpci_lock_file_name(out, again) == SHMRPC_OK;
}

typedef struct {
    int dir_fd;
    shmrpc_object_visitor *visit;
    void *user;
} listing;

static bool list_one(void *user, const char *file)
{
    const listing *of = user;
    char name[SHMRPCI_OBJECT_NAME_BYTES];
    int fd;
    if (!object_name(file, name)) {
        return true;
    }
    shmrpc_object_info info = {.name = name, .kind = "?"};
    shmrpc_status status = shmrpci_object_open(of->dir_fd, file, &fd);
    if (status == SHMRPC_E_NOT_FOUND) {
        return true;
    }
    info.state =
        status == SHMRPC_OK ? SHMRPC_OBJECT_DAMAGED : SHMRPC_OBJECT_UNREADABLE;
    if (status == SHMRPC_OK) {
        describe(fd, &info);
        shmrpci_fd_close(&fd);
    }
    return of->visit(of->user, &info);
}

shmrpc_status shmrpc_objects_visit(shmrpc_scope scope,
                                   shmrpc_object_visitor *visit, void *user)
{
    listing of = {-1, visit, user};
    shmrpc_status status = open_folder(scope, &of.dir_fd);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_NOT_FOUND ? SHMRPC_OK : status;
    }
    status = shmrpci_object_each(of.dir_fd, list_one, &of);
    shmrpci_fd_close(&of.dir_fd);
    return status;
}

/* ---- removing ------------------------------------------------------------ */

shmrpc_status shmrpc_object_remove(shmrpc_scope scope, const char *name,
                                   shmrpc_error *error)
{
    char file[SHMRPCI_OBJECT_NAME_BYTES];
    int dir_fd;
    int fd;
    shmrpc_status status = shmrpci_lock_file_name(name, file);
    if (status == SHMRPC_OK) {
        status = open_folder(scope, &dir_fd);
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_object_open(dir_fd, file, &fd);
        if (status == SHMRPC_OK) {
            status = shmrpci_lock_remove(dir_fd, file, fd,
                                         shmrpci_deadline_after(REMOVE_NS));
            shmrpci_fd_close(&fd);
        }
        shmrpci_fd_close(&dir_fd);
    }
    if (status != SHMRPC_OK) {
        (void)shmrpc_error_set(error, status, "object %.64s: %s",
                               name == NULL ? "" : name,
                               shmrpc_status_text(status));
    }
    return status;
}

typedef struct {
    int dir_fd;
    int64_t min_idle_ns;
    uint32_t removed;
} collection;

static bool is_dead(int fd, const char *file, int64_t min_idle_ns)
{
    shmrpci_object_facts facts;
    int64_t least = shmrpci_object_is_temporary(file) && min_idle_ns < DRAFT_NS
                        ? DRAFT_NS
                        : min_idle_ns;
    return shmrpci_object_facts_of(fd, &facts) == SHMRPC_OK &&
           facts.age_ns >= least;
}

static bool collect_one(void *user, const char *file)
{
    collection *of = user;
    char name[SHMRPCI_OBJECT_NAME_BYTES];
    int fd;
    if ((!object_name(file, name) && !shmrpci_object_is_temporary(file)) ||
        shmrpci_object_open(of->dir_fd, file, &fd) != SHMRPC_OK) {
        return true;
    }
    /* All bytes: nobody takes part, and nobody can begin to before we are
     * done; who tries then finds it destroyed. */
    if (is_dead(fd, file, of->min_idle_ns) &&
        shmrpci_byte_lock_try(fd, 0, SHMRPC_LOCK_MAX_HANDLES) == SHMRPC_OK &&
        shmrpci_lock_remove(of->dir_fd, file, fd,
                            shmrpci_deadline_after(REMOVE_NS)) == SHMRPC_OK) {
        of->removed++;
    }
    shmrpci_fd_close(&fd);
    return true;
}

shmrpc_status shmrpc_objects_collect(shmrpc_scope scope, int64_t min_idle_ns,
                                     uint32_t *out_removed)
{
    collection of = {-1, min_idle_ns, 0};
    shmrpc_status status = open_folder(scope, &of.dir_fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_object_each(of.dir_fd, collect_one, &of);
        shmrpci_fd_close(&of.dir_fd);
    } else if (status == SHMRPC_E_NOT_FOUND) {
        status = SHMRPC_OK;
    }
    if (status == SHMRPC_OK && out_removed != NULL) {
        *out_removed = of.removed;
    }
    return status;
}
