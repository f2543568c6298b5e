/*
 * Locks on ranges of a file that end with their holder: the kernel drops them
 * when the last copy of the descriptor is closed, at the latest when the
 * process dies, in whatever pid namespace (open file description locks).
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

/* Shares one byte with others that do, for which `fd` needs to be open for
 * reading only; doesn't wait. BUSY: somebody has it to himself; EXHAUSTED. */
shmrpc_status shmrpci_byte_lock_share(int fd, int64_t at);

void shmrpci_byte_lock_drop(int fd, int64_t first, int64_t count);

/* Whether another than `fd` holds the byte; true when the kernel can't say. */
bool shmrpci_byte_lock_is_held(int fd, int64_t at);

/* The lowest of `count` bytes from `first` on that another than `fd` holds or
 * shares; -1: none. The first one when the kernel can't say. */
int64_t shmrpci_byte_lock_lowest(int fd, int64_t first, int64_t count);

/* A process that has the byte, also by `fd` itself, as far as /proc tells: of
 * the same user, in the same pid namespace. 0: none is found. Reads all that is
 * there of descriptors, which takes milliseconds: for people. */
int shmrpci_byte_lock_holder(int fd, int64_t at);

#endif
