/*
 * Files that are read once, sequentially.
 *
 * Threading: one thread at a time for a descriptor.
 */
#ifndef SHMRPCI_OS_READ_FILE_H
#define SHMRPCI_OS_READ_FILE_H

#include <stddef.h>

#include "shmrpc/status.h"

/* Opens a regular file, or a link to one, but nothing that could block. Returns
 * NOT_FOUND, or DENIED, also if it is not a regular file. */
shmrpc_status shmrpci_read_file_open(const char *path, int *out_fd);

/* Reads the next `len` bytes. Returns NOT_FOUND if there are fewer, or INTERNAL
 * if the disk fails. */
shmrpc_status shmrpci_read_file(int fd, void *data, size_t len);

#endif
