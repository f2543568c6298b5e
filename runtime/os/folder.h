/*
 * Folders that hold the sockets of services, and the locks in them.
 *
 * Owner and mode of a folder are checked on an open descriptor, and from then
 * on the folder is used only through that descriptor.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_FOLDER_H
#define SHMRPCI_OS_FOLDER_H

#include <stdint.h>

#include "shmrpc/status.h"

/* Creates a folder with exactly this mode; it may exist already. */
shmrpc_status shmrpci_folder_create(const char *path, uint32_t mode);

/* Opens a folder that belongs to us or to root and that nobody else may write
 * to. Returns NOT_FOUND, or DENIED if it is a link, not a folder, or not
 * safe. */
shmrpc_status shmrpci_folder_open(const char *path, int *out_fd);

/* Locks the file `name`, which is created if missing and never removed. The
 * lock ends when all copies of the descriptor are closed. After the holder was
 * killed, that takes a moment: the kernel frees the holder's memory first, and
 * children that are being started have copies until they run their program. So
 * this function waits for up to 1 s. Then it returns EXISTS: another process
 * holds the lock. */
shmrpc_status shmrpci_folder_lock(int dir_fd, const char *name, int *out_fd);

/* Returns a text for people that says why nothing could be created in a folder:
 * that its file system is read-only, else the text of the status. Static. */
const char *shmrpci_folder_trouble(const char *path, shmrpc_status status);

void shmrpci_folder_remove(int dir_fd, const char *name);

/* Called with the name of an entry, which is valid until the call returns. */
typedef void shmrpci_folder_entry(void *user, const char *name);

/* Reports every entry, in no particular order; entries that come or go
 * meanwhile may be among them. Returns EXHAUSTED if no descriptor is left. */
shmrpc_status shmrpci_folder_list(int dir_fd, shmrpci_folder_entry *entry,
                                  void *user);

#endif
