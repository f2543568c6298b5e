/*
 * Folders that hold the sockets of services, and the locks in them.
 *
 * A folder is used through its descriptor only, after its owner and mode have
 * been checked on that descriptor.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_FOLDER_H
#define SHMRPCI_OS_FOLDER_H

#include <stdint.h>

#include "shmrpc/status.h"

/* Makes a folder with exactly this mode; it may exist already. */
shmrpc_status shmrpci_folder_create(const char *path, uint32_t mode);

/* Opens a folder that belongs to us or to root and that nobody else may write
 * to. NOT_FOUND; DENIED: a link, not a folder, or not safe. */
shmrpc_status shmrpci_folder_open(const char *path, int *out_fd);

/* Takes the lock file `name`, which is made and never removed. The lock ends
 * when all copies of the descriptor are closed. After a kill that is a moment
 * later than the process's end, as the kernel frees its memory first, and
 * children being started have copies until they run; so this waits for it, 1 s
 * at most. EXISTS: another process holds it. */
shmrpc_status shmrpci_folder_lock(int dir_fd, const char *name, int *out_fd);

/* Why nothing could be made in a folder, for people: the text of the status, or
 * that its file system is for reading only. Static. */
const char *shmrpci_folder_trouble(const char *path, shmrpc_status status);

void shmrpci_folder_remove(int dir_fd, const char *name);

/* `name` lives until the call returns. */
typedef void shmrpci_folder_entry(void *user, const char *name);

/* Reports every entry, in no particular order; entries that come or go
 * meanwhile may be among them. EXHAUSTED: no descriptor left. */
shmrpc_status shmrpci_folder_list(int dir_fd, shmrpci_folder_entry *entry,
                                  void *user);

#endif
