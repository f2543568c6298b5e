/*
 * Opens, creates, replaces and removes the file of a shared object by its name,
 * for objects of every kind.
 *
 * Of several processes that create an object at the same time one succeeds, and
 * the others open its file, which is complete before it has a name. Only a
 * process that holds the name byte of a file (os/object.h) removes its name, so
 * two processes that replace the same object can't unlink each other's files.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_OBJECT_FIND_H
#define SHMRPCI_OS_OBJECT_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "os/object.h"

/* How to open, with the numbers of the public modes. */
typedef enum shmrpci_object_mode {
    SHMRPCI_OBJECT_OPEN_OR_CREATE = 0,
    SHMRPCI_OBJECT_OPEN_EXISTING = 1,
    SHMRPCI_OBJECT_CREATE = 2,
    SHMRPCI_OBJECT_REPLACE = 3
} shmrpci_object_mode;

/* The operations of a kind of object on its files. `user` is the caller's
 * pointer. */
typedef struct shmrpci_object_ops {
    /* Joins an existing object; on success takes ownership of `fd`. Returns
     * DESTROYED if the object was destroyed, or its lifetime is over: its name
     * may be removed. */
    shmrpc_status (*attach)(void *user, int fd);
    /* Creates an object without a name (shmrpci_object_draft) and joins it;
     * let_go cleans up after a failure. */
    shmrpc_status (*draft)(void *user, int dir_fd,
                           char temporary[SHMRPCI_OBJECT_NAME_BYTES],
                           int *out_fd);
    /* Undoes what draft has begun, and closes its descriptor. */
    void (*let_go)(void *user);
    /* Whether the object in that file has been destroyed. */
    bool (*is_destroyed)(int fd);
    /* Marks the object as destroyed, and wakes all waiters; does nothing if the
     * file is not an object. */
    void (*destroy)(int fd);
    /* For REPLACE: drafts the new object before the old one loses its name, so
     * that a failure leaves the old one in place; otherwise the old one's
     * memory is freed first. */
    bool drafts_first;
} shmrpci_object_ops;

/*
 * Opens the object in the file `name` of a folder, creates it, or both, as
 * `mode` says: calls attach or draft, repeatedly while other processes are
 * creating, replacing or removing the same object, at most until `deadline_ns`.
 * Returns NOT_FOUND or EXISTS as `mode` says; DENIED; else statuses of attach
 * and draft.
 */
shmrpc_status shmrpci_object_find(int dir_fd, const char *name,
                                  shmrpci_object_mode mode,
                                  const shmrpci_object_ops *ops, void *user,
                                  int64_t deadline_ns);

/* Destroys the object in the file and removes the name, if the file still has
 * it. Returns DENIED, or DEADLINE if another process holds the name's byte. */
shmrpc_status shmrpci_object_remove(int dir_fd, const char *name, int fd,
                                    void (*destroy)(int fd),
                                    int64_t deadline_ns);

/* In a forked child, opens the file `name` if it still is the file that the
 * parent had open, which `facts` identifies; otherwise returns NOT_FOUND. */
shmrpc_status shmrpci_object_find_again(shmrpci_room room, const char *folder,
                                        const char *name,
                                        const shmrpci_object_facts *facts,
                                        int *out_fd);

#endif
