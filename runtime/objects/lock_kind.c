/* Locks (shmrpc/lock.h) as a kind of named objects. They are not regions, but
 * small files with a word and a table of participants (sync/lock_layout.h). The
 * functions here read these files without joining the locks. */
#include "objects/kind.h"
#include "os/byte_lock.h"
#include "sync/lock.h"

/* The name of a lock's kind, as shown to users. `kind` has the flags from the
 * file. */
static const char *kind_name(uint32_t kind)
{
    if ((kind & SHMRPC_LOCK_SEMAPHORE) != 0) {
        return "semaphore";
    }
    return (kind & SHMRPC_LOCK_SHARED) != 0 ? "shared lock" : "lock";
}

/* Counts the participants that are alive: those whose byte is locked. */
static uint32_t count_open(const shmrpci_lock_map *at, int fd)
{
    uint32_t high = shmrpci_load_relaxed(&at->file->high);
    uint32_t count = 0;
    for (uint32_t i = 0; i < high && i < at->slot_count; i++) {
        count += shmrpci_byte_lock_is_held(fd, i) ? 1 : 0;
    }
    return count;
}

/* Derived from a single copy of the word. An owner whose byte is free has died,
 * whether or not anybody has noticed yet. */
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

/* The pid is what the owner wrote. It is only for people; by now it may belong
 * to another process. */
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

/* If the file is not a lock the state stays DAMAGED, as the caller set it. */
static void describe(const shmrpci_object_kind *kind, int fd,
                     shmrpc_object_info *info,
                     char texts[SHMRPCI_KIND_NAME_BYTES])
{
    shmrpci_lock_map at;
    (void)kind;
    (void)texts;
    if (shmrpci_lock_map_open(fd, &at) == SHMRPC_OK) {
        describe_map(&at, fd, info);
        shmrpci_memory_unmap(&at.map);
    }
}

/* Tries to take the bytes of all participants. If that succeeds, no process has
 * the lock open, and none can open it until `fd` is closed; a process that
 * tries finds the lock destroyed. */
static bool is_over(int fd, int64_t idle_ns, int64_t min_idle_ns)
{
    return idle_ns >= min_idle_ns &&
           shmrpci_byte_lock_try(fd, 0, SHMRPC_LOCK_MAX_HANDLES) == SHMRPC_OK;
}

const shmrpci_object_kind shmrpci_kind_lock = {
    .name = "lock",
    .suffix = SHMRPCI_LOCK_SUFFIX,
    .plain_name_max = SHMRPC_LOCK_NAME_MAX,
    .describe = describe,
    .destroy = shmrpci_lock_destroy_file,
    .is_over = is_over,
};
