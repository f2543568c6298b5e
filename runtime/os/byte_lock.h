/*
 * Locks on ranges of a file (open file description locks). A lock ends with its
 * holder: the kernel drops it when the last copy of the descriptor is closed,
 * which happens at the latest when the processes that have copies die. This
 * holds in any pid namespace.
 *
 * The ranges need not lie within the file. Two descriptors that were opened
 * separately exclude each other, even in one process; copies of a descriptor
 * (dup, fork) count as one holder.
 *
 * Threading: any thread.
 */
#ifndef SHMRPCI_OS_BYTE_LOCK_H
#define SHMRPCI_OS_BYTE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "shmrpc/status.h"

/* Locks `count` bytes from `first` on; doesn't wait. Returns BUSY if another
 * holder has one of them, or EXHAUSTED or INTERNAL if the kernel fails. */
shmrpc_status shmrpci_byte_lock_try(int fd, int64_t first, int64_t count);

/* Like try, but retries until `deadline_ns`, then returns DEADLINE. */
shmrpc_status shmrpci_byte_lock_until(int fd, int64_t first, int64_t count,
                                      int64_t deadline_ns);

/* Takes a shared lock on one byte; `fd` may be read-only; doesn't wait. Returns
 * BUSY if another holder has it exclusively, or EXHAUSTED. */
shmrpc_status shmrpci_byte_lock_share(int fd, int64_t at);

void shmrpci_byte_lock_drop(int fd, int64_t first, int64_t count);

/* Whether a descriptor other than `fd` holds the byte; true if the kernel can't
 * say. */
bool shmrpci_byte_lock_is_held(int fd, int64_t at);

/* Returns the lowest of `count` bytes from `first` on that a descriptor other
 * than `fd` holds or shares, -1 if there is none, or `first` if the kernel
 * can't say. */
int64_t shmrpci_byte_lock_lowest(int fd, int64_t first, int64_t count);

/* Returns a process that holds the byte, also through `fd` itself, or 0 if none
 * is found. Only processes of the same user in the same pid namespace are
 * visible. Reads all descriptors in /proc, which takes milliseconds: for
 * messages only. */
int shmrpci_byte_lock_holder(int fd, int64_t at);

#endif
