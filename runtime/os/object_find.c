/* Modes and names of objects. */
#include "os/object_find.h"

#include "os/byte_lock.h"
#include "os/clock.h"
#include "os/memory.h"

shmrpc_status shmrpci_object_remove(int dir_fd, const char *name, int fd,
                                    void (*destroy)(int fd),
                                    int64_t deadline_ns)
{
    shmrpc_status status =
        shmrpci_byte_lock_until(fd, SHMRPCI_OBJECT_NAME_BYTE, 1, deadline_ns);
    if (status != SHMRPC_OK) {
        return status;
    }
    if (shmrpci_object_is_named(dir_fd, name, fd)) {
        destroy(fd);
        status = shmrpci_object_unlink(dir_fd, name);
    }
    shmrpci_byte_lock_drop(fd, SHMRPCI_OBJECT_NAME_BYTE, 1);
    return status;
}

/* ---- one attempt --------------------------------------------------------- */

typedef struct attempt {
    int dir_fd;
    const char *name;
    shmrpci_object_mode mode;
    const shmrpci_object_ops *ops;
    void *user;
    int64_t deadline_ns;
} attempt;

static shmrpc_status remove_one(const attempt *at, int fd)
{
    return shmrpci_object_remove(at->dir_fd, at->name, fd, at->ops->destroy,
                                 at->deadline_ns);
}

/* Opens the existing file and joins its object. If the object was destroyed, or
 * is to be replaced, removes its name and returns DESTROYED. */
static shmrpc_status open_existing(const attempt *at)
{
    int fd;
    shmrpc_status status = shmrpci_object_open(at->dir_fd, at->name, &fd);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = at->mode == SHMRPCI_OBJECT_REPLACE ? SHMRPC_E_DESTROYED
                                                : at->ops->attach(at->user, fd);
    if (status == SHMRPC_OK) {
        return SHMRPC_OK;
    }
    if (status == SHMRPC_E_DESTROYED) {
        shmrpc_status removed = remove_one(at, fd);
        status = removed == SHMRPC_OK || removed == SHMRPC_E_NOT_FOUND
                     ? SHMRPC_E_DESTROYED
                     : removed;
    }
    shmrpci_fd_close(&fd);
    return status;
}

static shmrpc_status create(const attempt *at)
{
    char temporary[SHMRPCI_OBJECT_NAME_BYTES];
    int fd = -1;
    shmrpc_status status = at->ops->draft(at->user, at->dir_fd, temporary, &fd);
    if (status == SHMRPC_OK && at->mode == SHMRPCI_OBJECT_REPLACE &&
        at->ops->drafts_first) {
        shmrpc_status removed = open_existing(at);
        status = removed == SHMRPC_E_DESTROYED || removed == SHMRPC_E_NOT_FOUND
                     ? SHMRPC_OK
                     : removed;
        if (status != SHMRPC_OK && temporary[0] != '\0') {
            (void)shmrpci_object_unlink(at->dir_fd, temporary);
        }
    }
    if (status == SHMRPC_OK) {
        status = shmrpci_object_publish(at->dir_fd, fd, temporary, at->name);
    }
    if (status != SHMRPC_OK) {
        at->ops->let_go(at->user);
    }
    return status;
}

/* Decides on EXISTS in mode CREATE: whether the object really exists, or the
 * file is only the remains of a destroyed one. Returns DESTROYED if the caller
 * should start again. */
static shmrpc_status look_at_existing(const attempt *at)
{
    int fd;
    if (shmrpci_object_open(at->dir_fd, at->name, &fd) != SHMRPC_OK) {
        return SHMRPC_E_EXISTS;
    }
    bool is_gone = at->ops->is_destroyed(fd) && remove_one(at, fd) == SHMRPC_OK;
    shmrpci_fd_close(&fd);
    return is_gone ? SHMRPC_E_DESTROYED : SHMRPC_E_EXISTS;
}

/* Makes one attempt; returns DESTROYED if the caller should try again. */
static shmrpc_status try_once(const attempt *at)
{
    if (at->mode != SHMRPCI_OBJECT_CREATE &&
        !(at->mode == SHMRPCI_OBJECT_REPLACE && at->ops->drafts_first)) {
        shmrpc_status status = open_existing(at);
        if (status != SHMRPC_E_NOT_FOUND &&
            !(at->mode == SHMRPCI_OBJECT_REPLACE &&
              status == SHMRPC_E_DESTROYED)) {
            return status;
        }
        if (at->mode == SHMRPCI_OBJECT_OPEN_EXISTING) {
            return SHMRPC_E_NOT_FOUND;
        }
    }
    shmrpc_status status = create(at);
    if (status != SHMRPC_E_EXISTS) {
        return status;
    }
    /* Another process has created it meanwhile. */
    return at->mode == SHMRPCI_OBJECT_CREATE ? look_at_existing(at)
                                             : SHMRPC_E_DESTROYED;
}

shmrpc_status shmrpci_object_find(int dir_fd, const char *name,
                                  shmrpci_object_mode mode,
                                  const shmrpci_object_ops *ops, void *user,
                                  int64_t deadline_ns)
{
    attempt at = {dir_fd, name, mode, ops, user, deadline_ns};
    shmrpc_status status;
    do {
        status = try_once(&at);
    } while (status == SHMRPC_E_DESTROYED &&
             shmrpci_remaining_ns(deadline_ns) > 0);
    return status;
}

/* ---- forked children ----------------------------------------------------- */

shmrpc_status shmrpci_object_find_again(shmrpci_room room, const char *folder,
                                        const char *name,
                                        const shmrpci_object_facts *facts,
                                        int *out_fd)
{
    int dir_fd;
    int fd;
    shmrpci_object_facts found;
    shmrpc_status status =
        shmrpci_object_folder_open(room, folder, false, &dir_fd);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_object_open(dir_fd, name, &fd);
    shmrpci_fd_close(&dir_fd);
    if (status != SHMRPC_OK) {
        return status;
    }
    status = shmrpci_object_facts_of(fd, &found);
    if (status == SHMRPC_OK &&
        (found.device != facts->device || found.inode != facts->inode)) {
        status = SHMRPC_E_NOT_FOUND;
    }
    if (status != SHMRPC_OK) {
        shmrpci_fd_close(&fd);
        return status;
    }
    *out_fd = fd;
    return SHMRPC_OK;
}
