/*
 * Locks on ranges of a file that end with their holder: the kernel drops them
 * when the last copy of the descriptor is closed, at the latest when the
 * process dies, in any pid namespace (open file description locks).
 *
 * The ranges need not lie within the file.  Two descriptors opened apart
 * exclude each other, in one process too; copies (dup, fork) are one holder.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_BYTE_LOCK_H
#define SHMRPCI_OS_BYTE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/status.h"

/* Takes `count` bytes from `first` on; doesn't wait. BUSY: another holds one
 * of them; EXHAUSTED, INTERNAL: the kernel can't. */
shmrpc_status shmrpci_byte_lock_try(int fd, int64_t first, int64_t count);

/* The same, but tries until `deadline_ns`; DEADLINE. */
shmrpc_status shmrpci_byte_lock_until(int fd, int64_t first, int64_t count,
                                      int64_t deadline_ns);

/* Shares one byte with others that share it; `fd` may be read-only; doesn't
 * wait. BUSY: another holds it exclusively; EXHAUSTED. */
shmrpc_status shmrpci_byte_lock_share(int fd, int64_t at);

void shmrpci_byte_lock_drop(int fd, int64_t first, int64_t count);

/* Whether a descriptor other than `fd` holds the byte; true if the kernel can't
 * say. */
bool shmrpci_byte_lock_is_held(int fd, int64_t at);

/* The lowest of `count` bytes from `first` on that a descriptor other than `fd`
 * holds or shares; -1: none. The first one if the kernel can't say. */
int64_t shmrpci_byte_lock_lowest(int fd, int64_t first, int64_t count);

/* A process that has the byte, also by `fd` itself, as far as /proc shows: of
 * the same user, in the same pid namespace. 0: not found. Reads all descriptors
 * there, which takes milliseconds: for messages. */
int shmrpci_byte_lock_holder(int fd, int64_t at);

#endif
