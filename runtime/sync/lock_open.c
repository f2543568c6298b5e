/* Modes, names and forked children: how a handle gets its file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/reserved.h"
#include "os/byte_lock.h"
#include "os/clock.h"
#include "os/object_find.h"
#include "os/thread.h"
#include "sync/lock.h"

/* How long to retry while other processes create, replace or remove the same
 * lock. */
#define OPEN_NS (10 * SHMRPCI_NS_PER_S)

#define ALL_FLAGS                                                         \
    (SHMRPC_LOCK_SEMAPHORE | SHMRPC_LOCK_RECURSIVE | SHMRPC_LOCK_SHARED | \
     SHMRPC_LOCK_FAIR | SHMRPC_LOCK_HELD | SHMRPC_LOCK_ALL_USERS)

/* ---- options ------------------------------------------------------------- */

shmrpc_status shmrpci_lock_file_name(const char *name,
                                     char out[SHMRPCI_OBJECT_NAME_BYTES])
{
    if (!shmrpci_object_is_plain(name, SHMRPC_LOCK_NAME_MAX)) {
        return SHMRPC_E_INVALID;
    }
    (void)snprintf(out, SHMRPCI_OBJECT_NAME_BYTES, "%s%s", name,
                   SHMRPCI_LOCK_SUFFIX);
    return SHMRPC_OK;
}

static bool is_sensible(const shmrpc_lock_opts *opts)
{
    bool is_semaphore = (opts->flags & SHMRPC_LOCK_SEMAPHORE) != 0;
    return (opts->flags & ~(uint32_t)ALL_FLAGS) == 0 &&
           !(is_semaphore && (opts->flags & (SHMRPC_LOCK_RECURSIVE |
                                             SHMRPC_LOCK_SHARED)) != 0) &&
           (opts->permissions & ~0777u) == 0 &&
           opts->max_handles <= SHMRPC_LOCK_MAX_HANDLES &&
           opts->spin_ns >= SHMRPC_LOCK_NO_SPIN;
}

/* Locks between machines are not supported. A lock that merely expires would be
 * held twice when its holder is slow, and no message between machines proves
 * that a holder is dead. */
static bool is_remote(const char *name)
{
    return name != NULL && strncmp(name, "nats://", 7) == 0;
}

static shmrpc_status parse(shmrpc_lock *lock, const char *name,
                           const shmrpc_lock_opts *opts, shmrpc_error *error)
{
    if (is_remote(name)) {
        return shmrpc_error_set(
            error, SHMRPC_E_UNIMPLEMENTED,
            "there are no locks over NATS: nobody could tell a dead holder on "
            "another machine from a slow one; let one service do the work");
    }
    if (shmrpci_lock_file_name(name, lock->file_name) != SHMRPC_OK) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "\"%.64s\" is not a lock name (expected 1 to %d letters, digits, _ "
            "- or ., not beginning with .)",
            name == NULL ? "" : name, SHMRPC_LOCK_NAME_MAX);
    }
    if (!shmrpci_reserved_is_zero(opts->reserved, sizeof opts->reserved /
                                                      sizeof *opts->reserved)) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID, SHMRPCI_RESERVED_TEXT);
    }
    if (!is_sensible(opts)) {
        return shmrpc_error_set(
            error, SHMRPC_E_INVALID,
            "lock %.64s: flags 0x%x, permissions 0%o, max_handles %u or "
            "spin_ns are out of range or can't be combined",
            name, opts->flags, opts->permissions, opts->max_handles);
    }
    lock->flags = opts->flags;
    lock->spin_ns = opts->spin_ns;
    lock->room = (opts->flags & SHMRPC_LOCK_ALL_USERS) != 0
                     ? SHMRPCI_ROOM_ALL_USERS
                     : SHMRPCI_ROOM_USER;
    if (shmrpci_object_folder(lock->room, lock->folder) != SHMRPC_OK) {
        return shmrpc_error_set(error, SHMRPC_E_INVALID,
                                "SHMRPC_DIR is not a short absolute path");
    }
    return SHMRPC_OK;
}

/* ---- one attempt --------------------------------------------------------- */

static void let_go(shmrpc_lock *lock)
{
    shmrpci_memory_unmap(&lock->at.map);
    shmrpci_fd_close(&lock->fd);
}

/* The options with which a lock is being opened. */
typedef struct opening {
    shmrpc_lock *lock;
    const shmrpc_lock_opts *opts;
} opening;

static shmrpc_status attach_mapped(shmrpc_lock *lock)
{
    if (lock->at.kind != (lock->flags & SHMRPCI_LOCK_KIND)) {
        return SHMRPC_E_PRECONDITION;
    }
    return shmrpci_lock_attach(lock);
}

static shmrpc_status attach_existing(void *user, int fd)
{
    shmrpc_lock *lock = ((const opening *)user)->lock;
    shmrpc_status status = shmrpci_lock_map_open(fd, &lock->at);
    if (status == SHMRPC_OK) {
        lock->fd = fd;
        status = attach_mapped(lock);
    }
    if (status != SHMRPC_OK) {
        lock->fd = -1; /* the caller keeps the descriptor */
        shmrpci_memory_unmap(&lock->at.map);
    }
    return status;
}

static shmrpc_status draft(void *user, int dir_fd,
                           char temporary[SHMRPCI_OBJECT_NAME_BYTES],
                           int *out_fd)
{
    const opening *of = user;
    shmrpc_status status =
        shmrpci_lock_draft(of->lock, dir_fd, of->opts, temporary);
    if (status == SHMRPC_OK && (of->opts->flags & SHMRPC_LOCK_HELD) != 0 &&
        shmrpci_lock_is_mortal(of->lock)) {
        shmrpci_store_relaxed(&of->lock->holder, shmrpci_thread_number());
    }
    *out_fd = of->lock->fd;
    return status;
}

static void let_go_of(void *user)
{
    shmrpc_lock *lock = ((const opening *)user)->lock;
    shmrpci_store_relaxed(&lock->holder, 0u);
    let_go(lock);
}

static const shmrpci_object_ops lock_ops = {
    attach_existing,           draft, let_go_of, shmrpci_lock_is_destroyed_file,
    shmrpci_lock_destroy_file, false};

/* ---- opening ------------------------------------------------------------- */

static shmrpc_status join(shmrpc_lock *lock)
{
    shmrpc_status status = shmrpci_object_facts_of(lock->fd, &lock->identity);
    if (status == SHMRPC_OK) {
        status = shmrpci_fork_close_fd(&lock->guard, &lock->fd);
    }
    if (status == SHMRPC_OK) {
        shmrpci_descent_settle(&lock->descent);
    }
    return status;
}

static shmrpc_status find(shmrpc_lock *lock, shmrpc_lock_mode mode,
                          const shmrpc_lock_opts *opts)
{
    int dir_fd;
    shmrpc_status status = shmrpci_object_folder_open(
        lock->room, lock->folder, mode != SHMRPC_LOCK_OPEN_EXISTING, &dir_fd);
    if (status != SHMRPC_OK) {
        return status;
    }
    opening of = {lock, opts};
    status =
        shmrpci_object_find(dir_fd, lock->file_name, (shmrpci_object_mode)mode,
                            &lock_ops, &of, shmrpci_deadline_after(OPEN_NS));
    shmrpci_fd_close(&dir_fd);
    return status;
}

static const char *reason(shmrpc_status status)
{
    switch ((int)status) {
    case SHMRPC_E_PRECONDITION:
        return "it is of another kind than requested";
    case SHMRPC_E_CONTRACT:
        return "it was made by another version of shmrpc";
    case SHMRPC_E_DATA_LOSS:
        return "the file is not a lock, or damaged";
    case SHMRPC_E_EXHAUSTED:
        return "all its handles, or descriptors or memory, are in use";
    default:
        return shmrpc_status_text(status);
    }
}

shmrpc_status shmrpc_lock_open(const char *name, shmrpc_lock_mode mode,
                               const shmrpc_lock_opts *opts, shmrpc_lock **out,
                               shmrpc_error *error)
{
    static const shmrpc_lock_opts defaults = {0};
    opts = opts != NULL ? opts : &defaults;
    shmrpc_lock *lock = calloc(1, sizeof *lock);
    if (lock == NULL) {
        return shmrpc_error_set(error, SHMRPC_E_NO_MEMORY, "out of memory");
    }
    lock->fd = -1;
    shmrpc_status status = parse(lock, name, opts, error);
    if (status != SHMRPC_OK) {
        free(lock);
        return status;
    }
    shmrpci_spinner_init(&lock->spinner, SHMRPC_PROFILE_BALANCED,
                         SHMRPCI_SIDE_CLIENT);
    status = find(lock, mode, opts);
    if (status == SHMRPC_OK) {
        status = join(lock);
    }
    if (status != SHMRPC_OK) {
        (void)shmrpc_error_set(error, status, "lock %.64s in %.64s: %s", name,
                               lock->folder, reason(status));
        shmrpc_lock_close(lock);
        return status;
    }
    *out = lock;
    return SHMRPC_OK;
}

void shmrpc_lock_close(shmrpc_lock *lock)
{
    if (lock == NULL) {
        return;
    }
    shmrpci_fork_keep_fd(&lock->guard);
    if (lock->fd >= 0 && shmrpci_lock_is_ours(lock)) {
        /* Closing the file would release the byte too, unless another
         * descriptor shares our open file. A child's copy must not release it,
         * because its parent is alive. */
        SHMRPCI_ASSERT(lock->me > 0,
                       "a process with the file open is a participant");
        shmrpci_byte_lock_drop(lock->fd, lock->me - 1, 1);
    }
    let_go(lock);
    free(lock);
}

/* ---- forked children ----------------------------------------------------- */

static shmrpc_status find_again(shmrpc_lock *lock)
{
    shmrpc_status status = shmrpci_object_find_again(
        lock->room, lock->folder, lock->file_name, &lock->identity, &lock->fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_lock_map_open(lock->fd, &lock->at);
    }
    return status == SHMRPC_OK ? attach_mapped(lock) : status;
}

/* Forgets the parent's state without releasing anything. */
static shmrpc_status attach_anew(void *user)
{
    shmrpc_lock *lock = user;
    let_go(lock);
    shmrpci_store_relaxed(&lock->holder, 0u);
    lock->depth = 0;
    shmrpc_status status = find_again(lock);
    if (status != SHMRPC_OK) {
        let_go(lock);
    }
    /* Only destroyed locks lose their names. */
    return status == SHMRPC_E_NOT_FOUND ? SHMRPC_E_DESTROYED : status;
}

shmrpc_status shmrpci_lock_ensure(shmrpc_lock *lock)
{
    return shmrpci_descent_ensure(&lock->descent, attach_anew, lock);
}

/* ---- destroying a lock --------------------------------------------------- */

shmrpc_status shmrpc_lock_destroy(shmrpc_lock *lock)
{
    int dir_fd;
    shmrpc_status status = shmrpci_lock_ensure(lock);
    if (status != SHMRPC_OK) {
        return status == SHMRPC_E_DESTROYED ? SHMRPC_OK : status;
    }
    shmrpci_lock_mark_destroyed(&lock->at);
    status =
        shmrpci_object_folder_open(lock->room, lock->folder, false, &dir_fd);
    if (status == SHMRPC_OK) {
        status = shmrpci_object_remove(dir_fd, lock->file_name, lock->fd,
                                       shmrpci_lock_destroy_file,
                                       shmrpci_deadline_after(OPEN_NS));
        shmrpci_fd_close(&dir_fd);
    }
    return status == SHMRPC_E_NOT_FOUND ? SHMRPC_OK : status;
}
