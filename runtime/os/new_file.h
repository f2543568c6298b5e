/*
 * Files that replace older ones atomically: whichever process dies in between,
 * opening the name gives either the complete old file or the complete new one.
 *
 * The writer writes to NAME.new in the same folder, and locks its first byte
 * (byte_lock.h). The next writer overwrites what a dead one has left there, so
 * that at most one such file remains.
 *
 * Threading: one thread at a time for a file.
 */
#ifndef SHMRPCI_OS_NEW_FILE_H
#define SHMRPCI_OS_NEW_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "os/fork.h"
#include "shmrpc/status.h"

#define SHMRPCI_NEW_FILE_NAME_BYTES 256

/* A file being written. Must not move between begin and commit or abort. */
typedef struct shmrpci_new_file {
    int dir_fd;
    int fd;
    /* A child that is forked meanwhile must not keep the lock. */
    shmrpci_fork_fd guard;
    uint64_t bytes;     /* written so far */
    uint64_t max_bytes; /* RLIMIT_FSIZE: a longer file would kill us by a
                         * signal */
    char name[SHMRPCI_NEW_FILE_NAME_BYTES];
    char temporary[SHMRPCI_NEW_FILE_NAME_BYTES];
} shmrpci_new_file;

/* Begins a file that will be at `path`, with these permission bits. Returns
 * NOT_FOUND if the folder is missing; DENIED by permissions, or if another
 * user's file is in the way; BUSY if another process is writing the file;
 * INVALID if `path` is not a file name; EXHAUSTED. */
shmrpc_status shmrpci_new_file_begin(const char *path, uint32_t mode,
                                     shmrpci_new_file *out);

/* Appends. Returns EXHAUSTED if there is no space; after any failure only abort
 * may be called. */
shmrpc_status shmrpci_new_file_write(shmrpci_new_file *file, const void *data,
                                     size_t len);

/* Syncs the file to the disk, gives it its name, and syncs the name. On failure
 * the older file still exists, and this one does not. */
shmrpc_status shmrpci_new_file_commit(shmrpci_new_file *file);

/* Renames a file, replacing the one that has the new name. */
shmrpc_status shmrpci_new_file_rename(const char *from, const char *to);

/* Drops the new file; the older one stays unchanged. */
void shmrpci_new_file_abort(shmrpci_new_file *file);

#endif
